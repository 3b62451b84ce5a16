"""Random inputs: structures of trees, risks with ties, and small fitted models.

Structures are what the kernels take: `left`, `right`, `parent` of one or several trees, a child
after its parent. Models are really fitted, on few rows with few distinct values, so that ties,
zero-gain splits, nodes without weight and missing values occur all the time.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from inspect import signature
from typing import Any

import naive
import numpy as np
import pandas as pd
import sklearn
from hypothesis import reject
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

# Before 1.8 scikit-learn sends training rows with missing values elsewhere than `predict` does, so
# that what a node has stored is not what reaches it, and no law about rows can hold.
MISSING_VALUES_HOLD = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8)


@dataclass(frozen=True)
class Structure:
    """Children and parents of every node, -1 for none."""

    left: np.ndarray
    right: np.ndarray
    parent: np.ndarray

    @property
    def n_nodes(self) -> int:
        return len(self.left)

    @property
    def splits(self) -> np.ndarray:
        return np.flatnonzero(self.left >= 0)

    @property
    def leaves(self) -> np.ndarray:
        return np.flatnonzero(self.left < 0)

    @property
    def roots(self) -> np.ndarray:
        return np.flatnonzero(self.parent < 0)


def structure(left, right) -> Structure:
    """The structure with these children, in the types that the kernels are compiled for."""
    left, right = np.asarray(left, np.int32), np.asarray(right, np.int32)
    return Structure(left, right, naive.parents(left, right))


def grow(choices: list[int]) -> Structure:
    """Split the `c`-th (modulo) of the present leaves for every `c`: any shape can come out."""
    left, right, leaves = [-1], [-1], [0]
    for c in choices:
        t = leaves.pop(c % len(leaves))
        left[t], right[t] = len(left), len(left) + 1
        leaves += [len(left), len(left) + 1]
        left += [-1, -1]
        right += [-1, -1]
    return structure(left, right)


def chain(n_splits: int, deep: str = "right") -> Structure:
    """The deepest tree: every split has a leaf on one side and all the rest on the other.

    `right`: numbered from the root down, as scikit-learn does; `left`: all splits come first.
    """
    left, right = np.full(2 * n_splits + 1, -1), np.full(2 * n_splits + 1, -1)
    if deep == "right":
        splits = np.arange(0, 2 * n_splits, 2)
        left[splits], right[splits] = splits + 1, splits + 2
    else:
        splits = np.arange(n_splits)
        left[splits], right[splits] = splits + 1, 2 * n_splits - splits
    return structure(left, right)


def join(trees: list[Structure]) -> Structure:
    """Several trees, one after another."""
    offsets = np.cumsum([0, *(tree.n_nodes for tree in trees)])
    moved = [
        [np.where(child < 0, -1, child + offset) for child in (tree.left, tree.right)]
        for tree, offset in zip(trees, offsets[:-1], strict=True)
    ]
    left, right = zip(*moved, strict=True)
    return structure(np.concatenate(left), np.concatenate(right))


@st.composite
def trees(draw, max_splits: int = 24) -> Structure:
    """One tree: a single node, a chain, a bush or anything between."""
    kind = draw(st.sampled_from(["any", "any", "any", "right", "left", "bush"]))
    n_splits = draw(st.integers(0, max_splits))
    if kind in ("right", "left"):
        return chain(n_splits, kind)
    if kind == "bush":  # always the oldest leaf: as balanced as can be
        return grow([0] * n_splits)
    return grow(draw(st.lists(st.integers(0, 63), min_size=n_splits, max_size=n_splits)))


@st.composite
def forests(draw, max_trees: int = 4, max_splits: int = 16) -> Structure:
    """One to four trees, nodes concatenated."""
    return join(draw(st.lists(trees(max_splits), min_size=1, max_size=max_trees)))


def _numbers(n: int, top: int):
    return st.lists(st.integers(0, top), min_size=n, max_size=n)


@st.composite
def risks(draw, tree: Structure, kinds=("holdout", "training", "decimal", "tied")) -> np.ndarray:
    """Risk of every node as a leaf.

    holdout: whole errors, a split may well make them worse; training: two-class counts, a split
    never hurts; decimal: whole errors with two-decimal weights; tied: nearly all the same.
    """
    kind = draw(st.sampled_from(kinds))
    n = tree.n_nodes
    if kind == "training":
        counts = np.zeros((n, 2))
        counts[tree.leaves] = np.reshape(draw(_numbers(2 * len(tree.leaves), 6)), (-1, 2))
        return naive.sum_up(tree.left, tree.right, counts).min(axis=1)
    top = {"holdout": 20, "decimal": 2000, "tied": 2}[kind]
    values = np.array(draw(_numbers(n, top)), float)
    return values / 100 if kind == "decimal" else values


@st.composite
def locked_sets(draw, tree: Structure) -> np.ndarray:
    """Splits that must stay, with all their ancestors; mostly none."""
    locked = np.zeros(tree.n_nodes, bool)
    if len(tree.splits) and draw(st.integers(0, 2)) == 0:
        locked[draw(st.lists(st.sampled_from(tree.splits.tolist()), max_size=3))] = True
    return naive.closed_upward(tree.parent, locked)


@st.composite
def removals(draw, tree: Structure) -> tuple[np.ndarray, int]:
    """A nested `removed_at` and its number of steps; some splits may never go."""
    n_steps = draw(st.integers(1, 8))
    drawn = np.array(draw(_numbers(tree.n_nodes, 7))) % n_steps + 1
    removed_at = np.zeros(tree.n_nodes, np.int32)
    for t in tree.splits:  # a split goes no later than the split above it
        above = tree.parent[t]
        removed_at[t] = drawn[t] if above < 0 else min(drawn[t], removed_at[above])
    return removed_at, n_steps


_MODELS: dict[tuple[str, str], Any] = {
    ("tree", "classification"): DecisionTreeClassifier,
    ("tree", "regression"): DecisionTreeRegressor,
    ("extra_tree", "classification"): ExtraTreeClassifier,
    ("extra_tree", "regression"): ExtraTreeRegressor,
    ("forest", "classification"): RandomForestClassifier,
    ("forest", "regression"): RandomForestRegressor,
    ("extra_trees", "classification"): ExtraTreesClassifier,
    ("extra_trees", "regression"): ExtraTreesRegressor,
}


def make_data(seed, n, p, task, n_classes=2, n_outputs=1, nan=False, weights="none"):
    """A small table with few distinct values; the target depends on it, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 7, size=(n, p)).astype(float)
    signal = X @ rng.normal(size=(p, n_outputs)) + rng.normal(scale=3, size=(n, n_outputs))
    if nan:
        X[rng.random(X.shape) < 0.15] = np.nan
    if task == "classification":
        cuts = np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1])
        y = np.searchsorted(cuts, signal)
        y[:n_classes] = np.arange(n_classes)[: len(y), None]  # every class occurs
    else:
        y = np.round(signal, 1)
    y = y[:, 0] if n_outputs == 1 else y
    w = {
        "none": None,
        "integer": rng.integers(1, 4, n).astype(float),
        "zero": rng.integers(0, 3, n).astype(float),
        "fractional": np.round(rng.uniform(0.05, 2, n), 2),
    }[weights]
    if w is not None:
        w[: max(n_classes, 2)] = 1.0  # the total is never zero
    return X, y, w


def fit(kind, task, X, y, w=None, **params):
    """A fitted scikit-learn tree (`tree`, `extra_tree`) or forest of four (`forest`, …)."""
    if kind in ("forest", "extra_trees"):
        params = {"n_estimators": 4, **params}
    return _MODELS[kind, task](random_state=0, **params).fit(X, y, sample_weight=w)


@st.composite
def fitted(
    draw,
    kinds=("tree", "extra_tree", "forest", "extra_trees"),
    tasks=("classification", "regression"),
    weights=("none", "integer", "zero", "fractional"),
    max_classes: int = 4,
    max_outputs: int = 2,
    nan: bool = True,
    max_rows: int = 90,
    params=None,
):
    """A fitted model with its rows: (model, X, y, w); `w` is None for unit weights."""
    task = draw(st.sampled_from(tasks))
    n_outputs = draw(st.sampled_from([1, 1, 1, max_outputs]))
    X, y, w = make_data(
        draw(st.integers(0, 10_000)),
        draw(st.integers(10, max_rows)),
        draw(st.integers(1, 4)),
        task,
        n_classes=draw(st.integers(2, max_classes)) if task == "classification" else 2,
        n_outputs=n_outputs,
        nan=nan and MISSING_VALUES_HOLD and draw(st.booleans()),
        weights=draw(st.sampled_from(weights)),
    )
    grown = {"max_depth": draw(st.sampled_from([1, 3, None, None])), **(params or {})}
    return fit(draw(st.sampled_from(kinds)), task, X, y, w, **grown), X, y, w


# --- raw frames and pipelines --------------------------------------------------------------------

# What breaks quoting, markup, spreadsheets, regular expressions or formats somewhere.
HOSTILE = (
    "",
    " ",
    "select",
    "NULL",
    "nan",
    "x0",
    "a_b",
    "it's",
    'say "hi"',
    "a, b",
    "{c}",
    "50% [x]",
    "back\\slash",
    "new\nline",
    "tab\there",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "; DROP TABLE t; --",
    "größe €",
    "用途",
    "e\u0301",
    "$\\frac{1}{2}$",
    "1",
    "1.0",
    "True",
)
NUMBER_DTYPES = ("float64", "float64", "float32", "int64", "int8", "Int64", "Float64")
TEXT_DTYPES = ("object", "str", "category")
FLAG_DTYPES = ("bool", "boolean")


@cache  # strategies are checked when they are first drawn from: once is enough
def hostile_texts():
    """Names and categories that break quoting somewhere; sometimes any text without NUL."""
    any_text = st.text(
        st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=6
    )
    return st.one_of(st.sampled_from(HOSTILE), st.sampled_from(HOSTILE), any_text)


def number_column(rng: np.random.Generator, dtype: str, n: int, missing: bool) -> pd.Series:
    """Numbers with ties, where the dtype can hold them also missing values and decimals."""
    whole = dtype.lower().startswith("int")
    if whole or rng.random() < 0.4:
        values = rng.integers(-3, 9, n).astype(float)
    else:
        values = np.round(rng.normal(scale=rng.choice([0.1, 3, 1000]), size=n), 2)
    series = pd.Series(values)
    if missing and dtype not in ("int64", "int8"):
        series[rng.random(n) < 0.15] = np.nan
    return series.astype(dtype)


def text_column(
    rng: np.random.Generator, dtype: str, categories: list[str], n: int, missing: bool
) -> pd.Series:
    """Categories, some of them rare."""
    share = rng.dirichlet(np.full(len(categories), 0.8))
    values = np.array(categories, dtype=object)[rng.choice(len(categories), n, p=share)]
    if missing:
        values[rng.random(n) < 0.15] = None if dtype == "object" and rng.random() < 0.5 else np.nan
    return pd.Series(values, dtype=dtype)


@st.composite
def mixed_frames(draw, max_rows: int = 60, missing: bool = True) -> pd.DataFrame:
    """A frame of one to three numbers, texts and flags of all dtypes, with hostile names.

    Without `missing`, nothing is missing. There is always a row and a column.
    """
    n = draw(st.integers(12, max_rows))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    kinds = ["number", *draw(st.lists(st.sampled_from(["number", "text", "flag"]), max_size=4))]
    names = draw(st.lists(hostile_texts(), min_size=len(kinds), max_size=len(kinds), unique=True))
    columns = {}
    for name, kind in zip(names, kinds, strict=True):
        holes = missing and draw(st.booleans())
        if kind == "number":
            dtype = draw(st.sampled_from(NUMBER_DTYPES))
            columns[name] = number_column(rng, dtype, n, holes)
        elif kind == "text":
            dtype = draw(st.sampled_from(TEXT_DTYPES))
            categories = draw(st.lists(hostile_texts(), min_size=1, max_size=6, unique=True))
            columns[name] = text_column(rng, dtype, categories, n, holes)
        else:
            flags = pd.Series(rng.random(n) < 0.5, dtype=draw(st.sampled_from(FLAG_DTYPES)))
            if holes and flags.dtype == "boolean":
                flags[rng.random(n) < 0.15] = pd.NA
            columns[name] = flags
    return pd.DataFrame(columns)


def _is_text(series: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(series.dtype)


@cache
def _scalers():
    return st.one_of(
        st.builds(StandardScaler),
        st.builds(MinMaxScaler, clip=st.booleans(), feature_range=st.just((-1, 2))),
        st.builds(MaxAbsScaler),
        st.builds(RobustScaler),
        st.builds(PowerTransformer),
        st.builds(
            QuantileTransformer,
            n_quantiles=st.integers(2, 10),
            output_distribution=st.sampled_from(["uniform", "normal"]),
        ),
        st.builds(lambda: make_pipeline(MinMaxScaler((1, 2)), PowerTransformer("box-cox"))),
    )


@cache
def _imputers():
    return st.builds(
        SimpleImputer,
        strategy=st.sampled_from(["mean", "median", "most_frequent", "constant"]),
        add_indicator=st.booleans(),
        keep_empty_features=st.booleans(),
    )


# Named where it exists (scikit-learn 1.7 and newer warn about the default).
QUANTILES = (
    {"quantile_method": "averaged_inverted_cdf"}
    if "quantile_method" in signature(KBinsDiscretizer).parameters
    else {}
)


@cache
def _bins():
    return st.builds(
        KBinsDiscretizer,
        n_bins=st.integers(2, 4),
        encode=st.sampled_from(["ordinal", "onehot", "onehot-dense"]),
        strategy=st.sampled_from(["uniform", "quantile", "kmeans"]),
        random_state=st.just(0),
        **{name: st.just(value) for name, value in QUANTILES.items()},
    )


@cache
def _one_hot():
    """Every way to drop, group and treat unknown categories that fit together."""
    return st.builds(
        OneHotEncoder,
        drop=st.sampled_from([None, "first", "if_binary"]),
        handle_unknown=st.sampled_from(["error", "ignore", "infrequent_if_exist", "warn"]),
        min_frequency=st.sampled_from([None, None, 3, 0.2]),
        max_categories=st.sampled_from([None, None, 2, 3]),
        sparse_output=st.booleans(),
        dtype=st.sampled_from([np.float64, np.float32]),
    )


@cache
def _ordinal():
    return st.one_of(
        st.builds(
            OrdinalEncoder,
            encoded_missing_value=st.sampled_from([np.nan, -5]),
            min_frequency=st.sampled_from([None, 3]),
        ),
        st.builds(
            OrdinalEncoder,
            handle_unknown=st.just("use_encoded_value"),
            unknown_value=st.sampled_from([-1, np.nan]),
            max_categories=st.sampled_from([None, 3]),
        ),
    )


@cache
def _encoders():
    return st.one_of(_one_hot(), _one_hot(), _ordinal(), st.builds(TargetEncoder, cv=st.just(2)))


@cache
def _for_numbers(bool_dtype: bool):
    """What may stand before a model for a group of numeric columns; missing values are taken."""
    impute = st.builds(SimpleImputer) if bool_dtype else _imputers()
    return st.one_of(
        st.just("passthrough"),
        impute,
        _scalers(),
        st.builds(make_pipeline, impute, _scalers()),
        st.builds(make_pipeline, _scalers(), st.builds(SimpleImputer), _scalers()),
        st.builds(make_pipeline, impute, _bins()),
        st.builds(make_pipeline, impute, _scalers(), _bins()),
        st.builds(make_pipeline, impute, st.builds(VarianceThreshold), _scalers()),
        _encoders(),
        st.builds(FunctionTransformer),
        st.builds(FunctionTransformer, st.sampled_from([np.abs, np.tanh])),
        st.builds(make_pipeline, impute, st.builds(PolynomialFeatures, st.integers(1, 2))),
        st.builds(make_pipeline, impute, st.builds(PCA, st.just(1))),
        st.builds(make_pipeline, impute, st.builds(Normalizer)),
        st.builds(make_union, _scalers(), st.builds(SimpleImputer)),
    )


@cache
def _for_texts():
    fill = st.builds(
        SimpleImputer,
        strategy=st.sampled_from(["most_frequent", "constant"]),
        missing_values=st.sampled_from([np.nan, None]),
        fill_value=st.just("missing"),
        keep_empty_features=st.booleans(),
    )
    return st.one_of(
        _encoders(),
        _encoders(),
        st.builds(make_pipeline, fill, _encoders()),
        st.builds(make_pipeline, _ordinal(), st.builds(SimpleImputer), _scalers()),
        st.just("drop"),
    )


@st.composite
def transformers(draw, frame: pd.DataFrame) -> ColumnTransformer:
    """An unfitted ColumnTransformer for a frame; columns may be used twice or not at all."""
    texts = [name for name in frame if _is_text(frame[name])]
    numbers = [name for name in frame if name not in texts]
    parts = []
    for k in range(draw(st.integers(1, 3))):
        group = texts if texts and (not numbers or draw(st.booleans())) else numbers
        own = draw(st.lists(st.sampled_from(group), min_size=1, unique=True))
        if group is texts:
            parts.append((f"part{k}", draw(_for_texts()), own))
        else:
            flags = all(frame[name].dtype == bool for name in own)
            parts.append((f"part{k}", draw(_for_numbers(flags)), own))
    rest = set(frame) - {name for _, _, own in parts for name in own}
    remainder = "drop" if rest & set(texts) else draw(st.sampled_from(["drop", "passthrough"]))
    return ColumnTransformer(
        parts,
        remainder=remainder,
        sparse_threshold=draw(st.sampled_from([0.0, 0.3])),
        verbose_feature_names_out=draw(st.booleans()),
    )


@st.composite
def pipelines(draw, frame: pd.DataFrame, task: str = "classification") -> Pipeline:
    """An unfitted Pipeline for a frame: a ColumnTransformer, perhaps a scaler, and one tree.

    Some combinations are refused by scikit-learn itself when they are fitted (a missing value that
    nothing fills, say): `fit_or_reject`.
    """
    tree = _MODELS["tree", task](
        max_depth=draw(st.sampled_from([2, 4, None])), random_state=draw(st.integers(0, 9))
    )
    steps = [("prepare", draw(transformers(frame)))]
    if draw(st.integers(0, 3)) == 0:
        steps.append(("again", draw(st.sampled_from([MaxAbsScaler(), VarianceThreshold()]))))
    return Pipeline([*steps, ("model", tree)])


def targets(frame: pd.DataFrame, seed: int, task: str = "classification", n_classes: int = 2):
    """A target that depends on the columns of a frame, with noise."""
    rng = np.random.default_rng(seed)
    codes = [pd.factorize(frame[name], sort=False)[0] for name in frame]
    signal = sum(rng.normal(size=c.max() + 2)[c] for c in codes) + rng.normal(size=len(frame))
    if task == "regression":
        return np.round(signal, 2)
    y = np.searchsorted(np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1]), signal)
    y[: 2 * n_classes] = np.repeat(np.arange(n_classes), 2)  # every class occurs twice
    return y


def fit_or_reject(model, frame: pd.DataFrame, y):
    """The fitted model; where scikit-learn refuses the combination, hypothesis tries another."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return model.fit(frame, y)
        except (ValueError, TypeError, ZeroDivisionError):
            reject()
