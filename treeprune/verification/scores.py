"""Scores of two models as functions of how often each row is counted, larger is better.

Means over rows, R², areas under the ROC curve and scores of a two-by-two table follow from the
counts of all resamples at once; accuracy and recall need no resamples. Any other scorer of
scikit-learn is shown the predictions of the rows drawn; a callable of the caller's own is shown
the models and the rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import check_scoring, recall_score
from sklearn.utils import _safe_indexing
from sklearn.utils.metaestimators import available_if

from ..intervals import (
    auc_of,
    count_of_rows,
    few_units,
    macro_auc_of,
    mean_of,
    r2_of,
    row_losses,
    same_order,
)
from .answers import Answers, say_the_same, written
from .tables import cells_of, positive_of, table_score

__all__ = ["Score", "score_of"]

Array = npt.NDArray
Figure = Callable[[Array], Array]

BY_ROWS = ("_micro", "_weighted")  # averages in which a rare class has little weight
FEW_ROWS = 3  # so few rows that are decided otherwise span less than the rule of three does
# Means over rows, and R²: a resample costs one product, and rows may have weights.
ADDITIVE = {
    "classifier": ("accuracy", "neg_log_loss", "neg_brier_score"),
    "regressor": (
        "r2",
        "neg_mean_squared_error",
        "neg_root_mean_squared_error",
        "neg_mean_absolute_error",
    ),
}


@dataclass(frozen=True, eq=False)
class Score:
    """A score of both models as a function of counts per row.

    `ranked` holds the scores that a binary ROC AUC ranks by; `right` says of a share of rows
    whether either model is right about each. `units` and `rarer` are as in `compare_draws`, and
    so is what `same` returns; it may ask the models more than the score does.
    """

    name: str
    figures: tuple[Figure, Figure]
    ranked: tuple[Array, Array] | None = None
    right: tuple[Array, Array] | None = None
    units: int | None = None
    same: Callable[[], bool] = lambda: False
    rarer: int | None = None
    asks_models: bool = False


def score_of(answers: list[Answers], target: Array, scoring: Any, weight: Array | None) -> Score:
    """The score that is asked for, by name, as figures of both models."""
    classes = getattr(answers[0].model, "classes_", None)
    name = scoring
    if scoring is None:
        name = "r2" if classes is None else "roc_auc" if len(classes) == 2 else "roc_auc_ovr"
    if not (isinstance(name, str) or callable(name)):
        raise ValueError(
            "scoring must be None, the name of one scikit-learn scorer, or a callable "
            f"(estimator, X, y) -> float; got {scoring!r}"
        )
    if classes is not None and name in ("roc_auc", "roc_auc_ovr"):
        return _area(answers, target, list(classes), name)
    kind = "regressor" if classes is None else "classifier"
    if isinstance(name, str) and name in ADDITIVE[kind]:
        return _additive(answers, target, name, weight)
    if weight is not None:
        possible = ADDITIVE[kind] if classes is None else ("roc_auc", *ADDITIVE[kind])
        raise ValueError(
            f"sample_weight has no meaning for resampled rows of scoring={scoring!r}; possible "
            f"with weights are {', '.join(possible)}"
        )
    return _other(answers, target, name)


def _area(answers: list[Answers], target: Array, classes: list, name: str) -> Score:
    """The area under the ROC curve; of several classes, each against the rest."""
    if len(classes) < 2:
        raise ValueError(f"the models know one class, {written(classes[0])}: nothing is ranked")
    if name == "roc_auc" and len(classes) > 2:
        raise ValueError(
            f"scoring='roc_auc' is for two classes, the models have {len(classes)}; use "
            "scoring='roc_auc_ovr', each class against the rest"
        )
    counts = np.bincount(target, minlength=len(classes))
    rarest = int(np.argmin(counts))
    if counts[rarest] < 2:
        raise ValueError(
            f"y has {count_of_rows(counts[rarest])} of class {written(classes[rarest])} among "
            f"{len(target)}; "
            "ROC AUC and its spread need two of each class: give more rows, or another scoring"
        )
    if len(classes) == 2:
        before, after = (a.ranking for a in answers)
        figures = (auc_of(target == 1, before), auc_of(target == 1, after))
    else:
        before, after = (a.ask("predict_proba").astype(np.float64) for a in answers)
        figures = (macro_auc_of(target, before), macro_auc_of(target, after))
    areas = np.array([figure(np.ones((1, len(target))))[0] for figure in figures])
    units = few_units(target, before, after, areas)
    return Score(
        name,
        figures,
        ranked=(before, after) if len(classes) == 2 else None,
        units=units,
        same=lambda: same_order(before, after),
        rarer=int(counts[rarest]),
    )


def _additive(answers: list[Answers], target: Array, name: str, weight: Array | None) -> Score:
    """A mean over rows, or R²."""
    units, right = None, None
    if name == "accuracy":
        hits = [a.codes == target for a in answers]
        if np.sum(hits[0] != hits[1]) <= FEW_ROWS and not say_the_same(*answers):
            # A row not met may be one of those that weigh most.
            units = len(target) if weight is None else int(weight.sum() / weight.max())
        right = (hits[0], hits[1]) if weight is None else None
        figures = [mean_of(hit.astype(np.float64)) for hit in hits]
    elif name in ADDITIVE["classifier"]:
        loss = name.removeprefix("neg_").removesuffix("_score")
        figures = [mean_of(-row_losses(target, a.ask("predict_proba"))[loss]) for a in answers]
    else:
        said = [a.ask("predict").astype(np.float64) for a in answers]
        if name == "r2" and np.ptp(target) == 0:
            raise ValueError(
                f"y is {target[0]:g} in all {count_of_rows(len(target))}, so that R² is not "
                "defined; give rows with other outcomes, or scoring='neg_mean_squared_error'"
            )
        figures = [_of_numbers(name, target, p) for p in said]
    same = partial(say_the_same, *answers)
    return Score(name, (figures[0], figures[1]), right=right, units=units, same=same)


def _of_numbers(name: str, target: Array, said: Array) -> Figure:
    """A regression's score as a function of counts."""
    if name == "r2":
        return r2_of(target, said)
    if name == "neg_mean_absolute_error":
        return mean_of(-np.abs(target - said))
    squared = mean_of((target - said) ** 2)
    if name == "neg_mean_squared_error":
        return lambda counts: -squared(counts)
    return lambda counts: -np.sqrt(squared(counts))


def _table(answers: list[Answers], target: Array, name: str, metric: Callable, at: int) -> Score:
    """A score of two classes that follows from how often each was predicted for each."""
    same, codes = partial(say_the_same, *answers), [a.codes for a in answers]
    figures = [table_score(metric, cells_of(target, said), at) for said in codes]
    rarer, right = int(np.bincount(target, minlength=2).min()), None
    apart = codes[0] != codes[1]
    if metric is recall_score and (target == at).any():  # a share of the positive rows
        positive = target == at
        right = (codes[0][positive] == at, codes[1][positive] == at)
        rarer, apart = int(positive.sum()), apart & positive
    units = rarer if rarer and apart.sum() <= FEW_ROWS and not same() else None
    return Score(name, (figures[0], figures[1]), right=right, units=units, same=same, rarer=rarer)


def _other(answers: list[Answers], target: Array, scoring: Any) -> Score:
    """Any other scorer, asked row by row of the resamples."""
    classes = getattr(answers[0].model, "classes_", None)
    y = target if classes is None else np.asarray(classes)[target]
    kind = ReplayRegressor if classes is None else ReplayClassifier
    replays = [kind(a) for a in answers]
    scorer = check_scoring(replays[0], scoring=scoring)
    metric = getattr(scorer, "_score_func", None)
    label = scoring if isinstance(scoring, str) else getattr(metric or scoring, "__name__", None)
    label = label or type(scoring).__name__
    positive = None if classes is None else positive_of(scorer, classes)
    if metric is not None and positive is not None and all((a.codes >= 0).all() for a in answers):
        return _table(answers, target, label, metric, positive)
    asked: list[tuple[Any, Any]] = [(a.model, a.X) for a in answers]
    if metric is not None:  # scikit-learn's scorers ask for predictions and nothing else
        asked = [(replay, np.arange(len(y))) for replay in replays]

    def figure(model: Any, X: Any) -> Figure:
        def value(rows: Array) -> float:
            return float(scorer(model, _safe_indexing(X, rows), y[rows]))

        value(np.arange(len(y)))  # what is wrong with all rows is an error

        def one(row: Array) -> float:
            try:
                return value(np.repeat(np.arange(len(y)), row.astype(np.int64)))
            except ValueError:  # a resample may lack a class
                return float("nan")

        def of_counts(counts: Array) -> Array:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UndefinedMetricWarning)
                return np.array([one(row) for row in counts])

        return of_counts

    figures, rarer = (figure(*asked[0]), figure(*asked[1])), None
    if classes is not None and metric is not None and not label.endswith(BY_ROWS):
        rarer = int(np.unique(target, return_counts=True)[1].min())
    same = partial(say_the_same, *answers)
    return Score(label, figures, same=same, rarer=rarer, asks_models=metric is None)


def _has(response: str) -> Callable[[Replay], bool]:
    return lambda replay: hasattr(replay.answers.model, response)


class Replay(BaseEstimator):
    """A model's answers in the shape of an estimator whose rows are their numbers, for scorers."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        if hasattr(answers.model, "classes_"):
            self.classes_ = np.asarray(answers.model.classes_)

    def fit(self, X: Any, y: Any) -> Replay:
        return self

    @available_if(_has("predict"))
    def predict(self, X: Array) -> Array:
        return self.answers.ask("predict")[X]

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Array) -> Array:
        return self.answers.ask("predict_proba")[X]

    @available_if(_has("decision_function"))
    def decision_function(self, X: Array) -> Array:
        return self.answers.ask("decision_function")[X]


class ReplayClassifier(ClassifierMixin, Replay):
    """The answers of a classifier."""


class ReplayRegressor(RegressorMixin, Replay):
    """The answers of a regressor."""
