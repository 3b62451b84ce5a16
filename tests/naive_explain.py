"""Slow, obvious twins for explanations of rules: every question is asked of every row there is.

Rules tell rows apart only by their limits, so that the rows of a grid (each limit, the next float
above it, every category, missing and unseen values) stand for all rows. A row is a list of one
value a column; which rule takes it is decided here, condition by condition.
"""

from __future__ import annotations

import itertools
import math

import numpy as np


def meets(condition, value):
    """Whether a value (a number, or the code of a category) meets a condition."""
    if hasattr(condition, "intervals"):
        if math.isnan(value):
            return condition.missing
        return any(
            (value > low or low == -math.inf) and value <= high for low, high in condition.intervals
        )
    if value == -1:
        return condition.missing
    if value == -2:
        return condition.unseen
    return value in condition.allowed


def rule_of(rules, row):
    """The rule that takes a row; it must be a single one."""
    (taken,) = [
        i
        for i, rule in enumerate(rules.rules)
        if all(meets(c, row[c.column]) for c in rule.conditions)
    ]
    return taken


def points(rules, column, extra=()):
    """Values of a column that stand for all values, ascending numbers before a missing one."""
    about = rules.columns[column]
    if about.kind == "category":
        codes = [*range(len(about.categories))]
        return codes + [-1] * (not about.refuses_missing) + [-2] * (not about.refuses_unseen)
    limits = {
        limit
        for rule in rules.rules
        for c in rule.conditions
        if c.column == column
        for interval in c.intervals
        for limit in interval
        if math.isfinite(limit)
    }
    numbers = {*limits, *(math.nextafter(limit, math.inf) for limit in limits), *extra} or {0.0}
    return sorted(numbers) + [math.nan] * (not about.refuses_missing)


def grid(rules, extra=None):
    """All rows of the grid, and the rule of each."""
    extra = extra or {}
    axes = [points(rules, c, extra.get(c, ())) for c in range(len(rules.columns))]
    rows = list(itertools.product(*axes))
    return rows, [rule_of(rules, row) for row in rows]


def is_sufficient(rules, i, columns, outcome, rows, taken):
    """Whether each row that meets rule i's conditions on these columns has its outcome."""
    asked = [c for c in rules.rules[i].conditions if c.column in columns]
    return all(
        outcome[rule] == outcome[i]
        for row, rule in zip(rows, taken, strict=True)
        if all(meets(c, row[c.column]) for c in asked)
    )


def fixes_the_outcome(row, columns, outcome, rows, taken):
    """Whether each row with these values in these columns has the outcome of `row`."""
    same = [
        outcome[rule]
        for other, rule in zip(rows, taken, strict=True)
        if all(_equal(other[c], row[c]) for c in columns)
    ]
    return len(set(same)) == 1


def _equal(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


def spread(values):
    """Median absolute deviation times 1.4826, else the standard deviation, else 1."""
    known = [v for v in values if not math.isnan(v)]
    if not known:
        return 1.0
    middle = float(np.median(known))
    mad = 1.4826 * float(np.median([abs(v - middle) for v in known]))
    return mad or float(np.std(known)) or 1.0


def change_cost(about, old, new, weight, scale, direction):
    """Cost of one change, inf where it is not allowed; `direction` may be "immutable"."""
    if _equal(old, new):
        return 0.0
    if direction == "immutable":
        return math.inf
    if about.kind == "category":
        return weight if new >= 0 else math.inf
    if math.isnan(new):
        return math.inf
    if math.isnan(old):
        return weight
    if (direction == "increase" and new < old) or (direction == "decrease" and new > old):
        return math.inf
    return weight * abs(new - old) / scale


def cheapest(rules, row, wanted, axes, weights, scales, directions):
    """Least cost over all rows of a grid whose rule is wanted, inf where there is none."""
    best = math.inf
    for other in itertools.product(*axes):
        cost = sum(
            change_cost(rules.columns[c], row[c], other[c], weights[c], scales[c], directions[c])
            for c in range(len(row))
        )
        if cost < best and wanted[rule_of(rules, other)]:
            best = cost
    return best


def is_monotone(rules, column, sign, outputs, slack=1e-12):
    """Whether no two rows that differ in the column only go against the sign."""
    others = [points(rules, c) for c in range(len(rules.columns)) if c != column]
    line = [v for v in points(rules, column) if not math.isnan(v)]
    for rest in itertools.product(*others):
        told = [sign * outputs[rule_of(rules, [*rest[:column], v, *rest[column:]])] for v in line]
        if any(a > b + slack for a, b in itertools.combinations(told, 2)):
            return False
    return True
