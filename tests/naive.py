"""Slow, obvious twins of what the package computes fast.

Each function states a definition and then does exactly that, with plain arrays and without any of
the package's code. `left` and `right` hold the children of every node (-1 at leaves), `parent` the
node above (-1 at roots); a child has a larger index than its parent, and several trees may stand
one after another. Everywhere a `strength` is -inf at leaves and inf at splits that never go.
"""

from __future__ import annotations

import itertools
import math
from statistics import NormalDist

import numpy as np

INF = math.inf


# ----------------------------------------------------------------------------- structure


def parents(left, right):
    """The node above each node, -1 at roots."""
    parent = np.full(len(left), -1, np.int32)
    for t in range(len(left)):
        if left[t] >= 0:
            parent[left[t]] = parent[right[t]] = t
    return parent


def closed_upward(parent, locked):
    """Locked splits together with all their ancestors: none of them can go."""
    out = np.array(locked, dtype=bool)
    for t in np.flatnonzero(locked):
        while parent[t] >= 0:
            t = parent[t]
            out[t] = True
    return out


def subtree(left, right, t):
    """All nodes at and below `t`."""
    if left[t] < 0:
        return [t]
    return [t, *subtree(left, right, left[t]), *subtree(left, right, right[t])]


def leaves_under(left, right, gone, t):
    """Leaves at and below `t` once the splits in the mask `gone` have been cut."""
    if left[t] < 0 or gone[t]:
        return {int(t)}
    below = (leaves_under(left, right, gone, c) for c in (left[t], right[t]))
    return set().union(*below)


def leaf_set(left, right, gone):
    """Leaves of all trees once the splits in the mask `gone` have been cut."""
    roots = np.flatnonzero(parents(left, right) < 0)
    return set().union(*(leaves_under(left, right, gone, t) for t in roots))


def depth(parent, t):
    """Number of splits above node `t`."""
    return 0 if parent[t] < 0 else 1 + depth(parent, parent[t])


def node_at(parent, removed_at, step):
    """The highest ancestor-or-self that is a leaf at `step` (removed_at <= step), else itself."""
    out = np.arange(len(parent), dtype=np.int32)
    for t in range(len(parent)):
        above = parent[t]
        while above >= 0:
            if removed_at[above] <= step:
                out[t] = above
            above = parent[above]
    return out


def leaves_at(parent, removed_at, step):
    """Nodes that are leaves of the step's model: removed by then, and their parent is not."""
    return [
        t
        for t in range(len(parent))
        if removed_at[t] <= step and (parent[t] < 0 or removed_at[parent[t]] > step)
    ]


def step_sums(parent, removed_at, loss, n_steps):
    """Sum of `loss` over the leaves of every step's model."""
    return np.array(
        [math.fsum(loss[t] for t in leaves_at(parent, removed_at, s)) for s in range(n_steps)]
    )


def sum_up(left, right, sums):
    """Every node's row is the sum of the rows of the leaves below it."""
    never = np.zeros(len(left), bool)
    out = np.empty_like(sums)
    for t in range(len(left)):
        below = sorted(leaves_under(left, right, never, t))
        out[t] = [math.fsum(column) for column in sums[below].T]
    return out


def moments(left, right, leaf_of_row, y, w):
    """Weight, weighted mean and weighted sum of squared deviations of the rows below each node.

    From the raw rows `y` (n_rows, k) with weights `w`; zeros where no weight arrives.
    """
    n, k = len(left), y.shape[1]
    weight, mean, m2 = np.zeros(n), np.zeros((n, k)), np.zeros((n, k))
    never = np.zeros(n, bool)
    for t in range(n):
        rows = np.isin(leaf_of_row, list(leaves_under(left, right, never, t)))
        weight[t] = w[rows].sum()
        if weight[t] > 0:
            mean[t] = np.average(y[rows], axis=0, weights=w[rows])
            m2[t] = (w[rows, None] * (y[rows] - mean[t]) ** 2).sum(axis=0)
    return weight, mean, m2


# ----------------------------------------------------------------------------- orders


def weakest_link(left, right, risk, locked=None):
    """Strength at which each split goes in weakest-link pruning (Breiman et al. 1984, ch. 10).

    Again and again: over all remaining splits t compute g(t) = (R(t) - R(T_t)) / (|T_t| - 1),
    T_t the remaining subtree; collapse those of smallest g (within rounding), which is the
    strength of the splits that go with them. A locked split and its ancestors never collapse.
    """
    n = len(left)
    parent = parents(left, right)
    locked = closed_upward(parent, np.zeros(n, bool) if locked is None else locked)
    slack = 1e-12 * max(1.0, float(np.abs(risk).max()))
    strength = [-INF if left[t] < 0 else INF for t in range(n)]
    remaining = [t for t in range(n) if left[t] >= 0]
    low = -INF
    while True:
        below, size = list(map(float, risk)), [1] * n
        for t in reversed(remaining):
            below[t] = below[left[t]] + below[right[t]]
            size[t] = size[left[t]] + size[right[t]]
        g = {t: (risk[t] - below[t]) / (size[t] - 1) for t in remaining if not locked[t]}
        if not g:
            return np.array(strength)
        weakest = min(g.values())
        low = max(low, weakest)
        gone = set()
        for t in remaining:
            if g.get(t, INF) <= weakest + slack or parent[t] in gone:
                gone.add(t)
                strength[t] = low
        remaining = [t for t in remaining if t not in gone]


def top_down(left, parent, strength, locked):
    """Smallest strength among a split and its ancestors; locked splits and their ancestors: inf."""
    locked = closed_upward(parent, locked)
    out = np.full(len(left), -INF)
    for t in range(len(left)):
        if left[t] < 0:
            continue
        out[t], above = INF, t
        while above >= 0:
            if not locked[above]:
                out[t] = min(out[t], strength[above])
            above = parent[above]
    return out


def bottom_up(left, right, risk, margin=0.0, locked=None):
    """Mask of splits that a bottom-up recursion prunes, and all splits below these.

    After its children have been dealt with, a node becomes a leaf if its own risk is at most
    that of its (pruned) subtree plus `margin`. A locked split and its ancestors stay.
    """
    n = len(left)
    parent = parents(left, right)
    locked = closed_upward(parent, np.zeros(n, bool) if locked is None else locked)
    gone = np.zeros(n, bool)

    def best(t):
        if left[t] < 0:
            return risk[t]
        below = best(left[t]) + best(right[t])
        if locked[t] or risk[t] > below + margin:
            return below
        gone[[s for s in subtree(left, right, t) if left[s] >= 0]] = True
        return risk[t]

    for root in np.flatnonzero(parent < 0):
        best(root)
    return gone


def group_steps(strength, scale):
    """Steps of a path: equal strengths go together.

    Two neighbouring strengths are equal when they differ by at most 1e-12 relative or by
    1e-12 * scale. Step 0 is the model as grown (-inf). Returns the strength of every step and,
    per node, the step at which it goes (leaves 0, never: the number of steps).
    """
    levels = sorted({float(s) for s in strength if math.isfinite(s)})
    groups: list[list[float]] = []
    for s in levels:
        last = groups[-1][-1] if groups else -INF
        if groups and s - last <= 1e-12 * max(scale, abs(s)):
            groups[-1].append(s)
        else:
            groups.append([s])
    step_of = {s: i + 1 for i, group in enumerate(groups) for s in group}
    step_of.update({-INF: 0, INF: len(groups) + 1})
    removed_at = np.array([step_of[float(s)] for s in strength])
    return np.array([-INF, *(group[0] for group in groups)]), removed_at


# ----------------------------------------------------------------------------- best subtree


def best_subtree(left, right, risk, alpha):
    """Minimum of risk + alpha * leaves over all pruned subtrees, by dynamic programming.

    A node is best either as a leaf or as the sum of the best of its two children.
    """
    best = [0.0] * len(left)
    for t in reversed(range(len(left))):
        best[t] = risk[t] + alpha
        if left[t] >= 0:
            best[t] = min(best[t], best[left[t]] + best[right[t]])
    return math.fsum(best[t] for t in np.flatnonzero(parents(left, right) < 0))


def all_subtrees(left, right, t=0):
    """All pruned subtrees below `t`, each the frozenset of its leaves; for tiny trees only."""
    found = [frozenset([t])]
    if left[t] >= 0:
        below = (all_subtrees(left, right, c) for c in (left[t], right[t]))
        found += [a | b for a, b in itertools.product(*below)]
    return found


# ----------------------------------------------------------------------------- textbook methods


def reduced_error(left, right, errors):
    """Reduced-error pruning (Quinlan 1987): bottom-up, make a node a leaf if its errors on
    held-out rows are no more than those of its subtree. Two sums of weights that differ by
    rounding only are equal.
    """
    return bottom_up(left, right, errors, margin=1e-9)


def native_class(counts):
    """The class the model itself answers in each node: the first of the most frequent."""
    return np.argmax(counts, axis=1)


def leaf_errors(counts):
    """Weight of the rows of each node that are not of the node's own class."""
    return counts.sum(axis=1) - counts[np.arange(len(counts)), native_class(counts)]


def minimum_error(left, right, counts, m):
    """Minimum-error pruning with m-estimates (Niblett & Bratko 1987; Cestnik & Bratko 1991).

    The static error of a node of n rows, n_c of them of its class c, is
    1 - (n_c + p_c m) / (n + m), p_c the class's share at the root; the backed-up error is the
    mean of the children's errors weighted by their share of the rows. Bottom-up, a node becomes
    a leaf if its static error is at most the backed-up one.
    """
    prior = counts[0] / counts[0].sum()
    n, c = counts.sum(axis=1), native_class(counts)
    static = 1 - (counts[np.arange(len(c)), c] + prior[c] * m) / (n + m)
    gone = np.zeros(len(left), bool)

    def error(t):
        if left[t] < 0:
            return static[t]
        a, b = left[t], right[t]
        backed_up = (n[a] * error(a) + n[b] * error(b)) / n[t]
        if static[t] > backed_up + 1e-12:
            return backed_up
        gone[[s for s in subtree(left, right, t) if left[s] >= 0]] = True
        return static[t]

    error(0)
    return gone


def pessimistic(left, right, counts, level=1.0):
    """Pessimistic pruning (Quinlan 1987): from the root down, cut at the first node whose
    corrected errors e + 1/2 are within `level` standard errors of those of its subtree.

    The subtree's corrected errors are e' = sum of the leaves' errors + 1/2 for each leaf, their
    standard error sqrt(e' (n - e') / n). The textbook level is 1.
    """
    errors, n = leaf_errors(counts), counts.sum(axis=1)
    never, gone = np.zeros(len(left), bool), np.zeros(len(left), bool)

    def visit(t):
        if left[t] < 0:
            return
        leaves = sorted(leaves_under(left, right, never, t))
        corrected = errors[leaves].sum() + len(leaves) / 2
        se = math.sqrt(max(corrected * (n[t] - corrected), 0.0) / n[t])
        if errors[t] + 0.5 <= corrected + level * se + 1e-9:
            gone[[s for s in subtree(left, right, t) if left[s] >= 0]] = True
            return
        visit(left[t])
        visit(right[t])

    visit(0)
    return gone


def error_estimate(n, errors, confidence):
    """C4.5's pessimistic count of errors in a leaf of `n` rows (Quinlan 1993, ch. 4).

    n times the upper limit, at `confidence`, of the error rate that has a probability of
    `confidence` to give so few errors. None: 1 - CF^(1/n) exactly. Below one: on the straight
    line to the value at one. Within half a row of n: n. Else the normal approximation to the
    binomial with continuity correction.
    """
    if n <= 0:
        return 0.0
    if errors < 1:
        none = n * (1 - confidence ** (1 / n))
        return none if errors == 0 else none + errors * (error_estimate(n, 1, confidence) - none)
    if errors + 0.5 >= n:
        return max(n, errors)
    z = NormalDist().inv_cdf(1 - confidence)
    f = (errors + 0.5) / n
    spread = z * math.sqrt(f / n - f * f / n + z * z / (4 * n * n))
    return n * (f + z * z / (2 * n) + spread) / (1 + z * z / n)


def error_based(left, right, counts, confidence=0.25):
    """C4.5's error-based pruning without subtree raising: bottom-up, make a node a leaf if its
    pessimistic count of errors is at most its subtree's plus 0.1 (Quinlan 1993, ch. 4).
    """
    pairs = zip(counts.sum(axis=1), leaf_errors(counts), strict=True)
    risk = [error_estimate(n, e, confidence) for n, e in pairs]
    return bottom_up(left, right, risk, margin=0.1)


def shrink(left, right, value, n, lam):
    """Hierarchical shrinkage of node values (Agarwal et al. 2022, eq. 2).

    f(t) = v(root) + sum over the path of (v(node) - v(its parent)) / (1 + lam / n(its parent)).
    """
    parent = parents(left, right)

    def shrunk(t):
        above = parent[t]
        if above < 0:
            return value[t]
        return shrunk(above) + (value[t] - value[above]) / (1 + lam / n[above])

    return np.array([shrunk(t) for t in range(len(left))])


# ----------------------------------------------------------------------------- areas


def psi(positive, negative):
    """Whether a positive row is ranked above a negative one; a tie is one half."""
    return 1.0 if positive > negative else 0.5 if positive == negative else 0.0


def delong(is_positive, scores):
    """Areas of several scores and their covariance (DeLong et al. 1988, eq. 3 to 6).

    From psi over all pairs: the structural components V10 of every positive row and V01 of every
    negative one are means of it, S10 and S01 their covariances over scores.
    """
    areas, v10, v01 = [], [], []
    for score in scores:
        x = [s for s, p in zip(score, is_positive, strict=True) if p]
        y = [s for s, p in zip(score, is_positive, strict=True) if not p]
        m, n = len(x), len(y)
        areas.append(sum(psi(a, b) for a in x for b in y) / (m * n))
        v10.append([sum(psi(a, b) for b in y) / n for a in x])
        v01.append([sum(psi(a, b) for a in x) / m for b in y])

    def covariance(v, r, s):
        terms = [(a - areas[r]) * (b - areas[s]) for a, b in zip(v[r], v[s], strict=True)]
        return math.fsum(terms) / (len(terms) - 1)

    k = range(len(scores))
    cells = [[covariance(v10, r, s) / m + covariance(v01, r, s) / n for s in k] for r in k]
    return np.array(areas), np.array(cells)


def tango(gained, lost, n, level):
    """Differences of paired shares that a score test does not reject (Tango 1998).

    The likelihood under a difference d is maximised by golden-section search over the share lost.
    """
    z = NormalDist().inv_cdf(level)

    def share_lost(d):
        def log_likelihood(q):
            terms = ((gained, q + d), (lost, q), (n - gained - lost, 1 - 2 * q - d))
            if any(p <= 0 for k, p in terms if k):
                return -math.inf
            return sum(k * math.log(p) for k, p in terms if k)

        low, high = max(0.0, -d), (1 - d) / 2
        for _ in range(80):
            a, b = high - (high - low) * 0.618034, low + (high - low) * 0.618034
            low, high = (a, high) if log_likelihood(a) < log_likelihood(b) else (low, b)
        return (low + high) / 2

    def statistic(d):
        return ((gained - lost) - n * d) / math.sqrt(n * max(2 * share_lost(d) + d - d * d, 1e-300))

    def crossing(low, high, mark):
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if statistic(middle) > mark else (low, middle)
        return (low + high) / 2

    value = (gained - lost) / n
    return crossing(-1.0, value - 1e-9, z), crossing(value + 1e-9, 1.0, -z)


def least_difference(kept, moved, reach):
    """How far `moved` may fall on a fine grid until it is further off than its spread reaches."""

    def variance(area):
        a = math.sqrt(2) * NormalDist().inv_cdf(area) if 0 < area < 1 else math.inf
        return math.exp(-a * a / 2) * (6 * a * a + 16) if a < math.inf else 0.0

    grid = np.linspace(0, moved, 20_001)[::-1]
    for area in grid:
        ratio = (variance(kept) + variance(area)) / (variance(kept) + variance(moved))
        if moved - area > reach * math.sqrt(ratio):
            return area - kept
    return -kept


def rows_needed(value, low, high, margin, n_rows):
    """The smallest number of rows at which bounds that shrink with its root decide."""
    n = n_rows
    while True:
        n += 1
        shrunk = math.sqrt(n_rows / n)
        if value - (value - low) * shrunk > -margin or value + (high - value) * shrunk < 0:
            return n


# ----------------------------------------------------------------------------- rows and folds


def cost_decision(p, cost):
    """The class with the smallest expected cost; `cost[true, predicted]`; the first of equals."""
    expected = [sum(p[c] * cost[c][d] for c in range(len(p))) for d in range(len(p))]
    return int(np.argmin(expected))


def row_loss(kind, p, target, cost=None):
    """Loss of one prediction: class frequencies `p` (or a number) against the true class (or
    number). `brier` is the sum over classes; `log_loss` clips as scikit-learn does.
    """
    if kind == "squared_error":
        return (target - p[0]) ** 2
    if kind == "error":
        return float(np.argmax(p) != target)
    if kind == "cost":
        return float(cost[int(target)][cost_decision(p, cost)])
    if kind == "brier":
        return sum((p[c] - (c == target)) ** 2 for c in range(len(p)))
    if kind == "log_loss":
        return -math.log(min(max(p[int(target)], np.finfo(float).eps), 1.0))
    raise ValueError(kind)


def path_losses(kind, leaf, parent, removed_at, n_steps, value, y, w, cost=None, tree_weight=(1,)):
    """Weighted sum over rows of the loss of every step's model, one row after another.

    `leaf` (n_rows, n_trees) holds the leaves of the grown model, `value` (n_nodes, n_classes)
    the node values; the model's prediction is the weighted sum of the values of its trees.
    """
    out = np.zeros(n_steps)
    for step in range(n_steps):
        at = node_at(parent, removed_at, step)
        for i in range(len(y)):
            p = sum(a * value[at[t]] for a, t in zip(tree_weight, leaf[i], strict=True))
            out[step] += w[i] * row_loss(kind, p, y[i], cost)
    return out


def one_se(scores, size):
    """The smallest model whose mean score is within one standard error of the best mean.

    `scores` (n_folds, n_steps), more is better; the standard error is that of the best model:
    std (ddof 1) over folds, divided by the root of the number of folds. Among models of equal
    mean the smallest is the best.
    """
    mean = scores.mean(axis=0)
    se = scores.std(axis=0, ddof=1) / math.sqrt(len(scores))
    best = min(range(len(size)), key=lambda s: (-mean[s], size[s]))
    return min(
        (s for s in range(len(size)) if mean[s] >= mean[best] - se[best]), key=size.__getitem__
    )


def align(strength, fold_strength):
    """For every step of the final path, the step of a fold's path that stands for it.

    The final step k is the best model for strengths from a_k up to a_{k+1}: the fold is asked
    at their geometric mean (Breiman et al. 1984, 11.5): the last of its steps whose strength is
    at most that. The last step is asked at infinity, the first (as grown) at -inf.
    """
    at = []
    for k, low in enumerate(strength):
        if k == len(strength) - 1:
            level = INF if k else -INF
        else:
            level = math.sqrt(max(low, 0.0) * max(strength[k + 1], 0.0)) if k else -INF
        at.append(max(s for s, a in enumerate(fold_strength) if a <= level))
    return np.array(at)
