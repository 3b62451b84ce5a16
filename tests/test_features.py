"""FeatureMap: what goes left at a split is told exactly in raw columns, whatever stands before."""

from __future__ import annotations

import warnings

import laws
import numpy as np
import pandas as pd
import pytest
import sklearn
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_selection import (
    RFE,
    SelectFromModel,
    SelectKBest,
    VarianceThreshold,
)
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier

from treeprune import native
from treeprune.explain.features import FeatureMap, raw_values
from treeprune.explain.leaves import limit_texts, tree_rules
from treeprune.explain.rules import RuleSet
from treeprune.explain.split_conditions import goes_left
from treeprune.trees import Splits

HUGE = (1e30, -1e30, 3e38, -3e38)


def as_is(raw):
    return raw


def rules_of(model, X) -> RuleSet:
    """Rules of a pipeline (or tree), straight from the pieces."""
    before = model[:-1] if hasattr(model, "steps") else None
    tree = model[-1] if hasattr(model, "steps") else model
    feature_map = FeatureMap.of(before, X)
    rules = tree_rules(native.read(tree), native.splits(tree), feature_map, as_is)
    classes = tree.classes_ if isinstance(tree.classes_, list) else [tree.classes_]
    texts = limit_texts(rules, feature_map.values(X))
    return RuleSet(feature_map.columns, rules, tuple(classes), feature_map, texts=texts)


def assert_splits_agree(model, rules: RuleSet, X, left=None) -> None:
    """Every split sends every row where its condition on the raw column says."""
    splits = native.splits(model[-1] if hasattr(model, "steps") else model)
    Z = rules.feature_map.model_matrix(X)
    values = rules.feature_map.values(X, Z)
    left = rules.feature_map.left(splits) if left is None else left
    for node, condition in left.items():
        expected = goes_left(splits, node, Z[:, splits.feature[node]])
        found = condition.meets(values[condition.column])
        if not np.array_equal(expected, found):
            row = int(np.argmax(expected != found))
            column = rules.columns[condition.column]
            raise AssertionError(
                f"{column}: {condition} says {found[row]} of {values[condition.column][row]!r}"
            )


def assert_explains(model, X, probes=True) -> RuleSet:
    """All that rules claim, on the rows and on rows made to break them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # unknown categories
        rules = rules_of(model, X)
        left = rules.feature_map.left(
            native.splits(model[-1] if hasattr(model, "steps") else model)
        )
        assert_splits_agree(model, rules, X, left)
        assert (rules.match(X) >= 0).all()
        np.testing.assert_array_equal(rules.predict_proba(X), model.predict_proba(X))
        np.testing.assert_array_equal(rules.match(X, printed=True), rules.match(X))
        if probes and isinstance(X, pd.DataFrame):
            read = {i for source in rules.feature_map.sources for i in source.raw}
            for name in (rules.columns[i].name for i in sorted(read)):
                name = next(own for own in X.columns if str(own) == name)
                assert_holds_beyond(model, rules, X, name, left)
    return rules


def assert_holds_beyond(model, rules: RuleSet, X: pd.DataFrame, name, left) -> None:
    """One column takes odd values: what the model takes, the rules tell; what it refuses, too."""
    position = [column.name for column in rules.columns].index(str(name))
    column = rules.columns[position]
    limits = [
        limit
        for condition in left.values()
        if condition.column == position and hasattr(condition, "intervals")
        for interval in condition.intervals
        for limit in interval
        if np.isfinite(limit)
    ]
    odd = odd_values(X[name], sorted(set(limits)))
    if not len(odd):
        return
    rows = X.iloc[np.zeros(len(odd), int)].reset_index(drop=True)
    rows[name] = odd
    taken = accepted(model, rows)
    rows = rows[taken].reset_index(drop=True)
    if len(rows):
        assert_splits_agree(model, rules, rows, left)
        np.testing.assert_array_equal(rules.predict_proba(rows), model.predict_proba(rows))
    if column.refuses_missing:  # else rules might not know a row that the model takes
        assert not taken[odd.isna().to_numpy()].any()


def accepted(model, rows: pd.DataFrame) -> np.ndarray:
    """Which rows the model takes at all."""

    def takes(some) -> bool:
        try:
            model.predict(some)
        except (ValueError, TypeError):
            return False
        return True

    out = np.ones(len(rows), bool)
    waiting = [np.arange(len(rows))]
    while waiting:  # halves of what is refused, down to single rows
        some = waiting.pop()
        if len(some) and not takes(rows.iloc[some]):
            if len(some) == 1:
                out[some] = False
            else:
                waiting += np.array_split(some, 2)
    return out


def odd_values(series: pd.Series, limits: list[float]) -> pd.Series:
    """Values around the limits, missing, unseen, huge: what the dtype of the column can hold."""
    dtype = series.dtype
    if dtype.name == "bool" or dtype == "boolean":
        return pd.Series([True, False] + ([pd.NA] if dtype.name != "bool" else []), dtype=dtype)
    if not pd.api.types.is_numeric_dtype(dtype):
        holes = series[series.isna()]
        hole = holes.iloc[0] if len(holes) else None if dtype.name == "object" else np.nan
        unseen = ["never seen", 3] if dtype.name == "object" else ["never seen"]
        values = [*series.dropna().unique(), *unseen, hole]
        return pd.Series(values, dtype=dtype if dtype != "category" else None).astype(dtype.name)
    single = dtype == "float32" or getattr(dtype, "numpy_dtype", None) == np.float32
    number = np.float32 if single else np.float64
    around = [number(limit) for limit in limits[:8]]
    values = [v for a in around for v in (np.nextafter(a, number(-np.inf)), a)]
    values += [np.nextafter(a, number(np.inf)) for a in around]
    values += [number(v) for v in (0.0, -0.0, 1, -1, *HUGE)]
    if "int" in dtype.name.lower():
        info = np.iinfo(getattr(dtype, "numpy_dtype", dtype))
        whole = {int(f(v)) for v in values for f in (np.floor, np.ceil)}
        largest = min(info.max, 2**53)
        values = [v for v in sorted(whole) if max(info.min, -(2**53)) <= v <= largest]
    if dtype.name in ("float64", "float32"):
        values.append(np.nan)
    elif pd.api.types.is_extension_array_dtype(dtype):
        values.append(pd.NA)
    return pd.Series(values, dtype=dtype)


# --- the law -------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(st.data())
def test_random_pipelines_are_told_in_raw_columns(data):
    frame = data.draw(strategies.mixed_frames())
    model = data.draw(strategies.pipelines(frame))
    y = strategies.targets(frame, data.draw(st.integers(0, 99)), n_classes=3)
    assert_explains(strategies.fit_or_reject(model, frame, y), frame)


# --- every transformer of the list, one by one ---------------------------------------------------


def make_frame(n=150, seed=0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    money = np.round(rng.lognormal(6, 1, n), 2)
    age = rng.integers(18, 80, n).astype(float)
    age[rng.random(n) < 0.1] = np.nan
    job = rng.choice(["a", "b", "c", "d", "rare"], n, p=[0.4, 0.3, 0.2, 0.08, 0.02])
    return pd.DataFrame(
        {
            "money": money,
            "age": age,
            "months": rng.integers(-1, 8, n),
            "job": job.astype(object),
            "owns": rng.random(n) < 0.5,
            "town": pd.Series(np.where(rng.random(n) < 0.1, None, job[::-1]), dtype=object),
            "grade": rng.choice([1, 2, 5, 7], n),
        }
    )


FRAME = make_frame()
NUMBERS, TEXTS = ["money", "age", "months", "grade"], ["job", "town"]
TARGET = strategies.targets(FRAME, 1, n_classes=3)

fill = SimpleImputer()
per_column = {
    "imputer mean, indicator": (SimpleImputer(add_indicator=True), NUMBERS),
    "imputer median": (SimpleImputer(strategy="median"), NUMBERS),
    "imputer most frequent": (SimpleImputer(strategy="most_frequent"), NUMBERS),
    "imputer constant": (SimpleImputer(strategy="constant", fill_value=-9), NUMBERS),
    "imputer of -1": (SimpleImputer(missing_values=-1, add_indicator=True), ["months"]),
    "imputer of -1, scaled": (
        make_pipeline(SimpleImputer(missing_values=-1), StandardScaler()),
        ["months", "grade"],
    ),
    "imputer of -1, binned": (
        make_pipeline(SimpleImputer(missing_values=-1), KBinsDiscretizer(3, encode="ordinal")),
        ["months"],
    ),
    "imputer of -1, encoded": (
        make_pipeline(SimpleImputer(missing_values=-1), OneHotEncoder(handle_unknown="ignore")),
        ["months"],
    ),
    "imputer of a text": (
        make_pipeline(
            SimpleImputer(missing_values="d", strategy="most_frequent", add_indicator=True),
            OneHotEncoder(handle_unknown="ignore"),
        ),
        ["job"],
    ),
    "imputer of texts, indicator": (
        make_pipeline(
            SimpleImputer(missing_values=None, strategy="most_frequent", add_indicator=True),
            OneHotEncoder(handle_unknown="ignore"),
        ),
        TEXTS,
    ),
    "indicator": (make_union(SimpleImputer(), MissingIndicator()), NUMBERS),
    "indicator of -1": (
        make_union(SimpleImputer(), MissingIndicator(missing_values=-1)),
        ["months"],
    ),
    "indicator of texts": (
        make_union(OneHotEncoder(), MissingIndicator(missing_values=None)),
        TEXTS,
    ),
    "standard": (StandardScaler(), NUMBERS),
    "min-max": (MinMaxScaler((-1, 2)), NUMBERS),
    "min-max, clipped": (MinMaxScaler(clip=True), NUMBERS),
    "max-abs": (MaxAbsScaler(), NUMBERS),
    "robust": (RobustScaler(), NUMBERS),
    "yeo-johnson": (PowerTransformer(), NUMBERS),
    "box-cox": (PowerTransformer("box-cox"), ["money", "grade"]),
    "box-cox after min-max": (
        make_pipeline(MinMaxScaler((1, 2)), PowerTransformer("box-cox")),
        NUMBERS,
    ),
    "quantile": (QuantileTransformer(n_quantiles=20), NUMBERS),
    "quantile, normal": (
        QuantileTransformer(n_quantiles=20, output_distribution="normal"),
        NUMBERS,
    ),
    "one-hot, refusing": (OneHotEncoder(), [*TEXTS, "owns", "grade"]),
    "one-hot, ignoring": (OneHotEncoder(handle_unknown="ignore"), [*TEXTS, "owns", "grade"]),
    "one-hot, warning": (
        OneHotEncoder(handle_unknown="warn", min_frequency=0.1),
        [*TEXTS, "age"],
    ),
    "one-hot, first dropped": (OneHotEncoder(drop="first", sparse_output=False), TEXTS),
    "one-hot, dropped if two": (OneHotEncoder(drop="if_binary"), ["owns", "job", "age"]),
    "one-hot, named dropped": (OneHotEncoder(drop=["b", None]), TEXTS),
    "one-hot, infrequent": (
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20),
        [*TEXTS, "grade"],
    ),
    "one-hot, at most three": (
        OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=3, drop="first"),
        [*TEXTS, "grade"],
    ),
    "one-hot of NaN": (OneHotEncoder(handle_unknown="ignore"), ["age"]),
    "one-hot with given categories": (
        OneHotEncoder(categories=[["x", "d", "c", "b", "a", "rare"]]),
        ["job"],
    ),
    "ordinal": (OrdinalEncoder(), [*TEXTS, "grade", "owns"]),
    "ordinal, unknown": (
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        [*TEXTS, "grade"],
    ),
    "ordinal, unknown is missing": (
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan),
        [*TEXTS, "grade"],
    ),
    "ordinal, missing": (OrdinalEncoder(encoded_missing_value=-3), [*TEXTS, "age"]),
    "ordinal, infrequent": (OrdinalEncoder(min_frequency=20), TEXTS),
    "ordinal, scaled": (
        make_pipeline(OrdinalEncoder(), SimpleImputer(), StandardScaler()),
        [*TEXTS, "age"],
    ),
    "target": (TargetEncoder(), [*TEXTS, "grade"]),
    "FunctionTransformer of nothing": (FunctionTransformer(), NUMBERS),
    "nested": (
        make_pipeline(
            make_column_transformer(
                (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "money"]),
                (make_pipeline(OneHotEncoder(handle_unknown="ignore")), ["job"]),
                remainder="passthrough",
            ),
            MaxAbsScaler(),
        ),
        ["age", "job", "months", "money"],
    ),
    "variance": (make_pipeline(SimpleImputer(), VarianceThreshold(0.5)), [*NUMBERS, "owns"]),
    "k best": (make_pipeline(SimpleImputer(), StandardScaler(), SelectKBest(k=2)), NUMBERS),
    "RFE": (
        make_pipeline(
            SimpleImputer(), RFE(DecisionTreeClassifier(random_state=0), n_features_to_select=2)
        ),
        NUMBERS,
    ),
    "select from a model": (
        make_pipeline(
            OneHotEncoder(), SelectFromModel(DecisionTreeClassifier(random_state=0), threshold=0)
        ),
        TEXTS,
    ),
    "first powers": (make_pipeline(SimpleImputer(), PolynomialFeatures(1)), NUMBERS),
    "bins, encoded": (
        make_pipeline(SimpleImputer(), KBinsDiscretizer(3, encode="ordinal"), OneHotEncoder()),
        NUMBERS,
    ),
}
for encode in ("ordinal", "onehot", "onehot-dense"):
    for strategy in ("uniform", "quantile", "kmeans"):
        bins = KBinsDiscretizer(
            4,
            encode=encode,
            strategy=strategy,
            random_state=0,
            **strategies.QUANTILES,
        )
        per_column[f"bins {encode} {strategy}"] = (make_pipeline(fill, bins), NUMBERS)
    per_column[f"bins {encode}, scaled"] = (
        make_pipeline(SimpleImputer(), StandardScaler(), bins),
        NUMBERS,
    )

derived = {
    "pca": make_pipeline(SimpleImputer(), PCA(2)),
    "polynomials": make_pipeline(SimpleImputer(), PolynomialFeatures(2, include_bias=False)),
    "splines": make_pipeline(SimpleImputer(), SplineTransformer(3)),
    "nearest neighbours": KNNImputer(add_indicator=True),
    "iterative": IterativeImputer(max_iter=2, random_state=0),
    "normalizer": make_pipeline(SimpleImputer(), Normalizer()),
    "logarithm": FunctionTransformer(np.log1p, feature_names_out="one-to-one"),
    "lambda": FunctionTransformer(lambda X: X),
    "lambda of another width": FunctionTransformer(lambda X: np.asarray(X)[:, :1] * 2),
    "scaled encoder": make_pipeline(SimpleImputer(), StandardScaler(), OrdinalEncoder()),
}


def grown(transformer, columns, X=None, y=None, dtype=None):
    frame = FRAME if X is None else X
    if dtype is not None:
        frame = frame.astype(dict.fromkeys(columns, dtype))
    before = ColumnTransformer([("part", transformer, columns)])
    model = make_pipeline(before, DecisionTreeClassifier(max_leaf_nodes=9, random_state=0))
    return model.fit(frame, TARGET if y is None else y), frame


# Seen with scikit-learn 1.6: its SimpleImputer with another missing_values takes or refuses missing
# texts otherwise than 1.9 does, and our reading of it does not follow.
NOT_BEFORE_1_9 = {"imputer of a text", "imputer of texts, indicator"}
IS_OLD = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9)


@pytest.mark.parametrize("name", per_column)
def test_columns_are_undone(name):
    if IS_OLD and name in NOT_BEFORE_1_9:
        pytest.skip("missing texts before scikit-learn 1.9")
    transformer, columns = per_column[name]
    model, frame = grown(transformer, columns)
    rules = assert_explains(model, frame)
    assert len(rules) > 1
    kinds = {rules.columns[i].kind for i in rules.used}
    assert kinds <= {"number", "category"}
    names = {rules.columns[i].name for i in rules.used}
    assert names <= set(columns)


@pytest.mark.parametrize("name", derived)
def test_what_cannot_be_undone_is_named_and_counted(name):
    model, frame = grown(derived[name], ["money", "age", "grade"])
    rules = assert_explains(model, frame, probes=False)
    of_kind = [column for column in rules.columns if column.kind == "derived"]
    assert of_kind
    assert all(set(column.sources) <= set(frame.columns) for column in of_kind)
    n_raw = frame.shape[1]
    assert rules.feature_map.n_raw == n_raw
    assert len(rules.feature_map.sources) == model[:-1].transform(frame).shape[1]
    assert len({column.name for column in rules.columns}) == len(rules.columns)
    assert any(i >= n_raw for i in rules.used)


def test_a_first_power_is_the_column_and_a_product_is_derived():
    model, frame = grown(derived["polynomials"], ["money", "age"])
    feature_map = FeatureMap.of(model[:-1], frame)
    kinds = [source.kind for source in feature_map.sources]
    assert kinds == ["same", "same", "derived", "derived", "derived"]
    names = [column.name for column in feature_map.columns[frame.shape[1] :]]
    assert names == ["money^2", "money age", "age^2"]


@pytest.mark.parametrize("name", ["mean", "standard", "yeo-johnson", "quantile", "bins", "one-hot"])
@pytest.mark.parametrize("dtype", ["float32", "Float32", "Float64"])
def test_single_precision_is_computed_as_the_model_does(name, dtype):
    transformer = {
        "mean": SimpleImputer(),
        "standard": make_pipeline(StandardScaler(), MinMaxScaler()),
        "yeo-johnson": PowerTransformer(),
        "quantile": QuantileTransformer(n_quantiles=9),
        "bins": make_pipeline(SimpleImputer(), StandardScaler(), KBinsDiscretizer(4)),
        "one-hot": OneHotEncoder(handle_unknown="ignore"),
    }[name]
    assert_explains(*grown(transformer, ["money", "age"], dtype=dtype))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_target_encoders(n_classes):
    y = strategies.targets(FRAME, 2, n_classes=n_classes)
    model, frame = grown(TargetEncoder(random_state=0), [*TEXTS, "grade"], y=y)
    rules = assert_explains(model, frame)
    assert {column.kind for column in rules.columns[3:4]} == {"category"}


def test_a_column_read_as_number_and_as_category():
    before = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["months", "grade"]),
        (OneHotEncoder(), ["months", "owns"]),
        (OneHotEncoder(handle_unknown="ignore"), ["grade"]),
        ("passthrough", ["owns"]),
    )
    model = make_pipeline(before, DecisionTreeClassifier(random_state=0)).fit(FRAME, TARGET)
    rules = assert_explains(model, FRAME)
    kinds = {column.name: column.kind for column in rules.columns}
    assert (kinds["months"], kinds["grade"], kinds["owns"]) == ("number", "number", "category")


def test_numbers_zero_and_one_are_not_flags():
    """A two may come, even though only zeros and ones were seen."""
    frame = pd.DataFrame({"a": [0, 1] * 30, "b": np.arange(60)})
    y = (np.arange(60) % 2) ^ (np.arange(60) > 40)
    before = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["a"]), remainder="passthrough"
    )
    model = make_pipeline(before, DecisionTreeClassifier()).fit(frame, y)
    rules = assert_explains(model, frame)
    other = pd.DataFrame({"a": [2, 2], "b": [0, 59]})
    np.testing.assert_array_equal(rules.predict_proba(other), model.predict_proba(other))


def test_none_and_nan_told_apart_by_the_model_are_refused():
    frame = pd.DataFrame({"a": pd.Series([None, np.nan, "x", "y"] * 10, dtype=object)})
    y = np.tile([0, 1, 0, 1], 10)
    before = make_column_transformer((OneHotEncoder(), ["a"]))
    model = make_pipeline(before, DecisionTreeClassifier()).fit(frame, y)
    with pytest.raises(ValueError, match="'a' holds None and NaN"):
        rules_of(model, frame)
    y = np.tile([0, 0, 0, 1], 10)  # not told apart: no objection
    assert_explains(make_pipeline(before, DecisionTreeClassifier()).fit(frame, y), frame)


@pytest.mark.parametrize("value", [None, np.nan])
def test_missing_texts_are_asked_as_they_are_written(value):
    frame = pd.DataFrame({"a": pd.Series([value, "x", "y", "z"] * 10, dtype=object)})
    y = np.tile([1, 0, 1, 0], 10)
    for encoder in (OneHotEncoder(), OneHotEncoder(handle_unknown="ignore"), OrdinalEncoder()):
        before = make_column_transformer((encoder, ["a"]))
        assert_explains(make_pipeline(before, DecisionTreeClassifier()).fit(frame, y), frame)


@pytest.mark.parametrize("value", [None, np.nan])
def test_missing_written_in_the_other_way_is_what_the_model_makes_of_it(value):
    frame = pd.DataFrame({"a": pd.Series([value, "x", "y", "z"] * 10, dtype=object)})
    y = np.tile([1, 0, 1, 0], 10)
    before = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["a"]))
    model = make_pipeline(before, DecisionTreeClassifier()).fit(frame, y)
    rules = rules_of(model, frame)
    both = pd.DataFrame({"a": pd.Series([None, np.nan, "x", "new"], dtype=object)})
    np.testing.assert_array_equal(rules.predict_proba(both), model.predict_proba(both))


@pytest.mark.parametrize("dtype", ["object", "category"])
def test_numbers_as_objects_or_categories(dtype):
    values = pd.Series([1, 2.5, None, 4, 7, 9] * 10, dtype=dtype)
    frame = pd.DataFrame({"a": values, "b": values[::-1].to_numpy(), "c": values})
    y = np.tile([0, 1, 1, 0, 1, 0], 10)
    before = make_column_transformer(
        ("passthrough", ["a"]), (StandardScaler(), ["b"]), (OneHotEncoder(), ["c"])
    )
    model = make_pipeline(before, DecisionTreeClassifier(random_state=0)).fit(frame, y)
    rules = assert_explains(model, frame, probes=False)
    assert [column.kind for column in rules.columns] == ["number", "number", "category"]
    other = frame.assign(a=pd.Series([3.0, 5.5] * 30, dtype=dtype))
    np.testing.assert_array_equal(rules.predict_proba(other), model.predict_proba(other))


# --- ways of selecting columns, and containers ---------------------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        ["money", "months"],
        [0, 2],
        [-7, -5],
        slice(0, 2),
        slice("money", "months"),
        slice(None, 3),
        [True, False, True, False, False, False, False],
        np.array([True, False, True, False, False, False, False]),
        lambda X: ["money", "months"],
        make_column_selector(dtype_include="number"),
        pd.Index(["months", "money"]),
    ],
    ids=laws.said,
)
@pytest.mark.parametrize("verbose", [True, False])
def test_ways_to_select_columns(columns, verbose):
    before = ColumnTransformer(
        [
            ("scale", StandardScaler(), columns),
            ("none", StandardScaler(), []),
            ("text", OneHotEncoder(), ["job"]),
            ("out", "drop", ["town"]),
            ("as is", "passthrough", ["owns"]),
        ],
        remainder=SimpleImputer() if isinstance(columns, list) else "drop",
        verbose_feature_names_out=verbose,
    )
    model = make_pipeline(before, DecisionTreeClassifier(max_depth=5)).fit(FRAME, TARGET)
    assert_explains(model, FRAME, probes=False)


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
@pytest.mark.parametrize("verbose", [True, False])
def test_outputs_as_frames(output, verbose):
    before = make_pipeline(
        ColumnTransformer(
            [
                ("scale", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "money"]),
                ("bins", KBinsDiscretizer(3, encode="onehot-dense"), ["months"]),
                ("text", OneHotEncoder(sparse_output=False), TEXTS),
                ("owns", FunctionTransformer(), ["owns"]),
            ],
            verbose_feature_names_out=verbose,
        ),
        VarianceThreshold(),
        MinMaxScaler(),
    ).set_output(transform=output)
    tree = DecisionTreeClassifier(max_leaf_nodes=12, random_state=0)
    assert_explains(make_pipeline(before, tree).fit(FRAME, TARGET), FRAME)


def test_unions_of_everything():
    before = FeatureUnion(
        [
            ("scaled", make_pipeline(SimpleImputer(), StandardScaler())),
            ("as is", "passthrough"),
            ("out", "drop"),
            ("pca", make_pipeline(SimpleImputer(), PCA(1))),
        ]
    )
    frame = FRAME[NUMBERS]
    model = make_pipeline(before, DecisionTreeClassifier(random_state=0)).fit(frame, TARGET)
    assert_explains(model, frame, probes=False)


@pytest.mark.parametrize("kind", ["array", "float32", "csr", "csc", "coo", "int names", "polars"])
@pytest.mark.parametrize("scale", [True, False])
def test_containers(kind, scale):
    pl = pytest.importorskip("polars")
    from scipy import sparse

    numbers = FRAME[["money", "months", "grade"]]
    X = {
        "array": numbers.to_numpy(),
        "float32": numbers.to_numpy(np.float32),
        "csr": sparse.csr_matrix(numbers.to_numpy()),
        "csc": sparse.csc_matrix(numbers.to_numpy()),
        "coo": sparse.coo_matrix(numbers.to_numpy()),
        "int names": numbers.set_axis([0, 1, 2], axis=1),
        "polars": pl.DataFrame(numbers.to_dict("list")),
    }[kind]
    tree = DecisionTreeClassifier(random_state=0)
    model = make_pipeline(MaxAbsScaler(), tree) if scale else tree
    assert_explains(model.fit(X, TARGET), X, probes=kind == "int names")


@pytest.mark.skipif(IS_OLD, reason="older scikit-learn asks polars frames for .size")
def test_polars_with_texts():
    pl = pytest.importorskip("polars")
    columns = {name: FRAME[name].tolist() for name in FRAME}
    X = pl.DataFrame(columns, strict=False)
    before = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "money"]),
        (OneHotEncoder(), TEXTS),
        remainder="passthrough",
    )
    model = make_pipeline(before, DecisionTreeClassifier(random_state=0)).fit(X, TARGET)
    assert_explains(model, X)


def test_columns_go_by_name_where_scikit_learn_does_so():
    before = make_column_transformer(
        (StandardScaler(), ["money", "months"]), (OneHotEncoder(), ["job"])
    )
    model = make_pipeline(before, DecisionTreeClassifier(random_state=0)).fit(FRAME, TARGET)
    rules = assert_explains(model, FRAME)
    turned = FRAME[FRAME.columns[::-1]].assign(extra="anything")
    np.testing.assert_array_equal(rules.predict_proba(turned), model.predict_proba(turned))
    again = rules_of(model, turned)  # also where the reading starts from such a frame
    np.testing.assert_array_equal(again.predict_proba(FRAME), model.predict_proba(FRAME))


def test_scikit_learns_own_refusal_surfaces():
    frame = FRAME[["money", "months"]]
    model = make_pipeline(StandardScaler(), DecisionTreeClassifier()).fit(frame, TARGET)
    feature_map = FeatureMap.of(model[:-1], frame)
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        feature_map.model_matrix(frame[["months", "money"]])
    with pytest.raises(ValueError, match="Feature names unseen at fit time"):
        FeatureMap.of(model[:-1], frame.assign(extra=1.0))
    with pytest.raises(ValueError, match="lack the columns"):
        FeatureMap.of(model[:-1], frame[["money"]])


def test_without_a_transformer_columns_are_taken_by_name():
    frame = FRAME[["money", "months"]]
    feature_map = FeatureMap.of(None, frame)
    turned = frame[["months", "money"]].assign(extra="anything")
    np.testing.assert_array_equal(feature_map.model_matrix(turned), frame.to_numpy(float))
    with pytest.raises(ValueError, match="'months' is missing"):
        feature_map.model_matrix(frame[["money"]])
    with pytest.raises(ValueError, match="rows have 3 columns"):
        FeatureMap.of(None, np.ones((2, 2))).model_matrix(np.ones((2, 3)))


def test_values_of_the_wrong_kind_are_refused():
    rules = rules_of(*grown(StandardScaler(), ["money"]))
    with pytest.raises(ValueError, match="'money' must hold numbers"):
        rules.match(FRAME.assign(money="much"))
    with pytest.raises(ValueError, match="'money' is missing"):
        rules.match(FRAME.drop(columns="money"))
    with pytest.raises(ValueError, match="two columns are called 'age'"):
        raw_values(rules.columns, FRAME.set_axis(["age"] * 7, axis=1))


def test_columns_that_the_model_does_not_read_may_hold_anything():
    rules = rules_of(*grown(StandardScaler(), ["money"]))
    odd = FRAME.assign(age="old", job=3.0, town=[[1]] * len(FRAME))
    np.testing.assert_array_equal(rules.match(odd), rules.match(FRAME))


# --- one split alone -----------------------------------------------------------------------------


def test_goes_left_is_the_split_rule():
    splits = Splits(
        feature=[0, 0, -2, -2, -2],
        threshold=[0.1, -1, -2, -2, -2],
        missing_left=[True, False, False, False, False],
        cast32=False,
        n_features=1,
        category_offsets=[0, 0, 2, 2, 2, 2],
        category_values=[0, 3],
    )
    z = np.array([0.1, np.nextafter(0.1, 1), np.nan, -5.0])
    assert goes_left(splits, 0, z).tolist() == [True, False, True, True]
    z = np.array([0.0, 3.9, 4.0, -1.0, np.nan, np.inf])
    assert goes_left(splits, 1, z).tolist() == [True, True, False, False, False, False]


def test_many_thresholds_of_one_column_share_their_searches(monkeypatch):
    """A call a round for all nodes, not for each."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1500, 1)), rng.integers(0, 2, 1500)
    model = make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)).fit(X, y)
    assert model[-1].get_n_leaves() > 300
    feature_map = FeatureMap.of(model[:-1], X)
    calls = []
    transform = StandardScaler.transform
    monkeypatch.setattr(
        StandardScaler, "transform", lambda *a, **k: calls.append(1) or transform(*a, **k)
    )
    feature_map.left(native.splits(model[-1]))
    assert len(calls) < 40


def test_an_encoder_is_asked_once_for_all_its_columns(monkeypatch):
    X = pd.DataFrame({"a": [f"c{i}" for i in range(300)] * 2})
    y = np.random.default_rng(0).integers(0, 2, 600)
    before = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["a"]))
    model = make_pipeline(before, DecisionTreeClassifier(random_state=0)).fit(X, y)
    assert model[-1].get_n_leaves() > 50
    calls = []
    transform = OneHotEncoder.transform
    monkeypatch.setattr(
        OneHotEncoder, "transform", lambda *a, **k: calls.append(1) or transform(*a, **k)
    )
    feature_map = FeatureMap.of(model[:-1], X)
    assert len(calls) < 10
    feature_map.left(native.splits(model[-1]))
    assert len(calls) < 13
