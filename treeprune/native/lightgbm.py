"""LightGBM's boosters: what they say of rows, and the text that says what they are.

Every answer about rows is LightGBM's own, after a look at the rows: it goes by the position of
columns, whatever their names. Structure comes from the text in which a booster saves itself,
which `lightgbm_text` reads; it covers the trees that the model predicts with, those up to the best
iteration.
"""

from __future__ import annotations

import copy
import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import kernels
from ..exceptions import MalformedModelError, UnsupportedModelError
from ..trees import Splits, Trees
from .lightgbm_text import (
    column_names,
    depth_within,
    objective_name,
    parse,
    read_splits,
    read_trees,
)
from .lightgbm_write import write_stumps, write_text
from .sklearn_trees import row_weights as class_weights

__all__ = [
    "NOT_PRUNED",
    "apply",
    "bare_name",
    "check_columns",
    "check_prunable",
    "contributions",
    "first_rounds",
    "input_categories",
    "learning_rate",
    "monotone_constraints",
    "objective",
    "raw_score",
    "read",
    "rescales_trees",
    "row_weights",
    "splits",
    "structure",
    "with_settings",
    "write",
]

Array = npt.NDArray

NOT_PRUNED = (
    "LightGBM's ranking models can be read and explained, not pruned: what is lost by a cut is "
    "measured row by row, ranks are not"
)
# Fitted attributes that hold or describe the grown booster.
_OF_THE_GROWN = frozenset({"_Booster", "_evals_result", "_best_score", "_best_iteration"})
# What a booster holds of its training, besides its name-mangled attributes.
_OF_TRAINING = frozenset({"train_set", "valid_sets", "name_valid_sets", "train_set_version"})
_RANKING = ("lambdarank", "rank_xendcg")
# LightGBM's contributions need memory by the square of the depth, and fall into themselves by it.
_DEEPEST = 2000


def _booster(model: Any) -> Any:
    """The booster inside scikit-learn's interface, or the model itself."""
    return model.booster_ if hasattr(type(model), "booster_") else model


def _text(model: Any) -> str:
    """The text of the trees that the model predicts with: up to the best iteration."""
    _check_whole(model)
    return _booster(model).model_to_string()


def _check_whole(model: Any) -> None:
    """Refuse a model that asks some of its trees only."""
    if hasattr(model, "get_params") and model.get_params().get("pred_early_stop"):
        raise UnsupportedModelError(
            "with pred_early_stop=True the model skips trees for some rows, so that its trees do "
            "not say what it predicts; use set_params(pred_early_stop=False)"
        )


def bare_name(name: Any) -> str:
    """A column's name without what LightGBM silently changes in names (as ' ' to '_')."""
    return re.sub(r"[\s=_]", "", str(name).partition("\0")[0])


def check_columns(model: Any, X: Any) -> None:
    """Refuse what LightGBM would misread: columns in another order, types that it cannot take."""
    module = type(X).__module__.partition(".")[0]
    names = getattr(X, "column_names" if module == "pyarrow" else "columns", None)
    if module in ("polars", "pyarrow") and names is not None:
        kinds = X.dtypes if module == "polars" else X.schema.types
        allowed = re.compile(r"(u?int|float|double|half|bool)", re.IGNORECASE)
        odd = [str(n) for n, kind in zip(names, kinds, strict=True) if not allowed.match(str(kind))]
        if odd:
            raise ValueError(
                f"LightGBM takes numbers and booleans from {module}, columns {odd[:5]} hold "
                "others; give a pandas frame whose categories are those of the training rows"
            )
    trained = column_names(_booster(model).feature_name())
    if names is None or trained is None:
        return
    if [bare_name(name) for name in names] != [bare_name(name) for name in trained]:
        raise ValueError(
            "The feature names should match those that were passed during fit, in the same "
            f"order: got {list(names)[:10]}, the model has {list(trained)[:10]} (LightGBM itself "
            "goes by position and would not notice)"
        )


def apply(model: Any, X: Any, trees: Trees | None = None) -> npt.NDArray[np.int32]:
    """Leaves as the model itself finds them (`pred_leaf`), counted among all nodes."""
    _check_whole(model)
    check_columns(model, X)
    leaf = np.asarray(model.predict(X, pred_leaf=True))
    leaf = leaf.reshape(len(leaf), -1)
    if trees is None:
        text = _text(model)
        text = text[: text.find("\nend of trees")]
        counts = re.findall(r"^num_leaves=(\d+)$", text, re.MULTILINE)
        n_leaves = np.array(counts, dtype=np.int64)
    else:
        n_leaves = np.add.reduceat(trees.is_leaf, trees.roots, dtype=np.int64)
    if len(n_leaves) != leaf.shape[1]:
        raise MalformedModelError(
            f"the model predicts with {leaf.shape[1]} trees and saves {len(n_leaves)}"
        )
    start = np.concatenate([[0], np.cumsum(2 * n_leaves - 1)[:-1]])
    return np.add(leaf, start + n_leaves - 1, dtype=np.int32, casting="unsafe")


def raw_score(model: Any, X: Any) -> npt.NDArray[np.float64]:
    """What `predict(raw_score=True)` gives, shape (n_rows, 1, n_scores).

    Of a random forest that is the sum over trees, while its predictions follow from the mean: here
    it is the mean.
    """
    check_columns(model, X)
    score = np.asarray(model.predict(X, raw_score=True), dtype=np.float64)
    return score.reshape(len(score), 1, -1) / _divisor(_booster(model))


def _divisor(booster: Any) -> int:
    """What a random forest's sums must be divided by, its number of iterations; else 1."""
    if "\naverage_output\n" not in booster.model_to_string(num_iteration=1).partition("\nTree=")[0]:
        return 1
    n_trees = len(re.findall(r"^Tree=\d+$", booster.model_to_string(), re.MULTILINE))
    return max(1, n_trees // booster.num_model_per_iteration())


def contributions(model: Any, X: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What `predict(pred_contrib=True)` gives, checked to add up to `raw_score`."""
    booster = _booster(model)
    _check_explained(booster.model_to_string())
    check_columns(model, X)
    found = model.predict(X, pred_contrib=True)
    if isinstance(found, list):  # of sparse rows: a matrix a class
        table = np.stack([part.toarray() for part in found], axis=1)
    else:
        table = np.asarray(found.toarray() if hasattr(found, "toarray") else found)
        table = table.reshape(len(table), -1, booster.num_feature() + 1)
    table = table.astype(np.float64).transpose(0, 2, 1) / _divisor(booster)
    values, base = table[:, :-1], table[:, -1]
    score = raw_score(model, X)[:, 0]
    if not np.allclose(values.sum(axis=1) + base, score, rtol=1e-6, atol=1e-6):
        raise UnsupportedModelError(
            "the model's own contributions do not add up to its raw score (node counts are "
            "missing, or pred_early_stop skips trees)"
        )
    return values, base


def _check_explained(text: str) -> None:
    """Refuse models of which LightGBM has no contributions, or would end the process."""
    if "\nis_linear=1\n" in text:
        raise UnsupportedModelError(
            "LightGBM has no contributions for models with linear_tree=True; use a method that "
            "needs predictions only"
        )
    most = max(map(int, re.findall(r"\nnum_leaves=(\d+)\n", text)), default=1)
    if most - 1 > _DEEPEST and not depth_within(text, _DEEPEST):
        raise UnsupportedModelError(
            f"the model has a tree with more than {_DEEPEST} splits above a leaf, for which "
            "LightGBM's contributions can end the process; use a method that needs predictions "
            "only"
        )


def input_categories(model: Any, X: Any = None) -> dict[int, tuple[Any, ...]]:
    """Model column -> raw categories in the order of their codes."""
    booster = _booster(model)
    known = booster.pandas_categorical or []
    if X is not None:
        dtypes = getattr(X, "dtypes", ())
        columns = [j for j, kind in enumerate(dtypes) if getattr(kind, "name", "") == "category"]
        if not columns:  # codes already
            return {}
        if len(columns) != len(known):
            raise ValueError(
                f"the rows have {len(columns)} columns of categories, the model {len(known)}"
            )
    elif not known:
        return {}
    else:
        columns = _category_columns(booster.model_to_string(), known)
    return {j: tuple(names) for j, names in zip(columns, known, strict=True)}


def _category_columns(text: str, known: list[list[Any]]) -> list[int]:
    """Columns of the categories, which the text does not say if some are ordered or named by hand.

    LightGBM recodes whatever columns of categories it is given, in their order. As a rule these
    are its `categorical_feature`; those listed by hand are told by codes that they cannot have.
    """
    listed = re.search(r"^\[categorical_feature: ([\d,]*)\]$", text, re.MULTILINE)
    columns = [int(j) for j in listed[1].split(",") if j] if listed else []
    infos = re.search(r"^feature_infos=(.*)$", text, re.MULTILINE)
    ranges = infos[1].split(" ") if infos else []
    fits = len(columns) == len(known) and all(
        j < len(ranges) and _codes_fit(ranges[j], len(names))
        for j, names in zip(columns, known, strict=True)
    )
    if not fits:
        raise UnsupportedModelError(
            f"the model was fitted on {len(known)} columns of categories, of which some are "
            "ordered or categorical_feature was given by hand, and does not say which they are; "
            "give rows: treeprune.native.input_categories(model, X)"
        )
    return columns


def _codes_fit(info: str, n: int) -> bool:
    """Whether what the text says of a column's values are codes of `n` categories."""
    if info == "none":  # constant
        return True
    codes = re.fullmatch(r"-?\d+(:-?\d+)*", info)  # numbers would be [least:largest]
    return codes is not None and max(map(int, info.split(":"))) < n


def read(model: Any) -> Trees:
    """Structure and statistics of the trees that the model predicts with."""
    return read_trees(_text(model))


def splits(model: Any) -> Splits:
    """Columns, thresholds, categories and the way of missing values."""
    return read_splits(_text(model))


def objective(model: Any) -> str:
    """What the trees were grown to minimise, as the text names it."""
    return objective_name(_booster(model).model_to_string(num_iteration=1))


def check_prunable(model: Any) -> None:
    """Refuse boosters that rank, fitted, which their class does not tell."""
    if getattr(model, "fitted_", not hasattr(model, "get_params")) and objective(model) in _RANKING:
        raise UnsupportedModelError(f"{NOT_PRUNED}; the model's objective is {objective(model)}")


# --- writing -------------------------------------------------------------------------------------


def write(model: Any, is_leaf: Array, value: Array | None = None, *, fold: bool = False) -> Any:
    """The same type of model with the nodes of the mask as leaves."""
    check_prunable(model)
    return _of_text(model, write_text(_text(model), is_leaf, value, fold=fold))


def stumps(model: Any, node: Array, **told: Array) -> tuple[Any, npt.NDArray[np.int64]]:
    """The same type of model whose trees are these splits; the tree that each has become."""
    check_prunable(model)
    text, tree = write_stumps(_text(model), node, **told)
    return _of_text(model, text), tree


def _of_text(model: Any, text: str) -> Any:
    """The same type of model with other trees, from a text that has been read."""
    booster = _new_booster(_booster(model), text)
    if _booster(model) is model:
        return booster
    new = copy.copy(model)
    state = {k: v for k, v in vars(model).items() if k not in _OF_THE_GROWN}
    new.__dict__.clear()
    new.__dict__.update(copy.deepcopy(state))
    # The text ends at the best iteration, which is not a choice any more.
    new.__dict__.update(_Booster=booster, _evals_result={}, _best_score={}, _best_iteration=0)
    return new


def _new_booster(booster: Any, text: str) -> Any:
    """A booster of the same type, with what a subclass added, from a text that has been read."""
    new = object.__new__(type(booster))
    importlib.import_module("lightgbm").Booster.__init__(new, model_str=text)
    new.params = copy.deepcopy(booster.params)
    new.best_iteration = 0
    own = {k: v for k, v in vars(booster).items() if not k.startswith("_Booster__")}
    own = {k: v for k, v in own.items() if k not in _OF_TRAINING and k not in vars(new)}
    vars(new).update(copy.deepcopy(own))
    return new


# --- weights -------------------------------------------------------------------------------------


def row_weights(model: Any, y: Array, sample_weight: Array | None) -> npt.NDArray[np.float64]:
    """Sample weights times class weights times the weights of labels in LightGBM's own loss."""
    weight = class_weights(model, y, sample_weight)  # a booster has no class weights
    text = _booster(model).model_to_string(num_iteration=1)
    scale = float(_parameter(text, "scale_pos_weight", "1"))
    unbalanced = _parameter(text, "is_unbalance", "0") == "1"
    if scale == 1.0 and not unbalanced:
        return weight
    name = objective_name(text)
    if name == "multiclassova":
        raise UnsupportedModelError(
            "with multiclassova, scale_pos_weight and is_unbalance weigh a row otherwise for every "
            "class; use class_weight or sample_weight"
        )
    return weight * _label_weights(model, y, scale, unbalanced) if name == "binary" else weight


def _label_weights(model: Any, y: Array, scale: float, unbalanced: bool) -> Array:
    """Weights of rows by their label, as LightGBM's binary loss sets them from counts of rows."""
    positive = np.isin(y, model.classes_[1:]) if hasattr(model, "classes_") else y > 0
    n = int(positive.sum()), int((~positive).sum())
    rarer = (n[1] / n[0], n[0] / n[1]) if unbalanced and min(n) else (1.0, 1.0)
    return np.where(positive, max(rarer[0], 1.0) * scale, max(rarer[1], 1.0))


def _parameter(text: str, name: str, default: str) -> str:
    """A parameter of the training, as the text has it."""
    block = text[text.rfind("\nparameters:\n") :] if "\nparameters:\n" in text else ""
    found = re.search(rf"^\[{name}: (.*)\]$", block, re.MULTILINE)
    return found[1] if found else default


# --- how the model was grown ---------------------------------------------------------------------


def structure(model: Any) -> tuple[Trees, Splits, npt.NDArray[np.float64]]:
    """Trees, splits, and the sum of the loss's second derivatives in every node when it grew."""
    text = _text(model)  # the text is written once for all three
    trees = read_trees(text)
    sums = parse(text).stacked("hessian")[:, None]
    kernels.sum_up(trees.left, trees.right, sums)
    return trees, read_splits(text), sums[:, 0]


@contextmanager
def first_rounds(model: Any, n: int) -> Iterator[None]:
    """The best iteration, by which LightGBM goes unless told otherwise, is `n` for a while."""
    booster = _booster(model)
    before = booster.best_iteration
    booster.best_iteration = int(n)
    try:
        yield
    finally:
        booster.best_iteration = before


def learning_rate(model: Any) -> float:
    """By what trees were multiplied: the median, since a schedule or dart changes it; rf: 1."""
    text = _text(model)
    if "\naverage_output\n" in text.partition("\nTree=")[0]:
        return 1.0
    found = re.findall(r"^shrinkage=(\S+)$", text, re.MULTILINE)
    # The first trees have taken the start of the scores in, and say 1.
    later = found[_booster(model).num_model_per_iteration() :]
    if later:
        return float(np.median(np.array(later, dtype=np.float64)))
    return float(_parameter(text, "learning_rate", "0.1"))


def monotone_constraints(model: Any) -> npt.NDArray[np.int8] | None:
    """Direction of every column, None where none was asked for."""
    booster = _booster(model)
    asked = _parameter(booster.model_to_string(num_iteration=1), "monotone_constraints", "")
    signs = np.array(asked.split(","), dtype=np.int8) if asked else np.zeros(0, np.int8)
    if not signs.any():
        return None
    return np.resize(
        np.append(signs, np.zeros(booster.num_feature(), np.int8)), booster.num_feature()
    )


# --- settings ------------------------------------------------------------------------------------

# What LightGBM also calls these settings (its documentation, page Parameters).
_ALIASES = {
    "n_estimators": (
        *("num_iterations", "num_iteration", "n_iter", "num_tree", "num_trees", "num_round"),
        *("num_rounds", "nrounds", "num_boost_round", "max_iter"),
    ),
    "num_leaves": ("num_leaf", "max_leaves", "max_leaf", "max_leaf_nodes"),
    "learning_rate": ("shrinkage_rate", "eta"),
    "boosting_type": ("boosting", "boost"),
}


def rescales_trees(model: Any) -> bool:
    """Whether it is grown by dart."""
    params = model.get_params() if hasattr(model, "get_params") else model.params
    names = ("boosting_type", *_ALIASES["boosting_type"])
    return any(params.get(name) == "dart" for name in names)


def with_settings(model: Any, settings: dict[str, Any]) -> Any:
    """A new model of this class with the settings, and without other names of them."""
    other = {alias for name in settings for alias in _ALIASES.get(name, ())}
    kept = {k: v for k, v in model.get_params(deep=False).items() if k not in other}
    return type(model)(**{**kept, **settings})
