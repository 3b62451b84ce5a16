"""Scores of two classes that follow from a two-by-two table: F1, precision, recall, Jaccard,
balanced accuracy, Matthews' correlation and Cohen's kappa.

Counts per row, summed over the four cells, are the tables of all resamples at once; each score is
what scikit-learn's metric says of the rows of such a table, undefined cases included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    jaccard_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
)

__all__ = ["cells_of", "positive_of", "table_score"]

Array = npt.NDArray

OF_POSITIVE = (f1_score, precision_score, recall_score, jaccard_score)
OF_BOTH = (balanced_accuracy_score, matthews_corrcoef, cohen_kappa_score)


def positive_of(scorer: Any, classes: Any) -> int | None:
    """Code of the class that counts as positive, if the scorer follows from a two-by-two table.

    None for other scorers and options, and where scikit-learn would refuse the labels.
    """
    metric, known = getattr(scorer, "_score_func", None), list(np.asarray(classes).tolist())
    options = dict(getattr(scorer, "_kwargs", {}))
    if getattr(scorer, "_sign", 0) != 1 or getattr(scorer, "_response_method", "") != "predict":
        return None
    if metric in OF_POSITIVE and options.pop("average", "binary") == "binary" and not options:
        return known.index(1) if len(known) == 2 and 1 in known else None
    return 1 if metric in OF_BOTH and not options and len(known) == 2 else None


def cells_of(target: Array, said: Array) -> Array:
    """Which cell of the table each row is in, shape (n_rows, 4): row by outcome, then answer."""
    return np.asarray(np.eye(4)[2 * target + said])


def _ratio(part: Array, whole: Array, otherwise: float = 0.0) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, otherwise)


def table_score(metric: Callable, cells: Array, positive: int) -> Callable[[Array], Array]:
    """The metric as a function of counts per row, shape (resamples, n_rows)."""
    order = (0, 1, 2, 3) if positive == 1 else (3, 2, 1, 0)

    def score(counts: Array) -> Array:
        true_negative, false_positive, false_negative, hit = (counts @ cells).T[list(order)]
        wrong = false_positive + false_negative
        yes, no = hit + false_negative, true_negative + false_positive
        said_yes, said_no = hit + false_positive, true_negative + false_negative
        if metric is f1_score:
            return _ratio(2 * hit, 2 * hit + wrong)
        if metric is jaccard_score:
            return _ratio(hit, hit + wrong)
        if metric is precision_score:
            return _ratio(hit, said_yes)
        if metric is recall_score:
            return _ratio(hit, yes)
        if metric is balanced_accuracy_score:  # of the classes that are there
            shares = [_ratio(hit, yes, np.nan), _ratio(true_negative, no, np.nan)]
            return np.asarray(np.nanmean(shares, axis=0))
        across = hit * true_negative - false_positive * false_negative
        if metric is matthews_corrcoef:
            return _ratio(across, np.sqrt(yes * no * said_yes * said_no))
        return _ratio(2 * across, yes * said_no + said_yes * no, np.nan)

    return score
