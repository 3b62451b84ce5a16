"""In which direction a number is at fault, where no change of it alone would help.

Attributions against a baseline are means over its rows. Those against rows with a smaller value
and those against rows with a larger one are taken apart: if only the first push towards the
adverse outcome, the number is too high; if only the second, too low; if both do, neither is said.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..decision import Decision
from .attributions import attribute, towards_adverse
from .points import Points
from .view import View, row

__all__ = ["settled"]

TINY = 1e-12


def settled(
    view: View,
    decision: Decision,
    baseline: Any,
    asked: Any,
    push: npt.NDArray[np.float64],
    points: Points,
) -> Points:
    """Points whose open directions are settled by the baseline, for sums of trees.

    Parameters
    ----------
    view : View
    decision : Decision
    baseline : array-like
        Rows that persons are compared with.
    asked : array-like, shape (n_rows, n_raw_columns)
    push : array of float64, shape (n_rows, n_columns)
        Attributions of these rows towards the adverse class.
    points : Points

    Returns
    -------
    Points

    Notes
    -----
    Two games for each open column and stretch between limits.
    """
    if view.trees is None:
        return points
    values = view.feature_map.values(asked)
    others = view.feature_map.values(baseline)
    side = points.side.copy()
    for j, limits in view.limits.items():
        if view.feature_map.columns[j].kind == "category":
            continue
        is_open = np.array([points.direction(i, j) == "any" for i in range(len(push))], dtype=bool)
        rows = np.flatnonzero((push[:, j] > TINY) & is_open & ~np.isnan(values[j]))
        # Between two limits the model sees one value, so that such rows add nothing.
        own = np.searchsorted(limits, values[j], side="left")
        theirs = np.where(np.isnan(others[j]), -1, np.searchsorted(limits, others[j], side="left"))
        for stretch in np.unique(own[rows]):
            same = rows[own[rows] == stretch]
            parts = ((theirs >= 0) & (theirs < stretch), theirs > stretch)
            lower, higher = (
                _pushed(view, decision, row(baseline, np.flatnonzero(part)), row(asked, same), j)
                for part in parts
            )
            side[same, j] = (lower > TINY).astype(float) - (higher > TINY)
    return Points(points.lost, points.better, side)


def _pushed(
    view: View, decision: Decision, background: Any, asked: Any, j: int
) -> npt.NDArray[np.float64]:
    """What column `j` adds against these background rows; zero without any."""
    if len(background) == 0:
        return np.zeros(len(asked))
    found = attribute(view, asked, game="interventional", background=background)
    return towards_adverse(view, decision, found.values)[:, j]
