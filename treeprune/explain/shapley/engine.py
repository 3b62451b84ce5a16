"""TreeGame: exact Shapley values of trees for any rows, and where they pay, of cells of rows.

Rows that no split tells apart have the same values: one small tree has few such cells, whose
values are computed once and gathered. Otherwise rows go through the trees in blocks; each tree is
looked up in tables of its leaves where these are soon paid for, else walked edge by edge
(path-dependent) or pair by pair with the background (interventional). All ways are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...trees import Splits, Trees
from . import games
from .bins import find_cells, load_columns
from .layout import make_layout, make_slots, read_only

__all__ = ["Cells", "TreeGame"]

Array = NDArray

# Numbers held for a block of rows, so that memory does not grow with the number of rows.
_BLOCK_NUMBERS = 1 << 21
# Rows for which looking for cells is worth while, and how many cells are expected at first.
_FEW_ROWS = 64
_FEW_CELLS = 1 << 13


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows with the same values, once.

    Parameters
    ----------
    index : array of int32, shape (n_rows,)
        Cell of every row.
    first_row : array of int64, shape (n_cells,)
        The first row of every cell, which can stand for all of them.
    values : array of float64, shape (n_cells, n_players, n_columns)
        Attributions of every cell: those of row `i` are `values[index[i]]`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from treeprune import native
    >>> from treeprune.explain.shapley import TreeGame
    >>> X = np.arange(400.0).reshape(200, 2) % 50
    >>> model = DecisionTreeRegressor(max_depth=2, random_state=0).fit(X, X[:, 0] > 20)
    >>> cells = TreeGame(native.read(model), native.splits(model)).cells(X)
    >>> cells.values.shape, cells.first_row.tolist()
    ((2, 2, 1), [0, 11])
    """

    index: Array
    first_row: Array
    values: Array


@dataclass(frozen=True, eq=False)
class _Columns:
    """Which columns of values are computed, and which follow: `dropped[q]` is minus the sum of
    `members[q]` (class frequencies add up to one, so that their attributions add up to zero).
    """

    n: int
    kept: Array
    zero: Array
    dropped: tuple[int, ...]
    members: tuple[Array, ...]

    def expand(self, values: Array, out: Array | None = None) -> Array:
        """All columns from those that are kept, shape (..., n), into `out` where given."""
        if out is None:
            out = np.empty((*values.shape[:-1], self.n))
        for at, column in enumerate(self.kept):
            out[..., column] = values[..., at]
        for column, members in zip(self.dropped, self.members, strict=True):
            np.subtract(0.0, out[..., members[0]], out=out[..., column])  # never -0.0
            for member in members[1:]:
                out[..., column] -= out[..., member]
        for column in self.zero:
            out[..., column] = 0.0
        return out


def _choose_columns(trees: Trees, value: Array) -> _Columns:
    """Leave out columns of zeros, and the last class where frequencies add up to one constant."""
    n = value.shape[1]
    n_classes = value.shape[1] // trees.n_outputs
    leaf = value[trees.is_leaf]
    tree = trees.tree_of[trees.is_leaf]
    keep = np.any(leaf != 0, axis=0)
    zero = np.flatnonzero(~keep)
    dropped, members = [], []
    for output, k in enumerate(trees.n_classes):
        columns = output * n_classes + np.arange(k)
        columns = columns[keep[columns]]
        if len(columns) < 2:
            continue
        total = leaf[:, columns].sum(axis=1)
        low = np.minimum.reduceat(total, np.searchsorted(tree, np.arange(trees.n_trees)))
        if (total - low[tree] <= 1e-14 * np.abs(total)).all():
            dropped.append(int(columns[-1]))
            members.append(columns[:-1])
    keep[dropped] = False
    return _Columns(n, np.flatnonzero(keep), zero, tuple(dropped), tuple(members))


class TreeGame:
    """Shapley values of a sum of trees, exact for every row.

    A player is a group of model columns that is present or absent as a whole. Absent players
    follow both branches by their share of the training weight (`background` None, the
    *path-dependent* game of Lundberg et al. 2018; where a node has no weight, by its rows, and
    where it has none, half and half), or have the values of background rows, one at a time (the
    *interventional* game, Janzing et al. 2020). An additive model's values are sums over its
    trees; columns are those of `Trees.value`, outputs × classes in one row, in the model's own
    unit. Immutable and picklable.

    Parameters
    ----------
    trees : Trees
    splits : Splits
    player : array of int, shape (n_features,), optional
        Player of every model column; each its own by default.
    n_players : int, optional
        Number of players, `max(player) + 1` by default.
    background : array, shape (n_background, n_features), optional
    background_weight : array, shape (n_background,), optional
        Weights of the background rows, not negative; equal by default.

    Attributes
    ----------
    base : array of float64, shape (n_outputs,)
        Worth of the game without players. With all attributions of a row it adds up to the
        model's raw output.
    n_outputs : int
        Number of columns of values.

    Raises
    ------
    ValueError
        If shapes do not agree or a player, weight or row is not valid.

    References
    ----------
    Lundberg et al., "Consistent individualized feature attribution for tree ensembles", 2018;
    Lundberg et al., "From local explanations to global understanding with explainable AI for
    trees", Nature Machine Intelligence 2, 2020; Janzing, Minorics, Blöbaum, "Feature relevance
    quantification in explainable AI", AISTATS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from treeprune import native
    >>> from treeprune.explain.shapley import TreeGame
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = DecisionTreeRegressor(random_state=0).fit(X, [0.0, 0.0, 0.0, 8.0])
    >>> game = TreeGame(native.read(model), native.splits(model))
    >>> game.base, game.attribute(X)[:, :, 0].tolist()
    (array([2.]), [[-1.0, -1.0], [-3.0, 1.0], [1.0, -3.0], [3.0, 3.0]])
    >>> TreeGame(native.read(model), native.splits(model), player=[0, 0]).attribute(X).ravel()
    array([-2., -2., -2.,  6.])
    """

    trees: Trees
    splits: Splits
    player: Array
    n_players: int
    background: Array | None
    background_weight: Array | None
    base: Array
    n_outputs: int

    def __init__(
        self,
        trees: Trees,
        splits: Splits,
        player: ArrayLike | None = None,
        n_players: int | None = None,
        background: ArrayLike | None = None,
        background_weight: ArrayLike | None = None,
    ) -> None:
        _check_nodes(trees, splits)
        own = self.__dict__  # attributes cannot be set from outside
        own["trees"], own["splits"] = trees, splits
        own["player"] = read_only(_check_players(player, n_players, splits.n_features))
        highest = int(self.player.max(initial=-1))
        own["n_players"] = highest + 1 if n_players is None else int(n_players)
        value = trees.value.reshape(trees.n_nodes, -1) * trees.tree_weight[trees.tree_of][:, None]
        if trees.average:
            value /= trees.n_trees
        own["n_outputs"] = value.shape[1]
        self._columns = columns = _choose_columns(trees, value)
        kept = np.where(trees.is_leaf[:, None], value[:, columns.kept], 0.0)
        self._layout = layout = make_layout(trees, splits, self.player, kept)
        active = np.maximum.reduceat(kept != 0, trees.roots, axis=0)
        self._active = [read_only(np.flatnonzero(row), np.int64) for row in active]
        self._cell_slots = layout.slots
        if trees.n_trees > 1:  # one question for each column, whichever tree asks it
            everywhere = np.zeros(trees.n_nodes, np.int64)
            self._cell_slots, _, _ = make_slots(splits, everywhere, 1, layout.used)
        self._rows = self._set_background(background, background_weight)
        n_background = None if self._rows is None else len(self._rows[1])
        self._costs = games.costs(layout, n_background)
        own["base"] = read_only(self._expectation(value))

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise AttributeError(f"a TreeGame cannot be changed; make a new one with other {name}")
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        game = "path-dependent" if self.background is None else "interventional"
        return (
            f"TreeGame({game}, n_trees={self.trees.n_trees}, n_players={self.n_players}, "
            f"n_outputs={self.n_outputs})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the game is made from: numba compiles once for each mutability of arrays."""
        return type(self), (
            self.trees,
            self.splits,
            self.player,
            self.n_players,
            self.background,
            self.background_weight,
        )

    def _set_background(
        self, background: ArrayLike | None, weight: ArrayLike | None
    ) -> tuple[Array, Array] | None:
        """Keep the rows as given; columns and relative weights of those that have a weight."""
        own = self.__dict__
        own["background"] = own["background_weight"] = None
        if background is None:
            if weight is not None:
                raise ValueError("background_weight was given without background rows")
            return None
        rows = self._check_rows(background, "background")
        if len(rows) == 0:
            raise ValueError("background has no rows; the interventional game needs at least one")
        weights = _check_weight(weight, len(rows), "background_weight")
        own["background"] = read_only(rows.copy())
        own["background_weight"] = read_only(weights)
        some = np.flatnonzero(weights > 0)
        share = weights[some] / weights[some].sum()
        return self._load(rows[some], 0, len(some)), read_only(share)

    def _expectation(self, value: Array) -> Array:
        """Worth of the game without players."""
        trees = self.trees
        if self._rows is None:
            return trees.base_score + self._layout.reach[trees.is_leaf] @ value[trees.is_leaf]
        columns, weight = self._rows
        base = trees.base_score.copy()
        for tree in range(trees.n_trees):
            base += weight @ value[games.leaves_of(self._layout, tree, columns)]
        return base

    def attribute(self, Z: ArrayLike) -> Array:
        """Shapley values of every row, float64 of shape (n_rows, n_players, n_outputs).

        With `base` they add up to the model's raw output; a player that the trees do not look at
        has exactly 0. Rounding in the last digits may depend on which rows are given together.

        Parameters
        ----------
        Z : array of float32 or float64, shape (n_rows, n_features)
            Model columns; missing values are NaN.

        Raises
        ------
        ValueError
            If `Z` has another shape.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import native
        >>> from treeprune.explain.shapley import TreeGame
        >>> X = np.array([[0.0, 7.0], [1.0, 7.0]])
        >>> model = DecisionTreeClassifier().fit(X, [0, 1])
        >>> TreeGame(native.read(model), native.splits(model)).attribute(X).round(2).tolist()
        [[[0.5, -0.5], [0.0, 0.0]], [[-0.5, 0.5], [0.0, 0.0]]]
        """
        rows = self._check_rows(Z, "Z")
        cells = self._cells(rows)
        if cells is not None:
            return np.take(cells.values, cells.index, axis=0)
        return self._all_rows(rows)

    def leaves(self, Z: ArrayLike) -> Array:
        """Node in which every row ends in every tree, int64 of shape (n_rows, n_trees).

        Parameters
        ----------
        Z : array of float32 or float64, shape (n_rows, n_features)

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import native
        >>> from treeprune.explain.shapley import TreeGame
        >>> X = np.array([[0.0, 7.0], [1.0, 7.0]])
        >>> model = DecisionTreeClassifier().fit(X, [0, 1])
        >>> TreeGame(native.read(model), native.splits(model)).leaves(X).tolist()
        [[1], [2]]
        """
        rows = self._check_rows(Z, "Z")
        columns = self._load(rows, 0, len(rows))
        out = np.empty((len(rows), self.trees.n_trees), np.int64)
        for tree in range(self.trees.n_trees):
            out[:, tree] = games.leaves_of(self._layout, tree, columns)
        return out

    def raw_score(self, Z: ArrayLike) -> Array:
        """The trees' own sum for rows, float64 of shape (n_rows, n_outputs).

        Parameters
        ----------
        Z : array of float32 or float64, shape (n_rows, n_features)

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import native
        >>> from treeprune.explain.shapley import TreeGame
        >>> X = np.array([[0.0, 7.0], [1.0, 7.0]])
        >>> model = DecisionTreeClassifier().fit(X, [0, 1])
        >>> TreeGame(native.read(model), native.splits(model)).raw_score(X).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        """
        trees = self.trees
        value = trees.value.reshape(trees.n_nodes, -1)
        return trees.base_score + trees.add_up(self.leaves(Z), value)

    def cells(self, Z: ArrayLike) -> Cells | None:
        """Distinct rows as far as the trees can tell, with their attributions; None where there
        are too many for this to pay.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import native
        >>> from treeprune.explain.shapley import TreeGame
        >>> X = np.array([[0.0, 7.0], [1.0, 7.0]])
        >>> model = DecisionTreeClassifier().fit(X, [0, 1])
        >>> game = TreeGame(native.read(model), native.splits(model))
        >>> game.cells(X) is None, len(game.cells(np.tile(X, (100, 1))).values)
        (True, 2)
        """
        return self._cells(self._check_rows(Z, "Z"))

    def mean_abs(self, Z: ArrayLike, sample_weight: ArrayLike | None = None) -> Array:
        """Weighted mean of absolute attributions, shape (n_players, n_outputs).

        Attributions of all rows are never held at once.

        Parameters
        ----------
        Z : array, shape (n_rows, n_features)
        sample_weight : array, shape (n_rows,), optional

        Raises
        ------
        ValueError
            If there are no rows or no weight.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> from treeprune import native
        >>> from treeprune.explain.shapley import TreeGame
        >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> model = DecisionTreeRegressor(random_state=0).fit(X, [0.0, 0.0, 0.0, 8.0])
        >>> game = TreeGame(native.read(model), native.splits(model))
        >>> game.mean_abs(X).ravel()
        array([2., 2.])
        """
        rows = self._check_rows(Z, "Z")
        if len(rows) == 0:
            raise ValueError("Z has no rows, so that there is no mean")
        weight = _check_weight(sample_weight, len(rows), "sample_weight")
        total = np.zeros((self.n_players, self.n_outputs))
        found = self._find_cells(rows)
        share = weight
        if found is not None:
            index, first_row = found
            rows = rows[first_row]
            share = np.bincount(index, weights=weight, minlength=len(first_row))
        for part, values in self._blocks(rows):
            total += np.einsum("i,ijk->jk", share[part], np.abs(self._columns.expand(values)))
        return total / weight.sum()

    def _check_rows(self, Z: ArrayLike, name: str) -> Array:
        rows = np.asarray(Z)
        if rows.dtype not in (np.float32, np.float64):
            rows = rows.astype(np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.splits.n_features:
            raise ValueError(
                f"{name} has shape {rows.shape}; possible is (n_rows, {self.splits.n_features}), "
                "the model's columns in the order in which it was fitted"
            )
        return rows

    def _load(self, rows: Array, first: int, end: int) -> Array:
        """Columns in use of rows `first:end` as the model compares them, (n_columns, n_rows)."""
        out = np.empty((len(self._layout.used), end - first))
        load_columns(*_flat(rows[first:end]), 0, self._layout.used, self.splits.cast32, out)
        return out

    def _blocks(self, rows: Array) -> Iterator[tuple[slice, Array]]:
        """Attributions (kept columns only) of one block of rows after another."""
        slots = self._layout.slots
        widest = max(
            self.n_players * max(len(self._columns.kept), 1),
            len(self._layout.used),
            int(np.diff(slots.start).max()),
        )
        size = int(np.clip(_BLOCK_NUMBERS // widest, 64, 1 << 15))
        for first in range(0, len(rows), size):
            part = slice(first, min(first + size, len(rows)))
            columns = self._load(rows, part.start, part.stop)
            out = np.zeros((self.n_players, len(self._columns.kept), columns.shape[1]))
            by_tables = games.use_tables(self._costs, columns.shape[1])
            for tree, active in enumerate(self._active):
                if len(active) and slots.start[tree] < slots.start[tree + 1]:
                    add = games.add_by_tables if by_tables[tree] else games.add_by_walk
                    add(self._layout, tree, active, self._rows, columns, out)
            yield part, out.transpose(2, 0, 1)

    def _all_rows(self, rows: Array) -> Array:
        """Attributions row by row, all columns."""
        out = np.empty((len(rows), self.n_players, self.n_outputs))
        for part, values in self._blocks(rows):
            self._columns.expand(values, out[part])
        return out

    def _cells(self, rows: Array) -> Cells | None:
        found = self._find_cells(rows)
        if found is None:
            return None
        index, first_row = found
        return Cells(index, first_row, self._all_rows(rows[first_row]))

    def _find_cells(self, rows: Array) -> tuple[Array, Array] | None:
        """Cell of every row and first row of every cell, unless there are too many."""
        slots, n_rows = self._cell_slots, len(rows)
        n_bins = slots.missing_bin + 1
        if n_rows < _FEW_ROWS or np.log2(n_bins).sum() >= 62:
            return None
        step = read_only(np.cumprod(np.append(1, n_bins))[: len(n_bins)], np.int64)
        most = n_rows // 2 if self.trees.n_trees == 1 else n_rows // 8
        limit = min(most, _FEW_CELLS)
        while True:
            found = self._number_cells(rows, step, limit)
            if found is not None or limit == most:
                return found
            limit = min(most, 8 * limit)

    def _number_cells(self, rows: Array, step: Array, limit: int) -> tuple[Array, Array] | None:
        bits = max(int(2 * limit - 1).bit_length(), 4)
        keys, numbers = np.zeros(1 << bits, np.int64), np.full(1 << bits, -1, np.int32)
        first_row, index = np.zeros(limit, np.int64), np.empty(len(rows), np.int32)
        count = 0
        size = len(rows) if _is_flat(rows) else max(_BLOCK_NUMBERS // rows.shape[1] // 8, 512)
        for first in range(0, len(rows), size):
            part = rows[first : first + size]
            count = find_cells(
                *_flat(part),
                self._layout.used,
                self.splits.cast32,
                self._cell_slots,
                step,
                keys,
                numbers,
                count,
                first,
                first_row,
                index[first : first + len(part)],
            )
            if count < 0:
                return None
        return index, first_row[:count]


def _is_flat(rows: Array) -> bool:
    return rows.dtype == np.float64 and (rows.flags.c_contiguous or rows.flags.f_contiguous)


def _flat(rows: Array) -> tuple[Array, int, int]:
    """Rows as one run of float64 with the strides of rows and columns, copied only if need be."""
    if not _is_flat(rows):
        rows = np.ascontiguousarray(rows, np.float64)
    if rows.flags.c_contiguous:
        return read_only(rows.reshape(-1)), rows.shape[1], 1
    return read_only(rows.T.reshape(-1)), 1, rows.shape[0]


def _check_nodes(trees: Trees, splits: Splits) -> None:
    if len(splits.feature) != trees.n_nodes or not np.array_equal(
        splits.feature >= 0, ~trees.is_leaf
    ):
        raise ValueError(
            f"splits describe {len(splits.feature)} nodes, {int((splits.feature >= 0).sum())} with "
            f"a column; the trees have {trees.n_nodes}, {trees.n_nodes - trees.n_leaves} with "
            "children. Read both from one model."
        )


def _check_players(player: ArrayLike | None, n_players: int | None, n_features: int) -> Array:
    out = np.arange(n_features) if player is None else np.array(player)
    if out.shape != (n_features,) or (len(out) and out.dtype.kind not in "iu"):
        raise ValueError(
            f"player has shape {out.shape} and type {out.dtype}; give one whole number for each "
            f"of the {n_features} model columns"
        )
    low, high = int(out.min(initial=0)), int(out.max(initial=-1))
    if low < 0 or (n_players is not None and high >= n_players):
        raise ValueError(
            f"players go from {low} to {high}; possible are 0 to "
            f"{'any number' if n_players is None else n_players - 1}"
        )
    return out.astype(np.int64)


def _check_weight(weight: ArrayLike | None, n_rows: int, name: str) -> Array:
    out = np.ones(n_rows) if weight is None else np.array(weight, np.float64)
    if out.shape != (n_rows,):
        raise ValueError(f"{name} has shape {out.shape}; one number for each of {n_rows} rows")
    if not np.isfinite(out).all() or (out < 0).any() or not (out > 0).any():
        raise ValueError(f"{name} must be finite, not negative and not all zero")
    return out
