"""How well a readable model imitates another, and how well either does the task.

Fidelity is measured on rows that the imitation was not fitted on: it is fitted anew in each of a
few folds, and its outputs on the rows left out are compared with the model's. Fidelity alone says
little (a model that always answers the same is easily imitated), so that the score at the task
stands beside it wherever the outcome is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

__all__ = [
    "Fidelity",
    "TaskScore",
    "cross_fitted",
    "fidelity",
    "model_output",
    "r_squared",
    "seed_of",
]

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

FEWEST_ROWS = 10
DECIMALS = 12  # of probabilities that are compared
SUM_TOLERANCE = 1e-3  # float32 probabilities of many classes add up to 1 only roughly

_TASKS = {"roc_auc": "ROC AUC", "accuracy": "accuracy", "r2": "R²"}


@dataclass(frozen=True)
class TaskScore:
    """How well the model and its imitation predict the outcome itself.

    Parameters
    ----------
    name : {"roc_auc", "accuracy", "r2"}
        For two classes, for more, for numbers.
    model : float
        On the reference rows; flattering where the model was fitted on them.
    surrogate : float
        On the same rows, each predicted by an imitation that was not fitted on it. NaN, as
        `model`, where the rows hold one class (or one number) only.

    Examples
    --------
    >>> TaskScore("roc_auc", 0.8, 0.75).to_text()
    'ROC AUC 0.800 for the model, 0.750 for the imitation'
    """

    name: str
    model: float
    surrogate: float

    def to_text(self) -> str:
        """Both scores in a phrase."""
        name = _TASKS[self.name]
        if np.isnan(self.model):
            return f"{name} is not defined: the outcome is the same in all rows"
        return f"{name} {self.model:.3f} for the model, {self.surrogate:.3f} for the imitation"


@dataclass(frozen=True)
class Fidelity:
    """How closely an imitation follows the model on rows it was not fitted on.

    Parameters
    ----------
    r2 : float
        1 - (squared differences from the model's output) / (squared differences of that output
        from its own mean), over all rows and classes; the output is the probabilities or the
        predicted number. 1 is a perfect imitation, 0 no better than a constant; NaN where the
        model's output is constant.
    agreement : float or None
        Share of rows for which both predict the same class; None for regression.
    decision_agreement : float or None
        Share of rows on the same side of the cut-off; None where none was given.
    n_rows : int
        Number of rows compared.
    folds : int
        Number of times the imitation was fitted anew.
    task : TaskScore or None
        Scores at the task itself; None where the outcome was not given.

    Notes
    -----
    All rows but those of one fold are used in each fit, so that the figures are for an imitation
    fitted on (folds - 1)/folds of the rows: slightly pessimistic for the one that is shown.

    Examples
    --------
    >>> Fidelity(0.91, 0.95, None, 1000, 5, TaskScore("accuracy", 0.8, 0.78)).to_text()
    'R² to the model 0.910, same class for 95.0 % (1000 rows, each left out of the fit, 5 folds);
    accuracy 0.800 for the model, 0.780 for the imitation'
    """

    r2: float
    agreement: float | None
    decision_agreement: float | None
    n_rows: int
    folds: int
    task: TaskScore | None = None

    def to_text(self) -> str:
        """All figures in a sentence."""
        parts = [
            "the model's output is constant"
            if np.isnan(self.r2)
            else f"R² to the model {self.r2:.3f}"
        ]
        if self.agreement is not None:
            parts.append(f"same class for {100 * self.agreement:.1f} %")
        if self.decision_agreement is not None:
            parts.append(f"same decision for {100 * self.decision_agreement:.1f} %")
        task = "no score at the task itself: the outcome was not given"
        if self.task is not None:
            task = self.task.to_text()
        return (
            f"{', '.join(parts)} ({self.n_rows} rows, each left out of the fit, "
            f"{self.folds} folds); {task}"
        )


def model_output(
    output_of: Callable[[Any], Any], X: Any, classes: npt.NDArray | None, n_rows: int
) -> Array:
    """What the model puts out for the reference rows, checked.

    Parameters
    ----------
    output_of : callable
        From rows to class probabilities (n_rows, n_classes), or to numbers (n_rows,) or
        (n_rows, 1).
    X : array-like, shape (n_rows, n_raw_columns)
    classes : array, shape (n_classes,), or None
        None for regression.
    n_rows : int

    Returns
    -------
    array of float64, shape (n_rows, n_classes) or (n_rows, 1)

    Raises
    ------
    ValueError
        If there are too few rows, or the output has another shape, is not finite, or is no
        probability.

    Examples
    --------
    >>> model_output(lambda X: X[:, 0], np.ones((10, 2)), None, 10).shape
    (10, 1)
    """
    if n_rows < FEWEST_ROWS:
        raise ValueError(
            f"got {n_rows} reference rows; imitating a model and measuring how well that "
            f"succeeds takes at least {FEWEST_ROWS}"
        )
    output = np.asarray(output_of(X), dtype=np.float64)
    if classes is None and output.ndim == 1:
        output = output[:, None]
    shape = (n_rows, 1 if classes is None else len(classes))
    if output.shape != shape:
        what = "one number a row" if classes is None else f"probabilities of {shape[1]} classes"
        raise ValueError(
            f"the model's output has shape {output.shape}; expected {what}: {shape}. For several "
            "outputs, imitate one at a time"
        )
    if not np.isfinite(output).all():
        row = int(np.argmax(~np.isfinite(output).all(axis=1)))
        raise ValueError(f"the model's output for row {row} is not finite: {output[row]}")
    if classes is not None:
        wrong = (output < 0).any(axis=1) | (np.abs(output.sum(axis=1) - 1) > SUM_TOLERANCE)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"the model's output for row {row} is {output[row]}, which are no probabilities; "
                "for a classifier give predict_proba, not its scores"
            )
    return output


def cross_fitted(
    fit: Callable[[Rows], Callable[[Rows], Array]], n_rows: int, folds: int, random_state: Any
) -> Array:
    """Outputs for all rows, each from a fit without that row.

    Parameters
    ----------
    fit : callable
        Takes positions of rows to fit on; returns a function from positions of other rows to
        outputs.
    n_rows, folds : int
    random_state : int or RandomState

    Returns
    -------
    array of float64, shape (n_rows, n_outputs)

    Examples
    --------
    >>> z = np.arange(4.0)
    >>> cross_fitted(lambda own: lambda rows: np.full((len(rows), 1), z[own].mean()), 4, 2, 0).T
    array([[2.5, 2.5, 0.5, 0.5]])
    """
    if not 2 <= folds <= n_rows:
        raise ValueError(f"folds must be from 2 to the number of rows, {n_rows}; got {folds}")
    parts, order = [], []
    for own, rest in KFold(folds, shuffle=True, random_state=random_state).split(np.empty(n_rows)):
        parts.append(fit(own)(rest))
        order.append(rest)
    out = np.concatenate(parts)
    return out[np.argsort(np.concatenate(order))]


def r_squared(truth: Array, guess: Array) -> float:
    """1 - residual over total sum of squares, over all columns; NaN where truth is constant.

    Examples
    --------
    >>> r_squared(np.array([[0.0], [2.0]]), np.array([[0.0], [1.0]]))
    0.5
    """
    centre = truth.mean(axis=0)
    # A mean of equal numbers may be off by rounding, which is not variation.
    total = float(((truth - centre) ** 2).sum())
    if total <= truth.size * (1e-12 * np.abs(truth).max()) ** 2:
        return float("nan")
    return 1.0 - float(((truth - guess) ** 2).sum()) / total


def fidelity(
    output: Array,
    imitated: Array,
    *,
    classes: npt.NDArray | None,
    folds: int,
    positive: int | None = None,
    cutoff: float | None = None,
    y: Any = None,
) -> Fidelity:
    """Compare an imitation's outputs with the model's.

    Parameters
    ----------
    output, imitated : array of float64, shape (n_rows, n_classes) or (n_rows, 1)
    classes : array or None
    folds : int
        Only reported.
    positive : int, optional
        Position of the class whose probability decides; the second of two by default.
    cutoff : float, optional
        A decision is whether that probability (or the number) is at least this.
    y : array-like, shape (n_rows,), optional
        The outcome.

    Returns
    -------
    Fidelity

    Raises
    ------
    ValueError
        If a decision needs a class and none is given, or `y` has another length, unknown labels
        or missing values.

    Examples
    --------
    >>> p, q = np.array([0.2, 0.6, 0.9]), np.array([0.3, 0.4, 0.8])
    >>> both = [np.column_stack([1 - a, a]) for a in (p, q)]
    >>> found = fidelity(*both, classes=np.array([0, 1]), folds=2, cutoff=0.7)
    >>> round(found.agreement, 2), found.decision_agreement
    (0.67, 1.0)
    """
    agreement = None
    if classes is not None:
        # Equal means of different folds differ by rounding, which must not decide nor rank.
        output, imitated = np.round(output, DECIMALS), np.round(imitated, DECIMALS)
        agreement = float(np.mean(output.argmax(axis=1) == imitated.argmax(axis=1)))
    decided = None
    if cutoff is not None:
        column = _deciding(classes, positive)
        same = (output[:, column] >= cutoff) == (imitated[:, column] >= cutoff)
        decided = float(np.mean(same))
    task = None if y is None else _task(output, imitated, classes, y)
    return Fidelity(r_squared(output, imitated), agreement, decided, len(output), folds, task)


def _deciding(classes: npt.NDArray | None, positive: int | None) -> int:
    if classes is None:
        return 0
    if positive is None and len(classes) != 2:
        raise ValueError(
            f"a cut-off on one of {len(classes)} probabilities needs the class: give its "
            f"position in {classes.tolist()} as positive"
        )
    return 1 if positive is None else positive


def _task(output: Array, imitated: Array, classes: npt.NDArray | None, y: Any) -> TaskScore:
    y = np.asarray(y)
    if y.shape != (len(output),):
        raise ValueError(f"y has shape {y.shape}; expected one outcome a row: ({len(output)},)")
    if classes is None:
        truth = y.astype(np.float64)[:, None]
        if not np.isfinite(truth).all():
            raise ValueError("y has missing or infinite values; leave those rows out")
        return TaskScore("r2", r_squared(truth, output), r_squared(truth, imitated))
    unknown = ~np.isin(y, classes)
    if unknown.any():
        raise ValueError(
            f"y has the label {y[unknown].tolist()[0]!r}, which is none of the model's classes "
            f"{classes.tolist()}"
        )
    if len(classes) == 2:
        hit = y == classes[1]
        if hit.all() or not hit.any():
            return TaskScore("roc_auc", float("nan"), float("nan"))
        scores = (roc_auc_score(hit, p[:, 1]) for p in (output, imitated))
        return TaskScore("roc_auc", *map(float, scores))
    shares = (np.mean(classes[p.argmax(axis=1)] == y) for p in (output, imitated))
    return TaskScore("accuracy", *map(float, shares))


def seed_of(random_state: Any) -> Any:
    """0 for None, so that the same rows give the same imitation; else as given.

    Examples
    --------
    >>> seed_of(None), seed_of(7)
    (0, 7)
    """
    return 0 if random_state is None else random_state
