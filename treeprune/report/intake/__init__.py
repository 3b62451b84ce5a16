"""From a file to a checked frame, or a refusal that says in one line what is wrong.

What a file is, its first bytes say, not its name: CSV text, gzip around it, or Parquet. Nothing
is guessed where a file is ragged or broken, and nothing is read beyond stated limits.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from .csv_text import csv_parts
from .opening import GZIP, bytes_of, inflated
from .parquet import MAGIC, parquet_parts
from .table import InputRefused, ReadLimits, Table, listed

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["InputRefused", "ReadLimits", "Table", "listed", "read_csv", "read_table"]

_OTHERS = {
    b"PK\x03\x04": "a ZIP archive (as Excel workbooks are)",
    b"BZh": "packed by bzip2",
    b"\xfd7zXZ\x00": "packed by xz",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"SQLite format 3\x00": "an SQLite database",
}


def read_table(
    path: str | Path, limits: ReadLimits | None = None, *, text: Collection[str] = ()
) -> Table:
    r"""Read a CSV file, plain or packed by gzip, or a Parquet file.

    Parameters
    ----------
    path : str or Path
        The file.
    limits : ReadLimits, optional
        How much is read; by default a million rows of a thousand columns, and 512 MiB.
    text : collection of str, optional
        Columns that are text whatever their cells look like, such as codes of which this file
        happens to hold only numbers. A name that the file does not have is not looked at.

    Returns
    -------
    Table
        The frame, the hash of the file as it is and notes.

    Raises
    ------
    InputRefused
        If the file is missing, not a regular file, of another kind, broken, or beyond a limit.

    Notes
    -----
    CSV: comma-separated UTF-8 with one header line. A column is numbers if every cell is a number
    or missing, wherever the cells stand; numbers are read to the last bit. Missing are empty cells
    and the words that pandas takes for missing, such as NA, None and null; `true` and `TRUE` are
    the text `True`. Parquet needs the extra
    `parquet`; its dates and timestamps become ISO texts, as a CSV file has them, and its numbers,
    where text is asked for, are spelt without a fraction if no number of the column has one.

    Examples
    --------
    >>> import gzip, pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name) / "a.csv.gz"
    >>> _ = file.write_bytes(gzip.compress(b"age,city\n31,Bonn\n,Ulm\n"))
    >>> read_table(file).frame["city"].tolist()
    ['Bonn', 'Ulm']
    >>> folder.cleanup()
    """
    path, limits = Path(path), limits or ReadLimits()
    raw = bytes_of(path, limits)
    for magic, what in _OTHERS.items():
        if raw.startswith(magic):
            raise InputRefused(
                f"{path}: is {what}; give a CSV file (plain or packed by gzip) or a Parquet file"
            )
    if raw.startswith(MAGIC) or path.suffix.lower() in (".parquet", ".pq"):
        parts = parquet_parts(path, raw, limits, text)
    else:
        plain = inflated(path, raw, limits) if raw.startswith(GZIP) else raw
        parts = csv_parts(path, plain, limits, text)
    return Table(parts[0], hashlib.sha256(raw).hexdigest(), *parts[1:], limits.categories)


def read_csv(path: str | Path, limits: ReadLimits | None = None) -> Table:
    r"""Read a comma-separated UTF-8 file with one header line.

    Parameters
    ----------
    path : str or Path
        The file.
    limits : ReadLimits, optional
        How much is read; see `read_table`.

    Returns
    -------
    Table
        The frame, the hash of the file and notes.

    Raises
    ------
    InputRefused
        If the file is missing, a directory, empty, not UTF-8 text, ragged, has lines that end in
        different ways or repeated column names, holds infinite numbers, or is beyond a limit.

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
    path, limits = Path(path), limits or ReadLimits()
    raw = bytes_of(path, limits)
    parts = csv_parts(path, raw, limits)
    return Table(parts[0], hashlib.sha256(raw).hexdigest(), *parts[1:], limits.categories)
