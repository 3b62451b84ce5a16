"""Every step of a path measured at once, with its refits: grow anew, prune anew, align.

A refit of a path grows the model on a part of the rows, prunes it by the same method, and answers
for a step of the whole path by its own step that is aligned with it, as in cross-validation. Of
trees all steps are measured in one pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .. import native
from ..estimators import recipe_of
from ..explain.features import FeatureMap
from ..explain.interpretability.components import Measured
from ..explain.interpretability.evidence import Evidence, gather
from ..explain.interpretability.measure import (
    Reference,
    measure_networks,
    measure_trees,
    step_values,
    with_classes,
)
from ..explain.interpretability.refits import Training, seeded
from ..explain.interpretability.score import (
    OFTEN,
    Setting,
    mean_and_se,
    measures_of,
    otherwise_of,
    row_losses_of,
)
from ..explain.view import Answers, View, view_of
from ..path import PruningPath
from ..pruning import pruning_path
from ..pruning.methods import METHODS, Method
from ..scoring import thin
from ..selection import Recipe, Rows, aligned_steps
from ..stages import EnsembleStages, TreeStages
from ..trees import Splits, Trees

__all__ = ["measure_path"]

Array = npt.NDArray[np.float64]

MOST_STEPS = 50


@dataclass(frozen=True, eq=False)
class PathSubject:
    """Steps of a path, with the procedure that makes another.

    Parameters
    ----------
    path : PruningPath
    at : array of int64, shape (n_steps,)
        Its steps that are measured.
    feature_map : FeatureMap
        From what the model receives to raw columns.
    recipe : Recipe
    whole : PruningPath
        With whose steps refits are aligned.
    """

    path: PruningPath
    at: npt.NDArray[np.int64]
    feature_map: FeatureMap
    recipe: Recipe
    whole: PruningPath

    @property
    def stratify(self) -> bool:
        """Whether parts keep the shares of classes."""
        return len(Answers.of(self.path.model).classes) == 1

    def view(self) -> View:
        """The grown model, without rules."""
        path, model = self.path, self.path.model
        return View(
            Answers.of(model),
            self.feature_map,
            ("y",),
            None,
            predictor=model,
            trees=path.trees,
            splits=None if path.trees is None else native.splits(model),
            network=path.networks[0] if path.networks else None,
        )

    def measure(self, reference: Reference) -> Measured:
        """Measure all asked steps."""
        path, view = self.path, self.view()
        told = path.stages.values(_received(self.feature_map, reference.X))
        answers = np.stack([told(int(s)).reshape(len(reference), -1) for s in self.at])
        found = self._measured(view, reference, answers)
        known = Answers.of(self.whole.model).classes
        if len(known) != 1:
            return found
        return with_classes(found, view.answers.classes[0], known[0])

    def _measured(self, view: View, reference: Reference, answers: Array) -> Measured:
        path = self.path
        if path.trees is None:
            networks = [path.networks[s] for s in self.at]
            return measure_networks(view, reference, networks, answers)
        if path.regrouped is None:
            return measure_trees(view, reference, *_nodes_at(path, self.at), answers)
        # Both models stand side by side in one: of each step one of them is all constant zero.
        trees, splits = _side_by_side(path, path.regrouped)
        grown = self.at == 0
        is_leaf = np.ones((len(self.at), trees.n_nodes), np.bool_)
        values = np.zeros((*is_leaf.shape, path.trees.value[0].size))
        n = path.trees.n_nodes
        is_leaf[grown, :n] = path.trees.is_leaf
        values[grown, :n] = path.trees.value.reshape(n, -1)
        if not grown.all():
            is_leaf[~grown, n:], values[~grown, n:] = _nodes_at(path.regrouped, self.at[~grown] - 1)
        view = replace(view, trees=trees, splits=splits)
        return measure_trees(view, reference, is_leaf, values, answers)

    def again(self, training: Training, seed: int) -> PathSubject:
        """The path of a model grown on these rows."""
        X = _received(self.feature_map, training.X)
        own = replace(self.recipe, estimator=seeded(self.recipe.estimator, seed))
        path = own.path(Rows.of(X, training.y, training.weight, training.groups))
        at = aligned_steps(self.whole, path, own.method)[self.at]
        return PathSubject(path, at, self.feature_map, self.recipe, self.whole)


def _nodes_at(path: PruningPath, at: npt.NDArray) -> tuple[npt.NDArray[np.bool_], Array]:
    """Leaves, and what each node of the grown trees tells, at steps of a path."""
    stages = path.stages
    assert path.trees is not None
    assert isinstance(stages, TreeStages | EnsembleStages)
    is_leaf = path.trees.is_leaf | (path.removed_at <= at[:, None])
    return is_leaf, step_values(path.trees, path.removed_at, at, stages.node_values)


def _side_by_side(path: PruningPath, other: PruningPath) -> tuple[Trees, Splits]:
    """The trees of two boosters as those of one."""
    one, two = path.trees, other.trees
    assert one is not None
    assert two is not None
    n = one.n_nodes

    def both(name: str, a: Any = one, b: Any = two) -> npt.NDArray:
        return np.concatenate([getattr(a, name), getattr(b, name)])

    def later(nodes: npt.NDArray) -> npt.NDArray:
        return np.where(nodes < 0, -1, nodes + n)

    trees = replace(
        one,
        left=np.concatenate([one.left, later(two.left)]),
        right=np.concatenate([one.right, later(two.right)]),
        roots=np.concatenate([one.roots, later(two.roots)]),
        value=both("value"),
        weight=both("weight"),
        n_rows=both("n_rows"),
        impurity=both("impurity"),
        tree_weight=both("tree_weight"),
        tree_output=both("tree_output"),
    )
    pair = native.splits(path.model), native.splits(other.model)
    n_sets = [
        np.diff(own.category_offsets) if len(own.category_offsets) > 1 else np.zeros(m, np.int64)
        for own, m in zip(pair, (n, two.n_nodes), strict=True)
    ]
    splits = replace(
        pair[0],
        feature=both("feature", *pair),
        threshold=both("threshold", *pair),
        missing_left=both("missing_left", *pair),
        category_values=both("category_values", *pair),
        category_offsets=np.concatenate([[0], *n_sets]).cumsum(),
    )
    return trees, splits


def _received(feature_map: FeatureMap, X: Any) -> Any:
    """Rows as the path's model receives them."""
    before = feature_map.transformer
    return X if before is None else before.transform(X)


def measure_path(
    path: PruningPath,
    setting: Setting,
    *,
    estimator: Any = None,
    feature_map: FeatureMap | None = None,
    steps: Any = None,
) -> PruningPath:
    """The path with what was measured of its steps; see `treeprune.interpretability`."""
    if steps is None:
        wanted = thin(path.size, MOST_STEPS)
        at = np.unique(wanted if path.chosen is None else np.append(wanted, path.chosen))
    else:
        at = np.unique(_checked(steps, len(path)))
    reference, rows = setting.reference()
    if feature_map is None:
        feature_map = view_of(path.model, reference.X, readable=False).feature_map
    elif not hasattr(feature_map, "columns"):  # what stands before the model in its pipeline
        feature_map = FeatureMap.of(feature_map, reference.X)
    subject = PathSubject(path, at, feature_map, _recipe(path, estimator, setting), path)
    if setting.decision is not None:
        subject.view().check_decision(setting.decision)
    found = gather(
        subject,
        reference,
        setting.training(),
        rows=rows if setting.trained_here else None,
        n_refits=setting.n_refits,
        n_draws=setting.n_draws,
        n_jobs=setting.n_jobs,
    )
    table = _table(found, at, subject.view(), setting, rows)
    return replace(path, measures=table.reindex(range(len(path))).rename_axis("step"))


def _checked(steps: Any, n: int) -> npt.NDArray[np.int64]:
    out = np.atleast_1d(np.asarray(steps))
    if out.dtype.kind not in "iu" or out.ndim != 1 or not len(out):
        raise ValueError(f"steps must be whole numbers, got {steps!r}")
    if (out < -n).any() or (out >= n).any():
        raise ValueError(f"steps must be between 0 and {n - 1}, got {steps!r}")
    return np.where(out < 0, out + n, out).astype(np.int64)


def _recipe(path: PruningPath, estimator: Any, setting: Setting) -> Recipe:
    """How the path is made again: as the estimator does, else by its model and method alone."""
    if estimator is not None:
        estimator = estimator[-1] if hasattr(estimator, "steps") else estimator
        if not hasattr(estimator, "path_") and not hasattr(estimator, "strength"):
            raise ValueError(
                f"estimator must be the PrunedClassifier, PrunedRegressor or pruned tree that made "
                f"the path, got {type(estimator).__name__}"
            )
        y = setting.y if setting.y_train is None else setting.y_train
        return recipe_of(estimator, y)
    method = METHODS.get(path.method)
    if method is None:
        raise ValueError(
            f"{path.method!r} is a method of your own; give the estimator that made the path"
        )
    if setting.n_refits and not method.needs_holdout and not path.networks:
        _check_remade(path, method, setting)
    classes = getattr(path.model, "classes_", None)
    labels = isinstance(classes, np.ndarray)
    return Recipe(
        estimator=path.model,
        method=method,
        classes=classes if labels else None,
        seed=setting.random_state,
        of_network={
            "granularity": {"weight": "weights", "neuron": "neurons", "input": "inputs"}[path.unit]
        }
        if path.networks
        else {},
    )


def _check_remade(path: PruningPath, method: Method, setting: Setting) -> None:
    """Refuse to refit a path that is not that of its model and method alone."""
    rows: tuple[Any, ...] = ()
    regrouped = path.regrouped is not None
    if path.values or regrouped:  # refitted, by the rows that the model was trained on
        rows = (setting.X, setting.y) if setting.X_train is None else (
            setting.X_train, setting.y_train
        )  # fmt: skip
    elif method.rows == "training":
        return  # needs the rows it was made on
    again = pruning_path(path.model, *rows, method=method)
    # Of splits that stand alone, steps of another length may leave the same ones.
    same = not regrouped or np.array_equal(again.risk.round(9), path.risk.round(9))
    if not same or not np.array_equal(again.removed_at, path.removed_at):
        raise ValueError(
            f"the path was made by {path.method} with other settings (a risk, never_prune, options "
            "of the method) or from other rows, which it does not hold; give the estimator that "
            "made it, its rows as X_train and y_train, or n_refits=0"
        )


def _table(
    found: Evidence, at: npt.NDArray, view: View, setting: Setting, rows: npt.NDArray
) -> pd.DataFrame:
    columns: dict[str, Any] = {"interpretability": found.composite, **found.components}
    for kind, spans in (("rows", found.over_rows()), ("refits", found.over_refits())):
        for name, (low, high) in spans.items():
            label = "interpretability" if name == "composite" else name
            columns[f"{label}_{kind}_low"], columns[f"{label}_{kind}_high"] = low, high
    own = [measures_of(found, i) for i in range(len(at))]
    columns.update({name: [m[name] for m in own] for name in own[0]})
    losses = row_losses_of(found, view.answers.classes, setting, rows)
    if losses is None:
        columns["loss"], columns["loss_se"] = np.nan, np.nan
    else:
        pairs = [mean_and_se(each, found.weight) for each in losses[1]]
        columns["loss"], columns["loss_se"] = (list(x) for x in zip(*pairs, strict=True))
    often = otherwise_of(found, view, setting.decision)
    if often is not None:
        share = found.weight / found.weight.sum()
        columns["decided_otherwise"] = often @ share
        columns["often_otherwise"] = (often >= OFTEN - 1e-12) @ share
    return pd.DataFrame(columns, index=at)
