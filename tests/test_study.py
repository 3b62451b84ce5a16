"""Studies: what is chosen, what is left out, and what is said about it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from treeprune.report import InputRefused, Table, study_of


def test_study_chooses_and_says():
    frame = pd.DataFrame({"x": range(60), "y": pd.Categorical(["no"] * 20 + ["yes"] * 40)})
    study = study_of(Table(frame, ""), name="t", target="y")
    assert study.labels == ("yes", "no")  # the rarer is the positive one
    assert "rarer" in study.task_said
    assert study.y_train.mean() == pytest.approx(1 / 3, abs=0.02)
    asked = study_of(Table(frame, ""), name="t", target="y", positive="yes")
    assert asked.labels == ("no", "yes")


def test_study_drops_what_cannot_be_learnt_from_and_says_why():
    n = 100
    frame = pd.DataFrame(
        {
            "x": np.arange(n) % 7,
            "text": [f"free text {i}" for i in range(n)],
            "empty": np.full(n, np.nan),
            "same": 1,
            "age": 3.5,
            "y": np.arange(n) % 2.0,
        }
    ).astype({"text": "category"})
    frame.loc[:4, "y"] = np.nan
    study = study_of(Table(frame, ""), name="t", target="y", exclude=[("age", "sensitive")])
    assert list(study.X_train.columns) == ["x"]
    assert {c for c, _ in study.excluded} == {"text", "empty", "same", "age"}
    assert dict(study.excluded)["age"] == "sensitive"
    assert any("5 rows have no y" in note for note in study.notes)
    assert len(study.X_train) + len(study.X_test) == 95


@pytest.mark.parametrize(
    "values, task",
    [
        (np.arange(80) % 2, "binary"),
        (np.arange(80) % 2 > 0.5, "binary"),
        (np.arange(80) % 4, "multiclass"),
        (np.arange(80) % 4 + 0.5, "regression"),
        (np.arange(80) * 1.0, "regression"),
    ],
)
def test_task_is_found(values, task):
    frame = pd.DataFrame({"x": range(80), "y": values})
    if frame["y"].dtype == bool:
        frame["y"] = frame["y"].astype(str).astype("category")
    assert study_of(Table(frame, ""), name="t", target="y").task == task


def toy(n=60, **columns):
    frame = pd.DataFrame({"x": np.arange(n) % 11, "y": np.arange(n) % 2, **columns})
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype("category")
    return frame


def made(frame, **how):
    return study_of(Table(frame, ""), name="t", target="y", **how)


def test_a_random_split_is_said():
    study = made(toy())
    assert (study.split, study.groups, study.monotone) == ("random", None, {})
    assert study.split_said.startswith("held out: 30 % of rows, drawn at random, stratified")


def test_identifiers_are_left_out_with_the_reason():
    study = made(toy(who=[f"p{i}" for i in range(60)]), ids=["who", "who"])
    assert study.excluded == (("who", "identifier, as said"),)
    assert list(study.X_train) == ["x"] and study.split == "random"


def test_identifiers_that_repeat_split_by_group():
    frame = toy(who=[f"p{i // 3}" for i in range(60)])
    study = made(frame, ids=["who"])
    who = frame["who"].astype(str).to_numpy()
    held = set(who[study.test_rows])
    assert study.split == "groups" and len(study.groups) == len(study.X_train)
    assert held and not held & set(np.delete(who, study.test_rows))
    assert any("rows repeat by who" in note for note in study.notes)


def test_a_time_column_holds_out_the_last_rows():
    dates = pd.date_range("2019-01-01", periods=60).strftime("%Y-%m-%d").to_numpy()[::-1]
    study = made(toy(day=dates), time_column="day")
    assert study.split == "time" and study.groups is None
    assert study.split_said == "held out: the last 30 % of rows by day, from 2019-02-12 on"
    assert study.excluded == (("day", "time, by which rows are held out"),)
    assert study.test_rows.tolist() == list(range(17, -1, -1))  # in the order of time
    assert study.X_train["x"].tolist() == [i % 11 for i in range(59, 17, -1)]
    assert study.y_test.tolist() == [i % 2 for i in range(17, -1, -1)]


def test_rows_without_a_time_or_a_target_are_left_out_and_counted():
    frame = toy(t=np.arange(60.0))
    frame.loc[:2, "t"] = np.nan
    frame.loc[2:6, "y"] = np.nan
    study = made(frame, time_column="t")
    assert study.notes[:2] == (
        "5 rows have no y and are left out", "2 rows have no t and are left out",
    )  # fmt: skip
    assert len(study.y_train) + len(study.y_test) == 53
    assert study.test_rows.tolist() == list(range(44, 60))


def test_sensitive_columns_follow_the_split():
    study = made(toy(t=np.arange(60)[::-1], age=np.arange(60)), time_column="t", sensitive=["age"])
    assert study.sensitive["age"].tolist() == study.test_rows.tolist()
    assert dict(study.excluded)["age"] == "sensitive"


@pytest.mark.parametrize(
    "how, word",
    [
        ({"ids": ["who"]}, "no column 'who'; the columns are: x, y"),
        ({"time_column": "when"}, "no column 'when'"),
        ({"ids": ["y"]}, "'y' is the target"),
        ({"time_column": "y"}, "'y' is the target"),
        ({"ids": ["x"]}, "no column is left"),
        ({"time_column": "x", "test_size": 0.01}, "too few"),
    ],
)
def test_what_cannot_be_split_is_refused(how, word):
    with pytest.raises(InputRefused) as caught:
        made(toy(), **how)
    assert word in str(caught.value)


def test_a_target_that_varies_only_without_a_time_is_refused():
    frame = toy(t=np.where(np.arange(60) % 2, np.nan, 1.0 * np.arange(60)))
    with pytest.raises(InputRefused, match="constant"):
        made(frame, time_column="t")
    frame["t"] = np.where(frame["y"].notna(), np.nan, 1.0)
    with pytest.raises(InputRefused, match="no row has both 'y' and 't'"):
        made(frame, time_column="t")


def test_many_categories_are_left_out_and_refuse_nothing():
    n = 4000
    names = [f"c{i % 8}" if i % 2 else f"rare{i}" for i in range(n)]
    frame = toy(n, city=names, free=[f"text {i}" for i in range(n)], few=["a", "b"] * 2000)
    study = made(frame)
    assert list(study.X_train) == ["x", "few"]
    reasons = dict(study.excluded)
    assert reasons["free"].endswith("identifier or free text")
    found = frame["city"].iloc[np.setdiff1d(np.arange(n), study.test_rows)].nunique()
    wide = study_of(Table(frame, "", most_categories=5000), name="t", target="y")
    assert list(wide.X_train) == ["x", "city", "few"]
    narrow = study_of(Table(frame, "", most_categories=100), name="t", target="y")
    assert (
        dict(narrow.excluded)["city"] == f"{found:,} categories, more than 100 (--max-categories)"
    )


def test_copies_are_noted():
    study = made(toy(44))  # x and y together have 22 values
    assert any(note.startswith("22 rows repeat an earlier one") for note in study.notes)
    study = made(toy(who=range(60)), ids=["who"])
    assert any("(identifiers aside)" in note for note in study.notes)
