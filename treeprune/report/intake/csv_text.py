"""Comma-separated text to a frame, after a strict pass over every record.

pandas guesses where a file is ragged, repeats a column name or holds binary bytes; a report that
somebody signs must not rest on a guess, so such files are refused before pandas reads them.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pandas as pd

from .table import InputRefused, check_numbers, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .table import ReadLimits

__all__ = ["CsvParts", "csv_parts"]

LINE_PER_COLUMN = 1024  # characters of a record for each column that is allowed
UTF16 = (b"\xff\xfe", b"\xfe\xff")

CsvParts = tuple[
    pd.DataFrame, tuple[str, ...], tuple[tuple[str, str], ...], tuple[str, ...]
]  # frame, notes, dropped, said_missing: see `Table`


def csv_parts(path: Path, raw: bytes, limits: ReadLimits) -> CsvParts:
    r"""Frame, notes, dropped columns and columns with words for missing, as in `Table`.

    Parameters
    ----------
    path : Path
        The file, for messages.
    raw : bytes
        Its text.
    limits : ReadLimits

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
    header = _check_text(path, raw, limits)
    frame = _frame(path, raw)
    if len(frame) == 0:
        raise InputRefused(f"{path}: has a header but no rows")
    unnamed = [i for i, name in enumerate(header) if not name.strip()]
    named = [i for i in range(len(header)) if i not in set(unnamed)]
    frame.columns = pd.Index(header)
    frame = frame.iloc[:, named].copy()
    dropped = tuple((f"column {i + 1}", "it has no name in the header") for i in unnamed)
    words = _missing_words(path, raw, named, frame)
    notes = (*(note for _, note in words), *_tidy_columns(path, frame))
    return frame, notes, dropped, tuple(name for name, _ in words)


def _frame(path: Path, raw: bytes, **how: object) -> pd.DataFrame:
    try:
        return pd.read_csv(  # type: ignore[call-overload, no-any-return]
            io.BytesIO(raw), encoding="utf-8-sig", compression=None, index_col=False, **how
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OverflowError) as error:
        raise InputRefused(f"{path}: {' '.join(str(error).split())}") from error


def _check_text(path: Path, raw: bytes, limits: ReadLimits) -> list[str]:
    """The header, after a pass over all records with the strict reader of the standard library."""
    if raw.startswith(UTF16):
        raise InputRefused(f"{path}: UTF-16 text; save the file as CSV in UTF-8")
    where = raw.find(b"\0")
    if where >= 0:
        raise InputRefused(
            f"{path}: holds NUL bytes (the first at byte {where}): not a text file; "
            "unpack compressed files and save tables as CSV in UTF-8"
        )
    lines = _Lines(path, raw, limits)
    reader = csv.reader(lines.read(), strict=True)
    try:
        header = next(row for row in reader if row)
        _check_header(path, header, limits)
        lines.record = 0
        n_rows, n_fields, most = 0, len(header), limits.rows
        for row in reader:
            lines.record = 0
            if row:
                if len(row) != n_fields:
                    raise InputRefused(
                        f"{path}: line {reader.line_num} has {len(row)} fields, "
                        f"the header has {n_fields}"
                    )
                n_rows += 1
                if n_rows > most:
                    raise InputRefused(
                        f"{path}: more rows than the limit of {most:,}; --max-rows raises it"
                    )
    except csv.Error as error:
        raise InputRefused(f"{path}: line {reader.line_num}: {error}") from error
    except UnicodeDecodeError as error:
        raise InputRefused(
            f"{path}: not UTF-8 text (byte {_not_utf8(raw)}); save the file as CSV in UTF-8"
        ) from error
    except StopIteration as error:
        raise InputRefused(f"{path}: the file is empty") from error
    return header


def _not_utf8(raw: bytes) -> int:
    """Position of the first byte that is not UTF-8; the streaming reader knows only its block."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return len(raw)


class _Lines:
    """Lines of a text that counts the characters since the reader last finished a record.

    A record without end (of one line, or of many inside quotes) would be held as a list of
    millions of fields.
    """

    def __init__(self, path: Path, raw: bytes, limits: ReadLimits) -> None:
        self.path, self.limits, self.record = path, limits, 0
        self.text = io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8-sig", newline="")

    def read(self) -> Iterator[str]:
        most = LINE_PER_COLUMN * self.limits.columns
        for number, line in enumerate(self.text, start=1):
            self.record += len(line)
            if self.record > most:
                raise InputRefused(
                    f"{self.path}: the record that ends on line {number} has {self.record:,} "
                    f"characters, more than {most:,} ({LINE_PER_COLUMN:,} for each of "
                    f"{self.limits.columns:,} columns; --max-columns raises the limit)"
                )
            yield line


def _check_header(path: Path, header: list[str], limits: ReadLimits) -> None:
    limits.check(path, "columns", len(header))
    seen: set[str] = set()
    for name in header:
        if name in seen and name.strip():
            raise InputRefused(f"{path}: two columns are named {shown(name)}; rename one of them")
        seen.add(name)
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        raise InputRefused(
            f"{path}: one column only; the fields must be separated by commas, "
            "not by semicolons or tabs"
        )


def _missing_words(
    path: Path, raw: bytes, named: list[int], frame: pd.DataFrame
) -> list[tuple[str, str]]:
    """Columns in which pandas has read words, such as NA or None, as missing; a note on each."""
    lacking = [k for k, name in enumerate(frame.columns) if frame[name].isna().any()]
    if not lacking:
        return []
    where = [named[k] for k in lacking]
    text = _frame(path, raw, usecols=where, dtype=str, keep_default_na=False)
    out = []
    for position, k in enumerate(lacking):
        name = frame.columns[k]
        cells = text.iloc[:, position][frame[name].isna()].str.strip()
        counts = cells[cells != ""].value_counts()
        if len(counts):
            words = ", ".join(f"{word!r} ({n})" for word, n in counts.items())
            out.append((name, f"{name}: read as missing: {words}"))
    return out


def _tidy_columns(path: Path, frame: pd.DataFrame) -> list[str]:
    """Make every column numeric or categorical, in place; notes on what was not obvious."""
    notes = []
    for name in frame.columns:
        column = frame[name]
        is_bool = pd.api.types.is_bool_dtype(column)
        if pd.api.types.is_numeric_dtype(column) and not is_bool:
            check_numbers(path, name, column)
            continue
        present = column.dropna()
        text = present.astype(str).reindex(frame.index).astype("category")
        if len(present) and not is_bool:
            # Distinct values only: what is text is often few words, many times.
            counts = text.value_counts()
            is_number = pd.to_numeric(pd.Series(counts.index.astype(str)), errors="coerce").notna()
            numbers = int(counts.to_numpy()[is_number.to_numpy()].sum())
            if numbers * 2 > len(present):
                notes.append(
                    f"{name} is read as text: {len(present) - numbers} of {len(present)} values "
                    "are not numbers"
                )
        frame[name] = text
    return notes
