"""An additive points table that imitates any model, with its fidelity.

Every raw column is cut into a few bins (categories stay as they are, rare ones pooled; missing and
unseen values have rows of their own), and the model's log-odds, or its number, are fitted by a sum
of one figure a column. Figures are rounded to whole points, and what is compared with the model is
the rounded card. Points show *how* a model weighs columns only as far as it is additive, which is
what the fidelity says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeRegressor

from .conditions import (
    CategoryCondition,
    Column,
    Condition,
    NumberCondition,
)
from .features import raw_values
from .fidelity import Fidelity, cross_fitted, fidelity, model_output, r_squared, seed_of
from .limits import printed_limit
from .rules import RuleSet
from .surrogate import column_kinds, levels_of
from .tables import as_frame
from .text import condition_text, printable

__all__ = ["Bin", "Scorecard", "scorecard"]

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Texts = dict[tuple[int, float], str]

FLOOR = 1e-3  # of probabilities, before their logarithm
MOST_BINS = 6
SMALLEST_BIN = 0.05  # share of the rows with a value
RARE = 0.01
FEWEST_IN_BIN = 5
PENALTY = 1.0  # one row's worth of belief that a bin is like the average


@dataclass(frozen=True)
class Bin:
    """A row of a scorecard.

    Parameters
    ----------
    condition : NumberCondition or CategoryCondition
        Every value of a column meets the condition of exactly one of its bins.
    points : int
    rows : int
        Number of reference rows in it. Where it is 0 (missing or unseen values that did not
        occur) the points are those of the average row.

    Examples
    --------
    >>> Bin(NumberCondition(0, ((-np.inf, 30.0),), False), 12, 400).points
    12
    """

    condition: Condition
    points: int
    rows: int


@dataclass(frozen=True, eq=False)
class Scorecard:
    """Points that add up to an imitation of a model; made by `scorecard`.

    Parameters
    ----------
    columns : tuple of Column
        Those that have points, the one with the widest range first.
    bins : tuple of Bin
        By column; `condition.column` is a position in `columns`.
    start : int
        Points that every row has.
    unit, zero : float
        The log-odds of the positive class (or the number) are zero + unit * score.
    classes : array, shape (2,), or None
    positive : int
        Position of the class whose probability rises with the score.
    fidelity : Fidelity
        Of the card with its rounded points.
    target : str
    texts : mapping of (column, limit) to str
        How limits are printed.

    Examples
    --------
    See `scorecard`.
    """

    columns: tuple[Column, ...]
    bins: tuple[Bin, ...]
    start: int
    unit: float
    zero: float
    classes: npt.NDArray | None
    positive: int
    fidelity: Fidelity
    target: str = "y"
    texts: Texts = field(default_factory=dict)

    def points(self, X: Any) -> pd.DataFrame:
        """Points of each row by column, whose sum and `start` are the score.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)

        Returns
        -------
        DataFrame of int, shape (n_rows, n_columns)

        Raises
        ------
        ValueError
            If a column is missing or does not hold numbers where it should.

        Examples
        --------
        See `scorecard`.
        """
        frame = as_frame(X)
        values = raw_values(self.columns, frame)
        out = np.zeros((len(frame), len(self.columns)), dtype=np.int64)
        for row in self.bins:
            column = row.condition.column
            out[row.condition.meets(values[column]), column] = row.points
        return pd.DataFrame(out, frame.index, [column.name for column in self.columns])

    def score(self, X: Any) -> npt.NDArray[np.int64]:
        """Sum of points, shape (n_rows,).

        Examples
        --------
        See `scorecard`.
        """
        return self.start + self.points(X).to_numpy().sum(axis=1)

    def predict_proba(self, X: Any) -> Array:
        """Probabilities of both classes, shape (n_rows, 2), in the order of `classes`.

        Raises
        ------
        ValueError
            For regression.

        Examples
        --------
        See `scorecard`.
        """
        if self.classes is None:
            raise ValueError("this scorecard predicts a number: use predict")
        return _output(self.zero + self.unit * self.score(X), self.positive)

    def predict(self, X: Any) -> npt.NDArray:
        """The likelier class of each row, or the number, shape (n_rows,).

        Examples
        --------
        See `scorecard`.
        """
        if self.classes is None:
            return self.zero + self.unit * self.score(X)
        return self.classes[self.predict_proba(X).argmax(axis=1)]

    def to_frame(self) -> pd.DataFrame:
        """The card as a table: `column`, `values` (in words), `points`, `rows`.

        Returns
        -------
        DataFrame
            A row a bin; the first row is the starting points, without a column.

        Examples
        --------
        See `scorecard`.
        """
        words = RuleSet(self.columns, (), texts=self.texts)
        rows: list[tuple[str | None, str, int, int]] = [
            (None, "every row", self.start, self.fidelity.n_rows)
        ]
        for b in self.bins:
            name = self.columns[b.condition.column].name
            said = condition_text(b.condition, words, missing=False)
            rows.append((name, said, b.points, b.rows))
        return pd.DataFrame(rows, columns=["column", "values", "points", "rows"])

    def to_text(self) -> str:
        """The card as lines, what a point is worth, and how faithful it is.

        Examples
        --------
        See `scorecard`.
        """
        frame = self.to_frame()
        width = min(max(map(len, frame["values"])), 80)
        lines = [self._meaning(), f"{'':{width + 2}} points    rows"]
        last = None
        for name, values, points, rows in frame.itertuples(index=False):
            if name != last:
                lines.append("")
            last = name
            lines.append(f"  {values:{width}} {points:6d} {rows:7d}")
        lines += ["", f"Fidelity: {self.fidelity.to_text()}"]
        return "\n".join(lines)

    def _meaning(self) -> str:
        if self.classes is None:
            return (
                f"Scorecard: {printable(self.target)} = {self.zero:.12g} + {self.unit:g} × "
                "the sum of the points"
            )
        label = printable(self.classes[self.positive])
        even = -self.zero / self.unit
        return (
            f"Scorecard for P({label}): {np.log(2) / self.unit:.6g} points more double the odds, "
            f"{even:.6g} points are odds of one to one"
        )


def scorecard(
    output_of: Callable[[Any], Any],
    X: Any,
    *,
    classes: Any = None,
    positive: int = 1,
    y: Any = None,
    cutoff: float | None = None,
    points_per_doubling: float = 20.0,
    base: float = 600.0,
    base_odds: float = 1.0,
    folds: int = 5,
    target: str = "y",
    random_state: Any = None,
) -> Scorecard:
    """Imitate a model by a sum of points.

    Parameters
    ----------
    output_of : callable
        The model: from rows like `X` to class probabilities (n_rows, 2), or to numbers (n_rows,)
        or (n_rows, 1). Called once.
    X : array-like, shape (n_rows, n_raw_columns)
        Reference rows, at least ten. Columns that hold neither numbers nor categories (dates,
        text mixed with numbers) are not used.
    classes : array-like, shape (2,), optional
        Class labels in the order of the probabilities; None for regression.
    positive : {0, 1}
        Position of the class whose probability rises with the score; in credit usually the one
        that pays.
    y : array-like, shape (n_rows,), optional
        The outcome, for the score at the task that fidelity should be read beside.
    cutoff : float, optional
        A decision is whether the probability of `positive` (or the number) is at least this.
    points_per_doubling : float, default=20
        Points that double the odds of the positive class. For numbers a point is instead the
        largest of 1, 2, 5, 10, … times a power of ten that is at most 1/50 of the output's
        standard deviation.
    base, base_odds : float
        A score of `base` stands for odds of `base_odds` to one. Not used for numbers.
    folds : int, default=5
        Number of refits for the fidelity.
    target : str
        What is predicted.
    random_state : int or RandomState, optional
        Assigns rows to folds; None is 0, so that the same rows give the same card.

    Returns
    -------
    Scorecard

    Raises
    ------
    ValueError
        If the rows or the output do not fit, there are more than two classes, or a parameter of
        the scale is not positive.

    Notes
    -----
    Columns are cut by a small regression tree each, on the log-odds; figures are fitted by ridge
    regression of all columns at once. Rows are weighted with p (1 - p), so that squared errors of
    log-odds stand for the divergence between both probabilities, to second order. Probabilities
    are kept from 0.001 to 0.999.
    Scaling to points: Siddiqi 2006, chapter 6; the lowest bin of a column has no points.
    Neighbouring bins with equal points are one, columns without points are left out.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"age": rng.integers(20, 70, 500), "late": rng.integers(0, 2, 500)})
    >>> y = (rng.random(500) < 0.2 + 0.5 * X["late"]).astype(int)
    >>> model = LogisticRegression(max_iter=1000).fit(X, y)
    >>> card = scorecard(model.predict_proba, X, classes=model.classes_, positive=0, y=y)
    >>> card.fidelity.r2 > 0.95, card.predict_proba(X).shape
    (True, (500, 2))
    >>> int((card.score(X) - card.points(X).sum(axis=1) - card.start).abs().max())
    0
    """
    frame = as_frame(X)
    labels = None if classes is None else np.asarray(classes)
    if labels is not None and len(labels) != 2:
        raise ValueError(
            f"a scorecard has one score, for two classes; the model has {len(labels)}: "
            f"{labels.tolist()}. Make a card for one of them against the rest (let output_of "
            "return [1 - P(class), P(class)]), or use surrogate_tree"
        )
    if positive not in (0, 1):
        raise ValueError(f"positive must be 0 or 1, a position in classes; got {positive!r}")
    if not (points_per_doubling > 0 and base_odds > 0):
        raise ValueError(
            "points_per_doubling and base_odds must be positive; got "
            f"{points_per_doubling!r} and {base_odds!r}"
        )
    output = model_output(output_of, X, labels, len(frame))
    if labels is None:
        wanted, weight, at = output[:, 0], np.ones(len(frame)), 0
        # Of equal numbers the deviation is what rounding leaves, not a scale.
        varies = not np.isnan(r_squared(output, output))
        unit = _nice(float(wanted.std()) / 50 if varies else 0.0)
        zero = unit * float(np.round(wanted.mean() / unit))
    else:
        p = np.clip(output[:, positive], FLOOR, 1 - FLOOR)
        wanted, weight, at = np.log(p / (1 - p)), p * (1 - p), positive
        unit = np.log(2) / points_per_doubling
        zero = float(np.log(base_odds) - unit * base)
    table = _Table.of(frame)

    def fit(rows: Rows) -> _Card:
        return _Card.fitted(table, rows, (wanted[rows] - zero) / unit, weight[rows])

    def fit_and_predict(rows: Rows) -> Callable[[Rows], Array]:
        card = fit(rows)

        def predict(others: Rows) -> Array:
            guess = zero + unit * card.score([v[others] for v in table.values])
            if labels is None:
                return np.asarray(guess[:, None], dtype=np.float64)
            return _output(guess, positive)

        return predict

    imitated = cross_fitted(fit_and_predict, len(frame), folds, seed_of(random_state))
    found = fidelity(output, imitated, classes=labels, folds=folds, positive=at, cutoff=cutoff, y=y)
    columns, bins, start, texts = fit(np.arange(len(frame))).kept(table)
    return Scorecard(columns, bins, start, float(unit), zero, labels, at, found, target, texts)


def _output(log_odds: npt.NDArray[np.floating], positive: int) -> Array:
    p = expit(log_odds)
    return np.column_stack([1 - p, p] if positive == 1 else [p, 1 - p])


def _nice(number: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above a number; 1 for zero."""
    if number <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(number))
    return float(max(m * power for m in (1, 2, 5) if m == 1 or m * power <= number))


@dataclass(frozen=True, eq=False)
class _Table:
    """The reference rows' columns and values, as conditions ask of them."""

    columns: tuple[Column, ...]
    values: list[npt.NDArray]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> _Table:
        columns = tuple(_column(frame[name], kind) for name, kind in column_kinds(frame).items())
        return cls(columns, raw_values(columns, frame))


def _column(series: pd.Series, kind: str) -> Column:
    name, has_missing = str(series.name), bool(series.isna().any())
    if series.dtype == bool:
        return Column(name, "category", (False, True), refuses_unseen=True)
    if kind == "number":
        return Column(name, has_missing=has_missing)
    return Column(name, "category", tuple(levels_of(series)), has_missing=has_missing)


@dataclass(frozen=True, eq=False)
class _Card:
    """Whole points for the bins of all columns."""

    conditions: list[list[Condition]]
    points: list[npt.NDArray[np.int64]]
    rows: list[npt.NDArray[np.int64]]
    start: int
    texts: Texts

    @classmethod
    def fitted(cls, table: _Table, rows: Rows, wanted: Array, weight: Array) -> _Card:
        """A card for some of the rows; `wanted` is in points."""
        values = [v[rows] for v in table.values]
        weight = weight / weight.mean()
        texts: Texts = {}
        conditions = [
            _bins(i, column, values[i], wanted, weight, texts)
            for i, column in enumerate(table.columns)
        ]
        within = [_bin_of(own, v) for own, v in zip(conditions, values)]
        start, figures = _fit(within, [len(own) for own in conditions], wanted, weight)
        lowest = sum(float(figure.min()) for figure in figures)
        points = [np.round(figure - figure.min()).astype(np.int64) for figure in figures]
        counts = [np.bincount(w, minlength=len(own)) for w, own in zip(within, conditions)]
        return cls(conditions, points, counts, round(start + lowest), texts)

    def score(self, values: list[npt.NDArray]) -> npt.NDArray[np.int64]:
        """Sum of points, by the positions of bins."""
        out = np.full(len(values[0]) if values else 0, self.start, dtype=np.int64)
        for own, points, v in zip(self.conditions, self.points, values):
            out += points[_bin_of(own, v)]
        return out

    def kept(self, table: _Table) -> tuple[tuple[Column, ...], tuple[Bin, ...], int, Texts]:
        """Columns that have points, widest range first, with neighbouring equal bins joined."""
        order = sorted(
            (i for i, p in enumerate(self.points) if p.any()),
            key=lambda i: -int(self.points[i].max()),
        )
        bins: list[Bin] = []
        texts: Texts = {}
        for position, i in enumerate(order):
            for condition, points, n in zip(self.conditions[i], self.points[i], self.rows[i]):
                moved = _moved(condition, position)
                before = bins[-1] if bins else None
                if before is not None and before.points == points:
                    joined = _joined(before.condition, moved)
                    if joined is not None:
                        bins[-1] = Bin(joined, int(points), before.rows + int(n))
                        continue
                bins.append(Bin(moved, int(points), int(n)))
            texts |= {(position, edge): t for (c, edge), t in self.texts.items() if c == i}
        return tuple(table.columns[i] for i in order), tuple(bins), self.start, texts


def _fit(
    within: list[Rows], sizes: list[int], wanted: Array, weight: Array
) -> tuple[float, list[Array]]:
    """Start and a figure for each bin: of mean zero a column, and zero where no row is."""
    ends = np.cumsum([0, *sizes])
    design = np.zeros((len(wanted), ends[-1]))
    for begin, own in zip(ends, within):
        design[np.arange(len(own)), begin + own] = 1.0
    model = Ridge(alpha=PENALTY).fit(design, wanted, sample_weight=weight)
    start, figures = float(model.intercept_), []
    for begin, end in pairwise(ends):
        held = weight @ design[:, begin:end]
        figure = model.coef_[begin:end]
        mean = float(held @ figure / held.sum())
        start += mean
        figures.append(np.where(held > 0, figure - mean, 0.0))
    return start, figures


def _bin_of(conditions: list[Condition], values: npt.NDArray) -> Rows:
    """Which bin each value is in."""
    out = np.zeros(len(values), dtype=np.int64)
    for k, condition in enumerate(conditions):
        out[condition.meets(values)] = k
    return out


def _bins(
    i: int, column: Column, values: npt.NDArray, wanted: Array, weight: Array, texts: Texts
) -> list[Condition]:
    """Conditions of which every value of a column meets exactly one."""
    if column.kind == "number":
        present = ~np.isnan(values)
        edges = _edges(values[present], wanted[present], weight[present])
        texts |= {(i, edge): text for edge, text in edges.items()}
        cuts = [-np.inf, *sorted(edges), np.inf]
        ranges: list[Condition] = [
            NumberCondition(i, ((low, high),), False) for low, high in pairwise(cuts)
        ]
        return [*ranges, NumberCondition(i, (), True)]
    counts = np.bincount(values[values >= 0], minlength=len(column.categories))
    common = counts >= max(RARE * len(values), 1 if column.refuses_unseen else FEWEST_IN_BIN)
    own: list[Condition] = [
        CategoryCondition(i, frozenset({int(k)}), False, False) for k in np.flatnonzero(common)
    ]
    others = frozenset(np.flatnonzero(~common).tolist())
    if others or not column.refuses_unseen:
        own.append(CategoryCondition(i, others, False, not column.refuses_unseen))
    return [*own, CategoryCondition(i, frozenset(), True, False)]


def _edges(values: Array, wanted: Array, weight: Array) -> dict[float, str]:
    """Where a small tree cuts, as short decimals."""
    finite = np.isfinite(values)
    values, wanted, weight = values[finite], wanted[finite], weight[finite]
    smallest = max(FEWEST_IN_BIN, int(np.ceil(SMALLEST_BIN * len(values))))
    if len(values) < 2 * smallest:
        return {}
    # Ranks instead of values: a tree rounds to float32, in which close values fall together.
    distinct, rank = np.unique(values, return_inverse=True)
    tree = DecisionTreeRegressor(
        max_leaf_nodes=MOST_BINS, min_samples_leaf=smallest, random_state=0
    ).fit(rank[:, None], wanted, sample_weight=weight)
    cuts = tree.tree_.threshold[tree.tree_.children_left >= 0]
    out = {}
    for cut in np.sort(cuts):
        below, above = distinct[int(cut)], distinct[int(cut) + 1]
        middle = below / 2 + above / 2
        text = printed_limit(float(middle if below <= middle < above else below), distinct)
        out[float(text)] = text
    return out


def _moved(condition: Condition, column: int) -> Condition:
    return replace(condition, column=column)


def _joined(first: Condition, second: Condition) -> Condition | None:
    """Two neighbouring intervals of one column as one."""
    if first.column != second.column:
        return None
    if not (isinstance(first, NumberCondition) and isinstance(second, NumberCondition)):
        return None
    if (
        not first.intervals
        or not second.intervals
        or first.intervals[-1][1] != second.intervals[0][0]
    ):
        return None
    return NumberCondition(first.column, ((first.intervals[0][0], second.intervals[-1][1]),), False)
