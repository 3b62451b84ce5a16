"""FeatureMap: from every model column back to the raw column it was made of.

The structure of a fitted `Pipeline` or `ColumnTransformer` says which raw column each model
column depends on; *how* it depends is never re-implemented but asked of the fitted transformers
themselves, one raw column at a time (`links.py`). A threshold on a scaled column becomes an exact
limit in raw units by a search over the floats, an indicator becomes the set of categories that
the encoder sends there. What cannot be undone stays a derived column under its own name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from ..trees import Splits
from .asking import ask_together
from .conditions import UNSEEN, CategoryCondition, Column, Condition
from .links import sources_of
from .sources import Memo, Source, refuses
from .split_conditions import (
    MISSING_NUMBER,
    Asked,
    goes_left_each,
    missing_value,
    on_numbers,
    on_segments,
)
from .tables import as_frame, dense, feature_names

__all__ = ["CategoryAnswers", "FeatureMap"]

# A category that no encoder can have been fitted on.
_UNSEEN_TEXT = "\x00 a category that was not seen at fit"


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """For every model column: which raw column it came from, and how to undo it.

    Made by `FeatureMap.of`; `columns` are what rules and attributions speak of, the raw columns
    first (in their order), derived columns after them.

    Parameters
    ----------
    columns : tuple of Column
    sources : tuple of Source
        One for each model column.
    player : array of int64, shape (n_model_columns,)
        Position in `columns` of each model column.
    n_raw : int
        Number of raw columns.
    transformer : fitted transformer or None
        What stands before the model.
    named : bool
        Whether raw columns have names of their own (a frame), which rows are then selected by.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.compose import make_column_transformer
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> X = pd.DataFrame({"age": [20, 30], "city": ["Bonn", "Ulm"]})
    >>> encode = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
    >>> map = FeatureMap.of(encode.fit(X), X)
    >>> map.player.tolist(), [column.kind for column in map.columns]
    ([1, 1, 0], ['number', 'category'])
    """

    columns: tuple[Column, ...]
    sources: tuple[Source, ...]
    player: npt.NDArray[np.int64]
    n_raw: int
    transformer: Any
    named: bool

    @property
    def groups(self) -> list[str]:
        """Name of the raw column of every model column: one-hot indicators share theirs.

        This is what `pruning_path(…, feature_groups=…)` asks for. Raw columns that meet in one
        model column (a product, a principal component) can only go together: all that is made
        of them bears their names, joined by " & ".

        Examples
        --------
        >>> import pandas as pd
        >>> from sklearn.preprocessing import OneHotEncoder
        >>> from treeprune import FeatureMap
        >>> X = pd.DataFrame({"city": ["Bonn", "Ulm", "Bonn"]})
        >>> FeatureMap.of(OneHotEncoder().fit(X), X).groups
        ['city', 'city']
        """
        together = list(range(self.n_raw))  # the first raw column of those that are tied

        def first(i: int) -> int:
            while together[i] != i:
                i = together[i]
            return i

        for source in self.sources:
            for i in source.raw[1:]:
                low, high = sorted((first(source.raw[0]), first(i)))
                together[high] = low
        members: dict[int, list[str]] = {}
        for i in range(self.n_raw):
            members.setdefault(first(i), []).append(self.columns[i].name)
        return [
            " & ".join(members[first(source.raw[0])]) if source.raw else self.columns[j].name
            for source, j in zip(self.sources, self.player, strict=True)
        ]

    @classmethod
    def of(
        cls,
        transformer: Any,
        X: Any,
        *,
        categories: dict[int, tuple] | None = None,
        integer_categories: dict[int, tuple] | None = None,
    ) -> FeatureMap:
        """Read a fitted transformer.

        Parameters
        ----------
        transformer : fitted transformer, Pipeline, ColumnTransformer, or None
            None where the model takes the raw columns as they are.
        X : array-like, shape (n_rows, n_raw_columns)
            Rows of raw columns, for names, types and which columns miss values.
        categories : dict of int to tuple, optional
            Raw values, in the order of their codes, of columns that the model encodes itself.
        integer_categories : dict of int to tuple, optional
            Codes that the model treats as categories, where the column holds the codes already.

        Returns
        -------
        FeatureMap

        Raises
        ------
        ValueError
            If the transformer's columns cannot be matched with those of `X`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> from treeprune import FeatureMap
        >>> [column.kind for column in FeatureMap.of(None, X).columns]
        ['number', 'number', 'number', 'number']
        """
        frame = as_frame(X)
        names = feature_names(transformer, frame)
        raw = tuple(
            Source(
                raw=(i,),
                kind="same",
                name=name,
                is_flag=bool(pd.api.types.is_bool_dtype(frame[name].dtype)),
                missing=_written_missing(frame[name], hasattr(X, "to_pandas")),
            )
            for i, name in enumerate(names)
        )
        sources = list(raw)
        if transformer is not None:
            sources = list(sources_of(transformer, raw, _first_row(transformer, X)))
        for given, kind in ((categories, "codes"), (integer_categories, "table")):
            for j, values in (given or {}).items():
                sources[j] = _split_by_category(sources[j], tuple(values), kind)
        if transformer is not None:
            width = dense(transformer.transform(_first_row(None, X))).shape[1]
            if width != len(sources):
                raise ValueError(
                    f"{type(transformer).__name__} puts out {width} columns, of which "
                    f"{len(sources)} could be traced; give the fitted pipeline as it was fitted"
                )
        columns = _raw_columns(names, frame, sources)
        player = np.zeros(len(sources), dtype=np.int64)
        for j, source in enumerate(sources):
            if source.kind == "derived":
                player[j] = len(columns)
                columns.append(
                    Column(
                        _free_name(source.name, columns),
                        "derived",
                        sources=tuple(names[i] for i in source.raw),
                    )
                )
            else:
                player[j] = source.raw[0]
        player.setflags(write=False)
        named = hasattr(X, "columns")
        return cls(tuple(columns), tuple(sources), player, len(names), transformer, named)

    def model_matrix(self, X: Any) -> npt.NDArray:
        """Rows as the model receives them, shape (n_rows, n_model_columns), floating-point.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> explain(model, X).view.feature_map.model_matrix(X[:1]).tolist()
        [[5.1, 3.5, 1.4, 0.2]]
        """
        if self.transformer is not None:
            Z = dense(self.transformer.transform(X))
            return Z if Z.dtype == np.float32 else Z.astype(np.float64, copy=False)
        if not any(source.kind == "codes" for source in self.sources):
            if hasattr(X, "columns"):
                frame, names = as_frame(X), [column.name for column in self.columns]
                if self.named and not set(names) <= set(frame.columns):
                    raw_values(self.columns, frame)  # says what is missing
                frame = frame[names] if self.named else frame
                return frame.to_numpy(np.float64, na_value=np.nan)
            Z = dense(X)
            if Z.ndim != 2 or Z.shape[1] != self.n_raw:
                raw_values(self.columns, Z, by_name=False)  # says what is wrong
            return Z if Z.dtype == np.float32 else Z.astype(np.float64, copy=False)
        values = self.values(X)
        Z = np.empty((len(values[0]), len(self.sources)))
        for j, source in enumerate(self.sources):
            Z[:, j] = values[self.player[j]]
            if source.kind == "codes":  # what the model was not fitted on is missing to it
                Z[Z[:, j] < 0, j] = np.nan
        return Z

    def values(self, X: Any, Z: npt.NDArray | None = None) -> list[npt.NDArray]:
        """One array a column: numbers (NaN for missing), or codes of categories.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)
        Z : array, shape (n_rows, n_model_columns), optional
            `model_matrix(X)` where it is known; derived columns are read from it.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> explain(model, X).view.feature_map.values(X[:2])[0].tolist()
        [5.1, 4.9]
        """
        names_used = {self.columns[i].name for i in np.flatnonzero(self._used)}
        out = raw_values(self.columns[: self.n_raw], X, names_used, by_name=self.named)
        derived = np.flatnonzero(self.player >= self.n_raw)
        if len(derived):
            Z = self.model_matrix(X) if Z is None else Z
            by_column = {int(self.player[j]): j for j in derived}
            out += [Z[:, by_column[c]] for c in range(self.n_raw, len(self.columns))]
        return out

    @property
    def _used(self) -> npt.NDArray[np.bool_]:
        """Which raw columns the model is made of at all; others may hold anything."""
        used = np.zeros(self.n_raw, dtype=bool)
        for source in self.sources:
            if source.kind != "derived":
                used[list(source.raw)] = True
        return used

    def left(self, splits: Splits) -> dict[int, Condition]:
        """For every split, the condition on a raw (or derived) column of the rows that go left.

        Parameters
        ----------
        splits : Splits

        Returns
        -------
        dict of int to NumberCondition or CategoryCondition
            By node; `condition.column` is a position in `columns`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import native
        >>> X, y = load_iris(return_X_y=True)
        >>> tree = DecisionTreeClassifier(max_depth=1, random_state=0)
        >>> model = make_pipeline(StandardScaler(), tree).fit(X, y)
        >>> map = FeatureMap.of(model[:-1], X)
        >>> condition = map.left(native.splits(model[-1]))[0]
        >>> round(condition.intervals[0][1], 2)
        0.8
        """
        nodes = np.flatnonzero(splits.feature >= 0)
        used = np.unique(splits.feature[nodes]).tolist()
        own = {j: nodes[splits.feature[nodes] == j] for j in used}
        of_category = {j: own[j] for j in used if self._kind(j) == "category"}
        of_number = {j: own[j] for j in used if self._kind(j) != "category"}
        out = self._category_conditions(splits, of_category)
        out |= self._number_conditions(splits, of_number)
        return {node: out[node] for j in used for node in own[j].tolist()}

    def _kind(self, j: int) -> str:
        """Kind of the column that rules speak of for a model column."""
        return self.columns[self.player[j]].kind

    def _category_conditions(
        self, splits: Splits, nodes: dict[int, npt.NDArray]
    ) -> dict[int, Condition]:
        """Sets of categories, for the nodes of model columns made of a category each."""
        memo: Memo = {}
        asked: dict[int, CategoryAnswers] = {}
        questions: list[tuple[Source, npt.NDArray]] = []
        for j in nodes:
            source, column = self.sources[j], int(self.player[j])
            if column not in asked:
                tables = [s for s in self.sources if s.raw == source.raw]
                asked[column] = CategoryAnswers(self.columns[column], tables, memo)
            questions += asked[column].questions(source)
        ask_together(questions, memo)
        out: dict[int, Condition] = {}
        for j, own in nodes.items():
            column = int(self.player[j])
            out |= asked[column].conditions(self.sources[j], column, splits, own)
        return out

    def _number_conditions(
        self, splits: Splits, nodes: dict[int, npt.NDArray]
    ) -> dict[int, Condition]:
        """Intervals, for the nodes of model columns that are numbers or are made of one each."""
        memo: Memo = {}
        sources = {j: self.sources[j] for j in nodes}
        ask_together([(s, MISSING_NUMBER) for s in sources.values() if s.kind != "derived"], memo)
        lines: list[Asked] = []
        segments: list[Asked] = []
        for j, source in sources.items():
            missing = np.nan if source.kind == "derived" else missing_value(source, memo)
            is_line = source.kind in ("same", "number", "derived")
            about = Asked(int(self.player[j]), source, nodes[j], missing)
            (lines if is_line else segments).append(about)
        return on_numbers(splits, lines) | on_segments(splits, segments)


class CategoryAnswers:
    """What encoders make of the categories of one column, of missing and of unseen values.

    Parameters
    ----------
    about : Column
    tables : list of Source
        All model columns that are made of it.
    memo : dict, optional
        What transformers answered to `questions` before.

    Examples
    --------
    >>> column = Column("job", "category", ("a", "b"), refuses_missing=True, refuses_unseen=True)
    >>> source = Source((0,), "codes", "job", categories=("a", "b"))
    >>> [values.tolist() for values in CategoryAnswers(column, [source]).of(source)]
    [[0.0, 1.0], [], []]
    """

    def __init__(self, about: Column, tables: list[Source], memo: Memo | None = None) -> None:
        self.about = about
        self.known = _series(about.categories, tables)
        self.missing = [] if about.refuses_missing else _missing_like(about, tables)
        self.unseen = [] if about.refuses_unseen else [_unseen_like(about, tables)]
        self.memo: Memo = {} if memo is None else memo

    def questions(self, source: Source) -> list[tuple[Source, npt.NDArray]]:
        """All that `of` has to know, for `ask_together`."""
        known = [self.known] if len(self.known) else []
        return [(source, values) for values in (*known, *self.missing, *self.unseen)]

    def of(self, source: Source) -> tuple[npt.NDArray, npt.NDArray, npt.NDArray]:
        """Values of a model column for each category, for missing ones, for an unseen one.

        The second is empty where the model refuses missing values, and holds two values where
        None and NaN are both among the rows; the third is empty where it refuses unseen ones.
        """
        ask_together(self.questions(source), self.memo)
        known = source.forward(self.known, self.memo) if len(self.known) else np.zeros(0)
        missing = np.array([source.forward(v, self.memo)[0] for v in self.missing])
        unseen = np.array([source.forward(v, self.memo)[0] for v in self.unseen])
        return known, missing, unseen

    def refuse_two_kinds(self, told: npt.NDArray) -> None:
        """Refuse None and NaN of which different things are told.

        Raises
        ------
        ValueError
            If what is told of each is not the same.
        """
        if len(set(told.tolist())) > 1:
            raise ValueError(
                f"column {self.about.name!r} holds None and NaN, which the model tells apart; "
                "write missing values in one way before fitting"
            )

    def conditions(
        self, source: Source, column: int, splits: Splits, nodes: npt.NDArray
    ) -> dict[int, Condition]:
        """Sets of categories, by sending each through the encoder."""
        known, if_missing, if_unseen = (
            goes_left_each(splits, nodes, values) for values in self.of(source)
        )
        out: dict[int, Condition] = {}
        for i, node in enumerate(nodes.tolist()):
            self.refuse_two_kinds(if_missing[i])
            out[node] = CategoryCondition(
                column,
                frozenset(np.flatnonzero(known[i]).tolist()),
                bool(if_missing[i].any()),
                bool(if_unseen[i].any()),
            )
        return out


def raw_values(
    columns: tuple[Column, ...], X: Any, used: set[str] | None = None, *, by_name: bool = True
) -> list[npt.NDArray]:
    """One array a raw column: numbers (NaN for missing), or codes of categories.

    Parameters
    ----------
    columns : tuple of Column
    X : array-like, shape (n_rows, n_raw_columns)
    used : set of str, optional
        Names of the columns that matter; others may hold anything.
    by_name : bool
        Whether columns are found by their names or by their positions.

    Raises
    ------
    ValueError
        If a column is missing or does not hold numbers where it should.

    Examples
    --------
    >>> raw_values((Column("age"),), np.array([[20], [30]]), by_name=False)
    [array([20., 30.])]
    """
    frame = as_frame(X)
    if not by_name and frame.shape[1] != len(columns):
        raise ValueError(f"rows have {frame.shape[1]} columns, the rules know {len(columns)}")
    out = []
    for i, column in enumerate(columns):
        if by_name and column.name not in frame.columns:
            raise ValueError(
                f"column {column.name!r} is missing; rows must have the columns "
                f"{[c.name for c in columns]}"
            )
        series = frame[column.name] if by_name else frame.iloc[:, i]
        is_used = used is None or column.name in used
        if column.kind == "category":
            codes = column.codes(series) if is_used else np.full(len(series), UNSEEN)
            out.append(codes)
        else:
            out.append(_numbers(series, column.name, is_used))
    return out


def _written_missing(series: pd.Series, is_polars: bool) -> tuple:
    """How missing values are written where the model is told: None, NaN, both or neither."""
    missing = series[series.isna()]
    if is_polars and len(missing) and not pd.api.types.is_numeric_dtype(series.dtype):
        return (None,)  # polars' own missing texts
    if series.dtype != object:
        return (np.nan,) if len(missing) else ()
    written = (None,) if any(v is None for v in missing) else ()
    return (*written, np.nan) if any(v is not None for v in missing) else written


def _first_row(transformer: Any, X: Any) -> Any:
    """One row, with the columns in the order in which the transformer was fitted."""
    if sparse.issparse(X):
        X = X.tocsr()
    row = X[:1]
    names = getattr(transformer, "feature_names_in_", None)
    return row if names is None or not hasattr(X, "columns") else row[list(names)]


def _free_name(name: str, columns: list[Column]) -> str:
    """The name, with a number where a raw or another derived column bears it already."""
    taken = {column.name for column in columns}
    free, n = name, 2
    while free in taken:
        free, n = f"{name} ({n})", n + 1
    return free


def _raw_columns(names: list[str], frame: pd.DataFrame, sources: list[Source]) -> list[Column]:
    """What raw columns are, and what is refused of them."""
    of_raw: dict[int, list[Source]] = {i: [] for i in range(len(names))}
    for source in sources:
        if source.kind != "derived":
            of_raw[source.raw[0]].append(source)
    read = [_RawColumn(name, frame[name], of_raw[i]) for i, name in enumerate(names)]
    memo: Memo = {}
    ask_together([question for raw in read for question in raw.questions()], memo)
    return [raw.column(memo) for raw in read]


class _RawColumn:
    """A raw column and what has to be asked about it.

    Parameters
    ----------
    name : str
    series : Series
        Its values in the rows given.
    own : list of Source
        Model columns made of it alone, but derived ones.
    """

    def __init__(self, name: str, series: pd.Series, own: list[Source]) -> None:
        self.own = own
        self.tables = [s for s in own if s.kind in ("table", "codes")]
        self.is_flag = any(s.is_flag for s in own)
        self.about = _about(name, series, own, self.tables, self.is_flag)
        self.missing, self.other, self.unseen = [MISSING_NUMBER], [], []
        if self.about.kind == "category":
            self.missing = _missing_like(self.about, self.tables)
            self.other = _other_missing(self.missing)
            # Of flags there is no other value.
            self.unseen = [] if self.is_flag else [_unseen_like(self.about, self.tables)]

    def questions(self) -> list[tuple[Source, npt.NDArray]]:
        """All that `column` has to know, for `ask_together`."""
        missing = [(source, values) for values in self.missing for source in self.own]
        others = (*self.other, *self.unseen)
        return missing + [(source, values) for values in others for source in self.tables]

    def column(self, memo: Memo) -> Column:
        """The column, once its questions are answered."""
        no_missing = any(refuses(self.own, values, memo) for values in self.missing)
        if self.about.kind == "number":
            return replace(self.about, refuses_missing=no_missing)
        unseen = any(refuses(self.tables, values, memo) for values in self.unseen)
        return replace(
            self.about,
            refuses_missing=no_missing,
            refuses_unseen=self.is_flag or unseen,
            written=self._written(memo),
        )

    def _written(self, memo: Memo) -> str:
        """Whether encoders take None and NaN alike; else the one that they know."""
        for other in self.other:
            for source in self.tables:
                made = [_made(source, values, memo) for values in (self.missing[0], other)]
                if made[0] != made[1] and not np.isnan(made).all():
                    return "None" if self.missing[0][0] is None else "NaN"
        return "any"


def _made(source: Source, value: npt.NDArray, memo: Memo) -> float:
    """What becomes of a single value; infinity where it is refused."""
    try:
        return float(source.forward(value, memo)[0])
    except (ValueError, TypeError):
        return np.inf


def _about(
    name: str, series: pd.Series, own: list[Source], tables: list[Source], is_flag: bool
) -> Column:
    """What a raw column is: a number wherever any model column reads it as one."""
    # Whether a value is missing can be said of numbers and of categories.
    as_number = any(s.kind in ("same", "number") or (s.kind == "steps" and s.cuts) for s in own)
    text = _holds_text(series)
    has_missing = bool(series.isna().any())
    categories = tuple(dict.fromkeys(c for values in _tables(tables) for c in values))
    if is_flag:
        seen = (False, True) if as_number else tuple(bool(c) for c in categories)
        categories = seen or (False, True)
    elif text and not tables and all(s.kind == "same" for s in own):
        # Nothing encodes it: either nothing reads it, or a model that takes text itself.
        categories = tuple(series.dropna().unique()) if own else ()
    elif as_number or not (tables or text):
        for values in _tables(tables):  # read both ways: each category is a point on the line
            _check_numeric(name, values)
        numbers = None if text else series.astype(np.float64).to_numpy(na_value=np.nan)
        integer = numbers is not None and bool(
            np.all(np.isnan(numbers) | (numbers == np.floor(numbers)))
        )
        return Column(name, "number", has_missing=has_missing, integer=integer)
    return Column(name, "category", categories, has_missing=has_missing)


def _holds_text(series: pd.Series) -> bool:
    """Whether values are not numbers; numbers may come as objects or as categories."""
    if pd.api.types.is_numeric_dtype(series.dtype):
        return False
    if isinstance(series.dtype, pd.CategoricalDtype):
        return not pd.api.types.is_numeric_dtype(series.cat.categories.dtype)
    kind = pd.api.types.infer_dtype(series, skipna=True)
    return kind not in ("integer", "floating", "mixed-integer-float", "boolean", "decimal")


def _split_by_category(source: Source, values: tuple, kind: str) -> Source:
    """A model column that the model itself splits by category."""
    if source.kind == "table" and kind == "table":
        return source  # codes of an encoder, which are asked of it
    if source.kind != "same":
        raise ValueError(
            f"the model splits the column {source.name!r} by category, but what stands before it "
            "makes numbers of it that cannot be undone; give the model the column as it is, or "
            "encode it with an OrdinalEncoder"
        )
    return source.encoded(values, kind)


def _tables(sources: list[Source]) -> list[tuple]:
    """Categories of each encoder, once: all its columns hold the same tuple."""
    return list({id(s.categories): s.categories for s in sources}.values())


def _check_numeric(name: str, categories: tuple) -> None:
    wrong = [c for c in categories if not isinstance(c, int | float | np.number | bool)]
    if wrong:
        raise ValueError(
            f"column {name!r} is read both as a number and as a category {wrong[0]!r}; "
            "give the model two columns, or encode it in one way"
        )


def _series(values: tuple, tables: list[Source]) -> npt.NDArray:
    """Categories as a column: of any type where an encoder was fitted so, else numbers."""
    as_numbers = all(isinstance(v, int | float | np.number | np.bool_) for v in values)
    if as_numbers and not any(s.is_object for s in tables):
        return np.array(values, dtype=np.float64)
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _missing_like(about: Column, tables: list[Source]) -> list[npt.NDArray]:
    """A missing value in each way in which the rows given, else the encoder, have it."""
    written = next((s.missing for s in tables if s.missing), (np.nan,))
    dtype = object if None in written else _series(about.categories, tables).dtype
    return [np.array([value], dtype=dtype) for value in written]


def _other_missing(known: list[npt.NDArray]) -> list[npt.NDArray]:
    """The way in which missing values are not written, where objects hold them in one only."""
    if len(known) != 1 or known[0].dtype != object:
        return []
    return [np.array([np.nan if known[0][0] is None else None], dtype=object)]


def _unseen_like(about: Column, tables: list[Source]) -> npt.NDArray:
    known = _series(about.categories, tables)
    if len(known) and known.dtype != object:
        largest = float(known.max())
        return np.array([max(np.floor(largest) + 1.0, np.nextafter(largest, np.inf))])
    text = _UNSEEN_TEXT
    while text in about.categories:
        text += "."
    return np.array([text], dtype=object)


def _numbers(series: pd.Series, name: str, used: bool) -> npt.NDArray[np.float64]:
    """A raw column as float64; a column that the model does not read may be anything."""
    if not used and not pd.api.types.is_numeric_dtype(series.dtype):
        return np.full(len(series), np.nan)
    try:
        return series.to_numpy(np.float64, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"column {name!r} must hold numbers, as where the model was fitted: {error}"
        ) from error
