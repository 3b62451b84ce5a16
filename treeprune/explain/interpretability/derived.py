"""What columns cost that a transformer has derived: a sum can be told, a hidden model cannot.

A person who carries a model out has to make its derived columns first. A linear map of numbers
(principal components) costs its terms, and so does any function of up to three columns, which is
taken for a formula with a name. Anything else cannot be told: what stands on it is not read, so
that a model is not made easier by moving it into a transformer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..features import FeatureMap
from .structure import ARITHMETIC, WEIGHT_BITS, Structure

__all__ = ["Derived"]

FORMULA = 3  # columns up to which a function is taken for a formula
FIT = 1e-9  # of a derived column's variation, that a sum may leave


@dataclass(frozen=True, eq=False)
class Derived:
    """Derived columns of a feature map, on rows.

    Parameters
    ----------
    terms : dict of int to int
        Number of columns that each derived column is made of.
    untold : frozenset of int
        Those that cannot be told.
    """

    terms: dict[int, int]
    untold: frozenset[int]

    @classmethod
    def of(cls, feature_map: FeatureMap, values: list[npt.NDArray], Z: npt.NDArray) -> Derived:
        """Look at derived columns on rows.

        Parameters
        ----------
        feature_map : FeatureMap
        values : list of array
            `feature_map.values(X, Z)`.
        Z : array, shape (n_rows, n_model_columns)
        """
        terms, untold = {}, set()
        for source, j in zip(feature_map.sources, feature_map.player, strict=True):
            if feature_map.columns[j].kind != "derived":
                continue
            terms[int(j)] = len(source.raw)
            numbers = all(feature_map.columns[i].kind != "category" for i in source.raw)
            made = np.asarray(values[j], np.float64)
            if len(source.raw) > FORMULA and not (
                numbers and _is_sum(made, [values[i] for i in source.raw])
            ):
                untold.add(int(j))
        return cls(terms, frozenset(untold))

    def charged(self, structure: Structure) -> tuple[Structure, float]:
        """The structure with what its derived columns cost, and whether it can be read (1 or 0)."""
        own = [j for j in np.flatnonzero(structure.used).tolist() if j in self.terms]
        if not own:
            return structure, 1.0
        n = sum(self.terms[j] for j in own)
        charged = Structure(
            structure.effort + 2 * ARITHMETIC * n,
            structure.columns,
            structure.bits + n * (WEIGHT_BITS + np.log2(max(1, n))),
            structure.used,
            {**structure.counts, "derived": len(own)},
        )
        return charged, 0.0 if self.untold & set(own) else 1.0


def _is_sum(made: npt.NDArray[np.float64], raw: list[npt.NDArray]) -> bool:
    """Whether a column is a linear map of others, on these rows."""
    table = np.column_stack([np.asarray(values, np.float64) for values in raw])
    known = np.isfinite(table).all(axis=1) & np.isfinite(made)
    if np.count_nonzero(known) <= table.shape[1] + 1:
        return False  # any column is, on so few rows
    spread = table[known].std(axis=0)
    table = (table[known] - table[known].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    made = made[known] - made[known].mean()
    rest = made - table @ np.linalg.lstsq(table, made, rcond=None)[0]
    return bool(rest @ rest <= FIT * (made @ made))
