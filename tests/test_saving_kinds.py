"""Saved forests, boosters and networks: there and back, what is refused, the commands on them."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from typer.testing import CliRunner

from treeprune import SparseMLPClassifier, SparseMLPRegressor, UntrustedModelError, explain, native
from treeprune.cli import app
from treeprune.network import Network
from treeprune.report.columns import encoder, model_columns, scaled
from treeprune.saving import (
    TRUSTED_TYPES,
    Saved,
    about_model,
    check_model,
    load_model,
    model_bytes,
)
from treeprune.saving.boosters import StoredBoosterClassifier, stored, text_of
from treeprune.saving.writing import archive_bytes

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LGBM = {"n_estimators": 4, "num_leaves": 5, "n_jobs": 1, "verbose": -1, "random_state": 0}
FOREST = {"n_estimators": 5, "min_samples_leaf": 4, "random_state": 0}
NET = {"hidden_layer_sizes": (3,), "max_iter": 5, "random_state": 0}
MODELS = {
    "forest": (RandomForestClassifier(**FOREST), RandomForestRegressor(**FOREST)),
    "booster": (LGBMClassifier(**LGBM), LGBMRegressor(**LGBM)),
    "network": (SparseMLPClassifier(**NET), SparseMLPRegressor(**NET)),
}


def rows(n=150, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a,b": rng.normal(size=n).round(2), "b": rng.normal(size=n).round(2)})
    X["c"] = pd.Categorical(rng.choice(["x", "ü☃", '{"q"}'], n))
    X.loc[::9, "b"] = np.nan
    return X


def saved_of(kind, task="binary"):
    X = rows()
    base = X["a,b"].to_numpy() + (X["c"] == "x").to_numpy()
    y = {"binary": base > 0.2, "multiclass": np.digitize(base, [0, 1]), "regression": base}[task]
    y = y if task == "regression" else y.astype(int)
    estimator = clone(MODELS[kind][task == "regression"])
    first = encoder(X, 8)
    if kind == "booster":
        first.set_output(transform="default")
    Z = first.fit_transform(X)
    if kind == "network":
        last = scaled(model_columns(first), estimator).fit(Z, y)
        grown = last[-1]
    else:
        grown = last = stored(estimator.fit(Z, y))
    model = make_pipeline(first, last)
    labels = [] if task == "regression" else [str(k) for k in range(len(np.unique(y)))]
    about = about_model(model, name="rows", target="y", task=task, labels=labels, sha256="ab" * 32)
    return Saved(model, grown, about), X, estimator


def put(folder, raw):
    path = Path(folder) / "model.skops"
    path.write_bytes(raw)
    return path


def tampered(saved, model=None, grown="same"):
    """The archive of parts that nobody has checked."""
    return archive_bytes(
        {
            "about": json.dumps(saved.about, sort_keys=True),
            "model": saved.model if model is None else model,
            "grown": saved.grown if isinstance(grown, str) else grown,
        }
    )


# -- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("kind", MODELS)
def test_round_trip_is_bit_for_bit(kind, task, tmp_path):
    saved, X, estimator = saved_of(kind, task)
    raw = model_bytes(saved)
    back = load_model(put(tmp_path, raw))
    plain = skops.io.loads(raw, trusted=TRUSTED_TYPES)
    answer = "predict" if task == "regression" else "predict_proba"
    unseen = rows(60, seed=1)
    unseen["c"] = pd.Categorical(["never seen"] * 60)
    for some in (X, unseen):
        wanted = getattr(saved.model, answer)(some)
        for model in (back.model, plain["model"]):
            assert np.array_equal(getattr(model, answer)(some), wanted)
            assert np.array_equal(model.predict(some), saved.model.predict(some))
    if kind == "booster":  # as LightGBM's own
        Z = saved.model[0].transform(X)
        assert np.array_equal(getattr(estimator, answer)(Z), getattr(back.grown, answer)(Z))
    assert model_bytes(back) == raw
    report = check_model(tmp_path / "model.skops")
    assert report["passed"]
    assert all(row["trusted"] for row in report["types"])
    if kind == "network":
        assert report["trees"] == []
    else:
        trees = native.read(native.unwrap(back.grown))
        assert [row["leaves"] for row in report["trees"]] == [trees.n_leaves] * 2
    assert ("lightgbm" in back.about["versions"]) == (kind == "booster")


def test_what_is_loaded_is_explained_as_what_was_saved(tmp_path):
    for kind in ("forest", "booster"):
        saved, X, _ = saved_of(kind)
        back = load_model(put(tmp_path, model_bytes(saved))).model
        ex = explain(back, X)
        assert ex.view.trees is not None
        assert ex.is_exactly_attributed
        assert np.isfinite(ex.attributions(X[:5]).values).all()


def test_a_network_is_saved_without_the_state_of_its_training(tmp_path):
    saved, _, _ = saved_of("network")
    assert hasattr(saved.grown, "_rng")
    back = load_model(put(tmp_path, model_bytes(saved)))
    for name in ("_rng", "_moments", "history_"):
        assert not hasattr(back.grown, name)


def test_a_stored_booster_is_not_fitted_again():
    booster = stored(LGBMClassifier(**LGBM).fit(np.arange(60.0)[:, None], np.arange(60) % 2))
    with pytest.raises(TypeError, match="cannot be fitted again"):
        booster.fit([[0.0]], [0])
    tree = DecisionTreeClassifier()
    assert stored(tree) is tree


# -- what is refused -----------------------------------------------------------------------------


def refused(folder, raw, reason, monkeypatch):
    path = put(folder, raw)
    with monkeypatch.context() as patch:
        for name in ("load", "loads"):
            patch.setattr(skops.io, name, lambda *a, **k: pytest.fail("constructed"))
        patch.setattr(lightgbm, "Booster", lambda *a, **k: pytest.fail("LightGBM has seen it"))
        with pytest.raises(UntrustedModelError, match=reason) as caught:
            load_model(path)
        assert not check_model(path)["passed"]
    assert str(caught.value).isprintable()


def test_each_tree_of_a_forest_is_checked(tmp_path, monkeypatch):
    saved, _, _ = saved_of("forest")
    raw = model_bytes(saved)
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    changed = 0
    for name, content in members.items():
        if not name.endswith(".npy"):
            continue
        array = np.load(io.BytesIO(content))
        if array.dtype.names is None or len(array) < 3:
            continue
        for field, value in (("left_child", 10**6), ("feature", 99), ("threshold", np.nan)):
            broken = array.copy()
            broken[field][0] = value
            out = io.BytesIO()
            np.save(out, broken)
            with io.BytesIO() as whole:
                with zipfile.ZipFile(whole, "w") as file:
                    for other, old in members.items():
                        file.writestr(other, out.getvalue() if other == name else old)
                refused(tmp_path, whole.getvalue(), "model: |grown: ", monkeypatch)
            changed += 1
    assert changed >= 5 * 3


def broken_forests():
    def number(forest):
        forest.n_estimators = 9

    def empty(forest):
        forest.estimators_, forest.n_estimators = [], 0

    def other_kind(forest):
        forest.estimators_[1] = SparseMLPClassifier((1,), max_iter=1).fit([[0.0], [1.0]], [0, 1])

    def other_columns(forest):
        forest.estimators_[1] = DecisionTreeClassifier().fit([[0.0], [1.0]], [0.0, 1.0])

    def other_classes(forest):
        tree = forest.estimators_[1]
        tree.classes_ = tree.classes_ + 1

    def unordered(forest):
        forest.classes_ = forest.classes_[::-1].copy()

    def outputs(forest):
        forest.n_outputs_ = 2

    def hidden(forest):
        forest.estimator = forest.estimators_[0]

    return (number, empty, other_kind, other_columns, other_classes, unordered, outputs, hidden)


@pytest.mark.parametrize("breaks", broken_forests(), ids=lambda f: f.__name__)
def test_forests_that_are_none_are_refused(breaks, tmp_path, monkeypatch):
    saved, _, _ = saved_of("forest")
    breaks(saved.model[-1])
    refused(tmp_path, tampered(saved, grown=None), r"model: |trees", monkeypatch)


def network_with(net, **changed):
    out = Network(net.weights, net.biases, net.activation, net.link, net.n_classes, net.inputs,
                  net.n_features)  # fmt: skip
    for name, value in changed.items():
        object.__setattr__(out, name, value)
    return out


@pytest.mark.parametrize(
    "changed",
    [
        {"activation": "exec"},
        {"link": "identity"},
        {"n_classes": (3,)},
        {"n_features": 2},
        {"inputs": np.array([0, 0, 1, 2, 3])},
        {"weights": (np.zeros((2, 2)),)},
        {"weights": (np.full((5, 3), np.nan), np.zeros((3, 1)))},
        {"biases": ()},
    ],
    ids=lambda changed: "-".join(changed),
)
def test_networks_that_are_none_are_refused(changed, tmp_path, monkeypatch):
    saved, _, _ = saved_of("network")
    last = saved.model[-1][-1]
    last.network_ = network_with(last.network_, **changed)
    refused(tmp_path, tampered(saved, grown=None), "model: ", monkeypatch)


def with_text(booster, change):
    text = change(text_of(booster.text_))
    booster.text_ = np.frombuffer(text.encode() if isinstance(text, str) else text, np.uint8)
    vars(booster).pop("estimator_", None)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("left_child=", "left_child=99999 "),
        lambda text: re.sub(r"split_feature=\d+", "split_feature=77", text),
        lambda text: text.replace("num_leaves=", "num_leaves=9"),
        lambda text: text.replace("objective=binary", "objective=regression"),
        lambda text: text.encode() + b"\xff",
    ],
)
def test_a_boosters_text_is_checked_before_lightgbm_sees_it(change, tmp_path, monkeypatch):
    saved, _, _ = saved_of("booster")
    with_text(saved.model[-1], change)
    refused(tmp_path, tampered(saved, grown=None), "model: ", monkeypatch)


def test_a_booster_of_other_columns_or_classes_is_refused(tmp_path, monkeypatch):
    saved, _, _ = saved_of("booster")
    other = stored(LGBMClassifier(**LGBM).fit(np.arange(60.0)[:, None], np.arange(60) % 2))
    refused(tmp_path, tampered(saved, make_pipeline(saved.model[0], other), None),
            "takes 1 columns, the encoder makes 5", monkeypatch)  # fmt: skip
    saved.model[-1].classes_ = np.arange(3)
    refused(tmp_path, tampered(saved, grown=None), "other classes", monkeypatch)


def test_even_without_the_checks_of_the_file_no_bad_text_is_handed_on(monkeypatch):
    saved, X, _ = saved_of("booster")
    booster = saved.model[-1]
    with_text(booster, lambda text: text.replace("left_child=", "left_child=99999 "))
    monkeypatch.setattr(lightgbm, "Booster", lambda *a, **k: pytest.fail("LightGBM has seen it"))
    with pytest.raises(ValueError, match="tree"):
        saved.model.predict(X)


def test_grown_must_be_of_the_models_kind(tmp_path, monkeypatch):
    forest, booster = saved_of("forest")[0], saved_of("booster")[0]
    refused(tmp_path, tampered(forest, grown=booster.grown), "grown", monkeypatch)
    with pytest.raises(UntrustedModelError, match="grown is a str; possible are Decision"):
        model_bytes(Saved(forest.model, "a model", forest.about))


def test_attributes_of_a_stored_booster_are_its_own_only(tmp_path, monkeypatch):
    saved, _, _ = saved_of("booster")

    class Odd(StoredBoosterClassifier):
        def __getstate__(self):
            return {**super().__getstate__(), "estimator": "a string"}

    Odd.__module__, Odd.__name__, Odd.__qualname__ = (
        StoredBoosterClassifier.__module__, "StoredBoosterClassifier", "StoredBoosterClassifier",
    )  # fmt: skip
    odd = Odd()
    odd.__dict__.update(saved.model[-1].__getstate__())
    raw = tampered(saved, make_pipeline(saved.model[0], odd), None)
    path = put(tmp_path, raw)
    with pytest.raises(UntrustedModelError, match="cannot have an attribute 'estimator'"):
        load_model(path)


# -- the commands --------------------------------------------------------------------------------


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def remarks(result):
    return [line for line in result.stderr.splitlines() if not line.startswith("treeprune: ")]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    frame = pd.DataFrame({"a": rng.normal(size=90).round(2), "c": rng.choice(["x", "y"], 90)})
    frame["y"] = (frame["a"] + (frame["c"] == "x") + rng.normal(size=90) / 2 > 0.5).astype(int)
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module", params=["forest", "lightgbm", "mlp"])
def fitted(request, table, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param)
    result = invoke(
        "fit", table, "--target", "y", "--model", request.param, "--cost", "3:1", "--cv", "2",
        "--refits", "0", "--formats", "text,json", "--out", out,
    )  # fmt: skip
    return request.param, result, out


WORDS = {"forest": "forest", "lightgbm": "booster", "mlp": "network"}


def test_fit_writes_a_report_and_the_model(fitted):
    key, result, out = fitted
    assert result.exit_code == 0
    assert f"PRUNED {WORDS[key].upper()}" in result.stdout
    assert "SMALLER?" in result.stdout
    names = {path.name for path in out.iterdir()}
    assert {"treeprune-model.skops", "treeprune-report.txt", "treeprune-report.json"} == names
    content = json.loads((out / "treeprune-report.json").read_text("utf-8"))
    assert content["schema"] == "treeprune-report/2"
    assert content["model"]["kind"] == key
    assert f"{key}, " in content["record"]["options"]
    assert not [line for line in remarks(result) if "not saved" in line]


def test_commands_ask_the_saved_model(fitted, table):
    key, _, out = fitted
    path, content = out / "treeprune-model.skops", out / "treeprune-report.json"
    told = json.loads(content.read_text("utf-8"))
    checked = invoke("check", path)
    assert checked.exit_code == 0
    assert "passed" in checked.stdout
    explained = invoke("explain", path, table, "--row", "3", "--row", "5")
    assert explained.exit_code == 0
    assert "attribution:" in explained.stdout
    scored = invoke("score", path, table)
    assert scored.exit_code == 0
    compared = invoke("compare", path, table)
    assert compared.exit_code == 0
    assert f"as grown: the {WORDS[key]} before it was pruned" in compared.stdout
    refusal = invoke("rules", path)
    assert refusal.exit_code == 3
    (line,) = remarks(refusal)
    assert f"is a {WORDS[key]}, which has no rules of its own" in line
    sizes = json.loads(invoke("score", path, table, "--json").stdout)
    model = sizes["models"][0] if "models" in sizes else sizes["figures"][0]
    if key != "mlp":
        assert model["leaves"] == told["held_out"]["rows"][1]["leaves"]


def test_what_a_kind_cannot_do_is_refused_in_one_line(table, tmp_path):
    out = tmp_path / "out"
    for arguments, code, word in (
        (["--model", "mlp", "--monotone", "a:+"], 3, "a network keeps no stated order"),
        (["--model", "forest", "--method", "l2"], 2, "--method 'l2': possible are auto, cost_c"),
        (["--model", "lightgbm", "--method", "pessimistic"], 2, "possible are cost_complexity"),
    ):
        result = invoke("fit", table, "--target", "y", *arguments, "--out", out)
        assert result.exit_code == code
        (line,) = remarks(result)[-1:]
        assert word in line
        assert not out.exists()


def test_max_size_is_in_leaves_and_in_weights(table, tmp_path):
    for key, most in (("lightgbm", 9), ("mlp", 12)):
        out = tmp_path / key
        invoke("fit", table, "--target", "y", "--model", key, "--max-size", most, "--cv", "2",
               "--refits", "0", "--formats", "json", "--out", out)  # fmt: skip
        told = json.loads((out / "treeprune-report.json").read_text("utf-8"))
        unit = told["model"]["unit"]
        assert told["held_out"]["rows"][1][unit] <= most
        assert f"at most {most} {unit}" in told["record"]["options"]
