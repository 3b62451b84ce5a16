"""Compiled loops over nodes: which splits say something, and what the way to every node asks.

A split says nothing where no row can reach one of its sides, or where both sides answer alike;
such splits are passed over, so that writing a model in more nodes does not change what is counted.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray

__all__ = ["asked", "columns_of_rows", "said"]


@njit(cache=True)
def said(
    left: Array, right: Array, is_leaf: Array, reached: Array, value: Array, slack: float
) -> Array:
    """Mask of the splits that say something, bool (n_nodes,).

    Parameters
    ----------
    left, right : int32 (n_nodes,)
    is_leaf : bool (n_nodes,)
        Leaves of the model, which may be splits of the one as grown; nodes below are ignored.
    reached : bool (n_nodes,)
    value : float64 (n_nodes, n_scores)
    slack : float
        Values that differ by no more are alike.
    """
    n = left.size
    out = np.zeros(n, np.bool_)
    answer = np.arange(n)  # the node whose value all rows get, -1 where they get several
    for t in range(n - 1, -1, -1):
        if is_leaf[t]:
            continue
        a, b = left[t], right[t]
        if not reached[a]:
            answer[t] = answer[b]
        elif not reached[b]:
            answer[t] = answer[a]
        else:
            alike = answer[a] >= 0 and answer[b] >= 0
            if alike:
                for c in range(value.shape[1]):
                    if abs(value[answer[a], c] - value[answer[b], c]) > slack:
                        alike = False
            answer[t] = answer[a] if alike else -1
            out[t] = not alike
    return out


@njit(cache=True)
def asked(
    left: Array,
    right: Array,
    says: Array,
    is_leaf: Array,
    reached: Array,
    words: Array,
    cost: Array,
) -> tuple[Array, Array, Array]:
    """What the way to every node asks: comparisons, columns as bits, whether it is in use.

    Parameters
    ----------
    left, right, is_leaf, reached
        As in `said`.
    says : bool (n_nodes,)
        Its result.
    words : uint64 (n_nodes, n_words)
        Bits of the columns that a split looks at.
    cost : float64 (n_nodes,)
        Comparisons of a split.

    Returns
    -------
    depth : float64 (n_nodes,)
    columns : uint64 (n_nodes, n_words)
    live : bool (n_nodes,)
        Splits that say something, that rows reach, and that are not below a leaf.
    """
    n = left.size
    depth = np.zeros(n)
    columns = np.zeros(words.shape, np.uint64)
    live = np.zeros(n, np.bool_)
    open_ = reached.copy()  # rows arrive here, in the model that ends at these leaves
    for t in range(n):
        if left[t] < 0:
            continue
        ends = is_leaf[t] or not open_[t]
        live[t] = says[t] and not ends
        for child in (left[t], right[t]):
            depth[child] = depth[t] + (cost[t] if live[t] else 0.0)
            open_[child] = open_[child] and not ends
            for w in range(words.shape[1]):
                columns[child, w] = columns[t, w]
                if live[t]:
                    columns[child, w] |= words[t, w]
    return depth, columns, live


@njit(cache=True)
def columns_of_rows(leaf: Array, columns: Array) -> Array:
    """Number of columns on a row's ways through all trees, int64 (n_rows,).

    Parameters
    ----------
    leaf : int64 (n_rows, n_trees)
    columns : uint64 (n_nodes, n_words)
    """
    out = np.zeros(leaf.shape[0], np.int64)
    for i in range(leaf.shape[0]):
        for w in range(columns.shape[1]):
            bits = np.uint64(0)
            for j in range(leaf.shape[1]):
                bits |= columns[leaf[i, j], w]
            while bits:
                bits &= bits - np.uint64(1)
                out[i] += 1
    return out
