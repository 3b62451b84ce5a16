"""The report as plain text, at most 100 columns wide.

Names from the data are shown as they are written, except that characters which a terminal would
obey (escape sequences, line breaks) are spelt out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .document import Code, Items, Paragraph, Table
from .layout import WIDTH, cell_lines, labelled, table, wrap
from .written import document_of

if TYPE_CHECKING:
    from .document import Block, Document, Section

__all__ = ["render_text"]

NARROWEST = 24  # columns that a broken column keeps at least


def render_text(report: dict[str, Any], *, details: bool = True) -> str:
    """The report as plain text.

    Parameters
    ----------
    report : dict
        From `report_of`.
    details : bool
        Whether more is said than on the first screen.

    Returns
    -------
    str
        Ends with a line break; the time, if the report has one, is its last line.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Options, Table, fit_rivals, report_of, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> options = Options(cv=2, n_resamples=1000)
    >>> text = render_text(report_of(study, fit_rivals(study, options), options))
    >>> text.splitlines()[0].split(",")
    ['toy', ' PRUNED TREE                                   56 train / 24 held out', ' seed 0']
    """
    return _lay_out(document_of(report), details)


def _lay_out(document: Document, details: bool) -> str:
    left, right = document.title, document.subtitle
    lines = [f"{left}{right:>{max(len(right) + 2, 80 - len(left))}}"]
    for section in document.front:
        lines += _section(section, between=False)
    if details:
        lines += ["", "-" * WIDTH, ""]
        for section in document.details:
            lines += [*_section(section, between=True), ""]
    text = "\n".join(line.rstrip() for part in lines for line in part.splitlines() or [""])
    stamp = "" if document.stamp is None else labelled("Made", document.stamp) + "\n"
    return f"{text}\n{stamp}"


def _section(section: Section, *, between: bool) -> list[str]:
    """A label beside its first paragraph, or above what comes first if that is no paragraph."""
    label = section.label
    blocks = [block for block in section.blocks if _shown(block)]
    lines = []
    if blocks and isinstance(blocks[0], Paragraph):
        lines.append(labelled(label, blocks[0].text))
        blocks = blocks[1:]
    else:
        lines.append(label)
    for block in blocks:
        lines += ([""] if between and not _is_legend(block) else []) + _block(block)
    return lines


def _shown(block: Block) -> bool:
    return isinstance(block, Paragraph | Items | Table | Code)


def _is_legend(block: Block) -> bool:
    return isinstance(block, Paragraph) and block.role == "legend"


def _block(block: Block) -> list[str]:
    if isinstance(block, Paragraph):
        return [wrap(block.text, "  ", 4)]
    if isinstance(block, Items):
        marks = [f"{i}. " if block.numbered else "- " for i in range(1, len(block.texts) + 1)]
        texts = zip(block.texts, marks, strict=True)
        return [wrap(text, f"    {mark}", 4 + len(mark)) for text, mark in texts]
    if isinstance(block, Code):
        return ["    " + line for line in block.text.splitlines()]
    assert isinstance(block, Table)
    return _table(block)


def _table(block: Table) -> list[str]:
    """Heads and rows; where these are too wide one column is broken, or each row is a list."""
    spans = {i: row[0] for i, row in enumerate(block.rows, 1) if len(row) < len(block.head)}
    rows = [list(row) for row in (block.head, *block.rows)]
    full = [row for i, row in enumerate(rows) if i not in spans]
    if spans:  # rows stand under the line that heads them
        full[1:] = [[f"  {row[0]}", *row[1:]] for row in full[1:]]
    if block.wrapped is not None:
        lines = _broken(full, block)
    else:
        lines = [[line] for line in table(full, block.left).splitlines()]
    if max(len(line) for part in lines for line in part) > WIDTH:
        return _listed(block)
    cells = iter(lines)
    out = []
    for i in range(len(rows)):
        out += [wrap(spans[i], "  ", 4)] if i in spans else next(cells)
    return out


def _listed(block: Table) -> list[str]:
    """Each row as `head: cell; …`, where columns have long names."""
    out = []
    for row in block.rows:
        pairs = zip(block.head, row, strict=False)
        said = "; ".join(f"{head}: {cell}" if head else cell for head, cell in pairs)
        out.append(wrap(said if len(row) > 1 else row[0], "  ", 4))
    return out


def _broken(rows: list[list[str]], block: Table) -> list[list[str]]:
    """Lines a row: the broken column is as wide as the others leave room."""
    at = block.wrapped
    assert at is not None
    before = _side(rows, block, range(at))
    after = _side(rows, block, range(at + 1, len(block.head)))
    used = len(before[0]) + len(after[0])
    longest = max(len(row[at]) for row in rows)
    width = min(longest, max(NARROWEST, WIDTH - 2 - used))
    out = []
    for i, row in enumerate(rows):
        top, *more = cell_lines(row[at], width)
        indent = " " * (2 + len(before[i]))
        first = f"  {before[i]}{top:<{width}}{after[i]}"
        out.append([first, *(f"{indent}{line}" for line in more)])
    return out


def _side(rows: list[list[str]], block: Table, columns: range) -> list[str]:
    """The columns on one side of the broken one, all lines as wide, with the gap to it."""
    if not columns:
        return [""] * len(rows)
    left = tuple(i for i, j in enumerate(columns) if j in block.left)
    lines = [
        line[2:] for line in table([[row[j] for j in columns] for row in rows], left).split("\n")
    ]
    width = max(map(len, lines))
    first = columns.start == 0
    return [f"{line:<{width}}  " if first else f"  {line:<{width}}" for line in lines]
