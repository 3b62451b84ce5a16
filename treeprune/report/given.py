"""A report on a model that is already fitted: its own path and preprocessing.

The rivals are fitted here, on the training rows and through the model's own preprocessing, so that
they are given nothing else than the model was.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils import column_or_1d

from ..decision import Decision
from ..explain.features import FeatureMap
from .coded import codes_of, label_order, twin_of
from .collect import report_of
from .columns import ModelColumns
from .fitted import as_received, opened, shared_rows, training_notes
from .making import Report, stamp
from .models import kind_of
from .rivals import Fits, Options, with_rivals
from .study import Costs, Study, Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    from sklearn.pipeline import Pipeline

__all__ = ["report"]


def report(
    model: Any,
    X: pd.DataFrame,
    y: Any,
    *,
    X_train: pd.DataFrame,
    y_train: Any,
    decision: Decision | None = None,
    sensitive: pd.DataFrame | pd.Series | None = None,
    excluded: Mapping[str, str] | None = None,
    limits: Sequence[str] = (),
    words: Words | None = None,
    name: str = "model",
    refits: int = 10,
    margin: float = 0.02,
    random_state: int = 0,
    n_jobs: int = 1,
) -> Report:
    """What a fitted pruned model does on held-out rows, against what else was possible.

    Parameters
    ----------
    model : fitted estimator
        `PrunedClassifier`, `PrunedRegressor` (over a tree, forest, booster or network),
        `PrunedTreeClassifier` or `PrunedTreeRegressor`, alone or at the end of a Pipeline; or a
        search over one of these, of which the best one is taken.
    X : DataFrame, shape (n_rows, n_columns)
        Held-out rows, raw columns, which nothing was chosen by.
    y : array-like, shape (n_rows,)
        Their outcome: any labels that the model was fitted on; numbers for regression.
    X_train, y_train : DataFrame, array-like
        The rows that the model was fitted on: rivals and refits are fitted on them as well.
    decision : Decision, optional
        What a probability means. Without one, P is that of the last of two classes, and the
        likelier class is decided.
    sensitive : DataFrame or Series, optional
        Of the held-out rows, columns that groups are compared by; else those of `X` that the
        decision calls sensitive. The report says whether the model takes them.
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
        If rows are no DataFrames, the decision is no Decision, or the model is no pruned one.
    NotFittedError
        If the model is not fitted.
    ValueError
        If the model was fitted on other rows than `X_train`, most of `X` are among these, a class
        has no held-out row, outcomes are none of the model's classes, rows and outcomes do not
        belong together, or a model of other labels than 0, 1, … cannot be fitted once more.

    Notes
    -----
    Classes are counted from 0, two of them so that 1 is the adverse one. A model of other labels
    is fitted once more on codes, and the report is about this twin if it says the same of all
    rows to within 1e-12; a note in the report says so.

    Of a cost matrix only differences matter: what an error costs beyond the right decision.

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
    steps = opened(model)
    X, X_train = _tables(X, X_train)
    y, y_train, target = _outcome(y, X, "y"), _outcome(y_train, X_train, "y_train"), _name_of(y)
    if decision is not None and not isinstance(decision, Decision):
        raise TypeError(
            f"decision must be a Decision, got {type(decision).__name__}: Decision(adverse=…, "
            "costs=… or cutoff=…)"
        )
    groups = _sensitive(sensitive, decision, X)
    whole = make_pipeline(*(step for _, step in steps))
    grown_words = " ".join(f"{whole[-1].path_.model!r}".split())
    study = Study(
        name=name,
        target=target,
        task="regression",
        X_train=X_train.reset_index(drop=True),
        X_test=X.reset_index(drop=True),
        y_train=y_train,
        y_test=y,
        test_rows=np.arange(len(X)),
        task_said=f"regression: {target} is a number",
        limits=tuple(limits),
        sensitive=groups,
        split="given",
        split_said="held out: rows that were given as such; rows are numbered as there",
        seed=random_state,
        sha256=_hash(X_train, y_train, X, y),
    )
    study, labels = _told(study, whole[-1], decision)
    notes = [*_leak_notes(X, X_train), *training_notes(_before(whole), whole[-1], X_train, y_train)]
    if labels != list(range(len(labels))):  # False and True are 0 and 1
        whole = twin_of(whole, labels, X_train, y_train, X)
        notes.append(_coded_note(study.labels, len(X) + len(X_train)))
    study = replace(study, notes=tuple(notes), words=words or study.words)
    fits, study = _fits(whole, study, excluded or {})
    options = _options(whole[-1], study, refits, margin, n_jobs)
    fits = with_rivals(study, options, fits, clone(fits.path.model), grown_words)
    return Report({**report_of(study, fits, options), "made": stamp(fits)})


def _before(whole: Pipeline) -> Any:
    return whole[:-1] if len(whole) > 1 else None


# -- what was given ------------------------------------------------------------------------------


def _tables(X: Any, X_train: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Held-out and training rows with the same columns in the same order."""
    for rows in (X, X_train):
        if not isinstance(rows, pd.DataFrame):
            how = "fit the model on a DataFrame with named columns, and give such ones"
            raise TypeError(
                "X and X_train must be pandas DataFrames, as the report speaks of columns; got "
                f"{type(rows).__module__.partition('.')[0]}.{type(rows).__name__}: "
                f"{'give X.to_pandas()' if hasattr(rows, 'to_pandas') else how}"
            )
        names = rows.columns
        if not all(isinstance(name, str) for name in names) or not names.is_unique:
            raise ValueError(
                f"columns must have names that are texts and differ, got {list(names)[:20]}; "
                "rename them before fitting"
            )
    for one, other, words in ((X, X_train, "X lacks"), (X_train, X, "X_train lacks")):
        lacking = [name for name in other.columns if name not in one.columns]
        if lacking:
            raise ValueError(
                f"{words} {lacking[:20]}, which the other has: give both the same columns"
            )
    return X[list(X_train.columns)], X_train


def _name_of(y: Any) -> str:
    if isinstance(y, pd.DataFrame):
        y = y.iloc[:, 0]
    name = getattr(y, "name", None)
    return "y" if name is None else str(name)


def _outcome(y: Any, X: pd.DataFrame, name: str) -> npt.NDArray:
    """One value a row."""
    _check_order(y, X, name)
    values = column_or_1d(np.asarray(y), warn=False)
    if len(values) != len(X):
        raise ValueError(
            f"{name} has {len(values)} values and its rows are {len(X)}: give one value a row"
        )
    return values


def _check_order(values: Any, X: pd.DataFrame, name: str) -> None:
    """Refuse a Series or frame that has the labels of the rows in another order."""
    if not isinstance(values, pd.Series | pd.DataFrame) or values.index.equals(X.index):
        return
    if values.index.isin(X.index).all() and X.index.isin(values.index).all():
        raise ValueError(
            f"{name} has the labels (index) of its rows in another order; sort it by "
            f"{name}.loc[X.index], or reset both if the order is right"
        )


def _sensitive(given: Any, decision: Decision | None, X: pd.DataFrame) -> pd.DataFrame | None:
    """Columns that groups are compared by, of the held-out rows."""
    if given is None:
        names = [] if decision is None else [c for c in decision.sensitive if c in X.columns]
        return X[names].reset_index(drop=True) if names else None
    if isinstance(given, pd.Series):
        given = given.to_frame("sensitive" if given.name is None else given.name)
    if not isinstance(given, pd.DataFrame):
        raise TypeError(
            f"sensitive must be a DataFrame or Series of the held-out rows, as groups are told by "
            f"column; got {type(given).__name__}"
        )
    _check_order(given, X, "sensitive")
    if len(given) != len(X):
        raise ValueError(
            f"sensitive has {len(given)} rows and X has {len(X)}: give the same held-out rows"
        )
    return given.reset_index(drop=True)


def _leak_notes(X: pd.DataFrame, X_train: pd.DataFrame) -> list[str]:
    shared = shared_rows(X, X_train)
    if not shared:
        return []
    said = f"{shared} of {len(X)} held-out rows stand in X_train, with the same label and values"
    if shared > len(X) / 2:
        raise ValueError(
            f"{said}: give rows that the model was not fitted on, such as the second part of "
            "train_test_split"
        )
    return [f"{said}: the model has seen them, so that held-out figures are too good"]


def _hash(*tables: Any) -> str:
    """Of the values of all rows, training rows first."""
    digest = hashlib.sha256()
    for table in tables:
        hashed = pd.util.hash_pandas_object(pd.DataFrame(table), index=False)
        digest.update(hashed.to_numpy().tobytes())
    return digest.hexdigest()


# -- outcomes and decision -----------------------------------------------------------------------


def _told(study: Study, pruned: Any, decision: Decision | None) -> tuple[Study, list[Any]]:
    """The study with outcomes as codes or numbers and with the decision; labels by code."""
    classes = getattr(pruned, "classes_", None)
    if classes is None:
        if decision is not None:
            raise ValueError("a decision is about two classes; the model predicts a number")
        return _with_numbers(study), []
    labels = label_order(classes, decision)
    study = replace(
        study,
        task="binary" if len(labels) == 2 else "multiclass",
        y_test=codes_of(study.y_test, labels, "y"),
        y_train=codes_of(study.y_train, labels, "y_train"),
        labels=tuple(map(str, labels)),
    )
    _check_classes(study)
    return _decided(study, decision), labels


def _coded_note(labels: tuple[str, ...], n: int) -> str:
    shown = ", ".join(f"{i} is {label}" for i, label in enumerate(labels[:3]))
    more = ", …" if len(labels) > 3 else ""
    return (
        f"labels are coded ({shown}{more}): the model was fitted once more on codes, with the same "
        f"probabilities on all {n} rows, and is reported in this form"
    )


def _with_numbers(study: Study) -> Study:
    found = []
    for name, y in (("y", study.y_test), ("y_train", study.y_train)):
        try:
            numbers = y.astype(np.float64)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"{name} must hold numbers, as the model predicts one: {error}"
            ) from error
        if not np.isfinite(numbers).all():
            raise ValueError(f"{name} has missing or infinite values: leave these rows out")
        found.append(numbers)
    if np.ptp(found[0]) == 0:
        raise ValueError(
            f"all {len(found[0])} held-out rows have one outcome, {found[0][0]:g}: nothing can be "
            "told apart; give more rows"
        )
    return replace(study, y_test=found[0], y_train=found[1])


def _check_classes(study: Study) -> None:
    counts = np.bincount(study.y_test, minlength=len(study.labels))
    lacking = [label for label, n in zip(study.labels, counts, strict=True) if n == 0]
    if lacking:
        raise ValueError(
            f"{len(lacking)} of {len(counts)} classes of {study.target!r} have no held-out row: "
            f"{lacking[:10]}; hold out rows of every class (train_test_split(…, stratify=y))"
        )


def _decided(study: Study, decision: Decision | None) -> Study:
    """With the decision, in words and as a cut-off."""
    target, labels = study.target, study.labels
    if study.task == "multiclass":
        said = f"classification: {target} is one of {len(labels)} classes"
        return replace(study, task_said=said)
    said = f"classification: P is the probability that {target} is {labels[1]}"
    hit, miss = (f"had {target} = {label}" for label in (labels[1], labels[0]))
    if decision is None:
        if labels != ("0", "1"):
            said += " (the last of the model's classes; a Decision names the other)"
        return replace(study, task_said=said, words=Words(hit=hit, miss=miss))
    words = Words(
        acts=f"{decision.adverse_word.capitalize()}:",
        act=decision.adverse_word,
        acted=decision.adverse_word,
        passed=decision.favourable_word,
        let=decision.favourable_word,
        hit=hit,
        miss=miss,
    )
    costs = _costs(decision)
    cutoff = decision.cutoff if costs is None else None
    study = replace(study, task_said=said, words=words, costs=costs, cutoff=cutoff)
    # Columns that only groups are compared by are none of the model's, of which reasons speak.
    apart = set() if study.sensitive is None else set(study.sensitive) - set(study.X_train)
    own = tuple(name for name in decision.sensitive if name not in apart)
    # One cut-off decides everywhere, so that a tie that rounding has moved is decided alike.
    told = replace(decision, adverse=1, costs=None, cutoff=study.acts_from, sensitive=own)
    return replace(study, decision=told)


def _costs(decision: Decision) -> Costs | None:
    """What errors cost beyond right decisions, in the caller's unit; None if nobody stated it."""
    costs = decision.costs
    if costs is None:
        return None
    source = "as the decision says"
    if isinstance(costs, dict):
        return Costs(costs["miss"], costs["false_alarm"], source)
    (right_0, alarm), (miss, right_1) = costs
    if right_0 or right_1:
        source += ", each beyond what the right decision costs"
    return Costs(miss - right_1, alarm - right_0, source)


# -- fits ----------------------------------------------------------------------------------------


def _options(pruned: Any, study: Study, refits: int, margin: float, n_jobs: int) -> Options:
    """The options that the model itself was fitted with."""
    cv = pruned.cv if isinstance(pruned.cv, int) else None
    if cv is None:
        cv = 5 if pruned.cv is None else pruned.cv.get_n_splits(study.X_train, study.y_train)
    return Options(
        method=pruned.method if isinstance(pruned.method, str) else pruned.method.name,
        strength=pruned.strength,
        max_size=pruned.max_size,
        cv=cv,
        scoring=pruned.scoring if isinstance(pruned.scoring, str) else None,
        jobs=n_jobs,
        margin=margin,
        refits=refits,
        model=kind_of(pruned.path_.model).key,
    )


def _fits(whole: Pipeline, study: Study, said: Mapping[str, str]) -> tuple[Fits, Study]:
    """The model and rows as it receives them; the study with all columns left out."""
    before = _before(whole)
    feature_map = FeatureMap.of(before, study.X_train)
    columns = _columns(feature_map)
    if study.decision is not None:
        study.decision.check_columns(column.name for column in feature_map.columns)
    taken = columns.used(range(len(columns.raw)))
    study = replace(study, excluded=tuple(_left_out(study, taken, said).items()))
    Z_train, Z_test = (as_received(before, X) for X in (study.X_train, study.X_test))
    return Fits(whole, columns, Z_train, Z_test, ()), study


def _columns(feature_map: FeatureMap) -> ModelColumns:
    groups = tuple(map(str, feature_map.groups))
    names = [column.name for column in feature_map.columns]
    parts = tuple(tuple(names[i] for i in source.raw) for source in feature_map.sources)
    return ModelColumns(groups, groups, (), {}, parts)


def _left_out(study: Study, taken: set[str], said: Mapping[str, str]) -> dict[str, str]:
    """Columns that the model does not take, each with a reason."""
    wrong = [name for name in said if name in taken]
    if wrong:
        raise ValueError(f"excluded says that the model was not given {wrong}, but it takes them")
    found = {str(name): str(why) for name, why in said.items()}
    groups = () if study.sensitive is None else map(str, study.sensitive.columns)
    found |= {name: "sensitive" for name in groups if name not in taken and name not in found}
    dropped = [name for name in study.X_train.columns if name not in taken and name not in found]
    return found | dict.fromkeys(dropped, "dropped by the model's preprocessing")
