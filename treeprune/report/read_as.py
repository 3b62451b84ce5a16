"""How a pruned model is read: as itself, as a partition that is the same, or as its imitation.

A tree is its own rules. A sum of trees may be written as one partition that is the same function;
larger sums and networks are imitated by a small tree, whose fidelity the report states first.
Rules of the last two have no leaves of the model behind them: rows are counted by the rules.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import native
from ..explain.surrogate import probabilities
from ..explain.view import respond

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..explain import Explanation
    from ..explain.conditions import Condition
    from ..trees import Trees
    from .rivals import Fits
    from .study import Study

__all__ = [
    "Readable",
    "counted_figures",
    "number_or_none",
    "plain_cell",
    "plain_value",
    "read_as",
    "readable_tree",
]

READINGS = {"tree": "model", "partition": "partition", "surrogate": "surrogate"}


@dataclass(frozen=True, eq=False)
class Readable:
    """A single tree that can be drawn.

    Parameters
    ----------
    trees : Trees
        With one tree.
    left : dict of int to Condition
        Of each split, the condition in raw columns that leads to its left child.
    value : array of float64, shape (n_nodes, n_classes) or (n_nodes, 1)
        What each node says, as the model says it.

    Examples
    --------
    See `readable_tree`.
    """

    trees: Trees
    left: dict[int, Condition]
    value: npt.NDArray[np.float64]


def read_as(ex: Explanation) -> dict[str, Any]:
    """Whether the rules are the model, and how faithful they are if not.

    Parameters
    ----------
    ex : Explanation
        Of the pruned pipeline.

    Returns
    -------
    dict
        `reading`: "model" (its own leaves), "partition" (exact too) or "surrogate"; `cells`,
        the number of rules, and `n_trees`, as its size counts them, of a partition; `fidelity` of a
        surrogate: `r2`, `agreement` (same class), `decision_agreement`, `n_rows`, `folds`, `task`
        (a score of model and surrogate) and `words`. JSON-able.

    Examples
    --------
    >>> from treeprune.report import Options, Table, fit_rivals, study_of
    >>> from treeprune import explain
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> fits = fit_rivals(study, Options(cv=2))
    >>> read_as(explain(fits.pipeline, study.X_train, study.y_train))["reading"]
    'model'
    """
    reading = READINGS[ex.rules.kind]
    told: dict[str, Any] = {"reading": reading, "cells": None, "n_trees": None, "fidelity": None}
    if reading == "partition" and ex.view.trees is not None:
        told |= {"cells": len(ex.rules), "n_trees": ex.rules.n_trees}
    if ex.fidelity is not None:
        told["fidelity"] = {**_plain(asdict(ex.fidelity)), "words": ex.fidelity.to_text()}
    return told


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers that JSON can hold."""
    out = {}
    for name, value in values.items():
        if isinstance(value, dict):
            value = _plain(value)
        elif isinstance(value, float) and not np.isfinite(value):
            value = None
        out[name] = value
    return out


def readable_tree(fits: Fits, ex: Explanation) -> Readable | None:
    """The one tree that the rules of an explanation are the leaves of.

    Parameters
    ----------
    fits : Fits
    ex : Explanation
        Of the pruned pipeline.

    Returns
    -------
    Readable or None
        None where there is none, as of a partition.

    Examples
    --------
    >>> from treeprune.report import Options, Table, fit_rivals, study_of
    >>> from treeprune import explain
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> fits = fit_rivals(study, Options(cv=2))
    >>> ex = explain(fits.pipeline, study.X_train, study.y_train)
    >>> readable_tree(fits, ex).value.shape[0]
    3
    """
    if ex.rules.kind == "tree":
        own = fits.rival("pruned").native
        trees = native.read(own)
        left = ex.view.feature_map.left(native.splits(own))
        return Readable(trees, left, respond(trees, trees.value)[:, 0])
    return _imitation(ex) if ex.rules.kind == "surrogate" else None


def _imitation(ex: Explanation) -> Readable:
    """The surrogate once more: the explanation keeps its rules, and not the tree behind them."""
    found = ex.surrogate
    trees = native.read(found.tree)
    value = trees.value[:, :, 0]
    if found.rules.is_classifier:
        value = probabilities(value)
    assert found.rules.feature_map is not None
    return Readable(trees, found.rules.feature_map.left(native.splits(found.tree)), value)


def counted_figures(study: Study, ex: Explanation) -> list[dict[str, Any]]:
    """Rows of each rule of a partition or a surrogate, what it says, and what came.

    Parameters
    ----------
    study : Study
    ex : Explanation
        Of the pruned pipeline.

    Returns
    -------
    list of dict
        As the leaves of a tree are told, but that `p` is what the rule says and has no interval:
        it is no share of the training rows.

    Examples
    --------
    See `explained`.
    """
    rule_of = {"train": ex.rules.match(study.X_train), "held_out": ex.rules.match(study.X_test)}
    value = np.stack([rule.value[0] for rule in ex.rules])
    focus = _focus(study, value)
    out = []
    for i, k in enumerate(focus.tolist()):
        y = study.y_test[rule_of["held_out"] == i]
        row: dict[str, Any] = {
            "train": int((rule_of["train"] == i).sum()),
            "held_out": len(y),
            "p": float(value[i, k]),
            "low": None,
            "high": None,
            "differs": False,
            "decision": None,
        }
        if study.is_classification:
            code = int(ex.rules.classes[0][k])
            row |= {"label": study.labels[code], "share": _mean(y == code)}
            if study.task == "binary":
                row["decision"] = int(study.decide(value[[i]])[0])
        else:
            row["share"] = _mean(y)
        out.append(row)
    return out


def _focus(study: Study, value: npt.NDArray) -> npt.NDArray[np.int64]:
    """Position of what is told of each rule: P of two classes, the likeliest of more."""
    if study.task == "binary":
        return np.ones(len(value), np.int64)
    return value.argmax(axis=1) if study.is_classification else np.zeros(len(value), np.int64)


def _mean(values: npt.NDArray) -> float | None:
    return float(values.mean()) if len(values) else None


# -- values that JSON can hold -------------------------------------------------------------------


def number_or_none(value: float) -> float | None:
    """A number; None where it is not finite.

    Examples
    --------
    >>> number_or_none(0.5), number_or_none(float("inf"))
    (0.5, None)
    """
    return float(value) if np.isfinite(value) else None


def plain_value(value: Any) -> Any:
    """A value as Python's own.

    Examples
    --------
    >>> plain_value(np.int64(2)), plain_value(np.datetime64("2020-01-01"))
    (2, '2020-01-01')
    """
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, str | bool | int | float) else str(value)


def plain_cell(value: Any) -> Any:
    """A cell of the table; None for a missing value.

    Examples
    --------
    >>> plain_cell(float("nan")), plain_cell("new car")
    (None, 'new car')
    """
    return None if value is None or pd.isna(value) else plain_value(value)
