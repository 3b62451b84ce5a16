"""What cross-validating every step costs, in plain fits; and a grid by refitting, in ours.

Adult, one-hot, trees grown to the end. All timings are taken in one run on one thread, in turns,
and compared as ratios of medians.

Run: python benchmarks/bench_cv.py [--repeats N] [--out FILE.json]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from harness import parse, report, timed
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from treeprune import PrunedClassifier
from treeprune.datasets import load_adult


def adult_one_hot() -> tuple[np.ndarray, np.ndarray]:
    """Adult without the survey weight, categories as indicator columns."""
    data = load_adult()
    X = data.data.drop(columns=data.excluded)
    encode = make_column_transformer(
        (OneHotEncoder(sparse_output=False), make_column_selector(dtype_include="category")),
        remainder="passthrough",
    )
    return np.ascontiguousarray(encode.fit_transform(X), np.float64), np.asarray(data.target)


def main() -> None:
    options = parse(__doc__)
    X, y = adult_one_hot()
    tree = DecisionTreeClassifier(random_state=0)
    pruned = PrunedClassifier(random_state=0, cv=5)
    auc = PrunedClassifier(random_state=0, cv=5, scoring="roc_auc")
    PrunedClassifier(random_state=0, cv=2).fit(X[:500], y[:500])  # warm: kernels are compiled
    PrunedClassifier(random_state=0, cv=2, scoring="roc_auc").fit(X[:500], y[:500])
    times: dict[str, list[float]] = {"six plain fits": [], "ours": [], "ours, ROC AUC": []}
    fitted: Any = None
    for _ in range(options.repeats):
        times["six plain fits"].append(timed(lambda: [tree.fit(X, y) for _ in range(6)])[0])
        seconds, fitted = timed(lambda: pruned.fit(X, y))
        times["ours"].append(seconds)
        times["ours, ROC AUC"].append(timed(lambda: auc.fit(X, y))[0])
    # The strengths of ours, thinned to 20, refitted for each fold as a search does.
    alphas = np.unique(fitted.path_.strength[1:])
    grid = {"ccp_alpha": alphas[np.linspace(0, len(alphas) - 1, 20).astype(int)]}
    search = GridSearchCV(tree, grid, cv=5, scoring="neg_brier_score")
    times["GridSearchCV, 20 alphas"] = [timed(lambda: search.fit(X, y))[0]]
    median = {name: float(np.median(t)) for name, t in times.items()}
    report(
        "bench_cv",
        options,
        seconds=times,
        facts={
            "rows": len(X),
            "columns": X.shape[1],
            "steps": len(fitted.path_),
            "leaves grown": int(fitted.path_.size[0]),
            "leaves chosen": int(fitted.path_.size[fitted.step_]),
        },
        ratios={
            "ours / six plain fits (<= 1.1)": median["ours"] / median["six plain fits"],
            "ours with ROC AUC / six plain fits (<= 2.5)": median["ours, ROC AUC"]
            / median["six plain fits"],
            "GridSearchCV over 20 alphas / ours (>= 12)": median["GridSearchCV, 20 alphas"]
            / median["ours"],
        },
    )


if __name__ == "__main__":
    main()
