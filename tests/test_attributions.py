"""Attributions as a user gets them: raw columns, named units, compared with the estimator."""

from __future__ import annotations

import naive_shapley
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import CheckFailedError, PrunedClassifier, explain
from treeprune.datasets import load_german_credit, load_hmda

shap = pytest.importorskip("shap")
pytestmark = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")


def credit(n=300):
    """German credit with few columns, text classes, and the pipeline's first step."""
    data = load_german_credit()
    X = data.data[["checking_status", "duration_months", "purpose", "amount_dm"]].iloc[:n]
    y = data.target.iloc[:n].map({0: "good", 1: "bad"})
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["checking_status", "purpose"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["duration_months", "amount_dm"]),
    )
    return X, y, encode


def small_tree(**kwargs):
    return DecisionTreeClassifier(min_samples_leaf=10, random_state=0, **kwargs)


# --- shape, unit, classes ------------------------------------------------------------------------


def test_classes_have_an_axis_and_values_are_probabilities():
    X, y, encode = credit()
    model = make_pipeline(encode, small_tree()).fit(X, y)
    found = explain(model, X).attributions()
    assert found.values.shape == (len(X), 4, 2)
    assert found.feature_names == X.columns.tolist()
    assert list(found.output_names) == ["bad", "good"] and found.unit == "probability"
    total = found.base_values + found.values.sum(axis=1)
    np.testing.assert_allclose(total, model.predict_proba(X), rtol=0, atol=1e-12)
    assert found[:, :, "bad"].shape == (len(X), 4)
    assert found.display_data[0, 0] == X.iloc[0, 0]


def test_many_classes_and_one_class():
    X, y = load_iris(return_X_y=True, as_frame=True)
    found = explain(DecisionTreeClassifier(max_depth=2).fit(X, y), X).attributions(X[:5])
    assert found.values.shape == (5, 4, 3)
    one = explain(DecisionTreeClassifier().fit(X, np.ones(len(X))), X).attributions(X[:5])
    assert one.values.shape == (5, 4, 1) and not one.values.any()


def test_a_number_has_no_class_axis_and_the_unit_of_the_target():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = DecisionTreeRegressor(max_leaf_nodes=8, random_state=0).fit(X, y)
    found = explain(model, X).attributions(X[:7])
    assert found.values.shape == (7, 10) and found.unit == "target"
    total = found.base_values + found.values.sum(axis=1)
    np.testing.assert_allclose(total, model.predict(X[:7]), rtol=1e-12)


def test_several_targets():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    both = pd.DataFrame({"first": y, "second": -2 * y})
    model = DecisionTreeRegressor(max_leaf_nodes=8, random_state=0).fit(X, both)
    found = explain(model, X, both).attributions(X[:7])
    assert found.values.shape == (7, 10, 2) and list(found.output_names) == ["first", "second"]
    np.testing.assert_allclose(found.values[:, :, 1], -2 * found.values[:, :, 0], atol=1e-9)
    forest = RandomForestRegressor(10, random_state=0).fit(X, both)
    ex = explain(forest, X, both)
    total = ex.attributions(X[:7]).values.sum(axis=1) + ex.attributions(X[:7]).base_values
    np.testing.assert_allclose(total, forest.predict(X[:7]), rtol=1e-12)
    with pytest.raises(ValueError, match="2 targets"):
        ex.rules  # noqa: B018


def test_boosted_trees_speak_in_log_odds():
    X, y, _ = credit()
    X = X.assign(**{c: X[c].astype("category") for c in ("checking_status", "purpose")})
    model = LGBMClassifier(n_estimators=8, n_jobs=1, verbose=-1, min_child_samples=5).fit(X, y)
    found = explain(model, X).attributions(X[:20])
    assert found.values.shape == (20, 4, 1) and found.unit == "log-odds"
    assert list(found.output_names) == ["good"]
    own = model.predict(X[:20], pred_contrib=True)
    np.testing.assert_allclose(found.values[:, :, 0], own[:, :-1], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.base_values[:, 0], own[:, -1], rtol=0, atol=1e-10)


def test_searches_and_pruned_estimators_are_opened():
    X, y, encode = credit()
    pruned = PrunedClassifier(small_tree(), cv=2, random_state=0)
    search = GridSearchCV(
        make_pipeline(encode, pruned), {"prunedclassifier__max_size": [4]}, cv=2
    ).fit(X, y)
    found = explain(search, X).attributions(X[:9])
    total = found.base_values + found.values.sum(axis=1)
    np.testing.assert_allclose(total, search.predict_proba(X[:9]), rtol=0, atol=1e-12)


def test_a_single_row():
    iris, target = load_iris(return_X_y=True)
    plain = explain(DecisionTreeClassifier().fit(iris, target), iris)
    for game in ("path_dependent", "interventional"):
        assert plain.attributions(iris[:1], game=game).values.shape == (1, 4, 3)


# --- one-hot columns are one player --------------------------------------------------------------


@pytest.mark.parametrize("game", ["path_dependent", "interventional"])
@settings(max_examples=12)
@given(seed=st.integers(0, 1000), weighted=st.booleans())
def test_raw_columns_are_the_players(game, seed, weighted):
    """Exact for the group: all subsets of raw columns, by definition."""
    rng = np.random.default_rng(seed)
    n = 60
    X = pd.DataFrame(
        {
            "c": rng.choice(["a", "b", "c", "d"], n),
            "x": rng.integers(0, 5, n).astype(float),
            "d": rng.choice(["u", "v", "w"], n),
        }
    )
    X.loc[rng.random(n) < 0.2, "x"] = np.nan
    y = (X["c"].isin(["a", "c"]) & (X["x"] > 2)) | (X["d"] == "u") & (rng.random(n) < 0.8)
    encode = make_column_transformer((OneHotEncoder(), ["c", "d"]), remainder="passthrough")
    model = make_pipeline(encode, DecisionTreeClassifier(max_depth=4, random_state=seed))
    weight = rng.integers(0, 3, n).astype(float) if weighted else np.ones(n)
    model.fit(X, y.astype(int) + 2 * (X["d"] == "v"), decisiontreeclassifier__sample_weight=weight)
    ex = explain(model, X)
    background = X[:10]
    found = ex.attributions(X[:4], game=game, background=background)
    view = ex.view
    player = view.feature_map.player
    Z = view.feature_map.model_matrix(X)
    for i in range(4):
        if game == "path_dependent":
            values, base = naive_shapley.path_dependent(view.trees, view.splits, player, 3, Z[i])
        else:
            values, base = naive_shapley.interventional(
                lambda rows: model[-1].predict_proba(rows), player, 3, Z[i], Z[:10], np.ones(10)
            )
        np.testing.assert_allclose(found.values[i], values.reshape(3, -1), rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.base_values[i], np.ravel(base), rtol=0, atol=1e-10)


def test_sums_of_indicators_are_not_the_group():
    """What adding up one-hot values would give differs, in rows and in the order of columns."""
    X, y, encode = credit(1000)
    model = make_pipeline(encode, small_tree(max_depth=6)).fit(X, y)
    ex = explain(model, X)
    group = ex.attributions().values[:, :, 0]
    Z = ex.view.feature_map.model_matrix(X)
    each = shap.TreeExplainer(model[-1]).shap_values(Z, check_additivity=False)[:, :, 0]
    summed = np.column_stack(
        [each[:, ex.view.feature_map.player == j].sum(axis=1) for j in range(4)]
    )
    np.testing.assert_allclose(summed.sum(axis=1), group.sum(axis=1), atol=1e-6)
    assert np.abs(summed - group).max() > 0.01
    order = np.argsort(-np.abs(group), axis=1) != np.argsort(-np.abs(summed), axis=1)
    assert order.any(axis=1).sum() > 0


# --- where others are silently wrong -------------------------------------------------------------


def by_definition(model, X, background):
    """Interventional Shapley values of raw columns by enumeration of all subsets."""
    p = X.shape[1]

    def worth(i):
        def of(present):
            rows = background.copy()
            for j in present:
                rows[rows.columns[j]] = pd.Series(
                    [X.iloc[i, j]] * len(rows), index=rows.index, dtype=X.dtypes.iloc[j]
                )
            return model.predict_proba(rows).mean(axis=0)

        return of

    return np.stack([naive_shapley.shapley(worth(i), p) for i in range(len(X))])


@pytest.fixture(scope="module")
def categorical():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "c": pd.Categorical(rng.choice(list("abcdefgh"), 300)),
            "x": rng.normal(size=300),
            "z": rng.choice([0.0, 1.0, 2.0], 300),
        }
    )
    y = (X["c"].isin(["b", "e", "g"]) ^ (X["x"] > 0)).astype(int)
    return X, y


def test_histogram_boosting_with_categories_is_right(categorical):
    X, y = categorical
    model = HistGradientBoostingClassifier(
        categorical_features="from_dtype", max_iter=3, random_state=0
    ).fit(X, y)
    found = explain(model, X, random_state=0).attributions(X[:3], background=X[:20])
    expected = by_definition(model, X[:3], X[:20])
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-10)
    assert found.error_std is None and "all subsets" in found.method


def test_zero_as_missing_is_right(categorical):
    """LightGBM that takes zero as missing: its own values, or all subsets; never wrong ones."""
    X = categorical[0][["x", "z"]]
    model = LGBMClassifier(
        n_estimators=10, zero_as_missing=True, n_jobs=1, verbose=-1, min_child_samples=5
    ).fit(X, (X["z"] > 0.5) ^ (X["x"] > 0))
    ex = explain(model, X, random_state=0)
    own = model.predict(X[:30], pred_contrib=True)
    found = ex.attributions(X[:30])
    np.testing.assert_allclose(found.values[:, :, 0], own[:, :-1], rtol=0, atol=1e-10)
    other = ex.attributions(X[:3], game="interventional", background=X[:20])
    np.testing.assert_allclose(
        other.values, by_definition(model, X[:3], X[:20]), rtol=0, atol=1e-10
    )


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(max_depth=3),
        RandomForestClassifier(3, random_state=0),
        LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1),
    ],
    ids=lambda m: type(m).__name__,
)
def test_reordered_or_renamed_columns_are_refused(model):
    X, y = load_iris(return_X_y=True, as_frame=True)
    ex = explain(model.fit(X, y), X)
    for wrong in (X[X.columns[::-1]], X.rename(columns={X.columns[0]: "other"}), X.iloc[:, :3]):
        with pytest.raises(ValueError, match=r"feature names|columns|features"):
            ex.attributions(wrong)


def test_a_pipeline_that_selects_by_name_takes_reordered_columns():
    X, y, encode = credit()
    model = make_pipeline(encode, small_tree()).fit(X, y)
    ex = explain(model, X)
    turned = X[X.columns[::-1]]
    np.testing.assert_array_equal(ex.attributions(turned).values, ex.attributions(X).values)


def test_a_model_that_was_changed_afterwards_is_noticed():
    X, y = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    ex = explain(model, X)
    model.tree_.value[:] = model.tree_.value[:, :, ::-1].copy()
    with pytest.raises(CheckFailedError, match="do not add up"):
        ex.attributions()


def test_category_splits_behind_encoders():
    """An ordinal encoder is undone; a scaled column that is split by category is refused."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"c": rng.choice(list("abcdef"), 300), "x": rng.integers(0, 5, 300)})
    y = X["c"].isin(["b", "e"]) ^ (X["x"] > 2)
    booster = LGBMClassifier(
        n_estimators=2, num_leaves=4, n_jobs=1, verbose=-1, min_data_per_group=1,
        min_child_samples=5, cat_smooth=0, cat_l2=0,
    )  # fmt: skip
    encode = make_column_transformer((OrdinalEncoder(), ["c"]), remainder="passthrough")
    model = make_pipeline(encode, booster)
    model.fit(X, y, lgbmclassifier__categorical_feature=[0])
    ex = explain(model, X, y)
    assert all(check.passed for check in ex.checks.values()) and "c" in ex.rules.to_text()
    np.testing.assert_allclose(ex.rules.predict_proba(X), model.predict_proba(X), atol=1e-12)
    scaled = make_pipeline(encode, StandardScaler(), booster)
    scaled.fit(X, y, lgbmclassifier__categorical_feature=[1])
    with pytest.raises(ValueError, match="by category"):
        explain(scaled, X)


# --- sampling says so ----------------------------------------------------------------------------


def test_other_models_are_sampled_with_a_seed_and_an_error():
    data = load_hmda()
    X, y = data.data.iloc[:300, :12], data.target.iloc[:300]
    numbers = X.select_dtypes("number").columns.tolist()
    encode = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), [c for c in X if c not in numbers]),
    )
    model = make_pipeline(encode, KNeighborsClassifier(20)).fit(X, y)
    ex = explain(model, X, y, random_state=3)
    first = ex.attributions(X[:2], background=X[:15])
    assert first.error_std.shape == first.values.shape and first.error_std.max() > 0
    assert "sampled permutations" in first.method
    total = first.base_values + first.values.sum(axis=1)
    np.testing.assert_allclose(total, model.predict_proba(X[:2]), rtol=0, atol=1e-9)
    again = explain(model, X, y, random_state=3).attributions(X[:2], background=X[:15])
    np.testing.assert_array_equal(first.values, again.values)
    with pytest.raises(ValueError, match="only knows game='interventional'"):
        ex.attributions(X[:2], game="path_dependent")


# --- summaries and plots -------------------------------------------------------------------------


@pytest.mark.parametrize("forest", [False, True])
def test_importance_is_the_mean_of_absolute_attributions(forest):
    X, y, encode = credit()
    final = RandomForestClassifier(5, random_state=0) if forest else small_tree()
    model = make_pipeline(encode, final).fit(X, y)
    ex = explain(model, X)
    frame = ex.importance().set_index("column")
    mean = np.abs(ex.attributions().values).mean(axis=0)
    np.testing.assert_allclose(frame.loc[X.columns, ["bad", "good"]], mean, rtol=0, atol=1e-12)
    assert frame["share"].sum() == pytest.approx(1) and frame["share"].is_monotonic_decreasing


def test_columns_that_are_not_used_get_exactly_zero():
    X, y, encode = credit()
    X = X.assign(noise=1.0, text="constant")
    model = make_pipeline(encode, small_tree(max_leaf_nodes=2)).fit(X, y)
    ex = explain(model, X)
    found = ex.attributions()
    used = [name in [ex.columns[c] for c in ex.rules.used] for name in found.feature_names]
    assert not found.values[:, ~np.array(used)].any() and sum(used) == 1


def test_shap_draws_them():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    X, y, encode = credit()
    model = make_pipeline(encode, small_tree()).fit(X, y)
    found = explain(model, X).attributions(X[:50])[:, :, "bad"]
    for draw in (shap.plots.bar, shap.plots.beeswarm):
        draw(found, show=False)
        plt.close("all")
    shap.plots.waterfall(found[0], show=False)
    plt.close("all")


@pytest.mark.parametrize("model", [LGBMRegressor, RandomForestRegressor])
def test_sums_of_trees_for_numbers(model):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    quiet = {"verbose": -1, "n_jobs": 1} if model is LGBMRegressor else {"random_state": 0}
    fitted = model(n_estimators=10, **quiet).fit(X, y)
    found = explain(fitted, X).attributions(X[:20])
    total = found.base_values + found.values.sum(axis=1)
    np.testing.assert_allclose(total, fitted.predict(X[:20]), rtol=1e-10)
