"""The text of a LightGBM booster, parsed, checked, and turned into `Trees` and `Splits`.

The text holds thresholds and leaf values with 17 digits, so that nothing is lost; LightGBM reads
it without checks, so that everything is checked here before it is used: its lines by
`lightgbm_lines`, what they say here. A tree's nodes are its internal nodes in LightGBM's order,
then its leaves. What cannot be represented to the last bit (linear leaves, zeros that count as
missing, odd links) is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import kernels
from ..exceptions import MalformedModelError, UnsupportedModelError
from ..trees import Splits, Trees
from .lightgbm_lines import HEAD, count, numbers, parts, required, tree_lines

__all__ = [
    "Text",
    "TextTree",
    "check_size",
    "column_names",
    "depth_within",
    "node_values",
    "objective_name",
    "parse",
    "read_splits",
    "read_trees",
    "to_trees",
]

Array = npt.NDArray

_OWN = "for attributions its own pred_contrib serves: treeprune.native.contributions(model, X)"
_UNDEFINED = -2  # feature of a leaf, threshold of a leaf and of a node with categories

# LightGBM reads every dense value within this distance of zero as 0.0 (kZeroThreshold, a float32).
_ZERO = float(np.float32(1e-35))
_CATEGORICAL, _DEFAULT_LEFT = 1, 2  # bits of decision_type; the two above are the missing type
_MISSING_ZERO, _MISSING_NAN = 1, 2
# Lines of a tree whose numbers are not needed here; all but the last have one an internal node.
_UNREAD = ("split_gain", "internal_value", "internal_weight", "shrinkage")

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
_OF_CLASSES = ("multiclass", "multiclassova")
_OF_SCORES = (*_OF_CLASSES, "custom")  # objectives that may have several scores

# What a stranger's file may unpack to. 64 MB of text hold about 1.5 million nodes (ten classes stay
# below the second limit) and as trees of six leaves about 100,000.
_TREES_LIMIT, _NUMBERS_LIMIT = 2**17, 2**24
_COUNT_LIMIT = 2**31 - 1  # LightGBM's counts of rows have 32 bits


@dataclass(frozen=True)
class TextTree:
    """One tree of the text; all arrays have an entry a node, internal nodes first."""

    left: Array
    right: Array
    feature: Array
    threshold: Array
    decision: Array
    categories: dict[int, Array]  # node -> categories that go left, as bits of 32-bit words
    value: Array  # zeros at internal nodes
    hessian: Array  # zeros at internal nodes
    n_rows: Array
    order: Array  # the text's own index of every internal node
    lines: Mapping[str, str]  # as they stand in the text


@dataclass(frozen=True)
class Text:
    """The parsed text of a booster."""

    head: str  # what stands before the trees
    tail: str  # from 'end of trees' on
    n_scores: int
    feature_names: tuple[str, ...]
    link: str
    average: bool
    trees: tuple[TextTree, ...]

    @property
    def n_nodes(self) -> list[int]:
        """Number of nodes of every tree."""
        return [len(tree.left) for tree in self.trees]

    def stacked(self, name: str) -> Array:
        """An array of the trees, one after another."""
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
    return to_trees(parse(text))


def read_splits(text: str) -> Splits:
    """How the nodes of `read_trees(text)` decide; raises as it does."""
    return _splits(parse(text))


def column_names(names: Any) -> tuple[str, ...] | None:
    """Names of the columns, None where LightGBM has numbered them itself."""
    own = all(name == f"Column_{j}" for j, name in enumerate(names))
    return None if own else tuple(str(name) for name in names)


def to_trees(text: Text) -> Trees:
    """Structure and statistics of a parsed text, checked as `read_trees` does."""
    _splits(text)  # features and thresholds are checked before anything is computed
    start = np.concatenate([[0], np.cumsum(text.n_nodes)])
    shift = np.repeat(start[:-1], text.n_nodes)
    left, right = (
        np.where(child < 0, -1, child + shift)
        for child in (text.stacked("left"), text.stacked("right"))
    )
    n_rows = text.stacked("n_rows")
    tree_output = np.arange(len(text.trees)) % text.n_scores
    own = node_values(left, right, text.stacked("value"), text.stacked("hessian"), n_rows)
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


def node_values(left: Array, right: Array, value: Array, hessian: Array, n_rows: Array) -> Array:
    """Leaf values, and above them their means: by hessian, else by rows, else plain.

    Arrays have an entry a node; children of -1 mark leaves. The text's own `internal_value` has
    6 digits.
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


def _splits(text: Text) -> Splits:
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
    found = [
        _unpacked(tree.categories[t]) if t in tree.categories else _NONE
        for tree in text.trees
        for t in range(len(tree.left))
    ]
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


def _unpacked(words: Array) -> Array:
    """Numbers of the bits that are set."""
    return np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little"))


def _without_tiny(threshold: Array) -> Array:
    """Thresholds that compare x itself as LightGBM compares it after tiny values became zero."""
    below = (threshold >= -_ZERO) & (threshold < 0)
    above = (threshold >= 0) & (threshold < _ZERO)
    return np.where(below, np.nextafter(-_ZERO, -1.0), np.where(above, _ZERO, threshold))


# --- parsing -------------------------------------------------------------------------------------


@lru_cache(maxsize=2)  # a model is read in turn for what it holds, also while a cut is written
def parse(text: str) -> Text:
    """Parse and check the text of a booster."""
    found = parts(text)
    fields = found.fields
    n_scores = count(fields, "num_tree_per_iteration", 1)
    if len(found.blocks) % n_scores:
        raise MalformedModelError(
            f"{len(found.blocks)} trees are no multiple of num_tree_per_iteration={n_scores}"
        )
    if count(fields, "num_class", 1) != n_scores:
        raise MalformedModelError(
            f"the model has num_class={fields['num_class']} and {n_scores} trees an iteration"
        )
    n_features = count(fields, "max_feature_idx", 0) + 1
    required(fields, "label_index", HEAD)
    for key in ("feature_names", "feature_infos"):
        words = required(fields, key, HEAD).split(" ")
        if len(words) != n_features or "" in words:
            raise MalformedModelError(f"the model has {n_features} columns and {len(words)} {key}")
    return Text(
        head=found.head,
        tail=found.tail,
        n_scores=n_scores,
        feature_names=tuple(fields["feature_names"].split(" ")),
        link=_link(fields.get("objective", "custom"), n_scores),
        average="average_output" in fields,
        trees=tuple(_tree(j, block, n_features) for j, block in enumerate(found.blocks)),
    )


def objective_name(text: str) -> str:
    """What the text says was minimised, as "binary"; "custom" for a function."""
    return parts(text).fields.get("objective", "custom").partition(" ")[0]


def _link(objective: str, n_scores: int) -> str:
    """What turns raw scores into predictions, by the line `objective`."""
    name, *options = objective.split(" ")
    # LightGBM writes as many predictions as this number says, whatever room there is.
    classes = [word for word in options if word.startswith("num_class:")]
    wanted = [f"num_class:{n_scores}"] if name in _OF_CLASSES else []
    if name in _LINKS and (classes != wanted or (n_scores > 1 and name not in _OF_SCORES)):
        raise MalformedModelError(
            f"objective {objective!r} does not fit the {n_scores} trees of an iteration"
        )
    rest = [word for word in options if word not in classes]
    sigmoid = ["sigmoid:1"] if name in ("binary", "multiclassova") else []
    if name not in _LINKS or rest != sigmoid:
        raise UnsupportedModelError(
            f"objective {objective!r} turns raw scores into predictions in a way that is not "
            f"known here; possible are {', '.join(_LINKS)} with sigmoid=1 and "
            f"without reg_sqrt; {_OWN}"
        )
    return _LINKS[name]


def _tree(j: int, block: str, n_features: int) -> TextTree:
    """One tree of the text, checked."""
    where = f"tree {j}"
    fields = tree_lines(block, where)
    n_leaves = count(fields, "num_leaves", 1, where)
    inner = n_leaves - 1
    left, right, order = _children(fields, n_leaves, where)

    def at_inner(key: str, dtype: npt.DTypeLike, of_leaves: float) -> Array:
        found = numbers(fields, key, inner, dtype, where)
        return np.concatenate([found[order], np.full(n_leaves, of_leaves, dtype)])

    def at_leaves(key: str, dtype: npt.DTypeLike = np.float64) -> Array:
        # A tree of one leaf is written without its weight.
        missing = n_leaves == 1 and key != "leaf_value" and not fields.get(key)
        found = np.zeros(1) if missing else numbers(fields, key, n_leaves, dtype, where)
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
    for key in _UNREAD:  # LightGBM reads them unchecked
        if key in fields:
            numbers(fields, key, 1 if key == "shrinkage" else inner, np.float64, where)
    for key, found in (("leaf_value", value), ("leaf_weight", hessian)):
        if not np.isfinite(found).all():
            raise MalformedModelError(f"{where} has a {key} that is not a finite number")
    n_rows = at_leaves("leaf_count", np.int64)
    n_rows[:inner] = at_inner("internal_count", np.int64, 0)[:inner]
    if (n_rows > _COUNT_LIMIT).any():
        raise MalformedModelError(f"{where} has a count of rows beyond 32 bits")
    return TextTree(
        left=left,
        right=right,
        feature=feature,
        threshold=threshold,
        decision=decision,
        categories=_categories(fields, threshold, decision, where),
        value=value,
        hessian=hessian,
        n_rows=n_rows,
        order=order,
        lines=fields,
    )


def _children(fields: Mapping[str, str], n_leaves: int, where: str) -> tuple[Array, Array, Array]:
    """Children of all nodes (-1 at leaves), and the text's index of every internal node."""
    inner = n_leaves - 1
    child = np.stack(
        [numbers(fields, key, inner, np.int64, where) for key in ("left_child", "right_child")]
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
    n_sets = count(fields, "num_cat", 0, where)
    if not len(nodes) and not n_sets:
        return {}
    start = numbers(fields, "cat_boundaries", n_sets + 1, np.int64, where)
    words = numbers(fields, "cat_threshold", None, np.int64, where)
    if start[0] != 0 or start[-1] != len(words) or (np.diff(start) < 0).any():
        raise MalformedModelError(f"{where} has cat_boundaries that do not fit cat_threshold")
    if (words < 0).any() or (words > np.iinfo(np.uint32).max).any():
        raise MalformedModelError(f"{where} has cat_threshold beyond 32 bits")
    k = threshold[nodes]
    odd = ~np.isin(k, np.arange(n_sets))
    if odd.any():
        raise MalformedModelError(
            f"node {nodes[odd][0]} of {where} has category set {k[odd][0]}; sets are 0 to "
            f"{n_sets - 1}"
        )
    # A set that many nodes share would be unpacked for each of them.
    if not np.array_equal(np.sort(k), np.arange(n_sets)):
        raise MalformedModelError(f"{where} must use each of its {n_sets} category sets once")
    out = {
        int(t): words[start[j] : start[j + 1]].astype("<u4")
        for t, j in zip(nodes, k.astype(int), strict=True)
    }
    empty = [t for t, own in out.items() if not own.any()]
    if empty:
        raise MalformedModelError(f"node {empty[0]} of {where} has an empty set of categories")
    return out


# --- sizes ---------------------------------------------------------------------------------------


def check_size(text: str) -> None:
    """Refuse what would take far more memory than its text.

    Of a model that was trained here nothing is refused: its trees are in memory anyway.

    Raises
    ------
    MalformedModelError
        If there are too many trees, node values (one a score) and categories; or as `parse`.
    """
    n_trees = text.count("\nTree=")
    if n_trees > _TREES_LIMIT:
        raise MalformedModelError(f"has {n_trees} trees; the limit is {_TREES_LIMIT}")
    parsed = parse(text)
    n_values = sum(parsed.n_nodes) * parsed.n_scores
    n_values += sum(
        int(np.unpackbits(words.view(np.uint8)).sum(dtype=np.int64))
        for tree in parsed.trees
        for words in tree.categories.values()
    )
    if n_values > _NUMBERS_LIMIT:
        raise MalformedModelError(
            f"its trees unpack to {n_values} values and categories; the limit is {_NUMBERS_LIMIT}"
        )


def depth_within(text: str, limit: int) -> bool:
    """Whether no tree has more than `limit` splits above a leaf."""
    for j, block in enumerate(parts(text).blocks):
        where = f"tree {j}"
        fields = tree_lines(block, where)
        n_leaves = count(fields, "num_leaves", 1, where)
        if n_leaves - 1 <= limit:
            continue
        left, right, _ = _children(fields, n_leaves, where)
        parent = np.full(len(left), -1)
        for child in (left, right):
            inner = np.flatnonzero(child >= 0)
            parent[child[inner]] = inner
        if kernels.depths(parent).max() > limit:
            return False
    return True
