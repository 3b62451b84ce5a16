"""Sensitive columns as groups of held-out rows.

Models never see these columns; they are kept to compare groups by. Numbers with many values, such
as ages, become bands whose limits are in their names, so that nothing has to be looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..metrics.groups import FEWEST_ROWS, MOST_GROUPS
from .figures import plain

if TYPE_CHECKING:
    from .study import Study

__all__ = ["GroupColumn", "group_columns", "groups_of"]

FEW_VALUES = 10  # a number with at most this many values is grouped by value
BANDS = 4


@dataclass(frozen=True, eq=False)
class GroupColumn:
    """A sensitive column as groups.

    Parameters
    ----------
    name : str
    groups : Series
        A group a held-out row; missing values are kept.
    bands : int or None
        Number of bands that a number is cut into.
    too_many : int or None
        Number of groups that are large enough to be shown, where these are too many to compare.

    Examples
    --------
    >>> GroupColumn("sex", pd.Series(["f", "m"]), None, None).name
    'sex'
    """

    name: str
    groups: pd.Series
    bands: int | None
    too_many: int | None


def group_columns(study: Study) -> list[GroupColumn]:
    """The study's sensitive columns as groups, in the order given.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of GroupColumn
        Empty without sensitive columns.

    Examples
    --------
    >>> from treeprune.report import Table, study_of
    >>> frame = pd.DataFrame({"x": range(80), "age": range(80), "y": [0, 1] * 40})
    >>> study = study_of(Table(frame, ""), name="toy", target="y", sensitive=["age"])
    >>> [(column.name, column.bands) for column in group_columns(study)]
    [('age', 4)]
    """
    if study.sensitive is None:
        return []
    out = []
    for name in study.sensitive.columns:
        groups, bands = groups_of(study.sensitive[name])
        shown = int((groups.value_counts(dropna=False) >= FEWEST_ROWS).sum())
        out.append(GroupColumn(str(name), groups, bands, shown if shown > MOST_GROUPS else None))
    return out


def groups_of(values: pd.Series) -> tuple[pd.Series, int | None]:
    """Values as groups, and the number of bands that they were cut into.

    Parameters
    ----------
    values : Series
        Numbers or categories.

    Returns
    -------
    Series
        Of numbers: categories in the order of the numbers, at most four bands of about equally
        many rows where there are more than ten values. All else as it is. Missing values stay.
    int or None
        None where there are no bands.

    Examples
    --------
    >>> groups_of(pd.Series([1.0, 0.0, None]))[0].tolist()
    ['1', '0', nan]
    >>> groups_of(pd.Series(range(12)))[0].unique().tolist()
    ['up to 2', 'over 2 to 5', 'over 5 to 8', 'over 8']
    """
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values, None
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    found = np.unique(numbers[np.isfinite(numbers)])
    if len(found) > FEW_VALUES:
        return _banded(numbers, values)
    names = [_exact(value) for value in found.tolist()]
    codes = np.where(np.isfinite(numbers), np.searchsorted(found, numbers), -1)
    return _categories(codes, names, values), None


def _banded(numbers: np.ndarray, values: pd.Series) -> tuple[pd.Series, int]:
    limits = _limits(numbers[np.isfinite(numbers)])
    texts = [_exact(limit) for limit in limits.tolist()]
    names = [
        f"up to {texts[0]}",
        *(f"over {low} to {high}" for low, high in pairwise(texts)),
        f"over {texts[-1]}",
    ]
    codes = np.where(np.isfinite(numbers), np.searchsorted(limits, numbers), -1)
    return _categories(codes, names, values), len(names)


def _exact(value: float) -> str:
    """A number as short as it can be told from all others."""
    text = plain(value)
    return text if float(text) == value else repr(value)


def _limits(numbers: np.ndarray) -> np.ndarray:
    """Quartiles that leave no band empty, with as few digits as cut the same rows."""
    shares = np.arange(1, BANDS) / BANDS
    quartiles = np.quantile(numbers, shares, method="inverted_cdf")
    # A limit holds all rows up to and including it, so that none may be the largest value.
    below = numbers[numbers < numbers.max()].max()
    limits = np.unique(np.minimum(quartiles, below))
    bands = np.searchsorted(limits, numbers)
    for digits in range(3, 18):
        short = np.array([float(f"{limit:.{digits}g}") for limit in limits])
        if np.array_equal(np.searchsorted(short, numbers), bands):
            return short
    return limits


def _categories(codes: np.ndarray, names: list[str], values: pd.Series) -> pd.Series:
    ordered = pd.Categorical.from_codes(codes.astype(np.int64), categories=pd.Index(names))
    return pd.Series(ordered, index=values.index, name=values.name)
