"""Scorers for scikit-learn's searches: choose by loss and interpretability at once."""

from __future__ import annotations

from typing import Any

from ..explain.interpretability import score_model
from ..explain.interpretability.components import COMPONENTS
from ..explain.interpretability.score import Setting

__all__ = ["InterpretabilityScorer", "make_interpretability_scorer"]

KNOWN = (*[name for name in COMPONENTS if name != "stability"], "composite")


class InterpretabilityScorer:
    """Composite or one component of a fitted model, as scikit-learn asks for scores.

    Made by `make_interpretability_scorer`; see there.

    Parameters
    ----------
    component : str
    max_rows : int
    random_state : int
    """

    def __init__(self, component: str, max_rows: int, random_state: int) -> None:
        self.component = component
        self.max_rows = max_rows
        self.random_state = random_state

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Score a fitted model on rows.

        Parameters
        ----------
        estimator : fitted estimator
        X : array-like, shape (n_rows, n_columns)
        y : ignored
        """
        setting = Setting(
            X, n_refits=0, n_draws=2, max_rows=self.max_rows, random_state=self.random_state
        )
        score = score_model(estimator, setting, quality=False, reasons=False)
        if self.component == "composite":
            return score.composite
        return score.components[self.component]

    def __repr__(self) -> str:
        return (
            f"make_interpretability_scorer({self.component!r}, max_rows={self.max_rows}, "
            f"random_state={self.random_state})"
        )


def make_interpretability_scorer(
    component: str = "composite", *, max_rows: int = 1000, random_state: int = 0
) -> InterpretabilityScorer:
    """A scorer for `GridSearchCV` and the like; larger is easier.

    Parameters
    ----------
    component : {"composite", "simulate", "size", "focus", "additive", "concentration"}
        A search has no rows to refit on, so that stability is not among them and the composite
        is that of the other five.
    max_rows : int
        Rows of each fold that are measured.
    random_state : int

    Returns
    -------
    InterpretabilityScorer
        Callable as `scorer(estimator, X, y)`.

    Raises
    ------
    ValueError
        If the component is not one of these.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import GridSearchCV
    >>> from treeprune import PrunedClassifier, make_interpretability_scorer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> search = GridSearchCV(
    ...     PrunedClassifier(random_state=0),
    ...     {"strength": [0.0, 0.01, 0.1]},
    ...     scoring={"auc": "roc_auc", "easy": make_interpretability_scorer()},
    ...     refit="auc",
    ...     cv=3,
    ... ).fit(X, y)
    >>> easy = search.cv_results_["mean_test_easy"]
    >>> bool(easy[0] < easy[1] < easy[2])
    True
    """
    if component not in KNOWN:
        why = "; a search has no rows to refit on" if component == "stability" else ""
        raise ValueError(f"component must be one of {KNOWN}, got {component!r}{why}")
    return InterpretabilityScorer(component, max_rows, random_state)
