"""A study: which rows, which target, which decision, and what was left out and why.

Everything the report compares is fitted on the study's training rows and judged on its held-out
rows; a study is made once, and says in words every choice that was made for the user.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .intake import InputRefused, listed
from .monotone import rare_notes, refuse_monotone
from .splitting import copies_notes, split_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from ..decision import Decision
    from .intake import Table

__all__ = ["Costs", "Study", "Words", "stated_text", "study_of"]

FEW_VALUES = 10  # a whole-number target with at most this many values is read as classes
MOST_CLASSES = 100
TIE = 1e-12  # a probability that equals the cut-off but for rounding counts as reaching it
TASKS = ("auto", "classification", "regression")


@dataclass(frozen=True)
class Words:
    """How a decision and its outcome are said: `declined`/`approved`, `defaulted`/`repaid`.

    Examples
    --------
    >>> Words().acted
    'flagged'
    """

    acts: str = "Flags"
    act: str = "flag"
    acted: str = "flagged"
    passed: str = "not flagged"
    let: str = "no flag"
    hit: str = "were positive"
    miss: str = "were not positive"
    missed: str = "a missed positive"
    alarm: str = "a false alarm"


@dataclass(frozen=True)
class Costs:
    """Costs of the two errors of a binary decision, and who says so.

    Parameters
    ----------
    miss : float
        Cost of passing a positive row.
    false_alarm : float
        Cost of acting on a negative row.
    source : str
        Where the costs come from.

    Examples
    --------
    >>> Costs(5, 1, "the donor").cutoff
    Fraction(1, 6)
    """

    miss: float
    false_alarm: float
    source: str

    @property
    def cutoff(self) -> Fraction:
        """Probability from which acting costs least."""
        miss, alarm = Fraction(self.miss), Fraction(self.false_alarm)
        return alarm / (alarm + miss)

    @property
    def cutoff_text(self) -> str:
        """The cut-off as it is read: a simple fraction where it is one."""
        return _as_fraction(self.cutoff)

    @property
    def acts_from(self) -> float:
        """The cut-off as it is applied: lower by what rounding may take from a tie."""
        return _applied(float(self.cutoff))


def stated_text(cutoff: float) -> str:
    """A cut-off as it was typed, if with up to four digits; 1/6 where it is one but for rounding.

    Examples
    --------
    >>> stated_text(0.3), stated_text(1 / 6)
    ('0.3', '1/6')
    """
    typed = f"{cutoff:.4g}"
    return typed if float(typed) == cutoff else _as_fraction(Fraction(cutoff))


def _as_fraction(cutoff: Fraction) -> str:
    simple = cutoff.limit_denominator(1000)
    same = simple == cutoff or (0 < simple < 1 and float(simple) == float(cutoff))
    return str(simple) if same else _between(float(cutoff))


def _between(share: float) -> str:
    """A share between 0 and 1 with as few digits as keep it there, four or more."""
    texts = (f"{share:.{digits}g}" for digits in range(4, 18))
    return next((text for text in texts if 0 < float(text) < 1), repr(share))


def _applied(cutoff: float) -> float:
    return max(cutoff - min(TIE, cutoff / 2), float(np.nextafter(0.0, 1.0)))


@dataclass(frozen=True, eq=False)
class Study:
    """Rows, target and decision of one report.

    Parameters
    ----------
    name : str
        The data's name.
    target : str
        The target's column.
    task : str
        `binary`, `multiclass` or `regression`.
    X_train, X_test : DataFrame
        Raw columns: numbers and categories.
    y_train, y_test : array
        Class codes (binary: 1 is the positive class), or numbers.
    test_rows : array of int
        Position of each held-out row in the table, from 0.
    labels : tuple of str
        Text of each class code; empty for regression.
    task_said : str
        The task in words, and how it was found.
    costs : Costs or None
        Costs of the errors of a binary decision.
    cutoff : float or None
        Probability from which a binary decision acts, where it was stated without costs.
    words : Words
        How the decision is said.
    excluded : tuple of (str, str)
        Columns left out, each with its reason.
    notes, limits : tuple of str
        What was decided for the user; what the figures cannot say.
    sensitive : DataFrame or None
        Of the held-out rows the columns that groups are compared by, as they are in the table; no
        model sees them.
    decision : Decision or None
        What the costs and words come from, where somebody has stated more than these.
    split : {"random", "groups", "time", "given"}
        How rows were held out. By time, training rows are in the order of time.
    split_said : str
        The split in one sentence.
    groups : array of int or None
        Which training rows share an identifier, where they are split by it; folds keep these rows
        together.
    monotone : dict of str to int
        Raw columns in which the prediction may only rise (+1) or only fall (-1).
    seed : int
        Seed of the split and of everything after it.
    sha256 : str
        Hash of the data.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report.intake import Table
    >>> frame = pd.DataFrame({"x": range(40), "y": [0, 1] * 20})
    >>> study = study_of(Table(frame, sha256=""), name="toy", target="y", seed=0)
    >>> study.task, len(study.X_train), len(study.X_test), study.labels
    ('binary', 28, 12, ('0', '1'))
    """

    name: str
    target: str
    task: str
    X_train: pd.DataFrame
    X_test: pd.DataFrame
    y_train: npt.NDArray
    y_test: npt.NDArray
    test_rows: npt.NDArray[np.int64]
    labels: tuple[str, ...] = ()
    task_said: str = ""
    costs: Costs | None = None
    cutoff: float | None = None
    words: Words = field(default_factory=Words)
    excluded: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    sensitive: pd.DataFrame | None = None
    decision: Decision | None = None
    split: str = "random"
    split_said: str = ""
    groups: npt.NDArray[np.int64] | None = None
    monotone: dict[str, int] = field(default_factory=dict)
    seed: int = 0
    sha256: str = ""

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self.task != "regression"

    @property
    def acts_from(self) -> float | None:
        """The cut-off as it is applied; None where the likeliest class is decided."""
        if self.costs is not None:
            return self.costs.acts_from
        return None if self.cutoff is None else _applied(self.cutoff)

    def decide(self, proba: npt.NDArray) -> npt.NDArray[np.int64]:
        """The class decided for each row of probabilities: at the cut-off, else the likeliest."""
        if self.acts_from is None:
            return np.argmax(proba, axis=1)
        return (proba[:, 1] >= self.acts_from).astype(np.int64)

    @property
    def min_samples_leaf(self) -> int:
        """Rows a leaf must keep when trees are grown: 20, fewer where rows are few."""
        return _leaf_rows(len(self.X_train))


def _leaf_rows(n_train: int) -> int:
    return int(min(20, max(1, n_train // 20)))


def study_of(
    table: Table,
    *,
    name: str,
    target: str,
    task: str = "auto",
    positive: str | None = None,
    costs: Costs | None = None,
    exclude: Sequence[tuple[str, str]] = (),
    sensitive: Sequence[str] = (),
    test_size: float = 0.3,
    seed: int = 0,
    words: Words | None = None,
    limits: Sequence[str] = (),
    ids: Sequence[str] = (),
    time_column: str | None = None,
    monotone: Mapping[str, int] | None = None,
) -> Study:
    """Split a table into a study.

    Parameters
    ----------
    table : Table
        The data.
    name, target : str
        The data's name and the target's column.
    task : str
        `auto`, `classification` or `regression`. Auto reads text and whole numbers of at most
        ten values as classes.
    positive : str, optional
        The class whose probability is meant; the rarer of two by default (1 for a 0/1 target).
    costs : Costs, optional
        Costs of the errors of a binary decision.
    exclude : sequence of (str, str)
        Columns to leave out, with reasons.
    sensitive : sequence of str
        Columns to leave out of all models, and to compare groups by.
    test_size : float
        Share of the rows held out: drawn at random, stratified by class; by identifier where one
        repeats; the last ones where there is a time column.
    seed : int
        Seed of the split.
    words : Words, optional
        How the decision is said.
    limits : sequence of str
        Limits of the data to repeat in the report.
    ids : sequence of str
        Identifiers, which no model sees. Rows that share one are all trained on or all held out.
    time_column : str, optional
        When a row is from: numbers, or ISO dates or timestamps. The last rows are held out, and
        folds go forward in time; no model sees the column.
    monotone : mapping of str to int, optional
        By raw column of numbers: +1 where the prediction (binary: P of the positive class) must
        never fall as it rises, -1 where it must never rise. All trees keep it.

    Raises
    ------
    InputRefused
        If a column does not exist or cannot be used as asked, the target cannot be learnt, or a
        class would be on one side of the split only.

    Notes
    -----
    With both a time column and identifiers, time decides, and a note says how many held-out rows
    share an identifier with training rows. Rows of one time stay together, so the share held out
    is the nearest possible one. Rows without a target or a time are left out. Copies of whole
    rows stay, and are counted in a note.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report.intake import Table
    >>> frame = pd.DataFrame({"x": range(40), "y": [0, 1] * 20, "year": range(1980, 2020)})
    >>> study = study_of(Table(frame, ""), name="toy", target="y", time_column="year")
    >>> study.split_said, list(study.X_train)
    ('held out: the last 30 % of rows by year, from 2008 on', ['x'])
    """
    ids, monotone = list(dict.fromkeys(ids)), monotone or {}
    exclude = _left_out(exclude, sensitive, ids, time_column)
    _check_columns(table, target, exclude)
    kept, notes = _kept_rows(table.frame, target, time_column)
    frame = table.frame.loc[kept].reset_index(drop=True)
    _check_varies(frame[target], target)
    y, labels, said = _target(frame[target], target, task, positive)
    final = {0: "regression", 2: "binary"}.get(len(labels), "multiclass")
    if costs is not None and final != "binary":
        raise InputRefused(f"--cost needs a target with two classes; {target} is {final}")
    refuse_monotone(monotone, frame, target, final, dict(exclude))
    time = None if time_column is None else frame[time_column]
    split = split_rows(y, bool(labels), target, test_size, seed, ids=frame[ids], time=time)
    features, unused = _features(frame, target, exclude, split.train, table.most_categories)
    ways, moot = _seen_ways(monotone, features)
    notes += [*split.notes, *copies_notes(frame, split, ids), *_missing_notes(features), *moot]
    if ways:
        notes += rare_notes(features.iloc[split.train], _leaf_rows(len(split.train)))
    return Study(
        name=name,
        target=target,
        task=final,
        X_train=features.iloc[split.train].reset_index(drop=True),
        X_test=features.iloc[split.test].reset_index(drop=True),
        y_train=y[split.train],
        y_test=y[split.test],
        test_rows=np.flatnonzero(kept)[split.test],
        labels=labels,
        task_said=said,
        costs=costs,
        words=words or _words(labels, final),
        excluded=(*table.dropped, *exclude, *unused),
        notes=(*table.notes, *notes),
        limits=tuple(limits),
        sensitive=_columns_of(frame.iloc[split.test], sensitive),
        split=split.kind,
        split_said=split.said,
        groups=split.groups,
        monotone=ways,
        seed=seed,
        sha256=table.sha256,
    )


def _kept_rows(
    frame: pd.DataFrame, target: str, time_column: str | None
) -> tuple[npt.NDArray[np.bool_], list[str]]:
    """Which rows have a target and a time, and notes on the others."""
    kept, notes = np.ones(len(frame), bool), []
    for name in (target, *([] if time_column is None else [time_column])):
        lacking = kept & frame[name].isna().to_numpy()
        if lacking.any():
            notes.append(f"{int(lacking.sum())} rows have no {name} and are left out")
            kept &= ~lacking
    if not kept.any():
        raise InputRefused(f"no row has both {target!r} and {time_column!r}")
    return kept, notes


def _seen_ways(
    monotone: Mapping[str, int], features: pd.DataFrame
) -> tuple[dict[str, int], list[str]]:
    """Orders of the columns that are left to predict from, and notes on the others."""
    notes = [
        f"--monotone {name}: the column is left out, so that predictions do not move with it"
        for name in monotone
        if name not in features
    ]
    seen = {name: int(way) for name, way in monotone.items() if name in features}
    return seen, notes


def _left_out(
    exclude: Sequence[tuple[str, str]],
    sensitive: Sequence[str],
    ids: Sequence[str],
    time_column: str | None,
) -> list[tuple[str, str]]:
    """All columns to leave out, each with one reason."""
    reasons = dict.fromkeys(ids, "identifier, as said")
    if time_column is not None:
        reasons[time_column] = "time, by which rows are held out"
    reasons |= dict.fromkeys(sensitive, "sensitive")
    return [(name, why) for name, why in exclude if name not in reasons] + list(reasons.items())


def _features(
    frame: pd.DataFrame,
    target: str,
    exclude: Sequence[tuple[str, str]],
    train: npt.NDArray,
    most_categories: int,
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """What may be predicted from, and the columns that cannot be, with reasons."""
    features = frame.drop(columns=[target, *(name for name, _ in exclude)])
    empty = [name for name in features.columns if features[name].isna().all()]
    features, unusable = _usable(features.drop(columns=empty), train, most_categories)
    if features.shape[1] == 0:
        raise InputRefused("no column is left to predict from")
    return features, [*((name, "all values are missing") for name in empty), *unusable]


def _columns_of(held_out: pd.DataFrame, sensitive: Sequence[str]) -> pd.DataFrame | None:
    names = list(dict.fromkeys(sensitive))
    return held_out[names].reset_index(drop=True) if names else None


def _target(
    column: pd.Series, target: str, task: str, positive: str | None
) -> tuple[npt.NDArray, tuple[str, ...], str]:
    """The target as codes or numbers, the text of its codes, and what was decided."""
    if _task_of(column, target, task) == "classification":
        y, labels, said = _classes(column, target, positive)
    elif positive is not None:
        raise InputRefused(f"{target} is read as numbers (regression): --positive has no use")
    else:
        y, labels = column.to_numpy(np.float64), ()
        said = f"regression: {target} is a number ({len(np.unique(y))} distinct values)"
    return y, labels, said if task == "auto" else f"{said}, as asked"


def _words(labels: tuple[str, ...], task: str) -> Words:
    if task != "binary":
        return Words()
    return Words(hit=f"were {labels[1]}", miss=f"were {labels[0]}")


def _check_columns(table: Table, target: str, exclude: Sequence[tuple[str, str]]) -> None:
    frame = table.frame
    for name in [target, *(column for column, _ in exclude)]:
        if name not in frame.columns:
            raise InputRefused(f"no column {name!r}; the columns are: {listed(frame.columns)}")
    if target in [column for column, _ in exclude]:
        raise InputRefused(f"{target!r} is the target and cannot be left out")
    if target in table.said_missing and not pd.api.types.is_numeric_dtype(frame[target]):
        raise InputRefused(
            f"the target {target!r} has values such as NA, None or null, which are read as "
            "missing; if they are a class give it another name, if not leave the cells empty"
        )
    if frame[target].isna().all():
        raise InputRefused(f"all values of the target {target!r} are missing")
    _check_varies(frame[target], target)


def _check_varies(column: pd.Series, target: str) -> None:
    if column.nunique() == 1:
        value = column.dropna().iloc[0]
        raise InputRefused(f"the target {target!r} is constant ({value}): nothing to learn")


def _task_of(column: pd.Series, target: str, task: str) -> str:
    numeric = pd.api.types.is_numeric_dtype(column)
    if task == "auto":
        whole = numeric and bool((column == column.round()).all())
        few = column.nunique() <= FEW_VALUES
        return "classification" if not numeric or (whole and few) else "regression"
    if task == "regression" and not numeric:
        raise InputRefused(f"{target!r} is text; regression needs numbers")
    return task


def _classes(
    column: pd.Series, target: str, positive: str | None
) -> tuple[npt.NDArray, tuple[str, ...], str]:
    """Class codes, their text, and what was decided."""
    values = column.cat.remove_unused_categories().astype(str) if _is_text(column) else column
    if not _is_text(column) and bool((column == column.round()).all()):
        values = column.astype(np.int64)
    found = sorted(values.unique())
    if len(found) > MOST_CLASSES:
        raise InputRefused(
            f"{target!r} has {len(found)} classes; up to {MOST_CLASSES} are possible "
            "(--task regression reads numbers as numbers)"
        )
    labels = [str(v) for v in found]
    codes = values.map({v: i for i, v in enumerate(found)}).to_numpy(np.int64)
    counts = np.bincount(codes)
    if len(found) > 2:
        if positive is not None:
            raise InputRefused(f"--positive needs two classes; {target!r} has {len(found)}")
        return codes, tuple(labels), f"classification: {target} is one of {len(found)} classes"
    if positive is not None and positive not in labels:
        raise InputRefused(f"--positive {positive!r} is not a value of {target!r}: {labels}")
    if positive is not None:
        chosen, why = labels.index(positive), ""
    elif labels == ["0", "1"]:
        chosen, why = 1, ""
    else:
        chosen = int(counts[1] <= counts[0])
        why = " (the rarer class; --positive names the other)"
    if chosen == 0:
        codes, labels, counts = 1 - codes, labels[::-1], counts[::-1]
    said = (
        f"classification: P is the probability that {target} is {labels[1]}{why}, as in "
        f"{int(counts[1])} of {len(codes)} rows"
    )
    return codes, tuple(labels), said


def _is_text(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column)


def _usable(
    features: pd.DataFrame, train: npt.NDArray, most_categories: int
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Columns that can be learnt from, and those that cannot, with reasons."""
    dropped = []
    at_least = _leaf_rows(len(train))
    for name in features.columns:
        column = features[name].iloc[train]
        if column.isna().all():
            dropped.append((name, "all values of the training rows are missing"))
        elif column.nunique(dropna=False) == 1:
            dropped.append((name, "constant on the training rows"))
        elif _is_text(column):
            counts = column.value_counts()
            found = int((counts > 0).sum())
            if counts.max() < at_least:
                why = f"text, and no value has {at_least} training rows: identifier or free text"
                dropped.append((name, why))
            elif found > most_categories:
                why = f"{found:,} categories, more than {most_categories:,} (--max-categories)"
                dropped.append((name, why))
    return features.drop(columns=[name for name, _ in dropped]), dropped


def _missing_notes(features: pd.DataFrame) -> list[str]:
    counts = features.isna().sum()
    counts = counts[counts > 0].sort_values(ascending=False, kind="stable")
    notes = []
    if len(counts):
        shown = ", ".join(f"{name} {count}" for name, count in counts.head(8).items())
        more = f" and {len(counts) - 8} more columns" if len(counts) > 8 else ""
        notes.append(f"missing values: {shown}{more}")
    for name in features.columns:
        column = features[name]
        if pd.api.types.is_integer_dtype(column) and column.is_unique and len(column) > 50:
            notes.append(f"{name} differs in every row; leave it out if it is an identifier")
    return notes
