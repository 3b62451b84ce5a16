"""Intervals and verdicts: how far a figure could move had other rows been held out.

One set of resampled rows serves all models, so that differences are paired. A resample is kept
as *counts* (how often each row was drawn): an additive loss is then a matrix product and the
area under the curve one cumulative sum, for all resamples of a block at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["auc_of", "bootstrap", "percentile_interval", "r2_of", "verdict", "wilson"]

BLOCK_CELLS = 2_000_000


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
