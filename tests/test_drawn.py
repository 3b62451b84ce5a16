"""The tree as drawn: its ways, read as text by an evaluator of its own, lead where rules lead."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_wine

from treeprune import Trees, explain, native
from treeprune.datasets import load_adult
from treeprune.explain.conditions import Column, NumberCondition
from treeprune.explain.leaves import limit_texts
from treeprune.report import Costs, Options, Table, fit_rivals, german_credit_study, study_of
from treeprune.report import drawn as module
from treeprune.report.drawn import MOST_LEAVES, drawn_tree
from treeprune.report.explained import decision_of, explained

pytestmark = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")

QUICK = Options(cv=2, n_resamples=1000, refits=0)
WHOLE = replace(QUICK, strength=0.0)
HOSTILE = ["<script>alert(1)</script>", "$x$ $y_1$", 'a "b"\n\x1b[31m', "|", "x" * 300, "", "11"]
CATEGORIES = ["<img src=x>", "a, b", "L" * 300 + "a", "L" * 300 + "b", "הכנסה", "收入", "", "no"]


def hostile_frame(n=900):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.normal(size=n).round(2) for name in HOSTILE})
    frame["C" * 90] = pd.Categorical(rng.choice(CATEGORIES, n))
    signal = frame[HOSTILE].sum(axis=1) + 2.0 * frame["C" * 90].isin(CATEGORIES[1:4])
    frame["y"] = (signal + rng.normal(size=n) > 1.5).astype(int)
    for name in (HOSTILE[0], HOSTILE[2], "C" * 90):
        frame.loc[rng.random(n) < 0.1, name] = np.nan
    return frame


def large_frame(n=3000):
    """Noise, of which a tree makes many leaves; numbers that only many digits tell apart."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    frame["d"] = frame["d"].mul(1e-7).add(1.0)
    frame["y"] = rng.normal(size=n) + frame["a"] * frame["b"]
    frame.loc[rng.random(n) < 0.1, "b"] = np.nan
    return frame


def study_for(name):
    if name == "costs":
        return german_credit_study(), WHOLE
    if name == "root":
        return german_credit_study(), replace(QUICK, strength=9.0)
    if name == "missing":
        data = load_adult()
        table = Table(data.frame.iloc[:3000], "")
        return study_of(table, name="adult", target=data.target.name), replace(
            QUICK, strength=0.0005, max_size=40
        )
    if name == "multiclass":
        frame = load_wine(as_frame=True).frame.rename(columns={"target": "y"})
        frame["y"] = pd.Categorical(frame["y"].map({0: "<b>", 1: "$v$", 2: ""}))
    elif name == "regression":
        frame = load_diabetes(as_frame=True, scaled=False).frame.rename(columns={"target": "y"})
        frame.loc[::7, "bmi"] = np.nan
    elif name == "large":
        frame = large_frame()
    else:
        frame = hostile_frame()
    costs = Costs(5, 1, "a test") if name == "hostile" else None
    return study_of(Table(frame, ""), name=name, target="y", costs=costs), WHOLE


NAMES = ("costs", "root", "missing", "multiclass", "regression", "large", "hostile")


@pytest.fixture(scope="module", params=NAMES)
def case(request):
    study, options = study_for(request.param)
    fits = fit_rivals(study, options)
    ex = explain(fits.pipeline, study.X_train, study.y_train, decision=decision_of(study))
    rows = pd.concat([study.X_train, study.X_test], ignore_index=True)
    texts = limit_texts(ex.rules.rules, ex.rules.values(rows))
    ex.view = replace(ex.view, readable=replace(ex.rules, texts=texts))
    return request.param, study, fits, ex, drawn_tree(study, fits, ex)


# -- an evaluator that knows nothing but the text -------------------------------------------------


def written(value):
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(value)
    )


def number_meets(text, name, values):
    out = np.zeros(len(values), dtype=bool)
    number, name = r"(-?[\d.]+(?:e[+-]?\d+)?)", re.escape(name)
    for part in text.split(" or "):
        if found := re.fullmatch(f"{number} < {name} <= {number}", part):
            low, high = map(float, found.groups())
        elif found := re.fullmatch(f"{name} <= {number}", part):
            low, high = -np.inf, float(found.group(1))
        else:
            found = re.fullmatch(f"{name} > {number}", part)
            assert found, f"cannot read {part!r}"
            low, high = float(found.group(1)), np.inf
        out |= (values > low) & (values <= high)
    return out


def listed_categories(text, seen):
    """Categories of `a, b, c`, each as it is or in quotes."""
    ways = {form: c for c in seen for form in (written(c), f"'{written(c)}'", f'"{written(c)}"')}
    out = []
    while text:
        form = max((f for f in ways if f and re.match(f"{re.escape(f)}(, |$)", text)), key=len)
        out.append(ways[form])
        text = text[len(form) + 2 :]
    return out


def category_meets(text, values, seen):
    unseen = ~values.isin(seen)
    also = np.zeros(len(values), dtype=bool)
    if text.endswith(" or not seen at fit"):
        text, also = text.removesuffix(" or not seen at fit"), unseen.to_numpy()
    for start, end, inside in (
        ("is not ", "", False), ("not in {", "}", False), ("in {", "}", True), ("is ", "", True),
    ):  # fmt: skip
        if text.startswith(start) and text.endswith(end):
            named = listed_categories(text[len(start) : len(text) - len(end)], seen)
            return (values.isin(named).to_numpy() == inside) | also
    raise AssertionError(f"cannot read {text!r}")


def text_meets(text, column, rows, seen):
    """Rows that meet a condition in words; missing values only where the words say so."""
    values, name = rows[column], written(column) or "''"
    gone = values.isna().to_numpy()
    if text == f"{name} is missing":
        return gone
    if text == f"{name} is present" or text == f"{name} is present and not missing":
        return ~gone
    takes = text.endswith(" or missing")
    text = text.removesuffix(" or missing").removesuffix(" and not missing")
    if column in seen:
        assert text.startswith(f"{name} ")
        met = category_meets(text[len(name) + 1 :], values, seen[column])
    else:
        met = number_meets(text, name, values.to_numpy(np.float64))
    return np.where(gone, takes, met)


def categories_seen(study):
    X = study.X_train
    text = [c for c in X.columns if not pd.api.types.is_numeric_dtype(X[c])]
    return {c: list(X[c].dropna().unique()) for c in text}


def follow(tree, rows, seen):
    """Node in which each row ends, by the words on the ways alone."""
    children = {}
    for node in tree["nodes"][1:]:
        children.setdefault(node["parent"], []).append(node)
    at = np.full(len(rows), tree["nodes"][0]["id"])
    for node in tree["nodes"]:  # parents first
        here = np.flatnonzero(at == node["id"])
        if node["id"] in children and len(here):
            some = rows.iloc[here]
            met = [text_meets(c["edge"], c["column"], some, seen) for c in children[node["id"]]]
            assert (np.sum(met, axis=0) == 1).all(), "each row goes one way"
            for child, goes in zip(children[node["id"]], met):
                at[here[goes]] = child["id"]
    return at


def test_ways_lead_where_the_model_and_the_rules_lead(case):
    name, study, fits, ex, tree = case
    rows = pd.concat([study.X_train, study.X_test], ignore_index=True)
    at = follow(tree, rows, categories_seen(study))
    model = fits.rival("pruned").native
    trees = native.read(model)
    leaf = native.apply(model, pd.concat([fits.Z_train, fits.Z_test]))[:, 0]
    shown = np.array([node["id"] for node in tree["nodes"] if node["rule"] or node["below"]])
    while not (inside := np.isin(leaf, shown)).all():  # up to what is shown
        leaf = np.where(inside, leaf, trees.parent[leaf])
    np.testing.assert_array_equal(at, leaf)
    rule_of = ex.rules.match(rows, printed=True)
    number = {node["id"]: node["rule"] for node in tree["nodes"]}
    said = [number[i] for i in at.tolist()]
    assert all(s is None or s == f"R{k + 1}" for s, k in zip(said, rule_of.tolist()))
    if name != "large":
        assert None not in said


def test_a_leafs_ways_say_what_its_rule_says(case):
    _, study, fits, _, tree = case
    rows, seen = study.X_test, categories_seen(study)
    at = follow(tree, rows, seen)
    told = explained(study, fits)["rules"]
    rules = {rule["rule"]: rule for rule in told["shown"]}
    decimals = set()
    for node in tree["nodes"]:
        rule = rules.get(node["rule"])
        if rule is None:
            continue
        met = np.ones(len(rows), dtype=bool)
        for text, exact in zip(rule["conditions"], rule["exact"]):
            met &= text_meets(text, exact["column"], rows, seen)
            decimals |= set(re.findall(r"(?<=[<>=] )-?[\d.]+|-?[\d.]+(?= <)", text))
        np.testing.assert_array_equal(met, at == node["id"])
        assert (node["n"], node["p"]) == (rule["train"], rule["p"])
        assert node["decision"] == (None if rule["decision"] is None else bool(rule["decision"]))
        assert node["label"] == (rule["label"] if study.task == "multiclass" else None)
    if told["n"] == len(rules):
        edges = " ; ".join(node["edge"] or "" for node in tree["nodes"])
        assert set(re.findall(r"(?<=[<>=] )-?[\d.]+|-?[\d.]+(?= <)", edges)) <= decimals


def test_shape_and_numbers(case):
    name, study, fits, ex, tree = case
    nodes = tree["nodes"]
    of = {node["id"]: node for node in nodes}
    ends = [node for node in nodes if node["rule"] or node["below"]]
    assert json.loads(json.dumps(tree, allow_nan=False)) == tree
    assert tree == drawn_tree(study, fits, ex)
    assert len(nodes) == 2 * len(ends) - 1
    assert tree["n_leaves"] == len(ex.rules)
    assert tree["n_leaves"] == tree["n_shown_leaves"] + sum(node["below"] for node in nodes)
    assert len(ends) == min(MOST_LEAVES, len(ex.rules))
    assert nodes[0]["parent"] is None
    assert nodes[0]["edge"] is None
    for i, node in enumerate(nodes[1:], 1):  # preorder: the parent is the last one on the way down
        line, back = nodes[i - 1], []
        while line is not None:
            back.append(line["id"])
            line = of.get(line["parent"])
        assert node["parent"] in back
    numbers = [int(node["rule"][1:]) for node in nodes if node["rule"]]
    assert numbers == sorted(numbers)
    for node in nodes:
        children = [c for c in nodes if c["parent"] == node["id"]]
        assert not children or sum(c["n"] for c in children) == node["n"]
        assert node["decision"] is None or node["rule"]
    assert (name == "root") == (len(nodes) == 1)
    assert (name == "large") == (tree["n_shown_leaves"] < tree["n_leaves"])
    said = any("missing" in (node["edge"] or "") for node in nodes)
    assert said == (name in ("missing", "regression", "large", "hostile"))
    assert nodes[0]["n"] == len(study.y_train)


def test_what_is_not_shown_has_no_more_rows_than_what_is(case):
    _, _, _, _, tree = case
    nodes = tree["nodes"]
    inner = {node["parent"] for node in nodes} - {None}
    fewest = min((node["n"] for node in nodes if node["id"] in inner), default=np.inf)
    assert all(node["n"] <= fewest for node in nodes if node["below"])


# -- by hand --------------------------------------------------------------------------------------

INF = np.inf


def chain():
    """0 asks x <= 5; 1, below it, asks x <= 7, which is settled; 2 asks x <= 9."""
    left, right = [1, 3, 5, -1, -1, -1, -1], [2, 4, 6, -1, -1, -1, -1]
    n = np.array([100.0, 60, 40, 60, 0, 30, 10])
    trees = Trees(left, right, [0], np.zeros((7, 1, 1)), n, n, np.zeros(7), [1.0])
    asked = {t: NumberCondition(0, ((-INF, limit),), False) for t, limit in enumerate((5.0, 7, 9))}
    return trees, asked, (Column("x", refuses_missing=True),)


def test_a_node_that_asks_nothing_gives_way():
    trees, asked, columns = chain()
    ways, root = module._ways(trees, asked, columns)
    assert root == 0
    assert [child for child, _ in ways[0]] == [3, 2]  # node 1 stands back behind its leaf
    assert ways[0][0][1].intervals == ((-INF, 5.0),)
    assert ways[0][1][1].intervals == ((5.0, INF),)
    assert [child for child, _ in ways[2]] == [5, 6]
    assert ways[3] == ways[5] == ways[6] == ()
    assert 1 not in ways
    assert 4 not in ways
    assert module._leaves_below(ways) == {0: 3, 2: 2, 3: 1, 5: 1, 6: 1}


def test_nodes_with_most_rows_are_opened_first(monkeypatch):
    left = [1, 3, 5, 7, -1, -1, -1, -1, -1]
    right = [2, 4, 6, 8, -1, -1, -1, -1, -1]
    n = np.array([100, 70, 30, 25, 45, 20, 10, 15, 10])
    ways = {t: ((a, None), (b, None)) if a > 0 else () for t, (a, b) in enumerate(zip(left, right))}
    for most, opened in ((1, set()), (2, {0}), (3, {0, 1}), (4, {0, 1, 2}), (9, {0, 1, 2, 3})):
        monkeypatch.setattr(module, "MOST_LEAVES", most)
        assert module._opened(ways, 0, n) == opened


def test_missing_is_said_once_on_a_way():
    rng = np.random.default_rng(0)
    x = rng.permutation(600).astype(float)
    y = np.where(x < 150, 0.0, np.where(x < 300, 1.0, 9.0)) + rng.normal(0, 0.1, 600)
    frame = pd.DataFrame({"x": x, "y": y})
    frame.loc[rng.choice(600, 60, replace=False), "x"] = np.nan
    frame.loc[frame["x"].isna(), "y"] = 9.0
    study = study_of(Table(frame, ""), name="d", target="y")
    fits = fit_rivals(study, replace(QUICK, max_size=3, strength=0.1))
    tree = drawn_tree(study, fits, explain(fits.pipeline, study.X_train))
    edges = [node["edge"] for node in tree["nodes"][1:]]
    words = [re.sub(r"[\d.]+", "_", edge) for edge in edges]
    assert words == ["x <= _ and not missing", "x <= _", "x > _", "x > _ or missing"]
