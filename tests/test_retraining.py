"""Prune or train smaller: budgets are kept, the search finds what a plain loop finds."""

from __future__ import annotations

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import (
    PrunedClassifier,
    UnsupportedModelError,
    compare_with_retraining,
    native,
    prune,
    verify,
)
from treeprune.retraining import model_size, train_small

BOOSTER = {
    "n_jobs": 1,
    "verbose": -1,
    "random_state": 0,
    "deterministic": True,
    "force_row_wise": True,
}


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return X[::2], y[::2], X[1::2], y[1::2]


@pytest.mark.parametrize("size", [2, 5, 30, 100])
@pytest.mark.parametrize(
    "model",
    [
        LGBMRegressor(**BOOSTER),
        RandomForestRegressor(random_state=0),
        DecisionTreeRegressor(random_state=0),
    ],
    ids=["booster", "forest", "tree"],
)
def test_the_budget_is_kept(model, size):
    X, y = load_diabetes(return_X_y=True)
    before = model.get_params()
    small, settings, table = train_small(model, X, y, size=size, cv=3)
    assert model_size(small) <= size
    assert type(small) is type(model)
    assert model.get_params() == before
    assert not hasattr(model, "estimators_")
    assert small.get_params() == {**before, **settings}
    assert table["score"].is_monotonic_decreasing
    assert len(table) == len(table.drop_duplicates(list(settings)))


def test_several_classes_count_a_tree_each():
    X, y = load_iris(return_X_y=True)
    small, settings, _ = train_small(LGBMClassifier(**BOOSTER), X, y, size=30, cv=3)
    assert 3 * settings["n_estimators"] * settings["num_leaves"] <= 30
    assert model_size(small) <= 30
    with pytest.raises(ValueError, match="less than one round of 3 trees"):
        train_small(LGBMClassifier(**BOOSTER), X, y, size=5, cv=3)


def test_the_search_is_a_plain_loop(cancer):
    X, y, _, _ = cancer
    folds = list(StratifiedKFold(3, shuffle=True, random_state=1).split(X, y))
    model = LGBMClassifier(min_child_samples=5, **BOOSTER)
    _, _, table = train_small(model, X, y, size=24, cv=folds, scoring="roc_auc")
    # By decision_function: probabilities tie where raw scores differ in the last digit.
    scorer = get_scorer("roc_auc")
    for _, row in table.iterrows():
        settings = {
            "n_estimators": int(row["n_estimators"]),
            "num_leaves": int(row["num_leaves"]),
            "learning_rate": float(row["learning_rate"]),
        }
        scores = []
        for train, test in folds:
            fitted = clone(model).set_params(**settings).fit(X[train], y[train])
            scores.append(scorer(fitted, X[test], y[test]))
        assert row["score"] == pytest.approx(np.mean(scores), abs=1e-12)
        assert row["score_se"] == pytest.approx(np.std(scores, ddof=1) / 3**0.5, abs=1e-12)


def test_default_scores_are_proper(cancer):
    X, y, _, _ = cancer
    folds = list(StratifiedKFold(3).split(X, y))
    tree = DecisionTreeClassifier(random_state=0)
    _, _, table = train_small(tree, X, y, size=4, cv=folds)
    best = table.iloc[0]
    scores = []
    for train, test in folds:
        fitted = clone(tree).set_params(max_leaf_nodes=int(best["max_leaf_nodes"]))
        proba = fitted.fit(X[train], y[train]).predict_proba(X[test])
        scores.append(-((proba - np.eye(2)[y[test]]) ** 2).sum(axis=1).mean())
    assert best["score"] == pytest.approx(np.mean(scores))


def test_weights_and_groups_take_part():
    X, y = load_diabetes(return_X_y=True)
    w = np.where(np.arange(len(y)) % 3, 1.0, 0.0)
    kept = w > 0
    tree = DecisionTreeRegressor(min_samples_leaf=5, random_state=0)
    fold = np.arange(len(y)) % 5
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(5)]
    number = np.cumsum(kept) - 1
    thinned = [(number[a[kept[a]]], number[b[kept[b]]]) for a, b in splits]
    weighed = train_small(tree, X, y, size=16, cv=splits, sample_weight=w)[2]
    without = train_small(tree, X[kept], y[kept], size=16, cv=thinned)[2]
    # Rows of weight zero still count in min_samples_leaf: the scores are near, not equal.
    assert np.isfinite(weighed["score"]).all()
    assert abs(weighed["score"].iloc[0] - without["score"].iloc[0]) < 0.15
    grouped = train_small(tree, X, y, size=8, cv=KFold(3), groups=fold)[2]
    assert len(grouped) == 3


def test_the_comparison_is_verify_of_both(cancer):
    X, y, X_test, y_test = cancer
    model = PrunedClassifier(
        LGBMClassifier(n_estimators=30, **BOOSTER), max_size=40, cv=3, scoring="roc_auc"
    ).fit(X, y)
    found = compare_with_retraining(model, X, y, X_test, y_test, cv=3)
    assert found.pruned is model.estimator_
    assert found.pruned_size == model.path_.size[model.step_] == model_size(model.estimator_)
    assert found.retrained_size <= found.pruned_size
    again = verify(found.retrained, found.pruned, X_test, y_test, scoring="roc_auc", margin=0.01)
    assert found.verification == again
    text = found.to_text()
    assert f"{found.pruned_size} leaves" in text
    assert f"{found.verification.difference:+.4f}" in text
    word = {"prune": "better than", "train smaller": "training smaller is", "either": "do not tell"}
    assert word[found.advice] in text


def test_advice_follows_the_bounds(cancer):
    X, y, X_test, y_test = cancer
    forest = RandomForestClassifier(60, random_state=0).fit(X, y)
    bad = prune(forest, by=lambda nodes: nodes.weight, strength=1e9)  # a constant
    found = compare_with_retraining(bad, X, y, X_test, y_test, size=20, cv=3)
    assert found.advice == "train smaller"
    assert found.verification.high < 0


def test_refusals(cancer):
    X, y, X_test, y_test = cancer
    booster = LGBMClassifier(n_estimators=5, **BOOSTER).fit(X, y)
    with pytest.raises(ValueError, match="2 leaves at least"):
        compare_with_retraining(booster, X, y, X_test, y_test, size=1)
    with pytest.raises(UnsupportedModelError, match="Booster cannot be trained anew"):
        train_small(booster.booster_, X, y, size=10)
    net = MLPClassifier((2,), max_iter=5).fit(X, y)
    with pytest.raises(UnsupportedModelError, match="MLPClassifier"):
        train_small(net, X, y, size=10)
    with pytest.raises(UnsupportedModelError):
        compare_with_retraining(LGBMRanker(), X, y, X_test, y_test, size=10)


def test_first_rounds_are_put_back(cancer):
    X, y, X_test, _ = cancer
    model = LGBMClassifier(n_estimators=8, **BOOSTER).fit(X, y)
    whole = model.predict_proba(X_test)

    def interrupted() -> None:
        with native.first_rounds(model, 2):
            few = model.predict_proba(X_test, num_iteration=2)
            assert np.array_equal(model.predict_proba(X_test), few)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        interrupted()
    assert np.array_equal(model.predict_proba(X_test), whole)
    with (
        pytest.raises(UnsupportedModelError, match="no rounds"),
        native.first_rounds(DecisionTreeClassifier().fit(X, y), 2),
    ):
        pass


def test_dart_is_trained_anew_for_every_number_of_rounds():
    X, y = load_diabetes(return_X_y=True)
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    for name in ("boosting_type", "boosting"):  # the second is an alias
        model = LGBMRegressor(**{name: "dart"}, **BOOSTER)
        _, _, table = train_small(model, X, y, size=40, cv=folds)
        for _, row in table.iloc[:3].iterrows():
            settings = {
                "n_estimators": int(row["n_estimators"]),
                "num_leaves": int(row["num_leaves"]),
                "learning_rate": float(row["learning_rate"]),
            }
            fits = [clone(model).set_params(**settings).fit(X[a], y[a]) for a, _ in folds]
            scores = [f.score(X[b], y[b]) for f, (_, b) in zip(fits, folds, strict=True)]
            assert row["score"] == pytest.approx(np.mean(scores), abs=1e-12)


def test_other_names_of_settings_do_not_win():
    X, y = load_diabetes(return_X_y=True)
    model = LGBMRegressor(num_iterations=50, eta=0.5, max_leaf=9, **BOOSTER)
    small, settings, _ = train_small(model, X, y, size=30, cv=3)
    assert model_size(small) <= 30
    assert small.booster_.num_trees() == settings["n_estimators"]
    assert {"num_iterations", "eta", "max_leaf"}.isdisjoint(small.get_params())


def test_scores_that_are_not_defined_do_not_win(cancer):
    X, y, _, _ = cancer
    tree = DecisionTreeClassifier(random_state=0)
    with (
        pytest.warns(UserWarning, match="class"),
        pytest.raises(ValueError, match=r"not defined \(NaN\)"),
    ):
        train_small(tree, X, np.sort(y), size=8, cv=KFold(3), scoring="roc_auc")

    def sometimes(model, X, y):
        return np.nan if model.get_n_leaves() > 4 else float(model.get_n_leaves())

    _, settings, table = train_small(tree, X, y, size=16, cv=3, scoring=sometimes)
    assert settings == {"max_leaf_nodes": 4}
    assert table["score"].isna().iloc[-1]


def test_of_equal_scores_the_smaller_model_is_taken(cancer):
    X, y, _, _ = cancer
    tree = DecisionTreeClassifier(random_state=0)
    _, settings, _ = train_small(tree, X, y, size=16, cv=3, scoring=lambda model, X, y: 1.0)
    assert settings == {"max_leaf_nodes": 2}
