"""The network for one or several targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils.validation import _check_sample_weight, validate_data

from ..network import Network
from .base import SparseMLP

__all__ = ["SparseMLPRegressor"]

Array = npt.NDArray


class SparseMLPRegressor(RegressorMixin, SparseMLP):
    """A multilayer perceptron for one or several targets, whose weights can be exactly zero.

    The loss is half the squared error, summed over targets; targets of very different scale are
    best scaled (`sklearn.compose.TransformedTargetRegressor`).

    Parameters
    ----------
    hidden_layer_sizes, activation, alpha, l1, dropout, batch_size, learning_rate, \
learning_rate_init, max_iter, polish, shuffle, random_state, tol, verbose, warm_start, \
early_stopping, validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, mask, dtype
        As in `SparseMLPClassifier`.

    Attributes
    ----------
    network_, coefs_, intercepts_, history_, n_iter_, loss_, kkt_residual_, n_features_in_, \
feature_names_in_
        As in `SparseMLPClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from treeprune import SparseMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = SparseMLPRegressor((16,), max_iter=300, random_state=0).fit(scale(X), scale(y))
    >>> model.score(scale(X), scale(y)) > 0.4
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (32,),
        activation: str = "relu",
        *,
        alpha: float = 1e-4,
        l1: float = 0.0,
        dropout: float = 0.0,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        polish: int = 0,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: int = 0,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | None = 10,
        mask: Any = None,
        dtype: str = "auto",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alpha = alpha
        self.l1 = l1
        self.dropout = dropout
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.polish = polish
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.mask = mask
        self.dtype = dtype

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Go on with one pass over these rows; zeros of a mask stay zeros.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_features)
        y : array-like, shape (n_rows,) or (n_rows, n_outputs)
        sample_weight : array-like, shape (n_rows,), optional

        Returns
        -------
        self

        Examples
        --------
        >>> from treeprune import SparseMLPRegressor
        >>> SparseMLPRegressor((2,), random_state=0).partial_fit([[0.0], [1.0]], [0, 1]).n_iter_
        1
        """
        return self._partial_fit(X, y, sample_weight, not hasattr(self, "network_"))

    def _rows(self, X: Any, y: Any, sample_weight: Any, *, reset: bool) -> tuple[Any, Array, Array]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=np.float64,
            reset=reset,
            multi_output=True,
            y_numeric=True,
        )
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        y = np.asarray(y, dtype=np.float64)
        shape = y.shape[1:]
        n, before = int(np.prod(shape)), int(np.prod(getattr(self, "_target_shape", shape)))
        if not reset and n != before:
            raise ValueError(f"y has {n} targets a row, before it had {before}")
        if reset:
            self._target_shape = shape
        return X, y.reshape(len(y), -1), weight

    def _n_scores(self) -> int:
        return int(np.prod(self._target_shape, dtype=int))

    def _network(self, weights: list, biases: list) -> Network:
        return Network(
            tuple(weights),
            tuple(biases),
            activation=self.activation,
            feature_names=self._names(),
        )

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """Predictions, shape (n_rows,) or (n_rows, n_outputs) as the targets were.

        Examples
        --------
        >>> from treeprune import SparseMLPRegressor
        >>> SparseMLPRegressor((2,), max_iter=1).fit([[0.0], [1.0]], [0, 1]).predict([[0.5]]).shape
        (1,)
        """
        raw = self.decision_sums(X)
        return raw[:, 0] if not self._target_shape else raw

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
