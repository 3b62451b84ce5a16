"""Rules: they are the model, row by row, on whole data sets and on rows made to break them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from test_features import as_is, assert_explains, rules_of

from treeprune import datasets, native
from treeprune.explain.conditions import NumberCondition
from treeprune.explain.features import FeatureMap
from treeprune.explain.joint import partition_rules
from treeprune.explain.leaves import limit_texts, tree_rules
from treeprune.explain.rules import RuleSet

LOADERS = {
    "german": datasets.load_german_credit,
    "compas": datasets.load_compas,
    "hmda": datasets.load_hmda,
    "adult": datasets.load_adult,
}


def full_pipeline(X: pd.DataFrame, **params):
    numbers = X.select_dtypes("number").columns.tolist()
    texts = [name for name in X if name not in numbers]
    before = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), texts),
    )
    return make_pipeline(before, DecisionTreeClassifier(random_state=0, **params))


@pytest.mark.parametrize("name", LOADERS)
def test_rules_are_the_model_on_whole_data_sets(name):
    data = LOADERS[name]()
    X, X_test, y, _ = train_test_split(data.data, data.target, test_size=0.3, random_state=0)
    model = full_pipeline(X, min_samples_leaf=20).fit(X, y)
    rules = rules_of(model, X)
    assert len(rules) == model[-1].get_n_leaves()
    for rows in (X, X_test):
        np.testing.assert_array_equal(rules.predict_proba(rows), model.predict_proba(rows))
        np.testing.assert_array_equal(rules.predict(rows), model.predict(rows))
    # Printed limits promise no more than the rows they were made for.
    np.testing.assert_array_equal(rules.match(X, printed=True), rules.match(X))
    assert {rules.columns[i].kind for i in rules.used} <= {"number", "category"}


# --- one tree ------------------------------------------------------------------------------------


@given(strategies.fitted(kinds=("tree", "extra_tree"), max_outputs=1))
def test_leaves_partition_all_rows(fitted):
    """Every row meets exactly one rule, also rows that were never seen."""
    model, X, _, _ = fitted
    feature_map = FeatureMap.of(None, X)
    trees, splits = native.read(model), native.splits(model)
    rules = tree_rules(trees, splits, feature_map, as_is)
    classes = (model.classes_,) if hasattr(model, "classes_") else ()
    found = RuleSet(feature_map.columns, rules, classes, feature_map)
    grid = np.unique(np.concatenate([X.ravel(), splits.threshold, [-1e9, 1e9]]))
    grid = grid[np.isfinite(grid)]  # a split may ask for missing values alone: threshold infinite
    grid = np.concatenate([grid, np.nextafter(grid, -np.inf), np.nextafter(grid, np.inf)])
    rng = np.random.default_rng(0)
    rows = rng.choice([*grid, np.nan], (200, X.shape[1]))
    for some in (X, rows):
        taken = np.stack(
            [
                np.all([c.meets(some[:, c.column]) for c in rule.conditions], axis=0)
                if rule.conditions
                else np.ones(len(some), bool)
                for rule in rules
            ]
        )
        assert (taken.sum(axis=0) == 1).all()
        np.testing.assert_array_equal(found.match(some), taken.argmax(axis=0))
        np.testing.assert_array_equal(found.predict(some), model.predict(some))
        leaves = native.apply(model, some)[:, 0]
        np.testing.assert_array_equal([rules[i].node for i in found.match(some)], leaves)


@given(strategies.fitted(kinds=("tree",), tasks=("classification",), max_outputs=3))
def test_several_outputs(fitted):
    model, X, _, _ = fitted
    rules = rules_of(model, X)
    ours, theirs = rules.predict_proba(X), model.predict_proba(X)
    assert isinstance(ours, list) == isinstance(theirs, list)
    for a, b in zip(*(p if isinstance(p, list) else [p] for p in (ours, theirs)), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(rules.predict(X), model.predict(X))


def test_numbers_of_several_outputs():
    X, y, _ = strategies.make_data(0, 80, 3, "regression", n_outputs=2, nan=True)
    model = DecisionTreeRegressor(max_leaf_nodes=9, random_state=0).fit(X, y)
    feature_map = FeatureMap.of(None, X)
    rules = tree_rules(native.read(model), native.splits(model), feature_map, as_is)
    found = RuleSet(feature_map.columns, rules, (), feature_map, target=("a", "b"))
    np.testing.assert_array_equal(found.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="predict a number"):
        found.predict_proba(X)


def test_a_single_leaf_is_one_rule_that_asks_nothing():
    X, y = np.zeros((4, 2)), [0, 1, 1, 1]
    rules = rules_of(DecisionTreeClassifier().fit(X, y), X)
    assert [rule.conditions for rule in rules] == [()]
    assert rules.predict_proba(X).tolist() == [[0.25, 0.75]] * 4
    assert rules.used == ()


def test_bounds_are_merged_and_categories_gathered():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.integers(0, 100, 400), "job": rng.choice(list("abcdef"), 400)})
    y = (X["age"].between(20, 60) & X["job"].isin(["b", "d"])).astype(int)
    model = full_pipeline(X).fit(X, y)
    rules = assert_explains(model, X)
    for rule in rules:
        columns = [condition.column for condition in rule.conditions]
        assert len(columns) == len(set(columns))
        assert all(len(c.intervals) == 1 for c in rule.conditions if isinstance(c, NumberCondition))
    yes = [rule for rule in rules if rule.value[0, 1] == 1.0]
    allowed = set().union(*(rule.condition(1).allowed for rule in yes))
    assert [rules.columns[1].categories[i] for i in sorted(allowed)] == ["b", "d"]
    for rule in yes:
        ((low, high),) = rule.condition(0).intervals
        assert low >= 19
        assert high < 61


def test_leaves_that_no_row_can_reach_are_left_out():
    """Two categories of one column at once: a tree asks, no row can answer."""
    X = pd.DataFrame({"job": list("abc") * 20})
    before = make_column_transformer((OneHotEncoder(), ["job"])).fit(X)
    # Grown on rows of zeros and ones that no category makes.
    Z = np.random.default_rng(0).integers(0, 2, (200, 3)).astype(float)
    tree = DecisionTreeClassifier(random_state=0).fit(Z, Z[:, 0] * 4 + Z[:, 1] * 2 + Z[:, 2])
    assert tree.get_n_leaves() == 8
    feature_map = FeatureMap.of(before, X)
    rules = tree_rules(native.read(tree), native.splits(tree), feature_map, as_is)
    assert len(rules) == 3
    found = RuleSet(feature_map.columns, rules, (tree.classes_,), feature_map)
    proba = tree.predict_proba(before.transform(X))
    np.testing.assert_array_equal(found.predict_proba(X), proba)


def test_a_row_that_the_model_refuses_meets_no_rule():
    X = pd.DataFrame({"job": list("abc") * 20})
    before = make_column_transformer((OneHotEncoder(), ["job"]))
    model = make_pipeline(before, DecisionTreeClassifier()).fit(X, X["job"] == "a")
    rules = rules_of(model, X)
    odd = pd.DataFrame({"job": ["a", "never seen", None]})
    assert (rules.match(odd)[1:] == -1).all()
    with pytest.raises(ValueError, match="row 1 meets no rule"):
        rules.predict_proba(odd)


# --- several trees -------------------------------------------------------------------------------

ENSEMBLES = {
    "forest": RandomForestClassifier(n_estimators=4, max_depth=2, random_state=0),
    "regression": RandomForestRegressor(n_estimators=3, max_depth=2, random_state=0),
    "extra trees": ExtraTreesRegressor(n_estimators=3, max_depth=2, random_state=0),
}


@pytest.mark.parametrize("name", ENSEMBLES)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_joint_partition_is_the_ensemble(name, n_classes):
    task = "classification" if name == "forest" else "regression"
    X, y, _ = strategies.make_data(3, 150, 3, task, n_classes=n_classes, nan=True)
    model = ENSEMBLES[name].fit(X, y)
    feature_map = FeatureMap.of(None, X)
    trees, splits = native.read(model), native.splits(model)
    rules = partition_rules(trees, splits, feature_map, as_is, 2000)
    classes = (model.classes_,) if name == "forest" else ()
    found = RuleSet(feature_map.columns, rules, classes, feature_map, kind="partition")
    rng = np.random.default_rng(0)
    rows = rng.choice([*range(-1, 9), 2.5, np.nan], (500, 3))
    for some in (X, rows):
        if name == "forest":
            np.testing.assert_allclose(
                found.predict_proba(some), model.predict_proba(some), rtol=0, atol=1e-12
            )
        else:
            np.testing.assert_allclose(found.predict(some), model.predict(some), rtol=0, atol=1e-12)
    too_few = len(rules) - 1
    assert partition_rules(trees, splits, feature_map, as_is, too_few) is None
    assert len(partition_rules(trees, splits, feature_map, as_is, len(rules))) == len(rules)


def test_the_joint_partition_of_a_pipeline_and_several_outputs():
    X = strategies.text_column(np.random.default_rng(0), "object", list("abcd"), 90, True)
    X = pd.DataFrame({"job": X, "age": np.arange(90.0) % 17})
    y = np.column_stack([strategies.targets(X, s, n_classes=3) for s in (1, 2)])
    before = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job"]), (StandardScaler(), ["age"])
    )
    forest = RandomForestClassifier(n_estimators=3, max_depth=3, random_state=0)
    model = make_pipeline(before, forest).fit(X, y)
    feature_map = FeatureMap.of(model[:-1], X)
    rules = partition_rules(
        native.read(model[-1]), native.splits(model[-1]), feature_map, as_is, 5000
    )
    found = RuleSet(feature_map.columns, rules, tuple(forest.classes_), feature_map)
    odd = pd.DataFrame(
        {
            "job": pd.Series(["a", "z", None, np.nan], dtype=object),
            "age": [-5, np.nan, 100.0, 3.0],
        }
    )
    for some in (X, odd):
        for ours, theirs in zip(found.predict_proba(some), model.predict_proba(some), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


# --- printed -------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(strategies.fitted(kinds=("tree",), tasks=("classification",), max_outputs=1), st.data())
def test_printed_limits_route_the_rows_given(fitted, data):
    model, X, _, _ = fitted
    X = X * data.draw(st.sampled_from([1.0, 0.1, 1 / 3, 1e5, 1e-7])) + data.draw(
        st.sampled_from([0.0, 0.005, -3.0])
    )
    model = type(model)(random_state=0, max_depth=4).fit(X, np.arange(len(X)) % 3)
    rules = rules_of(model, X)
    np.testing.assert_array_equal(rules.match(X, printed=True), rules.match(X))
    limits = limit_texts(rules.rules, rules.values(X))
    assert limits == rules.texts
    for (column, limit), text in limits.items():
        values = X[:, column][~np.isnan(X[:, column])]
        np.testing.assert_array_equal(values <= float(text), values <= limit)


def test_a_limit_that_was_not_prepared_is_printed_exactly():
    rules = RuleSet((), ())
    assert rules.text_of(0, 0.1849) == "0.1849"
    assert float(rules.text_of(0, 0.15000000223517418)) == 0.15000000223517418
