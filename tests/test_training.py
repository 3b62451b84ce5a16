"""Training of networks: gradients, Adam with masks and its L1 step, minima and when to stop."""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product

import naive_network
import naive_training
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import Lasso
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, scale

from treeprune import Network, SparseMLPClassifier, SparseMLPRegressor, training
from treeprune.datasets import load_german_credit
from treeprune.network import ACTIVATIONS
from treeprune.neural.base import initial
from treeprune.training import (
    Moments,
    Settings,
    Task,
    gradients,
    kkt_residual,
    losses,
    polish,
    train,
)

SCORES = {"identity": 2, "logit": 1, "softmax": 3}


def made(link="logit", activation="tanh", hidden=(3, 2), n=12, seed=0):
    """A network, rows for it with targets and weights, and the same in the words of the twins."""
    rng = np.random.RandomState(seed)
    k = SCORES[link]
    sizes = [3, *hidden, k]
    W = [rng.normal(size=shape) for shape in pairwise(sizes)]
    b = [rng.normal(size=size) for size in sizes[1:]]
    n_classes = {"identity": (), "logit": (2,), "softmax": (3,)}[link]
    net = Network(tuple(W), tuple(b), activation, link, n_classes)
    X, noise = rng.normal(size=(n, 3)), rng.normal(size=(n, k))
    target = np.sin(2 * X[:, [0]]) + 0.3 * noise
    if link != "identity":
        target = (target[:, [0]] > 0) + (X[:, [1]] > 0) * (link == "softmax") * 1.0
    task = Task.of(net, X, target, rng.rand(n) + 0.1)
    return net, task, (W, b, activation, link)


def close(got, expected, tolerance):
    """Arrays, equal relative to the largest number of all."""
    size = max(1e-300, *(np.abs(e).max() for e in expected))
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=0, atol=tolerance * size)


def parts(net):
    return [*net.weights, *net.biases]


# ------------------------------------------------------------------------------- gradients


@given(
    st.sampled_from(list(SCORES)),
    st.sampled_from(ACTIVATIONS),
    st.lists(st.integers(1, 3), max_size=2),
    st.integers(0, 2**31 - 1),
)
@settings(max_examples=30)
def test_gradients_are_those_of_finite_differences(link, activation, hidden, seed):
    net, task, twin = made(link, activation, hidden, 6, seed)
    # Differences see both sides of a kink.
    near = min((abs(z).min() for z in net.sums(task.X)[:-1]), default=1.0)
    assume(activation != "relu" or near > 0.05)
    loss, grad = gradients(net, task)
    expected = naive_training.by_differences(twin, task.X, task.Y, task.weight)
    close(grad, expected, 1e-8)
    naive_loss = naive_training.mean_loss(twin, task.X, task.Y, task.weight)
    assert loss == pytest.approx(naive_loss, rel=1e-12)
    assert losses(net, task) == pytest.approx(naive_loss, rel=1e-12)
    plain_loss, plain = naive_training.by_rows(twin, task.X, task.Y, task.weight)
    assert plain_loss == pytest.approx(naive_loss, rel=1e-12)  # what the references below use
    close(plain, grad, 1e-12)


@pytest.mark.parametrize("link, activation", list(product(SCORES, ACTIVATIONS)))
def test_squared_gradients_are_means_over_rows(link, activation):
    net, task, twin = made(link, activation)
    _, squared = gradients(net, task, squared=True)
    one = np.ones(1)
    each = [naive_training.by_rows(twin, task.X[[i]], task.Y[[i]], one)[1] for i in range(12)]
    for j, got in enumerate(squared):
        expected = np.average([g[j] ** 2 for g in each], axis=0, weights=task.weight)
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-300)


def test_gradients_do_not_depend_on_blocks_or_storage(monkeypatch):
    net, task, _ = made("softmax", "relu", n=700)
    whole = [*gradients(net, task)[1], *gradients(net, task, squared=True)[1]]
    stored = Task(sparse.csr_matrix(task.X), task.Y, task.weight)
    monkeypatch.setattr("treeprune.network.BLOCK", 1)
    for rows in (task, stored):
        parts_ = [*gradients(net, rows)[1], *gradients(net, rows, squared=True)[1]]
        close(parts_, whole, 1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_with_dropped_neurons(activation):
    net, task, twin = made("identity", activation, (4, 3))
    rng = np.random.RandomState(1)
    drop = [(rng.rand(12, k) < 0.6) / 0.6 for k in (4, 3)]

    def loss(net, X, Y, weight):
        W, b, activation, _ = net
        a = X
        for i, (w, x) in enumerate(zip(W, b)):
            a = a @ w + x
            if i < len(W) - 1:
                a = naive_training.FUNCTIONS[activation](a) * drop[i]
        return float(((a - Y) ** 2).sum() / 2)

    P, G = training._Flat(net, np.float64), training._Flat(net, np.float64)
    P.load(net.weights, net.biases)
    outs = training._forward(P, task.X, activation, drop)
    training._backward(P, G, outs, outs[-1] - task.Y, activation, drop)
    expected = naive_training.by_differences(twin, task.X, task.Y, None, loss)
    close([*G.W, *G.b], expected, 1e-8)


# ------------------------------------------------------------------------------- weights of rows


def weighted(link="logit", seed=0, **params):
    """A task with whole weights, some zero, and the same with rows repeated."""
    net, task, _ = made(link, n=40, seed=seed, **params)
    counts = np.random.RandomState(seed).randint(4, size=40)
    target = task.Y if link != "softmax" else task.Y.argmax(axis=1)[:, None]
    rows = np.repeat(np.arange(40), counts)
    return net, [
        Task.of(net, task.X, target, counts * 1.0),
        Task.of(net, task.X[rows], target[rows], np.ones(len(rows))),
        Task.of(net, task.X[counts > 0], target[counts > 0], counts[counts > 0] * 1.0),
    ]


@pytest.mark.parametrize("link", SCORES)
def test_weights_are_repeated_rows_and_no_weight_is_no_row(link):
    net, tasks = weighted(link)
    for squared in (False, True):
        expected = gradients(net, tasks[1], squared=squared)[1]
        for task in (tasks[0], tasks[2]):
            close(gradients(net, task, squared=squared)[1], expected, 1e-12)
    how = Settings(epochs=200, batch_size=10**6, alpha=0.01, l1=0.003, dtype="float64")
    found = [train(net, task, how, np.random.RandomState(0)) for task in tasks]
    for other in found[:1] + found[2:]:
        close(parts(other[0]), parts(found[1][0]), 1e-9)
        assert other[1][-1]["loss"] == pytest.approx(found[1][1][-1]["loss"], rel=1e-9)
    assert len(tasks[0]) == len(tasks[2]) < 40


# ------------------------------------------------------------------------------- steps


@pytest.mark.parametrize("link, activation", list(product(SCORES, ACTIVATIONS)))
@pytest.mark.parametrize("masked", [False, True])
def test_steps_are_those_of_plain_adam(link, activation, masked):
    net, task, twin = made(link, activation, n=13)
    rng = np.random.RandomState(3)
    mask = [rng.rand(*w.shape) < 0.6 for w in net.weights] if masked else None
    how = Settings(
        epochs=30, learning_rate=0.01, schedule="cosine", batch_size=5, alpha=0.02, l1=0.01,
        shuffle=False, dtype="float64",
    )  # fmt: skip
    found, history, _ = train(net, task, how, np.random.RandomState(0), mask=mask)
    if masked:
        twin = ([w * m for w, m in zip(twin[0], mask)], *twin[1:])
    rates = naive_training.cosine(0.01, 90)
    W, b, *_ = naive_training.adam(
        twin, task.X, task.Y, task.weight, rates=rates, l1=0.01, kind="metric", alpha=0.02,
        masks=mask, batch=5,
    )  # fmt: skip
    close(parts(found), [*W, *b], 1e-10)
    assert history[-1]["learning_rate"] == pytest.approx(rates[-1])
    for w, expected in zip(found.weights, W):
        assert ((w == 0) == (expected == 0)).all()


def test_float32_and_sparse_rows_train_alike():
    net, task, _ = made("softmax", "relu", n=300)
    how = Settings(epochs=5, batch_size=64, l1=1e-3, dropout=0.3)
    stored = Task(sparse.csr_matrix(task.X), task.Y, task.weight)
    runs = {
        (dtype, rows is stored): train(
            net, rows, Settings(**{**vars(how), "dtype": dtype}), np.random.RandomState(0)
        )[0]
        for dtype in ("float32", "float64")
        for rows in (task, stored)
    }
    close(parts(runs["float64", True]), parts(runs["float64", False]), 1e-12)
    close(parts(runs["float32", True]), parts(runs["float32", False]), 1e-5)
    close(parts(runs["float32", False]), parts(runs["float64", False]), 1e-3)
    again = train(net, task, how, np.random.RandomState(0))[0]
    assert all((a == b).all() for a, b in zip(parts(again), parts(runs["float32", False])))


def test_masked_weights_are_zero_after_every_step_and_gather_nothing():
    net, task, _ = made("logit", "tanh", (5, 4), n=60)
    how = Settings(epochs=4, batch_size=7, learning_rate=0.05, alpha=0.1)
    _, _, moments = train(net, task, how, np.random.RandomState(0))
    rng = np.random.RandomState(1)
    mask = [rng.rand(*w.shape) < 0.5 for w in net.weights]
    gone = ~np.concatenate([m.ravel() for m in mask])
    n = len(gone)
    # Momentum that would move these weights away from zero although their gradient is masked.
    assert (moments.first[:n][gone] != 0).all()
    seen, before = [], moments.first.copy()
    found, _, after = train(
        net, task, how, np.random.RandomState(0), mask=mask, moments=moments,
        on_epoch=lambda row, network: seen.append(network()),
    )  # fmt: skip
    assert (moments.first == before).all() and after.steps == 2 * moments.steps
    for each in [*seen, found]:
        for w, m in zip(each.weights, mask):
            assert (w[~m] == 0).all() and not np.signbit(w[~m]).any() and (w[m] != 0).all()
    assert len(seen) == 4 and (after.first[:n][gone] == 0).all()
    assert (after.second[:n][gone] == 0).all() and (after.second[:n][~gone] > 0).all()
    other = Moments.of(3, np.float64)  # of a network of other shapes: begun anew
    assert train(net, task, how, np.random.RandomState(0), moments=other)[2] is not other


def test_nothing_is_changed_in_place():
    net, task, _ = made()
    before = [a.copy() for a in (task.X, task.Y, task.weight)]
    for dtype in ("float32", "float64"):
        train(net, task, Settings(epochs=3, l1=0.1, dtype=dtype), np.random.RandomState(0))
    polish(net, task, alpha=0.1, l1=0.1, steps=5)
    gradients(net, task, squared=True)
    assert all((a == b).all() for a, b in zip((task.X, task.Y, task.weight), before))


def test_a_training_that_diverges_says_so():
    net, task, _ = made("identity", "identity", (3, 3), n=50)
    far = Task(task.X * 1e6, task.Y * 1e6, task.weight)
    with pytest.raises(ValueError, match=r"diverged in epoch \d+: .* smaller learning_rate_init"):
        train(net, far, Settings(epochs=99, learning_rate=1e30), np.random.RandomState(0))


# ------------------------------------------------------------------------------- when to stop


def test_the_kept_epoch_is_the_best_one_with_its_zeros():
    net, task, _ = made("logit", "relu", (8,), n=60, seed=5)
    held = Task(task.X[40:], task.Y[40:], task.weight[40:])
    learn = Task(task.X[:40], task.Y[:40], task.weight[:40])
    how = Settings(epochs=80, batch_size=8, learning_rate=0.05, l1=0.02, tol=0, patience=15)
    seen = []
    found, history, _ = train(
        net, learn, how, np.random.RandomState(0), validation=held,
        on_epoch=lambda row, network: seen.append(network()),
    )  # fmt: skip
    watched = [row["validation_loss"] for row in history]
    best = int(np.argmin(watched))
    assert 0 < best < len(history) - 1 and len(history) == best + 1 + 15 < 80
    assert losses(found, held) == watched[best]
    assert all((a == b).all() for a, b in zip(parts(found), parts(seen[best])))
    zeros = 1 - found.n_weights / sum(w.size for w in found.weights)
    assert zeros == pytest.approx(history[best]["zeros"]) and zeros > 0.1


def test_training_stops_when_the_loss_does_not_fall_or_when_asked():
    net, task, _ = made(n=40)
    how = Settings(epochs=500, learning_rate=0.05, tol=1e-3, patience=5, dtype="float64")
    _, history, _ = train(net, task, how, np.random.RandomState(0))
    best, since, ends = np.inf, 0, None
    for row in history:
        since = 0 if row["loss"] < best - 1e-3 else since + 1
        best = min(best, row["loss"])
        if since == 5:
            ends = row["epoch"]
            break
    assert ends == history[-1]["epoch"] < 499
    _, whole, _ = train(net, task, Settings(epochs=50), np.random.RandomState(0))
    assert len(whole) == 50  # no patience: never
    _, asked, _ = train(
        net, task, how, np.random.RandomState(0), on_epoch=lambda row, _: row["epoch"] == 2
    )
    assert asked == history[:3]


def test_rows_of_the_history():
    net, task, _ = made(n=40)
    how = Settings(epochs=3, batch_size=10**6, learning_rate=0.1, alpha=0.5, l1=0.25)
    nets = [net]
    _, history, _ = train(
        net, task, how, np.random.RandomState(0), validation=task,
        on_epoch=lambda row, network: nets.append(network()),
    )  # fmt: skip
    for epoch, row in enumerate(history):
        W = nets[epoch + 1].weights
        expected = {
            "epoch": epoch,
            "loss": losses(nets[epoch], task),  # before the step
            "penalty": sum(0.25 * (w**2).sum() + 0.25 * np.abs(w).sum() for w in W),
            "learning_rate": 0.1,
            "zeros": np.mean(np.concatenate([w.ravel() for w in W]) == 0),
            "validation_loss": losses(nets[epoch + 1], task),
        }
        assert row == pytest.approx(expected, rel=1e-5)


# ------------------------------------------------------------------------------- L1


@cache
def german():
    X, y = load_german_credit(return_X_y=True)
    words = OneHotEncoder(sparse_output=False), make_column_selector(dtype_exclude="number")
    columns = make_column_transformer(words, remainder="passthrough")
    return make_pipeline(columns, StandardScaler()).fit_transform(X), y.to_numpy()


@cache
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


DATA = {"german": german, "cancer": cancer}


@cache
def lowest(data, l1):
    """The minimum of logistic regression, by a method that has nothing to do with ours."""
    X, y = DATA[data]()
    found = naive_training.fista(X, y, l1, 6000)
    Y, one = y[:, None] * 1.0, np.ones(len(y))
    assert naive_training.kkt(found, X, Y, one, 0, l1) < 1e-4 * l1
    return naive_training.objective(found, X, Y, one, 0, l1)


def twin_of(net):
    return list(net.weights), list(net.biases), net.activation, net.link


def assert_minimum(net, data, l1, reference):
    """At most 1 % above a reference, the conditions of a minimum met to 5 %, and exact zeros."""
    X, y = DATA[data]()
    rows = X, y[:, None] * 1.0, np.ones(len(y))
    w = np.concatenate([np.ravel(w) for w in net[0]])
    assert naive_training.objective(net, *rows, 0, l1) <= 1.01 * reference, "the objective is high"
    assert np.mean(w == 0) > 0.25, "there are no exact zeros"
    assert naive_training.kkt(net, *rows, 0, l1) <= 0.05 * l1, "no minimum"


ADAM = [("german", 0.01), ("german", 0.03), ("cancer", 0.03)]


@pytest.mark.parametrize("data, l1", ADAM)
def test_adam_alone_reaches_the_minimum_of_logistic_regression(data, l1):
    X, y = DATA[data]()
    model = SparseMLPClassifier(
        (), l1=l1, alpha=0, learning_rate="cosine", learning_rate_init=0.05, max_iter=1000,
        batch_size=len(X), random_state=0,
    ).fit(X, y)  # fmt: skip
    assert_minimum(twin_of(model.network_), data, l1, lowest(data, l1))
    assert model.kkt_residual_ <= 0.05 * l1


@pytest.mark.parametrize("kind, message", [("plain", "objective"), ("subgradient", "exact zeros")])
@pytest.mark.parametrize("data, l1", ADAM)
def test_the_wrong_recipes_do_not(data, l1, kind, message):
    X, y = DATA[data]()
    rng = np.random.RandomState(0)
    start = (*initial([X.shape[1], 1], "relu", rng), "relu", "logit")
    found = naive_training.adam(
        start, X, y[:, None] * 1.0, np.ones(len(y)), rates=naive_training.cosine(0.05, 1000),
        l1=l1, kind=kind,
    )  # fmt: skip
    with pytest.raises(AssertionError, match=message):
        assert_minimum(found, data, l1, lowest(data, l1))


@pytest.mark.parametrize("l1", [0.003, 0.01, 0.03])
@pytest.mark.parametrize("data", DATA)
def test_polished_logistic_regression_is_at_the_minimum(data, l1):
    X, y = DATA[data]()
    model = SparseMLPClassifier(
        (), l1=l1, alpha=0, max_iter=20, n_iter_no_change=None, polish=500, random_state=0
    )
    model.fit(X, y)
    assert_minimum(twin_of(model.network_), data, l1, lowest(data, l1))
    rows = X, y[:, None] * 1.0, np.ones(len(y))
    reached = naive_training.objective(twin_of(model.network_), *rows, 0, l1)
    assert reached == pytest.approx(lowest(data, l1), rel=1e-5)
    assert model.kkt_residual_ <= 0.01 * l1


def test_polished_linear_regression_is_the_lasso():
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    theirs = Lasso(alpha=0.03, tol=1e-10).fit(X, y)
    ours = SparseMLPRegressor((), l1=0.03, alpha=0, learning_rate="cosine", polish=500).fit(X, y)
    np.testing.assert_allclose(ours.coefs_[0][:, 0], theirs.coef_, atol=1e-4)
    assert ((ours.coefs_[0][:, 0] == 0) == (theirs.coef_ == 0)).all() and (theirs.coef_ == 0).any()


NETS = [
    ("cancer", (8,), "relu", 0.01),
    ("cancer", (6, 4), "tanh", 0.01),
    ("cancer", (6, 4), "relu", 0.03),
    ("german", (8,), "tanh", 0.01),
    ("german", (8,), "relu", 0.03),
]


@pytest.mark.parametrize("data, hidden, activation, l1", NETS)
def test_polished_networks_are_at_a_minimum(data, hidden, activation, l1):
    X, y = DATA[data]()
    model = SparseMLPClassifier(
        hidden, activation, l1=l1, alpha=0, learning_rate="cosine", learning_rate_init=0.01,
        polish=500, random_state=0,
    ).fit(X, y)  # fmt: skip
    rows = X, y[:, None] * 1.0, np.ones(len(y))
    start = initial([X.shape[1], *hidden, 1], activation, np.random.RandomState(0))
    long = naive_training.proximal_gradient((*start, activation, "logit"), *rows, 0, l1, 2000)
    found = twin_of(model.network_)
    reached = naive_training.objective(found, *rows, 0, l1)
    assert_minimum(found, data, l1, naive_training.objective(long, *rows, 0, l1))
    further = naive_training.proximal_gradient(found, *rows, 0, l1, 1000)
    assert naive_training.objective(further, *rows, 0, l1) >= 0.99 * reached
    assert model.kkt_residual_ == pytest.approx(naive_training.kkt(found, *rows, 0, l1), rel=1e-6)


@pytest.mark.parametrize("l1, alpha", [(0.02, 0.0), (0.01, 0.01), (0.0, 0.01)])
def test_polishing_lowers_the_penalised_loss_and_keeps_the_mask(l1, alpha):
    net, task, _ = made("softmax", "tanh", (5, 4), n=50)
    mask = [np.random.RandomState(2).rand(*w.shape) < 0.6 for w in net.weights]
    start, _, _ = train(net, task, Settings(epochs=5), np.random.RandomState(0), mask=mask)
    at = [start]
    for steps in (1, 3, 20, 300):
        at.append(polish(start, task, alpha=alpha, l1=l1, steps=steps, mask=mask))
    rows = task.X, task.Y, task.weight
    values = [naive_training.objective(twin_of(each), *rows, alpha, l1) for each in at]
    assert all(b < a for a, b in pairwise(values))
    for each in at:
        for w, m in zip(each.weights, mask):
            assert (w[~m] == 0).all() and not np.signbit(w[w == 0]).any()
    with_mask = kkt_residual(at[-1], task, alpha=alpha, l1=l1, mask=mask)
    assert with_mask < 1e-4 < kkt_residual(at[-1], task, alpha=alpha, l1=l1)
    for w, m in zip(polish(net, task, alpha=alpha, l1=l1, steps=3, mask=mask).weights, mask):
        assert (w[~m] == 0).all()  # from where they are not zero
    # Without a mask on the way it goes further down.
    free = polish(start, task, alpha=alpha, l1=l1, steps=300)
    assert naive_training.objective(twin_of(free), *rows, alpha, l1) < values[-1]
    assert polish(start, task, alpha=alpha, l1=l1, steps=0).raw(task.X).tolist() == (
        start.raw(task.X).tolist()
    )


@given(st.integers(0, 2**31 - 1), st.sampled_from(list(SCORES)))
@settings(max_examples=20)
def test_the_residual_is_that_of_the_definition(seed, link):
    net, task, _ = made(link, "tanh", (3,), seed=seed)
    rng = np.random.RandomState(seed)
    net = net.with_arrays([w * (rng.rand(*w.shape) < 0.5) for w in net.weights], net.biases)
    expected = naive_training.kkt(twin_of(net), task.X, task.Y, task.weight, 0.1, 0.2)
    assert kkt_residual(net, task, alpha=0.1, l1=0.2) == pytest.approx(expected, rel=1e-9)


def test_the_definition_of_the_forward_pass_is_shared():
    net, task, twin = made("identity", "logistic")
    raw = [naive_network.forward(net, x) for x in task.X]
    each = [naive_training.row_loss(z, y, "identity") for z, y in zip(raw, task.Y)]
    assert naive_training.mean_loss(twin, task.X, task.Y, task.weight) == pytest.approx(
        np.average(each, weights=task.weight)
    )
