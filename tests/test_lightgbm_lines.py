"""Texts that pass cannot crash LightGBM or hang it, and mean to it what they mean to us."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tracemalloc

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor
from lightgbm_models import CATS, TINY, random_rows

from treeprune import MalformedModelError, UnsupportedModelError, native
from treeprune.native import lightgbm as reader
from treeprune.native import lightgbm_text
from treeprune.native.lightgbm_lines import numbers, tree_lines
from treeprune.native.lightgbm_text import check_size, depth_within, parse, read_trees
from treeprune.native.lightgbm_write import write_text
from treeprune.saving.boosters import checked

ROWS = [[0.5, -1.0, 3.0, 2.0], [float("nan")] * 4, [float("inf"), -1e300, 1e9, -3.0]]


def fitted(**options):
    """Three classes, categories, three iterations."""
    Z = random_rows(np.random.default_rng(0), 150, missing=True)
    y = np.digitize(np.nan_to_num(Z[:, 0]) + np.isin(Z[:, 2], range(9)), [0.0, 1.0])
    params = {**TINY, **CATS, "n_estimators": 3, "num_leaves": 4, **options}
    return LGBMClassifier(**params).fit(Z, y, categorical_feature=[2])


TEXT = fitted().booster_.model_to_string()


def resized(text):
    """The text with the sizes of its trees, in bytes."""
    first = text.index("\nTree=0\n") + 1
    starts = [first + m.start() for m in re.finditer(r"(?m)^Tree=", text[first:])]
    stops = [*starts[1:], text.index("\nend of trees\n") + 1]
    sizes = [len(text[a:b].encode()) for a, b in zip(starts, stops, strict=True)]
    return re.sub("(?m)^tree_sizes=.*$", "tree_sizes=" + " ".join(map(str, sizes)), text, count=1)


def changed(pattern, new, text=TEXT):
    """The text with a regular expression replaced once."""
    found, n = re.subn(pattern, new, text, count=1, flags=re.MULTILINE)
    assert n == 1, pattern
    return resized(found)


def test_the_text_is_read_as_it_stands():
    assert resized(TEXT) == TEXT
    assert read_trees(TEXT).n_trees == 9
    assert "cat_threshold=" in TEXT


# --- what has crashed LightGBM, or made it run for ever ------------------------------------------

_FAKE = "Tree=x\nnum_leaves=2\nnum_cat=0\nleft_child=500000000\nright_child=-2\n\n\n"
_OBJECTIVE = "objective=multiclass num_class:3$"
CRAFTED = {
    "classes of the objective": (_OBJECTIVE, r"\g<0>00000"),
    "two classes of the objective": (_OBJECTIVE, r"\g<0> num_class:9"),
    "no classes of the objective": (_OBJECTIVE, "objective=multiclass"),
    "an objective of one score": (
        _OBJECTIVE,
        "objective=binary sigmoid:1",
    ),
    "an empty objective": ("objective=.*$", "objective="),
    "wide digits": ("num_tree_per_iteration=3", "num_tree_per_iteration=\uff13"),
    "wide classes": ("^num_class=3", "num_class=\uff13"),
    "a carriage return": ("^shrinkage=1$", "shrinkage=1\nzzz=1\rleft_child=500000000 -1 -2"),
    "a return in a name": ("^feature_names=Column_0", "feature_names=a\rnum_class=9"),
    "a zero byte": ("^shrinkage=1$", "shrinkage=1\0"),
    "a zero byte in a name": ("^feature_names=Column_0", "feature_names=a\0"),
    "a tab": (r"^left_child=(\S+) ", r"left_child=\1\t"),
    "a line separator": (r"^left_child=(\S+) ", "left_child=\\1\u2028"),
    "two spaces": (r"^left_child=(\S+) ", r"left_child=\1  "),
    "a space before": ("^left_child=", "left_child= "),
    "a space behind": ("^left_child=.*", r"\g<0> "),
    "an underscore": (r"^left_child=(\d)", r"left_child=0_\1"),
    "a plus": (r"^left_child=(\d)", r"left_child=+\1"),
    "a whole number as a real one": (r"^left_child=(\d)", r"left_child=\1.0"),
    "hexadecimal": (r"^threshold=\S+", "threshold=0x10"),
    "a long word": (r"^threshold=\S+", "threshold=infinity"),
    "a tree in the head": ("^feature_infos=", _FAKE + "feature_infos="),
    "a tree before the first": ("^Tree=0$", _FAKE + "Tree=0"),
    "a tree in a tree": ("^num_cat=", "Tree=7\nnum_cat="),
    "an equals sign more": ("^num_class=3", "num_class=3\n=num_class=9"),
    "two equals signs": ("^num_class=3", "num_class==3"),
    "an unknown line": ("^num_cat=", "zzz=1\nnum_cat="),
    "an unknown line of the head": ("^num_class=3", "zzz=1\nnum_class=3"),
    "a flag with a value": ("^feature_names=", "average_output=0\nfeature_names="),
    "a flag twice": ("^feature_names=", "average_output\naverage_output\nfeature_names="),
    "an empty line in a tree": ("^left_child=", "\nleft_child="),
    "an empty line in the head": ("^num_class=", "\nnum_class="),
    "no empty line behind the head": ("\n\nTree=0$", "\nTree=0"),
    "one empty line behind a tree": ("\n\n\nTree=1$", "\n\nTree=1"),
    "no sizes": ("^tree_sizes=.*\n", ""),
    "no label": ("^label_index=.*\n", ""),
    "no infos": ("^feature_infos=.*\n", ""),
    "infos of fewer columns": (r"^feature_infos=\S+ ", "feature_infos="),
    "an odd info": (r"^feature_infos=\S+", "feature_infos=1:x"),
    "an empty name": ("^feature_names=Column_0", "feature_names="),
    "odd constraints": ("^feature_infos=", "monotone_constraints=1 2\nfeature_infos="),
    "a count beyond 32 bits": (r"^leaf_count=\S+", "leaf_count=2147483648"),
    "a linear tree of no kind": ("^is_linear=0", "is_linear=2"),
    "a parameter without a colon": (r"^\[boosting: gbdt\]$", "[boosting]"),
    "a parameter that is a word": (r"^\[boosting: gbdt\]$", "boosting"),
    "a tab in a parameter": (r"^\[boosting: gbdt\]$", "[boosting: a\tb]"),
    "categories that are no list": ("^pandas_categorical:.*", 'pandas_categorical:{"a": 1}'),
    "categories of no JSON": ("^pandas_categorical:.*", "pandas_categorical:[["),
    "deep categories": ("^pandas_categorical:.*", "pandas_categorical:" + "[" * 10**5),
    "something at the end": (r"(?s)\Z", "parameters:\n[a]\n"),
}


@pytest.mark.parametrize("pattern, new", CRAFTED.values(), ids=CRAFTED)
def test_crafted_texts_are_refused(pattern, new):
    text = changed(pattern, new)
    assert text != TEXT
    raw = np.frombuffer(text.encode(), dtype=np.uint8)
    for read in (lambda: read_trees(text), lambda: checked(raw)):
        with pytest.raises((MalformedModelError, UnsupportedModelError)) as caught:
            read()
        assert str(caught.value).isprintable()


def spaced(values):
    return " ".join(map(str, values))


def chain(n, sets=None):
    """One tree in which every node has a leaf on its left; its nodes may share a category set."""
    lines = {
        "num_leaves": n + 1,
        "num_cat": 0 if sets is None else 1,
        "split_feature": spaced([0] * n),
        "split_gain": spaced([1] * n),
        "threshold": spaced([0] * n),
        "decision_type": spaced([2 if sets is None else 1] * n),
        "left_child": spaced(-j - 1 for j in range(n)),
        "right_child": spaced([*range(1, n), -n - 1][:n]),
        "leaf_value": spaced([0] * (n + 1)),
        "leaf_weight": spaced([1] * (n + 1)),
        "leaf_count": spaced([1] * (n + 1)),
        "internal_value": spaced([0] * n),
        "internal_weight": spaced([0] * n),
        "internal_count": spaced(range(n + 1, 1, -1)),
    }
    if sets is not None:
        lines |= {"cat_boundaries": f"0 {sets}", "cat_threshold": spaced([2**32 - 1] * sets)}
    lines |= {"is_linear": 0, "shrinkage": 1}
    return "".join(f"{key}={line}\n" for key, line in lines.items()) + "\n\n"


def of_blocks(blocks, n_scores=1):
    """A text of these trees."""
    objective = f"multiclass num_class:{n_scores}" if n_scores > 1 else "regression"
    head = TEXT[: TEXT.index("Tree=0")].replace("multiclass num_class:3", objective)
    head = head.replace("num_class=3", f"num_class={n_scores}")
    head = head.replace("num_tree_per_iteration=3", f"num_tree_per_iteration={n_scores}")
    body = "".join(f"Tree={j}\n{block}" for j, block in enumerate(blocks))
    return resized(head + body + TEXT[TEXT.index("end of trees") :])


ONE_LEAF = chain(0)


def test_a_category_set_is_used_once():
    assert parse(of_blocks([chain(1, sets=2)])).n_nodes == [3]
    with pytest.raises(MalformedModelError, match="each of its 1 category sets once"):
        parse(of_blocks([chain(50, sets=2)]))
    shared = of_blocks([chain(2000, sets=2000)])  # 16 MB as words, if each node had its own
    tracemalloc.start()
    with pytest.raises(MalformedModelError, match="each of its 1 category sets once"):
        parse(shared)
    assert tracemalloc.get_traced_memory()[1] < 20 * len(shared) < 2_000_000
    tracemalloc.stop()
    unused = chain(1, sets=2).replace("decision_type=1", "decision_type=2")
    with pytest.raises(MalformedModelError, match="each of its 1 category sets once"):
        parse(of_blocks([unused]))


def test_what_a_file_unpacks_to_is_bounded(monkeypatch):
    texts = {
        "trees": of_blocks([ONE_LEAF] * 120),
        "values": of_blocks([ONE_LEAF] * 120, n_scores=120),
        "categories": of_blocks([chain(1, sets=400)]),
    }
    for text in texts.values():
        check_size(text)
    monkeypatch.setattr(lightgbm_text, "_TREES_LIMIT", 119)
    monkeypatch.setattr(lightgbm_text, "_NUMBERS_LIMIT", 12_000)
    assert read_trees(texts["values"]).value.size == 14_400  # only files are bounded
    for name, words in (("trees", "has 120 trees"), ("values", "has 120"), ("categories", "12803")):
        raw = np.frombuffer(texts[name].encode(), dtype=np.uint8)
        with pytest.raises(MalformedModelError, match=f"{words}.*limit"):
            checked(raw)
    monkeypatch.setattr(lightgbm_text, "_TREES_LIMIT", 120)
    with pytest.raises(MalformedModelError, match="14400 values and categories"):
        check_size(texts["values"])


def test_contributions_of_a_chain_are_refused(monkeypatch):
    """With tens of thousands of splits in a row LightGBM's can end the process."""
    long, short = of_blocks([ONE_LEAF, chain(2001)]), of_blocks([chain(40)])
    assert not depth_within(long, 2000) and depth_within(long, 2001)
    booster = lgb.Booster(model_str=long)
    with pytest.raises(UnsupportedModelError, match="more than 2000 splits above a leaf"):
        native.contributions(booster, np.array(ROWS))
    assert native.raw_score(booster, np.array(ROWS)).shape == (3, 1, 1)
    # Many leaves alone do not make a tree deep.
    monkeypatch.setattr(reader, "_DEEPEST", 3)
    balanced = lgb.train(
        {"num_leaves": 8, "max_depth": 3, "min_data_in_leaf": 1, "verbose": -1, "num_threads": 1},
        lgb.Dataset(np.arange(64.0)[:, None], np.arange(64.0)),
        1,
    )
    assert native.read(balanced).n_leaves == 8
    native.contributions(balanced, np.zeros((1, 1)))
    with pytest.raises(UnsupportedModelError, match="more than 3 splits"):
        native.contributions(lgb.Booster(model_str=short), np.array(ROWS))


# --- what is written by LightGBM passes ----------------------------------------------------------


@pytest.mark.parametrize("names", [["ä", "b c", "=", "名前"], ["Tree", "a\tb", "end", "x=y"]])
def test_odd_names_pass(names):
    Z, y = np.random.default_rng(0).normal(size=(90, 4)), np.arange(90.0)
    params = {"num_leaves": 4, "verbose": -1, "num_threads": 1}
    model = lgb.train(params, lgb.Dataset(Z, y + 50 * Z[:, 0], feature_name=names), 3)
    assert native.splits(model).feature_names == tuple(name.replace(" ", "_") for name in names)
    new = native.write(model, native.read(model).is_leaf)
    assert new.model_to_string() == model.model_to_string()


def test_a_booster_that_never_went_through_its_text_passes():
    Z = pd.DataFrame({"a": np.arange(90.0), "c": pd.Categorical(["x", "ü", "\n"] * 30)})
    params = {"num_leaves": 4, "verbose": -1, "num_threads": 1, "monotone_constraints": [1, 0]}
    for options in ({}, {"saved_feature_importance_type": 1}, {"boosting": "dart"}):
        data = lgb.Dataset(Z, np.arange(90.0) ** 2 * 1e9, free_raw_data=False)
        model = lgb.train({**params, **options}, data, 3, keep_training_booster=True)
        text = model.model_to_string()
        assert len(parse(text).trees) == 3
        assert len(parse(lgb.Booster(model_str=text).model_to_string()).trees) == 3
    bare = lgb.Booster(model_str=text[: text.index("\nparameters:")]).model_to_string()
    assert "parameters" not in bare and len(parse(bare).trees) == 3


_REALS = st.one_of(st.floats(), st.floats(width=32).map(float))


@given(st.lists(_REALS, max_size=5), st.sampled_from([".17g", "g"]))
def test_numbers_are_what_python_reads(values, form):
    words = [format(value, form) for value in values]
    block = f"Tree=0\nsplit_gain={' '.join(words)}\n\n\n"
    found = numbers(tree_lines(block, "tree 0"), "split_gain", len(words), np.float64, "tree 0")
    np.testing.assert_array_equal(found, np.array([float(word) for word in words]))


@given(st.lists(st.integers(-(2**32), 2**32), max_size=5))
def test_whole_numbers_are_what_python_reads(values):
    block = f"Tree=0\nleaf_count={' '.join(map(str, values))}\n\n\n"
    found = numbers(tree_lines(block, "tree 0"), "leaf_count", len(values), np.int64, "tree 0")
    assert found.tolist() == values


def test_a_model_that_is_cut_again_is_not_parsed_again():
    model = fitted()
    n_nodes = native.read(model).n_nodes
    before = parse.cache_info().misses
    for share in (2, 3, 4):
        native.write(model, np.arange(n_nodes) % share == 0)
    assert parse.cache_info().misses == before + 3  # what was written


# --- fuzz ----------------------------------------------------------------------------------------

_WORDS = (
    *("", "0", "-0", "1", "-1", "2", "3", "-7", "00", "007", "1.5", ".5", "1.", "1e5", "1e+05"),
    *("1e-400", "1e999", "nan", "-nan", "inf", "-inf", "NaN", "+1", "0x1", "1_0", "99999999999"),
    *("2147483647", "2147483648", "4294967295", "-2147483648", "\uff13", "\u0664", "½", "none"),
    *("Tree=0", "Tree=1", "left_child=0 0 0", "parameters:", "end of trees", "average_output"),
    *(
        "num_class:9",
        "sigmoid:1",
        "sqrt",
        "binary",
        "custom",
        "[0:1]",
        "[a]",
        "[a: ]",
        "\n",
    ),
)
_CHARACTERS = "\t\r\x0b\x0c\x1c\x1f\x85\xa0\u2028\0 \n_+-=.:,e0123456789[]x"


def mutated(text, rng):
    """The text with one to three changes to words, characters and lines."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        kind = rng.randrange(5)
        lines = text.split("\n")
        # The parameters are most of the lines, and the least of what is read.
        stop = lines.index("parameters:") + 3 if "parameters:" in lines else len(lines)
        i, j = rng.randrange(stop), rng.randrange(stop)
        words = lines[i].split(" ")
        if kind == 0:
            key, sign, first = words[0].partition("=")
            words[0] = first if sign else words[0]
            words[rng.randrange(len(words))] = rng.choice(_WORDS)
            lines[i] = key * bool(sign) + sign + " ".join(words)
        elif kind == 1:
            at = rng.randrange(len(lines[i]) + 1)
            cut = at + rng.randrange(2)
            lines[i] = lines[i][:at] + rng.choice(_CHARACTERS) + lines[i][cut:]
        elif kind == 2:
            lines.insert(i, lines[j])
        elif kind == 3:
            lines[i], lines[j] = lines[j], lines[i]
        else:
            del lines[i]
        text = "\n".join(lines)
    return text


_USE = """
import json, sys
import lightgbm, numpy
rows = numpy.array(json.loads(sys.argv[2]))
for text in json.load(open(sys.argv[1], encoding="utf-8")):
    booster = lightgbm.Booster(model_str=text)
    for options in ({}, {"raw_score": True}, {"pred_leaf": True}, {"pred_contrib": True}):
        booster.predict(rows, num_threads=1, **options)
    booster.model_to_string()
print("used")
"""


def survivors(n, seed):
    """Mutated texts that pass, of `n`, and the cuts of some."""
    rng, out = random.Random(seed), []
    for _ in range(n):
        text = mutated(TEXT, rng)
        if rng.random() < 0.9 and "\nTree=0\n" in text and "\nend of trees\n" in text:
            text = resized(text)
        try:
            _, trees, _ = checked(np.frombuffer(text.encode(), dtype=np.uint8))
        except (MalformedModelError, UnsupportedModelError):
            continue
        mask = np.random.default_rng(0).random(trees.n_nodes) < 0.2
        out += [text, write_text(text, mask, None, fold=True)]
    return out


def test_lightgbm_survives_what_passes(tmp_path):
    texts = survivors(800, 0)
    assert len(texts) > 100
    path = tmp_path / "texts.json"
    path.write_text(json.dumps(texts), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _USE, path, json.dumps(ROWS)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout.split()[-1:]) == (0, ["used"]), done.stderr


def test_a_regressor_is_cut_and_read_again():
    """A text is refused for what it says, never for what LightGBM adds to a cut."""
    Z = random_rows(np.random.default_rng(0), 150, missing=True)
    model = LGBMRegressor(**TINY, **CATS).fit(Z, np.nan_to_num(Z[:, 0]), categorical_feature=[2])
    new = native.write(model, np.arange(native.read(model).n_nodes) % 5 == 4, fold=True)
    assert parse(new.booster_.model_to_string()).feature_names == parse(TEXT).feature_names
