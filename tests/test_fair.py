"""Groups in the report: figures against counts, limits against every cut, words against figures."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeprune import Decision
from treeprune.metrics.group_fairness import DIFFERENCES, fairness_before_after, fairness_path
from treeprune.metrics.limits import choose_within
from treeprune.report import (
    Costs,
    InputRefused,
    Options,
    StatedLimit,
    Table,
    Words,
    fit_rivals,
    german_credit_study,
    study_of,
)
from treeprune.report.collect import _decision
from treeprune.report.fair import fair
from treeprune.report.figures import figure, signed
from treeprune.report.sensitive import GroupColumn, group_columns, groups_of
from treeprune.report.stated import bounds_by_column
from treeprune.report.text import _section
from treeprune.report.written.groups import fairness_section

pytestmark = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")

RATIO = StatedLimit("selection_rate_ratio", low=0.8)
QUICK = Options(cv=2, n_resamples=1000, refits=0)
SENSITIVE = ["sex", "born in", "age", "children"]


def people(n=900, seed=0):
    """A table in which sex stands in the income, and one group is too small to be shown."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n)
    income = rng.normal(size=n) + 0.8 * (sex == "m")
    debt = rng.normal(size=n)
    born = rng.choice(["here", "abroad", "Atlantis"], n, p=[0.7, 0.285, 0.015])
    frame = pd.DataFrame(
        {
            "income": income.round(2),
            "debt": debt.round(2),
            "sex": sex,
            "born in": born,
            "age": rng.integers(18, 80, n).astype(float),
            "children": rng.integers(0, 3, n).astype(float),
            "y": (debt - income + rng.normal(size=n) > 0.4).astype(int),
        }
    )
    frame.loc[rng.random(n) < 0.2, "children"] = np.nan
    frame.loc[rng.random(n) < 0.05, "sex"] = None
    return frame.astype({"sex": "category", "born in": "category"})


def study(frame=None, sensitive=SENSITIVE, **kwargs):
    frame = people() if frame is None else frame
    return study_of(Table(frame, ""), name="people", target="y", sensitive=sensitive, **kwargs)


def told_of(own, options=QUICK):
    fits = fit_rivals(own, options)
    return fits, fair(own, fits, options)


def text_of(own, told):
    report = {"fairness": told, "decision": _decision(own)}
    again = json.loads(json.dumps(report, allow_nan=False))
    return "\n".join(_section(fairness_section(again), between=True))


@pytest.fixture(scope="module")
def lender():
    """With costs, words, and a limit for each of four sensitive columns."""
    own = study(
        costs=Costs(2, 1, "a test"),
        words=Words(acts="Declines", act="decline", acted="declined", passed="approved",
                    let="approve", hit="defaulted", miss="repaid"),
    )  # fmt: skip
    options = replace(QUICK, limits=(RATIO,))
    return own, options, *told_of(own, options)


@pytest.fixture(scope="module")
def plain():
    """Without costs, by one sensitive column, with two limits of it."""
    own = study(sensitive=["sex"])
    limits = (RATIO, StatedLimit("tpr_difference", "sex", high=0.3))
    options = replace(QUICK, limits=limits)
    return own, options, *told_of(own, options)


# -- sensitive columns as groups -----------------------------------------------------------------


def in_band(value, name):
    """Whether a number is in the band that a name says."""
    low = re.search(r"over (\S+)", name)
    high = re.search(r"to (\S+)", name)
    above = low is None or value > float(low.group(1))
    return above and (high is None or value <= float(high.group(1)))


NUMBERS = st.one_of(
    st.integers(-30, 90).map(float),
    st.floats(-1e6, 1e6, width=32),
    st.sampled_from([0.0, 1e-9, 1e9, 1.0 + 1e-12]),
)


@given(st.lists(NUMBERS, min_size=11, max_size=60), st.lists(st.just(float("nan")), max_size=3))
@settings(max_examples=80)
def test_bands_hold_the_numbers_that_their_names_say(numbers, missing):
    values = pd.Series([*missing, *numbers])
    groups, bands = groups_of(values)
    if len(set(numbers)) <= 10:
        assert bands is None
        return
    assert groups.isna().tolist() == values.isna().tolist()
    names = groups.cat.categories.tolist()
    assert 2 <= bands == len(names) == groups.nunique() <= 4  # none is empty
    for value, name in zip(values.dropna(), groups.dropna(), strict=True):
        assert [other for other in names if in_band(value, other)] == [name]


def test_bands_are_quartiles_with_short_limits():
    groups, bands = groups_of(pd.Series(np.arange(0, 1000) / 7))
    assert bands == 4
    assert groups.value_counts().tolist() == [250, 250, 250, 250]
    assert groups.cat.categories.tolist() == [
        "up to 35.6", "over 35.6 to 71.3", "over 71.3 to 107", "over 107",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "most, names",
    [(0, ["up to 0", "over 0"]), (99, ["up to 11", "over 11"])],
)
def test_a_value_that_most_rows_have_leaves_no_band_empty(most, names):
    groups, _ = groups_of(pd.Series([most] * 100 + list(range(1, 12))))
    assert groups.cat.categories.tolist() == names


def test_few_numbers_are_groups_by_value_in_their_order():
    groups, bands = groups_of(pd.Series([10.0, 2.0, np.nan, 1.5]))
    assert bands is None
    assert groups.cat.categories.tolist() == ["1.5", "2", "10"]
    assert groups.isna().tolist() == [False, False, True, False]
    near = groups_of(pd.Series([1.0, 1.0 + 1e-15]))[0]  # alike in twelve digits
    assert near.nunique() == 2
    for values in (pd.Series([True, False]), pd.Series(["a", "b"])):
        assert groups_of(values)[0] is values


def test_the_study_keeps_what_models_never_see():
    frame = people()
    frame.loc[::50, "y"] = np.nan
    own = study(frame, exclude=[("sex", "left out as asked"), ("debt", "left out as asked")])
    assert list(own.X_train.columns) == ["income"]
    assert own.excluded == (
        ("debt", "left out as asked"), *((name, "sensitive") for name in SENSITIVE),
    )  # fmt: skip
    pd.testing.assert_frame_equal(
        own.sensitive, frame.iloc[own.test_rows][SENSITIVE].reset_index(drop=True)
    )
    assert own.sensitive["sex"].isna().any()


def test_without_sensitive_columns_there_is_no_section():
    for own in (study(sensitive=[]), german_credit_study()):
        assert own.sensitive is None
        assert group_columns(own) == []
        assert fair(own, None, QUICK) is None
    (said,) = fairness_section({"fairness": None, "excluded": []}).blocks
    assert said.text.startswith("not measured: no sensitive column was named.")


def test_a_sensitive_column_must_exist():
    with pytest.raises(InputRefused, match="no column 'sexx'; the columns are: income"):
        study(sensitive=["sexx"])
    with pytest.raises(InputRefused, match="is the target"):
        study(sensitive=["y"])


# -- figures of groups ---------------------------------------------------------------------------


def by_hand(p_adverse, selected, good):
    """Figures of some rows, counted."""
    return {
        "selection_rate": selected.mean(),
        "tpr": selected[good].mean(),
        "fpr": selected[~good].mean(),
        "calibration": (1 - p_adverse).mean() - good.mean(),
    }


@pytest.mark.parametrize("which", ["lender", "plain"])
def test_figures_are_counts_of_decisions(which, request):
    own, _, fits, told = request.getfixturevalue(which)
    good = own.y_test == 0
    seen = 0
    for column in told["columns"]:
        values = own.sensitive[column["column"]]
        if column["bands"]:
            continue
        for group in column["groups"]:
            text = values.map(lambda v: f"{v:g}" if isinstance(v, float) else v)
            rows = (values.isna() if group["group"] == "missing" else text == group["group"]).array
            assert (group["count"], group["favourable"]) == (rows.sum(), good[rows].sum())
            for key, rival in (("before", "grown"), ("after", "pruned")):
                p = fits.rival(rival).model.predict_proba(fits.Z_test)[:, 1]
                selected = p < 1 / 3 if which == "lender" else p <= 1 / 2
                assert group[key]["selected"] == selected[rows].sum()
                for name, value in by_hand(p[rows], selected[rows], good[rows]).items():
                    assert group[key][name]["value"] == pytest.approx(value)
                    assert group[key][name]["low"] <= value <= group[key][name]["high"]
                seen += 1
    assert seen == (18 if which == "lender" else 6)


@pytest.mark.parametrize("which", ["lender", "plain"])
def test_figures_are_those_of_fairness_before_after(which, request):
    own, options, fits, told = request.getfixturevalue(which)
    side = {"positive": 0}
    if which == "lender":
        side = {"decision": Decision(adverse=1, cutoff=own.costs.acts_from)}
    found = fairness_before_after(
        fits.rival("grown").model, fits.rival("pruned").model, fits.Z_test, own.y_test,
        sensitive_features={c.name: c.groups for c in group_columns(own)},
        n_boot=options.n_resamples, random_state=own.seed, **side,
    ).to_dict()  # fmt: skip
    for key in ("before", "after"):
        expected = {(row["feature"], row["group"]): row for row in found[key]["by_group"]}
        own_groups = [(c["column"], g) for c in told["columns"] for g in c["groups"]]
        assert len(own_groups) == len(expected)
        for name, group in own_groups:
            row = expected[name, group["group"]]
            for figure_name in ("selection_rate", "tpr", "fpr", "auc", "calibration"):
                entry = group[key][figure_name]
                assert entry["value"] == row[figure_name]
                assert entry["low"] == row[f"{figure_name}_low"]
                assert entry["high"] == row[f"{figure_name}_high"]
    rows = [row for column in told["columns"] for row in column["differences"]]
    assert [row["figure"] for row in rows] == list(DIFFERENCES) * len(told["columns"])
    for part, key in (("before", "value"), ("after", "value"), ("change", "change")):
        table = found["changes"] if part == "change" else found[part]["differences"]
        assert [row[part] for row in rows] == [
            {"value": row[key], "low": row["low"], "high": row["high"]} for row in table
        ]


def test_groups_under_ten_rows_are_only_counted(lender):
    own, _, _, told = lender
    n = int((own.sensitive["born in"] == "Atlantis").sum())
    assert 0 < n < 10
    assert told["columns"][1]["hidden"] == {"groups": 1, "rows": n}
    assert "Atlantis" not in json.dumps(told)
    text = text_of(own, told)
    assert "Atlantis" not in text
    assert f"by born in; 1 group of fewer than 10 rows not shown, {n} rows\n" in text


def test_the_text_holds_the_figures(lender):
    own, _, _, told = lender
    text = text_of(own, told)
    words = " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100
    assert "Selected means approved (P < 1/3): to be declined is taken as adverse" in words
    said = (
        "TPR: the same share of those that repaid, so that 1 - TPR were wrongly declined; FPR: of "
        "those that defaulted, so wrongly approved."
    )
    assert said in words
    assert "by age; cut into 4 bands of about equally many held-out rows" in words
    for column in told["columns"]:
        assert f"\n  by {column['column']}" in text
        for group in column["groups"]:
            lines = text.split(f"\n  by {column['column']}")[1].split(f"\n  {group['group']}: ")[1]
            head, *two = lines.splitlines()[:3]
            assert head == f"{group['count']} rows, {group['favourable']} of them repaid"
            for line, (label, key) in zip(
                two, (("as grown", "before"), ("pruned", "after")), strict=True
            ):
                cells = re.split(r" {2,}", line.strip())
                assert cells[0] == label
                names = ("selection_rate", "tpr", "fpr", "auc", "calibration")
                for cell, name in zip(cells[1:], names, strict=True):
                    f = group[key][name]
                    low, high = figure(f["low"], 2), figure(f["high"], 2)
                    assert cell == f"{figure(f['value'], 2)} [{low},{high}]"
        own_part = text.split(f"\n  by {column['column']}")[1]
        for row in column["differences"]:
            line = re.search(rf"^  {row['figure']} .*$", own_part, re.MULTILINE).group()
            for part, form in (("before", figure), ("after", figure), ("change", signed)):
                assert f" {form(row[part]['value'])} [{form(row[part]['low'])}," in line


# -- stated limits -------------------------------------------------------------------------------


def ratio_by_hand(p, groups, acts_from):
    """Smallest over largest selection rate of the groups with at least ten rows."""
    rates = [
        (p[(groups == name).to_numpy()] < acts_from).mean()
        for name in groups.unique()
        if (groups == name).sum() >= 10
    ]
    return min(rates) / max(rates) if max(rates) else np.nan


def test_the_step_that_keeps_a_limit_is_found_among_all_cuts(lender):
    own, _, fits, told = lender
    columns = [c.groups.astype(object).where(c.groups.notna(), "missing")
               for c in group_columns(own)]  # fmt: skip
    rows = []
    for step in range(len(fits.path)):
        p = fits.path.cut(step).predict_proba(fits.Z_test)[:, 1]
        ratios = [ratio_by_hand(p, groups, 1 / 3) for groups in columns]
        rows.append((((p - own.y_test) ** 2).mean(), ratios))
    found = told["limits"]
    within = [step for step, (_, ratios) in enumerate(rows) if min(ratios) >= 0.8]
    assert 0 < found["n_within"] == len(within) < found["n_steps"] == len(rows)
    step = min(within, key=lambda s: rows[s][0])
    best = min(range(len(rows)), key=lambda s: rows[s][0])
    assert found["satisfied"]
    assert found["step"]["score"] == pytest.approx(rows[step][0])
    assert found["step"]["leaves"] == fits.path.cut(found["step"]["step"]).get_n_leaves()
    assert found["best"]["score"] == pytest.approx(rows[best][0])
    assert found["cost"] == pytest.approx(rows[step][0] - rows[best][0])
    assert found["nearest"] is None
    chosen = found["chosen"]["step"]
    assert chosen == fits.pipeline[-1].step_
    assert found["chosen_satisfies"] == (chosen in within)
    for limit, name in zip(found["limits"], SENSITIVE, strict=True):
        at = SENSITIVE.index(name)
        assert limit["words"] == f"selection_rate_ratio ({name}) >= 0.8"
        assert limit["n_satisfying"] == sum(ratios[at] >= 0.8 for _, ratios in rows)
        assert limit["value"] == pytest.approx(rows[found["step"]["step"]][1][at])
        assert limit["chosen_value"] == pytest.approx(rows[chosen][1][at])
        assert limit["chosen_missed_by"] == pytest.approx(max(0.8 - rows[chosen][1][at], 0))


@pytest.mark.parametrize("scoring", [None, "roc_auc"])
def test_the_answer_is_that_of_choose_within(plain, scoring):
    own, options, fits, _ = plain
    told = fair(own, fits, replace(options, scoring=scoring))["limits"]
    table = fairness_path(
        fits.path, fits.Z_test, own.y_test, sensitive_features=own.sensitive, positive=0,
        scoring=scoring,
    )  # fmt: skip
    limits = {"selection_rate_ratio": (0.8, None), "tpr_difference": (None, 0.3)}
    choice = choose_within(table, limits)
    assert (told["satisfied"], told["step"]["step"]) == (choice.satisfied, choice.step)
    assert told["step"]["score"] == (-choice.score if scoring is None else choice.score)
    assert (told["cost"], told["lower_is_better"]) == (choice.cost, scoring is None)


def test_a_limit_changes_no_tree(lender):
    own, options, fits, _ = lender
    without = fit_rivals(own, replace(options, limits=()))
    for rival, other in zip(fits.rivals, without.rivals, strict=True):
        assert np.array_equal(
            rival.model.predict_proba(fits.Z_test), other.model.predict_proba(fits.Z_test)
        )


def test_the_text_answers_the_limit(lender):
    own, _, _, told = lender
    found = told["limits"]
    text = text_of(own, told)
    part = text[text.index("  limit stated") :]
    assert max(map(len, part.splitlines())) <= 100
    for limit in found["limits"]:
        line = re.search(rf"^  {re.escape(limit['words'])} .*$", part, re.MULTILINE).group()
        assert f" {limit['n_satisfying']} of {found['n_steps']} " in line
        assert line.endswith(f" {figure(limit['value'])}")
        own_value = figure(limit["chosen_value"])
        missed = limit["chosen_missed_by"]
        misses = f", off by {figure(missed)}" if missed else ""
        assert f"  {own_value}{misses}  " in line
    words = " ".join(part.split())
    n = f"{found['n_within']} of {found['n_steps']} steps keep all limits."
    assert n in words
    assert f"The best step that keeps all limits is step {found['step']['step']} (" in words
    assert f"keeping all limits would cost {figure(found['cost'], 4)}." in words
    assert ("One leaf says the same" in words) == (found["step"]["leaves"] == 1)
    assert words.endswith("check it on others. The chosen tree stays as it is.")


def test_a_limit_that_no_step_keeps_is_said_with_the_nearest_step(plain):
    own, options, fits, _ = plain
    options = replace(options, limits=(StatedLimit("calibration_difference", high=0.0),))
    told = fair(own, fits, options)
    found = told["limits"]
    assert (found["satisfied"], found["step"], found["cost"]) == (False, None, None)
    assert not found["chosen_satisfies"]
    (limit,) = found["limits"]
    values = fairness_path(
        fits.path, fits.Z_test, own.y_test, sensitive_features=own.sensitive, positive=0
    )["calibration_difference"]
    assert limit["value"] == limit["missed_by"] == values.min()
    assert found["nearest"]["step"] == values.argmin()
    words = " ".join(text_of(own, told).split())
    assert f"nearest ({found['nearest']['leaves']} lea" in words
    assert f"No step of the path keeps the limit. The nearest is step {values.argmin()} (" in words
    assert f"off by {figure(values.min())}" in words


def test_a_limit_that_every_step_keeps_costs_nothing(plain):
    own, options, fits, _ = plain
    options = replace(options, limits=(StatedLimit("tpr_difference", high=1.0),))
    told = fair(own, fits, options)
    assert told["limits"]["cost"] == 0
    words = " ".join(text_of(own, told).split())
    assert "no step has a better one, so that keeping costs nothing." in words


def test_steps_that_were_not_measured_are_said(plain, monkeypatch):
    own, options, fits, _ = plain
    monkeypatch.setattr("treeprune.report.fair.thin", lambda size: np.array([0, len(size) - 1]))
    told = fair(own, fits, options)
    chosen = fits.pipeline[-1].step_
    n = len({0, chosen, len(fits.path) - 1})
    assert told["limits"]["n_steps"] == n < len(fits.path)
    words = " ".join(text_of(own, told).split())
    assert f"Of the path's {len(fits.path)} steps {n} were measured." in words


def test_long_names_do_not_widen_the_page():
    long = "a column whose name somebody has made as long as a whole sentence of the report"
    frame = people().rename(columns={"sex": long})
    frame[long] = frame[long].cat.rename_categories(
        {"f": f"{long}, and its values too", "m": "x" * 60}
    )
    own = study(frame, [long, "age"])
    options = replace(QUICK, limits=(RATIO, StatedLimit("fpr_difference", long, high=0.5)))
    _, told = told_of(own, options)
    text = text_of(own, told)
    assert max(map(len, text.splitlines())) <= 100
    assert f"limit stated: fpr_difference ({long}) <= 0.5;" in " ".join(text.split())


@pytest.mark.parametrize(
    "text, limit, words",
    [
        ("selection_rate_ratio>=0.8", RATIO, "selection_rate_ratio >= 0.8"),
        (" tpr_difference (sex) <= .1 ", StatedLimit("tpr_difference", "sex", high=0.1),
         "tpr_difference (sex) <= 0.1"),
        ("fpr_difference(a (b) >= 1)<=1", StatedLimit("fpr_difference", "a (b) >= 1", high=1.0),
         "fpr_difference (a (b) >= 1) <= 1"),
        ("auc_difference>=0", StatedLimit("auc_difference", low=0.0), "auc_difference >= 0"),
    ],
)  # fmt: skip
def test_limits_are_read(text, limit, words):
    assert StatedLimit.parsed(text) == limit
    assert limit.words == words


@pytest.mark.parametrize(
    "text, word",
    [
        ("", "give a figure"),
        ("selection_rate_ratio", "give a figure"),
        ("selection_rate_ratio=0.8", "give a figure"),
        ("ratio>=0.8", "the figures are: selection_rate_difference"),
        ("selection_rate_ratio>=many", "'many' is not a number"),
        ("selection_rate_ratio>=80", "between 0 and 1"),
        ("selection_rate_ratio>=nan", "between 0 and 1"),
        ("tpr_difference<=-0.1", "between 0 and 1"),
    ],
)
def test_what_is_no_limit_is_refused(text, word):
    with pytest.raises(ValueError, match=word):
        StatedLimit.parsed(text)


def columns_of(*names, too_many=()):
    values = pd.Series(["a"])
    return [GroupColumn(name, values, None, 120 if name in too_many else None) for name in names]


def test_bounds_name_the_columns_of_the_path():
    at_most = StatedLimit("selection_rate_ratio", high=0.9)
    wider = StatedLimit("selection_rate_ratio", low=0.7)
    of_sex = StatedLimit("fpr_difference", "sex", high=0.1)
    assert bounds_by_column([RATIO, at_most, wider], columns_of("sex")) == {
        "selection_rate_ratio": (0.8, 0.9)
    }
    assert bounds_by_column([RATIO, of_sex], columns_of("sex", "age")) == {
        "selection_rate_ratio (sex)": (0.8, None),
        "selection_rate_ratio (age)": (0.8, None),
        "fpr_difference (sex)": (None, 0.1),
    }
    assert bounds_by_column([RATIO], columns_of("zip", "sex", too_many=["zip"])) == {
        "selection_rate_ratio": (0.8, None)
    }
    assert bounds_by_column([], []) == {}


@pytest.mark.parametrize(
    "limits, columns, word",
    [
        ([RATIO], [], "these are: none"),
        ([StatedLimit("fpr_difference", "sex", high=0.1)], columns_of("age"), "these are: age"),
        ([RATIO], columns_of("zip", too_many=["zip"]), "zip has 120 groups"),
        ([StatedLimit("fpr_difference", "zip", high=0.1)],
         columns_of("sex", "zip", too_many=["zip"]), "zip has 120 groups"),
        ([RATIO, StatedLimit("selection_rate_ratio", high=0.5)], columns_of("sex"),
         "selection_rate_ratio >= 0.8 and selection_rate_ratio <= 0.5 contradict"),
    ],
)  # fmt: skip
def test_limits_that_cannot_be_weighed_are_refused(limits, columns, word):
    with pytest.raises(InputRefused, match=re.escape(word)):
        bounds_by_column(limits, columns)


def test_limits_are_refused_before_anything_is_fitted():
    said = []
    options = replace(QUICK, limits=(RATIO,))
    for own, word in (
        (study(sensitive=[]), "needs a column named by --sensitive; these are: none"),
        (study(people().assign(y=lambda f: f["debt"])), "two classes; y is regression"),
    ):
        with pytest.raises(InputRefused, match=word):
            fit_rivals(own, options, said.append)
    assert said == []


# -- what cannot be measured ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "y, words",
    [
        (lambda f: f["debt"], "groups are compared for two classes, and y is a number"),
        (lambda f: np.arange(len(f)) % 3, "groups are compared for two classes, and y is a choice "
         "of 3"),
    ],
)  # fmt: skip
def test_other_targets_are_said_not_to_be_measured(y, words):
    own = study(people().assign(y=y), ["sex"])
    told = fair(own, None, QUICK)
    assert told["columns"][0]["groups"] is None
    said = " ".join(text_of(own, told).split())
    assert said == f"FAIRNESS by sex, which no model has seen: not measured, {words}"


def test_without_fairlearn_the_text_says_what_to_install(plain, monkeypatch):
    own, options, fits, told = plain
    monkeypatch.setitem(sys.modules, "fairlearn", None)
    without = fair(own, fits, options)
    assert without["columns"][0]["groups"] is None
    assert without["limits"] == told["limits"]  # which takes no table of groups
    words = " ".join(text_of(own, without).split())
    assert "not measured, tables of groups are made by fairlearn, which is not installed" in words
    assert "pip install treeprune[fairness]" in words
    assert "limit stated" in words


def test_a_column_with_too_many_groups_is_said():
    frame = pd.concat([people(1100, seed=s) for s in range(2)], ignore_index=True)
    frame["zip"] = "z"
    own = study(frame, ["zip", "sex"], test_size=0.6)
    values = pd.Categorical([f"z{i % 105}" for i in range(len(own.y_test))])  # none is too small
    own = replace(own, sensitive=own.sensitive.assign(zip=values))
    fits, told = told_of(own)
    first, second = told["columns"]
    assert (first["too_many"], first["groups"]) == (105, None)
    assert (second["too_many"], len(second["groups"])) == (None, 3)
    text = text_of(own, told)
    said = "zip is not measured: 105 groups of at least 10 rows; at most 100 can be compared."
    assert said in " ".join(text.split())
    alone = replace(own, sensitive=own.sensitive[["zip"]])
    text = text_of(alone, fair(alone, fits, QUICK))
    assert said in " ".join(text.split())
    assert "selection_rate_difference" not in text


def test_only_the_largest_groups_are_shown():
    frame = people()
    frame["born in"] = pd.Categorical([f"land {i % 12}" for i in range(len(frame))])
    own = study(frame, ["born in"], test_size=0.5)
    _, told = told_of(own)
    (column,) = told["columns"]
    assert len(column["groups"]) == 12
    text = text_of(own, told)
    assert "by born in; the 10 largest of 12 groups, differences of all\n" in text
    counts = {group["group"]: group["count"] for group in column["groups"]}
    shown = re.findall(r"^  (land \d+): (\d+) rows", text, re.MULTILINE)
    assert len(shown) == 10
    assert all(counts[name] == int(n) for name, n in shown)
    assert sum(counts.values()) - sum(int(n) for _, n in shown) <= 2 * min(int(n) for _, n in shown)


@pytest.mark.parametrize("share, words", [(0.0, "by sex\n"), (0.02, "fewer than 10 rows")])
def test_one_group_has_no_differences(share, words):
    frame = people(400)
    rare = np.random.default_rng(1).random(len(frame)) < share
    frame["sex"] = pd.Categorical(np.where(rare, "m", "f"))
    own = study(frame, ["sex"])
    _, told = told_of(own)
    assert [group["group"] for group in told["columns"][0]["groups"]] == ["f"]
    text = text_of(own, told)
    assert words in text
    assert "No differences: they take two groups." in text
    assert "selection_rate_ratio" not in text


def test_no_group_large_enough_is_said():
    frame = people(300)
    frame["sex"] = pd.Categorical([f"person {i}" for i in range(len(frame))])
    own = study(frame, ["sex"])
    options = replace(QUICK, limits=(RATIO,))
    _, told = told_of(own, options)
    text = text_of(own, told)
    assert "no group has 10 rows" in text
    assert "person" not in text
    # A ratio of no groups keeps no limit.
    assert told["limits"]["limits"][0]["value"] is None
    assert not told["limits"]["satisfied"]
    assert "not defined" in text


def test_figures_that_are_not_defined_are_dashes():
    frame = people()
    frame["sex"] = pd.Categorical(np.where(frame["y"] == 1, "had a default", "had none"))
    own = study(frame, ["sex"])
    _, told = told_of(own)
    text = text_of(own, told)
    assert re.search(r"^    pruned .* -  +-  ", text, re.MULTILINE)  # neither FPR nor AUC
    assert re.search(r"^  auc_difference +- +- +-$", text, re.MULTILINE)
    assert not re.search(r"nan|None", text)
