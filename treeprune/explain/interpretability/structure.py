"""Structure: what a person does who carries a model out by hand, and what writing it down takes.

Everything is counted in raw columns, through the caller's own transformers, and after
simplification: splits whose one side no row can reach, or whose sides answer alike, count for
nothing. So the figures belong to what the model does, not to how its library stores it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...network import Network
from ...trees import Splits, Trees
from ..conditions import Column, Condition, NumberCondition, limits_of
from ..features import FeatureMap
from ..leaves import reachable
from ..networks import reading
from . import kernels

__all__ = ["Structure", "TreeShape", "network_structure", "tree_structure"]

Array = npt.NDArray

# Weights of one operation: chosen so that the order in which people simulated three kinds of
# models correctly (Slack et al. 2019) comes out, which is calibration, not validation.
COMPARISON, ARITHMETIC, NONLINEAR = 1.0, 2.0, 2.0
SLACK = 1e-12  # of the largest value: answers that differ by no more are the same
LEAF_BITS, WEIGHT_BITS = 9.0, 8.0


@dataclass(frozen=True, eq=False)
class Structure:
    """What is counted of a model.

    Parameters
    ----------
    effort : array of float64, shape (n_rows,)
        Weighted operations that it takes to carry the model out for each row.
    columns : array of int64, shape (n_rows,)
        Different columns a row's prediction looks at; a derived column counts beside the raw
        columns it is made of, as one thing more to understand.
    bits : float
        Length of the model's description.
    used : array of bool, shape (n_columns,)
        Columns of the feature map that the model looks at at all.
    counts : dict of str to int
        What the bits are made of: splits and leaves, or weights and neurons.
    """

    effort: npt.NDArray[np.float64]
    columns: npt.NDArray[np.int64]
    bits: float
    used: npt.NDArray[np.bool_]
    counts: dict[str, int]


def concepts(feature_map: FeatureMap) -> npt.NDArray[np.bool_]:
    """What must be understood to look at each column: itself, and what it is made of.

    Returns
    -------
    array of bool, shape (n_columns, n_columns)
    """
    n = len(feature_map.columns)
    out = np.eye(n, dtype=bool)
    for source, j in zip(feature_map.sources, feature_map.player, strict=True):
        if feature_map.columns[j].kind == "derived":
            out[j, list(source.raw)] = True
    return out


@dataclass(frozen=True, eq=False)
class TreeShape:
    """What is known of trees before it is said which of their nodes are leaves.

    Parameters
    ----------
    trees : Trees
    column : array of int64, shape (n_nodes,)
        Column of the feature map at which a split looks; -1 at leaves.
    question : array of int64, shape (n_nodes,)
        Number of the condition that it asks; the same for the same condition; -1 at leaves.
    reached : array of bool, shape (n_nodes,)
        Whether some row can come to the node.
    concepts : array of bool, shape (n_columns, n_columns)
    limits : dict of int to array of float64
        Where each column of numbers is asked at each split.
    cost : array of float64, shape (n_nodes,)
        Comparisons that a question takes: the limits of its intervals, or the categories to name.
    spelling : array of float64, shape (n_nodes,)
        Bits beyond those of a question with one limit or one category.
    """

    trees: Trees
    column: npt.NDArray[np.int64]
    question: npt.NDArray[np.int64]
    reached: npt.NDArray[np.bool_]
    concepts: npt.NDArray[np.bool_]
    limits: dict[int, npt.NDArray[np.float64]]
    cost: npt.NDArray[np.float64]
    spelling: npt.NDArray[np.float64]

    @classmethod
    def of(cls, trees: Trees, splits: Splits, feature_map: FeatureMap) -> TreeShape:
        """Read trees that decide by these splits."""
        left = feature_map.left(splits)
        column = np.full(trees.n_nodes, -1)
        question = np.full(trees.n_nodes, -1)
        numbers: dict = {}
        limits: dict[int, npt.NDArray[np.float64]] = {}
        cost, spelling = np.zeros(trees.n_nodes), np.zeros(trees.n_nodes)
        for t, condition in left.items():
            about = feature_map.columns[condition.column]
            column[t] = condition.column
            question[t] = numbers.setdefault(_asked_of(condition, about), len(numbers))
            if isinstance(condition, NumberCondition):
                limits[t] = limits_of([condition])
                cost[t] = max(1, len(limits[t]))
                spelling[t] = WEIGHT_BITS * (cost[t] - 1)
            else:  # the shorter of the two lists is named
                inside, known = len(condition.allowed), len(about.categories)
                cost[t] = max(1, min(inside, known - inside))
                spelling[t] = np.log2(max(2, known)) * (cost[t] - 1)
        reached = reachable(trees, left, feature_map.columns)
        known_by = concepts(feature_map)
        return cls(trees, column, question, reached, known_by, limits, cost, spelling)

    @cached_property
    def words(self) -> npt.NDArray[np.uint64]:
        """Bits of the concepts of every split, shape (n_nodes, n_words)."""
        n = len(self.concepts)
        size = -(-n // 64)
        bits = np.zeros((n + 1, size * 64), dtype=np.uint8)
        bits[:n, :n] = self.concepts
        packed = np.packbits(bits, axis=1, bitorder="little").view(np.uint64)
        return np.ascontiguousarray(packed[self.column])  # the last row, without bits, for -1

    def limits_of(self, column: int, live: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Limits at which splits in use ask a column, ascending."""
        nodes = np.flatnonzero(live & (self.column == column))
        asked = [self.limits[t] for t in nodes.tolist() if t in self.limits]
        return np.unique(np.concatenate(asked)) if asked else np.zeros(0)


def _asked_of(condition: Condition, about: Column) -> tuple:
    """What tells a question from others; where no value is missing, not where these would go."""
    missing = condition.missing and about.has_missing
    if isinstance(condition, NumberCondition):
        return condition.column, condition.intervals, missing
    unseen = condition.unseen and not about.refuses_unseen
    return condition.column, condition.allowed, missing, unseen


def tree_structure(
    shape: TreeShape,
    leaf: npt.NDArray[np.int64],
    is_leaf: npt.NDArray[np.bool_],
    value: npt.NDArray[np.float64],
) -> tuple[Structure, npt.NDArray[np.bool_]]:
    """Count one model of trees, and say which of its splits are in use.

    Parameters
    ----------
    shape : TreeShape
    leaf : array of int64, shape (n_rows, n_trees)
        Leaves of the rows in the trees as grown.
    is_leaf : array of bool, shape (n_nodes,)
        Leaves of the model to count.
    value : array of float64, shape (n_nodes, n_scores)

    Notes
    -----
    One tree costs its comparisons. Of several the answers of those that say something are added
    up, score by score (forests: one division each), and boosters end in a link. In bits, a split
    is 1 + log2(columns in use) + log2(different questions asked of its column), a leaf 9. A
    question with several limits, or about several categories (the shorter list is named), takes a
    comparison for each, and 8 bits or log2(categories) for each beyond the first.
    """
    trees = shape.trees
    slack = SLACK * float(np.abs(value).max(initial=0.0))
    says = kernels.said(trees.left, trees.right, is_leaf, shape.reached, value, slack)
    depth, columns, live = kernels.asked(
        trees.left, trees.right, says, is_leaf, shape.reached, shape.words, shape.cost
    )
    active = np.unique(trees.tree_of[live])
    effort = COMPARISON * depth[leaf].sum(axis=1)
    if len(active) > 1:
        effort += _sum_effort(trees, active)
    used = np.zeros(len(shape.concepts), dtype=bool)
    used[np.unique(shape.column[live])] = True
    n_leaves = int(live.sum()) + max(1, len(active))
    bits = LEAF_BITS * n_leaves
    if live.any():
        known = shape.concepts[used].any(axis=0).sum()
        asked = np.unique(np.column_stack([shape.column[live], shape.question[live]]), axis=0)[:, 0]
        questions = np.bincount(asked, minlength=len(used))[shape.column[live]]
        bits += float(
            np.sum(1.0 + np.log2(known) + np.log2(questions)) + shape.spelling[live].sum()
        )
    counts = {"splits": int(live.sum()), "leaves": n_leaves, "trees": max(1, len(active))}
    looked = kernels.columns_of_rows(np.ascontiguousarray(leaf), columns)
    return Structure(effort, looked, bits, used, counts), live


def _sum_effort(trees: Trees, active: npt.NDArray[np.int64]) -> float:
    """Effort of adding up the trees that say something."""
    if trees.average:
        told = [k - 1 for k in trees.n_classes] or [1] * trees.n_outputs
        scores = max(1, sum(told))
        operations, nonlinear = len(active) * scores + scores, 0
    else:  # each tree adds to one score
        scores = len(trees.base_score)
        operations, nonlinear = len(active), 0 if trees.link == "identity" else scores
    return ARITHMETIC * operations + NONLINEAR * nonlinear


def network_structure(network: Network, feature_map: FeatureMap, n_rows: int) -> Structure:
    """Count a network, or a linear model, which is one without hidden layers.

    Parameters
    ----------
    network : Network
    feature_map : FeatureMap
    n_rows : int

    Notes
    -----
    Each weight that is not zero is a multiplication and an addition; those of one category, of
    which a row has one, are one look into a table and an addition. Hidden neurons and the link are
    nonlinear. In bits, a weight is log2(columns in use) + 8 in a linear model and
    log2(columns in use · hidden neurons) + 8 in others; the intercept of each score is a leaf.
    Dead neurons and columns are left out first, and neurons that pass on their sums are merged.
    """
    small, model_columns = reading(network)
    own = feature_map.player[model_columns]
    is_table = np.array([c.kind == "category" for c in feature_map.columns])
    known = concepts(feature_map)
    effort = 0.0
    first = small.weights[0] != 0
    for neuron in range(first.shape[1]):
        read = own[first[:, neuron]]
        tables = np.unique(read[is_table[read]])
        numbers = np.count_nonzero(~is_table[read])
        effort += len(tables) * (COMPARISON + ARITHMETIC) + numbers * 2 * ARITHMETIC
    for w in small.weights[1:]:
        effort += 2 * ARITHMETIC * np.count_nonzero(w)
    hidden = int(sum(small.hidden_layer_sizes))
    effort += NONLINEAR * hidden
    if small.link != "identity" and any(w.any() for w in small.weights):
        effort += NONLINEAR * small.n_scores
    used = np.zeros(len(feature_map.columns), dtype=bool)
    used[own[first.any(axis=1)]] = True
    n_columns = int(known[used].any(axis=0).sum())
    n_weights = int(sum(np.count_nonzero(w) for w in small.weights))
    each = WEIGHT_BITS + np.log2(max(1, n_columns) * max(1, hidden))
    return Structure(
        np.full(n_rows, effort),
        np.full(n_rows, n_columns),
        float(n_weights * each + LEAF_BITS * small.n_scores),
        used,
        {"weights": n_weights, "neurons": hidden},
    )
