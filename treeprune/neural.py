"""A multilayer perceptron that can hold exact zeros, as scikit-learn estimators.

`l1` makes zeros while the network is trained, `mask` keeps given weights at zero whatever follows:
optimiser steps, `partial_fit`, clones, pickles. Training is numpy alone; predictions are computed
in float64 from the weights that are not dead.
"""

from __future__ import annotations

import warnings
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from . import native
from .network import ACTIVATIONS, Network
from .tracking import CallbackSupportMixin, progress, teller, with_callbacks
from .training import Moments, Settings, Task, kkt_residual, train

__all__ = ["SparseMLPClassifier", "SparseMLPRegressor"]

Array = npt.NDArray


def initial(sizes: list[int], activation: str, rng: np.random.RandomState) -> tuple[list, list]:
    """Weights and biases drawn as Glorot & Bengio (2010) have it, as scikit-learn does."""
    factor = 2.0 if activation == "logistic" else 6.0
    weights, biases = [], []
    for n_in, n_out in pairwise(sizes):
        bound = np.sqrt(factor / max(1, n_in + n_out))
        weights.append(rng.uniform(-bound, bound, (n_in, n_out)))
        biases.append(rng.uniform(-bound, bound, n_out))
    return weights, biases


class _SparseMLP(CallbackSupportMixin, BaseEstimator):
    """What both estimators share."""

    network_: Network
    history_: list[dict[str, float]]
    classes_: Array
    _moments: Moments | None
    _rng: np.random.RandomState
    _target_shape: tuple[int, ...]

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "cosine"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "mask": ["array-like", None],
        "dtype": [StrOptions({"auto", "float32", "float64"})],
    }

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, logger: Any = None) -> Any:
        """Train the network.

        Parameters
        ----------
        X : array-like, frame or sparse matrix, shape (n_rows, n_features)
            Numbers, best of similar scale.
        y : array-like, shape (n_rows,), for a regressor also (n_rows, n_outputs)
        sample_weight : array-like, shape (n_rows,), optional
            Not negative; a weight of two counts as two rows, a weight of zero as none.
        logger : object, optional
            Told every epoch's figures: something with `add_scalar(name, value, step)`, such as
            TensorBoard's SummaryWriter, or with `log(figures, step=step)`, such as a run of W&B.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If rows, targets, weights, mask or a parameter cannot be used.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import SparseMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SparseMLPClassifier((8,), learning_rate_init=0.02, random_state=0).fit(X, y)
        >>> model.score(X, y) > 0.9
        True
        """
        self._validate_params()
        told = teller(logger)
        rows, target, weight = self._rows(X, y, sample_weight, reset=True)
        sizes = self._sizes(rows.shape[1])
        net = self._start(sizes)
        rng = self._rng if self._goes_on(sizes) else check_random_state(self.random_state)
        if net is None:
            weights, biases = initial(sizes, self.activation, rng)
            net = self._network(weights, biases)
            moments = None
        else:
            moments = self._moments
        settings = self._settings(len(target))
        mask = self._mask_of(net)
        task, held = self._split(net, rows, target, weight, rng)
        context = self._begin(X, y, sample_weight)
        with progress(self.max_iter, "epochs", shown=bool(self.verbose)) as on:

            def on_epoch(row: dict[str, float], network: Any) -> bool | None:
                on(f"loss {row['loss']:.4g}, {row['zeros']:.0%} zeros")
                told(row, int(row["epoch"]))
                return self._epoch_done(context, X, y, network)

            found, history, moments = train(
                net, task, settings, rng, mask=mask, validation=held, moments=moments,
                on_epoch=on_epoch,
            )  # fmt: skip
        self.network_, self.history_, self._moments, self._rng = found, history, moments, rng
        self.n_iter_, self.loss_ = len(history), history[-1]["loss"]
        self._warn(settings)
        if self.l1:
            self.kkt_residual_ = kkt_residual(found, task, alpha=self.alpha, l1=self.l1)
        elif hasattr(self, "kkt_residual_"):
            del self.kkt_residual_
        if context is not None:
            context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        return self

    def _warn(self, settings: Settings) -> None:
        constant = settings.schedule == "constant"  # a falling rate ends with `max_iter` by design
        if constant and settings.patience is not None and self.n_iter_ == self.max_iter:
            warnings.warn(
                f"the loss was still falling by {self.tol} after {self.max_iter} epochs; give a "
                "larger max_iter or learning_rate_init, or learning_rate='cosine'",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _begin(self, X: Any, y: Any, sample_weight: Any) -> Any:
        if not hasattr(self, "_init_callback_context"):  # before scikit-learn 1.9
            return None
        context = self._init_callback_context(max_subtasks=self.max_iter)
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        context.call_on_fit_task_begin(estimator=self, X=X, y=y, metadata=metadata)
        return context

    def _epoch_done(self, context: Any, X: Any, y: Any, network: Any) -> bool | None:
        if context is None or not hasattr(self, "_skl_callbacks"):
            return None
        epoch = context.subcontext(task_name="epoch")
        epoch.call_on_fit_task_begin(estimator=self, X=X, y=y)
        attributes = {"network_": network()}
        return bool(
            epoch.call_on_fit_task_end(
                estimator=self, X=X, y=y, reconstruction_attributes=attributes
            )
        )

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, first: bool) -> Any:
        """One pass over the rows; zeros of the mask stay zeros."""
        self._validate_params()
        rows, target, weight = self._rows(X, y, sample_weight, reset=first)
        if first:
            self._rng = check_random_state(self.random_state)
            weights, biases = initial(self._sizes(rows.shape[1]), self.activation, self._rng)
            self.network_ = self._network(weights, biases)
            self._moments, self.history_ = None, []
        net = self.network_
        settings = self._settings(len(target), epochs=1)
        task = Task.of(net, rows, target, weight)
        if len(task) == 0:
            raise ValueError("no row counts: all sample weights are zero")
        rng = getattr(self, "_rng", None) or check_random_state(self.random_state)
        found, history, self._moments = train(
            net, task, settings, rng, mask=self._mask_of(net), moments=self._moments
        )
        history[0]["epoch"] = len(self.history_)
        self.network_, self._rng = found, rng
        self.history_ = [*self.history_, *history]
        self.n_iter_, self.loss_ = len(self.history_), history[-1]["loss"]
        return self

    def _settings(self, n_rows: int, epochs: int | None = None) -> Settings:
        size = 256 if self.batch_size == "auto" else int(self.batch_size)
        dtype = self.dtype
        if dtype == "auto":  # a single batch gains nothing from float32
            dtype = "float64" if n_rows <= size else "float32"
        return Settings(
            epochs=int(self.max_iter) if epochs is None else epochs,
            learning_rate=float(self.learning_rate_init),
            schedule=self.learning_rate if epochs is None else "constant",
            batch_size=min(size, n_rows),
            alpha=float(self.alpha),
            l1=float(self.l1),
            beta_1=float(self.beta_1),
            beta_2=float(self.beta_2),
            epsilon=float(self.epsilon),
            dropout=float(self.dropout),
            shuffle=bool(self.shuffle),
            tol=float(self.tol),
            patience=None if self.n_iter_no_change is None else int(self.n_iter_no_change),
            dtype=dtype,
        )

    def _hidden(self) -> list[int]:
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object))
        if sizes.ndim != 1 or not all(isinstance(k, Integral) and int(k) >= 1 for k in sizes):
            raise ValueError(
                f"hidden_layer_sizes must hold whole numbers of at least 1, got "
                f"{self.hidden_layer_sizes!r}; () is a linear model"
            )
        return [int(k) for k in sizes]

    def _sizes(self, n_features: int) -> list[int]:
        return [n_features, *self._hidden(), self._n_scores()]

    def _goes_on(self, sizes: list[int]) -> bool:
        """Whether a fit continues the last one."""
        if not (self.warm_start and hasattr(self, "network_")):
            return False
        net = self.network_
        now = [net.n_features, *net.hidden_layer_sizes, net.n_scores]
        if now != sizes:
            raise ValueError(
                f"warm_start goes on with a network of {now} (columns, hidden neurons, scores), "
                f"rows and parameters now ask for {sizes}; set warm_start=False to begin anew"
            )
        return True

    def _start(self, sizes: list[int]) -> Network | None:
        return self.network_ if self._goes_on(sizes) else None

    def _mask_of(self, net: Network) -> list[Array] | None:
        """The mask by layer, in the shape of the network's weights."""
        if self.mask is None:
            return None
        mask = [np.asarray(m) for m in self.mask]
        wanted = [(net.n_features, net.weights[0].shape[1])]
        wanted += [w.shape for w in net.weights[1:]]
        if [m.shape for m in mask] != wanted or any(m.dtype != np.bool_ for m in mask):
            raise ValueError(
                f"mask must hold boolean arrays of shapes {wanted}, a layer each, got "
                f"{[(m.shape, str(m.dtype)) for m in mask]}"
            )
        return [mask[0][net.inputs], *mask[1:]]

    def _split(
        self, net: Network, X: Any, target: Array, weight: Array, rng: np.random.RandomState
    ) -> tuple[Task, Task | None]:
        """Rows to learn from and, for early stopping, rows to watch."""
        if not self.early_stopping:
            task = Task.of(net, X, target, weight)
            if len(task) == 0:
                raise ValueError("no row counts: all sample weights are zero")
            return task, None
        counted = np.flatnonzero(weight)
        kind: Any = ShuffleSplit
        if net.is_classifier and np.unique(target[counted], return_counts=True)[1].min() >= 2:
            kind = StratifiedShuffleSplit
        splitter = kind(1, test_size=self.validation_fraction, random_state=rng)
        kept, held = next(splitter.split(counted[:, None], target[counted]))
        parts = [
            Task.of(net, X[rows], target[rows], weight[rows])
            for rows in (counted[kept], counted[held])
        ]
        return parts[0], parts[1]

    @property
    def coefs_(self) -> list[Array]:
        """Weights of every layer, with a row for every column: zeros where it is not read."""
        return [w.copy() for w in self.network_.spread_inputs().weights]

    @property
    def intercepts_(self) -> list[Array]:
        """Biases of every layer."""
        return [b.copy() for b in self.network_.biases]

    def _matrix(self, X: Any) -> Any:
        check_is_fitted(self, "network_")
        return validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)

    def decision_sums(self, X: Any) -> npt.NDArray[np.float64]:
        """Sums that leave the last layer, before probabilities are made of them.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_features)

        Returns
        -------
        array of float64, shape (n_rows, n_scores)
            Two classes: the log-odds of the second, one column. A regressor: its predictions.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import SparseMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> SparseMLPClassifier((8,), max_iter=5).fit(X, y).decision_sums(X).shape
        (150, 3)
        """
        Z = self._matrix(X)
        return self.network_.raw(Z)

    def compact(self) -> Any:
        """The same function without dead neurons and columns; its zeros stay zeros.

        Returns
        -------
        model
            New, of the same type: fewer hidden neurons, skips columns that it does not read,
            and `mask` set so that clones and further fits keep its zeros.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import SparseMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SparseMLPClassifier((30,), l1=0.02, max_iter=300, random_state=0).fit(X, y)
        >>> small = model.compact()
        >>> len(small.intercepts_[0]) < 30
        True
        >>> bool(abs(small.predict_proba(X) - model.predict_proba(X)).max() < 1e-12)
        True
        """
        check_is_fitted(self, "network_")
        return native.write_network(self, self.network_)

    def to_sklearn(self) -> Any:
        """A fitted MLPClassifier or MLPRegressor of scikit-learn with the same predictions.

        Zeros are exact there too, but scikit-learn's own `partial_fit` does not keep them.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import SparseMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SparseMLPClassifier((8,), max_iter=20, random_state=0).fit(X, y)
        >>> theirs = model.to_sklearn()
        >>> type(theirs).__name__, bool((theirs.predict(X) == model.predict(X)).all())
        ('MLPClassifier', True)
        """
        check_is_fitted(self, "network_")
        return native.to_sklearn_mlp(self)

    @classmethod
    def from_sklearn(cls, model: Any) -> Any:
        """The same network, fitted, as an estimator that can hold zeros.

        Parameters
        ----------
        model : fitted MLPClassifier or MLPRegressor
            Its exact zeros, if it has any, are kept as a mask.

        Raises
        ------
        UnsupportedModelError
            If it is another model, or of several labels a row.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neural_network import MLPClassifier
        >>> from treeprune import SparseMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> theirs = MLPClassifier((5,), solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
        >>> ours = SparseMLPClassifier.from_sklearn(theirs)
        >>> bool(abs(ours.predict_proba(X) - theirs.predict_proba(X)).max() < 1e-12)
        True
        """
        net = native.read_network(model)
        if net.is_classifier != hasattr(cls, "predict_proba"):
            other = "SparseMLPClassifier" if net.is_classifier else "SparseMLPRegressor"
            raise ValueError(f"a {type(model).__name__} becomes a {other}, not a {cls.__name__}")
        own = cls(**native.sparse_mlp_params(model))
        if any((w == 0).any() for w in net.weights):
            own.mask = tuple(w != 0 for w in net.spread_inputs().weights)
        own.network_, own.history_, own._moments = net, [], None
        own.n_iter_, own.loss_ = int(model.n_iter_), float(model.loss_)
        for name in ("classes_", "n_features_in_", "feature_names_in_"):
            if hasattr(model, name):
                setattr(own, name, getattr(model, name))
        return own

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class SparseMLPClassifier(ClassifierMixin, _SparseMLP):
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
        zeros.
    dropout : float
        Share of hidden outputs left out in each training step.
    batch_size : int or "auto"
        Rows of a step; "auto" is 256, or all rows where there are fewer.
    learning_rate : {"constant", "cosine"}
        "cosine" falls to zero over `max_iter`, which settles penalised weights.
    learning_rate_init : float
    max_iter : int
        Epochs at most.
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
        With `l1`: how far the weights are from a minimum of the penalised loss of the training
        rows; compare it with `l1`.
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
        **_SparseMLP._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (32,),
        activation: str = "relu",
        *,
        alpha: float = 1e-6,
        l1: float = 0.0,
        dropout: float = 0.0,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
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
        self._classes_given = True
        try:
            return self._partial_fit(X, y, sample_weight, first)
        finally:
            del self._classes_given

    def _rows(self, X: Any, y: Any, sample_weight: Any, *, reset: bool) -> tuple[Any, Array, Array]:
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=np.float64, reset=reset, multi_output=False
        )
        check_classification_targets(y)
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        weight = weight * compute_sample_weight(self.class_weight, y)
        if hasattr(self, "_classes_given"):
            known = self.classes_
            codes = np.searchsorted(known, y).clip(max=len(known) - 1)
            unknown = known[codes] != y
            if unknown.any():
                raise ValueError(f"label {y[unknown][0]!r} is none of the classes {known.tolist()}")
        else:
            known, codes = np.unique(y, return_inverse=True)
            before = getattr(self, "classes_", None)
            if self.warm_start and before is not None and not np.array_equal(before, known):
                raise ValueError(
                    f"warm_start goes on with the classes {before.tolist()}, y has "
                    f"{known.tolist()}; set warm_start=False to begin anew"
                )
            self.classes_ = known
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
            feature_names=_names(self),
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


class SparseMLPRegressor(RegressorMixin, _SparseMLP):
    """A multilayer perceptron for one or several targets, whose weights can be exactly zero.

    The loss is half the squared error, summed over targets; targets of very different scale are
    best scaled (`sklearn.compose.TransformedTargetRegressor`).

    Parameters
    ----------
    hidden_layer_sizes, activation, alpha, l1, dropout, batch_size, learning_rate, \
learning_rate_init, max_iter, shuffle, random_state, tol, verbose, warm_start, early_stopping, \
validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, mask, dtype
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
        alpha: float = 1e-6,
        l1: float = 0.0,
        dropout: float = 0.0,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
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
        if not reset and shape != self._target_shape:
            raise ValueError(f"y has {shape or 1} targets a row, before {self._target_shape or 1}")
        self._target_shape = shape
        return X, y.reshape(len(y), -1), weight

    def _n_scores(self) -> int:
        return int(np.prod(self._target_shape, dtype=int))

    def _network(self, weights: list, biases: list) -> Network:
        return Network(
            tuple(weights),
            tuple(biases),
            activation=self.activation,
            feature_names=_names(self),
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


def _names(model: Any) -> tuple[str, ...] | None:
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else tuple(str(name) for name in names)
