"""Rows made from rules alone: at every limit, for every category, and with values missing.

A saved model holds no rows. To compare rules with it all the same, each rule is met once, and
each of its conditions is then tried at its limits and just beyond, so that a limit that is off by
the last bit, or a category or missing value sent elsewhere, shows.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..explain.conditions import CategoryCondition, NumberCondition, limits_of

if TYPE_CHECKING:
    from ..explain import RuleSet
    from ..explain.conditions import Column, Condition
    from .opening import OpenedModel

__all__ = [
    "beside",
    "few_digits",
    "probes",
    "shortened",
    "start_rows",
    "written_limit",
    "written_limits",
]

DIGITS = 6
MOST_DIGITS = 18  # of a float64

Around = Callable[[float], list[float]]


def start_rows(asked: OpenedModel) -> pd.DataFrame:
    """Two rows of a model's columns and types: one of plain values, one of missing ones.

    Parameters
    ----------
    asked : OpenedModel

    Returns
    -------
    DataFrame, shape (2, n_columns)
        A number is no whole one, so that nothing is taken to be.
    """
    columns = {}
    for column in asked.about["columns"]:
        known = [c for c in column["categories"] or () if c is not None]
        columns[column["name"]] = _series([known[0] if known else 0.5, None], column)
    return pd.DataFrame(columns)


def _series(values: list[Any], column: dict[str, Any]) -> pd.Series:
    known = column["categories"]
    if known is None or not any(isinstance(c, str) for c in known):
        return pd.Series(values, dtype=np.float64)
    return pd.Series(pd.Categorical(values))


def beside(limit: float) -> list[float]:
    """The limit and the next float64 above it.

    Examples
    --------
    >>> low, high = beside(11.5)
    >>> low, low < high < 11.500001
    (11.5, True)
    """
    return [limit, float(np.nextafter(limit, np.inf))]


def few_digits(limit: float) -> list[float]:
    """The decimals of six digits nearest to the limit, on both sides.

    Examples
    --------
    >>> few_digits(3913.5001)
    [3913.49, 3913.5, 3913.51]
    """
    low = Decimal(written_limit(limit))
    unit = _unit(limit)
    return [float(low + k * unit) for k in (-1, 0, 1)]


def probes(rules: RuleSet, asked: OpenedModel, around: Around = beside) -> pd.DataFrame:
    """Rows that meet each rule, and rows at and beyond each of its conditions.

    Parameters
    ----------
    rules : RuleSet
        Of the model, over raw columns only.
    asked : OpenedModel
    around : callable
        Numbers to try at a limit.

    Returns
    -------
    DataFrame
        All raw columns; those that no rule asks about hold one plain value.
    """
    rows: list[dict[int, Any]] = []
    for rule in rules:
        inside = {c.column: _met(c, rules.columns[c.column], around) for c in rule.conditions}
        rows.append(inside)
        for c in rule.conditions:
            values = _tried(c, rules.columns[c.column], around)
            rows += [{**inside, c.column: value} for value in values]
    plain = start_rows(asked).iloc[0]
    positions = {column.name: i for i, column in enumerate(rules.columns)}
    columns = {}
    for column in asked.about["columns"]:
        name = column["name"]
        at = positions[name]
        columns[name] = _series([row.get(at, plain[name]) for row in rows], column)
    return pd.DataFrame(columns)


def shortened(X: pd.DataFrame) -> pd.DataFrame:
    """The same rows, all numbers whole or of six digits.

    Examples
    --------
    >>> shortened(pd.DataFrame({"a": [0.12345678, 1234567.0]}))["a"].tolist()
    [0.123457, 1234567.0]
    """
    out = X.copy()
    for name in out.select_dtypes("number"):
        out[name] = [v if v == np.floor(v) else float(f"{v:.{DIGITS}g}") for v in out[name]]
    return out


def _met(condition: Condition, column: Column, around: Around) -> Any:
    """A value that meets a condition."""
    if isinstance(condition, NumberCondition):
        candidates = [0.0, *_numbers(condition, around), *_middles(condition)]
        values = np.array(candidates)
        met = condition.meets(values)
        return candidates[int(np.argmax(met))] if met.any() else None
    if condition.allowed:
        return column.categories[min(condition.allowed)]
    return _unseen(column) if condition.unseen else None


def _middles(condition: NumberCondition) -> list[float]:
    ends = [(low, high) for low, high in condition.intervals if isfinite(low) and isfinite(high)]
    return [low + (high - low) / 2 for low, high in ends] + [high for _, high in ends]


def _tried(condition: Condition, column: Column, around: Around) -> list[Any]:
    """Values on both sides of a condition, and a missing one."""
    if isinstance(condition, CategoryCondition):
        return [*column.categories, _unseen(column), None]
    return [*_numbers(condition, around), None]


def _numbers(condition: NumberCondition, around: Around) -> list[float]:
    ends = {end for interval in condition.intervals for end in interval if isfinite(end)}
    return [value for end in sorted(ends) for value in around(end)]


def _unseen(column: Column) -> Any:
    """A category that the model cannot have met."""
    if not any(isinstance(c, str) for c in column.categories):
        return float(max((c for c in column.categories if c is not None), default=0)) + 1
    text = "not seen at fit"
    while text in column.categories:
        text += "."
    return text


def written_limits(rules: RuleSet) -> dict[tuple[int, float], str]:
    """How limits are printed where no rows are known; see `written_limit`.

    Parameters
    ----------
    rules : RuleSet

    Returns
    -------
    dict of (int, float) to str
        By column and exact limit; no two limits of a column look alike.

    Examples
    --------
    >>> from treeprune.explain import Rule, RuleSet
    >>> rule = Rule((NumberCondition(0, ((-np.inf, 11.5),), True),), np.array([[0.5]]))
    >>> written_limits(RuleSet((), (rule,)))
    {(0, 11.5): '11.5'}
    """
    asked: dict[int, list[Condition]] = {}
    for rule in rules:
        for condition in rule.conditions:
            asked.setdefault(condition.column, []).append(condition)
    out: dict[tuple[int, float], str] = {}
    for column, conditions in asked.items():
        limits = limits_of(conditions).tolist()
        texts = [written_limit(limit) for limit in limits]
        for digits in range(DIGITS + 1, MOST_DIGITS):
            if len(set(texts)) == len(limits):
                break
            texts = [written_limit(limit, digits) for limit in limits]
        out |= {(column, limit): text for limit, text in zip(limits, texts, strict=True)}
    return out


def written_limit(limit: float, digits: int = DIGITS) -> str:
    """A limit rounded down to six digits, or to a whole number where that takes more.

    Parameters
    ----------
    limit : float
        The largest number that still meets a condition.
    digits : int
        Six or more.

    Returns
    -------
    str

    Notes
    -----
    No number of up to six digits, and no whole number, lies between what is written and the limit:
    all of these go where the model sends them.

    Examples
    --------
    >>> written_limit(3913.5001220703125), written_limit(4.8789997), written_limit(1234567.5)
    ('3913.5', '4.87899', '1234567')
    """
    unit = _unit(limit, digits)
    last = (Decimal(limit) / unit).to_integral_value(ROUND_FLOOR) * unit
    if float(last + unit) <= limit:  # the limit is that number but for binary rounding
        last += unit
    if not last:
        return "0"
    text = f"{last:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _unit(limit: float, digits: int = DIGITS) -> Decimal:
    """The last of so many digits, at most 1."""
    place = Decimal(limit).adjusted() + 1 - digits if limit else 0
    return Decimal(1).scaleb(min(0, place))
