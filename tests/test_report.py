"""The report: figures against definitions, rules against the model, words against the dict."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline

from treeprune import CheckFailedError, Decision, compare, cost_decision, explain, verify
from treeprune.explain import RuleSet, reasons
from treeprune.explain.checks import Check
from treeprune.explain.exports import rerun
from treeprune.intervals import (
    auc_of,
    bootstrap,
    percentile_interval,
    r2_of,
    round_rows,
    verdict,
    wilson,
)
from treeprune.report import (
    Costs,
    InputRefused,
    Options,
    StatedLimit,
    Table,
    attributed,
    examples,
    fit_rivals,
    render_text,
    report_of,
    study_of,
    write_all,
)
from treeprune.report import explained as explained_module
from treeprune.report.columns import NameCombiner, encoder, model_columns
from treeprune.report.figures import figure, fixed, significant
from treeprune.report.held_out import outputs_of
from treeprune.report.scored import refits_of
from treeprune.report.words import printable

# Small tables are pruned to the root now and then.
pytestmark = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")

VERDICTS = {"non-inferior", "worse", "undecided"}
QUICK = Options(cv=3, n_resamples=1000, refits=0)
SCORED = replace(QUICK, refits=2)


def mixed_frame(n=240, seed=0):
    """Numbers on a grid, numbers off any grid, categories with odd names, missing values."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "[red]size[/red] {x} %d": rng.integers(0, 40, n).astype(float),
            "größe ☃": rng.normal(size=n),
            "city": rng.choice(["Köln", "New  York", "[bold]", "rare 1", "rare 2"], n,
                               p=[0.4, 0.3, 0.28, 0.01, 0.01]),
        }
    )  # fmt: skip
    signal = frame.iloc[:, 0] / 20 + frame.iloc[:, 1] + (frame["city"] == "Köln")
    frame["y"] = (signal + rng.normal(size=n) > 1.2).astype(int)
    frame.loc[rng.random(n) < 0.15, frame.columns[0]] = np.nan
    frame.loc[rng.random(n) < 0.1, "city"] = np.nan
    frame["city"] = frame["city"].astype("category")
    return frame


def run(frame, options=QUICK, **kwargs):
    study = study_of(Table(frame, sha256="0" * 64), name="data", target="y", **kwargs)
    fits = fit_rivals(study, options)
    return study, fits, report_of(study, fits, options)


@pytest.fixture(scope="module")
def binary():
    return run(mixed_frame(), SCORED, costs=Costs(5, 1, "a test"))


@pytest.fixture(scope="module")
def multiclass():
    frame = load_iris(as_frame=True).frame.rename(columns={"target": "y"})
    frame["y"] = pd.Categorical(frame["y"].map({0: "setosa", 1: "[b]versicolor", 2: "virginica"}))
    return run(frame, SCORED)


@pytest.fixture(scope="module")
def regression():
    frame = load_diabetes(as_frame=True, scaled=False).frame.rename(columns={"target": "y"})
    frame.loc[::7, "bmi"] = np.nan
    return run(frame, SCORED)


@pytest.fixture(scope="module")
def groups():
    """With sensitive columns, one of them numbers, a group that is too small, and a limit."""
    frame, rng = mixed_frame(400), np.random.default_rng(0)
    frame["größe im Amt"] = rng.integers(18, 80, len(frame))
    frame["[b]sex[/b]"] = pd.Categorical(
        rng.choice(["f", "m", "x"], len(frame), p=[0.5, 0.48, 0.02])
    )
    frame.loc[rng.random(len(frame)) < 0.2, "[b]sex[/b]"] = np.nan
    limits = (StatedLimit("selection_rate_ratio", low=0.9),)
    return run(frame, replace(QUICK, limits=limits), sensitive=list(frame.columns[-2:]))


# -- intervals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("hits, n", [(0, 5), (5, 5), (13, 67), (1, 1)])
def test_wilson_is_scipys(hits, n):
    expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_without_rows_is_none():
    assert wilson(0, 0) is None


def test_counts_stand_for_repeated_rows():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 80).astype(bool)
    score = rng.integers(0, 6, 80) / 6  # ties
    target = rng.normal(size=80)
    counts = rng.multinomial(80, np.full(80, 1 / 80), size=20).astype(float)
    for row, auc, r2 in zip(counts, auc_of(y, score)(counts), r2_of(target, score)(counts)):
        repeated = np.repeat(np.arange(80), row.astype(int))
        assert auc == pytest.approx(roc_auc_score(y[repeated], score[repeated]), abs=1e-12)
        assert r2 == pytest.approx(r2_score(target[repeated], score[repeated]), abs=1e-12)


def test_auc_of_one_class_is_undefined_and_left_out_of_the_interval():
    drawn = auc_of(np.array([True, False]), np.array([1.0, 0.0]))(np.array([[2.0, 0], [1, 1]]))
    assert np.isnan(drawn[0])
    assert percentile_interval(drawn) == (1.0, 1.0)
    assert percentile_interval(drawn[:1]) is None


def test_bootstrap_is_seeded_and_draws_n_rows():
    first = bootstrap(lambda c: c, 7, 1000, seed=3)
    assert (first.sum(axis=1) == 7).all()
    assert np.array_equal(first, bootstrap(lambda c: c, 7, 1000, seed=3))
    assert not np.array_equal(first, bootstrap(lambda c: c, 7, 1000, seed=4))


@pytest.mark.parametrize(
    "low, high, said",
    [
        (-0.019, 0.05, "non-inferior"),
        (-0.019, -0.001, "non-inferior"),
        (-0.021, -0.001, "worse"),
        (-0.021, 0.001, "undecided"),
        (-0.02, 0.0, "undecided"),
    ],
)
def test_three_verdicts(low, high, said):
    assert verdict(low, high, 0.02) == said


# -- columns and study ---------------------------------------------------------------------------


def test_model_columns_know_their_raw_column():
    X = mixed_frame().drop(columns="y")
    transformer = encoder(X, 10).fit(X)
    columns = model_columns(transformer)
    assert columns.names[:2] == tuple(X.columns[:2])
    assert set(columns.names[2:]) == {
        "city=Köln", "city=New  York", "city=[bold]", "city=missing", "city=rare",
    }  # fmt: skip
    assert set(columns.raw[2:]) == {"city"}
    assert columns.grouped == {"city": ("rare 1", "rare 2")}
    assert columns.is_indicator == (False, False, True, True, True, True, True)


def test_colliding_names_are_quoted_or_refused():
    X = pd.DataFrame({"c=d": ["e", "f"] * 5, "c": ["d=e", "g"] * 5}).astype("category")
    names = encoder(X, 1).fit(X).get_feature_names_out()
    assert sorted(names) == ["c='d=e'", "c='g'", "c=d='e'", "c=d='f'"]
    X = pd.DataFrame({"c=d": [1.0, 2.0], "c='d'": [1.0, 2.0], "c": ["d", "e"]})
    with pytest.raises(InputRefused, match="rename"):
        encoder(X.astype({"c": "category"}), 1)
    assert NameCombiner()("c", float("nan")) == "c=missing"


# -- figures -------------------------------------------------------------------------------------


def test_figures_are_their_definitions(binary):
    study, fits, report = binary
    y = study.y_test
    cost = np.array([[0, 1], [5, 0]])
    grown = fits.rival("grown").model.predict_proba(fits.Z_test)
    for row in report["held_out"]["rows"]:
        proba = fits.rival(row["key"]).model.predict_proba(fits.Z_test)
        figures = {name: entry["value"] for name, entry in row["figures"].items()}
        p = proba[:, 1]
        decided = np.where(np.isclose(p, 1 / 6), 1, cost_decision(proba, cost))
        assert figures["auc"] == pytest.approx(roc_auc_score(y, p))
        assert figures["brier"] == pytest.approx(((p - y) ** 2).mean())
        assert figures["accuracy"] == pytest.approx((proba.argmax(axis=1) == y).mean())
        assert figures["cost"] == pytest.approx(cost[y, decided].mean())
        assert figures["cost_argmax"] == pytest.approx(cost[y, proba.argmax(axis=1)].mean())
        if row["key"] != "grown":
            assert row["delta_e"] == pytest.approx(((p - grown[:, 1]) ** 2).mean())
        for entry in row["figures"].values():
            assert entry["low"] <= entry["value"] <= entry["high"]


def test_changes_are_paired(binary):
    """Pruned minus as grown on the same resamples: narrower than of two samples, exact in value."""
    held = binary[2]["held_out"]
    grown, pruned = (row["figures"] for row in held["rows"][:2])
    assert held["changes"].keys() == grown.keys()
    for name, change in held["changes"].items():
        difference = pruned[name]["value"] - grown[name]["value"]
        assert change["value"] == pytest.approx(difference, abs=1e-12)
        assert change["low"] <= change["value"] <= change["high"]
        apart = sum(side[name]["high"] - side[name]["low"] for side in (grown, pruned))
        assert change["high"] - change["low"] < apart


def test_multiclass_figures(multiclass):
    study, fits, report = multiclass
    for row in report["held_out"]["rows"]:
        proba = fits.rival(row["key"]).model.predict_proba(fits.Z_test)
        assert row["figures"]["auc"]["value"] == pytest.approx(
            roc_auc_score(study.y_test, proba, multi_class="ovr")
        )
        right = (proba.argmax(axis=1) == study.y_test).mean()
        assert row["figures"]["accuracy"]["value"] == pytest.approx(right)


def test_regression_figures(regression):
    study, fits, report = regression
    for row in report["held_out"]["rows"]:
        predicted = fits.rival(row["key"]).model.predict(fits.Z_test)
        assert row["figures"]["r2"]["value"] == pytest.approx(r2_score(study.y_test, predicted))
        error = predicted - study.y_test
        assert row["figures"]["rmse"]["value"] == pytest.approx(np.sqrt((error**2).mean()))
        assert row["figures"]["mae"]["value"] == pytest.approx(np.abs(error).mean())


def test_swap_set_counts_decisions(binary):
    study, fits, report = binary
    before, after = (
        outputs_of(fits.rival(key).model, fits.Z_test, study).decision
        for key in ("grown", "pruned")
    )
    swap = report["held_out"]["swap"]
    assert swap["acted"] == ((before == 0) & (after == 1)).sum()
    assert swap["passed_positive"] == ((before == 1) & (after == 0) & (study.y_test == 1)).sum()
    assert swap["n_acted"] + swap["n_passed"] == report["held_out"]["n"]


def test_a_tie_at_the_cutoff_acts():
    frame = pd.DataFrame({"x": np.repeat([0.0, 1.0], 120), "y": [1] * 20 + [0] * 100 + [1] * 120})
    study = study_of(Table(frame, ""), name="t", target="y", positive="1", costs=Costs(5, 1, "t"))
    below = np.nextafter(1 / 6, 0)  # a sixth but for rounding
    proba = np.array([[5 / 6, 1 / 6], [1 - below, below], [0.9, 0.1]])

    class Said:
        def predict_proba(self, Z):
            return proba

    assert outputs_of(Said(), None, study).decision.tolist() == [1, 1, 0]
    # The explainer's decision is the same one.
    decide = explained_module.decision_of(study).decide
    assert decide(proba[:, 1]).tolist() == [True, True, False]


def test_differences_are_paired_and_judged(binary, multiclass, regression):
    for _, _, report in (binary, multiclass, regression):
        held = report["held_out"]
        value = {row["key"]: row["figures"][held["lead"]]["value"] for row in held["rows"]}
        assert [d["rival"] for d in held["differences"]] == [
            "grown", "pruned_other", "grown_small", "linear",
        ]  # fmt: skip
        for d in held["differences"]:
            assert d["verdict"] in VERDICTS
            assert d["value"] == pytest.approx(value["pruned"] - value[d["rival"]])
            assert d["low"] <= d["value"] <= d["high"]
            assert (d["rows_needed"] is None) == (d["verdict"] != "undecided")


@pytest.mark.parametrize("which", ["binary", "multiclass", "regression", "grown"])
def test_differences_are_those_of_verify(which, request):
    study, fits, report = request.getfixturevalue(which)
    pruned = fits.rival("pruned").model
    for d in report["held_out"]["differences"]:
        found = verify(fits.rival(d["rival"]).model, pruned, fits.Z_test, study.y_test,
                       margin=QUICK.margin, n_resamples=QUICK.n_resamples,
                       random_state=study.seed)  # fmt: skip
        told = [d["value"], d["low"], d["high"]]
        assert told == pytest.approx([found.difference, found.low, found.high], abs=1e-12)
        assert (d["verdict"], d["rows_needed"], d["method"]) == (
            found.verdict, found.rows_needed, found.method,
        )  # fmt: skip
        way = "DeLong" if study.task == "binary" else "bootstrap"
        assert d["method"].startswith(f"paired {way}")


def test_undecided_says_how_many_rows_would_decide(binary, regression):
    seen = set()
    for _, _, report in (binary, regression):
        text = render_text(report)
        lines = re.findall(r"^  pruned - .*$", text, re.MULTILINE)
        column = {
            re.search(r"[]-] +(NON-INFERIOR|WORSE|UNDECIDED)", line).start(1) for line in lines
        }
        assert len(lines) == 4 and len(column) == 1  # aligned
        for line, d in zip(lines, report["held_out"]["differences"], strict=True):
            seen.add(d["verdict"])
            if d["verdict"] == "undecided":
                assert line.endswith(f"UNDECIDED  needs {round_rows(d['rows_needed'])} rows") or (
                    line.endswith(f"UNDECIDED     needs {round_rows(d['rows_needed'])} rows")
                )
            else:
                assert line.endswith(d["verdict"].upper())
        assert "one-sided 95 % bounds (paired " in text
    assert "undecided" in seen and len(seen) > 1


def test_one_held_out_row_of_a_class_decides_nothing():
    frame = pd.DataFrame({"x": np.arange(60) % 7, "z": np.arange(60) % 11, "y": [1] * 4 + [0] * 56})
    _, _, report = run(frame, Options(cv=2, n_resamples=1000, refits=0, strength=0.0))
    for d in report["held_out"]["differences"]:
        assert (d["low"], d["high"], d["verdict"], d["rows_needed"]) == (
            None, None, "undecided", None,
        )  # fmt: skip
    text = render_text(json.loads(json.dumps(report, allow_nan=False)))
    assert len(re.findall(r"^  pruned - .* UNDECIDED$", text, re.MULTILINE)) == 4


def test_rivals_that_separate_the_classes_are_not_proved_equal_by_few_rows():
    x = np.r_[np.arange(60.0), np.arange(80.0, 140.0)]
    _, fits, report = run(pd.DataFrame({"x": x, "z": x**2 % 7, "y": (x >= 70).astype(int)}))
    linear = report["held_out"]["differences"][-1]
    assert (linear["value"], linear["verdict"]) == (0, "undecided")
    method, _, note = linear["method"].partition("; ")
    assert method == "paired DeLong, rule of three"
    few = min((np.sum(fits.Z_test["x"] >= 70), np.sum(fits.Z_test["x"] < 70)))
    assert note == f"only {few} rows of the rarer class: approximate"
    assert note + "." in " ".join(render_text(report).split())
    assert "bounds by the rule of three" in " ".join(render_text(report).split())
    same = report["held_out"]["differences"][0]
    assert (same["value"], same["low"], same["verdict"]) == (0, 0, "non-inferior")


def test_rule_rows_count_rows(binary):
    study, _, report = binary
    rules = report["rules"]["shown"]
    assert sum(r["train"] for r in rules) == len(study.y_train)
    assert sum(r["held_out"] for r in rules) == len(study.y_test)
    assert report["rules"]["grown_on"] == report["rules"]["n_train"]
    hits = sum(r["p"] * r["train"] for r in rules)
    assert hits == pytest.approx(study.y_train.sum())
    assert all(check["passed"] for check in report["checks"])
    n = len(study.y_train) + len(study.y_test)
    assert report["checks"][0]["scope"] == f"{n} of {n} rows"
    assert all(r["decision"] == (r["p"] >= 1 / 6) for r in rules)


def test_only_the_largest_rules_are_shown_when_there_are_many():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    rng = np.random.default_rng(0)
    frame = pd.concat([X.iloc[:, :4]] * 4, ignore_index=True)
    frame["y"] = np.where(rng.random(len(frame)) < 0.3, 1 - np.tile(y, 4), np.tile(y, 4))
    _, _, report = run(frame, Options(cv=2, n_resamples=1000, refits=0, strength=0.0))
    assert report["rules"]["n"] > 30
    assert len(report["rules"]["shown"]) == 30
    text = render_text(report)
    assert f"RULES     the 6 largest of {report['rules']['n']} leaves" in text
    assert f"The 30 largest of {report['rules']['n']} leaves." in text


def test_missing_on_held_out_rows_only_is_said():
    frame = mixed_frame().dropna().reset_index(drop=True)
    split = study_of(Table(frame, ""), name="t", target="y")
    column = frame.columns[1]
    held_out = frame[column].isin(split.X_test[column])
    frame.loc[held_out & (np.arange(len(frame)) % 3 == 0), column] = np.nan
    _, _, report = run(frame)
    assert report["rules"]["unseen_missing"] == [column]
    assert all(check["passed"] for check in report["checks"])


def test_a_rule_that_lies_is_found_and_said(binary, monkeypatch):
    study, fits, _ = binary

    def without_the_first_rule(*args, **kwargs):
        ex = explain(*args, **kwargs)
        rules = replace(ex.rules, rules=ex.rules.rules[1:])
        ex.view = replace(ex.view, readable=rules)
        return ex

    monkeypatch.setattr(explained_module, "explain", without_the_first_rule)
    report = report_of(study, fits, QUICK)
    failed = [check["name"] for check in report["checks"] if check["passed"] is False]
    assert failed == ["rules = model", "printed rules = model", "SQL = model"]
    assert report["examples"] is None
    assert "FAILED" in render_text(report)


# -- what the explainer says ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def grown():
    """All leaves kept: rare and missing categories, numbers on and off a grid, missing numbers."""
    frame = mixed_frame(600, seed=3)
    return run(
        frame, Options(cv=3, n_resamples=1000, refits=0, strength=0.0), costs=Costs(2, 1, "a test")
    )


def naive_rule_of(rules, row):
    """Which rules take a row of raw columns, by the exact conditions in the report's dict."""
    taken = []
    for rule in rules:
        for asked in rule["exact"]:
            value = row[asked["column"]]
            if pd.isna(value):
                meets = asked["missing"]
            elif "in" in asked:
                meets = value in asked["in"]
            else:
                ends = [(-np.inf if a is None else a, np.inf if b is None else b)
                        for a, b in asked["above_to"]]  # fmt: skip
                meets = any(a < value <= b for a, b in ends)
            if not meets:
                break
        else:
            taken.append(rule)
    return taken


def test_rules_in_raw_columns_are_the_model(grown):
    study, fits, report = grown
    rules = report["rules"]["shown"]
    assert len(rules) == report["rules"]["n"] > 5
    assert any("in" in asked for rule in rules for asked in rule["exact"])
    assert all(len({a["column"] for a in r["exact"]}) == len(r["exact"]) for r in rules)
    for X in (study.X_train, study.X_test):
        said = fits.pipeline.predict_proba(X)[:, 1]
        for (_, row), p in zip(X.iterrows(), said, strict=True):
            (rule,) = naive_rule_of(rules, row)
            assert rule["p"] == pytest.approx(p, abs=1e-12)


def test_rules_name_raw_columns_and_categories(grown):
    report = grown[2]
    said = [text for rule in report["rules"]["shown"] for text in rule["conditions"]]
    assert any(text.startswith("city ") and "Köln" in text for text in said)
    assert not any("city=" in text for text in said)
    # 15 % of the first column are missing, so that each condition says where these go.
    asked = [t for t in said if "[red]size[/red] {x} %d" in t]
    assert asked
    assert all(t.endswith(("or missing", "and not missing", "is missing")) for t in asked)
    assert "city: 2 rare categories are treated as one: rare 1, rare 2" in report["notes"]


def test_columns_counts_raw_columns(grown):
    _, _, report = grown
    (pruned,) = [row for row in report["held_out"]["rows"] if row["key"] == "pruned"]
    used = {a["column"] for rule in report["rules"]["shown"] for a in rule["exact"]}
    assert pruned["columns"] == len(used) == report["attribution"]["n_used"] == 3


def test_limits_are_printed_so_that_held_out_rows_go_the_right_way():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    _, _, report = run(pd.DataFrame({"x": x, "y": (x > 0.3).astype(int)}))
    checks = {check["name"]: check for check in report["checks"]}
    assert checks["printed rules = model"]["scope"] == "300 of 300 rows"
    assert checks["printed rules = model"]["passed"]


def test_attributions_add_up_and_shares_to_one(grown, multiclass, regression):
    for study, fits, report in (grown, multiclass, regression):
        assert sum(c["share"] for c in report["attribution"]["columns"]) == pytest.approx(1)
        (check,) = [c for c in report["checks"] if c["name"].startswith("attributions add up")]
        assert check["passed"]
        if report["examples"]["kind"] == "reasons":
            continue
        ask = fits.pipeline.predict_proba if study.is_classification else fits.pipeline.predict
        said = np.asarray(ask(study.X_test))
        for row in report["examples"]["rows"]:
            i = list(study.test_rows).index(row["row"] - 1)
            label = None if row["label"] is None else study.labels.index(row["label"])
            expected = said[i] if label is None else said[i, label]
            assert row["prediction"] == pytest.approx(expected)
            moved = row["base"] + sum(p["push"] for p in row["pushes"])
            assert len(row["pushes"]) == 4 or moved == pytest.approx(row["prediction"])
            for push in row["pushes"]:
                assert push["value"] == study.X_test[push["column"]].iloc[i]


def test_reasons_are_of_adverse_rows_and_changes_turn_the_decision(grown):
    study, fits, report = grown
    told = report["examples"]
    assert told["kind"] == "reasons"
    p = fits.pipeline.predict_proba(study.X_test)[:, 1]
    adverse = outputs_of(fits.pipeline, study.X_test, study).decision == 1
    assert told["n"] == adverse.sum() == report["held_out"]["swap"]["n_acted"]
    shown = [row["p"] for row in told["rows"]]
    assert (shown[0], shown[-1]) == (p[adverse].max(), p[adverse].min())
    assert shown == sorted(shown, reverse=True)
    for row in told["rows"]:
        i = list(study.test_rows).index(row["row"] - 1)
        raw = study.X_test.iloc[[i]].astype({"city": object})
        assert p[i] == row["p"]
        for reason in row["reasons"]:
            assert reason["contribution"] > 0
            assert 1 <= reason["agreed"] <= reason["methods"] == 3
        change = row["change"]
        assert change["turned"]
        for one in change["changes"]:
            raw[one["column"]] = one["new"]
        after = fits.pipeline.predict_proba(raw)[0, 1]
        assert after == pytest.approx(change["after"])
        assert after < study.costs.cutoff
    scopes = {check["name"]: check["scope"] for check in report["checks"]}
    assert scopes["cheapest changes turn the model's decision"] == "3 of 3 changes"


def test_a_direction_that_does_not_hold_is_said_in_the_report(grown, monkeypatch):
    study, fits, _ = grown
    wrong = Check(False, "0 of 1 directions", "first not so for age of adverse row 0")
    settle = reasons.settled
    monkeypatch.setattr(reasons, "settled", lambda *args: replace(settle(*args), check=wrong))
    text = render_text(report_of(replace(study, costs=Costs(2, 1, "t")), fits, QUICK))
    assert "directions agree with the baseline: 0 of 1 directions FAILED" in text


def test_reasons_need_costs():
    _, _, report = run(mixed_frame())
    assert report["examples"]["kind"] == "pushes"
    text = render_text(report)
    assert "\nREASONS" not in text
    assert "\nEXAMPLES" in text
    assert not any(check["name"].startswith("reasons") for check in report["checks"])


@pytest.mark.parametrize(
    "costs, words",
    [
        (Costs(1e6, 1, "t"), "Every row is flagged: there is none to compare with"),
        (Costs(1, 1e6, "t"), "No held-out row is flagged"),
    ],
)
def test_reasons_without_two_decisions(costs, words):
    _, _, report = run(mixed_frame(), costs=costs)
    assert report["examples"]["rows"] == []
    assert words in render_text(report)


@pytest.mark.parametrize("miss, alarm", [(5, 1), (1, 1), (1e9, 1), (1e300, 1e-300), (1, 1e20)])
def test_the_cutoff_as_applied_is_the_cutoff_but_for_rounding(miss, alarm):
    costs = Costs(miss, alarm, "t")
    cutoff = float(costs.cutoff)
    assert 0 < costs.acts_from <= max(cutoff, 5e-324)
    assert cutoff - costs.acts_from <= 1.001e-12
    Decision(adverse=1, cutoff=costs.acts_from)  # takes it


def test_a_tie_is_decided_alike_by_rules_and_reasons(grown):
    study, fits, report = grown
    seen = 0
    for rule in report["rules"]["shown"]:
        hits = round(rule["p"] * rule["train"])
        if not (0 < hits < rule["train"] and rule["held_out"]):
            continue
        seen += 1
        at_rule = replace(study, costs=Costs(rule["train"] - hits, hits, "the rule's own odds"))
        told = explained_module.explained(at_rule, fits)
        (same,) = [r for r in told["rules"]["shown"] if r["rule"] == rule["rule"]]
        assert same["decision"] == 1
        assert (
            told["examples"]["n"] == outputs_of(fits.pipeline, study.X_test, at_rule).decision.sum()
        )
        assert told["examples"]["rows"] == [] or told["examples"]["rows"][-1]["p"] == rule["p"]
    assert seen > 3


def test_only_sufficient_conditions_are_counted(grown):
    told = grown[2]["rules"]["sufficient"]
    assert 0 < told["enough"] < told["conditions"]


# -- SQL -----------------------------------------------------------------------------------------


def sql_of(report):
    (check,) = [check for check in report["checks"] if check["name"] == "SQL = model"]
    return check


@pytest.mark.parametrize("which", ["binary", "multiclass", "regression", "grown"])
def test_sql_is_run_on_all_rows(which, request):
    study, _, report = request.getfixturevalue(which)
    n = len(study.y_train) + len(study.y_test)
    assert sql_of(report) == {
        "name": "SQL = model", "passed": True, "scope": f"{n} of {n} rows", "detail": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "old, new, scope",
    [
        (" IN ", " NOT IN ", r"\d+ of 600 rows"),
        ("-1", "5", "5 of 600 rows"),  # its LIMIT
        ("SELECT", "SELEKT", "0 of 600 rows"),
    ],
)
def test_sql_that_lies_is_found_and_said(grown, monkeypatch, old, new, scope):
    study, fits, _ = grown
    write = RuleSet.to_sql
    monkeypatch.setattr(RuleSet, "to_sql", lambda *args: write(*args).replace(old, new))
    report = report_of(study, fits, QUICK)
    check = sql_of(report)
    assert check["passed"] is False
    assert re.fullmatch(scope, check["scope"])
    assert "600 of 600" not in check["scope"]
    assert f"SQL = model: {check['scope']} FAILED (" in render_text(report)


def test_sql_that_cannot_be_written_is_said():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 2)), columns=["size", "Size"])
    frame["y"] = (frame["size"] + frame["Size"] > 0).astype(int)
    _, _, report = run(frame, Options(cv=3, n_resamples=1000, refits=0, strength=0.0))
    assert sql_of(report)["passed"] is None
    assert "SQL = model: not checked, there is no SQL" in render_text(report)


def test_sql_is_not_written_for_very_many_rules(grown, monkeypatch):
    study, fits, _ = grown
    monkeypatch.setattr(rerun, "MOST_RULES", 2)
    report = report_of(study, fits, QUICK)
    assert sql_of(report)["passed"] is None
    assert "SQL = model: not checked, more than 2 rules" in render_text(report)


def test_hostile_names_reach_the_database_as_they_are():
    rng = np.random.default_rng(0)
    n = 400
    frame = pd.DataFrame(
        {
            'a"b`c]': rng.normal(size=n),
            "rule": rng.choice(["x' OR 1=1 --", 'y"', "", "ü☃"], n),
            "P(1)": rng.integers(0, 9, n),
            "flag": rng.random(n) < 0.5,
            "number": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
        }
    )
    y = frame.iloc[:, 0] + 2 * (frame["rule"] == "ü☃") + frame["P(1)"] / 4 + 2 * frame["flag"]
    frame["y"] = (y + frame["number"].fillna(2) > 3).astype(int)
    frame["rule"] = frame["rule"].astype("category")
    options = Options(cv=3, n_resamples=1000, refits=0, strength=0.0)
    _, _, report = run(frame, options, costs=Costs(2, 1, "t"))
    assert report["attribution"]["n_used"] == 5
    assert sql_of(report)["scope"] == "400 of 400 rows"
    assert all(check["passed"] for check in report["checks"])
    text = render_text(report)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("costs", [None, Costs(2, 1, "t")])
def test_attributions_that_do_not_add_up_are_said(grown, monkeypatch, costs):
    study, fits, _ = grown

    def off(*args, **kwargs):
        raise CheckFailedError("off by 0.25 in row 3")

    monkeypatch.setattr(attributed, "attribute", off)
    monkeypatch.setattr(examples, "attribute", off)
    monkeypatch.setattr(reasons, "attribute", off)
    report = report_of(replace(study, costs=costs), fits, QUICK)
    assert report["attribution"] is None
    assert report["examples"] is None
    text = render_text(report)
    assert "attributions add up to the model: off by 0.25 in row 3 FAILED" in text
    assert ("reasons add up to the model: off by 0.25 in row 3 FAILED" in text) == bool(costs)


# -- interpretability ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scores(binary, multiclass, regression):
    """What `compare` says of the same models, rows and refits; made once a report."""
    made = {}

    def of(which):
        if which not in made:
            reports = {"binary": binary, "multiclass": multiclass, "regression": regression}
            made[which] = compared(*reports[which][:2])
        return made[which]

    return of


def compared(study, fits):
    encoded = fits.pipeline[0]
    models = {}
    for key in ("grown", "pruned", "grown_small", "linear"):
        model = fits.rival(key).model
        # The linear model is a pipeline: its steps come after the encoder.
        steps = [step for _, step in model.steps] if hasattr(model, "steps") else [model]
        models[key] = make_pipeline(encoded, *steps)
    decision = None
    if study.costs is not None:
        decision = Decision(adverse=1, cutoff=study.costs.acts_from)
    return compare(models, study.X_test, study.y_test, X_train=study.X_train,
                   y_train=study.y_train, decision=decision, n_refits=SCORED.refits,
                   random_state=study.seed)  # fmt: skip


@pytest.mark.parametrize("which", ["binary", "multiclass", "regression"])
def test_interpretability_is_that_of_compare(which, request, scores):
    study, _, report = request.getfixturevalue(which)
    found, told = scores(which), report["interpretability"]
    assert (told["rows"], told["refits"]) == (len(study.y_test), 2)
    assert [model["key"] for model in told["models"]] == list(found.scores)
    for model in told["models"]:
        score = found.scores[model["key"]]
        assert score.read == 1  # the model's own structure, not that of a stand-in
        for name, row in score.to_frame().iterrows():
            entry = model["components"][name]
            assert entry["value"] == row["value"]
            for side in ("low", "high"):
                expected = row[f"refits_{side}"]
                assert entry[side] == (None if np.isnan(expected) else expected)
        if which == "regression":
            assert model["same_decision"] is None
        else:
            assert model["same_decision"] == pytest.approx(1 - score.otherwise.mean())
            assert model["often_otherwise"] == pytest.approx((score.otherwise >= 0.2).mean())
    for pair in told["pairs"]:
        assert pair["share"] == found.share("pruned", pair["other"])
        assert pair["easier"] == found.verdict("pruned", pair["other"])


@pytest.mark.parametrize("which", ["binary", "multiclass", "regression"])
def test_the_text_holds_interpretability(which, request, scores):
    study, _, report = request.getfixturevalue(which)
    found, text = scores(which), render_text(report)
    part = text.split("\nINTERPRETABILITY\n")[1].split("\nRIVALS")[0]
    head, *rows = part.strip("\n").splitlines()[:8]
    linear = "linear (ridge)" if which == "regression" else "logistic"
    heads = ["component", "as grown [95 %]", "pruned [95 %]", "grown small", linear]
    assert re.split(r" {2,}", head.strip()) == heads
    for line, name in zip(rows, found.scores["pruned"].to_frame().index, strict=True):
        cells = re.split(r" {2,}", line.strip())
        assert cells[0] == name
        for cell, score in zip(cells[1:], found.scores.values(), strict=True):
            value = score.to_frame()["value"][name]
            assert cell.split(" ")[0] == (f"{value:.0f}" if name == "composite" else figure(value))
    words = " ".join(part.split())
    for other, label in (("grown", "as grown"), ("grown_small", "grown small"), ("linear", linear)):
        said = {"pruned": "easier", other: "not easier"}.get(
            found.verdict("pruned", other), "DEPENDS ON WEIGHTS"
        )
        share = 100 * found.share("pruned", other)
        sides = [found.scores[name].components for name in ("pruned", other)]
        moved = [name for name in sides[0] if abs(sides[0][name] - sides[1][name]) > 1e-9]
        if set(moved) <= {"stability"}:  # two models alike, of which only refits tell something
            assert f"han {label}: NO DIFFERENCE but in refits" in words
        else:
            assert f"han {label}: {said} ({share:.1f} %)" in words
    assert f"on {len(study.y_test)} held-out rows; accuracy is no part of it" in words
    assert "by 2 refits on 63.2 % of them" in words
    if which == "regression":
        assert "\nSTABILITY" not in text
        return
    otherwise = found.scores["pruned"].otherwise
    stability = " ".join(text.split("\nSTABILITY ")[1].split("\n\n")[0].split())
    assert f"{100 * (1 - otherwise.mean()):.1f} % same decision" in stability
    assert f"{100 * (otherwise >= 0.2).mean():.1f} % of the rows are decided otherwise" in stability


def test_a_tree_of_one_leaf_is_scored():
    frame = pd.DataFrame({"x": [0] * 58 + [1] * 2, "y": [0, 1] * 30})
    _, _, report = run(frame, SCORED)
    told = report["interpretability"]["models"][1]
    assert told["components"]["focus"]["value"] == 1
    assert told["same_decision"] == 1
    assert "The pruned tree looks at no column." in " ".join(render_text(report).split())


def test_without_refits_both_sections_are_left_out(grown):
    text = render_text(grown[2])
    assert grown[2]["interpretability"] is None
    assert "\nSTABILITY" not in text
    assert "\nINTERPRETABILITY" not in text


@pytest.mark.parametrize(
    "rows, refits, made", [(5000, 10, 10), (5001, 10, 5), (5001, 3, 2), (5001, 2, 2), (9000, 0, 0)]
)
def test_many_rows_have_fewer_refits(binary, rows, refits, made):
    study = replace(binary[0], y_train=np.zeros(rows))
    assert refits_of(study, replace(QUICK, refits=refits)) == made


# -- groups --------------------------------------------------------------------------------------


def test_groups_are_in_the_report(groups):
    _, _, report = groups
    text = render_text(report)
    front, part = text.split("\nFAIRNESS  ")[1:]
    assert front.startswith("largest difference in the share that is not flagged [95 %]")
    part = part.split("\nDATA ")[0]
    asked = ("by größe im Amt; cut into 4 bands", "by [b]sex[/b]; 1 group of fewer than",
             "missing: ", "limit stated", "Selected means not flagged (P <= 1/2)")  # fmt: skip
    assert [words for words in asked if words not in part] == []
    assert "größe im Amt, [b]sex[/b] (sensitive)" in text
    assert "limit selection_rate_ratio >= 0.9" in " ".join(text.split("\nRECORD")[1].split())
    used = {a["column"] for rule in report["rules"]["shown"] for a in rule["exact"]}
    assert not used & {"größe im Amt", "[b]sex[/b]"}


def test_without_sensitive_columns_there_are_no_groups(binary):
    assert binary[2]["fairness"] is None
    assert "FAIRNESS  not measured: no sensitive column was named." in render_text(binary[2])


# -- choice --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, rule, words",
    [
        (Options(cv=3, n_resamples=1000, refits=0), "one_se", "one-SE rule"),
        (Options(cv=3, n_resamples=1000, refits=0, strength="best"), "best", "3-fold Brier score"),
        (
            Options(cv=3, n_resamples=1000, refits=0, strength=0.01),
            "given",
            "strength 0.01 was given",
        ),
        (Options("pessimistic", cv=3, n_resamples=1000, refits=0), "textbook", "textbook rule"),
        (
            Options("reduced_error", cv=3, n_resamples=1000, refits=0, max_size=2),
            "textbook",
            "2 leaves all",
        ),
    ],
)
def test_the_choice_is_explained(options, rule, words):
    _, fits, report = run(mixed_frame(), options)
    assert report["path"]["choice"]["rule"] == rule
    assert words in " ".join(render_text(report).split())
    chosen = report["path"]["choice"]["chosen"]
    assert chosen["leaves"] == fits.rival("pruned").native.get_n_leaves()


def test_a_tree_that_cannot_grow_is_reported():
    frame = pd.DataFrame({"x": [0] * 58 + [1] * 2, "y": [0, 1] * 30})
    _, _, report = run(frame)
    text = render_text(report)
    assert report["path"]["choice"]["rule"] == "none"
    assert "ONE LEAF IS LEFT" in text
    assert "nothing to prune" in text


def test_the_path_table_shows_the_ends_the_best_and_the_chosen(binary):
    _, fits, report = binary
    steps = {s["step"]: s["marks"] for s in report["path"]["steps"]}
    assert len(steps) <= 12
    assert "as grown" in steps[0]
    assert "smallest" in steps[len(fits.path) - 1]
    assert "best" in steps[fits.path.best_step]
    assert "chosen" in steps[fits.pipeline[-1].step_]


# -- text ----------------------------------------------------------------------------------------


def all_numbers(node):
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        return [number for part in node for number in all_numbers(part)]
    return [node]


def printed_forms(value):
    """Every way in which the report may write a number of the dict, or words of it."""
    if value is None or isinstance(value, bool):
        return set()
    if isinstance(value, str):
        return set(re.findall(r"\d[\d.]*", value))
    forms = {f"{value:.12g}", f"{value:.6g}", f"{100 * value:.1f}"}
    forms |= {fixed(value, d) for d in (0, 1, 2)} | {figure(value, d) for d in (2, 3, 4)}
    forms |= {significant(value, d) for d in (3, 4)}
    return {number for form in forms for number in re.findall(r"[\d.]*\d", form)}


@pytest.mark.parametrize("which", ["binary", "multiclass", "regression", "grown", "groups"])
def test_every_number_of_the_text_is_in_the_dict(which, request):
    _, _, report = request.getfixturevalue(which)
    text = render_text(report)
    known = set().union(*(printed_forms(value) for value in all_numbers(report)))
    rules = report["rules"]
    known |= {"95", "1", "2", "1.4826", fixed(rules["level"] * rules["n_tested"], 1)}
    known |= {str(rules["n"]), str(report["held_out"]["resamples"])}
    known |= {str(report["held_out"]["resamples"] - report["held_out"]["resamples_defined"])}
    needed = [d["rows_needed"] for d in report["held_out"]["differences"]]
    known |= {str(round_rows(n)) for n in needed if n is not None}
    strange = [n for n in re.findall(r"(?<![\w.])[\d.]*\d", text) if n not in known]
    assert strange == []


@pytest.mark.parametrize("which", ["binary", "multiclass", "regression", "grown", "groups"])
def test_the_dict_is_json_and_the_text_is_readable(which, request):
    _, _, report = request.getfixturevalue(which)
    again = json.loads(json.dumps(report, allow_nan=False))
    text = render_text(again)
    assert text == render_text(report)
    assert max(map(len, text.splitlines())) <= 100
    assert not re.search(r"\bnan\b|\binf\b|None|-\.000?\b|-0\.0+\b", text)
    assert all(line == line.rstrip() for line in text.splitlines())


def test_names_are_shown_as_written(binary):
    text = render_text(binary[2])
    for name in ("größe ☃", "[red]size[/red] {x} %d"):
        assert name in text
    assert printable("a\x1b[2Jb\u202ec\n") == r"a\x1b[2Jb\u202ec\n"


@pytest.mark.parametrize(
    "value, text",
    [(0.0, ".000"), (-0.0001, ".000"), (0.7321, ".732"), (-0.0387, "-.039"), (1.27, "1.270"),
     (None, "-"), (123456.0, "123500"), (-0.5, "-.500")],
)  # fmt: skip
def test_figures_read_well(value, text):
    assert figure(value) == text


def test_significant_digits_read_well():
    assert [significant(v) for v in (0.0, 0.00056, 1234567.0, 12.0, 99999.0, 0.3)] == [
        "0", ".0005600", "1.235e+06", "12.00", "100000", ".3000",
    ]  # fmt: skip


def test_two_runs_with_one_seed_are_the_same(binary):
    _, _, report = binary
    _, _, report_again = run(mixed_frame(), SCORED, costs=Costs(5, 1, "a test"))
    assert report == report_again


# -- files ---------------------------------------------------------------------------------------


def test_files_are_written_whole_or_not_at_all(tmp_path):
    out = tmp_path / "new" / "folder"
    assert write_all(out, {"a": b"1", "b": b"2"}) == [out / "a", out / "b"]
    write_all(out, {"a": b"3"})
    assert (out / "a").read_bytes() == b"3"
    (out / "c").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_all(out, {"a": b"4", "c": b"5"})
    assert (out / "a").read_bytes() == b"3"
    assert sorted(p.name for p in out.iterdir()) == ["a", "b", "c"]
