"""What the columns of an export are called, and which categories can be written down at all.

The names of outputs must not meet those of raw columns, whose names are anything; databases do
not tell capitals from small letters, so that neither do we.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..text import printable

if TYPE_CHECKING:
    from ..rules import RuleSet

__all__ = [
    "IMITATION",
    "Output",
    "free_name",
    "output_names",
    "plain",
    "rule_names",
    "target_names",
]

IMITATION = "These rules imitate the model; they are not the model."  # said of every surrogate


class Output(NamedTuple):
    """A number that each rule puts out.

    Parameters
    ----------
    name : str
        `P(<class>)`, or `value`; with the target where there are several.
    output, position : int
        Position in `Rule.value`.

    Examples
    --------
    >>> Output("P(yes)", 0, 1).name
    'P(yes)'
    """

    name: str
    output: int
    position: int


def output_names(rules: RuleSet, taken: Iterable[str] = ()) -> list[Output]:
    """A column for every class probability, or for every number predicted.

    Parameters
    ----------
    rules : RuleSet
    taken : iterable of str
        Names that other columns have.

    Returns
    -------
    list of Output

    Examples
    --------
    >>> from treeprune.explain.rules import Rule, RuleSet
    >>> rules = RuleSet((), (Rule((), np.array([[0.3, 0.7]])),), (np.array(["no", "yes"]),))
    >>> [output.name for output in output_names(rules, taken=["p(NO)"])]
    ['P(no) 2', 'P(yes)']
    """
    n_outputs = rules.rules[0].value.shape[0] if rules.rules else len(rules.classes) or 1
    targets = target_names(rules, n_outputs)
    used = list(taken)
    out = []
    for o, target in enumerate(targets):
        several = f"{printable(target)} = " if n_outputs > 1 else ""
        if rules.is_classifier:
            wanted = [f"P({several}{printable(label)})" for label in rules.classes[o].tolist()]
        else:
            wanted = [f"value({printable(target)})" if n_outputs > 1 else "value"]
        for k, name in enumerate(wanted):
            free = free_name(name, used)
            used.append(free)
            out.append(Output(free, o, k))
    return out


def target_names(rules: RuleSet, n_outputs: int) -> list[str]:
    """A name for each output: those of the rule set if it has one for each, else y0, y1, ….

    Examples
    --------
    >>> from treeprune.explain.rules import RuleSet
    >>> target_names(RuleSet((), (), target=("risk",)), 1), target_names(RuleSet((), ()), 2)
    (['risk'], ['y0', 'y1'])
    """
    fits = len(rules.target) == n_outputs and all(rules.target)
    return list(rules.target) if fits else [f"y{o}" for o in range(n_outputs)]


def rule_names(rules: RuleSet) -> list[str]:
    """R1, R2, …: what the rules are called, in their order.

    Examples
    --------
    >>> from treeprune.explain.rules import Rule, RuleSet
    >>> rule_names(RuleSet((), (Rule((), np.array([[0.5]])),)))
    ['R1']
    """
    return [f"R{i + 1}" for i in range(len(rules))]


def free_name(name: str, taken: Iterable[str]) -> str:
    """The name, numbered where it is taken already, capitals or not.

    Examples
    --------
    >>> free_name("rule", ["Rule", "rule 2"])
    'rule 3'
    """
    known = {other.casefold() for other in taken}
    free, n = name, 2
    while free.casefold() in known:
        free, n = f"{name} {n}", n + 1
    return free


def plain(value: Any) -> str | bool | int | float:
    """A category or class label as Python's own text, truth value or number.

    Raises
    ------
    ValueError
        For anything else (dates, tuples), which has no form that all exports share.

    Examples
    --------
    >>> plain(np.float32(0.5)), plain(np.str_("a")), plain(np.bool_(True))
    (0.5, 'a', True)
    """
    if isinstance(value, np.generic):
        value = value.item()
    for kind in (bool, int, float, str):  # subclasses (enumerations) become the plain type
        if isinstance(value, kind):
            return kind(value)  # type: ignore[no-any-return]
    raise ValueError(
        f"cannot export the category {value!r} of type {type(value).__name__}: exports hold text, "
        "numbers and truth values; fit the model on one of these"
    )
