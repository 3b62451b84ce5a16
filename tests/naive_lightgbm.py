"""Slow, obvious twins for written boosters: rows walk down the JSON that `dump_model` gives."""

from __future__ import annotations

import math

import numpy as np

ZERO = float(np.float32(1e-35))  # LightGBM reads what is nearer to zero as zero


def json_trees(model):
    """The structure of every tree up to the best iteration, as LightGBM dumps it."""
    booster = getattr(model, "booster_", model)
    return [info["tree_structure"] for info in booster.dump_model()["tree_info"]]


def is_leaf(node):
    return "split_index" not in node


def nodes_of(root):
    """All nodes of a tree, in the order of `Trees`: internal nodes, then leaves."""
    found, todo = [], [root]
    while todo:
        node = todo.pop()
        found.append(node)
        if not is_leaf(node):
            todo += [node["left_child"], node["right_child"]]
    inner = [n for n in found if not is_leaf(n)]
    leaves = [n for n in found if is_leaf(n)]
    return sorted(inner, key=lambda n: n["split_index"]) + sorted(
        leaves, key=lambda n: n.get("leaf_index", 0)
    )


def goes_left(node, x):
    """Which way LightGBM sends a row, by its documentation."""
    value = float(x[node["split_feature"]])
    if node["decision_type"] == "==":
        codes = [int(word) for word in node["threshold"].split("||")]
        return math.isfinite(value) and value > -1 and int(value) in codes
    missing = node["missing_type"]
    if math.isnan(value) and missing == "NaN":
        return node["default_left"]
    value = 0.0 if math.isnan(value) or abs(value) <= ZERO else value
    if value == 0 and missing == "Zero":
        return node["default_left"]
    return value <= node["threshold"]


def answering(root, x, mask):
    """Node (by identity) that answers a row where the nodes in `mask` are leaves."""
    node = root
    while not is_leaf(node) and id(node) not in mask:
        node = node["left_child"] if goes_left(node, x) else node["right_child"]
    return node


def leaves_below(node):
    if is_leaf(node):
        return [node]
    return leaves_below(node["left_child"]) + leaves_below(node["right_child"])


def mean_value(node):
    """The leaf's value, or the mean of the leaves below by hessian, else by rows, else plain."""
    leaves = leaves_below(node)
    if len(leaves) == 1:
        return leaves[0]["leaf_value"]
    for key in ("leaf_weight", "leaf_count"):
        weights = [max(leaf[key], 0) for leaf in leaves]
        if sum(weights) > 0:
            break
    else:
        weights = [1] * len(leaves)
    return math.fsum(
        w * leaf["leaf_value"] for w, leaf in zip(weights, leaves, strict=True)
    ) / math.fsum(weights)


def score(model, Z, mask=None, values=None, n_scores=1, average=False):
    """Raw scores, (n_rows, n_scores), of the model in which nodes of the mask are leaves.

    `mask` (n_nodes,) and `values` (n_nodes, n_scores) go by the numbering of `Trees`.
    """
    roots = json_trees(model)
    out = np.zeros((len(Z), n_scores))
    start = 0
    for j, root in enumerate(roots):
        nodes = nodes_of(root)
        number = {id(node): start + i for i, node in enumerate(nodes)}
        leaves = {key for key, t in number.items() if mask is not None and mask[t]}
        start += len(nodes)
        for i, x in enumerate(Z):
            node = answering(root, x, leaves)
            k = j % n_scores
            out[i, k] += mean_value(node) if values is None else values[number[id(node)], k]
    return out / (len(roots) // n_scores) if average else out


def check_counts(root):
    """Counts and hessians of every node are the sums of the leaves below it.

    `internal_weight` has 6 digits; LightGBM before 4.6 writes 0 at roots.
    """
    for node in nodes_of(root):
        if is_leaf(node):
            continue
        leaves = leaves_below(node)
        assert node["internal_count"] == sum(leaf["leaf_count"] for leaf in leaves)
        if node is not root or node["internal_weight"] != 0:
            weight = sum(leaf["leaf_weight"] for leaf in leaves)
            assert math.isclose(node["internal_weight"], weight, rel_tol=1e-4, abs_tol=1e-6)
