"""Truncation, the baseline: the last rounds of boosting, or last trees of a forest, go first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels import reached
from ...path import PruningPath
from ...scoring import thin
from ...trees import Trees
from .joint import sizes

__all__ = ["truncated"]

Array = npt.NDArray
MOST_STEPS = 50  # of a forest, whose values are held anew at each step


def truncated(model: Any, trees: Trees) -> PruningPath:
    """The path on which whole rounds go, from the last one on; the first one stays.

    Parameters
    ----------
    model : fitted forest or booster
    trees : Trees

    Notes
    -----
    A tree that has gone contributes nothing, not its mean. Where trees are averaged those that
    stay count for more, and steps are thinned to at most 50. Strengths are shares of rounds that
    are gone; risks are not known without rows.
    """
    together = len(trees.base_score) if trees.is_boosted else 1
    round_of = trees.tree_of // together
    kept = _kept(trees, round_of)
    removed_at = np.searchsorted(-kept, -round_of, side="left")
    removed_at = np.where(trees.is_leaf, 0, removed_at).astype(np.int32)
    value = trees.value.copy()
    value[trees.roots[~trees.is_leaf[trees.roots]]] = 0.0
    if not trees.average:
        trees = replace(trees, value=value)
    return PruningPath(
        model=model,
        trees=trees,
        removed_at=removed_at,
        strength=np.concatenate([[-np.inf], 1.0 - kept[1:] / kept[0]]),
        size=sizes(trees, removed_at, len(kept)),
        risk=np.full(len(kept), np.nan),
        method="truncate",
        values=_rescaled(trees, value, removed_at, round_of, kept) if trees.average else (),
    )


def _kept(trees: Trees, round_of: Array) -> Array:
    """How many rounds stay at each step, falling; a round without splits makes no step."""
    n_rounds = int(round_of[-1]) + 1
    splits = np.bincount(round_of[~trees.is_leaf], minlength=n_rounds) > 0
    # Dropping round k (from 0 on) leaves k of them.
    kept = np.concatenate([[n_rounds], np.flatnonzero(splits)[::-1]])
    kept = kept[kept > 0]
    return kept[thin(kept, MOST_STEPS)] if trees.average else kept


def _rescaled(
    trees: Trees, value: Array, removed_at: Array, round_of: Array, kept: Array
) -> tuple[Array, ...]:
    """Values of the nodes that answer at each step, with which the mean is that of fewer trees."""
    flat = value.reshape(trees.n_nodes, -1)
    if trees.is_boosted:  # each tree speaks of its own score alone
        flat = trees.own(value)[:, None]
    out = [np.zeros((0, flat.shape[1]))]
    for step in range(1, len(kept)):
        is_leaf = removed_at <= step
        answers = is_leaf & reached(trees.parent, is_leaf)
        stays = (round_of < kept[step])[:, None]
        out.append((flat * stays)[answers] * (kept[0] / kept[step]))
    return tuple(out)
