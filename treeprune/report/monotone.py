"""Columns in which the prediction may only rise, or only fall, as somebody has stated.

Trees keep such an order while they grow; that the pruned tree keeps it is then proved from its
rules, for all inputs, and not taken on trust.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from ..explain.checks import Check
from .columns import MOST_CATEGORIES
from .intake import InputRefused, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sklearn.compose import ColumnTransformer

    from ..explain import Explanation
    from .columns import ModelColumns
    from .study import Study

__all__ = ["constraint_of", "monotone_checks", "rare_notes", "refuse_monotone", "same_columns"]

_DIRECTIONS = {1: "increasing", -1: "decreasing"}
_NO_LIMIT = 10**9


def refuse_monotone(
    monotone: Mapping[str, int],
    frame: pd.DataFrame,
    target: str,
    task: str,
    left_out: Mapping[str, str],
) -> None:
    """Refuse orders that no tree could be asked to keep.

    Parameters
    ----------
    monotone : mapping of str to int
        +1 or -1 by raw column.
    frame : DataFrame
        All columns.
    target : str
        The target's column.
    task : {"binary", "multiclass", "regression"}
    left_out : mapping of str to str
        Columns that no model sees, and why.

    Raises
    ------
    InputRefused
        If a column is unknown, text, the target or left out, a direction is neither +1 nor -1,
        there are several classes, or the installed scikit-learn keeps no order beside missing
        numbers and some are missing.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [30, 40], "y": [0, 1]})
    >>> refuse_monotone({"age": 1}, frame, "y", "binary", {})
    >>> try:
    ...     refuse_monotone({"age": 2}, frame, "y", "binary", {})
    ... except InputRefused as refusal:
    ...     print(refusal)
    --monotone 'age': 2 is no direction; give +1 (never falls) or -1 (never rises)
    """
    for name, way in monotone.items():
        if name not in frame.columns:
            raise InputRefused(
                f"--monotone: no column {name!r}; the columns are: {listed(frame.columns)}"
            )
        if isinstance(way, bool) or way not in _DIRECTIONS:
            raise InputRefused(
                f"--monotone {name!r}: {way!r} is no direction; give +1 (never falls) or -1 "
                "(never rises)"
            )
        if name == target:
            raise InputRefused(f"--monotone {name!r}: it is the target")
        if name in left_out:
            raise InputRefused(f"--monotone {name!r}: no model sees this column ({left_out[name]})")
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise InputRefused(f"--monotone {name!r}: it is text, which has no order")
    if monotone and task == "multiclass":
        raise InputRefused(
            f"--monotone needs a target with two classes or of numbers; {target} has several "
            "classes, and scikit-learn's trees keep no order then"
        )
    if monotone and not _keeps_beside_missing():
        _refuse_missing(frame.drop(columns=[c for c in (target, *left_out) if c in frame]))


def _refuse_missing(features: pd.DataFrame) -> None:
    counts = features.select_dtypes("number").isna().sum()
    lacking = [f"{name} ({n})" for name, n in counts.items() if n]
    if lacking:
        raise InputRefused(
            "--monotone: this scikit-learn keeps no order where numbers are missing "
            f"(later ones do), as in {listed(lacking)}; fill them or leave the columns out"
        )


def _keeps_beside_missing() -> bool:
    """Whether the installed scikit-learn grows ordered trees on missing values; it says by doing.

    Its tags did not tell.
    """
    try:
        DecisionTreeClassifier(monotonic_cst=[1]).fit([[0.0], [np.nan]], [0, 1])
    except ValueError:
        return False
    return True


def rare_notes(X: pd.DataFrame, min_rows: int) -> list[str]:
    """What a stated order changes for rare categories; no note where there are none.

    Parameters
    ----------
    X : DataFrame
        Raw training rows.
    min_rows : int
        Rows below which a category is rare.

    Returns
    -------
    list of str

    Examples
    --------
    >>> X = pd.DataFrame({"c": pd.Categorical(["a", "b", "b"]), "age": [1, 2, 3]})
    >>> rare_notes(X, 1), len(rare_notes(X, 2))
    ([], 1)
    """
    names = []
    for name in X.columns:
        if not pd.api.types.is_numeric_dtype(X[name]):
            counts = X[name].value_counts(dropna=False)
            counts = counts[counts > 0]
            if counts.min() < min_rows or len(counts) > MOST_CATEGORIES:
                names.append(name)
    if not names:
        return []
    return [
        f"{listed(names)}: rare categories count as none of the others, and do not share a model "
        "column: trees whose order is stated must find the same columns when they are refitted"
    ]


def same_columns(transformer: ColumnTransformer, X: pd.DataFrame) -> ColumnTransformer:
    """The encoder with the categories of these rows for good.

    Parameters
    ----------
    transformer : ColumnTransformer
        Unfitted, from `encoder`.
    X : DataFrame
        Raw training rows.

    Returns
    -------
    ColumnTransformer
        Unfitted; makes the same columns on any part of the rows. Categories that are rare in `X`
        have no column.

    Notes
    -----
    scikit-learn's trees take an order by position, so that a refit on fewer rows, among which
    another category is rare, would meet a list of another length.

    Examples
    --------
    >>> from treeprune.report.columns import encoder
    >>> X = pd.DataFrame({"age": [1, 2, 3], "c": pd.Categorical(["a", "b", "b"])})
    >>> fixed = same_columns(encoder(X, 2), X)
    >>> fixed.fit(X[:1]).get_feature_names_out().tolist()
    ['age', 'c=b']
    """
    fixed = clone(transformer)
    (_, _, numeric), (name, one_hot, other) = fixed.transformers
    if not len(other):
        return fixed
    fitted = clone(one_hot).fit(X[other])
    kept = []
    for found, rare in zip(fitted.categories_, fitted.infrequent_categories_, strict=True):
        # As text, since a missing category equals nothing, not even itself.
        gone = set() if rare is None else {repr(c) for c in rare.tolist()}
        kept.append(np.array([c for c in found.tolist() if repr(c) not in gone], dtype=object))
    same = OneHotEncoder(
        categories=kept,
        handle_unknown=one_hot.handle_unknown,
        max_categories=_NO_LIMIT,  # none is rare any more, but the encoder still says so
        sparse_output=False,
        feature_name_combiner=one_hot.feature_name_combiner,
    )
    fixed.set_params(transformers=[("number", "passthrough", numeric), (name, same, other)])
    return fixed


def constraint_of(monotone: Mapping[str, int], columns: ModelColumns) -> list[int] | None:
    """scikit-learn's `monotonic_cst` for the model columns.

    Parameters
    ----------
    monotone : mapping of str to int
        +1 or -1 by raw column.
    columns : ModelColumns

    Returns
    -------
    list of int or None
        A direction for each model column, 0 for none; None where none is stated.

    Examples
    --------
    >>> from treeprune.report.columns import ModelColumns
    >>> columns = ModelColumns(("age", "sex=f"), ("age", "sex"), (False, True), {})
    >>> constraint_of({"age": -1}, columns), constraint_of({}, columns)
    ([-1, 0], None)
    """
    if not monotone:
        return None
    pairs = zip(columns.raw, columns.is_indicator, strict=True)
    return [0 if indicator else int(monotone.get(raw, 0)) for raw, indicator in pairs]


def monotone_checks(study: Study, ex: Explanation) -> dict[str, Check | str]:
    """Whether the pruned tree keeps each stated order: a proof, or two rows that break it.

    Parameters
    ----------
    study : Study
    ex : Explanation
        Of the pruned tree's pipeline.

    Returns
    -------
    dict of str to Check or str
        By what is claimed; a text where it could not be decided, with the reason.

    Examples
    --------
    >>> from treeprune import explain
    >>> from treeprune.report import Options, Table, fit_rivals, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y", monotone={"x": 1})
    >>> ex = explain(fit_rivals(study, Options(cv=2)).pipeline, study.X_train, study.y_train)
    >>> for claim, check in monotone_checks(study, ex).items():
    ...     print(claim, check.passed, check.scope, sep="; ")
    P never falls as x rises; True; all inputs: every pair of rules
    """
    what = "P" if study.is_classification else "the prediction"
    label: Any = 1 if study.is_classification else None
    out: dict[str, Check | str] = {}
    for column, way in study.monotone.items():
        claim = f"{what} never {'falls' if way > 0 else 'rises'} as {column} rises"
        found = ex.monotone(column, _DIRECTIONS[way], label=label)
        if found.holds is None:
            out[claim] = f"undecided: {found.scope}"
        else:
            out[claim] = Check(found.holds, found.scope, found.to_text())
    return out
