"""Linear models: read as networks without hidden layers, attributed and written out exactly."""

from __future__ import annotations

import copy
import pickle
import warnings
from functools import cache
from inspect import signature

import naive_network
import naive_shapley
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, special
from sklearn import linear_model, svm
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from treeprune import (
    Decision,
    MalformedModelError,
    PrunedClassifier,
    PrunedRegressor,
    SparseMLPClassifier,
    SparseMLPRegressor,
    UnsupportedModelError,
    compression,
    explain,
    native,
    prune,
    pruning_path,
    pruning_strengths,
    shrink,
)
from treeprune.datasets import load_german_credit
from treeprune.explain.view import view_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # of parameters that scikit-learn renames
]

HAS_MULTI_CLASS = "multi_class" in signature(LogisticRegression).parameters  # until 1.7
NAMES = [name for (_, name), module in native._READERS.items() if module == "linear"]
PARAMS = {
    "SGDClassifier": {"loss": "log_loss", "random_state": 0},
    "SGDRegressor": {"random_state": 0},
    "LinearSVR": {"random_state": 0},
    "TheilSenRegressor": {"random_state": 0, "max_subpopulation": 50, "n_jobs": 1},
    "PassiveAggressiveRegressor": {"random_state": 0},
    "LogisticRegressionCV": {"Cs": 2, "cv": 2},
    "OrthogonalMatchingPursuitCV": {"cv": 2},
}
CLASSIFIERS = (
    "LogisticRegression",
    "LogisticRegressionCV",
    "SGDClassifier",
    "LinearDiscriminantAnalysis",
)
SEVERAL_TARGETS = ("LinearRegression", "Ridge", "RidgeCV", "Lasso", "Lars", "ElasticNet")


def table(n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)) * [1.0, 10.0, 0.1, 1.0] + [0.0, 5.0, 0.0, -1.0]
    return X, X @ [1.0, -0.2, 5.0, 0.0] + rng.normal(size=n)


def new(name, **params):
    homes = (linear_model, svm)
    kind = next((getattr(h, name) for h in homes if hasattr(h, name)), LinearDiscriminantAnalysis)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind(**{**PARAMS.get(name, {}), **params})


def targets(name):
    """Targets that a class takes, by what they are."""
    X, t = table()
    if name in CLASSIFIERS:
        two = np.array(["no", "ja"])[(t > 0).astype(int)]
        three = np.array(["ü", "b", "a"])[np.digitize(t, [-1, 1])]
        return {"two classes": two, **({"three classes": three} if name != "SGDClassifier" else {})}
    both = np.column_stack([t, 3 - X[:, 0] * t])
    if name.startswith("MultiTask"):
        return {"two targets": both}
    return {"one target": t, **({"two targets": both} if name in SEVERAL_TARGETS else {})}


CASES = [(name, what) for name in NAMES for what in targets(name)]
every_model = pytest.mark.parametrize("name, what", CASES, ids=lambda v: str(v).replace(" ", "_"))


def fitted(name, what, X=None, **params):
    X = table()[0] if X is None else X
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return new(name, **params).fit(X, targets(name)[what])


def same(got, expected, tolerance):
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance)


# ---------------------------------------------------------------------------------------- reading


@every_model
def test_what_is_read_is_what_the_model_answers(name, what):
    model = fitted(name, what)
    X, before = table(seed=1)[0], copy.deepcopy(vars(model))
    net = native.read_network(model)
    assert net.hidden_layer_sizes == () and net.kind == "linear model"
    raw, values = net.raw(X), net.values(native.matrix(model, X))
    same(raw, [naive_network.forward(net, x) for x in X], 1e-10)
    scale = max(1.0, np.abs(raw).max())
    if name in CLASSIFIERS:
        assert net.n_classes == (len(model.classes_),)
        said = model.decision_function(X)
        same(values[:, 0], model.predict_proba(X), 1e-12)
        assert np.array_equal(model.classes_[values[:, 0].argmax(axis=1)], model.predict(X))
    else:
        assert not net.is_classifier
        said = model.predict(X)
        same(values[:, :, 0].reshape(said.shape), said, 1e-12 * scale)
    own = native.raw_score(model, X)
    assert own.shape == (len(X), 1, net.n_scores)
    assert np.array_equal(own[:, 0].reshape(said.shape), said)
    same(own[:, 0], raw, 1e-12 * scale)
    assert native.n_outputs(model) == net.n_outputs == (2 if what == "two targets" else 1)
    assert native.is_network(model) and not native.can_prune(model)
    for key, value in before.items():  # the model is as it was
        assert pickle.dumps(vars(model)[key]) == pickle.dumps(value), key


@every_model
def test_attributions_are_a_coefficient_times_a_difference(name, what):
    model = fitted(name, what)
    X, B = table(7, seed=2)[0], table(9, seed=3)[0]
    ex = explain(model, table()[0], random_state=0)
    found = ex.attributions(X, background=B)
    assert found.method == "exact Shapley of a linear model, interventional, 9 background rows"
    score = "raw score" if what == "three classes" else "log-odds"
    assert found.unit == (score if name in CLASSIFIERS else "target")
    coef = np.atleast_2d(model.coef_)
    expected = (X - B.mean(axis=0))[:, :, None] * coef.T
    values = found.values.reshape(expected.shape)
    same(values, expected, 1e-9 * max(1.0, np.abs(expected).max()))
    total = found.base_values.reshape(len(X), -1) + values.sum(axis=1)
    same(total, native.raw_score(model, X)[:, 0], 1e-8)


def test_every_class_that_is_listed_was_tried():
    assert {name for name, _ in CASES} == set(NAMES) < set(native.readable())
    assert not set(NAMES) & set(native.supported())


@given(
    st.integers(0, 10_000),
    st.integers(2, 3),
    st.floats(0.01, 100.0),
    st.booleans(),
    st.sampled_from(["uniform", "weighted", "zeros"]),
)
@settings(max_examples=15)
def test_classes_weights_and_penalties(seed, n_classes, C, intercept, weights):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(30, 3))
    labels = np.array(["ß", "10", "9"])[:n_classes]
    y = labels[np.r_[:n_classes, rng.integers(0, n_classes, 30 - n_classes)]]
    weight = {"uniform": None, "weighted": rng.uniform(0.5, 9, 30)}.get(weights, np.ones(30))
    if weights == "zeros":
        weight[n_classes + 5 :] = 0.0
    model = LogisticRegression(C=C, fit_intercept=intercept, max_iter=200, class_weight="balanced")
    model.fit(X, y, sample_weight=weight)
    net = native.read_network(model)
    scores = np.array([naive_network.forward(net, x) for x in X])
    if n_classes == 2:
        p = 1 / (1 + np.exp(-scores[:, 0]))
        expected = np.column_stack([1 - p, p])
    else:
        e = np.exp(scores)
        expected = e / e.sum(axis=1, keepdims=True)
    same(expected, model.predict_proba(X), 1e-12)
    same(net.values(X)[:, 0], expected, 1e-12)
    assert model.classes_.tolist() == sorted(labels)  # and so the columns of the probabilities


def test_the_score_of_two_classes_speaks_of_the_second():
    X = np.arange(12.0)[:, None]
    for labels in (["a", "b"], ["b", "a"]):
        y = np.array(labels)[(X[:, 0] > 5).astype(int)]
        model = LogisticRegression().fit(X, y)
        slope = native.read_network(model).weights[0].item()
        assert (slope > 0) == (labels[1] == "b")
        found = explain(model, X).attributions()
        assert list(found.output_names) == ["b"] and np.sign(found.values[11].item()) == np.sign(
            slope
        )


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csc_matrix])
def test_sparse_rows_and_sparse_coefficients(make):
    words = np.array(["a", "b", "c"])[np.arange(40) % 3][:, None]
    encode = OneHotEncoder().fit(words)
    Z, y = make(encode.transform(words)), np.arange(40) % 2 == 0
    dense = LogisticRegression().fit(Z, y)
    same(
        native.read_network(dense).raw(native.matrix(dense, Z)), native.raw_score(dense, Z)[:, 0], 0
    )
    thin = copy.deepcopy(dense).sparsify()
    assert sparse.issparse(thin.coef_)
    for a, b in zip(
        native.read_network(thin).weights, native.read_network(dense).weights, strict=True
    ):
        assert np.array_equal(a, b)
    frame = pd.DataFrame({"w": words[:, 0]})
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(frame, y)
    found = explain(model, frame, y).attributions()
    assert found.values.shape == (40, 1, 1) and found.feature_names == ["w"]
    same(found.base_values[:, 0] + found.values[:, 0, 0], model.decision_function(frame), 1e-12)


@pytest.mark.parametrize("as_frame", [False, True])
def test_numbers_in_single_precision(as_frame):
    X, t = table(200)
    X = (X * [1, 100, 1e5, 1e6] + [1e3, 0, 1e6, 0]).astype(np.float32)
    X = pd.DataFrame(X, columns=list("abcd")) if as_frame else X
    thin = SGDRegressor(random_state=0).fit(X / np.float32(1e7), t)
    models = (LogisticRegression().fit(X, t > 0), LinearRegression().fit(X, t), thin)
    assert models[1].coef_.dtype == thin.coef_.dtype == np.float32
    for model in models:  # which answer in it
        ex = explain(model, X)
        ex.attributions()
        assert ex.regions.n_rows == 200
        for name, check in ex.checks.items():
            assert check.passed or name == "regions as printed = model"


def test_a_column_of_targets_and_no_intercept():
    X, t = table()
    for model in (LinearRegression(), Ridge(), Lasso(alpha=0.1)):
        column = copy.copy(model).fit(X, t[:, None])
        same(native.read_network(column).raw(X)[:, 0], column.predict(X).ravel(), 1e-12)
    model = LinearRegression(fit_intercept=False).fit(X, np.column_stack([t, t**2]))
    assert model.intercept_ == 0.0 and native.read_network(model).biases[0].tolist() == [0.0, 0.0]


def test_names_and_columns():
    X, t = table()
    frame = pd.DataFrame(X, columns=["größe €", "b", "a <= 3", "x"])
    model = LogisticRegression().fit(frame, t > 0)
    assert native.read_network(model).feature_names == tuple(frame.columns)
    native.check_columns(model, frame)
    for wrong in (frame[frame.columns[::-1]], frame.rename(columns={"b": "B"}), X[:, :3]):
        for attempt in (native.check_columns, native.matrix, native.raw_score, explain):
            with pytest.raises(ValueError, match=r"feature names|features"):
                attempt(model, wrong)
    with pytest.raises(ValueError, match="NaN"):
        native.matrix(LogisticRegression().fit(X, t > 0), np.full((2, 4), np.nan))


def test_frames_of_polars_and_one_person():
    pl = pytest.importorskip("polars")
    X, t = table()
    frame = pl.DataFrame(X, schema=["a", "b", "c", "d"])
    model = LinearRegression().fit(frame, t)
    ex = explain(model, frame)
    assert ex.attributions(frame[:1]).feature_names == ["a", "b", "c", "d"]
    assert (ex.attributions(frame[:1], background=frame[:1]).values == 0).all()  # against itself
    same(ex.regions.predict(frame[:1]), model.predict(frame[:1]), 1e-9)


# --------------------------------------------------------------------------------------- refusals


class Clipped(LinearRegression):
    def predict(self, X):
        return super().predict(X).clip(0, 1)


class Tempered(LogisticRegression):
    def predict_proba(self, X):
        return special.softmax(np.column_stack([-self.decision_function(X)] * 2), axis=1)


class Own(Ridge):
    """Another name, the same answers."""


def test_only_the_models_of_which_it_is_true():
    X, t = table()
    assert native.read_network(Own().fit(X, t)).n_scores == 1
    refused = [
        (Clipped().fit(X, t), "Clipped has a predict of its own"),
        (Tempered().fit(X, t > 0), "Tempered has a predict_proba of its own"),
        (new("SGDClassifier").fit(X, np.digitize(t, [-1, 1])), "each of 3 classes from the rest"),
        (new("SGDClassifier", loss="modified_huber").fit(X, t > 0), "its clipped score"),
        (new("SGDClassifier", loss="hinge").fit(X, t > 0), "possible is loss='log_loss'"),
    ]
    for model, words in refused:
        for read in (native.read_network, native.n_outputs):
            with pytest.raises(UnsupportedModelError, match=words):
                read(model)
        with pytest.raises(UnsupportedModelError, match=words):
            native.raw_score(model, X)
        if model.__class__ is not Tempered and getattr(model, "loss", "") != "hinge":
            ex = explain(model, X[:20], random_state=0)  # as any other model
            assert ex.view.network is None and ex.fidelity is not None
            with pytest.raises(ValueError, match="cannot be read as a network or a linear model"):
                _ = ex.regions
    for other in (PoissonRegressor(), RidgeClassifier(), svm.LinearSVC()):
        assert not native.is_network(other)
        with pytest.raises(UnsupportedModelError, match="models such as LogisticRegression"):
            native.read_network(other)


@pytest.mark.skipif(not HAS_MULTI_CLASS, reason="no multi_class from scikit-learn 1.8 on")
def test_one_class_against_the_rest_is_no_softmax():
    X, t = table()
    y = np.digitize(t, [-1, 1])
    for params in ({"solver": "liblinear"}, {"multi_class": "ovr"}):
        model = LogisticRegression(**params).fit(X, y)
        net_like = special.softmax(model.decision_function(X), axis=1)
        assert np.abs(net_like - model.predict_proba(X)).max() > 0.01  # so it would be wrong
        with pytest.raises(UnsupportedModelError, match="no softmax of its scores"):
            native.read_network(model)
        assert explain(model, X, y).view.network is None
        same(
            native.read_network(model.fit(X, y > 0)).values(X)[:, 0], model.predict_proba(X), 1e-12
        )
    model = LogisticRegression(multi_class="multinomial").fit(X, y > 0)  # counts scores twice
    net = native.read_network(model)
    same(net.values(X)[:, 0], model.predict_proba(X), 1e-12)
    same(native.raw_score(model, X)[:, 0], net.raw(X), 1e-12)
    explain(model, X, y > 0).attributions()


def test_liblinear_of_three_classes_is_never_read_wrongly():
    X, t = table()
    y = np.digitize(t, [-1, 1])
    try:
        model = LogisticRegression(solver="liblinear").fit(X, y)
    except ValueError:  # from scikit-learn 1.8 on
        assert not HAS_MULTI_CLASS
    else:
        with pytest.raises(UnsupportedModelError):
            native.read_network(model)


def test_models_that_are_not_as_fitted():
    X, t = table()
    with pytest.raises(NotFittedError):
        native.read_network(LogisticRegression())
    with pytest.raises(UnsupportedModelError, match="got the class Ridge"):
        native.read_network(Ridge)
    model = Ridge().fit(X, t)
    for change, words in [
        (lambda m: m.coef_.__setitem__(0, np.nan), "not finite"),
        (lambda m: setattr(m, "intercept_", np.inf), "not finite"),
        (lambda m: setattr(m, "coef_", m.coef_[:3]), "4 columns, it has coefficients for 3"),
        (lambda m: setattr(m, "intercept_", np.zeros(2)), "weights of shape"),
    ]:
        wrong = copy.deepcopy(model)
        change(wrong)
        with pytest.raises(MalformedModelError, match=words):
            native.read_network(wrong)
    classes = LogisticRegression().fit(X, t > 0)
    classes.classes_ = np.arange(3)
    with pytest.raises(MalformedModelError, match="n_classes"):
        native.read_network(classes)


def test_pruning_refuses_them_by_name():
    X, t = table()
    y = t > 0
    model, number = LogisticRegression().fit(X, y), LinearRegression().fit(X, t)
    net = native.read_network(model)
    mlp = MLPClassifier((3,), max_iter=5).fit(X, y)
    for attempt in (
        lambda: pruning_path(model),
        lambda: pruning_path(model, X, y, method="magnitude"),
        lambda: prune(model, max_size=2),
        lambda: pruning_strengths(model),
        lambda: pruning_strengths(LogisticRegression(), X, y),
        lambda: shrink(model, 1.0),
        lambda: native.check_supported(LogisticRegression()),
        lambda: native.write_network(model, net),
        lambda: native.training(model, 60),
        lambda: native.row_weights(model, y, None),
        lambda: native.sparse_mlp_params(model),
        lambda: native.to_sklearn_mlp(model),
        lambda: native.read(model),
        lambda: native.write(model, np.ones(1, bool)),
        lambda: native.apply(model, X),
        lambda: compression(mlp, model),
        lambda: compression(model, mlp),
        lambda: PrunedClassifier(LogisticRegression()).fit(X, y),
        lambda: SparseMLPClassifier.from_sklearn(model),
        lambda: SparseMLPRegressor.from_sklearn(model),
    ):
        with pytest.raises(UnsupportedModelError, match=r"got a LogisticRegression.*possible are "):
            attempt()
    for attempt in (
        lambda: PrunedRegressor(LinearRegression()).fit(X, t),
        lambda: pruning_path(number),
        lambda: SparseMLPRegressor.from_sklearn(number),
    ):
        with pytest.raises(UnsupportedModelError, match=r"got a LinearRegression.*possible are "):
            attempt()
    with pytest.raises(UnsupportedModelError, match=r"prune a SparseMLPClassifier\(\(\)\)"):
        pruning_path(model)
    # What the message says is possible:
    bare = SparseMLPClassifier((), max_iter=5, random_state=0).fit(X, y)
    path = pruning_path(bare, X, y, method="magnitude", granularity="inputs")
    assert path.cut(columns=2).network_.n_inputs == 2


# ------------------------------------------------------------------------------------ explanation


@cache
def german():
    """German credit through one-hot and scaler, and its Decision."""
    data = load_german_credit()
    X, y = data.data.drop(columns=data.sensitive), data.target
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
        (
            make_pipeline(SimpleImputer(), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
    )
    model = make_pipeline(encode, LogisticRegression(max_iter=1000)).fit(X[:700], y[:700])
    decision = Decision(
        adverse=1, costs={"miss": 5, "false_alarm": 1}, immutable=["checking_status"]
    )
    return model, X, y, explain(model, X[:700], y[:700], decision=decision)


def test_one_hot_groups_are_one_player():
    model, X, _, ex = german()
    few, others = X[700:704], X[:40]
    found = ex.attributions(few, background=others)
    assert found.feature_names == X.columns.tolist() and found.unit == "log-odds"
    # One raw column at a time: the mean change when it takes each background row's value.
    for name in ("checking_status", "purpose", "duration_months"):
        j = X.columns.get_loc(name)
        for i in range(len(few)):
            mixed = pd.concat([few.iloc[[i]]] * len(others), ignore_index=True)
            mixed[name] = others[name].to_numpy()
            change = model.decision_function(few.iloc[[i]])[0] - model.decision_function(mixed)
            same(found.values[i, j, 0], change.mean(), 1e-9)


def test_they_are_shapley_values_of_all_subsets_of_columns():
    _, X, y, _ = german()
    X = X[["checking_status", "duration_months", "purpose", "amount_dm", "savings"]]
    encode = make_column_transformer(
        (OneHotEncoder(), make_column_selector(dtype_include="category")),
        remainder=StandardScaler(),
    )
    ex = explain(make_pipeline(encode, LogisticRegression(max_iter=1000)).fit(X, y), X[:50])
    few, others = X[700:704], X[:10]
    exact = ex.attributions(few, background=others)
    net, map_ = ex.view.network, ex.view.feature_map
    Z, B = map_.model_matrix(few), map_.model_matrix(others)
    weight = np.full(10, 0.1)
    for i, z in enumerate(Z):
        values, base = naive_shapley.interventional(net.raw, map_.player, 5, z, B, weight)
        same(exact.values[i], values, 1e-9)
        same(exact.base_values[i], base, 1e-9)


def test_reasons_name_raw_columns():
    model, X, _, ex = german()
    found = ex.reasons(X[700:720])
    named = {reason.column for one in found for reason in one.reasons}
    assert named and named <= set(X.columns)
    assert found.unit == "log-odds" and found.method.startswith("exact Shapley of a linear model")
    assert ex.checks["reasons add up to the model"].passed
    assert ex.checks["directions agree with the baseline"].passed
    # The reasons are the largest pushes towards the adverse class.
    baseline = ex.reasons(X[700:720], baseline=X[:50])
    pushes = ex.attributions(X[700:720], background=X[:50]).values[:, :, 0]
    for one, push in zip(baseline, pushes, strict=True):
        if one.adverse:
            order = np.argsort(-push, kind="stable")[: len(one.reasons)]
            assert [r.column for r in one.reasons] == X.columns[order].tolist()
            same([r.contribution for r in one.reasons], push[order], 1e-9)
    assert all(reason.error is None for one in found for reason in one.reasons)
    wishes = ex.counterfactual(X.iloc[[1]])
    assert wishes[0].feasible and ex.checks["counterfactuals turn the model's own decision"].passed
    turned = model.predict_proba(wishes[0].apply(X.iloc[[1]]))[:, 1]
    assert not ex.decision.decide(turned).any()


def test_a_linear_model_is_one_region():
    model, X, _, ex = german()
    rules = ex.regions
    assert len(rules) == rules.n_possible == 1 and rules.regions[0].share == 1.0
    assert not rules.regions[0].half_spaces and rules.regions[0].pattern == ()
    same(rules.predict_proba(X[700:]), model.predict_proba(X[700:]), 1e-9)
    assert ex.checks["regions = model"].passed and ex.checks["regions as printed = model"].passed
    text = rules.to_text(width=200)
    assert text.startswith(
        "1 linear region: log-odds of (default = 1) is one sum for all rows. P = 1 / (1 + "
    )
    assert "\nAll rows (700), default = 1: 29.6 %\n  log-odds of (default = 1) = -" in text
    for word in ("neuron", "network", "applies", "Region 1"):
        assert word not in text
    # Coefficients in raw units: of scaled columns, divided by their spread.
    frame = rules.to_frame().set_index("term")["coefficient"]
    scaler = model[0].named_transformers_["pipeline"][-1]
    numbers = X.select_dtypes("number").columns.tolist()
    for k, name in enumerate(numbers):
        expected = model[-1].coef_[0, -len(numbers) + k] / scaler.scale_[k]
        assert frame[name] == pytest.approx(expected, rel=1e-6)


def test_the_page_speaks_of_a_linear_model():
    _, X, y, ex = german()
    page = ex.to_text(held_out=(X[700:], y[700:]))
    assert "LogisticRegression, explained on 700 rows. It is linear; a surrogate of it has" in page
    flat = " ".join(page.split())
    assert "The model's score is one sum for all rows, written out exactly: ex.regions." in flat
    assert "exact Shapley of a linear model" in flat
    assert "neuron" not in page and "network" not in page and "FAILED" not in page
    assert ex.fidelity is not None and not ex.view.is_exact  # ex.rules is still the surrogate
    assert ex.is_exactly_attributed
    frame = ex.importance()
    mean = np.abs(ex.attributions().values[:, :, 0]).mean(axis=0)
    same(frame.set_index("column").loc[X.columns].iloc[:, 0], mean, 1e-9)
    assert ex.scorecard().fidelity.r2 > 0.9
    assert ex.reasons(X[:5]).to_text().count("exact Shapley of a linear model") == 1


def test_several_classes_and_targets():
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = LogisticRegression(max_iter=1000).fit(X, y)
    ex = explain(model, X, y)
    found = ex.attributions(X[:5], background=X)
    assert found.values.shape == (5, 4, 3) and list(found.output_names) == ["0", "1", "2"]
    same(found.values, (X[:5] - X.mean()).to_numpy()[:, :, None] * model.coef_.T, 1e-9)
    text = ex.regions.to_text()
    assert "each score is one sum for all rows" in text and "score of (target = 2) = " in text
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    both = pd.DataFrame({"one": y, "two": -2 * y + X["bmi"]})
    ex = explain(Ridge().fit(X, both), X, both)
    assert ex.attributions(X[:3]).values.shape == (3, 10, 2)
    assert "two = " in ex.regions.to_text()
    assert "The model's 2 scores are sums for all rows" in " ".join(ex.to_text().split())
    with pytest.raises(ValueError, match="2 targets"):
        _ = ex.rules


def test_columns_that_are_not_used():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    thin = Lasso(alpha=0.5).fit(X, y)
    ex = explain(thin, X, y)
    assert set(ex.unused()) == set(X.columns[thin.coef_ == 0]) != set()
    found = ex.attributions()
    assert (found.values[:, thin.coef_ == 0] == 0).all()
    nothing = explain(Lasso(alpha=1e9).fit(X, y), X, y)
    assert set(nothing.unused()) == set(X.columns) and (nothing.attributions().values == 0).all()
    assert nothing.regions.to_text().endswith("target = 152.1")
    assert "FAILED" not in nothing.to_text()


def test_wrappers_are_opened():
    _, X, y, _ = german()
    X, y = X[["duration_months", "amount_dm"]][:200], y[:200]
    steps = make_pipeline(StandardScaler(), LogisticRegression())
    search = GridSearchCV(steps, {"logisticregression__C": [0.1, 1]}, cv=2).fit(X, y)
    fixed = FixedThresholdClassifier(LogisticRegression(), threshold=0.3).fit(X, y)
    for model in (search, fixed):
        ex = explain(model, X, y)
        assert ex.unit == "log-odds" and ex.view.network.kind == "linear model"
        assert ex.attributions().method.startswith("exact Shapley of a linear model")
        same(ex.regions.predict_proba(X), model.predict_proba(X), 1e-9)


def test_other_models_are_read_as_before():
    X, t = table()
    tree = view_of(DecisionTreeClassifier(max_depth=2).fit(X, t > 0), X)
    assert tree.network is None and tree.trees is not None and tree.is_exact
    net = view_of(MLPClassifier((3,), max_iter=5).fit(X, t > 0), X)
    assert net.network.kind == "network" and net.fidelity is not None
    other = view_of(PoissonRegressor().fit(X, t - t.min()), X)
    assert other.network is None and other.unit == "target"
    bare = SparseMLPClassifier((), activation="tanh", max_iter=5).fit(X, t > 0)
    ex = explain(bare, X)  # without neurons it does not matter which they would be
    assert ex.regions.to_text().startswith("1 linear region: ")


def test_gradient_descent_of_two_classes_and_of_numbers():
    X, t = table()
    Z = StandardScaler().fit_transform(X)
    two = SGDClassifier(loss="log_loss", random_state=0, average=True).fit(Z, t > 0)
    same(native.read_network(two).values(Z)[:, 0], two.predict_proba(Z), 1e-12)
    number = SGDRegressor(random_state=0).fit(Z, t)
    same(native.read_network(number).raw(Z)[:, 0], number.predict(Z), 1e-12)
