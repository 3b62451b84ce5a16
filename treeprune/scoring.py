"""Scores of every step of a path from one pass over the rows.

Additive scores (Brier, log loss, squared error, R², for one tree or a network also accuracy) are
sums, which the path's stages know how to take. Any other scikit-learn scorer is asked step by
step, on steps that the caller has thinned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import check_scoring

from .losses import check_rows, encode, output_share
from .network import Network
from .stages import Stages
from .trees import Trees

__all__ = ["MOST_STEPS", "Scoring", "asked", "resolve", "score_steps", "staged", "thin"]

Array = npt.NDArray

MOST_LEVELS = (
    1000  # of a sum of trees behind a link, whose losses cost an exponential a row and step
)
MOST_STEPS = 200  # a ROC AUC costs milliseconds: thousands of steps x folds would cost minutes

# scikit-learn's name -> (loss, whether a sum of trees has it too).
_ADDITIVE = {
    "neg_brier_score": ("brier", True),
    "neg_log_loss": ("log_loss", True),
    "accuracy": ("error", False),
    "neg_mean_squared_error": ("squared_error", True),
    "neg_root_mean_squared_error": ("squared_error", True),
    "r2": ("squared_error", True),
}


@dataclass(frozen=True)
class Scoring:
    """A score by name and how it is computed; `loss` is None where steps are asked singly.

    `share` is the factor of each output. It is fixed once, so that a fold that lacks a class is
    scored as all others are.
    """

    name: str
    loss: str | None
    scorer: Any = None
    share: tuple[float, ...] = ()


def resolve(scoring: Any, base: Trees | Network) -> Scoring:
    """What `scoring` means for a model: an additive loss or a scikit-learn scorer.

    Parameters
    ----------
    scoring : None, str or callable
        None is the Brier score for classifiers and R² for regressors: proper and bounded.
    base : Trees or Network
        What was read from the model.

    Raises
    ------
    ValueError
        If it is not a name that scikit-learn knows, or several scores.
    """
    name = scoring
    if scoring is None:
        name = "neg_brier_score" if bool(base.predicted_classes) else "r2"
    if isinstance(name, str) and name in _ADDITIVE:
        loss, for_sums = _ADDITIVE[name]
        fits = (loss != "squared_error") == bool(base.predicted_classes)
        # scikit-learn has its own rules for several outputs; only the default is defined here.
        several = base.n_outputs > 1 and scoring is not None and name != "r2"
        if fits and not several and (for_sums or not _is_averaged(base)):
            return Scoring(name, loss, share=tuple(output_share(base, loss)))
    if not (isinstance(name, str) or callable(name)):
        raise ValueError(
            f"scoring must be None, the name of one scikit-learn scorer, or a callable "
            f"(estimator, X, y) -> float; got {scoring!r}"
        )
    scorer = check_scoring(_RowStage(), scoring=name)
    label = name if isinstance(name, str) else getattr(name, "__name__", str(name))
    return Scoring(label, None, scorer)


def _is_averaged(base: Trees | Network) -> bool:
    """Whether several trees are averaged, of which a vote is no sum."""
    return isinstance(base, Trees) and base.n_trees > 1 and not base.is_boosted


def asked(size: Array, scoring: Scoring) -> Array:
    """Steps of a path of these sizes that are scored where the caller does not say."""
    return thin(size, MOST_STEPS if scoring.loss is None else MOST_LEVELS)


def thin(size: Array, most: int = MOST_STEPS) -> Array:
    """At most `most` steps, evenly spaced in the logarithm of the size, both ends kept."""
    n = len(size)
    if n <= most:
        return np.arange(n)
    wanted = np.geomspace(size[0], size[-1], most)
    # `size` falls: the first step whose size is at most the wanted one.
    steps = np.searchsorted(-size, -wanted, side="left").clip(max=n - 1)
    return np.unique(np.concatenate([[0], steps, [n - 1]]))


def score_steps(
    stages: Stages,
    X: Any,
    y: Any,
    scoring: Scoring,
    sample_weight: Array | None = None,
    steps: Array | None = None,
    *,
    unknown_ok: bool = False,
) -> Array:
    """Score of every step on given rows.

    Parameters
    ----------
    stages : Stages
        The models of the path.
    X, y, sample_weight
        Rows; the weights enter additive scores always, others where the metric takes them.
    scoring : Scoring
    steps : array of int, optional
        Steps to ask where each costs time; all by default. The additive scores of one tree, and of
        a forest whose nodes keep their values, are had for every step.
    unknown_ok : bool
        Whether no label at all needs to be one of the model's (a small fold).

    Returns
    -------
    array of float64, shape (n_steps,)
        Larger is better; NaN where a step was not asked.
    """
    weight = check_rows(X, y, sample_weight)
    y = np.asarray(y)
    target = encode(stages.model, y, unknown_ok=unknown_ok)
    if scoring.loss is not None:
        return _additive(stages, X, target, weight, scoring, steps)
    out = np.full(len(stages), np.nan)
    given = weight if sample_weight is not None and takes_weights(scoring.scorer) else None
    ask = _step_scorer(stages, X, y, scoring.scorer, given)
    for step in range(len(stages)) if steps is None else np.unique(steps):
        out[step] = ask(int(step))
    return out


def staged(stages: Stages, X: Any, *, proba: bool) -> Iterator[Any]:
    """Predictions of every step in turn; what the steps share is computed once."""
    values = stages.values(X)
    classes = bool(stages.base.predicted_classes)
    stage = _ClassStage() if classes else _RowStage()
    # A bare booster knows no labels: its `predict` gives probabilities, of two classes the second.
    bare = classes and not hasattr(stages.model, "classes_")
    for step in range(len(stages)):
        stage.set_values(stages.model, stages.base, values(step))
        if bare and not proba:
            told = np.asarray(stage.predict_proba(X))
            yield told[:, 1] if told.shape[1] == 2 else told
        else:
            yield stage.predict_proba(X) if proba else stage.predict(X)


def takes_weights(scorer: Any) -> bool:
    """Whether a scorer of scikit-learn's, or a callable, knows sample weights."""
    metric = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in signature(metric).parameters


def _step_scorer(
    stages: Stages, X: Any, y: Array, scorer: Any, weight: Array | None
) -> Callable[[int], float]:
    """A function from step to score.

    scikit-learn's scorers only ask for predictions, which the stages give; a scorer of the user's
    own may ask for anything and receives the native model of the step.
    """
    extra = {} if weight is None else {"sample_weight": weight}
    if not hasattr(scorer, "_score_func"):
        return lambda step: float(scorer(stages.write(step), X, y, **extra))
    values = stages.values(X)
    stage = _ClassStage() if stages.base.predicted_classes else _RowStage()

    def ask(step: int) -> float:
        stage.set_values(stages.model, stages.base, values(step))
        return float(scorer(stage, X, y, **extra))

    return ask


class _RowStage(RegressorMixin, BaseEstimator):
    """Predictions of one step in the shape of an estimator, for scorers; X is not looked at."""

    def set_values(self, model: Any, base: Trees | Network, values: Array) -> None:
        self.values_, self.n_classes_ = values, base.predicted_classes
        if hasattr(model, "classes_"):
            self.classes_ = model.classes_
        elif self.n_classes_:  # a bare booster knows numbers only
            self.classes_ = np.arange(self.n_classes_[0])

    def fit(self, X: Any, y: Any) -> _RowStage:
        return self

    def predict(self, X: Any) -> Array:
        return self.values_[:, 0, 0] if self.values_.shape[1] == 1 else self.values_[:, :, 0]


class _ClassStage(ClassifierMixin, _RowStage):
    def predict_proba(self, X: Any) -> Array | list[Array]:
        parts = [self.values_[:, o, :k] for o, k in enumerate(self.n_classes_)]
        return parts[0] if len(parts) == 1 else parts

    def predict(self, X: Any) -> Array:
        top = [np.argmax(self.values_[:, o, :k], axis=1) for o, k in enumerate(self.n_classes_)]
        if len(top) == 1:
            return self.classes_[top[0]]
        return np.column_stack([c[t] for c, t in zip(self.classes_, top, strict=True)])


def _additive(
    stages: Stages, X: Any, y: Array, weight: Array, scoring: Scoring, steps: Array | None
) -> Array:
    """Every step's score from sums."""
    kind = scoring.loss
    assert kind is not None
    total = weight.sum()
    share = np.array(scoring.share)
    if scoring.name == "r2":
        mean = np.average(y, axis=0, weights=weight)
        spread = np.einsum("io,i->o", (y - mean) ** 2, weight)
        # A constant target has no R²; scikit-learn says 0 unless every prediction is exact.
        share = np.divide(share, spread, out=np.zeros_like(share), where=spread > 0)
        constant = float((spread == 0).mean())
        return 1.0 - constant - stages.losses(X, y, weight, kind, share, steps)
    loss = stages.losses(X, y, weight, kind, share, steps) / total
    if scoring.name == "accuracy":
        return 1.0 - loss
    return -np.sqrt(loss) if scoring.name == "neg_root_mean_squared_error" else -loss
