"""Parquet to a frame: sizes from the footer first, then column by column.

A few kilobytes of Parquet can stand for any number of equal cells, so the size that counts is
that of the table, not of the file. Text and dates become categories through their dictionary,
without ever being spelt out row by row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .cells import categories
from .table import InputRefused, check_numbers, listed, shown

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from .csv_text import CsvParts
    from .table import ReadLimits

__all__ = ["MAGIC", "parquet_parts"]

MAGIC = b"PAR1"
CELL = 8  # bytes that a cell takes once it is read
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def parquet_parts(
    path: Path, raw: bytes, limits: ReadLimits, text: Collection[str] = ()
) -> CsvParts:
    """Frame, notes, dropped columns and columns with words for missing (none), as in `Table`.

    Parameters
    ----------
    path : Path
        The file, for messages.
    raw : bytes
        Its bytes.
    limits : ReadLimits
    text : collection of str
        Columns whose numbers are text.

    Returns
    -------
    frame, notes, dropped, said_missing

    Raises
    ------
    InputRefused
        If it is no Parquet file, broken, beyond a limit, has a column of another kind than
        numbers, text, booleans and dates, or if pyarrow is not installed.

    Notes
    -----
    Dates and timestamps become ISO texts (zoned ones in UTC), as in a CSV file; decimals become
    floats; the unnamed index of a pandas frame is left out. Sizes are those that the file states,
    and are checked again while it is read, after each column of each row group.

    Examples
    --------
    >>> import io
    >>> from pathlib import Path
    >>> from treeprune.report.intake import ReadLimits
    >>> stream = io.BytesIO()
    >>> pd.DataFrame({"age": [31, None], "city": ["Bonn", None]}).to_parquet(stream)
    >>> parquet_parts(Path("a.parquet"), stream.getvalue(), ReadLimits())[0]["city"].tolist()
    ['Bonn', nan]
    """
    if not (raw.startswith(MAGIC) and raw.endswith(MAGIC) and len(raw) >= 12):
        raise InputRefused(
            f"{path}: is no Parquet file: it does not start and end with {MAGIC.decode()}, or was "
            "cut off"
        )
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise InputRefused(
            f"{path}: Parquet files are read by pyarrow, which is not installed: "
            "pip install 'treeprune[parquet]', or save the table as CSV"
        ) from error
    try:
        return _parts(path, pa, raw, limits, text)
    except InputRefused:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        told = " ".join(str(error).split())[:300] or type(error).__name__
        raise InputRefused(f"{path}: the Parquet file cannot be read ({told})") from error


def _parts(path: Path, pa: Any, raw: bytes, limits: ReadLimits, text: Collection[str]) -> CsvParts:
    source = pa.BufferReader(raw)
    file = pa.parquet.ParquetFile(source)
    schema = file.schema_arrow
    _check_sizes(path, file.metadata, len(schema), limits)
    kinds = _kinds(path, pa, schema)
    texts = [name for name, kind in kinds if kind == "text"]
    file = pa.parquet.ParquetFile(source, metadata=file.metadata, read_dictionary=texts)
    dropped, columns, size = [], {}, 0
    for position, (name, kind) in enumerate(kinds):
        if not name.strip():
            dropped.append((f"column {position + 1}", "it has no name in the file"))
        elif _PANDAS_INDEX.fullmatch(name):
            dropped.append((name, "the row labels of a pandas frame"))
        else:
            column, size = _read(path, pa, file, position, size, limits)
            columns[name] = _column(path, pa, name, column, kind, name in text)
    if not columns:
        raise InputRefused(f"{path}: no column has a name")
    frame = pd.DataFrame(columns)
    if len(frame) == 0:
        raise InputRefused(f"{path}: has columns but no rows")
    return frame, tuple(_notes(kinds, schema, frame, text)), tuple(dropped), ()


def _check_sizes(path: Path, about: Any, n_columns: int, limits: ReadLimits) -> None:
    """What the footer states, checked before any value is read."""
    groups = [about.row_group(i) for i in range(about.num_row_groups)]
    n_rows = max(int(about.num_rows), sum(group.num_rows for group in groups))
    if n_columns == 0 or n_rows == 0:
        raise InputRefused(f"{path}: has {n_columns} columns and {n_rows} rows: nothing to read")
    limits.check(path, "columns", max(n_columns, about.num_columns))
    limits.check(path, "rows", n_rows)
    # The sum is stated once for a row group and once for each of its columns: both can be wrong.
    limits.check(path, "bytes", sum(g.total_byte_size for g in groups), "bytes once unpacked")
    sizes = (g.column(j).total_uncompressed_size for g in groups for j in range(g.num_columns))
    limits.check(path, "bytes", sum(max(0, size) for size in sizes), "bytes once unpacked")
    cells = n_rows * n_columns
    limits.check(path, "bytes", CELL * cells, f"bytes for {n_rows:,} rows of {n_columns:,} cells")


def _kinds(path: Path, pa: Any, schema: Any) -> list[tuple[str, str]]:
    """Name and kind of every column; what a table of numbers and words cannot hold is refused."""
    out, seen = [], set()
    for field in schema:
        if field.name in seen and field.name.strip():
            raise InputRefused(
                f"{path}: two columns are named {shown(field.name)}; rename one of them"
            )
        seen.add(field.name)
        kind = _kind(pa.types, field.type)
        if kind is None:
            raise InputRefused(
                f"{path}: column {shown(field.name)} is of type {str(field.type)[:100]}, which is "
                "neither numbers, text, booleans nor dates; convert it or leave it out of the file"
            )
        out.append((field.name, kind))
    return out


def _kind(types: Any, of: Any) -> str | None:
    """`number`, `decimal`, `bool`, `text`, `date`, `timestamp` or None."""
    if types.is_dictionary(of):
        inner = _kind(types, of.value_type)
        return inner if inner in ("text", "number") else None
    texts = ("is_string", "is_large_string", "is_string_view")
    if any(hasattr(types, name) and getattr(types, name)(of) for name in texts):
        return "text"
    if types.is_integer(of) or types.is_floating(of) or types.is_null(of):
        return "number"
    for kind in ("decimal", "date", "timestamp"):
        if getattr(types, f"is_{kind}")(of):
            return kind
    return "bool" if types.is_boolean(of) else None


def _read(
    path: Path, pa: Any, file: Any, position: int, size: int, limits: ReadLimits
) -> tuple[Any, int]:
    """A column, and the bytes of all so far; no more of it than the limits allow.

    A footer can state anything, so what comes out is measured after each row group.
    """
    parts, n_rows = [], 0
    for i in range(file.metadata.num_row_groups):
        if file.metadata.row_group(i).num_rows:
            # By position: a name with a dot in it would also stand for other columns.
            part = file.reader.read_row_group(i, column_indices=[position], use_threads=False)
            size, n_rows = size + part.nbytes, n_rows + part.num_rows
            limits.check(path, "rows", n_rows)
            limits.check(path, "bytes", size, "bytes once unpacked")
            parts.append(part)
    return pa.concat_tables(parts).column(0), size


def _column(path: Path, pa: Any, name: str, column: Any, kind: str, as_text: bool) -> pd.Series:
    """Numbers as numbers unless text is asked for, all else as categories of text."""
    column.validate(full=True)  # a damaged file may point outside its dictionary
    types = pa.types
    if kind in ("number", "decimal") and types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if as_text and (kind == "decimal" or types.is_integer(column.type)):
        kind = "text"  # with all their digits
    if kind in ("number", "decimal"):
        if kind == "decimal" or types.is_null(column.type):
            column = column.cast(pa.float64())
        numbers = column.to_pandas()
        if types.is_float16(column.type):
            numbers = numbers.astype(np.float64)
        if as_text:
            return _spelt(numbers)
        check_numbers(path, name, numbers)
        return numbers
    if kind == "timestamp" and column.type.tz is not None:
        column = column.cast(pa.timestamp(column.type.unit))  # the instant itself, in UTC
    if not types.is_dictionary(column.type):
        column = column.dictionary_encode()
    # One dictionary for all row groups; a file may also repeat a value inside one.
    whole = column.unify_dictionaries().combine_chunks()
    whole = whole.chunk(0) if hasattr(whole, "num_chunks") else whole
    texts = _texts(pa, whole.dictionary, kind)
    codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return categories(texts, codes).cat.remove_unused_categories()


def _spelt(numbers: pd.Series) -> pd.Series:
    """Floats as text; without fractions if none has one: pandas has no whole numbers beside NaN."""
    codes, values = pd.factorize(numbers)
    whole = bool(np.all(np.isfinite(values) & (np.floor(values) == values)))
    return categories(
        [str(int(value)) if whole else str(value) for value in values.tolist()], codes
    )


def _texts(pa: Any, values: Any, kind: str) -> list[str | None]:
    """The dictionary's values as text; dates as ISO writes them."""
    if kind == "bool":
        return [None if value is None else str(value) for value in values.to_pylist()]
    texts = values.cast(pa.string()).to_pylist()
    if kind != "timestamp":
        return texts
    short = [None if t is None else re.sub(r"(\.\d*?)0+$", r"\1", t).rstrip(".") for t in texts]
    if all(t is None or t.endswith(" 00:00:00") for t in short):
        return [None if t is None else t.removesuffix(" 00:00:00") for t in short]
    return [None if t is None else t.replace(" ", "T") for t in short]


def _notes(
    kinds: list[tuple[str, str]], schema: Any, frame: pd.DataFrame, asked: Collection[str]
) -> list[str]:
    """What was not obvious, one note a kind, so that a thousand columns do not make a thousand."""
    kept = [(i, name, kind) for i, (name, kind) in enumerate(kinds) if name in frame]
    said = {
        "dates, read as text; --time-column holds out the last rows by one": [
            name for _, name, kind in kept if kind in ("date", "timestamp")
        ],
        "timestamps with a time zone, said in UTC": [
            name for i, name, kind in kept if kind == "timestamp" and schema[i].type.tz is not None
        ],
        "decimals, read as floating-point numbers": [
            name for _, name, kind in kept if kind == "decimal" and name not in asked
        ],
        "text in the file although most values are numbers, read as text": [
            name
            for _, name, kind in kept
            if kind == "text" and name not in asked and _mostly_numbers(frame[name])
        ],
    }
    return [f"{listed(names)}: {what}" for what, names in said.items() if names]


def _mostly_numbers(column: pd.Series) -> bool:
    categories = pd.Series(column.cat.categories.astype(str))
    is_number = pd.to_numeric(categories, errors="coerce").notna()
    return bool(len(categories)) and int(is_number.sum()) * 2 > len(categories)
