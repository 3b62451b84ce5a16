"""Whether 95 % intervals of interpretability hold what they should, by simulation.

"rows": one fixed model, scored on fresh samples; the truth is its score on 20,000 rows. "refits":
a procedure run on fresh samples; the truth is the mean score of models so made. Prints, for each
component, the share of intervals that hold the truth, and the truth.

Run: python benchmarks/check_intervals.py [--repeats N]
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
from harness import parse
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from treeprune import PrunedClassifier, interpretability
from treeprune.explain.interpretability import measure

Make = Callable[[], Any]


def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X = rng.normal(size=(n, 8))
    score = X[:, 0] + X[:, 1] * X[:, 2] + 0.7 * (X[:, 3] > 0) * X[:, 4] + 0.3 * X[:, 5]
    return X, (score + rng.logistic(size=n) > 0).astype(int)


def values(score: Any) -> dict[str, float]:
    return {**score.components, "composite": score.composite}


def over_rows(make: Make, n: int, repeats: int) -> tuple[dict[str, float], dict[str, float]]:
    rng = np.random.default_rng(1)
    model = make().fit(*draw(600, rng))
    many, _ = draw(20_000, rng)
    with mock.patch.multiple(measure, MOST_INSIDE=20_000, BACKGROUND=2000, CROWD=20_000):
        truth = values(interpretability(model, many, n_refits=0, max_rows=None, quality=False))
    hits = dict.fromkeys(truth, 0)
    for r in range(repeats):
        rows, _ = draw(n, rng)
        score = interpretability(model, rows, n_refits=0, quality=False, random_state=r)
        count(hits, score.intervals["rows"], truth)
    return {name: hit / repeats for name, hit in hits.items()}, truth


def over_refits(make: Make, n: int, repeats: int) -> tuple[dict[str, float], dict[str, float]]:
    rng = np.random.default_rng(2)
    rows, _ = draw(1000, rng)

    def once(n_refits: int, seed: int) -> Any:
        X, y = draw(n, rng)
        return interpretability(
            make().fit(X, y),
            rows,
            X_train=X,
            y_train=y,
            n_refits=n_refits,
            n_draws=2,
            quality=False,
            random_state=seed,
        )

    found = [values(once(10, r)) for r in range(repeats)]
    truth = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    hits = dict.fromkeys(truth, 0)
    for r in range(repeats):
        count(hits, once(20, r).intervals["refits"], truth)
    return {name: hit / repeats for name, hit in hits.items()}, truth


def count(hits: dict[str, int], intervals: dict, truth: dict[str, float]) -> None:
    for name, (low, high) in intervals.items():
        hits[name] += low - 1e-9 <= truth[name] <= high + 1e-9


def main() -> None:
    options = parse(__doc__)
    repeats = max(50, options.repeats)
    warnings.filterwarnings("ignore")
    grown = DecisionTreeClassifier(min_samples_leaf=10, random_state=0)
    procedures: dict[str, Make] = {
        "tree of 12 leaves": lambda: DecisionTreeClassifier(max_leaf_nodes=12, random_state=0),
        "tree, ccp_alpha": lambda: DecisionTreeClassifier(
            ccp_alpha=0.01, min_samples_leaf=10, random_state=0
        ),
        "logistic": LogisticRegression,
        "pruned by CV": lambda: PrunedClassifier(grown, cv=3, random_state=0),
    }
    cases = [
        ("rows", "tree of 12 leaves", 200),
        ("rows", "tree of 12 leaves", 500),
        ("rows", "logistic", 200),
        ("rows", "logistic", 500),
        ("refits", "tree of 12 leaves", 300),
        ("refits", "tree, ccp_alpha", 300),
        ("refits", "logistic", 300),
        ("refits", "pruned by CV", 300),
    ]
    table = Table(title=f"share of 95 % intervals that hold the truth, {repeats} samples")
    console = Console(width=140)
    for i, (kind, name, n) in enumerate(cases):
        check = over_rows if kind == "rows" else over_refits
        held, truth = check(procedures[name], n, repeats)
        if i == 0:
            for column in ("interval", "procedure", "n", *held):
                table.add_column(column)
            if "stability" not in held:
                table.add_column("stability")
        shown = {name_: f"{share:.3f} ({truth[name_]:.2f})" for name_, share in held.items()}
        columns = [str(c.header) for c in table.columns[3:]]
        table.add_row(kind, name, str(n), *[shown.get(c, "") for c in columns])
        console.print(f"{kind}, {name}, {n} rows: done", style="dim")
    console.print(table)


if __name__ == "__main__":
    main()
