"""The models a sceptic would ask for, all fitted on the same training rows and model columns.

The pruned model stands beside the model as grown, a second way of pruning, a model that was
*trained* small with tuned parameters, and a linear model: whoever signs for the pruned model has to
know what else was possible. Which models there are is said in `models`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from .. import native
from ..estimators import PrunedClassifier, PrunedRegressor, recipe_of
from ..exceptions import PrunedToRootWarning
from ..pruning import METHODS, pruning_path
from ..selection import Rows, holdout
from .columns import ModelColumns, encoder, model_columns, prepared_columns, scaled
from .folds import check_folds, folds_of, rows_aside
from .intake import InputRefused
from .models import KINDS, ModelKind, kind_of
from .monotone import constraint_of, same_columns
from .sensitive import group_columns
from .stated import bounds_by_column
from .words import amount, method_words, score_words

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from sklearn.pipeline import Pipeline

    from ..path import PruningPath
    from .stated import StatedLimit
    from .study import Study

__all__ = ["Fits", "Options", "Rival", "fit_rivals"]


SPREAD = (0.05, 100.0)  # standard deviation of a target that a network gets to
DROP_TREES = ("l1", "truncate")  # methods that take whole trees out of a forest
FARTHEST = 5  # standard deviations from 0 to its mean, at most


@dataclass(frozen=True)
class Options:
    """What is pruned and how, and how the comparison is made.

    Parameters
    ----------
    method : str
        Name of the pruning method; "auto" is the first one of the kind of model.
    strength : str or float
        `auto`, `best`, `one_se` or a number.
    max_size : int or None
        Most leaves (of a network: weights) allowed.
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
    model : {"tree", "forest", "lightgbm", "mlp"}
        What is grown and pruned.

    Examples
    --------
    >>> Options().margin
    0.02
    """

    method: str = "auto"
    strength: str | float = "auto"
    max_size: int | None = None
    cv: int = 5
    scoring: str | None = None
    jobs: int = 1
    n_resamples: int = 2000
    margin: float = 0.02
    refits: int = 10
    limits: tuple[StatedLimit, ...] = ()
    model: str = "tree"

    @property
    def pruned_by(self) -> str:
        """The pruning method, which may depend on the model.

        Examples
        --------
        >>> Options().pruned_by, Options(model="mlp").pruned_by, Options("pessimistic").pruned_by
        ('cost_complexity', 'magnitude', 'pessimistic')
        """
        return KINDS[self.model].method if self.method == "auto" else self.method


@dataclass(frozen=True, eq=False)
class Rival:
    """A fitted model: its key, name, what was done, and the native model; None of a linear one.

    Examples
    --------
    >>> Rival("grown", "as grown", "", None, None).label
    'as grown'
    """

    key: str
    label: str
    detail: str
    model: Any
    native: Any


@dataclass(frozen=True, eq=False)
class Fits:
    """All rivals, and what they share.

    Parameters
    ----------
    pipeline : Pipeline
        The preprocessing and the pruned model: takes raw columns.
    columns : ModelColumns
        What the columns are that the model receives.
    Z_train, Z_test : DataFrame
        Training and held-out rows as the models receive them.
    rivals : tuple of Rival
        As grown, pruned, pruned otherwise, grown (or trained) small, linear.

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
        """The pruning path of the pruned model."""
        return self.pipeline[-1].path_

    @property
    def kind(self) -> ModelKind:
        """What kind of model it is."""
        return kind_of(self.path.model)

    @property
    def native(self) -> Any:
        """The pruned model as its own library knows it."""
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
    """Fit the pruned model and its rivals on the training rows.

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
        a class, the model does not have the method or cannot keep stated orders, a network would be
        trained on a target far from 0 and 1, or a limit is stated that cannot be weighed.

    Notes
    -----
    Folds are drawn as the rows were held out: by class, by identifier or forward in time. Stated
    orders (`study.monotone`) are kept by every model of trees, and by no linear model.

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
    kind = KINDS[options.model]
    _check_method(study, options)
    check_folds(study, options.cv)
    _check_limits(study, options)
    _check_target(study, kind)
    say("encoding columns")
    steps, start = _preprocessing(study, kind), _start(study, kind)
    _check_size(start, kind, options)
    folds = f", {options.cv} folds" if uses_folds(options) else ""
    say(f"pruning by {method_words(options.pruned_by)}{folds}")
    pruned = _pruned(study, start, options.pruned_by, options)
    pipeline = make_pipeline(*steps, pruned)
    together = {} if study.groups is None else {"groups": study.groups}
    words = {f"{pipeline.steps[-1][0]}__{name}": value for name, value in together.items()}
    pipeline.fit(study.X_train, study.y_train, **words)
    Z_train, Z_test = (pipeline[:-1].transform(X) for X in (study.X_train, study.X_test))
    columns = model_columns(pipeline[0])
    if kind.prepared:
        columns = prepared_columns(columns, pipeline[1])
    fits = Fits(pipeline, columns, Z_train, Z_test, ())
    return with_rivals(study, options, fits, start, kind.grown(start, study), say)


def with_rivals(
    study: Study,
    options: Options,
    fits: Fits,
    start: Any,
    grown_words: str,
    say: Callable[[str], None] = lambda _: None,
) -> Fits:
    """Fit what the pruned model is weighed against, through the same preprocessing.

    Parameters
    ----------
    study : Study
    options : Options
    fits : Fits
        With the pruned model at the end of its pipeline, without rivals.
    start : estimator
        What is grown and pruned, not fitted.
    grown_words : str
        How the model was grown.
    say : callable
        Told what is being done, for a progress display.

    Returns
    -------
    Fits
        With all rivals.
    """
    pruned, together = fits.pipeline[-1], {} if study.groups is None else {"groups": study.groups}
    kind = fits.kind
    other_name = kind.other(options.pruned_by)
    say(f"pruning by {method_words(other_name)}")
    most, no_smaller = _cap(fits, other_name, options)
    plain = Options(
        other_name,
        max_size=most,
        cv=options.cv,
        scoring=options.scoring,
        jobs=options.jobs,
        model=kind.key,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrunedToRootWarning)  # its size is in the tables
        other = _pruned(study, start, other_name, plain)
        other.fit(fits.Z_train, study.y_train, **together)
    say(f"{kind.small_doing} (grid search)")
    size = int(fits.path.size[pruned.step_])
    small, small_detail = kind.small(study, start, fits.path, size, options, fits.Z_train)
    say("fitting the linear model")
    linear = scaled(fits.columns, _linear(study), _categories(fits.Z_train))
    linear.fit(fits.Z_train, study.y_train)
    grown = fits.path.model
    rivals = (
        Rival("grown", "as grown", grown_words, grown, grown),
        Rival("pruned", f"pruned ({method_words(options.pruned_by)})",
              _detail(study, fits, pruned, options.pruned_by), pruned, fits.native),
        Rival("pruned_other", f"pruned ({method_words(other_name)})",
              _detail(study, fits, other, other_name) or no_smaller, other, other.estimator_),
        Rival("grown_small", kind.small_words, small_detail, small, small),
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
    rule = METHODS[options.pruned_by].rule if options.strength == "auto" else options.strength
    return rule in ("best", "one_se")


def _check_method(study: Study, options: Options) -> None:
    """Refuse what the kind of model cannot do, before anything is fitted."""
    kind = KINDS[options.model]
    kind.check_method(options.pruned_by, "classification" if study.labels else "regression")
    if study.monotone and kind.orders is None:
        possible = ", ".join(row.key for row in KINDS.values() if row.orders)
        raise InputRefused(
            f"--monotone: a {kind.word} keeps no stated order; possible are models of trees "
            f"({possible})"
        )


def _check_size(start: Any, kind: ModelKind, options: Options) -> None:
    """Refuse fewer leaves than a forest has trees, where the method takes no tree out."""
    most, method = options.max_size, options.pruned_by
    if kind.word != "forest" or most is None or method in DROP_TREES:
        return
    n = start.get_params()["n_estimators"]
    if most < n:
        raise InputRefused(
            f"--max-size {most}: {method_words(method)} pruning leaves each of the {n} trees of "
            f"the forest a leaf at least; give --max-size {n} or more, or a --method that takes "
            f"whole trees out: {' or '.join(DROP_TREES)}"
        )


def _cap(fits: Fits, method: str, options: Options) -> tuple[int | None, str]:
    """Most leaves of an ensemble pruned otherwise, and what is said if it has no model so small.

    A cap on one of them alone would set a small model against a large one.
    """
    most, trees = options.max_size, fits.path.trees
    if most is None or trees is None or trees.n_trees == 1:
        return None, ""
    smallest = 1 if trees.is_boosted else trees.n_trees
    if method in DROP_TREES:
        smallest = int(pruning_path(fits.path.model, method=method).size[-1])
    if smallest <= most:
        return most, ""
    return smallest, f"none is as small as {amount(most)}; this is the smallest, {amount(smallest)}"


def _check_target(study: Study, kind: ModelKind) -> None:
    """Refuse numbers that a network, which is trained on them as they are, would not get to."""
    if not kind.prepared or study.is_classification:
        return
    mean, spread = float(study.y_train.mean()), float(study.y_train.std())
    least, most = SPREAD
    if not least <= spread <= most or abs(mean) > FARTHEST * spread:
        others = ", ".join(row.key for row in KINDS.values() if not row.prepared)
        raise InputRefused(
            f"--model {kind.key} is trained on the target as it is, and {study.target} has a mean "
            f"of {mean:.4g} and a standard deviation of {spread:.4g}; scale the column (subtract "
            f"the one, divide by the other), or take another --model: {others}"
        )


def _check_limits(study: Study, options: Options) -> None:
    """Refuse limits that could not be answered, before anything is fitted."""
    if options.limits and study.task != "binary":
        raise InputRefused(
            f"--limit needs a target with two classes; {study.target} is {study.task}"
        )
    bounds_by_column(options.limits, group_columns(study))


def _preprocessing(study: Study, kind: ModelKind) -> list[Any]:
    """What stands before the model, not fitted: the encoder, and scaling where it is needed."""
    transformer = encoder(study.X_train, study.min_samples_leaf)
    if study.monotone:
        transformer = same_columns(transformer, study.X_train)
    if not kind.named:
        transformer.set_output(transform="default")
    if not kind.prepared:
        return [transformer]
    known = model_columns(clone(transformer).fit(study.X_train))
    return [transformer, scaled(known, None)[0]]


def _start(study: Study, kind: ModelKind) -> Any:
    """The model, not fitted, with stated orders."""
    start = kind.start(study)
    if study.monotone:
        transformer = same_columns(encoder(study.X_train, study.min_samples_leaf), study.X_train)
        known = model_columns(transformer.fit(study.X_train))
        start.set_params(**{str(kind.orders): constraint_of(study.monotone, known)})
    return start


def _linear(study: Study) -> Any:
    return LogisticRegression(max_iter=2000) if study.is_classification else Ridge()


def _categories(Z: Any) -> list[int]:
    """Positions of the columns that a booster takes as categories, which no linear model does."""
    dtypes = getattr(Z, "dtypes", [])
    return [j for j, dtype in enumerate(dtypes) if str(dtype) == "category"]


def _linear_detail(study: Study) -> str:
    orders = "; keeps no stated order" if study.monotone else ""
    return f"same columns; numbers imputed and scaled; penalty at its default{orders}"


def _pruned(study: Study, start: Any, method: str, options: Options) -> Any:
    kind = PrunedClassifier if study.is_classification else PrunedRegressor
    return kind(
        start,
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


def _detail(study: Study, fits: Fits, pruned: Any, method: str) -> str:
    """What a hold-out method did with the training rows."""
    if not METHODS[method].needs_holdout:
        return ""
    n_grown = grown_rows(study, fits, pruned)
    by = f", by {score_words(pruned.risk)}" if pruned.risk else ""
    return (
        f"grown on {n_grown} training rows, pruned on the other {len(study.y_train) - n_grown}{by}"
    )


def grown_rows(study: Study, fits: Fits, pruned: Any) -> int:
    """Training rows that a pruned model was grown on: all, or those its method leaves.

    Parameters
    ----------
    study : Study
    fits : Fits
    pruned : fitted pruned model

    Returns
    -------
    int

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Table, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> fits = fit_rivals(study, Options(cv=2))
    >>> [grown_rows(study, fits, fits.rival(k).model) for k in ("pruned", "pruned_other")]
    [56, 42]
    """
    model = pruned.path_.model
    if not native.is_network(model):
        trees = native.read(model)
        if trees.n_trees == 1:
            return int(trees.n_rows[0])
    recipe = recipe_of(clone(pruned), study.y_train)
    if not recipe.method.needs_holdout:
        return len(study.y_train)
    rows = Rows(fits.Z_train, study.y_train, None, study.groups)
    return len(holdout(rows, recipe.validation, recipe.classes is not None, recipe.seed)[0])
