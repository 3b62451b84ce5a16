"""Prune or train smaller? Held-out score against total leaves, on six data sets and five seeds.

A full LightGBM model (150 rounds of 31 leaves, or tuned) is pruned to at most 5, 10, 20 and 50 % of
its leaves, by `cost_complexity` or `additive` as they come, beside its own first rounds
(truncation) and LightGBM trained at that size. The method on one side, rounds, leaves and learning
rate on the other are chosen by the same three folds of the training rows. A forest of 100 trees is
pruned to 5, 10 and 20 %. A quarter of the rows is held out. Differences are paired by seed. The
defaults of the methods were found on seeds 0 to 24; the seeds here are others.

Run: python benchmarks/bench_ensembles.py [--data NAME …] [--seeds N …] [--out FILE.json]
     [--figure FILE.png] [--read FILE.json …]
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from treeprune import PruningPath, native, pruning_path
from treeprune.datasets import (
    load_adult,
    load_breast_cancer,
    load_compas,
    load_german_credit,
    load_hmda,
)
from treeprune.retraining import model_size, train_small
from treeprune.scoring import resolve

DATA = ("german_credit", "compas", "hmda", "adult", "diabetes", "breast_cancer")
SHARES = (0.5, 0.2, 0.1, 0.05)
CHOICE = ("cost_complexity", "additive")
MANY_ROWS = 20_000  # with more, fewer settings: small models are trained at a tenth only
LOADERS = {
    "german_credit": load_german_credit,
    "compas": load_compas,
    "hmda": load_hmda,
    "adult": load_adult,
    "breast_cancer": load_breast_cancer,
}


def rows_of(name: str) -> tuple[pd.DataFrame, np.ndarray, bool]:
    """Columns that may be used, the target, and whether it is a class."""
    if name == "diabetes":
        X, y = load_diabetes(return_X_y=True, as_frame=True)
        return X, y.to_numpy(float), False
    data = LOADERS[name]()
    X = data.data.drop(columns=list(data.excluded))
    X.columns = [f"c{j}" for j in range(X.shape[1])]  # LightGBM refuses some names
    text = [c for c in X if X[c].dtype.kind not in "iufb"]
    return (
        X.astype(dict.fromkeys(text, "category")),
        np.unique(data.target, return_inverse=True)[1],
        True,
    )


def booster(classes: bool, **settings: Any) -> Any:
    kind = LGBMClassifier if classes else LGBMRegressor
    fixed = {"n_jobs": 1, "verbose": -1, "random_state": 0, "deterministic": True}
    return kind(**{**fixed, "force_row_wise": True, **settings})


def tuned(X: Any, y: Any, classes: bool, folds: list) -> dict[str, Any]:
    """Rounds, leaves and learning rate of a full model, whatever its size."""
    best: tuple[float, dict[str, Any]] = (-np.inf, {})
    many = len(X) > MANY_ROWS
    for leaves in (15, 31) if many else (7, 15, 31, 63):
        for rate in (0.03, 0.1):
            rounds = (100, 200) if many else (50, 100, 200, 400)
            scores: dict[int, list[float]] = {k: [] for k in rounds}
            for train, test in folds:
                settings = {
                    "n_estimators": max(rounds),
                    "num_leaves": leaves,
                    "learning_rate": rate,
                }
                model = booster(classes, **settings).fit(X.iloc[train], y[train])
                for k, found in scores.items():
                    with native.first_rounds(model, k):
                        found.append(_score(model, X.iloc[test], y[test], classes))
            for k, found in scores.items():
                one = {"n_estimators": k, "num_leaves": leaves, "learning_rate": rate}
                best = max(best, (float(np.mean(found)), one), key=lambda pair: pair[0])
    return best[1]


def step_within(path: PruningPath, most: int) -> int:
    """The largest model within the budget, or the smallest there is (one round may be larger)."""
    return path.step_for(size=max(most, int(path.size[-1])))


def scored(path: PruningPath, step: int, X: Any, y: Any, how: str) -> float:
    """Score of one step."""
    found = path.score_steps(X, y, resolve(how, path.base), steps=np.array([step]))
    return float(found[step])


def chosen_methods(base: Any, X: Any, y: Any, folds: list, how: str) -> dict[float, str]:
    """The method that scores best at each share of the leaves, by the folds."""
    found: dict[tuple[float, str], list[float]] = {}
    for train, test in folds:
        rows = X.iloc[train], y[train]
        model = clone(base).fit(*rows)
        for method in CHOICE:
            path = pruning_path(model, *rows, method=method)
            for share in SHARES:
                step = step_within(path, int(path.size[0] * share))
                one = scored(path, step, X.iloc[test], y[test], how)
                found.setdefault((share, method), []).append(one)
    return {share: max(CHOICE, key=lambda m, s=share: np.mean(found[s, m])) for share in SHARES}


def one_split(name: str, seed: int) -> Iterator[dict[str, Any]]:
    """Records of one data set and seed."""
    X, y, classes = rows_of(name)
    how = "roc_auc" if classes else "r2"
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.25, random_state=seed, stratify=y if classes else None
    )
    kind = StratifiedKFold if classes else KFold
    folds = list(kind(3, shuffle=True, random_state=seed).split(X, y))
    fulls = {
        "150 x 31": {"n_estimators": 150, "num_leaves": 31},
        "tuned": tuned(X, y, classes, folds),
    }
    for full, settings in fulls.items():
        base = booster(classes, **settings)
        model = clone(base).fit(X, y)
        shared = {"data": name, "seed": seed, "full": full}
        truncation = pruning_path(model, method="truncate")
        grown = scored(truncation, 0, X_test, y_test, how)
        leaves = int(truncation.size[0])
        yield {**shared, "model": "full", "share": 1.0, "leaves": leaves, "score": grown}
        paths = {method: pruning_path(model, X, y, method=method) for method in CHOICE}
        best = chosen_methods(base, X, y, folds, how)
        for share in SHARES:
            budget = max(2, int(leaves * share))
            pruned = {"pruned": paths[best[share]], **paths}
            for what, path in {"truncated": truncation, **pruned}.items():
                step = step_within(path, budget)
                yield {
                    **shared, "model": what, "share": share, "leaves": int(path.size[step]),
                    "score": scored(path, step, X_test, y_test, how),
                    **({"settings": best[share]} if what == "pruned" else {}),
                }  # fmt: skip
            if len(X) > MANY_ROWS and share != 0.1:
                continue
            small, found, _ = train_small(base, X, y, size=budget, cv=folds, scoring=how)
            yield {
                **shared, "model": "retrained", "share": share, "leaves": model_size(small),
                "score": _score(small, X_test, y_test, classes), "settings": json.dumps(found),
            }  # fmt: skip
    yield from forest_records(name, seed, (X, y, X_test, y_test, classes), how)


def forest_records(name: str, seed: int, rows: tuple, how: str) -> Iterator[dict[str, Any]]:
    """Records of a forest on columns of numbers."""
    X, y, X_test, y_test, classes = rows
    encoded = pd.get_dummies(pd.concat([X, X_test]), dtype=float).fillna(-1.0)
    X, X_test = encoded.iloc[: len(X)], encoded.iloc[len(X) :]
    kind = RandomForestClassifier if classes else RandomForestRegressor
    model = kind(100, random_state=seed, min_samples_leaf=1).fit(X, y)
    shared = {"data": name, "seed": seed, "full": "forest"}
    leaves = model_size(model)
    full = _score(model, X_test, y_test, classes)
    yield {**shared, "model": "full", "share": 1.0, "leaves": leaves, "score": full}
    path = pruning_path(model)
    for share in (0.2, 0.1, 0.05):
        step = step_within(path, int(leaves * share))
        yield {
            **shared, "model": "pruned", "share": share, "leaves": int(path.size[step]),
            "score": scored(path, step, X_test, y_test, how),
        }  # fmt: skip


def _score(model: Any, X: Any, y: Any, classes: bool) -> float:
    from sklearn.metrics import r2_score, roc_auc_score

    if classes:
        return float(roc_auc_score(y, model.predict_proba(X)[:, 1]))
    return float(r2_score(y, model.predict(X)))


def summary(records: pd.DataFrame) -> pd.DataFrame:
    """Mean scores and paired differences with their standard errors over seeds."""
    lines = []
    for (data, full), part in records.groupby(["data", "full"], sort=False):
        whole = part[part.model == "full"].set_index("seed").score
        for share, own in part[part.model == "pruned"].groupby("share", sort=False):
            mine = own.set_index("seed").score
            line = {"data": data, "full": full, "share": share}
            line |= {"leaves": own.leaves.mean(), "full score": whole.mean(), "pruned": mine.mean()}
            line |= _apart("- full", mine - whole)
            line["additive"] = (own.settings == "additive").mean() if full != "forest" else np.nan
            for rival in ("truncated", "retrained"):
                other = part[(part.model == rival) & (part.share == share)].set_index("seed").score
                if len(other):
                    line |= {rival: other.mean(), **_apart(f"- {rival}", mine - other)}
            lines.append(line)
    return pd.DataFrame(lines)


def _apart(name: str, difference: pd.Series) -> dict[str, float]:
    n = len(difference)
    se = difference.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
    return {name: difference.mean(), f"{name} se": se}


def verdicts(table: pd.DataFrame) -> list[str]:
    """What was to be shown, counted."""
    out = []
    boosted = table[table.full != "forest"]
    for full, part in boosted.groupby("full", sort=False):
        n = part.data.nunique()
        worse = part[part["- truncated"] < -part["- truncated se"]]
        out.append(
            f"{full}: below truncation by more than 1 SE at {len(worse)} of {len(part)} points"
        )
        tenth = part[part.share == 0.1]
        near = tenth["- retrained"] >= -np.maximum(0.003, tenth["- retrained se"])
        above = tenth["- retrained"] > 0
        out.append(
            f"{full}: at 10 % within .003 or 1 SE of retraining on {int(near.sum())} of {n}, above "
            f"it on {int(above.sum())}"
        )
        fifth = part[part.share == 0.2]
        kept = fifth["- full"] >= -fifth["- full se"]
        out.append(
            f"{full}: 80 % fewer leaves within 1 SE of the full model on {int(kept.sum())} of {n}"
        )
    forests = table[(table.full == "forest") & (table.share == 0.1)]
    kept = forests["- full"] >= -forests["- full se"]
    out.append(f"forest: 90 % fewer leaves within 1 SE on {int(kept.sum())} of {len(forests)}")
    return out


def draw(records: pd.DataFrame, file: Path) -> None:
    """Score against leaves allowed, a panel a data set: means over seeds, standard errors."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib import ticker

    part = records[records.full == "150 x 31"]
    names = list(dict.fromkeys(part.data))
    figure, axes = plt.subplots(2, -(-len(names) // 2), figsize=(11, 6.5), layout="constrained")
    for ax, name in zip(np.ravel(axes), names, strict=False):
        own = part[part.data == name]
        whole = own[own.model == "full"]
        ax.axhline(
            whole.score.mean(), color="0.6", lw=1, label=f"full, {whole.leaves.mean():.0f} leaves"
        )
        for what, mark, colour in (
            ("pruned", "o", "#0072b2"), ("retrained", "s", "#d55e00"), ("truncated", "^", "#777777")
        ):  # fmt: skip
            grouped = own[own.model == what].groupby("share")  # none where too costly
            mean, se = grouped.score.mean(), grouped.score.sem()
            allowed = mean.index * whole.leaves.mean()
            ax.errorbar(allowed, mean, se, marker=mark, color=colour, capsize=2, label=what)
        ax.set(xscale="log", title=name.replace("_", " "), xlabel="leaves allowed")
        ax.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
        ax.xaxis.set_minor_formatter(ticker.NullFormatter())
        ax.set_ylabel("R²" if name == "diabetes" else "ROC AUC")
    np.ravel(axes)[0].legend(fontsize="small")
    figure.savefig(file, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--seeds", type=int, nargs="+", default=[25, 26, 27, 28, 29])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--read", type=Path, nargs="+", help="records of earlier runs, no new ones")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    records: list[dict[str, Any]] = []
    for file in options.read or ():
        records += json.loads(file.read_text())
    for name in [] if options.read else options.data:
        for seed in options.seeds:
            records += one_split(name, seed)
            print(f"{name}, seed {seed}", flush=True)
            if options.out:
                options.out.write_text(json.dumps(records, indent=1) + "\n")
    frame = pd.DataFrame(records)
    table = summary(frame)
    with pd.option_context("display.width", 250, "display.max_columns", 30, "display.max_rows", 99):
        print(table.round(4).to_string(index=False))
    print("\n".join(verdicts(table)))
    if options.figure:
        draw(frame, options.figure)


if __name__ == "__main__":
    main()
