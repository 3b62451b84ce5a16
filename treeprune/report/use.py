"""What using the model costs before and after pruning: to read it, to store it, to run it.

Sizes and conditions are functions of the data and the seed. Speeds are not: they belong to the
machine and the hour, and are therefore measured apart.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import _safe_indexing

from .. import native
from ..exceptions import UnsupportedModelError
from ..explain.leaves import tree_rules

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..explain import Explanation
    from .rivals import Fits
    from .study import Study

__all__ = ["cost_of_use", "speeds"]

COMPARED = ("grown", "pruned")

_ROWS = 10_000  # predicted at least in one call, so that a clock can tell
_MOST_ROWS = 50_000
_TURNS = 9
_SECONDS = 0.5  # after which no further turn begins


def cost_of_use(study: Study, fits: Fits, ex: Explanation) -> dict[str, dict[str, Any]]:
    """Rules, conditions and bytes of the model as grown and of the pruned model.

    Parameters
    ----------
    study : Study
    fits : Fits
    ex : Explanation
        Of the pruned pipeline. Both models read the same columns through the same encoder.

    Returns
    -------
    dict
        By "grown" and "pruned": `rules`; `conditions`, the mean number of conditions of the rule
        that takes a held-out row, at most one a raw column; `bytes` of the arrays in which the
        fitted model alone holds nodes and values, or weights. None for what is not known: only a
        single tree is its rules, and of boosters no bytes are counted. JSON-able.

    Notes
    -----
    Conditions are merged on the way down, so that the time grows with nodes times columns. Held-out
    rows are counted where the model itself sends them.

    Examples
    --------
    >>> from treeprune.explain import explain
    >>> import pandas as pd
    >>> from treeprune.report import Options, Table, fit_rivals, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> fits = fit_rivals(study, Options(cv=2, n_resamples=1000))
    >>> cost = cost_of_use(study, fits, explain(fits.pipeline, study.X_train))
    >>> cost["pruned"]["rules"], cost["pruned"]["conditions"]
    (2, 1.0)
    """
    return {key: _cost(fits.rival(key).native, fits.Z_test, ex) for key in COMPARED}


def _cost(model: Any, Z: Any, ex: Explanation) -> dict[str, Any]:
    alone = not native.is_network(model) and native.read(model).n_trees == 1
    told = _rules(model, Z, ex) if alone else {"rules": None, "conditions": None}
    return {**told, "bytes": _bytes(model)}


def _rules(tree: Any, Z: Any, ex: Explanation) -> dict[str, Any]:
    trees = native.read(tree)
    rules = tree_rules(trees, native.splits(tree), ex.view.feature_map, _unchanged)
    asked = np.zeros(trees.n_nodes)
    asked[[rule.node for rule in rules]] = [len(rule.conditions) for rule in rules]
    leaf = native.apply(tree, Z)[:, 0]
    return {"rules": len(rules), "conditions": float(asked[leaf].mean())}


def _bytes(model: Any) -> int | None:
    if native.is_network(model):
        return native.read_network(model).n_bytes
    try:
        return native.stored_bytes(model)
    except UnsupportedModelError:
        return None


def _unchanged(raw: npt.NDArray) -> npt.NDArray:
    return raw


def speeds(fits: Fits) -> dict[str, float]:
    """Rows per second of each model's own prediction, on this machine and now.

    Parameters
    ----------
    fits : Fits

    Returns
    -------
    dict
        By "grown" and "pruned": rows per second of `predict_proba` (`predict` for regression) on
        held-out rows as the model receives them, encoded, about ten thousand or more in one
        call.

    Notes
    -----
    The models predict in turns, so that a disturbance hits both, and the best of up to nine turns
    counts. The whole takes less than a second.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Options, Table, fit_rivals, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> found = speeds(fit_rivals(study, Options(cv=2, n_resamples=1000)))
    >>> sorted(found), min(found.values()) > 0
    (['grown', 'pruned'], True)
    """
    n = min(fits.Z_test.shape[0], _MOST_ROWS)
    Z = _safe_indexing(fits.Z_test, np.resize(np.arange(n), n * -(-_ROWS // n)))
    models = {key: fits.rival(key).native for key in COMPARED}
    predict = {key: getattr(own, "predict_proba", own.predict) for key, own in models.items()}
    best = dict.fromkeys(COMPARED, np.inf)
    begin = time.perf_counter()
    for _ in range(_TURNS):
        for key in COMPARED:
            start = time.perf_counter()
            predict[key](Z)
            best[key] = min(best[key], time.perf_counter() - start)
        if time.perf_counter() - begin > _SECONDS:
            break
    return {key: len(Z) / seconds for key, seconds in best.items()}
