"""scikit-learn's `Tree` as it is stored: its arguments and its state, checked before it exists.

`Tree.__setstate__` believes what it is given and `predict` follows any index, so that a crafted
state crashes the process. Here the plain arrays are checked by the same rules as a fitted model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.tree._tree import NODE_DTYPE

from .. import kernels
from ..exceptions import MalformedModelError
from ..trees import Splits, Trees, parents

__all__ = ["check_stored_tree", "is_node_dtype", "without_padding"]

_STATE = {"max_depth", "node_count", "nodes", "values"}
_UNDEFINED = -2
MOST_COLUMNS = 2**31 - 1


def is_node_dtype(dtype: np.dtype) -> bool:
    """Whether arrays of this type hold nodes of the running scikit-learn's trees.

    Parameters
    ----------
    dtype : dtype

    Returns
    -------
    bool

    Examples
    --------
    >>> is_node_dtype(np.dtype(float))
    False
    """
    return dtype == np.dtype(NODE_DTYPE)


def without_padding(nodes: np.ndarray) -> np.ndarray:
    r"""The same records with zeros between their fields, where memory is left as it was found.

    Parameters
    ----------
    nodes : array of records, shape (n_nodes,)

    Returns
    -------
    array of records, shape (n_nodes,)

    Examples
    --------
    >>> import numpy as np
    >>> record = np.dtype({"names": ["a"], "formats": ["u1"], "offsets": [0], "itemsize": 2})
    >>> old = np.frombuffer(b"\x01\xff", record)
    >>> without_padding(old).tobytes()
    b'\x01\x00'
    """
    out = np.zeros(nodes.shape, nodes.dtype)
    for name in nodes.dtype.names or ():
        out[name] = nodes[name]
    return out


def check_stored_tree(args: Any, state: Any, n_classes: int | None, criterion: str) -> Trees:
    """The tree that a stored `Tree` would become, checked.

    Parameters
    ----------
    args : tuple
        What `Tree` is called with: number of columns, of classes (array) and of outputs.
    state : dict
        What `Tree.__setstate__` receives.
    n_classes : int or None
        Number of classes of the estimator; None for regression.
    criterion : str
        The growing criterion.

    Returns
    -------
    Trees

    Raises
    ------
    MalformedModelError
        If the arrays do not describe one tree with one output.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> tree = DecisionTreeRegressor().fit([[0.0], [1.0]], [0.0, 1.0]).tree_
    >>> _, args, state = tree.__reduce__()
    >>> check_stored_tree(args, state, None, "squared_error").n_leaves
    2
    >>> state["nodes"]["left_child"][0] = 7
    >>> try:
    ...     check_stored_tree(args, state, None, "squared_error")
    ... except MalformedModelError as error:
    ...     print(str(error)[:24])
    node 0 has left child 7;
    """
    n_features = _check_args(args, n_classes)
    _check_state(state, n_classes)
    nodes, values = state["nodes"], state["values"]
    # Before anything is cut to 32 bits: a child of 2**32 + 1 would become a child of 1.
    parent = parents(nodes["left_child"], nodes["right_child"])
    inner = nodes["left_child"] != -1
    feature = np.where(inner, nodes["feature"], _UNDEFINED)
    bad = inner & ((feature < 0) | (feature >= n_features))
    if bad.any():
        t = int(np.flatnonzero(bad)[0])
        raise MalformedModelError(
            f"node {t} looks at column {int(feature[t])}; the model has columns 0 to "
            f"{n_features - 1}"
        )
    if (nodes["missing_go_to_left"] > 1).any():
        raise MalformedModelError("missing_go_to_left must be 0 or 1")
    if not np.isfinite(nodes["impurity"]).all() or (nodes["n_node_samples"] < 0).any():
        raise MalformedModelError("impurities must be finite, numbers of rows not negative")
    Splits(
        feature=feature,
        threshold=np.where(inner, nodes["threshold"], _UNDEFINED),
        missing_left=inner & (nodes["missing_go_to_left"] == 1),
        cast32=True,
        n_features=n_features,
    )
    trees = Trees(
        left=nodes["left_child"],
        right=nodes["right_child"],
        roots=np.zeros(1, np.int32),
        value=values,
        weight=nodes["weighted_n_node_samples"],
        n_rows=nodes["n_node_samples"],
        impurity=nodes["impurity"],
        tree_weight=np.ones(1),
        n_classes=() if n_classes is None else (n_classes,),
        criterion=criterion,
    )
    depth = int(kernels.depths(parent).max())
    if state["max_depth"] != depth:
        raise MalformedModelError(
            f"the tree says its depth is {state['max_depth']}, its nodes say {depth}"
        )
    return trees


def _is_count(value: Any, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _check_args(args: Any, n_classes: int | None) -> int:
    """Number of columns; `Tree` reads one number of classes for each output it is told of."""
    if not isinstance(args, tuple) or len(args) != 3:
        raise MalformedModelError("a tree is made from three arguments: columns, classes, outputs")
    n_features, classes, n_outputs = args
    if not _is_count(n_features, 1) or n_features > MOST_COLUMNS:
        raise MalformedModelError(f"the tree says it has {n_features!r:.40} columns")
    if not _is_count(n_outputs) or n_outputs != 1:
        raise MalformedModelError(f"the tree has {n_outputs!r:.40} outputs, must be 1")
    wanted = 1 if n_classes is None else n_classes
    if (
        not isinstance(classes, np.ndarray)
        or classes.dtype != np.dtype(np.intp)
        or classes.shape != (1,)
        or classes[0] != wanted
    ):
        raise MalformedModelError(
            f"the tree's number of classes must be [{wanted}], that of the model"
        )
    return n_features


def _check_state(state: Any, n_classes: int | None) -> None:
    """Names, types and shapes of the stored arrays."""
    if not isinstance(state, dict) or set(state) != _STATE:
        raise MalformedModelError(f"a tree's state is {', '.join(sorted(_STATE))}")
    nodes, values = state["nodes"], state["values"]
    if not isinstance(nodes, np.ndarray) or not is_node_dtype(nodes.dtype) or nodes.ndim != 1:
        raise MalformedModelError(
            "nodes are not records of the running scikit-learn; load the model with the version "
            "it was saved with"
        )
    if not _is_count(state["node_count"], 1) or not _is_count(state["max_depth"]):
        raise MalformedModelError("node_count and max_depth must be numbers of nodes and splits")
    if state["node_count"] != len(nodes):
        raise MalformedModelError(
            f"the tree says it has {state['node_count']} nodes, the array has {len(nodes)}"
        )
    shape = (len(nodes), 1, 1 if n_classes is None else n_classes)
    if (
        not isinstance(values, np.ndarray)
        or values.dtype != np.dtype(np.float64)
        or values.shape != shape
        or not values.flags.c_contiguous
    ):
        raise MalformedModelError(f"node values must be float64 numbers of shape {shape}")
    if n_classes is not None and ((values < 0).any() or (values.sum(axis=2) > 1 + 1e-6).any()):
        raise MalformedModelError("node values must be class frequencies, between 0 and 1")
