"""Minimal sufficient reasons: the fewest conditions of a rule that still force its outcome.

A path of a tree asks more than its outcome needs. Columns are dropped one after another as long
as every rule with another outcome still contradicts what is kept; what remains is sufficient (no
row that meets it has another outcome) and minimal (without any one column that fails).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..decision import Decision
from .cells import Cells, cells_of
from .rules import Rule, RuleSet

__all__ = ["outcomes", "sufficient_columns", "sufficient_rules", "sufficient_values"]


def outcomes(
    rules: RuleSet, decision: Decision | None = None, *, exact: bool = False
) -> npt.NDArray[np.int64]:
    """A label for each rule; rules with the same label lead to the same outcome.

    Parameters
    ----------
    rules : RuleSet
    decision : Decision, optional
        Then the label is 1 for the adverse decision and 0 for the other.
    exact : bool
        Whether only equal values are the same outcome. Otherwise, without a decision, it is the
        predicted class (of all outputs); numbers are always compared exactly.

    Returns
    -------
    array of int64, shape (n_rules,)

    Raises
    ------
    ValueError
        If a decision is given for rules that do not classify into one output.

    Examples
    --------
    >>> rule = Rule((), np.array([[0.3, 0.7]]))
    >>> rules = RuleSet((), (rule,), (np.array(["bad", "good"]),))
    >>> outcomes(rules, Decision("bad", cutoff=0.25)).tolist()
    [1]
    """
    value = np.stack([rule.value for rule in rules.rules])
    if decision is not None:
        if len(rules.classes) != 1:
            raise ValueError(
                "a Decision is about a classifier with one output; this model has "
                f"{len(rules.classes)} outputs with classes"
            )
        adverse = value[:, 0, decision.position(rules.classes[0])]
        return decision.decide(adverse).astype(np.int64)
    if exact or not rules.is_classifier:
        table = value.reshape(len(value), -1)
    else:
        table = np.stack(
            [value[:, o, : len(known)].argmax(axis=1) for o, known in enumerate(rules.classes)],
            axis=1,
        )
    return np.unique(table, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def sufficient_columns(
    rules: RuleSet,
    i: int,
    outcome: npt.ArrayLike,
    *,
    order: Sequence[int] | None = None,
    cells: Cells | None = None,
) -> tuple[int, ...]:
    """Columns whose conditions alone force the outcome of a rule, none of which can go.

    Parameters
    ----------
    rules : RuleSet
        A partition: no two rules take the same row.
    i : int
        Position of the rule.
    outcome : array-like, shape (n_rules,)
        Labels such as those of `outcomes`.
    order : sequence of int, optional
        Columns in the order in which to try to drop them; the rule's others follow. By default
        those asked last go first, so that the upper part of a tree is kept.
    cells : Cells, optional
        `cells_of(rules)` where it is known.

    Returns
    -------
    tuple of int
        Positions of columns, in the order in which the rule asks.

    Raises
    ------
    ValueError
        If another rule with another outcome takes rows of this one.

    Notes
    -----
    Greedy deletion, O(n_rules · bits of the columns asked), so polynomial (Izza, Ignatiev,
    Marques-Silva 2022). The result is minimal for inclusion; another one can be shorter, and to
    find the shortest is NP-hard. Missing values and unseen categories count as values. Derived
    columns count as if they were free of each other: then the reason is sufficient all the same,
    but may be longer than needed.

    References
    ----------
    Izza, Ignatiev and Marques-Silva (2022), On tackling explanation redundancy in decision trees.

    Examples
    --------
    The second test of the path x0 <= 3, x1 <= 3 is not needed when both of its sides agree:

    >>> from treeprune.explain.conditions import Column, NumberCondition
    >>> def half(column, low):
    ...     return NumberCondition(column, ((-np.inf, 3.0) if low else (3.0, np.inf),), False)
    >>> value = np.zeros((1, 1))
    >>> rules = RuleSet(
    ...     (Column("x0"), Column("x1")),
    ...     (
    ...         Rule((half(0, True), half(1, True)), value),
    ...         Rule((half(0, True), half(1, False)), value),
    ...         Rule((half(0, False),), value),
    ...     ),
    ... )
    >>> sufficient_columns(rules, 0, [0, 0, 1])
    (0,)
    """
    cells = cells_of(rules) if cells is None else cells
    asked = [condition.column for condition in rules.rules[i].conditions]
    conflict = np.zeros((cells.n_rules, len(asked)), dtype=bool)
    for k, column in enumerate(asked):
        conflict[:, k] = ~cells.overlap(column, i)
    return _fewest(asked, conflict, _checked(outcome, rules), i, order)


def sufficient_rules(
    rules: RuleSet, outcome: npt.ArrayLike, *, cells: Cells | None = None
) -> tuple[Rule, ...]:
    """Every rule with only the conditions that force its outcome.

    Parameters
    ----------
    rules : RuleSet
    outcome : array-like, shape (n_rules,)
    cells : Cells, optional

    Returns
    -------
    tuple of Rule
        In the same order; they may overlap where outcomes agree.

    Notes
    -----
    O(n_rules² · columns asked) operations on words: about a second for 1,000 rules.

    Examples
    --------
    >>> rules = RuleSet((), (Rule((), np.zeros((1, 1))),))
    >>> sufficient_rules(rules, [0])[0].conditions
    ()
    """
    cells = cells_of(rules) if cells is None else cells
    out = []
    for i, rule in enumerate(rules.rules):
        kept = sufficient_columns(rules, i, outcome, cells=cells)
        out.append(replace(rule, conditions=tuple(c for c in rule.conditions if c.column in kept)))
    return tuple(out)


def sufficient_values(
    rules: RuleSet,
    values: Sequence[npt.ArrayLike],
    outcome: npt.ArrayLike,
    *,
    order: Sequence[int] | None = None,
) -> tuple[int, ...]:
    """Columns of a row whose own values alone fix its outcome (an abductive explanation).

    The row's values are tighter than the limits of its rule, so that often fewer of them do.

    Parameters
    ----------
    rules : RuleSet
    values : sequence of array-like, one a column, of length 1 (or single numbers)
        `rules.values(X)` of one row.
    outcome : array-like, shape (n_rules,)
    order : sequence of int, optional
        As in `sufficient_columns`.

    Returns
    -------
    tuple of int
        Positions of columns, in the order in which the row's rule asks.

    Raises
    ------
    ValueError
        If no rule, or more than one, takes the row.

    Notes
    -----
    Greedy deletion, O(n_rules · columns asked). Minimal for inclusion among *all* columns, though
    the search starts from those on the row's path.

    Examples
    --------
    >>> from treeprune.explain.conditions import Column
    >>> rules = RuleSet((Column("age"),), (Rule((), np.zeros((1, 1))),))
    >>> sufficient_values(rules, [30.0], [0])
    ()
    """
    row = [np.atleast_1d(value) for value in values]
    if any(len(value) != 1 for value in row):
        raise ValueError(f"values must be those of one row, got {max(map(len, row))} rows")
    i = int(rules.match_values(row)[0])
    if i < 0:
        raise ValueError("the row meets no rule, or more than one: the model itself refuses it")
    asked = [condition.column for condition in rules.rules[i].conditions]
    conflict = np.zeros((len(rules), len(asked)), dtype=bool)
    place = {column: k for k, column in enumerate(asked)}
    for j, rule in enumerate(rules.rules):
        for condition in rule.conditions:
            if condition.column in place:
                met = condition.meets(row[condition.column])[0]
                conflict[j, place[condition.column]] = not met
    return _fewest(asked, conflict, _checked(outcome, rules), i, order)


def _checked(outcome: npt.ArrayLike, rules: RuleSet) -> npt.NDArray:
    out = np.asarray(outcome)
    if out.shape != (len(rules),):
        raise ValueError(
            f"outcome must have one label for each of the {len(rules)} rules, got shape {out.shape}"
        )
    return out


def _fewest(
    asked: list[int],
    conflict: npt.NDArray[np.bool_],
    outcome: npt.NDArray,
    i: int,
    order: Sequence[int] | None,
) -> tuple[int, ...]:
    """Greedy deletion: a column goes while every rule of another outcome is still contradicted."""
    conflict = conflict[outcome != outcome[i]]
    count = conflict.sum(axis=1)
    if (count == 0).any():
        raise ValueError(
            f"rule {i} and a rule with another outcome take the same rows; sufficient reasons "
            "need rules that are a partition"
        )
    first = [c for c in order or () if c in asked]
    kept = set(asked)
    for column in [*first, *(c for c in reversed(asked) if c not in first)]:
        without = count - conflict[:, asked.index(column)]
        if (without > 0).all():
            count = without
            kept.remove(column)
    return tuple(column for column in asked if column in kept)
