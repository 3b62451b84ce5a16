"""Raw terms: what a network reads, as sums of what can be said of the caller's own columns.

Every model column is a constant plus a multiple of a raw number, plus points for categories, for
stretches of a number, for single values and for missing ones; the figures are asked of the fitted
transformers themselves. A linear form of model columns so becomes a linear form of raw terms. What
cannot be written so (logarithms, quantiles, products) is a term under the model column's own name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .conditions import (
    MISSING,
    UNSEEN,
    CategoryCondition,
    Column,
    Condition,
    NumberCondition,
)
from .features import CategoryAnswers, FeatureMap
from .limits import last_true
from .sources import Source
from .split_conditions import missing_value

__all__ = ["RawTerms", "Term", "as_condition", "border_condition"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """Something said of one column that is a number: the column itself, or 1 where it holds.

    Parameters
    ----------
    column : int
        Position in `RawTerms.columns`.
    kind : {"number", "interval", "value", "category", "missing", "unseen", "model"}
        `number`: the raw number (0 where missing); `model`: a model column that cannot be undone.
        The others are 1 where the column is in an interval, is a value, is a category, misses
        its value, or has a category that was not seen at fit; else 0.
    key : object
        The interval (low, high], the value, the position of the category, or of the model column.

    Examples
    --------
    >>> Term(0, "category", 2).is_number
    False
    """

    column: int
    kind: str
    key: Any = None

    @property
    def is_number(self) -> bool:
        """Whether it has a unit, rather than points."""
        return self.kind in ("number", "model")


@dataclass(frozen=True, eq=False)
class RawTerms:
    """Terms of which every model column that matters is a sum.

    Parameters
    ----------
    feature_map : FeatureMap
    inputs : array of int64, shape (n_inputs,)
        The model columns that matter.
    columns : tuple of Column
        What terms speak of: the feature map's, then the model columns that cannot be undone. What
        a transformer lets pass as NaN is refused, as networks refuse it.
    terms : tuple of Term
    matrix : array of float64, shape (n_terms, n_inputs)
    offset : array of float64, shape (n_inputs,)
        The model columns are `design(values(X)) @ matrix + offset`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.compose import make_column_transformer
    >>> from sklearn.preprocessing import OneHotEncoder, StandardScaler
    >>> X = pd.DataFrame({"age": [20.0, 40.0], "city": ["Bonn", "Ulm"]})
    >>> step = make_column_transformer((StandardScaler(), ["age"]), (OneHotEncoder(), ["city"]))
    >>> terms = RawTerms.of(FeatureMap.of(step.fit(X), X), X, [0, 1])
    >>> terms.offset.tolist(), terms.matrix.tolist()
    ([-3.0, 0.0], [[0.1, 0.0], [0.0, 1.0]])
    >>> terms.design(terms.values(X), 2).tolist()
    [[20.0, 1.0], [40.0, 0.0]]
    """

    feature_map: FeatureMap
    inputs: npt.NDArray[np.int64]
    columns: tuple[Column, ...]
    terms: tuple[Term, ...]
    matrix: Array
    offset: Array

    @cached_property
    def fills(self) -> dict[int, tuple[int, float]]:
        """Terms of missing numbers that count as a certain number: (that number's term, number).

        So it is wherever a missing number is only filled, not also marked.
        """
        out = {}
        at = {(term.column, term.kind): t for t, term in enumerate(self.terms)}
        for (column, kind), t in at.items():
            own = at.get((column, "number"))
            if kind != "missing" or own is None:
                continue
            k = int(np.argmax(np.abs(self.matrix[own])))
            fill = float(self.matrix[t, k] / self.matrix[own, k])
            slack = 1e-9 * np.abs(self.matrix[t]).max()
            if (np.abs(self.matrix[t] - fill * self.matrix[own]) <= slack).all():
                out[t] = (own, fill)
        return out

    @classmethod
    def of(cls, feature_map: FeatureMap, X: Any, inputs: Iterable[int]) -> RawTerms:
        """Terms for some model columns.

        Parameters
        ----------
        feature_map : FeatureMap
        X : array-like, shape (n_rows, n_raw_columns)
            Rows that show where numbers lie.
        inputs : iterable of int
            Positions of model columns.

        Raises
        ------
        ValueError
            If None and NaN are both missing values and the model tells them apart.
        """
        inputs = np.asarray(list(inputs), dtype=np.int64)
        columns = list(feature_map.columns)
        found = _Found(len(inputs))
        values = feature_map.values(X)
        of_column: dict[int, list[int]] = {}
        for k, j in enumerate(inputs):
            of_column.setdefault(int(feature_map.player[j]), []).append(k)
        for column, own in sorted(of_column.items()):
            sources = {k: feature_map.sources[inputs[k]] for k in own}
            about = feature_map.columns[column]
            if about.kind == "category":
                tables = [s for s in feature_map.sources if s.raw == (column,)]
                columns[column] = _add_categories(found, column, about, sources, tables)
            elif about.kind == "number":
                columns[column], opaque = _add_number(found, column, about, sources, values[column])
                for k in opaque:
                    position = len(columns)
                    columns.append(_opaque(sources[k], about, columns))
                    found.add(Term(position, "model", int(inputs[k])), {k: 1.0})
            else:
                for k in own:
                    found.add(Term(column, "model", int(inputs[k])), {k: 1.0})
        matrix = np.array(found.rows).reshape(len(found.rows), len(inputs))
        return cls(feature_map, inputs, tuple(columns), tuple(found.terms), matrix, found.offset)

    def values(self, X: Any) -> dict[int, npt.NDArray]:
        """Values of the columns that terms speak of, by position: numbers, or codes of categories.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)

        Raises
        ------
        ValueError
            For rows that the model itself refuses.
        """
        model = {term.column: term.key for term in self.terms if term.kind == "model"}
        if model:
            Z = self.feature_map.model_matrix(X)
        else:  # no derived column matters
            Z = np.zeros((0, len(self.feature_map.sources)))
        raw = self.feature_map.values(X, Z)
        out = {c: raw[c] for c in sorted({term.column for term in self.terms} - set(model))}
        out |= {c: np.asarray(Z[:, j], dtype=np.float64) for c, j in model.items()}
        for column, values in out.items():
            _refuse(self.columns[column], values)
        return out

    def design(self, values: dict[int, npt.NDArray], n: int) -> Array:
        """The terms of `n` rows whose columns have these values, shape (n, n_terms)."""
        out = np.empty((n, len(self.terms)))
        for t, term in enumerate(self.terms):
            own = values[term.column]
            if term.is_number:
                out[:, t] = np.where(np.isnan(own), 0.0, own)
            else:
                out[:, t] = as_condition([term], self.columns[term.column]).meets(own)
        return out


class _Found:
    """Terms with their row of the matrix each, as they are found."""

    def __init__(self, n_inputs: int) -> None:
        self.terms: list[Term] = []
        self.rows: list[Array] = []
        self.offset = np.zeros(n_inputs)

    def add(self, term: Term, figures: dict[int, float]) -> None:
        """A term with what it adds to some inputs; left out where it adds nothing."""
        if any(figures.values()):
            row = np.zeros(len(self.offset))
            row[list(figures)] = list(figures.values())
            self.terms.append(term)
            self.rows.append(row)


def _add_categories(
    found: _Found, column: int, about: Column, sources: dict[int, Source], tables: list[Source]
) -> Column:
    """Points for each category; what most of them become is the constant."""
    asked = CategoryAnswers(about, tables)
    made: dict[tuple[str, int | None], dict[int, float]] = {}
    for k, source in sources.items():
        at, if_missing, if_unseen = asked.of(source)
        asked.refuse_two_kinds(if_missing)
        told: list[tuple[tuple[str, int | None], float]] = [
            (("category", i), value) for i, value in enumerate(at.tolist())
        ]
        told += [(("missing", None), value) for value in if_missing[:1].tolist()]
        told += [(("unseen", None), value) for value in if_unseen.tolist()]
        found.offset[k] = _usual(np.array([value for _, value in told]))
        for what, value in told:
            made.setdefault(what, {})[k] = value - found.offset[k]
    refused = {kind for (kind, _), figures in made.items() if np.isnan([*figures.values()]).any()}
    for (kind, key), figures in made.items():
        if kind not in refused:
            found.add(Term(column, kind, key), figures)
    return replace(
        about,
        refuses_missing=about.refuses_missing or "missing" in refused,
        refuses_unseen=about.refuses_unseen or "unseen" in refused,
    )


def _add_number(
    found: _Found, column: int, about: Column, sources: dict[int, Source], values: Array
) -> tuple[Column, list[int]]:
    """Slopes, stretches and exceptions of a raw number; returns the inputs that stay opaque."""
    low, high = _typical(values)
    lines = {k: s.line(low, high) for k, s in sources.items() if s.kind in ("same", "number")}
    opaque = [k for k, line in lines.items() if line is None]
    told = {k: source for k, source in sources.items() if k not in opaque}
    found.add(Term(column, "number"), {k: line[0] for k, line in lines.items() if line is not None})
    steps = {k: source for k, source in told.items() if source.kind == "steps"}
    exceptions: dict[float, dict[int, float]] = {}
    for k, source in told.items():
        line = lines.get(k)
        slope, constant = (0.0, 0.0) if line is None else line
        points = np.array(source.special, dtype=np.float64)
        if source.kind in ("table", "codes"):
            points, constant = np.array(source.categories, np.float64), _otherwise(source)
        elif source.kind == "steps":
            continue  # exceptions are among the cuts
        found.offset[k] = constant
        at = source.forward_numbers(_typed(points, source)) if len(points) else points
        for value, became in zip(points.tolist(), at.tolist(), strict=True):
            exceptions.setdefault(value, {})[k] = became - (slope * value + constant)
    _add_steps(found, column, steps)
    for value, figures in sorted(exceptions.items()):
        found.add(Term(column, "value", value), figures)
    holes = [missing_value(source) for source in told.values()]
    refused = any(hole is None or np.isnan(hole) for hole in holes)
    if not refused:
        of_missing = zip(told, holes, strict=True)
        found.add(Term(column, "missing"), {k: hole - found.offset[k] for k, hole in of_missing})
    return replace(about, refuses_missing=about.refuses_missing or refused), opaque


def _add_steps(found: _Found, column: int, steps: dict[int, Source]) -> None:
    """Points for stretches; neighbours that get the same are one."""
    cuts = np.array(sorted({cut for source in steps.values() for cut in source.cuts}))
    # The largest value of a stretch stands for it; beyond the last cut the next float does.
    at = {}
    for k, source in steps.items():
        dtype = source.links[0].dtype if source.links else np.float64
        last = np.nextafter(cuts[-1], np.inf, dtype=dtype) if len(cuts) else 1.0
        at[k] = source.forward_numbers(np.append(cuts, last))
        found.offset[k] = _usual(at[k])
    bounds = [-np.inf, *cuts.tolist(), np.inf]
    start = 0
    for i in range(len(bounds) - 1):
        ends = i == len(bounds) - 2 or any(v[i] != v[i + 1] for v in at.values())
        if ends:
            stretch = (bounds[start], bounds[i + 1])
            figures = {k: float(v[i] - found.offset[k]) for k, v in at.items()}
            found.add(Term(column, "interval", stretch), figures)
            start = i + 1


def _usual(values: Array) -> float:
    """The most frequent value; the smallest of several."""
    if np.isnan(values).all():
        return 0.0
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return float(distinct[np.argmax(counts)])


def _typical(values: Array) -> tuple[float, float]:
    """Two different numbers between which most values lie."""
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = np.quantile(values, [0.05, 0.95], method="closest_observation").tolist()
    if low == high:
        low, high = float(values.min()), float(values.max())
    return (low, high) if low < high else (low, low + max(1.0, abs(low)))


def _otherwise(source: Source) -> float:
    """What an encoder makes of a number that is none of its categories; 0 where it refuses that."""
    beyond = max([abs(c) for c in (*source.categories, *source.special)], default=0.0) + 1.0
    try:
        return float(source.forward_numbers(_typed(np.array([beyond]), source))[0])
    except (ValueError, TypeError):
        return 0.0


def _typed(values: Array, source: Source) -> npt.NDArray:
    return values.astype(object) if source.is_object else values


def _opaque(source: Source, about: Column, columns: list[Column]) -> Column:
    """A model column that is no straight line of a raw number, named by its transformers."""
    name = about.name
    for link in source.links:
        name = f"{type(link.transformer).__name__.lower()}({name})"
    taken, free, n = {column.name for column in columns}, name, 2
    while free in taken:
        free, n = f"{name} ({n})", n + 1
    return Column(free, "derived", sources=(about.name,))


def _refuse(column: Column, values: npt.NDArray) -> None:
    """Refuse values that the model refuses."""
    if column.kind == "category":
        wrong = column.refuses_missing & (values == MISSING)
        wrong |= column.refuses_unseen & (values == UNSEEN)
    else:
        refuses = column.refuses_missing or column.kind == "derived"
        wrong = np.isinf(values) | (refuses & np.isnan(values))
    if wrong.any():
        raise ValueError(
            f"row {int(np.argmax(wrong))} misses a value of {column.name!r}, or has one that the "
            "model itself refuses"
        )


def as_condition(terms: list[Term], about: Column) -> Condition:
    """What holds where one of several terms of a column is 1; none of them may be a number.

    Examples
    --------
    >>> job = Column("job", "category", ("a", "b", "c"))
    >>> as_condition([Term(0, "category", 2), Term(0, "missing")], job)
    CategoryCondition(column=0, allowed=frozenset({2}), missing=True, unseen=False)
    >>> as_condition([Term(0, "interval", (1.0, 2.0))], Column("age")).intervals
    ((1.0, 2.0),)
    """
    column, kinds = terms[0].column, {term.kind for term in terms}
    if about.kind == "category":
        allowed = frozenset(term.key for term in terms if term.kind == "category")
        return CategoryCondition(column, allowed, "missing" in kinds, "unseen" in kinds)
    intervals = [
        (float(np.nextafter(t.key, -np.inf)), t.key) if t.kind == "value" else t.key
        for t in terms
        if t.kind != "missing"
    ]
    return NumberCondition(column, tuple(sorted(intervals)), "missing" in kinds)


def border_condition(
    terms: RawTerms, coefficients: Array, limit: float, above: bool
) -> Condition | None:
    """An inequality of a single column as a condition on its values; None for any other.

    Parameters
    ----------
    terms : RawTerms
    coefficients : array of float64, shape (n_terms,)
    limit : float
    above : bool
        Whether the sum must be above the limit, else at most the limit.

    Returns
    -------
    NumberCondition, CategoryCondition or None
        None also where a number's stretches and its slope come together.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"age": [20.0, 40.0]})
    >>> terms = RawTerms.of(FeatureMap.of(None, X), X, [0])
    >>> border_condition(terms, np.array([-2.0]), -60.0, True).intervals  # -2 age > -60
    ((-inf, 29.999999999999996),)
    """
    used = [terms.terms[t] for t in np.flatnonzero(coefficients)]
    columns = {term.column for term in used}
    if len(columns) != 1:
        return None
    column = columns.pop()
    about = terms.columns[column]
    points = {term: float(c) for term, c in zip(terms.terms, coefficients) if c}
    if about.kind == "category":
        return _set_of_categories(column, about, points, limit, above)
    numbers = [term for term in used if term.is_number]
    others = [term for term in used if not term.is_number]
    if len(numbers) != 1 or any(term.kind != "missing" for term in others):
        return None
    slope, rises = points[numbers[0]], points[numbers[0]] > 0

    def passes(x: npt.NDArray) -> npt.NDArray[np.bool_]:
        with np.errstate(over="ignore"):
            return (slope * x > limit) != rises

    last = last_true(passes)
    intervals = [(-np.inf, last)] if rises != above else [(last, np.inf)]
    kept = tuple(i for i in intervals if i[0] < i[1])
    missing = (sum(points[term] for term in others) > limit) == above
    return NumberCondition(column, kept, missing and not about.refuses_missing)


def _set_of_categories(
    column: int, about: Column, points: dict[Term, float], limit: float, above: bool
) -> CategoryCondition:
    def inside(kind: str, key: Any = None) -> bool:
        return (points.get(Term(column, kind, key), 0.0) > limit) == above

    n = range(len(about.categories))
    return CategoryCondition(
        column,
        frozenset(i for i in n if inside("category", i)),
        inside("missing") and not about.refuses_missing,
        inside("unseen") and not about.refuses_unseen,
    )
