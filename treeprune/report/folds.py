"""The folds by which sizes are chosen, in keeping with how rows were held out.

What the held-out rows are to the whole table each fold's own rows are to the training rows: drawn
by class, with identifiers kept together, or later in time. Folds that could not answer are
refused before anything is fitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from .intake import InputRefused

if TYPE_CHECKING:
    from .study import Study

__all__ = ["check_folds", "folds_of", "rows_aside"]

MANY_GROUPS = 2_000  # chance is even among so many, and weighing each of them takes seconds
ASIDE = 0.25  # share of training rows that hold-out methods prune by


def folds_of(study: Study, n: int) -> Any:
    """The splitter for choosing a step and for tuning a rival.

    Parameters
    ----------
    study : Study
    n : int
        Number of folds.

    Returns
    -------
    splitter
        Of training rows in the study's order. With groups it asks for `study.groups`.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Table, study_of
    >>> frame = pd.DataFrame({"x": range(40), "y": [0, 1] * 20})
    >>> folds_of(study_of(Table(frame, ""), name="toy", target="y"), 3)
    StratifiedKFold(n_splits=3, random_state=0, shuffle=True)
    """
    if study.split == "time":
        return TimeSeriesSplit(n)  # each fold is later than all rows that its model grew on
    kind = StratifiedKFold if study.is_classification else KFold
    if study.groups is not None:
        few = study.is_classification and len(np.unique(study.groups)) <= MANY_GROUPS
        kind = StratifiedGroupKFold if few else GroupKFold
    return kind(n, shuffle=True, random_state=study.seed)


def rows_aside(study: Study) -> Any:
    """What hold-out methods set aside: a quarter of the rows, the last one where time counts.

    Parameters
    ----------
    study : Study

    Returns
    -------
    float or splitter
        As `validation` of `PrunedClassifier`.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Table, study_of
    >>> frame = pd.DataFrame({"x": range(40), "y": [0, 1] * 20})
    >>> rows_aside(study_of(Table(frame, ""), name="toy", target="y"))
    0.25
    """
    return TimeSeriesSplit(round(1 / ASIDE) - 1) if study.split == "time" else ASIDE


def check_folds(study: Study, n: int) -> None:
    """Refuse folds that would lack rows or classes.

    Parameters
    ----------
    study : Study
    n : int
        Number of folds.

    Raises
    ------
    InputRefused
        If a class has fewer training rows than there are folds, or a fold that is made by
        identifier or time lacks a class.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import InputRefused, Table, study_of
    >>> frame = pd.DataFrame({"x": range(40), "y": [0, 1] * 20})
    >>> try:
    ...     check_folds(study_of(Table(frame, ""), name="toy", target="y"), 20)
    ... except InputRefused as refusal:
    ...     print(refusal)  # doctest: +ELLIPSIS
    training rows of class 0: 14, fewer than the 20 folds; give more rows, ...
    """
    counts = np.bincount(study.y_train) if study.is_classification else [len(study.y_train)]
    if min(counts) < n:
        of = f" of class {study.labels[int(np.argmin(counts))]}" if study.labels else ""
        raise InputRefused(
            f"training rows{of}: {min(counts)}, fewer than the {n} folds; "
            "give more rows, merge rare classes, or a smaller --cv"
        )
    if study.groups is not None:
        n_groups = len(np.unique(study.groups))
        if n_groups < n:
            raise InputRefused(
                f"training rows of {n_groups} different identifiers make no {n} folds; "
                "give a smaller --cv"
            )
    if study.split != "random":
        _check_each(study, n)


def _check_each(study: Study, n: int) -> None:
    """Folds by identifier or time are not drawn by class: each must be looked at."""
    rows = np.zeros(len(study.y_train))
    splits = list(folds_of(study, n).split(rows, study.y_train, study.groups))
    parts = [("grow on", k, train) for k, (train, _) in enumerate(splits)]
    if study.task == "binary":  # of several classes a fold may lack one and still be scored
        parts += [("be judged on", k, test) for k, (_, test) in enumerate(splits)]
    if study.split == "time":
        *_, (early, _) = rows_aside(study).split(rows)
        parts.append(("grow on before the rows set aside for pruning", -1, early))
    for use, k, part in parts:
        lacking = set(range(len(study.labels))) - set(np.unique(study.y_train[part]).tolist())
        if study.is_classification and lacking:
            which = f"fold {k + 1} of {n} has " if k >= 0 else "there are "
            how = "made in time order" if study.split == "time" else "made by identifier"
            raise InputRefused(
                f"{which}no row of class {study.labels[min(lacking)]} to {use} (folds are {how}); "
                "give a smaller --cv, more rows, or merge rare classes"
            )
