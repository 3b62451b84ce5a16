"""Shapley values straight from their definitions: all subsets of players, nothing shared.

`shapley` takes the worth of any coalition; two games define it, by walking the tree (EXPVALUE of
Lundberg et al. 2018) and by predicting mixed rows. `by_leaf` sums over leaves in exact fractions,
for paths with more players than subsets can be counted for.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from math import factorial

import numpy as np


def shapley(worth: Callable[[frozenset], np.ndarray], n_players: int) -> np.ndarray:
    """Mean gain of every player over all orders, shape (n_players, n_outputs)."""
    known = {
        frozenset(present): worth(frozenset(present))
        for size in range(n_players + 1)
        for present in combinations(range(n_players), size)
    }
    out = []
    for i in range(n_players):
        total = 0.0
        for present, value in known.items():
            if i not in present:
                s = len(present)
                share = factorial(s) * factorial(n_players - s - 1) / factorial(n_players)
                total = total + share * (known[present | {i}] - value)
        out.append(total)
    return np.array(out)


# --- how trees decide ----------------------------------------------------------------------------


def goes_left(splits, t: int, x) -> bool:
    value = x[splits.feature[t]]
    if splits.cast32:
        with np.errstate(over="ignore"):
            value = np.float32(value)
    value = float(value)
    low, high = 0, 0
    if len(splits.category_offsets) > 1:
        low, high = splits.category_offsets[t : t + 2]
    if high > low:
        if not np.isfinite(value):
            return False
        return int(value) in splits.category_values[low:high].tolist()
    if np.isnan(value):
        return bool(splits.missing_left[t])
    return value <= float(splits.threshold[t])


def leaf_of(trees, splits, root: int, x) -> int:
    t = int(root)
    while trees.left[t] >= 0:
        t = int(trees.left[t] if goes_left(splits, t, x) else trees.right[t])
    return t


def _combined(trees, by_tree) -> np.ndarray:
    """Sum of one value vector for each tree, as the model adds them up."""
    total = sum(w * v for w, v in zip(trees.tree_weight, by_tree, strict=True))
    if trees.average:
        total = total / trees.n_trees
    return total + trees.base_score


def predict(trees, splits, X) -> np.ndarray:
    """Raw output, shape (n_rows, n_outputs * n_classes)."""
    rows = [
        _combined(
            trees, [trees.value[leaf_of(trees, splits, root, x)].ravel() for root in trees.roots]
        )
        for x in X
    ]
    return np.array(rows).reshape(len(X), -1)


# --- the two games -------------------------------------------------------------------------------


def shares(trees, t: int) -> tuple[Fraction, Fraction]:
    """Shares of the children: by weight, without weight by rows, without rows one half."""
    for cover in (trees.weight, trees.n_rows):
        left, right, both = (Fraction(float(cover[i])) for i in (trees.left[t], trees.right[t], t))
        if both > 0:
            return left / both, right / both
    return Fraction(1, 2), Fraction(1, 2)


def _expected(trees, splits, player, t: int, x, present) -> np.ndarray:
    if trees.left[t] < 0:
        return trees.value[t].ravel()
    left, right = int(trees.left[t]), int(trees.right[t])
    if player[splits.feature[t]] in present:
        child = left if goes_left(splits, t, x) else right
        return _expected(trees, splits, player, child, x, present)
    a, b = map(float, shares(trees, t))
    return a * _expected(trees, splits, player, left, x, present) + b * _expected(
        trees, splits, player, right, x, present
    )


def path_dependent(trees, splits, player, n_players, x) -> tuple[np.ndarray, np.ndarray]:
    """Values of one row, (n_players, n_outputs), and the base."""

    def worth(present):
        by_tree = [_expected(trees, splits, player, int(r), x, present) for r in trees.roots]
        return _combined(trees, by_tree)

    return shapley(worth, n_players), worth(frozenset())


def interventional(predict_rows, player, n_players, x, background, weight):
    """Values of one row, (n_players, n_outputs), and the base; `predict_rows` is the model's."""

    def worth(present):
        mixed = np.array(background, float)
        columns = [c for c in range(len(x)) if player[c] in present]
        mixed[:, columns] = np.asarray(x)[columns]
        return np.average(predict_rows(mixed), axis=0, weights=weight)

    return shapley(worth, n_players), worth(frozenset())


# --- leaf by leaf, in exact fractions ------------------------------------------------------------


def _conditions(trees, splits, player, leaf: int):
    """Player of every split above a leaf, the split, whether left is asked for, and its share."""
    t = leaf
    while trees.parent[t] >= 0:
        above = int(trees.parent[t])
        is_left = bool(trees.left[above] == t)
        a, b = shares(trees, above)
        yield player[splits.feature[above]], above, is_left, a if is_left else b
        t = above


def by_leaf(trees, splits, player, n_players, x, background=None) -> np.ndarray:
    """Values of one row, first column only, shape (n_players,).

    A leaf pays its value times the product over its players of z_i (present) or r_i (absent): r_i
    is a product of shares, or whether a background row meets the player's conditions.
    """
    out = [Fraction(0)] * n_players
    others = [None] if background is None else list(background)
    for leaf in np.flatnonzero(trees.left < 0):
        tree = int(np.searchsorted(trees.roots, leaf, side="right")) - 1
        w = Fraction(float(trees.value[leaf].ravel()[0])) * Fraction(float(trees.tree_weight[tree]))
        w /= len(others) * (trees.n_trees if trees.average else 1)
        for other in others:
            met, absent = {}, {}
            for p, split, is_left, share in _conditions(trees, splits, player, int(leaf)):
                met[p] = met.get(p, 1) * (goes_left(splits, split, x) == is_left)
                if other is not None:
                    share = int(goes_left(splits, split, other) == is_left)
                absent[p] = absent.get(p, 1) * share
            for i in met:
                # Coefficients of the product of (absent + met t): sums over coalitions of a size.
                sums = [Fraction(1)]
                for j in met:
                    if j != i:
                        longer = [Fraction(0)] * (len(sums) + 1)
                        for s, c in enumerate(sums):
                            longer[s] += c * absent[j]
                            longer[s + 1] += c * met[j]
                        sums = longer
                k = len(met)
                mean = sum(
                    c * Fraction(factorial(s) * factorial(k - 1 - s), factorial(k))
                    for s, c in enumerate(sums)
                )
                out[i] += w * (met[i] - absent[i]) * mean
    return np.array([float(v) for v in out])
