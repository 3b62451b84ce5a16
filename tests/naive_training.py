"""Slow, obvious twins of the training of networks, and recipes that are known to be wrong.

A network here is `(W, b, activation, link)`: lists of plain arrays and two words. Losses go row by
row through `naive_network.forward`. What must run long (references of minima) uses the gradient
`by_rows`, which the tests compare with finite differences of those losses before trusting it.
"""

from __future__ import annotations

import itertools
from math import exp, log1p
from types import SimpleNamespace

import naive_network
import numpy as np

FUNCTIONS = {
    "relu": lambda z: np.maximum(z, 0.0),
    "tanh": np.tanh,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "identity": lambda z: z,
}

# ----------------------------------------------------------------------------- structure


def paths(weights):
    """Every way from an input to a score through weights that are not zero, as positions."""
    sizes = [len(weights[0]), *(w.shape[1] for w in weights)]
    for way in itertools.product(*map(range, sizes)):
        if all(w[i, j] != 0 for w, i, j in zip(weights, way, way[1:])):
            yield way


def reached(weights, layer, j):
    """Whether something varies at position `j` of a layer (0: the inputs)."""
    return layer == 0 or any(
        weights[layer - 1][i, j] != 0 and reached(weights, layer - 1, i)
        for i in range(len(weights[layer - 1]))
    )


def constant(net, layer, j):
    """What a neuron that nothing varies at always says; `layer` counts hidden layers from 1."""
    w, b = net.weights[layer - 1], net.biases[layer - 1]
    z = float(b[j])
    for i in range(len(w)):
        if w[i, j] != 0:
            z += float(w[i, j]) * constant(net, layer - 1, i)
    return naive_network.FUNCTIONS[net.activation](z)


def settled(net):
    """Weights on some path, and biases of what is on a path with the constants added."""
    ways = list(paths(net.weights))
    W = [np.zeros_like(w) for w in net.weights]
    b = [np.zeros_like(x) for x in net.biases]
    for layer, w in enumerate(net.weights):
        for way in ways:
            W[layer][way[layer], way[layer + 1]] = w[way[layer], way[layer + 1]]
        for k in range(w.shape[1]):
            last = layer == len(net.weights) - 1
            if not last and all(way[layer + 1] != k for way in ways):
                continue
            b[layer][k] = net.biases[layer][k]
            for i in range(len(w)):
                if layer > 0 and w[i, k] != 0 and not reached(net.weights, layer, i):
                    b[layer][k] += w[i, k] * constant(net, layer, i)
    return W, b, [{way[layer] for way in ways} for layer in range(len(net.weights) + 1)]


# ----------------------------------------------------------------------------- losses


def row_loss(z, y, link):
    """Log loss, or half the squared error, of one row with scores z and target y."""
    if link == "logit":
        return max(z[0], 0.0) - z[0] * y[0] + log1p(exp(-abs(z[0])))
    if link == "softmax":
        top = max(z)
        return top + np.log(sum(exp(v - top) for v in z)) - sum(v * t for v, t in zip(z, y))
    return sum((v - t) ** 2 for v, t in zip(z, y)) / 2


def mean_loss(net, X, Y, weight):
    """Weighted mean over rows, one by one."""
    W, b, activation, link = net
    plain = SimpleNamespace(
        weights=W, biases=b, activation=activation, inputs=np.arange(X.shape[1])
    )
    each = [row_loss(naive_network.forward(plain, x), y, link) for x, y in zip(X, Y)]
    return float(np.dot(weight, each) / np.sum(weight))


def by_differences(net, X, Y, weight, loss=mean_loss, h=1e-3):
    """Gradient of the loss by differences of fourth order: of all weights, then of all biases."""
    W, b, activation, link = net
    grads = []
    for array in [*W, *b]:
        g = np.zeros_like(array)
        for where in np.ndindex(array.shape):
            old, at = array[where], []
            for k in (-2, -1, 1, 2):
                array[where] = old + k * h
                at.append(loss((W, b, activation, link), X, Y, weight))
            array[where] = old
            g[where] = (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h)
        grads.append(g)
    return grads


def by_rows(net, X, Y, weight):
    """Mean loss and its gradient, plain backpropagation."""
    W, b, activation, link = net
    sums, outs = [], [X]
    for w, x in zip(W, b):
        sums.append(outs[-1] @ w + x)
        outs.append(FUNCTIONS[activation](sums[-1]))
    z = sums[-1]
    if link == "logit":
        p, loss = 1 / (1 + np.exp(-z)), np.logaddexp(0, z[:, 0]) - Y[:, 0] * z[:, 0]
    elif link == "softmax":
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        loss = -(Y * np.log(p)).sum(axis=1)
    else:
        p, loss = z, ((z - Y) ** 2).sum(axis=1) / 2
    d = (p - Y) * (weight / weight.sum())[:, None]
    gW, gb = [None] * len(W), [None] * len(W)
    for i in reversed(range(len(W))):
        gW[i], gb[i] = outs[i].T @ d, d.sum(axis=0)
        if i:
            d = (d @ W[i].T) * naive_network.SLOPES[activation](sums[i - 1])
    return float(weight @ loss / weight.sum()), [*gW, *gb]


# ----------------------------------------------------------------------------- minima


def soft(w, threshold):
    """The proximal step of the absolute value."""
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0.0)


def objective(net, X, Y, weight, alpha, l1):
    """Mean loss and penalties on the weights, not on the biases."""
    loss, _ = by_rows(net, X, Y, weight)
    return loss + sum(alpha / 2 * (w**2).sum() + l1 * np.abs(w).sum() for w in net[0])


def kkt(net, X, Y, weight, alpha, l1):
    """Largest violation of the conditions of a minimum, weight by weight."""
    W = net[0]
    _, grads = by_rows(net, X, Y, weight)
    worst = max(abs(g).max() for g in grads[len(W) :])
    for w, g in zip(W, grads):
        for v, slope in zip(w.ravel(), (g + alpha * w).ravel()):
            gap = abs(slope + l1 * np.sign(v)) if v != 0 else max(abs(slope) - l1, 0.0)
            worst = max(worst, gap)
    return worst


def fista(X, y, l1, steps):
    """The minimum of L1-penalised logistic regression (Beck & Teboulle 2009, with restarts)."""
    A = np.column_stack([X, np.ones(len(X))])
    rate = 4 * len(X) / np.linalg.norm(A, 2) ** 2
    w = v = np.zeros(A.shape[1])
    t = 1.0
    for _ in range(steps):
        u = v - rate * A.T @ (1 / (1 + np.exp(-A @ v)) - y) / len(X)
        u[:-1] = soft(u[:-1], rate * l1)
        if (v - u) @ (u - w) > 0:
            t = 1.0
        after = (1 + np.sqrt(1 + 4 * t * t)) / 2
        v, w, t = u + (t - 1) / after * (u - w), u, after
    return [w[:-1, None]], [w[-1:]], "relu", "logit"


def proximal_gradient(net, X, Y, weight, alpha, l1, steps):
    """Plain proximal gradient with backtracking: the penalised loss falls in every step."""
    W, b, activation, link = [w.copy() for w in net[0]], [x.copy() for x in net[1]], *net[2:]
    rate = 1.0
    for _ in range(steps):
        loss, grads = by_rows((W, b, activation, link), X, Y, weight)
        loss += sum(alpha / 2 * (w**2).sum() for w in W)
        grads = [g + alpha * w for g, w in zip(grads, W)] + grads[len(W) :]
        while rate > 1e-12:
            U = [soft(w - rate * g, rate * l1) for w, g in zip(W, grads)]
            c = [x - rate * g for x, g in zip(b, grads[len(W) :])]
            moves = [u - w for u, w in zip([*U, *c], [*W, *b])]
            after, _ = by_rows((U, c, activation, link), X, Y, weight)
            after += sum(alpha / 2 * (w**2).sum() for w in U)
            model = sum((g * d + d * d / (2 * rate)).sum() for g, d in zip(grads, moves))
            if after <= loss + model:
                break
            rate /= 2
        else:
            break
        W, b, rate = U, c, rate * 1.1
    return W, b, activation, link


def adam(net, X, Y, weight, *, rates, l1, kind, alpha=0.0, masks=None, batch=None):
    """Adam, one scalar after the other in effect, with the L1 penalty in one of three ways.

    kind "metric": threshold by rate * l1 in the metric of the step. The other two are the recipes
    that people try first and that do not minimise the penalised loss: "plain" thresholds by
    rate * l1, "subgradient" adds l1 * sign(w) to the gradient.
    """
    W, b, activation, link = [w.copy() for w in net[0]], [x.copy() for x in net[1]], *net[2:]
    params = [*W, *b]
    masks = [np.ones(w.shape, bool) for w in W] if masks is None else masks
    first, second = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params]
    batch = len(X) if batch is None else batch
    starts = list(range(0, len(X), batch))
    for t, rate in enumerate(rates, start=1):
        rows = slice(starts[(t - 1) % len(starts)], starts[(t - 1) % len(starts)] + batch)
        part = weight[rows]
        _, grads = by_rows((W, b, activation, link), X[rows], Y[rows], part)
        # A batch of light rows counts less.
        grads = [g * part.mean() / weight.mean() for g in grads]
        for i, p in enumerate(params):
            g = grads[i]
            if i < len(W):
                g = g + alpha * p + (l1 * np.sign(p) if kind == "subgradient" else 0.0)
                g = g * masks[i]
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g * g
            metric = (np.sqrt(second[i]) + 1e-8) / np.sqrt(1 - 0.999**t)
            p -= rate * first[i] / (1 - 0.9**t) / metric
            if i < len(W):
                if kind == "metric":
                    p[...] = soft(p, rate * l1 / metric)
                elif kind == "plain":
                    p[...] = soft(p, rate * l1)
                p *= masks[i]
    return W, b, activation, link


def cosine(rate, steps):
    """Rates of all steps, falling to zero."""
    return [rate * (1 + np.cos(np.pi * t / steps)) / 2 for t in range(steps)]
