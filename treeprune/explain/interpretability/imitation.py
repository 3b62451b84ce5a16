"""What it takes to read a model that can only be asked: a tree large enough to give its output.

The tree is grown until it gives 99.5 % of the variation of the model's output on rows it was not
grown on. Where even the largest gives less than 98 %, the model is not read at all: nobody could
carry it out by hand. The bounds are high so that a model is not made easier by hiding what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.tree import DecisionTreeRegressor

from ... import native
from ..features import FeatureMap
from ..fidelity import r_squared
from ..surrogate import column_kinds, encoded, fit_encoder, plain_columns, typed_columns
from ..tables import as_frame
from .structure import Structure, TreeShape, tree_structure

__all__ = ["Imitation", "imitate"]

# Share of the variation of the model's output from which a tree stands for it, and up to which
# it says nothing of it.
ENOUGH, TOO_LITTLE = 0.995, 0.98
FEWEST_ROWS = 50
SIZES = (4, 8, 16, 32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True, eq=False)
class Imitation:
    """A tree in place of a model.

    Parameters
    ----------
    structure : Structure
        Of the tree, for the reference rows.
    fidelity : float
        Share of the variation of the model's output that it gives on rows left out (R²).
    n_rows : int
        Rows it was grown on and compared with.
    """

    structure: Structure
    fidelity: float
    n_rows: int

    @property
    def trust(self) -> float:
        """How far the tree may stand for the model, from 0 to 1; 0 where it saw few rows."""
        if self.n_rows < FEWEST_ROWS:
            return 0.0
        share = (self.fidelity - TOO_LITTLE) / (ENOUGH - TOO_LITTLE)
        return float(np.clip(share, 0.0, 1.0))


def imitate(output: npt.NDArray[np.float64], X: Any, *, seed: int) -> Imitation:
    """Grow the smallest tree that gives enough of a model's output.

    Parameters
    ----------
    output : array of float64, shape (n_rows, n_outputs)
        The model's own, for these rows.
    X : array-like, shape (n_rows, n_raw_columns)
    seed : int
        Chooses the fifth of the rows on which the tree is compared.
    """
    frame = as_frame(X)
    kinds = column_kinds(frame)
    plain = plain_columns(frame, kinds)
    order = np.random.default_rng(seed).permutation(len(frame))
    rest, own = order[: len(order) // 5], order[len(order) // 5 :]
    if not len(rest):
        rest = own
    encoder = fit_encoder(plain.iloc[own], output[own], kinds)
    train, test = encoded(encoder, plain.iloc[own]), encoded(encoder, plain.iloc[rest])
    tree, found = None, -np.inf
    for size in SIZES:
        grown = DecisionTreeRegressor(max_leaf_nodes=size, random_state=seed)
        grown.fit(train, output[own])
        told = grown.predict(test).reshape(len(rest), -1)
        reached = r_squared(output[rest], told)
        if np.isnan(reached):  # the rows left out are all told the same
            reached = 1.0 if np.ptp(output, axis=0).max() == 0 else 0.0
        if reached > found:
            tree, found = grown, reached
        if found >= ENOUGH or grown.get_n_leaves() < size:
            break
    return Imitation(_structure(tree, encoder, frame, plain), found, len(frame))


def _structure(tree: Any, encoder: Any, frame: Any, plain: Any) -> Structure:
    trees, splits = native.read(tree), native.splits(tree)
    feature_map = FeatureMap.of(encoder, typed_columns(frame, plain))
    shape = TreeShape.of(trees, splits, feature_map)
    leaf = native.apply(tree, encoded(encoder, plain)).astype(np.int64)
    values = trees.value.reshape(trees.n_nodes, -1)
    return tree_structure(shape, leaf.reshape(len(frame), -1), trees.is_leaf, values)[0]
