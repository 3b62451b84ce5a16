"""Leaf notices: per leaf, every set of reasons that an applicant there can receive.

Rows of one leaf have one probability but not one set of reasons: what a column adds also depends
on columns that the leaf does not ask for. Whoever approves notices sees all of them before use,
and which columns make the difference.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..decision import Decision
from .conditions import Condition, NumberCondition
from .reasons import Baseline, RowReasons, reasons_of
from .rules import Rule
from .text import rule_text
from .view import View, row, rows_of

__all__ = ["leaf_notice_table"]

MOST_CELLS = 2000  # of a leaf; beyond, its reference rows speak for it


@dataclass(frozen=True, eq=False)
class _Segment:
    """A stretch of a column that no rule tells apart, and a raw value in it."""

    value: Any
    code: float  # as `RuleSet.values` has it


def leaf_notice_table(
    view: View, decision: Decision, reference: Any, *, k: int, baseline: Baseline
) -> pd.DataFrame:
    """Per leaf with the adverse decision, the reasons that applicants there can receive.

    See `treeprune.Explanation.leaf_notice_table`.
    """
    rules = view.rules
    position = decision.position(view.answers.classes[0])
    segments = _segments(view, reference)
    rule_of = rules.match(reference)
    lines = []
    for i, rule in enumerate(rules):
        p = float(rule.value[0, position])
        if not decision.decide([p])[0]:
            continue
        grid = None if segments is None else _grid(view, rule, segments)
        inside = row(reference, np.flatnonzero(rule_of == i))
        seen = _keys(view, decision, reference, inside, k, baseline)
        keys, varies, scope = seen, "", f"its {len(seen)} reference rows"
        if grid is not None:
            cells = _frame(view, reference, grid)
            keys = _keys(view, decision, reference, cells, k, baseline)
            varies = ", ".join(_varying(view, keys, grid))
            scope = "all applicants with known values"
        for key in dict.fromkeys([*seen, *keys]):
            lines.append(
                {
                    "rule": f"R{i + 1}",
                    "conditions": rule_text(rule, rules),
                    "probability": p,
                    "reasons": "; ".join(key[0]),
                    "conflicts": key[1],
                    "reference_rows": seen.count(key),
                    "differs_by": varies if len(set(keys)) > 1 else "",
                    "scope": scope,
                }
            )
    columns = ["rule", "conditions", "probability", "reasons", "conflicts", "reference_rows"]
    return pd.DataFrame(lines, columns=[*columns, "differs_by", "scope"])


Key = tuple[tuple[str, ...], int]


def _keys(
    view: View, decision: Decision, reference: Any, X: Any, k: int, baseline: Baseline
) -> list[Key]:
    """The reasons of each row, as texts, and how many conflicts it has."""
    if len(X) == 0:
        return []
    found = reasons_of(view, decision, reference, X, k=k, baseline=baseline)
    return [_key(one) for one in found]


def _key(one: RowReasons) -> Key:
    return tuple(reason.text for reason in one.reasons), len(one.conflicts)


def _segments(view: View, reference: Any) -> dict[int, list[_Segment]] | None:
    """Segments of every column that some rule asks for; None where one cannot be set freely."""
    frame = rows_of(view.feature_map, reference)
    out = {}
    for c in view.rules.used:
        column = view.rules.columns[c]
        if column.kind == "derived":
            return None
        series = frame[column.name]
        if column.kind == "category":
            found = [_Segment(v, float(i)) for i, v in enumerate(column.categories)]
        else:
            found = _stretches(_limits(view, c), series, column.integer)
        if column.has_missing and not column.refuses_missing:
            found.append(_Segment(None, -1.0 if column.kind == "category" else np.nan))
        out[c] = found
    return out


def _limits(view: View, column: int) -> npt.NDArray[np.float64]:
    conditions = [rule.condition(column) for rule in view.rules]
    numbers = [c for c in conditions if isinstance(c, NumberCondition)]
    ends = {x for c in numbers for interval in c.intervals for x in interval}
    return np.array(sorted(x for x in ends if np.isfinite(x)))


def _stretches(limits: npt.NDArray[np.float64], series: pd.Series, integer: bool) -> list[_Segment]:
    """A value of each stretch between limits: one that was seen, else one that there could be."""
    values = series.dropna().to_numpy(np.float64)
    at = np.searchsorted(limits, values, side="left")
    out = []
    for s in range(len(limits) + 1):
        own = values[at == s]
        if len(own):
            number = float(np.sort(own)[len(own) // 2])
        else:
            low = limits[s - 1] if s else limits[0] - 1.0
            number = float(limits[s]) if s < len(limits) else float(np.nextafter(low, np.inf))
            if integer:
                number = float(np.floor(number)) if s < len(limits) else float(np.floor(low) + 1)
                if s and number <= low:
                    continue  # no whole number lies between these limits
        whole = pd.api.types.is_integer_dtype(series.dtype)
        out.append(_Segment(int(number) if whole else number, number))
    return out


def _grid(
    view: View, rule: Rule, segments: dict[int, list[_Segment]]
) -> dict[int, list[_Segment]] | None:
    """The segments of each column that a row of the leaf can have; None for too many cells."""
    out = {}
    for c, all_of in segments.items():
        condition = rule.condition(c)
        out[c] = [s for s in all_of if condition is None or _meets(condition, s)]
    n_cells = np.prod([float(len(found)) for found in out.values()])
    return out if 0 < n_cells <= MOST_CELLS else None


def _meets(condition: Condition, segment: _Segment) -> bool:
    code = np.array([segment.code])
    if not isinstance(condition, NumberCondition):
        code = code.astype(np.int64)
    return bool(condition.meets(code)[0])


def _frame(view: View, reference: Any, grid: dict[int, list[_Segment]]) -> Any:
    """A raw row for every cell, in the order of `itertools.product`."""
    cells = list(itertools.product(*grid.values()))
    frame = rows_of(view.feature_map, reference)
    out = frame.iloc[np.zeros(len(cells), dtype=np.int64)].reset_index(drop=True)
    for at, c in enumerate(grid):
        name = view.rules.columns[c].name
        values = [cell[at].value for cell in cells]
        out[name] = pd.Series(values, dtype=frame[name].dtype)
    return out if view.feature_map.named else out.to_numpy()


def _varying(view: View, keys: list[Key], grid: dict[int, list[_Segment]]) -> list[str]:
    """Columns that alone can change the reasons of a row that stays in the leaf."""
    number = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    ids = np.array([number[key] for key in keys]).reshape([len(found) for found in grid.values()])
    return [
        view.rules.columns[c].name
        for axis, c in enumerate(grid)
        if (ids != ids.take([0], axis=axis)).any()
    ]
