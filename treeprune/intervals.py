"""Intervals and verdicts: how far a figure could move had other rows been held out.

One set of resampled rows serves all models, so that differences are paired. A resample is kept
as *counts* (how often each row was drawn): an additive loss is then a matrix product and the
area under the curve one cumulative sum, for all resamples of a block at once. The difference of
two areas and that of two shares of the same rows need no resamples: DeLong's variance and Tango's
score interval are closed forms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, special, stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = [
    "Difference",
    "auc_of",
    "bootstrap",
    "compare_areas",
    "compare_draws",
    "compare_shares",
    "count_of_rows",
    "delong",
    "few_units",
    "macro_auc_of",
    "mean_of",
    "no_spread",
    "percentile_interval",
    "r2_of",
    "round_rows",
    "row_losses",
    "rows_needed",
    "same_order",
    "tango",
    "verdict",
    "wilson",
]

BLOCK_CELLS = 2_000_000
MOST_ROWS = 1_000_000_000  # more rows than that decide nothing: nobody will hold them out
FEWEST_ROWS = 10  # fewer rows get no verdict
FEWEST_OF_CLASS = 5  # nor do fewer rows of a class that a figure rests on
FEW_OF_CLASS = 30  # below that, bounds of such a figure are approximate, and said to be
ROUNDING = 1e-12  # a difference that is a smaller part of the figures is none


def wilson(hits: float, n: float, level: float = 0.95) -> tuple[float, float] | None:
    """Wilson score interval of a share; None when there are no rows.

    Parameters
    ----------
    hits, n : float
        Number of hits among n rows (weights may make them fractional).
    level : float
        Confidence level.

    Returns
    -------
    (low, high) or None

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference.

    Examples
    --------
    >>> low, high = wilson(13, 67)
    >>> round(low, 2), round(high, 2)
    (0.12, 0.3)
    """
    if n <= 0:
        return None
    z = float(stats.norm.ppf(0.5 + level / 2))
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def _count_blocks(n: int, n_resamples: int, seed: int) -> Iterator[Array]:
    rng = np.random.default_rng(seed)
    block = max(1, BLOCK_CELLS // n)
    for start in range(0, n_resamples, block):
        size = min(block, n_resamples - start)
        drawn = rng.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n)
        yield counts.reshape(size, n).astype(np.float64)


def bootstrap(statistic: Callable[[Array], Array], n: int, n_resamples: int, seed: int) -> Array:
    """Values of a joint statistic on resampled rows.

    Parameters
    ----------
    statistic : callable
        Takes counts of shape (resamples, n), returns (resamples, figures).
    n : int
        Number of rows.
    n_resamples : int
        Number of resamples.
    seed : int
        Seed of the draws.

    Returns
    -------
    array of shape (n_resamples, figures)
        NaN where a figure is not defined on a resample (one class only).

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap.

    Examples
    --------
    >>> values = bootstrap(lambda counts: counts[:, :1] / 3, 3, 1000, seed=0)
    >>> values.shape, abs(float(values.mean()) - 1 / 3) < 0.05
    ((1000, 1), True)
    """
    return np.concatenate([statistic(counts) for counts in _count_blocks(n, n_resamples, seed)])


def auc_of(is_positive: npt.NDArray[np.bool_], score: Array) -> Callable[[Array], Array]:
    """The area under the ROC curve as a function of counts per row.

    Parameters
    ----------
    is_positive : array of bool, shape (n,)
    score : array of float64, shape (n,)

    Returns
    -------
    callable
        Takes counts (resamples, n), returns areas (resamples,), NaN where a class is missing.

    Examples
    --------
    >>> auc = auc_of(np.array([False, True, True]), np.array([0.1, 0.4, 0.1]))
    >>> auc(np.ones((1, 3))).tolist()
    [0.75]
    """
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=np.nan))
    positive = is_positive[order].astype(np.float64)

    def area(counts: Array) -> Array:
        drawn = counts[:, order]
        pos = np.add.reduceat(drawn * positive, starts, axis=1)
        neg = np.add.reduceat(drawn * (1 - positive), starts, axis=1)
        below = np.cumsum(neg, axis=1) - neg / 2
        pairs = pos.sum(axis=1) * neg.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((pos * below).sum(axis=1) / pairs)

    return area


def macro_auc_of(y: npt.NDArray[np.int64], proba: Array) -> Callable[[Array], Array]:
    """The area of each class against the rest, averaged, as a function of counts per row.

    Parameters
    ----------
    y : array of int64, shape (n,)
        Class codes.
    proba : array of float64, shape (n, n_classes)

    Returns
    -------
    callable
        Takes counts (resamples, n), returns means (resamples,), NaN where a class is missing:
        scikit-learn's `roc_auc_score` with `multi_class="ovr"`.

    Examples
    --------
    >>> area = macro_auc_of(np.array([0, 1, 2]), np.eye(3))
    >>> area(np.ones((1, 3))).tolist()
    [1.0]
    """
    areas = [auc_of(y == k, proba[:, k]) for k in range(proba.shape[1])]
    return lambda counts: np.mean([area(counts) for area in areas], axis=0)


def mean_of(loss: Array) -> Callable[[Array], Array]:
    """The mean of a loss per row as a function of counts per row.

    Examples
    --------
    >>> mean_of(np.array([0.0, 1.0]))(np.array([[1.0, 3.0]])).tolist()
    [0.75]
    """
    return lambda counts: np.asarray(counts @ loss / counts.sum(axis=1))


def row_losses(y: npt.NDArray[np.int64], proba: Array) -> dict[str, Array]:
    """Log loss and Brier score of every row.

    Parameters
    ----------
    y : array of int64, shape (n,)
        Class codes.
    proba : array of float, shape (n, n_classes)

    Returns
    -------
    dict
        `log_loss`, clipped at the resolution of `proba`'s type, and `brier`, halved for two
        classes; each of shape (n,). Their means are scikit-learn's `log_loss` and
        `brier_score_loss`.

    Examples
    --------
    >>> losses = row_losses(np.array([1, 0]), np.array([[0.5, 0.5], [1.0, 0.0]]))
    >>> losses["log_loss"].round(3).tolist(), losses["brier"].tolist()
    ([0.693, 0.0], [0.25, 0.0])
    """
    classes = proba.shape[1]
    proba = proba if proba.dtype.kind == "f" else proba.astype(np.float64)
    eps = np.finfo(proba.dtype).eps
    p_true = np.clip(proba[np.arange(len(y)), y], eps, 1 - eps).astype(np.float64)
    squares = ((proba.astype(np.float64) - np.eye(classes)[y]) ** 2).sum(axis=1)
    return {"log_loss": -np.log(p_true), "brier": squares / (2 if classes == 2 else 1)}


def r2_of(y: Array, prediction: Array) -> Callable[[Array], Array]:
    """The coefficient of determination as a function of counts per row.

    Parameters
    ----------
    y, prediction : array of float64, shape (n,)

    Returns
    -------
    callable
        Takes counts (resamples, n), returns R² (resamples,), NaN where y is constant.

    Examples
    --------
    >>> r2_of(np.array([0.0, 1.0]), np.array([0.0, 1.0]))(np.ones((1, 2))).tolist()
    [1.0]
    """
    centred = y - y.mean()  # keeps the sums of squares from cancelling
    squared = (y - prediction) ** 2

    def determination(counts: Array) -> Array:
        n = counts.sum(axis=1)
        total = counts @ centred**2 - (counts @ centred) ** 2 / n
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(total > 0, 1 - counts @ squared / total, np.nan))

    return determination


def percentile_interval(values: Array, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval over the resamples on which the figure is defined.

    Parameters
    ----------
    values : array of float64, shape (n_resamples,)
    level : float
        Confidence level.

    Returns
    -------
    (low, high) or None when the figure is defined nowhere

    Examples
    --------
    >>> low, high = percentile_interval(np.arange(101.0))
    >>> round(low, 3), round(high, 3)
    (2.5, 97.5)
    """
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return None
    tail = 50 * (1 - level)
    low, high = np.percentile(finite, [tail, 100 - tail])
    return float(low), float(high)


def verdict(low: float, high: float, margin: float) -> str:
    """One of three answers on "is it as good as the rival?", for a figure where more is better.

    Parameters
    ----------
    low, high : float
        Interval of the difference, ours minus the rival's.
    margin : float
        The loss that would not matter, > 0.

    Returns
    -------
    str
        `non-inferior` when a loss larger than the margin is excluded; else `worse` when a gain
        is excluded; else `undecided`.

    Examples
    --------
    >>> verdict(-0.01, 0.03, 0.02), verdict(-0.05, -0.03, 0.02), verdict(-0.1, 0.1, 0.02)
    ('non-inferior', 'worse', 'undecided')
    """
    if low > -margin:
        return "non-inferior"
    return "worse" if high < 0 else "undecided"


def rows_needed(
    value: float, low: float, high: float, margin: float, n_rows: int, reach: float = 0.0
) -> int | None:
    """Rows of the same kind that would decide, if difference and spread stayed the same.

    A bound's distance from the difference d shrinks as the root of the number of rows. With n
    rows now, `non-inferior` (within reach if d > -margin) takes n ((d - low) / (d + margin))²,
    `worse` (if d < 0) takes n ((high - d) / -d)²; the smaller of the two decides.

    Parameters
    ----------
    value, low, high : float
        The difference and its bounds.
    margin : float
        The loss that would not matter, > 0.
    n_rows : int
        Rows that the bounds rest on.
    reach : float
        Least distance of a bound: of a bootstrap, the normal quantile times the standard
        deviation. Where few rows tell the models apart, many resamples hold none of them, and a
        percentile sticks to 0 however small the spread is.

    Returns
    -------
    int or None
        None when the answer is decided already, or when more than a billion rows would be needed.

    Notes
    -----
    Other rows give another difference: so many rows decide in about half of all cases.

    Examples
    --------
    >>> rows_needed(-0.01, -0.05, 0.03, 0.02, 100), rows_needed(0.01, -0.01, 0.03, 0.02, 100)
    (1601, None)
    """
    if verdict(low, high, margin) != "undecided":
        return None
    reaches = max(value - low, reach), max(high - value, reach)
    return _rows(value, margin, n_rows, reaches)


def _rows(
    value: float,
    margin: float,
    n_rows: int,
    reaches: tuple[float, float],
    least: Callable[[float], float] | None = None,
) -> int | None:
    """As `rows_needed`, for bounds that do not decide.

    `reaches` are the bounds' distances from the difference, were the lower at the margin and the
    upper at 0. `least` takes the share of rows that would change the answer if they had not been
    met, and returns the number of rows that excludes it.
    """
    needed = []
    if value > -margin:
        root = reaches[0] / (value + margin)
        unmet = least((value + margin) / (1 + value)) if least else 0.0
        needed.append(max(n_rows * root * root, unmet))
    if value < 0:
        root = reaches[1] / -value
        unmet = least(-value / (1 - value)) if least else 0.0
        needed.append(max(n_rows * root * root, unmet))
    found = min(needed)
    # The bound must pass its mark: the next larger number.
    return math.floor(found) + 1 if found < MOST_ROWS else None


def round_rows(n: int) -> int:
    """A number of rows with two significant digits, rounded up: it is no more exact than that.

    Examples
    --------
    >>> round_rows(1843), round_rows(97), round_rows(1001)
    (1900, 97, 1100)
    """
    unit = int(10 ** max(0, len(str(n)) - 2))
    return -(-n // unit) * unit


def count_of_rows(n: int) -> str:
    """A number of rows in words.

    Examples
    --------
    >>> count_of_rows(1), count_of_rows(1250)
    ('1 row', '1,250 rows')
    """
    return f"{n:,} row" if n == 1 else f"{n:,} rows"


@dataclass(frozen=True)
class Difference:
    """A figure of two models on the same rows, more is better, and what the difference says.

    Parameters
    ----------
    before, after : float
        The figure of either model.
    low, high : float or None
        One-sided bounds of after - before; None where the rows cannot tell.
    verdict : str
        As `verdict` says it.
    rows_needed : int or None
        As `rows_needed` says it.
    method : str
        How the bounds were found; after "; ", why they are approximate or decide nothing.

    Examples
    --------
    >>> round(Difference(0.7, 0.71, -0.01, 0.03, "non-inferior", None, "paired DeLong").value, 3)
    0.01
    """

    before: float
    after: float
    low: float | None
    high: float | None
    verdict: str
    rows_needed: int | None
    method: str

    @property
    def value(self) -> float:
        """After minus before."""
        return self.after - self.before


def delong(is_positive: npt.NDArray[np.bool_], before: Array, after: Array) -> tuple[Array, float]:
    """Areas of two scores on the same rows, and the standard error of their difference.

    Parameters
    ----------
    is_positive : array of bool, shape (n,)
    before, after : array of float64, shape (n,)
        Scores; a larger one is more positive. Ties count one half.

    Returns
    -------
    areas : array of float64, shape (2,)
    se : float
        Of after - before. Exactly 0 where no row tells the areas apart; NaN where a class has
        fewer than two rows.

    Notes
    -----
    O(n log n): the number of negatives below a positive row is its midrank among all rows less
    its midrank among the positives (Sun & Xu 2014). These are multiples of one half, so that
    their sums are exact.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Comparing the areas under two or more correlated
    receiver operating characteristic curves. Sun & Xu (2014), Fast implementation of DeLong's
    algorithm.

    Examples
    --------
    >>> is_positive = np.array([False, False, True, True])
    >>> before, after = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.1, 0.2, 0.7, 0.8])
    >>> areas, se = delong(is_positive, before, after)
    >>> areas.tolist(), round(se, 3)
    ([0.75, 1.0], 0.354)
    """
    positive, negative = np.flatnonzero(is_positive), np.flatnonzero(~is_positive)
    m, n = len(positive), len(negative)
    beaten, passed = [], []  # negatives below each positive row, positives below each negative
    for score in (before, after):
        rank = stats.rankdata(score)
        beaten.append(rank[positive] - stats.rankdata(score[positive]))
        passed.append(rank[negative] - stats.rankdata(score[negative]))
    with np.errstate(invalid="ignore", divide="ignore"):
        areas = np.sum(beaten, axis=1) / np.float64(m * n)
    if min(m, n) < 2:
        return areas, float("nan")
    variance = (
        np.var(beaten[1] - beaten[0], ddof=1) / m / n**2
        + np.var(passed[1] - passed[0], ddof=1) / n / m**2
    )
    return areas, float(np.sqrt(variance))


def few_units(y: npt.NDArray[np.int64], before: Array, after: Array, areas: Array) -> int | None:
    """Rows of the rarest class, if two models both separate the classes but rank otherwise.

    Parameters
    ----------
    y : array of int64, shape (n,)
        Class codes, none missing below the largest.
    before, after : array of float64, shape (n,) or (n, n_classes)
        Scores.
    areas : array of float64, shape (2,)
        Their areas under the ROC curve.

    Returns
    -------
    int or None
        The `units` of `compare_draws`.

    Examples
    --------
    >>> y, score = np.array([0, 0, 1]), np.array([0.1, 0.2, 0.9])
    >>> few_units(y, score, np.array([0.2, 0.1, 0.9]), np.ones(2)), few_units(y, score, score, [1])
    (1, None)
    """
    if not np.min(areas) >= 1 - 1e-12 or same_order(before, after):  # NaN: a class is missing
        return None
    return int(np.bincount(y).min())


def same_order(before: Array, after: Array) -> bool:
    """Whether two models' scores order the rows alike, ties included: then no ROC curve differs.

    Parameters
    ----------
    before, after : array of float64, shape (n,) or (n, n_classes)

    Examples
    --------
    >>> score = np.array([0.1, 0.1, 0.7])
    >>> same_order(score, score**2), same_order(score, np.array([0.1, 0.2, 0.7]))
    (True, False)
    """
    return bool(np.array_equal(stats.rankdata(before, axis=0), stats.rankdata(after, axis=0)))


def _binormal_variance(area: float) -> float:
    """How the variance of an area depends on the area, but for a factor (normal scores)."""
    if not 0 < area < 1:
        return 0.0
    square = 2 * float(special.ndtri(area)) ** 2
    return math.exp(-square / 2) * (6 * square + 16)


def _spread_at(kept: float, moved: float, supposed: float) -> float:
    """Standard error of a difference with `moved` at `supposed`, over that at the estimates."""
    now = _binormal_variance(kept) + _binormal_variance(moved)
    then = _binormal_variance(kept) + _binormal_variance(supposed)
    return math.sqrt(then / now) if now > 0 else 1.0


def _least_area(kept: float, moved: float, reach: float) -> float:
    """The area below `moved` that is as far from it as its own standard error reaches."""

    def beyond(area: float) -> float:
        return moved - area - reach * _spread_at(kept, moved, area)

    if reach == 0 or beyond(0.0) <= 0:
        return moved if reach == 0 else 0.0
    return float(optimize.brentq(beyond, 0.0, moved, xtol=1e-15))


def _student(rows: float, level: float) -> float:
    """Student's quantile for a spread that was found on so many rows."""
    return float(special.stdtrit(rows - 1, level))


def _settled(gap: float, se: float, rarer: int, level: float) -> float:
    """The reach that decides on more rows of the kind, for which Student's quantile is smaller."""
    if gap <= 0 or se == 0:
        return 0.0
    quantile = _student(rarer, level)
    for _ in range(50):  # falls to its limit
        times = max(1.0, (quantile * se / gap) ** 2)
        quantile = _student(rarer * times, level)
    return quantile * se


def compare_areas(
    is_positive: npt.NDArray[np.bool_],
    before: Array,
    after: Array,
    *,
    margin: float,
    level: float = 0.95,
) -> Difference:
    """The difference of two areas under the ROC curve by paired DeLong.

    Parameters
    ----------
    is_positive : array of bool, shape (n,)
    before, after : array of float64, shape (n,)
        Scores of the two models.
    margin : float
        The loss of area that would not matter, > 0.
    level : float
        Confidence of each bound.

    Returns
    -------
    Difference
        Without bounds where a class has fewer than two rows, undecided where it has fewer than
        five. Where the areas show no spread although the scores order the rows otherwise (both
        separate the classes), the bounds are those of the rule of three (see `compare_draws`)
        for the rarer class.

    Notes
    -----
    An area near 1 shows less spread than a smaller area has: d ± z se would be too short. The
    lower bound is d' = after' - before for the area after' < after that solves after - after' =
    t se(after'), Student's t with as many degrees of freedom as the rarer class has rows less
    one. se(after') is DeLong's standard error times the root of (V(before) + V(after')) /
    (V(before) + V(after)); V is the variance of an area under normal scores, V(A) =
    exp(-a²/2) (6 a² + 16) with a = √2 Phi^-1(A) (Obuchowski & McClish 1997; equal classes). The
    upper bound is the lower one of before - after, negated. Away from 0 and 1, and with many
    rows, both are d ± z se.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), see `delong`. Obuchowski & McClish (1997), Sample size
    determination for diagnostic accuracy studies involving binormal ROC curve indices.

    Examples
    --------
    >>> is_positive, score = np.arange(40) >= 20, np.arange(40.0)
    >>> compare_areas(is_positive, score, score, margin=0.01).verdict
    'non-inferior'
    >>> found = compare_areas(is_positive, score, score + 5 * (score % 7), margin=0.01)
    >>> found.verdict, found.method
    ('undecided', 'paired DeLong; only 20 rows of the rarer class: approximate')
    """
    areas, se = delong(is_positive, before, after)
    first, second = float(areas[0]), float(areas[1])
    n_rows, n_positive = len(is_positive), int(is_positive.sum())
    rarer, same = min(n_positive, n_rows - n_positive), same_order(before, after)
    case = _Case("paired DeLong", margin, n_rows, level, same=same, rarer=rarer)
    if not np.isfinite(se):
        return case.judged(first, second, None)
    reach = _student(rarer, level) * se
    low = _least_area(first, second, reach) - first
    high = second - _least_area(second, first, reach)
    to_margin = se * _spread_at(first, second, first - margin)
    to_zero = se * _spread_at(second, first, second)
    value = second - first
    reaches = (
        _settled(value + margin, to_margin, rarer, level),
        _settled(-value, to_zero, rarer, level),
    )
    units = rarer if se == 0 and not same else None
    return case.judged(first, second, (low, high), reaches, units)


def _restricted(gained: int, lost: int, n: int, difference: float) -> float:
    """Standard error of the difference of two paired shares, were it `difference`.

    By the maximum likelihood share of lost rows under that difference (Tango 1998).
    """
    b = (2 * n - gained + lost) * difference - gained - lost
    c = -lost * difference * (1 - difference)
    share = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
    return math.sqrt(max(2 * share + difference * (1 - difference), 0.0) / n)


def tango(gained: int, lost: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Score interval of the difference of two shares of the same rows.

    Parameters
    ----------
    gained, lost : int
        Rows that only the second share counts, and that only the first one counts.
    n : int
        All rows.
    level : float
        Confidence of each one-sided bound.

    Returns
    -------
    (low, high)
        Bounds of (gained - lost) / n: the differences that a one-sided score test does not reject.

    References
    ----------
    Tango (1998), Equivalence test and confidence interval for the difference in proportions for
    the paired-sample design.

    Examples
    --------
    >>> low, high = tango(12, 2, 50, level=0.975)
    >>> round(low, 4), round(high, 4)
    (0.0611, 0.3447)
    """
    z = float(stats.norm.ppf(level))

    def least(gained: int, lost: int) -> float:
        value = (gained - lost) / n

        def beyond(difference: float) -> float:
            return value - difference - z * _restricted(gained, lost, n, difference)

        if beyond(-1.0) <= 0:
            return -1.0
        # A difference that shows no spread at itself is a root of its own, and not the bound.
        return float(optimize.brentq(beyond, -1.0, value - 1e-12, xtol=1e-15))

    return least(gained, lost), -least(lost, gained)


def compare_shares(
    before: npt.NDArray[np.bool_],
    after: npt.NDArray[np.bool_],
    *,
    margin: float,
    n_rows: int | None = None,
    level: float = 0.95,
    units: int | None = None,
    same: bool = False,
    rarer: int | None = None,
) -> Difference:
    """The difference of two shares of the same rows (accuracy, recall) by Tango's score interval.

    Parameters
    ----------
    before, after : array of bool, shape (n,)
        Whether either model is right about a row.
    margin : float
        The loss that would not matter, > 0.
    n_rows : int, optional
        Held-out rows, of which `before` may tell only those of one class.
    level : float
        Confidence of each bound.
    units, same, rarer
        As in `compare_draws`.

    Returns
    -------
    Difference

    Examples
    --------
    >>> right, also = np.arange(200) > 20, np.arange(200) > 23
    >>> found = compare_shares(right, also, margin=0.02)
    >>> found.verdict, found.rows_needed, found.method
    ('worse', None, 'paired score interval (Tango 1998)')
    """
    n = len(before)
    n_rows = n if n_rows is None else n_rows
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    first, second = float(before.mean()), float(after.mean())
    case = _Case("paired score interval (Tango 1998)", margin, n_rows, level, same, rarer)
    interval = (0.0, 0.0) if same else tango(gained, lost, n, level)
    z = float(stats.norm.ppf(level))
    # Counts that grow with the rows leave the restricted shares as they are.
    reaches = (
        z * _restricted(gained, lost, n, max(-margin, -1.0)),
        z * _restricted(lost, gained, n, 0.0),
    )
    return case.judged(first, second, interval, reaches, units)


def no_spread(before: float, after: float, drawn: Array) -> bool:
    """Whether two figures are equal on the rows and on every resample, but for rounding.

    Examples
    --------
    >>> no_spread(1.0, 1.0, np.ones((9, 2))), no_spread(0.5, 0.5, np.array([[0.4, 0.5]]))
    (True, False)
    """
    figures = np.vstack([[before, after], drawn[np.isfinite(drawn).all(axis=1)]])
    size = ROUNDING * np.max(np.abs(figures))
    return bool((np.abs(figures[:, 1] - figures[:, 0]) <= size).all())


def compare_draws(
    before: float,
    after: float,
    drawn: Array,
    *,
    margin: float,
    n_rows: int,
    level: float = 0.95,
    units: int | None = None,
    same: bool = False,
    rarer: int | None = None,
) -> Difference:
    """The difference of two figures by paired bootstrap.

    Parameters
    ----------
    before, after : float
        The figures on the rows as they are; more is better.
    drawn : array of float64, shape (n_resamples, 2)
        Both figures on the same resamples, from `bootstrap`.
    margin : float
        The loss that would not matter, > 0.
    n_rows : int
        Rows that were resampled.
    level : float
        Confidence of each bound (percentiles of the resamples).
    units : int, optional
        Given for a figure between 0 and 1 where hardly a row tells two different models apart:
        the rows (of the rarest class) that could have done so. Resamples cannot show what no row
        shows. By the rule of three a share of 1 - (1 - level)^(1/units), about 3/units at 95 %,
        may not have been met, and each of such rows may be as far as 1 apart; the bounds are at
        least that wide.
    same : bool
        Whether both models say the same of every row. If not, resamples that all agree decide
        nothing, nor do fewer than ten rows.
    rarer : int, optional
        Rows of the rarest class, of a figure that rests on each class: below 30 the method says
        so, below five there is no verdict.

    Returns
    -------
    Difference
        Without bounds where the figures are not defined.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap. Hanley & Lippman-Hand (1983),
    If nothing goes wrong, is everything all right? (the rule of three).

    Examples
    --------
    >>> drawn = np.column_stack([np.full(1000, 0.7), np.linspace(0.6, 0.9, 1000)])
    >>> found = compare_draws(0.7, 0.75, drawn, margin=0.02, n_rows=100)
    >>> found.verdict, found.rows_needed, found.method
    ('undecided', 415, 'paired bootstrap, 1000 resamples')
    """
    gaps = drawn[:, 1] - drawn[:, 0]
    total, gaps = len(gaps), gaps[np.isfinite(gaps)]
    of = f"{total}" if len(gaps) == total else f"{len(gaps)} of {total}"
    method = f"paired bootstrap, {of} resamples"
    case = _Case(method, margin, n_rows, level, same, rarer)
    interval = percentile_interval(gaps, 2 * level - 1)
    if interval is None or not np.isfinite(after - before):
        return case.judged(before, after, None)
    if no_spread(before, after, drawn):
        after, interval = before, (0.0, 0.0)
        case = replace(case, silent=units is None and not same)
    value, reach = after - before, float(stats.norm.ppf(level) * gaps.std())
    reaches = max(value - interval[0], reach), max(interval[1] - value, reach)
    return case.judged(before, after, interval, reaches, units)


@dataclass(frozen=True)
class _Case:
    """A comparison whose bounds are to be judged; `same` and `rarer` are as in `compare_draws`.

    `silent` says that no resample tells two different models apart.
    """

    method: str
    margin: float
    n_rows: int
    level: float
    same: bool = False
    rarer: int | None = None
    silent: bool = False

    def doubt(self) -> tuple[str, bool]:
        """What is to be said of the rows, and whether it forbids a verdict."""
        if self.same:
            return "", False
        few = "too few for a verdict"
        if self.n_rows < FEWEST_ROWS:
            return f"; only {count_of_rows(self.n_rows)}: {few}", True
        told = f"; only {count_of_rows(self.rarer or 0)} of the rarer class: "
        if self.rarer is not None and self.rarer < FEWEST_OF_CLASS:
            return told + few, True
        if self.silent:
            return "; no row tells the two models apart", True
        if self.rarer is not None and self.rarer < FEW_OF_CLASS:
            return told + "approximate", False
        return "", False

    def judged(
        self,
        before: float,
        after: float,
        interval: tuple[float, float] | None,
        reaches: tuple[float, float] = (0.0, 0.0),
        units: int | None = None,
    ) -> Difference:
        """The one place where bounds become a verdict; `reaches` is as in `_rows`."""
        note, forbidden = self.doubt()
        if interval is None:
            return Difference(before, after, None, None, "undecided", None, self.method + note)
        value, (low, high) = after - before, interval
        method, least = self.method, None
        if units is not None:
            unmet = 1 - (1 - self.level) ** (1 / units)
            low = min(low, value - unmet * (1 + value))
            high = max(high, value + unmet * (1 - value))
            method = f"{method}, rule of three"

            def least(share: float) -> float:
                if share >= 1:
                    return 0.0
                return self.n_rows / units * math.log(1 - self.level) / math.log1p(-share)

        said = "undecided" if forbidden else verdict(low, high, self.margin)
        needed = None
        if said == "undecided" and not forbidden:
            needed = _rows(value, self.margin, self.n_rows, reaches, least)
        return Difference(before, after, low, high, said, needed, method + note)
