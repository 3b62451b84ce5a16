"""Read, apply and write models of other libraries; the only place that knows their insides.

A model is recognised by the name of its class or of one of its base classes, so that no library
is imported before a model of it turns up. `read` gives `Trees`, `splits` how nodes decide,
`apply` lets the model itself send rows to leaves, `write` returns a model of the same type.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..exceptions import UnsupportedModelError
from ..trees import Splits, Trees

__all__ = ["apply", "check_supported", "read", "row_weights", "splits", "supported", "write"]

# (package, class name) -> module of this folder.
_READERS: dict[tuple[str, str], str] = {
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
}


def supported() -> list[str]:
    """Names of the classes that can be read.

    Examples
    --------
    >>> from treeprune import native
    >>> native.supported()[0]
    'DecisionTreeClassifier'
    """
    return [name for _, name in _READERS]


def _reader(model: Any) -> ModuleType:
    """The module that knows the model's class."""
    if isinstance(model, type):
        raise UnsupportedModelError(
            f"got the class {model.__name__}; give an instance: {model.__name__}(...)"
        )
    for base in type(model).__mro__:
        name = _READERS.get((base.__module__.partition(".")[0], base.__name__))
        if name is not None:
            return importlib.import_module(f".{name}", __package__)
    hint = ""
    if hasattr(model, "steps"):
        hint = " Of a Pipeline give the last step, and rows as it receives them: model[-1]."
    elif hasattr(model, "estimator_"):
        hint = " Of a search or a wrapper give what it has fitted: model.estimator_."
    elif hasattr(model, "best_estimator_"):
        hint = " Of a search give what it has chosen: model.best_estimator_."
    raise UnsupportedModelError(
        f"cannot read a {type(model).__name__}; possible are {', '.join(supported())}.{hint}"
    )


def check_supported(model: Any) -> None:
    """Raise `UnsupportedModelError` unless models of this class can be read, fitted or not.

    Examples
    --------
    >>> from sklearn.tree import ExtraTreeRegressor
    >>> from treeprune import native
    >>> native.check_supported(ExtraTreeRegressor())
    """
    _reader(model)


def read(model: Any) -> Trees:
    """Structure and statistics of a fitted model.

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
    return _reader(model).read(model)


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
    return _reader(model).splits(model)


def apply(model: Any, X: Any) -> NDArray[np.int32]:
    """Leaf of every row in every tree, counted among all nodes, shape (n_rows, n_trees).

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
    return _reader(model).apply(model, X)


def write(model: Any, is_leaf: NDArray[np.bool_], value: NDArray | None = None) -> Any:
    """A model of the same type in which the nodes of the mask `is_leaf` are leaves.

    Parameters
    ----------
    model : fitted model
        Never changed; what the result holds is its own.
    is_leaf : array of bool, shape (n_nodes,)
        Nodes that become (or are) leaves; what hangs below them is dropped.
    value : array, shape of `Trees.value`, optional
        New node values.

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
    return _reader(model).write(model, is_leaf, value)


def row_weights(model: Any, y: NDArray, sample_weight: NDArray | None) -> NDArray[np.float64]:
    """Weights of rows as the model would weigh them in `fit`: with its class weights.

    "balanced" is taken from the labels given, as `fit` would.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import native
    >>> model = DecisionTreeClassifier(class_weight={0: 1, 1: 5}).fit([[0], [1]], [0, 1])
    >>> native.row_weights(model, np.array([0, 1, 1]), np.array([1.0, 1.0, 0.5]))
    array([1. , 5. , 2.5])
    """
    return _reader(model).row_weights(model, y, sample_weight)
