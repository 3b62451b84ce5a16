"""PruningPath: the nested sequence of smaller models inside a fitted one.

One integer per split, the step at which it goes, encodes every model of the sequence: a node is
a leaf at a step exactly when `removed_at <= step`. Sizes, predictions, scores and cuts follow
from that array, so a path costs as much memory as the model and no refit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import native
from . import scoring as scores
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
    trees : Trees
        What was read from it.
    removed_at : array of int32, shape (n_nodes,)
        Step at which each split goes; 0 at leaves of the grown model, `len(path)` where never.
    strength, risk : array of float64, shape (n_steps,)
        Strength from which on each step is the best one (-inf for step 0), and the pruning risk
        of its model, per unit of row weight (forests: mean over trees).
    size : array of int, shape (n_steps,)
        Leaves of all trees.
    method : str
        Name of the pruning method.
    step_score, step_score_se : array of float64, shape (n_steps,), or None
        Cross-validated mean and standard error, larger is better; NaN at steps not asked.
    scoring : str or None
        Name of the score.
    chosen : int or None
        The step that was chosen by `PrunedClassifier` and the like.

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
    trees: Trees
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
            steps); interpretability is NaN until it has been measured.

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
                "interpretability": nan,
            }
        )

    def step_for(self, *, size: int | None = None, strength: float | None = None) -> int:
        """Step of a size or a strength.

        Parameters
        ----------
        size : int, optional
            The largest model with at most this many leaves.
        strength : float, optional
            The last step whose strength is at most this.

        Raises
        ------
        ValueError
            If neither or both are given, the strength is NaN, or every model is larger.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import pruning_path
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
        >>> path.step_for(size=5), path.step_for(strength=1.0)
        (10, 13)
        """
        if (size is None) == (strength is None):
            raise ValueError("give either size or strength")
        if strength is not None:
            if np.isnan(strength):
                raise ValueError("strength is NaN; give a number, inf for the smallest model")
            return int(np.searchsorted(self.strength, strength, side="right")) - 1
        steps = np.flatnonzero(self.size <= size)
        if not len(steps):
            raise ValueError(
                f"no step has at most {size} {self.size_unit}; sizes go from {self.size[0]} "
                f"to {self.size[-1]}"
            )
        return int(steps[0])

    def cut(
        self,
        step: int | None = None,
        *,
        size: int | None = None,
        strength: float | None = None,
    ) -> Any:
        """The native model of a step.

        Parameters
        ----------
        step : int, optional
            Number of the step; negative ones count from the end.
        size, strength : optional
            See `step_for`.

        Returns
        -------
        model
            A new model of the same type as the grown one, which needs no treeprune to predict.

        Raises
        ------
        ValueError
            If not exactly one of the three is given.
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
        if sum(x is not None for x in (step, size, strength)) != 1:
            raise ValueError("give one of step, size and strength")
        if step is None:
            step = self.step_for(size=size, strength=strength)
        return native.write(self.model, self.removed_at <= self._index(step))

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
        how = scores.resolve(scoring, self.trees)
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
            self.model,
            self.trees,
            self.removed_at,
            len(self),
            X,
            y,
            scoring,
            sample_weight,
            scores.thin(self.size) if steps is None else steps,
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
        if not self.trees.is_classifier:
            raise AttributeError("a regressor has no predict_proba; use staged_predict")
        return scores.staged(self.model, self.trees, self.removed_at, len(self), X, proba=True)

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
        return scores.staged(self.model, self.trees, self.removed_at, len(self), X, proba=False)

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
