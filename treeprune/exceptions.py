"""The package's own errors and warnings.

Each derives from the built-in class a scikit-learn user would catch, so that existing handlers
keep working; the narrower name says which promise was broken.
"""

from __future__ import annotations

__all__ = [
    "CheckFailedError",
    "MalformedModelError",
    "PrunedToRootWarning",
    "UnsupportedModelError",
    "UntrustedModelError",
]


class UnsupportedModelError(TypeError):
    """The model's class is not one that the package can read.

    Examples
    --------
    >>> import treeprune
    >>> try:
    ...     treeprune.prune("not a model", max_size=2)
    ... except treeprune.UnsupportedModelError as error:
    ...     print(type(error).__name__)
    UnsupportedModelError
    """


class MalformedModelError(ValueError):
    """The model's arrays do not describe a tree (a cycle, an index out of range, …).

    scikit-learn trusts node arrays and hangs or crashes on such a model, so that it is refused
    before any of its numbers are used.

    Examples
    --------
    >>> import treeprune
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> model = DecisionTreeClassifier(random_state=0).fit(*load_iris(return_X_y=True))
    >>> model.tree_.children_left[2] = 0  # a cycle, made by hand
    >>> try:
    ...     treeprune.prune(model, max_size=2)
    ... except treeprune.MalformedModelError as error:
    ...     print("refused:", "child" in str(error))
    refused: True
    """


class PrunedToRootWarning(UserWarning):
    """Pruning left a single leaf: the model predicts the same for every row.

    Examples
    --------
    >>> import warnings, treeprune
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     _ = treeprune.PrunedClassifier(strength=10.0).fit(X, y)
    >>> [w.category.__name__ for w in caught]
    ['PrunedToRootWarning']
    """


class CheckFailedError(RuntimeError):
    """What was to be said of a model is not what the model itself says.

    Raised instead of returning a wrong explanation.

    Examples
    --------
    >>> import treeprune
    >>> issubclass(treeprune.CheckFailedError, RuntimeError)
    True
    """


class UntrustedModelError(ValueError):
    """A saved model's file is refused: damaged, of unknown types, or not what it says it is.

    Raised before anything in the file is constructed.

    Examples
    --------
    >>> from treeprune.exceptions import UntrustedModelError
    >>> from treeprune.saving import load_model
    >>> try:
    ...     load_model("no_such_file.skops")
    ... except UntrustedModelError as error:
    ...     print(error)
    no_such_file.skops: no such file
    """
