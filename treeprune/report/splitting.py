"""Which rows are held out: drawn at random, by identifier, or the last ones in time.

Rows of one identifier on both sides are a leak, so they stay together. A time column asks whether
the model holds for rows that come later, so nothing is drawn then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import train_test_split

from .intake import InputRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["Split", "copies_notes", "groups_of_ids", "split_rows", "times_of"]

DRAWS = 100  # ways of holding out whole groups, of which the most even one is taken …
DRAWN = 1_000_000  # … fewer where this many groups would be drawn in all; chance is even then

_START, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_MONTH = re.compile(r"\d{4}-\d{2}")


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to train on and rows to judge on.

    Parameters
    ----------
    train, test : array of int
        Positions of rows; in time order where they are split by time, else ascending.
    kind : {"random", "groups", "time"}
    said : str
        The split in one sentence.
    groups : array of int or None
        Which training rows belong together, where they are split by group.
    notes : tuple of str
        What a reader has to know.

    Examples
    --------
    >>> Split(np.array([0]), np.array([1]), "random", "").notes
    ()
    """

    train: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]
    kind: str
    said: str
    groups: npt.NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()


def split_rows(
    y: npt.NDArray,
    classes: bool,
    target: str,
    test_size: float,
    seed: int,
    *,
    ids: pd.DataFrame | None = None,
    time: pd.Series | None = None,
) -> Split:
    """Hold out a share of the rows.

    Parameters
    ----------
    y : array, shape (n_rows,)
        Class codes or numbers.
    classes : bool
        Whether `y` are class codes; a random split is stratified by them then.
    target : str
        The target's name, for messages.
    test_size : float
        Share to hold out, between 0 and 1.
    seed : int
    ids : DataFrame, optional
        Identifiers; rows that share one are on the same side.
    time : Series, optional
        When each row is from, nothing missing; the last rows are held out.

    Returns
    -------
    Split

    Raises
    ------
    InputRefused
        If too few rows, or a class on one side only, would be left.

    Examples
    --------
    >>> y = np.tile([0, 1], 10)
    >>> split_rows(y, True, "y", 0.3, 0, time=pd.Series(range(20), name="year")).said
    'held out: the last 30 % of rows by year, from 14 on'
    """
    n, n_test = len(y), int(np.ceil(test_size * len(y)))
    _check_rows(n - n_test, n_test)
    names = "" if ids is None else " or ".join(map(str, ids.columns))
    groups = groups_of_ids(ids) if ids is not None and ids.shape[1] else np.arange(n)
    if time is not None:
        split = _by_time(time, test_size, groups, names)
    elif groups.max() + 1 < n:
        codes = y if classes else np.zeros(n, np.int64)
        split = _by_groups(codes, groups, names, test_size, seed)
    else:
        split = _at_random(y, classes, target, test_size, seed)
    _check_rows(len(split.train), len(split.test))
    if classes:
        _check_classes(y, split, target)
    return split


def _check_rows(n_train: int, n_test: int) -> None:
    if n_train < 10 or n_test < 5:
        raise InputRefused(
            f"{n_train + n_test} rows with a target are too few: at least 10 must remain for "
            f"training and 5 be held out ({n_train} and {n_test} here)"
        )


def _check_classes(y: npt.NDArray, split: Split, target: str) -> None:
    """Every class must be on both sides; a random split is refused before it is drawn."""
    n_classes = int(y.max()) + 1
    for rows, side in ((split.train, "training rows"), (split.test, "held-out rows")):
        lacking = int((np.bincount(y[rows], minlength=n_classes) == 0).sum())
        if lacking:
            raise InputRefused(
                f"{lacking} of {n_classes} classes of {target!r} have no {side} ({split.said}): "
                "merge rare classes, or give another --test-size"
            )


def _at_random(y: npt.NDArray, classes: bool, target: str, test_size: float, seed: int) -> Split:
    n, n_test = len(y), int(np.ceil(test_size * len(y)))
    if classes:
        counts = np.bincount(y)
        if counts.min() < 2 or n_test < len(counts) or n - n_test < len(counts):
            raise InputRefused(
                f"the rarest class of {target!r} ({counts.min()} of {n} rows) leaves none for "
                "training or none to hold out: merge rare classes"
            )
    train, test = train_test_split(
        np.arange(n), test_size=test_size, random_state=seed, stratify=y if classes else None
    )
    by = ", stratified by class" if classes else ""
    said = f"held out: {_percent(n_test / n)} of rows, drawn at random{by}, seed {seed}"
    return Split(np.sort(train), np.sort(test), "random", said)


# -- by identifier -------------------------------------------------------------------------------


def groups_of_ids(ids: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Number of the group of each row: rows that share any identifier are in one group.

    Parameters
    ----------
    ids : DataFrame, shape (n_rows, n_ids)
        A missing identifier is shared with no row.

    Returns
    -------
    array of int64, shape (n_rows,)
        From 0, without gaps.

    Examples
    --------
    >>> ids = pd.DataFrame({"person": ["a", "a", "b", "c"], "house": [1, 2, 2, None]})
    >>> groups_of_ids(ids).tolist()
    [0, 0, 0, 1]
    """
    n = len(ids)
    rows, links, start = [], [], n
    for name in ids.columns:
        codes = pd.factorize(ids[name])[0]
        known = np.flatnonzero(codes >= 0)
        rows.append(known)
        links.append(start + codes[known])
        start += int(codes.max(initial=-1)) + 1
    # Rows and identifiers are the nodes of a graph; its components are the groups.
    one, other = np.concatenate(rows), np.concatenate(links)
    graph = coo_matrix((np.ones(len(one), np.int8), (one, other)), shape=(start, start))
    parts = connected_components(graph, directed=False)[1][:n]
    return pd.factorize(parts)[0].astype(np.int64)


def _by_groups(
    y: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    names: str,
    test_size: float,
    seed: int,
) -> Split:
    """Whole groups held out: of many draws the one with the most even share of every class."""
    n_groups, n = int(groups.max()) + 1, len(y)
    if n_groups < 2:
        raise InputRefused(f"all rows share one {names}: none can be held out without a leak")
    table = np.zeros((n_groups, int(y.max()) + 1))
    np.add.at(table, (groups, y), 1)
    sizes, counts = table.sum(axis=1), table.sum(axis=0)
    best, least = np.zeros(0, np.int64), np.inf
    rng = np.random.default_rng(seed)
    for _ in range(min(DRAWS, 1 + DRAWN // n_groups)):
        order = rng.permutation(n_groups)
        size = sizes[order].cumsum()
        n_held = 1 + int(np.abs(size[:-1] - test_size * n).argmin())
        share = table[order[:n_held]].sum(axis=0) / counts
        uneven = float(np.abs(share - test_size).max() + np.abs(size[n_held - 1] / n - test_size))
        if uneven < least:
            best, least = order[:n_held], uneven
    held = np.isin(groups, best)
    said = (
        f"held out: {_percent(held.mean())} of rows, drawn at random by {names} "
        f"({len(best):,} of {n_groups:,} groups of rows that share one), seed {seed}"
    )
    note = (
        f"rows repeat by {names}: {n:,} rows are {n_groups:,} groups that share one; folds keep "
        "each together, too; intervals take held-out rows as independent, and are too narrow "
        "where rows of a group are alike"
    )
    train = np.flatnonzero(~held)
    return Split(train, np.flatnonzero(held), "groups", said, groups[train], (note,))


# -- by time -------------------------------------------------------------------------------------


def times_of(column: pd.Series) -> npt.NDArray[Any]:
    """Numbers in the order of time.

    Parameters
    ----------
    column : Series
        Numbers, or ISO dates or timestamps as text; nothing missing.

    Returns
    -------
    array, shape (n_rows,)

    Raises
    ------
    InputRefused
        If a text is no ISO date, or only some have a time zone.

    Examples
    --------
    >>> np.argsort(times_of(pd.Series(["2019-03-01", "2018-12-31T23:59"]))).tolist()
    [1, 0]
    """
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64)
    codes, texts = pd.factorize(column.astype(str))
    times = [_time(text) for text in texts]
    bad = [text for text, time in zip(texts, times, strict=True) if time is None]
    if bad:
        raise InputRefused(
            f"the time column {str(column.name)!r} has values that are no dates, such as "
            f"{bad[0][:60]!r} ({len(bad):,} of {len(texts):,} distinct ones); give numbers or "
            "ISO dates such as 2019-03-01 or 2019-03-01T12:30"
        )
    found = [time for time in times if time is not None]
    if len({time.tzinfo is None for time in found}) > 1:
        raise InputRefused(
            f"the time column {str(column.name)!r} has times with and without a time zone, whose "
            "order is not known; give all of them with one, or none"
        )
    start = _START if found[0].tzinfo else _START.replace(tzinfo=None)
    return np.array([(time - start) // _MICROSECOND for time in found], dtype=np.int64)[codes]


def _time(text: str) -> datetime | None:
    text = text.strip()
    try:
        return datetime.fromisoformat(f"{text}-01" if _MONTH.fullmatch(text) else text)
    except ValueError:
        return None


def _by_time(time: pd.Series, test_size: float, groups: npt.NDArray[np.int64], names: str) -> Split:
    """The last rows; rows of one time stay together, so that "from … on" is exact."""
    values = times_of(time)
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    borders = 1 + np.flatnonzero(np.diff(ascending))  # first rows of a time, but for the first
    if not len(borders):
        raise InputRefused(f"all rows have one {time.name}: none of them is the last")
    n = len(values)
    # The border nearest to the share asked for; of two, the one that holds out more.
    border = int(borders[np.abs((n - borders) / n - test_size).argmin()])
    train, test = order[:border], order[border:]
    share = len(test) / n
    asked = "" if abs(share - test_size) <= 1 / n else f" ({_percent(test_size)} asked for)"
    said = (
        f"held out: the last {_percent(share)} of rows by {time.name}, from "
        f"{_said_time(time.iloc[test[0]])} on{asked}"
    )
    notes = ["folds go forward in time: a size is judged on rows later than those it was grown on"]
    known = int(np.isin(groups[test], groups[train]).sum())
    if known:
        notes.append(
            f"{known:,} of {len(test):,} held-out rows share their {names} with an earlier row "
            "that was trained on"
        )
    return Split(train, test, "time", said, None, tuple(notes))


def _said_time(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


# -- copies --------------------------------------------------------------------------------------


def copies_notes(frame: pd.DataFrame, split: Split, but: Sequence[str]) -> list[str]:
    """A note on rows that are equal in all columns; no note where there are none.

    Parameters
    ----------
    frame : DataFrame
        All columns of all rows.
    split : Split
    but : sequence of str
        Identifiers: they differ even between copies.

    Returns
    -------
    list of str

    Examples
    --------
    >>> split = Split(np.array([0, 1]), np.array([2]), "random", "")
    >>> copies_notes(pd.DataFrame({"x": [1, 2, 1]}), split, [])
    ['1 row repeats an earlier one in every column; 1 held-out row equals a training row']
    """
    rest = frame.drop(columns=list(dict.fromkeys(but)))
    if not rest.shape[1]:
        return []
    marks = pd.util.hash_pandas_object(rest, index=False).to_numpy()
    n = len(marks) - len(np.unique(marks))
    if not n:
        return []
    both = int(np.isin(marks[split.test], marks[split.train]).sum())
    apart = " (identifiers aside)" if but else ""
    repeat, equal = (
        f"{count:,} {what}{one if count == 1 else many}"
        for count, what, one, many in (
            (n, "", "row repeats", "rows repeat"),
            (both, "held-out ", "row equals", "rows equal"),
        )
    )
    return [f"{repeat} an earlier one in every column{apart}; {equal} a training row"]
