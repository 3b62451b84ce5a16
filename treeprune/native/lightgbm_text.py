"""The text of a LightGBM booster, parsed, checked, and turned into `Trees` and `Splits`.

The text holds thresholds and leaf values with 17 digits, so that nothing is lost; LightGBM reads
it without checks, so that everything is checked here before it is used. A tree's nodes are its
internal nodes in LightGBM's order, then its leaves. What cannot be represented to the last bit
(linear leaves, zeros that count as missing, odd links) is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import kernels
from ..exceptions import MalformedModelError, UnsupportedModelError
from ..trees import Splits, Trees

__all__ = ["column_names", "read_splits", "read_trees"]

Array = npt.NDArray

_OWN = "for attributions its own pred_contrib serves: treeprune.native.contributions(model, X)"
_UNDEFINED = -2  # feature of a leaf, threshold of a leaf and of a node with categories

# LightGBM reads every dense value within this distance of zero as 0.0 (kZeroThreshold, a float32).
_ZERO = float(np.float32(1e-35))
_CATEGORICAL, _DEFAULT_LEFT = 1, 2  # bits of decision_type; the two above are the missing type
_MISSING_ZERO, _MISSING_NAN = 1, 2

# Objective, as the text names it -> what turns a raw score into a prediction.
_LINKS = {
    **dict.fromkeys(["regression", "regression_l1", "huber", "fair", "quantile"], "identity"),
    **dict.fromkeys(["mape", "lambdarank", "rank_xendcg"], "identity"),
    "custom": "identity",  # a function: then the text has no such line
    **dict.fromkeys(["binary", "cross_entropy"], "logit"),
    **dict.fromkeys(["poisson", "gamma", "tweedie"], "exp"),
    "multiclass": "softmax",
    "multiclassova": "ovr_logit",
}


@dataclass(frozen=True)
class _Tree:
    """One tree of the text; all arrays have an entry a node, internal nodes first."""

    left: Array
    right: Array
    feature: Array
    threshold: Array
    decision: Array
    categories: dict[int, Array]  # node -> categories that go left
    value: Array  # zeros at internal nodes
    hessian: Array  # zeros at internal nodes
    n_rows: Array


@dataclass(frozen=True)
class _Text:
    """The parsed text of a booster."""

    n_scores: int
    feature_names: tuple[str, ...]
    link: str
    average: bool
    trees: tuple[_Tree, ...]

    @property
    def n_nodes(self) -> list[int]:
        return [len(tree.left) for tree in self.trees]

    def stacked(self, name: str) -> Array:
        return np.concatenate([getattr(tree, name) for tree in self.trees])


# --- text to nouns -------------------------------------------------------------------------------


def read_trees(text: str) -> Trees:
    """Structure and statistics of the trees in the text of a booster.

    Raises
    ------
    MalformedModelError
        If the text is not complete or does not describe trees.
    UnsupportedModelError
        If it does, but they cannot be represented exactly.
    """
    return _trees(_parse(text))


def read_splits(text: str) -> Splits:
    """How the nodes of `read_trees(text)` decide; raises as it does."""
    return _splits(_parse(text))


def column_names(names: Any) -> tuple[str, ...] | None:
    """Names of the columns, None where LightGBM has numbered them itself."""
    own = all(name == f"Column_{j}" for j, name in enumerate(names))
    return None if own else tuple(str(name) for name in names)


def _trees(text: _Text) -> Trees:
    _splits(text)  # features and thresholds are checked before anything is computed
    start = np.concatenate([[0], np.cumsum(text.n_nodes)])
    shift = np.repeat(start[:-1], text.n_nodes)
    left, right = (
        np.where(child < 0, -1, child + shift)
        for child in (text.stacked("left"), text.stacked("right"))
    )
    n_rows = text.stacked("n_rows")
    tree_output = np.arange(len(text.trees)) % text.n_scores
    own = _node_values(left, right, text.stacked("value"), text.stacked("hessian"), n_rows)
    value = np.zeros((len(left), 1, text.n_scores))
    value[np.arange(len(left)), 0, np.repeat(tree_output, text.n_nodes)] = own
    return Trees(
        left=left,
        right=right,
        roots=start[:-1],
        value=value,
        weight=n_rows,
        n_rows=n_rows,
        impurity=np.zeros(len(left)),
        # A forest is averaged over iterations, each of which has a tree for every score.
        tree_weight=np.full(len(text.trees), text.n_scores if text.average else 1.0),
        average=text.average,
        link=text.link,
        tree_output=tree_output,
    )


def _node_values(left: Array, right: Array, value: Array, hessian: Array, n_rows: Array) -> Array:
    """Leaf values, and above them their means: by hessian, else by rows, else plain.

    The text's own `internal_value` has 6 digits.
    """
    leaf = left < 0
    weights = [np.maximum(hessian, 0.0), np.maximum(n_rows, 0), np.ones(len(left))]
    sums = np.zeros((len(left), 2 * len(weights)))
    for j, weight in enumerate(weights):
        sums[leaf, 2 * j] = weight[leaf]
        sums[leaf, 2 * j + 1] = weight[leaf] * value[leaf]
    left, right = left.astype(np.int32), right.astype(np.int32)
    for child in (left, right):
        child.setflags(write=False)  # as in `Trees`: numba compiles once for each mutability
    kernels.sum_up(left, right, sums)
    out = np.array(value)
    given = leaf.copy()
    for total, weighted in zip(sums[:, ::2].T, sums[:, 1::2].T, strict=True):
        use = ~given & (total > 0)
        out[use] = weighted[use] / total[use]
        given |= use
    return out


def _splits(text: _Text) -> Splits:
    feature, decision = text.stacked("feature"), text.stacked("decision")
    inner = feature != _UNDEFINED
    numeric = inner & (decision & _CATEGORICAL == 0)
    threshold = np.where(numeric, _without_tiny(text.stacked("threshold")), _UNDEFINED)
    default_left = decision & _DEFAULT_LEFT != 0
    missing = decision >> 2
    zero_left = threshold >= 0
    odd = numeric & (missing == _MISSING_ZERO) & (default_left != zero_left)
    if odd.any():
        raise UnsupportedModelError(
            f"with zero_as_missing=True, {int(odd.sum())} nodes of this model send zeros another "
            f"way than the numbers around them, which no threshold says; {_OWN}"
        )
    found = [tree.categories.get(t, _NONE) for tree in text.trees for t in range(len(tree.left))]
    any_found = any(len(values) for values in found)
    return Splits(
        feature=feature,
        threshold=threshold,
        # Without a way of its own a missing value is read as 0.0.
        missing_left=numeric & np.where(missing == _MISSING_NAN, default_left, zero_left),
        cast32=False,
        n_features=len(text.feature_names),
        feature_names=column_names(text.feature_names),
        category_offsets=np.cumsum([0, *map(len, found)]) if any_found else np.zeros(1),
        category_values=np.concatenate(found),
    )


_NONE = np.zeros(0, np.int64)


def _without_tiny(threshold: Array) -> Array:
    """Thresholds that compare x itself as LightGBM compares it after tiny values became zero."""
    below = (threshold >= -_ZERO) & (threshold < 0)
    above = (threshold >= 0) & (threshold < _ZERO)
    return np.where(below, np.nextafter(-_ZERO, -1.0), np.where(above, _ZERO, threshold))


# --- parsing -------------------------------------------------------------------------------------


def _parse(text: str) -> _Text:
    """Parse and check the text of a booster."""
    head, blocks = _blocks(text)
    fields = _fields(head, "the head of the model")
    n_scores = _count(fields, "num_tree_per_iteration", 1)
    n_features = _count(fields, "max_feature_idx", 0) + 1
    names = tuple(_field(fields, "feature_names", "the head of the model").split(" "))
    if len(names) != n_features:
        raise MalformedModelError(
            f"the model has {n_features} columns and {len(names)} feature_names"
        )
    if len(blocks) % n_scores:
        raise MalformedModelError(
            f"{len(blocks)} trees are no multiple of num_tree_per_iteration={n_scores}"
        )
    return _Text(
        n_scores=n_scores,
        feature_names=names,
        link=_link(fields.get("objective", "custom")),
        average="average_output" in fields,
        trees=tuple(_tree(j, block, n_features) for j, block in enumerate(blocks)),
    )


def _blocks(text: str) -> tuple[str, list[str]]:
    """The head of the text and the part of every tree."""
    found = list(re.finditer(r"^Tree=(\d+)$", text, re.MULTILINE))
    end = text.find("\nend of trees\n")
    if not text.startswith("tree\n") or end < 0:
        raise MalformedModelError(
            "this is not the text of a LightGBM model: it must begin with 'tree' and have a line "
            "'end of trees'"
        )
    if not found:
        raise MalformedModelError("the model has no trees; was it trained for 0 iterations?")
    if [match[1] for match in found] != [str(j) for j in range(len(found))]:
        raise MalformedModelError("the trees must be numbered from 0 on, in order")
    starts = [match.start() for match in found]
    if end < starts[-1]:
        raise MalformedModelError("a tree stands after 'end of trees'")
    head, stops = text[: starts[0]], [*starts[1:], end + 1]
    sizes = re.findall(r"^tree_sizes=(.*)$", head, re.MULTILINE)
    # LightGBM jumps by these sizes and aborts the process where they are wrong.
    if sizes and sizes[0].split() != [str(b - a) for a, b in zip(starts, stops, strict=True)]:
        raise MalformedModelError("tree_sizes are not the sizes of the trees in the text")
    return head, [text[a:b] for a, b in zip(starts, stops, strict=True)]


def _fields(part: str, where: str) -> dict[str, str]:
    """The lines `key=value` of a part of the text."""
    out: dict[str, str] = {}
    for line in part.split("\n"):
        key, _, value = line.partition("=")
        if key in out and key:
            raise MalformedModelError(f"{where} has {key!r} twice")
        out[key] = value
    return out


def _field(fields: Mapping[str, str], key: str, where: str) -> str:
    if key not in fields:
        raise MalformedModelError(f"{where} lacks {key!r}")
    return fields[key]


def _count(fields: Mapping[str, str], key: str, least: int, where: str = "") -> int:
    """A whole number of at least `least`."""
    where = where or "the head of the model"
    value = _field(fields, key, where)
    if not re.fullmatch(r"\d{1,9}", value) or int(value) < least:
        raise MalformedModelError(
            f"{where} has {key}={value[:40]!r}; it must be a whole number of at least {least}"
        )
    return int(value)


def _numbers(
    fields: Mapping[str, str], key: str, size: int | None, dtype: npt.DTypeLike, where: str
) -> Array:
    """The numbers of a line, `size` of them."""
    words = _field(fields, key, where).split()
    if size is not None and len(words) != size:
        raise MalformedModelError(f"{where} has {len(words)} numbers in {key!r}, must be {size}")
    try:
        return np.array(words, dtype=dtype)
    except (ValueError, OverflowError):
        raise MalformedModelError(f"{where} has in {key!r} what is not a number") from None


def _link(objective: str) -> str:
    """What turns raw scores into predictions, by the line `objective`."""
    name, *options = objective.split() or [""]
    odd = [word for word in options if word == "sqrt"]
    odd += [w for w in options if w.startswith("sigmoid:") and w != "sigmoid:1"]
    if name not in _LINKS or odd:
        raise UnsupportedModelError(
            f"objective {objective!r} turns raw scores into predictions in a way that is not "
            f"known here; possible are {', '.join(_LINKS)} with sigmoid=1 and "
            f"without reg_sqrt; {_OWN}"
        )
    return _LINKS[name]


def _tree(j: int, block: str, n_features: int) -> _Tree:
    """One tree of the text, checked."""
    where = f"tree {j}"
    fields = _fields(block, where)
    if fields.get("is_linear", "0") != "0":
        raise UnsupportedModelError(
            "leaves of models with linear_tree=True hold equations, not values; nor has LightGBM "
            "contributions for them. Use a method that needs predictions only"
        )
    n_leaves = _count(fields, "num_leaves", 1, where)
    inner = n_leaves - 1
    left, right, order = _children(fields, n_leaves, where)

    def at_inner(key: str, dtype: npt.DTypeLike, of_leaves: float) -> Array:
        found = _numbers(fields, key, inner, dtype, where)
        return np.concatenate([found[order], np.full(n_leaves, of_leaves, dtype)])

    def at_leaves(key: str, dtype: npt.DTypeLike = np.float64) -> Array:
        # A tree of one leaf is written without its weight.
        missing = n_leaves == 1 and key != "leaf_value" and not fields.get(key)
        found = np.zeros(1) if missing else _numbers(fields, key, n_leaves, dtype, where)
        return np.concatenate([np.zeros(inner, dtype), found])

    feature = at_inner("split_feature", np.int64, _UNDEFINED)
    threshold = at_inner("threshold", np.float64, _UNDEFINED)
    decision = at_inner("decision_type", np.int64, 0)
    if (feature[:inner] < 0).any() or (feature >= n_features).any():
        raise MalformedModelError(
            f"{where} looks at column {int(feature[:inner].min())} or {int(feature.max())}; the "
            f"model has columns 0 to {n_features - 1}"
        )
    if (decision < 0).any() or (decision >> 2 > _MISSING_NAN).any():
        raise MalformedModelError(f"{where} has an unknown decision_type")
    value, hessian = at_leaves("leaf_value"), at_leaves("leaf_weight")
    if not np.isfinite(hessian).all():
        raise MalformedModelError(f"{where} has a leaf_weight that is not a finite number")
    n_rows = at_leaves("leaf_count", np.int64)
    n_rows[:inner] = at_inner("internal_count", np.int64, 0)[:inner]
    return _Tree(
        left=left,
        right=right,
        feature=feature,
        threshold=threshold,
        decision=decision,
        categories=_categories(fields, threshold, decision, where),
        value=value,
        hessian=hessian,
        n_rows=n_rows,
    )


def _children(fields: Mapping[str, str], n_leaves: int, where: str) -> tuple[Array, Array, Array]:
    """Children of all nodes (-1 at leaves), and the text's index of every internal node."""
    inner = n_leaves - 1
    child = np.stack(
        [_numbers(fields, key, inner, np.int64, where) for key in ("left_child", "right_child")]
    )
    bad = (child >= inner) | (child < -n_leaves)  # leaves are counted from -1 down
    if bad.any():
        raise MalformedModelError(
            f"{where} has child {int(child[bad][0])}; a child is between {-n_leaves} and "
            f"{inner - 1}"
        )
    node = np.where(child < 0, inner + ~child, child)
    counts = np.bincount(node.ravel(), minlength=inner + n_leaves)
    if counts[0] != 0 or (counts[1:] != 1).any():
        raise MalformedModelError(
            f"{where} does not hang together: every node but the first must be the child of one"
        )
    order = np.arange(inner)
    if (node <= order).any():
        order = _from_the_root(node, inner)
        if len(order) != inner:
            raise MalformedModelError(f"{where} has a cycle")
        rank = np.arange(inner + n_leaves)
        rank[order] = np.arange(inner)
        node = rank[node[:, order]]
    leaves = np.full((2, n_leaves), -1)
    left, right = np.concatenate([node, leaves], axis=1)
    return left, right, order


def _from_the_root(node: Array, inner: int) -> Array:
    """Internal nodes that the root leads to, every one after its parent."""
    order = [0]
    for t in order:  # grows while it is read; each node has one parent, so that this ends
        order.extend(int(child) for child in node[:, t] if child < inner)
    return np.array(order)


def _categories(
    fields: Mapping[str, str], threshold: Array, decision: Array, where: str
) -> dict[int, Array]:
    """Categories that go left, by node: bits of 32-bit words."""
    nodes = np.flatnonzero(decision & _CATEGORICAL)
    if not len(nodes):
        return {}
    n_sets = _count(fields, "num_cat", 0, where)
    start = _numbers(fields, "cat_boundaries", n_sets + 1, np.int64, where)
    words = _numbers(fields, "cat_threshold", None, np.int64, where)
    if start[0] != 0 or start[-1] != len(words) or (np.diff(start) < 0).any():
        raise MalformedModelError(f"{where} has cat_boundaries that do not fit cat_threshold")
    if (words < 0).any() or (words > np.iinfo(np.uint32).max).any():
        raise MalformedModelError(f"{where} has cat_threshold beyond 32 bits")
    out = {}
    for t in nodes:
        k = threshold[t]
        if not (0 <= k < n_sets and k == int(k)):
            raise MalformedModelError(
                f"node {t} of {where} has category set {k}; sets are 0 to {n_sets - 1}"
            )
        own = words[start[int(k)] : start[int(k) + 1]].astype("<u4")
        out[int(t)] = np.flatnonzero(np.unpackbits(own.view(np.uint8), bitorder="little"))
        if not len(out[int(t)]):
            raise MalformedModelError(f"node {t} of {where} has an empty set of categories")
    return out
