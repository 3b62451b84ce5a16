"""View: what can be read of a model, how faithful that is, and what the model itself answers.

One tree reads as itself. A sum of few, small trees reads as their joint partition, still exact.
Anything else reads through a surrogate tree with its fidelity beside it. Every question about the
model's own output goes to the fitted estimator, with the rows as the caller has them.
"""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from .. import native
from ..exceptions import UnsupportedModelError
from ..network import Network
from ..trees import Splits, Trees
from .conditions import Condition, limits_of
from .features import FeatureMap
from .joint import MOST_CELLS, partition_rules
from .leaves import counted, limit_texts, tree_rules
from .rules import Rule, RuleSet
from .surrogate import surrogate_tree
from .tables import as_frame

if TYPE_CHECKING:
    from ..decision import Decision
    from .surrogate import Fidelity, Surrogate

__all__ = ["Answers", "View", "imitation", "respond", "row", "rows_of", "view_of"]

_LEAVES_AT_ONCE = 5_000_000  # of all trees, of a block of rows


@dataclass(frozen=True, eq=False)
class Answers:
    """What a fitted estimator says, always as (n_rows, n_outputs, n_classes) float64.

    Parameters
    ----------
    model : fitted estimator
        The caller's own, pipelines and wrappers included.
    classes : tuple of array
        Class labels of each output; empty for regression.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> answers = Answers.of(DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, y))
    >>> answers(X[:1]).round(2).tolist()
    [[[1.0, 0.0, 0.0]]]
    """

    model: Any
    classes: tuple[npt.NDArray, ...]

    @classmethod
    def of(cls, model: Any) -> Answers:
        """Answers of a fitted classifier or regressor.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        UnsupportedModelError
            If it neither predicts probabilities nor a number.
        """
        if not hasattr(model, "get_params"):
            raise UnsupportedModelError(
                f"a {type(model).__name__} is no scikit-learn estimator; give a classifier or a "
                "regressor, of LightGBM the LGBMClassifier or LGBMRegressor, not its booster"
            )
        check_is_fitted(model)
        if not hasattr(model, "predict"):
            raise UnsupportedModelError(
                f"a {type(model).__name__} predicts nothing; give a fitted classifier or "
                "regressor, or a pipeline that ends in one"
            )
        # CatBoost's regressors have an empty list of classes.
        if not hasattr(model, "classes_") or len(model.classes_) == 0:
            return cls(model, ())
        if not hasattr(model, "predict_proba"):
            raise UnsupportedModelError(
                f"a {type(model).__name__} has no predict_proba, which explanations speak of; "
                "wrap it in sklearn.calibration.CalibratedClassifierCV"
            )
        classes = model.classes_
        parts = classes if isinstance(classes, list) else [classes]
        return cls(model, tuple(np.asarray(part) for part in parts))

    def __call__(self, X: Any) -> npt.NDArray[np.float64]:
        """The estimator's own probabilities or predictions for these rows."""
        if not self.classes:
            out = np.asarray(self.model.predict(X), dtype=np.float64)
            return out.reshape(len(out), -1, 1)
        proba = self.model.predict_proba(X)
        parts = proba if isinstance(proba, list) else [proba]
        k = max(len(c) for c in self.classes)
        out = np.zeros((len(parts[0]), len(parts), k))
        for o, part in enumerate(parts):
            out[:, o, : part.shape[1]] = part
        return out


@dataclass(frozen=True, eq=False)
class View:
    """A model made readable.

    Parameters
    ----------
    answers : Answers
        The model itself.
    feature_map : FeatureMap
    target : tuple of str
        A name for each output.
    readable : RuleSet or None
        The readable form, `rules`; None for several targets that no rules describe exactly.
    predictor : fitted model or None
        The native model at the end of pipelines and wrappers, where it can be read.
    trees, splits : Trees, Splits or None
        Its trees.
    fidelity : Fidelity or None
        How well the rules imitate the model; None where they are the model.
    attributes_itself : bool
        Whether the model's own library attributes its predictions to the raw columns, where its
        trees cannot be read.
    network : Network or None
        Its network, where it is one; a linear model is one without hidden layers.

    Examples
    --------
    See `treeprune.explain`.
    """

    answers: Answers
    feature_map: FeatureMap
    target: tuple[str, ...]
    readable: RuleSet | None
    predictor: Any = None
    trees: Trees | None = None
    splits: Splits | None = None
    fidelity: Fidelity | None = None
    attributes_itself: bool = False
    network: Network | None = None

    @property
    def is_exact(self) -> bool:
        """Whether the rules are the model, for all inputs."""
        return self.fidelity is None and self.readable is not None

    @property
    def rules(self) -> RuleSet:
        """The readable form.

        Raises
        ------
        ValueError
            If there is none.
        """
        if self.readable is None:
            raise ValueError(
                f"no few rules describe a model of {len(self.target)} targets together; "
                "explain a model of one target"
            )
        return self.readable

    @property
    def unit(self) -> str:
        """Unit in which attributions add up: probability, log-odds, raw score or target.

        The scores behind a softmax are no log-odds of their classes: a probability follows from
        all of them.
        """
        link = self._link
        if link != "identity":
            return {"exp": "log of the target", "softmax": "raw score"}.get(link, "log-odds")
        return "probability" if self.answers.classes else "target"

    @property
    def _link(self) -> str:
        """What turns the score that adds up into the output."""
        told = self.trees if self.network is None else self.network
        return "identity" if told is None else told.link

    @functools.cached_property
    def limits(self) -> dict[int, npt.NDArray[np.float64]]:
        """Limits, by column, at which the model's trees decide; empty arrays for categories.

        Columns that no tree reads are left out, so that there are none without trees.
        """
        if self.trees is None or self.splits is None:
            return {}
        if self.is_exact:
            asked = [c for rule in self.rules for c in rule.conditions]
        else:
            asked = list(self.feature_map.left(self.splits).values())
        of_column: dict[int, list[Condition]] = {}
        for condition in asked:
            of_column.setdefault(condition.column, []).append(condition)
        return {column: limits_of(conditions) for column, conditions in of_column.items()}

    def check_decision(self, decision: Decision) -> None:
        """Refuse a decision about what the model does not predict.

        Raises
        ------
        ValueError
            If it is no classifier of one target, or the adverse class is none of its classes.
        """
        if len(self.answers.classes) != 1:
            raise ValueError("a Decision needs a classifier with one target")
        decision.position(self.answers.classes[0])

    def check_columns(self, X: Any) -> None:
        """Refuse renamed or reordered columns as the model's library refuses them."""
        native.check_columns(self.predictor, X)

    def raw_score(self, X: Any) -> npt.NDArray[np.float64]:
        """The estimator's own output for rows, in the unit of attributions, (n, n_scores).

        Probabilities and targets come from the caller's estimator, scores of boosters, networks and
        linear models from the native model behind the caller's own transformer.
        """
        if self._link == "identity":
            out = self.answers(X)
        else:
            before = self.feature_map.transformer
            rows = X if before is None else before.transform(X)
            out = native.raw_score(self.predictor, rows)
        return out.reshape(len(out), -1)


def view_of(
    model: Any,
    X: Any,
    y: Any = None,
    *,
    feature_map: FeatureMap | None = None,
    decision: Decision | None = None,
    readable: bool = True,
    most_cells: int = MOST_CELLS,
    random_state: Any = None,
) -> View:
    """Read a model as well as it can be read.

    Parameters
    ----------
    model : fitted estimator
        A pipeline, a search, a wrapper of this package, a tree, forest, booster, network or linear
        model, or any other classifier or regressor.
    X : array-like, shape (n_rows, n_raw_columns)
        Reference rows: names, types, how limits are printed, what a surrogate imitates.
    y : array-like, optional
        Outcomes, for the task score of a surrogate.
    feature_map : FeatureMap, optional
        Read from the pipeline by default.
    decision : Decision, optional
        For the share of rows for which a surrogate decides as the model.
    readable : bool
        Whether to write rules, of the model or of its surrogate; without them a view is made
        quickly, and knows structure, answers and attributions all the same.
    most_cells : int
        A sum of trees whose joint partition has more cells is read through a surrogate.
    random_state : int, optional
        Seed of the surrogate's folds.

    Returns
    -------
    View

    Examples
    --------
    See `treeprune.explain`.
    """
    answers = Answers.of(model)
    transformer, predictor = _parts(model)
    trees = splits = network = None
    with contextlib.suppress(UnsupportedModelError):  # read through a surrogate instead
        if native.is_network(predictor):
            network = native.read_network(predictor)
        else:
            trees, splits = native.read(predictor), native.splits(predictor)
    if transformer is None and (trees is not None or network is not None):
        native.check_columns(predictor, X)
    if feature_map is None:
        categories: dict[int, tuple] = {}
        if trees is not None:
            rows = X if transformer is None else None
            categories = native.input_categories(predictor, rows)
        codes = {} if splits is None else _integer_categories(splits, categories)
        feature_map = FeatureMap.of(transformer, X, categories=categories, integer_categories=codes)
    target = _targets(answers, y, trees if network is None else network)
    rules = None
    if trees is not None and splits is not None and readable:
        rules = _exact_rules(
            trees, splits, feature_map, answers, target, X, predictor, transformer, most_cells
        )
    fidelity = None
    if rules is None and readable and len(target) == 1:
        found = imitation(answers, X, y, target, decision, random_state)
        rules, fidelity = found.rules, found.fidelity
    by_itself = trees is None and transformer is None and _attributes_itself(predictor, X)
    return View(
        answers,
        feature_map,
        target,
        rules,
        predictor,
        trees,
        splits,
        fidelity,
        attributes_itself=by_itself,
        network=network,
    )


def imitation(
    answers: Answers,
    X: Any,
    y: Any,
    target: tuple[str, ...],
    decision: Decision | None,
    random_state: Any,
) -> Surrogate:
    """A surrogate of a model of one target, made by asking it about the rows.

    Raises
    ------
    ValueError
        For several targets.

    Examples
    --------
    See `treeprune.Explanation.surrogate`.
    """
    if len(target) != 1:
        raise ValueError(
            f"a surrogate imitates one target, this model has {len(target)}: "
            f"{', '.join(target)}; explain a model of one target"
        )
    classes = answers.classes[0] if answers.classes else None
    return surrogate_tree(
        lambda rows: answers(rows)[:, 0, :],
        X,
        classes=classes,
        y=y,
        positive=None if decision is None or classes is None else decision.position(classes),
        cutoff=None if decision is None else decision.cutoff,
        target=target[0],
        random_state=random_state,
    )


def _attributes_itself(predictor: Any, X: Any) -> bool:
    if not native.has_contributions(predictor):
        return False
    try:
        native.contributions(predictor, row(X, [0]))
    except UnsupportedModelError:
        return False
    return True


def _parts(model: Any) -> tuple[Any, Any]:
    """What stands before the predictor, and the predictor, pipelines and wrappers opened."""
    inner = native.unwrap(model)
    if not hasattr(inner, "steps"):
        return None, inner
    before, last = inner[:-1], native.unwrap(inner[-1])
    if hasattr(last, "steps"):  # a pipeline inside a search inside a pipeline
        more, last = _parts(last)
        if more is not None:
            raise UnsupportedModelError(
                "a pipeline ends in another pipeline; write the steps as one pipeline"
            )
    return (before if len(before) else None), last


def _integer_categories(splits: Splits, named: dict[int, tuple]) -> dict[int, tuple]:
    """Columns of whole numbers that the model itself splits by category."""
    sizes = np.diff(splits.category_offsets)
    feature = np.repeat(splits.feature[: len(sizes)], sizes)
    return {
        int(j): tuple(float(v) for v in np.unique(splits.category_values[feature == j]))
        for j in np.unique(feature)
        if int(j) not in named
    }


def _targets(answers: Answers, y: Any, model: Trees | Network | None) -> tuple[str, ...]:
    n = len(answers.classes) or (1 if model is None else model.n_outputs)
    if hasattr(y, "columns"):
        return tuple(str(c) for c in y.columns)
    name = getattr(y, "name", None)
    if n == 1:
        return (str(name) if name is not None else "y",)
    return tuple(f"y{o}" for o in range(n))


def respond(trees: Trees, raw: npt.NDArray) -> npt.NDArray[np.float64]:
    """From scores that add up (n, n_outputs, k) to the estimator's own output.

    Examples
    --------
    See `treeprune.explain`.
    """
    return trees.respond(raw + trees.base_score.reshape(trees.value.shape[1:]))


def _exact_rules(
    trees: Trees,
    splits: Splits,
    feature_map: FeatureMap,
    answers: Answers,
    target: tuple[str, ...],
    X: Any,
    predictor: Any,
    transformer: Any,
    most_cells: int,
) -> RuleSet | None:
    """The leaves of one tree, or the joint partition of several; None where it is too large."""

    def to_output(raw: npt.NDArray) -> npt.NDArray:
        return respond(trees, raw)

    def leaf_of() -> npt.NDArray:
        step = max(1, _LEAVES_AT_ONCE // trees.n_trees)
        n = len(as_frame(X))
        blocks = [row(X, slice(i, i + step)) for i in range(0, n, step)]
        if transformer is not None:
            blocks = [transformer.transform(block) for block in blocks]
        return np.concatenate([native.apply(predictor, block) for block in blocks])

    one = trees.n_trees == 1
    rules: tuple[Rule, ...] | None
    if one:
        rules = tree_rules(trees, splits, feature_map, to_output)
    else:
        rules = partition_rules(trees, splits, feature_map, to_output, most_cells, leaf_of)
    if rules is None:
        return None
    return RuleSet(
        feature_map.columns,
        rules,
        answers.classes,
        feature_map,
        target,
        "tree" if one else "partition",
        limit_texts(rules, feature_map.values(X)),
        n_trees=counted(trees)[0],
    )


def rows_of(feature_map: FeatureMap, X: Any) -> pd.DataFrame:
    """The raw columns that a feature map knows, in its order, as a frame."""
    frame = as_frame(X)
    if feature_map.named:
        return frame[[column.name for column in feature_map.columns[: feature_map.n_raw]]]
    return frame


def row(X: Any, i: Any) -> Any:
    """Rows of a table by position, in its own kind."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[i]
    return X[i]
