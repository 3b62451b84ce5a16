"""Proofs of monotonicity and of unused columns: against all rows of a grid, and on real models."""

from __future__ import annotations

import naive_explain as naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from rule_strategies import partitions
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import explain, native, pruning_path
from treeprune.datasets import load_german_credit
from treeprune.explain.conditions import Column, NumberCondition
from treeprune.explain.features import FeatureMap
from treeprune.explain.joint import partition_rules
from treeprune.explain.leaves import tree_rules
from treeprune.explain.proofs import (
    Monotone,
    monotone,
    monotone_sum,
    rule_outputs,
    unused,
    unused_by_rules,
)
from treeprune.explain.rules import Rule, RuleSet

SIGN = {"increasing": 1, "decreasing": -1}
directions = st.sampled_from(list(SIGN))


def rules_of(tree, X, transformer=None):
    feature_map = FeatureMap.of(transformer, X)
    leaves = tree_rules(native.read(tree), native.splits(tree), feature_map, lambda raw: raw)
    classes = (tree.classes_,) if hasattr(tree, "classes_") else ()
    return RuleSet(feature_map.columns, leaves, classes, feature_map)


def check_counterexample(told, output_of, X):
    """Two raw rows that differ in the column only, of the types of `X`, and contradict it."""
    rows = told.counterexample
    assert rows.columns.tolist() == X.columns.tolist()
    for name in X:
        same = rows[name].iloc[0] == rows[name].iloc[1] or rows[name].isna().all()
        assert same == (name != told.column)
    assert rows[told.column].iloc[0] < rows[told.column].iloc[1]
    low, high = output_of(rows)
    assert (low, high) == told.outputs
    assert SIGN[told.direction] * (high - low) < 0


@given(partitions(), directions)
def test_a_proof_is_true_of_all_rows(rules, direction):
    outputs = rule_outputs(rules)
    for c, about in enumerate(rules.columns):
        if about.kind != "number":
            continue
        told = monotone(rules, about.name, direction, outputs=outputs)
        assert told.holds == naive.is_monotone(rules, c, SIGN[direction], outputs)
        assert (told.counterexample is None) == told.holds
        if not told.holds:
            check_counterexample(
                told,
                lambda rows: [outputs[i] for i in rules.match(rows)],
                pd.DataFrame(columns=[column.name for column in rules.columns]),
            )


@given(partitions(), directions, st.integers(0, 99))
def test_counterexamples_start_from_rows_that_occur(rules, direction, seed):
    outputs = rule_outputs(rules)
    rows, _ = naive.grid(rules)
    rng = np.random.default_rng(seed)
    table = {}
    for c, about in enumerate(rules.columns):
        values = [row[c] for row in rows]
        if about.kind == "category":
            values = [about.categories[v] if v >= 0 else None for v in values]
        table[about.name] = values
    frame = pd.DataFrame(table).iloc[rng.permutation(len(rows))[:5]]
    for about in rules.columns:
        if about.kind == "number":
            told = monotone(rules, about.name, direction, outputs=outputs, reference=frame)
            assert told.holds == monotone(rules, about.name, direction, outputs=outputs).holds
            if not told.holds:
                match = [outputs[i] for i in rules.match(told.counterexample)]
                assert tuple(match) == told.outputs


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_constrained_trees_stay_monotone_at_every_step(task):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.integers(0, 12, (300, 3)), columns=["up", "down", "free"])
    noise = rng.normal(scale=4, size=300)
    y = X["up"] - X["down"] + np.abs(X["free"] - 6) + noise
    if task == "classification":
        y = y > y.median()
    of = DecisionTreeClassifier if task == "classification" else DecisionTreeRegressor
    constraint = {"monotonic_cst": [1, -1, 0], "min_samples_leaf": 3, "random_state": 0}
    path = pruning_path(of(**constraint).fit(X, y))
    assert len(path) > 5
    for step in range(len(path)):
        rules = rules_of(path.cut(step), X)
        outputs = rule_outputs(rules)
        assert monotone(rules, "up", "increasing", outputs=outputs).holds
        assert monotone(rules, "down", "decreasing", outputs=outputs).holds
    free = of(min_samples_leaf=3, random_state=0).fit(X, y)
    rules = rules_of(free, X)

    def output_of(rows):
        return free.predict_proba(rows)[:, 1] if task == "classification" else free.predict(rows)

    options = {"outputs": rule_outputs(rules), "reference": X, "output_of": output_of}
    for name, direction in [("up", "increasing"), ("down", "decreasing"), ("free", "increasing")]:
        told = monotone(rules, name, direction, **options)
        assert told.holds is False and "verified on the model" in told.scope
        check_counterexample(told, output_of, X)
        assert (told.counterexample.dtypes == X.dtypes).all()
        assert "refuted by" in told.to_text()


def test_the_joint_partition_of_a_small_forest():
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.integers(0, 9, (120, 2)), columns=["a", "b"])
    y = X["a"] + np.abs(X["b"] - 4) + rng.normal(size=120)
    forest = RandomForestRegressor(4, max_leaf_nodes=5, random_state=0).fit(X, y)
    feature_map = FeatureMap.of(None, X)
    leaves = partition_rules(
        native.read(forest), native.splits(forest), feature_map, lambda raw: raw, 1000
    )
    rules = RuleSet(feature_map.columns, leaves, (), feature_map)
    outputs = rule_outputs(rules)
    for c, name in enumerate(X):
        for direction, sign in SIGN.items():
            told = monotone(
                rules, name, direction, outputs=outputs, reference=X, output_of=forest.predict
            )
            assert told.holds == naive.is_monotone(rules, c, sign, outputs)
            if not told.holds:
                check_counterexample(told, forest.predict, X)


def test_rounding_is_no_counterexample():
    low, high = (NumberCondition(0, (i,), False) for i in ((-np.inf, 0.0), (0.0, np.inf)))
    value = np.zeros((1, 1))
    rules = RuleSet((Column("x"),), (Rule((low,), value), Rule((high,), value)))
    assert monotone(rules, "x", outputs=[0.1 + 0.2, 0.3]).holds
    assert not monotone(rules, "x", outputs=[0.3 + 1e-9, 0.3]).holds


def test_a_model_that_does_not_confirm_is_not_called_refuted():
    low, high = (NumberCondition(0, (i,), False) for i in ((-np.inf, 0.0), (0.0, np.inf)))
    value = np.zeros((1, 1))
    rules = RuleSet((Column("x"),), (Rule((low,), value), Rule((high,), value)))
    told = monotone(rules, "x", outputs=[1.0, 0.0], output_of=lambda rows: rows["x"])
    assert told.holds is None and told.counterexample is None
    assert "the model itself does not" in told.to_text()


def test_columns_made_of_it_leave_it_to_a_search():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(150, 3)).round(1), columns=["a", "b", "c"])
    encode = make_column_transformer((PCA(1), ["a", "b"]), remainder="passthrough")
    y = X["a"] + X["b"] + X["c"]
    model = make_pipeline(encode, DecisionTreeRegressor(max_leaf_nodes=8, random_state=0))
    model.fit(X, y)
    rules = rules_of(model[-1], X, model[:-1])
    outputs = rule_outputs(rules)
    assert monotone(rules, "a", outputs=outputs).holds is None
    found = [
        monotone(rules, "a", d, outputs=outputs, reference=X, output_of=model.predict) for d in SIGN
    ]
    assert {told.holds for told in found} <= {None, False}
    assert any(told.holds is False for told in found)
    for told in found:
        if told.holds is False:
            check_counterexample(told, model.predict, X)
    # `c` is free of them: a proof holds, and what contradicts it is sought on rows.
    told = monotone(rules, "c", "decreasing", outputs=outputs, reference=X, output_of=model.predict)
    assert told.holds is False
    check_counterexample(told, model.predict, X)


# --- sums of trees -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "up": rng.integers(0, 12, 300),
            "free": rng.normal(size=300),
            "kind": rng.choice(["a", "b", "c"], 300),
        }
    )
    y = X["up"] + 4 * (X["kind"] == "b") + 3 * np.abs(X["free"]) + rng.normal(size=300)
    return X, y


def encoder():
    return make_column_transformer((StandardScaler(), ["up", "free"]), (OneHotEncoder(), ["kind"]))


def sum_of(model, X, column, direction, output_of, **options):
    forest = model[-1]
    return monotone_sum(
        native.read(forest),
        native.splits(forest),
        FeatureMap.of(model[:-1], X),
        column,
        direction,
        reference=X,
        output_of=output_of,
        **options,
    )


def test_a_constrained_forest_is_monotone_through_its_pipeline(table):
    X, y = table
    forest = RandomForestRegressor(12, monotonic_cst=[1, 0, 0, 0, 0], random_state=0)
    model = make_pipeline(encoder(), forest).fit(X, y)
    told = sum_of(model, X, "up", "increasing", model.predict)
    assert told.holds and "every tree" in told.scope
    for direction in SIGN:
        told = sum_of(model, X, "free", direction, model.predict)
        assert told.holds is False
        check_counterexample(told, model.predict, X)


def test_a_class_of_a_forest(table):
    X, y = table
    forest = RandomForestClassifier(
        8, monotonic_cst=[1, 0, 0, 0, 0], min_samples_leaf=5, random_state=0
    )
    model = make_pipeline(encoder(), forest).fit(X, y > y.median())
    for k, direction in [(1, "increasing"), (0, "decreasing")]:
        told = sum_of(
            model,
            X,
            "up",
            direction,
            lambda rows, k=k: model.predict_proba(rows)[:, k],
            position=(0, k),
        )
        assert told.holds


def test_trees_that_make_up_for_each_other_leave_it_undecided():
    X = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
    forest = RandomForestRegressor(2, bootstrap=False, random_state=0).fit(X, [0, 1, 2])
    forest.estimators_[0] = DecisionTreeRegressor().fit(X.to_numpy(), [0.0, 1.0, 0.5])
    forest.estimators_[1] = DecisionTreeRegressor().fit(X.to_numpy(), [0.0, 0.0, 1.0])
    model = make_pipeline(forest)
    told = monotone_sum(
        native.read(forest),
        native.splits(forest),
        FeatureMap.of(None, X),
        "x",
        reference=X,
        output_of=model.predict,
    )
    assert told.holds is None and told.scope.startswith("1 of 2 trees")
    assert "undecided" in told.to_text()


# --- unused columns ------------------------------------------------------------------------------


def test_unused_columns_do_not_matter_to_german_credit():
    data = load_german_credit()
    X, y = data.data, data.target
    words = [c for c in X if X[c].dtype.kind not in "if"]
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), words), remainder="passthrough"
    )
    tree = DecisionTreeClassifier(max_leaf_nodes=6, random_state=0)
    model = make_pipeline(encode, tree).fit(X, y)
    feature_map = FeatureMap.of(model[:-1], X)
    names = unused(native.splits(model[-1]), feature_map)
    rules = rules_of(model[-1], X, model[:-1])
    assert names == unused_by_rules(rules)
    used = [c for c in X if c not in names]
    assert len(names) >= X.shape[1] - 5 and used
    rng = np.random.default_rng(0)
    expected = model.predict_proba(X)
    for name in X:
        shuffled = X.assign(**{name: X[name].to_numpy()[rng.permutation(len(X))]})
        same = np.array_equal(model.predict_proba(shuffled), expected)
        assert same == (name in names)


def test_columns_behind_derived_ones_are_used():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 4)), columns=list("abcd"))
    encode = make_column_transformer((PCA(1), ["a", "b"]), remainder="passthrough")
    Z = encode.fit_transform(X)
    tree = DecisionTreeRegressor(max_leaf_nodes=4, random_state=0).fit(Z, Z[:, 0])
    feature_map = FeatureMap.of(encode, X)
    assert unused(native.splits(tree), feature_map) == ("c", "d")
    assert unused_by_rules(rules_of(tree, X, encode)) == ("c", "d")


# --- what is refused, and texts ------------------------------------------------------------------


def test_arguments_are_checked():
    columns = (Column("x"), Column("c", "category", ("a",)), Column("pca0", "derived"))
    rules = RuleSet(columns, (Rule((), np.zeros((1, 1))),))
    for name in ("c", "pca0", "y"):
        with pytest.raises(ValueError, match=r"raw columns of numbers, \['x'\]"):
            monotone(rules, name, outputs=[0.0])
    with pytest.raises(ValueError, match="direction must be one of"):
        monotone(rules, "x", "up", outputs=[0.0])
    with pytest.raises(ValueError, match="one a rule"):
        monotone(rules, "x", outputs=[0.0, 1.0])
    told = monotone(rules, "x", outputs=[0.0])
    assert told.holds and "no rule asks for it" in told.scope


def test_outputs_of_rules():
    value = np.array([[0.2, 0.3, 0.5]])
    rules = RuleSet((Column("x"),), (Rule((), value),), (np.array(["a", "b", "c"]),))
    assert rule_outputs(rules, "b").tolist() == [0.3]
    for label in (None, "d"):
        with pytest.raises(ValueError, match=r"one of the classes \['a', 'b', 'c'\]"):
            rule_outputs(rules, label)
    numbers = RuleSet((Column("x"),), (Rule((), np.array([[1.0], [2.0]])),))
    assert [rule_outputs(numbers, target=o).tolist() for o in (0, 1)] == [[1.0], [2.0]]


def test_texts():
    rows = pd.DataFrame({"age": [20, 30]})
    told = Monotone("age", "decreasing", False, rows, (0.25, 0.5), "two rules")
    assert told.to_text() == (
        "never rises in age: refuted by 20 -> 30, output 0.25 -> 0.5 (two rules)"
    )


@pytest.mark.parametrize("label", ["bad", "good"])
@pytest.mark.parametrize("column", ["tied", "free"])
def test_a_boosters_log_odds_are_of_the_second_class(label, column):
    """What is said of either class is what the model's own probabilities do."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"tied": rng.integers(0, 30, 400), "free": rng.integers(0, 30, 400)})
    y = np.where(X["tied"] + 10 * np.sin(X["free"]) + rng.normal(size=400) > 15, "good", "bad")
    model = LGBMClassifier(
        n_estimators=20, n_jobs=1, verbose=-1, monotone_constraints=[1, 0], random_state=0
    ).fit(X, y)
    ex = explain(model, X)
    k = list(model.classes_).index(label)
    for direction in ("increasing", "decreasing"):
        found = ex.monotone(column, direction, label=label)
        assert found.direction == direction
        truth = column == "tied" and (direction == "increasing") == (label == "good")
        assert found.holds is truth
        if not truth:
            p = model.predict_proba(found.counterexample)[:, k]
            np.testing.assert_allclose(p, found.outputs, atol=1e-12)
            assert p[0] > p[1] if direction == "increasing" else p[0] < p[1]
    with pytest.raises(ValueError, match="direction"):
        ex.monotone(column, "sideways", label=label)
