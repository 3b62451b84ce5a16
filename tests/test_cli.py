"""The command line: a report on stdout, files whole, refusals in one line with nothing written."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris
from typer.testing import CliRunner

import treeprune
from treeprune import CheckFailedError, UnsupportedModelError
from treeprune.cli import app
from treeprune.datasets import load_german_credit
from treeprune.explain import RuleSet

HOME = Path(treeprune.__file__).resolve().parents[1]
PICTURES = [
    f"treeprune-{name}.svg"
    for name in ("attributions", "calibration", "components", "path", "tree")
]
FILES = sorted(
    ["treeprune-model.skops", *(f"treeprune-report.{e}" for e in ("html", "json", "md", "txt"))]
)
QUICK = ["--cv", "3", "--refits", "0", "--formats", "text"]


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def python(*arguments, **environment):
    env = {**os.environ, "PYTHONPATH": str(HOME), **environment}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, check=False, env=env, timeout=300
    )


def remarks(result):
    """Lines on stderr that are not progress."""
    return [line for line in result.stderr.splitlines() if not line.startswith("treeprune: ")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    return invoke("demo", "--out", out), out


# -- demo ----------------------------------------------------------------------------------------


def test_demo_reports_and_writes(demo):
    result, out = demo
    assert result.exit_code == 0
    assert sorted(p.name for p in out.iterdir()) == sorted([*FILES, *PICTURES])
    # The first screen is shown; the file has the details as well.
    text = (out / "treeprune-report.txt").read_text("utf-8")
    front, _, details = text.partition("\n\n" + "-" * 100 + "\n")
    stamp = text[text.rindex("Made ") :]
    assert result.stdout == f"{front}\n{stamp}"
    assert "\nSQL " in details
    assert (out / "treeprune-report.html").read_text("utf-8").startswith("<!doctype html>")
    content = json.loads((out / "treeprune-report.json").read_text("utf-8"))
    assert content["schema"] == "treeprune-report/2"
    (written,) = remarks(result)
    assert written.startswith(f"written to {out}: treeprune-report.txt, ")
    assert "treeprune: pruning by cost-complexity, 5 folds" in result.stderr


def test_demo_has_every_section(demo):
    text = (demo[1] / "treeprune-report.txt").read_text("utf-8")
    sections = ("Excluded:,DECISION,SUMMARY,CHOICE,HELD OUT,SWAP SET,RULES,STABILITY,REASONS,"
                "CHECKS,INTERPRETABILITY,LIMITS,RECORD,BEFORE AND AFTER,PATH,ATTRIBUTION,"
                "RIVALS,CALIBRATION,FAIRNESS,DATA,SQL,Made")  # fmt: skip
    for section in sections.split(","):
        assert re.search(rf"^{section}", text, re.MULTILINE), section
    for row in ("as grown", "pruned (cost-complexity)", "pruned (reduced error)", "grown small",
                "logistic"):  # fmt: skip
        assert len(re.findall(rf"^  {re.escape(row)} ", text, re.MULTILINE)) == 3, row
    assert "personal_status, foreign_worker, age (sensitive)" in text
    assert "decline if P >= 1/6" in text
    checks = " ".join(text.split("\nCHECKS ")[1].split("\nINTERPRETABILITY")[0].split())
    assert checks.startswith("8 of 8 passed. ")
    for check in ("rules = model", "printed rules = model", "SQL = model"):
        assert f"{check}: 1000 of 1000 rows" in checks
    assert "attributions add up to the model: a row of each of " in checks
    assert "reasons add up to the model: 3 of 3 rows" in checks
    assert "FAILED" not in text
    answers = re.findall(
        r"^  pruned - .*\]\s+(NON-INFERIOR|WORSE|UNDECIDED)(.*)$", text, re.MULTILINE
    )
    assert len(answers) == 4
    for answer, needed in answers:
        assert re.fullmatch(r" +needs \d+ rows" if answer == "UNDECIDED" else "", needed)
    assert "one-sided 95 % bounds (paired DeLong)" in text
    assert "10 refits on 63.2 % of the training rows" in text  # the default
    # The labels of groups are not reliable here: nothing is said of them.
    assert "FAIRNESS  not measured" in text
    assert "no claim about groups: several code labels of this data are known to be" in text


def test_demo_speaks_of_raw_columns(demo):
    text = (demo[1] / "treeprune-report.txt").read_text("utf-8").split("\nSQL ")[0]
    assert "checking_status is 'no account'" in text
    assert not re.search(r"status=|purpose=", text)  # an indicator's name
    assert re.search(r"^  row \d+: P = \.\d{3}$", text, re.MULTILINE)
    assert len(re.findall(r"^  cheapest change: ", text, re.MULTILINE)) == 3
    assert re.search(r"Enough for the decision: \d\.\d of \d\.\d conditions", text)


def test_demo_reads_well(demo):
    text = (demo[1] / "treeprune-report.txt").read_text("utf-8").split("\nSQL ")[0]
    assert max(map(len, text.splitlines())) <= 100
    assert not re.search(r"\bnan\b|\binf\b|None|-\.000?\b|-0\.0+\b", text)
    stamp = " ".join(demo[0].stdout.rpartition("Made ")[2].split())
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; rows predicted a second then, on that machine: "
        r"as grown [\d,]+, pruned [\d,]+",
        stamp,
    )


def test_demo_as_a_program_says_the_same(demo, tmp_path):
    done = python("-m", "treeprune", "demo", "--out", tmp_path, "--json", NO_COLOR="1")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    first = json.loads((demo[1] / "treeprune-report.json").read_text("utf-8"))
    assert {**said, "made": None} == {**first, "made": None}
    for name in ["treeprune-model.skops", *PICTURES]:
        assert (demo[1] / name).read_bytes() == (tmp_path / name).read_bytes()
    assert b"\x1b" not in done.stdout + done.stderr


def test_the_saved_model_needs_no_treeprune_to_predict(demo):
    saved = treeprune.load_model(demo[1] / "treeprune-model.skops")
    content = json.loads((demo[1] / "treeprune-report.json").read_text("utf-8"))
    data = load_german_credit()
    proba = saved.model.predict_proba(data.data)
    assert type(saved.model[-1]).__module__.startswith("sklearn.")
    assert saved.model[-1].get_n_leaves() == content["held_out"]["rows"][1]["leaves"]
    assert saved.grown.get_n_leaves() == content["held_out"]["rows"][0]["leaves"]
    for row in content["examples"]["rows"]:
        assert proba[row["row"] - 1, 1] == row["p"]
    assert saved.about["sha256"] == content["record"]["sha256"]


# -- small commands ------------------------------------------------------------------------------


def test_help_and_version_load_nothing_heavy():
    code = (
        "import sys\n"
        "from treeprune.cli import app\n"
        "for option in ('--help', '--version'):\n"
        "    app([option], standalone_mode=False)\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'sklearn', 'numba', 'matplotlib', 'jinja2'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert b"demo" in done.stdout
    assert b"treeprune " in done.stdout


def test_datasets_are_listed():
    result = invoke("datasets")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        "german_credit", "compas", "hmda", "adult", "breast_cancer",
    ]  # fmt: skip


# -- fit -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A table whose names and values are markup, formats, formulas and escape sequences."""
    rng = np.random.default_rng(0)
    n = 240
    frame = pd.DataFrame(
        {
            "[bold red]rate[/] {0!r} %s": rng.normal(size=n).round(2),
            "größe in cm ☃": rng.integers(0, 9, n),
            "{{ 7*7 }}\x1b[31m": rng.choice(["=cmd()", "[/red]", "{% raw %}", "a\nb"], n),
            "../../etc/passwd": rng.choice(["x", "y"], n),
        }
    )
    noise = rng.normal(size=n)
    frame["outcome [x]"] = np.where(frame.iloc[:, 0] + noise > 0.5, "[b]yes[/b]", "no")
    frame.iloc[rng.random(n) < 0.2, 0] = np.nan
    frame.iloc[rng.random(n) < 0.2, 2] = np.nan
    path = tmp_path_factory.mktemp("hostile") / "[i]data {x}.csv"
    frame.to_csv(path, index=False)
    return path


def test_fit_shows_hostile_names_as_they_are(hostile, tmp_path):
    result = invoke("fit", hostile, "--target", "outcome [x]", "--cost", "3:1", "--out", tmp_path,
                    "--sensitive", "../../etc/passwd", *QUICK, "--strength", "0.002")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    text = " ".join((tmp_path / "treeprune-report.txt").read_text("utf-8").split())
    for name in ("[i]data {x}.csv", "[bold red]rate[/] {0!r} %s", "[b]yes[/b]",
                 r"{{ 7*7 }}\x1b[31m", "../../etc/passwd (sensitive)", "--cost 3:1"):  # fmt: skip
        assert name in text, name
    assert "or missing" in text or "and not missing" in text
    assert "flag if P >= 1/4" in text
    assert "REASONS 3 of" in text
    assert "SQL = model: 240 of 240 rows" in text
    assert "\x1b" not in result.stdout + result.stderr + text
    names = ["treeprune-model.skops", "treeprune-report.txt"]
    assert sorted(p.name for p in tmp_path.iterdir()) == names


def test_fit_on_several_classes(tmp_path):
    frame = load_iris(as_frame=True).frame
    frame["target"] = frame["target"].map({0: "setosa", 1: "versicolor", 2: "virginica"})
    frame.to_csv(tmp_path / "iris.csv", index=False)
    result = invoke("fit", tmp_path / "iris.csv", "--target", "target", "--out", tmp_path, *QUICK)
    assert result.exit_code == 0, result.stderr
    text = (tmp_path / "treeprune-report.txt").read_text("utf-8")
    assert "target is one of 3 classes" in text
    assert "virginica" in result.stdout


def test_fit_on_numbers(tmp_path):
    load_diabetes(as_frame=True).frame.to_csv(tmp_path / "diabetes.csv", index=False)
    result = invoke("fit", tmp_path / "diabetes.csv", "--target", "target", "--method", "agreement",
                    "--out", tmp_path, *QUICK)  # fmt: skip
    assert result.exit_code == 0, result.stderr
    text = (tmp_path / "treeprune-report.txt").read_text("utf-8")
    assert "regression: target is a number" in text
    assert "RMSE" in result.stdout
    assert "\nEXAMPLES  3 of 133 held-out rows" in text
    assert "\nREASONS" not in text
    assert "pruned (agreement)" in result.stdout


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    rng = np.random.default_rng(1)
    n = 100
    x = rng.normal(size=n).round(3)
    path = tmp_path_factory.mktemp("small") / "small.csv"
    frame = pd.DataFrame({"x": x, "ten": rng.integers(0, 10, n), "y": (x > 0).astype(int)})
    frame.to_csv(path, index=False)
    return path


def test_max_size_and_scoring_are_kept(small, tmp_path):
    result = invoke("fit", small, "--target", "y", "--max-size", 2, "--scoring", "roc_auc",
                    "--strength", "best", "--out", tmp_path, *QUICK, "--formats", "json",
                    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "3-fold AUC" in result.stdout
    content = json.loads((tmp_path / "treeprune-report.json").read_text("utf-8"))
    assert content["held_out"]["rows"][1]["leaves"] <= 2 < content["data"]["rows"]
    assert content["record"]["options"].startswith("cost_complexity, strength best, at most 2")


def test_groups_are_compared_by_sensitive_columns(small, tmp_path):
    result = invoke("fit", small, "--target", "y", "--sensitive", "ten", "--limit",
                    "selection_rate_ratio>=0.8", "--limit", "tpr_difference (ten) <= 0.5",
                    "--test-size", "0.6", "--out", tmp_path, *QUICK)  # fmt: skip
    assert result.exit_code == 0, result.stderr
    text = (tmp_path / "treeprune-report.txt").read_text("utf-8")
    assert "\nFAIRNESS  by ten, which no model has seen" in text
    assert "\n  selection_rate_ratio >= 0.8 " in text
    assert "\n  tpr_difference <= 0.5 " in text
    assert "treeprune: comparing groups by ten" in result.stderr
    assert "ten (sensitive)" in result.stdout


def test_groups_are_not_compared_by_numbers_to_predict(small, tmp_path):
    result = invoke("fit", small, "--target", "x", "--sensitive", "y", "--out", tmp_path, *QUICK)
    assert result.exit_code == 0, result.stderr
    words = " ".join((tmp_path / "treeprune-report.txt").read_text("utf-8").split())
    assert "FAIRNESS by y, which no model has seen: not measured, groups are compared for" in words


def test_one_refit_of_the_demo_is_a_usage_error(tmp_path):
    out = tmp_path / "out"
    assert_refused(invoke("demo", "--refits", "1", "--out", out), out, code=2, word="at least 2")


def test_what_the_model_does_not_say_fails(small, tmp_path, monkeypatch):
    monkeypatch.setattr(RuleSet, "to_sql", lambda rules, *_: "SELECT 1, 1, 0.5, 0.5")
    result = invoke("fit", small, "--target", "y", "--out", tmp_path, *QUICK)
    assert result.exit_code == 1
    assert re.search(r"SQL = model: 0 of 100 rows FAILED", result.stdout)
    assert remarks(result)[-1].startswith("failed: the report does not say what the model does")


@pytest.mark.parametrize("error", [CheckFailedError, UnsupportedModelError, ValueError, OSError])
def test_what_cannot_be_done_is_one_line(small, tmp_path, monkeypatch, error):
    def fails(*_):
        raise error("this cannot\nbe said")

    monkeypatch.setattr("treeprune.report.rivals.fit_rivals", fails)
    out = tmp_path / "out"
    result = invoke("fit", small, "--target", "y", "--out", out, *QUICK)
    assert_refused(result, out, code=1, word="failed: this cannot be said")


def test_a_reader_of_ascii_gets_ascii(small, tmp_path):
    frame = pd.read_csv(small).rename(columns={"x": "größe"})
    small = tmp_path / "umlaut.csv"
    frame.to_csv(small, index=False)
    done = python("-m", "treeprune", "fit", small, "--target", "y", "--out", tmp_path, *QUICK,
                  PYTHONIOENCODING="ascii")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert rb"gr\xf6\xdfe" in done.stdout
    assert "größe" in (tmp_path / "treeprune-report.txt").read_text("utf-8")


# -- refusals ------------------------------------------------------------------------------------

BAD_FILES = {
    "empty": (b"", "empty"),
    "blank": (b"\n\n", "empty"),
    "header": (b"x,y\n", "no rows"),
    "nul": (b"x,y\n1,\x002\n", "NUL"),
    "gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03KLJ\x06\x00", "end too early"),
    "latin": ("x,y\nMünchen,1\n".encode("latin-1"), "UTF-8"),
    "long": (b"x,y\n1,2\n1,2,3\n", "line 3 has 3 fields"),
    "short": (b"x,y\n1\n", "line 2 has 1 fields"),
    "twice": (b"y,y\n1,2\n", "'y'"),
    "semicolon": (b"x;y\n1;2\n", "comma"),
    "quote": (b'x,y\n"1,2\n', "line 2"),
    "constant": (b"x,y\n" + b"1,2\n2,2\n" * 30, "constant"),
    "no target": (b"x,y\n" + b"1,\n2,\n" * 30, "missing"),
    "infinite": (b"x,y\n" + b"1,2\ninf,1\n" * 30, "infinite"),
    "huge": (b"x,y\n" + b"1,2\n1e39,1\n" * 30, "largest"),
    "few rows": (b"x,y\n1,0\n2,1\n", "too few"),
    "rare class": (b"x,y\n" + b"1,a\n2,a\n" * 30 + b"3,b\n", "rarest class"),
    "no column": (b"x,y\n" + b"1,a\n1,b\n" * 30, "no column is left"),
}


def assert_refused(result, out, code=3, word=""):
    assert result.exit_code == code
    assert result.stdout == ""
    assert len(remarks(result)) == 1
    assert word in remarks(result)[0]
    assert "Traceback" not in result.stderr
    assert not out.exists()


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused(name, tmp_path):
    content, word = BAD_FILES[name]
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    out = tmp_path / "out"
    assert_refused(invoke("fit", path, "--target", "y", "--out", out), out, word=word)


def test_what_is_not_a_file_is_refused(tmp_path):
    out = tmp_path / "out"
    for path, word in ((tmp_path, "directory"), (tmp_path / "no.csv", "no such file")):
        assert_refused(invoke("fit", path, "--target", "y", "--out", out), out, word=word)


def bomb(folder):
    path = folder / "bomb.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"x,y\n")
        for _ in range(600):
            file.write(b"1,2\n" * 262_144)  # one MiB
    return path


def wide(folder):
    path = folder / "wide.csv"
    row = ",".join(["1"] * 5_000)
    path.write_text(",".join(f"c{i}" for i in range(5_000)) + f"\n{row}\n")
    return path


def pickled(folder):
    path = folder / "model.skops"
    path.write_bytes(pickle.dumps({"x": [1, 2]}))
    return path


@pytest.mark.parametrize(
    "make, word",
    [
        (bomb, "--max-bytes"),
        (wide, "--max-columns"),
        (pickled, "not a"),
        (lambda f: f, "directory"),
    ],
)
def test_hostile_tables_are_refused(tmp_path, make, word):
    path, out = make(tmp_path), tmp_path / "out"
    assert_refused(invoke("fit", path, "--target", "y", "--out", out), out, word=word)


@pytest.mark.parametrize("command", [["rules"], ["check"]])
def test_a_pickle_named_skops_is_never_loaded(tmp_path, command):
    result = invoke(*command, pickled(tmp_path))
    assert_refused(result, tmp_path / "out", word="pickle")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "german_credit.csv", "a\nb"])
def test_a_path_is_no_data_set(tmp_path, name):
    out = tmp_path / "out"
    assert_refused(invoke("demo", name, "--out", out), out, word="possible are german_credit")


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["--target", "z"], "the columns are: x, ten, y"),
        (["--target", "y", "--drop", "z"], "the columns are: x, ten, y"),
        (["--target", "y", "--sensitive", "y"], "is the target"),
        (["--target", "y", "--sensitive", "z"], "the columns are: x, ten, y"),
        (["--target", "x", "--sensitive", "ten", "--limit", "tpr_difference<=1"], "two classes"),
        (
            [
                "--target",
                "y",
                "--sensitive",
                "ten",
                "--limit",
                "tpr_difference<=0.1",
                "--limit",
                "tpr_difference>=0.2",
            ],
            "contradict",
        ),
        (["--target", "y", "--positive", "7"], "not a value"),
        (["--target", "x", "--positive", "7"], "--positive"),
        (["--target", "x", "--cost", "5:1"], "two classes"),
        (["--target", "ten", "--positive", "7"], "two classes"),
        (["--target", "x", "--method", "pessimistic"], "cost_complexity"),
        (["--target", "y", "--drop", "x", "--drop", "ten"], "no column is left"),
        (["--target", "y", "--cv", "90"], "90 folds"),
        (["--target", "y", "--test-size", "0.01"], "too few"),
    ],
)
def test_bad_requests_are_refused(small, tmp_path, arguments, word):
    out = tmp_path / "out"
    assert_refused(invoke("fit", small, *arguments, "--out", out), out, word=word)


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["--cost", "5"], "5:1"),
        (["--cost", "0:1"], "5:1"),
        (["--method", "magic"], "cost_complexity"),
        (["--strength", "-1"], "one_se"),
        (["--strength", "nan"], "one_se"),
        (["--task", "magic"], "regression"),
        (["--scoring", "magic"], "roc_auc"),
        (["--test-size", "1.5"], "between 0 and 1"),
        (["--formats", "html,pdf"], "text, markdown, html, json"),
        (["--formats", ","], "text, markdown, html, json"),
        (["--model", "linear"], "possible are tree, forest, lightgbm, mlp"),
        (["--model", "forest", "--method", "magnitude"], "possible are cost_complexity, "),
        (["--model", "mlp", "--method", "pessimistic"], "possible are magnitude, gradient, "),
        (["--monotone", "x"], "income:-"),
        (["--monotone", "x:+", "--monotone", "x:-"], "both directions"),
        (["--jobs", "0"], "-1"),
        (["--refits", "1"], "0 for none, or at least 2"),
        (["--limit", "tpr_difference<=0.1"], "--sensitive"),
        (["--limit", "tpr_difference", "--sensitive", "ten"], "selection_rate_ratio>=0.8"),
        (["--limit", "magic<=0.1", "--sensitive", "ten"], "selection_rate_difference, "),
        (["--limit", "tpr_difference<=2", "--sensitive", "ten"], "between 0 and 1"),
        (["--limit", "tpr_difference (x)<=1", "--sensitive", "ten"], "no --sensitive x, but ten"),
    ],
)
def test_bad_options_are_usage_errors(small, tmp_path, arguments, word):
    out = tmp_path / "out"
    result = invoke("fit", small, "--target", "y", *arguments, "--out", out)
    assert_refused(result, out, code=2, word=word)


def test_missing_options_are_usage_errors(small):
    for arguments in (["fit", small], ["fit"], ["magic"], []):
        assert invoke(*arguments).exit_code == 2


def test_out_must_be_a_folder(small):
    before = small.read_bytes()
    result = invoke("fit", small, "--target", "y", "--out", small)
    assert result.exit_code == 2
    assert small.read_bytes() == before


def test_files_of_an_earlier_run_are_kept(small, tmp_path):
    (tmp_path / "treeprune-model.skops").write_text("somebody's")
    result = invoke("fit", small, "--target", "y", "--out", tmp_path, *QUICK)
    assert result.exit_code == 2
    assert "holds treeprune-model.skops; name another folder, or give --force" in result.stderr
    assert [p.read_text() for p in tmp_path.iterdir()] == ["somebody's"]
    result = invoke("fit", small, "--target", "y", "--out", tmp_path, "--force", *QUICK)
    assert result.exit_code == 0
    assert (tmp_path / "treeprune-model.skops").read_bytes()[:2] == b"PK"


def test_a_failure_to_write_leaves_nothing_behind(small, tmp_path):
    (tmp_path / "treeprune-report.txt").mkdir()
    result = invoke("fit", small, "--target", "y", "--out", tmp_path, "--force", *QUICK)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert remarks(result)[-1].startswith("failed: ")
    assert [p.name for p in tmp_path.iterdir()] == ["treeprune-report.txt"]


def test_words_that_are_read_as_missing_are_said_and_never_a_class(tmp_path):
    rows = [
        f"{i},{'NA' if i % 5 == 0 else 'DE'},{('None', 'Minor')[i % 3 == 0]}" for i in range(90)
    ]
    file = tmp_path / "a.csv"
    file.write_text("\n".join(["x,land,severity", *rows]) + "\n")
    result = invoke("fit", file, "--target", "severity", "--out", tmp_path / "out")
    assert result.exit_code == 3
    assert "None" in result.stderr
    assert not (tmp_path / "out").exists()
    file.write_text("\n".join(["x,land,y", *(r.replace("None", "Grave") for r in rows)]) + "\n")
    result = invoke("fit", file, "--target", "y", "--out", tmp_path / "out", *QUICK)
    assert result.exit_code == 0
    text = (tmp_path / "out" / "treeprune-report.txt").read_text("utf-8")
    assert "land: read as missing: 'NA' (18)" in " ".join(text.split())


def test_a_tree_grown_on_a_part_counts_that_part(tmp_path):
    data = load_german_credit()
    file = tmp_path / "german.csv"
    data.frame.to_csv(file, index=False)
    options = ["--target", "default", "--method", "reduced_error", "--refits", "0",
               "--out", tmp_path / "out"]  # fmt: skip
    result = invoke("fit", file, *options)
    assert result.exit_code == 0
    text = " ".join((tmp_path / "out" / "treeprune-report.txt").read_text("utf-8").split())
    assert "train: the 525 rows that the tree was grown on; the other 175 decided" in text
    assert "rule of reduced error pruning, by Brier score on rows set aside" in text
    assert "folds" not in text.split("RECORD")[1].split("-----")[0]
    assert "folds" not in result.stderr
