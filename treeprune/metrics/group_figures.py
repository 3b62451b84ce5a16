"""Figures of groups, their intervals, and how far the groups are apart.

fairlearn's `MetricFrame` makes the table of groups. Resamples and paths need the same figures many
times over; there they are functions of how often each row is counted, as in `intervals`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats
from sklearn.metrics import roc_auc_score
from sklearn.utils import check_random_state

from ..intervals import auc_of, bootstrap, delong, wilson
from .ranges import change_interval, range_interval

if TYPE_CHECKING:
    from .groups import Grouping
    from .outcomes import Outcomes

__all__ = [
    "DIFFERENCES",
    "FIGURES",
    "apart",
    "change_bounds",
    "drawn_figures",
    "figures_of",
    "group_table",
    "range_bounds",
    "seeds_of",
    "values_of",
]

Array = npt.NDArray[np.float64]

FIGURES = ("selection_rate", "tpr", "fpr", "auc", "calibration")
RATIO = "selection_rate_ratio"
DIFFERENCES = ("selection_rate_difference", RATIO, *(f"{name}_difference" for name in FIGURES[1:]))
# Largest value of a range; calibration lies between -1 and 1.
_WIDEST = {name: 2.0 if name.startswith("calibration") else 1.0 for name in DIFFERENCES}
COUNTS = ("count", "favourable", "selected")
FEW_ROWS = 5  # a change that fewer rows show is not bounded by resamples


def _share(part: Array, whole: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def figures_of(outcomes: Outcomes) -> Callable[[Array], Array]:
    """The figures of some rows as a function of counts per row.

    Returns
    -------
    callable
        Takes counts (resamples, n_rows), returns (resamples, figures) in the order of `FIGURES`;
        NaN where one is not defined.

    Examples
    --------
    >>> import numpy as np
    >>> from treeprune.metrics.outcomes import Outcomes
    >>> yes = np.array([True, True, False, False])
    >>> said = Outcomes(yes, np.array([True, False, True, False]), np.array([0.9, 0.4, 0.6, 0.1]))
    >>> figures_of(said)(np.ones((1, 4))).round(2).tolist()
    [[0.5, 0.5, 0.5, 0.75, 0.0]]
    """
    favourable = outcomes.favourable.astype(np.float64)
    selected = outcomes.selected.astype(np.float64)
    columns = np.column_stack(
        [selected, favourable, selected * favourable, outcomes.p - favourable]
    )
    area = auc_of(outcomes.favourable, outcomes.p)

    def figures(counts: Array) -> Array:
        n = counts.sum(axis=1)
        chosen, good, both, off = (counts @ columns).T
        return np.column_stack(
            [
                _share(chosen, n),
                _share(both, good),
                _share(chosen - both, n - good),
                area(counts),
                _share(off, n),
            ]
        )

    return figures


def values_of(grouping: Grouping, outcomes: Outcomes) -> Array:
    """The figures of each group, shape (n_groups, n_figures)."""
    found = [
        figures_of(outcomes.take(rows))(np.ones((1, len(rows))))[0] for rows in grouping.rows()
    ]
    return np.array(found).reshape(-1, len(FIGURES))


def seeds_of(groups: Sequence[Grouping], random_state: Any) -> list[list[int]]:
    """A seed for each group of each grouping, so that every model meets the same resamples."""
    rng = check_random_state(random_state)
    return [rng.randint(np.iinfo(np.int32).max, size=len(g.names)).tolist() for g in groups]


def drawn_figures(
    grouping: Grouping, models: Sequence[Outcomes], n_boot: int, seeds: Sequence[int]
) -> Array:
    """The figures on resampled rows, shape (n_models, n_boot, n_groups, n_figures).

    Rows are resampled within groups, the same rows for all models.
    """
    out = np.empty((len(models), n_boot, len(grouping.names), len(FIGURES)))
    for g, rows in enumerate(grouping.rows() if n_boot else []):
        parts = [figures_of(outcomes.take(rows)) for outcomes in models]

        def joint(counts: Array, parts: Sequence[Callable[[Array], Array]] = parts) -> Array:
            return np.hstack([part(counts) for part in parts])

        drawn = bootstrap(joint, len(rows), n_boot, seeds[g])
        out[:, :, g] = drawn.reshape(n_boot, len(models), -1).transpose(1, 0, 2)
    return out


# --- the table of groups -------------------------------------------------------------------------


def _metric_frame(code: npt.NDArray[np.int64], outcomes: Outcomes) -> pd.DataFrame:
    """Counts and figures of each group by fairlearn, a row a code."""
    try:
        from fairlearn import metrics as fair
    except ImportError as error:
        raise ImportError(
            "tables of groups are made by fairlearn, which is not installed: "
            "pip install treeprune[fairness]"
        ) from error

    # fairlearn's rates are 0 where no row could count, and its areas raise.
    def tpr(y: Any, chosen: Any) -> float:
        return fair.true_positive_rate(y, chosen) if np.any(y) else np.nan

    def fpr(y: Any, chosen: Any) -> float:
        return fair.false_positive_rate(y, chosen) if not np.all(y) else np.nan

    def auc(y: Any, chosen: Any, p: Any) -> float:
        return roc_auc_score(y, p) if 0 < np.sum(y) < len(y) else np.nan

    frame = fair.MetricFrame(
        metrics={
            "count": fair.count,
            "favourable": lambda y, chosen: int(np.sum(y)),
            "selected": lambda y, chosen: int(np.sum(chosen)),
            "selection_rate": fair.selection_rate,
            "tpr": tpr,
            "fpr": fpr,
            "auc": auc,
            "calibration": lambda y, chosen, p: float(np.mean(p - y)),
        },
        y_true=outcomes.favourable.astype(np.int64),
        y_pred=outcomes.selected.astype(np.int64),
        sensitive_features=pd.Series(code, name="group"),
        sample_params={"auc": {"p": outcomes.p}, "calibration": {"p": outcomes.p}},
    )
    return frame.by_group.sort_index()


def group_table(grouping: Grouping, outcomes: Outcomes, level: float) -> pd.DataFrame:
    """Counts, figures and their intervals, a row a group that is shown.

    Returns
    -------
    DataFrame
        Indexed by feature and group; columns count, favourable, selected, then each of `FIGURES`
        with `_low` and `_high`. NaN where a figure is not defined.
    """
    index = pd.MultiIndex.from_product(
        [[grouping.feature], grouping.names], names=["feature", "group"]
    )
    shown = np.flatnonzero(grouping.code >= 0)
    found = {name: np.empty(0) for name in (*COUNTS, *FIGURES)}
    if len(shown):
        table = _metric_frame(grouping.code[shown], outcomes.take(shown))
        found = {name: table[name].to_numpy(np.float64) for name in found}
    bounds = _group_bounds(grouping, outcomes, level)
    columns: dict[str, Any] = {name: found[name].astype(np.int64) for name in COUNTS}
    for i, name in enumerate(FIGURES):
        columns |= {
            name: found[name],
            f"{name}_low": bounds[:, i, 0],
            f"{name}_high": bounds[:, i, 1],
        }
    return pd.DataFrame(columns, index=index)


def _group_bounds(grouping: Grouping, outcomes: Outcomes, level: float) -> Array:
    """Interval of each figure of each group, shape (n_groups, n_figures, 2); NaN for none."""
    out = np.full((len(grouping.names), len(FIGURES), 2), np.nan)
    constant = np.ptp(outcomes.p) == 0 if len(outcomes.p) else True
    for g, rows in enumerate(grouping.rows()):
        part = outcomes.take(rows)
        good, chosen = part.favourable, part.selected
        found = (
            wilson(chosen.sum(), len(rows), level),
            wilson((chosen & good).sum(), good.sum(), level),
            wilson((chosen & ~good).sum(), (~good).sum(), level),
            # A constant model ranks no rows at all.
            (0.5, 0.5)
            if constant and 0 < good.sum() < len(rows)
            else area_interval(good, part.p, level),
            _calibration_interval(good, part.p, level),
        )
        for i, interval in enumerate(found):
            if interval is not None:
                out[g, i] = interval
    return out


def area_interval(
    favourable: npt.NDArray[np.bool_], p: Array, level: float = 0.95
) -> tuple[float, float] | None:
    """DeLong's interval of one area under the ROC curve, on the logit scale.

    Parameters
    ----------
    favourable : array of bool, shape (n_rows,)
    p : array of float64, shape (n_rows,)
        What the rows are ranked by.
    level : float
        Confidence level.

    Returns
    -------
    (low, high) or None
        None where a class is missing. Where the rows show no spread (an area of 0 or 1, equal
        scores, or one row of a class), what the rarer class cannot exclude by the rule of three.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Comparing the areas under two or more correlated
    receiver operating characteristic curves. Pepe (2003), The Statistical Evaluation of Medical
    Tests for Classification and Prediction, sec. 5.2.5.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = area_interval(np.arange(40) % 3 == 0, np.arange(40) % 7 / 7.0)
    >>> round(low, 2), round(high, 2)
    (0.34, 0.71)
    """
    rarer = int(min(favourable.sum(), (~favourable).sum()))
    if rarer == 0:
        return None
    # Against a score that ranks nothing, the standard error of the difference is that of the area.
    areas, se = delong(favourable, np.zeros(len(p)), p)
    area = float(areas[1])
    if np.isfinite(se) and se > 0 and 0 < area < 1:
        half = float(stats.norm.ppf(0.5 + level / 2)) * se / (area * (1 - area))
        centre = float(special.logit(area))
        return float(special.expit(centre - half)), float(special.expit(centre + half))
    unmet = 1 - (1 - level) ** (1 / rarer)
    return area * (1 - unmet), area + unmet * (1 - area)


def _calibration_interval(
    favourable: npt.NDArray[np.bool_], p: Array, level: float
) -> tuple[float, float]:
    """Of the mean of p minus the share, by Student's t; Wilson's where the share is 0 or 1."""
    n, good = len(p), int(favourable.sum())
    if good in (0, n):  # the spread of p alone says nothing about outcomes
        low, high = wilson(good, n, level) or (0.0, 1.0)
        return float(p.mean()) - high, float(p.mean()) - low
    off = p - favourable
    half = float(stats.t.ppf(0.5 + level / 2, n - 1) * off.std(ddof=1) / np.sqrt(n))
    return float(off.mean()) - half, float(off.mean()) + half


# --- how far groups are apart --------------------------------------------------------------------


def apart(values: Array) -> Array:
    """Largest minus smallest value of each figure, and the ratio, in the order of `DIFFERENCES`.

    Parameters
    ----------
    values : array of float64, shape (n_groups, n_figures)
        NaN where a figure is not defined.

    Returns
    -------
    array of float64
        NaN where fewer than two groups have the figure; the ratio also where no row is selected.

    Examples
    --------
    >>> import numpy as np
    >>> apart(np.array([[0.2, 0.5, 0.1, 0.7, 0.0], [0.4, 0.5, np.nan, 0.9, -0.1]])).round(2)
    array([0.2, 0.5, 0. , nan, 0.2, 0.1])
    """
    defined = np.isfinite(values)
    enough = defined.sum(axis=0) >= 2
    largest = np.where(defined, values, -np.inf).max(axis=0, initial=-np.inf)
    smallest = np.where(defined, values, np.inf).min(axis=0, initial=np.inf)
    span = np.full(len(FIGURES), np.nan)
    span[enough] = largest[enough] - smallest[enough]
    ratio = smallest[0] / largest[0] if enough[0] and largest[0] > 0 else np.nan
    return np.array([span[0], ratio, *span[1:]])


def _rests_on(table: pd.DataFrame) -> Array:
    """Rows that each figure of each group rests on, shape (n_groups, n_figures)."""
    n, good = table["count"].to_numpy(np.float64), table["favourable"].to_numpy(np.float64)
    return np.column_stack([n, good, n - good, np.minimum(good, n - good), n])


def _expanded(table: pd.DataFrame, drawn: Array, level: float) -> Array:
    """Resampled figures drawn out from their value as Student's t is wider than the normal.

    Resamples of n rows vary by (n - 1) / n of what samples do, and do not tell by how much that
    spread itself is uncertain (Hesterberg 2015, expanded percentile intervals).
    """
    n = np.maximum(_rests_on(table), 2)
    upper = 0.5 + level / 2
    factor = np.sqrt(n / (n - 1)) * stats.t.ppf(upper, n - 1) / stats.norm.ppf(upper)
    values = table[list(FIGURES)].to_numpy(np.float64)
    return np.asarray(values + (drawn - values) * factor)


def _floors(table: pd.DataFrame, drawn: Array) -> Array:
    """How far each group's figure may lie from its value where resamples show no spread.

    Shape (n_groups, n_figures, 2); 0 where they do.
    """
    values = table[list(FIGURES)].to_numpy(np.float64)
    silent = np.ptp(np.where(np.isfinite(drawn), drawn, values), axis=0) < 1e-12
    # Where all rows have one outcome, only p varies.
    silent[:, FIGURES.index("calibration")] |= _rests_on(table)[:, FIGURES.index("auc")] == 0
    low, high = (table[[f"{name}_{side}" for name in FIGURES]] for side in ("low", "high"))
    far = np.stack([values - low.to_numpy(), high.to_numpy() - values], axis=2)
    return np.where(silent[:, :, None] & np.isfinite(far), far, 0.0)


def _logged(rate: Any, n: Any) -> Array:
    """Logarithm of a share that may be 0, half a row added (Walter 1975)."""
    return np.asarray(np.log((np.clip(rate, 0, None) * n + 0.5) / (np.asarray(n) + 0.5)))


def _scaled(
    name: str, table: pd.DataFrame, drawn: Array, floors: Array
) -> tuple[Array, Array, Array]:
    """Values, resamples and floors on the scale on which the range of `name` is taken."""
    if name != RATIO:
        i = FIGURES.index(name.removesuffix("_difference"))
        return table[FIGURES[i]].to_numpy(np.float64), drawn[..., i], floors[:, i]
    rate, n = table["selection_rate"].to_numpy(np.float64), table["count"].to_numpy(np.float64)
    value = _logged(rate, n)
    low, high = rate - floors[:, 0, 0], rate + floors[:, 0, 1]
    far = np.column_stack([value - _logged(low, n), _logged(high, n) - value])
    return value, _logged(drawn[..., 0], n), far


def range_bounds(table: pd.DataFrame, drawn: Array, level: float) -> Array:
    """Interval of each of `DIFFERENCES`, shape (n_differences, 2); NaN for none.

    Parameters
    ----------
    table : DataFrame
        From `group_table`.
    drawn : array of float64, shape (n_boot, n_groups, n_figures)
        From `drawn_figures`, of one model.
    level : float
        Confidence level.
    """
    out = np.full((len(DIFFERENCES), 2), np.nan)
    if not len(drawn):
        return out
    value = apart(table[list(FIGURES)].to_numpy(np.float64))
    floors = _floors(table, drawn)
    drawn = _expanded(table, drawn, level)
    for d, name in enumerate(DIFFERENCES):
        if np.isnan(value[d]):
            continue
        values, resampled, far = _scaled(name, table, drawn, floors)
        known = np.isfinite(values)
        low, high = range_interval(values[known], resampled[:, known], far[known], level)
        if name == RATIO:
            low, high = np.exp(-high), np.exp(-low)
        out[d] = min(low, value[d]), min(max(high, value[d]), _WIDEST[name])
    return out


def change_bounds(
    grouping: Grouping,
    models: Sequence[Outcomes],
    tables: Sequence[pd.DataFrame],
    drawn: Array,
    level: float,
) -> Array:
    """Interval of the change of each of `DIFFERENCES`, shape (n_differences, 2); NaN for none.

    Parameters
    ----------
    grouping : Grouping
    models : two Outcomes
        Of the same rows, before and after.
    tables : two DataFrames
        From `group_table`, of both models.
    drawn : array of float64, shape (2, n_boot, n_groups, n_figures)
        From `drawn_figures`, of both models.
    level : float
        Confidence level.
    """
    out = np.full((len(DIFFERENCES), 2), np.nan)
    if not drawn.shape[1]:
        return out
    before, after = (apart(table[list(FIGURES)].to_numpy(np.float64)) for table in tables)
    floors = [_floors(*one) for one in zip(tables, drawn, strict=True)]
    moves = tables[1][list(FIGURES)].to_numpy() - tables[0][list(FIGURES)].to_numpy()
    unmet = _unmet_changes(grouping, models, moves, drawn, level)
    wide = [_expanded(*one, level) for one in zip(tables, drawn, strict=True)]
    for d, name in enumerate(DIFFERENCES):
        if np.isnan(after[d] - before[d]):
            continue
        scaled = [_scaled(name, *one) for one in zip(tables, wide, floors, strict=True)]
        values, resampled, far = (np.stack([one[i] for one in scaled]) for i in range(3))
        moved = unmet[:, 0 if name == RATIO else FIGURES.index(name.removesuffix("_difference"))]
        if name == RATIO:  # d log(rate) = d rate / rate
            moved = moved / np.exp(values.min(axis=0))
        far = np.concatenate([far, np.stack([moved, moved], axis=1)[None]])
        known = np.isfinite(values).all(axis=0)
        found = change_interval(values[:, known], resampled[:, :, known], far[:, known], level)
        low, high = _ratio_change(found) if name == RATIO else found[2]
        change = after[d] - before[d]
        out[d] = max(min(low, change), -_WIDEST[name]), min(max(high, change), _WIDEST[name])
    return out


def _ratio_change(found: Array) -> tuple[float, float]:
    """Bounds of the change of exp(-range), from those of `change_interval`."""

    def most(before: Array, after: Array, least: float) -> float:
        """Largest after - before, where -log(after / before) is at least `least`."""
        up, down = np.exp(-least) - 1, 1 - np.exp(least)  # of one sign
        side = 1 if up > 0 else 0
        return float(min(before[side] * up, after[side] * down, after[1] - before[0]))

    ratios = np.exp(-found[:2, ::-1])
    return -most(ratios[1], ratios[0], -found[2, 1]), most(ratios[0], ratios[1], found[2, 0])


def _unmet_changes(
    grouping: Grouping, models: Sequence[Outcomes], values: Array, drawn: Array, level: float
) -> Array:
    """By how much two models may differ about rows that were not met, (n_groups, n_figures).

    The rule of three where hardly a row of a group tells the models apart; 0 where resamples do,
    and where the models say the same of all rows.
    """
    first, second = models
    out = np.zeros((len(grouping.names), len(FIGURES)))
    if np.array_equal(first.selected, second.selected) and np.allclose(
        first.p, second.p, rtol=1e-9, atol=1e-12
    ):
        return out
    change = drawn[1] - drawn[0]
    still = np.ptp(np.where(np.isfinite(change), change, values), axis=0) < 1e-12
    for g, rows in enumerate(grouping.rows()):
        good = first.favourable[rows]
        other = first.selected[rows] != second.selected[rows]
        counts = [len(rows), good.sum(), (~good).sum(), min(good.sum(), (~good).sum()), len(rows)]
        told = [other.sum(), other[good].sum(), other[~good].sum()]
        few = np.array([*(np.array(told) < FEW_ROWS), still[g, 3], still[g, 4]])
        met = np.maximum(np.array(counts, np.float64), 1)
        out[g] = np.where(few, 1 - (1 - level) ** (1 / met), 0.0)
    return out
