"""The text of a LightGBM booster in which nodes have become leaves, or splits trees of their own.

Words that still hold are copied, so that what is not pruned keeps every digit; the others are
written as LightGBM writes them, so that it saves the very text it was given. What LightGBM derives
from the trees (sizes, importances, node means) is made to fit. The new text is read back before
it is returned, because LightGBM believes whatever it loads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import kernels
from ..trees import Trees
from .lightgbm_text import Text, TextTree, node_values, parse, to_trees

__all__ = ["write_stumps", "write_text"]

Array = npt.NDArray

_CATEGORICAL = 1  # bit of decision_type
# Lines of a tree by what they hold; all are written empty for a tree of one leaf but its value.
_OF_INNER = (
    *("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child"),
    *("internal_value", "internal_weight", "internal_count"),
)
_OF_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
_OF_SETS = ("cat_boundaries", "cat_threshold")


def write_text(text: str, is_leaf: Array, value: Array | None, *, fold: bool) -> str:
    """The text of the booster whose nodes in the mask `is_leaf` are leaves.

    Parameters
    ----------
    text : str
        Of the grown booster.
    is_leaf : array of bool, shape (n_nodes,)
        Over the nodes of `read_trees(text)`.
    value : array, shape (n_nodes, 1, n_scores), optional
        New node values; of a tree's node its own score counts.
    fold : bool
        Whether trees of one leaf are added to other trees; those of a random forest stay, since
        it divides by their number.

    Raises
    ------
    MalformedModelError, UnsupportedModelError
        As `read_trees`.
    ValueError
        If the mask or the values do not fit the trees.
    """
    parsed = parse(text)
    trees = to_trees(parsed)
    state = _pruned(parsed, trees, is_leaf, value)
    slots = _folded(state, parsed) if fold and not parsed.average else list(range(trees.n_trees))
    blocks = [_block(state, parsed, number, tree) for number, tree in enumerate(slots)]
    gain = np.concatenate([_gains(tree) for tree in parsed.trees])
    asked = state.kept & ~state.leaf & (gain > 0)  # LightGBM counts no others
    return _whole(parsed, blocks, parsed.stacked("feature")[asked])


def write_stumps(
    text: str, node: Array, value: Array, n_rows: Array, hessian: Array, gain: Array, start: Array
) -> tuple[str, Array]:
    """The text of a booster whose trees are splits of this one, each standing alone.

    Parameters
    ----------
    text : str
        Of the grown booster.
    node : array of int, shape (n_stumps,)
        Nodes that split, over the nodes of `read_trees(text)`.
    value, hessian : array of float64, shape (n_stumps, 2)
        Of the left and the right leaf.
    n_rows : array of int, shape (n_stumps, 2)
    gain : array of float64, shape (n_stumps,)
    start : array of float64, shape (n_scores,)
        Added to the first stump of each score, or a tree of its own where there is none.

    Returns
    -------
    str
    array of int64, shape (n_stumps,)
        Number of the tree that each stump has become: those of a score in their order.

    Raises
    ------
    MalformedModelError, UnsupportedModelError
        As `read_trees`.
    ValueError
        If a node does not split, or a number is not finite.
    """
    parsed = parse(text)
    trees = to_trees(parsed)
    node = np.asarray(node, dtype=np.int64)
    if trees.is_leaf[node].any() or not np.isfinite(value).all():
        raise ValueError("stumps are made of nodes that split, with finite values")
    score, n_scores = trees.tree_output[trees.tree_of[node]], parsed.n_scores
    rank = np.zeros(len(node), np.int64)
    for k in range(n_scores):
        rank[score == k] = np.arange(np.count_nonzero(score == k))
    tree = rank * n_scores + score
    value = value + np.where(rank == 0, start[score], 0.0)[:, None]
    stump_of = {int(number): s for s, number in enumerate(tree)}
    blocks = []
    for number in range(n_scores * (1 + int(rank.max(initial=0)))):
        s = stump_of.get(number)
        if s is None:
            alone = start[number] if number < n_scores else 0.0
            count = str(int(trees.n_rows[0]))
            lines = _one_leaf(parsed.trees[0], f"{alone:.17g}", count, "1")
        else:
            j = int(trees.tree_of[node[s]])
            own = parsed.trees[j], int(node[s] - trees.roots[j])
            lines = _stump(*own, value[s], n_rows[s], hessian[s], gain[s])
        blocks.append(_joined(lines, number))
    return _whole(parsed, blocks, parsed.stacked("feature")[node[gain > 0]]), tree


def _stump(
    tree: TextTree, t: int, value: Array, n_rows: Array, hessian: Array, gain: float
) -> dict[str, str]:
    """The lines of one split that stands alone."""
    inner = np.array([t])
    words = {key: _picked(tree, key, inner) for key in _OF_INNER if key in tree.lines}
    total = hessian.sum()
    share = hessian / total if total > 0 else np.full(2, 0.5)
    words |= {
        "split_gain": [f"{gain:g}"],
        "left_child": ["-1"],
        "right_child": ["-2"],
        "internal_value": [f"{share @ value:g}"],
        "internal_weight": [f"{total:g}"],
        "internal_count": [str(int(n_rows.sum()))],
        "leaf_value": [f"{v:.17g}" for v in value],
        "leaf_weight": [f"{v:.17g}" for v in hessian],
        "leaf_count": [str(int(n)) for n in n_rows],
    }
    words |= _set_words(tree, inner, words["threshold"])
    lines = {**tree.lines, "num_leaves": "2", "num_cat": "0", "shrinkage": "1"}
    lines |= {key: " ".join(found) for key, found in words.items() if key in tree.lines}
    if lines["num_cat"] == "0":
        return {key: line for key, line in lines.items() if key not in _OF_SETS}
    return lines


def _whole(parsed: Text, blocks: list[str], feature: Array) -> str:
    """The new text, read back; `feature` is the column of every split that counts."""
    new = _with_sizes(parsed.head, blocks) + "".join(blocks) + _with_importances(parsed, feature)
    to_trees(parse(new))
    return new


@dataclass(frozen=True)
class _Pruned:
    """What remains; arrays have an entry a node of the grown trees."""

    trees: Trees
    leaf: Array
    kept: Array
    value: Array  # of each tree's own score; means above the leaves
    hessian: Array
    changed: Array  # by tree: whether its means are not what they were
    first: Array  # leftmost grown leaf below, by which LightGBM would number leaves


def _pruned(parsed: Text, trees: Trees, is_leaf: Array, value: Array | None) -> _Pruned:
    """What the mask and the values leave of the trees."""
    mask = np.asarray(is_leaf)
    if mask.shape != (trees.n_nodes,) or mask.dtype != np.bool_:
        raise ValueError(
            f"is_leaf must be a mask of the {trees.n_nodes} nodes, got {mask.dtype} of shape "
            f"{mask.shape}"
        )
    own = trees.own(trees.value)
    new = own if value is None else trees.own(_checked(value, trees))
    leaf = mask | trees.is_leaf
    kept = kernels.reached(trees.parent, leaf)
    hessian = parsed.stacked("hessian")[:, None]
    kernels.sum_up(trees.left, trees.right, hessian)
    differs = kept & leaf & (new != own)
    means = node_values(
        np.where(leaf, -1, trees.left),
        np.where(leaf, -1, trees.right),
        new,
        hessian[:, 0],
        trees.n_rows,
    )
    return _Pruned(
        trees=trees,
        leaf=leaf,
        kept=kept,
        value=means,
        hessian=hessian[:, 0],
        changed=np.logical_or.reduceat(differs, trees.roots),
        first=_leftmost(trees),
    )


def _checked(value: Array, trees: Trees) -> Array:
    found = np.asarray(value, dtype=np.float64)
    if found.shape != trees.value.shape or not np.isfinite(found).all():
        raise ValueError(
            f"value must be finite numbers of shape {trees.value.shape}, got shape {found.shape}"
        )
    return found


def _leftmost(trees: Trees) -> Array:
    """The leaf at the end of every node's left children."""
    first = np.where(trees.left < 0, np.arange(trees.n_nodes), trees.left)
    while (trees.left[first] >= 0).any():
        first = first[first]
    return first


# --- trees of one leaf ---------------------------------------------------------------------------


def _folded(state: _Pruned, parsed: Text) -> list[int | None]:
    """Trees by their new place, None where a zero stands; constants go to trees that remain."""
    trees, n_scores = state.trees, parsed.n_scores
    constant = state.leaf[trees.roots]
    columns = []
    for score in range(n_scores):
        own = np.flatnonzero(trees.tree_output == score)
        left = own[~constant[own]]
        total = state.value[trees.roots[own[constant[own]]]].sum()
        if not len(left):
            left = own[:1]
            state.value[trees.roots[left]] = 0.0
        if total != 0.0:
            state.value[trees.tree_of == left[0]] += total
            state.changed[left[0]] = True
        columns.append(left.tolist())
    n_rounds = max(map(len, columns))
    return [column[i] if i < len(column) else None for i in range(n_rounds) for column in columns]


# --- nouns to text -------------------------------------------------------------------------------


def _block(state: _Pruned, parsed: Text, number: int, tree: int | None) -> str:
    """The part of a tree at its new place."""
    if tree is None:
        root = int(state.trees.roots[0])
        lines = _one_leaf(parsed.trees[0], "0", str(int(state.trees.n_rows[root])), "1")
    else:
        lines = _lines(state, parsed.trees[tree], tree)
    return _joined(lines, number)


def _joined(lines: dict[str, str], number: int) -> str:
    return "".join(f"{k}={v}\n" for k, v in {**lines, "Tree": str(number)}.items()) + "\n\n"


def _one_leaf(tree: TextTree, value: str, count: str, shrinkage: str) -> dict[str, str]:
    """A constant, as LightGBM writes it."""
    new = {"num_leaves": "1", "num_cat": "0", "leaf_value": value, "leaf_count": count}
    new |= {"shrinkage": shrinkage}
    return {
        key: new.get(key, "" if key in (*_OF_INNER, *_OF_LEAVES) else line)
        for key, line in tree.lines.items()
        if key not in _OF_SETS
    }


def _lines(state: _Pruned, tree: TextTree, j: int) -> dict[str, str]:
    """The lines of a tree that is kept, cut or not."""
    trees = state.trees
    root = int(trees.roots[j])
    part = slice(root, root + len(tree.left))
    kept, leaf = state.kept[part], state.leaf[part]
    inner = np.flatnonzero(kept & ~leaf)
    leaves = np.flatnonzero(kept & leaf)
    leaves = leaves[np.argsort(state.first[part][leaves])]
    at_leaves = _leaf_words(state, tree, root, leaves)
    if len(tree.left) == 1:
        return {**tree.lines, "leaf_value": at_leaves["leaf_value"][0]}
    if not len(inner):
        count = str(int(trees.n_rows[root]))
        return _one_leaf(tree, at_leaves["leaf_value"][0], count, tree.lines.get("shrinkage", "1"))
    number = np.zeros(len(tree.left), np.int64)
    number[inner], number[leaves] = np.arange(len(inner)), ~np.arange(len(leaves))
    words = {key: _picked(tree, key, inner) for key in _OF_INNER if key in tree.lines}
    words["left_child"] = list(map(str, number[tree.left[inner]]))
    words["right_child"] = list(map(str, number[tree.right[inner]]))
    if state.changed[j] and "internal_value" in words:
        words["internal_value"] = [f"{v:g}" for v in state.value[root + inner]]
    words |= {key: found for key, found in at_leaves.items() if key in tree.lines}
    words |= _set_words(tree, inner, words["threshold"])
    lines = {**tree.lines, "num_leaves": str(len(leaves))}
    lines |= {key: " ".join(found) for key, found in words.items()}
    if "num_cat" in words and words["num_cat"] == ["0"]:
        return {key: line for key, line in lines.items() if key not in _OF_SETS}
    return lines


def _picked(tree: TextTree, key: str, inner: Array) -> list[str]:
    """The text's words for these internal nodes."""
    words = tree.lines[key].split()
    return [words[i] for i in tree.order[inner]]


def _leaf_words(state: _Pruned, tree: TextTree, root: int, leaves: Array) -> dict[str, list[str]]:
    """Words of grown leaves whose value is what it was; numbers of the others."""
    n_inner = len(tree.order)
    grown = leaves >= n_inner
    new = {
        "leaf_value": [f"{v:.17g}" for v in state.value[root + leaves]],
        "leaf_weight": [f"{v:.17g}" for v in state.hessian[root + leaves]],
        "leaf_count": [str(int(n)) for n in state.trees.n_rows[root + leaves]],
    }
    same = {
        "leaf_value": grown & (state.value[root + leaves] == tree.value[leaves]),
        "leaf_weight": grown,
        "leaf_count": grown,
    }
    for key, found in new.items():
        old = tree.lines.get(key, "").split()
        for i in np.flatnonzero(same[key]) if old else ():
            found[i] = old[leaves[i] - n_inner]
    return new


def _set_words(tree: TextTree, inner: Array, threshold: list[str]) -> dict[str, list[str]]:
    """Sets of categories that are still asked for, numbered anew, also in `threshold`."""
    if "cat_boundaries" not in tree.lines:
        return {}
    nodes = np.flatnonzero(tree.decision[inner] & _CATEGORICAL)
    old = [int(tree.threshold[inner[i]]) for i in nodes]
    used = sorted(set(old))
    for i, k in zip(nodes, old, strict=True):
        threshold[i] = str(used.index(k))
    bounds = [int(word) for word in tree.lines["cat_boundaries"].split()]
    words = tree.lines["cat_threshold"].split()
    parts = [words[bounds[k] : bounds[k + 1]] for k in used]
    return {
        "num_cat": [str(len(used))],
        "cat_boundaries": list(map(str, np.cumsum([0, *map(len, parts)]))),
        "cat_threshold": [word for part in parts for word in part],
        "threshold": threshold,
    }


def _with_sizes(head: str, blocks: list[str]) -> str:
    """The head with the length of every tree, by which LightGBM jumps."""
    sizes = " ".join(str(len(block.encode())) for block in blocks)
    return re.sub(r"^tree_sizes=.*$", f"tree_sizes={sizes}", head, flags=re.MULTILINE)


def _with_importances(parsed: Text, feature: Array) -> str:
    """What follows the trees, where LightGBM counts the splits of every column."""
    mark = "\nfeature_importances:\n"
    before, found, after = parsed.tail.partition(mark)
    if not found:
        return parsed.tail
    counts = np.bincount(feature, minlength=len(parsed.feature_names))
    lines = [
        f"{parsed.feature_names[j]}={counts[j]}\n"
        for j in np.argsort(-counts, kind="stable")
        if counts[j]
    ]
    stop = re.search(r"^$", after, re.MULTILINE)  # the empty line at the end of the list
    return before + found + "".join(lines) + (after[stop.start() :] if stop else "")


def _gains(tree: TextTree) -> Array:
    """Gain of every node, zero at leaves and where the text does not say."""
    out = np.zeros(len(tree.left))
    if tree.lines.get("split_gain"):
        words = _picked(tree, "split_gain", np.arange(len(tree.order)))
        out[: len(words)] = [float(word) for word in words]
    return out
