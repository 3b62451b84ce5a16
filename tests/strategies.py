"""Random inputs: structures of trees, risks with ties, and small fitted models.

Structures are what the kernels take: `left`, `right`, `parent` of one or several trees, a child
after its parent. Models are really fitted, on few rows with few distinct values, so that ties,
zero-gain splits, nodes without weight and missing values occur all the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import naive
import numpy as np
import sklearn
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

# Before 1.8 scikit-learn sends training rows with missing values elsewhere than `predict` does, so
# that what a node has stored is not what reaches it, and no law about rows can hold.
MISSING_VALUES_HOLD = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8)


@dataclass(frozen=True)
class Structure:
    """Children and parents of every node, -1 for none."""

    left: np.ndarray
    right: np.ndarray
    parent: np.ndarray

    @property
    def n_nodes(self) -> int:
        return len(self.left)

    @property
    def splits(self) -> np.ndarray:
        return np.flatnonzero(self.left >= 0)

    @property
    def leaves(self) -> np.ndarray:
        return np.flatnonzero(self.left < 0)

    @property
    def roots(self) -> np.ndarray:
        return np.flatnonzero(self.parent < 0)


def structure(left, right) -> Structure:
    """The structure with these children, in the types that the kernels are compiled for."""
    left, right = np.asarray(left, np.int32), np.asarray(right, np.int32)
    return Structure(left, right, naive.parents(left, right))


def grow(choices: list[int]) -> Structure:
    """Split the `c`-th (modulo) of the present leaves for every `c`: any shape can come out."""
    left, right, leaves = [-1], [-1], [0]
    for c in choices:
        t = leaves.pop(c % len(leaves))
        left[t], right[t] = len(left), len(left) + 1
        leaves += [len(left), len(left) + 1]
        left += [-1, -1]
        right += [-1, -1]
    return structure(left, right)


def chain(n_splits: int, deep: str = "right") -> Structure:
    """The deepest tree: every split has a leaf on one side and all the rest on the other.

    `right`: numbered from the root down, as scikit-learn does; `left`: all splits come first.
    """
    left, right = np.full(2 * n_splits + 1, -1), np.full(2 * n_splits + 1, -1)
    if deep == "right":
        splits = np.arange(0, 2 * n_splits, 2)
        left[splits], right[splits] = splits + 1, splits + 2
    else:
        splits = np.arange(n_splits)
        left[splits], right[splits] = splits + 1, 2 * n_splits - splits
    return structure(left, right)


def join(trees: list[Structure]) -> Structure:
    """Several trees, one after another."""
    offsets = np.cumsum([0, *(tree.n_nodes for tree in trees)])
    moved = [
        [np.where(child < 0, -1, child + offset) for child in (tree.left, tree.right)]
        for tree, offset in zip(trees, offsets[:-1], strict=True)
    ]
    left, right = zip(*moved, strict=True)
    return structure(np.concatenate(left), np.concatenate(right))


@st.composite
def trees(draw, max_splits: int = 24) -> Structure:
    """One tree: a single node, a chain, a bush or anything between."""
    kind = draw(st.sampled_from(["any", "any", "any", "right", "left", "bush"]))
    n_splits = draw(st.integers(0, max_splits))
    if kind in ("right", "left"):
        return chain(n_splits, kind)
    if kind == "bush":  # always the oldest leaf: as balanced as can be
        return grow([0] * n_splits)
    return grow(draw(st.lists(st.integers(0, 63), min_size=n_splits, max_size=n_splits)))


@st.composite
def forests(draw, max_trees: int = 4, max_splits: int = 16) -> Structure:
    """One to four trees, nodes concatenated."""
    return join(draw(st.lists(trees(max_splits), min_size=1, max_size=max_trees)))


def _numbers(n: int, top: int):
    return st.lists(st.integers(0, top), min_size=n, max_size=n)


@st.composite
def risks(draw, tree: Structure, kinds=("holdout", "training", "decimal", "tied")) -> np.ndarray:
    """Risk of every node as a leaf.

    holdout: whole errors, a split may well make them worse; training: two-class counts, a split
    never hurts; decimal: whole errors with two-decimal weights; tied: nearly all the same.
    """
    kind = draw(st.sampled_from(kinds))
    n = tree.n_nodes
    if kind == "training":
        counts = np.zeros((n, 2))
        counts[tree.leaves] = np.reshape(draw(_numbers(2 * len(tree.leaves), 6)), (-1, 2))
        return naive.sum_up(tree.left, tree.right, counts).min(axis=1)
    top = {"holdout": 20, "decimal": 2000, "tied": 2}[kind]
    values = np.array(draw(_numbers(n, top)), float)
    return values / 100 if kind == "decimal" else values


@st.composite
def locked_sets(draw, tree: Structure) -> np.ndarray:
    """Splits that must stay, with all their ancestors; mostly none."""
    locked = np.zeros(tree.n_nodes, bool)
    if len(tree.splits) and draw(st.integers(0, 2)) == 0:
        locked[draw(st.lists(st.sampled_from(tree.splits.tolist()), max_size=3))] = True
    return naive.closed_upward(tree.parent, locked)


@st.composite
def removals(draw, tree: Structure) -> tuple[np.ndarray, int]:
    """A nested `removed_at` and its number of steps; some splits may never go."""
    n_steps = draw(st.integers(1, 8))
    drawn = np.array(draw(_numbers(tree.n_nodes, 7))) % n_steps + 1
    removed_at = np.zeros(tree.n_nodes, np.int32)
    for t in tree.splits:  # a split goes no later than the split above it
        above = tree.parent[t]
        removed_at[t] = drawn[t] if above < 0 else min(drawn[t], removed_at[above])
    return removed_at, n_steps


_MODELS: dict[tuple[str, str], Any] = {
    ("tree", "classification"): DecisionTreeClassifier,
    ("tree", "regression"): DecisionTreeRegressor,
    ("extra_tree", "classification"): ExtraTreeClassifier,
    ("extra_tree", "regression"): ExtraTreeRegressor,
    ("forest", "classification"): RandomForestClassifier,
    ("forest", "regression"): RandomForestRegressor,
    ("extra_trees", "classification"): ExtraTreesClassifier,
    ("extra_trees", "regression"): ExtraTreesRegressor,
}


def make_data(seed, n, p, task, n_classes=2, n_outputs=1, nan=False, weights="none"):
    """A small table with few distinct values; the target depends on it, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 7, size=(n, p)).astype(float)
    signal = X @ rng.normal(size=(p, n_outputs)) + rng.normal(scale=3, size=(n, n_outputs))
    if nan:
        X[rng.random(X.shape) < 0.15] = np.nan
    if task == "classification":
        cuts = np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1])
        y = np.searchsorted(cuts, signal)
        y[:n_classes] = np.arange(n_classes)[: len(y), None]  # every class occurs
    else:
        y = np.round(signal, 1)
    y = y[:, 0] if n_outputs == 1 else y
    w = {
        "none": None,
        "integer": rng.integers(1, 4, n).astype(float),
        "zero": rng.integers(0, 3, n).astype(float),
        "fractional": np.round(rng.uniform(0.05, 2, n), 2),
    }[weights]
    if w is not None:
        w[: max(n_classes, 2)] = 1.0  # the total is never zero
    return X, y, w


def fit(kind, task, X, y, w=None, **params):
    """A fitted scikit-learn tree (`tree`, `extra_tree`) or forest of four (`forest`, …)."""
    if kind in ("forest", "extra_trees"):
        params = {"n_estimators": 4, **params}
    return _MODELS[kind, task](random_state=0, **params).fit(X, y, sample_weight=w)


@st.composite
def fitted(
    draw,
    kinds=("tree", "extra_tree", "forest", "extra_trees"),
    tasks=("classification", "regression"),
    weights=("none", "integer", "zero", "fractional"),
    max_classes: int = 4,
    max_outputs: int = 2,
    nan: bool = True,
    max_rows: int = 90,
    params=None,
):
    """A fitted model with its rows: (model, X, y, w); `w` is None for unit weights."""
    task = draw(st.sampled_from(tasks))
    n_outputs = draw(st.sampled_from([1, 1, 1, max_outputs]))
    X, y, w = make_data(
        draw(st.integers(0, 10_000)),
        draw(st.integers(10, max_rows)),
        draw(st.integers(1, 4)),
        task,
        n_classes=draw(st.integers(2, max_classes)) if task == "classification" else 2,
        n_outputs=n_outputs,
        nan=nan and MISSING_VALUES_HOLD and draw(st.booleans()),
        weights=draw(st.sampled_from(weights)),
    )
    grown = {"max_depth": draw(st.sampled_from([1, 3, None, None])), **(params or {})}
    return fit(draw(st.sampled_from(kinds)), task, X, y, w, **grown), X, y, w
