"""Cells of text to columns: numbers where a whole column is numbers, categories otherwise.

What a column is depends on all its cells and never on where in the file they stand. Only a block
of rows is held as text at a time: of a column of text each word is kept once, of one of numbers
the numbers. Numbers are exact to the last bit.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from .table import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["MISSING", "Column", "categories", "notes_on"]

MISSING = frozenset(
    ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
     "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")
)  # fmt: skip
_WORDS = MISSING - {""}
FEW = 1 << 9  # cells of which it is not yet asked whether they repeat
MANY = 1 << 14  # words of a column that are told apart one by one
_BOOLEANS = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False"}
# Python takes these for parts of numbers, as it does digits beyond ASCII; hardly anyone else does.
_ODD = "_\x1c\x1d\x1e\x1f"
_ZEROS = re.compile("\n(0[0-9]+)(?=\n|$)")


class _Known(dict[str, int]):
    """Number of each word, in the order in which words are met."""

    def __missing__(self, word: str) -> int:
        self[word] = code = len(self)
        return code


class _Texts:
    """Cells of text: the numbers of words while words are few, packed text from then on."""

    def __init__(self) -> None:
        self.known = _Known()
        self.coded: list[npt.NDArray] = []
        self.packed: list[pd.Series] = []
        self.waiting: list[str] = []
        self.n_coded = 0

    def add(self, cells: Sequence[str]) -> None:
        n_words = len(self.known)
        if n_words > MANY or 2 * n_words > self.n_coded > FEW:
            self.waiting += cells
            if len(self.waiting) >= FEW:
                self._pack()
            return
        codes = np.fromiter(map(self.known.__getitem__, cells), np.int32, len(cells))
        self.coded.append(codes.astype(np.min_scalar_type(-len(self.known))))
        self.n_coded += len(cells)

    def _pack(self) -> None:
        self.packed.append(pd.Series(self.waiting, dtype=str))
        self.waiting = []

    def finish(self) -> pd.Series:
        """All of them, as categories."""
        codes = np.concatenate(self.coded)
        if not (self.packed or self.waiting):
            return pd.Series(pd.Categorical.from_codes(codes, pd.Index(self.known, dtype=str)))
        self._pack()
        words = pd.Series(list(self.known), dtype=str)
        parts = [words.iloc[codes], *self.packed]
        return pd.concat(parts, ignore_index=True).astype("category")


class Column:
    """One column while a file is read, block by block.

    Parameters
    ----------
    name : str
    text : bool
        Whether the cells are text whatever they look like.

    Attributes
    ----------
    unsure : bool
        Whether cells were taken for numbers before the column turned out to be text; then all
        blocks must be added to a new column of text.
    missing : Counter
        How often each word for missing is met; empty cells are not counted.
    zeros : str or None
        A number with leading zeros, if there is one.
    booleans : list of str
        Of finished text, the words that are written as `True` and `False` instead.
    odd, present : int
        Of finished text, how many cells are no numbers, and how many are not missing.

    Examples
    --------
    >>> column = Column("age")
    >>> column.add(["31", "NA", "07"])
    >>> column.finish().tolist(), dict(column.missing), column.zeros
    ([31.0, nan, 7.0], {'NA': 1}, '07')
    """

    def __init__(self, name: str, text: bool = False) -> None:
        self.name, self.text, self.unsure = name, text, False
        self.missing: Counter[str] = Counter()
        self.zeros: str | None = None
        self._numbers: list[npt.NDArray] = []
        self._texts = _Texts()
        self.booleans: list[str] = []
        self.odd = self.present = 0

    def add(self, cells: Sequence[str]) -> None:
        """Take the cells of some more rows.

        Parameters
        ----------
        cells : sequence of str

        Examples
        --------
        >>> column = Column("age")
        >>> column.add(["31"])
        >>> column.add(["unknown"])
        >>> column.unsure
        True
        """
        if not self.text and not self._add_numbers(cells):
            self.text, self.unsure = True, bool(self._numbers)
            self._numbers = []
        if self.text and not self.unsure:
            self._texts.add(cells)

    def _add_numbers(self, cells: Sequence[str]) -> bool:
        """Whether all cells are numbers or missing, and are added as such."""
        numbers = _numbers(cells)
        if numbers is None:
            return False
        for word in _WORDS.intersection(cells):
            self.missing[word] += cells.count(word)
        if self.zeros is None:
            found = _ZEROS.search("\n" + "\n".join(cells))
            self.zeros = found and found[1]
        self._numbers.append(numbers)
        return True

    def finish(self) -> pd.Series:
        """The whole column; nothing can be added any more.

        Returns
        -------
        Series
            Of int64 or float64, or categories of str; missing cells are NaN.

        Examples
        --------
        >>> column = Column("city")
        >>> column.add(["Ulm", "Bonn", "null"])
        >>> column.finish().tolist()
        ['Ulm', 'Bonn', nan]
        """
        if not self.text:
            return pd.Series(np.concatenate(self._numbers))
        column = self._texts.finish()
        self._texts = _Texts()
        words, codes = column.cat.categories.tolist(), column.cat.codes.to_numpy()
        counts = dict(zip(words, np.bincount(codes).tolist(), strict=True))
        self.missing.update({word: counts[word] for word in _WORDS & counts.keys()})
        self.booleans = sorted(_BOOLEANS.keys() & counts.keys())
        self.odd, self.present = _odd(counts)
        if self.present < len(column) or self.booleans:
            words = [None if word in MISSING else word for word in words]
        elif words == sorted(words):
            return column
        return categories(words, codes)


def _odd(counts: dict[str, int]) -> tuple[int, int]:
    """Cells that are no numbers, and all that are not missing."""
    present = sum(counts.values()) - sum(counts.get(word, 0) for word in MISSING)
    maybe = [word for word in counts if word[:1] <= "9" or word[0] in "iI"]
    numbers = sum(counts[word] for word in maybe if word not in MISSING and _is_number(word))
    return present - numbers, present


def _numbers(cells: Sequence[str]) -> npt.NDArray | None:
    """The cells as numbers, missing ones as NaN; None if a cell is neither."""
    try:
        numbers = np.fromiter(map(int, cells), np.int64, len(cells))
        return numbers if _is_plain("".join(cells)) else None
    except (ValueError, OverflowError):
        words = set(cells)
    present = words - MISSING
    try:
        if len(present) == len(words) and 2 * len(words) > len(cells):  # not worth a dictionary
            numbers = np.fromiter(map(float, cells), np.float64, len(cells))
        else:
            known = {word: float(word) for word in present} | dict.fromkeys(MISSING, math.nan)
            numbers = np.fromiter(map(known.__getitem__, cells), np.float64, len(cells))
    except ValueError:
        return None
    # Python has more words for NaN than are read as missing.
    n_missing = sum(map(cells.count, words - present))
    if np.count_nonzero(np.isnan(numbers)) > n_missing or not _is_plain("".join(present)):
        return None
    return numbers


def _is_plain(text: str) -> bool:
    """Whether nothing in it is part of a number to Python alone."""
    return text.isascii() and not any(odd in text for odd in _ODD)


def _is_number(word: str) -> bool:
    try:
        return not math.isnan(float(word)) and _is_plain(word)
    except ValueError:
        return False


def categories(texts: Sequence[str | None], codes: npt.NDArray) -> pd.Series:
    """Text as categories, in the order of their text.

    Parameters
    ----------
    texts : sequence of str or None
        Distinct or not; the empty text and None are missing, as in a CSV file, and `true` and
        `TRUE` are `True`, whichever program wrote them.
    codes : array of int, shape (n_rows,)
        Position of each row's text; -1 where it is missing.

    Returns
    -------
    Series of categories, shape (n_rows,)

    Examples
    --------
    >>> categories(["b", "", "a", "b"], np.array([0, 1, 2, 3, -1])).tolist()
    ['b', nan, 'a', 'b', nan]
    """
    texts = [text and _BOOLEANS.get(text, text) for text in texts]
    names = sorted(dict.fromkeys(text for text in texts if text))
    place: dict[str | None, int] = {name: i for i, name in enumerate(names)}
    new = np.array([*(place.get(text, -1) for text in texts), -1], dtype=np.int64)
    index = pd.Index(names, dtype=str)
    return pd.Series(pd.Categorical.from_codes(new[codes], categories=index))


def notes_on(columns: Sequence[Column], asked: Collection[str]) -> list[str]:
    """What a reader has to know about how finished columns were read.

    Parameters
    ----------
    columns : sequence of Column
    asked : collection of str
        Names of columns that are text because someone asked for that.

    Returns
    -------
    list of str

    Examples
    --------
    >>> column = Column("month")
    >>> column.add(["01", "NA"])
    >>> _ = column.finish()
    >>> notes_on([column], ())[0]
    "month: read as missing: 'NA' (1)"
    """
    notes = []
    for column in columns:
        if column.missing:
            often = sorted(column.missing.items(), key=lambda item: (-item[1], item[0]))
            words = ", ".join(f"{word!r} ({n})" for word, n in often)
            notes.append(f"{column.name}: read as missing: {words}")
    for column in columns:
        if column.name not in asked and 2 * column.odd < column.present:
            notes.append(
                f"{column.name} is read as text: {column.odd} of {column.present} values "
                "are not numbers"
            )
    zeros = {column.name: column.zeros for column in columns if column.zeros and not column.text}
    if zeros:
        notes.append(
            f"{listed(zeros)}: values such as {next(iter(zeros.values()))!r} are read as numbers, "
            "without their leading zeros; if they are names, put a letter before each"
        )
    booleans = {column.name: column.booleans for column in columns if column.booleans}
    if booleans:
        words = ", ".join(map(repr, sorted({word for some in booleans.values() for word in some})))
        notes.append(f"{listed(booleans)}: {words} are written as True and False")
    return notes
