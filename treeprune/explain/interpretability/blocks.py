"""Blocks: rows of which some columns are taken from other rows, and what the model says of them.

A model column is never changed by itself: all that is made of one raw column is one block, and a
block is always that of a real row. So a one-hot group stays a category, whatever reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..attributions import Coder, tree_game
from ..view import View

__all__ = ["Blocks"]

Array = npt.NDArray
_MOST_NUMBERS = 1 << 24  # of mixed rows held at once


@dataclass(frozen=True, eq=False)
class Blocks:
    """Rows as blocks of columns that can be exchanged between rows.

    Parameters
    ----------
    matrix : array, shape (n_rows, n_units)
        Rows as `evaluate` takes them.
    player : array of int64, shape (n_units,)
        Column of the view's feature map that each unit belongs to.
    n_players : int
    evaluate : callable
        From such rows to the scores in which the model adds up, (n_rows, n_scores).

    Examples
    --------
    >>> import numpy as np
    >>> swap = Blocks(np.array([[1.0, 2.0], [10.0, 20.0]]), np.array([0, 1]), 2, lambda M: M)
    >>> swap.mixed([0, 0], [1, 1], np.array([[True, False], [False, True]])).tolist()
    [[10.0, 2.0], [1.0, 20.0]]
    """

    matrix: Array
    player: npt.NDArray[np.int64]
    n_players: int
    evaluate: Callable[[Array], Array]

    @classmethod
    def of(cls, view: View, X: Any) -> Blocks:
        """Rows of a view's model, evaluated by its trees or network, or asked of itself.

        Parameters
        ----------
        view : View
        X : array-like, shape (n_rows, n_raw_columns)
        """
        map_ = view.feature_map
        if view.trees is not None:
            return cls(
                map_.model_matrix(X), map_.player, len(map_.columns), tree_game(view).raw_score
            )
        if view.network is not None:
            return cls(map_.model_matrix(X), map_.player, len(map_.columns), view.network.raw)
        coder = Coder.of(map_.columns[: map_.n_raw], X)

        def ask(codes: Array) -> Array:
            out = view.answers(coder.rows(codes))
            return out.reshape(len(out), -1)

        return cls(coder.codes(X), np.arange(map_.n_raw), map_.n_raw, ask)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.matrix)

    def scores(self) -> npt.NDArray[np.float64]:
        """Scores of the rows as they are, (n_rows, n_scores)."""
        return self.evaluate(self.matrix)

    def mixed(
        self, row: npt.ArrayLike, donor: npt.ArrayLike, taken: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.float64]:
        """Scores of rows of which some blocks are those of other rows.

        Parameters
        ----------
        row, donor : array-like of int, shape (m,)
        taken : array of bool, shape (m, n_players) or (n_players,)
            Blocks that are the donor's.

        Returns
        -------
        array of float64, shape (m, n_scores)
        """
        row, donor = np.asarray(row, np.int64), np.asarray(donor, np.int64)
        size = max(1, _MOST_NUMBERS // max(1, self.matrix.shape[1]))
        parts = []
        for first in range(0, len(row), size):
            at = slice(first, first + size)
            own = taken[..., self.player] if taken.ndim == 1 else taken[at][:, self.player]
            parts.append(self.evaluate(np.where(own, self.matrix[donor[at]], self.matrix[row[at]])))
        return np.concatenate(parts) if parts else self.evaluate(self.matrix[:0])
