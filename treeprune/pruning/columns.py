"""Raw columns by the names, labels or numbers that users give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["columns_named", "feature_groups_of"]

Array = npt.NDArray


def feature_groups_of(
    feature_groups: Any, names: Sequence[str] | None, n_features: int
) -> tuple[Array, list[Any]]:
    """Number of each model column's raw column, and the labels of the raw columns.

    Parameters
    ----------
    feature_groups : None, array-like of labels, or callable
        A label for every model column; a callable is given the columns' names. None: every
        column is its own.
    names : sequence of str or None
    n_features : int

    Raises
    ------
    ValueError
        If there is not one label for each column, or names are needed and missing.
    """
    own: list[Any] = list(range(n_features)) if names is None else list(names)
    if feature_groups is None:
        labels = own
        if len(set(labels)) < len(labels):
            labels = list(range(n_features))
    elif callable(feature_groups):
        if names is None:
            raise ValueError(
                "feature_groups is a function of column names, but the model was fitted on rows "
                "without names; fit on a frame, or give a label for each column"
            )
        labels = list(feature_groups(list(names)))
    else:
        labels = np.asarray(feature_groups, dtype=object).reshape(-1).tolist()
    if len(labels) != n_features:
        raise ValueError(
            f"feature_groups gives {len(labels)} labels for {n_features} columns; give one each"
        )
    order = {label: k for k, label in enumerate(dict.fromkeys(labels))}
    return np.array([order[label] for label in labels]), list(order)


def columns_named(wanted: Any, labels: list[Any], names: Any, group: Array, what: str) -> Array:
    """Raw columns by label, model column name or model column number.

    Raises
    ------
    ValueError
        If one is none of these.
    """
    if wanted is None:
        return np.zeros(0, np.int64)
    if isinstance(wanted, str):
        wanted = [wanted]
    if np.ndim(wanted) != 1:
        raise ValueError(f"{what} must be a list of columns, got {wanted!r}")
    known = list(names or ())
    out = []
    for column in wanted:
        if column in labels and not isinstance(column, bool):
            out.append(labels.index(column))
        elif isinstance(column, str) and column in known:
            out += [int(group[j]) for j, name in enumerate(known) if name == column]
        elif (
            isinstance(column, int | np.integer)
            and not isinstance(column, bool)
            and 0 <= column < len(group)
        ):
            out.append(int(group[column]))
        else:
            shown = ", ".join(map(str, labels[:30])) + (" …" if len(labels) > 30 else "")
            raise ValueError(
                f"{what} names {column!r}, which is not a column of the model; its columns are "
                f"{shown}"
            )
    return np.unique(np.array(out, dtype=np.int64))
