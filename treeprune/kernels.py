"""Compiled loops over flat trees: the order of pruning, sums over nodes, and step look-ups.

Every kernel takes plain arrays in which a child comes after its parent, so "bottom-up" is a loop
from the last node to the first and "top-down" the reverse; trees and forests look alike. None is
quadratic in any shape of tree. `tests/naive.py` holds a slow, obvious twin of each.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray

__all__ = [
    "bottom_up",
    "depths",
    "level_losses",
    "lock_ancestors",
    "moments_up",
    "node_at",
    "reached",
    "row_losses",
    "shrink",
    "step_sums",
    "sum_up",
    "top_down",
    "weakest_link",
]

# Loss codes of `row_losses`.
BRIER, LOG_LOSS, SQUARED_ERROR, ERROR = 0, 1, 2, 3
# Codes of what turns sums into predictions, the positions in `trees.LINKS`.
IDENTITY, LOGIT, SOFTMAX, OVR_LOGIT, EXP = 0, 1, 2, 3, 4


@njit(cache=True)
def _merge(a: int, b: int, key: Array, heap_left: Array, heap_right: Array) -> int:
    """Merge two skew max-heaps without recursion; returns the new root."""
    if a < 0:
        return b
    if b < 0:
        return a
    if key[a] < key[b]:
        a, b = b, a
    root = a
    while True:
        right = heap_right[a]
        heap_right[a] = heap_left[a]
        if right < 0:
            heap_left[a] = b
            return root
        if key[right] < key[b]:
            right, b = b, right
        heap_left[a] = right
        a = right


@njit(cache=True)
def weakest_link(left: Array, right: Array, parent: Array, risk: Array, locked: Array) -> Array:
    """Strength at which each split goes in the minimiser of risk + strength * leaves.

    Bottom-up, each node takes over the pruning events of both children in a max-heap and undoes
    those that would come after its own; what is left below it is then the smallest subtree that
    is optimal just before the node itself goes (Breiman et al. 1984, ch. 10). A cumulative
    minimum from the root closes the nesting. n log n for every shape of tree.

    Parameters
    ----------
    left, right, parent : int32 (n_nodes,)
    risk : float64 (n_nodes,)
        Loss if the node were a leaf; any sign of differences (hold-out risks go down and up).
    locked : bool (n_nodes,)
        Splits that never go; must include all ancestors of a locked node.

    Returns
    -------
    float64 (n_nodes,)
        -inf at leaves, inf at locked splits, never larger than at the parent.
    """
    n = left.size
    strength = np.empty(n)
    fewer_leaves = np.empty(n)
    more_risk = np.empty(n)
    heap_left = np.empty(n, np.int32)
    heap_right = np.empty(n, np.int32)
    heap = np.empty(n, np.int32)
    for t in range(n - 1, -1, -1):
        heap[t] = -1
        if left[t] < 0:
            strength[t] = -np.inf
            continue
        if locked[t]:  # its ancestors are locked too, so that nobody asks for its heap
            strength[t] = np.inf
            continue
        a, b = heap[left[t]], heap[right[t]]
        # Half of all splits have a leaf on a side: nothing to merge.
        if a < 0:
            events = b
        elif b < 0:
            events = a
        else:
            events = _merge(a, b, strength, heap_left, heap_right)
        leaves = 2.0
        below = risk[left[t]] + risk[right[t]]
        level = risk[t] - below
        while events >= 0 and strength[events] > level:
            leaves += fewer_leaves[events]
            below -= more_risk[events]
            events = _merge(heap_left[events], heap_right[events], strength, heap_left, heap_right)
            level = (risk[t] - below) / (leaves - 1.0)
        strength[t] = level
        fewer_leaves[t] = leaves - 1.0
        more_risk[t] = risk[t] - below
        # What is left of the events comes before this node's own, which is the new top.
        heap_left[t] = events
        heap_right[t] = -1
        heap[t] = t
    for t in range(n):
        if left[t] >= 0 and parent[t] >= 0 and strength[parent[t]] < strength[t]:
            strength[t] = strength[parent[t]]
    return strength


@njit(cache=True)
def top_down(left: Array, parent: Array, strength: Array, locked: Array) -> Array:
    """Strength at which each split goes when an ancestor's verdict takes all below with it.

    The cumulative minimum of `strength` from the root; leaves -inf, locked splits inf (with
    all their ancestors, see `weakest_link`).
    """
    n = left.size
    out = np.full(n, -np.inf)
    for t in range(n):
        if left[t] < 0:
            continue
        out[t] = np.inf if locked[t] else strength[t]
        if parent[t] >= 0 and out[parent[t]] < out[t]:
            out[t] = out[parent[t]]
    return out


@njit(cache=True)
def bottom_up(left: Array, right: Array, risk: Array, margin: float, locked: Array) -> Array:
    """Mask of the splits that the textbook recursion prunes, with all that hangs below them.

    A node is pruned when its own risk is at most its (already pruned) subtree's plus `margin`
    (C4.5: Quinlan 1993, ch. 4).
    """
    n = left.size
    best = risk.copy()
    gone = np.zeros(n, np.bool_)
    for t in range(n - 1, -1, -1):
        if left[t] < 0:
            continue
        below = best[left[t]] + best[right[t]]
        gone[t] = risk[t] <= below + margin and not locked[t]
        best[t] = risk[t] if gone[t] else below
    for t in range(n):
        if left[t] >= 0 and gone[t]:
            for child in (left[t], right[t]):
                gone[child] = left[child] >= 0
    return gone


@njit(cache=True)
def lock_ancestors(parent: Array, locked: Array) -> None:
    """Lock the ancestors of every locked node (n_nodes,), in place.

    A kept split is reached only if nothing above it goes.
    """
    for t in range(parent.size - 1, -1, -1):
        if locked[t] and parent[t] >= 0:
            locked[parent[t]] = True


@njit(cache=True)
def shrink(parent: Array, value: Array, weight: Array, lam: float) -> Array:
    """Hierarchically shrunken values (n_nodes, k): each step down counts less where rows are few.

    The difference to the parent is divided by 1 + lam / (weight of the parent).
    """
    out = value.copy()
    for t in range(parent.size):
        a = parent[t]
        if a >= 0:
            factor = 1.0 + lam / weight[a] if weight[a] > 0 else np.inf
            for j in range(value.shape[1]):
                out[t, j] = out[a, j] + (value[t, j] - value[a, j]) / factor
    return out


@njit(cache=True)
def sum_up(left: Array, right: Array, sums: Array) -> None:
    """Add the rows of `sums` (n_nodes, k) of all leaves to their ancestors, in place."""
    for t in range(left.size - 1, -1, -1):
        if left[t] >= 0:
            for j in range(sums.shape[1]):
                sums[t, j] = sums[left[t], j] + sums[right[t], j]


@njit(cache=True)
def moments_up(left: Array, right: Array, weight: Array, mean: Array, m2: Array) -> None:
    """Merge weight (n_nodes,), mean and sum of squared deviations (n_nodes, k) upward, in place.

    Pairwise merging (Chan, Golub & LeVeque 1983) keeps the digits that a sum of squares loses
    when the target is far from zero.
    """
    for t in range(left.size - 1, -1, -1):
        if left[t] < 0:
            continue
        a = left[t]
        b = right[t]
        total = weight[a] + weight[b]
        weight[t] = total
        for j in range(mean.shape[1]):
            gap = mean[b, j] - mean[a, j]
            share = weight[b] / total if total > 0 else 0.0
            mean[t, j] = mean[a, j] + gap * share
            m2[t, j] = m2[a, j] + m2[b, j] + gap * gap * share * weight[a]


@njit(cache=True)
def depths(parent: Array) -> Array:
    """Number of splits above each node, int32 (n_nodes,)."""
    out = np.zeros(parent.size, np.int32)
    for t in range(parent.size):
        if parent[t] >= 0:
            out[t] = out[parent[t]] + 1
    return out


@njit(cache=True)
def reached(parent: Array, is_leaf: Array) -> Array:
    """Mask of the nodes that have no ancestor in the mask `is_leaf` (any mask, not only nested)."""
    out = np.ones(parent.size, np.bool_)
    for t in range(parent.size):
        above = parent[t]
        if above >= 0:
            out[t] = out[above] and not is_leaf[above]
    return out


@njit(cache=True)
def node_at(parent: Array, removed_at: Array, step: int) -> Array:
    """Node that answers at `step` for a row that the grown model sends to each node."""
    out = np.empty(parent.size, np.int32)
    for t in range(parent.size):
        above = parent[t]
        out[t] = out[above] if above >= 0 and removed_at[above] <= step else t
    return out


@njit(cache=True)
def step_sums(
    left: Array, right: Array, parent: Array, removed_at: Array, loss: Array, n_steps: int
) -> Array:
    """Sum of `loss` (n_nodes,) over the leaves of every step's model, float64 (n_steps,).

    Each step starts from the loss of its smaller successor and adds what its splits saved,
    from the last step to the first, so that the few leaves of small trees carry no rounding
    from the many of large ones.
    """
    out = np.zeros(n_steps)
    for t in range(left.size):
        if parent[t] < 0 and n_steps > 0:
            out[n_steps - 1] += loss[t]
        if left[t] >= 0:
            gain = loss[left[t]] + loss[right[t]] - loss[t]
            out[min(removed_at[t], n_steps) - 1] += gain
    for s in range(n_steps - 2, -1, -1):
        out[s] += out[s + 1]
    return out


@njit(cache=True)
def _row_loss(p: Array, y: Array, n_classes: Array, share: Array, code: int) -> float:
    """Loss of one prediction (n_outputs, k); `y` holds class codes (-1: unknown) or targets."""
    total = 0.0
    for o in range(p.shape[0]):
        if code == SQUARED_ERROR:
            total += share[o] * (y[o] - p[o, 0]) ** 2
            continue
        c = int(y[o])
        if code == BRIER:
            part = 1.0 if c < 0 else 1.0 - 2.0 * p[o, c]
            for k in range(n_classes[o]):
                part += p[o, k] * p[o, k]
            total += share[o] * part
        else:
            # Running sums leave 1e-17 where a forest says zero: clip as `log_loss` clips zero.
            q = 0.0 if c < 0 else p[o, c]
            eps = np.finfo(np.float64).eps
            total -= share[o] * np.log(min(max(q, eps) if q > 1e-13 else eps, 1.0))
    return total


@njit(cache=True)
def row_losses(
    leaf: Array,
    parent: Array,
    removed_at: Array,
    value: Array,
    tree_weight: Array,
    y: Array,
    weight: Array,
    n_classes: Array,
    share: Array,
    code: int,
    out: Array,
) -> None:
    """Add the loss of every row at every step of a sum of trees to `out`, as differences.

    A row's prediction changes only where one of its leaves is merged away. Those events are
    visited in the order of their steps and `out[step]` receives the change of the loss; the
    caller takes the cumulative sum. Memory is one row's events, never rows x steps.

    Parameters
    ----------
    leaf : int32 (n_rows, n_trees)
        Leaf of the grown model, among all nodes.
    parent, removed_at : int32 (n_nodes,)
    value : float64 (n_nodes, n_outputs, k)
    tree_weight : float64 (n_trees,)
    y : float64 (n_rows, n_outputs)
    weight : float64 (n_rows,)
    n_classes : int64 (n_outputs,)
    share : float64 (n_outputs,)
        Factor of each output in the sum over outputs.
    code : int
        BRIER, LOG_LOSS or SQUARED_ERROR.
    out : float64 (n_steps,)
        Added to, in place.
    """
    n_rows, n_trees = leaf.shape
    n_steps = out.size
    n_outputs, k = value.shape[1], value.shape[2]
    top = np.empty(parent.size, np.int32)  # highest ancestor that goes at the same step
    for t in range(parent.size):
        above = parent[t]
        same = above >= 0 and removed_at[above] == removed_at[t]
        top[t] = top[above] if same else t
    p = np.empty((n_outputs, k))
    node = np.empty(n_trees, np.int32)
    for i in range(n_rows):
        events = 0
        p[:, :] = 0.0
        for j in range(n_trees):
            t = top[leaf[i, j]]
            node[j] = t
            p += tree_weight[j] * value[t]
            while parent[t] >= 0 and removed_at[parent[t]] < n_steps:
                events += 1
                t = top[parent[t]]
        at = np.empty(events, np.int64)
        tree = np.empty(events, np.int64)
        events = 0
        for j in range(n_trees):
            t = node[j]
            while parent[t] >= 0 and removed_at[parent[t]] < n_steps:
                t = top[parent[t]]
                at[events] = removed_at[t]
                tree[events] = j
                events += 1
        order = np.argsort(at, kind="mergesort") if n_trees > 1 else np.arange(events)
        loss = _row_loss(p, y[i], n_classes, share, code)
        out[0] += weight[i] * loss
        for e in range(events):
            j = tree[order[e]]
            t = top[parent[node[j]]]
            p += tree_weight[j] * (value[t] - value[node[j]])
            node[j] = t
            if e + 1 < events and at[order[e + 1]] == at[order[e]]:
                continue  # the loss is read once all events of the step have happened
            now = _row_loss(p, y[i], n_classes, share, code)
            out[at[order[e]]] += weight[i] * (now - loss)
            loss = now


@njit(cache=True)
def _respond(score: Array, link: int, p: Array) -> None:
    """Predictions (n_classes or 1,) from raw scores (n_scores,), in place."""
    if link == SOFTMAX:
        top = score.max()
        total = 0.0
        for k in range(score.size):
            p[k] = np.exp(score[k] - top)
            total += p[k]
        for k in range(score.size):
            p[k] /= total
        return
    for k in range(score.size):
        told = score[k]
        if link in (LOGIT, OVR_LOGIT):
            told = 1.0 / (1.0 + np.exp(-told))
        elif link == EXP:
            told = np.exp(told)
        p[p.size - score.size + k] = told
    if p.size > score.size:  # of two classes the scores speak of the second
        p[0] = 1.0 - p[1]


@njit(cache=True)
def _told_loss(p: Array, y: float, code: int) -> float:
    """Loss of one prediction (n_classes or 1,); `y` is a class code (-1: unknown) or a target."""
    if code == SQUARED_ERROR:
        return (y - p[0]) ** 2
    c = int(y)
    if code == ERROR:
        return 0.0 if np.argmax(p) == c else 1.0
    if code == BRIER:
        total = 1.0 if c < 0 else 1.0 - 2.0 * p[c]
        for k in range(p.size):
            total += p[k] * p[k]
        return total
    eps = np.finfo(np.float64).eps
    return -np.log(min(max(p[c], eps), 1.0) if c >= 0 else eps)


_ROWS_AT_ONCE = 32  # in `level_losses`


@njit(cache=True)
def _events(
    parent: Array, level: Array, value: Array, n_levels: int
) -> tuple[Array, Array, Array, Array]:
    """What happens to a row on its way up, from each node that answers.

    Returns
    -------
    first : int32 (n_nodes,)
        Node that answers at level 0 for a row of each grown leaf.
    above, at : int32 (n_nodes,)
        Node that answers next (-1: none), and the level from which on.
    gain : float64 (n_nodes,)
        What that changes.
    """
    n = parent.size
    first = np.empty(n, np.int32)
    above = np.full(n, -1, np.int32)
    at = np.zeros(n, np.int32)
    gain = np.zeros(n)
    top = np.empty(n, np.int32)  # highest node of those that go at the same level
    for t in range(n):
        up = parent[t]
        top[t] = top[up] if up >= 0 and level[up] == level[t] else t
        first[t] = first[up] if up >= 0 and level[up] == 0 else t
        up = parent[top[t]]
        if up >= 0 and level[up] < n_levels and level[up] > 0:
            above[t] = top[up]
            at[t] = level[up]
            gain[t] = value[top[up]] - value[t]
    return first, above, at, gain


@njit(cache=True)
def level_losses(
    leaf: Array,
    parent: Array,
    level: Array,
    value: Array,
    column: Array,
    base: Array,
    y: Array,
    weight: Array,
    link: int,
    n_told: int,
    code: int,
    out: Array,
) -> None:
    """Add the loss of every row at some levels of a sum of boosted trees to `out`, in place.

    What merging a row's leaves changes is collected by level and added up from the first level
    on, so that a row costs its events and one loss a level, without sorting.

    Parameters
    ----------
    leaf : int32 (n_rows, n_trees)
        Leaf of the grown model, among all nodes.
    parent : int32 (n_nodes,)
    level : int32 (n_nodes,)
        First level at which each node is a leaf or below one; n_levels where never.
    value : float64 (n_nodes,)
        What each node contributes to its tree's score.
    column : int32 (n_trees,)
        Score of each tree.
    base : float64 (n_scores,)
    y, weight : float64 (n_rows,)
    link, code : int
        LOGIT, …; BRIER, …
    n_told : int
        1 where classes are predicted, 0 for targets.
    out : float64 (n_levels,)
    """
    n_rows, n_trees = leaf.shape
    n_levels = out.size
    n_scores = base.size
    first, above, at, gain = _events(parent, level, value, n_levels)
    change = np.empty((_ROWS_AT_ONCE, n_levels, n_scores))
    score = np.empty(n_scores)
    p = np.empty(2 if n_told and link == LOGIT else n_scores)
    for begin in range(0, n_rows, _ROWS_AT_ONCE):
        end = min(begin + _ROWS_AT_ONCE, n_rows)
        change[:] = 0.0
        # Tree by tree, so that its nodes stay near while the rows pass.
        for j in range(n_trees):
            k = column[j]
            for i in range(begin, end):
                t = first[leaf[i, j]]
                change[i - begin, 0, k] += value[t]
                while above[t] >= 0:
                    change[i - begin, at[t], k] += gain[t]
                    t = above[t]
        for i in range(begin, end):
            score[:] = base
            loss = 0.0
            for s in range(n_levels):
                moved = s == 0
                for k in range(n_scores):
                    moved = moved or change[i - begin, s, k] != 0.0
                    score[k] += change[i - begin, s, k]
                if moved:
                    _respond(score, link, p)
                    loss = _told_loss(p, y[i], code)
                out[s] += weight[i] * loss
