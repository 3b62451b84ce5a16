"""From a split of a model column to a condition on the column behind it.

Thresholds become limits in raw units, indicators of stretches become unions of intervals; whether
a value goes left is decided exactly as the model decides it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..trees import Splits
from .asking import Passes, ask_together, last_trues_together
from .conditions import EVERYWHERE, Condition, NumberCondition
from .limits import float32_limit
from .sources import Memo, Source, any_numbers, refuses

__all__ = [
    "MISSING_NUMBER",
    "Asked",
    "goes_left",
    "goes_left_each",
    "missing_value",
    "on_numbers",
    "on_segments",
]

MISSING_NUMBER = np.array([np.nan])  # one array, for answers are remembered by their question
MISSING_NUMBER.setflags(write=False)


def goes_left(splits: Splits, node: int, z: npt.NDArray) -> npt.NDArray[np.bool_]:
    """Whether values of a model column go left at a node, as the model decides it.

    Parameters
    ----------
    splits : Splits
    node : int
    z : array of float, shape (n,)
        Values of the node's model column.

    Returns
    -------
    array of bool, shape (n,)

    Examples
    --------
    >>> splits = Splits([0, -2, -2], [0.5, -2, -2], [True, False, False], True, 1)
    >>> goes_left(splits, 0, np.array([0.0, 1.0, np.nan])).tolist()
    [True, False, True]
    """
    return goes_left_each(splits, np.array([node]), z)[0]


def goes_left_each(splits: Splits, nodes: npt.NDArray, z: npt.NDArray) -> npt.NDArray[np.bool_]:
    """As `goes_left`, for several nodes of one model column.

    Parameters
    ----------
    splits : Splits
    nodes : array of int, shape (n_nodes,)
    z : array of float, shape (n,)

    Returns
    -------
    array of bool, shape (n_nodes, n)

    Examples
    --------
    >>> splits = Splits([0, 0, -2, -2, -2], [0.5, 2.0, -2, -2, -2], [True] * 5, True, 1)
    >>> goes_left_each(splits, np.array([0, 1]), np.array([0.0, 1.0, np.nan])).tolist()
    [[True, False, True], [True, True, True]]
    """
    z = np.asarray(z, dtype=np.float64)
    below = _below(splits, z, splits.threshold[nodes][:, None])
    out = np.where(np.isnan(z), splits.missing_left[nodes][:, None], below)
    for i, node in enumerate(nodes.tolist()):
        start, end = (0, 0)
        if len(splits.category_offsets) > node + 1:
            start, end = splits.category_offsets[node : node + 2]
        if end > start:
            with np.errstate(invalid="ignore"):
                whole = np.where(np.isfinite(z), np.trunc(z), -1.0)
            out[i] = np.isin(whole, splits.category_values[start:end])
    return out


def missing_value(source: Source, memo: Memo | None = None) -> float | None:
    """What a missing raw number becomes; None where the transformers refuse it."""
    try:
        return float(source.forward(MISSING_NUMBER, memo)[0])
    except ValueError:
        return None


@dataclass(frozen=True, eq=False)
class Asked:
    """A numeric model column with the nodes that split it.

    Parameters
    ----------
    column : int
        Position of the column that conditions speak of.
    source : Source
    nodes : array of int, shape (n_nodes,)
    missing : float or None
        What a missing value becomes: `missing_value`, NaN for derived columns.
    """

    column: int
    source: Source
    nodes: npt.NDArray
    missing: float | None

    def missing_left(self, splits: Splits) -> npt.NDArray[np.bool_]:
        """Where a missing value goes left; nowhere if it is refused."""
        if self.missing is None:
            return np.zeros(len(self.nodes), dtype=bool)
        return goes_left_each(splits, self.nodes, np.array([self.missing]))[:, 0]


def on_numbers(splits: Splits, asked: Sequence[Asked]) -> dict[int, Condition]:
    """Upper limits, in the units of the columns, of the thresholds of nodes.

    Parameters
    ----------
    splits : Splits
    asked : sequence of Asked
        Numbers as they are, non-decreasing functions of them and derived columns.

    Returns
    -------
    dict of int to NumberCondition
        By node.
    """
    out: dict[int, Condition] = {}
    for about, limits in zip(asked, _limits(splits, asked), strict=True):
        source, left = about.source, about.missing_left(splits)
        # A value that is taken for a missing one goes where that goes, whatever the limit.
        special = np.zeros(0)
        if source.special:
            special = source.forward_numbers(np.array(source.special, dtype=np.float64))
        special_left = goes_left_each(splits, about.nodes, special)
        for i, (node, limit) in enumerate(zip(about.nodes.tolist(), limits.tolist(), strict=True)):
            intervals = EVERYWHERE if limit == np.inf else ((-np.inf, limit),)
            if limit == -np.inf:
                intervals = ()
            condition = NumberCondition(about.column, intervals, bool(left[i]))
            for value, goes in zip(source.special, special_left[i], strict=True):
                condition = _with_point(condition, float(value), bool(goes))
            out[node] = condition
    return out


def _limits(splits: Splits, asked: Sequence[Asked]) -> list[npt.NDArray[np.float64]]:
    """The limit of each node of each column; those of all columns are searched together."""
    found = [np.unique(splits.threshold[about.nodes], return_inverse=True) for about in asked]

    def below(thresholds: npt.NDArray) -> Passes:
        return lambda z, which: _below(splits, z, thresholds[which])

    scaled = [k for k, about in enumerate(asked) if about.source.kind == "number"]
    tests = [(asked[k].source, below(found[k][0]), len(found[k][0])) for k in scaled]
    ends = dict(zip(scaled, last_trues_together(tests), strict=True))
    out = []
    for k, (thresholds, which) in enumerate(found):
        limits = ends.get(k, thresholds)
        if k not in ends and splits.cast32:
            limits = np.array([float32_limit(t) for t in thresholds])
        out.append(limits[which])
    return out


def _with_point(condition: NumberCondition, value: float, meets: bool) -> NumberCondition:
    """The condition with a single value let in or left out."""
    below = float(np.nextafter(value, -np.inf))
    beside = ((-np.inf, below), (value, np.inf))
    rest = condition & NumberCondition(condition.column, beside, True)
    point = ((below, value),) if meets else ()
    intervals = _joined(tuple(sorted((*rest.intervals, *point))))
    return NumberCondition(condition.column, intervals, condition.missing)


def on_segments(splits: Splits, asked: Sequence[Asked]) -> dict[int, Condition]:
    """Unions of intervals, for functions that are constant between known cuts.

    Parameters
    ----------
    splits : Splits
    asked : sequence of Asked
        Steps, and tables of categories that are numbers.

    Returns
    -------
    dict of int to NumberCondition
        By node.
    """
    segments = [_segments(about.source) for about in asked]
    memo: Memo = {}
    with any_numbers():
        ask_together([(x.source, at) for x, (_, at) in zip(asked, segments, strict=True)], memo)
        became = [x.source.forward(at, memo) for x, (_, at) in zip(asked, segments, strict=True)]
    out: dict[int, Condition] = {}
    for about, (cuts, _), z in zip(asked, segments, became, strict=True):
        lows, highs = [-np.inf, *cuts.tolist()], [*cuts.tolist(), np.inf]
        left = goes_left_each(splits, about.nodes, z)
        missing_left = about.missing_left(splits)
        for i, node in enumerate(about.nodes.tolist()):
            kept = tuple((lows[k], highs[k]) for k in np.flatnonzero(left[i]))
            out[node] = NumberCondition(about.column, _joined(kept), bool(missing_left[i]))
    return out


def _segments(source: Source) -> tuple[npt.NDArray, npt.NDArray]:
    """Where the segments of a source part, and a value within each."""
    if source.kind == "table":  # categories that are numbers: points on the line
        return _around_points(source)
    cuts = np.asarray(source.cuts, dtype=np.float64)
    # The largest value of a segment stands for it; beyond the last cut the next float does.
    last = np.nextafter(cuts[-1], np.inf, dtype=source.links[0].dtype) if len(cuts) else 1.0
    return cuts, np.append(cuts, last)


def _around_points(source: Source) -> tuple[npt.NDArray, npt.NDArray]:
    """Ends of the segments that have one category, or none, in them; a value within each."""
    points = np.unique(np.array(source.categories, dtype=np.float64))
    apart = np.maximum(1.0, np.abs(points))
    between = np.concatenate(
        [points[:1] - apart[:1], (points[:-1] + points[1:]) / 2, points[-1:] + apart[-1:]]
    )
    if refuses([source], between[:1]):  # nothing can be there
        return points[:-1], points
    inside = np.empty(2 * len(points) + 1)
    inside[0::2], inside[1::2] = between, points
    cuts = np.column_stack([np.nextafter(points, -np.inf), points]).ravel()
    return cuts, inside


def _below(splits: Splits, z: npt.NDArray, thresholds: npt.NDArray) -> npt.NDArray[np.bool_]:
    """Whether the model finds values at or below a threshold each."""
    if splits.cast32:
        with np.errstate(over="ignore"):
            z = z.astype(np.float32).astype(np.float64)
    return z <= thresholds


def _joined(intervals: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Neighbouring intervals as one."""
    out: list[tuple[float, float]] = []
    for low, high in intervals:
        if out and out[-1][1] == low:
            out[-1] = (out[-1][0], high)
        else:
            out.append((low, high))
    return tuple(out)
