"""Whole trees by L1: a weight for every tree, fitted anew under a penalty on its leaves.

The weights are those of a nonnegative garrote: they start at one, never turn negative (so that a
monotone tree stays monotone), and reach zero one after another as the penalty rises; what is left
is then fitted without the penalty. A ridge draws them towards one, without which trees that have
seen the rows would gain weight on them. A tree at zero is gone for good: the steps are nested.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...path import PruningPath
from . import kernels as compiled
from .state import HALVINGS, Ensemble, Walk

__all__ = ["tree_weights"]

Array = npt.NDArray
SMALLEST = 0.02  # of the penalty at which the last tree goes
NEWTON_STEPS = 3
MOST_HALVINGS = 60  # where Hessians vanish Newton's step has no bound
TOLERANCE, SWEEPS = 1e-8, 1000


def tree_weights(e: Ensemble, steps: int, ridge: float) -> PruningPath:
    """The path of the garrote, from small penalties to the one at which no tree is left.

    Parameters
    ----------
    e : Ensemble
    steps : int
        Penalties, evenly in their logarithm.
    ridge : float
        Draws the leaves of each tree towards what they were, in units of the loss's Hessian.

    Notes
    -----
    Holds what every tree contributes to every row at once.
    """
    walk, trees = Walk(e), e.trees
    grown = walk.contribution.copy()
    table, mean = _centred(e, grown)
    n_leaves = np.add.reduceat(trees.is_leaf.astype(float), trees.roots)
    total = float(e.loss.weight.sum())
    w = np.where(n_leaves > 1, 1.0, 0.0)
    asks = np.logical_or.reduceat(e.locked, trees.roots)
    pull = ridge * _squares(e, grown, mean)
    highest = _highest(e, table, mean, n_leaves, pull)
    shift = np.zeros(len(trees.base_score))
    for penalty in np.geomspace(SMALLEST, 1.0, steps) * highest * 1.0001:
        cost = np.where(asks, 0.0, penalty * n_leaves)
        if penalty > highest:  # the answer, which Newton's method may only come near to
            w = np.where(asks, w, 0.0)
        w, shift = _weights(e, table, mean, w, shift, cost, pull)
        # The penalty selects; the weights of what it has left are then fitted without it.
        told, shift = _weights(e, table, mean, w, shift, np.zeros(len(w)), pull)
        w = np.where((told == 0.0) & ~asks, 0.0, w)
        is_leaf = walk.is_leaf | ((w == 0.0) & ~asks)[trees.tree_of]
        now = _weighed(e, grown, mean, told, shift)
        now = e.valid(now, is_leaf, trees.weight)
        walk.record(is_leaf, now, float(penalty) / total)
        if not w.any():
            break
    return walk.path("l1")


def _centred(e: Ensemble, grown: Array) -> tuple[Array, Array]:
    """Contribution of every tree to every row less its mean, (n_trees, n_rows, width); the means.

    Parameters
    ----------
    e : Ensemble
    grown : array of float64, shape (n_nodes, width)
    """
    weight = e.loss.weight / e.loss.weight.sum()
    table = grown[e.leaf]
    mean = np.einsum("n,jnk->jk", weight, table)
    return table - mean[:, None, :], mean


def _scores(e: Ensemble, table: Array, mean: Array, w: Array, shift: Array) -> Array:
    """Raw scores under these weights, (n_rows, n_scores)."""
    out = np.tile(e.trees.base_score + shift, (table.shape[1], 1))
    for j in range(len(w)):
        columns = slice(e.column[j], e.column[j] + e.width)
        out[:, columns] += w[j] * table[j] + mean[j]
    return out


def _groups(e: Ensemble) -> list[tuple[Array, slice]]:
    """Trees that contribute to the same scores, and these scores."""
    return [
        (np.flatnonzero(e.column == first), slice(first, first + e.width))
        for first in np.unique(e.column)
    ]


def _quadratic(table: Array, trees: Array, g: Array, h: Array, w: Array) -> tuple[Array, Array]:
    """Matrix and vector of the loss to second order in the weights of some trees."""
    part = table[trees]
    flat = part.reshape(len(trees), -1)
    Q = (flat * h.reshape(1, -1)) @ flat.T
    return Q, Q @ w[trees] - flat @ g.reshape(-1)


def _squares(e: Ensemble, grown: Array, mean: Array) -> Array:
    """Sum of squares of the contributions of every tree's leaves, less the tree's mean."""
    trees = e.trees
    off = ((grown - mean[trees.tree_of]) ** 2).sum(axis=1)
    return np.add.reduceat(np.where(trees.is_leaf, off, 0.0), trees.roots)


def _highest(e: Ensemble, table: Array, mean: Array, n_leaves: Array, pull: Array) -> float:
    """The penalty a leaf at which all weights are zero."""
    w = np.zeros(len(n_leaves))
    # Without any tree the scores are constants, of which the best is known.
    shift = e.loss.start() - _scores(e, table[:, :1], mean, w, np.zeros(1))[0]
    g, _ = e.loss.derivatives(_scores(e, table, mean, w, shift))
    best = 0.0
    for trees, scores in _groups(e):
        slope = -(table[trees].reshape(len(trees), -1) @ g[:, scores].reshape(-1))
        slope = slope + pull[trees]
        best = max(best, float((slope / n_leaves[trees]).max(initial=0.0)))
    return best if best > 0 else 1.0


def _weights(
    e: Ensemble, table: Array, mean: Array, w: Array, shift: Array, cost: Array, pull: Array
) -> tuple[Array, Array]:
    """Weights of the trees that are left under a penalty, and the shift of every score.

    `w` and `shift` are where Newton's method begins; trees at zero stay there.
    """
    w, shift = w.copy(), shift.copy()
    for _ in range(NEWTON_STEPS):
        for trees, scores in _groups(e):
            shift = _shifted(e, table, mean, w, shift, scores)
            g, h = e.loss.derivatives(_scores(e, table, mean, w, shift))
            live = trees[w[trees] > 0]
            if not len(live):
                continue
            Q, q = _quadratic(table, live, g[:, scores], h[:, scores], w)
            Q[np.diag_indices(len(live))] += pull[live]
            q += pull[live]  # towards one
            own = w[live].copy()
            compiled.lasso(Q, q, cost[live], own, TOLERANCE, SWEEPS)
            new = w.copy()
            new[live] = own
            w = _better(e, table, mean, w, new, shift, cost, pull)
    return w, shift


def _shifted(
    e: Ensemble, table: Array, mean: Array, w: Array, shift: Array, scores: slice
) -> Array:
    """Newton's step of the starts of some scores, shortened until the loss does not rise."""
    at = _scores(e, table, mean, w, shift)
    g, h = e.loss.derivatives(at)
    step = np.zeros_like(shift)
    step[scores] = -g[:, scores].sum(axis=0) / np.maximum(h[:, scores].sum(axis=0), 1e-300)
    before = e.loss.mean(at)
    for _ in range(MOST_HALVINGS):
        if e.loss.mean(at + step) <= before:
            return shift + step
        step = 0.5 * step
    return shift


def _better(
    e: Ensemble,
    table: Array,
    mean: Array,
    w: Array,
    new: Array,
    shift: Array,
    cost: Array,
    pull: Array,
) -> Array:
    """The new weights, or what lies between where Newton's step has gone too far."""

    def total(at: Array) -> float:
        loss = e.loss.mean(_scores(e, table, mean, at, shift)) * float(e.loss.weight.sum())
        return loss + float(cost @ at) + 0.5 * float(pull @ (at - 1.0) ** 2)

    before = total(w)
    for _ in range(HALVINGS):
        if total(new) <= before:
            return new
        new = 0.5 * (w + new)
    return w


def _weighed(e: Ensemble, grown: Array, mean: Array, w: Array, shift: Array) -> Array:
    """Contributions of nodes under these weights.

    The shift is in the first tree of each score; in all trees of a forest alike, whose values have
    bounds.
    """
    tree_of, roots = e.trees.tree_of, e.trees.roots
    out = mean[tree_of] + w[tree_of, None] * (grown - mean[tree_of])
    # A tree that splits no longer answers with its mean, its root.
    out[roots[w == 0.0]] = mean[w == 0.0]
    if not e.is_boosted:
        return out + shift / len(w)
    for trees, scores in _groups(e):
        out[tree_of == trees[0]] += shift[scores]
    return out
