"""PruningPath: the nested sequence of smaller models inside a fitted one.

One integer per removable unit, the step at which it goes, encodes every model of the sequence: a
node of a tree is a leaf at a step exactly when `removed_at <= step`, a weight, neuron or column of
a network is gone. Of trees, sizes, predictions, scores and cuts follow from that array, so a path
costs as much memory as the model and no refit; of networks, which are fine-tuned after each step,
the path also holds the weights of every step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import scoring as scores
from .network import Network
from .stages import EnsembleStages, NetworkStages, RegroupedStages, Stages, TreeStages
from .trees import Trees

__all__ = ["PruningPath"]

Array = npt.NDArray


@dataclass(frozen=True, eq=False, repr=False)
class PruningPath:
    """Every step of pruning a fitted model, from as grown to the smallest.

    Made by `pruning_path`; `PrunedClassifier` and `PrunedRegressor` hold a scored one in `path_`.

    Parameters
    ----------
    model : fitted model
        As grown; never changed.
    trees : Trees or None
        What was read from it; None of a network.
    removed_at : array of int32, shape (n_units,)
        Step at which each unit goes: each split (0 at leaves of the grown model), or each weight,
        neuron or raw column of a network (0 where it did nothing); `len(path)` where never.
    strength, risk : array of float64, shape (n_steps,)
        Strength from which on each step is the best one (-inf for step 0), and the pruning risk
        of its model, per unit of row weight (forests: mean over trees). Of boosters whose leaves
        are not refitted it is the change of the loss to second order, of `truncate` NaN. Of
        networks the strength is the share of units that is gone, the risk the mean training loss.
    size : array of int, shape (n_steps,)
        Leaves of all trees, or units of a network that still do something. Of boosters, and of
        forests whose leaves are refitted, leaves of the trees that still split (1 where none
        does): what is constant is folded into another tree.
    method : str
        Name of the pruning method.
    unit, size_unit : str
        What is removed ("node", "weight", "neuron", "input") and what is counted.
    networks : tuple of Network
        Of a network: its weights at every step, in the shapes of the trained one.
    values : tuple of array, each (n_answering, k)
        Of an ensemble whose leaves are refitted: values of the nodes that answer at each step, in
        their order; of a booster's node that of its own score. Empty at step 0, and altogether
        where nodes answer with the values in `trees`.
    counts : dict of str to array, shape (n_steps,)
        Further counts: raw columns that are read, of networks also neurons and weights (and the
        penalty `l1` of each step of that method).
    step_score, step_score_se : array of float64, shape (n_steps,), or None
        Cross-validated mean and standard error, larger is better; NaN at steps not asked.
    scoring : str or None
        Name of the score.
    chosen : int or None
        The step that was chosen by `PrunedClassifier` and the like.
    measures : DataFrame or None
        A row a step, once `interpretability` has measured the path: `interpretability` (the
        composite), its components, and `loss` with `loss_se`; intervals beside them.
    regrouped : PruningPath or None
        Of `additive`, whose splits stand alone from step 1 on: the path of the model that they
        make, whose step 0 is this one's step 1. `removed_at` here says of the first node that
        splits so when the split goes.

    References
    ----------
    Breiman, Friedman, Olshen & Stone (1984), Classification and Regression Trees, ch. 3 and 10.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import pruning_path
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
    >>> path
    PruningPath(cost_complexity, 14 steps, 22 to 1 leaves)
    >>> print(path.cut(size=5).get_n_leaves())  # there is none with exactly 5
    4
    """

    model: Any
    trees: Trees | None
    removed_at: Array
    strength: Array
    size: Array
    risk: Array
    method: str
    unit: str = "node"
    size_unit: str = "leaves"
    step_score: Array | None = None
    step_score_se: Array | None = None
    scoring: str | None = None
    chosen: int | None = None
    networks: tuple[Network, ...] = ()
    values: tuple[Array, ...] = ()
    counts: dict[str, Array] = field(default_factory=dict)
    measures: pd.DataFrame | None = None
    regrouped: PruningPath | None = None

    def __post_init__(self) -> None:
        for name in ("removed_at", "strength", "size", "risk"):
            getattr(self, name).setflags(write=False)

    def __len__(self) -> int:
        """Number of steps, the grown model included."""
        return len(self.strength)

    def __repr__(self) -> str:
        return (
            f"PruningPath({self.method}, {len(self)} steps, {self.size[0]} to {self.size[-1]} "
            f"{self.size_unit})"
        )

    def to_frame(self) -> pd.DataFrame:
        """A row a step, the table that rpart users know as cptable.

        Returns
        -------
        DataFrame
            Columns step, strength, size, risk, score, score_se, interpretability. Scores are NaN
            where they were not asked (scores that are not additive are asked on at most 200
            steps); interpretability is NaN until `treeprune.interpretability` has measured it, at
            the steps it was asked for. Of networks also columns, neurons and weights (live ones,
            whatever the unit).

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import pruning_path
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> path = pruning_path(DecisionTreeClassifier(max_leaf_nodes=4, random_state=0).fit(X, y))
        >>> path.to_frame()[["step", "size"]].values.tolist()
        [[0, 4], [1, 3], [2, 2], [3, 1]]
        """
        nan = np.full(len(self), np.nan)
        return pd.DataFrame(
            {
                "step": np.arange(len(self)),
                "strength": self.strength,
                "size": self.size,
                "risk": self.risk,
                "score": nan if self.step_score is None else self.step_score,
                "score_se": nan if self.step_score_se is None else self.step_score_se,
                "interpretability": nan
                if self.measures is None
                else self.measures["interpretability"].to_numpy(),
                **(self.counts if self.networks else {}),
            }
        )

    def step_for(
        self,
        *,
        size: int | None = None,
        strength: float | None = None,
        columns: int | None = None,
        neurons: int | None = None,
        weights: int | None = None,
        interpretability: float | None = None,
        loss: float | None = None,
    ) -> int:
        """Step of a size, a strength, a budget in human units, or a limit on what was measured.

        Parameters
        ----------
        size : int, optional
            The largest model with at most this many leaves (or units of a network).
        strength : float, optional
            The last step whose strength is at most this.
        columns, neurons, weights : int, optional
            The largest model that reads at most this many raw columns, or has at most so many
            hidden neurons or weights (of networks).
        interpretability : float, optional
            The model of least loss among those whose composite is at least this, on a path that
            `treeprune.interpretability` has measured; the smallest of equal ones.
        loss : float, optional
            The model of highest composite among those whose loss is at most this.

        Raises
        ------
        ValueError
            If not exactly one is given, the strength is NaN, every model is larger, the path
            does not count such things or was not measured, or no step is within the limit (the
            message says which comes nearest).

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import pruning_path
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
        >>> path.step_for(size=5), path.step_for(strength=1.0), path.step_for(columns=2)
        (10, 13, 11)
        """
        budgets = {"columns": columns, "neurons": neurons, "weights": weights}
        asked = {name: most for name, most in budgets.items() if most is not None}
        others = (size, strength, interpretability, loss)
        if len(asked) + sum(value is not None for value in others) != 1:
            raise ValueError(
                "give either size or strength, or one of columns, neurons, weights, "
                "interpretability, loss"
            )
        if interpretability is not None:
            return self._measured_within("interpretability", -interpretability, "loss", 1)
        if loss is not None:
            return self._measured_within("loss", loss, "interpretability", -1)
        if strength is not None:
            if np.isnan(strength):
                raise ValueError("strength is NaN; give a number, inf for the smallest model")
            return int(np.searchsorted(self.strength, strength, side="right")) - 1
        if size is not None:
            return self._first_within(self.size, size, self.size_unit)
        name, most = asked.popitem()
        if name not in self.counts:
            raise ValueError(
                f"this path of {self.size_unit} does not count {name}; possible are size, "
                f"strength, {', '.join(self.counts)}"
            )
        return self._first_within(self.counts[name], most, name)

    def _measured_within(self, name: str, most: float, aim: str, sign: int) -> int:
        """Step whose `aim` is best among those within a limit; larger composites are better."""
        if self.measures is None:
            raise ValueError(
                f"nothing is known of the {name} of these steps; measure the path first: "
                "path = treeprune.interpretability(path, X, y)"
            )
        own = (1 if name == "loss" else -1) * self.measures[name].to_numpy()
        if np.isnan(most) or np.isnan(own).all():
            raise ValueError(
                f"{name} is {abs(most)} or was measured at no step; give a number, and measure "
                "the path with outcomes"
            )
        inside = own <= most
        if not inside.any():
            near = int(np.nanargmin(own))
            word = "at most" if name == "loss" else "at least"
            raise ValueError(
                f"no step has {name} {word} {abs(most):.4g}; nearest is step {near} with "
                f"{abs(own[near]):.4g} ({self.size[near]} {self.size_unit})"
            )
        value = np.where(inside, sign * self.measures[aim].to_numpy(), np.nan)
        if np.isnan(value).all():  # no losses: the smallest model within the limit
            return int(np.flatnonzero(inside)[-1])
        return int(np.flatnonzero(value <= np.nanmin(value) + 1e-12)[-1])

    def _first_within(self, counts: Array, most: int, name: str) -> int:
        steps = np.flatnonzero(counts <= most)
        if not len(steps):
            more = ""
            if self.networks and name == self.size_unit == "weights":
                more = (
                    f"; let the path go further: method=METHODS[{self.method!r}].with_options("
                    "final=0.9999)"
                    if self.method != "l1"
                    else ""
                )
            raise ValueError(
                f"no step has at most {most} {name}; sizes go from {counts[0]} to {counts[-1]}"
                f"{more}"
            )
        return int(steps[0])

    def cut(
        self,
        step: int | None = None,
        *,
        size: int | None = None,
        strength: float | None = None,
        columns: int | None = None,
        neurons: int | None = None,
        weights: int | None = None,
        interpretability: float | None = None,
        loss: float | None = None,
    ) -> Any:
        """The native model of a step; networks are compacted.

        Parameters
        ----------
        step : int, optional
            Number of the step; negative ones count from the end.
        size, strength, columns, neurons, weights, interpretability, loss : optional
            See `step_for`.

        Returns
        -------
        model
            A new model of the same type as the grown one, which needs no treeprune to predict.

        Raises
        ------
        ValueError
            If not exactly one is given.
        IndexError
            If there is no such step.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import pruning_path
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
        >>> path.cut(strength=0.01)
        DecisionTreeClassifier(random_state=0)
        """
        wanted = {
            "size": size,
            "strength": strength,
            "columns": columns,
            "neurons": neurons,
            "weights": weights,
            "interpretability": interpretability,
            "loss": loss,
        }
        asked: dict[str, Any] = {name: x for name, x in wanted.items() if x is not None}
        if len(asked) + (step is not None) != 1:
            raise ValueError(f"give one of step, {', '.join(wanted)}")
        return self.stages.write(self._index(self.step_for(**asked) if step is None else step))

    @property
    def base(self) -> Trees | Network:
        """What was read from the model: its trees, or its network."""
        return self.networks[0] if self.trees is None else self.trees

    @property
    def is_boosted(self) -> bool:
        """Whether it is the path of a booster, whose trees add up to a raw score."""
        return self.trees is not None and self.trees.is_boosted

    @property
    def stages(self) -> Stages:
        """The models of all steps, for scores and predictions."""
        if self.trees is None:
            return NetworkStages(self.model, self.networks)
        if self.values or self.is_boosted:
            own = EnsembleStages(self.model, self.trees, self.removed_at, len(self), self.values)
            if self.regrouped is None:
                return own
            return RegroupedStages(own, self.regrouped.stages)
        return TreeStages(self.model, self.trees, self.removed_at, len(self))

    def is_constant(self, step: int) -> bool:
        """Whether the model of a step predicts the same for every row.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import pruning_path
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
        >>> path.is_constant(0), path.is_constant(-1)
        (False, True)
        """
        if self.trees is None:
            return bool(self.counts["columns"][step] == 0)
        return bool((self.removed_at <= self._index(step)).all())

    def _index(self, step: int) -> int:
        if not -len(self) <= step < len(self):
            raise IndexError(f"step {step} is not on the path, steps go from 0 to {len(self) - 1}")
        return range(len(self))[step]

    def score(
        self, X: Any, y: Any, *, scoring: Any = None, sample_weight: Any = None
    ) -> pd.DataFrame:
        """Score every step on own rows, such as a validator's out-of-time sample.

        Parameters
        ----------
        X, y : array-like
            Rows as the model receives them (inside a Pipeline: transformed), and their targets.
        scoring : str or callable, optional
            A scikit-learn scorer; Brier score for classifiers and R² for regressors by default.
            Additive scores are computed for every step in one pass, others on at most 200.
        sample_weight : array-like, shape (n_rows,), optional

        Returns
        -------
        DataFrame
            step, strength, size, risk, score (larger is better).

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.model_selection import train_test_split
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import pruning_path
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
        >>> path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
        >>> path.score(X_test, y_test, scoring="roc_auc").columns.tolist()
        ['step', 'strength', 'size', 'risk', 'score']
        """
        frame = self.to_frame()[["step", "strength", "size", "risk"]]
        how = scores.resolve(scoring, self.base)
        return frame.assign(score=self.score_steps(X, y, how, sample_weight=sample_weight))

    def score_steps(
        self,
        X: Any,
        y: Any,
        scoring: scores.Scoring,
        *,
        sample_weight: Any = None,
        steps: Array | None = None,
        unknown_ok: bool = False,
    ) -> Array:
        """Scores by step for a resolved `Scoring`; NaN where not asked. See `score`.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import pruning_path
        >>> from treeprune.scoring import resolve
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
        >>> float(path.score_steps(X, y, resolve("accuracy", path.trees))[0])
        1.0
        """
        return scores.score_steps(
            self.stages,
            X,
            y,
            scoring,
            sample_weight,
            scores.asked(self.size, scoring) if steps is None else steps,
            unknown_ok=unknown_ok,
        )

    def staged_predict_proba(self, X: Any) -> Iterator[Any]:
        """Class probabilities of every step in turn, without refitting or rebuilding.

        Yields
        ------
        array, shape (n_rows, n_classes), or a list of them with several outputs

        Raises
        ------
        AttributeError
            If the model is a regressor.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import pruning_path
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
        >>> [proba.shape for proba in path.staged_predict_proba(X)][-1]
        (569, 2)
        """
        if not self.base.predicted_classes:
            raise AttributeError("a regressor has no predict_proba; use staged_predict")
        return scores.staged(self.stages, X, proba=True)

    def staged_predict(self, X: Any) -> Iterator[Array]:
        """Predictions of every step in turn, without refitting or rebuilding.

        Yields
        ------
        array, as the model's own `predict` gives

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> from treeprune import pruning_path
        >>> X, y = load_diabetes(return_X_y=True)
        >>> path = pruning_path(DecisionTreeRegressor(max_leaf_nodes=3, random_state=0).fit(X, y))
        >>> [len(set(p)) for p in path.staged_predict(X)]
        [3, 2, 1]
        """
        return scores.staged(self.stages, X, proba=False)

    def scored(self, mean: Array, se: Array, name: str) -> PruningPath:
        """A copy that holds cross-validated scores.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import pruning_path
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> path = pruning_path(DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y))
        >>> scored = path.scored(np.array([0.9, 0.92, 0.7]), np.array([0.01] * 3), "accuracy")
        >>> scored.best_step
        1
        """
        return replace(self, step_score=mean, step_score_se=se, scoring=name)

    def with_chosen(self, step: int) -> PruningPath:
        """A copy that says which step was chosen.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import pruning_path
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
        >>> path.with_chosen(2).chosen
        2
        """
        return replace(self, chosen=int(step))

    @property
    def best_step(self) -> int:
        """The step with the best score, the smallest of equal ones.

        Raises
        ------
        ValueError
            If the path has no scores.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from treeprune import PrunedClassifier
        >>> model = PrunedClassifier(random_state=0).fit(*load_breast_cancer(return_X_y=True))
        >>> model.path_.best_step <= model.step_  # "auto" is one_se: as small or smaller
        True
        """
        score = self._scores()
        top = np.nanmax(score)
        # Sums in another order differ in the last digits: such ties go to the smaller model.
        return int(np.flatnonzero(score >= top - 1e-12 * max(1.0, abs(top)))[-1])

    @property
    def one_se_step(self) -> int:
        """The smallest model whose score is within one standard error of the best.

        Raises
        ------
        ValueError
            If the path has no scores, or no standard errors (a single split).

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from treeprune import PrunedClassifier
        >>> model = PrunedClassifier(random_state=0).fit(*load_breast_cancer(return_X_y=True))
        >>> model.path_.one_se_step == model.step_
        True
        """
        score, best = self._scores(), self.best_step
        assert self.step_score_se is not None
        se = self.step_score_se[best]
        if np.isnan(se):
            raise ValueError(
                "one_se needs the spread over at least two splits; give cv >= 2 or use 'best'"
            )
        return int(np.flatnonzero(score >= score[best] - se - 1e-12)[-1])

    def _scores(self) -> Array:
        if self.step_score is None:
            raise ValueError(
                "the path has no scores; fit PrunedClassifier or PrunedRegressor with "
                "strength='best' or 'one_se', or use path.score(X, y)"
            )
        return self.step_score

    def plot(self, ax: Any = None) -> Any:
        """Draw the score with its standard error (or the risk) against the size.

        The best step, the band of one standard error below it, the one-SE step and the chosen
        step are marked.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            A new figure by default.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> import matplotlib; matplotlib.use("Agg")
        >>> from sklearn.datasets import load_breast_cancer
        >>> from treeprune import PrunedClassifier
        >>> model = PrunedClassifier(random_state=0).fit(*load_breast_cancer(return_X_y=True))
        >>> model.path_.plot().get_xlabel()
        'leaves'
        """
        from .plots import plot_path

        return plot_path(self, ax)
