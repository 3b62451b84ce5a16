"""Verification: DeLong against its definition, resamples against rows, verdicts against truth."""

from __future__ import annotations

import json
import pickle
from dataclasses import FrozenInstanceError
from functools import cache

import laws
import naive
import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import assume, given
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from scipy import sparse, stats
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    get_scorer,
    jaccard_score,
    make_scorer,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import UnsupportedModelError, Verification, prune, verify
from treeprune.datasets import load_german_credit
from treeprune.intervals import (
    bootstrap,
    compare_areas,
    compare_draws,
    compare_shares,
    delong,
    round_rows,
    rows_needed,
    same_order,
    tango,
    verdict,
)
from treeprune.verification.tables import cells_of, table_score

BINARY = ("accuracy", "neg_log_loss", "neg_brier_score")
TABLE = ("f1", "precision", "jaccard", "balanced_accuracy", "matthews_corrcoef")
SEVERAL = ("accuracy", "neg_log_loss", "roc_auc_ovr")
NUMBERS = (
    "r2",
    "neg_mean_squared_error",
    "neg_root_mean_squared_error",
    "neg_mean_absolute_error",
)


@cache
def german():
    """Two models on raw columns, and the held-out rows."""
    data = load_german_credit()
    X, y = data.data.drop(columns=data.sensitive), data.target
    train = np.arange(len(X)) % 10 < 7
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
        remainder="passthrough",
    )
    grown = make_pipeline(encode, DecisionTreeClassifier(min_samples_leaf=20, random_state=0))
    grown = grown.fit(X[train], y[train])
    linear = make_pipeline(encode, StandardScaler(with_mean=False), LogisticRegression())
    return grown, linear.fit(X[train], y[train]), X[~train], y[~train]


@cache
def numeric():
    """Two trees on German credit's numbers, and the held-out rows."""
    data = load_german_credit()
    X = data.data.select_dtypes("number").to_numpy(np.float64)
    y = data.target.to_numpy()
    train = np.arange(len(X)) % 10 < 7
    grown = DecisionTreeClassifier(min_samples_leaf=10, random_state=0).fit(X[train], y[train])
    return grown, prune(grown, max_size=12), X[~train], y[~train]


@cache
def iris():
    X, y = load_iris(return_X_y=True)
    y = np.array(["setosa", "versicolor", "virginica"])[y]
    before = GaussianNB().fit(X[::2, :2], y[::2])
    after = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[::2, :2], y[::2])
    return before, after, X[1::2, :2], y[1::2]


@cache
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    before = DecisionTreeRegressor(min_samples_leaf=10, random_state=0).fit(X[::2], y[::2])
    return before, prune(before, max_size=8), X[1::2], y[1::2]


# ----------------------------------------------------------------------------- DeLong

scored = st.lists(
    st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 6)), min_size=4, max_size=30
)


@given(scored)
def test_delong_is_its_definition(rows):
    is_positive, before, after = (np.array(column) for column in zip(*rows))
    assume(2 <= is_positive.sum() <= len(rows) - 2)
    before, after = before / 7, after * 3.0 - 9
    areas, se = delong(is_positive, before, after)
    expected, covariance = naive.delong(is_positive, [before, after])
    assert areas == pytest.approx(expected, abs=1e-10)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert se**2 == pytest.approx(variance, abs=1e-10)
    assert areas[0] == pytest.approx(roc_auc_score(is_positive, before), abs=1e-12)


@given(scored)
def test_delong_knows_nothing_but_the_order(rows):
    is_positive, before, after = (np.array(column, float) for column in zip(*rows))
    is_positive = is_positive > 0
    assume(2 <= is_positive.sum() <= len(rows) - 2)
    areas, se = delong(is_positive, before, after)
    moved, moved_se = delong(is_positive, np.exp(before), after / 7 - 3)
    assert np.array_equal(areas, moved)
    assert se == moved_se
    back, back_se = delong(is_positive, after, before)
    assert np.array_equal(areas, back[::-1])
    assert se == pytest.approx(back_se, abs=1e-15)
    assert delong(is_positive, before, np.exp(before))[1] == 0
    assert same_order(before, np.exp(before))


def test_delong_takes_many_rows():
    rng = np.random.default_rng(0)
    is_positive = rng.random(300_000) < 0.1
    before = rng.normal(size=300_000) + is_positive
    after = (before + rng.normal(size=300_000)).round(2)
    areas, se = delong(is_positive, before, after)
    assert areas[1] == pytest.approx(roc_auc_score(is_positive, after), abs=1e-12)
    # Twice the rows of a kind halve the variance (but for the divisor n - 1).
    _, twice = delong(np.tile(is_positive, 2), np.tile(before, 2), np.tile(after, 2))
    assert twice == pytest.approx(se / np.sqrt(2), rel=1e-4)


def test_one_row_of_a_class_has_no_spread_and_no_verdict():
    is_positive = np.array([True, False, False, False])
    found = compare_areas(is_positive, np.arange(4.0), -np.arange(4.0), margin=0.01)
    assert (found.before, found.after, found.low, found.high) == (0.0, 1.0, None, None)
    assert (found.verdict, found.rows_needed) == ("undecided", None)


def pairs_of_scores(shifts, n_positive=80, n_negative=120, n_samples=2000, seed=0):
    """Correlated normal scores of two models; a shift d gives an area of Phi(d / sqrt 2)."""
    rng = np.random.default_rng(seed)
    is_positive = np.arange(n_positive + n_negative) < n_positive
    for _ in range(n_samples):
        common = rng.normal(size=len(is_positive))
        own = rng.normal(size=(2, len(is_positive)))
        score = (common + own) / np.sqrt(2) + np.outer(shifts, is_positive)
        yield is_positive, score[0], score[1].round(2)  # some ties


def test_a_model_worse_by_the_margin_passes_in_five_per_cent_of_samples():
    margin = 0.05
    shifts = [np.sqrt(2) * stats.norm.ppf(area) for area in (0.80, 0.80 - margin)]
    found = [compare_areas(*sample, margin=margin) for sample in pairs_of_scores(shifts)]
    passed = np.mean([f.verdict == "non-inferior" for f in found])
    # Two standard errors of a share of .05 in 2,000 samples are .0097.
    assert 0.035 < passed < 0.0625
    assert np.mean([f.high < -margin for f in found]) < 0.0625
    assert np.mean([f.value for f in found]) == pytest.approx(-margin, abs=0.003)


def test_an_equal_model_is_called_worse_in_five_per_cent_of_samples_at_most():
    shifts = [np.sqrt(2) * stats.norm.ppf(0.80)] * 2
    found = [compare_areas(*sample, margin=1e-9) for sample in pairs_of_scores(shifts, seed=1)]
    assert 0.035 < np.mean([f.verdict == "worse" for f in found]) < 0.0625


AREAS = [  # of before and after, rows of both classes, correlation of the scores
    (1.0, 0.99, 60, 140, 0.0),
    (0.98, 0.97, 60, 140, 0.9),
    (0.90, 0.85, 9, 91, 0.5),
    (0.95, 0.90, 5, 95, 0.5),
]


@pytest.mark.parametrize("before, after, m, n, shared", AREAS)
def test_areas_near_one_and_few_rows_of_a_class_are_not_passed_too_often(
    before, after, m, n, shared
):
    rng = np.random.default_rng(0)
    is_positive = np.arange(m + n) < m
    shifts = np.array([40.0 if a == 1 else np.sqrt(2) * stats.norm.ppf(a) for a in (before, after)])
    passed = by_the_normal = 0
    for _ in range(800):
        noise = np.sqrt(shared) * rng.normal(size=m + n)
        noise = noise + np.sqrt(1 - shared) * rng.normal(size=(2, m + n))
        scores = noise + np.outer(shifts, is_positive)
        found = compare_areas(is_positive, *scores, margin=before - after)
        passed += found.verdict == "non-inferior"
        _, se = delong(is_positive, *scores)
        by_the_normal += se > 0 and found.value - stats.norm.ppf(0.95) * se > after - before
    # The second case passes in .06 of 8,800 samples, the others in fewer than .05. Two standard
    # errors of a share of .06 in 800 samples are .017.
    assert passed / 800 < 0.077 < by_the_normal / 800


def test_few_rows_of_a_class_are_told_and_fewer_decide_nothing():
    rng = np.random.default_rng(0)
    for m, ending in ((4, "4 rows of the rarer class: too few for a verdict"),
                      (5, "5 rows of the rarer class: approximate"),
                      (29, "29 rows of the rarer class: approximate"), (30, "DeLong")):  # fmt: skip
        is_positive = np.arange(m + 300) < m
        good, bad = rng.normal(size=(2, m + 300)) + np.outer([40, 0], is_positive)
        for found in (compare_areas(is_positive, good, bad, margin=0.05),
                      compare_areas(~is_positive, -good, -bad, margin=0.05)):  # fmt: skip
            assert found.method.endswith(ending)
            assert (found.verdict, found.rows_needed) == ("undecided" if m < 5 else "worse", None)
        same = compare_areas(is_positive, bad, bad, margin=0.05)
        assert (same.verdict, same.method) == ("non-inferior", "paired DeLong")


def test_student_falls_as_rows_are_added():
    rng = np.random.default_rng(1)
    is_positive = np.arange(60) < 6
    scores = rng.normal(size=(2, 60)) + is_positive * 1.2
    found = compare_areas(is_positive, *scores, margin=0.01)
    assert found.verdict == "undecided"
    _, se = delong(is_positive, *scores)
    first, second, rows = found.before, found.after, found.rows_needed

    def decides(rows):
        reach = stats.t.ppf(0.95, 6 * rows / 60 - 1) * se * np.sqrt(60 / rows)
        low = naive.least_difference(first, second, reach)
        return low > -0.01 or -naive.least_difference(second, first, reach) < 0

    assert decides(rows * 1.02)
    assert not decides(rows * 0.98)


# ----------------------------------------------------------------------------- shares


@given(st.integers(0, 15), st.integers(0, 15), st.integers(1, 60), st.sampled_from([0.8, 0.95]))
def test_tango_is_its_definition(gained, lost, rest, level):
    n = gained + lost + rest
    assert tango(gained, lost, n, level) == pytest.approx(
        naive.tango(gained, lost, n, level), abs=1e-6
    )


@pytest.mark.parametrize("gained, lost, n", [(0, 0, 1), (1, 0, 1), (0, 7, 7), (0, 200_000, 200_000),
                                             (0, 0, 10**6), (1, 3, 10**6)])  # fmt: skip
def test_tango_at_the_ends(gained, lost, n):
    low, high = tango(gained, lost, n)
    value, z2 = (gained - lost) / n, stats.norm.ppf(0.95) ** 2
    assert -1 <= low <= value <= high <= 1
    if gained == lost == 0:
        assert (low, high) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)), abs=1e-9)
    assert tango(lost, gained, n) == (-high, -low)


SHARES = [  # lost, gained, rows
    (0.05, 0.0, 100), (0.02, 0.0, 200), (0.015, 0.005, 300), (0.01, 0.0, 300), (0.06, 0.05, 300),
    (0.02, 0.01, 268), (0.01, 0.0, 454), (0.02, 0.0, 224),
]  # fmt: skip


@pytest.mark.parametrize("lost, gained, n", SHARES)
def test_a_share_lost_up_to_the_margin_is_passed_in_six_per_cent_of_samples(lost, gained, n):
    """No simulation: every outcome with its probability."""
    most = int(n * (lost + gained) + 8 * np.sqrt(n * lost) + 8)
    passed, met = 0.0, 0.0
    for up in range(most if gained else 1):
        for down in range(most):
            chance = stats.multinomial.pmf([up, down, n - up - down],
                                           n, [gained, lost, 1 - gained - lost])  # fmt: skip
            if chance < 1e-9:
                continue
            before, after = np.arange(n) >= up, (np.arange(n) < n - down)
            units = n if up + down <= 3 else None
            found = compare_shares(before, after, margin=lost - gained, units=units)
            assert found.value == pytest.approx((up - down) / n)
            passed, met = passed + chance * (found.verdict == "non-inferior"), met + chance
    assert met > 0.999
    assert passed < 0.061


def test_counts_that_grow_with_the_rows_decide_when_told():
    before, after = np.arange(200) >= 9, np.arange(200) < 188
    found = compare_shares(before, after, margin=0.03)
    assert found.verdict == "undecided"
    n = found.rows_needed
    for times, decides in ((n / 200 * 1.001, True), ((n - 1) / 200 * 0.999, False)):
        low, high = tango(9 * times, 12 * times, 200 * times)
        assert (low > -0.03 or high < 0) == decides


def test_accuracy_of_many_rows_needs_no_resamples():
    rng = np.random.default_rng(0)
    X = rng.random((200_000, 1))
    y = (rng.random(200_000) < X[:, 0]).astype(int)
    found = verify(Counted(), Counted(1.05), X, y, scoring="accuracy")
    assert (found.verdict, found.method) == ("non-inferior", "paired score interval (Tango 1998)")
    wald = (found.high - found.low) / 2 / stats.norm.ppf(0.95)
    hit = [(m.predict(X) == y) * 1.0 for m in (Counted(), Counted(1.05))]
    assert wald == pytest.approx((hit[1] - hit[0]).std() / np.sqrt(200_000), rel=1e-3)


def test_recall_is_a_share_of_the_positive_rows():
    before, after, X, y = numeric()
    found = verify(before, after, X, y, scoring="recall")
    hit = [model.predict(X)[y == 1] == 1 for model in (before, after)]
    up, down = (hit[1] & ~hit[0]).sum(), (hit[0] & ~hit[1]).sum()
    assert (found.low, found.high) == tango(up, down, (y == 1).sum())
    assert found.before == recall_score(y, before.predict(X))
    assert (found.n_rows, found.method) == (300, "paired score interval (Tango 1998)")


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize(
    "metric",
    [
        f1_score,
        precision_score,
        recall_score,
        jaccard_score,
        balanced_accuracy_score,
        matthews_corrcoef,
        cohen_kappa_score,
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_tables_are_scikit_learns(metric, positive):
    rng = np.random.default_rng(0)
    y, said = np.arange(12) % 3 // 2, np.arange(12) % 4 // 3
    counts = rng.poisson(rng.choice([0.05, 0.3, 1.0], size=(300, 1)), size=(300, 12)) * 1.0
    # Corners: one class only, all right, all wrong.
    counts = np.vstack([counts, y == 0, y == 1, y == said, y != said, (y == 0) & (said == 1)])
    counts = counts[counts.sum(axis=1) > 0]
    found = table_score(metric, cells_of(y, said), positive)(counts)
    labels = np.array([0, 1] if positive else [1, 0])  # scikit-learn's positive label is 1
    for row, value in zip(counts, found, strict=True):
        rows = np.repeat(np.arange(12), row.astype(int))
        expected = metric(labels[y[rows]], labels[said[rows]])
        assert value == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_labels_one_and_two_and_words_are_scored_as_scikit_learn_does():
    _, _, X, y = numeric()
    for labels, scoring in (((1, 2), "f1"), ((-1, 1), "f1"), (("a", "b"), "balanced_accuracy")):
        named = np.array(labels)[y]
        before = DecisionTreeClassifier(max_depth=5, random_state=0).fit(X[:150], named[:150])
        after = GaussianNB().fit(X[:150], named[:150])
        found = verify(before, after, X[150:], named[150:], scoring=scoring, n_resamples=200)
        expected = slow_bounds(before, after, X[150:], named[150:], get_scorer(scoring), 200)
        assert [found.before, found.after, found.difference, found.low, found.high] == (
            pytest.approx(expected, abs=1e-12)
        )
    words = np.array(["a", "b"])[y]
    model = GaussianNB().fit(X[:150], words[:150])
    refused(ValueError, "pos_label", before=model, after=model, X=X, y=words, scoring="f1")


def test_delong_and_the_bootstrap_see_the_same_spread():
    grown, linear, X, y = german()
    delong_says = verify(grown, linear, X, y)
    resampled = verify(grown, linear, X, y, sample_weight=np.ones(len(y)))
    assert delong_says.method == "paired DeLong"
    assert resampled.method == "paired bootstrap, 2000 resamples"
    assert resampled.difference == pytest.approx(delong_says.difference, abs=1e-12)
    width = delong_says.high - delong_says.low
    assert resampled.high - resampled.low == pytest.approx(width, rel=0.1)


# ----------------------------------------------------------------------------- rows that decide


@given(
    st.integers(-80, 40), st.integers(0, 120), st.integers(0, 120), st.integers(1, 60),
    st.integers(5, 40),
)  # fmt: skip
def test_rows_needed_is_the_first_number_that_decides(value, below, above, margin, n_rows):
    value, margin = value / 1000 + 0.0003, margin / 1000
    low, high = value - below / 1000, value + above / 1000
    needed = rows_needed(value, low, high, margin, n_rows)
    if verdict(low, high, margin) != "undecided":
        assert needed is None
        return
    assume(needed is not None and needed < 20_000)
    assert needed == naive.rows_needed(value, low, high, margin, n_rows)


@pytest.mark.parametrize("value", [-0.02, -1e-12, 0.0, 1e-12])
def test_some_number_decides_on_every_difference(value):
    needed = rows_needed(value, value - 0.05, value + 0.05, 0.02, 100)
    # d = -margin: only `worse` is within reach, 100 (.05 / .02)^2; no difference: the same number
    assert needed in (625, 626)


def test_numbers_that_nobody_can_hold_out_are_none():
    assert rows_needed(-0.02 + 1e-9, -0.05, 0.05, 0.02, 100) is not None  # worse is in reach
    assert rows_needed(1e-9, -1e5, 1e5, 0.02, 100) is None
    assert rows_needed(-0.5 + 1e-300, -1.0, 1e300, 0.5, 100) is None


def test_so_many_rows_of_the_same_kind_decide():
    grown, linear, X, y = german()
    found = verify(grown, linear, X[::2], y[::2], margin=0.02)
    assert found.verdict != "undecided"
    found = verify(linear, grown, X[::3], y[::3], margin=0.02)
    assert found.verdict == "undecided"
    n = len(y[::3])
    copies = -(-found.rows_needed // n)
    assert copies >= 2

    def tiled(k):
        again = pd.concat([X[::3]] * k, ignore_index=True), pd.concat([y[::3]] * k)
        return verify(linear, grown, *again, margin=0.02)

    assert tiled(copies).verdict != "undecided"
    assert tiled(copies - 1).verdict == "undecided"
    assert tiled(copies).difference == pytest.approx(found.difference, abs=1e-12)


def test_percentiles_that_stick_to_zero_promise_nothing():
    # Two of 100 rows tell the models apart: 13 % of the resamples hold neither.
    loss = np.r_[np.ones(2), np.zeros(98)]
    drawn = bootstrap(lambda c: np.column_stack([0 * c[:, 0], -c @ loss / 100]), 100, 2000, 0)
    found = compare_draws(0.0, -0.02, drawn, margin=0.03, n_rows=100)
    assert (found.high, found.verdict) == (0.0, "undecided")
    assert found.rows_needed > 120  # not 101; three such rows are in 150


@pytest.mark.parametrize("n, said", [(9, 9), (99, 99), (100, 100), (101, 110), (1843, 1900),
                                     (999, 1000), (12_345_678, 13_000_000)])  # fmt: skip
def test_numbers_of_rows_are_rounded_up(n, said):
    assert round_rows(n) == said


# ----------------------------------------------------------------------------- any score


def slow_bounds(before, after, X, y, score, n_resamples, level=0.95, weight=None):
    """Scores and bounds row by row: each resample's rows written out, both models asked."""
    X, y = np.asarray(X), np.asarray(y)
    counts = bootstrap(lambda c: c, len(y), n_resamples, 0).astype(int)
    gaps = []
    for row in [np.ones(len(y), int), *counts]:
        rows = np.repeat(np.arange(len(y)), row)
        extra = {} if weight is None else {"sample_weight": weight[rows]}
        first, second = (score(model, X[rows], y[rows], **extra) for model in (before, after))
        gaps.append((first, second, second - first))
    tail = 100 * (1 - level)
    low, high = np.percentile([gap for _, _, gap in gaps[1:]], [tail, 100 - tail])
    return [*gaps[0], low, high]


def own_score(model, X, y):
    """Ranks by probability, decides at 0.3: nothing that scikit-learn has."""
    return float(np.mean((model.predict_proba(X)[:, 1] >= 0.3) == y))


CASES = [
    *((numeric, name) for name in (*BINARY[1:], *TABLE, "average_precision")),
    (numeric, make_scorer(cohen_kappa_score)),
    (numeric, make_scorer(f1_score, zero_division=1.0)),
    (numeric, own_score),
    (numeric, make_scorer(balanced_accuracy_score, adjusted=True)),
    *((iris, name) for name in (*SEVERAL[1:], "f1_macro", "roc_auc_ovo")),
    *((diabetes, name) for name in (*NUMBERS, "neg_median_absolute_error")),
]


@pytest.mark.parametrize("models, scoring", CASES, ids=laws.said)
def test_every_score_is_what_the_models_say_of_resampled_rows(models, scoring):
    before, after, X, y = models()
    X, y = X[:70], y[:70]
    score = scoring if callable(scoring) else get_scorer(scoring)
    found = verify(before, after, X, y, scoring=scoring, n_resamples=100)
    expected = slow_bounds(before, after, X, y, score, 100)
    said = [found.before, found.after, found.difference, found.low, found.high]
    assert said == pytest.approx(expected, abs=1e-10)
    assert found.method.partition("; ")[0] == "paired bootstrap, 100 resamples"
    assert found.verdict == verdict(found.low, found.high, found.margin)


def test_the_brier_score_of_several_classes_is_the_sum_over_classes():
    before, after, X, y = iris()
    found = verify(before, after, X, y, scoring="neg_brier_score")
    hit = (np.asarray(y)[:, None] == before.classes_).astype(float)
    expected = -((before.predict_proba(X) - hit) ** 2).sum(axis=1).mean()
    assert found.before == pytest.approx(expected, abs=1e-12)


WEIGHTED = [
    *((numeric, name) for name in ("roc_auc", *BINARY)),
    *((iris, name) for name in ("accuracy", "neg_log_loss")),
    *((diabetes, name) for name in NUMBERS),
]


@pytest.mark.parametrize("models, scoring", WEIGHTED, ids=laws.said)
def test_weights_are_those_of_the_score(models, scoring):
    before, after, X, y = models()
    X, y = X[:75], y[:75]
    weight = np.random.default_rng(0).uniform(0.2, 3, 75)
    found = verify(before, after, X, y, scoring=scoring, sample_weight=weight, n_resamples=100)
    expected = slow_bounds(before, after, X, y, get_scorer(scoring), 100, weight=weight)
    said = [found.before, found.after, found.difference, found.low, found.high]
    assert said == pytest.approx(expected, abs=1e-10)
    assert "bootstrap" in found.method


def test_rows_without_weight_are_left_out():
    before, after, X, y = numeric()
    weight = np.ones(len(y))
    weight[::3] = 0
    kept = weight > 0
    for scoring in ("roc_auc", "accuracy"):
        found = verify(before, after, X, y, scoring=scoring, sample_weight=weight)
        plain = verify(
            before, after, X[kept], y[kept], scoring=scoring, sample_weight=np.ones(kept.sum())
        )
        assert found == plain
        assert found.n_rows == kept.sum()


@pytest.mark.parametrize("models, name", [(numeric, "roc_auc"), (iris, "roc_auc_ovr"),
                                          (diabetes, "r2")])  # fmt: skip
def test_the_default_score(models, name):
    before, after, X, y = models()
    found = verify(before, after, X, y)
    assert found.scoring == name
    assert found == verify(before, after, X, y, scoring=name)
    for said, model in ((found.before, before), (found.after, after)):
        assert said == pytest.approx(get_scorer(name)(model, X, y), abs=1e-12)


def test_a_higher_level_is_wider_and_its_bounds_are_one_sided():
    before, after, X, y = numeric()
    low, mid, high = (verify(before, after, X, y, level=level) for level in (0.8, 0.95, 0.99))
    assert high.low < mid.low < low.low < low.high < mid.high < high.high
    _, se = delong(y == 1, before.predict_proba(X)[:, 1], after.predict_proba(X)[:, 1])
    rarer = min(np.sum(y == 0), np.sum(y == 1))
    reach = stats.t.ppf(0.95, rarer - 1) * se
    assert mid.low == pytest.approx(naive.least_difference(mid.before, mid.after, reach), abs=1e-4)
    high = -naive.least_difference(mid.after, mid.before, reach)
    assert mid.high == pytest.approx(high, abs=1e-4)


def test_seeds_repeat_and_differ():
    before, after, X, y = diabetes()
    first = verify(before, after, X, y)
    assert first == verify(before, after, X, y, random_state=0)
    assert first.low != verify(before, after, X, y, random_state=1).low
    states = [np.random.RandomState(5), np.random.RandomState(5)]
    again = [verify(before, after, X, y, random_state=state) for state in states]
    assert again[0] == again[1] != first


def test_resamples_that_lack_a_class_are_counted():
    before, after, X, y = iris()
    rows = np.r_[np.flatnonzero(y == "setosa")[:2], np.flatnonzero(y != "setosa")]
    found = verify(before, after, X[rows], y[rows])
    defined = int(found.method.split()[2])
    assert 1500 < defined < 2000  # (1 - 2/52)^52 = .13 of them lack setosa
    assert found.method.partition("; ")[0] == f"paired bootstrap, {defined} of 2000 resamples"
    assert (found.verdict, found.rows_needed) == ("undecided", None)
    assert "only 2 rows of the rarer class: too few for a verdict)" in found.to_text()


# ----------------------------------------------------------------------------- any two models


def test_the_same_model_twice_is_not_worse():
    for models in (numeric, iris, diabetes):
        before, _, X, y = models()
        found = verify(before, before, X[:9:2], y[:9:2], scoring=None if models is diabetes else
                       "accuracy", margin=1e-6)  # fmt: skip
        assert (found.difference, found.low, found.high) == (0, 0, 0)
        assert (found.verdict, found.rows_needed) == ("non-inferior", None)
    before, _, X, y = numeric()
    assert verify(before, before, X, y, margin=1e-6).verdict == "non-inferior"


def test_a_stump_is_worse_and_the_grown_tree_is_not():
    before, _, X, y = numeric()
    worse = verify(before, prune(before, max_size=1), X, y)
    assert (worse.verdict, worse.after, worse.rows_needed) == ("worse", 0.5, None)
    assert verify(prune(before, max_size=1), before, X, y).verdict == "non-inferior"


def test_any_two_models_on_raw_columns():
    grown, _, X, y = german()
    data = load_german_credit()
    train = np.arange(len(data.data)) % 10 < 7
    table, target = data.data[train], data.target[train]
    numbers = list(X.select_dtypes("number").columns)
    networks = make_pipeline(StandardScaler(), MLPClassifier((5,), max_iter=40, random_state=0))
    with pytest.warns(sklearn.exceptions.ConvergenceWarning):
        networks.fit(table[numbers], target)
    models = [
        networks,
        LGBMClassifier(n_estimators=5, verbose=-1).fit(table[X.columns], target),
        RandomForestClassifier(10, random_state=0).fit(table[numbers], target),
        make_pipeline(StandardScaler(), LinearSVC()).fit(table[numbers[::-1]], target),
    ]
    for model in models:
        found = verify(grown, model, X, y)
        columns = list(getattr(model, "feature_names_in_", X.columns))
        ask = getattr(model, "decision_function", None)
        score = ask(X[columns]) if ask else model.predict_proba(X[columns])[:, 1]
        assert found.after == pytest.approx(roc_auc_score(y, score), abs=1e-12)
        back = verify(model, grown, X, y)
        assert back.difference == pytest.approx(-found.difference, abs=1e-12)
        assert back.low == pytest.approx(-found.high, abs=1e-12)


def test_columns_are_found_under_the_names_that_lightgbm_writes():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 3)), columns=["a b", "c", "d"])
    y = (frame["a b"] + rng.normal(size=200) > 0).astype(int)
    booster = LGBMClassifier(n_estimators=5, verbose=-1).fit(frame[["a b", "c"]][:100], y[:100])
    tree = DecisionTreeClassifier(max_depth=3).fit(frame[:100], y[:100])
    found = verify(tree, booster, frame[100:], y[100:])
    expected = roc_auc_score(y[100:], booster.predict_proba(frame[["a b", "c"]][100:])[:, 1])
    assert found.after == pytest.approx(expected, abs=1e-12)


def test_rows_may_be_sparse_lists_or_polars():
    polars = pytest.importorskip("polars")
    before, after, X, y = numeric()
    found = verify(before, after, X, y)
    assert verify(before, after, sparse.csr_matrix(X), y) == found
    assert verify(before, after, X.tolist(), y.tolist()) == found
    assert verify(before, after, X, y[:, None]) == found
    names = [f"x{j}" for j in range(X.shape[1])]
    frame = polars.DataFrame(X, schema=names)
    named = [type(m)(**m.get_params()).fit(pd.DataFrame(X, columns=names), y)
             for m in (before, after)]  # fmt: skip
    own = verify(*named, frame, polars.Series(y), scoring=own_score, n_resamples=200)
    assert own.before == own_score(named[0], frame, y)
    assert verify(*named, frame, y) == verify(*named, pd.DataFrame(X, columns=names), y)


@pytest.mark.parametrize("labels", [("good", "bad"), (False, True), (1.0, 2.0), (-1, 1)])
def test_labels_may_be_anything_and_the_second_class_is_the_positive_one(labels):
    _, _, X, y = numeric()
    named = np.array(labels)[y]
    before = DecisionTreeClassifier(max_depth=6, random_state=0).fit(X[:200], named[:200])
    after = GaussianNB().fit(X[:200], named[:200])
    found = verify(before, after, X[200:], pd.Series(named[200:]).astype(object))
    is_positive = named[200:] == before.classes_[1]
    expected = roc_auc_score(is_positive, after.predict_proba(X[200:])[:, 1])
    assert found.after == pytest.approx(expected, abs=1e-12)
    accuracy = verify(before, after, X[200:], pd.Categorical(named[200:]), scoring="accuracy")
    assert accuracy.after == pytest.approx(after.score(X[200:], named[200:]), abs=1e-12)


class Counted(ClassifierMixin, BaseEstimator):
    """Says P = x and counts how often it is asked."""

    def __init__(self, power=1.0):
        self.power = power
        self.asked = 0
        self.classes_ = np.array([0, 1])

    def fit(self, X, y):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, X):
        self.asked += 1
        p = np.asarray(X)[:, 0] ** self.power
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return (self.predict_proba(X)[:, 1] > 0.5).astype(int)


class Shuffled(Counted):
    """As Counted, but the order within both halves is another."""

    def predict_proba(self, X):
        self.asked += 1
        p = np.asarray(X)[:, 0]
        p = np.where(p > 0.5, 1 - (p - 0.75) ** 2, (p - 0.1) ** 2)
        return np.column_stack([1 - p, p])


class Fixed(ClassifierMixin, BaseEstimator):
    """Decides every row as it is told, with some probability."""

    def __init__(self, labels, p=0.2):
        self.labels, self.p, self.classes_ = labels, p, np.array([0, 1])

    def predict(self, X):
        return self.labels

    def predict_proba(self, X):
        return np.tile([1 - self.p, self.p], (len(X), 1))


def test_models_are_asked_once_and_own_scorers_at_most_500_times():
    rng = np.random.default_rng(0)
    X = rng.random((60, 1))
    y = (rng.random(60) < X[:, 0]).astype(int)
    for scoring in (None, "accuracy", "neg_log_loss", "average_precision", "f1"):
        before, after = Counted(), Counted(2.0)
        verify(before, after, X, y, scoring=scoring, n_resamples=300)
        assert before.asked == after.asked == 1, scoring
    before, after = Counted(), Counted(2.0)
    found = verify(before, after, X, y, scoring=own_score)
    assert found.method == "paired bootstrap, 500 resamples"
    assert before.asked == after.asked == 502  # the rows as they are are asked twice
    assert found.scoring == "own_score"


# ----------------------------------------------------------------------------- no spread at all


@pytest.mark.parametrize("n", [5, 20, 298, 299, 2000])
def test_two_models_that_separate_few_rows_prove_little(n):
    """None of n positives is misplaced: at 95 % a share of 1 - .05^(1/n) might be."""
    is_positive = np.arange(n + 3000) >= 3000
    before = np.arange(n + 3000.0)
    after = np.where(is_positive, 9999.0, -before)
    found = compare_areas(is_positive, before, after, margin=0.01)
    limit = stats.binomtest(0, n).proportion_ci(0.90, "exact").high
    assert found.high == pytest.approx(limit, abs=1e-12)
    assert found.low == pytest.approx(-limit, abs=1e-12)
    assert found.method.partition("; ")[0] == "paired DeLong, rule of three"
    assert ("approximate" in found.method) == (n < 30)
    assert found.verdict == ("non-inferior" if n >= 299 else "undecided")
    if n < 299:
        assert round(found.rows_needed * n / (n + 3000)) == pytest.approx(299, abs=1)


def test_a_misplaced_share_up_to_the_margin_is_never_passed_too_often():
    # The worst case of an area of 1 - margin: a share of the positives is below all negatives.
    rng = np.random.default_rng(0)
    passed = 0
    for _ in range(400):
        n = 150
        is_positive = np.arange(n) < 60
        score = np.where(is_positive, 1.0, 0.0) + rng.random(n) / 2
        after = np.where(is_positive & (rng.random(n) < 0.01), -1.0, score + rng.random(n) / 3)
        passed += compare_areas(is_positive, score, after, margin=0.01).verdict == "non-inferior"
    assert passed / 400 < 0.08


def test_several_classes_that_are_all_right():
    X = np.repeat(np.eye(3), 6, axis=0)
    y = np.repeat([0, 1, 2], 6)
    before = GaussianNB().fit(X, y)
    after = LogisticRegression().fit(X + np.arange(18)[:, None] / 100, y)
    held_out = X + np.random.default_rng(0).normal(scale=0.02, size=X.shape)
    found = verify(before, after, held_out, y, n_resamples=500)
    assert (found.difference, found.verdict) == (0, "undecided")
    assert found.method.partition("; ")[0].endswith("resamples, rule of three")
    assert found.method.endswith("; only 6 rows of the rarer class: approximate")
    assert found.rows_needed == pytest.approx(3 * 299, abs=3)
    log_loss = verify(before, after, held_out, y, scoring="neg_log_loss")
    assert "rule of three" not in log_loss.method


@pytest.mark.parametrize("n", [20, 298, 299, 900])
@pytest.mark.parametrize("better", [0, 1])
def test_rows_decided_alike_prove_little_of_different_models(n, better):
    X = np.linspace(0, 1, n)[:, None]
    y = (X[:, 0] > 0.5).astype(int)
    before, after = Counted(), Counted(1.001)
    if better:
        y[np.searchsorted(X[:, 0], 0.5, side="right")] = 0  # a row just above .5^(1/1.001)
    same = verify(before, Counted(), X, y, scoring="accuracy")
    assert (same.verdict, same.low) == ("non-inferior", 0)
    found = verify(before, after, X, y, scoring="accuracy")
    assert found.method == "paired score interval (Tango 1998), rule of three"
    unmet = 1 - 0.05 ** (1 / n)
    by_three = found.difference - unmet * (1 + found.difference)
    assert found.low == pytest.approx(min(by_three, tango(better, 0, n)[0]))
    assert found.verdict == ("non-inferior" if found.low > -0.01 else "undecided")
    if found.verdict == "undecided":
        share = (found.difference + 0.01) / (1 + found.difference)
        by_three = int(np.log(0.05) / np.log(1 - share)) + 1
        assert found.rows_needed >= by_three >= n or better
        assert found.rows_needed >= n


@pytest.mark.parametrize("scoring", [*TABLE, "accuracy", "recall", "average_precision",
                                     "neg_log_loss", "roc_auc", own_score],
                         ids=laws.said)  # fmt: skip
def test_two_perfect_classifiers_on_forty_rows_prove_little(scoring):
    X = np.r_[np.linspace(0, 0.2, 20), np.linspace(0.8, 1, 20)][:, None]
    y = np.arange(40) // 20
    if scoring == "neg_log_loss":  # the true class has P = 1 up to rounding, of both
        before, after = Fixed(y, 1.0), Fixed(y, 1 - 1e-17)
        X, y = X[20:], y[20:]
        before.labels = after.labels = y
        after.predict = lambda X: 1 - y  # and yet they differ
    elif scoring is own_score:
        before, after = Counted(), Counted(0.9)
    else:
        X = X[np.random.default_rng(0).permutation(20).tolist() + list(range(20, 40))]
        before, after = Counted(), Shuffled(2.0)
    found = verify(before, after, X, y, scoring=scoring, n_resamples=200)
    assert (found.difference, found.verdict) == (0, "undecided")
    text = found.to_text()
    assert ("rule of three" in text) != ("no row tells the two models apart)." in text)
    same = verify(before, before, X, y, scoring=scoring, n_resamples=200)
    assert (same.verdict, same.difference, same.low, same.high) == ("non-inferior", 0, 0, 0)
    rounded = verify(Counted(), Counted(1 + 1e-12), X, y, scoring=scoring, n_resamples=200)
    assert rounded.verdict == "non-inferior"


@pytest.mark.parametrize("n", [1, 2, 9, 10])
def test_a_handful_of_rows_has_no_verdict(n):
    before, after, X, y = diabetes()
    for scoring in ("r2", "neg_mean_squared_error"):
        if (n, scoring) == (1, "r2"):
            continue
        found = verify(before, after, X[:n] + 0, y[:n], scoring=scoring, margin=1e-9)
        assert ("too few" in found.method) == (n < 10)
        if n < 10:
            assert (found.verdict, found.rows_needed) == ("undecided", None)
    X = np.linspace(0.1, 0.45, n)[:, None]
    for scoring in ("neg_log_loss", "accuracy", own_score):
        found = verify(Counted(), Counted(0.05), X, np.zeros(n, int), scoring=scoring)
        assert found.verdict == ("worse" if n == 10 else "undecided")
    assert verify(Counted(), Counted(), X, np.zeros(n, int), scoring="accuracy").verdict == (
        "non-inferior"
    )
    one = verify(Counted(), Counted(0.05), X[:1], [0], scoring="neg_log_loss")
    assert "resamples, 1 row; only 1 row: too few for a verdict)." in one.to_text()


def test_a_row_that_was_not_met_may_weigh_most():
    X = np.linspace(0, 1, 400)[:, None]
    y = (X[:, 0] > 0.5).astype(int)
    weight = np.where(np.arange(400) < 4, 10.0, 1.0)
    found = verify(Counted(), Counted(1.001), X, y, scoring="accuracy", sample_weight=weight)
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 43))  # 436 / 10
    assert found.verdict == "undecided"


def test_accuracy_lost_up_to_the_margin_is_not_passed_too_often():
    rng = np.random.default_rng(0)
    passed = {20: 0, 150: 0, 600: 0}
    for n in passed:
        for seed in range(200):
            X = rng.random((n, 1))
            flipped = rng.random(n) < 0.02
            before, after = Fixed(np.zeros(n, int)), Fixed(flipped.astype(int), 0.3)
            y = (flipped & (rng.random(n) < 0.25)).astype(int)  # .005 mended, .015 spoiled
            found = verify(before, after, X, y, scoring="accuracy", n_resamples=200,
                           random_state=seed)  # fmt: skip
            passed[n] += found.verdict == "non-inferior"
    assert all(share / 200 < 0.09 for share in passed.values()), passed


# ----------------------------------------------------------------------------- what is said


def said(verdict, **changes):
    fields = {"before": 0.74, "after": 0.742, "difference": 0.002, "low": -0.006, "high": 0.01,
              "margin": 0.01, "verdict": verdict, "rows_needed": None, "n_rows": 1250,
              "scoring": "roc_auc", "method": "paired DeLong", "level": 0.95}  # fmt: skip
    return Verification(**{**fields, **changes})


def test_one_sentence_for_each_answer():
    assert said("non-inferior").to_text() == (
        "After is not worse than before by more than .01 ROC AUC: difference +.002, 95 % "
        "one-sided bound -.006 (paired DeLong, 1,250 rows)."
    )
    beyond = said("worse", difference=-0.04, low=-0.068, high=-0.0102)
    assert beyond.to_text() == (
        "After is worse than before by more than .01 ROC AUC: difference -.0400, 95 % one-sided "
        "bound -.0102 (paired DeLong, 1,250 rows)."
    )
    worse = said("worse", difference=-0.04, low=-0.068, high=-0.008, level=0.975, scoring="r2")
    assert worse.to_text() == (
        "After is worse than before in R², and a loss of more than .01 is not excluded: "
        "difference -.040, 97.5 % one-sided bounds -.068 and -.008 (paired DeLong, 1,250 rows)."
    )
    undecided = said("undecided", difference=-0.001, low=-0.02, high=0.018, rows_needed=1843,
                     scoring="neg_log_loss")  # fmt: skip
    assert undecided.to_text() == (
        "Undecided whether after is worse than before by more than .01 negated log loss: "
        "difference -.001, 95 % one-sided bounds -.020 and +.018 (paired DeLong, 1,250 rows); "
        "about 1,900 rows of this kind would decide if difference and spread stayed the same."
    )
    assert "no number of rows that can be had" in said("undecided", low=-1.0).to_text()


@pytest.mark.parametrize(
    "low, margin, shown",
    [
        (-0.00999, 0.01, "-.00999"),  # not -.010, which would not exclude the margin
        (-0.0061, 0.01, "-.006"),
        (-0.000051, 0.0002, "-.00005"),
        (-1234.5, 2000.0, "-1234"),
        (0.0, 0.01, ".000"),
    ],
)
def test_figures_have_the_digits_that_the_answer_needs(low, margin, shown):
    text = said("non-inferior", low=low, margin=margin, high=abs(low) + margin).to_text()
    assert f"one-sided bound {shown} (" in text


def test_a_verification_is_plain_and_frozen():
    before, after, X, y = numeric()
    found = verify(before, after, X, y)
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert Verification(**told) == found
    assert told["difference"] == told["after"] - told["before"]
    assert pickle.loads(pickle.dumps(found)) == found
    assert repr(found).startswith(f"Verification({found.verdict}: roc_auc .")
    assert "300 rows" in repr(found)
    with pytest.raises(FrozenInstanceError):
        found.verdict = "non-inferior"


# ----------------------------------------------------------------------------- refusals


class Nan(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.where(np.arange(len(X)) == 2, np.nan, 1.0)


class NoPredict:
    pass


def refused(error, match, models=numeric, before=None, after=None, X=None, y=None, **options):
    first, second, rows, target = models()
    X, y = rows if X is None else X, target if y is None else y
    with pytest.raises(error, match=match):
        verify(before or first, after or second, X, y, **options)


@pytest.mark.parametrize("margin", [0, -0.01, np.nan, np.inf, "0.01", None])
def test_margins_are_positive_numbers(margin):
    refused(ValueError, "margin is the loss", margin=margin)


@pytest.mark.parametrize(
    "options, match",
    [
        ({"level": 0.5}, "between 0.5 and 1"),
        ({"level": 1.0}, "between 0.5 and 1"),
        ({"level": np.nan}, "between 0.5 and 1"),
        ({"n_resamples": 99}, "100 or more"),
        ({"level": 0.999}, "5000 or more"),
        ({"n_resamples": 200.5}, "whole number"),
        ({"random_state": "seed"}, "cannot be used to seed"),
        ({"scoring": "magic"}, "magic"),
        ({"scoring": ["roc_auc"]}, "one scikit-learn scorer"),
        ({"scoring": roc_auc_score}, "make_scorer|metric"),
        ({"scoring": "f1", "sample_weight": np.ones(300)}, "possible with weights are roc_auc"),
        ({"sample_weight": -np.ones(300)}, "[Nn]egative"),
        ({"sample_weight": np.zeros(300)}, "all 300 sample weights are zero"),
        ({"sample_weight": np.ones(3)}, "3"),
    ],
)
def test_bad_options_are_refused(options, match):
    refused(ValueError, match, **options)


def test_bad_rows_are_refused():
    _, _, X, y = numeric()
    refused(ValueError, "no row", X=X[:0], y=y[:0])
    refused(ValueError, "inconsistent", y=y[:-1])
    refused(ValueError, "fitted on 7 columns, X has 3", X=X[:, :3])
    refused(ValueError, r"0 rows of class 1 among \d+; ROC AUC", X=X[y == 0], y=y[y == 0])
    rows = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:1]]
    refused(ValueError, "1 row of class 1", X=X[rows], y=y[rows])
    refused(ValueError, "y is missing in 1 of 300", y=np.r_[np.nan, y[1:]])
    refused(ValueError, "y holds 7", y=np.r_[7, y[1:]])
    refused(ValueError, "y holds 'no'", y=np.where(y == 1, "yes", "no"))
    refused(ValueError, "one column", y=np.column_stack([y, y]))
    grown, linear, frame, target = german()
    refused(ValueError, r"lacks the columns \['duration_months'\], which before", models=german,
            X=frame.drop(columns="duration_months"))  # fmt: skip
    assert verify(grown, linear, frame[frame.columns[::-1]], target) == verify(
        grown, linear, frame, target
    )
    refused(ValueError, "R² is not defined", models=diabetes, y=np.ones(221))
    refused(ValueError, "infinity", models=diabetes, y=np.r_[np.inf, np.ones(220)])
    refused(ValueError, "give numbers", models=diabetes, y=np.array(["a"] * 221))


def test_models_that_cannot_be_compared_are_refused():
    _, _, X, y = numeric()
    regressor = DecisionTreeRegressor(max_depth=2).fit(X, y)
    refused(ValueError, "before is a classifier, after is a regressor", after=regressor)
    refused(ValueError, "before is a regressor, after is a classifier", before=regressor)
    other = DecisionTreeClassifier(max_depth=2).fit(X, y + 1)
    refused(ValueError, r"before has the classes \[0, 1\], after has \[1, 2\]", after=other)
    refused(NotFittedError, "not fitted", after=DecisionTreeClassifier())
    refused(UnsupportedModelError, "after is a NoPredict without predict", after=NoPredict())
    refused(UnsupportedModelError, "without predict", before=StandardScaler().fit(X))
    refused(UnsupportedModelError, "without predict", before=DecisionTreeClassifier)
    several = DecisionTreeClassifier(max_depth=2).fit(X, np.column_stack([y, y]))
    refused(UnsupportedModelError, "after .a DecisionTreeClassifier. has several", after=several)
    machine = make_pipeline(StandardScaler(), LinearSVC()).fit(X, y)
    refused(UnsupportedModelError, "no predict_proba", after=machine, scoring="neg_log_loss")
    refused(ValueError, "not finite for 1 of 221 rows", models=diabetes, after=Nan().fit(0, 0))
    two = LinearRegression().fit(diabetes()[2], np.column_stack([diabetes()[3]] * 2))
    refused(UnsupportedModelError, "shape .221, 2.", models=diabetes, after=two)
    refused(ValueError, "roc_auc_ovr", models=iris, scoring="roc_auc")
    one = DecisionTreeClassifier().fit(X, np.zeros(len(X), int))
    refused(ValueError, "know one class, 0", before=one, after=one, y=np.zeros(len(X), int))


def test_a_score_that_is_hardly_ever_defined_is_refused():
    _, _, X, y = numeric()

    def picky(model, X, y):
        if len(np.unique(X, axis=0)) < len(X):
            raise ValueError("rows must differ")
        return 0.5

    rows = np.unique(X, axis=0, return_index=True)[1]
    refused(ValueError, "picky is 0.5 before and 0.5 after .* defined on 0 of 500 resamples",
            X=X[rows], y=y[rows], scoring=picky)  # fmt: skip

    def broken(model, X, y):
        raise ValueError("what is wrong is said")

    refused(ValueError, "what is wrong is said", scoring=broken)


def test_nothing_is_changed():
    grown, linear, X, y = german()
    before = pickle.dumps((grown, linear, X, y))
    weight = np.ones(len(y))
    verify(grown, linear, X, y, sample_weight=weight, scoring="accuracy")
    assert pickle.dumps((grown, linear, X, y)) == before
    assert (weight == 1).all()
