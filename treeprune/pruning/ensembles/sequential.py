"""Sequential re-selection: prune tree after tree, each for what the pruned ones before it leave.

Boosting is run again on the structure that it has grown: every tree keeps the top of its splits
that pays for its leaves, given the errors of its pruned predecessors, and its leaves take the
values that fit these errors, so that later trees correct for what was cut from earlier ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ...path import PruningPath
from . import kernels as compiled
from .state import Ensemble, Refit, Walk

__all__ = ["boosted_again", "optimism", "sequential"]

Array = npt.NDArray
FIRST = 0.02  # quantile of the gains at which the penalties begin
MOST_PASSES = 300  # besides four for each step asked; gains change from pass to pass


def sequential(
    e: Ensemble,
    *,
    ridge: float,
    rate: float,
    steps: int,
    refit: Callable[[Array], Refit] | None,
) -> PruningPath:
    """All steps of sequential re-selection with a rising penalty for every leaf.

    Parameters
    ----------
    e : Ensemble
        Boosted.
    ridge : float
        Draws contributions towards zero, in units of the Hessian.
    rate : float
        By which each tree's contribution is multiplied: the learning rate.
    steps : int
        Penalties between the first and the one at which most is gone.
    refit : callable, optional
        Mask of leaves -> Refit of all of them after each pass.
    """
    walk = Walk(e)
    total = float(e.loss.weight.sum())
    is_leaf = walk.is_leaf
    penalty, ratio = 0.0, 1.0
    for _ in range(MOST_PASSES + 4 * steps):
        is_leaf, contribution, gain = one_pass(e, is_leaf, ridge, rate, penalty)
        if refit is not None:
            contribution = refit(is_leaf)(e, is_leaf, contribution, contribution)
        walk.record(is_leaf, contribution, penalty / total)
        left = gain[walk.live() & ~e.locked]
        if not len(left):
            break
        if penalty == 0.0:
            positive = left[left > 0]
            penalty = float(np.quantile(positive, FIRST)) if len(positive) else 1.0
            ratio = max(1.01, (float(left.max()) / penalty) ** (1.0 / steps))
        penalty *= ratio
    return walk.path("sequential")


def boosted_again(e: Ensemble, ridge: float, rate: float) -> Array:
    """What every node would contribute if the grown trees were fitted anew, one after another.

    Parameters
    ----------
    e : Ensemble
        Boosted.
    ridge, rate : float
        As for `sequential`.

    Returns
    -------
    array of float64, shape (n_nodes, 1)
        The start of the sum is in the first tree of each score.
    """
    whole = replace(e, locked=np.ones_like(e.locked))  # the structure stays
    return one_pass(whole, e.trees.is_leaf, ridge, rate, 0.0)[1]


def optimism(e: Ensemble, ridge: float, rate: float) -> float:
    """Share of what the trees have learnt from their rows that they have only by heart.

    Parameters
    ----------
    e : Ensemble
        Boosted.
    ridge, rate : float
        As for `sequential`.

    Returns
    -------
    float
        (L - T) / (S - T) of the losses S of the start, T of the trees as fitted anew, and L where
        each row is left out of the sums of its own leaves; between 0 and 1.

    Notes
    -----
    The structure stays, which was grown on all rows: what held-out rows would say is worse. The
    share compares models, it is no estimate of their loss.
    """
    start = e.start_scores()
    score, without = start.copy(), start.copy()
    n_nodes = e.trees.n_nodes
    for together in e.rounds():
        g, h = e.loss.derivatives(score)
        for j in range(together.start, together.stop):
            column, node = e.column[j], e.leaf[j]
            own_g, own_h = g[:, column], h[:, column]
            G = np.bincount(node, own_g, n_nodes)[node]
            H = np.bincount(node, own_h, n_nodes)[node]
            score[:, column] -= rate * G / (H + ridge)
            without[:, column] -= rate * (G - own_g) / (np.maximum(H - own_h, 0.0) + ridge)
    first, fitted, left_out = (e.loss.mean(s) for s in (start, score, without))
    if not fitted < first:
        return 1.0
    return float(np.clip((left_out - fitted) / (first - fitted), 0.0, 1.0))


def one_pass(
    e: Ensemble, is_leaf: Array, ridge: float, rate: float, penalty: float
) -> tuple[Array, Array, Array]:
    """Prune and fit every tree once, in the order in which they were grown.

    Returns
    -------
    is_leaf : array of bool, shape (n_nodes,)
        What was a leaf remains one.
    contribution : array of float64, shape (n_nodes, 1)
        The start of the sum is in the first tree of each score.
    gain : array of float64, shape (n_nodes,)
        What each split that stays saves, in units of the loss.
    """
    trees, left, right = e.trees, e.trees.left, e.trees.right
    is_leaf, gain = is_leaf.copy(), np.zeros(trees.n_nodes)
    contribution = np.zeros((trees.n_nodes, e.width))
    start, score = e.loss.start(), e.start_scores()
    for number, together in enumerate(e.rounds()):
        g, h = e.loss.derivatives(score)
        for j in range(together.start, together.stop):
            part, column = e.part(j), e.column[j]
            G = np.zeros((part.stop - part.start, e.width))
            H = np.zeros_like(G)
            compiled.tree_sums(e.leaf[j], g, h, column, part.start, G, H)
            compiled.prune_against(
                left, right, part.start, G, H, ridge, penalty, e.locked, is_leaf, gain
            )
            told = np.divide(-rate * G, H + ridge, out=np.zeros_like(G), where=H > 0)
            contribution[part] = told
        if e.direction.any():
            nodes = slice(e.part(together.start).start, e.part(together.stop - 1).stop)
            contribution[nodes] = e.valid(contribution, is_leaf, trees.weight)[nodes]
        for j in range(together.start, together.stop):
            part = e.part(j)
            node = compiled.answering(trees.parent, is_leaf, part.start, part.stop)
            compiled.add_contribution(
                node[e.leaf[j] - part.start], e.column[j], part.start, contribution[part], score
            )
            if number == 0:
                contribution[part] += start[e.column[j]] - trees.base_score[e.column[j]]
    return is_leaf, contribution, gain
