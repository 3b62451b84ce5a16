"""Choose a step by evidence: grow once a fold, score every step, align, take the best or one SE.

Each fold's model is fitted once; its path is scored on the fold's held-out rows at all steps in
one pass and matched to the steps of the path grown on all rows.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import (
    GroupShuffleSplit,
    ShuffleSplit,
    StratifiedShuffleSplit,
    check_cv,
)
from sklearn.utils import _safe_indexing
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.parallel import Parallel, delayed

from . import native
from .losses import check_rows, stored_sums
from .objectives import OBJECTIVES
from .path import PruningPath
from .pruning import midpoints, pruning_path
from .pruning.methods import Method
from .scoring import Scoring, asked, resolve

__all__ = ["Recipe", "Rows", "aligned_steps", "cross_validate", "holdout"]

Array = npt.NDArray


@dataclass(frozen=True)
class Rows:
    """Rows of a data set with what belongs to them; `take` keeps all of it together."""

    X: Any
    y: Any
    weight: Array | None = None
    groups: Any = None

    @classmethod
    def of(cls, X: Any, y: Any, weight: Any, groups: Any) -> Rows:
        """Rows in forms that can be sliced, with weights that fit."""
        if sparse.issparse(X):
            X = X.tocsr()
        elif not hasattr(X, "shape"):
            X = np.asarray(X)
        if weight is not None:
            weight = check_rows(X, None, weight)
        return cls(X, y, weight, groups)

    def take(self, index: Array) -> Rows:
        """The rows of these positions."""
        return Rows(
            _safe_indexing(self.X, index),
            _safe_indexing(self.y, index),
            None if self.weight is None else self.weight[index],
            None if self.groups is None else _safe_indexing(self.groups, index),
        )

    def __len__(self) -> int:
        return self.X.shape[0]


@dataclass(frozen=True)
class Recipe:
    """How a path is made from rows: the model to grow and the method to prune it by."""

    estimator: Any
    method: Method
    risk: str | None = None
    cost_matrix: Any = None
    classes: Array | None = None
    never_prune: Any = None
    validation: Any = 0.25
    seed: int | None = None
    of_network: dict[str, Any] = field(default_factory=dict)

    def path(self, rows: Rows) -> PruningPath:
        """Grow a model on the rows (setting some aside where the method needs it); its path."""
        if not self.method.needs_holdout:
            model = self.grow(rows)
            needed = self.method.rows == "training" or not self._has_stored(model)
            return self._path(model, rows if needed else None)
        grown, held = holdout(rows, self.validation, self.classes is not None, self.seed)
        return self._path(self.grow(rows.take(grown)), rows.take(held))

    def grow(self, rows: Rows) -> Any:
        """A fitted clone of the estimator."""
        model = clone(self.estimator)
        if rows.weight is None:
            return model.fit(rows.X, rows.y)
        return model.fit(rows.X, rows.y, sample_weight=rows.weight)

    def _has_stored(self, model: Any) -> bool:
        """Whether the model has stored what the risk is read from (else: the rows it grew on)."""
        if self.method.rows == "unused":
            return True
        if native.family(model) == "booster" or self.method.options.get("refit") not in (
            *(None, "auto"),
        ):
            # A loss that is not known here can be ordered by what the model has stored.
            unknown = native.objective(model) not in OBJECTIVES
            return unknown and self.method.name == "cost_complexity"
        if self.method.risks and self.risk in (None, "impurity"):
            return True
        try:
            stored_sums(native.read(model))
        except ValueError:
            return False
        return True

    def _path(self, model: Any, held: Rows | None) -> PruningPath:
        matrix = self.cost_matrix
        if matrix is not None and np.ndim(matrix) == 2 and self.classes is not None:
            matrix = np.asarray(matrix)
            known = np.isin(self.classes, model.classes_)  # a fold may lack a class
            if matrix.shape == (len(known), len(known)):
                matrix = matrix[np.ix_(known, known)]
        return pruning_path(
            model,
            None if held is None else held.X,
            None if held is None else held.y,
            method=self.method,
            risk=self.risk,
            cost_matrix=matrix,
            sample_weight=None if held is None else held.weight,
            never_prune=self.never_prune,
            random_state=self.seed,
            **self.of_network,
        )


def holdout(
    rows: Rows, validation: Any, is_classifier: bool, seed: int | None
) -> tuple[Array, Array]:
    """Positions of the rows to grow on and of those to prune by.

    Parameters
    ----------
    rows : Rows
    validation : float or splitter
        A fraction (stratified where each class has two rows, by group where groups are given),
        or a scikit-learn splitter, whose last split is used.
    is_classifier : bool
    seed : int or None

    Raises
    ------
    ValueError
        If the splitter's indices are out of range or overlap, or a part is empty.
    """
    n = len(rows)
    splitter = validation
    if isinstance(validation, str):  # has a method `split` too
        raise ValueError(
            f"validation must be a fraction between 0 and 1 or a scikit-learn splitter, got "
            f"{validation!r}"
        )
    if not hasattr(validation, "split"):
        if n < 2:
            raise ValueError(
                "setting rows aside for pruning needs at least 2 rows, got n_samples=1; use a "
                "method without held-out rows, such as cost_complexity"
            )
        splitter = ShuffleSplit(1, test_size=validation, random_state=seed)
        if rows.groups is not None:
            splitter = GroupShuffleSplit(1, test_size=validation, random_state=seed)
        elif is_classifier and _can_stratify(rows.y, validation, n):
            splitter = StratifiedShuffleSplit(1, test_size=validation, random_state=seed)
    elif hasattr(splitter, "test_fold") and len(splitter.test_fold) != n:
        raise ValueError(
            f"validation is a PredefinedSplit of {len(splitter.test_fold)} rows, but {n} rows "
            "arrived (inside a search or a Pipeline they are another selection); give a fraction "
            "or another splitter"
        )
    grown = held = np.zeros(0, np.intp)
    for train, test in splitter.split(np.zeros(n), rows.y, rows.groups):
        grown, held = np.asarray(train), np.asarray(test)
    both = np.concatenate([grown, held])
    if not len(grown) or not len(held):
        raise ValueError(
            f"validation={validation!r} leaves {len(grown)} rows to grow on and {len(held)} to "
            f"prune by, of {n}; both must be at least 1"
        )
    if both.min() < 0 or both.max() >= n or np.intersect1d(grown, held).size:
        raise ValueError(
            f"validation={validation!r} must split rows 0 to {n - 1} into two disjoint parts"
        )
    return grown, held


def _can_stratify(y: Any, fraction: float, n: int) -> bool:
    y = np.asarray(y)
    if type_of_target(y) not in ("binary", "multiclass"):
        return False
    counts = np.unique(y.reshape(-1), return_counts=True)[1]
    room = min(int(np.ceil(fraction * n)), n - int(np.ceil(fraction * n)))
    return bool(counts.min() >= 2 and room >= len(counts))


def aligned_steps(path: PruningPath, fold: PruningPath, method: Method) -> Array:
    """Step of the fold's path that answers for each step of the whole path.

    Training risks are matched at the geometric mean of a strength and its successor, which is
    the middle of the interval where the step is optimal (Breiman et al. 1984, ch. 3.4.2);
    strengths with a scale of their own at the strength itself, shares of removed units at the
    nearest one; hold-out paths by size.
    """
    if fold.trees is not None and (path.is_boosted or path.values) and method.align != "strength":
        # A fold's model is smaller than the whole one: what counts is the share of its leaves.
        own, wanted = (np.log(p.size / p.size[0]) for p in (fold, path))
        apart = np.abs(own - wanted[:, None])
        if fold.regrouped is not None:  # only the whole model answers for the model as grown
            apart[:, 0] = np.inf
        steps = apart[:, ::-1].argmin(axis=1)
        return np.where(np.isneginf(path.strength), 0, len(fold) - 1 - steps)
    if method.align == "size":
        # The fold's sizes fall: the first step with at most as many leaves, or its smallest.
        steps = np.searchsorted(-fold.size, -path.size, side="left")
        return np.minimum(steps, len(fold) - 1)
    if method.align == "nearest":
        # Shares of units that are gone, of the model as trained too; of equally near ones the last.
        own, wanted = (1.0 - p.size / max(1, len(p.removed_at)) for p in (fold, path))
        apart = np.abs(own[::-1] - wanted[:, None])
        steps = len(fold) - 1 - apart.argmin(axis=1)
        return np.where(np.isneginf(path.strength), 0, steps)
    levels = midpoints(path.strength) if method.align == "geometric" else path.strength
    return np.searchsorted(fold.strength, levels, side="right") - 1


def _fold_scores(
    k: int,
    recipe: Recipe,
    path: PruningPath,
    rows: Rows,
    train: Array,
    test: Array,
    scoring: Scoring,
) -> Array:
    try:
        return _scores_of(recipe, path, rows, train, test, scoring)
    except ValueError as error:
        raise ValueError(
            f"fold {k} ({len(train)} rows to grow on, {len(test)} to score): {error}"
        ) from error


def _scores_of(
    recipe: Recipe, path: PruningPath, rows: Rows, train: Array, test: Array, scoring: Scoring
) -> Array:
    fold = recipe.path(rows.take(train))
    held = rows.take(test)
    at = aligned_steps(path, fold, recipe.method)
    steps = steps_asked(path, scoring)
    score = fold.score_steps(
        held.X,
        held.y,
        scoring,
        sample_weight=held.weight,
        steps=np.unique(at[steps]),
        unknown_ok=True,
    )
    out = np.full(len(path), np.nan)
    out[steps] = score[at[steps]]
    return out


def steps_asked(path: PruningPath, scoring: Scoring) -> Array:
    """All steps where their sums cost next to nothing, else so many as can be paid for."""
    if scoring.loss is not None and not path.is_boosted:
        return np.arange(len(path))
    return asked(path.size, scoring)


def cross_validate(
    recipe: Recipe,
    path: PruningPath,
    rows: Rows,
    *,
    cv: Any,
    scoring: Any,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> PruningPath:
    """The path with mean score and standard error of every step over the folds.

    Parameters
    ----------
    recipe : Recipe
        Repeated in each fold.
    path : PruningPath
        Grown on all rows.
    rows : Rows
    cv : int, splitter or iterable of splits
        As in scikit-learn.
    scoring : None, str or callable
    n_jobs, verbose
        Of joblib, whose backend may be a Dask or Ray cluster.

    Notes
    -----
    Additive scores weigh rows by their sample weight; folds count alike. The standard error is
    the standard deviation over folds (ddof 1) divided by the square root of their number; NaN
    with a single split.
    """
    how = resolve(scoring, path.base)
    splitter = check_cv(cv, np.asarray(rows.y), classifier=bool(path.base.predicted_classes))
    # Splitters look at the number of rows only; some refuse frames that trees accept.
    splits = list(splitter.split(np.zeros(len(rows)), rows.y, rows.groups))
    if rows.weight is not None:
        counted = [s for s in splits if all(rows.weight[part].any() for part in s)]
        if len(counted) < len(splits):
            warnings.warn(
                f"{len(splits) - len(counted)} of {len(splits)} folds have no weight and are left "
                "out",
                stacklevel=4,
            )
        splits = counted
    if not splits:
        raise ValueError(f"cv={cv!r} gives no split; give at least one, two for one_se")
    scores = np.array(
        Parallel(n_jobs=n_jobs, verbose=verbose)(
            delayed(_fold_scores)(k, recipe, path, rows, train, test, how)
            for k, (train, test) in enumerate(splits)
        )
    )
    n = len(scores)
    if np.isnan(scores.mean(axis=0)).all():
        bad = [k for k, fold in enumerate(scores) if np.isnan(fold).all()]
        raise ValueError(
            f"{how.name} is not defined (NaN) in fold{'s' if len(bad) > 1 else ''} "
            f"{', '.join(map(str, bad))} of {n}; give folds that hold every class, or another "
            "scoring"
        )
    undefined = np.isnan(scores).any(axis=0) & ~np.isnan(scores).all(axis=0)
    if undefined.any():
        warnings.warn(
            f"{how.name} is not finite in some fold at {undefined.sum()} of {len(path)} steps, "
            "which cannot be chosen",
            stacklevel=4,
        )
    se = scores.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(path), np.nan)
    return path.scored(scores.mean(axis=0), se, how.name)
