"""scikit-learn's trees and forests of trees.

`Tree.__setstate__` believes whatever it is given and `predict` then follows any index, so that
all arrays are checked before use, and a pruned tree is built anew, field by field, into zeroed
memory; nothing is ever edited in place.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import kernels
from ..exceptions import MalformedModelError
from ..trees import Splits, Trees

__all__ = [
    "apply",
    "check_columns",
    "monotone_constraints",
    "raw_score",
    "read",
    "row_weights",
    "splits",
    "stored_bytes",
    "write",
]

# Fitted attributes that describe the model before it is cut.
_OF_THE_GROWN = frozenset(
    {
        *("oob_score_", "oob_decision_function_", "oob_prediction_"),  # forests
        *("path_", "step_", "strength_"),  # trees that have pruned themselves
    }
)
_UNDEFINED = -2  # what scikit-learn writes into `feature` and `threshold` of leaves


def _members(model: Any) -> list[Any]:
    """The fitted tree estimators of a tree (itself) or of a forest."""
    check_is_fitted(model)
    return list(model.estimators_) if hasattr(model, "estimators_") else [model]


def _offsets(members: list[Any]) -> NDArray[np.int64]:
    """First node of every tree among all nodes, and the total at the end."""
    return np.concatenate([[0], np.cumsum([m.tree_.node_count for m in members])])


def _stacked(members: list[Any], name: str) -> NDArray:
    return np.concatenate([np.asarray(getattr(m.tree_, name)) for m in members])


def _n_classes(model: Any) -> tuple[int, ...]:
    if not hasattr(model, "classes_"):
        return ()
    return tuple(int(k) for k in np.atleast_1d(model.n_classes_))


def read(model: Any) -> Trees:
    """Structure and statistics of the fitted trees, checked."""
    members = _members(model)
    start = _offsets(members)
    shift = np.repeat(start[:-1], np.diff(start))
    children = {}
    for name in ("children_left", "children_right"):
        child = _stacked(members, name)
        _check_own_tree(child, start)
        children[name] = np.where(child < 0, child, child + shift)
    splits(model)  # features and thresholds are checked before anything is computed
    trees = Trees(
        left=children["children_left"],
        right=children["children_right"],
        roots=start[:-1],
        value=_stacked(members, "value"),
        weight=_stacked(members, "weighted_n_node_samples"),
        n_rows=_stacked(members, "n_node_samples"),
        impurity=_stacked(members, "impurity"),
        tree_weight=np.ones(len(members)),
        n_classes=_n_classes(model),
        criterion=str(model.criterion),
    )
    _check_depth(members, trees)
    return trees


def _check_own_tree(child: NDArray, start: NDArray) -> None:
    """Indices must stay inside their own tree before they are shifted."""
    limit = np.repeat(np.diff(start), np.diff(start))
    bad = (child < -1) | (child >= limit)
    if bad.any():
        t = int(np.flatnonzero(bad)[0])
        tree = int(np.searchsorted(start, t, side="right")) - 1
        raise MalformedModelError(
            f"node {t - int(start[tree])} of tree {tree} has child {int(child[t])}; a child is "
            f"between 0 and {int(limit[t]) - 1}, or -1 at leaves"
        )


def _check_depth(members: list[Any], trees: Trees) -> None:
    """A stored depth that is too small makes `decision_path` write outside its memory."""
    deepest = np.maximum.reduceat(kernels.depths(trees.parent), trees.roots)
    for j, (member, depth) in enumerate(zip(members, deepest, strict=True)):
        if member.tree_.max_depth != depth:
            raise MalformedModelError(
                f"tree {j} says its depth is {member.tree_.max_depth}, its nodes say {int(depth)}"
            )


def stored_bytes(model: Any) -> int:
    """Bytes of the arrays of nodes and values."""
    states = (member.tree_.__getstate__() for member in _members(model))
    return sum(state["nodes"].nbytes + state["values"].nbytes for state in states)


def splits(model: Any) -> Splits:
    """Columns, thresholds and missing-value directions, checked."""
    members = _members(model)
    names = getattr(model, "feature_names_in_", None)
    feature = _stacked(members, "feature")
    leaf = _stacked(members, "children_left") == -1
    return Splits(
        feature=np.where(leaf, _UNDEFINED, feature),
        threshold=np.where(leaf, _UNDEFINED, _stacked(members, "threshold")),
        missing_left=_stacked(members, "missing_go_to_left").astype(bool) & ~leaf,
        cast32=True,
        n_features=int(model.n_features_in_),
        feature_names=None if names is None else tuple(str(name) for name in names),
    )


def apply(model: Any, X: Any, trees: Trees | None = None) -> NDArray[np.int32]:
    """Leaves as the model itself finds them: its casts, missing values and sparse input."""
    members = _members(model)
    leaf = np.asarray(model.apply(X))
    return (leaf.reshape(len(leaf), -1) + _offsets(members)[:-1]).astype(np.int32)


def raw_score(model: Any, X: Any) -> NDArray[np.float64]:
    """Class frequencies or targets by the model itself, laid out as node values."""
    counts = _n_classes(model)
    if not counts:
        found = np.asarray(model.predict(X), dtype=np.float64)
        return found.reshape(len(found), -1, 1)
    proba = model.predict_proba(X)
    outputs = proba if isinstance(proba, list) else [proba]
    score = np.zeros((len(outputs[0]), len(outputs), max(counts)))
    for output, (part, k) in enumerate(zip(outputs, counts, strict=True)):
        score[:, output, :k] = part
    return score


def check_columns(model: Any, X: Any) -> None:
    """Number and names of the columns, by scikit-learn's own rules."""
    validate_data(model, X, reset=False, skip_check_array=True)


def row_weights(model: Any, y: NDArray, sample_weight: NDArray | None) -> NDArray[np.float64]:
    """Sample weights times class weights."""
    weight = np.ones(len(y)) if sample_weight is None else np.array(sample_weight, np.float64)
    class_weight = getattr(model, "class_weight", None)
    for output, table in enumerate(_class_tables(class_weight)):
        labels = y if y.ndim == 1 else y[:, output]
        # As in `fit`, a class that is not in the table weighs 1; here one may also be missing.
        for label, factor in table.items():
            weight[labels == label] *= factor
    if isinstance(class_weight, str):
        # Each tree of a "balanced_subsample" forest balances its own rows; here there is one set.
        weight *= compute_sample_weight("balanced", y)
    return weight


def _class_tables(class_weight: Any) -> list[dict[Any, float]]:
    """Class weights by output, as far as they are given as tables."""
    if class_weight is None or isinstance(class_weight, str):
        return []
    return [class_weight] if isinstance(class_weight, dict) else list(class_weight)


def write(
    model: Any, is_leaf: NDArray[np.bool_], value: NDArray | None = None, *, fold: bool = False
) -> Any:
    """The same type of model with the nodes of the mask as leaves."""
    members = _members(model)
    start = _offsets(members)
    single = members[0] is model
    kept = np.arange(len(members))
    if fold and not single:
        kept, value = _folded(members, start, is_leaf, value)
    new = _copy_without(model, "tree_" if single else "estimators_")
    pruned = []
    for j in kept:
        part = slice(start[j], start[j + 1])
        tree = _pruned_tree(members[j].tree_, is_leaf[part], None if value is None else value[part])
        fresh = new if single else _copy_without(members[j], "tree_")
        fresh.tree_ = tree
        pruned.append(fresh)
    if not single:
        new.estimators_ = pruned
    if len(kept) < len(members):
        new.n_estimators = len(kept)
    return new


def _folded(
    members: list[Any], start: NDArray, is_leaf: NDArray[np.bool_], value: NDArray | None
) -> tuple[NDArray, NDArray | None]:
    """Trees that are more than one leaf, and values with which their mean is that of all."""
    roots = start[:-1]
    constant = is_leaf[roots] | (_stacked(members, "children_left")[roots] == -1)
    if not constant.any():
        return np.arange(len(members)), value
    old = _stacked(members, "value") if value is None else np.asarray(value, np.float64)
    total = old[roots[constant]].sum(axis=0)
    kept = np.flatnonzero(~constant)
    if not len(kept):  # one tree of the mean stays
        return np.array([0]), np.broadcast_to(total / len(members), old.shape)
    return kept, old * (len(kept) / len(members)) + total / len(members)


def _copy_without(model: Any, attribute: str) -> Any:
    """A copy that shares nothing with the model, lacking the attribute that is written anew."""
    new = copy.copy(model)
    state = {k: v for k, v in vars(model).items() if k != attribute and k not in _OF_THE_GROWN}
    new.__dict__.clear()
    new.__dict__.update(copy.deepcopy(state))
    return new


def _pruned_tree(tree: Any, is_leaf: NDArray[np.bool_], value: NDArray | None) -> Any:
    """Build the `Tree` that remains when the nodes of the mask are leaves."""
    left, right = np.asarray(tree.children_left), np.asarray(tree.children_right)
    leaf = is_leaf | (left == -1)
    above = np.full(len(left), -1, np.int32)
    above[left[left != -1]] = above[right[left != -1]] = np.flatnonzero(left != -1)
    above.setflags(write=False)  # as in `Trees`: numba compiles once for each mutability
    kept = kernels.reached(above, leaf)
    number = np.cumsum(kept) - 1
    inner = kept & ~leaf
    old = tree.__getstate__()
    nodes = np.zeros(int(kept.sum()), dtype=old["nodes"].dtype)  # zeros in the padding too
    for name in ("impurity", "n_node_samples", "weighted_n_node_samples"):
        nodes[name] = old["nodes"][name][kept]
    nodes["left_child"] = np.where(leaf, -1, number[left])[kept]
    nodes["right_child"] = np.where(leaf, -1, number[right])[kept]
    nodes["feature"] = np.where(leaf, _UNDEFINED, tree.feature)[kept]
    nodes["threshold"] = np.where(leaf, _UNDEFINED, tree.threshold)[kept]
    nodes["missing_go_to_left"] = np.where(inner, old["nodes"]["missing_go_to_left"], 0)[kept]
    values = old["values"] if value is None else np.asarray(value, np.float64)
    new = type(tree)(tree.n_features, np.asarray(tree.n_classes, np.intp), tree.n_outputs)
    new.__setstate__(
        {
            "max_depth": int(kernels.depths(above)[kept].max()),
            "node_count": len(nodes),
            "nodes": nodes,
            "values": np.ascontiguousarray(values[kept]),
        }
    )
    return new


def monotone_constraints(model: Any) -> NDArray[np.int8] | None:
    """Direction of every column, None where none was asked for."""
    asked = getattr(model, "monotonic_cst", None)
    if asked is None:
        return None
    if isinstance(asked, dict):
        names = [str(name) for name in getattr(model, "feature_names_in_", ())]
        asked = [asked.get(name, 0) for name in names]
    signs = np.asarray(asked, dtype=np.int8)
    return signs if signs.any() else None
