"""
What does pruning buy?
======================

A smaller tree is easier to carry out by hand, by construction. Whether it is also more stable,
more nearly a sum of effects, and whether fewer people are decided otherwise by a refit, has to be
measured, and so has the price. This is done here along the path of a tree on four data sets, and
of a network on one, beside the models a sceptic would ask for: a tree grown small, logistic
regression, and LightGBM.

The loss is the Brier score on rows that refits had left out; intervals of components are over
refits ("this procedure"). The composite is shown last: which components matter is for the reader.

Run as it is, this takes about a minute: five refits, and the network on one data set only. The
study itself, with thirty refits, takes about twenty minutes on one core and writes its table,
what-pruning-buys.md::

    python examples/plot_what_pruning_buys.py --full
"""

# %%
# Data and models
# ---------------
# Columns that a data set's card calls sensitive, or not fit to be features, are left out. Trees
# get categories one-hot and keep 20 rows a leaf; linear models and networks get scaled numbers.

import os
import sys
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # trees this small gain nothing from threads

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from treeprune import (
    FeatureMap,
    PrunedClassifier,
    SparseMLPClassifier,
    compare,
    datasets,
    interpretability,
    pruning_path,
)
from treeprune.metrics.pictures import plot_components

FULL = "--full" in sys.argv
REFITS = 30 if FULL else 5
NAMES = ("german_credit", "compas", "hmda", "breast_cancer")
COMPONENTS = ("simulate", "size", "focus", "additive", "concentration", "stability")
SHOWN = (1.0, 0.5, 0.25, 0.1)  # of the grown tree's leaves, beside the chosen step

warnings.filterwarnings("ignore", category=UserWarning)  # roots and unconverged refits are counted


def rows_of(name):
    if name == "breast_cancer":
        return load_breast_cancer(return_X_y=True, as_frame=True)
    data = datasets.load(name)
    return data.data.drop(columns=[*data.sensitive, *data.excluded]), data.target


def prepared(model, scale=False):
    numbers = [SimpleImputer(strategy="median"), *[StandardScaler()] * scale]
    return make_pipeline(
        make_column_transformer(
            (make_pipeline(*numbers), make_column_selector(dtype_include="number")),
            (
                OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20),
                make_column_selector(dtype_include="category"),
            ),
            sparse_threshold=0,
        ),
        model,
    )


def models_of():
    grow = DecisionTreeClassifier(min_samples_leaf=20, random_state=0)
    sizes = {"max_leaf_nodes": [2, 3, 4, 6, 8, 12, 16, 24], "min_samples_leaf": [20, 50]}
    small = GridSearchCV(
        DecisionTreeClassifier(random_state=0), sizes, scoring="neg_brier_score", cv=5
    )
    boost = LGBMClassifier(
        n_estimators=100, learning_rate=0.05, num_leaves=15, random_state=0, n_jobs=1, verbose=-1
    )
    linear = GridSearchCV(
        LogisticRegression(max_iter=2000),
        {"C": [0.01, 0.1, 1.0, 10.0]},
        scoring="neg_brier_score",
        cv=5,
    )
    return {
        "as grown": prepared(grow),
        "pruned": prepared(PrunedClassifier(grow, random_state=0)),
        "grown small": prepared(small),
        "logistic": prepared(linear, scale=True),
        "LightGBM": prepared(boost),
    }


# %%
# Along the path of a tree
# ------------------------
# Every step is measured at once. A refit of the path grows a tree on 63.2 % of the rows, prunes it
# by the same method, and answers for each step by its own aligned one.

paths, tables = {}, {}
for name in NAMES:
    X, y = rows_of(name)
    fitted = {label: model.fit(X, y) for label, model in models_of().items()}
    own = fitted["pruned"][-1]
    paths[name] = interpretability(
        own.path_,
        X,
        y,
        estimator=own,
        feature_map=FeatureMap.of(fitted["pruned"][:-1], X),
        n_refits=REFITS,
    )
    tables[name] = compare(fitted, X, y, n_refits=REFITS)
    print(f"{name}: {paths[name]}, chosen {own.path_.size[own.step_]} leaves", flush=True)


def steps_of(path):
    known = path.measures["interpretability"].notna().to_numpy()
    wanted = [path.step_for(size=max(1, int(path.size[0] * share))) for share in SHOWN]
    chosen = [] if path.chosen is None else [path.chosen]
    nearest = [
        int(np.flatnonzero(known)[np.abs(np.flatnonzero(known) - s).argmin()]) for s in wanted
    ]
    return sorted({*nearest, *chosen, len(path) - 1})


def span_of(row, name):
    """Interval over refits; of stability there is none below five refits."""
    low, high = row.get(f"{name}_refits_low"), row.get(f"{name}_refits_high")
    return "" if low is None else f" [{low:.2f}, {high:.2f}]"


def line_of(path, step):
    row = path.measures.loc[step]
    cells = [f"{row[c]:.2f}{span_of(row, c)}" for c in COMPONENTS]
    often = f"{100 * row['often_otherwise']:.0f} %"
    mark = " (chosen)" if step == path.chosen else ""
    return [
        f"{path.size[step]}{mark}",
        f"{row['loss']:.3f} ± {row['loss_se']:.3f}",
        *cells,
        often,
        f"{row['interpretability']:.0f}",
    ]


HEAD = ["leaves", "Brier ± SE", *COMPONENTS, "decided otherwise", "composite"]
lines = []
for name, path in paths.items():
    table = pd.DataFrame([line_of(path, step) for step in steps_of(path)], columns=HEAD)
    print(f"\n{name}\n{table.to_string(index=False)}")
    lines += [[name, *row] for row in table.to_numpy().tolist()]

# %%
# "Decided otherwise" is the share of people whose decision a fifth of the refits or more would
# change: it is the price of chance that a single person pays.

figure, axes = plt.subplots(2, 2, figsize=(12, 9), layout="constrained")
for ax, (name, path) in zip(axes.ravel(), paths.items(), strict=True):
    plot_components(path, ax)
    ax.set_title(name.replace("_", " "))
    ax.get_legend().remove()
handles, labels = axes[0, 0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=7, frameon=False)
figure.savefig("what-pruning-buys-components.png", dpi=110)

# %%
# Beside other models
# -------------------
# All meet the same rows, the same background rows and the same parts of the rows.

figure, axes = plt.subplots(2, 2, figsize=(12, 9), layout="constrained")
for ax, (name, found) in zip(axes.ravel(), tables.items(), strict=True):
    print(f"\n{name}\n{found.to_text()}")
    found.plot(ax)
    ax.set_title(name.replace("_", " "))
figure.savefig("what-pruning-buys-models.png", dpi=110)

# %%
# Along the path of a network
# ---------------------------
# Weights go by an L1 penalty, and what remains is trained on. Refits are few: each trains a
# network and its whole path anew.

X, y = rows_of("german_credit")
net = prepared(SparseMLPClassifier((16,), alpha=0.03, max_iter=60, random_state=0), scale=True)
net.fit(X, y)
Z = net[:-1].transform(X)
path = pruning_path(net[-1], Z, y, method="l1", random_state=0)
steps = np.unique(np.linspace(0, len(path) - 1, 8).astype(int))
network = interpretability(
    path,
    X,
    y,
    feature_map=FeatureMap.of(net[:-1], X),
    steps=steps,
    n_refits=10 if FULL else 2,
)
table = pd.DataFrame([line_of(network, s) for s in steps], columns=["weights", *HEAD[1:]])
print(f"\nnetwork, german_credit\n{table.to_string(index=False)}")
lines += [["german_credit, network", *row] for row in table.to_numpy().tolist()]

# %%
# What it buys
# ------------
# Said from the figures: for each data set, the chosen tree against the one as grown.


def said_of(name):
    path, found = paths[name], tables[name]
    grown, chosen = path.measures.loc[0], path.measures.loc[path.chosen]
    gains = {c: chosen[c] - grown[c] for c in COMPONENTS}
    sure = [c for c in COMPONENTS if chosen[f"{c}_refits_low"] > grown[f"{c}_refits_high"]]
    moved = ", ".join(f"{c} {gain:+.2f}" for c, gain in gains.items())
    return (
        f"{name}: {path.size[0]} leaves to {path.size[path.chosen]}; Brier "
        f"{grown['loss']:.3f} to {chosen['loss']:.3f} (SE {chosen['loss_se']:.3f}); {moved}; "
        f"intervals apart: {', '.join(sure) or 'none'}; decided otherwise "
        f"{100 * grown['often_otherwise']:.0f} % to {100 * chosen['often_otherwise']:.0f} %; "
        f"against logistic: {found.verdict('pruned', 'logistic')}; "
        f"against grown small: {found.verdict('pruned', 'grown small')}"
    )


print()
for name in NAMES:
    print(said_of(name))

if FULL:
    with open("what-pruning-buys.md", "w", encoding="utf-8") as file:
        file.write(f"| data | {' | '.join(HEAD)} |\n|{'---|' * (len(HEAD) + 1)}\n")
        file.writelines(f"| {' | '.join(row)} |\n" for row in lines)
        file.writelines(f"\n{said_of(name)}\n" for name in NAMES)
