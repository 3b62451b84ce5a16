"""Network: a fitted multilayer perceptron as plain, read-only arrays.

What `Trees` is for trees: weights and biases a layer, the function between the layers and the link
after the last. Zero weights are exact zeros, so that what no longer does anything can be seen from
the arrays: `settle` folds constant neurons into the next bias and clears what leads nowhere,
`compact` drops it. Both leave the function as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .exceptions import MalformedModelError

__all__ = ["ACTIVATIONS", "NETWORK_LINKS", "Network", "activate", "slope"]

Array = npt.NDArray[np.float64]

ACTIVATIONS = ("relu", "tanh", "logistic", "identity")
NETWORK_LINKS = ("identity", "logit", "softmax")
BLOCK = 1 << 15  # numbers of a layer that are held at once: they stay in the cache
_EVERY = np.full(1, -1)  # stands for all columns until the number of columns is known


def activate(z: npt.NDArray, activation: str) -> npt.NDArray:
    """Outputs of hidden neurons from their sums, in place."""
    if activation == "relu":
        return np.maximum(z, 0, out=z)
    if activation == "tanh":
        return np.tanh(z, out=z)
    if activation == "logistic":
        return special.expit(z, out=z)
    return z


def slope(a: npt.NDArray, activation: str) -> npt.NDArray:
    """Derivative of the activation, from its *outputs*."""
    if activation == "relu":
        return a > 0
    if activation == "tanh":
        return 1 - a * a
    if activation == "logistic":
        return a * (1 - a)
    return np.ones_like(a)


def _frozen(array: npt.ArrayLike, dtype: Any = np.float64) -> npt.NDArray:
    try:
        out = np.array(array, dtype=dtype, order="C")
    except (TypeError, ValueError) as error:  # ragged, or no numbers
        raise MalformedModelError(
            f"a network holds arrays of numbers, got {str(array)[:60]!r}"
        ) from error
    out.setflags(write=False)
    return out


@dataclass(frozen=True, eq=False)
class Network:
    """A multilayer perceptron.

    Besides the fields there are `n_outputs`, `is_classifier`, `n_scores` (numbers before the
    link), and the counts `n_weights`, `n_neurons`, `n_inputs` of what is not zero. One layer alone
    is a linear model; `kind` says which it is.

    Parameters
    ----------
    weights : tuple of array of float64
        Of each layer, shape (n_in, n_out); of the first (len(inputs), n_hidden).
    biases : tuple of array of float64, shape (n_out,)
    activation : str
        Of the hidden layers, one of `ACTIVATIONS`.
    link : str
        From the last sums to the prediction, one of `NETWORK_LINKS`: "identity" (targets), "logit"
        (one sum, the log-odds of the second class), "softmax".
    n_classes : tuple of int
        `(number of classes,)`; empty for regression.
    inputs : array of int64
        Column of X that each row of the first weights reads; all by default.
    n_features : int
        Number of columns of X.
    feature_names : tuple of str or None

    Raises
    ------
    MalformedModelError
        If the arrays do not describe a network.

    Examples
    --------
    >>> import numpy as np
    >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
    >>> net.raw(np.array([[1.0, 7.0]]))  # 2 * relu(1) + 3 * relu(1) + .5
    array([[5.5]])
    >>> small = net.compact()  # the second neuron is constant, the second input unused
    >>> small.n_weights, small.n_neurons, small.inputs.tolist(), small.biases[1].tolist()
    (2, 1, [0], [3.5])
    >>> small.raw(np.array([[1.0, 7.0]]))
    array([[5.5]])
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activation: str = "relu"
    link: str = "identity"
    n_classes: tuple[int, ...] = ()
    inputs: npt.NDArray[np.int64] = field(default_factory=lambda: _EVERY)
    n_features: int = -1
    feature_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(_frozen(w) for w in self.weights))
        object.__setattr__(self, "biases", tuple(_frozen(b) for b in self.biases))
        if self.inputs is _EVERY:
            n_rows = len(self.weights[0]) if self.weights and self.weights[0].ndim else 0
            object.__setattr__(self, "inputs", np.arange(n_rows))
        object.__setattr__(self, "inputs", _frozen(self.inputs, np.int64))
        if self.n_features == -1:
            object.__setattr__(self, "n_features", len(self.inputs))
        _check(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrays of a copy or a pickle would come back writable."""
        for name in ("weights", "biases"):
            state[name] = tuple(_frozen(array) for array in state[name])
        state["inputs"] = _frozen(state["inputs"], np.int64)
        self.__dict__.update(state)

    @property
    def n_outputs(self) -> int:
        """Number of targets."""
        return 1 if self.n_classes else self.n_scores

    @property
    def n_scores(self) -> int:
        """Number of sums that leave the last layer."""
        return len(self.biases[-1])

    @property
    def is_classifier(self) -> bool:
        """Whether the prediction is a class."""
        return bool(self.n_classes)

    @property
    def predicted_classes(self) -> tuple[int, ...]:
        """Number of classes of each output, as `Trees` has them too; empty for regression."""
        return self.n_classes

    @property
    def hidden_layer_sizes(self) -> tuple[int, ...]:
        """Neurons of each hidden layer, live or not."""
        return tuple(len(b) for b in self.biases[:-1])

    @property
    def kind(self) -> str:
        """What to call it: "network", without hidden layers "linear model"."""
        return "network" if self.hidden_layer_sizes else "linear model"

    @property
    def n_weights(self) -> int:
        """Number of weights that are not zero, biases not counted."""
        return sum(int(np.count_nonzero(w)) for w in self.weights)

    @property
    def n_neurons(self) -> int:
        """Number of hidden neurons that something enters and leaves."""
        return sum(int(live.sum()) for live in self.live()[1:-1])

    @property
    def n_inputs(self) -> int:
        """Number of columns that the network reads."""
        return int(self.live()[0].sum())

    @property
    def n_bytes(self) -> int:
        """Bytes of all weights and biases as they are stored."""
        return sum(a.nbytes for a in (*self.weights, *self.biases))

    def live(self) -> list[npt.NDArray[np.bool_]]:
        """Masks of inputs, neurons of each hidden layer, and scores that are on some path.

        Returns
        -------
        list of array of bool
            An input or neuron is live when weights that are not zero lead from it to a score and,
            for neurons, from an input to it.

        Examples
        --------
        >>> from treeprune import Network
        >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
        >>> [mask.tolist() for mask in net.live()]
        [[True, False], [True, False], [True]]
        """
        used = [w != 0 for w in self.weights]
        forward = [np.ones(len(self.inputs), np.bool_)]
        for mask in used:
            forward.append(mask[forward[-1]].any(axis=0))
        backward = [np.ones(self.n_scores, np.bool_)]
        for mask in reversed(used):
            backward.insert(0, mask[:, backward[0]].any(axis=1))
        return [f & b for f, b in zip(forward, backward, strict=True)]

    def raw(self, X: Any) -> Array:
        """Sums that leave the last layer, before the link.

        Parameters
        ----------
        X : array or sparse matrix, shape (n_rows, n_features)

        Returns
        -------
        array of float64, shape (n_rows, n_scores)

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune import Network
        >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
        >>> net.raw(np.array([[1.0, 7.0], [-1.0, 7.0]])).tolist()
        [[5.5], [3.5]]
        """
        out = np.empty((X.shape[0], self.n_scores))
        for rows in self._blocks(X.shape[0]):
            z = self.select(X[rows]) @ self.weights[0]
            z += self.biases[0]
            out[rows] = self.onward(z)
        return out

    def onward(self, z: Array) -> Array:
        """Sums that leave the last layer, from those that enter the first; z is overwritten.

        Parameters
        ----------
        z : array of float64, shape (…, n_first)

        Returns
        -------
        array of float64, shape (…, n_scores)

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune import Network
        >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
        >>> net.onward(np.array([[-1.0, 1.0]])).tolist()
        [[3.5]]
        """
        for w, b in zip(self.weights[1:], self.biases[1:], strict=True):
            z = activate(z, self.activation) @ w
            z += b
        return z

    def sums(self, X: Any) -> list[Array]:
        """Sums that enter every layer, hidden ones before their activation.

        Returns
        -------
        list of array of float64, shape (n_rows, n_out)
            One a layer; the last is `raw(X)`.

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune import Network
        >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
        >>> [z.tolist() for z in net.sums(np.array([[-1.0, 7.0]]))]
        [[[-1.0, 1.0]], [[3.5]]]
        """
        a, out = self.select(X), []
        for w, b in zip(self.weights, self.biases, strict=True):
            z = np.asarray(a @ w) + b
            out.append(z)
            a = activate(z.copy(), self.activation)
        return out

    def values(self, X: Any) -> Array:
        """Predictions laid out as node values are: (n_rows, n_outputs, n_classes).

        Returns
        -------
        array of float64
            Class probabilities, or targets with a last axis of one.

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune import Network
        >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
        >>> net.values(np.array([[1.0, 7.0], [-1.0, 7.0]])).shape
        (2, 1, 1)
        """
        return self.respond(self.raw(X))

    def respond(self, raw: Array) -> Array:
        """From sums (n_rows, n_scores) to predictions (n_rows, n_outputs, n_classes).

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune import Network
        >>> net = Network(([[1.0]],), ([0.0],), link="logit", n_classes=(2,))
        >>> net.respond(np.array([[0.0]])).tolist()
        [[[0.5, 0.5]]]
        """
        if self.link == "logit":
            p = special.expit(raw)
            return np.concatenate([1.0 - p, p], axis=1)[:, None, :]
        if self.link == "softmax":
            return special.softmax(raw, axis=1)[:, None, :]
        return raw[:, :, None]

    def select(self, X: Any) -> Any:
        """The columns that the network reads.

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune import Network
        >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
        >>> net.compact().select(np.array([[1.0, 7.0]])).tolist()
        [[1.0]]
        """
        if hasattr(X, "iloc"):
            X = X.to_numpy()
        if np.array_equal(self.inputs, np.arange(self.n_features)):
            return X
        return X[:, self.inputs]

    def _blocks(self, n_rows: int) -> Iterator[slice]:
        step = max(256, BLOCK // max(w.shape[1] for w in self.weights))
        for start in range(0, n_rows, step):
            yield slice(start, min(start + step, n_rows))

    def settle(self) -> Network:
        """The same function, in the same shapes, with zeros wherever a number does nothing.

        Neurons that nothing enters are constant: they are folded into the next bias. Weights and
        biases of neurons from which nothing leads to a score become zero.

        Examples
        --------
        >>> from treeprune import Network
        >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
        >>> settled = net.settle()
        >>> settled.weights[1].tolist(), [b.tolist() for b in settled.biases]
        ([[2.0], [0.0]], [[0.0, 0.0], [3.5]])
        """
        W, b = [w.copy() for w in self.weights], [x.copy() for x in self.biases]
        for i in range(len(W) - 1):
            constant = ~W[i].any(axis=0)
            b[i + 1] += activate(b[i][constant], self.activation) @ W[i + 1][constant]
            W[i + 1][constant] = 0.0
        for i in range(len(W) - 1, 0, -1):
            useless = ~W[i].any(axis=1)
            W[i - 1][:, useless] = 0.0
            b[i - 1][useless] = 0.0
        return replace(self, weights=tuple(W), biases=tuple(b))

    def compact(self) -> Network:
        """The same function without dead inputs and neurons; a layer keeps at least one.

        Examples
        --------
        >>> from treeprune import Network
        >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
        >>> small = net.compact()
        >>> small.hidden_layer_sizes, small.inputs.tolist()
        ((1,), [0])
        """
        return self.settle()._drop()

    def kept(self) -> list[npt.NDArray[np.int64]]:
        """Positions of the inputs, neurons and scores that `compact` keeps.

        Examples
        --------
        >>> from treeprune import Network
        >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
        >>> [where.tolist() for where in net.kept()]
        [[0], [0], [0]]
        """
        live = self.settle().live()
        for mask in live[1:-1]:
            if not mask.any():
                mask[0] = True
        live[-1][:] = True
        return [np.flatnonzero(mask) for mask in live]

    def _drop(self) -> Network:
        kept = self.kept()
        return replace(
            self,
            weights=tuple(
                w[np.ix_(kept[i], kept[i + 1])] for i, w in enumerate(self.weights)
            ),
            biases=tuple(b[kept[i + 1]] for i, b in enumerate(self.biases)),
            inputs=self.inputs[kept[0]],
        )  # fmt: skip

    def spread_inputs(self) -> Network:
        """The same function with a row of first weights, zero where unread, for every column.

        Examples
        --------
        >>> from treeprune import Network
        >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
        >>> net.compact().spread_inputs().weights[0].tolist()
        [[1.0], [0.0]]
        """
        first = np.zeros((self.n_features, self.weights[0].shape[1]))
        first[self.inputs] = self.weights[0]
        return replace(self, weights=(first, *self.weights[1:]), inputs=np.arange(self.n_features))

    def with_arrays(self, weights: Sequence[npt.NDArray], biases: Sequence[npt.NDArray]) -> Network:
        """Another network of the same shape.

        Examples
        --------
        >>> from treeprune import Network
        >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
        >>> net.with_arrays([0 * w for w in net.weights], net.biases).n_weights
        0
        """
        return replace(self, weights=tuple(weights), biases=tuple(biases))

    def counts(self) -> dict[str, int]:
        """What people count: live weights, neurons, model columns read, and bytes.

        Examples
        --------
        >>> from treeprune import Network
        >>> net = Network(([[1.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
        >>> net.counts()
        {'weights': 2, 'neurons': 1, 'inputs': 1, 'bytes': 72}
        """
        settled = self.settle()
        return {
            "weights": settled.n_weights,
            "neurons": settled.n_neurons,
            "inputs": settled.n_inputs,
            "bytes": self.n_bytes,
        }


def _check(net: Network) -> None:
    """Refuse arrays that are no network."""
    if net.activation not in ACTIVATIONS:
        raise MalformedModelError(
            f"activation is {net.activation!r}; possible are {', '.join(ACTIVATIONS)}"
        )
    if net.link not in NETWORK_LINKS:
        raise MalformedModelError(f"link is {net.link!r}; possible are {', '.join(NETWORK_LINKS)}")
    if len(net.weights) != len(net.biases) or not net.weights:
        raise MalformedModelError(
            f"{len(net.weights)} arrays of weights and {len(net.biases)} of biases; a layer has "
            "one of each"
        )
    n_in = len(net.inputs)
    for i, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        if w.ndim != 2 or b.ndim != 1 or w.shape != (n_in, len(b)):
            raise MalformedModelError(
                f"layer {i} has weights of shape {w.shape} and biases of shape {b.shape}; what "
                f"enters it are {n_in} numbers"
            )
        if not (np.isfinite(w).all() and np.isfinite(b).all()):
            raise MalformedModelError(f"layer {i} has weights that are not finite")
        n_in = len(b)
    inside = (net.inputs >= 0) & (net.inputs < net.n_features)
    if not inside.all() or len(np.unique(net.inputs)) != len(net.inputs):
        raise MalformedModelError(
            f"inputs must be different columns between 0 and {net.n_features - 1}"
        )
    if net.feature_names is not None and len(net.feature_names) != net.n_features:
        raise MalformedModelError(f"{len(net.feature_names)} names for {net.n_features} columns")
    _check_link(net)


def _check_link(net: Network) -> None:
    wanted = {"identity": 0, "logit": 2}.get(net.link, net.n_scores)
    if sum(net.n_classes) != wanted or len(net.n_classes) != (net.link != "identity"):
        raise MalformedModelError(
            f"n_classes is {net.n_classes} with link {net.link!r} and {net.n_scores} scores"
        )
    if net.link == "logit" and net.n_scores != 1:
        raise MalformedModelError(f"link 'logit' has one score, got {net.n_scores}")
