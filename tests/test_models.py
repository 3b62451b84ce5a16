"""Reports on forests, boosters and networks: what is said of each kind, refused and left out."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reports
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import (
    METHODS,
    Decision,
    PrunedClassifier,
    PrunedRegressor,
    SparseMLPClassifier,
    explain,
    native,
    pruning_path,
    report,
)
from treeprune.explain.attributions import attribute
from treeprune.report import (
    InputRefused,
    Options,
    Report,
    Table,
    fit_rivals,
    report_of,
    study_of,
)
from treeprune.report.columns import encoder, model_columns, prepared_columns, scaled
from treeprune.report.fitted import n_rows_of
from treeprune.report.models import KINDS, kind_of, network_sizes, tree_sizes, used_columns
from treeprune.report.read_as import readable_tree
from treeprune.report.words import MODELS
from treeprune.report.written.held import ahead, swap_words

pytestmark = [
    pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

QUICK = Options(cv=2, n_resamples=200, refits=0)
KINDS_OF_REPORTS = ["forest", "booster", "network"]


def frame(n=240, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).round(2)
    out = pd.DataFrame(x, columns=["a", "b", "c"])
    out["kind"] = pd.Categorical(rng.choice(["car", "house", "boat"], n))
    out.loc[::11, "c"] = np.nan
    out["y"] = (x[:, 0] + (out["kind"] == "car") + rng.normal(size=n) / 2 > 0.3).astype(int)
    return out


def study(**words):
    return study_of(Table(frame(), ""), name="toy", target="y", **words)


def words_of(report_):
    return " ".join(report_.to_text().split())


# -- the table of kinds --------------------------------------------------------------------------


def test_the_command_line_lists_the_kinds_that_there_are():
    assert tuple(KINDS) == MODELS


@pytest.mark.parametrize("key", MODELS)
def test_a_kind_has_its_methods_and_another_to_compare_with(key):
    kind = KINDS[key]
    assert kind.methods[0] == kind.method == Options(model=key).pruned_by
    assert set(kind.methods) == {name for name, row in METHODS.items() if kind.word in row.models}
    for method in kind.methods:
        assert kind.other(method) in kind.methods
        assert kind.other(method) != method
        kind.check_method(method)


@pytest.mark.parametrize("key", MODELS)
def test_methods_of_others_are_refused_and_the_own_are_listed(key):
    kind = KINDS[key]
    for method in set(METHODS) - set(kind.methods):
        with pytest.raises(InputRefused, match=f"{method} is not a method for a {kind.word}") as e:
            kind.check_method(method)
        assert str(e.value).endswith(", ".join(kind.methods))
    if "pessimistic" in kind.methods:
        with pytest.raises(InputRefused, match="pessimistic is not defined for regression"):
            kind.check_method("pessimistic", "regression")


@pytest.mark.parametrize("key", MODELS)
def test_a_kind_is_known_by_its_fitted_model(key):
    one = study()
    start = KINDS[key].start(one)
    fitted = start.fit(one.X_train[["a", "b"]].to_numpy(), one.y_train)
    assert kind_of(fitted) is KINDS[key]
    assert start.get_params()["random_state"] == one.seed
    assert KINDS[key].grown(start, one)


def test_sizes_are_counted_as_by_hand():
    one = study()
    Z = one.X_train[["a", "b", "c"]].to_numpy()
    forest = RandomForestClassifier(5, max_leaf_nodes=6, random_state=0).fit(Z, one.y_train)
    told = tree_sizes(forest, Z)
    trees = [tree.tree_ for tree in forest.estimators_]
    paths = sum(
        np.asarray(tree.decision_path(Z.astype(np.float32)).sum(axis=1)).ravel() - 1
        for tree in trees
    )
    assert told == {
        "trees": 5,
        "leaves": sum(tree.n_leaves for tree in trees),
        "depth": max(tree.max_depth for tree in trees),
        "tests": pytest.approx(paths.mean()),
    }
    assert used_columns(forest) == {int(j) for t in trees for j in t.feature if j >= 0}
    booster = LGBMRegressor(n_estimators=3, num_leaves=4, n_jobs=1, verbose=-1).fit(Z, Z[:, 0])
    dumped = booster.booster_.dump_model()["tree_info"]
    assert tree_sizes(booster, Z)["leaves"] == sum(tree["num_leaves"] for tree in dumped)
    assert used_columns(booster) == {
        int(j) for j, n in enumerate(booster.booster_.feature_importance("split")) if n
    }


def test_a_network_counts_what_still_does_something():
    net = SparseMLPClassifier((3,), max_iter=2, random_state=0)
    X = np.random.default_rng(0).normal(size=(40, 4))
    net.fit(X, X[:, 0] > 0)
    weights = [w.copy() for w in net.coefs_]
    weights[0][:, 0] = 0  # the first neuron is constant
    weights[0][2] = 0  # the third column is not read
    own = native.read_network(net)
    pruned = native.write_network(net, own.with_arrays(weights, own.biases))
    assert network_sizes(pruned, X) == {"weights": 2 * 3 + 2, "neurons": 2}
    assert used_columns(pruned) == {0, 1, 3}


def test_prepared_columns_are_those_that_come_out():
    one = study()
    transformer = encoder(one.X_train, 5)
    Z = transformer.fit_transform(one.X_train)
    known = model_columns(transformer)
    prepare = scaled(known, None)[0]
    out = prepare.fit_transform(Z)
    told = prepared_columns(known, prepare)
    assert len(told.names) == len(told.raw) == len(told.is_indicator) == out.shape[1]
    flag = told.names.index("c is missing")
    assert told.raw[flag] == "c"
    assert len(np.unique(out[:, flag])) == 2
    for name in ("kind=car", "kind=house"):
        assert np.array_equal(out[:, told.names.index(name)], Z[name].to_numpy())


# -- what is refused -----------------------------------------------------------------------------


def test_a_network_keeps_no_order_and_says_who_does():
    with pytest.raises(InputRefused, match=r"a network keeps no stated order; .*tree, forest, lig"):
        fit_rivals(study(monotone={"a": 1}), replace(QUICK, model="mlp"))


@pytest.mark.parametrize(("scale", "shift"), [(1e4, 0), (1, 1e3), (1e-4, 0)])
def test_a_target_that_a_network_does_not_get_to_is_refused(scale, shift):
    table = frame()
    table["y"] = table["a"] * scale + shift
    one = study_of(Table(table, ""), name="toy", target="y")
    with pytest.raises(InputRefused, match=r"scale the column .*tree, forest, lightgbm"):
        fit_rivals(one, replace(QUICK, model="mlp"))


def test_a_method_of_another_kind_is_refused_before_anything_is_fitted():
    said = []
    with pytest.raises(InputRefused, match="magnitude is not a method for a forest"):
        fit_rivals(study(), replace(QUICK, model="forest", method="magnitude"), said.append)
    assert not said


# -- what is said --------------------------------------------------------------------------------


@pytest.mark.parametrize("which", KINDS_OF_REPORTS)
def test_nothing_is_said_of_a_tree_or_of_leaves_that_there_are_none_of(which, request):
    made = request.getfixturevalue(which)
    word = made.content["model"]["word"]
    text = words_of(made)
    assert f"PRUNED {word.upper()}" in text
    assert "pruned tree" not in text.replace("decision tree", "")
    assert "the tree is" not in text
    assert "the tree as grown" not in text
    if word == "network":
        assert "leaves" not in text
        assert "leaf" not in text
    for picture in made.pictures.values():
        said = f"{picture.alt} {picture.caption}"
        assert "pruned tree" not in said
        assert "The tree as grown" not in said
        assert word == "booster" or "imitates" in said or "Each point is a tree" not in said


@pytest.mark.parametrize("which", KINDS_OF_REPORTS)
def test_every_report_says_what_training_smaller_gives(which, request):
    made = request.getfixturevalue(which)
    held = made.content["held_out"]
    (found,) = [d for d in held["differences"] if d["rival"] == "grown_small"]
    text = words_of(made)
    section = text[text.index("SMALLER?") :].partition("SWAP SET")[0]
    assert found["verdict"].upper() in section
    expected = "neither is shown to be better"
    if found["low"] > 0:
        expected = "pruning is better"
    elif found["high"] < 0:
        expected = "training smaller is better"
    assert expected in section


def test_the_small_rival_is_no_larger_than_the_pruned_model(forest, booster):
    for made in (forest, booster):
        rows = {row["key"]: row for row in made.content["held_out"]["rows"]}
        assert rows["grown_small"]["leaves"] <= max(2, rows["pruned"]["leaves"])


def test_a_surrogate_is_called_one_before_its_rules_with_its_fidelity(forest, network):
    for made in (forest, network):
        content, text = made.content, words_of(made)
        word, fidelity = content["model"]["word"], content["model"]["fidelity"]
        assert content["model"]["reading"] == "surrogate"
        for part in text.split("RULES ")[1:3]:
            assert part.startswith(f"A SURROGATE: these rules imitate the pruned {word} and are")
        assert fidelity["words"] in text
        assert f"{fidelity['task']['model']:.3f} for the model" in text
        assert f"{fidelity['task']['surrogate']:.3f} for the imitation" in text
        names = [check["name"] for check in content["checks"]]
        assert "rules = model" not in names
        assert "SQL = rules" in names
        assert "are not it" in made.pictures["tree"].caption or "is not it" in (
            made.pictures["tree"].caption
        )
        assert "they are not it" in text[text.index("SQL The rules") :][:90]
        assert content["rules"]["sufficient"] is None
        assert all(rule["low"] is None for rule in content["rules"]["shown"])


def test_a_partition_is_exact_and_proved(booster):
    content, text = booster.content, words_of(booster)
    assert content["model"]["reading"] == "partition"
    assert content["model"]["cells"] == content["rules"]["n"]
    trees = content["held_out"]["rows"][1]["trees"]
    assert f"EXACT: these rules are the pruned booster, the joint partition of its {trees}" in text
    checks = {check["name"]: check for check in content["checks"]}
    assert checks["rules = model"]["passed"]
    assert checks["SQL = model"]["passed"]
    (order,) = [check for name, check in checks.items() if "never falls as" in name]
    assert order["passed"]
    assert "all inputs" in order["scope"]
    assert content["tree"] is None
    assert "tree" not in booster.pictures
    assert "rules are listed, not drawn" in text


def test_rows_of_a_rule_are_those_that_meet_it(forest):
    for key, n in (("train", "n_train"), ("held_out", "n_held_out")):
        total = sum(rule[key] for rule in forest.content["rules"]["shown"])
        assert total == forest.content["title"][n]


def test_attributions_of_a_network_say_their_unit_and_method(network):
    told = network.content["attribution"]
    assert told["unit"] == "raw score"  # of three classes: no log-odds
    assert told["method"] in words_of(network)
    assert "Of the raw scores behind the class probabilities (before softmax" in words_of(network)
    assert network.content["examples"]["unit"] == "raw score"
    for row in network.content["examples"]["rows"]:
        assert row["pushes"]


def test_a_report_of_an_ensemble_counts_its_trees(forest):
    rows = forest.content["held_out"]["rows"]
    assert rows[0]["trees"] == 100
    assert f"{rows[0]['leaves']} leaves of 100 trees" in words_of(forest)
    assert rows[-1]["leaves"] is rows[-1]["trees"] is None  # the linear model


@pytest.fixture(scope="module")
def classes():
    """A booster of three classes with one large cell of rows: some of its trees never split."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 2)).round(2)
    y = np.array(["low", "mid", "top"])[np.digitize(x[:, 0] + rng.normal(size=150) / 5, [-0.5, 1])]
    data = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y})
    return reports.made(data, replace(QUICK, model="lightgbm", max_size=60))


def test_a_booster_has_one_count_of_trees_and_leaves(classes):
    content, text = classes.content, words_of(classes)
    rows = {row["key"]: row for row in content["held_out"]["rows"]}
    path = content["path"]
    assert rows["grown"]["leaves"] == path["steps"][0]["leaves"]
    assert rows["pruned"]["leaves"] == path["choice"]["chosen"]["leaves"]
    grown, pruned = (f"{rows[k]['leaves']} leaves of {rows[k]['trees']} trees" for k in (
        "grown", "pruned"))  # fmt: skip
    assert f"from {grown} to {pruned}" in text
    assert "leaves: of those that split" in text
    if content["model"]["reading"] == "partition":
        assert content["model"]["n_trees"] == rows["pruned"]["trees"]


def test_trees_of_one_leaf_are_not_counted_of_boosters():
    one = study()
    Z = one.X_train[["a", "b"]].to_numpy()
    start = LGBMClassifier(n_estimators=30, num_leaves=4, n_jobs=1, verbose=-1)
    grown = start.fit(Z, np.digitize(Z[:, 0], [-1, 1]))
    path = pruning_path(grown, Z, np.digitize(Z[:, 0], [-1, 1]))
    dead = 0
    for step in np.linspace(0, len(path) - 1, 8).astype(int):
        cut = path.cut(step)
        trees = cut.booster_.dump_model()["tree_info"]
        splits = [tree for tree in trees if tree["num_leaves"] > 1]
        dead += len(trees) - len(splits)
        told = tree_sizes(cut, Z)
        assert told["leaves"] == max(1, sum(tree["num_leaves"] for tree in splits))
        assert told["leaves"] == path.size[step]
        assert told["trees"] == max(1, len(splits))
    assert dead


def test_a_forest_counts_all_trees_as_its_path_does():
    one = study()
    Z = one.X_train[["a", "b"]].to_numpy()
    path = pruning_path(RandomForestClassifier(7, random_state=0).fit(Z, one.y_train))
    for step in (0, len(path) // 2, len(path) - 1):
        told = tree_sizes(path.cut(step), Z)
        assert (told["trees"], told["leaves"]) == (7, path.size[step])


def test_softmax_scores_are_not_called_log_odds(classes, booster):
    assert "log-odds" not in words_of(classes).replace("no log-odds", "")
    assert "P follows from the scores of all classes" in words_of(classes)
    assert "average log-odds" in words_of(booster)  # of two classes that is right


def test_rows_and_verbs_agree(classes):
    swap = {**classes.content["held_out"]["swap"], "changed": 1}
    held = {**classes.content["held_out"], "swap": swap}
    assert swap_words({**classes.content, "held_out": held}).startswith("1 row is given another")
    held = {**held, "swap": {**swap, "changed": 2}}
    assert swap_words({**classes.content, "held_out": held}).startswith("2 rows are given")


def test_cells_have_one_meaning(booster):
    rows = pd.concat([reports.hostile_frame(n=400)] * 2, ignore_index=True)
    X = rows.iloc[:, :2].set_axis(["a", "b"], axis=1)
    several = LGBMRegressor(n_estimators=2, num_leaves=3, n_jobs=1, verbose=-1)
    alone = DecisionTreeRegressor(max_leaf_nodes=4)
    for model, word in ((several, "combinations of split outcomes"), (alone, "cells")):
        scope = attribute(explain(model.fit(X, X["a"]), X).view, X).scope
        assert re.match(rf"a row of each of \d+ {word}, which hold all 800 rows", scope)
    text = words_of(booster).replace("attributions add up", "|").split("|")[1]
    assert " cells, which hold" not in text


def test_an_exact_rule_tells_of_every_row(booster):
    rules, text = booster.content["rules"], words_of(booster)
    assert "what the booster says of every row that meets the rule" in text
    assert "of the training rows of the rule" not in text
    assert len(rules["shown"]) == rules["n"]
    assert rules["n_empty"] == sum(row["train"] == 0 for row in rules["shown"])
    content = {**booster.content, "rules": {**rules, "n_empty": 2}}
    assert "2 of the" in (said := words_of(Report(content)))
    assert "rules hold no training row" in said
    content["rules"] = {**rules, "n": 90, "n_met": len(rules["shown"]), "n_empty": 40}
    shown = len(rules["shown"])
    assert f"The {shown} of 90 rules that any row of these data meets." in words_of(Report(content))


def test_the_cap_is_for_both_ways_of_pruning(booster):
    """The fixture allows 12 leaves; a first round may have more, which is then said."""
    rows = {row["key"]: row for row in booster.content["held_out"]["rows"]}
    assert rows["pruned"]["leaves"] <= 12
    other = rows["pruned_other"]
    said = f"none is as small as 12 leaves; this is the smallest, {other['leaves']} leaves"
    assert (other["leaves"] <= 12) != (other["detail"] == said)
    larger = {**other, "leaves": 324}
    held = booster.content["held_out"]
    held = {
        **held,
        "rows": [larger if row is other else row for row in held["rows"]],
        "differences": [{**d, "value": -0.1, "verdict": "worse"} for d in held["differences"]],
    }
    (line, *_) = ahead({**booster.content, "held_out": held})
    assert "pruned (truncate) with 324 leaves by .100" in line


def test_a_forest_cannot_have_fewer_leaves_than_trees():
    with pytest.raises(InputRefused, match=r"--max-size 14: .* 100 trees .* l1 or truncate"):
        fit_rivals(study(), replace(QUICK, model="forest", max_size=14))


def test_a_booster_of_categories_has_a_linear_rival():
    data = frame().drop(columns="b")
    data.loc[::7, "kind"] = None
    X, y = data[["a", "c", "kind"]], data["y"]
    model = PrunedClassifier(LGBMClassifier(n_estimators=8, n_jobs=1, verbose=-1), cv=2, max_size=9)
    model.fit(X[:160], y[:160])
    told = report(model, X[160:], y[160:], X_train=X[:160], y_train=y[:160], refits=0)
    rows = {row["key"]: row for row in told.content["held_out"]["rows"]}
    assert rows["linear"]["columns"] == 3
    assert rows["linear"]["figures"]["auc"]["value"] > 0.8  # "kind" tells much
    assert all(check["passed"] for check in told.content["checks"])


def test_two_runs_of_a_network_are_identical(network):
    again = reports.network()
    assert {**again.content, "made": None} == {**network.content, "made": None}


def test_the_surrogate_that_is_drawn_is_the_one_that_is_written():
    one = study()
    fits = fit_rivals(one, replace(QUICK, model="mlp"))
    ex = explain(fits.pipeline, one.X_train, one.y_train, random_state=one.seed)
    read = readable_tree(fits, ex)
    for rule in ex.rules:
        assert np.allclose(rule.value[0], read.value[rule.node])
    assert np.allclose(read.value.sum(axis=1), 1)


def test_a_constant_network_says_so():
    rng = np.random.default_rng(1)
    table = frame()
    table["y"] = rng.integers(0, 2, len(table))
    one = study_of(Table(table[["a", "y"]], ""), name="noise", target="y")
    options = replace(QUICK, model="forest", method="truncate")
    fits = fit_rivals(one, replace(options, max_size=1, method="l1"))
    made = Report(report_of(one, fits, replace(options, max_size=1, method="l1")))
    assert made.content["model"]["constant"]
    assert made.content["attribution"] is None
    assert made.content["examples"] is None
    assert "THE PRUNED FOREST SAYS THE SAME OF EVERY ROW." in words_of(made)
    assert json.loads(made.to_json())


@pytest.mark.parametrize(
    ("key", "method", "words"),
    [
        ("lightgbm", "truncate", "strength: the share of rounds that is gone; risk: not measured"),
        ("forest", "truncate", "strength: the share of trees that is gone; risk: not measured"),
        ("lightgbm", "l1", "strength: the penalty on the weights of trees; risk: loss"),
        ("mlp", "backward_elimination", "the share of columns that is gone; risk: loss of the tr"),
    ],
)
def test_what_strength_and_risk_mean_is_said_for_each_method(key, method, words):
    one, options = study(), replace(QUICK, model=key, method=method)
    fits = fit_rivals(one, options)
    made = Report(report_of(one, fits, options))
    assert words in words_of(made)
    small = fits.rival("grown_small")
    if key == "mlp":  # its path counts columns, and the rival's size is in weights all the same
        sizes = {k: network_sizes(fits.rival(k).native, None)["weights"]
                 for k in ("pruned", "grown_small")}  # fmt: skip
        assert sizes["grown_small"] <= sizes["pruned"] or "are more than" in small.detail
        assert ("are more than" in small.detail) == (fits.Z_train.shape[1] + 1 > sizes["pruned"])


def test_a_path_without_scores_and_risks_is_not_drawn():
    one, options = study(), replace(QUICK, model="lightgbm", method="truncate", strength=0.5)
    made = Report(report_of(one, fit_rivals(one, options), options))
    assert "path" not in made.pictures
    assert "No cross-validation was used" in words_of(made)


# -- models that are already fitted --------------------------------------------------------------


def people(n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "income": rng.normal(size=n).round(3) + 5,
            "debt": rng.normal(size=n).round(3) + 5,
            "age": rng.integers(20, 70, n).astype(float),
        }
    )
    y = pd.Series(np.where(X["income"] + rng.normal(size=n) / 2 > 5.2, "bad", "good"), name="late")
    return X[: n // 2], X[n // 2 :], y[: n // 2], y[n // 2 :]


X_TRAIN, X_HELD, Y_TRAIN, Y_HELD = people()
LGBM = {"n_estimators": 6, "num_leaves": 5, "n_jobs": 1, "verbose": -1, "random_state": 0}
FITTED = {
    "forest": PrunedClassifier(
        RandomForestClassifier(8, min_samples_leaf=5, random_state=0), cv=2, random_state=0
    ),
    "lightgbm": PrunedClassifier(LGBMClassifier(**LGBM), cv=2, random_state=0),
    "mlp": make_pipeline(
        StandardScaler(),
        PrunedClassifier(
            SparseMLPClassifier((4,), alpha=0.01, learning_rate_init=0.02, random_state=0),
            method="magnitude",
            cv=2,
            random_state=0,
        ),
    ),
}


@pytest.mark.parametrize("key", FITTED)
def test_a_fitted_model_of_each_kind_is_reported(key):
    words = {"bad": "bad", "good": "good"}
    if key == "mlp":  # trained on labels in another order it would be another network
        words = {"bad": 1, "good": 0}
    y_train, y, adverse = Y_TRAIN.map(words), Y_HELD.map(words), words["bad"]
    model = clone(FITTED[key]).fit(X_TRAIN, y_train)
    told = report(
        model, X_HELD, y, X_train=X_TRAIN, y_train=y_train, refits=0,
        decision=Decision(adverse=adverse, costs={"miss": 3, "false_alarm": 1}),
    )  # fmt: skip
    content = told.content
    assert content["model"]["kind"] == key
    p = model.predict_proba(X_HELD)[:, list(model.classes_).index(adverse)]
    cost = np.where(p >= 1 / 4, (Y_HELD == "good") * 1.0, (Y_HELD == "bad") * 3.0).mean()
    assert content["held_out"]["rows"][1]["figures"]["cost"]["value"] == pytest.approx(cost)
    assert all(check["passed"] for check in content["checks"])
    assert any("is taken on trust" in note for note in content["notes"])
    for rendered in (told.to_text(), told.to_markdown(), told.to_html(), told.to_json()):
        assert "late" in rendered


@pytest.mark.parametrize(
    "model",
    [
        RandomForestRegressor(5, min_samples_leaf=5, random_state=0),
        ExtraTreesRegressor(5, min_samples_leaf=5, random_state=0),
        LGBMRegressor(**LGBM),
    ],
)
def test_numbers_are_predicted_too(model):
    y_train, y = X_TRAIN["income"] * 2, X_HELD["income"] * 2
    X, X_held = (rows.assign(income=rows["income"].round(1)) for rows in (X_TRAIN, X_HELD))
    fitted = PrunedRegressor(model, cv=2, random_state=0).fit(X, y_train)
    told = report(fitted, X_held, y, X_train=X, y_train=y_train, refits=0)
    r2 = told.content["held_out"]["rows"][1]["figures"]["r2"]["value"]
    assert r2 == pytest.approx(fitted.score(X_held, y))
    assert told.content["model"]["reading"] in ("partition", "surrogate")
    assert "MEAN" in told.to_text().upper()


def test_other_rows_are_refused_where_the_model_tells():
    forest = clone(FITTED["forest"]).fit(X_TRAIN, Y_TRAIN)
    with pytest.raises(ValueError, match="X_train has 149 rows, but the forest was grown on 150"):
        report(forest, X_HELD, Y_HELD, X_train=X_TRAIN[1:], y_train=Y_TRAIN[1:], refits=0)
    booster = clone(FITTED["lightgbm"]).fit(X_TRAIN, Y_TRAIN)
    with pytest.raises(ValueError, match="X_train has 100 rows, but the booster was grown on 150"):
        report(booster, X_HELD, Y_HELD, X_train=X_TRAIN[:100], y_train=Y_TRAIN[:100], refits=0)


def test_a_network_of_labels_in_another_order_is_refused():
    model = clone(FITTED["mlp"]).fit(X_TRAIN, Y_TRAIN)
    with pytest.raises(ValueError, match="code the labels so before fitting"):
        report(
            model, X_HELD, Y_HELD, X_train=X_TRAIN, y_train=Y_TRAIN, refits=0,
            decision=Decision(adverse="bad", cutoff=0.3),
        )  # fmt: skip


def test_how_many_rows_a_forest_tells_of():
    y = (Y_TRAIN == "bad").astype(int)
    for words, expected in (
        ({}, 150),
        ({"bootstrap": False}, 150),
        ({"max_samples": 0.5}, None),
        ({"class_weight": "balanced"}, None),
    ):
        model = RandomForestClassifier(4, random_state=0, **words).fit(X_TRAIN, y)
        assert n_rows_of(model) == expected
    weights = np.linspace(0.1, 2, len(y))
    weighted = RandomForestClassifier(4, random_state=0).fit(X_TRAIN, y, sample_weight=weights)
    assert n_rows_of(weighted) in (None, 150)  # weights are drawn by since scikit-learn 1.9
    exact = ExtraTreesRegressor(4, random_state=0).fit(X_TRAIN, y, sample_weight=weights)
    assert n_rows_of(exact) == 150


def test_models_that_are_not_pruned_are_told_how_to_be():
    for model, words in (
        (RandomForestClassifier(3, random_state=0), "settings of this forest make one by Pruned"),
        (LGBMClassifier(**LGBM), "settings of this booster make one by PrunedClassifier"),
        (GridSearchCV(DecisionTreeClassifier(), {"max_depth": [2]}, cv=2), "settings of this tree"),
    ):
        with pytest.raises(TypeError, match=words):
            report(model.fit(X_TRAIN, Y_TRAIN), X_HELD, Y_HELD, X_train=X_TRAIN, y_train=Y_TRAIN)
    regressor = DecisionTreeRegressor().fit(X_TRAIN, X_TRAIN["age"])
    with pytest.raises(TypeError, match=r"PrunedRegressor\(DecisionTreeRegressor"):
        report(regressor, X_HELD, X_HELD["age"], X_train=X_TRAIN, y_train=X_TRAIN["age"])
