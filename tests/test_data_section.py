"""What the report says of its data, against counts by hand and by other means."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from treeprune.datasets import load_adult
from treeprune.report import Options, Table, fit_rivals, study_of
from treeprune.report.data_section import data_section

pytestmark = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")

QUICK = Options(cv=2, n_resamples=1000, refits=0)


def run(frame, target="y", options=QUICK, **kwargs):
    study = study_of(Table(frame, ""), name="data", target=target, **kwargs)
    fits = fit_rivals(study, options)
    return study, fits, data_section(study, fits)


def toy(n=80):
    """The outcome follows `age`; nothing follows anything else."""
    frame = pd.DataFrame({"age": np.arange(n, dtype=float) / 4})
    frame["y"] = (frame["age"] >= 10).astype(int)
    frame.loc[:3, "age"] = np.nan
    frame["flag"] = [True, False] * (n // 2)
    frame["few"] = pd.Categorical(["b"] * 30 + ["a"] * 30 + [None] * 20)
    frame["many <b>"] = pd.Categorical([f"c{k % 8}" if k % 2 else "no way" for k in range(n)])
    frame["one"] = pd.Categorical(["only"] * 50 + [None] * 30)
    return frame


def test_columns_by_hand():
    _, _, told = run(toy())
    columns = {row["column"]: row for row in told["columns"]}
    assert list(columns) == ["age", "flag", "few", "many <b>", "one"]
    assert columns["age"] == {
        "column": "age", "kind": "number", "missing": 4, "said": "1 to 19.75, median 10.375",
        "grown": True, "pruned": True,
    }  # fmt: skip
    assert columns["flag"]["said"] == "0 to 1, median 0.5"
    assert columns["few"] == {
        "column": "few", "kind": "category", "missing": 20, "said": "2 categories: a 30, b 30",
        "grown": False, "pruned": False,
    }  # fmt: skip
    # k odd: c1, c3, c5, c7, ten each; in quotes where a number would run into the count.
    assert columns["many <b>"]["said"] == (
        "5 categories: 'no way' 40, 'c1' 10, 'c3' 10, 'c5' 10, 'c7' 10"
    )
    assert columns["one"]["said"] == "1 category: only 50"
    assert (told["rows"], told["n_train"], told["n_held_out"]) == (80, 56, 24)


def test_more_than_six_categories_and_a_single_number():
    frame = toy()
    frame["wide"] = pd.Categorical([f"{'x' * (k % 9)}'" for k in range(80)])
    frame["same"] = [3.0] * 60 + [np.nan] * 20
    _, _, told = run(frame)
    said = {row["column"]: row["said"] for row in told["columns"]}
    assert said["wide"].startswith('9 categories: "\'" 9, "x\'" 9, ')
    assert said["wide"].endswith(" and 3 more")
    assert said["same"] == "3 only"


def test_outcome_of_classes_and_of_numbers():
    study, _, told = run(toy())
    assert told["outcome_number"] is None
    assert [row["label"] for row in told["outcome"]] == ["0", "1"]
    for part, y in (("train", study.y_train), ("held_out", study.y_test)):
        assert [row[part] for row in told["outcome"]] == [int((y == k).sum()) for k in (0, 1)]
    frame = toy().assign(y=np.linspace(-3.0, 5.0, 80))
    study, _, told = run(frame)
    assert told["outcome"] is None
    for part, y in (("train", study.y_train), ("held_out", study.y_test)):
        found = pd.Series(y).describe()
        expected = {"mean": found["mean"], "sd": found["std"], "low": found["min"],
                    "high": found["max"]}  # fmt: skip
        assert told["outcome_number"][part] == pytest.approx(expected, abs=1e-12)


def test_a_class_that_no_held_out_row_has_is_counted():
    frame = toy()
    frame["y"] = pd.Categorical(["a"] * 40 + ["b"] * 37 + ["c"] * 3)
    study, fits, _ = run(frame, options=replace(QUICK, cv=2))
    study = replace(study, y_test=np.where(study.y_test == 2, 0, study.y_test))
    told = data_section(study, fits)
    assert [row["label"] for row in told["outcome"]] == ["a", "b", "c"]
    assert told["outcome"][2]["held_out"] == 0


def test_real_data_with_missing_values():
    data = load_adult()
    study, fits, told = run(
        data.frame.iloc[:2000], data.target.name, replace(QUICK, strength=0.003)
    )
    rows = pd.concat([study.X_train, study.X_test])
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told == data_section(study, fits)
    assert [row["column"] for row in told["columns"]] == list(rows.columns)
    for row in told["columns"]:
        assert row["missing"] == rows[row["column"]].isna().sum()
        assert not row["pruned"] or row["grown"]
        for key in ("grown", "pruned"):  # as the names of the model's own columns say
            tree = fits.rival(key).native
            names = tree.feature_names_in_[tree.tree_.feature[tree.tree_.feature >= 0]]
            used = any(n == row["column"] or n.startswith(f"{row['column']}=") for n in names)
            assert row[key] == used
    assert any(row["missing"] for row in told["columns"])
    assert any(row["grown"] and not row["pruned"] for row in told["columns"])
