"""Groups of rows by sensitive features, in whatever shape these come.

Each feature becomes one code a row and one name a group. Groups of fewer than ten rows keep no
name and no code, only a count, so that nothing built on a `Grouping` can show them; missing values
are a group of their own, and two groups never bear names that read alike.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..explain.text import printable

__all__ = ["FEWEST_ROWS", "MISSING", "MOST_GROUPS", "Grouping", "groupings"]

FEWEST_ROWS = 10  # figures of fewer rows say more about persons than about groups
MOST_GROUPS = 100  # the largest of more differences is noise, and pairs of groups are compared
MISSING = "missing"
UNNAMED = "sensitive_feature"


@dataclass(frozen=True, eq=False)
class Grouping:
    """Which rows belong together by one sensitive feature.

    Parameters
    ----------
    feature : str
    names : tuple of str
        Names of the groups that are shown, in order.
    code : array of int64, shape (n_rows,)
        Position in `names`; -1 of a row whose group is not shown.
    hidden_groups, hidden_rows : int
        How many groups are too small to be shown, and how many rows they hold.
    """

    feature: str
    names: tuple[str, ...]
    code: npt.NDArray[np.int64]
    hidden_groups: int = 0
    hidden_rows: int = 0

    def rows(self) -> list[npt.NDArray[np.int64]]:
        """Positions of the rows of each group that is shown."""
        order = np.argsort(self.code, kind="stable")
        ends = np.searchsorted(self.code[order], np.arange(len(self.names) + 1))
        return [order[a:b] for a, b in pairwise(ends)]


def groupings(
    sensitive_features: Any, n_rows: int, *, X: Any = None, intersect: bool = False
) -> list[Grouping]:
    """One `Grouping` per sensitive feature, or a single one of their intersection.

    Parameters
    ----------
    sensitive_features : Series, array, DataFrame or mapping of str to array
        One value a row and feature.
    n_rows : int
        Number of rows that are grouped.
    X : optional
        The rows; if both are pandas objects, their indexes must not be in two orders.
    intersect : bool
        Whether rows are grouped by all features together.

    Raises
    ------
    ValueError
        If there are none, lengths differ, names repeat, or a feature has more than a hundred
        groups.
    """
    columns = _columns(sensitive_features)
    for feature, values in columns:
        if len(values) != n_rows:
            raise ValueError(
                f"sensitive feature {feature!r} has {len(values)} values for {n_rows} rows; give "
                "one value a row, such as X['sex'] (in searches as a Series, array or DataFrame, "
                "which are split with the rows)"
            )
        _check_order(X, values)
    named = [(feature, *_coded(feature, values)) for feature, values in columns]
    if intersect and len(named) > 1:
        named = [_intersection(named)]
    return [_without_small(*one) for one in named]


def _columns(given: Any) -> list[tuple[str, Any]]:
    """Name and values of each feature."""
    if given is None:
        raise ValueError(
            "sensitive_features is None: fairness compares groups of rows; give one value a row, "
            "such as X['sex'], or a DataFrame with several such columns"
        )
    if isinstance(given, Mapping):
        columns = [(str(name), _one_column(str(name), given[name])) for name in given]
    elif hasattr(given, "columns"):
        parts = (
            [given.iloc[:, i] for i in range(given.shape[1])]
            if hasattr(given, "iloc")
            else [given[name] for name in given.columns]
        )
        columns = [(str(name), part) for name, part in zip(given.columns, parts, strict=True)]
    else:
        columns = _from_array(given)
    if not columns:
        raise ValueError("sensitive_features has no column; give at least one")
    twice = [name for name, times in Counter(name for name, _ in columns).items() if times > 1]
    if twice:
        raise ValueError(f"several sensitive features are called {twice[0]!r}; rename all but one")
    return columns


def _from_array(given: Any) -> list[tuple[str, Any]]:
    values = given if hasattr(given, "dtype") else np.array(given, dtype=object)
    if np.ndim(values) == 1:
        name = getattr(given, "name", None)
        return [(UNNAMED if name is None or name == "" else str(name), values)]
    if np.ndim(values) != 2:
        raise ValueError(
            f"sensitive_features must be a column, or a table of columns, with one value a row; "
            f"got {given!r}"
            if np.ndim(values) == 0
            else f"sensitive_features must have one or two dimensions, got {np.ndim(values)}"
        )
    width = np.shape(values)[1]
    names = [UNNAMED] if width == 1 else [f"{UNNAMED}_{i}" for i in range(width)]
    return [(name, values[:, i]) for i, name in enumerate(names)]


def _one_column(name: str, values: Any) -> Any:
    column = values if hasattr(values, "dtype") else np.array(values, dtype=object)
    if np.ndim(column) != 1:
        raise ValueError(f"sensitive feature {name!r} has shape {np.shape(column)}; give a column")
    return column


def _check_order(X: Any, values: Any) -> None:
    """Refuse pandas objects whose indexes say that their rows are in different orders."""
    rows, index = getattr(X, "index", None), getattr(values, "index", None)
    if not (isinstance(rows, pd.Index) and isinstance(index, pd.Index)) or rows.equals(index):
        return
    if rows.is_unique and index.is_unique and bool(rows.isin(index).all()):
        raise ValueError(
            "X and sensitive_features have the same index in different orders, but rows are "
            "matched by position; reorder with sensitive_features.loc[X.index], or give "
            "sensitive_features.to_numpy() if the positions are right"
        )


def _coded(feature: str, values: Any) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Names of all groups in order, and the code of each row; missing values come last."""
    plain = np.asarray(values, dtype=object)
    try:
        codes, found = pd.factorize(plain)
    except TypeError as error:
        raise ValueError(
            f"sensitive feature {feature!r} holds values that cannot be compared, such as lists; "
            "give texts, numbers or categories"
        ) from error
    dtype = getattr(values, "dtype", None)
    in_order = list(dtype.categories) if isinstance(dtype, pd.CategoricalDtype) else _sorted(found)
    place = {value: i for i, value in enumerate(in_order)}
    rank = np.array([place[value] for value in found], dtype=np.int64)
    present = sorted(rank.tolist())
    moved = np.searchsorted(present, rank)
    code = np.full(len(codes), len(present), dtype=np.int64)
    known = codes >= 0
    code[known] = moved[codes[known]]
    names = _names([in_order[i] for i in present])
    return (names if bool(known.all()) else (*names, MISSING)), code


def _sorted(values: Iterable[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:  # words and numbers have no order
        return sorted(values, key=lambda value: (type(value).__name__, str(value)))


def _names(values: Sequence[Any]) -> tuple[str, ...]:
    """Names that can be told apart: 1 and '1', a trailing space, two spellings of one accent."""
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    names = [printable(value) for value in plain]
    for spelt in (repr, ascii):
        read = [unicodedata.normalize("NFC", name).strip() for name in names]
        times = Counter([*read, MISSING])
        names = [
            printable(spelt(value)) if times[key] > 1 or not key else name
            for key, name, value in zip(read, names, plain, strict=True)
        ]
    return _numbered(names)


def _numbered(names: Sequence[str]) -> tuple[str, ...]:
    """What remains alike (objects that print the same) is told apart by a number."""
    times, seen, out = Counter(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        out.append(f"{name} ({seen[name]})" if times[name] > 1 else name)
    return tuple(out)


Named = tuple[str, tuple[str, ...], npt.NDArray[np.int64]]


def _intersection(named: Sequence[Named]) -> Named:
    """Groups of all features together, of the combinations that occur."""
    codes = np.column_stack([code for _, _, code in named])
    found, code = np.unique(codes, axis=0, return_inverse=True)
    names = [
        " & ".join(names[c] for c, (_, names, _) in zip(row, named, strict=True)) for row in found
    ]
    feature = " & ".join(feature for feature, _, _ in named)
    return feature, _numbered(names), code.reshape(-1).astype(np.int64)


def _without_small(feature: str, names: tuple[str, ...], code: npt.NDArray[np.int64]) -> Grouping:
    size = np.bincount(code, minlength=len(names))
    shown = np.flatnonzero(size >= FEWEST_ROWS)
    if len(shown) > MOST_GROUPS:
        raise ValueError(
            f"sensitive feature {feature!r} has {len(shown)} groups of at least {FEWEST_ROWS} "
            f"rows, possible are {MOST_GROUPS}; band it, such as with pandas.cut"
        )
    place = np.full(len(names), -1, dtype=np.int64)
    place[shown] = np.arange(len(shown))
    hidden = np.setdiff1d(np.flatnonzero(size), shown)
    return Grouping(
        feature,
        tuple(names[i] for i in shown),
        place[code],
        len(hidden),
        int(size[hidden].sum()),
    )
