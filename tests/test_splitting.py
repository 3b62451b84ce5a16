"""Rows held out at random, by identifier and by time; and the copies among them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeprune.datasets import load_german_credit
from treeprune.report.intake import InputRefused
from treeprune.report.splitting import copies_notes, groups_of_ids, split_rows, times_of

ALTERNATE = np.tile([0, 1], 20)


def held(y=ALTERNATE, share=0.3, classes=True, seed=0, **how):
    return split_rows(np.asarray(y), classes, "y", share, seed, **how)


def both_sides(split, n):
    assert np.array_equal(np.sort(np.concatenate([split.train, split.test])), np.arange(n))
    return split


# -- at random -----------------------------------------------------------------------------------


def test_a_random_split_is_stratified_and_said():
    split = both_sides(held(np.repeat([0, 1], [80, 20])), 100)
    assert split.said == "held out: 30 % of rows, drawn at random, stratified by class, seed 0"
    assert (split.kind, split.groups, split.notes) == ("random", None, ())
    assert len(split.test) == 30 and (split.test >= 80).sum() == 6
    numbers = held(np.arange(50) / 7, classes=False, seed=3)
    assert numbers.said == "held out: 30 % of rows, drawn at random, seed 3"


def test_ids_that_never_repeat_change_nothing():
    y = np.tile([0, 1], 30)
    plain, by_id = held(y), held(y, ids=pd.DataFrame({"id": range(60)}))
    assert np.array_equal(plain.test, by_id.test) and by_id.kind == "random"


@pytest.mark.parametrize(
    "y, share, word",
    [
        (ALTERNATE[:12], 0.3, "12 rows with a target are too few"),
        (np.repeat([0, 1], [39, 1]), 0.3, "the rarest class of 'y' (1 of 40 rows)"),
    ],
)
def test_too_few_rows_are_refused(y, share, word):
    with pytest.raises(InputRefused) as caught:
        held(y, share)
    assert word in str(caught.value)


# -- by identifier -------------------------------------------------------------------------------


def test_groups_are_joined_by_any_identifier():
    ids = pd.DataFrame(
        {
            "person": ["a", "b", "a", None, None, "c"],
            "house": [1, 2, 3, 2, 9, None],
        }
    )
    assert groups_of_ids(ids).tolist() == [0, 1, 0, 1, 2, 3]
    assert groups_of_ids(ids[["person"]]).tolist() == [0, 1, 0, 2, 3, 4]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(0, 6)), st.one_of(st.none(), st.sampled_from("abcde"))
        ),
        min_size=1,
        max_size=14,
    )
)
def test_groups_are_those_of_a_slow_twin(rows):
    """Joins rows until nothing changes."""
    twin = list(range(len(rows)))
    for _ in rows:
        for i, one in enumerate(rows):
            for j, other in enumerate(rows):
                if any(a is not None and a == b for a, b in zip(one, other, strict=True)):
                    twin[i] = twin[j] = min(twin[i], twin[j])
    found = groups_of_ids(pd.DataFrame(rows, columns=["x", "y"], dtype=object))
    assert found.tolist() == pd.factorize(np.array(twin))[0].tolist()


def test_rows_of_an_identifier_stay_together_and_classes_even():
    rng = np.random.default_rng(0)
    who = rng.integers(0, 150, 600)
    y = (rng.random(600) < 0.15 + 0.5 * (who % 10 == 0)).astype(int)  # classes go by identifier
    split = both_sides(held(y, ids=pd.DataFrame({"who": who})), 600)
    assert split.kind == "groups"
    assert not set(who[split.train]) & set(who[split.test])
    assert abs(len(split.test) / 600 - 0.3) < 0.02
    assert abs(y[split.test].mean() - y.mean()) < 0.02
    assert np.array_equal(
        pd.factorize(split.groups)[0], pd.factorize(who[split.train])[0]
    )  # of the training rows, in their order
    n_held = len(set(who[split.test]))
    assert split.said == (
        f"held out: {100 * len(split.test) / 600:.3g} % of rows, drawn at random by who "
        f"({n_held} of {len(set(who))} groups of rows that share one), seed 0"
    )
    assert "intervals take held-out rows as independent" in split.notes[0]


def test_groups_are_drawn_by_the_seed_alone():
    ids = pd.DataFrame({"who": np.arange(40) % 17})
    first, again, other = (held(ids=ids, seed=seed).test.tolist() for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    "who, word",
    [
        (np.zeros(40), "all rows share one who"),
        (np.arange(40) // 38, "too few"),  # either side would be two rows
        (ALTERNATE, "classes of 'y' have no training rows"),
    ],
)
def test_groups_that_cannot_be_split_are_refused(who, word):
    with pytest.raises(InputRefused) as caught:
        held(ids=pd.DataFrame({"who": who}))
    assert word in str(caught.value)


def test_numbers_are_split_by_identifier_too():
    split = held(
        np.linspace(0, 1, 40), classes=False, ids=pd.DataFrame({"who": np.arange(40) // 2})
    )
    assert split.kind == "groups" and len(split.test) == 12


# -- by time -------------------------------------------------------------------------------------


def test_the_last_rows_are_held_out_in_order():
    rng = np.random.default_rng(0)
    when = rng.permutation(40)
    split = both_sides(held(time=pd.Series(when, name="month")), 40)
    assert when[split.train].tolist() == list(range(28))
    assert when[split.test].tolist() == list(range(28, 40))
    assert split.said == "held out: the last 30 % of rows by month, from 28 on"
    assert (split.kind, split.groups) == ("time", None)
    assert "folds go forward in time" in split.notes[0]


def test_rows_of_one_time_stay_together():
    # 2017: 10 rows, 2018: 16, 2019: 14. From 2019 on are 35 %, from 2018 on 75 %.
    years = pd.Series(np.repeat([2017, 2018, 2019], [10, 16, 14]), name="year")
    split = held(time=years)
    assert split.test.tolist() == list(range(26, 40))
    assert split.said == ("held out: the last 35 % of rows by year, from 2019 on (30 % asked for)")
    assert held(share=0.6, time=years).test.tolist() == list(range(10, 40))
    # 20 % and 60 % are equally far from 40 %: more is held out.
    years = pd.Series(np.repeat([1, 2, 3], [16, 16, 8]), name="year")
    assert len(held(share=0.4, time=years).test) == 24


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=40, max_size=60), st.floats(0.2, 0.6))
def test_no_training_row_is_as_late_as_a_held_out_one(when, share):
    when = np.array(when)
    y = np.arange(len(when)) / 3
    apart = [(abs((when >= v).mean() - share), (when >= v).sum()) for v in np.unique(when)[1:]]
    nearest, n_held = min(apart, key=lambda one: (round(one[0], 9), -one[1]), default=(0, 0))
    if n_held < 5 or len(when) - n_held < 10:
        with pytest.raises(InputRefused, match=r"too few|all rows have one t"):
            held(y, share, classes=False, time=pd.Series(when, name="t"))
        return
    split = held(y, share, classes=False, time=pd.Series(when, name="t"))
    assert when[split.train].max() < when[split.test].min()
    assert abs(len(split.test) / len(when) - share) == pytest.approx(nearest)


@pytest.mark.parametrize(
    "texts, order",
    [
        (["2019-03-01", "2018-12-31", "2019-01-01"], [1, 2, 0]),
        (["2019-03-01T12:30", "2019-03-01", "2019-03-01 12:29:59.5"], [1, 2, 0]),
        (["2019-03-01T12:00+02:00", "2019-03-01T11:00Z", "2019-03-01T09:59Z"], [2, 0, 1]),
        (["9999-12-31", "1066-10-14", "20190101"], [1, 2, 0]),
        (["2019-10", "2019-09", "2019-11"], [1, 0, 2]),
    ],
)
def test_iso_times_are_ordered(texts, order):
    assert np.argsort(times_of(pd.Series(texts, dtype="category"))).tolist() == order


@pytest.mark.parametrize(
    "texts, word",
    [
        (["2019-03-01", "soon"], "no dates, such as 'soon' (1 of 2 distinct ones)"),
        (["01.03.2019", "02.03.2019"], "2 of 2"),
        (["2019-13-01", "2019-01-01"], "'2019-13-01'"),
        (["12:30", "12:31"], "ISO dates"),
        (["", "2019-03-01"], "'' (1 of 2"),
        (["2019-03-01T12:30Z", "2019-03-01T12:30"], "with and without a time zone"),
    ],
)
def test_what_is_no_time_is_refused(texts, word):
    with pytest.raises(InputRefused) as caught:
        times_of(pd.Series(texts, name="when"))
    assert word in str(caught.value) and "'when'" in str(caught.value)


@pytest.mark.parametrize(
    "y, time, word",
    [
        (ALTERNATE, np.zeros(40), "all rows have one t"),
        (np.repeat([0, 1], 20), np.arange(40), "1 of 2 classes of 'y' have no held-out rows"),
        (np.repeat([0, 1], [28, 12]), np.arange(40), "1 of 2 classes of 'y' have no training rows"),
        (ALTERNATE, np.repeat([0, 1], [38, 2]), "too few"),
    ],
)
def test_times_that_cannot_be_split_are_refused(y, time, word):
    with pytest.raises(InputRefused) as caught:
        held(y, time=pd.Series(time, name="t"))
    assert word in str(caught.value)


def test_identifiers_known_before_are_counted():
    ids = pd.DataFrame({"who": [*range(28), *[0, 1, 2], *range(100, 109)]})
    split = held(time=pd.Series(range(40), name="t"), ids=ids)
    assert split.kind == "time"
    assert split.notes[1].startswith("3 of 12 held-out rows share their who with an earlier row")


# -- copies --------------------------------------------------------------------------------------


def test_copies_are_counted_as_pandas_counts_them():
    frame = load_german_credit().frame.iloc[:200, [0, 2, 3, 7]].reset_index(drop=True)
    frame["id"] = range(200)
    split = held(np.tile([0, 1], 100))
    n = int(frame.drop(columns="id").duplicated().sum())
    rows = frame.drop(columns="id").astype(str).agg("|".join, axis=1)
    both = int(rows.iloc[split.test].isin(rows.iloc[split.train]).sum())
    assert n > 10 and both > 10
    assert copies_notes(frame, split, ["id"]) == [
        f"{n} rows repeat an earlier one in every column (identifiers aside); {both} held-out rows "
        "equal a training row"
    ]
    assert copies_notes(frame, split, []) == []
    assert copies_notes(frame[["id"]], split, ["id"]) == []


def test_missing_values_are_equal_in_copies():
    frame = pd.DataFrame({"x": [1.0, np.nan, np.nan], "c": pd.Categorical(["a", None, None])})
    split = held(time=pd.Series(range(40), name="t"))
    assert copies_notes(frame, split.__class__(np.array([0, 1]), np.array([2]), "", ""), []) == [
        "1 row repeats an earlier one in every column; 1 held-out row equals a training row"
    ]
