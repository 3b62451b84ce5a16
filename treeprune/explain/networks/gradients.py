"""Integrated gradients of a network along straight lines from background rows, exactly.

Along a line the sums that enter the first hidden layer are linear, so that all that is needed of a
pair of rows is the mean slope of the scores in each of these sums. With one hidden layer that is
a difference quotient. Rectified networks are linear between the points where a neuron switches,
which are found layer by layer. Deeper smooth networks are integrated by Gauss-Legendre rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ...network import Network, activate, slope

__all__ = ["difference_quotient", "gradient_cost", "integrated_gradients", "is_closed_form"]

Array = npt.NDArray[np.float64]

TOLERANCE = 1e-10  # of what a finer rule changes, and of what is missing from the sum
_NODES = 16
_MOST_PANELS = 1024
_BLOCK = 1 << 18  # numbers worked on at once, which stay in the cache
_HELD = 1 << 22  # numbers held at once
# Nanoseconds, measured on two cores: a neuron's quotient or switch, a weight, a line.
_NEURON, _WEIGHT, _LINE = 8.0, 0.05, 2000.0


def is_closed_form(network: Network) -> bool:
    """Whether nothing is integrated numerically."""
    return len(network.weights) == 2 or network.activation in ("relu", "identity")


def gradient_cost(network: Network) -> float:
    """Nanoseconds for a pair of rows, roughly."""
    sizes = network.hidden_layer_sizes
    first = network.weights[0].size * (1 if len(sizes) == 1 else network.n_scores)
    if len(sizes) == 1:
        return _NEURON * sizes[0] + _WEIGHT * first
    pieces = 1 + sum(sizes) / 2 if network.activation == "relu" else 3 * _NODES
    inner = sum(w.size for w in network.weights[1:-1]) * (len(sizes) + network.n_scores)
    return _LINE + pieces * (_NEURON * sum(sizes) + _WEIGHT * inner) + _WEIGHT * first


def integrated_gradients(
    network: Network,
    Z: Array,
    background: Array,
    weight: Array,
) -> tuple[Array, float]:
    """Integrated gradients of every column that the network reads, averaged over baselines.

    Parameters
    ----------
    network : Network
        Compact, with a hidden layer.
    Z, background : array, shape (n_rows, n_inputs), (n_background, n_inputs)
        The columns that the network reads.
    weight : array, shape (n_background,)
        Of each baseline, adding up to one.

    Returns
    -------
    values : array of float64, shape (n_rows, n_inputs, n_scores)
    gap : float
        How far the values of a row and a baseline may be off; 0 without quadrature, or where it
        has converged.

    References
    ----------
    Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks.

    Examples
    --------
    >>> net = Network(([[1.0], [2.0]], [[3.0]]), ([-1.0], [0.0]))
    >>> values, gap = integrated_gradients(net, np.ones((1, 2)), np.zeros((1, 2)), np.ones(1))
    >>> values[0, :, 0].tolist(), gap  # 3 * relu(1 + 2 - 1), from the second third of the line on
    ([2.0, 4.0], 0.0)
    """
    first, n_scores = network.weights[0], network.n_scores
    middle = weight @ background  # differences of centred numbers lose fewer digits
    starts = background @ first + network.biases[0]
    ends = Z @ first + network.biases[0]
    centred = (background - middle) * weight[:, None]
    values, gap = np.empty((len(Z), len(first), n_scores)), 0.0
    for rows, parts in _blocks(network, len(Z), len(background)):
        mean: Array | float = 0.0
        crossed: Array | float = 0.0
        for some in parts:
            slopes, off = _mean_slopes(network, starts[some], ends[rows])
            gap = max(gap, off)
            flat = slopes.reshape(len(slopes), -1)
            mean = mean + weight[some] @ flat
            crossed = crossed + centred[some].T @ flat
        product = np.multiply.outer((Z[rows] - middle).T, np.ones(slopes.shape[2]))
        product *= np.reshape(mean, slopes.shape[1:])
        product -= np.reshape(crossed, product.shape)
        if len(network.weights) == 2:
            found = (product * first[:, None]) @ network.weights[1]
        else:
            product = product.reshape(*product.shape[:2], n_scores, -1)
            found = np.einsum("crsh,ch->crs", product, first)
        values[rows] = found.transpose(1, 0, 2)
    return values, gap


def _blocks(
    network: Network, n_rows: int, n_background: int
) -> Iterator[tuple[slice, list[slice]]]:
    """Rows, and parts of the background, so that little is held at once."""
    sizes = network.hidden_layer_sizes
    width = slopes = sizes[0]
    if len(sizes) > 1:
        slopes *= network.n_scores
        pieces = 2 + sum(sizes) if network.activation == "relu" else _NODES
        width = max(sizes) * pieces * (1 + network.n_scores)
    pairs = max(1, _BLOCK // width)
    step = min(max(1, n_background), pairs)
    rows = max(1, min(pairs // step, _HELD // (slopes * max(1, len(network.inputs)))))
    parts = [slice(b, min(b + step, n_background)) for b in range(0, n_background, step)]
    for start in range(0, n_rows, rows):
        yield slice(start, min(start + rows, n_rows)), parts


def _mean_slopes(network: Network, starts: Array, ends: Array) -> tuple[Array, float]:
    """Mean slopes along every line, (n_starts, n_ends, …), and how far values may be off.

    The last axis is of the first neurons for one hidden layer (of what leaves each), else of
    scores and first neurons.
    """
    if len(network.weights) == 2:
        return difference_quotient(starts[:, None], ends, network.activation), 0.0
    shape = (len(starts), len(ends), starts.shape[1])
    start = np.broadcast_to(starts[:, None], shape).reshape(-1, shape[2])
    step = (ends - starts[:, None]).reshape(-1, shape[2])
    if network.activation == "relu":
        slopes, off = _by_pieces(network, start, step), 0.0
    else:
        slopes, off = _by_quadrature(network, start, step)
    return slopes.reshape(*shape[:2], -1), off


def difference_quotient(start: Array, end: Array, activation: str) -> Array:
    """(f(end) − f(start)) / (end − start) of an activation; its slope where both are equal.

    Examples
    --------
    >>> difference_quotient(np.array([-1.0, 2.0]), np.array([1.0, 2.0]), "relu").tolist()
    [0.5, 1.0]
    """
    if activation == "logistic":  # σ(z) = (1 + tanh(z/2)) / 2
        return difference_quotient(start / 2, end / 2, "tanh") / 4
    step = end - start
    if activation == "identity":
        return np.ones_like(step)
    if activation == "relu":
        out = np.broadcast_to(start > 0, step.shape).astype(np.float64)
        rise = np.maximum(end, 0) - np.maximum(start, 0)
        return np.divide(rise, step, out=out, where=step != 0)
    # tanh a − tanh b = tanh(a − b) (1 − tanh a tanh b), without cancellation where a is near b.
    out = np.divide(np.tanh(step), step, out=np.ones_like(step), where=step != 0)
    out *= 1 - np.tanh(end) * np.tanh(start)
    return out


def _gradient(network: Network, z: Array) -> Array:
    """Slopes of the scores in the first layer's sums, (…, n_first) to (…, n_scores, n_first)."""
    slopes = []
    for i, w in enumerate(network.weights[1:], 1):
        a = activate(z, network.activation)
        slopes.append(slope(a, network.activation))
        if i < len(network.weights) - 1:
            z = a @ w + network.biases[i]
    out = slopes[-1][..., None, :] * network.weights[-1].T
    for w, of_layer in zip(network.weights[-2:0:-1], slopes[-2::-1], strict=True):
        out = out @ w.T
        out *= of_layer[..., None, :]
    return out


# -- rectified networks ---------------------------------------------------------------------------


def _by_pieces(network: Network, start: Array, step: Array) -> Array:
    """Mean slopes of a rectified network, (n_pairs, n_scores, n_first)."""
    knots = np.tile([0.0, 1.0], (len(start), 1))
    for depth in range(len(network.weights) - 1):
        z = start[:, None] + knots[:, :, None] * step[:, None]
        for w, b in zip(network.weights[1 : depth + 1], network.biases[1 : depth + 1]):
            z = activate(z, "relu") @ w + b
        knots = _with_switches(knots, z)
    width = np.diff(knots, axis=1)
    middle = knots[:, :-1] + width / 2
    slopes = _gradient(network, start[:, None] + middle[:, :, None] * step[:, None])
    return np.einsum("pm,pmsh->psh", width, slopes)


def _with_switches(knots: Array, z: Array) -> Array:
    """Knots (n_pairs, m) with the points between them where a sum (n_pairs, m, h) is zero.

    Pairs with fewer than others have the end of the line several times.
    """
    left, right = z[:, :-1], z[:, 1:]
    pair, piece, unit = np.nonzero((left < 0) != (right < 0))
    if len(pair) == 0:
        return knots
    before, after = left[pair, piece, unit], right[pair, piece, unit]
    begin, end = knots[pair, piece], knots[pair, piece + 1]
    count = np.bincount(pair, minlength=len(knots))
    position = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
    more = np.ones((len(knots), count.max()))
    more[pair, position] = begin + (end - begin) * (before / (before - after))
    return np.sort(np.concatenate([knots, more], axis=1), axis=1)


# -- deeper smooth networks -----------------------------------------------------------------------


@lru_cache(maxsize=1)
def _rule() -> tuple[Array, Array]:
    """Nodes and weights of a Gauss-Legendre rule on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1) / 2, weights / 2


def _by_quadrature(network: Network, start: Array, step: Array) -> tuple[Array, float]:
    """Mean slopes of a smooth network, (n_pairs, n_scores, n_first), and how far values may be off.

    The line is halved until a finer rule changes nothing and the values add up, for each pair.
    """
    low, high = network.onward(start.copy()), network.onward(start + step)
    rise = high - low
    scale = np.maximum(1.0, np.maximum(np.abs(low), np.abs(high)).max(axis=1))
    out = _with_panels(network, start, step, 1)
    off = np.zeros(len(start))
    todo, panels = np.arange(len(start)), 1
    while len(todo) and panels < _MOST_PANELS:
        panels *= 2
        finer = _with_panels(network, start[todo], step[todo], panels)
        change, size = np.abs(finer - out[todo]), np.abs(finer).max(axis=(1, 2))
        gap = np.abs(np.einsum("psh,ph->ps", finer, step[todo]) - rise[todo]).max(axis=1)
        out[todo] = finer
        is_open = change.max(axis=(1, 2)) > TOLERANCE * size
        is_open |= gap > TOLERANCE * scale[todo]
        moved = np.einsum("psh,ph->ps", change, np.abs(step[todo])).max(axis=1)
        off[todo] = np.where(is_open, np.maximum(gap, moved), 0.0)
        todo = todo[is_open]
    return out, float(off.max(initial=0.0))


def _with_panels(network: Network, start: Array, step: Array, panels: int) -> Array:
    nodes, weights = _rule()
    out = np.zeros((len(start), network.n_scores, start.shape[1]))
    for panel in range(panels):
        t = (panel + nodes) / panels
        slopes = _gradient(network, start[:, None] + t[:, None] * step[:, None])
        out += np.einsum("m,pmsh->psh", weights / panels, slopes)
    return out
