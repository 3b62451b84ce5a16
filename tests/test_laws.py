"""Laws over all methods, bases and tasks, on random models."""

from __future__ import annotations

import laws
import naive
import numpy as np
import pytest
import strategies
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from laws import TREE_METHODS
from sklearn.base import clone

from treeprune import native, prune, pruning_path, shrink
from treeprune.losses import LOSSES, encode
from treeprune.scoring import resolve


def tasks_of(model):
    task = {"classification"} if hasattr(model, "classes_") else {"regression"}
    return task | ({"several outputs"} if model.n_outputs_ > 1 else set())


@st.composite
def settings_of(draw, model):
    """A method that is defined for the model, one of its risks, and a cost matrix if needed."""
    rows = [row for row in TREE_METHODS.values() if tasks_of(model) <= row.tasks]
    row = draw(st.sampled_from(rows))
    classes = hasattr(model, "classes_")
    risks = [r for r in row.risks if r == "impurity" or LOSSES[r] == classes]
    if model.n_outputs_ > 1:
        risks = [r for r in risks if r != "cost"]
    options = {"method": row.name}
    if risks:
        options["risk"] = draw(st.sampled_from([None, *risks]))
    if options.get("risk") == "cost":
        k = len(model.classes_)
        options["cost_matrix"] = 1.0 + np.arange(k * k).reshape(k, k) % 5 - np.eye(k)
    return options


def path_of(model, X, y, w, options):
    return pruning_path(model, X, y, sample_weight=w, **options)


@pytest.mark.unjitted
@settings(max_examples=60)
@given(strategies.fitted(max_rows=60), st.data())
def test_every_path_obeys_the_laws(made, data):
    model, X, y, w = made
    options = data.draw(settings_of(model))
    before = laws.model_state(model)
    path = path_of(model, X, y, w, options)
    laws.assert_path(path)
    laws.assert_step_zero_is_the_model(path, model, X)
    laws.assert_staged_equals_cut(path, X)
    laws.assert_cuts_have_their_size(path, native.read)
    laws.assert_rows_keep_their_branch(path, X, native.apply)
    for step in laws.some_steps(path, 4):
        laws.assert_native_type(model, path.cut(step))
    laws.assert_unchanged(before, model)
    assert path.size[-1] == native.read(model).n_trees


@given(strategies.fitted(), st.data())
def test_paths_are_deterministic_and_pickle(made, data):
    model, X, y, w = made
    options = data.draw(settings_of(model))
    laws.assert_deterministic(lambda: path_of(model, X, y, w, options))
    laws.assert_pickles(path_of(model, X, y, w, options))


@given(strategies.fitted(weights=("integer",), kinds=("tree", "extra_tree")), st.data())
def test_weights_are_repeated_rows(made, data):
    model, X, y, w = made
    options = data.draw(settings_of(model))
    laws.assert_weights_are_repeats(
        lambda X, y, w: path_of(model, X, y, w, options), X, y, w.astype(int)
    )


@given(strategies.fitted(tasks=("classification",), max_outputs=1), st.data())
def test_the_names_of_classes_do_not_matter(made, data):
    model, X, y, w = made
    trees = native.read(model)
    top = np.sort(trees.value[:, 0, :], axis=1)
    assume((top[:, -1] > top[:, -2] + 1e-9).all())  # a tied node takes the first class
    options = data.draw(settings_of(model))
    assume(options.get("risk") != "cost")  # its matrix names the classes
    k = len(model.classes_)
    order = np.array(data.draw(st.permutations(range(k))))
    other = native.write(model, trees.is_leaf, trees.value[:, :, np.argsort(order)])
    p = path_of(model, X, y, w, options)
    q = path_of(other, X, order[y], w, options)
    np.testing.assert_array_equal(p.size, q.size)
    np.testing.assert_array_equal(p.removed_at, q.removed_at)
    np.testing.assert_allclose(p.strength, q.strength, rtol=1e-9, atol=1e-12)


@given(strategies.fitted(), st.data(), st.sampled_from([0.0, 0.5, 10.0, 1e6]))
def test_shrinking_commutes_with_every_cut(made, data, lam):
    model, X, y, w = made
    options = data.draw(settings_of(model))
    path = path_of(model, X, y, w, options)
    shrunk = shrink(model, lam)
    laws.assert_native_type(model, shrunk)
    trees = native.read(model)
    expected = naive.shrink(trees.left, trees.right, trees.value, trees.weight, lam)
    np.testing.assert_allclose(native.read(shrunk).value, expected, rtol=1e-10, atol=1e-12)
    for step in laws.some_steps(path, 4):
        a = shrink(path.cut(step), lam)
        b = native.write(shrunk, path.removed_at <= step)
        laws.assert_same_predictions(a, b, X, rtol=1e-12)


@given(strategies.fitted(), st.data())
def test_kept_columns_are_kept(made, data):
    model, X, y, w = made
    options = data.draw(settings_of(model))
    columns = data.draw(st.lists(st.integers(0, X.shape[1] - 1), min_size=1, unique=True))
    path = path_of(model, X, y, w, {**options, "never_prune": columns})
    laws.assert_path(path)
    laws.assert_never_pruned(path, native.splits(model).feature, columns)
    # What is kept needs no more than itself and what leads to it.
    locked = path.removed_at == len(path)
    expected = naive.closed_upward(
        path.trees.parent, np.isin(native.splits(model).feature, columns)
    )
    np.testing.assert_array_equal(locked, expected)


@given(strategies.fitted(), st.data())
def test_a_rule_of_ones_own_goes_from_the_root_down(made, data):
    model = made[0]
    trees = native.read(model)
    own = np.array(
        data.draw(st.lists(st.integers(-3, 3), min_size=trees.n_nodes, max_size=trees.n_nodes))
    ).astype(float)
    path = pruning_path(model, by=lambda nodes: own[nodes.node])
    laws.assert_path(path)
    locked = np.zeros(trees.n_nodes, bool)
    expected = naive.top_down(trees.left, trees.parent, own, locked)
    for step in range(1, len(path)):
        np.testing.assert_array_equal(path.removed_at <= step, expected <= path.strength[step])
    splits = np.flatnonzero(~trees.is_leaf)
    if len(splits):
        listed = data.draw(st.lists(st.sampled_from(splits.tolist()), min_size=1, unique=True))
        two = pruning_path(model, by=listed)
        assert len(two) == 2
        gone = set(np.flatnonzero(two.removed_at == 1))
        below = {t for node in listed for t in naive.subtree(trees.left, trees.right, node)}
        assert gone == {t for t in below if not trees.is_leaf[t]}


LOSS_SCORES = {
    "neg_brier_score": "brier",
    "neg_log_loss": "log_loss",
    "accuracy": "error",
    "neg_mean_squared_error": "squared_error",
}


@settings(max_examples=60)
@given(strategies.fitted(max_outputs=1), st.data())
def test_scores_of_all_steps_equal_one_row_after_another(made, data):
    model, X, y, w = made
    path = path_of(model, X, y, w, data.draw(settings_of(model)))
    names = [n for n, loss in LOSS_SCORES.items() if LOSSES[loss] == path.trees.is_classifier]
    name = data.draw(st.sampled_from(names))
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(X), 30)
    weight = np.round(rng.uniform(0, 2, 30), 2)
    how = resolve(name, path.trees)
    got = path.score_steps(X[rows], y[rows], how, sample_weight=weight)
    leaf = native.apply(model, X[rows])
    target = encode(model, y[rows])[:, 0]
    expected = (
        naive.path_losses(
            LOSS_SCORES[name],
            leaf,
            path.trees.parent,
            path.removed_at,
            len(path),
            path.trees.value[:, 0, :],
            target,
            weight,
            tree_weight=np.full(path.trees.n_trees, 1 / path.trees.n_trees),
        )
        / weight.sum()
    )
    expected = 1 - expected if name == "accuracy" else -expected
    if name == "neg_brier_score" and len(model.classes_) <= 2:
        expected /= 2
    if how.loss is None:  # a forest's accuracy is asked step by step, thinned
        expected = np.where(np.isnan(got), np.nan, expected)
        assert np.isfinite(got[[0, -1]]).all()
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


@given(strategies.fitted(), st.data())
def test_prune_is_a_cut_of_the_path(made, data):
    model, X, y, w = made
    options = data.draw(settings_of(model))
    path = path_of(model, X, y, w, options)
    size = int(data.draw(st.sampled_from(path.size.tolist())))
    small = prune(model, X, y, sample_weight=w, max_size=size, strength=0.0, **options)
    step = max(path.step_for(strength=0.0), path.step_for(size=size))
    laws.assert_same_predictions(small, path.cut(step), X)


def test_clones_grow_the_same_path():
    X, y, w = strategies.make_data(0, 80, 3, "classification")
    model = strategies.fit("tree", "classification", X, y, w)
    again = clone(model).fit(X, y)
    laws.assert_paths_equal(pruning_path(model), pruning_path(again))


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("kind", ["tree", "forest"])
def test_shrunken_models_need_rows_for_what_they_have_not_stored(task, kind):
    """Shrinkage keeps means over children, so only the impurity tells that counts are lost."""
    X, y, _ = strategies.make_data(1, 80, 3, task)
    model = strategies.fit(kind, task, X, y)
    risk = "error" if task == "classification" else "squared_error"
    shrunk = shrink(model, 20.0)
    with pytest.raises(ValueError, match="give the training rows"):
        pruning_path(shrunk, risk=risk)
    laws.assert_path(pruning_path(shrunk, X, y, risk=risk))
    laws.assert_paths_equal(pruning_path(shrunk), pruning_path(model))  # impurity is kept


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_the_unit_of_the_target_does_not_hide_shrinkage(unit):
    X, y, _ = strategies.make_data(1, 80, 3, "regression")
    model = strategies.fit("tree", "regression", X, unit * y)
    laws.assert_path(pruning_path(model, risk="squared_error"))
    with pytest.raises(ValueError, match="give the training rows"):
        pruning_path(shrink(model, 20.0), risk="squared_error")
