"""A stranger's table brought to the columns of a saved model, or a refusal in one line.

Nothing is guessed: a column that lacks, text where the model takes numbers, or an outcome that
the model does not know is refused; what is left out or not known to the model is noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..report.intake import InputRefused, ReadLimits, Table, listed, read_table

if TYPE_CHECKING:
    from .opening import OpenedModel

__all__ = ["AskedRows", "asked_rows"]

SHOWN = 3  # values that a note names
LONGEST = 60  # characters of a value in a note


@dataclass(frozen=True, eq=False)
class AskedRows:
    """Rows as models take them.

    Parameters
    ----------
    name : str
        The file's name.
    sha256 : str
        Hash of the file.
    X : DataFrame
        All columns that the models take, no other.
    numbers : array of int64, shape (n_rows,)
        Number of each row in the file, from 1.
    y : array, shape (n_rows,)
        Class codes or numbers; zeros where no outcomes were asked for.
    notes : list of str
        What a reader has to know.

    Examples
    --------
    >>> AskedRows("a.csv", "", pd.DataFrame(), np.array([], int), np.array([])).notes
    []
    """

    name: str
    sha256: str
    X: pd.DataFrame
    numbers: npt.NDArray[np.int64]
    y: npt.NDArray
    notes: list[str] = field(default_factory=list)

    def said(self, *models: OpenedModel) -> dict[str, Any]:
        """The data in a JSON document.

        Examples
        --------
        >>> AskedRows("a.csv", "", pd.DataFrame(), np.array([], int), np.array([])).said()["rows"]
        0
        """
        return {
            "file": self.name,
            "sha256": self.sha256,
            "rows": len(self.X),
            "fitted_on": [m.file for m in models if m.about["sha256"] == self.sha256],
            "notes": list(self.notes),
        }


def asked_rows(
    path: Path,
    limits: ReadLimits,
    models: Sequence[OpenedModel],
    target: str | None = None,
) -> AskedRows:
    """Read a table for one model or several.

    Parameters
    ----------
    path : Path
        CSV or Parquet.
    limits : ReadLimits
    models : sequence of OpenedModel
        Their columns are taken; classes are those of the first.
    target : str, optional
        The column of outcomes; rows without one are left out.

    Returns
    -------
    AskedRows

    Raises
    ------
    InputRefused
        If the file cannot be read, lacks a column or holds other values than a model takes, or
        an outcome is none that the model knows.

    Examples
    --------
    >>> from treeprune.report import InputRefused
    >>> try:
    ...     asked_rows(Path("no_such_file.csv"), ReadLimits(), [])
    ... except InputRefused as refusal:
    ...     print(refusal)
    no_such_file.csv: no such file
    """
    table = read_table(path, limits, text=_texts(models))
    frame, notes = table.frame, list(table.notes)
    y, kept = np.zeros(len(frame)), np.ones(len(frame), dtype=bool)
    if target is not None:
        y, kept = _outcomes(path, table, target, models[0])
        notes += [
            f"outcomes are taken from {target!r}; {model.file} was fitted on {model.target!r}"
            for model in models
            if model.target != target
        ]
        if not kept.all():
            notes.append(f"left out, as they have no {target}: {int((~kept).sum())} rows")
    columns: dict[str, pd.Series] = {}
    for model in models:
        _check_names(path, frame, model)
        for column in model.about["columns"]:
            name = column["name"]
            if name == target:
                raise InputRefused(
                    f"{path}: {name!r} is a column that {model.file} predicts from, and cannot be "
                    "its outcome"
                )
            columns[name] = _taken(path, frame[name], column, limits)
    X = pd.DataFrame(columns, index=frame.index)[kept].reset_index(drop=True)
    notes += _ignored(frame, [*columns, *([] if target is None else [target])])
    for model in models:
        notes += [note for note in _unseen(X, model) if note not in notes]
    numbers = np.flatnonzero(kept) + 1
    return AskedRows(path.name, table.sha256, X, numbers, y[kept], notes)


# -- columns -------------------------------------------------------------------------------------


def _texts(models: Sequence[OpenedModel]) -> list[str]:
    """Columns that are text to a model: codes such as 01 are no numbers there."""
    columns = [column for model in models for column in model.about["columns"]]
    return [column["name"] for column in columns if _is_text(column)]


def _is_text(column: dict[str, Any]) -> bool:
    return any(isinstance(category, str) for category in column["categories"] or ())


def _check_names(path: Path, frame: pd.DataFrame, model: OpenedModel) -> None:
    lacking = [name for name in model.columns if name not in frame.columns]
    if lacking:
        raise InputRefused(
            f"{path}: lacks {'columns' if len(lacking) > 1 else 'the column'} {listed(lacking)}, "
            f"which {model.file} takes; it has: {listed(frame.columns)}"
        )


def _taken(path: Path, series: pd.Series, column: dict[str, Any], limits: ReadLimits) -> pd.Series:
    """A column as the model's encoder takes it."""
    name, categories = column["name"], column["categories"]
    numeric = pd.api.types.is_numeric_dtype(series)
    if not _is_text(column):
        if not numeric and series.notna().any():
            raise InputRefused(
                f"{path}: column {name!r} holds text ({_example(series)}), where the model takes "
                "numbers"
            )
        return series.astype(np.float64) if not numeric else series
    found = int(series.nunique())
    if found > limits.categories:
        raise InputRefused(
            f"{path}: column {name!r} has {found:,} categories, more than {limits.categories:,}; "
            "--max-categories raises the limit"
        )
    present = series.dropna()
    known = [category for category in categories if category is not None]
    if len(present) and not present.isin(known).any():
        raise InputRefused(
            f"{path}: column {name!r} holds nothing that the model knows "
            f"(but {_short(present.iloc[0])}): {listed(known)}"
        )
    return series


def _example(series: pd.Series) -> str:
    """A value that is no number, if there is one."""
    values = pd.Series(series.dropna().unique().astype(str))
    odd = values[pd.to_numeric(values, errors="coerce").isna()]
    return f"such as {_short((odd if len(odd) else values).iloc[0])}"


def _short(value: Any) -> str:
    text = repr(str(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _ignored(frame: pd.DataFrame, taken: list[str]) -> list[str]:
    more = [name for name in frame.columns if name not in taken]
    if not more:
        return []
    return [f"not looked at, as the model does not take them: {listed(more)}"]


def _unseen(X: pd.DataFrame, model: OpenedModel) -> list[str]:
    """Categories that the encoder has not met."""
    notes = []
    for column in model.about["columns"]:
        series, known = X[column["name"]], column["categories"]
        if known is None:
            continue
        odd = series[series.notna() & ~series.isin([c for c in known if c is not None])]
        if len(odd):
            counts = odd.astype(object).value_counts()
            some = ", ".join(f"{_short(value)} ({n})" for value, n in counts[:SHOWN].items())
            more = ", …" if len(counts) > SHOWN else ""
            notes.append(
                f"{column['name']}: categories that {model.file} has not seen: {some}{more}, in "
                f"{len(odd)} of {len(X)} rows"
            )
    return notes


# -- outcomes ------------------------------------------------------------------------------------


def _outcomes(
    path: Path, table: Table, target: str, model: OpenedModel
) -> tuple[npt.NDArray, npt.NDArray[np.bool_]]:
    """Codes or numbers of all rows, and which rows have one."""
    frame = table.frame
    if target not in frame.columns:
        raise InputRefused(
            f"{path}: no column {target!r} of outcomes; --target names another; the columns are: "
            f"{listed(frame.columns)}"
        )
    column = frame[target]
    kept = column.notna().to_numpy()
    numeric = pd.api.types.is_numeric_dtype(column)
    if not kept.any():
        raise InputRefused(f"{path}: no row has a value of the target {target!r}")
    if model.task == "regression":
        if not numeric:
            raise InputRefused(
                f"{path}: the target {target!r} holds text ({_example(column)}), where the model "
                "predicts numbers"
            )
        return column.to_numpy(np.float64), kept
    if target in table.said_missing and not numeric:
        raise InputRefused(
            f"{path}: the target {target!r} has values such as NA, None or null, which are read "
            "as missing; if they are a class give it another name, if not leave the cells empty"
        )
    return _codes(path, column, target, model.labels), kept


def _codes(path: Path, column: pd.Series, target: str, labels: list[str]) -> npt.NDArray[np.int64]:
    """Position of each value among the labels; 0 for missing ones."""
    known: dict[Any, int] = {label: i for i, label in enumerate(labels)}
    values = column.astype(object)
    if pd.api.types.is_numeric_dtype(column):
        numbers = pd.to_numeric(pd.Series(labels, dtype=object), errors="coerce")
        known = {float(n): i for i, n in enumerate(numbers) if np.isfinite(n)}
        values = column.astype(np.float64)
    codes = values.map(known)
    odd = column[column.notna() & codes.isna()]
    if len(odd):
        raise InputRefused(
            f"{path}: the target {target!r} is {_short(odd.iloc[0])} in a row; the model's labels "
            f"are: {listed(labels)} ({len(odd)} rows have another)"
        )
    return codes.fillna(0).to_numpy(np.int64)
