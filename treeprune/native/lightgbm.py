"""LightGBM's boosters: what they say of rows, and the text that says what they are.

Every answer about rows is LightGBM's own, after a look at the rows: it goes by the position of
columns, whatever their names. Structure comes from the text in which a booster saves itself,
which `lightgbm_text` reads; it covers the trees that the model predicts with, those up to the best
iteration.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from ..exceptions import MalformedModelError, UnsupportedModelError
from ..trees import Splits, Trees
from .lightgbm_text import column_names, read_splits, read_trees

__all__ = [
    "NOT_PRUNED",
    "apply",
    "check_columns",
    "contributions",
    "input_categories",
    "raw_score",
    "read",
    "row_weights",
    "splits",
    "write",
]

Array = npt.NDArray

NOT_PRUNED = (
    "LightGBM models can be read and explained; pruning them is not built yet "
    "(treeprune.native.supported() lists what can be pruned)"
)


def _booster(model: Any) -> Any:
    """The booster inside scikit-learn's interface, or the model itself."""
    return model.booster_ if hasattr(type(model), "booster_") else model


def _text(model: Any) -> str:
    """The text of the trees that the model predicts with: up to the best iteration."""
    if hasattr(model, "get_params") and model.get_params().get("pred_early_stop"):
        raise UnsupportedModelError(
            "with pred_early_stop=True the model skips trees for some rows, so that its trees do "
            "not say what it predicts; use set_params(pred_early_stop=False)"
        )
    return _booster(model).model_to_string()


def _bare(name: Any) -> str:
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
    if [_bare(name) for name in names] != [_bare(name) for name in trained]:
        raise ValueError(
            "The feature names should match those that were passed during fit, in the same "
            f"order: got {list(names)[:10]}, the model has {list(trained)[:10]} (LightGBM itself "
            "goes by position and would not notice)"
        )


def apply(model: Any, X: Any) -> npt.NDArray[np.int32]:
    """Leaves as the model itself finds them (`pred_leaf`), counted among all nodes."""
    text = _text(model)
    check_columns(model, X)
    leaf = np.asarray(model.predict(X, pred_leaf=True))
    leaf = leaf.reshape(len(leaf), -1).astype(np.int64)
    end = text.find("\nend of trees")
    n_leaves = np.array(re.findall(r"^num_leaves=(\d+)$", text[:end], re.MULTILINE), dtype=np.int64)
    if len(n_leaves) != leaf.shape[1]:
        raise MalformedModelError(
            f"the model predicts with {leaf.shape[1]} trees and saves {len(n_leaves)}"
        )
    start = np.concatenate([[0], np.cumsum(2 * n_leaves - 1)[:-1]])
    return (leaf + start + n_leaves - 1).astype(np.int32)


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
    if "\nis_linear=1\n" in booster.model_to_string():
        raise UnsupportedModelError(
            "LightGBM has no contributions for models with linear_tree=True; use a method that "
            "needs predictions only"
        )
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


def write(model: Any, is_leaf: Array, value: Array | None = None) -> Any:
    """Refused."""
    raise UnsupportedModelError(NOT_PRUNED)


def row_weights(model: Any, y: Array, sample_weight: Array | None) -> npt.NDArray[np.float64]:
    """Refused: only pruning asks."""
    raise UnsupportedModelError(NOT_PRUNED)
