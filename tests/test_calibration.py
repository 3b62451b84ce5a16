"""Calibration: bins by hand and by a naive twin, intervals by scipy, models against their own P."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.datasets import load_diabetes, load_iris

from treeprune import datasets
from treeprune.report import Options, Table, fit_rivals, study_of
from treeprune.report.calibration import bins_of, calibration, gap_of

pytestmark = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")

QUICK = Options(cv=2, n_resamples=1000, refits=0)


def test_bins_by_hand():
    said = np.array([0.5, 0.1, 0.5, 0.1, 0.5, 0.9])
    seen = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    bins = bins_of(said, seen, shares=True)
    assert [(b["p"], b["share"], b["n"]) for b in bins] == [
        (0.1, 0.0, 2),
        (0.5, pytest.approx(2 / 3), 3),
        (0.9, 1.0, 1),
    ]
    for one, hits in zip(bins, (0, 2, 1)):
        expected = stats.binomtest(hits, one["n"]).proportion_ci(method="wilson")
        assert (one["low"], one["high"]) == pytest.approx((expected.low, expected.high))


def test_twenty_distinct_predictions_are_ten_pairs():
    said = np.arange(20) / 20
    bins = bins_of(said, (np.arange(20) % 2).astype(float), shares=True)
    assert [b["n"] for b in bins] == [2] * 10
    assert [b["share"] for b in bins] == [0.5] * 10
    assert [b["p"] for b in bins] == pytest.approx([0.025 + k / 10 for k in range(10)])


def test_equal_predictions_stay_together():
    said = np.r_[np.full(50, 0.3), np.linspace(0.4, 0.9, 50)]
    bins = bins_of(said, np.zeros(100), shares=True)
    assert bins[0]["n"] == 50 and bins[0]["p"] == 0.3
    assert [b["n"] for b in bins[1:]] == [6, 5, 6, 5, 6, 5, 6, 5, 6]  # 50 / 9, 44 / 8, 39 / 7, …


def test_means_have_t_intervals_and_one_row_has_none():
    said, seen = np.array([1.0, 1.0, 1.0, 7.0]), np.array([0.0, 2.0, 4.0, 9.0])
    first, last = bins_of(said, seen, shares=False)
    expected = stats.t.interval(0.95, 2, loc=2.0, scale=stats.sem([0.0, 2.0, 4.0]))
    assert (first["low"], first["high"]) == pytest.approx(expected)
    assert last == {"p": 7.0, "share": 9.0, "low": None, "high": None, "n": 1}


def test_the_gap_is_a_t_interval_of_the_mean_error():
    rng = np.random.default_rng(0)
    said, seen = rng.random(40), rng.integers(0, 2, 40).astype(float)
    gap, error = gap_of(said, seen), said - seen
    expected = stats.t.interval(0.95, 39, loc=error.mean(), scale=stats.sem(error))
    assert gap["value"] == pytest.approx(said.mean() - seen.mean())
    assert (gap["low"], gap["high"]) == pytest.approx(expected)


def test_the_gap_of_one_row_has_no_interval():
    assert gap_of(np.array([0.5]), np.array([1.0])) == {"value": -0.5, "low": None, "high": None}


def naive_bins(said, seen):
    """Value after value, each taken whole: a bin is closed when the next would take it farther
    from its part of the rows that are left."""
    values = sorted(set(said.tolist()))
    groups = [[(s, o) for s, o in zip(said.tolist(), seen.tolist()) if s == v] for v in values]
    bins, left = [], len(said)
    while groups:
        one = groups.pop(0)
        wanted = left / (10 - len(bins)) if len(values) > 10 else 0
        while groups and abs(len(one) + len(groups[0]) - wanted) < abs(len(one) - wanted):
            one = one + groups.pop(0)
        bins.append(one)
        left -= len(one)
    return [
        (np.mean([s for s, _ in rows]), np.mean([o for _, o in rows]), len(rows)) for rows in bins
    ]


@settings(max_examples=40)
@given(
    n=st.integers(1, 120),
    values=st.integers(1, 40),
    seed=st.integers(0, 999),
    shares=st.booleans(),
)
def test_bins_are_the_naive_twins(n, values, seed, shares):
    rng = np.random.default_rng(seed)
    said = rng.integers(0, values, n) / values
    seen = rng.integers(0, 2, n).astype(float)
    bins = bins_of(said, seen, shares=shares)
    found = [(b["p"], b["share"], b["n"]) for b in bins]
    assert np.allclose(found, naive_bins(said, seen), atol=1e-12)
    assert len(bins) <= 10 and sum(b["n"] for b in bins) == n
    for b in bins:
        if b["low"] is not None:
            assert b["low"] <= b["share"] + 1e-12 and b["share"] <= b["high"] + 1e-12
    json.dumps([bins, gap_of(said, seen)], allow_nan=False)


def test_large_and_far_predictions_stay_apart():
    said = np.array([1e12, 1.0, 1.0, 2.0])
    assert [b["n"] for b in bins_of(said, said, shares=False)] == [2, 1, 1]


# -- models ------------------------------------------------------------------------------------


def fitted(frame, target, **kwargs):
    study = study_of(Table(frame, ""), name="data", target=target, **kwargs)
    return study, fit_rivals(study, QUICK)


@pytest.fixture(scope="module")
def german():
    X, y = datasets.load_german_credit(return_X_y=True)
    return fitted(X.assign(bad=np.asarray(y)), "bad")


def test_a_small_tree_has_a_bin_a_leaf_value(german):
    study, fits = german
    told = calibration(study, fits)
    assert told["kind"] == "binary" and told["n"] == len(study.y_test)
    assert told["label"] == study.labels[1]
    rival = fits.rival("pruned")
    p = rival.model.predict_proba(fits.Z_test)[:, 1]
    assert len(np.unique(p)) <= 10
    model = next(m for m in told["models"] if m["key"] == "pruned")
    assert [b["p"] for b in model["bins"]] == np.unique(p).tolist()
    for b in model["bins"]:
        rows = p == b["p"]
        assert b["n"] == rows.sum() and b["share"] == study.y_test[rows].mean()
    assert model["gap"]["value"] == pytest.approx(p.mean() - study.y_test.mean())


def test_a_linear_model_has_ten_groups(german):
    study, fits = german
    model = next(m for m in calibration(study, fits)["models"] if m["key"] == "linear")
    assert [b["n"] for b in model["bins"]] == [len(study.y_test) // 10] * 10


def test_multiclass_asks_the_likeliest_class():
    frame = load_iris(as_frame=True).frame
    frame["target"] = pd.Categorical(frame["target"].map(dict(enumerate("abc"))))
    study, fits = fitted(frame, "target")
    told = calibration(study, fits)
    assert told["kind"] == "multiclass" and told["label"] is None
    model = next(m for m in told["models"] if m["key"] == "grown")
    proba = fits.rival("grown").model.predict_proba(fits.Z_test)
    right = proba.argmax(axis=1) == study.y_test
    rows = sum(b["n"] * b["share"] for b in model["bins"])
    assert rows == pytest.approx(right.sum())
    assert model["gap"]["value"] == pytest.approx(proba.max(axis=1).mean() - right.mean())


def test_regression_compares_means():
    frame = load_diabetes(as_frame=True, scaled=False).frame
    study, fits = fitted(frame, "target")
    told = calibration(study, fits)
    assert told["kind"] == "regression"
    for model in told["models"]:
        said = fits.rival(model["key"]).model.predict(fits.Z_test)
        assert sum(b["n"] * b["p"] for b in model["bins"]) == pytest.approx(said.sum())
        assert sum(b["n"] * b["share"] for b in model["bins"]) == pytest.approx(study.y_test.sum())
    json.dumps(told, allow_nan=False)


def test_one_leaf_is_one_bin():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=120), "y": rng.integers(0, 2, 120)})
    study, fits = fitted(frame, "y")
    assert fits.rival("pruned").native.get_n_leaves() == 1
    model = next(m for m in calibration(study, fits)["models"] if m["key"] == "pruned")
    assert [b["n"] for b in model["bins"]] == [len(study.y_test)]
