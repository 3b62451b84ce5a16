"""From raw columns to the numbers a model sees, with names that keep their meaning.

Numbers pass as they are (trees handle missing values themselves), every category becomes one
indicator named `column=category`, and rare categories share one. Each model column remembers the
raw column it came from.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .intake import InputRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["ModelColumns", "encoder", "model_columns", "prepared_columns", "scaled"]

MOST_CATEGORIES = 30


@dataclass(frozen=True)
class NameCombiner:
    """`column=category` (for OneHotEncoder); with quotes where plain names would collide.

    Examples
    --------
    >>> NameCombiner()("purpose", "car"), NameCombiner(quoted=True)("purpose", "car")
    ('purpose=car', "purpose='car'")
    """

    quoted: bool = False

    def __call__(self, column: str, category: object) -> str:
        """The model column's name."""
        if isinstance(category, float) and np.isnan(category):
            return f"{column}=<missing>" if self.quoted else f"{column}=missing"
        if category == "infrequent_sklearn":
            return f"{column}=<rare>" if self.quoted else f"{column}=rare"
        return f"{column}={category!r}" if self.quoted else f"{column}={category}"


@dataclass(frozen=True)
class ModelColumns:
    """What each model column is.

    Parameters
    ----------
    names : tuple of str
        Name of every model column.
    raw : tuple of str
        The raw column each came from.
    is_indicator : tuple of bool
        Whether it is 1 for one category (or the rare ones) and 0 otherwise; empty if not known.
    grouped : dict of str to tuple
        Rare categories that share one indicator, by raw column.
    parts : tuple of tuple of str
        The raw columns that each model column is made of, where these can be several; else empty.

    Examples
    --------
    >>> ModelColumns(("age", "sex=f"), ("age", "sex"), (False, True), {}).raw
    ('age', 'sex')
    """

    names: tuple[str, ...]
    raw: tuple[str, ...]
    is_indicator: tuple[bool, ...]
    grouped: dict[str, tuple]
    parts: tuple[tuple[str, ...], ...] = ()

    def used(self, features: Iterable[int]) -> set[str]:
        """Raw columns behind these model columns; a negative position stands for none.

        Examples
        --------
        >>> ModelColumns(("age", "sex=f"), ("age", "sex"), (False, True), {}).used([1, -1])
        {'sex'}
        """
        parts = self.parts or tuple((name,) for name in self.raw)
        return {name for j in set(features) if j >= 0 for name in parts[j]}


def encoder(X: pd.DataFrame, min_rows: int) -> ColumnTransformer:
    """An unfitted transformer of raw columns to model columns.

    Parameters
    ----------
    X : DataFrame
        Raw training rows.
    min_rows : int
        Categories with fewer training rows are grouped: no leaf could hold them alone.

    Returns
    -------
    ColumnTransformer
        Puts out a DataFrame.

    Raises
    ------
    InputRefused
        If two model columns would bear one name.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 30], "city": pd.Categorical(["Bonn", "Ulm"])})
    >>> encoder(X, 1).fit(X).get_feature_names_out().tolist()
    ['age', 'city=Bonn', 'city=Ulm']
    """
    numeric = [c for c in X.columns if pd.api.types.is_numeric_dtype(X[c])]
    other = [c for c in X.columns if c not in numeric]
    for quoted in (False, True):
        one_hot = OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            min_frequency=min_rows,
            max_categories=MOST_CATEGORIES,
            sparse_output=False,
            feature_name_combiner=NameCombiner(quoted),
        )
        transformer = ColumnTransformer(
            [("number", "passthrough", numeric), ("category", one_hot, other)],
            verbose_feature_names_out=False,
        )
        names = numeric
        if other:
            names = [*numeric, *clone(one_hot).fit(X[other]).get_feature_names_out()]
        if len(set(names)) == len(names):
            return transformer.set_output(transform="pandas")
    twice = sorted(name for name in set(names) if names.count(name) > 1)
    raise InputRefused(f"two columns would both be called {twice[0]!r}; rename one of them")


def model_columns(transformer: ColumnTransformer) -> ModelColumns:
    """What the columns of a fitted `encoder` are.

    Parameters
    ----------
    transformer : ColumnTransformer
        Fitted.

    Returns
    -------
    ModelColumns

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 30], "city": pd.Categorical(["Bonn", "Ulm"])})
    >>> model_columns(encoder(X, 1).fit(X)).raw
    ('age', 'city', 'city')
    """
    numeric = [c for name, _, cs in transformer.transformers_ if name == "number" for c in cs]
    raw, grouped = list(numeric), {}
    if "category" in transformer.named_transformers_ and transformer.transformers_[1][2]:
        one_hot = copy.copy(transformer.named_transformers_["category"])
        for column, rare in zip(
            one_hot.feature_names_in_, one_hot.infrequent_categories_, strict=True
        ):
            if rare is not None:
                grouped[str(column)] = tuple(rare)
        # The encoder itself says which raw column each indicator belongs to.
        one_hot.feature_name_combiner = _only_column
        raw += list(one_hot.get_feature_names_out())
    names = tuple(str(name) for name in transformer.get_feature_names_out())
    is_indicator = tuple(i >= len(numeric) for i in range(len(names)))
    return ModelColumns(names, tuple(map(str, raw)), is_indicator, grouped)


def _only_column(column: str, category: object) -> str:
    return str(column)


def scaled(columns: ModelColumns, estimator: Any, categories: Sequence[int] = ()) -> Any:
    """A pipeline for linear models over model columns: numbers imputed, flagged and scaled.

    Parameters
    ----------
    columns : ModelColumns
    estimator : estimator
        The linear model.
    categories : sequence of int
        Positions of columns that hold categories, which become indicators.

    Returns
    -------
    Pipeline

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> len(scaled(ModelColumns(("age",), ("age",), (False,), {}), LogisticRegression()))
    2
    """
    # By position, as not all preprocessing gives names; all columns where it is not known which
    # are numbers: refitted on fewer rows, encoders may make fewer of them.
    known = columns.is_indicator
    numeric: Any = [i for i, flag in enumerate(known) if not flag] if known else slice(0, None)
    impute = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    kinds: list[Any] = [("number", make_pipeline(impute, StandardScaler()), numeric)]
    if categories:
        n = len(columns.names)
        kinds[0] = (*kinds[0][:2], [i for i in range(n) if i not in categories])
        one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        kinds.append(("category", one_hot, list(categories)))
    prepare = ColumnTransformer(kinds, remainder="passthrough")
    return make_pipeline(prepare, estimator)


def prepared_columns(columns: ModelColumns, prepare: ColumnTransformer) -> ModelColumns:
    """What the columns are that `scaled` puts out before its model.

    Parameters
    ----------
    columns : ModelColumns
        Of the encoder.
    prepare : ColumnTransformer
        Fitted; the first step of `scaled`.

    Returns
    -------
    ModelColumns
        Numbers and the flags of missing ones first, then indicators.

    Examples
    --------
    >>> columns = ModelColumns(("c=a", "age"), ("c", "age"), (True, False), {})
    >>> prepare = scaled(columns, None)[0].fit([[0.0, 20.0], [1.0, None]])
    >>> prepared_columns(columns, prepare).names
    ('age', 'age is missing', 'c=a')
    """
    numeric = [i for i, flag in enumerate(columns.is_indicator) if not flag]
    other = [i for i, flag in enumerate(columns.is_indicator) if flag]
    lacking = prepare.named_transformers_["number"][0].indicator_.features_ if numeric else []
    flags = [numeric[k] for k in lacking]
    names = [columns.names[i] for i in numeric]
    names += [f"{columns.names[i]} is missing" for i in flags]
    names += [columns.names[i] for i in other]
    raw = [columns.raw[i] for i in (*numeric, *flags, *other)]
    # Flags are scaled as numbers are, so that they count as such.
    is_indicator = [k >= len(numeric) + len(flags) for k in range(len(names))]
    return ModelColumns(tuple(names), tuple(raw), tuple(is_indicator), columns.grouped)
