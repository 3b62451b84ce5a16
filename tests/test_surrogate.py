"""Imitations of models: small trees and scorecards, what they predict and how faithful they are."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from treeprune.datasets import load_german_credit, load_hmda
from treeprune.explain.conditions import MISSING, UNSEEN
from treeprune.explain.fidelity import cross_fitted, fidelity, r_squared
from treeprune.explain.scorecard import scorecard
from treeprune.explain.surrogate import column_kinds, levels_of, surrogate_tree

ODD = ["ä", "", "a'b", 'c"d', "=cmd|x", "x\ny", "NULL", "日本", " a "]


# --- models --------------------------------------------------------------------------------------


def german():
    data = load_german_credit()
    columns = ["checking_status", "duration_months", "credit_history", "savings", "amount_dm"]
    return data.data[columns][:800], data.target[:800]


def hmda():
    data = load_hmda()
    columns = [
        "payment_income_ratio",
        "loan_value_ratio",
        "consumer_credit_score",
        "public_bad_record",
        "self_employed",
    ]
    return data.data[columns][:1000], data.target[:1000]


MODELS = {
    "mlp": lambda: MLPClassifier((8,), alpha=1.0, max_iter=150, random_state=0),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=30, random_state=0),
    "histogram": lambda: HistGradientBoostingClassifier(max_iter=30, random_state=0),
}
CASES = [(german, "boosting"), (german, "mlp"), (hmda, "histogram")]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0].__name__}-{case[1]}")
def fitted(request):
    """Rows, outcomes and a fitted pipeline."""
    rows, kind = request.param
    X, y = rows()
    numbers = X.select_dtypes("number").columns.tolist()
    categories = [c for c in X if c not in numbers]
    encode = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return X, y, make_pipeline(encode, MODELS[kind]()).fit(X, y)


def by_hand(make, X, y, model, cutoff):
    """Fidelity from its definitions: imitations of all folds but one, rows one by one."""
    p = model.predict_proba(X)
    q = np.empty_like(p)
    for own, rest in KFold(5, shuffle=True, random_state=3).split(X):
        one = make(model.predict_proba, X.iloc[own], classes=model.classes_, folds=2)
        q[rest] = one.predict_proba(X.iloc[rest])
    residual = total = same_class = same_decision = 0.0
    mean = [sum(p[:, k]) / len(p) for k in range(2)]
    for a, b in zip(p, q, strict=True):
        residual += sum((a[k] - b[k]) ** 2 for k in range(2))
        total += sum((a[k] - mean[k]) ** 2 for k in range(2))
        same_class += (a[1] > a[0]) == (b[1] > b[0])
        same_decision += (a[1] >= cutoff) == (b[1] >= cutoff)
    task = roc_auc_score(y, p[:, 1]), roc_auc_score(y, q[:, 1])
    return 1 - residual / total, same_class / len(p), same_decision / len(p), *task


@pytest.mark.parametrize("make, least", [(surrogate_tree, 0.4), (scorecard, 0.5)])
def test_fidelity_is_what_its_definition_says(fitted, make, least):
    X, y, model = fitted
    made = make(model.predict_proba, X, classes=model.classes_, y=y, cutoff=0.3, random_state=3)
    found = made.fidelity
    r2, agreement, decision, task_model, task_own = by_hand(make, X, y, model, 0.3)
    assert found.r2 == pytest.approx(r2, abs=1e-9)
    assert found.agreement == pytest.approx(agreement)
    assert found.decision_agreement == pytest.approx(decision)
    assert found.task.name == "roc_auc"
    assert found.task.model == pytest.approx(task_model)
    assert found.task.surrogate == pytest.approx(task_own)
    assert (found.n_rows, found.folds) == (len(X), 5)
    assert least < found.r2 < 1 and found.agreement > 0.75 and found.decision_agreement > 0.7
    assert found.task.surrogate > 0.65


def test_rules_predict_what_the_fitted_tree_predicts(fitted):
    X, _, model = fitted
    made = surrogate_tree(model.predict_proba, X, classes=model.classes_)
    assert np.array_equal(made.rules.predict_proba(X), made.output(X))
    assert made.rules.kind == "surrogate" and 2 <= len(made.rules) <= 12
    assert sum(rule.weight for rule in made.rules) == len(X)
    # The value of a rule is the mean of the model's output over its rows.
    p, rule_of = model.predict_proba(X), made.rules.match(X)
    for i, rule in enumerate(made.rules):
        assert rule.value[0] == pytest.approx(p[rule_of == i].mean(axis=0), abs=1e-9)
    assert np.array_equal(made.rules.match(X, printed=True), made.rules.match(X))
    assert set(made.predict(X)) <= set(model.classes_)
    assert made.fidelity.task is None and "not given" in made.fidelity.to_text()


def test_a_small_tree_is_imitated_by_one_of_its_size():
    X, y = german()
    X = X[["duration_months", "amount_dm"]]
    tree = DecisionTreeClassifier(max_leaf_nodes=6, min_samples_leaf=40, random_state=0).fit(X, y)
    made = surrogate_tree(tree.predict_proba, X, classes=tree.classes_, max_leaves=8)
    assert made.fidelity.r2 > 0.97 and made.fidelity.agreement > 0.98


def test_several_classes():
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    model = LogisticRegression(max_iter=1000).fit(X, names[y])
    made = surrogate_tree(
        model.predict_proba, X, classes=names, y=names[y], cutoff=0.5, positive=2, max_leaves=4
    )
    p = made.predict_proba(X)
    assert p.shape == (150, 3) and np.allclose(p.sum(axis=1), 1) and (p >= 0).all()
    assert set(made.predict(X)) == set(names)
    found = made.fidelity
    assert found.task.name == "accuracy" and found.task.model == model.score(X, names[y])
    assert found.r2 > 0.85 and found.decision_agreement > 0.9


def test_numbers():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = LinearRegression().fit(X, y)
    tree = surrogate_tree(model.predict, X, y=y, cutoff=150.0, target="progression")
    card = scorecard(model.predict, X, y=y, cutoff=150.0, target="progression")
    assert tree.rules.target == ("progression",) and not tree.rules.is_classifier
    assert np.array_equal(tree.output(X)[:, 0], tree.predict(X))
    for made in (tree, card):
        found = made.fidelity
        assert found.agreement is None and found.decision_agreement > 0.7
        assert found.task.name == "r2" and found.task.model == pytest.approx(model.score(X, y))
        # In the fit: at least as good as left out of it, within noise.
        assert r_squared(model.predict(X)[:, None], made.predict(X)[:, None]) > found.r2 - 0.02
        assert np.array_equal(made.predict(X), made.predict(X.iloc[:, ::-1]))
    assert card.fidelity.r2 > 0.85
    assert card.unit in (1.0, 0.5, 2.0) and card.to_text().startswith("Scorecard: progression = ")
    with pytest.raises(ValueError, match="predicts a number"):
        card.predict_proba(X)


# --- fidelity itself -----------------------------------------------------------------------------


def test_a_wrecked_model_is_imitated_perfectly_and_the_task_score_says_so():
    X, y = german()

    def wrecked(rows):
        return np.tile([0.7, 0.3], (len(rows), 1))

    for make in (surrogate_tree, scorecard):
        made = make(wrecked, X, classes=[0, 1], y=y, cutoff=0.5)
        assert np.isnan(made.fidelity.r2) and made.fidelity.agreement == 1.0
        assert made.fidelity.task.model == made.fidelity.task.surrogate == 0.5
        assert "constant" in made.fidelity.to_text() and "0.500" in made.to_text()
        assert np.abs(made.predict_proba(X) - [0.7, 0.3]).max() < 0.005
    assert len(surrogate_tree(wrecked, X, classes=[0, 1]).rules) == 1
    assert not scorecard(wrecked, X, classes=[0, 1]).columns


def test_one_class_in_the_outcome_is_said():
    p = np.column_stack([np.full(10, 0.5), np.full(10, 0.5)])
    found = fidelity(p, p, classes=np.array(["a", "b"]), folds=2, y=["a"] * 10)
    assert np.isnan(found.task.model) and "not defined" in found.to_text()


def test_cross_fitting_leaves_every_row_out_once():
    seen = []

    def fit(own):
        def predict(rest):
            assert not set(own) & set(rest)
            seen.extend(rest)
            return rest[:, None].astype(float)

        return predict

    out = cross_fitted(fit, 23, 5, 1)
    assert sorted(seen) == list(range(23)) and out[:, 0].tolist() == list(range(23))


def test_r_squared_of_a_constant_that_rounding_moves():
    assert np.isnan(r_squared(np.full((7, 1), 0.1), np.zeros((7, 1))))
    assert r_squared(np.array([[1.0], [2.0], [4.0]]), np.full((3, 1), 7 / 3)) == pytest.approx(0.0)


# --- scorecards ----------------------------------------------------------------------------------


def additive(n=4000, seed=0):
    """Rows and log-odds that are a sum of steps."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(float),
            "job": rng.choice(["none", "part", "full"], n),
            "noise": rng.normal(size=n),
        }
    )
    X.loc[rng.random(n) < 0.1, "age"] = np.nan
    by_age = np.select([X["age"].isna(), X["age"] <= 30, X["age"] <= 50], [0.5, -1.0, 0.0], 1.5)
    by_job = X["job"].map({"none": -2.0, "part": 0.0, "full": 0.7}).to_numpy()
    return X, by_age, by_job, -0.4


def test_a_scorecard_recovers_an_additive_truth():
    X, by_age, by_job, start = additive()

    def model(rows):
        assert rows is X
        p = 1 / (1 + np.exp(-(start + by_age + by_job)))
        return np.column_stack([1 - p, p])

    card = scorecard(model, X, classes=["bad", "good"], points_per_doubling=200)
    assert card.fidelity.r2 > 0.9999 and card.fidelity.agreement > 0.999
    factor = 200 / np.log(2)
    points = card.points(X)
    for name, truth in (("age", by_age), ("job", by_job)):
        figures = points[name] - points[name][0]
        assert np.abs(figures - factor * (truth - truth[0])).max() <= 3
        assert points[name].min() == 0
    # 600 points are even odds.
    score = 600 + factor * (start + by_age + by_job)
    assert np.abs(card.score(X) - score).max() <= 4
    kept = [c.name for c in card.columns]
    assert kept[:2] == ["job", "age"] and points.get("noise", pd.Series([0])).max() <= 1
    by_column = [b.condition for b in card.bins if b.condition.column == 1]
    edges = [condition.intervals[0][1] for condition in by_column[:2]]
    assert edges == [30.0, 50.0]


def test_the_scale_of_a_scorecard():
    X, by_age, by_job, start = additive(600)
    p = 1 / (1 + np.exp(-(start + by_age + by_job)))
    both = np.column_stack([1 - p, p])
    card = scorecard(
        lambda rows: both, X, classes=[0, 1], points_per_doubling=20, base=500, base_odds=50
    )
    q = card.predict_proba(X)
    odds, score = q[:, 1] / q[:, 0], card.score(X)
    assert odds == pytest.approx(50 * 2 ** ((score - 500) / 20))
    turned = scorecard(lambda rows: both, X, classes=[0, 1], positive=0)
    r = turned.predict_proba(X)
    assert np.corrcoef(turned.score(X), score)[0, 1] < -0.99
    assert np.abs(r - q).max() < 0.03
    assert np.array_equal(card.predict(X), (q[:, 1] > q[:, 0]).astype(int))
    assert "P(0)" in turned.to_text() and "20 points more double the odds" in turned.to_text()


def test_extreme_probabilities_are_clipped_before_the_logarithm():
    X, y = german()
    certain = np.column_stack([y == 0, y == 1]).astype(float)
    card = scorecard(lambda rows: certain, X, classes=[0, 1], y=y)
    assert np.isfinite(card.predict_proba(X)).all() and card.fidelity.task.model == 1.0


def naive_points(card, X):
    """Points by walking the card for each value."""
    total = []
    for row in X.to_dict("records"):
        score = card.start
        for j, column in enumerate(card.columns):
            value, hits = row[column.name], []
            for b in card.bins:
                if b.condition.column != j:
                    continue
                missing = pd.isna(value)
                if missing:
                    hit = b.condition.missing
                elif column.kind == "number":
                    hit = any(
                        a < value <= e or value == a == -np.inf for a, e in b.condition.intervals
                    )
                elif value in column.categories:
                    hit = column.categories.index(value) in b.condition.allowed
                else:
                    hit = b.condition.unseen
                hits += [b.points] if hit else []
            assert len(hits) == 1, (column, value, hits)
            score += hits[0]
        total.append(score)
    return total


def test_a_frame_of_the_card_shows_every_bin_and_counts_rows(fitted):
    X, _, model = fitted
    card = scorecard(model.predict_proba, X, classes=model.classes_)
    frame = card.to_frame()
    assert len(frame) == 1 + len(card.bins) and frame["points"][0] == card.start
    counts = frame.iloc[1:].groupby("column")["rows"].sum()
    assert (counts == len(X)).all() and set(counts.index) == {c.name for c in card.columns}
    some = X.sample(60, random_state=0)
    assert card.score(some).tolist() == naive_points(card, some)
    for j, column in enumerate(card.columns):
        own = [b for b in card.bins if b.condition.column == j]
        assert sum(b.condition.missing for b in own) == 1
        if column.kind == "number":
            limits = [b.condition.intervals[0] for b in own if b.condition.intervals]
            assert limits[0][0] == -np.inf and limits[-1][1] == np.inf
            assert all(a[1] == b[0] for a, b in pairwise(limits))
            assert 1 <= len(limits) <= 6
        else:
            assert sum(b.condition.unseen for b in own) == (not column.refuses_unseen)
    text = card.to_text()
    assert "is missing" in text and "Fidelity" in text and str(card.start) in text


def test_printed_edges_are_the_edges(fitted):
    X, _, model = fitted
    card = scorecard(model.predict_proba, X, classes=model.classes_)
    edges = {
        (b.condition.column, e)
        for b in card.bins
        if hasattr(b.condition, "intervals")
        for interval in b.condition.intervals
        for e in interval
        if np.isfinite(e)
    }
    assert edges and all(float(card.texts[edge]) == edge[1] for edge in edges)


def test_values_that_did_not_occur_have_the_points_of_the_average():
    X, _, by_job, _ = additive(1000)
    X["age"] = X["age"].fillna(40.0)
    p = 1 / (1 + np.exp(-by_job))
    card = scorecard(lambda rows: np.column_stack([1 - p, p]), X, classes=[0, 1])
    new = pd.DataFrame({"age": [np.nan] * 2, "job": [None, "retired"], "noise": [np.nan] * 2})
    points = card.points(pd.concat([X, new], ignore_index=True))["job"]
    weighted = np.average(points[:-2], weights=p * (1 - p))
    assert np.abs(points[-2:] - weighted).max() <= 1
    unseen = [b for b in card.bins if getattr(b.condition, "unseen", False)]
    assert (
        unseen[0].rows == 0 and unseen[0].condition.meets(np.array([UNSEEN, MISSING])).tolist()[0]
    )


# --- strange tables ------------------------------------------------------------------------------

INF = float("inf")
numbers = st.one_of(
    st.sampled_from([0.0, 1.0, 1.5, -3.0, 1e-300, 1e30, -1e300, INF, -INF, np.nan]),
    st.floats(-5, 5, width=32),
)


@st.composite
def tables(draw):
    """Rows of strange columns, and rows to predict that hold other values too."""
    n, rng = 40, np.random.default_rng(draw(st.integers(0, 2**16)))
    few = draw(st.lists(numbers, min_size=1, max_size=8))
    texts = draw(st.lists(st.one_of(st.sampled_from(ODD), st.text(max_size=3)), min_size=1))
    pool: list = [*dict.fromkeys(texts), None]

    def take(values, size):
        out = np.empty(len(values), dtype=object)
        out[:] = values
        return out[rng.integers(0, len(values), size)]

    def rows(size, more):
        return pd.DataFrame(
            {
                "number": take(few, size).astype(float),
                "ä text": take([*pool, *(["never seen"] if more else [])], size),
                "mixed": take([1, "1", 2.5, None, "b"], size),
                "maybe": take([True, False, None], size),
                "code": pd.Categorical(take([3, 1, None], size), [3, 2, 1]),
                "flag": rng.random(size) < 0.5,
                "whole": pd.array(take([1, 2, 3, None], size), dtype="Int64"),
                "yes": pd.Series(take(["y", "n", None], size)).astype("category"),
                "same": 1.0,
                "empty": np.nan,
                "id": [f"row {i}" for i in rng.permutation(size)],
            }
        )

    return rows(n, False), rows(30, True), rng.random(n)


@settings(max_examples=8)
@given(tables())
def test_strange_columns(table):
    X, new, noise = table
    text = X["ä text"].astype(object)
    p = np.clip(0.2 + 0.3 * (text == text[0]) + 0.3 * X["flag"] + 0.2 * noise, 0, 1).to_numpy()
    both = np.column_stack([1 - p, p])
    tree = surrogate_tree(lambda rows: both, X, classes=[0, 1], min_samples_leaf=2, folds=2)
    for rows in (X, new):
        assert np.array_equal(tree.rules.predict_proba(rows), tree.output(rows))
    useless = {"id", "same", "empty", "mixed"}
    assert not {tree.rules.columns[c].name for c in tree.rules.used} & useless
    card = scorecard(lambda rows: both, X, classes=[0, 1], folds=2)
    names = [c.name for c in card.columns]
    assert not useless & set(names)
    for rows in (X, new):
        assert card.score(rows).tolist() == naive_points(card, rows)
        assert np.isfinite(card.predict_proba(rows)).all()
    assert all(line.isprintable() for line in card.to_text().splitlines())


def test_thirty_rows_one_column():
    X = pd.DataFrame({"日": np.arange(30.0)})
    p = np.where(X["日"] > 14, 0.9, 0.2)
    both = np.column_stack([1 - p, p])
    tree = surrogate_tree(lambda rows: both, X, classes=["no", "yes"])
    card = scorecard(lambda rows: both, X, classes=["no", "yes"])
    assert np.allclose(tree.predict_proba(X), both)
    assert tree.fidelity.r2 > 0.8
    assert np.abs(card.predict_proba(X) - both).max() < 0.1
    array = X.to_numpy()
    unnamed = surrogate_tree(lambda rows: both, array, classes=["no", "yes"])
    assert np.array_equal(unnamed.predict_proba(array), tree.predict_proba(X))
    assert np.array_equal(
        scorecard(lambda rows: both, array, classes=["no", "yes"]).score(array), card.score(X)
    )


def test_rows_may_share_their_index_and_dates_are_left_out():
    X, _ = german()
    X = X.sample(300, replace=True, random_state=0)
    X.insert(0, "when", pd.Timestamp("2020-01-01"))
    p = np.where(X["duration_months"] > 20, 0.6, 0.2)
    both = np.column_stack([1 - p, p])
    tree = surrogate_tree(lambda rows: both, X, classes=[0, 1])
    card = scorecard(lambda rows: both, X, classes=[0, 1])
    assert np.allclose(tree.predict_proba(X), both) and len(card.score(X)) == 300
    assert card.points(X).index.equals(X.index)


def test_categories_group_in_one_split():
    levels = [f"c{i}" for i in range(12)]
    X = pd.DataFrame({"c": np.repeat(levels, 30), "d": np.tile(["u", "v"], 180)})
    p = np.where(X["c"].isin(levels[::2]), 0.8, 0.1)
    both = np.column_stack([1 - p, p])
    tree = surrogate_tree(lambda rows: both, X, classes=[0, 1])
    assert len(tree.rules) == 2 and tree.fidelity.r2 == pytest.approx(1.0)
    sets = {frozenset(r.conditions[0].allowed) for r in tree.rules}
    assert sets == {frozenset(range(12)[::1]) & s for s in sets} and len(sets) == 2


def test_rare_categories_stay_together():
    n = 2000
    X = pd.DataFrame({"c": ["a"] * 900 + ["b"] * 900 + [f"rare {i}" for i in range(n - 1800)]})
    rng = np.random.default_rng(0)
    p = np.concatenate([np.full(900, 0.2), np.full(900, 0.4), 0.5 + 0.5 * rng.random(200)])
    both = np.column_stack([1 - p, p])
    tree = surrogate_tree(lambda rows: both, X, classes=[0, 1])
    assert len(tree.rules) == 3
    rare = tree.rules.match(X)[1800:]
    assert len(set(rare)) == 1
    card = scorecard(lambda rows: both, X, classes=[0, 1])
    assert len(card.bins) == 4 and card.points(X)["c"][1800:].nunique() == 1


def test_the_same_rows_give_the_same_imitation():
    X, y = german()
    rng = np.random.default_rng(0)
    p = np.where(X["duration_months"] > 20, 0.6, 0.2) + 0.2 * rng.random(len(X))
    both = np.column_stack([1 - p, p])
    for make in (surrogate_tree, scorecard):
        one, two, other = (
            make(lambda rows: both, X, classes=[0, 1], y=y, random_state=seed)
            for seed in (None, None, 1)
        )
        assert one.fidelity == two.fidelity
        assert np.array_equal(one.predict_proba(X), two.predict_proba(X))
        assert other.fidelity != one.fidelity  # other folds …
        assert np.array_equal(other.predict(X), one.predict(X))  # … the same imitation


def test_the_callers_rows_and_random_numbers_are_left_alone():
    X, _ = german()
    before = X.copy()
    np.random.seed(5)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    p = np.where(X["duration_months"] > 20, 0.6, 0.2)
    both = np.column_stack([1 - p, p])
    for make in (surrogate_tree, scorecard):
        make(lambda rows: both, X, classes=[0, 1])
    pd.testing.assert_frame_equal(X, before)
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002


# --- errors --------------------------------------------------------------------------------------

ROWS = pd.DataFrame({"a": np.arange(20.0)})
HALF = np.full((20, 2), 0.5)


@pytest.mark.parametrize(
    "output, options, message",
    [
        (HALF, {"classes": [0, 1, 2]}, r"shape \(20, 2\); expected probabilities of 3 classes"),
        (np.ones((20, 2, 1)), {}, "one at a time"),
        (HALF * 3, {"classes": [0, 1]}, "no probabilities"),
        (np.where(HALF, -0.5, 1.5), {"classes": [0, 1]}, "no probabilities"),
        (np.full(20, np.nan), {}, "row 0 is not finite"),
        (HALF, {"classes": [0, 1], "y": [0, 1]}, "expected one outcome a row"),
        (HALF, {"classes": [0, 1], "y": [7] * 20}, "label 7"),
        (np.ones(20), {"y": [np.nan] * 20}, "missing or infinite"),
        (HALF, {"classes": [0, 1], "folds": 1}, "folds must be"),
        (HALF, {"classes": [0, 1], "folds": 21}, "folds must be"),
    ],
)
@pytest.mark.parametrize("make", [surrogate_tree, scorecard])
def test_errors_say_what_was_given(make, output, options, message):
    if make is scorecard and len(options.get("classes", [])) == 3:
        message = "surrogate_tree"
    with pytest.raises(ValueError, match=message):
        make(lambda rows: output, ROWS, **options)


@pytest.mark.parametrize("make", [surrogate_tree, scorecard])
def test_errors_of_rows(make):
    with pytest.raises(ValueError, match="got 5 reference rows"):
        make(lambda rows: HALF[:5], ROWS[:5], classes=[0, 1])
    dates = pd.DataFrame({"d": pd.date_range("2020-01-01", periods=20)})
    with pytest.raises(ValueError, match="turn dates into numbers"):
        make(lambda rows: HALF, dates, classes=[0, 1])
    lists = pd.DataFrame({"l": [[1]] * 20, "m": [1, "a"] * 10})
    with pytest.raises(ValueError, match="columns of text and numbers into text"):
        make(lambda rows: HALF, lists, classes=[0, 1])
    p = np.where(ROWS["a"] > 9, 0.9, 0.1)
    made = make(lambda rows: np.column_stack([1 - p, p]), ROWS, classes=[0, 1])
    with pytest.raises(ValueError, match="'a' is missing"):
        made.predict(pd.DataFrame({"b": [1.0]}))
    with pytest.raises(ValueError, match="must hold numbers"):
        made.predict(pd.DataFrame({"a": ["x"]}))


def test_errors_of_options():
    three = np.full((20, 3), 1 / 3)
    with pytest.raises(ValueError, match="needs the class"):
        surrogate_tree(lambda rows: three, ROWS, classes=list("abc"), cutoff=0.5)
    with pytest.raises(ValueError, match=r"has 3: \['a', 'b', 'c'\].*against the rest"):
        scorecard(lambda rows: three, ROWS, classes=list("abc"))
    with pytest.raises(ValueError, match="max_leaves must be at least 2"):
        surrogate_tree(lambda rows: HALF, ROWS, classes=[0, 1], max_leaves=1)
    with pytest.raises(ValueError, match="positive must be 0 or 1"):
        scorecard(lambda rows: HALF, ROWS, classes=[0, 1], positive=2)
    for option in ("points_per_doubling", "base_odds"):
        with pytest.raises(ValueError, match="must be positive"):
            scorecard(lambda rows: HALF, ROWS, classes=[0, 1], **{option: 0})


def test_kinds_and_levels():
    frame = pd.DataFrame(
        {
            "objects": pd.Series([1, 2.5, None], dtype=object),
            "mixed": pd.Series([1, "a", None], dtype=object),
            "ordered": pd.Categorical(["low", None, "high"], ["low", "mid", "high"]),
            "when": pd.to_datetime(["2020-01-01"] * 3),
            "numbered": pd.Categorical([2, 1, 2], [2, 1]),
            "flag": [True, False, True],
            "flags": pd.Series([True, None, False], dtype=object),
            "nothing": pd.Series([None] * 3, dtype=object),
        }
    )
    assert column_kinds(frame) == {
        "objects": "number",
        "ordered": "category",
        "numbered": "code",
        "flag": "number",
        "flags": "code",
        "nothing": "number",
    }
    assert levels_of(frame["ordered"]) == ["low", "high"]
    assert levels_of(frame["numbered"]) == [2, 1]
    assert levels_of(frame["flags"]) == [False, True]
