"""Fairness figures as text for a terminal and as plain records for JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..explain.text import printable
from .group_figures import FIGURES
from .groups import FEWEST_ROWS

if TYPE_CHECKING:
    from .group_fairness import Fairness, FairnessChange

__all__ = ["change_text", "fairness_text", "records"]

_HEADS = ("selection rate", "TPR", "FPR", "AUC", "calibration")
_COUNTS = ("count", "favourable", "selected")


def fairness_text(found: Fairness) -> str:
    """See `Fairness.to_text`."""
    lines = []
    for feature in found.hidden:
        lines += [*_group_lines(found, feature), *_difference_lines(found, feature), ""]
    lines.append(
        f"Selected: {printable(found.selected)}. Calibration: mean prediction - share.\n"
        f"Intervals [{found.level:.4g}]: Wilson (rates), DeLong (AUC), Student (calibration)."
    )
    return "\n".join(lines)


def change_text(found: FairnessChange) -> str:
    """See `FairnessChange.to_text`."""
    lines = ["BEFORE", fairness_text(found.before), "", "AFTER", fairness_text(found.after)]
    for feature in found.before.hidden:
        table = found.changes[found.changes["feature"] == feature]
        lines += ["", f"CHANGE by {printable(feature)} (same resampled rows for both)"]
        if table["change"].isna().all():
            lines.append("  No changes: they take two groups.")
        for row in records(table.dropna(subset=["change"])):
            lines.append(
                f"  {row['figure']:<26} {_number(row['before'], 3)} -> "
                f"{_number(row['after'], 3)}, change {_interval(row, 'change', 3)}"
            )
    return "\n".join(lines)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values; None where a number is not finite."""
    return [
        {
            str(name): None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in row.items()
        }
        for row in frame.to_dict("records")
    ]


def _group_lines(found: Fairness, feature: str) -> list[str]:
    lines = [f"FAIRNESS by {printable(feature)}"]
    rows = [row for row in records(found.to_frame()) if row["feature"] == feature]
    if rows:
        names = [printable(row["group"]) for row in rows]
        wide = max(len("group"), *map(len, names))
        heads = "  ".join(f"{head:<15}" for head in _HEADS).rstrip()
        lines.append(f"  {'group':{wide}} {'rows':>7} {'favour.':>7} {'select.':>7}  {heads}")
        for name, row in zip(names, rows, strict=True):
            counts = " ".join(f"{row[count]:>7}" for count in _COUNTS)
            cells = "  ".join(f"{_interval(row, figure):<15}" for figure in FIGURES)
            lines.append(f"  {name:{wide}} {counts}  {cells}".rstrip())
    return [*lines, *_hidden_lines(found.hidden[feature])]


def _hidden_lines(hidden: dict[str, int]) -> list[str]:
    groups, rows = hidden["groups"], hidden["rows"]
    if not groups:
        return []
    which = f"{groups} group{'s' if groups > 1 else ''} with fewer than {FEWEST_ROWS} rows"
    many = f"{rows} row{'s' if rows > 1 else ''}"
    return [f"  {which} {'are' if groups > 1 else 'is'} not shown, {many}."]


def _difference_lines(found: Fairness, feature: str) -> list[str]:
    n_groups = int((found.by_group.index.get_level_values("feature") == feature).sum())
    if n_groups < 2:
        shown = "1 group is" if n_groups else "no group is"
        return [f"  No differences: {shown} shown, and they take two."]
    how = f", {found.n_boot} resamples, all pairs at once" if found.n_boot else ""
    lines = [f"  Largest - smallest of {n_groups} groups{how}:"]
    for row in records(found.differences[found.differences["feature"] == feature]):
        lines.append(f"    {row['figure']:<26} {_interval(row, 'value', 3)}")
    return lines


def _number(value: float | None, digits: int = 2) -> str:
    """A figure without the zero before the point; a dash where not defined."""
    if value is None:
        return "-"
    text = f"{value:.{digits}f}"
    sign = "-" if text.startswith("-") and float(text) != 0 else ""
    text = text.lstrip("-")
    return sign + (text[1:] if text.startswith("0.") else text)


def _interval(row: dict[str, Any], name: str, digits: int = 2) -> str:
    """A figure with its bounds, which stand beside it in the row."""
    lead = "" if name in ("value", "change") else f"{name}_"
    low, high = row[f"{lead}low"], row[f"{lead}high"]
    if low is None:
        return _number(row[name], digits)
    return f"{_number(row[name], digits)} [{_number(low, digits)},{_number(high, digits)}]"
