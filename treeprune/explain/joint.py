"""Several trees as one: the joint partition that a sum of trees makes of all inputs.

Each tree is put under every leaf of the trees before it, and what the box of that leaf excludes
is left out. What remains is a single tree that decides as the model does and whose leaves, the
cells, hold the sums over all trees; it is exact, but only small ensembles have few cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import kernels
from ..trees import Splits, Trees
from .cells import packed, points_of
from .conditions import EVERYWHERE, CategoryCondition, Column, Condition, NumberCondition, limits_of
from .features import FeatureMap
from .joint_kernels import (
    BOX_AT,
    COLUMN,
    CUT,
    LEFT_MISSING,
    SET_AT,
    WORDS,
    cells_of_rows,
    first_leaves,
    merged,
    stack,
)
from .limits import float32_limit
from .rules import Rule

__all__ = ["Joint", "joined", "joint_tree", "partition_rules"]

MOST_CELLS = 100_000
STEPS = 1000  # nodes looked at for each of the most cells, before giving up
MOST_WORDS = 1 << 24  # of bits that say which categories go left

Array = npt.NDArray
Respond = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Joint:
    """The joint partition of several trees, as a tree whose nodes repeat splits of theirs.

    Parameters
    ----------
    trees : Trees
        The trees themselves.
    right : array of int32, shape (n_nodes,)
        Right child of every node, -1 at cells; the left child is the next node.
    source : array of int32, shape (n_nodes,)
        The split, among the nodes of all trees, that a node repeats; the position of a cell.
    value : array of float64, shape (n_cells, n_outputs, n_classes)
        What all trees together say, in their own order of summation and without the base score.

    Examples
    --------
    Made by `joined`; see `joint_tree`.
    """

    trees: Trees
    right: npt.NDArray[np.int32]
    source: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Number of cells."""
        return len(self.value)

    @property
    def is_cell(self) -> npt.NDArray[np.bool_]:
        """Mask of the cells among the nodes."""
        return self.right < 0

    def cells(self, leaf: Array) -> npt.NDArray[np.int64]:
        """The cell of each row.

        Parameters
        ----------
        leaf : array of int, shape (n_rows, n_trees)
            Where the model itself sends rows: `treeprune.native.apply`.

        Returns
        -------
        array of int64, shape (n_rows,)

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.ensemble import RandomForestClassifier
        >>> from treeprune import native
        >>> X, y = load_iris(return_X_y=True)
        >>> model = RandomForestClassifier(3, max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> trees = native.read(model)
        >>> joint = joined(trees, *conditions_of(native.splits(model)))
        >>> cell = joint.cells(native.apply(model, X))
        >>> bool((joint.value[cell] == model.predict_proba(X)[:, None]).all())
        True
        """
        trees = self.trees
        return cells_of_rows(
            np.ascontiguousarray(leaf, dtype=np.int32),
            trees.tree_of,
            first_leaves(trees.left, trees.right),
            trees.right,
            self.right,
            self.source,
        )


def joined(
    trees: Trees, left: dict[int, Condition], columns: Sequence[Column], most: int = MOST_CELLS
) -> Joint | None:
    """Stack all trees.

    Parameters
    ----------
    trees : Trees
    left : dict of int to Condition
        What sends a row left at each split; `condition.column` is a position in `columns`.
    columns : sequence of Column
        What they may hold: missing values, categories not seen at fit.
    most : int
        Cells beyond which to give up.

    Returns
    -------
    Joint or None
        None for more than `most` cells, or where more than 1,000 nodes would have to be looked at
        for each of so many.

    Notes
    -----
    A side of a split is left out only where no value that the way has left open goes there; every
    side that stays leads to at least one cell, so that the work grows with the cells found. The
    cells are the combinations of a leaf a tree that some row meets: how many there are does not
    depend on the order of the trees, which is therefore their own. Sides with the very same value
    in every tree, and neighbouring cells with the same total, are one.

    Examples
    --------
    See `joint_tree`.
    """
    value = np.ascontiguousarray(
        (trees.tree_weight[trees.tree_of][:, None, None] * trees.value).reshape(trees.n_nodes, -1)
    )
    encoded = _encoded(trees, left, columns)
    if encoded is None:
        return None
    ask, sets, place, line, box = encoded
    of_leaf = merged(trees.left, trees.right, value)
    cells = float(np.prod(np.add.reduceat(trees.is_leaf, trees.roots, dtype=np.float64)))
    most = max(0, min(most, int(min(cells, 2**31))))
    n_nodes, n_cells, right, source, total = stack(
        trees.left,
        trees.right,
        of_leaf >= 0,
        trees.roots,
        value[of_leaf],
        ask,
        sets,
        place,
        line,
        box,
        most,
        STEPS * max(most, 1000),
    )
    if n_nodes < 0 or n_cells > most:
        return None
    total = total[:n_cells] / trees.n_trees if trees.average else total[:n_cells].copy()
    right, source = right[:n_nodes].copy(), source[:n_nodes].copy()
    right.setflags(write=False)  # as in `Trees`: numba compiles once for each mutability
    return Joint(trees, right, source, total.reshape(n_cells, *trees.value.shape[1:]))


def _encoded(
    trees: Trees, left: dict[int, Condition], columns: Sequence[Column]
) -> tuple[Array, Array, Array, Array, Array] | None:
    """What `stack` is asked: `ask`, `sets`, `place`, `line`, `box`; None for too many bits."""
    nodes_of: dict[int, list[int]] = {}
    for node, condition in left.items():
        nodes_of.setdefault(condition.column, []).append(node)
    ask = np.zeros((trees.n_nodes, 4), dtype=np.int64)
    place = np.zeros((len(columns), 2), dtype=np.int64)
    line = np.zeros((len(columns), 3), dtype=np.int64)
    sets: list[Array] = [np.zeros(0, np.uint64)]
    box: list[Array] = [np.zeros(0, np.uint64)]
    for c, nodes in nodes_of.items():
        conditions = [left[node] for node in nodes]
        ask[nodes, COLUMN] = c
        ends = _ends(conditions)
        if ends is not None:
            limits = limits_of(conditions)
            ask[nodes, CUT] = np.searchsorted(limits, ends, side="right") + (ends == np.inf)
            ask[nodes, LEFT_MISSING] = [condition.missing for condition in conditions]
            line[c] = 0, len(limits) + 1, not columns[c].refuses_missing
            continue
        points = points_of(columns[c], conditions)
        words = max(1, -(-len(points) // 64))
        if sum(map(len, sets)) + len(nodes) * words > MOST_WORDS:
            return None
        place[c, WORDS], place[c, BOX_AT] = words, sum(map(len, box))
        ask[nodes, SET_AT] = sum(map(len, sets)) + words * np.arange(len(nodes))
        known = {x: packed(x.meets(points)[None])[0] for x in dict.fromkeys(conditions)}
        sets.append(np.concatenate([known[x] for x in conditions]))
        box.append(packed(np.ones((1, len(points)), dtype=bool))[0])
    return ask, np.concatenate(sets), place, line, np.concatenate(box)


def _ends(conditions: Sequence[Condition]) -> npt.NDArray[np.float64] | None:
    """Where the numbers that go left end, if they all begin at the very left."""
    ends = []
    for condition in conditions:
        if isinstance(condition, CategoryCondition) or len(condition.intervals) > 1:
            return None
        low, high = condition.intervals[0] if condition.intervals else (-np.inf, -np.inf)
        if low != -np.inf:
            return None
        ends.append(high)
    return np.array(ends, dtype=np.float64)


def conditions_of(splits: Splits) -> tuple[dict[int, Condition], list[Column]]:
    """What sends rows left, in the model's own columns and in its own comparisons.

    Parameters
    ----------
    splits : Splits

    Returns
    -------
    left : dict of int to Condition
    columns : list of Column
        A number and, after all of these, a category for each model column: a column of both (none
        is known) counts as two, which at worst keeps cells that no row meets.

    Examples
    --------
    >>> splits = Splits([0, -2, -2], [0.1, -2, -2], [True, False, False], True, 1)
    >>> left, columns = conditions_of(splits)
    >>> left[0].missing, float(np.float32(left[0].intervals[0][1])) <= 0.1
    (True, True)
    """
    n = splits.n_features
    start, end = splits.category_offsets[:-1], splits.category_offsets[1:]
    own = {
        int(t): splits.category_values[start[t] : end[t]] for t in np.flatnonzero(end - start > 0)
    }
    listed: list[list[int]] = [[] for _ in range(n)]
    for t, values in own.items():
        listed[splits.feature[t]] += values.tolist()
    codes = [{value: i for i, value in enumerate(sorted(set(values)))} for values in listed]
    columns = [Column(f"x{j}") for j in range(n)]
    # A missing value goes where categories go that no split names.
    columns += [
        Column(f"x{j}", "category", tuple(codes[j]), refuses_missing=True) for j in range(n)
    ]
    limits = {t: float32_limit(t) if splits.cast32 else t for t in set(splits.threshold.tolist())}
    left: dict[int, Condition] = {}
    for t in np.flatnonzero(splits.feature >= 0).tolist():
        j = int(splits.feature[t])
        if t in own:
            inside = frozenset(codes[j][value] for value in own[t].tolist())
            left[t] = CategoryCondition(n + j, inside, missing=False, unseen=False)
            continue
        limit = limits[float(splits.threshold[t])]
        intervals = EVERYWHERE if limit == np.inf else ((-np.inf, limit),)
        left[t] = NumberCondition(j, intervals, bool(splits.missing_left[t]))
    return left, columns


def joint_tree(
    trees: Trees, splits: Splits, most: int = MOST_CELLS, *, leaf: Array | None = None
) -> tuple[Trees, Splits] | None:
    """A sum of trees as one tree, exactly: the joint partition.

    Parameters
    ----------
    trees : Trees
    splits : Splits
    most : int
        Leaves (cells) beyond which to give up.
    leaf : array of int, shape (n_rows, n_trees), optional
        Leaves of the training rows, as `treeprune.native.apply` gives them. A model does not say
        how many rows a cell had: without them all weights and counts are 0.

    Returns
    -------
    (Trees, Splits) or None
        One tree, its splits those of the model, its leaf values what `Trees.add_up` gives; link
        and base score are the model's, impurities 0. Nodes that split hold the mean of the rows
        below, or 0. None for more than `most` cells; see `joined`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from treeprune import native
    >>> X, y = load_iris(return_X_y=True)
    >>> model = RandomForestClassifier(3, max_leaf_nodes=3, random_state=0).fit(X, y)
    >>> one, splits = joint_tree(native.read(model), native.splits(model))
    >>> one.n_trees, one.n_leaves <= 3**3, one.n_leaves == len(splits.feature) // 2 + 1
    (1, True, True)
    >>> joint_tree(native.read(model), native.splits(model), most=3) is None
    True
    """
    joint = joined(trees, *conditions_of(splits), most)
    if joint is None:
        return None
    is_cell, source = joint.is_cell, joint.source
    offsets, categories = _own_categories(splits, joint)
    n = len(source)
    left = np.where(is_cell, -1, np.arange(1, n + 1)).astype(np.int32)
    left.setflags(write=False)
    counts = np.zeros(n)
    if leaf is not None:
        of_cell = np.bincount(joint.cells(leaf), minlength=len(joint))
        counts[is_cell] = of_cell[source[is_cell]]
    value = np.zeros((n, *joint.value.shape[1:]))
    value[is_cell] = joint.value[source[is_cell]]
    counts, value = _summed_up(left, joint.right, counts, value)
    one = Trees(
        left=left,
        right=joint.right,
        roots=np.zeros(1, np.int32),
        value=value,
        weight=counts,
        n_rows=counts,
        impurity=np.zeros(n),
        tree_weight=np.ones(1),
        average=trees.average,
        n_classes=trees.n_classes,
        criterion=trees.criterion,
        link=trees.link,
        base_score=trees.base_score,
    )
    split = np.where(is_cell, 0, source)
    return one, Splits(
        feature=np.where(is_cell, -2, splits.feature[split]),
        threshold=np.where(is_cell, -2.0, splits.threshold[split]),
        missing_left=splits.missing_left[split] & ~is_cell,
        cast32=splits.cast32,
        n_features=splits.n_features,
        feature_names=splits.feature_names,
        category_offsets=offsets,
        category_values=categories,
    )


def _own_categories(splits: Splits, joint: Joint) -> tuple[Array, Array]:
    """Offsets and categories of the nodes of a joint tree."""
    if len(splits.category_offsets) == 1:
        return splits.category_offsets, splits.category_values
    split = np.where(joint.is_cell, 0, joint.source)
    size = np.where(joint.is_cell, 0, np.diff(splits.category_offsets)[split])
    offsets = np.concatenate([[0], np.cumsum(size)])
    start = np.repeat(splits.category_offsets[split] - offsets[:-1], size)
    return offsets, splits.category_values[start + np.arange(offsets[-1])]


def _summed_up(left: Array, right: Array, counts: Array, value: Array) -> tuple[Array, Array]:
    """Counts of all nodes, and means of the rows below those that split."""
    flat = value.reshape(len(value), -1)
    table = np.column_stack([counts, counts[:, None] * flat])
    kernels.sum_up(left, right, table)
    mean = np.zeros_like(flat)
    np.divide(table[:, 1:], table[:, :1], out=mean, where=table[:, :1] > 0)
    mean[left < 0] = flat[left < 0]
    return table[:, 0], mean.reshape(value.shape)


def partition_rules(
    trees: Trees,
    splits: Splits,
    feature_map: FeatureMap,
    respond: Respond,
    most: int = MOST_CELLS,
    leaf_of: Callable[[], Array] | None = None,
) -> tuple[Rule, ...] | None:
    """The joint partition of several trees as rules on raw columns; None for too many cells.

    Parameters
    ----------
    trees, splits : Trees, Splits
    feature_map : FeatureMap
    respond : callable
        From raw scores (n, n_outputs, k) to the estimator's output.
    most : int
        Rules beyond which to give up.
    leaf_of : callable, optional
        Leaves of reference rows, shape (n_rows, n_trees), asked for only if there are few cells;
        a rule's weight is then the number of these rows in its cell, and NaN without.

    Returns
    -------
    tuple of Rule or None
        From left to right, as the joint tree asks.

    Notes
    -----
    Boxes are kept in raw columns, so that cells which no raw row can meet (two categories of one
    column at once) are left out.

    Examples
    --------
    See `treeprune.explain`.
    """
    left = feature_map.left(splits)
    joint = joined(trees, left, feature_map.columns, most)
    if joint is None:
        return None
    weight = np.full(len(joint), np.nan)
    if leaf_of is not None:
        weight = np.bincount(joint.cells(leaf_of()), minlength=len(joint)).astype(np.float64)
    value = respond(joint.value)
    return tuple(
        Rule(box, value[cell], weight=float(weight[cell]))
        for cell, box in enumerate(_boxes(joint, left, feature_map.columns))
    )


def _boxes(
    joint: Joint, left: dict[int, Condition], columns: Sequence[Column]
) -> list[tuple[Condition, ...]]:
    """The conditions of every cell; equal ones are one object, of which there are few."""
    right, source = joint.right.tolist(), joint.source.tolist()
    known: dict[tuple[int, int], tuple[Condition, Condition]] = {}
    asks: dict[int, bool] = {}  # by `id`: `known` keeps them all alive
    out: list[tuple[Condition, ...]] = []
    waiting: list[tuple[int, dict[int, Condition]]] = [(0, {})]
    while waiting:
        node, box = waiting.pop()
        if right[node] < 0:
            out.append(tuple(condition for condition in box.values() if asks[id(condition)]))
            continue
        t = source[node]
        c = left[t].column
        own = box.get(c)
        key = (id(own), t)
        if key not in known:
            ways = (left[t], left[t].complement(columns[c]))
            if own is not None:
                ways = (own & ways[0], own & ways[1])  # type: ignore[operator]
            known[key] = ways
            asks |= {id(way): not way.is_everything(columns[c]) for way in ways}
        to_left, to_right = known[key]
        waiting.append((right[node], {**box, c: to_right}))
        waiting.append((node + 1, {**box, c: to_left}))
    return out
