"""What exact Shapley values cost beside the model's own `predict` and beside shap.

One tree of 20 and of 50 leaves over a million rows, path-dependent; LightGBM with 100 trees of 31
leaves over 20,000 rows, path-dependent and against 50 background rows. Timed is what a user
calls: `ex.attributions(X)` with its tables and its check against the estimator, and shap's
explainer with `shap_values`; all sides run on one thread, in turns, and must agree. Targets: one
tree >= 15 times faster than shap and <= 4 times the time of `predict`; LightGBM >= 5 times faster
than shap.

Run: python benchmarks/bench_attributions.py [--repeats N] [--out FILE.json]
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"

from typing import Any

import numpy as np
import shap
from harness import parse, report, timed
from lightgbm import LGBMRegressor
from sklearn.tree import DecisionTreeClassifier

from treeprune import explain

N_ROWS, N_FEATURES = 1_000_000, 10
N_BOOSTED, N_BACKGROUND = 20_000, 50


def make_rows(n_rows: int) -> tuple[Any, Any]:
    """Ten columns that all matter, interactions and noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, N_FEATURES))
    signal = X[:, 0] * X[:, 1] + np.abs(X[:, 2:6]).sum(axis=1) + X[:, 6:].sum(axis=1)
    return X, signal + rng.normal(size=n_rows)


def ours(ex: Any, X: Any, background: Any = None) -> Any:
    game = "path_dependent" if background is None else "interventional"
    return ex.attributions(X, game=game, background=background).values


def theirs(model: Any, X: Any, background: Any = None) -> Any:
    if background is None:
        return shap.TreeExplainer(model).shap_values(X)
    explainer = shap.TreeExplainer(model, background, feature_perturbation="interventional")
    return explainer.shap_values(X)


def in_turns(sides: dict[str, Any], repeats: int) -> dict[str, list[float]]:
    """Seconds of every side; attributions of all sides must agree."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        results = {}
        for name, work in sides.items():
            spent, results[name] = timed(work)
            seconds[name].append(spent)
        values = [np.reshape(v, -1) for name, v in results.items() if "predict" not in name]
        # shap's interventional coalition weights are single precision.
        scale = np.abs(values[0]).max()
        assert all(np.abs(v - values[0]).max() <= 1e-6 * scale for v in values[1:])
    return seconds


def ratio(seconds: dict[str, list[float]], top: str, bottom: str) -> float:
    return float(np.median(seconds[top]) / np.median(seconds[bottom]))


def main() -> None:
    options = parse(__doc__)
    seconds: dict[str, list[float]] = {}
    ratios: dict[str, float] = {}
    X, y = make_rows(N_ROWS)
    for n_leaves in (20, 50):
        tree = DecisionTreeClassifier(max_leaf_nodes=n_leaves, random_state=0)
        tree.fit(X[:100_000], y[:100_000] > np.median(y))
        ex = explain(tree, X[:1000])
        for rows in (X[:200], X[:20_000]):
            ours(ex, rows)  # warm: kernels are compiled
        sides = {
            f"{n_leaves} leaves: predict": lambda m=tree: m.predict(X),
            f"{n_leaves} leaves: attributions": lambda e=ex: ours(e, X),
            f"{n_leaves} leaves: shap": lambda m=tree: theirs(m, X),
        }
        spent = in_turns(sides, options.repeats)
        predict, own, other = spent
        seconds |= spent
        ratios[f"{n_leaves} leaves: shap / ours (>= 15)"] = ratio(spent, other, own)
        ratios[f"{n_leaves} leaves: ours / predict (<= 4)"] = ratio(spent, own, predict)
    X, y = X[:N_BOOSTED], y[:N_BOOSTED]
    model = LGBMRegressor(n_estimators=100, num_leaves=31, n_jobs=1, verbose=-1, random_state=0)
    model.fit(X, y)
    background = X[:N_BACKGROUND]
    some = X[-1000:]
    ex = explain(model, X[:1000])
    ours(ex, some, background)
    sides = {
        "LightGBM: predict": lambda: model.predict(X),
        "LightGBM: attributions": lambda: ours(ex, X),
        "LightGBM: shap": lambda: theirs(model, X),
    }
    spent = in_turns(sides, options.repeats)
    predict, own, other = spent
    seconds |= spent
    ratios["LightGBM: shap / ours (>= 5)"] = ratio(spent, other, own)
    ratios["LightGBM: ours / predict"] = ratio(spent, own, predict)
    sides = {
        "LightGBM, 50 background rows, 1,000 rows: attributions": lambda: ours(
            ex, some, background
        ),
        "LightGBM, 50 background rows, 1,000 rows: shap": lambda: theirs(model, some, background),
    }
    spent = in_turns(sides, options.repeats)
    own, other = spent
    seconds |= spent
    ratios["LightGBM, 50 background rows: shap / ours"] = ratio(spent, other, own)
    facts = {"rows": N_ROWS, "features": N_FEATURES, "LightGBM rows": N_BOOSTED}
    report("bench_attributions", options, seconds=seconds, ratios=ratios, facts=facts)


if __name__ == "__main__":
    main()
