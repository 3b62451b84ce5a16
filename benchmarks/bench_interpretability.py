"""What a score of interpretability costs: one tree, with refits, and every step of its path.

Adult, 10,000 rows, one-hot in a pipeline, a tree with 20 rows a leaf. One run on one thread, in
turns; the path is measured at 50 steps with as many refits as the model.

Run: python benchmarks/bench_interpretability.py [--repeats N] [--out FILE.json]
"""

from __future__ import annotations

import numpy as np
from harness import parse, report, timed
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from treeprune import FeatureMap, interpretability, pruning_path
from treeprune.datasets import load_adult

ROWS, STEPS, REFITS = 10_000, 50, 10


def main() -> None:
    options = parse(__doc__)
    data = load_adult()
    X, y = data.data.drop(columns=data.excluded)[:ROWS], data.target[:ROWS]
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
        remainder="passthrough",
    )
    model = make_pipeline(encode, DecisionTreeClassifier(min_samples_leaf=20, random_state=0))
    model.fit(X, y)
    path = pruning_path(model[-1])
    steps = np.unique(np.linspace(0, len(path) - 1, STEPS).astype(int))
    columns = FeatureMap.of(model[:-1], X)
    few = X[:400]
    interpretability(model, few, y[:400], n_refits=2)  # warm: kernels are compiled
    interpretability(path, few, y[:400], feature_map=columns, n_refits=2, steps=[0])

    def alone() -> None:
        interpretability(model, X, y, n_refits=0)

    def refitted() -> None:
        interpretability(model, X, y, n_refits=REFITS, quality=False)

    def whole() -> None:
        interpretability(path, X, y, feature_map=columns, steps=steps, n_refits=REFITS)

    sides = {
        "one model, without refits": alone,
        f"one model, {REFITS} refits": refitted,
        f"path of {len(steps)} steps, {REFITS} refits": whole,
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(options.repeats):
        for name, work in sides.items():
            times[name].append(timed(work)[0])
    one, path_of = (float(np.median(times[name])) for name in list(sides)[1:])
    report(
        "bench_interpretability",
        options,
        seconds=times,
        facts={"rows": ROWS, "leaves": path.size[0], "steps": len(steps)},
        ratios={"path / one model": path_of / one},
    )


if __name__ == "__main__":
    main()
