"""What a classifier gives each row, and what the row turned out to be.

Which side is favourable is said once: by a `Decision`, whose adverse class and cut-off hold, or by
the class that is called positive. Everything about groups then rests on three arrays: the
favourable outcome, the favourable decision, and the probability of the former.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from ..decision import Decision
from ..exceptions import UnsupportedModelError
from ..losses import check_rows
from ..verification.answers import checked_target, written

__all__ = ["Favourable", "Outcomes", "favourable_of", "outcomes_of", "single_output"]

Array = npt.NDArray


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Outcome, decision and probability of every row.

    Parameters
    ----------
    favourable : array of bool, shape (n_rows,)
        Whether the row turned out to be on the favourable side.
    selected : array of bool, shape (n_rows,)
        Whether the model decides in its favour.
    p : array of float64, shape (n_rows,)
        Predicted probability of the favourable side.
    """

    favourable: npt.NDArray[np.bool_]
    selected: npt.NDArray[np.bool_]
    p: npt.NDArray[np.float64]

    def take(self, rows: npt.NDArray[np.int64]) -> Outcomes:
        """Those of some rows."""
        return Outcomes(self.favourable[rows], self.selected[rows], self.p[rows])


@dataclass(frozen=True)
class Favourable:
    """Which side is favourable.

    Parameters
    ----------
    position : int
        Column of `predict_proba` of the adverse class, if there is a Decision, else of the
        positive class.
    words : str
        Who is selected.
    decision : Decision, optional
    """

    position: int
    words: str
    decision: Decision | None = None

    def outcomes(self, code: Array, proba: Array, predicted: Array) -> Outcomes:
        """From class codes, probabilities (n_rows, n_classes) and predicted class codes."""
        column = np.asarray(proba[:, self.position], np.float64)
        if self.decision is None:
            return Outcomes(code == self.position, predicted == self.position, column)
        # The other columns, not 1 - P: that would tie probabilities that differ near 0.
        others = np.delete(proba, self.position, axis=1).sum(axis=1, dtype=np.float64)
        return Outcomes(code != self.position, ~self.decision.decide(column), others)


def single_output(model: Any) -> Array:
    """The model's classes, after checking that it is a fitted classifier of one target.

    Raises
    ------
    UnsupportedModelError
        If it has no class probabilities, or several targets.
    """
    kind = type(model).__name__
    wanted = "give a fitted classifier with predict_proba, or a pipeline that ends in one"
    if isinstance(model, type):
        raise UnsupportedModelError(f"{kind} is a class, not a model; {wanted}")
    if hasattr(model, "fit"):
        check_is_fitted(model)
    classes = getattr(model, "classes_", None)
    if isinstance(classes, list):
        raise UnsupportedModelError(
            f"the model (a {kind}) has {len(classes)} targets; fairness is measured for one, give "
            "a model of that target"
        )
    if classes is None or not hasattr(model, "predict_proba"):
        what = "no predict_proba" if classes is not None else "no classes (it predicts a number)"
        raise UnsupportedModelError(f"the model (a {kind}) has {what}; {wanted}")
    return np.asarray(classes)


def favourable_of(classes: Array, decision: Decision | None, positive: Any) -> Favourable:
    """Which side is favourable, by a Decision or by the positive class.

    Raises
    ------
    ValueError
        If both are given, the class is unknown, or there are more than two and neither is given.
    """
    if decision is not None:
        if positive is not None:
            raise ValueError(
                f"give either decision or positive: the Decision says that {decision.adverse!r} is "
                f"adverse, so that positive={positive!r} says it twice"
            )
        words = f"{decision.favourable_word}, P({decision.adverse}) < {decision.cutoff:.4g}"
        return Favourable(decision.position(classes), words, decision)
    known = classes.tolist()
    if positive is None:
        if len(known) != 2:
            raise ValueError(
                f"the model has {len(known)} classes, {written(classes)}; say which is favourable "
                "with positive=, or which is adverse with decision="
            )
        positive = known[1]
    if positive not in known:
        raise ValueError(f"positive={positive!r} is no class of the model, which has {known}")
    return Favourable(known.index(positive), f"predicted {positive}")


def outcomes_of(model: Any, X: Any, y: Any, side: Favourable, classes: Array) -> Outcomes:
    """The outcomes of a model's rows, by its own `predict_proba` and `predict`.

    Raises
    ------
    ValueError
        If lengths differ, y holds labels that the model does not know, or a probability is not
        finite.
    """
    check_rows(X, y)
    code = checked_target(y, classes)
    proba = np.asarray(model.predict_proba(X))
    if proba.shape != (len(code), len(classes)):
        raise UnsupportedModelError(
            f"predict_proba of the model (a {type(model).__name__}) has shape {proba.shape} for "
            f"{len(code)} rows and {len(classes)} classes"
        )
    if not np.isfinite(proba).all():
        raise ValueError("predict_proba of the model is not finite for some rows; leave them out")
    if side.decision is not None:  # its cut-off decides, not `predict`
        return side.outcomes(code, proba, code)
    predicted = pd.Index(classes).get_indexer(pd.Index(np.asarray(model.predict(X)).reshape(-1)))
    return side.outcomes(code, proba, predicted)
