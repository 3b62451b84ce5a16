"""explain(): what it accepts, what it refuses, what it checked, and the page it writes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import treeprune
from treeprune import CheckFailedError, Decision, UnsupportedModelError, explain
from treeprune.datasets import load_german_credit

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def credit():
    data = load_german_credit()
    X = data.data[["checking_status", "duration_months", "purpose", "amount_dm"]]
    y = data.target.map({0: "good", 1: "bad"})
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), [0, 2]),
        remainder="passthrough",
    )
    tree = DecisionTreeClassifier(min_samples_leaf=30, random_state=0)
    return X, y, make_pipeline(encode, tree).fit(X, y)


def test_the_name_is_callable_whatever_was_imported_first():
    """A package and its main function share a name."""
    other = "from treeprune.explain import explain\n"
    for first in ("", "import treeprune.explain.rules\n", other):
        code = first + "import treeprune\nassert callable(treeprune.explain)\n"
        code += "from treeprune import explain\nassert callable(explain)"
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_checks_say_what_was_compared_and_where(credit):
    X, y, model = credit
    ex = explain(model, X, y, decision=Decision("bad", cutoff=1 / 6))
    for name in ("rules = model", "printed rules = model"):
        assert ex.checks[name].passed and ex.checks[name].scope == "1000 of 1000 rows"
    ex.attributions(X[:30])
    ex.reasons(X[:5])
    ex.counterfactual(X[1:2])
    assert all(check.passed for check in ex.checks.values())
    assert "attributions add up to the model" in ex.checks
    assert "counterfactuals turn the model's own decision" in ex.checks


def test_a_failed_check_is_shown(credit):
    """Rows at which the printed limit and the model part: the reference rows did not have them."""
    X, y, _ = credit
    X = X[["duration_months", "amount_dm"]]
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
    ex = explain(model, X)
    column, limit = next(iter(ex.rules.texts))
    wrong = dict(ex.rules.texts) | {(column, limit): "1"}
    object.__setattr__(ex.view.rules, "texts", wrong)
    ex.check_rules()
    assert ex.checks["rules = model"].passed
    assert not ex.checks["printed rules = model"].passed
    assert "FAILED" in ex.to_text() and "first differs in row" in ex.to_text()


def test_a_model_that_was_refitted_is_found_out(credit):
    X, y, _ = credit
    X = X[["duration_months", "amount_dm"]]
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
    ex = explain(model, X, y)
    ex.attributions(X[:5])
    model.fit(X, np.roll(y.to_numpy(), 7))
    for ask in (ex.attributions, ex.importance):
        with pytest.raises(CheckFailedError):
            ask(X)
    assert not ex.checks["attributions add up to the model"].passed
    assert "FAILED" in ex.to_text() and "ATTRIBUTION" not in ex.to_text()


def test_what_failed_stays_failed_and_counts_add_up(credit):
    X, y, model = credit
    ex = explain(model, X, y, decision=Decision("bad", cutoff=1 / 6))
    declined = X[model.predict_proba(X)[:, 0] > 0.5]
    for i in range(3):
        ex.counterfactual(declined[i : i + 1])
    assert ex.checks["counterfactuals turn the model's own decision"].scope == "3 of 3 changes"
    ex.reasons(X[model.predict_proba(X)[:, 0] < 0.1][:2])
    assert "reasons add up to the model" not in ex.checks


def test_a_threshold_of_the_models_own_must_be_the_decisions(credit):
    X, y, model = credit
    fixed = FixedThresholdClassifier(model, threshold=0.2, pos_label="bad").fit(X, y)
    other = explain(fixed, X, y, decision=Decision("bad", cutoff=0.5))
    assert not other.checks["decision = model's predict"].passed
    same = explain(fixed, X, y, decision=Decision("bad", cutoff=0.2))
    assert same.checks["decision = model's predict"].passed
    assert not explain(fixed, X, y).checks["likeliest class = model's predict"].passed
    assert explain(model, X, y).checks["likeliest class = model's predict"].passed


def test_rules_on_given_rows_can_be_checked_too(credit):
    X, y, model = credit
    ex = explain(model, X[:500], y[:500])
    ex.check_rules(X[500:])
    assert ex.checks["rules = model"].scope == "500 of 500 rows"


def test_frames_arrays_and_polars_say_the_same(credit):
    pl = pytest.importorskip("polars")
    X, y = load_iris(return_X_y=True, as_frame=True)
    X.columns = ["a", "b", "c", "d"]
    expected = None
    for rows in (X, X.to_numpy(), X.astype(np.float32), pl.from_pandas(X)):
        model = DecisionTreeClassifier(max_leaf_nodes=4, random_state=0).fit(rows, y)
        ex = explain(model, rows, y)
        assert all(check.passed for check in ex.checks.values())
        values = ex.attributions(rows[:20]).values
        expected = values if expected is None else expected
        np.testing.assert_allclose(values, expected, atol=1e-6)


def test_wrappers_and_ensembles_that_only_look_like_wrappers():
    X, y = load_iris(return_X_y=True, as_frame=True)
    two = y > 0
    stump = DecisionTreeClassifier(max_depth=2, random_state=0)
    fixed = FixedThresholdClassifier(stump, threshold=0.3).fit(X, two)
    assert explain(fixed, X).rules.kind == "tree"
    for many in (AdaBoostClassifier(stump, n_estimators=3), BaggingClassifier(stump, 3)):
        ex = explain(many.fit(X, two), X, two, random_state=0)
        assert ex.rules.kind == "surrogate" and ex.fidelity.r2 > 0.8


def test_small_sums_of_trees_are_read_exactly(credit):
    X, y, _ = credit
    X = X[["duration_months", "amount_dm"]]
    forest = RandomForestClassifier(3, max_leaf_nodes=3, random_state=0).fit(X, y)
    ex = explain(forest, X, y)
    assert ex.rules.kind == "partition" and ex.fidelity is None
    np.testing.assert_allclose(ex.rules.predict_proba(X), forest.predict_proba(X), atol=1e-12)
    boosted = LGBMClassifier(n_estimators=3, num_leaves=3, n_jobs=1, verbose=-1).fit(X, y)
    ex = explain(boosted, X, y)
    assert ex.rules.kind == "partition"
    np.testing.assert_allclose(ex.rules.predict_proba(X), boosted.predict_proba(X), atol=1e-12)


def test_surrogates_never_come_without_the_task_score(credit):
    X, y, _ = credit
    encode = make_column_transformer((OneHotEncoder(sparse_output=False), [0, 2]), remainder="drop")
    model = make_pipeline(encode, LinearDiscriminantAnalysis()).fit(X, y)
    ex = explain(model, X, y, decision=Decision("bad", cutoff=0.3), random_state=0)
    text = " ".join(ex.to_text(n_rows=1).split())
    assert "ROC AUC" in text and "R² to the model" in text and "same decision for" in text
    card = ex.scorecard()
    assert card.fidelity.r2 > 0.8 and card.classes[card.positive] == "good"


def test_exports_are_run_again_and_can_fail(credit, monkeypatch):
    X, y, model = credit
    ex = explain(model, X, y)
    ex.check_exports()
    for name in ("SQL = model", "Python = model"):
        assert ex.checks[name].passed and ex.checks[name].scope == "1000 of 1000 rows"
    broken = explain(model, X, y)
    for method in ("to_sql", "to_python"):
        right = getattr(type(broken.rules), method)
        monkeypatch.setattr(
            type(broken.rules), method,
            lambda self, *a, right=right, **k: right(self, *a, **k).replace("0.", "0.5"),
        )  # fmt: skip
    broken.check_exports()
    assert not broken.checks["SQL = model"].passed
    assert not broken.checks["Python = model"].passed
    assert "Python = model: FAILED" in " ".join(broken.to_text().split())


def test_the_page(credit):
    X, y, model = credit
    ex = explain(model, X[:700], y[:700], decision=Decision("bad", cutoff=1 / 6))
    text = ex.to_text(held_out=(X[700:], y[700:]))
    for label in ("MODEL", "CHECKS", "RULE", "ATTRIBUTION", "EXAMPLE"):
        assert label in text
    assert max(map(len, text.splitlines())) <= 100 and text.count("EXAMPLE") == 3
    assert "P: predicted probability of default = bad" in text
    plain = explain(model, X, y).to_text()
    for word in ("approv", "declin", "adverse", "favourable"):
        assert word not in plain
    number, target = load_diabetes(return_X_y=True, as_frame=True)
    tree = DecisionTreeRegressor(max_leaf_nodes=5, random_state=0).fit(number, target)
    assert "In target:" in explain(tree, number, target).to_text(held_out=(number, target))


def test_the_page_with_hostile_names():
    names = ["<script>", "a\nb", "=cmd|'x'", "größe", ""]
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 5)), columns=names)
    y = np.where(X.iloc[:, 1] + X.iloc[:, 2] > 0, "ja\tnein", "[bold]")
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    text = explain(model, X, y, decision=Decision("[bold]", cutoff=0.5)).to_text()
    assert "\t" not in text and "a\\nb" in text
    assert max(map(len, text.splitlines())) <= 100


def test_explanations_can_be_pickled(credit):
    X, y, model = credit
    ex = explain(model, X, y, decision=Decision("bad", cutoff=0.5))
    again = pickle.loads(pickle.dumps(ex))
    np.testing.assert_array_equal(again.attributions(X[:5]).values, ex.attributions(X[:5]).values)
    assert again.rules.to_text() == ex.rules.to_text()


class Shy(BaseEstimator):
    def fit(self, X, y):
        self.n_features_in_ = 2
        return self


def test_refusals(credit):
    X, y, model = credit
    with pytest.raises(NotFittedError):
        explain(DecisionTreeClassifier(), X)
    with pytest.raises(UnsupportedModelError, match="predict_proba"):
        explain(RidgeClassifier().fit(X[["amount_dm"]], y), X[["amount_dm"]])
    with pytest.raises(UnsupportedModelError, match="predicts nothing"):
        explain(Shy().fit(X, y), X)
    booster = LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1).fit(X[["amount_dm"]], y)
    with pytest.raises(UnsupportedModelError, match="not its booster"):
        explain(booster.booster_, X[["amount_dm"]])
    with pytest.raises(ValueError, match="X has 1000 rows, y has 10"):
        explain(model, X, y[:10])
    with pytest.raises(ValueError, match="lack the columns"):
        explain(model, X.drop(columns="amount_dm"))
    with pytest.raises(ValueError, match="at least one reference row"):
        explain(model, X[:0])
    with pytest.raises(ValueError, match="feature_map must be"):
        explain(model, X, feature_map="guess")
    with pytest.raises(ValueError, match="game must be one of"):
        explain(model, X).attributions(X[:1], game="shapley")
    with pytest.raises(ValueError, match="decision=Decision"):
        explain(model, X).counterfactual(X[:1])
    twice = pd.concat([X, X[["amount_dm"]]], axis=1)
    with pytest.raises(ValueError, match="two columns are called"):
        explain(model, twice)


def test_lists_are_rows_too():
    rows = [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0]] * 5
    model = DecisionTreeClassifier().fit(rows, [0, 1, 1] * 5)
    assert len(explain(model, rows).rules) == 2


def test_explaining_changes_nothing(credit):
    X, y, model = credit
    before, rows = pickle.dumps(model), X.copy(deep=True)
    ex = explain(model, X, y, decision=Decision("bad", cutoff=0.3))
    ex.to_text()
    ex.leaf_notice_table(k=1)
    assert pickle.dumps(model) == before
    pd.testing.assert_frame_equal(X, rows)


def test_public_names():
    assert treeprune.explain.explain is not None
    assert {"explain", "Decision", "RuleSet", "FeatureMap"} <= set(treeprune.__all__)
