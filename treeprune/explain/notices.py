"""Leaf notices: per leaf, every set of reasons that an applicant there can receive.

Rows of one leaf have one probability but not one set of reasons: what a column adds also depends
on columns that the leaf does not ask for. Whoever approves notices sees all of them before use,
and which columns make the difference.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..decision import Decision
from .cells import Cells, cells_of, representative
from .conditions import MISSING, CategoryCondition, Column, Condition, NumberCondition
from .raw_rows import rows_with
from .reasons import Baseline, RowReasons, reasons_of
from .text import rule_text
from .view import View, row

__all__ = ["leaf_notice_table"]

MOST_CELLS = 2000  # of a leaf; beyond, its reference rows speak for it


def leaf_notice_table(
    view: View, decision: Decision, reference: Any, *, k: int, baseline: Baseline
) -> pd.DataFrame:
    """Per leaf with the adverse decision, the reasons that applicants there can receive.

    See `treeprune.Explanation.leaf_notice_table`.
    """
    rules = view.rules
    position = decision.position(view.answers.classes[0])
    cells = cells_of(rules)
    tried = _tried(view, cells, reference)
    rule_of = rules.match(reference)
    lines = []
    for i, rule in enumerate(rules):
        p = float(rule.value[0, position])
        if not decision.decide([p])[0]:
            continue
        grid = None if tried is None else _grid(cells, i, tried)
        inside = row(reference, np.flatnonzero(rule_of == i))
        seen = _keys(view, decision, reference, inside, k, baseline)
        keys, varies, scope = seen, "", f"its {len(seen)} reference rows"
        if grid is not None:
            rows = _rows(view, reference, grid)
            keys = _keys(view, decision, reference, rows, k, baseline)
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
Tried = list[tuple[int, float | int]]  # position of a cell, and a value in it


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


def _tried(view: View, cells: Cells, reference: Any) -> dict[int, Tried] | None:
    """Cells of every column that some rule asks for, with a value in each that may be tried.

    None where a column cannot be set freely. Missing values are tried where the column has any,
    unseen categories never.
    """
    values, out = view.rules.values(reference), {}
    for c, points in cells.points.items():
        column = view.rules.columns[c]
        if column.kind == "derived":
            return None
        found: Tried = []
        for at, condition in enumerate(_pieces(c, column, points)):
            if condition.missing and not column.has_missing:
                continue
            value = representative(condition, column, values[c])
            if column.integer and np.isfinite(value) and value != np.floor(value):
                continue  # no whole number lies between these limits
            found.append((at, value))
        out[c] = found
    return out


def _pieces(c: int, column: Column, points: npt.NDArray) -> list[Condition]:
    """The condition of each cell of a column; of unseen categories none."""
    if column.kind == "category":
        known = [code for code in points.tolist() if code >= MISSING]
        return [
            CategoryCondition(c, frozenset({code} - {MISSING}), code == MISSING, False)
            for code in known
        ]
    ends = points[~np.isnan(points)].tolist()
    pieces: list[Condition] = [
        NumberCondition(c, (interval,), False) for interval in itertools.pairwise([-np.inf, *ends])
    ]
    return [*pieces, NumberCondition(c, (), True)] if np.isnan(points).any() else pieces


def _grid(cells: Cells, rule: int, tried: dict[int, Tried]) -> dict[int, list[float | int]] | None:
    """Values of each column that a row of the leaf can have; None for too many cells."""
    out = {
        c: [value for at, value in found if cells.meets[c][rule, at]] for c, found in tried.items()
    }
    n_cells = np.prod([float(len(found)) for found in out.values()])
    return out if 0 < n_cells <= MOST_CELLS else None


def _rows(view: View, reference: Any, grid: dict[int, list[float | int]]) -> Any:
    """A raw row for every combination, in the order of `itertools.product`."""
    changes = [dict(zip(grid, cell)) for cell in itertools.product(*grid.values())]
    return rows_with(view.rules, row(reference, [0]), changes)


def _varying(view: View, keys: list[Key], grid: dict[int, list[float | int]]) -> list[str]:
    """Columns that alone can change the reasons of a row that stays in the leaf."""
    number = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    ids = np.array([number[key] for key in keys]).reshape([len(found) for found in grid.values()])
    return [
        view.rules.columns[c].name
        for axis, c in enumerate(grid)
        if (ids != ids.take([0], axis=axis)).any()
    ]
