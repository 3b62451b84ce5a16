"""What the whole path costs beside growing the tree, and how the ordering scales.

Trees of 5,000 to 200,000 leaves grown on noise, and a chain of 200,000 nodes. The ordering kernel
and the whole `pruning_path` are compared with growing the same tree and with scikit-learn's own
`cost_complexity_pruning_path`, all in one run on one thread.

Run: python benchmarks/bench_path.py [--repeats N] [--out FILE.json]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from harness import parse, report, timed
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import kernels, native, pruning_path

LEAVES = (5_000, 10_000, 50_000, 100_000, 200_000)


def grow(n_leaves: int) -> tuple[float, Any, Any]:
    """A regression tree on noise with that many leaves: seconds, model, rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_leaves, 8))  # distinct targets: every row is a leaf
    y = X[:, 0] + rng.normal(size=len(X))
    model = DecisionTreeRegressor(random_state=0, max_leaf_nodes=None, min_samples_leaf=1)
    seconds, _ = timed(lambda: model.fit(X, y))
    return seconds, model, (X, y)


def ordering(left: Any, right: Any, parent: Any, risk: Any, repeats: int) -> list[float]:
    """Seconds of the kernel alone."""
    locked = np.zeros(len(left), np.bool_)
    work = lambda: kernels.weakest_link(left, right, parent, risk, locked)  # noqa: E731
    return [timed(work)[0] for _ in range(repeats)]


def chain(n_nodes: int) -> tuple[Any, Any, Any, Any]:
    """A tree that is one long branch, with falling risks of no order."""
    n = n_nodes | 1
    node = np.arange(n, dtype=np.int32)
    inner = (node % 2 == 0) & (node + 2 < n)
    left = np.where(inner, node + 1, -1).astype(np.int32)
    right = np.where(inner, node + 2, -1).astype(np.int32)
    parent = np.where(node % 2 == 1, node - 1, node - 2).astype(np.int32)
    parent[0] = -1
    gains = np.random.default_rng(0).uniform(size=n)
    risk = np.where(left < 0, gains, 0.0)
    for t in range(n - 3, -1, -2):
        risk[t] = risk[t + 1] + risk[t + 2] + gains[t]
    return left, right, parent, risk


def main() -> None:
    options = parse(__doc__)
    repeats = max(options.repeats, 3)
    X = np.random.default_rng(0).normal(size=(50, 2))
    pruning_path(DecisionTreeClassifier().fit(X, X[:, 0] > 0))  # warm: kernels are compiled
    seconds: dict[str, list[float]] = {}
    ratios: dict[str, float] = {}
    per_leaf: dict[str, float] = {}
    for n_leaves in LEAVES:
        growing, model, rows = grow(n_leaves)
        trees = native.read(model)
        risk = trees.impurity * trees.weight / trees.weight[0]
        kernel = ordering(trees.left, trees.right, trees.parent, risk, repeats)
        whole = [timed(lambda m=model: pruning_path(m))[0] for _ in range(repeats)]
        name = f"{trees.n_leaves:,} leaves"
        seconds[f"{name}: growing"] = [growing]
        seconds[f"{name}: ordering kernel"] = kernel
        seconds[f"{name}: pruning_path"] = whole
        per_leaf[name] = float(np.median(kernel)) / trees.n_leaves
        ratios[f"{name}: ordering / growing"] = float(np.median(kernel)) / growing
        ratios[f"{name}: pruning_path / growing"] = float(np.median(whole)) / growing
        if n_leaves == 10_000:  # theirs rescans all nodes at every step: minutes at 200,000
            theirs = timed(lambda m=model, r=rows: m.cost_complexity_pruning_path(*r))[0] - growing
            seconds[f"{name}: scikit-learn's path, growing taken off"] = [theirs]
            ratios[f"{name}: scikit-learn's path / pruning_path"] = theirs / float(np.median(whole))
    left, right, parent, risk = chain(200_000)
    kernel = ordering(left, right, parent, risk, repeats)
    seconds["chain of 200,001 nodes: ordering kernel"] = kernel
    per_leaf["chain"] = float(np.median(kernel)) / int((left < 0).sum())
    ratios["time per leaf, slowest shape / fastest (<= 3)"] = max(per_leaf.values()) / min(
        per_leaf.values()
    )
    large = [v for k, v in ratios.items() if k.endswith("ordering / growing")][2:]
    ratios["ordering / growing at >= 50,000 leaves, worst (<= 0.005)"] = max(large)
    report("bench_path", options, seconds=seconds, ratios=ratios, facts={"sizes": len(LEAVES)})


if __name__ == "__main__":
    main()
