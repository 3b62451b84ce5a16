"""Corners: every cell of a joint partition asked of the model itself, at all of its ends.

Each tree sends a product of intervals and sets to each of its leaves. If the lowest and the
highest number of every interval of a cell, missing values and each category in it all come to the
same leaf of every tree, then so does the whole cell, whatever limits were read of the model: with
cells that leave nothing out this is a proof for all inputs, found by asking the model.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import native
from .cells import everything
from .checks import Check
from .conditions import MISSING, UNSEEN, CategoryCondition, Condition
from .raw_rows import row_of, rows_with
from .rules import RuleSet
from .text import printable
from .view import View, row

__all__ = ["cell_check", "corners"]

MOST_POINTS = 20_000
OUTERMOST = 1e30  # stands for numbers without end: float32 holds it, and its sums
SLACK = 1e-12
_WITHIN = "within the reference rows' ranges"
_CONVEX = ("same", "number", "codes", "table")  # kinds of columns whose ends speak for what lies


def corners(
    rules: RuleSet,
    which: Iterable[int],
    columns: Iterable[int],
    ends: dict[int, tuple[float, float]] | None = None,
) -> tuple[list[dict[int, float | int]], npt.NDArray[np.int64]]:
    """Values at the ends of cells.

    Parameters
    ----------
    rules : RuleSet
    which : iterable of int
        Positions of rules.
    columns : iterable of int
        Columns that are set in all of them, whether a rule asks for them or not.
    ends : dict of int to (float, float), optional
        By column, numbers that stand for those without end; ±1e30 by default.

    Returns
    -------
    changes : list of dict
        Values by column, such as `rows_with` takes: in every column each of its ends, missing
        values and categories at least once a rule.
    rule : array of int64, shape (n_changes,)
        The rule of each.

    Examples
    --------
    >>> from .conditions import Column, NumberCondition
    >>> from .rules import Rule
    >>> low = Rule((NumberCondition(0, ((-np.inf, 2.0),), True),), np.zeros((1, 1)))
    >>> found, rule = corners(RuleSet((Column("age"),), (low,)), [0], [0])
    >>> [change[0] for change in found], rule.tolist()
    ([-1e+30, 2.0, nan], [0, 0, 0])
    """
    anything = {c: everything(c, rules.columns[c]) for c in columns}
    known: dict[int, list[float | int]] = {}  # by `id`: rules share their conditions
    changes: list[dict[int, float | int]] = []
    rule_of: list[int] = []
    for i in which:
        asked = anything | {c.column: c for c in rules.rules[i].conditions}
        for condition in asked.values():
            if id(condition) not in known:
                outer = (ends or {}).get(condition.column, (-OUTERMOST, OUTERMOST))
                known[id(condition)] = _ends(condition, outer)
        own = {c: known[id(condition)] for c, condition in asked.items()}
        for k in range(max(map(len, own.values()), default=1)):
            changes.append({c: values[k % len(values)] for c, values in own.items()})
            rule_of.append(int(i))
    return changes, np.array(rule_of, dtype=np.int64)


def _ends(condition: Condition, outer: tuple[float, float]) -> list[float | int]:
    """Ends of the intervals of a condition and missing values, or all of its categories."""
    if isinstance(condition, CategoryCondition):
        codes = sorted(condition.allowed)
        codes += [MISSING] if condition.missing else []
        return [*codes, *([UNSEEN] if condition.unseen else [])]
    found: list[float | int] = []
    for low, high in condition.intervals:
        last = max(outer[1], float(np.nextafter(low, np.inf))) if high == np.inf else high
        first = min(outer[0], last) if low == -np.inf else float(np.nextafter(low, np.inf))
        found += [first, last]
    return [*found, *([np.nan] if condition.missing else [])]


def cell_check(view: View, X: Any, *, most_points: int = MOST_POINTS) -> Check | str:
    """Ask the model about the ends of every cell of its joint partition.

    Parameters
    ----------
    view : View
        Whose rules are the model.
    X : array-like, shape (n_rows, n_raw_columns)
        Reference rows: types of columns, and values of columns that the model does not read.
    most_points : int
        Beyond which evenly spread cells are asked.

    Returns
    -------
    Check or str
        Passed for all inputs where every cell is proved; where cells are only asked (there are
        too many, equal neighbours were merged, or what happens to a column on its way to the model
        is not known to be monotone), it says how many. A text says why there is no check.

    Notes
    -----
    Numbers without end are asked at ±1e30; where the model refuses these, at the least and the
    greatest of the reference rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from .view import view_of
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = RandomForestClassifier(3, max_leaf_nodes=3, random_state=0).fit(X, y)
    >>> cell_check(view_of(model, X), X).scope
    'all inputs'
    """
    rules, columns = view.rules, _read(view)
    made = [rules.columns[c].name for c in columns if rules.columns[c].kind == "derived"]
    if made:
        return f"derived columns cannot be set: {', '.join(made)}"
    which = _affordable(rules, columns, most_points)
    first = row_of(row(X, [0]))
    for ends in (None, _seen(rules, X)):
        found = _asked(view, first, columns, *corners(rules, which, columns, ends))
        if found is not None:
            notes = [] if ends is None else [_WITHIN]
            return _compared(view, which, found, notes)
    return "the model refuses the ends of cells"


def _read(view: View) -> list[int]:
    """Columns that the trees read, those too of splits that make no difference."""
    assert view.splits is not None  # else the rules are a surrogate's
    read = np.unique(view.splits.feature[view.splits.feature >= 0])
    return np.unique(view.feature_map.player[read]).tolist()


def _affordable(rules: RuleSet, columns: list[int], most_points: int) -> npt.NDArray[np.int64]:
    """Evenly spread rules that together have no more points."""
    anything = [everything(c, rules.columns[c]) for c in columns]
    size = max((len(_ends(condition, (0.0, 0.0))) for condition in anything), default=1)
    step = max(1, -(-len(rules) * size // most_points))
    return np.arange(0, len(rules), step)


def _seen(rules: RuleSet, X: Any) -> dict[int, tuple[float, float]]:
    """The least and the greatest number of each column in rows."""
    out = {}
    for c, values in enumerate(rules.values(X)):
        if rules.columns[c].kind != "category" and np.isfinite(values).any():
            finite = values[np.isfinite(values)]
            out[c] = (float(finite.min()), float(finite.max()))
    return out


@dataclass(frozen=True, eq=False)
class _Asked:
    """Points with their rule, the rule that they meet, the model's answers and leaves."""

    rule: npt.NDArray[np.int64]
    met: npt.NDArray[np.int64]
    said: npt.NDArray[np.float64]
    leaf: npt.NDArray
    refusing: list[int]  # columns of numbers of which the model refuses missing ones


def _asked(
    view: View,
    first: Any,
    columns: list[int],
    changes: list[dict[int, float | int]],
    rule: npt.NDArray[np.int64],
) -> _Asked | None:
    """Ask the model about all points, without missing numbers where it refuses these."""
    rules = view.rules
    with contextlib.suppress(ValueError):
        return _Asked(rule, *_answers(view, rows_with(rules, first, changes)), [])
    refusing = []
    for c in columns:
        if rules.columns[c].kind != "category":
            try:
                _answers(view, rows_with(rules, first, [{c: np.nan}]))
            except ValueError:
                refusing.append(c)
    kept = np.array([not any(np.isnan(x[c]) for c in refusing) for x in changes], dtype=bool)
    some = [change for change, keep in zip(changes, kept.tolist()) if keep]
    if not kept.all():
        with contextlib.suppress(ValueError):
            return _Asked(rule[kept], *_answers(view, rows_with(rules, first, some)), refusing)
    return None


def _answers(view: View, rows: Any) -> tuple[npt.NDArray, npt.NDArray, npt.NDArray]:
    """Rules, the model's own answers and leaves; a ValueError where it refuses the rows."""
    before = view.feature_map.transformer
    with np.errstate(over="ignore", invalid="ignore"):  # is what may be refused
        said = view.answers(rows)
        leaf = native.apply(view.predictor, rows if before is None else before.transform(rows))
    return view.rules.match(rows), said, leaf


def _compared(view: View, which: npt.NDArray[np.int64], found: _Asked, notes: list[str]) -> Check:
    """What the model's answers at the ends of cells say of the cells."""
    rules, n, rule = view.rules, len(view.rules), found.rule
    value = np.stack([one.value for one in rules])[rule]
    slack = SLACK * max(1.0, float(np.abs(found.said).max(initial=0.0)))
    good = (np.abs(value - found.said) <= slack).all(axis=(1, 2)) & (found.met == rule)
    start = np.flatnonzero(np.append(True, rule[1:] != rule[:-1]))
    of_cell = np.repeat(found.leaf[start], np.diff(np.append(start, len(rule))), axis=0)
    several = rule[(found.leaf != of_cell).any(axis=1)]
    if found.refusing:
        names = ", ".join(printable(rules.columns[c].name) for c in found.refusing)
        notes = [*notes, f"the model refuses missing {names}"]
    points = f"{len(rule):,} points: both ends of every interval, missing values, every category"
    detail = "; ".join([points, *notes])
    wrong = np.unique(rule[~good])
    if len(wrong):
        scope = f"{len(which) - len(wrong):,} of {n:,} cells"
        return Check(False, scope, f"{detail}; first differs in R{int(wrong[0]) + 1}")
    if len(which) == n and not len(several) and _WITHIN not in notes and _is_convex(view):
        return Check(True, "all inputs", f"{n:,} cells; {detail}")
    return Check(True, f"{len(which):,} of {n:,} cells", detail)


def _is_convex(view: View) -> bool:
    """Whether the ends of an interval of each column in use speak for what lies between."""
    sources = view.feature_map.sources
    own = {c: [s for s in sources if c in s.raw] for c in _read(view)}
    return all(s.kind in _CONVEX and not s.special for many in own.values() for s in many)
