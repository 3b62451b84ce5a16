"""How far networks can be pruned without loss, and how fast: training, prediction.

Held-out ROC AUC of pruned networks minus that of the dense network of the same seed (64 and 32
hidden neurons, the estimator's own settings), mean over seeds with its standard error: a quarter of
the rows is held out anew with every seed. Then, in one thread, one run: training against
scikit-learn's MLPClassifier at the same settings, and prediction of the compacted network against
the dense one.

    OMP_NUM_THREADS=1 python benchmarks/bench_networks.py --repeats 5
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import warnings
from typing import Any

import numpy as np
import pandas as pd
from harness import parse, report, timed
from rich.console import Console
from rich.table import Table
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from treeprune import METHODS, FeatureMap, SparseMLPClassifier, datasets, pruning_path

HIDDEN = (64, 32)
FAIRER = "adult, no sensitive columns"  # as the demo and `fit` have it
EPOCHS = {"adult": 20, "compas": 40, FAIRER: 20}
# data set, method, share of the weights or number of columns, least mean difference (if promised)
GOALS = (
    ("adult", "magnitude", 0.98, -0.003),
    ("adult", "fisher", 0.98, None),
    ("adult", "l1", 0.99, -0.003),
    ("adult", "backward_elimination", 5, -0.008),
    ("adult", "random", 0.98, None),
    ("compas", "magnitude", 0.95, -0.003),
    ("compas", "l1", 0.99, -0.003),
    ("compas", "random", 0.95, None),
    (FAIRER, "backward_elimination", 5, -0.008),
)


def tables(name: str, seed: int) -> tuple[Any, Any, Any, Any, Any]:
    """Encoded rows to train on and to hold out, their targets, and each column's raw column."""
    data = datasets.load(name.partition(",")[0])
    X = data.data.drop(columns=[*data.excluded, *(data.sensitive if name == FAIRER else [])])
    X, X_test, y, y_test = train_test_split(
        X, data.target.to_numpy(), test_size=0.25, stratify=data.target, random_state=seed
    )
    numbers = [c for c in X if pd.api.types.is_numeric_dtype(X[c])]
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=10, sparse_output=False
    )
    encoder = ColumnTransformer(
        [
            ("number", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("category", one_hot, [c for c in X if c not in numbers]),
        ]
    ).fit(X)
    player = FeatureMap.of(encoder, X).player
    return encoder.transform(X), encoder.transform(X_test), y, y_test, player


def dense(name: str, seed: int) -> SparseMLPClassifier:
    return SparseMLPClassifier(
        HIDDEN, max_iter=EPOCHS[name], n_iter_no_change=None, random_state=seed
    )


def figures(n_seeds: int) -> pd.DataFrame:
    """A row for each goal and seed."""
    rows = []
    for name in EPOCHS:
        for seed in range(n_seeds):
            A, B, y, y_test, player = tables(name, seed)
            model = dense(name, seed).fit(A, y)
            before = roc_auc_score(y_test, model.predict_proba(B)[:, 1])
            for data, method, goal, least in GOALS:
                if data != name:
                    continue
                row = METHODS[method]
                path = pruning_path(
                    model, A, y, method=row, feature_groups=player, random_state=seed
                )
                if method == "backward_elimination":
                    step = path.step_for(columns=int(goal))
                else:  # the first step that has removed so much
                    step = int(np.argmax(path.strength >= goal - 0.5 / path.counts["weights"][0]))
                after = roc_auc_score(y_test, path.cut(step).predict_proba(B)[:, 1])
                rows.append(
                    {
                        "data": name,
                        "method": method,
                        "goal": goal,
                        "least": least,
                        "dense": before,
                        "gone": 1 - path.counts["weights"][step] / path.counts["weights"][0],
                        "columns": path.counts["columns"][step],
                        "neurons": path.counts["neurons"][step],
                        "weights": path.counts["weights"][step],
                        "difference": after - before,
                    }
                )
    return pd.DataFrame(rows)


def show(found: pd.DataFrame) -> None:
    table = Table(title="pruned minus dense, held-out ROC AUC")
    for column in ("data", "method", "goal", "dense", "gone", "columns", "neurons", "weights"):
        table.add_column(column, justify="left" if column in ("data", "method") else "right")
    table.add_column("difference ± SE", justify="right")
    table.add_column("asked", justify="right")
    for (data, method, goal), part in found.groupby(["data", "method", "goal"], sort=False):
        mean, n = part.mean(numeric_only=True), len(part)
        se = part["difference"].std() / np.sqrt(n) if n > 1 else float("nan")
        asked = "" if pd.isna(mean["least"]) else f">= {mean['least']:.3f}"
        table.add_row(
            data, method, f"{goal:g}", f"{mean['dense']:.4f}", f"{mean['gone']:.1%}",
            f"{mean['columns']:.1f}", f"{mean['neurons']:.1f}", f"{mean['weights']:.0f}",
            f"{mean['difference']:+.4f} ± {se:.4f}", asked,
        )  # fmt: skip
    Console(width=125).print(table)


def main() -> None:
    options = parse(__doc__)
    warnings.simplefilter("ignore", ConvergenceWarning)
    show(figures(max(2, options.repeats)))
    A, B, y, _, player = tables("adult", 0)
    epochs = EPOCHS["adult"]
    theirs = MLPClassifier(
        HIDDEN, max_iter=epochs, n_iter_no_change=epochs, batch_size=256, random_state=0
    )
    ours = SparseMLPClassifier.from_sklearn(
        MLPClassifier(HIDDEN, max_iter=1, batch_size=256).fit(A[:1000], y[:1000])
    ).set_params(max_iter=epochs, n_iter_no_change=epochs, random_state=0)
    model = dense("adult", 0).fit(A, y)
    path = pruning_path(model, A, y, method="magnitude", feature_groups=player, random_state=0)
    small = path.cut(int(np.argmax(path.strength >= 0.98)))
    rows = np.tile(B, (5, 1))
    sides = {
        "training: MLPClassifier": lambda: theirs.fit(A, y),
        "training: SparseMLPClassifier": lambda: ours.fit(A, y),
        "predict_proba: dense": lambda: model.predict_proba(rows),
        "predict_proba: compacted at 98 %": lambda: small.predict_proba(rows),
        "the network alone: dense": lambda: model.network_.raw(rows),
        "the network alone: compacted at 98 %": lambda: small.network_.raw(rows),
    }
    spent: dict[str, list[float]] = {what: [] for what in sides}
    for _ in range(max(5, options.repeats)):  # in turns
        for what, work in sides.items():
            spent[what].append(timed(work)[0])
    middle = {what: float(np.median(seconds)) for what, seconds in spent.items()}
    ratios = {
        "training: MLPClassifier / ours (>= 1.3)": middle["training: MLPClassifier"]
        / middle["training: SparseMLPClassifier"],
        "predict_proba: dense / compacted (>= 2.5)": middle["predict_proba: dense"]
        / middle["predict_proba: compacted at 98 %"],
        "the network alone: dense / compacted": middle["the network alone: dense"]
        / middle["the network alone: compacted at 98 %"],
    }
    facts = {
        "training rows": len(A), "columns": A.shape[1], "predicted rows": len(rows),
        "weights at 98 %": small.network_.n_weights,
    }  # fmt: skip
    report("bench_networks", options, seconds=spent, ratios=ratios, facts=facts)


if __name__ == "__main__":
    main()
