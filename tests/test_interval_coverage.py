"""Intervals of interpretability hold the truth as often as they say, by simulation.

Small enough to run always; `benchmarks/check_intervals.py` does the same at length. With few
samples the share is compared with 92 % less what chance may take from it (one side, 1 %).
"""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from treeprune import interpretability
from treeprune.explain.interpretability import measure


def draw(n, rng):
    X = rng.normal(size=(n, 6))
    score = X[:, 0] + X[:, 1] * X[:, 2] + 0.7 * (X[:, 3] > 0) * X[:, 4]
    return X, (score + rng.logistic(size=n) > 0).astype(int)


def values(score):
    return {**score.components, "composite": score.composite}


def enough(hits, n):
    return hits >= binom.ppf(0.01, n, 0.92)


@pytest.mark.parametrize(
    "model", [DecisionTreeClassifier(max_leaf_nodes=10, random_state=0), LogisticRegression()]
)
def test_intervals_over_rows_hold_the_score_on_all_rows(model):
    rng = np.random.default_rng(0)
    model.fit(*draw(600, rng))
    many, _ = draw(6000, rng)
    with mock.patch.multiple(measure, MOST_INSIDE=6000, BACKGROUND=1000, CROWD=6000):
        truth = values(interpretability(model, many, n_refits=0, n_draws=2, quality=False))
    n, hits = 60, dict.fromkeys(truth, 0)
    for seed in range(n):
        rows, _ = draw(400, rng)
        score = interpretability(
            model, rows, n_refits=0, n_draws=200, quality=False, random_state=seed
        )
        for name, (low, high) in score.intervals["rows"].items():
            hits[name] += low - 1e-9 <= truth[name] <= high + 1e-9
    for name, hit in hits.items():
        assert enough(hit, n), (name, hit, truth[name])


def test_intervals_over_refits_hold_the_mean_of_the_procedure():
    rng = np.random.default_rng(1)
    rows, _ = draw(300, rng)

    def once(seed):
        X, y = draw(250, rng)
        tree = DecisionTreeClassifier(ccp_alpha=0.01, min_samples_leaf=10, random_state=0)
        return interpretability(
            tree.fit(X, y),
            rows,
            X_train=X,
            y_train=y,
            n_refits=10,
            n_draws=2,
            quality=False,
            random_state=seed,
        )

    found = [once(seed) for seed in range(60)]
    truth = {name: np.mean([values(s)[name] for s in found]) for name in values(found[0])}
    for name in truth:
        hits = sum(
            s.intervals["refits"][name][0] <= truth[name] <= s.intervals["refits"][name][1]
            for s in found
        )
        assert enough(hits, len(found)), (name, hits)
