"""Attributions of networks: against all subsets, slow integrals and shap, and through pipelines.

Every way of computing (by hidden unit or of the whole network, by search or by pairs, in small
blocks) is forced in turn, since the engine chooses by cost.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from itertools import pairwise

import naive_network
import naive_shapley
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from treeprune import (
    CheckFailedError,
    Decision,
    FeatureMap,
    SparseMLPClassifier,
    explain,
    native,
    prune,
)
from treeprune.datasets import load_german_credit
from treeprune.explain.networks import (
    attribute_network,
    attribution,
    games,
    gradients,
    rounding,
)
from treeprune.network import ACTIVATIONS, Network

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning"),
]
TOLERANCE = 1e-10


@contextmanager
def forced(**constants):
    """Other constants of the engine: `MOST_WORK=0` integrates, `_FEW=0` searches, …"""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in constants.items():
            owner = next(m for m in (attribution, games, gradients) if hasattr(m, name))
            patch.setattr(owner, name, value)
        yield


integrating = {"MOST_WORK": 0}


def random_network(seed, sizes, activation="relu", *, density=0.6, scale=1.0) -> Network:
    """Weights of any size, of which some are exactly zero."""
    rng = np.random.default_rng(seed)
    weights = [
        scale * rng.normal(size=(a, b)) * (rng.random((a, b)) < density) for a, b in pairwise(sizes)
    ]
    return Network(weights, [rng.normal(size=n) for n in sizes[1:]], activation=activation)


def random_rows(seed, n, width) -> np.ndarray:
    """Numbers, and a few columns of indicators, so that rows have parts in common."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, width))
    rows[:, : width // 2] = rng.integers(0, 2, (n, width // 2))
    return rows


def attributed(net, Z, B, player=None, n_players=None, **options):
    player = np.arange(net.n_features) if player is None else np.asarray(player)
    n_players = int(player.max()) + 1 if n_players is None else n_players
    return attribute_network(net, Z, B, player=player, n_players=n_players, **options)


def close(a, b, tolerance=TOLERANCE):
    scale = max(1.0, float(np.abs(b).max(initial=0)))
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale)


shapes = st.tuples(
    st.integers(2, 6), st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(1, 3)
).map(lambda s: [s[0], *s[1], s[2]])


# --- Shapley values ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["chosen", "search", "pairs", "small blocks"])
@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    sizes=shapes,
    activation=st.sampled_from(ACTIVATIONS),
    n_background=st.sampled_from([1, 5, 24]),
    groups=st.data(),
)
def test_shapley_values_are_those_of_all_subsets(
    way, seed, sizes, activation, n_background, groups
):
    """The whole network, mixed row by row; columns of one player come and go together."""
    net = random_network(seed, sizes, activation)
    n_players = groups.draw(st.integers(1, sizes[0]))
    player = np.array(
        groups.draw(st.lists(st.integers(0, n_players - 1), min_size=sizes[0], max_size=sizes[0]))
    )
    Z, B = random_rows(seed, 4, sizes[0]), random_rows(seed + 1, n_background, sizes[0])
    constants = {
        "chosen": {},
        "search": {"_FEW": 0},
        "pairs": {"_FEW": 10**9},
        "small blocks": {"_BLOCK": 16, "_HELD": 64, "_FEW": 4},
    }[way]
    if way == "small blocks":
        with pytest.MonkeyPatch.context() as patch:
            for name, value in constants.items():
                patch.setattr(games, name, value)
            found = attributed(net, Z, B, player, n_players)
    else:
        with forced(**constants):
            found = attributed(net, Z, B, player, n_players)
    assert found.method.startswith("exact Shapley")
    for i in range(len(Z)):
        values, base = naive_shapley.interventional(
            net.raw, player, n_players, Z[i], B, np.ones(len(B))
        )
        close(found.values[i], values)
        close(found.base, base)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), sizes=shapes, activation=st.sampled_from(ACTIVATIONS))
def test_networks_are_what_the_definition_says(seed, sizes, activation):
    """The twin of `Network.raw`, on which the other twins stand."""
    net = random_network(seed, sizes, activation)
    X = random_rows(seed, 5, sizes[0])
    close(net.raw(X), [naive_network.forward(net, x) for x in X], 1e-12)


def test_one_game_of_the_whole_network_where_that_costs_less():
    """Neurons with nearly the same players share what is below them, others are taken apart."""
    rng = np.random.default_rng(0)
    apart = np.zeros((8, 6))
    apart[:4, :3] = rng.normal(size=(4, 3))
    apart[4:, 3:] = rng.normal(size=(4, 3))
    last = np.zeros((6, 2))
    last[:3, 0], last[3:, 1] = rng.normal(size=(2, 3))
    net = Network((apart, last, rng.normal(size=(2, 1))), (np.zeros(6), np.zeros(2), [0.0]))
    same = net.with_arrays(
        (rng.normal(size=(8, 6)), rng.normal(size=(6, 2)), net.weights[2]), net.biases
    )
    nearly = rng.normal(size=(6, 2))
    nearly[0, 0] = 0.0  # what the first neuron passes on alone does not reach the first score
    first = rng.normal(size=(8, 6))
    first[7, 1:] = 0.0
    shared = net.with_arrays((first, nearly, net.weights[2]), net.biases)
    player = np.arange(8)
    Z, B = rng.normal(size=(3, 8)), rng.normal(size=(9, 8))
    for one, by in ((net, "by hidden unit"), (same, "whole network"), (shared, "whole network")):
        found = attributed(one, Z, B)
        assert by in found.method
        whole = games.Game.of(one, player).play(Z, B, np.full(9, 1 / 9), player)
        close(found.values, whole)


def test_the_game_of_a_neuron_knows_its_own_players_only():
    first = np.zeros((6, 3))
    first[[0, 1], 0] = first[[1, 2, 3], 1] = first[[4], 2] = 1.0
    net = Network((first, np.ones((3, 1))), (np.zeros(3), [0.0]))
    player = np.array([0, 1, 2, 2, 3, 4])  # the last column is read by none
    found = [g.players.tolist() for g in games.games_of(net.compact(), player)]
    assert found == [[0, 1], [1, 2], [3]]


def test_large_numbers_lose_no_more_than_the_network_itself():
    """Amounts in the millions that all but cancel, with the background's sums added up in order."""
    rng = np.random.default_rng(1)
    Z, B = 1e6 + rng.normal(size=(3, 3)), 1e6 + rng.normal(size=(40, 3))
    net = Network((np.array([[1.0], [-2.0], [1.0]]), [[1.0]]), ([0.3], [0.0]))
    with forced(_FEW=0):
        by_search = attributed(net, Z, B)
    for i in range(3):
        values, _ = naive_shapley.interventional(net.raw, np.arange(3), 3, Z[i], B, np.ones(len(B)))
        np.testing.assert_allclose(by_search.values[i], values, rtol=0, atol=1e-8)


# --- integrated gradients ------------------------------------------------------------------------


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    sizes=shapes,
    activation=st.sampled_from(["relu", "tanh", "logistic"]),
    n_background=st.sampled_from([1, 3]),
)
def test_integrated_gradients_add_up(seed, sizes, activation, n_background):
    net = random_network(seed, sizes, activation)
    Z, B = random_rows(seed, 4, sizes[0]), random_rows(seed + 1, n_background, sizes[0])
    with forced(**integrating):
        found = attributed(net, Z, B)
    close(found.base, net.raw(B).mean(axis=0))
    close(found.base + found.values.sum(axis=1), net.raw(Z), 1e-9)
    assert found.gap == 0.0


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), sizes=shapes, n_background=st.sampled_from([1, 3]))
def test_integrals_of_rectified_networks_are_exact(seed, sizes, n_background):
    """Against halving the line until the same neurons are active at both ends of every piece."""
    net = random_network(seed, sizes)
    Z, B = random_rows(seed, 3, sizes[0]), random_rows(seed + 1, n_background, sizes[0])
    player = np.arange(sizes[0]) // 2
    with forced(**integrating), pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradients, "_BLOCK", 40)
        found = attributed(net, Z, B, player)
    for z, values in zip(Z, found.values, strict=True):
        each = np.mean([naive_network.by_bisection(net, z, b) for b in B], axis=0)
        grouped = np.stack([each[player == p].sum(axis=0) for p in np.unique(player)])
        close(values, grouped, 1e-9)


def test_a_deep_rectified_network_is_the_limit_of_midpoints():
    net = random_network(3, [3, 4, 3, 2, 2], density=1.0)
    z, b = random_rows(5, 1, 3), random_rows(6, 1, 3)
    with forced(**integrating):
        found = attributed(net, z, b)
    assert found.method == "exact integrated gradients, 1 baseline"
    switches = naive_network.by_bisection(net, z[0], b[0])
    close(found.values[0], switches, 1e-12)
    errors = [
        np.abs(naive_network.by_midpoints(net, z[0], b[0], n) - found.values[0]).max()
        for n in (100, 100_000)
    ]
    assert errors[1] < 1e-4 < 10 * errors[0]
    assert errors[1] < errors[0] / 20


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_one_hidden_layer_is_the_limit_of_midpoints(activation):
    net = random_network(1, [4, 5, 2], activation, density=1.0)
    Z, B = random_rows(1, 2, 4), random_rows(2, 2, 4)
    with forced(**integrating):
        found = attributed(net, Z, B)
    assert found.method == "exact integrated gradients, 2 baselines"
    for z, values in zip(Z, found.values, strict=True):
        each = [naive_network.by_midpoints(net, z, b, 20_000) for b in B]
        np.testing.assert_allclose(
            values, np.mean(each, axis=0), rtol=0, atol=1e-3 if activation == "relu" else 1e-8
        )


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
@pytest.mark.parametrize("scale", [1.0, 6.0])
def test_quadrature_of_deep_smooth_networks(activation, scale):
    """Against an adaptive rule of another kind, also where slopes are steep."""
    net = random_network(2, [3, 4, 3, 2], activation, density=1.0, scale=scale)
    Z, B = random_rows(1, 2, 3), random_rows(2, 2, 3)
    with forced(**integrating):
        found = attributed(net, Z, B)
    assert found.method == "integrated gradients, numerical to 1e-9, 2 baselines"
    for z, values in zip(Z, found.values, strict=True):
        each = []
        for b in B:
            mean, _ = integrate.quad_vec(
                lambda t, z=z, b=b: naive_network.gradient(net, b + t * (z - b)),
                0, 1, epsabs=1e-12, epsrel=1e-12, limit=5000,
            )  # fmt: skip
            each.append(mean * (z - b)[:, None])
        close(values, np.mean(each, axis=0), 1e-9)


def test_quadrature_is_not_content_with_a_sum_that_is_right():
    """Two columns whose shares cancel for every rule, right or wrong."""
    net = Network(
        (np.diag([60.0, 60.0]), [[1.0], [-1.0]], [[1.0]]),
        (np.full(2, -20.0), [0.0], [0.0]),
        activation="tanh",
    )
    with forced(**integrating):
        found = attributed(net, [[1.0, 1.0]], [[0.0, 0.0]])
    share = np.tanh(40.0) - np.tanh(-20.0)
    close(found.values[0, :, 0], [share, -share], 1e-9)


def test_quadrature_is_not_content_with_rules_that_agree():
    """A jump between two points of each of the first rules, which find nothing at all."""
    net = Network(([[2e3]], [[1.0]], [[1.0]]), ([-666.6], [0.0], [0.0]), activation="tanh")
    with forced(_MOST_PANELS=4096, **integrating):
        found = attributed(net, [[1.0]], [[0.0]])
    close(found.values[0, 0], net.raw(np.ones((1, 1)))[0] - net.raw(np.zeros((1, 1)))[0], 1e-9)
    assert found.gap == 0.0


def test_quadrature_that_does_not_converge_says_by_how_much():
    net = random_network(2, [3, 4, 3, 1], "tanh", density=1.0, scale=6.0)
    Z, B = random_rows(1, 2, 3), random_rows(2, 2, 3)
    with forced(MOST_WORK=0, _MOST_PANELS=2):
        found = attributed(net, Z, B)
    off = np.abs(found.base + found.values.sum(axis=1) - net.raw(Z)).max()
    assert 1e-9 < off <= found.gap
    assert f"numerical, off by about {found.gap:.1g}" in found.method


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_difference_quotients_near_each_other(activation):
    """Where end and start all but agree, a plain quotient is wrong in the first digit."""
    start = np.array([-3.0, -1e-9, 0.0, 0.4, 2.0, 30.0])
    for step in (0.0, 1e-300, 1e-16, 1e-12, 1e-6):
        found = gradients.difference_quotient(start, start + step, activation)
        away = np.abs(start) > 1e-8  # of the point where the rectifier has two slopes
        slope = naive_network.SLOPES[activation](start)
        np.testing.assert_allclose(found[away], slope[away], rtol=0, atol=2 * step + 1e-15)
        assert (found >= 0).all() and (found <= 1).all()
    same = gradients.difference_quotient(start, start, activation)
    np.testing.assert_allclose(same, naive_network.SLOPES[activation](start), rtol=0, atol=1e-15)


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_difference_quotients_far_from_each_other(activation):
    rng = np.random.default_rng(0)
    start, end = rng.normal(scale=3, size=(2, 1000))
    f = np.vectorize(naive_network.FUNCTIONS[activation])
    plain = (f(end) - f(start)) / (end - start)
    found = gradients.difference_quotient(start, end, activation)
    np.testing.assert_allclose(found, plain, rtol=1e-9)


# --- laws of both --------------------------------------------------------------------------------

both = pytest.mark.parametrize("constants", [{}, integrating], ids=["Shapley", "integrated"])
each_activation = pytest.mark.parametrize("activation", ["relu", "tanh"])


@both
@each_activation
def test_who_is_not_read_gets_nothing(constants, activation):
    net = random_network(4, [5, 4, 3, 1], activation, density=1.0)
    first = net.weights[0].copy()
    first[2] = 0.0
    first[4, 1:] = 0.0
    second = net.weights[1].copy()
    second[0] = 0.0  # the fifth column reaches a neuron that nothing leaves, or none
    first[4, 0] = 1.0
    net = net.with_arrays((first, second, net.weights[2]), net.biases)
    with forced(**constants):
        found = attributed(net, random_rows(0, 6, 5), random_rows(1, 7, 5))
    assert not found.values[:, [2, 4]].any()
    assert np.abs(found.values[:, [0, 1, 3]]).max(axis=(0, 2)).all()


@both
@each_activation
def test_who_does_the_same_gets_the_same(constants, activation):
    net = random_network(5, [4, 5, 3, 2], activation, density=1.0)
    first = net.weights[0].copy()
    first[3] = first[1]
    net = net.with_arrays((first, *net.weights[1:]), net.biases)
    Z, B = random_rows(0, 6, 4), random_rows(1, 7, 4)
    Z[:, 3], B[:, 3] = Z[:, 1], B[:, 1]
    with forced(**constants):
        found = attributed(net, Z, B)
    close(found.values[:, 1], found.values[:, 3], 1e-12)
    assert np.abs(found.values[:, 1]).max() > 1e-3


@both
@each_activation
def test_of_a_sum_of_networks_the_sum(constants, activation):
    one = random_network(6, [4, 3, 2, 1], activation)
    other = random_network(7, [4, 2, 4, 1], activation)
    first = np.hstack([one.weights[0], other.weights[0]])
    second = np.zeros((5, 6))
    second[:3, :2], second[3:, 2:] = one.weights[1], other.weights[1]
    total = Network(
        (first, second, np.vstack([one.weights[2], 2 * other.weights[2]])),
        (
            *(np.concatenate([one.biases[i], other.biases[i]]) for i in range(2)),
            one.biases[2] + 2 * other.biases[2],
        ),
        activation=activation,
    )
    Z, B = random_rows(0, 5, 4), random_rows(1, 7, 4)
    with forced(**constants):
        found, a, b = (attributed(net, Z, B) for net in (total, one, other))
    close(found.values, a.values + 2 * b.values, 1e-9)
    close(found.base, a.base + 2 * b.base)


@both
@each_activation
def test_a_row_has_the_same_whoever_is_asked_about_with_it(constants, activation):
    net = random_network(8, [5, 6, 4, 1], activation)
    Z, B = random_rows(0, 40, 5), random_rows(1, 30, 5)
    with forced(**constants):
        together = attributed(net, Z, B)
        alone = [attributed(net, Z[[i]], B) for i in range(0, 40, 7)]
    assert {one.method for one in alone} == {together.method}
    close(np.concatenate([one.values for one in alone]), together.values[::7], 1e-12)
    with forced(**constants):
        again = attributed(net, Z, B)
    np.testing.assert_array_equal(again.values, together.values)


@both
@each_activation
def test_repeated_background_rows_are_weights(constants, activation):
    net = random_network(9, [4, 5, 1], activation)
    Z, B = random_rows(0, 6, 4), random_rows(1, 20, 4)
    with forced(**constants):
        once, twice = attributed(net, Z, B), attributed(net, Z, np.concatenate([B, B]))
        more = attributed(net, Z, np.concatenate([B, B[:5]]))
    close(once.values, twice.values, 1e-12)
    assert np.abs(once.values - more.values).max() > 1e-6


def test_both_differ_and_say_which_they_are():
    net = random_network(10, [4, 6, 1], density=1.0)
    Z, B = random_rows(0, 50, 4), random_rows(1, 20, 4)
    shapley = attributed(net, Z, B)
    with forced(**integrating):
        path = attributed(net, Z, B)
    assert shapley.method == "exact Shapley by hidden unit, interventional, 20 background rows"
    assert path.method == "exact integrated gradients, 20 baselines"
    assert np.abs(shapley.values - path.values).mean() > 0.01 * np.abs(shapley.values).mean()


def test_networks_without_bends_are_linear():
    net = random_network(11, [4, 3, 3, 2], "identity", density=1.0)
    plain = Network((random_network(1, [4, 2]).weights[0],), ([0.1, 0.2],))
    for one, kind in ((net, "linear network"), (plain, "linear model")):
        Z, B = random_rows(0, 4, 4), random_rows(1, 500, 4)
        found = attributed(one, Z, B)
        assert found.method == f"exact Shapley of a {kind}, interventional, 500 background rows"
        slope = naive_network.gradient(one, Z[0])
        close(found.values, (Z - B.mean(axis=0))[:, :, None] * slope)


def test_a_network_that_reads_nothing():
    net = Network(([[0.0, 0.0]], [[1.0], [2.0]]), ([1.0, -1.0], [0.5]))
    found = attributed(net, [[1.0], [2.0]], [[0.0]])
    assert found.values.tolist() == [[[0.0]], [[0.0]]] and found.base.tolist() == [1.5]


@both
def test_no_rows(constants):
    net = random_network(12, [3, 4, 2, 2])
    with forced(**constants):
        assert attributed(net, np.zeros((0, 3)), np.ones((2, 3))).values.shape == (0, 3, 2)


# --- what can be afforded ------------------------------------------------------------------------


def test_fan_in_decides_between_the_two():
    rng = np.random.default_rng(0)
    for fan_in, is_shapley in ((14, True), (15, False)):
        net = Network((rng.normal(size=(fan_in, 1)), [[1.0]]), ([0.0], [0.0]))
        found = attributed(net, rng.normal(size=(2, fan_in)), rng.normal(size=(3, fan_in)))
        assert found.method.startswith("exact Shapley by hidden unit") == is_shapley
        # As one player, all of its columns are two subsets.
        one = attributed(net, np.ones((2, fan_in)), np.zeros((3, fan_in)), [0] * fan_in)
        assert one.method.startswith("exact Shapley by hidden unit")
    # Too many neurons of a fan-in that one alone may have.
    many = Network((rng.normal(size=(13, 40)), np.ones((40, 1))), (np.zeros(40), [0.0]))
    assert "integrated" in attributed(many, np.ones((1, 13)), np.zeros((1, 13))).method


@pytest.mark.parametrize("sizes, constants", [([6, 4, 1], {}), ([6, 4, 3, 1], integrating)])
def test_too_many_background_rows_are_drawn_with_a_seed(sizes, constants):
    net = random_network(13, sizes, "tanh", density=1.0)
    Z, B = random_rows(0, 3, 6), random_rows(1, 3000, 6)
    with forced(SPARE_WORK=0, **constants):
        first, again = attributed(net, Z, B), attributed(net, Z, B)
        other = attributed(net, Z, B, random_state=1)
        few = attributed(net, Z, B[:50])
    assert first.method.endswith("drawn from 3000") and "drawn" not in few.method
    assert ("integrated" in first.method) == bool(constants)
    assert int(first.method.split(", ")[-1].split()[0]) == 100
    np.testing.assert_array_equal(first.values, again.values)
    assert np.abs(first.values - other.values).max() > 1e-3
    close(first.base + first.values.sum(axis=1), net.raw(Z))
    assert not np.allclose(first.base, net.raw(B).mean(axis=0))


def test_rectified_neurons_take_the_whole_background():
    net = random_network(14, [5, 8, 1])
    Z, B = random_rows(0, 20, 5), random_rows(1, 20_000, 5)
    found = attributed(net, Z, B)
    assert found.method.endswith("20000 background rows")
    close(found.base, net.raw(B).mean(axis=0))
    close(found.base + found.values.sum(axis=1), net.raw(Z))


# --- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "Z, B, message",
    [
        (np.ones((1, 2)), np.ones((1, 3)), "rows have shape .* takes 3 columns"),
        (np.ones(3), np.ones((1, 3)), "rows have shape"),
        (np.ones((1, 3)), np.ones((1, 4)), "background rows have shape"),
        (np.ones((1, 3)), np.ones((0, 3)), "at least one"),
        (np.array([[1.0, np.nan, 2.0]]), np.ones((1, 3)), "row 0 has nan in column 1"),
        (np.ones((1, 3)), np.array([[1.0, 2.0, np.inf]]), "row 0 has inf in column 2"),
    ],
)
def test_wrong_rows_are_refused(Z, B, message):
    with pytest.raises(ValueError, match=message):
        attributed(random_network(0, [3, 2, 1]), Z, B)


# --- fitted models -------------------------------------------------------------------------------


def sparsified(model, share):
    """A copy of a fitted model of which the smallest weights are exactly zero."""
    new = copy.deepcopy(model)
    net = new[-1] if hasattr(new, "steps") else new
    sizes = np.abs(np.concatenate([w.ravel() for w in net.coefs_]))
    limit = np.quantile(sizes, share)
    net.coefs_ = [np.where(np.abs(w) > limit, w, 0.0).astype(w.dtype) for w in net.coefs_]
    return new


@pytest.fixture(scope="module")
def german():
    data = load_german_credit()
    X, y = data.data, data.target.map({0: "good", 1: "bad"})
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        (StandardScaler(), make_column_selector(dtype_include="number")),
    )
    model = make_pipeline(encode, MLPClassifier((16,), max_iter=40, random_state=0))
    return X, y, model.fit(X, y)


@pytest.mark.parametrize("share", [0.0, 0.97])
def test_german_credit_end_to_end(german, share):
    X, y, model = german
    model = sparsified(model, share)
    cutoff = float(np.quantile(model.predict_proba(X)[:, 0], 0.7))
    ex = explain(model, X, y, decision=Decision(adverse="bad", cutoff=cutoff), random_state=0)
    found = ex.attributions(X[:60], background=X[:100])
    assert found.values.shape == (60, 20, 1) and list(found.output_names) == ["good"]
    assert found.unit == "log-odds"
    kind = "exact Shapley by hidden unit" if share else "exact integrated gradients"
    assert found.method.startswith(kind)
    proba = model.predict_proba(X[:60])
    total = found.base_values[:, 0] + found.values[:, :, 0].sum(axis=1)
    np.testing.assert_allclose(total, np.log(proba[:, 1] / proba[:, 0]), rtol=0, atol=1e-8)
    assert ex.checks["attributions add up to the model"].passed
    assert kind in ex.checks["attributions add up to the model"].detail
    with pytest.raises(ValueError, match="only knows game='interventional'"):
        ex.attributions(X[:2], game="path_dependent")

    frame = ex.importance(X[:60])
    mean = np.abs(ex.attributions(X[:60]).values[:, :, 0]).mean(axis=0)
    given = frame.set_index("column").loc[X.columns, "mean_abs"]
    np.testing.assert_allclose(given, mean, atol=1e-12)
    if share:
        unread = set(X.columns) - set(frame["column"][frame["share"] > 0])
        net = native.read_network(model[-1]).settle()
        read = ex.view.feature_map.player[net.live()[0]]
        assert unread >= {name for j, name in enumerate(X.columns) if j not in read} != set()

    adverse = np.flatnonzero(model.predict_proba(X)[:, 0] >= cutoff)[:5]
    reasons = ex.reasons(X.iloc[adverse])
    assert ex.checks["reasons add up to the model"].passed and kind in reasons.method
    assert reasons.unit == "log-odds" and all(one.adverse for one in reasons)
    against = ex.attributions(X.iloc[adverse], background=near_cutoff(model, X, cutoff))
    for i, one in enumerate(reasons):
        # Log-odds of "good" fall where something speaks for "bad".
        push = dict(zip(X.columns, -against.values[i, :, 0], strict=True))
        for reason in one.reasons:
            assert reason.contribution == pytest.approx(push[reason.column], abs=1e-12)
            assert reason.contribution > 0 and reason.error is None
    change = ex.counterfactual(X.iloc[adverse[:1]])[0]
    if change.feasible:
        assert model.predict_proba(change.apply(X.iloc[adverse[:1]]))[0, 0] < cutoff
    if share:
        assert "attributions add up" in ex.to_text()
    assert all(check.passed for check in ex.checks.values())


def near_cutoff(model, X, cutoff):
    """The favourable reference rows nearest to the cut-off."""
    p = model.predict_proba(X)[:, 0]
    favourable = np.flatnonzero(p < cutoff)
    wanted = min(len(favourable), max(50, round(0.05 * len(X))))
    limit = np.sort(cutoff - p[favourable])[wanted - 1]
    return X.iloc[favourable[cutoff - p[favourable] <= limit + 1e-12]]


def test_indicators_of_a_category_are_one_player(german):
    """All subsets of raw columns, by the caller's own estimator."""
    X, y, model = german
    model = sparsified(model, 0.965)
    ex = explain(model, X[:200], y[:200])
    background = X[:12]
    found = ex.attributions(X[200:202], background=background)
    net = native.read_network(model[-1]).compact()
    used = np.unique(ex.view.feature_map.player[net.inputs])
    moved = (np.abs(found.values[:, used]) > 1e-3).any(axis=(0, 2))
    assert len(used) <= 8 and moved.sum() >= 3
    kinds = {ex.view.feature_map.columns[j].kind for j in used}
    assert kinds == {"number", "category"}

    def worth(i):
        def of(present):
            rows = background.copy()
            for j in present:
                name = X.columns[used[j]]
                rows[name] = X[name].iloc[i]
            p = model.predict_proba(rows)
            return np.log(p[:, 1] / p[:, 0]).mean(keepdims=True)

        return of

    for k, i in enumerate((200, 201)):
        expected = naive_shapley.shapley(worth(i), len(used))
        np.testing.assert_allclose(found.values[k, used], expected, rtol=0, atol=1e-10)


def test_many_classes_and_a_search():
    X, y = load_iris(return_X_y=True, as_frame=True)
    net = MLPClassifier((6, 4), solver="lbfgs", max_iter=60, random_state=0)
    pipe = make_pipeline(StandardScaler(), net)
    model = GridSearchCV(pipe, {"mlpclassifier__alpha": [0.1]}, cv=2).fit(X, y)
    ex = explain(model, X, y)
    found = ex.attributions(X[::30], background=X[::10])
    assert found.values.shape == (5, 4, 3) and found.output_names == ["0", "1", "2"]
    total = found.base_values + found.values.sum(axis=1)
    proba = np.exp(total) / np.exp(total).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(proba, model.predict_proba(X[::30]), rtol=0, atol=1e-9)
    assert ex.importance(X[::30]).columns.tolist() == ["column", "0", "1", "2", "share"]


def test_targets():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    both = pd.DataFrame({"first": y, "second": -2 * y})
    net = MLPRegressor(hidden_layer_sizes=(6,), solver="lbfgs", max_iter=100, random_state=0)
    model = make_pipeline(StandardScaler(), net)
    found = explain(model.fit(X, both), X, both).attributions(X[:9], background=X[:50])
    assert found.values.shape == (9, 10, 2) and list(found.output_names) == ["first", "second"]
    total = found.base_values + found.values.sum(axis=1)
    np.testing.assert_allclose(total, model.predict(X[:9]), rtol=1e-9)
    one = explain(model.fit(X, y), X, y).attributions(X[:9], background=X[:50])
    assert one.values.shape == (9, 10) and one.unit == "target"
    np.testing.assert_allclose(
        one.base_values + one.values.sum(axis=1), model.predict(X[:9]), rtol=1e-9
    )


def test_shap_agrees():
    shap = pytest.importorskip("shap")
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X = X.iloc[:, :5]
    net = MLPClassifier((4,), solver="lbfgs", alpha=5.0, max_iter=200, random_state=0)
    model = make_pipeline(StandardScaler(), net).fit(X, y)
    background = X[:40]
    found = explain(model, X, y).attributions(X[100:106], background=background)
    assert "Shapley" in found.method

    def log_odds(rows):
        p = model.predict_proba(pd.DataFrame(rows, columns=X.columns))
        return np.log(p[:, 1]) - np.log(p[:, 0])

    masker = shap.maskers.Independent(background.to_numpy(), max_samples=40)
    other = shap.explainers.Exact(log_odds, masker)(X[100:106].to_numpy())
    close(found.values[:, :, 0], other.values, 1e-8)
    close(found.base_values[:, 0], other.base_values, 1e-8)


def test_single_precision_is_the_models_own():
    """A network that was fitted and asked in single precision rounds by more than others."""
    X, y = load_breast_cancer(return_X_y=True)
    X = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)
    model = MLPClassifier((8,), max_iter=30, random_state=0).fit(X, y)
    assert model.coefs_[0].dtype == np.float32
    found = explain(model, X, y).attributions(X[:20], background=X[:30])
    assert found.values.shape == (20, 30, 1)
    assert 1e-7 < rounding(native.read_network(model), X) < 1e-3
    wide = native.read_network(sparsified(MLPClassifier((8,), max_iter=2).fit(X * 1.0001, y), 0))
    assert rounding(wide.with_arrays([w * 1.1 for w in wide.weights], wide.biases), X) < 1e-11


def test_a_network_that_was_changed_afterwards_is_noticed(german):
    X, y, model = german
    changed = copy.deepcopy(model)
    ex = explain(changed, X[:100], y[:100])
    changed[-1].intercepts_[-1] += 0.01
    with pytest.raises(CheckFailedError, match="do not add up"):
        ex.attributions(X[:3])
    assert not ex.checks["attributions add up to the model"].passed


def test_columns_as_the_network_takes_them():
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = MLPClassifier((3,), solver="lbfgs", max_iter=50, random_state=0).fit(X, y)
    ex = explain(model, X, y)
    for wrong in (X[X.columns[::-1]], X.rename(columns={X.columns[0]: "other"}), X.iloc[:, :3]):
        with pytest.raises(ValueError, match=r"feature names|columns|features"):
            ex.attributions(wrong)
    missing = X.copy()
    missing.iloc[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        ex.attributions(missing)
    with pytest.raises(ValueError, match="background rows must be finite"):
        ex.attributions(X[:2], background=missing)


def test_networks_of_this_package():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    net = SparseMLPClassifier((8, 4), l1=0.02, max_iter=100, random_state=0)
    model = make_pipeline(StandardScaler(), net).fit(X, y)
    found = explain(model, X, y).attributions(X[:50], background=X[::10])
    assert found.method.startswith("exact") and found.unit == "log-odds"
    p = model.predict_proba(X[:50])
    total = found.base_values[:, 0] + found.values[:, :, 0].sum(axis=1)
    np.testing.assert_allclose(1 / (1 + np.exp(-total)), p[:, 1], rtol=0, atol=1e-12)
    unread = ~np.isin(np.arange(30), native.read_network(net).compact().inputs)
    assert unread.any() and not found.values[:, unread].any()


def test_columns_that_no_weight_leads_from_are_unused():
    X = pd.DataFrame(
        {"city": ["a", "b", "c"] * 20, "age": np.arange(60.0), "rate": np.arange(60.0) % 7}
    )
    y = (X["age"] + 3 * (X["city"] == "b") > 31).astype(int)
    prepare = make_column_transformer((OneHotEncoder(), ["city"]), remainder=StandardScaler())
    net = SparseMLPClassifier((4,), max_iter=50, random_state=0).fit(prepare.fit_transform(X), y)
    small = prune(
        net,
        prepare.transform(X),
        y,
        method="backward_elimination",
        feature_groups=FeatureMap.of(prepare, X).groups,
        forbidden=["city"],
        max_columns=1,
    )
    ex = explain(make_pipeline(prepare, small), X)
    (left,) = {"age", "rate"} - set(ex.unused())
    assert "city" in ex.unused()
    values = ex.attributions(X).values
    off = [name != left for name in ex.columns]
    assert np.abs(values[:, off]).max() == 0 < np.abs(values).max()
