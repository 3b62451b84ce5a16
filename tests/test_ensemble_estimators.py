"""PrunedClassifier and PrunedRegressor over LightGBM and forests, alone and in scikit-learn."""

from __future__ import annotations

import warnings
from functools import partial

import laws
import lightgbm
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from lightgbm_models import frame
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from treeprune import (
    METHODS,
    PrunedClassifier,
    PrunedRegressor,
    PrunedToRootWarning,
    UnsupportedModelError,
    kernels,
    native,
    pruning_path,
    pruning_strengths,
)
from treeprune.selection import aligned_steps

SMALL = {"n_estimators": 6, "num_leaves": 6, "min_child_samples": 5, "n_jobs": 1, "verbose": -1}
METHODS_OF_BOOSTERS = ["cost_complexity", "sequential", "additive", "truncate", "l1"]
METHODS_OF_FORESTS = ["cost_complexity", "truncate", "l1"]


def lgbm(kind=LGBMClassifier, **options):
    return kind(**{**SMALL, **options})


def bases():
    """Every base with its wrapper and the methods that it has."""
    rows = [
        (PrunedClassifier, lgbm(), METHODS_OF_BOOSTERS),
        (PrunedRegressor, lgbm(LGBMRegressor), METHODS_OF_BOOSTERS),
    ]
    for wrapper, kinds in (
        (PrunedClassifier, (RandomForestClassifier, ExtraTreesClassifier)),
        (PrunedRegressor, (RandomForestRegressor, ExtraTreesRegressor)),
    ):
        rows += [
            (wrapper, kind(6, min_samples_leaf=3, random_state=0), METHODS_OF_FORESTS)
            for kind in kinds
        ]
    return [(wrapper, base, method) for wrapper, base, names in rows for method in names]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(11)
    X = rng.normal(size=(240, 4))
    signal = X[:, 0] + np.sin(2 * X[:, 1]) + rng.normal(scale=0.5, size=240)
    return X, signal, np.array(["no", "perhaps", "yes"])[np.digitize(signal, [-0.7, 0.7])]


def targets(wrapper, table):
    return table[2] if wrapper is PrunedClassifier else table[1]


def leaves_of(model):
    """Leaves of the trees that split."""
    trees = native.read(model)
    return max(1, trees.n_leaves - int(trees.is_leaf[trees.roots].sum()))


# --- scikit-learn's own checks -------------------------------------------------------------------

# Few rounds that say much: regressors are asked to explain half of the variance.
CHECKED = {"n_estimators": 5, "num_leaves": 4, "learning_rate": 0.5, "n_jobs": 1, "verbose": -1}
WEIGHTS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
    "check_sample_weight_equivalence",  # the name in scikit-learn 1.6
)
BOOTSTRAP = "a bootstrap draws rows, not weights: the forest itself differs"
# LightGBM expects the same of its own estimators (`_more_tags` there says so).
COUNTS = "LightGBM counts rows, not weights, in min_child_samples and when it bins columns"
FEW = {"steps": 4}


def checked():
    grow, regress = LGBMClassifier(**CHECKED), LGBMRegressor(**CHECKED)
    yield PrunedClassifier(grow, cv=2)
    yield PrunedRegressor(regress, cv=2)
    few = METHODS["sequential"].with_options(**FEW)
    yield PrunedClassifier(grow, method=few, max_size=20, cv=2)
    yield PrunedRegressor(regress, method=few, cv=2)
    yield PrunedClassifier(grow, method="truncate", cv=2)
    few = METHODS["l1"].with_options(**FEW)
    yield PrunedClassifier(grow, method=few, strength="best", cv=2)
    yield PrunedClassifier(RandomForestClassifier(3, random_state=0), method=few, cv=2)
    yield PrunedRegressor(ExtraTreesRegressor(3, random_state=0), method="truncate", cv=2)
    free = METHODS["cost_complexity"].with_options(refit=3.0, **FEW)
    yield PrunedRegressor(ExtraTreesRegressor(3, random_state=0), method=free, cv=2)
    yield PrunedClassifier(ExtraTreesClassifier(3, random_state=0), method=free, cv=2)


def expected_failures(estimator):
    """Names of checks that cannot hold, with the reason."""
    if isinstance(estimator.estimator, RandomForestClassifier):
        return dict.fromkeys(WEIGHTS, BOOTSTRAP)
    if isinstance(estimator.estimator, LGBMClassifier | LGBMRegressor):
        return dict.fromkeys(WEIGHTS, COUNTS)
    return {}


@parametrize_with_checks(list(checked()), expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tiny tables prune to the root, folds lack classes
        check(estimator)


def test_what_lightgbm_itself_expects_to_fail():
    """The reason above is LightGBM's own, and no more than its own is expected to fail."""
    theirs = LGBMClassifier()._more_tags()["_xfail_checks"]
    assert set(WEIGHTS) <= set(theirs)
    assert "count-based measures" in theirs[WEIGHTS[0]]


# --- every base, every method --------------------------------------------------------------------


@pytest.mark.parametrize("wrapper, base, method", bases())
def test_the_result_is_a_cut_of_the_plain_fit(table, wrapper, base, method):
    X, y = table[0], targets(wrapper, table)
    model = wrapper(base, method=method, strength="best", cv=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrunedToRootWarning)
        model.fit(X, y)
    path = model.path_
    plain = clone(base).fit(X, y)
    laws.assert_same_predictions(path.model, plain, X)
    laws.assert_same_predictions(model, path.cut(model.step_), X)
    assert type(model.estimator_) is type(base)
    assert path.method == method and path.chosen == model.step_ == path.best_step
    assert model.strength_ == path.strength[model.step_]
    assert np.isfinite(path.step_score).all() and (path.step_score_se >= 0).all()
    assert model.n_features_in_ == 4
    if wrapper is PrunedClassifier:
        assert_array_equal(model.classes_, ["no", "perhaps", "yes"])
        proba = model.predict_proba(X)
        assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
        with np.errstate(divide="ignore"):
            logs = np.log(proba)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # forests say 0 of some classes
            assert_allclose(model.predict_log_proba(X), logs, rtol=1e-12)
        assert model.score(X, y) > 0.4
    else:
        assert model.score(X, y) > 0.1
    assert path.plot().get_xlabel() == "leaves"


@pytest.mark.parametrize("wrapper, base, method", bases())
def test_sizes_and_strengths_are_kept_to(table, wrapper, base, method):
    X, y = table[0], targets(wrapper, table)
    once = wrapper(base, method=method, strength=0.0, random_state=0).fit(X, y)
    path, plain_forest = once.path_, method == "cost_complexity" and native.family(base) == "forest"
    assert path.step_score is None and once.step_ == path.step_for(strength=0.0)
    most = int(path.size[len(path) // 2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrunedToRootWarning)
        small = wrapper(base, method=method, strength=0.0, max_size=most, random_state=0).fit(X, y)
        level = float(path.strength[-2])
        strong = wrapper(base, method=method, strength=max(level, 0.0), random_state=0).fit(X, y)
        last = wrapper(base, method=method, max_columns=2, strength=0.0, random_state=0)
        if path.counts["columns"].min() <= 2:
            assert path.counts["columns"][last.fit(X, y).step_] <= 2
    assert small.path_.size[small.step_] <= most
    assert plain_forest or leaves_of(small.estimator_) == small.path_.size[small.step_]
    assert strong.step_ == path.step_for(strength=max(level, 0.0))
    if path.size[-1] > 1:  # forests as they are, and truncation, keep trees
        with pytest.raises(ValueError, match="no step has at most"):
            wrapper(base, method=method, strength=0.0, max_size=1, random_state=0).fit(X, y)


@pytest.mark.parametrize("method", METHODS_OF_BOOSTERS)
def test_one_standard_error_is_smaller_than_the_best(table, method):
    X, y = table[0], table[2]
    row = METHODS["l1"].with_options(steps=6) if method == "l1" else method
    best, auto, one_se = (
        PrunedClassifier(lgbm(), method=row, strength=how, cv=3, random_state=0).fit(X, y)
        for how in ("best", "auto", "one_se")
    )
    assert auto.step_ == one_se.step_ >= best.step_
    assert_array_equal(auto.path_.step_score, best.path_.step_score)
    assert auto.path_.scoring == "neg_brier_score"


def test_scores_that_do_not_add_up(table):
    X, y = table[0], table[2] == "yes"
    model = PrunedClassifier(lgbm(), method="sequential", scoring="roc_auc", cv=3).fit(X, y)
    assert model.path_.scoring == "roc_auc"
    assert 0.5 < np.nanmax(model.path_.step_score) <= 1


# --- weights, frames, names ----------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS_OF_BOOSTERS)
def test_weights_reach_growing_and_pruning(table, method):
    X, y = table[0], table[2] == "yes"
    weight = np.where(X[:, 2] > 0, 2.0, 0.5)
    fit = partial(PrunedClassifier, lgbm(), method=method, strength=0.0)
    weighed = fit().fit(X, y, sample_weight=weight)
    plain = lgbm().fit(X, y, sample_weight=weight)
    laws.assert_same_predictions(weighed.path_.model, plain, X)
    given = {} if method == "truncate" else {"X": X, "y": y, "sample_weight": weight}
    laws.assert_paths_equal(weighed.path_, pruning_path(plain, method=method, **given))
    assert not np.array_equal(weighed.predict_proba(X), fit().fit(X, y).predict_proba(X))
    for bad in (np.zeros(len(y)), -weight):
        with pytest.raises(ValueError, match=r"(?i)weight|negative"):
            fit().fit(X, y, sample_weight=bad)


def test_class_weights_are_those_of_the_rows(table):
    X, y = table[0], table[2] == "yes"
    balanced = lgbm(class_weight="balanced")
    factor = np.where(y, len(y) / (2 * y.sum()), len(y) / (2 * (~y).sum()))
    one = PrunedClassifier(balanced, method="sequential", strength=0.0).fit(X, y)
    two = PrunedClassifier(lgbm(), method="sequential", strength=0.0)
    two.fit(X, y, sample_weight=factor)
    laws.assert_paths_equal(one.path_, two.path_, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS_OF_BOOSTERS)
def test_frames_with_categories(method):
    X, y = frame(np.random.default_rng(2), 200)
    model = PrunedRegressor(lgbm(LGBMRegressor), method=method, cv=2, random_state=0).fit(X, y)
    assert_array_equal(model.feature_names_in_, X.columns)
    assert_array_equal(model.predict(X), model.path_.cut(model.step_).predict(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X.rename(columns={"a b": "other"}))


def test_in_a_pipeline_with_columns_of_words():
    rng = np.random.default_rng(3)
    X = pd.DataFrame(
        {"income": rng.normal(size=200), "purpose": rng.choice(["car", "tv", "x"], 200)}
    )
    y = (X["income"] + (X["purpose"] == "car") + rng.normal(scale=0.5, size=200) > 0.3).astype(int)
    words = ColumnTransformer(
        [("words", OneHotEncoder(sparse_output=False), ["purpose"])], remainder="passthrough"
    )
    for base in (lgbm(), RandomForestClassifier(5, random_state=0)):
        for method in METHODS_OF_FORESTS:
            pruned = PrunedClassifier(base, method=method, strength="best", max_size=40, cv=2)
            scores = cross_val_score(
                make_pipeline(words, pruned), X, y, cv=2, scoring="roc_auc", error_score="raise"
            )
            assert (scores > 0.6).all()


# --- searches ------------------------------------------------------------------------------------


def test_a_search_over_sizes(table):
    X, y = table[0], table[2]
    search = GridSearchCV(
        PrunedClassifier(lgbm(), method="sequential", strength=0.0),
        {"max_size": [9, 20, 40], "estimator__num_leaves": [4, 6]},
        cv=2,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrunedToRootWarning)
        search.fit(X, y)
    best = search.best_estimator_
    assert leaves_of(best.estimator_) <= search.best_params_["max_size"]
    assert len(search.cv_results_["mean_test_score"]) == 6
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_search_over_methods_with_options(table):
    X, y = table[0], table[1]
    methods = [
        METHODS["sequential"].with_options(ridge=5.0),
        METHODS["cost_complexity"].with_options(refit=None),
        METHODS["l1"].with_options(steps=4),
        "truncate",
    ]
    search = GridSearchCV(
        PrunedRegressor(lgbm(LGBMRegressor), max_size=15, strength=0.0), {"method": methods}, cv=2
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrunedToRootWarning)
        search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_["method"] in methods
    again = clone(PrunedRegressor(lgbm(LGBMRegressor), method=methods[0]))
    assert again.method.options["ridge"] == 5.0
    assert again.fit(X, y).path_.method == "sequential"


@pytest.mark.parametrize("method", METHODS_OF_BOOSTERS)
def test_grids_of_strengths(table, method):
    X, y = table[0], table[2]
    grid = pruning_strengths(lgbm(), X, y, method=method, n=4)
    assert (np.diff(grid) > 0).all() and 1 <= len(grid) <= 4
    path = PrunedClassifier(lgbm(), method=method, strength=0.0).fit(X, y).path_
    steps = [path.step_for(strength=float(level)) for level in grid]
    assert (np.diff(steps) > 0).all() and not path.is_constant(steps[-1])


def test_fits_are_the_same_each_time(table):
    X, y = table[0], table[2]
    for method in METHODS_OF_BOOSTERS:
        row = METHODS[method]
        row = row.with_options(steps=5) if "steps" in row.options else row
        make = partial(PrunedClassifier, lgbm(subsample=0.7, subsample_freq=1), method=row, cv=2)
        laws.assert_deterministic(lambda m=make: m(random_state=4).fit(X, y).path_)
        laws.assert_pickles(make(random_state=4).fit(X, y), X)


# --- odd boosters --------------------------------------------------------------------------------


def test_dart_and_random_forest_boosting(table):
    X, y = table[0], table[2]
    for options in (
        {"boosting_type": "dart"},
        {"boosting_type": "rf", "subsample": 0.7, "subsample_freq": 1},
    ):
        for method in METHODS_OF_FORESTS:
            model = PrunedClassifier(lgbm(**options), method=method, max_size=25, strength=0.0)
            model.fit(X, y)
            assert leaves_of(model.estimator_) <= 25
            laws.assert_same_predictions(model, model.path_.cut(model.step_), X)


def test_constraints_hold_after_pruning(table):
    X, y = table[0], table[1]
    base = lgbm(LGBMRegressor, monotone_constraints=[1, 0, 0, 0], n_estimators=20)
    model = PrunedRegressor(base, method="sequential", max_size=30, cv=2).fit(X, y)
    rows = np.repeat(X[:20], 30, axis=0)
    rows[:, 0] = np.tile(np.linspace(-2, 2, 30), 20)
    told = model.predict(rows).reshape(20, 30)
    assert (np.diff(told, axis=1) >= -1e-12).all()
    assert np.ptp(told) > 0.1


# --- refusals ------------------------------------------------------------------------------------


def test_rankers_and_wrong_pairs_are_refused(table):
    X, y = table[0], table[2]
    with pytest.raises(UnsupportedModelError, match="LGBMRanker"):
        PrunedRegressor(LGBMRanker()).fit(X, table[1])
    with pytest.raises(ValueError, match="use PrunedClassifier"):
        PrunedRegressor(lgbm()).fit(X, table[1])
    with pytest.raises(ValueError, match="use PrunedRegressor"):
        PrunedClassifier(lgbm(LGBMRegressor)).fit(X, y)


@pytest.mark.parametrize("given", [{"risk": "brier"}, {"cost_matrix": np.ones((3, 3))}])
def test_risks_of_nodes_are_refused(table, given):
    with pytest.raises(ValueError, match=r"leave out (risk=|cost_matrix)"):
        PrunedClassifier(lgbm(), **given).fit(table[0], table[2])


@pytest.mark.parametrize("method", ["reduced_error", "pessimistic", "agreement", "magnitude"])
def test_methods_of_others_are_refused(table, method):
    with pytest.raises(ValueError, match=r"is not a method for boosters; possible are cost_comp"):
        PrunedClassifier(lgbm(), method=method).fit(table[0], table[2])


def test_words_of_networks_are_refused(table):
    for word in ({"granularity": "neurons"}, {"max_neurons": 3}, {"forbidden": [0]}):
        with pytest.raises(ValueError, match=f"LGBMClassifier: {next(iter(word))}"):
            PrunedClassifier(lgbm(), **word).fit(table[0], table[2])
    with pytest.raises(ValueError, match="sequential is not a method for forests"):
        PrunedClassifier(RandomForestClassifier(), method="sequential").fit(table[0], table[2])


def test_losses_that_are_not_known(table):
    X, y = table[0], table[1]
    base = lgbm(LGBMRegressor, objective="quantile", alpha=0.7)
    for method in METHODS_OF_BOOSTERS:
        model = PrunedRegressor(base, method=method, max_size=12, strength=0.0)
        if method in ("truncate", "cost_complexity"):  # by rounds, by what is stored
            assert leaves_of(model.fit(X, y).estimator_) <= 12
            continue
        with pytest.raises(UnsupportedModelError, match="'quantile' is not known"):
            model.fit(X, y)


# --- folds, names, losses, counts ----------------------------------------------------------------


def test_folds_of_truncation_are_matched_by_rounds():
    X, y = load_diabetes(return_X_y=True)
    folds = KFold(5, shuffle=True, random_state=1)
    base = lgbm(LGBMRegressor, n_estimators=20, deterministic=True, force_row_wise=True)
    model = PrunedRegressor(base, method="truncate", cv=folds, strength="best").fit(X, y)
    table = model.path_.to_frame()
    for step in (0, 1, 3, 9, 19):
        rounds = clone(base).set_params(n_estimators=20 - step)
        expected = cross_val_score(rounds, X, y, cv=folds, scoring="r2").mean()
        assert table["score"][step] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("method", ["cost_complexity", "sequential", "l1"])
def test_folds_of_refitted_steps_are_matched_by_their_share_of_leaves(method):
    X, y = load_diabetes(return_X_y=True)
    base = lgbm(LGBMRegressor, n_estimators=20)
    row = METHODS[method]
    whole, fold = (pruning_path(clone(base).fit(X[a], y[a]), X[a], y[a], method=row)
                   for a in (slice(None), slice(0, 300)))  # fmt: skip
    at = aligned_steps(whole, fold, row)
    assert at[0] == 0
    shares = [np.log(p.size / p.size[0]) for p in (whole, fold)]
    for step in range(1, len(whole)):
        apart = np.abs(shares[1] - shares[0][step])
        assert apart[at[step]] == apart.min()
        assert at[step] == np.flatnonzero(apart == apart.min())[-1]


def test_a_bare_booster_tells_probabilities_at_every_step():
    X, y = load_iris(return_X_y=True)
    for k, objective in ((2, "binary"), (3, "multiclass")):
        some = y < k
        data = lightgbm.Dataset(X[some], y[some])
        params = {"objective": objective, "verbose": -1, "num_threads": 1}
        params |= {"num_class": 3} if k == 3 else {}
        booster = lightgbm.train(params, data, 5)
        path = pruning_path(booster, X[some], y[some])
        for step, told in enumerate(path.staged_predict(X)):
            assert_allclose(told, path.cut(step).predict(X), rtol=1e-12, atol=1e-15)


def test_columns_with_spaces_are_never_pruned_by_their_own_name():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    model = PrunedClassifier(lgbm(), never_prune=["worst area"], strength=1e9).fit(X, y)
    splits = native.splits(model.path_.model)
    asked = splits.feature == list(X.columns).index("worst area")
    assert asked.any()
    assert (model.path_.removed_at[asked] == len(model.path_)).all()


@pytest.mark.parametrize("objective", ["quantile", "huber", "gamma", "mae"])
def test_losses_that_are_not_known_are_ordered_by_what_is_stored(objective):
    X, y = load_diabetes(return_X_y=True)
    model = PrunedRegressor(lgbm(LGBMRegressor, objective=objective), cv=3).fit(X, y)
    assert model.step_ > 0
    assert not model.path_.values


def test_counts_stay_counts():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = rng.poisson(np.exp(0.5 * X[:, 0] - 1))
    forest = RandomForestRegressor(20, criterion="poisson", max_leaf_nodes=8, random_state=0)
    forest.fit(X, y)
    least = forest.predict(X).min()
    for method in (METHODS["l1"], METHODS["cost_complexity"].with_options(refit=0.0)):
        for told in pruning_path(forest, X, y, method=method).staged_predict(X):
            assert told.min() >= min(least, 0.0)
            assert told.min() > 0 or least == 0


def test_many_classes_do_not_cost_their_square():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)), np.arange(400) % 40
    model = lgbm(n_estimators=3, num_leaves=4).fit(X, y)
    path = pruning_path(model)
    stages = path.stages
    leaf = native.apply(model, X)
    for step in (0, len(path) // 2, len(path) - 1):
        node = kernels.node_at(path.trees.parent, path.removed_at, step)
        expected = path.trees.add_up(node[leaf], stages.node_values(step))
        assert_array_equal(stages.raw(leaf, step), expected)


def test_strengths_of_truncation_need_no_rows_by_name_or_by_row():
    X, y = load_diabetes(return_X_y=True)
    model = lgbm(LGBMRegressor).fit(X, y)
    found = [
        pruning_strengths(model, method=method, n=3) for method in ("truncate", METHODS["truncate"])
    ]
    assert_array_equal(*found)
    with pytest.raises(ValueError, match="give X and y too"):
        pruning_strengths(model)
