"""An ensemble on its way down: which nodes answer, what they contribute, what the rows would lose.

The methods differ in what they remove and how they set contributions; what they share (sums over
nodes, refits, sizes, the record of steps) is here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import kernels
from ...objectives import Objective
from ...path import PruningPath
from ...trees import Trees
from . import kernels as compiled

__all__ = ["Ensemble", "Refit", "Walk"]

Array = npt.NDArray
STAYS = np.iinfo(np.int32).max  # step of what has not gone so far
HALVINGS = 5  # of a refit that would lose


@dataclass(frozen=True, eq=False)
class Ensemble:
    """The trees of a fitted ensemble, and the rows that say what they are worth.

    Parameters
    ----------
    model : fitted forest or booster
    trees : Trees
    leaf : array of int32, shape (n_trees, n_rows)
        Grown leaf of every row in every tree, among all nodes.
    loss : Objective
    direction : array of int8, shape (n_nodes,)
        +1 or -1 at splits on columns with which predictions may only rise or fall.
    locked : array of bool, shape (n_nodes,)
        Splits that never go.
    """

    model: Any
    trees: Trees
    leaf: Array
    loss: Objective
    direction: Array
    locked: Array

    @property
    def is_boosted(self) -> bool:
        """Whether each tree adds to one score, not all of them to all."""
        return self.trees.is_boosted

    @property
    def width(self) -> int:
        """Number of scores to which one tree contributes."""
        return 1 if self.is_boosted else int(np.prod(self.trees.value.shape[1:]))

    @property
    def column(self) -> Array:
        """First score to which each tree contributes."""
        of = self.trees.tree_output if self.is_boosted else np.zeros(self.trees.n_trees)
        return of.astype(np.int64)

    def contributions(self, value: Array) -> Array:
        """What each node contributes, (n_nodes, width), of values as `Trees` has them."""
        trees = self.trees
        own = trees.own(value)[:, None] if self.is_boosted else value.reshape(trees.n_nodes, -1)
        return np.ascontiguousarray(own * self.trees.scale[trees.tree_of][:, None])

    def native(self, contribution: Array) -> Array:
        """Values of nodes, (n_nodes, width), from what they contribute."""
        return contribution / self.trees.scale[self.trees.tree_of][:, None]

    def rounds(self) -> list[slice]:
        """Trees that were grown on the same derivatives: of several classes one each."""
        together = len(self.trees.base_score) if self.is_boosted else 1
        return [slice(j, j + together) for j in range(0, self.trees.n_trees, together)]

    def part(self, j: int) -> slice:
        """The nodes of a tree."""
        ends = np.append(self.trees.roots[1:], self.trees.n_nodes)
        return slice(int(self.trees.roots[j]), int(ends[j]))

    def answering(self, is_leaf: Array) -> Array:
        """Node of every row in every tree, where the nodes of the mask are leaves."""
        return compiled.answering(self.trees.parent, is_leaf, 0, self.trees.n_nodes)[self.leaf]

    def scores(self, node: Array, contribution: Array) -> Array:
        """Raw scores of all rows, (n_rows, n_scores), from the nodes that answer."""
        out = np.tile(self.trees.base_score, (node.shape[1], 1))
        for j in range(self.trees.n_trees):
            part = self.part(j)
            compiled.add_contribution(node[j], self.column[j], part.start, contribution[part], out)
        return out

    def start_scores(self) -> Array:
        """Raw scores of all rows before the first tree, (n_rows, n_scores)."""
        return np.tile(self.loss.start(), (self.leaf.shape[1], 1))

    def sums(self, score: Array) -> tuple[Array, Array]:
        """Sums of both derivatives over the rows of every node, (n_nodes, width) each."""
        trees = self.trees
        g, h = self.loss.derivatives(score)
        return compiled.node_sums(self.leaf, g, h, self.column, trees.left, trees.right, self.width)

    def size(self, is_leaf: Array) -> int:
        """Leaves of the trees that still split; 1 where none does."""
        trees = self.trees
        live = kernels.reached(trees.parent, is_leaf)
        constant = int(np.count_nonzero(is_leaf[trees.roots]))
        return max(1, int(np.count_nonzero(live & is_leaf)) - constant)

    def valid(self, contribution: Array, is_leaf: Array, weight: Array) -> Array:
        """The contributions with what a model of this kind must keep to.

        Class frequencies lie between 0 and 1 and add up to 1, forests of counts predict no negative
        ones; where a column has a direction, no tree goes against it.
        """
        trees = self.trees
        out = self._frequencies(contribution, is_leaf) if trees.is_classifier else contribution
        if trees.criterion == "poisson":  # no expected count is below those that were grown
            out = np.maximum(out, trees.value.min() * self.trees.scale[trees.tree_of][:, None])
        if self.direction.any():
            out = np.ascontiguousarray(out)
            column = out[:, -1].copy()
            compiled.clip_monotone(trees.left, trees.right, is_leaf, self.direction, weight, column)
            if out.shape[1] == 2:  # of two classes the frequency of the other
                out[:, 0] += out[:, 1] - column
            out[:, -1] = column
        return out

    def _frequencies(self, contribution: Array, is_leaf: Array) -> Array:
        """Contributions with which nodes hold class frequencies once constants are folded away.

        A tree may then contribute its share of the trees that are left, not of all.
        """
        trees = self.trees
        constant = is_leaf[trees.roots]
        left = int(np.count_nonzero(~constant))
        if not left:  # one tree of the sum will stay
            constant, left = np.arange(trees.n_trees) > 0, 1
        out = contribution.copy()
        roots = trees.roots[constant]
        scale = self.trees.scale[constant][:, None]
        out[roots] = self._normed(out[roots] / scale, trees.value[roots]) * scale
        folded = out[roots].sum(axis=0)
        others = ~constant[trees.tree_of]
        told = self._normed(out[others] * left + folded, trees.value[others])
        out[others] = (told - folded) / left
        return out

    def _normed(self, value: Array, otherwise: Array) -> Array:
        """Frequencies of the classes of every output, (n, width), from any numbers."""
        clipped = np.clip(value.reshape(otherwise.shape), 0.0, 1.0)
        total = clipped.sum(axis=2, keepdims=True)
        out = np.divide(clipped, total, out=otherwise.copy(), where=total > 0)
        return out.reshape(value.shape)


@dataclass(frozen=True)
class Refit:
    """How leaves are refitted after a cut: drawn towards an aim, in so many sweeps over trees.

    `ridge` is in units of the loss's Hessian: a leaf with so much of it goes half of the way from
    the aim to what its rows ask for.
    """

    ridge: float
    sweeps: int

    def __call__(self, e: Ensemble, is_leaf: Array, contribution: Array, aim: Array) -> Array:
        """Refitted contributions; as they were where that would not lower the penalised loss."""
        node = e.answering(is_leaf)
        out = contribution.copy()
        score = e.scores(node, out)
        weight = e.trees.weight
        now = self._total(e, is_leaf, score, out, aim)
        for _ in range(self.sweeps):
            new = out.copy()
            moved = score.copy()
            for together in e.rounds():
                self._move(e, together, node, new, moved, aim)
            new = e.valid(new, is_leaf, weight)
            for _ in range(HALVINGS):
                moved = e.scores(node, new)
                then = self._total(e, is_leaf, moved, new, aim)
                if then <= now:
                    break
                new = 0.5 * (new + out)
            else:
                return out
            out, score, now = new, moved, then
        return out

    def _move(
        self, e: Ensemble, trees: slice, node: Array, value: Array, score: Array, aim: Array
    ) -> None:
        """One step of the trees of a round, in place."""
        g, h = e.loss.derivatives(score)
        for j in range(trees.start, trees.stop):
            part = e.part(j)
            step = compiled.refit_tree(
                node[j], g, h, e.column[j], part.start, value[part], aim[part], self.ridge
            )
            compiled.add_contribution(node[j], e.column[j], part.start, step, score)

    def _total(
        self, e: Ensemble, is_leaf: Array, score: Array, contribution: Array, aim: Array
    ) -> float:
        """Sum of the loss over rows, and the penalty."""
        live = is_leaf & kernels.reached(e.trees.parent, is_leaf)
        apart = float(((contribution - aim)[live] ** 2).sum())
        return e.loss.mean(score) * float(e.loss.weight.sum()) + 0.5 * self.ridge * apart


@dataclass(eq=False)
class Walk:
    """The steps of an ensemble's path, as they are made."""

    ensemble: Ensemble
    removed_at: Array = field(init=False)
    contribution: Array = field(init=False)
    strengths: list[float] = field(default_factory=lambda: [-np.inf])
    sizes: list[int] = field(init=False)
    risks: list[float] = field(init=False)
    values: list[Array] = field(init=False)

    def __post_init__(self) -> None:
        e = self.ensemble
        self.removed_at = np.where(e.trees.is_leaf, 0, STAYS).astype(np.int32)
        self.contribution = e.contributions(e.trees.value)
        self.sizes = [e.size(e.trees.is_leaf)]
        self.risks = [e.loss.mean(e.scores(e.leaf, self.contribution))]
        self.values = [np.zeros((0, e.width))]  # step 0 is the model as grown

    @property
    def is_leaf(self) -> Array:
        """Nodes that are leaves, or lie below one."""
        return self.removed_at != STAYS

    def live(self) -> Array:
        """Splits that are still asked."""
        return kernels.reached(self.ensemble.trees.parent, self.is_leaf) & ~self.is_leaf

    def record(self, is_leaf: Array, contribution: Array, strength: float) -> bool:
        """Take what remains as the next step; False where nothing has gone since the last."""
        e = self.ensemble
        dead = is_leaf | ~kernels.reached(e.trees.parent, is_leaf)
        gone = dead & (self.removed_at == STAYS)
        if not gone.any():
            return False
        self.removed_at[gone] = len(self.sizes)
        self.contribution = contribution
        below = np.nextafter(self.strengths[-1], np.inf) if len(self.strengths) > 1 else -np.inf
        self.strengths.append(max(strength, below))
        self.sizes.append(e.size(dead))
        self.risks.append(e.loss.mean(e.scores(e.answering(dead), contribution)))
        answers = dead & kernels.reached(e.trees.parent, dead)
        self.values.append(e.native(contribution)[answers])
        return True

    def path(self, method: str) -> PruningPath:
        """What was recorded."""
        n = len(self.sizes)
        return PruningPath(
            model=self.ensemble.model,
            trees=self.ensemble.trees,
            removed_at=np.minimum(self.removed_at, n).astype(np.int32),
            strength=np.array(self.strengths),
            size=np.array(self.sizes),
            risk=np.array(self.risks),
            method=method,
            values=tuple(self.values),
        )
