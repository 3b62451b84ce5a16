"""From node risks to a `PruningPath`: order the splits, group ties into steps, sum up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .. import kernels
from ..native import same_column
from ..path import PruningPath
from ..trees import Splits, Trees
from .columns import feature_groups_of
from .methods import Evidence, Method
from .steps import TIE, group_steps

__all__ = [
    "build_path",
    "count_columns",
    "locked_nodes",
    "node_frame",
    "shrink_values",
]

Array = npt.NDArray


def build_path(
    model: Any,
    evidence: Evidence,
    method: Method,
    locked: Array,
    own: Array | None = None,
) -> PruningPath:
    """Order the splits by the method (or by the strengths `own`) and number the steps."""
    trees = evidence.trees
    assert method.node_risk is not None
    raw = method.node_risk(evidence)
    total = trees.weight[trees.roots] if evidence.sums is None else evidence.sums.total
    if not (total > 0).all():
        raise ValueError(
            "the rows that decide on pruning are empty: there are none, or their weights are all "
            "zero; give rows, or a larger validation part"
        )
    risk = raw / total[trees.tree_of]
    scale = float(np.abs(risk).max())
    if own is not None:
        scale = 0.0  # strengths of an unknown unit tie only relatively
        strength = kernels.top_down(trees.left, trees.parent, own, locked)
    elif method.own_strength is not None:
        scale = 1.0  # in standard errors
        own = method.own_strength(evidence, raw)
        strength = kernels.top_down(trees.left, trees.parent, own, locked)
    else:
        strength = _weakest_link(trees, raw, risk, method.margin, locked)
    step_strength, removed_at = group_steps(strength, scale)
    removed_at.setflags(write=False)
    n_steps = len(step_strength)
    # Counts stay integers as long as they are summed before they are divided.
    unit = total[0] if (total == total[0]).all() else 0.0
    summed = raw if unit else risk
    risks = kernels.step_sums(trees.left, trees.right, trees.parent, removed_at, summed, n_steps)
    risks = np.where(np.abs(risks) <= TIE * np.abs(summed).max(), 0.0, risks)
    # Splits left at each step, from how many go at each.
    going = np.bincount(removed_at[~trees.is_leaf], minlength=n_steps + 1)
    size = trees.n_trees + np.cumsum(going[::-1])[::-1][1:]
    return PruningPath(
        model=model,
        trees=trees,
        removed_at=removed_at,
        strength=step_strength,
        size=size[:n_steps],
        risk=risks / (unit or 1.0) / trees.n_trees,
        method=method.name,
    )


def _weakest_link(trees: Trees, raw: Array, risk: Array, margin: float, locked: Array) -> Array:
    """Weakest-link strengths; with a margin, what the recursion prunes goes first, at zero."""
    if margin == 0.0:
        return kernels.weakest_link(trees.left, trees.right, trees.parent, risk, locked)
    # Rounding must not decide a tie: the margin has the slack that strengths have.
    slack = TIE * float(np.abs(raw).max())
    first = kernels.bottom_up(trees.left, trees.right, raw, margin + slack, locked)
    children = trees.children_within(first)
    strength = kernels.weakest_link(*children, trees.parent, risk, locked)
    return np.where(first, 0.0, strength)


def locked_nodes(trees: Trees, splits: Splits, never_prune: Sequence[Any] | None) -> Array:
    """Mask of the splits on the columns named, and of their ancestors.

    Raises
    ------
    ValueError
        If a column is not one of the model's.
    """
    if never_prune is None:
        return np.zeros(trees.n_nodes, np.bool_)
    if isinstance(never_prune, str):
        never_prune = [never_prune]
    if np.ndim(never_prune) != 1:
        raise ValueError(f"never_prune must be a list of columns, got {never_prune!r}")
    names = list(splits.feature_names or ())
    kept: list[int] = []
    for column in never_prune:
        if trees.is_boosted and column not in names:  # LightGBM has renamed columns in silence
            column = next((n for n in names if same_column(n, column)), column)
        if isinstance(column, str) and column in names:
            kept.extend(j for j, name in enumerate(names) if name == column)
        elif (
            isinstance(column, int | np.integer)
            and not isinstance(column, bool)
            and 0 <= column < splits.n_features
        ):
            kept.append(int(column))
        else:
            known = ", ".join(names) if names else f"0 to {splits.n_features - 1} (no names)"
            raise ValueError(
                f"never_prune names {column!r}, which is not a column of the model; its columns "
                f"are {known}"
            )
    locked = np.isin(splits.feature, kept)
    kernels.lock_ancestors(trees.parent, locked)
    return locked


def node_frame(trees: Trees, splits: Splits) -> pd.DataFrame:
    """A row a node, for pruning by a rule of one's own.

    Returns
    -------
    DataFrame
        tree, node (among all nodes), parent, left, right, depth, feature (name or x0…, None at
        leaves), threshold, n_rows, weight, impurity, value (of the first output: the target, or
        the frequency of the last class).
    """
    inner = ~trees.is_leaf
    last = trees.n_classes[0] - 1 if trees.is_classifier else 0
    return pd.DataFrame(
        {
            "tree": trees.tree_of,
            "node": np.arange(trees.n_nodes),
            "parent": trees.parent,
            "left": trees.left,
            "right": trees.right,
            "depth": kernels.depths(trees.parent),
            "feature": [splits.name(t) if i else None for t, i in enumerate(inner)],
            "threshold": np.where(inner, splits.threshold, np.nan),
            "n_rows": trees.n_rows,
            "weight": trees.weight,
            "impurity": trees.impurity,
            "value": trees.value[:, 0, last],
        }
    )


def own_strengths(trees: Trees, splits: Splits, by: Callable | Sequence[int]) -> Array:
    """Strength of every node from the user's rule, or 0 for the nodes listed.

    Raises
    ------
    ValueError
        If the rule gives another number of values, or NaN; if a listed node is not a split.
    """
    if callable(by):
        strength = np.asarray(by(node_frame(trees, splits)), dtype=np.float64)
        if strength.shape != (trees.n_nodes,):
            raise ValueError(
                f"by must give one number a node, shape ({trees.n_nodes},), got {strength.shape}"
            )
        if np.isnan(strength[~trees.is_leaf]).any() or (strength == -np.inf).any():
            raise ValueError("by gave NaN or -inf; give numbers, inf for splits that never go")
        return strength
    given = np.asarray(by)
    if given.dtype.kind not in "iu" and given.size:
        raise ValueError(
            f"by must list node numbers, got {given.dtype} values such as {given.flat[0]!r}; of a "
            "boolean mask give np.flatnonzero(mask)"
        )
    nodes = given.astype(np.int64).reshape(-1)
    inside = (nodes >= 0) & (nodes < trees.n_nodes)
    if not inside.all() or trees.is_leaf[nodes].any():
        bad = nodes[~inside] if not inside.all() else nodes[trees.is_leaf[nodes]]
        raise ValueError(
            f"by lists node {int(bad[0])}, which is not a split; the model has nodes 0 to "
            f"{trees.n_nodes - 1}, of which {trees.n_nodes - trees.n_leaves} are splits"
        )
    strength = np.full(trees.n_nodes, np.inf)
    strength[nodes] = 0.0
    return strength


def count_columns(path: PruningPath, splits: Splits, feature_groups: Any) -> PruningPath:
    """The path with the number of raw columns that the trees of every step ask for."""
    group, labels = feature_groups_of(feature_groups, splits.feature_names, splits.n_features)
    last = np.zeros(len(labels), np.int64)  # step at which the last split of a column goes
    inner = splits.feature >= 0
    np.maximum.at(last, group[splits.feature[inner]], path.removed_at[inner])
    going = np.bincount(last, minlength=len(path) + 1)
    return replace(path, counts={"columns": going[::-1].cumsum()[::-1][1 : len(path) + 1]})


def shrink_values(parent: Array, value: Array, weight: Array, lam: float) -> Array:
    """Hierarchically shrunken node values, in the shape of `value`."""
    flat = np.ascontiguousarray(value.reshape(len(value), -1))
    return kernels.shrink(parent, flat, weight, float(lam)).reshape(value.shape)
