"""Losses of raw scores: their derivatives by differences, and by what LightGBM makes of them."""

from __future__ import annotations

import lightgbm as lgb
import naive_ensembles as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import log_loss, mean_poisson_deviance

from treeprune import UnsupportedModelError, native
from treeprune.objectives import OBJECTIVES, Objective, objective_of

NAMES = sorted(set(OBJECTIVES.values()))


@st.composite
def losses(draw):
    """A loss on a few rows, and scores."""
    name = draw(st.sampled_from(NAMES))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n, k = draw(st.integers(1, 5)), draw(st.integers(2, 4))
    if name in ("logistic", "poisson"):
        k = 1
    code = rng.integers(0, k, n)
    target = {
        "squared_error": rng.normal(size=(n, k)),
        "logistic": rng.random((n, 1)),
        "poisson": rng.integers(0, 5, (n, 1)).astype(float),
    }.get(name, np.eye(k)[code])
    weight = rng.integers(0, 4, n) / 2
    weight[0] = 1.5
    score = rng.normal(scale=draw(st.sampled_from([0.5, 3.0])), size=(n, k))
    return Objective(name, target, weight), score


@given(losses())
def test_derivatives_are_those_of_the_mean(case):
    loss, score = case
    gradient, hessian = loss.derivatives(score)
    slope, curve = naive.numeric_derivatives(loss, score)
    scale = max(1.0, float(np.abs(hessian).max()))
    assert_allclose(gradient, slope, rtol=1e-5, atol=1e-5 * scale)
    # Of several classes the diagonal, times k / (k - 1): `test_lightgbm_…` says that it is theirs.
    factor = score.shape[1] / (score.shape[1] - 1) if loss.name == "softmax" else 1.0
    assert_allclose(hessian, curve * factor, rtol=1e-3, atol=1e-4 * scale)


@given(losses())
def test_no_constant_is_better_than_the_start(case):
    loss, score = case
    start = loss.start()
    assert start.shape == (score.shape[1],) and np.isfinite(start).all()
    flat = np.tile(start, (len(score), 1))
    for other in np.vstack([start + 0.01, start - 0.01, score]):
        assert loss.mean(flat) <= loss.mean(np.tile(other, (len(score), 1))) + 1e-12


@pytest.mark.parametrize("score", [-800.0, -40.0, 40.0, 800.0])
@pytest.mark.parametrize("name", ["logistic", "softmax", "ovr_logistic"])
def test_extreme_scores_overflow_nothing(name, score):
    target = np.array([[1.0]]) if name == "logistic" else np.array([[1.0, 0.0]])
    loss = Objective(name, target, np.ones(1))
    scores = np.full(target.shape, score)
    scores[:, 1:] = -score
    with np.errstate(all="raise", under="ignore"):
        gradient, hessian = loss.derivatives(scores)
        mean = loss.mean(scores)
    assert np.isfinite(mean) and mean >= 0
    assert (np.abs(gradient) <= 1).all()
    assert (hessian > 0).all() and (hessian <= 0.5).all()


def test_means_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    y, weight, score = rng.integers(0, 3, 50), rng.random(50), rng.normal(size=(50, 3))
    loss = Objective("softmax", np.eye(3)[y], weight)
    told = loss.respond(score)
    assert_allclose(loss.mean(score), log_loss(y, told, sample_weight=weight), rtol=1e-12)
    loss = Objective("poisson", y[:, None].astype(float), weight)
    a, b = score[:, :1], score[:, 1:2]
    deviances = [
        mean_poisson_deviance(y, loss.respond(s)[:, 0], sample_weight=weight) for s in (a, b)
    ]
    assert_allclose(2 * (loss.mean(a) - loss.mean(b)), deviances[0] - deviances[1], rtol=1e-10)


# --- what LightGBM makes of them -----------------------------------------------------------------

FIRST_ROUND = {
    "n_estimators": 1,
    "learning_rate": 1.0,
    "boost_from_average": False,  # scores start at zero
    "num_leaves": 6,
    "min_child_samples": 5,
    "min_child_weight": 0.0,
    "n_jobs": 1,
    "verbose": -1,
}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 3))
    signal = X[:, 0] - X[:, 1] + rng.normal(scale=0.5, size=300)
    return X, signal, rng.integers(0, 3, 300) / 2


@pytest.mark.parametrize(
    "objective, options, factor",
    [
        ("regression", {}, 1.0),
        ("binary", {}, 1.0),
        ("binary", {"class_weight": {"no": 1.0, "yes": 2.5}}, 1.0),
        ("binary", {"class_weight": "balanced"}, 1.0),
        ("binary", {"scale_pos_weight": 3.0}, 1.0),
        ("binary", {"is_unbalance": True}, 1.0),
        ("multiclass", {}, 1.0),
        ("multiclass", {"class_weight": "balanced"}, 1.0),
        ("multiclassova", {}, 1.0),
        ("cross_entropy", {}, 1.0),
        # LightGBM makes Hessians larger by e^0.7, its poisson_max_delta_step.
        ("poisson", {}, np.exp(0.7)),
    ],
)
def test_lightgbm_leaves_are_newton_steps(table, objective, options, factor):
    X, signal, weight = table
    y = {
        "regression": signal,
        "binary": np.where(signal > 0.8, "yes", "no"),
        "cross_entropy": 1 / (1 + np.exp(-signal)),
        "poisson": np.exp(signal).round(),
    }.get(objective, np.digitize(signal, [-1, 0.5]))
    if (
        "class_weight" in options
        and objective == "binary"
        and options["class_weight"] != "balanced"
    ):
        options = {"class_weight": {"no": 1.0, "yes": 2.5}}
    classes = objective in ("binary", "multiclass", "multiclassova")
    grow = LGBMClassifier if classes else LGBMRegressor
    model = grow(objective=objective, **FIRST_ROUND, **options).fit(X, y, sample_weight=weight)
    trees = native.read(model)
    loss = objective_of(model, trees, y, native.row_weights(model, y, weight))
    g, h = loss.derivatives(np.zeros(loss.target.shape))
    G, H = naive.node_sums(native.apply(model, X).T, g, h, trees.tree_output, trees.parent, 1)
    own = trees.value[np.arange(trees.n_nodes), 0, trees.tree_output[trees.tree_of]]
    assert trees.is_leaf.sum() > trees.n_trees
    expected = -G[:, 0] / (factor * H[:, 0])
    assert_allclose(own[trees.is_leaf], expected[trees.is_leaf], rtol=2e-5, atol=1e-6)


# --- which loss a model has ----------------------------------------------------------------------


@pytest.mark.parametrize("weights", [np.ones(569), np.linspace(0, 1, 569)])
def test_the_loss_of_forests_is_the_distance_to_the_classes(weights):
    X, y = load_breast_cancer(return_X_y=True)
    model = RandomForestClassifier(2, max_depth=2, random_state=0).fit(X, y)
    loss = objective_of(model, native.read(model), y, weights)
    assert loss.name == "squared_error"
    proba = model.predict_proba(X)
    brier = np.average((proba[:, 1] - y) ** 2, weights=weights)
    assert_allclose(loss.mean(proba), brier, rtol=1e-12)


def test_several_outputs_lie_side_by_side():
    X, y = load_breast_cancer(return_X_y=True)
    both = np.column_stack([y, np.digitize(X[:, 0], [12, 15])])
    model = RandomForestClassifier(2, max_depth=2, random_state=0).fit(X, both)
    trees = native.read(model)
    loss = objective_of(model, trees, both, np.ones(len(y)))
    assert loss.target.shape == (len(y), 6)  # padded to three classes each
    assert_array_equal(loss.target[:, 2], 0)
    assert_array_equal(loss.target[:, :2].argmax(axis=1), y)
    assert_array_equal(loss.target[:, 3:].argmax(axis=1), both[:, 1])
    numbers = RandomForestRegressor(2, max_depth=2, random_state=0).fit(X, both)
    loss = objective_of(numbers, native.read(numbers), both, np.ones(len(y)))
    assert_array_equal(loss.target, both)


def grown(objective, y, X=None, **options):
    X = np.arange(len(y), dtype=float)[:, None] if X is None else X
    params = {"objective": objective, "n_estimators": 2, "n_jobs": 1, "verbose": -1, **options}
    return LGBMRegressor(**params).fit(X, y)


@pytest.mark.parametrize("objective", ["quantile", "huber", "regression_l1", "tweedie", "gamma"])
def test_losses_that_are_not_known_are_refused(objective):
    y = np.linspace(1, 2, 60)
    model = grown(objective, y)
    with pytest.raises(
        UnsupportedModelError, match=rf"'{objective}'.*regression, binary.*truncate"
    ):
        objective_of(model, native.read(model), y, np.ones(60))


def test_a_loss_of_ones_own_is_refused():
    y = np.linspace(1, 2, 60)
    model = grown(lambda y, told: (told - y, np.ones_like(y)), y)
    with pytest.raises(UnsupportedModelError, match="'custom'"):
        objective_of(model, native.read(model), y, np.ones(60))


def test_targets_of_another_kind_are_refused():
    X = np.arange(60, dtype=float)[:, None]
    binary = lgb.train(
        {"objective": "binary", "num_threads": 1, "verbose": -1},
        lgb.Dataset(X, np.arange(60) % 2),
        num_boost_round=2,
    )
    trees, ones = native.read(binary), np.ones(60)
    with pytest.raises(ValueError, match=r"labels that the model knows.*bare booster as 0 and 1"):
        objective_of(binary, trees, np.where(np.arange(60) % 2, 1, -1), ones)
    classes = LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1).fit(X, np.arange(60) % 3)
    with pytest.raises(ValueError, match="none of the model's 3 classes"):
        objective_of(classes, native.read(classes), np.arange(60) % 4, ones)
    two = LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1).fit(X, np.arange(60) % 2)
    with pytest.raises(ValueError, match="labels that the model knows"):
        objective_of(two, native.read(two), np.arange(60) % 3, ones)
    counts = grown("poisson", np.arange(60) % 4)
    with pytest.raises(ValueError, match="not negative"):
        objective_of(counts, native.read(counts), np.arange(60) - 1.0, ones)
    with pytest.raises(ValueError, match="NaN or infinity"):
        objective_of(counts, native.read(counts), np.full(60, np.nan), ones)
