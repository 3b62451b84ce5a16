"""Region rules: what is written of a network is the network, in raw columns, everywhere."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import replace
from itertools import pairwise

import naive_regions
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier

from treeprune import CheckFailedError, Decision, SparseMLPClassifier, explain, native
from treeprune.datasets import load
from treeprune.explain import RegionRules
from treeprune.explain.features import FeatureMap
from treeprune.explain.piecewise import Piecewise, possible_patterns
from treeprune.explain.regions import region_rules
from treeprune.network import Network

CLOSE = 1e-9


# -- networks made by chance, on columns as they are -----------------------------------------------


@st.composite
def networks(draw, most_inputs: int = 4, most_layers: int = 3, most_neurons: int = 3) -> Network:
    """Small networks with zeros, dead and constant neurons, of any kind of output."""
    n_in = draw(st.integers(1, most_inputs))
    hidden = draw(st.lists(st.integers(1, most_neurons), min_size=1, max_size=most_layers))
    link, n_out = draw(st.sampled_from([("identity", 1), ("identity", 2), ("logit", 1),
                                        ("softmax", 3)]))  # fmt: skip
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kept = draw(st.sampled_from([0.4, 0.8, 1.0]))
    sizes = [n_in, *hidden, n_out]
    weights, biases = [], []
    for a, b in pairwise(sizes):
        weights.append(rng.normal(size=(a, b)) * (rng.random((a, b)) < kept))
        biases.append(rng.normal(size=b) * rng.choice([0.0, 0.5]))
    n_classes = {"identity": (), "logit": (2,), "softmax": (n_out,)}[link]
    return Network(weights, biases, link=link, n_classes=n_classes)


def rows_for(net: Network, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(-2, 3, (n, net.n_features)) + rng.random((n, net.n_features)).round(2)


def rules_for(net: Network, X, y=None, **options) -> RegionRules:
    classes = (np.arange(net.n_classes[0]),) if net.n_classes else ()
    target = tuple(f"y{o}" for o in range(net.n_outputs))
    options = {"classes": classes, "target": target, **options}
    return region_rules(net, FeatureMap.of(None, X), X, y, **options)


def outputs(net: Network, X) -> np.ndarray:
    return net.respond(np.array([naive_regions.forward(net, z)[0] for z in X]))


@given(networks(), st.integers(0, 99), st.sampled_from([0, 1]))
def test_rules_are_the_network_on_the_rows_and_beyond(net, seed, positive):
    X = rows_for(net, 12, seed)
    rules = rules_for(net, X, positive=positive)
    beyond = rows_for(net, 30, seed + 1) * 10
    for rows in (X, beyond):
        np.testing.assert_allclose(rules.output(rows), outputs(net, rows), rtol=CLOSE, atol=CLOSE)
    assert sum(region.n_rows for region in rules) == len(X)
    assert rules.n_possible >= len(rules)


@given(networks(), st.integers(0, 99))
def test_patterns_and_half_spaces_are_those_of_the_neurons(net, seed):
    X = rows_for(net, 10, seed) * 2
    small = net.compact()
    rules = rules_for(net, X[:5])
    for z, pattern in zip(X, rules.pattern(X), strict=True):
        _, sums, on = naive_regions.forward(small, z[small.inputs])
        clear = np.abs(sums) > 1e-12
        assert np.array_equal(pattern[clear], np.array(on, bool)[clear])
        region = rules.region(pattern)
        starts = np.cumsum([0, *small.hidden_layer_sizes])
        for h in region.half_spaces:
            # The coefficients speak of the terms that matter: of the columns that are read.
            at = h.coefficients @ z[[t.column for t in rules.terms.terms]]
            assert (at > h.limit) == h.above or abs(at - h.limit) < 1e-9
            assert at - h.limit == pytest.approx(sums[starts[h.layer] + h.neuron], abs=1e-9)
            inside = np.all((z[small.inputs] >= rules.low) & (z[small.inputs] <= rules.high))
            assert not (h.fixed and inside) or h.above == (at > h.limit)
            if h.layer:  # as a sum of the first layer's
                before = region.pattern[: starts[h.layer]]
                own = rules.first_layer @ rules.by_first_layer(before)[:, h.neuron]
                np.testing.assert_allclose(own, h.coefficients, atol=1e-9)


@given(networks(most_inputs=3, most_layers=2), st.integers(0, 99))
def test_possible_patterns_are_those_of_a_program_for_each(net, seed):
    net = net.compact()
    rng = np.random.default_rng(seed)
    low = rng.normal(size=len(net.inputs)) - 1
    high = low + rng.random(len(net.inputs)) * 3 * (rng.random(len(net.inputs)) < 0.9)
    found = possible_patterns(net, low, high)
    wide = naive_regions.possible(net, low, high)
    clear = {on for on, width in wide.items() if width > 1e-3}
    not_at_all = {on for on, width in wide.items() if width < 1e-7}
    assert clear <= found
    assert not found & not_at_all
    sampled = [naive_regions.forward(net, z)[2] for z in rng.uniform(low, high, (50, len(low)))]
    assert {on for on in sampled if wide[on] > 1e-3} <= found


@pytest.mark.parametrize("seed", range(12))
def test_possible_patterns_of_lines_in_a_rectangle_are_counted_by_euler(seed):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 11))
    w, b = rng.normal(size=(2, k)), rng.normal(size=k) * 0.7
    net = Network((w, np.ones((k, 1))), (b, [0.0]))
    low, high = np.array([-1.0, -2.0]), np.array([1.5, 1.0])
    lines = list(zip(w.T, b, strict=True))
    found = possible_patterns(net, low, high)
    assert len(found) == naive_regions.cells_of_lines(lines, low, high)
    points = rng.uniform(low, high, (20_000, 2))
    assert {tuple(on) for on in (points @ w + b > 0).tolist()} <= found


@pytest.mark.parametrize("status", [1, 3, 4])
def test_programs_that_are_not_solved_are_not_counted_as_impossible(monkeypatch, status):
    from scipy import optimize

    rng = np.random.default_rng(0)
    net = Network((rng.normal(size=(4, 6)), np.ones((6, 1))), (rng.normal(size=6), [0.0]))
    low, high = -np.ones(4), np.ones(4)
    own = optimize.linprog
    n_asked = []

    def sometimes(*args, **options):  # the third program meets a limit
        n_asked.append(1)
        found = own(*args, **options)
        found.status = status if len(n_asked) == 3 else found.status
        return found

    assert possible_patterns(net, low, high) is not None
    monkeypatch.setattr(optimize, "linprog", sometimes)
    assert possible_patterns(net, low, high) is None and len(n_asked) == 3


def test_too_many_patterns_are_not_counted(monkeypatch):
    rng = np.random.default_rng(0)
    net = Network((rng.normal(size=(5, 10)), np.ones((10, 1))), (rng.normal(size=10), [0.0]))
    X = rng.uniform(-1, 1, (50, 5))
    rules = rules_for(net, X)
    monkeypatch.setattr("treeprune.explain.piecewise.MOST_PROGRAMS", 3)
    assert rules.n_possible is None and rules.to_dict()["n_possible"] is None
    assert "regions are possible was not counted" in rules.to_text(width=1000)


def test_identity_and_dead_networks_are_one_region():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    wide = Network(
        (rng.normal(size=(3, 30)), rng.normal(size=(30, 2))),
        (rng.normal(size=30), rng.normal(size=2)),
        activation="identity",
    )
    dead = Network((np.zeros((3, 2)), np.ones((2, 1))), ([1.0, -1.0], [0.25]))
    for net, value in ((wide, None), (dead, 1.25)):
        rules = rules_for(net, X)
        assert len(rules) == rules.n_possible == 1 and not rules.regions[0].half_spaces
        np.testing.assert_allclose(rules.output(X), net.values(X), atol=CLOSE)
        assert "applies when always" in rules.to_text()
        if value is not None:
            assert (rules.predict(X) == value).all() and f"y0 = {value}" in rules.to_text()


def test_a_row_on_a_border_is_told_alike_from_both_sides():
    net = Network(([[1.0, -1.0]], [[2.0], [3.0]]), ([-1.0, 1.0], [0.5]))
    rules = rules_for(net, np.array([[0.0], [2.0]]))
    at = np.array([[1.0]])  # where both neurons turn
    for pattern in ((True, False), (False, True), (False, False), (True, True)):
        region = rules.region(pattern)
        assert (at @ region.coefficients + region.constant).item() == 0.5
    assert rules.predict(at).tolist() == [0.5] == net.values(at).ravel().tolist()


# -- pipelines on real rows ------------------------------------------------------------------------


def thinned(model, share: float, most: int = 10, seed: int = 0):
    """A fitted network with that share of its weights, in at most so many neurons; in place."""
    sizes = [len(b) for b in model.intercepts_[:-1]]
    left = np.maximum(np.array(sizes) * most // max(sum(sizes), most), 1)
    rng = np.random.default_rng(seed)
    n_kept = int(share * sum(w.size for w in model.coefs_))
    kept = [np.arange(len(model.coefs_[0]))]
    for w, n in zip(model.coefs_, left, strict=False):
        kept.append(np.argsort(-np.abs(w[kept[-1]]).sum(axis=0), kind="stable")[:n])
    kept.append(np.arange(len(model.intercepts_[-1])))
    coefs = []
    for i, w in enumerate(model.coefs_):
        new = np.zeros_like(w)
        at = np.ix_(kept[i], kept[i + 1])
        new[at] = w[at] + 0.1 * np.sign(w[at]) + 1e-3 * rng.normal(size=w[at].shape)
        coefs.append(new)
    first = n_kept - sum(np.count_nonzero(w) for w in coefs[1:])
    limit = np.sort(np.abs(coefs[0]).ravel())[-int(np.clip(first, 3, coefs[0].size))]
    coefs[0][np.abs(coefs[0]) < limit] = 0.0
    model.coefs_ = coefs
    model.intercepts_ = [b * 0.3 for b in model.intercepts_]
    return model


def fitted(before, X, y, *, hidden=(12,), share=0.15, most=8, epochs=2, regress=False):
    kind = MLPRegressor if regress else MLPClassifier
    net = kind(hidden_layer_sizes=hidden, max_iter=epochs, random_state=0)
    model = net if before is None else make_pipeline(before, net)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    thinned(net, share, most)
    return model


def rules_of(model, X, y=None) -> RegionRules:
    net = model[-1] if hasattr(model, "steps") else model
    before = model[:-1] if hasattr(model, "steps") else None
    classes = (net.classes_,) if hasattr(net, "classes_") else ()
    return region_rules(native.read_network(net), FeatureMap.of(before, X), X, y, classes=classes)


def assert_same(model, rules: RegionRules, X, tolerance: float = CLOSE) -> None:
    if rules.is_classifier:
        found, said = rules.predict_proba(X), model.predict_proba(X)
    else:
        found, said = rules.predict(X), model.predict(X)
    np.testing.assert_allclose(found, said, atol=tolerance, rtol=tolerance)


def table(name: str, n: int = 250):
    data = load(name)
    X = data.data.drop(columns=data.excluded)
    rows = np.random.default_rng(0).permutation(len(X))[:n]
    return X.iloc[rows].reset_index(drop=True), data.target.iloc[rows].reset_index(drop=True)


def parts(X, most_texts: int | None = None):
    """Names of numbers and of texts, of which some, since encoders are asked one by one."""
    numbers = [c for c in X if pd.api.types.is_numeric_dtype(X[c])]
    return numbers, [c for c in X if c not in numbers][:most_texts]


def with_holes(X, share=0.1, seed=0):
    rng = np.random.default_rng(seed)
    return X.mask(rng.random(X.shape) < share)


def shaken(X, model, seed=1):
    """Other rows: each column's values in another order, numbers far out, unseen categories."""
    rng = np.random.default_rng(seed)
    out = {}
    for name in X:
        values = X[name].to_numpy()[rng.permutation(len(X))]
        if pd.api.types.is_numeric_dtype(X[name]):
            values = np.where(rng.random(len(X)) < 0.3, values * 3.0 + 1, values)
        else:
            values = pd.Series(values, dtype=object)
            values[rng.random(len(X)) < 0.1] = "never seen"
        out[name] = values
    rows = pd.DataFrame(out)
    try:
        model.predict(rows)
    except ValueError:  # an encoder that refuses new categories
        rows = rows.mask(rows == "never seen", X.iloc[0], axis=1)
    return rows


def logs(x):
    return np.log1p(np.abs(x))


SCALED = {
    "standard": StandardScaler(),
    "minmax": MinMaxScaler((-1, 1)),
    "robust": RobustScaler(),
    "clipped": MinMaxScaler(clip=True),
    "power": make_pipeline(StandardScaler(), PowerTransformer()),
    "quantile": QuantileTransformer(n_quantiles=20),
    "log": make_pipeline(FunctionTransformer(logs), StandardScaler()),
    "bins": KBinsDiscretizer(3, encode="onehot-dense", quantile_method="averaged_inverted_cdf"),
    "pca": make_pipeline(StandardScaler(), PCA(3)),
    "powers": make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False)),
    "chosen": make_pipeline(StandardScaler(), SelectKBest(k=3)),
    "as it is": "passthrough",
}
ENCODED = {
    "one hot": OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    "first dropped": OneHotEncoder(drop="first", sparse_output=False),
    "binary dropped": OneHotEncoder(drop="if_binary", handle_unknown="ignore"),
    "rare ones": OneHotEncoder(min_frequency=40, handle_unknown="infrequent_if_exist"),
    "ordinal": OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
    ),
    "target": TargetEncoder(random_state=0),
    "scaled after": make_pipeline(
        OneHotEncoder(handle_unknown="ignore", sparse_output=False), StandardScaler()
    ),
}
NAMES = ("german_credit", "compas", "hmda", "adult")


EACH = [(scaled, NAMES[i % 4]) for i, scaled in enumerate(SCALED)]


@pytest.mark.parametrize("scaled, name", [*EACH, *(("standard", name) for name in NAMES[1:])])
def test_numbers_of_real_rows(scaled, name):
    X, y = table(name)
    numbers, texts = parts(X, 6)
    if scaled == "bins":
        numbers = [c for c in numbers if X[c].nunique() > 10]
    steps = [(SCALED[scaled], numbers), (ENCODED["one hot"], texts)]
    model = fitted(make_column_transformer(*steps), X, y)
    assert_told(model, X)


@pytest.mark.parametrize("encoded, name", [
    *((encoded, "german_credit") for encoded in ENCODED),
    *((encoded, "adult") for encoded in ("one hot", "rare ones", "ordinal")),
])  # fmt: skip
def test_categories_of_real_rows(encoded, name):
    X, y = table(name)
    numbers, texts = parts(X, 6)
    model = fitted(
        make_column_transformer((StandardScaler(), numbers), (ENCODED[encoded], texts)), X, y
    )
    assert_told(model, X)


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("fill", [{"strategy": "median"},
                                  {"strategy": "constant", "fill_value": -7.5}])  # fmt: skip
def test_missing_values_of_real_rows(marked, fill):
    X, y = table("german_credit")
    numbers, texts = parts(X, 6)
    X = with_holes(X)
    filled = SimpleImputer(add_indicator=marked, **fill)
    model = fitted(
        make_column_transformer(
            (make_pipeline(filled, StandardScaler()), numbers),
            (make_pipeline(SimpleImputer(strategy="most_frequent"), ENCODED["one hot"]), texts),
        ),
        X,
        y,
        share=0.3,
    )
    rules = assert_told(model, X)
    text = rules.to_text()
    kinds = {(t.kind, rules.terms.columns[t.column].kind) for t in rules.terms.terms}
    assert ("missing", "number") in kinds
    if marked:
        assert re.search(r" if \w+ is missing", text)
    else:
        assert "A missing number counts as: " in text and " is missing" not in text


def assert_told(model, X) -> RegionRules:
    """Rules equal the model on its rows and on others, in regions without rows too."""
    rules = rules_of(model, X)
    assert_same(model, rules, X)
    other = shaken(X, model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same(model, rules, other)
    terms = rules.terms
    inside = terms.design(terms.values(X), len(X)) @ terms.matrix + terms.offset
    made = terms.feature_map.model_matrix(X)[:, terms.inputs]
    np.testing.assert_allclose(inside, made, atol=1e-9, rtol=1e-9)
    assert np.isclose(sum(region.share for region in rules), 1)
    return rules


def test_regions_without_rows_are_told_too():
    X, y = table("german_credit")
    numbers, _ = parts(X)
    model = fitted(make_column_transformer((StandardScaler(), numbers)), X, y, share=0.4)
    rules = rules_of(model, X[:20], y[:20])
    met = {region.pattern for region in rules}
    others = [p for p in map(tuple, rules.pattern(X).tolist()) if p not in met]
    assert len(others) > 20
    assert_same(model, rules, X)


@pytest.mark.parametrize(
    "name, hidden", [("compas", (200,)), *((name, (64, 32)) for name in NAMES)]
)
def test_every_row_of_the_data_sets_at_99_percent_sparsity(name, hidden):
    """The acceptance test: raw columns in, the network's probabilities out."""
    X, y = table(name, n=10**6)
    numbers, texts = parts(X)
    before = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), texts),
    )
    some = np.arange(0, len(X), max(1, len(X) // 1000))
    model = fitted(before, X.iloc[some], y.iloc[some], hidden=hidden, share=0.01, most=9)
    net = native.read_network(model[-1])
    assert net.n_neurons <= 10
    assert net.n_weights <= 0.01 * sum(w.size for w in net.weights)
    rules = rules_of(model, X, y)
    said = model.predict_proba(X)
    assert np.ptp(said[:, 1]) > 0.01  # not a constant
    np.testing.assert_allclose(rules.predict_proba(X), said, atol=CLOSE)
    assert rules.printed_error <= 1e-3
    assert sum(region.n_rows for region in rules) == len(X)
    share = sum(region.share * region.outcome[1] for region in rules)
    assert share == pytest.approx(y.mean())


def test_a_network_that_l1_made_sparse():
    X, y = table("compas", 1000)
    numbers, texts = parts(X, 6)
    before = make_column_transformer((StandardScaler(), numbers), (ENCODED["one hot"], texts))
    net = SparseMLPClassifier((32,), l1=0.01, max_iter=15, learning_rate_init=0.01, random_state=0)
    model = make_pipeline(before, net).fit(X, y)
    ex = explain(model, X, y)
    assert 0 < ex.regions.network.n_neurons <= 10
    assert_same(model, ex.regions, shaken(X, model))
    assert ex.checks["regions = model"].scope == "1000 of 1000 rows"


@pytest.mark.parametrize("kind", ["float32", "array", "sparse", "polars"])
def test_rows_of_any_kind(kind):
    X, y = table("german_credit")
    X = X[parts(X)[0]]
    rows = X.to_numpy(np.float64)
    if kind == "float32":
        rows = rows.astype(np.float32)
    elif kind == "sparse":
        from scipy import sparse

        rows = sparse.csr_matrix(rows)
    elif kind == "polars":
        rows = pytest.importorskip("polars").from_pandas(X)
    before = StandardScaler(with_mean=kind != "sparse")
    model = fitted(before, rows, y, share=0.5)
    ex = explain(model, rows, y)
    assert ex.checks.get("regions = model") is None
    assert_same(model, ex.regions, rows, 1e-6 if kind == "float32" else CLOSE)
    assert ex.checks["regions = model"].passed


def test_flags_codes_and_marks():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({
        "flag": rng.random(200) < 0.5,
        "code": rng.integers(1, 5, 200),
        "mark": np.where(rng.random(200) < 0.2, -1, rng.integers(0, 50, 200)),
        "both": rng.integers(0, 3, 200),
    })  # fmt: skip
    y = (X["flag"] ^ (X["code"] > 2)).astype(int)
    before = make_column_transformer(
        (StandardScaler(), ["flag"]),
        (OneHotEncoder(handle_unknown="ignore"), ["code"]),
        (make_pipeline(SimpleImputer(missing_values=-1, add_indicator=True), StandardScaler()),
         ["mark"]),
        (OneHotEncoder(handle_unknown="ignore"), ["both"]),
        ("passthrough", ["both"]),
    )  # fmt: skip
    model = fitted(before, X, y, share=0.9)
    rules = rules_of(model, X)
    assert {t.kind for t in rules.terms.terms} >= {"category", "value", "number"}
    for changes in ({}, {"code": 9}, {"both": 7}, {"mark": -1}, {"mark": 10**6}):
        assert_same(model, rules, X.assign(**changes))
    json.dumps(rules.to_dict(), allow_nan=False)
    assert "if mark is -1" in rules.to_text() or "mark (-1: " in rules.to_text()


def test_coefficients_are_in_raw_units():
    X = pd.DataFrame({"age": [20.0, 30.0, 40.0, 60.0], "city": ["a", "b", "c", "a"]})
    before = make_column_transformer(
        (StandardScaler(), ["age"]), (OneHotEncoder(drop="first"), ["city"])
    ).fit(X)
    net = Network(([[2.0], [3.0], [0.0]], [[1.5]]), ([10.0], [0.25]))
    rules = region_rules(net, FeatureMap.of(before, X), X, [1.0, 2.0, 3.0, 4.0])
    region = rules.regions[0]
    scale = before.named_transformers_["standardscaler"].scale_[0]
    assert [(t.kind, t.key) for t in rules.terms.terms] == [("number", None), ("category", 1)]
    np.testing.assert_allclose(region.coefficients[:, 0], [3.0 / scale, 4.5])
    np.testing.assert_allclose(region.constant, [15.25 - 3.0 * X["age"].mean() / scale])
    assert region.outcome.tolist() == [2.5] and region.half_spaces[0].fixed
    frame = rules.to_frame()
    assert frame["term"].tolist() == ["constant", "city is b", "age"] or (
        frame["term"].tolist() == ["constant", "age", "city is b"]
    )
    assert frame["coefficient"].sum() == pytest.approx(
        region.coefficients.sum() + region.constant[0]
    )


@pytest.mark.parametrize(
    "step, name",
    [
        (PowerTransformer(), "powertransformer(age)"),
        (QuantileTransformer(n_quantiles=10), "quantiletransformer(age)"),
        (FunctionTransformer(np.log1p), "log1p(age)"),
        (
            make_pipeline(SimpleImputer(), MinMaxScaler(clip=True)),
            "minmaxscaler(simpleimputer(age))",
        ),
    ],
)
def test_what_cannot_be_undone_is_a_term_under_its_own_name(step, name):
    X = pd.DataFrame({"age": np.arange(1.0, 41.0)})
    model = fitted(step, X, np.arange(40) > 20, share=1.0, most=3)
    rules = rules_of(model, X)
    assert [rules.terms.columns[t.column].name for t in rules.terms.terms] == [name]
    assert f"× {name}" in rules.to_text() or f"× '{name}'" in rules.to_text()
    assert_same(model, rules, X * 2)


# -- what is printed -------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(12,), (9, 6), (6, 5, 4)])
def test_the_text_can_be_run(hidden):
    """A reader of the page, who knows nothing but the page and a row, gets the printed figures."""
    X, y = table("german_credit")
    numbers, texts = parts(X, 6)
    X[numbers] = with_holes(X[numbers])
    scaled = make_pipeline(SimpleImputer(), MinMaxScaler())
    before = make_column_transformer((scaled, numbers), (ENCODED["one hot"], texts))
    model = fitted(before, X, y, hidden=hidden, share=0.12, most=3 * len(hidden))
    rules = rules_of(model, X, y)
    text = rules.to_text(width=10**6, max_regions=999)
    page = Page(text)
    fills = re.search(r"A missing number counts as: (.*)\.", text)[1].split("; ")
    filled = X.fillna({said.split(" ")[0]: float(said.split(" ")[1]) for said in fills})
    rows = filled.astype(dict.fromkeys(texts, object)).to_dict("records")
    found = np.array([page.score(row) for row in rows])
    np.testing.assert_allclose(found, rules.scores(X, printed=True)[:, 0], atol=1e-9)
    off = np.abs(rules.output(X, printed=True)[:, 0] - model.predict_proba(X)).max()
    assert off == pytest.approx(rules.printed_error, abs=1e-9) and 0 < off <= 1e-3
    assert f"off by {off:.2g} at most" in text


def offset_rows(n: int = 300):
    rng = np.random.default_rng(0)
    years = rng.integers(2000, 2024, n)
    X = pd.DataFrame({"year": years, "stamp": 1.7e9 + 1000 * rng.normal(size=n),
                      "age": rng.integers(18, 80, n)})  # fmt: skip
    u = (years - 2012) / 5 + (X["stamp"] - 1.7e9) / 1000
    return X, u + rng.normal(size=n) * 0.3


@pytest.mark.parametrize("columns, most", [(["year", "age"], 8), (["stamp", "age"], 12)])
def test_columns_far_from_zero_get_the_digits_they_need(columns, most):
    """With four digits a time stamp made the page wrong by a whole probability."""
    X, u = offset_rows()
    X, y = X[columns], (u > 0).astype(int).rename("y")
    net = SparseMLPClassifier((3,), max_iter=60, learning_rate_init=0.02, random_state=0)
    model = make_pipeline(StandardScaler(), net).fit(X, y)
    ex = explain(model, X, y)
    rules = ex.regions
    text = rules.to_text(width=10**6)
    page = Page(text)
    scores = np.array([page.score(row) for row in X.to_dict("records")])
    p = 1 / (1 + np.exp(-scores))
    off = np.abs(p - model.predict_proba(X)[:, 1]).max()
    assert off <= 1e-3 and off == pytest.approx(rules.printed_error, abs=1e-6)
    assert 4 < rules.digits <= most and f"Figures have {rules.digits} digits" in text
    check = ex.checks["regions as printed = model"]
    assert check.passed and check.scope == "300 of 300 rows" and f"{off:.2g}" in check.detail
    with_four = replace(rules, digits=4).output(X, printed=True)[:, 0]
    assert np.abs(with_four - model.predict_proba(X)).max() > 0.01
    one_less = replace(rules, digits=rules.digits - 1).output(X, printed=True)[:, 0]
    assert np.abs(one_less - model.predict_proba(X)).max() > 1e-3


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_digits_of_targets_go_by_their_range(scale):
    X, _ = offset_rows()
    net = Network(([[1.0, -0.3], [0.0, 0.7], [0.5, 0.0]], [[2.0], [-1.0]]), ([-2011.0, 8.0], [0.5]))
    rows = X[["year", "age"]].assign(one=1.0).to_numpy(np.float64)
    scaled = replace(net, weights=(net.weights[0], net.weights[1] * scale),
                     biases=(net.biases[0], net.biases[1] * scale))  # fmt: skip
    plain, rules = rules_for(net, rows), rules_for(scaled, rows)
    assert rules.digits == plain.digits
    assert rules.printed_error <= 1e-3 * np.ptp(rules.output(rows))


def test_what_is_printed_badly_fails_visibly(monkeypatch):
    X, y = offset_rows()[0], offset_rows()[1] > 0
    net = SparseMLPClassifier((3,), max_iter=60, learning_rate_init=0.02, random_state=0)
    model = make_pipeline(StandardScaler(), net).fit(X, y)
    monkeypatch.setattr("treeprune.explain.regions.MOST_DIGITS", 4)
    ex = explain(model, X, y)
    check = (ex.regions, ex.checks["regions as printed = model"])[1]
    assert not check.passed and "allowed is 0.001" in check.detail
    assert "regions as printed = model: FAILED" in ex.to_text(n_rows=1)


def test_rows_are_grouped_as_they_are_told_apart_one_by_one():
    rng = np.random.default_rng(0)
    for sizes in ((3,), (9,), (4, 5), (40, 30)):
        widths = [4, *sizes, 1]
        net = Network([rng.normal(size=pair) for pair in pairwise(widths)],
                      [rng.normal(size=n) for n in widths[1:]])  # fmt: skip
        rows = rng.normal(size=(80, 4))
        groups = Piecewise(net, np.eye(4), np.zeros(4)).groups(rows)
        assert sorted(np.concatenate(list(groups.values())).tolist()) == list(range(80))
        for pattern, own in groups.items():
            assert own.tolist() == sorted(own.tolist())
            assert {naive_regions.forward(net, z)[2] for z in rows[own]} == {pattern}


class Page:
    """A page of regions, read by its own words."""

    def __init__(self, text: str) -> None:
        self.sums, self.regions = {}, []
        for line in text.splitlines():
            if re.match(r"S\d+ = ", line):
                name, _, said = line.partition(" = ")
                self.sums[name] = said
            elif line.startswith("  applies when "):
                self.regions.append([line.removeprefix("  applies when ").split("; "), None])
            elif line.startswith("  log-odds of (y = 1) = "):
                self.regions[-1][1] = line.partition(") = ")[2]

    def score(self, row) -> float:
        inside = [said for asked, said in self.regions if all(self.holds(a, row) for a in asked)]
        assert len(inside) == 1, f"{len(inside)} regions take the row {row}"
        return self.add(inside[0], row)

    def holds(self, said: str, row) -> bool:
        """A condition in words, or an inequality of sums."""
        if said == "always":
            return True
        said = said.removesuffix(" or missing").removesuffix(" and not missing")  # it is filled
        found = re.fullmatch(r"(.*) (>|<=) (-?[\d.]+)", said)
        if found:
            left, sign, limit = found.groups()
            between = re.fullmatch(r"(-?[\d.]+) < (\w+)", left)
            if between:
                return float(between[1]) < row[between[2]] <= float(limit)
            value = row[left] if left in row else self.add(self.sums.get(left, left), row)
            return value > float(limit) if sign == ">" else value <= float(limit)
        name, word, what = re.fullmatch(r"(\w+) (is not|is|not in|in) (.*)", said).groups()
        what = what.removesuffix(" or not seen at fit")
        names = re.findall(r"'[^']*'|[^,{}]+", what) if "{" in what else [what]
        inside = row[name] in {n.strip().strip("'") for n in names if n.strip()}
        return inside != ("not" in word)

    def add(self, said: str, row) -> float:
        total = 0.0
        for sign, part in self.addends(said):
            figure, times, name = part.partition(" × ")
            listed = re.fullmatch(r"(\w+) \((.*)\)", part)
            if times:
                said = self.sums.get(name)
                total += sign * float(figure) * (row[name] if said is None else self.add(said, row))
            elif " if " in part:
                figure, _, asked = part.partition(" if ")
                total += sign * float(figure) * self.holds(asked, row)
            elif listed:
                for one in listed[2].split("; "):
                    what, _, figure = one.rpartition(": ")
                    word = "" if re.match(r"(not|in) ", what) else "is "
                    total += sign * float(figure) * self.holds(f"{listed[1]} {word}{what}", row)
            else:
                total += sign * float(part)
        return total

    @staticmethod
    def addends(said: str):
        tokens = re.split(r" ([+-]) (?=[\d]|\w+ \()", f" + {said.removeprefix('-')}")
        first = -1.0 if said.startswith("-") else 1.0
        for k in range(1, len(tokens), 2):
            yield (first if k == 1 else 1.0) * (-1.0 if tokens[k] == "-" else 1.0), tokens[k + 1]


def test_hostile_names_stay_words():
    names = ["a\nb", "Größe", "1 + 2 × x", "'; DROP TABLE x", "x if y", "", "S1", "-z", "−z\u202e"]
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, len(names))), columns=names)
    X["job"] = rng.choice(["a: 5; b", "x + 3 × age", "\x1b[31mred", "no"], 60)
    y = pd.Series(np.where(rng.random(60) < 0.5, "\x1b[1mbad", "ok"), name="y\r\nz")
    before = make_column_transformer(
        (StandardScaler(), names), (OneHotEncoder(sparse_output=False), ["job"])
    )
    ex = explain(fitted(before, X, y, share=0.9), X, y)
    text = ex.regions.to_text()
    assert all(c.isprintable() or c == "\n" for c in text)
    for said in ("a\\nb", "Größe", "× '1 + 2 × x'", "× 'x if y'", "× ''", "× S1", "× '-z'"):
        assert said in text
    assert "SS1 = " in text and "\nS1 = " not in text
    for said in ("'a: 5; b'", "'x + 3 × age'", "\\x1b[31mred", "'no'"):
        assert said in text
    again = explain(ex.view.answers.model, X, y).regions
    assert text == again.to_text()
    json.dumps(ex.regions.to_dict(), allow_nan=False)
    assert "regions = model: passed" in ex.to_text()


def test_the_page_is_kept_short():
    X, y = load_iris(return_X_y=True, as_frame=True)
    rules = rules_of(fitted(StandardScaler(), X, y, hidden=(6,), share=1.0, most=6), X, y)
    assert len(rules) > 4
    text = rules.to_text(max_regions=2)
    assert text.count("applies when") == 2 and f"Region 2 of {len(rules)}" in text
    assert max(map(len, rules.to_text(width=80).splitlines())) <= 80
    assert text.count("score of (y = 0) = ") == 2 and "exp(its score)" in text
    with pytest.raises(ValueError, match="at least 1"):
        rules.to_text(max_regions=0)
    with pytest.raises(ValueError, match="one state for each of 6"):
        rules.region([True])
    labels = rules.predict(X)
    assert np.array_equal(labels, rules.classes[0][rules.predict_proba(X).argmax(axis=1)])


# -- explain ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def credit():
    X, y = table("german_credit", 150)
    y = y.map({0: "good", 1: "bad"})
    numbers, texts = parts(X, 6)
    before = make_column_transformer((StandardScaler(), numbers), (ENCODED["one hot"], texts))
    return X, y, fitted(before, X, y, share=0.1, most=4, epochs=20)


def test_explain_says_the_log_odds_of_the_adverse_class(credit):
    X, y, model = credit
    by_decision = {}
    for adverse in ("bad", "good"):
        ex = explain(model, X, y, decision=Decision(adverse, cutoff=0.3))
        rules, k = ex.regions, list(model.classes_).index(adverse)
        assert f"log-odds of {adverse} = " in rules.to_text()
        p = model.predict_proba(X)[:, k]
        np.testing.assert_allclose(rules.scores(X)[:, 0], np.log(p / (1 - p)), atol=1e-8)
        np.testing.assert_allclose(rules.predict_proba(X), model.predict_proba(X), atol=CLOSE)
        assert np.array_equal(rules.predict(X), model.predict(X))
        by_decision[adverse] = rules.regions[0].coefficients
    np.testing.assert_array_equal(by_decision["bad"], -by_decision["good"])


def test_explain_shows_regions_surrogate_and_scorecard(credit):
    X, y, model = credit
    ex = explain(model, X, y)
    page = ex.to_text(n_rows=1)
    assert f"The network is exactly {len(ex.regions)} linear scores" in page
    assert "regions = model: passed, 150 of 150 rows" in page
    assert ex.regions is ex.regions
    card = ex.scorecard()
    for fidelity in (ex.fidelity, card.fidelity):
        assert 0 < fidelity.r2 < 1 and fidelity.task.name == "roc_auc"
        assert 0.5 < fidelity.task.surrogate < 1


def test_regions_that_are_not_the_model_are_refused_and_shown(credit):
    X, y, model = credit
    ex = explain(model, X, y)
    model[-1].intercepts_[-1] += 1e-3
    try:
        with pytest.raises(CheckFailedError, match="first differs in row 0"):
            ex.regions  # noqa: B018
        assert not ex.checks["regions = model"].passed
        page = ex.to_text(n_rows=1)
        assert "regions = model: FAILED" in page and "REGIONS" not in page
    finally:
        model[-1].intercepts_[-1] -= 1e-3


def test_models_without_regions_say_why():
    X, y = load_iris(return_X_y=True, as_frame=True)
    net = fitted(StandardScaler(), X, y, hidden=(14,), share=1.0, most=14)
    ex = explain(net, X, y)
    with pytest.raises(ValueError, match=r"14 live hidden neurons.*at most 10.*prune it further, "
                       r"or use ex\.rules, a surrogate \(R²"):  # fmt: skip
        ex.regions  # noqa: B018
    assert "REGIONS" not in ex.to_text()
    smooth = MLPClassifier((3,), activation="tanh", max_iter=500, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="tanh, which is nowhere linear"):
        explain(smooth, X, y).regions  # noqa: B018
    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"or a linear model; use ex\.rules, which are the model"):
        explain(tree, X, y).regions  # noqa: B018
    forest = RandomForestClassifier(20, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"or a linear model; use ex\.rules, a surrogate"):
        explain(forest, X, y, most_cells=64).regions  # noqa: B018


def test_several_targets_have_regions_without_rules():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(100, 3)), columns=list("abc"))
    Y = pd.DataFrame({"u": X["a"] ** 2, "v": X["b"]})
    model = fitted(StandardScaler(), X, Y, share=1.0, most=5, regress=True)
    ex = explain(model, X, Y)
    assert ex.regions.target == ("u", "v") and ex.regions.predict(X).shape == (100, 2)
    assert "mean u " in ex.regions.to_text() and "  v = " in ex.regions.to_text()
    with pytest.raises(ValueError, match="predict a number"):
        ex.regions.predict_proba(X)


def test_categories_that_the_model_refuses_are_refused():
    X, y = table("german_credit")
    before = make_column_transformer((OneHotEncoder(), ["purpose", "job"]))
    model = fitted(before, X, y, share=1.0, most=3)
    rules = rules_of(model, X)
    for value in ("never seen", None):
        wrong = X[:2].assign(job=pd.Series([X["job"][0], value], dtype=object))
        with pytest.raises(ValueError):  # noqa: PT011
            model.predict(wrong)
        with pytest.raises(ValueError, match="row 1 misses a value of 'job', or has one"):
            rules.predict(wrong)


def test_missing_values_that_the_model_tells_apart_are_not_guessed():
    X = pd.DataFrame({"job": pd.Series(["a", "b", None, np.nan] * 20, dtype=object)})
    before = make_column_transformer((OneHotEncoder(sparse_output=False), ["job"]))
    model = fitted(before, X, np.arange(80) % 2, share=1.0, most=3)
    ex = explain(model, X)
    with pytest.raises(ValueError, match="None and NaN, which the model tells apart"):
        ex.regions  # noqa: B018
    assert "REGIONS" not in ex.to_text()


def test_rows_that_the_model_refuses_are_refused(credit):
    X, y, model = credit
    rules = rules_of(model, X, y)
    used = rules.terms.columns[rules.terms.terms[0].column].name
    number = next(t for t in rules.terms.terms if t.is_number)
    hole = X[:3].assign(**{rules.terms.columns[number.column].name: np.nan})
    for wrong in (hole, X[:3].drop(columns=used)):
        with pytest.raises(ValueError):  # noqa: PT011
            model.predict(wrong)
        with pytest.raises(ValueError, match=r"misses a value|is missing|lack"):
            rules.predict(wrong)
