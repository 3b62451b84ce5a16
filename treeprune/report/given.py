"""A report on a model that is already fitted: its own tree, path and preprocessing.

The rivals are fitted here, on the training rows and through the model's own preprocessing, so that
they are given nothing else than the model was.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from ..explain.features import FeatureMap
from .collect import report_of
from .columns import ModelColumns
from .making import Report, stamp
from .rivals import Fits, Options, with_rivals
from .study import Costs, Study, Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from ..decision import Decision

__all__ = ["report"]


def report(
    model: Any,
    X: pd.DataFrame,
    y: Any,
    *,
    X_train: pd.DataFrame,
    y_train: Any,
    decision: Decision | None = None,
    sensitive: pd.DataFrame | None = None,
    excluded: Mapping[str, str] | None = None,
    limits: Sequence[str] = (),
    words: Words | None = None,
    name: str = "model",
    refits: int = 10,
    margin: float = 0.02,
    random_state: int = 0,
    n_jobs: int = 1,
) -> Report:
    """What a fitted pruned tree does on held-out rows, against what else was possible.

    Parameters
    ----------
    model : fitted estimator
        `PrunedClassifier`, `PrunedRegressor` (over a decision tree), `PrunedTreeClassifier` or
        `PrunedTreeRegressor`, alone or at the end of a Pipeline.
    X : DataFrame, shape (n_rows, n_columns)
        Held-out rows, raw columns, which nothing was chosen by.
    y : array-like, shape (n_rows,)
        Their outcome: 0, 1, … for classes, as the model was fitted; numbers for regression.
    X_train, y_train : DataFrame, array-like
        The rows that the model was fitted on: rivals and refits are fitted on them as well.
    decision : Decision, optional
        What a probability means; its adverse class must be 1.
    sensitive : DataFrame, optional
        Of the held-out rows, columns that groups are compared by.
    excluded : mapping of str to str
        Columns that the model was not given, each with the reason.
    limits : sequence of str
        What the data cannot say, to be repeated in the report.
    words : Words, optional
        How decision, outcome and errors are said; else from the decision.
    name : str
        What the report calls the data.
    refits : int
        Refits of each model for its stability; 0 leaves interpretability out.
    margin : float
        Loss of AUC (or R²) that would not matter, for the verdicts.
    random_state : int
        Seed of resamples, of rivals and of refits.
    n_jobs : int
        Folds and refits fitted at the same time.

    Returns
    -------
    Report

    Raises
    ------
    TypeError
        If rows are no DataFrames, or the model is no fitted pruned tree.
    ValueError
        If classes are not 0, 1, …, or the adverse class is not 1.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import PrunedClassifier
    >>> from treeprune.datasets import load_hmda
    >>> X, y = load_hmda(return_X_y=True)
    >>> X = X.select_dtypes("number")
    >>> tree = DecisionTreeClassifier(min_samples_leaf=20, random_state=0)
    >>> model = PrunedClassifier(tree, cv=3).fit(X[:1500], y[:1500])
    >>> told = report(model, X[1500:], y[1500:], X_train=X[:1500], y_train=y[:1500], refits=0)
    >>> told.to_text().splitlines()[0].split("  ")[0]
    'model, PRUNED TREE'
    """
    steps = getattr(model, "steps", [("", model)])
    pruned = steps[-1][1]
    _check_model(pruned)
    for rows in (X, X_train):
        if not isinstance(rows, pd.DataFrame):
            raise TypeError(
                f"X and X_train must be DataFrames, as the report speaks of columns; got "
                f"{type(rows).__name__}"
            )
    study = _study(pruned, X, y, X_train, y_train, name, random_state)
    study = replace(
        study,
        excluded=(*(excluded or {}).items(), *_left_out(sensitive, X, excluded or {})),
        limits=tuple(limits),
        sensitive=None if sensitive is None else sensitive.reset_index(drop=True),
    )
    if decision is not None:
        study = _decided(study, decision)
    if words is not None:
        study = replace(study, words=words)
    options = _options(pruned, X_train, y_train, refits, margin, n_jobs)
    fits = _fits(steps, study)
    grown = fits.path.model
    fits = with_rivals(study, options, fits, clone(grown), " ".join(f"{grown!r}".split()))
    return Report({**report_of(study, fits, options), "made": stamp(fits)})


def _check_model(pruned: Any) -> None:
    path = getattr(pruned, "path_", None)
    if path is None or not hasattr(getattr(path, "model", None), "tree_"):
        raise TypeError(
            f"a report needs a fitted pruned decision tree, got {type(pruned).__name__}; fit "
            "PrunedClassifier or PrunedRegressor over a tree, PrunedTreeClassifier or "
            "PrunedTreeRegressor, alone or at the end of a Pipeline"
        )


def _study(
    pruned: Any,
    X: pd.DataFrame,
    y: Any,
    X_train: pd.DataFrame,
    y_train: Any,
    name: str,
    seed: int,
) -> Study:
    target = str(getattr(y, "name", None) or "y")
    y, y_train = np.asarray(y), np.asarray(y_train)
    classes = getattr(pruned, "classes_", None)
    task = "regression" if classes is None else "binary" if len(classes) == 2 else "multiclass"
    if classes is not None:
        _check_classes(classes)
    labels = () if classes is None else tuple(map(str, classes))
    return Study(
        name=name,
        target=target,
        task=task,
        X_train=X_train.reset_index(drop=True),
        X_test=X.reset_index(drop=True),
        y_train=y_train if classes is None else y_train.astype(np.int64),
        y_test=y if classes is None else y.astype(np.int64),
        test_rows=np.arange(len(X)),
        labels=labels,
        task_said=_task_said(task, target, labels),
        words=Words(hit=f"had {target} = 1", miss=f"had {target} = 0"),
        split="given",
        split_said="held out: rows that were given as such; rows are numbered as there",
        seed=seed,
        sha256=_hash(X_train, y_train, X, y),
    )


def _task_said(task: str, target: str, labels: tuple[str, ...]) -> str:
    if task == "regression":
        return f"regression: {target} is a number"
    if task == "binary":
        return f"classification: P is the probability that {target} is 1"
    return f"classification: {target} is one of {len(labels)} classes"


def _hash(*tables: Any) -> str:
    """Of the values of all rows, training rows first."""
    digest = hashlib.sha256()
    for table in tables:
        hashed = pd.util.hash_pandas_object(pd.DataFrame(table), index=False)
        digest.update(hashed.to_numpy().tobytes())
    return digest.hexdigest()


def _check_classes(classes: npt.NDArray) -> None:
    if not np.array_equal(classes, np.arange(len(classes))):
        raise ValueError(
            f"classes must be 0, 1, …; the model's are {list(classes)}: map the outcome to these, "
            "two classes so that 1 is the adverse one, and fit again"
        )


def _left_out(
    sensitive: pd.DataFrame | None, X: pd.DataFrame, said: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Sensitive columns that the model was not given, if nothing else was said of them."""
    names = () if sensitive is None else sensitive.columns
    return [(str(c), "sensitive") for c in names if c not in X.columns and c not in said]


def _decided(study: Study, decision: Decision) -> Study:
    if study.task != "binary" or decision.adverse != 1:
        raise ValueError(
            f"a decision is about two classes, of which 1 is adverse; the model is {study.task}, "
            f"and adverse is {decision.adverse!r}"
        )
    cutoff = float(decision.cutoff or 0.5)
    costs = decision.costs if isinstance(decision.costs, dict) else None
    if costs is None:
        found = Costs((1 - cutoff) / cutoff, 1.0, "as the cut-off implies")
    else:
        found = Costs(costs["miss"], costs["false_alarm"], "as the decision says")
    words = Words(
        acts=f"{decision.adverse_word.capitalize()}:",
        act=decision.adverse_word,
        acted=decision.adverse_word,
        passed=decision.favourable_word,
        let=decision.favourable_word,
        hit=f"had {study.target} = 1",
        miss=f"had {study.target} = 0",
    )
    return replace(study, costs=found, words=words, decision=decision)


def _options(
    pruned: Any, X: pd.DataFrame, y: Any, refits: int, margin: float, n_jobs: int
) -> Options:
    """The options that the model itself was fitted with."""
    cv = pruned.cv if isinstance(pruned.cv, int) else None
    folds = cv or (5 if pruned.cv is None else pruned.cv.get_n_splits(X, y))
    return Options(
        method=pruned.method if isinstance(pruned.method, str) else pruned.method.name,
        strength=pruned.strength,
        max_size=pruned.max_size,
        cv=folds,
        scoring=pruned.scoring if isinstance(pruned.scoring, str) else None,
        jobs=n_jobs,
        margin=margin,
        refits=refits,
    )


def _fits(steps: list[tuple[str, Any]], study: Study) -> Fits:
    """The model, and rows as its tree receives them."""
    whole = make_pipeline(*(step for _, step in steps))
    before = whole[:-1] if len(steps) > 1 else None
    raw = FeatureMap.of(before, study.X_train).groups
    columns = ModelColumns(tuple(map(str, raw)), tuple(raw), (), {})
    Z_train, Z_test = (_dense(before, X) for X in (study.X_train, study.X_test))
    return Fits(whole, columns, Z_train, Z_test, ())


def _dense(before: Any, X: pd.DataFrame) -> Any:
    Z: Any = X if before is None else before.transform(X)
    return Z.toarray() if sparse.issparse(Z) else Z
