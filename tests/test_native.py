"""Reading and writing native models: genuine, complete, and refused when malformed."""

from __future__ import annotations

import pickle

import laws
import numpy as np
import pandas as pd
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    export_graphviz,
    export_text,
    plot_tree,
)

from treeprune import (
    MalformedModelError,
    PrunedTreeClassifier,
    UnsupportedModelError,
    native,
    pruning_path,
)


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True, as_frame=True)


@pytest.fixture(scope="module")
def pruned(cancer):
    X, y = cancer
    return pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y)).cut(size=6)


@given(strategies.fitted())
def test_writing_all_of_it_is_the_model_again(made):
    model, X, _, _ = made
    before = laws.model_state(model)
    trees = native.read(model)
    again = native.write(model, trees.is_leaf)
    laws.assert_native_type(model, again)
    laws.assert_same_predictions(model, again, X)
    for a, b in zip(_members(model), _members(again), strict=True):
        assert (
            a.tree_.__getstate__()["nodes"].tobytes() == b.tree_.__getstate__()["nodes"].tobytes()
        )
        assert a.tree_.max_depth == b.tree_.max_depth
        assert a.tree_.value is not b.tree_.value
    laws.assert_unchanged(before, model)


@given(strategies.fitted(), st.data())
def test_any_cut_keeps_what_nodes_knew(made, data):
    model, X, _, _ = made
    trees = native.read(model)
    leaf = trees.is_leaf | np.array(
        data.draw(st.lists(st.booleans(), min_size=trees.n_nodes, max_size=trees.n_nodes))
    )
    smaller = native.write(model, leaf)
    small = native.read(smaller)  # reading checks structure and depth
    kept = [t for t in range(trees.n_nodes) if not any(leaf[a] for a in _above(trees.parent, t))]
    for name in ("value", "weight", "n_rows", "impurity"):
        np.testing.assert_array_equal(getattr(small, name), getattr(trees, name)[kept])
    # A row ends at its highest ancestor that is a leaf now.
    old, new = native.apply(model, X), native.apply(smaller, X)
    for j in range(trees.n_trees):
        for a, b in zip(old[:, j], new[:, j], strict=True):
            path = [*_above(trees.parent, a)[::-1], a]
            assert kept[b] == next(t for t in path if leaf[t])


def _above(parent, t):
    out = []
    while parent[t] >= 0:
        t = parent[t]
        out.append(t)
    return out


def _members(model):
    return getattr(model, "estimators_", None) or [model]


def test_missing_values_keep_their_direction():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = (np.nan_to_num(X[:, 0], nan=1.0) > 0) ^ (rng.random(300) < 0.1)
    X[rng.random(X.shape) < 0.3] = np.nan
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    assert native.splits(model).missing_left.any()
    path = pruning_path(model)
    for step in laws.some_steps(path):
        reference = DecisionTreeClassifier(random_state=0, ccp_alpha=_midpoint(path, step))
        laws.assert_same_predictions(reference.fit(X, y), path.cut(step), X)


def _midpoint(path, step):
    last = step + 1 == len(path)
    return path.strength[step] * 2 if last else max(0, path.strength[step : step + 2].mean())


def test_monotone_trees_stay_monotone(cancer):
    X, y = load_diabetes(return_X_y=True)
    cst = [0, 0, 1, 1, 0, 0, -1, 0, 1, 0]
    model = DecisionTreeRegressor(random_state=0, monotonic_cst=cst, min_samples_leaf=5).fit(X, y)
    path = pruning_path(model)
    rng = np.random.default_rng(0)
    grid = X[rng.integers(0, len(X), 40)]
    for step in laws.some_steps(path):
        cut = path.cut(step)
        assert cut.monotonic_cst == cst
        for j in np.flatnonzero(cst):
            rows = np.repeat(grid, 50, axis=0)
            rows[:, j] = np.tile(np.linspace(X[:, j].min(), X[:, j].max(), 50), len(grid))
            moves = np.diff(cut.predict(rows).reshape(len(grid), 50), axis=1) * cst[j]
            assert (moves >= 0).all()


def test_scikit_learns_tools_accept_a_cut(pruned, cancer):
    import matplotlib.pyplot as plt

    X, _ = cancer
    assert export_text(pruned, feature_names=list(X.columns)).count("class:") == 6
    assert "digraph" in export_graphviz(pruned)
    fig, ax = plt.subplots()
    # A box a node; arrows are annotations too, so the boxes are told by their text.
    assert sum("gini" in box.get_text() for box in plot_tree(pruned, ax=ax)) == 11
    plt.close(fig)
    assert pruned.decision_path(X).shape == (len(X), 11)
    assert set(pruned.apply(X)) == set(np.flatnonzero(pruned.tree_.children_left == -1))
    assert pruned.get_n_leaves() == 6
    again = pickle.loads(pickle.dumps(pruned))
    laws.assert_same_predictions(pruned, again, X)
    assert list(pruned.feature_names_in_) == list(X.columns)
    assert clone(pruned).fit(*cancer).get_n_leaves() > 6  # parameters, not the pruned tree
    assert pruned.cost_complexity_pruning_path(*cancer).ccp_alphas[0] == 0


def test_shap_accepts_a_cut(pruned, cancer):
    import shap

    X, _ = cancer
    explanation = shap.TreeExplainer(pruned)(X.iloc[:50])
    total = explanation.base_values + explanation.values.sum(axis=1)
    np.testing.assert_allclose(total, pruned.predict_proba(X.iloc[:50]), atol=1e-9)


@pytest.mark.parametrize("forest", [False, True])
def test_onnx_conversion_accepts_a_cut(forest, cancer):
    import onnxruntime
    from skl2onnx import to_onnx

    X, y = np.asarray(cancer[0], np.float32), cancer[1]
    grown = RandomForestClassifier(8, random_state=0) if forest else DecisionTreeClassifier()
    cut = pruning_path(grown.fit(X, y)).cut(size=40 if forest else 5)
    session = onnxruntime.InferenceSession(
        to_onnx(cut, X[:1], options={"zipmap": False}).SerializeToString()
    )
    label, proba = session.run(None, {"X": X})
    np.testing.assert_array_equal(label, cut.predict(X))
    np.testing.assert_allclose(proba, cut.predict_proba(X), atol=1e-5)


def test_converters_that_ask_for_the_exact_type(cancer):
    X, y = cancer
    model = PrunedTreeClassifier(random_state=0).fit(X, y)
    assert type(model.to_sklearn()) is DecisionTreeClassifier
    laws.assert_same_predictions(model, model.to_sklearn(), X)


def test_a_pruned_tree_that_is_cut_further_is_one_model(cancer):
    X, y = cancer
    model = PrunedTreeClassifier(random_state=0, strength=0.0).fit(X, y)
    smaller = pruning_path(model).cut(size=3)
    assert smaller.get_n_leaves() == smaller.to_sklearn().get_n_leaves() == 3
    assert not hasattr(smaller, "path_")
    laws.assert_same_predictions(smaller, smaller.to_sklearn(), X)


def test_a_forest_cut_keeps_what_forests_have(cancer):
    X, y = cancer
    model = RandomForestClassifier(5, random_state=0, oob_score=True).fit(X, y)
    cut = pruning_path(model).cut(size=30)
    assert hasattr(model, "oob_score_")
    assert not hasattr(cut, "oob_score_")  # it was the grown forest's
    assert len(cut.estimators_) == len(cut) == 5
    assert cut.decision_path(X)[0].shape[0] == len(X)
    assert cut.feature_importances_.sum() == pytest.approx(1)
    for a, b in zip(model.estimators_, cut.estimators_, strict=True):
        assert a is not b
        assert a.random_state == b.random_state


def _broken(edit):
    model = DecisionTreeClassifier(random_state=0).fit(*load_iris(return_X_y=True))
    edit(model)
    return model


@pytest.mark.parametrize(
    "edit, words",
    [
        (lambda m: m.tree_.children_left.__setitem__(2, 0), "cycle"),
        (lambda m: m.tree_.children_left.__setitem__(2, 2), "cycle"),
        (lambda m: m.tree_.children_right.__setitem__(0, 10_000), "child 10000"),
        (lambda m: m.tree_.children_right.__setitem__(0, -7), "child -7"),
        (lambda m: m.tree_.children_left.__setitem__(2, -1), "one child"),
        (lambda m: m.tree_.children_left.__setitem__(0, 3), "child of 2 nodes"),
        (lambda m: m.tree_.feature.__setitem__(0, 99), "columns 0 to 3"),
        (lambda m: m.tree_.feature.__setitem__(0, -1), "columns 0 to 3"),
        (lambda m: m.tree_.threshold.__setitem__(0, np.nan), "threshold nan"),
        (lambda m: m.tree_.threshold.__setitem__(0, -np.inf), "threshold -inf"),
        (lambda m: m.tree_.value.__setitem__((0, 0, 0), np.nan), "finite"),
        (lambda m: m.tree_.weighted_n_node_samples.__setitem__(0, -1.0), "weights"),
    ],
)
def test_malformed_trees_are_refused_by_name(edit, words):
    model = _broken(edit)
    with pytest.raises(MalformedModelError, match=words):
        native.read(model)
    with pytest.raises(MalformedModelError, match=words):
        pruning_path(model)


def test_dead_nodes_left_by_editing_are_refused():
    def edit(model):
        model.tree_.children_left[2] = model.tree_.children_right[2] = -1

    with pytest.raises(MalformedModelError, match="edited in place"):
        native.read(_broken(edit))


def test_a_wrong_depth_is_refused():
    model = DecisionTreeClassifier(random_state=0).fit(*load_iris(return_X_y=True))
    state = model.tree_.__getstate__()
    state["max_depth"] = 1
    model.tree_.__setstate__(state)
    with pytest.raises(MalformedModelError, match="depth is 1"):
        native.read(model)


def test_weights_of_mixed_sign_are_refused():
    X, y = load_iris(return_X_y=True)
    w = np.where(np.arange(150) % 7 == 0, -2.0, 1.0)
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y, sample_weight=w)
    with pytest.raises(MalformedModelError):
        native.read(_negative(model))


def _negative(model):
    model.tree_.weighted_n_node_samples[1] = -3.0
    return model


@pytest.mark.parametrize(
    "model, error, words",
    [
        (LogisticRegression(), UnsupportedModelError, "not pruned: .*; got a LogisticRegression"),
        (KNeighborsClassifier(), UnsupportedModelError, "cannot read a KNeighborsClassifier"),
        (DecisionTreeClassifier, UnsupportedModelError, "give an instance"),
        (make_pipeline(DecisionTreeClassifier()), UnsupportedModelError, "last step"),
        (DecisionTreeClassifier(), NotFittedError, "not fitted"),
        (None, UnsupportedModelError, "possible are DecisionTreeClassifier"),
    ],
)
def test_other_models_are_refused_with_what_is_possible(model, error, words):
    with pytest.raises(error, match=words):
        pruning_path(model)


def test_trees_cannot_be_changed(pruned):
    trees, splits = native.read(pruned), native.splits(pruned)
    for noun in (trees, splits):
        for name, value in vars(noun).items():
            if isinstance(value, np.ndarray):
                assert not value.flags.writeable, name
    assert splits.category_offsets.tolist() == [0]
    assert splits.category_values.size == 0


def test_names_of_columns_come_from_the_frame():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 2)), columns=["größe €", "a b"])
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, X["größe €"] > 0)
    assert native.splits(model).name(0) == "größe €"
    assert native.splits(model).feature_names == ("größe €", "a b")
    unnamed = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X.to_numpy(), X["a b"] > 0)
    assert native.splits(unnamed).name(0) == "x1"
