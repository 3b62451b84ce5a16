"""Decision: cut-offs and costs, labels, wording, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeprune import cost_decision
from treeprune.decision import Decision

costs = st.floats(0.01, 100)


def test_rows_at_the_cutoff_are_adverse():
    decision = Decision("bad", cutoff=1 / 6)
    p = np.array([[0.0, 1 / 6], [np.nextafter(1 / 6, 0), 1.0]])
    assert decision.decide(p).tolist() == [[False, True], [False, True]]


@given(costs, costs, st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_costs_decide_as_the_decision_of_least_cost(miss, false_alarm, p):
    p = np.array(p)
    decision = Decision(1, costs={"miss": miss, "false_alarm": false_alarm})
    matrix = [[0.0, false_alarm], [miss, 0.0]]
    expected = cost_decision(np.column_stack([1 - p, p]), matrix) == 1
    clear = np.abs(p - decision.cutoff) > 1e-9
    assert (decision.decide(p) == expected)[clear].all()
    assert Decision(1, costs=matrix).cutoff == decision.cutoff
    # What right decisions cost does not matter, only the difference.
    shifted = [[2.0, false_alarm + 2.0], [miss + 3.0, 3.0]]
    assert Decision(1, costs=shifted).cutoff == pytest.approx(decision.cutoff)


def test_a_decision_from_costs_can_be_changed_and_stored():
    decision = Decision("bad", costs={"miss": 5, "false_alarm": 1}, unnameable=["branch"])
    assert decision.cutoff == 1 / 6
    changed = dataclasses.replace(decision, adverse_word="declined")
    assert (changed.cutoff, changed.word(True), changed.word(False)) == (
        1 / 6,
        "declined",
        "favourable",
    )
    assert pickle.loads(pickle.dumps(decision)) == decision
    with pytest.raises(dataclasses.FrozenInstanceError):
        decision.cutoff = 0.5


def test_to_dict_is_json():
    decision = Decision(
        np.int64(1),
        costs=np.array([[0, 1], [5, 0]]),
        wording={"age": "Age", "kind": {1: "One", "any": "Kind"}},
        sensitive=["age"],
    )
    assert json.loads(json.dumps(decision.to_dict())) == {
        "adverse": 1,
        "cutoff": 1 / 6,
        "costs": [[0.0, 1.0], [5.0, 0.0]],
        "wording": {"age": "Age", "kind": {"1": "One", "any": "Kind"}},
        "unnameable": [],
        "sensitive": ["age"],
        "immutable": [],
        "directions": {},
        "adverse_word": "adverse",
        "favourable_word": "favourable",
    }


@pytest.mark.parametrize(
    "adverse, classes, position",
    [
        ("bad", np.array(["bad", "good"]), 0),
        (1, np.array([0, 1]), 1),
        (True, np.array([False, True]), 1),
        ("c", ["a", "b", "c"], 2),
        (np.int64(2), [0, 1, 2], 2),
    ],
)
def test_position(adverse, classes, position):
    assert Decision(adverse, cutoff=0.5).position(classes) == position


@pytest.mark.parametrize("classes", [["a", "b"], ["0", "1"], [], ["bad"]])
def test_a_label_that_is_no_class_is_refused(classes):
    with pytest.raises(ValueError, match="adverse class") as error:
        Decision("bad" if classes == ["bad"] else 1, cutoff=0.5).position(classes)
    assert all(repr(c) in str(error.value) for c in classes)


WORDING = {
    "months": {"high": "The term is long", "missing": "The term is not known"},
    "purpose": {"car": "A car loan", "high": "Tall", "any": "The purpose"},
    "age": "Age",
    "flag": {True: "It is set"},
}


@pytest.mark.parametrize(
    "arguments, text",
    [
        (("months", "high"), "The term is long"),
        (("months", "high", 36), "The term is long"),
        (("months", "low"), "months: low"),
        (("months", "missing"), "The term is not known"),
        (("months", "high", np.nan), "The term is not known"),
        (("months", None, None), "The term is not known"),
        (("purpose", None, "car"), "A car loan"),
        (("purpose", None, "high"), "Tall"),  # a category of that name
        (("purpose", None, "boat"), "The purpose"),
        (("purpose", None, pd.NA), "The purpose"),
        (("age", "low"), "Age"),
        (("age", None, None), "Age"),
        (("flag", None, np.True_), "It is set"),
        (("flag", None, False), "flag: False"),
        (("other",), "other"),
        (("other", "low"), "other: low"),
        (("other", None, "x"), "other: x"),
        (("other", None, 3.0), "other: 3"),
        (("other", None, None), "other: missing"),
        (("a\nb", None, "c\td"), "a\\nb: c\\td"),
    ],
)
def test_wording(arguments, text):
    assert Decision("bad", cutoff=0.5, wording=WORDING).wording_for(*arguments) == text


def test_an_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="direction must be one of"):
        Decision("bad", cutoff=0.5).wording_for("months", "higher")


def test_columns_are_checked():
    decision = Decision("bad", cutoff=0.5, wording=WORDING, unnameable=["a"], sensitive=["b"])
    decision.check_columns([*WORDING, "a", "b", "c"])
    for lacking, argument in [("months", "wording"), ("a", "unnameable"), ("b", "sensitive")]:
        names = {*WORDING, "a", "b"} - {lacking}
        with pytest.raises(ValueError, match=f"{argument} of the Decision speaks of.*{lacking}"):
            decision.check_columns(sorted(names))
    assert [decision.may_name(name) for name in "abc"] == [False, False, True]


def test_categories_in_wording_are_checked():
    decision = Decision("bad", cutoff=0.5, wording={"purpose": {"carr": "A car", "any": "It"}})
    decision.check_columns(["purpose"])
    decision.check_columns(["purpose"], {"purpose": ["carr", "tv"]})
    with pytest.raises(ValueError, match=r"speaks of \['carr'\].*'tv'"):
        decision.check_columns(["purpose"], {"purpose": ["car", "tv"]})


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "needs a cutoff"),
        ({"cutoff": 0.0}, "above 0"),
        ({"cutoff": 1.5}, "at most 1"),
        ({"cutoff": np.nan}, "above 0"),
        ({"cutoff": True}, "must be a probability"),
        ({"cutoff": "0.5"}, "must be a probability"),
        ({"cutoff": 0.5, "costs": {"miss": 5, "false_alarm": 1}}, "contradicts costs"),
        ({"costs": {"miss": 5}}, "keys"),
        ({"costs": {"miss": 5, "false_alarm": 0}}, "must cost more"),
        ({"costs": {"miss": np.inf, "false_alarm": 1}}, "finite"),
        ({"costs": [[0, 1, 2]]}, "2 x 2"),
        ({"costs": [[1, 0], [5, 0]]}, "must cost more"),
        ({"cutoff": 0.5, "adverse": None}, "label of one class"),
        ({"cutoff": 0.5, "adverse": ["a", "b"]}, "label of one class"),
        ({"cutoff": 0.5, "wording": "text"}, "must map columns"),
        ({"cutoff": 0.5, "wording": {1: "text"}}, "by column name"),
        ({"cutoff": 0.5, "wording": {"a": " "}}, "not empty"),
        ({"cutoff": 0.5, "wording": {"a": {}}}, "is empty"),
        ({"cutoff": 0.5, "wording": {"a": {"high": 3}}}, "must be a text"),
        ({"cutoff": 0.5, "unnameable": "age"}, r"give \['age'\]"),
        ({"cutoff": 0.5, "sensitive": [1]}, "column names"),
        ({"cutoff": 0.5, "adverse_word": ""}, "adverse_word must be a text"),
        ({"cutoff": 0.5, "adverse_word": "favourable"}, "two words"),
    ],
)
def test_malformed_decisions_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Decision(**{"adverse": "bad", **arguments})


@pytest.mark.parametrize("p", [[1.5], [-0.1], [np.nan], [[0.5, 3.0]]])
def test_numbers_that_are_no_probabilities_are_refused(p):
    with pytest.raises(ValueError, match="takes probabilities"):
        Decision("bad", cutoff=0.5).decide(p)
