"""From a tree to rules: one per leaf, bounds merged.

Conditions on the way to a leaf are intersected column by column. What no raw row can meet (two
categories of one column at once) is dropped, so that the rules are a partition of the rows there
can be, not only of those that were seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from ..trees import Splits, Trees
from .conditions import Column, Condition, NumberCondition, limits_of
from .features import FeatureMap
from .limits import printed_limits
from .rules import Rule

__all__ = ["counted", "limit_texts", "reachable", "tree_rules"]

Respond = Callable[[npt.NDArray], npt.NDArray]
Box = dict[int, Condition]


def counted(trees: Trees) -> tuple[int, int]:
    """Number of trees and of their leaves, as a pruning path counts them.

    Parameters
    ----------
    trees : Trees

    Returns
    -------
    n_trees, n_leaves : int
        Of a booster those of the trees that split, 1 and 1 where none does: a tree of one leaf is
        a constant of the sum. Of a forest all, as such a tree still has its part in the mean.

    Examples
    --------
    >>> import numpy as np
    >>> from lightgbm import LGBMRegressor
    >>> from treeprune import native
    >>> X = np.arange(80.0)[:, None]
    >>> model = LGBMRegressor(n_estimators=3, num_leaves=2, n_jobs=1, verbose=-1)
    >>> counted(native.read(model.fit(X, X[:, 0] >= 40)))
    (3, 6)
    >>> counted(native.read(model.fit(X, 0 * X[:, 0])))
    (1, 1)
    """
    if not trees.is_boosted:
        return trees.n_trees, trees.n_leaves
    splitting = trees.n_trees - trees.n_constant
    return max(1, splitting), max(1, trees.n_leaves - trees.n_constant)


def tree_rules(
    trees: Trees, splits: Splits, feature_map: FeatureMap, respond: Respond
) -> tuple[Rule, ...]:
    """A rule for each leaf of a single tree, from left to right.

    Parameters
    ----------
    trees : Trees
        One tree.
    splits : Splits
    feature_map : FeatureMap
    respond : callable
        From raw scores (n, n_outputs, k) to the estimator's output.

    Returns
    -------
    tuple of Rule

    Examples
    --------
    See `treeprune.explain`.
    """
    left = feature_map.left(splits)
    leaves = list(_boxes(trees, int(trees.roots[0]), left, feature_map.columns))
    value = respond(_scaled(trees, np.array([leaf for leaf, _ in leaves]), 0))
    return tuple(
        Rule(_asked(box, feature_map.columns), value[i], leaf, float(trees.weight[leaf]))
        for i, (leaf, box) in enumerate(leaves)
    )


def reachable(
    trees: Trees, left: dict[int, Condition], columns: tuple[Column, ...]
) -> npt.NDArray[np.bool_]:
    """Mask of the nodes that some raw row can reach, shape (n_nodes,).

    Parameters
    ----------
    trees : Trees
    left : dict of int to Condition
        `FeatureMap.left` of its splits.
    columns : tuple of Column

    Examples
    --------
    A second test of the same column that the first has settled:

    >>> import numpy as np
    >>> from treeprune.explain.conditions import Column, NumberCondition
    >>> tree = Trees(
    ...     [1, 2, -1, -1, -1], [4, 3, -1, -1, -1], [0],
    ...     np.zeros((5, 1, 1)), np.ones(5), np.ones(5), np.zeros(5), [1.0],
    ... )
    >>> left = {t: NumberCondition(0, ((-np.inf, 5.0 + t),), False) for t in (0, 1)}
    >>> reachable(tree, left, (Column("x0", refuses_missing=True),)).tolist()
    [True, True, True, False, True]
    """
    out = np.zeros(trees.n_nodes, dtype=bool)
    for root in trees.roots:
        out[[node for node, _ in _reached(trees, int(root), left, columns)]] = True
    return out


def _scaled(trees: Trees, leaves: npt.NDArray, tree: int) -> npt.NDArray:
    return trees.value[leaves] * trees.tree_weight[tree]


def _boxes(
    trees: Trees, root: int, left: dict[int, Condition], columns: tuple[Column, ...]
) -> Iterator[tuple[int, Box]]:
    """Leaves with their merged conditions, left before right; unreachable ones left out."""
    for node, box in _reached(trees, root, left, columns):
        if trees.left[node] < 0:
            yield node, box


def _reached(
    trees: Trees, root: int, left: dict[int, Condition], columns: tuple[Column, ...]
) -> Iterator[tuple[int, Box]]:
    """Nodes that some row can reach, parents first, left before right."""
    stack: list[tuple[int, Box]] = [(root, {})]
    while stack:
        node, box = stack.pop()
        yield node, box
        if trees.left[node] < 0:
            continue
        condition = left[node]
        away = condition.complement(columns[condition.column])
        for child, asked in ((trees.right[node], away), (trees.left[node], condition)):
            both = _both(box, {asked.column: asked})
            if both is not None:
                stack.append((int(child), both))


def _both(box: Box, other: Box) -> Box | None:
    """Both boxes at once; None where nothing is in both."""
    out = dict(box)
    for column, condition in other.items():
        known = out.get(column)
        merged = condition if known is None else known & condition  # type: ignore[operator]
        if merged.is_empty:
            return None
        out[column] = merged
    return out


def _asked(box: Box, columns: tuple[Column, ...]) -> tuple[Condition, ...]:
    """Conditions that ask something."""
    return tuple(c for c in box.values() if not c.is_everything(columns[c.column]))


def limit_texts(rules: tuple[Rule, ...], values: list[npt.NDArray]) -> dict[tuple[int, float], str]:
    """How every limit is printed: the shortest decimal that routes all these values alike.

    Parameters
    ----------
    rules : tuple of Rule
    values : list of array
        Values of each column on the rows to respect.

    Returns
    -------
    dict of (int, float) to str
        By column and exact limit.
    """
    # By identity: the many rules of a partition share their conditions.
    asked: dict[int, dict[int, Condition]] = {}
    for rule in rules:
        for condition in rule.conditions:
            if isinstance(condition, NumberCondition):
                asked.setdefault(condition.column, {})[id(condition)] = condition
    texts = {}
    for column, conditions in sorted(asked.items()):
        limits = limits_of(conditions.values()).tolist()
        for limit, text in zip(limits, printed_limits(limits, values[column]), strict=True):
            texts[column, limit] = text
    return texts
