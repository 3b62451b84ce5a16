"""Raw columns by the names, labels or numbers that users give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    feature_groups : None, array-like of labels, mapping, or callable
        A label for every model column, in their order; or by their names, where it is a mapping
        or a Series with these names as its index; a callable is given the names. None: every
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
        labels = own if len(set(own)) == len(own) else list(range(n_features))
    else:
        labels = _labels(feature_groups, names)
    if len(labels) != n_features:
        raise ValueError(
            f"feature_groups gives {len(labels)} labels for {n_features} columns; give one each"
        )
    missing = [j for j, label in enumerate(labels) if label is None or label != label]
    if missing:
        raise ValueError(f"feature_groups gives no label for column {missing[0]}")
    order = {label: k for k, label in enumerate(dict.fromkeys(labels))}
    return np.array([order[label] for label in labels]), list(order)


def _labels(feature_groups: Any, names: Sequence[str] | None) -> list[Any]:
    """A label for each column, as given; by name where names are given with them."""
    if callable(feature_groups):
        feature_groups = feature_groups(_known(names))
    if hasattr(feature_groups, "index") and hasattr(feature_groups, "to_dict"):  # a Series
        known = list(names or ())
        by_position = list(feature_groups.index) == list(range(len(feature_groups)))
        if known and sorted(map(str, feature_groups.index)) == sorted(known):
            feature_groups = {str(k): v for k, v in feature_groups.to_dict().items()}
        elif not by_position:
            raise ValueError(
                "feature_groups is a Series whose index is neither the model's column names nor "
                "0, 1, …; give .to_numpy() if its order is that of the columns"
            )
    if isinstance(feature_groups, Mapping):
        lacking = [name for name in _known(names) if name not in feature_groups]
        if lacking:
            raise ValueError(f"feature_groups has no label for the column {lacking[0]!r}")
        return [feature_groups[name] for name in _known(names)]
    if isinstance(feature_groups, str):
        raise ValueError(f"feature_groups must be a label for each column, got {feature_groups!r}")
    given = list(feature_groups)
    if any(np.ndim(label) for label in given):
        raise ValueError(
            "feature_groups must be one label a column, such as ['age', 'city', 'city'], not lists "
            f"of columns; got {given[0]!r} for the first"
        )
    return [label.item() if isinstance(label, np.generic) else label for label in given]


def _known(names: Sequence[str] | None) -> list[str]:
    if names is None:
        raise ValueError(
            "feature_groups goes by column names, but the model was fitted on rows without names; "
            "fit on a frame, or give a label for each column"
        )
    return list(names)


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
