"""Sufficient reasons against all rows of a grid: what they promise, and that nothing can go."""

from __future__ import annotations

import naive_explain as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_strategies import partitions
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from treeprune import native
from treeprune.datasets import load_german_credit
from treeprune.decision import Decision
from treeprune.explain.cells import cells_of, representative
from treeprune.explain.conditions import Column, NumberCondition
from treeprune.explain.features import FeatureMap
from treeprune.explain.leaves import tree_rules
from treeprune.explain.rules import Rule, RuleSet
from treeprune.explain.sufficient import (
    outcomes,
    sufficient_columns,
    sufficient_rules,
    sufficient_values,
)


@given(partitions())
def test_columns_are_sufficient_and_minimal(rules):
    outcome = outcomes(rules)
    rows, taken = naive.grid(rules)
    for i, rule in enumerate(rules):
        kept = sufficient_columns(rules, i, outcome)
        assert set(kept) <= {c.column for c in rule.conditions}
        assert naive.is_sufficient(rules, i, kept, outcome, rows, taken)
        for column in kept:
            fewer = set(kept) - {column}
            assert not naive.is_sufficient(rules, i, fewer, outcome, rows, taken)


@given(partitions(), st.integers(0, 10_000))
def test_values_are_sufficient_and_minimal(rules, k):
    outcome = outcomes(rules)
    rows, taken = naive.grid(rules)
    row = rows[k % len(rows)]
    kept = sufficient_values(rules, list(row), outcome)
    assert naive.fixes_the_outcome(row, kept, outcome, rows, taken)
    for column in kept:
        assert not naive.fixes_the_outcome(row, set(kept) - {column}, outcome, rows, taken)
    # The row's values are tighter than its rule's limits.
    box = sufficient_columns(rules, taken[k % len(rows)], outcome)
    assert naive.fixes_the_outcome(row, box, outcome, rows, taken)


@given(partitions())
def test_overlap_is_a_row_that_meets_both(rules):
    cells = cells_of(rules)
    for column in rules.used:
        axis = naive.points(rules, column)
        met = [
            {k for k, v in enumerate(axis) if c is None or naive.meets(c, v)}
            for c in (rule.condition(column) for rule in rules)
        ]
        for i in range(len(rules)):
            assert cells.overlap(column, i).tolist() == [bool(met[i] & other) for other in met]


@given(partitions())
def test_representatives_meet_their_condition(rules):
    for rule in rules:
        for condition in rule.conditions:
            about = rules.columns[condition.column]
            assert naive.meets(condition, representative(condition, about))
            axis = naive.points(rules, condition.column)
            seen = np.array([v for v in axis if naive.meets(condition, v)] * 2)
            assert naive.meets(condition, representative(condition, about, seen))


def half(column, low):
    return NumberCondition(column, ((-np.inf, 0.0) if low else (0.0, np.inf),), False)


def quarters(*values):
    """Four rules over two columns; or three, where the first column decides alone when high."""
    sides = [(True, True), (True, False), (False, True), (False, False)]
    rules = tuple(
        Rule((half(0, a), half(1, b)), np.array([[v]]))
        for (a, b), v in zip(sides, values, strict=True)
    )
    return RuleSet((Column("x0"), Column("x1")), rules)


def test_columns_asked_last_are_dropped_first():
    # Rule 0 needs either of its columns: all rules that share one of them agree with it.
    rules = quarters(0.0, 0.0, 0.0, 1.0)
    outcome = outcomes(rules)
    assert sufficient_columns(rules, 0, outcome) == (0,)
    assert sufficient_columns(rules, 0, outcome, order=[0]) == (1,)
    assert sufficient_values(rules, [-1.0, -1.0], outcome) == (0,)
    assert sufficient_values(rules, [-1.0, -1.0], outcome, order=[0, 1]) == (1,)
    assert sufficient_columns(rules, 3, outcome) == (0, 1)


def test_a_single_outcome_needs_no_reason():
    rules = quarters(0.5, 0.5, 0.5, 0.5)
    assert [rule.conditions for rule in sufficient_rules(rules, outcomes(rules))] == [()] * 4


def test_outcomes():
    values = [[0.5, 0.3, 0.2], [0.5, 0.2, 0.3], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2]]
    rules = RuleSet(
        (Column("x"),),
        tuple(Rule((), np.array([v])) for v in values),
        (np.array(["a", "b", "c"]),),
    )
    assert outcomes(rules).tolist() == [0, 0, 1, 0]
    exact = outcomes(rules, exact=True)
    assert exact[0] == exact[3] and len(set(exact.tolist())) == 3
    assert outcomes(rules, Decision("c", cutoff=0.3)).tolist() == [0, 1, 0, 0]
    with pytest.raises(ValueError, match="a classifier with one output"):
        outcomes(quarters(0, 0, 0, 0), Decision("c", cutoff=0.3))


def test_several_outputs_are_one_outcome():
    values = [[[0.6, 0.4], [0.6, 0.4]], [[0.7, 0.3], [0.1, 0.9]], [[0.9, 0.1], [0.8, 0.2]]]
    classes = (np.array([0, 1]), np.array([0, 1]))
    rules = RuleSet((Column("x"),), tuple(Rule((), np.array(v)) for v in values), classes)
    found = outcomes(rules)
    assert found[0] == found[2] != found[1]


def test_rules_that_are_no_partition_are_refused():
    rules = RuleSet((Column("x"),), (Rule((), np.zeros((1, 1))), Rule((), np.ones((1, 1)))))
    with pytest.raises(ValueError, match="partition"):
        sufficient_columns(rules, 0, [0, 1])
    with pytest.raises(ValueError, match="one label for each"):
        sufficient_columns(rules, 0, [0, 1, 2])
    with pytest.raises(ValueError, match="more than one"):
        sufficient_values(rules, [0.0], [0, 1])
    with pytest.raises(ValueError, match="one row"):
        sufficient_values(rules, [np.zeros(2)], [0, 1])


def test_german_credit_decisions_follow_from_the_reasons_alone():
    data = load_german_credit()
    X, y = data.data, data.target
    words = [c for c in X if X[c].dtype.kind not in "if"]
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), words), remainder="passthrough"
    )
    model = make_pipeline(encode, DecisionTreeClassifier(min_samples_leaf=10, random_state=0))
    model.fit(X, y)
    feature_map = FeatureMap.of(model[:-1], X)
    tree = model[-1]
    rules = tree_rules(native.read(tree), native.splits(tree), feature_map, lambda raw: raw)
    rules = RuleSet(feature_map.columns, rules, (tree.classes_,), feature_map)
    decision = Decision(tree.classes_[0], cutoff=0.5)
    outcome = outcomes(rules, decision)
    values = rules.values(X)
    adverse = decision.decide(model.predict_proba(X)[:, 0])
    shorter = 0
    for i, reason in enumerate(sufficient_rules(rules, outcome)):
        meets = np.logical_and.reduce(
            [np.ones(len(X), bool), *(c.meets(values[c.column]) for c in reason.conditions)]
        )
        assert meets.any() and (adverse[meets] == outcome[i]).all()
        shorter += len(reason.conditions) < len(rules.rules[i].conditions)
    assert shorter > 0
    one = [v[[17]] for v in values]
    kept = sufficient_values(rules, one, outcome)
    same = np.logical_and.reduce([values[c] == one[c] for c in kept])
    assert (adverse[same] == adverse[17]).all()
