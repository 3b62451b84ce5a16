"""Points below best: how much lower a row's probability could be by changing one column alone.

The method behind many scorecards' reason codes: a column is a reason by the distance between the
row's probability and the lowest one that any value of that column would give. It also says where
the nearest better value of a number lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..decision import Decision
from .conditions import NumberCondition
from .view import View, rows_of

__all__ = ["Points", "points_below_best", "replaced"]

MOST_VALUES = 32  # of a number, by quantiles, where the model's own limits are not known
MOST_ROWS = 100_000  # asked at once
_SAME = 1e-12


@dataclass(frozen=True, eq=False)
class Points:
    """What each column costs each row.

    Parameters
    ----------
    lost : array of float64, shape (n_rows, n_columns)
        P(adverse) minus the lowest P(adverse) by changing this column alone; zero for derived
        columns, which cannot be changed alone.
    better : array of float64, shape (n_rows, n_columns)
        -1 where the nearest value that gives the lowest is smaller than the row's, 1 where it is
        larger, 0 where neither is.
    side : array of float64, shape (n_rows, n_columns)
        1 where the row's own rule only asks the number to be above a limit, -1 where below, 0
        where neither, or where rules are not the model.

    Examples
    --------
    See `treeprune.Explanation.reasons`.
    """

    lost: npt.NDArray[np.float64]
    better: npt.NDArray[np.float64]
    side: npt.NDArray[np.float64]

    @property
    def sign(self) -> npt.NDArray[np.float64]:
        """1 where a number seems too high, -1 where too low, 0 where that is not known.

        By where the nearest better value lies; where no change of this column alone helps, by the
        side of the limit that the row's own rule asks for.
        """
        return np.where(self.better != 0, -self.better, self.side)


def points_below_best(view: View, decision: Decision, reference: Any, X: Any) -> Points:
    """Points below best of every row and raw column, by asking the model itself.

    Parameters
    ----------
    view : View
    decision : Decision
    reference : array-like
        Rows whose values may be taken on.
    X : array-like, shape (n_rows, n_raw_columns)

    Returns
    -------
    Points

    Notes
    -----
    Costs one prediction for each row and value tried: a value of each stretch between the
    model's own limits where these are known and few, else 32 quantiles; every category seen.
    """
    position = decision.position(view.answers.classes[0])
    frame, others = rows_of(view.feature_map, X), rows_of(view.feature_map, reference)
    n, columns = len(frame), view.feature_map.columns
    lost = np.zeros((n, len(columns)))
    better, side = np.zeros_like(lost), _sides(view, X, lost.shape)
    if n == 0:
        return Points(lost, better, side)
    ask = _asker(view, X, position)
    own = ask(frame)
    limits = view.limits
    for j, column in enumerate(columns[: view.feature_map.n_raw]):
        if j not in limits and view.trees is not None:
            continue  # the trees do not read it
        candidates = _candidates(others[column.name], column.kind, limits.get(j))
        if len(candidates) == 0:
            continue
        # In the reference rows' type, which has all the categories that are tried.
        p = _asked_with(ask, frame, column.name, candidates, others[column.name].dtype)
        lowest = np.minimum(p.min(axis=1), own)
        lost[:, j] = own - lowest
        if column.kind == "number":
            numbers = frame[column.name].to_numpy(np.float64, na_value=np.nan)
            values = np.asarray(candidates, dtype=np.float64)
            gap = np.where(p <= lowest[:, None] + _SAME, values - numbers[:, None], np.nan)
            found = (lost[:, j] > _SAME) & np.isfinite(gap).any(axis=1)
            nearest = np.nanargmin(np.abs(np.where(found[:, None], gap, 0.0)), axis=1)
            better[:, j] = np.where(found, np.sign(gap[np.arange(n), nearest]), 0.0)
    return Points(lost, np.nan_to_num(better), side)


def replaced(
    view: View, decision: Decision, others: Any, X: Any, columns: list[int]
) -> Iterator[tuple[int, npt.NDArray, npt.NDArray, npt.NDArray]]:
    """What each row's own number costs it, compared with other rows' numbers in its place.

    Parameters
    ----------
    view : View
    decision : Decision
    others : array-like, shape (n_others, n_raw_columns)
        Rows whose values are tried: all different ones, or 32 quantiles.
    X : array-like, shape (n_rows, n_raw_columns)
    columns : list of int
        Raw columns of numbers.

    Yields
    ------
    column : int
    own : array of float64, shape (n_rows,)
    values : array of float64, shape (n_values,)
    gain : array of float64, shape (n_rows, n_values)
        P(adverse) of the row as it is minus that with the value.

    Examples
    --------
    See `treeprune.Explanation.reasons`.
    """
    position = decision.position(view.answers.classes[0])
    frame, theirs = rows_of(view.feature_map, X), rows_of(view.feature_map, others)
    ask = _asker(view, X, position)
    own = ask(frame) if len(frame) else np.zeros(0)
    for j in columns:
        name = view.feature_map.columns[j].name
        candidates = _candidates(theirs[name], "number", None)
        if len(frame) == 0 or len(candidates) == 0:
            continue
        p = _asked_with(ask, frame, name, candidates, theirs[name].dtype)
        numbers = frame[name].to_numpy(np.float64, na_value=np.nan)
        yield j, numbers, np.asarray(candidates, dtype=np.float64), own[:, None] - p


def _sides(view: View, X: Any, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """On which side of a limit each row's own rule asks each number to be."""
    out = np.zeros(shape)
    if not view.is_exact or shape[0] == 0:
        return out
    of_rule = np.zeros((len(view.rules) + 1, shape[1]))  # the last row: of no rule
    for i, rule in enumerate(view.rules):
        for condition in rule.conditions:
            if isinstance(condition, NumberCondition) and len(condition.intervals) == 1:
                low, high = condition.intervals[0]
                of_rule[i, condition.column] = float(np.isinf(high)) - float(np.isinf(low))
    return of_rule[view.rules.match(X)]


def _asked_with(
    ask: Any, frame: pd.DataFrame, name: str, candidates: list[Any], dtype: Any
) -> npt.NDArray[np.float64]:
    """P(adverse) of every row with each candidate in place of the column's own value."""
    n, at_once = len(frame), max(1, MOST_ROWS // len(frame))
    parts = []
    for start in range(0, len(candidates), at_once):
        some = candidates[start : start + at_once]
        changed = frame.iloc[np.tile(np.arange(n), len(some))].reset_index(drop=True)
        values = pd.Series(some, dtype=dtype)
        changed[name] = values.repeat(n).reset_index(drop=True)
        parts.append(ask(changed).reshape(len(some), n).T)
    return np.concatenate(parts, axis=1)


def _asker(view: View, X: Any, position: int) -> Any:
    """P(adverse) of a frame of raw columns, given to the model in the caller's own kind."""
    as_array = not hasattr(X, "columns")
    polars = hasattr(X, "to_pandas")

    def ask(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        rows: Any = frame
        if as_array:
            rows = frame.to_numpy()
        elif polars:
            rows = type(X)(frame.to_dict(orient="list"), schema=X.schema)
        return view.answers(rows)[:, 0, position]

    return ask


def _candidates(series: pd.Series, kind: str, limits: npt.NDArray | None) -> list[Any]:
    """Values of the reference rows that stand for all there are."""
    present = series.dropna()
    if kind == "category":
        return list(present.unique())
    values = np.unique(present.to_numpy(np.float64))
    if limits is not None and len(limits) < MOST_VALUES:
        stretch = np.searchsorted(limits, values, side="left")
        # The values next to each limit, so that the nearest better one is near.
        ends = np.flatnonzero(np.diff(stretch))
        kept = np.unique(np.concatenate([[0], ends, ends + 1, [len(values) - 1]]))
        values = values[kept] if len(values) else values
    elif len(values) > MOST_VALUES:
        values = np.unique(
            np.quantile(values, np.linspace(0, 1, MOST_VALUES), method="closest_observation")
        )
    if pd.api.types.is_bool_dtype(series.dtype):
        return [bool(v) for v in values]
    if pd.api.types.is_integer_dtype(series.dtype):
        return [int(v) for v in values]
    return list(values)
