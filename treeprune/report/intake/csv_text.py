"""Comma-separated text to a frame, by one strict reader.

What a cell is and which row it stands in is decided once, while the file is checked; the frame is
made of those very cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .cells import Column, notes_on
from .records import Records
from .table import InputRefused, check_numbers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from .table import ReadLimits

__all__ = ["CsvParts", "csv_parts"]

CsvParts = tuple[
    pd.DataFrame, tuple[str, ...], tuple[tuple[str, str], ...], tuple[str, ...]
]  # frame, notes, dropped, said_missing: see `Table`


def csv_parts(path: Path, raw: bytes, limits: ReadLimits, text: Collection[str] = ()) -> CsvParts:
    r"""Frame, notes, dropped columns and columns with words for missing, as in `Table`.

    Parameters
    ----------
    path : Path
        The file, for messages.
    raw : bytes
        Its text.
    limits : ReadLimits
    text : collection of str
        Columns whose cells are text whatever they look like.

    Returns
    -------
    frame, notes, dropped, said_missing

    Raises
    ------
    InputRefused
        If it is not UTF-8 text, ragged, beyond a limit, or holds numbers that no tree can hold.

    Examples
    --------
    >>> from pathlib import Path
    >>> from treeprune.report.intake import ReadLimits
    >>> csv_parts(Path("a.csv"), b"age,city\n31,Bonn\n,NA\n", ReadLimits())[3]
    ('city',)
    """
    records = Records(path, raw, limits)
    columns = {i: Column(n, n in text) for i, n in enumerate(records.header) if n.strip()}
    _fill(records, columns)
    late = {i: Column(column.name, text=True) for i, column in columns.items() if column.unsure}
    if late:  # the only cells that are looked at twice
        _fill(records, late)
        columns |= late
    frame = pd.DataFrame({c.name: _finished(path, c) for c in columns.values()})
    dropped = tuple(
        (f"column {i + 1}", "it has no name in the header")
        for i in range(len(records.header))
        if i not in columns
    )
    notes = notes_on(list(columns.values()), text)
    return frame, tuple(notes), dropped, tuple(c.name for c in columns.values() if c.missing)


def _fill(records: Records, columns: Mapping[int, Column]) -> None:
    n_rows = 0
    for block in records.blocks():
        n_rows += len(block[0])
        for i, column in columns.items():
            column.add(block[i])
    if n_rows == 0:
        raise InputRefused(f"{records.path}: has a header but no rows")


def _finished(path: Path, column: Column) -> pd.Series:
    values = column.finish()
    if not column.text:
        check_numbers(path, column.name, values)
    return values
