"""Trees as the row kernels want them: slots that digitise columns, and edges merged by player.

A *slot* is one question that a tree asks of a row: a column cut at all of the tree's thresholds,
or one set of categories; its answer, the *bin*, is a small integer, and a node sends a row left
when the bin is not above the node's cut. An *edge* is named by the node at its lower end; on the
way from the root the edges of one player merge into one condition with one cover ratio.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...trees import Splits, Trees
from . import kernels
from .bins import Slots

Array = NDArray

# A cover ratio below this counts as zero, so that no factor of a product can underflow by itself.
_SMALLEST_COVER = 1e-200


def read_only(array: Array, dtype: type | None = None) -> Array:
    """A contiguous read-only view: numba compiles once for each mutability."""
    out = np.ascontiguousarray(array, dtype=dtype).view()
    out.setflags(write=False)
    return out


class Layout(NamedTuple):
    """What the kernels read, and what is known of every node.

    `start` holds the first node of every tree (and the end), `used` the model columns in use;
    `n_players` (on the path), `depth`, `reach` (product of all shares of cover from the root) and
    `path_bins` (bins of the slots above) describe nodes.
    """

    nodes: kernels.Nodes
    slots: Slots
    start: Array
    used: Array
    n_players: Array
    depth: Array
    reach: Array
    path_bins: Array


def set_nodes(splits: Splits) -> Array:
    """Mask of the nodes that ask for a set of categories."""
    sizes = np.zeros(len(splits.feature), np.int64)
    sizes[: len(splits.category_offsets) - 1] = np.diff(splits.category_offsets)
    return (sizes > 0) & (splits.feature >= 0)


def make_slots(
    splits: Splits, tree_of: Array, n_trees: int, used: Array
) -> tuple[Slots, Array, Array]:
    """One slot for each (tree, column) with thresholds and for each node with categories.

    Also slot and cut of every node.
    """
    in_set = set_nodes(splits)
    number = np.flatnonzero((splits.feature >= 0) & ~in_set)
    tree, feature, threshold = tree_of[number], splits.feature[number], splits.threshold[number]
    order = np.lexsort((threshold, feature, tree))
    number, tree, feature, threshold = (a[order] for a in (number, tree, feature, threshold))
    new_slot = np.ones(len(number), bool)
    new_slot[1:] = (np.diff(tree) != 0) | (np.diff(feature) != 0)
    new_cut = new_slot.copy()
    new_cut[1:] |= threshold[1:] != threshold[:-1]
    slot = np.cumsum(new_slot) - 1
    cut = np.cumsum(new_cut) - 1
    n_numeric = int(new_slot.sum())
    sets = np.flatnonzero(in_set)
    members = [
        np.unique(
            splits.category_values[splits.category_offsets[t] : splits.category_offsets[t + 1]]
        )
        for t in sets
    ]
    # Slots of numbers first, then sets; a stable sort by tree brings them together.
    slot_tree = np.concatenate([tree[new_slot], tree_of[sets]])
    by_tree = np.argsort(slot_tree, kind="stable")
    rank = np.empty(len(by_tree), np.int64)
    rank[by_tree] = np.arange(len(by_tree))
    sizes = np.concatenate(
        [np.bincount(slot[new_cut], minlength=n_numeric), [len(m) for m in members]]
    ).astype(np.int64)
    cuts = np.concatenate([threshold[new_cut], *members]).astype(np.float64)
    owner = np.repeat(rank, sizes)
    of_node = np.full(len(splits.feature), -1, np.int32)
    of_node[number], of_node[sets] = rank[slot], rank[n_numeric:]
    cut_of_node = np.zeros(len(splits.feature), np.int32)
    cut_of_node[number] = cut - cut[np.flatnonzero(new_slot)[slot]] if len(number) else 0
    columns = np.concatenate([feature[new_slot], splits.feature[sets]])[by_tree]
    is_set = (np.arange(len(by_tree)) >= n_numeric)[by_tree]
    slots = Slots(
        column=read_only(np.searchsorted(used, columns), np.int32),
        is_set=read_only(is_set),
        cut_start=read_only(np.concatenate([[0], np.cumsum(sizes[by_tree])]), np.int64),
        cuts=read_only(cuts[np.argsort(owner, kind="stable")]),
        missing_bin=read_only(np.where(is_set, 1, sizes[by_tree] + 1), np.int64),
        start=read_only(np.searchsorted(slot_tree[by_tree], np.arange(n_trees + 1)), np.int64),
    )
    return slots, read_only(of_node), read_only(cut_of_node)


def cover_ratios(trees: Trees) -> Array:
    """Share of its parent's cover that every node receives; 1 at roots.

    Where the parent has no weight (rows of weight zero only) rows are counted instead, and where
    it has no rows either both children get one half.
    """
    ratio = np.ones(trees.n_nodes)
    child = np.flatnonzero(trees.parent >= 0)
    above = trees.parent[child]
    weight, rows = trees.weight[above], trees.n_rows[above]
    with np.errstate(divide="ignore", invalid="ignore"):
        by_weight = trees.weight[child] / weight
        by_rows = trees.n_rows[child] / rows
    ratio[child] = np.where(weight > 0, by_weight, np.where(rows > 0, by_rows, 0.5))
    return ratio


def make_layout(trees: Trees, splits: Splits, player: Array, value: Array) -> Layout:
    """Put trees, players and the leaf values (nodes × columns) together."""
    used = np.unique(splits.feature[splits.feature >= 0])
    inner = splits.feature >= 0
    of_split = np.where(inner, player[np.maximum(splits.feature, 0)], -1)
    edge_player = np.where(trees.parent >= 0, of_split[np.maximum(trees.parent, 0)], -1)
    left, right = read_only(trees.left), read_only(trees.right)
    edge_player = read_only(edge_player, np.int32)
    slots, slot, cut = make_slots(splits, trees.tree_of, trees.n_trees, used)
    n_bins = np.append(slots.missing_bin + 1, 0)[slot]  # 0 at leaves, whose slot is -1
    above, cover, count, depth, reach, path_bins = kernels.merge_edges(
        left,
        right,
        read_only(trees.roots),
        edge_player,
        read_only(cover_ratios(trees)),
        read_only(n_bins, np.int64),
        int(player.max(initial=0)) + 1,
    )
    cover[cover < _SMALLEST_COVER] = 0.0
    missing_left = splits.missing_left & ~set_nodes(splits)  # missing values are in no set
    nodes = kernels.Nodes(
        left=left,
        right=right,
        parent=read_only(trees.parent),
        slot=slot,
        cut=cut,
        missing_left=read_only(missing_left),
        player=edge_player,
        cover=read_only(cover),
        above=read_only(above),
        value=read_only(value),
    )
    return Layout(
        nodes=nodes,
        slots=slots,
        start=read_only(np.append(trees.roots, trees.n_nodes), np.int64),
        used=read_only(used, np.int64),
        n_players=read_only(count),
        depth=read_only(depth),
        reach=read_only(reach),
        path_bins=read_only(path_bins),
    )
