"""Additive pruning: against its slow twin, and what holds for splits that stand alone."""

from __future__ import annotations

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

ADDITIVE = METHODS["additive"]


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


@settings(max_examples=20)
@given(boosters, st.sampled_from([0.0, 1.0, 20.0]), st.sampled_from([0.1, 0.5, 1.0]))
def test_states_are_those_of_boosting_by_single_splits(options, ridge, rate):
    assume(options["boosting"] != "rf")
    case = booster(**options)
    path = path_of(case, ridge=ridge, learning_rate=rate, rounds=12, steps=1000)
    e = ensemble(case)
    splits = native.splits(case.model)
    states = naive.additive_states(e, splits, case.X, rate, 12, ridge)
    if path.trees.is_leaf.all():
        assert len(path) == 1
        return
    assert len(path) == len(states) + 1
    rest, told = path.regrouped, path.regrouped.stages.values(case.X)
    total = e.loss.weight.sum()
    for step, (used, value, score) in enumerate(states[::-1]):
        assert path.size[step + 1] == max(1, 2 * len(used))
        assert_allclose(path.risk[step + 1], e.loss.mean(score), rtol=1e-9, atol=1e-12)
        assert_allclose(told(step), path.trees.respond(score[:, None, :]), rtol=1e-8, atol=1e-10)
        assert set(np.flatnonzero(path.removed_at > step + 1)) == set(used)
        assert sorted(value) == sorted(used)
    assert path.strength[1] == 0.0 and rest.risk[0] * total >= 0
    laws.assert_nested(path)
    laws.assert_monotone_size(path)


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


def test_more_rounds_fit_the_rows_better():
    X, y = load_breast_cancer(return_X_y=True)
    model = LGBMClassifier(n_estimators=50, n_jobs=1, verbose=-1).fit(X, y)
    few, many = (
        pruning_path(model, X, y, method=ADDITIVE.with_options(rounds=n)) for n in (20, 200)
    )
    assert many.risk[1] < few.risk[1] and many.size[1] > few.size[1]
    # Small states are the same, whatever comes after them.
    assert_array_equal(few.risk[-3:], many.risk[-3:])


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
    y = ((X["größe €"] > 0) ^ (X["=cmd()"] == "y") ^ (rng.random(300) < 0.1)).astype(int)
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
        ({"ridge": -1.0}, "at least 0"),
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
