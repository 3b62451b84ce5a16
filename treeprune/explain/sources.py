"""Link and Source: one column's way from the caller's frame to the model, to be asked at will.

Every transformer that works column by column is a `Link`: it can be asked what it makes of given
values of one column. A `Source` is a chain of links from one raw column to one model column, with
what is known of its shape. As each column is treated by itself, one table can ask about all of
them (`asking.py`), which is quicker than a table each.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sklearn
from scipy import sparse

from .limits import last_trues
from .tables import dense

__all__ = [
    "Answer",
    "Link",
    "Memo",
    "Question",
    "Source",
    "any_numbers",
    "ask",
    "present",
    "refuses",
]

_FEW_CELLS = 1_000_000  # a sparse table of as many is read quicker as an array


@dataclass(frozen=True, eq=False)
class Link:
    """One column's way through a fitted transformer that treats columns one by one.

    Parameters
    ----------
    transformer : fitted transformer
    position, output : int
        Input and output column.
    dtype : dtype
        In which the transformer computes: float32 where all its columns are, else float64.
    affine : bool
        Whether present numbers become `slope * value + constant`.
    """

    transformer: Any
    position: int
    output: int
    dtype: Any = np.float64
    affine: bool = False

    def pick(self, table: Any) -> npt.NDArray:
        """The output column among all."""
        if hasattr(table, "iloc"):
            out = table.iloc[:, [self.output]].to_numpy()
        elif sparse.issparse(table):
            out = table[:, [self.output]].toarray()
        else:
            out = np.asarray(table)[:, [self.output]]
        return out[:, 0] if out.dtype == object else dense(out)[:, 0]

    def typed(self, values: npt.NDArray) -> npt.NDArray:
        """Values as the transformer computes with them."""
        if values.dtype == object:
            return values
        with np.errstate(over="ignore"):
            return values.astype(self.dtype)


Question = tuple[Link, npt.NDArray]  # values of the link's input column


@dataclass(frozen=True, eq=False)
class Answer:
    """Rows of what a transformer put out, or the error with which it refused.

    Parameters
    ----------
    table : array, sparse matrix or frame
        All output columns; perhaps with rows that answer other questions.
    rows : slice, optional
        Those that answer this one.
    error : Exception, optional
    """

    table: Any = None
    rows: slice | None = None
    error: Exception | None = None

    def of(self, link: Link) -> npt.NDArray:
        """The link's output column; raises what the transformer raised."""
        if self.error is not None:
            raise self.error.with_traceback(None)  # else it would grow each time
        out = link.pick(self.table)
        return out if self.rows is None else out[self.rows]


Memo = dict[tuple, Answer]  # by the way of the values: `Source.forward`


def ask(questions: Sequence[Question]) -> list[Answer]:
    """What one transformer makes of values of its columns, all in one table.

    Parameters
    ----------
    questions : sequence of (Link, array)
        Of the same transformer and dtype; the values are all objects or all numbers.

    Returns
    -------
    list of Answer
        One for each question.

    Raises
    ------
    ValueError, TypeError
        If the transformer refuses any of the values, or they do not fit into one table.

    Examples
    --------
    >>> from sklearn.preprocessing import MaxAbsScaler
    >>> scale = MaxAbsScaler().fit([[2.0, 10.0]])
    >>> first, second = Link(scale, 0, 0), Link(scale, 1, 1)
    >>> asked = [(first, np.array([1.0, 4.0])), (second, np.array([5.0]))]
    >>> one, other = ask(asked)
    >>> one.of(first).tolist(), other.of(second).tolist()
    ([0.5, 2.0], [0.5])
    """
    transformer = questions[0][0].transformer
    columns: dict[int, list[npt.NDArray]] = {}
    rows = []
    for link, values in questions:  # under each other in a column, columns beside each other
        above = columns.setdefault(link.position, [])
        start = sum(map(len, above))
        rows.append(slice(start, start + len(values)))
        above.append(link.typed(values))
    with warnings.catch_warnings():
        # Unknown categories and extreme numbers are asked on purpose.
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        out = transformer.transform(_table(transformer, columns))
    if sparse.issparse(out):
        out = out.toarray() if np.prod(out.shape) <= _FEW_CELLS else out.tocsc()
    return [Answer(out, own) for own in rows]


def _table(transformer: Any, columns: dict[int, list[npt.NDArray]]) -> Any:
    """A table with these columns, filled up with values that the transformer accepts."""
    neutral = _neutral(transformer)
    names = getattr(transformer, "feature_names_in_", None)
    if _reads_objects_alike(transformer, neutral):
        names = None
    n = max(sum(map(len, parts)) for parts in columns.values())
    dtype = next(iter(columns.values()))[0].dtype
    if dtype.kind == "O" or not all(own.dtype.kind in "iuf" for own in neutral):
        full = [_column(n, columns.get(k, []), own, dtype) for k, own in enumerate(neutral)]
        if names is not None:
            return pd.DataFrame(dict(enumerate(full))).set_axis(list(names), axis=1)
        if dtype.kind == "O":
            table = np.empty((n, len(full)), dtype=object)
            for k, column in enumerate(full):
                table[:, k] = column
            return table
    table = np.tile(np.concatenate(neutral).astype(dtype), (n, 1))
    for k, parts in columns.items():
        values = np.concatenate(parts)
        table[: len(values), k] = values
    return table if names is None else pd.DataFrame(table, columns=list(names))


def _reads_objects_alike(transformer: Any, neutral: list[npt.NDArray]) -> bool:
    """Whether a frame of objects need not be one: validating an array is twice as quick.

    scikit-learn's own encoders make an array of each column of a frame, and look at no names but
    to warn; what a subclass of them does with a frame is not known.
    """
    is_encoder = hasattr(transformer, "categories_")
    is_own = type(transformer).__module__.partition(".")[0] == "sklearn"
    return is_encoder and is_own and all(own.dtype.kind == "O" for own in neutral)


def _column(n: int, parts: list[npt.NDArray], neutral: npt.NDArray, dtype: Any) -> Any:
    """`n` rows of a column: those asked about, then the neutral value, in a type for both."""
    if not parts:
        return np.repeat(neutral, n)
    values = np.concatenate(parts)
    if len(values) < n:
        values = np.concatenate([values, np.repeat(neutral.astype(dtype), n - len(values))])
    # Else pandas takes texts and None together for texts, among which None becomes NaN.
    return pd.Series(values, dtype=object) if dtype.kind == "O" else values


def _neutral(transformer: Any) -> list[npt.NDArray]:
    """A value of each column that the transformer accepts, in the type that it was fitted on.

    Known categories, what an imputer fills in, or ones (positive for logarithms).
    """
    categories = getattr(transformer, "categories_", None)
    if categories is not None and len(categories) == transformer.n_features_in_:
        return [c[:1] if len(c) else np.zeros(1) for c in categories]
    statistics = getattr(transformer, "statistics_", None)
    if statistics is not None:
        return [np.array([value]) for value in statistics]
    return [np.ones(1)] * int(transformer.n_features_in_)


@dataclass(frozen=True, eq=False)
class Source:
    """Where one column comes from.

    Parameters
    ----------
    raw : tuple of int
        Positions of the raw columns it depends on.
    kind : {"same", "number", "steps", "table", "codes", "derived"}
        `same`: the raw values (missing ones perhaps filled); `number`: a non-decreasing function
        of a raw number; `steps`: constant between `cuts`; `table`: a value for each of
        `categories`; `codes`: their positions; `derived`: anything else.
    name : str
        The transformer's name for it.
    links : tuple of Link
        From the raw column to this one.
    categories : tuple
        Raw values of a `table` or of `codes`; missing ones left out.
    cuts : tuple of float
        Upper ends of the segments of `steps`, in raw units, ascending.
    special : tuple
        Raw values that an imputer takes for missing ones: single exceptions from what `kind` says.
    missing : tuple
        How missing raw values are written in the rows given: None, NaN, both or neither.
    is_flag : bool
        Whether the raw column is boolean.
    is_object : bool
        Whether the categories of a `table` may be of any type.
    """

    raw: tuple[int, ...]
    kind: str
    name: str
    links: tuple[Link, ...] = ()
    categories: tuple = ()
    cuts: tuple[float, ...] = ()
    special: tuple = ()
    missing: tuple = ()
    is_flag: bool = False
    is_object: bool = False

    def forward(self, values: npt.NDArray, memo: Memo | None = None) -> npt.NDArray[np.float64]:
        """What raw values of the column become in the model column.

        Parameters
        ----------
        values : array, shape (n,)
        memo : dict, optional
            What transformers answered for the same array `values`: columns of one encoder are
            asked once, and questions that were asked together (`asking.py`) not again.

        Returns
        -------
        array of float64, shape (n,)

        Raises
        ------
        ValueError
            If a transformer refuses a value.
        """
        if self.kind == "codes":
            position = {c: float(i) for i, c in enumerate(self.categories)}
            return np.array([position.get(v, np.nan) for v in values])
        out: npt.NDArray = values
        memo = {} if memo is None else memo
        for way, link in self.ways(values):
            if way not in memo:
                memo[way] = ask([(link, out)])[0]
            out = memo[way].of(link)
        if out.dtype == object:
            out = pd.to_numeric(pd.Series(out), errors="coerce").to_numpy(np.float64)
        return np.asarray(out, dtype=np.float64)

    def ways(self, values: npt.NDArray) -> Iterator[tuple[tuple, Link]]:
        """Every link, with what says which column of which transformer has become of the values."""
        way: tuple = (id(values),)
        for link in self.links:
            way = (*way, id(link.transformer), link.position)
            yield way, link
            way = (*way, link.output)

    def forward_numbers(self, values: npt.NDArray) -> npt.NDArray[np.float64]:
        """As `forward`, for any finite numbers: what overflows on the way is infinite."""
        with any_numbers():
            return self.forward(values)

    def without_special(self, values: npt.NDArray) -> npt.NDArray:
        """Values with the exceptions moved down a little: the way of these is non-decreasing."""
        if not self.special:
            return values
        with np.errstate(over="ignore"):
            values = values.astype(self.links[0].dtype)
            below = np.nextafter(values, values.dtype.type(-np.inf))
        return np.where(np.isin(values, self.special), below, values)

    @property
    def points(self) -> int:
        """How many numbers to ask about in one table: fewer where the table is wide."""
        width = max((int(x.transformer.n_features_in_) for x in self.links), default=1)
        return max(64, min(4096, 500_000 // width))

    @cached_property
    def lowest(self) -> float:
        """The smallest number that the links take (Box-Cox transformations: not all do)."""
        largest = float(np.finfo(np.float64).max)
        if not any(getattr(x.transformer, "method", "") == "box-cox" for x in self.links):
            return -largest

        def refused(values: npt.NDArray, _: npt.NDArray) -> npt.NDArray[np.bool_]:
            return np.array([self._refuses(values[[i]]) for i in range(len(values))])

        last = float(last_trues(refused, 1, points=1)[0])
        return -largest if last == -np.inf else float(np.nextafter(last, np.inf))

    def _refuses(self, values: npt.NDArray) -> bool:
        try:
            self.forward_numbers(self.without_special(values))
        except ValueError:
            return True
        return False

    def line(self, low: float, high: float) -> tuple[float, float] | None:
        """Slope and constant of a raw number's way, in full precision whatever the rows' type.

        Parameters
        ----------
        low, high : float
            Two different values to ask for, best those between which the rows' values lie.

        Returns
        -------
        (float, float) or None
            None where the way is not a straight line.

        Examples
        --------
        >>> from sklearn.preprocessing import StandardScaler
        >>> scale = StandardScaler().fit([[0.0], [4.0]])
        >>> link = Link(scale, 0, 0, affine=True)
        >>> source = Source((0,), "same", "x0").through(link, "number", "x0")
        >>> source.line(0.0, 4.0)
        (0.5, -1.0)
        """
        if self.kind == "same":
            return 1.0, 0.0
        if self.kind != "number" or not all(link.affine for link in self.links):
            return None
        full = replace(self, links=tuple(replace(x, dtype=np.float64) for x in self.links))
        middle, wide = low / 2 + high / 2, high - low
        at = np.array([low, high, middle, low - wide, high + wide])
        for value in self.special:  # which are exceptions
            at[at == value] += wide / 8
        found = full.forward_numbers(at)
        slope = (found[1] - found[0]) / (at[1] - at[0])
        on_it = found[0] + slope * (at - at[0])
        size = np.abs(found).max() + np.abs(slope) * np.abs(at).max()
        straight = bool(np.all(np.abs(on_it - found) <= 1e-9 * size))  # NaN is not
        return (float(slope), float(found[0] - slope * at[0])) if straight else None

    def encoded(self, categories: Sequence, kind: str = "table") -> Source:
        """The same column as a table (or as codes) of these categories."""
        return replace(self, kind=kind, categories=present(categories))

    def through(self, link: Link, kind: str, name: str, **changes: Any) -> Source:
        """The column after one more link."""
        return replace(self, kind=kind, name=name, links=(*self.links, link), **changes)


def present(categories: Sequence) -> tuple:
    """Categories without missing values, as plain Python values."""
    kept = [c for c in categories if not pd.isna(c)]
    return tuple(c.item() if isinstance(c, np.generic) else c for c in kept)


def refuses(sources: list[Source], values: npt.NDArray, memo: Memo | None = None) -> bool:
    """Whether a transformer on the way raises an error for these values."""
    # The columns of one encoder are asked once.
    ways = {tuple((id(x.transformer), x.position) for x in s.links): s for s in sources}
    for source in ways.values():
        try:
            source.forward(values, memo)
        except (ValueError, TypeError):
            return True
    return False


@contextlib.contextmanager
def any_numbers() -> Iterator[None]:
    """Transformers take all finite numbers, those too that overflow on the way."""
    with sklearn.config_context(assume_finite=True), np.errstate(all="ignore"):
        yield
