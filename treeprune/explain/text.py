"""Conditions and rules in words, such as `11 < age <= 30` or `purpose in {education, repairs}`.

Text is for reading; JSON, SQL and Python are for running. Where a column missed no value in the
rows given, what would happen to a missing value is said once below the rules, not in each.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .conditions import CategoryCondition, Column, Condition, NumberCondition

if TYPE_CHECKING:
    from .rules import Rule, RuleSet

__all__ = ["category_text", "condition_text", "printable", "rule_text", "shortened"]

ALWAYS = "always"
# First words of a category that would read as the sentence's own.
_MISLEADING = {"no", "not", "or", "and", "in", "is", "missing", "present", "anything"}


def printable(value: Any) -> str:
    r"""One line of text: control characters are escaped, so that names cannot break the page.

    Examples
    --------
    >>> printable("a\nb"), printable(3.0)
    ('a\\nb', '3')
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    text = str(value)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shortened(value: Any) -> str:
    """A value for reading: numbers with six digits, since more belong to the data, not the page.

    Examples
    --------
    >>> shortened(0.35867194917034445), shortened(48), shortened("used car")
    ('0.358672', '48', 'used car')
    """
    if isinstance(value, float | np.floating) and np.isfinite(value) and value != int(value):
        return f"{value:.6g}"
    return printable(value)


def category_text(value: Any) -> str:
    """A category within a sentence: quoted where its punctuation, blanks or a "no" would mislead.

    Examples
    --------
    >>> category_text("used car"), category_text("a, b"), category_text(2.0)
    ('used car', "'a, b'", '2')
    >>> category_text("no account"), category_text("a or missing")
    ("'no account'", "'a or missing'")
    """
    text = printable(value)
    plain = text and text == text.strip() and not set(text) & set(",;:{}+×'\"")
    words = text.lower().split()
    plain = plain and "if" not in words and "missing" not in words
    plain = plain and words[0] not in _MISLEADING
    return text if plain else f"'{text}'" if "'" not in text else f'"{text}"'


def condition_text(
    condition: Condition, rules: RuleSet, *, missing: bool | None = None, name: str | None = None
) -> str:
    """A condition in words.

    Parameters
    ----------
    condition : NumberCondition or CategoryCondition
    rules : RuleSet
        Holds the columns and how limits are printed.
    missing : bool, optional
        Whether to say what happens to missing values; by default where the column had any.
    name : str, optional
        Instead of the column's; empty where the column is clear, as in a table's cell.

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np
    >>> from treeprune.explain.conditions import Column
    >>> from treeprune.explain.rules import RuleSet
    >>> rules = RuleSet((Column("age"), Column("job", "category", ("a", "b", "c"))), ())
    >>> condition_text(NumberCondition(0, ((11.0, 30.0),), True), rules, missing=True)
    '11 < age <= 30 or missing'
    >>> condition_text(CategoryCondition(1, frozenset({0, 2}), False, False), rules)
    'job in {a, c}'
    >>> condition_text(NumberCondition(0, ((11.0, 30.0),), True), rules, name="")
    '> 11 and <= 30'
    """
    column = rules.columns[condition.column]
    say = column.has_missing if missing is None else missing
    name = (printable(column.name) or "''") if name is None else name
    if isinstance(condition, NumberCondition):
        text = _number_text(condition, name, rules, say)
    else:
        text = _set_text(condition, name, column, say)
    return text if name else text.strip()


def _number_text(condition: NumberCondition, name: str, rules: RuleSet, say: bool) -> str:
    if not condition.intervals:
        return f"{name} is missing"
    parts = [_interval_text(name, i, condition.column, rules) for i in condition.intervals]
    if any(part == ALWAYS for part in parts):
        return f"{name} is {'anything' if condition.missing else 'present'}"
    points = [
        rules.text_of(condition.column, high)
        for low, high in condition.intervals
        if low == math.nextafter(high, -math.inf)
    ]
    text = " or ".join(parts)
    if len(points) == len(parts):
        text = f"{name} in {{{', '.join(points)}}}" if len(points) > 1 else f"{name} is {points[0]}"
    if not say:
        return text
    return f"{text} {'or missing' if condition.missing else 'and not missing'}"


def _interval_text(name: str, interval: tuple[float, float], column: int, rules: RuleSet) -> str:
    low, high = interval
    if np.isinf(low) and np.isinf(high):
        return ALWAYS
    if np.isinf(low):
        return f"{name} <= {rules.text_of(column, high)}"
    if np.isinf(high):
        return f"{name} > {rules.text_of(column, low)}"
    above, to = rules.text_of(column, low), rules.text_of(column, high)
    return f"{above} < {name} <= {to}" if name else f"> {above} and <= {to}"


def _set_text(condition: CategoryCondition, name: str, column: Column, say: bool) -> str:
    """The shorter of the list that is in and the list that is out; unseen categories are said."""
    n = len(column.categories)
    inside = [category_text(column.categories[i]) for i in sorted(condition.allowed)]
    outside = [category_text(column.categories[i]) for i in range(n) if i not in condition.allowed]
    flags = all(isinstance(c, bool | np.bool_) for c in column.categories)
    if flags and len(inside) == len(outside) == 1:
        text = f"{name} is {'yes' if inside == ['True'] else 'no'}"
    elif not inside and not condition.unseen:
        return f"{name} is missing"
    elif not outside:
        text = f"{name} is a known category" if not condition.unseen else f"{name} is present"
        if condition.unseen or column.refuses_unseen:
            return f"{name} is present" if not condition.missing else text
    elif not inside:
        text = f"{name} is a category not seen at fit"
    else:
        not_in = condition.unseen or column.refuses_unseen
        shorter = len(outside) < len(inside) or (len(outside) == len(inside) and condition.unseen)
        if not_in and (shorter or (condition.unseen and len(outside) <= 3)):
            text = f"{name} not in {{{', '.join(outside)}}}"
            if len(outside) == 1:
                text = f"{name} is not {outside[0]}"
        else:
            text = f"{name} in {{{', '.join(inside)}}}"
            if len(inside) == 1:
                text = f"{name} is {inside[0]}"
            if condition.unseen:
                text += " or not seen at fit"
    if not say:
        return text
    return f"{text} {'or missing' if condition.missing else 'and not missing'}"


def rule_text(rule: Rule, rules: RuleSet, *, missing: bool | None = None) -> str:
    """All conditions of a rule, joined by semicolons; `always` where it asks nothing."""
    texts = [condition_text(c, rules, missing=missing) for c in rule.conditions]
    return "; ".join(texts) or ALWAYS
