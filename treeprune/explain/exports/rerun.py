"""Exports run again on rows: SQL in the database that comes with Python, Python as it is.

Whoever takes a query to a warehouse should know that it was once compared, row by row, with what
the model says.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..checks import Check
from .names import free_name, plain

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..rules import RuleSet

__all__ = ["python_check", "sql_check"]

MOST_RULES = 200
MOST_RULES_PYTHON = 5_000
SLACK = 1e-12  # SQLite may read the last digit of a literal otherwise
TABLE = "rows"


def sql_check(rules: RuleSet, X: pd.DataFrame, said: npt.NDArray[np.float64]) -> Check | str:
    """Run the rules' SQL on rows and compare it with what the model says of them.

    Parameters
    ----------
    rules : RuleSet
    X : DataFrame
        Raw rows.
    said : array of float64, shape (n_rows, n_outputs)
        Class probabilities, or predictions, of the model itself.

    Returns
    -------
    Check or str
        Why there is no check, where the rules are too many or have no SQL.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import explain
    >>> X = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0]})
    >>> model = DecisionTreeClassifier().fit(X, [0, 0, 1, 1])
    >>> sql_check(explain(model, X).rules, X, model.predict_proba(X)).scope
    '4 of 4 rows'
    """
    if len(rules) > MOST_RULES:
        return f"more than {MOST_RULES} rules"
    made = [rules.columns[c].name for c in rules.used if rules.columns[c].kind == "derived"]
    if made:
        return f"derived columns: {', '.join(made)}"
    names = [rules.columns[c].name for c in rules.used]
    try:
        query = rules.to_sql(TABLE, "sqlite")
        columns = [_values(X[name]) for name in names]
    except ValueError as refusal:  # names or texts that SQL cannot write
        return f"there is no SQL: {refusal}"
    try:
        found = _run(query, names, columns, said.shape)
    except sqlite3.Error as error:
        return Check(False, f"0 of {len(X)} rows", f"SQLite: {error}")
    slack = SLACK * max(1.0, float(np.abs(said).max()))
    agree = (np.abs(found - said) <= slack).all(axis=1)  # not where there is no answer
    detail = "" if agree.all() else f"first differs in row {int(np.argmin(agree))}"
    return Check(bool(agree.all()), f"{int(agree.sum())} of {len(X)} rows", detail)


def python_check(rules: RuleSet, X: pd.DataFrame, said: npt.NDArray[np.float64]) -> Check | str:
    """Run the rules' Python source on rows and compare it with what the model says of them.

    Parameters
    ----------
    rules, X, said
        As in `sql_check`.

    Returns
    -------
    Check or str
        Why there is no check.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import explain
    >>> X = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0]})
    >>> model = DecisionTreeClassifier().fit(X, [0, 0, 1, 1])
    >>> python_check(explain(model, X).rules, X, model.predict_proba(X)).scope
    '4 of 4 rows'
    """
    if len(rules) > MOST_RULES_PYTHON:
        return f"more than {MOST_RULES_PYTHON:,} rules"
    made = [rules.columns[c].name for c in rules.used if rules.columns[c].kind == "derived"]
    if made:
        return f"derived columns: {', '.join(made)}"
    names = [rules.columns[c].name for c in rules.used]
    try:
        source = rules.to_python("predict")
        columns = [_values(X[name]) for name in names]
    except ValueError as refusal:  # categories that cannot be written
        return f"there is no Python: {refusal}"
    space: dict[str, Any] = {}
    exec(source, space)  # our own source: names and texts in it are literals
    rows = zip(*columns, strict=True) if names else [()] * len(X)
    found = [space["predict"](dict(zip(names, row, strict=True))) for row in rows]
    slack = SLACK * max(1.0, float(np.abs(said).max()))
    gap = np.abs(np.asarray(found, dtype=np.float64).reshape(said.shape) - said)
    agree = (gap <= slack).all(axis=1)
    detail = "" if agree.all() else f"first differs in row {int(np.argmin(agree))}"
    return Check(bool(agree.all()), f"{int(agree.sum())} of {len(X)} rows", detail)


def _run(
    query: str, names: list[str], columns: list[list[Any]], shape: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """What the query puts out for every row, in the order of the rows; NaN where nothing."""
    number = free_name("number", names)
    out = np.full(shape, np.nan)
    with closing(sqlite3.connect(":memory:")) as base:
        declared = ", ".join([f"{_quoted(number)} INTEGER PRIMARY KEY", *map(_quoted, names)])
        base.execute(f"CREATE TABLE {_quoted(TABLE)} ({declared})")
        marks = ", ".join("?" * (len(names) + 1))
        rows = zip(range(shape[0]), *columns, strict=True)
        base.executemany(f"INSERT INTO {_quoted(TABLE)} VALUES ({marks})", rows)
        for row in base.execute(query):  # the table's columns, the rule, what it puts out
            out[row[0]] = row[-shape[1] :]
    return out


def _values(column: pd.Series) -> list[Any]:
    """A column as SQLite takes it: numbers as floats, None for missing."""
    if pd.api.types.is_numeric_dtype(column):
        return [None if np.isnan(v) else v for v in column.to_numpy(np.float64).tolist()]
    return [None if pd.isna(v) else plain(v) for v in column.astype(object)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
