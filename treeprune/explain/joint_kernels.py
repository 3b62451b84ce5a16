"""Compiled loops that stack trees under each other's leaves and send rows down what results.

A box says of every column which of its values are still open: a stretch of the pieces of a line
and whether missing values are, or a set of bits. A tree is walked below a leaf of those before it
within that leaf's box, so that splits which the box has settled are passed over.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray

__all__ = ["cells_of_rows", "first_leaves", "merged", "stack"]

# Columns of the tables `ask` (a row a node), `place` and `line` (a row a column of the data).
COLUMN, CUT, LEFT_MISSING, SET_AT = 0, 1, 2, 3
WORDS, BOX_AT = 0, 1
LOW, HIGH, MISSING = 0, 1, 2


@njit(cache=True)
def merged(left: Array, right: Array, value: Array) -> Array:
    """A leaf below every node where all leaves below have the very same value, else -1; (n_nodes,).

    Parameters
    ----------
    left, right : int32 (n_nodes,)
    value : float64 (n_nodes, n_scores)
    """
    n = left.size
    out = np.arange(n)
    for t in range(n - 1, -1, -1):
        if left[t] >= 0:
            a, b = out[left[t]], out[right[t]]
            out[t] = a if a >= 0 and b >= 0 and np.all(value[a] == value[b]) else -1
    return out


@njit(cache=True)
def _sides(t: int, ask: Array, sets: Array, place: Array, line: Array, box: Array) -> int:
    """Which sides of a split the box leaves open: 1 the left, 2 the right, 3 both."""
    c = ask[t, COLUMN]
    if place[c, WORDS] == 0:
        cut, low, high = ask[t, CUT], line[c, LOW], line[c, HIGH]
        to_left, to_right = low < min(high, cut), max(low, cut) < high
        if line[c, MISSING]:
            if ask[t, LEFT_MISSING]:
                to_left = True
            else:
                to_right = True
    else:
        to_left = to_right = False
        for w in range(place[c, WORDS]):
            bits, own = box[place[c, BOX_AT] + w], sets[ask[t, SET_AT] + w]
            to_left = to_left or (bits & own) != 0
            to_right = to_right or (bits & ~own) != 0
    return int(to_left) + 2 * int(to_right)


@njit(cache=True)
def _enter(
    t: int, is_left: bool, ask: Array, sets: Array, place: Array, line: Array, box: Array
) -> None:
    """Narrow the box to the values that a split sends one way."""
    c = ask[t, COLUMN]
    if place[c, WORDS] == 0:
        if is_left:
            line[c, HIGH] = min(line[c, HIGH], ask[t, CUT])
        else:
            line[c, LOW] = max(line[c, LOW], ask[t, CUT])
        if (ask[t, LEFT_MISSING] == 1) != is_left:
            line[c, MISSING] = 0
        return
    for w in range(place[c, WORDS]):
        own = sets[ask[t, SET_AT] + w]
        box[place[c, BOX_AT] + w] &= own if is_left else ~own


@njit(cache=True)
def _keep(c: int, d: int, at: int, place: Array, line: Array, box: Array, lines: Array,
          bits: Array) -> int:  # fmt: skip
    """Remember what the box says of a column; where the next bits go."""
    lines[d] = line[c]
    for w in range(place[c, WORDS]):
        bits[at + w] = box[place[c, BOX_AT] + w]
    return at + place[c, WORDS]


@njit(cache=True)
def _restore(c: int, d: int, at: int, place: Array, line: Array, box: Array, lines: Array,
             bits: Array) -> int:  # fmt: skip
    """Undo what was narrowed since; where the bits were."""
    line[c] = lines[d]
    at -= place[c, WORDS]
    for w in range(place[c, WORDS]):
        box[place[c, BOX_AT] + w] = bits[at + w]
    return at


@njit(cache=True)
def stack(
    left: Array, right: Array, is_leaf: Array, roots: Array, value: Array, ask: Array,
    sets: Array, place: Array, line: Array, box: Array, most: int, most_steps: int,
) -> tuple[int, int, Array, Array, Array]:  # fmt: skip
    """All trees as one: each under every leaf of those before it, in its leaf's box.

    Parameters
    ----------
    left, right : int32 (n_nodes,)
    is_leaf : bool (n_nodes,)
        Where to stop in each tree.
    roots : int32 (n_trees,)
    value : float64 (n_nodes, n_scores)
        What a leaf adds.
    ask : int64 (n_nodes, 4)
        What a split looks at: the column; how many pieces of its line go left and whether missing
        values do; or where the bits of the values that go left begin in `sets`.
    sets : uint64
    place : int64 (n_columns, 2)
        Words of the column's bits, 0 where it is a line, and where they begin in `box`.
    line : int64 (n_columns, 3)
        The pieces open at first, from and up to, and whether missing values are; changed.
    box : uint64
        The values of sets open at first; changed.
    most : int
        Cells beyond which to give up.
    most_steps : int
        Nodes (and words of sets) looked at beyond which to give up.

    Returns
    -------
    n_nodes, n_cells : int
        -1 for having given up.
    after : int32
        Right child of every node (the left one comes next), -1 at cells.
    source : int32
        The split that a node repeats, or the cell's position.
    total : float64 (n_cells, n_scores)
        Sums in the order of the trees.

    Notes
    -----
    A split whose sides are a cell each, with the same total, becomes one at once. A way down
    meets each split once at most, so that no stack is longer than there are splits.
    """
    n_trees, n_inner = roots.size, np.count_nonzero(~is_leaf)
    room = most + n_inner + 2
    after, source = np.empty(2 * room, np.int32), np.empty(2 * room, np.int32)
    total = np.empty((room, value.shape[1]))
    told = np.zeros((n_trees + 1, value.shape[1]))  # by the trees so far
    # On the way: the new node, the split, its tree, whether its right side has begun.
    way = np.empty((n_inner + 1, 4), np.int64)
    lines, bits = np.empty((n_inner + 1, 3), np.int64), np.empty(sets.size + 1, np.uint64)
    depth = n_nodes = n_cells = at = steps = 0
    k, t = 0, int(roots[0])
    while True:
        while k < n_trees:  # down to a cell, to the left wherever that is open
            steps += 1
            if is_leaf[t]:
                told[k + 1] = told[k] + value[t]
                k += 1
                t = int(roots[min(k, n_trees - 1)])
                continue
            steps += place[ask[t, COLUMN], WORDS]
            sides = _sides(t, ask, sets, place, line, box)
            if sides == 3:
                way[depth, 0], way[depth, 1], way[depth, 2], way[depth, 3] = n_nodes, t, k, 0
                at = _keep(ask[t, COLUMN], depth, at, place, line, box, lines, bits)
                source[n_nodes] = t
                depth, n_nodes = depth + 1, n_nodes + 1
                _enter(t, True, ask, sets, place, line, box)
            t = int(right[t]) if sides == 2 else int(left[t])
        after[n_nodes], source[n_nodes], total[n_cells] = -1, n_cells, told[n_trees]
        n_nodes, n_cells = n_nodes + 1, n_cells + 1
        while depth > 0 and way[depth - 1, 3]:  # up from sides that are done
            depth -= 1
            at = _restore(ask[way[depth, 1], COLUMN], depth, at, place, line, box, lines, bits)
            a = way[depth, 0]
            both = after[a + 1] < 0 and n_nodes == a + 3
            if both and np.all(total[n_cells - 2] == total[n_cells - 1]):
                n_nodes, n_cells = a + 1, n_cells - 1
                after[a], source[a] = -1, n_cells - 1
        # Each split on the way can take back one cell at most.
        if n_cells - depth > most or steps > most_steps:
            return -1, -1, after, source, total
        if depth == 0:
            return n_nodes, n_cells, after, source, total
        a, t, k = way[depth - 1, 0], way[depth - 1, 1], way[depth - 1, 2]
        at = _restore(ask[t, COLUMN], depth - 1, at, place, line, box, lines, bits)
        at = _keep(ask[t, COLUMN], depth - 1, at, place, line, box, lines, bits)
        way[depth - 1, 3], after[a] = 1, n_nodes
        _enter(t, False, ask, sets, place, line, box)
        t = int(right[t])


@njit(cache=True)
def first_leaves(left: Array, right: Array) -> Array:
    """Position of the first leaf below every node, among its tree's leaves from left to right.

    Parameters
    ----------
    left, right : int32 (n_nodes,)
    """
    n = left.size
    count, out = np.ones(n, np.int64), np.zeros(n, np.int64)
    for t in range(n - 1, -1, -1):
        if left[t] >= 0:
            count[t] = count[left[t]] + count[right[t]]
    for t in range(n):
        if left[t] >= 0:
            out[left[t]] = out[t]
            out[right[t]] = out[t] + count[left[t]]
    return out


@njit(cache=True)
def cells_of_rows(
    leaf: Array, tree_of: Array, first: Array, right: Array, after: Array, source: Array
) -> Array:
    """The cell of every row, by the leaves in which it ends in each tree, int64 (n_rows,).

    Parameters
    ----------
    leaf : int32 (n_rows, n_trees)
    tree_of : int64 (n_nodes,)
    first : int64 (n_nodes,)
        `first_leaves` of the trees.
    right : int32 (n_nodes,)
    after, source : int32
        Of `stack`.
    """
    out = np.empty(leaf.shape[0], np.int64)
    for i in range(leaf.shape[0]):
        a = 0
        while after[a] >= 0:
            t = source[a]
            is_left = first[leaf[i, tree_of[t]]] < first[right[t]]
            a = a + 1 if is_left else after[a]
        out[i] = source[a]
    return out
