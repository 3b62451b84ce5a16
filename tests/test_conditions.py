"""Conditions: the algebra agrees with plain sets of values; codes are right for every dtype."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from treeprune.explain.conditions import (
    EVERYWHERE,
    MISSING,
    UNSEEN,
    CategoryCondition,
    Column,
    NumberCondition,
)
from treeprune.explain.matching import match_conditions

ENDS = (-np.inf, -3.0, -1.0, -0.0, 0.5, 2.0, 7.0, np.inf)
NUMBERS = np.array(
    sorted(
        {
            float(np.nextafter(end, to)) if to else end
            for end in ENDS
            for to in (-np.inf, None, np.inf)
        }
    )
)
VALUES = np.append(NUMBERS, np.nan)
N_CATEGORIES = 4
CODES = np.array([*range(N_CATEGORIES), MISSING, UNSEEN])


@st.composite
def number_conditions(draw, column: int = 0) -> NumberCondition:
    """Any union of segments between the ends, neighbours joined."""
    kept = draw(st.lists(st.booleans(), min_size=len(ENDS) - 1, max_size=len(ENDS) - 1))
    intervals: list[tuple[float, float]] = []
    for low, high, keep in zip(ENDS[:-1], ENDS[1:], kept, strict=True):
        if keep and intervals and intervals[-1][1] == low:
            intervals[-1] = (intervals[-1][0], high)
        elif keep:
            intervals.append((low, high))
    return NumberCondition(column, tuple(intervals), draw(st.booleans()))


@st.composite
def category_conditions(draw, column: int = 0) -> CategoryCondition:
    allowed = draw(st.frozensets(st.integers(0, N_CATEGORIES - 1)))
    return CategoryCondition(column, allowed, draw(st.booleans()), draw(st.booleans()))


@st.composite
def columns(draw, kind: str) -> Column:
    categories = ("a", "b", "c", "d") if kind == "category" else ()
    return Column("c", kind, categories, draw(st.booleans()), draw(st.booleans()))


def slow_meets(condition, value) -> bool:
    """One value at a time, from the definition."""
    if isinstance(condition, CategoryCondition):
        if value in (MISSING, UNSEEN):
            return condition.missing if value == MISSING else condition.unseen
        return int(value) in condition.allowed
    if np.isnan(value):
        return condition.missing
    return any(
        (low < value or low == value == -np.inf) and value <= high
        for low, high in condition.intervals
    )


def met(condition) -> list[bool]:
    values = CODES if isinstance(condition, CategoryCondition) else VALUES
    return condition.meets(values).tolist()


def takes(column: Column) -> np.ndarray:
    """Which of the values the model takes."""
    if column.kind == "category":
        refused = (column.refuses_missing & (CODES == MISSING)) | (
            column.refuses_unseen & (CODES == UNSEEN)
        )
        return ~refused
    return ~(column.refuses_missing & np.isnan(VALUES))


both_kinds = pytest.mark.parametrize(
    ("kind", "conditions"), [("number", number_conditions), ("category", category_conditions)]
)


@both_kinds
@given(data=st.data())
def test_meets_is_its_definition(kind, conditions, data):
    condition = data.draw(conditions())
    values = CODES if kind == "category" else VALUES
    assert met(condition) == [slow_meets(condition, v) for v in values]


@both_kinds
@given(data=st.data())
def test_intersection(kind, conditions, data):
    a, b, c = (data.draw(conditions()) for _ in range(3))
    assert met(a & b) == [x and y for x, y in zip(met(a), met(b), strict=True)]
    assert a & b == b & a
    assert (a & b) & c == a & (b & c)
    assert a & a == a
    assert (a & b).is_empty == (not any(met(a & b)))


@both_kinds
@given(data=st.data())
def test_complement_is_the_rest_of_what_the_model_takes(kind, conditions, data):
    a, column = data.draw(conditions()), data.draw(columns(kind))
    rest, taken = a.complement(column), takes(column)
    np.testing.assert_array_equal(met(rest), ~np.array(met(a)) & taken)
    assert (a & rest).is_empty
    again = rest.complement(column)
    np.testing.assert_array_equal(met(again), np.array(met(a)) & taken)


@both_kinds
@given(data=st.data())
def test_everything(kind, conditions, data):
    a, column = data.draw(conditions()), data.draw(columns(kind))
    assert a.is_everything(column) == bool(np.all(np.array(met(a))[takes(column)]))


def test_bounds_are_half_open_and_infinity_is_a_number():
    low = NumberCondition(0, ((-np.inf, 1.0),), False)
    high = NumberCondition(0, ((1.0, np.inf),), False)
    values = np.array([-np.inf, 1.0, np.nextafter(1.0, 2), np.inf])
    assert low.meets(values).tolist() == [True, True, False, False]
    assert high.meets(values).tolist() == [False, False, True, True]
    assert low.complement(Column("c")).intervals == high.intervals
    assert NumberCondition(0, EVERYWHERE, True).meets(np.array([np.inf, -np.inf, np.nan])).all()


def test_a_category_beyond_those_allowed_is_out():
    condition = CategoryCondition(0, frozenset({1}), False, False)
    assert condition.meets(np.array([5, 1, 0])).tolist() == [False, True, False]


# --- matching ------------------------------------------------------------------------------------


@st.composite
def rules_and_values(draw):
    """Rules of all sorts, not only partitions: number, category and number columns."""
    kinds = [number_conditions, category_conditions, number_conditions]
    rules = draw(
        st.lists(
            st.lists(st.sampled_from(range(3)), unique=True).flatmap(
                lambda asked: st.tuples(*(kinds[i](column=i) for i in asked))
            ),
            max_size=20,
        )
    )
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(VALUES.tolist()),
                st.sampled_from(CODES.tolist()),
                st.sampled_from(VALUES.tolist()),
            ),
            max_size=20,
        )
    )
    values = [np.array([row[i] for row in rows], float) for i in range(3)]
    values[1] = values[1].astype(int)
    return rules, values


@given(rules_and_values(), st.sampled_from([1, 3, 2048]), st.sampled_from([1, 5, 1 << 24]))
def test_matching_asks_every_rule(rules_values, at_once, n_bytes):
    from treeprune.explain import matching

    rules, values = rules_values
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "_RULES", at_once)
        patch.setattr(matching, "_BYTES", n_bytes)
        found = match_conditions(rules, values)
    for row in range(len(values[0])):
        taking = [
            i
            for i, rule in enumerate(rules)
            if all(slow_meets(c, values[c.column][row]) for c in rule)
        ]
        assert found[row] == (taking[0] if len(taking) == 1 else -1)


def test_printed_limits_that_leave_nothing_between_them_match_nothing():
    empty = NumberCondition(0, ((11.0, 11.0), (5.0, 3.0)), False)
    other = NumberCondition(0, EVERYWHERE, False)
    values = [np.array([2.0, 4.0, 11.0])]
    assert match_conditions([(empty,), (other,)], values).tolist() == [1, 1, 1]


# --- codes ---------------------------------------------------------------------------------------


def slow_codes(categories, values) -> list[int]:
    out = []
    for v in values:
        if v is None or v is pd.NA or v != v:
            out.append(MISSING)
        else:
            out.append(next((i for i, c in enumerate(categories) if c == v), UNSEEN))
    return out


@given(st.data())
def test_codes_of_hostile_texts_in_all_dtypes(data):
    texts = data.draw(st.lists(strategies.hostile_texts(), min_size=1, max_size=6, unique=True))
    cut = data.draw(st.integers(0, len(texts)))
    column = Column("c", "category", tuple(texts[:cut]))
    values = data.draw(st.lists(st.sampled_from([*texts, None]), min_size=1, max_size=12))
    expected = slow_codes(column.categories, values)
    for dtype in ("object", "str", "string", "category"):
        assert column.codes(pd.Series(values, dtype=dtype)).tolist() == expected
    assert column.codes(values).tolist() == expected
    assert column.codes(pl.Series(values, dtype=pl.String).to_pandas()).tolist() == expected
    if not any(v is None for v in values):
        assert column.codes(np.array(values, dtype=object)).tolist() == expected


def test_missing_in_the_way_that_the_model_does_not_know_is_unseen():
    values = pd.Series(["a", None, np.nan, "b"], dtype=object)
    for written, codes in (("any", [0, -1, -1, -2]), ("None", [0, -1, -2, -2])):
        assert Column("c", "category", ("a",), written=written).codes(values).tolist() == codes
    assert Column("c", "category", ("a",), written="NaN").codes(values).tolist() == [0, -2, -1, -2]


@pytest.mark.parametrize(
    ("categories", "values"),
    [
        ((1, 2, 4), pd.Series([1, 2, 3, 4])),
        ((1, 2, 4), pd.Series([1, 2, None, 4, 2.5])),
        ((1.0, 2.0), pd.Series([1, 2, pd.NA, 3], dtype="Int64")),
        ((0.5, 2.0), pd.Series([0.5, 2, pd.NA, 3], dtype="Float64")),
        ((float(np.float32(0.1)), 2.0), pd.Series([0.1, 2, np.nan, 3], dtype="float32")),
        ((False, True), pd.Series([True, False])),
        ((False, True), pd.Series([True, pd.NA, False], dtype="boolean")),
        ((False, True), pd.Series([1, 0, np.nan, 2])),
        ((1, 2), pd.Series([1, 2, 3, None]).astype("category")),
        ((1, "1"), pd.Series(["1", 1, 1.0, "2"], dtype=object)),
        ((), pd.Series(["a", None], dtype=object)),
        (("a",), pd.Series([], dtype=object)),
        (("a",), pd.Series(["a", np.nan, None, pd.NA, "b"], dtype=object)),
        ((2**60, 2**60 + 1), pd.Series([2**60 + 1, 2**60, 2**60 + 2])),
    ],
)
def test_codes_of_numbers_and_flags(categories, values):
    found = Column("c", "category", categories).codes(values)
    assert found.dtype == np.int64
    assert found.tolist() == slow_codes(categories, values)
