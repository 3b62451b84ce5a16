"""Losses of nodes: what the rows that reach a node would lose if the node were a leaf.

Rows are first summed up into `NodeSums` (class counts, or weight, mean and squared deviation),
one pass over the rows; every loss of every node then follows from the sums and the node's value.
The same sums serve pruning risks and scores, on training rows, held-out rows, or, where it
suffices, on the statistics that the model itself has stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import _check_sample_weight

from . import kernels, native
from .network import Network
from .trees import Trees

__all__ = [
    "LOSSES",
    "NodeSums",
    "agreement_sums",
    "check_cost_matrix",
    "check_rows",
    "cost_decision",
    "encode",
    "node_loss",
    "output_share",
    "stored_sums",
    "sum_rows",
    "value_losses",
]

Array = npt.NDArray
EPS = float(np.finfo(np.float64).eps)

# Loss -> whether it is for classification.
LOSSES: dict[str, bool] = {
    "error": True,
    "cost": True,
    "log_loss": True,
    "brier": True,
    "squared_error": False,
}


@dataclass(frozen=True, eq=False)
class NodeSums:
    """Sums of the rows that reach each node.

    `weight` (n_nodes,) is their total weight. Classification has `counts` (n_nodes, n_outputs,
    k), the weight of each class; rows of a class that the model does not know are in `weight`
    alone. Regression has `mean` and `m2` (n_nodes, n_outputs), the weighted mean and sum of
    squared deviations. `total` is the weight of all rows, of which every tree sees each once
    (a forest's stored statistics: one total per tree).
    """

    weight: Array
    total: Array
    counts: Array | None = None
    mean: Array | None = None
    m2: Array | None = None


def encode(model: Any, y: npt.ArrayLike, *, unknown_ok: bool = False) -> Array:
    """Targets as float64 (n_rows, n_outputs): class codes (-1 where unknown) or values.

    Raises
    ------
    ValueError
        If `y` has another number of outputs than the model, is not finite, or holds no label
        that the model knows (unless `unknown_ok`: a small fold may).
    """
    target = np.asarray(y)
    target = target.reshape(len(target), -1)
    classes = getattr(model, "classes_", None)
    n_outputs = native.n_outputs(model)
    if target.shape[1] != n_outputs:
        raise ValueError(f"y has {target.shape[1]} outputs, the model has {n_outputs}")
    if classes is None:
        target = target.astype(np.float64)
        if not np.isfinite(target).all():
            raise ValueError("y contains NaN or infinity; give finite targets")
        return target
    out = np.empty(target.shape)
    for o, known in enumerate(classes if n_outputs > 1 else [classes]):
        try:
            out[:, o] = class_codes(target[:, o], known)
        except TypeError as error:
            raise _no_label(target[:, o], known) from error
        if len(out) and (out[:, o] < 0).all() and not unknown_ok:
            raise _no_label(target[:, o], known)
    return out


def class_codes(labels: Array, known: Array) -> Array:
    """Position of each label among the known ones, which ascend; -1 where it is none of them.

    Raises
    ------
    TypeError
        If they have no order in common, as words and numbers have none.
    """
    at = np.searchsorted(known, labels).clip(max=len(known) - 1)
    return np.where(known[at] == labels, at, -1)


def _no_label(target: Array, known: Array) -> ValueError:
    return ValueError(
        f"no label of y is a class of the model: got {target[:3].tolist()}…, the model's classes "
        f"are {known.tolist()}"
    )


def check_rows(X: Any, y: Any = None, sample_weight: Any = None) -> Array:
    """Weights of rows as float64 (n_rows,), after checking that rows, targets, weights agree.

    Raises
    ------
    ValueError
        If there is no row, lengths differ, or weights are negative, not finite or all zero.
    """
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    if n == 0:
        raise ValueError("no row: X is empty; give at least one row")
    if y is not None:
        check_consistent_length(X, y)
    if sample_weight is None:
        return np.ones(n)
    weight = np.asarray(sample_weight, np.float64)
    if weight.shape == (n,) and not weight.any():
        raise ValueError(f"no row counts: all {n} sample weights are zero")
    return _check_sample_weight(weight, X, dtype=np.float64, ensure_non_negative=True)


def sum_rows(trees: Trees, leaf: Array, y: Array, weight: Array) -> NodeSums:
    """Sums of given rows over the nodes they pass.

    Parameters
    ----------
    trees : Trees
    leaf : array of int32, shape (n_rows, n_trees)
        From `native.apply`.
    y : array of float64, shape (n_rows, n_outputs)
        From `encode`.
    weight : array of float64, shape (n_rows,)
    """
    n, n_outputs = trees.n_nodes, trees.n_outputs
    total = np.full(trees.n_trees, weight.sum())
    node_weight = _by_leaf(trees, leaf, weight)
    if trees.is_classifier:
        k = trees.value.shape[2]
        counts = np.zeros((n, n_outputs, k))
        for o in range(n_outputs):
            for c in range(trees.n_classes[o]):
                counts[:, o, c] = _by_leaf(trees, leaf, np.where(y[:, o] == c, weight, 0.0))
        sums = np.column_stack([node_weight, counts.reshape(n, -1)])
        kernels.sum_up(trees.left, trees.right, sums)
        return NodeSums(weight=sums[:, 0], total=total, counts=sums[:, 1:].reshape(n, n_outputs, k))
    mean, m2 = np.zeros((n, n_outputs)), np.zeros((n, n_outputs))
    with np.errstate(invalid="ignore"):
        for o in range(n_outputs):
            mean[:, o] = np.nan_to_num(_by_leaf(trees, leaf, weight * y[:, o]) / node_weight)
            off = weight[:, None] * (y[:, [o]] - mean[leaf, o]) ** 2
            m2[:, o] = _by_leaf(trees, leaf, off)
    kernels.moments_up(trees.left, trees.right, node_weight, mean, m2)
    return NodeSums(weight=node_weight, total=total, mean=mean, m2=m2)


def agreement_sums(trees: Trees, leaf: Array, weight: Array) -> NodeSums:
    """Sums in which each tree's own prediction, as grown, stands for the target.

    Rows need no labels: unlabelled data can say which splits change no prediction.
    """
    node_weight = np.where(trees.is_leaf, _by_leaf(trees, leaf, weight), 0.0)
    total = np.full(trees.n_trees, weight.sum())
    if not trees.is_classifier:
        mean, m2 = trees.value[:, :, 0].copy(), np.zeros((trees.n_nodes, trees.n_outputs))
        kernels.moments_up(trees.left, trees.right, node_weight, mean, m2)
        return NodeSums(weight=node_weight, total=total, mean=mean, m2=m2)
    k = trees.value.shape[2]
    own = np.eye(k)[np.argmax(trees.value, axis=2)] * node_weight[:, None, None]
    sums = np.column_stack([node_weight, own.reshape(trees.n_nodes, -1)])
    kernels.sum_up(trees.left, trees.right, sums)
    return NodeSums(weight=sums[:, 0], total=total, counts=sums[:, 1:].reshape(own.shape))


def _by_leaf(trees: Trees, leaf: Array, amount: Array) -> Array:
    """Sum per leaf of `amount`, (n_rows,) or a column a tree, over all trees."""
    amount = np.broadcast_to(amount.reshape(len(leaf), -1), leaf.shape)
    out = np.empty(trees.n_nodes)
    ends = np.append(trees.roots[1:], trees.n_nodes)
    for j, (start, end) in enumerate(zip(trees.roots, ends, strict=True)):
        out[start:end] = np.bincount(leaf[:, j] - start, amount[:, j], minlength=end - start)
    return out


def stored_sums(trees: Trees) -> NodeSums:
    """The training rows' sums as far as the model has stored them.

    Counts within 1e-9 (relative) of an integer are rounded: products of a frequency and a weight
    are not exact, and comparisons of errors must be.

    Raises
    ------
    ValueError
        If the node values are not means of the training rows (shrunken, clipped by monotonic
        constraints, of another criterion), so that rows are needed.
    """
    product = trees.value * trees.weight[:, None, None]
    inner = ~trees.is_leaf
    children = product[trees.left[inner]] + product[trees.right[inner]]
    slack = 1e-6 * np.abs(trees.value).max() * trees.weight[inner][:, None, None]
    if (np.abs(product[inner] - children) > slack).any() or not _impurity_fits(trees):
        raise ValueError(
            "the model's node values are not means of its training rows (shrunken values or "
            "monotonic constraints), so that this risk cannot be read from the model; give "
            "the training rows: pruning_path(model, X, y, …), or use risk='impurity'"
        )
    total = trees.weight[trees.roots]
    if trees.is_classifier:
        whole = np.rint(product)
        near = np.abs(product - whole) <= 1e-9 * np.maximum(1.0, whole)
        return NodeSums(weight=trees.weight, total=total, counts=np.where(near, whole, product))
    if trees.criterion not in ("squared_error", "friedman_mse"):
        raise ValueError(
            f"a tree grown with criterion={trees.criterion!r} does not store squared errors; "
            "give the training rows: pruning_path(model, X, y, …)"
        )
    # The stored impurity is the mean over outputs; only that mean is asked for.
    m2 = np.repeat((trees.impurity * trees.weight)[:, None], trees.n_outputs, axis=1)
    return NodeSums(weight=trees.weight, total=total, mean=trees.value[:, :, 0], m2=m2)


def _impurity_fits(trees: Trees) -> bool:
    """Whether the stored impurities are those of the values (shrinkage keeps the old ones)."""
    value, slack = trees.value, 1e-6
    if trees.criterion == "gini":
        expected = (1.0 - (value**2).sum(axis=2)).mean(axis=1)
        found = trees.impurity
    elif trees.criterion in ("entropy", "log_loss"):
        bits = -value * np.log2(np.where(value > 0, value, 1.0))
        expected, found = bits.sum(axis=2).mean(axis=1), trees.impurity
    elif trees.criterion in ("squared_error", "friedman_mse"):
        # A split takes off exactly the variance between its children.
        inner = ~trees.is_leaf
        squares = trees.weight * trees.impurity
        found, expected = squares[inner], np.zeros(int(inner.sum()))
        for child in (trees.left[inner], trees.right[inner]):
            off = ((value[child] - value[inner]) ** 2).mean(axis=(1, 2))
            expected = expected + trees.weight[child] * off + squares[child]
        # In units of the target; what rounding leaves of the values' squares is no difference.
        rounding = 1e-12 * float((value**2).max() * trees.weight.max())
        slack = 1e-6 * float(np.abs(squares).max()) + rounding
    else:
        return True
    return bool((np.abs(expected - found) <= slack).all())


def output_share(base: Trees | Network, kind: str) -> Array:
    """Factor of each output in a loss: their mean; Brier is halved for two classes.

    The halving makes the binary Brier score the mean squared error of P(class 1), as in
    scikit-learn; with more classes it is the sum over classes (Brier 1950).
    """
    share = np.full(base.n_outputs, 1.0 / base.n_outputs)
    if kind == "brier":
        share[[k <= 2 for k in base.predicted_classes]] *= 0.5
    return share


def value_losses(kind: str, value: Array, y: Array) -> Array:
    """Loss of every row and output, from predictions.

    Parameters
    ----------
    kind : {"error", "log_loss", "brier", "squared_error"}
    value : array of float64, shape (n_rows, n_outputs, k)
        Class probabilities or targets.
    y : array of float64, shape (n_rows, n_outputs)
        From `encode`: class codes (-1 where unknown) or values.

    Returns
    -------
    array of float64, shape (n_rows, n_outputs)
    """
    if kind == "squared_error":
        return (value[:, :, 0] - y) ** 2
    code = y.astype(np.int64)
    if kind == "error":
        return (np.argmax(value, axis=2) != code).astype(np.float64)
    told = np.take_along_axis(value, code.clip(min=0)[:, :, None], 2)[:, :, 0]
    told = np.where(code < 0, 0.0, told)
    if kind == "brier":
        return (value**2).sum(axis=2) + 1.0 - 2.0 * told
    return -np.log(np.clip(told, EPS, 1.0))


def node_loss(
    kind: str,
    trees: Trees,
    sums: NodeSums,
    *,
    cost_matrix: Array | None = None,
    share: Array | None = None,
) -> Array:
    """Total loss of the rows that reach each node if the node were a leaf.

    Parameters
    ----------
    kind : {"error", "cost", "log_loss", "brier", "squared_error"}
    trees : Trees
    sums : NodeSums
    cost_matrix : array, shape (k, k), optional
        For "cost": [true, predicted]; the decision is the one of least expected cost.
    share : array, shape (n_outputs,), optional
        Factor of each output; their mean by default.

    Returns
    -------
    array of float64, shape (n_nodes,)
    """
    share = output_share(trees, kind) if share is None else share
    value = trees.value
    if kind == "squared_error":
        assert sums.mean is not None and sums.m2 is not None
        off = sums.m2 + sums.weight[:, None] * (sums.mean - value[:, :, 0]) ** 2
        return off @ share
    assert sums.counts is not None
    counts, weight = sums.counts, sums.weight[:, None]
    if kind == "error":
        top = np.argmax(value, axis=2)
        return (weight - np.take_along_axis(counts, top[:, :, None], 2)[:, :, 0]) @ share
    if kind == "cost":
        assert cost_matrix is not None
        decision = cost_decision(value[:, 0, :], cost_matrix)
        return np.einsum("tk,tk->t", counts[:, 0, :], cost_matrix.T[decision])
    if kind == "brier":
        square = (value**2).sum(axis=2)
        return (weight * (square + 1.0) - 2.0 * (counts * value).sum(axis=2)) @ share
    log_p = np.log(np.clip(value, EPS, 1.0))
    unknown = weight - counts.sum(axis=2)
    return -((counts * log_p).sum(axis=2) + unknown * np.log(EPS)) @ share


def check_cost_matrix(cost_matrix: Any, n_classes: int) -> Array:
    """The matrix as float64, or an error that says what shape is needed.

    Raises
    ------
    ValueError
        If it is missing, not `n_classes` x `n_classes`, negative or not finite.
    """
    if cost_matrix is None:
        raise ValueError(
            f"risk='cost' needs cost_matrix, {n_classes} x {n_classes} with [true, predicted]"
        )
    matrix = np.asarray(cost_matrix, dtype=np.float64)
    if matrix.shape != (n_classes, n_classes):
        raise ValueError(
            f"cost_matrix has shape {matrix.shape}; with {n_classes} classes it must be "
            f"{(n_classes, n_classes)}: a row for each true class, a column for each decision"
        )
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise ValueError("cost_matrix must hold finite costs that are not negative")
    return matrix


def cost_decision(proba: npt.ArrayLike, cost_matrix: npt.ArrayLike) -> Array:
    """Decision of least expected cost for every row.

    Parameters
    ----------
    proba : array-like, shape (n_rows, n_classes)
        Class probabilities.
    cost_matrix : array-like, shape (n_classes, n_classes)
        Cost of deciding for column j when the class is row i: `cost_matrix[true, predicted]`.

    Returns
    -------
    array of int, shape (n_rows,)
        Index of the decided class; of equal ones the first, but with two classes the second, as
        a probability that reaches the cut-off counts (scikit-learn's `FixedThresholdClassifier`).

    Raises
    ------
    ValueError
        If the shapes do not agree or a cost is negative.

    References
    ----------
    Elkan (2001), The foundations of cost-sensitive learning.

    Examples
    --------
    Calling a bad payer good costs 5, the reverse 1: decline from P(bad) = 1/6 on.

    >>> from treeprune import cost_decision
    >>> cost_decision([[0.9, 0.1], [0.8, 0.2]], [[0, 1], [5, 0]])
    array([0, 1])
    """
    p = np.asarray(proba, dtype=np.float64)
    if p.ndim != 2:
        raise ValueError(f"proba must be rows x classes, got shape {p.shape}")
    if np.isnan(p).any():
        raise ValueError("proba contains NaN; give probabilities")
    matrix = check_cost_matrix(cost_matrix, p.shape[1])
    if p.shape[1] == 2:
        alarm, miss = matrix[0, 1] - matrix[0, 0], matrix[1, 0] - matrix[1, 1]
        if alarm > 0 and miss > 0:
            return (p[:, 1] >= alarm / (alarm + miss)).astype(np.intp)
    return np.argmin(p @ matrix, axis=1)
