"""Limits on how far groups may be apart, as somebody states them: `selection_rate_ratio>=0.8`.

A stated limit changes no model. The report answers which step of the path would keep it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..metrics.group_figures import DIFFERENCES
from .figures import plain
from .intake import InputRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .sensitive import GroupColumn

__all__ = ["StatedLimit", "bounds_by_column"]

FORM = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*(>=|<=)\s*(\S+)\s*", re.DOTALL)


@dataclass(frozen=True)
class StatedLimit:
    """A bound of one figure, for one sensitive column or for each of them.

    Parameters
    ----------
    figure : str
        One of `treeprune.metrics.group_fairness.DIFFERENCES`.
    column : str or None
        The sensitive column; None for each of them.
    low, high : float or None
        Inclusive bounds, None for no bound.

    Examples
    --------
    >>> StatedLimit.parsed("tpr_difference (sex) <= 0.1")
    StatedLimit(figure='tpr_difference', column='sex', low=None, high=0.1)
    """

    figure: str
    column: str | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def parsed(cls, text: str) -> StatedLimit:
        """The limit that a text states.

        Parameters
        ----------
        text : str
            A figure, a sensitive column in brackets if need be, `>=` or `<=`, and a number.

        Raises
        ------
        ValueError
            If it has another form, the figure is not known, or the number is no value of it.

        Examples
        --------
        >>> StatedLimit.parsed("selection_rate_ratio>=0.8").words
        'selection_rate_ratio >= 0.8'
        """
        form = 'give a figure, >= or <= and a number, such as "selection_rate_ratio>=0.8"'
        found = FORM.fullmatch(text)
        if found is None:
            raise ValueError(form)
        figure, column, sign, number = found.groups()
        if figure not in DIFFERENCES:
            raise ValueError(f"{form}; the figures are: {', '.join(DIFFERENCES)}")
        try:
            bound = float(number)
        except ValueError as error:
            raise ValueError(f"{number!r} is not a number; {form}") from error
        if not 0 <= bound <= 1:
            raise ValueError(f"{number} is not between 0 and 1, where such figures lie")
        low, high = (bound, None) if sign == ">=" else (None, bound)
        return cls(figure, column, low, high)

    @property
    def words(self) -> str:
        """The limit as it is read."""
        name = self.figure if self.column is None else f"{self.figure} ({self.column})"
        if self.high is None:
            return f"{name} >= {plain(self.low or 0.0)}"
        low = "" if self.low is None else f"{plain(self.low)} <= "
        return f"{low}{name} <= {plain(self.high)}"


def bounds_by_column(
    limits: Sequence[StatedLimit], columns: Sequence[GroupColumn]
) -> dict[str, tuple[float | None, float | None]]:
    """Bounds of the columns of `fairness_path`; of several bounds of one figure the narrowest.

    Parameters
    ----------
    limits : sequence of StatedLimit
    columns : sequence of GroupColumn
        The sensitive columns.

    Returns
    -------
    dict of str to (low, high)

    Raises
    ------
    InputRefused
        If a limit is of no sensitive column, or of one with too many groups, or if two limits
        contradict each other.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report.sensitive import GroupColumn
    >>> sex = GroupColumn("sex", pd.Series(["f", "m"]), None, None)
    >>> bounds_by_column([StatedLimit("fpr_difference", high=0.1)], [sex])
    {'fpr_difference': (None, 0.1)}
    """
    usable = [column.name for column in columns if column.too_many is None]
    found: dict[str, tuple[float | None, float | None]] = {}
    for limit in limits:
        _check(limit, columns, usable)
        for name in usable if limit.column is None else [limit.column]:
            # With one sensitive column the path's table does not name it.
            key = f"{limit.figure} ({name})" if len(usable) > 1 else limit.figure
            low, high = found.get(key, (None, None))
            lows = [x for x in (low, limit.low) if x is not None]
            highs = [x for x in (high, limit.high) if x is not None]
            found[key] = max(lows, default=None), min(highs, default=None)
    for key, (low, high) in found.items():
        if low is not None and high is not None and low > high:
            raise InputRefused(
                f"the limits {key} >= {plain(low)} and {key} <= {plain(high)} contradict each other"
            )
    return found


def _check(limit: StatedLimit, columns: Sequence[GroupColumn], usable: list[str]) -> None:
    names = [column.name for column in columns]
    if not names or (limit.column is not None and limit.column not in names):
        listed = ", ".join(names) or "none"
        raise InputRefused(
            f"--limit {limit.words!r} needs a column named by --sensitive; these are: {listed}"
        )
    if not usable or (limit.column is not None and limit.column not in usable):
        name = limit.column or names[0]
        many = next(column.too_many for column in columns if column.name == name)
        raise InputRefused(
            f"--limit {limit.words!r}: {name} has {many} groups, too many to compare; give a "
            "column with fewer"
        )
