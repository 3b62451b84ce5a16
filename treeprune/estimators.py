"""scikit-learn estimators that grow a model, find its pruning path, and keep the chosen step.

`PrunedClassifier` and `PrunedRegressor` wrap any model that the package reads; the result is in
`estimator_`, a native model.
"""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import (
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from . import native
from .exceptions import PrunedToRootWarning
from .path import PruningPath
from .pruning import METHODS, Budgets, Method, refuse, textbook_step
from .pruning.methods import find_method
from .selection import Recipe, Rows, cross_validate

__all__ = ["PrunedClassifier", "PrunedRegressor"]

CONSTRAINTS: dict[str, list[Any]] = {
    "method": [StrOptions(set(METHODS)), Method],
    "strength": [
        StrOptions({"auto", "best", "one_se"}),
        Interval(Real, 0, None, closed="left"),
    ],
    "max_size": [Interval(Integral, 1, None, closed="left"), None],
    "risk": [str, None],
    "cost_matrix": ["array-like", None],
    "cv": ["cv_object"],
    "scoring": [str, callable, None],
    "validation": [Interval(Real, 0, 1, closed="neither"), HasMethods(["split"])],
    "never_prune": ["array-like", str, None],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}


OF_NETWORKS = ("granularity", "feature_groups", "forbidden")  # further words of `pruning_path`


def _seeded(estimator: Any, random_state: Any) -> tuple[Any, int | None]:
    """A clone of the estimator that grows the same model each time, and the seed.

    All folds and the final model grow from one seed, as the clones of a search would.
    """
    seed = random_state
    if random_state is not None and not isinstance(random_state, Integral):
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    estimator = clone(estimator)
    params = estimator.get_params(deep=False)
    if seed is not None and "random_state" in params and params["random_state"] is None:
        estimator.set_params(random_state=seed)
    return estimator, None if seed is None else int(seed)


def takes_several(self: Any) -> bool:
    """Whether the method is defined for several outputs (a bad name is refused in `fit`)."""
    method = METHODS.get(self.method) if isinstance(self.method, str) else self.method
    return method is None or "several outputs" in method.tasks


def _one_column(y: Any, several: bool) -> Any:
    """Targets with a shape; a single column is read as what it holds."""
    y = y if hasattr(y, "shape") else np.asarray(y)
    if len(y.shape) == 2 and y.shape[1] == 1:
        # Trees accept a column; what takes one output only says so, as scikit-learn does.
        return column_or_1d(y, warn=not several)
    return y


def fit_pruned(self: Any, base: Any, X: Any, y: Any, sample_weight: Any, groups: Any) -> None:
    """Grow, find the path, choose the step, and set the fitted attributes of an estimator."""
    if y is None:
        raise ValueError(
            f"This {type(self).__name__} estimator requires y to be passed, but the target y is "
            "None."
        )
    is_classifier = hasattr(base, "predict_proba")
    if is_classifier != hasattr(self, "predict_proba"):
        kind, other = (
            ("a classifier", "Classifier") if is_classifier else ("a regressor", "Regressor")
        )
        raise ValueError(
            f"{type(self).__name__} cannot grow {base!r}, which is {kind}; use Pruned{other}"
        )
    method = find_method(
        self.method,
        {"classification" if is_classifier else "regression"},
        of=native.family(base),
    )
    _check_words(self, base)
    several = get_tags(base).target_tags.multi_output
    y = _one_column(y, several and "several outputs" in method.tasks)
    rows = Rows.of(X, y, sample_weight, groups)
    recipe = _recipe(self, base, method, y)
    path = recipe.path(rows)
    rule = method.rule if self.strength == "auto" else self.strength
    if rule in ("best", "one_se") and len(path) > 1:
        path = cross_validate(
            recipe,
            path,
            rows,
            cv=self.cv,
            scoring=self.scoring,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
    limits = [
        getattr(self, f"max_{name}", None) for name in ("size", "columns", "neurons", "weights")
    ]
    step = Budgets(*limits).within(path, _choose(path, rule, method))
    estimator = path.cut(step)
    # All attributes at the end: a refused fit leaves the estimator as it was.
    self.path_ = path.with_chosen(step)
    self.step_ = step
    self.strength_ = float(path.strength[step])
    self.estimator_ = estimator
    if hasattr(estimator, "classes_"):
        self.classes_ = estimator.classes_
    # Names and number of columns are those of X: LightGBM writes "a b" as "a_b".
    validate_data(self, rows.X, reset=True, skip_check_array=True)
    if step > 0 and path.is_constant(step):
        _warn_root(self, path)


def _check_words(self: Any, base: Any) -> None:
    """Refuse, before anything is fitted, what only networks know."""
    if native.is_network(base):
        return
    words = ("granularity", "forbidden", "max_neurons", "max_weights")
    refuse(base, **{name: getattr(self, name, None) for name in words})


def _recipe(self: Any, base: Any, method: Method, y: Any) -> Recipe:
    """How the estimator makes a path from rows."""
    estimator, seed = _seeded(base, self.random_state)
    labels = hasattr(base, "predict_proba") and np.ndim(y) == 1
    return Recipe(
        estimator=estimator,
        method=method,
        risk=self.risk,
        cost_matrix=getattr(self, "cost_matrix", None),
        classes=np.unique(np.asarray(y)) if labels else None,
        never_prune=self.never_prune,
        validation=self.validation,
        seed=seed,
        of_network={name: getattr(self, name, None) for name in OF_NETWORKS},
    )


def recipe_of(self: Any, y: Any) -> Recipe:
    """How an estimator of this package, fitted or not, makes a path from rows."""
    base = self._base()
    task = "classification" if hasattr(base, "predict_proba") else "regression"
    method = find_method(self.method, {task}, of=native.family(base))
    return _recipe(self, base, method, y)


def _choose(path: PruningPath, rule: Any, method: Method) -> int:
    if len(path) == 1:
        return 0
    if rule == "best":
        return path.best_step
    if rule == "one_se":
        return path.one_se_step
    if rule in ("strength", "risk"):
        return textbook_step(path, method)
    return path.step_for(strength=float(rule))


def _warn_root(self: Any, path: PruningPath) -> None:
    if self.max_size is not None and self.max_size <= path.size[-1]:
        why = f"max_size={self.max_size} allows nothing else"
    elif path.step_score is not None:
        room = "" if self.strength == "best" else " by more than one standard error"
        why = f"no larger model has a better cross-validated {path.scoring}{room}"
    else:
        asked = "its textbook rule" if self.strength == "auto" else f"strength {self.strength:.4g}"
        why = f"{path.method} by {asked} removed every split"
    what, more = "the root", "risk='impurity' or 'log_loss' (errors cannot see a rare class), "
    if path.networks:
        what, more = "a network without columns", ""
    warnings.warn(
        f"only {what} remains, the model predicts the same for every row: {why}. Try "
        f"strength='best', a smaller strength, {more}or another scoring.",
        PrunedToRootWarning,
        stacklevel=4,
    )


class _Pruned(MetaEstimatorMixin, BaseEstimator):
    """What both wrappers share."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        **CONSTRAINTS,
        **dict.fromkeys(("max_columns", "max_neurons", "max_weights"), CONSTRAINTS["max_size"]),
        "granularity": [StrOptions({"weights", "neurons", "inputs"}), None],
        "feature_groups": ["array-like", callable, None],
        "forbidden": ["array-like", str, None],
    }

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        """Grow the model, find its pruning path and keep the chosen step.

        Parameters
        ----------
        X : array-like, frame or sparse matrix, shape (n_rows, n_features)
            Whatever the wrapped model accepts.
        y : array-like, shape (n_rows,) or (n_rows, n_outputs)
        sample_weight : array-like, shape (n_rows,), optional
            Used in growing, pruning and scoring; not negative.
        groups : array-like, shape (n_rows,), optional
            For group splitters in `cv` and `validation`.

        Returns
        -------
        self

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import PrunedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = PrunedClassifier(random_state=0).fit(X, y)
        >>> model.step_ > 0
        True
        """
        self._validate_params()
        base = self._base()
        native.check_supported(base)
        fit_pruned(self, base, X, y, sample_weight, groups)
        return self

    def _base(self) -> Any:
        return self._default() if self.estimator is None else self.estimator

    def _checked(self, X: Any) -> Any:
        check_is_fitted(self)
        if getattr(X, "ndim", 2) == 2:  # otherwise the model itself says how to reshape
            validate_data(self, X, reset=False, skip_check_array=True)
        return self.estimator_

    def predict(self, X: Any) -> Any:
        """Predictions of the pruned model.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_features)

        Returns
        -------
        array, shape (n_rows,) or (n_rows, n_outputs)

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import PrunedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = PrunedClassifier(random_state=0).fit(X, y)
        >>> model.predict(X[::60])
        array([0, 1, 2])
        """
        return self._checked(X).predict(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._base())
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags.multi_output = inner.target_tags.multi_output and takes_several(self)
        tags.target_tags.single_output = inner.target_tags.single_output
        tags.non_deterministic = inner.non_deterministic
        return tags


class PrunedClassifier(ClassifierMixin, _Pruned):
    """A tree, forest, booster or network classifier, pruned to the size that evidence supports.

    Parameters
    ----------
    estimator : estimator, optional
        What to grow: scikit-learn's DecisionTree (default), ExtraTree, RandomForest, ExtraTrees
        or MLP classifier, an LGBMClassifier, or a SparseMLPClassifier, not fitted.
    method : str or Method
        Trees and forests: "cost_complexity" (default), "reduced_error", "error_based",
        "minimum_error", "pessimistic", "agreement". Boosters: "cost_complexity", "sequential",
        "additive", "l1", "truncate" (the last two for forests too). Networks: "magnitude",
        "gradient", "fisher", "random", "l1", "backward_elimination". See `METHODS`.
    strength : "auto", "best", "one_se" or float
        "auto" is "one_se" for cost_complexity, sequential, additive, truncate, l1 and networks, and
        the textbook rule without cross-validation for the others. "best" is the step with the best
        cross-validated score, "one_se" the smallest model within one standard error of it. A number
        is applied as it is, without cross-validation, as in a search; of networks it is the share
        of units removed.
    max_size : int, optional
        At most this many leaves (of all trees) or units of a network, whatever the strength.
    max_columns, max_neurons, max_weights : int, optional
        At most this many raw columns, or hidden neurons or weights of a network, whatever the
        strength.
    granularity : {"weights", "neurons", "inputs"}, optional
        What is removed of a network: single weights (default), neurons, or whole raw columns.
    feature_groups : array-like, shape (n_features,), or callable, optional
        The raw column of every column of X, such as "purpose" for each of its indicators; a
        callable is given the names of the columns. Every column is its own by default.
    forbidden : list, optional
        Raw columns that a network must not read: the network as trained is never chosen then.
    risk : str, optional
        Of cost_complexity: "impurity" (default, as scikit-learn), "error", "cost", "log_loss",
        "brier"; of reduced_error: all but "impurity", "error" by default.
    cost_matrix : array-like, shape (n_classes, n_classes), optional
        `cost_matrix[true, predicted]` for risk="cost", which assumes decisions by
        `cost_decision`; `predict` stays native.
    cv : int, splitter or iterable
        Folds for "best" and "one_se".
    scoring : str or callable, optional
        The Brier score by default. Additive scores are computed for every step, others for at
        most 200.
    validation : float or splitter
        Rows that reduced_error and agreement set aside; of a splitter, the last split.
    never_prune : list of str or int, optional
        Columns whose splits are kept.
    n_jobs : int, optional
        Folds in parallel, through joblib.
    random_state : int, RandomState or None
        Seeds growing (where the estimator has no seed of its own) and the validation part.
    verbose : int
        Progress of the folds.

    Attributes
    ----------
    estimator_ : fitted model
        The pruned model, of the exact type of `estimator`.
    path_ : PruningPath
        All steps, scored where cross-validation was used.
    step_ : int
        The chosen step.
    strength_ : float
        Its strength.
    classes_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    UnsupportedModelError
        If the estimator is of another class.
    ValueError
        If a parameter, the weights or the validation part cannot be used.

    Warns
    -----
    PrunedToRootWarning
        If only the root remains.

    References
    ----------
    Breiman, Friedman, Olshen & Stone (1984), Classification and Regression Trees, ch. 3.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from treeprune import PrunedClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = PrunedClassifier(random_state=0).fit(X, y)
    >>> int(model.path_.size[0]), int(model.path_.size[model.step_])
    (22, 3)
    >>> type(model.estimator_).__name__
    'DecisionTreeClassifier'
    """

    _default = DecisionTreeClassifier

    def __init__(
        self,
        estimator: Any = None,
        *,
        method: str | Method = "cost_complexity",
        strength: str | float = "auto",
        max_size: int | None = None,
        max_columns: int | None = None,
        max_neurons: int | None = None,
        max_weights: int | None = None,
        granularity: str | None = None,
        feature_groups: Any = None,
        forbidden: Any = None,
        risk: str | None = None,
        cost_matrix: Any = None,
        cv: Any = 5,
        scoring: Any = None,
        validation: Any = 0.25,
        never_prune: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.strength = strength
        self.max_size = max_size
        self.max_columns = max_columns
        self.max_neurons = max_neurons
        self.max_weights = max_weights
        self.granularity = granularity
        self.feature_groups = feature_groups
        self.forbidden = forbidden
        self.risk = risk
        self.cost_matrix = cost_matrix
        self.cv = cv
        self.scoring = scoring
        self.validation = validation
        self.never_prune = never_prune
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def predict_proba(self, X: Any) -> Any:
        """Class probabilities of the pruned model.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_features)

        Returns
        -------
        array, shape (n_rows, n_classes), or a list of them with several outputs

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import PrunedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = PrunedClassifier(random_state=0).fit(X, y)
        >>> model.predict_proba(X[:1])
        array([[1., 0., 0.]])
        """
        return self._checked(X).predict_proba(X)

    def predict_log_proba(self, X: Any) -> Any:
        """Logarithm of `predict_proba`, -inf at zero.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_features)

        Returns
        -------
        array, shape (n_rows, n_classes), or a list of them with several outputs

        Examples
        --------
        >>> from treeprune import PrunedClassifier
        >>> model = PrunedClassifier(strength=0.0).fit([[0], [1], [1], [1]], [0, 0, 1, 1])
        >>> float(model.predict_log_proba([[0]])[0, 0])
        0.0
        """
        inner = self._checked(X)
        if hasattr(inner, "predict_log_proba"):
            return inner.predict_log_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(inner.predict_proba(X))  # LightGBM has none

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._base()).classifier_tags
        if inner is not None:  # a regressor is refused in `fit`
            tags.classifier_tags.multi_class = inner.multi_class
        return tags


class PrunedRegressor(RegressorMixin, _Pruned):
    """A tree, forest, booster or network regressor, pruned to the size that evidence supports.

    Parameters
    ----------
    estimator : estimator, optional
        What to grow: scikit-learn's DecisionTree (default), ExtraTree, RandomForest, ExtraTrees
        or MLP regressor, an LGBMRegressor, or a SparseMLPRegressor, not fitted.
    method : str or Method
        Trees: "cost_complexity" (default), "reduced_error" or "agreement"; the others are for
        classes. Boosters and networks as in `PrunedClassifier`.
    strength, max_size, max_columns, max_neurons, max_weights, granularity, feature_groups, \
forbidden, cv, validation, never_prune, n_jobs, random_state, verbose
        As in `PrunedClassifier`.
    risk : str, optional
        Of cost_complexity: "impurity" (default) or "squared_error".
    scoring : str or callable, optional
        R² by default.

    Attributes
    ----------
    estimator_, path_, step_, strength_, n_features_in_, feature_names_in_
        As in `PrunedClassifier`.

    Raises
    ------
    UnsupportedModelError, ValueError
        As in `PrunedClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from treeprune import PrunedRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = PrunedRegressor(random_state=0, max_size=8).fit(X, y)
    >>> bool(model.estimator_.get_n_leaves() <= 8)
    True
    """

    _default = DecisionTreeRegressor

    def __init__(
        self,
        estimator: Any = None,
        *,
        method: str | Method = "cost_complexity",
        strength: str | float = "auto",
        max_size: int | None = None,
        max_columns: int | None = None,
        max_neurons: int | None = None,
        max_weights: int | None = None,
        granularity: str | None = None,
        feature_groups: Any = None,
        forbidden: Any = None,
        risk: str | None = None,
        cv: Any = 5,
        scoring: Any = None,
        validation: Any = 0.25,
        never_prune: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.strength = strength
        self.max_size = max_size
        self.max_columns = max_columns
        self.max_neurons = max_neurons
        self.max_weights = max_weights
        self.granularity = granularity
        self.feature_groups = feature_groups
        self.forbidden = forbidden
        self.risk = risk
        self.cv = cv
        self.scoring = scoring
        self.validation = validation
        self.never_prune = never_prune
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
