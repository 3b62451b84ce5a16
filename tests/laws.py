"""Laws of paths and of pruned models, as assertions that name the law they check.

They look at paths and models from outside only (`removed_at`, `strength`, `cut`, …), so that any
method, any base model and any task can be put through the same list.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import joblib
import naive
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from treeprune import METHODS

# Rows of the table that prune trees.
TREE_METHODS = {name: row for name, row in METHODS.items() if "tree" in row.models}


def said(value: Any) -> str:
    """The name of a case, the same in every process: without addresses."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


def some_steps(path: Any, most: int = 12) -> list[int]:
    """At most so many steps of a path, evenly spaced, both ends among them."""
    return np.unique(np.linspace(0, len(path) - 1, min(most, len(path))).astype(int)).tolist()


def gone(path: Any, step: int) -> np.ndarray:
    """Mask of the nodes that are leaves, or below one, at a step."""
    return path.removed_at <= step


def leaves(path: Any, step: int) -> set[int]:
    """Nodes of the grown model that are leaves at a step."""
    return naive.leaf_set(path.trees.left, path.trees.right, gone(path, step))


# ----------------------------------------------------------------------------- paths


def assert_nested(path: Any) -> None:
    """Law: every step's model is part of the one before; leaves are at 0, splits later."""
    trees, removed_at, n_steps = path.trees, path.removed_at, len(path)
    is_leaf = trees.left < 0
    assert removed_at.shape == trees.left.shape, "nested: one removed_at a node"
    assert np.all(removed_at[is_leaf] == 0), "nested: leaves of the grown model are at step 0"
    splits = removed_at[~is_leaf]
    assert np.all(splits >= 1), "nested: no split is gone in the model as grown"
    assert np.all(splits <= n_steps), "nested: what never goes is numbered n_steps"
    if path.regrouped is None:
        below = np.flatnonzero(trees.parent >= 0)
        assert np.all(removed_at[below] <= removed_at[trees.parent[below]]), (
            "nested: no node outlives the node above it"
        )
    else:  # splits that stand alone have none above
        assert_nested(path.regrouped)
    assert set(splits) >= set(range(1, n_steps)), "nested: something goes at every step"


def assert_monotone_size(path: Any) -> None:
    """Law: from step to step strength rises and size falls, both strictly; step 0 is -inf."""
    assert len(path) == len(path.strength) == len(path.size) == len(path.risk)
    assert path.strength[0] == -np.inf, "monotone: step 0 is the model as grown, at -inf"
    assert np.all(np.isfinite(path.strength[1:])), "monotone: strengths of steps are finite"
    assert np.all(np.diff(path.strength) > 0), "monotone: strength rises with every step"
    assert np.all(np.diff(path.size) < 0), "monotone: size falls with every step"


def assert_sizes_are_leaf_counts(path: Any) -> None:
    """Law: the size of a step is the number of leaves left, by nesting and by counting."""
    for step in range(len(path)):
        left = path.trees.n_trees + int((path.removed_at > step).sum())
        assert path.size[step] == left, f"size: step {step} is {path.size[step]}, splits say {left}"
    for step in some_steps(path):
        count = len(leaves(path, step))
        assert path.size[step] == count, f"size: step {step} is {path.size[step]}, has {count}"


def assert_cuts_have_their_size(path: Any, read: Callable[[Any], Any]) -> None:
    """Law: the native model of a step has as many leaves as the path says. `read` gives Trees."""
    for step in some_steps(path):
        cut = read(path.cut(step))
        assert np.count_nonzero(cut.left < 0) == path.size[step], (
            f"size: the model cut at step {step} has another number of leaves than the path says"
        )


def assert_risks_add_up(path: Any, node_risk: np.ndarray, rtol: float = 1e-9) -> None:
    """Law: the risk of a step is the sum of its leaves' risks (a forest's: mean over trees)."""
    expected = naive.step_sums(path.trees.parent, path.removed_at, node_risk, len(path))
    assert_allclose(
        path.risk,
        expected / path.trees.n_trees,
        rtol=rtol,
        atol=rtol * float(np.abs(node_risk).max()),
        err_msg="risk: a step's risk is the sum over its leaves",
    )


def assert_lookups(path: Any) -> None:
    """Law: a size finds the largest model within it, a strength the last step not above it."""
    for step in some_steps(path):
        size, strength = int(path.size[step]), float(path.strength[step])
        assert path.step_for(size=size) == step, "lookup: a step's own size finds it"
        assert path.step_for(strength=strength) == step, "lookup: a step's own strength finds it"
        if step + 1 < len(path):
            between = path.step_for(size=size - 1)
            assert between == step + 1, "lookup: one leaf less is the next step"
            if step:
                halfway = (strength + float(path.strength[step + 1])) / 2
                assert path.step_for(strength=halfway) == step, "lookup: strengths last until next"
    assert path.step_for(strength=np.inf) == len(path) - 1, "lookup: inf is the last step"


def assert_frame(path: Any) -> None:
    """Law: the frame has a row a step and repeats the path."""
    frame = path.to_frame()
    columns = ["step", "strength", "size", "risk", "score", "score_se", "interpretability"]
    assert list(frame.columns) == columns, "frame: columns"
    assert_array_equal(frame["step"], np.arange(len(path)), err_msg="frame: a row a step")
    for name in ("strength", "size", "risk"):
        assert_array_equal(frame[name], getattr(path, name), err_msg=f"frame: {name}")


def assert_paths_equal(p: Any, q: Any, rtol: float = 0.0) -> None:
    """Law: two paths are the same: the same splits at the same steps, equal numbers."""
    assert_array_equal(p.trees.left, q.trees.left, err_msg="equal paths: other trees")
    assert_array_equal(p.removed_at, q.removed_at, err_msg="equal paths: other steps")
    assert_array_equal(p.size, q.size, err_msg="equal paths: other sizes")
    for name in ("strength", "risk"):
        a, b = getattr(p, name), getattr(q, name)
        scale = float(np.abs(a[np.isfinite(a)]).max(initial=0.0))
        message = f"equal paths: {name} differs"
        assert_allclose(a, b, rtol=rtol, atol=rtol * scale, err_msg=message)


def assert_path(path: Any) -> None:
    """All laws that hold for every path, whatever the method."""
    assert_nested(path)
    assert_monotone_size(path)
    assert_sizes_are_leaf_counts(path)
    assert_lookups(path)
    assert_frame(path)


# ----------------------------------------------------------------------------- models


def model_state(model: Any) -> str:
    """A hash of everything the model holds, to be compared before and after."""
    return joblib.hash(model)


def assert_unchanged(state: str, model: Any) -> None:
    """Law: never in place. `state` is `model_state(model)` from before."""
    assert model_state(model) == state, "never in place: the model given has been changed"


def assert_native_type(before: Any, after: Any) -> None:
    """Law: a cut is a genuine native model: the exact type, parameters and fitted attributes."""
    assert type(after) is type(before), f"native: {type(after)} instead of {type(before)}"
    assert after is not before, "native: a cut is a new model"
    a, b = before.get_params(deep=False), after.get_params(deep=False)
    assert a.keys() == b.keys() and all(a[k] is b[k] or repr(a[k]) == repr(b[k]) for k in a), (
        "native: parameters are kept"
    )
    for name in ("n_features_in_", "n_outputs_", "n_classes_", "feature_names_in_", "classes_"):
        assert hasattr(after, name) == hasattr(before, name), f"native: {name} is there or not"
        if hasattr(before, name):
            old, new = getattr(before, name), getattr(after, name)
            for x, y in zip(_listed(old), _listed(new), strict=True):
                assert_array_equal(x, y, err_msg=f"native: {name} is kept")


def _listed(output: Any) -> list[np.ndarray]:
    """Several outputs are lists of arrays, a single one is an array."""
    return list(output) if isinstance(output, list) else [output]


def assert_same_output(a: Any, b: Any, what: str, rtol: float = 0.0) -> None:
    """Arrays, or lists of them (several outputs), that are equal."""
    for x, y in zip(_listed(a), _listed(b), strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert x.shape == y.shape, f"{what}: shape {x.shape} against {y.shape}"
        if rtol == 0 or x.dtype.kind not in "fc":
            assert_array_equal(x, y, err_msg=what)
        else:
            assert_allclose(x, y, rtol=rtol, atol=rtol, err_msg=what)


def assert_same_predictions(a: Any, b: Any, X: Any, rtol: float = 0.0) -> None:
    """Law: two models say the same about every row, in `predict` and `predict_proba`."""
    assert_same_output(a.predict(X), b.predict(X), "same predictions: predict", rtol)
    assert hasattr(a, "predict_proba") == hasattr(b, "predict_proba")
    if hasattr(a, "predict_proba"):
        proba = a.predict_proba(X), b.predict_proba(X)
        assert_same_output(*proba, "same predictions: predict_proba", rtol)


def assert_step_zero_is_the_model(path: Any, model: Any, X: Any) -> None:
    """Law: step 0 is the model as grown."""
    assert_same_predictions(path.cut(0), model, X)


def assert_staged_equals_cut(path: Any, X: Any, rtol: float = 1e-12) -> None:
    """Law: staged predictions are those of the native model of every step."""
    steps = some_steps(path)
    names = ["predict"] + (["predict_proba"] if hasattr(path.model, "predict_proba") else [])
    for name in names:
        staged = list(getattr(path, f"staged_{name}")(X))
        assert len(staged) == len(path), "staged: one prediction a step"
        for step in steps:
            # Sums over a forest's trees in another order may turn a tie: compare numbers only.
            forest = path.trees.n_trees > 1
            if forest and name == "predict" and path.trees.is_classifier:
                continue
            own = getattr(path.cut(step), name)(X)
            assert_same_output(staged[step], own, f"staged: {name} at step {step}", rtol)


def assert_rows_keep_their_branch(path: Any, X: Any, apply: Callable) -> None:
    """Law: at every step a row ends at the highest leaf above its leaf in the grown model.

    `apply(model, X)` gives leaves among all nodes; compared by the values of the nodes.
    """
    grown = apply(path.model, X)
    for step in some_steps(path, 5):
        at = naive.node_at(path.trees.parent, path.removed_at, step)[grown]
        kept = sorted(_kept(path, step))
        renumbered = {t: i for i, t in enumerate(kept)}
        expected = np.vectorize(renumbered.__getitem__, otypes=[np.int64])(at)
        assert_array_equal(
            apply(path.cut(step), X), expected, err_msg=f"branch: rows moved at step {step}"
        )


def _kept(path: Any, step: int) -> set[int]:
    """Nodes of the grown model that are still there at a step: leaves and all above them."""
    out = set()
    for t in leaves(path, step):
        while t >= 0:
            out.add(int(t))
            t = path.trees.parent[t]
    return out


def assert_deterministic(make: Callable[[], Any], X: Any = None) -> None:
    """Law: the same call gives the same path, or the same model (then give `X`)."""
    a, b = make(), make()
    if hasattr(a, "removed_at"):
        assert_paths_equal(a, b)
    else:
        assert_same_predictions(a, b, X)


def assert_pickles(made: Any, X: Any = None) -> None:
    """Law: pickling changes nothing; no closures, no handles."""
    again = pickle.loads(pickle.dumps(made))
    if hasattr(made, "removed_at"):
        assert_paths_equal(made, again)
    else:
        assert_same_predictions(made, again, X)


def assert_weights_are_repeats(make: Callable[..., Any], X: Any, y: Any, w: np.ndarray) -> None:
    """Law: whole-number weights are repeated rows, for paths of the same grown tree.

    `make(X, y, sample_weight)` returns a path; the law needs trees without tied splits.
    """
    repeats = np.repeat(np.arange(len(w)), w.astype(int))
    weighted, repeated = make(X, y, w), make(X[repeats], y[repeats], None)
    assert_paths_equal(weighted, repeated, rtol=1e-9)


def assert_scale_free(make: Callable[..., Any], w: np.ndarray, factor: float = 8.0) -> None:
    """Law: strengths are per unit of weight: a common factor of all weights changes nothing.

    `make(sample_weight)` returns a path. A power of two scales without rounding.
    """
    assert_paths_equal(make(w), make(w * factor), rtol=1e-9)


def assert_shrink_commutes(
    path: Any, shrink: Callable, lam: float, X: Any, shrunk_path: Any
) -> None:
    """Law: shrinking a cut is cutting what was shrunk (`shrunk_path`: of the shrunk model)."""
    assert_array_equal(
        path.removed_at, shrunk_path.removed_at, err_msg="shrink: values do not change the order"
    )
    for step in some_steps(path, 6):
        a, b = shrink(path.cut(step), lam), shrunk_path.cut(step)
        output = "predict_proba" if hasattr(a, "predict_proba") else "predict"
        both = getattr(a, output)(X), getattr(b, output)(X)
        assert_same_output(*both, f"shrink: commutes with the cut at step {step}", 1e-10)


def assert_never_pruned(path: Any, feature: np.ndarray, columns: Sequence[int]) -> None:
    """Law: splits on these columns, and all splits above them, are there at every step."""
    kept = naive.closed_upward(path.trees.parent, np.isin(feature, columns))
    assert np.all(path.removed_at[kept] == len(path)), "never_prune: a kept split has gone"
    free = ~kept & (path.trees.left >= 0)
    assert np.all(path.removed_at[free] < len(path)), "never_prune: the rest goes in the end"


def assert_no_warning(make: Callable[[], Any]) -> Any:
    """Law: an ordinary call warns about nothing. Returns what it made."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return make()
