"""The different splits of an ensemble, each asked of all rows.

Rows that no split on a column tells apart are one cell of that column: sums over the rows that go
left are sums over cells, so that all splits together cost one pass over the rows and columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import native
from ...stages import apply_blocks
from ...trees import Splits
from . import kernels as compiled
from .state import Ensemble

__all__ = ["Cells", "Pool", "pool_of"]

Array = npt.NDArray


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows as the splits of one score tell them apart, column by column.

    Parameters
    ----------
    split : array of int, shape (n_splits,)
        Positions in the pool, column after column.
    cell : array of int32, shape (n_features, n_rows)
        Cells of a column have numbers of their own.
    inside : list of array of float64, shape (n_splits of the column, n_cells of the column)
        Whether the rows of a cell go left; the splits of each column in their order.
    """

    split: Array
    cell: Array
    inside: list[Array]

    def sums(self, g: Array, h: Array) -> Array:
        """Sums of both numbers over the rows that go left, (n_splits, 2), as in `split`."""
        ends = np.cumsum([table.shape[1] for table in self.inside])
        parts = np.split(compiled.cell_sums(self.cell, g, h, int(ends[-1])), ends[:-1])
        return np.concatenate(
            [table @ part for table, part in zip(self.inside, parts, strict=True)]
        )


@dataclass(frozen=True, eq=False)
class Pool:
    """Splits of which no two of a column and score divide the rows alike.

    Parameters
    ----------
    node : array of int, shape (n_splits,)
        The first node, among all, that splits so.
    column : array of int, shape (n_splits,)
        Score to which its tree adds.
    direction : array of int8, shape (n_splits,)
        See `Ensemble`.
    left : array of bool, shape (n_splits, n_rows)
        Which rows go left.
    cells : dict of int to Cells
        By score.
    """

    node: Array
    column: Array
    direction: Array
    left: Array
    cells: dict[int, Cells]

    def __len__(self) -> int:
        """Number of splits."""
        return len(self.node)

    def add(self, score: Array, which: Array, value: Array) -> None:
        """Add what splits tell, (left, right) each, to the scores of all rows, in place."""
        for s, told in zip(which, value, strict=True):
            score[:, self.column[s]] += np.where(self.left[s], *told)

    def curvature(self, which: Array, h: Array) -> Array:
        """Second derivatives of the loss by the differences that splits make, (n, n).

        Parameters
        ----------
        which : array of int, shape (n,)
            Splits.
        h : array of float64, shape (n_rows, n_scores)
            Second derivatives by scores. What a split makes is a difference between its sides of
            mean zero by these, so that the mean of the scores has no part in it.
        """
        out = np.zeros((len(which), len(which)))
        for k in np.unique(self.column[which]):
            own = np.flatnonzero(self.column[which] == k)
            side = self.left[which[own]].astype(np.float64)
            side -= (side @ h[:, k] / max(float(h[:, k].sum()), 1e-300))[:, None]
            out[np.ix_(own, own)] = (side * h[:, k]) @ side.T
        return out


def pool_of(e: Ensemble, splits: Splits, X: Any) -> Pool:
    """The different splits of a booster that divide its rows `X`; maybe none."""
    node = _different(e, splits)
    left = _goes_left(e, node, X)
    divides = left.any(axis=1) & ~left.all(axis=1)
    node, left = node[divides], left[divides]
    feature, column = splits.feature[node], e.column[e.trees.tree_of[node]]
    # The same rows on the other side are the same split.
    seen = np.packbits(left ^ ~left[:, :1], axis=1)
    first: dict[tuple, int] = {}
    for i, key in enumerate(zip(feature, column, map(bytes, seen), strict=True)):
        first.setdefault(key, i)
    at = np.array(list(first.values()), np.int64)
    node, column, feature, left = (x[at] for x in (node, column, feature, left))
    cells = {int(k): _cells(np.flatnonzero(column == k), feature, left) for k in np.unique(column)}
    return Pool(node, column, e.direction[node], left, cells)


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


def _cells(which: Array, feature: Array, left: Array) -> Cells:
    """The cells of some of the splits."""
    cells, inside, order, start = [], [], [], 0
    for f in np.unique(feature[which]):
        own = which[feature[which] == f]
        packed = np.packbits(left[own], axis=0).T
        _, at, cell = np.unique(packed, axis=0, return_index=True, return_inverse=True)
        cells.append(cell.ravel() + start)
        inside.append(left[own][:, at].astype(np.float64))
        order.append(own)
        start += len(at)
    return Cells(np.concatenate(order), np.array(cells, np.int32), inside)
