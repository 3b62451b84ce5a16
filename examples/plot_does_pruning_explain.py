"""
Does pruning make a network easier to explain?
==============================================

A network with fewer weights, neurons or columns ought to be easier to explain. Whether it is, and
what that costs, is measured here on four data sets: at every level of pruning the ROC AUC on
held-out rows, how faithfully one small tree imitates the network (its surrogate), into how many
linear pieces the network falls, how many raw columns, neurons and weights it still uses, and how
much of its attribution the four largest columns have. Beside it stand logistic regression, a
pruned tree, a small dense network, and weights removed at random.

Fidelity never comes without the AUC: a network that pruning has wrecked is imitated very well.

Run as it is, this takes about a minute: three random splits, few levels, and 8,000 rows of Adult,
drawn once. The study itself, with ten splits, all rows and all levels, takes about twenty minutes
on one core, and also writes its table and every single figure, does-pruning-explain.md and .csv::

    python examples/plot_does_pruning_explain.py --full
"""

# %%
# What is compared
# ----------------
# The levels at which each way of pruning is looked at, the loss of AUC that would not matter and
# the gain of fidelity that would were fixed before the full study was run.

import os
import sys
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

os.environ.setdefault("OMP_NUM_THREADS", "1")  # products this small gain nothing from threads

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import (
    METHODS,
    FeatureMap,
    Network,
    PrunedClassifier,
    SparseMLPClassifier,
    datasets,
    explain,
    pruning_path,
    verify,
)
from treeprune.explain.fidelity import r_squared
from treeprune.explain.networks import attribute_network
from treeprune.intervals import verdict

FULL = "--full" in sys.argv
SEEDS = range(10 if FULL else 3)
ADULT_ROWS = None if FULL else 8000
ASKED, BACKGROUND = (300, 50) if FULL else (100, 20)  # rows for attributions

EPOCHS = {"german_credit": 200, "compas": 40, "hmda": 100, "adult": 20}
ALPHAS = [0.001, 0.01, 0.03] if FULL else [0.003, 0.03]  # L2 penalties that are tried
MARGIN = 0.01  # loss of AUC that would not matter
WORTH = 0.05  # gain of fidelity that would
HELD_OUT = 0.25
LEAVES = 16  # of the surrogate, and at most of the pruned tree
READABLE = 10  # live neurons up to which treeprune writes a network out as scorecards

SHARES = (0.5, 0.75, 0.9, 0.95, 0.98, 0.99) if FULL else (0.9, 0.98)  # of weights removed
NEURONS = (0.25, 0.5, 0.75, 0.88, 0.94) if FULL else (0.5, 0.88)  # of neurons removed
COLUMNS = (10, 8, 5, 3) if FULL else (5, 3)  # raw columns left
WAYS = {
    "weights by magnitude": ("weights", METHODS["magnitude"].with_options(levels=SHARES)),
    "weights by L1": ("weights", METHODS["l1"].with_options(steps=32 if FULL else 12)),
    "neurons by magnitude": ("neurons", METHODS["magnitude"].with_options(levels=NEURONS)),
    "columns by elimination": ("inputs", METHODS["backward_elimination"]),
    "weights at random": ("weights", METHODS["random"].with_options(levels=SHARES)),
}
CONTROL = "weights at random"
RIVALS = ("logistic regression", "pruned tree", "small dense net")

# %%
# One split
# ---------
# A quarter of the rows is held out. Columns that a data set's card calls sensitive, or not fit to
# be features, are left out. Numbers are filled and scaled, categories one-hot; all indicators of a
# category are one raw column when columns are removed, counted or attributed to.


@dataclass(frozen=True, eq=False)
class Split:
    name: str
    seed: int
    X_train: pd.DataFrame
    X_test: pd.DataFrame
    y_train: pd.Series
    y_test: pd.Series
    prepare: object
    Z_train: pd.DataFrame
    Z_test: pd.DataFrame
    columns: FeatureMap  # from the columns of Z to those of X


def split_of(name, seed):
    data = datasets.load(name)
    X, y = data.data.drop(columns=[*data.sensitive, *data.excluded]), data.target
    if name == "adult" and ADULT_ROWS is not None:
        X, _, y, _ = train_test_split(X, y, train_size=ADULT_ROWS, stratify=y, random_state=0)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=HELD_OUT, stratify=y, random_state=seed
    )
    prepare = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (
            OneHotEncoder(
                handle_unknown="infrequent_if_exist", min_frequency=20, sparse_output=False
            ),
            make_column_selector(dtype_include="category"),
        ),
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    Z_train = prepare.fit_transform(X_train)
    Z_test, columns = prepare.transform(X_test), FeatureMap.of(prepare, X_train)
    return Split(name, seed, X_train, X_test, y_train, y_test, prepare, Z_train, Z_test, columns)


# %%
# What is measured
# ----------------
# The surrogate is one regression tree of at most 16 leaves, fitted to the model's own
# probabilities on the training rows; its fidelity is its R² to the model on held-out rows. It is
# the same for every model, rivals included. A relu network is linear wherever the same neurons are
# on: regions are the patterns of neurons that the held-out rows meet.


def measured(split, p_train, p_test):
    tree = DecisionTreeRegressor(
        max_leaf_nodes=LEAVES,
        min_samples_leaf=max(5, len(p_train) // 100),
        random_state=0,
    ).fit(split.Z_train, p_train)
    imitated = tree.predict(split.Z_test)
    return {
        "AUC": roc_auc_score(split.y_test, p_test),
        "fidelity": r_squared(p_test[:, None], imitated[:, None]),  # NaN where p is constant
        "surrogate AUC": roc_auc_score(split.y_test, imitated),
    }


def top_four(attributions):
    """Share of the mean absolute attribution that the four largest columns have."""
    mean = np.sort(np.abs(attributions).mean(axis=0))[::-1]
    return mean[:4].sum() / mean.sum() if mean.any() else np.nan


def measure_network(split, network, model):
    small, Z = network.compact(), split.Z_test.to_numpy()
    on = [sums > 0 for sums in small.sums(Z)[:-1]]
    found = attribute_network(
        network,
        Z[:ASKED],
        split.Z_train.to_numpy()[:BACKGROUND],
        player=split.columns.player,
        n_players=split.columns.n_raw,
    )
    return {
        **measured(split, *(model.predict_proba(R)[:, 1] for R in (split.Z_train, split.Z_test))),
        "columns": len(np.unique(split.columns.player[small.inputs])),
        "neurons": network.n_neurons,
        "weights": network.n_weights,
        "regions": len(np.unique(np.hstack(on), axis=0)) if on else 1,
        "top 4": top_four(found.values[:, :, 0]),
        "attributed by": found.method.split(",")[0],
    }


def measure_tree(split, model):
    tree = model.estimator_.tree_
    used = split.columns.player[tree.feature[tree.feature >= 0]]
    explanation = explain(
        make_pipeline(split.prepare, model), split.X_train[:BACKGROUND], feature_map=split.columns
    )
    found = explanation.attributions(split.X_test[:ASKED], game="interventional")
    return {
        **measured(split, *(model.predict_proba(R)[:, 1] for R in (split.Z_train, split.Z_test))),
        "columns": len(np.unique(used)),
        "regions": tree.n_leaves,
        "top 4": top_four(found.values[:, :, 1]),
        "attributed by": found.method,
    }


# %%
# The models
# ----------
# The dense network's L2 penalty is tuned on the training rows; so are the rivals' settings. A path
# is asked for the step whose share of units is nearest to a level, and left out where none is near.


def tuned(estimator, split, **grid):
    search = GridSearchCV(estimator, grid, scoring="neg_log_loss", cv=3)
    return search.fit(split.Z_train, split.y_train).best_estimator_


def network_of(split, hidden, **settings):
    net = SparseMLPClassifier(
        hidden,
        learning_rate="cosine",
        max_iter=EPOCHS[split.name],
        n_iter_no_change=None,
        random_state=split.seed,
        **settings,
    )
    return tuned(net, split, alpha=ALPHAS)


def step_at(path, removed):
    """The step nearest to a share of units removed; None where it is off by 40 % or more."""
    off = np.abs(np.log((1 - path.strength[1:]) / (1 - removed)))
    return 1 + int(off.argmin()) if off.min() < np.log(1.4) else None


def steps_of(path, unit, n_columns):
    """Which steps of a path are looked at, by the name of the level."""
    if unit == "inputs":
        wanted = [k for k in COLUMNS if k < n_columns]
        return {f"{k} columns": path.step_for(columns=k) for k in wanted}
    shares = NEURONS if unit == "neurons" else SHARES
    steps = {f"{share:.0%} removed": step_at(path, share) for share in shares}
    return {level: step for level, step in steps.items() if step is not None}


def rivals_of(split):
    linear = tuned(LogisticRegression(max_iter=5000), split, C=[0.01, 0.1, 1.0, 10.0])
    as_network = Network((linear.coef_.T,), (linear.intercept_,), link="logit", n_classes=(2,))
    yield "logistic regression", measure_network(split, as_network, linear)
    tree = PrunedClassifier(
        DecisionTreeClassifier(min_samples_leaf=20, random_state=0),
        scoring="roc_auc",
        strength="best",
        max_size=LEAVES,
        random_state=0,
    ).fit(split.Z_train, split.y_train)
    yield "pruned tree", measure_tree(split, tree)
    small = network_of(split, (4,), learning_rate_init=0.01)
    yield "small dense net", measure_network(split, small.network_, small)


def all_of(split):
    """A row of figures for every model of a split."""
    about = {"data": split.name, "seed": split.seed, "held out": len(split.y_test)}
    net = network_of(split, (64, 32))
    dense = measure_network(split, net.network_, net)
    yield {**about, "model": "dense net", "level": "", "left": 1.0, **dense}
    for way, (unit, method) in WAYS.items():
        path = pruning_path(
            net,
            split.Z_train,
            split.y_train,
            method=method,
            granularity=unit,
            feature_groups=split.columns.groups,
            random_state=split.seed,
        )
        for level, step in steps_of(path, unit, split.columns.n_raw).items():
            model, left = path.cut(step), 1 - path.strength[step]
            figures = measure_network(split, model.network_, model)
            yield {**about, "model": way, "level": level, "left": left, **figures}
    for rival, figures in rivals_of(split):
        yield {**about, "model": rival, "level": "", **figures}


rows = []
for name in EPOCHS:
    for seed in SEEDS:
        rows += all_of(split_of(name, seed))
    print(f"{name}: {len(rows)} models so far", file=sys.stderr, flush=True)
found = pd.DataFrame(rows)

# %%
# Figures with intervals
# ----------------------
# Differences are taken from the dense network of the same split. Splits of one data set share
# rows, so that their spread alone would be too small a measure of doubt: the interval's variance is
# s² (1/splits + held-out rows/training rows), with Student's t (Nadeau & Bengio 2003, Inference for
# the generalization error). Regions are averaged and bounded by their logarithms. Levels that at
# most half of the splits reach are left out.

KEYS = ["data", "model", "level"]
found = found.groupby(KEYS).filter(lambda part: 2 * len(part) > len(SEEDS))
dense = found[found.model == "dense net"].set_index(["data", "seed"])
own = pd.MultiIndex.from_frame(found[["data", "seed"]])
for figure in ("AUC", "fidelity"):
    found[f"{figure} gain"] = found[figure] - dense[figure].reindex(own).to_numpy()
found["log regions"] = np.log(found["regions"])


def interval(values):
    """Mean, and lower and upper end of its 95 % interval."""
    x = values.dropna().to_numpy()
    if len(x) < 2:
        return pd.Series({"mean": x.mean() if len(x) else np.nan, "low": np.nan, "high": np.nan})
    spread = x.std(ddof=1) * np.sqrt(1 / len(x) + HELD_OUT / (1 - HELD_OUT))
    half = student.ppf(0.975, len(x) - 1) * spread
    return pd.Series({"mean": x.mean(), "low": x.mean() - half, "high": x.mean() + half})


MEASURES = ("AUC", "AUC gain", "fidelity", "fidelity gain", "surrogate AUC", "log regions", "top 4")
COUNTS = ("left", "columns", "neurons", "weights")
groups = found.groupby(KEYS, sort=False)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # means of nothing: a tree has no neurons
    ends = {figure: groups[figure].apply(interval).unstack() for figure in MEASURES}
    counts = groups[list(COUNTS)].mean()
    counts["most neurons"] = groups["neurons"].max()
ends["regions"] = np.exp(ends.pop("log regions"))
MODELS = ["dense net", *WAYS, *RIVALS]


def place(key):
    """Data sets and models in the order above, levels from little to much removed."""
    return [*EPOCHS].index(key[0]), MODELS.index(key[1]), -np.nan_to_num(counts.at[key, "left"])


study = pd.concat({**ends, "counts": counts}, axis=1).loc[sorted(counts.index, key=place)]
counts = study["counts"]


def shown(figure, decimals=3, signed=False):
    """Means with the half-widths of their intervals, as text."""
    part = study[figure]
    half = (part["high"] - part["low"]) / 2
    sign = "+" if signed else ""
    return [
        "–" if np.isnan(m) else f"{m:{sign}.{decimals}f} ± {h:.{decimals}f}"
        for m, h in zip(part["mean"], half)
    ]


table = pd.DataFrame(
    {
        "AUC": shown("AUC"),
        "AUC − dense": shown("AUC gain", signed=True),
        "fidelity R²": shown("fidelity", 2),
        "fidelity − dense": shown("fidelity gain", 2, signed=True),
        "surrogate AUC": [f"{m:.3f}" for m in study["surrogate AUC"]["mean"]],
        "regions": [f"{m:,.0f}" for m in study["regions"]["mean"]],
        **{
            name: ["–" if np.isnan(m) else f"{m:,.{d}f}" for m in counts[name]]
            for name, d in (("columns", 1), ("neurons", 0), ("weights", 0))
        },
        "top 4": [f"{m:.2f}" for m in study["top 4"]["mean"]],
        "splits": groups.size().loc[study.index],
    },
    index=study.index,
)
for name in EPOCHS:
    n = int(found.loc[found.data == name, "held out"].iloc[0])
    print(f"\n{name}: {n:,} held-out rows, {len(SEEDS)} splits")
    print(table.loc[name].to_string())
if FULL:
    found.to_csv("does-pruning-explain.csv", index=False)

# %%
# The picture
# -----------
# Alt text: twelve panels, a column for each data set. Upper row, change of ROC AUC against the
# dense network; middle row, R² of a 16-leaf tree to the network; lower row, number of linear
# regions on a log scale. Within a panel fewer weights, neurons or columns are left from left to
# right, as a share of all on a log scale; a strip at the right holds the rivals. Marks are means
# over splits, bars 95 % intervals; bars end where the panel ends.

STYLES = {
    "weights by magnitude": ("#0072B2", "o", "-"),
    "weights by L1": ("#D55E00", "s", "-"),
    "neurons by magnitude": ("#009E73", "^", "-"),
    "columns by elimination": ("#CC79A7", "D", "-"),
    "weights at random": ("#767676", "X", "--"),
}
TITLES = {"german_credit": "German credit", "compas": "COMPAS", "hmda": "HMDA", "adult": "Adult"}
PANELS = {
    "AUC gain": "ROC AUC,\nchange against the dense net",
    "fidelity": "fidelity: R² of a 16-leaf tree\nto the model, held-out rows",
    "regions": "linear regions that\nheld-out rows meet",
}


def line_of(figure, name, model):
    """Share of units left, mean, and ends of the interval, level by level from the dense net."""
    part = study.loc[name]
    chosen = [key for key in part.index if key[0] in (model, "dense net" * (model in WAYS))]
    part = part.loc[chosen]
    return 100 * part["counts"]["left"], *(part[figure][end] for end in ("mean", "low", "high"))


def draw(ax, x, middle, low, high, colour, marker, line, label):
    ax.vlines(x, low, high, color=colour, linewidth=1.2, alpha=0.45)
    look = {"color": colour, "marker": marker, "linestyle": line, "label": label}
    ax.plot(x, middle, markersize=5, linewidth=1.4, **look)


def panel(ax, side, figure, name):
    """Paths of pruning in one axes, the rivals in a strip beside it."""
    for k, (way, style) in enumerate(STYLES.items()):
        left, *rest = line_of(figure, name, way)
        draw(ax, left * 1.035 ** (2 - k), *rest, *style, way)  # bars side by side
    for k, rival in enumerate(RIVALS):
        _, *rest = line_of(figure, name, rival)
        draw(side, [k], *rest, "black", "os^"[k], "none", rival)
    for a in (ax, side):
        a.spines[["top", "right"]].set_visible(False)
        a.grid(axis="y", color="0.9", linewidth=0.7)
        a.set_axisbelow(True)
        if figure == "AUC gain":
            a.axhline(0, color="black", linewidth=0.8)
            a.axhline(-MARGIN, color="black", linewidth=0.8, linestyle=":")
    ax.set_xscale("log")
    ax.set_xlim(130, 0.75)
    ax.set_xticks([100, 50, 20, 10, 5, 2, 1], ["100", "50", "20", "10", "5", "2", "1"])
    ax.minorticks_off()
    side.set_xlim(-0.7, 2.7)
    side.set_xticks([])
    side.set_facecolor("#f3f3f3")
    side.spines["left"].set_visible(False)
    side.tick_params(axis="y", left=False, labelleft=False, which="both")


fig = plt.figure(figsize=(13.5, 10.5), layout="constrained")
grid = fig.add_gridspec(3, 8, width_ratios=[4, 1] * 4)
first = {}
for j, name in enumerate(EPOCHS):
    for i, figure in enumerate(PANELS):
        ax = fig.add_subplot(grid[i, 2 * j], sharey=first.get(figure))
        side = fig.add_subplot(grid[i, 2 * j + 1], sharey=ax)
        first.setdefault(figure, ax)
        panel(ax, side, figure, name)
        ax.tick_params(axis="y", labelleft=j == 0)
        ax.tick_params(axis="x", labelbottom=i == 2)
    n = int(found.loc[found.data == name, "held out"].iloc[0])
    fig.axes[-6].set_title(f"{TITLES[name]} ({n:,} held-out rows)", loc="left", fontsize=11)
    ax.axhline(n, color="black", linewidth=0.8, linestyle=":")
    ax.set_xlabel("weights, neurons or columns left, %")
for figure, label in PANELS.items():
    first[figure].set_ylabel(label)
worst = study["AUC gain"]["mean"].min()
first["AUC gain"].set_ylim(1.1 * worst, 0.03)
first["fidelity"].set_ylim(study["fidelity"]["mean"].min() - 0.05, 1.01)
first["regions"].set_yscale("log")
first["regions"].set_ylim(0.8, 2 * found["held out"].max())
first["regions"].yaxis.set_major_formatter("{x:,.0f}")
named = "a loss that would not matter; a region for every row"
dotted = plt.Line2D([], [], color="black", linewidth=0.8, linestyle=":", label=named)
paths, rivals = first["AUC gain"].get_lines()[:5], [*fig.axes[1].get_lines()[:3], dotted]
handles = [h for pair in zip(paths, rivals) for h in pair] + paths[4:]  # filled column by column
fig.legend(handles=handles, loc="outside upper center", ncols=5, frameon=False)
fig.savefig("does-pruning-explain.png", dpi=110)

# %%
# The answer
# ----------
# Every sentence is made of the figures above. Fidelity *rises* where the whole interval of its gain
# is above zero; about one gain in forty is by chance alone. In AUC a loss above the margin is
# excluded (non-inferior), or a loss is sure (worse), or neither (undecided). Pruned networks have
# been fine-tuned, hence trained for longer than the dense one: that is part of the bargain.


def mean(figure, key):
    return study.loc[key][figure]["mean"]


def said(figure, key):
    gain = study.loc[key][figure]
    return f"{gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"


def price(key):
    gain = study.loc[key]["AUC gain"]
    return verdict(gain["low"], gain["high"], MARGIN)


def rises(keys, least=-np.inf):
    return [
        key
        for key in keys
        if study.loc[key]["fidelity gain"]["low"] > 0 and mean("fidelity gain", key) >= least
    ]


def between(name, ours, theirs):
    """Mean and interval of the difference of two models' figures on the same splits."""
    part = found[found.data == name].set_index(["model", "level", "seed"]).sort_index()
    a, b = (part.loc[(model, level)][figure] for model, level, figure in (ours, theirs))
    gain = interval(a - b)
    sure = "more" if gain["low"] > 0 else "less" if gain["high"] < 0 else "undecided"
    return f"{gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}], {sure}"


def on_pruning(name, way):
    keys = [key for key in study.index if key[:2] == (name, way)]
    up = rises(keys)
    at = up[0] if up else max(keys, key=lambda key: mean("fidelity gain", key))
    return (
        f"{way}: fidelity rises at {len(up)} of {len(keys)} levels, "
        f"{'first' if up else 'most'} at {at[2]} by {said('fidelity gain', at)}; "
        f"AUC there {said('AUC gain', at)}, {price(at)}"
    )


def on_rivals(name):
    """The rivals against the dense net, and against the best network of few neurons."""
    few = [
        key
        for key in study.index
        if key[0] == name
        and key[1] in WAYS
        and key[1] != CONTROL
        and counts.loc[key]["most neurons"] <= READABLE
    ]
    best = max(few, key=lambda key: mean("AUC", key), default=None)
    if best is None:
        yield f"no network has at most {READABLE} neurons in every split"
    else:
        yield (
            f"of at most {READABLE} neurons, to be written out exactly, the best in hindsight: "
            f"{best[1]}, {best[2]}, {mean('regions', best):.0f} regions; "
            f"AUC {said('AUC gain', best)}, {price(best)}"
        )
    for rival in RIVALS:
        key = (name, rival, "")
        words = f"{rival}: AUC against the dense net {said('AUC gain', key)}, {price(key)}"
        if best is not None:
            gain = between(name, (rival, "", "AUC"), (*best[1:], "AUC"))
            words += f", against that network of few neurons {gain}"
        yield words
    gain = between(name, ("dense net", "", "surrogate AUC"), ("pruned tree", "", "AUC"))
    yield f"the dense net's surrogate used as the model: AUC against the pruned tree {gain}"


for name in EPOCHS:
    key = (name, "dense net", "")
    print(
        f"\n{TITLES[name]}: the dense net has AUC {mean('AUC', key):.3f}, a tree of {LEAVES} "
        f"leaves imitates it with R² {mean('fidelity', key):.2f}"
    )
    for words in (*(on_pruning(name, way) for way in WAYS), *on_rivals(name)):
        print(f"- {words}")

# %%
# All in all: how often pruning made the surrogate more faithful, and how often it left a tenth of
# the regions or fewer; by what was removed, and at what price. The last line is the control.


def priced(keys):
    prices = Counter(map(price, keys))
    words = [f"{prices[word]} {word}" for word in ("non-inferior", "undecided", "worse")]
    return f"{len(keys)} (AUC: {', '.join(words)})"


def tally(keys):
    tenth = [
        key
        for key in keys
        if mean("regions", key) <= mean("regions", (key[0], "dense net", "")) / 10
    ]
    falls = [key for key in keys if study.loc[key]["fidelity gain"]["high"] < 0]
    return (
        f"{len(keys)} networks. Fidelity rises in {len(rises(keys))} and falls in {len(falls)}; "
        f"it rises by {WORTH} or more in {priced(rises(keys, WORTH))}. "
        f"A tenth of the regions or fewer in {priced(tenth)}."
    )


removed = {"weights": [], "neurons": [], "columns": [], CONTROL: []}
for key in study.index:
    if key[1] in WAYS:
        removed[CONTROL if key[1] == CONTROL else key[1].split()[0]].append(key)
print()
for what, keys in removed.items():
    print(f"Removing {what}: {tally(keys)}")

# %%
# For the README: the study in one table.

SHOWN = {
    "dense net": [""],
    "weights by L1": ["90% removed", "95% removed", "98% removed", "99% removed"],
    "weights by magnitude": ["98% removed"],
    "neurons by magnitude": ["88% removed"],
    "columns by elimination": ["5 columns"],
    "weights at random": ["98% removed"],
    **{rival: [""] for rival in RIVALS},
}


def short(number, digits=3, sign=""):
    return f"{number:{sign}.{digits}f}".replace("0.", ".").replace("-", "−")


def cell(key):
    if key not in study.index:
        return "–"
    auc, gain = mean("AUC", key), study.loc[key]["AUC gain"]
    change = f"{short(gain['mean'], sign='+')} ± {short(gain['high'] - gain['mean'])}"
    fidelity, regions = short(mean("fidelity", key), 2), f"{mean('regions', key):,.0f}"
    return " · ".join([short(auc) if key[1] == "dense net" else change, fidelity, regions])


if FULL:
    lines = ["| | " + " | ".join(TITLES.values()) + " |", "|---" * 5 + "|"]
    for model, levels in SHOWN.items():
        for level in levels:
            cells = [cell((name, model, level)) for name in EPOCHS]
            label = f"{model}, {level}" if level else model
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    Path("does-pruning-explain.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("", *lines, sep="\n")

# %%
# What few neurons are good for
# -----------------------------
# Whatever becomes of surrogates, a network of few neurons needs none: it is a handful of linear
# scorecards, written out in raw columns and compared with the network on every row. Here one split
# of HMDA; `verify` says whether its held-out rows can tell the two networks apart.

split = split_of("hmda", 0)
net = network_of(split, (64, 32))
path = pruning_path(net, split.Z_train, split.y_train, method="l1", random_state=0)
small = path.cut(neurons=5)
print("\n", verify(net, small, split.Z_test, split.y_test, margin=MARGIN, scoring="roc_auc"))
explanation = explain(make_pipeline(split.prepare, small), split.X_train, split.y_train)
print(indent(explanation.regions.to_text(), "  "))
print(explanation.checks["regions = model"])
