"""Random rule sets that are partitions: boxes over numbers and categories, split in turn."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from treeprune.explain.conditions import CategoryCondition, Column, NumberCondition
from treeprune.explain.rules import Rule, RuleSet

LIMITS = (-1.0, 0.0, float(np.nextafter(2.0, 0)), 2.0, 2.5, 4.0)


@st.composite
def columns(draw, max_columns: int = 3) -> tuple[Column, ...]:
    """Numbers and categories that refuse missing or unseen values, or do not."""
    out = []
    for i in range(draw(st.integers(1, max_columns))):
        flags = {"refuses_missing": draw(st.booleans())}
        if draw(st.booleans()):
            flags["integer"] = draw(st.booleans())
            out.append(Column(f"n{i}", "number", **flags))
        else:
            flags["refuses_unseen"] = draw(st.booleans())
            categories = ("a", "b", "c")[: draw(st.integers(2, 3))]
            out.append(Column(f"c{i}", "category", categories, **flags))
    return tuple(out)


@st.composite
def conditions(draw, column: int, about: Column):
    """What goes left at a split of this column."""
    missing = not about.refuses_missing and draw(st.booleans())
    if about.kind == "category":
        allowed = draw(st.frozensets(st.integers(0, len(about.categories) - 1)))
        unseen = not about.refuses_unseen and draw(st.booleans())
        return CategoryCondition(column, allowed, missing, unseen)
    limits = sorted(draw(st.sets(st.sampled_from(LIMITS), min_size=1, max_size=2)))
    interval = (-np.inf, limits[0]) if len(limits) == 1 else tuple(limits)
    return NumberCondition(column, (interval,), missing)


@st.composite
def partitions(draw, max_columns: int = 3, max_splits: int = 7, n_values: int = 4) -> RuleSet:
    """Rules with one number each, of few distinct ones."""
    about = draw(columns(max_columns))
    boxes: list[dict] = [{}]
    for _ in range(draw(st.integers(0, max_splits))):
        box = boxes.pop(draw(st.integers(0, len(boxes) - 1)))
        column = draw(st.integers(0, len(about) - 1))
        left = draw(conditions(column, about[column]))
        for asked in (left, left.complement(about[column])):
            both = box[column] & asked if column in box else asked
            if not both.is_empty:
                boxes.append({**box, column: both})
    rules = []
    for box in boxes:
        value = np.array([[draw(st.integers(0, n_values - 1)) / 4]])
        asked = tuple(c for c in box.values() if not c.is_everything(about[c.column]))
        rules.append(Rule(asked, value))
    return RuleSet(about, tuple(rules))
