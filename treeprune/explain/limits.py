"""Limits of rules: where exactly a model's comparison flips, and how to print that.

scikit-learn rounds inputs to float32 before it compares them, so that a printed threshold can
route a row otherwise than the model. A bound is therefore kept as the largest float64 that still
passes, and printed as the shortest decimal that routes all checked rows as the model does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_FLOOR, Decimal

import numpy as np
import numpy.typing as npt

__all__ = [
    "Search",
    "float32_limit",
    "last_true",
    "last_trues",
    "printed_limit",
    "printed_limits",
]

Array = npt.NDArray[np.float64]
MOST_DECIMALS = 6
_LARGEST = float(np.finfo(np.float64).max)


def float32_limit(threshold: float) -> float:
    """The largest float64 that is <= threshold once rounded to float32.

    Parameters
    ----------
    threshold : float
        As the model has it.

    Returns
    -------
    float
        L such that float32(x) <= threshold exactly when x <= L.

    Examples
    --------
    >>> L = float32_limit(0.1)
    >>> float(np.float32(L)) <= 0.1, float(np.float32(np.nextafter(L, 1))) <= 0.1
    (True, False)
    """
    if np.isnan(threshold) or threshold == np.inf:
        return float(threshold)
    with np.errstate(over="ignore"):  # beyond the largest float32 comes infinity
        below = np.float32(threshold)
        if float(below) > threshold:
            below = np.nextafter(below, np.float32(-np.inf))
        above = np.nextafter(below, np.float32(np.inf))
        # Both are float32, so that their midpoint is exact in float64; it rounds to the even one.
        middle = (_as_if_finite(below) + _as_if_finite(above)) / 2
        return float(np.nextafter(middle, -np.inf)) if np.float32(middle) == above else middle


def _as_if_finite(number: np.float32) -> float:
    """The number itself; for infinity 2^128, where rounding to float32 would have its next step."""
    return float(number) if np.isfinite(number) else math.copysign(2.0**128, number)


def printed_limit(limit: float, values: Array) -> str:
    """A decimal for `<= limit` that sends all `values` to the same side.

    Parameters
    ----------
    limit : float
        The exact limit.
    values : array of float64
        Values of the column to respect; NaN is ignored. Without any, the limit is printed exactly.

    Returns
    -------
    str
        The values' own last decimal at or below the limit, which is exact for every number with
        as many decimals; else the shortest decimal that routes all values alike.

    Examples
    --------
    >>> printed_limit(11.5, np.array([6.0, 12.0])), printed_limit(0.1849, np.array([0.1, 0.25]))
    ('11', '0.18')
    """
    return printed_limits([limit], values)[0]


def printed_limits(limits: Sequence[float], values: Array) -> list[str]:
    """As `printed_limit`, for several limits of one column.

    Examples
    --------
    >>> printed_limits([11.5, 12.5], np.array([6.0, 12.0, 13.0]))
    ['11', '12']
    """
    values = np.unique(values[np.isfinite(values)])
    if not len(values):  # nothing to respect: only the limit itself is sure
        return [_plain(limit) for limit in limits]
    decimals, values = _decimals(values), np.concatenate([[-np.inf], values, [np.inf]])
    out = []
    for limit in limits:
        after = int(np.searchsorted(values, limit, side="right"))
        # All values go the same way if the two beside the limit do.
        out.append(_shortest(limit, float(values[after - 1]), float(values[after]), decimals))
    return out


def _shortest(limit: float, below: float, above: float, decimals: int | None) -> str:
    """The shortest text from `below` on and less than `above`."""
    if decimals is not None and abs(limit) < 1e9:
        unit = Decimal(1).scaleb(-decimals)
        last = Decimal(limit).quantize(unit, rounding=ROUND_FLOOR)
        if float(last + unit) <= limit:  # the limit is that number but for binary rounding
            last += unit
        text = f"{last:f}"
        if decimals:
            text = text.rstrip("0").rstrip(".")
        if below <= float(text) < above:
            return "0" if float(text) == 0 else text
    for digits in range(1, 18):
        number = float(f"{limit:.{digits}g}")  # infinite where the largest floats are rounded up
        if np.isfinite(number) and below <= number < above:
            return _plain(number)
    return repr(float(limit))


def _decimals(values: Array) -> int | None:
    """The fewest decimals that write all values exactly; None where more than six are needed."""
    with np.errstate(over="ignore"):  # of the largest numbers
        for decimals in range(MOST_DECIMALS + 1):
            if np.array_equal(np.round(values, decimals), values):
                return decimals
    return None


def _plain(number: float) -> str:
    text = repr(number + 0.0)
    return text[:-2] if text.endswith(".0") else text


def last_true(passes: Callable[[Array], npt.NDArray[np.bool_]], lowest: float = -_LARGEST) -> float:
    """The largest finite float64 that passes a test which is true up to a point and then false.

    Every monotone step from raw to model units is undone by this search over the floats
    themselves, with the step's own arithmetic, so that no rounding is left to be guessed.

    Parameters
    ----------
    passes : callable
        Takes float64 values (n,), returns booleans; must be non-increasing.
    lowest : float
        The smallest value to try.

    Returns
    -------
    float
        -inf when none passes, inf when all finite ones do.

    Examples
    --------
    >>> last_true(lambda x: x / 3.0 <= 0.1)
    0.3
    """
    return float(last_trues(lambda x, _: passes(x), 1, lowest)[0])


def last_trues(
    passes: Callable[[Array, npt.NDArray[np.int64]], npt.NDArray[np.bool_]],
    n: int,
    lowest: float = -_LARGEST,
    points: int = 4096,
) -> Array:
    """As `last_true`, for several tests at once, which then share every call.

    Parameters
    ----------
    passes : callable
        Takes float64 values (m,) and which test each is meant for (m,), returns booleans.
    n : int
        Number of tests.
    lowest : float
        The smallest value to try.
    points : int
        About how many values to try in one call.

    Returns
    -------
    array of float64, shape (n,)

    Examples
    --------
    >>> last_trues(lambda x, i: x <= np.array([0.5, 2.0])[i], 2).tolist()
    [0.5, 2.0]
    """
    search = Search(n, lowest, points)
    while not search.is_done:
        search.tell(passes(*search.asked()))
    return search.found


class Search:
    """The search of `last_trues`, which says what it must know next and is told the answer.

    So several searches can go on at the same time and their questions be answered together.

    Parameters
    ----------
    n : int
        Number of tests.
    lowest : float
        The smallest value to try.
    points : int
        About how many values to try in one call.

    Examples
    --------
    >>> search = Search(1)
    >>> while not search.is_done:
    ...     values, which = search.asked()
    ...     search.tell(values <= 0.5)
    >>> search.found.tolist()
    [0.5]
    """

    def __init__(self, n: int, lowest: float = -_LARGEST, points: int = 4096) -> None:
        self.found = np.full(n, np.nan)
        self._points = points
        self._open = np.arange(n)  # tests that are not at their end
        self._low, self._high = np.full(n, _rank(lowest)), np.full(n, _rank(_LARGEST))
        self._ranks = np.column_stack([self._low, self._high])  # of each open test, to be tried
        self._is_first = True

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to be asked."""
        return not len(self._open)

    def asked(self) -> tuple[Array, npt.NDArray[np.int64]]:
        """Values to be tried, and the test that each is meant for."""
        return _unrank(self._ranks.ravel()), np.repeat(self._open, self._ranks.shape[1])

    def tell(self, passed: npt.NDArray[np.bool_]) -> None:
        """Which of the values pass."""
        passed = passed.reshape(self._ranks.shape)
        if self._is_first:  # the ends
            self.found = np.where(passed[:, 0], np.inf, -np.inf)
            self._open = np.flatnonzero(passed[:, 0] & ~passed[:, 1])
            self._is_first = False
        else:
            self._narrow(passed)
        if not self.is_done:
            self._ranks = self._between()

    def _between(self) -> npt.NDArray[np.int64]:
        """Values that part what is left of each open test: low passes, high does not."""
        each = int(np.clip(self._points // len(self._open), 1, 255))
        part, parts = np.arange(1, each + 1, dtype=np.uint64), np.uint64(each + 1)
        low = self._low[self._open, None]
        # Between them may lie more floats than an int64 counts, but not more than a uint64.
        width = (self._high[self._open, None] - low).view(np.uint64)
        steps = width // parts * part + width % parts * part // parts
        return low + steps.view(np.int64)

    def _narrow(self, passed: npt.NDArray[np.bool_]) -> None:
        """Leave of each open test what is between the last value that passed and the next."""
        open_, each = self._open, passed.shape[1]
        n_passed = np.where(passed.all(axis=1), each, np.argmin(passed, axis=1))
        edges = np.column_stack([self._low[open_], self._ranks, self._high[open_]])
        rows = np.arange(len(open_))
        self._low[open_], self._high[open_] = edges[rows, n_passed], edges[rows, n_passed + 1]
        done = (self._high[open_] - self._low[open_]).view(np.uint64) <= 1
        self.found[open_[done]] = _unrank(self._low[open_[done]])
        self._open = open_[~done]


def _rank(value: float) -> int:
    """Position of a float among all floats, ascending."""
    bits = int(np.float64(value).view(np.int64))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFFFFFFFFFF)


def _unrank(ranks: npt.NDArray[np.int64]) -> Array:
    negative = ranks < 0
    bits = np.where(negative, -ranks, ranks).astype(np.int64)
    out = bits.view(np.float64).copy()
    out[negative] *= -1.0
    return out
