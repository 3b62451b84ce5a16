"""In which direction a number is at fault: too high, too low, or not to be said.

A column is a reason against a baseline, so that its direction must hold against the same rows: what
it adds against rows with a smaller value and against rows with a larger one are taken apart. Only
where the first alone push towards the adverse outcome may the number be called high, and low where
only the second do. Where the nearest better value lies must agree; where no change of the number
alone would help, the baseline decides by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..decision import Decision
from .attributions import play_network, towards_adverse, tree_game
from .checks import Check
from .points import Points, replaced
from .view import View, row, rows_of

__all__ = ["AGREED", "DIRECTION_WORDS", "Directions", "settled"]

Array = npt.NDArray[np.float64]

AGREED = "directions agree with the baseline"  # name of the check
DIRECTION_WORDS = {1: "high", -1: "low", 0: "any"}
TINY = 1e-12
MOST_ROWS = 100  # of a baseline, where rules are not the model


@dataclass(frozen=True, eq=False)
class Directions:
    """Directions of numbers that are reasons, with what speaks for them.

    Parameters
    ----------
    sign : array of float64, shape (n_rows, n_columns)
        1 where the number is too high, -1 where it is too low, 0 where neither may be said.
    lower, higher : array of float64, shape (n_rows, n_columns)
        What the column adds towards the adverse class against baseline rows with a smaller, and
        with a larger value; 0 without any.
    check : Check or None
        Whether every direction is borne out by the baseline's own values; None where none is said.

    Examples
    --------
    See `treeprune.Explanation.reasons`.
    """

    sign: Array
    lower: Array
    higher: Array
    check: Check | None

    def word(self, i: int, j: int) -> str:
        """`high`, `low` or `any`, as `Decision.wording` knows them.

        Examples
        --------
        >>> Directions(np.array([[-1.0]]), np.zeros((1, 1)), np.ones((1, 1)), None).word(0, 0)
        'low'
        """
        return DIRECTION_WORDS[int(self.sign[i, j])]


def settled(
    view: View,
    decision: Decision,
    baseline: Any,
    asked: Any,
    said: npt.NDArray[np.bool_],
    points: Points,
) -> Directions:
    """Directions of the columns that are reasons, of every row.

    Parameters
    ----------
    view : View
    decision : Decision
    baseline : array-like, shape (n_background, n_raw_columns)
        Rows that persons are compared with.
    asked : array-like, shape (n_rows, n_raw_columns)
    said : array of bool, shape (n_rows, n_columns)
        Which columns are reasons of which rows.
    points : Points
        Where better values lie.

    Returns
    -------
    Directions

    Notes
    -----
    For trees and networks, two games for each column and set of rows that part the baseline alike,
    or one for each baseline row where that is less; unless the rules are the model, 100 rows are
    drawn from a larger baseline. For other models, whose attributions are sampled, the values of
    the baseline are tried in the row itself, all other columns as they are.
    """
    numbers = np.array([c.kind != "category" for c in view.feature_map.columns])
    said = said & numbers[: said.shape[1]]
    by_games = view.trees is not None or view.network is not None
    find = _by_games if by_games else _by_changes
    n = len(rows_of(view.feature_map, baseline))
    if by_games and n > MOST_ROWS and not view.is_exact:
        # Whatever rows are asked together, so that each has the same words as alone.
        drawn = np.random.default_rng(0).choice(n, MOST_ROWS, replace=False)
        baseline = row(baseline, np.sort(drawn))
    lower, higher = find(view, decision, baseline, asked, said)
    evidence = (lower > TINY).astype(np.float64) - (higher > TINY)
    stated = points.sign[:, : said.shape[1]]
    sign = np.where((stated == 0) | (stated == evidence), evidence, 0.0)
    check = _compared(view, baseline, asked, sign, lower, higher)
    return Directions(sign, lower, higher, check)


def _by_games(
    view: View, decision: Decision, baseline: Any, asked: Any, said: npt.NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Attributions against the two parts of the baseline, for trees and networks."""
    places = _places(view, baseline, asked, said)
    groups = [(j, rows) for j, place in places.items() for rows in _alike(*place, said[:, j])]
    n = len(rows_of(view.feature_map, baseline))
    out = np.zeros((2, *said.shape))
    play = _player(view, decision, baseline, asked)
    if 2 * len(groups) <= n:
        for j, rows in groups:
            own, theirs = places[j]
            for side, part in enumerate((theirs < own[rows[0]], theirs > own[rows[0]])):
                if part.any():
                    out[side][rows, j] = play(rows, np.flatnonzero(part))[:, j]
        return out[0], out[1]
    rows = np.flatnonzero(said.any(axis=1))
    count = np.zeros_like(out)
    for b in range(n):
        found = play(rows, np.array([b]))
        for j, (own, theirs) in places.items():
            for side, part in enumerate((theirs[b] < own[rows], theirs[b] > own[rows])):
                some = rows[part & said[rows, j]]
                out[side][some, j] += found[np.searchsorted(rows, some), j]
                count[side][some, j] += 1
    out /= np.maximum(count, 1)
    return out[0], out[1]


def _places(
    view: View, baseline: Any, asked: Any, said: npt.NDArray[np.bool_]
) -> dict[int, tuple[Array, Array]]:
    """Values of the rows and of the baseline, by column that is said of any row.

    Between two limits trees see one value, so that such rows add nothing: there a value is the
    number of its stretch.
    """
    values, others = view.feature_map.values(asked), view.feature_map.values(baseline)
    out = {}
    for j in np.flatnonzero(said.any(axis=0)).tolist():
        pair = [np.asarray(v[j], dtype=np.float64) for v in (values, others)]
        if view.trees is not None:
            limits = view.limits.get(j, np.zeros(0))
            pair = [np.where(np.isnan(v), np.nan, np.searchsorted(limits, v)) for v in pair]
        out[j] = (pair[0], pair[1])
    return out


def _alike(own: Array, theirs: Array, said: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.int64]]:
    """Rows that part the baseline into the same two, together."""
    rows = np.flatnonzero(said & ~np.isnan(own))
    known = np.sort(theirs[~np.isnan(theirs)])
    ends = [
        np.searchsorted(known, own[rows], side="left"),
        np.searchsorted(known, own[rows], "right"),
    ]
    _, which = np.unique(np.stack(ends), axis=1, return_inverse=True)
    which = which.ravel()
    return [rows[which == g] for g in range(int(which.max(initial=-1)) + 1)]


def _player(
    view: View, decision: Decision, baseline: Any, asked: Any
) -> Callable[[npt.NDArray, npt.NDArray], Array]:
    """Pushes of some rows, (n, n_columns), against some rows of the baseline."""
    Z = view.feature_map.model_matrix(asked)
    if view.network is None:

        def by_trees(rows: npt.NDArray, part: npt.NDArray) -> Array:
            game = tree_game(view, row(baseline, part))
            return towards_adverse(view, decision, game.attribute(Z[rows]))

        return by_trees
    others = view.feature_map.model_matrix(baseline)

    def by_network(rows: npt.NDArray, part: npt.NDArray) -> Array:
        return towards_adverse(view, decision, play_network(view, Z[rows], others[part]).values)

    return by_network


def _by_changes(
    view: View, decision: Decision, baseline: Any, asked: Any, said: npt.NDArray[np.bool_]
) -> tuple[Array, Array]:
    """How much higher P(adverse) is than with the baseline's smaller, and larger, values."""
    lower, higher = np.zeros(said.shape), np.zeros(said.shape)
    tried = np.flatnonzero(said.any(axis=0)).tolist()
    for j, own, values, gain in replaced(view, decision, baseline, asked, tried):
        for out, part in ((lower, values < own[:, None]), (higher, values > own[:, None])):
            total = np.where(part, gain, 0.0).sum(axis=1)
            out[:, j] = np.where(said[:, j], total / np.maximum(part.sum(axis=1), 1), 0.0)
    return lower, higher


def _compared(
    view: View, baseline: Any, asked: Any, sign: Array, lower: Array, higher: Array
) -> Check | None:
    """Whether no direction contradicts the values of the baseline rows that pushed."""
    n, wrong = int((sign != 0).sum()), []
    if n == 0:
        return None
    values, others = view.feature_map.values(asked), view.feature_map.values(baseline)
    for i, j in np.argwhere(sign).tolist():
        ends = (np.nanmin(others[j]) < values[j][i], np.nanmax(others[j]) > values[j][i])
        pushed, opposed = lower[i, j], higher[i, j]
        if sign[i, j] < 0:
            ends, pushed, opposed = ends[::-1], opposed, pushed
        if not (ends[0] and pushed > TINY >= opposed):
            wrong.append((i, j))
    detail = "baseline rows on the named side push towards the decision, those on the other do not"
    if wrong:
        i, j = wrong[0]
        detail += f"; first not so for {view.feature_map.columns[j].name} of adverse row {i}"
    return Check(not wrong, f"{n - len(wrong)} of {n} directions", detail)
