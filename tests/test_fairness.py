"""Fairness: counts by hand, groups that are not shown, intervals that cover, paths, searches."""

from __future__ import annotations

import json
import math
import pickle
import sys

import naive_fairness as naive
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import check_scoring, make_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import treeprune
from treeprune import Decision, datasets, prune, pruning_path
from treeprune.exceptions import UnsupportedModelError
from treeprune.metrics import group_figures, ranges
from treeprune.metrics.group_fairness import (
    DIFFERENCES,
    Fairness,
    fairness,
    fairness_before_after,
    fairness_path,
    make_fairness_scorer,
)
from treeprune.metrics.groups import groupings
from treeprune.metrics.limits import choose_within

FIGURES = group_figures.FIGURES
ADVERSE = Decision(adverse="bad", cutoff=0.5, favourable_word="approved")


class Said:
    """A classifier that answers what X holds: P(second class), and the position predicted."""

    def __init__(self, classes=(0, 1)):
        self.classes_ = np.array(classes)

    def predict_proba(self, X):
        p = np.asarray(X, float)[:, 0]
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[np.asarray(X, float)[:, 1].astype(int)]


def table_of(rows, figure="differences"):
    """What `fairness` finds of rows of naive_fairness."""
    X = np.array([[row["p"], row["selected"]] for row in rows], float)
    y = np.array([int(row["favourable"]) for row in rows])
    return fairness(Said(), X, y, sensitive_features=[row["group"] for row in rows], n_boot=0)


def value(found, figure):
    """A difference of the only feature."""
    (x,) = found.differences.loc[found.differences["figure"] == figure, "value"]
    return x


# --- counts by hand ------------------------------------------------------------------------------

# Ten women: 6 repaid, of whom 3 are selected; 4 did not, of whom 1 is selected.
# Twelve men: 4 repaid, of whom 3 are selected; 8 did not, of whom 6 are selected.
HAND = pd.DataFrame(
    [("f", 1, 1, 0.8)] * 3
    + [("f", 1, 0, 0.4)] * 3
    + [("f", 0, 1, 0.8)] * 1
    + [("f", 0, 0, 0.4)] * 3
    + [("m", 1, 1, 0.5)] * 3
    + [("m", 1, 0, 0.25)] * 1
    + [("m", 0, 1, 0.5)] * 6
    + [("m", 0, 0, 0.25)] * 2,
    columns=["sex", "repaid", "selected", "p"],
)


def hand(model=None, y=None, **options):
    return fairness(
        model or Said(),
        HAND[["p", "selected"]],
        HAND["repaid"] if y is None else y,
        sensitive_features=HAND["sex"],
        **options,
    )


def test_a_table_counted_by_hand():
    found = hand()
    women, men = found.by_group.loc[("sex", "f")], found.by_group.loc[("sex", "m")]
    assert women[["count", "favourable", "selected"]].tolist() == [10, 6, 4]
    assert men[["count", "favourable", "selected"]].tolist() == [12, 4, 9]
    assert women[["selection_rate", "tpr", "fpr"]].tolist() == [4 / 10, 3 / 6, 1 / 4]
    assert men[["selection_rate", "tpr", "fpr"]].tolist() == [9 / 12, 3 / 4, 6 / 8]
    # Of 6 × 4 pairs of women 3 × 3 are ranked right and 3 × 1 + 3 × 3 tied; of 4 × 8 pairs of men
    # 3 × 2 are right, 3 × 6 + 1 × 2 tied.
    assert women["auc"] == (9 + 12 / 2) / 24
    assert men["auc"] == (6 + 20 / 2) / 32
    # Mean predictions .56 and 5.25 / 12 of .4375, shares 6 / 10 and 4 / 12.
    assert women["calibration"] == pytest.approx(0.56 - 0.6)
    assert men["calibration"] == pytest.approx(0.4375 - 4 / 12)
    assert value(found, "selection_rate_difference") == pytest.approx(0.35)
    assert value(found, "selection_rate_ratio") == pytest.approx(0.4 / 0.75)
    assert value(found, "tpr_difference") == 0.25
    assert value(found, "fpr_difference") == 0.5
    assert value(found, "auc_difference") == 15 / 24 - 16 / 32
    assert value(found, "calibration_difference") == pytest.approx(0.04 + 0.4375 - 4 / 12)


def test_a_decision_selects_who_is_not_adverse():
    """The same table, said as P(bad) with a cut-off: `predict` and the classes' order go unused."""
    model = Said(["bad", "good"])
    model.predict = None  # must not be asked
    y = np.where(HAND["repaid"] == 1, "good", "bad")
    found = hand(model, y, decision=Decision(adverse="bad", cutoff=0.55))
    # Selected are P(bad) < .55, which is P(good) > .45.
    selected = {"f": 4, "m": 9}
    assert {g: row["selected"] for (_, g), row in found.by_group.iterrows()} == selected
    plain = hand()
    pd.testing.assert_frame_equal(found.by_group, plain.by_group)
    pd.testing.assert_frame_equal(found.differences, plain.differences)
    assert found.selected == "favourable, P(bad) < 0.55"


def test_the_favourable_class_can_be_the_first():
    y = 1 - HAND["repaid"]
    X = pd.DataFrame({"p": 1 - HAND["p"], "selected": 1 - HAND["selected"]})
    found = fairness(Said(), X, y, sensitive_features=HAND["sex"], positive=0)
    pd.testing.assert_frame_equal(found.by_group, hand().by_group)
    assert found.selected == "predicted 0"


def test_group_intervals_are_wilson_delong_and_student():
    women = hand(level=0.9).by_group.loc[("sex", "f")]
    exact = stats.binomtest(3, 6).proportion_ci(0.9, method="wilson")
    assert (women["tpr_low"], women["tpr_high"]) == pytest.approx((exact.low, exact.high))
    rows = [{"favourable": r.repaid == 1, "p": r.p} for r in HAND[HAND["sex"] == "f"].itertuples()]
    se, auc, z = naive.delong_se(rows), women["auc"], stats.norm.ppf(0.95)
    logit = math.log(auc / (1 - auc)) + z * se / (auc * (1 - auc)) * np.array([-1, 1])
    assert [women["auc_low"], women["auc_high"]] == pytest.approx(1 / (1 + np.exp(-logit)))
    off = HAND.loc[HAND["sex"] == "f", "p"] - HAND.loc[HAND["sex"] == "f", "repaid"]
    low, high = stats.t.interval(0.9, 9, off.mean(), stats.sem(off))
    assert (women["calibration_low"], women["calibration_high"]) == pytest.approx((low, high))


rows_of_groups = st.lists(
    st.fixed_dictionaries(
        {
            "group": st.sampled_from(["a", "b", "c", "ü"]),
            "favourable": st.booleans(),
            "selected": st.booleans(),
            "p": st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]),
        }
    ),
    min_size=1,
    max_size=80,
)


@settings(max_examples=30)
@given(rows_of_groups)
def test_tables_equal_the_naive_twin(rows):
    found = table_of(rows)
    shown, hidden = naive.by_group(rows)
    assert sorted(shown) == found.by_group.index.get_level_values("group").tolist()
    for group, expected in shown.items():
        got = found.by_group.loc[("sensitive_feature", group), list(expected)]
        assert got.to_numpy() == pytest.approx(list(expected.values()), nan_ok=True)
    assert (found.hidden["sensitive_feature"]["groups"], sum(map(len, [rows]))) == (
        hidden[0],
        hidden[1] + sum(part["count"] for part in shown.values()),
    )
    for figure, expected in naive.apart(shown).items():
        assert value(found, figure) == pytest.approx(expected, nan_ok=True)


def test_differences_equal_those_of_fairlearn():
    from fairlearn.metrics import (
        MetricFrame,
        demographic_parity_difference,
        demographic_parity_ratio,
        false_positive_rate,
        true_positive_rate,
    )

    found = hand()
    y, chosen, sex = HAND["repaid"], HAND["selected"], HAND["sex"]
    theirs = MetricFrame(
        metrics={"tpr": true_positive_rate, "fpr": false_positive_rate},
        y_true=y,
        y_pred=chosen,
        sensitive_features=sex,
    ).difference()
    assert value(found, "tpr_difference") == pytest.approx(theirs["tpr"])
    assert value(found, "fpr_difference") == pytest.approx(theirs["fpr"])
    parity = demographic_parity_difference(y, chosen, sensitive_features=sex)
    assert value(found, "selection_rate_difference") == pytest.approx(parity)
    ratio = demographic_parity_ratio(y, chosen, sensitive_features=sex)
    assert value(found, "selection_rate_ratio") == pytest.approx(ratio)


def test_what_a_group_does_not_define_is_none_and_enters_no_difference():
    rows = [
        {"group": g, "favourable": good, "selected": i % 2 == 0, "p": i / 10}
        for g, goods in (("a", [True] * 10), ("b", [False] * 10), ("c", [True, False] * 5))
        for i, good in enumerate(goods)
    ]
    found = table_of(rows)
    table = found.by_group.droplevel("feature")
    assert np.isnan(table.loc["a", ["fpr", "auc", "fpr_low", "auc_high"]].astype(float)).all()
    assert np.isnan(table.loc["b", ["tpr", "auc"]].astype(float)).all()
    assert table.loc["a", "tpr"] == 0.5
    # TPR of a and c, FPR of b and c; one area is left.
    assert value(found, "tpr_difference") == 0.5
    assert value(found, "fpr_difference") == 0.5
    assert np.isnan(value(found, "auc_difference"))
    records = {row["group"]: row for row in found.to_dict()["by_group"]}
    assert records["a"]["auc"] is None and records["a"]["auc_low"] is None
    assert "auc_difference             -" in found.to_text()


def test_the_ratio_is_not_defined_where_nobody_is_selected():
    rows = [
        {"group": g, "favourable": i < 5, "selected": False, "p": 0.2}
        for g in "ab"
        for i in range(10)
    ]
    found = table_of(rows)
    assert np.isnan(value(found, "selection_rate_ratio"))
    assert value(found, "selection_rate_difference") == 0


# --- groups --------------------------------------------------------------------------------------


def with_small(*, small="zzsecret", n_small=7):
    """Two groups of 20, and two small ones of 7 rows."""
    group = ["a"] * 20 + ["b"] * 20 + [small] * (n_small - 3) + [f"{small}2"] * 3
    rng = np.random.default_rng(0)
    n = len(group)
    X = np.column_stack([rng.uniform(size=n), rng.integers(0, 2, n)])
    return X, np.arange(n) % 2, np.array(group, dtype=object)


def test_small_groups_are_counted_and_nowhere_shown():
    X, y, group = with_small()
    found = fairness(Said(), X, y, sensitive_features=pd.Series(group, name="g"), n_boot=20)
    assert found.hidden == {"g": {"groups": 2, "rows": 7}}
    assert "2 groups with fewer than 10 rows are not shown, 7 rows." in found.to_text()
    other = fairness_before_after(
        Said(), Said(), X, y, sensitive_features=pd.Series(group, name="g"), n_boot=20
    )
    everywhere = [
        found.to_text(),
        json.dumps(found.to_dict()),
        found.to_frame().to_string(),
        found.by_group.to_string(),
        found.differences.to_string(),
        repr(found),
        pickle.dumps(found).decode("latin1"),
        other.to_text(),
        json.dumps(other.to_dict()),
        pickle.dumps(other).decode("latin1"),
    ]
    assert not [text for text in everywhere if "secret" in text]
    # What is shown is what would be shown without them.
    large = np.isin(group, ["a", "b"])
    alone = fairness(
        Said(), X[large], y[large], sensitive_features=pd.Series(group[large], name="g"), n_boot=20
    )
    pd.testing.assert_frame_equal(found.by_group, alone.by_group)
    pd.testing.assert_frame_equal(found.differences, alone.differences)


def test_one_small_group_is_counted_in_the_singular():
    group = ["a"] * 10 + ["b"] * 10 + ["c"]
    X = np.column_stack([np.full(21, 0.5), np.arange(21) % 2])
    text = fairness(Said(), X, np.arange(21) % 2, sensitive_features=group, n_boot=0).to_text()
    assert "1 group with fewer than 10 rows is not shown, 1 row." in text


@pytest.mark.parametrize("n_first, shown", [(20, "1 group is"), (9, "no group is")])
def test_fewer_than_two_groups_have_no_differences(n_first, shown):
    group = ["a"] * n_first + ["b"] * 9
    n = len(group)
    X = np.column_stack([np.full(n, 0.5), np.arange(n) % 2])
    y = np.arange(n) % 2
    found = fairness(Said(), X, y, sensitive_features=group)
    assert found.differences[["value", "low", "high"]].isna().all(axis=None)
    assert f"No differences: {shown} shown, and they take two." in found.to_text()
    assert {row["value"] for row in found.to_dict()["differences"]} == {None}
    change = fairness_before_after(Said(), Said(), X, y, sensitive_features=group)
    assert change.changes["change"].isna().all()
    assert "No changes" in change.to_text()


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["a", None, "b"] * 10, name="g"),
        pd.Series(["a", np.nan, "b"] * 10, name="g", dtype="category"),
        pd.Series(["a", pd.NA, "b"] * 10, name="g", dtype="string"),
        pd.Series(["a", pd.NaT, "b"] * 10, name="g", dtype=object),
        pl.Series("g", ["a", None, "b"] * 10),
        pl.DataFrame({"g": ["a", None, "b"] * 10}),
        {"g": ["a", float("nan"), "b"] * 10},
    ],
    ids=["none", "category", "string", "NaT", "polars", "polars frame", "mapping"],
)
def test_missing_values_are_a_group_of_their_own(values):
    (grouping,) = groupings(values, 30)
    assert (grouping.feature, grouping.names) == ("g", ("a", "b", "missing"))
    assert grouping.code.tolist() == [0, 2, 1] * 10


def test_few_missing_values_are_hidden_as_any_other_group():
    (grouping,) = groupings([1.0] * 10 + [2.0] * 10 + [np.nan] * 3, 23)
    assert grouping.names == ("1", "2")
    assert (grouping.hidden_groups, grouping.hidden_rows) == (1, 3)


@pytest.mark.parametrize(
    "values, names",
    [
        ([1, "1"], ("1", "'1'")),
        (["a", "a "], ("'a'", "'a '")),
        (["caf\u00e9", "cafe\u0301"], ("'cafe\\u0301'", "'caf\\xe9'")),
        (["missing", None], ("'missing'", "missing")),
        (["Ελλάδα", "東京"], ("Ελλάδα", "東京")),
        (["a\x1b[31m", "b\n"], ("a\\x1b[31m", "b\\n")),
        ([True, False], ("False", "True")),
        (["", "b"], ("''", "b")),
        ([3.0, 20.0], ("3", "20")),
    ],
)
def test_names_can_be_told_apart(values, names):
    (grouping,) = groupings(pd.Series(values * 10, dtype=object), 20)
    assert grouping.names == names
    assert np.bincount(grouping.code).tolist() == [10, 10]


def test_equal_values_are_one_group_and_objects_that_print_alike_are_numbered():
    class Thing:
        def __repr__(self):
            return "thing"

    one, two = Thing(), Thing()
    (grouping,) = groupings(np.array([one, two, one, two] * 10, dtype=object), 40)
    assert grouping.names == ("thing (1)", "thing (2)")
    (grouping,) = groupings(np.array([1, 1.0] * 10, dtype=object), 20)
    assert grouping.names == ("1",)


def test_groups_come_in_order_of_their_categories():
    bands = pd.cut(np.arange(40), [-1, 9, 19, 40], labels=["young", "middle", "old"])
    (grouping,) = groupings(bands, 40)
    assert grouping.names == ("young", "middle", "old")
    unused = pd.Series(["b"] * 10, dtype=pd.CategoricalDtype(["a", "b"]))
    assert groupings(unused, 10)[0].names == ("b",)
    assert groupings(unused, 10)[0].hidden_groups == 0  # a category of no row is no group


def test_every_shape_of_sensitive_features_says_the_same():
    frame = pd.DataFrame({"sex": HAND["sex"], "half": np.arange(len(HAND)) % 2})
    given = [
        frame,
        {"sex": frame["sex"].tolist(), "half": frame["half"].to_numpy()},
        pl.DataFrame({"sex": frame["sex"].tolist(), "half": frame["half"].tolist()}),
    ]
    tables = [hand_with(features).by_group for features in given]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])
    unnamed = hand_with(frame.to_numpy())
    assert list(unnamed.hidden) == ["sensitive_feature_0", "sensitive_feature_1"]
    assert unnamed.by_group.to_numpy() == pytest.approx(tables[0].to_numpy(), nan_ok=True)
    for column in (frame["sex"].tolist(), frame["sex"].to_numpy(), frame[["sex"]].to_numpy()):
        (feature,) = hand_with(column).hidden
        assert feature == "sensitive_feature"
    swapped = hand_with(frame[["half", "sex"]])  # a table of its own each, in the order given
    assert list(swapped.hidden) == ["half", "sex"]


def hand_with(features, **options):
    X, y = HAND[["p", "selected"]], HAND["repaid"]
    return fairness(Said(), X, y, sensitive_features=features, n_boot=0, **options)


def test_rows_of_polars_frames():
    X = pl.DataFrame({"p": HAND["p"].to_list(), "selected": HAND["selected"].to_list()})
    y = pl.Series(HAND["repaid"].to_list())
    found = fairness(Said(), X, y, sensitive_features=pl.Series("sex", HAND["sex"].to_list()))
    pd.testing.assert_frame_equal(found.by_group, hand().by_group)


def test_intersections_are_groups_only_if_asked():
    n = 60
    frame = pd.DataFrame({"a": ["x", "y"] * 30, "b": [1] * 40 + [2] * 20})
    frame.loc[0, "b"] = None
    X, y = np.column_stack([np.full(n, 0.5), np.arange(n) % 3 == 0]), np.arange(n) % 2
    found = fairness(Said(), X, y, sensitive_features=frame, intersect=True, n_boot=0)
    assert found.by_group.index.tolist() == [
        ("a & b", "x & 1"),
        ("a & b", "x & 2"),
        ("a & b", "y & 1"),
        ("a & b", "y & 2"),
    ]
    assert found.by_group["count"].tolist() == [19, 10, 20, 10]
    assert found.hidden == {"a & b": {"groups": 1, "rows": 1}}  # x & missing
    names = groupings(
        {"a": ["p & q"] * 10 + ["p"] * 10, "b": ["r"] * 10 + ["q & r"] * 10}, 20, intersect=True
    )[0].names
    assert len(set(names)) == 2
    plain = fairness(Said(), X, y, sensitive_features=frame[["a"]], intersect=True, n_boot=0)
    assert list(plain.hidden) == ["a"]


def test_names_from_data_cannot_break_the_text():
    group = pd.Series(["a\x1b[2J"] * 10 + ["b\nc"] * 10, name="g\r")
    X = np.column_stack([np.full(20, 0.5), np.arange(20) % 2])
    text = fairness(Said(), X, np.arange(20) % 2, sensitive_features=group, n_boot=0).to_text()
    assert not [c for c in text if not c.isprintable() and c != "\n"]
    assert "a\\x1b[2J" in text and "b\\nc" in text and "g\\r" in text


# --- intervals -----------------------------------------------------------------------------------


def test_intervals_of_ranges_equal_the_naive_twin():
    rng = np.random.default_rng(0)
    for k in (2, 3, 7):
        values = rng.uniform(size=(2, k))
        drawn = values[:, None] + rng.normal(0, 0.1, (2, 60, k)) + rng.normal(0, 0.1, (60, k))
        drawn[0, ::7, 0] = np.nan
        # No spread but that of rounding, in groups 1 and 2.
        still = drawn[:, :, 1:3]
        still[:] = values[:, None, 1:3] + 1e-14 * np.arange(1, 3)[: still.shape[2]]
        still += rng.normal(0, 1e-16, still.shape)
        floors = rng.uniform(0, 0.1, (3, k, 2)) * (rng.uniform(size=(3, k, 1)) < 0.5)
        got = ranges.range_interval(values[0], drawn[0], floors[0], 0.9)
        assert got == pytest.approx(naive.range_interval(values[0], drawn[0], floors[0], 0.9))
        found = ranges.change_interval(values, drawn, floors, 0.9)
        assert found[2] == pytest.approx(naive.change_interval(values, drawn, floors, 0.9))
        assert found[0, 0] <= np.ptp(values[0]) <= found[0, 1]
        assert found[2, 0] <= np.ptp(values[1]) - np.ptp(values[0]) <= found[2, 1]


def test_ranges_of_many_groups_are_bounded_in_blocks(monkeypatch):
    rng = np.random.default_rng(1)
    values = rng.uniform(size=9)
    drawn = values + rng.normal(0, 0.1, (50, 9))
    whole = ranges.range_interval(values, drawn, np.zeros((9, 2)))
    monkeypatch.setattr(ranges, "PAIRS", 5)
    assert ranges.range_interval(values, drawn, np.zeros((9, 2))) == pytest.approx(whole)


@pytest.fixture
def quick_tables(monkeypatch):
    """The same tables without fairlearn, which takes a tenth of a second for each."""

    def tables(code, outcomes):
        grouping = groupings(code, len(code))[0]
        counts = {
            "count": [len(rows) for rows in grouping.rows()],
            "favourable": [outcomes.favourable[rows].sum() for rows in grouping.rows()],
            "selected": [outcomes.selected[rows].sum() for rows in grouping.rows()],
        }
        values = group_figures.values_of(grouping, outcomes)
        return pd.DataFrame({**counts, **dict(zip(FIGURES, values.T, strict=True))})

    monkeypatch.setattr(group_figures, "_metric_frame", tables)


def test_the_quick_tables_are_the_same(request):
    slow = hand(n_boot=0)
    request.getfixturevalue("quick_tables")
    pd.testing.assert_frame_equal(hand(n_boot=0).by_group, slow.by_group)


def drawn_rows(rng, sizes, rates):
    """Rows of groups with these selection rates; outcomes and probabilities follow along."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    selected = rng.uniform(size=len(group)) < np.repeat(rates, sizes)
    favourable = rng.uniform(size=len(group)) < np.where(selected, 0.7, 0.4)
    return group, selected, favourable


def coverage(sizes, rates, repeats=150, n_boot=100):
    """Share of samples whose interval holds the true difference and the true ratio."""
    rng = np.random.default_rng(0)
    truth = {
        "selection_rate_difference": max(rates) - min(rates),
        "selection_rate_ratio": min(rates) / max(rates),
    }
    hits = dict.fromkeys(truth, 0)
    for repeat in range(repeats):
        group, selected, favourable = drawn_rows(rng, sizes, rates)
        X = np.column_stack([np.where(selected, 0.6, 0.4), selected])
        found = fairness(
            Said(),
            X,
            favourable.astype(int),
            sensitive_features=group,
            n_boot=n_boot,
            random_state=repeat,
        ).differences.set_index("figure")
        for figure, true in truth.items():
            low, high = found.loc[figure, ["low", "high"]]
            hits[figure] += low - 1e-12 <= true <= high + 1e-12
    return {figure: count / repeats for figure, count in hits.items()}


@pytest.mark.parametrize(
    "sizes, rates",
    [
        ((100, 300), (0.6, 0.4)),
        ((100, 300), (0.5, 0.5)),  # where a percentile interval never holds 0
        ((20, 200), (0.05, 0.2)),  # often nobody of the small group is selected
        ((50, 50, 50, 50), (0.3, 0.3, 0.3, 0.3)),
    ],
)
def test_intervals_of_the_selection_rate_difference_cover(quick_tables, sizes, rates):
    found = coverage(sizes, rates)
    assert min(found.values()) >= 0.92, found


def test_a_percentile_interval_would_not_cover():
    """Why ranges have intervals of their own: with equal groups, resampled ranges are above 0."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(50):
        rate = rng.binomial(50, 0.3, 4) / 50
        drawn = rng.binomial(50, rate, (500, 4)) / 50
        hits += np.percentile(np.ptp(drawn, axis=1), 2.5) <= 0
    assert hits / 50 < 0.5


def change_coverage(sizes, before, after, agree, repeats=100):
    """Share of samples whose interval holds the true change of both differences."""
    rng = np.random.default_rng(0)
    truth = {
        "selection_rate_difference": np.ptp(after) - np.ptp(before),
        "selection_rate_ratio": min(after) / max(after) - min(before) / max(before),
    }
    hits = dict.fromkeys(truth, 0)
    for repeat in range(repeats):
        group = np.repeat(np.arange(len(sizes)), sizes)
        u, other = rng.uniform(size=(2, len(group)))
        v = np.where(rng.uniform(size=len(group)) < agree, u, other)
        first, second = u < np.repeat(before, sizes), v < np.repeat(after, sizes)
        X = np.column_stack([first, second]).astype(float)
        change = fairness_before_after(
            Column(0),
            Column(1),
            X,
            (rng.uniform(size=len(group)) < 0.5).astype(int),
            sensitive_features=group,
            n_boot=100,
            random_state=repeat,
        ).changes.set_index("figure")
        for figure, true in truth.items():
            low, high = change.loc[figure, ["low", "high"]]
            hits[figure] += low - 1e-12 <= true <= high + 1e-12
    return {figure: count / repeats for figure, count in hits.items()}


class Column(Said):
    """Selects by one column of X."""

    def __init__(self, column):
        super().__init__()
        self.column = column

    def predict_proba(self, X):
        p = 0.2 + 0.6 * X[:, self.column]
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return X[:, self.column].astype(int)


@pytest.mark.parametrize(
    "sizes, before, after",
    [
        ((100, 300), (0.6, 0.4), (0.5, 0.5)),  # a difference that vanishes
        ((20, 20, 20), (0.2, 0.5, 0.8), (0.5, 0.5, 0.5)),
    ],
)
def test_intervals_of_changes_cover(quick_tables, sizes, before, after):
    found = change_coverage(sizes, before, after, agree=0.8)
    assert min(found.values()) >= 0.92, found


def test_shares_of_0_and_1_are_not_certain():
    """No resample of ten selected rows holds one that is not; the bounds allow for it."""
    group = np.repeat(["a", "b"], [10, 1000])
    chosen = np.concatenate([np.ones(10), np.arange(1000) % 2])
    X = np.column_stack([np.where(chosen, 0.9, 0.1), chosen])
    X[:10, 0] = np.linspace(0.85, 0.95, 10)
    found = fairness(Said(), X, chosen.astype(int), sensitive_features=group)
    row = found.differences.set_index("figure").loc["selection_rate_difference"]
    assert row["value"] == 0.5
    # Of the ten, 72 % is the lower bound (Wilson): .72 - .50 = .22.
    assert row["low"] == pytest.approx(0.22, abs=0.02) and row["high"] == pytest.approx(
        0.53, abs=0.02
    )
    table = found.by_group.droplevel("feature")
    # Calibrations of -.1 and 0 may be equal, though predictions for the ten hardly vary.
    assert found.differences.set_index("figure").loc["calibration_difference", "low"] == 0
    assert table.loc["a", ["auc_low", "auc_high"]].isna().all()
    assert table.loc["a", "calibration_low"] < -0.05 < table.loc["a", "calibration_high"]


def test_a_ratio_of_0_is_not_certain():
    chosen = np.concatenate([np.zeros(20), np.arange(200) % 2])
    X = np.column_stack([np.where(chosen, 0.9, 0.1), chosen])
    group = np.repeat(["a", "b"], [20, 200])
    found = fairness(Said(), X, np.arange(220) % 2, sensitive_features=group)
    low, high = found.differences.set_index("figure").loc["selection_rate_ratio", ["low", "high"]]
    # Of twenty rows none; up to 16 % may be (Wilson), over 50 %.
    assert low == 0 and high == pytest.approx(0.16 / 0.5, abs=0.06)


def test_bounds_of_a_small_group_are_those_of_student():
    """Its share of 9 / 12 lies within t(11) sqrt(p (1 - p) / 11), not 1.96 sqrt(p (1 - p) / 12)."""
    chosen = np.concatenate([np.arange(12) < 9, np.arange(8000) % 4 == 0])
    X = np.column_stack([np.full(8012, 0.5), chosen])
    group = np.repeat(["a", "b"], [12, 8000])
    found = fairness(Said(), X, np.arange(8012) % 2, sensitive_features=group, n_boot=3000)
    row = found.differences.set_index("figure").loc["selection_rate_difference"]
    half = stats.t.ppf(0.975, 11) * math.sqrt(0.75 * 0.25 / 11)
    assert row["high"] - row["value"] == pytest.approx(half, rel=0.06)
    assert row["value"] - row["low"] == pytest.approx(half, rel=0.06)


def test_a_ratio_of_a_rare_selection_is_bounded():
    """Resamples of 1 of 20 hold none in a third of cases, whose logarithm must not be infinite."""
    chosen = np.concatenate([np.arange(20) == 3, np.arange(200) % 2])
    X = np.column_stack([np.full(220, 0.5), chosen])
    group = np.repeat(["a", "b"], [20, 200])
    found = fairness(Said(), X, np.arange(220) % 2, sensitive_features=group)
    row = found.differences.set_index("figure").loc["selection_rate_ratio"]
    assert row["value"] == pytest.approx(0.1)
    assert 0.002 < row["low"] < 0.1 and 0.3 < row["high"] < 1


def test_a_single_row_of_a_class_bounds_no_area():
    p = np.tile(np.arange(20) / 20, 2)
    y = np.concatenate([np.arange(20) == 10, np.arange(20) % 2])
    X = np.column_stack([p, p > 0.5])
    found = fairness(Said(), X, y.astype(int), sensitive_features=np.repeat(["a", "b"], 20))
    assert found.differences.set_index("figure").loc["auc_difference", "high"] > 0.45


def test_areas_of_1_and_single_rows_are_not_certain():
    favourable = np.arange(12) >= 9
    low, high = group_figures.area_interval(favourable, favourable.astype(float))
    assert (low, high) == (pytest.approx(0.05 ** (1 / 3)), 1.0)  # three rows of the rarer class
    low, high = group_figures.area_interval(np.arange(12) == 5, np.arange(12) / 12)
    assert low < 0.05 and high > 0.95  # one row ranks anywhere
    assert group_figures.area_interval(np.ones(12, bool), np.arange(12.0)) is None
    # Equal scores of these rows do not say that others are equal, unless the model is constant.
    low, high = group_figures.area_interval(favourable, np.zeros(12))
    assert (low, high) == pytest.approx((0.5 * 0.05 ** (1 / 3), 1 - 0.5 * 0.05 ** (1 / 3)))
    X = np.column_stack([np.full(20, 0.5), np.ones(20)])
    constant = fairness(Said(), X, Y20, sensitive_features=G20)
    assert (constant.by_group[["auc", "auc_low", "auc_high"]] == 0.5).all(axis=None)
    assert (constant.differences.query("figure == 'auc_difference'")["high"] == 0).all()


def test_intervals_hold_their_value_repeat_under_a_seed_and_can_be_left_out():
    first, again, other = hand(), hand(), hand(random_state=1)
    pd.testing.assert_frame_equal(first.differences, again.differences)
    assert not first.differences.equals(other.differences)
    rows = first.differences
    assert ((rows["low"] <= rows["value"]) & (rows["value"] <= rows["high"])).all()
    assert (rows["low"] >= 0).all()
    assert (rows.loc[rows["figure"] != "calibration_difference", "high"] <= 1).all()
    without = hand(n_boot=0)
    assert without.differences[["low", "high"]].isna().all(axis=None)
    assert without.differences["value"].equals(rows["value"])
    assert "resamples" not in without.to_text()
    generator = np.random.RandomState(0)
    hand(random_state=generator)
    assert generator.randint(1000) != np.random.RandomState(0).randint(1000)


# --- before and after ----------------------------------------------------------------------------


def test_before_and_after_are_what_fairness_says_of_each():
    rng = np.random.default_rng(3)
    X = rng.uniform(size=(300, 2)).round()
    y, group = rng.integers(0, 2, 300), rng.integers(0, 3, 300)
    change = fairness_before_after(
        Column(0), Column(1), X, y, sensitive_features=group, n_boot=50, random_state=5
    )
    for model, got in ((Column(0), change.before), (Column(1), change.after)):
        alone = fairness(model, X, y, sensitive_features=group, n_boot=50, random_state=5)
        pd.testing.assert_frame_equal(got.by_group, alone.by_group)
        pd.testing.assert_frame_equal(got.differences, alone.differences)
    table = change.to_frame()
    assert table["change"].to_numpy() == pytest.approx(table["after"] - table["before"])
    assert ((table["low"] <= table["change"]) & (table["change"] <= table["high"])).all()
    assert change.by_group["before"].equals(change.before.by_group)
    assert change.by_group["after"].equals(change.after.by_group)
    json.dumps(change.to_dict())
    assert "BEFORE" in change.to_text() and "selection_rate_ratio" in change.to_text()


def test_a_model_against_itself_changes_nothing_for_certain():
    table = fairness_before_after(
        Said(), Said(), HAND[["p", "selected"]], HAND["repaid"], sensitive_features=HAND["sex"]
    ).changes
    assert (table[["change", "low", "high"]] == 0).all(axis=None)


def test_changes_that_no_row_shows_are_not_excluded():
    """Two models that differ about one group say nothing for certain of the other."""
    group = np.repeat(["a", "b", "c"], [10, 400, 400])
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (810, 1)).repeat(2, axis=1).astype(float)
    X[410:, 1] = rng.integers(0, 2, 400)
    y = rng.integers(0, 2, 810)
    rows = np.arange(810) < 410  # a and b, about which both say the same
    options = {"n_boot": 100}
    same = fairness_before_after(
        Column(0), Column(1), X[rows], y[rows], sensitive_features=group[rows], **options
    ).changes
    assert (same[["low", "high"]] == 0).all(axis=None)
    X[409, 1] = 1 - X[409, 1]  # one row of b tells them apart
    found = fairness_before_after(
        Column(0), Column(1), X[rows], y[rows], sensitive_features=group[rows], **options
    ).changes.set_index("figure")
    low, high = found.loc["selection_rate_difference", ["low", "high"]]
    # Ten rows of a show none, but up to 1 - .05^(1/10) = 26 % of its rows may differ.
    assert -0.3 < low < -0.25 and 0.25 < high < 0.3
    assert found.loc["tpr_difference", "high"] > high  # fewer than ten rows tell
    low, high = found.loc["selection_rate_ratio", ["low", "high"]]
    assert high - low > 2 * 0.26 / 0.6  # the change of a ratio is that of a rate over a rate


class Shrunk(Said):
    """Selects the same rows with other probabilities."""

    def predict_proba(self, X):
        return 0.25 + super().predict_proba(X) / 2


def test_models_that_select_the_same_rows_may_differ_about_others():
    changes = fairness_before_after(
        Said(), Shrunk(), HAND[["p", "selected"]], HAND["repaid"], sensitive_features=HAND["sex"]
    ).changes.set_index("figure")
    low, high = changes.loc["selection_rate_difference", ["low", "high"]]
    assert low < -0.2 and high > 0.2
    assert changes.loc["calibration_difference", "change"] != 0


@settings(max_examples=60)
@given(st.integers(0, 10**6))
def test_bounds_of_a_changed_ratio_hold_whatever_the_ranges_are(seed):
    rng = np.random.default_rng(seed)
    logs = rng.uniform(0, 2, (2, 200))  # ranges of logarithms, before and after
    lows, highs = logs.min(axis=1), logs.max(axis=1)
    change = logs[1] - logs[0]
    kept = np.abs(change - np.median(change)) < rng.uniform(0.05, 2)
    found = np.array([*zip(lows, highs, strict=True), (change[kept].min(), change[kept].max())])
    low, high = group_figures._ratio_change(found)
    ratio = np.exp(-logs[1, kept]) - np.exp(-logs[0, kept])
    assert low - 1e-12 <= ratio.min() and ratio.max() <= high + 1e-12
    # They are no wider than what the two ranges alone allow.
    assert high <= np.exp(-lows[1]) - np.exp(-highs[0]) + 1e-12
    assert low >= np.exp(-highs[1]) - np.exp(-lows[0]) - 1e-12


def test_both_models_need_the_same_classes():
    with pytest.raises(ValueError, match="before has the classes"):
        fairness_before_after(
            Said(),
            Said(["a", "b"]),
            HAND[["p", "selected"]],
            HAND["repaid"],
            sensitive_features=HAND["sex"],
        )


# --- refusals ------------------------------------------------------------------------------------

X20 = np.column_stack([np.full(20, 0.5), np.arange(20) % 2])
Y20 = np.arange(20) % 2
G20 = np.repeat(["a", "b"], 10)


def several_targets():
    return DecisionTreeClassifier().fit(X20, np.column_stack([Y20, Y20]))


def three_classes():
    return DecisionTreeClassifier().fit(X20, np.arange(20) % 3)


@pytest.mark.parametrize(
    "model, changed, error, words",
    [
        (several_targets, {}, UnsupportedModelError, "2 targets"),
        (lambda: DecisionTreeRegressor().fit(X20, Y20), {}, UnsupportedModelError, "a number"),
        (lambda: DecisionTreeClassifier, {}, UnsupportedModelError, "is a class"),
        (DecisionTreeClassifier, {}, ValueError, "not fitted"),
        (three_classes, {"y": np.arange(20) % 3}, ValueError, "positive="),
        (Said, {"positive": "x"}, ValueError, "no class of the model"),
        (Said, {"positive": 1, "decision": Decision(0, cutoff=0.5)}, ValueError, "either decision"),
        (Said, {"decision": Decision("x", cutoff=0.5)}, ValueError, "adverse class 'x'"),
        (Said, {"y": Y20[:-1]}, ValueError, "inconsistent numbers"),
        (Said, {"y": Y20 + 1}, ValueError, "y holds 2"),
        (Said, {"y": np.column_stack([Y20, Y20])}, ValueError, "one column"),
        (Said, {"sensitive_features": None}, ValueError, "sensitive_features is None"),
        (Said, {"sensitive_features": G20[:-1]}, ValueError, "19 values for 20 rows"),
        (Said, {"sensitive_features": "sex"}, ValueError, "one value a row"),
        (Said, {"sensitive_features": np.zeros((20, 1, 1))}, ValueError, "dimensions"),
        (Said, {"sensitive_features": {}}, ValueError, "no column"),
        (Said, {"sensitive_features": {"a": np.zeros((20, 2))}}, ValueError, "shape"),
        (Said, {"sensitive_features": {1: G20, "1": G20}}, ValueError, "called '1'"),
        (Said, {"sensitive_features": [[1]] * 10 + [[1, 2]] * 10}, ValueError, "compared"),
        (Said, {"level": 1}, ValueError, "level must"),
        (Said, {"n_boot": -1}, ValueError, "n_boot must"),
        (Said, {"n_boot": 1.5}, ValueError, "n_boot must"),
        (Said, {"X": X20[:0], "y": Y20[:0], "sensitive_features": G20[:0]}, ValueError, "no row"),
        (Said, {"X": X20 * np.nan}, ValueError, "not finite"),
    ],
)
def test_refusals(model, changed, error, words):
    options = {"X": X20, "y": Y20, "sensitive_features": G20, **changed}
    with pytest.raises(error, match=words):
        fairness(model(), options.pop("X"), options.pop("y"), **options)


def test_several_classes_with_a_positive_one_or_a_decision():
    X = np.arange(60.0)[:, None]
    y = np.array(["a", "b", "c"])[np.arange(60) // 20]
    model = DecisionTreeClassifier().fit(X, y)
    group = np.arange(60) % 2
    found = fairness(model, X, y, sensitive_features=group, positive="b", n_boot=0)
    assert found.by_group[["favourable", "selected"]].to_numpy().tolist() == [[10, 10]] * 2
    decision = Decision("b", cutoff=0.5)
    found = fairness(model, X, y, sensitive_features=group, decision=decision, n_boot=0)
    assert found.by_group[["favourable", "selected"]].to_numpy().tolist() == [[20, 20]] * 2
    assert (found.by_group["calibration"] == 0).all()


def test_indexes_in_two_orders_are_refused():
    X = pd.DataFrame(X20, columns=["p", "selected"])
    turned = pd.Series(G20, name="g").sample(frac=1, random_state=0)
    with pytest.raises(ValueError, match="different orders"):
        fairness(Said(), X, Y20, sensitive_features=turned)
    other = pd.Series(G20, index=np.arange(100, 120))  # other labels say nothing about the order
    assert len(fairness(Said(), X, Y20, sensitive_features=other, n_boot=0).by_group) == 2


def test_too_many_groups_are_refused():
    with pytest.raises(ValueError, match=r"101 groups of at least 10 rows.*pandas\.cut"):
        groupings(np.repeat(np.arange(101), 10), 1010)
    assert len(groupings(np.repeat(np.arange(100), 10), 1000)[0].names) == 100
    many = groupings(np.arange(5000), 5000)[0]  # small groups do not count
    assert (many.names, many.hidden_groups, many.hidden_rows) == ((), 5000, 5000)


def test_without_fairlearn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fairlearn", None)
    with pytest.raises(ImportError, match=r"pip install treeprune\[fairness\]"):
        hand()


def test_the_function_is_found_by_every_way_of_importing():
    from treeprune.metrics import fairness as by_package

    assert treeprune.fairness(Said(), X20, Y20, sensitive_features=G20, n_boot=0).n_boot == 0
    assert by_package(Said(), X20, Y20, sensitive_features=G20, n_boot=0).n_boot == 0


# --- real data -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compas():
    data = datasets.load_compas()
    X = data.data[["priors_count", "juv_fel_count", "juv_misd_count", "jail_days"]]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, data.target)
    return data, X, model


def test_compas_by_its_sensitive_columns(compas):
    data, X, model = compas
    sensitive = data.data[data.sensitive].assign(
        age=pd.cut(data.data["age"], [0, 24, 45, 200], labels=["< 25", "25-45", "> 45"])
    )
    decision = Decision(adverse=1, cutoff=0.5, favourable_word="released")
    found = fairness(
        model, X, data.target, sensitive_features=sensitive, decision=decision, n_boot=200
    )
    p = model.predict_proba(X)[:, 0]
    rows = pd.DataFrame({"good": data.target == 0, "selected": p > 0.5, "p": p})
    for feature in sensitive:
        for group, part in rows.groupby(sensitive[feature], observed=True):
            got = found.by_group.loc[(feature, group)]
            assert got["count"] == len(part)
            assert got["selection_rate"] == pytest.approx(part["selected"].mean())
            assert got["tpr"] == pytest.approx(part.loc[part["good"], "selected"].mean())
            assert got["fpr"] == pytest.approx(part.loc[~part["good"], "selected"].mean())
            assert got["auc"] == pytest.approx(roc_auc_score(part["good"], part["p"]))
            assert got["calibration"] == pytest.approx(part["p"].mean() - part["good"].mean())
            for figure in FIGURES:
                assert got[f"{figure}_low"] <= got[figure] <= got[f"{figure}_high"]
    assert found.by_group.groupby("feature")["count"].sum().tolist() == [len(X)] * 3
    text = found.to_text()
    assert "released, P(1) < 0.5" in text and "African-American" in text
    everything = (text + json.dumps(found.to_dict())).lower()
    assert not [w for w in ("four-fifths", "four fifths", "disparate", "80 %") if w in everything]
    differences = found.differences.set_index(["feature", "figure"])
    assert differences.loc[("race", "fpr_difference"), "low"] > 0.05


def test_fairness_of_a_pruned_tree_beside_the_grown_one(compas):
    data, X, _ = compas
    grown = DecisionTreeClassifier(min_samples_leaf=20, random_state=0).fit(X, data.target)
    change = fairness_before_after(
        grown,
        prune(grown, max_size=5),
        X,
        data.target,
        sensitive_features=data.data["sex"],
        positive=0,
        n_boot=200,
    )
    assert isinstance(change.before, Fairness)
    assert (change.changes["low"] <= change.changes["high"]).all()
    assert change.by_group.shape == (2, 2 * 18)


# --- paths ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compas_path(compas):
    data, X, _ = compas
    grown = DecisionTreeClassifier(min_samples_leaf=50, random_state=0).fit(
        X[::2], data.target[::2]
    )
    return pruning_path(grown), X[1::2], data.target[1::2], data.data[["sex", "race"]][1::2]


@pytest.mark.parametrize("decision", [None, Decision(adverse=1, cutoff=0.4)])
def test_each_step_is_what_fairness_says_of_its_model(compas_path, decision):
    path, X, y, sensitive = compas_path
    positive = None if decision else 0
    steps = [0, len(path) // 2, len(path) - 2, len(path) - 1]
    table = fairness_path(
        path,
        X,
        y,
        sensitive_features=sensitive,
        decision=decision,
        positive=positive,
        steps=steps,
        n_boot=20,
    )
    assert table["step"].tolist() == steps
    assert table["size"].tolist() == path.size[steps].tolist()
    assert table["score"].tolist() == path.score(X, y)["score"][steps].tolist()
    for row, step in zip(table.to_dict("records"), steps, strict=True):
        found = fairness(
            path.cut(step),
            X,
            y,
            sensitive_features=sensitive,
            decision=decision,
            positive=positive,
            n_boot=20,
        )
        for one in found.to_dict()["differences"]:
            for part in ("value", "low", "high"):
                name = one["figure"] + ("" if part == "value" else f"_{part}")
                expected = math.nan if one[part] is None else one[part]
                got = row[f"{name} ({one['feature']})"]
                assert got == pytest.approx(expected, nan_ok=True, abs=1e-12), name


def test_columns_of_a_path_by_one_feature(compas_path):
    path, X, y, sensitive = compas_path
    table = fairness_path(path, X, y, sensitive_features=sensitive["sex"], positive=0)
    assert table.columns.tolist() == ["step", "size", "score", *DIFFERENCES]
    assert len(table) == len(path)
    # A single leaf selects all: no difference is left, and every area is one half.
    last = table.iloc[-1]
    assert last["selection_rate_ratio"] == 1 and last["fpr_difference"] == 0
    assert last["auc_difference"] == 0
    ranked = fairness_path(
        path, X, y, sensitive_features=sensitive["sex"], scoring="roc_auc", steps=[-1, 0, 0]
    )
    assert ranked["step"].tolist() == [0, len(path) - 1]
    assert ranked["score"].iloc[-1] == 0.5
    both = fairness_path(path, X, y, sensitive_features=sensitive, intersect=True, steps=[0])
    assert "tpr_difference" in both.columns


def test_long_paths_are_thinned():
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(1500, 3)), rng.integers(0, 2, 1500), rng.uniform(size=1500)
    path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y, sample_weight=weight))
    assert len(path) > 200
    table = fairness_path(path, X, y, sensitive_features=np.arange(1500) % 2)
    assert len(table) <= 200 and table["step"].iloc[[0, -1]].tolist() == [0, len(path) - 1]
    assert table["score"].notna().all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_paths_of_networks():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = np.where(X[:, 0] + 0.3 * rng.normal(size=120) > 0, "good", "bad")
    model = treeprune.SparseMLPClassifier(hidden_layer_sizes=(4,), max_iter=60, random_state=0)
    path = pruning_path(model.fit(X, y), X, y, method="magnitude")
    group = np.arange(120) % 2
    table = fairness_path(path, X, y, sensitive_features=group, decision=ADVERSE, steps=[0, 1])
    found = fairness(path.cut(1), X, y, sensitive_features=group, decision=ADVERSE, n_boot=0)
    assert table[list(DIFFERENCES)].iloc[1].to_numpy() == pytest.approx(
        found.differences["value"].to_numpy(), abs=1e-6
    )


@pytest.mark.parametrize(
    "changed, error, words",
    [
        ({"steps": [99]}, IndexError, "step 99 is not on the path"),
        ({"steps": [0.5]}, ValueError, "steps must be"),
        ({"steps": []}, ValueError, "steps must be"),
        ({"sensitive_features": None}, ValueError, "sensitive_features is None"),
        ({"sensitive_features": G20[:5]}, ValueError, "5 values for 20 rows"),
        ({"n_boot": -1}, ValueError, "n_boot"),
    ],
)
def test_paths_refuse(changed, error, words):
    path = pruning_path(DecisionTreeClassifier().fit(X20, Y20))
    with pytest.raises(error, match=words):
        fairness_path(path, X20, Y20, **{"sensitive_features": G20, **changed})


def test_paths_of_regressors_are_refused():
    path = pruning_path(DecisionTreeRegressor().fit(X20, Y20))
    with pytest.raises(UnsupportedModelError, match="predicts a number"):
        fairness_path(path, X20, Y20, sensitive_features=G20)


def test_a_step_within_limits_of_a_real_path(compas_path):
    path, X, y, sensitive = compas_path
    table = fairness_path(path, X, y, sensitive_features=sensitive["sex"], positive=0)
    limits = {"selection_rate_ratio": (0.9, None), "fpr_difference": (None, 0.1)}
    choice = choose_within(table, limits)
    fine = table[(table["selection_rate_ratio"] >= 0.9) & (table["fpr_difference"] <= 0.1)]
    assert choice.satisfied and choice.n_within == len(fine)
    assert choice.score == fine["score"].max() and choice.step in fine["step"].tolist()
    assert choice.cost == pytest.approx(table["score"].max() - fine["score"].max())
    impossible = choose_within(table, {"score": (-0.1, None), **limits})
    assert not impossible.satisfied and impossible.nearest in table["step"].tolist()


# --- limits --------------------------------------------------------------------------------------

STEPS = pd.DataFrame(
    {
        "step": [0, 3, 5, 8],
        "size": [9, 5, 3, 1],
        "score": [-0.10, -0.11, -0.15, -0.20],
        "selection_rate_ratio": [0.60, 0.75, 0.85, 1.00],
        "fpr_difference": [0.30, 0.12, 0.20, 0.00],
        "interpretability": [40, 55, 70, np.nan],
    }
)


def test_the_best_step_within_limits_and_its_cost():
    choice = choose_within(
        STEPS, {"selection_rate_ratio": (0.7, None), "fpr_difference": (None, 0.2)}
    )
    assert (choice.satisfied, choice.step, choice.score) == (True, 3, -0.11)
    assert (choice.best_step, choice.best_score) == (0, -0.10)
    assert choice.cost == pytest.approx(0.01)
    assert (choice.nearest, choice.n_steps, choice.n_within) == (None, 4, 3)
    assert [limit.n_satisfying for limit in choice.limits] == [3, 3]
    text = choice.to_text()
    assert "selection_rate_ratio >= 0.7: satisfied by 3 of 4" in text
    assert "fpr_difference <= 0.2: satisfied by 3 of 4" in text
    assert "step 3, score -0.11" in text and "step 0, score -0.1; the limits cost 0.01" in text
    assert json.loads(json.dumps(choice.to_dict()))["step"] == 3
    smallest = choose_within(STEPS, {"selection_rate_ratio": (0.7, None)}, prefer="smallest")
    assert (smallest.step, smallest.cost) == (8, pytest.approx(0.1))


def test_limits_that_no_step_satisfies_name_the_nearest_and_what_fails():
    limits = {
        "selection_rate_ratio": (0.8, None),
        "fpr_difference": (None, 0.1),
        "interpretability": (60, None),
    }
    choice = choose_within(STEPS, limits)
    assert (choice.satisfied, choice.step, choice.score, choice.cost) == (False, None, None, None)
    # Misses in units of spread (.4, .3, 30): step 0 max(.5, .67, .67), step 3 max(.125, .07, .17),
    # step 5 max(0, .33, 0); step 8 has no interpretability.
    assert (choice.nearest, choice.nearest_score) == (3, -0.11)
    assert [limit.missed_by for limit in choice.limits] == pytest.approx([0.05, 0.02, 5])
    text = choice.to_text()
    assert "CHOSEN  none: no step satisfies all limits" in text
    assert "all together: satisfied by 0 of 4 steps" in text
    assert "nearest: step 3, score -0.11" in text
    assert "selection_rate_ratio >= 0.8: is 0.75, missed by 0.05" in text
    assert "fpr_difference <= 0.1: is 0.12, missed by 0.02" in text
    assert "interpretability >= 60: is 55, missed by 5" in text
    json.dumps(choice.to_dict())


def test_a_missing_value_satisfies_no_limit():
    choice = choose_within(STEPS, {"interpretability": (0, None)})
    assert choice.n_within == 3 and choice.limits[0].n_satisfying == 3
    nowhere = choose_within(STEPS.assign(interpretability=np.nan), {"interpretability": (0, None)})
    assert (nowhere.satisfied, nowhere.nearest) == (False, 0)
    assert "interpretability >= 0: not defined" in nowhere.to_text()
    assert nowhere.to_dict()["limits"][0]["value"] is None


def test_a_column_that_never_changes_hides_no_other():
    table = STEPS.assign(columns=12)
    choice = choose_within(table, {"columns": (None, 3), "selection_rate_ratio": (2, None)})
    assert choice.nearest == 8  # nearest to a ratio of 2
    assert choice.limits[0].missed_by == 9
    assert choose_within(table, {"columns": (None, 3)}).nearest == 0  # then the best score


def test_ties_go_to_the_smaller_model():
    table = pd.DataFrame({"score": [0.5, 0.5 + 1e-15, 0.5, 0.1], "x": 1.0})
    assert choose_within(table, {"x": (1, 1)}).step == 2  # without sizes, the later step
    assert choose_within(table.assign(size=[1, 2, 3, 0]), {"x": (1, 1)}).step == 0
    assert choose_within(table.assign(size=[1, 1, 2, 0]), {"x": (1, 1)}).step == 1
    assert choose_within(table, {"x": (2, None)}).nearest == 2
    one = choose_within(table.head(1), {"x": (None, 1)})
    assert (one.step, one.cost, one.n_steps) == (0, 0.0, 1)


def test_steps_without_a_score_are_left_out():
    table = STEPS.assign(score=[np.nan, -0.11, np.nan, -0.2])
    choice = choose_within(table, {"selection_rate_ratio": (0.8, None)})
    assert (choice.step, choice.best_step, choice.n_steps) == (8, 3, 2)


def test_bounds_are_inclusive_and_two_sided():
    choice = choose_within(STEPS, {"selection_rate_ratio": (0.75, 0.85)})
    assert (choice.step, choice.n_within) == (3, 2)
    assert choice.limits[0].words == "0.75 <= selection_rate_ratio <= 0.85"


numbers = st.one_of(st.just(math.nan), st.integers(-3, 3).map(float))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(-3, 3), numbers, numbers), min_size=1, max_size=8),
    st.integers(-3, 3),
    st.integers(-3, 3),
)
def test_choices_equal_the_naive_twin(rows, low, high):
    table = pd.DataFrame(rows, columns=["score", "a", "b"]).astype(float)
    # No two scores alike, so that there are no ties but in distance.
    table["score"] += np.arange(len(table)) / 100
    limits = {"a": (float(low), None), "b": (None, float(high))}
    choice = choose_within(table, limits)
    records = table.to_dict("records")
    fine = [i for i, row in enumerate(records) if row["a"] >= low and row["b"] <= high]
    assert (choice.satisfied, choice.n_within) == (bool(fine), len(fine))
    if fine:
        assert choice.step == max(fine, key=lambda i: records[i]["score"])
    elif not table[["a", "b"]].isna().all().any():
        assert choice.nearest == naive.nearest(records, limits)


@pytest.mark.parametrize(
    "limits, options, words",
    [
        ({"gap": (0, None)}, {}, "no column 'gap'; columns are .'step', 'size'"),
        ({"size": (0, None)}, {"score": "auc"}, "no column 'auc'"),
        ({"name": (0, None)}, {}, "holds no numbers"),
        ({}, {}, "limits must map"),
        ([("size", 1)], {}, "limits must map"),
        ({"size": 3}, {}, "a pair"),
        ({"size": (None, None)}, {}, "one or two finite bounds"),
        ({"size": (3, 2)}, {}, "low <= high"),
        ({"size": (math.nan, None)}, {}, "finite"),
        ({"size": (1, None)}, {"prefer": "worst"}, "prefer must be one of"),
        ({"size": (1, None)}, {"score": "interpretability"}, "nothing to choose by"),
    ],
)
def test_choosing_refuses(limits, options, words):
    table = STEPS.assign(name="x", interpretability=np.nan)
    with pytest.raises(ValueError, match=words):
        choose_within(table, limits, **options)


def test_a_column_that_is_there_twice_is_refused():
    table = pd.concat([STEPS, STEPS[["score"]]], axis=1)
    with pytest.raises(ValueError, match="several columns 'score'"):
        choose_within(table, {"size": (1, None)})


# --- searches ------------------------------------------------------------------------------------


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.parametrize("figure", DIFFERENCES)
@pytest.mark.parametrize("decided", [True, False], ids=["decision", "positive"])
def test_the_scorer_says_what_fairness_says_of_each_fold(routing, compas, figure, decided):
    data, X, _ = compas
    X, y, sensitive = X[:900], data.target[:900], data.data[["sex", "race"]][:900]
    how = {"decision": Decision(adverse=1, cutoff=0.4)} if decided else {"positive": 0}
    scorer = make_fairness_scorer(figure, **how).set_score_request(sensitive_features=True)
    cv = StratifiedKFold(2)
    grid = GridSearchCV(
        DecisionTreeClassifier(max_depth=3, random_state=0),
        {"max_depth": [1, 3]},
        scoring={"brier": "neg_brier_score", "fair": scorer},
        refit="brier",
        cv=cv,
        error_score="raise",
    ).fit(X, y, sensitive_features=sensitive)
    sign, worst = (1, min) if figure == "selection_rate_ratio" else (-1, max)
    for k, (train, test) in enumerate(cv.split(X, y)):
        model = clone(grid.estimator).fit(X.iloc[train], y.iloc[train])
        found = fairness(
            model,
            X.iloc[test],
            y.iloc[test],
            sensitive_features=sensitive.iloc[test],
            n_boot=0,
            **how,
        ).differences
        values = found.loc[found["figure"] == figure, "value"]
        expected = math.nan if values.isna().any() else sign * worst(values)
        got = grid.cv_results_[f"split{k}_test_fair"][1]
        assert got == pytest.approx(expected, nan_ok=True)


def test_a_search_can_choose_by_the_scorer(routing, compas):
    data, X, _ = compas
    X, y, sex = X[:800], data.target[:800], data.data["sex"][:800]
    scorer = make_fairness_scorer(positive=0).set_score_request(sensitive_features=True)
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)),
        {"decisiontreeclassifier__max_depth": [1, 6]},
        scoring=scorer,
        cv=2,
        error_score="raise",
    ).fit(X, y, sensitive_features=sex)
    assert 0 < grid.best_score_ <= 1
    assert pickle.loads(pickle.dumps(grid)).scoring.figure == "selection_rate_ratio"
    with pytest.raises(UnsetMetadataPassedError):  # not asked for, and not dropped in silence
        GridSearchCV(grid.estimator, grid.param_grid, scoring=make_fairness_scorer()).fit(
            X, y, sensitive_features=sex
        )


def test_the_scorer_reads_its_own_class_whatever_other_scorers_ask_for(routing, compas):
    """scikit-learn's cache of a search hands one column to all scorers that it made itself."""
    data, X, _ = compas
    X, y, sex = X[:600], np.where(data.target[:600] == 1, "again", "none"), data.data["sex"][:600]
    how = {"decision": Decision(adverse="again", cutoff=0.4)}
    scoring = {
        "first": make_scorer(
            lambda y, p, pos_label: np.mean(p), response_method="predict_proba", pos_label="none"
        ),
        "second": "roc_auc",
        "fair": make_fairness_scorer("calibration_difference", **how).set_score_request(
            sensitive_features=True
        ),
    }
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    scores = check_scoring(model, scoring=scoring)(model, X, y, sensitive_features=sex)
    found = fairness(model, X, y, sensitive_features=sex, n_boot=0, **how)
    assert scores["fair"] == pytest.approx(-value(found, "calibration_difference"))


def test_the_scorer_says_how_to_be_given_sensitive_features(routing):
    scorer, model = make_fairness_scorer(), DecisionTreeClassifier().fit(X20, Y20)
    with pytest.raises(ValueError, match="set_score_request"):
        scorer(model, X20, Y20)
    assert scorer(model, X20, Y20, sensitive_features=G20) == 1
    with pytest.raises(ValueError, match="figure must be one of"):
        make_fairness_scorer("four_fifths")
    with pytest.raises(ValueError, match="positive="):
        scorer(three_classes(), X20, np.arange(20) % 3, sensitive_features=G20)
    with pytest.raises(ValueError, match="no class of the model"):
        make_fairness_scorer(positive="x")(model, X20, Y20, sensitive_features=G20)


def test_the_scorer_is_nan_where_there_is_nothing_to_compare(routing):
    model = DecisionTreeClassifier().fit(X20, Y20)
    assert np.isnan(make_fairness_scorer()(model, X20, Y20, sensitive_features=["a"] * 20))
    two = pd.DataFrame({"g": G20, "h": ["a"] * 20})
    assert np.isnan(make_fairness_scorer()(model, X20, Y20, sensitive_features=two))
