"""Counterfactuals against brute force over all values, and on real models with real tables."""

from __future__ import annotations

import itertools
import math
import pickle

import naive_explain as naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_strategies import partitions
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from treeprune import native
from treeprune.datasets import load_german_credit
from treeprune.decision import Decision
from treeprune.explain.change_costs import ChangeCosts
from treeprune.explain.conditions import CategoryCondition, Column, NumberCondition
from treeprune.explain.counterfactual import (
    Change,
    Counterfactual,
    cheapest_change,
    cheapest_changes,
    find,
)
from treeprune.explain.features import FeatureMap
from treeprune.explain.leaves import tree_rules
from treeprune.explain.raw_rows import row_of, with_values
from treeprune.explain.rules import Rule, RuleSet

# --- optimal, against brute force ----------------------------------------------------------------


@st.composite
def tasks(draw, continuous: bool, max_columns: int = 3):
    """A partition, a row, reference rows and options of all kinds."""
    rules = draw(partitions(max_columns, n_values=2))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    row, reference, options = (
        [],
        [],
        {"immutable": [], "directions": {}, "steps": {}, "weights": {}},
    )
    for about in rules.columns:
        if about.kind == "category":
            codes = naive.points(rules, rules.columns.index(about))
            row.append(draw(st.sampled_from(codes)))
            reference.append(rng.integers(-1, len(about.categories), 6))
        else:
            missing = [] if about.refuses_missing else [math.nan]
            unit = 1 if about.integer else 10
            row.append(draw(st.sampled_from([*range(-2 * unit, 6 * unit), *missing])))
            row[-1] = float(row[-1] / unit)
            reference.append(rng.integers(-2 * unit, 6 * unit, 6) / unit)
            options["directions"][about.name] = draw(
                st.sampled_from(["any", "any", "increase", "decrease"])
            )
            if continuous:
                options["steps"][about.name] = None
            elif draw(st.booleans()):
                options["steps"][about.name] = draw(st.sampled_from([0.5, 1, 2.0]))
        if draw(st.integers(0, 4)) == 0:
            options["immutable"].append(about.name)
        options["weights"][about.name] = draw(st.sampled_from([0.5, 1.0, 3.0]))
    return rules, row, reference, options


def axis(rules, c, old, options, reference):
    """All values that a column may take."""
    about = rules.columns[c]
    if about.kind == "category":
        return naive.points(rules, c)
    step = options["steps"].get(about.name, 0)
    if step is None:
        return [old, *naive.points(rules, c)]
    if step:
        start = 0.0 if math.isnan(old) else old
        return [old, *(start + k * step for k in range(-20, 21))]
    decimals = 0 if (np.floor(reference[c]) == reference[c]).all() else 1
    return [old, *(k / 10**decimals for k in range(-7 * 10**decimals, 7 * 10**decimals))]


def least_cost(rules, row, reference, wanted, options):
    axes = [axis(rules, c, row[c], options, reference) for c in range(len(row))]
    # Columns that no rule asks for need not change.
    axes = [a if c in rules.used else [row[c]] for c, a in enumerate(axes)]
    names = [about.name for about in rules.columns]
    scales = [
        1.0 if about.kind == "category" else naive.spread(reference[c])
        for c, about in enumerate(rules.columns)
    ]
    directions = [
        "immutable" if name in options["immutable"] else options["directions"].get(name, "any")
        for name in names
    ]
    weights = [options["weights"][name] for name in names]
    return naive.cheapest(rules, row, wanted, axes, weights, scales, directions)


def check_way(way, rules, row, wanted, costs):
    """The way leads where it says, by allowed changes, at the cost that it says."""
    changed = [way.values.get(c, old) for c, old in enumerate(row)]
    assert naive.rule_of(rules, changed) == way.rule and wanted[way.rule]
    paid = [costs.cost(c, row[c], new) for c, new in way.values.items()]
    assert None not in paid and sum(paid) == pytest.approx(way.cost)


@given(tasks(continuous=False))
def test_the_cheapest_change_is_the_cheapest(task):
    rules, row, reference, options = task
    wanted = np.array([rule.value[0, 0] == 0 for rule in rules])
    costs = ChangeCosts.of(rules.columns, reference, **options)
    way = cheapest_change(rules, row, wanted, costs=costs)
    best = least_cost(rules, row, reference, wanted, options)
    assert best == pytest.approx(math.inf if way is None else way.cost)
    if way is not None:
        check_way(way, rules, row, wanted, costs)


@given(tasks(continuous=True))
def test_continuous_numbers_cost_at_most_a_thousandth_more(task):
    rules, row, reference, options = task
    wanted = np.array([rule.value[0, 0] == 0 for rule in rules])
    costs = ChangeCosts.of(rules.columns, reference, **options)
    way = cheapest_change(rules, row, wanted, costs=costs)
    best = least_cost(rules, row, reference, wanted, options)
    if way is None:
        assert best == math.inf
        return
    check_way(way, rules, row, wanted, costs)
    assert best - 1e-9 <= way.cost <= best + 1e-3 * sum(options["weights"].values()) + 1e-9


@settings(max_examples=20)
@given(tasks(continuous=False, max_columns=2))
def test_ways_are_sorted_and_blocked_ones_need_what_is_barred(task):
    rules, row, reference, options = task
    costs = ChangeCosts.of(rules.columns, reference, **options)
    everywhere = np.ones(len(rules), dtype=bool)
    ways = cheapest_changes(rules, row, everywhere, costs)
    assert sorted(way.rule for way in ways) == list(range(len(rules)))
    assert ways[0].cost == 0 and ways[0].rule == naive.rule_of(rules, row)
    open_ways = [way.cost for way in ways if not way.blocked]
    assert open_ways == sorted(open_ways)
    for way in ways:
        alone = np.arange(len(rules)) == way.rule
        best = least_cost(rules, row, reference, alone, options)
        assert best == pytest.approx(math.inf if way.blocked else way.cost)
        for c, v in way.values.items():
            assert v >= 0 if rules.columns[c].kind == "category" else math.isfinite(v)


# --- values --------------------------------------------------------------------------------------


def below(limit):
    return NumberCondition(0, ((-np.inf, limit),), False)


def above(limit):
    return NumberCondition(0, ((limit, np.inf),), False)


@pytest.mark.parametrize(
    "reference, step, old, condition, new",
    [
        ([1.0, 2.0, 3.0], "own", 9.0, below(2.5), 2.0),
        ([1.0, 2.0, 3.0], "own", 1.0, above(2.5), 3.0),
        ([1.0, 2.0, 3.0], "own", 1.0, above(2.0), 3.0),
        ([0.1, 0.2, 0.3], "own", 0.1, above(0.2), 0.3),
        ([0.1, 0.2, 0.35], "own", 0.1, above(0.2), 0.21),
        ([1.0, 2.0], 6, 25.0, below(20.0), 19.0),
        ([1.0, 2.0], 6, 25.0, below(18.9), 13.0),
        ([1.0, 2.0], None, 25.0, below(18.9), 18.9),
        ([1 / 3, 2 / 3], "own", 0.0, above(0.5), 0.5001),  # next to it, and short
        ([1 / 3, 2 / 3], "own", 1.0, below(0.123456789), 0.1234),
        ([1.0, 2.0], "own", 9.0, NumberCondition(0, ((2.2, 2.8),), False), None),
        ([1.0, 2.0], "own", 9.0, NumberCondition(0, ((2.2, 2.8), (-5.0, -3.0)), False), -3.0),
        ([1.0, 2.0], "own", 9.0, NumberCondition(0, (), True), None),
        ([1.0, 7.0, 30.0], "own", np.nan, above(2.0), 7.0),  # what is usual
        ([1.0, 7.0, 30.0], "own", np.nan, above(11.0), 12.0),
        ([1.0, 2.0], None, 1.0, NumberCondition(0, ((2.0, np.nextafter(2, 3)),), False), "high"),
    ],
)
def test_new_numbers(reference, step, old, condition, new):
    values = np.array(reference)
    whole = bool((np.floor(values) == values).all())
    options = {} if step == "own" else {"steps": {"x": step}}
    costs = ChangeCosts.of((Column("x", integer=whole),), [values], **options)
    found = costs.cheapest(old, condition)
    if new is None:
        assert found is None
    else:
        assert found.value == (np.nextafter(2, 3) if new == "high" else new)
        assert condition.meets(np.array([found.value]))[0]


def test_the_printed_decimal_is_taken_where_it_costs_next_to_nothing():
    costs = ChangeCosts.of((Column("x"),), [np.array([1.0, 9.0])], steps={"x": None})
    assert costs.cheapest(9.0, below(3.141592), lambda c, limit: "3.1415").value == 3.1415
    assert costs.cheapest(9.0, below(3.141592), lambda c, limit: "3").value == 3.14


def test_the_most_frequent_category_is_taken():
    about = Column("c", "category", ("a", "b", "c", "d"))
    costs = ChangeCosts.of((about,), [np.array([0, 1, 2, 2, -1, -1, -2])])
    condition = CategoryCondition(0, frozenset({1, 2, 3}), True, True)
    assert costs.cheapest(0, condition).value == 2
    for old in (-1, -2):
        found = costs.cheapest(old, CategoryCondition(0, frozenset({1, 2}), False, False))
        assert (found.value, found.cost) == (2, 1.0)
    assert costs.cheapest(0, CategoryCondition(0, frozenset(), True, True)) is None


def test_moves_between_categories():
    about = Column("home", "category", ("own", "rent", "free"))
    costs = ChangeCosts.of((about,), [np.array([2, 2, 0])], moves={"home": {"rent": ["own"]}})
    condition = CategoryCondition(0, frozenset({0, 2}), False, False)
    assert costs.cheapest(1, condition).value == 0  # though `free` is more frequent
    assert costs.cheapest(1, CategoryCondition(0, frozenset({2}), False, False)) is None
    assert costs.cheapest(2, CategoryCondition(0, frozenset({0}), False, False)) is None
    assert costs.cheapest(-1, condition) is None


@pytest.mark.parametrize(
    "options, message",
    [
        ({"immutable": ["y"]}, r"immutable names \['y'\]"),
        ({"immutable": "x"}, r"give \['x'\]"),
        ({"immutable": ["pca0"]}, "no raw columns"),
        ({"directions": {"c": "increase"}}, "no columns of numbers"),
        ({"directions": {"x": "up"}}, "must be one of"),
        ({"steps": {"x": 0}}, "positive number or None"),
        ({"steps": {"c": 1}}, "no columns of numbers"),
        ({"weights": {"x": -1}}, "positive and finite"),
        ({"weights": {"x": np.inf}}, "use immutable"),
        ({"moves": {"x": {}}}, "columns of categories are"),
        ({"moves": {"c": {"a": ["z"]}}}, r"speaks of \['z'\]"),
        ({"moves": {"c": {"z": ["a"]}}}, r"speaks of \['z'\]"),
    ],
)
def test_options_that_do_not_suit_are_refused(options, message):
    columns = (Column("x"), Column("c", "category", ("a", "b")), Column("pca0", "derived"))
    reference = [np.array([1.0, 2.0]), np.array([0, 1]), np.array([0.5, 1.5])]
    with pytest.raises(ValueError, match=message):
        ChangeCosts.of(columns, reference, **options)


# --- rows ----------------------------------------------------------------------------------------

FRAME = pd.DataFrame(
    {
        "int": np.array([3], dtype=np.int32),
        "float32": np.array([0.5], dtype=np.float32),
        "nullable": pd.array([3], dtype="Int64"),
        "cat": pd.Categorical(["b"], categories=["a", "b", "z"], ordered=True),
        "text": pd.Series(["b"], dtype=object, index=[17]),
        "flag": [True],
    },
    index=[17],
)
COLUMNS = (
    *(Column(name, "number") for name in ("int", "float32", "nullable")),
    *(Column(name, "category", ("a", "b")) for name in ("cat", "text")),
    Column("flag", "category", (False, True)),
)


def test_rows_keep_their_types_where_these_hold_the_values():
    rules = RuleSet(COLUMNS, ())
    row = with_values(rules, FRAME, {0: 4.0, 1: 0.25, 2: 5.0, 3: 0, 4: 0, 5: 0})
    assert (row.dtypes == FRAME.dtypes).all() and row.index.tolist() == [17]
    assert row.iloc[0].tolist() == [4, 0.25, 5, "a", "a", False]
    assert FRAME.iloc[0].tolist() == [3, 0.5, 3, "b", "b", True]  # not in place


def test_rows_are_widened_where_they_have_to_be():
    rules = RuleSet(COLUMNS, ())
    row = with_values(rules, FRAME, {0: 4.5, 1: 0.1, 2: np.nan, 3: -1, 4: -1, 5: -1})
    assert row["int"].iloc[0] == 4.5 and row["float32"].iloc[0] == 0.1
    assert row["nullable"].dtype == "Int64" and row.iloc[0, 2:].isna().all()
    assert with_values(rules, FRAME, {0: np.nan})["int"].isna().all()
    unseen = with_values(rules, FRAME, {3: -2, 4: -2})
    assert unseen["text"].iloc[0] not in ("a", "b") and unseen["cat"].iloc[0] not in ("a", "b")
    assert rules.values(unseen)[3:5] == [[-2], [-2]]


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64, object])
def test_arrays_stay_arrays(dtype):
    rules = RuleSet((Column("x0"), Column("x1")), (), feature_map=None)
    row = np.array([[1, 2]], dtype=dtype)
    assert with_values(rules, row, {1: 3.0}).dtype == dtype
    assert with_values(rules, row, {1: 3.0}).tolist() == [[1, 3]]
    assert with_values(rules, row, {1: 0.1}).tolist() == [[1, 0.1]]
    assert row.tolist() == [[1, 2]]


@pytest.mark.parametrize("rows", [np.zeros(3), np.zeros((2, 3)), FRAME.iloc[:0]])
def test_only_one_row_is_taken(rows):
    with pytest.raises(ValueError, match="one row is needed"):
        row_of(rows)


# --- models --------------------------------------------------------------------------------------


def read(model, X, **options):
    """The rules of a pipeline that ends in a tree."""
    feature_map = FeatureMap.of(model[:-1] if len(model) > 1 else None, X)
    tree = model[-1]
    leaves = tree_rules(native.read(tree), native.splits(tree), feature_map, lambda raw: raw)
    return RuleSet(feature_map.columns, leaves, (tree.classes_,), feature_map, **options)


@pytest.fixture(scope="module")
def german():
    data = load_german_credit()
    X, y = data.data.copy(), data.target
    words = [c for c in X if X[c].dtype.kind not in "if"]
    numbers = [c for c in X if c not in words]
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), words[:4]),
        (OrdinalEncoder(), words[4:]),
        (StandardScaler(), numbers),
    )
    model = make_pipeline(encode, DecisionTreeClassifier(min_samples_leaf=15, random_state=0))
    return model.fit(X, y), X, y


def ask(model, rules, X, row, decision, **options):
    position = decision.position(model.classes_)
    p = np.array([rule.value[0, position] for rule in rules])
    return find(
        rules,
        row,
        rules.values(X),
        ~decision.decide(p),
        outputs=p,
        output_of=lambda rows: model.predict_proba(rows)[:, position],
        is_wanted=lambda p: ~decision.decide(p),
        **options,
    )


def test_german_credit_changes_turn_the_decision_of_the_model(german):
    model, X, y = german
    rules = read(model, X)
    decision = Decision(
        y.value_counts().idxmin(), cutoff=0.4, adverse_word="declined", favourable_word="approved"
    )
    position = decision.position(model.classes_)
    declined = np.flatnonzero(decision.decide(model.predict_proba(X)[:, position]))
    fixed = [c for c in X if c in ("age", "personal_status", "foreign_worker")]
    n_feasible = 0
    for i in declined[:8]:
        row = X.iloc[[i]]
        found = ask(model, rules, X, row, decision, immutable=fixed, n=3)
        assert found[0].cost == min(one.cost for one in found)
        for one in found:
            assert one.feasible and one.exact
            changed = one.apply(row)
            assert (changed.dtypes == X.dtypes).all()
            after = model.predict_proba(changed)[0, position]
            assert after == one.after < 0.4 <= one.before
            differs = [c for c in X if changed[c].iloc[0] != row[c].iloc[0]]
            assert sorted(differs) == sorted(change.column for change in one.changes)
            assert not set(differs) & set(fixed)
            assert "approved instead of declined" in one.to_text(decision)
            assert one.to_frame()["cost"].sum() == pytest.approx(one.cost)
            n_feasible += 1
        names = [{change.column for change in one.changes} for one in found]
        assert not any(a <= b for a, b in itertools.combinations(names, 2))
        assert pickle.loads(pickle.dumps(found[0])).changes == found[0].changes
    assert n_feasible > 8


def test_a_row_that_has_the_outcome_needs_no_change(german):
    model, X, y = german
    decision = Decision(y.value_counts().idxmin(), cutoff=0.9)
    rules = read(model, X)
    p = model.predict_proba(X)[:, decision.position(model.classes_)]
    row = X.iloc[[int(np.argmin(p))]]
    (one,) = ask(model, rules, X, row, decision)
    assert one.feasible and one.exact and one.cost == 0 and one.changes == ()
    assert one.apply(row).equals(row)
    assert "No change needed" in one.to_text()


def test_why_there_is_no_way(german):
    model, X, y = german
    decision = Decision(y.value_counts().idxmin(), cutoff=0.4)
    rules = read(model, X)
    p = model.predict_proba(X)[:, decision.position(model.classes_)]
    row = X.iloc[[int(np.argmax(p))]]
    (one,) = ask(model, rules, X, row, decision, immutable=list(X))
    assert not one.feasible and one.cost == np.inf and "not allowed" in one.note
    assert one.to_text().startswith("No change found: each of the")


def test_no_rule_with_the_outcome():
    rules = RuleSet((Column("x"),), (Rule((), np.ones((1, 1))),))
    X = pd.DataFrame({"x": [1.0, 2.0]})
    (one,) = find(rules, X.iloc[[0]], rules.values(X), np.array([False]))
    assert not one.feasible and one.note == "no rule leads to the wanted outcome"


def test_a_surrogate_proposes_and_the_model_decides(german):
    _, X, y = german
    words = [c for c in X if X[c].dtype.kind not in "if"]
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), words), remainder="passthrough"
    )
    forest = RandomForestClassifier(25, min_samples_leaf=3, random_state=0)
    model = make_pipeline(encode, forest).fit(X, y)
    imitation = make_pipeline(encode, DecisionTreeClassifier(max_leaf_nodes=12, random_state=0))
    rules = read(imitation.fit(X, model.predict(X)), X, kind="surrogate")
    decision = Decision(y.value_counts().idxmin(), cutoff=0.4)
    position = decision.position(model.classes_)
    declined = np.flatnonzero(decision.decide(model.predict_proba(X)[:, position]))[:6]
    for i in declined:
        row = X.iloc[[i]]
        (one,) = ask(model, rules, X, row, decision, examples=X.iloc[:200], immutable=["age"])
        assert one.feasible and not one.exact and "age" not in one.to_frame()["column"].tolist()
        assert one.after == model.predict_proba(one.apply(row))[0, position] < 0.4
        for column in one.values:  # nothing can be undone
            fewer = {c: v for c, v in one.values.items() if c != column}
            p = model.predict_proba(with_values(rules, row, fewer))[0, position]
            assert p >= 0.4


def test_a_surrogate_without_its_model_is_refused():
    rules = RuleSet((Column("x"),), (Rule((), np.ones((1, 1))),), kind="surrogate")
    X = pd.DataFrame({"x": [1.0, 2.0]})
    with pytest.raises(ValueError, match="that verifies the changes"):
        find(rules, X.iloc[[0]], rules.values(X), np.array([False]))
    with pytest.raises(ValueError, match="go together"):
        find(rules, X.iloc[[0]], rules.values(X), np.array([False]), output_of=len)
    with pytest.raises(ValueError, match="at least 1"):
        find(rules, X.iloc[[0]], rules.values(X), np.array([False]), n=0)
    plain = RuleSet(rules.columns, rules.rules)
    with pytest.raises(ValueError, match="one a rule"):
        find(plain, X.iloc[[0]], rules.values(X), np.array([True, False]))
    refuses = RuleSet((Column("x", refuses_missing=True),), (Rule((above(0.0),), np.ones((1, 1))),))
    with pytest.raises(ValueError, match="meets no rule"):
        find(refuses, pd.DataFrame({"x": [np.nan]}), rules.values(X), np.array([False]))


def test_derived_columns_cannot_change_and_it_is_said():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 3)).round(1), columns=["a", "b", "c"])
    encode = make_column_transformer((PCA(1), ["a", "b"]), remainder="passthrough")
    y = (X["a"] + X["b"] > 0) & (X["c"] > 0)
    model = make_pipeline(encode, DecisionTreeClassifier(random_state=0)).fit(X, y)
    rules = read(model, X)
    decision = Decision(False, cutoff=0.5)
    p = model.predict_proba(X)[:, 0]
    said, through = 0, 0
    for i in np.flatnonzero(p >= 0.5)[:40]:
        row = X.iloc[[i]]
        (one,) = ask(model, rules, X, row, decision)
        if one.feasible:
            assert model.predict_proba(one.apply(row))[0, 0] < 0.5
            said += "not considered" in one.note and not one.exact
            through += one.exact
        else:
            assert "pca" in one.note
    assert said + through > 0


def test_arrays_of_numbers():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 9, (80, 2)).astype(float)
    model = make_pipeline(DecisionTreeClassifier(random_state=0)).fit(X, X.sum(axis=1) > 8)
    rules = read(model, X)
    row = X[[int(np.argmin(X.sum(axis=1)))]]
    (one,) = ask(model, rules, X, row, Decision(False, cutoff=0.5), steps={"x0": 2})
    assert one.feasible and model.predict(one.apply(row)).tolist() == [True]
    assert all(isinstance(change.new, int) for change in one.changes)


def test_texts():
    change = Change("a\nb", None, "x, y", 1.0)
    one = Counterfactual((change,), 1.0, True, False, 2, 0.4, 0.125, "a note")
    assert one.to_text().splitlines() == [
        "Change: a\\nb missing -> 'x, y' (cost 1)",
        "Output then: 0.4 -> 0.125",
        "A note",
    ]
    words = Decision("bad", cutoff=0.5, adverse_word="declined", favourable_word="approved")
    plain = Counterfactual((change,), 1.0, True, True)
    assert plain.to_text(words).splitlines()[1] == "Then: approved instead of declined"
    assert one.to_frame().to_dict("records") == [
        {"column": "a\nb", "old": None, "new": "x, y", "cost": 1.0}
    ]
    assert Counterfactual((), 0.0, True, True).to_frame().empty
