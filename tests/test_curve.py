"""The drawn steps of a path: signs, gaps, and which steps are kept of many."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import PrunedClassifier, pruning_path
from treeprune.path import PruningPath
from treeprune.report.curve import MOST_STEPS, curve_of


def made(size, score=None, se=None, scoring=None, chosen=None):
    """A path of that many leaves a step; nothing but its figures is looked at."""
    n = len(size)
    return PruningPath(
        model=None,
        trees=None,
        removed_at=np.zeros(n, np.int32),
        strength=np.arange(n, dtype=float),
        size=np.asarray(size),
        risk=np.linspace(0.1, 0.5, n),
        method="cost_complexity",
        step_score=None if score is None else np.asarray(score, float),
        step_score_se=None if se is None else np.asarray(se, float),
        scoring=scoring,
        chosen=chosen,
    )


def test_without_scores():
    curve = curve_of(made([4, 2, 1]))
    assert curve == {
        "step": [0, 1, 2],
        "leaves": [4, 2, 1],
        "score": None,
        "se": None,
        "risk": [0.1, 0.30000000000000004, 0.5],
    }


@pytest.mark.parametrize(
    "scoring, sign", [("neg_brier_score", -1), ("roc_auc", 1), ("neg_root_mean_squared_error", -1)]
)
def test_scores_have_the_sign_that_people_know(scoring, sign):
    curve = curve_of(made([3, 2, 1], [0.2, 0.3, 0.1], [0.01, 0.02, 0.03], scoring))
    assert curve["score"] == [sign * 0.2, sign * 0.3, sign * 0.1]
    assert curve["se"] == [0.01, 0.02, 0.03]


def test_no_minus_zero():
    assert "-0.0" not in json.dumps(curve_of(made([2, 1], [0.0, -0.1], [0.0, 0.0], "neg_x")))


def test_steps_not_asked_and_undefined_figures_are_none():
    path = made([3, 2, 1], [0.2, np.nan, 0.1], [0.01, np.nan, np.inf], "roc_auc")
    curve = curve_of(path)
    assert curve["score"] == [0.2, None, 0.1] and curve["se"] == [0.01, None, None]
    json.dumps(curve, allow_nan=False)


@settings(max_examples=30)
@given(
    n=st.integers(MOST_STEPS + 1, 4000),
    seed=st.integers(0, 99),
    asked=st.integers(2, 300),
    scored=st.booleans(),
)
def test_of_many_steps_those_that_matter_are_kept(n, seed, asked, scored):
    rng = np.random.default_rng(seed)
    size = np.sort(rng.choice(np.arange(1, 3 * n), n, replace=False))[::-1]
    score = np.full(n, np.nan)
    score[np.linspace(0, n - 1, asked).astype(int)] = rng.normal(size=asked)
    se = np.where(np.isnan(score), np.nan, 0.3)
    chosen = int(rng.integers(n))
    path = made(size, *((score, se, "roc_auc") if scored else ()), chosen=chosen)
    curve = curve_of(path)
    steps = curve["step"]
    assert len(steps) <= MOST_STEPS
    assert steps == sorted(set(steps))
    assert {0, n - 1, chosen} <= set(steps)
    assert curve["leaves"] == size[steps].tolist()
    assert curve["risk"] == path.risk[steps].tolist()
    if scored:
        assert {path.best_step, path.one_se_step} <= set(steps)
        unknown = {step for step, s in zip(steps, curve["score"]) if s is None}
        assert unknown <= {0, n - 1, chosen}, "a step without a score shows nothing"


def test_kept_steps_are_even_in_the_log_of_size():
    size = np.arange(5000, 0, -1)
    leaves = np.array(curve_of(made(size))["leaves"])
    large = np.log(leaves[leaves > 200])
    assert np.abs(np.diff(large)).max() < 1.5 * np.log(5000) / (MOST_STEPS - 2)


def test_a_real_path_is_whole():
    X, y = load_breast_cancer(return_X_y=True)
    model = PrunedClassifier(random_state=0).fit(X, y)
    curve, frame = curve_of(model.path_), model.path_.to_frame()
    assert curve["leaves"] == frame["size"].tolist()
    assert curve["score"] == pytest.approx((-frame["score"]).tolist())
    assert curve["se"] == frame["score_se"].tolist()
    assert curve["risk"] == frame["risk"].tolist()


def test_a_large_tree_without_scores():
    X, y = load_diabetes(return_X_y=True)
    path = pruning_path(DecisionTreeRegressor(random_state=0).fit(X, y))
    assert len(path) > MOST_STEPS
    curve = curve_of(path)
    assert len(curve["step"]) <= MOST_STEPS and curve["leaves"][-1] == 1


def test_one_step():
    X, y = load_breast_cancer(return_X_y=True)
    path = pruning_path(
        DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, np.zeros(len(y)))
    )
    assert curve_of(path)["leaves"] == [1]
