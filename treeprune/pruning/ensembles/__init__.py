"""Pruning of forests and boosters: jointly, in turn, by trees, by rounds, by single splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import native
from ...losses import check_rows
from ...objectives import objective_of
from ...path import PruningPath
from ...trees import Splits, Trees
from .additive import additive
from .garrote import tree_weights
from .joint import fixed_order, in_order, measured_risk, refitted_rounds, stored_risk
from .sequential import optimism, sequential
from .state import Ensemble, Refit
from .truncate import truncated

__all__ = [
    "Grown",
    "additive_path",
    "garrote_path",
    "joint_path",
    "refit_leaves",
    "refits",
    "sequential_path",
    "truncated_path",
]

Array = npt.NDArray
RIDGE_OF_TREES = 20.0  # of the weights of whole trees, of which there are far fewer
RIDGE = 500.0  # of refitting a given model, where nothing else is asked
RIDGE_A_TREE = 10.0  # of the refits of a path, see `_refit`
ROWS_A_LEAF = 16.0  # with more of them that ridge falls, see `_refit`
# Of boosting again, see `_boosting_anew`.
LEAST_RIDGE, MOST_RIDGE, EXPONENT, OPTIMISM = 10.0, 100.0, 2.0, 0.2


@dataclass(frozen=True, eq=False)
class Grown:
    """A fitted forest or booster with all that a method may ask for.

    Parameters
    ----------
    model : fitted forest or booster
    trees, splits : Trees, Splits
        Of the model.
    hessian : array of float64, shape (n_nodes,), or None
        Of a booster, from its growing.
    X, y, weight
        Rows with the weights given; the model's class weights come on top.
    locked : array of bool, shape (n_nodes,)
        Splits that never go.
    own : array of float64, shape (n_nodes,), or None
        Strengths by a rule of the user's own.
    """

    model: Any
    trees: Trees
    splits: Splits
    hessian: Array | None
    X: Any
    y: Any
    weight: Any
    locked: Array
    own: Array | None

    def measured(self, method: str) -> Ensemble:
        """The ensemble with the rows by which the method prunes it."""
        if self.X is None or self.y is None:
            raise ValueError(
                f"{method} of an ensemble needs rows and targets, those that the model was "
                "trained on: pruning_path(model, X, y, …)"
            )
        return _ensemble(
            self.model, self.trees, self.splits, self.X, self.y, self.weight, self.locked
        )

    def correcting(self, method: str) -> Ensemble:
        """As `measured`, for methods in which later trees make up for earlier ones."""
        e = self.measured(method)
        if self.trees.average:
            raise ValueError(
                f"{method} needs trees that correct each other; those of a random forest are grown "
                "apart. Use cost_complexity, l1 or truncate"
            )
        return e


def refits(options: Mapping[str, Any], *, boosted: bool, rows: bool) -> bool:
    """Whether leaves are refitted after a cut.

    Parameters
    ----------
    options : mapping
        Of the method: `refit` is "auto", None or a number.
    boosted : bool
        "auto" refits boosters, and leaves forests as they are.
    rows : bool
        Whether there are rows to refit by.
    """
    asked = options.get("refit")
    return boosted and rows if asked == "auto" else asked is not None


def _refit(options: Mapping[str, Any], e: Ensemble) -> Callable[[Array], Refit]:
    """How the model of which these nodes are leaves is refitted.

    By "auto" the ridge is in proportion to the trees that are left, since all of them share what a
    row asks for: a sum of T leaves is then drawn as one of them would be. It falls with the square
    of the leaves that are left, once they have many rows each: what overfits is few rows between
    many leaves.
    """
    asked, sweeps = options["refit"], int(options["sweeps"])
    if asked != "auto":
        return lambda is_leaf: Refit(float(asked), sweeps)
    most = float(e.loss.weight.sum()) / ROWS_A_LEAF
    roots, classes = e.trees.roots, len(e.trees.base_score)

    def tempered(is_leaf: Array) -> Refit:
        left = int(np.count_nonzero(~is_leaf[roots])) / classes
        return Refit(RIDGE_A_TREE * left * min(1.0, e.size(is_leaf) / most) ** 2, sweeps)

    return tempered


def joint_path(grown: Grown, options: Mapping[str, Any]) -> PruningPath:
    """Cost-complexity of all trees together, with a refit after every round or by one order."""
    trees = grown.trees
    refitted = refits(options, boosted=trees.is_boosted, rows=grown.X is not None)
    again = _boosts_again(grown, options["reboost"], refitted)
    if grown.own is not None or (not refitted and grown.X is None):
        assert grown.hessian is not None  # only boosters come here
        risk = stored_risk(trees, grown.hessian)
        total = float(trees.weight[trees.roots].max())
        path = fixed_order(grown.model, trees, risk, max(total, 1e-300), grown.locked, grown.own)
        return in_order(path, trees, _directions(grown.model, trees, grown.splits))
    e = grown.measured("cost_complexity")
    if refitted:
        return refitted_rounds(
            e,
            _refit(options, e),
            steps=int(options["steps"]),
            again=_boosting_anew(grown.model, options["reboost"], e) if again else None,
        )
    total = float(e.loss.weight.sum())
    path = fixed_order(grown.model, trees, measured_risk(e), total, grown.locked)
    return in_order(path, trees, e.direction)


def _boosts_again(grown: Grown, asked: Any, refitted: bool) -> bool:
    """Whether leaves are drawn to what boosting again gives, not to what they were grown with."""
    corrects = grown.trees.is_boosted and not grown.trees.average
    if asked in (None, "auto"):
        return asked == "auto" and corrects and refitted
    if not corrects:
        raise ValueError(
            f"reboost={asked!r} needs trees that correct each other, such as those of a booster; "
            "use reboost=None"
        )
    if not refitted:
        grown.measured("reboost")  # says which rows are missing
        raise ValueError(f"reboost={asked!r} is what refits draw leaves to; refit must not be None")
    return True


def _boosting_anew(model: Any, asked: Any, e: Ensemble) -> tuple[float, float] | None:
    """Ridge and rate of boosting again; None where that is not worth it.

    After T rounds at a rate r, exp(-T r H / (H + ridge)) is left of what was wrong for the rows of
    a leaf with Hessian H. By "auto" the exponent of the mean leaf is `EXPONENT`: the more rounds
    and the smaller the leaves, the larger the ridge, up to `MOST_RIDGE`. It is far less where the
    trees have little by heart; below `LEAST_RIDGE` leaves are left as they were grown.
    """
    rate = native.learning_rate(model)
    if asked != "auto":
        return float(asked), rate
    h = e.loss.derivatives(e.start_scores())[1]
    splits = e.trees.n_trees - e.trees.n_constant
    a_leaf = float(h.sum()) / h.shape[1] * splits / e.size(e.trees.is_leaf)
    wanted = min(MOST_RIDGE, a_leaf * (len(e.rounds()) * rate / EXPONENT - 1.0))
    if wanted < LEAST_RIDGE:
        return None
    # A ridge of 1: Hessians may vanish.
    ridge = wanted * min(1.0, optimism(e, 1.0, rate) / OPTIMISM) ** 3
    return None if ridge < LEAST_RIDGE else (ridge, rate)


def sequential_path(grown: Grown, options: Mapping[str, Any]) -> PruningPath:
    """Sequential re-selection; the model's own learning rate is the unit of `rate`."""
    e = grown.correcting("sequential")
    return sequential(
        e,
        ridge=float(options["ridge"]),
        rate=float(options["rate"]) * native.learning_rate(grown.model),
        steps=int(options["steps"]),
        refit=None if options["refit"] is None else _refit(options, e),
    )


def additive_path(grown: Grown, options: Mapping[str, Any]) -> PruningPath:
    """A sum of the grown splits, each standing alone."""
    if grown.locked.any():
        raise ValueError(
            "never_prune is not possible with additive, in which no split stays where it was"
        )
    e = grown.correcting("additive")
    return additive(
        e,
        grown.splits,
        grown.X,
        learning_rate=float(options["learning_rate"]),
        ridge=float(options["ridge"]),
        least_gain=None if options["least_gain"] == "auto" else float(options["least_gain"]),
        rounds=int(options["rounds"]),
        steps=int(options["steps"]),
    )


def garrote_path(grown: Grown, options: Mapping[str, Any]) -> PruningPath:
    """Whole trees by L1."""
    asked = options["refit"]
    pull = RIDGE_OF_TREES if asked == "auto" else float(asked or 0.0)
    return tree_weights(grown.measured("l1"), int(options["steps"]), pull)


def truncated_path(grown: Grown, options: Mapping[str, Any]) -> PruningPath:
    """Fewer rounds."""
    if grown.locked.any():
        raise ValueError("never_prune is not possible with truncate, which drops whole rounds")
    return truncated(grown.model, grown.trees)


def _ensemble(
    model: Any, trees: Trees, splits: Splits, X: Any, y: Any, weight: Any, locked: Array
) -> Ensemble:
    """The ensemble with the rows by which it is pruned."""
    weight = check_rows(X, y, weight)
    weight = native.row_weights(model, np.asarray(y), weight)
    if not weight.any():
        raise ValueError("no row counts: the weights of all of them are zero by class weights")
    leaf = np.ascontiguousarray(native.apply(model, X, trees).T)
    loss = objective_of(model, trees, y, weight)
    return Ensemble(model, trees, leaf, loss, _directions(model, trees, splits), locked)


def _directions(model: Any, trees: Trees, splits: Splits) -> Array:
    """How predictions may move along the column of each split: +1, -1, or 0 for both."""
    constraint = native.monotone_constraints(model)
    direction = np.zeros(trees.n_nodes, np.int8)
    if constraint is not None:
        inner = splits.feature >= 0
        direction[inner] = np.sign(constraint)[splits.feature[inner]]
    return direction


def refit_leaves(
    model: Any,
    X: Any,
    y: Any,
    *,
    ridge: float = RIDGE,
    sweeps: int = 3,
    sample_weight: Any = None,
) -> Any:
    """The same ensemble with leaf values fitted anew, by the loss that it was grown for.

    Parameters
    ----------
    model : fitted forest or booster
        Not changed; its structure stays.
    X, y : array-like, shape (n_rows, n_features), (n_rows,)
        The rows it was trained on. Held-out rows that choose or judge anything later must not
        take part.
    ridge : float
        Draws every leaf towards its old value, in units of the loss's Hessian (of squared errors:
        rows): a leaf with so much of it moves half of the way. Without it the leaves of many trees
        share every row, and overfit.
    sweeps : int
        How many times Newton's method goes through the trees. A sweep that would raise the
        penalised loss is shortened, or left out.
    sample_weight : array-like, shape (n_rows,), optional
        The model's class weights come on top.

    Returns
    -------
    model
        New, of the same type.

    Raises
    ------
    UnsupportedModelError
        If the model is no ensemble of trees, or its loss is not known.
    ValueError
        If the ridge is negative, or there are no sweeps.

    Notes
    -----
    Monotone constraints of the model are kept, class frequencies of forests stay frequencies.

    References
    ----------
    Ren, Cao, Wei & Sun (2015), Global refinement of random forest. Buschjäger & Morik (2021),
    Improving the accuracy-memory trade-off of random forests via leaf-refinement.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from treeprune import refit_leaves
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LGBMRegressor(n_estimators=20, n_jobs=1, verbose=-1).fit(X, y)
    >>> refit_leaves(model, X, y).score(X, y) > model.score(X, y)
    True
    """
    if not 0 <= ridge < np.inf or sweeps < 1:
        raise ValueError(
            f"ridge must be a finite number of at least 0 and sweeps at least 1, got ridge={ridge} "
            f"and sweeps={sweeps}"
        )
    native.check_supported(model)
    trees, splits, _ = native.structure(model)
    e = _ensemble(model, trees, splits, X, y, sample_weight, np.zeros(trees.n_nodes, np.bool_))
    aim = e.contributions(trees.value)
    found = e.native(Refit(float(ridge), int(sweeps))(e, trees.is_leaf, aim, aim))
    value = trees.with_own(found[:, 0]) if e.is_boosted else found.reshape(trees.value.shape)
    return native.write(model, trees.is_leaf, value)
