"""Raw rows with other values: the same table, columns and types, so that the model takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from .conditions import MISSING, Column
from .rules import RuleSet
from .tables import as_frame

__all__ = ["raw_value", "row_of", "rows_with", "with_values"]


def row_of(X_row: Any) -> Any:
    """One row as it can be changed: pandas frames and arrays as they are, polars as pandas.

    Raises
    ------
    ValueError
        If it is not a single row.

    Examples
    --------
    >>> row_of(np.zeros((1, 2))).shape
    (1, 2)
    """
    if hasattr(X_row, "to_pandas"):
        X_row = X_row.to_pandas()
    elif sparse.issparse(X_row):
        X_row = X_row.toarray()
    elif not isinstance(X_row, pd.DataFrame):
        X_row = np.asarray(X_row)
    if X_row.ndim != 2 or len(X_row) != 1:
        raise ValueError(
            f"one row is needed, of shape (1, n_columns); got shape {X_row.shape}. Give X.iloc[[i]]"
        )
    return X_row


def _position(rules: RuleSet, X: Any, column: int) -> int:
    """Where a raw column stands in a table."""
    by_name = rules.feature_map.named if rules.feature_map is not None else True
    if not by_name or not hasattr(X, "columns"):
        return column
    return list(as_frame(X).columns).index(rules.columns[column].name)


def raw_value(rules: RuleSet, X_row: Any, column: int) -> Any:
    """A row's own value as a plain Python value; None for missing.

    Parameters
    ----------
    rules : RuleSet
    X_row : DataFrame or array, shape (1, n_raw_columns)
    column : int
        Position among the rules' columns.

    Examples
    --------
    >>> rules = RuleSet((Column("age"),), ())
    >>> raw_value(rules, pd.DataFrame({"age": [30]}), 0)
    30
    """
    place = _position(rules, X_row, column)
    value = X_row.iloc[0, place] if hasattr(X_row, "iloc") else X_row[0, place]
    if value is None or pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def with_values(rules: RuleSet, X_row: Any, values: Mapping[int, float | int]) -> Any:
    """A row with other values in some columns.

    Parameters
    ----------
    rules : RuleSet
    X_row : DataFrame or array, shape (1, n_raw_columns)
    values : mapping of int to number or code
        By position of the raw column: a number (NaN for missing), or the code of a category
        (-1 for missing, -2 for one that was not seen at fit).

    Returns
    -------
    DataFrame or array
        A new one; a column keeps its type wherever that can hold the new value.

    Examples
    --------
    >>> rules = RuleSet((Column("age"), Column("job", "category", ("a", "b"))), ())
    >>> row = pd.DataFrame({"age": [30], "job": ["a"]})
    >>> with_values(rules, row, {0: 25.0, 1: 1}).values.tolist()
    [[25, 'b']]
    """
    row = row_of(X_row)
    out = rows_with(rules, row, [values])
    return out.set_axis(row.index, axis=0) if isinstance(row, pd.DataFrame) else out


def rows_with(rules: RuleSet, X_row: Any, changes: Sequence[Mapping[int, float | int]]) -> Any:
    """A row changed in several ways, as one table.

    Parameters
    ----------
    rules, X_row
        As in `with_values`.
    changes : sequence of mapping
        Values such as `with_values` takes.

    Returns
    -------
    DataFrame or array, shape (n_changes, n_raw_columns)

    Examples
    --------
    >>> rules = RuleSet((Column("age"),), ())
    >>> rows_with(rules, pd.DataFrame({"age": [30]}), [{}, {0: 31.0}])["age"].tolist()
    [30, 31]
    """
    row = row_of(X_row)
    new: dict[int, dict[int, Any]] = {}
    for k, values in enumerate(changes):
        for column, value in values.items():
            at = _position(rules, row, column)
            new.setdefault(at, {})[k] = _raw(rules.columns[column], value)
    if not isinstance(row, pd.DataFrame):
        return _array_with(row, new, len(changes))
    out = row.iloc[np.zeros(len(changes), dtype=int)].reset_index(drop=True)
    for at, raw in new.items():
        out.isetitem(at, _series_with(out.iloc[:, at], raw))  # type: ignore[arg-type]
    return out


def _raw(about: Column, new: float | int) -> Any:
    """A value as raw rows hold it; None for missing."""
    if about.kind != "category":
        return None if np.isnan(new) else float(new)
    if new == MISSING:
        return None
    if new >= 0:
        return about.categories[int(new)]
    if all(isinstance(c, int | float) for c in about.categories):
        return max(about.categories, default=0) + 1
    text = "not seen at fit"
    while text in about.categories:
        text += "."
    return text


def _series_with(series: pd.Series, new: dict[int, Any]) -> pd.Series:
    """A column with other values at some rows, of the same type where that can hold them."""
    values = series.tolist()
    for k, value in new.items():
        values[k] = value
    dtype: Any = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        known = list(dtype.categories)
        known += [v for v in dict.fromkeys(new.values()) if v is not None and v not in known]
        return pd.Series(values, dtype=pd.CategoricalDtype(known, ordered=dtype.ordered))
    try:
        out = pd.Series(values, dtype=dtype)
    except (TypeError, ValueError, OverflowError):
        out = None
    if out is not None and all(_same(out.iloc[k], value) for k, value in new.items()):
        return out
    numbers = all(value is None or isinstance(value, int | float) for value in new.values())
    wider: Any = np.float64 if numbers else object
    return pd.Series([np.nan if pd.isna(v) else v for v in values], dtype=wider)


def _same(held: Any, value: Any) -> bool:
    """Whether a column holds the value that was to be written, None being any missing one."""
    return bool(pd.isna(held)) if value is None else bool(held == value)


def _array_with(row: np.ndarray, new: dict[int, dict[int, Any]], n: int) -> np.ndarray:
    written = [v for raw in new.values() for v in raw.values()]
    fits = row.dtype == object or all(v is not None and _holds(row.dtype, v) for v in written)
    out = np.repeat(row if fits else row.astype(np.float64), n, axis=0)
    for at, raw in new.items():
        for k, value in raw.items():
            out[k, at] = np.nan if value is None else value
    return out


def _holds(dtype: Any, value: Any) -> bool:
    """Whether an array of this type holds a number exactly."""
    try:
        with np.errstate(invalid="ignore", over="ignore"):
            return bool(np.asarray(value, dtype=dtype).item() == value)
    except OverflowError:  # a number beyond the whole ones
        return False
