"""Proofs for a view: by its rules where they are the model, else tree by tree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .proofs import Monotone, monotone, monotone_sum, rule_outputs, unused
from .view import View

__all__ = ["monotone_of", "unused_of"]

MOST_PAIRED = 5_000  # cells of a joint partition that are compared pair by pair
_TURNED = {"increasing": "decreasing", "decreasing": "increasing"}


def monotone_of(view: View, X: Any, column: str, direction: str, label: Any) -> Monotone:
    """Whether the model's output never falls (or rises) in a column.

    See `treeprune.Explanation.monotone`.
    """
    classes = view.answers.classes
    if len(view.target) != 1:
        raise ValueError("monotonicity is proved for models of one target")
    k = 0
    if classes:
        at = np.flatnonzero(np.asarray(classes[0]) == label)
        if len(at) != 1:
            raise ValueError(f"{label!r} is no class of the model; classes are {list(classes[0])}")
        k = int(at[0])

    def output_of(rows: Any) -> npt.NDArray[np.float64]:
        return view.answers(rows)[:, 0, k]

    if view.is_exact and (view.rules.kind != "partition" or len(view.rules) <= MOST_PAIRED):
        outputs = rule_outputs(view.rules, label) if classes else rule_outputs(view.rules)
        return monotone(
            view.rules, column, direction, outputs=outputs, reference=X, output_of=output_of
        )
    if view.trees is None or view.splits is None:
        raise ValueError(
            "monotonicity can be proved for trees and sums of trees; this model is neither"
        )
    score, turned = k, False
    if view.trees.link == "logit":  # one score, the log-odds of the second class
        score, turned = 0, k == 0
    found = monotone_sum(
        view.trees,
        view.splits,
        view.feature_map,
        column,
        _TURNED.get(direction, direction) if turned else direction,
        position=(0, score),
        reference=X,
        output_of=(lambda rows: 1.0 - output_of(rows)) if turned else output_of,
    )
    if not turned:
        return found
    # Said of the class that was asked for.
    if found.outputs is None:
        return replace(found, direction=direction)
    first, second = found.outputs
    return replace(found, direction=direction, outputs=(1.0 - first, 1.0 - second))


def unused_of(view: View) -> tuple[str, ...]:
    """Raw columns that the model cannot use, proved from its splits or its weights."""
    if view.network is not None:
        map_, net = view.feature_map, view.network.settle()
        read = net.inputs[net.live()[0]]  # from which weights that are not zero lead to a score
        used = {raw for j in read for raw in map_.sources[j].raw}
        return tuple(map_.columns[i].name for i in range(map_.n_raw) if i not in used)
    if view.splits is None:
        raise ValueError(
            "which columns a model cannot use is known of trees, networks and linear models only"
        )
    return unused(view.splits, view.feature_map)
