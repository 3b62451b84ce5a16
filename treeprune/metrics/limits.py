"""Choose a step of a path by its score among the steps that satisfy stated limits.

Limits are stated, counted and priced, never a silent filter: the answer names every limit, says
how many steps each leaves and what keeping all of them costs, and where no step satisfies them it
chooses none and names the nearest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..explain.text import printable

__all__ = ["Choice", "Limit", "choose_within"]

Array = npt.NDArray
PREFER = ("best", "smallest")
ROUNDING = 1e-12  # sums in another order differ in the last digits


@dataclass(frozen=True)
class Limit:
    """One limit and what it leaves.

    Parameters
    ----------
    column : str
    low, high : float or None
        Inclusive bounds.
    n_satisfying : int
        Steps that satisfy this limit.
    value : float or None
        At the chosen step, or at the nearest where none is chosen; None where it has none.
    missed_by : float or None
        By how much this value misses the limit: 0 where it does not, None without a value.

    Examples
    --------
    >>> Limit("fpr_difference", None, 0.1, 12, 0.08, 0.0).words
    'fpr_difference <= 0.1'
    """

    column: str
    low: float | None
    high: float | None
    n_satisfying: int
    value: float | None
    missed_by: float | None

    @property
    def words(self) -> str:
        """The limit as it is read."""
        name = printable(self.column)
        if self.low is None:
            return f"{name} <= {self.high:.6g}"
        if self.high is None:
            return f"{name} >= {self.low:.6g}"
        return f"{self.low:.6g} <= {name} <= {self.high:.6g}"

    @property
    def failure(self) -> str:
        """By how much the value misses the limit; empty where it does not."""
        if self.value is None:
            return f"{self.words}: not defined"
        if not self.missed_by:
            return ""
        return f"{self.words}: is {self.value:.6g}, missed by {self.missed_by:.6g}"


@dataclass(frozen=True)
class Choice:
    """The step that was chosen within limits, and what the limits cost. Made by `choose_within`.

    Parameters
    ----------
    satisfied : bool
        Whether a step satisfies all limits.
    step : int or None
        The chosen step; None where no step satisfies all limits.
    score : float or None
        Its score.
    best_step, best_score : int, float
        The best step without limits.
    cost : float or None
        What the limits cost: `best_score - score`, in units of the score.
    nearest, nearest_score : int, float or None
        Where no step satisfies all limits, the one that misses them least.
    limits : tuple of Limit
    n_steps, n_within : int
        Steps that have a score, and those of them that satisfy all limits.
    score_name, prefer : str
        As given.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.metrics.limits import choose_within
    >>> table = pd.DataFrame({"score": [0.9, 0.8], "size": [9, 3]})
    >>> choice = choose_within(table, {"size": (None, 5)})
    >>> choice.step, round(choice.cost, 3)
    (1, 0.1)
    """

    satisfied: bool
    step: int | None
    score: float | None
    best_step: int
    best_score: float
    cost: float | None
    nearest: int | None
    nearest_score: float | None
    limits: tuple[Limit, ...]
    n_steps: int
    n_within: int
    score_name: str
    prefer: str = "best"

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold.

        Examples
        --------
        >>> import pandas as pd
        >>> from treeprune.metrics.limits import choose_within
        >>> table = pd.DataFrame({"score": [0.9, 0.8], "size": [9, 3]})
        >>> choice = choose_within(table, {"size": (None, 5)})
        >>> choice.to_dict()["best_step"]
        0
        """
        return {**asdict(self), "limits": [asdict(limit) for limit in self.limits]}

    def to_text(self) -> str:
        """What was chosen, what each limit leaves, and what all of them cost.

        Examples
        --------
        >>> import pandas as pd
        >>> from treeprune.metrics.limits import choose_within
        >>> table = pd.DataFrame({"score": [0.9, 0.8], "size": [9, 3]})
        >>> choice = choose_within(table, {"size": (None, 5)})
        >>> choice.to_text().splitlines()[1]
        '  size <= 5: satisfied by 1 of 2'
        """
        name = printable(self.score_name)
        lines = ["LIMITS"]
        for limit in self.limits:
            lines.append(f"  {limit.words}: satisfied by {limit.n_satisfying} of {self.n_steps}")
        lines.append(f"  all together: satisfied by {self.n_within} of {self.n_steps} steps")
        best = f"step {self.best_step}, {name} {self.best_score:.6g}"
        if self.satisfied:
            chosen = f"step {self.step}, {name} {self.score:.6g}"
            lines.append(f"CHOSEN  {chosen}, the {self.prefer} within the limits")
            lines.append(f"  best without limits: {best}; the limits cost {self.cost:.6g}")
            return "\n".join(lines)
        lines.append("CHOSEN  none: no step satisfies all limits")
        lines.append(f"  nearest: step {self.nearest}, {name} {self.nearest_score:.6g}; it fails")
        lines += [f"    {limit.failure}" for limit in self.limits if limit.failure]
        lines.append(f"  best without limits: {best}")
        return "\n".join(lines)


def choose_within(
    table: pd.DataFrame,
    limits: Mapping[str, tuple[float | None, float | None]],
    *,
    score: str = "score",
    prefer: str = "best",
) -> Choice:
    """The best step of those that satisfy all limits, and what that costs.

    Parameters
    ----------
    table : DataFrame
        A row a step, such as from `fairness_path` or `path.to_frame()`. The column `step` names
        the steps (their positions without it) and `size` breaks ties (without it the later step
        is the smaller model). Steps without a score are left out.
    limits : mapping of str to (low, high)
        Inclusive bounds by column, None for no bound: `{"selection_rate_ratio": (0.8, None)}`.
    score : str, default="score"
        Column to choose by; larger is better.
    prefer : {"best", "smallest"}, default="best"
        Within the limits, the best score (of equal ones the smaller model) or the smallest model
        (of equal ones the better score).

    Returns
    -------
    Choice

    Raises
    ------
    ValueError
        If a column is unknown or holds no numbers, a limit is malformed, or no step has a score.

    Notes
    -----
    A missing value satisfies no limit. Where no step satisfies all, the nearest is the one whose
    worst miss is smallest, each miss divided by the spread (largest minus smallest) of its column
    over steps; of equal ones the better score. Columns that are the same at all steps tell none
    of them apart and are left out of that distance.

    A figure at a chosen step is too good on the rows that it was chosen by: report it on others.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.metrics.limits import choose_within
    >>> table = pd.DataFrame(
    ...     {
    ...         "step": [0, 1, 2],
    ...         "size": [9, 4, 1],
    ...         "score": [-0.15, -0.16, -0.20],
    ...         "selection_rate_ratio": [0.7, 0.85, 1.0],
    ...     }
    ... )
    >>> choice = choose_within(table, {"selection_rate_ratio": (0.8, None)})
    >>> print(choice.to_text())
    LIMITS
      selection_rate_ratio >= 0.8: satisfied by 2 of 3
      all together: satisfied by 2 of 3 steps
    CHOSEN  step 1, score -0.16, the best within the limits
      best without limits: step 0, score -0.15; the limits cost 0.01
    >>> choose_within(table, {"selection_rate_ratio": (0.8, None), "size": (5, None)}).nearest
    1
    """
    if prefer not in PREFER:
        raise ValueError(f"prefer must be one of {list(PREFER)}, got {prefer!r}")
    bounds = _checked_limits(limits)
    columns = {name: _numbers(table, name) for name in (score, *bounds)}
    n = len(table)
    step = _numbers(table, "step").astype(np.int64) if "step" in table else np.arange(n)
    size = _numbers(table, "size") if "size" in table else -np.arange(n, dtype=np.float64)
    scored = np.flatnonzero(np.isfinite(columns[score]))
    if not len(scored):
        raise ValueError(f"no step has a value of {score!r}: there is nothing to choose by")
    columns = {name: values[scored] for name, values in columns.items()}
    step, size, points = step[scored], size[scored], columns[score]
    missed = {name: _missed(columns[name], *bounds[name]) for name in bounds}
    within = np.all([miss == 0 for miss in missed.values()], axis=0)
    best = _first(points, size)
    chosen = None
    if within.any():
        inside = np.flatnonzero(within)
        order = _first if prefer == "best" else _smallest
        chosen = int(inside[order(points[inside], size[inside])])
    nearest = _nearest(columns, missed, points, size) if chosen is None else None
    shown = chosen if nearest is None else nearest
    assert shown is not None
    return Choice(
        satisfied=chosen is not None,
        step=None if chosen is None else int(step[chosen]),
        score=None if chosen is None else float(points[chosen]),
        best_step=int(step[best]),
        best_score=float(points[best]),
        cost=None if chosen is None else float(points[best] - points[chosen]),
        nearest=None if nearest is None else int(step[nearest]),
        nearest_score=None if nearest is None else float(points[nearest]),
        limits=tuple(
            Limit(
                name,
                *bounds[name],
                int((missed[name] == 0).sum()),
                _plain(columns[name][shown]),
                None if np.isnan(columns[name][shown]) else float(missed[name][shown]),
            )
            for name in bounds
        ),
        n_steps=len(scored),
        n_within=int(within.sum()),
        score_name=score,
        prefer=prefer,
    )


def _checked_limits(limits: Any) -> dict[str, tuple[float | None, float | None]]:
    if not isinstance(limits, Mapping) or not limits:
        raise ValueError(
            "limits must map columns to (low, high) with None for no bound, such as "
            f"{{'selection_rate_ratio': (0.8, None)}}; got {limits!r}"
        )
    out = {}
    for column, pair in limits.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"the limit of {column!r} must be a pair (low, high), got {pair!r}")
        low, high = (None if bound is None else float(bound) for bound in pair)
        given = [bound for bound in (low, high) if bound is not None]
        if not given or not np.isfinite(given).all() or given != sorted(given):
            raise ValueError(
                f"the limit of {column!r} must have one or two finite bounds, low <= high, and "
                f"None for no bound; got {pair!r}"
            )
        out[column] = (low, high)
    return out


def _numbers(table: pd.DataFrame, name: str) -> Array:
    """A column as float64."""
    known = list(table.columns)
    if known.count(name) != 1:
        what = "no column" if name not in known else "several columns"
        raise ValueError(f"the table has {what} {name!r}; columns are {known}")
    column = table[name]
    if not pd.api.types.is_numeric_dtype(column):
        raise ValueError(f"column {name!r} holds no numbers (its type is {column.dtype})")
    return column.to_numpy(np.float64, na_value=np.nan)


def _missed(values: Array, low: float | None, high: float | None) -> Array:
    """By how much each value misses a limit; infinite where there is none."""
    below = np.zeros_like(values) if low is None else low - values
    above = np.zeros_like(values) if high is None else values - high
    return np.where(np.isnan(values), np.inf, np.maximum(np.maximum(below, above), 0.0))


def _first(points: Array, size: Array) -> int:
    """The best score; of equal ones the smaller model."""
    top = points.max()
    equal = np.flatnonzero(points >= top - ROUNDING * max(1.0, abs(top)))
    return int(equal[_last_smallest(size[equal])])


def _smallest(points: Array, size: Array) -> int:
    """The smallest model; of equal ones the better score."""
    equal = np.flatnonzero(size == size.min())
    return int(equal[np.argmax(points[equal])])


def _last_smallest(size: Array) -> int:
    return len(size) - 1 - int(np.argmin(size[::-1]))


def _nearest(
    columns: Mapping[str, Array], missed: Mapping[str, Array], points: Array, size: Array
) -> int:
    """The step with the smallest worst miss in units of spread; of equal ones the best score."""
    worst = np.zeros(len(points))
    for name, miss in missed.items():
        finite = columns[name][np.isfinite(columns[name])]
        spread = np.ptp(finite) if len(finite) else 0.0
        if spread > 0:
            worst = np.maximum(worst, miss / spread)
        elif len(finite):  # only a missing value tells its steps apart
            worst = np.where(np.isinf(miss), np.inf, worst)
    least = worst.min()
    equal = np.flatnonzero(worst <= least + ROUNDING * max(1.0, least))
    return int(equal[_first(points[equal], size[equal])])


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
