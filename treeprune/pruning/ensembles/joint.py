"""Cost-complexity pruning of all trees jointly: one weakest-link order over the whole ensemble.

What a merge costs is the change of the ensemble's own loss to second order, from gradients and
Hessians of the rows, or from what the model has stored of them. With a refit the order is taken
anew after every round of merges, because the leaves that remain answer for those that have gone.
What leaves are drawn towards is what they were grown with, or what boosting again would give them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import kernels
from ...path import PruningPath
from ...scoring import thin
from ...trees import Trees
from ..steps import group_steps
from . import kernels as compiled
from .sequential import boosted_again
from .state import Ensemble, Refit, Walk

__all__ = ["fixed_order", "in_order", "refitted_rounds", "stored_risk"]

Array = npt.NDArray
MOST_STEPS = 50  # where values are held anew at each step


def stored_risk(trees: Trees, hessian: Array) -> Array:
    """What each node would cost as a leaf, from the sums of Hessians with which trees were grown.

    The gradients are taken to be zero, as they are where a booster has fitted its rows: what is
    left is half of the variance of the contributions below, weighed by Hessians.
    """
    value = (trees.own(trees.value) * trees.scale[trees.tree_of])[:, None]
    return _cost_of_means(trees, np.zeros_like(value), hessian[:, None], value)


def measured_risk(e: Ensemble) -> Array:
    """What each node would cost as a leaf, by the rows' derivatives, at the model as grown."""
    value = e.contributions(e.trees.value)
    return _cost_of_means(e.trees, *e.sums(e.scores(e.leaf, value)), value)


def _cost_of_means(trees: Trees, G: Array, H: Array, value: Array) -> Array:
    """What each node would cost if it answered with its own contribution."""
    return compiled.merge_costs(trees.left, trees.right, trees.is_leaf, G, H, value, value, np.inf)[
        0
    ]


def fixed_order(
    model: Any, trees: Trees, risk: Array, total: float, locked: Array, own: Array | None = None
) -> PruningPath:
    """Every step of the weakest-link order, nodes answering with their mean.

    Parameters
    ----------
    model : fitted booster
    trees : Trees
    risk : array of float64, shape (n_nodes,)
        Cost of each node as a leaf, 0 at leaves.
    total : float
        Weight of the rows that have said so.
    locked : array of bool, shape (n_nodes,)
    own : array of float64, shape (n_nodes,), optional
        Strengths by which splits go instead of the weakest-link order.
    """
    per_weight = risk / total
    scale = float(np.abs(per_weight).max())
    if own is None:
        strength = kernels.weakest_link(trees.left, trees.right, trees.parent, per_weight, locked)
    else:
        scale = 0.0
        strength = kernels.top_down(trees.left, trees.parent, own, locked)
    step_strength, removed_at = group_steps(strength, scale)
    n_steps = len(step_strength)
    return PruningPath(
        model=model,
        trees=trees,
        removed_at=removed_at,
        strength=step_strength,
        size=sizes(trees, removed_at, n_steps),
        risk=kernels.step_sums(
            trees.left, trees.right, trees.parent, removed_at, per_weight, n_steps
        ),
        method="cost_complexity" if own is None else "by",
    )


def in_order(path: PruningPath, trees: Trees, direction: Array) -> PruningPath:
    """The path of a booster whose leaves are moved where means would go against a direction.

    Parameters
    ----------
    path : PruningPath
        On which nodes answer with their means.
    trees : Trees
        Of the path.
    direction : array of int8, shape (n_nodes,)
        See `Ensemble`.

    Notes
    -----
    LightGBM's "intermediate" and "advanced" constraints only order leaves that a row can pass
    between, not one side of a split and the other, so that the mean of merged leaves may be out of
    order. Steps are then thinned to at most 50. Where sides are in order, so are their means.
    """
    own = trees.own(trees.value)
    slack = 1e-12 * float(np.abs(own).max())
    if np.abs(_clipped(trees, trees.is_leaf, direction, own) - own).max() <= slack:
        return path
    kept = thin(path.size, MOST_STEPS)
    removed_at = np.searchsorted(kept, path.removed_at).astype(np.int32)
    values = [np.zeros((0, 1))]
    for step in range(1, len(kept)):
        is_leaf = removed_at <= step
        answers = is_leaf & kernels.reached(trees.parent, is_leaf)
        values.append(_clipped(trees, is_leaf, direction, own)[answers][:, None])
    return replace(
        path,
        removed_at=removed_at,
        strength=path.strength[kept],
        size=path.size[kept],
        risk=path.risk[kept],
        values=tuple(values),
    )


def _clipped(trees: Trees, is_leaf: Array, direction: Array, value: Array) -> Array:
    """Values in the order that directions ask for."""
    out = value.copy()
    compiled.clip_monotone(trees.left, trees.right, is_leaf, direction, trees.weight, out)
    return out


def sizes(trees: Trees, removed_at: Array, n_steps: int) -> Array:
    """Leaves of the trees that still split at each step; 1 where none does."""
    inner = ~trees.is_leaf
    going = np.bincount(removed_at[inner], minlength=n_steps + 1)
    # The last split of a tree takes both of its leaves, since a constant is folded away.
    roots = trees.roots[inner[trees.roots]]
    going += np.bincount(removed_at[roots], minlength=n_steps + 1)
    return np.maximum(1, np.cumsum(going[::-1])[::-1][1 : n_steps + 1])


def refitted_rounds(
    e: Ensemble,
    refit_for: Callable[[Array], Refit],
    *,
    steps: int,
    again: tuple[float, float] | None,
) -> PruningPath:
    """Merge the weakest links, refit the leaves, order anew, until nothing is left.

    Parameters
    ----------
    e : Ensemble
    refit_for : callable
        Mask of leaves -> Refit, which draws them towards their aim.
    steps : int
        Sizes fall evenly in their logarithm.
    again : (float, float), optional
        Ridge and rate of boosting once more on the grown structure: what each node then tells is
        its aim, and where merging begins. Otherwise both are as grown, of a merged node the mean
        of the leaves below it.

    Notes
    -----
    Leaves that have overfitted their rows are a bad aim, and by the derivatives at such scores all
    splits look alike.
    """
    walk = Walk(e)
    if again is not None:
        walk.contribution = boosted_again(e, *again)
    trees, aim, total = e.trees, walk.contribution.copy(), float(e.loss.weight.sum())
    wanted = np.unique(np.geomspace(walk.sizes[0], 1, steps + 1).astype(int))[::-1]
    for target in wanted[wanted < walk.sizes[0]]:
        is_leaf, now, refit = walk.is_leaf, walk.contribution, refit_for(walk.is_leaf)
        score = e.scores(e.answering(is_leaf), now)
        G, H = e.sums(score)
        cost, best = compiled.merge_costs(
            trees.left, trees.right, is_leaf, G, H, now, aim, refit.ridge
        )
        strength = _strengths(e, is_leaf, np.where(is_leaf, 0.0, cost))
        gone = _weakest(e, walk, strength, int(target))
        if not gone.any():
            break
        level = float(strength[gone].max()) / total
        now = np.where(gone[:, None], best, now)
        now = e.valid(now, is_leaf | gone, trees.weight)
        walk.record(is_leaf | gone, refit(e, is_leaf | gone, now, aim), level)
    return walk.path("cost_complexity")


def _strengths(e: Ensemble, is_leaf: Array, risk: Array) -> Array:
    """Weakest-link strengths of the splits that are left."""
    trees = e.trees
    return kernels.weakest_link(*trees.children_within(is_leaf), trees.parent, risk, e.locked)


def _weakest(e: Ensemble, walk: Walk, strength: Array, target: int) -> Array:
    """Mask of the splits to remove so that at most `target` leaves stay; equal ones go together."""
    live = np.flatnonzero(walk.live() & np.isfinite(strength))
    gone = np.zeros(e.trees.n_nodes, np.bool_)
    if not len(live):
        return gone
    order = live[np.argsort(strength[live], kind="stable")]
    # The last split of a tree takes both of its leaves.
    fewer = np.cumsum(1 + (e.trees.parent[order] < 0))
    enough = min(int(np.searchsorted(fewer, walk.sizes[-1] - target)), len(order) - 1)
    gone[order[strength[order] <= strength[order[enough]]]] = True
    return gone
