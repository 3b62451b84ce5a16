"""Exports of rules, executed: SQL in SQLite and DuckDB, Python, JSON and CSV against the model."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re
import sqlite3
from dataclasses import replace
from fractions import Fraction

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_strategies import partitions
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import datasets, native
from treeprune.explain.conditions import CategoryCondition, Column, NumberCondition
from treeprune.explain.exports.csv_text import defused, frame_csv
from treeprune.explain.exports.json_text import SCHEMA, from_json
from treeprune.explain.exports.names import IMITATION, plain
from treeprune.explain.features import FeatureMap
from treeprune.explain.joint import partition_rules
from treeprune.explain.leaves import limit_texts, tree_rules
from treeprune.explain.limits import float32_limit, printed_limit
from treeprune.explain.rules import Rule, RuleSet

ENGINES = ("sqlite", "duckdb")
each_engine = pytest.mark.parametrize("engine", ENGINES)
ROW = "row of the test"
NASTY = [
    "a'b", 'a"b', "`a`", "[a]", "a]b", "a\nb", "a\r\nb", "a\tb", "größe ☃", "𝕏", "select", "FROM",
    "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "$\\frac$", "\\", "a\\'b", "--", "/* a */",
    "a;b", "%s", "{x}", "{{ x }}", ":a", "?", "$1", "null", "NaN", "rule", "value", "P(0)", "row",
    "missing", "float", "ValueError", "def", "__debug__", "x0", "t", "r", " a ", "a" * 300,
    "\u202eb", "٣", "é", "e\u0301", "None", "True", "''", '""', "\ufeffa", "a.b", "a,b", "|a|",
]  # fmt: skip


# -- models and engines ---------------------------------------------------------------------------


def rules_of(model, X, **params):
    """Rules of a tree, or of a pipeline that ends in one."""
    steps = model[:-1] if hasattr(model, "steps") else None
    tree = model[-1] if hasattr(model, "steps") else model
    feature_map = FeatureMap.of(steps, X)
    trees, splits = native.read(tree), native.splits(tree)
    rules = (
        tree_rules(trees, splits, feature_map, lambda raw: raw)
        if trees.n_trees == 1
        else partition_rules(trees, splits, feature_map, lambda raw: raw, 500)
    )
    classes = getattr(tree, "classes_", ())
    classes = tuple(classes) if isinstance(classes, list) else (classes,) if len(classes) else ()
    texts = limit_texts(rules, feature_map.values(X))
    return RuleSet(feature_map.columns, rules, classes, feature_map, texts=texts, **params)


def answers(model, X):
    """What the model says, as (n_rows, n_numbers)."""
    if hasattr(model, "predict_proba"):
        proba = model.predict_proba(X)
        return np.column_stack(proba) if isinstance(proba, list) else proba
    return np.asarray(model.predict(X)).reshape(len(X), -1)


def columns_of(frame):
    """SQL type and values of each column; missing text as None, missing numbers as NaN."""
    for name in frame.columns:
        series = frame[name]
        if pd.api.types.is_bool_dtype(series.dtype):
            yield "BOOLEAN", series.tolist()
        elif pd.api.types.is_integer_dtype(series.dtype):
            yield "BIGINT", series.tolist()
        elif pd.api.types.is_float_dtype(series.dtype):
            yield "DOUBLE", series.tolist()
        else:
            yield "VARCHAR", [None if pd.isna(v) else str(v) for v in series]


def identifier(name):
    return '"' + name.replace('"', '""') + '"'


def table_of(frame, engine):
    """A connection with the frame as table `the data`; in DuckDB NaN stays NaN in half the rows."""
    named = [
        *((n, *c) for n, c in zip(frame.columns, columns_of(frame))),
        (ROW, "BIGINT", range(len(frame))),
    ]
    made = ", ".join(f"{identifier(name)} {kind}" for name, kind, _ in named)
    if engine == "sqlite":
        connection = sqlite3.connect(":memory:")
        connection.execute(f'CREATE TABLE "the data" ({made})')
        marks = ", ".join("?" * len(named))
        rows = zip(*(values for _, _, values in named))
        connection.executemany(f'INSERT INTO "the data" VALUES ({marks})', rows)
        return connection
    connection = duckdb.connect()
    connection.execute(f'CREATE TABLE "the data" ({made})')
    arrays = [
        pa.array([None if v != v and i % 2 else v for i, v in enumerate(values)], from_pandas=False)
        for _, _, values in named
    ]
    given = pa.Table.from_arrays(arrays, names=[f"c{i}" for i in range(len(arrays))])
    connection.register("given", given)
    connection.execute('INSERT INTO "the data" SELECT * FROM given')
    return connection


def by_sql(rules, frame, engine, **params):
    """Rule numbers (NaN for none) and outputs of each row, from the engine."""
    query = rules.to_sql(["the data"], engine, **params)
    cursor = table_of(frame, engine).execute(query)
    names = [column[0] for column in cursor.description]
    assert len(set(names)) == len(names), "a name of ours is one of the table's"
    rows = cursor.fetchall()
    assert names[: frame.shape[1]] == list(frame.columns)
    at = names.index(ROW)
    picked = np.array(sorted((row[at], *row[at + 1 :]) for row in rows), dtype=np.float64)
    assert picked[:, 0].tolist() == list(range(len(frame)))
    return picked[:, 1], picked[:, 2:]


def by_python(rules, frame):
    space = {}
    exec(compile(rules.to_python("answer"), "export", "exec"), space)
    names = list(frame.columns)
    columns = [frame[name].tolist() for name in names]
    return [space["answer"](dict(zip(names, row))) for row in zip(*columns)]


def flat(answer):
    if isinstance(answer, float):
        return [answer]
    return [number for part in answer for number in (part if isinstance(part, list) else [part])]


def check_sql(rules, frame, expected, engine):
    rule, outputs = by_sql(rules, frame, engine)
    assert np.array_equal(rule - 1, rules.match(frame))
    assert np.abs(outputs - expected).max() <= 1e-9


def check_python(rules, frame, expected):
    got = np.array([flat(answer) for answer in by_python(rules, frame)])
    assert np.array_equal(got, expected)


def check_json(rules, frame, expected):
    again = from_json(rules.to_json())
    assert again.feature_map is None
    assert np.array_equal(again.match(frame), rules.match(frame))
    assert np.array_equal(again.match(frame, printed=True), rules.match(frame, printed=True))
    got = (
        answers(again, frame)
        if rules.is_classifier
        else again.predict(frame).reshape(len(frame), -1)
    )
    assert np.array_equal(got, expected)
    assert again.to_json() == rules.to_json()


# -- whole data sets ------------------------------------------------------------------------------

LOADERS = {
    "german": datasets.load_german_credit,
    "compas": datasets.load_compas,
    "hmda": datasets.load_hmda,
    "adult": datasets.load_adult,
}


@pytest.fixture(scope="module", params=LOADERS)
def fitted(request):
    """Name, frame with rows that were never seen added, rules, and the model's own answers."""
    data = LOADERS[request.param]()
    X, y = data.data, data.target
    numbers = X.select_dtypes("number").columns.tolist()
    words = [name for name in X if name not in numbers]
    half = len(numbers) // 2
    prepare = make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers[:half]),
        (SimpleImputer(strategy="median"), numbers[half:]),
        (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=30), words[::2]),
        (
            OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
            ),
            words[1::2],
        ),
    )
    model = make_pipeline(prepare, DecisionTreeClassifier(min_samples_leaf=20, random_state=0))
    model.fit(X, y)
    rng = np.random.default_rng(0)
    strange = X.iloc[rng.choice(len(X), 400, replace=False)].copy()
    for name in X:
        at = rng.random(400)
        if name in words:
            strange[name] = strange[name].astype(object)
            strange.loc[at < 0.15, name] = "never seen"
        else:
            strange[name] = strange[name].astype(np.float64)
        strange.loc[at > 0.85, name] = np.nan
    X = pd.concat([X.astype(strange.dtypes.to_dict()), strange], ignore_index=True)
    return request.param, X, rules_of(model, data.data), model.predict_proba(X)


@each_engine
def test_sql_is_the_model_on_whole_data_sets(fitted, engine):
    _, X, rules, expected = fitted
    assert len(rules) > 5
    check_sql(rules, X, expected, engine)


def test_python_is_the_model_on_whole_data_sets(fitted):
    _, X, rules, expected = fitted
    check_python(rules, X, expected)


def test_json_is_the_model_on_whole_data_sets(fitted):
    _, X, rules, expected = fitted
    assert np.array_equal(from_json(rules.to_json()).predict_proba(X), expected)


# -- random frames and pipelines ------------------------------------------------------------------

texts = st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=8)).filter(
    lambda text: text.isprintable() or _encodes(text)
)
# SQLite gives a column called true or false another name once it has been through a subquery.
names = texts.filter(
    lambda text: "\0" not in text and text != ROW and text.casefold() not in ("true", "false")
)


def _encodes(text):
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _folded(name):
    return name.casefold().lower()


@st.composite
def problems(draw):
    """A pipeline over raw columns with hostile names, fitted, and rows to try it on."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = draw(st.lists(names, min_size=3, max_size=5, unique_by=_folded))
    n = draw(st.integers(12, 40))
    kinds = [
        draw(st.sampled_from(["number", "small", "onehot", "ordinal", "flag"])) for _ in labels
    ]
    frame, parts, spare = {}, [], {}
    for name, kind in zip(labels, kinds):
        if kind in ("number", "small"):
            scale = 10.0 ** draw(st.integers(-4, 6)) if kind == "number" else 1.0
            values = rng.normal(size=n) * scale if kind == "number" else rng.integers(0, 5, n)
            frame[name] = values.astype(np.float64)
            if draw(st.booleans()):
                frame[name][rng.random(n) < 0.2] = np.nan
            step = draw(st.sampled_from(["passthrough", SimpleImputer(), StandardScaler()]))
            parts.append((step, [name]))
        elif kind == "flag":
            frame[name] = rng.integers(0, 2, n).astype(bool)
            parts.append(("passthrough", [name]))
        else:
            known = draw(st.lists(texts, min_size=2, max_size=4, unique=True))
            unseen = draw(texts.filter(lambda text, known=known: text not in known))
            values = np.array([*known, np.nan], dtype=object)[rng.integers(0, len(known) + 1, n)]
            values[: len(known)] = known
            frame[name], spare[name] = values, unseen
            step = (
                OneHotEncoder(handle_unknown="ignore", sparse_output=False)
                if kind == "onehot"
                else OrdinalEncoder(
                    handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
                )
            )
            parts.append((step, [name]))
    X = pd.DataFrame(frame)
    for name in spare:
        X[name] = X[name].astype(object)
    tree = DecisionTreeClassifier(random_state=0, max_depth=draw(st.integers(1, 6)))
    model = make_pipeline(make_column_transformer(*parts), tree)
    model.fit(X, rng.integers(0, draw(st.integers(2, 3)), n))
    return model, X, spare


def tried(rules, X, spare, seed=0):
    """The rows, and rows with values at limits and one ulp beside them, missing or unseen."""
    rng = np.random.default_rng(seed)
    more = X.iloc[rng.integers(0, len(X), 60)].reset_index(drop=True)
    for rule in rules:
        for c in rule.conditions:
            if not isinstance(c, NumberCondition):
                continue
            ends = [x for interval in c.intervals for x in interval if math.isfinite(x)]
            for end in ends:
                near = [np.nextafter(end, -np.inf), end, np.nextafter(end, np.inf)]
                more.loc[rng.integers(0, len(more), 3), rules.columns[c.column].name] = near
    for name, unseen in spare.items():
        at = rng.random(len(more))
        more.loc[at < 0.2, name] = unseen
        more.loc[at > 0.8, name] = np.nan
    for name in X.select_dtypes("float"):
        more.loc[rng.random(len(more)) < 0.1, name] = np.nan
    return pd.concat([X, more.astype(X.dtypes.to_dict())], ignore_index=True)


@given(problems())
@settings(max_examples=40, deadline=None)
def test_random_pipelines_are_exported_exactly(problem):
    model, X, spare = problem
    rules = rules_of(model, X)
    rows = tried(rules, X, spare)
    expected = model.predict_proba(rows)
    for engine in ENGINES:
        check_sql(rules, rows, expected, engine)
    check_python(rules, rows, expected)
    check_json(rules, rows, expected)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
@each_engine
def test_limits_are_compared_exactly(engine, limits):
    limits += [float32_limit(limit) for limit in limits if abs(limit) < 1e38]
    limits = sorted({x + 0.0 for x in limits})
    ends = [-np.inf, *limits, np.inf]
    rules = RuleSet(
        (Column("x"),),
        tuple(
            Rule((NumberCondition(0, ((low, high),), low < 0 < high),), np.array([[float(i)]]))
            for i, (low, high) in enumerate(itertools.pairwise(ends))
        ),
    )
    with np.errstate(over="ignore"):
        near = [(np.nextafter(x, -np.inf), x, np.nextafter(x, np.inf)) for x in limits]
    frame = pd.DataFrame({"x": np.unique(np.array(near))})
    rule, _ = by_sql(rules, frame, engine)
    assert np.array_equal(rule - 1, np.searchsorted(limits, frame["x"], side="left"))


def test_limits_of_a_whole_range_are_exact_in_both_engines():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**64, 400, dtype=np.uint64).view(np.float64)
    some = [x for x in bits.tolist() if math.isfinite(x)]
    some += [float32_limit(x) for x in rng.normal(size=400) * 10.0 ** rng.integers(-6, 7, 400)]
    some += [0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1e22, 1e23]
    from treeprune.explain.exports.sql import _Query

    for engine, connection in (
        ("sqlite", sqlite3.connect(":memory:")),
        ("duckdb", duckdb.connect()),
    ):
        write = _Query(RuleSet((), ()), engine)
        for start in range(0, len(some), 100):
            part = some[start : start + 100]
            listed = ", ".join(write.number(x).sql(dialect=engine) for x in part)
            assert list(connection.execute(f"SELECT {listed}").fetchone()) == part


# -- kinds of models ------------------------------------------------------------------------------


def _rows(seed=0, n=150):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    X.loc[::9, "a"] = np.nan
    return X, rng


def _kinds():
    X, rng = _rows()
    y = rng.integers(0, 3, len(X))
    Y = np.column_stack([y, rng.choice(["no", "yes"], len(X))]).astype(object)
    Y[:, 0] = y.astype(str)
    numbers = rng.normal(size=(len(X), 2)) * 1e6
    tree = DecisionTreeClassifier(min_samples_leaf=8, random_state=0)
    yield "multi-class", tree, X, y
    yield "multi-output", DecisionTreeClassifier(max_depth=3, random_state=0), X, Y
    yield "one leaf", DecisionTreeClassifier(max_leaf_nodes=2, min_samples_leaf=90), X, y
    yield "forest", RandomForestClassifier(3, max_depth=2, random_state=0), X, y
    yield "text labels", DecisionTreeClassifier(max_depth=2), X, np.array(NASTY)[y]
    yield "flag labels", DecisionTreeClassifier(max_depth=2), X, y > 0
    yield "regression", DecisionTreeRegressor(max_depth=4, random_state=0), X, numbers[:, 0]
    yield "regressions", DecisionTreeRegressor(max_depth=3, random_state=0), X, numbers


@pytest.mark.parametrize("model, X, y", [pytest.param(*kind[1:], id=kind[0]) for kind in _kinds()])
def test_every_kind_of_model(model, X, y):
    model = model.fit(X, y)
    rules = rules_of(model, X, target=("first", "second") if np.ndim(y) == 2 else ("y",))
    expected = answers(model, X)
    for engine in ENGINES:
        check_sql(rules, X, expected, engine)
    check_json(rules, X, expected)
    if "Forest" not in type(model).__name__:
        check_python(rules, X, expected)
    frame = rules.to_frame()
    assert frame["rule"].tolist() == [f"R{i + 1}" for i in range(len(rules))]
    assert frame.shape[1] == expected.shape[1] + 3
    assert np.array_equal(frame.iloc[rules.match(X), 2:-1].to_numpy(np.float64), expected)
    table = rules.to_decision_table()
    assert table.shape == (len(rules), 1 + len(rules.used) + expected.shape[1])


def test_numbers_that_are_categories():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"whole": rng.integers(1, 6, 80), "part": rng.choice([0.5, 1.25, 7.0], 80)})
    y = (X["whole"].isin([2, 5]) ^ (X["part"] == 1.25)).astype(int)
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["whole", "part"]))
    model = make_pipeline(encode, DecisionTreeClassifier(random_state=0)).fit(X, y)
    rules = rules_of(model, X)
    assert {rules.columns[c].kind for c in rules.used} == {"category"}
    rows = pd.concat([X.astype(float), pd.DataFrame({"whole": [9, 2.0], "part": [7.0, 3.5]})])
    rows.iloc[:6, 0], rows.iloc[3:9, 1] = np.nan, np.nan
    expected = model.predict_proba(rows)
    for engine in ENGINES:
        check_sql(rules, rows.reset_index(drop=True), expected, engine)
    check_python(rules, rows, expected)
    check_json(rules, rows, expected)


def test_what_the_model_refuses_gets_no_rule():
    X = pd.DataFrame({"a": ["x", "y", "z"] * 10, "b": np.arange(30.0)})
    y = (X["a"] == "x") * 2 + (X["b"] > 14)
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["a"]), remainder="passthrough"),
        DecisionTreeClassifier(random_state=0),
    ).fit(X, y)
    rules = rules_of(model, X)
    rows = pd.DataFrame({"a": ["x", "new", None], "b": [1.0, 1.0, 1.0]})
    for row in (1, 2):
        with pytest.raises(ValueError, match="unknown categories"):
            model.predict(rows.iloc[[row]])
        with pytest.raises(ValueError, match="does not take this row: 'a'"):
            by_python(rules, rows.iloc[[row]])
    for engine in ENGINES:
        rule, outputs = by_sql(rules, rows, engine)
        assert np.isnan(rule).tolist() == [False, True, True]
        assert np.isnan(outputs).any(axis=1).tolist() == [False, True, True]


def test_derived_columns():
    X, rng = _rows()
    X = X.fillna(0.0)
    X["pca0"] = rng.normal(size=len(X))
    prepare = make_column_transformer((PCA(2), ["a", "b", "c"]), remainder="passthrough")
    model = make_pipeline(prepare, DecisionTreeClassifier(max_depth=4, random_state=0))
    model.fit(X, rng.integers(0, 2, len(X)))
    rules = rules_of(model, X)
    derived = [rules.columns[c].name for c in rules.used if rules.columns[c].kind == "derived"]
    assert derived
    with pytest.raises(ValueError, match=r"cannot compute the derived columns.*made of 'a', 'b'"):
        rules.to_sql("t")
    with pytest.raises(ValueError, match="derived must be"):
        rules.to_sql("t", derived="yes")
    rows = X.copy()
    values = rules.values(X)
    for position, column in enumerate(rules.columns):
        if column.kind == "derived":
            rows[column.name] = values[position]
    expected = model.predict_proba(X)
    for engine in ENGINES:
        _, outputs = by_sql(rules, rows, engine, derived="columns")
        assert np.abs(outputs - expected).max() <= 1e-9
    check_python(rules, rows, expected)
    again = from_json(rules.to_json())
    assert np.array_equal(again.predict_proba(rows), expected)
    with pytest.raises(ValueError, match=r"derived column .* make of 'a', 'b', 'c'"):
        again.predict_proba(X)


# -- SQL ------------------------------------------------------------------------------------------


def small_rules(name="age", categories=("a", "b", "c"), labels=("no", "yes"), second="job"):
    """Four rules over a number and a category: every way of being missing or unseen."""
    columns = (Column(name), Column(second, "category", tuple(categories)))
    low, high = ((-np.inf, 30.000000000000004),), ((30.000000000000004, np.inf),)
    conditions = [
        (NumberCondition(0, low, True), CategoryCondition(1, frozenset({0, 1}), False, False)),
        (NumberCondition(0, low, True), CategoryCondition(1, frozenset({2}), True, True)),
        (NumberCondition(0, high, False), CategoryCondition(1, frozenset({2}), True, False)),
        (NumberCondition(0, high, False), CategoryCondition(1, frozenset({0, 1}), False, True)),
    ]
    values = ([0.1, 0.9], [1 / 3, 2 / 3], [1.0, 0.0], [0.5, 0.5])
    rules = tuple(Rule(c, np.array([v])) for c, v in zip(conditions, values))
    texts = {(0, 30.000000000000004): "30"}
    return RuleSet(columns, rules, (np.array(labels),), texts=texts)


NOT_SQL = {
    "prql": "another language, which sqlglot only reads",
    "dax": "a language of formulas, not of queries",
}


@pytest.mark.parametrize("dialect", [d.value for d in sqlglot.Dialects])
def test_every_dialect_writes_what_it_reads_back(dialect):
    rules = small_rules(
        "a \"b' ]c`\\d\n", ("it's", 'say "x"', "back\\slash\n%s{x}--/*"), ("no", "y'")
    )
    query = rules.to_sql("my schema.my table", dialect)
    if dialect in NOT_SQL:
        pytest.skip(NOT_SQL[dialect])
    tree = sqlglot.parse_one(query, read=dialect)
    strings = {x.this for x in tree.find_all(sqlglot.exp.Literal) if x.is_string}
    assert strings - {"NaN"} == set(rules.columns[1].categories)
    quoted = {x.this for x in tree.find_all(sqlglot.exp.Identifier) if x.args.get("quoted")}
    assert {rules.columns[0].name, "job", "my schema", "my table", "P(no)", "P(y')"} <= quoted
    assert len(list(tree.find_all(sqlglot.exp.Case))) == 3


def test_a_case_is_flat_whatever_the_depth():
    X = pd.DataFrame({"x": np.arange(1500.0)})
    model = DecisionTreeClassifier(random_state=0).fit(X, np.arange(1500) % 2)
    rules = rules_of(model, X)
    assert len(rules) == 1500  # a nested CASE would overflow SQLite's parser
    rows = X[::50].reset_index(drop=True)
    for engine in ENGINES:
        check_sql(rules, rows, model.predict_proba(rows), engine)


def test_names_of_ours_give_way():
    rules = small_rules("Rule", labels=("no", "yes"), second="p(NO)")
    frame = pd.DataFrame({"Rule": [1.0], "p(NO)": ["a"]})
    for engine in ENGINES:
        rule, outputs = by_sql(rules, frame, engine)
        assert rule.tolist() == [1] and outputs.tolist() == [[0.1, 0.9]]
    assert '"rule 2"' in rules.to_sql("t") and '"P(no) 2"' in rules.to_sql("t")
    table = rules.to_decision_table()
    assert list(table) == ["rule 2", "Rule", "p(NO)", "P(no) 2", "P(yes)"]


def test_an_unknown_column_is_an_error_in_sqlite():
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE "t" ("job" TEXT)')
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        connection.execute(small_rules().to_sql("t"))


def test_text_that_holds_numbers_compares_as_numbers_in_sqlite():
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE "t" ("age" TEXT, "job" TEXT)')
    connection.executemany("INSERT INTO t VALUES (?, ?)", [("4", "a"), ("100", "b")])
    query = small_rules().to_sql("t")
    assert [row[2] for row in connection.execute(query)] == [1, 4]


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda: small_rules("").to_sql("t"), "no column or table"),
        (lambda: small_rules("a\0b").to_sql("t"), "no column or table"),
        (lambda: small_rules().to_sql(""), "no column or table"),
        (lambda: small_rules().to_sql("a.b.c.d"), "catalog.schema.name"),
        (lambda: small_rules().to_sql([]), "catalog.schema.name"),
        (lambda: small_rules("\ud800").to_sql("t"), "has no form in the SQL"),
        (lambda: small_rules(categories=("\ud800", "b", "c")).to_sql("t"), "has no form"),
        (lambda: small_rules(categories=("\0", "b", "c")).to_sql("t", "mysql"), "has no form"),
        (lambda: small_rules("Job").to_sql("t"), "does not tell the columns 'Job' and 'job'"),
        (lambda: small_rules("Job").to_sql("t", "duckdb"), "does not tell the columns"),
        (lambda: small_rules().to_sql("t", "no such"), "no such"),
        (lambda: small_rules(categories=(("a",), "b", "c")).to_sql("t"), "of type tuple"),
        (lambda: small_rules(categories=(("a",), "b", "c")).to_python(), "of type tuple"),
        (lambda: small_rules(categories=(("a",), "b", "c")).to_json(), "of type tuple"),
        (lambda: RuleSet((), ()).to_sql("t"), "no rules"),
        (lambda: RuleSet((), ()).to_python(), "no rules"),
        (lambda: small_rules().to_python("a b"), "cannot be the name"),
        (lambda: small_rules().to_python("float"), "cannot be the name"),
        (lambda: small_rules().to_python("if"), "cannot be the name"),
        (lambda: small_rules().to_csv(what="sql"), "what must be one of"),
    ],
)
def test_what_cannot_be_written_is_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        change()


def test_case_matters_where_the_engine_says_so():
    assert small_rules("Job").to_sql("t", "postgres")


@pytest.mark.parametrize("part", ["my.table", 'a"b', "select"])
def test_tables_with_any_name(part):
    for engine, connection in (
        ("sqlite", sqlite3.connect(":memory:")),
        ("duckdb", duckdb.connect()),
    ):
        connection.execute(f'CREATE TABLE {identifier(part)} ("age" DOUBLE, "job" VARCHAR)')
        connection.execute(f"INSERT INTO {identifier(part)} VALUES (1, 'a')")
        assert connection.execute(small_rules().to_sql([part], engine)).fetchone()[2] == 1


# -- Python ---------------------------------------------------------------------------------------


def test_python_source_is_one_function_without_imports():
    import ast

    for name in NASTY:
        source = small_rules(name, tuple(NASTY[:3]), second="job 2").to_python("predict")
        tree = ast.parse(source)
        assert [type(node) for node in tree.body] == [ast.FunctionDef]
        calls = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call)}
        assert calls <= {"float", "ValueError"}
        assert not any(
            isinstance(n, (ast.Import, ast.ImportFrom, ast.Attribute)) for n in ast.walk(tree)
        )


def test_python_takes_what_rows_hold():
    space = {}
    exec(small_rules().to_python(), space)
    ask = space["predict_proba"]
    for age in (4, 4.0, np.float32(4), True, None, float("nan"), np.nan, "4"):
        assert ask({"age": age, "job": "a", "more": 1}) == [0.1, 0.9]
    for job in (None, float("nan"), "new", 3):
        assert ask({"age": 4, "job": job}) == [1 / 3, 2 / 3]
    assert ask({"age": 40, "job": None}) == [1.0, 0.0]
    with pytest.raises(KeyError):
        ask({"age": 4})
    with pytest.raises(ValueError, match="could not convert"):
        ask({"age": "old", "job": "a"})


# -- JSON -----------------------------------------------------------------------------------------


def test_json_states_its_schema_and_is_strict():
    content = json.loads(small_rules().to_json(), parse_constant=pytest.fail)
    assert content["schema"] == SCHEMA == "treeprune-rules/1"
    assert content["rules"][0]["conditions"][0]["intervals"] == [
        {"above": None, "to": 30.000000000000004, "printed": [None, "30"]}
    ]
    assert content["rules"][0]["weight"] is None


@pytest.mark.parametrize("categories", [(1, 2, 3), (0.5, 1.5, 2.0), (False, True), ("1", "2", "3")])
def test_json_keeps_the_types_of_categories(categories):
    columns = (Column("c", "category", categories),)
    rule = Rule((CategoryCondition(0, frozenset({1}), False, False),), np.array([[1.0]]))
    again = from_json(RuleSet(columns, (rule,)).to_json())
    assert again.columns == columns
    assert [type(c) for c in again.columns[0].categories] == [type(c) for c in categories]


BELOW_40 = {"above": 20.0, "to": 40.0, "printed": ["20", "40"]}


def _at(content, path):
    for key in path:
        content = content[key]
    return content


@pytest.mark.parametrize(
    "path, value, message",
    [
        (["schema"], "treeprune-rules/2", "this version reads"),
        (["kind"], "magic", "one of tree"),
        (["columns", 0, "name"], 3, r"columns\[0\].name: must be a text"),
        (["columns", 0, "name"], "job", "two columns are called 'job'"),
        (["columns", 0, "kind"], ["number"], "one of number"),
        (["columns", 0, "categories"], ["a"], "not a category"),
        (["columns", 1, "categories"], ["a", "a", "b"], "different"),
        (["columns", 1, "categories"], [["a"], "b", "c"], "different|texts"),
        (["columns", 1, "refuses_missing"], 1, "true or false"),
        (["classes", 0, "labels"], ["no"], "value: must be lists of"),
        (["classes", 0, "labels"], ["no", "no"], "different"),
        (["classes", 0, "type"], "int64", "not all are of type int64"),
        (["classes", 0, "type"], "U1000000000", "one of"),
        (["rules"], [], "one or more"),
        (["rules", 0, "value"], [[0.5, "x"]], "value: must be lists"),
        (["rules", 0, "value"], [[0.5, 10**400]], "value: must be lists"),
        (["rules", 0, "value"], [[0.5]], "value: must be lists"),
        (["rules", 0, "conditions", 0, "column"], 2, "from 0 to 1"),
        (["rules", 0, "conditions", 0, "column"], True, "from 0 to 1"),
        (["rules", 0, "conditions", 1, "column"], 0, "must be a list|at most one"),
        (["rules", 0, "conditions", 1, "allowed"], [3], "positions from 0 to 2"),
        (["rules", 0, "conditions", 1, "allowed"], [-1], "positions from 0 to 2"),
        (["rules", 0, "conditions", 1, "allowed"], [], "no value can meet"),
        (["rules", 0, "conditions", 0, "intervals", 0, "to"], 10**400, "a number or null"),
        (["rules", 0, "conditions", 0, "intervals", 0, "above"], "x", "a number or null"),
        (["rules", 0, "conditions", 0, "intervals", 0, "above"], 40.0, "two decimals"),
        (["rules", 0, "conditions", 0, "intervals", 0, "printed"], [None, "3; x"], "two decimals"),
        (
            ["rules", 0, "conditions", 0, "intervals", 0, "printed"],
            [None, "\n30\n"],
            "two decimals",
        ),
        (["rules", 0, "conditions", 0, "intervals", 0, "printed"], [None, "1e999"], "two decimals"),
        (["rules", 0, "conditions", 0, "intervals", 0, "printed"], [None, "999"], "roundings"),
        (["rules", 0, "conditions", 0, "intervals", 0, "printed"], [None, "31"], "roundings"),
        (["rules", 0, "conditions", 0, "intervals", 0, "printed"], [None, "29"], "roundings"),
        (["rules", 0, "conditions", 0, "intervals", 0, "printed"], [None, "-30"], "roundings"),
        (["rules", 0, "conditions", 0, "intervals", 0, "printed"], [None, "3e-30"], "roundings"),
        (["rules", 0, "conditions", 0, "intervals", 0, "printed"], [None, "30.0"], "same wherever"),
        (["rules", 0, "value"], [[1.5, -0.5]], "probabilities from 0 to 1"),
        (["rules", 0, "value"], [[0.5, 1e308]], "probabilities from 0 to 1"),
        (["rules", 0, "value"], [[0.9, 0.9]], "a sum of 1"),
        (["rules", 0, "value"], [[0.1, 0.9 + 2e-9]], "a sum of 1"),
        (["rules", 0, "weight"], "much", "a number or null"),
        (["rules", 0, "weight"], -1.0, "not negative"),
        (["rules", 0, "weight"], 10**400, "a number or null"),
        (["target"], [], "1 texts that are not empty"),
        (["target"], ["y", "z"], "1 texts that are not empty"),
        (["target"], [""], "1 texts that are not empty"),
        (["rules", 1, "conditions", 1, "missing"], False, None),  # a gap, but no overlap
        (["rules", 0, "conditions", 1, "missing"], True, "rules 1 and 2 overlap"),
        (["rules", 1, "conditions", 1, "allowed"], [1, 2], "rules 1 and 2 overlap"),
        (["rules", 3, "conditions"], [], "rules 1 and 4 overlap"),
        (["rules", 3, "conditions", 0, "intervals", 0], BELOW_40, "rules 1 and 4 overlap"),
        (["rules", 0], 7, "must be an object"),
    ],
)
def test_json_that_does_not_fit_together_is_refused(path, value, message):
    content = json.loads(small_rules().to_json())
    _at(content, path[:-1])[path[-1]] = value
    if message is None:
        assert len(from_json(json.dumps(content))) == 4
        return
    with pytest.raises(ValueError, match=message):
        from_json(json.dumps(content))


@given(
    st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-100, 100)
    | st.integers(-(10**4), 10**4).map(lambda n: n / 1000),
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False)
        | st.integers(-1000, 1000).map(float)
        | st.integers(-(10**4), 10**4).map(lambda n: n / 100)
    ),
)
@settings(max_examples=300, deadline=None)
def test_every_limit_that_is_printed_is_read(limit, values):
    text = printed_limit(limit, np.array(values, dtype=np.float64))
    rule = Rule((NumberCondition(0, ((-np.inf, limit),), False),), np.array([[0.5]]))
    rules = RuleSet((Column("a"),), (rule,), texts={(0, limit): text})
    assert from_json(rules.to_json()).text_of(0, limit) == text


@given(st.integers(-(10**6), 10**6), st.integers(0, 4), st.integers(-3, 3), st.integers(0, 4))
@settings(max_examples=300, deadline=None)
def test_only_roundings_of_a_limit_are_read(mantissa, decimals, steps, kept):
    limit = mantissa / 10**decimals
    exact = Fraction(mantissa, 10**decimals)
    down = Fraction(math.floor(exact * 10**kept) + steps, 10**kept)
    text = f"{float(down):.{kept}f}"
    assert Fraction(text) == down
    known = {f"{limit:.{digits}g}" for digits in range(1, 18)}
    fits = steps == 0 or float(text) in set(map(float, known))
    rule = Rule((NumberCondition(0, ((-np.inf, limit),), False),), np.array([[0.5]]))
    written = RuleSet((Column("a"),), (rule,), texts={(0, limit): text}).to_json()
    if fits:
        assert from_json(written).text_of(0, limit) == text
    else:
        with pytest.raises(ValueError, match="roundings of the limits"):
            from_json(written)


def test_probabilities_of_one_against_the_rest_need_no_sum():
    rule = Rule((), np.array([[0.2, 0.2, 0.2]]))
    rules = RuleSet((Column("a"),), (rule,), (np.array(["a", "b", "c"]),), kind="partition")
    assert from_json(rules.to_json()).rules[0].value.tolist() == [[0.2, 0.2, 0.2]]
    with pytest.raises(ValueError, match="a sum of 1"):
        from_json(replace(rules, kind="tree").to_json())


@given(partitions(), st.data())
@settings(max_examples=100, deadline=None)
def test_partitions_are_read_and_overlaps_are_not(rules, data):
    assert len(from_json(rules.to_json())) == len(rules)
    i = data.draw(st.integers(0, len(rules) - 1))
    fewer = replace(rules.rules[i], conditions=rules.rules[i].conditions[1:])
    wider = replace(rules, rules=(*rules.rules, fewer))
    with pytest.raises(ValueError, match=r"rules \d+ and \d+ overlap"):
        from_json(wider.to_json())


def test_outputs_without_a_name_each_are_numbered():
    rule = Rule((), np.array([[0.5], [1.5]]))
    for target in (("y",), ("first", "")):
        content = json.loads(RuleSet((Column("a"),), (rule,), target=target).to_json())
        assert content["target"] == ["y0", "y1"]
        assert from_json(json.dumps(content)).target == ("y0", "y1")


# -- rules that imitate ---------------------------------------------------------------------------


def test_rules_that_imitate_say_so_wherever_they_run():
    rules = small_rules(name="*/ DROP TABLE t; --", second='"""')
    imitating = replace(rules, kind="surrogate")
    frame = pd.DataFrame({"*/ DROP TABLE t; --": [20, 40, None], '"""': ["a", None, "new"]})
    expected = rules.predict_proba(frame)
    for engine in ENGINES:
        check_sql(imitating, frame, expected, engine)
    check_python(imitating, frame, expected)
    made = {}
    exec(imitating.to_python("ask"), made)
    assert made["ask"].__doc__ == IMITATION
    assert IMITATION not in rules.to_python("ask") and IMITATION not in rules.to_sql("t")
    assert imitating.to_csv() == rules.to_csv()
    assert from_json(imitating.to_json()).kind == "surrogate"


@pytest.mark.parametrize("dialect", [d.value for d in sqlglot.Dialects])
def test_every_dialect_says_that_rules_imitate(dialect):
    if dialect in NOT_SQL:
        pytest.skip(NOT_SQL[dialect])
    query = replace(small_rules(), kind="surrogate").to_sql("t", dialect)
    assert re.match(rf"/\* {re.escape(IMITATION)} \*/\s", query)
    assert query.count("/*") == 1 and "--" not in query
    bare = re.sub(r"\A/\*.*?\*/\s*", "", query)
    assert bare == small_rules().to_sql("t", dialect)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "NaN", '{"schema": NaN}', "[" * 100_000, b"\xff\xfe\x00"]
)
def test_json_that_is_no_rule_set_is_refused(text):
    with pytest.raises(ValueError, match="not a rule set"):
        from_json(text)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_change_of_the_json_is_refused_or_harmless(data):
    content = json.loads(small_rules().to_json())
    holder = content
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(keys))
        deeper = holder[key]
        if not (isinstance(deeper, dict | list) and deeper) or data.draw(st.booleans()):
            break
        holder = deeper
    holder[key] = data.draw(anything)
    try:
        rules = from_json(json.dumps(content))
    except ValueError:
        return
    frame = pd.DataFrame({c.name: [1.0, np.nan] for c in rules.columns})
    assert set(rules.match(frame)) <= set(range(-1, len(rules)))
    assert from_json(rules.to_json()).to_json() == rules.to_json()


# -- tables and CSV -------------------------------------------------------------------------------


def looks_like_a_formula(text, is_cell=True):
    """A slow twin: what is left once blanks and controls are gone begins a formula."""
    import unicodedata

    i = 0
    while i < len(text) and (
        text[i].isspace() or unicodedata.category(text[i]) in ("Cc", "Cf", "Zs", "Zl", "Zp")
    ):
        if is_cell and text[i] in "\t\r\0" and i == 0:
            return True
        i += 1
    return text[i:].startswith(tuple("=+-@|%＝＋－＠"))


loaded = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="=+-@|%＝＋－＠ \t\r\n\0;,\"'\u200b\u00a0\ufeffa1", max_size=12),
    st.sampled_from(NASTY),
)


@given(
    st.lists(loaded, min_size=1, max_size=4), st.lists(loaded, min_size=4, max_size=4), st.floats()
)
@settings(max_examples=300, deadline=None)
def test_no_cell_of_a_csv_is_a_formula(heads, cells, number):
    frame = pd.DataFrame([[*cells[: len(heads)], number]], columns=[*heads, "n"])
    text = frame_csv(frame)
    if any("\0" in part for part in (*heads, *cells)) and "\0" in text:
        text = text.replace("\0", "\ue000")  # the reader of Python 3.10 refuses NUL
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 2 and len(rows[0]) == len(rows[1]) == len(heads) + 1
    for cell in (*rows[0], *rows[1][:-1]):
        assert not looks_like_a_formula(cell)
        for piece in re.split("[;\t]", cell):  # where lists are separated otherwise
            assert not looks_like_a_formula(piece, is_cell=False)
    for cell, meant in zip(rows[1][:-1], cells):
        assert cell.replace("'", "").replace("\ue000", "\0") == meant.replace("'", "")
    assert rows[1][-1] == ("" if math.isnan(number) else repr(number))


def test_harmless_text_is_left_alone():
    for text in ("<= 11", "age > 3; job in {a, b}", "any", "R1", "x - y", "'=1'", "", "a@b"):
        assert defused(text) == text


def test_csv_of_rules(tmp_path):
    rules = small_rules("=cmd|' /C calc'!A0", ("@a", "-b", "c"))
    for what, frame in (("rules", rules.to_frame()), ("decision_table", rules.to_decision_table())):
        file = tmp_path / f"{what}.csv"
        file.write_text("old")
        assert rules.to_csv(file, what=what) is None
        text = (
            file.read_text(encoding="utf-8-sig", newline="")
            if False
            else file.read_bytes().decode("utf-8-sig")
        )
        assert text == rules.to_csv(what=what)
        again = pd.read_csv(io.StringIO(text))
        assert again.shape == frame.shape
        assert np.array_equal(again["P(yes)"], frame["P(yes)"])
        assert not any(looks_like_a_formula(cell) for cell in again.columns)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["decision_table.csv", "rules.csv"]


def test_a_csv_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        small_rules().to_csv(tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_the_decision_table_says_each_condition_once():
    table = small_rules().to_decision_table()
    assert list(table) == ["rule", "age", "job", "P(no)", "P(yes)"]
    assert table["age"].tolist() == ["<= 30", "<= 30", "> 30", "> 30"]
    assert table["job"].tolist()[0] == "in {a, b}"
    only = Rule((), np.array([[1.0]]))
    first = Rule((NumberCondition(0, ((-5.0, 3.0),), False),), np.array([[2.0]]))
    assert RuleSet((Column("x"),), (first, only)).to_decision_table().to_numpy().tolist() == [
        ["R1", "> -5 and <= 3", 2.0],
        ["R2", "any", 1.0],
    ]


def test_plain_values():
    assert plain(np.int64(3)) == 3 and type(plain(np.int64(3))) is int
    assert plain(True) is True and type(plain(np.str_("a"))) is str
