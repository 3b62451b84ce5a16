"""Reasons: what may be named, what must be reported, and that every adverse decision has one."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from treeprune import Decision, FeatureMap, SparseMLPClassifier, explain, prune
from treeprune.datasets import load_german_credit
from treeprune.explain import directions
from treeprune.explain.attributions import attribute, towards_adverse

COLUMNS = ["checking_status", "duration_months", "purpose", "savings", "amount_dm", "age"]


@pytest.fixture(scope="module")
def credit():
    data = load_german_credit()
    X, y = data.data[COLUMNS], data.target.map({0: "good", 1: "bad"})
    encode = make_column_transformer(
        (OneHotEncoder(), ["checking_status", "purpose", "savings"]), remainder="passthrough"
    )
    tree = DecisionTreeClassifier(min_samples_leaf=25, random_state=0)
    return X, y, make_pipeline(encode, tree).fit(X, y)


def decision(**kwargs):
    return Decision(adverse="bad", cutoff=1 / 6, **kwargs)


def p_bad(model, X):
    return model.predict_proba(X)[:, list(model.classes_).index("bad")]


def test_only_columns_that_push_towards_the_adverse_outcome(credit):
    X, _, model = credit
    found = explain(model, X, decision=decision()).reasons(X[:200])
    p = p_bad(model, X[:200])
    assert [one.adverse for one in found] == (p >= 1 / 6).tolist()
    assert [one.row for one in found] == X.index[:200].tolist()
    for one, probability in zip(found, p, strict=True):
        assert one.probability == pytest.approx(probability, abs=1e-12)
        pushes = [reason.contribution for reason in one.reasons]
        assert all(push > 0 for push in pushes) and pushes == sorted(pushes, reverse=True)
        assert len(pushes) <= 4 and (one.adverse or not pushes)


def test_near_the_cut_off_every_adverse_decision_has_a_reason(credit):
    X, _, model = credit
    found = explain(model, X, decision=decision()).reasons(X)
    assert all(one.reasons for one in found if one.adverse)
    assert "favourable reference rows nearest to the cut-off" in found.baseline


@pytest.mark.parametrize("baseline", ["near_cutoff", "all", "rows"])
def test_contributions_are_attributions_against_the_baseline(credit, baseline):
    X, _, model = credit
    ex = explain(model, X, decision=decision())
    rows = X[(p_bad(model, X) >= 0.4)][:20]
    others = X[100:140]
    asked = others if baseline == "rows" else baseline
    found = ex.reasons(rows, k=6, baseline=asked)
    if baseline == "near_cutoff":
        p = p_bad(model, X)
        favourable = np.sort(p[p < 1 / 6])[::-1]
        others = X[(p < 1 / 6) & (p >= favourable[49] - 1e-12)]
    elif baseline == "all":
        others = X
    exact = ex.attributions(rows, game="interventional", background=others)
    for i, one in enumerate(found):
        for reason in one.reasons:
            j = COLUMNS.index(reason.column)
            assert reason.contribution == pytest.approx(exact.values[i, j, 0], abs=1e-12)
            assert reason.value == rows.iloc[i, j]


def test_columns_that_may_not_be_named_are_a_conflict(credit):
    X, _, model = credit
    plain = explain(model, X, decision=decision()).reasons(X[:100])
    for kwargs in ({"unnameable": ["duration_months"]}, {"sensitive": ["duration_months"]}):
        ex = explain(model, X, decision=decision(**kwargs))
        found = ex.reasons(X[:100])
        text = found.to_text() + found.to_frame().to_csv()
        assert "duration_months" not in text and "CONFLICT" in text
        for before, after in zip(plain, found, strict=True):
            mattered = "duration_months" in [reason.column for reason in before.reasons]
            assert bool(after.conflicts) == mattered
        assert not any(
            change.column == "duration_months"
            for change in ex.counterfactual(X[p_bad(model, X) > 0.5][:1])[0].changes
        )


def test_a_derived_column_made_of_such_is_not_named_either(credit):
    X, y, _ = credit
    encode = make_column_transformer(
        (FunctionTransformer(np.log1p), ["amount_dm"]), remainder="drop"
    )
    model = make_pipeline(encode, DecisionTreeClassifier(max_leaf_nodes=3)).fit(X, y)
    ex = explain(model, X, decision=Decision("bad", cutoff=0.4, unnameable=["amount_dm"]))
    found = ex.reasons(X)
    adverse = [one for one in found if one.adverse]
    assert adverse and all(not one.reasons and one.conflicts for one in adverse)
    assert "no column that may be named" in found.to_text()


def test_the_words_are_those_of_the_decision(credit):
    X, _, model = credit
    words = {
        "duration_months": {"high": "TERM TOO LONG", "low": "TERM TOO SHORT"},
        "checking_status": {"overdrawn": "ACCOUNT OVERDRAWN", "any": "ACCOUNT"},
        "savings": "SAVINGS",
    }
    found = explain(model, X, decision=decision(wording=words)).reasons(X)
    for one in found:
        for reason in one.reasons:
            if reason.column == "checking_status":
                expected = "ACCOUNT OVERDRAWN" if reason.value == "overdrawn" else "ACCOUNT"
                assert reason.text == expected
            if reason.column == "savings":
                assert reason.text == "SAVINGS"
            if reason.column == "duration_months" and reason.value >= 48:
                assert reason.text == "TERM TOO LONG"


def test_a_number_is_high_when_less_would_be_better():
    X = pd.DataFrame({"x": np.arange(100.0), "z": np.arange(100) % 7})
    y = np.where(X["x"] > 60, "bad", "good")
    for turned in (False, True):
        rows = X.assign(x=-X["x"]) if turned else X
        model = DecisionTreeClassifier(max_depth=1).fit(rows, y)
        found = explain(model, rows, decision=decision()).reasons(rows[90:91])
        assert found[0].reasons[0].text == ("x: low" if turned else "x: high")


def test_a_direction_is_never_guessed():
    """Declined if debt > 10 or late > 2: with both, no single change helps."""
    grid = pd.DataFrame([(d, k) for d in range(40) for k in range(6)], columns=["debt", "late"])
    y = np.where((grid["debt"] > 10) | (grid["late"] > 2), "bad", "good")
    model = DecisionTreeClassifier(random_state=0).fit(grid, y)
    ex = explain(model, grid, decision=Decision("bad", cutoff=0.5))
    one = ex.reasons(pd.DataFrame({"debt": [15], "late": [4]}), baseline="all")[0]
    texts = [reason.text for reason in one.reasons]
    assert "debt: low" not in texts and "late: low" not in texts and texts
    assert not ex.leaf_notice_table()["reasons"].str.contains("low").any()


# -- directions ------------------------------------------------------------------------------------


def halves(ex, rows, baseline, i, column):
    """Slow twin: what a column adds to a row against each baseline row, one at a time."""
    value = rows[column].iloc[i]
    out = {-1: [], 1: []}
    for b in range(len(baseline)):
        other = baseline[column].iloc[b]
        if other != value:
            found = ex.attributions(
                rows[i : i + 1], game="interventional", background=baseline[b : b + 1]
            )
            at = list(found.feature_names).index(column)
            out[1 if other < value else -1].append(float(found.values[0, at, -1]))
    return out


def assert_borne_out(ex, rows, found, baseline, most=12):
    """What is called high is pushed by smaller values of the baseline, and by no larger ones."""
    adverse = [i for i, one in enumerate(found) if one.adverse]
    n = 0
    for i in adverse[:: max(1, len(adverse) // most)]:
        for reason in found[i].reasons:
            sign = {"high": 1, "low": -1}.get(reason.text.rpartition(": ")[2])
            if sign is None or n == most:
                continue
            parts = halves(ex, rows, baseline, i, reason.column)
            assert np.mean(parts[sign]) > 0
            assert not parts[-sign] or np.mean(parts[-sign]) <= 1e-9
            n += 1
    assert n
    check = ex.checks["directions agree with the baseline"]
    assert check.passed and "on the named side push" in check.detail


@pytest.fixture(scope="module", params=["as fitted", "pruned"])
def network_credit(request):
    """German credit with a network that is not monotone; pruned, it has exact Shapley values."""
    data = load_german_credit()
    X, y = data.data.drop(columns=data.sensitive), data.target
    texts = make_column_selector(dtype_include="category")(X)
    prepare = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), texts), remainder=StandardScaler()
    )
    train, test, t, _ = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
    pruned = request.param == "pruned"
    epochs = 400 if pruned else 60
    net = SparseMLPClassifier((16,), learning_rate="cosine", max_iter=epochs, random_state=0)
    model = make_pipeline(prepare, net).fit(train, t)
    if pruned:
        groups = FeatureMap.of(prepare, train).groups
        small = prune(model[-1], prepare.transform(train), t, method="magnitude",
                      feature_groups=groups, max_weights=100)  # fmt: skip
        model = make_pipeline(prepare, small)
    return train, t, test, model


@pytest.mark.parametrize("baseline", ["near_cutoff", "all"])
def test_directions_of_a_network_are_those_of_the_baseline(network_credit, baseline):
    """A term of 48 months was called short, since a still longer one would have been better."""
    train, t, test, model = network_credit
    ex = explain(model, train, t, decision=Decision(1, costs={"miss": 5, "false_alarm": 1}))
    found = ex.reasons(test, baseline=baseline)
    against = train
    if baseline == "near_cutoff":
        p = model.predict_proba(train)[:, 1]
        nearest = np.sort(p[p < 1 / 6])[::-1]
        against = train[(p < 1 / 6) & (p >= nearest[min(50, len(nearest)) - 1] - 1e-12)]
        assert_borne_out(ex, test, found, against, most=3)
    n = {"high": 0, "low": 0}
    for one in found:
        for reason in one.reasons:
            word = reason.text.rpartition(": ")[2]
            if word in n:
                n[word] += 1
                others = against[reason.column]
                assert (
                    (others < reason.value).any()
                    if word == "high"
                    else ((others > reason.value).any())
                )
                assert (word, reason.column) != ("low", "duration_months") or reason.value < 36
    assert min(n.values()) > 10
    check = ex.checks["directions agree with the baseline"]
    assert check.scope == f"{sum(n.values())} of {sum(n.values())} directions"
    # A row has the same words alone as among others.
    i = next(i for i, one in enumerate(found) if one.adverse)
    alone = ex.reasons(test[i : i + 1], baseline=baseline)[0]
    assert [r.text for r in alone.reasons] == [r.text for r in found[i].reasons]


def test_the_better_value_alone_does_not_name_a_direction():
    """Risk rises to 4 and falls to nothing at 8; all who were approved have less than 1."""
    X = pd.DataFrame({"term": np.r_[np.linspace(0, 1, 40), np.linspace(3.5, 8.0, 40)]})
    net = MLPClassifier((2,), max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.fit(X, np.arange(80) % 2)
    # log-odds -3 + 2 relu(term) - 4.5 relu(term - 4): -3 at 0, 5 at 4, -5 at 8
    net.coefs_ = [np.array([[1.0, 1.0]]), np.array([[2.0], [-4.5]])]
    net.intercepts_ = [np.array([0.0, -4.0]), np.array([-3.0])]
    ex = explain(net, X, decision=Decision(1, cutoff=0.5))
    p = net.predict_proba(X)[:, 1]
    approved = X[(p < 0.5) & (X["term"] < 2)]
    row = pd.DataFrame({"term": [5.0]})
    frame = X[X["term"] >= 7.9]
    assert net.predict_proba(frame)[0, 1] < net.predict_proba(X[:1])[0, 1]  # 8 is best of all
    for baseline, text in [
        (approved, "term"),  # smaller values push, a larger one is better: neither is said
        (frame, "term: low"),  # larger ones push, a larger one is better
        (pd.concat([approved, frame]), "term"),
    ]:
        one = ex.reasons(row, baseline=baseline)[0]
        assert [reason.text for reason in one.reasons] == [text]
        assert one.reasons[0].contribution > 0


@settings(max_examples=5)
@given(seed=st.integers(0, 999), kind=st.sampled_from(["net", "forest"]))
def test_directions_of_models_made_by_chance_are_borne_out(seed, kind):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.integers(0, 8, (80, 3)).astype(float), columns=list("abc"))
    y = (np.sin(X["a"]) + np.cos(X["b"]) + rng.normal(size=80) * 0.3 > 0).astype(int)
    if kind == "forest":
        model = RandomForestClassifier(4, max_depth=5, random_state=seed).fit(X, y)
    else:
        net = SparseMLPClassifier((6,), max_iter=40, learning_rate_init=0.05, random_state=seed)
        model = make_pipeline(StandardScaler(), net).fit(X, y)
    ex = explain(model, X, decision=Decision(1, cutoff=0.5))
    baseline = X[60:75]
    found = ex.reasons(X[:60], baseline=baseline)
    if any(r.text.endswith(("high", "low")) for one in found for r in one.reasons):
        assert_borne_out(ex, X[:60], found, baseline, most=4)


def test_both_ways_to_part_a_baseline_agree(network_credit):
    train, t, test, model = network_credit
    ex = explain(model, train, t, decision=Decision(1, cutoff=0.3))
    view, rows, baseline = ex.view, test[:60], train[:60]
    found = attribute(view, rows, game="interventional", background=baseline)
    push = towards_adverse(view, ex.decision, found.values)
    numbers = np.array([c.kind == "number" for c in view.feature_map.columns])
    said = (push > 0) & numbers
    one_by_one = directions._by_games(view, ex.decision, baseline, rows, said)  # 60 games
    values, others = view.feature_map.values(rows), view.feature_map.values(baseline)
    total = np.zeros_like(push)
    for j in np.flatnonzero(said.any(axis=0)):
        few = np.zeros_like(said)
        few[:3, j] = said[:3, j]  # few groups
        by_group = directions._by_games(view, ex.decision, baseline, rows, few)
        for part, single in zip(by_group, one_by_one, strict=True):
            np.testing.assert_allclose(part[few], single[few], atol=1e-9)
        lower = (others[j] < values[j][:, None]).mean(axis=1)
        higher = (others[j] > values[j][:, None]).mean(axis=1)
        total[:, j] = lower * one_by_one[0][:, j] + higher * one_by_one[1][:, j]
    np.testing.assert_allclose(total[said], push[said], atol=1e-8)


def test_a_direction_that_the_baseline_contradicts_fails_the_check(network_credit, monkeypatch):
    train, t, test, model = network_credit
    ex = explain(model, train, t, decision=Decision(1, cutoff=0.3))
    games = directions._by_games
    monkeypatch.setattr(directions, "_by_games", lambda *args: games(*args)[::-1])
    ex.reasons(test[:60], baseline=train[train["duration_months"] < 12])
    check = ex.checks["directions agree with the baseline"]
    assert not check.passed and "first not so for" in check.detail


def test_sampled_models_call_no_number_low_that_nobody_exceeds(credit):
    X, y, _ = credit
    numbers = X[["duration_months", "amount_dm", "age"]]
    model = make_pipeline(StandardScaler(), KNeighborsClassifier(15)).fit(numbers[:300], y[:300])
    ex = explain(model, numbers[:300], decision=decision())
    baseline = numbers[(numbers["duration_months"] <= 12) & (numbers["amount_dm"] < 2000)][:12]
    found = ex.reasons(numbers[numbers["duration_months"] >= 30][:6], baseline=baseline)
    texts = [r.text for one in found for r in one.reasons if r.column == "duration_months"]
    assert texts and "duration_months: low" not in texts and "duration_months: high" in texts
    assert ex.checks["directions agree with the baseline"].passed


def test_sampled_reasons_are_reproducible_and_say_their_error(credit):
    X, y, _ = credit
    encode = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["checking_status", "savings"]),
        remainder="passthrough",
    )
    numbers = X.drop(columns=["purpose", "age"])
    model = make_pipeline(encode, GaussianNB()).fit(numbers, y)
    first, second = (
        explain(model, numbers, decision=decision()).reasons(numbers[1:4], baseline="all")
        for _ in range(2)
    )
    assert first.to_text() == second.to_text() and "±" in first.to_text()
    assert all(reason.error > 0 for one in first for reason in one.reasons)


def test_rows_of_one_category_are_asked_with_all_categories(credit):
    """A row alone knows only its own category; the model knows them all."""
    X, _, model = credit
    ex = explain(model, X, decision=decision())
    alone = X[1:2].astype({"checking_status": str, "purpose": str, "savings": str})
    alone = alone.astype(dict.fromkeys(["checking_status", "purpose", "savings"], "category"))
    assert ex.reasons(alone).to_text() == ex.reasons(X[1:2]).to_text()


def test_derived_columns_have_a_value_and_fewer_methods(credit):
    X, y, _ = credit
    numbers = X[["duration_months", "amount_dm", "age"]]
    model = make_pipeline(StandardScaler(), PCA(2), DecisionTreeClassifier(max_depth=2))
    ex = explain(model.fit(numbers, y), numbers, decision=Decision("bad", cutoff=0.35))
    for one in ex.reasons(numbers):
        for reason in one.reasons:
            assert reason.methods == 2 and np.isfinite(reason.value)
            assert "missing" not in reason.text
    found = ex.attributions(numbers[:5])
    assert found.values.shape[1] == len(found.feature_names) == found.data.shape[1] == 5
    other = make_pipeline(PCA(2), GaussianNB()).fit(numbers, y)
    sampled = explain(other, numbers).attributions(numbers[:5], background=numbers[:20])
    assert sampled.values.shape[1] == len(sampled.feature_names) == sampled.data.shape[1] == 3
    hidden = Decision("bad", cutoff=0.35, unnameable=["pca1"])
    explain(model, numbers, decision=hidden).counterfactual(numbers[:1])


def test_notes_for_applicants_name_no_unnameable_column():
    X = pd.DataFrame({"debt": range(60), "job": ["a", "b"] * 30})
    y = np.where((X["debt"] > 20) & (X["job"] == "a"), "bad", "good")
    encode = make_column_transformer((OneHotEncoder(), ["job"]), remainder="passthrough")
    model = make_pipeline(encode, DecisionTreeClassifier(random_state=0)).fit(X, y)
    hidden = Decision("bad", cutoff=0.5, sensitive=["job"], unnameable=["debt"])
    (change,) = explain(model, X, decision=hidden).counterfactual(X[50:51])
    assert not change.feasible and "job" not in change.to_text() + change.note
    assert "debt" not in change.to_text()


def test_what_the_decision_calls_immutable_stays(credit):
    X, _, model = credit
    declined = X[p_bad(model, X) > 0.5][:5]
    fixed = decision(immutable=["checking_status"], directions={"duration_months": "decrease"})
    ex = explain(model, X, decision=fixed)
    for i in range(len(declined)):
        (change,) = ex.counterfactual(declined[i : i + 1])
        assert "checking_status" not in [one.column for one in change.changes]
        assert "no column was declared" not in change.note
    (free,) = explain(model, X, decision=decision()).counterfactual(declined[:1])
    assert "no column was declared immutable" in free.note
    with pytest.raises(ValueError, match="directions"):
        explain(model, X, decision=decision(directions={"nothing": "increase"}))
    with pytest.raises(ValueError, match="must be 'increase' or 'decrease'"):
        decision(directions={"age": "up"})


def test_missing_values_are_worded_as_missing():
    X = pd.DataFrame({"x": [1.0, 2.0, np.nan, np.nan] * 20, "z": range(80)})
    y = np.where(X["x"].isna(), "bad", "good")
    model = DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, y)
    words = {"x": {"missing": "No statement about x"}}
    found = explain(model, X, decision=decision(wording=words)).reasons(X[2:3])
    assert [reason.text for reason in found[0].reasons] == ["No statement about x"]


@pytest.mark.parametrize("adverse", ["bad", "good"])
@pytest.mark.parametrize("kind", ["tree", "forest", "boosted", "linear"])
def test_every_kind_of_model_and_both_classes(credit, kind, adverse):
    X, y, _ = credit
    encode = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["checking_status", "purpose", "savings"]),
        remainder="passthrough",
    )
    final = {
        "tree": DecisionTreeClassifier(max_depth=3, random_state=0),
        "forest": RandomForestClassifier(5, max_depth=3, random_state=0),
        "boosted": LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1),
        "linear": LinearDiscriminantAnalysis(),
    }[kind]
    model = make_pipeline(encode, final).fit(X, y)
    ex = explain(model, X, decision=Decision(adverse, cutoff=0.5), random_state=0)
    p = model.predict_proba(X)[:, list(model.classes_).index(adverse)]
    surest = X.iloc[[int(np.argmax(p))]]
    one = ex.reasons(surest)[0]
    assert one.adverse and one.reasons and one.methods == (2 if kind == "linear" else 3)
    assert all(1 <= reason.agreed <= one.methods for reason in one.reasons)


@settings(max_examples=8)
@given(seed=st.integers(0, 999), k=st.integers(1, 3))
def test_the_notice_table_holds_all_that_rows_receive(seed, k):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "c": rng.choice(["a", "b", "c"], 80),
            "x": rng.integers(0, 6, 80),
            "z": np.where(rng.random(80) < 0.2, np.nan, rng.integers(0, 4, 80)),
        }
    )
    y = np.where((X["x"] + 2 * (X["c"] == "a") + rng.normal(size=80)) > 4, "bad", "good")
    if len(set(y)) < 2:
        return
    encode = make_column_transformer((OneHotEncoder(), ["c"]), remainder="passthrough")
    tree = DecisionTreeClassifier(max_leaf_nodes=5, random_state=0)
    ex = explain(make_pipeline(encode, tree).fit(X, y), X, decision=Decision("bad", cutoff=0.4))
    if not (p_bad(ex.view.answers.model, X) < 0.4).any():
        return
    table = ex.leaf_notice_table(k=k)
    rule_of = ex.rules.match(X)
    known = set(zip(table["rule"], table["reasons"], strict=True))
    counted = dict.fromkeys(known, 0)
    for one, rule in zip(ex.reasons(X, k=k), rule_of, strict=True):
        if one.adverse:
            key = (f"R{rule + 1}", "; ".join(reason.text for reason in one.reasons))
            assert key in known
            counted[key] += 1
    found = dict(zip(zip(table["rule"], table["reasons"], strict=True), table["reference_rows"]))
    assert counted == found


def test_the_notice_table_explains_why_rows_of_a_leaf_differ():
    """x decides alone in the leaf x > 5; z only matters elsewhere, yet changes the reasons."""
    grid = pd.DataFrame([(x, z) for x in range(10) for z in range(10)], columns=["x", "z"])
    y = np.where((grid["x"] > 5) | ((grid["x"] > 2) & (grid["z"] > 6)), "bad", "good")
    model = DecisionTreeClassifier(random_state=0).fit(grid, y)
    ex = explain(model, grid, decision=Decision("bad", cutoff=0.5))
    table = ex.leaf_notice_table(baseline="all")
    leaf = table[table["conditions"] == "x > 5"]
    assert set(leaf["reasons"]) == {"x: high", "x: high; z: high"}
    assert set(leaf["differs_by"]) == {"z"} and set(leaf["scope"]) == {
        "all applicants with known values"
    }
    assert leaf["reference_rows"].sum() == 40


def test_refusals(credit):
    X, y, model = credit
    with pytest.raises(ValueError, match="decision=Decision"):
        explain(model, X).reasons(X[:1])
    ex = explain(model, X, decision=decision())
    with pytest.raises(ValueError, match="baseline must be one of"):
        ex.reasons(X[:1], baseline="nearest")
    with pytest.raises(ValueError, match="has no rows"):
        ex.reasons(X[:1], baseline=X[:0])
    for k in (0, 1.5, "four"):
        with pytest.raises(ValueError, match="k is the number"):
            ex.reasons(X[:1], k=k)
    stump = DecisionTreeClassifier(max_depth=1).fit(X[["age"]], y)
    with pytest.raises(ValueError, match="there is none to compare with"):
        explain(stump, X[["age"]], decision=Decision("bad", cutoff=0.01)).reasons(X[["age"]][:1])
    with pytest.raises(ValueError, match="adverse class 'worst'"):
        explain(model, X, decision=Decision("worst", cutoff=0.5))
    with pytest.raises(ValueError, match="unnameable"):
        explain(model, X, decision=decision(unnameable=["no such column"]))
    with pytest.raises(ValueError, match="speaks of"):
        explain(model, X, decision=decision(wording={"purpose": {"yacht": "a yacht"}}))
    iris, target = load_iris(return_X_y=True)
    regression = DecisionTreeClassifier().fit(iris, np.column_stack([target, target]))
    with pytest.raises(ValueError, match="one target"):
        explain(regression, iris, decision=Decision(0, cutoff=0.5))
    numbers = X[["age", "amount_dm"]]
    forest = RandomForestClassifier(20, random_state=0).fit(numbers, y)
    with pytest.raises(ValueError, match="describe exactly"):
        explain(forest, numbers, decision=decision(), most_cells=64).leaf_notice_table()


def test_nothing_to_explain_for_favourable_rows(credit):
    X, _, model = credit
    rows = X[p_bad(model, X) < 1 / 6][:3]
    found = explain(model, X, decision=decision()).reasons(rows)
    assert [one.reasons for one in found] == [(), (), ()]
    assert found.to_frame()["reason"].isna().all() and len(found.to_frame()) == 3
