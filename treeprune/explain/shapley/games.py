"""The two games a leaf defines, tabulated over the players that fail it.

A leaf pays its value to the coalitions that reach it. *Path-dependent*: an absent player passes
with its cover ratio r, so that player i receives w (z_i - r_i) times the integral over u in [0, 1]
of the other players' (1 - u) r_j + u z_j, z = 1 where the row meets all of the player's conditions
(the Shapley weights are a Beta integral; the integrand is a polynomial, so that a Gauss-Legendre
rule of k / 2 nodes is exact, and its factors are never negative, so that it is stable).
*Interventional*: an absent player has a background row's values instead (Lundberg et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from . import kernels
from .bins import bin_columns
from .layout import Layout, read_only

Array = NDArray

__all__ = [
    "Costs",
    "add_by_tables",
    "add_by_walk",
    "coalition_weights",
    "costs",
    "leaf_tables",
    "leaves_of",
    "quadrature",
    "tree_bins",
    "use_tables",
]

# Entries of one tree's tables; beyond, the tree is walked.
TABLE_LIMIT = 1 << 20
# Quadrature nodes × depth of one walk.
_WALK_NUMBERS = 1 << 18
MOST_IN_TABLE = 16  # players that fail a leaf are 16 bits of a word


@lru_cache(maxsize=64)
def quadrature(n_players: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on [0, 1], exact for products of `n_players` - 1 factors."""
    from scipy.special import roots_legendre

    nodes, weights = roots_legendre(max((n_players + 1) // 2, 1))
    return read_only((nodes + 1) / 2), read_only(weights / 2)


@lru_cache(maxsize=8)
def coalition_weights(n_players: int) -> Array:
    """Shapley weight `[a, c]` = (a - 1)! c! / (a + c)! of a player among a that stand for the leaf
    while c stand against it; zero for a = 0.
    """
    out = np.zeros((n_players + 1, n_players + 1))
    against = np.arange(n_players + 1)
    out[1:2] = 1 / (against + 1)
    for a in range(2, n_players + 1):
        out[a] = out[a - 1] * (a - 1) / (a + against)
    return read_only(out)


@njit(cache=True)
def _leaf_players(
    nodes: kernels.Nodes, leaves: Array, starts: Array, players: Array, covers: Array
) -> None:
    """Players and their covers on the path to every leaf, in their order from below."""
    for leaf in range(leaves.size):
        count = 0
        t = leaves[leaf]
        while nodes.parent[t] >= 0:
            known = False
            for q in range(count):
                known |= players[starts[leaf] + q] == nodes.player[t]
            if not known:  # the player's last edge holds the product of all
                players[starts[leaf] + count] = nodes.player[t]
                covers[starts[leaf] + count] = nodes.cover[t]
                count += 1
            t = nodes.parent[t]


@njit(cache=True)
def _bin_failures(
    nodes: kernels.Nodes,
    leaves: Array,
    players: Array,
    starts: Array,
    first_slot: int,
    first_bin: Array,
    out: Array,
) -> None:
    """Set, for each leaf and each bin of a slot on its path, the bit of the player that fails."""
    for leaf in range(leaves.size):
        t = leaves[leaf]
        while nodes.parent[t] >= 0:
            position = 0
            while players[starts[leaf] + position] != nodes.player[t]:
                position += 1
            bit = np.uint64(1) << np.uint64(16 * (leaf & 3) + position)
            split = nodes.parent[t]
            s = nodes.slot[split] - first_slot
            n_bins = first_bin[s + 1] - first_bin[s]
            for b in range(n_bins):
                missing = b == n_bins - 1
                goes_left = b <= nodes.cut[split] or (missing and nodes.missing_left[split])
                if goes_left != (nodes.left[split] == t):
                    out[first_bin[s] + b, leaf >> 2] |= bit
            t = split


@njit(cache=True)
def _path_dependent_table(
    covers: Array, starts: Array, table_start: Array, nodes: Array, weights: Array, out: Array
) -> None:
    """Contributions of leaves of value 1 for every set of failing players.

    Player q's are at `table_start[leaf] + (q << k)`, by the bits of the players that fail.

    Nodes and weights are `[k, g]`: row k holds the rule of (k + 1) // 2 nodes.
    """
    before = np.empty(MOST_IN_TABLE + 1)
    after = np.empty(MOST_IN_TABLE + 1)
    for leaf in range(starts.size - 1):
        first = starts[leaf]
        k = starts[leaf + 1] - first
        n_quad = (k + 1) // 2
        for code in range(1 << k):
            at = table_start[leaf] + code
            for g in range(n_quad):
                u = nodes[k, g]
                before[0] = weights[k, g]
                after[k] = 1.0
                for q in range(k):
                    met = 1 - ((code >> q) & 1)
                    cover = covers[first + q]
                    before[q + 1] = before[q] * (cover + u * (met - cover))
                for q in range(k - 1, -1, -1):
                    met = 1 - ((code >> q) & 1)
                    cover = covers[first + q]
                    out[at + (q << k)] += (met - cover) * before[q] * after[q + 1]
                    after[q] = after[q + 1] * (cover + u * (met - cover))


@njit(cache=True)
def _interventional_table(
    codes: Array,
    background_weight: Array,
    starts: Array,
    table_start: Array,
    coalition: Array,
    out: Array,
) -> None:
    """The same against background rows, whose failing players are in `codes`.

    A pair pays where no player fails on both sides: the players that the background fails stand
    for the leaf, those that the row fails against it.
    """
    share = np.zeros(1 << MOST_IN_TABLE)
    for leaf in range(starts.size - 1):
        k = starts[leaf + 1] - starts[leaf]
        full = (1 << k) - 1
        share[: full + 1] = 0.0
        for j in range(codes.shape[0]):
            word = codes[j, leaf >> 2] >> np.uint64(16 * (leaf & 3))
            share[np.int64(word & np.uint64(0xFFFF))] += background_weight[j]
        for code in range(full + 1):
            at = table_start[leaf] + code
            against = 0
            for q in range(k):
                against += (code >> q) & 1
            free = full & ~code
            subset = free
            while True:
                if share[subset] > 0.0:
                    support = 0
                    for q in range(k):
                        support += (subset >> q) & 1
                    for q in range(k):
                        if (subset >> q) & 1:
                            out[at + (q << k)] += share[subset] * coalition[support, against]
                        elif (code >> q) & 1:
                            out[at + (q << k)] -= share[subset] * coalition[against, support]
                if subset == 0:
                    break
                subset = (subset - 1) & free


def leaf_tables(
    layout: Layout, tree: int, background: tuple[Array, Array] | None = None
) -> kernels.LeafTables:
    """Tabulate the leaves of one tree; `background` holds columns and weights, None is
    path-dependent. No leaf may have more than 16 players.
    """
    nodes, slots = layout.nodes, layout.slots
    first, end = layout.start[tree], layout.start[tree + 1]
    first_slot, end_slot = slots.start[tree], slots.start[tree + 1]
    leaves = read_only(first + np.flatnonzero(nodes.left[first:end] < 0), np.int64)
    counts = layout.n_players[leaves].astype(np.int64)
    starts = read_only(np.concatenate([[0], np.cumsum(counts)]))
    table_start = read_only(np.concatenate([[0], np.cumsum(counts << counts)]))
    n_bins = slots.missing_bin[first_slot:end_slot] + 1
    first_bin = read_only(np.concatenate([[0], np.cumsum(n_bins)]), np.int64)
    players, covers = np.zeros(starts[-1], np.int32), np.zeros(starts[-1])
    _leaf_players(nodes, leaves, starts, players, covers)
    players, covers = read_only(players), read_only(covers)
    failures = np.zeros((first_bin[-1], (len(leaves) + 3) // 4), np.uint64)
    _bin_failures(nodes, leaves, players, starts, first_slot, first_bin, failures)
    failures = read_only(failures)
    table = np.zeros(table_start[-1])
    if background is None:
        _path_dependent_table(covers, starts, table_start, *_rules(), table)
    else:
        columns, weight = background
        codes = np.empty((columns.shape[1], failures.shape[1]), np.uint64)
        kernels.leaf_codes(failures, first_bin, tree_bins(layout, tree, columns), codes)
        coalition = coalition_weights(MOST_IN_TABLE)
        _interventional_table(codes, weight, starts, table_start, coalition, table)
    value = read_only(nodes.value[leaves])
    return kernels.LeafTables(
        failures, first_bin, read_only(table), table_start, players, starts, value
    )


@dataclass(frozen=True, eq=False)
class Costs:
    """Operations, roughly, for every tree: `make` its tables, then `read` them or `walk` the tree
    for each row; `entries` of the tables, infinite where a leaf has too many players.
    """

    entries: Array
    make: Array
    read: Array
    walk: Array


def costs(layout: Layout, n_background: int | None) -> Costs:
    """Count operations by tree, without background path-dependent."""
    leaves = np.flatnonzero(layout.nodes.left < 0)
    first_leaf = np.searchsorted(leaves, layout.start[:-1])
    most = np.maximum.reduceat(layout.n_players, layout.start[:-1])
    k = np.minimum(layout.n_players[leaves], MOST_IN_TABLE + 1).astype(np.float64)

    def over_leaves(numbers: Array) -> Array:
        return np.add.reduceat(numbers, first_leaf).astype(np.float64)

    n_leaves = over_leaves(np.ones(len(leaves)))
    codes = np.diff(layout.slots.start) * (n_leaves / 4 + 2)
    read = 2 * over_leaves(k) + n_leaves + codes
    make = over_leaves(layout.path_bins[leaves])
    if n_background is None:
        make += 2 * over_leaves(k * k * 2**k)
        walk = 5 * np.diff(layout.start) * (most / 2 + 2)
    else:
        make += over_leaves(k * np.minimum(3**k, n_background * 2**k))
        make += n_background * (codes + n_leaves)
        depth = np.maximum.reduceat(layout.depth, layout.start[:-1])
        walk = 8.0 * n_background * np.minimum(n_leaves, 4 * depth)
    entries = np.where(most > MOST_IN_TABLE, np.inf, over_leaves(k * 2**k))
    return Costs(entries, make, read, walk)


def use_tables(of_trees: Costs, n_rows: int) -> Array:
    """Mask of the trees for which tables are small and soon paid for."""
    walked = -(-n_rows // 8) * 8  # rows walk in lanes of eight
    cheaper = of_trees.make + n_rows * of_trees.read < walked * of_trees.walk
    return cheaper & (of_trees.entries <= TABLE_LIMIT)


def add_by_tables(
    layout: Layout,
    tree: int,
    active: Array,
    background: tuple[Array, Array] | None,
    columns: Array,
    out: Array,
) -> None:
    """Make the tables of one tree and add the attributions of all rows to `out`."""
    tables = leaf_tables(layout, tree, background)
    kernels.add_by_tables(columns, layout.slots, layout.slots.start[tree], tables, active, out)


def add_by_walk(
    layout: Layout,
    tree: int,
    active: Array,
    background: tuple[Array, Array] | None,
    columns: Array,
    out: Array,
) -> None:
    """Walk one tree for every row, edge by edge or pair by pair with the background."""
    first, end = layout.start[tree], layout.start[tree + 1]
    first_slot = layout.slots.start[tree]
    bins = tree_bins(layout, tree, columns)
    most = int(layout.n_players[first:end].max())
    depth = int(layout.depth[first:end].max())
    given = layout.nodes, layout.slots, active, first, depth, first_slot, bins
    if background is None:
        at, weights = quadrature(most)
        size = max(_WALK_NUMBERS // (depth + 1), 1)  # an integral is a sum over any parts
        for part in (slice(q, q + size) for q in range(0, len(at), size)):
            kernels.add_by_edges(*given, at[part], weights[part], out)
        return
    others, weight = background
    other_bins = tree_bins(layout, tree, others)
    kernels.add_by_pairs(*given, other_bins, weight, coalition_weights(most), out)


def leaves_of(layout: Layout, tree: int, columns: Array) -> Array:
    """Leaf of every row in one tree, shape (n_rows,)."""
    first, first_slot = layout.start[tree], layout.slots.start[tree]
    bins = tree_bins(layout, tree, columns)
    return kernels.leaves_of(layout.nodes, layout.slots, first, first_slot, bins)


def tree_bins(layout: Layout, tree: int, columns: Array) -> Array:
    """Bins of one tree's slots, shape (n_slots, n_rows)."""
    first_slot, end_slot = layout.slots.start[tree], layout.slots.start[tree + 1]
    bins = np.empty((end_slot - first_slot, columns.shape[1]), np.int64)
    bin_columns(columns, 0, layout.slots, first_slot, bins)
    return bins


@cache
def _rules() -> tuple[Array, Array]:
    """Rules of `quadrature` for 0 to `MOST_IN_TABLE` players, as padded rows."""
    nodes = np.zeros((MOST_IN_TABLE + 1, (MOST_IN_TABLE + 1) // 2))
    weights = np.zeros_like(nodes)
    for k in range(1, MOST_IN_TABLE + 1):
        n = (k + 1) // 2
        nodes[k, :n], weights[k, :n] = quadrature(k)
    return read_only(nodes), read_only(weights)
