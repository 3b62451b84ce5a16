"""What each column adds to a network's scores: which method, against which rows, and its name.

The method follows from the network alone, and how many background rows are taken from how many
there are, never from the rows that are asked about: a person's attribution does not depend on who
else is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...network import Network
from .games import NOMINAL, Game, affordable_background, distinct, games_of
from .gradients import gradient_cost, integrated_gradients, is_closed_form

__all__ = ["NetworkAttributions", "attribute_network", "reading", "rounding"]

Array = npt.NDArray[np.float64]

# Nanoseconds a row: for Shapley values against 100 background rows (5 s for a thousand rows), and
# for anything against more of them (1 s).
MOST_WORK = 5e6
SPARE_WORK = 1e6


@dataclass(frozen=True, eq=False)
class NetworkAttributions:
    """Attributions of a network's scores.

    Parameters
    ----------
    values : array of float64, shape (n_rows, n_players, n_scores)
    base : array of float64, shape (n_scores,)
        Mean scores of the background rows that were used.
    method : str
    gap : float
        How far the values of a row and a baseline may be off, where integrals are numerical and
        have not converged; else 0.

    Examples
    --------
    See `attribute_network`.
    """

    values: Array
    base: Array
    method: str
    gap: float


def attribute_network(
    network: Network,
    Z: npt.ArrayLike,
    background: npt.ArrayLike,
    *,
    player: npt.NDArray[np.int64],
    n_players: int,
    random_state: Any = None,
) -> NetworkAttributions:
    """Shapley values where few enough columns reach each neuron, else integrated gradients.

    Parameters
    ----------
    network : Network
    Z : array-like, shape (n_rows, n_model_columns)
        Rows as the network receives them.
    background : array-like, shape (n_background, n_model_columns)
        Whose values absent columns have, or from where gradients are integrated.
    player : array of int64, shape (n_model_columns,)
        To whom each model column belongs; columns of one player are present or absent together.
    n_players : int
    random_state : int, optional
        Draws background rows where there are more than can be afforded; 0 by default.

    Returns
    -------
    NetworkAttributions

    Raises
    ------
    ValueError
        If rows have another number of columns, or values that are not finite, or the background
        has no row.

    Notes
    -----
    Shapley values are those of the interventional game, averaged over the background. A network is
    a sum over the neurons of its last hidden layer, and so are its Shapley values; a neuron that
    k players reach costs 2^k evaluations. That is done up to 14 players and an estimated 5 ms a
    row against 100 background rows. Without hidden layers they are a weight times the difference
    from the mean of the background, whatever the number of columns. Integrated gradients of a
    player are the sum over its columns; between two categories they pass through points that are no
    category. Up to 100 background rows are always taken, more while they cost an estimated 1 ms a
    row; else some are drawn, and `method` says how many.

    Examples
    --------
    >>> net = Network(([[1.0], [2.0]], [[3.0]]), ([-1.0], [0.5]))
    >>> found = attribute_network(
    ...     net, [[1.0, 1.0]], [[0.0, 0.0]], player=np.array([0, 1]), n_players=2
    ... )
    >>> found.values[0, :, 0].tolist(), found.base.tolist()
    ([1.5, 4.5], [0.5])
    >>> found.method
    'exact Shapley by hidden unit, interventional, 1 background row'
    """
    rows = _checked(Z, network, "rows")
    others = _checked(background, network, "background rows")
    n = len(others)
    if n == 0:
        raise ValueError("the background has no rows; give at least one")
    small, columns = reading(network)
    own = player[columns]
    rows, others = rows[:, columns], others[:, columns]
    games = _games(small, own)
    most = _most_background(small, games)
    if n > most:
        rng = np.random.default_rng(0 if random_state is None else random_state)
        others = others[np.sort(rng.choice(n, most, replace=False))]
    used = f"{len(others)} {{}}{'s' * (len(others) != 1)}" + f" drawn from {n}" * (n > most)
    others, which = distinct(others)
    weight = np.bincount(which) / len(which)
    values, gap = np.zeros((len(rows), n_players, network.n_scores)), 0.0
    if not small.hidden_layer_sizes:
        _add(values, own, (rows - weight @ others)[:, :, None] * small.weights[0])
        kind = "linear network" if network.hidden_layer_sizes else "linear model"
        method = f"exact Shapley of a {kind}, interventional, {used.format('background row')}"
    elif games is not None:
        for game in games:
            values[:, game.players] += game.play(rows, others, weight, own)
        whole = len(games) == 1 and len(small.biases[-2]) > 1
        by = "of the whole network" if whole else "by hidden unit"
        method = f"exact Shapley {by}, interventional, {used.format('background row')}"
    else:
        found, gap = integrated_gradients(small, rows, others, weight)
        _add(values, own, found)
        method = f"{_integrated(small, gap)}, {used.format('baseline')}"
    return NetworkAttributions(values, weight @ small.raw(others), method, gap)


def rounding(network: Network, Z: npt.NDArray) -> float:
    """How far a network's own scores of these rows may be from exact ones, by rounding.

    A network whose weights all fit single precision may have computed in it.

    Parameters
    ----------
    network : Network
    Z : array, shape (n_rows, n_model_columns)

    Returns
    -------
    float
        Sixteen units in the last place of the largest sum of sizes.

    Examples
    --------
    >>> net = Network(([[0.1], [0.2]], [[3.0]]), ([-1.0], [0.5]))
    >>> rounding(net, np.ones((1, 2))) < 1e-13
    True
    """
    # An intercept in double precision says nothing: it is added to what was multiplied.
    single = all(np.array_equal(w, w.astype(np.float32)) for w in network.weights)
    a = np.abs(network.select(Z))
    for w, b in zip(network.weights, network.biases, strict=True):
        total = a @ np.abs(w) + np.abs(b)
        a = np.minimum(total, 1.0) if network.activation in ("tanh", "logistic") else total
    eps = np.finfo(np.float32 if single else np.float64).eps
    return float(16 * eps * total.max(initial=0.0))


def _checked(rows: npt.ArrayLike, network: Network, what: str) -> Array:
    out = np.asarray(rows, dtype=np.float64)
    if out.ndim != 2 or out.shape[1] != network.n_features:
        raise ValueError(
            f"{what} have shape {out.shape}; the {network.kind} takes {network.n_features} columns"
        )
    if not np.isfinite(out).all():
        i, j = np.argwhere(~np.isfinite(out))[0]
        raise ValueError(
            f"{what} must be finite numbers; row {i} has {out[i, j]} in column {j} of the "
            f"{network.kind}. Fill missing values before it, in a pipeline"
        )
    return out


def reading(network: Network) -> tuple[Network, npt.NDArray[np.int64]]:
    """The same network of only those columns that it reads, and which these are.

    A network whose neurons pass on their sums is one layer.

    Examples
    --------
    >>> net = Network(([[1.0], [0.0]], [[3.0]]), ([0.0], [0.5]), activation="identity")
    >>> small, columns = reading(net)
    >>> small.weights[0].tolist(), columns.tolist()
    ([[3.0]], [0])
    """
    if network.activation == "identity":
        weight, bias = network.weights[0], network.biases[0]
        for w, b in zip(network.weights[1:], network.biases[1:], strict=True):
            weight, bias = weight @ w, bias @ w + b
        network = replace(network, weights=(weight,), biases=(bias,))
    small = network.compact()
    n = len(small.inputs)
    columns = small.inputs
    return replace(small, inputs=np.arange(n), n_features=n, feature_names=None), columns


def _games(network: Network, player: npt.NDArray[np.int64]) -> list[Game] | None:
    """The games to play; None where they cost too much, or there is nothing to play."""
    games = games_of(network, player) if network.hidden_layer_sizes else None
    if games is None or sum(game.cost for game in games) > MOST_WORK:
        return None
    return games


def _most_background(network: Network, games: list[Game] | None) -> int:
    """Background rows that can be afforded, at least 100."""
    if not network.hidden_layer_sizes:
        return np.iinfo(np.int64).max
    if games is None:
        return max(NOMINAL, int(SPARE_WORK / gradient_cost(network)))
    return max(NOMINAL, affordable_background(games, SPARE_WORK))


def _add(values: Array, player: npt.NDArray[np.int64], found: Array) -> None:
    """Add values of columns (n_rows, n_columns, n_scores) to those of their players."""
    for p in np.unique(player):
        values[:, p] += found[:, player == p].sum(axis=1)


def _integrated(network: Network, gap: float) -> str:
    if is_closed_form(network):
        return "exact integrated gradients"
    if gap:
        return f"integrated gradients, numerical, off by about {gap:.1g}"
    return "integrated gradients, numerical to 1e-9"
