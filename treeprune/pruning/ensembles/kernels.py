"""Compiled loops over the leaves of ensembles: derivative sums, merge costs, refits.

All of them speak of *contributions*: what a tree adds to a score, its value times its weight in
the sum. A tree speaks of `width` scores from `column` on: of one where it is a booster's, of all
where it is a forest's. `tests/naive_ensembles.py` holds a slow, obvious twin of each.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray

__all__ = [
    "add_contribution",
    "answering",
    "cell_sums",
    "clip_monotone",
    "lasso",
    "merge_costs",
    "node_sums",
    "prune_against",
    "refit_tree",
    "tree_sums",
]


@njit(cache=True)
def tree_sums(node: Array, g: Array, h: Array, column: int, first: int, G: Array, H: Array) -> None:
    """Add the derivatives of rows to the nodes in which one tree puts them, in place.

    Parameters
    ----------
    node : int32 (n_rows,)
        Node of each row, among all nodes.
    g, h : float64 (n_rows, n_scores)
    column : int
        First score of the tree.
    first : int
        Node to which the first row of `G` and `H` belongs.
    G, H : float64 (n_nodes of the tree or more, width)
    """
    for i in range(node.size):
        t = node[i] - first
        for k in range(G.shape[1]):
            G[t, k] += g[i, column + k]
            H[t, k] += h[i, column + k]


@njit(cache=True)
def cell_sums(cell: Array, g: Array, h: Array, n_cells: int) -> Array:
    """Sums of both derivatives over the rows of every cell, float64 (n_cells, 2).

    Parameters
    ----------
    cell : int32 (n_columns, n_rows)
        Cell of each row by each column, columns having cells of their own.
    g, h : float64 (n_rows,)
    """
    out = np.zeros((n_cells, 2))
    for f in range(cell.shape[0]):
        for i in range(cell.shape[1]):
            out[cell[f, i], 0] += g[i]
            out[cell[f, i], 1] += h[i]
    return out


@njit(cache=True)
def node_sums(
    leaf: Array, g: Array, h: Array, column: Array, left: Array, right: Array, width: int
) -> tuple[Array, Array]:
    """Sums of both derivatives over the rows of every node, float64 (n_nodes, width) each.

    `leaf` is int32 (n_trees, n_rows), a row a tree, `column` the first score of each tree.
    """
    G = np.zeros((left.size, width))
    H = np.zeros((left.size, width))
    for j in range(leaf.shape[0]):
        tree_sums(leaf[j], g, h, column[j], 0, G, H)
    for t in range(left.size - 1, -1, -1):
        if left[t] >= 0:
            for k in range(width):
                G[t, k] = G[left[t], k] + G[right[t], k]
                H[t, k] = H[left[t], k] + H[right[t], k]
    return G, H


@njit(cache=True)
def merge_costs(
    left: Array,
    right: Array,
    is_leaf: Array,
    G: Array,
    H: Array,
    now: Array,
    aim: Array,
    ridge: float,
) -> tuple[Array, Array]:
    """What merging each node would cost to second order, and the contribution it would then have.

    The rows below node t have contributions `now` of the leaves they are in; as one leaf with
    contribution u they would lose sum(g d + h d²/2), d = u - now, plus ridge/2 (u - aim)². The
    best u is taken; where `ridge` is infinite that is the aim, and its distance costs nothing.

    Parameters
    ----------
    left, right : int32 (n_nodes,)
    is_leaf : bool (n_nodes,)
        Leaves as they are now.
    G, H : float64 (n_nodes, width)
        Sums of the derivatives, at the scores as they are now.
    now : float64 (n_nodes, width)
        Contributions of the leaves as they are now.
    aim : float64 (n_nodes, width)
        Contribution towards which each node is drawn.
    ridge : float

    Returns
    -------
    cost : float64 (n_nodes,)
    best : float64 (n_nodes, width)
    """
    n, width = now.shape
    # Sums over rows of g * off, h * off, h * off², off = now - aim: of the contributions
    # themselves, which may lie far from zero (the first tree has the mean), differences would be
    # lost.
    first = np.zeros((n, width))
    second = np.zeros((n, width))
    square = np.zeros((n, width))
    cost = np.zeros(n)
    best = np.empty((n, width))
    for t in range(n - 1, -1, -1):
        for k in range(width):
            if is_leaf[t] or left[t] < 0:
                off = now[t, k] - aim[t, k]
                first[t, k] = G[t, k] * off
                second[t, k] = H[t, k] * off
                square[t, k] = second[t, k] * off
            else:
                for child in (left[t], right[t]):
                    moved = aim[child, k] - aim[t, k]
                    first[t, k] += first[child, k] + G[child, k] * moved
                    square[t, k] += square[child, k] + moved * (
                        2.0 * second[child, k] + H[child, k] * moved
                    )
                    second[t, k] += second[child, k] + H[child, k] * moved
            u = 0.0
            if np.isfinite(ridge) and H[t, k] + ridge > 0:
                u = (second[t, k] - G[t, k]) / (H[t, k] + ridge)
                cost[t] += 0.5 * ridge * u**2
            best[t, k] = aim[t, k] + u
            cost[t] += G[t, k] * u - first[t, k]
            cost[t] += 0.5 * (H[t, k] * u * u - 2.0 * u * second[t, k] + square[t, k])
    return cost, best


@njit(cache=True)
def refit_tree(
    node: Array,
    g: Array,
    h: Array,
    column: int,
    start: int,
    value: Array,
    aim: Array,
    ridge: float,
) -> Array:
    """Newton step of one tree's leaves towards the rows' loss, drawn towards `aim`; in place.

    Parameters
    ----------
    node : int32 (n_rows,)
        Leaf of each row, among all nodes.
    g, h : float64 (n_rows, n_scores)
        Derivatives at the scores of all trees.
    column, start : int
        First score of the tree, its root.
    value, aim : float64 (n_nodes of the tree, width)
        Contributions, changed here, and those towards which they are drawn.
    ridge : float

    Returns
    -------
    float64 (n_nodes of the tree, width)
        By how much contributions have changed.
    """
    G = np.zeros(value.shape)
    H = np.zeros(value.shape)
    tree_sums(node, g, h, column, start, G, H)
    step = np.zeros(value.shape)
    for t in range(value.shape[0]):
        for k in range(value.shape[1]):
            if H[t, k] > 0:
                pull = G[t, k] + ridge * (value[t, k] - aim[t, k])
                step[t, k] = -pull / (H[t, k] + ridge)
                value[t, k] += step[t, k]
    return step


@njit(cache=True)
def add_contribution(node: Array, column: int, start: int, value: Array, score: Array) -> None:
    """Add what one tree contributes to the scores (n_rows, n_scores) of rows, in place."""
    for i in range(node.size):
        for k in range(value.shape[1]):
            score[i, column + k] += value[node[i] - start, k]


@njit(cache=True)
def answering(parent: Array, is_leaf: Array, start: int, stop: int) -> Array:
    """Node that answers for each node from `start` to `stop`, which hold whole trees, int32."""
    out = np.empty(stop - start, np.int32)
    for t in range(start, stop):
        above = parent[t]
        cut = above >= 0 and (is_leaf[above] or out[above - start] != above)
        out[t - start] = out[above - start] if cut else t
    return out


@njit(cache=True)
def prune_against(
    left: Array,
    right: Array,
    start: int,
    G: Array,
    H: Array,
    ridge: float,
    penalty: float,
    locked: Array,
    is_leaf: Array,
    gain: Array,
) -> None:
    """Prune one tree for the derivatives that the trees before it have left, in place.

    A node fits its rows to second order with the contribution -G / (H + ridge) and then saves
    G² / (H + ridge) / 2. Bottom-up, a split goes when its (already pruned) sides save no more than
    its node would as a leaf, plus the penalty for one more leaf.

    Parameters
    ----------
    left, right : int32 (n_nodes,)
        Of all trees.
    start : int
        Root of the tree.
    G, H : float64 (n_nodes of the tree, width)
        Sums at its grown leaves; those of the other nodes are filled in.
    ridge, penalty : float
    locked : bool (n_nodes,)
        Of all trees: splits that never go.
    is_leaf : bool (n_nodes,)
        Of all trees: leaves as they are now; more become leaves here.
    gain : float64 (n_nodes,)
        Of all trees: receives what each split that stays saves, before the penalty.
    """
    n, width = G.shape
    saved = np.zeros(n)
    for t in range(n - 1, -1, -1):
        a, b = left[start + t] - start, right[start + t] - start
        if left[start + t] >= 0:
            for k in range(width):
                G[t, k] = G[a, k] + G[b, k]
                H[t, k] = H[a, k] + H[b, k]
        for k in range(width):
            if H[t, k] > 0:
                saved[t] += 0.5 * G[t, k] ** 2 / (H[t, k] + ridge)
        if left[start + t] < 0 or is_leaf[start + t]:
            continue
        below = saved[a] + saved[b] - penalty
        if below <= saved[t] and not locked[start + t]:
            is_leaf[start + t] = True
        else:
            gain[start + t] = below + penalty - saved[t]
            saved[t] = below


@njit(cache=True)
def lasso(Q: Array, q: Array, penalty: Array, w: Array, tolerance: float, most: int) -> int:
    """Minimise w'Qw/2 - q'w + penalty'w over w >= 0 by coordinate descent, in place.

    Parameters
    ----------
    Q : float64 (n, n)
        Symmetric, positive semidefinite.
    q, penalty, w : float64 (n,)
        `w` is the start and the result.
    tolerance : float
        Ends when no coordinate moves by more.
    most : int
        Sweeps at most.

    Returns
    -------
    int
        Sweeps made.
    """
    n = w.size
    slope = Q @ w - q
    for sweep in range(most):
        largest = 0.0
        for j in range(n):
            if Q[j, j] <= 0.0:
                w[j] = 0.0  # a constant tree adds nothing
                continue
            new = max(0.0, w[j] - (slope[j] + penalty[j]) / Q[j, j])
            step = new - w[j]
            if step != 0.0:
                for i in range(n):
                    slope[i] += step * Q[i, j]
                w[j] = new
                largest = max(largest, abs(step))
        if largest <= tolerance:
            return sweep + 1
    return most


@njit(cache=True)
def clip_monotone(
    left: Array, right: Array, is_leaf: Array, direction: Array, weight: Array, value: Array
) -> None:
    """Move leaves (n_nodes,) as little as is simple so that trees rise or fall as asked; in place.

    Where a split on a column of direction +1 (or -1) has a left leaf above (below) a right one,
    both sides are cut at the mean of the two means. What already keeps the order is not moved.

    Parameters
    ----------
    left, right : int32 (n_nodes,)
    is_leaf : bool (n_nodes,)
    direction : int8 (n_nodes,)
        Of the column on which the node splits, 0 where anything goes.
    weight : float64 (n_nodes,)
        Of each node, for the means.
    value : float64 (n_nodes,)
    """
    n = value.size
    low = np.full(n, -np.inf)
    high = np.full(n, np.inf)
    least = value.copy()  # over the leaves below
    most = value.copy()
    mean = value.copy()
    for t in range(n - 1, -1, -1):
        if left[t] < 0 or is_leaf[t]:
            continue
        a, b = left[t], right[t]
        least[t], most[t] = min(least[a], least[b]), max(most[a], most[b])
        total = weight[a] + weight[b]
        mean[t] = (
            (weight[a] * mean[a] + weight[b] * mean[b]) / total
            if total > 0
            else 0.5 * (mean[a] + mean[b])
        )
    for t in range(n):
        if left[t] < 0 or is_leaf[t]:
            value[t] = min(max(value[t], low[t]), high[t])
            continue
        a, b = left[t], right[t]
        for child in (a, b):
            low[child], high[child] = low[t], high[t]
        if direction[t] == 0:
            continue
        below, above = (a, b) if direction[t] > 0 else (b, a)
        if most[below] > least[above]:
            middle = min(max(0.5 * (mean[below] + mean[above]), low[t]), high[t])
            high[below] = min(high[below], middle)
            low[above] = max(low[above], middle)
