"""What both networks share: training, its settings and its checks."""

from __future__ import annotations

import warnings
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import native
from ..network import ACTIVATIONS, Network
from ..tracking import CallbackSupportMixin, progress, teller, with_callbacks
from ..training import (
    BATCH,
    Moments,
    Settings,
    Task,
    kkt_residual,
    polish,
    precision,
    train,
)

__all__ = ["SparseMLP", "initial"]

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


class SparseMLP(CallbackSupportMixin, BaseEstimator):
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
        "polish": [Interval(Integral, 0, None, closed="left")],
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
        on = self.warm_start and hasattr(self, "network_")
        rows, target, weight = self._rows(X, y, sample_weight, reset=not on)
        net, rng = self._start(self._sizes(rows.shape[1]), on)
        moments = self._moments if on else None
        settings = self._settings(weight)
        mask = self._mask_of(net)
        task, held = self._split(net, rows, target, weight, rng)
        context = self._begin(X, y, sample_weight)
        asked = False  # by a callback, to stop
        with progress(self.max_iter, "epochs", shown=bool(self.verbose)) as moved:

            def on_epoch(row: dict[str, float], network: Any) -> bool:
                nonlocal asked
                moved(f"loss {row['loss']:.4g}, {row['zeros']:.0%} zeros")
                told(row, int(row["epoch"]))
                asked = self._epoch_done(context, X, y, network)
                return asked

            found, history, moments = train(
                net, task, settings, rng, mask=mask, validation=held, moments=moments,
                on_epoch=on_epoch,
            )  # fmt: skip
        if self.polish and not asked:
            found = polish(
                found, task, alpha=self.alpha, l1=self.l1, steps=self.polish, mask=mask
            )  # fmt: skip
        self.network_, self.history_, self._moments, self._rng = found, history, moments, rng
        self.n_iter_, self.loss_ = len(history), history[-1]["loss"]
        self._warn(settings)
        if self.l1:
            self.kkt_residual_ = kkt_residual(
                found, task, alpha=self.alpha, l1=self.l1, mask=mask
            )  # fmt: skip
        elif hasattr(self, "kkt_residual_"):
            del self.kkt_residual_
        if context is not None:
            context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        return self

    def _warn(self, settings: Settings) -> None:
        # A falling rate ends with `max_iter` by design, and polishing goes on from there.
        ends = settings.schedule == "cosine" or self.polish or settings.patience is None
        if not ends and self.n_iter_ == self.max_iter:
            warnings.warn(
                f"the loss was still falling by {self.tol} after {self.max_iter} epochs; give a "
                "larger max_iter or learning_rate_init, or learning_rate='cosine'",
                ConvergenceWarning,
                stacklevel=4 if hasattr(self, "_init_callback_context") else 3,  # the caller of fit
            )

    def _begin(self, X: Any, y: Any, sample_weight: Any) -> Any:
        if not hasattr(self, "_init_callback_context"):  # before scikit-learn 1.9
            return None
        context = self._init_callback_context(max_subtasks=self.max_iter)
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        context.call_on_fit_task_begin(estimator=self, X=X, y=y, metadata=metadata)
        return context

    def _epoch_done(self, context: Any, X: Any, y: Any, network: Any) -> bool:
        if context is None or not hasattr(self, "_skl_callbacks"):
            return False
        epoch = context.subcontext(task_name="epoch")
        epoch.call_on_fit_task_begin(estimator=self, X=X, y=y)
        return bool(
            epoch.call_on_fit_task_end(
                estimator=self,
                X=X,
                y=y,
                reconstruction_attributes=lambda: {"network_": network()},
            )
        )

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, first: bool, **known: Any) -> Any:
        """One pass over the rows; zeros of the mask stay zeros."""
        self._validate_params()
        rows, target, weight = self._rows(X, y, sample_weight, reset=first, **known)
        if first:
            self._rng = check_random_state(self.random_state)
            weights, biases = initial(self._sizes(rows.shape[1]), self.activation, self._rng)
            self.network_ = self._network(weights, biases)
            self._moments, self.history_ = None, []
        net = self.network_
        settings = self._settings(weight, epochs=1)
        task = Task.of(net, rows, target, weight)
        rng = getattr(self, "_rng", None) or check_random_state(self.random_state)
        found, history, self._moments = train(
            net, task, settings, rng, mask=self._mask_of(net), moments=self._moments
        )
        history[0]["epoch"] = len(self.history_)
        self.network_, self._rng = found, rng
        self.history_ = [*self.history_, *history]
        self.n_iter_, self.loss_ = len(self.history_), history[-1]["loss"]
        return self

    def _settings(self, weight: Array, epochs: int | None = None) -> Settings:
        n_rows = int(np.count_nonzero(weight))  # a row without weight is no row
        if n_rows == 0:
            raise ValueError("no row counts: all sample weights are zero")
        if self.polish and (self.dropout or self.early_stopping):
            raise ValueError(
                "polish goes on to the minimum of the penalised loss of all rows, which dropout "
                "and early_stopping keep away from; set polish=0 or both of them off"
            )
        # A rate that falls to zero settles at the end, and not before.
        waits = self.n_iter_no_change is not None and (
            self.learning_rate == "constant" or self.early_stopping
        )
        size = BATCH if self.batch_size == "auto" else int(self.batch_size)
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
            patience=int(self.n_iter_no_change) if waits else None,
            dtype=precision(n_rows, size) if self.dtype == "auto" else self.dtype,
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

    def _start(self, sizes: list[int], on: bool) -> tuple[Network, np.random.RandomState]:
        """The network of the last fit, where this one goes on from it, or a new one."""
        if not on:
            rng = check_random_state(self.random_state)
            return self._network(*initial(sizes, self.activation, rng)), rng
        net = self.network_
        now = [net.n_features, *net.hidden_layer_sizes, net.n_scores]
        if now != sizes or net.activation != self.activation:
            raise ValueError(
                f"warm_start goes on with a network of {now} (columns, hidden neurons, scores) "
                f"and {net.activation!r}, rows and parameters now ask for {sizes} and "
                f"{self.activation!r}; set warm_start=False to begin anew"
            )
        return net, getattr(self, "_rng", None) or check_random_state(self.random_state)

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
            return Task.of(net, X, target, weight), None
        counted = np.flatnonzero(weight)
        n, kind = len(counted), ShuffleSplit
        if net.is_classifier:  # a row of each class on either side, where there are as many
            of_class = np.unique(target[counted], return_counts=True)[1]
            n_held = int(np.ceil(self.validation_fraction * n))
            if of_class.min() >= 2 and min(n_held, n - n_held) >= len(of_class):
                kind = StratifiedShuffleSplit
        splitter = kind(1, test_size=self.validation_fraction, random_state=rng)
        kept, held = next(splitter.split(counted[:, None], target[counted]))
        parts = [
            Task.of(net, X[rows], target[rows], weight[rows])
            for rows in (counted[kept], counted[held])
        ]
        return parts[0], parts[1]

    def _names(self) -> tuple[str, ...] | None:
        """Names of the columns, where they have any."""
        names = getattr(self, "feature_names_in_", None)
        return None if names is None else tuple(str(name) for name in names)

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
        params = native.sparse_mlp_params(model)  # which a linear model does not have
        if net.is_classifier != hasattr(cls, "predict_proba"):
            other = "SparseMLPClassifier" if net.is_classifier else "SparseMLPRegressor"
            raise ValueError(f"a {type(model).__name__} becomes a {other}, not a {cls.__name__}")
        own = cls(**params)
        if any((w == 0).any() for w in net.weights):
            own.mask = tuple(w != 0 for w in net.spread_inputs().weights)
        own.network_, own.history_, own._moments = net, [], None
        own.n_iter_, own.loss_ = int(model.n_iter_), float(model.loss_)
        own._target_shape = (net.n_scores,) if net.n_outputs > 1 else ()
        for name in ("classes_", "n_features_in_", "feature_names_in_"):
            if hasattr(model, name):
                setattr(own, name, getattr(model, name))
        return own

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
