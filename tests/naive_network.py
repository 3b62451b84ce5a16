"""Networks and their integrated gradients from the definitions: one row and one neuron at a time.

`forward` is plain loops. `by_bisection` halves the line between two rows until a rectified network
has the same active neurons at both ends of every piece, where its slopes are one and the same;
`by_midpoints` is the integral as a sum of many slopes, for any activation.
"""

from __future__ import annotations

from math import exp, tanh

import numpy as np

FUNCTIONS = {
    "relu": lambda z: max(z, 0.0),
    "tanh": tanh,
    "logistic": lambda z: 1 / (1 + exp(-z)) if z > -700 else 0.0,
    "identity": lambda z: z,
}
SLOPES = {
    "relu": lambda z: np.where(z > 0, 1.0, 0.0),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "logistic": lambda z: np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2,
    "identity": np.ones_like,
}


def forward(net, x) -> list[float]:
    """Scores of one row, by the definition of a multilayer perceptron."""
    values = [float(x[c]) for c in net.inputs]
    for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        sums = [
            float(b[j]) + sum(v * float(w[k, j]) for k, v in enumerate(values))
            for j in range(len(b))
        ]
        last = i == len(net.weights) - 1
        values = sums if last else [FUNCTIONS[net.activation](z) for z in sums]
    return values


def sums(net, x) -> list[np.ndarray]:
    """What enters each hidden layer, for one row."""
    a, out = np.asarray(x)[net.inputs], []
    for w, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
        out.append(a @ w + b)
        a = np.array([FUNCTIONS[net.activation](z) for z in out[-1]])
    return out


def gradient(net, x) -> np.ndarray:
    """Slopes of the scores in every column at one row, (n_features, n_scores): the chain rule."""
    out = np.eye(len(net.inputs))
    for w, z in zip(net.weights[:-1], sums(net, x), strict=True):
        out = (out @ w) * SLOPES[net.activation](z)
    full = np.zeros((net.n_features, net.n_scores))
    full[net.inputs] = out @ net.weights[-1]
    return full


def by_bisection(net, x, baseline) -> np.ndarray:
    """Integrated gradients of a rectified network, (n_features, n_scores)."""
    x, baseline = np.asarray(x, float), np.asarray(baseline, float)

    def at(t):
        return baseline + t * (x - baseline)

    def active(t):
        return np.concatenate([z > 0 for z in sums(net, at(t))])

    total = np.zeros((net.n_features, net.n_scores))
    pieces = [(0.0, 1.0, active(0.0), active(1.0))]
    while pieces:
        a, b, first, last = pieces.pop()
        # Rows with the same active neurons form a convex set: there is nothing between the two.
        if (first == last).all() or b - a < 1e-13:
            total += (b - a) * gradient(net, at((a + b) / 2))
        else:
            middle = active((a + b) / 2)
            pieces += [(a, (a + b) / 2, first, middle), ((a + b) / 2, b, middle, last)]
    return total * (x - baseline)[:, None]


def by_midpoints(net, x, baseline, n: int) -> np.ndarray:
    """Integrated gradients as a mean over `n` points of the line, (n_features, n_scores)."""
    x, baseline = np.asarray(x, float), np.asarray(baseline, float)
    t = (np.arange(n) + 0.5) / n
    a = (baseline + t[:, None] * (x - baseline))[:, net.inputs]
    # Of every point the slopes (n, n_inputs, n_neurons), forward through the layers.
    slopes = np.broadcast_to(np.eye(len(net.inputs)), (n, len(net.inputs), len(net.inputs)))
    for w, b in zip(net.weights[:-1], net.biases[:-1], strict=True):
        z = a @ w + b
        slopes = (slopes @ w) * SLOPES[net.activation](z)[:, None, :]
        a = np.vectorize(FUNCTIONS[net.activation], otypes=[float])(z)
    full = np.zeros((net.n_features, net.n_scores))
    full[net.inputs] = (slopes @ net.weights[-1]).mean(axis=0)
    return full * (x - baseline)[:, None]
