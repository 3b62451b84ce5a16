"""How much each raw column moves predictions, in the model as grown and in the pruned model."""

from __future__ import annotations

from typing import Any

from ..figures import figure
from ..words import model_of
from .bars import Bar, Row, two_bars
from .style import SMALL, TEXT, Picture, drawing, svg_of, text_width
from .tree_lines import Shortener

__all__ = ["attributions_picture"]

EMPTY = "''"
MOST = (56, 48, 40, 32, 24)  # characters of a name, the first that has room
ROOM = 2.3  # inches
TOLD = 3  # columns that the words name


@drawing()
def attributions_picture(report: dict[str, Any]) -> Picture | None:
    """Draw each column's share of the mean size of attributions, before and after.

    Parameters
    ----------
    report : dict
        From `report_of`; read is `attribution`.

    Returns
    -------
    Picture or None
        None where nothing was attributed.

    Examples
    --------
    >>> columns = [{"column": "age", "share": 1.0, "before": 0.6}]
    >>> told = {"columns": columns, "n": 9, "n_used": 1, "n_used_before": 2}
    >>> print(attributions_picture({"attribution": told}).alt)
    Bars, share of the mean size of attributions, as grown to pruned: age .60 to 1.00. The tree \
as grown uses 2 columns, the pruned one 1.
    """
    told = report.get("attribution")
    if not told or not told["columns"]:
        return None
    shorten = Shortener()
    rows = [
        Row(_name(c["column"], shorten), _bar(c["before"]), _bar(c["share"]))
        for c in told["columns"]
    ]
    longest = max(bar.value or 0.0 for row in rows for bar in (row.before, row.after))
    drawn = two_bars(rows, ("as grown", "pruned"), end=1.04 * longest)
    method = "Shapley values of raw columns"
    if model_of(report)["reading"] != "model":
        method = f"of raw columns; {told['method']}"
    caption = (
        f"Share of each column in the mean size of attributions ({method}) on "
        f"{told['n']:,} held-out rows."
    )
    return Picture("attributions", svg_of(drawn), _said(report), caption)


def _name(name: str, shorten: Shortener) -> str:
    """The name on one line if it fits, else on two, as much of it as has room."""
    whole = shorten(name or EMPTY, MOST[0])
    if text_width(whole, TEXT) <= ROOM:
        return whole
    for most in MOST:
        lines = _two_lines(shorten(name, most))
        if all(text_width(line, SMALL) <= ROOM for line in lines):
            break
    return "\n".join(lines)


def _two_lines(text: str) -> tuple[str, str]:
    """Broken between words, if there is such a place near the middle."""
    middle = len(text) // 2
    places = [i + (c == "_") for i, c in enumerate(text) if c in " _"]
    at = min(places, key=lambda i: abs(i - middle), default=0)
    if abs(at - middle) > len(text) // 5:
        at = middle
    return text[:at].rstrip(), text[at:].lstrip()


def _bar(share: float | None) -> Bar:
    return Bar(share, figure(share, 2))


def _said(report: dict[str, Any]) -> str:
    told, word = report["attribution"], model_of(report)["word"]
    columns, n, shorten = told["columns"], told["n_used_before"], Shortener()
    shares = ", ".join(
        f"{shorten(c['column'] or EMPTY, 60)} {figure(c['before'], 2)} to {figure(c['share'], 2)}"
        for c in columns[:TOLD]
    )
    more = len(columns) - TOLD
    others = f", and {more} more" if more > 0 else ""
    used = "" if n is None else f" The {word} as grown uses {_columns(n)}, the pruned one "
    used = used and f"{used}{told['n_used']}."
    return (
        f"Bars, share of the mean size of attributions, as grown to pruned: {shares}{others}.{used}"
    )


def _columns(n: int) -> str:
    return f"{n} column" if n == 1 else f"{n} columns"
