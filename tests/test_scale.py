"""A million rows in bounded memory, and trees that are one long chain; nothing here is timed."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from itertools import islice
from pathlib import Path

import laws
import numpy as np
import pytest
from laws import TREE_METHODS
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from treeprune import (
    PrunedToRootWarning,
    PrunedTreeClassifier,
    native,
    pruning_path,
    shrink,
)

resource = pytest.importorskip("resource", reason="peak memory is read from getrusage")

ROOT = Path(__file__).resolve().parents[1]

# Every stage prints the peak so far, in bytes; peaks only rise.
SETUP = """
import json, resource, sys
import numpy as np
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
import treeprune
from treeprune import PrunedClassifier, PrunedRegressor, pruning_path

unit = 1 if sys.platform == "darwin" else 1024
peaks = {}


def peak(name):
    peaks[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


# Kernels are compiled (or read from the cache) before anything is measured.
small, labels = load_iris(return_X_y=True)
warm = pruning_path(DecisionTreeClassifier().fit(small, labels), small, labels, risk="error")
warm.score(small, labels), warm.cut(1)
PrunedRegressor(cv=2, strength="best").fit(small, labels)
rng = np.random.default_rng(0)
n = 1_000_000
X = np.empty((n, 10))
for j in range(10):
    X[:, j] = rng.integers(0, 50, n)  # few values: sorting is quick, splits are ordinary
signal = X[:, 0] + 2 * (X[:, 1] > 25) * X[:, 2] - X[:, 3]
"""

OF_A_PATH = """
y = (signal + rng.normal(scale=20, size=n) > 25).astype(np.int64)
tree = DecisionTreeClassifier(min_samples_leaf=200, max_features=3, random_state=0).fit(X, y)
peak("fit")
path = pruning_path(tree, X, y, risk="error")
peak("path")
scores = path.score(X, y).score
peak("score")
cut = path.cut(len(path) // 2)
peak("cut")
hits = (cut.predict(X) == y).mean()
peak("predict")
auc = path.score(X[:200_000], y[:200_000], scoring="accuracy").score
peak("slice")
assert scores.notna().all() and hits > 0.6
print(json.dumps({"size": int(path.size[0]), "input": X.nbytes, "peaks": peaks}))
"""

# The fit itself needs more than all that follows; a fit on few rows leaves no such cover.
OF_ROWS_ALONE = """
from itertools import islice
from sklearn.ensemble import RandomForestClassifier

y = (signal + rng.normal(scale=20, size=n) > 25).astype(np.int64)
del signal
model = MODEL.fit(X[:50_000], y[:50_000])
peak("fit")
path = pruning_path(model, X, y, method="reduced_error")
peak("path")
scores = path.score(X, y).score
peak("score")
cut = path.cut(len(path) // 2)
peak("cut")
cut.predict(X)
peak("predict")
for p in islice(path.staged_predict_proba(X), 3):
    pass
peak("staged")
print(json.dumps({"size": int(path.size[0]), "input": X.nbytes, "peaks": peaks}))
"""

OF_THE_ESTIMATOR = """
base = MODEL(min_samples_leaf=1000, max_features=2, max_depth=8, random_state=0)
y = TARGET
base.fit(X, y)
peak("fit")
model = PRUNED(base, METHOD, random_state=0).fit(X, y)
peak("estimator")
model.predict(X)
peak("predict")
assert 1 < model.path_.size[model.step_]
print(json.dumps({"size": int(model.path_.size[0]), "input": X.nbytes, "peaks": peaks}))
"""


def measured(code):
    """What the stages of a program in a process of its own print at the end."""
    done = subprocess.run(
        [sys.executable, "-c", SETUP + code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def assert_bounded(out, most=6):
    peaks, limit = out["peaks"], most * out["input"]
    for stage, size in peaks.items():
        beyond = size - peaks["fit"]
        assert beyond < limit, f"{stage}: {beyond / out['input']:.1f} x the input beyond the fit"


def test_a_path_of_a_million_rows_stays_within_six_times_the_input():
    out = measured(OF_A_PATH)
    assert out["size"] > 300
    assert_bounded(out)


@pytest.mark.parametrize(
    "model",
    [
        "DecisionTreeClassifier(min_samples_leaf=20, random_state=0)",
        "RandomForestClassifier(4, min_samples_leaf=50, random_state=0)",
    ],
    ids=["tree", "forest"],
)
def test_a_million_held_out_rows_stay_within_six_times_the_input(model):
    assert_bounded(measured(OF_ROWS_ALONE.replace("MODEL", model)))


@pytest.mark.parametrize(
    "task, method",
    [
        ("classification", "method='reduced_error'"),
        ("regression", "cv=2, strength='best', max_size=40"),
    ],
)
def test_fitting_on_a_million_rows_stays_within_six_times_the_input(task, method):
    classes = task == "classification"
    code = OF_THE_ESTIMATOR.replace("METHOD", method)
    code = code.replace("MODEL", f"DecisionTree{'Classifier' if classes else 'Regressor'}")
    code = code.replace("PRUNED", f"Pruned{'Classifier' if classes else 'Regressor'}")
    code = code.replace("TARGET", "(signal > 25).astype(int)" if classes else "signal")
    assert_bounded(measured(code))


# ------------------------------------------------------------------------------ chains

DEPTH = 5_001


def alternating(n, extra=0):
    """Labels 0, 1, 0, 1, … along one column: the best split is always the outermost row."""
    X = np.arange(n, dtype=float)[:, None]
    return np.column_stack([X, np.zeros((n, extra))]), np.arange(n) % 2


@pytest.fixture(scope="module")
def chain():
    X, y = alternating(DEPTH + 1)
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    assert tree.get_depth() >= 5_000, "a chain: one row is split off at every node"
    return tree, X, y


def exponential_chain():
    """A random tree on exponential steps, as in amounts of money: nearly a chain."""
    X = np.exp2(np.arange(-120, 120, 0.5))[:, None]
    return X, np.arange(len(X)) % 2


def assert_lawful(path):
    """Laws whose twins do not recurse: a chain is deeper than Python's stack."""
    laws.assert_nested(path)
    laws.assert_monotone_size(path)
    laws.assert_lookups(path)
    laws.assert_frame(path)
    going = np.sort(path.removed_at[path.trees.left >= 0])
    left = len(going) - np.searchsorted(going, np.arange(len(path)), side="right")
    np.testing.assert_array_equal(path.size, path.trees.n_trees + left)


@pytest.mark.parametrize("method", list(TREE_METHODS))
def test_a_chain_of_five_thousand_splits(chain, method):
    tree, X, y = chain
    path = pruning_path(tree, X, y, method=method)
    assert_lawful(path)
    assert path.size[0] == tree.get_n_leaves()
    scores = path.score(X, y, scoring="accuracy").score
    assert (
        scores.iloc[0] == 1.0 and abs(scores.iloc[-1] - y.mean()) <= abs(1 - 2 * y.mean()) + 1e-12
    )
    for step in laws.some_steps(path, 4):
        cut = path.cut(step)
        assert cut.get_n_leaves() == path.size[step]
        assert cut.tree_.max_depth == int(native_depth(cut))
        assert (cut.predict(X) == y).mean() == pytest.approx(scores[step], abs=1e-12)


def native_depth(model):
    """Depth by walking down from the root, without recursion."""
    left, right = model.tree_.children_left, model.tree_.children_right
    depth = np.zeros(len(left), int)
    for t in range(len(left)):
        if left[t] >= 0:
            depth[left[t]] = depth[right[t]] = depth[t] + 1
    return depth.max()


def test_a_chain_with_a_step_a_split(chain):
    """The user's own rule takes the deepest split first: as many steps as splits."""
    tree, X, y = chain
    path = pruning_path(tree, by=lambda nodes: nodes.n_rows)
    assert len(path) == DEPTH + 1 == len(np.unique(path.size))
    frame = path.score(X, y)  # additive: all steps
    assert frame.score.notna().all()
    auc = path.score(X, y, scoring="roc_auc").score  # asked step by step: thinned
    assert 2 < auc.notna().sum() <= 200
    for step, p in enumerate(islice(path.staged_predict_proba(X), 4)):
        np.testing.assert_array_equal(p, path.cut(step).predict_proba(X))
    last = path.cut(-1)
    assert last.get_n_leaves() == 1
    small = shrink(path.cut(size=3_000), 10.0)
    assert small.get_n_leaves() == 3_000
    again = pickle.loads(pickle.dumps(path))
    assert again.cut(size=3_000).get_n_leaves() == 3_000
    kept = pruning_path(tree, by=lambda nodes: nodes.n_rows, never_prune=[0])
    assert len(kept) == 1
    two = pruning_path(tree, by=[0])
    assert two.size.tolist() == [DEPTH + 1, 1]


def test_a_forest_of_chains():
    X, y = alternating(1_201, extra=1)
    model = RandomForestClassifier(3, bootstrap=False, max_features=None, random_state=0).fit(X, y)
    assert min(member.get_depth() for member in model.estimators_) > 1_000
    path = pruning_path(model, by=lambda nodes: nodes.n_rows)
    scores = path.score(X, y).score
    assert scores.notna().all()
    step = len(path) // 2
    brier = ((path.cut(step).predict_proba(X)[:, 1] - y) ** 2).mean()
    assert scores[step] == pytest.approx(-brier, rel=1e-9)


def test_an_estimator_whose_tree_is_a_chain():
    X, y = alternating(1_501)
    with pytest.warns(PrunedToRootWarning):  # no row says anything about its neighbours
        model = PrunedTreeClassifier(random_state=0, cv=2, strength="best").fit(X, y)
    assert_lawful(model.path_)
    assert model.path_.model.get_depth() >= 1_400
    assert model.get_n_leaves() == model.path_.size[model.step_]


def test_exponential_steps_in_a_column():
    from sklearn.tree import ExtraTreeClassifier

    X, y = exponential_chain()
    tree = ExtraTreeClassifier(random_state=0).fit(X, y)
    assert tree.get_depth() > 60
    for method in TREE_METHODS:
        path = pruning_path(tree, X, y, method=method)
        laws.assert_path(path)
        laws.assert_staged_equals_cut(path, X)
        laws.assert_rows_keep_their_branch(path, X, native.apply)
