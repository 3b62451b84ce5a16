"""Several trees as one: the joint partition, its proofs, and how a model is read with it."""

from __future__ import annotations

import os
import time
import warnings
from dataclasses import replace

import naive_joint
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from treeprune import Decision, PrunedClassifier, Splits, Trees, explain, native, pruning_path
from treeprune.exceptions import UnsupportedModelError
from treeprune.explain import corners, explanation, joint, joint_kernels, proving
from treeprune.explain.corners import cell_check
from treeprune.explain.joint import joined, joint_tree
from treeprune.explain.rules import RuleSet
from treeprune.explain.view import view_of

# --- models --------------------------------------------------------------------------------------


def rows_of(seed, n=120, missing=True):
    """Two numbers with few values and one that can be a category."""
    rng = np.random.default_rng(seed)
    X = np.column_stack(
        [rng.integers(0, 6, n) / 10, rng.normal(size=n).round(1), rng.integers(0, 7, n)]
    ).astype(float)
    if missing:
        X[rng.random(X.shape) < 0.1] = np.nan
    return X, rng


def labels(X, rng, task):
    y = np.nan_to_num(X[:, 0]) * 4 + np.nan_to_num(X[:, 1]) + np.isin(X[:, 2], [1, 4, 5])
    y += rng.normal(scale=0.3, size=len(y))
    if task == "regression":
        return y
    return np.digitize(y, np.quantile(y, [0.5] if task == "binary" else [0.3, 0.7]))


@st.composite
def boosters(draw):
    """Small random boosters, with the trees and splits that they are read as."""
    task = draw(st.sampled_from(["binary", "multiclass", "regression"]))
    X, rng = rows_of(draw(st.integers(0, 10**6)), missing=draw(st.booleans()))
    cls = LGBMRegressor if task == "regression" else LGBMClassifier
    model = cls(
        n_estimators=draw(st.integers(1, 4)),
        num_leaves=draw(st.integers(2, 5)),
        min_child_samples=3,
        min_data_per_group=1,
        cat_smooth=0.0,
        cat_l2=0.0,
        max_cat_to_onehot=draw(st.sampled_from([1, 4])),
        boosting_type=draw(st.sampled_from(["gbdt", "dart"])),
        n_jobs=1,
        verbose=-1,
    )
    cats = [2] if draw(st.booleans()) else "auto"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, labels(X, rng, task), categorical_feature=cats)
    return model, X


@st.composite
def forests(draw):
    """Small random forests, of several outputs too."""
    task = draw(st.sampled_from(["binary", "multiclass", "regression"]))
    X, rng = rows_of(draw(st.integers(0, 10**6)), missing=draw(st.booleans()))
    y = labels(X, rng, task)
    if draw(st.booleans()):
        y = np.column_stack([y, labels(X[:, [1, 0, 2]], rng, task)])
    cls = RandomForestRegressor if task == "regression" else RandomForestClassifier
    n, leaves = draw(st.integers(1, 4)), draw(st.integers(2, 5))
    model = cls(n, max_leaf_nodes=leaves, random_state=draw(st.integers(0, 99)), n_jobs=1)
    return model.fit(X, y), X


# --- exactness -----------------------------------------------------------------------------------


def assert_joint(model, X):
    """A sum of trees and its joint tree agree on all combinations of values that trees tell apart.

    Bit by bit with the slow sum, to 1e-12 with the model itself; cells are no more than the leaf
    combinations that rows meet, and each is met by some row.
    """
    trees, splits = native.read(model), native.splits(model)
    one, own = joint_tree(trees, splits, leaf=native.apply(model, X))
    assert one.n_trees == 1 and one.link == trees.link
    grid = naive_joint.grid(splits)
    ends = naive_joint.leaves(trees, splits, grid)
    met = naive_joint.leaves(one, own, grid)[:, 0]
    np.testing.assert_array_equal(one.value[met], naive_joint.score(trees, ends))
    np.testing.assert_array_equal(one.value[met], trees.add_up(ends, trees.value))
    base = one.base_score.reshape(one.value.shape[1:])
    said = native.raw_score(model, grid)
    np.testing.assert_allclose(one.value[met] + base, said, rtol=0, atol=1e-12 * _size(said))
    found = joined(trees, *joint.conditions_of(splits))
    cells = found.cells(native.apply(model, grid))
    np.testing.assert_array_equal(found.value[cells], one.value[met])
    n_leaves = np.add.reduceat(trees.is_leaf, trees.roots)
    assert len(found) == one.n_leaves <= np.prod(n_leaves)
    if len(grid) < 4000:  # all combinations
        different = len(np.unique(ends, axis=0))
        assert len(np.unique(found.value[cells].reshape(len(grid), -1), axis=0)) <= len(found)
        assert len(found) <= different
        assert sorted(set(cells.tolist())) == list(range(len(found)))
    counted = np.bincount(found.cells(native.apply(model, X)), minlength=len(found))
    assert sorted(one.n_rows[one.is_leaf].tolist()) == sorted(counted.tolist())
    assert one.n_rows[0] == len(X)
    assert joint_tree(trees, splits, one.n_leaves).__class__ is tuple
    assert joint_tree(trees, splits, one.n_leaves - 1) is None


def _size(said):
    return max(1.0, float(np.abs(said).max()))


@settings(max_examples=30)
@given(boosters())
def test_random_boosters(fitted):
    assert_joint(*fitted)


@settings(max_examples=20)
@given(forests())
def test_random_forests(fitted):
    assert_joint(*fitted)


def test_the_means_of_a_split_are_those_of_its_rows():
    X, rng = rows_of(0, missing=False)
    model = ExtraTreesRegressor(3, max_leaf_nodes=4, random_state=0).fit(
        X, labels(X, rng, "regression")
    )
    trees, splits = native.read(model), native.splits(model)
    one, _ = joint_tree(trees, splits, leaf=native.apply(model, X))
    np.testing.assert_allclose(one.value[0, 0, 0], model.predict(X).mean())
    bare, _ = joint_tree(trees, splits)
    assert bare.weight.sum() == 0 and bare.value[0, 0, 0] == 0.0
    np.testing.assert_array_equal(bare.value[bare.is_leaf], one.value[one.is_leaf])


# --- made by hand --------------------------------------------------------------------------------


def summed(*parts, cast32=False, n_features=2):
    """Trees made of (column, threshold, missing_left, left, right) and numbers for leaves."""
    left, right, value, feature, threshold, missing, roots = [], [], [], [], [], [], []

    def add(part):
        at = len(left)
        for column, of in ((left, -1), (right, -1), (feature, -2), (threshold, -2.0)):
            column.append(of)
        missing.append(False)
        value.append(0.0)
        if not isinstance(part, tuple):
            value[at] = float(part)
            return at
        feature[at], threshold[at], missing[at] = part[:3]
        left[at] = add(part[3])
        right[at] = add(part[4])
        return at

    for part in parts:
        roots.append(add(part))
    n = len(left)
    ones = np.ones(n)
    trees = Trees(
        left, right, roots, np.array(value)[:, None, None], ones, ones, np.zeros(n),
        np.ones(len(roots)), average=False,
    )  # fmt: skip
    return trees, Splits(feature, threshold, missing, cast32, n_features)


def chain(n, column, value=1.0, deep_left=False, shift=0.0):
    """A tree of n splits of one column, each under the last; as arrays, for it is too deep."""
    t = np.arange(2 * n + 1)
    inner = t % 2 == 0
    inner[-1] = False
    near, far = np.where(inner, t + 1, -1), np.where(inner, t + 2, -1)
    threshold = np.where(inner, t / 2 + shift, -2.0)
    if deep_left:
        near, far, threshold = far, near, np.where(inner, n - t / 2 + shift, -2.0)
    return near, far, np.where(inner, column, -2), threshold, value * t


def of_chains(*chains):
    left, right, feature, threshold, value = [], [], [], [], []
    roots, start = [], 0
    for near, far, own, limit, numbers in chains:
        roots.append(start)
        left.append(np.where(near < 0, -1, near + start))
        right.append(np.where(far < 0, -1, far + start))
        feature.append(own)
        threshold.append(limit)
        value.append(numbers)
        start += len(near)
    n = start
    trees = Trees(
        np.concatenate(left), np.concatenate(right), roots,
        np.concatenate(value)[:, None, None], np.ones(n), np.ones(n), np.zeros(n),
        np.ones(len(roots)), average=False,
    )  # fmt: skip
    splits = Splits(np.concatenate(feature), np.concatenate(threshold), np.zeros(n), False, 2)
    return trees, splits


def n_cells(trees, splits, **options):
    found = joint_tree(trees, splits, **options)
    return None if found is None else found[0].n_leaves


def test_a_branch_that_the_box_excludes_is_left_out():
    same = (0, 0.5, False, 1.0, 2.0)
    assert n_cells(*summed(same, (0, 0.5, False, 10.0, 20.0))) == 2
    assert n_cells(*summed(same, (0, 0.7, False, 10.0, 20.0))) == 3
    assert n_cells(*summed(same, (1, 0.5, False, 10.0, 20.0))) == 4
    # Missing values go another way, so that all four are possible.
    assert n_cells(*summed(same, (0, 0.5, True, 10.0, 20.0))) == 3
    assert n_cells(*summed(same, (0, np.inf, False, 10.0, 20.0))) == 3


def test_limits_between_neighbouring_floats():
    low, high = 0.1, float(np.nextafter(0.1, 1.0))
    two = ((0, low, False, 1.0, 2.0), (0, high, False, 10.0, 20.0))
    assert n_cells(*summed(*two)) == 3  # one float64 lies between
    assert n_cells(*summed(*two, cast32=True)) == 2  # no float32 does


def test_equal_neighbours_are_one_cell():
    assert n_cells(*summed((0, 0.5, False, 1.0, 1.0), (1, 0.5, False, 2.0, 3.0))) == 2
    assert n_cells(*summed((0, 0.5, False, 1.0, 2.0), (0, 0.5, False, 2.0, 1.0))) == 1
    # Merged cells merge on, and never count against `most`.
    swapped = ((0, 1.0, False, 1.0, (0, 2.0, False, 2.0, 3.0)),
               (0, 1.0, False, 3.0, (0, 2.0, False, 2.0, 1.0)))  # fmt: skip
    assert n_cells(*summed(*swapped), most=1) == 1
    assert n_cells(*summed(5.0, 6.0)) == 1


def test_a_column_of_categories_and_numbers_loses_nothing():
    """No library has such a column; both halves are then told apart as if they were two."""
    trees, splits = summed((0, 2.5, False, 1.0, 2.0), (0, -2.0, False, 10.0, 20.0))
    mixed = replace(splits, category_offsets=[0, 0, 0, 0, 2, 2, 2], category_values=[1, 4])
    one, own = joint_tree(trees, mixed)
    for x in ([1.0], [4.0], [3.0], [2.0], [np.nan], [-1.0]):
        row = np.array([[*x, 0.0]])
        told = one.value[naive_joint.leaves(one, own, row)]
        ends = naive_joint.leaves(trees, mixed, row)
        np.testing.assert_array_equal(told[:, 0], naive_joint.score(trees, ends))


@pytest.mark.parametrize("deep_left", [False, True])
def test_long_chains_neither_overflow_nor_stall(deep_left):
    n = 10_000
    start = time.perf_counter()
    same = of_chains(chain(n, 0, deep_left=deep_left), chain(n, 0, 0.25, deep_left=deep_left))
    assert n_cells(*same) in (n + 1, None)  # None: given up, as each cell walks a whole chain
    assert n_cells(*of_chains(chain(n, 0, deep_left=deep_left), chain(n, 1, 0.25))) is None
    one_way = of_chains(chain(200_000, 0, deep_left=deep_left), chain(1, 1, 0.25))
    assert n_cells(*one_way) is None
    assert time.perf_counter() - start < 20


def test_long_chains_of_few_cells():
    trees, splits = of_chains(chain(3000, 0), chain(10, 1, 0.001))
    one, _ = joint_tree(trees, splits)
    assert one.n_leaves == 3001 * 11


def test_too_many_bits_are_refused(monkeypatch):
    X, _ = rows_of(3)
    model = LGBMClassifier(
        n_estimators=2, num_leaves=4, n_jobs=1, verbose=-1, min_data_per_group=1, cat_smooth=0
    )
    model.fit(X, np.isin(X[:, 2], [1, 4]), categorical_feature=[2])
    trees, splits = native.read(model), native.splits(model)
    assert len(splits.category_values) and joint_tree(trees, splits) is not None
    monkeypatch.setattr(joint, "MOST_WORDS", 0)
    assert joint_tree(trees, splits) is None


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled")
def test_kernels_compile_with_one_signature_each():
    X, rng = rows_of(4)
    y = labels(X, rng, "binary")
    booster = LGBMClassifier(n_estimators=2, num_leaves=3, n_jobs=1, verbose=-1)
    booster.fit(X, y, categorical_feature=[2])
    for model in (booster, RandomForestClassifier(2, max_leaf_nodes=3, random_state=0).fit(X, y)):
        explain(model, X)
        joint_tree(native.read(model), native.splits(model), leaf=native.apply(model, X))
    for name in joint_kernels.__all__:
        assert len(getattr(joint_kernels, name).signatures) == 1, name


def test_large_ensembles_are_given_up_soon():
    X, y = load_breast_cancer(return_X_y=True)
    model = RandomForestClassifier(30, random_state=0, n_jobs=1).fit(X, y)
    trees, splits = native.read(model), native.splits(model)
    joint_tree(trees, splits, most=10)  # compiled
    start = time.perf_counter()
    assert joint_tree(trees, splits) is None
    assert time.perf_counter() - start < 10


# --- how models are read -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X.iloc[:, :5], y


@pytest.fixture(scope="module")
def booster(cancer):
    return LGBMClassifier(n_estimators=8, num_leaves=4, n_jobs=1, verbose=-1).fit(*cancer)


@pytest.fixture(scope="module")
def read(booster, cancer):
    return explain(booster, *cancer, decision=Decision(adverse=0, cutoff=0.5), random_state=0)


def test_a_small_booster_is_read_exactly(read, booster, cancer):
    X, y = cancer
    rules = read.rules
    assert read.view.is_exact and read.fidelity is None and rules.kind == "partition"
    assert 64 < len(rules) <= 4**8 and rules.n_trees == 8
    rng = np.random.default_rng(0)
    some = pd.DataFrame({c: rng.choice([*X[c], np.nan, -1.0, 1e9], 500) for c in X})
    np.testing.assert_allclose(
        rules.predict_proba(some), booster.predict_proba(some), rtol=0, atol=1e-12
    )
    assert all(check.passed for check in read.checks.values())
    # Weights are reference rows.
    counted = np.bincount(rules.match(X), minlength=len(rules))
    assert [rule.weight for rule in rules] == counted.tolist()
    assert rules.evaluate(X, y)["rows"].tolist() == counted.tolist()


def test_its_cells_are_proved_by_asking_the_model(read):
    check = read.checks["cells = model"]
    if check.scope != "all inputs":  # more points than `explain` asks
        read.check_cells(most_points=10**6)
        check = read.checks["cells = model"]
    assert check.passed and check.scope == "all inputs"
    assert f"{len(read.rules):,} cells" in check.detail


def test_what_it_says_of_itself(read, cancer):
    text = read.rules.to_text()
    lead = f"exact: the joint partition of 8 trees, {len(read.rules):,} cells"
    assert text.startswith(lead) and lead in read.rules.to_markdown()
    page = " ".join(read.to_text(n_rows=1).split())
    assert lead in page and "ex.surrogate" in page and "Fidelity: R²" in page
    few = explain(RandomForestClassifier(2, max_leaf_nodes=3, random_state=0).fit(*cancer), *cancer)
    page = few.to_text(n_rows=1)
    assert "exact: the joint partition of 2 trees" in page and "Fidelity" not in page
    old = replace(few.rules, n_trees=None)
    assert old.to_text().startswith("exact: the joint partition of several trees")


def test_exports_of_a_joint_partition(read, booster, cancer):
    X, _ = cancer
    said = booster.predict_proba(X)
    again = RuleSet.from_json(read.rules.to_json())
    assert again.kind == "partition"
    np.testing.assert_allclose(again.predict_proba(X), said, rtol=0, atol=1e-12)
    read.check_exports(X.iloc[:50])
    assert read.checks["Python = model"].passed
    assert len(read.rules.to_decision_table()) == len(read.rules)


def test_questions_about_an_exact_ensemble(read, booster, cancer):
    X, _ = cancer
    adverse = int(np.argmax(booster.predict_proba(X)[:, 0]))
    change = read.counterfactual(X.iloc[[adverse]])[0]
    assert change.feasible and change.exact
    assert booster.predict(change.apply(X.iloc[[adverse]]))[0] == 1
    found = read.monotone("mean area", label=0)
    assert found.holds is not None and "rules" in found.scope
    assert read.reasons(X.iloc[[adverse]])[0].reasons
    short = read.sufficient_reasons()
    assert (short["n_sufficient"] <= short["n_columns"]).all()
    assert read.unused() == tuple(
        c for c in X if c not in {read.columns[i] for i in read.rules.used}
    )


def test_many_cells_are_not_compared_pair_by_pair(read, monkeypatch):
    monkeypatch.setattr(proving, "MOST_PAIRED", 10)
    monkeypatch.setattr(explanation, "MOST_PAIRED", 10)
    for ask in (read.sufficient_reasons, read.leaf_notice_table):
        with pytest.raises(ValueError, match="at most 10 cells of a joint partition, this has"):
            ask()
    by_trees = read.monotone("mean area", label=0)
    assert "every pair of rules" not in by_trees.scope


def test_too_many_cells_are_read_through_a_surrogate(booster, cancer):
    ex = explain(booster, *cancer, most_cells=64, random_state=0)
    assert ex.rules.kind == "surrogate" and ex.fidelity.r2 > 0.8
    assert ex.surrogate.fidelity.r2 == ex.fidelity.r2
    assert "cells = model" not in ex.checks


def test_sql_of_too_many_rules_is_refused(read, monkeypatch):
    from treeprune.explain.exports import sql

    monkeypatch.setattr(sql, "MOST_RULES", 10)
    with pytest.raises(ValueError, match="at most 10 rules"):
        read.rules.to_sql("rows")


@pytest.mark.parametrize("sparse", [False, True])
def test_one_hot_columns_are_one_category(sparse):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"job": rng.choice(list("abcdefgh"), 300), "age": rng.integers(18, 70, 300)})
    y = X["job"].isin(["b", "e"]) ^ (X["age"] > 40)
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job"]),
        (StandardScaler(), ["age"]),
        sparse_threshold=1.0 if sparse else 0.0,
    )
    forest = RandomForestClassifier(6, max_leaf_nodes=6, random_state=0)
    model = make_pipeline(encode, forest).fit(X, y)
    ex = explain(model, X, y)
    assert ex.view.is_exact and ex.checks["cells = model"].scope == "all inputs"
    # A forest takes missing numbers, but not in sparse rows.
    assert ("refuses missing age" in ex.checks["cells = model"].detail) == sparse
    ages = [30.0, 41, 40, 40.5, 99, 41 if sparse else np.nan]
    odd = pd.DataFrame({"job": ["a", "never seen", "h"] * 2, "age": ages})
    np.testing.assert_allclose(ex.rules.predict_proba(odd), model.predict_proba(odd), atol=1e-12)
    # In model columns eight indicators are free of each other.
    trees, splits = native.read(forest), native.splits(forest)
    found = joint_tree(trees, splits)
    assert found is None or found[0].n_leaves > len(ex.rules)


def test_categories_of_a_booster_are_proved_too():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"job": pd.Categorical(rng.choice(list("abcdef"), 400)), "age": rng.integers(18, 70, 400)}
    )
    y = X["job"].isin(["b", "e"]).astype(float) + (X["age"] > 40)
    model = LGBMRegressor(
        n_estimators=3, num_leaves=4, min_data_per_group=1, cat_smooth=0, n_jobs=1, verbose=-1
    ).fit(X, y)
    ex = explain(model, X, y)
    assert ex.rules.kind == "partition" and 0 in ex.rules.used
    assert ex.checks["cells = model"].scope == "all inputs"


def test_derived_columns_are_exact_but_cannot_be_set(cancer):
    X, y = cancer
    forest = RandomForestClassifier(3, max_leaf_nodes=4, random_state=0)
    ex = explain(make_pipeline(PCA(2), forest).fit(X, y), X, y)
    assert ex.view.is_exact and ex.checks["rules = model"].passed
    assert "cells = model" not in ex.checks
    assert "derived columns" in cell_check(ex.view, X)


def test_several_targets(cancer):
    X, y = cancer
    both = np.column_stack([y, X["mean area"] > 600])
    ex = explain(RandomForestClassifier(3, max_leaf_nodes=3, random_state=0).fit(X, both), X)
    assert ex.view.is_exact and ex.checks["cells = model"].passed
    with pytest.raises(ValueError, match="one target"):
        _ = ex.surrogate


# --- the proof -----------------------------------------------------------------------------------


def moved(view, by):
    """The view with one limit of all its rules moved."""
    c, (limit, *_) = next((c, own) for c, own in view.limits.items() if len(own))

    def other(condition):
        if condition.column != c:
            return condition
        ends = [tuple(by(e) if e == limit else e for e in pair) for pair in condition.intervals]
        return replace(condition, intervals=tuple(ends))

    rules = tuple(
        replace(rule, conditions=tuple(map(other, rule.conditions))) for rule in view.rules
    )
    return replace(view, readable=replace(view.rules, rules=rules))


@pytest.mark.parametrize("to", [-np.inf, np.inf])
def test_a_limit_one_float_off_is_found(read, cancer, to):
    wrong = moved(read.view, lambda limit: float(np.nextafter(limit, to)))
    check = cell_check(wrong, cancer[0], most_points=10**6)
    assert not check.passed and "first differs in R" in check.detail
    assert cell_check(read.view, cancer[0], most_points=10**6).passed


def test_wrong_values_and_directions_of_missing_values_are_found(read, cancer):
    rules = list(read.rules)
    rules[7] = replace(rules[7], value=rules[7].value[:, ::-1].copy())
    wrong = replace(read.view, readable=replace(read.rules, rules=tuple(rules)))
    check = cell_check(wrong, cancer[0], most_points=10**6)
    assert not check.passed and "R8" in check.detail
    turned = tuple(
        replace(rule, conditions=tuple(replace(c, missing=not c.missing) for c in rule.conditions))
        for rule in read.rules
    )
    wrong = replace(read.view, readable=replace(read.rules, rules=turned))
    assert not cell_check(wrong, cancer[0], most_points=10**6).passed


def test_a_check_says_how_many_cells_were_asked(read, cancer):
    check = cell_check(read.view, cancer[0], most_points=30)
    asked, _, rest = check.scope.partition(" of ")
    assert check.passed and 0 < int(asked) <= 10 and rest == f"{len(read.rules):,} cells"


def test_merged_cells_are_asked_not_proved():
    """Two leaf combinations with one value: their points end in different leaves."""
    X = pd.DataFrame({"a": np.repeat([0.0, 1.0], 40), "b": np.tile([0.0, 1.0], 40)})
    model = RandomForestRegressor(2, max_leaf_nodes=2, bootstrap=False, random_state=0)
    model.fit(X, X["a"])
    trees = native.read(model)
    flat = native.write(model, trees.is_leaf, np.ones_like(trees.value))
    check = explain(flat, X).checks["cells = model"]
    assert check.passed and check.scope == "1 of 1 cells"


def test_models_that_refuse_large_numbers_are_asked_within_the_rows(cancer):
    X, y = cancer
    narrow = X * 1e-12  # scaled up, 1e30 is beyond float32
    model = make_pipeline(
        StandardScaler(), RandomForestClassifier(2, max_leaf_nodes=3, random_state=0)
    ).fit(narrow, y)
    check = explain(model, narrow, y).checks["cells = model"]
    assert check.passed and "of" in check.scope and "reference rows' ranges" in check.detail


def test_ends_of_whole_numbers():
    X = np.random.default_rng(0).integers(0, 9, (200, 2))
    model = RandomForestRegressor(2, max_leaf_nodes=4, random_state=0).fit(X, X[:, 0] * X[:, 1])
    assert explain(model, X).checks["cells = model"].scope == "all inputs"
    frame = pd.DataFrame(X, columns=["a", "b"])
    model = RandomForestRegressor(2, max_leaf_nodes=4, random_state=0).fit(frame, X[:, 0])
    assert explain(model, frame).checks["cells = model"].scope == "all inputs"


def test_ends_without_end():
    changes, rule = corners.corners(RuleSet((), ()), [], [])
    assert changes == [] and rule.tolist() == []


# --- the score stays the ensemble's --------------------------------------------------------------


def test_interpretability_is_that_of_the_ensemble(cancer, monkeypatch):
    X, y = cancer
    model = RandomForestClassifier(3, max_leaf_nodes=3, random_state=0).fit(X, y)
    score = explain(model, X).interpretability
    monkeypatch.setattr(joint, "joined", lambda *_: None)  # nothing is read exactly
    ex = explain(model, X)
    assert ex.rules.kind == "surrogate"
    for name, value in ex.interpretability.components.items():
        np.testing.assert_equal(value, score.components[name])
    lone = explain(DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y), X)
    assert lone.interpretability.components["simulate"] > score.components["simulate"]


# --- models that can only be asked ---------------------------------------------------------------


def assert_only_asked(model, other, X, y):
    """Explained through a surrogate, attributed by sampling, refused by name where pruned."""
    ex = explain(model, X, y, random_state=0)
    assert ex.rules.kind == "surrogate" and ex.fidelity.r2 > 0.4 and ex.view.trees is None
    found = ex.attributions(X.iloc[:2])
    total = np.asarray(found.values).sum(axis=1) + found.base_values
    said = ex.output(X.iloc[:2])[:, 0, :]
    np.testing.assert_allclose(total.reshape(said.shape), said, atol=1e-5)
    with pytest.raises(ValueError, match="trees and sums of trees"):
        ex.monotone(X.columns[0])
    name = type(model).__name__
    says = f"{name} can be explained through a surrogate.* cannot be pruned; {other} can"
    with pytest.raises(UnsupportedModelError, match=says):
        pruning_path(model, X, y)
    if hasattr(model, "classes_"):
        with pytest.raises(UnsupportedModelError, match=says):
            PrunedClassifier(model).fit(X, y)


ASKED_ONLY = {
    "hist": (HistGradientBoostingClassifier(max_iter=10, random_state=0), "LGBMClassifier"),
    "hist regression": (HistGradientBoostingRegressor(max_iter=10), "LGBMRegressor"),
    "gradient": (GradientBoostingClassifier(n_estimators=5, random_state=0), "LGBMClassifier"),
}


@pytest.mark.parametrize("name", ASKED_ONLY)
def test_scikit_learns_boosting_is_only_asked(name, cancer):
    model, other = ASKED_ONLY[name]
    X, y = cancer[0].iloc[:, :3], cancer[1]
    if name == "hist regression":
        X, y = load_diabetes(return_X_y=True, as_frame=True)
        X = X.iloc[:, 2:6]
    assert_only_asked(model.fit(X, y), other, X, y)


def test_xgboost_is_only_asked(cancer):
    xgboost = pytest.importorskip("xgboost")
    X, y = cancer
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1, random_state=0)
    assert_only_asked(model.fit(X, y), "LGBMClassifier", X, y)
    forest = xgboost.XGBRFClassifier(n_estimators=5, max_depth=3, n_jobs=1, random_state=0)
    assert_only_asked(forest.fit(X, y), "RandomForestClassifier", X, y)
    y = X["mean area"] * 0.01
    model = xgboost.XGBRegressor(n_estimators=5, max_depth=3, n_jobs=1, random_state=0)
    assert_only_asked(model.fit(X, y), "LGBMRegressor", X, y)


def test_multiclass_boosters_are_read_exactly():
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = LGBMClassifier(n_estimators=2, num_leaves=3, n_jobs=1, verbose=-1).fit(X, y)
    view = view_of(model, X)
    assert view.is_exact and view.rules.n_trees == 6
    np.testing.assert_allclose(view.rules.predict_proba(X), model.predict_proba(X), atol=1e-12)


def test_a_regressor_with_an_empty_list_of_classes_is_a_regressor():
    """CatBoost's have one."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = HistGradientBoostingRegressor(max_iter=3).fit(X.iloc[:, 2:4], y)
    model.classes_ = []
    ex = explain(model, X.iloc[:, 2:4], y)
    assert not ex.rules.is_classifier and ex.unit == "target"
