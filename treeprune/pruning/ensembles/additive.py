"""Additive pruning: the grown splits, each standing alone, chosen and weighted by boosting again.

A sum of trees of one split is a sum of functions of single columns: such a model can be read column
by column. Its splits are those that the model has learnt anywhere in its trees. Round after round
the one that lowers the loss most is added with a small step; a split that is there already is moved
on and costs nothing, so that the size grows slowly and the fit follows the path of an L1 penalty
closely. The steps go back through the states of this fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import native
from ...kernels import reached
from ...path import PruningPath
from ...scoring import thin
from ...stages import apply_blocks
from ...trees import Splits
from . import kernels as compiled
from .joint import sizes
from .state import Ensemble

__all__ = ["additive"]

Array = npt.NDArray
# Gains that differ by less are equal: sums of the same rows in another order.
TIE = 1e-9


def additive(
    e: Ensemble,
    splits: Splits,
    X: Any,
    *,
    learning_rate: float,
    rounds: int,
    ridge: float,
    steps: int,
) -> PruningPath:
    """The path whose step 0 is the booster as grown, and every other one a sum of its splits.

    Parameters
    ----------
    e : Ensemble
        Boosted.
    splits : Splits
    X : array-like, shape (n_rows, n_features)
        The rows of `e`.
    learning_rate : float
        By which each step towards the minimum is multiplied.
    rounds : int
        How often a split is chosen.
    ridge : float
        Draws steps towards zero, in units of the loss's Hessian.
    steps : int
        How many of the states are kept, evenly in the logarithm of their size.

    References
    ----------
    Friedman (2001), Greedy function approximation; Friedman & Popescu (2008), Predictive learning
    via rule ensembles, which fits all of a tree's rules by L1; Hastie, Tibshirani & Friedman
    (2009), The elements of statistical learning, ch. 16.2, on small steps and L1.
    """
    pool = _pool(e, splits, X)
    most = (e.size(e.trees.is_leaf) - 1) // 2  # the first step must be smaller than the model
    walk = _Walk(e, pool, ridge, learning_rate)
    for _ in range(rounds):
        if not walk.advance(most):
            break
    return _path(e, walk, steps)


@dataclass(frozen=True, eq=False)
class _Pool:
    """The different splits of an ensemble, on its rows.

    Parameters
    ----------
    node : array of int, shape (n_splits,)
        The first node, among all, that splits so.
    column : array of int, shape (n_splits,)
        Score to which its tree adds.
    direction : array of int8, shape (n_splits,)
        See `Ensemble`.
    left : array of bool, shape (n_splits, n_rows)
    cell : array of int32, shape (n_features, n_rows)
        Rows that no split on a column tells apart have one number.
    inside : list of array of float64, shape (n_splits of the column, n_cells of the column)
        Whether the rows of a cell go left; the splits of each column in their order.
    order : array of int, shape (n_splits,)
        Splits, column after column.
    """

    node: Array
    column: Array
    direction: Array
    left: Array
    cell: Array
    inside: list[Array]
    order: Array

    def sums(self, g: Array, h: Array) -> Array:
        """Sums of both numbers over the rows that go left, shape (n_splits, 2)."""
        ends = np.cumsum([table.shape[1] for table in self.inside])
        found = compiled.cell_sums(self.cell, g, h, int(ends[-1]))
        parts = np.split(found, ends[:-1])
        out = np.empty((len(self.node), 2))
        out[self.order] = np.concatenate(
            [table @ part for table, part in zip(self.inside, parts, strict=True)]
        )
        return out


def _pool(e: Ensemble, splits: Splits, X: Any) -> _Pool | None:
    """Splits of which no two of a column divide the rows alike; None where none divides them."""
    node = _different(e, splits)
    if not len(node):
        return None
    left = _goes_left(e, node, X)
    divides = left.any(axis=1) & ~left.all(axis=1)
    node, left = node[divides], left[divides]
    feature, column = splits.feature[node], e.column[e.trees.tree_of[node]]
    # The same rows on the other side are the same split.
    seen = np.packbits(left ^ ~left[:, :1], axis=1)
    first: dict[tuple, int] = {}
    for i, key in enumerate(zip(feature, column, map(bytes, seen), strict=True)):
        first.setdefault(key, i)
    at = list(first.values())
    if not at:
        return None
    node, column = node[at], column[at]
    return _Pool(node, column, e.direction[node], left[at], *_cells(feature[at], left[at]))


def _cells(feature: Array, left: Array) -> tuple[Array, list[Array], Array]:
    """Rows as the splits of each column tell them apart: see `_Pool`."""
    cells, inside, order, start = [], [], [], 0
    for f in np.unique(feature):
        own = np.flatnonzero(feature == f)
        packed = np.packbits(left[own], axis=0).T
        _, at, cell = np.unique(packed, axis=0, return_index=True, return_inverse=True)
        cells.append(cell.ravel() + start)
        inside.append(left[own][:, at].astype(np.float64))
        order.append(own)
        start += len(at)
    return np.array(cells, np.int32), inside, np.concatenate(order)


def _different(e: Ensemble, splits: Splits) -> Array:
    """The first node of every different split of a score."""
    inner = np.flatnonzero(splits.feature >= 0)
    column = e.column[e.trees.tree_of]
    ends = splits.category_offsets
    found: dict[tuple, int] = {}
    for t in inner:
        of = splits.category_values[ends[t] : ends[t + 1]].tobytes() if len(ends) > 1 else b""
        key = (column[t], splits.feature[t], splits.threshold[t], splits.missing_left[t], of)
        found.setdefault(key, int(t))
    return np.array(list(found.values()), np.int64)


def _goes_left(e: Ensemble, node: Array, X: Any) -> Array:
    """Which rows the splits send left, (n_splits, n_rows), as the model itself compares them."""
    pair = np.ones((len(node), 2))
    told = {"n_rows": pair, "hessian": pair, "gain": pair[:, 0]}
    start = np.zeros(len(e.trees.base_score))
    asked, tree = native.stumps(e.model, node, 0.0 * pair, start=start, **told)
    trees = native.read(asked)
    left = trees.left[trees.roots[tree]]
    out = np.empty((len(node), e.leaf.shape[1]), np.bool_)
    for rows, leaf in apply_blocks(asked, X, e.leaf.shape[1], trees):
        out[:, rows] = (leaf[:, tree] == left).T
    return out


@dataclass(frozen=True, eq=False)
class _State:
    """A fit with so many splits as `value` has rows, before another one came."""

    value: Array  # (n_splits in use, 2)
    risk: float


@dataclass(eq=False)
class _Walk:
    """Boosting by single splits, as it goes on."""

    ensemble: Ensemble
    pool: _Pool | None
    ridge: float
    rate: float
    score: Array = field(init=False)
    value: Array = field(init=False)  # of every split of the pool, zeros where it is not used
    used: list[int] = field(default_factory=list)  # splits of the pool, as they came
    gain: list[float] = field(default_factory=list)  # when they came
    hessian: list[Array] = field(default_factory=list)
    states: list[_State] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.score = self.ensemble.start_scores()
        self.value = np.zeros((0 if self.pool is None else len(self.pool.node), 2))

    def state(self) -> _State:
        """As it is now."""
        return _State(self.value[self.used].copy(), self.ensemble.loss.mean(self.score))

    def counts(self, steps: int) -> Array:
        """Numbers of splits at the steps that are kept, falling to none."""
        counts = np.arange(len(self.used) + 1)[::-1]
        return counts[thin(np.maximum(1, 2 * counts), steps)]

    def gone(self, steps: int) -> Array:
        """Step, counted from the largest state, at which each split is gone, as they came."""
        came = np.arange(len(self.used))
        return np.searchsorted(-self.counts(steps), -came, side="left")

    def advance(self, most: int) -> bool:
        """One round; False where no split helps, or one more than `most` would be used."""
        if self.pool is None:
            return False
        gain, step, hessian = self._candidates(self.pool)
        best = float(gain.max())
        if not best > 0.0:
            return False
        s = int(np.flatnonzero(gain >= best * (1.0 - TIE))[0])
        if s not in self.used:
            if len(self.used) >= most:
                return False
            self.states.append(self.state())
            self.used.append(s)
            self.gain.append(float(gain[s]))
            self.hessian.append(hessian[s])
        self.value[s] += step[s]
        self.score[:, self.pool.column[s]] += np.where(self.pool.left[s], *step[s])
        return True

    def _candidates(self, pool: _Pool) -> tuple[Array, Array, Array]:
        """Gain, step to the left and right, and Hessians there, of every split."""
        g, h = self.ensemble.loss.derivatives(self.score)
        gain = np.full(len(pool.node), -np.inf)
        step, hessian = np.zeros((2, len(gain), 2))
        for k in range(g.shape[1]):
            own = pool.column == k
            if not own.any():
                continue
            left = pool.sums(np.ascontiguousarray(g[:, k]), np.ascontiguousarray(h[:, k]))[own]
            G, H = g[:, k].sum(), h[:, k].sum()
            first = np.stack([left[:, 0], G - left[:, 0]], axis=1)
            hessian[own] = np.maximum(np.stack([left[:, 1], H - left[:, 1]], axis=1), 0.0)
            below = hessian[own] + self.ridge
            full = np.divide(-first, below, out=np.zeros_like(first), where=below > 0)
            gain[own] = -0.5 * (first * full).sum(axis=1)
            step[own] = self.rate * full
        against = pool.direction * (step[:, 1] - step[:, 0]) < 0
        return np.where(against, -np.inf, gain), step, hessian


def _path(e: Ensemble, walk: _Walk, steps: int) -> PruningPath:
    """The states from the largest to none, behind the booster as grown."""
    trees = e.trees
    rest = None if trees.is_leaf.all() else _rest(e, walk, steps)
    removed_at = np.where(trees.is_leaf, 0, 1).astype(np.int32)
    if walk.pool is not None:
        removed_at[walk.pool.node[walk.used]] += walk.gone(steps).astype(np.int32)
    risk = e.loss.mean(e.scores(e.leaf, e.contributions(trees.value)))
    strength, size, risks = [-np.inf], [e.size(trees.is_leaf)], [risk]
    if rest is not None:
        strength += [0.0, *rest.strength[1:]]
        size, risks = [*size, *rest.size], [*risks, *rest.risk]
    return PruningPath(
        model=e.model,
        trees=trees,
        removed_at=removed_at,
        strength=np.array(strength),
        size=np.array(size),
        risk=np.array(risks),
        method="additive",
        regrouped=rest,
    )


def _rest(e: Ensemble, walk: _Walk, steps: int) -> PruningPath:
    """The path of the model of single splits alone."""
    counts, states = walk.counts(steps), [*walk.states, walk.state()]
    model, tree = _standing_alone(e, walk, states[-1].value)
    trees = native.read(model)
    removed_at = np.zeros(trees.n_nodes, np.int32)
    roots = trees.roots[tree]
    removed_at[roots] = walk.gone(steps)
    base = np.zeros(trees.n_nodes)
    for k, start in enumerate(e.loss.start()):  # told by the first tree of each score
        base[trees.tree_of == k] = start
    total, strength, values = float(e.loss.weight.sum()), [-np.inf], [np.zeros((0, 1))]
    for t, n in enumerate(counts[1:], start=1):
        lost = max(walk.gain[n : counts[t - 1]]) / total
        strength.append(max(lost, float(np.nextafter(max(strength[-1], 0.0), np.inf))))
        told = base.copy()
        for child, side in ((trees.left, 0), (trees.right, 1)):
            told[child[roots[:n]]] += states[n].value[:, side]
        is_leaf = removed_at <= t
        values.append(told[is_leaf & reached(trees.parent, is_leaf)][:, None])
    return PruningPath(
        model=model,
        trees=trees,
        removed_at=removed_at,
        strength=np.array(strength),
        size=sizes(trees, removed_at, len(counts)),
        risk=np.array([states[n].risk for n in counts]),
        method="additive",
        values=tuple(values),
    )


def _standing_alone(e: Ensemble, walk: _Walk, value: Array) -> tuple[Any, Array]:
    """The native model of the splits in use, and the tree that each has become."""
    used, n_rows = np.array(walk.used, np.int64), e.leaf.shape[1]
    node, n_left = used, used
    if walk.pool is not None:
        node, n_left = walk.pool.node[used], walk.pool.left[used].sum(axis=1)
    return native.stumps(
        e.model,
        node,
        value,
        n_rows=np.stack([n_left, n_rows - n_left], axis=1),
        hessian=np.array(walk.hessian).reshape(-1, 2),
        gain=np.array(walk.gain),
        start=e.loss.start(),
    )
