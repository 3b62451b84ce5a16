"""Prune, or simply train smaller? The honest rival of a pruned model: one trained at its size.

The rival is of the same kind and has the same budget of leaves. Its settings are searched for by
cross-validation on the training rows, as a modeller who knows the budget beforehand would do, and
both are then asked about the same held-out rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils.parallel import Parallel, delayed

from . import native
from .exceptions import UnsupportedModelError
from .scoring import takes_weights
from .selection import Rows
from .verification import Verification, verify

__all__ = ["Retraining", "compare_with_retraining", "train_small"]

RATES = (0.03, 0.1, 0.3)
LEAVES = (2, 4, 8, 16, 31)
SHARES = (1.0, 0.5, 0.25)  # of the rounds that the budget allows, since fewer may be better
MOST_ROUNDS = 2000
TREES = (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500)


@dataclass(frozen=True, eq=False, repr=False)
class Retraining:
    """A pruned model beside one that was trained at its size.

    Parameters
    ----------
    pruned, retrained : fitted model
    pruned_size, retrained_size : int
        Leaves of the trees that split.
    settings : dict
        With which the small model was trained.
    candidates : DataFrame
        A row a setting: its parameters, mean `score` over the folds and `score_se`; best first.
    verification : Verification
        The pruned model (`after`) against the retrained one (`before`) on held-out rows.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from treeprune import compare_with_retraining, prune
    >>> X, y = load_diabetes(return_X_y=True)
    >>> small = prune(DecisionTreeRegressor(random_state=0).fit(X[::2], y[::2]), max_size=6)
    >>> found = compare_with_retraining(small, X[::2], y[::2], X[1::2], y[1::2], cv=3)
    >>> found.pruned_size, found.retrained_size, found.settings
    (6, 6, {'max_leaf_nodes': 6})
    """

    pruned: Any
    retrained: Any
    pruned_size: int
    retrained_size: int
    settings: dict[str, Any]
    candidates: pd.DataFrame
    verification: Verification

    @property
    def advice(self) -> str:
        """What the held-out rows say: "prune", "train smaller", or "either".

        "train smaller" where the pruned model is worse, "prune" where it is better (the bound of
        the difference excludes zero), "either" where the rows cannot tell.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> from treeprune import compare_with_retraining, prune
        >>> X, y = load_diabetes(return_X_y=True)
        >>> stump = prune(DecisionTreeRegressor(max_depth=1, random_state=0).fit(X, y), max_size=1)
        >>> compare_with_retraining(stump, X[::2], y[::2], X[1::2], y[1::2], size=8, cv=3).advice
        'train smaller'
        """
        found = self.verification
        if found.high < 0:
            return "train smaller"
        return "prune" if found.low > 0 else "either"

    def to_text(self) -> str:
        """The answer in a few lines.

        Returns
        -------
        str

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> from treeprune import compare_with_retraining, prune
        >>> X, y = load_diabetes(return_X_y=True)
        >>> small = prune(DecisionTreeRegressor(random_state=0).fit(X[::2], y[::2]), max_size=6)
        >>> found = compare_with_retraining(small, X[::2], y[::2], X[1::2], y[1::2], cv=3)
        >>> print(found.to_text().splitlines()[1])
        Pruned: 6 leaves, r2 0...
        """
        found = self.verification
        said = ", ".join(f"{name}={value:g}" for name, value in self.settings.items())
        advice = {
            "prune": "Pruning is better than training at this size.",
            "train smaller": "Simply training smaller is better.",
            "either": "These rows do not tell pruning from training smaller.",
        }[self.advice]
        return (
            f"{advice}\n"
            f"Pruned: {self.pruned_size} leaves, {found.scoring} {found.after:.4f}.\n"
            f"Trained at that size: {self.retrained_size} leaves, {found.before:.4f} "
            f"({said}; best of {len(self.candidates)} settings by cross-validation).\n"
            f"Pruned less trained: {found.difference:+.4f}, 95 % one-sided bounds "
            f"{found.low:+.4f} and {found.high:+.4f} ({found.method}, {found.n_rows} rows)."
        )

    def __repr__(self) -> str:
        return self.to_text()


def compare_with_retraining(
    pruned: Any,
    X: Any,
    y: Any,
    X_test: Any,
    y_test: Any,
    *,
    size: int | None = None,
    cv: Any = 5,
    scoring: str | Callable | None = None,
    margin: float = 0.01,
    sample_weight: Any = None,
    groups: Any = None,
    n_jobs: int | None = None,
    random_state: Any = 0,
) -> Retraining:
    """Is a pruned model better than one that was trained at its size?

    Parameters
    ----------
    pruned : fitted PrunedClassifier or PrunedRegressor, or a native model that was pruned
        A tree, forest or LightGBM model.
    X, y : array-like, shape (n_rows, n_features), (n_rows,)
        The rows that the pruned model was fitted on, as it received them.
    X_test, y_test : array-like
        Rows that neither model has seen.
    size : int, optional
        Budget of leaves; those of the pruned model by default.
    cv : int, splitter or iterable
        Folds of the search.
    scoring : str or callable, optional
        Score of the search and of the comparison; ROC AUC (one-vs-rest for several classes) or R²
        by default.
    margin : float
        Of the verification: the loss that would not matter.
    sample_weight : array-like, shape (n_rows,), optional
        Weights of the training rows.
    groups : array-like, shape (n_rows,), optional
        For group splitters.
    n_jobs : int, optional
        Settings tried at the same time.
    random_state : int
        Seed of the verification's resamples, where it has any.

    Returns
    -------
    Retraining

    Raises
    ------
    UnsupportedModelError
        If the model is a network or a bare Booster, which cannot be trained anew from its settings.
    ValueError
        If the budget is below two leaves.

    Examples
    --------
    >>> from lightgbm import LGBMClassifier
    >>> from sklearn.datasets import load_breast_cancer
    >>> from treeprune import PrunedClassifier, compare_with_retraining
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> booster = LGBMClassifier(n_estimators=30, n_jobs=1, verbose=-1, random_state=0)
    >>> pruned = PrunedClassifier(booster, max_size=60, cv=3).fit(X[::2], y[::2])
    >>> found = compare_with_retraining(pruned, X[::2], y[::2], X[1::2], y[1::2], cv=3)
    >>> found.retrained_size <= found.pruned_size <= 60
    True
    >>> found.advice in ("prune", "train smaller", "either")
    True
    """
    model = native.unwrap(pruned)
    _check_trainable(model)
    budget = model_size(model) if size is None else int(size)
    if scoring is None:
        several = len(getattr(model, "classes_", ())) > 2
        scoring = ("roc_auc_ovr" if several else "roc_auc") if is_classifier(model) else "r2"
    base = native.unwrap(pruned.path_.model) if hasattr(pruned, "path_") else model
    retrained, settings, candidates = train_small(
        base,
        X,
        y,
        size=budget,
        cv=cv,
        scoring=scoring,
        sample_weight=sample_weight,
        groups=groups,
        n_jobs=n_jobs,
    )
    return Retraining(
        pruned=model,
        retrained=retrained,
        pruned_size=model_size(model),
        retrained_size=model_size(retrained),
        settings=settings,
        candidates=candidates,
        verification=verify(
            retrained,
            model,
            X_test,
            y_test,
            margin=margin,
            scoring=scoring,
            random_state=random_state,
        ),
    )


def model_size(model: Any) -> int:
    """Leaves of the trees of a model that split; 1 where none does.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from treeprune.retraining import model_size
    >>> model_size(DecisionTreeRegressor().fit([[0], [1]], [0, 1]))
    2
    """
    trees = native.read(model)
    return max(1, trees.n_leaves - trees.n_constant)


def train_small(
    model: Any,
    X: Any,
    y: Any,
    *,
    size: int,
    cv: Any = 5,
    scoring: str | Callable | None = None,
    sample_weight: Any = None,
    groups: Any = None,
    n_jobs: int | None = None,
) -> tuple[Any, dict[str, Any], pd.DataFrame]:
    """The best model of a kind with at most so many leaves, by cross-validation.

    Parameters
    ----------
    model : tree, forest or LightGBM model, fitted or not
        Its other settings are kept.
    X, y : array-like
        Training rows.
    size : int
        Most leaves, of all trees.
    cv, scoring, sample_weight, groups, n_jobs
        As in `compare_with_retraining`; scoring None is the Brier score or R².

    Returns
    -------
    model : fitted model
    settings : dict
        What was found.
    candidates : DataFrame
        A row a setting, best first: parameters, score, score_se.

    Notes
    -----
    Searched are, of boosters, leaves a tree (2, 4, 8, 16, 31), learning rate (.03, .1, .3) and
    rounds (all that the budget allows, half and a quarter of them); of forests the number of trees
    among which the leaves are shared; of a single tree its number of leaves.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from treeprune.retraining import train_small
    >>> X, y = load_diabetes(return_X_y=True)
    >>> small, settings, _ = train_small(RandomForestRegressor(random_state=0), X, y, size=40, cv=3)
    >>> settings["n_estimators"] * settings["max_leaf_nodes"] <= 40
    True
    """
    _check_trainable(model)
    if size < 2:
        raise ValueError(f"size={size} leaves no split; a model that splits has 2 leaves at least")
    grid = _grid(model, int(size), _trees_a_round(model, y))
    rows = Rows.of(X, y, sample_weight, groups)
    splitter = check_cv(cv, np.asarray(y), classifier=is_classifier(model))
    splits = list(splitter.split(np.zeros(len(rows)), rows.y, rows.groups))
    scorer = _scorer(model, scoring)
    tried = Parallel(n_jobs=n_jobs)(
        delayed(_tried)(model, settings, shares, rows, splits, scorer) for settings, shares in grid
    )
    table = pd.DataFrame([row for part in tried for row in part])
    if table["score"].isna().all():
        raise ValueError(
            "the score is not defined (NaN) in some fold, whatever the setting; give folds that "
            "hold every class, or another scoring"
        )
    # Of equal scores the setting that was listed first; undefined ones last.
    table = table.sort_values("score", ascending=False, kind="stable", ignore_index=True)
    names = [str(name) for name in table if name not in ("score", "score_se")]
    settings = {name: table[name].iloc[0].item() for name in names}
    return _fitted(native.with_settings(model, settings), rows), settings, table


def _check_trainable(model: Any) -> None:
    native.check_supported(model)
    if native.is_network(model) or not hasattr(model, "get_params"):
        raise UnsupportedModelError(
            f"a {type(model).__name__} cannot be trained anew at a number of leaves; give a tree, "
            "a forest, an LGBMClassifier or an LGBMRegressor, pruned or not"
        )


def _trees_a_round(model: Any, y: Any) -> int:
    """Trees that one round of boosting grows."""
    k = len(np.unique(np.asarray(y))) if is_classifier(model) else 2
    return k if k > 2 and native.family(model) == "booster" else 1


def _grid(model: Any, size: int, a_round: int) -> list[tuple[dict[str, Any], tuple[float, ...]]]:
    """Settings to fit, each with the shares of its rounds at which it is scored."""
    kind = native.family(model)
    if kind == "tree":
        found = sorted({k for k in (*LEAVES, 64, 128, 256, size) if k <= size})
        return [({"max_leaf_nodes": k}, (1.0,)) for k in found]
    if kind == "forest":
        counts = [n for n in TREES if 2 * n <= size]
        return [({"n_estimators": n, "max_leaf_nodes": size // n}, (1.0,)) for n in counts]
    # The first rounds of dart are not what a shorter training gives: it rescales old trees.
    shares = (1.0,) if native.rescales_trees(model) else SHARES
    out: list[tuple[dict[str, Any], tuple[float, ...]]] = []
    for leaves in LEAVES:
        rounds = min(MOST_ROUNDS, size // (leaves * a_round))
        for rate in RATES if rounds else ():
            settings = {"n_estimators": rounds, "num_leaves": leaves, "learning_rate": rate}
            out.append((settings, shares))
    if not out:
        raise ValueError(f"size={size} is less than one round of {a_round} trees of 2 leaves")
    return out


def _fitted(model: Any, rows: Rows) -> Any:
    given = {} if rows.weight is None else {"sample_weight": rows.weight}
    return model.fit(rows.X, rows.y, **given)


def _tried(
    model: Any,
    settings: dict[str, Any],
    shares: tuple[float, ...],
    rows: Rows,
    splits: Iterable[tuple[npt.NDArray, npt.NDArray]],
    scorer: Callable,
) -> list[dict[str, Any]]:
    """Mean score and its standard error over the folds, at each share of the rounds."""
    rounds = sorted({max(1, int(share * settings.get("n_estimators", 1))) for share in shares})
    scores = []
    for train, test in splits:
        fitted = _fitted(native.with_settings(model, settings), rows.take(train))
        asked = rounds if len(shares) > 1 else []
        scores.append(_at_rounds(fitted, asked, rows.take(test), scorer))
    table = np.array(scores)
    se = table.std(axis=0, ddof=1) / np.sqrt(len(table)) if len(table) > 1 else table[0] * np.nan
    out = []
    for i, n in enumerate(rounds if len(shares) > 1 else [None]):
        own = settings if n is None else {**settings, "n_estimators": n}
        out.append({**own, "score": float(table[:, i].mean()), "score_se": float(se[i])})
    return out


def _at_rounds(fitted: Any, rounds: list[int], held: Rows, scorer: Callable) -> list[float]:
    """Score of a model, or of its first rounds: those of training it with so many."""
    given = {}
    if held.weight is not None and takes_weights(scorer):
        given["sample_weight"] = held.weight

    def score() -> float:
        return float(scorer(fitted, held.X, held.y, **given))

    if not rounds:
        return [score()]
    out = []
    for n in rounds:
        with native.first_rounds(fitted, n):
            out.append(score())
    return out


def _scorer(model: Any, scoring: Any) -> Callable:
    """What scores a fitted model; None is the Brier score of classifiers and R²."""
    if scoring is None:
        return brier_score if is_classifier(model) else check_scoring(model, scoring="r2")
    return check_scoring(model, scoring=scoring)


def brier_score(model: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
    """Minus the mean squared distance of the probabilities to what happened."""
    hit = (np.asarray(y)[:, None] == model.classes_[None, :]).astype(np.float64)
    each = ((model.predict_proba(X) - hit) ** 2).sum(axis=1)
    return -float(np.average(each, weights=sample_weight))
