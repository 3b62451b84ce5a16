"""Read, apply and write models of other libraries; the only place that knows their insides.

A model is recognised by the name of its class or of one of its base classes, so that no library
is imported before a model of it turns up. `read` gives `Trees`, `splits` how nodes decide,
`apply` lets the model itself send rows to leaves, `raw_score` and `contributions` are what it says
of rows itself, `write` returns a model of the same type. `read_network` gives `Network`, also of
linear models, which are networks without hidden layers.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ..exceptions import UnsupportedModelError
from ..network import Network
from ..trees import Splits, Trees

__all__ = [
    "apply",
    "can_prune",
    "check_columns",
    "check_supported",
    "contributions",
    "family",
    "first_rounds",
    "has_contributions",
    "input_categories",
    "is_network",
    "learning_rate",
    "matrix",
    "monotone_constraints",
    "n_outputs",
    "objective",
    "raw_score",
    "read",
    "read_network",
    "readable",
    "rescales_trees",
    "row_weights",
    "same_column",
    "sparse_mlp_params",
    "splits",
    "stored_bytes",
    "structure",
    "stumps",
    "supported",
    "to_sklearn_mlp",
    "training",
    "unwrap",
    "with_settings",
    "write",
    "write_network",
]

# (package, class name) -> module of this folder.
_READERS: dict[tuple[str, str], str] = {
    **{
        ("sklearn", name): "sklearn_trees"
        for name in (
            "DecisionTreeClassifier",
            "DecisionTreeRegressor",
            "ExtraTreeClassifier",
            "ExtraTreeRegressor",
            "RandomForestClassifier",
            "RandomForestRegressor",
            "ExtraTreesClassifier",
            "ExtraTreesRegressor",
        )
    },
    **{
        ("lightgbm", name): "lightgbm"
        for name in ("LGBMClassifier", "LGBMRegressor", "LGBMRanker", "Booster")
    },
    **{("sklearn", name): "sklearn_mlp" for name in ("MLPClassifier", "MLPRegressor")},
    **{
        ("treeprune", name): "sklearn_mlp" for name in ("SparseMLPClassifier", "SparseMLPRegressor")
    },
    **{
        ("sklearn", name): "linear"
        for name in (
            "LogisticRegression",
            "LogisticRegressionCV",
            "SGDClassifier",
            "LinearDiscriminantAnalysis",
            "LinearRegression",
            "Ridge",
            "RidgeCV",
            "Lasso",
            "LassoCV",
            "ElasticNet",
            "ElasticNetCV",
            "MultiTaskLasso",
            "MultiTaskLassoCV",
            "MultiTaskElasticNet",
            "MultiTaskElasticNetCV",
            "Lars",
            "LarsCV",
            "LassoLars",
            "LassoLarsCV",
            "LassoLarsIC",
            "OrthogonalMatchingPursuit",
            "OrthogonalMatchingPursuitCV",
            "BayesianRidge",
            "ARDRegression",
            "HuberRegressor",
            "QuantileRegressor",
            "TheilSenRegressor",
            "SGDRegressor",
            "PassiveAggressiveRegressor",
            "LinearSVR",
        )
    },
}
# Module -> what its models are: trees read as `Trees`, the others as a `Network`.
_KINDS = {
    "sklearn_trees": "tree or forest",
    "lightgbm": "tree or forest",
    "sklearn_mlp": "network",
    "linear": "linear model",
}
_NETWORKS = {"network", "linear model"}
_READ_ONLY = {"linear"}  # modules whose models cannot be written
_SINGLE = {
    ("sklearn", name): "tree"
    for name in (
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "ExtraTreeClassifier",
        "ExtraTreeRegressor",
    )
}
_RANKERS = {("lightgbm", "LGBMRanker"): "lightgbm"}  # nor can these, though their module writes

_CLOSED = "its trees have no public interface"
_UNREAD = "its trees are not read here"
# (package, class name) -> why it is only asked, and a class like it that can be pruned.
_ASKED_ONLY: dict[tuple[str, str], str] = {
    ("sklearn", "HistGradientBoostingClassifier"): f"{_CLOSED}: LGBMClassifier",
    ("sklearn", "HistGradientBoostingRegressor"): f"{_CLOSED}: LGBMRegressor",
    ("sklearn", "GradientBoostingClassifier"): f"{_UNREAD}: LGBMClassifier",
    ("sklearn", "GradientBoostingRegressor"): f"{_UNREAD}: LGBMRegressor",
    ("xgboost", "XGBRFClassifier"): f"{_UNREAD}: RandomForestClassifier",
    ("xgboost", "XGBRFRegressor"): f"{_UNREAD}: RandomForestRegressor",
    ("xgboost", "XGBClassifier"): f"{_UNREAD}: LGBMClassifier",
    ("xgboost", "XGBRegressor"): f"{_UNREAD}: LGBMRegressor",
    ("catboost", "CatBoostClassifier"): f"{_UNREAD}: LGBMClassifier",
    ("catboost", "CatBoostRegressor"): f"{_UNREAD}: LGBMRegressor",
}

# (package, class name) -> attribute that holds the predictor fitted inside. Others have an
# `estimator_` that is only a part of them or another model (AdaBoost, bagging, RFE).
_WRAPPERS: dict[tuple[str, str], str] = {
    ("treeprune", "PrunedClassifier"): "estimator_",
    ("treeprune", "PrunedRegressor"): "estimator_",
    ("sklearn", "GridSearchCV"): "best_estimator_",
    ("sklearn", "RandomizedSearchCV"): "best_estimator_",
    ("sklearn", "HalvingGridSearchCV"): "best_estimator_",
    ("sklearn", "HalvingRandomSearchCV"): "best_estimator_",
    ("sklearn", "FixedThresholdClassifier"): "estimator_",
    ("sklearn", "TunedThresholdClassifierCV"): "estimator_",
    ("sklearn", "FrozenEstimator"): "estimator",
}


def supported() -> list[str]:
    """Names of the classes that can be pruned.

    Examples
    --------
    >>> from treeprune import native
    >>> native.supported()[0]
    'DecisionTreeClassifier'
    """
    return [
        key[1]
        for key, module in _READERS.items()
        if module not in _READ_ONLY and key not in _RANKERS
    ]


def readable() -> list[str]:
    """Names of the classes that can be read: those that can be pruned, and more.

    Examples
    --------
    >>> from treeprune import native
    >>> more = sorted(set(native.readable()) - set(native.supported()))
    >>> "LGBMRanker" in more, "LogisticRegression" in more
    (True, True)
    """
    return [name for _, name in _READERS]


def _find(model: Any, table: dict[tuple[str, str], str]) -> str | None:
    """What the table says of the model's class or of its nearest base class."""
    for base in type(model).__mro__:
        found = table.get((base.__module__.partition(".")[0], base.__name__))
        if found is not None:
            return found
    return None


def _reader(model: Any, names: list[str] | None = None) -> ModuleType:
    """The module that knows the model's class; `names` are possible, by default all."""
    if isinstance(model, type):
        raise UnsupportedModelError(
            f"got the class {model.__name__}; give an instance: {model.__name__}(...)"
        )
    name = _find(model, _READERS)
    if name is not None:
        return importlib.import_module(f".{name}", __package__)
    hint = ""
    if hasattr(model, "steps"):
        hint = " Of a Pipeline give the last step, and rows as it receives them: model[-1]."
    elif hasattr(model, "estimator_"):
        hint = " Of a search or a wrapper give what it has fitted: model.estimator_."
    elif hasattr(model, "best_estimator_"):
        hint = " Of a search give what it has chosen: model.best_estimator_."
    possible = _listed(names or readable())
    asked_only = _find(model, _ASKED_ONLY)
    if asked_only is not None:
        why, _, other = asked_only.partition(": ")
        raise UnsupportedModelError(
            f"{type(model).__name__} can be explained through a surrogate, "
            f"treeprune.explain(model, X); {why}, so that it cannot be pruned; {other} can. "
            f"Possible are {possible}"
        )
    raise UnsupportedModelError(
        f"cannot read a {type(model).__name__}; possible are {possible}.{hint}"
    )


def _listed(names: list[str]) -> str:
    """Names of classes as a list; of the many linear models two stand for all."""
    linear = {name for (_, name), module in _READERS.items() if _KINDS[module] == "linear model"}
    said = [name for name in names if name not in linear]
    if len(said) < len(names):
        said.append(
            "linear models such as LogisticRegression and Ridge (treeprune.native.readable() "
            "lists all)"
        )
    return ", ".join(said)


def check_supported(model: Any) -> None:
    """Raise `UnsupportedModelError` unless models of this class can be pruned, fitted or not.

    A fitted booster is also asked for its objective: ranking cannot be pruned.

    Examples
    --------
    >>> from sklearn.tree import ExtraTreeRegressor
    >>> from treeprune import native
    >>> native.check_supported(ExtraTreeRegressor())
    """
    reader = _reader(model, supported())
    if not can_prune(model):
        raise UnsupportedModelError(
            f"{reader.NOT_PRUNED}; got a {type(model).__name__}; possible are "
            f"{_listed(supported())}"
        )
    if hasattr(reader, "check_prunable"):
        reader.check_prunable(model)


def can_prune(model: Any) -> bool:
    """Whether models of this class can be pruned (and so written), fitted or not.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> native.can_prune(DecisionTreeClassifier()), native.can_prune(LogisticRegression())
    (True, False)
    """
    return _find(model, _RANKERS) is None and _find(model, _READERS) not in {None, *_READ_ONLY}


def unwrap(model: Any) -> Any:
    """The fitted predictor inside pruned models, searches and threshold classifiers.

    Goes on until the model is none of `PrunedClassifier`, `PrunedRegressor`, `GridSearchCV`,
    `RandomizedSearchCV`, `HalvingGridSearchCV`, `HalvingRandomSearchCV`,
    `FixedThresholdClassifier`, `TunedThresholdClassifierCV`, `FrozenEstimator` or a subclass.
    Other models are returned unchanged: the `estimator_` of boosting, bagging and feature
    selection is not the model, and a Pipeline's steps belong together.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If a wrapper is not fitted.
    ValueError
        If a search was made with refit=False and so has no model.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [2]})
    >>> native.unwrap(search.fit(*load_iris(return_X_y=True)))
    DecisionTreeClassifier(max_depth=2, random_state=0)
    """
    while (attribute := _find(model, _WRAPPERS)) is not None:
        check_is_fitted(model)
        if not hasattr(model, attribute):
            raise ValueError(
                f"the {type(model).__name__} has no {attribute}; a search has one if refit=True"
            )
        model = getattr(model, attribute)
    return model


def is_network(model: Any) -> bool:
    """Whether models of this class are networks, which `read_network` reads, fitted or not.

    So are linear models, which cannot be pruned: see `can_prune`.

    Examples
    --------
    >>> from sklearn.neural_network import MLPClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> native.is_network(MLPClassifier()), native.is_network(DecisionTreeClassifier())
    (True, False)
    """
    return _kind(model) in _NETWORKS


def family(model: Any) -> str:
    """What models of this class are, fitted or not: "tree", "forest", "booster" or "network".

    Linear models are networks.

    Raises
    ------
    UnsupportedModelError
        If the class is not known.

    Examples
    --------
    >>> from sklearn.ensemble import ExtraTreesClassifier
    >>> from treeprune import native
    >>> native.family(ExtraTreesClassifier())
    'forest'
    """
    module = _reader(model).__name__.rpartition(".")[2]
    if _KINDS[module] in _NETWORKS:
        return "network"
    if module == "lightgbm":
        return "booster"
    return "tree" if _find(model, _SINGLE) else "forest"


def _kind(model: Any) -> str | None:
    """What a model is, of `_KINDS`."""
    return _KINDS.get(_find(model, _READERS) or "")


def _reader_of(model: Any, *kinds: str) -> ModuleType:
    """The module of a model that must be of one of these kinds."""
    reader = _reader(model)
    if _kind(model) not in kinds:
        names = [n for (_, n), module in _READERS.items() if _KINDS[module] in kinds]
        raise UnsupportedModelError(
            f"this needs a {' or a '.join(kinds)}, got a {type(model).__name__} "
            f"({_kind(model)}); possible are {_listed(names)}"
        )
    return reader


def read_network(model: Any) -> Network:
    """Weights, biases and link of a fitted network or linear model.

    Raises
    ------
    UnsupportedModelError
        If the class is not known, or its network is of a kind that is not (several labels a row,
        a Poisson loss), or the probabilities of a linear model are neither a logit nor a softmax of
        its scores (one class against the rest, for three classes or more).
    MalformedModelError
        If its arrays do not describe a network.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((5,), solver="lbfgs", max_iter=1000, random_state=0).fit(X, y)
    >>> net = native.read_network(model)
    >>> net.n_inputs, net.n_neurons, net.n_scores, net.link
    (4, 5, 3, 'softmax')
    """
    return _reader_of(model, "network", "linear model").read(model)


def write_network(model: Any, network: Network) -> Any:
    """A model of the same type with this network, compacted.

    Parameters
    ----------
    model : fitted network
        Never changed.
    network : Network
        With the columns and scores of the model's own.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((5,), solver="lbfgs", max_iter=1000, random_state=0).fit(X, y)
    >>> net = native.read_network(model)
    >>> first = net.weights[0].copy()
    >>> first[:, 1:3] = 0.0  # two neurons that nothing enters
    >>> small = native.write_network(model, net.with_arrays((first, net.weights[1]), net.biases))
    >>> small.hidden_layer_sizes
    (3,)
    """
    return _reader_of(model, "network").write(model, network)


def matrix(model: Any, X: Any) -> Any:
    """Rows as a network or linear model reads them, after the checks that its own `predict` makes.

    Returns
    -------
    array of float64 or CSR matrix, shape (n_rows, n_features)

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((5,), solver="lbfgs", max_iter=1000, random_state=0).fit(X, y)
    >>> native.matrix(model, X[:2].tolist()).shape
    (2, 4)
    """
    return _reader_of(model, "network", "linear model").matrix(model, X)


def training(model: Any, n_rows: int, mean_weight: float = 1.0) -> dict[str, Any]:
    """Settings with which a network was trained, for training it further.

    Parameters
    ----------
    model : network, fitted or not
    n_rows : int
        Rows to train on.
    mean_weight : float
        Of these rows.

    Returns
    -------
    dict
        alpha (L2, of the mean loss), batch_size, learning_rate, beta_1, beta_2, epsilon, dropout;
        and epochs, how many there were.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor
    >>> from treeprune import native
    >>> native.training(MLPRegressor(batch_size=50, alpha=0.1), 1000)["alpha"]
    0.002
    """
    return _reader_of(model, "network").training(model, n_rows, mean_weight)


def sparse_mlp_params(model: Any) -> dict[str, Any]:
    """Parameters with which a SparseMLP trains as this network of scikit-learn does.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor
    >>> from treeprune import native
    >>> model = MLPRegressor(hidden_layer_sizes=(3,)).fit([[0.0], [1.0]], [0, 1])
    >>> native.sparse_mlp_params(model)["hidden_layer_sizes"]
    (3,)
    """
    return _reader_of(model, "network").sparse_mlp_params(model)


def to_sklearn_mlp(model: Any) -> Any:
    """A network of scikit-learn with the weights of a fitted SparseMLP.

    Examples
    --------
    >>> from treeprune import SparseMLPRegressor, native
    >>> model = SparseMLPRegressor((3,), max_iter=1).fit([[0.0], [1.0]], [0, 1])
    >>> type(native.to_sklearn_mlp(model)).__name__
    'MLPRegressor'
    """
    return _reader_of(model, "network").to_sklearn_mlp(model)


def n_outputs(model: Any) -> int:
    """Number of targets of a fitted model.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> native.n_outputs(DecisionTreeClassifier().fit(*load_iris(return_X_y=True)))
    1
    """
    reader = _reader(model)
    if hasattr(reader, "n_outputs"):
        return reader.n_outputs(model)
    return int(getattr(model, "n_outputs_", 1))


def read(model: Any) -> Trees:
    """Structure and statistics of a fitted tree, forest or booster.

    Raises
    ------
    UnsupportedModelError
        If the class is not known.
    MalformedModelError
        If the model's arrays do not describe trees.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
    >>> native.read(model).left
    array([ 1, -1,  3, -1, -1], dtype=int32)
    """
    return _reader_of(model, "tree or forest").read(model)


def splits(model: Any) -> Splits:
    """How the nodes of `read(model)` decide.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
    >>> native.splits(model).feature
    array([ 3, -2,  3, -2, -2], dtype=int32)
    """
    return _reader_of(model, "tree or forest").splits(model)


def stored_bytes(model: Any) -> int:
    """Bytes of the arrays in which scikit-learn's tree or forest holds what it has learnt.

    Unlike the length of a pickle it depends on nothing else.

    Parameters
    ----------
    model : fitted tree or forest of scikit-learn

    Returns
    -------
    int

    Raises
    ------
    UnsupportedModelError
        If the model is of another kind.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True)
    >>> native.stored_bytes(DecisionTreeClassifier(max_leaf_nodes=2).fit(X, y))  # 3 nodes
    264
    """
    reader = _reader(model)
    if not hasattr(reader, "stored_bytes"):
        raise UnsupportedModelError(
            f"bytes are counted of scikit-learn's trees and forests, not of {type(model).__name__}"
        )
    return reader.stored_bytes(model)


def apply(model: Any, X: Any, trees: Trees | None = None) -> NDArray[np.int32]:
    """Leaf of every row in every tree, counted among all nodes, shape (n_rows, n_trees).

    Parameters
    ----------
    model : fitted tree, forest or booster
    X : array-like, shape (n_rows, n_features)
    trees : Trees, optional
        What `read(model)` has given, where it is at hand: LightGBM then need not write its text.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
    >>> native.apply(model, X[::60])
    array([[1],
           [3],
           [4]], dtype=int32)
    """
    return _reader_of(model, "tree or forest").apply(model, X, trees)


def check_columns(model: Any, X: Any) -> None:
    """Refuse rows whose columns are renamed, reordered or too few, as the model's library would.

    Raises
    ------
    ValueError
        With the library's own message.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> native.check_columns(DecisionTreeClassifier().fit(X, y), X)
    """
    _reader(model).check_columns(model, X)


def raw_score(model: Any, X: Any) -> NDArray[np.float64]:
    """What the model itself says of rows, on the scale on which its trees add up.

    That is `predict_proba` or `predict` of scikit-learn's trees and forests, and
    `predict(raw_score=True)` of LightGBM (before `Trees.link`; of two classes the log-odds of
    `classes_[1]`; of its random forests the mean over trees, to which the link applies, where
    LightGBM gives the sum). Of networks it is what leaves the last layer, of linear models
    `decision_function` or, of regressors, `predict`.

    Returns
    -------
    array of float64, shape (n_rows, n_outputs, k)
        Laid out as a node's value in `Trees.value`: zeros where an output has fewer classes.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
    >>> native.raw_score(model, X[::60])[:, 0].round(2)
    array([[1.  , 0.  , 0.  ],
           [0.  , 0.91, 0.09],
           [0.  , 0.02, 0.98]])
    """
    return _reader(model).raw_score(model, X)


def contributions(model: Any, X: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Attributions by the model's own library, where it offers exact ones (LightGBM).

    Returns
    -------
    values : array of float64, shape (n_rows, n_features, n_scores)
    base : array of float64, shape (n_rows, n_scores)
        Base and the sum of values are `raw_score`.

    Raises
    ------
    UnsupportedModelError
        If the library offers none for this model, or they do not add up to its raw score.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from treeprune import native
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LGBMRegressor(n_estimators=5, n_jobs=1, verbose=-1).fit(X, y)
    >>> values, base = native.contributions(model, X[:3])
    >>> values.shape, base.shape
    ((3, 10, 1), (3, 1))
    """
    reader = _reader(model)
    if not hasattr(reader, "contributions"):
        raise UnsupportedModelError(
            f"a {type(model).__name__} has no attributions of its own; compute them from its trees"
        )
    return reader.contributions(model, X)


def has_contributions(model: Any) -> bool:
    """Whether the model's own library attributes its predictions (see `contributions`).

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from treeprune import native
    >>> native.has_contributions(LGBMRegressor()), native.has_contributions(DecisionTreeRegressor())
    (True, False)
    """
    return _find(model, _READERS) is not None and hasattr(_reader(model), "contributions")


def input_categories(model: Any, X: Any = None) -> dict[int, tuple[Any, ...]]:
    """Categories that the model itself turns into codes, by model column.

    These are LightGBM's pandas categoricals: of such a column it sees the category's position,
    and a missing value where the category is new. Other models have none.

    Parameters
    ----------
    model : fitted model
    X : frame, optional
        Rows as the model receives them. LightGBM recodes the columns of categories that rows
        have, in their order, and does not save which columns these were; without rows its list
        of categorical features is taken, where that can be right.

    Returns
    -------
    dict of int -> tuple
        Model column -> raw categories, in the order of their codes 0, 1, …

    Raises
    ------
    UnsupportedModelError
        If the model does not say which columns its categories belong to: give X.
    ValueError
        If X has another number of columns of categories than the training rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from lightgbm import LGBMRegressor
    >>> from treeprune import native
    >>> X = pd.DataFrame({"n": range(60), "c": pd.Categorical(["x", "y", "z"] * 20)})
    >>> model = LGBMRegressor(n_estimators=2, n_jobs=1, verbose=-1).fit(X, X["n"])
    >>> native.input_categories(model)
    {1: ('x', 'y', 'z')}
    """
    reader = _reader(model)
    return reader.input_categories(model, X) if hasattr(reader, "input_categories") else {}


def write(
    model: Any, is_leaf: NDArray[np.bool_], value: NDArray | None = None, *, fold: bool = False
) -> Any:
    """A model of the same type in which the nodes of the mask `is_leaf` are leaves.

    Parameters
    ----------
    model : fitted model
        Never changed; what the result holds is its own.
    is_leaf : array of bool, shape (n_nodes,)
        Nodes that become (or are) leaves; what hangs below them is dropped.
    value : array, shape of `Trees.value`, optional
        New node values. Of a booster's tree the score to which it adds counts.
    fold : bool
        Whether trees of one leaf go, which adds their constants to the trees that remain. A
        booster keeps whole iterations: where scores differ in their trees, zeros stand in; its
        random forests stay as they are. A forest's other values are scaled so that the mean over
        fewer trees is the same. At least one tree (a score) stays.

    Returns
    -------
    model
        It predicts without treeprune. Of LightGBM the trees end at the best iteration, and what
        was recorded of the training (`evals_result_`, `best_score_`) is empty.

    Raises
    ------
    UnsupportedModelError
        If the model can be read, not written (rankers, linear leaves, linear models).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
    >>> trees = native.read(model)
    >>> print(native.write(model, trees.n_rows <= 100).get_n_leaves())
    2
    """
    return _reader_of(model, "tree or forest").write(model, is_leaf, value, fold=fold)


def stumps(
    model: Any,
    node: NDArray,
    value: NDArray,
    *,
    n_rows: NDArray,
    hessian: NDArray,
    gain: NDArray,
    start: NDArray,
) -> tuple[Any, NDArray[np.int64]]:
    """A booster of the same type whose trees are splits of this one, each standing alone.

    Parameters
    ----------
    model : fitted booster
        Never changed.
    node : array of int, shape (n_stumps,)
        Nodes that split; each adds to the score of its tree.
    value : array of float64, shape (n_stumps, 2)
        Of the left and the right leaf.
    n_rows, hessian : array, shape (n_stumps, 2)
        Rows in both leaves and their sums of the loss's second derivative, from which the model's
        own attributions follow.
    gain : array of float64, shape (n_stumps,)
        What each split saves, for the model's own importances.
    start : array of float64, shape (n_scores,)
        What each sum starts from; it is added to the first stump of the score, as LightGBM does.

    Returns
    -------
    model
    tree : array of int64, shape (n_stumps,)
        Number of the tree that each stump has become.

    Raises
    ------
    UnsupportedModelError
        If the model is no booster that can be written.

    Examples
    --------
    >>> import numpy as np
    >>> from lightgbm import LGBMRegressor
    >>> from treeprune import native
    >>> X = np.arange(60.0)[:, None]
    >>> model = LGBMRegressor(n_estimators=3, n_jobs=1, verbose=-1).fit(X, X[:, 0])
    >>> told = {"n_rows": np.full((1, 2), 30), "hessian": np.full((1, 2), 30.0)}
    >>> one, tree = native.stumps(
    ...     model, [0], np.array([[-1.0, 1.0]]), gain=np.ones(1), start=np.full(1, 4.0), **told
    ... )
    >>> one.predict(X)[[0, -1]].tolist(), tree.tolist()
    ([3.0, 5.0], [0])
    """
    reader = _reader_of(model, "tree or forest")
    if not hasattr(reader, "stumps"):
        raise UnsupportedModelError(
            f"the splits of a {type(model).__name__} cannot stand alone; possible are LightGBM "
            "models"
        )
    return reader.stumps(
        model, node, value=value, n_rows=n_rows, hessian=hessian, gain=gain, start=start
    )


def objective(model: Any) -> str:
    """Name of the loss that a booster was grown to minimise, "" for other trees and forests.

    Returns
    -------
    str
        As LightGBM's model text names it: "regression", "binary", "multiclass", "multiclassova",
        "poisson", …; "custom" for a function.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If a booster is not fitted.

    Examples
    --------
    >>> from lightgbm import LGBMClassifier
    >>> from sklearn.datasets import load_iris
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True)
    >>> native.objective(LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1).fit(X, y))
    'multiclass'
    """
    reader = _reader_of(model, "tree or forest")
    return reader.objective(model) if hasattr(reader, "objective") else ""


def row_weights(model: Any, y: NDArray, sample_weight: NDArray | None) -> NDArray[np.float64]:
    """Weights of rows as the model would weigh them in `fit`: with its class weights.

    Of LightGBM's binary loss also with `scale_pos_weight` and `is_unbalance`, which need a fitted
    model. "balanced" and `is_unbalance` are taken from the labels given, as `fit` would.

    Parameters
    ----------
    model : tree, forest, booster or network
    y : array, shape (n_rows,) or (n_rows, n_outputs)
        Labels as `fit` received them (of a bare booster 0 and 1), or targets.
    sample_weight : array, shape (n_rows,), optional

    Returns
    -------
    array of float64, shape (n_rows,)

    Raises
    ------
    UnsupportedModelError
        If the weights differ by class and row (LightGBM's multiclassova with `scale_pos_weight`
        or `is_unbalance`).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> model = DecisionTreeClassifier(class_weight={0: 1, 1: 5}).fit([[0], [1]], [0, 1])
    >>> native.row_weights(model, np.array([0, 1, 1]), np.array([1.0, 1.0, 0.5]))
    array([1. , 5. , 2.5])
    """
    return _reader_of(model, "tree or forest", "network").row_weights(model, y, sample_weight)


def structure(model: Any) -> tuple[Trees, Splits, NDArray[np.float64] | None]:
    """What `read` and `splits` give, and what a booster has stored of its loss, in one reading.

    Returns
    -------
    trees : Trees
    splits : Splits
    hessian : array of float64, shape (n_nodes,), or None
        Sum of the loss's second derivatives over the rows of every node when its tree was grown;
        None of models that were not grown by derivatives.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from treeprune import native
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LGBMRegressor(n_estimators=1, n_jobs=1, verbose=-1).fit(X, y)
    >>> float(native.structure(model)[2][0])  # one a row
    442.0
    """
    reader = _reader_of(model, "tree or forest")
    if hasattr(reader, "structure"):
        return reader.structure(model)
    return reader.read(model), reader.splits(model), None


def learning_rate(model: Any) -> float:
    """By what every tree of a booster was multiplied; 1 of other models.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> from treeprune import native
    >>> model = LGBMRegressor(n_estimators=1, learning_rate=0.2, n_jobs=1, verbose=-1)
    >>> native.learning_rate(model.fit([[0.0]] * 50, range(50)))
    0.2
    """
    reader = _reader_of(model, "tree or forest")
    return reader.learning_rate(model) if hasattr(reader, "learning_rate") else 1.0


def same_column(name: Any, other: Any) -> bool:
    """Whether two names are one column's, but for what LightGBM changes in names in silence.

    Examples
    --------
    >>> from treeprune import native
    >>> native.same_column("worst_area", "worst area"), native.same_column("a", "b")
    (True, False)
    """
    from .lightgbm import bare_name

    return bare_name(name) == bare_name(other)


def rescales_trees(model: Any) -> bool:
    """Whether a booster, fitted or not, changes old trees when it adds new ones (dart).

    Its first rounds are then not what a shorter training gives.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> from treeprune import native
    >>> native.rescales_trees(LGBMRegressor(boosting_type="dart"))
    True
    """
    reader = _reader_of(model, "tree or forest")
    return hasattr(reader, "rescales_trees") and reader.rescales_trees(model)


def with_settings(model: Any, settings: dict[str, Any]) -> Any:
    """An unfitted copy of a model with other settings, whatever they were called before.

    LightGBM knows most settings under several names, of which another may win.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> from treeprune import native
    >>> native.with_settings(LGBMRegressor(num_iterations=50), {"n_estimators": 7})
    LGBMRegressor(n_estimators=7)
    """
    reader = _reader(model)
    if hasattr(reader, "with_settings"):
        return reader.with_settings(model, settings)
    return clone(model).set_params(**settings)


@contextmanager
def first_rounds(model: Any, n: int) -> Iterator[None]:
    """Let a fitted LightGBM model predict with its first `n` rounds only, for a while.

    Raises
    ------
    UnsupportedModelError
        If the model has no rounds.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from treeprune import native
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LGBMRegressor(n_estimators=9, n_jobs=1, verbose=-1).fit(X, y)
    >>> with native.first_rounds(model, 3):
    ...     few = model.predict(X[:5])
    >>> bool((few == model.predict(X[:5], num_iteration=3)).all())
    True
    """
    reader = _reader_of(model, "tree or forest")
    if not hasattr(reader, "first_rounds"):
        raise UnsupportedModelError(
            f"a {type(model).__name__} has no rounds; possible are LGBMClassifier, LGBMRegressor"
        )
    with reader.first_rounds(model, n):
        yield


def monotone_constraints(model: Any) -> NDArray[np.int8] | None:
    """Direction asked of every model column in growing: 1, -1 or 0; None where none was.

    Returns
    -------
    array of int8, shape (n_features,), or None
        Predictions (of two classes the probability of the second) may only rise with a column
        of 1 and fall with one of -1.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from treeprune import native
    >>> model = DecisionTreeRegressor(monotonic_cst=[1, 0]).fit([[0, 0], [1, 0]], [0, 1])
    >>> native.monotone_constraints(model).tolist()
    [1, 0]
    """
    return _reader_of(model, "tree or forest").monotone_constraints(model)
