"""Stated orders: every tree keeps them, the proof is made from the rules, refusals say why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

from treeprune import explain
from treeprune.datasets import load_german_credit
from treeprune.report import Costs, Options, Table, fit_rivals, study_of
from treeprune.report import monotone as monotone_module
from treeprune.report.columns import encoder, model_columns
from treeprune.report.intake import InputRefused
from treeprune.report.monotone import constraint_of, monotone_checks, rare_notes, same_columns
from treeprune.report.scored import scored

pytestmark = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")

WAYS = {"up": 1, "down": -1}
MISSING = pytest.mark.skipif(
    not monotone_module._keeps_beside_missing(), reason="this scikit-learn refuses missing values"
)


def frame_of(n=500, seed=0, missing=0.0):
    """Outcomes wave in `up` and `down`, so that a free tree would break the order."""
    rng = np.random.default_rng(seed)
    up, down, free = rng.uniform(0, 10, (3, n)).round(1)
    city = rng.choice(["Ulm", "Bonn", "Köln", "rare"], n, p=[0.42, 0.35, 0.2, 0.03])
    score = np.sin(up) + 0.2 * up + np.cos(down) - 0.2 * down + (city == "Ulm")
    frame = pd.DataFrame({"free": free, "up": up, "city": city, "down": down})
    frame["city"] = frame["city"].astype("category")
    frame["y"] = (score + rng.normal(0, 0.7, n) > np.median(score)).astype(int)
    for name in ("up", "free"):
        frame.loc[rng.random(n) < missing, name] = np.nan
    return frame


def made(frame, **how):
    return study_of(Table(frame, ""), name="t", target="y", **{"monotone": WAYS, **how})


def breaks(predict, X, column, way):
    """How many of the rows fall where they must not, as the column runs through a grid."""
    grid, count = np.linspace(-1, 11, 97), 0
    for i in range(0, len(X), 6):
        line = X.iloc[[i] * len(grid)].reset_index(drop=True)
        line[column] = grid
        told = predict(line)
        count += bool((way * np.diff(told) < -1e-12).any())
    return count


def predictor(study, fits, rival):
    def predict(X):
        Z = fits.pipeline[0].transform(X)
        if study.is_classification:
            return rival.model.predict_proba(Z)[:, 1]
        return rival.model.predict(Z)

    return predict


@pytest.fixture(scope="module")
def ordered():
    study = made(frame_of())
    return study, fit_rivals(study, Options(cv=3, strength="best"))


@pytest.mark.parametrize("key", ["grown", "pruned", "pruned_other", "grown_small"])
def test_every_tree_keeps_the_order(ordered, key):
    study, fits = ordered
    rival = fits.rival(key)
    assert rival.native.tree_.n_leaves > 2
    for column, way in WAYS.items():
        assert breaks(predictor(study, fits, rival), study.X_test, column, way) == 0


def test_free_trees_would_not(ordered):
    study = made(frame_of(), monotone=None)
    fits = fit_rivals(study, Options(cv=3))
    grown = predictor(study, fits, fits.rival("grown"))
    assert all(breaks(grown, study.X_test, column, way) for column, way in WAYS.items())
    assert study.monotone == {} and fits.rival("grown").native.monotonic_cst is None
    assert "order" not in fits.rival("linear").detail
    assert fits.columns.grouped == {} or "rare" in fits.columns.names[-1]


def test_the_linear_model_says_that_it_keeps_none(ordered):
    assert ordered[1].rival("linear").detail.endswith("; keeps no stated order")


@MISSING
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_order_is_kept_beside_missing_values(task):
    frame = frame_of(missing=0.1)
    if task == "regression":
        rng = np.random.default_rng(1)
        frame["y"] = frame["y"] + rng.normal(size=len(frame))
    study = made(frame)
    fits = fit_rivals(study, Options(cv=3, strength="best"))
    ex = explain(fits.pipeline, study.X_train, study.y_train)
    checks = monotone_checks(study, ex)
    what = "P" if task == "binary" else "the prediction"
    assert list(checks) == [f"{what} never falls as up rises", f"{what} never rises as down rises"]
    assert all(check.passed for check in checks.values())
    for key in ("grown", "pruned"):
        for column, way in WAYS.items():
            assert breaks(predictor(study, fits, fits.rival(key)), study.X_test, column, way) == 0


def test_the_order_is_proved_from_the_rules(ordered):
    study, fits = ordered
    ex = explain(fits.pipeline, study.X_train, study.y_train)
    checks = monotone_checks(study, ex)
    assert list(checks) == ["P never falls as up rises", "P never rises as down rises"]
    assert {check.scope for check in checks.values()} == {"all inputs: every pair of rules"}
    assert all(check.passed for check in checks.values())
    assert checks["P never falls as up rises"].detail.startswith("never falls in up: proved")


def test_a_broken_order_is_found_with_two_rows(ordered):
    study, fits = ordered
    ex = explain(fits.pipeline, study.X_train, study.y_train)
    turned = replace(study, monotone={name: -way for name, way in WAYS.items()})
    for claim, check in monotone_checks(turned, ex).items():
        assert check.passed is False, claim
        assert "refuted by" in check.detail and "->" in check.detail


def test_what_is_undecided_is_no_check(ordered, monkeypatch):
    from treeprune.explain.proofs import Monotone

    study, fits = ordered
    ex = explain(fits.pipeline, study.X_train, study.y_train)
    told = Monotone("up", "increasing", None, scope="nothing found")
    monkeypatch.setattr(type(ex), "monotone", lambda *args, **words: told)
    assert set(monotone_checks(study, ex).values()) == {"undecided: nothing found"}


def test_rules_are_the_model_with_rare_categories(ordered):
    study, fits = ordered
    rows = pd.concat([study.X_train, study.X_test], ignore_index=True)
    assert (study.X_train["city"] == "rare").sum() < study.min_samples_leaf
    assert fits.columns.names == ("free", "up", "down", "city=Bonn", "city=Köln", "city=Ulm")
    ex = explain(fits.pipeline, study.X_train, study.y_train)
    ex.check_rules(rows)
    assert all(check.passed for check in ex.checks.values())
    assert any(note.startswith("city: rare categories count as none") for note in study.notes)


def test_refits_find_the_same_columns(ordered):
    """Ulm and the rarer ones fall below the limit in parts of the rows, which are 63.2 %."""
    frame = frame_of(160)
    study = made(frame, costs=Costs(2, 1, "t"))
    fits = fit_rivals(study, Options(cv=2))
    told = scored(study, fits, Options(cv=2, refits=3))
    assert told["refits"] == 3


def test_german_credit_keeps_orders_and_says_so():
    table = Table(load_german_credit().frame, "")
    ways = {"duration_months": 1, "amount_dm": 1, "age": -1}
    study = study_of(table, name="g", target="default", monotone=ways)
    fits = fit_rivals(study, Options(strength=0.002, cv=3))
    ex = explain(fits.pipeline, study.X_train, study.y_train)
    checks = monotone_checks(study, ex)
    assert len(checks) == 3 and all(c.passed for c in checks.values())
    assert fits.rival("pruned").native.tree_.n_leaves > 4


# -- the encoder ---------------------------------------------------------------------------------


def test_columns_are_the_same_on_any_part():
    X = pd.DataFrame(
        {
            "n": np.arange(40),
            "c": pd.Categorical(["a"] * 20 + ["b"] * 17 + ["r"] * 3),
            "m": pd.Categorical(["u"] * 30 + [None] * 10),
            "rarely": pd.Categorical(["u"] * 38 + [None] * 2),
        }
    )
    fixed = same_columns(encoder(X, 5), X)
    names = ["n", "c=a", "c=b", "m=u", "m=missing", "rarely=u"]
    assert fixed.fit(X).get_feature_names_out().tolist() == names
    assert model_columns(fixed).raw == ("n", "c", "c", "m", "m", "rarely")
    whole = fixed.transform(X)
    for part in (X[:3], X[35:], X[X["c"] == "r"]):
        again = same_columns(encoder(X, 5), X).fit(part)
        pd.testing.assert_frame_equal(again.transform(X), whole)
    assert whole.iloc[-1].tolist() == [39, 0, 0, 0, 1, 0]  # rare ones are none of the others


def test_numbers_alone_need_no_fixing():
    X = pd.DataFrame({"n": [1, 2, 3]})
    assert same_columns(encoder(X, 1), X).fit(X).get_feature_names_out().tolist() == ["n"]


def test_constraints_are_by_position():
    X = frame_of().drop(columns="y")
    columns = model_columns(encoder(X, 20).fit(X))
    assert constraint_of(WAYS, columns) == [0, 1, -1] + [0] * (len(columns.names) - 3)
    assert constraint_of({}, columns) is None


def test_rare_categories_are_noted_where_there_are_any():
    X = frame_of()[["city", "up"]]
    assert rare_notes(X, 1) == [] and rare_notes(X[["up"]], 500) == []
    assert rare_notes(X, 100)[0].startswith("city: rare categories")


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "monotone, how, word",
    [
        ({"zip": 1}, {}, "no column 'zip'; the columns are: free, up, city, down, y"),
        ({"up": 2}, {}, "2 is no direction; give +1"),
        ({"up": 0}, {}, "0 is no direction"),
        ({"up": True}, {}, "True is no direction"),
        ({"up": "+1"}, {}, "'+1' is no direction"),
        ({"city": 1}, {}, "it is text, which has no order"),
        ({"y": 1}, {}, "it is the target"),
        ({"up": 1}, {"sensitive": ["up"]}, "no model sees this column (sensitive)"),
        ({"up": 1}, {"ids": ["up"]}, "no model sees this column (identifier, as said)"),
        ({"up": 1}, {"time_column": "up"}, "no model sees this column (time, by which"),
    ],
)
def test_orders_that_no_tree_keeps_are_refused(monotone, how, word):
    with pytest.raises(InputRefused) as caught:
        made(frame_of(), monotone=monotone, **how)
    assert word in str(caught.value) and "\n" not in str(caught.value)


def test_several_classes_have_no_order():
    frame = frame_of()
    frame["y"] = np.arange(len(frame)) % 3
    with pytest.raises(InputRefused, match="two classes or of numbers; y has several classes"):
        made(frame)
    with pytest.raises(ValueError, match="multiclass"):  # as the tree itself says
        DecisionTreeClassifier(monotonic_cst=[1, 0]).fit(np.eye(3, 2), [0, 1, 2])


def test_missing_numbers_are_refused_where_trees_refuse_them(monkeypatch):
    monkeypatch.setattr(monotone_module, "_keeps_beside_missing", lambda: False)
    frame = frame_of(missing=0.1)
    n = int(frame["up"].isna().sum())
    with pytest.raises(InputRefused, match=rf"free \(\d+\), up \({n}\); fill them"):
        made(frame)
    with pytest.raises(InputRefused, match="up"):
        made(frame, exclude=[("free", "x")])
    assert made(frame_of()).monotone == WAYS
    gone = made(frame, monotone={"down": 1}, exclude=[("free", "x"), ("up", "x")])
    assert gone.monotone == {"down": 1}


def test_orders_of_columns_that_drop_out_are_moot():
    frame = frame_of()
    frame["up"] = 3.0
    study = made(frame)
    assert study.monotone == {"down": -1}
    assert any(note.startswith("--monotone up: the column is left out") for note in study.notes)
