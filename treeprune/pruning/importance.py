"""What a weight, neuron or column of a network is worth: the table's importances, by unit.

An importance gives every weight a score. A neuron has the sum over the weights that enter and leave
it, a column (with all its inputs, a one-hot group being one column) the sum over the weights that
leave it, unless the method asks for the loss without the column.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..network import Network, activate
from ..training import Task, gradients, row_losses

__all__ = ["Importance", "Units", "elimination", "fisher", "gradient", "magnitude", "uniform"]

Array = npt.NDArray
Importance = Callable[[Network, Task, np.random.RandomState], "list[Array]"]
MOST_ROWS = 20_000  # by which the loss without a column is told


def magnitude(net: Network, task: Task, rng: np.random.RandomState) -> list[Array]:
    """|w| times the standard deviation of what the weight carries, so that units do not matter.

    The plain |w| (Han et al. 2015) keeps weights of rare categories, which are large and idle.
    """
    X = net.select(task.X)
    spread = [_spread(X.toarray() if hasattr(X, "toarray") else X, task.weight)]
    for z in net.sums(task.X)[:-1]:
        spread.append(_spread(activate(z, net.activation), task.weight))
    return [np.abs(w) * s[:, None] for w, s in zip(net.weights, spread, strict=True)]


def gradient(net: Network, task: Task, rng: np.random.RandomState) -> list[Array]:
    """|w g|, the first-order change of the loss: Mozer & Smolensky (1989), Molchanov et al."""
    _, grad = gradients(net, task)
    return [np.abs(w * g) for w, g in zip(net.weights, grad, strict=False)]


def fisher(net: Network, task: Task, rng: np.random.RandomState) -> list[Array]:
    """w² E[g²], its second-order change by the diagonal Fisher information: Theis et al. (2018)."""
    _, grad = gradients(net, task, squared=True)
    return [w * w * g for w, g in zip(net.weights, grad, strict=False)]


def uniform(net: Network, task: Task, rng: np.random.RandomState) -> list[Array]:
    """Drawn at random: the control."""
    return [rng.random_sample(w.shape) for w in net.weights]


@dataclass(frozen=True, eq=False)
class Units:
    """The removable units of a network, numbered: weights, hidden neurons or raw columns.

    Parameters
    ----------
    kind : {"weights", "neurons", "inputs"}
    group : array of int, shape (n_features,)
        Raw column of each model column, 0, 1, …
    """

    kind: str
    group: Array

    @property
    def unit(self) -> str:
        """One of them."""
        return {"weights": "weight", "neurons": "neuron", "inputs": "input"}[self.kind]

    @property
    def size_unit(self) -> str:
        """How their number is spoken of."""
        return "columns" if self.kind == "inputs" else self.kind

    def count(self, net: Network) -> int:
        """Number of units, live or not."""
        if self.kind == "inputs":
            return int(self.group.max()) + 1
        if self.kind == "neurons":
            return sum(net.hidden_layer_sizes)
        return sum(w.size for w in net.weights)

    def live(self, net: Network) -> npt.NDArray[np.bool_]:
        """Mask of the units of a settled network that still do something."""
        if self.kind == "weights":
            return np.concatenate([(w != 0).reshape(-1) for w in net.weights])
        masks = net.live()
        if self.kind == "neurons":
            return np.concatenate([*masks[1:-1], np.zeros(0, np.bool_)])
        out = np.zeros(self.count(net), np.bool_)
        out[self.group[net.inputs[masks[0]]]] = True
        return out

    def scores(self, net: Network, weight_scores: list[Array]) -> Array:
        """Sum of the scores of the weights that belong to each unit."""
        if self.kind == "weights":
            return np.concatenate([s.reshape(-1) for s in weight_scores])
        if self.kind == "neurons":
            pairs = pairwise(weight_scores)
            sums = [enter.sum(axis=0) + leave.sum(axis=1) for enter, leave in pairs]
            return np.concatenate([*sums, np.zeros(0)])
        rows = weight_scores[0].sum(axis=1)
        return np.bincount(self.group[net.inputs], rows, minlength=self.count(net))

    def _by_layer(self, net: Network, mask: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.bool_]]:
        """A mask of weights or neurons, in the shapes of the layers."""
        layers = net.weights if self.kind == "weights" else net.biases[:-1]
        parts = np.split(mask, np.cumsum([a.size for a in layers])[:-1])
        return [part.reshape(a.shape) for part, a in zip(parts, layers)]

    def zero(self, net: Network, gone: npt.NDArray[np.bool_]) -> Network:
        """The network with the weights of these units at zero, settled."""
        W, b = [w.copy() for w in net.weights], [x.copy() for x in net.biases]
        if self.kind == "inputs":
            W[0][gone[self.group[net.inputs]]] = 0.0
        elif self.kind == "weights":
            for w, here in zip(W, self._by_layer(net, gone), strict=True):
                w[here] = 0.0
        else:
            for i, here in enumerate(self._by_layer(net, gone)):
                W[i][:, here], W[i + 1][here], b[i][here] = 0.0, 0.0, 0.0
        return net.with_arrays(W, b).settle()

    def remove(self, net: Network, gone: npt.NDArray[np.bool_], task: Task) -> Network:
        """The network without these units; neurons and columns stay at their mean.

        What a neuron or column gives on average over the rows goes into the next biases.
        """
        b = [x.copy() for x in net.biases]
        if self.kind == "inputs":
            rows = gone[self.group[net.inputs]]
            b[0] += _mean(net.select(task.X), task.weight)[rows] @ net.weights[0][rows]
        elif self.kind == "neurons":
            sums = net.sums(task.X)
            for i, here in enumerate(self._by_layer(net, gone)):
                mean = _mean(activate(sums[i], net.activation), task.weight)
                b[i + 1] += mean[here] @ net.weights[i + 1][here]
        return self.zero(net.with_arrays(net.weights, b), gone)

    def on_path(self, net: Network, path: list[int]) -> Array:
        """Units that a path (a position in every layer, inputs first) goes through."""
        if self.kind == "inputs":
            return np.array([self.group[net.inputs[path[0]]]])
        at, out = 0, []
        for i, w in enumerate(net.weights):
            if self.kind == "weights":
                out.append(at + path[i] * w.shape[1] + path[i + 1])
                at += w.size
            elif i + 1 < len(net.weights):
                out.append(at + path[i + 1])
                at += w.shape[1]
        return np.array(out, dtype=np.int64)


def _spread(X: Array, weight: Array) -> Array:
    off = X - _mean(X, weight)
    return np.sqrt(_mean(off * off, weight))


def _mean(X: npt.NDArray, weight: Array) -> Array:
    return np.asarray(X.T @ weight).reshape(-1) / weight.sum()


def strongest_path(
    net: Network, weight_scores: list[Array], start: npt.NDArray[np.bool_] | None = None
) -> list[int] | None:
    """The path from an input to a score whose weakest weight is strongest.

    Parameters
    ----------
    net : Network
    weight_scores : list of array
        In the shapes of the weights.
    start : array of bool, shape (n_inputs,), optional
        Where it may begin.

    Returns
    -------
    list of int or None
        A position in every layer, inputs first; None where no path is left.
    """
    best = np.full(len(net.inputs), np.inf)
    if start is not None:
        best[~start] = -np.inf
    back = []
    for w, s in zip(net.weights, weight_scores, strict=True):
        through = np.where(w != 0, np.minimum(best[:, None], s), -np.inf)
        back.append(through.argmax(axis=0))
        best = through.max(axis=0)
    if best.max() == -np.inf:
        return None
    path = [int(best.argmax())]
    for step in reversed(back):
        path.insert(0, int(step[path[0]]))
    return path


def elimination(net: Network, task: Task, units: Units, rng: np.random.RandomState) -> Array:
    """Mean loss when a raw column is held at its mean, for every column.

    Only the first sums change: each column's share of them is taken out and its mean put in.
    """
    if len(task) > MOST_ROWS:
        task = task.take(np.sort(rng.choice(len(task), MOST_ROWS, replace=False)))
    X, weight = net.select(task.X), task.weight
    X = X.toarray() if hasattr(X, "toarray") else X
    group = units.group[net.inputs]
    out = np.full(units.count(net), np.inf)
    first = X @ net.weights[0] + net.biases[0]
    mean = _mean(X, weight)
    for g in np.flatnonzero(units.live(net)):
        own = group == g
        z = net.onward(first - (X[:, own] - mean[own]) @ net.weights[0][own])
        out[g] = np.average(row_losses(z, task.Y, net.link), weights=weight)
    return out
