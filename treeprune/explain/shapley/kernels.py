"""Compiled loops over rows: Shapley values by edges, by pairs and by tables.

`add_by_edges` (path-dependent) and `add_by_pairs` (interventional) are exact whatever the depth;
`add_by_tables` looks both games up where their tables are small. All add to `out` in place and
take one tree at a time, whose nodes are `first_node:end_node`. `tests/naive_shapley.py` holds the
slow twins.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .bins import Slots, bin_columns

Array = NDArray

__all__ = [
    "LeafTables",
    "Nodes",
    "add_by_edges",
    "add_by_pairs",
    "add_by_tables",
    "leaf_codes",
    "leaves_of",
    "merge_edges",
]

_ROWS_AT_ONCE = 256
_LANES = 8  # rows that walk together: the loop over them is one or two vector operations


class Nodes(NamedTuple):
    """Nodes of all trees; an edge has the index of the node at its lower end.

    Parameters
    ----------
    left, right, parent : int32
    slot, cut : int32
        A row goes left where its bin in the slot is not above the cut; -1 and 0 at leaves.
    missing_left : bool
    player : int32
        Player of the edge; -1 at roots.
    cover : float64
        Product of the shares of cover of the player's edges down to this one.
    above : int32
        The player's last edge above; -1 where there is none.
    value : float64 (n_nodes, n_columns)
        What a leaf pays, tree weights included; zero at splits.
    """

    left: Array
    right: Array
    parent: Array
    slot: Array
    cut: Array
    missing_left: Array
    player: Array
    cover: Array
    above: Array
    value: Array


class LeafTables(NamedTuple):
    """What rows receive from the leaves of one tree, by the players that fail the leaf.

    Parameters
    ----------
    failures : uint64 (n_bins of all slots, n_words)
        Players whose condition each bin fails, 16 bits a leaf, four leaves a word.
    first_bin : int64 (n_slots + 1,)
        Row of `failures` that holds each slot's bin 0.
    table, table_start : float64, int64 (n_leaves + 1,)
        For each leaf, player by player, 2**k contributions of a leaf of value 1.
    players, players_start : int32, int64 (n_leaves + 1,)
    value : float64 (n_leaves, n_columns)
    """

    failures: Array
    first_bin: Array
    table: Array
    table_start: Array
    players: Array
    players_start: Array
    value: Array


# The arrays of a tuple are named before a loop: taking them out inside costs a count of
# references each time.


@njit(inline="always")
def _goes_left(cut: Array, missing_left: Array, missing_bin: int, t: int, row_bin: int) -> bool:
    """Whether a row with that bin in the node's slot goes left."""
    return row_bin <= cut[t] or (missing_left[t] and row_bin == missing_bin)


@njit(cache=True)
def merge_edges(
    left: Array,
    right: Array,
    roots: Array,
    player: Array,
    ratio: Array,
    n_bins: Array,
    n_players: int,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Merge the edges of one player along every path, in one walk through the trees.

    Parameters
    ----------
    left, right, roots : int32
    player : int32 (n_nodes,)
        Player of the edge into each node; -1 at roots.
    ratio : float64 (n_nodes,)
        Share of the parent's cover that the node receives.
    n_bins : int64 (n_nodes,)
        Number of bins of the node's slot.
    n_players : int

    Returns
    -------
    above : int32
        The player's last edge above this one, -1 where there is none.
    cover : float64
        Product of the ratios of the player's edges from the root to this one.
    count : int32
        Number of players on the path.
    depth : int32
    reach : float64
        Product of all ratios from the root.
    path_bins : int64
        Sum of `n_bins` over the nodes above.
    """
    n = left.size
    above = np.full(n, -1, np.int32)
    cover = np.ones(n)
    count = np.zeros(n, np.int32)
    depth = np.zeros(n, np.int32)
    reach = np.ones(n)
    path_bins = np.zeros(n, np.int64)
    last = np.full(n_players, -1, np.int32)
    stack = np.empty(2 * n + 2, np.int32)
    for root in roots:
        stack[0] = root
        top = 1
        while top:
            top -= 1
            t = stack[top]
            if t < 0:  # all below ~t is done: the player's last edge is the one above again
                last[player[~t]] = above[~t]
                continue
            p = player[t]
            if p >= 0:
                above[t] = last[p]
                cover[t] = ratio[t] * (cover[last[p]] if last[p] >= 0 else 1.0)
                count[t] += last[p] < 0
                last[p] = t
                stack[top] = ~t
                top += 1
            if left[t] >= 0:
                for child in (right[t], left[t]):
                    count[child] = count[t]
                    depth[child] = depth[t] + 1
                    reach[child] = reach[t] * ratio[child]
                    path_bins[child] = path_bins[t] + n_bins[t]
                    stack[top] = child
                    top += 1
    return above, cover, count, depth, reach, path_bins


@njit(cache=True)
def leaves_of(nodes: Nodes, slots: Slots, root: int, first_slot: int, bins: Array) -> Array:
    """Leaf of every row in the tree of `root`, int64 (n_rows,); arguments as in `add_by_edges`."""
    left, right, slot, cut = nodes.left, nodes.right, nodes.slot, nodes.cut
    missing_left, missing_bin = nodes.missing_left, slots.missing_bin
    out = np.empty(bins.shape[1], np.int64)
    for i in range(out.size):
        t = root
        while left[t] >= 0:
            s = slot[t]
            row_bin = bins[s - first_slot, i]
            t = left[t] if _goes_left(cut, missing_left, missing_bin[s], t, row_bin) else right[t]
        out[i] = t
    return out


@njit(cache=True)
def _multiply(
    share: float,
    share_up: float,
    at: Array,
    weights: Array,
    kept: Array,
    broken: Array,
    lost: Array,
    if_kept: Array,
    if_broken: Array,
    product: Array,
    d: int | np.int64,
) -> None:
    """Multiply the product above depth `d` by the change of the player's factor, lane by lane, and
    note what the edge pays of the sum below it.
    """
    if_lost = share / share_up if share_up > 0.0 else 0.0
    for g in range(at.size):
        u = at[g]
        factor_up = share_up + u * (1.0 - share_up)
        factor = share + u * (1.0 - share)
        paid_above = (1.0 - share_up) / factor_up
        if_kept[d, g] = weights[g] * ((1.0 - share) / factor - paid_above)
        if_broken[d, g] = weights[g] * (-1.0 / (1.0 - u) - paid_above)
        up = factor / factor_up
        down = (1.0 - u) * share / factor_up
        for r in range(_LANES):
            change = kept[d, r] * up + broken[d, r] * down + lost[d, r] * if_lost
            product[d, g, r] = product[d - 1, g, r] * change


@njit(cache=True)
def _hand_up(
    kept: Array,
    broken: Array,
    if_kept: Array,
    if_broken: Array,
    below: Array,
    d: int | np.int64,
    active: Array,
    first_row: int,
    to_player: Array,
) -> None:
    """Add the sums below depth `d` to those above, and pay the player of the edge between."""
    if_both = np.empty((2, _LANES))
    for c in range(active.size):
        if_both[:] = 0.0
        for g in range(if_kept.shape[1]):
            a, b = if_kept[d, g], if_broken[d, g]
            for r in range(_LANES):
                part = below[d, c, g, r]
                below[d - 1, c, g, r] += part
                if_both[0, r] += part * a
                if_both[1, r] += part * b
        for r in range(min(_LANES, to_player.shape[1] - first_row)):
            gain = kept[d, r] * if_both[0, r] + broken[d, r] * if_both[1, r]
            to_player[active[c], first_row + r] += gain


@njit(cache=True)
def add_by_edges(
    nodes: Nodes,
    slots: Slots,
    active: Array,
    root: int,
    depth: int,
    first_slot: int,
    bins: Array,
    at: Array,
    weights: Array,
    out: Array,
) -> None:
    """Path-dependent values of one tree from sums over its edges.

    With q(u) the product over a leaf's players of (1 - u) cover + u met, the leaf's value times q
    over the player's own factor, integrated over u, times (met - cover) is the player's value.
    Sums of the leaves' q below an edge serve all players at once: an edge speaks for the leaves
    below it, less those below the same player's next edge. Where the player has failed above,
    the two cancel. Work per row: edges × quadrature nodes. (After Yu et al., "Linear TreeShap",
    2022, who interpolate where we integrate.)

    Parameters
    ----------
    active : int64
        Columns of `nodes.value` that are not all zero in this tree.
    root, depth, first_slot : int
        Root, depth and first slot of the tree.
    bins : int64 (n_slots, n_rows)
    at, weights : float64 (n_quad,)
        Gauss-Legendre rule on [0, 1], exact for the longest path, or a part of it.
    out : float64 (n_players, n_columns, n_rows)
    """
    left, right, parent, slot, cut = nodes.left, nodes.right, nodes.parent, nodes.slot, nodes.cut
    missing_left, player, cover, above = nodes.missing_left, nodes.player, nodes.cover, nodes.above
    value, missing_bin = nodes.value, slots.missing_bin
    n_rows, n_quad = bins.shape[1], at.size
    met = np.ones((out.shape[0], _LANES), np.bool_)  # the conditions of each player down to here
    # 1.0 where a row still meets its player's conditions, breaks them here or has done so above.
    kept, broken, lost = np.empty((3, depth + 1, _LANES))
    if_kept, if_broken = np.empty((2, depth + 1, n_quad))
    product = np.ones((depth + 1, n_quad, _LANES))
    below = np.zeros((depth + 1, active.size, n_quad, _LANES))
    for first_row in range(0, n_rows, _LANES):
        n_lanes = min(_LANES, n_rows - first_row)
        t, d, down = root, np.int64(0), True
        while True:
            if down and left[t] >= 0:
                t, d = left[t], d + 1
            elif down:
                for c in range(active.size):
                    for g in range(n_quad):
                        for r in range(_LANES):
                            below[d, c, g, r] = value[t, active[c]] * product[d, g, r]
                down = False
                continue
            elif d == 0:
                break
            else:
                p = player[t]
                _hand_up(kept, broken, if_kept, if_broken, below, d, active, first_row, out[p])
                for r in range(_LANES):
                    met[p, r] = lost[d, r] == 0.0
                if right[parent[t]] == t:
                    t, d = parent[t], d - 1
                    continue
                t, down = right[parent[t]], True
            p, split = player[t], parent[t]
            for r in range(_LANES):  # lanes after the last row repeat it
                row_bin = bins[slot[split] - first_slot, first_row + min(r, n_lanes - 1)]
                missing = missing_bin[slot[split]]
                goes_left = _goes_left(cut, missing_left, missing, split, row_bin)
                passes = goes_left == (left[split] == t)
                kept[d, r] = met[p, r] and passes
                broken[d, r] = met[p, r] and not passes
                lost[d, r] = not met[p, r]
                met[p, r] &= passes
            up = cover[above[t]] if above[t] >= 0 else 1.0
            _multiply(cover[t], up, at, weights, kept, broken, lost, if_kept, if_broken, product, d)
            below[d] = 0.0


@njit(cache=True)
def _pay(
    value: Array,
    t: int,
    share: float,
    active: Array,
    coalition: Array,
    sides: Array,
    count: Array,
    out: Array,
    i: int,
) -> None:
    """Add what leaf `t` pays row `i` to the players on either side."""
    a, c = count[1], count[2]
    for d in active:
        worth = value[t, d] * share
        for q in range(a):
            out[sides[1, q], d, i] += worth * coalition[a, c]
        for q in range(c):
            out[sides[2, q], d, i] -= worth * coalition[c, a]


@njit(cache=True)
def add_by_pairs(
    nodes: Nodes,
    slots: Slots,
    active: Array,
    root: int,
    depth: int,
    first_slot: int,
    bins: Array,
    background_bins: Array,
    background_weight: Array,
    coalition: Array,
    out: Array,
) -> None:
    """Interventional values of one tree, pair by pair of a row and a background row.

    Where the two part, either way is open to some coalitions: the player then sides with the row
    or with the background for all that is below (Lundberg et al. 2020, algorithm 3). Work per
    pair: the leaves that coalitions of the two can reach. Arguments as in `add_by_edges`, and:

    Parameters
    ----------
    depth : int
        Depth of the tree.
    background_bins : int64 (n_slots, n_background), background_weight : float64, sums to 1
    coalition : float64
        `coalition[a, c]` = (a - 1)! c! / (a + c)!, see `games.coalition_weights`.
    """
    left, right, slot, cut = nodes.left, nodes.right, nodes.slot, nodes.cut
    missing_left, missing_bin = nodes.missing_left, slots.missing_bin
    player, value = nodes.player, nodes.value
    side = np.zeros(out.shape[0], np.int8)  # 0 undecided, 1 with the row, 2 with the background
    sides = np.empty((3, depth + 1), np.int32)  # players by side, in the order of joining
    count = np.zeros(3, np.int64)
    stack = np.empty(3 * depth + 3, np.int64)
    joins = np.zeros(3 * depth + 3, np.int8)
    for i in range(bins.shape[1]):
        for j in range(background_bins.shape[1]):
            stack[0], joins[0], top = root, 0, 1
            while top:
                top -= 1
                t, joined = stack[top], joins[top]
                if t < 0:  # all below the edge into ~t is done: its player is undecided again
                    p = player[~t]
                    count[side[p]] -= 1
                    side[p] = 0
                    continue
                if joined:
                    p = player[t]
                    side[p] = joined
                    sides[joined, count[joined]] = p
                    count[joined] += 1
                    stack[top] = ~t
                    top += 1
                if left[t] < 0:
                    _pay(value, t, background_weight[j], active, coalition, sides, count, out, i)
                    continue
                s, missing = slot[t] - first_slot, missing_bin[slot[t]]
                other = background_bins[s, j]
                row_left = _goes_left(cut, missing_left, missing, t, bins[s, i])
                background_left = _goes_left(cut, missing_left, missing, t, other)
                row_child = left[t] if row_left else right[t]
                background_child = left[t] if background_left else right[t]
                known = side[player[left[t]]]
                parted = row_left != background_left and known == 0
                stack[top] = background_child if known == 2 else row_child
                joins[top] = 1 if parted else 0
                top += 1
                if parted:
                    stack[top], joins[top] = background_child, 2
                    top += 1


@njit(cache=True)
def leaf_codes(failures: Array, first_bin: Array, bins: Array, out: Array) -> None:
    """Which players fail each leaf: `out`, uint64 (n_rows, n_words), as in `LeafTables`."""
    for i in range(bins.shape[1]):
        for w in range(out.shape[1]):
            out[i, w] = 0
        for s in range(bins.shape[0]):
            at = first_bin[s] + bins[s, i]
            for w in range(out.shape[1]):
                out[i, w] |= failures[at, w]


@njit(cache=True)
def add_by_tables(
    columns: Array, slots: Slots, first_slot: int, tables: LeafTables, active: Array, out: Array
) -> None:
    """Look up every leaf's contribution to every row of `columns`, and add.

    Rows are the inner loop: then nothing waits for the sum before.
    """
    starts = tables.players_start
    code = np.empty(_ROWS_AT_ONCE, np.uint64)
    for a in range(0, columns.shape[1], _ROWS_AT_ONCE):
        m = min(_ROWS_AT_ONCE, columns.shape[1] - a)
        bins = np.empty((tables.first_bin.size - 1, m), np.int64)
        codes = np.empty((m, tables.failures.shape[1]), np.uint64)
        bin_columns(columns, a, slots, first_slot, bins)
        leaf_codes(tables.failures, tables.first_bin, bins, codes)
        for leaf in range(starts.size - 1):
            k = starts[leaf + 1] - starts[leaf]
            shift = np.uint64(16 * (leaf & 3))
            for i in range(m):
                code[i] = (codes[i, leaf >> 2] >> shift) & np.uint64(0xFFFF)
            for q in range(k):
                at = tables.table_start[leaf] + (q << k)
                share = tables.table[at : at + (1 << k)]
                for d in active:
                    worth = tables.value[leaf, d]
                    to = out[tables.players[starts[leaf] + q], d, a : a + m]
                    for i in range(m):
                        to[i] += worth * share[code[i]]
