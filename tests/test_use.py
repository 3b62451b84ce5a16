"""What use costs: conditions against the explainer and by hand, speeds on a clock of ours."""

from __future__ import annotations

import json
import pickle
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

from treeprune import UnsupportedModelError, explain, native
from treeprune.datasets import load_hmda
from treeprune.report import Options, Table, fit_rivals, study_of
from treeprune.report import use as module
from treeprune.report.use import cost_of_use, speeds

pytestmark = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")

QUICK = Options(cv=2, n_resamples=1000, refits=0)


def hmda():
    data = load_hmda()
    return study_of(Table(data.frame, ""), name="HMDA", target=data.target.name)


def iris():
    frame = load_iris(as_frame=True).frame.rename(columns={"target": "y"})
    return study_of(Table(frame, ""), name="iris", target="y", task="classification")


def noise():
    """Nothing can be learnt: the pruned tree is a single leaf."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=200), "c": pd.Categorical(rng.choice(["a"], 200))})
    frame.loc[::9, "c"] = np.nan
    return study_of(Table(frame.assign(y=rng.normal(size=200)), ""), name="noise", target="y")


@pytest.mark.parametrize("make", [hmda, iris, noise])
def test_conditions_are_those_of_the_explainers_rules(make):
    study = make()
    fits = fit_rivals(study, QUICK)
    ex = explain(fits.pipeline, study.X_train)
    told = cost_of_use(study, fits, ex)
    assert json.loads(json.dumps(told)) == told == cost_of_use(study, fits, ex)
    for key in ("grown", "pruned"):
        tree = fits.rival(key).native
        rules = explain(make_pipeline(fits.pipeline[0], tree), study.X_train).rules
        asked = np.array([len(rule.conditions) for rule in rules])
        assert told[key]["rules"] == len(rules) == tree.get_n_leaves()
        assert told[key]["conditions"] == pytest.approx(asked[rules.match(study.X_test)].mean())
    assert told["pruned"]["rules"] <= told["grown"]["rules"]
    if make is noise:
        assert (told["pruned"]["rules"], told["pruned"]["conditions"]) == (1, 0.0)


def test_bytes_are_those_of_the_tree_alone():
    study = iris()
    fits = fit_rivals(study, QUICK)
    told = cost_of_use(study, fits, explain(fits.pipeline, study.X_train))
    for key in ("grown", "pruned"):
        state = fits.rival(key).native.tree_.__getstate__()
        assert told[key]["bytes"] == state["nodes"].nbytes + state["values"].nbytes
        again = pickle.loads(pickle.dumps(fits.rival(key).native))  # however it came here
        assert native.stored_bytes(again) == told[key]["bytes"]


def test_bytes_of_other_models_are_not_counted():
    with pytest.raises(UnsupportedModelError, match="not of LGBMRegressor"):
        native.stored_bytes(LGBMRegressor(n_estimators=1).fit([[0.0], [1.0]], [0.0, 1.0]))


def fits_of(grown, pruned, Z, pipeline=None):
    rivals = {"grown": grown, "pruned": pruned}
    return SimpleNamespace(
        rival=lambda key: SimpleNamespace(native=rivals[key]), Z_test=Z, pipeline=pipeline
    )


def test_a_large_tree_is_counted_exactly_and_soon():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(4000, 6)), columns=list("abcdef"))
    y = rng.normal(size=4000)
    large = DecisionTreeRegressor(min_samples_leaf=2, random_state=0).fit(X, y)
    small = DecisionTreeRegressor(max_leaf_nodes=4, random_state=0).fit(X, y)
    ex = explain(make_pipeline(FunctionTransformer(), small), X)
    Z = X.iloc[:300]
    start = time.perf_counter()
    told = cost_of_use(None, fits_of(large, small, Z), ex)
    seconds = time.perf_counter() - start
    assert told["grown"]["rules"] == large.get_n_leaves() > 1000
    # Numbers of which none is missing: a condition for each column that the path asks.
    for key, tree in (("grown", large), ("pruned", small)):
        path = tree.decision_path(Z)
        asked = [
            len({int(f) for f in tree.tree_.feature[path[i].indices] if f >= 0})
            for i in range(len(Z))
        ]
        assert told[key]["conditions"] == pytest.approx(np.mean(asked))
    assert seconds < 10


class Clocked:
    """A tree that takes so long a row, on a clock of the test's own."""

    def __init__(self, clock, seconds):
        self.clock, self.seconds, self.calls = clock, list(seconds), []

    def predict(self, Z):
        self.calls.append(len(Z))
        self.clock[0] += self.seconds[min(len(self.calls), len(self.seconds)) - 1]


@pytest.mark.parametrize(
    "rows, grown, pruned, expected",
    [
        # The best of nine turns; 300 rows are repeated until they are 10,000 or more.
        (300, [0.02, 0.01, 0.04], [0.02, 0.002, 0.004], (10_200, 9, 0.01, 0.002)),
        # After half a second no turn begins.
        (300, [0.4, 0.1], [0.3, 0.1], (10_200, 1, 0.4, 0.3)),
        # Of many rows some.
        (60_000, [0.05], [0.04], (50_000, 6, 0.05, 0.04)),
    ],
)
def test_speeds_by_a_clock_of_our_own(monkeypatch, rows, grown, pruned, expected):
    clock = [0.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    trees = Clocked(clock, grown), Clocked(clock, pruned)
    found = speeds(fits_of(*trees, pd.DataFrame({"x": np.zeros(rows)})))
    asked, turns, *seconds = expected
    assert [tree.calls for tree in trees] == [[asked] * turns] * 2
    assert list(found) == ["grown", "pruned"]
    assert list(found.values()) == pytest.approx([asked / s for s in seconds])


def test_speeds_of_real_trees_are_those_of_their_own_method():
    fits = fit_rivals(iris(), QUICK)
    start = time.perf_counter()
    found = speeds(fits)
    assert time.perf_counter() - start < 5  # a second on an idle machine
    assert all(isinstance(v, float) and np.isfinite(v) and v > 0 for v in found.values())
