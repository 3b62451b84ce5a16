"""Slow, obvious twins of network pruning: every way through the network, one row, one unit a time.

Units are numbered as on a path: weights layer by layer and row by row, hidden neurons layer by
layer, raw columns by their label. What a unit is worth, which units still do something, what is
left when one goes, and which step of a fold answers for a step of the whole path are loops over
their definitions.
"""

from __future__ import annotations

import naive_network
import naive_training
import numpy as np

# ----------------------------------------------------------------------------- units


def numbers(net, kind, group):
    """Number of each unit by its place: (layer, i, j), (layer, j), or a raw column."""
    if kind == "inputs":
        return {k: k for k in range(max(group) + 1)}
    places = []
    for layer, w in enumerate(net.weights):
        if kind == "weights":
            places += [(layer, i, j) for i in range(len(w)) for j in range(w.shape[1])]
        elif layer < len(net.weights) - 1:
            places += [(layer + 1, j) for j in range(w.shape[1])]
    return {place: k for k, place in enumerate(places)}


def on_way(net, kind, group, way):
    """Places of the units that a way from an input to a score goes through."""
    depth = len(net.weights)
    if kind == "inputs":
        return [int(group[net.inputs[way[0]]])]
    if kind == "neurons":
        return [(layer, way[layer]) for layer in range(1, depth)]
    return [(layer, way[layer], way[layer + 1]) for layer in range(depth)]


def live(net, kind, group):
    """Numbers of the units that some way from an input to a score goes through."""
    number = numbers(net, kind, group)
    ways = naive_training.paths(net.weights)
    return {number[place] for way in ways for place in on_way(net, kind, group, way)}


def counts(net, group):
    """Raw columns, neurons and weights that do something."""
    kinds = {"columns": "inputs", "neurons": "neurons", "weights": "weights"}
    return {name: len(live(net, kind, group)) for name, kind in kinds.items()}


def without(net, kind, group, gone):
    """Weights of the network with these units cut out: what enters and leaves them is zero."""
    number = numbers(net, kind, group)
    W = [w.copy() for w in net.weights]
    for layer, w in enumerate(W):
        for i in range(len(w)):
            for j in range(w.shape[1]):
                touched = {
                    "weights": [(layer, i, j)],
                    "neurons": [(layer, i), (layer + 1, j)],
                    "inputs": [int(group[net.inputs[i]])] if layer == 0 else [],
                }[kind]
                if any(number.get(place) in gone for place in touched):
                    w[i, j] = 0.0
    return net.with_arrays(W, net.biases)


# ----------------------------------------------------------------------------- importances


def outputs(net, x, held=None):
    """Inputs and outputs of every hidden layer for one row; `held` neurons say a given number."""
    values = [float(x[c]) for c in net.inputs]
    out = [values]
    for layer, (w, b) in enumerate(zip(net.weights, net.biases), start=1):
        z = [
            float(b[j]) + sum(v * float(w[i, j]) for i, v in enumerate(values))
            for j in range(len(b))
        ]
        if layer < len(net.weights):
            z = [naive_network.FUNCTIONS[net.activation](v) for v in z]
            z = [(held or {}).get((layer, j), v) for j, v in enumerate(z)]
        values = z
        out.append(values)
    return out


def mean_and_spread(values, weight):
    """Weighted mean, and the root of the weighted mean squared distance from it."""
    total = sum(weight)
    mean = sum(w * v for w, v in zip(weight, values)) / total
    return mean, (sum(w * (v - mean) ** 2 for w, v in zip(weight, values)) / total) ** 0.5


def magnitude(net, X, weight):
    """|w| times the standard deviation of what the weight carries."""
    rows = [outputs(net, x) for x in X]
    scores = [np.zeros_like(w) for w in net.weights]
    for layer, w in enumerate(net.weights):
        for i in range(len(w)):
            _, spread = mean_and_spread([row[layer][i] for row in rows], weight)
            for j in range(w.shape[1]):
                scores[layer][i, j] = abs(w[i, j]) * spread
    return scores


def by_gradients(net, X, Y, weight, *, squared):
    """|w · mean of g|, or w² · mean of g²: gradients of one row after the other."""
    twin = (list(net.weights), list(net.biases), net.activation, net.link)
    one, total = np.ones(1), sum(weight)
    scores = [np.zeros_like(w) for w in net.weights]
    for x, y, share in zip(X[:, net.inputs], Y, weight):
        _, grads = naive_training.by_rows(twin, x[None], y[None], one)
        for score, g in zip(scores, grads):
            score += share / total * (g * g if squared else g)
    return [w * w * s if squared else np.abs(w * s) for w, s in zip(net.weights, scores)]


def unit_scores(net, kind, group, scores):
    """Sum of the scores of the weights that belong to each unit."""
    number = numbers(net, kind, group)
    out = np.zeros(len(number))
    for layer, s in enumerate(scores):
        for i in range(len(s)):
            for j in range(s.shape[1]):
                if kind == "weights":
                    out[number[layer, i, j]] += s[i, j]
                elif kind == "inputs" and layer == 0:
                    out[int(group[net.inputs[i]])] += s[i, j]
                elif kind == "neurons":
                    for place in ((layer, i), (layer + 1, j)):
                        if place in number:
                            out[number[place]] += s[i, j]
    return out


def elimination(net, X, Y, weight, group):
    """Mean loss with each raw column at its mean; infinite where the column is not read."""
    read = live(net, "inputs", group)
    out = np.full(max(group) + 1, np.inf)
    for g in read:
        each = [
            naive_training.row_loss(naive_network.forward(net, x), y, net.link)
            for x, y in zip(at_mean(X, weight, group, {g}), Y)
        ]
        out[g] = np.dot(weight, each) / np.sum(weight)
    return out


def strongest(net, scores, start):
    """Over all ways from these inputs, the largest of their smallest scores; None without a way."""
    ways = [way for way in naive_training.paths(net.weights) if start[way[0]]]
    worth = [min(s[i, j] for s, i, j in zip(scores, way, way[1:])) for way in ways]
    return max(worth, default=None)


# ----------------------------------------------------------------------------- removal


def at_mean(X, weight, group, gone):
    """Rows in which all columns of these raw columns are at their mean."""
    out = X.copy()
    for column, g in enumerate(group):
        if g in gone:
            out[:, column] = mean_and_spread(X[:, column], weight)[0]
    return out


def raw_at_mean(net, kind, group, gone, X, weight):
    """Scores of the rows by the network in which these units say their mean (weights: nothing)."""
    if kind == "inputs":
        return np.array([naive_network.forward(net, x) for x in at_mean(X, weight, group, gone)])
    if kind == "weights":
        cut = without(net, kind, group, gone)
        return np.array([naive_network.forward(cut, x) for x in X])
    number = numbers(net, kind, group)
    rows = [outputs(net, x) for x in X]
    held = {
        (layer, j): mean_and_spread([row[layer][j] for row in rows], weight)[0]
        for (layer, j), k in number.items()
        if k in gone
    }
    return np.array([outputs(net, x, held)[-1] for x in X])


def cut_down(net, kind, group, ranked, k):
    """Units to remove: the longest run of least important ones that leaves at least k.

    `ranked` is -inf where a unit is gone already and inf where it must stay; of equally important
    units the one with the larger number goes first.
    """
    order = sorted(range(len(ranked)), key=lambda u: (ranked[u], -u))
    gone = {u for u in order if ranked[u] == -np.inf}
    for u in [u for u in order if np.isfinite(ranked[u])]:
        if len(live(without(net, kind, group, gone | {u}), kind, group)) < k:
            break
        gone = gone | {u}
    return gone


# ----------------------------------------------------------------------------- steps


def nearest(wanted, own):
    """For each share of units gone, the position of the nearest one; of equally near the last."""
    out = []
    for share in wanted:
        best = 0
        for k, other in enumerate(own):
            if abs(other - share) <= abs(own[best] - share):
                best = k
        out.append(best)
    return out


def within(sizes, most):
    """The first step that is small enough."""
    for step, size in enumerate(sizes):
        if size <= most:
            return step
    raise AssertionError("no step is")
