"""Quality of explanations: by hand, against its twin, and of rankings known to be bad."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import naive_quality
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune.datasets import load_german_credit
from treeprune.explain.attributions import attribute, to_shap
from treeprune.explain.fidelity import Fidelity
from treeprune.explain.interpretability import quality
from treeprune.explain.interpretability.blocks import Blocks
from treeprune.explain.interpretability.measure import BACKGROUND, FEW_BACKGROUND, Reference
from treeprune.explain.interpretability.quality import Quality, explanation_quality
from treeprune.explain.view import row, view_of

FIGURES = naive_quality.FIGURES


def reference_of(X, weight=None, seed=0):
    return Reference.of(X, np.ones(len(X)) if weight is None else np.asarray(weight), seed)


def measured(model, X, *, weight=None, seed=0, **options):
    """Quality of a fitted model's explanations on these rows."""
    view = view_of(model, X, readable=False)
    return explanation_quality(view, reference_of(X, weight, seed), **options)


def figures(found):
    """Everything that was measured, as one array."""
    frame = found.to_frame()
    return np.array([*frame.to_numpy().ravel(), found.fidelity, found.n_rows, found.n_columns])


def same(first, second):
    np.testing.assert_allclose(figures(first), figures(second), atol=1e-9)


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return DecisionTreeClassifier(max_leaf_nodes=10, random_state=0).fit(X, y), X, y


@pytest.fixture(scope="module")
def credit():
    data = load_german_credit()
    return data.data, data.target


def encoded(model, scaled=True):
    text = make_column_selector(dtype_exclude="number")
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    rest = StandardScaler() if scaled else "passthrough"
    return make_pipeline(make_column_transformer((one_hot, text), remainder=rest), model)


# --- by hand -------------------------------------------------------------------------------------

LINE = Blocks(
    np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 2.0]]),
    np.arange(3),
    3,
    lambda M: M @ np.array([[4.0, 0.0], [2.0, -2.0], [1.0, 0.0]]),
)
ORDERS = ([0, 1, 2], [2, 1, 0], [1, 0, 2])


def test_areas_of_a_linear_function():
    # Columns of row 1 take 4, 2 and 1 from the first score of row 0, those of row 2 4, 0 and -1: on
    # average 4, 1 and 0. The second score is moved by the second column only, by -1 on average.
    orders = np.array(ORDERS)[:, None, :]
    pairs = np.array([0]), np.array([[1, 2]])
    areas, full = quality._areas(LINE, LINE.scores(), np.arange(3), orders, pairs)
    first = np.array([(4 + 5) / 2, (0 + 1) / 2, (1 + 5) / 2])
    second = np.array([(0 + 1) / 2, (0 + 1) / 2, (1 + 1) / 2])
    np.testing.assert_allclose(areas[:, 0], first + second)
    np.testing.assert_allclose(full, [5 + 1])


def test_figures_from_areas():
    # Own 5, inverse 2, shuffled 5, global 4, random 4; by chance (5 + 2) / 2; all columns: 7.
    one = np.array([[5.0], [2.0], [5.0], [4.0], [4.0], [5.0], [2.0]])
    areas, full = np.hstack([one, one]), np.array([7.0, 7.0])
    values, intervals, note = quality._figures(
        areas, full, np.ones(2), 10, 0.9, np.random.default_rng(0)
    )
    expected = {
        "skill": 1.5 / 3.5,
        "local_skill": 1 / 3.5,
        "random": 0.5 / 3.5,
        "inverse": -1.5 / 3.5,
        "shuffled": 1.5 / 3.5,
        "global": 0.5 / 3.5,
    }
    assert values == pytest.approx(expected)
    assert intervals == {name: pytest.approx((v, v)) for name, v in expected.items()}
    assert note == ""


def test_rows_are_weighed_in_sums():
    one = np.array([[4.0, 2.0]] + [[0.0, 0.0]] * 6)
    values, intervals, _ = quality._figures(
        one, np.array([4.0, 8.0]), np.array([3.0, 1.0]), 200, 0.99, np.random.default_rng(0)
    )
    assert values["skill"] == pytest.approx((3 * 4 + 2) / (3 * 4 + 8))
    assert intervals["skill"] == pytest.approx((2 / 8, 4 / 4))  # only the second, only the first


def test_local_skill_is_of_pairs():
    # Rows differ widely in how far they move, but each has 1 more than by the ranking for all.
    own, chance = np.array([2.0, 20.0, 11.0]), np.zeros(3)
    areas = np.array([own, chance, chance, own - 1, chance, chance])
    values, intervals, _ = quality._figures(
        areas, np.full(3, 10.0), np.ones(3), 100, 0.95, np.random.default_rng(0)
    )
    assert values["local_skill"] == pytest.approx(0.1)
    assert values["local_skill"] == pytest.approx(values["skill"] - values["global"])
    assert intervals["local_skill"] == pytest.approx((0.1, 0.1))
    assert np.diff(intervals["skill"]) > 0.5


def test_a_plain_sum_of_two_columns():
    # 2 a + b of the rows (0, 0) and (1, 1): a moves it by 2, b by 1, both by 3. By chance 1.5.
    X = pd.DataFrame({"a": [0.0, 1.0], "b": [0.0, 1.0]})
    whole = pd.DataFrame({"a": [0.0, 1.0, 0.0, 1.0], "b": [0.0, 1.0, 1.0, 0.0]})
    model = LinearRegression().fit(whole, 2 * whole["a"] + whole["b"])
    found = measured(model, X, n_orders=5000, n_background=20)
    assert found.skill == pytest.approx(0.5 / 1.5, abs=0.01)
    assert found.controls["inverse"] == pytest.approx(-0.5 / 1.5, abs=0.01)
    assert found.controls["shuffled"] == found.controls["global"] == found.skill
    assert found.local_skill == 0.0 and found.intervals["local_skill"] == (0.0, 0.0)
    assert (found.n_rows, found.n_columns) == (2, 2)


# --- against the twin ----------------------------------------------------------------------------


@st.composite
def situations(draw):
    """Rows with few values, weights, and a model of any number of scores."""
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    n, p = draw(st.integers(3, 14)), draw(st.integers(1, 5))
    X = rng.integers(0, 4, (n, p)).astype(float)
    kind = draw(st.sampled_from(["classes", "number", "numbers", "sum"]))
    if kind != "sum" and draw(st.booleans()):
        X[rng.random(X.shape) < 0.15] = np.nan
    weight = rng.integers(0, 3, n).astype(float) if draw(st.booleans()) else np.ones(n)
    weight[:2] = 1.0
    if kind == "classes":
        y = rng.integers(0, 3, n)
        y[:2] = [0, 1]
        model = DecisionTreeClassifier(random_state=0).fit(X, y)
        return model, X, weight, seed, model.predict_proba
    if kind == "sum":
        model = LinearRegression().fit(X, rng.normal(size=n))
        return model, X, weight, seed, lambda Z: model.predict(Z)[:, None]
    y = rng.normal(size=(n, 2) if kind == "numbers" else n).round(1)
    model = DecisionTreeRegressor(random_state=0).fit(X, y)
    return model, X, weight, seed, lambda Z: model.predict(Z).reshape(len(Z), -1)


@given(situations(), st.integers(1, 9), st.sampled_from([None, 2, 3]))
@settings(max_examples=30)
def test_equals_the_twin(situation, n_rows, dimensions):
    model, X, weight, seed, ask = situation
    view, reference = view_of(model, X, readable=False), reference_of(X, weight, seed)
    rows = reference.inside(n_rows)
    own = attribute(
        view, X[rows], game="interventional", background=reference.background(BACKGROUND)
    ).values
    judged, other = own, None
    if dimensions is not None:  # few values, so that there are ties
        shape = own.shape if dimensions == 3 else own.shape[:2]
        other = np.random.default_rng(seed).integers(-2, 3, shape).astype(float)
        judged = other.reshape(*own.shape[:2], -1)
    options = {"n_rows": n_rows, "n_background": 3, "n_orders": 2, "n_draws": 20, "level": 0.8}
    found = explanation_quality(view, reference, attributions=other, **options)
    expected, n_columns = naive_quality.explanation_quality(
        ask,
        X,
        own,
        judged,
        [column.name for column in view.feature_map.columns],
        seed=seed,
        order=reference.order,
        weight=weight,
        **options,
    )
    assert (found.n_rows, found.n_columns) == (len(rows), n_columns)
    told = found.to_frame()
    assert list(told.index) == list(FIGURES)
    np.testing.assert_allclose(told.to_numpy(), [expected[name] for name in FIGURES], atol=1e-8)


@pytest.mark.parametrize("k", [63, 64, 65, 90])
def test_many_columns_at_evenly_spread_cuts(k):
    rng = np.random.default_rng(k)
    X = rng.integers(0, 2, (6, k + 2)).astype(float)
    used = rng.permutation(k + 2)[:k]
    slope = rng.normal(size=(k + 2, 2))
    blocks = Blocks(X, np.arange(k + 2), k + 2, lambda M: np.maximum(M @ slope, 0))
    orders = np.argsort(rng.random((7, 2, k)), axis=2)
    pairs = np.array([0, 3]), np.array([[1, 2], [0, 5]])
    areas, _ = quality._areas(blocks, blocks.scores(), used, orders, pairs)
    cuts = [1 + (2 * s + 1) * (k - 1) // 40 for s in range(20)]  # middles of 20 equal parts
    assert cuts[0] - 1 == k - 1 - cuts[-1] and len(set(cuts)) == 20
    for r in range(7):
        for at in range(2):
            row_, donors = X[pairs[0][at]], X[pairs[1][at]]
            ranking = used[orders[r, at]]
            moved = [naive_quality.change(blocks.evaluate, row_, donors, ranking[:m]) for m in cuts]
            assert areas[r, at] == pytest.approx(np.mean(moved))


def test_a_mixture_is_asked_once():
    asked = []

    def ask(M):
        asked.append(M.copy())
        return M @ np.array([[4.0], [2.0], [1.0]])

    X = np.array([[1.0, 1.0, np.nan], [0.0, 1.0, np.nan], [0.0, 0.0, 0.0]])
    blocks = Blocks(X, np.arange(3), 3, lambda M: ask(np.nan_to_num(M)))
    orders = np.argsort(np.random.default_rng(0).random((50, 1, 3)), axis=2)
    pairs = np.array([0]), np.array([[1, 2]])
    quality._areas(blocks, np.array([[6.0], [2.0], [0.0]]), np.arange(3), orders, pairs)
    # Row 1 differs in the first column only; of row 2 one or two columns are taken.
    assert sorted(len(M) for M in asked) == [2 + 6]


# --- rankings that are known to be good or bad ---------------------------------------------------


def small_tree(cancer):
    """A view of a tree that is measured quickly, and its rows."""
    _, X, y = cancer
    model = DecisionTreeClassifier(max_leaf_nodes=6, random_state=0).fit(X, y)
    return view_of(model, X, readable=False), X


def test_a_random_explainer_has_no_skill_and_the_inverse_less(cancer):
    view, X = small_tree(cancer)
    options = {"n_rows": 100, "n_background": 4, "n_orders": 4}
    hits, skills, n_seeds = {"skill": 0, "random": 0}, [], 60
    for seed in range(n_seeds):
        reference = reference_of(X, seed=seed)
        drawn = np.random.default_rng(1000 + seed).normal(size=(100, X.shape[1]))
        found = explanation_quality(view, reference, attributions=drawn, **options)
        for name in hits:
            low, high = found.intervals[name]
            hits[name] += low <= 0 <= high
        skills.append(found.skill)
        if seed % 10 == 0:
            own = explanation_quality(view, reference, **options)
            assert own.intervals["inverse"][1] < 0 < own.intervals["skill"][0]
    assert min(hits.values()) >= 0.9 * n_seeds
    assert abs(np.mean(skills)) < 3 * np.std(skills) / np.sqrt(n_seeds)


def small_sum():
    """A view of a linear model that is measured quickly, and its rows."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    return view_of(LinearRegression().fit(X, y), X, readable=False), X


@pytest.mark.parametrize("kind", ["tree", "sum"])
def test_intervals_cover_what_all_rows_say(cancer, kind):
    view, X = small_tree(cancer) if kind == "tree" else small_sum()
    # Attributed against the same rows, so that the explanations to judge are the same.
    drawn = reference_of(X, seed=99).drawn

    def found(seed, **options):
        return explanation_quality(
            view, replace(reference_of(X, seed=seed), drawn=drawn), **options
        )

    several = [found(1000 + s, n_rows=len(X), n_orders=20, n_draws=2) for s in range(3)]
    hits, n_seeds = {"skill": 0, "local_skill": 0}, 40
    for seed in range(n_seeds):
        one = found(seed, n_orders=5)
        for name in hits:
            low, high = one.intervals[name]
            hits[name] += low <= np.mean([getattr(each, name) for each in several]) <= high
    assert min(hits.values()) >= 0.9 * n_seeds


def test_few_drawn_rows_make_skill_smaller():
    view, X = small_sum()
    few, some, many = (
        explanation_quality(view, reference_of(X), n_rows=len(X), n_background=n)
        for n in (1, 10, 50)
    )
    assert few.skill < some.skill < many.skill
    assert few.intervals["skill"][1] < many.intervals["skill"][0]


def in_order(found):
    """Own, another row's, a random and the inverse ranking are told apart, in this order."""
    low, high = found.intervals["random"]
    assert low - 0.05 <= 0 <= high + 0.05
    assert found.skill > found.controls["shuffled"] > found.controls["inverse"]
    assert found.intervals["skill"][0] > 0 > found.intervals["inverse"][1]
    assert found.controls["shuffled"] > found.controls["random"]
    assert found.intervals["skill"][0] <= found.skill <= found.intervals["skill"][1]
    assert found.local_skill == pytest.approx(found.skill - found.controls["global"])


def test_a_deep_tree_behind_one_hot_columns(credit):
    X, y = credit
    found = measured(encoded(DecisionTreeClassifier(random_state=0), scaled=False).fit(X, y), X)
    in_order(found)
    assert found.n_rows == 200 and 10 < found.n_columns <= X.shape[1]  # raw, not one-hot


def test_a_deep_tree_of_numbers(cancer):
    _, X, y = cancer
    found = measured(DecisionTreeClassifier(random_state=0).fit(X, y), X)
    in_order(found)
    assert found.intervals["local_skill"][0] > 0


def test_a_booster_with_categories(credit):
    from lightgbm import LGBMClassifier

    X, y = credit
    model = LGBMClassifier(n_estimators=20, random_state=0, verbose=-1, n_jobs=1).fit(X, y)
    in_order(measured(model, X, n_rows=100))


def test_a_network(credit):
    X, y = credit
    net = MLPClassifier((8,), max_iter=100, random_state=0, tol=1e-3)
    found = measured(encoded(net).fit(X, y), X)
    in_order(found)
    assert found.fidelity == 1.0


def test_a_linear_model(credit):
    X, y = credit
    model = encoded(LogisticRegression(max_iter=1000)).fit(X, y)
    found = measured(model, X)
    in_order(found)
    assert found.intervals["local_skill"][0] > 0
    linear = view_of(model, X, readable=False).network is not None
    assert found.fidelity == 1.0 if linear else math.isnan(found.fidelity)


def test_exact_attributions_of_a_linear_model_beat_one_ranking_for_all(cancer):
    _, X, y = cancer
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(X, y)
    found = measured(model, X)
    in_order(found)
    assert found.intervals["local_skill"][0] > 0
    view, X = small_sum()
    assert explanation_quality(view, reference_of(X)).intervals["local_skill"][0] > 0


def test_a_model_that_can_only_be_asked(cancer):
    _, X, y = cancer
    X = X.iloc[:, [0, 1, 7, 20, 21, 24, 27]]
    curve = CalibratedClassifierCV(SVC(), ensemble=False)
    model = make_pipeline(StandardScaler(), curve).fit(X[:150], y[:150])
    view, reference = view_of(model, X, readable=False), reference_of(X)
    options = {"n_background": 4, "n_orders": 4}
    found = explanation_quality(view, reference, **options)
    in_order(found)
    assert (found.n_rows, found.n_columns) == (quality.MOST_ASKED, 7)
    assert math.isnan(found.fidelity)
    # Attributions are given for all rows that were asked for, of which only some are looked at.
    rows = reference.inside(200)
    kept = np.isin(rows, reference.inside(quality.MOST_ASKED))
    own = attribute(
        view,
        X.iloc[rows[kept]],
        game="interventional",
        background=reference.background(FEW_BACKGROUND),
        random_state=0,
        runs=1,
    )
    drawn = np.random.default_rng(0).normal(size=(200, X.shape[1], 2))
    other = explanation_quality(view, reference, attributions=drawn, **options)
    assert other.n_rows == quality.MOST_ASKED and other.skill < found.skill / 2
    drawn[kept] = own.values
    same(explanation_quality(view, reference, attributions=drawn, **options), found)
    with pytest.raises(ValueError, match=r"\(60, 7\); possible are \(200, 7\)"):
        explanation_quality(view, reference, attributions=drawn[kept, :, 0])


def test_equal_columns_have_no_ranking_for_all_rows():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 5)), columns=list("abcde"))
    model = LinearRegression().fit(X, X.sum(axis=1))
    found = measured(model, X)
    low, high = found.intervals["global"]
    assert low <= 0 <= high
    low, high = found.intervals["shuffled"]
    assert low <= 0 <= high
    assert found.intervals["skill"][0] > 0.2
    assert found.local_skill == pytest.approx(found.skill, abs=0.1)


def test_the_same_column_twice_is_no_worse_than_by_chance():
    X = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0)})
    other = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 2)), columns=["a", "b"])
    model = LinearRegression().fit(other, other.sum(axis=1))
    found = measured(model, X)
    for value in (found.skill, *found.controls.values()):
        assert value == pytest.approx(0, abs=1e-9)


def test_a_worse_explainer_has_less_skill(cancer):
    model, X, _ = cancer
    view, reference = view_of(model, X, readable=False), reference_of(X)
    rows = row(X, reference.inside(200))
    own = attribute(
        view, rows, game="interventional", background=reference.background(BACKGROUND)
    ).values
    rng = np.random.default_rng(0)
    noise = rng.normal(size=own.shape[:2])[:, :, None] * np.abs(own).max()
    skills = [
        explanation_quality(view, reference, attributions=(1 - s) * own + s * noise).skill
        for s in (0.0, 0.1, 1.0)
    ]
    assert skills[0] > skills[1] > skills[2] + 0.1


# --- what must not matter ------------------------------------------------------------------------


def test_own_attributions_can_be_given(cancer):
    model, X, _ = cancer
    view, reference = view_of(model, X, readable=False), reference_of(X)
    rows = row(X, reference.inside(200))
    own = attribute(view, rows, game="interventional", background=reference.background(BACKGROUND))
    expected = explanation_quality(view, reference)
    for given_ in (own.values, -2 * own.values, to_shap(own, view, rows)):
        same(explanation_quality(view, reference, attributions=given_), expected)
    frame = pd.DataFrame(np.abs(own.values).sum(axis=2), columns=X.columns)
    same(explanation_quality(view, reference, attributions=frame), expected)


def test_a_seed_repeats_everything(cancer):
    model, X, _ = cancer
    first = measured(model, X, seed=3)
    assert first == measured(model, X, seed=3)
    assert first.skill != measured(model, X, seed=4).skill


def test_the_order_of_columns_does_not_matter(cancer):
    _, X, y = cancer
    net = make_pipeline(
        StandardScaler(), MLPClassifier((4,), max_iter=60, random_state=0, tol=0.01)
    )
    net.fit(X, y)
    turned = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=1, random_state=0))
    order = np.random.default_rng(0).permutation(X.shape[1])
    with pytest.warns(
        ConvergenceWarning, match="Maximum iterations"
    ):  # one step only, as its weights are replaced
        turned.fit(X.iloc[:, order], y)
    turned[-1].coefs_ = [net[-1].coefs_[0][order], net[-1].coefs_[1]]
    turned[-1].intercepts_ = net[-1].intercepts_
    expected = measured(net, X, n_rows=50)
    same(measured(turned, X.iloc[:, order], n_rows=50), expected)


def test_columns_that_are_not_used_do_not_matter(cancer):
    _, X, y = cancer
    keep = make_column_transformer(("passthrough", list(X.columns)))
    model = make_pipeline(keep, DecisionTreeClassifier(max_leaf_nodes=10, random_state=0))
    dead = np.random.default_rng(0).normal(size=(len(X), 30))
    more = pd.concat([pd.DataFrame(dead).add_prefix("a dead column "), X], axis=1)
    same(measured(model.fit(more, y), more), measured(model.fit(X, y), X))


def test_rounding_does_not_break_ties(cancer):
    model, X, _ = cancer
    rng = np.random.default_rng(0)
    few = rng.integers(0, 3, (200, X.shape[1])).astype(float)
    nearly = few * (1 + 1e-14 * rng.normal(size=few.shape))
    assert not np.array_equal(few, nearly)
    same(measured(model, X, attributions=nearly), measured(model, X, attributions=few))


def test_units_do_not_matter(cancer):
    _, X, y = cancer
    tree = DecisionTreeClassifier(max_leaf_nodes=10, random_state=0)
    same(measured(tree.fit(4 * X, y), 4 * X), measured(tree.fit(X, y), X))
    line = LinearRegression().fit(X.iloc[:, :4], X["area error"])
    large = LinearRegression().fit(X.iloc[:, :4], 1024 * X["area error"] + 7)
    same(measured(large, X.iloc[:, :4]), measured(line, X.iloc[:, :4]))


def test_kinds_of_tables_do_not_matter():
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = DecisionTreeClassifier(random_state=0).fit(X.to_numpy(), y)
    by_array = measured(model, X.to_numpy())
    named = DecisionTreeClassifier(random_state=0).fit(X, y)
    same(measured(named, X), by_array)
    same(measured(named, X.set_axis(np.arange(len(X))[::-1] * 7)), by_array)
    polars = DecisionTreeClassifier(random_state=0).fit(pl.DataFrame(X), y)
    same(measured(polars, pl.DataFrame(X)), by_array)


def test_rows_without_weight_do_not_matter(cancer):
    model, X, _ = cancer
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 3, len(X)).astype(float)
    has = weight > 0
    found = measured(model, X, weight=weight)
    same(found, measured(model, X[has], weight=weight[has]))
    same(found, measured(model, X, weight=5 * weight))
    assert not np.allclose(figures(found), figures(measured(model, X[has])))


def test_categories_and_missing_values_that_were_not_seen_at_fit(credit):
    X, y = credit
    known = X[X["purpose"] != X["purpose"].iloc[0]] if "purpose" in X else X.iloc[100:]
    model = encoded(DecisionTreeClassifier(max_leaf_nodes=20, random_state=0), scaled=False)
    in_order(measured(model.fit(known, y[known.index]), X, n_rows=100))


def test_missing_values():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X = X.mask(np.random.default_rng(0).random(X.shape) < 0.2)
    model = DecisionTreeRegressor(max_leaf_nodes=30, random_state=0).fit(X, y)
    found = measured(model, X)
    in_order(found)
    same(measured(model, X, n_rows=200), found)


# --- where it is not defined ---------------------------------------------------------------------


def undefined(found, reason):
    assert reason in found.note
    frame = found.to_frame()
    assert list(frame.index) == list(FIGURES) and frame.isna().all(axis=None)
    assert found.to_text().startswith("explanations: no skill (") and reason in found.to_text()
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["skill"] is None and plain["intervals"]["skill"] is None


def test_a_constant_model(cancer):
    _, X, y = cancer
    undefined(measured(DecisionTreeClassifier().fit(X, np.zeros(len(X))), X), "answers the same")
    X = X.iloc[:, :5]
    undefined(measured(DummyClassifier().fit(X, y), X), "answers the same")


def test_a_single_column(cancer):
    _, X, y = cancer
    found = measured(DecisionTreeClassifier(max_depth=1).fit(X, y), X)
    undefined(found, "one column")
    assert found.n_columns == 1 and found.fidelity == 1.0


def test_a_single_row(cancer):
    model, X, _ = cancer
    found = measured(model, X, n_rows=1)
    undefined(found, "one row")
    weight = np.zeros(len(X))
    weight[[3, 5]] = 1.0
    assert measured(model, X, weight=weight).n_rows == 2


def test_exchanging_all_moves_no_further():
    # Either column turns the answer, both together do not.
    X = pd.DataFrame({"a": [0, 0, 1, 1] * 20, "b": [0, 1, 0, 1] * 20})
    model = DecisionTreeClassifier(random_state=0).fit(X, X["a"] ^ X["b"])
    undefined(measured(model, X), "does not surely move the output further")


def test_a_ranking_for_all_rows_that_leaves_no_room():
    # One column moves the output far, the other hardly: no ranking of a row's own can add to that.
    X = pd.DataFrame({"a": [0.0, 1.0] * 20, "b": [0.0, 0.0, 1e-12, 1e-12] * 10})
    grid = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 2)), columns=["a", "b"])
    model = LinearRegression().fit(grid, grid["a"] + 10 * grid["b"])
    found = measured(model, X)
    assert found.skill == pytest.approx(1.0, abs=1e-6)
    assert found.local_skill == pytest.approx(0.0, abs=1e-6)
    assert found.intervals["local_skill"] == pytest.approx((0.0, 0.0), abs=1e-6)
    assert found.note == ""


# --- what is handed out, and refused -------------------------------------------------------------


def test_fidelity_is_that_of_the_surrogate(cancer):
    model, X, _ = cancer
    view = view_of(model, X, readable=False)
    read = replace(view, fidelity=Fidelity(0.75, 0.9, None, 100, 5))
    found = explanation_quality(read, reference_of(X))
    assert found.fidelity == 0.75
    assert "of a surrogate with R² .75 to the model" in found.to_text()
    assert explanation_quality(view, reference_of(X)).fidelity == 1.0


def test_what_is_handed_out(cancer):
    model, X, _ = cancer
    found = measured(model, X, level=0.8)
    frame = found.to_frame()
    assert list(frame.columns) == ["value", "low", "high"] and frame.index.name == "figure"
    assert frame.loc["skill", "value"] == found.skill
    assert tuple(frame.loc["global", ["low", "high"]]) == found.intervals["global"]
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["controls"] == found.controls and plain["level"] == 0.8
    assert plain["intervals"]["local_skill"] == list(found.intervals["local_skill"])
    lines = found.to_text().splitlines()
    assert len(lines) == 2 and "(200 rows, 7 columns)" in lines[0]
    wide = measured(model, X, level=0.99)
    assert wide.skill == found.skill
    assert wide.intervals["skill"][0] < found.intervals["skill"][0]
    with pytest.raises(AttributeError):
        found.skill = 1.0


@pytest.mark.parametrize(
    "value, text",
    [(0.634, ".63"), (-0.634, "-.63"), (-0.001, ".00"), (0.996, "1.00"), (10.05, "10.05")],
)
def test_numbers_in_a_text(value, text):
    assert quality._short(value) == text


def test_a_text_without_controls():
    found = Quality(0.5, 0.2, {}, {}, 1.0, 10, 3)
    assert found.to_text() == "explanations: skill .50, local skill .20 (10 rows, 3 columns)"


@pytest.mark.parametrize(
    "shape", [(200,), (199, 30), (200, 29), (200, 30, 1), (200, 30, 3), (30, 200), (1, 200, 30)]
)
def test_attributions_of_another_shape_are_refused(cancer, shape):
    model, X, _ = cancer
    with pytest.raises(ValueError, match=r"possible are \(200, 30\) and \(200, 30, 2\)"):
        measured(model, X, attributions=np.zeros(shape))


def test_attributions_that_are_not_finite_are_refused(cancer):
    model, X, _ = cancer
    drawn = np.zeros((200, 30))
    drawn[7, 3] = np.nan
    with pytest.raises(ValueError, match="row 7 are not finite"):
        measured(model, X, attributions=drawn)


@pytest.mark.parametrize(
    "option, value",
    [
        ("n_rows", 0),
        ("n_rows", 2.5),
        ("n_background", 0),
        ("n_orders", 0),
        ("n_draws", 1),
        ("level", 0.0),
        ("level", 1.0),
        ("level", 95),
    ],
)
def test_numbers_out_of_range_are_refused(cancer, option, value):
    model, X, _ = cancer
    with pytest.raises(ValueError, match=option):
        measured(model, X, **{option: value})
