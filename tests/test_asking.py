"""Questions asked together are answered as each by itself; and so quickly that none counts."""

from __future__ import annotations

import contextlib
import itertools
import warnings

import naive_features as naive
import numpy as np
import pandas as pd
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier
from test_features import assert_explains

from treeprune import datasets, native
from treeprune.explain import sources
from treeprune.explain.asking import ask_together, last_trues_together
from treeprune.explain.features import CategoryAnswers, FeatureMap
from treeprune.explain.limits import last_trues
from treeprune.explain.sources import Link, Source, ask


def fitted(before, X, y=None, n_leaves=16):
    """A pipeline with a tree; None where scikit-learn itself refuses to fit it."""
    y = strategies.targets(pd.DataFrame(X), 1, n_classes=3) if y is None else y
    tree = DecisionTreeClassifier(max_leaf_nodes=n_leaves, random_state=0)
    model = make_pipeline(clone(before), tree)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return model.fit(X, y)
        except (ValueError, TypeError):
            return None


def left_of(feature_map, splits) -> dict:
    """Conditions; none where None and NaN are told apart."""
    if any(len(source.missing) > 1 for source in feature_map.sources):
        with contextlib.suppress(ValueError):
            return feature_map.left(splits)
        return {}
    return feature_map.left(splits)


def assert_as_alone(model, X) -> FeatureMap:
    """What the map says of every column and every split, asked value by value."""
    feature_map, splits = FeatureMap.of(model[:-1], X), native.splits(model[-1])
    memo: dict = {}
    for i, about in enumerate(feature_map.columns[: feature_map.n_raw]):
        own = [s for s in feature_map.sources if s.raw == (i,) and s.kind != "derived"]
        found = about.refuses_missing, about.refuses_unseen, about.written
        assert found == naive.column(about, own, any(s.is_flag for s in own), memo), about
    for node, condition in left_of(feature_map, splits).items():
        about = feature_map.columns[condition.column]
        source = feature_map.sources[splits.feature[node]]
        if about.kind == "category":
            tables = [s for s in feature_map.sources if s.raw == source.raw]
            found = condition.allowed, condition.missing, condition.unseen
            assert found == naive.category_condition(about, tables, source, splits, node, memo)
        elif about.kind == "number":
            assert_ends_are_exact(about, source, splits, node, condition, memo)
    return feature_map


def assert_ends_are_exact(about, source, splits, node, condition, memo) -> None:
    """Each end of an interval, and the float above it, goes where the condition says."""
    hole = naive.told(source, np.nan, memo)
    if hole is naive.REFUSED:
        assert about.refuses_missing and not condition.missing
    else:
        assert condition.missing == naive.goes_left(splits, node, hole)
    for value in naive.number_values(condition, source):
        z = naive.told(source, value, memo)
        if z is not naive.REFUSED:
            met = bool(condition.meets(np.array([value]))[0])
            assert naive.goes_left(splits, node, z) == met, (condition, value, z)


# --- the law, over encoders, settings and types --------------------------------------------------


def frame(hole=None, n=60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    job = rng.choice(["a", "b", "c", "rare"], n, p=[0.4, 0.3, 0.25, 0.05]).astype(object)
    town = rng.choice(["Ulm", "Bonn"], n).astype(object)
    town[rng.random(n) < 0.2] = hole
    age = rng.integers(18, 80, n).astype(float)
    age[rng.random(n) < 0.1] = np.nan
    columns = {
        "job": pd.Series(job, dtype=object),
        "town": pd.Series(town, dtype=object),
        "grade": rng.choice([1, 2, 5], n),
        "age": age,
        "owns": rng.random(n) < 0.5,
    }
    return pd.DataFrame(columns)


PLAIN = frame()
BOTH = PLAIN.assign(job=PLAIN.job.where(PLAIN.index % 9 > 0, np.nan))
BOTH.loc[::7, "town"] = np.nan
FRAMES = {
    "None": PLAIN,
    "NaN": frame(np.nan),
    "None and NaN": BOTH,
    "nothing missing": frame("Rom"),
    "category": PLAIN.astype({"job": "category", "town": "category", "grade": "category"}),
    "string": PLAIN.astype({"job": "string", "town": "string"}),
    "str": PLAIN.astype({"job": "str", "town": "str"}),
    "boolean": PLAIN.astype({"owns": "boolean", "grade": "Int64", "age": "Float64"}),
    "float32": PLAIN.astype({"age": "float32", "grade": "float32"}),
}
TEXTS, NUMBERS = ["job", "town"], ["grade", "age"]
each_frame = pytest.mark.parametrize("kind", FRAMES)


def one_hots():
    unknown = ["error", "ignore", "infrequent_if_exist", "warn"]
    settings = itertools.product(unknown, [None, "first", "if_binary"], [None, 5])
    for i, (unknown, drop, rare) in enumerate(settings):
        yield OneHotEncoder(
            handle_unknown=unknown, drop=drop, min_frequency=rare, sparse_output=i % 3 > 0
        )


ENCODERS = [
    OneHotEncoder(),
    OneHotEncoder(handle_unknown="ignore"),
    OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=2),
    OrdinalEncoder(),
    OrdinalEncoder(encoded_missing_value=-3, min_frequency=5),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan),
    TargetEncoder(cv=2),
]


@pytest.mark.parametrize("encoder", list(one_hots()), ids=str)
def test_every_setting_of_the_one_hot_encoder(encoder):
    for kind in ("None", "category"):
        model = fitted(make_column_transformer((encoder, [*TEXTS, "grade", "owns"])), FRAMES[kind])
        assert_as_alone(model, FRAMES[kind])


@each_frame
@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
def test_encoders_on_every_type(encoder, kind):
    X = FRAMES[kind]
    model = fitted(make_column_transformer((encoder, [*TEXTS, *NUMBERS, "owns"])), X)
    if model is not None:
        assert_as_alone(model, X)


@pytest.mark.parametrize("kind", ["None", "category"])
@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
def test_encoders_before_scalers(encoder, kind):
    X = FRAMES[kind]
    scaled = make_pipeline(encoder, StandardScaler(with_mean=False))
    model = fitted(make_column_transformer((scaled, TEXTS), (MaxAbsScaler(), NUMBERS)), X)
    assert_as_alone(model, X)


@pytest.mark.parametrize("kind", ["None", "NaN", "None and NaN", "category", "str"])
def test_imputers_before_encoders(kind):
    X, n = FRAMES[kind], 0
    for encoder, mark in itertools.product([ENCODERS[1], *ENCODERS[3:5]], (np.nan, None, "rare")):
        fill = SimpleImputer(
            missing_values=mark, strategy="most_frequent", add_indicator=encoder is ENCODERS[1]
        )
        model = fitted(make_column_transformer((make_pipeline(fill, encoder), TEXTS)), X)
        if model is not None:
            assert_as_alone(model, X)
            n += 1
    assert n >= 3


NUMERIC = {
    "standard": StandardScaler(),
    "min-max, clipped": MinMaxScaler(clip=True),
    "power": PowerTransformer(),
    "box-cox": make_pipeline(SimpleImputer(), PowerTransformer("box-cox")),
    "quantile": QuantileTransformer(n_quantiles=9),
    "imputed, scaled": make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()),
    "imputed 5": make_pipeline(SimpleImputer(missing_values=5), StandardScaler()),
    "indicator": make_union(SimpleImputer(), MissingIndicator()),
    "bins": make_pipeline(SimpleImputer(), KBinsDiscretizer(3, **strategies.QUANTILES)),
    "bins, refusing": KBinsDiscretizer(3, encode="ordinal", strategy="uniform"),
    "bins, encoded": make_pipeline(
        SimpleImputer(),
        KBinsDiscretizer(3, encode="ordinal", strategy="uniform"),
        OneHotEncoder(handle_unknown="ignore"),
    ),
    "scaled bins": make_pipeline(
        SimpleImputer(), StandardScaler(), KBinsDiscretizer(4, strategy="uniform")
    ),
    "nothing": FunctionTransformer(),
    "absolute": FunctionTransformer(np.abs),
}


@pytest.mark.parametrize("kind", ["None", "float32", "boolean"])
@pytest.mark.parametrize("name", NUMERIC)
def test_numbers(name, kind):
    X, columns = FRAMES[kind], NUMBERS
    if "refusing" in name or "5" in name:
        columns = ["grade"]
    encoded = [*TEXTS, "owns"] + ["grade"] * (name in ("standard", "bins"))  # read both ways
    one_hot = (OneHotEncoder(handle_unknown="ignore"), encoded)
    model = fitted(make_column_transformer((NUMERIC[name], columns), one_hot), X)
    if model is None:
        assert kind == "boolean" and name in ("bins, refusing", "nothing", "absolute")
        return
    assert_as_alone(model, X)


@pytest.mark.parametrize("kind", ["polars", "objects", "numbers", "float32"])
def test_tables_that_are_no_pandas_frames(kind):
    pl = pytest.importorskip("polars")
    X = {
        "polars": pl.DataFrame({name: PLAIN[name].tolist() for name in PLAIN}, strict=False),
        "objects": FRAMES["nothing missing"][["job", "town", "grade"]].to_numpy(object),
        "numbers": PLAIN[["grade", "age"]].to_numpy(),
        "float32": PLAIN[["grade", "age"]].to_numpy(np.float32),
    }[kind]
    y = strategies.targets(PLAIN, 1, n_classes=3)
    if kind == "polars":  # to the encoder, which is given a table of objects, all are objects
        scaled = (StandardScaler(), ["age"])
        encoded = [(e, columns) for columns in (TEXTS, [*TEXTS, "grade"]) for e in ENCODERS]
        parts = [make_column_transformer(part, scaled) for part in encoded]
        parts.append(clone(parts[0]).set_params(onehotencoder__sparse_output=False))
        parts[-1].set_output(transform="polars")
    else:
        parts = [*ENCODERS]
        parts += [] if kind == "objects" else [StandardScaler(), make_pipeline(*parts[3:4])]
    models = [model for before in parts if (model := fitted(before, X, y)) is not None]
    assert len(models) > 5
    for model in models:
        assert_as_alone(model, X)


@settings(max_examples=25)
@given(st.data())
def test_any_pipeline(data):
    X = data.draw(strategies.mixed_frames(max_rows=30))
    model = data.draw(strategies.pipelines(X))
    y = strategies.targets(X, data.draw(st.integers(0, 99)), n_classes=3)
    assert_as_alone(strategies.fit_or_reject(model, X, y), X)


def test_german_credit_is_told_as_value_by_value():
    data = datasets.load_german_credit()
    X, y = data.data, data.target
    texts = [name for name in X if X[name].dtype.name == "category"]
    before = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), texts), remainder=StandardScaler()
    )
    tree = DecisionTreeClassifier(min_samples_leaf=20, random_state=0)
    feature_map = assert_as_alone(make_pipeline(before, tree).fit(X, y), X)
    assert sum(column.kind == "category" for column in feature_map.columns) == len(texts) == 13


# --- single cases --------------------------------------------------------------------------------


def test_values_below_and_beside_each_other():
    scale = MaxAbsScaler().fit([[2.0, 10.0]])
    first, second = Link(scale, 0, 0), Link(scale, 1, 1)
    values = [np.array([1.0, 4.0]), np.array([5.0]), np.array([2.0])]
    asked = ask([(first, values[0]), (second, values[1]), (first, values[2])])
    assert [a.rows for a in asked] == [slice(0, 2), slice(0, 1), slice(2, 3)]
    found = [a.of(x).tolist() for a, x in zip(asked, (first, second, first), strict=True)]
    assert found == [[0.5, 2.0], [0.5], [1.0]]


def refusing(X) -> list[tuple[bool, bool]]:
    model = make_column_transformer((OneHotEncoder(), list(X))).fit(X)
    columns = FeatureMap.of(model, X).columns
    return [(column.refuses_missing, column.refuses_unseen) for column in columns]


def test_what_one_column_refuses_is_not_held_against_the_others():
    X = pd.DataFrame({"a": ["x", "y"], "b": ["x", None], "c": ["x", "z"]}, dtype=object)
    assert refusing(X) == [(True, True), (False, True), (True, True)]
    before = make_column_transformer(
        (OneHotEncoder(), ["a"]), (OneHotEncoder(handle_unknown="ignore"), ["b", "c"])
    ).fit(X)
    columns = FeatureMap.of(before, X).columns
    assert [c.refuses_unseen for c in columns] == [True, False, False]


def test_none_and_nan_stay_apart_beside_texts():
    """pandas would take the column for texts, among which None is NaN."""
    X = pd.DataFrame({"a": ["x", None, "y"], "b": ["x", np.nan, "y"]}, dtype=object)
    encode = OneHotEncoder(handle_unknown="ignore").fit(X)
    columns = FeatureMap.of(encode, X).columns
    assert [column.written for column in columns] == ["None", "NaN"]
    texts = np.array(["x", "y", None, np.nan], dtype=object)
    (answer,) = ask([(Link(encode, 0, 2), texts)])
    assert answer.of(Link(encode, 0, 2)).tolist() == [0.0, 0.0, 1.0, 0.0]


def test_numbers_that_come_as_objects_beside_texts():
    """A neutral value is of the type that the encoder was fitted on, or it refuses everything."""
    X = PLAIN[["job", "grade", "owns"]].astype(object)
    for encoder in ENCODERS[:6]:
        before = make_column_transformer((encoder, list(X)))
        for n_leaves in (2, 16):
            model = fitted(before, X, n_leaves=n_leaves)
            assert_as_alone(model, X)
            rules = assert_explains(model, X)
            assert (len(rules.used) > 1) == (n_leaves > 2)
        if encoder.handle_unknown == "ignore":
            assert not any(column.refuses_missing for column in rules.columns)


class ByName(OneHotEncoder):
    """An encoder that must be given a frame."""

    def transform(self, X):
        return super().transform(X[list(self.feature_names_in_)])


def test_what_a_subclass_does_with_a_frame_is_left_to_it():
    for X in (PLAIN, PLAIN.assign(grade=PLAIN.grade.astype("category"))):
        for columns in (TEXTS, [*TEXTS, "grade"]):
            model = fitted(make_column_transformer((ByName(handle_unknown="ignore"), columns)), X)
            assert_as_alone(model, X)


def test_a_refusal_is_raised_when_its_answer_is_asked_for():
    encode = OneHotEncoder().fit([["a"], ["b"]])
    source = Source((0,), "table", "x0", (Link(encode, 0, 1),))
    known, new = (np.array([text], dtype=object) for text in "bc")
    memo: dict = {}
    ask_together([(source, known), (source, new)], memo)
    assert source.forward(known, memo).tolist() == [1.0]
    for _ in range(2):
        with pytest.raises(ValueError, match="unknown categories"):
            source.forward(new, memo)
    assert len(memo) == 2


def test_a_wide_sparse_output_is_read_as_it_is(monkeypatch):
    model = fitted(make_column_transformer((ENCODERS[1], TEXTS)), PLAIN)
    expected = FeatureMap.of(model[:-1], PLAIN).left(native.splits(model[-1]))
    monkeypatch.setattr(sources, "_FEW_CELLS", 0)
    assert_as_alone(model, PLAIN)
    assert FeatureMap.of(model[:-1], PLAIN).left(native.splits(model[-1])) == expected


def test_nothing_is_asked_of_nothing():
    memo: dict = {}
    ask_together([], memo)
    ask_together([(Source((0,), "same", "x0"), np.array([1.0]))], memo)
    assert memo == {} and last_trues_together([]) == []


def at_most(ends):
    return lambda z, which: z <= ends[which]


def one_search(source, passes, n):
    return last_trues(lambda x, which: passes(source.forward_numbers(x), which), n, source.lowest)


def test_searches_of_several_columns_are_as_each_by_itself():
    X = PLAIN[NUMBERS].fillna(30.0)
    for scale in (StandardScaler(), PowerTransformer(), PowerTransformer("box-cox")):
        scale.fit(X)
        way = [Source((k,), "number", n, (Link(scale, k, k),)) for k, n in enumerate(NUMBERS)]
        ends = [np.array([-0.5, 0.1, 99.0]), np.array([0.2])]
        tests = [(s, at_most(own), len(own)) for s, own in zip(way, ends, strict=True)]
        for found, (source, passes, n) in zip(last_trues_together(tests), tests, strict=True):
            assert found.tolist() == one_search(source, passes, n).tolist()


def test_a_value_taken_for_a_missing_one_is_no_end_of_a_search():
    """It becomes 100, which is an exception to what is searched."""
    fill = SimpleImputer(missing_values=5.0).fit([[5.0], [100.0]])
    source = Source((0,), "number", "x0", (Link(fill, 0, 0),), special=(5.0,))
    ends = np.array([4.0, 5.0, 6.0])
    (found,) = last_trues_together([(source, at_most(ends), 3)])
    assert found.tolist() == ends.tolist()


def test_answers_follow_a_transformer_that_is_fitted_again_in_place():
    """Nothing is remembered from one call to the next."""
    X = PLAIN[["grade"]]
    model = make_pipeline(MaxAbsScaler(), DecisionTreeClassifier(max_depth=1, random_state=0))
    model.fit(X, X.grade > 2)
    feature_map, splits = FeatureMap.of(model[:-1], X), native.splits(model[-1])
    before = feature_map.left(splits)[0].intervals[0][1]
    model[0].fit(10 * X)
    after = feature_map.left(splits)[0].intervals[0][1]
    assert (before, after) == (pytest.approx(3.5), pytest.approx(35))


# --- how often transformers are asked ------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch):
    """Names of the transformers asked, in order."""
    made: list[str] = []
    for transformer in (OneHotEncoder, StandardScaler, SimpleImputer, KBinsDiscretizer):
        transform = transformer.transform

        def counted(self, *args, transform=transform, **kwargs):
            made.append(type(self).__name__)
            return transform(self, *args, **kwargs)

        monkeypatch.setattr(transformer, "transform", counted)
    return made


def many(n, unknown="ignore"):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"c{i}": rng.choice(["a", "b", "c"], 200) for i in range(n)})
    X = X.assign(**{f"n{i}": rng.normal(size=200) for i in range(n)})
    texts = [name for name in X if name[0] == "c"]
    before = make_column_transformer(
        (make_pipeline(OneHotEncoder(handle_unknown=unknown)), texts),
        remainder=make_pipeline(SimpleImputer(), StandardScaler()),
    )
    tree = DecisionTreeClassifier(min_samples_leaf=3, random_state=0)
    return make_pipeline(before, tree).fit(X, rng.integers(0, 2, 200)), X


@pytest.mark.parametrize("n", [2, 12])
def test_columns_are_asked_about_together(calls, n):
    model, X = many(n)
    calls.clear()
    feature_map = FeatureMap.of(model[:-1], X)
    assert calls.count("OneHotEncoder") <= 3 and len(calls) <= 9
    calls.clear()
    feature_map.left(native.splits(model[-1]))
    assert calls.count("OneHotEncoder") == 1
    assert calls.count("StandardScaler") == calls.count("SimpleImputer") < 25


def test_what_is_refused_is_asked_once_a_column(calls):
    n = 12
    model, X = many(n, unknown="error")
    calls.clear()
    feature_map = FeatureMap.of(model[:-1], X)
    assert all(c.refuses_missing and c.refuses_unseen for c in feature_map.columns[:n])
    assert calls.count("OneHotEncoder") <= 3 * n + 6
    calls.clear()
    feature_map.left(native.splits(model[-1]))
    assert calls.count("OneHotEncoder") == 1


def test_what_none_refuses_is_not_asked_of_each(calls):
    n = 12
    X = pd.DataFrame({f"c{i}": ["a", "b", None] for i in range(n)}, dtype=object)
    encode = OneHotEncoder().fit(X)
    columns = FeatureMap.of(encode, X).columns
    found = {(c.refuses_missing, c.refuses_unseen, c.written) for c in columns}
    assert found == {(False, True, "None")}
    # All; None in all columns; NaN in all and in each; a new text in all and in each; a row twice.
    assert len(calls) <= 2 * n + 6


def test_categories_of_one_column_are_asked_about_in_one_table(calls):
    model, X = many(2)
    feature_map = FeatureMap.of(model[:-1], X)
    tables = [s for s in feature_map.sources if s.raw == (0,)]
    calls.clear()
    asked = CategoryAnswers(feature_map.columns[0], tables)
    for source in tables:
        known, missing, unseen = asked.of(source)
        assert (len(known), len(missing), len(unseen)) == (3, 1, 1)
    assert calls == ["OneHotEncoder"]
