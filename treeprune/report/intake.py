"""From a CSV file to a checked frame, or a refusal that says in one line what is wrong.

pandas guesses where a file is ragged, repeats a column name or holds binary bytes; a report that
somebody signs must not rest on a guess, so such files are refused before pandas reads them.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["InputRefused", "Table", "read_csv"]

FLOAT32_MAX = float(np.finfo(np.float32).max)
SHOWN_NAMES = 40


class InputRefused(ValueError):
    """The input cannot be used; the message says why and what to do, in one line.

    Examples
    --------
    >>> from treeprune.report.intake import InputRefused, read_csv
    >>> try:
    ...     read_csv("no_such_file.csv")
    ... except InputRefused as refusal:
    ...     print(refusal)
    no_such_file.csv: no such file
    """


@dataclass(frozen=True)
class Table:
    """A frame of numbers and text categories, with what was noticed while reading it.

    Parameters
    ----------
    frame : pandas.DataFrame
        Numeric columns as they are, all others as `category` of str; missing values are NaN.
    sha256 : str
        Hash of the file's bytes.
    notes : tuple of str
        What a reader of the report has to know about the reading.
    dropped : tuple of (str, str)
        Columns left out while reading, each with its reason.
    said_missing : tuple of str
        Columns in which words such as NA or None are read as missing.

    Examples
    --------
    >>> import pandas as pd
    >>> Table(pd.DataFrame({"a": [1]}), sha256="").frame.shape
    (1, 1)
    """

    frame: pd.DataFrame
    sha256: str
    notes: tuple[str, ...] = ()
    dropped: tuple[tuple[str, str], ...] = field(default=())
    said_missing: tuple[str, ...] = ()


def read_csv(path: str | Path) -> Table:
    r"""Read a comma-separated UTF-8 file with one header line.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Table
        The frame, the hash of the file and notes.

    Raises
    ------
    InputRefused
        If the file is missing, a directory, empty, not UTF-8 text, ragged, has repeated column
        names, or holds infinite numbers.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name) / "a.csv"
    >>> _ = file.write_text("age,city\n31,Bonn\n,Ulm\n")
    >>> read_csv(file).frame["city"].tolist()
    ['Bonn', 'Ulm']
    >>> folder.cleanup()
    """
    path = Path(path)
    raw = _bytes_of(path)
    header = _check_text(path, raw)
    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", compression=None, index_col=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OverflowError) as error:
        raise InputRefused(f"{path}: {' '.join(str(error).split())}") from error
    if len(frame) == 0:
        raise InputRefused(f"{path}: has a header but no rows")
    unnamed = [i for i, name in enumerate(header) if not name.strip()]
    frame.columns = pd.Index(header)
    frame = frame.iloc[:, [i for i in range(len(header)) if i not in unnamed]].copy()
    dropped = tuple((f"column {i + 1}", "it has no name in the header") for i in unnamed)
    words = _missing_words(path, header, frame)
    notes = (*(note for _, note in words), *_tidy_columns(path, frame))
    return Table(
        frame, hashlib.sha256(raw).hexdigest(), notes, dropped, tuple(name for name, _ in words)
    )


def listed(names: Iterable[object]) -> str:
    """The names, comma separated, the first 40 where there are more."""
    texts = [str(name) for name in names]
    more = f", … ({len(texts)} in all)" if len(texts) > SHOWN_NAMES else ""
    return ", ".join(texts[:SHOWN_NAMES]) + more


def _bytes_of(path: Path) -> bytes:
    if path.is_dir():
        raise InputRefused(f"{path}: is a directory; name a CSV file in it")
    if not path.exists():
        raise InputRefused(f"{path}: no such file")
    if not path.is_file():
        raise InputRefused(f"{path}: is not a regular file")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputRefused(f"{path}: cannot be read ({error.strerror})") from error
    if not raw.strip():
        raise InputRefused(f"{path}: the file is empty")
    return raw


def _check_text(path: Path, raw: bytes) -> list[str]:
    """The header, after a pass over all rows with the strict reader of the standard library."""
    if b"\0" in raw:
        where = raw.index(b"\0")
        raise InputRefused(
            f"{path}: holds NUL bytes (the first at byte {where}): not a text file; "
            "unpack compressed files and save tables as CSV in UTF-8"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputRefused(
            f"{path}: not UTF-8 text (byte {error.start}); save the file as CSV in UTF-8"
        ) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(row for row in reader if row)
        _check_header(path, header)
        for row in reader:
            if row and len(row) != len(header):
                raise InputRefused(
                    f"{path}: line {reader.line_num} has {len(row)} fields, "
                    f"the header has {len(header)}"
                )
    except csv.Error as error:
        raise InputRefused(f"{path}: line {reader.line_num}: {error}") from error
    return header


def _check_header(path: Path, header: list[str]) -> None:
    seen: set[str] = set()
    for name in header:
        if name in seen and name.strip():
            raise InputRefused(f"{path}: two columns are named {name!r}; rename one of them")
        seen.add(name)
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        raise InputRefused(
            f"{path}: one column only; the fields must be separated by commas, "
            "not by semicolons or tabs"
        )


def _missing_words(path: Path, header: list[str], frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Columns in which pandas has read words, such as NA or None, as missing; a note on each."""
    lacking = [name for name in frame.columns if frame[name].isna().any()]
    if not lacking:
        return []
    text = pd.read_csv(
        path,
        encoding="utf-8-sig",
        compression=None,
        index_col=False,
        dtype=str,
        keep_default_na=False,
    )
    text.columns = pd.Index(header)
    out = []
    for name in lacking:
        cells = text[name][frame[name].isna()].str.strip()
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
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            beyond = int((column.abs() > FLOAT32_MAX).sum())
            if beyond:
                raise InputRefused(
                    f"{path}: column {name!r} has {beyond} values that are infinite or beyond "
                    f"{FLOAT32_MAX:.1e}, the largest number a tree can hold; mend or drop them"
                )
            continue
        present = column.dropna()
        numbers = int(pd.to_numeric(present.astype(str), errors="coerce").notna().sum())
        if len(present) and not pd.api.types.is_bool_dtype(column) and numbers * 2 > len(present):
            notes.append(
                f"{name} is read as text: {len(present) - numbers} of {len(present)} values "
                "are not numbers"
            )
        text = present.astype(str).reindex(frame.index)
        frame[name] = text.astype("category")
    return notes
