"""How text is laid out: paragraphs and tables of at most 100 columns."""

from __future__ import annotations

import re
import textwrap

__all__ = ["WIDTH", "table", "wrap"]

WIDTH = 100
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
