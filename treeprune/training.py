"""Training of networks: Adam with masks, and the L1 penalty by its proximal step.

All parameters stand in one flat vector, weights first, so that a step is a handful of array
operations whatever the number of layers. After every step the weights are drawn towards zero by
`learning_rate * l1 / D`, where D is the diagonal metric in which Adam has just stepped: that is
the proximal step of the L1 penalty in this metric, which ends in exact zeros at a minimum of the
penalised loss (thresholding by `learning_rate * l1` alone ends elsewhere). Masked weights are put
back to zero after every step and gather no moments. `polish` goes on to the minimum itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse, special
from scipy.optimize import minimize

from .network import Network, activate, slope

__all__ = [
    "Moments",
    "Settings",
    "Task",
    "gradients",
    "kkt_residual",
    "losses",
    "polish",
    "train",
]

Array = npt.NDArray
BATCH = 256  # rows of a step, unless asked otherwise


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    Parameters
    ----------
    epochs : int
    learning_rate : float
    schedule : {"constant", "cosine"}
        "cosine" lets the rate fall to zero over `epochs` (Loshchilov & Hutter 2017).
    batch_size : int
    alpha : float
        L2: alpha / 2 times the sum of squared weights is added to the mean loss.
    l1 : float
        L1: l1 times the sum of absolute weights is added to the mean loss.
    beta_1, beta_2, epsilon : float
        Of Adam (Kingma & Ba 2015).
    dropout : float
        Share of hidden outputs that are set to zero in a step.
    shuffle : bool
    tol, patience : float, int or None
        Training stops when the loss (the validation loss where there are validation rows) has not
        fallen by `tol` in `patience` epochs; None never stops early.
    dtype : "float32" or "float64"
        In which numbers the training computes.
    """

    epochs: int = 20
    learning_rate: float = 1e-3
    schedule: str = "constant"
    batch_size: int = BATCH
    alpha: float = 0.0
    l1: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    dropout: float = 0.0
    shuffle: bool = True
    tol: float = 1e-4
    patience: int | None = None
    dtype: str = "float32"


def precision(n_rows: int, batch_size: int) -> str:
    """In which numbers to train: a single batch gains nothing from float32."""
    return "float64" if n_rows <= batch_size else "float32"


@dataclass
class Moments:
    """Adam's running means of gradients and of their squares, with the number of steps."""

    first: Array
    second: Array
    steps: int = 0

    @classmethod
    def of(cls, n: int, dtype: Any) -> Moments:
        """As before the first step."""
        return cls(np.zeros(n, dtype), np.zeros(n, dtype))


@dataclass(frozen=True, eq=False)
class Task:
    """Rows to learn from: inputs, targets (one column a score) and weights.

    Rows without weight are left out, so that a weight of zero is the same as no row.
    """

    X: Any
    Y: Array
    weight: Array

    @classmethod
    def of(cls, net: Network, X: Any, target: Array, weight: Array) -> Task:
        """Rows as the network reads them.

        Parameters
        ----------
        net : Network
        X : array or CSR matrix, shape (n_rows, n_features)
        target : array of float64, shape (n_rows, n_outputs)
            Class codes, or values.
        weight : array of float64, shape (n_rows,)
        """
        if net.link == "softmax":
            Y = (target[:, [0]] == np.arange(net.n_scores)).astype(np.float64)
        else:
            Y = np.asarray(target, dtype=np.float64)
        task = cls(X, Y, weight)
        return task if weight.all() else task.take(np.flatnonzero(weight))

    def take(self, rows: Array) -> Task:
        """The rows of these positions."""
        return Task(self.X[rows], self.Y[rows], self.weight[rows])

    def __len__(self) -> int:
        return len(self.Y)


class _Flat:
    """All parameters in one vector: weights of every layer, then biases, as views by layer."""

    def __init__(self, net: Network, dtype: Any) -> None:
        shapes = [w.shape for w in net.weights] + [b.shape for b in net.biases]
        sizes = [int(np.prod(s)) for s in shapes]
        self.n_weights = sum(w.size for w in net.weights)
        self.vector = np.empty(sum(sizes), dtype)
        ends = np.cumsum([0, *sizes])
        views = [
            self.vector[a:b].reshape(s) for a, b, s in zip(ends[:-1], ends[1:], shapes, strict=True)
        ]
        self.W, self.b = views[: len(net.weights)], views[len(net.weights) :]

    def load(self, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        for view, array in zip([*self.W, *self.b], [*weights, *biases], strict=True):
            view[...] = array


def _forward(P: _Flat, X: Array, activation: str, drop: list[Array] | None = None) -> list[Array]:
    """Inputs of every layer, and the last sums at the end."""
    outs = [X]
    last = len(P.W) - 1
    for i, (w, b) in enumerate(zip(P.W, P.b, strict=True)):
        z = outs[-1] @ w
        z += b
        if i < last:
            z = activate(z, activation)
            if drop is not None:
                z *= drop[i]
        outs.append(z)
    return outs


def _residual(z: Array, Y: Array, link: str) -> Array:
    """Derivative of a row's loss by the last sums: prediction minus target, for every link."""
    if link == "logit":
        return special.expit(z) - Y
    if link == "softmax":
        return special.softmax(z, axis=1) - Y
    return z - Y


def row_losses(z: Array, Y: Array, link: str) -> Array:
    """Log loss, or half the squared error summed over targets, of every row."""
    if link == "logit":
        return np.logaddexp(0, z[:, 0]) - Y[:, 0] * z[:, 0]
    if link == "softmax":
        return special.logsumexp(z, axis=1) - (z * Y).sum(axis=1)
    return 0.5 * ((z - Y) ** 2).sum(axis=1)


def _backward(
    P: _Flat,
    G: _Flat,
    outs: list[Array],
    d: Array,
    activation: str,
    drop: list[Array] | None = None,
) -> None:
    """Write the gradient of the sum over rows of the loss into G; d is changed."""
    for i in range(len(P.W) - 1, -1, -1):
        np.matmul(outs[i].T, d, out=G.W[i])
        d.sum(axis=0, out=G.b[i])
        if i:
            d = d @ P.W[i].T
            if drop is None:
                d *= slope(outs[i], activation)
            else:  # the outputs were scaled: undo it where they were kept
                with np.errstate(divide="ignore", invalid="ignore"):
                    a = np.where(drop[i - 1] > 0, outs[i] / drop[i - 1], 0)
                d *= slope(a, activation) * drop[i - 1]


def gradients(net: Network, task: Task, *, squared: bool = False) -> tuple[float, list[Array]]:
    """Mean loss over rows and its gradient, by layer, in float64.

    Parameters
    ----------
    net : Network
    task : Task
    squared : bool
        Mean over rows of the *squared* gradient of each row instead (the diagonal of the
        empirical Fisher information).

    Returns
    -------
    loss : float
        Without penalties.
    gradient : list of array
        Of the weights of every layer, then of the biases.
    """
    P, G = _Flat(net, np.float64), _Flat(net, np.float64)
    P.load(net.weights, net.biases)
    return _mean_gradient(P, G, net, task, squared), [*G.W, *G.b]


def _mean_gradient(P: _Flat, G: _Flat, net: Network, task: Task, squared: bool = False) -> float:
    """Mean loss of the parameters P, its gradient into G; what else is asked of the network."""
    total = task.weight.sum()
    summed = np.zeros_like(G.vector)
    loss = 0.0
    for rows in net._blocks(len(task)):
        X = _dense(net.select(task.X[rows]), np.float64)
        Y, weight = task.Y[rows], task.weight[rows]
        outs = _forward(P, X, net.activation)
        loss += float(weight @ row_losses(outs[-1], Y, net.link))
        d = _residual(outs[-1], Y, net.link)
        if squared:
            _backward_squared(P, G, outs, d, weight, net.activation)
        else:
            d *= weight[:, None]
            _backward(P, G, outs, d, net.activation)
        summed += G.vector
    G.vector[:] = summed / total
    return loss / total


def _backward_squared(
    P: _Flat, G: _Flat, outs: list[Array], d: Array, weight: Array, activation: str
) -> None:
    """Weighted sum of squared gradients: a row's gradient is an outer product, so is its square."""
    for i in range(len(P.W) - 1, -1, -1):
        square = d * d * weight[:, None]
        np.matmul((outs[i] ** 2).T, square, out=G.W[i])
        square.sum(axis=0, out=G.b[i])
        if i:
            d = (d @ P.W[i].T) * slope(outs[i], activation)


def losses(net: Network, task: Task) -> float:
    """Weighted mean loss of rows, without penalties."""
    return float(np.average(row_losses(net.raw(task.X), task.Y, net.link), weights=task.weight))


def kkt_residual(
    net: Network,
    task: Task,
    *,
    alpha: float,
    l1: float,
    mask: Sequence[Array] | None = None,
) -> float:
    """How far a network is from the conditions of a minimum of its L1-penalised loss.

    Returns
    -------
    float
        The largest of |g + alpha w + l1 sign(w)| over weights that are not zero, of
        max(|g| - l1, 0) over those that are (and may be otherwise: the mask), and of |g| over
        biases, where g is the gradient of the mean loss; 0 at a minimum. Compare it with `l1`.
        (Where a rectified neuron is exactly at its kink, g is one of several slopes.)
    """
    _, grad = gradients(net, task)
    depth = len(net.weights)
    worst = max(float(np.abs(g).max(initial=0.0)) for g in grad[depth:])  # not penalised
    for i, (w, g) in enumerate(zip(net.weights, grad, strict=False)):
        g = g + alpha * w
        gap = np.where(w != 0, np.abs(g + l1 * np.sign(w)), np.maximum(np.abs(g) - l1, 0.0))
        if mask is not None:
            gap = gap[mask[i]]
        worst = max(worst, float(gap.max(initial=0.0)))
    return worst


def polish(
    net: Network,
    task: Task,
    *,
    alpha: float,
    l1: float,
    steps: int,
    mask: Sequence[Array] | None = None,
) -> Network:
    """Go from a trained network to a minimum of its penalised loss, by L-BFGS-B over all rows.

    A weight is written as u - v with u, v >= 0: so the L1 penalty is smooth, and a weight whose
    parts are both at their bounds is an exact zero. The penalised loss never rises.

    Parameters
    ----------
    net : Network
        Where to start; never changed.
    task : Task
    alpha, l1 : float
        As in `Settings`.
    steps : int
        Iterations at most; a step is a pass over all rows, or a few.
    mask : sequence of array of bool, optional
        As in `train`.

    References
    ----------
    Byrd, Lu, Nocedal & Zhu (1995), A limited memory algorithm for bound constrained optimization.
    Schmidt, Fung & Rosales (2007), Fast optimization methods for L1 regularization.
    """
    P, G = _Flat(net, np.float64), _Flat(net, np.float64)
    P.load(net.weights, net.biases)
    n = P.n_weights
    free = np.arange(n)
    if mask is not None:
        free = np.flatnonzero(np.concatenate([np.asarray(m).reshape(-1) for m in mask]))
        P.vector[np.setdiff1d(np.arange(n), free)] = 0.0
    k = len(free)

    def put(z: Array) -> Array:
        P.vector[free] = z[:k] - z[k : 2 * k]
        P.vector[n:] = z[2 * k :]
        return P.vector[free]

    def penalised(z: Array) -> tuple[float, Array]:
        w = put(z)
        loss = _mean_gradient(P, G, net, task) + 0.5 * alpha * (w @ w) + l1 * z[: 2 * k].sum()
        g = G.vector[free] + alpha * w
        return loss, np.concatenate([g + l1, l1 - g, G.vector[n:]])

    bounds = [(0.0, None)] * (2 * k) + [(None, None)] * (len(P.vector) - n)
    before = np.inf
    while steps > 0:  # a line search may give up on old curvature: begin anew while that helps
        w = P.vector[free]
        start = np.concatenate([np.maximum(w, 0), np.maximum(-w, 0), P.vector[n:]])
        options = {"maxiter": steps, "ftol": 0.0, "gtol": max(1e-3 * l1, 1e-8), "maxcor": 20}
        found = minimize(penalised, start, jac=True, method="L-BFGS-B", bounds=bounds,
                         options=options)  # fmt: skip
        put(found.x)
        steps -= max(1, found.nit)
        if before - found.fun <= 1e-9 * abs(found.fun):
            break
        before = found.fun
    return net.with_arrays(P.W, P.b)


def _dense(X: Any, dtype: Any) -> Array:
    if sparse.issparse(X):
        X = X.toarray()
    return np.ascontiguousarray(X, dtype=dtype)


@dataclass(eq=False)
class _Run:
    """Everything that changes while a network is trained."""

    net: Network
    settings: Settings
    rng: np.random.RandomState
    P: _Flat
    G: _Flat
    moments: Moments
    mask: Array | None
    scale: float
    history: list[dict[str, float]] = field(default_factory=list)

    def step(self, X: Array, Y: Array, weight: Array | None, rate: float) -> float:
        """One step of Adam on a batch; the mean loss of the batch before it."""
        s, P, G = self.settings, self.P, self.G
        drop = self._dropped(len(X)) if s.dropout else None
        outs = _forward(P, X, self.net.activation, drop)
        loss = row_losses(outs[-1], Y, self.net.link)
        d = _residual(outs[-1], Y, self.net.link)
        if weight is not None:
            d *= weight[:, None]
            loss = loss * weight
        # By the expected weight of a batch: batches of light rows count less.
        size = len(X) * self.scale
        d /= d.dtype.type(size)
        _backward(P, G, outs, d, self.net.activation, drop)
        n = P.n_weights
        if s.alpha:
            G.vector[:n] += G.vector.dtype.type(s.alpha) * P.vector[:n]
        if self.mask is not None:
            G.vector[:n] *= self.mask
        self._adam(rate)
        return float(loss.sum()) / size

    def _adam(self, rate: float) -> None:
        s, P, g, m = self.settings, self.P.vector, self.G.vector, self.moments
        m.steps += 1
        m.first *= s.beta_1
        m.first += (1 - s.beta_1) * g
        np.multiply(g, g, out=g)
        g *= 1 - s.beta_2
        m.second *= s.beta_2
        m.second += g
        unbias = np.sqrt(1 - s.beta_2**m.steps)
        np.sqrt(m.second, out=g)
        g += s.epsilon
        g /= unbias  # the metric of this step
        P -= (rate / (1 - s.beta_1**m.steps)) * (m.first / g)
        n = self.P.n_weights
        if s.l1:
            w = P[:n]
            size = np.abs(w)
            size -= (rate * s.l1) / g[:n]
            np.maximum(size, 0, out=size)
            np.copysign(size, w, out=w)
        if self.mask is not None:
            P[:n] *= self.mask

    def _dropped(self, n_rows: int) -> list[Array]:
        keep = 1 - self.settings.dropout
        return [
            (self.rng.random_sample((n_rows, len(b))) < keep).astype(b.dtype) / b.dtype.type(keep)
            for b in self.P.b[:-1]
        ]

    def network(self) -> Network:
        """The network of the parameters, in float64; -0 becomes 0."""
        return self.net.with_arrays(
            [w.astype(np.float64) + 0.0 for w in self.P.W],
            [b.astype(np.float64) + 0.0 for b in self.P.b],
        )

    def penalty(self) -> float:
        s, w = self.settings, self.P.vector[: self.P.n_weights]
        if not (s.alpha or s.l1):
            return 0.0
        return float(0.5 * s.alpha * (w @ w) + s.l1 * np.abs(w).sum())


def train(
    net: Network,
    task: Task,
    settings: Settings,
    rng: np.random.RandomState,
    *,
    mask: Sequence[Array] | None = None,
    validation: Task | None = None,
    moments: Moments | None = None,
    on_epoch: Callable[[dict[str, float], Callable[[], Network]], bool | None] | None = None,
) -> tuple[Network, list[dict[str, float]], Moments]:
    """Train a network further.

    Parameters
    ----------
    net : Network
        Where to start; never changed.
    task : Task
    settings : Settings
    rng : RandomState
        Order of the rows, and dropout.
    mask : sequence of array of bool, optional
        For each layer, in the shape of its weights: weights that are False are zero throughout.
    validation : Task, optional
        Rows whose loss decides when to stop and which epoch's weights are kept, always with
        exact zeros in place.
    moments : Moments, optional
        To go on from; never changed.
    on_epoch : callable, optional
        (row of the history, function that gives the network) after each epoch; True stops.

    Returns
    -------
    network : Network
    history : list of dict
        A row an epoch: epoch, loss (mean over the epoch's batches, before each step), penalty,
        learning_rate, zeros (share of the weights), validation_loss where there are such rows.
    moments : Moments
    """
    dtype = np.dtype(settings.dtype)
    P, G = _Flat(net, dtype), _Flat(net, dtype)
    P.load(net.weights, net.biases)
    flat = None
    if mask is not None and not all(m.all() for m in mask):
        flat = np.concatenate([np.asarray(m).reshape(-1) for m in mask]).astype(dtype)
        P.vector[: P.n_weights] *= flat
    if moments is None or moments.first.shape != P.vector.shape:
        moments = Moments.of(len(P.vector), dtype)
    else:
        moments = Moments(
            moments.first.astype(dtype), moments.second.astype(dtype), moments.steps
        )  # fmt: skip
    if flat is not None:
        moments.first[: P.n_weights] *= flat
        moments.second[: P.n_weights] *= flat
    X = _dense(net.select(task.X), dtype) if not sparse.issparse(task.X) else net.select(task.X)
    weight = None if (task.weight == task.weight[0]).all() else task.weight.astype(dtype)
    scale = 1.0 if weight is None else float(task.weight.mean())
    run = _Run(net, settings, rng, P, G, moments, flat, scale)
    _epochs(run, X, task.Y.astype(dtype), weight, validation, on_epoch)
    return run.network(), run.history, moments


def _epoch(run: _Run, X: Any, Y: Array, weight: Array | None, epoch: int) -> dict[str, float]:
    """One pass over all rows, and its row of the history."""
    s, n = run.settings, len(Y)
    steps = -(-n // s.batch_size)
    order = np.arange(n)
    if s.shuffle and steps > 1:
        order = run.rng.permutation(n)
    loss, rate = 0.0, s.learning_rate
    for k in range(steps):
        rows = order[k * s.batch_size : (k + 1) * s.batch_size] if steps > 1 else slice(None)
        if s.schedule == "cosine":
            done = (epoch * steps + k) / (s.epochs * steps)
            rate = 0.5 * s.learning_rate * (1 + np.cos(np.pi * done))
        batch = _dense(X[rows], run.P.vector.dtype)
        part = None if weight is None else weight[rows]
        loss += run.step(batch, Y[rows], part, rate) * len(batch) / n
    w = run.P.vector[: run.P.n_weights]
    return {
        "epoch": epoch,
        "loss": loss,
        "penalty": run.penalty(),
        "learning_rate": rate,
        "zeros": 1.0 - np.count_nonzero(w) / max(1, w.size),
    }


def _epochs(
    run: _Run,
    X: Any,
    Y: Array,
    weight: Array | None,
    validation: Task | None,
    on_epoch: Callable[[dict[str, float], Callable[[], Network]], bool | None] | None,
) -> None:
    s = run.settings
    best, best_vector, since = np.inf, None, 0
    for epoch in range(s.epochs):
        with np.errstate(over="ignore", invalid="ignore"):  # said better below
            row = _epoch(run, X, Y, weight, epoch)
            finite = np.isfinite(run.P.vector).all()
            if finite and validation is not None:
                row["validation_loss"] = losses(run.network(), validation)
        if not (finite and np.isfinite(list(row.values())).all()):
            raise ValueError(
                f"the training diverged in epoch {epoch}: the loss was {row['loss']:.3g}; scale "
                "the columns and the targets, or give a smaller learning_rate_init"
            )
        run.history.append(row)
        watched = row.get("validation_loss", row["loss"] + row["penalty"])
        since = 0 if watched < best - s.tol else since + 1
        if watched < best:
            best = watched
            if validation is not None:
                best_vector = run.P.vector.copy()
        stop = on_epoch is not None and on_epoch(row, run.network)
        if stop or (s.patience is not None and since >= s.patience):
            break
    if best_vector is not None:
        run.P.vector[:] = best_vector
