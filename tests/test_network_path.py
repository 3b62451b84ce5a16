"""Pruning of networks on the path: laws over methods, units and schedules; twins; refusals; edges.

Networks are small and hardly trained: laws hold whatever a network has learnt.
"""

from __future__ import annotations

import copy
import pickle
import warnings
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import joblib
import laws
import naive_network
import naive_pruning
import naive_training
import numpy as np
import pandas as pd
import polars as pl
import pytest
import strategies
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.tree import DecisionTreeClassifier

from treeprune import (
    METHODS,
    Method,
    Network,
    SparseMLPClassifier,
    SparseMLPRegressor,
    UnsupportedModelError,
    native,
    prune,
    pruning_path,
    pruning_strengths,
    shrink,
)
from treeprune.pruning import network_path
from treeprune.pruning.importance import Units, elimination, strongest_path
from treeprune.scoring import resolve
from treeprune.training import Task

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NETWORK_METHODS = {name: row for name, row in METHODS.items() if row.is_of_networks}
RANKED = [name for name, row in NETWORK_METHODS.items() if row.importance is not None]
UNITS = ("weights", "neurons", "inputs")
TASKS = ("two classes", "three classes", "one target", "two targets")
MODELS = {
    ("own", True): SparseMLPClassifier,
    ("own", False): SparseMLPRegressor,
    ("scikit-learn", True): MLPClassifier,
    ("scikit-learn", False): MLPRegressor,
}


def table(seed, n, p, task):
    """Rows of a few distinct values and a target that depends on them."""
    classes = task.endswith("classes")
    X, y, _ = strategies.make_data(
        seed,
        n,
        p,
        "classification" if classes else "regression",
        n_classes=3 if task == "three classes" else 2,
        n_outputs=2 if task == "two targets" else 1,
    )
    return (X - 3) / 2, y if classes else y / 8


def fit(X, y, hidden=(4,), kind="own", **params):
    """A network that has seen a few epochs."""
    params = {"max_iter": 4, "learning_rate_init": 0.03, "random_state": 0, **params}
    model = MODELS[kind, np.asarray(y).dtype.kind != "f"](hidden_layer_sizes=hidden, **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few epochs
        return model.fit(X, y)


def with_holes(model, density, seed):
    """A copy of a fitted network in which only this share of the weights is not zero."""
    new, rng = copy.deepcopy(model), np.random.RandomState(seed)
    net = native.read_network(model)
    W = [np.where(rng.random_sample(w.shape) < density, w, 0.0) for w in net.weights]
    if hasattr(new, "network_"):
        new.network_ = net.with_arrays(W, net.biases)
    else:
        new.coefs_ = W
    return new


@st.composite
def fitted(draw, tasks=TASKS, kinds=("own", "scikit-learn"), holes=True):
    """A network with its rows: (model, X, y). Some weights may be zero, some neurons dead."""
    X, y = table(
        draw(st.integers(0, 10_000)),
        draw(st.integers(10, 30)),
        draw(st.sampled_from([4, 3, 2, 1])),
        draw(st.sampled_from(tasks)),
    )
    kind = draw(st.sampled_from(kinds))
    model = fit(
        X,
        y,
        draw(st.sampled_from([(4,), (3, 2), (3, 4), (2, 3, 2), (5,), (1,), ()])),
        kind,
        activation=draw(st.sampled_from(["relu", "tanh"])),
        early_stopping=kind == "own" and draw(st.sampled_from([False, False, True])),
    )
    if holes and draw(st.booleans()):
        model = with_holes(model, draw(st.sampled_from([0.4, 0.8])), draw(st.integers(0, 99)))
        if hasattr(model, "network_") and draw(st.booleans()):
            model = model.compact()
        assume(native.read_network(model).n_inputs > 0)
    return model, X, y


@st.composite
def recipes(draw, names=tuple(NETWORK_METHODS)):
    """A method with a short schedule, and one of its units."""
    row = NETWORK_METHODS[draw(st.sampled_from(names))]
    options = {
        "steps": draw(st.sampled_from([4, 6, 1])),
        "fine_tune": draw(st.sampled_from([1, 0])),
    }
    if row.name == "l1":
        options.update(fine_tune=20, steps=6, rate=draw(st.sampled_from([10.0, 3.0])))
    else:
        options["schedule"] = draw(st.sampled_from(["iterative", "one_shot"]))
        some = [None, None, None, (0.3, 0.8), (0.2, 0.5, 0.7), (0.999,), [0.01]]
        options["levels"] = draw(st.sampled_from(some))
    return {
        "method": row.with_options(**options),
        "granularity": draw(st.sampled_from(row.granularities)),
    }


def group_of(n_features, groups):
    """Raw column of every column; columns are their own without groups."""
    labels = range(n_features) if groups is None else groups
    return [list(dict.fromkeys(labels)).index(label) for label in labels]


some_groups = st.sampled_from([None, None, list("abcb"), list("abba"), list("aabc"), list("aaaa")])


# ----------------------------------------------------------------------------- laws


def assert_sizes(path, kind, group):
    """Law: a unit does something at a step exactly if it goes later; sizes count such units."""
    n = len(naive_pruning.numbers(path.networks[0], kind, group))
    assert path.removed_at.shape == (n,), "units: one removed_at each"
    assert path.removed_at.min(initial=0) >= 0 and path.removed_at.max(initial=0) <= len(path)
    for step, net in enumerate(path.networks):
        there = naive_pruning.live(net, kind, group)
        assert there == set(np.flatnonzero(path.removed_at > step)), f"units: step {step}"
        assert path.size[step] == len(there), f"size: step {step}"
        assert there or (kind == "neurons" and path.size[0] == 0), "guard: nothing is left"
        for name, count in naive_pruning.counts(net, group).items():
            assert path.counts[name][step] == count, f"counts: {name} at step {step}"
        assert path.counts["weights"][step] > 0, "guard: no way from a column to a score"
        assert not path.is_constant(step)
    np.testing.assert_array_equal(path.strength[1:], 1 - path.size[1:] / n)


def assert_zeros_stay(path):
    """Law: what is zero at a step is zero at all later ones, and shapes are those of the model."""
    for before, after in pairwise(path.networks):
        for w, v in zip(before.settle().weights, after.weights, strict=True):
            assert w.shape == v.shape
            assert (v[w == 0] == 0).all() and not np.signbit(v[v == 0]).any(), "zeros: revived"


def assert_network_frame(path):
    frame = path.to_frame()
    columns = ["step", "strength", "size", "risk", "score", "score_se", "interpretability"]
    assert list(frame) == [*columns, *path.counts], "frame: columns"
    for name in ("strength", "size", "risk"):
        np.testing.assert_array_equal(frame[name], getattr(path, name))
    for name, values in path.counts.items():
        np.testing.assert_array_equal(frame[name], values)
    assert frame.score.isna().all()


def assert_cut(path, model, X):
    """Law: a cut is of the model's own type, compacted, and says what its step says."""
    names = ["predict"] + (["predict_proba"] if hasattr(model, "predict_proba") else [])
    staged = {name: list(getattr(path, f"staged_{name}")(X)) for name in names}
    for step, net in enumerate(path.networks):
        cut = path.cut(step)
        assert type(cut) is type(model) and cut is not model
        free = {"hidden_layer_sizes", "mask"}
        own, theirs = cut.get_params(), model.get_params()
        assert all(repr(own[k]) == repr(theirs[k]) for k in own.keys() - free), "cut: parameters"
        small, ways = native.read_network(cut), list(naive_training.paths(net.weights))
        sizes = [len({way[k] for way in ways}) for k in range(1, len(net.weights))]
        assert small.hidden_layer_sizes == tuple(sizes) == tuple(cut.hidden_layer_sizes)
        read = sorted({int(net.inputs[way[0]]) for way in ways})
        assert sorted(np.flatnonzero(cut.coefs_[0].any(axis=1))) == read, "cut: columns"
        assert cut.coefs_[0].shape[0] == model.n_features_in_
        if hasattr(cut, "network_"):
            assert small.inputs.tolist() == read
        raw = np.array([naive_network.forward(net, x) for x in X])
        np.testing.assert_allclose(small.raw(X), raw, rtol=1e-12, atol=1e-12)
        expected = net.respond(raw)
        out = expected[:, 0] if net.is_classifier else expected[:, :, 0]
        for name in names:
            said = getattr(cut, name)(X)
            laws.assert_same_output(staged[name][step], said, f"cut: {name} at {step}", 1e-12)
            if name == "predict_proba" or not net.is_classifier:
                np.testing.assert_allclose(said.reshape(out.shape), out, rtol=1e-12, atol=1e-12)


def arrays(net):
    return [*net.weights, *net.biases, net.inputs]


def assert_same_path(p, q):
    """Law: two paths are one, to the last bit."""
    for name in ("removed_at", "strength", "size", "risk"):
        np.testing.assert_array_equal(getattr(p, name), getattr(q, name), err_msg=name)
    assert p.counts.keys() == q.counts.keys() and len(p.networks) == len(q.networks)
    for name in p.counts:
        np.testing.assert_array_equal(p.counts[name], q.counts[name])
    for a, b in zip(p.networks, q.networks):
        assert all((x == y).all() for x, y in zip(arrays(a), arrays(b), strict=True))


@settings(max_examples=60)
@given(fitted(), recipes(), some_groups, st.integers(0, 3))
def test_every_path_of_a_network_obeys_the_laws(made, recipe, groups, seed):
    model, X, y = made
    groups = None if groups is None else groups[: X.shape[1]]
    group = group_of(X.shape[1], groups)
    w = np.round(np.random.RandomState(seed).uniform(0.1, 2, len(X)), 1) if seed else None
    before = laws.model_state(model)
    make = partial(
        pruning_path, model, X, y, sample_weight=w, feature_groups=groups, random_state=seed
    )
    path = make(**recipe)
    assert path.method == recipe["method"].name and path.trees is None
    assert (path.unit + "s", path.size_unit) == (
        recipe["granularity"],
        recipe["granularity"].replace("inputs", "columns"),
    )
    laws.assert_monotone_size(path)
    laws.assert_lookups(path)
    assert_sizes(path, recipe["granularity"], group)
    assert_zeros_stay(path)
    assert_network_frame(path)
    assert_cut(path, model, X)
    net = native.read_network(model)
    assert all((a == b).all() for a, b in zip(arrays(path.networks[0]), arrays(net)))
    dense = all((v != 0).all() for v in net.weights)
    laws.assert_same_predictions(path.cut(0), model, X, 0 if dense else 1e-12)
    task = Task.of(net, X, y.reshape(len(y), -1).astype(float), np.ones(len(X)) if w is None else w)
    twins = [(n.weights, n.biases, n.activation, n.link) for n in path.networks]
    read = task.X[:, net.inputs]
    if not model.early_stopping:  # else of the rows that are not held out
        risks = [naive_training.mean_loss(t, read, task.Y, task.weight) for t in twins]
        np.testing.assert_allclose(path.risk, risks, rtol=1e-9, atol=1e-12)
    laws.assert_unchanged(before, model)


@settings(max_examples=25)
@given(fitted(), recipes(), st.integers(0, 3))
def test_paths_of_networks_are_deterministic_and_pickle(made, recipe, seed):
    model, X, y = made
    path = pruning_path(model, X, y, random_state=seed, **recipe)
    assert_same_path(path, pruning_path(model, X, y, random_state=seed, **recipe))
    for again in (pickle.loads(pickle.dumps(path)), copy.deepcopy(path)):
        assert_same_path(path, again)
        laws.assert_same_predictions(again.cut(-1), path.cut(-1), X)
        with pytest.raises(ValueError, match="read-only"):
            again.networks[-1].biases[-1][0] = 1.0


def test_paths_are_stored_by_joblib(tmp_path):
    X, y = table(0, 40, 3, "three classes")
    path = pruning_path(fit(X, y), X, y, method="fisher")
    joblib.dump(path, tmp_path / "path.joblib")
    assert_same_path(path, joblib.load(tmp_path / "path.joblib"))


def test_the_seed_moves_the_order_of_rows_and_the_random_method_only():
    X, y = table(0, 60, 4, "two classes")
    model = fit(X, y, (6,), batch_size=16)
    for method, moves in (("magnitude", False), ("random", True)):
        cut = METHODS[method].with_options(fine_tune=0)
        a, b = (pruning_path(model, X, y, method=cut, random_state=s) for s in (0, 1))
        assert (a.removed_at != b.removed_at).any() == moves
        assert_same_path(a, pruning_path(model, X, y, method=cut))  # None is 0
    tuned = METHODS["magnitude"].with_options(fine_tune=2, levels=(0.5,))
    a, b = (pruning_path(model, X, y, method=tuned, random_state=s) for s in (0, 1))
    assert (a.removed_at == b.removed_at).all() and a.risk[1] != b.risk[1]


SCORERS = {
    "two classes": ["neg_brier_score", "neg_log_loss", "accuracy", "roc_auc", "f1"],
    "three classes": ["neg_log_loss", "accuracy", "roc_auc_ovr", "balanced_accuracy"],
    "one target": [
        "r2",
        "neg_mean_squared_error",
        "neg_root_mean_squared_error",
        "neg_mean_absolute_error",
    ],
    "two targets": ["r2", "neg_mean_squared_error", "neg_mean_absolute_error"],
}


@settings(max_examples=40)
@given(st.data(), st.sampled_from(TASKS), st.booleans())
def test_scores_of_all_steps_equal_the_scorers_own_on_every_cut(data, task, weighted):
    model, X, y = data.draw(fitted(tasks=(task,)))
    path = pruning_path(model, X, y, **data.draw(recipes()))
    rows = np.random.RandomState(1).choice(len(X), 25)
    rows = np.concatenate([np.arange(3), rows])  # every class is among them
    X, y = X[rows], y[rows]
    extra = {"sample_weight": np.linspace(0.2, 3, len(X)).round(1)} if weighted else {}
    name = data.draw(st.sampled_from(SCORERS[task]))
    got = path.score(X, y, scoring=name, **extra)
    assert list(got) == ["step", "strength", "size", "risk", "score"]
    for step in range(len(path)):
        expected = get_scorer(name)(path.cut(step), X, y, **extra)
        assert got.score[step] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    default = "r2" if "target" in task else "neg_brier_score"
    np.testing.assert_array_equal(path.score(X, y).score, path.score(X, y, scoring=default).score)


def test_the_brier_score_of_three_classes_is_the_sum_over_classes():
    X, y = table(0, 40, 3, "three classes")
    path = pruning_path(fit(X, y), X, y, method="magnitude")
    for step, score in enumerate(path.score(X, y).score):
        off = path.cut(step).predict_proba(X) - np.eye(3)[y]
        assert score == pytest.approx(-(off**2).sum(axis=1).mean(), rel=1e-12)


def test_rows_of_a_class_that_the_network_never_saw_are_scored():
    X, y = table(0, 60, 3, "three classes")
    seen = y < 2
    path = pruning_path(fit(X[seen], y[seen]), X[seen], y[seen], method="magnitude")
    score = path.score_steps(X, y, resolve("neg_brier_score", path.base))
    for step in range(len(path)):
        proba = np.column_stack([path.cut(step).predict_proba(X), np.zeros(len(X))])
        loss = ((proba - np.eye(3)[y]) ** 2).sum(axis=1).mean() / 2
        assert score[step] == pytest.approx(-loss, rel=1e-12)
    only = path.score_steps(X[~seen], y[~seen], resolve(None, path.base), unknown_ok=True)
    assert (only <= -0.75).all()  # nobody is right: at best half of 1 + 1/2
    with pytest.raises(ValueError, match="no label of y is a class"):
        path.score(X[~seen], y[~seen])


@pytest.mark.parametrize("scored", [False, True])
@pytest.mark.parametrize("granularity", UNITS)
def test_pictures_of_paths_of_networks(granularity, scored):
    X, y = table(0, 40, 3, "two classes")
    path = pruning_path(fit(X, y), X, y, method="magnitude", granularity=granularity)
    if scored:
        n = len(path)
        path = path.scored(np.linspace(-0.2, -0.3, n), np.full(n, 0.05), "roc_auc").with_chosen(1)
    ax = path.plot()
    assert ax.get_xlabel() == granularity.replace("inputs", "columns")
    assert ax.get_title() == "Pruning path: magnitude"
    assert ("ROC AUC" in ax.get_ylabel()) == scored
    ax.figure.canvas.draw()


# ----------------------------------------------------------------------------- budgets


@settings(max_examples=25)
@given(fitted(), recipes(), some_groups, st.data())
def test_budgets_are_kept_by_the_largest_step_that_can(made, recipe, groups, data):
    model, X, y = made
    groups = None if groups is None else groups[: X.shape[1]]
    make = {"feature_groups": groups, **recipe}
    path = pruning_path(model, X, y, **make)
    counted = {"size": path.size, **path.counts}
    name = data.draw(st.sampled_from(["size", "columns", "neurons", "weights"]))
    most = data.draw(st.integers(0, int(counted[name][0])))
    if most < counted[name].min():
        says = f"no step has at most {most}"
        with pytest.raises(ValueError, match=says):
            path.cut(**{name: most})
        with pytest.raises(ValueError, match=says):
            prune(model, X, y, **{f"max_{name}": most}, **make)
        return
    step = naive_pruning.within(counted[name], most)
    assert path.step_for(**{name: most}) == step
    small = prune(model, X, y, **{f"max_{name}": most}, **make)
    laws.assert_same_predictions(small, path.cut(step), X)
    both = prune(model, X, y, strength=0.5, **{f"max_{name}": most}, **make)
    later = max(step, int(np.flatnonzero(path.strength <= 0.5)[-1]))
    laws.assert_same_predictions(both, path.cut(later), X)


def test_several_budgets_at_once():
    X, y = table(3, 60, 4, "two classes")
    model = fit(X, y, (6,))
    path = pruning_path(model, X, y, method="random")
    limits = {"max_size": 20, "max_columns": 3, "max_neurons": 4, "max_weights": 12}
    small = prune(model, X, y, method="random", **limits).network_
    steps = [path.step_for(**{k.removeprefix("max_"): v}) for k, v in limits.items()]
    assert small.counts()["weights"] == path.counts["weights"][max(steps)] <= 12
    assert small.n_inputs <= 3 and small.n_neurons <= 4


@pytest.mark.parametrize(
    "groups", [None, ["a", "b", "a", "c"], lambda names: [n[0] for n in names]]
)
def test_columns_of_trees_are_counted_too(groups):
    X, y = table(1, 200, 4, "three classes")
    frame = pd.DataFrame(X, columns=["ab", "b", "ac", "é"])
    model = DecisionTreeClassifier(random_state=0).fit(frame, y)
    path = pruning_path(model, feature_groups=groups)
    labels = groups(list(frame)) if callable(groups) else groups
    group = np.array(group_of(4, labels))
    for step, count in enumerate(path.counts["columns"]):
        features = path.cut(step).tree_.feature
        assert count == len(set(group[features[features >= 0]]))
    assert list(path.to_frame()) == list(pruning_path(model).to_frame())
    for most in range(len(set(group)) + 1):
        small = prune(model, max_columns=most, feature_groups=groups)
        step = naive_pruning.within(path.counts["columns"], most)
        assert small.tree_.node_count == path.cut(step).tree_.node_count
    with pytest.raises(ValueError, match="leaves does not count neurons; possible are size, s"):
        prune(model, max_neurons=3)


# ----------------------------------------------------------------------------- importances


@st.composite
def networks(draw, links=("identity", "logit", "softmax")):
    """A network at random, with its rows, targets, weights and raw columns."""
    rng = np.random.RandomState(draw(st.integers(0, 2**31 - 1)))
    n_features, n = draw(st.integers(1, 4)), draw(st.integers(2, 8))
    inputs = rng.permutation(n_features)[: draw(st.integers(1, n_features))]
    link = draw(st.sampled_from(links))
    hidden = draw(st.lists(st.integers(1, 3), max_size=2))
    sizes = [len(inputs), *hidden, {"identity": 2, "logit": 1, "softmax": 3}[link]]
    density = draw(st.sampled_from([0.6, 1.0]))
    net = Network(
        tuple(rng.normal(size=s) * (rng.random_sample(s) < density) for s in pairwise(sizes)),
        tuple(rng.normal(size=k) for k in sizes[1:]),
        activation=draw(st.sampled_from(["relu", "tanh", "logistic"])),
        link=link,
        n_classes={"identity": (), "logit": (2,), "softmax": (3,)}[link],
        inputs=inputs,
        n_features=n_features,
    ).settle()
    X = rng.normal(size=(n, n_features)).round(2)
    target = rng.randint(0, 2 if link == "logit" else 3, (n, 1)).astype(float)
    if link == "identity":
        target = rng.normal(size=(n, 2))
    weight = rng.uniform(0.1, 2, n).round(1)
    group = np.array(group_of(n_features, rng.randint(0, 3, n_features).tolist()))
    return net, Task.of(net, X, target, weight), group, rng


def close(got, expected, tolerance=1e-10):
    scale = max([1e-300, *(np.abs(e).max(initial=0.0) for e in expected)])
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=0, atol=tolerance * scale)


@settings(max_examples=40)
@given(networks())
def test_importances_are_those_of_their_definitions(made):
    net, task, _, rng = made
    X, Y, weight = task.X, task.Y, task.weight
    twins = {
        "magnitude": naive_pruning.magnitude(net, X, weight),
        "gradient": naive_pruning.by_gradients(net, X, Y, weight, squared=False),
        "fisher": naive_pruning.by_gradients(net, X, Y, weight, squared=True),
    }
    for name, expected in twins.items():
        close(METHODS[name].importance(net, task, rng), expected)
        held = Task(sparse.csr_matrix(X), Y, weight)
        close(METHODS[name].importance(net, held, rng), expected)
    drawn = METHODS["random"].importance(net, task, np.random.RandomState(5))
    assert [d.shape for d in drawn] == [w.shape for w in net.weights]
    assert all(((d >= 0) & (d < 1)).all() for d in drawn)


def test_the_gradient_of_the_twins_is_that_of_finite_differences():
    net, task, twin = _tanh_network()
    grads = naive_training.by_differences(twin, task.X, task.Y, task.weight)
    expected = [np.abs(w * g) for w, g in zip(net.weights, grads)]
    close(METHODS["gradient"].importance(net, task, None), expected, 1e-7)


def _tanh_network():
    rng = np.random.RandomState(0)
    W, b = [rng.normal(size=(3, 4)), rng.normal(size=(4, 2))], [np.ones(4), np.zeros(2)]
    net = Network(tuple(W), tuple(b), activation="tanh")
    X, Y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    return net, Task.of(net, X, Y, rng.rand(9) + 0.5), (W, b, "tanh", "identity")


@given(networks(), st.sampled_from(UNITS))
def test_scores_and_live_units_are_sums_over_their_weights(made, kind):
    net, _, group, rng = made
    units = Units(kind, group)
    scores = [rng.random_sample(w.shape) for w in net.weights]
    np.testing.assert_allclose(
        units.scores(net, scores), naive_pruning.unit_scores(net, kind, group, scores), rtol=1e-12
    )
    assert units.count(net) == len(naive_pruning.numbers(net, kind, group))
    assert set(np.flatnonzero(units.live(net))) == naive_pruning.live(net, kind, group)


@settings(max_examples=40)
@given(networks())
def test_elimination_is_the_loss_with_a_column_at_its_mean(made):
    net, task, group, rng = made
    got = elimination(net, task, Units("inputs", group), rng)
    expected = naive_pruning.elimination(net, task.X, task.Y, task.weight, group)
    np.testing.assert_allclose(got, expected, rtol=1e-10)
    held = Task(sparse.csr_matrix(task.X), task.Y, task.weight)
    np.testing.assert_allclose(elimination(net, held, Units("inputs", group), rng), got, rtol=1e-12)


def test_elimination_looks_at_so_many_rows_at_most(monkeypatch):
    net, task, _ = _tanh_network()
    monkeypatch.setattr("treeprune.pruning.importance.MOST_ROWS", 6)
    units, group = Units("inputs", np.arange(3)), [0, 1, 2]
    got = elimination(net, task, units, np.random.RandomState(3))
    rows = np.sort(np.random.RandomState(3).choice(9, 6, replace=False))
    part = task.X[rows], task.Y[rows], task.weight[rows]
    np.testing.assert_allclose(got, naive_pruning.elimination(net, *part, group), rtol=1e-10)


@given(networks(), st.booleans())
def test_the_strongest_path_is_the_best_of_all_paths(made, tied):
    net, _, _, rng = made
    scores = [rng.random_sample(w.shape).round(1 if tied else 8) for w in net.weights]
    start = rng.random_sample(len(net.inputs)) < 0.7
    for begin in (np.ones(len(net.inputs), bool), start):
        got = strongest_path(net, scores, None if begin.all() else begin)
        best = naive_pruning.strongest(net, scores, begin)
        assert (got is None) == (best is None)
        if got is not None:
            assert begin[got[0]] and len(got) == len(net.weights) + 1
            steps = list(zip(net.weights, scores, got, got[1:], strict=False))
            assert all(w[i, j] != 0 for w, _, i, j in steps)
            assert min(s[i, j] for _, s, i, j in steps) == best


@settings(max_examples=60)
@given(networks(), st.sampled_from(UNITS), st.data())
def test_as_many_units_go_as_leave_enough(made, kind, data):
    net, task, group, rng = made
    assume(net.n_inputs > 0)
    units = Units(kind, group)
    n, there = units.count(net), units.live(net)
    assume(n > 0)
    ranked = np.where(
        there, rng.random_sample(n).round(data.draw(st.sampled_from([1, 8]))), -np.inf
    )
    ranked[there & (rng.random_sample(n) < 0.2)] = np.inf
    k = data.draw(st.integers(1, int(there.sum())))
    cut = network_path._cut_down(SimpleNamespace(units=units, task=task), net, ranked, k)
    gone = naive_pruning.cut_down(net, kind, group, ranked, k)
    expected = naive_pruning.live(naive_pruning.without(net, kind, group, gone), kind, group)
    assert naive_pruning.live(cut, kind, group) == expected == set(np.flatnonzero(units.live(cut)))
    assert len(expected) >= k
    raw = naive_pruning.raw_at_mean(net, kind, group, gone, task.X, task.weight)
    np.testing.assert_allclose(cut.raw(task.X), raw, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("method", RANKED)
@pytest.mark.parametrize("granularity", UNITS)
def test_the_least_important_units_go_first(method, granularity):
    X, y = table(7, 50, 4, "three classes")
    model = fit(X, y, (4, 3), activation="tanh")
    row = METHODS[method].with_options(schedule="one_shot", levels=(0.25, 0.5, 0.7), fine_tune=0)
    path = pruning_path(model, X, y, method=row, granularity=granularity, random_state=4)
    net, group = model.network_, [0, 1, 2, 3]
    Y, one = np.eye(3)[y], np.ones(len(X))
    of_weights = {
        "magnitude": lambda: naive_pruning.magnitude(net, X, one),
        "gradient": lambda: naive_pruning.by_gradients(net, X, Y, one, squared=False),
        "fisher": lambda: naive_pruning.by_gradients(net, X, Y, one, squared=True),
        "random": lambda: METHODS["random"].importance(
            net, None, np.random.RandomState([20_041, 4])
        ),
    }[method]()
    ranked = naive_pruning.unit_scores(net, granularity, group, of_weights)
    kept = strongest_path(net, of_weights)
    number = naive_pruning.numbers(net, granularity, group)
    places = naive_pruning.on_way(net, granularity, group, kept)
    last = [int(ranked.argmax())] if granularity == "inputs" else [number[p] for p in places]
    ranked[last] = np.inf
    total = len(number)
    for step, share in enumerate((0.25, 0.5, 0.7), start=1):
        k = max(1, round(total * (1 - share)))
        gone = naive_pruning.cut_down(net, granularity, group, ranked, k)
        left = naive_pruning.live(
            naive_pruning.without(net, granularity, group, gone), granularity, group
        )
        assert left == set(np.flatnonzero(path.removed_at > step))
        raw = naive_pruning.raw_at_mean(net, granularity, group, gone, X, one)
        np.testing.assert_allclose(path.networks[step].raw(X), raw, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("options", [{}, {"decay": 1.0, "final": 0.8}, {"steps": 5}])
@pytest.mark.parametrize("forbidden", [None, [0, 5, 7]])
def test_the_schedule_is_the_polynomial(options, forbidden):
    X = np.random.RandomState(0).normal(size=(30, 40))
    model = fit(X, X[:, 0], ())  # nothing is cut off: as many weights go as are asked for
    row = METHODS["magnitude"].with_options(fine_tune=0, **options)
    path = pruning_path(model, X, X[:, 0], method=row, forbidden=forbidden)
    given = {"steps": 16, "decay": 3.0, "final": 0.998, **options}
    sizes = [40] if forbidden is None else [40, 37]
    start, last = sizes[-1], max(1, 40 * (1 - given["final"]))
    for t in range(1, given["steps"] + 1):
        left = last + (start - last) * (1 - t / given["steps"]) ** given["decay"]
        sizes += [round(left)] if round(left) < sizes[-1] else []
    assert path.size.tolist() == sizes


def test_backward_elimination_drops_the_column_that_is_missed_least():
    X, y = table(11, 60, 5, "two classes")
    model = fit(X, y, (5,), max_iter=30)
    row = METHODS["backward_elimination"].with_options(fine_tune=2)
    path = pruning_path(model, X, y, method=row)
    assert path.size.tolist() == [5, 4, 3, 2, 1]
    one = np.ones(len(X))
    for step in range(1, 5):
        before = path.networks[step - 1]
        loss = naive_pruning.elimination(before, X, y[:, None] * 1.0, one, range(5))
        assert path.removed_at[int(loss.argmin())] == step
    assert path.networks[0].n_inputs == 5


@settings(max_examples=40)
@given(fitted(), st.sampled_from(UNITS), st.integers(0, 999), st.booleans())
def test_a_way_from_a_column_to_a_score_stays_whatever_the_importance(made, kind, seed, at_once):
    model, X, y = made
    rng = np.random.RandomState(seed)

    def spite(net, task, _):
        """Of orders of magnitude, often equal, often nothing."""
        return [rng.choice([0.0, 1e-300, 1.0, 1e9], w.shape) for w in net.weights]

    row = Method(
        "spite",
        "this test",
        rows="training",
        importance=spite,
        granularities=UNITS,
        tasks=METHODS["random"].tasks,
        options=METHODS["random"].options,
    ).with_options(fine_tune=0, **({"levels": (0.999,)} if at_once else {"steps": 4}))
    path = pruning_path(model, X, y, method=row, granularity=kind)
    assert_sizes(path, kind, range(X.shape[1]))
    if kind == "inputs":
        assert path.size[-1] == 1
    if kind == "neurons":
        depth = len(path.networks[0].weights) - 1
        assert path.size[-1] == min(path.size[0], depth)  # one neuron a layer
    if kind == "weights":
        assert path.size[-1] == len(path.networks[0].weights)  # a single path


# ----------------------------------------------------------------------------- wishes


@settings(max_examples=40)
@given(fitted(), recipes(names=(*RANKED, "backward_elimination")), some_groups, st.data())
def test_columns_that_must_stay_are_read_at_every_step(made, recipe, groups, data):
    model, X, y = made
    groups = None if groups is None else groups[: X.shape[1]]
    group = group_of(X.shape[1], groups)
    wanted = data.draw(st.lists(st.integers(0, max(group)), min_size=1, unique=True))
    labels = wanted if groups is None else [groups[group.index(k)] for k in wanted]
    call = partial(pruning_path, model, X, y, never_prune=labels, feature_groups=groups, **recipe)
    first = naive_pruning.live(native.read_network(model), "inputs", group)
    if not first.issuperset(wanted):
        with pytest.raises(ValueError, match="does not read"):
            call()
        return
    path = call()
    assert_sizes(path, recipe["granularity"], group)
    for net in path.networks:
        read = naive_pruning.live(net, "inputs", group)
        assert set(wanted) <= read


@settings(max_examples=40)
@given(fitted(), recipes(), some_groups, st.data())
def test_forbidden_columns_are_not_read_from_step_1_on(made, recipe, groups, data):
    model, X, y = made
    groups = None if groups is None else groups[: X.shape[1]]
    group = group_of(X.shape[1], groups)
    net = native.read_network(model)
    first = naive_pruning.live(net, "inputs", group)
    banned = set(data.draw(st.lists(st.sampled_from(sorted(first)), min_size=1, unique=True)))
    labels = banned if groups is None else {groups[group.index(k)] for k in banned}
    call = partial(pruning_path, model, X, y, forbidden=sorted(labels), feature_groups=groups)
    if banned == first:
        with pytest.raises(ValueError, match="no column is left"):
            call(**recipe)
        return
    path = call(**recipe)
    for step, after in enumerate(path.networks):
        read = naive_pruning.live(after, "inputs", group) & banned
        assert path.counts["forbidden"][step] == len(read) and (step == 0 or not read)
    # Step 1 leaves out nothing else: it is the network with these columns at their mean.
    assert len(path) > 1 and path.size[1] <= path.size[0]
    assert (np.diff(path.size[1:]) < 0).all() and (np.diff(path.strength) > 0).all()
    if recipe["method"].options["fine_tune"] == 0 and not model.early_stopping:
        raw = naive_pruning.raw_at_mean(net, "inputs", group, banned, X, np.ones(len(X)))
        np.testing.assert_allclose(path.networks[1].raw(X), raw, rtol=1e-10, atol=1e-10)
    weights = naive_pruning.without(net, "inputs", group, banned)
    assert path.counts["weights"][1] == naive_pruning.counts(weights, group)["weights"]
    # Whatever is asked of `prune`, a network that reads them does not come out.
    for asked in ({"strength": 0.0}, {"max_size": int(path.size[0])}):
        small = prune(
            model, X, y, forbidden=sorted(labels), feature_groups=groups, **asked, **recipe
        )
        rows = small.coefs_[0].any(axis=1)
        assert not {group[j] for j in np.flatnonzero(rows)} & banned


def test_forbidden_columns_go_where_no_unit_can():
    X, y = table(0, 40, 3, "two classes")
    model = fit(X, y, (1,))
    call = partial(pruning_path, model, X, y, method="magnitude", granularity="neurons")
    path = call(forbidden=[1])
    assert path.size.tolist() == [1, 1] and path.strength.tolist() == [-np.inf, 0.0]
    assert path.counts["forbidden"].tolist() == [1, 0] and path.counts["columns"].tolist() == [3, 2]
    idle = call(forbidden=[])
    assert len(idle) == 1 and "forbidden" not in idle.counts
    assert len(path.cut(1).network_.inputs) == 2
    # A column that is not read anyway costs no step.
    unread = prune(model, X, y, method="magnitude", granularity="inputs", max_columns=2)
    column = int(np.setdiff1d(np.arange(3), unread.network_.inputs)[0])
    again = pruning_path(unread, X, y, method="magnitude", forbidden=[column])
    assert again.counts["forbidden"].tolist() == [0] * len(again)
    assert len(again) > 1 and (np.diff(again.size) < 0).all()


NAMES = ["alter", "zweck_größe", "zweck_用途", "zweck_<b>", "x y"]


def named(task="two classes"):
    X, y = table(2, 60, 5, task)
    frame = pd.DataFrame(X, columns=NAMES)
    return fit(frame, y, (5,)), frame, y


RAW = ["alter", "zweck", "zweck", "zweck", "x y"]


@pytest.mark.parametrize(
    "groups, wanted, columns",
    [
        (None, "zweck_用途", [2]),
        (None, ["alter", "x y"], [0, 4]),
        (None, pd.Index(["zweck_<b>"]), [3]),
        (None, [np.int64(1), 4], [1, 4]),
        (RAW, "zweck", [1, 2, 3]),
        (RAW, ["zweck_größe"], [1, 2, 3]),  # a column stands for its raw column
        (RAW, [2], [1, 2, 3]),
        (np.array(RAW), ["x y", "alter"], [0, 4]),
        (lambda names: [n.split("_")[0] for n in names], ["zweck"], [1, 2, 3]),
        ([7, 8, 8, 8, 9], [8], [1, 2, 3]),
        ([3, 1, 1, 1, 0], [3], [0]),  # a label comes before a number
    ],
)
@pytest.mark.parametrize("wish", ["never_prune", "forbidden"])
def test_columns_are_named_in_all_ways(groups, wanted, columns, wish):
    model, frame, y = named()
    row = METHODS["magnitude"].with_options(fine_tune=1, levels=(0.5, 0.9))
    path = pruning_path(model, frame, y, method=row, feature_groups=groups, **{wish: wanted})
    group = np.array(group_of(5, None if groups is None else path_labels(groups)))
    for step, net in enumerate(path.networks):
        read = {group[j] for j in np.flatnonzero(net.weights[0].any(axis=1))}
        if wish == "never_prune":
            assert set(group[columns]) <= read
        elif step:
            assert not set(group[columns]) & read
            assert not net.weights[0][columns].any()
    if wish == "forbidden":
        other = np.setdiff1d(np.arange(5), columns)
        assert path.networks[1].weights[0][other].any(axis=1).all()


def path_labels(groups):
    return groups(NAMES) if callable(groups) else list(groups)


@pytest.mark.parametrize("method", ["backward_elimination", "magnitude"])
def test_whole_groups_go_at_once(method):
    model, frame, y = named("three classes")
    path = pruning_path(model, frame, y, method=method, granularity="inputs", feature_groups=RAW)
    assert path.size.tolist() == [3, 2, 1] and path.removed_at.shape == (3,)
    for step, net in enumerate(path.networks):
        read = net.weights[0].any(axis=1)
        assert read[1] == read[2] == read[3]
        assert {RAW[j] for j in np.flatnonzero(read)} == {
            label for label, at in zip(["alter", "zweck", "x y"], path.removed_at) if at > step
        }
    assert path.counts["columns"].tolist() == [3, 2, 1]


def test_names_that_are_given_twice_count_by_position():
    X, y = table(0, 40, 3, "two classes")
    model = fit(X, y)
    net = model.network_
    model.network_ = Network(
        net.weights, net.biases, net.activation, net.link, net.n_classes,
        feature_names=("a", "a", "b"),
    )  # fmt: skip
    path = pruning_path(model, X, y, method="backward_elimination")
    assert path.size.tolist() == [3, 2, 1]
    both = pruning_path(model, X, y, method="backward_elimination", never_prune="a")
    assert both.size.tolist() == [3, 2]  # the name means both
    assert both.networks[-1].weights[0].any(axis=1).tolist() == [True, True, False]


# ----------------------------------------------------------------------------- fine-tuning


@settings(max_examples=25)
@given(fitted(holes=False), st.sampled_from(RANKED), st.sampled_from(["iterative", "one_shot"]))
def test_without_fine_tuning_what_stays_is_unchanged(made, method, schedule):
    model, X, y = made
    row = METHODS[method].with_options(fine_tune=0, steps=4, schedule=schedule)
    path = pruning_path(model, X, y, method=row)
    for net in path.networks:
        for w, v in zip(path.networks[0].weights, net.weights):
            assert (v[v != 0] == w[v != 0]).all()


@pytest.mark.parametrize("kind", ["own", "scikit-learn"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_zeros_stay_zero_while_the_rest_is_trained(kind, dtype):
    X, y = table(5, 90, 4, "three classes")
    batch = 16 if dtype == "float32" else 200  # one batch of all rows computes in float64
    model = fit(X, y, (6, 3), kind, batch_size=batch, max_iter=20)
    row = METHODS["magnitude"].with_options(fine_tune=8, steps=5)
    path = pruning_path(model, X, y, method=row)
    assert_zeros_stay(path)
    for before, after in pairwise(path.networks):
        for w, v in zip(before.weights, after.weights):
            stays = (w != 0) & (v != 0)
            assert not stays.any() or (w[stays] != v[stays]).any(), "nothing was trained"
    once = row.with_options(levels=(0.5,), rate=0.5)
    tuned = pruning_path(model, X, y, method=once)
    plain = pruning_path(model, X, y, method=once.with_options(fine_tune=0))
    assert (tuned.removed_at == plain.removed_at).all()
    assert tuned.risk[1] < plain.risk[1], "training has not lowered the loss"


@pytest.fixture
def seen(monkeypatch):
    """The settings of every fine-tuning, in a list that grows."""
    found, real = [], network_path.train

    def watched(net, task, settings, rng, **more):
        found.append(settings)
        return real(net, task, settings, rng, **more)

    monkeypatch.setattr(network_path, "train", watched)
    return found


def test_fine_tuning_takes_as_many_epochs_as_it_says(seen):
    X, y = table(5, 100, 3, "two classes")
    one = METHODS["magnitude"].with_options(levels=(0.5,))
    model = fit(X, y, batch_size=10, max_iter=40, n_iter_no_change=None, alpha=0.01)
    pruning_path(model, X, y, method=one)
    assert [s.epochs for s in seen] == [20]  # half of the training; 1,500 steps were 150
    own = seen[0]
    assert (own.batch_size, own.alpha, own.l1, own.schedule) == (10, 0.01, 0.0, "cosine")
    assert own.learning_rate == pytest.approx(3 * 0.03) and own.patience is None
    seen.clear()
    model = fit(X, y, batch_size=1, max_iter=40, n_iter_no_change=None)
    pruning_path(model, X, y, method=one)
    pruning_path(model, X, y, method=one.with_options(fine_tune=7, rate=0.5))
    assert [s.epochs for s in seen] == [15, 7]  # 15 x 100 steps
    assert seen[1].learning_rate == pytest.approx(0.015)
    seen.clear()
    pruning_path(fit(X, y, max_iter=2), X, y, method=one)
    assert seen[0].epochs == 3 and seen[0].dtype == "float64"


def test_a_network_is_trained_once_a_step(seen):
    X, y = table(5, 60, 5, "two classes")
    model = fit(X, y, (3,), alpha=0.2)
    row = METHODS["backward_elimination"].with_options(fine_tune=2)
    path = pruning_path(model, X, y, method=row, forbidden=[1])
    assert len(seen) == len(path) - 1 == 4 and {s.alpha for s in seen} == {0.2}
    seen.clear()
    row = METHODS["magnitude"].with_options(fine_tune=2, levels=(0.5, 0.9, 0.95, 0.99))
    path = pruning_path(model, X, y, method=row, never_prune=range(5))  # the last levels take none
    assert len(seen) == len(path) - 1 < 4
    seen.clear()
    # The penalty makes zeros, and what is left is trained without it.
    path = pruning_path(model, X, y, method=METHODS["l1"].with_options(steps=9, fine_tune=5))
    assert [s.l1 > 0 for s in seen[:4]] == [True, False, True, False]
    l1 = [s.l1 for s in seen if s.l1]
    assert len(path) > 2 and set(path.counts["l1"][1:]) <= set(l1) and l1 == sorted(l1)
    assert {s.alpha for s in seen if s.l1} == {s.alpha for s in seen if not s.l1} == {0.2}
    assert {s.epochs for s in seen} == {5}


def test_the_penalty_of_the_training_goes_on(seen):
    X, y = table(5, 100, 3, "two classes")
    once = {"method": METHODS["magnitude"].with_options(levels=(0.5,), fine_tune=1)}
    for options, weight, alpha in (
        ({"kind": "own", "alpha": 0.3}, None, 0.3),
        ({"kind": "own", "alpha": 0.3}, 2.0, 0.3),
        ({"alpha": 0.3, "batch_size": 20}, None, 0.3 / 20),  # of the weight of a batch
        ({"alpha": 0.3, "batch_size": 20}, 2.0, 0.3 / 40),
        ({"alpha": 0.3, "solver": "lbfgs", "batch_size": 20}, None, 0.3 / 100),  # … of all rows
    ):
        model = fit(X, y, **{"kind": "scikit-learn", **options})
        weights = None if weight is None else np.full(100, weight)
        pruning_path(model, X, y, sample_weight=weights, **once)
        assert seen[-1].alpha == pytest.approx(alpha)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("granularity", UNITS)
@pytest.mark.parametrize("kind", ["own", "scikit-learn"])
def test_whole_weights_are_repeated_rows(task, granularity, kind):
    X, y = table(9, 40, 3, task)
    w = np.random.RandomState(0).randint(0, 4, 40)
    repeats = np.repeat(np.arange(40), w)
    model = fit(X, y, (4,), kind, activation="tanh", alpha=0.1)
    row = METHODS["magnitude"].with_options(fine_tune=10, levels=(0.3, 0.6, 0.9))
    call = partial(pruning_path, model, method=row, granularity=granularity)
    weighted, repeated = call(X, y, sample_weight=w), call(X[repeats], y[repeats])
    np.testing.assert_array_equal(weighted.removed_at, repeated.removed_at)
    np.testing.assert_allclose(weighted.risk, repeated.risk, rtol=1e-8)
    for a, b in zip(weighted.networks, repeated.networks):
        close(arrays(a), arrays(b), 1e-6)
    # A row without weight is no row, to the last bit.
    without = call(X[w > 0], y[w > 0], sample_weight=w[w > 0])
    assert_same_path(weighted, without)


@pytest.mark.parametrize("kind", ["own", "scikit-learn"])
@pytest.mark.parametrize("method", list(NETWORK_METHODS))
def test_rows_without_weight_are_no_rows(method, kind):
    X, y = table(9, 60, 3, "two classes")
    model = fit(X, y, (4,), kind, batch_size=16)
    w = np.random.RandomState(0).choice([0.0, 0.5, 2.0], 60)
    steps = {"steps": 3, "fine_tune": 2}
    call = partial(pruning_path, model, method=METHODS[method].with_options(**steps))
    assert_same_path(call(X, y, sample_weight=w), call(X[w > 0], y[w > 0], sample_weight=w[w > 0]))


@pytest.mark.parametrize("class_weight", [{0: 5.0, 1: 0.5}, "balanced"])
def test_class_weights_are_row_weights(class_weight):
    X, y = table(9, 60, 3, "two classes")
    y[:20] = 0
    model = fit(X, y, class_weight=class_weight)
    share = len(y) / (2 * np.bincount(y)) if class_weight == "balanced" else np.array([5.0, 0.5])
    bare = copy.deepcopy(model).set_params(class_weight=None)
    own = np.linspace(0.5, 2, 60)
    for method in ("gradient", "backward_elimination"):
        call = partial(pruning_path, X=X, y=y, method=method)
        assert_same_path(call(model), call(bare, sample_weight=share[y]))
        assert_same_path(call(model, sample_weight=own), call(bare, sample_weight=own * share[y]))
        assert call(model).risk[0] != call(bare).risk[0]


def test_the_penalty_rises_until_nothing_but_the_strongest_is_left():
    X, y = table(4, 80, 4, "two classes")
    model = fit(X, y, (6,), max_iter=60)
    row = METHODS["l1"].with_options(fine_tune=40, steps=12)
    path = pruning_path(model, X, y, method=row)
    l1 = path.to_frame()["l1"]
    assert np.isnan(l1[0]) and (np.diff(l1[1:]) > 0).all() and len(path) > 3
    # Of the gradient at the constant model: from there on a linear model has no weight.
    y0 = y - y.mean()
    top = np.abs(X.T @ y0).max() / len(y)
    assert l1[1:].max() <= top * (1 + 1e-9)
    grid = np.geomspace(1e-3 * top, top, 12)
    assert all(np.isclose(grid, value, rtol=1e-9).any() for value in l1[1:])
    assert path.size[-1] < path.size[0] / 2
    assert_zeros_stay(path)


@pytest.mark.parametrize("task, y", [("class", np.zeros(20, int)), ("target", np.full(20, 3.0))])
def test_a_constant_target_leaves_no_penalty_to_try(task, y):
    X = np.random.RandomState(0).normal(size=(20, 3))
    path = pruning_path(fit(X, y), X, y, method="l1")
    assert len(path) == 1 and np.isnan(path.counts["l1"]).all()
    path = pruning_path(fit(X, y), X, y, method="l1", forbidden=[1])
    assert path.counts["forbidden"].tolist() == [1, 0]


# ----------------------------------------------------------------------------- refusals

X2, Y2 = table(0, 40, 4, "two classes")
NET = fit(X2, Y2)
TREE = DecisionTreeClassifier(random_state=0).fit(X2, Y2)
ALL = list(NETWORK_METHODS)
OF_TREES = [name for name, row in METHODS.items() if "tree" in row.models]


def magnitude(**options):
    return METHODS["magnitude"].with_options(**options)


@pytest.mark.parametrize(
    "options, says",
    [
        ({"schedule": "never"}, ["schedule", "'iterative' or 'one_shot'", "'never'"]),
        ({"schedule": None}, ["schedule", "None"]),
        ({"steps": 0}, ["steps", "at least 1", "got 0"]),
        ({"steps": 2.5}, ["steps", "whole number", "2.5"]),
        ({"steps": None}, ["steps", "None"]),
        ({"steps": np.inf}, ["steps", "inf"]),
        ({"steps": "few"}, ["steps", "'few'"]),
        ({"steps": True}, ["steps", "True"]),
        ({"fine_tune": -1}, ["fine_tune", "at least 0", "-1"]),
        ({"fine_tune": 0.5}, ["fine_tune", "whole number", "0.5"]),
        ({"decay": 0}, ["decay", "0.01", "got 0"]),
        ({"decay": np.nan}, ["decay", "nan"]),
        ({"rate": 0}, ["rate", "got 0"]),
        ({"rate": None}, ["rate", "None"]),
        ({"rate": np.inf}, ["rate", "inf"]),
        ({"final": 1.0}, ["final", "between 0 and 1", "1.0"]),
        ({"final": None}, ["final", "None"]),
        ({"levels": ()}, ["levels", "one or more", r"\(\)"]),
        ({"levels": (0.5, 1.5)}, ["levels", "between 0 and 1", "1.5"]),
        ({"levels": "half"}, ["levels", "'half'"]),
        ({"epochs": 3}, ["magnitude has no option epochs", "schedule", "fine_tune"]),
    ],
    ids=repr,
)
def test_settings_that_make_no_sense_are_refused(options, says):
    for piece in says:
        with pytest.raises(ValueError, match=piece):
            magnitude(**options)


def test_settings_in_all_forms_are_taken():
    fewer = magnitude(steps=np.int64(3), fine_tune=0, decay=1, rate=np.float32(1))
    assert len(pruning_path(NET, X2, Y2, method=fewer)) == 4
    paths = [
        pruning_path(NET, X2, Y2, method=magnitude(levels=levels, fine_tune=0))
        for levels in (0.5, [0.5], (0.5,), np.array([0.5]))
    ]
    for path in paths:
        assert len(path) == 2
        assert_same_path(path, paths[0])
    once = [
        pruning_path(NET, X2, Y2, method=magnitude(levels=levels, fine_tune=0))
        for levels in ((0.7, 0.2), (0.2, 0.7, 0.2))
    ]
    assert len(once[0]) == 3
    assert_same_path(*once)
    assert repr(magnitude(steps=3)) == "METHODS['magnitude'].with_options(steps=3)"
    assert repr(METHODS["magnitude"]) == "METHODS['magnitude']"
    assert eval(repr(magnitude(levels=[0.5], fine_tune=2))) == magnitude(levels=[0.5], fine_tune=2)


@pytest.mark.parametrize("bad", [{"fine_tune": 0}, {"schedule": "one_shot"}, {"levels": (0.5,)}])
def test_the_penalty_needs_training_and_has_no_schedule(bad):
    with pytest.raises(ValueError, match="l1"):
        METHODS["l1"].with_options(**bad)


def refuse(call, error, *says):
    with pytest.raises(error) as caught:
        call()
    for piece in says:
        assert piece in str(caught.value), f"{piece!r} is not said in: {caught.value}"


@pytest.mark.parametrize("method", [*OF_TREES, METHODS["pessimistic"]])
def test_methods_of_trees_are_not_for_networks(method):
    name = getattr(method, "name", method)
    says = [f"{name} is not a method for networks", *ALL]
    refuse(lambda: pruning_path(NET, X2, Y2, method=method), ValueError, *says)
    refuse(lambda: prune(NET, X2, Y2, method=method, max_size=3), ValueError, *says)
    refuse(lambda: pruning_strengths(NET, X2, Y2, method=method), ValueError, name)


@pytest.mark.parametrize("method", ALL)
def test_methods_of_networks_are_not_for_trees(method):
    says = [f"{method} is not a method for trees", *OF_TREES]
    refuse(lambda: pruning_path(TREE, X2, Y2, method=method), ValueError, *says)


@pytest.mark.parametrize("word", ["granularity", "forbidden"])
def test_words_for_networks_are_not_for_trees(word):
    given = {"granularity": "weights", "forbidden": [0]}[word]
    says = [f"not for a DecisionTreeClassifier: {word}", "leave out"]
    refuse(lambda: pruning_path(TREE, **{word: given}), ValueError, *says)


@pytest.mark.parametrize("word", ["risk", "cost_matrix", "by"])
def test_words_for_trees_are_not_for_networks(word):
    given = {"risk": "brier", "cost_matrix": np.eye(2), "by": [0]}[word]
    call = partial(pruning_path, NET, X2, Y2, method="magnitude")
    says = [f"not for a SparseMLPClassifier: {word}", "leave out"]
    refuse(lambda: call(**{word: given}), ValueError, *says)


def test_units_that_a_method_cannot_remove():
    call = partial(pruning_path, NET, X2, Y2)
    for kind in ("neurons", "inputs"):
        says = [f"l1 cannot remove '{kind}'", "possible are weights"]
        refuse(lambda: call(method="l1", granularity=kind), ValueError, *says)  # noqa: B023
    for kind in ("neurons", "weights"):
        says = ["backward_elimination cannot remove", "possible are inputs"]
        refuse(
            lambda: call(method="backward_elimination", granularity=kind),  # noqa: B023
            ValueError,
            *says,
        )
    says = ["'layers'", *UNITS]
    refuse(lambda: call(method="magnitude", granularity="layers"), ValueError, *says)
    says = ["never_prune", "l1", "another method"]
    refuse(lambda: call(method="l1", never_prune=[0]), ValueError, *says)


def gaps():
    out = X2.copy()
    out[3, 1] = np.nan
    return out


ONES = np.ones(40)


@pytest.mark.parametrize(
    "X, y, weight, says",
    [
        (None, None, None, ["rows it was trained on", "pruning_path(model, X, y"]),
        (X2, None, None, ["rows it was trained on"]),
        (None, Y2, None, ["rows it was trained on"]),
        (X2[:0], Y2[:0], None, ["no row"]),
        (X2, Y2[:-1], None, ["40", "39"]),
        (X2[:, :3], Y2, None, ["3 features", "4 features"]),
        (gaps(), Y2, None, ["NaN"]),
        (np.where(np.isnan(gaps()), np.inf, X2), Y2, None, ["infinity"]),
        (X2[:, 0], Y2, None, ["1D array", "reshape"]),
        (np.full(X2.shape, "a"), Y2, None, ["could not convert"]),
        (X2, Y2 + 7, None, ["no label of y is a class", "[7, ", "[0, 1]"]),
        (X2, Y2 + 1, None, ["labels of y are none of the model's classes"]),
        (X2, Y2.astype(str), None, ["no label of y is a class"]),
        (X2, np.c_[Y2, Y2], None, ["2 outputs", "has 1"]),
        (X2, Y2, -ONES, ["egative"]),
        (X2, Y2, 0 * ONES, ["no row counts", "40"]),
        (X2, Y2, ONES[:5], ["sample_weight", "5"]),
        (X2, Y2, ONES * np.nan, ["NaN"]),
    ],
)
def test_rows_that_cannot_be_used(X, y, weight, says):
    call = partial(pruning_path, NET, X, y, method="magnitude", sample_weight=weight)
    refuse(call, ValueError, *says)


def test_rows_that_weigh_nothing_by_their_class():
    model = fit(X2, Y2, class_weight={0: 0.0, 1: 1.0})
    none = Y2 == 0
    call = partial(pruning_path, model, X2[none], Y2[none], method="magnitude")
    refuse(call, ValueError, "no row counts", "class_weight")


@pytest.mark.parametrize("wish", ["never_prune", "forbidden"])
@pytest.mark.parametrize("bad", ["zweck", ["alter", "zweck_"], [5], [-1], [True], [0.0], [None]])
def test_columns_that_are_not_there(wish, bad):
    model, frame, y = named()
    given = bad if isinstance(bad, str) else bad[-1]
    says = [f"{wish} names {given!r}", "not a column", "zweck_<b>"]
    call = partial(pruning_path, model, frame, y, method="magnitude")
    refuse(lambda: call(**{wish: bad}), ValueError, *says)


def test_columns_that_are_no_list_or_wanted_and_forbidden():
    model, frame, y = named()
    call = partial(pruning_path, model, frame, y, method="magnitude")
    refuse(lambda: call(never_prune=2), ValueError, "never_prune must be a list", "2")
    refuse(lambda: call(forbidden=[["alter"]]), ValueError, "forbidden must be a list")
    both = {"never_prune": ["x y", "zweck_<b>"], "forbidden": [1, 4]}
    refuse(lambda: call(**both), ValueError, "'x y': both never to be pruned and forbidden")
    says = ["'zweck', 'x y': both"]
    refuse(lambda: call(feature_groups=RAW, **both), ValueError, *says)
    refuse(lambda: call(forbidden=NAMES), ValueError, "no column is left")
    unread = prune(model, frame, y, method="magnitude", max_columns=1)
    call = partial(pruning_path, unread, frame, y, method="magnitude")
    says = ["never_prune names ", "'x y'" if unread.network_.inputs[0] != 4 else "'alter'"]
    refuse(lambda: call(never_prune=NAMES), ValueError, *says, "does not read as it is")
    call = partial(pruning_path, model, frame, y, method="magnitude")
    refuse(
        lambda: call(forbidden=RAW[2:], feature_groups=["zweck"] * 4 + ["x y"]), ValueError, "no"
    )


@pytest.mark.parametrize(
    "groups, says",
    [
        (["a", "b"], ["2 labels for 4 columns"]),
        ("abcd", ["a label for each column", "'abcd'"]),
        (np.array(["a"] * 5), ["5 labels for 4 columns"]),
        (["a", None, "b", "b"], ["no label for column 1"]),
        (["a", "b", np.nan, "b"], ["no label for column 2"]),
        (lambda names: names, ["without names", "label for each column"]),
    ],
)
def test_groups_that_do_not_fit(groups, says):
    for model, X, y in ((NET, X2, Y2), (TREE, X2, Y2)):
        method = "magnitude" if model is NET else "cost_complexity"
        call = partial(pruning_path, model, X, y, method=method, feature_groups=groups)
        refuse(call, ValueError, *says)


def test_groups_of_a_function_that_does_not_fit():
    model, frame, y = named()
    call = partial(pruning_path, model, frame, y, method="random", feature_groups=lambda n: n[1:])
    refuse(call, ValueError, "4 labels for 5 columns")
    other = frame.rename(columns={"alter": "Alter"})
    refuse(lambda: pruning_path(model, other, y, method="random"), ValueError, "feature names")


def test_seeds_and_loggers_that_are_none():
    call = partial(pruning_path, NET, X2, Y2, method="magnitude")
    for seed in ("a", 1.5, np.random.RandomState(0)):
        says = ["random_state must be a whole number or None"]
        refuse(lambda: call(random_state=seed), ValueError, *says)  # noqa: B023
    refuse(lambda: call(logger=print), TypeError, "add_scalar", "log(figures, step=step)")


def test_models_that_are_no_network_to_prune():
    both = np.c_[Y2, 1 - Y2]
    several = MLPClassifier((3,), max_iter=3).fit(X2, both)
    call = partial(pruning_path, method="magnitude")
    refuse(lambda: call(several, X2, both), UnsupportedModelError, "several labels a row")
    if "loss" in MLPRegressor().get_params():  # from scikit-learn 1.7 on
        counts = MLPRegressor(hidden_layer_sizes=(3,), loss="poisson", max_iter=3)
        says = ["'poisson'", "squared errors and classes"]
        refuse(lambda: call(counts.fit(X2, Y2), X2, Y2), UnsupportedModelError, *says)
    one = MLPClassifier((3,), max_iter=3).fit(X2, 0 * Y2)
    refuse(lambda: call(one, X2, 0 * Y2), ValueError, "one class, 0", "two classes")
    refuse(lambda: call(SparseMLPClassifier(), X2, Y2), NotFittedError, "not fitted")
    refuse(lambda: shrink(NET, 1.0), UnsupportedModelError, "needs a tree or forest")
    says = ["strength or max_size", "max_columns, max_neurons, max_weights", "PrunedClassifier"]
    refuse(lambda: prune(NET, X2, Y2, method="magnitude"), ValueError, *says)
    refuse(lambda: prune(NET, X2, Y2, method="magnitude", strength=-1), ValueError, "strength")


@pytest.mark.parametrize("granularity", UNITS)
@pytest.mark.parametrize("kind", ["own", "scikit-learn"])
def test_networks_that_read_nothing_are_refused(granularity, kind):
    blind = with_holes(fit(X2, Y2, (4,), kind), 0.0, 0)
    call = partial(pruning_path, blind, X2, Y2, method="magnitude", granularity=granularity)
    refuse(call, ValueError, "reads no column", "no path", "smaller l1")
    collapsed = fit(X2, Y2, l1=50.0, max_iter=300)
    call = partial(pruning_path, collapsed, X2, Y2, method="magnitude", granularity=granularity)
    refuse(call, ValueError, "reads no column")


@pytest.mark.parametrize("use", ["staged_predict", "staged_predict_proba", "score"])
def test_paths_are_asked_with_rows_that_fit(use):
    path = pruning_path(NET, X2, Y2, method=magnitude(steps=2, fine_tune=0))
    ask = {"score": lambda X: path.score(X, Y2)}.get(use, lambda X: list(getattr(path, use)(X)))
    refuse(lambda: ask(X2[:, :2]), ValueError, "2 features", "4 features")
    refuse(lambda: ask(gaps()), ValueError, "NaN")
    regression = fit(X2, X2[:, 0])
    path = pruning_path(regression, X2, X2[:, 0], method=magnitude(fine_tune=0))
    with pytest.raises(AttributeError, match="a regressor has no predict_proba"):
        path.staged_predict_proba(X2)


# ----------------------------------------------------------------------------- edges


@pytest.mark.parametrize("method", ALL)
def test_one_class_of_one_row_and_constant_columns(method):
    for X, y in (
        (X2, 0 * Y2),
        (X2[:1], Y2[:1]),
        (0 * X2 + 3.0, Y2),
        (np.c_[X2, ONES, 0 * ONES], Y2),
        (X2[:1], X2[:1, 0]),
        (X2[:2], np.array(["ja", "nein"])),
    ):
        model = fit(X, y)
        path = pruning_path(model, X, y, method=method)
        units = {"backward_elimination": "inputs"}.get(method, "weights")
        assert_sizes(path, units, range(X.shape[1]))
        assert_zeros_stay(path)
        assert np.isfinite(path.risk).all()
        for step in laws.some_steps(path, 3):
            assert set(path.cut(step).predict(X)) <= set(y) or y.dtype.kind == "f"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # R² of one row
            assert len(path.score(X, y)) == len(path)


def test_constant_columns_go_first_by_magnitude():
    X = np.c_[ONES, X2[:, 0], 5 * ONES, X2[:, 1]]
    row = magnitude(fine_tune=0)
    path = pruning_path(fit(X, Y2), X, Y2, method=row, granularity="inputs")
    assert set(path.removed_at[[0, 2]]) == {1, 2}
    # What they gave is not lost: it stands in the biases.
    for before, after in pairwise(path.networks[:3]):
        np.testing.assert_allclose(after.raw(X), before.raw(X), atol=1e-12)


@pytest.mark.parametrize("granularity", UNITS)
def test_linear_models(granularity):
    for y in (Y2, X2[:, :2] + 1):
        model = fit(X2, y, ())
        path = pruning_path(model, X2, y, method="magnitude", granularity=granularity)
        assert_sizes(path, granularity, range(4))
        if granularity == "neurons":
            assert len(path) == 1 and path.size[0] == 0  # there is none to remove
            path.plot()
        else:
            assert path.size[-1] == 1
    out = pruning_path(model, X2, y, method="magnitude", granularity="neurons", forbidden=[2])
    assert out.size.tolist() == [0, 0] and out.strength.tolist() == [-np.inf, 0.0]


@pytest.mark.parametrize("granularity", UNITS)
def test_one_of_everything_has_no_step(granularity):
    model = fit(X2[:, :1], Y2, (1,))
    path = pruning_path(model, X2[:, :1], Y2, method="magnitude", granularity=granularity)
    assert len(path) == 1 and path.cut(strength=1e9).network_.counts()["weights"] == 2
    assert pruning_strengths(model, X2[:, :1], Y2, method="magnitude").tolist() == [0.5]
    path.plot()


def kinds_of_tables():
    frame = pd.DataFrame(X2, columns=["é", "x y", "<b>", "用途"])
    return {
        "frame": frame,
        "polars": pl.DataFrame({name: frame[name].to_numpy() for name in frame}),
        "float32": frame.astype("float32"),
        "Float64": frame.astype("Float64"),
        "fortran": np.asfortranarray(X2),
        "list": X2.tolist(),
        "csr": sparse.csr_matrix(X2),
        "csc": sparse.csc_matrix(X2),
        "coo array": sparse.coo_array(X2),
    }


@pytest.mark.parametrize("kind", ["own", "scikit-learn"])
@pytest.mark.parametrize("method", ["magnitude", "fisher", "l1", "backward_elimination"])
def test_all_kinds_of_tables_give_one_path(kind, method):
    plain = fit(X2, Y2, (4,), kind)
    plain_path = pruning_path(plain, X2, Y2, method=method)
    score = plain_path.score(X2, Y2).score
    for name, X in kinds_of_tables().items():
        model = copy.deepcopy(plain)
        if hasattr(X, "columns"):
            model.feature_names_in_ = np.array(list(X.columns), dtype=object)
        path = pruning_path(model, X, Y2, method=method)
        np.testing.assert_array_equal(path.removed_at, plain_path.removed_at, err_msg=name)
        for a, b in zip(path.networks, plain_path.networks):
            close(arrays(a), arrays(b), 1e-9)  # sums in another order
        np.testing.assert_allclose(path.score(X, Y2).score, score, rtol=1e-9, err_msg=name)
        staged = list(path.staged_predict_proba(X))
        for step in range(len(path)):
            own = path.cut(step).predict_proba(X)
            tolerance = 1e-6 if name == "float32" and kind == "scikit-learn" else 1e-12
            np.testing.assert_allclose(staged[step], own, rtol=tolerance, atol=tolerance)


def test_a_network_trained_in_float32():
    X = X2.astype(np.float32)
    model = fit(X, Y2, (4,), "scikit-learn")
    assert model.coefs_[0].dtype == np.float32
    path = pruning_path(model, X, Y2, method="magnitude")
    np.testing.assert_allclose(path.cut(0).predict_proba(X), model.predict_proba(X), atol=1e-6)
    assert_sizes(path, "weights", range(4))
    assert_cut(path, model, X2)


def test_targets_in_all_forms():
    for y, also in (
        (np.array(["x", "é"], object)[Y2], pd.Series(np.array(["x", "é"])[Y2], dtype="category")),
        (Y2.astype(bool), (Y2 == 1).tolist()),
        (X2[:, 0], X2[:, :1]),
        (np.round(X2[:, 0] * 2), pd.Series(np.round(X2[:, 0] * 2)).astype("int8")),
    ):
        model = fit(X2, y) if np.asarray(y).dtype.kind != "f" else fit(X2, y * 1.0)
        path, other = (pruning_path(model, X2, t, method="gradient") for t in (y, also))
        assert_same_path(path, other)


def test_networks_with_units_that_do_nothing_already():
    model = with_holes(fit(X2, Y2, (5, 3)), 0.5, 3)
    net = model.network_
    W = [w.copy() for w in net.weights]
    W[0][:, 0] = 0.0  # a neuron that nothing enters: it says a constant
    W[1][1] = 0.0  # one from which nothing leads on
    W[0][2] = 0.0  # a column that is not read
    model.network_ = net.with_arrays(W, [b + 0.3 for b in net.biases])
    for granularity in UNITS:
        path = pruning_path(model, X2, Y2, method="magnitude", granularity=granularity)
        assert_sizes(path, granularity, range(4))
        idle = path.removed_at == 0
        assert idle.any() and (path.size[0] == (~idle).sum())
        laws.assert_same_predictions(path.cut(0), model, X2, 1e-12)
        assert_cut(path, model, X2)
    assert path.removed_at[2] == 0


# ----------------------------------------------------------------------------- strengths, loggers


@pytest.mark.parametrize("method", ["magnitude", "l1", "backward_elimination"])
@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_strengths_for_a_search_choose_steps_of_the_path(method, n):
    X, y = table(4, 80, 4, "two classes")
    model = fit(X, y, (6,), max_iter=60)
    path = pruning_path(model, X, y, method=method)
    grid = pruning_strengths(model, X, y, method=method, n=n)
    steps = [path.step_for(strength=s) for s in grid]
    assert 1 <= len(grid) <= n and (np.diff(grid) > 0).all() and (np.diff(steps) > 0).all()
    for step, strength in zip(steps, grid):  # in the middle: a fold differs a little
        after = path.strength[step + 1] if step + 1 < len(path) else 1.0
        assert strength == pytest.approx((max(path.strength[step], 0.0) + after) / 2)
    if n >= len(path):
        assert steps == list(range(len(path)))
    elif n > 1:
        assert steps[0] == 0 and steps[-1] == len(path) - 1
    unfitted = SparseMLPClassifier((6,), max_iter=60, learning_rate_init=0.03, random_state=0)
    np.testing.assert_array_equal(pruning_strengths(unfitted, X, y, method=method, n=n), grid)


class Scalars:
    """As TensorBoard's SummaryWriter."""

    def __init__(self):
        self.rows = []

    def add_scalar(self, name, value, step):
        assert type(value) is float
        self.rows.append((name, value, step))


class Run:
    """As a run of W&B."""

    def __init__(self):
        self.rows = []

    def log(self, figures, step):
        self.rows += [(name, value, step) for name, value in figures.items()]


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("logger", [Scalars, Run])
def test_every_step_is_told_to_a_logger(method, logger):
    told = logger()
    path = pruning_path(NET, X2, Y2, method=method, logger=told, forbidden=[1])
    expected = []
    for step in range(1, len(path)):
        expected.append(("pruning/size", float(path.size[step]), step))
        expected.append(("pruning/risk", float(path.risk[step]), step))
    assert told.rows == expected and len(expected) >= 2
    assert_same_path(path, pruning_path(NET, X2, Y2, method=method, forbidden=[1]))


@pytest.mark.parametrize("method", ["l1", "fisher"])
def test_progress_is_told_on_the_error_stream_only(method, capfd):
    pruning_path(NET, X2, Y2, method=method)
    assert capfd.readouterr() == ("", "")
    path = pruning_path(NET, X2, Y2, method=method, verbose=1)
    out, err = capfd.readouterr()
    assert out == "" and "pruning" in err
    assert_same_path(path, pruning_path(NET, X2, Y2, method=method))
