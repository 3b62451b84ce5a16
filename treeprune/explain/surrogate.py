"""A small tree that imitates any model, as rules on raw columns with its fidelity.

The tree is fitted on the model's own output, not on outcomes. It reads raw columns through its own
encoding: numbers as they are, missing ones too; categories ordered by the model's mean output, for
which the best split of a column into two sets of categories is one of its thresholds. The tree is
read back as rules, and what it predicts on rows it was not fitted on is compared with the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import TargetEncoder
from sklearn.tree import DecisionTreeRegressor

from .. import native
from .features import FeatureMap
from .fidelity import Fidelity, cross_fitted, fidelity, model_output, seed_of
from .leaves import limit_texts, tree_rules
from .rules import RuleSet
from .tables import as_frame, dense

__all__ = ["Surrogate", "column_kinds", "levels_of", "plain_columns", "surrogate_tree"]

Array = npt.NDArray[np.float64]

RARE = 0.01  # share of the rows below which categories are pooled
FEWEST_IN_LEAF = 5
LARGEST = 1e30  # of which a column can still be summed in float32, as trees do when fitted


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A tree that imitates a model; made by `surrogate_tree`.

    Parameters
    ----------
    rules : RuleSet
        The leaves as rules on raw columns; their values are means of the model's output.
    fidelity : Fidelity
    tree : fitted DecisionTreeRegressor
        One output a class.
    encoder : fitted ColumnTransformer
    kinds : dict of str to {"number", "category", "code"}
        The columns it was fitted on.

    Examples
    --------
    See `surrogate_tree`.
    """

    rules: RuleSet
    fidelity: Fidelity
    tree: Any
    encoder: Any
    kinds: dict[str, str]

    def output(self, X: Any) -> Array:
        """What the fitted tree itself predicts, which the rules reproduce.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)

        Returns
        -------
        array of float64, shape (n_rows, n_classes) or (n_rows, 1)

        Examples
        --------
        See `surrogate_tree`.
        """
        values = self.tree.predict(encoded(self.encoder, plain_columns(as_frame(X), self.kinds)))
        values = values.reshape(len(values), -1)
        return probabilities(values) if self.rules.is_classifier else values

    def predict(self, X: Any) -> npt.NDArray:
        """Classes or numbers, by the rules; shape (n_rows,)."""
        return self.rules.predict(X)

    def predict_proba(self, X: Any) -> npt.NDArray:
        """Class probabilities, by the rules; shape (n_rows, n_classes)."""
        return self.rules.predict_proba(X)

    def to_text(self, **options: Any) -> str:
        """The rules and how faithful they are; options as `RuleSet.to_text`."""
        return f"{self.rules.to_text(**options)}\nFidelity: {self.fidelity.to_text()}"


def surrogate_tree(
    output_of: Callable[[Any], Any],
    X: Any,
    *,
    classes: Any = None,
    y: Any = None,
    max_leaves: int = 12,
    min_samples_leaf: int | None = None,
    positive: int | None = None,
    cutoff: float | None = None,
    folds: int = 5,
    target: str = "y",
    random_state: Any = None,
) -> Surrogate:
    """Imitate a model by a small tree on raw columns.

    Parameters
    ----------
    output_of : callable
        The model: from rows like `X` to class probabilities (n_rows, n_classes), or to numbers
        (n_rows,) or (n_rows, 1). Called once.
    X : array-like, shape (n_rows, n_raw_columns)
        Reference rows, at least ten: those for which the imitation shall be good. Columns that
        hold neither numbers nor categories (dates, text mixed with numbers) are not used.
    classes : array-like, shape (n_classes,), optional
        Class labels in the order of the probabilities; None for regression.
    y : array-like, shape (n_rows,), optional
        The outcome, for the score at the task that fidelity should be read beside.
    max_leaves : int, default=12
        At least 2.
    min_samples_leaf : int, optional
        Default: 1 % of the rows, at least 5.
    positive : int, optional
        Position of the class that `cutoff` is for; the second of two by default.
    cutoff : float, optional
        A decision is whether its probability (or the number) is at least this.
    folds : int, default=5
        Number of refits for the fidelity.
    target : str
        What is predicted, for the rules.
    random_state : int or RandomState, optional
        Assigns rows to folds and breaks ties of the tree; None is 0, so that the same rows give
        the same tree.

    Returns
    -------
    Surrogate

    Raises
    ------
    ValueError
        If the rows or the output do not fit, or there is no column to split.

    Notes
    -----
    Trees that imitate by fitting the model's output: Craven & Shavlik 1996; fidelity on rows left
    out, beside the score at the task, because a model that does nothing is imitated perfectly.
    Ordering categories by the mean output loses no split of two sets for one output (Breiman et
    al. 1984, section 4.2); for several classes they are ordered along the first principal
    component of the probabilities (Coppersmith, Hong & Hosking 1999). Categories with less than
    1 % of the rows are pooled; those not among the rows count as average.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = LogisticRegression(max_iter=1000).fit(X, y)
    >>> s = surrogate_tree(model.predict_proba, X, classes=model.classes_, y=y, max_leaves=4)
    >>> len(s.rules), s.fidelity.agreement > 0.9, s.fidelity.task.name
    (4, True, 'accuracy')
    """
    frame = as_frame(X)
    labels = None if classes is None else np.asarray(classes)
    kinds = column_kinds(frame)
    if max_leaves < 2:
        raise ValueError(f"max_leaves must be at least 2; got {max_leaves}")
    output = model_output(output_of, X, labels, len(frame))
    seed = seed_of(random_state)
    plain = plain_columns(frame, kinds)

    def fit(rows: npt.NDArray[np.int64]) -> tuple[Any, Any]:
        smallest = min_samples_leaf or max(FEWEST_IN_LEAF, -(-len(rows) // 100))
        encoder = fit_encoder(plain.iloc[rows], output[rows], kinds)
        tree = DecisionTreeRegressor(
            max_leaf_nodes=max_leaves, min_samples_leaf=smallest, random_state=seed
        )
        return encoder, tree.fit(encoded(encoder, plain.iloc[rows]), output[rows])

    def fit_and_predict(rows: npt.NDArray[np.int64]) -> Callable[[npt.NDArray[np.int64]], Array]:
        encoder, tree = fit(rows)

        def predict(others: npt.NDArray[np.int64]) -> Array:
            values = tree.predict(encoded(encoder, plain.iloc[others]))
            return values.reshape(len(values), -1)

        return predict

    imitated = cross_fitted(fit_and_predict, len(frame), folds, seed)
    found = fidelity(
        output, imitated, classes=labels, folds=folds, positive=positive, cutoff=cutoff, y=y
    )
    encoder, tree = fit(np.arange(len(frame)))
    return Surrogate(
        _rules(encoder, tree, frame, plain, kinds, labels, target), found, tree, encoder, kinds
    )


def _rules(
    encoder: Any,
    tree: Any,
    frame: pd.DataFrame,
    plain: pd.DataFrame,
    kinds: dict[str, str],
    labels: npt.NDArray | None,
    target: str,
) -> RuleSet:
    """The tree's leaves as rules over the caller's columns."""
    read = FeatureMap.of(encoder, typed_columns(frame, plain))
    columns = tuple(
        replace(column, categories=tuple(levels_of(frame[column.name], ascending=True)))
        if kinds.get(column.name) == "code"  # as in the caller's rows, not as floats
        else column
        for column in read.columns
    )
    feature_map = replace(read, columns=columns)

    def respond(raw: Array) -> Array:  # (n, classes, 1) of a tree with an output a class
        return raw if labels is None else probabilities(raw[:, :, 0])[:, None, :]

    rules = tree_rules(native.read(tree), native.splits(tree), feature_map, respond)
    return RuleSet(
        feature_map.columns,
        rules,
        () if labels is None else (labels,),
        feature_map,
        target=(target,),
        kind="surrogate",
        texts=limit_texts(rules, feature_map.values(frame)),
    )


def typed_columns(frame: pd.DataFrame, plain: pd.DataFrame) -> pd.DataFrame:
    """The frame with the columns that an encoder was fitted on; flags stay flags ("is yes")."""
    typed = frame.copy(deep=False)
    for name in plain.columns:
        if frame[name].dtype != bool:
            typed[name] = plain[name]
    return typed


def probabilities(values: Array) -> Array:
    """Clipped to at least 0 and scaled to a sum of 1, along the last axis."""
    values = np.clip(values, 0.0, None)
    return values / values.sum(axis=-1, keepdims=True)


def encoded(encoder: Any, plain: pd.DataFrame) -> npt.NDArray:
    """Rows as the tree takes them, shape (n_rows, n_columns)."""
    return dense(encoder.transform(plain))


def fit_encoder(plain: pd.DataFrame, output: Array, kinds: dict[str, str]) -> Any:
    """Numbers as they are; categories by the mean of the model's output, rare ones pooled."""
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    categories = [name for name, kind in kinds.items() if kind != "number"]
    steps: list[tuple[str, Any, list[str]]] = []
    if numbers:
        steps.append(("numbers", "passthrough", numbers))
    if categories:
        levels = [_array(_with_missing(plain[name])) for name in categories]
        means = _PooledMeans(categories=levels, target_type="continuous")
        steps.append(("categories", means, categories))
    return ColumnTransformer(steps, sparse_threshold=0).fit(plain, _on_a_line(output))


class _PooledMeans(TargetEncoder):
    """Means of the model's output by category, where all rare categories share one.

    Without it a column of names or numbers of contracts would be a perfect predictor of rows that
    it was fitted on; with it such a column is constant.
    """

    def fit(self, X: pd.DataFrame, y: Array) -> _PooledMeans:
        """Means of `y`; those of rare categories together, or of all rows if they are few."""
        super().fit(X, y)
        smallest = max(RARE * len(X), FEWEST_IN_LEAF)
        for i, levels in enumerate(self.categories_):
            position = {level: k for k, level in enumerate(levels) if not pd.isna(level)}
            # A missing value, if there is one, is the last category.
            codes = X.iloc[:, i].map(position).fillna(len(levels) - 1).to_numpy(np.int64)
            rare = np.bincount(codes, minlength=len(levels)) < smallest
            own = rare[codes]
            pooled = y[own].mean() if own.sum() >= smallest else self.target_mean_
            self.encodings_[i] = np.where(rare, pooled, self.encodings_[i])
        return self

    def fit_transform(self, X: pd.DataFrame, y: Array) -> npt.NDArray:
        """Means over all rows; pooling guards against what the base class's folds are for."""
        return self.fit(X, y).transform(X)


def _on_a_line(output: Array) -> Array:
    """One number a row: the probability, the value, or the first principal component."""
    if output.shape[1] <= 2:
        return output[:, -1]
    centred = output - output.mean(axis=0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    return centred @ axis * np.sign(axis[np.argmax(np.abs(axis))])


def column_kinds(frame: pd.DataFrame) -> dict[str, str]:
    """Which columns hold numbers, which categories; others are left out.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    dict of str to {"number", "category", "code"}
        A code is a category that is a number, or a flag in a column with missing values; flags
        in a column without are numbers.

    Raises
    ------
    ValueError
        If none is left.

    Examples
    --------
    >>> column_kinds(pd.DataFrame({"age": [20, None], "city": ["Bonn", None]}))
    {'age': 'number', 'city': 'category'}
    """
    out = {}
    for name in frame.columns:
        kind = _kind(frame[name])
        if kind is not None:
            out[name] = kind
    if not out:
        raise ValueError(
            f"none of the columns {list(frame.columns)} holds numbers or categories; turn dates "
            "into numbers, and columns of text and numbers into text"
        )
    return out


def _kind(series: pd.Series) -> str | None:
    """What a column holds: numbers, text, categories that are numbers, or anything else."""
    category = isinstance(series.dtype, pd.CategoricalDtype)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return "number"
    if not category and series.dtype != object:
        return "category" if pd.api.types.is_string_dtype(series.dtype) else None
    values = series.cat.categories if category else series.dropna()
    types = set(map(type, values))
    # Text beside numbers has no common order, and scikit-learn encodes no such column.
    if types and all(issubclass(t, str) for t in types):
        return "category"
    if not all(issubclass(t, Real | np.bool_) for t in types):
        return None
    flags = bool(types) and all(issubclass(t, bool | np.bool_) for t in types)
    return "code" if category or flags else "number"


def plain_columns(frame: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """The columns used: numbers and codes as float64 up to 1e30, categories as objects.

    Parameters
    ----------
    frame : DataFrame
    kinds : dict of str to {"number", "category", "code"}

    Returns
    -------
    DataFrame
        Missing values are NaN.

    Raises
    ------
    ValueError
        If a column is missing, or holds what it did not hold before.

    Examples
    --------
    >>> plain_columns(pd.DataFrame({"a": [1, None], "b": ["x", None]}), {"b": "category"})
         b
    0    x
    1  NaN
    """
    lacking = [name for name in kinds if name not in frame.columns]
    if lacking:
        raise ValueError(f"columns {lacking} are missing; rows have {list(frame.columns)}")
    out = {}
    for name, kind in kinds.items():
        series = frame[name]
        if kind == "category":
            out[name] = series.astype(object).where(series.notna(), np.nan).to_numpy(object)
            continue
        try:
            numbers = series.to_numpy(np.float64, na_value=np.nan)
        except (ValueError, TypeError) as error:
            raise ValueError(f"column {name!r} must hold numbers: {error}") from error
        # A tree refuses infinity; clipped it goes the same way, as thresholds lie between values.
        out[name] = np.clip(numbers, -LARGEST, LARGEST)
    return pd.DataFrame(out, index=frame.index)


def levels_of(series: pd.Series, *, ascending: bool = False) -> list:
    """Categories that occur, in the column's own order if it has one, else ascending.

    Parameters
    ----------
    series : Series
    ascending : bool
        Disregard the column's own order.

    Returns
    -------
    list
        Without missing values.

    Examples
    --------
    >>> levels_of(pd.Series(["b", None, "a", "b"]))
    ['a', 'b']
    """
    found = series.dropna().unique()
    if isinstance(series.dtype, pd.CategoricalDtype) and not ascending:
        occurring = set(found)
        return [level for level in series.cat.categories if level in occurring]
    return sorted(v.item() if isinstance(v, np.generic) else v for v in found)


def _with_missing(series: pd.Series) -> list:
    return levels_of(series) + ([np.nan] if series.isna().any() else [])


def _array(levels: list) -> npt.NDArray:
    out = np.empty(len(levels), dtype=object)
    out[:] = levels
    return out
