"""Numbering the steps of a path of trees: splits of equal strength go together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["TIE", "group_steps"]

Array = npt.NDArray
TIE = 1e-12  # differences of strength that are rounding, relative and by the scale of risks


def group_steps(strength: Array, scale: float) -> tuple[Array, Array]:
    """Number the steps: splits of equal strength go together.

    Parameters
    ----------
    strength : array of float64, shape (n_nodes,)
        Of each split, never above its parent's; -inf at leaves, inf where a split never goes.
    scale : float
        Risk per unit of weight: differences up to 1e-12 of it (or 1e-12 relative) are rounding.

    Returns
    -------
    step_strength : array of float64, shape (n_steps,)
        -inf for step 0, the model as grown.
    removed_at : array of int32, shape (n_nodes,)
        0 at leaves, n_steps where never.
    """
    goes = np.isfinite(strength)
    level = np.where(np.abs(strength) <= TIE * scale, 0.0, strength)[goes]
    order = np.argsort(level, kind="stable")
    ranked = level[order]
    gap = np.diff(ranked)
    new = gap > np.maximum(TIE * scale, TIE * np.abs(ranked[1:]))
    group = np.concatenate([[1], 1 + np.cumsum(new)]) if len(ranked) else np.zeros(0)
    last = np.flatnonzero(np.append(new, True)) if len(ranked) else np.zeros(0, np.intp)
    step_strength = np.concatenate([[-np.inf], ranked[last]])
    removed_at = np.where(strength == -np.inf, 0, len(step_strength)).astype(np.int32)
    steps = np.empty(len(ranked), np.int32)
    steps[order] = group
    removed_at[goes] = steps
    return step_strength, removed_at
