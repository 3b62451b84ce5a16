"""What reading a file gives: a checked frame, or a refusal in one line.

Files come from strangers. Limits on rows, columns, categories and bytes are checked before a file
is read in full, and every refusal says which flag of the command line raises the limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd

__all__ = ["InputRefused", "ReadLimits", "Table", "check_numbers", "listed"]

FLOAT32_MAX = float(np.finfo(np.float32).max)
SHOWN_NAMES = 40
SHOWN_CHARACTERS = 200
MOST_CATEGORIES = 1_000


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
class ReadLimits:
    """How much of a stranger's file is read; what is beyond is refused, not cut off.

    Parameters
    ----------
    rows : int
        Most rows; `--max-rows`.
    columns : int
        Most columns; `--max-columns`.
    categories : int
        Most categories of a column that is predicted from: a column with more is left out, with
        the reason, and refuses nothing; `--max-categories`.
    bytes : int
        Most bytes of the file, also once unpacked; `--max-bytes`. 512 MiB by default.

    Raises
    ------
    ValueError
        If a limit is not a whole number of at least 1.

    Examples
    --------
    >>> ReadLimits().rows, ReadLimits(columns=5_000).columns
    (1000000, 5000)
    """

    rows: int = 1_000_000
    columns: int = 1_000
    categories: int = MOST_CATEGORIES
    bytes: int = 512 * 2**20

    def __post_init__(self) -> None:
        """Refuse limits that nothing could keep."""
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")

    def check(self, path: Path, kind: str, found: int, what: str = "") -> None:
        """Refuse what is beyond a limit.

        Parameters
        ----------
        path : Path
            The file, for the message.
        kind : {"rows", "columns", "bytes"}
        found : int
            What the file has.
        what : str
            What is counted, where it is not simply `kind`.

        Raises
        ------
        InputRefused
            If `found` is more than the limit.

        Examples
        --------
        >>> from pathlib import Path
        >>> try:
        ...     ReadLimits(columns=3).check(Path("a.csv"), "columns", 5)
        ... except InputRefused as refusal:
        ...     print(refusal)
        a.csv: 5 columns, more than the limit of 3; --max-columns raises it
        """
        limit = getattr(self, kind)
        if found > limit:
            raise InputRefused(
                f"{path}: {found:,} {what or kind}, more than the limit of {limit:,}; "
                f"--max-{kind} raises it"
            )


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
    most_categories : int
        Most categories of a column that is predicted from.

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
    most_categories: int = MOST_CATEGORIES


def listed(names: Iterable[object]) -> str:
    """The names, comma separated, the first 40 where there are more.

    Parameters
    ----------
    names : iterable

    Returns
    -------
    str

    Examples
    --------
    >>> listed(["a", 2])
    'a, 2'
    """
    texts = [str(name) for name in names]
    more = f", … ({len(texts)} in all)" if len(texts) > SHOWN_NAMES else ""
    return ", ".join(texts[:SHOWN_NAMES]) + more


def check_numbers(path: Path, name: str, column: pd.Series) -> None:
    """Refuse numbers that are infinite or that a tree's single precision cannot hold.

    Parameters
    ----------
    path : Path
        The file, for the message.
    name : str
        The column's name.
    column : Series of numbers

    Raises
    ------
    InputRefused
        If there is such a number.

    Examples
    --------
    >>> import pandas as pd
    >>> from pathlib import Path
    >>> check_numbers(Path("a.csv"), "x", pd.Series([1.5, None]))
    """
    beyond = int((column.abs() > FLOAT32_MAX).sum())
    if beyond:
        raise InputRefused(
            f"{path}: column {shown(name)} has {beyond} values that are infinite or beyond "
            f"{FLOAT32_MAX:.1e}, the largest number a tree can hold; mend or drop them"
        )


def shown(name: str) -> str:
    """A name in quotes, cut where it is very long, so that a refusal stays a line."""
    text = repr(name)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
