"""Several models side by side: tables, verdicts over all weightings, the picture, searches."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import compare, interpretability, make_interpretability_scorer
from treeprune.explain.interpretability.components import COMPONENTS

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
MODELS = {
    "small $\\frac$": DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y),
    "large": DecisionTreeClassifier(random_state=0).fit(X, y),
    "linear": make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y),
}


@pytest.fixture(scope="module")
def found():
    return compare(MODELS, X, y, n_refits=5, n_draws=50)


def test_the_table_holds_each_models_own_score(found):
    table = found.to_frame()
    assert table.index.tolist() == list(MODELS)
    own = interpretability(MODELS["large"], X, y, n_refits=5, n_draws=50, quality=False)
    for name in COMPONENTS:
        assert table.loc["large", name] == own.components[name]
    assert table.loc["large", "composite"] == own.composite
    assert table.loc["large", "loss"] == own.loss[1]
    assert table.loc["large", "composite_refits_low"] <= own.composite


def test_who_is_on_the_front_and_who_within_one_se(found):
    table = found.to_frame()
    for name, row in table.iterrows():
        beaten = any(
            other["loss"] <= row["loss"]
            and other["composite"] >= row["composite"]
            and (other["loss"] < row["loss"] or other["composite"] > row["composite"])
            for _, other in table.drop(index=name).iterrows()
        )
        assert row["pareto"] == (not beaten)
    best = table.loc[table["loss"].idxmin()]
    assert (table["within_one_se"] == (table["loss"] <= best["loss"] + best["loss_se"])).all()


def test_verdicts(found):
    pairs = found.pairs()
    assert len(pairs) == 3
    assert found.verdict("small $\\frac$", "large") == "small $\\frac$"
    assert found.verdict("large", "small $\\frac$") == "small $\\frac$"
    assert found.share("large", "linear") == pytest.approx(1 - found.share("linear", "large"))
    text = found.to_text()
    assert "easier than" in text
    for pair in pairs.itertuples():
        assert (pair.easier == "depends on weights") == (0.05 < pair.share < 0.95)
    with pytest.raises(KeyError, match="no model is called 'none'"):
        found.share("none", "large")


def test_an_undecided_pair_is_said_to_depend_on_weights(found):
    from dataclasses import replace

    one = found.scores["linear"]
    twisted = {
        name: value * (0.5 if name == "size" else 1.2 if name == "stability" else 1.0)
        for name, value in one.components.items()
    }
    pair = replace(found, scores={"a": one, "b": replace(one, components=twisted)})
    assert pair.verdict("a", "b") == "depends on weights"
    assert "a or b: depends on weights" in pair.to_text()


def test_the_picture(found, tmp_path):
    ax = found.plot()
    assert {t.get_text() for t in ax.texts} == set(MODELS)
    assert ax.get_ylabel() == "Brier score ± SE (lower is better)"
    ax.figure.savefig(tmp_path / "pareto.png")
    without = compare({"a": MODELS["large"]}, X, n_refits=0, n_draws=10)
    with pytest.raises(ValueError, match="no loss is known"):
        without.plot()
    assert without.one_se_limit is None
    assert without.to_frame()["pareto"].all()
    assert "–" in without.to_text()


@pytest.mark.parametrize(
    "models, message",
    [
        ({}, "at least one"),
        ([1], "at least one"),
        ({1: MODELS["large"]}, "must be texts"),
    ],
)
def test_refusals(models, message):
    with pytest.raises(ValueError, match=message):
        compare(models, X, y)


def test_tasks_do_not_mix():
    D, z = load_diabetes(return_X_y=True)
    tree = DecisionTreeRegressor(max_leaf_nodes=3).fit(D, z)
    with pytest.raises(ValueError, match="cannot be compared"):
        compare({"a": tree, "b": MODELS["large"]}, X, y)


def test_a_search_by_loss_and_interpretability():
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_leaf_nodes": [2, 8, 32]},
        scoring={
            "auc": "roc_auc",
            "easy": make_interpretability_scorer(),
            "focus": make_interpretability_scorer("focus"),
        },
        refit="auc",
        cv=3,
    ).fit(X, y)
    easy = search.cv_results_["mean_test_easy"]
    assert (np.diff(easy) < 0).all()
    assert (search.cv_results_["mean_test_focus"] <= 1).all()
    scorer = make_interpretability_scorer("simulate")
    value = scorer(MODELS["large"], X, y)
    own = interpretability(MODELS["large"], X, n_refits=0, max_rows=1000, quality=False)
    assert value == own.components["simulate"]
    assert pickle.loads(pickle.dumps(scorer))(MODELS["large"], X) == value
    assert repr(scorer).startswith("make_interpretability_scorer('simulate', max_rows=1000")


@pytest.mark.parametrize("component", ["stability", "clarity"])
def test_what_a_search_cannot_know(component):
    with pytest.raises(ValueError, match="component must be one of"):
        make_interpretability_scorer(component)
