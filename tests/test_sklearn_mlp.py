"""scikit-learn's networks: read, written, and turned into ours and back."""

from __future__ import annotations

import copy
import pickle
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.tree import DecisionTreeClassifier

from treeprune import Network, SparseMLPClassifier, SparseMLPRegressor, native
from treeprune.exceptions import MalformedModelError, UnsupportedModelError
from treeprune.network import ACTIVATIONS

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning"),
    pytest.mark.filterwarnings("ignore:Got `batch_size`"),  # scikit-learn's, of few rows
]

# ------------------------------------------------------------------------------- native readers


def table(n=60, seed=0):
    X = np.random.RandomState(seed).normal(size=(n, 3))
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


def fitted(kind, y, X=None, **params):
    """Of few epochs."""
    params = {"hidden_layer_sizes": (4,), "max_iter": 9, "random_state": 0, **params}
    return kind(**params).fit(table()[0] if X is None else X, y)


TARGETS = {
    "two classes": (MLPClassifier, table()[1]),
    "three classes": (MLPClassifier, np.array(["no", "yes", "é"])[table()[1] + np.arange(60) % 2]),
    "one target": (MLPRegressor, table()[0][:, 0] ** 2),
    "a column": (MLPRegressor, table()[0][:, :1] ** 2),
    "two targets": (MLPRegressor, table()[0][:, :2] ** 2),
}
OURS = {MLPClassifier: SparseMLPClassifier, MLPRegressor: SparseMLPRegressor}
every_target = pytest.mark.parametrize("kind, y", TARGETS.values(), ids=list(TARGETS))
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)


def said(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def same(got, expected, tolerance):
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance)


@every_activation
@every_target
def test_scikit_learns_networks_are_read_and_written(kind, y, activation):
    X, _ = table(seed=1)
    model = fitted(kind, y, activation=activation)
    before = copy.deepcopy(vars(model))
    net = native.read_network(model)
    ask = model.predict_proba if net.is_classifier else model.predict
    values = net.values(native.matrix(model, X))
    values = values[:, 0] if net.is_classifier else values[:, :, 0].reshape(ask(X).shape)
    same(values, ask(X), 1e-12)
    same(native.raw_score(model, X)[:, 0], net.raw(X), 1e-12)
    assert native.n_outputs(model) == net.n_outputs
    W = [w.copy() for w in net.weights]
    W[0][:, 1], W[0][2], W[1][3] = 0.0, 0.0, 0.0
    masked = net.with_arrays(W, net.biases)
    small = native.write_network(model, masked)
    assert type(small) is type(model) and small.hidden_layer_sizes == (2,)
    same(native.read_network(small).raw(X), masked.raw(X), 1e-12)
    with pytest.raises(AttributeError):  # state of the old training, in the old shapes
        _ = small._optimizer
    small.partial_fit(X, y)  # goes on as any network of scikit-learn
    assert not np.allclose(native.read_network(small).raw(X), masked.raw(X), atol=1e-6)
    for name, value in before.items():  # the model is as it was
        now = vars(model)[name]
        assert pickle.dumps(now) == pickle.dumps(value), name


def test_only_networks_are_networks():
    X, y = table()
    for model in (MLPClassifier(), MLPRegressor(), SparseMLPClassifier(), SparseMLPRegressor()):
        assert native.is_network(model)
        with pytest.raises(NotFittedError):
            native.read_network(model)
    for model in (DecisionTreeClassifier(), RandomForestClassifier(), KNeighborsClassifier()):
        assert not native.is_network(model)
    words = "this needs a network or a linear model, got a DecisionTree"
    with pytest.raises(UnsupportedModelError, match=words):
        native.read_network(DecisionTreeClassifier().fit(X, y))
    with pytest.raises(UnsupportedModelError, match="KNeighborsClassifier"):
        native.read_network(KNeighborsClassifier().fit(X, y))
    with pytest.raises(UnsupportedModelError, match="got the class MLPClassifier"):
        native.read_network(MLPClassifier)
    with pytest.raises(UnsupportedModelError, match=r"got a MLPClassifier \(network\)"):
        native.read(fitted(MLPClassifier, y))


def test_networks_of_other_kinds_are_refused():
    _, y = table()
    with pytest.raises(UnsupportedModelError, match="several labels a row"):
        native.read_network(fitted(MLPClassifier, np.column_stack([y, 1 - y])))
    with pytest.raises(ValueError, match="fitted on one class, 'é'"):
        native.read_network(fitted(MLPClassifier, np.full(60, "é")))
    if "loss" in signature(MLPRegressor).parameters:  # scikit-learn 1.7
        with pytest.raises(UnsupportedModelError, match=r"'exp' \(loss='poisson'\)"):
            native.read_network(fitted(MLPRegressor, y, loss="poisson"))


def test_malformed_models_are_refused_by_name():
    X, y = table()
    model = fitted(MLPClassifier, y)
    for change, message in [
        (lambda m: m.coefs_[0].__setitem__((0, 0), np.nan), "layer 0 has weights that are not"),
        (lambda m: m.coefs_.__setitem__(1, np.ones((9, 1))), r"layer 1 has weights of shape \(9"),
        (lambda m: m.intercepts_.pop(), "2 arrays of weights and 1 of biases"),
        (lambda m: setattr(m, "activation", "gelu"), "activation is 'gelu'"),
        (lambda m: setattr(m, "classes_", np.arange(5)), r"n_classes is \(5,\)"),
        (lambda m: m.coefs_.__setitem__(0, np.ones((2, 4))), "fitted on 3 columns, .* read 2"),
    ]:
        broken = copy.deepcopy(model)
        change(broken)
        with pytest.raises(MalformedModelError, match=message):
            native.read_network(broken)
    other = Network((np.ones((4, 1)),), (np.zeros(1),), link="logit", n_classes=(2,))
    with pytest.raises(MalformedModelError, match="n_features is 4, the MLPClassifier's is 3"):
        native.write_network(model, other)
    own = SparseMLPRegressor((2,), max_iter=1, n_iter_no_change=None).fit(X, X[:, :2])
    with pytest.raises(MalformedModelError, match="n_scores is 1, the SparseMLPRegressor's is 2"):
        native.write_network(own, Network((np.ones((3, 1)),), (np.zeros(1),)))


def test_rows_are_checked_as_predict_would():
    X, y = table()
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = MLPClassifier((2,), max_iter=5).fit(frame, y)
    assert native.matrix(model, frame).dtype == np.float64
    with pytest.warns(UserWarning, match="valid feature names"):
        assert native.matrix(model, sparse.csc_matrix(X)).format == "csr"
    assert native.read_network(model).feature_names == ("a", "b", "c")
    with pytest.raises(ValueError, match="feature names"):
        native.matrix(model, frame[["b", "a", "c"]])
    with pytest.raises(ValueError, match="2 features, but MLPClassifier is expecting 3"):
        native.matrix(model.fit(X, y), X[:, :2])
    with pytest.raises(ValueError, match="NaN"):
        native.matrix(model, np.where(X > 0, X, np.nan))


def test_how_a_network_was_trained_in_our_words():
    theirs = native.training(MLPClassifier(alpha=0.1, batch_size=50, beta_1=0.8), 1000)
    assert theirs["alpha"] == 0.1 / 50 and theirs["batch_size"] == 50 and theirs["beta_1"] == 0.8
    assert native.training(MLPRegressor(alpha=0.1), 1000)["alpha"] == 0.1 / 200
    assert native.training(MLPRegressor(alpha=0.1), 20)["alpha"] == 0.1 / 20
    own = SparseMLPClassifier(alpha=0.1, dropout=0.2)  # fitted or not
    for model in (own, SparseMLPClassifier(alpha=0.1, dropout=0.2, max_iter=1).fit(*table())):
        found = native.training(model, 1000)
        assert (found["alpha"], found["batch_size"], found["dropout"]) == (0.1, 256, 0.2)
        assert native.training(model, 20)["batch_size"] == 20


# ------------------------------------------------------------------------------- scikit-learn's


@every_activation
@every_target
def test_to_scikit_learn_and_back(kind, y, activation):
    X = pd.DataFrame(table()[0], columns=["größe", "a,b", "<i>"])
    source = fitted(kind, y, X, activation=activation, hidden_layer_sizes=(5, 3))
    state = pickle.dumps(source)
    ours = OURS[kind].from_sklearn(source)
    same(said(ours, X), said(source, X), 1e-12)
    assert ours.predict(X).shape == source.predict(X).shape and ours.mask is None
    assert ours.network_.feature_names == tuple(X.columns) == tuple(ours.feature_names_in_)
    back = ours.to_sklearn()
    assert type(back) is kind and back.feature_names_in_.tolist() == X.columns.tolist()
    same(said(back, X), said(source, X), 1e-12)
    if kind is MLPClassifier:
        assert (back.predict(X) == ours.predict(X)).all()
        assert (back.predict(X) == source.predict(X)).all()
    assert pickle.dumps(source) == state
    for model in (ours, back, pickle.loads(pickle.dumps(back)), clone(back).fit(X, y)):
        before = said(model, X)
        model.partial_fit(X, y)  # goes on, by its own rules
        assert 0 < np.abs(said(model, X) - before).max() < 0.2
    for model in (ours, back):
        before = model.loss_
        assert model.set_params(warm_start=True, max_iter=60).fit(X, y).loss_ < before


def test_numbers_in_float32():
    X, y = table()
    theirs = fitted(MLPClassifier, y, X.astype(np.float32))
    assert theirs.coefs_[0].dtype == np.float32
    ours = SparseMLPClassifier.from_sklearn(theirs)
    same(said(ours, X), said(theirs, X.astype(np.float32)), 1e-6)
    same(said(ours.to_sklearn(), X), said(ours, X), 1e-12)


def test_zeros_and_settings_come_along():
    X, y = table()
    theirs = fitted(MLPClassifier, y, alpha=0.2, batch_size=20, beta_1=0.8, n_iter_no_change=np.inf)
    theirs.coefs_[0][2] = 0.0
    ours = SparseMLPClassifier.from_sklearn(theirs)
    assert [m.all() for m in ours.mask] == [False, True] and not ours.mask[0][2].any()
    assert (ours.partial_fit(X, y).coefs_[0][2] == 0).all()
    assert (ours.alpha, ours.batch_size, ours.beta_1) == (0.2 / 20, 20, 0.8)
    assert ours.n_iter_no_change is None and ours.set_params(max_iter=70).fit(X, y).n_iter_ == 70
    back = ours.to_sklearn()
    assert (back.coefs_[0][2] == 0).all() and back.n_iter_no_change == 70
    assert back.get_params()["alpha"] == pytest.approx(0.2) and back.batch_size == 20


@every_target
def test_one_epoch_is_the_same_epoch(kind, y):
    """With all rows in one batch both take the same step of Adam from the same weights."""
    X, _ = table()
    theirs = fitted(kind, y, alpha=0.3, batch_size=60, learning_rate_init=0.01, max_iter=1)
    ours = OURS[kind].from_sklearn(theirs)  # a new Adam on either side
    back = ours.to_sklearn()
    ours.set_params(dtype="float64").partial_fit(X, y)
    back.partial_fit(X, y)
    same(said(ours, X), said(back, X), 1e-9)


def test_what_has_no_counterpart_is_refused():
    X, y = table()
    with pytest.raises(ValueError, match="becomes a SparseMLPClassifier, not a SparseMLPRegressor"):
        SparseMLPRegressor.from_sklearn(fitted(MLPClassifier, y))
    own = SparseMLPClassifier(max_iter=1).fit(X, y)
    for model, error, message in [
        (MLPClassifier(), NotFittedError, "not fitted"),
        (DecisionTreeClassifier().fit(X, y), UnsupportedModelError, "DecisionTreeClassifier"),
        (fitted(MLPClassifier, np.column_stack([y, 1 - y])), UnsupportedModelError, "labels"),
        (own, UnsupportedModelError, "SparseMLPClassifier is one of this package already"),
    ]:
        with pytest.raises(error, match=message):
            SparseMLPClassifier.from_sklearn(model)
    with pytest.raises(UnsupportedModelError, match="is scikit-learn's already"):
        native.to_sklearn_mlp(fitted(MLPClassifier, y))
    with pytest.raises(ValueError, match="needs two classes"):
        SparseMLPClassifier(max_iter=1).fit(X, 0 * y).to_sklearn()
    for method in ("to_sklearn", "compact"):
        with pytest.raises(NotFittedError):
            getattr(SparseMLPClassifier(), method)()


def test_frames_of_weights_stay_whole_for_scikit_learn():
    """Its classes keep zeros for columns that are not read; ours skip them."""
    X, y = table()
    mask = [np.arange(3)[:, None] != np.full((3, 6), 2), np.ones((6, 1), bool)]
    ours = SparseMLPClassifier((6,), mask=mask, max_iter=9).fit(X, y)
    small = ours.compact()
    assert small.network_.inputs.tolist() == [0, 1] and small.network_.weights[0].shape[0] == 2
    assert small.coefs_[0].shape[0] == 3 and (small.coefs_[0][2] == 0).all()
    back = small.to_sklearn()
    assert back.coefs_[0].shape[0] == back.n_features_in_ == 3
    same(said(back, X), said(ours, X), 1e-12)


@pytest.mark.parametrize("kind", [SparseMLPClassifier, MLPClassifier])
def test_what_is_cut_carries_nothing_of_the_network_it_was_cut_from(kind):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(80, 40)), rng.randint(0, 2, 80)
    model = kind(hidden_layer_sizes=(64, 32), max_iter=5, random_state=0).fit(X, y)
    net = native.read_network(model)
    first = np.where(np.arange(64) < 2, net.weights[0], 0.0)
    small = native.write_network(model, net.with_arrays((first, *net.weights[1:]), net.biases))
    # Two of 64 neurons are left: nothing as large as the first layer may travel along.
    assert len(pickle.dumps(small)) < len(pickle.dumps(model)) / 2
    largest = max(len(pickle.dumps(value)) for value in vars(small).values())
    assert largest < net.weights[0].nbytes
    again = copy.deepcopy(small)
    again.partial_fit(X, y)  # from moments that are its own
    assert [w.shape for w in again.coefs_] == [w.shape for w in small.coefs_]
