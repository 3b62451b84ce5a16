"""Shapley values of a network's neurons by playing out every subset of the columns behind them.

The sums that enter the first hidden layer are sums of one part a column, so that all subsets come
from sums of parts, half by half, without asking the network again. For one neuron of rectified
sums the mean over background rows needs no pairs of rows either: with the background's part
sorted, it is one search among it for each row and subset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import factorial

import numpy as np
import numpy.typing as npt

from ...network import Network, activate

__all__ = [
    "MOST_PLAYERS",
    "NOMINAL",
    "Game",
    "affordable_background",
    "distinct",
    "games_of",
    "shapley_matrix",
    "subset_sums",
]

Array = npt.NDArray[np.float64]

MOST_PLAYERS = 14  # 16,384 subsets
NOMINAL = 100  # background rows for which costs are stated
_FEW = 16  # background rows up to which pairs of rows are cheaper than sorting
_BLOCK = 1 << 17  # numbers worked on at once, which stay in the cache
_HELD = 1 << 22  # numbers held at once

# Nanoseconds, measured on one core: a search for a row and subset, sorting a background row for a
# subset, a number through a function, a weight.
_SEARCH, _SORT = 60.0, 60.0
_EACH = {"relu": 1.2, "tanh": 3.0, "logistic": 7.0, "identity": 0.6}
_WEIGHT = 0.3


@dataclass(frozen=True, eq=False)
class Game:
    """Some neurons of the last hidden layer, with all that enters them.

    Parameters
    ----------
    network : Network
        With these neurons and what leads to them alone.
    players : array of int64, shape (k,)
        Whose columns reach them.

    Examples
    --------
    >>> net = Network(([[1.0], [2.0]], [[3.0]]), ([0.0], [0.0]))
    >>> game = Game.of(net, np.array([0, 1]))
    >>> ones, zeros = np.ones((1, 2)), np.zeros((1, 2))
    >>> game.play(ones, zeros, np.ones(1), np.array([0, 1]))[:, :, 0].tolist()  # 3 * relu(1 + 2)
    [[3.0, 6.0]]
    """

    network: Network
    players: npt.NDArray[np.int64]

    @classmethod
    def of(cls, network: Network, player: npt.NDArray[np.int64]) -> Game:
        """A game of a whole network; `player` is of every model column."""
        return cls(network, np.unique(player[network.inputs]))

    @property
    def by_search(self) -> bool:
        """Whether this is one neuron of rectified sums."""
        return self.network.hidden_layer_sizes == (1,) and self.network.activation == "relu"

    @property
    def n_subsets(self) -> int:
        """Number of subsets of the players."""
        return 1 << len(self.players)

    @property
    def cost(self) -> float:
        """Nanoseconds for a row against 100 background rows, roughly."""
        if self.by_search:
            return _SEARCH * self.n_subsets
        return self.n_subsets * NOMINAL * self.evaluation

    @property
    def evaluation(self) -> float:
        """Nanoseconds for a pair of rows and a subset."""
        inner = sum(w.size for w in self.network.weights[1:-1])
        each = _EACH[self.network.activation]
        return each * sum(self.network.hidden_layer_sizes) + _WEIGHT * inner

    def play(
        self, Z: Array, background: Array, weight: Array, player: npt.NDArray[np.int64]
    ) -> Array:
        """Shapley values of the players, shape (n_rows, k, n_scores).

        Parameters
        ----------
        Z : array, shape (n_rows, n_model_columns)
        background : array, shape (n_background, n_model_columns)
        weight : array, shape (n_background,)
            Of each background row, adding up to one.
        player : array of int64, shape (n_model_columns,)
        """
        net, k = self.network, len(self.players)
        shape = (len(Z), k, net.n_scores)
        if k == 0 or len(Z) == 0:
            return np.zeros(shape)
        # Few columns enter, so that many rows are one row to these neurons.
        rows, back = distinct(Z[:, net.inputs])
        others, which = distinct(background[:, net.inputs])
        share = np.bincount(which, weights=weight, minlength=len(others)).astype(np.float64)
        own = np.searchsorted(self.players, player[net.inputs])
        absent = _parts(net, own, k, others)
        by_search = self.by_search and len(others) > _FEW
        matrix = shapley_matrix(k)
        units = len(net.biases[-2])
        found = np.empty((len(rows), k, units))
        step = max(1, _HELD // (self.n_subsets * units))
        for some in _blocks(len(rows), step):
            present = _parts(net, own, k, rows[some])
            if by_search:
                worth = _by_search(present[:, :, 0], absent[:, :, 0], share, net.biases[0][0])
                found[some, :, 0] = worth @ matrix
            else:
                worth = _by_pairs(net, present, absent, share)
                found[some] = np.tensordot(worth, matrix, axes=(1, 0)).transpose(0, 2, 1)
        return (found @ net.weights[-1])[back]


def distinct(rows: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    """Rows without repetition, and the position of each row among them.

    Examples
    --------
    >>> distinct(np.array([[1.0, 2.0], [0.0, 2.0], [1.0, 2.0]]))[1].tolist()
    [1, 0, 1]
    """
    found, which = np.unique(rows, axis=0, return_inverse=True)
    return found, which.reshape(-1)


def affordable_background(games: list[Game], work: float) -> int:
    """Background rows that games can be played against in `work` nanoseconds a row.

    Sorting them may take the time of a thousand rows, as it is done once for all.

    Examples
    --------
    >>> net = Network(([[1.0], [2.0]], [[3.0]]), ([0.0], [0.0]))
    >>> affordable_background([Game.of(net, np.array([0, 1]))], 1e6) > 1000
    True
    """
    each = sum(g.n_subsets * g.evaluation for g in games if not g.by_search)
    sort = sum(_SORT * g.n_subsets for g in games if g.by_search) / 1000
    return int(min(work / max(each, sort, 1e-9), np.iinfo(np.int64).max))


def games_of(network: Network, player: npt.NDArray[np.int64]) -> list[Game] | None:
    """Games whose values add up to the network's: one a neuron, or one of the whole network.

    Parameters
    ----------
    network : Network
        Compact, with a hidden layer.
    player : array of int64, shape (n_model_columns,)

    Returns
    -------
    list of Game
        Of the neurons of the last hidden layer, those reached by the same players in one game
        where there are more layers; or one game of all where that costs less. None where more
        than `MOST_PLAYERS` reach a neuron.

    Examples
    --------
    >>> net = Network(([[1.0, 0.0], [2.0, 1.0]], [[3.0], [4.0]]), ([0.0, 0.0], [0.0]))
    >>> [game.players.tolist() for game in games_of(net, np.array([0, 1]))]
    [[0, 1], [1]]
    """
    reach = np.eye(len(network.inputs), dtype=bool)
    for w in network.weights[:-1]:
        reach = (reach.astype(np.float64) @ (w != 0)) > 0
    who, own = np.unique(player[network.inputs], return_inverse=True)
    reached = np.zeros((len(who), reach.shape[1]), dtype=bool)
    np.logical_or.at(reached, own, reach)
    if (reached.sum(axis=0) > MOST_PLAYERS).any():
        return None
    if len(network.weights) == 2:  # neurons of a first layer have nothing to share
        group = np.arange(reach.shape[1])
    else:
        _, group = np.unique(reached, axis=1, return_inverse=True)
        group = group.reshape(-1)
    games = []
    for g in np.unique(group):
        if reached[:, group == g].any():
            games.append(Game.of(_part(network, np.flatnonzero(group == g)), player))
    if len(games) > 1 and len(who) <= MOST_PLAYERS:
        whole = Game.of(network, player)
        if whole.cost < sum(game.cost for game in games):
            return [whole]
    return games


def _part(network: Network, units: npt.NDArray[np.int64]) -> Network:
    """Neurons of the last hidden layer with what leads to them; the last bias is left out."""
    weights, biases = [network.weights[-1][units]], [np.zeros(network.n_scores)]
    for w, b in zip(network.weights[-2::-1], network.biases[-2::-1], strict=True):
        below = np.flatnonzero(w[:, units].any(axis=1))
        weights.insert(0, w[np.ix_(below, units)])
        biases.insert(0, b[units])
        units = below
    return Network(
        tuple(weights),
        tuple(biases),
        network.activation,
        inputs=network.inputs[units],
        n_features=network.n_features,
    )


@lru_cache(maxsize=32)
def shapley_matrix(k: int) -> Array:
    """From the worth of all subsets to Shapley values: shape (2^k, k).

    Bit j of a row's number says whether player j is in the subset.

    Examples
    --------
    >>> shapley_matrix(1).tolist()
    [[-1.0], [1.0]]
    """
    subsets = np.arange(1 << k)
    inside = (subsets[:, None] >> np.arange(k)) & 1 == 1
    size = inside.sum(axis=1)
    share = np.array([factorial(s) * factorial(k - 1 - s) / factorial(k) for s in range(k)] + [0.0])
    # A player inside came last, one outside would come next.
    out = np.where(inside, share[size - 1, None], -share[size, None])
    out.setflags(write=False)
    return out


def subset_sums(parts: Array) -> Array:
    """Sums of all subsets of the parts, (n, k, h) to (n, 2^k, h), by adding one part to a half.

    Examples
    --------
    >>> subset_sums(np.array([[[1.0], [10.0]]]))[0, :, 0].tolist()
    [0.0, 1.0, 10.0, 11.0]
    """
    n, k, h = parts.shape
    out = np.zeros((n, 1 << k, h))
    for j in range(k):
        m = 1 << j
        np.add(out[:, :m], parts[:, None, j], out=out[:, m : 2 * m])
    return out


def _parts(net: Network, own: npt.NDArray, k: int, rows: Array) -> Array:
    """What each player adds to the sums that enter the first layer, (n_rows, k, n_first)."""
    out = np.empty((len(rows), k, net.weights[0].shape[1]))
    for j in range(k):
        out[:, j] = rows[:, own == j] @ net.weights[0][own == j]
    return out


def _blocks(n: int, step: int) -> Iterator[slice]:
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def _sums(parts: Array, low: int, high: int) -> Array:
    """Sums of the 2^low subsets whose upper bits are `high`."""
    out = subset_sums(parts[:, :low])
    bits = (high >> np.arange(parts.shape[1] - low)) & 1 == 1
    if bits.any():
        out += parts[:, low:][:, bits].sum(axis=1)[:, None]
    return out


def _complement(parts: Array, low: int, high: int) -> Array:
    """Sums of what is *not* in these subsets."""
    mask = (1 << (parts.shape[1] - low)) - 1
    return _sums(parts, low, ~high & mask)[:, ::-1]


def _by_pairs(net: Network, present: Array, absent: Array, weight: Array) -> Array:
    """Mean outputs of the last hidden layer for every row and subset, (n, 2^k, n_units)."""
    n, k, _ = present.shape
    widest = max(net.hidden_layer_sizes)
    low = min(k, max(0, (_BLOCK // 64 // widest).bit_length() - 1))
    pairs = max(1, _BLOCK // (widest << low))
    n_rows = min(n, max(1, int(pairs**0.5)))
    n_others = max(1, pairs // n_rows)
    out = np.zeros((n, 1 << k, len(net.biases[-2])))
    for high in range(1 << (k - low)):
        subsets = slice(high << low, (high + 1) << low)
        for rows in _blocks(n, n_rows):
            own = _sums(present[rows], low, high)
            for some in _blocks(len(absent), n_others):
                a = _complement(absent[some], low, high)[:, None] + own
                a += net.biases[0]
                a = activate(a, net.activation)
                for w, b in zip(net.weights[1:-1], net.biases[1:-1], strict=True):
                    a = a @ w
                    a += b
                    a = activate(a, net.activation)
                mean = weight[some] @ a.reshape(len(a), -1)
                out[rows, subsets] += mean.reshape(a.shape[1:])
    return out


def _by_search(present: Array, absent: Array, weight: Array, bias: float) -> Array:
    """Mean of the rectified sum for every row and subset, (n, 2^k).

    A background row counts where its own part is above what the row's part falls short of zero by:
    the last ones in sorted order, whose weights and weighted parts were added up before.
    """
    n, k = present.shape
    low = min(k, max(0, (_HELD // 8 // max(n, len(absent))).bit_length() - 1))
    out = np.empty((1 << k, n))
    for high in range(1 << (k - low)):
        own = _sums(present[:, :, None], low, high)[:, :, 0].T
        theirs = _complement(absent[:, :, None], low, high)[:, :, 0].T + bias
        order = np.argsort(theirs, axis=1)
        theirs = np.take_along_axis(theirs, order, axis=1)
        weights = np.zeros((len(theirs), len(absent) + 1))
        weighted = np.zeros_like(weights)
        np.cumsum(weight[order][:, ::-1], axis=1, out=weights[:, 1:])
        np.cumsum((weight[order] * theirs)[:, ::-1], axis=1, out=weighted[:, 1:])
        for s in range(1 << low):
            above = len(absent) - np.searchsorted(theirs[s], -own[s], side="right")
            out[(high << low) + s] = own[s] * weights[s, above] + weighted[s, above]
    return out.T
