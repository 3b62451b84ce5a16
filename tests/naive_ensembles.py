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


def additive_states(e, splits, X, rate, ridge, least, rounds, rounds_a_step):
    """States of boosting by single splits: (splits in use, what each adds, scores of all rows)."""
    trees, side, pool = e.trees, {}, {}
    column = trees.tree_output[trees.tree_of]
    for t in map(int, np.flatnonzero(splits.feature >= 0)):
        side[t] = tuple(goes_left(splits, t, row) for row in X)
        if len(set(side[t])) == 2:
            alike = min(side[t], tuple(not left for left in side[t]))
            pool.setdefault((splits.feature[t], column[t], alike), t)
    used, value = [], {}

    def scores():
        out = np.tile(e.loss.start(), (len(X), 1))
        for t in used:
            out[:, column[t]] += [value[t][0] if left else value[t][1] for left in side[t]]
        return out

    def offer(t):
        g, h = (d[:, column[t]] for d in e.loss.derivatives(scores()))
        gain, steps = 0.0, []
        for left in (True, False):
            rows = [i for i, own in enumerate(side[t]) if own == left]
            G, H = g[rows].sum(), h[rows].sum()
            full = -G / (H + ridge) if H + ridge > 0 else 0.0
            steps.append(rate * full)
            gain -= 0.5 * G * full
        fits = e.direction[t] * (steps[1] - steps[0]) >= 0
        return (gain if fits else -math.inf), t, steps

    def advance(among):
        offers = [offer(t) for t in pool.values() if t in among]
        before = e.loss.mean(scores())
        unit = 2 * before if e.loss.name == "squared_error" else 1.0
        while offers and (best := max(o[0] for o in offers)) > least * unit:
            one = next(o for o in offers if o[0] >= best * (1 - 1e-9))
            _, t, steps = one
            old, new = value.get(t, (0.0, 0.0)), t not in used
            used.extend([t] * new)
            for halving in range(5):
                value[t] = tuple(v + step / 2**halving for v, step in zip(old, steps, strict=True))
                if e.loss.mean(scores()) < before:
                    return True
            value[t] = old
            if new:
                used.remove(t)
            offers.remove(one)
        return False

    most = (e.size(trees.is_leaf) - 1) // 2
    for _ in range(rounds):
        if not advance(used if len(used) >= most else list(pool.values())):
            break
    states = [(list(used), {t: value[t] for t in used}, scores())]
    while used:
        gone = cheapest(e, used, side, column, value, scores(), ridge)
        h = e.loss.derivatives(scores())[1][:, column[gone]]
        share = h[list(side[gone])].sum() / h.sum()
        mean = share * value[gone][0] + (1 - share) * value[gone][1]
        used.remove(gone)
        heir = next((t for t in used if column[t] == column[gone]), None)
        if heir is not None:
            value[heir] = (value[heir][0] + mean, value[heir][1] + mean)
        while True:  # half of all, as long as that is better
            before, old = e.loss.mean(scores()), dict(value)
            value.update({t: (a / 2, b / 2) for t, (a, b) in value.items()})
            if not e.loss.mean(scores()) < before:
                value.update(old)
                break
        for _ in range(rounds_a_step):
            if not advance(used):
                break
        states.append((list(used), {t: value[t] for t in used}, scores()))
    return states


def cheapest(e, used, side, column, value, score, ridge):
    """The split without which the quadratic of the loss is lowest, the others at their best."""
    h = e.loss.derivatives(score)[1]
    A = np.zeros((len(used), len(used)))
    for a, s in enumerate(used):
        for b, t in enumerate(used):
            if column[s] == column[t]:
                w = h[:, column[s]] / max(h[:, column[s]].sum(), 1e-300)
                x, y = np.array(side[s], float), np.array(side[t], float)
                A[a, b] = h[:, column[s]] @ ((x - w @ x) * (y - w @ y))
    A += (ridge + 1e-9 * max(A.diagonal().max(), 1e-300)) * np.eye(len(A))
    d = np.array([value[t][0] - value[t][1] for t in used])
    costs = []
    for s in range(len(used)):
        others = [t for t in range(len(used)) if t != s]
        move = np.zeros(len(used))
        move[s] = -d[s]
        if others:
            move[others] = np.linalg.solve(A[np.ix_(others, others)], A[others, s] * d[s])
        costs.append(0.5 * move @ A @ move)
    return used[next(i for i, c in enumerate(costs) if c <= min(costs) * (1 + 1e-9))]
