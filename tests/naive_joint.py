"""Slow twins of the joint partition: rows walked down every tree, one by one."""

from __future__ import annotations

import itertools

import numpy as np


def goes_left(splits, t, x):
    """Whether one row goes left at one node, by the words of `Splits`."""
    value = x[splits.feature[t]]
    if len(splits.category_offsets) > 1:
        start, end = splits.category_offsets[t : t + 2]
        if end > start:
            whole = int(value) if np.isfinite(value) else -1  # cut towards zero
            return whole in splits.category_values[start:end].tolist()
    if np.isnan(value):
        return bool(splits.missing_left[t])
    if splits.cast32:
        value = float(np.float32(value))
    return bool(value <= splits.threshold[t])


def leaf(trees, splits, root, x):
    """The leaf in which a row ends."""
    t = int(root)
    while trees.left[t] >= 0:
        t = int(trees.left[t] if goes_left(splits, t, x) else trees.right[t])
    return t


def leaves(trees, splits, X):
    """The leaf of every row in every tree."""
    return np.array([[leaf(trees, splits, root, x) for root in trees.roots] for x in X])


def score(trees, ends):
    """Sums in the order of the trees, without the base score."""
    out = np.zeros((len(ends), *trees.value.shape[1:]))
    for i, row in enumerate(ends):
        for j, t in enumerate(row):
            out[i] = out[i] + trees.tree_weight[j] * trees.value[t]
        if trees.average:
            out[i] = out[i] / trees.n_trees
    return out


def line(splits, j):
    """A value in every piece of a model column's line, at its ends, and whatever else is told."""
    nodes = np.flatnonzero(splits.feature == j)
    sizes = np.diff(splits.category_offsets) if len(splits.category_offsets) > 1 else None
    values = {np.nan, 0.0}
    for t in nodes:
        if sizes is not None and sizes[t]:
            start, end = splits.category_offsets[t : t + 2]
            own = splits.category_values[start:end]
            values |= {float(v) for v in own} | {float(own.max()) + 1.0, -1.0, float(own[0]) + 0.5}
            continue
        limit = splits.threshold[t]
        if not np.isfinite(limit):
            continue
        near = np.float32(limit) if splits.cast32 else np.float64(limit)
        for to in (-np.inf, np.inf):
            values.add(float(np.nextafter(near, near.dtype.type(to))))
        values |= {float(near), float(limit), float(limit) - 1.0, float(limit) + 1.0}
    numbers = sorted(v for v in values if not np.isnan(v))
    return [*numbers, np.nan]


def grid(splits, most=4000, seed=0):
    """Rows of all combinations of such values, or as many at random."""
    lines = [line(splits, j) for j in range(splits.n_features)]
    if np.prod([float(len(own)) for own in lines]) <= most:
        return np.array(list(itertools.product(*lines)))
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.choice(own, most) for own in lines])
