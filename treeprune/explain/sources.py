"""Link and Source: one column's way from the caller's frame to the model, to be asked at will.

Every transformer that works column by column is a `Link`: it can be asked what it makes of given
values of one column while the others stand still. A `Source` is a chain of links from one raw
column to one model column, with what is known of its shape.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
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

__all__ = ["Link", "Source", "present", "refuses"]


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

    def __call__(self, values: npt.NDArray) -> npt.NDArray:
        """What the transformer makes of these values of the column."""
        return self.pick(self.ask(values))

    def ask(self, values: npt.NDArray) -> Any:
        """All output columns of the transformer, for these values of the column."""
        fill = _neutral_row(self.transformer)
        names = getattr(self.transformer, "feature_names_in_", None)
        if values.dtype != object:
            with np.errstate(over="ignore"):
                values = values.astype(self.dtype)
        if names is not None or values.dtype == object:
            columns = [self._constant(v, values) for v in fill]
            columns[self.position] = values
            table: Any = pd.DataFrame(dict(enumerate(columns)))
            if names is not None:
                table = table.set_axis(list(names), axis=1)
            else:
                table = table.to_numpy(dtype=object)
        else:
            table = np.tile(np.array(fill, dtype=self.dtype), (len(values), 1))
            table[:, self.position] = values
        with warnings.catch_warnings():
            # Unknown categories and extreme numbers are asked on purpose.
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            out = self.transformer.transform(table)
        return out.tocsc() if sparse.issparse(out) else out

    def _constant(self, value: Any, values: npt.NDArray) -> npt.NDArray:
        """A column that stands still, of a type that leaves that of the others alone."""
        is_number = isinstance(value, int | float | np.number) and values.dtype != object
        return np.full(len(values), value, dtype=self.dtype if is_number else None)

    def pick(self, table: Any) -> npt.NDArray:
        """The output column among all."""
        if hasattr(table, "iloc"):
            out = table.iloc[:, [self.output]].to_numpy()
        elif sparse.issparse(table):
            out = table[:, [self.output]].toarray()
        else:
            out = np.asarray(table)[:, [self.output]]
        return out[:, 0] if out.dtype == object else dense(out)[:, 0]


def _neutral_row(transformer: Any) -> list[Any]:
    """A row that the transformer accepts: known categories, or ones (positive for logarithms)."""
    categories = getattr(transformer, "categories_", None)
    if categories is not None and len(categories) == transformer.n_features_in_:
        return [c[0] if len(c) else 0.0 for c in categories]
    statistics = getattr(transformer, "statistics_", None)
    if statistics is not None:
        return list(statistics)
    return [1.0] * int(transformer.n_features_in_)


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

    def forward(
        self, values: npt.NDArray, memo: dict[tuple, Any] | None = None
    ) -> npt.NDArray[np.float64]:
        """What raw values of the column become in the model column.

        Parameters
        ----------
        values : array, shape (n,)
        memo : dict, optional
            What transformers answered for the same `values`: columns of one encoder are asked once.

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
        way: tuple = (id(values),)
        for link in self.links:
            way = (*way, id(link.transformer), link.position)
            if way not in memo:
                memo[way] = link.ask(out)
            out = link.pick(memo[way])
            way = (*way, link.output)
        if out.dtype == object:
            out = pd.to_numeric(pd.Series(out), errors="coerce").to_numpy(np.float64)
        return np.asarray(out, dtype=np.float64)

    def forward_numbers(self, values: npt.NDArray) -> npt.NDArray[np.float64]:
        """As `forward`, for any finite numbers: what overflows on the way is infinite."""
        with sklearn.config_context(assume_finite=True), np.errstate(all="ignore"):
            return self.forward(values)

    def monotone(self, values: npt.NDArray) -> npt.NDArray[np.float64]:
        """As `forward_numbers`, without the exceptions: non-decreasing in the values."""
        if self.special:
            with np.errstate(over="ignore"):
                values = values.astype(self.links[0].dtype)
                below = np.nextafter(values, values.dtype.type(-np.inf))
            values = np.where(np.isin(values, self.special), below, values)
        return self.forward_numbers(values)

    def last_trues(self, passes: Callable, n: int) -> npt.NDArray[np.float64]:
        """Where `n` tests of the model column, true up to a point, end in raw units."""
        width = max((int(x.transformer.n_features_in_) for x in self.links), default=1)
        points = max(64, min(4096, 500_000 // width))
        return last_trues(lambda x, which: passes(self.monotone(x), which), n, self.lowest, points)

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
            self.monotone(values)
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


def refuses(sources: list[Source], values: npt.NDArray) -> bool:
    """Whether a transformer on the way raises an error for these values."""
    # The columns of one encoder are asked once.
    ways = {tuple((id(x.transformer), x.position) for x in s.links): s for s in sources}
    for source in ways.values():
        try:
            source.forward(values)
        except (ValueError, TypeError):
            return True
    return False
