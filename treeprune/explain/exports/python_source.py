"""Rules as the source of one Python function, which needs nothing but Python.

Each rule is one `if` on local variables. Text from data enters the source through `repr` only;
a column's own name is used for a variable where it is a plain identifier.
"""

from __future__ import annotations

import builtins
import keyword
from math import isfinite
from typing import TYPE_CHECKING

from ..conditions import CategoryCondition, Column, Condition, NumberCondition
from .names import IMITATION, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from ..rules import RuleSet

__all__ = ["to_python"]

_LONGEST_NAME = 40


def to_python(rules: RuleSet, function: str = "predict_proba") -> str:
    """Source of a function from one row, a mapping of column names to values, to its prediction.

    Parameters
    ----------
    rules : RuleSet
    function : str
        Name of the function.

    Returns
    -------
    str
        The function returns a list of class probabilities, or a number; a list of these where
        there are several outputs. None and NaN are missing values. Derived columns are read from
        the row under their names. That rules imitate a model is said in its docstring.

    Raises
    ------
    ValueError
        If `function` is not a name that a function can have, or for categories that are neither
        text, number nor truth value.

    Examples
    --------
    >>> import numpy as np
    >>> from treeprune.explain.rules import Rule, RuleSet
    >>> conditions = [NumberCondition(0, ((a, b),), a < 0) for a, b in ((-np.inf, 2), (2, np.inf))]
    >>> both = tuple(Rule((c,), np.array([[v]])) for c, v in zip(conditions, (0.5, 1.5)))
    >>> source = to_python(RuleSet((Column("age"),), both), "predict")
    >>> print(source)
    def predict(row):
        missing = float("nan")
        age = row['age']
        age = missing if age is None else float(age)
        if age <= 2.0 or age != age:  # R1
            return 0.5
        if age > 2.0:  # R2
            return 1.5
        raise ValueError("the model does not take this row: a value is missing, or unknown to it")
    <BLANKLINE>
    >>> exec(source)
    >>> predict({"age": None}), predict({"age": 3})
    (0.5, 1.5)
    """
    if not function.isidentifier() or keyword.iskeyword(function) or hasattr(builtins, function):
        raise ValueError(f"{function!r} cannot be the name of the function: give another one")
    if not rules.rules:
        raise ValueError("there are no rules to export")
    variables = _variables(rules)
    said = [f'    """{IMITATION}"""'] if rules.kind == "surrogate" else []
    lines = [f"def {function}(row):", *said, '    missing = float("nan")']
    for position, variable in variables.items():
        lines += _reading(rules.columns[position], variable)
    for i, rule in enumerate(rules):
        parts = [
            part
            for condition in rule.conditions
            for part in _parts(condition, rules.columns[condition.column], variables)
        ]
        lines += _if(parts, f"  # R{i + 1}", f"return {_value(rules, rule.value)}")
    lines.append(
        '    raise ValueError("the model does not take this row: a value is missing, or unknown '
        'to it")'
    )
    return "\n".join(lines) + "\n"


def _variables(rules: RuleSet) -> dict[int, str]:
    """A variable for each column used: its own name where that is one, else x and its position."""
    out: dict[int, str] = {}
    for position in rules.used:
        name = rules.columns[position].name
        fits = (
            name.isascii()
            and name.isidentifier()
            and not name.startswith("_")
            and not keyword.iskeyword(name)
            and not hasattr(builtins, name)
            and name not in ("row", "missing")
            and len(name) <= _LONGEST_NAME
        )
        out[position] = name if fits else ""
    for position, name in out.items():
        if not name:
            free, n = f"x{position}", 2
            while free in out.values():
                free, n = f"x{position}_{n}", n + 1
            out[position] = free
    return out


def _reading(column: Column, variable: str) -> list[str]:
    """Lines that read a value: NaN is a missing number, None a missing category."""
    lines = [f"    {variable} = row[{column.name!r}]"]
    if column.kind != "category":
        lines.append(f"    {variable} = missing if {variable} is None else float({variable})")
        test = f"{variable} != {variable}"
    else:
        lines.append(f"    {variable} = None if {variable} != {variable} else {variable}")
        test = f"{variable} is None"
        if column.refuses_unseen:
            known = _set(column, range(len(column.categories)))
            lines += [
                f"    if {variable} is not None and {variable} not in {known}:",
                f"        raise ValueError({_message(column, 'has a category unknown to it')})",
            ]
    if column.refuses_missing:
        lines += [
            f"    if {test}:",
            f"        raise ValueError({_message(column, 'is missing')})",
        ]
    return lines


def _message(column: Column, what: str) -> str:
    return repr(f"the model does not take this row: {column.name!r} {what}")


def _set(column: Column, positions: Iterable[int]) -> str:
    listed = [repr(plain(column.categories[i])) for i in positions]
    return "{" + ", ".join(listed) + "}" if listed else "()"


def _parts(condition: Condition, column: Column, variables: dict[int, str]) -> list[str]:
    """Tests that all hold, as source."""
    variable = variables[condition.column]
    if isinstance(condition, NumberCondition):
        ways = [_interval(variable, low, high) for low, high in condition.intervals]
        absent, anything = f"{variable} != {variable}", "" in ways
        # Every comparison with NaN is false, so that a missing number fails what it does not meet.
        guard = [f"{variable} == {variable}"] if anything else []
    else:
        ways = _categories(condition, column, variable)
        absent, anything = f"{variable} is None", "" in ways
        guard = [f"{variable} is not None"] if condition.unseen else []
    if anything:
        return [] if condition.missing else guard
    if condition.missing:
        return [" or ".join([*ways, absent])]
    return [*guard, " or ".join(ways) or "False"]


def _interval(variable: str, low: float, high: float) -> str:
    below, above = repr(float(low)), repr(float(high))
    if not isfinite(low):
        return f"{variable} <= {above}" if isfinite(high) else ""
    return f"{below} < {variable} <= {above}" if isfinite(high) else f"{variable} > {below}"


def _categories(condition: CategoryCondition, column: Column, variable: str) -> list[str]:
    """One test; an empty one for any category."""
    if not condition.unseen:
        allowed = sorted(condition.allowed)
        return [f"{variable} in {_set(column, allowed)}"] if allowed else []
    out = [i for i in range(len(column.categories)) if i not in condition.allowed]
    return [f"{variable} not in {_set(column, out)}" if out else ""]


def _if(parts: list[str], comment: str, then: str) -> list[str]:
    """An `if` on one line where it fits, else on a line for each part."""
    if not parts:
        return [f"    if True:{comment}", f"        {then}"]
    joined = [f"({part})" if " or " in part and len(parts) > 1 else part for part in parts]
    line = f"    if {' and '.join(joined)}:{comment}"
    if len(line) <= 100:
        return [line, f"        {then}"]
    inner = [f"        {'and ' if i else ''}{part}" for i, part in enumerate(joined)]
    return [f"    if ({comment}", *inner, "    ):", f"        {then}"]


def _value(rules: RuleSet, value: npt.NDArray) -> str:
    """What a rule returns, as source."""
    if not rules.is_classifier:
        numbers = [_number(v) for v in value[:, 0]]
        return numbers[0] if len(numbers) == 1 else f"[{', '.join(numbers)}]"
    lists = [
        f"[{', '.join(_number(v) for v in value[o, : len(classes)])}]"
        for o, classes in enumerate(rules.classes)
    ]
    return lists[0] if len(lists) == 1 else f"[{', '.join(lists)}]"


def _number(value: float) -> str:
    value = float(value)
    return repr(value) if isfinite(value) else f'float("{value!r}")'
