"""scikit-learn's `OneHotEncoder` as it is stored, checked before it exists.

Its `transform` writes ones at positions that it computes from stored numbers, through a sparse
matrix whose positions nobody checks: crafted numbers make it write outside its memory. All of
them follow from the categories and from which of these are rare, and must be what follows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..exceptions import MalformedModelError

__all__ = ["check_one_hot"]


def check_one_hot(encoder: Any) -> None:
    """Raise unless the numbers of a fitted encoder follow from its categories.

    Parameters
    ----------
    encoder : OneHotEncoder, or what describes one by the same attribute names

    Raises
    ------
    MalformedModelError
        If categories are repeated, or positions or numbers of columns are not those that follow.

    Examples
    --------
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> encoder = OneHotEncoder(min_frequency=2).fit([["a"], ["a"], ["b"], ["c"]])
    >>> check_one_hot(encoder)
    >>> encoder._default_to_infrequent_mappings[0][0] = 10**9
    >>> try:
    ...     check_one_hot(encoder)
    ... except MalformedModelError as error:
    ...     print(error)
    the encoder does not group the rare categories of column 0 as it says
    """
    categories = encoder.categories_
    if any(getattr(encoder, name) is not None for name in ("drop", "_drop_idx_after_grouping")):
        raise MalformedModelError("the encoder drops categories, which those of treeprune never do")
    n_columns = len(categories)
    none = [None] * n_columns
    rare, mappings = none, none
    if encoder._infrequent_enabled:
        rare, mappings = encoder._infrequent_indices, encoder._default_to_infrequent_mappings
    sizes = encoder._n_features_outs
    if not isinstance(categories, list) or not (
        len(rare) == len(mappings) == len(sizes) == encoder.n_features_in_ == n_columns
    ):
        raise MalformedModelError("the encoder does not say the same number of columns everywhere")
    for j in range(n_columns):
        _check_categories(categories[j], j)
        mapping, size = _following(len(categories[j]), rare[j], j)
        same = mappings[j] is None if mapping is None else _equal(mappings[j], mapping)
        if not same:
            raise MalformedModelError(
                f"the encoder does not group the rare categories of column {j} as it says"
            )
        if not isinstance(sizes[j], (int, np.integer)) or sizes[j] != size:
            raise MalformedModelError(
                f"the encoder makes {size} columns of column {j}, not as said"
            )


def _check_categories(values: Any, column: int) -> None:
    """Each once, and numbers in order: they are found by halving."""
    if not isinstance(values, np.ndarray) or values.ndim != 1:
        raise MalformedModelError(f"categories of column {column} must be a list")
    if values.dtype.kind in "biuf":
        known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        fine = np.array_equal(known, values[: len(known)]) and len(values) - len(known) <= 1
        fine = fine and np.array_equal(np.unique(known), known)
    else:
        missing = sum(value is None or value != value for value in values)
        distinct = {value for value in values if value is not None and value == value}
        fine = len(distinct) + missing == len(values) and missing <= 2  # None and NaN
    if not fine:
        raise MalformedModelError(f"categories of column {column} must stand once each, in order")


def _following(n: int, rare: Any, column: int) -> tuple[np.ndarray | None, int]:
    """Position of each category, and the number of positions: the rare ones share the last."""
    if rare is None:
        return None, n
    if (
        not isinstance(rare, np.ndarray)
        or rare.dtype.kind not in "iu"
        or rare.ndim != 1
        or not len(rare)
        or not np.array_equal(np.unique(rare), np.sort(rare))
        or rare.min() < 0
        or rare.max() >= n
    ):
        raise MalformedModelError(f"rare categories of column {column} must be some of the {n}")
    is_rare = np.zeros(n, bool)
    is_rare[rare] = True
    n_frequent = n - len(rare)
    return np.where(is_rare, n_frequent, np.cumsum(~is_rare) - 1), n_frequent + 1


def _equal(found: Any, wanted: np.ndarray) -> bool:
    return (
        isinstance(found, np.ndarray)
        and found.dtype == np.dtype(np.int64)
        and np.array_equal(found, wanted)
    )
