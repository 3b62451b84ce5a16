"""Conditions on raw columns: what a rule asks, exactly, of a number or of a category.

A number meets a condition when it lies in one of its intervals (low, high], whose limits are
exact float64 values; a category when it is in a set. Missing values, and categories that the
model was not fitted on, are said apart. Text is only a rendering of these (`text.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["CategoryCondition", "Column", "Condition", "Interval", "NumberCondition", "limits_of"]

Interval = tuple[float, float]
EVERYWHERE: tuple[Interval, ...] = ((-np.inf, np.inf),)
MISSING, UNSEEN = -1, -2  # codes of values that are not in `Column.categories`


@dataclass(frozen=True)
class Column:
    """A column that rules may speak of.

    Parameters
    ----------
    name : str
        As in the caller's frame; `x0`, `x1`, … for arrays.
    kind : {"number", "category", "derived"}
        `derived` is a model column that cannot be undone (a principal component, a product, the
        result of an arbitrary function): a number with the transformer's name for it.
    categories : tuple
        For a category: the values that the model was fitted on, in the encoder's order.
    refuses_missing, refuses_unseen : bool
        Whether the model raises an error for a missing value, for a category not in the list.
    has_missing : bool
        Whether a value was missing in the rows that the explanation was made from.
    integer : bool
        Whether all values in those rows were whole numbers.
    sources : tuple of str
        For a derived column: the raw columns it is made of.
    written : {"any", "None", "NaN"}
        How a missing category must be written in a column of objects, where the model takes the
        other way for a category that it has not seen.

    Examples
    --------
    >>> Column("purpose", "category", ("car", "tv")).codes(["tv", None, "boat"]).tolist()
    [1, -1, -2]
    """

    name: str
    kind: str = "number"
    categories: tuple = ()
    refuses_missing: bool = False
    refuses_unseen: bool = False
    has_missing: bool = False
    integer: bool = False
    sources: tuple[str, ...] = ()
    written: str = "any"

    def codes(self, values: Iterable) -> npt.NDArray[np.int64]:
        """Position of every value in `categories`: -1 for missing, -2 for any other value."""
        series = pd.Series(values) if not isinstance(values, pd.Series) else values
        position = {category: i for i, category in enumerate(self.categories)}
        if isinstance(series.dtype, pd.CategoricalDtype):  # look up each category, not each row
            of = np.array([position.get(c, UNSEEN) for c in series.cat.categories] + [MISSING])
            return of[series.cat.codes.to_numpy()].astype(np.int64)
        missing = series.isna().to_numpy()
        found = series.astype(object).map(position).to_numpy(np.float64, na_value=np.nan)
        out = np.where(np.isnan(found), UNSEEN, np.nan_to_num(found)).astype(np.int64)
        out[missing] = MISSING
        if self.written != "any" and series.dtype == object:
            as_none = np.array([value is None for value in series], dtype=bool)
            out[missing & (as_none != (self.written == "None"))] = UNSEEN
        return out


@dataclass(frozen=True)
class NumberCondition:
    """The numbers that meet a condition, and whether a missing value does.

    Parameters
    ----------
    column : int
        Position in the rule set's columns.
    intervals : tuple of (float, float)
        Disjoint, ascending; (low, high) holds low < x <= high.
    missing : bool

    Examples
    --------
    >>> import numpy as np
    >>> both = NumberCondition(0, ((-np.inf, 30.0),), True) & NumberCondition(
    ...     0, ((11.0, np.inf),), False
    ... )
    >>> both.intervals, both.missing
    (((11.0, 30.0),), False)
    >>> both.meets(np.array([11.0, 12.0, np.nan])).tolist()
    [False, True, False]
    """

    column: int
    intervals: tuple[Interval, ...]
    missing: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing meets it."""
        return not self.intervals and not self.missing

    def is_everything(self, column: Column) -> bool:
        """Whether every value that the model takes meets it."""
        return self.intervals == EVERYWHERE and (self.missing or column.refuses_missing)

    def meets(self, values: npt.NDArray) -> npt.NDArray[np.bool_]:
        """Which of the values (float64, NaN for missing) meet it."""
        out = np.zeros(len(values), dtype=bool)
        for low, high in self.intervals:
            # -inf itself belongs to the first interval, though it is not above its limit.
            above = (values > low) | (low == -np.inf)
            out |= above & (values <= high)
        return np.where(np.isnan(values), self.missing, out)

    def __and__(self, other: NumberCondition) -> NumberCondition:
        kept = []
        for low, high in self.intervals:
            for other_low, other_high in other.intervals:
                bounds = max(low, other_low), min(high, other_high)
                if bounds[0] < bounds[1]:
                    kept.append(bounds)
        return NumberCondition(self.column, tuple(kept), self.missing and other.missing)

    def complement(self, column: Column) -> NumberCondition:
        """The condition that all other values meet."""
        kept, low = [], -np.inf
        for start, end in self.intervals:
            if start > low:
                kept.append((low, start))
            low = end
        if low < np.inf:
            kept.append((low, np.inf))
        missing = not self.missing and not column.refuses_missing
        return NumberCondition(self.column, tuple(kept), missing)


@dataclass(frozen=True)
class CategoryCondition:
    """The categories that meet a condition, and whether a missing or an unseen one does.

    Parameters
    ----------
    column : int
        Position in the rule set's columns.
    allowed : frozenset of int
        Positions in `Column.categories`.
    missing, unseen : bool

    Examples
    --------
    >>> import numpy as np
    >>> condition = CategoryCondition(0, frozenset({1}), missing=False, unseen=True)
    >>> condition.meets(np.array([0, 1, -1, -2])).tolist()
    [False, True, False, True]
    """

    column: int
    allowed: frozenset[int]
    missing: bool
    unseen: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing meets it."""
        return not self.allowed and not self.missing and not self.unseen

    def is_everything(self, column: Column) -> bool:
        """Whether every value that the model takes meets it."""
        return (
            len(self.allowed) == len(column.categories)
            and (self.missing or column.refuses_missing)
            and (self.unseen or column.refuses_unseen)
        )

    def meets(self, codes: npt.NDArray) -> npt.NDArray[np.bool_]:
        """Which of the codes (`Column.codes`) meet it."""
        table = np.zeros(max([*self.allowed, -1]) + 1, dtype=bool)
        table[list(self.allowed)] = True
        out = np.zeros(len(codes), dtype=bool)
        known = (codes >= 0) & (codes < len(table))
        out[known] = table[codes[known]]
        out[codes == MISSING] = self.missing
        out[codes == UNSEEN] = self.unseen
        return out

    def __and__(self, other: CategoryCondition) -> CategoryCondition:
        return CategoryCondition(
            self.column,
            self.allowed & other.allowed,
            self.missing and other.missing,
            self.unseen and other.unseen,
        )

    def complement(self, column: Column) -> CategoryCondition:
        """The condition that all other values meet."""
        return CategoryCondition(
            self.column,
            frozenset(range(len(column.categories))) - self.allowed,
            not self.missing and not column.refuses_missing,
            not self.unseen and not column.refuses_unseen,
        )


Condition = NumberCondition | CategoryCondition


def limits_of(conditions: Iterable[Condition]) -> npt.NDArray[np.float64]:
    """All finite limits of number conditions, ascending, each once.

    Examples
    --------
    >>> limits_of([NumberCondition(0, ((-np.inf, 3.0), (5.0, 7.0)), False)]).tolist()
    [3.0, 5.0, 7.0]
    """
    found = {
        limit
        for condition in conditions
        if isinstance(condition, NumberCondition)
        for interval in condition.intervals
        for limit in interval
        if np.isfinite(limit)
    }
    return np.array(sorted(found))
