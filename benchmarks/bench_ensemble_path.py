"""What the path of a booster costs, against training it.

LightGBM, 500 rounds of 63 leaves on three quarters of Adult, one thread. All its leaves are ordered
by what the model has stored (or by the loss of held-out rows), and 1,000 levels of the path are
scored by Brier score on the last quarter. In turns, in one run.

Run: python benchmarks/bench_ensemble_path.py [--repeats N] [--out FILE.json]
"""

from __future__ import annotations

import numpy as np
from harness import parse, report, timed
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.model_selection import train_test_split

from treeprune import METHODS, PruningPath, pruning_path
from treeprune.datasets import load_adult
from treeprune.scoring import resolve

ROUNDS, LEAVES, LEVELS = 500, 63, 1000


def main() -> None:
    options = parse(__doc__)
    data = load_adult()
    X = data.data.drop(columns=list(data.excluded))
    X, X_test, y, y_test = train_test_split(X, data.target, test_size=0.25, random_state=0)
    base = LGBMClassifier(
        n_estimators=ROUNDS, num_leaves=LEAVES, n_jobs=1, verbose=-1, random_state=0
    )
    model = clone(base).fit(X, y)
    held_out = METHODS["cost_complexity"].with_options(refit=None)

    def scored(path: PruningPath) -> int:
        steps = np.unique(np.linspace(0, len(path) - 1, LEVELS).astype(int))
        how = resolve(None, path.base)
        return int(np.isfinite(path.score_steps(X_test, y_test, how, steps=steps)).sum())

    def train() -> None:
        clone(base).fit(X, y)

    def by_stored() -> int:
        return scored(pruning_path(model))

    def by_held_out() -> int:
        return scored(pruning_path(model, X_test, y_test, method=held_out))

    levels = by_stored(), by_held_out()  # warm: kernels are compiled
    sides = {
        "training": train,
        "order by what is stored, score 1,000 levels": by_stored,
        "order by held-out loss, score 1,000 levels": by_held_out,
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(options.repeats):
        for name, work in sides.items():
            times[name].append(timed(work)[0])
    training, stored, held = (float(np.median(found)) for found in times.values())
    report(
        "bench_ensemble_path",
        options,
        seconds=times,
        facts={"held-out rows": len(X_test), "levels": levels[0], "leaves": ROUNDS * LEAVES},
        ratios={"stored / training": stored / training, "held out / training": held / training},
    )


if __name__ == "__main__":
    main()
