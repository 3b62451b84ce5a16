"""Regions of a relu network from the definitions: one row, one neuron, one pattern at a time.

`forward` is plain loops and tells which neurons are on; `possible` asks one linear program for
every pattern that can be written down; `cells_of_lines` counts the pieces into which lines cut a
rectangle by Euler's formula, without any program.
"""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from scipy.optimize import linprog


def forward(net, z):
    """Scores of one row of inputs, sums of the hidden neurons, and which of them are on."""
    values, sums, on = [float(v) for v in z], [], []
    for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        out = [
            float(b[j]) + sum(v * float(w[k, j]) for k, v in enumerate(values))
            for j in range(len(b))
        ]
        if i == len(net.weights) - 1:
            return np.array(out), sums, tuple(on)
        if net.activation == "relu":
            sums += out
            on += [s > 0 for s in out]
            out = [max(s, 0.0) for s in out]
        values = out


def form(net, on, layer):
    """The sums of a layer as linear functions of the inputs, given which neurons before are on."""
    n = len(net.weights[0])
    rows = [(np.eye(n)[i], 0.0) for i in range(n)]
    at = 0
    for i in range(layer + 1):
        w, b = net.weights[i], net.biases[i]
        sums = [
            (
                sum((rows[k][0] * w[k, j] for k in range(len(rows))), np.zeros(n)),
                float(b[j]) + sum(rows[k][1] * w[k, j] for k in range(len(rows))),
            )
            for j in range(len(b))
        ]
        if i == layer:
            return sums
        rows = [
            s if on[at + j] else (np.zeros(n), 0.0) for j, s in enumerate(sums)
        ]  # fmt: skip
        at += len(sums)
    raise AssertionError


def widest(net, on, low, high):
    """By how much the neurons that are on can be so at once in a box; -inf where not at all."""
    n, at = len(low), 0
    A, b = [], []
    for layer in range(len(net.weights) - 1):
        for w, c in form(net, on, layer):
            if on[at]:  # w z + c >= t
                A.append([*(-w), 1.0])
                b.append(c)
            else:  # w z + c <= 0
                A.append([*w, 0.0])
                b.append(-c)
            at += 1
    bounds = [*zip(low, high, strict=True), (None, 1.0)]
    found = linprog([0.0] * n + [-1.0], A_ub=A, b_ub=b, bounds=bounds, method="highs")
    return -found.fun if found.status == 0 else -np.inf


def possible(net, low, high):
    """Every pattern with how wide it is, -inf for those that are not possible."""
    k = sum(net.hidden_layer_sizes)
    return {on: widest(net, on, low, high) for on in product((False, True), repeat=k)}


def cells_of_lines(lines, low, high):
    """Pieces of a rectangle cut by lines w z + c = 0 of which no three meet in a point."""
    corners = np.array(list(product(*zip(low, high, strict=True))))
    crossing = [
        (w, c) for w, c in lines if (corners @ w + c).min() < 0 < (corners @ w + c).max()
    ]  # fmt: skip
    inside = 0
    for (w, c), (v, d) in combinations(crossing, 2):
        if abs(np.linalg.det([w, v])) > 0:
            point = np.linalg.solve([w, v], [-c, -d])
            inside += bool(np.all(point > low) and np.all(point < high))
    return 1 + len(crossing) + inside
