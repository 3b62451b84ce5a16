"""Kernels are compiled once and for all: a second process finds everything in the cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, time
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeRegressor
from treeprune import METHODS, PrunedClassifier, PrunedRegressor, kernels, pruning_path, shrink
X = np.random.default_rng(0).normal(size=(90, 3))
y = X[:, 0] > 0.3 * X[:, 1]
start = time.perf_counter()
for method, row in METHODS.items():
    if "tree" not in row.models:
        continue
    PrunedClassifier(method=method, random_state=0).fit(X, y)
PrunedClassifier(RandomForestClassifier(3, random_state=0), cv=2).fit(X, y)
PrunedRegressor(cv=2, random_state=0).fit(X, X[:, 0])
shrink(PrunedRegressor(method="reduced_error", random_state=0).fit(X, X[:, 0]).estimator_, 1.0)
pruning_path(DecisionTreeRegressor().fit(X, X[:, 1]), never_prune=[0])
stats = {n: getattr(kernels, n).stats for n in kernels.__all__}
print(json.dumps({
    "seconds": time.perf_counter() - start,
    "misses": sum(sum(s.cache_misses.values()) for s in stats.values()),
    "hits": sum(sum(s.cache_hits.values()) for s in stats.values()),
    "kernels": {n: len(getattr(kernels, n).signatures) for n in kernels.__all__},
}))
"""


def run(folder: Path) -> dict:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    env.pop("NUMBA_DISABLE_JIT", None)
    root = Path(__file__).parent.parent
    env["PYTHONPATH"] = os.pathsep.join([str(root), env.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_kernels_compile_once_with_one_signature_each(tmp_path):
    cold = run(tmp_path)
    assert cold["misses"] > 0
    assert max(cold["kernels"].values()) == 1, cold["kernels"]
    warm = run(tmp_path)
    assert warm["misses"] == 0
    assert warm["hits"] > 0
    print(f"cold {cold['seconds']:.1f} s, warm {warm['seconds']:.1f} s")
