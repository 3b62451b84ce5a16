"""Quality of explanations: does a row's ranking of columns tell which of them move its output.

The columns of a row are exchanged for those of other rows, the highest ranked first: the sooner
the mean output moves, the better the ranking. What counts is how it compares with random orders
(`skill`) and with one ranking for all rows (`local_skill`); the same figures of rankings that are
known to be good or bad for nothing stand beside them, so that the measure itself can be judged.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..attributions import attribute
from ..view import View, row
from .blocks import Blocks
from .measure import BACKGROUND, CROWD, FEW_BACKGROUND, SOME_BACKGROUND, Reference

__all__ = ["Quality", "explanation_quality"]

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

CONTROLS = ("random", "inverse", "shuffled", "global")
MOST_ASKED = 60  # rows of a model that can only be asked
MOST_CUTS = 20  # numbers of exchanged columns that are looked at
SLACK = 1e-12  # of the largest score: attributions that are no larger are rounding
DIGITS = 10  # to which attributions of a row are told apart
NO_ROOM = 1e-9  # of the full change: less is no room for a better ranking
NO_FURTHER = (
    "exchanging all columns does not surely move the output further than exchanging some at random"
)
AT_ONCE = 1 << 15  # mixed rows, alike or not: few enough for a processor's cache


@dataclass(frozen=True)
class Quality:
    """How good a model's explanations are, with what they must be compared with.

    Parameters
    ----------
    skill : float
        0: the rows' rankings are no better than random ones; 1: the first column alone moves the
        output as far as all of them; more where some columns move it further than all together.
        NaN where it is not defined; `note` says why.
    local_skill : float
        Skill minus that of one ranking for all rows (by mean absolute attribution): what a ranking
        of the row's own adds. NaN where skill is.
    controls : dict of str to float
        Skill of other rankings: `random` (another random order, 0 up to chance), `inverse` (the
        row's ranking from its end, negative), `shuffled` (the ranking of another row), `global`
        (one ranking for all rows).
    intervals : dict of str to (float, float)
        Of `skill`, `local_skill` and each control, over rows; NaN where there is none.
    fidelity : float
        R² of the surrogate that is read in the model's place; 1 where the model itself is read,
        NaN where nothing is.
    n_rows, n_columns : int
        Number of rows looked at, and of columns that the model uses.
    level : float
        Of the intervals.
    note : str
        What is not defined, and why.

    Notes
    -----
    Skill alone hardly tells a row's own ranking from that of another row: read `local_skill`, and
    `skill` beside `shuffled`.

    Examples
    --------
    >>> controls = {"random": 0.01, "inverse": -0.7, "shuffled": 0.45, "global": 0.5}
    >>> intervals = {"skill": (0.58, 0.67), "local_skill": (0.1, 0.16), "random": (-0.02, 0.04)}
    >>> found = Quality(0.63, 0.13, controls, intervals, 1.0, 200, 12)
    >>> print(found.to_text())
    explanations: skill .63 [.58, .67], local skill .13 [.10, .16] (200 rows, 12 columns)
    to compare: other row's ranking .45, one for all .50, random .01 [-.02, .04], inverse -.70
    """

    skill: float
    local_skill: float
    controls: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    fidelity: float
    n_rows: int
    n_columns: int
    level: float = 0.95
    note: str = ""

    def _values(self) -> dict[str, float]:
        return {"skill": self.skill, "local_skill": self.local_skill, **self.controls}

    def _pair(self, name: str) -> tuple[float, float]:
        return self.intervals.get(name, (math.nan, math.nan))

    def to_frame(self) -> pd.DataFrame:
        """A row for skill, local skill and each control.

        Returns
        -------
        DataFrame
            Index `figure`; columns value, low, high.

        Examples
        --------
        >>> Quality(0.6, 0.2, {}, {"skill": (0.5, 0.7)}, 1.0, 200, 12).to_frame()
                     value  low  high
        figure
        skill          0.6  0.5   0.7
        local_skill    0.2  NaN   NaN
        """
        values = self._values()
        out = pd.DataFrame({"value": list(values.values())}, pd.Index(values, name="figure"))
        out["low"], out["high"] = zip(*(self._pair(name) for name in values), strict=True)
        return out

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, None for NaN.

        Examples
        --------
        >>> found = Quality(0.6, float("nan"), {}, {"skill": (0.5, 0.7)}, 1.0, 200, 12)
        >>> plain = found.to_dict()
        >>> plain["local_skill"], plain["intervals"]
        (None, {'skill': [0.5, 0.7], 'local_skill': None})
        """
        values = self._values()
        pairs = {name: [_plain(bound) for bound in self._pair(name)] for name in values}
        return {
            "skill": _plain(self.skill),
            "local_skill": _plain(self.local_skill),
            "controls": {name: _plain(value) for name, value in self.controls.items()},
            "intervals": {name: None if None in pair else pair for name, pair in pairs.items()},
            "fidelity": _plain(self.fidelity),
            "n_rows": self.n_rows,
            "n_columns": self.n_columns,
            "level": self.level,
            "note": self.note,
        }

    def to_text(self) -> str:
        """Skill and local skill in a line, the controls in a second.

        Examples
        --------
        >>> Quality(0.6, 0.2, {}, {"skill": (0.5, 0.7)}, 1.0, 200, 12).to_text()
        'explanations: skill .60 [.50, .70], local skill .20 (200 rows, 12 columns)'
        """
        tail = f" ({self.n_rows} rows, {self.n_columns} columns)"
        if self.fidelity < 1:
            tail += f", of a surrogate with R² {_short(self.fidelity)} to the model"
        if self.note:
            tail += f"; {self.note}"
        if math.isnan(self.skill):
            return f"explanations: no skill{tail}"
        lines = [
            f"explanations: skill {self._told('skill')}, local skill {self._told('local_skill')}"
            + tail
        ]
        if self.controls:
            shuffled, one = _short(self.controls["shuffled"]), _short(self.controls["global"])
            lines.append(
                f"to compare: other row's ranking {shuffled}, one for all {one}, random "
                f"{self._told('random')}, inverse {_short(self.controls['inverse'])}"
            )
        return "\n".join(lines)

    def _told(self, name: str) -> str:
        low, high = self._pair(name)
        text = _short(self._values()[name])
        return text if math.isnan(low) else f"{text} [{_short(low)}, {_short(high)}]"


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def _short(value: float) -> str:
    """Two decimals, without a zero before the point."""
    text = f"{value:.2f}"
    return ".00" if text == "-0.00" else text.replace("0.", ".", 1) if abs(value) < 0.995 else text


def explanation_quality(
    view: View,
    reference: Reference,
    *,
    attributions: npt.ArrayLike | None = None,
    n_rows: int = 200,
    n_background: int = 10,
    n_orders: int = 10,
    n_draws: int = 500,
    level: float = 0.95,
) -> Quality:
    """Measure how well attributions rank a row's columns by what they do to its output.

    Parameters
    ----------
    view : View
    reference : Reference
        Rows, their weights, background rows of the attributions, and the seed.
    attributions : array, shape (n, n_columns) or (n, n_columns, n_scores), optional
        Of another explainer, for the rows `reference.inside(n_rows)` and the columns of
        `view.feature_map` (the raw ones only, of a model that can only be asked); a frame or a
        `shap.Explanation` will do. By default Shapley values against the background rows.
    n_rows : int
        Rows looked at; at most 60 of a model that can only be asked.
    n_background : int
        Rows that a row takes columns from, drawn for each row among all, by weight; few make skill
        smaller.
    n_orders : int
        Random orders of each row.
    n_draws : int
        Resamples of the rows.
    level : float
        Of the intervals.

    Returns
    -------
    Quality

    Raises
    ------
    ValueError
        If the attributions have another shape or are not finite, or a number is out of range.

    Notes
    -----
    A ranking's area A is the mean of Σ_scores |mean of score(row) - score(mixed)| over m = 1, …,
    k - 1; the inner mean is over the row's drawn rows, the m highest ranked columns are the drawn
    row's, and k is the number of columns that the model uses (attributes anything in any row;
    beyond 21, m takes 20 evenly spread values). F is the same for m = k. Then skill = Σ_rows (A -
    A_random) / Σ_rows (F - A_random), A_random being the mean over the row's random orders, and
    local skill = Σ_rows (A - A_global) / Σ_rows (F - A_random): skill minus that of the ranking for
    all. Rows are weighed. Ties within a row are broken at random.

    The mean comes before the absolute value as it does in attributions: they say how far a row is
    from others on average, so that a column ranks low in a row that has its mean, though exchanging
    it moves the output to and fro. Were each move to count by itself, exact attributions of a
    linear model could do worse than one ranking for all.

    Intervals are percentiles over resampled rows, which take their rankings and drawn rows along;
    as each has rows drawn for itself, they also hold the chance in drawing few. They do not hold
    that absolute means over few are too large, which made skill smaller by 0 to 15 % at 10 drawn
    rows, in the models tried: compare models at the same number. Where in any resample F leaves no
    room above random orders, the ratios say nothing and are NaN. Figures above 1 are possible:
    where columns pull against each other, some move more than all.

    References
    ----------
    Samek et al. (2017), Evaluating the visualization of what a deep neural network has learned
    (the area); Petsiuk, Das & Saenko (2018), RISE (deletion); Hooker et al. (2019), A benchmark
    for interpretability methods in deep neural networks (random rankings as what to beat).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune.explain.view import view_of
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> model = DecisionTreeClassifier(random_state=0).fit(X, y)
    >>> reference = Reference.of(X, np.ones(len(X)), seed=0)
    >>> found = explanation_quality(view_of(model, X, readable=False), reference)
    >>> found.skill > found.controls["shuffled"] > 0 > found.controls["inverse"]
    True
    """
    _check_numbers(n_rows, n_background, n_orders, n_draws, level)
    rng = np.random.default_rng([reference.seed, 3])
    rows = inside = reference.inside(n_rows)
    if _is_asked(view):
        rows = reference.inside(min(n_rows, MOST_ASKED))
    share = reference.weight[reference.order] / reference.weight[reference.order].sum()
    drawn = rng.choice(reference.order, (len(rows), n_background), p=share)
    needed = np.unique(np.append(drawn, rows))
    blocks = Blocks.of(view, row(reference.X, needed))
    scores = blocks.scores()
    own = _model_attributions(view, row(reference.X, rows), reference)
    given = own
    if attributions is not None:
        shape = (len(inside), blocks.n_players, scores.shape[1])
        given = _checked(attributions, shape)[np.isin(inside, rows)]
    used = _used(own, scores, view)
    reason = _not_defined(len(rows), len(used))
    if reason:
        return _nothing(view, len(rows), len(used), level, reason)
    weight = reference.weight[rows]
    orders = _orders(np.abs(given[:, used]).sum(axis=2), weight, n_orders, rng)
    pairs = np.searchsorted(needed, rows), np.searchsorted(needed, drawn)
    areas, full = _areas(blocks, scores, used, orders, pairs)
    values, intervals, note = _figures(areas, full, weight, n_draws, level, rng)
    return Quality(
        values.pop("skill"),
        values.pop("local_skill"),
        values,
        intervals,
        _fidelity(view),
        len(rows),
        len(used),
        level,
        note,
    )


def _check_numbers(
    n_rows: int, n_background: int, n_orders: int, n_draws: int, level: float
) -> None:
    counts: tuple[tuple[str, Any, int], ...] = (
        ("n_rows", n_rows, 1),
        ("n_background", n_background, 1),
        ("n_orders", n_orders, 1),
        ("n_draws", n_draws, 2),
    )
    for name, value, least in counts:
        if not isinstance(value, numbers.Integral) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.95; got {level!r}")


def _is_asked(view: View) -> bool:
    """Whether the model can only be asked."""
    return view.trees is None and view.network is None


def _fidelity(view: View) -> float:
    if view.fidelity is not None:
        return view.fidelity.r2
    return math.nan if _is_asked(view) else 1.0


def _model_attributions(view: View, X: Any, reference: Reference) -> Array:
    """What the model's columns are worth in each row, (n_rows, n_columns, n_scores)."""
    if view.trees is not None:
        most = BACKGROUND if view.trees.n_trees == 1 else SOME_BACKGROUND
    elif view.network is not None:
        most = SOME_BACKGROUND if view.network.hidden_layer_sizes else CROWD
    else:
        most = FEW_BACKGROUND
    return attribute(
        view,
        X,
        game="interventional",
        background=reference.background(most),
        random_state=reference.seed,
        runs=1,
    ).values


def _checked(attributions: npt.ArrayLike, shape: tuple[int, int, int]) -> Array:
    """Attributions of another explainer as (n_rows, n_columns, n_scores)."""
    given = np.asarray(getattr(attributions, "values", attributions), dtype=np.float64)
    if given.shape == shape[:2]:
        given = given[:, :, None]
    elif given.shape != shape:
        raise ValueError(
            f"attributions have shape {given.shape}; possible are {shape[:2]} and {shape}: the "
            "rows reference.inside(n_rows), the columns of view.feature_map, the scores in which "
            "the model adds up"
        )
    if not np.isfinite(given).all():
        at = int(np.argmax(~np.isfinite(given).all(axis=(1, 2))))
        raise ValueError(f"attributions of row {at} are not finite; give 0 where a column is idle")
    return given


def _used(own: Array, scores: Array, view: View) -> Rows:
    """Columns that are attributed anything in any row, the most important first."""
    size = np.abs(own).sum(axis=2)
    most = size.max(axis=0, initial=0.0)
    used = np.flatnonzero(most > SLACK * np.abs(scores).max(initial=0.0))
    # In an order that does not depend on that of the caller's columns, as random draws follow it.
    importance = np.round(size.mean(axis=0) / most.max(initial=SLACK), DIGITS)
    names = [column.name for column in view.feature_map.columns]
    return np.array(sorted(used, key=lambda j: (-importance[j], names[j])), dtype=np.int64)


def _not_defined(n_rows: int, n_columns: int) -> str:
    if n_columns == 0:
        return "the model answers the same whatever its columns are"
    if n_columns == 1:
        return "the model uses one column, so that there is nothing to rank"
    return "one row tells nothing about rows" if n_rows < 2 else ""


def _nothing(view: View, n_rows: int, n_columns: int, level: float, reason: str) -> Quality:
    nan = math.nan
    pairs = dict.fromkeys(("skill", "local_skill", *CONTROLS), (nan, nan))
    controls = dict.fromkeys(CONTROLS, nan)
    fidelity = _fidelity(view)
    return Quality(nan, nan, controls, pairs, fidelity, n_rows, n_columns, level, reason)


def _orders(
    size: Array, weight: Array, n_orders: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Rankings of every row, (4 + 1 + n_orders, n_rows, k): positions among the columns in use.

    Own, inverse, another row's, one for all; then random ones, of which the first is a control.
    """
    n, k = size.shape
    own = _ranked(size, rng.random((n, k)))
    moved = rng.permutation(n)
    shuffled = np.empty_like(own)
    shuffled[moved] = own[np.roll(moved, 1)]  # one round through all rows: none keeps its own
    one = _ranked(np.average(size, axis=0, weights=weight)[None], rng.random((1, k)))
    random = np.argsort(rng.random((1 + n_orders, n, k)), axis=2)
    fixed = np.stack([own, own[:, ::-1], shuffled, np.repeat(one, n, axis=0)])
    return np.concatenate([fixed, random])


def _ranked(size: Array, tie: Array) -> npt.NDArray[np.int64]:
    """Columns of each row by size, the largest first; equal but for rounding: by `tie`."""
    most = size.max(axis=1, keepdims=True)
    share = np.round(size / np.where(most > 0, most, 1.0), DIGITS)
    return np.lexsort((tie, -share), axis=1)


def _areas(
    blocks: Blocks,
    scores: Array,
    used: Rows,
    orders: npt.NDArray[np.int64],
    pairs: tuple[Rows, Rows],
) -> tuple[Array, Array]:
    """Areas of all rankings, (n_rankings, n_rows), and full changes, (n_rows,).

    `pairs` holds the positions in `blocks` of the rows, (n_rows,), and of those that each takes
    columns from, (n_rows, n_background).
    """
    n_rankings, n, k = orders.shape
    rows, donors = pairs
    n_cuts = min(k - 1, MOST_CUTS)
    cuts = ((np.arange(n_cuts) + 0.5) * (k - 1) / n_cuts).astype(np.int64) + 1
    size = max(1, AT_ONCE // (n_rankings * n_cuts * donors.shape[1]))
    areas = np.empty((n_rankings, n))
    for first in range(0, n, size):
        at = slice(first, first + size)
        moved = _changes(blocks, scores, used, orders[:, at], (rows[at], donors[at]), cuts)
        areas[:, at] = moved.mean(axis=2).T
    full = np.abs(scores[rows] - scores[donors].mean(axis=1)).sum(axis=1)
    return areas, full


def _changes(
    blocks: Blocks,
    scores: Array,
    used: Rows,
    orders: npt.NDArray[np.int64],
    pairs: tuple[Rows, Rows],
    cuts: Rows,
) -> Array:
    """How far each row moves, on average over its drawn rows, (n_rows, n_rankings, n_cuts).

    Mixtures of two rows are alike, and asked once, where the same columns are exchanged, those left
    out that are equal in both rows. A set of columns is known by the sum of one number for each.
    """
    rows, donors = pairs
    k = len(used)
    if k <= 64:
        codes = np.uint64(1) << np.arange(k, dtype=np.uint64)
    else:  # random ones: that any two of a million sets have the same sum has probability 3e-8
        codes = np.random.default_rng(0).integers(1, 1 << 63, k, dtype=np.uint64)
    own = np.where(_differ(blocks, used, rows, donors), codes, np.uint64(0))
    at = orders.transpose(1, 0, 2)[:, None]  # rows, 1, rankings, places
    sums = np.cumsum(np.take_along_axis(own[:, :, None], at, axis=3), axis=3)[..., cuts - 1]
    flat = sums.reshape(donors.size, -1)
    place = np.argsort(flat, axis=1)
    ordered = np.take_along_axis(flat, place, axis=1)
    new = np.ones(flat.shape, dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    number = np.empty(flat.shape, dtype=np.int64)
    np.put_along_axis(number, place, (np.cumsum(new) - 1).reshape(flat.shape), axis=1)
    pair, column = np.nonzero(new)
    ranking, cut = np.divmod(place[pair, column], len(cuts))
    own_row = pair // donors.shape[1]
    rank = np.argsort(orders, axis=2)
    taken = np.zeros((len(pair), blocks.n_players), dtype=bool)
    taken[:, used] = rank[ranking, own_row] < cuts[cut][:, None]
    mixed = blocks.mixed(rows[own_row], donors.ravel()[pair], taken)
    moved = scores[rows[own_row]] - mixed
    out = np.zeros((sums.shape[0], *sums.shape[2:]))
    for change in moved.T:  # one score after the other, as each is as large as all mixed rows
        out += np.abs(change[number].reshape(sums.shape).mean(axis=1))
    return out


def _differ(blocks: Blocks, used: Rows, rows: Rows, donors: Rows) -> npt.NDArray[np.bool_]:
    """Whether a column is not the same in both rows, (n_rows, n_background, k)."""
    out = np.empty((*donors.shape, len(used)), dtype=bool)
    for c, j in enumerate(used):
        units = blocks.matrix[:, blocks.player == j]
        a, b = units[rows][:, None], units[donors]
        out[:, :, c] = ((a != b) & ~(np.isnan(a) & np.isnan(b))).any(axis=2)
    return out


def _figures(
    areas: Array, full: Array, weight: Array, n_draws: int, level: float, rng: np.random.Generator
) -> tuple[dict[str, float], dict[str, tuple[float, float]], str]:
    """Skill, local skill and controls with their intervals, and what is not defined."""
    own, inverse, shuffled, one, fresh = areas[:5]
    by_chance = areas[5:].mean(axis=0)
    n = len(full)
    counts = rng.multinomial(n, np.full(n, 1.0 / n), size=n_draws)
    draws = np.vstack([weight, counts * weight])
    gains = {
        "skill": own - by_chance,
        "local_skill": own - one,
        "random": fresh - by_chance,
        "inverse": inverse - by_chance,
        "shuffled": shuffled - by_chance,
        "global": one - by_chance,
    }
    room = draws @ (full - by_chance)
    if not (room > NO_ROOM * (draws @ full)).all():
        nan = math.nan
        return dict.fromkeys(gains, nan), dict.fromkeys(gains, (nan, nan)), NO_FURTHER
    tails = [(1 - level) / 2, (1 + level) / 2]
    values, intervals = {}, {}
    for name, gain in gains.items():
        ratio = draws @ gain / room
        low, high = np.quantile(ratio[1:], tails)
        values[name], intervals[name] = float(ratio[0]), (float(low), float(high))
    return values, intervals, ""
