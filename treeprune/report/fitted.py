"""A fitted model taken at its word: whether it is one, and whether it was fitted on these rows.

A tree remembers how many rows, and of which outcome, ended in each leaf. Rows that give other
counts are not the rows that it was fitted on, and held-out rows that were trained on hold nothing
out. Trees of forests and boosters remember less, as they may have been grown on draws of the rows,
and networks nothing. Only what is surely wrong is refused; what may be wrong becomes a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from .. import native
from ..estimators import recipe_of
from ..selection import Rows, holdout

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["as_received", "opened", "shared_rows", "training_notes"]

POSSIBLE = (
    "PrunedClassifier or PrunedRegressor (over a tree, forest, booster or network), "
    "PrunedTreeClassifier or PrunedTreeRegressor, alone or at the end of a Pipeline"
)
MEANS = ("squared_error", "friedman_mse")  # criteria whose leaves hold the mean


def opened(model: Any) -> list[tuple[str, Any]]:
    """The steps of a fitted pruned model, the model last.

    Parameters
    ----------
    model : fitted estimator
        A pruned model, a Pipeline that ends in one, or a search that was refitted on its best one.

    Returns
    -------
    list of (str, estimator)

    Raises
    ------
    TypeError
        If the model is no pruned one.
    NotFittedError
        If it is not fitted.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> try:
    ...     opened(DecisionTreeClassifier().fit([[0], [1]], [0, 1]))
    ... except TypeError as error:
    ...     print(str(error).split(";")[0])
    a report needs a fitted pruned model, got DecisionTreeClassifier
    """
    if hasattr(model, "best_estimator_"):
        model = model.best_estimator_
    elif hasattr(model, "cv_results_"):
        raise TypeError(
            f"{type(model).__name__} with refit=False holds no fitted model: fit it with "
            "refit=True, or give the model that was chosen, fitted on X_train"
        )
    elif hasattr(model, "refit") and hasattr(model, "estimator"):
        raise _not_fitted(model)
    steps = list(getattr(model, "steps", [("", model)]))
    pruned = steps[-1][1]
    path = getattr(pruned, "path_", None)
    if path is None and {"method", "strength", "max_size"} <= set(_parameters(pruned)):
        raise _not_fitted(pruned)
    if path is None:
        raise TypeError(_not_pruned(pruned))
    return steps


def _parameters(model: Any) -> dict[str, Any]:
    return model.get_params(deep=False) if hasattr(model, "get_params") else {}


def _not_fitted(model: Any) -> NotFittedError:
    return NotFittedError(
        f"this {type(model).__name__} is not fitted; call fit(X_train, y_train) before the report"
    )


def _not_pruned(model: Any) -> str:
    name = type(model).__name__
    text = f"a report needs a fitted pruned model, got {name}; possible are {POSSIBLE}"
    if not native.can_prune(model):
        return text
    kind = "Classifier" if hasattr(model, "predict_proba") else "Regressor"
    return (
        f"{text}. Of the settings of this {native.family(model)} make one by "
        f"Pruned{kind}({name}(…)).fit(X_train, y_train)"
    )


def as_received(before: Any, X: pd.DataFrame) -> Any:
    """Rows as the model receives them: through the preprocessing, dense.

    Parameters
    ----------
    before : fitted transformer or None
    X : DataFrame

    Returns
    -------
    DataFrame or array

    Examples
    --------
    >>> as_received(None, pd.DataFrame({"x": [1]}))["x"].tolist()
    [1]
    """
    Z: Any = X if before is None else before.transform(X)
    return Z.toarray() if sparse.issparse(Z) else Z


# -- training rows -------------------------------------------------------------------------------


def training_notes(before: Any, pruned: Any, X: pd.DataFrame, y: npt.NDArray) -> list[str]:
    """Refuse rows that a model cannot have been fitted on; notes on what could not be told.

    Parameters
    ----------
    before : fitted transformer or None
    pruned : fitted pruned model
    X : DataFrame
        What is given as training rows.
    y : array, shape (n_rows,)
        Their outcome, as the model knows it.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If the model as grown holds another number of rows, or leaves hold other rows or outcomes.

    Notes
    -----
    Rows are sent down the tree as the preprocessing transforms them now. Where it treats rows
    otherwise when it is fitted (as a target encoder does), leaves may differ and only a note is
    made. Outcomes are compared where the tree was grown without weights and without stated orders.
    A method that sets rows aside has grown on a part of the rows, so that leaves must have held no
    more rows than now. Of forests and boosters only the number of rows is compared, and of networks
    nothing; a note says so.

    Examples
    --------
    >>> from treeprune import PrunedClassifier
    >>> X, y = pd.DataFrame({"x": range(60)}), np.arange(60) > 19
    >>> model = PrunedClassifier(random_state=0).fit(X, y)
    >>> training_notes(None, model, X, y)
    []
    >>> try:
    ...     training_notes(None, model, X[:50], y[:50])
    ... except ValueError as error:
    ...     print(str(error).split(",")[0])
    X_train has 50 rows
    """
    grown = pruned.path_.model
    aside = recipe_of(clone(pruned), y).method.needs_holdout
    if not hasattr(grown, "tree_"):
        return _ensemble_notes(pruned, X, y, aside=aside)
    _check_number(pruned, X, y, aside=aside)
    leaf = native.apply(grown, as_received(before, X))[:, 0]
    wrong = _wrong_leaves(grown, leaf, y, aside=aside)
    if wrong is None:
        return _weight_notes(grown)
    if not _same_when_fitted(before, X, y):
        return [
            f"X_train may not be what the model was fitted on: {wrong}; its preprocessing treats "
            "rows otherwise when it is fitted, so that this cannot be told",
            *_weight_notes(grown),
        ]
    raise ValueError(
        f"X_train and y_train are not what the model was fitted on: {wrong}. Give the very rows "
        "that fit was given"
    )


def _ensemble_notes(pruned: Any, X: pd.DataFrame, y: npt.NDArray, *, aside: bool) -> list[str]:
    """Refuse another number of rows where trees tell it; what could not be compared."""
    grown, what = pruned.path_.model, native.family(pruned.path_.model)
    told = "a network does not tell what rows it was fitted on"
    if what != "network":
        found = n_rows_of(grown)
        least = int(native.read(grown).n_rows.max())  # no tree has seen more rows than there are
        if found is None and least > len(X):
            found = least
        if found is not None:
            _check_number(pruned, X, y, aside=aside, found=found)
        told = f"a {what} tells little of the rows that it was fitted on"
    return [f"that X_train are the rows that the model was fitted on is taken on trust: {told}"]


def n_rows_of(model: Any) -> int | None:
    """Rows that a forest or booster was fitted on, without weights; None where it cannot be told.

    Parameters
    ----------
    model : fitted forest or booster

    Returns
    -------
    int or None

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> n_rows_of(RandomForestRegressor(2, random_state=0).fit([[0], [1], [2]], [0, 1, 2]))
    3
    """
    parameters = _parameters(model)
    drawn = parameters.get("max_samples") is not None
    if native.family(model) == "booster" or drawn or parameters.get("class_weight") is not None:
        return None
    trees = native.read(model)
    weight = trees.weight[trees.roots]
    if not parameters.get("bootstrap"):
        return int(trees.n_rows[trees.roots[0]])
    # A draw has as many rows as there are, some of them several times: all trees weigh the same.
    whole = np.ptp(weight) == 0 and float(weight[0]).is_integer()
    return int(weight[0]) if whole else None


def _check_number(
    pruned: Any, X: pd.DataFrame, y: npt.NDArray, *, aside: bool, found: int | None = None
) -> None:
    n, what = len(X), native.family(pruned.path_.model)
    if found is None:
        found = int(pruned.path_.model.tree_.n_node_samples[0])
    expected = _n_grown(pruned, X, y) if aside else n
    if found == expected or (expected is None and found < n):
        return
    part = "" if not aside else ", a part of those that fit was given (others were set aside)"
    say = f" ({expected} after setting rows aside)" if aside and expected is not None else ""
    raise ValueError(
        f"X_train has {n} rows{say}, but the {what} was grown on {found}{part}: give the rows that "
        "the model was fitted on, without rows of weight 0; a model that was fitted with groups "
        "cannot be reported"
    )


def _n_grown(pruned: Any, X: pd.DataFrame, y: npt.NDArray) -> int | None:
    """Rows that the method leaves to grow on; None where that cannot be known."""
    recipe = recipe_of(clone(pruned), y)
    try:
        grown, _ = holdout(Rows(X, y), recipe.validation, recipe.classes is not None, recipe.seed)
    except ValueError:  # a splitter that needs groups, or other rows
        return None
    return len(grown)


def _wrong_leaves(grown: Any, leaf: npt.NDArray, y: npt.NDArray, *, aside: bool) -> str | None:
    """What leaves hold that they did not hold when the tree was grown, in words."""
    tree = grown.tree_
    held = np.bincount(leaf, minlength=tree.node_count)
    ends = np.flatnonzero(tree.children_left < 0)
    fewer = held[ends] < tree.n_node_samples[ends]
    other = fewer if aside else held[ends] != tree.n_node_samples[ends]
    if other.any():
        return (
            f"{int(other.sum())} of {len(ends)} leaves of the tree as grown hold another number "
            "of rows than they held then"
        )
    if aside or not _holds_shares(grown):
        return None
    moved = ~np.isclose(_outcomes(grown, leaf, y), tree.value[ends, 0], rtol=1e-6, atol=1e-9)
    if moved.any():
        return (
            f"{int(moved.any(axis=1).sum())} of {len(ends)} leaves of the tree as grown hold "
            "other outcomes than they held then"
        )
    return None


def _outcomes(grown: Any, leaf: npt.NDArray, y: npt.NDArray) -> npt.NDArray:
    """Share of each class, or the mean, of the rows in each leaf."""
    ends = np.flatnonzero(grown.tree_.children_left < 0)
    classes = getattr(grown, "classes_", None)
    if classes is None and grown.criterion not in MEANS:
        return np.asarray(grown.tree_.value[ends, 0])
    told = y.astype(np.float64)[:, None] if classes is None else y[:, None] == classes[None, :]
    sums = np.zeros((grown.tree_.node_count, told.shape[1]))
    np.add.at(sums, leaf, told.astype(np.float64))
    return sums[ends] / grown.tree_.n_node_samples[ends, None]


def _holds_shares(grown: Any) -> bool:
    """Whether leaves hold plain shares or means: without weights, and without stated orders."""
    tree = grown.tree_
    same = np.array_equal(tree.weighted_n_node_samples, tree.n_node_samples)
    changed = grown.monotonic_cst is not None or getattr(grown, "class_weight", None) is not None
    # Weights can add up to the number of rows at a single node by chance, at all of many hardly.
    return same and tree.node_count > 1 and not changed


def _weight_notes(grown: Any) -> list[str]:
    tree = grown.tree_
    weighted = not np.array_equal(tree.weighted_n_node_samples, tree.n_node_samples)
    if not weighted or getattr(grown, "class_weight", None) is not None:
        return []
    return [
        "the model was fitted with row weights, which the report does not know: rivals and refits "
        "are fitted without, and all figures count each row once"
    ]


def _same_when_fitted(before: Any, X: pd.DataFrame, y: npt.NDArray) -> bool:
    """Whether the preprocessing makes the same of rows when it is fitted on them and later."""
    if before is None:
        return True
    again = clone(before)
    then = _numbers(again.fit_transform(X, y))
    return np.array_equal(then, _numbers(again.transform(X)), equal_nan=True)


def _numbers(Z: Any) -> npt.NDArray:
    return np.asarray(Z.toarray() if sparse.issparse(Z) else Z, dtype=np.float64)


# -- held-out rows -------------------------------------------------------------------------------


def shared_rows(X: pd.DataFrame, X_train: pd.DataFrame) -> int:
    """Held-out rows that stand among the training rows, by label and by values.

    Parameters
    ----------
    X, X_train : DataFrame
        With their own labels (index).

    Returns
    -------
    int
        0 where no more rows are alike than would be by chance, as where labels begin anew in both
        frames and there are few different rows.

    Examples
    --------
    >>> rows = pd.DataFrame({"x": range(40)})
    >>> shared_rows(rows[20:], rows[:20]), shared_rows(rows[19:], rows[:20])
    (0, 1)
    """
    one, other = (pd.util.hash_pandas_object(frame, index=True) for frame in (X, X_train))
    shared = int(one.isin(set(other)).sum())
    values, counts = (pd.util.hash_pandas_object(frame, index=False) for frame in (X, X_train))
    chance = float(values.map(counts.value_counts()).fillna(0.0).sum()) / len(X_train)
    return shared if shared > chance + 3 * np.sqrt(chance) else 0
