"""The noun `Network` against definitions, on networks made at random."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import naive_network
import naive_training
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from treeprune import Network, network
from treeprune.exceptions import MalformedModelError
from treeprune.network import ACTIVATIONS

LINKS = {"identity": lambda k: (1, 2, 3)[k], "logit": lambda k: 1, "softmax": lambda k: k + 1}


@st.composite
def nets(draw):
    """A network of few neurons, with zeros in every place, that reads some columns in any order."""
    rng = np.random.RandomState(draw(st.integers(0, 2**31 - 1)))
    link = draw(st.sampled_from(list(LINKS)))
    n_features = draw(st.integers(1, 4))
    inputs = rng.permutation(n_features)[: draw(st.integers(1, n_features))]
    hidden = draw(st.lists(st.integers(1, 4), max_size=3))
    sizes = [len(inputs), *hidden, LINKS[link](draw(st.integers(0, 2)))]
    density = draw(st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]))
    W = [rng.normal(size=shape) * (rng.rand(*shape) < density) for shape in pairwise(sizes)]
    b = [rng.normal(size=k) * (rng.rand(k) < 0.7) for k in sizes[1:]]
    return Network(
        tuple(W),
        tuple(b),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        link=link,
        n_classes={"identity": (), "logit": (2,), "softmax": (sizes[-1],)}[link],
        inputs=inputs,
        n_features=n_features,
    )


def rows(net, n=5, seed=0):
    return np.random.RandomState(seed).normal(size=(n, net.n_features)) * 2


def same(got, expected, tolerance):
    """Equal relative to the largest number."""
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * scale)


def arrays(net):
    return [*net.weights, *net.biases, net.inputs]


# ------------------------------------------------------------------------------- the function


@given(nets())
def test_predictions_are_those_of_the_definition(net):
    X = rows(net)
    raw = np.array([naive_network.forward(net, x) for x in X])
    same(net.raw(X), raw, 1e-12)
    same(net.raw(sparse.csr_matrix(X)), raw, 1e-12)
    same(net.raw(pd.DataFrame(X)), raw, 1e-12)
    every = net.sums(X)
    same(every[-1], raw, 1e-12)
    for layer, got in enumerate(every[:-1]):
        same(got, [naive_network.sums(net, x)[layer] for x in X], 1e-12)
    values = net.values(X)
    if net.link == "identity":
        same(values, raw[:, :, None], 1e-12)
        assert (net.n_outputs, net.is_classifier) == (net.n_scores, False)
    else:
        e = np.exp(np.column_stack([0 * raw, raw]) if net.link == "logit" else raw)
        same(values, (e / e.sum(axis=1, keepdims=True))[:, None, :], 1e-12)
        assert (net.n_outputs, net.is_classifier) == (1, True)
    assert net.raw(X[:0]).shape == (0, net.n_scores)


def test_rows_are_taken_in_blocks(monkeypatch):
    rng = np.random.RandomState(0)
    net = Network((rng.normal(size=(3, 4)), rng.normal(size=(4, 2))), (np.ones(4), np.ones(2)))
    X = rng.normal(size=(1000, 3))
    whole = net.raw(X)
    monkeypatch.setattr(network, "BLOCK", 1)
    assert len(list(net._blocks(1000))) == 4
    same(net.raw(X), whole, 1e-14)
    same(net.raw(sparse.csr_matrix(X)), whole, 1e-12)


def test_extreme_sums_give_probabilities():
    net = Network(([[1.0]],), ([0.0],), link="logit", n_classes=(2,))
    X = np.array([[-1e4], [0.0], [1e4]])
    assert net.values(X)[:, 0].tolist() == [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    net = Network(([[1.0, 0.0, -1.0]],), (np.zeros(3),), link="softmax", n_classes=(3,))
    assert net.values(X)[[0, 2], 0].tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]


# ------------------------------------------------------------------------------- what does nothing


@given(nets())
@settings(max_examples=200)
def test_live_parts_are_those_on_a_path(net):
    ways = list(naive_training.paths(net.weights))
    for layer, mask in enumerate(net.live()):
        assert set(np.flatnonzero(mask)) == {way[layer] for way in ways}
    assert net.n_inputs == len({way[0] for way in ways})
    hidden = range(1, len(net.weights))
    assert net.n_neurons == sum(len({way[layer] for way in ways}) for layer in hidden)
    assert net.n_weights == sum(int((w != 0).sum()) for w in net.weights)
    on_path = {(i, way[i], way[i + 1]) for way in ways for i in range(len(net.weights))}
    assert net.counts() == {
        "weights": len(on_path),
        "neurons": net.n_neurons,
        "inputs": net.n_inputs,
        "bytes": 8 * sum(a.size for a in arrays(net)[:-1]),
    }


@given(nets())
@settings(max_examples=200)
def test_settling_and_compacting_keep_the_function(net):
    before = [a.copy() for a in arrays(net)]
    X = rows(net, 20)
    settled, small = net.settle(), net.compact()
    assert all((a == b).all() for a, b in zip(arrays(net), before))  # never in place
    W, b, kept = naive_training.settled(net)
    for got, expected in zip(settled.weights, W):
        assert (got == expected).all()
    for got, expected in zip(settled.biases, b):
        same(got, expected, 1e-13)
        assert (got[expected == 0] == 0).all()
    for other in (settled, small, small.spread_inputs(), settled.compact(), small.compact()):
        same(other.raw(X), net.raw(X), 1e-12)
        counts, expected = other.counts(), net.counts()
        assert {**counts, "bytes": 0} == {**expected, "bytes": 0}
    # What is left: inputs and neurons on a path, and one neuron where there is none.
    assert small.inputs.tolist() == [net.inputs[i] for i in sorted(kept[0])]
    assert small.hidden_layer_sizes == tuple(max(1, len(k)) for k in kept[1:-1])
    assert small.n_scores == net.n_scores
    assert small.spread_inputs().weights[0].shape[0] == net.n_features
    for w, where, after in zip(net.settle().weights, net.kept(), net.kept()[1:]):
        assert np.count_nonzero(w[np.ix_(where, after)]) == np.count_nonzero(w)


@given(nets())
def test_compact_agrees_with_an_evaluation_in_float32(net):
    X = rows(net)
    a = X[:, net.inputs].astype(np.float32)
    for i, (w, b) in enumerate(zip(net.weights, net.biases)):
        a = a @ w.astype(np.float32) + b.astype(np.float32)
        if i < len(net.weights) - 1:
            a = naive_training.FUNCTIONS[net.activation](a)
    same(net.compact().raw(X), a, 1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_layer_without_any_path_leaves_a_constant(activation):
    W = [np.ones((2, 3)), np.zeros((3, 2)), np.ones((2, 1))]
    net = Network(tuple(W), (np.ones(3), np.array([0.3, -0.4]), np.array([0.5])), activation)
    small = net.compact()
    f = naive_network.FUNCTIONS[activation]
    assert small.hidden_layer_sizes == (1, 1) and len(small.inputs) == 0
    X = rows(net)
    same(small.raw(X), np.full((5, 1), 0.5 + f(0.3) + f(-0.4)), 1e-15)
    same(small.raw(sparse.csr_matrix(X)), net.raw(X), 1e-15)
    assert small.counts() == {**net.counts(), "bytes": small.n_bytes}
    assert net.counts()["weights"] == net.counts()["inputs"] == net.counts()["neurons"] == 0


def test_without_hidden_layers_only_columns_go():
    net = Network(([[1.0], [0.0], [-2.0]],), ([3.0],), feature_names=("é", "b", "<c>"))
    small = net.compact()
    assert small.inputs.tolist() == [0, 2] and small.feature_names == net.feature_names
    assert small.hidden_layer_sizes == () and small.n_features == 3
    same(small.raw(rows(net)), net.raw(rows(net)), 1e-15)


# ------------------------------------------------------------------------------- the object


def test_arrays_cannot_be_written_even_after_a_pickle():
    source = [np.ones((2, 1))]
    net = Network(tuple(source), (np.zeros(1),))
    source[0][:] = 7  # the network has its own
    for other in (net, pickle.loads(pickle.dumps(net)), copy.deepcopy(net), copy.copy(net)):
        assert other.weights[0].tolist() == [[1.0], [1.0]]
        for array in arrays(other):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
    with pytest.raises(AttributeError):
        net.link = "logit"


GOOD = {"weights": (np.ones((2, 3)), np.ones((3, 1))), "biases": (np.zeros(3), np.zeros(1))}


@pytest.mark.parametrize(
    "change, message",
    [
        ({"activation": "swish"}, "activation is 'swish'; possible are relu"),
        ({"link": "probit"}, "link is 'probit'; possible are identity, logit, softmax"),
        ({"weights": (), "biases": ()}, "0 arrays of weights and 0 of biases"),
        ({"weights": GOOD["weights"][:1]}, "1 arrays of weights and 2 of biases"),
        ({"weights": (np.ones((2, 3)), np.ones((4, 1)))}, "layer 1 has weights of shape"),
        ({"weights": (np.ones(2), np.ones((3, 1)))}, "layer 0 has weights of shape"),
        ({"weights": (np.float64(2), np.ones((3, 1)))}, "layer 0 has weights of shape"),
        ({"biases": (np.zeros(3), np.zeros((1, 1)))}, "layer 1 has weights of shape"),
        ({"weights": ([[1.0], [1.0, 2.0]], np.ones((3, 1)))}, "arrays of numbers"),
        ({"weights": ("ab", np.ones((3, 1)))}, "arrays of numbers, got 'ab'"),
        ({"weights": (np.full((2, 3), np.nan), np.ones((3, 1)))}, "layer 0 .* not finite"),
        ({"biases": (np.zeros(3), np.array([np.inf]))}, "layer 1 .* not finite"),
        ({"inputs": [0, 0]}, "inputs must be different columns between 0 and 1"),
        ({"inputs": [0, 2], "n_features": 2}, "inputs must be different columns between 0 and 1"),
        ({"inputs": [-1, 0], "n_features": 2}, "inputs must be different columns"),
        ({"inputs": [0], "n_features": 1}, "layer 0 has weights of shape"),
        ({"feature_names": ("a",)}, "1 names for 2 columns"),
        ({"n_classes": (2,)}, r"n_classes is \(2,\) with link 'identity'"),
        ({"link": "logit"}, r"n_classes is \(\) with link 'logit'"),
        ({"link": "softmax", "n_classes": (3,)}, "with link 'softmax' and 1 scores"),
    ],
)
def test_arrays_that_are_no_network_are_refused(change, message):
    Network(**GOOD)
    with pytest.raises(MalformedModelError, match=message):
        Network(**{**GOOD, **change})


def test_one_row_of_weights_may_not_read_a_column_before_the_first():
    with pytest.raises(MalformedModelError, match="inputs must be"):
        Network(([[1.0]],), ([0.0],), inputs=[-1], n_features=1)
