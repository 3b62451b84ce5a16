"""Refits: the same procedure on parts of the rows, to see what of a model is chance.

Parts are 63.2 % of the rows without replacement: a bootstrap sample would put copies of one row
on both sides of the folds by which a procedure chooses its size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import has_fit_parameter

__all__ = ["SHARE", "Training", "parts", "refit", "seeded"]

SHARE = 0.632


@dataclass(frozen=True)
class Training:
    """Rows that a procedure is fitted on.

    Parameters
    ----------
    X, y : array-like
    weight : array, optional
    groups : array-like, optional
        Rows of one group are in a part together.
    """

    X: Any
    y: Any
    weight: npt.NDArray | None = None
    groups: Any = None

    def take(self, index: npt.NDArray[np.int64]) -> Training:
        """The rows of these positions."""
        X = self.X.tocsr() if sparse.issparse(self.X) else self.X
        return Training(
            _safe_indexing(X, index),
            _safe_indexing(self.y, index),
            None if self.weight is None else self.weight[index],
            None if self.groups is None else _safe_indexing(self.groups, index),
        )

    def __len__(self) -> int:
        """Number of rows."""
        return int(np.shape(self.y)[0])


def parts(
    training: Training, n: int, *, stratify: bool, seed: int
) -> Iterator[npt.NDArray[np.int64]]:
    """Positions of the rows of each part.

    Parameters
    ----------
    training : Training
    n : int
        Number of parts.
    stratify : bool
        Whether every part has the whole's shares of classes (where each has two rows at least).
    seed : int

    Yields
    ------
    array of int64
    """
    split: Any = ShuffleSplit
    if training.groups is not None:
        split = GroupShuffleSplit
    elif stratify and np.unique(training.y, return_counts=True)[1].min() >= 2:
        split = StratifiedShuffleSplit
    how = split(n_splits=n, train_size=SHARE, test_size=1 - SHARE, random_state=seed)
    for train, _ in how.split(np.zeros(len(training)), training.y, training.groups):
        yield np.sort(train)


def seeded(model: Any, seed: int) -> Any:
    """An unfitted copy in which whatever is random has a seed; seeds that are set stay."""
    out = clone(model)
    known = out.get_params(deep=True)
    free = [
        name
        for name, value in known.items()
        if (name == "random_state" or name.endswith("__random_state")) and value is None
    ]
    return out.set_params(**dict.fromkeys(free, seed)) if free else out


def refit(model: Any, training: Training, seed: int) -> Any:
    """The model's procedure on other rows.

    Parameters
    ----------
    model : estimator
        Cloned, never changed.
    training : Training
    seed : int

    Raises
    ------
    ValueError
        If it has weights that the model's `fit` does not take.
    """
    fresh = seeded(model, seed)
    last, prefix = fresh, ""
    if hasattr(fresh, "steps"):
        prefix, last = f"{fresh.steps[-1][0]}__", fresh.steps[-1][1]
    words = {}
    if training.groups is not None and has_fit_parameter(last, "groups"):
        words[f"{prefix}groups"] = training.groups  # for the folds by which it chooses
    if training.weight is not None:
        if not has_fit_parameter(last, "sample_weight"):
            raise ValueError(
                f"the fit of {type(last).__name__} takes no sample_weight, so that it cannot be "
                "refitted with weights; leave sample_weight out, or n_refits=0"
            )
        words[f"{prefix}sample_weight"] = training.weight
    return fresh.fit(training.X, training.y, **words)
