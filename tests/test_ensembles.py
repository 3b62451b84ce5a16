"""Pruned boosters and forests: every kernel against its twin, laws of paths on random models."""

from __future__ import annotations

import pickle
import subprocess
import sys
from inspect import signature
from typing import Any, NamedTuple

import laws
import lightgbm as lgb
import matplotlib
import naive_ensembles as naive
import numpy as np
import pytest
import strategies as own
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from lightgbm_models import CATS, TINY, frame, random_rows
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import (
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import Lasso
from sklearn.metrics import brier_score_loss, log_loss, r2_score, roc_auc_score

from treeprune import METHODS, UnsupportedModelError, native, prune, pruning_path
from treeprune import kernels as shared
from treeprune.losses import encode
from treeprune.objectives import objective_of
from treeprune.pruning import ensembles
from treeprune.pruning.ensembles import garrote, kernels, refit_leaves
from treeprune.pruning.ensembles.joint import measured_risk, sizes, stored_risk
from treeprune.pruning.ensembles.sequential import boosted_again, one_pass, optimism
from treeprune.pruning.ensembles.state import Ensemble, Refit
from treeprune.trees import LINKS, Trees

matplotlib.use("Agg")

# Name -> method; the first goes by what the model has stored.
STORED = METHODS["cost_complexity"]
MEASURED = STORED.with_options(refit=None)
BOOSTER_METHODS = {
    "stored": STORED,
    "measured": MEASURED,
    "refitted": STORED.with_options(steps=12),
    "refitted freely": STORED.with_options(refit=1.0, sweeps=2, steps=8),
    "refitted as grown": STORED.with_options(reboost=None, steps=8),
    "sequential": METHODS["sequential"].with_options(steps=10),
    "sequential refitted": METHODS["sequential"].with_options(refit=50.0, ridge=1.0, steps=8),
    "l1": METHODS["l1"].with_options(steps=8),
    "additive": METHODS["additive"].with_options(rounds=30, steps=8),
    "truncate": METHODS["truncate"],
}
FOREST_METHODS = {
    "refitted": STORED.with_options(refit=5.0, steps=12),
    "l1": METHODS["l1"].with_options(steps=8),
    "l1 freely": METHODS["l1"].with_options(steps=8, refit=None),
    "truncate": METHODS["truncate"],
}
WITHOUT_ROWS = ("stored", "truncate")


class Case(NamedTuple):
    """A fitted model with the rows that it has seen."""

    model: Any
    X: Any
    y: Any
    weight: Any


# --- random models -------------------------------------------------------------------------------


def booster(seed=0, task="binary", boosting="gbdt", missing=False, categories=False, weights=False,
            balanced=False, stop=False, rows=160, **options):  # fmt: skip
    """A small LightGBM model of any kind."""
    rng = np.random.default_rng(seed)
    X = random_rows(rng, rows, missing)
    X[:, 3] = np.abs(X[:, 3]) if categories else 1.0  # without categories a constant column
    signal = np.nan_to_num(X[:, 0]) + (np.nan_to_num(X[:, 1]) == 0) + np.sin(np.nan_to_num(X[:, 2]))
    signal = signal + rng.normal(scale=0.4, size=rows)
    params = {**TINY, **CATS, "boosting_type": boosting, "random_state": 0, **options}
    if boosting == "rf":
        params |= {"subsample": 0.7, "subsample_freq": 1}
    weight = rng.integers(0, 3, rows) * rng.choice([1.0, 0.37], rows) if weights else None
    given = {"sample_weight": weight, "categorical_feature": [2, 3] if categories else []}
    if stop and boosting != "dart":
        params |= {"n_estimators": 12, "early_stopping_round": 2}
    classes = task in ("binary", "multiclass", "multiclassova")
    if classes:
        y = np.digitize(signal, [0.5] if task == "binary" else [0, 1])
        y = y if stop else np.array(["a", "b", "c"])[y]  # LightGBM wants numbers in `eval_y`
        model = LGBMClassifier(
            objective=task, class_weight="balanced" if balanced else None, **params
        )
    else:
        y = {"poisson": np.exp(signal / 2).round()}.get(task, signal)
        model = LGBMRegressor(objective=task, **params)
    if "early_stopping_round" in params:
        held = X[::3], y[::3]
        if "eval_X" in signature(model.fit).parameters:
            given["eval_X"], given["eval_y"] = held[:1], held[1:]
        else:  # before LightGBM 4.7
            given["eval_set"] = [held]
    return Case(model.fit(X, y, **given), X, y, weight)


boosters = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10_000),
        "task": st.sampled_from(["binary", "multiclass", "multiclassova", "regression", "poisson"]),
        "boosting": st.sampled_from(["gbdt", "gbdt", "dart", "rf"]),
        "missing": st.booleans(),
        "categories": st.booleans(),
        "weights": st.booleans(),
        "balanced": st.booleans(),
        "stop": st.booleans(),
    }
)


@st.composite
def forests(draw):
    """A small forest of scikit-learn."""
    kind = draw(st.sampled_from(["forest", "extra_trees"]))
    return Case(*draw(own.fitted(kinds=(kind,), max_rows=60)))


def path_of(case: Case, name: str, methods=None, **options):
    """The path by a method of the table above; None where it is not for such a model."""
    method = {**BOOSTER_METHODS, **(methods or {})}[name]
    if method.name in ("sequential", "additive") and native.read(case.model).average:
        return None
    if name in WITHOUT_ROWS:
        return pruning_path(case.model, method=method, **options)
    return pruning_path(
        case.model, case.X, case.y, method=method, sample_weight=case.weight, **options
    )


def ensemble(case: Case, locked=False) -> Ensemble:
    """The model with its rows, as methods see it."""
    trees = native.read(case.model)
    mask = np.full(trees.n_nodes, locked) & ~trees.is_leaf
    splits = native.splits(case.model)
    return ensembles._ensemble(case.model, trees, splits, case.X, case.y, case.weight, mask)


# --- kernels -------------------------------------------------------------------------------------


class Drawn(NamedTuple):
    """A forest of structures, rows in its leaves, numbers at nodes, a mask of leaves."""

    tree: own.Structure
    leaf: np.ndarray
    column: np.ndarray
    g: np.ndarray
    h: np.ndarray
    value: np.ndarray
    is_leaf: np.ndarray
    rng: np.random.Generator


@st.composite
def drawn(draw, max_splits: int = 10) -> Drawn:
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    tree = own.join(draw(st.lists(own.trees(max_splits), min_size=1, max_size=3)))
    width, n = draw(st.integers(1, 3)), draw(st.integers(0, 12))
    n_trees = len(tree.roots)
    ends = np.append(tree.roots[1:], tree.n_nodes)
    leaf = np.zeros((n_trees, n), np.int32)
    for j in range(n_trees):
        inside = tree.leaves[(tree.leaves >= tree.roots[j]) & (tree.leaves < ends[j])]
        leaf[j] = rng.choice(inside, n)
    column = rng.integers(0, 2, n_trees)
    g, h = rng.normal(size=(n, width + 1)), rng.random((n, width + 1))
    h[rng.random(n) < 0.3] = 0.0  # rows without weight
    g[h == 0] = 0.0
    value = rng.normal(loc=draw(st.sampled_from([0.0, 1e6])), size=(tree.n_nodes, width))
    is_leaf = (rng.random(tree.n_nodes) < draw(st.sampled_from([0.0, 0.2]))) | (tree.left < 0)
    return Drawn(tree, leaf, column, g, h, value, is_leaf, rng)


def fast_sums(case: Drawn):
    tree, width = case.tree, case.value.shape[1]
    return kernels.node_sums(case.leaf, case.g, case.h, case.column, tree.left, tree.right, width)


@pytest.mark.unjitted
@settings(max_examples=25)
@given(drawn())
def test_sums_are_over_the_rows_below(case):
    width = case.value.shape[1]
    slow = naive.node_sums(case.leaf, case.g, case.h, case.column, case.tree.parent, width)
    for a, b in zip(fast_sums(case), slow, strict=True):
        assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.unjitted
@settings(max_examples=40)
@given(drawn(), st.sampled_from([np.inf, 0.0, 0.5, 200.0]))
def test_merge_costs_are_the_minima_of_the_quadratic(case, ridge):
    tree, width = case.tree, case.value.shape[1]
    aim = case.value + case.rng.normal(size=case.value.shape)
    G, H = fast_sums(case)
    cost, best = kernels.merge_costs(
        tree.left, tree.right, case.is_leaf, G, H, case.value, aim, ridge
    )
    now_at = [naive.answering(tree.parent, case.is_leaf, t) for t in range(tree.n_nodes)]
    for t in np.flatnonzero(shared.reached(tree.parent, case.is_leaf)):
        total, inside = 0.0, set(naive.below(tree.left, tree.right, t))
        for k in range(width):
            rows = [
                (case.g[i, case.column[j] + k], case.h[i, case.column[j] + k], now_at[leaf])
                for j, i in np.ndindex(case.leaf.shape)
                if (leaf := case.leaf[j, i]) in inside
            ]
            now = np.array([case.value[at, k] for *_, at in rows]) - aim[t, k]
            least, u = naive.merge_cost([r[:2] for r in rows], now, 0.0, ridge)
            total += least
            if rows:
                assert_allclose(best[t, k] - aim[t, k], u, rtol=1e-6, atol=1e-8)
        assert_allclose(cost[t], total, rtol=1e-7, atol=1e-7)


@pytest.mark.unjitted
@settings(max_examples=30)
@given(drawn(), st.sampled_from([0.0, 3.0]))
def test_a_refit_of_one_tree_minimises_the_quadratic(case, ridge):
    tree, width = case.tree, case.value.shape[1]
    column, part = (
        int(case.column[0]),
        np.arange(tree.n_nodes)[: np.append(tree.roots[1:], tree.n_nodes)[0]],
    )
    aim = case.value + case.rng.normal(size=case.value.shape)
    node = np.array([naive.answering(tree.parent, case.is_leaf, t) for t in case.leaf[0]], np.int32)
    value = case.value[part].copy()
    step = kernels.refit_tree(node, case.g, case.h, column, 0, value, aim[part], ridge)
    assert_allclose(value, case.value[part] + step, rtol=1e-15)
    for t, k in np.ndindex(value.shape):
        rows = np.flatnonzero(node == t)
        h = case.h[rows, column + k]
        if not h.sum() > 0:
            assert step[t, k] == 0
            continue
        told = [(case.g[i, column + k], case.h[i, column + k]) for i in rows]
        aimed = aim[t, k] - case.value[t, k]
        _, u = naive.merge_cost(told, np.zeros(len(rows)), aimed, ridge)
        assert_allclose(step[t, k], u, rtol=1e-5, atol=1e-8)
    score = case.g.copy()
    kernels.add_contribution(node, column, 0, step, score)
    moved = score - case.g
    for k in range(width):
        assert_allclose(moved[:, column + k], step[node, k], rtol=1e-9, atol=1e-9)


@pytest.mark.unjitted
@settings(max_examples=40)
@given(drawn(), st.sampled_from([0.0, 1.0, 20.0]), st.sampled_from([0.0, 0.05, 0.5]), st.data())
def test_pruning_against_derivatives_is_the_recursion(case, ridge, penalty, data):
    tree, width = case.tree, case.value.shape[1]
    locked = data.draw(own.locked_sets(tree))
    grown = case.is_leaf & ~locked
    # Whole numbers add up exactly in every order, so that ties are ties.
    ints = case.rng.integers(-3, 4, (2, tree.n_nodes, width)).astype(float)
    leaves = (tree.left < 0)[:, None]
    G, H = np.where(leaves, ints[0], 0.0), np.where(leaves, np.abs(ints[1]), 0.0)
    full = [s.copy() for s in (G, H)]
    for s in full:
        shared.sum_up(tree.left, tree.right, s)
    is_leaf, gain = grown.copy(), np.zeros(tree.n_nodes)
    ends = np.append(tree.roots[1:], tree.n_nodes)
    for start, end in zip(tree.roots, ends, strict=True):
        part = slice(start, end)
        g, h = G[part].copy(), H[part].copy()
        kernels.prune_against(
            tree.left, tree.right, start, g, h, ridge, penalty, locked, is_leaf, gain
        )
        assert_array_equal(g, full[0][part])
        assert_array_equal(h, full[1][part])
    expected = grown.copy()
    for root in tree.roots:
        _, gone = naive.prune_against(
            tree.left, tree.right, root, *full, ridge, penalty, locked, grown
        )
        expected[list(gone)] = True
    above = shared.reached(tree.parent, is_leaf)
    assert_array_equal(is_leaf[above], expected[above])
    assert_array_equal(above, shared.reached(tree.parent, expected))
    assert not (is_leaf & locked).any()
    stays = above & ~is_leaf & ~locked
    assert (gain[stays] > penalty).all()


@pytest.mark.unjitted
@settings(max_examples=25)
@given(drawn())
def test_the_highest_leaf_above_answers(case):
    tree = case.tree
    slow = [naive.answering(tree.parent, case.is_leaf, t) for t in range(tree.n_nodes)]
    found = kernels.answering(tree.parent, case.is_leaf, 0, tree.n_nodes)
    assert_array_equal(found, slow)
    ends = np.append(tree.roots[1:], tree.n_nodes)
    one = kernels.answering(tree.parent, case.is_leaf, int(tree.roots[-1]), int(ends[-1]))
    assert_array_equal(one, slow[tree.roots[-1] :])


@pytest.mark.unjitted
@settings(max_examples=60)
@given(drawn(max_splits=14), st.sampled_from([1, 4]))
def test_clipped_leaves_are_in_order_and_moved_only_where_they_were_not(case, rarely):
    tree = case.tree
    direction = case.rng.choice([-1, 0, 1], tree.n_nodes).astype(np.int8)
    direction[case.rng.random(tree.n_nodes) < 1 - 1 / rarely] = 0
    weight = case.rng.integers(0, 4, tree.n_nodes).astype(float)
    before = case.value[:, 0].copy()
    value = before.copy()
    args = (tree.left, tree.right, case.is_leaf, direction)
    kernels.clip_monotone(*args, weight, value)
    assert naive.is_ordered(*args, value)
    for root in tree.roots:
        leaves = naive.leaves_below(tree.left, tree.right, case.is_leaf, root)
        old, new = before[leaves], value[leaves]
        assert old.min() <= new.min() and new.max() <= old.max()
        inside = naive.below(tree.left, tree.right, root)
        alone = np.where(np.isin(np.arange(tree.n_nodes), inside), direction, 0)
        if naive.is_ordered(tree.left, tree.right, case.is_leaf, alone, before):
            assert_array_equal(new, old)
    again = value.copy()
    kernels.clip_monotone(*args, weight, again)
    live = [x for r in tree.roots for x in naive.leaves_below(*args[:3], r)]
    assert_array_equal(again[live], value[live])


@pytest.mark.unjitted
@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 6), st.booleans())
def test_the_lasso_is_scikit_learns_and_meets_its_conditions(seed, n, flat):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n + 5, n))
    if flat:
        A[:, 0] = 0.0
    y = A @ rng.normal(size=n) + rng.normal(size=n + 5)
    Q, q, penalty = A.T @ A, A.T @ y, np.full(n, abs(rng.normal(scale=2.0)))
    w = np.abs(rng.normal(size=n))
    sweeps = kernels.lasso(Q, q, penalty, w, 1e-12, 10_000)
    assert 1 <= sweeps < 10_000
    slope = Q @ w - q + penalty
    assert (w >= 0).all()
    assert_allclose(slope[w > 0], 0, atol=1e-8)
    assert (slope[(w == 0) & (np.diag(Q) > 0)] >= -1e-8).all()
    if flat:
        assert w[0] == 0
    theirs = Lasso(
        alpha=float(penalty[0]) / len(y), positive=True, fit_intercept=False, tol=1e-12,
        max_iter=100_000,
    )  # fmt: skip
    assert_allclose(w, theirs.fit(A, y).coef_, atol=1e-6)


def test_the_lasso_weighs_each_penalty():
    Q, q, w = np.eye(3), np.array([2.0, 2.0, 2.0]), np.ones(3)
    kernels.lasso(Q, q, np.array([0.0, 1.5, 3.0]), w, 1e-12, 100)
    assert_allclose(w, [2.0, 0.5, 0.0])


# --- losses of all levels ------------------------------------------------------------------------

KINDS = {
    "identity": ["squared_error"],
    "exp": ["squared_error"],
    "logit": ["brier", "log_loss", "error", "squared_error"],
    "softmax": ["brier", "log_loss", "error"],
    "ovr_logit": ["brier", "log_loss", "error"],
}


@pytest.mark.unjitted
@settings(max_examples=40)
@given(
    st.sampled_from([(link, kind) for link, kinds in KINDS.items() for kind in kinds]),
    st.integers(0, 10_000),
    st.data(),
)
def test_losses_of_levels_are_sums_over_rows(what, seed, data):
    link, kind = what
    rng = np.random.default_rng(seed)
    tree = own.join(data.draw(st.lists(own.trees(6), min_size=1, max_size=4)))
    removed_at, n_steps = data.draw(own.removals(tree))
    k = 1 if link in ("identity", "exp", "logit") else 3
    n_trees, n = len(tree.roots), data.draw(st.sampled_from([0, 1, 8, 32, 33, 65]))  # blocks of 32
    column = rng.integers(0, k, n_trees).astype(np.int32)
    tree_of = np.repeat(np.arange(n_trees), np.diff(np.append(tree.roots, tree.n_nodes)))
    value = np.zeros((tree.n_nodes, 1, k))
    at = np.arange(tree.n_nodes)
    value[at, 0, column[tree_of]] = rng.integers(-2, 3, tree.n_nodes) / 2  # some equal
    told = {"predicted_classes": ()} if link == "logit" and kind == "squared_error" else {}
    trees = Trees(
        tree.left, tree.right, tree.roots, value, np.ones(tree.n_nodes), np.ones(tree.n_nodes),
        np.zeros(tree.n_nodes), rng.choice([1.0, 0.5], n_trees),
        average=bool(rng.integers(2)), link=link, tree_output=column,
        base_score=rng.normal(size=k), **told,
    )  # fmt: skip
    leaf = np.zeros((n, n_trees), np.int32)
    for j in range(n_trees):
        leaf[:, j] = rng.choice(tree.leaves[tree_of[tree.leaves] == j], n)
    n_told = trees.predicted_classes[0] if trees.predicted_classes else 0
    y = rng.integers(-1, n_told, n).astype(float) if n_told else rng.normal(size=n)
    weight = rng.integers(0, 3, n) / 2
    steps = np.array(sorted(data.draw(st.sets(st.integers(0, n_steps - 1), min_size=1))))
    scale = trees.tree_weight / (n_trees if trees.average else 1)
    out = np.zeros(len(steps))
    codes = {"brier": shared.BRIER, "log_loss": shared.LOG_LOSS, "error": shared.ERROR}
    shared.level_losses(
        leaf, trees.parent, np.searchsorted(steps, removed_at).astype(np.int32),
        value[at, 0, column[tree_of]] * scale[tree_of], trees.tree_output, trees.base_score,
        y, weight, LINKS.index(link), len(trees.predicted_classes),
        codes.get(kind, shared.SQUARED_ERROR), out,
    )  # fmt: skip
    slow = naive.level_losses(leaf, trees, removed_at, steps, y, weight, kind)
    assert_allclose(out, slow, rtol=1e-10, atol=1e-10)


@settings(max_examples=25)
@given(boosters, st.sampled_from(["stored", "refitted"]), st.data())
def test_scores_at_some_steps_are_those_at_all(options, name, data):
    case = booster(**options)
    path = path_of(case, name)
    y, n = encode(case.model, case.y), len(path)
    some = np.array(sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1))))
    kinds = ["brier", "log_loss", "error"] if path.trees.predicted_classes else ["squared_error"]
    weight = np.random.default_rng(0).random(len(y))
    values = path.stages.values(case.X)
    for kind in kinds:
        told = path.stages.losses(case.X, y, weight, kind, np.ones(1), some)
        assert_array_equal(np.flatnonzero(~np.isnan(told)), some)
        for step in some:
            expected = sum(
                w * naive.told_loss(kind, "identity", value[0], code[0], 1)
                for w, value, code in zip(weight, values(int(step)), y, strict=True)
            )
            assert_allclose(told[step], expected, rtol=1e-9, atol=1e-9)


# --- parts of methods ----------------------------------------------------------------------------


@settings(max_examples=25)
@given(boosters)
def test_the_stored_risk_is_the_spread_of_the_leaves(options):
    case = booster(**options)
    trees, _, hessian = native.structure(case.model)
    value = trees.value[np.arange(trees.n_nodes), 0, trees.tree_output[trees.tree_of]]
    scale = trees.tree_weight / (trees.n_trees if trees.average else 1)
    value = value * scale[trees.tree_of]
    slow = naive.stored_risk(trees.left, trees.right, hessian, value)
    scale = float(slow.max())
    assert_allclose(stored_risk(trees, hessian), slow, rtol=1e-9, atol=1e-12 * scale)


@settings(max_examples=12)
@given(boosters)
def test_the_measured_risk_is_the_second_order_change_of_the_loss(options):
    case = booster(**options)
    assume(case.weight is None or case.weight.any())
    e = ensemble(case)
    value = e.contributions(e.trees.value)
    score = e.scores(e.leaf, value)
    g, h = e.loss.derivatives(score)
    found = measured_risk(e)
    for t in range(0, e.trees.n_nodes, 7):
        j = e.trees.tree_of[t]
        inside = np.isin(e.leaf[j], naive.below(e.trees.left, e.trees.right, t))
        off = np.where(inside, value[t, 0] - value[e.leaf[j], 0], 0.0)
        k = e.column[j]
        expected = float(np.sum(g[:, k] * off + 0.5 * h[:, k] * off**2))
        assert_allclose(found[t], expected, rtol=1e-8, atol=1e-9)


@settings(max_examples=25)
@given(boosters, st.sampled_from(["stored", "measured"]))
def test_any_mask_of_leaves_answers(options, name):
    """Nodes below leaves of the mask need not be in it."""
    e = ensemble(booster(**options))
    rng = np.random.default_rng(len(name))
    is_leaf = e.trees.is_leaf | (rng.random(e.trees.n_nodes) < 0.3)
    found = e.answering(is_leaf)
    for j, i in [(j, i) for j in range(e.trees.n_trees) for i in range(0, 160, 40)]:
        assert found[j, i] == naive.answering(e.trees.parent, is_leaf, e.leaf[j, i])


@settings(max_examples=25)
@given(boosters, st.sampled_from(["stored", "measured"]))
def test_sizes_count_trees_that_split(options, name):
    path = path_of(booster(**options), name)
    for step in laws.some_steps(path):
        assert path.size[step] == naive.size(path.trees, path.removed_at, step)
    assert_array_equal(sizes(path.trees, path.removed_at, len(path)), path.size)


# LightGBM holds derivatives in 32 bits.
@pytest.mark.parametrize(
    "task, options",
    [
        ("binary", {}),
        ("binary", {"balanced": True, "weights": True}),
        ("regression", {"missing": True, "weights": True}),
        ("multiclass", {"categories": True}),
        ("multiclassova", {}),
    ],
)
def test_a_pass_that_prunes_nothing_is_boosting(task, options):
    case = booster(task=task, n_estimators=12, **options)
    e = ensemble(case, locked=True)
    rate = native.learning_rate(case.model)
    is_leaf, contribution, _ = one_pass(e, e.trees.is_leaf, 0.0, rate, 0.0)
    assert_array_equal(is_leaf, e.trees.is_leaf)
    told = e.scores(e.leaf, contribution)
    grown = native.raw_score(case.model, case.X)[:, 0]
    assert_allclose(told, grown, rtol=0, atol=2e-6 * np.abs(grown).max())
    assert np.ptp(grown) > 0.1


@settings(max_examples=25)
@given(boosters, st.sampled_from([0.0, 5.0, 100.0]), st.sampled_from([0.1, 1.0]))
def test_boosting_again_fits_every_node_to_what_the_trees_before_leave(options, ridge, rate):
    case = booster(rows=60, **options)
    e = ensemble(case)
    assume(not e.trees.average)
    found = boosted_again(e, ridge, rate)
    slow = naive.boosted_again(e, ridge, rate)
    # Without a ridge leaves of few rows may say nearly anything.
    assert_allclose(found[:, 0], slow, rtol=1e-7, atol=1e-9 * max(1.0, np.abs(slow).max()))


def test_refits_draw_leaves_to_what_boosting_again_gives():
    case = booster(task="regression", n_estimators=10, learning_rate=0.3)
    e = ensemble(case)
    aim = boosted_again(e, 5.0, 0.3)
    held = STORED.with_options(reboost=5.0, refit=1e12, steps=6)
    path = pruning_path(case.model, case.X, case.y, method=held)
    assert len(path) > 4
    for step in range(1, len(path)):
        is_leaf = path.removed_at <= step
        answers = is_leaf & shared.reached(e.trees.parent, is_leaf)
        assert_allclose(path.values[step], aim[answers], rtol=1e-6)
    told = native.raw_score(path.cut(step=1), case.X)[:, 0]
    grown = native.raw_score(case.model, case.X)[:, 0]
    assert np.abs(told - grown).max() > 0.05  # a ridge of 5 is felt
    kept = pruning_path(case.model, case.X, case.y, method=held.with_options(reboost=None))
    first = kept.removed_at <= 1
    answers = first & shared.reached(e.trees.parent, first)
    as_grown = answers & e.trees.is_leaf
    assert as_grown.any() and not as_grown.all()
    told = np.zeros(e.trees.n_nodes)
    told[answers] = kept.values[1][:, 0]
    assert_allclose(told[as_grown], e.trees.own(e.trees.value)[as_grown], rtol=1e-6)


@settings(max_examples=15)
@given(boosters, st.sampled_from([1.0, 30.0]), st.sampled_from([0.1, 1.0]))
def test_what_is_known_by_heart_is_what_goes_with_a_row(options, ridge, rate):
    e = ensemble(booster(rows=50, **options))
    assume(not e.trees.average)
    found = optimism(e, ridge, rate)
    assert_allclose(found, naive.optimism(e, ridge, rate), rtol=1e-7, atol=1e-9)
    assert 0.0 <= found <= 1.0


def test_noise_is_known_by_heart_and_signal_is_not():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    found = {}
    for name, y in (("signal", X[:, 0] > 0), ("noise", rng.random(300) > 0.5)):
        model = LGBMClassifier(n_estimators=60, n_jobs=1, verbose=-1).fit(X, y)
        found[name] = optimism(ensemble(Case(model, X, y, None)), 1.0, 0.1)
    assert found["signal"] < 0.02 < 0.15 < found["noise"]


def test_boosting_again_is_tempered_by_rounds_and_leaves():
    X = np.random.default_rng(0).normal(size=(400, 2))
    y = X[:, 0] + np.sin(3 * X[:, 1]) + np.random.default_rng(1).normal(size=400)
    seen = set()
    for rounds, leaves, rate in ((30, 5, 0.1), (60, 8, 0.1), (300, 8, 0.3), (10, 4, 0.1)):
        model = LGBMRegressor(
            n_estimators=rounds, num_leaves=leaves, learning_rate=rate, n_jobs=1, verbose=-1
        ).fit(X, y)
        e = ensemble(Case(model, X, y, None))
        leaves = [n for n in np.bincount(e.trees.tree_of, e.trees.is_leaf) if n > 1]
        wanted = min(100, 400 / np.mean(leaves) * (rounds * rate / 2 - 1))
        expected = wanted * min(1, optimism(e, 1.0, rate) / 0.2) ** 3
        found = ensembles._boosting_anew(model, "auto", e)
        if expected < 10:
            assert found is None
        else:
            assert_allclose(found, (expected, rate), rtol=1e-12)
        seen.add(found is None)
    assert seen == {True, False}
    assert ensembles._boosting_anew(model, 7.0, e) == (7.0, 0.1)


def test_refits_let_go_with_trees_and_once_leaves_have_many_rows():
    for task, classes in (("regression", 1), ("multiclass", 3)):
        e = ensemble(booster(task=task, rows=160, n_estimators=6))
        refit = ensembles._refit({"refit": "auto", "sweeps": 2}, e)
        for cut in range(0, e.trees.n_trees + 1, classes):
            is_leaf = e.trees.is_leaf.copy()
            is_leaf[e.trees.roots[:cut]] = True
            left = np.count_nonzero(~is_leaf[e.trees.roots])
            ridge = 10 * left / classes * min(1.0, 16 * e.size(is_leaf) / 160) ** 2
            assert_allclose(refit(is_leaf).ridge, ridge, rtol=1e-12)
            assert refit(is_leaf).sweeps == 2
        constant = ensembles._refit({"refit": 3.0, "sweeps": 1}, e)
        assert constant(e.trees.is_leaf) == Refit(3.0, 1)


def test_a_path_is_made_of_passes_at_the_learning_rate():
    case = booster(task="binary", n_estimators=10, learning_rate=0.3)
    other = np.random.default_rng(1).permutation(case.y)  # rows for which much is wrong
    e = ensemble(Case(case.model, case.X, other, None))
    method = METHODS["sequential"].with_options(ridge=2.0, rate=0.5)
    path = pruning_path(case.model, case.X, other, method=method)
    is_leaf, contribution, gain = one_pass(e, e.trees.is_leaf, 2.0, 0.15, 0.0)
    answers = is_leaf & shared.reached(e.trees.parent, is_leaf)
    assert (is_leaf & ~e.trees.is_leaf).any() and (gain > 0).any()
    assert_allclose(path.values[1], contribution[answers], rtol=1e-12)
    assert path.strength[1] == 0.0


def test_far_targets_do_not_change_the_order():
    near = booster(task="regression", seed=4)
    moved = 2.0**17  # 32 bits of LightGBM's targets are still exact to 1/64
    y = (near.y * 64).round() / 64
    paths = []
    for target in (y, y + moved):
        model = LGBMRegressor(objective="regression", **TINY).fit(near.X, target)
        paths.append(pruning_path(model, near.X, target, method=MEASURED))
    a, b = paths
    assert_array_equal(a.trees.left, b.trees.left)
    assert_allclose(a.strength[1:], b.strength[1:], rtol=1e-4, atol=1e-7)


@settings(max_examples=20)
@given(boosters, st.sampled_from([0.0, 1.0, 200.0]), st.integers(1, 3))
def test_a_refit_never_loses(options, ridge, sweeps):
    case = booster(**options)
    e = ensemble(case)
    rng = np.random.default_rng(0)
    is_leaf = e.trees.is_leaf | (rng.random(e.trees.n_nodes) < 0.2)
    aim = e.contributions(e.trees.value)
    node = e.answering(is_leaf)
    refit = Refit(ridge, sweeps)
    new = refit(e, is_leaf, aim, aim)
    before = refit._total(e, is_leaf, e.scores(node, aim), aim, aim)
    after = refit._total(e, is_leaf, e.scores(node, new), new, aim)
    assert np.isfinite(new).all()
    assert after <= before
    live = [
        x
        for r in e.trees.roots
        for x in naive.leaves_below(e.trees.left, e.trees.right, is_leaf, r)
    ]
    apart = 0.5 * ridge * float(((new - aim)[live] ** 2).sum())
    loss = e.loss.mean(e.scores(node, new)) * e.loss.weight.sum()
    assert_allclose(after, loss + apart, rtol=1e-9, atol=1e-9)


def test_a_refit_of_one_round_reaches_the_optimum():
    case = booster(task="regression", n_estimators=1)
    e = ensemble(case)
    zero = np.zeros((e.trees.n_nodes, 1))
    new = Refit(0.0, 1)(e, e.trees.is_leaf, zero, zero)
    for t in np.unique(e.leaf[0]):
        inside = e.leaf[0] == t
        if e.loss.weight[inside].any():
            mean = np.average(case.y[inside], weights=e.loss.weight[inside])
            assert_allclose(new[t, 0], mean - e.trees.base_score[0], rtol=1e-10)


def test_refit_leaves_returns_a_native_model_with_less_loss():
    for case in (booster(task="multiclass"), forest_case()):
        state = laws.model_state(case.model)
        new = refit_leaves(case.model, case.X, case.y, ridge=1.0, sweeps=2)
        laws.assert_unchanged(state, case.model)
        laws.assert_native_type(case.model, new)
        old, found = (native.read(m) for m in (case.model, new))
        assert_array_equal(old.left, found.left)
        losses = [
            objective_of(m, t, case.y, np.ones(len(case.y))).mean(
                native.raw_score(m, case.X).reshape(len(case.y), -1)
            )
            for m, t in ((case.model, old), (new, found))
        ]
        assert losses[1] < losses[0] - 1e-3


def forest_case(kind=RandomForestClassifier, rows=150, **options) -> Case:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(rows, 3))
    signal = X[:, 0] + np.sin(2 * X[:, 1]) + rng.normal(scale=0.4, size=rows)
    regress = kind in (RandomForestRegressor, ExtraTreesRegressor)
    y = signal if regress else np.digitize(signal, [-0.5, 0.7])
    options = {"n_estimators": 6, "min_samples_leaf": 4, **options}
    return Case(kind(random_state=0, **options).fit(X, y), X, y, None)


@pytest.mark.parametrize("task", ["regression", "poisson", "binary", "multiclass"])
@pytest.mark.parametrize("ridge", [0.0, 3.0])
def test_weights_of_trees_meet_the_conditions_of_the_garrote(task, ridge):
    case = booster(task=task, weights=True, n_estimators=8)
    e = ensemble(case)
    grown = e.contributions(e.trees.value)
    table, mean = garrote._centred(e, grown)
    pull = ridge * garrote._squares(e, grown, mean)
    cost = np.full(e.trees.n_trees, 0.3)
    w, shift = np.ones(e.trees.n_trees), np.zeros(len(e.trees.base_score))
    for _ in range(60):  # Newton steps, from where the last have ended
        w, shift = garrote._weights(e, table, mean, w, shift, cost, pull)
    g, _ = e.loss.derivatives(garrote._scores(e, table, mean, w, shift))
    assert_allclose(g.sum(axis=0) / e.loss.weight.sum(), 0, atol=1e-8)
    for j in range(e.trees.n_trees):
        slope = float(table[j, :, 0] @ g[:, e.column[j]]) + pull[j] * (w[j] - 1) + cost[j]
        assert w[j] >= 0
        if w[j] > 0:
            assert abs(slope) < 1e-5, (j, w[j], slope)
    assert (w > 0).any() and np.ptp(w) > 1e-3


@settings(max_examples=30)
@given(forests(), st.integers(0, 100), st.sampled_from([0.0, 0.4, 1.0]))
def test_folded_frequencies_are_frequencies(case, seed, share):
    assume(native.read(case.model).is_classifier)
    trees = native.read(case.model)
    splits, y = native.splits(case.model), np.asarray(case.y)
    e = ensembles._ensemble(
        case.model, trees, splits, case.X, y, case.weight, np.zeros(trees.n_nodes, bool)
    )
    rng = np.random.default_rng(seed)
    gone = (rng.random(trees.n_trees) < share)[trees.tree_of]
    is_leaf = trees.is_leaf | gone
    grown = e.contributions(trees.value)
    assert_allclose(e.valid(grown, is_leaf, trees.weight), grown, rtol=0, atol=1e-14)
    # Trees that are left may speak for those that are gone: twice as far from the mean.
    odd = e.valid(grown + rng.normal(scale=0.3, size=grown.shape), is_leaf, trees.weight)
    values = e.native(odd).reshape(trees.value.shape)
    for mask, value in ((is_leaf, values), (is_leaf, trees.value)):
        told = native.raw_score(native.write(case.model, mask, value, fold=True), case.X)
        assert (told >= -1e-12).all() and (told <= 1 + 1e-12).all()
        assert_allclose(told.sum(axis=2), 1.0, rtol=1e-10)
        cut = native.read(native.write(case.model, mask, value, fold=True))
        ends = cut.value[cut.is_leaf]
        assert (ends >= -1e-12).all() and (ends <= 1 + 1e-12).all()


def test_trees_that_stay_may_take_the_share_of_those_that_go():
    case = forest_case()
    e = ensemble(case)
    trees = e.trees
    mean = np.array([1.0, 1.0, 1.0]) / 3
    only = trees.tree_of == 2
    is_leaf = trees.is_leaf | ~only
    value = np.where(only[:, None], mean + trees.n_trees * (trees.value[:, 0] - mean), mean)
    contribution = value / trees.n_trees
    assert (value < 0).any()
    # Folded, the one tree that is left says what it said as grown.
    assert_allclose(e.valid(contribution, is_leaf, trees.weight), contribution, atol=1e-14)
    new = native.write(case.model, is_leaf, value.reshape(trees.value.shape), fold=True)
    assert len(new.estimators_) == 1
    assert_allclose(
        new.predict_proba(case.X), case.model.estimators_[2].predict_proba(case.X), atol=1e-12
    )


def test_many_small_steps_reach_the_end():
    case = booster(task="binary", n_estimators=20)
    path = path_of(case, "x", {"x": METHODS["sequential"].with_options(steps=400)})
    assert len(path) > 60 and path.is_constant(-1)


# --- truncation ----------------------------------------------------------------------------------


@settings(max_examples=30)
@given(boosters)
def test_truncated_boosters_are_the_first_rounds(options):
    case = booster(**options)
    path = path_of(case, "truncate")
    trees = path.trees
    together = len(trees.base_score)
    n_rounds = trees.n_trees // together
    for step in laws.some_steps(path):
        kept = round(n_rounds * (1 - max(path.strength[step], 0.0)))
        theirs = case.model.predict(case.X, raw_score=True, num_iteration=kept)
        found = path.cut(step)
        ours = found.predict(case.X, raw_score=True)
        if trees.average:  # of random forests raw scores are sums, whose number of trees differs
            theirs = case.model.predict(case.X, num_iteration=kept, raw_score=True) / kept
            assert_allclose(ours / n_rounds, theirs, rtol=1e-12, atol=1e-12)
            same = case.model.predict(case.X, num_iteration=kept)
            if trees.link == "identity":
                assert_allclose(found.predict(case.X), same, rtol=1e-12, atol=1e-12)
            continue
        assert_array_equal(ours, theirs)
        assert_array_equal(found.predict(case.X), case.model.predict(case.X, num_iteration=kept))
        if hasattr(found, "predict_proba"):
            proba = case.model.predict_proba(case.X, num_iteration=kept)
            assert_array_equal(found.predict_proba(case.X), proba)


@settings(max_examples=20)
@given(forests())
def test_truncated_forests_are_the_first_trees(case):
    path = pruning_path(case.model, method="truncate")
    for step in laws.some_steps(path):
        kept = round(path.trees.n_trees * (1 - max(path.strength[step], 0.0)))
        first = native.write(case.model, path.trees.is_leaf)
        first.estimators_ = first.estimators_[:kept]
        first.n_estimators = kept
        assert_allclose(
            native.raw_score(path.cut(step), case.X),
            native.raw_score(first, case.X),
            rtol=1e-12,
            atol=1e-12,
        )


def test_a_long_forest_is_truncated_in_few_steps():
    case = forest_case(RandomForestRegressor, n_estimators=120, max_depth=1)
    path = pruning_path(case.model, method="truncate")
    assert len(path) <= 51 and path.size[-1] == 2
    laws.assert_nested(path)


# --- laws ----------------------------------------------------------------------------------------


def raw_of(path, X):
    """Raw scores by step, by the path itself."""
    leaf = native.apply(path.model, X)
    if path.regrouped is None:
        return lambda step: path.stages.raw(leaf, step)
    later = raw_of(path.regrouped, X)
    return lambda step: later(step - 1) if step else path.stages.first.raw(leaf, 0)


def assert_path(path, X, to_the_end=True):
    """What holds for every path of an ensemble whose trees are folded away."""
    laws.assert_nested(path)
    laws.assert_monotone_size(path)
    laws.assert_frame(path)
    for step in laws.some_steps(path):
        assert path.step_for(size=int(path.size[step])) == step
        assert path.step_for(strength=float(path.strength[step])) == step
    assert path.step_for(strength=np.inf) == len(path) - 1
    assert path.size[-1] >= 1
    assert path.is_constant(-1) or path.method == "truncate" or not to_the_end
    raw, values = raw_of(path, X), path.stages.values(X)
    grown = native.raw_score(path.model, X)
    scale = max(1.0, float(np.abs(grown).max()))
    assert_allclose(raw(0), grown, rtol=0, atol=1e-15 * scale * path.trees.n_trees)
    before = native.read(path.model)
    for step in laws.some_steps(path, 6):
        cut = path.cut(step)
        assert_native(path.model, cut)
        told = native.raw_score(cut, X)
        assert_allclose(raw(step), told, rtol=1e-12, atol=1e-12 * scale)
        found = native.read(cut)
        splits = ~found.is_leaf[found.roots]
        counted = np.add.reduceat(found.is_leaf.astype(int), found.roots)[splits].sum()
        assert path.size[step] == max(1, counted)
        assert_allclose(values(step), predictions(cut, X, before), rtol=1e-12, atol=1e-12)
        if step == 0:
            assert_array_equal(told, grown)
            laws.assert_same_output(
                predictions(cut, X, before), predictions(path.model, X, before), "step 0"
            )


def assert_native(before, after):
    """The exact type; a forest's parameters say how many trees it has."""
    assert type(after) is type(before)
    if hasattr(after, "estimators_"):
        assert after.n_estimators == len(after.estimators_)
        after = native.write(after, native.read(after).is_leaf).set_params(
            n_estimators=before.n_estimators
        )
    if hasattr(after, "get_params"):
        laws.assert_native_type(before, after)


def predictions(model, X, trees):
    """What a model predicts, (n_rows, n_outputs, k)."""
    n = len(X)
    if not hasattr(model, "predict_proba"):
        told = np.asarray(model.predict(X))
        if trees.predicted_classes == (2,):  # a bare booster
            told = np.column_stack([1 - told, told])
        return told.reshape(n, trees.n_outputs, -1)
    told = model.predict_proba(X)
    told = told if isinstance(told, list) else [told]
    out = np.zeros((n, len(told), max(part.shape[1] for part in told)))
    for o, part in enumerate(told):
        out[:, o, : part.shape[1]] = part
    return out


def assert_risks(path, case):
    """The risk of a step that rows have decided on is their mean loss; else it starts at zero."""
    if (not path.values and path.regrouped is None) or path.method == "truncate":
        assert np.isnan(path.risk).all() or abs(path.risk[0]) < 1e-12
        return
    weight = native.row_weights(path.model, np.asarray(case.y), case.weight)
    loss = objective_of(path.model, path.trees, case.y, weight)
    raw = raw_of(path, case.X)
    for step in laws.some_steps(path, 5):
        told = raw(step).reshape(len(case.y), -1)
        assert_allclose(path.risk[step], loss.mean(told), rtol=1e-9, atol=1e-12)


def assert_scores(path, case, weight):
    """Additive scores are scikit-learn's of the cuts."""
    y = case.y
    if path.trees.n_outputs > 1:
        return
    names = ["neg_brier_score", "neg_log_loss"] if path.trees.predicted_classes else ["r2"]
    for name in names:
        scores = path.score(case.X, y, scoring=name, sample_weight=weight)["score"]
        assert np.isfinite(scores).all()
        for step in laws.some_steps(path, 4):
            cut = path.cut(step)
            if name == "r2":
                expected = r2_score(y, cut.predict(case.X), sample_weight=weight)
            else:
                told = cut.predict_proba(case.X)
                expected = -metric(name, y, told, weight, cut.classes_)
            assert_allclose(scores[step], expected, rtol=1e-9, atol=1e-9)


def metric(name, y, told, weight, classes):
    if name == "neg_log_loss":
        if not np.allclose(told.sum(axis=1), 1):  # one against the rest: scikit-learn refuses
            own = told[np.arange(len(y)), np.searchsorted(classes, y)]
            return np.average(-np.log(np.clip(own, np.finfo(float).eps, 1)), weights=weight)
        return log_loss(y, told, sample_weight=weight, labels=classes)
    hit = y[:, None] == classes[None, :]
    each = ((told - hit) ** 2).sum(axis=1)
    if len(classes) == 2:
        each = each / 2
        theirs = brier_score_loss(y, told[:, 1], sample_weight=weight, pos_label=classes[1])
        assert_allclose(theirs, np.average(each, weights=weight), rtol=1e-9)
    return np.average(each, weights=weight)


ODD = {"missing": True, "categories": True, "weights": True, "balanced": True, "stop": True}


@settings(max_examples=60)
@given(boosters, st.sampled_from(list(BOOSTER_METHODS)))
@example({"seed": 1, "task": "binary", "boosting": "dart", **ODD}, "refitted")
@example({"seed": 2, "task": "multiclass", "boosting": "gbdt", **ODD}, "sequential")
@example({"seed": 3, "task": "multiclassova", "boosting": "gbdt", **ODD}, "l1")
@example({"seed": 4, "task": "poisson", "boosting": "rf", **ODD}, "refitted freely")
@example({"seed": 5, "task": "regression", "boosting": "rf", **ODD}, "truncate")
@example({"seed": 6, "task": "binary", "boosting": "rf", **ODD}, "measured")
def test_laws_of_boosters(options, name):
    case = booster(**options)
    state = laws.model_state(case.model)
    path = path_of(case, name)
    assume(path is not None)
    assert_path(path, case.X)
    assert_risks(path, case)
    assert_scores(path, case, case.weight)
    again = path_of(case, name)
    laws.assert_paths_equal(path, again)
    for a, b in zip(path.values, again.values, strict=True):
        assert_array_equal(a, b)
    laws.assert_unchanged(state, case.model)


@settings(max_examples=40)
@given(forests(), st.sampled_from(list(FOREST_METHODS)))
def test_laws_of_forests(case, name):
    assume(len(case.y) > 0)
    state = laws.model_state(case.model)
    path = path_of(case, name, FOREST_METHODS)
    assert_path(path, case.X)
    assert_risks(path, case)
    assert_scores(path, case, case.weight)
    laws.assert_unchanged(state, case.model)
    laws.assert_deterministic(lambda: path_of(case, name, FOREST_METHODS))
    if path.trees.is_classifier:
        for step in laws.some_steps(path, 4):
            told = path.cut(step).predict_proba(case.X)
            for part in told if isinstance(told, list) else [told]:
                assert (part >= 0).all() and (part <= 1 + 1e-12).all()
                assert_allclose(part.sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("name", list(FOREST_METHODS))
def test_what_is_cut_of_a_forest_can_be_pruned_again(name):
    case = forest_case()
    path = path_of(case, name, FOREST_METHODS)
    cut = path.cut(len(path) // 2)
    value = native.read(cut).value
    assert_allclose(value.sum(axis=2), 1.0, rtol=1e-12)
    second = pruning_path(cut, case.X, case.y, risk="brier")
    for step in laws.some_steps(second, 5):
        assert_allclose(second.cut(step).predict_proba(case.X).sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("name", ["stored", "refitted", "sequential", "l1", "truncate"])
def test_what_is_cut_of_a_booster_can_be_pruned_again(name):
    case = booster(task="multiclass")
    path = path_of(case, name)
    cut = path.cut(len(path) // 2)
    second = path_of(Case(cut, case.X, case.y, None), name)
    assert_path(second, case.X)
    assert second.size[0] == path.size[len(path) // 2]


@pytest.mark.parametrize("name", list(BOOSTER_METHODS))
def test_paths_are_whole_nouns(name):
    case = booster(task="binary", missing=True)
    path = path_of(case, name)
    again = pickle.loads(pickle.dumps(path))
    laws.assert_paths_equal(path, again)
    for a, b in zip(path.staged_predict_proba(case.X), again.staged_predict_proba(case.X)):
        assert_array_equal(a, b)
    last = path.cut(-1)
    laws.assert_pickles(last, case.X)
    assert path.step_for(columns=0 if path.is_constant(-1) else 3) >= 0
    assert (np.diff(path.counts["columns"]) <= 0).all()
    assert path.plot().get_xlabel() == "leaves"
    assert f"{path.size[0]} to {path.size[-1]} leaves" in repr(path)
    aucs = path.score(case.X, case.y, scoring="roc_auc")["score"]
    for step in laws.some_steps(path, 4):
        told = path.cut(step).predict_proba(case.X)[:, 1]
        assert_allclose(aucs[step], roc_auc_score(case.y, told), rtol=1e-12)


@settings(max_examples=25)
@given(boosters, st.sampled_from(list(BOOSTER_METHODS)))
def test_kept_columns_keep_their_splits(options, name):
    case = booster(**options)
    assume(name not in ("truncate", "additive"))
    path = path_of(case, name, never_prune=[1])
    assume(path is not None)
    laws.assert_nested(path)
    feature = native.splits(case.model).feature
    kept = own_kept(path.trees.parent, np.isin(feature, [1]))
    assert (path.removed_at[kept] == len(path)).all()
    if name in ("stored", "measured", "refitted"):
        laws.assert_never_pruned(path, feature, [1])
    for step in laws.some_steps(path, 4):
        found = native.splits(path.cut(step)).feature
        assert np.count_nonzero(found == 1) == np.count_nonzero(feature == 1)


def test_kept_columns_keep_trees_that_l1_would_drop():
    case = booster(task="regression", seed=3)
    against = Case(case.model, case.X, -case.y, None)  # weights would be negative
    free, kept = (
        path_of(against, "l1", {"l1": METHODS["l1"].with_options(refit=None, steps=3)}, **given)
        for given in ({}, {"never_prune": [0]})
    )
    assert free.is_constant(1)
    feature = native.splits(case.model).feature
    assert (kept.removed_at[feature == 0] == len(kept)).all()
    assert np.count_nonzero(native.splits(kept.cut(-1)).feature == 0) == (feature == 0).sum() > 0
    assert_path(kept, case.X, to_the_end=False)


def own_kept(parent, mask):
    """The mask with all nodes above."""
    return np.isin(
        np.arange(len(parent)),
        [a for t in np.flatnonzero(mask) for a in naive.ancestors(parent, t)],
    )


# --- monotone ------------------------------------------------------------------------------------


def steepest_fall(model, X, column, sign):
    """By how much predictions move the wrong way at most when one column rises."""
    grid = np.linspace(-2.5, 2.5, 41)
    rows = np.repeat(X[:25], len(grid), axis=0)
    rows[:, column] = np.tile(grid, 25)
    told = (
        model.predict_proba(rows)[:, 1] if hasattr(model, "predict_proba") else model.predict(rows)
    )
    return float((sign * np.diff(told.reshape(25, -1), axis=1)).min())


def monotone_rows(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(250, 3))
    signal = X[:, 0] * (1 + (X[:, 1] > 0)) - X[:, 2] + np.sin(3 * X[:, 1])
    return X, signal + rng.normal(scale=0.7, size=250)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("how", ["basic", "intermediate", "advanced"])
@pytest.mark.parametrize("name", list(BOOSTER_METHODS))
def test_boosters_stay_monotone(name, how, seed):
    X, y = monotone_rows(seed)
    grow = LGBMRegressor if seed else LGBMClassifier
    y = y if seed else (y > 0).astype(int)
    model = grow(
        n_estimators=12, num_leaves=12, min_child_samples=5, monotone_constraints=[1, 0, -1],
        monotone_constraints_method=how, n_jobs=1, verbose=-1,
    ).fit(X, y)  # fmt: skip
    path = path_of(Case(model, X, y, None), name)
    assert_path(path, X)
    for step in laws.some_steps(path, 10):
        cut = path.cut(step)
        for column, sign in ((0, 1), (2, -1)):
            assert steepest_fall(cut, X, column, sign) >= -1e-12


@pytest.mark.parametrize("name", list(FOREST_METHODS))
@pytest.mark.parametrize("kind", [RandomForestClassifier, RandomForestRegressor])
def test_forests_stay_monotone(kind, name):
    X, y = monotone_rows(7)
    y = (y > 0).astype(int) if kind is RandomForestClassifier else y
    model = kind(6, monotonic_cst=[1, 0, -1], min_samples_leaf=4, random_state=0).fit(X, y)
    path = path_of(Case(model, X, y, None), name, FOREST_METHODS)
    assert_path(path, X)
    for step in laws.some_steps(path, 8):
        for column, sign in ((0, 1), (2, -1)):
            assert steepest_fall(path.cut(step), X, column, sign) >= -1e-12


# --- odd models ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(BOOSTER_METHODS))
def test_frames_with_categories_and_odd_names(name):
    X, y = frame(np.random.default_rng(0), 160)
    model = LGBMRegressor(**TINY).fit(X, y)
    path = path_of(Case(model, X, y, None), name)
    assert_path(path, X)


@pytest.mark.parametrize("name", list(BOOSTER_METHODS))
@pytest.mark.parametrize("rows", [2, 60])
def test_constants_have_one_step(name, rows):
    X = np.zeros((rows, 2))
    model = LGBMRegressor(**TINY).fit(X, np.full(rows, 3.0))
    path = path_of(Case(model, X, np.full(rows, 3.0), None), name)
    assert len(path) == 1 and path.size[0] == 1 and path.is_constant(0)
    assert_allclose(path.cut(0).predict(X), 3.0)


@pytest.mark.parametrize("name", ["measured", "refitted", "sequential", "l1"])
def test_one_row_can_decide(name):
    case = booster(task="binary")
    path = path_of(Case(case.model, case.X[:1], case.y[:1], None), name)
    assert_path(path, case.X)


def test_a_single_class():
    X = np.arange(40, dtype=float)[:, None]
    model = LGBMClassifier(**TINY).fit(X, np.zeros(40))
    for name in ("stored", "refitted", "truncate"):
        path = path_of(Case(model, X, np.zeros(40), None), name)
        assert len(path) == 1
        assert_array_equal(path.cut(0).predict(X), np.zeros(40))


@pytest.mark.parametrize("objective", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", ["stored", "refitted", "sequential", "truncate", "l1"])
def test_bare_boosters(name, objective):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    y = np.digitize(
        X[:, 0] + rng.normal(scale=0.5, size=150), [0.0] if objective == "binary" else [-0.5, 0.5]
    )
    params = {"objective": objective, "num_leaves": 6, "num_threads": 1, "verbose": -1}
    if objective == "multiclass":
        params["num_class"] = 3
    model = lgb.train(params, lgb.Dataset(X, y), num_boost_round=5)
    path = path_of(Case(model, X, y, None), name)
    assert_path(path, X)
    assert isinstance(path.cut(-1), lgb.Booster)


@pytest.mark.parametrize("name", ["stored", "refitted", "truncate"])
def test_other_losses_are_ordered_by_what_is_stored(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    case = Case(
        LGBMRegressor(objective="quantile", alpha=0.8, **TINY).fit(X, X[:, 0]), X, X[:, 0], None
    )
    if name == "refitted":
        with pytest.raises(UnsupportedModelError, match="'quantile' is not known"):
            path_of(case, name)
        return
    assert_path(path_of(case, name), X)


def test_leaves_of_poisson_models_can_be_refitted_freely():
    """Newton steps of an exponential may be huge: they are halved, or left out."""
    case = booster(task="poisson", seed=3)
    y = np.where(np.arange(160) % 40 == 0, 1000.0, 0.0)
    model = LGBMRegressor(objective="poisson", **TINY).fit(case.X, y)
    method = STORED.with_options(refit=0.0, sweeps=3, steps=10)
    path = laws.assert_no_warning(lambda: pruning_path(model, case.X, y, method=method))
    assert np.isfinite(path.risk).all()
    assert_path(path, case.X)


# --- without this package ------------------------------------------------------------------------

ALONE = """
import sys
sys.modules["treeprune"] = None  # importing it fails
import numpy as np, lightgbm as lgb
folder = sys.argv[1]
X = np.load(folder + "/X.npy")
for name in sys.argv[2:]:
    told = lgb.Booster(model_file=f"{folder}/{name}.txt").predict(X, num_threads=1)
    np.save(f"{folder}/{name}.npy", told)
"""


def test_cuts_predict_where_this_package_is_not(tmp_path):
    case = booster(task="multiclass", missing=True, categories=True)
    np.save(tmp_path / "X.npy", case.X)
    names = {}
    for i, name in enumerate(BOOSTER_METHODS):
        path = path_of(case, name)
        cut = path.cut(len(path) // 2)
        cut.booster_.save_model(tmp_path / f"m{i}.txt")
        names[f"m{i}"] = cut
    command = [sys.executable, "-I", "-c", ALONE, str(tmp_path), *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for name, cut in names.items():
        assert_array_equal(np.load(tmp_path / f"{name}.npy"), cut.predict_proba(case.X))


# --- refusals ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def binary():
    return booster(task="binary")


def test_rankers_are_refused():
    X = np.arange(40, dtype=float)[:, None]
    model = LGBMRanker(**TINY).fit(X, np.arange(40) % 3, group=[20, 20])
    for method in ("cost_complexity", "truncate"):
        with pytest.raises(UnsupportedModelError, match="ranking"):
            pruning_path(model, method=method)


def test_linear_leaves_are_refused():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    model = LGBMRegressor(linear_tree=True, **TINY).fit(X, X[:, 0])
    with pytest.raises(UnsupportedModelError, match="linear"):
        pruning_path(model)


@pytest.mark.parametrize("method", ["sequential", "l1", STORED.with_options(refit=3.0)])
def test_rows_that_are_missing_are_asked_for(binary, method):
    for args in ((), (binary.X,)):
        with pytest.raises(ValueError, match=r"needs rows and targets.*pruning_path\(model, X, y"):
            pruning_path(binary.model, *args, method=method)
    with pytest.raises(ValueError, match="give X too"):
        pruning_path(binary.model, y=binary.y)
    with pytest.raises(ValueError, match="give X too"):
        pruning_path(binary.model, sample_weight=np.ones(3), method="truncate")


def test_trees_that_are_averaged_do_not_correct_each_other():
    for case in (booster(task="regression", boosting="rf"), forest_case()):
        with pytest.raises(ValueError, match=r"sequential.*(l1|truncate)"):
            pruning_path(case.model, case.X, case.y, method="sequential")


def test_only_what_is_boosted_and_refitted_is_boosted_again(binary):
    again = STORED.with_options(reboost=5.0)
    for case in (booster(task="regression", boosting="rf"), forest_case()):
        with pytest.raises(ValueError, match=r"reboost=5\.0 needs trees that correct each other"):
            pruning_path(case.model, case.X, case.y, method=again)
        pruning_path(case.model, case.X, case.y, method=STORED.with_options(refit=5.0, steps=2))
    with pytest.raises(ValueError, match="reboost of an ensemble needs rows and targets"):
        pruning_path(binary.model, method=again)
    with pytest.raises(ValueError, match="refit must not be None"):
        pruning_path(binary.model, binary.X, binary.y, method=again.with_options(refit=None))
    for wrong in (-1.0, np.inf, "often", True):
        with pytest.raises(ValueError, match="reboost are numbers of at least 0"):
            STORED.with_options(reboost=wrong)


@pytest.mark.parametrize("given", [{"risk": "brier"}, {"cost_matrix": [[0, 1], [5, 0]]}])
@pytest.mark.parametrize("method", ["additive", "cost_complexity", "l1", "sequential", "truncate"])
def test_risks_of_nodes_mean_nothing_for_boosters(binary, method, given):
    with pytest.raises(ValueError, match=r"goes by the loss .* leave out (risk=|cost_matrix)"):
        pruning_path(binary.model, binary.X, binary.y, method=method, **given)


@pytest.mark.parametrize(
    "method", ["reduced_error", "error_based", "minimum_error", "pessimistic", "agreement"]
)
def test_methods_of_single_trees_are_refused(binary, method):
    with pytest.raises(ValueError, match=rf"{method} is not a method for boosters.*sequential"):
        pruning_path(binary.model, binary.X, binary.y, method=method)


def test_whole_rounds_cannot_be_kept_for_a_column(binary):
    with pytest.raises(ValueError, match="never_prune is not possible with truncate"):
        pruning_path(binary.model, method="truncate", never_prune=[0])
    with pytest.raises(ValueError, match="by is a rule instead of method"):
        pruning_path(binary.model, method="truncate", by=lambda nodes: nodes.weight)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_weights_that_are_none_are_refused(binary, weight):
    weights = np.ones(len(binary.y))
    weights[3] = weight
    for name in ("cost_complexity", "l1"):
        with pytest.raises(ValueError, match=r"(?i)negative|nan|inf"):
            pruning_path(binary.model, binary.X, binary.y, method=name, sample_weight=weights)
    with pytest.raises(ValueError, match="no row counts"):
        pruning_path(binary.model, binary.X, binary.y, sample_weight=np.zeros(len(binary.y)))


def test_labels_that_are_not_the_models_are_refused(binary):
    with pytest.raises(ValueError, match="no label of y is a class"):
        pruning_path(binary.model, binary.X, np.full(len(binary.y), "z"))
    odd = binary.y.copy()
    odd[0] = "z"
    with pytest.raises(ValueError, match="labels that the model knows"):
        pruning_path(binary.model, binary.X, odd)
    with pytest.raises(ValueError, match="inconsistent"):
        pruning_path(binary.model, binary.X, binary.y[:-1])


def test_class_weights_may_leave_no_row():
    X = np.arange(60, dtype=float)[:, None]
    y = np.arange(60) % 2
    model = LGBMClassifier(class_weight={0: 1.0, 1: 0.0}, **TINY).fit(X, y)
    with pytest.raises(ValueError, match=r"no row counts: .*class weights"):
        pruning_path(model, X[y == 1], y[y == 1], method="l1")


@pytest.mark.parametrize(
    "method, options, said",
    [
        ("cost_complexity", {"refit": -1.0}, "at least 0"),
        ("cost_complexity", {"refit": "yes"}, "at least 0"),
        ("cost_complexity", {"refit": True}, "at least 0"),
        ("cost_complexity", {"refit": np.inf}, "at least 0"),
        ("cost_complexity", {"sweeps": 0}, "whole number"),
        ("cost_complexity", {"steps": 2.5}, "whole number"),
        ("cost_complexity", {"rate": 1.0}, "no option rate"),
        ("sequential", {"ridge": None}, "number of at least 0"),
        ("sequential", {"ridge": "auto"}, "number of at least 0"),
        ("sequential", {"ridge": np.nan}, "at least 0"),
        ("sequential", {"rate": 0.0}, "above 0"),
        ("sequential", {"rate": np.nan}, "above 0"),
        ("sequential", {"steps": True}, "whole number"),
        ("truncate", {"steps": 3}, "no option steps; possible are none"),
        ("l1", {"refit": -3}, "at least 0"),
        ("l1", {"steps": 0}, "whole number"),
    ],
)
def test_settings_that_make_no_sense_are_refused(method, options, said):
    with pytest.raises(ValueError, match=said):
        METHODS[method].with_options(**options)


def test_prune_asks_for_a_size(binary):
    for method in ("cost_complexity", "sequential", "additive", "truncate", "l1"):
        with pytest.raises(ValueError, match="give strength or max_size"):
            prune(binary.model, binary.X, binary.y, method=method)
        small = prune(binary.model, binary.X, binary.y, method=method, max_size=8)
        found = native.read(small)
        assert found.n_leaves - int(found.is_leaf[found.roots].sum()) <= 8
    with pytest.raises(ValueError, match="no step has at most 2 leaves"):
        prune(binary.model, method="truncate", max_size=2)


def test_the_start_of_scores_does_not_explode_where_hessians_vanish():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 4))
    y = np.where(rng.random(500) < 0.02, 1e6, 0.0)
    model = LGBMRegressor(
        objective="poisson", n_estimators=60, learning_rate=0.3, n_jobs=1, verbose=-1
    ).fit(X, y)
    path = pruning_path(model, X, y, method="l1")
    start = objective_of(model, path.trees, y, np.ones(500))
    best = start.mean(np.tile(start.start(), (500, 1)))
    assert path.risk[-1] <= best + 0.5 * abs(best)
    assert np.isfinite(path.risk).all()
