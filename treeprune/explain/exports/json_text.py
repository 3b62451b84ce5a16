"""Rules as JSON that can be read back and then predicts the same, number for number.

A file comes from outside: everything in it is checked before a rule set is made of it, and errors
name the place. Limits are shortest decimals that read back to the same float64; a limit that does
not exist is null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal
from math import inf, isfinite, isnan, nan
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..cells import cells_of
from ..conditions import CategoryCondition, Column, Condition, NumberCondition
from ..features import raw_values
from ..limits import MOST_DECIMALS
from ..rules import Rule, RuleSet
from ..tables import as_frame
from ..text import condition_text, rule_text
from .names import plain, rule_names, target_names

if TYPE_CHECKING:
    from ..conditions import Interval

__all__ = ["SCHEMA", "from_json", "to_json", "values_by_name"]

SCHEMA = "treeprune-rules/1"
_KINDS = ("number", "category", "derived")
_MADE_FROM = ("tree", "partition", "surrogate")
_COMPARED = 2_000  # rules among which overlaps are looked for, pair by pair
_ROUNDING = 1e-9  # of probabilities
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_LABEL_TYPES = {"b": "bool", "i": "int64", "u": "uint64", "f": "float64", "U": "str", "O": "object"}


def to_json(rules: RuleSet, *, indent: int | None = None) -> str:
    """Rules as JSON text, schema `treeprune-rules/1`.

    Parameters
    ----------
    rules : RuleSet
    indent : int, optional
        Blanks a level, for reading.

    Returns
    -------
    str
        An object with `schema`, `kind`, `target`, `classes` (labels of each output), `columns`
        and `rules`. A condition on a number has `intervals` of `above` < x <= `to` (null where
        there is no limit) and the limits as printed; one on a category has the positions
        `allowed` in the column's `categories`. All strings `text` are for reading only.

    Raises
    ------
    ValueError
        For categories or labels that are neither text, number nor truth value, and for numbers
        predicted that are not finite.

    Examples
    --------
    >>> rules = RuleSet((Column("age"),), (Rule((), np.array([[0.5]])),))
    >>> from_json(to_json(rules)).rules[0].value
    array([[0.5]])
    """
    return json.dumps(_content(rules), indent=indent, allow_nan=False)


def _content(rules: RuleSet) -> dict[str, Any]:
    for i, rule in enumerate(rules):
        if not np.isfinite(rule.value).all():
            raise ValueError(f"rule {i + 1} predicts {rule.value.tolist()}, which JSON cannot hold")
    n_outputs = rules.rules[0].value.shape[0] if rules.rules else len(rules.classes) or 1
    names = rule_names(rules)
    return {
        "schema": SCHEMA,
        "kind": rules.kind,
        "target": target_names(rules, n_outputs),
        "classes": [
            {"type": _LABEL_TYPES.get(c.dtype.kind, "object"), "labels": [plain(x) for x in c]}
            for c in map(np.asarray, rules.classes)
        ],
        "columns": [_column(column) for column in rules.columns],
        "rules": [_rule(rules, rule, name) for rule, name in zip(rules, names, strict=True)],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "kind": column.kind,
        "categories": [plain(c) for c in column.categories],
        "refuses_missing": bool(column.refuses_missing),
        "refuses_unseen": bool(column.refuses_unseen),
        "has_missing": bool(column.has_missing),
        "integer": bool(column.integer),
        "sources": list(column.sources),
    }


def _rule(rules: RuleSet, rule: Rule, name: str) -> dict[str, Any]:
    sizes = [len(c) for c in rules.classes] or [1] * rule.value.shape[0]
    return {
        "name": name,
        "text": rule_text(rule, rules),
        "conditions": [_condition(rules, c) for c in rule.conditions],
        "value": [[float(v) for v in rule.value[o, :k]] for o, k in enumerate(sizes)],
        "weight": None if isnan(rule.weight) else float(rule.weight),
        "node": int(rule.node),
    }


def _condition(rules: RuleSet, condition: Condition) -> dict[str, Any]:
    both = {
        "column": int(condition.column),
        "text": condition_text(condition, rules),
        "missing": bool(condition.missing),
    }
    if isinstance(condition, CategoryCondition):
        allowed = sorted(int(i) for i in condition.allowed)
        return {**both, "allowed": allowed, "unseen": bool(condition.unseen)}

    def limit(value: float) -> float | None:
        return float(value) if isfinite(value) else None

    def printed(value: float) -> str | None:
        return rules.text_of(condition.column, value) if isfinite(value) else None

    return {
        **both,
        "intervals": [
            {"above": limit(a), "to": limit(b), "printed": [printed(a), printed(b)]}
            for a, b in condition.intervals
        ],
    }


# -- reading --------------------------------------------------------------------------------------


def from_json(text: str | bytes) -> RuleSet:
    """A rule set from `to_json`'s text; predicts as the one that was written.

    Columns are found in rows by their names. Derived columns must be there under theirs, as
    nothing in the file could compute them.

    What is printed of a limit must be a rounding of it, and no two rules may take the same row
    (looked for among up to 2,000 rules), so that what is read is what runs.

    Parameters
    ----------
    text : str or bytes

    Returns
    -------
    RuleSet
        With no feature map.

    Raises
    ------
    ValueError
        If the text is not JSON, has another schema, or anything in it does not fit together.

    Examples
    --------
    >>> try:
    ...     from_json('{"schema": "something else"}')
    ... except ValueError as error:
    ...     print(error)
    not a rule set: schema is 'something else', this version reads 'treeprune-rules/1'
    """

    def no_constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is not a number of JSON")

    try:
        content = json.loads(text, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a rule set: {error}") from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise ValueError(f"not a rule set: schema is {schema!r}, this version reads {SCHEMA!r}")
    read = _At(content, "file")
    columns = tuple(_read_column(item) for item in read.items("columns"))
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(f"file.columns: two columns are called {twice!r}")
    classes = tuple(_read_classes(item) for item in read.items("classes"))
    texts: dict[tuple[int, float], str] = {}
    kind = read.one_of("kind", _MADE_FROM)
    found = []
    for item in read.items("rules"):
        found.append(_read_rule(item, columns, classes, texts))
        if classes:
            _check_probabilities(item, kind)
    if not found or len({rule.value.shape for rule in found}) > 1:
        raise ValueError("file.rules: there must be one or more, all with as many outputs")
    target, n_outputs = read.texts("target"), found[0].value.shape[0]
    if len(target) != n_outputs or not all(target):
        read.wrong("target", f"a list of {n_outputs} texts that are not empty, one an output")
    rules = RuleSet(columns, tuple(found), classes, None, target, kind, texts)
    _check_overlap(rules)
    return rules


def _check_probabilities(at: _At, kind: str) -> None:
    """From 0 to 1, and 1 together."""
    for part in at.content["value"]:
        if not all(-_ROUNDING <= v <= 1 + _ROUNDING for v in part):
            at.wrong("value", "probabilities from 0 to 1")
        # Boosters that model each of several classes by itself (one against the rest) do not
        # scale their probabilities; they have a tree a class, and so become a partition.
        scaled = kind != "partition" or len(part) <= 2
        if scaled and abs(sum(part) - 1) > _ROUNDING:
            at.wrong("value", "probabilities with a sum of 1 for each output")


def _check_overlap(rules: RuleSet) -> None:
    """That no two rules take the same row."""
    if len(rules) > _COMPARED:
        return
    cells = cells_of(rules)
    for i in range(len(rules) - 1):
        others = np.arange(i + 1, len(rules))
        for column in cells.bits:
            if not len(others):
                break
            others = others[cells.overlap_pairs(column, np.array([i]), others)]
        if len(others):
            raise ValueError(
                f"file.rules: rules {i + 1} and {others[0] + 1} overlap: some row meets the "
                "conditions of both"
            )


def values_by_name(columns: tuple[Column, ...], used: tuple[int, ...], X: Any) -> list[npt.NDArray]:
    """Values of rows for rules that have no pipeline: columns under their names, derived ones too.

    Parameters
    ----------
    columns : tuple of Column
    used : tuple of int
        Positions of the columns that some rule asks for; others need not be there.
    X : array-like, shape (n_rows, n_columns)

    Returns
    -------
    list of array, one a column
        Numbers (NaN for missing), or codes of categories.

    Raises
    ------
    ValueError
        If a column is not there or does not hold numbers where it should.

    Examples
    --------
    >>> values_by_name((Column("a"), Column("b")), (1,), pd.DataFrame({"b": [1, 2]}))
    [array([nan, nan]), array([1., 2.])]
    """
    frame = as_frame(X)
    out = []
    for i, column in enumerate(columns):
        if column.name in frame.columns:
            out += raw_values((column,), frame, {column.name} if i in used else set())
        elif i not in used:
            none = pd.Series(np.full(len(frame), np.nan))
            out.append(column.codes(none) if column.kind == "category" else none.to_numpy())
        elif column.kind == "derived":
            made_of = ", ".join(map(repr, column.sources)) or "raw columns"
            raise ValueError(
                f"the rules ask for the derived column {column.name!r}, which the model's own "
                f"transformers make of {made_of}: add it to the rows under that name, or use the "
                "rules of explain(model, ...)"
            )
        else:
            raise ValueError(
                f"column {column.name!r} is missing; rows have the columns {list(frame.columns)}"
            )
    return out


class _At:
    """An object of the file, with its place for messages."""

    def __init__(self, content: Any, place: str) -> None:
        if not isinstance(content, dict):
            raise ValueError(f"{place}: must be an object, is {_brief(content)}")
        self.content, self.place = content, place

    def wrong(self, key: str, wanted: str) -> NoReturn:
        value = self.content.get(key, "not there")
        raise ValueError(f"{self.place}.{key}: must be {wanted}, is {_brief(value)}")

    def get(self, key: str, fits: Callable[[Any], bool], wanted: str) -> Any:
        if key not in self.content or not fits(self.content[key]):
            self.wrong(key, wanted)
        return self.content[key]

    def list_of(self, key: str) -> list[Any]:
        found: list[Any] = self.get(key, lambda v: isinstance(v, list), "a list")
        return found

    def items(self, key: str) -> list[_At]:
        return [_At(item, f"{self.place}.{key}[{i}]") for i, item in enumerate(self.list_of(key))]

    def flag(self, key: str) -> bool:
        return bool(self.get(key, lambda v: isinstance(v, bool), "true or false"))

    def text(self, key: str) -> str:
        return str(self.get(key, lambda v: isinstance(v, str), "a text"))

    def texts(self, key: str) -> tuple[str, ...]:
        found = self.list_of(key)
        if not all(isinstance(item, str) for item in found):
            self.wrong(key, "a list of texts")
        return tuple(found)

    def one_of(self, key: str, known: tuple[str, ...]) -> str:
        return str(self.get(key, lambda v: v in known, f"one of {', '.join(known)}"))

    def whole(self, key: str, low: int, high: int) -> int:
        found = self.get(
            key,
            lambda v: _is_whole(v) and low <= v < high,
            f"a whole number from {low} to {high - 1}",
        )
        return int(found)

    def number(self, key: str, missing: float) -> float:
        value = self.content.get(key, "not there")
        if value is None:
            return missing
        number = _finite(value)
        if number is None:
            self.wrong(key, "a number or null")
        return number


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _finite(value: Any) -> float | None:
    """A number of the file as a finite float, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool) or _finite(value) is not None


def _read_column(at: _At) -> Column:
    categories = at.list_of("categories")
    if not all(_is_plain(c) for c in categories) or len(set(categories)) < len(categories):
        at.wrong("categories", "a list of different texts, numbers or truth values")
    kind = at.one_of("kind", _KINDS)
    if categories and kind != "category":
        at.wrong("categories", "empty, as the column is not a category")
    return Column(
        at.text("name"),
        kind,
        tuple(categories),
        at.flag("refuses_missing"),
        at.flag("refuses_unseen"),
        at.flag("has_missing"),
        at.flag("integer"),
        at.texts("sources"),
    )


def _read_classes(at: _At) -> npt.NDArray:
    labels = at.list_of("labels")
    if not labels or not all(_is_plain(x) for x in labels) or len(set(labels)) < len(labels):
        at.wrong("labels", "a list of different texts, numbers or truth values")
    dtype = at.one_of("type", tuple(_LABEL_TYPES.values()))
    try:
        array = np.array(labels, dtype=dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{at.place}.labels: not all are of type {dtype}: {error}") from error
    if array.tolist() != labels:
        at.wrong("labels", f"labels of type {dtype}")
    return array


def _read_rule(
    at: _At,
    columns: tuple[Column, ...],
    classes: tuple[npt.NDArray, ...],
    texts: dict[tuple[int, float], str],
) -> Rule:
    conditions = tuple(_read_condition(item, columns, texts) for item in at.items("conditions"))
    if len({c.column for c in conditions}) < len(conditions):
        at.wrong("conditions", "at most one for each column")
    lists = at.list_of("value")
    sizes = [len(c) for c in classes] or [1] * len(lists)
    fits = len(lists) == len(sizes) >= 1 and all(
        isinstance(part, list) and len(part) == k and all(_finite(v) is not None for v in part)
        for part, k in zip(lists, sizes, strict=False)
    )
    if not fits:
        at.wrong("value", f"lists of {sizes} numbers")
    value = np.zeros((len(sizes), max(sizes)))
    for o, part in enumerate(lists):
        value[o, : len(part)] = part
    weight = at.number("weight", nan)
    if weight < 0:
        at.wrong("weight", "a number that is not negative, or null")
    return Rule(conditions, value, at.whole("node", -1, 2**63), weight)


def _read_condition(
    at: _At, columns: tuple[Column, ...], texts: dict[tuple[int, float], str]
) -> Condition:
    position = at.whole("column", 0, len(columns))
    missing = at.flag("missing")
    about = columns[position]
    if about.kind == "category":
        allowed, n = at.list_of("allowed"), len(about.categories)
        if not all(_is_whole(i) and 0 <= i < n for i in allowed):
            at.wrong("allowed", f"positions from 0 to {n - 1}")
        found: Condition = CategoryCondition(
            position, frozenset(allowed), missing, at.flag("unseen")
        )
    else:
        intervals = tuple(_read_interval(item, position, texts) for item in at.items("intervals"))
        ends = [end for interval in intervals for end in interval]
        if any(a >= b for a, b in intervals) or ends != sorted(ends):
            at.wrong("intervals", "ascending and disjoint")
        found = NumberCondition(position, intervals, missing)
    if found.is_empty:
        raise ValueError(f"{at.place}: no value can meet this condition")
    return found


def _read_interval(at: _At, position: int, texts: dict[tuple[int, float], str]) -> Interval:
    interval = at.number("above", -inf), at.number("to", inf)
    printed = at.list_of("printed")
    if len(printed) != 2 or not all(_reads_as(t, x) for t, x in zip(printed, interval)):
        at.wrong("printed", "two decimals, null where there is no limit")
    for text, limit in zip(printed, interval, strict=True):
        if text is None:
            continue
        if not _is_rounding(text, limit):
            at.wrong("printed", f"roundings of the limits {_brief(interval)}")
        if texts.setdefault((position, limit), text) != text:
            at.wrong("printed", f"the same wherever the limit {limit!r} of this column is printed")
    return interval


def _reads_as(text: Any, limit: float) -> bool:
    """Whether a printed limit is a decimal number, or null where there is no limit."""
    if text is None or not isfinite(limit):
        return text is None and not isfinite(limit)
    fits = isinstance(text, str) and len(text) <= 400 and _DECIMAL.fullmatch(text)
    return bool(fits) and isfinite(float(text))


def _is_rounding(text: str, limit: float) -> bool:
    """Whether a decimal is one that `limits.printed_limit` could print for this limit."""
    number = float(text)
    if any(number == float(f"{limit:.{digits}g}") for digits in range(1, 18)):
        return True
    decimals = len(text.partition(".")[2])
    if abs(limit) >= 1e9 or decimals > MOST_DECIMALS or "e" in text.lower():
        return False
    unit = Decimal(1).scaleb(-decimals)
    last = Decimal(limit).quantize(unit, rounding=ROUND_FLOOR)
    if float(last + unit) <= limit:  # the limit is that number but for binary rounding
        last += unit
    return Decimal(text) == last
