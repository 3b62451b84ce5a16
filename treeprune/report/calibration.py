"""Whether predictions mean what they say: predicted against seen, on held-out rows.

A probability of 30 % should be met by three rows of ten. Rows are put into bins by their
prediction: one for each value where a model knows few, as a small tree does, else ten of about
equal size. With several classes it is the likeliest class that is asked, and whether it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from ..intervals import wilson
from .held_out import outputs_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from .rivals import Fits
    from .study import Study

    Array = npt.NDArray[np.float64]

__all__ = ["bins_of", "calibration", "gap_of"]

COMPARED = ("grown", "pruned", "linear")
MOST_BINS = 10
LEVEL = 0.95


def calibration(study: Study, fits: Fits) -> dict[str, Any]:
    """Predictions of the trees and of the linear model beside what was seen on held-out rows.

    Parameters
    ----------
    study : Study
    fits : Fits

    Returns
    -------
    dict
        `kind` (binary, multiclass, regression), `n` (held-out rows), `label` (the class whose
        probability it is, of two classes) and `models`: of each its `key`, `label`, `bins` as
        `bins_of` makes them and `gap` as `gap_of` does. JSON-able.

    Notes
    -----
    Binary: the probability of the positive class against the share of positives. Multiclass: the
    probability of the class that the model holds likeliest against the share of rows that are of
    that class. Regression: the prediction against the mean outcome.

    References
    ----------
    Dawid (1982), The well-calibrated Bayesian; Niculescu-Mizil & Caruana (2005), Predicting good
    probabilities with supervised learning.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Options, Table, fit_rivals, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> told = calibration(study, fit_rivals(study, Options(cv=2, n_resamples=1000)))
    >>> told["kind"], [model["key"] for model in told["models"]]
    ('binary', ['grown', 'pruned', 'linear'])
    """
    models = []
    for key in COMPARED:
        rival = fits.rival(key)
        said, seen = _said_and_seen(study, outputs_of(rival.model, fits.Z_test, study).value)
        shares = study.is_classification
        models.append(
            {
                "key": key,
                "label": rival.label,
                "bins": bins_of(said, seen, shares=shares),
                "gap": gap_of(said, seen),
            }
        )
    return {
        "kind": study.task,
        "n": len(study.y_test),
        "label": study.labels[1] if study.task == "binary" else None,
        "level": LEVEL,
        "models": models,
    }


def _said_and_seen(study: Study, value: Array) -> tuple[Array, Array]:
    """What the model says of each row, and what came: 0 or 1, or the outcome itself."""
    if study.task == "binary":
        return value[:, 1], (study.y_test == 1).astype(np.float64)
    if study.task == "multiclass":
        return value.max(axis=1), (value.argmax(axis=1) == study.y_test).astype(np.float64)
    return value[:, 0], np.asarray(study.y_test, np.float64)


def bins_of(said: Array, seen: Array, *, shares: bool) -> list[dict[str, Any]]:
    """Rows of like predictions together, from the lowest prediction on.

    Parameters
    ----------
    said, seen : array of float64, shape (n_rows,)
        Predictions, and what came.
    shares : bool
        Whether `seen` is 0 or 1 and its mean a share.

    Returns
    -------
    list of dict
        `p` (mean prediction), `share` (mean of what was seen), its 95 % interval `low`, `high`
        (Wilson for shares, else t; None for a mean of one row) and `n`.

    Notes
    -----
    Up to ten distinct predictions are a bin each. More are cut into ten groups, or a few less, of
    about equal size; rows of equal predictions stay together.

    Examples
    --------
    >>> said, seen = np.array([0.2, 0.2, 0.8, 0.8]), np.array([0.0, 1.0, 1.0, 1.0])
    >>> [(b["p"], b["share"], b["n"]) for b in bins_of(said, seen, shares=True)]
    [(0.2, 0.5, 2), (0.8, 1.0, 2)]
    """
    order = np.argsort(said, kind="stable")
    said, seen = said[order], seen[order]
    ends = _ends(np.unique(said, return_counts=True)[1].cumsum())
    return [
        _bin(said[start:end], seen[start:end], shares)
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]


def _ends(after: npt.NDArray[np.int64]) -> list[int]:
    """Where each bin ends, of the numbers of rows up to and with each value.

    A bin takes values until it is as near as can be to its part of the rows that are left: one
    value of many rows is a bin of its own, and the others are still cut evenly.
    """
    if len(after) <= MOST_BINS:
        return after.tolist()
    ends, start = [], 0
    for left in range(MOST_BINS, 0, -1):
        wanted = start + (after[-1] - start) / left
        free = after[after > start]
        if len(free) == 0:
            break
        start = int(free[np.abs(free - wanted).argmin()])
        ends.append(start)
    return ends


def _bin(said: Array, seen: Array, shares: bool) -> dict[str, Any]:
    n = len(said)
    low, high = (wilson(float(seen.sum()), n) if shares else _around(seen)) or (None, None)
    # The mean of equal numbers may differ from them in its last digit.
    p = said[0] if said[0] == said[-1] else said.mean()
    return {"p": float(p), "share": float(seen.mean()), "low": low, "high": high, "n": n}


def gap_of(said: Array, seen: Array) -> dict[str, float | None]:
    """Mean prediction minus mean of what was seen, with its t interval over rows.

    Parameters
    ----------
    said, seen : array of float64, shape (n_rows,)

    Returns
    -------
    dict
        `value`, `low`, `high` (95 %; None for one row). Above zero: predictions are too high on
        the whole. Zero does not say that they are right, only that errors cancel.

    Examples
    --------
    >>> gap = gap_of(np.array([0.5, 0.5, 0.5]), np.array([0.0, 1.0, 1.0]))
    >>> [round(gap[end], 3) for end in ("low", "value", "high")]
    [-1.601, -0.167, 1.268]
    """
    low, high = _around(said - seen) or (None, None)
    return {"value": float((said - seen).mean()), "low": low, "high": high}


def _around(values: Array) -> tuple[float, float] | None:
    """95 % t interval of a mean; None for one value."""
    n = len(values)
    if n < 2:
        return None
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return float(values.mean()) - half, float(values.mean()) + half
