"""LightGBM's trees as read say what the booster says, to the last bit, or are refused."""

from __future__ import annotations

import math
import re

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from lightgbm_models import CATS, FIXED, TINY, frame, random_model, random_options, random_rows
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import treeprune
from treeprune import (
    MalformedModelError,
    PrunedClassifier,
    PrunedRegressor,
    PrunedTreeClassifier,
    Splits,
    Trees,
    UnsupportedModelError,
    native,
    pruning_path,
)
from treeprune.native.lightgbm_text import read_splits, read_trees

ZERO = float(np.float32(1e-35))  # LightGBM reads what is nearer to zero as zero


# --- slow, obvious twins -------------------------------------------------------------------------


def naive_walker(trees, splits):
    """Function (tree, row) -> node in which the row ends, by the rule that `Splits` documents."""
    left, right, feature = trees.left.tolist(), trees.right.tolist(), splits.feature.tolist()
    threshold, missing_left = splits.threshold.tolist(), splits.missing_left.tolist()
    sets = [naive_categories(splits, t) for t in range(trees.n_nodes)]
    roots = trees.roots.tolist()

    def leaf(tree, x):
        t = roots[tree]
        while left[t] >= 0:
            value = float(x[feature[t]])
            if sets[t]:
                goes_left = math.isfinite(value) and int(value) in sets[t]
            elif math.isnan(value):
                goes_left = missing_left[t]
            else:
                goes_left = value <= threshold[t]
            t = left[t] if goes_left else right[t]
        return t

    return leaf


def naive_categories(splits, t):
    if len(splits.category_offsets) == 1:
        return set()
    start, end = splits.category_offsets[t : t + 2]
    return set(splits.category_values[start:end].tolist())


def naive_score(trees, leaves):
    """Raw scores of a row with these leaves, (n_outputs, n_classes_max)."""
    total = np.zeros(trees.value.shape[1:])
    for j, t in enumerate(leaves):
        total += trees.tree_weight[j] * trees.value[t]
    if trees.average:
        total /= trees.n_trees
    return total + trees.base_score.reshape(total.shape)


def naive_prediction(link, score):
    """What a raw score (n_scores,) says by the link."""
    if link == "identity":
        return score
    if link == "exp":
        return np.exp(score)
    if link == "softmax":
        e = np.exp(score - score.max())
        return e / e.sum()
    p = 1 / (1 + np.exp(-score))
    return p if link == "ovr_logit" else np.array([1 - p[0], p[0]])


def assert_read_exactly(model, Z, X=None):
    """Leaves and sums equal the model's own; `Z` is `X` as LightGBM sees it."""
    X = Z if X is None else X
    trees, splits = native.read(model), native.splits(model)
    leaf = native.apply(model, X)
    walk = naive_walker(trees, splits)
    walked = np.array([[walk(j, z) for j in range(trees.n_trees)] for z in Z.tolist()])
    np.testing.assert_array_equal(leaf, walked)
    assert leaf.dtype == np.int32
    score = native.raw_score(model, X)
    expected = np.array([naive_score(trees, row) for row in leaf])
    assert score.shape == expected.shape == (len(Z), *trees.value.shape[1:])
    np.testing.assert_allclose(score, expected, rtol=1e-12, atol=1e-12)
    return trees, splits


def probes(splits, Z):
    """Rows on, and one step beside, every threshold; missing, infinite, huge and tiny values."""
    odd = [np.nan, np.inf, -np.inf, 1e300, -1e300, 1e308, 0.0, -0.0, 5e-324, ZERO, -ZERO]
    odd += [np.nextafter(ZERO, 1), np.nextafter(-ZERO, -1), ZERO / 2, -ZERO / 2, 3.0, -1.0, -0.5]
    odd += [0.5, 7.9, 31.0, 32.0, 1e9, 2.0**31, 2.0**32 + 1, -(2.0**31)]
    rows = []
    for t in np.flatnonzero(splits.feature >= 0):
        limit = splits.threshold[t]
        for value in (limit, math.nextafter(limit, -np.inf), math.nextafter(limit, np.inf)):
            rows.append((splits.feature[t], value))
    rows += [(j, value) for j in range(splits.n_features) for value in odd]
    out = Z[np.arange(len(rows)) % len(Z)].copy()
    for i, (j, value) in enumerate(rows):
        out[i, j] = value
    return out


# --- random models -------------------------------------------------------------------------------


@settings(max_examples=40)
@given(random_options)
@example({**FIXED, "task": "multiclass", "boosting": "rf"})
@example({**FIXED, "task": "binary", "boosting": "gbdt", "missing": False})
@example({**FIXED, "task": "regression", "boosting": "dart", "categories": False})
def test_random_models_are_read_exactly(options):
    model, Z = random_model(**options)
    trees, splits = native.read(model), native.splits(model)
    assert_read_exactly(model, np.concatenate([Z[:25], probes(splits, Z)]))
    for row, score in zip(
        _predictions(model, trees.link, Z[:25]), native.raw_score(model, Z[:25]), strict=True
    ):
        np.testing.assert_allclose(row, naive_prediction(trees.link, score[0]), rtol=1e-9)


def _predictions(model, link, X):
    if hasattr(model, "predict_proba"):
        return model.predict_proba(X)
    predicted = model.predict(X)[:, None]
    return np.hstack([1 - predicted, predicted]) if link == "logit" else predicted


@settings(max_examples=10)
@given(random_options)
def test_nodes_hold_what_was_counted(options):
    model, _ = random_model(**options)
    trees = native.read(model)
    table = model.booster_.trees_to_dataframe()
    assert trees.n_nodes == len(table)
    assert trees.n_leaves == table["left_child"].isna().sum()
    assert sorted(trees.n_rows) == sorted(table["count"])
    np.testing.assert_array_equal(trees.weight, trees.n_rows)
    np.testing.assert_array_equal(trees.impurity, 0.0)
    hessian = table.set_index("node_index")["weight"].fillna(0.0)
    value = table.set_index("node_index")["value"]
    for t in range(trees.n_nodes):
        tree = int(trees.tree_of[t])
        column = int(trees.tree_output[tree])
        assert column == tree % trees.value.shape[2]
        assert not np.delete(trees.value[t, 0], column).any()
        leaves = _leaves(trees, t)
        name = [_leaf_name(trees, leaf) for leaf in leaves]
        weights = hessian[name] if hessian[name].sum() > 0 else trees.n_rows[leaves]
        weights = weights if np.sum(weights) > 0 else np.ones(len(leaves))
        mean = np.average(value[name], weights=weights)
        assert trees.value[t, 0, column] == pytest.approx(mean, rel=1e-12, abs=1e-12)
        if trees.is_leaf[t]:
            assert trees.value[t, 0, column] == value[name[0]]


def _leaves(trees, t):
    if trees.left[t] < 0:
        return [t]
    return _leaves(trees, trees.left[t]) + _leaves(trees, trees.right[t])


def _leaf_name(trees, t):
    tree = int(trees.tree_of[t])
    n_leaves = int(trees.is_leaf[trees.tree_of == tree].sum())
    return f"{tree}-L{t - int(trees.roots[tree]) - n_leaves + 1}"


@settings(max_examples=20)
@given(random_options)
def test_contributions_are_the_models_own_and_weigh_by_our_weights(options):
    model, Z = random_model(**options)
    values, base = native.contributions(model, Z[:20])
    trees = native.read(model)
    k = trees.value.shape[2]
    assert values.shape == (20, 4, k) and base.shape == (20, k)
    own = model.predict(Z[:20], pred_contrib=True).reshape(20, k, 5)
    own /= trees.n_trees // k if trees.average else 1
    np.testing.assert_array_equal(values, own[:, :, :-1].transpose(0, 2, 1))
    score = native.raw_score(model, Z[:20])[:, 0]
    np.testing.assert_allclose(values.sum(axis=1) + base, score, rtol=1e-9, atol=1e-9)
    # The base is the mean over leaves, each weighed by the shares of rows on the way to it.
    expected = [_mean_by_rows(trees, t) for t in trees.roots]
    np.testing.assert_allclose(base[0], naive_score_of(trees, expected), rtol=1e-9, atol=1e-9)
    unused = np.setdiff1d(np.arange(4), native.splits(model).feature)
    assert not values[:, unused].any()


def _mean_by_rows(trees, t):
    if trees.left[t] < 0:
        return trees.value[t, 0]
    return sum(
        trees.weight[child] / trees.weight[t] * _mean_by_rows(trees, child)
        for child in (trees.left[t], trees.right[t])
    )


def naive_score_of(trees, values):
    total = sum(w * value for w, value in zip(trees.tree_weight, values, strict=True))
    return total / trees.n_trees if trees.average else total


# --- particular models ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    Z = random_rows(rng, 300, missing=True)
    return Z, np.nan_to_num(Z[:, 0]) + np.nan_to_num(Z[:, 1]) + rng.normal(scale=0.2, size=300)


@pytest.fixture(scope="module")
def model(rows):
    Z, y = rows
    return LGBMClassifier(**TINY, **CATS).fit(Z, y > 0.3, categorical_feature=[2])


@pytest.fixture(scope="module")
def text(model):
    return model.booster_.model_to_string()


def test_two_classes_have_one_score_the_log_odds_of_the_second(rows, model):
    Z, y = rows
    named = LGBMClassifier(**TINY).fit(Z, np.where(y > 0.3, "yes", "no"))
    p = named.predict_proba(Z)[:, list(named.classes_).index("yes")]
    np.testing.assert_allclose(native.raw_score(named, Z)[:, 0, 0], np.log(p / (1 - p)), rtol=1e-9)
    trees = native.read(named)
    assert (trees.link, trees.value.shape[2], trees.n_classes) == ("logit", 1, ())
    assert not trees.average and not trees.is_classifier


def test_a_booster_of_its_own(rows):
    Z, y = rows
    data = [lgb.Dataset(Z, y > 0.3, categorical_feature=[2]) for _ in range(2)]  # used up once
    params = {"objective": "binary", "num_leaves": 5, "verbose": -1, "num_threads": 1, **CATS}
    booster = lgb.train(params, data[0], 4)
    trees, splits = assert_read_exactly(booster, Z[:60])
    assert trees.n_trees == 4 and len(splits.category_values)
    again = lgb.Booster(model_str=booster.model_to_string())
    np.testing.assert_array_equal(native.read(again).value, trees.value)
    kept = lgb.train(params, data[1], 4, keep_training_booster=True)  # never went through its text
    np.testing.assert_array_equal(native.read(kept).value, trees.value)
    assert_read_exactly(kept, Z[:60])


@pytest.mark.parametrize("keep", [False, True])
def test_early_stopping_reads_the_best_iteration(rows, keep):
    Z, y = rows
    rng = np.random.default_rng(0)
    stop = lgb.early_stopping(3, verbose=False)
    train, other = lgb.Dataset(Z, y), lgb.Dataset(Z[:80], rng.permutation(y[:80]))
    booster = lgb.train(
        {"num_leaves": 15, "verbose": -1, "num_threads": 1, "min_data_in_leaf": 3},
        train,
        60,
        valid_sets=[other],
        callbacks=[stop],
        keep_training_booster=keep,
    )
    trees, _ = assert_read_exactly(booster, Z[:40])
    assert trees.n_trees == booster.best_iteration < booster.current_iteration() or not keep
    wrapped = LGBMRegressor(**{**TINY, "n_estimators": 60})
    wrapped.fit(Z, y, eval_set=[(Z[:80], rng.permutation(y[:80]))], callbacks=[stop])
    trees, _ = assert_read_exactly(wrapped, Z[:40])
    assert trees.n_trees == wrapped.best_iteration_ < 60


@pytest.mark.parametrize("n_estimators", [1, 3])
def test_trees_of_one_leaf(rows, n_estimators):
    Z, _ = rows
    params = {**TINY, "n_estimators": n_estimators}
    constant = LGBMRegressor(**params).fit(Z, np.full(len(Z), 2.5))
    trees, splits = assert_read_exactly(constant, Z[:9])
    assert trees.n_leaves == trees.n_trees
    assert not (splits.feature >= 0).any()
    assert not native.contributions(constant, Z[:9])[0].any()
    rare = np.where(np.arange(len(Z)) == 0, 1, np.where(np.arange(len(Z)) % 2, 2, 0))
    trees, _ = assert_read_exactly(LGBMClassifier(**params).fit(Z, rare), Z[:9])
    assert trees.n_trees == 3 * n_estimators


def test_one_row_and_one_tree(rows):
    Z, y = rows
    for labels, k in ((y > 0, 1), (np.digitize(y, [0, 1]), 3)):
        single = LGBMClassifier(**{**TINY, "n_estimators": 1}).fit(Z, labels)
        assert native.apply(single, Z[:1]).shape == (1, k)
        assert native.raw_score(single, Z[:1]).shape == (1, 1, k)
        assert native.contributions(single, Z[:1])[0].shape == (1, 4, k)
        assert_read_exactly(single, Z[:1])


def test_a_ranker_and_own_objectives(rows):
    Z, y = rows
    ranker = LGBMRanker(**TINY).fit(Z, np.digitize(y, [0, 1]), group=[100, 200])
    assert assert_read_exactly(ranker, Z[:30])[0].link == "identity"
    own = LGBMRegressor(objective=lambda y, p: (p - y, np.ones_like(p)), **TINY).fit(Z, y)
    assert assert_read_exactly(own, Z[:30])[0].link == "identity"


@pytest.mark.parametrize("objective", ["regression_l1", "huber", "quantile", "mape", "fair"])
def test_objectives_without_a_link(rows, objective):
    Z, y = rows
    robust = LGBMRegressor(objective=objective, **TINY).fit(Z, y)
    assert assert_read_exactly(robust, Z[:30])[0].link == "identity"
    np.testing.assert_array_equal(native.raw_score(robust, Z)[:, 0, 0], robust.predict(Z))


@pytest.mark.parametrize("objective", ["gamma", "tweedie"])
def test_objectives_with_a_log_link(rows, objective):
    Z, y = rows
    positive = LGBMRegressor(objective=objective, **TINY).fit(Z, np.exp(y))
    assert assert_read_exactly(positive, Z[:30])[0].link == "exp"
    np.testing.assert_allclose(np.exp(native.raw_score(positive, Z)[:, 0, 0]), positive.predict(Z))


def test_infinite_values_in_training(rows):
    Z, y = rows
    Z = Z.copy()
    Z[::7, 0], Z[::11, 0], Z[::13, 1] = np.inf, -np.inf, 1e308
    wild = LGBMRegressor(**{**TINY, "num_leaves": 20}).fit(Z, y)
    assert_read_exactly(wild, np.concatenate([Z[:60], probes(native.splits(wild), Z)]))


def test_only_missing_values_differ():
    x = np.where(np.arange(60) % 3 == 0, np.nan, 1.0)
    model = LGBMRegressor(**TINY).fit(x[:, None], np.isnan(x) * 1.0)
    _, splits = assert_read_exactly(model, np.array([[np.nan], [1.0], [1e300], [np.inf], [-5.0]]))
    assert splits.n_features == 1


def test_sparse_rows(rows):
    Z, y = rows
    Z = np.nan_to_num(Z)
    model = LGBMClassifier(**TINY).fit(sparse.csr_matrix(Z), np.digitize(y, [0, 1]))
    for kind in (sparse.csr_matrix, sparse.csc_matrix):
        assert_read_exactly(model, Z[:30], kind(Z[:30]))
        values, base = native.contributions(model, kind(Z[:30]))
        dense = native.contributions(model, Z[:30])
        np.testing.assert_allclose(values, dense[0], atol=1e-12)
        np.testing.assert_allclose(base, dense[1], atol=1e-12)


def test_float32_rows_are_compared_in_float64(rows):
    Z, y = rows
    model = LGBMRegressor(**TINY).fit(Z, y)
    Z32 = Z[:60].astype(np.float32)
    assert_read_exactly(model, Z32.astype(np.float64), Z32)
    assert not native.splits(model).cast32


# --- frames, names, categories -------------------------------------------------------------------


def codes(X, categories):
    """What LightGBM makes of a frame."""
    out = X.copy()
    for j, names in categories.items():
        column = X.iloc[:, j].astype(object)
        known = [names.index(v) if v in names else np.nan for v in column]
        out = out.drop(columns=X.columns[j])
        out.insert(j, X.columns[j], known)
    return out.to_numpy(dtype=np.float64)


@pytest.fixture(scope="module")
def framed():
    X, y = frame(np.random.default_rng(5))
    return LGBMRegressor(**TINY, **CATS).fit(X, y), X


def test_frames_with_categories_and_exotic_names(framed):
    model, X = framed
    categories = native.input_categories(model)
    # LightGBM reads its own text back, so that the names are as they stand there.
    assert categories == {2: ("<w>", "x", "y", "z\n"), 4: (10, 20, 30)}
    assert native.input_categories(model, X) == categories
    _, splits = assert_read_exactly(model, codes(X, categories), X)
    assert len(splits.category_values)
    assert splits.feature_names == ("größe_€", "a_b", "=cmd()", "flag", "DROP_TABLE")
    again = lgb.Booster(model_str=model.booster_.model_to_string())
    assert native.input_categories(again) == categories
    assert_read_exactly(again, codes(X, categories), X)


def test_new_and_reordered_categories_are_recoded_by_the_model(framed):
    model, X = framed
    categories = native.input_categories(model)
    other = X.iloc[:40].copy()
    other["=cmd()"] = pd.Categorical(
        ["new", "z\n", "y", "x"] * 10, categories=list("yx") + ["new", "z\n"]
    )
    assert native.input_categories(model, other) == categories
    assert_read_exactly(model, codes(other, categories), other)


def test_category_columns_that_the_text_does_not_tell():
    X, y = frame(np.random.default_rng(5))
    expected = {2: ("<w>", "x", "y", "z\n"), 4: (10, 20, 30)}
    ordered = X.assign(**{"DROP TABLE": X["DROP TABLE"].cat.as_ordered()})
    by_hand = LGBMRegressor(**TINY).fit(X, y, categorical_feature=["a b"])
    swapped = LGBMRegressor(**TINY).fit(X, y, categorical_feature=["a b", "flag"])
    for model, rows in (
        (LGBMRegressor(**TINY).fit(ordered, y), ordered),
        (by_hand, X),
        (swapped, X),
    ):
        with pytest.raises(UnsupportedModelError, match="give rows"):
            native.input_categories(model)
        assert native.input_categories(model, rows) == expected
        assert native.input_categories(model, codes(rows, expected)) == {}
        assert_read_exactly(model, codes(rows, expected)[:50], rows[:50])
    with pytest.raises(ValueError, match="1 columns of categories, the model 2"):
        native.input_categories(by_hand, X.drop(columns="DROP TABLE"))


def test_models_without_categories_of_their_own(model, rows):
    assert native.input_categories(model) == {}
    assert native.input_categories(DecisionTreeClassifier().fit([[0], [1]], [0, 1])) == {}
    one = pd.DataFrame({"n": np.arange(30.0), "c": pd.Categorical(["only"] * 30)})
    single = LGBMRegressor(**TINY).fit(one, one["n"])
    assert native.input_categories(single) == {1: ("only",)}


def test_unnamed_columns(model, rows):
    assert native.splits(model).feature_names is None
    assert native.splits(model).name(int(np.argmax(native.splits(model).feature >= 0)))[0] == "x"
    Z = pd.DataFrame(rows[0][:20], columns=list("abcd"))
    np.testing.assert_array_equal(native.apply(model, Z), native.apply(model, rows[0][:20]))


@pytest.mark.parametrize("use", [native.apply, native.raw_score, native.contributions])
def test_columns_in_another_order_or_of_another_name(framed, use):
    model, X = framed
    use(model, X)
    for wrong in (X[X.columns[[1, 0, 2, 3, 4]]], X.rename(columns={"flag": "flags"})):
        model.predict(wrong)  # LightGBM itself would not notice
        with pytest.raises(ValueError, match="same order"):
            use(model, wrong)
    with pytest.raises(ValueError, match="same order"):
        use(model, X.iloc[:, :4])


def test_polars_and_arrow(rows):
    pl = pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    Z, y = rows
    Z = np.column_stack([Z[:, 0], Z[:, 3], y > 0])
    X = pl.DataFrame({"a": Z[:, 0], "b": Z[:, 1], "c": Z[:, 2] > 0})
    model = LGBMRegressor(**TINY).fit(pd.DataFrame(Z, columns=list("abc")), y)
    assert_read_exactly(model, Z[:40], X[:40])
    assert_read_exactly(model, Z[:40], X[:40].to_arrow())
    words = X.with_columns(pl.Series("c", ["u", "v", "w"] * 100))
    for wrong in (
        words,
        words.with_columns(pl.col("c").cast(pl.Categorical)),
        words.with_columns(pl.col("c").cast(pl.Enum(["u", "v", "w"]))),
        pa.table({"a": Z[:, 0], "b": Z[:, 1], "c": pa.array(["u", "v", "w"] * 100)}),
        pa.table({"a": Z[:, 0], "b": Z[:, 1], "c": pa.array(["u"] * 300).dictionary_encode()}),
    ):
        for use in (native.apply, native.raw_score, native.contributions):
            with pytest.raises(ValueError, match=r"columns \['c'\] hold others"):
                use(model, wrong)


# --- what cannot be represented ------------------------------------------------------------------


def test_zero_as_missing_is_refused_where_it_matters(rows):
    Z, _ = rows
    Z = np.nan_to_num(Z)
    y = np.where(Z[:, 1] == 0, 3.0, Z[:, 1])
    model = LGBMRegressor(zero_as_missing=True, **TINY).fit(Z, y)
    for use in (native.read, native.splits):
        with pytest.raises(UnsupportedModelError, match=r"zero_as_missing.*pred_contrib"):
            use(model)
    values, base = native.contributions(model, Z)
    score = native.raw_score(model, Z)[:, 0]
    np.testing.assert_allclose(values.sum(axis=1) + base, score, atol=1e-9)


def test_zero_as_missing_is_read_where_it_does_not_matter():
    rng = np.random.default_rng(0)
    Z = rng.choice([0.0, 1.0, 2.0, 3.0], size=(200, 2))  # zeros always go with what is below
    readable = 0
    for seed in range(6):
        y = (Z[:, 0] > seed % 3) + np.random.default_rng(seed).normal(scale=0.1, size=200)
        model = LGBMRegressor(zero_as_missing=True, **{**TINY, "num_leaves": 2}).fit(Z, y)
        try:
            _, splits = assert_read_exactly(model, Z[:50])
        except UnsupportedModelError:
            continue
        assert_read_exactly(model, probes(splits, Z))
        readable += 1
    assert readable


def test_linear_leaves_are_refused(rows):
    Z, y = rows
    model = LGBMRegressor(linear_tree=True, **TINY).fit(Z, y)
    for use in (native.read, native.splits, lambda m: native.contributions(m, Z)):
        with pytest.raises(UnsupportedModelError, match="linear_tree"):
            use(model)
    assert native.raw_score(model, Z).shape == (300, 1, 1)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"reg_sqrt": True}, "regression sqrt"),
        ({"objective": "cross_entropy_lambda"}, "cross_entropy_lambda"),
        ({"objective": "binary", "sigmoid": 2.0}, "sigmoid:2"),
    ],
)
def test_odd_links_are_refused(rows, options, words):
    Z, y = rows
    model = LGBMRegressor(**TINY, **options).fit(Z, (y > 0) * 1.0)
    with pytest.raises(UnsupportedModelError, match=words):
        native.read(model)
    values, base = native.contributions(model, Z[:10])
    score = native.raw_score(model, Z[:10])[:, 0]
    np.testing.assert_allclose(values.sum(axis=1) + base, score, atol=1e-9)


def test_trees_that_are_skipped_are_refused(rows):
    Z, y = rows
    early = {"pred_early_stop": True, "pred_early_stop_freq": 1, "pred_early_stop_margin": 0.01}
    model = LGBMClassifier(**TINY, **early).fit(Z, y > 0)
    with pytest.raises(UnsupportedModelError, match="pred_early_stop"):
        native.read(model)
    with pytest.raises(UnsupportedModelError, match="do not add up"):
        native.contributions(model, Z)
    assert_read_exactly(model.set_params(pred_early_stop=False), Z[:20])


def test_models_that_are_not_fitted():
    for use in (native.read, native.splits):
        with pytest.raises(NotFittedError):
            use(LGBMClassifier())
    for use in (native.apply, native.raw_score, native.contributions):
        with pytest.raises(NotFittedError):
            use(LGBMClassifier(), np.zeros((2, 2)))
    empty = lgb.Booster({"verbose": -1}, lgb.Dataset(np.arange(60.0)[:, None], np.arange(60.0)))
    with pytest.raises(MalformedModelError, match="no trees"):
        native.read(empty)


# --- malformed text ------------------------------------------------------------------------------


def edited(text, *edits, sizes=True):
    """The text after regular expressions were replaced (once each), with sizes that fit."""
    for pattern, new in edits:
        text, n = re.subn(pattern, new, text, count=1, flags=re.MULTILINE)
        assert n == 1, pattern
    if sizes:
        parts = re.split(r"(?m)^(?=Tree=\d+$)", text.partition("end of trees")[0])
        text = re.sub(
            "(?m)^tree_sizes=.*$", "tree_sizes=" + " ".join(str(len(p)) for p in parts[1:]), text
        )
    return text


MALFORMED = {
    "not a model": ([(r"\Atree\n", "forest\n")], "text of a LightGBM model"),
    "cut off": ([("^end of trees$", "")], "end of trees"),
    "sizes": ([("^tree_sizes=.", "tree_sizes=9")], "tree_sizes"),
    "a tree missing": ([(r"(?s)^Tree=1\n.*?(?=^Tree=2\n)", "")], "numbered"),
    "no columns": ([("^max_feature_idx=.*$", "max_feature_idx=-1")], "max_feature_idx"),
    "other columns": (
        [("^max_feature_idx=3", "max_feature_idx=7")],
        "8 columns and 4 feature_names",
    ),
    "no scores": ([("^num_tree_per_iteration=1", "num_tree_per_iteration=0")], "at least 1"),
    "scores": ([("^num_tree_per_iteration=1", "num_tree_per_iteration=3")], "no multiple"),
    "twice": ([("^num_class=1$", "num_class=1\nnum_class=2")], "twice"),
    "twice in a tree": ([("^num_cat=", "num_leaves=3\nnum_cat=")], "twice"),
    "class counts": ([("^num_class=1", "num_class=2")], "num_class=2 and 1 trees"),
    "no equals sign": ([("^split_gain=", "split_gain\n=")], "not 'key=value'"),
    "letters": ([("^shrinkage=1$", "shrinkage=½")], "not a number"),
    "shrinkage": ([("^shrinkage=1$", "shrinkage=x")], "not a number"),
    "gains": ([("^split_gain=", "split_gain=1 ")], "6 numbers in 'split_gain', must be 5"),
    "node values": ([(r"^internal_value=\S+ ", "internal_value=")], "4 numbers"),
    "node weights": ([(r"^internal_weight=\S+", "internal_weight=x")], "not a number"),
    "sets": ([("^num_cat=0$", "num_cat=1")], "lacks 'cat_boundaries'"),
    "leaves": ([("^num_leaves=6", "num_leaves=7")], "must be 6"),
    "huge": ([("^num_leaves=6", "num_leaves=999999999")], "must be 999999998"),
    "no leaves": ([("^num_leaves=6", "num_leaves=0")], "at least 1"),
    "negative leaves": ([("^num_leaves=6", "num_leaves=-6")], "at least 1"),
    "lacks": ([("^left_child=.*\n", "")], "lacks 'left_child'"),
    "no counts": ([("^internal_count=.*\n", "")], "lacks 'internal_count'"),
    "too many": ([("^leaf_value=", "leaf_value=1 ")], "7 numbers"),
    "word": ([(r"^leaf_value=\S+", "leaf_value=one")], "not a number"),
    "fraction": ([(r"^left_child=\S+", "left_child=1.5")], "not a number"),
    "beyond 64 bits": ([(r"^left_child=\S+", "left_child=9" + "9" * 20)], "not a number"),
    "child out of range": ([(r"^left_child=\S+", "left_child=5")], "child 5"),
    "leaf out of range": ([(r"^left_child=\S+", "left_child=-7")], "child -7"),
    "child of two": ([(r"^left_child=\S+ \S+", "left_child=1 1")], "hang together"),
    "root is a child": ([(r"^left_child=\S+", "left_child=0")], "hang together"),
    "column": ([(r"^split_feature=\S+", "split_feature=4")], "columns 0 to 3"),
    "negative column": ([(r"^split_feature=\S+", "split_feature=-2")], "columns 0 to 3"),
    "column beyond 32 bits": (
        [(r"^split_feature=\S+", f"split_feature={2**32}")],
        "columns 0 to 3",
    ),
    "threshold": ([(r"^threshold=\S+", "threshold=nan")], "threshold nan"),
    "infinite threshold": ([(r"^threshold=\S+", "threshold=-inf")], "threshold -inf"),
    "value": ([(r"^leaf_value=\S+", "leaf_value=nan")], "finite"),
    "weight": ([(r"^leaf_weight=\S+", "leaf_weight=inf")], "leaf_weight"),
    "counts": ([(r"^leaf_count=\S+", "leaf_count=-4")], "negative"),
    "decision": ([(r"^decision_type=\S+", "decision_type=12")], "decision_type"),
    "negative decision": ([(r"^decision_type=\S+", "decision_type=-2")], "decision_type"),
}


@pytest.mark.parametrize("edits, words", MALFORMED.values(), ids=MALFORMED)
def test_malformed_texts_are_refused(text, edits, words):
    assert read_trees(edited(text)).n_trees == 4
    with pytest.raises(MalformedModelError, match=words):
        read_trees(edited(text, *edits, sizes="sizes" not in words))


@pytest.mark.parametrize(
    "edits, words",
    [
        ([(r"^cat_boundaries=.*$", "cat_boundaries=0 9")], "cat_boundaries"),
        ([(r"^cat_boundaries=0", "cat_boundaries=1")], "cat_boundaries"),
        ([(r"^num_cat=\d+$", "num_cat=7")], "must be 8"),
        ([(r"^num_cat=\d+$", "num_cat=0"), (r"^cat_boundaries=.*$", "cat_boundaries=0")], "cat_"),
        ([(r"^cat_threshold=\S+", "cat_threshold=-1")], "32 bits"),
        ([(r"^cat_threshold=\S+", f"cat_threshold={2**32}")], "32 bits"),
        ([(r"^cat_threshold=.*$", "cat_threshold=0 0")], "empty set"),
    ],
)
def test_malformed_categories_are_refused(edits, words):
    x = np.arange(120) % 40
    model = LGBMRegressor(**{**TINY, "n_estimators": 1, "num_leaves": 2}, **CATS)
    model.fit(x[:, None], np.isin(x, [1, 5, 39]) * 1.0, categorical_feature=[0])
    text = model.booster_.model_to_string()
    splits = read_splits(edited(text))
    assert naive_categories(splits, 0) in ({1, 5, 39}, set(range(40)) - {1, 5, 39})
    with pytest.raises(MalformedModelError, match=words):
        read_trees(edited(text, *edits))


def test_a_category_set_that_is_not_there_is_refused(text):
    block = re.search(r"(?s)Tree=0\n.*?\n\n", text)[0]
    kinds = re.search("decision_type=(.*)", block)[1].split()
    kinds[0] = str(int(kinds[0]) | 1)
    with pytest.raises(MalformedModelError, match=r"num_cat|cat_boundaries|category set"):
        read_trees(edited(text, ("^decision_type=.*$", "decision_type=" + " ".join(kinds))))


def test_nodes_in_another_order_are_sorted(rows):
    Z, y = rows
    model = LGBMRegressor(**{**TINY, "n_estimators": 1, "num_leaves": 12}).fit(Z, y)
    text = model.booster_.model_to_string()
    fields = dict(
        line.split("=", 1) for line in text[text.index("Tree=0") :].split("\n")[:18] if "=" in line
    )
    order = [0, *np.random.default_rng(3).permutation(np.arange(1, 11)).tolist()]
    rank = {old: new for new, old in enumerate(order)}
    edits = []
    for key in ("split_feature", "threshold", "decision_type", "internal_count"):
        words = fields[key].split()
        edits.append((f"^{key}=.*$", f"{key}=" + " ".join(words[old] for old in order)))
    for key in ("left_child", "right_child"):
        words = [int(c) for c in fields[key].split()]
        moved = [str(rank[words[old]] if words[old] >= 0 else words[old]) for old in order]
        edits.append((f"^{key}=.*$", f"{key}=" + " ".join(moved)))
    shuffled = lgb.Booster(model_str=edited(text, *edits))
    np.testing.assert_array_equal(shuffled.predict(Z), model.predict(Z))
    lefts = [int(c) for c in edits[-2][1].partition("=")[2].split()]
    assert any(0 <= child <= t for t, child in enumerate(lefts))  # it does violate the order
    assert_read_exactly(shuffled, Z[:100])
    cycle = "left_child=-1 2 1 -4 -5", "right_child=-2 -3 3 4 -6"
    with pytest.raises(MalformedModelError, match=r"cycle|hang together"):
        read_trees(
            edited(
                text,
                ("^num_leaves=12$", "num_leaves=6"),
                *((f"^{line.partition('=')[0]}=.*$", line) for line in cycle),
            )
        )


@settings(max_examples=150)
@given(st.data())
def test_damaged_texts_are_refused_or_describe_trees(text, data):
    end = text.index("end of trees")
    words = [m.span() for m in re.finditer(r"[^\s=]+", text[:end])]
    start, stop = data.draw(st.sampled_from(words))
    new = data.draw(
        st.one_of(
            st.sampled_from(
                ["", "nan", "inf", "-1", "0", "1e999", "Tree=1", "\n", "\x00", "½", "="]
            ),
            st.integers(-(2**70), 2**70).map(str),
            st.integers(-8, 8).map(str),
            st.floats().map(str),
            st.text(max_size=5),
        )
    )
    damaged = text[:start] + new + text[stop:]
    damaged = damaged if data.draw(st.booleans()) else edited(damaged)
    try:
        trees = read_trees(damaged)
        splits = read_splits(damaged)
    except (MalformedModelError, UnsupportedModelError):
        return
    for j in range(trees.n_trees):
        assert trees.is_leaf[naive_walker(trees, splits)(j, [0.0] * splits.n_features)]


# --- the nouns -----------------------------------------------------------------------------------


def stump(**changes):
    arrays = {
        "left": [1, -1, -1],
        "right": [2, -1, -1],
        "roots": [0],
        "value": np.zeros((3, 1, 2)),
        "weight": [2.0, 1.0, 1.0],
        "n_rows": [2, 1, 1],
        "impurity": np.zeros(3),
        "tree_weight": [1.0],
    }
    return Trees(**(arrays | changes))


def test_scores_by_default():
    trees = stump()
    assert trees.link == "identity"
    assert trees.tree_output.tolist() == [0]
    assert trees.base_score.tolist() == [0.0, 0.0]
    assert not trees.base_score.flags.writeable and not trees.tree_output.flags.writeable
    shifted = stump(base_score=[1.0, 2.0], tree_output=[1], average=False)
    np.testing.assert_array_equal(naive_score(shifted, [1]), [[1.0, 2.0]])


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"link": "probit"}, "possible are identity, logit"),
        ({"tree_output": [2]}, "between 0 and 1"),
        ({"tree_output": [-1]}, "between 0 and 1"),
        ({"tree_output": [0, 1]}, "each of the 1 trees"),
        ({"tree_weight": [1.0, 1.0]}, "each of the 1 trees"),
        ({"base_score": [1.0]}, "2 finite numbers"),
        ({"base_score": [1.0, np.nan]}, "2 finite numbers"),
    ],
)
def test_scores_that_do_not_fit(changes, words):
    with pytest.raises(MalformedModelError, match=words):
        stump(**changes)


@pytest.mark.parametrize(
    "offsets, values, words",
    [
        ([0, 1], [3], "4 numbers from 0 to 1"),
        ([0, 1, 1, 2], [3], "4 numbers from 0 to 1"),
        ([1, 1, 1, 1], [3], "4 numbers from 0 to 1"),
        ([0, 2, 1, 1], [3], "ascend"),
        ([0, 1, 1, 1], [-3], "start at 0"),
        ([0, 0, 1, 1], [3], "a leaf has categories"),
        ([0], [3], "numbers from 0 to 1"),
    ],
)
def test_categories_that_do_not_fit(offsets, values, words):
    common = ([0, -2, -2], [0.5, -2, -2], np.zeros(3), False, 1, None)
    assert Splits(*common, [0, 1, 1, 1], [3]).category_values.tolist() == [3]
    with pytest.raises(MalformedModelError, match=words):
        Splits(*common, offsets, values)


# --- raw scores of scikit-learn's models ---------------------------------------------------------

SKLEARN = [
    DecisionTreeClassifier(max_depth=4, random_state=0),
    DecisionTreeRegressor(max_depth=4, random_state=0),
    RandomForestClassifier(4, max_depth=4, random_state=0),
    ExtraTreesRegressor(4, max_depth=4, random_state=0),
]


@pytest.mark.parametrize("kind", SKLEARN, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_raw_scores_of_trees_and_forests(rows, kind, n_outputs):
    Z, y = rows
    targets = np.column_stack([np.digitize(y, [0, 1]), y > 0.5])[:, :n_outputs]
    model = clone(kind).fit(Z, targets[:, 0] if n_outputs == 1 else targets)
    trees = assert_read_exactly(model, Z[:40].astype(np.float32).astype(np.float64))[0]
    assert trees.value.shape[1] == n_outputs
    proba = model.predict_proba(Z) if trees.is_classifier else model.predict(Z)
    score = native.raw_score(model, Z)
    if trees.is_classifier:
        for output, part in enumerate(proba if n_outputs > 1 else [proba]):
            np.testing.assert_array_equal(score[:, output, : part.shape[1]], part)
            assert not score[:, output, part.shape[1] :].any()
    else:
        np.testing.assert_array_equal(score[:, :, 0], proba.reshape(len(Z), -1))
    with pytest.raises(UnsupportedModelError, match="no attributions of its own"):
        native.contributions(model, Z)


# --- what can be done with which model -----------------------------------------------------------


def test_pruning_what_ranks_is_refused(rows):
    Z, y = rows
    ranks = np.digitize(y, [0, 1])
    ranker = LGBMRanker(**TINY).fit(Z, ranks, group=[100, 200])
    params = {"objective": "rank_xendcg", "verbose": -1, "num_threads": 1}
    booster = lgb.train(params, lgb.Dataset(Z, ranks, group=[100, 200]), 2)
    refusal = "LightGBM's ranking models can be read and explained, not pruned"
    for attempt in (
        lambda: native.check_supported(LGBMRanker()),
        lambda: treeprune.pruning_strengths(ranker),
    ):
        with pytest.raises(UnsupportedModelError, match=refusal):
            attempt()
    for model in (ranker, booster):
        for attempt in (
            native.check_supported,
            pruning_path,
            lambda model: treeprune.prune(model, max_size=3),
            lambda model: native.write(model, native.read(model).is_leaf),
        ):
            with pytest.raises(UnsupportedModelError, match=refusal):
                attempt(model)


def test_what_is_possible_is_listed():
    possible = [DecisionTreeClassifier(), PrunedTreeClassifier(), LGBMClassifier(), LGBMRegressor()]
    for model in possible:
        assert native.can_prune(model)
        native.check_supported(model)
    for other in (LGBMRanker(), LogisticRegression(), None):
        assert not native.can_prune(other)
    assert "Booster" in native.supported() and "LGBMRanker" not in native.supported()
    assert set(native.supported()) < set(native.readable())
    with pytest.raises(UnsupportedModelError, match=r"RandomForestClassifier.*LGBMClassifier"):
        native.read(LogisticRegression())
    with pytest.raises(UnsupportedModelError, match=r"possible are (?!.*LGBMRanker)"):
        pruning_path(LogisticRegression())


def test_subclasses_are_read(rows):
    class Own(LGBMRegressor):
        pass

    Z, y = rows
    assert_read_exactly(Own(**TINY).fit(Z, y), Z[:10])


@pytest.fixture(scope="module")
def labelled(rows):
    return np.nan_to_num(rows[0]), rows[1] > 0.3


TREE = DecisionTreeClassifier(max_depth=3, random_state=0)
WRAPPERS = {
    "PrunedClassifier": (PrunedClassifier(strength=0.01), "estimator_"),
    "GridSearchCV": (GridSearchCV(TREE, {"max_depth": [2]}, cv=2), "best_estimator_"),
    "RandomizedSearchCV": (
        RandomizedSearchCV(TREE, {"max_depth": [2]}, n_iter=1, cv=2),
        "best_estimator_",
    ),
    "HalvingGridSearchCV": (HalvingGridSearchCV(TREE, {"max_depth": [2]}, cv=2), "best_estimator_"),
    "HalvingRandomSearchCV": (
        HalvingRandomSearchCV(TREE, {"max_depth": [2]}, n_candidates=1, cv=2),
        "best_estimator_",
    ),
    "FixedThresholdClassifier": (FixedThresholdClassifier(TREE, threshold=0.4), "estimator_"),
    "TunedThresholdClassifierCV": (TunedThresholdClassifierCV(TREE, cv=2), "estimator_"),
}


@pytest.mark.parametrize("wrapper, attribute", WRAPPERS.values(), ids=WRAPPERS)
def test_wrappers_are_opened(labelled, wrapper, attribute):
    with pytest.raises(NotFittedError):
        native.unwrap(clone(wrapper))
    fitted = clone(wrapper).fit(*labelled)
    inside = native.unwrap(fitted)
    assert inside is getattr(fitted, attribute)
    np.testing.assert_allclose(
        native.raw_score(inside, labelled[0])[:, 0], fitted.predict_proba(labelled[0])
    )


def test_wrappers_inside_wrappers_are_opened(labelled, rows):
    nested = FixedThresholdClassifier(
        GridSearchCV(PrunedClassifier(strength=0.01), {"strength": [0.01]}, cv=2), threshold=0.2
    ).fit(*labelled)
    inside = native.unwrap(nested)
    assert type(inside) is DecisionTreeClassifier
    assert inside is nested.estimator_.best_estimator_.estimator_
    regressor = PrunedRegressor(strength=0.01).fit(labelled[0], rows[1])
    assert native.unwrap(regressor) is regressor.estimator_
    model = clone(TREE).fit(*labelled)
    frozen = FixedThresholdClassifier(FrozenEstimator(model), threshold=0.2).fit(*labelled)
    assert native.unwrap(frozen) is model
    search = GridSearchCV(LGBMClassifier(**TINY), {"num_leaves": [3]}, cv=2).fit(*labelled)
    assert type(native.unwrap(search)) is LGBMClassifier


def test_other_models_are_not_opened(labelled, model):
    others = [
        AdaBoostClassifier(clone(TREE), n_estimators=2),
        BaggingClassifier(clone(TREE), n_estimators=2),
        RFE(clone(TREE), n_features_to_select=1),
        make_pipeline(clone(TREE)),
        clone(TREE),
        PrunedTreeClassifier(strength=0.01),
    ]
    for other in others:
        other.fit(*labelled)
        assert native.unwrap(other) is other
    assert hasattr(others[0], "estimator_") and hasattr(others[2], "estimator_")
    assert native.unwrap(model) is model
    assert native.unwrap("a word") == "a word"
    without = GridSearchCV(clone(TREE), {"max_depth": [2]}, cv=2, refit=False).fit(*labelled)
    with pytest.raises(ValueError, match="refit=True"):
        native.unwrap(without)
