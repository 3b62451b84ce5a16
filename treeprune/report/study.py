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
from sklearn.model_selection import train_test_split

from .intake import InputRefused, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from .intake import Table

__all__ = ["Costs", "Study", "Words", "study_of"]

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
    let: str = "-"
    hit: str = "were positive"
    miss: str = "were not"
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
    def acts_from(self) -> float:
        """The cut-off as it is applied: lower by what rounding may take from a tie."""
        cutoff = float(self.cutoff)
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
    words : Words
        How the decision is said.
    excluded : tuple of (str, str)
        Columns left out, each with its reason.
    notes, limits : tuple of str
        What was decided for the user; what the figures cannot say.
    sensitive : DataFrame or None
        Of the held-out rows the columns that groups are compared by, as they are in the table; no
        model sees them.
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
    words: Words = field(default_factory=Words)
    excluded: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    sensitive: pd.DataFrame | None = None
    seed: int = 0
    sha256: str = ""

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self.task != "regression"

    def decide(self, proba: npt.NDArray) -> npt.NDArray[np.int64]:
        """The class decided for each row of probabilities: at the cut-off, else the likeliest."""
        if self.costs is None:
            return np.argmax(proba, axis=1)
        return (proba[:, 1] >= self.costs.acts_from).astype(np.int64)

    @property
    def min_samples_leaf(self) -> int:
        """Rows a leaf must keep when trees are grown: 20, fewer where rows are few."""
        return int(min(20, max(1, len(self.X_train) // 20)))


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
        Share of the rows held out, drawn at random, stratified by class.
    seed : int
        Seed of the split.
    words : Words, optional
        How the decision is said.
    limits : sequence of str
        Limits of the data to repeat in the report.

    Raises
    ------
    InputRefused
        If a column does not exist or the target cannot be learnt.

    Examples
    --------
    See `Study`.
    """
    frame = table.frame
    if target in table.said_missing and not pd.api.types.is_numeric_dtype(frame[target]):
        raise InputRefused(
            f"the target {target!r} has values such as NA, None or null, which are read as "
            "missing; if they are a class give it another name, if not leave the cells empty"
        )
    exclude = _left_out(exclude, sensitive)
    _check_columns(frame, target, exclude)
    kept = frame[target].notna().to_numpy()
    frame = frame.loc[kept].reset_index(drop=True)
    notes = list(table.notes)
    if not kept.all():
        notes.append(f"{int((~kept).sum())} rows have no {target} and are left out")
    y, labels, said = _target(frame[target], target, task, positive)
    final = {0: "regression", 2: "binary"}.get(len(labels), "multiclass")
    if costs is not None and final != "binary":
        raise InputRefused(f"--cost needs a target with two classes; {target} is {final}")
    features, empty = _features(frame, target, exclude)
    train, test = _split(y, bool(labels), target, test_size, seed)
    features, unusable = _usable(features, train)
    if features.shape[1] == 0:
        raise InputRefused("no column is left to predict from")
    notes += _missing_notes(features)
    return Study(
        name=name,
        target=target,
        task=final,
        X_train=features.iloc[train].reset_index(drop=True),
        X_test=features.iloc[test].reset_index(drop=True),
        y_train=y[train],
        y_test=y[test],
        test_rows=np.flatnonzero(kept)[test],
        labels=labels,
        task_said=said,
        costs=costs,
        words=words or _words(labels, final),
        excluded=(*table.dropped, *exclude, *empty, *unusable),
        notes=tuple(notes),
        limits=tuple(limits),
        sensitive=_columns_of(frame.iloc[test], sensitive),
        seed=seed,
        sha256=table.sha256,
    )


def _left_out(
    exclude: Sequence[tuple[str, str]], sensitive: Sequence[str]
) -> list[tuple[str, str]]:
    """All columns to leave out, each with one reason."""
    asked = [(name, why) for name, why in exclude if name not in sensitive]
    return asked + [(name, "sensitive") for name in dict.fromkeys(sensitive)]


def _features(
    frame: pd.DataFrame, target: str, exclude: Sequence[tuple[str, str]]
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """What may be predicted from, and the columns without any value."""
    features = frame.drop(columns=[target, *(name for name, _ in exclude)])
    empty = [name for name in features.columns if features[name].isna().all()]
    return features.drop(columns=empty), [(name, "all values are missing") for name in empty]


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


def _check_columns(frame: pd.DataFrame, target: str, exclude: Sequence[tuple[str, str]]) -> None:
    for name in [target, *(column for column, _ in exclude)]:
        if name not in frame.columns:
            raise InputRefused(f"no column {name!r}; the columns are: {listed(frame.columns)}")
    if target in [column for column, _ in exclude]:
        raise InputRefused(f"{target!r} is the target and cannot be left out")
    if frame[target].isna().all():
        raise InputRefused(f"all values of the target {target!r} are missing")
    if frame[target].nunique() == 1:
        value = frame[target].dropna().iloc[0]
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


def _split(
    y: npt.NDArray, classes: bool, target: str, test_size: float, seed: int
) -> tuple[npt.NDArray, npt.NDArray]:
    n_test = int(np.ceil(test_size * len(y)))
    if len(y) - n_test < 10 or n_test < 5:
        raise InputRefused(
            f"{len(y)} rows with a target are too few: at least 10 must remain for training "
            f"and 5 be held out ({len(y) - n_test} and {n_test} here)"
        )
    if classes:
        counts = np.bincount(y)
        if counts.min() < 2 or n_test < len(counts) or len(y) - n_test < len(counts):
            raise InputRefused(
                f"the rarest class of {target!r} ({counts.min()} of {len(y)} rows) leaves none for "
                "training or none to hold out: merge rare classes"
            )
    train, test = train_test_split(
        np.arange(len(y)), test_size=test_size, random_state=seed, stratify=y if classes else None
    )
    return np.sort(train), np.sort(test)


def _usable(
    features: pd.DataFrame, train: npt.NDArray
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Columns that can be learnt from, and those that cannot, with reasons."""
    dropped = []
    at_least = int(min(20, max(1, len(train) // 20)))
    for name in features.columns:
        column = features[name].iloc[train]
        if column.isna().all():
            dropped.append((name, "all values of the training rows are missing"))
        elif column.nunique(dropna=False) == 1:
            dropped.append((name, "constant on the training rows"))
        elif _is_text(column) and column.value_counts().max() < at_least:
            dropped.append(
                (name, f"text, and no value has {at_least} training rows: identifier or free text")
            )
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
