"""From a split of a model column to a condition on the column behind it.

Thresholds become limits in raw units, indicators of stretches become unions of intervals; whether
a value goes left is decided exactly as the model decides it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..trees import Splits
from .conditions import EVERYWHERE, Condition, NumberCondition
from .limits import float32_limit
from .sources import Source, refuses

__all__ = ["goes_left", "missing_value", "on_a_number", "on_segments"]


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
    z = np.asarray(z, dtype=np.float64)
    start, end = (0, 0)
    if len(splits.category_offsets) > node + 1:
        start, end = splits.category_offsets[node : node + 2]
    if end > start:
        with np.errstate(invalid="ignore"):
            whole = np.where(np.isfinite(z), np.trunc(z), -1.0)
        return np.isin(whole, splits.category_values[start:end])
    return np.where(
        np.isnan(z), splits.missing_left[node], _below(splits, z, splits.threshold[node])
    )


def missing_value(source: Source) -> float | None:
    """What a missing raw number becomes; None where the transformers refuse it."""
    try:
        return float(source.forward(np.array([np.nan]))[0])
    except ValueError:
        return None


def on_a_number(
    column: int,
    splits: Splits,
    nodes: npt.NDArray,
    source: Source,
    missing_value: float | None,
) -> dict[int, Condition]:
    """Upper limits, in the units of the column, of the thresholds of these nodes."""
    thresholds, which = np.unique(splits.threshold[nodes], return_inverse=True)
    if source.kind == "number":

        def passes(z: npt.NDArray, i: npt.NDArray) -> npt.NDArray[np.bool_]:
            return _below(splits, z, thresholds[i])

        limits = source.last_trues(passes, len(thresholds))
    elif splits.cast32:
        limits = np.array([float32_limit(t) for t in thresholds])
    else:
        limits = thresholds
    # A value that is taken for a missing one goes where that goes, whatever the limit.
    special = np.zeros(0)
    if source.special:
        special = source.forward_numbers(np.array(source.special, dtype=np.float64))
    out: dict[int, Condition] = {}
    for node, limit in zip(nodes.tolist(), limits[which].tolist(), strict=True):
        intervals = EVERYWHERE if limit == np.inf else ((-np.inf, limit),)
        if limit == -np.inf:
            intervals = ()
        left = missing_value is not None and goes_left(splits, node, np.array([missing_value]))[0]
        condition = NumberCondition(column, intervals, bool(left))
        for value, goes in zip(source.special, goes_left(splits, node, special), strict=True):
            condition = _with_point(condition, float(value), bool(goes))
        out[node] = condition
    return out


def _with_point(condition: NumberCondition, value: float, meets: bool) -> NumberCondition:
    """The condition with a single value let in or left out."""
    below = float(np.nextafter(value, -np.inf))
    beside = ((-np.inf, below), (value, np.inf))
    rest = condition & NumberCondition(condition.column, beside, True)
    point = ((below, value),) if meets else ()
    intervals = _joined(tuple(sorted((*rest.intervals, *point))))
    return NumberCondition(condition.column, intervals, condition.missing)


def on_segments(
    column: int, splits: Splits, nodes: npt.NDArray, source: Source
) -> dict[int, Condition]:
    """Unions of intervals, for a function that is constant between known cuts."""
    if source.kind == "table":  # categories that are numbers: points on the line
        cuts, inside = _around_points(source)
    else:
        cuts = np.asarray(source.cuts, dtype=np.float64)
        # The largest value of a segment stands for it; beyond the last cut the next float does.
        last = np.nextafter(cuts[-1], np.inf, dtype=source.links[0].dtype) if len(cuts) else 1.0
        inside = np.append(cuts, last)
    lows, highs = np.append(-np.inf, cuts), np.append(cuts, np.inf)
    at, missing = source.forward_numbers(inside), missing_value(source)
    out: dict[int, Condition] = {}
    for node in nodes.tolist():
        left = goes_left(splits, node, at)
        kept = tuple((float(a), float(b)) for a, b, go in zip(lows, highs, left, strict=True) if go)
        goes = missing is not None and goes_left(splits, node, np.array([missing]))[0]
        out[node] = NumberCondition(column, _joined(kept), bool(goes))
    return out


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
