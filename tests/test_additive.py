"""Additive pruning: against its slow twin, and what holds for splits that stand alone."""

from __future__ import annotations

import sys

import laws
import naive_ensembles as naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from lightgbm_models import CATS, TINY
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import GridSearchCV
from test_ensembles import Case, booster, boosters, ensemble

from treeprune import (
    METHODS,
    PrunedClassifier,
    UnsupportedModelError,
    explain,
    interpretability,
    native,
    pruning_path,
)
from treeprune.pruning.ensembles import kernels
from treeprune.selection import aligned_steps

ADDITIVE = METHODS["additive"]
module = sys.modules["treeprune.pruning.ensembles.additive"]  # the package has a function so named


def path_of(case: Case, **options):
    method = ADDITIVE.with_options(**options)
    return pruning_path(case.model, case.X, case.y, method=method, sample_weight=case.weight)


def keys(splits, nodes):
    """What the splits at these nodes are, to be compared."""
    ends, out = splits.category_offsets, []
    for t in nodes:
        sets = splits.category_values[ends[t] : ends[t + 1]] if len(ends) > 1 else ()
        out.append(
            (
                int(splits.feature[t]), float(splits.threshold[t]), bool(splits.missing_left[t]),
                tuple(map(int, sets)),
            )
        )  # fmt: skip
    return out


# --- the twin ------------------------------------------------------------------------------------


@pytest.mark.unjitted
@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(0, 30))
def test_sums_over_cells(seed, columns, n):
    rng = np.random.default_rng(seed)
    cell = np.array([rng.integers(3 * f, 3 * f + 3, n) for f in range(columns)], np.int32)
    g, h = rng.normal(size=(2, n))
    found = kernels.cell_sums(cell.reshape(columns, n), g, h, 3 * columns)
    for c in range(3 * columns):
        rows = [i for f in range(columns) for i in range(n) if cell[f, i] == c]
        assert_allclose(found[c], [g[rows].sum(), h[rows].sum()], atol=1e-12)


@settings(max_examples=15)
@given(
    boosters,
    st.sampled_from([0.5, 1.0, 20.0]),
    st.sampled_from([0.1, 0.5, 1.0]),
    st.sampled_from([0.0, 0.5, 9.0]),
)
def test_states_are_those_of_the_definition(options, ridge, rate, least):
    assume(options["boosting"] != "rf")
    case = booster(rows=80, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROUNDS_A_STEP", 3)
        path = path_of(case, ridge=ridge, learning_rate=rate, least_gain=least, rounds=8, steps=99)
    e = ensemble(case)
    splits = native.splits(case.model)
    if path.trees.is_leaf.all():
        assert len(path) == 1
        return
    states = naive.additive_states(e, splits, case.X, rate, ridge, least, 8, 3)
    assert len(path) == len(states) + 1
    told = path.regrouped.stages.values(case.X)
    for step, (used, _, score) in enumerate(states):
        assert path.size[step + 1] == max(1, 2 * len(used))
        assert_allclose(path.risk[step + 1], e.loss.mean(score), rtol=1e-8, atol=1e-11)
        assert_allclose(told(step), path.trees.respond(score[:, None, :]), rtol=1e-7, atol=1e-9)
        assert set(np.flatnonzero(path.removed_at > step + 1)) == set(used)
    assert path.strength[1] == 0.0
    laws.assert_nested(path)
    laws.assert_monotone_size(path)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 7), st.sampled_from([0.0, 1.0]))
def test_what_goes_is_what_the_others_make_up_for_best(seed, m, ridge):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(m + 2, m))
    curvature, d = A.T @ A, rng.normal(size=m)
    for n in range(m + 1):
        stays, cost = module.without(curvature, ridge, d, n)
        assert len(stays) == n and cost >= 0
    Q = curvature + ridge * np.eye(m)
    one, cost = module.without(curvature, ridge, d, m - 1)
    lowest = []
    for s in range(m):  # least squares without s
        rest = [t for t in range(m) if t != s]
        move = np.zeros(m)
        move[s] = -d[s]
        if rest:
            move[rest] = np.linalg.solve(Q[np.ix_(rest, rest)], Q[rest, s] * d[s])
        lowest.append(0.5 * move @ Q @ move)
    assert set(range(m)) - set(one) == {int(np.argmin(lowest))}
    assert_allclose(cost, min(lowest), rtol=1e-5)


# --- what such a model is ------------------------------------------------------------------------


@settings(max_examples=15)
@given(boosters)
def test_every_cut_holds_grown_splits_alone(options):
    assume(options["boosting"] != "rf")
    case = booster(**options)
    path = path_of(case, rounds=20, steps=6)
    grown = native.splits(case.model)
    known = set(keys(grown, np.flatnonzero(grown.feature >= 0)))
    column_of = {}
    for step in range(1, len(path)):
        cut = path.cut(step)
        trees, splits = native.read(cut), native.splits(cut)
        n_leaves = np.add.reduceat(trees.is_leaf.astype(int), trees.roots)
        assert n_leaves.max() <= 2
        found = keys(splits, np.flatnonzero(splits.feature >= 0))
        assert set(found) <= known
        scores = trees.tree_output[trees.tree_of[splits.feature >= 0]]
        assert len(set(zip(scores, found, strict=True))) == len(found)  # none stands there twice
        column_of[step] = {key[0] for key in found}
        assert path.counts["columns"][step] == len(column_of[step])
    assert path.counts["columns"][0] == len(np.unique(grown.feature[grown.feature >= 0]))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_native_attributions_and_importances_fit_the_rows(task):
    case = booster(task=task, seed=4, missing=True, categories=True)
    path = path_of(case, rounds=30)
    cut = path.cut(1)
    told, start = native.contributions(cut, case.X)
    raw = native.raw_score(cut, case.X)
    assert_allclose(told.sum(axis=1) + start, raw.reshape(len(raw), -1), atol=1e-9)
    # By counts of the rows that it was fitted on, each column's mean is zero.
    assert_allclose(told.mean(axis=0), 0, atol=1e-7)
    trees, splits = native.read(cut), native.splits(cut)
    roots = trees.roots[~trees.is_leaf[trees.roots]]
    assert (trees.n_rows[roots] == len(case.X)).all()
    leaf = native.apply(cut, case.X)
    counted = np.bincount(leaf.ravel(), minlength=trees.n_nodes)
    live = trees.is_leaf & ~np.isin(np.arange(trees.n_nodes), trees.roots)
    assert_array_equal(counted[live], trees.n_rows[live])
    used = np.bincount(splits.feature[splits.feature >= 0], minlength=case.X.shape[1])
    assert_array_equal(cut.feature_importances_, used)
    assert (cut.booster_.feature_importance("gain")[used > 0] > 0).all()


def test_rows_that_the_model_was_not_trained_on():
    case = booster(seed=1, missing=True, categories=True)
    other = booster(seed=2, missing=True, categories=True)
    for n in (1, 2, 40):
        path = pruning_path(case.model, other.X[:n], other.y[:n], method="additive")
        assert np.isfinite(path.risk).all()
        for step in (0, -1):
            assert np.isfinite(path.cut(step).predict_proba(case.X)).all()


def test_a_booster_of_stumps_loses_one_at_least():
    X, y = load_diabetes(return_X_y=True)
    model = LGBMRegressor(n_estimators=5, num_leaves=2, n_jobs=1, verbose=-1).fit(X, y)
    path = pruning_path(model, X, y, method="additive")
    assert path.size[0] == 10 and path.size[1] <= 8 and path.size[-1] == 1
    one = LGBMRegressor(n_estimators=1, num_leaves=2, n_jobs=1, verbose=-1).fit(X, y)
    assert pruning_path(one, X, y, method="additive").size.tolist() == [2, 1]


def test_infinite_weights_of_evidence_stay_finite():
    X = np.arange(80.0)[:, None]
    y = (X[:, 0] > 40).astype(int)  # one split knows all
    model = LGBMClassifier(n_estimators=40, learning_rate=1.0, n_jobs=1, verbose=-1).fit(X, y)
    with np.errstate(all="raise", under="ignore"):
        path = pruning_path(model, X, y, method=ADDITIVE.with_options(ridge=0.0, learning_rate=1.0))
    assert np.isfinite(path.risk).all()
    assert np.isfinite(path.cut(1).predict_proba(X)).all()


@pytest.mark.parametrize("weight", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_rare_classes_do_not_blow_up(weight, ridge):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 3))
    y = ((X[:, 0] > 2.3) & (rng.random(3000) < 0.9)).astype(int)
    w = np.full(3000, weight)
    model = LGBMClassifier(n_estimators=10, num_leaves=7, min_child_samples=5, n_jobs=1, verbose=-1)
    model.fit(X, y, sample_weight=w)
    method = ADDITIVE.with_options(ridge=ridge, rounds=200)
    path = pruning_path(model, X, y, method=method, sample_weight=w)
    assert path.risk[1] < 0.5 * path.risk[-1] and (path.risk[1:] <= path.risk[-1]).all()


def test_more_rounds_fit_the_rows_better():
    X, y = load_breast_cancer(return_X_y=True)
    model = LGBMClassifier(n_estimators=50, n_jobs=1, verbose=-1).fit(X, y)
    few, many = (
        pruning_path(model, X, y, method=ADDITIVE.with_options(least_gain=0.0, rounds=n))
        for n in (20, 200)
    )
    assert many.risk[1] < few.risk[1] and many.size[1] > few.size[1]


def test_small_weights_are_named():
    X, y = load_diabetes(return_X_y=True)
    model = LGBMRegressor(n_estimators=5, n_jobs=1, verbose=-1, min_child_weight=0).fit(X, y)
    with pytest.warns(UserWarning, match=r"442 rows add up to 1 and are read as counts"):
        path = pruning_path(
            model, X, y, method=ADDITIVE.with_options(least_gain=100.0),
            sample_weight=np.full(len(y), 1 / len(y)),
        )  # fmt: skip
    assert path.size[1] == 1


def test_boosting_ends_where_a_split_saves_what_chance_does():
    X, y = load_breast_cancer(return_X_y=True)
    model = LGBMClassifier(n_estimators=50, n_jobs=1, verbose=-1).fit(X, y)

    def by(weight, **options):
        method = ADDITIVE.with_options(**options)
        return pruning_path(model, X, y, method=method, sample_weight=weight).risk

    one, many = np.ones(len(y)), np.full(len(y), 4.0)  # 569 rows, and 2,276
    assert_array_equal(by(one), by(one, least_gain=0.5))
    assert_array_equal(by(many), by(many, least_gain=0.5 * 1000 / 2276))
    assert by(one, least_gain=0.1)[1] < by(one)[1]
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(900, 3))  # nothing is to be learnt
    target = rng.normal(size=900) * 1e6
    forest = LGBMRegressor(n_estimators=100, n_jobs=1, verbose=-1).fit(noise, target)
    path = pruning_path(forest, noise, target, method="additive")
    assert path.size[1] < 0.05 * path.size[0]


# --- used as -------------------------------------------------------------------------------------


def test_a_search_chooses_between_methods():
    X, y = load_breast_cancer(return_X_y=True)
    base = LGBMClassifier(n_estimators=30, n_jobs=1, verbose=-1)
    search = GridSearchCV(
        PrunedClassifier(base, max_size=40),
        {"method": ["cost_complexity", "additive"]},
        cv=3,
        scoring="roc_auc",
    ).fit(X, y)
    assert search.cv_results_["mean_test_score"].min() > 0.95
    best = search.best_estimator_
    assert best.path_.size[best.step_] <= 40
    chosen = PrunedClassifier(base, method="additive", scoring="roc_auc", cv=3).fit(X, y)
    assert chosen.path_.step_score[chosen.step_] > 0.98
    assert_array_equal(chosen.estimator_.predict(X), chosen.predict(X))


def test_only_whole_models_of_folds_answer_for_the_whole_model():
    paths = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 5))
        y = 3 * X[:, 0] * X[:, 1] + X[:, 2] + X[:, 3] + rng.normal(size=200) * 0.3
        model = LGBMRegressor(
            n_estimators=8, num_leaves=7, learning_rate=0.5, min_child_samples=5, n_jobs=1,
            verbose=-1,
        ).fit(X, y)  # fmt: skip
        paths.append(pruning_path(model, X, y, method="additive"))
    steps = aligned_steps(*paths, ADDITIVE)
    assert steps[0] == 0 and (steps[1:] > 0).all() and (np.diff(steps) >= 0).all()
    assert np.isfinite(paths[1].size[steps]).all()


def test_refits_are_made_with_the_options_of_the_path():
    X, y = load_breast_cancer(return_X_y=True)
    model = LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1).fit(X, y)
    other = pruning_path(model, X, y, method=ADDITIVE.with_options(learning_rate=0.7))
    with pytest.raises(ValueError, match="made by additive with other settings"):
        interpretability(other, X, y, steps=[0, 1], n_refits=2)


def test_a_path_is_measured_as_its_cuts_are():
    X, y = load_breast_cancer(return_X_y=True)
    model = LGBMClassifier(n_estimators=15, n_jobs=1, verbose=-1).fit(X, y)
    path = pruning_path(model, X, y, method="additive")
    steps = [0, 1, len(path) - 4]
    found = interpretability(path, X, y, steps=steps, n_refits=0).measures
    for step in steps:
        alone = interpretability(path.cut(step), X, y, n_refits=0)
        for name, value in alone.components.items():
            assert_allclose(found.loc[step, name], value, rtol=1e-6, err_msg=f"{name} at {step}")
        assert found.loc[step, "effort"] == alone.measures["effort"]
    assert found.loc[1, "additive"] == pytest.approx(1.0, abs=1e-6)
    assert found.loc[0, "additive"] < 0.99
    again = interpretability(path, X, y, steps=steps, n_refits=2, X_train=X, y_train=y).measures
    assert np.isfinite(again.loc[steps, "stability"]).all()


def test_frames_with_categories_are_explained():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "größe €": rng.normal(size=300),
            "=cmd()": pd.Categorical(rng.choice(["x", "y", "z"], 300)),
        }
    )
    y = ((X["größe €"] > 0) + 1.5 * (X["=cmd()"] == "y") + rng.normal(size=300) > 1).astype(int)
    model = LGBMClassifier(**TINY, **CATS).fit(X, y)
    path = pruning_path(model, X, y, method="additive")
    ex = explain(path.cut(1), X, y)
    assert ex.rules is not None and all(check.passed for check in ex.checks.values())
    told = {name for rule in ex.rules.to_frame()["conditions"] for name in X if name in rule}
    assert told == set(X)


# --- refusals ------------------------------------------------------------------------------------


def test_refusals():
    case = booster(task="regression")
    with pytest.raises(ValueError, match=r"additive of an ensemble needs rows and targets"):
        pruning_path(case.model, method="additive")
    with pytest.raises(ValueError, match=r"never_prune is not possible with additive"):
        pruning_path(case.model, case.X, case.y, method="additive", never_prune=[0])
    forest = booster(task="regression", boosting="rf")
    with pytest.raises(ValueError, match=r"additive needs trees that correct each other"):
        pruning_path(forest.model, forest.X, forest.y, method="additive")
    sklearn = RandomForestRegressor(2).fit(case.X, case.y)
    with pytest.raises(ValueError, match=r"additive is not a method for forests"):
        pruning_path(sklearn, case.X, case.y, method="additive")
    for options, match in (
        ({"rounds": 0}, "rounds must be a whole number"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0"),
        ({"learning_rate": 2.5}, "learning_rate must be at most 1"),
        ({"least_gain": np.array([1.0, 2.0])}, "least_gain must be 'auto' or a number"),
        ({"ridge": -1.0}, "at least 0"),
        ({"least_gain": -1.0}, "least_gain must be 'auto' or a number"),
        ({"least_gain": None}, "least_gain must be 'auto' or a number"),
        ({"rate": 1.0}, "no option rate"),
    ):
        with pytest.raises(ValueError, match=match):
            ADDITIVE.with_options(**options)


def test_stumps_are_made_of_splits_of_boosters():
    case = booster(task="regression")
    leaf = np.flatnonzero(native.read(case.model).is_leaf)[:1]
    told = {"n_rows": np.ones((1, 2)), "hessian": np.ones((1, 2)), "gain": np.ones(1)}
    told["start"] = np.zeros(1)
    with pytest.raises(ValueError, match="nodes that split"):
        native.stumps(case.model, leaf, np.zeros((1, 2)), **told)
    with pytest.raises(ValueError, match="finite"):
        native.stumps(case.model, [0], np.full((1, 2), np.nan), **told)
    sklearn = RandomForestRegressor(2).fit(case.X, case.y)
    with pytest.raises(UnsupportedModelError, match="cannot stand alone"):
        native.stumps(sklearn, [0], np.zeros((1, 2)), **told)
