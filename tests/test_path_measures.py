"""Interpretability along a path: every step in one pass, and choosing a step by it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tests.laws import TREE_METHODS
from treeprune import (
    FeatureMap,
    PrunedClassifier,
    SparseMLPClassifier,
    datasets,
    interpretability,
    native,
    pruning_path,
)
from treeprune.explain.interpretability.components import COMPONENTS, STRUCTURAL
from treeprune.explain.interpretability.measure import step_values
from treeprune.explain.interpretability.structure import TreeShape, tree_structure
from treeprune.metrics.pictures import plot_components

fast = {"n_refits": 0, "n_draws": 10}


def credit(name, n=1500):
    X, y = datasets.load(name, return_X_y=True)
    X, y = X[:n], y[:n]
    text = [c for c in X if not pd.api.types.is_numeric_dtype(X[c].dtype)]
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), text), remainder="passthrough"
    )
    return encode, X, y


@pytest.mark.parametrize("name", ["german_credit", "compas", "hmda", "adult"])
def test_pruning_never_makes_the_structure_worse(name):
    encode, X, y = credit(name)
    model = make_pipeline(encode, DecisionTreeClassifier(min_samples_leaf=5, random_state=0))
    model.fit(X, y)
    Z = model[:-1].transform(X)
    map_, tree = FeatureMap.of(model[:-1], X), model[-1]
    trees = native.read(tree)
    shape = TreeShape.of(trees, native.splits(tree), map_)
    leaf = native.apply(tree, Z).astype(np.int64)
    for method in TREE_METHODS:
        path = pruning_path(tree, Z, y, method=method)
        assert len(path) > 2
        found = []
        for step, values in enumerate(
            step_values(trees, path.removed_at, np.arange(len(path)), path.stages.node_values)
        ):
            is_leaf = trees.is_leaf | (path.removed_at <= step)
            structure, _ = tree_structure(shape, leaf, is_leaf, values)
            found.append((structure.effort.mean(), structure.columns.mean(), structure.bits))
        worse = np.diff(found, axis=0)
        assert worse.max() <= 1e-12, (name, method)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(max_leaf_nodes=9, random_state=0),
        RandomForestClassifier(4, max_depth=3, random_state=0),
    ],
)
@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_a_step_is_scored_as_its_model_is(model, load):
    X, y = load(return_X_y=True)
    path = interpretability(pruning_path(model.fit(X, y), X, y), X, **fast)
    for step in range(0, len(path), 3):
        own = interpretability(path.cut(step), X, quality=False, **fast)
        for name, value in own.components.items():
            assert path.measures[name][step] == pytest.approx(value, abs=1e-9), (step, name)
        for name in ("effort", "columns", "bits", "nf", "ias", "effective_columns"):
            assert path.measures[name][step] == pytest.approx(own.measures[name], abs=1e-9)
        low, high = own.intervals["rows"]["composite"]
        assert path.measures["interpretability_rows_low"][step] == pytest.approx(low)
        assert path.measures["interpretability_rows_high"][step] == pytest.approx(high)


def test_a_step_of_regression_trees_is_scored_as_its_model_is():
    X, y = load_diabetes(return_X_y=True)
    for model in (
        DecisionTreeRegressor(max_leaf_nodes=9, random_state=0),
        ExtraTreesRegressor(3, max_depth=3, random_state=0),
    ):
        path = interpretability(pruning_path(model.fit(X, y)), X, y, n_refits=3, n_draws=10)
        own = interpretability(path.cut(2), X, quality=False, **fast)
        for name, value in own.components.items():
            assert path.measures[name][2] == pytest.approx(value, abs=1e-9)
        assert path.measures["loss"].notna().all()
        assert "decided_otherwise" not in path.measures


def test_steps_of_a_network_are_scored_as_their_models_are():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)[:, :8]
    model = SparseMLPClassifier((5,), max_iter=10, random_state=0).fit(X, y)
    path = pruning_path(model, X, y, method="magnitude")
    found = interpretability(path, X, y, n_refits=2, n_draws=10)
    for step in (0, len(path) // 2, len(path) - 1):
        own = interpretability(path.cut(step), X, quality=False, **fast)
        for name in own.components:
            assert found.measures[name][step] == pytest.approx(own.components[name], abs=1e-6)
    for part in STRUCTURAL:
        assert np.diff(found.measures[part]).min() >= -1e-12
    assert found.measures["stability"].between(0, 1).all()


def test_nothing_is_changed_and_only_asked_steps_are_measured():
    X, y = load_breast_cancer(return_X_y=True)
    path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
    found = interpretability(path, X, y, steps=[0, -1], n_refits=2, n_draws=10)
    assert path.measures is None
    assert path.to_frame()["interpretability"].isna().all()
    frame = found.to_frame()
    assert frame.columns.tolist() == path.to_frame().columns.tolist()
    assert np.flatnonzero(frame["interpretability"].notna()).tolist() == [0, len(path) - 1]
    again = interpretability(path, X, y, steps=[0, -1], n_refits=2, n_draws=10)
    pd.testing.assert_frame_equal(found.measures, again.measures)


def test_refits_of_a_path_are_made_as_its_estimator_makes_them():
    X, y = load_breast_cancer(return_X_y=True)
    model = PrunedClassifier(
        DecisionTreeClassifier(min_samples_leaf=5), method="reduced_error", random_state=0
    ).fit(X, y)
    found = interpretability(model.path_, X, y, estimator=model, n_refits=4, n_draws=10)
    table = found.measures
    assert table["stability"].between(0, 1).all()
    assert table["loss"].between(0, 1).all()
    assert (table["often_otherwise"] <= 1).all()
    half = model.set_params(validation=0.5)  # fitted with .25: only refits are made so
    other = interpretability(model.path_, X, y, estimator=half, n_refits=4, n_draws=10)
    assert not np.allclose(other.measures["stability"], table["stability"])


def test_a_step_is_chosen_by_a_floor_or_by_a_limit_on_the_loss():
    X, y = load_breast_cancer(return_X_y=True)
    path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
    with pytest.raises(ValueError, match="measure the path first"):
        path.cut(interpretability=50)
    found = interpretability(path, X, y, n_refits=6, n_draws=10)
    table = found.measures
    step = found.step_for(interpretability=80)
    inside = table["interpretability"] >= 80
    assert table["loss"][step] == table["loss"][inside].min()
    limit = float(table["loss"].median())
    step = found.step_for(loss=limit)
    assert (
        table["interpretability"][step] == table["interpretability"][table["loss"] <= limit].max()
    )
    assert (
        found.cut(interpretability=80).get_n_leaves()
        == found.size[found.step_for(interpretability=80)]
    )
    with pytest.raises(ValueError, match=r"no step has interpretability at least 101; nearest"):
        found.cut(interpretability=101)
    with pytest.raises(ValueError, match=r"no step has loss at most 0; nearest is step"):
        found.cut(loss=0)
    with pytest.raises(ValueError, match="give either"):
        found.step_for(interpretability=50, size=3)
    without = interpretability(path, X, **fast)
    smallest = without.step_for(interpretability=80)
    assert smallest == np.flatnonzero(without.measures["interpretability"] >= 80)[-1]
    with pytest.raises(ValueError, match="at no step"):
        without.step_for(loss=0.1)


def test_a_root_is_as_easy_as_can_be():
    X, y = load_breast_cancer(return_X_y=True)
    path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
    last = interpretability(path, X, y, n_refits=4, n_draws=10).measures.iloc[-1]
    assert (
        last[["simulate", "focus", "additive", "concentration", "stability"]].tolist()
        == [pytest.approx(1.0)] * 5
    )


def test_refits_that_lack_a_class():
    X = np.arange(80.0)[:, None]
    y = np.array(["a"] * 40 + ["b"] * 39 + ["rare"])
    path = pruning_path(DecisionTreeClassifier(max_leaf_nodes=5, random_state=0).fit(X, y))
    found = interpretability(path, X, y, n_refits=6, n_draws=10)
    assert found.measures["stability"].notna().all()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"steps": [99]}, "steps must be between 0 and"),
        ({"steps": [0.5]}, "whole numbers"),
        ({"estimator": "tree"}, "estimator must be the PrunedClassifier"),
    ],
)
def test_refusals(options, message):
    X, y = load_iris(return_X_y=True)
    path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
    with pytest.raises(ValueError, match=message):
        interpretability(path, X, y, **fast, **options)


def test_models_that_cannot_be_pruned_are_scored_all_the_same():
    X, y = load_iris(return_X_y=True)
    for model in (LGBMClassifier(n_estimators=2, verbose=-1), MLPClassifier((2,), max_iter=5)):
        score = interpretability(model.fit(X, y), X, quality=False, **fast)
        assert list(score.components) == list(COMPONENTS[:-1])


def test_the_picture_of_components():
    X, y = load_breast_cancer(return_X_y=True)
    path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
    with pytest.raises(ValueError, match="measure the path first"):
        plot_components(path)
    ax = plot_components(interpretability(path, X, y, n_refits=2, n_draws=10))
    assert [line.get_label() for line in ax.lines][:6] == list(COMPONENTS)
