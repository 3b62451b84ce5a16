"""How text is laid out: paragraphs and tables of at most 100 columns."""

from __future__ import annotations

import re
import textwrap

__all__ = ["WIDTH", "cell_lines", "labelled", "table", "wrap"]

WIDTH = 100
LABEL = 10  # columns of a label
GLUED = "\xa0"  # no text holds one: `printable` spells it out, and paragraphs are split at it


def wrap(text: str, first: str, indent: int) -> str:
    """One paragraph of at most 100 columns; further lines are indented.

    A number and its per cent sign stay together.

    Examples
    --------
    >>> wrap("declines " * 9 + "123456789 % of", "SUMMARY   ", 10).splitlines()[1]
    '          123456789 % of'
    """
    text = re.sub(r"(?<=\d) %", f"{GLUED}%", " ".join(text.split()))
    lines = textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )
    return lines.replace(GLUED, " ")


def table(rows: list[list[str]], left: tuple[int, ...] = (0,)) -> str:
    """Rows under their heads, each column as wide as needed; numbers to the right.

    Columns are two spaces apart, one where the table would be too wide.

    Examples
    --------
    >>> print(table([["", "leaves"], ["as grown", "25"], ["pruned", "7"]]))
                leaves
      as grown      25
      pruned         7
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    gap = "  " if sum(widths) + 2 * len(widths) <= WIDTH else " "
    lines = []
    for row in rows:
        cells = [
            cell.ljust(w) if i in left else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + gap.join(cells).rstrip())
    return "\n".join(lines)


def labelled(label: str, text: str) -> str:
    """A paragraph beside its label.

    Examples
    --------
    >>> labelled("CHECK", "passed")
    'CHECK     passed'
    """
    first = f"{label:<{LABEL}}" if len(label) < LABEL else f"{label}  "
    return wrap(text, first, LABEL)


def cell_lines(text: str, width: int) -> list[str]:
    """Lines of a cell, broken after semicolons rather than inside what these separate.

    Examples
    --------
    >>> cell_lines("age <= 30; city is Bonn", 14)
    ['age <= 30;', 'city is Bonn']
    """
    parts = text.split("; ")
    glued = [p if len(p) > width - 6 else p.replace(" ", GLUED) for p in parts]
    lines = textwrap.wrap("; ".join(glued), width, break_on_hyphens=False)
    return [line.replace(GLUED, " ") for line in lines] or [""]
