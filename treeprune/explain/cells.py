"""Cells: the pieces of a column that no rule tells apart, and which rules take each of them.

The limits of all rules cut a number into intervals, a category column into single categories;
missing and unseen values are pieces of their own. Two conditions can be met at once exactly when
some piece meets both, so that all questions about overlap are bit operations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .conditions import (
    EVERYWHERE,
    MISSING,
    UNSEEN,
    CategoryCondition,
    Column,
    Condition,
    NumberCondition,
    limits_of,
)
from .rules import RuleSet

__all__ = ["Cells", "cells_of", "everything", "representative"]


@dataclass(frozen=True, eq=False)
class Cells:
    """For each column that rules ask for: its cells, and which rules meet them.

    Parameters
    ----------
    points : dict of int to array
        By column, a value in each cell: numbers ascending (the upper end of each interval, inf
        for the last), then NaN for missing; or codes of categories.
    meets : dict of int to array of bool, shape (n_rules, n_cells)
        By column, which cells meet the condition of which rule.
    bits : dict of int to array of uint64, shape (n_rules, n_words)
        `meets`, packed.
    n_rules : int

    Examples
    --------
    >>> from treeprune.explain.rules import Rule
    >>> low, high = (NumberCondition(0, (i,), False) for i in ((-np.inf, 3.0), (3.0, np.inf)))
    >>> value = np.zeros((1, 1))
    >>> rules = RuleSet((Column("age", refuses_missing=True),), (Rule((low,), value),
    ...     Rule((high,), value)))
    >>> cells = cells_of(rules)
    >>> cells.points[0].tolist(), cells.meets[0].tolist(), cells.overlap(0, 0).tolist()
    ([3.0, inf], [[True, False], [False, True]], [True, False])
    """

    points: dict[int, npt.NDArray]
    meets: dict[int, npt.NDArray[np.bool_]]
    bits: dict[int, npt.NDArray[np.uint64]]
    n_rules: int

    def overlap(self, column: int, rule: int) -> npt.NDArray[np.bool_]:
        """Which rules some value of the column meets together with this rule, shape (n_rules,)."""
        bits = self.bits[column]
        return np.asarray((bits & bits[rule]).any(axis=1))

    def overlap_pairs(
        self, column: int, first: npt.NDArray, second: npt.NDArray
    ) -> npt.NDArray[np.bool_]:
        """Which pairs of rules some value of the column meets at once, shape (n_pairs,)."""
        bits = self.bits[column]
        return np.asarray((bits[first] & bits[second]).any(axis=1))


def cells_of(rules: RuleSet) -> Cells:
    """Cut the columns of a rule set into cells.

    Parameters
    ----------
    rules : RuleSet

    Returns
    -------
    Cells

    Notes
    -----
    O(conditions · cells of a column).

    Examples
    --------
    >>> from treeprune.explain.rules import Rule
    >>> condition = CategoryCondition(0, frozenset({0}), False, False)
    >>> rules = RuleSet((Column("c", "category", ("a", "b")),), (Rule((condition,), np.zeros(1)),))
    >>> cells_of(rules).points[0].tolist()  # two categories, missing, unseen
    [0, 1, -1, -2]
    """
    asked: dict[int, list[tuple[int, Condition]]] = {}
    for i, rule in enumerate(rules.rules):
        for condition in rule.conditions:
            asked.setdefault(condition.column, []).append((i, condition))
    points, meets, bits = {}, {}, {}
    for c in sorted(asked):
        points[c] = points_of(rules.columns[c], (condition for _, condition in asked[c]))
        # A rule that asks nothing takes every cell.
        meets[c] = np.ones((len(rules), len(points[c])), dtype=bool)
        known: dict[Condition, npt.NDArray[np.bool_]] = {}
        for i, condition in asked[c]:
            if condition not in known:
                known[condition] = condition.meets(points[c])
            meets[c][i] = known[condition]
        bits[c] = packed(meets[c])
    return Cells(points, meets, bits, len(rules))


def packed(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Rows of booleans as words of 64 bits."""
    width = -(-mask.shape[1] // 64) * 64
    padded = np.zeros((len(mask), width), dtype=bool)
    padded[:, : mask.shape[1]] = mask
    return np.packbits(padded, axis=1).view(np.uint64)


def points_of(column: Column, conditions: Iterable[Condition]) -> npt.NDArray:
    """A value in each cell of a column."""
    if column.kind == "category":
        codes = list(range(len(column.categories)))
        codes += [] if column.refuses_missing else [MISSING]
        codes += [] if column.refuses_unseen else [UNSEEN]
        return np.array(codes, dtype=np.int64)
    ends = [*limits_of(conditions), np.inf]
    return np.array(ends if column.refuses_missing else [*ends, np.nan])


def everything(column: int, about: Column) -> Condition:
    """The condition that every value of a column meets.

    Examples
    --------
    >>> everything(0, Column("age", refuses_missing=True))
    NumberCondition(column=0, intervals=((-inf, inf),), missing=False)
    """
    if about.kind == "category":
        return CategoryCondition(
            column,
            frozenset(range(len(about.categories))),
            not about.refuses_missing,
            not about.refuses_unseen,
        )
    return NumberCondition(column, EVERYWHERE, not about.refuses_missing)


def representative(
    condition: Condition, about: Column, seen: npt.NDArray | None = None
) -> float | int:
    """A value that meets a condition, one that occurs where possible.

    Parameters
    ----------
    condition : NumberCondition or CategoryCondition
        Not empty.
    about : Column
    seen : array, optional
        Values of the column on rows: of those that meet it the middle number or the most
        frequent category is taken.

    Returns
    -------
    float or int
        A number (NaN for missing) or the code of a category.

    Examples
    --------
    >>> representative(NumberCondition(0, ((11.0, 30.0),), True), Column("age", integer=True))
    20.0
    """
    if seen is not None:
        present = seen[~np.isnan(seen)] if about.kind != "category" else seen[seen >= 0]
        present = np.sort(present[condition.meets(present)])
        if len(present) and about.kind != "category":
            return float(present[len(present) // 2])
        if len(present):
            return int(np.bincount(present).argmax())
    if isinstance(condition, CategoryCondition):
        return min(condition.allowed, default=MISSING if condition.missing else UNSEEN)
    if not condition.intervals:
        return float("nan")
    for interval in condition.intervals:
        whole = _between(*interval, whole=True)
        if about.integer and interval[0] < whole <= interval[1]:
            return whole
    return _between(*condition.intervals[0], whole=False)


def _between(low: float, high: float, *, whole: bool) -> float:
    """A number in (low, high], a whole one where asked and where there is any."""
    if np.isinf(low) and np.isinf(high):
        return 0.0
    if np.isinf(low):
        return float(np.floor(high)) if whole else high
    if np.isinf(high):
        above = np.floor(low) + 1.0 if whole else low + 1.0
        return float(above) if above > low else float(np.nextafter(low, np.inf))
    middle: Any = low + (high - low) / 2
    if whole:
        return float(np.floor(middle) if np.floor(middle) > low else np.floor(high))
    return float(middle) if low < middle <= high else high
