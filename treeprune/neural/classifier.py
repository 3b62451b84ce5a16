"""The network for classes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from ..network import Network
from .base import SparseMLP

__all__ = ["SparseMLPClassifier"]

Array = npt.NDArray


class SparseMLPClassifier(ClassifierMixin, SparseMLP):
    """A multilayer perceptron for classes, whose weights can be exactly zero.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Neurons of each hidden layer; `()` is logistic regression.
    activation : {"relu", "tanh", "logistic", "identity"}
    alpha : float
        L2: alpha / 2 times the sum of squared weights is added to the mean loss. (scikit-learn
        divides its `alpha` by the rows of a batch.)
    l1 : float
        L1: l1 times the sum of absolute weights is added to the mean loss. Weights end in exact
        zeros. How near the fit has come to a minimum is `kkt_residual_`; `polish` gets there.
    dropout : float
        Share of hidden outputs left out in each training step.
    batch_size : int or "auto"
        Rows of a step; "auto" is 256, or all rows where there are fewer.
    learning_rate : {"constant", "cosine"}
        "cosine" falls to zero over `max_iter`, which settles penalised weights; all epochs are
        run then, unless `early_stopping` ends them.
    learning_rate_init : float
    max_iter : int
        Epochs at most.
    polish : int
        Steps of L-BFGS-B over all rows at once, at most, that follow the last epoch and lead to a
        minimum of the penalised loss: for a penalty that is taken at its word. A step costs as
        much as one to three epochs. A network that `max_iter` alone keeps from overfitting then
        does overfit. Not with `dropout` or `early_stopping`.
    shuffle : bool
    random_state : int, RandomState or None
        Initial weights, order of rows, dropout, validation rows.
    tol, n_iter_no_change : float, int or None
        Training stops when the loss has not fallen by `tol` in so many epochs; None never stops.
    verbose : int
        A progress bar on the standard error stream.
    warm_start : bool
        Whether `fit` goes on from the last fit.
    early_stopping : bool
        Whether a part of the rows decides when to stop, and which epoch is kept, by its loss with
        zeros in place.
    validation_fraction : float
        That part.
    beta_1, beta_2, epsilon : float
        Of Adam.
    class_weight : dict, "balanced" or None
    mask : sequence of array of bool, optional
        For each layer, shape (n_in, n_out): weights that are False are zero throughout.
    dtype : {"auto", "float32", "float64"}
        In which numbers training computes; "auto" is float64 where one batch holds all rows.
        Weights are kept, and predictions made, in float64.

    Attributes
    ----------
    network_ : Network
        Weights and biases.
    coefs_, intercepts_ : list of array
        The same by layer, as in scikit-learn.
    history_ : list of dict
        A row an epoch: epoch, loss, penalty, learning_rate, zeros, validation_loss.
    n_iter_, loss_ : int, float
    kkt_residual_ : float
        With `l1`: how far weights and biases are from a minimum of the penalised loss of the
        training rows; compare it with `l1`.
    classes_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    ValueError
        If a parameter, rows or weights cannot be used.

    Notes
    -----
    The L1 penalty is minimised by a proximal step in the metric of Adam's own step: thresholds
    are `learning_rate * l1 / D` with D the root of the second moment. Thresholding by
    `learning_rate * l1` alone does not end at a minimum, and a subgradient gives no zeros.

    References
    ----------
    Kingma & Ba (2015), Adam: a method for stochastic optimization.
    Yun, Lozano & Yang (2021), Adaptive proximal gradient methods for structured neural networks.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from treeprune import SparseMLPClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = SparseMLPClassifier((16,), l1=0.005, max_iter=300, random_state=0).fit(scale(X), y)
    >>> model.score(scale(X), y) > 0.95, model.compact().network_.n_weights < 200
    (True, True)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SparseMLP._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

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
        class_weight: Any = None,
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
        self.class_weight = class_weight
        self.mask = mask
        self.dtype = dtype

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Go on with one pass over these rows; zeros of a mask stay zeros.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_features)
        y : array-like, shape (n_rows,)
        classes : array-like, optional
            All class labels; needed in the first call.
        sample_weight : array-like, shape (n_rows,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the first call has no classes, a later one has others, or a label is none of them.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import SparseMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SparseMLPClassifier((8,), random_state=0).partial_fit(X, y, classes=[0, 1, 2])
        >>> model.partial_fit(X, y).n_iter_
        2
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once; give partial_fit a dict of weights"
            )
        first = not hasattr(self, "network_")
        if first and classes is None:
            raise ValueError("the first call of partial_fit needs classes, all labels there are")
        if classes is not None:
            known = np.unique(np.asarray(classes))
            if not first and not np.array_equal(known, self.classes_):
                raise ValueError(
                    f"classes are {known.tolist()}, in the first call they were "
                    f"{self.classes_.tolist()}"
                )
            self.classes_ = known
        return self._partial_fit(X, y, sample_weight, first, known=self.classes_)

    def _rows(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool, known: Array | None = None
    ) -> tuple[Any, Array, Array]:
        """Rows, codes of their classes and weights; `known` are all classes that there may be."""
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=np.float64, reset=reset, multi_output=False
        )
        check_classification_targets(y)
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if known is not None:
            unknown = ~np.isin(y, known)
            if unknown.any():
                raise ValueError(
                    f"label {y[unknown].tolist()[0]!r} is none of the classes {known.tolist()}"
                )
            codes = np.searchsorted(known, y)
        else:
            known, codes = np.unique(y, return_inverse=True)
            if not reset and not np.array_equal(self.classes_, known):
                raise ValueError(
                    f"warm_start goes on with the classes {self.classes_.tolist()}, y has "
                    f"{known.tolist()}; set warm_start=False to begin anew"
                )
            self.classes_ = known
        if isinstance(self.class_weight, dict):  # a batch may lack a class
            weight = weight * compute_sample_weight(self.class_weight, known)[codes]
        elif self.class_weight is not None:
            weight = weight * compute_sample_weight(self.class_weight, y)
        return X, codes.astype(np.float64)[:, None], weight

    def _n_scores(self) -> int:
        return 1 if len(self.classes_) == 2 else len(self.classes_)

    def _network(self, weights: list, biases: list) -> Network:
        k = len(self.classes_)
        return Network(
            tuple(weights),
            tuple(biases),
            activation=self.activation,
            link="logit" if k == 2 else "softmax",
            n_classes=(k,),
            feature_names=self._names(),
        )

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Class probabilities, shape (n_rows, n_classes).

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import SparseMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> SparseMLPClassifier((8,), max_iter=5).fit(X, y).predict_proba(X[:2]).shape
        (2, 3)
        """
        Z = self._matrix(X)
        return self.network_.values(Z)[:, 0, :]

    def predict_log_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Logarithm of `predict_proba`, -inf at zero.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import SparseMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> SparseMLPClassifier((8,), max_iter=5).fit(X, y).predict_log_proba(X[:2]).shape
        (2, 3)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> Array:
        """The likeliest class of each row, shape (n_rows,); of equal ones the first.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import SparseMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SparseMLPClassifier((8,), learning_rate_init=0.02, random_state=0).fit(X, y)
        >>> model.predict(X[:1])
        array([0])
        """
        proba = self.predict_proba(X)
        return self.classes_[np.argmax(proba, axis=1)]
