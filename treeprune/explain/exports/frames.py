"""Rules as tables: one row a rule with its text, or a decision table with a cell a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ..text import condition_text, rule_text
from .names import free_name, output_names, rule_names

if TYPE_CHECKING:
    from ..rules import RuleSet

__all__ = ["ANY", "to_decision_table", "to_frame"]

ANY = "any"  # a dash would be taken for a formula by spreadsheets


def to_frame(rules: RuleSet) -> pd.DataFrame:
    """A row a rule: its name, its conditions in words, what it predicts, its training weight.

    Parameters
    ----------
    rules : RuleSet

    Returns
    -------
    DataFrame
        `rule` (R1, R2, …), `conditions`, one column a class probability (`P(<class>)`) or
        `value`, and `weight` (NaN where not known).

    Examples
    --------
    >>> import numpy as np
    >>> from treeprune.explain.rules import Rule, RuleSet
    >>> rules = RuleSet((), (Rule((), np.array([[0.5]]), weight=7.0),))
    >>> to_frame(rules).values.tolist()
    [['R1', 'always', 0.5, 7.0]]
    """
    content: dict[str, list[Any]] = {
        "rule": rule_names(rules),
        "conditions": [rule_text(rule, rules) for rule in rules],
    }
    content |= _outputs(rules, ["rule", "conditions", "weight"])
    content["weight"] = [float(rule.weight) for rule in rules]
    return pd.DataFrame(content)


def to_decision_table(rules: RuleSet) -> pd.DataFrame:
    """A row a rule and a column a raw column that rules use: what each asks of it.

    Parameters
    ----------
    rules : RuleSet

    Returns
    -------
    DataFrame
        Cells are conditions without the column's name, such as `<= 11`, `in {a, b}` or `any`;
        then the outputs as in `to_frame`. Names that a raw column has already are numbered.

    Examples
    --------
    >>> import numpy as np
    >>> from treeprune.explain.conditions import Column, NumberCondition
    >>> from treeprune.explain.rules import Rule, RuleSet
    >>> first = Rule((NumberCondition(0, ((-np.inf, 11.0),), False),), np.array([[0.5]]))
    >>> rules = RuleSet((Column("months"), Column("not used")), (first,))
    >>> to_decision_table(rules)
      rule months  value
    0   R1  <= 11    0.5
    """
    names = [rules.columns[c].name for c in rules.used]
    number = free_name("rule", names)
    content: dict[str, list[Any]] = {number: rule_names(rules)}
    for position, name in zip(rules.used, names, strict=True):
        asked = [rule.condition(position) for rule in rules]
        content[name] = [ANY if c is None else condition_text(c, rules, name="") for c in asked]
    content |= _outputs(rules, [*names, number])
    return pd.DataFrame(content)


def _outputs(rules: RuleSet, taken: list[str]) -> dict[str, list[Any]]:
    return {
        name: [float(rule.value[o, k]) for rule in rules]
        for name, o, k in output_names(rules, taken)
    }
