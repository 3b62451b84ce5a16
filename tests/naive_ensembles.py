"""Slow, obvious twins of what prunes ensembles, straight from the definitions.

Rows walk through trees one by one, sums are sums over rows, minima are those of the quadratic
that the rows' derivatives define.
"""

from __future__ import annotations

import math

import numpy as np


def numeric_derivatives(loss, score, step=1e-4):
    """Both derivatives of every row's loss by differences of the sum over all rows."""
    total = loss.weight.sum()
    gradient, hessian = np.zeros(score.shape), np.zeros(score.shape)
    for i, k in np.ndindex(score.shape):
        up, down = score.copy(), score.copy()
        up[i, k] += step
        down[i, k] -= step
        high, here, low = (total * loss.mean(s) for s in (up, score, down))
        gradient[i, k] = (high - low) / (2 * step)
        hessian[i, k] = (high - 2 * here + low) / step**2
    return gradient, hessian


def ancestors(parent, t):
    """The node itself and all above it, from below."""
    out = []
    while t >= 0:
        out.append(int(t))
        t = parent[t]
    return out


def answering(parent, is_leaf, t):
    """The highest node of the mask above (or at) a node, the node itself where there is none."""
    marked = [a for a in ancestors(parent, t) if is_leaf[a]]
    return marked[-1] if marked else int(t)


def node_sums(leaf, g, h, column, parent, width):
    """Every row counts at its leaf and at all nodes above."""
    G, H = np.zeros((len(parent), width)), np.zeros((len(parent), width))
    for j, i in np.ndindex(leaf.shape):
        for t in ancestors(parent, leaf[j, i]):
            for k in range(width):
                G[t, k] += g[i, column[j] + k]
                H[t, k] += h[i, column[j] + k]
    return G, H


def below(left, right, t):
    """All nodes of the subtree."""
    if left[t] < 0:
        return [int(t)]
    return [int(t), *below(left, right, left[t]), *below(left, right, right[t])]


def leaves_below(left, right, is_leaf, t):
    """Nodes of the subtree that answer."""
    if left[t] < 0 or is_leaf[t]:
        return [int(t)]
    return [x for c in (left[t], right[t]) for x in leaves_below(left, right, is_leaf, c)]


def merge_cost(rows, now, aim, ridge):
    """Least loss of one node as a leaf, and where; `rows` are pairs of derivatives with `now`."""
    g, h = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])

    def cost(u):
        off = u - now
        penalty = 0.0 if math.isinf(ridge) else 0.5 * ridge * (u - aim) ** 2
        return float(np.sum(g * off + 0.5 * h * off**2)) + penalty

    if math.isinf(ridge) or h.sum() + ridge <= 0:
        return cost(aim), aim
    # Of a parabola the minimum follows from three values around it.
    low, here, high = cost(aim - 1.0), cost(aim), cost(aim + 1.0)
    u = aim - 0.5 * (high - low) / (high - 2 * here + low)
    return cost(u), u


def prune_against(left, right, t, G, H, ridge, penalty, locked, is_leaf):
    """Leaves of the best pruned subtree by recursion: (saved, mask of what becomes a leaf)."""
    saved = sum(0.5 * a**2 / (b + ridge) for a, b in zip(G[t], H[t], strict=True) if b > 0)
    if left[t] < 0 or is_leaf[t]:
        return saved, set()
    parts = [
        prune_against(left, right, c, G, H, ridge, penalty, locked, is_leaf)
        for c in (left[t], right[t])
    ]
    split = parts[0][0] + parts[1][0] - penalty
    inner = parts[0][1] | parts[1][1]
    if split <= saved and not locked[t]:
        return saved, inner | {int(t)}
    return split, inner


def boosted_again(e, ridge, rate):
    """What every node tells, tree after tree, by sums over the rows that pass it."""
    trees, told = e.trees, np.zeros(e.trees.n_nodes)
    start = e.loss.start()
    score = np.tile(start, (e.leaf.shape[1], 1))
    classes = len(start)
    for first in range(0, trees.n_trees, classes):  # of several classes one tree each
        g, h = e.loss.derivatives(score)
        for j in range(first, first + classes):
            k = j - first
            above = [ancestors(trees.parent, t) for t in e.leaf[j]]
            for t in {t for nodes in above for t in nodes}:
                rows = [i for i, nodes in enumerate(above) if t in nodes]
                if h[rows, k].sum() > 0:
                    told[t] = -rate * g[rows, k].sum() / (h[rows, k].sum() + ridge)
            score[:, k] += told[e.leaf[j]]
            if first == 0:
                told[trees.tree_of == j] += start[k] - trees.base_score[k]
    return told


def optimism(e, ridge, rate):
    """Losses of the start, of trees fitted anew, and of rows left out of their own leaves."""
    trees, n = e.trees, e.leaf.shape[1]
    start = np.tile(e.loss.start(), (n, 1))
    fitted, left_out = start.copy(), start.copy()
    classes = start.shape[1]
    for first in range(0, trees.n_trees, classes):
        g, h = e.loss.derivatives(fitted)
        for k in range(classes):
            leaf = e.leaf[first + k]
            for i in range(n):
                beside = [r for r in range(n) if leaf[r] == leaf[i]]
                others = [r for r in beside if r != i]
                for rows, score in ((beside, fitted), (others, left_out)):
                    score[i, k] -= rate * g[rows, k].sum() / (h[rows, k].sum() + ridge)
    S, T, L = (e.loss.mean(score) for score in (start, fitted, left_out))
    return min(1.0, max(0.0, (L - T) / (S - T))) if T < S else 1.0


def stored_risk(left, right, hessian, value):
    """Half of the squared distances of the leaves below to the node, weighed by Hessians."""
    out = np.zeros(len(left))
    nothing = np.zeros(len(left), bool)
    for t in range(len(left)):
        for leaf in leaves_below(left, right, nothing, t):
            out[t] += 0.5 * hessian[leaf] * (value[leaf] - value[t]) ** 2
    return out


def size(trees, removed_at, step):
    """Leaves of the trees that split at a step; 1 where none does."""
    total = 0
    is_leaf = removed_at <= step
    for root in trees.roots:
        if not is_leaf[root]:
            total += len(leaves_below(trees.left, trees.right, is_leaf, root))
    return max(1, total)


def told_loss(kind, link, score, y, n_told):
    """Loss of one row from its raw scores."""
    if link == "softmax":
        power = np.exp(score - score.max())
        p = power / power.sum()
    elif link in ("logit", "ovr_logit"):
        p = 1 / (1 + np.exp(-score))
        if link == "logit" and n_told:
            p = np.array([1 - p[0], p[0]])
    else:
        p = np.exp(score) if link == "exp" else score
    if kind == "squared_error":
        return (y - p[0]) ** 2
    known = y >= 0
    if kind == "error":
        return float(np.argmax(p) != y)
    if kind == "brier":
        return sum((p[k] - (k == y)) ** 2 for k in range(len(p))) + (not known)
    return -np.log(max(p[int(y)], np.finfo(float).eps)) if known else -np.log(np.finfo(float).eps)


def level_losses(leaf, trees, removed_at, steps, y, weight, kind):
    """Sum over rows of the loss at each step asked, every row and step by itself."""
    out = np.zeros(len(steps))
    for s, step in enumerate(steps):
        is_leaf = removed_at <= step
        for i in range(len(leaf)):
            score = trees.base_score.copy()
            for j in range(trees.n_trees):
                t = answering(trees.parent, is_leaf, leaf[i, j])
                share = trees.tree_weight[j] / (trees.n_trees if trees.average else 1)
                score = score + share * trees.value[t, 0]
            loss = told_loss(kind, trees.link, score, y[i], len(trees.predicted_classes))
            out[s] += weight[i] * loss
    return out


def is_ordered(left, right, is_leaf, direction, value):
    """Whether no leaf on the lower side of a split lies above one on its upper side."""
    for t in range(len(left)):
        if left[t] < 0 or is_leaf[t] or direction[t] == 0:
            continue
        sides = [
            [value[x] for x in leaves_below(left, right, is_leaf, c)] for c in (left[t], right[t])
        ]
        low, high = sides if direction[t] > 0 else sides[::-1]
        if max(low) > min(high):
            return False
    return True


def goes_left(splits, t, row):
    """Whether a split sends a row left, by what `Splits` says of it."""
    x, ends = row[splits.feature[t]], splits.category_offsets
    if len(ends) > 1 and ends[t] < ends[t + 1]:
        return not math.isnan(x) and int(x) in set(splits.category_values[ends[t] : ends[t + 1]])
    return bool(splits.missing_left[t]) if math.isnan(x) else bool(x <= splits.threshold[t])


def additive_states(e, splits, X, rate, rounds, ridge):
    """States of boosting by single splits: (splits in use, what each adds, scores of all rows)."""
    trees, side, pool = e.trees, {}, {}
    for t in np.flatnonzero(splits.feature >= 0):
        side[t] = tuple(goes_left(splits, t, row) for row in X)
        if len(set(side[t])) == 2:
            alike = min(side[t], tuple(not left for left in side[t]))
            k = trees.tree_output[trees.tree_of[t]]
            pool.setdefault((splits.feature[t], k, alike), t)
    score = np.tile(e.loss.start(), (len(X), 1))
    used, value, states = [], {}, []
    most = (e.size(trees.is_leaf) - 1) // 2
    for _ in range(rounds):
        g, h = e.loss.derivatives(score)
        offers = []
        for t in pool.values():
            k = trees.tree_output[trees.tree_of[t]]
            gain, steps = 0.0, []
            for left in (True, False):
                rows = [i for i, own in enumerate(side[t]) if own == left]
                G, H = g[rows, k].sum(), h[rows, k].sum()
                steps.append(-G / (H + ridge) if H + ridge > 0 else 0.0)
                gain -= 0.5 * G * steps[-1]
            if e.direction[t] * (steps[1] - steps[0]) >= 0:
                offers.append((gain, int(t), steps))
        best = max((gain for gain, *_ in offers), default=0.0)
        if best <= 0:
            break
        _, t, steps = next(o for o in offers if o[0] >= best * (1 - 1e-9))
        if t not in used:
            if len(used) == most:
                break
            states.append((list(used), dict(value), score.copy()))
            used.append(t)
        old = value.get(t, (0.0, 0.0))
        value[t] = tuple(v + rate * step for v, step in zip(old, steps, strict=True))
        k = trees.tree_output[trees.tree_of[t]]
        score[:, k] += [rate * steps[0] if left else rate * steps[1] for left in side[t]]
    return [*states, (used, value, score)]
