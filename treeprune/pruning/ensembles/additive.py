"""Additive pruning: the grown splits, each standing alone, boosted again and removed one by one.

A sum of trees of one split is a sum of functions of single columns: such a model can be read column
by column. Its splits are those that the model has learnt anywhere in its trees. Boosting takes them
up with small steps; a split that is there already is moved on and costs nothing, so that the size
grows slowly and the fit follows the path of an L1 penalty closely. Then splits go, those first
without which the others can do best, and what is left is boosted on after every step.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import native
from ...kernels import reached
from ...path import PruningPath
from ...scoring import thin
from ...trees import Splits
from .joint import sizes
from .pool import Pool, pool_of
from .state import HALVINGS, Ensemble

__all__ = ["additive", "without"]

Array = npt.NDArray
# Gains that differ by less are equal: sums of the same rows in another order.
TIE = 1e-9
# Where boosting ends, see `additive`. Twice the log likelihood of a number that means nothing is a
# chi-square of one degree of freedom.
BY_CHANCE, MANY_ROWS = 0.5, 1000.0
# Second derivatives of the losses here grow at most by exp(x) over a step x, so that Newton's step
# lowers them for certain where exp(x) - 1 - x < x², up to 1.7.
CERTAIN = 0.5
ROUNDS_A_STEP = 200  # after splits have gone, at most; the others are nearly where they should be


def additive(
    e: Ensemble,
    splits: Splits,
    X: Any,
    *,
    learning_rate: float,
    ridge: float,
    least_gain: float | None,
    rounds: int,
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
        By which each step towards the minimum is multiplied; a step that would raise the loss is
        shortened, or left out.
    ridge : float
        Draws steps towards zero, in units of the loss's Hessian.
    least_gain : float, optional
        Boosting ends where no split saves as much, in units of log likelihood (squared errors: of
        the mean one). By default 1/2, what a split saves by chance, but in proportion less for
        more than `MANY_ROWS` rows: chance stays the same, and what is left to learn grows.
    rounds : int
        How often a split is chosen at most, before the first one goes.
    steps : int
        Sizes fall evenly in their logarithm.

    References
    ----------
    Friedman (2001), Greedy function approximation; Friedman & Popescu (2008), Predictive learning
    via rule ensembles, which fits all of a tree's rules by L1; Hastie, Tibshirani & Friedman
    (2009), The elements of statistical learning, ch. 16.2, on small steps and L1; Hassibi & Stork
    (1993), Optimal brain surgeon, on what goes first.
    """
    removed_at = np.where(e.trees.is_leaf, 0, 1).astype(np.int32)
    if not removed_at.any():
        return _path(e, None, removed_at)
    if least_gain is None:
        least_gain = BY_CHANCE * min(1.0, MANY_ROWS / float(e.loss.weight.sum()))
    fit = _Fit(e, pool_of(e, splits, X), ridge, learning_rate, least_gain)
    most = (e.size(e.trees.is_leaf) - 1) // 2  # the first step must be smaller than the model
    for _ in range(rounds):
        if not fit.advance(most):
            break
    _say_if_weights_are_no_counts(e, fit)
    states = fit.down(steps)
    removed_at[fit.pool.node[states[0].used]] += _gone(states)
    return _path(e, _rest(e, fit.pool, states), removed_at)


def _say_if_weights_are_no_counts(e: Ensemble, fit: _Fit) -> None:
    """Warn where no split is taken up because weights are small."""
    total, n = float(e.loss.weight.sum()), e.leaf.shape[1]
    if len(fit.pool) and not len(fit.used) and total < 0.1 * n:
        warnings.warn(
            f"weights of the {n} rows add up to {total:.3g} and are read as counts of rows, so "
            "that no split saves least_gain: what is left is a constant. Give weights with a mean "
            "of about 1, or a smaller least_gain",
            stacklevel=5,
        )


@dataclass(frozen=True, eq=False)
class _State:
    """A fit as it was: the splits in use, (left, right) of each, mean loss, what the last cost."""

    used: Array
    value: Array
    risk: float
    strength: float


@dataclass(eq=False)
class _Fit:
    """Boosting by single splits, as it goes on."""

    ensemble: Ensemble
    pool: Pool
    ridge: float
    rate: float
    least_gain: float
    score: Array = field(init=False)
    value: Array = field(init=False)  # of every split of the pool, zeros where it is not used
    used: Array = field(init=False)  # splits of the pool, as they came

    def __post_init__(self) -> None:
        self.score = self.ensemble.start_scores()
        self.value = np.zeros((len(self.pool), 2))
        self.used = np.zeros(0, np.int64)

    @property
    def risk(self) -> float:
        """Mean loss."""
        return self.ensemble.loss.mean(self.score)

    def advance(self, most: int) -> bool:
        """One round with at most so many splits in use; False where none gains enough."""
        gain, step = self._offers()
        if len(self.used) >= most:
            others = np.ones(len(gain), np.bool_)
            others[self.used] = False
            gain[others] = -np.inf
        squares = self.ensemble.loss.name == "squared_error"
        least = self.least_gain * (2.0 * self.risk if squares else 1.0)
        while (best := float(gain.max(initial=-np.inf))) > least:
            s = int(np.flatnonzero(gain >= best * (1.0 - TIE))[0])
            if self._moved(s, step[s]):
                if s not in self.used:
                    self.used = np.append(self.used, s)
                return True
            gain[s] = -np.inf
        return False

    def _offers(self) -> tuple[Array, Array]:
        """Gain of every split, and its steps to the left and right."""
        pool = self.pool
        g, h = self.ensemble.loss.derivatives(self.score)
        gain = np.full(len(pool), -np.inf)
        step = np.zeros((len(gain), 2))
        for k, cells in pool.cells.items():
            own = cells.split
            left = cells.sums(np.ascontiguousarray(g[:, k]), np.ascontiguousarray(h[:, k]))
            right = np.array([g[:, k].sum(), h[:, k].sum()]) - left
            G, H = np.stack([left, right], axis=2).transpose(1, 0, 2)
            below = np.maximum(H, 0.0) + self.ridge
            full = np.divide(-G, below, out=np.zeros_like(G), where=below > 0)
            gain[own] = -0.5 * (G * full).sum(axis=1)
            step[own] = self.rate * full
        against = pool.direction * (step[:, 1] - step[:, 0]) < 0
        return np.where(against, -np.inf, gain), step

    def _moved(self, s: int, step: Array) -> bool:
        """Move a split, less far where that would raise the loss; False where nothing lowers it."""
        k = self.pool.column[s]
        before = self.score[:, k].copy()
        certain = self.ensemble.loss.name == "squared_error" or np.abs(step).max() <= CERTAIN
        risk = np.inf if certain else self.risk
        for _ in range(HALVINGS):
            self.score[:, k] = before + np.where(self.pool.left[s], *step)
            if certain or self.risk < risk:
                self.value[s] += step
                return True
            step = 0.5 * step
        self.score[:, k] = before
        return False

    def down(self, steps: int) -> list[_State]:
        """States with ever fewer splits, from all that are in use to none."""
        total = float(self.ensemble.loss.weight.sum())
        counts = np.arange(len(self.used) + 1)[::-1]
        counts = counts[thin(np.maximum(1, 2 * counts), steps)]
        out = [self._state(0.0)]
        for n in counts[1:]:
            cost = self._drop_to(int(n))
            for _ in range(ROUNDS_A_STEP):
                if not n or not self.advance(int(n)):
                    break
            least = float(np.nextafter(out[-1].strength, np.inf))
            out.append(self._state(max(cost / total, least)))
        return out

    def _state(self, strength: float) -> _State:
        return _State(self.used, self.value[self.used].copy(), self.risk, strength)

    def _drop_to(self, n: int) -> float:
        """Keep the `n` splits without which it costs most; the most that one which goes costs."""
        pool = self.pool
        h = self.ensemble.loss.derivatives(self.score)[1]
        value = self.value[self.used]
        curvature = pool.curvature(self.used, h)
        at, cost = without(curvature, self.ridge, value[:, 0] - value[:, 1], n)
        stays = self.used[at]
        for s in np.setdiff1d(self.used, stays):
            # The mean of what it tells is told by another one, where there is one.
            k = pool.column[s]
            heirs = stays[pool.column[stays] == k]
            share = float(h[pool.left[s], k].sum() / max(float(h[:, k].sum()), 1e-300))
            self.value[heirs[:1]] += share * self.value[s, 0] + (1.0 - share) * self.value[s, 1]
            self.value[s] = 0.0
        self.used = stays
        self._tell()
        return cost

    def _tell(self) -> None:
        """Scores of the splits in use, halved as long as that lowers the loss.

        Where splits that belong together have told large numbers, one of them alone is far off.
        """
        e, start = self.ensemble, self.ensemble.start_scores()
        self.score = start.copy()
        self.pool.add(self.score, self.used, self.value[self.used])
        while e.loss.mean(half := 0.5 * (start + self.score)) < self.risk:
            self.score = half
            self.value *= 0.5


def without(curvature: Array, ridge: float, difference: Array, n: int) -> tuple[Array, float]:
    """Which `n` unknowns of a quadratic stay when the others go, each where it costs least.

    Parameters
    ----------
    curvature : array of float64, shape (m, m)
        Second derivatives of the loss; positive semidefinite.
    ridge : float
    difference : array of float64, shape (m,)
        The unknowns at the minimum. When one goes the others make up for it as far as they can.
    n : int

    Returns
    -------
    stays : array of int, shape (n,)
    cost : float
        Of the dearest one that has gone, 0 where none has.
    """
    tiny = 1e-9 * max(float(np.diag(curvature).max(initial=0.0)), 1e-300)
    inverse = np.linalg.inv(curvature + (ridge + tiny) * np.eye(len(curvature)))
    difference, dearest = difference.copy(), 0.0
    stays = np.ones(len(difference), np.bool_)
    for _ in range(len(difference) - n):
        own = np.maximum(np.diag(inverse), 1e-300)
        cost = np.where(stays, 0.5 * difference**2 / own, np.inf)
        s = int(np.flatnonzero(cost <= cost.min() * (1.0 + TIE))[0])
        dearest = max(dearest, float(cost[s]))
        column = inverse[:, s] / own[s]
        difference = difference - column * difference[s]
        inverse = inverse - np.outer(column, inverse[s])
        stays[s] = False
    return np.flatnonzero(stays), dearest


def _path(e: Ensemble, rest: PruningPath | None, removed_at: Array) -> PruningPath:
    """The booster as grown, and behind it the path of the model of single splits, if any."""
    risk = e.loss.mean(e.scores(e.leaf, e.contributions(e.trees.value)))
    strength, size, risks = [-np.inf], [e.size(e.trees.is_leaf)], [risk]
    if rest is not None:
        strength += [0.0, *rest.strength[1:]]
        size, risks = [*size, *rest.size], [*risks, *rest.risk]
    return PruningPath(
        model=e.model,
        trees=e.trees,
        removed_at=removed_at,
        strength=np.array(strength),
        size=np.array(size),
        risk=np.array(risks),
        method="additive",
        regrouped=rest,
    )


def _gone(states: list[_State]) -> npt.NDArray[np.int32]:
    """State at which each split of the first one is gone, in its order."""
    return np.sum([np.isin(states[0].used, state.used) for state in states], axis=0, dtype=np.int32)


def _rest(e: Ensemble, pool: Pool, states: list[_State]) -> PruningPath:
    """The path of the model of single splits alone."""
    model, tree = _standing_alone(e, pool, states[0])
    trees = native.read(model)
    removed_at = np.zeros(trees.n_nodes, np.int32)
    roots = trees.roots[tree]
    removed_at[roots] = _gone(states)
    base = np.zeros(trees.n_nodes)
    for k, start in enumerate(e.loss.start()):  # told by the first tree of each score
        base[trees.tree_of == k] = start
    values = [np.zeros((0, 1))]
    for t, state in enumerate(states[1:], start=1):
        told = base.copy()
        live = roots[np.isin(states[0].used, state.used)]
        told[trees.left[live]] += state.value[:, 0]
        told[trees.right[live]] += state.value[:, 1]
        is_leaf = removed_at <= t
        values.append(told[is_leaf & reached(trees.parent, is_leaf)][:, None])
    return PruningPath(
        model=model,
        trees=trees,
        removed_at=removed_at,
        strength=np.array([-np.inf, *(state.strength for state in states[1:])]),
        size=sizes(trees, removed_at, len(states)),
        risk=np.array([state.risk for state in states]),
        method="additive",
        values=tuple(values),
    )


def _standing_alone(e: Ensemble, pool: Pool, state: _State) -> tuple[Any, Array]:
    """The native model of the splits in use, and the tree that each has become."""
    left, score = pool.left[state.used], e.start_scores()
    pool.add(score, state.used, state.value)
    h = e.loss.derivatives(score)[1][:, pool.column[state.used]].T
    hessian = np.stack([(h * left).sum(axis=1), (h * ~left).sum(axis=1)], axis=1)
    mean = (hessian * state.value).sum(axis=1) / np.maximum(hessian.sum(axis=1), 1e-300)
    spread = (hessian * (state.value - mean[:, None]) ** 2).sum(axis=1)
    return native.stumps(
        e.model,
        pool.node[state.used],
        state.value,
        n_rows=np.stack([left.sum(axis=1), (~left).sum(axis=1)], axis=1),
        hessian=hessian,
        gain=np.maximum(0.5 * spread, 1e-300),
        start=e.loss.start(),
    )
