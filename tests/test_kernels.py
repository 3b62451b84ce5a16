"""Every kernel against its slow twin, against itself un-jitted, and on a 200,000-node chain."""

from __future__ import annotations

import naive
import numpy as np
import pytest
import strategies as own
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.isotonic import IsotonicRegression

from treeprune import kernels

# Two-decimal risks cannot be added exactly: a margin between two multiples of 0.01 makes "at
# most" mean the same for every order of summation.
BETWEEN = 0.005


def plain(kernel):
    """The kernel's Python source, when it has been compiled."""
    return getattr(kernel, "py_func", kernel)


@st.composite
def weighed_forests(draw):
    tree = draw(own.forests())
    return tree, draw(own.risks(tree)), draw(own.locked_sets(tree))


@st.composite
def stepped_forests(draw):
    tree = draw(own.forests())
    removed_at, n_steps = draw(own.removals(tree))
    return tree, draw(own.risks(tree)), removed_at, n_steps


@st.composite
def rows_in_leaves(draw):
    """A forest, leaf sums of rows that fell into it, and those rows."""
    tree = draw(own.forests())
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(0, 60))
    leaf = rng.choice(tree.leaves, size=n)
    y = rng.normal(loc=draw(st.sampled_from([0.0, 1e6])), size=(n, 2))
    w = rng.integers(0, 4, n) / 4
    return tree, leaf, y, w


# ----------------------------------------------------------------------------- twins


@pytest.mark.unjitted
@given(weighed_forests())
def test_weakest_link_equals_the_repeated_scan(case):
    tree, risk, locked = case
    fast = kernels.weakest_link(tree.left, tree.right, tree.parent, risk, locked)
    slow = naive.weakest_link(tree.left, tree.right, risk, locked)
    assert_allclose(fast, slow, rtol=1e-10, atol=1e-10)


@pytest.mark.unjitted
@given(weighed_forests(), st.floats(-10, 20))
def test_weakest_link_cut_is_the_minimiser(case, alpha):
    tree, risk, _ = case
    free = np.zeros(tree.n_nodes, bool)
    strength = kernels.weakest_link(tree.left, tree.right, tree.parent, risk, free)
    leaves = naive.leaf_set(tree.left, tree.right, strength <= alpha)
    found = sum(risk[t] + alpha for t in leaves)
    best = naive.best_subtree(tree.left, tree.right, risk, alpha)
    assert found == pytest.approx(best, abs=1e-8)


@pytest.mark.unjitted
@given(own.trees(max_splits=7), st.data())
def test_weakest_link_cut_is_the_smallest_minimiser_of_all_subtrees(tree, data):
    """True enumeration; at the very strength of a split the smaller model must come out."""
    risk = data.draw(own.risks(tree, kinds=("holdout", "training", "tied")))
    free = np.zeros(tree.n_nodes, bool)
    strength = kernels.weakest_link(tree.left, tree.right, tree.parent, risk, free)
    alpha = data.draw(st.sampled_from([0.0, 0.3, *strength[tree.splits].tolist()]))
    worth = {
        leaves: sum(risk[t] + alpha for t in leaves)
        for leaves in naive.all_subtrees(tree.left, tree.right)
    }
    low = min(worth.values())
    smallest = min(len(leaves) for leaves, value in worth.items() if value <= low + 1e-9)
    cut = naive.leaf_set(tree.left, tree.right, strength <= alpha + 1e-9)
    assert worth[frozenset(cut)] == pytest.approx(low, abs=1e-7)
    assert len(cut) == smallest


@pytest.mark.unjitted
@given(weighed_forests())
def test_top_down_is_the_smallest_strength_from_the_root(case):
    tree, strength, locked = case
    fast = kernels.top_down(tree.left, tree.parent, strength, locked)
    assert_array_equal(fast, naive.top_down(tree.left, tree.parent, strength, locked))


@pytest.mark.unjitted
@given(weighed_forests(), st.sampled_from([0.0, 0.1, 1.0, -1.0]))
def test_bottom_up_equals_the_recursion(case, margin):
    tree, risk, locked = case
    fast = kernels.bottom_up(tree.left, tree.right, risk, margin + BETWEEN, locked)
    slow = naive.bottom_up(tree.left, tree.right, risk, margin + BETWEEN, locked)
    assert fast.dtype == np.bool_
    assert_array_equal(fast, slow)


@pytest.mark.unjitted
@given(weighed_forests())
def test_bottom_up_is_the_weakest_link_path_at_zero(case):
    """The bottom-up textbook methods are one step of the path of their own risk."""
    tree, risk, locked = case
    strength = kernels.weakest_link(tree.left, tree.right, tree.parent, risk, locked)
    gone = (strength <= 1e-9) & (tree.left >= 0)
    slow = naive.bottom_up(tree.left, tree.right, risk, 1e-9, locked)
    assert naive.leaf_set(tree.left, tree.right, gone) == naive.leaf_set(
        tree.left, tree.right, slow
    )


@pytest.mark.unjitted
@given(own.forests(), st.data())
def test_sum_up_adds_the_leaves_below(tree, data):
    sums = np.zeros((tree.n_nodes, 3))
    drawn = data.draw(
        st.lists(st.integers(-9, 9), min_size=3 * len(tree.leaves), max_size=3 * len(tree.leaves))
    )
    sums[tree.leaves] = np.reshape(drawn, (-1, 3))
    expected = naive.sum_up(tree.left, tree.right, sums)
    assert kernels.sum_up(tree.left, tree.right, sums) is None
    assert_array_equal(sums, expected)


def _leaf_moments(tree, leaf, y, w):
    """Weight, mean and squared deviations of the rows of each leaf; zeros above."""
    weight, mean, m2 = naive.moments(tree.left, tree.right, leaf, y, w)
    for array in (weight, mean, m2):
        array[tree.splits] = 0
    return weight, mean, m2


@pytest.mark.unjitted
@given(rows_in_leaves())
def test_moments_up_equals_moments_of_the_raw_rows(case):
    tree, leaf, y, w = case
    weight, mean, m2 = _leaf_moments(tree, leaf, y, w)
    assert kernels.moments_up(tree.left, tree.right, weight, mean, m2) is None
    expected = naive.moments(tree.left, tree.right, leaf, y, w)
    assert_allclose(weight, expected[0], rtol=1e-12)
    filled = expected[0] > 0
    assert_allclose(mean[filled], expected[1][filled], rtol=1e-12, atol=1e-12)
    assert_allclose(m2[filled], expected[2][filled], rtol=1e-6, atol=1e-7)


@pytest.mark.unjitted
@given(own.forests(), st.data())
def test_lock_ancestors_locks_the_way_to_the_root(tree, data):
    locked = np.array(
        data.draw(st.lists(st.booleans(), min_size=tree.n_nodes, max_size=tree.n_nodes))
    )
    expected = naive.closed_upward(tree.parent, locked)
    kernels.lock_ancestors(tree.parent, locked)
    assert_array_equal(locked, expected)


@pytest.mark.unjitted
@given(rows_in_leaves(), st.sampled_from([0.0, 0.1, 30.0]))
def test_shrink_equals_the_sum_over_the_path(case, lam):
    tree, leaf, y, w = case
    weight, mean, _ = naive.moments(tree.left, tree.right, leaf, y, w + 0.25)
    weight += 1  # every parent has rows
    fast = kernels.shrink(tree.parent, mean, weight, lam)
    slow = naive.shrink(tree.left, tree.right, mean, weight, lam)
    assert_allclose(fast, slow, rtol=1e-12, atol=1e-12)


@pytest.mark.unjitted
@given(own.forests())
def test_depths_counts_the_splits_above(tree):
    expected = [naive.depth(tree.parent, t) for t in range(tree.n_nodes)]
    assert_array_equal(kernels.depths(tree.parent), expected)


@pytest.mark.unjitted
@given(stepped_forests())
def test_node_at_is_the_highest_leaf_on_the_way(case):
    tree, _, removed_at, n_steps = case
    for step in range(n_steps):
        fast = kernels.node_at(tree.parent, removed_at, step)
        assert fast.dtype == np.int32
        assert_array_equal(fast, naive.node_at(tree.parent, removed_at, step))


@pytest.mark.unjitted
@given(stepped_forests())
def test_step_sums_equals_the_sum_over_each_steps_leaves(case):
    tree, loss, removed_at, n_steps = case
    fast = kernels.step_sums(tree.left, tree.right, tree.parent, removed_at, loss, n_steps)
    assert_allclose(
        fast, naive.step_sums(tree.parent, removed_at, loss, n_steps), rtol=1e-12, atol=1e-9
    )


@st.composite
def predicting_forests(draw):
    """A forest with the values of two outputs, a path, and rows: all but the loss's own code."""
    tree = draw(own.forests(max_trees=3, max_splits=8))
    removed_at, n_steps = draw(own.removals(tree))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n, roots = draw(st.integers(0, 12)), tree.roots
    leaf = np.empty((n, len(roots)), np.int32)
    for j, (root, end) in enumerate(zip(roots, [*roots[1:], tree.n_nodes], strict=True)):
        leaf[:, j] = rng.choice(tree.leaves[(tree.leaves >= root) & (tree.leaves < end)], size=n)
    value = rng.integers(0, 4, (tree.n_nodes, 2, 3)) + 0.25
    value /= value.sum(axis=2, keepdims=True)
    return {
        "leaf": leaf,
        "parent": tree.parent,
        "removed_at": removed_at,
        "value": value,
        "tree_weight": np.full(len(roots), 1 / len(roots)),
        "y": rng.integers(0, 3, (n, 2)).astype(float),
        "weight": rng.integers(0, 3, n) / 2,
    }, n_steps


def row_losses(kernel, code, case, n_steps):
    """The kernel's differences, added up to one sum a step."""
    out = np.zeros(n_steps)
    kernel(*case.values(), np.array([3, 3]), SHARE, code, out)
    return np.cumsum(out)


SHARE = np.array([0.5, 2.0])
CODES = {
    "brier": kernels.BRIER,
    "log_loss": kernels.LOG_LOSS,
    "squared_error": kernels.SQUARED_ERROR,
}


@pytest.mark.unjitted
@pytest.mark.parametrize("kind", CODES)
@given(predicting_forests())
def test_row_losses_equals_every_row_at_every_step(kind, drawn):
    case, n_steps = drawn
    expected = sum(
        SHARE[o]
        * naive.path_losses(
            kind,
            case["leaf"],
            case["parent"],
            case["removed_at"],
            n_steps,
            case["value"][:, o],
            case["y"][:, o],
            case["weight"],
            tree_weight=case["tree_weight"],
        )
        for o in range(2)
    )
    fast = row_losses(kernels.row_losses, CODES[kind], case, n_steps)
    assert_allclose(fast, expected, rtol=1e-10, atol=1e-10)


# ----------------------------------------------------------------------------- un-jitted


@given(weighed_forests(), stepped_forests(), rows_in_leaves())
def test_kernels_unjitted_are_equal_bit_for_bit(weighed, stepped, rows):
    tree, risk, locked = weighed
    down = (tree.left, tree.right, tree.parent)
    stepped_tree, loss, removed_at, n_steps = stepped
    calls = [
        (kernels.weakest_link, (*down, risk, locked)),
        (kernels.top_down, (tree.left, tree.parent, risk, locked)),
        (kernels.bottom_up, (tree.left, tree.right, risk, 0.1, locked)),
        (kernels.depths, (tree.parent,)),
        (kernels.node_at, (stepped_tree.parent, removed_at, n_steps // 2)),
        (
            kernels.step_sums,
            (
                stepped_tree.left,
                stepped_tree.right,
                stepped_tree.parent,
                removed_at,
                loss,
                n_steps,
            ),
        ),
    ]
    for kernel, args in calls:
        jitted, python = kernel(*args), plain(kernel)(*args)
        assert jitted.dtype == python.dtype
        assert_array_equal(jitted, python)
    tree, leaf, y, w = rows
    moments = [_leaf_moments(tree, leaf, y, w) for _ in range(2)]
    kernels.moments_up(tree.left, tree.right, *moments[0])
    plain(kernels.moments_up)(tree.left, tree.right, *moments[1])
    for jitted, python in zip(*moments, strict=True):
        assert_array_equal(jitted, python)
    sums = [m[2].copy() for m in moments]
    kernels.sum_up(tree.left, tree.right, sums[0])
    plain(kernels.sum_up)(tree.left, tree.right, sums[1])
    assert_array_equal(*sums)


@given(predicting_forests(), st.sampled_from(sorted(CODES)))
def test_row_losses_unjitted_is_equal(drawn, kind):
    jitted = row_losses(kernels.row_losses, CODES[kind], *drawn)
    python = row_losses(plain(kernels.row_losses), CODES[kind], *drawn)
    # numpy's and the compiler's logarithm may differ in the last place.
    assert_allclose(jitted, python, rtol=1e-14, atol=1e-14 if kind == "log_loss" else 0)


# ----------------------------------------------------------------------------- a long chain

N_SPLITS = 100_000  # 200,001 nodes


@pytest.fixture(params=["right", "left"], scope="module")
def long_chain(request):
    """The chain, its splits from the root down, and the leaf beside each."""
    tree = own.chain(N_SPLITS, request.param)
    splits = tree.splits
    beside = (tree.left if request.param == "right" else tree.right)[splits]
    return tree, splits, beside


def test_weakest_link_on_a_long_chain_is_an_antitonic_regression(long_chain):
    """Cut below its k-th split, a chain has k+1 leaves: the minimiser runs along the convex hull
    of the risks, whose slopes are the antitonic regression of what each split gains."""
    tree, splits, _ = long_chain
    gain = np.random.default_rng(0).integers(-5, 50, N_SPLITS).astype(float)
    risk = np.zeros(tree.n_nodes)
    risk[splits] = np.cumsum(gain[::-1])[::-1]
    free = np.zeros(tree.n_nodes, bool)
    strength = kernels.weakest_link(tree.left, tree.right, tree.parent, risk, free)
    expected = IsotonicRegression(increasing=False).fit_transform(np.arange(N_SPLITS), gain)
    assert_allclose(strength[splits], expected, rtol=1e-9)
    assert np.all(strength[tree.leaves] == -np.inf)


@pytest.mark.parametrize("order", ["deepest first", "all at once"])
def test_weakest_link_on_a_long_chain_at_its_two_extremes(long_chain, order):
    tree, splits, _ = long_chain
    gain = np.arange(N_SPLITS, 0, -1.0) if order == "deepest first" else np.arange(N_SPLITS) + 1.0
    risk = np.zeros(tree.n_nodes)
    risk[splits] = np.cumsum(gain[::-1])[::-1]
    free = np.zeros(tree.n_nodes, bool)
    strength = kernels.weakest_link(tree.left, tree.right, tree.parent, risk, free)
    expected = gain if order == "deepest first" else np.full(N_SPLITS, gain.mean())
    assert_allclose(strength[splits], expected, rtol=1e-12)


def test_top_down_on_a_long_chain_is_a_running_minimum(long_chain):
    tree, splits, _ = long_chain
    own_strength = np.random.default_rng(1).normal(size=tree.n_nodes)
    free = np.zeros(tree.n_nodes, bool)
    out = kernels.top_down(tree.left, tree.parent, own_strength, free)
    assert_array_equal(out[splits], np.minimum.accumulate(own_strength[splits]))


def test_sums_on_a_long_chain_are_running_sums(long_chain):
    tree, splits, beside = long_chain
    sums = np.zeros((tree.n_nodes, 1))
    sums[tree.leaves, 0] = np.random.default_rng(2).integers(0, 9, len(tree.leaves))
    deepest = np.setdiff1d(tree.leaves, beside).item()
    expected = np.cumsum(sums[beside, 0][::-1])[::-1] + sums[deepest, 0]
    kernels.sum_up(tree.left, tree.right, sums)
    assert_array_equal(sums[splits, 0], expected)


def test_steps_on_a_long_chain_by_their_closed_form(long_chain):
    """One split goes at every step, the deepest first: step s keeps the upper n - s splits, the
    leaves beside them and the node below the last of them."""
    tree, splits, beside = long_chain
    n_steps = N_SPLITS + 1
    removed_at = np.zeros(tree.n_nodes, np.int32)
    removed_at[splits] = np.arange(N_SPLITS, 0, -1)
    loss = np.random.default_rng(3).integers(0, 9, tree.n_nodes).astype(float)
    sums = kernels.step_sums(tree.left, tree.right, tree.parent, removed_at, loss, n_steps)
    deepest = np.setdiff1d(tree.leaves, beside).item()
    last_leaf = np.append(splits, deepest)[::-1]  # of step 0, 1, …
    upper = np.concatenate([[0.0], np.cumsum(loss[beside])])[::-1]
    assert_array_equal(sums, upper + loss[last_leaf])

    step = 40_000
    top = splits[N_SPLITS - step]
    merged = np.zeros(tree.n_nodes, bool)
    merged[splits[N_SPLITS - step :]] = merged[beside[N_SPLITS - step :]] = True
    merged[deepest] = True
    expected = np.where(merged, top, np.arange(tree.n_nodes))
    assert_array_equal(kernels.node_at(tree.parent, removed_at, step), expected)


def test_bottom_up_on_a_long_chain_keeps_the_upper_half(long_chain):
    """Splits that gain more than the margin protect those above, not those below."""
    tree, splits, _ = long_chain
    half = N_SPLITS // 2
    gain = np.where(np.arange(N_SPLITS) < half, 2.0, 1.0)
    risk = np.zeros(tree.n_nodes)
    risk[splits] = np.cumsum(gain[::-1])[::-1]
    free = np.zeros(tree.n_nodes, bool)
    gone = kernels.bottom_up(tree.left, tree.right, risk, 1.5, free)
    assert_array_equal(gone[splits], np.arange(N_SPLITS) >= half)


def test_moments_and_depths_on_a_long_chain(long_chain):
    tree, splits, _ = long_chain
    y = np.random.default_rng(4).normal(size=len(tree.leaves))
    weight, mean, m2 = np.zeros(tree.n_nodes), np.zeros((tree.n_nodes, 1)), None
    weight[tree.leaves], mean[tree.leaves, 0] = 1.0, y
    m2 = np.zeros_like(mean)
    kernels.moments_up(tree.left, tree.right, weight, mean, m2)
    assert weight[0] == len(y)
    assert mean[0, 0] == pytest.approx(y.mean(), abs=1e-12)
    assert m2[0, 0] == pytest.approx(((y - y.mean()) ** 2).sum(), rel=1e-9)
    assert_array_equal(kernels.depths(tree.parent)[splits], np.arange(N_SPLITS))
