"""How rules fare on rows with known outcome, and the texts that say so."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import native
from treeprune.explain.conditions import CategoryCondition, Column, NumberCondition
from treeprune.explain.evaluation import differs
from treeprune.explain.exports.names import IMITATION
from treeprune.explain.features import FeatureMap
from treeprune.explain.leaves import limit_texts, tree_rules
from treeprune.explain.listing import escaped
from treeprune.explain.rules import Rule, RuleSet
from treeprune.explain.text import condition_text


def rules_of(tree, X):
    feature_map = FeatureMap.of(None, X)
    rules = tree_rules(native.read(tree), native.splits(tree), feature_map, lambda raw: raw)
    classes = (tree.classes_,) if hasattr(tree, "classes_") else ()
    texts = limit_texts(rules, feature_map.values(X))
    return RuleSet(feature_map.columns, rules, classes, feature_map, texts=texts)


def rows(seed=0, n=200, classes=("no", "yes", "maybe")):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)).round(2), columns=["a", "b", "c"])
    score = X["a"] + rng.normal(size=n)
    return X, np.array(classes)[np.digitize(score, np.linspace(-0.5, 1, len(classes) - 1))], rng


@pytest.fixture
def classified():
    X, y, _ = rows()
    tree = DecisionTreeClassifier(max_leaf_nodes=6, random_state=0).fit(X[:120], y[:120])
    return rules_of(tree, X[:120]), X, y, tree


@pytest.fixture
def regressed():
    X, _, rng = rows(1)
    y = 100 * X["a"] + rng.normal(size=len(X))
    tree = DecisionTreeRegressor(max_leaf_nodes=5, random_state=0).fit(X[:120], y[:120])
    return rules_of(tree, X[:120]), X, y, tree


# -- figures --------------------------------------------------------------------------------------


def test_classes_against_loops(classified):
    rules, X, y, tree = classified
    frame = rules.evaluate(X, y)
    assert frame["rows"].sum() == len(X) and frame["support"].sum() == pytest.approx(1)
    leaves = tree.apply(X)
    for rule, row in zip(rules, frame.to_dict("records")):
        own = y[leaves == rule.node]
        label = tree.classes_[np.argmax(rule.value[0])]
        hits = int((own == label).sum())
        assert row["value"] == label and row["rows"] == len(own)
        assert row["probability"] == rule.value[0].max()
        assert [row[f"n_{k}"] for k in tree.classes_] == [(own == k).sum() for k in tree.classes_]
        interval = stats.binomtest(hits, len(own)).proportion_ci(method="wilson")
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["confidence"] == pytest.approx(hits / len(own))
        assert row["lift"] == pytest.approx(hits / len(own) / (y == label).mean())


def test_numbers_against_scipy(regressed):
    rules, X, y, tree = regressed
    leaves = tree.apply(X)
    for rule, row in zip(rules, rules.evaluate(X, y).to_dict("records")):
        own = y[leaves == rule.node]
        interval = stats.ttest_1samp(own, 0).confidence_interval(0.95)
        assert row["mean"] == pytest.approx(own.mean())
        assert row["deviation"] == pytest.approx(own.std(ddof=1))
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["value"] == rule.value[0, 0]


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 1.0, 1e3, 1e100])
def test_the_unit_of_weights_does_not_matter(classified, regressed, scale):
    for rules, X, y, _ in (classified, regressed):
        plain, scaled = (
            rules.evaluate(X, y),
            rules.evaluate(X, y, sample_weight=np.full(200, scale)),
        )
        for name in set(plain) - {"rule", "value"}:
            factor = scale if name.startswith("n_") else 1.0
            assert scaled[name].to_numpy() == pytest.approx(plain[name] * factor, rel=1e-9)


def test_weights_are_shares_of_weight_and_kishs_rows(classified):
    rules, X, y, tree = classified
    weight = np.random.default_rng(3).exponential(size=len(X))
    weight[::7] = 0.0
    leaves = tree.apply(X)
    frame = rules.evaluate(X, y, sample_weight=weight)
    for rule, row in zip(rules, frame.to_dict("records")):
        w = weight[leaves == rule.node]
        hit = (y == row["value"])[leaves == rule.node]
        assert row["rows"] == (w > 0).sum()
        assert row["support"] == pytest.approx(w.sum() / weight.sum())
        assert row["confidence"] == pytest.approx((w * hit).sum() / w.sum())
        n = w.sum() ** 2 / (w**2).sum()
        z, p = stats.norm.ppf(0.975), row["confidence"]
        # Both limits solve (p - x)² = z² x (1 - x) / n.
        for x in (row["low"], row["high"]):
            assert (p - x) ** 2 == pytest.approx(z**2 * x * (1 - x) / n, abs=1e-12)


def test_unequal_weights_widen_intervals(classified):
    rules, X, y, _ = classified
    weight = np.where(np.arange(len(X)) % 2, 1.0, 20.0)
    plain, weighted = rules.evaluate(X, y), rules.evaluate(X, y, sample_weight=weight)
    assert (weighted["high"] - weighted["low"]).mean() > (plain["high"] - plain["low"]).mean()


def test_rules_without_rows_are_nan(classified, regressed):
    for rules, X, y, _ in (classified, regressed):
        at = int(np.argmax(rules.match(X) == 0))
        frame = rules.evaluate(X.iloc[[at]], y[[at]])
        assert frame["rows"].tolist() == [1] + [0] * (len(rules) - 1)
        said = "confidence" if rules.is_classifier else "mean"
        assert frame[said].notna().tolist() == [True] + [False] * (len(rules) - 1)
        none = rules.evaluate(X[:0], y[:0])
        assert (none["rows"] == 0).all() and none[
            [said, "low", "high", "support"]
        ].isna().all().all()


def test_one_row_has_no_t_interval(regressed):
    rules, X, y, _ = regressed
    frame = rules.evaluate(X[:1], y[:1])
    assert frame["low"].isna().all() and frame["mean"].notna().sum() == 1


@pytest.mark.parametrize(
    "y, weight, message",
    [
        (lambda y: y[:-1], None, "one outcome for each of the 200 rows"),
        (lambda y: np.column_stack([y, y]), None, "one outcome for each"),
        (lambda y: np.where(np.arange(200) == 3, "never", y), None, "holds .*never"),
        (lambda y: np.where(np.arange(200) == 3, None, y), None, "which are not among the classes"),
        (lambda y: y, np.ones(3), "one weight for each"),
        (lambda y: y, np.full(200, -1.0), "not negative"),
        (lambda y: y, np.full(200, np.nan), "finite"),
    ],
)
def test_what_does_not_fit_is_refused(classified, y, weight, message):
    rules, X, labels, _ = classified
    with pytest.raises(ValueError, match=message):
        rules.evaluate(X, y(labels), sample_weight=weight)


def test_outcomes_that_are_no_numbers_are_refused(regressed):
    rules, X, y, _ = regressed
    for wrong in (y.where(y.index != 3), y.astype(str) + "x"):
        with pytest.raises(ValueError, match=r"y must hold numbers|y misses values"):
            rules.evaluate(X, wrong)


def test_several_outputs_are_refused():
    X, y, _ = rows()
    tree = DecisionTreeRegressor(max_depth=2).fit(X, np.column_stack([X["a"], X["b"]]))
    rules = rules_of(tree, X)
    with pytest.raises(ValueError, match="a model for each output"):
        rules.evaluate(X, y)
    assert "value(y0)" in rules.to_text()


def test_rows_that_the_model_refuses_are_named():
    columns = (Column("a", refuses_missing=True),)
    halves = [NumberCondition(0, ((a, b),), False) for a, b in ((-np.inf, 0.0), (0.0, np.inf))]
    rules = RuleSet(columns, tuple(Rule((c,), np.array([[1.0]])) for c in halves))
    with pytest.raises(ValueError, match="row 1 meets no rule"):
        rules.evaluate(pd.DataFrame({"a": [1.0, np.nan]}), [0, 0])


def test_differences_are_fishers_and_welchs(classified, regressed):
    found = []
    for rules, X, y, tree in (classified, regressed):
        other = y.copy()
        other[120:] = np.random.default_rng(1).permutation(y[120:])
        seen, held = rules.evaluate(X[:120], y[:120]), rules.evaluate(X[120:], other[120:])
        marked = differs(seen, held)
        leaves = tree.apply(X)
        for rule, mark in zip(rules, marked):
            a, b = y[:120][leaves[:120] == rule.node], other[120:][leaves[120:] == rule.node]
            if min(len(a), len(b)) < 2:
                continue
            if rules.is_classifier:
                label = tree.classes_[np.argmax(rule.value[0])]
                table = [[(s == label).sum(), (s != label).sum()] for s in (a, b)]
                p = stats.fisher_exact(table).pvalue
            else:
                p = stats.ttest_ind(a, b, equal_var=False).pvalue
            assert mark == (p < 0.05)
            found.append(mark)
    assert True in found and False in found


# -- text and Markdown ----------------------------------------------------------------------------

NASTY = [
    "|",
    "a\nb",
    "<b>x</b>",
    "`",
    "*a*",
    "_",
    "[x](http://x)",
    "&amp;",
    "a" * 300,
    "\\",
    "\u202e",
]


def nasty_rules(name, category):
    columns = (Column(name), Column(f"{name} 2", "category", (category, "other")))
    rules = [
        Rule((NumberCondition(0, ((-np.inf, 1.5),), True),), np.array([[0.2, 0.8]]), weight=3.0),
        Rule(
            (
                NumberCondition(0, ((1.5, np.inf),), False),
                CategoryCondition(1, frozenset({0}), False, False),
            ),
            np.array([[1.0, 0.0]]),
        ),
        Rule(
            (
                NumberCondition(0, ((1.5, np.inf),), False),
                CategoryCondition(1, frozenset({1}), True, True),
            ),
            np.array([[0.5, 0.5]]),
        ),
    ]
    return RuleSet(columns, tuple(rules), (np.array([category, "z"]),))


texts = st.sampled_from(NASTY) | st.text(min_size=1, max_size=10)


@given(texts, texts.filter(lambda text: text not in ("other", "z")), st.integers(60, 130))
@settings(max_examples=150, deadline=None)
def test_lines_are_narrow_and_printable_whatever_the_names(name, category, width):
    rules = nasty_rules(name, category)
    for line in rules.to_text(width=width).split("\n"):
        assert len(line) <= width and line.isprintable() and line == line.rstrip()


@given(texts, texts.filter(lambda text: text not in ("other", "z")))
@settings(max_examples=150, deadline=None)
def test_names_cannot_break_the_markdown_table(name, category):
    lines = nasty_rules(name, category).to_markdown().split("\n")
    table = [line for line in lines if line.startswith("| ")]
    assert len(table) == 2 + 3
    for line in table:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 5  # that many unescaped bars
    for line in lines:
        bare = re.sub(r"\\.", "", line)
        assert not set(bare) & set("`*_[]<>~$^@"), line
        assert re.sub("&(amp|lt|gt);", "", line).count("&") == 0


def test_escaping():
    assert escaped("see http://x.y, www.z.com & :smile:") == (
        "see http\\://x.y, www\\.z.com &amp; \\:smile:"
    )


def test_the_text_has_the_figures(classified):
    rules, X, y, _ = classified
    text = rules.to_text(train=(X[:120], y[:120]), held_out=(X[120:], y[120:]))
    lines = text.split("\n")
    assert max(map(len, lines)) <= 100
    heads = next(line for line in lines if line.startswith("RULE")).split()
    assert heads == ["RULE", "CLASS", "TRAIN", "P", "[95", "%]", "HELD", "OUT", "SHARE"]
    seen, held = rules.evaluate(X[:120], y[:120]), rules.evaluate(X[120:], y[120:])
    starts = [line for line in lines if re.match(r"R\d", line)]
    for line, a, b in zip(starts, seen.to_dict("records"), held.to_dict("records"), strict=True):
        figures = re.search(
            r"(\w+) +(\d+) +(\S+)  +\[(\S+), (\S+)\] +(\d+) +(\S+)(?: !)?$", line
        ).groups()
        assert figures[0] == a["value"] and int(figures[1]) == a["rows"]
        shown = [float(x) for x in figures[2:5]]
        assert shown == pytest.approx([a["probability"], a["low"], a["high"]], abs=0.0051)
        assert int(figures[5]) == b["rows"]
        assert float(figures[6]) == pytest.approx(b["confidence"], abs=0.0051)
    assert [line.split()[0] for line in starts] == seen["rule"].tolist()


def test_text_and_markdown_say_the_same(classified, regressed):
    for rules, X, y, _ in (classified, regressed):
        options = {"train": (X[:120], y[:120]), "held_out": (X[120:], y[120:])}
        words = [w for w in re.split(r"[\s]+", rules.to_text(**options)) if w]
        shown = re.sub(r"\\(.)", r"\1", rules.to_markdown(**options))
        shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        table = [w for w in re.split(r"[\s|]+", shown) if w and not set(w) <= set("-:")]
        assert sorted(words) == sorted(
            w if w != "CONDITIONS" else "" for w in table if w != "CONDITIONS"
        )


def test_a_held_out_share_that_differs_is_marked():
    X = pd.DataFrame({"x": np.arange(80.0)})
    y = (X["x"] > 39).astype(int)
    rules = rules_of(DecisionTreeClassifier(max_depth=1).fit(X, y), X)
    text = rules.to_text(train=(X, y), held_out=(X, 1 - y))
    assert len(re.findall(r" !$", text, re.MULTILINE)) == 2
    assert "Fisher's exact test, p < .05, uncorrected, 2 of 2 rules" in text
    assert "!" not in rules.to_text(train=(X, y), held_out=(X, y))
    assert "!" not in rules.to_text(held_out=(X, 1 - y))  # nothing to compare with


def test_rules_that_imitate_say_so_first(classified):
    rules, X, y, _ = classified
    assert IMITATION not in rules.to_text() + rules.to_markdown()
    imitating = replace(rules, kind="surrogate")
    for options in ({}, {"train": (X, y)}, {"held_out": (X, y)}):
        assert imitating.to_text(width=60, **options).split("\n")[0] == IMITATION
        assert imitating.to_markdown(**options).split("\n")[:2] == [IMITATION, ""]
    number = RuleSet((), (Rule((), np.array([[0.5]]), weight=7.0),), kind="surrogate")
    assert number.to_text().split("\n")[0] == IMITATION  # where there is no other lead
    assert number.to_markdown().split("\n")[2].startswith("| RULE")


BESIDE = re.compile(
    r"(?:P|value) of (\d+) rules? lies outside the interval of its (\w+): ([^.]+)\."
)


def noted(rules, **options):
    """The note on predictions beside their interval, from the text; Markdown says the same."""
    found = BESIDE.search(" ".join(rules.to_text(**options).split()))
    assert bool(found) == bool(BESIDE.search(rules.to_markdown(**options)))
    return found and (int(found[1]), found[2], found[3])


def test_predictions_beside_their_interval_are_noted():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": np.arange(400.0)})
    y = (rng.random(400) < np.where(X["x"] < 200, 0.1, 0.3)).astype(int)
    plain = DecisionTreeClassifier(max_depth=1)
    assert noted(rules_of(plain.fit(X, y), X), train=(X, y)) is None
    weighted = rules_of(plain.fit(X, y, sample_weight=np.where(y, 5.0, 1.0)), X)
    seen = weighted.evaluate(X, y)
    assert (seen["probability"] > seen["high"]).any() or (seen["probability"] < seen["low"]).any()
    n, of, why = noted(weighted, train=(X, y))
    assert (n, of) == (2, "share") and why.startswith("the model was fitted with weights or on")
    assert noted(weighted) is None and noted(weighted, held_out=(X, y)) is None
    for kind, why in (("partition", "several trees"), ("surrogate", "what the model says")):
        assert why in noted(replace(weighted, kind=kind), train=(X, y))[2]


def test_means_beside_their_interval_are_noted(regressed):
    rules, X, y, _ = regressed
    assert noted(rules, train=(X[:120], y[:120])) is None
    first, *others = rules.rules
    moved = replace(rules, rules=(replace(first, value=first.value + 500), *others))
    assert noted(moved, train=(X[:120], y[:120]))[:2] == (1, "mean")
    assert "value of 1 rule lies" in " ".join(moved.to_text(train=(X[:120], y[:120])).split())


@given(st.integers(0, 10**6), st.sampled_from([0.1, 1.0, 1e6]))
@settings(max_examples=40, deadline=None)
def test_what_was_fitted_on_the_rows_is_never_beside_its_interval(seed, scale):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"x": rng.integers(0, 30, 60).astype(float)})
    outcome = scale * rng.integers(-3, 4, 60) / 7 + rng.choice([0.0, 1e5])
    for tree, y in (
        (DecisionTreeClassifier(max_leaf_nodes=12), rng.integers(0, 3, 60)),
        (DecisionTreeRegressor(max_leaf_nodes=12), outcome),
    ):
        assert noted(rules_of(tree.fit(X, y), X), train=(X, y)) is None


def test_a_difference_that_no_one_can_see_is_not_noted():
    X, y = pd.DataFrame({"x": np.zeros(100)}), np.repeat([0, 1], 50)
    low, high = (
        RuleSet((Column("x"),), (Rule((), np.array([[1.0, 1.0]])),), (np.array([0, 1]),))
        .evaluate(X, y, sample_weight=None)
        .loc[0, ["low", "high"]]
    )
    for p, is_seen in ((high + 0.001, False), (high + 0.02, True), (low - 0.02, True)):
        rule = Rule((), np.array([[1 - p, p]]))
        rules = RuleSet((Column("x"),), (rule,), (np.array([0, 1]),))
        assert f"{high:.2f}" == f"{high + 0.001:.2f}"  # else the first case would be seen
        assert bool(noted(rules, train=(X, y))) is is_seen


@given(st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_a_missing_value_goes_as_is_said(seed):
    X, y, _ = rows(seed % 1000, n=60)
    tree = DecisionTreeClassifier(max_leaf_nodes=6, random_state=seed % 7).fit(X, y)
    rules = rules_of(tree, X)
    text = " ".join(rules.to_text(width=1000).split())
    said = re.search(r"Missing values \(none in the reference rows\) go: (.*)\.$", text).group(1)
    assert len(said.split("; ")) == len(rules.used)
    for part in said.split("; "):
        name, how = part.split(" ", 1)
        lost = X.assign(**{name: np.nan})
        if how.startswith("meets"):
            takers = re.findall(r"R\d+", how)
            asking = [
                f"R{i + 1}" for i, rule in enumerate(rules)
                if rule.condition(list(X).index(name)) is not None
            ]  # fmt: skip
            went = {f"R{i + 1}" for i in rules.match(lost)}
            assert went & set(asking) <= set(takers)
            continue
        low = re.search(r"> (\S+)", how)
        high = re.search(r"<= (\S+)", how)
        value = float(high.group(1)) if high else float(low.group(1)) + 1.0
        if high and low:
            assert float(low.group(1)) < value
        like = X.assign(**{name: value})
        assert np.array_equal(rules.match(lost), rules.match(like, printed=True))
        assert np.array_equal(
            tree.apply(lost), np.array([r.node for r in rules])[rules.match(lost)]
        )


def test_what_the_model_refuses_is_said():
    columns = (
        Column("age", refuses_missing=True),
        Column("job", "category", ("a", "b"), refuses_missing=True, refuses_unseen=True),
        Column("flag", "category", (False, True), refuses_unseen=True, has_missing=True),
    )
    ask = (
        NumberCondition(0, ((1.0, 2.0),), False),
        CategoryCondition(1, frozenset({0}), False, False),
        CategoryCondition(2, frozenset({1}), True, False),
    )
    rules = RuleSet(columns, (Rule(ask, np.array([[1.0]])),))
    text = rules.to_text()
    assert "1 < age <= 2; job is a; flag is yes or missing" in text
    assert text.endswith(
        "Refused by the model: missing age, job; categories not seen at fit of job."
    )
    assert "Missing values" not in text


def test_whole_numbers_are_no_flags():
    columns = (Column("n", "category", (0, 1)), Column("f", "category", (False, True)))
    rules = RuleSet(columns, ())
    one = [CategoryCondition(i, frozenset({1}), False, False) for i in (0, 1)]
    assert [condition_text(c, rules) for c in one] == ["n is 1", "f is yes"]
