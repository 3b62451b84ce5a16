"""The package against independent programs and against textbook recursions.

`reference/` holds what rpart, Weka, imodels, scikit-learn and an exact search returned on fixed
tables; its README says which program made which file. Where no program exists, `naive.py` holds
the textbook's own recursion. The first section proves those twins on the same files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import laws
import naive
import numpy as np
import pandas as pd
import pytest
import strategies as own
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import kernels
from treeprune.path import PruningPath
from treeprune.pruning import METHODS, pruning_path, shrink
from treeprune.pruning.methods import error_estimate
from treeprune.pruning.steps import group_steps
from treeprune.pruning.tree_path import shrink_values
from treeprune.selection import aligned_steps

HERE = Path(__file__).parent / "reference"
CLASSIFIED = ["german", "compas", "hmda", "synth_cls"]
FRAMES = sorted(p.name.removesuffix("__frame_unpruned.csv.gz") for p in HERE.glob("rpart_trees/*"))
LAMBDAS = sorted(p.stem.split("lambda")[1] for p in HERE.glob("shrinkage/*lambda*"))
COUNTS = ["count0", "count1"]
assert len(FRAMES) == 9 and len(LAMBDAS) == 7, "files of tests/reference are missing"


@cache
def table(name):
    """Features, target, and the mask of the training rows of a reference table."""
    frame = pd.read_csv(HERE / "tables" / f"{name}.csv.gz")
    X = frame.drop(columns=["fold", "split", "y"]).to_numpy()
    return X, frame["y"].to_numpy(), (frame["split"] == "train").to_numpy()


@cache
def grown(name, criterion, split="all", min_leaf=1, alpha=0.0):
    """The tree that the reference files were made with, on all rows or on the training rows."""
    X, y, train = table(name)
    rows = train if split == "train" else np.ones_like(train)
    kind = DecisionTreeRegressor if criterion == "squared_error" else DecisionTreeClassifier
    model = kind(
        criterion=criterion,
        max_depth=30,
        min_samples_leaf=min_leaf,
        ccp_alpha=alpha,
        random_state=0,
    )
    return model.fit(X[rows], y[rows])


def rpart_tree(tag):
    """Structure and frame of one of rpart's trees: the children of node k are 2k and 2k + 1."""
    frame = pd.read_csv(HERE / "rpart_trees" / f"{tag}__frame_unpruned.csv.gz")
    row = {node: i for i, node in enumerate(frame["node"])}
    left = [row.get(2 * node, -1) for node in frame["node"]]
    right = [row.get(2 * node + 1, -1) for node in frame["node"]]
    return own.structure(left, right), frame


def weka_tree(name):
    """Structure and class counts of Weka's unpruned tree, and how many leaves Weka kept."""
    frame = pd.read_csv(HERE / "weka" / f"{name}.csv")
    summary = pd.read_csv(HERE / "weka" / "summary.csv")
    kept = summary.query("weka == '3.9.7' and data == @name and tag == 'j48_noraise_nocollapse'")
    counts = frame[COUNTS].to_numpy(float)
    return own.structure(frame["left"], frame["right"]), counts, int(kept["leaves"].item())


def stored_path(program, name):
    return pd.read_csv(HERE / program / name)


def free(tree):
    return np.zeros(tree.n_nodes, bool)


# ----------------------------------------------------------------------------- twins first


@pytest.mark.parametrize("tag", FRAMES)
def test_naive_weakest_link_equals_the_exact_search(tag):
    tree, frame = rpart_tree(tag)
    exact = stored_path("exact", f"{tag}__path.csv")
    risk = frame["dev"].to_numpy(float)
    strength = naive.weakest_link(tree.left, tree.right, risk)
    steps, removed_at = naive.group_steps(strength, risk[0])
    assert_allclose(steps[1:], exact["alpha"][1:], rtol=1e-12)
    sizes = [1 + np.sum(removed_at > s) for s in range(len(steps))]
    assert_array_equal(sizes, exact["n_leaves"])
    sums = naive.step_sums(tree.parent, removed_at, risk, len(steps))
    assert_allclose(sums, exact["risk"], rtol=1e-12)


@pytest.mark.parametrize("name", ["german", "compas"])
def test_naive_error_based_equals_weka(name):
    tree, counts, kept = weka_tree(name)
    cut = naive.error_based(tree.left, tree.right, counts)
    assert len(naive.leaf_set(tree.left, tree.right, cut)) == kept


@pytest.mark.parametrize("lam", LAMBDAS)
def test_naive_shrink_equals_imodels(lam):
    tree, frame = shrinkage_tree()
    n, value = frame["n"].to_numpy(float), frame["value"].to_numpy()
    shrunk = naive.shrink(tree.left, tree.right, value, n, float(lam))
    assert_allclose(shrunk, shrunken_values(lam), rtol=1e-12, atol=1e-15)


# ----------------------------------------------------------------------------- scikit-learn


def grouped(alphas, scale):
    """First and last of each group of equal strengths; 1e-19 and the like are zero gain."""
    alphas = np.where(np.abs(alphas) <= 1e-12 * scale, 0.0, alphas)
    steps, group = naive.group_steps(alphas, scale)
    members = [alphas[group == g] for g in range(1, len(steps))]
    return np.array([m.min() for m in members]), np.array([m.max() for m in members])


IMPURITY = [(name, c) for name in CLASSIFIED for c in ("gini", "entropy")]
IMPURITY.append(("synth_reg", "squared_error"))


@pytest.mark.parametrize("name, criterion", IMPURITY)
def test_strengths_equal_scikit_learns_alphas(name, criterion):
    X, y, _ = table(name)
    model = grown(name, criterion)
    path = pruning_path(model)
    laws.assert_path(path)
    sources = [model.cost_complexity_pruning_path(X, y).ccp_alphas]
    if criterion != "entropy":
        tag = "mse" if criterion == "squared_error" else "gini"
        sources.append(stored_path("sklearn", f"{name}__{tag}_path.csv.gz")["ccp_alpha"].to_numpy())
    scale = model.tree_.impurity[0]
    for alphas in sources:
        first, last = grouped(alphas[1:], scale)  # the first one is the tree as grown
        ours = path.strength[1:]
        assert len(ours) == len(first)
        # The tree's impurities are sums of about 1: no more digits are in the smallest alphas.
        assert_allclose(ours, first, rtol=1e-10, atol=1e-15 * scale)
        assert_allclose(ours, last, rtol=1e-10, atol=1e-15 * scale)


@pytest.mark.parametrize("name, criterion", IMPURITY)
def test_cuts_predict_as_trees_grown_with_ccp_alpha(name, criterion):
    """At the midpoint between neighbouring alphas: all steps of small paths, some of long ones."""
    X, y, _ = table(name)
    path = pruning_path(grown(name, criterion))
    steps = range(1, len(path)) if len(path) < 100 else laws.some_steps(path, 13)[1:]
    if name == "compas":
        steps = laws.some_steps(path, 10)[1:]
    for step in steps:
        low = path.strength[step]
        high = path.strength[step + 1] if step + 1 < len(path) else 3 * low
        # Not `grown`: hundreds of trees need not be kept.
        model = path.model
        refit = type(model)(**{**model.get_params(), "ccp_alpha": (low + high) / 2}).fit(X, y)
        cut = path.cut(step)
        assert cut.get_n_leaves() == refit.get_n_leaves() == path.size[step]
        laws.assert_same_predictions(cut, refit, X)


@pytest.mark.parametrize("rows", ["stored", "given"])
@pytest.mark.parametrize("name", CLASSIFIED)
def test_error_risk_on_scikit_learns_trees_equals_the_exact_search(name, rows):
    X, y, _ = table(name)
    exact = stored_path("sklearn", f"{name}__misclass_path_exact.csv.gz")
    data = (X, y) if rows == "given" else ()
    path = pruning_path(grown(name, "gini"), *data, method="cost_complexity", risk="error")
    laws.assert_path(path)
    assert_array_equal(path.size, exact["n_leaves"])
    assert_allclose(path.strength[1:] * len(y), exact["alpha"][1:], rtol=1e-10, atol=1e-12)
    assert_allclose(path.risk * len(y), exact["errors"], rtol=1e-10, atol=1e-9)


# ----------------------------------------------------------------------------- rpart's trees


@pytest.mark.parametrize("tag", FRAMES)
def test_error_cost_and_weighted_risks_equal_the_exact_search(tag):
    tree, frame = rpart_tree(tag)
    exact = stored_path("exact", f"{tag}__path.csv")
    risk = frame["dev"].to_numpy(float)
    strength = kernels.weakest_link(tree.left, tree.right, tree.parent, risk, free(tree))
    steps, removed_at = group_steps(strength, risk[0])
    assert steps[0] == -np.inf
    assert_allclose(steps[1:], exact["alpha"][1:], rtol=1e-12)
    sizes = [1 + np.sum(removed_at > s) for s in range(len(steps))]
    assert_array_equal(sizes, exact["n_leaves"])
    sums = kernels.step_sums(tree.left, tree.right, tree.parent, removed_at, risk, len(steps))
    assert_allclose(sums, exact["risk"], rtol=1e-12, atol=1e-9)


def test_squared_error_risk_equals_the_exact_search_on_rparts_tree():
    """Fully grown, rpart's and scikit-learn's regression trees are the same one."""
    X, y, _ = table("synth_reg")
    exact = stored_path("exact", "synth_reg__anova__path.csv")
    model = grown("synth_reg", "squared_error")
    for path in (
        pruning_path(model, risk="squared_error"),
        pruning_path(model, X, y, risk="squared_error"),
    ):
        assert_array_equal(path.size, exact["n_leaves"])
        total = exact["risk"].iloc[-1]
        assert_allclose(
            path.strength[1:] * len(y), exact["alpha"][1:], rtol=1e-10, atol=1e-14 * total
        )
        assert_allclose(path.risk * len(y), exact["risk"], rtol=1e-10, atol=1e-14 * total)


@pytest.mark.parametrize("tag", ["german__loss5", "german__wt"])
def test_cost_and_weights_of_rparts_trees_are_what_the_frame_says(tag):
    """The risks that the exact search used are those that the methods compute from counts."""
    _, frame = rpart_tree(tag)
    counts = frame[COUNTS].to_numpy(float)
    cost = np.array([[0, 1], [5 if "loss5" in tag else 1, 0]], float)
    decision = [naive.cost_decision(c, cost) for c in counts]
    risk = [c @ cost[:, d] for c, d in zip(counts, decision, strict=True)]
    assert_allclose(risk, frame["dev"], rtol=1e-12)


# ----------------------------------------------------------------------------- Weka, imodels


@pytest.mark.parametrize("name", ["german", "compas"])
def test_error_based_keeps_as_many_leaves_as_weka(name):
    tree, counts, kept = weka_tree(name)
    n, errors = counts.sum(axis=1), naive.leaf_errors(counts)
    estimate = error_estimate(n, errors, 0.25)
    cut = kernels.bottom_up(tree.left, tree.right, estimate, 0.1, free(tree))
    assert len(naive.leaf_set(tree.left, tree.right, cut)) == kept
    twin = naive.error_based(tree.left, tree.right, counts)
    assert_array_equal(cut, twin)


@given(
    st.lists(st.tuples(st.integers(0, 4000), st.floats(0, 1)), min_size=1, max_size=20),
    st.sampled_from([0.01, 0.1, 0.25, 0.5]),
)
def test_error_estimate_equals_the_formula(drawn, confidence):
    """Hundredths of rows: fewer than one row, fewer than one error and nothing but errors."""
    n = np.array([d[0] / 100 for d in drawn])
    errors = np.array([round(d[0] * d[1]) / 100 for d in drawn])
    expected = [naive.error_estimate(*pair, confidence) for pair in zip(n, errors, strict=True)]
    assert_allclose(error_estimate(n, errors, confidence), expected, rtol=1e-9, atol=1e-12)


def shrinkage_tree():
    frame = pd.read_csv(HERE / "shrinkage" / "german__tree.csv")
    return own.structure(frame["left"], frame["right"]), frame


def shrunken_values(lam):
    return pd.read_csv(HERE / "shrinkage" / f"german__lambda{lam}.csv")["value"].to_numpy()


@pytest.mark.parametrize("lam", LAMBDAS)
def test_shrunken_values_equal_imodels(lam):
    tree, frame = shrinkage_tree()
    value = frame["value"].to_numpy()[:, None, None]
    shrunk = shrink_values(tree.parent, value, frame["n"].to_numpy(float), float(lam))
    assert shrunk.shape == value.shape
    assert_allclose(shrunk[:, 0, 0], shrunken_values(lam), rtol=1e-12, atol=1e-15)


@given(own.fitted(kinds=("tree", "extra_tree"), max_outputs=1), st.sampled_from([0.0, 0.5, 20.0]))
def test_shrink_equals_the_formula_in_every_node(case, lam):
    model, *_ = case
    t = model.tree_
    values = t.value[:, 0, :]
    shrunk = naive.shrink(t.children_left, t.children_right, values, t.weighted_n_node_samples, lam)
    assert_allclose(shrink(model, lam).tree_.value[:, 0, :], shrunk, rtol=1e-12, atol=1e-14)


# ----------------------------------------------------------------------------- textbooks


def node_rows(model, X):
    """Which rows pass which nodes, by scikit-learn's own `decision_path`: (n_rows, n_nodes)."""
    return model.decision_path(X).toarray().astype(float)


def node_counts(model, X, y, w):
    """Weight of each class in each node, from the raw rows."""
    w = np.ones(len(y)) if w is None else w
    classes = np.arange(model.n_classes_)
    return node_rows(model, X).T @ (w[:, None] * (y[:, None] == classes))


def holdout_errors(model, X, y, w):
    """Weight of the rows in each node that are not of the class the node itself answers."""
    counts = node_counts(model, X, y, w)
    answer = np.argmax(model.tree_.value[:, 0, :], axis=1)
    return counts.sum(axis=1) - counts[np.arange(len(counts)), answer]


def assert_cut_is(path, strength, twin):
    """The model cut at `strength` has the leaves that the textbook's recursion leaves."""
    step = path.step_for(strength=strength)
    trees = path.trees
    assert laws.leaves(path, step) == naive.leaf_set(trees.left, trees.right, twin)


def children(model):
    return model.tree_.children_left, model.tree_.children_right


LEVELS = [0.0, 0.5, 1.0, 2.0]


def assert_textbook_cuts(model, X, y, w):
    """The methods that read the training counts, against their recursions on the raw rows."""
    counts = node_counts(model, X, y, w)
    for m in (0.0, 2.0, 25.0):
        method = METHODS["minimum_error"].with_options(m=m)
        twin = naive.minimum_error(*children(model), counts, m)
        for rows in ((), (X, y)):
            path = pruning_path(model, *rows, method=method, sample_weight=w if rows else None)
            laws.assert_path(path)
            assert_cut_is(path, 0.0, twin)
    path = pruning_path(model, method="pessimistic")
    laws.assert_path(path)
    for level in LEVELS:
        twin = naive.pessimistic(*children(model), counts, level)
        assert_cut_is(path, level, twin)
    for confidence in (0.05, 0.25):
        method = METHODS["error_based"].with_options(confidence=confidence)
        path = pruning_path(model, method=method)
        laws.assert_path(path)
        twin = naive.error_based(*children(model), counts, confidence)
        assert_cut_is(path, 0.0, twin)


@pytest.mark.parametrize("name", ["german", "compas"])
@pytest.mark.parametrize("weights", ["none", "fractional"])
def test_textbook_cuts_on_real_tables(name, weights):
    X, y, train = table(name)
    w = np.round(np.random.default_rng(0).uniform(0.05, 2, len(y)), 2)
    w = None if weights == "none" else w[train]
    model = DecisionTreeClassifier(random_state=0, max_depth=30).fit(X[train], y[train], w)
    assert_textbook_cuts(model, X[train], y[train], w)


WEIGHTS = ("none", "integer", "fractional")
SINGLE = {"kinds": ("tree", "extra_tree"), "max_outputs": 1}


@pytest.mark.parametrize("weights", WEIGHTS)
@given(data=st.data())
def test_textbook_cuts_on_random_trees(weights, data):
    case = own.fitted(**SINGLE, tasks=("classification",), weights=(weights,), max_rows=200)
    assert_textbook_cuts(*data.draw(case))


@pytest.mark.parametrize("weights", ["none", "fractional"])
@pytest.mark.parametrize("name", ["german", "compas"])
def test_reduced_error_on_real_tables(name, weights):
    X, y, train = table(name)
    model = grown(name, "gini", split="train")
    X, y = X[~train], y[~train]
    w = np.round(np.random.default_rng(1).uniform(0.05, 2, len(y)), 2)
    w = None if weights == "none" else w
    path = pruning_path(model, X, y, method="reduced_error", sample_weight=w)
    laws.assert_path(path)
    twin = naive.reduced_error(*children(model), holdout_errors(model, X, y, w))
    assert_cut_is(path, 0.0, twin)


@given(own.fitted(**SINGLE, tasks=("classification",)), st.integers(0, 99), st.booleans())
def test_reduced_error_on_random_trees(case, seed, reweigh):
    """Held-out rows with two-decimal weights; the model's class weights count for them too."""
    model, X, y, w = case
    rng = np.random.default_rng(seed)
    class_weight = None
    if reweigh:
        class_weight = {c: float(1 + c) for c in model.classes_}
        model = type(model)(**{**model.get_params(), "class_weight": class_weight})
        model.fit(X, y, sample_weight=w)
    X = np.round(X + rng.integers(-1, 2, X.shape))
    y = rng.permutation(y) if seed % 2 else y
    held_w = np.round(rng.uniform(0.01, 2, len(y)), 2)
    path = pruning_path(model, X, y, method="reduced_error", sample_weight=held_w)
    laws.assert_path(path)
    full_w = held_w * (1 + y) if reweigh else held_w
    twin = naive.reduced_error(*children(model), holdout_errors(model, X, y, full_w))
    assert_cut_is(path, 0.0, twin)


@given(own.fitted(**SINGLE, tasks=("regression",)), st.integers(0, 99))
def test_reduced_error_of_regression_trees_by_squared_error(case, seed):
    model, X, y, _ = case
    rng = np.random.default_rng(seed)
    y = y + rng.normal(size=len(y))
    w = np.round(rng.uniform(0.01, 2, len(y)), 2)
    squares = (y[:, None] - model.tree_.value[:, 0, 0]) ** 2
    errors = (node_rows(model, X) * squares).T @ w
    path = pruning_path(model, X, y, method="reduced_error", sample_weight=w)
    laws.assert_path(path)
    slack = 1e-9 * max(1.0, errors.max())
    assert_cut_is(path, 0.0, naive.bottom_up(*children(model), errors, slack))


@given(own.fitted(**SINGLE, tasks=("classification",)), st.integers(0, 99))
def test_few_held_out_rows_leave_a_lawful_path(case, seed):
    """Most nodes see no row at all: every method that can be given rows stays lawful."""
    model, X, y, _ = case
    rows = np.random.default_rng(seed).choice(len(y), size=2)
    for name in laws.TREE_METHODS:
        path = laws.assert_no_warning(
            lambda name=name: pruning_path(model, X[rows], y[rows], method=name)
        )
        laws.assert_path(path)


@given(own.fitted(**SINGLE, tasks=("classification",), weights=("fractional",)))
def test_pessimistic_on_weights_far_below_one(case):
    """Weights that sum to one, as surveys have them: half an error a leaf outweighs all rows."""
    model, X, y, w = case
    w = w / w.sum()
    model = type(model)(**model.get_params()).fit(X, y, sample_weight=w)
    counts = node_counts(model, X, y, w)
    path = laws.assert_no_warning(lambda: pruning_path(model, method="pessimistic"))
    laws.assert_path(path)
    for level in LEVELS:
        assert_cut_is(path, level, naive.pessimistic(*children(model), counts, level))


@given(own.fitted(**SINGLE, tasks=("classification",), weights=("none",)), st.integers(0, 99))
def test_agreement_is_reduced_error_with_the_models_own_answers(case, seed):
    model, X, _, _ = case
    X = np.round(X + np.random.default_rng(seed).integers(-1, 2, X.shape))
    path = pruning_path(model, X, method="agreement")
    errors = holdout_errors(model, X, model.predict(X), None)
    strength = naive.weakest_link(*children(model), errors)
    steps, removed_at = naive.group_steps(strength, errors.max())
    assert_array_equal(path.removed_at, removed_at)
    assert_allclose(path.strength[1:] * len(X), steps[1:], atol=1e-9)
    laws.assert_risks_add_up(path, errors / len(X))


# ----------------------------------------------------------------------------- brute force


def classification_risks(model, X, y, w, risk, cost):
    """Loss of every node's rows if the node were a leaf, row by row, per unit of weight."""
    inside = node_rows(model, X)
    value = model.tree_.value[:, 0, :]
    half = 0.5 if risk == "brier" and value.shape[1] == 2 else 1.0
    out = np.zeros(len(value))
    for t in range(len(value)):
        rows = np.flatnonzero(inside[:, t])
        out[t] = sum(w[i] * half * naive.row_loss(risk, value[t], y[i], cost) for i in rows)
    return out / w.sum()


RISKS = {
    "classification": ["impurity", "error", "cost", "log_loss", "brier"],
    "regression": ["impurity", "squared_error"],
}


@settings(max_examples=80)
@given(own.fitted(**SINGLE, max_rows=50, weights=WEIGHTS), st.data())
def test_cuts_are_the_cheapest_subtrees(case, data):
    """Random trees at random strengths: no pruned subtree has less risk + strength * leaves."""
    model, X, y, w = case
    task = "classification" if hasattr(model, "classes_") else "regression"
    risk = data.draw(st.sampled_from(RISKS[task]))
    ones = np.ones(len(y)) if w is None else w
    t = model.tree_
    cost, options = None, {}
    if risk == "cost":
        k = model.n_classes_
        cost = np.round(np.random.default_rng(k).uniform(0.5, 5, (k, k)), 1) * (1 - np.eye(k))
        options = {"cost_matrix": cost}
    if risk == "impurity":
        node_risk = t.impurity * t.weighted_n_node_samples / t.weighted_n_node_samples[0]
    else:
        node_risk = classification_risks(model, X, y, ones, risk, cost)
    rows = (X, y) if data.draw(st.booleans()) else ()
    path = pruning_path(model, *rows, risk=risk, sample_weight=w if len(rows) else None, **options)
    laws.assert_path(path)
    laws.assert_risks_add_up(path, node_risk)
    high = 1.1 * abs(path.strength[-1]) if len(path) > 1 else 1.0
    for alpha in data.draw(st.lists(st.floats(0, 1), min_size=1, max_size=5)):
        alpha *= high
        step = path.step_for(strength=alpha)
        found = sum(node_risk[leaf] + alpha for leaf in laws.leaves(path, step))
        best = naive.best_subtree(*children(model), node_risk, alpha)
        assert found == pytest.approx(best, rel=1e-9, abs=1e-10 * max(1.0, node_risk.max()))


@given(own.fitted(kinds=("forest", "extra_trees"), max_rows=40, max_outputs=2), st.data())
def test_cuts_of_forests_are_the_cheapest_subforests(case, data):
    """The trees of a forest are pruned jointly, each with its own total weight."""
    model, *_ = case
    path = pruning_path(model)
    laws.assert_path(path)
    trees = path.trees
    ends = np.append(trees.roots[1:], trees.n_nodes)
    total = np.repeat(trees.weight[trees.roots], ends - trees.roots)
    node_risk = trees.impurity * trees.weight / total
    laws.assert_risks_add_up(path, node_risk)
    for share in data.draw(st.lists(st.floats(0, 1.1), min_size=1, max_size=3)):
        alpha = share * path.strength[-1] if len(path) > 1 else share
        step = path.step_for(strength=alpha)
        found = sum(node_risk[leaf] + alpha for leaf in laws.leaves(path, step))
        best = naive.best_subtree(trees.left, trees.right, node_risk, alpha)
        assert found == pytest.approx(best, rel=1e-9, abs=1e-10 * max(1.0, node_risk.max()))


@given(own.fitted(**SINGLE, tasks=("classification",), max_rows=30, weights=WEIGHTS))
def test_risks_of_steps_equal_the_losses_of_their_rows(case):
    """The path's risk is the mean loss of the model of that step, evaluated row by row."""
    model, X, y, w = case
    ones = np.ones(len(y)) if w is None else w
    cost = 1.0 - np.eye(model.n_classes_)
    cost[0] *= 5
    value = model.tree_.value[:, 0, :]
    leaf = model.apply(X)[:, None]
    for risk in RISKS["classification"][1:]:
        matrix = {"cost_matrix": cost} if risk == "cost" else {}
        path = pruning_path(model, X, y, risk=risk, sample_weight=w, **matrix)
        losses = naive.path_losses(
            risk, leaf, path.trees.parent, path.removed_at, len(path), value, y, ones, cost
        )
        half = 0.5 if risk == "brier" and model.n_classes_ == 2 else 1.0
        assert_allclose(path.risk, half * losses / ones.sum(), rtol=1e-9, atol=1e-12)


# ----------------------------------------------------------------------------- folds


def bare_path(strength, size=None):
    """A path of these strengths and sizes, without a model."""
    n = len(strength)
    size = np.arange(n, 0, -1) if size is None else np.asarray(size)
    strength = np.asarray(strength, float)
    return PruningPath(None, None, np.zeros(1, np.int32), strength, size, np.zeros(n), "any")


@st.composite
def strengths(draw):
    """Strengths of a path: -inf, perhaps 0, then rising over many orders of magnitude."""
    powers = draw(st.lists(st.integers(-40, 3), min_size=1, max_size=9, unique=True))
    zero = [0.0] if draw(st.booleans()) else []
    return [-np.inf, *zero, *(2.0**k for k in sorted(powers))]


@given(strengths(), strengths())
def test_folds_are_asked_at_geometric_means(whole, fold):
    fast = aligned_steps(bare_path(whole), bare_path(fold), METHODS["cost_complexity"])
    assert_array_equal(fast, naive.align(whole, fold))


@given(st.integers(2, 6), st.integers(1, 12), st.integers(0, 10_000))
def test_one_se_is_the_smallest_model_within_a_standard_error(n_folds, n_steps, seed):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=n_steps) + rng.normal(size=(n_folds, n_steps))
    size = np.sort(rng.choice(100, size=n_steps, replace=False))[::-1]
    mean, se = scores.mean(axis=0), scores.std(axis=0, ddof=1) / np.sqrt(n_folds)
    path = bare_path(np.arange(n_steps, dtype=float), size).scored(mean, se, "any")
    assert path.one_se_step == naive.one_se(scores, size)
