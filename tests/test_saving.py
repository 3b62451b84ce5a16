"""Saved models: what is written comes back bit for bit, and nothing else gets in."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import io
import json
import math
import os
import pickle
import re
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from treeprune import datasets, native, prune
from treeprune.exceptions import UntrustedModelError
from treeprune.report.columns import encoder, model_columns, scaled
from treeprune.saving import (
    TRUSTED_TYPES,
    Saved,
    about_model,
    archive,
    attributes,
    check_model,
    load_model,
    model_bytes,
    save_model,
    schema,
    writing,
)

ROOT = Path(__file__).resolve().parents[1]
_PATHS = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
HOSTILE = ["<script>alert(1)</script>", "$x$", "a\nb", "‮abc", "'\"|\\", "\x1b[31m", "", "é" * 300]


def _rows(n: int = 240, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.normal(40, 9, n),
            '<b>"ci|ty"': pd.Categorical(rng.choice([*HOSTILE, None], n)),
            "__class__": pd.Categorical([f"c{i % 40}" for i in range(n)]),
            "flag": rng.random(n) > 0.5,
        }
    )
    X.loc[::7, "age"] = np.nan
    return X


def _target(X: pd.DataFrame, task: str) -> np.ndarray:
    base = X["age"].fillna(30).to_numpy() + 8 * (X['<b>"ci|ty"'] == "$x$").to_numpy()
    base = base + np.random.default_rng(7).normal(0, 6, len(X))
    if task == "regression":
        return base
    return np.digitize(base, [38] if task == "binary" else [35, 44])


def _saved(task: str, **about) -> tuple[Saved, pd.DataFrame]:
    X = _rows()
    y = _target(X, task)
    kind = DecisionTreeRegressor if task == "regression" else DecisionTreeClassifier
    model = make_pipeline(encoder(X, 8), kind(min_samples_leaf=5, random_state=0)).fit(X, y)
    grown = model[-1]
    model = make_pipeline(model[0], prune(grown, max_size=6))
    labels = [] if task == "regression" else [f"<i>{k}" for k in range(len(np.unique(y)))]
    decision = {"costs": {"miss": 5, "false_alarm": 1}, "cutoff": 1 / 6, "words": {"act": "flag"}}
    story = about_model(
        model, name="rows", target="y", task=task, labels=labels, decision=decision, seed=3,
        sha256="ab" * 32, **about,
    )  # fmt: skip
    return Saved(model, grown, story), X


@pytest.fixture(scope="module")
def binary() -> bytes:
    return model_bytes(_saved("binary")[0])


def _members(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        return {name: file.read(name) for name in file.namelist()}


def _zipped(members: dict[str, bytes] | list[tuple[str, bytes]], **options) -> bytes:
    out = io.BytesIO()
    pairs = members.items() if isinstance(members, dict) else members
    with zipfile.ZipFile(out, "w", **options) as file:
        for name, content in pairs:
            file.writestr(name, content)
    return out.getvalue()


def _with_root(raw: bytes, change) -> bytes:
    """The file with another description."""
    members = _members(raw)
    root = json.loads(members["schema.json"])
    changed = change(root)
    root = changed if isinstance(changed, dict) and "protocol" in changed else root
    return _zipped({**members, "schema.json": json.dumps(root).encode()})


def _put(tmp_path: Path, raw: bytes) -> Path:
    path = tmp_path / "model.skops"
    path.write_bytes(raw)
    return path


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Asserts that a file is refused by both, for a reason, with nothing constructed."""

    def check(raw: bytes, reason: str) -> str:
        import skops.io

        path = _put(tmp_path, raw)
        with monkeypatch.context() as patch:
            for name in ("load", "loads"):
                patch.setattr(skops.io, name, lambda *a, **k: pytest.fail("constructed"))
            with pytest.raises(UntrustedModelError, match=reason) as caught:
                load_model(path)
            try:
                report = check_model(path)
            except UntrustedModelError as same:
                report = {"passed": False, "problems": [str(same).removeprefix(f"{path}: ")]}
            assert report["passed"] is False
            assert "; ".join(report["problems"]) == str(caught.value).removeprefix(f"{path}: ")
            json.dumps(report, allow_nan=False)
        message = str(caught.value).removeprefix(str(path))
        assert message.isprintable() and len(message) < 400
        return message

    return check


# --- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_round_trip_is_bit_for_bit(task, tmp_path):
    import skops.io

    saved, X = _saved(task)
    path = tmp_path / "model.skops"
    raw = save_model(saved, path)
    assert path.read_bytes() == raw == model_bytes(saved)
    assert [p.name for p in tmp_path.iterdir()] == ["model.skops"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = load_model(path)
    plain = skops.io.load(path, trusted=TRUSTED_TYPES)
    unseen = _rows(100, seed=1)
    unseen["__class__"] = pd.Categorical(["never seen"] * len(unseen))
    for rows in (X, unseen):
        for model in (back.model, plain["model"]):
            answer = "predict" if task == "regression" else "predict_proba"
            wanted = getattr(saved.model, answer)(rows)
            assert np.array_equal(getattr(model, answer)(rows), wanted)
        Z = saved.model[0].transform(rows)
        assert np.array_equal(back.grown.predict(Z), saved.grown.predict(Z))
    assert back.about == saved.about and type(back.model[-1]) is type(saved.model[-1])
    assert 1 < native.read(back.model[-1]).n_leaves <= 6 < native.read(back.grown).n_leaves
    assert model_bytes(back) == raw  # nothing is lost, and what is written depends on nothing else


def _linear(estimator) -> tuple[Saved, pd.DataFrame]:
    X = _rows()
    is_class = hasattr(estimator, "C")
    y = _target(X, "binary" if is_class else "regression")
    first = encoder(X, 8).fit(X)
    last = scaled(model_columns(first), estimator).fit(first.transform(X), y)
    model = make_pipeline(first, last)
    task, labels = ("binary", ["no", "yes"]) if is_class else ("regression", [])
    about = about_model(model, name="rows", target="y", task=task, labels=labels)
    return Saved(model, None, about), X


@pytest.mark.parametrize("estimator", [LogisticRegression(max_iter=500), Ridge()])
def test_linear_models_come_back(estimator, tmp_path):
    saved, X = _linear(estimator)
    model = saved.model
    save_model(saved, tmp_path / "m.skops")
    back = load_model(tmp_path / "m.skops").model
    answer = "predict_proba" if hasattr(estimator, "C") else "predict"
    assert np.array_equal(getattr(back, answer)(X), getattr(model, answer)(X))
    assert check_model(tmp_path / "m.skops")["trees"] == []


def test_german_credit(tmp_path):
    data = datasets.load_german_credit()
    X, y = data.data, data.target
    model = make_pipeline(encoder(X, 20), DecisionTreeClassifier(min_samples_leaf=20)).fit(X, y)
    about = about_model(model, name="german", target="y", task="binary", labels=["0", "1"])
    raw = save_model(Saved(model, model[-1], about), tmp_path / "m.skops")
    assert np.array_equal(load_model(tmp_path / "m.skops").model.predict_proba(X),
                          model.predict_proba(X))  # fmt: skip
    assert len(raw) < 30_000
    trees = check_model(tmp_path / "m.skops")["trees"]
    tree = model[-1].tree_
    assert trees[0] == {
        "name": "model",
        "checked": True,
        "nodes": tree.node_count,
        "leaves": tree.n_leaves,
        "depth": tree.max_depth,
        "columns": tree.n_features,
    }


def test_columns_need_no_names_behind_the_encoder(tmp_path):
    X = _rows()[["age"]].fillna(0.0)
    model = make_pipeline(encoder(X, 8).set_output(transform="default"), DecisionTreeRegressor())
    model.fit(X, _target(_rows(), "regression"))
    assert not hasattr(model[-1], "feature_names_in_")
    about = about_model(model, name="a", target="y", task="regression")
    save_model(Saved(model, model[-1], about), tmp_path / "m.skops")
    assert np.array_equal(load_model(tmp_path / "m.skops").model.predict(X), model.predict(X))


def test_what_is_not_fitted_is_named():
    saved, _ = _saved("binary")
    bare = make_pipeline(saved.model[0], DecisionTreeClassifier())
    with pytest.raises(UntrustedModelError, match=r"has no tree_\)$"):
        model_bytes(Saved(bare, None, saved.about))


def test_a_large_tree_is_no_burden(tmp_path):
    X = pd.DataFrame({"x": np.random.default_rng(0).random(110_000)})
    model = make_pipeline(encoder(X, 1), DecisionTreeRegressor()).fit(X, X["x"].to_numpy() ** 2)
    assert model[-1].tree_.node_count > 200_000
    about = about_model(model, name="a", target="y", task="regression")
    save_model(Saved(model, model[-1], about), tmp_path / "m.skops")
    assert np.array_equal(load_model(tmp_path / "m.skops").model.predict(X), model.predict(X))


def test_no_columns_of_one_kind_and_a_single_leaf(tmp_path):
    for X in (_rows()[["age"]], _rows()[["__class__"]]):
        y = _target(_rows(), "regression")
        model = make_pipeline(encoder(X, 8), DecisionTreeRegressor(max_depth=1)).fit(X, y)
        root = make_pipeline(model[0], prune(model[-1], max_size=1))
        about = about_model(root, name="a", target="y", task="regression")
        save_model(Saved(root, None, about), tmp_path / "m.skops")
        back = load_model(tmp_path / "m.skops")
        assert np.array_equal(back.model.predict(X), root.predict(X)) and back.grown is None
        assert check_model(tmp_path / "m.skops")["trees"][0]["leaves"] == 1


_IN_ANOTHER = """
import hashlib, sys
sys.path.insert(0, {tests!r})
junk = [bytearray(n) for n in range({junk})]
from test_saving import _saved, model_bytes
print(*(hashlib.sha256(model_bytes(_saved(t)[0])).hexdigest() for t in ("binary", "regression")))
"""


def test_two_processes_write_the_same_bytes():
    printed = set()
    for junk, seed in ((10, "1"), (5000, "2")):
        code = _IN_ANOTHER.format(tests=str(ROOT / "tests"), junk=junk)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": _PATHS}, timeout=120,
        )  # fmt: skip
        printed.add(done.stdout)
    assert len(printed) == 1


def test_the_archive_has_no_dates_addresses_or_leftovers(binary):
    with zipfile.ZipFile(io.BytesIO(binary)) as file:
        infos = file.infolist()
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert [i.filename for i in infos] == [
        "schema.json",
        *(f"{k}.npy" for k in range(len(infos) - 1)),
    ]
    members = _members(binary)
    assert b"__id__" not in members["schema.json"]
    arrays = [np.load(io.BytesIO(raw)) for name, raw in members.items() if name != "schema.json"]
    assert sum(a.dtype.names is not None for a in arrays) == 2
    for raw in members.values():  # what lies between the fields of a node is memory
        if b"left_child" in raw[:200] and raw[:1] != b"{":
            array = np.load(io.BytesIO(raw))
            mask = np.ones(array.dtype.itemsize, bool)
            for dtype, offset in (array.dtype.fields[name][:2] for name in array.dtype.names):
                mask[offset : offset + dtype.itemsize] = False
            stored = np.frombuffer(raw[-array.nbytes :], np.uint8).reshape(len(array), -1)
            assert mask.any() and not stored[:, mask].any() and stored.any()


def test_when_it_was_made_is_the_only_difference(binary):
    other = model_bytes(_saved("binary", made="2026-01-01 00:00:00 UTC")[0])
    assert other != binary
    ours, theirs = _members(binary), _members(other)
    assert {n for n in ours if ours[n] != theirs[n]} == {"schema.json"}


def test_long_flat_arrays_are_not_taken_for_bombs():
    content = bytes(4 * 2**20)
    members = archive.members_of(archive.packed({"schema.json": b"{}", "0.npy": content}))
    assert members["0.npy"] == content


def test_the_list_of_types_is_what_is_needed(binary, tmp_path):
    """All types exist in this version (or are marked), and skops' own idea of danger is covered."""
    import skops.io

    names = {name for kind in ("ObjectNode", "TreeNode") for name in schema.TRUSTED[kind]}
    for name in names - {"sklearn.compose._column_transformer._RemainderColsList"}:
        module, _, cls = name.rpartition(".")
        __import__(module)
        assert isinstance(getattr(sys.modules[module], cls), type)
    path = _put(tmp_path, binary)
    assert set(skops.io.get_untrusted_types(file=path)) <= set(TRUSTED_TYPES)
    for kind in ("FunctionNode", "MethodNode", "PartialNode", "OperatorFuncNode", "CachedNode",
                 "ConstructorFromReduceNode", "BytesNode", "RandomStateNode"):  # fmt: skip
        assert kind not in schema.TRUSTED


# --- what cannot be saved ------------------------------------------------------------------------


def test_what_would_not_load_is_not_saved(tmp_path):
    saved, X = _saved("binary")
    path = tmp_path / "m.skops"
    step = make_pipeline(FunctionTransformer(np.sqrt), saved.model[-1])
    drawn = DecisionTreeClassifier(random_state=np.random.RandomState(0))
    drawn.fit(saved.model[0].transform(X), _target(X, "binary"))
    drawn = make_pipeline(saved.model[0], drawn)
    for bad, reason in (
        (Saved(step, None, saved.about), "cannot be saved"),
        (Saved(drawn, None, saved.about), "RandomState"),
        (Saved(saved.model, saved.model, saved.about), "grown is a Pipeline"),
        (Saved(saved.model[-1], None, saved.about), "Pipeline of two steps"),
        (Saved(saved.model, None, {**saved.about, "labels": ["one"]}), "1 labels, the model 2"),
        (Saved(saved.model, None, {**saved.about, "task": "regression"}), "the task is"),
    ):
        with pytest.raises(UntrustedModelError, match=reason):
            save_model(bad, path)
    for value in (math.inf, object()):
        with pytest.raises(ValueError, match="about must be plain data"):
            save_model(Saved(saved.model, None, {**saved.about, "decision": value}), path)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_nothing(tmp_path):
    (tmp_path / "m.skops").mkdir()
    with pytest.raises(IsADirectoryError):
        save_model(_saved("binary")[0], tmp_path / "m.skops")
    assert [p.name for p in tmp_path.iterdir()] == ["m.skops"]


# --- files that are no saved models --------------------------------------------------------------


class Touches:
    """Unpickling it would leave a file behind."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (Path.touch, (Path(self.path),))


@pytest.mark.parametrize("function", [load_model, check_model])
def test_what_is_no_file_of_a_model(function, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(b"PK\x03\x04" + bytes(100))
    for name, reason, limit in (
        ("none", "no such file", 10**6),
        ("", "is a directory", 10**6),
        ("pipe", "is not a regular file", 10**6),
        ("empty", "is empty", 10**6),
        ("large", "has 104 bytes, more than the limit of 50", 50),
        ("a\0b", "cannot be read", 10**6),
    ):
        with pytest.raises(UntrustedModelError, match=reason):
            function(tmp_path / name, limit=limit)


def test_pickles_are_never_loaded(refused, tmp_path):
    touched = tmp_path / "touched"
    for raw in (pickle.dumps(Touches(touched)), pickle.dumps(Touches(touched), protocol=0)):
        refused(raw, "a pickle is never loaded, because loading one can run any code")
    assert not touched.exists()
    pickle.loads(pickle.dumps(Touches(touched)))
    assert touched.exists()  # the bait works


def test_pickles_inside_arrays_are_never_loaded(refused, tmp_path, binary):
    touched, out = tmp_path / "touched", io.BytesIO()
    bait = np.empty(1, dtype=object)
    bait[0] = Touches(touched)
    np.save(out, bait, allow_pickle=True)
    for name in ("0.npy", "2.npy"):
        refused(_zipped({**_members(binary), name: out.getvalue()}), "holds objects.*a pickle can")
    refused(_zipped({**_members(binary), "0.npy": pickle.dumps(Touches(touched))}), "not an array")
    assert not touched.exists()


@pytest.mark.parametrize("cut", [3, 30, 200, -1000, -22, -1])
def test_files_cut_short(refused, binary, cut):
    refused(binary[:cut], "damaged or cut short|not a saved model")


def test_other_archives(refused, binary):
    members = _members(binary)
    refused(_zipped({"a.txt": b"text"}), "has a member 'a.txt'")
    refused(_zipped({"0.npy": b"text"}), "has no schema.json")
    for name in ("../0.npy", "/0.npy", "a/0.npy", "..\\0.npy", "C:0.npy", "0.npy/", "00.npy",
                 "0.NPY", "schema.json ", "\x1b[31m", "١.npy"):  # fmt: skip
        refused(_zipped({**members, name: b""}), "has a member")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refused(_zipped([*members.items(), ("0.npy", b"")]), "has two members named 0.npy")
    refused(_zipped({**members, "999.npy": members["0.npy"]}), "999.npy belongs to nothing")
    refused(_zipped({**members, "1.npy": b""}), "1.npy: not an array")
    refused(binary + b"\0", "damaged or cut short")
    refused(_zipped(members, compression=zipfile.ZIP_LZMA), "compressed in a way")
    refused(_zipped(members, compression=zipfile.ZIP_BZIP2), "compressed in a way")


def _patched(raw: bytes, offset: int, value: bytes, name: str) -> bytes:
    """The table of contents with other bytes in the entry of a member."""
    at = raw.index(b"PK\x01\x02", raw.rindex(b"PK\x03\x04"))
    while raw[at + 46 : at + 46 + len(name)] != name.encode():
        at = raw.index(b"PK\x01\x02", at + 4)
    return raw[: at + offset] + value + raw[at + offset + len(value) :]


def test_bombs(refused, binary, monkeypatch):
    members = _members(binary)
    flat = _zipped({**members, "0.npy": bytes(2**22)}, compression=zipfile.ZIP_DEFLATED)
    refused(flat, "a decompression bomb")
    refused(_zipped({**members, "schema.json": b" " * (5 * 2**20)}), "the limit is 4194304")
    # Says less than it unpacks to, says more, and says all of memory.
    refused(_patched(binary, 24, (100).to_bytes(4, "little"), "schema.json"), "damaged")
    refused(_patched(binary, 24, (10**6).to_bytes(4, "little"), "0.npy"), "damaged|unpacks to")
    refused(_patched(binary, 24, (2**32 - 2).to_bytes(4, "little"), "0.npy"), "bomb|unpacks to")
    with monkeypatch.context() as patch:
        patch.setattr(archive, "UNPACKED_LIMIT", 50_000)
        refused(binary, "the limit is 50000")
    with monkeypatch.context() as patch:
        patch.setattr(archive, "MEMBER_LIMIT", 3)
        refused(binary, "members; the limit is 3")
    with monkeypatch.context() as patch:
        patch.setattr(archive, "DIRECTORY_LIMIT", 100)
        refused(binary, "table of contents")
    zip64 = binary[:-22] + b"PK\x06\x07" + bytes(16) + binary[-22:]
    refused(zip64, "zip64")
    refused(_patched(binary, 8, b"\x01\x00", "0.npy"), "encrypted")


def test_overlapping_members_do_not_multiply(refused, binary):
    """Two entries of the table of contents that point to one piece of packed data."""
    members = {**_members(binary), "900.npy": b""}
    raw = _zipped(members)
    offset = next(i.header_offset for i in zipfile.ZipFile(io.BytesIO(raw)).infolist()
                  if i.filename == "0.npy")  # fmt: skip
    refused(
        _patched(raw, 42, offset.to_bytes(4, "little"), "900.npy"), "damaged|belongs to nothing"
    )


# --- descriptions --------------------------------------------------------------------------------


def test_descriptions_that_are_none(refused, binary):
    members = _members(binary)
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    nested = b"[" * 900 + b"]" * 900
    good = members["schema.json"]
    for raw, reason in (
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "no description"),
        (b"null", "no description"),
        (b"{}", "the protocol is None"),
        (deep, "nested too deeply"),
        (b'{"protocol":2,"_skops_version":"1","x":' + nested + b"}", "nested too deeply"),
        (good.replace(b'"protocol":2', b'"protocol":99'), "the protocol is 99; 2 is read"),
        (good.replace(b'"protocol":2', b'"protocol":true'), "the protocol is True"),
        (good.replace(b'"protocol":2', b'"protocol":2.0'), "the protocol is 2.0"),
        (good.replace(b'"protocol":2', b'"protocol":0'), "the protocol is 0"),
        (good.replace(b'"protocol":2', b'"protocol":2,"protocol":2'), "something twice"),
        (good.replace(b'"protocol":2', b'"protocol":' + b"9" * 5000), "not JSON|the protocol"),
        (b'{"protocol":2,"_skops_version":"1"}', "something else where a node"),
    ):
        refused(_zipped({**members, "schema.json": raw}), reason)


def _first(root, loader: str):
    """The first node of a kind."""
    waiting = [root]
    while waiting:
        part = waiting.pop(0)
        if isinstance(part, dict):
            if part.get("__loader__") == loader:
                return part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    raise LookupError(loader)


def _json(value) -> dict:
    node = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode"}
    return {**node, "content": json.dumps(value), "is_json": True}


def _list(*nodes, kind: str = "list") -> dict:
    loader = {"list": "ListNode", "tuple": "TupleNode"}[kind]
    return {
        "__class__": kind,
        "__module__": "builtins",
        "__loader__": loader,
        "content": list(nodes),
    }


def _evil_nodes() -> dict[str, dict]:
    """A node of each kind that skops can call something with."""
    args = _list(_json("touch touched"), kind="tuple")
    system = {"__class__": "system", "__module__": "os"}
    empty = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {},
             "key_types": _list()}  # fmt: skip
    return {
        "function": {**system, "__loader__": "FunctionNode"},
        "type": {**system, "__loader__": "TypeNode"},
        "eval": {"__class__": "eval", "__module__": "builtins", "__loader__": "TypeNode"},
        "map": {"__class__": "map", "__module__": "builtins", "__loader__": "TypeNode"},
        "constructor": {**system, "__loader__": "ConstructorFromReduceNode", "content": args},
        "object": {"__class__": "Popen", "__module__": "subprocess", "__loader__": "ObjectNode",
                   "content": empty},
        "other estimator": {"__class__": "BaggingClassifier", "__loader__": "ObjectNode",
                            "__module__": "sklearn.ensemble._bagging", "content": empty},
        "partial": {"__class__": "partial", "__module__": "functools", "__loader__": "PartialNode",
                    "content": {"func": {**system, "__loader__": "FunctionNode"}, "args": args,
                                "kwds": empty, "namespace": _json(None)}},
        "operator": {"__class__": "call", "__module__": "operator", "attrs": args,
                     "__loader__": "OperatorFuncNode"},
        "method": {"__class__": "str", "__module__": "builtins", "__loader__": "MethodNode",
                   "content": {"func": "format", "obj": _json("{}")}},
        "loss": {**system, "__loader__": "LossNode", "__reduce__": {"args": args},
                 "content": empty},
        "cached": {"__class__": "str", "__module__": "builtins", "__loader__": "CachedNode",
                   "__id__": 7},
        "generator": {"__class__": "Generator", "__module__": "numpy.random._generator",
                      "__loader__": "RandomGeneratorNode",
                      "content": {"bit_generator": empty, "seed_seq": empty}},
        "list that is none": {**system, "__loader__": "ListNode", "content": [_json("x")]},
        "array that is none": {**system, "__loader__": "NdArrayNode", "type": "numpy",
                               "file": "0.npy"},
        "numpy function": {"__class__": "load", "__module__": "numpy",
                           "__loader__": "FunctionNode"},
        "kind of its own": {"__class__": "x", "__module__": "y", "__loader__": "__init__"},
    }  # fmt: skip


@pytest.mark.parametrize("name", _evil_nodes())
@pytest.mark.parametrize("place", ["criterion", "extra", "hidden"])
def test_types_that_are_not_on_the_list(refused, binary, tmp_path, monkeypatch, name, place):
    monkeypatch.chdir(tmp_path)
    node = _evil_nodes()[name]

    def change(root):
        if place == "hidden":  # in a part that nothing should read
            root["more"] = [{"a": node}]
            return
        grown = root["content"]["grown"]["content"]
        grown["content"]["criterion" if place == "criterion" else "extra_"] = node
        if place == "extra":
            grown["key_types"]["content"].append(grown["key_types"]["content"][0])

    raw = _with_root(binary, change)
    refused(raw, "which is not on the list of trusted types")
    listed = {
        (t["kind"], t["type"]): t["trusted"] for t in check_model(tmp_path / "model.skops")["types"]
    }
    assert listed[(node["__loader__"], f"{node['__module__']}.{node['__class__']}")] is False
    assert list(listed.values()).count(False) >= 1
    assert not (tmp_path / "touched").exists()


def test_parts_that_only_one_reader_would_see(refused, binary):
    """An id makes skops take another node's content; a key without a type makes it drop the key."""
    tree = lambda root: root["content"]["model"]["content"]["content"]  # noqa: E731
    for change, reason in (
        (lambda r: _first(r, "TreeNode").update(__id__=5), "odd: '__id__'"),
        (lambda r: _first(r, "ListNode").update(__id__=5), "odd: '__id__'"),
        (lambda r: _first(r, "TreeNode")["content"]["key_types"]["content"].pop(), "one type for"),
        (lambda r: _first(r, "SliceNode")["content"].update(stop="9"), "from integer to integer"),
        (lambda r: _first(r, "JsonNode").update(content="[1"), "is not JSON"),
        (lambda r: _first(r, "JsonNode").update(content="[1]"), "must be one number"),
        (lambda r: _first(r, "JsonNode").update(is_json=False), "must be JSON text"),
        (lambda r: _first(r, "NdArrayNode").update(type="pickle"), "possible are numpy and json"),
        (lambda r: _first(r, "NdArrayNode").update(type=["json"]), "possible are numpy and json"),
        (lambda r: _first(r, "TreeNode").pop("__reduce__"), "odd: '__reduce__'"),
        (lambda r: _first(r, "TreeNode").update(__reduce__={"args": _list()}), "three arguments"),
        (lambda r: _first(r, "ObjectNode").update(content=_list()), "a dict of attributes"),
        (lambda r: tree(r).pop("steps"), "one type for each key"),
        (lambda r: r.pop("_skops_version"), "which version of skops"),
        (lambda r: r.update(_skops_version=3), "which version of skops"),
        (lambda r: r["content"].update(about=_json(3)), "about: is not JSON"),
        (lambda r: r["content"].update(about=_json("3")), "about: is not a JSON object"),
        (lambda r: r["content"].update(about=_json("[" * 10**5)), "about: is not JSON"),
        (lambda r: r["content"].update(model=_json("a")), "belongs to nothing"),
        (lambda r: r["content"].update(grown=_json("a")), "belongs to nothing"),
        (lambda r: r["content"].update(grown=_first(r, "TreeNode")), "to nothing|grown: is"),
        (lambda r: {**_json(1), "protocol": 2, "_skops_version": "1"}, "belongs to nothing"),
    ):
        refused(_with_root(binary, change), reason)


def test_references_to_members(refused, binary):
    for name in ("schema.json", "../0.npy", "999.npy", 3, None):
        refused(
            _with_root(binary, lambda r, n=name: _deep_arrays(r)[0].update(file=n)),
            "there is no array",
        )


def _deep_arrays(root) -> list[dict]:
    """All nodes of arrays that are members, in the order in which they are described."""
    if isinstance(root, dict):
        own = [root] if root.get("type") == "numpy" else []
        return own + [node for part in root.values() for node in _deep_arrays(part)]
    if isinstance(root, list):
        return [node for part in root for node in _deep_arrays(part)]
    return []


@pytest.mark.parametrize(
    "attribute, value, reason",
    [
        ("predict", "x", "cannot have an attribute 'predict'"),
        ("__class__", "x", "a node without kind, module or class"),
        ("a b", "x", "cannot have an attribute 'a b'"),
        ("memory", "/", "a Pipeline has memory='/'; possible is None"),
    ],
)
def test_attributes_that_shadow_methods(refused, binary, attribute, value, reason):
    def change(root):
        content = root["content"]["model"]["content"]
        if attribute not in content["content"]:
            content["key_types"]["content"].append(content["key_types"]["content"][0])
        content["content"][attribute] = _json(value)

    refused(_with_root(binary, change), reason)


def test_a_tree_where_none_belongs_is_not_constructed(refused, binary):
    """Hidden in the encoder, it would meet `__setstate__` unchecked."""

    def change(root):
        tree = json.loads(json.dumps(_first(root["content"]["grown"], "TreeNode")))
        tree["content"]["content"]["node_count"] = _json(10**6)
        steps = root["content"]["model"]["content"]["content"]["steps"]["content"]
        steps[0]["content"][1]["content"]["content"]["_remainder"] = tree

    refused(_with_root(binary, change), "has 3 trees, of which only 2 stand where trees belong")


def test_text_of_the_file_cannot_speak_to_the_terminal(refused, binary):
    evil = {"__class__": "\x1b[2J\n‮" * 50, "__module__": "m", "__loader__": "ObjectNode"}
    message = refused(
        _with_root(binary, lambda r: r["content"].update(grown=evil)), "not on the list"
    )
    assert "\\x1b[2J" in message


def _objects(part) -> list[dict]:
    """All nodes of objects, in the order in which they are described."""
    if isinstance(part, dict):
        own = [part] if part.get("__loader__") == "ObjectNode" else []
        return own + [node for value in part.values() for node in _objects(value)]
    return [n for value in part for n in _objects(value)] if isinstance(part, list) else []


def _with_attribute(raw: bytes, cls: str, name: str, value) -> bytes:
    """The file with an attribute of the first object of a class."""

    def change(root):
        node = next(node for node in _objects(root) if node["__class__"] == cls)["content"]
        if name not in node["content"]:
            text = {"__class__": "str", "__module__": "builtins", "__loader__": "TypeNode"}
            node["key_types"]["content"].append(text)
        node["content"][name] = value

    return _with_root(raw, change)


@pytest.fixture(scope="module")
def linear() -> bytes:
    return model_bytes(_linear(LogisticRegression(max_iter=500))[0])


def test_attributes_that_no_version_writes(refused, binary, linear):
    """Whatever they hold would be constructed, for nothing."""
    met = set()
    for raw in (binary, linear):
        for node in _objects(json.loads(_members(raw)["schema.json"])):
            cls = node["__class__"]
            if cls not in met:
                met.add(cls)
                bad = _with_attribute(raw, cls, "zzz", _json(1))
                refused(bad, f"{cls} cannot have an attribute 'zzz'")
    assert met >= {"Pipeline", "ColumnTransformer", "OneHotEncoder", "NameCombiner",
                   "SimpleImputer", "MissingIndicator", "StandardScaler", "FunctionTransformer",
                   "LogisticRegression", "DecisionTreeClassifier"}  # fmt: skip
    for odd in (_json(1), _list()):  # a name that another class may have
        refused(_with_attribute(binary, "Pipeline", "tree_", odd), "Pipeline cannot have an attr")


def test_the_lists_of_attributes():
    assert set(attributes._FITTED) == schema.TRUSTED["ObjectNode"]
    for name, fitted in attributes._FITTED.items():
        module, _, cls = name.rpartition(".")
        known = getattr(importlib.import_module(module), cls, None)  # one is gone since 1.7
        for attribute in fitted | set(inspect.signature(known).parameters if known else ()):
            assert re.fullmatch(r"_?[a-zA-Z][a-zA-Z0-9_]*", attribute)
            assert not callable(getattr(known, attribute, None)), (name, attribute)


@pytest.mark.parametrize("is_class", [True, False])
@pytest.mark.parametrize("output", ["default", "pandas"])
@pytest.mark.parametrize("everywhere", [True, False])
def test_all_that_fitting_writes_is_on_the_lists(is_class, output, everywhere):
    """In this version of scikit-learn; the suite runs on the oldest and the newest."""
    X = _rows()
    X["n"] = X["age"].fillna(0.0)
    y = _target(X, "binary" if is_class else "regression")
    given = {"min_samples_leaf": 5, "monotonic_cst": [1, 0, 0], "random_state": 0}
    if is_class:
        tree = DecisionTreeClassifier(class_weight="balanced", **given)
    else:
        tree = DecisionTreeRegressor(**given)
    task, labels = ("binary", ["no", "yes"]) if is_class else ("regression", [])
    with sklearn.config_context(**({"transform_output": output} if everywhere else {})):
        part = ColumnTransformer(
            [
                ("number", "passthrough", ["n"]),
                ("category", OneHotEncoder(sparse_output=False), ["flag"]),
            ]
        )
        model = make_pipeline(part if everywhere else part.set_output(transform=output), tree)
        model.fit(X[["n", "flag"]], y)
        about = about_model(model, name="a", target="y", task=task, labels=labels)
        assert model_bytes(Saved(model, model[-1], about))
        first = encoder(X, 8).set_output(transform=output).fit(X)
        inner = LogisticRegression(max_iter=500) if is_class else Ridge(solver="lsqr")
        last = scaled(model_columns(first), inner)
        last.fit(first.transform(X), y)
        model = make_pipeline(first, last)
        about = about_model(model, name="a", target="y", task=task, labels=labels)
        assert model_bytes(Saved(model, None, about))


@pytest.mark.parametrize(
    "cls, name, value",
    [
        ("ColumnTransformer", "n_jobs", 60),
        ("ColumnTransformer", "n_jobs", -1),
        ("ColumnTransformer", "n_jobs", 1.0),
        ("ColumnTransformer", "n_jobs", "60"),
        ("LogisticRegression", "n_jobs", 2),
        ("ColumnTransformer", "verbose", True),
        ("LogisticRegression", "verbose", 1),
        ("Pipeline", "verbose", "x"),
        ("Pipeline", "transform_input", "x"),
        ("ColumnTransformer", "transformer_weights", 2),
        ("FunctionTransformer", "func", "x"),
        ("FunctionTransformer", "kw_args", 0),
        ("ColumnTransformer", "_sklearn_output_config", "polars"),
    ],
)
def test_settings_that_would_start_print_or_import(refused, linear, cls, name, value):
    said = re.escape(f"a {cls} has {name}={value!r}; possible ")
    refused(_with_attribute(linear, cls, name, _json(value)), said)


@pytest.mark.parametrize("kind", ["polars", "nonsense", None])
def test_output_of_another_library(refused, binary, kind):
    def change(root):
        node = next(n for n in _objects(root) if n["__class__"] == "ColumnTransformer")
        node["content"]["content"]["_sklearn_output_config"]["content"]["transform"] = _json(kind)

    refused(_with_root(binary, change), "a ColumnTransformer has _sklearn_output_config=")


def test_settings_are_named_when_a_model_is_saved():
    saved, _ = _saved("binary")
    saved.model[0].n_jobs = 2
    with pytest.raises(UntrustedModelError, match="n_jobs=2; possible are None and 1: set it"):
        model_bytes(saved)
    saved.model[0].n_jobs = 1
    assert model_bytes(saved)


def test_too_many_categories_are_named_when_a_model_is_saved(monkeypatch):
    monkeypatch.setattr(writing, "SCHEMA_LIMIT", 1000)
    with pytest.raises(UntrustedModelError, match=r"saved: its description takes .* 1000"):
        model_bytes(_saved("binary")[0])


# --- memory --------------------------------------------------------------------------------------


def test_an_array_counts_as_often_as_it_is_referred_to(refused, binary, monkeypatch):
    """skops reads it anew each time."""
    raw = _zipped({**_members(binary), "900.npy": _npy(np.zeros(1000))})
    array = {"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode"}
    array |= {"type": "numpy", "file": "900.npy"}
    cls = "DecisionTreeClassifier"
    monkeypatch.setattr(schema, "UNPACKED_LIMIT", 100_000)
    refused(_with_attribute(raw, cls, "monotonic_cst", _list(*[array] * 15)), "more than 100000 b")
    few = _with_attribute(raw, cls, "monotonic_cst", _list(*[array] * 3))
    assert schema.parsed(archive.members_of(few)).value is not None


def test_lack_of_memory_is_no_fault_of_the_file(binary, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise MemoryError

    path = _put(tmp_path, binary)
    with monkeypatch.context() as patch:
        patch.setattr(schema.np, "load", full)
        with pytest.raises(MemoryError):
            load_model(path)
    # Python's parser says the same of a header with too many signs.
    good = _npy(np.zeros(7))
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"-" * 9000 + b"7,), }\n"
    raw = good[:8] + len(header).to_bytes(2, "little") + header + bytes(56)
    with pytest.raises(UntrustedModelError, match=r"0\.npy: not an array"):
        load_model(_put(tmp_path, _zipped({**_members(binary), "0.npy": raw})))


_WITHIN = """
import resource, sys
from pathlib import Path
from treeprune.exceptions import UntrustedModelError
from treeprune.saving import load_model
good, megabytes, *bad = sys.argv[1:]
load_model(good)  # what is needed in any case
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + int(megabytes) * 2**20,) * 2)
for path in bad:
    try:
        load_model(path)
        print("loaded")
    except UntrustedModelError as error:
        print(error)
"""


def _long_description(members: dict[str, bytes], unit: str) -> bytes:
    """A file of a few kilobytes whose description is as long as may be, of many small parts."""
    text = members["schema.json"].decode()
    noise = np.random.default_rng(0).bytes(20_000).hex()  # or it would be taken for a bomb
    head = f'{{"noise":"{noise}","more":['
    n = (archive.SCHEMA_LIMIT - len(head) - len(text) - 10) // (len(unit) + 1)
    long = f"{head}{','.join([unit] * n)}],{text[1:]}".encode()
    assert archive.SCHEMA_LIMIT - 100 < len(long) <= archive.SCHEMA_LIMIT
    raw = _zipped({**members, "schema.json": long}, compression=zipfile.ZIP_DEFLATED)
    assert len(raw) < 200_000
    return raw


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is read, and the limit is kept")
def test_small_files_stay_small(binary, tmp_path):
    """Each would take gigabytes, or could with a longer description."""
    members, cls = _members(binary), "DecisionTreeClassifier"
    million = _zipped({**members, "900.npy": _npy(np.random.default_rng(0).random(10**6))})
    array = {"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode"}
    array |= {"type": "numpy", "file": "900.npy"}
    cases = [
        (_with_attribute(million, cls, "monotonic_cst", _list(*[array] * 2000)), "as often as it"),
        (_with_attribute(million, cls, "zzz", array), "cannot have an attribute 'zzz'"),
        *((_long_description(members, unit), "odd: 'more'") for unit in ("0", "[]", '{"":0}')),
    ]
    paths = [tmp_path / f"{k}.skops" for k in range(len(cases))]
    for path, (raw, _) in zip(paths, cases, strict=True):
        path.write_bytes(raw)
    good = _put(tmp_path, binary)
    done = subprocess.run(
        [sys.executable, "-c", _WITHIN, str(good), "300", *map(str, paths)], cwd=ROOT, text=True,
        capture_output=True, check=False, env={**os.environ, "PYTHONPATH": _PATHS}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    said = done.stdout.splitlines()
    assert len(said) == len(cases)
    for line, (_, reason) in zip(said, cases, strict=True):
        assert reason in line


# --- arrays and trees ----------------------------------------------------------------------------


def _npy(array: np.ndarray, **header) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    raw = out.getvalue()
    for old, new in header.items():
        text = {"shape": (b"(7,)", new), "dtype": (b"<f8", new)}[old]
        assert len(text[0]) <= len(text[1])
        # The header keeps its length: the longer word eats the padding behind it.
        at = raw.index(text[0])
        end = raw.index(b"\n", at)
        body = (raw[at:end].replace(text[0], text[1])).rstrip(b" ").ljust(end - at)
        raw = raw[:at] + body + raw[end:]
    return raw


def test_arrays_that_are_none(refused, binary):
    members, seven = _members(binary), np.zeros(7)
    good = _npy(seven)
    for raw, reason in (
        (good[:20], "0.npy: not an array"),
        (good[:-1], "0.npy: is not as long as it says"),
        (good + b"x", "0.npy: is not as long as it says"),
        (_npy(seven, shape=b"(99999999999999,)"), "not as long as it says"),
        (_npy(seven, shape=b"(-7,)"), "a shape that no part of a model has"),
        (_npy(seven, shape=b"(7,1,1,1)"), "a shape that no part of a model has"),
        (_npy(seven, dtype=b"|V8"), "neither numbers nor nodes"),
        (_npy(np.array(["a"])), "neither numbers nor nodes"),
        (_npy(np.zeros(2, [("a", "f8")])), "neither numbers nor nodes"),
        (_npy(np.zeros(2, "M8[s]")), "neither numbers nor nodes"),
        (good.replace(b"(7,)", b"((((", 1), "0.npy: not an array"),
        (b"\x93NUMPY\x03\x00" + good[8:], "not the version"),
    ):
        refused(_zipped({**members, "0.npy": raw}), reason)


def _tree_of(raw: bytes) -> tuple[dict, str, str]:
    """The node of the model's tree, and the members of its nodes and values."""
    root = json.loads(_members(raw)["schema.json"])
    tree = _first(root["content"]["model"], "TreeNode")
    state = tree["content"]["content"]
    return tree, state["nodes"]["file"], state["values"]["file"]


def _with_nodes(raw: bytes, change) -> bytes:
    members, (_, name, _) = _members(raw), _tree_of(raw)
    nodes = np.load(io.BytesIO(members[name])).copy()
    nodes = change(nodes) if callable(change) else nodes
    return _zipped({**members, name: _npy(nodes)})


def _set(field: str, node: int, value):
    def change(nodes):
        nodes[field][node] = value
        return nodes

    return change


@pytest.mark.parametrize(
    "change, reason",
    [
        (_set("left_child", 0, 10**6), "node 0 has left child 1000000"),
        (_set("left_child", 0, 2**32 + 1), "node 0 has left child 4294967297"),
        (_set("left_child", 0, -7), "node 0 has left child -7"),
        (_set("right_child", 0, 0), "node 0 has right child 0"),
        (_set("right_child", 0, 1), "is the child of 2 nodes"),
        (_set("right_child", 0, -1), "node 0 has right child -1"),
        (_set("feature", 0, 10**4), "node 0 looks at column 10000"),
        (_set("feature", 0, 2**32), "node 0 looks at column 4294967296"),
        (_set("feature", 0, -1), "node 0 looks at column -1"),
        (_set("threshold", 0, np.nan), "a threshold must be a number"),
        (_set("threshold", 0, -np.inf), "a threshold must be a number"),
        (_set("missing_go_to_left", 0, 7), "missing_go_to_left"),
        (_set("impurity", 0, np.nan), "impurities must be finite"),
        (_set("n_node_samples", 0, -1), "not negative"),
        (_set("weighted_n_node_samples", 0, np.inf), "node weights must be finite"),
        (lambda nodes: nodes[:-1], "nodes, the array has"),
        (lambda nodes: nodes[:0], "nodes, the array has"),
        (lambda nodes: nodes[[*range(len(nodes)), 0]], "nodes, the array has"),
        (lambda nodes: nodes.reshape(1, -1), "nodes are not records"),
    ],
)
def test_nodes_that_are_no_tree(refused, binary, change, reason):
    refused(_with_nodes(binary, change), reason)


def _with_tree(raw: bytes, change) -> bytes:
    def on_root(root):
        change(_first(root["content"]["model"], "TreeNode"))

    return _with_root(raw, on_root)


@pytest.mark.parametrize(
    "name, value, reason",
    [
        ("node_count", 10**9, "says it has 1000000000"),
        ("node_count", True, "must be numbers of"),
        ("node_count", -1, "must be numbers of"),
        ("max_depth", 1, "says its depth is 1"),
        ("max_depth", 99, "says its depth is 99"),
        ("max_depth", 1.0, "must be numbers of"),
        (0, 2, "looks at column|takes 2"),
        (0, 10**6, "takes 1000000 columns"),
        (0, -1, "says it has -1 columns"),
        (1, 2, "number of classes must be|belongs to nothing"),
        (2, 10**6, "1000000 outputs, must be 1"),
        (2, 0, "0 outputs, must be 1"),
    ],
)
def test_trees_that_say_what_is_not_so(refused, binary, name, value, reason):
    def change(tree):
        state, args = tree["content"]["content"], tree["__reduce__"]["args"]["content"]
        (state if isinstance(name, str) else args)[name] = _json(value)

    refused(_with_tree(binary, change), reason)


def test_arrays_of_a_tree_in_each_others_place(refused, binary):
    def change(tree):
        state = tree["content"]["content"]
        state["nodes"], state["values"] = state["values"], state["nodes"]

    refused(_with_tree(binary, change), "nodes are not records")


def test_values_and_numbers_of_classes(refused, binary):
    members, (tree, _, name) = _members(binary), _tree_of(binary)
    values = np.load(io.BytesIO(members[name]))
    classes = tree["__reduce__"]["args"]["content"][1]["file"]
    for array, reason in (
        (values[:-1], "must be float64 numbers of shape"),
        (values[:, :, :1].copy(), "must be float64 numbers of shape"),
        (np.concatenate([values, values], axis=1), "must be float64 numbers of shape"),
        (values.astype(np.float32), "must be float64 numbers"),
        (np.asfortranarray(np.repeat(values, 2, axis=1))[:, :1], "class frequencies|float64"),
        (np.full_like(values, np.nan), "must be finite"),
        (values - 1, "class frequencies"),
        (values * 2, "class frequencies"),
    ):
        if array.shape == values.shape and np.array_equal(array, values):
            continue
        refused(_zipped({**members, name: _npy(array)}), reason)
    for array in (np.array([3]), np.array([2, 2]), np.zeros(0, int), np.array([2], np.int32)):
        refused(_zipped({**members, classes: _npy(array)}), "number of classes must be|classes")


def test_nodes_of_another_version_are_refused_in_words(refused, binary):
    members, (_, name, _) = _members(binary), _tree_of(binary)
    nodes = np.load(io.BytesIO(members[name]))
    fewer = [f for f in nodes.dtype.names if f != "missing_go_to_left"]
    old = np.zeros(len(nodes), [(f, nodes.dtype[f]) for f in fewer])
    refused(_zipped({**members, name: _npy(old)}), "neither numbers nor nodes of this scikit-learn")


@pytest.fixture(scope="module")
def chain() -> bytes:
    """A tree with 60 splits, one below another, in a file."""
    X = pd.DataFrame({"x": np.arange(61.0), "k": pd.Categorical(["a", "b", "c"] * 20 + ["a"])})
    model = make_pipeline(encoder(X, 1), DecisionTreeRegressor()).fit(X, 2.0 ** np.arange(61))
    about = about_model(model, name="chain", target="y", task="regression")
    return model_bytes(Saved(model, None, about))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_one_entry_changed_is_refused_or_harmless(data, chain, tmp_path_factory):
    """In a tree one number of which is any other, rows still end in leaves."""
    members, (_, name, values) = _members(chain), _tree_of(chain)
    nodes = np.load(io.BytesIO(members[name])).copy()
    field = data.draw(st.sampled_from([*nodes.dtype.names, "value"]))
    node = data.draw(st.integers(0, len(nodes) - 1))
    number = (
        st.floats(width=64)
        if field == "value" or nodes.dtype[field].kind == "f"
        else st.integers(0, 255)
        if nodes.dtype[field].kind == "u"
        else st.integers(-3, len(nodes) + 2) | st.integers(-(2**63), 2**63 - 1)
    )
    if field == "value":
        value = np.load(io.BytesIO(members[values])).copy()
        value[node] = data.draw(number)
        members[values] = _npy(value)
    else:
        nodes[field][node] = data.draw(number)
        members[name] = _npy(nodes)
    path = _put(tmp_path_factory.mktemp("mutated"), _zipped(members))
    try:
        loaded = load_model(path).model
    except UntrustedModelError:
        assert check_model(path)["passed"] is False
        return
    X = pd.DataFrame({"x": [np.nan, -1e30, 0.0, 30.5, 1e30], "k": ["a", "b", "c", None, "d"]})
    tree = loaded[-1].tree_
    leaves = loaded[-1].apply(loaded[0].transform(X))
    assert (tree.children_left[leaves] == -1).all()
    assert loaded[-1].decision_path(loaded[0].transform(X)).shape == (5, len(nodes))


# --- the story -----------------------------------------------------------------------------------


def _with_about(raw: bytes, **changes) -> bytes:
    def change(root):
        node = root["content"]["about"]
        about = {**json.loads(json.loads(node["content"])), **changes}
        node["content"] = json.dumps(json.dumps({k: v for k, v in about.items() if v != "GONE"}))

    return _with_root(raw, change)


def test_stories_that_do_not_fit(refused, binary):
    columns = _saved("binary")[0].about["columns"]
    for changes, reason in (
        ({"format": "treeprune-model/9"}, "the format is 'treeprune-model/9'"),
        ({"seed": "GONE", "sha256": "GONE"}, "does not say seed, sha256"),
        ({"columns": columns[::-1]}, "its columns or categories are not those of the encoder"),
        ({"columns": columns[:-1]}, "its columns or categories"),
        ({"columns": [{**columns[0], "kind": "category"}, *columns[1:]]}, "its columns or categ"),
        ({"columns": [*columns[:2], {**columns[2], "categories": ["a"]}, columns[3]]}, "its colum"),
        ({"columns": None}, "its columns or categories"),
        ({"task": "multiclass"}, "the task is 'multiclass', the model's is binary"),
        ({"task": ["binary"]}, "the task is"),
        ({"labels": ["a", "b", "c"]}, "has 3 labels, the model 2 classes"),
        ({"labels": [1, 2]}, "labels must be a list of text"),
        ({"labels": None}, "labels must be a list of text"),
        ({"versions": None}, "versions must be text by name"),
        ({"versions": {"scikit_learn": "0.1"}}, "not the one in the model"),
    ):  # fmt: skip
        refused(_with_about(binary, **changes), f"about: .*{reason}")


def test_encoder_and_tree_must_fit(refused, binary):
    def drop_column(root):
        steps = root["content"]["model"]["content"]["content"]["steps"]["content"]
        parts = steps[0]["content"][1]["content"]["content"]["transformers_"]["content"]
        parts[0]["content"][2]["content"].pop()

    refused(_with_root(binary, drop_column), "the encoder makes|every raw column once")


def _one_hot(root) -> dict:
    steps = root["content"]["model"]["content"]["content"]["steps"]["content"]
    parts = steps[0]["content"][1]["content"]["content"]["transformers_"]["content"]
    return parts[1]["content"][1]["content"]["content"]


def test_encoders_that_would_write_outside_their_memory(refused, binary):
    """`transform` goes through a sparse matrix that does not check its indices."""
    members = _members(binary)
    one_hot = _one_hot(json.loads(members["schema.json"]))
    mapping = one_hot["_default_to_infrequent_mappings"]["content"][1]["file"]
    rare = one_hot["_infrequent_indices"]["content"][1]["file"]
    assert mapping != rare
    right = np.load(io.BytesIO(members[mapping]))
    for array in (right + 2**40, -right - 1, right[:-1], right.astype(float)):
        raw = _zipped({**members, mapping: _npy(array)})
        refused(raw, "does not group the rare categories of column 1 as it says")
    for array in (np.array([2**40]), np.array([-1]), np.array([1, 1]), np.zeros(0, int)):
        refused(_zipped({**members, rare: _npy(array)}), "rare categories of column 1 must be")

    def sizes(root):
        _one_hot(root)["_n_features_outs"]["content"][0] = _json(2)

    def drop(root):
        _one_hot(root)["drop"] = _json("first")

    def twice(root):
        items = _one_hot(root)["categories_"]["content"][0]["content"]
        items[0] = items[1]

    def fewer(root):
        _one_hot(root)["_infrequent_indices"]["content"].pop(0)

    refused(_with_root(binary, sizes), "makes 9 columns of column 0, not as said")
    refused(_with_root(binary, drop), "drops categories")
    refused(_with_root(binary, twice), "must stand once each")
    refused(_with_root(binary, fewer), "same number of columns everywhere|belongs to nothing")


def test_numeric_categories_must_be_in_order(tmp_path):
    from treeprune.native.stored_encoders import check_one_hot

    X = pd.DataFrame({"n": pd.Categorical([3, 1, 2, 1] * 20), "x": range(80)})
    model = make_pipeline(encoder(X, 5), DecisionTreeRegressor(max_depth=2)).fit(X, range(80))
    about = about_model(model, name="a", target="y", task="regression")
    assert about["columns"][0] == {"name": "n", "kind": "category", "categories": [1, 2, 3]}
    save_model(Saved(model, None, about), tmp_path / "m.skops")
    back = load_model(tmp_path / "m.skops").model
    assert np.array_equal(back.predict(X), model.predict(X))
    one_hot = back[0].named_transformers_["category"]
    check_one_hot(one_hot)
    for wrong in ([2, 1, 3], [1, 1, 3], [1.0, np.nan, 3.0], [1.0, np.nan, np.nan]):
        one_hot.categories_ = [np.array(wrong)]
        with pytest.raises(ValueError, match="once each, in order"):
            check_one_hot(one_hot)
    one_hot.categories_ = [np.array([1.0, 3.0, np.nan])]
    check_one_hot(one_hot)


def test_parts_that_fit_on_paper_are_asked_about_a_row(binary, tmp_path):
    """Each part is in order, but they do not agree on the order of columns."""

    def change(root):
        steps = root["content"]["model"]["content"]["content"]["steps"]["content"]
        parts = steps[0]["content"][1]["content"]["content"]["transformers_"]["content"]
        names = parts[0]["content"][1]["content"]["content"]["feature_names_in_"]["content"]
        names.reverse()  # of the columns that are passed through

    path = _put(tmp_path, _with_root(binary, change))
    with pytest.raises(UntrustedModelError, match=r"model: (does not answer|its answer)"):
        load_model(path)
    assert check_model(path)["passed"] is False


# --- versions ------------------------------------------------------------------------------------


def test_another_version_of_scikit_learn_is_said_once(binary, tmp_path):
    members = _members(binary)
    running = sklearn.__version__.encode()
    text = members["schema.json"].replace(b'\\"' + running + b'\\"', b'\\"1.6.99\\"')
    text = text.replace(b'\\\\\\"' + running + b'\\\\\\"', b'\\\\\\"1.6.99\\\\\\"')
    path = _put(tmp_path, _zipped({**members, "schema.json": text}))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_model(path)
    assert [w.category for w in caught] == [UserWarning]
    assert "saved with scikit-learn 1.6.99" in str(caught[0].message)
    assert not any(issubclass(w.category, InconsistentVersionWarning) for w in caught)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = check_model(path)
    assert report["passed"] is True
    rows = {row["name"]: row for row in report["versions"]}
    assert rows["scikit_learn"] == {
        "name": "scikit_learn",
        "saved": "1.6.99",
        "running": sklearn.__version__,
        "differs": True,
    }
    assert rows["numpy"]["differs"] is False


def test_the_report_of_a_good_file(binary, tmp_path):
    report = check_model(_put(tmp_path, binary))
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["passed"] is True and report["problems"] == []
    assert report["sha256"] == hashlib.sha256(binary).hexdigest()
    assert report["bytes"] == len(binary) and report["file"] == "model.skops"
    assert report["format"] == "treeprune-model/1" and report["about"]["seed"] == 3
    assert all(row["trusted"] for row in report["types"])
    assert {row["type"] for row in report["types"]} >= {"sklearn.tree._tree.Tree"}
    assert [row["name"] for row in report["trees"]] == ["model", "grown"]
    assert 1 < report["trees"][0]["leaves"] < report["trees"][1]["leaves"] and all(
        row["checked"] for row in report["trees"]
    )


# --- chance --------------------------------------------------------------------------------------

_FUZZ = """
import json, random, sys, warnings
sys.path.insert(0, {tests!r})
import numpy as np
from pathlib import Path
from test_saving import UntrustedModelError, _members, _rows, _zipped, check_model, load_model
warnings.simplefilter("ignore")
path, raw = Path({path!r}), Path({path!r}).read_bytes()
mutated, X, draw = path.with_suffix(".bad"), _rows(40), random.Random(int(sys.argv[1]))
wanted = load_model(path).model.predict_proba(X)
counts = dict(refused=0, equal=0, other=0)

def leaf(part, found):
    for key in part if isinstance(part, dict) else range(len(part)):
        found.append((part, key))
        if isinstance(part[key], (dict, list)):
            leaf(part[key], found)
    return found

def described():
    members = _members(raw)
    root = json.loads(members["schema.json"])
    for _ in range(draw.choice([1, 1, 2])):
        part, key = draw.choice(leaf(root, []))
        kind = draw.randrange(4)
        if kind == 0:
            del part[key]
        elif kind == 1:
            part[key] = draw.choice([None, -1, 0, 2**70, 1.5, "", "x", [], {{}}, True, '"a"',
                                     "null", "-1", "[]", "NaN", "123456789012345678901234567890"])
        elif kind == 2:
            part[key] = json.loads(json.dumps(draw.choice(leaf(root, []))[0]))
        elif isinstance(part, list):
            part.insert(key, part[key])
    return _zipped({{**members, "schema.json": json.dumps(root).encode()}})

def arrays():
    members = _members(raw)
    name = draw.choice(sorted(set(members) - {{"schema.json"}}))
    content = bytearray(members[name])
    for _ in range(draw.choice([1, 2, 8])):
        content[draw.randrange(len(content))] = draw.randrange(256)
    return _zipped({{**members, name: bytes(content)}})

def flipped():
    content = bytearray(raw)
    for _ in range(draw.choice([1, 1, 2, 8])):
        at = draw.randrange(len(content)) if draw.random() < .7 else -1 - draw.randrange(1500)
        content[at] ^= 1 << draw.randrange(8)
    if draw.random() < .2:
        content = content[: draw.randrange(len(content))]
    return bytes(content)

for turn in range({turns}):
    make = draw.choice([described, arrays, flipped])
    mutated.write_bytes(make())
    try:
        model = load_model(mutated).model
    except UntrustedModelError as error:
        assert str(error).removeprefix(str(mutated)).isprintable()
        counts["refused"] += 1
        try:
            assert check_model(mutated)["passed"] is False
        except UntrustedModelError:
            pass
        continue
    assert check_model(mutated)["passed"] is True
    try:
        same = np.array_equal(model.predict_proba(X), wanted)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        same = False  # another model, which does not take these rows; it does not crash
    assert same or make is not flipped, "damage has changed a prediction"
    counts["equal" if same else "other"] += 1
print(json.dumps(counts))
"""


def test_damage_is_refused_or_harmless_and_never_crashes(binary, tmp_path):
    path = _put(tmp_path, binary)
    code = _FUZZ.format(tests=str(ROOT / "tests"), path=str(path), turns=500)
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code, "0"], cwd=ROOT, text=True, timeout=300,
        capture_output=True, check=False, env={**os.environ, "PYTHONPATH": _PATHS},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout)
    assert counts["refused"] > 300 and counts["equal"] > 10
