"""Reasons: why a person got the adverse decision, in the words of the Decision.

A reason is a column that pushed the probability of the adverse class up, by its exact
attribution against a named baseline; what pushed the other way is no reason. Two other methods
are asked as well, and each reason says how many of them would name it too. A number is called high
or low only where the rows it is compared with bear that out. Columns that may not be named never
are: where one of them mattered, that is reported as a conflict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..decision import Decision
from .attributions import attribute, towards_adverse
from .checks import Check
from .directions import Directions, settled
from .points import points_below_best
from .text import printable, shortened
from .view import View, row, rows_of

__all__ = ["Baseline", "Reason", "Reasons", "RowReasons", "baseline_of", "reasons_of"]

BASELINES = ("near_cutoff", "all")
NEAR_SHARE = 0.05  # of the reference rows, the favourable ones nearest to the cut-off; at least …
NEAR_ROWS = 50
TINY = 1e-12  # what rounding leaves of an attribution of zero


@dataclass(frozen=True)
class Reason:
    """One reason of one row.

    Parameters
    ----------
    column : str
    value : object
        The row's own value.
    text : str
        In the words of the Decision.
    contribution : float
        What the column adds to the score of the adverse class against the baseline.
    agreed, methods : int
        By how many methods, this one included, it is among the first reasons; of how many that
        can speak of the column.
    error : float or None
        Standard error of the contribution where it was sampled.

    Examples
    --------
    >>> Reason("duration", 48, "Term of the loan is long", 0.12, 3, 3).text
    'Term of the loan is long'
    """

    column: str
    value: Any
    text: str
    contribution: float
    agreed: int
    methods: int
    error: float | None = None

    @property
    def figure(self) -> str:
        """The contribution, with its error where it has one."""
        error = "" if self.error is None else f" ± {self.error:.3f}"
        return f"{self.contribution:+.3f}{error}"


@dataclass(frozen=True)
class RowReasons:
    """The reasons of one row.

    Parameters
    ----------
    row : object
        Its label in the caller's frame, or its position.
    probability : float
        Of the adverse class, by the model.
    adverse : bool
        The decision.
    reasons : tuple of Reason
        The first k; empty for favourable decisions.
    conflicts : tuple of str
        Where a column that may not be named would have been among them.
    methods : int
        Number of methods asked.

    Examples
    --------
    >>> RowReasons(17, 0.4, True, (), (), 3).adverse
    True
    """

    row: Any
    probability: float
    adverse: bool
    reasons: tuple[Reason, ...]
    conflicts: tuple[str, ...]
    methods: int


@dataclass(frozen=True, eq=False)
class Baseline:
    """Rows that a person is compared with.

    Parameters
    ----------
    name : str
    rows : array-like, shape (n_background, n_raw_columns)
    text : str
        Who these are, in words.

    Examples
    --------
    >>> Baseline("all", [[0]], "all 1 rows").name
    'all'
    """

    name: str
    rows: Any
    text: str


@dataclass(frozen=True, eq=False)
class Reasons:
    """Reasons of several rows, with what they were compared against.

    Parameters
    ----------
    rows : tuple of RowReasons
    baseline : str
        Who the rows were compared with.
    unit : str
        Unit of the contributions.
    decision : Decision
    method : str
    directions : Check or None
        Whether every `high` and `low` is borne out by the baseline; None where none was said.

    Examples
    --------
    See `treeprune.Explanation.reasons`.
    """

    rows: tuple[RowReasons, ...]
    baseline: str
    unit: str
    decision: Decision
    method: str
    directions: Check | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def __iter__(self) -> Iterator[RowReasons]:
        """The rows' reasons, in order."""
        return iter(self.rows)

    def __getitem__(self, i: int) -> RowReasons:
        """Reasons of the i-th row."""
        return self.rows[i]

    def to_frame(self) -> pd.DataFrame:
        """A line a reason: row, probability, decision, rank, reason, column, value, contribution,
        error, agreed, methods; rows without reasons have one line.

        Examples
        --------
        See `treeprune.Explanation.reasons`.
        """
        lines = []
        for one in self.rows:
            head = {
                "row": one.row,
                "probability": one.probability,
                "decision": self.decision.word(one.adverse),
            }
            for rank, reason in enumerate(one.reasons, 1):
                lines.append(
                    head
                    | {
                        "rank": rank,
                        "reason": reason.text,
                        "column": reason.column,
                        "value": reason.value,
                        "contribution": reason.contribution,
                        "error": reason.error,
                        "agreed": reason.agreed,
                        "methods": reason.methods,
                    }
                )
            if not one.reasons:
                lines.append(head | {"rank": None})
        columns = ["row", "probability", "decision", "rank", "reason", "column", "value"]
        return pd.DataFrame(lines, columns=[*columns, "contribution", "error", "agreed", "methods"])

    def to_text(self) -> str:
        """A paragraph a row, for the file: reasons, contributions, agreement and conflicts.

        Examples
        --------
        See `treeprune.Explanation.reasons`.
        """
        lines = [f"Contributions in {self.unit}, against {self.baseline}; {self.method}."]
        for one in self.rows:
            lines.append(
                f"{printable(one.row)}: {self.decision.word(one.adverse)}, "
                f"P = {one.probability:.3g} against a cut-off of {self.decision.cutoff:.3g}"
            )
            for rank, reason in enumerate(one.reasons, 1):
                lines.append(
                    f"  {rank}. {printable(reason.text)} ({printable(reason.column)} = "
                    f"{shortened(reason.value)}): {reason.figure}, "
                    f"{reason.agreed} of {reason.methods} methods"
                )
            if one.adverse and not one.reasons:
                lines.append("  no column that may be named pushed towards this decision")
            lines += [f"  CONFLICT: {conflict}" for conflict in one.conflicts]
        return "\n".join(lines)


def baseline_of(view: View, decision: Decision, reference: Any, baseline: Any) -> Baseline:
    """The rows that persons are compared with.

    Parameters
    ----------
    view : View
    decision : Decision
    reference : array-like
        The rows that the explanation was made from.
    baseline : {"near_cutoff", "all"} or array-like
        The reference rows with the favourable decision whose probability is nearest to the
        cut-off (5 % of all, at least 50, ties included), all reference rows, or rows given.

    Raises
    ------
    ValueError
        If the name is not known.

    Examples
    --------
    See `treeprune.Explanation.reasons`.
    """
    if hasattr(baseline, "rows"):
        return baseline
    if not isinstance(baseline, str):
        n = len(baseline)
        if n == 0:
            raise ValueError("the baseline has no rows; give at least one")
        return Baseline("given", baseline, f"{n} given rows")
    if baseline not in BASELINES:
        raise ValueError(
            f"baseline must be one of {BASELINES} or rows to compare with, got {baseline!r}"
        )
    n = len(reference)
    if baseline == "all":
        return Baseline("all", reference, f"all {n} reference rows")
    # Rows of the other decision, so that something always speaks for the adverse one.
    p = p_adverse(view, decision, reference)
    favourable = np.flatnonzero(~decision.decide(p))
    if len(favourable) == 0:
        raise ValueError(
            f"no reference row is {decision.word(False)} at a cut-off of {decision.cutoff:.3g}, "
            "so that there is none to compare with; give rows as the baseline, or 'all'"
        )
    distance = float(decision.cutoff or 0.0) - p[favourable]
    wanted = min(len(favourable), max(NEAR_ROWS, round(NEAR_SHARE * n)))
    limit = np.partition(distance, wanted - 1)[wanted - 1]
    near = favourable[distance <= limit + TINY]
    which = f"the {len(near)} of {len(favourable)} {decision.word(False)} reference rows nearest to"
    if len(near) == len(favourable):
        which = f"all {len(near)} {decision.word(False)} reference rows, none of them nearer to"
    low, high = f"{p[near].min():.3g}", f"{p[near].max():.3g}"
    span = f"P = {low}" if low == high else f"P from {low} to {high}"
    text = f"{which} the cut-off ({span})"
    return Baseline("near_cutoff", row(reference, near), text)


def p_adverse(view: View, decision: Decision, X: Any) -> npt.NDArray[np.float64]:
    """Probability of the adverse class, by the model itself, shape (n_rows,)."""
    return view.answers(X)[:, 0, decision.position(view.answers.classes[0])]


def reasons_of(
    view: View,
    decision: Decision,
    reference: Any,
    X: Any,
    *,
    k: int = 4,
    baseline: Any = "near_cutoff",
    random_state: Any = None,
) -> Reasons:
    """Reasons for the adverse decisions among these rows.

    See `treeprune.Explanation.reasons`.

    Raises
    ------
    ValueError
        If the model has no single classification output, `k` is not positive, or the Decision
        speaks of classes or columns that the model does not have.
    """
    if len(view.answers.classes) != 1:
        raise ValueError("reasons need a classifier with one target")
    if not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k is the number of reasons, a positive whole number; got {k!r}")
    against = baseline_of(view, decision, reference, baseline)
    p = p_adverse(view, decision, X)
    adverse = decision.decide(p)
    which = np.flatnonzero(adverse)
    if len(which) == 0:
        return _nothing_adverse(view, decision, against, X, p)
    asked = row(X, which)
    found = attribute(
        view, asked, game="interventional", background=against.rows, random_state=random_state
    )
    pushes = [towards_adverse(view, decision, found.values)]
    if view.trees is not None:
        other = attribute(view, asked, game="path_dependent")
        pushes.append(towards_adverse(view, decision, other.values))
    points = points_below_best(view, decision, reference, asked)
    pushes.append(points.lost)
    may = np.array([_may_name(view, decision, j) for j in range(pushes[0].shape[1])], dtype=bool)
    said = _named(pushes[0], may, k)
    directions = settled(view, decision, against.rows, asked, said, points)
    errors = None
    if found.error is not None:
        errors = towards_adverse(view, decision, found.error)
    derived = view.feature_map.values(asked)[view.feature_map.n_raw :]
    namer = _Namer(view, decision, k, may, directions, errors, derived)
    shown = rows_of(view.feature_map, X)
    rows = []
    for position in range(len(p)):
        label = shown.index[position]
        if not adverse[position]:
            rows.append(RowReasons(label, float(p[position]), False, (), (), len(pushes)))
            continue
        i = int(np.searchsorted(which, position))
        reasons, conflicts = namer.name([push[i] for push in pushes], shown.iloc[position], i)
        rows.append(RowReasons(label, float(p[position]), True, reasons, conflicts, len(pushes)))
    check = directions.check
    return Reasons(tuple(rows), against.text, found.unit, decision, found.method, check)


def _nothing_adverse(
    view: View, decision: Decision, against: Baseline, X: Any, p: npt.NDArray
) -> Reasons:
    labels = rows_of(view.feature_map, X).index
    rows = [
        RowReasons(label, float(one), False, (), (), 0)
        for label, one in zip(labels, p, strict=True)
    ]
    return Reasons(tuple(rows), against.text, view.unit, decision, "no row was attributed")


@dataclass(frozen=True, eq=False)
class _Namer:
    """Turns the pushes of one row into named reasons."""

    view: View
    decision: Decision
    k: int
    may: npt.NDArray[np.bool_]
    directions: Directions
    errors: npt.NDArray | None
    derived: list[npt.NDArray]

    def name(
        self, pushes: list[npt.NDArray], values: pd.Series, i: int
    ) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
        own = pushes[0]
        ranked = _pushing(own)
        firsts = [_first_named(push, self.may, self.k) for push in pushes]
        reasons = tuple(self._reason(j, i, own, firsts, values) for j in firsts[0])
        total = float(own[ranked].sum())
        conflicts = tuple(
            f"a column that may not be named is reason {rank} by size ({own[j]:.3f} of {total:.3f})"
            for rank, j in enumerate(ranked[: self.k], 1)
            if not self.may[j]
        )
        return reasons, conflicts

    def _reason(
        self, j: int, i: int, own: npt.NDArray, firsts: list[list[int]], values: pd.Series
    ) -> Reason:
        column = self.view.feature_map.columns[j]
        is_derived = column.kind == "derived"
        value = values[column.name] if not is_derived else None
        if is_derived:
            value = float(self.derived[j - self.view.feature_map.n_raw][i])
        direction = self.directions.word(i, j) if column.kind != "category" else None
        return Reason(
            column.name,
            value,
            self.decision.wording_for(column.name, direction, value),
            float(own[j]),
            sum(j in first for first in firsts),
            # A derived column cannot be changed alone: the points know nothing of it.
            len(firsts) - is_derived,
            None if self.errors is None else abs(float(self.errors[i, j])),
        )


def _may_name(view: View, decision: Decision, j: int) -> bool:
    """A derived column may be named when all it is made of may."""
    column = view.feature_map.columns[j]
    return all(decision.may_name(name) for name in (column.name, *column.sources))


def _named(push: npt.NDArray, may: npt.NDArray[np.bool_], k: int) -> npt.NDArray[np.bool_]:
    """Which columns are the reasons of each row, shape of `push`."""
    out = np.zeros(push.shape, dtype=bool)
    for i, own in enumerate(push):
        out[i, _first_named(own, may, k)] = True
    return out


def _first_named(push: npt.NDArray, may: npt.NDArray[np.bool_], k: int) -> list[int]:
    """The k columns that push most, of those that may be named."""
    return [j for j in _pushing(push) if may[j]][:k]


def _pushing(push: npt.NDArray) -> list[int]:
    """Columns that push towards the adverse class, strongest first; ties in column order."""
    order = np.argsort(-push, kind="stable")
    return [int(j) for j in order if push[j] > TINY]
