"""What a change of a row costs, and the cheapest value that meets a condition.

Costs are separable: a number pays its distance in units of its spread, a category, or a value
given where one was missing, pays one. Whatever a person cannot or need not do (age, a move to
another direction, half a month) is excluded here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from .conditions import CategoryCondition, Column, Condition, Interval, NumberCondition
from .limits import _decimals

__all__ = ["ChangeCosts", "NewValue"]

TextOf = Callable[[int, float], str]
DIRECTIONS = ("any", "increase", "decrease")
_NICE = 1e-3  # scales that a shorter decimal may cost on top of the exact limit


@dataclass(frozen=True)
class NewValue:
    """A value that meets a condition (a number, or the code of a category), and its cost.

    Examples
    --------
    >>> NewValue(11.0, 1.7).cost
    1.7
    """

    value: float | int
    cost: float


@dataclass(frozen=True)
class ChangeCosts:
    """Costs and limits of changes, a value for each column; made by `ChangeCosts.of`.

    Parameters
    ----------
    columns : tuple of Column
    immutable : tuple of bool
        Columns that stay as they are; derived columns always do.
    directions : tuple of {"any", "increase", "decrease"}
    steps : tuple of float or None
        Numbers move on a grid of this width; None for any number.
    own_grid : tuple of bool
        Whether the grid starts from the row's own value (steps that were asked for) or from zero
        (those read from the data's decimals).
    weights, scales : tuple of float
        A number pays weight · |new − old| / scale; anything else pays the weight.
    typical : tuple of array
        For numbers the median of the reference rows; for categories how often each occurs.
    moves : mapping of int to mapping of int to frozenset of int
        By column: the categories that each category may change to, where they are limited.

    Examples
    --------
    >>> columns = (Column("months", integer=True), Column("age", integer=True))
    >>> costs = ChangeCosts.of(
    ...     columns, [np.array([6.0, 12.0, 24.0]), np.array([20.0, 30.0, 40.0])], immutable=["age"]
    ... )
    >>> costs.cheapest(36.0, NumberCondition(0, ((-np.inf, 11.5),), False)).value
    11.0
    >>> costs.cheapest(36.0, NumberCondition(1, ((-np.inf, 30.0),), False)) is None
    True
    """

    columns: tuple[Column, ...]
    immutable: tuple[bool, ...]
    directions: tuple[str, ...]
    steps: tuple[float | None, ...]
    own_grid: tuple[bool, ...]
    weights: tuple[float, ...]
    scales: tuple[float, ...]
    typical: tuple[npt.NDArray, ...]
    moves: Mapping[int, Mapping[int, frozenset[int]]]

    @classmethod
    def of(
        cls,
        columns: tuple[Column, ...],
        reference: Sequence[npt.NDArray],
        *,
        immutable: Iterable[str] = (),
        directions: Mapping[str, str] | None = None,
        steps: Mapping[str, float | None] | None = None,
        weights: Mapping[str, float] | None = None,
        moves: Mapping[str, Mapping[Any, Iterable]] | None = None,
    ) -> ChangeCosts:
        """Costs with scales, steps and typical values read from reference rows.

        Parameters
        ----------
        columns : tuple of Column
        reference : sequence of array
            Values of each column on reference rows, as from `RuleSet.values`.
        immutable : iterable of str
            Names of columns that cannot change.
        directions : mapping of str to {"increase", "decrease", "any"}, optional
            The only direction in which a number may change.
        steps : mapping of str to float or None, optional
            Width of the steps in which a number changes, None for any number. By default the last
            decimal that the reference rows have (1 for whole numbers, any number from seven
            decimals on).
        weights : mapping of str to float, optional
            How dear a change of a column is, 1 by default.
        moves : mapping of str to mapping, optional
            For a category column: old category -> the categories it may become. From a category
            that is not in it there is no way.

        Returns
        -------
        ChangeCosts

        Raises
        ------
        ValueError
            If a column or category does not exist or an option does not suit it.

        Notes
        -----
        A number's scale is its median absolute deviation · 1.4826, its standard deviation where
        that is zero, and 1 where both are.

        Examples
        --------
        >>> costs = ChangeCosts.of((Column("x"),), [np.array([0.5, 1.25])], weights={"x": 2})
        >>> costs.steps, costs.weights
        ((0.01,), (2.0,))
        """
        given = _checked(columns, immutable, directions or {}, steps or {}, weights or {})
        fixed, way, width, weight = given
        return cls(
            columns,
            tuple(c.kind == "derived" or c.name in fixed for c in columns),
            tuple(way.get(c.name, "any") for c in columns),
            tuple(
                width[c.name] if c.name in width else _own_step(c, values)
                for c, values in zip(columns, reference, strict=True)
            ),
            tuple(width.get(c.name) is not None for c in columns),
            tuple(float(weight.get(c.name, 1.0)) for c in columns),
            tuple(_scale(c, values) for c, values in zip(columns, reference, strict=True)),
            tuple(_typical(c, values) for c, values in zip(columns, reference, strict=True)),
            _checked_moves(columns, moves or {}),
        )

    def cost(self, column: int, old: float | int, new: float | int) -> float | None:
        """What a change costs; None where it is not allowed.

        Examples
        --------
        >>> costs = ChangeCosts.of((Column("x"),), [np.array([0.0, 1.0, 2.0])])
        >>> round(costs.cost(0, 0.0, 1.4826), 6), costs.cost(0, 0.0, np.nan) is None
        (1.0, True)
        """
        if self.columns[column].kind == "category":
            if old == new:
                return 0.0
            allowed = self.moves[column].get(int(old), ()) if column in self.moves else None
            barred = new < 0 or (allowed is not None and new not in allowed)
            return None if barred or self.immutable[column] else self.weights[column]
        if old == new or (np.isnan(old) and np.isnan(new)):
            return 0.0
        way = self.directions[column]
        barred = (way == "increase" and new < old) or (way == "decrease" and new > old)
        if np.isnan(new) or self.immutable[column] or barred:
            return None
        if np.isnan(old):
            return self.weights[column]
        return float(self.weights[column] * abs(new - old) / self.scales[column])

    def cheapest(
        self, old: float | int, condition: Condition, text_of: TextOf | None = None
    ) -> NewValue | None:
        """The cheapest value that meets a condition, None where no allowed one does.

        Parameters
        ----------
        old : float or int
            The row's value: a number (NaN for missing) or the code of a category.
        condition : NumberCondition or CategoryCondition
        text_of : callable, optional
            How a column's limit is printed (`RuleSet.text_of`): a continuous number that has to
            come down to it becomes that decimal where this costs next to nothing.

        Returns
        -------
        NewValue or None

        Examples
        --------
        >>> costs = ChangeCosts.of((Column("x"),), [np.array([0.1, 0.2, 0.5])])
        >>> costs.cheapest(0.1, NumberCondition(0, ((0.3, np.inf),), False)).value
        0.4
        """
        column = condition.column
        old = np.asarray(old).item()  # plain, so that its text is a number
        if condition.meets(np.array([old]))[0]:
            return NewValue(old, 0.0)
        if isinstance(condition, CategoryCondition):
            values: list[float] = list(self._by_frequency(column, condition.allowed))
        else:
            values = self._numbers(old, condition, text_of)
        priced = [(self.cost(column, old, v), v) for v in values]
        possible = [NewValue(v, c) for c, v in priced if c is not None and np.isfinite(c)]
        if np.isnan(old) and possible:  # all cost the same: the one that surprises least
            usual = float(self.typical[column])
            return min(possible, key=lambda new: abs(new.value - usual))
        return min(possible, key=lambda new: new.cost, default=None)

    def on_grid(self, column: int, old: float | int, new: float | int) -> float | int:
        """The value nearest to a new one that steps which were asked for lead to.

        Examples
        --------
        >>> costs = ChangeCosts.of((Column("x"),), [np.array([0.0, 9.0])], steps={"x": 2})
        >>> costs.on_grid(0, 1.0, 5.9)
        5.0
        """
        step = self.steps[column]
        if step is None or not self.own_grid[column] or not np.isfinite(old):
            return new
        k = round((new - old) / step)
        return float(Decimal(repr(float(old))) + k * Decimal(repr(step)))

    def _by_frequency(self, column: int, allowed: frozenset[int]) -> list[int]:
        """Allowed categories, the most frequent first: all of them cost the same."""
        return sorted(allowed, key=lambda code: (-self.typical[column][code], code))

    def _numbers(
        self, old: float, condition: NumberCondition, text_of: TextOf | None
    ) -> list[float]:
        """For each interval, the value in it that is nearest to the old (or typical) one."""
        column = condition.column
        start = float(self.typical[column]) if np.isnan(old) else old
        step = self.steps[column]
        out = []
        for interval in condition.intervals:
            if step is None:
                high = interval[1]
                printed = text_of(column, high) if text_of and np.isfinite(high) else ""
                out += _nearest_number(start, interval, printed, self.scales[column] * _NICE)
                continue
            origin = old if self.own_grid[column] and np.isfinite(old) else 0.0
            out += _nearest_on_grid(start, interval, step, origin)
        return out


def _nearest_on_grid(start: float, interval: Interval, step: float, origin: float) -> list[float]:
    """Values origin + k · step around the nearest point of an interval, those that lie in it."""
    low, high = interval
    if not np.isfinite(start):
        start = min(max(0.0, low), high)
    width, zero = Decimal(repr(step)), Decimal(repr(origin))
    # Decimals, so that 0.1 · 3 is the number that people write 0.3.
    k = int((Decimal(min(max(start, low), high)) - zero) / width)
    around = (float(zero + j * width) for j in range(k - 2, k + 4))
    return [v for v in around if (v > low or low == -np.inf) and v <= high]


def _nearest_number(start: float, interval: Interval, printed: str, slack: float) -> list[float]:
    """The nearest number in an interval, as a short decimal where that costs next to nothing."""
    low, high = interval
    if start > high:
        exact, window = high, (max(low, high - slack), high)
    elif start > low or low == -np.inf:
        return [start]
    else:
        exact = float(np.nextafter(low, np.inf))
        window = (low, min(high, low + slack))
    if not exact <= high or not np.isfinite(exact):
        return []
    if printed and window[0] < float(printed) <= window[1]:
        return [float(printed)]
    for digits in range(1, 17):
        # Rounding goes either way: its neighbours on the same grid may lie in the window.
        rounded = Decimal(f"{exact:.{digits - 1}e}")
        unit = Decimal(1).scaleb(rounded.adjusted() - digits + 1)
        for short in (rounded, rounded + unit, rounded - unit):
            if window[0] < float(short) <= window[1]:
                return [float(short)]
    return [exact]


def _checked(
    columns: tuple[Column, ...],
    immutable: Iterable[str],
    directions: Mapping[str, str],
    steps: Mapping[str, float | None],
    weights: Mapping[str, float],
) -> tuple[set[str], dict[str, str], dict[str, float | None], dict[str, float]]:
    """The options, or an error that says what is possible."""
    if isinstance(immutable, str):
        raise ValueError(f"immutable is a list of columns: give [{immutable!r}] for a single one")
    fixed = set(immutable)
    raw = [c.name for c in columns if c.kind != "derived"]
    numbers = [c.name for c in columns if c.kind == "number"]
    for argument, given, possible in (
        ("immutable", fixed, raw),
        ("weights", weights, raw),
        ("directions", directions, numbers),
        ("steps", steps, numbers),
    ):
        wrong = sorted(set(given) - set(possible))
        if wrong:
            what = "columns of numbers" if possible is numbers else "raw columns"
            raise ValueError(f"{argument} names {wrong}, which are no {what}: {possible}")
    for name, way in directions.items():
        if way not in DIRECTIONS:
            raise ValueError(f"directions[{name!r}] must be one of {DIRECTIONS}, got {way!r}")
    for name, step in steps.items():
        if step is not None and not (np.isfinite(step) and step > 0):
            raise ValueError(f"steps[{name!r}] must be a positive number or None, got {step!r}")
    for name, weight in weights.items():
        if not (np.isfinite(weight) and weight > 0):
            raise ValueError(
                f"weights[{name!r}] must be positive and finite, got {weight!r}; for what cannot "
                "change use immutable"
            )
    widths = {name: None if step is None else float(step) for name, step in steps.items()}
    return fixed, dict(directions), widths, dict(weights)


def _checked_moves(
    columns: tuple[Column, ...], moves: Mapping[str, Mapping[Any, Iterable]]
) -> dict[int, dict[int, frozenset[int]]]:
    """Allowed moves between categories, by their codes."""
    place = {c.name: i for i, c in enumerate(columns) if c.kind == "category"}
    out: dict[int, dict[int, frozenset[int]]] = {}
    for name, table in moves.items():
        if name not in place:
            raise ValueError(f"moves names {name!r}; columns of categories are {list(place)}")
        about = columns[place[name]]
        codes: dict[int, frozenset[int]] = {}
        for old, new in table.items():
            listed = [new] if isinstance(new, str) else list(new)
            found = about.codes([old, *listed]).tolist()
            unknown = [v for v, code in zip(listed, found[1:], strict=True) if code < 0]
            if unknown or found[0] == -2:
                raise ValueError(
                    f"moves[{name!r}] speaks of {unknown or [old]}; categories are "
                    f"{list(about.categories)}"
                )
            codes[found[0]] = frozenset(found[1:])
        out[place[name]] = codes
    return out


def _own_step(column: Column, values: npt.NDArray) -> float | None:
    """The last decimal that the values have, None from seven on."""
    if column.kind != "number":
        return None
    known = values[np.isfinite(values)]
    if not len(known):
        return 1.0 if column.integer else None
    decimals = _decimals(known)
    return None if decimals is None else float(Decimal(1).scaleb(-decimals))


def _scale(column: Column, values: npt.NDArray) -> float:
    """Spread of a column's values."""
    if column.kind == "category":
        return 1.0
    known = values[np.isfinite(values)]
    if not len(known):
        return 1.0
    spread = 1.4826 * float(np.median(np.abs(known - np.median(known))))
    return spread or float(known.std()) or 1.0


def _typical(column: Column, values: npt.NDArray) -> npt.NDArray:
    """Median of a number, how often each category occurs."""
    if column.kind == "category":
        return np.bincount(values[values >= 0], minlength=len(column.categories))
    known = values[np.isfinite(values)]
    return np.array(np.median(known) if len(known) else 0.0)
