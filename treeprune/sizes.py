"""What compacting a network has saved: weights, neurons, columns, bytes, and rows per second."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd

from . import native

__all__ = ["compression"]

_REPEATS = 5
_ROWS = 50_000  # rows that are predicted at least, so that a clock can tell


def compression(before: Any, after: Any, X: Any = None) -> pd.DataFrame:
    """Size and speed of a network before and after pruning or compacting.

    Parameters
    ----------
    before, after : fitted networks
        MLPClassifier, MLPRegressor, SparseMLPClassifier or SparseMLPRegressor.
    X : array-like, shape (n_rows, n_features), optional
        Rows by which prediction is timed: each model predicts them five times, in turns, and the
        best time counts. Without rows nothing is timed.

    Returns
    -------
    DataFrame
        Rows before, after and ratio (after / before). Columns `weights` that are not zero,
        `neurons` and `inputs` that lead somewhere, `bytes` of all weights and biases as stored,
        and with rows `rows_per_second` of the model's own predict.

    Raises
    ------
    UnsupportedModelError
        If a model is no network, or a linear model, of which nothing can be removed.
    ValueError
        If there are no rows in X.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from treeprune import SparseMLPClassifier, compression, prune
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = scale(X)
    >>> dense = SparseMLPClassifier((32,), max_iter=50, random_state=0).fit(X, y)
    >>> small = prune(dense, X, y, method="magnitude", max_weights=30)
    >>> table = compression(dense, small)
    >>> int(table.loc["before", "weights"]), bool(table.loc["after", "weights"] <= 30)
    (992, True)
    """
    models = {"before": before, "after": after}
    for model in models.values():
        native.check_supported(model)
    rows = {name: dict(native.read_network(m).counts()) for name, m in models.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").astype(np.float64)
    if X is not None:
        table["rows_per_second"] = _speeds(models, X)
    table.loc["ratio"] = table.loc["after"] / table.loc["before"]
    return table


def _speeds(models: dict[str, Any], X: Any) -> pd.Series:
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    if n == 0:
        raise ValueError("X has no rows to time predictions by; give some, or X=None")
    calls = -(-_ROWS // n)
    best = dict.fromkeys(models, np.inf)
    for _ in range(_REPEATS):
        for name, model in models.items():
            start = time.perf_counter()
            for _ in range(calls):
                model.predict(X)
            best[name] = min(best[name], time.perf_counter() - start)
    return pd.Series({name: calls * n / seconds for name, seconds in best.items()})
