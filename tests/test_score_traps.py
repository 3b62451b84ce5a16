"""Ways to be fooled by a score of interpretability, or to fool it, that a review has found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from treeprune import (
    PrunedClassifier,
    UnsupportedModelError,
    compare,
    datasets,
    interpretability,
    pruning_path,
)

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
PLAIN = {"n_refits": 0, "n_draws": 20, "quality": False}


def test_refit_intervals_hold_what_the_refits_are():
    data = datasets.load_german_credit()
    rows = data.data.drop(columns=data.sensitive)
    text = [c for c in rows if not pd.api.types.is_numeric_dtype(rows[c].dtype)]
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), text), remainder="passthrough"
    )
    tree = DecisionTreeClassifier(min_samples_leaf=20, random_state=0)
    model = make_pipeline(encode, PrunedClassifier(tree, random_state=0)).fit(rows, data.target)
    score = interpretability(model, rows, data.target, n_refits=6, n_draws=20, quality=False)
    for name, own in score.evidence.of_refits.items():
        low, high = score.intervals["refits"][name]
        assert low <= own.mean() <= high and low <= score.components[name] <= high, name
    assert score.counts["typical_refit"] < score.counts["leaves"]
    assert f"refits end at {score.counts['typical_refit']} leaves" in score.to_text()


def test_a_model_inside_a_transformer_is_not_read():
    forest = RandomForestClassifier(20, random_state=0).fit(X, y)

    def told(rows):
        return forest.predict_proba(rows)[:, [1]]

    hide = FunctionTransformer(told, feature_names_out=lambda _, names: ["p"])
    hidden = make_pipeline(hide, LogisticRegression()).fit(X, y)
    score = interpretability(hidden, X, **PLAIN)
    assert score.read == 0
    assert score.composite < interpretability(forest, X, **PLAIN).composite
    assert "nobody could carry the model out" in score.to_text()


def test_principal_components_cost_their_loadings():
    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    reduced = make_pipeline(StandardScaler(), PCA(3), LogisticRegression()).fit(X, y)
    a, b = (interpretability(m, X, **PLAIN) for m in (plain, reduced))
    assert b.read == 1
    assert b.measures["bits"] > 90 * 8 and b.measures["nf"] == 30
    assert b.components["size"] < a.components["size"]


def test_a_question_about_many_categories_costs_each_of_them():
    rng = np.random.default_rng(0)
    city = pd.DataFrame({"city": pd.Categorical(rng.integers(0, 40, 4000).astype(str))})
    half = city["city"].cat.codes.isin(rng.permutation(40)[:20]).to_numpy()
    grow = {"n_estimators": 1, "num_leaves": 2, "max_cat_threshold": 64, "verbose": -1}
    free = {"cat_smooth": 0, "cat_l2": 0, "min_data_per_group": 1, "max_cat_to_onehot": 1}
    subset = LGBMClassifier(**grow, **free).fit(city, half)
    score = interpretability(subset, city, **PLAIN)
    assert score.measures["effort"] > 10
    assert score.measures["bits"] > 10 * np.log2(40)


def test_stability_over_rows_holds_the_chance_of_refits():
    tree = DecisionTreeClassifier(max_leaf_nodes=6, random_state=0).fit(X, y)
    found = [
        interpretability(tree, X, y, n_refits=8, n_draws=100, quality=False, random_state=seed)
        for seed in range(6)
    ]
    centre = np.mean([score.components["stability"] for score in found])
    inside = [
        score.intervals["rows"]["stability"][0] <= centre <= score.intervals["rows"]["stability"][1]
        for score in found
    ]
    assert np.mean(inside) > 0.6


def test_shares_of_people_are_weighed_and_weightless_rows_left_out():
    tree = DecisionTreeClassifier(max_leaf_nodes=6, random_state=0).fit(X, y)
    weight = np.ones(len(X))
    weight[200:] = 0
    options = {"n_refits": 5, "n_draws": 20, "quality": False}
    score = interpretability(tree, X, y, sample_weight=weight, **options)
    assert len(score.otherwise) == 200
    assert score.rows.tolist() == list(range(200))
    weight[:200] = np.arange(1, 201)
    again = interpretability(tree, X, y, sample_weight=weight, **options)
    expected = np.average(again.otherwise >= 0.2 - 1e-12, weights=weight[:200])
    assert again.often_otherwise == pytest.approx(expected)
    few = np.zeros(len(X))
    few[:2] = 1
    low, high = interpretability(tree, X, sample_weight=few, **PLAIN).intervals["rows"]["simulate"]
    assert np.isfinite([low, high]).all()
    some = interpretability(tree, X, sample_weight=weight, max_rows=10, **PLAIN)
    assert some.counts["rows"] == 10


def test_people_are_decided_as_the_models_own_predict_decides():
    tree = DecisionTreeClassifier(max_leaf_nodes=8, random_state=0)
    strict = FixedThresholdClassifier(tree, threshold=0.95).fit(X, y)
    score = interpretability(strict, X, y, n_refits=4, n_draws=10, quality=False)
    own = strict.predict(X)
    assert (score.evidence.measured.decided[0] == own).all()
    plain = interpretability(tree.fit(X, y), X, y, n_refits=4, n_draws=10, quality=False)
    assert plain.otherwise.mean() != score.otherwise.mean()


class Hidden(ClassifierMixin, BaseEstimator):
    def __init__(self, model=None):
        self.model = model
        self.classes_ = model.classes_

    def fit(self, rows, outcome):
        self.model.fit(rows, outcome)
        return self

    def predict(self, rows):
        return self.model.predict(rows)

    def predict_proba(self, rows):
        return self.model.predict_proba(rows)

    def __sklearn_is_fitted__(self):
        return True


def test_few_rows_do_not_make_a_hidden_model_readable():
    forest = RandomForestClassifier(20, random_state=0).fit(X.iloc[:, :4], y)
    for n in (2, 8, 40):
        score = interpretability(Hidden(forest), X.iloc[:n, :4], **PLAIN)
        assert score.read == 0, n


def test_outcomes_that_the_model_does_not_know_are_refused():
    tree = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="does not know"):
        interpretability(tree, X, y.astype(str), X_train=X, y_train=y, n_refits=2, quality=False)
    missing = y.astype(float)
    missing[:5] = np.nan
    with pytest.raises(ValueError, match="does not know"):
        interpretability(tree, X, missing, X_train=X, y_train=y, n_refits=2, quality=False)


def test_several_targets_of_which_a_refit_lacks_a_class():
    both = np.column_stack([y, y])
    both[0, 1] = 2
    tree = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, both)
    with pytest.raises(ValueError, match="lacks a class of one of several targets"):
        interpretability(tree, X, both, n_refits=20, n_draws=10, quality=False)


def test_groups_reach_the_folds_of_what_is_refitted():
    groups = np.arange(len(X)) // 5
    model = PrunedClassifier(cv=GroupKFold(3), random_state=0)
    model.fit(X.iloc[:, :4], y, groups=groups)
    score = interpretability(
        model, X.iloc[:, :4], y, groups=groups, n_refits=2, n_draws=10, quality=False
    )
    assert score.counts["refits"] == 2


def test_a_path_is_not_remade_by_another_recipe():
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    path = pruning_path(tree, X, y, risk="error")
    with pytest.raises(ValueError, match="give the estimator that made it"):
        interpretability(path, X, y, n_refits=2, n_draws=10)
    model = PrunedClassifier(risk="error", random_state=0).fit(X, y)
    found = interpretability(model.path_, X, y, estimator=model, n_refits=2, n_draws=10)
    assert found.measures["stability"].notna().all()


def test_a_path_in_a_pipeline_takes_the_pipeline_itself():
    pipe = make_pipeline(StandardScaler(), PrunedClassifier(random_state=0)).fit(X, y)
    own = interpretability(
        pipe[-1].path_, X, y, estimator=pipe, feature_map=pipe[:-1], n_refits=2, n_draws=10
    )
    assert not np.isnan(own.measures["interpretability"][own.chosen])


def test_compare_says_which_model_is_of_no_use():
    tree = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
    with pytest.raises(NotFittedError, match=r"model 'raw'.*not fitted"):
        compare({"tree": tree, "raw": DecisionTreeClassifier()}, X, y)
    with pytest.raises(UnsupportedModelError, match=r"model 'svc'.*no predict_proba"):
        compare({"tree": tree, "svc": LinearSVC().fit(X, y)}, X, y)
    with pytest.raises(ValueError, match="'path' is a path"):
        compare({"path": pruning_path(tree)}, X, y)


def test_a_list_of_lists_is_a_table():
    rows = X.iloc[:60, :3].to_numpy()
    tree = DecisionTreeClassifier(max_leaf_nodes=3).fit(rows, y[:60])
    assert interpretability(tree, rows.tolist(), **PLAIN).counts["rows"] == 60
