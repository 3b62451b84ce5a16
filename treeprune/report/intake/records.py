"""Records of comma-separated text, read strictly and in blocks of bounded size.

Readers of CSV differ on ragged lines, lone carriage returns and quotes that stay open. A report
that somebody signs must not rest on a guess, so such files are refused here, and whoever wants
cells takes them from these records: there is no second reader that could see others.
"""

from __future__ import annotations

import csv
import io
from itertools import chain, islice
from typing import TYPE_CHECKING

from .table import InputRefused, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .table import ReadLimits

__all__ = ["Records"]

LINE_PER_COLUMN = 1024  # characters of a record for each column that is allowed
BLOCK, MOST_CELLS = 1 << 15, 1 << 18  # cells that are held as text at a time
LEAST_ROWS = 256  # of a block, unless that is too many cells
UTF16 = (b"\xff\xfe", b"\xfe\xff")
BLANK = " \t\r\n"


class Records:
    r"""The header of a CSV text, and its rows.

    Parameters
    ----------
    path : Path
        The file, for messages.
    raw : bytes
        Its text.
    limits : ReadLimits

    Attributes
    ----------
    path : Path
    header : list of str
        The first record that is not blank.

    Raises
    ------
    InputRefused
        If it is not UTF-8 text, or its header is empty, too long or names two columns alike.

    Examples
    --------
    >>> from pathlib import Path
    >>> from treeprune.report.intake import ReadLimits
    >>> records = Records(Path("a.csv"), b"age,city\n31,Bonn\n\n,NA\n", ReadLimits())
    >>> records.header, list(records.blocks())
    (['age', 'city'], [[['31', ''], ['Bonn', 'NA']]])
    """

    def __init__(self, path: Path, raw: bytes, limits: ReadLimits) -> None:
        if raw.startswith(UTF16):
            raise InputRefused(f"{path}: UTF-16 text; save the file as CSV in UTF-8")
        where = raw.find(b"\0")
        if where >= 0:
            raise InputRefused(
                f"{path}: holds NUL bytes (the first at byte {where}): not a text file; "
                "unpack compressed files and save tables as CSV in UTF-8"
            )
        self.path, self._raw, self._limits = path, raw, limits
        self._may_mix = b"\n" in raw and raw.count(b"\r") != raw.count(b"\r\n")
        header = next(self._rows(), None)
        if header is None:
            raise InputRefused(f"{path}: the file is empty")
        _check_header(path, header, limits)
        self.header = header

    def blocks(self) -> Iterator[list[list[str]]]:
        r"""All rows but the header, many at a time, column by column; each call starts anew.

        Yields
        ------
        list of list of str
            For each column of the header its cells, at least one.

        Raises
        ------
        InputRefused
            If a row is ragged, a quote stays open, or there are more rows than the limit.

        Examples
        --------
        >>> from pathlib import Path
        >>> from treeprune.report.intake import ReadLimits
        >>> next(Records(Path("a.csv"), b"a,b\n1,x\n2,y\n", ReadLimits()).blocks())
        [['1', '2'], ['x', 'y']]
        """
        width, most, n_rows = len(self.header), self._limits.rows, 0
        size = max(1, min(max(BLOCK // width, LEAST_ROWS), MOST_CELLS // width))
        rows = self._rows()
        next(rows)
        # One flat list of cells: a list for each row would be walked by the garbage collector.
        while cells := list(chain.from_iterable(islice(rows, min(size, most - n_rows + 1)))):
            n_rows += len(cells) // width
            if n_rows > most:
                raise InputRefused(
                    f"{self.path}: more rows than the limit of {most:,}; --max-rows raises it"
                )
            yield [cells[i::width] for i in range(width)]

    def _rows(self) -> Iterator[list[str]]:
        """Header and rows; lines that are blank outside quotes are none."""
        lines, end, n_fields = _Lines(self.path, self._raw, self._limits), "", 0
        reader, plain = csv.reader(lines.read(), strict=True), not self._may_mix
        try:
            for row in reader:
                lines.record = 0
                if len(row) == n_fields > 1 and plain:  # nearly all rows
                    yield row
                    continue
                end = self._one_end(reader.line_num, lines.line, end)
                if len(row) < 2 and not lines.line.strip(BLANK):
                    continue
                n_fields = n_fields or len(row)
                if len(row) != n_fields:
                    raise InputRefused(
                        f"{self.path}: line {reader.line_num} has {len(row)} fields, "
                        f"the header has {n_fields}"
                    )
                yield row
        except csv.Error as error:
            raise InputRefused(f"{self.path}: line {reader.line_num}: {error}") from error
        except UnicodeDecodeError as error:
            raise InputRefused(
                f"{self.path}: not UTF-8 text (byte {_not_utf8(self._raw)}); "
                "save the file as CSV in UTF-8"
            ) from error

    def _one_end(self, number: int, line: str, before: str) -> str:
        r"""What records end with, `\r` or `\n`: programs differ on files that have both."""
        end = line[-1:]
        if not self._may_mix or end not in ("\r", "\n"):  # neither: the last line
            return before
        if before and end != before:
            told = ("a carriage return alone", "a line feed")
            this, others = told if end == "\r" else told[::-1]
            raise InputRefused(
                f"{self.path}: line {number} ends with {this}, lines before it with {others}; "
                "save the file with one kind of line end"
            )
        return end


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
        self.path, self.limits, self.record, self.line = path, limits, 0, ""
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
            self.line = line
            yield line


def _check_header(path: Path, header: list[str], limits: ReadLimits) -> None:
    limits.check(path, "columns", len(header))
    seen: set[str] = set()
    for name in header:
        if name in seen and name.strip():
            raise InputRefused(f"{path}: two columns are named {shown(name)}; rename one of them")
        seen.add(name)
    if not any(name.strip() for name in header):
        raise InputRefused(f"{path}: no column has a name")
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        raise InputRefused(
            f"{path}: one column only; the fields must be separated by commas, "
            "not by semicolons or tabs"
        )
