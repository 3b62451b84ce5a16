"""Commands about a saved model: what they say is what the Python API says of the same file."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from typer.testing import CliRunner

import treeprune
from treeprune import Decision, explain, interpretability, prune, verify
from treeprune.cli import app
from treeprune.cli.opening import opened
from treeprune.cli.probing import few_digits, probes, written_limit
from treeprune.cli.ruling import read_rules
from treeprune.cli.telling import listing
from treeprune.datasets import load_german_credit
from treeprune.explain import Explanation, RuleSet
from treeprune.explain.conditions import CategoryCondition, NumberCondition
from treeprune.explain.limits import float32_limit
from treeprune.report import Costs, read_table, study_of
from treeprune.report.columns import encoder, model_columns, scaled
from treeprune.saving import Saved, about_model, load_model, save_model

HOME = Path(treeprune.__file__).resolve().parents[1]
QUICK = ["--refits", "0", "--cv", "3", "--formats", "json"]
MODEL = "treeprune-model.skops"
SENSITIVE = ("age", "personal_status", "foreign_worker")


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def told(*arguments):
    """What a command writes as JSON."""
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(result, *words, code=3):
    """One line that says these words, and nothing else."""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("treeprune: ")]
    assert (result.exit_code, result.stdout, len(lines)) == (code, "", 1), result.stderr
    assert lines[0].startswith({1: "failed: ", 2: "usage: ", 3: "refused: "}[code])
    for word in words:
        assert word in lines[0], lines[0]


@pytest.fixture(scope="module")
def credit(tmp_path_factory):
    """German credit: the table, its fit, and the rows that were held out."""
    folder = tmp_path_factory.mktemp("credit")
    data = load_german_credit()
    frame = data.data.assign(default=data.target.to_numpy())
    frame.to_csv(folder / "credit.csv", index=False)
    arguments = [part for name in SENSITIVE for part in ("--sensitive", name)]
    result = invoke("fit", folder / "credit.csv", "--target", "default", "--cost", "5:1",
                    "--scoring", "roc_auc", "--out", folder, *arguments, *QUICK)  # fmt: skip
    assert result.exit_code == 0, result.stderr
    table = read_table(folder / "credit.csv")
    study = study_of(table, name="", target="default", costs=Costs(5, 1, ""), sensitive=SENSITIVE)
    frame.iloc[study.test_rows].to_csv(folder / "held.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def credit_score(credit):
    """What `score` tells of the held out rows."""
    return told("score", credit / MODEL, credit / "held.csv", "--target", "default")


@pytest.fixture(scope="module")
def credit_pair(credit):
    """What `compare` tells of the held out rows, against the tree as grown."""
    return told("compare", credit / MODEL, credit / "held.csv", "--target", "default")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A small table of numbers and texts with missing values, under the names of a stranger."""
    rng = np.random.default_rng(0)
    n = 300
    frame = pd.DataFrame(
        {
            "[bold]rate[/] {0!r} %s": rng.normal(size=n).round(3),
            "größe|\x1b[31m": rng.integers(0, 9, n),
            "<script>": rng.choice(["=cmd()", "a\nb", "‮abc", "é" * 120], n),
            "more": rng.normal(size=n),
        }
    )
    score = frame.iloc[:, 0] + (frame["<script>"] == "=cmd()") + rng.normal(scale=0.4, size=n)
    frame["what|ever"] = np.where(score > 0.6, "<b>yes</b>", "no")
    frame.iloc[rng.random(n) < 0.1, 0] = np.nan
    frame.iloc[rng.random(n) < 0.1, 2] = np.nan
    folder = tmp_path_factory.mktemp("mixed")
    frame.to_csv(folder / "mixed.csv", index=False)
    result = invoke("fit", folder / "mixed.csv", "--target", "what|ever", "--cost", "2:1", "--out",
                    folder, "--positive", "<b>yes</b>", "--strength", "0.004", *QUICK)  # fmt: skip
    assert result.exit_code == 0, result.stderr
    return folder


def saved_by_hand(path, X, y, task, last=None, **about):
    """A model of two steps, saved through the API."""
    transform = encoder(X, 5).fit(X)
    if last is None:
        kind = DecisionTreeRegressor if task == "regression" else DecisionTreeClassifier
        grown = kind(min_samples_leaf=5, random_state=0).fit(transform.transform(X), y)
        last = prune(grown, max_size=4)
    else:
        grown, last = None, scaled(model_columns(transform), last)
        last.fit(transform.transform(X), y)
    model = make_pipeline(transform, last)
    labels = [] if task == "regression" else [f"class {k}" for k in range(len(np.unique(y)))]
    story = about_model(model, name="rows", target="y", task=task, labels=labels)
    save_model(Saved(model, grown, {**story, **about}), path)
    return model


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    n = 200
    X = pd.DataFrame({"a": rng.normal(size=n).round(2), "b": rng.integers(0, 5, n),
                      "c": pd.Categorical(rng.choice(["u", "v", "w"], n))})  # fmt: skip
    return X, X["a"] + X["b"] / 2 + (X["c"] == "u") + rng.normal(scale=0.2, size=n)


def raw(folder, name="credit.csv"):
    """A file's frame as the commands bring it to the model, and the model."""
    saved = load_model(folder / MODEL)
    return read_table(folder / name).frame[[c["name"] for c in saved.about["columns"]]], saved


# -- rules ---------------------------------------------------------------------------------------


def test_rules_are_those_of_the_training_rows(credit, mixed):
    """Nothing of the rows that were made remains: conditions and values are the API's."""
    for folder, name in ((credit, "credit.csv"), (mixed, "mixed.csv")):
        X, saved = raw(folder, name)
        expected = explain(saved.model, X).rules
        found = read_rules(opened(folder / MODEL)).rules
        assert len(found) == len(expected) > 3
        for one, other in zip(found, expected):
            assert one.conditions == other.conditions
            assert one.value.tolist() == other.value.tolist()
            assert one.weight == other.weight
        assert found.classes[0].tolist() == saved.about["labels"]
        assert all(column.has_missing and not column.integer for column in found.columns
                   if column.kind == "number")  # fmt: skip


def test_rules_as_text_are_complete(credit):
    result = invoke("rules", credit / MODEL)
    assert result.exit_code == 0, result.stderr
    saved = load_model(credit / MODEL)
    leaves = saved.model[-1].get_n_leaves()
    assert re.findall(r"^  R(\d+) ", result.stdout, re.M) == [str(i + 1) for i in range(leaves)]
    assert "P, the probability that default is 1" in " ".join(result.stdout.split())
    assert "flagged if P >= 1/6" in result.stdout
    assert f"all {leaves} leaves" in result.stdout
    assert (
        "\n  Limits have six digits (a report's fewer); --format sql, python and json have them "
        "exactly.\n" in result.stdout
    )
    assert "(or missing)" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100
    checks = re.findall(r"^checked: (.+): (\d+) of (\d+) rows made", result.stderr, re.M)
    names = {"rules = model", "printed rules = model", "SQL = model", "Python = model"}
    assert names <= {name for name, _, _ in checks}
    assert all(int(agree) == int(n) >= 4 * leaves for _, agree, n in checks)


def test_rules_in_every_format_are_the_model(credit):
    X, saved = raw(credit)
    expected = saved.model.predict_proba(X)
    text = invoke("rules", credit / MODEL, "--format", "json").stdout
    assert (RuleSet.from_json(text).predict_proba(X) == expected).all()
    space = {}
    exec(invoke("rules", credit / MODEL, "--format", "python").stdout, space)
    rows = X.head(50).astype(object).to_dict("records")
    assert [space["predict_proba"](row) for row in rows] == expected[:50].tolist()
    query = invoke("rules", credit / MODEL, "--format", "sql", "--dialect", "duckdb", "--table",
                   "main.loans").stdout  # fmt: skip
    assert 'FROM "main"."loans" AS t' in query
    assert '"P(1)"' in query and "ISNAN" in query
    markdown = invoke("rules", credit / MODEL, "--format", "markdown").stdout
    assert markdown.count("\n| R") == saved.model[-1].get_n_leaves()
    assert invoke("rules", credit / MODEL, "--format", "csv").stdout.startswith('"rule"')
    document = told("rules", credit / MODEL)
    assert document["rules"] == json.loads(text)
    assert document["model"]["target"] == "default"
    p = [row["p"] for row in document["listed"]]
    assert p == [rule["value"][0][1] for rule in document["rules"]["rules"]]
    assert [row["decision"] for row in document["listed"]] == [value >= 1 / 6 for value in p]
    assert all(row["low"] <= row["p"] <= row["high"] for row in document["listed"])


def test_rules_decide_missing_values_in_words(mixed):
    """The words in brackets are what the model does with a missing value."""
    document = told("rules", mixed / MODEL)
    for listed, rule in zip(document["listed"], document["rules"]["rules"]):
        for words, condition in zip(listed["conditions"], rule["conditions"]):
            some = condition.get("intervals") or condition.get("allowed") or condition.get("unseen")
            assert words.endswith("(or missing)") == bool(condition["missing"] and some)


@pytest.mark.parametrize("what", ["limit", "category", "missing", "value"])
def test_a_rule_that_is_not_the_model_is_found(mixed, what):
    asked = opened(mixed / MODEL)
    found = read_rules(asked).rules
    right = Explanation(_view(asked, found), probes(found, asked))
    right.check_rules()
    assert right.checks["rules = model"].passed

    def changed(condition):
        if what == "limit" and isinstance(condition, NumberCondition):
            ends = tuple((a, float(np.nextafter(b, -np.inf))) for a, b in condition.intervals)
            return replace(condition, intervals=ends)
        if what == "category" and isinstance(condition, CategoryCondition):
            return replace(condition, unseen=not condition.unseen)
        if what == "missing":
            return replace(condition, missing=not condition.missing)
        return condition

    rules = [replace(r, conditions=tuple(map(changed, r.conditions))) for r in found]
    if what == "value":
        rules = [replace(r, value=r.value[:, ::-1]) for r in rules]
    wrong = replace(found, rules=tuple(rules))
    explanation = Explanation(_view(asked, wrong), probes(found, asked))
    explanation.check_rules()
    assert not explanation.checks["rules = model"].passed


def _view(asked, rules):
    from treeprune.cli.probing import start_rows
    from treeprune.explain.view import view_of

    return replace(view_of(asked.model, start_rows(asked)), readable=rules)


@given(
    st.floats(-1e7, 1e7, width=32),
    st.floats(-1e7, 1e7, width=32),
    st.floats(-1e7, 1e7),
    st.integers(-2, 2),
)
def test_written_limits_send_short_numbers_where_the_model_does(one, other, value, step):
    threshold = (float(one) + float(other)) / 2  # as trees have it
    limit = float32_limit(threshold)
    text = written_limit(limit)
    near = few_digits(limit)[1] + step * (few_digits(limit)[2] - few_digits(limit)[1])
    for number in (value, near, one, other, *few_digits(limit)):
        for short in (float(f"{number:.6g}"), float(round(number))):
            assert (short <= float(text)) == (float(np.float32(short)) <= threshold), text


def test_written_limits_by_hand():
    assert [written_limit(x) for x in (11.5, -0.25, 0.0, 1e-9, 123456789.5, -1234567.5)] == [
        "11.5", "-0.25", "0", "0.000000001", "123456789", "-1234568",
    ]  # fmt: skip
    assert float(written_limit(1e30)) == 1e30


def test_limits_close_to_each_other_are_told_apart(tmp_path):
    frame = pd.DataFrame({"latitude": 51.0 + np.arange(80) * 3e-5})
    y = (np.arange(80) // 5 % 2).astype(int)
    Z = encoder(frame, 1).fit(frame)
    tree = DecisionTreeClassifier(random_state=0).fit(Z.transform(frame), y)
    model = make_pipeline(Z, tree)
    about = about_model(model, name="n", target="y", task="binary", labels=["0", "1"])
    save_model(Saved(model, None, about), tmp_path / "near.skops")
    result = invoke("rules", tmp_path / "near.skops")
    assert result.exit_code == 0, result.stderr
    bounds = re.findall(r"(\S+) < latitude <= (\S+)", result.stdout)
    assert len(bounds) > 8
    assert all(float(low) < float(high) for low, high in bounds)


def test_what_cannot_be_compared_is_said(tmp_path):
    frame = pd.DataFrame({"a": np.arange(600.0)})
    Z = encoder(frame, 1).fit(frame)
    model = make_pipeline(Z, DecisionTreeClassifier().fit(Z.transform(frame), np.arange(600) % 2))
    about = about_model(model, name="n", target="y", task="binary", labels=["0", "1"])
    save_model(Saved(model, None, about), tmp_path / "large.skops")
    result = invoke("rules", tmp_path / "large.skops", "--format", "sql")
    assert result.exit_code == 0
    assert "not checked: SQL = model: more than 200 rules" in result.stderr


def test_rules_of_one_leaf_of_classes_and_of_numbers(rows, tmp_path):
    X, y = rows
    saved_by_hand(tmp_path / "r.skops", X, y.to_numpy(), "regression")
    text = invoke("rules", tmp_path / "r.skops").stdout
    assert re.search(r"^  rule  conditions +train +mean$", text, re.M)
    assert "predicts y as a number" in text
    assert "DECISION" not in text
    assert "def predict(row)" in invoke("rules", tmp_path / "r.skops", "--format", "python").stdout
    saved_by_hand(tmp_path / "m.skops", X, np.digitize(y, [0.5, 1.5]), "multiclass")
    text = invoke("rules", tmp_path / "m.skops").stdout
    assert re.search(r" class$", text, re.M)
    assert "class 2" in text
    tree = DecisionTreeClassifier(max_depth=1, min_samples_leaf=150).fit
    Z = encoder(X, 5).fit(X)
    model = make_pipeline(Z, tree(Z.transform(X), (y > 1).astype(int)))
    about = about_model(model, name="n", target="y", task="binary", labels=["0", "1"])
    save_model(Saved(model, None, about), tmp_path / "one.skops")
    text = invoke("rules", tmp_path / "one.skops").stdout
    assert "RULES     one leaf" in text
    assert re.search(r"^  R1 +every row +200 ", text, re.M)


def test_long_names_are_folded_and_never_cut(rows, tmp_path):
    """Labels and decisions of any length stand whole in a table of 100 columns."""
    X, y = rows
    labels = [f"class {k} with a name of {'very ' * 9}many words" for k in range(3)]
    path = tmp_path / "long.skops"
    saved_by_hand(path, X, np.digitize(y, [0.5, 1.5]), "multiclass", labels=labels)
    words = {"act": "x" * 77, "let": "hand it over to somebody else for a second look"}
    saved_by_hand(tmp_path / "acts.skops", X, (y > 1).astype(int).to_numpy(), "binary",
                  decision={"words": words})  # fmt: skip
    for file, names in ((path, labels), (tmp_path / "acts.skops", list(words.values()))):
        text = invoke("rules", file).stdout
        assert max(map(len, text.splitlines())) <= 100
        assert "…" not in text
        table = text[text.index("  rule  ") : text.index("  train: ")].splitlines()
        at = table[0].rindex(table[0].split()[-1])
        column = "".join("".join(line[at:] for line in table).split())
        used = [name for name in names if "".join(name.split()) in column]
        assert len(used) == len(names)
        markdown = invoke("rules", file, "--format", "markdown").stdout
        assert all(f"| {name} |" in markdown for name in names)


@given(
    st.lists(
        st.tuples(st.text("ab;, é%{'", max_size=150), st.text("xy z", min_size=1, max_size=60)),
        min_size=1,
        max_size=4,
    )
)
def test_a_listing_fits_the_page_and_loses_nothing(rows):
    heads = ("rule", "conditions", "train", "P", "[95 %]", "decision")
    cells = [("R1000", a, "1234567", "1.00", "[.96,1.00]", b) for a, b in rows]
    lines = listing(heads, cells, (0, 1, 5)).splitlines()
    assert max(map(len, lines)) <= 100
    written = Counter("".join("".join(lines).split()))
    assert written == Counter("".join("".join(map("".join, [heads, *cells])).split()))


def test_what_is_not_checked_is_said_in_lines_that_fit(rows, tmp_path):
    """Names that SQL does not tell apart, and that take more than a line."""
    X, y = rows
    names = ["a\x1b name " * 9, "A\x1b NAME " * 9]
    saved_by_hand(tmp_path / "r.skops", X.set_axis([*names, "c"], axis=1), y.to_numpy(),
                  "regression")  # fmt: skip
    result = invoke("rules", tmp_path / "r.skops")
    assert result.exit_code == 0, result.stderr
    lines = result.stderr.splitlines()
    said = [i for i, line in enumerate(lines) if line.startswith("not checked: SQL = model: ")]
    assert len(said) == 1 and lines[said[0] + 1].startswith("  ")
    assert max(map(len, lines)) <= 100
    assert result.stderr.count(r"\x1b") == 18


def test_rules_refuse_what_has_none(rows, tmp_path):
    X, y = rows
    path = tmp_path / "linear.skops"
    saved_by_hand(path, X, (y > 1).astype(int), "binary", LogisticRegression())
    refused(invoke("rules", path), "is a linear model, which has no rules")


def test_rules_usage(credit):
    for arguments, words in (
        (["--format", "pdf"], "--format 'pdf': possible are text, markdown, json"),
        (["--dialect", "duckdb"], "for --format sql"),
        (["--format", "sql", "--dialect", "nope"], "--dialect 'nope': possible are"),
        (["--format", "sql", "--table", "a..b"], "--table 'a..b'"),
        (["--format", "sql", "--json"], "give one of them"),
    ):
        refused(invoke("rules", credit / MODEL, *arguments), words, code=2)


# -- explain -------------------------------------------------------------------------------------


def test_explain_is_the_explanation_of_the_other_rows(credit):
    X, saved = raw(credit)
    p = saved.model.predict_proba(X)[:, 1]
    high, low = int(p.argmax()), int(p.argmin())
    document = told("explain", credit / MODEL, credit / "credit.csv", "--row", high + 1, "--row",
                    low + 1, "--row", high + 1, "--k", 3)  # fmt: skip
    adverse, other = document["rows"]
    assert (adverse["row"], other["row"]) == (high + 1, low + 1)
    assert (adverse["prediction"], other["prediction"]) == (p[high], p[low])
    assert (adverse["adverse"], other["adverse"]) == (True, False)
    decision = Decision(adverse=1, cutoff=Costs(5, 1, "").acts_from)
    reference = X.drop(index=[high, low])
    ex = explain(saved.model, reference, decision=decision, random_state=0)
    expected = ex.reasons(X.iloc[[high]], k=3)[0]
    assert [r["text"] for r in adverse["reasons"]] == [r.text for r in expected.reasons]
    assert [r["contribution"] for r in adverse["reasons"]] == [
        r.contribution for r in expected.reasons
    ]
    assert document["reference"]["rows"] == 998
    assert document["reference"]["used_for"] == ["reasons", "costs of changes"]
    alone = told("explain", credit / MODEL, credit / "credit.csv", "--row", low + 1)
    assert alone["reference"]["used_for"] == []
    assert other["reasons"] is None and other["change"] is None
    after = X.iloc[[high]].astype(object)
    for change in adverse["change"]["changes"]:
        after[change["column"]] = change["new"]
    again = saved.model.predict_proba(after.astype(X.dtypes))[0, 1]
    assert adverse["change"]["after"] == again < decision.cutoff
    assert all(check["passed"] for check in document["checks"])
    assert {"name": "rules = model", "passed": True, "scope": "1000 of 1000 rows"}.items() <= (
        document["checks"][0].items()
    )


def test_attributions_add_up_and_name_raw_columns(credit, mixed):
    for folder, name in ((credit, "credit.csv"), (mixed, "mixed.csv")):
        X, saved = raw(folder, name)
        values = explain(saved.model, X).attributions(X.iloc[[4]])
        document = told("explain", folder / MODEL, folder / name, "--row", 5)
        own = document["rows"][0]["attribution"]
        total = own["base"] + sum(entry["push"] for entry in own["columns"])
        assert total == pytest.approx(saved.model.predict_proba(X.iloc[[4]])[0, 1], abs=1e-12)
        expected = {c: v for c, v in zip(X.columns, values.values[0, :, 1]) if v}
        assert {e["column"]: e["push"] for e in own["columns"]} == pytest.approx(expected)
        assert own["base"] == pytest.approx(values.base_values[0, 1])


def test_explained_rows_as_text(credit):
    X, saved = raw(credit)
    row = int(saved.model.predict_proba(X)[:, 1].argmax()) + 1
    result = invoke("explain", credit / MODEL, credit / "credit.csv", "--row", row, "--k", 1)
    assert result.exit_code == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert f"ROW {row}" in text and "flagged, as P >= 1/6." in text
    assert "base: mean of the training rows" in text
    assert "more columns" in text and "in all" in text
    assert len(re.findall(r"^    1\. ", result.stdout, re.M)) == 1
    assert not re.search(r"^    2\. ", result.stdout, re.M)
    assert "cheapest change: " in text
    assert "Reference rows, for reasons and costs of changes: the other 999 rows of the" in text
    assert "the command rules has six digits" in text
    assert max(map(len, result.stdout.splitlines())) <= 100
    assert "note: not looked at, as the model does not take them: personal_status, age" in (
        result.stderr
    )


def test_explain_without_a_decision(rows, tmp_path):
    X, y = rows
    X.assign(y=y).to_csv(tmp_path / "rows.csv", index=False)
    model = saved_by_hand(tmp_path / "r.skops", X, y.to_numpy(), "regression")
    document = told("explain", tmp_path / "r.skops", tmp_path / "rows.csv", "--row", 7)
    row = document["rows"][0]
    assert row["prediction"] == model.predict(X)[6] == pytest.approx(row["attribution"]["total"])
    assert row["reasons"] is row["change"] is row["adverse"] is None
    text = invoke("explain", tmp_path / "r.skops", tmp_path / "rows.csv", "--row", 7).stdout
    assert "y is predicted as " in text and "P(" not in text
    assert "Reference rows" not in text
    classes = np.digitize(y, [0.5, 1.5])
    model = saved_by_hand(tmp_path / "m.skops", X, classes, "multiclass")
    row = told("explain", tmp_path / "m.skops", tmp_path / "rows.csv", "--row", 7)["rows"][0]
    proba = model.predict_proba(X.iloc[[6]])[0]
    assert list(row["proba"].values()) == proba.tolist()
    assert row["label"] == f"class {proba.argmax()}"
    assert row["attribution"]["total"] == pytest.approx(proba.max())


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_linear_models_are_explained_scored_and_compared(rows, tmp_path, task):
    X, y = rows
    y = y.to_numpy() if task == "regression" else (y > 1).astype(int).to_numpy()
    labelled = y if task == "regression" else [f"class {k}" for k in y]
    X.assign(y=labelled).to_csv(tmp_path / "rows.csv", index=False)
    last = Ridge() if task == "regression" else LogisticRegression()
    model = saved_by_hand(tmp_path / "linear.skops", X, y, task, last)
    saved_by_hand(tmp_path / "tree.skops", X, y, task)
    row = told("explain", tmp_path / "linear.skops", tmp_path / "rows.csv", "--row", 3)["rows"][0]
    said = model.predict(X) if task == "regression" else model.decision_function(X)
    assert row["rule"] is None
    assert row["attribution"]["total"] == pytest.approx(said[2])
    text = invoke("explain", tmp_path / "linear.skops", tmp_path / "rows.csv", "--row", 3).stdout
    assert "base: mean of the reference rows" in text
    assert "Reference rows, for attributions: the other 199 rows" in " ".join(text.split())
    assert "Limits in a rule" not in text
    assert ("log-odds" in text) == (task == "binary")
    target = ["--target", "y"]
    scored = told("score", tmp_path / "linear.skops", tmp_path / "rows.csv", *target)
    assert [model["key"] for model in scored["figures"]] == ["model"]
    assert scored["figures"][0]["leaves"] is None
    refused(invoke("compare", tmp_path / "linear.skops", tmp_path / "rows.csv", *target),
            "holds no model as grown; name another model with --against")  # fmt: skip
    pair = told("compare", tmp_path / "linear.skops", tmp_path / "rows.csv", *target, "--against",
                tmp_path / "tree.skops")  # fmt: skip
    assert pair["difference"]["difference"] > 0


@pytest.fixture(scope="module")
def boosted(tmp_path_factory):
    """A small booster, whose rules are the joint partition of its trees, and its table."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"a": rng.normal(size=300).round(2), "b": rng.normal(size=300).round(2)})
    frame["y"] = np.where(frame["a"] + rng.normal(size=300) / 3 > 0, "up", "down")
    folder = tmp_path_factory.mktemp("boosted")
    frame.to_csv(folder / "rows.csv", index=False)
    result = invoke("fit", folder / "rows.csv", "--target", "y", "--model", "lightgbm",
                    "--max-size", 12, "--out", folder, *QUICK)  # fmt: skip
    assert result.exit_code == 0, result.stderr
    return folder


def test_rows_of_a_joint_rule_are_those_of_the_file(boosted, tmp_path):
    X, saved = raw(boosted, "rows.csv")
    rules = explain(saved.model, X).rules
    assert rules.kind == "partition"
    own = rules.match(X.iloc[[4]])[0]
    n = int((rules.match(X.drop(index=4)) == own).sum())
    row = told("explain", boosted / MODEL, boosted / "rows.csv", "--row", 5)["rows"][0]
    assert row["rule"]["train"] is None and row["rule"]["reference"] == n > 0
    text = " ".join(invoke("explain", boosted / MODEL, boosted / "rows.csv", "--row", 5)
                    .stdout.split())  # fmt: skip
    assert f"({n} of the other 299 rows of this file)" in text
    assert "training rows)" not in text
    assert "the command rules" not in text  # which has none of a booster
    pd.read_csv(boosted / "rows.csv").iloc[[4]].to_csv(tmp_path / "one.csv", index=False)
    alone = invoke("explain", boosted / MODEL, tmp_path / "one.csv", "--row", 1)
    assert alone.exit_code == 0, alone.stderr
    assert "(the file has no other row)" in " ".join(alone.stdout.split())


def test_a_booster_has_the_leaves_of_its_report(boosted):
    report = json.loads((boosted / "treeprune-report.json").read_text())
    figures = told("compare", boosted / MODEL, boosted / "rows.csv", "--target", "y")["figures"]
    expected = {row["key"]: row["leaves"] for row in report["held_out"]["rows"]}
    found = {"pruned": figures[0]["leaves"], "grown": figures[1]["leaves"]}
    assert found == {key: expected[key] for key in found}


def test_softmax_is_not_explained_in_log_odds(rows, tmp_path):
    X, y = rows
    codes = np.digitize(y, [0.5, 1.5])
    X.assign(y=[f"class {k}" for k in codes]).to_csv(tmp_path / "rows.csv", index=False)
    model = saved_by_hand(tmp_path / "m.skops", X, codes, "multiclass", LogisticRegression())
    row = told("explain", tmp_path / "m.skops", tmp_path / "rows.csv", "--row", 7)["rows"][0]
    scores = model.decision_function(X.iloc[[6]])[0]
    assert row["attribution"]["total"] == pytest.approx(scores.max())
    text = " ".join(invoke("explain", tmp_path / "m.skops", tmp_path / "rows.csv", "--row", 7)
                    .stdout.split())  # fmt: skip
    assert "add up to the raw score of the class named" in text
    assert "log-odds" not in text and "in all in raw score" in text


def test_a_file_of_one_row_gives_no_reasons(credit, tmp_path):
    frame = pd.read_csv(credit / "credit.csv")
    X, saved = raw(credit)
    row = int(saved.model.predict_proba(X)[:, 1].argmax())
    frame.iloc[[row]].to_csv(tmp_path / "one.csv", index=False)
    result = invoke("explain", credit / MODEL, tmp_path / "one.csv", "--row", 1)
    assert result.exit_code == 0, result.stderr
    assert "no reasons: no other row of the file is not flagged" in result.stdout
    text = " ".join(result.stdout.split())
    assert "no other row: costs of changes rest on those asked for alone." in text


def test_explain_usage(credit):
    data = credit / "credit.csv"
    refused(invoke("explain", credit / MODEL, data), "--row: name at least one", code=2)
    refused(invoke("explain", credit / MODEL, data, "--row", 1001), "has 1000 rows", code=2)
    for arguments in (["--row", 0], ["--row", "x"], ["--row", 1, "--k", 0]):
        assert invoke("explain", credit / MODEL, data, *arguments).exit_code == 2


# -- score ---------------------------------------------------------------------------------------


def test_score_on_the_held_out_rows_is_the_report(credit, credit_score):
    report = json.loads((credit / "treeprune-report.json").read_text("utf-8"))
    expected = {row["key"]: row for row in report["held_out"]["rows"]}
    document = credit_score
    this, grown = document["figures"]
    for found, key in ((this, "pruned"), (grown, "grown")):
        assert found["figures"] == expected[key]["figures"]
        assert (found["leaves"], found["depth"]) == (
            expected[key]["leaves"], expected[key]["depth"],
        )  # fmt: skip
    assert document["data"]["fitted_on"] == []
    again = told("score", credit / MODEL, credit / "credit.csv", "--target", "default")
    assert again["data"]["fitted_on"] == [MODEL]


def test_score_has_the_components_without_refits(credit, credit_score):
    X, saved = raw(credit, "held.csv")
    decision = Decision(adverse=1, cutoff=Costs(5, 1, "").acts_from)
    expected = interpretability(saved.model, X, decision=decision, n_refits=0, quality=False)
    score = credit_score["interpretability"]
    own = score["models"][0]
    assert {k: v["value"] for k, v in own["components"].items()} == {
        **expected.components, "composite": expected.composite,
    }  # fmt: skip
    assert "stability" not in own["components"]
    low, high = expected.intervals["rows"]["simulate"]
    assert (own["components"]["simulate"]["low"], own["components"]["simulate"]["high"]) == (
        low, high,
    )  # fmt: skip
    assert (score["share"], score["easier"]) == (1.0, "model")
    text = " ".join(invoke("score", credit / MODEL, credit / "held.csv", "--target",
                           "default").stdout.split())  # fmt: skip
    assert "nothing can be refitted" in text
    assert re.search(r" composite without stability \d+ \[", text)
    assert not re.search(r" composite \d", text)
    assert score["note"].startswith("composite: without stability.")
    assert "EASIER yes: this model is easier than as grown under 100.0 % of all" in text
    assert "as grown: judged by that same cut-off, P >= 1/6." in text
    assert "flatter" not in text


def test_rows_without_outcome_are_left_out(mixed, tmp_path):
    frame = pd.read_csv(mixed / "mixed.csv")
    frame.loc[[0, 5, 7], "what|ever"] = np.nan
    frame.loc[10:11, "<script>"] = "new|\x1b[31m"
    frame.to_csv(tmp_path / "some.csv", index=False)
    result = invoke("score", mixed / MODEL, tmp_path / "some.csv", "--target", "what|ever")
    assert result.exit_code == 0, result.stderr
    assert "note: left out, as they have no what|ever: 3 rows" in result.stderr
    assert r"has not seen: 'new|\x1b[31m' (2), in 2 of 297 rows" in result.stderr
    assert "DATA      297 rows of some.csv" in result.stdout
    kept = frame.drop(index=[0, 5, 7]).rename(columns={"what|ever": "y"})
    kept.to_csv(tmp_path / "kept.csv", index=False)
    named = invoke("score", mixed / MODEL, tmp_path / "kept.csv", "--target", "y")
    assert "outcomes are taken from 'y'" in named.stderr
    figures = [r.stdout.split("\nFIGURES")[1] for r in (result, named)]
    assert figures[0] == figures[1]


def test_outcomes_are_read_by_label_whatever_their_type(rows, tmp_path):
    """A model of 0 and 1 whose positive class is 0: codes and values must not be mixed up."""
    X, y = rows
    bad = (y < 1).astype(int)
    path = tmp_path / "m.skops"
    model = saved_by_hand(path, X, bad.to_numpy(), "binary", labels=["1", "0"])
    X.assign(y=1 - bad).to_csv(tmp_path / "whole.csv", index=False)
    X.assign(y=(1 - bad).astype(float)).to_csv(tmp_path / "float.csv", index=False)
    accuracy = (model.predict(X) == bad).mean()
    for name in ("whole.csv", "float.csv"):
        document = told("score", path, tmp_path / name, "--target", "y")
        assert document["figures"][0]["figures"]["accuracy"]["value"] == pytest.approx(accuracy)
        assert accuracy > 0.7


def test_score_where_a_figure_is_not_defined(credit, tmp_path):
    frame = pd.read_csv(credit / "credit.csv").assign(default=0)
    frame.to_csv(tmp_path / "one.csv", index=False)
    document = told("score", credit / MODEL, tmp_path / "one.csv", "--target", "default")
    assert document["figures"][0]["figures"]["auc"] == {"value": None, "low": None, "high": None}
    assert document["figures"][0]["figures"]["accuracy"]["value"] is not None


# -- compare -------------------------------------------------------------------------------------


def test_compare_with_the_tree_as_grown_is_the_report(credit, credit_pair):
    report = json.loads((credit / "treeprune-report.json").read_text("utf-8"))
    expected = next(d for d in report["held_out"]["differences"] if d["rival"] == "grown")
    document = credit_pair
    found = document["difference"]
    for name in ("low", "high", "verdict", "rows_needed", "method"):
        assert found[name] == expected[name], name
    assert found["difference"] == expected["value"]
    assert found["margin"] == 0.02
    assert document["swap"] == report["held_out"]["swap"]
    assert document["other"] == {"file": MODEL, "grown": True}


def test_compare_two_models(credit, tmp_path):
    """Other columns, another cut-off, the same name in another folder."""
    folder = tmp_path / "other"
    folder.mkdir()
    X, y = raw(credit)[0].drop(columns="savings"), pd.read_csv(credit / "credit.csv")["default"]
    saved_by_hand(folder / MODEL, X, y.to_numpy(), "binary", labels=["0", "1"],
                  decision={"costs": {"miss": 3, "false_alarm": 1}})  # fmt: skip
    arguments = (credit / MODEL, credit / "held.csv", "--target", "default", "--against",
                 folder / MODEL, "--margin", "0.05")  # fmt: skip
    document = told("compare", *arguments)
    one, other = load_model(credit / MODEL), load_model(folder / MODEL)
    frame = read_table(credit / "held.csv").frame
    expected = verify(other.model, one.model, frame, frame["default"], margin=0.05)
    assert document["difference"] == expected.to_dict()
    before, after = (m.predict_proba(frame[list(m.feature_names_in_)])[:, 1] >= 1 / 6
                     for m in (other.model, one.model))  # fmt: skip
    assert document["swap"]["acted"] == int((after & ~before).sum())
    assert document["swap"]["passed"] == int((before & ~after).sum())
    assert document["other"]["file"] == str(folder / MODEL)
    result = invoke("compare", *arguments)
    assert "states another cut-off, P >= 1/4; both are judged by that of" in result.stderr
    assert document["decision"] == {
        "by": "P >= 1/6", "stated": {"model": "P >= 1/6", "other": "P >= 1/4"},
    }  # fmt: skip
    decision = " ".join(result.stdout.split("\nDECISION")[1].split("\nFIGURES")[0].split())
    assert decision.startswith("this model: flagged if P >= 1/6, which costs least")
    assert "the other: judged by that same cut-off, P >= 1/6; its own file states P" in decision
    assert decision.endswith("its own file states P >= 1/4, which is not used here.")
    assert re.search("^  composite without stability ", result.stdout, re.M)
    assert "without stability" in document["interpretability"]["note"]
    assert "this model - the other" in result.stdout
    assert "a loss of more than 0.05" in " ".join(result.stdout.split())
    assert max(map(len, result.stdout.splitlines())) <= 100 or str(folder) in result.stdout


def test_compare_several_classes_and_numbers(rows, tmp_path):
    X, y = rows
    for task, values in (("multiclass", np.digitize(y, [0.5, 1.5])), ("regression", y.to_numpy())):
        labelled = values if task == "regression" else [f"class {k}" for k in values]
        X.assign(y=labelled).to_csv(tmp_path / "rows.csv", index=False)
        saved_by_hand(tmp_path / "m.skops", X, values, task)
        document = told("compare", tmp_path / "m.skops", tmp_path / "rows.csv", "--target", "y")
        assert document["difference"]["scoring"] == {"multiclass": "roc_auc_ovr"}.get(task, "r2")
        assert (document["swap"] is None) == (task == "regression")
        result = invoke("compare", tmp_path / "m.skops", tmp_path / "rows.csv", "--target", "y")
        text = result.stdout
        assert ("now right" in text) == (task == "multiclass")
        assert ("DECISION  the likeliest class, for each model.\n" in text) == (
            task == "multiclass"
        )
        assert (document["decision"] is None) == (task == "regression")
        assert document["difference"]["verdict"].upper() in text


def test_a_model_compared_with_its_like(rows, tmp_path):
    """No difference is no matter of weights, and one cut-off is said to be both files' own."""
    X, y = rows
    y = (y > 1).astype(int).to_numpy()
    X.assign(y=[f"class {k}" for k in y]).to_csv(tmp_path / "rows.csv", index=False)
    for name in ("a.skops", "b.skops"):
        saved_by_hand(tmp_path / name, X, y, "binary")
    result = invoke("compare", tmp_path / "a.skops", tmp_path / "rows.csv", "--against",
                    tmp_path / "b.skops")  # fmt: skip
    text = " ".join(result.stdout.split())
    assert "the other: judged by that same cut-off, P > 1/2; its own file states it as well" in text
    assert "EASIER neither: both have the same components." in text
    assert "another cut-off" not in result.stderr
    costs = {"costs": {"miss": 1, "false_alarm": 1}}  # as far as ties, the same
    saved_by_hand(tmp_path / "c.skops", X, y, "binary", decision=costs)
    pair = ("compare", tmp_path / "a.skops", tmp_path / "rows.csv", "--against")
    assert told(*pair, tmp_path / "c.skops")["decision"] == {
        "by": "P > 1/2", "stated": {"model": "P > 1/2", "other": "P >= 1/2"},
    }  # fmt: skip


def test_compare_refuses_what_cannot_be_compared(credit, mixed, tmp_path):
    held = credit / "held.csv"
    target = ["--target", "default"]
    refused(invoke("compare", credit / MODEL, held, *target, "--against", mixed / MODEL),
            "do not predict the same", "same --positive")  # fmt: skip
    pd.read_csv(held).assign(default=0).to_csv(tmp_path / "one.csv", index=False)
    refused(invoke("compare", credit / MODEL, tmp_path / "one.csv", *target),
            "0 rows have the outcome '1'", "two rows of each")  # fmt: skip
    for margin in ("0", "-1", "nan", "inf"):
        refused(invoke("compare", credit / MODEL, held, *target, "--margin", margin),
                "--margin", code=2)  # fmt: skip


# -- check ---------------------------------------------------------------------------------------


def test_check_passes_what_fit_has_written(credit):
    result = invoke("check", credit / MODEL)
    assert (result.exit_code, result.stderr) == (0, "")
    text = " ".join(result.stdout.split())
    saved = load_model(credit / MODEL)
    assert f"{MODEL}: passed." in text
    assert re.search(rf"^  grown +{saved.grown.get_n_leaves()} .* sound$", result.stdout, re.M)
    assert "sklearn.tree._tree.Tree" in text and "The file is not signed" in text
    document = told("check", credit / MODEL)
    assert document["passed"] is True and document["problems"] == []
    assert document["about"] == saved.about


@pytest.mark.parametrize(
    "about, words",
    [
        ({"seed": "one"}, "seed must be a whole number"),
        ({"target": 7}, "target must be text"),
        ({"decision": {"costs": {"miss": -1, "false_alarm": 1}}}, "two numbers above 0"),
        ({"decision": {"costs": [5, 1]}}, "two numbers above 0"),
        ({"decision": {"words": {"act": 1}}}, "must be text by name"),
        ({"decision": "decline"}, "must be text by name"),
    ],
)
def test_what_a_model_says_of_itself_is_checked(rows, tmp_path, about, words):
    X, y = rows
    path = tmp_path / "m.skops"
    saved_by_hand(path, X, (y > 1).astype(int).to_numpy(), "binary", **about)
    result = invoke("check", path)
    assert result.exit_code == 3
    assert words in result.stderr and "REFUSED" in result.stdout
    assert json.loads(invoke("check", path, "--json").stdout)["passed"] is False
    X.assign(y=1).to_csv(tmp_path / "rows.csv", index=False)
    refused(invoke("rules", path), words)
    refused(invoke("score", path, tmp_path / "rows.csv", "--target", "y"), words)


def test_check_names_other_versions(rows, tmp_path):
    X, y = rows
    path = tmp_path / "m.skops"
    model = saved_by_hand(path, X, y.to_numpy(), "regression")
    about = about_model(model, name="rows", target="y", task="regression")
    about["versions"]["numpy"] = "1.0.0"
    save_model(Saved(model, None, about), path)
    result = invoke("check", path)
    assert result.exit_code == 0
    assert re.search(r"^  numpy +1\.0\.0 .* DIFFERS$", result.stdout, re.M)
    assert result.stderr.startswith("note: saved with other versions of numpy:")


# -- refusals ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def odd(credit, tmp_path_factory):
    """Files that are none, or not those of the model."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "nul.csv").write_bytes(b"a,b\n1,\0\n")
    wide = ",".join(f"c{i}" for i in range(5000))
    (folder / "wide.csv").write_text(f"{wide}\n{','.join(['1'] * 5000)}\n")
    frame = pd.read_csv(credit / "credit.csv")
    frame.drop(columns=["savings"]).to_csv(folder / "lacking.csv", index=False)
    frame.assign(savings=1).to_csv(folder / "number.csv", index=False)
    text = frame.astype({"amount_dm": object})
    text.loc[3, "amount_dm"] = "much\x1b[31m"
    text.to_csv(folder / "text.csv", index=False)
    frame.assign(default="no").to_csv(folder / "label.csv", index=False)
    frame.assign(default=np.nan).to_csv(folder / "none.csv", index=False)
    many = frame.assign(purpose=[f"p{i}" for i in range(len(frame))])
    many.to_csv(folder / "many.csv", index=False)
    return folder


@pytest.mark.parametrize(
    "name, words",
    [
        ("no_such.csv", "no such file"),
        ("", "is a directory"),
        ("nul.csv", "NUL bytes"),
        ("wide.csv", "--max-columns raises it"),
        ("lacking.csv", "lacks the column savings, which treeprune-model.skops takes; it has:"),
        ("number.csv", "column 'savings' holds nothing that the model knows (but '1'): 100 to"),
        ("text.csv", r"column 'amount_dm' holds text (such as 'much\x1b[31m'), where the model"),
    ],
)
def test_data_that_is_not_the_models_is_refused(credit, odd, name, words):
    refused(invoke("explain", credit / MODEL, odd / name, "--row", 1), words)
    for command in ("score", "compare"):
        refused(invoke(command, credit / MODEL, odd / name, "--target", "default"), words)


def test_codes_that_look_like_numbers_are_still_text(tmp_path):
    """A model of codes 01 to 04 and A1 is asked of a file in which only 01 occurs."""
    rng = np.random.default_rng(0)
    code = rng.choice(["01", "02", "03", "04", "A1"], 400)
    y = (np.isin(code, ["01", "A1"]) ^ (rng.random(400) < 0.1)).astype(int)
    frame = pd.DataFrame({"code": code, "x": rng.normal(size=400).round(2), "y": y})
    frame.to_csv(tmp_path / "all.csv", index=False)
    fitted = invoke("fit", tmp_path / "all.csv", "--target", "y", "--cv", 3, "--refits", 0,
                    "--formats", "json", "--out", tmp_path)  # fmt: skip
    assert fitted.exit_code == 0, fitted.stderr
    frame[frame["code"] == "01"].to_csv(tmp_path / "one.csv", index=False)
    result = invoke("explain", tmp_path / MODEL, tmp_path / "one.csv", "--row", 1)
    assert result.exit_code == 0, result.stderr
    assert "code" in result.stdout


@pytest.mark.parametrize(
    "name, target, words",
    [
        ("label.csv", "default", "is 'no' in a row; the model's labels are: 0, 1 (1000 rows"),
        ("none.csv", "default", "no row has a value of the target 'default'"),
        ("lacking.csv", "nope", "no column 'nope' of outcomes; --target names another"),
        ("many.csv", "age", "is '67' in a row"),
        ("many.csv", "existing_credits", "'existing_credits' is"),
    ],
)
def test_outcomes_that_the_model_does_not_know_are_refused(credit, odd, name, target, words):
    refused(invoke("score", credit / MODEL, odd / name, "--target", target), words)


def test_limits_of_reading_are_kept(credit, odd):
    data = credit / "credit.csv"
    for option, words in (("--max-rows", "--max-rows raises it"),
                          ("--max-columns", "--max-columns raises it"),
                          ("--max-bytes", "--max-bytes raises it")):  # fmt: skip
        refused(invoke("score", credit / MODEL, data, "--target", "default", option, 5), words)
    few = invoke("explain", credit / MODEL, odd / "many.csv", "--row", 1, "--max-categories", 500)
    refused(few, "column 'purpose' has 1,000 categories, more than 500; --max-categories")


def test_outcomes_are_the_models_own_unless_named(credit, credit_score, credit_pair, tmp_path):
    held = pd.read_csv(credit / "held.csv")
    held.drop(columns="default").to_csv(tmp_path / "none.csv", index=False)
    for command, named in (("score", credit_score), ("compare", credit_pair)):
        assert told(command, credit / MODEL, credit / "held.csv") == named
        refused(invoke(command, credit / MODEL, tmp_path / "none.csv"),
                "no column 'default' of outcomes; --target names another")  # fmt: skip
        assert "else the one that the model" in " ".join(invoke(command, "--help").stdout.split())


def test_files_that_are_no_models_are_refused(credit, tmp_path):
    (tmp_path / "pickle.skops").write_bytes(pickle.dumps({"model": 1}))
    (tmp_path / "cut.skops").write_bytes((credit / MODEL).read_bytes()[:2000])
    for name, words in (("pickle.skops", "a pickle is never loaded"), ("none.skops", "no such"),
                        ("cut.skops", "cut.skops"), ("", "is a directory")):  # fmt: skip
        path = tmp_path / name
        for arguments in (["rules", path], ["check", path],
                          ["explain", path, credit / "credit.csv", "--row", 1],
                          ["score", path, credit / "credit.csv", "--target", "default"],
                          ["compare", credit / MODEL, credit / "held.csv", "--target", "default",
                           "--against", path]):  # fmt: skip
            refused(invoke(*arguments), words)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.skops", "pickle.skops"]


# -- strangers -----------------------------------------------------------------------------------


def test_names_of_strangers_are_shown_as_they_are(mixed):
    data, target = mixed / "mixed.csv", ["--target", "what|ever"]
    rows = [part for i in range(1, 9) for part in ("--row", i)]
    for arguments in (["rules", mixed / MODEL], ["explain", mixed / MODEL, data, *rows],
                      ["score", mixed / MODEL, data, *target], ["check", mixed / MODEL],
                      ["compare", mixed / MODEL, data, *target]):  # fmt: skip
        result = invoke(*arguments)
        assert result.exit_code == 0, result.stderr
        for text in (result.stdout, result.stderr):
            assert all(c.isprintable() or c == "\n" for c in text), arguments
        assert max(map(len, result.stdout.splitlines())) <= 100
        assert not re.search(r"\bnan\b|\binf\b|\bNone\b", result.stdout)
    text = invoke("rules", mixed / MODEL).stdout
    assert "[bold]rate[/] {0!r} %s" in text
    assert "<b>yes</b>" in text
    markdown = invoke("rules", mixed / MODEL, "--format", "markdown").stdout
    assert "<script>" not in markdown and "&lt;script&gt;" in markdown


def test_columns_of_missing_values_only_are_taken(mixed, tmp_path):
    frame = pd.read_csv(mixed / "mixed.csv")
    frame.iloc[:, [0, 2]] = np.nan
    frame.to_csv(tmp_path / "empty.csv", index=False)
    X, saved = raw(mixed, "mixed.csv")
    X.isetitem(0, np.nan)
    known = [c for c in saved.about["columns"][2]["categories"] if c is not None]
    X.isetitem(2, pd.Categorical([None] * len(X), known))
    row = told("explain", mixed / MODEL, tmp_path / "empty.csv", "--row", 1)["rows"][0]
    assert row["prediction"] == saved.model.predict_proba(X)[0, 1]


def test_the_same_question_has_the_same_answer(mixed):
    arguments = ["compare", mixed / MODEL, mixed / "mixed.csv", "--target", "what|ever", "--json"]
    assert invoke(*arguments).stdout == invoke(*arguments).stdout


def test_a_program_writes_results_to_stdout_only(mixed):
    env = {**os.environ, "PYTHONPATH": str(HOME), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "treeprune", "explain", str(mixed / MODEL),
         str(mixed / "mixed.csv"), "--row", "2", "--json"],
        capture_output=True, check=True, env=env, timeout=120,
    )  # fmt: skip
    assert json.loads(done.stdout)["rows"][0]["row"] == 2
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"treeprune: checking the model" in done.stderr


def test_commands_are_listed_and_load_nothing_heavy():
    code = (
        "import sys\n"
        "from treeprune.cli import app\n"
        "for name in ('rules', 'explain', 'score', 'compare', 'check'):\n"
        "    app([name, '--help'], standalone_mode=False)\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'sklearn', 'numba', 'skops', 'sqlglot'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(HOME)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, env=env,
                          timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name in (
        b"Write a saved model's rules",
        b"--row",
        b"--against",
        b"--dialect",
        b"--max-bytes",
    ):
        assert name in b" ".join(done.stdout.split())
