"""Limits: where a comparison flips among all floats, and what is printed for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from treeprune.explain.limits import (
    float32_limit,
    last_true,
    last_trues,
    printed_limit,
    printed_limits,
)

LARGEST = float(np.finfo(np.float64).max)
LARGEST32 = float(np.finfo(np.float32).max)
SMALLEST32 = float(np.finfo(np.float32).smallest_subnormal)

finite = st.floats(allow_nan=False, allow_infinity=False)
singles = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def thresholds(draw) -> float:
    """Any float64, a float32, a midpoint of two, or one of these moved by an ulp."""
    start = draw(st.one_of(finite, singles, st.floats(-1e3, 1e3)))
    kind = draw(st.sampled_from(["as is", "midpoint", "up", "down"]))
    with np.errstate(over="ignore"):
        if kind == "midpoint":
            a = np.float32(start)
            b = np.nextafter(a, np.float32(np.inf))
            return (float(a) + float(b)) / 2 if np.isfinite(a) and np.isfinite(b) else start
        if kind != "as is":
            start = float(np.nextafter(start, np.inf if kind == "up" else -np.inf))
    return start if np.isfinite(start) else LARGEST


def as_float32(x: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(x))


@given(thresholds())
@example(0.1)
@example(0.0)
@example(-0.0)
@example(SMALLEST32)
@example(SMALLEST32 / 2)
@example(-SMALLEST32 / 2)
@example(5e-324)
@example(-5e-324)
@example(LARGEST32)
@example(-LARGEST32)
@example(float(np.nextafter(LARGEST32, np.inf)))
@example(1e39)
@example(-1e39)
@example(LARGEST)
@example(-LARGEST)
@example(np.inf)
@example(-np.inf)
def test_float32_limit_is_the_last_float64_that_passes(threshold):
    limit = float32_limit(threshold)
    assert as_float32(limit) <= threshold
    if limit < np.inf:
        assert as_float32(float(np.nextafter(limit, np.inf))) > threshold


@given(thresholds(), st.lists(finite, max_size=20))
def test_float32_limit_routes_every_number_as_the_rounded_one(threshold, others):
    limit = float32_limit(threshold)
    for x in [threshold, *others, *(np.nextafter(threshold, d) for d in (-np.inf, np.inf))]:
        assert (as_float32(float(x)) <= threshold) == (x <= limit)


def slow_last_true(passes, lowest=-LARGEST) -> float:
    """Bisection by one float at a time, over the ordered bit patterns."""

    def order(x):
        bits = int(np.float64(x).view(np.int64))
        return bits if bits >= 0 else -(bits & (2**63 - 1))

    def number(rank):
        x = float(np.array(abs(rank), np.int64).view(np.float64))
        return -x if rank < 0 else x

    def ok(x):
        return bool(passes(np.array([x]))[0])

    if not ok(lowest):
        return -np.inf
    if ok(LARGEST):
        return np.inf
    low, high = order(lowest), order(LARGEST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if ok(number(middle)) else (low, middle)
    return number(low)


@given(st.one_of(finite, st.floats(-1e3, 1e3)))
@example(0.0)
@example(5e-324)
@example(-5e-324)
@example(LARGEST)
@example(-LARGEST)
@example(float(np.nextafter(LARGEST, 0)))
def test_last_true_finds_any_float(where):
    found = last_true(lambda x: x <= where)
    assert found == (np.inf if where == LARGEST else where)


@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-6, 1e6),
    st.floats(-1e3, 1e3),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([lambda z: z, np.floor, lambda z: np.clip(z, -2, 2)]),
)
def test_last_true_undoes_scalers_as_bisection_does(center, scale, threshold, dtype, function):
    def passes(x):
        with np.errstate(over="ignore"):
            return function(((x - center) / scale).astype(dtype)) <= threshold

    assert last_true(passes) == slow_last_true(passes)


@given(finite, st.floats(min_value=0.0, exclude_min=True, allow_infinity=False))
def test_last_true_starts_where_it_is_told(where, lowest):
    expected = slow_last_true(lambda x: x <= where, lowest)
    assert last_true(lambda x: x <= where, lowest) == expected


@given(st.lists(finite, max_size=12), st.sampled_from([1, 7, 64, 4096]))
def test_many_searches_at_once_are_each_alone(where, points):
    where = np.array(where, dtype=np.float64)
    found = last_trues(lambda x, i: x <= where[i], len(where), points=points)
    assert found.tolist() == [last_true(lambda x, w=w: x <= w) for w in where]


def test_searches_share_their_calls():
    where, calls = np.linspace(-5, 5, 1000), []

    def passes(x, i):
        calls.append(len(x))
        return x <= where[i]

    assert last_trues(passes, 1000).tolist() == where.tolist()
    assert len(calls) < 40
    assert max(calls) <= 4096


# --- printed limits ------------------------------------------------------------------------------

prices = st.integers(-(10**6), 10**6).map(lambda cents: cents / 100)
values_of_a_column = st.one_of(
    st.lists(st.integers(-1000, 1000).map(float), max_size=20),
    st.lists(prices, max_size=20),
    st.lists(finite, max_size=20),
    st.lists(st.one_of(prices, st.sampled_from([np.nan, np.inf, -np.inf])), max_size=20),
)


@given(st.data())
def test_printed_limits_route_all_values_alike(data):
    values = np.array(data.draw(values_of_a_column), dtype=np.float64)
    own = values[np.isfinite(values)].tolist()
    near = st.sampled_from(own).flatmap(
        lambda v: st.sampled_from([v, float(np.nextafter(v, np.inf)), float32_limit(v)])
    )
    limit = data.draw(st.one_of(finite, near) if own else finite)
    text = printed_limit(limit, values)
    known = values[~np.isnan(values)]
    assert np.array_equal(known <= float(text), known <= limit)
    assert text != "-0"
    assert "nan" not in text
    # Never longer than the limit written out, with or without an exponent.
    assert len(text) <= max(len(repr(limit)), len(np.format_float_positional(limit)))


@given(st.lists(prices, min_size=1, max_size=20), st.lists(finite, max_size=5))
def test_several_limits_are_printed_as_each_alone(values, limits):
    values = np.array(values)
    assert printed_limits(limits, values) == [printed_limit(limit, values) for limit in limits]


@given(st.lists(st.integers(-500, 500), min_size=2, max_size=20), st.integers(0, 6))
def test_every_number_with_as_many_decimals_is_routed_alike(whole, decimals):
    """Also a number that was not among the values given."""
    values = np.array([round(w / 10**decimals, decimals) for w in whole])
    limit = float32_limit(float(values[0] + values[1]) / 2)
    printed = float(printed_limit(limit, values))
    fewest = next(d for d in range(7) if np.array_equal(np.round(values, d), values))
    grid = np.round(np.arange(-600, 600) / 10**fewest, fewest)
    assert np.array_equal(grid <= printed, grid <= limit)


@pytest.mark.parametrize(
    ("limit", "values", "text"),
    [
        (11.5, [6, 12], "11"),
        (11.5, [6, 12, np.nan, np.inf, -np.inf], "11"),
        (0.1849, [0.1, 0.25], "0.18"),
        (-0.5, [-1, 0], "-1"),
        (0.5, [0, 1], "0"),
        (-1e-9, [-1, 1], "-1"),
        (float32_limit(float(np.float32(0.15))), [0.1, 0.15, 0.2], "0.15"),
        (1234567.0, [1, 1e12], "1234567"),
        (2.5e20, [1e20, 3e20], "2e+20"),
        (1e-12, [1e-13, 1e-11], "1e-12"),
        (0.1849, [], "0.1849"),
        (12.0, [np.nan], "12"),
    ],
)
def test_printed_limit_by_hand(limit, values, text):
    assert printed_limit(limit, np.array(values, dtype=float)) == text


def test_the_largest_numbers_are_not_rounded_to_infinity():
    for limit in (-1.5e308, -1.79e308, 1.5e308):
        assert np.isfinite(float(printed_limit(limit, np.array([0.0]))))
