"""The models a sceptic would ask for, all fitted on the same training rows and model columns.

The pruned tree stands beside the tree as grown, a second way of pruning, a tree that was *grown*
small with tuned parameters, and a linear model: whoever signs for the pruned tree has to know
what else was possible.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from .. import native
from ..estimators import PrunedClassifier, PrunedRegressor
from ..exceptions import PrunedToRootWarning
from ..pruning import METHODS
from .columns import ModelColumns, encoder, model_columns, scaled
from .folds import check_folds, folds_of, rows_aside
from .intake import InputRefused
from .monotone import constraint_of, same_columns
from .sensitive import group_columns
from .stated import bounds_by_column
from .words import method_words, score_words

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from sklearn.pipeline import Pipeline

    from ..path import PruningPath
    from .stated import StatedLimit
    from .study import Study

__all__ = ["Fits", "Options", "Rival", "fit_rivals"]

SIZES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)


@dataclass(frozen=True)
class Options:
    """How the tree is pruned and the comparison made.

    Parameters
    ----------
    method : str
        Name of the pruning method.
    strength : str or float
        `auto`, `best`, `one_se` or a number.
    max_size : int or None
        Most leaves allowed.
    cv : int
        Number of folds.
    scoring : str or None
        Score by which the step is chosen and the rival is tuned; None is the Brier score or R².
    jobs : int
        Folds fitted at the same time.
    n_resamples : int
        Bootstrap resamples of the held-out rows.
    margin : float
        Loss of AUC (or R²) that would not matter, for the verdicts.
    refits : int
        Refits of each model for its stability (half as many on more than 5,000 rows); 0 leaves
        interpretability out.
    limits : tuple of StatedLimit
        How far groups may be apart. They change no model: the report says what they would cost.

    Examples
    --------
    >>> Options().margin
    0.02
    """

    method: str = "cost_complexity"
    strength: str | float = "auto"
    max_size: int | None = None
    cv: int = 5
    scoring: str | None = None
    jobs: int = 1
    n_resamples: int = 2000
    margin: float = 0.02
    refits: int = 10
    limits: tuple[StatedLimit, ...] = ()


@dataclass(frozen=True, eq=False)
class Rival:
    """A fitted model: its key, name, what was done, and its tree where it is one.

    Examples
    --------
    >>> Rival("grown", "as grown", "", None, None).label
    'as grown'
    """

    key: str
    label: str
    detail: str
    model: Any
    tree: Any


@dataclass(frozen=True, eq=False)
class Fits:
    """All rivals, and what they share.

    Parameters
    ----------
    pipeline : Pipeline
        The encoder and the pruned tree: takes raw columns.
    columns : ModelColumns
        What the encoder's columns are.
    Z_train, Z_test : DataFrame
        Training and held-out rows as the models receive them.
    rivals : tuple of Rival
        As grown, pruned, pruned otherwise, grown small, linear.

    Examples
    --------
    >>> Fits.__dataclass_fields__["rivals"].name
    'rivals'
    """

    pipeline: Pipeline
    columns: ModelColumns
    Z_train: pd.DataFrame
    Z_test: pd.DataFrame
    rivals: tuple[Rival, ...]

    @property
    def path(self) -> PruningPath:
        """The pruning path of the pruned tree."""
        return self.pipeline[-1].path_

    @property
    def tree(self) -> Any:
        """The pruned tree as scikit-learn knows it."""
        pruned = self.pipeline[-1]
        return getattr(pruned, "estimator_", pruned)

    def whole(self, model: Any) -> Pipeline:
        """A model behind the preprocessing that all of them share: takes raw columns."""
        steps = [step for _, step in getattr(model, "steps", [("", model)])]
        return make_pipeline(*(step for _, step in self.pipeline.steps[:-1]), *steps)

    def rival(self, key: str) -> Rival:
        """The rival of that key."""
        return next(r for r in self.rivals if r.key == key)


def fit_rivals(study: Study, options: Options, say: Callable[[str], None] = lambda _: None) -> Fits:
    """Fit the pruned tree and its rivals on the training rows.

    Parameters
    ----------
    study : Study
    options : Options
    say : callable
        Told what is being done, for a progress display.

    Returns
    -------
    Fits

    Raises
    ------
    InputRefused
        If a class has fewer training rows than there are folds, a fold by identifier or time lacks
        a class, or a limit is stated that cannot be weighed.

    Notes
    -----
    Folds are drawn as the rows were held out: by class, by identifier or forward in time. Stated
    orders (`study.monotone`) are kept by every tree, and by no linear model.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report.intake import Table
    >>> from treeprune.report.study import study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> fits = fit_rivals(study_of(Table(frame, ""), name="toy", target="y"), Options(cv=2))
    >>> [rival.key for rival in fits.rivals]
    ['grown', 'pruned', 'pruned_other', 'grown_small', 'linear']
    """
    _check_method(study, options)
    check_folds(study, options.cv)
    _check_limits(study, options)
    say("encoding columns")
    transformer, tree = _encoder(study), _tree(study)
    if study.monotone:
        known = model_columns(clone(transformer).fit(study.X_train))
        tree.set_params(monotonic_cst=constraint_of(study.monotone, known))
    folds = f", {options.cv} folds" if uses_folds(options) else ""
    say(f"pruning by {method_words(options.method)}{folds}")
    pruned = _pruned(study, tree, options.method, options)
    pipeline = make_pipeline(transformer, pruned)
    together = {} if study.groups is None else {"groups": study.groups}
    words = {f"{pipeline.steps[-1][0]}__{name}": value for name, value in together.items()}
    pipeline.fit(study.X_train, study.y_train, **words)
    Z_train, Z_test = (pipeline[0].transform(X) for X in (study.X_train, study.X_test))
    fits = Fits(pipeline, model_columns(pipeline[0]), Z_train, Z_test, ())
    grown = f"at least {study.min_samples_leaf} training rows a leaf"
    return with_rivals(study, options, fits, tree, grown, say)


def with_rivals(
    study: Study,
    options: Options,
    fits: Fits,
    tree: Any,
    grown_words: str,
    say: Callable[[str], None] = lambda _: None,
) -> Fits:
    """Fit what the pruned tree is weighed against, through the same preprocessing.

    Parameters
    ----------
    study : Study
    options : Options
    fits : Fits
        With the pruned tree at the end of its pipeline, without rivals.
    tree : estimator
        What is grown and pruned, not fitted.
    grown_words : str
        How the tree was grown.
    say : callable
        Told what is being done, for a progress display.

    Returns
    -------
    Fits
        With all rivals.
    """
    pruned, together = fits.pipeline[-1], {} if study.groups is None else {"groups": study.groups}
    other_name = "cost_complexity" if options.method == "reduced_error" else "reduced_error"
    say(f"pruning by {method_words(other_name)}")
    plain = Options(other_name, cv=options.cv, scoring=options.scoring, jobs=options.jobs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrunedToRootWarning)  # its size is in the tables
        other = _pruned(study, tree, other_name, plain)
        other.fit(fits.Z_train, study.y_train, **together)
    say("growing small trees (grid search)")
    small, small_detail = _grown_small(study, tree, fits.path, options, fits.Z_train)
    say("fitting the linear model")
    linear = scaled(fits.columns, _linear(study)).fit(fits.Z_train, study.y_train)
    grown = fits.path.model
    rivals = (
        Rival("grown", "as grown", grown_words, grown, grown),
        Rival("pruned", f"pruned ({method_words(options.method)})",
              _detail(study, pruned, options.method), pruned, fits.tree),
        Rival("pruned_other", f"pruned ({method_words(other_name)})",
              _detail(study, other, other_name), other, other.estimator_),
        Rival("grown_small", "grown small", small_detail, small, small),
        Rival("linear", "logistic" if study.is_classification else "linear (ridge)",
              _linear_detail(study), linear, None),
    )  # fmt: skip
    return replace(fits, rivals=rivals)


def uses_folds(options: Options) -> bool:
    """Whether the size is chosen by cross-validation.

    Examples
    --------
    >>> uses_folds(Options()), uses_folds(Options("pessimistic"))
    (True, False)
    """
    rule = METHODS[options.method].rule if options.strength == "auto" else options.strength
    return rule in ("best", "one_se")


def _check_method(study: Study, options: Options) -> None:
    task = "classification" if study.is_classification else "regression"
    if task not in METHODS[options.method].tasks:
        possible = ", ".join(name for name, row in METHODS.items() if task in row.tasks)
        raise InputRefused(f"{options.method} is not defined for {task}; possible are {possible}")


def _check_limits(study: Study, options: Options) -> None:
    """Refuse limits that could not be answered, before anything is fitted."""
    if options.limits and study.task != "binary":
        raise InputRefused(
            f"--limit needs a target with two classes; {study.target} is {study.task}"
        )
    bounds_by_column(options.limits, group_columns(study))


def _encoder(study: Study) -> Any:
    transformer = encoder(study.X_train, study.min_samples_leaf)
    return same_columns(transformer, study.X_train) if study.monotone else transformer


def _tree(study: Study) -> Any:
    kind = DecisionTreeClassifier if study.is_classification else DecisionTreeRegressor
    return kind(min_samples_leaf=study.min_samples_leaf, random_state=study.seed)


def _linear(study: Study) -> Any:
    return LogisticRegression(max_iter=2000) if study.is_classification else Ridge()


def _linear_detail(study: Study) -> str:
    orders = "; keeps no stated order" if study.monotone else ""
    return f"same columns; numbers imputed and scaled; penalty at its default{orders}"


def _pruned(study: Study, tree: Any, method: str, options: Options) -> Any:
    kind = PrunedClassifier if study.is_classification else PrunedRegressor
    return kind(
        tree,
        method=method,
        strength=options.strength,
        max_size=options.max_size,
        scoring=options.scoring,
        risk=_risk(study, method),
        cv=folds_of(study, options.cv),
        validation=rows_aside(study),
        n_jobs=options.jobs,
        random_state=study.seed,
    )


def _risk(study: Study, method: str) -> str | None:
    """Reduced error by Brier score: plain errors cannot see a rare class and end at the root."""
    return "brier" if method == "reduced_error" and study.is_classification else None


def _detail(study: Study, pruned: Any, method: str) -> str:
    """What a hold-out method did with the training rows."""
    if not METHODS[method].needs_holdout:
        return ""
    n_grown = int(native.read(pruned.path_.model).n_rows[0])
    by = f", by {score_words(pruned.risk)}" if pruned.risk else ""
    return (
        f"grown on {n_grown} training rows, pruned on the other {len(study.y_train) - n_grown}{by}"
    )


def _brier_score(model: Any, Z: pd.DataFrame, y: Any) -> float:
    """Minus the Brier score, the half of the squared distance summed over classes."""
    hit = (np.asarray(y)[:, None] == model.classes_[None, :]).astype(float)
    return -float(((model.predict_proba(Z) - hit) ** 2).sum(axis=1).mean() / 2)


def _grown_small(
    study: Study, tree: Any, path: PruningPath, options: Options, Z: pd.DataFrame
) -> tuple[Any, str]:
    """The best tree over a grid of leaf limits, by the same score and number of folds."""
    grown, least = int(path.size[0]), study.min_samples_leaf
    sizes = sorted({s for s in SIZES if s < grown} | {max(2, grown)})
    if options.max_size is not None:
        sizes = [s for s in sizes if s <= max(2, options.max_size)]
    leaves = sorted({max(1, least // 2), least, 2 * least})
    search = GridSearchCV(
        tree,
        {"max_leaf_nodes": sizes, "min_samples_leaf": leaves},
        scoring=options.scoring or (_brier_score if study.is_classification else "r2"),
        cv=folds_of(study, options.cv),
        n_jobs=options.jobs,
    ).fit(Z, study.y_train, groups=study.groups)
    best = search.best_params_
    detail = (
        f"best of {len(sizes) * len(leaves)} settings by {options.cv}-fold "
        f"{score_words(options.scoring or ('brier' if study.is_classification else 'r2'))}: "
        f"at most {best['max_leaf_nodes']} leaves of at least {best['min_samples_leaf']} rows"
    )
    return search.best_estimator_, detail
