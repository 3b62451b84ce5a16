"""Small LightGBM models of every kind, for tests: drawn at random, or of odd frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor

TINY = {"n_estimators": 4, "num_leaves": 6, "min_child_samples": 3, "verbose": -1, "n_jobs": 1}
CATS = {"min_data_per_group": 1, "cat_smooth": 1.0, "cat_l2": 0.0, "max_cat_to_onehot": 2}
TASKS = ("regression", "binary", "multiclass", "multiclassova", "poisson", "cross_entropy")


def random_rows(rng, n, missing):
    Z = np.column_stack(
        [
            rng.normal(size=n),
            np.where(rng.random(n) < 0.5, 0.0, rng.normal(size=n)),  # splits around zero
            rng.integers(0, 40, n).astype(float),  # categories, in two 32-bit words
            rng.integers(-2, 3, n).astype(float),
        ]
    )
    if missing:
        Z[rng.random(Z.shape) < 0.15] = np.nan
    return Z


def random_model(seed, task, boosting, missing, categories, weighted, **options):
    rng = np.random.default_rng(seed)
    Z = random_rows(rng, 160, missing)
    signal = np.nan_to_num(Z[:, 0]) + (np.nan_to_num(Z[:, 1]) == 0) + np.sin(np.nan_to_num(Z[:, 2]))
    signal = signal + rng.normal(scale=0.3, size=160)
    params = {**TINY, **CATS, "boosting_type": boosting, "random_state": 0, **options}
    if boosting == "rf":
        params |= {"subsample": 0.7, "subsample_freq": 1}
    if task in ("regression", "poisson", "cross_entropy"):
        model = LGBMRegressor(objective=task, **params)
        y = {"poisson": np.exp(signal / 2), "cross_entropy": 1 / (1 + np.exp(-signal))}.get(
            task, signal
        )
    else:
        model = LGBMClassifier(objective=task, **params)
        y = np.digitize(signal, [0.5] if task == "binary" else [0.0, 1.0])
    weight = rng.integers(0, 3, 160) + rng.random(160) if weighted else None
    cat = [2, 3] if categories else []
    Z[:, 3] = np.abs(Z[:, 3]) if categories else Z[:, 3]  # negative categories only warn
    return model.fit(Z, y, sample_weight=weight, categorical_feature=cat), Z


random_options = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10_000),
        "task": st.sampled_from(TASKS),
        "boosting": st.sampled_from(["gbdt", "dart", "rf"]),
        "missing": st.booleans(),
        "categories": st.booleans(),
        "weighted": st.booleans(),
        "use_missing": st.booleans(),
    }
)
FIXED = {"seed": 0, "missing": True, "categories": True, "weighted": True, "use_missing": True}


def frame(rng, n=240):
    X = pd.DataFrame(
        {
            "größe €": rng.normal(size=n),
            "a b": rng.integers(0, 9, n),
            "=cmd()": pd.Categorical(rng.choice(["x", "y", "z\n", "<w>"], n)),
            "flag": rng.random(n) < 0.5,
            "DROP TABLE": pd.Categorical(rng.choice([10, 20, 30], n)),
        }
    )
    X.loc[::9, "=cmd()"] = np.nan
    y = X["größe €"] + (X["=cmd()"] == "y") * 2 + (X["DROP TABLE"] == 20) + X["a b"] * 0.2
    return X, y.to_numpy()
