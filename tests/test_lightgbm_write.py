"""Pruned LightGBM models and folded forests are native and say what the nodes that remain say."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys

import lightgbm as lgb
import naive_lightgbm as naive
import numpy as np
import pandas as pd
import pytest
import shap
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from lightgbm_models import CATS, FIXED, TINY, frame, random_model, random_options, random_rows
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.tree import DecisionTreeClassifier

from treeprune import MalformedModelError, UnsupportedModelError, native
from treeprune.explain.shapley import TreeGame
from treeprune.native import lightgbm as reader
from treeprune.native import lightgbm_write
from treeprune.native.lightgbm_write import write_text

pytestmark = pytest.mark.filterwarnings("ignore:The argument 'eval_set' is deprecated")


def text_of(model):
    return getattr(model, "booster_", model).model_to_string()


def assert_kept(new, written):
    """LightGBM saves what it was given, so that nothing in the text is a surprise to it.

    Before 4.6 it forgets how many rows there are in a tree of one leaf.
    """
    count = re.compile(r"(?m)^leaf_count=.*\n(?=internal_value=\n)|^tree_sizes=.*\n")
    saved, written = (count.sub("", text) for text in (text_of(new), written))
    assert saved == written


def n_scores(model):
    return getattr(model, "booster_", model).num_model_per_iteration()


def random_mask(trees, rng, share):
    """Any mask: nodes below masked nodes, grown leaves or not, whole trees."""
    return rng.random(trees.n_nodes) < share


def answers(model, Z, mask, values=None):
    """What the twin says of rows."""
    average = native.read(model).average
    return naive.score(model, Z, mask, values, n_scores(model), average)


def assert_scores(new, Z, expected, X=None):
    found = native.raw_score(new, Z if X is None else X)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


# --- the same leaves -----------------------------------------------------------------------------


@settings(max_examples=60)
@given(random_options, st.booleans())
@example({**FIXED, "task": "multiclass", "boosting": "rf"}, False)
@example({**FIXED, "task": "binary", "boosting": "dart"}, True)
def test_the_same_leaves_say_the_same_to_the_last_bit(options, fold):
    model, Z = random_model(**options)
    trees = native.read(model)
    new = native.write(model, trees.is_leaf, fold=fold)
    assert type(new) is type(model) and new is not model
    assert_scores(new, Z, native.raw_score(model, Z)[:, 0])
    if not (fold and trees.is_leaf[trees.roots].any()):  # else constants move between trees
        assert text_of(new) == text_of(model)
        np.testing.assert_array_equal(native.raw_score(new, Z), native.raw_score(model, Z))
        np.testing.assert_array_equal(new.predict(Z), model.predict(Z))
        if hasattr(model, "predict_proba"):
            np.testing.assert_array_equal(new.predict_proba(Z), model.predict_proba(Z))
        contributions = model.predict(Z, pred_contrib=True)
        np.testing.assert_array_equal(new.predict(Z, pred_contrib=True), contributions)
    same = native.write(model, np.zeros(trees.n_nodes, bool), trees.value)
    assert text_of(same) == text_of(model)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    Z = random_rows(rng, 300, missing=True)
    return Z, np.nan_to_num(Z[:, 0]) + np.nan_to_num(Z[:, 1]) + rng.normal(scale=0.2, size=300)


@pytest.mark.parametrize("objective", ["regression_l1", "quantile", "huber", "gamma", "tweedie"])
def test_other_objectives(rows, objective):
    Z, y = rows
    model = LGBMRegressor(objective=objective, **TINY).fit(Z, np.exp(y))
    trees = native.read(model)
    assert text_of(native.write(model, trees.is_leaf)) == text_of(model)
    mask = random_mask(trees, np.random.default_rng(0), 0.3)
    new = native.write(model, mask)
    assert_scores(new, Z[:40], answers(model, Z[:40], mask))
    link = np.exp if trees.link == "exp" else lambda s: s
    np.testing.assert_allclose(new.predict(Z), link(native.raw_score(new, Z)[:, 0, 0]), rtol=1e-9)


# --- cuts ----------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(random_options, st.booleans(), st.sampled_from([0.1, 0.4, 0.8]), st.integers(0, 99))
@example({**FIXED, "task": "multiclassova", "boosting": "gbdt"}, True, 0.4, 1)
@example({**FIXED, "task": "regression", "boosting": "rf"}, True, 0.8, 1)
def test_any_mask_leaves_the_nodes_that_answer(options, fold, share, seed):
    model, Z = random_model(**options)
    trees = native.read(model)
    mask = random_mask(trees, np.random.default_rng(seed), share)
    new = native.write(model, mask, fold=fold)
    assert_scores(new, Z[:40], answers(model, Z[:40], mask))
    if not fold:
        assert native.read(new).n_leaves == _n_leaves(trees, mask)
    for root in naive.json_trees(new):
        naive.check_counts(root)
        for node in naive.nodes_of(root):  # as in LightGBM, left children keep the leaf's number
            numbers = [leaf.get("leaf_index", 0) for leaf in naive.leaves_below(node)]
            assert numbers[0] == min(numbers)
    assert_kept(new, write_text(text_of(model), mask, None, fold=fold))


def _n_leaves(trees, mask):
    """Leaves that remain, counted from the roots down."""
    todo, found = trees.roots.tolist(), 0
    while todo:
        t = todo.pop()
        if mask[t] or trees.left[t] < 0:
            found += 1
        else:
            todo += [int(trees.left[t]), int(trees.right[t])]
    return found


@settings(max_examples=40)
@given(random_options, st.booleans(), st.integers(0, 99))
@example({**FIXED, "task": "multiclass", "boosting": "gbdt"}, True, 2)
def test_attributions_of_a_cut_add_up_and_are_those_of_its_trees(options, fold, seed):
    model, Z = random_model(**options)
    mask = random_mask(native.read(model), np.random.default_rng(seed), 0.3)
    new = native.write(model, mask, fold=fold)
    values, base = native.contributions(new, Z[:20])
    score = native.raw_score(new, Z[:20])[:, 0]
    np.testing.assert_allclose(values.sum(axis=1) + base, score, rtol=1e-9, atol=1e-9)
    game = TreeGame(native.read(new), native.splits(new))
    np.testing.assert_allclose(base[0], game.base, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(values, game.attribute(Z[:20]), rtol=1e-9, atol=1e-9)


@settings(max_examples=40)
@given(random_options, st.booleans(), st.integers(0, 99))
def test_new_values_are_said(options, fold, seed):
    model, Z = random_model(**options)
    trees, rng = native.read(model), np.random.default_rng(seed)
    mask = random_mask(trees, rng, 0.3)
    values = rng.normal(size=trees.value.shape)  # other scores' columns must not count
    new = native.write(model, mask, values, fold=fold)
    assert_scores(new, Z[:40], answers(model, Z[:40], mask, values[:, 0]))
    for root in naive.json_trees(new):
        for node in naive.nodes_of(root):
            if not naive.is_leaf(node):
                mean = naive.mean_value(node)
                assert node["internal_value"] == pytest.approx(mean, rel=1e-4, abs=1e-4)
    assert_kept(new, write_text(text_of(model), mask, values, fold=fold))


@settings(max_examples=30)
@given(random_options, st.integers(0, 99))
def test_cuts_of_cuts(options, seed):
    """A cut in two steps is the cut in one: what is derived does not drift."""
    model, Z = random_model(**options)
    trees, rng = native.read(model), np.random.default_rng(seed)
    mask = random_mask(trees, rng, 0.2)
    once = native.write(model, mask)
    small = native.read(once)
    again = random_mask(small, rng, 0.3)
    twice = native.write(once, again)
    assert_scores(twice, Z[:40], answers(once, Z[:40], again))
    np.testing.assert_array_equal(
        small.value[small.roots].ravel().round(9), trees.value[trees.roots].ravel().round(9)
    )


def test_hessian_weighted_means_and_counts_by_hand(rows):
    Z, y = rows
    model = LGBMClassifier(**{**TINY, "n_estimators": 1, "num_leaves": 4}).fit(Z, y > 0.3)
    (root,) = naive.json_trees(model)
    trees = native.read(model)
    node = next(t for t in range(trees.n_nodes) if trees.left[t] >= 3 and trees.right[t] >= 3)
    mask = np.arange(trees.n_nodes) == node
    old = naive.nodes_of(root)[node]
    new = native.write(model, mask)
    pair = naive.leaves_below(old)
    (made,) = [
        leaf
        for leaf in naive.leaves_below(naive.json_trees(new)[0])
        if leaf["leaf_count"] == old["internal_count"]
    ]
    weight = sum(leaf["leaf_weight"] for leaf in pair)
    mean = sum(leaf["leaf_weight"] * leaf["leaf_value"] for leaf in pair) / weight
    assert made["leaf_value"] == pytest.approx(mean, rel=1e-14)
    assert made["leaf_weight"] == pytest.approx(weight, rel=1e-14)


def test_importances_count_what_is_left(rows):
    Z, y = rows
    model = LGBMRegressor(**TINY, **CATS).fit(Z, y, categorical_feature=[2])
    trees = native.read(model)
    mask = random_mask(trees, np.random.default_rng(3), 0.4)
    new = native.write(model, mask)
    splits = native.splits(new)
    counted = np.bincount(splits.feature[splits.feature >= 0], minlength=4)
    np.testing.assert_array_equal(new.feature_importances_, counted)
    assert counted.sum() < model.feature_importances_.sum()
    block = write_text(text_of(model), mask, None, fold=False)
    said = re.search(r"(?s)\nfeature_importances:\n(.*?)\n\nparameters", block)[1]
    assert dict(line.split("=") for line in said.split("\n")) == {
        f"Column_{j}": str(n) for j, n in enumerate(counted) if n
    }
    assert new.booster_.feature_importance("gain").sum() > 0


def test_importances_leave_out_splits_without_gain(rows):
    """Forced splits may have none; LightGBM does not count them."""
    gain = re.compile(r"^split_gain=\S+", re.MULTILINE)
    grown = text_of(LGBMRegressor(**{**TINY, "n_estimators": 1}).fit(*rows))
    text = gain.sub(lambda found: "split_gain=" + "0".rjust(len(found[0]) - 11, "0"), grown)
    booster = lgb.Booster(model_str=text)
    assert booster.feature_importance().sum() == 4 < native.read(booster).n_leaves - 1
    new = write_text(text_of(booster), native.read(booster).is_leaf, None, fold=False)
    assert new == text_of(booster) != grown


def test_sets_of_categories_are_numbered_anew():
    x = np.arange(400) % 40
    y = np.isin(x, [1, 5, 39]) * 3.0 + np.isin(x, [2, 38]) * 1.0 + (x > 30) * 0.5
    model = LGBMRegressor(**{**TINY, "n_estimators": 1, "num_leaves": 8}, **CATS)
    model.fit(x[:, None], y, categorical_feature=[0])
    trees, splits = native.read(model), native.splits(model)
    sets = np.diff(splits.category_offsets)
    asking = np.flatnonzero(sets)
    assert len(asking) >= 4
    Z = np.array([*range(-1, 42), np.nan, np.inf, 1e9])[:, None]
    for node in asking:
        new = native.write(model, np.arange(trees.n_nodes) == node)
        assert_scores(new, Z, answers(model, Z, np.arange(trees.n_nodes) == node))
        n = int(re.search(r"^num_cat=(\d+)$", text_of(new), re.MULTILINE)[1])
        assert n == np.count_nonzero(np.diff(native.splits(new).category_offsets)) < len(asking)
    assert "\ncat_threshold" not in text_of(native.write(model, np.ones(trees.n_nodes, bool)))


def test_nodes_in_another_order(rows):
    """A text whose children stand before their parents is written in the order of `Trees`."""
    Z, y = rows
    model = LGBMRegressor(**{**TINY, "n_estimators": 1, "num_leaves": 12}).fit(Z, y)
    shuffled = lgb.Booster(model_str=_shuffled(text_of(model)))
    np.testing.assert_array_equal(shuffled.predict(Z), model.predict(Z))
    trees = native.read(shuffled)
    for seed in range(5):
        mask = random_mask(trees, np.random.default_rng(seed), 0.3)
        new = native.write(shuffled, mask)
        leaf = native.apply(shuffled, Z)[:, 0]
        top = [_top(trees, mask, t) for t in leaf]
        assert_scores(new, Z, trees.value[top, 0])
        naive.check_counts(naive.json_trees(new)[0])
        TreeGame(native.read(new), native.splits(new))


def _top(trees, mask, t):
    """The highest node of the mask above a leaf, or the leaf."""
    found, above = t, t
    while above >= 0:
        found = above if mask[above] else found
        above = trees.parent[above]
    return found


def _shuffled(text):
    """The text of a tree of 12 leaves with its internal nodes in another order."""
    block = text[text.index("Tree=0") : text.index("end of trees")]
    fields = dict(line.split("=", 1) for line in block.split("\n") if "=" in line)
    order = [0, *np.random.default_rng(3).permutation(np.arange(1, 11)).tolist()]
    rank = {old: new for new, old in enumerate(order)}
    new = dict(fields)
    for key in lightgbm_write._OF_INNER:
        words = [fields[key].split()[old] for old in order]
        if "child" in key:
            words = [str(rank[int(w)]) if int(w) >= 0 else w for w in words]
        new[key] = " ".join(words)
    written = "".join(f"{k}={v}\n" for k, v in new.items()) + "\n\n"
    head = re.sub("tree_sizes=.*", f"tree_sizes={len(written)}", text[: text.index("Tree=0")])
    return head + written + text[text.index("end of trees") :]


# --- folding -------------------------------------------------------------------------------------


def _boosted(rows, n_classes, **options):
    Z, y = rows
    params = {**TINY, "n_estimators": 6, **options}
    if n_classes == 0:
        return LGBMRegressor(**params).fit(Z, y)
    return LGBMClassifier(**params).fit(Z, np.digitize(y, [0.3, 1.0, 2.0][: n_classes - 1]))


@pytest.mark.parametrize("n_classes", [0, 2, 3])
def test_folding_keeps_whole_iterations_and_the_order_of_trees(rows, n_classes):
    model = _boosted(rows, n_classes)
    Z, trees, k = rows[0][:40], native.read(model), n_scores(model)
    gone = np.random.default_rng(4).random(trees.n_trees) < 0.5
    gone[:k] = [True] * (k - 1) + [False] if k > 1 else [True]
    gone[[j for j in range(trees.n_trees) if j % k == 0]] |= k > 1  # a score without trees
    mask = np.zeros(trees.n_nodes, bool)
    mask[trees.roots[gone]] = True
    new = native.write(model, mask, fold=True)
    assert_scores(new, Z, answers(model, Z, mask))
    after = native.read(new)
    left = [np.flatnonzero(~gone & (trees.tree_output == s)) for s in range(k)]
    n_rounds = max(max(map(len, left)), 1)
    assert new.n_estimators_ == n_rounds and after.n_trees == n_rounds * k
    for s, own in enumerate(left):
        for i in range(n_rounds):
            root = after.roots[i * k + s]
            size = np.count_nonzero(after.tree_of == i * k + s)
            if i < len(own):
                assert size == np.count_nonzero(trees.tree_of == own[i])
            else:
                assert size == 1
                assert after.value[root, 0, s] == 0 or (i == 0 and not len(own))
    values, base = native.contributions(new, Z)
    score = native.raw_score(new, Z)[:, 0]
    np.testing.assert_allclose(values.sum(axis=1) + base, score, rtol=1e-9, atol=1e-9)
    for root in naive.json_trees(new) if n_classes == 0 else ():
        for node in filter(lambda node: not naive.is_leaf(node), naive.nodes_of(root)):
            assert node["internal_value"] == pytest.approx(
                naive.mean_value(node), rel=1e-4, abs=1e-8
            )


@pytest.mark.parametrize("n_classes", [0, 2, 3])
def test_folding_nothing_and_folding_all(rows, n_classes):
    model = _boosted(rows, n_classes)
    Z, trees, k = rows[0][:9], native.read(model), n_scores(model)
    assert text_of(native.write(model, trees.is_leaf, fold=True)) == text_of(model)
    new = native.write(model, np.ones(trees.n_nodes, bool), fold=True)
    assert native.read(new).n_nodes == k and new.n_estimators_ == 1
    totals = [trees.value[trees.roots[s::k], 0, s].sum() for s in range(k)]
    np.testing.assert_allclose(native.raw_score(new, Z)[:, 0], [totals] * 9, rtol=1e-12)
    assert not native.contributions(new, Z)[0].any()
    assert not new.feature_importances_.any()
    pickle.loads(pickle.dumps(new)).predict(Z)
    again = native.write(new, native.read(new).is_leaf, fold=True)
    assert text_of(again) == text_of(new)


def test_random_forests_of_lightgbm_are_not_folded(rows):
    model = _boosted(rows, 2, boosting_type="rf", subsample=0.7, subsample_freq=1)
    trees = native.read(model)
    mask = np.zeros(trees.n_nodes, bool)
    mask[trees.roots[1:3]] = True
    new = native.write(model, mask, fold=True)
    assert text_of(new) == text_of(native.write(model, mask))
    assert new.n_estimators_ == model.n_estimators_
    assert_scores(new, rows[0][:40], answers(model, rows[0][:40], mask))


FORESTS = [
    RandomForestClassifier(7, max_depth=4, random_state=0),
    ExtraTreesClassifier(7, max_depth=4, random_state=0),
    RandomForestRegressor(7, max_depth=4, random_state=0),
    ExtraTreesRegressor(7, max_depth=4, random_state=0),
]


@pytest.mark.parametrize("kind", FORESTS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_folded_forests_keep_their_mean(rows, kind, n_outputs):
    Z, y = rows
    targets = np.column_stack([np.digitize(y, [0, 1]), y > 0.5])[:, :n_outputs]
    model = clone(kind).fit(Z, targets[:, 0] if n_outputs == 1 else targets)
    trees, rng = native.read(model), np.random.default_rng(0)
    for gone in (rng.random(7) < 0.6, np.arange(7) == 3, np.ones(7, bool), np.zeros(7, bool)):
        mask = rng.random(trees.n_nodes) < 0.1
        mask[trees.roots] = gone
        new = native.write(model, mask, fold=True)
        kept = max(1, int((~gone).sum()))
        assert len(new.estimators_) == new.n_estimators == kept and type(new) is type(model)
        expected = native.raw_score(native.write(model, mask), Z)
        np.testing.assert_allclose(native.raw_score(new, Z), expected, rtol=1e-12, atol=1e-14)
        assert native.read(new).n_trees == kept
        clone(new).fit(Z[:20], targets[:20, 0] if n_outputs == 1 else targets[:20])
    values = np.array(trees.value)
    values *= 0.5
    new = native.write(model, trees.is_leaf, values, fold=True)
    np.testing.assert_allclose(native.raw_score(new, Z), native.raw_score(model, Z) * 0.5)
    assert len(model.estimators_) == model.n_estimators == 7


def test_a_single_tree_is_not_folded(rows):
    model = DecisionTreeClassifier(max_depth=3).fit(rows[0], rows[1] > 0)
    new = native.write(model, np.ones(native.read(model).n_nodes, bool), fold=True)
    assert new.get_n_leaves() == 1
    np.testing.assert_allclose(new.predict_proba(rows[0])[:, 1], np.mean(rows[1] > 0))


# --- what is around the trees --------------------------------------------------------------------


@pytest.fixture(scope="module")
def named(rows):
    Z, y = rows
    X = pd.DataFrame(Z, columns=["größe €", "a b", "=cmd()", "$\\frac$"])
    labels = np.where(y > 0.3, "yes", "no")
    model = LGBMClassifier(**TINY, **CATS, class_weight="balanced", random_state=3)
    model.fit(X, labels, categorical_feature=["=cmd()"], eval_set=[(X, labels)])
    return model, X


def test_the_wrapper_is_copied_whole(named):
    model, X = named
    trees = native.read(model)
    new = native.write(model, trees.n_rows < 120, fold=True)
    assert new.get_params() == model.get_params()
    assert new.classes_.tolist() == ["no", "yes"] and new.classes_ is not model.classes_
    assert new.n_features_in_ == new.n_features_ == 4
    assert new.feature_name_ == model.feature_name_
    assert new.feature_names_in_.tolist() == model.feature_names_in_.tolist()
    assert new.objective_ == "binary" and new.n_classes_ == 2
    assert new.n_estimators_ == new.n_iter_ == new.booster_.current_iteration()
    assert new.n_iter_ == new.booster_.num_trees() == native.read(new).n_trees
    assert new.best_iteration_ == 0 and not new.best_score_ and not new.evals_result_
    assert model.evals_result_  # the old one keeps its own
    assert set(new.predict(X)) <= {"no", "yes"}
    assert clone(new).get_params() == model.get_params()
    assert not hasattr(clone(new), "fitted_")
    np.testing.assert_array_equal(
        clone(new).fit(X, model.predict(X), categorical_feature=["=cmd()"]).predict(X),
        clone(model).fit(X, model.predict(X), categorical_feature=["=cmd()"]).predict(X),
    )


def test_nothing_is_shared_and_the_old_model_is_not_changed(named):
    model, X = named
    before, said = text_of(model), model.predict_proba(X)
    params = copy.deepcopy(model.booster_.params)
    new = native.write(model, native.read(model).n_rows < 120)
    new.booster_.params["num_leaves"] = 99
    new.classes_[:] = "no"
    new._le.classes_[:] = "no"
    new.set_params(num_leaves=3)
    del new
    assert text_of(model) == before and model.booster_.params == params
    np.testing.assert_array_equal(model.predict_proba(X), said)
    assert "yes" in model.predict(X)


def test_it_predicts_in_a_process_without_treeprune(named, tmp_path):
    model, X = named
    new = native.write(model, native.read(model).n_rows < 60, fold=True)
    new.booster_.save_model(tmp_path / "model.txt")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(new))
    X.to_pickle(tmp_path / "rows.pkl")
    code = (
        "import sys; sys.modules['treeprune'] = None\n"
        "import pickle, lightgbm as lgb, numpy as np, pandas as pd\n"
        "X = pd.read_pickle('rows.pkl')\n"
        "model = pickle.load(open('model.pkl', 'rb'))\n"
        "booster = lgb.Booster(model_file='model.txt')\n"
        "np.savez('said.npz', proba=model.predict_proba(X), label=model.predict(X).astype(str),\n"
        "         loaded=booster.predict(X), contrib=booster.predict(X, pred_contrib=True))\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=120)
    said = np.load(tmp_path / "said.npz")
    np.testing.assert_array_equal(said["proba"], new.predict_proba(X))
    np.testing.assert_array_equal(said["label"], new.predict(X))
    np.testing.assert_array_equal(said["loaded"], new.predict_proba(X)[:, 1])
    np.testing.assert_array_equal(said["contrib"], new.predict(X, pred_contrib=True))


def test_a_frame_with_pandas_categories():
    X, y = frame(np.random.default_rng(5))
    model = LGBMRegressor(**TINY, **CATS).fit(X, y)
    trees = native.read(model)
    assert text_of(native.write(model, trees.is_leaf)) == text_of(model)
    mask = random_mask(trees, np.random.default_rng(1), 0.3)
    new = native.write(model, mask)
    assert new.booster_.pandas_categorical == model.booster_.pandas_categorical
    assert native.input_categories(new) == native.input_categories(model)
    other = X.iloc[:60].copy()
    other["=cmd()"] = pd.Categorical(["new", "z\n", "y", "x"] * 15)
    for rows in (X, other, X.iloc[:1]):
        leaf = native.apply(model, rows)
        top = [[_top(trees, mask, t) for t in row] for row in leaf]
        assert_scores(new, None, trees.add_up(np.array(top), trees.value)[:, 0], rows)


def test_boosters_and_their_subclasses(rows):
    class Own(lgb.Booster):
        pass

    Z, y = rows
    params = {"objective": "binary", "num_leaves": 5, "verbose": -1, "num_threads": 1}
    for keep in (False, True):
        data = lgb.Dataset(Z, y > 0.3)
        booster = lgb.train(params, data, 4, valid_sets=[data], keep_training_booster=keep)
        mask = random_mask(native.read(booster), np.random.default_rng(2), 0.4)
        new = native.write(booster, mask)
        assert type(new) is lgb.Booster and new.params == booster.params
        assert not hasattr(new, "train_set")
        assert_scores(new, Z[:40], answers(booster, Z[:40], mask))
        assert_scores(pickle.loads(pickle.dumps(new)), Z[:40], answers(booster, Z[:40], mask))
    own = Own(model_str=text_of(booster))
    own.note = ["mine"]
    new = native.write(own, mask)
    assert type(new) is Own and new.note == ["mine"] and new.note is not own.note
    np.testing.assert_array_equal(new.predict(Z), native.write(booster, mask).predict(Z))


def test_subclasses_of_the_wrapper(rows):
    class Own(LGBMRegressor):
        pass

    model = Own(**TINY).fit(*rows)
    model.note = ["mine"]
    new = native.write(model, native.read(model).is_leaf)
    assert type(new) is Own and new.note == ["mine"] and new.note is not model.note


@pytest.mark.parametrize("keep", [False, True])
def test_early_stopping_leaves_the_best_iterations(rows, keep):
    Z, y = rows
    noise = np.random.default_rng(0).permutation(y[:80])
    stop = [lgb.early_stopping(3, verbose=False)]
    options = {**TINY, "n_estimators": 60}
    model = LGBMRegressor(**options).fit(Z, y, eval_set=[(Z[:80], noise)], callbacks=stop)
    new = native.write(model, native.read(model).is_leaf)
    np.testing.assert_array_equal(new.predict(Z), model.predict(Z))
    assert new.n_estimators_ == model.best_iteration_ < 60 and new.best_iteration_ == 0
    params = {"num_leaves": 15, "verbose": -1, "num_threads": 1, "min_data_in_leaf": 3}
    booster = lgb.train(
        params,
        lgb.Dataset(Z, y),
        60,
        valid_sets=[lgb.Dataset(Z[:80], noise)],
        callbacks=stop,
        keep_training_booster=keep,
    )
    new = native.write(booster, native.read(booster).is_leaf)
    np.testing.assert_array_equal(new.predict(Z), booster.predict(Z))
    assert new.num_trees() == booster.best_iteration


def test_models_that_go_on_from_others(rows):
    Z, y = rows
    first = LGBMRegressor(**TINY).fit(Z, y)
    later = LGBMRegressor(**TINY, init_model=None).fit(Z, y, init_model=first)
    shifted = LGBMRegressor(**TINY).fit(Z, y, init_score=np.full(len(y), 2.0))
    custom = LGBMRegressor(objective=_gradients, **TINY).fit(Z, y)
    for model in (later, shifted, custom):
        mask = random_mask(native.read(model), np.random.default_rng(2), 0.4)
        assert_scores(native.write(model, mask), Z[:40], answers(model, Z[:40], mask))
        again = pickle.loads(pickle.dumps(native.write(model, mask)))
        assert_scores(again, Z[:40], answers(model, Z[:40], mask))
    # Training can go on from a cut.
    more = LGBMRegressor(**TINY).fit(
        Z, y, init_model=native.write(first, native.read(first).is_leaf)
    )
    np.testing.assert_array_equal(more.predict(Z), later.predict(Z))


def _gradients(y, score):
    return score - y, np.ones_like(score)


def test_constant_columns_one_row_and_trees_of_one_leaf(rows):
    Z, y = rows
    flat = np.column_stack([np.full(len(Z), 7.0), Z[:, 0]])
    for X, target in ((flat, y), (flat[:, :1], y), (Z, np.full(len(Z), 2.5))):
        model = LGBMRegressor(**TINY).fit(X, target)
        trees = native.read(model)
        for mask in (trees.is_leaf, np.ones(trees.n_nodes, bool)):
            for fold in (False, True):
                new = native.write(model, mask, fold=fold)
                expected = answers(model, X[:1], mask)
                assert_scores(new, X[:1], expected)
                assert new.predict(X[:1]).shape == (1,)
        value = np.full(trees.value.shape, 0.25)
        new = native.write(model, trees.is_leaf, value)
        np.testing.assert_array_equal(new.predict(X), 0.25 * trees.n_trees)


def test_goss_and_monotone_models(rows):
    Z, y = rows
    options = {"data_sample_strategy": "goss", "monotone_constraints": [1, 0, 0, -1]}
    model = LGBMRegressor(**TINY, **options).fit(Z, y)
    mask = random_mask(native.read(model), np.random.default_rng(2), 0.3)
    new = native.write(model, mask)
    assert_scores(new, Z[:40], answers(model, Z[:40], mask))
    line = re.compile(r"^(monotone_constraints=.*|\[monotone_constraints: .*\])$", re.MULTILINE)
    assert line.findall(text_of(new)) == line.findall(text_of(model)) != []


# --- shap ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [0, 2, 3])
@pytest.mark.parametrize("fold", [False, True])
def test_shap_explains_a_cut(rows, n_classes, fold):
    model = _boosted(rows, n_classes)
    trees, Z = native.read(model), rows[0][:20]
    mask = random_mask(trees, np.random.default_rng(1), 0.3)
    mask[trees.roots[:2]] = True
    new = native.write(model, mask, fold=fold)
    values, base = native.contributions(new, Z)
    for kind in (new, new.booster_):
        found = np.asarray(shap.TreeExplainer(kind)(Z).values).reshape(values.shape)
        np.testing.assert_allclose(found, values, rtol=1e-9, atol=1e-9)
    if n_classes < 3:  # shap walks the trees itself
        sure = np.nan_to_num(Z)
        walks = shap.TreeExplainer(new, sure, feature_perturbation="interventional")
        game = TreeGame(native.read(new), native.splits(new), background=sure)
        np.testing.assert_allclose(
            np.asarray(walks(sure).values).reshape(values.shape),
            game.attribute(sure),
            rtol=1e-6,
            atol=1e-6,
        )
    assert base.shape == (20, max(1, values.shape[2]))


# --- converters ----------------------------------------------------------------------------------


def _cuts(rows, **options):
    """Cut models of every task and rows of float32, which converters compare."""
    Z = rows[0].astype(np.float32).astype(np.float64)
    for n_classes in (0, 2, 3):
        model = _boosted((Z, rows[1]), n_classes, **options)
        trees = native.read(model)
        mask = random_mask(trees, np.random.default_rng(1), 0.3)
        mask[trees.roots[0]] = True
        for fold in (False, True):
            new = native.write(model, mask, fold=fold)
            said = new.predict_proba(Z) if n_classes else new.predict(Z)[:, None]
            yield new, Z, said


@pytest.mark.parametrize("boosting", ["gbdt", "rf", "dart"])
def test_treelite_converts_a_cut(rows, boosting):
    treelite = pytest.importorskip("treelite")
    for new, Z, said in _cuts(rows, boosting_type=boosting, subsample=0.7, subsample_freq=1):
        converted = treelite.frontend.from_lightgbm(new.booster_)
        found = treelite.gtil.predict(converted, Z, nthread=1).reshape(len(Z), -1)
        found = np.hstack([1 - found, found]) if said.shape[1] == 2 else found
        np.testing.assert_allclose(found, said, atol=1e-6)


def test_onnx_converts_a_cut(rows):
    convert = pytest.importorskip("onnxmltools").convert
    runtime = pytest.importorskip("onnxruntime")
    kind = pytest.importorskip("onnxmltools.convert.common.data_types").FloatTensorType([None, 4])
    for new, Z, said in _cuts(rows):
        plain = {"zipmap": False} if hasattr(new, "predict_proba") else {}
        converted = convert.convert_lightgbm(new, initial_types=[("X", kind)], **plain)
        session = runtime.InferenceSession(
            converted.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        found = session.run(None, {"X": Z.astype(np.float32)})[-1]
        np.testing.assert_allclose(found.reshape(len(Z), -1), said, atol=1e-5)


# --- refusals ------------------------------------------------------------------------------------


def test_masks_and_values_that_do_not_fit(rows):
    model = _boosted(rows, 2)
    trees = native.read(model)
    nan = np.array(trees.value)
    nan[3] = np.nan
    for mask, value, words in (
        (trees.is_leaf[:-1], None, "is_leaf must be a mask of the"),
        (trees.is_leaf.astype(int), None, "got int64"),
        (trees.is_leaf[:, None], None, "of shape"),
        (trees.is_leaf, trees.value[:, 0], "value must be finite numbers of shape"),
        (trees.is_leaf, trees.value[1:], "value must be finite"),
        (trees.is_leaf, nan, "value must be finite"),
    ):
        with pytest.raises(ValueError, match=words):
            native.write(model, mask, value)


def test_what_cannot_be_read_cannot_be_written(rows):
    Z, y = rows
    Z = np.nan_to_num(Z)
    mask = np.ones(7, bool)
    zero = LGBMRegressor(zero_as_missing=True, **TINY)
    zero.fit(Z, np.where(Z[:, 1] == 0, 3.0, Z[:, 1]))
    linear = LGBMRegressor(linear_tree=True, **TINY).fit(Z, y)
    early = LGBMClassifier(pred_early_stop=True, **TINY).fit(Z, y > 0)
    for model, words in (
        (zero, "zero_as_missing"),
        (linear, "linear_tree"),
        (early, "pred_early_stop"),
    ):
        with pytest.raises(UnsupportedModelError, match=words):
            native.write(model, mask)
    with pytest.raises(NotFittedError):
        native.write(LGBMRegressor(), mask)


def test_lightgbm_never_sees_a_text_that_is_not_read(rows, monkeypatch):
    """A wrong text would abort the process, so that every new text is read back first."""
    model = _boosted(rows, 2)
    trees = native.read(model)
    seen = []
    monkeypatch.setattr(reader, "_new_booster", lambda booster, text: seen.append(text))
    monkeypatch.setattr(lightgbm_write, "_with_sizes", lambda head, blocks: head)  # stale sizes
    with pytest.raises(MalformedModelError, match="tree_sizes"):
        native.write(model, np.ones(trees.n_nodes, bool))
    assert not seen


@settings(max_examples=40)
@given(st.data())
def test_damaged_texts_are_refused_or_written(data):
    text = _DAMAGED
    end = text.index("\nparameters:")
    words = [m.span() for m in re.finditer(r"[^\s=]+", text[:end])]
    start, stop = data.draw(st.sampled_from(words))
    new = data.draw(st.sampled_from(["", "nan", "-1", "0", "1e999", "\n", "½", "=", "7"]))
    damaged = text[:start] + new + text[stop:]
    parts = re.split(r"(?m)^(?=Tree=\d+$)", damaged.partition("end of trees")[0])
    sizes = "tree_sizes=" + " ".join(str(len(p)) for p in parts[1:])
    damaged = re.sub("(?m)^tree_sizes=.*$", sizes, damaged)
    try:
        trees = reader.read_trees(damaged)
    except (MalformedModelError, UnsupportedModelError):
        return
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    mask = random_mask(trees, rng, 0.3)
    written = write_text(damaged, mask, None, fold=data.draw(st.booleans()))
    assert reader.read_trees(written).n_leaves <= trees.n_leaves


def _a_text():
    rng = np.random.default_rng(0)
    Z = random_rows(rng, 120, missing=True)
    model = LGBMRegressor(**{**TINY, "n_estimators": 2}, **CATS)
    return text_of(model.fit(Z, np.nan_to_num(Z[:, 0]) + (Z[:, 2] > 20), categorical_feature=[2]))


_DAMAGED = _a_text()


# --- objective and weights -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "objective, said",
    [
        ("regression", "regression"),
        ("mae", "regression_l1"),
        ("poisson", "poisson"),
        ("quantile", "quantile"),
        (_gradients, "custom"),
    ],
)
def test_objectives_of_regressors(rows, objective, said):
    model = LGBMRegressor(objective=objective, **TINY).fit(rows[0], np.exp(rows[1]))
    assert native.objective(model) == native.objective(model.booster_) == said


def test_objectives_of_classifiers_and_others(rows):
    Z, y = rows
    assert native.objective(LGBMClassifier(**TINY).fit(Z, y > 0)) == "binary"
    three = np.digitize(y, [0, 1])
    for name in ("multiclass", "multiclassova"):
        assert native.objective(LGBMClassifier(objective=name, **TINY).fit(Z, three)) == name
    assert native.objective(DecisionTreeClassifier().fit(Z, three)) == ""
    assert native.objective(RandomForestRegressor(2)) == ""
    cut = native.write(_boosted(rows, 3), native.read(_boosted(rows, 3)).is_leaf)
    assert native.objective(cut) == "multiclass"


WEIGHTED = [
    {},
    {"class_weight": {"yes": 3.0}},
    {"class_weight": "balanced"},
    {"scale_pos_weight": 4.0},
    {"is_unbalance": True},
    {"unbalance": True, "class_weight": {"no": 2.0}},
]


@pytest.mark.parametrize("options", WEIGHTED, ids=lambda o: "-".join(map(str, o)))
@pytest.mark.parametrize("share", [0.3, 1.2])  # either class is the rarer one
def test_row_weights_are_those_of_the_first_hessians(rows, options, share):
    Z, y = rows
    w = np.random.default_rng(0).random(len(y)) + 0.1
    labels = np.where(y > share, "yes", "no")
    model = LGBMClassifier(**{**TINY, "n_estimators": 1}, **options).fit(Z, labels, w)
    found = native.row_weights(model, labels, w)
    # LightGBM starts from the share of the second class, without the weights of labels.
    plain = clone(model).set_params(scale_pos_weight=1.0, is_unbalance=False, unbalance=False)
    start = native.row_weights(plain.fit(Z, labels, w), labels, w)
    p = np.average(labels == "yes", weights=start)
    hessian = sum(leaf["leaf_weight"] for leaf in naive.leaves_below(naive.json_trees(model)[0]))
    assert hessian == pytest.approx((found * p * (1 - p)).sum(), rel=1e-6)
    inside = native.row_weights(model.booster_, (labels == "yes") * 1, w)
    ratio = np.unique((found / inside).round(9))
    assert ("class_weight" in options) == (len(ratio) > 1)


def test_row_weights_of_other_models(rows):
    Z, y = rows
    ones = np.ones(len(y))
    np.testing.assert_array_equal(native.row_weights(_boosted(rows, 0), y, None), ones)
    model = _boosted(rows, 3, class_weight={0: 2.0, 2: 0.5})
    labels = np.digitize(y, [0.3, 1.0])
    expected = np.array([2.0, 1.0, 0.5])[labels]
    np.testing.assert_array_equal(native.row_weights(model, labels, None), expected)
    # The multiclass loss knows no weights of labels; one class against the rest has several.
    ignored = _boosted(rows, 3, scale_pos_weight=5.0)
    np.testing.assert_array_equal(native.row_weights(ignored, labels, None), ones)
    ova = _boosted(rows, 3, objective="multiclassova", is_unbalance=True)
    with pytest.raises(UnsupportedModelError, match="multiclassova"):
        native.row_weights(ova, labels, None)
    binary = LGBMRegressor(objective="binary", scale_pos_weight=3.0, **TINY).fit(Z, (y > 0) * 1)
    np.testing.assert_array_equal(
        native.row_weights(binary, (y > 0) * 1, None), np.where(y > 0, 3.0, 1.0)
    )
    only = LGBMClassifier(is_unbalance=True, **TINY).fit(Z, np.full(len(y), "one"))
    np.testing.assert_array_equal(native.row_weights(only, np.full(len(y), "one"), None), ones)
