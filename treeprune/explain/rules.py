"""Rule and RuleSet: a model as conditions on raw columns, exact enough to be run.

A rule is a leaf (of one tree, of the joint partition of several, or of a surrogate): one merged
condition a raw column and the value it predicts. A rule set can be matched with rows, so that
what it says is compared with the model before anyone reads it; texts and exports are renderings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .conditions import MISSING, UNSEEN, Column, Condition, NumberCondition
from .limits import printed_limit
from .matching import match_conditions

if TYPE_CHECKING:
    import pandas as pd

    from ..decision import Decision
    from .features import FeatureMap

__all__ = ["Rule", "RuleSet"]


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule: conditions that all hold, and what the model then predicts.

    Parameters
    ----------
    conditions : tuple of NumberCondition or CategoryCondition
        At most one a column; in the order in which the tree asks.
    value : array of float64, shape (n_outputs, n_classes)
        On the scale of the estimator's own output: probabilities, or the target.
    node : int
        The leaf, among all nodes of the trees read; -1 where it is made of several.
    weight : float
        Training weight of the leaf; of a cell that several trees make, how many reference rows
        it has; NaN where not known.

    Examples
    --------
    >>> Rule((), np.array([[0.3, 0.7]])).conditions
    ()
    """

    conditions: tuple[Condition, ...]
    value: npt.NDArray[np.float64]
    node: int = -1
    weight: float = np.nan

    def condition(self, column: int) -> Condition | None:
        """The rule's condition on a column, None where it asks nothing of it.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> explain(model, X).rules.rules[0].condition(0) is None
        True
        """
        return next((c for c in self.conditions if c.column == column), None)


@dataclass(frozen=True, eq=False)
class RuleSet:
    """Rules over raw columns that no two of which take the same row.

    Made by `explain(model, X).rules`; see there.

    Parameters
    ----------
    columns : tuple of Column
    rules : tuple of Rule
        Every row that the model takes meets exactly one.
    classes : tuple of array
        Class labels of each output; empty for regression.
    feature_map : FeatureMap or None
        Reads raw values from rows; None for a set read from a file.
    target : tuple of str
        A name for each output.
    kind : {"tree", "partition", "surrogate"}
        One tree's leaves, the joint partition of several trees, or a tree that imitates.
    texts : mapping of (column, limit) to str
        How limits are printed; the shortest decimal where a limit is not in it.
    n_trees : int or None
        Of how many trees they are, where that is known.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import explain
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
    >>> rules = explain(model, X).rules
    >>> len(rules), rules.predict(X)[:3].tolist()
    (3, [0, 0, 0])
    """

    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    classes: tuple[npt.NDArray, ...] = ()
    feature_map: FeatureMap | None = None
    target: tuple[str, ...] = ("y",)
    kind: str = "tree"
    texts: Mapping[tuple[int, float], str] = field(default_factory=dict)
    n_trees: int | None = None

    def __len__(self) -> int:
        """Number of rules."""
        return len(self.rules)

    def __iter__(self) -> Any:
        """The rules, in order."""
        return iter(self.rules)

    @property
    def is_classifier(self) -> bool:
        """Whether values are class probabilities."""
        return bool(self.classes)

    @property
    def used(self) -> tuple[int, ...]:
        """Positions of the columns that some rule asks for, ascending."""
        return tuple(sorted({c.column for rule in self.rules for c in rule.conditions}))

    def values(self, X: Any) -> list[npt.NDArray]:
        """One array a column: numbers, or codes of categories (`Column.codes`).

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)
            Raw rows, as the pipeline takes them.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> explain(model, X).rules.values(X[:2])[0].tolist()
        [5.1, 4.9]
        """
        if self.feature_map is not None:
            return self.feature_map.values(X)
        from .exports.json_text import values_by_name

        return values_by_name(self.columns, self.used, X)

    def match(self, X: Any, *, printed: bool = False) -> npt.NDArray[np.int64]:
        """Which rule takes each row.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)
        printed : bool
            Follow the limits as they are printed instead of the exact ones.

        Returns
        -------
        array of int64, shape (n_rows,)
            Position of the rule; -1 where none or more than one takes the row, which happens
            only for rows that the model refuses.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> explain(model, X).rules.match(X[::50]).tolist()
        [0, 1, 2]
        """
        return self.match_values(self.values(X), printed=printed)

    def match_values(
        self, values: list[npt.NDArray], *, printed: bool = False
    ) -> npt.NDArray[np.int64]:
        """As `match`, for values of columns that are known already.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> rules = explain(model, X).rules
        >>> rules.match_values(rules.values(X[::50]), printed=True).tolist()
        [0, 1, 2]
        """
        conditions: list[tuple[Condition, ...]] = [rule.conditions for rule in self.rules]
        if printed:  # the many rules of a partition share their conditions
            shared = {id(c): c for own in conditions for c in own}
            said = {key: self.as_printed(c) for key, c in shared.items()}
            conditions = [tuple(said[id(c)] for c in own) for own in conditions]
        rule_of = match_conditions(conditions, values)
        for c in self.used:  # a value that the model refuses is taken by no rule
            column, own = self.columns[c], values[c]
            if column.kind == "category":
                refused = column.refuses_unseen & (own == UNSEEN)
                refused |= column.refuses_missing & (own == MISSING)
            else:
                refused = column.refuses_missing & np.isnan(own)
            rule_of[refused] = -1
        return rule_of

    def text_of(self, column: int, limit: float) -> str:
        """A limit as it is printed.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> rules = explain(model, X).rules
        >>> condition = rules.rules[0].conditions[0]
        >>> rules.text_of(condition.column, condition.intervals[0][1])
        '0.8'
        """
        return self.texts.get((column, limit)) or printed_limit(limit, np.zeros(0))

    def as_printed(self, condition: Condition) -> Condition:
        """The condition with its limits as printed, for re-execution.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> rules = explain(model, X).rules
        >>> rules.as_printed(rules.rules[0].conditions[0]).intervals
        ((-inf, 0.8),)
        """
        if not isinstance(condition, NumberCondition):
            return condition
        intervals = tuple(
            (
                low if np.isinf(low) else float(self.text_of(condition.column, low)),
                high if np.isinf(high) else float(self.text_of(condition.column, high)),
            )
            for low, high in condition.intervals
        )
        return replace(condition, intervals=intervals)

    def _rule_of(self, X: Any) -> npt.NDArray[np.int64]:
        rule_of = self.match(X)
        if (rule_of < 0).any():
            row = int(np.argmax(rule_of < 0))
            raise ValueError(
                f"row {row} meets no rule: it misses a value, or has a category, that the model "
                "itself refuses"
            )
        return rule_of

    def output(self, X: Any) -> npt.NDArray[np.float64]:
        """Value of the rule that takes each row, shape (n_rows, n_outputs, n_classes).

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> explain(model, X).rules.output(X[:1]).tolist()
        [[[1.0, 0.0, 0.0]]]
        """
        rule_of = self._rule_of(X)
        return np.stack([rule.value for rule in self.rules])[rule_of]

    def predict_proba(self, X: Any) -> Any:
        """Class probabilities of each row, as the estimator's own `predict_proba`.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)

        Returns
        -------
        array of float64, shape (n_rows, n_classes), or a list of one an output

        Raises
        ------
        ValueError
            For regression, and for rows that the model would refuse.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> explain(model, X).rules.predict_proba(X[:1]).tolist()
        [[1.0, 0.0, 0.0]]
        """
        if not self.is_classifier:
            raise ValueError("these rules predict a number: use predict")
        value = self.output(X)
        parts = [value[:, o, : len(classes)] for o, classes in enumerate(self.classes)]
        return parts[0] if len(parts) == 1 else parts

    def predict(self, X: Any) -> npt.NDArray:
        """Prediction for each row: the likeliest class, or the number.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)

        Returns
        -------
        array, shape (n_rows,) or (n_rows, n_outputs)

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> explain(model, X).rules.predict(X[::50]).tolist()
        [0, 1, 2]
        """
        if not self.is_classifier:
            out = self.output(X)[:, :, 0]
            return out[:, 0] if out.shape[1] == 1 else out
        proba = self.predict_proba(X)
        parts = proba if isinstance(proba, list) else [proba]
        labels = [
            classes[np.argmax(p, axis=1)] for classes, p in zip(self.classes, parts, strict=True)
        ]
        return labels[0] if len(labels) == 1 else np.column_stack(labels)

    def evaluate(self, X: Any, y: Any, *, sample_weight: Any = None) -> pd.DataFrame:
        """How each rule fares on rows with known outcome.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)
        y : array-like, shape (n_rows,)
        sample_weight : array-like, shape (n_rows,), optional
            Intervals then rest on Kish's effective number of rows, (Σw)²/Σw², of each rule.

        Returns
        -------
        DataFrame
            A row a rule: `rule`, `rows` (with a weight), `support` (share of the weight), `value`
            (what the rule predicts). For classes: its `probability`, `n_<class>` (weights),
            `confidence` (share of that class among the rule's rows) with its 95 % Wilson interval
            `low`, `high`, and `lift` (confidence over the class's share in all rows). For
            numbers: `mean` with its 95 % t interval and the standard `deviation`. NaN where a
            rule has too few rows.

        Raises
        ------
        ValueError
            If lengths differ, there is more than one output, `y` misses values or holds labels
            that the rules do not know, weights are negative, or a row meets no rule.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> rules = explain(model, X).rules
        >>> rules.evaluate(X, y)[["rule", "rows", "value", "confidence", "low"]].round(2)
          rule  rows  value  confidence   low
        0   R1    50      0        1.00  0.93
        1   R2    54      1        0.91  0.80
        2   R3    46      2        0.98  0.89
        """
        from .evaluation import evaluate

        return evaluate(self, X, y, sample_weight)

    def to_text(
        self,
        *,
        train: tuple[Any, Any] | None = None,
        held_out: tuple[Any, Any] | None = None,
        decision: Decision | None = None,
        width: int = 100,
    ) -> str:
        """The rules as lines of text, with how they fare on rows with known outcome.

        Parameters
        ----------
        train, held_out : (X, y), optional
            Rows with their outcomes, for support, intervals and shares.
        decision : Decision, optional
            Then P is that of the adverse class, and each rule's decision is said.
        width : int
            Longest line, in characters; at least 60.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            As `evaluate`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> X = X[["petal width (cm)"]]
        >>> model = DecisionTreeClassifier(max_leaf_nodes=2, random_state=0).fit(X, y)
        >>> print(explain(model, X).rules.to_text(width=60, train=(X, y)))
        P: predicted probability of the likeliest class, with the 95
        % Wilson interval of its share among training rows
        RULE  CLASS  TRAIN     P       [95 %]
        R1        0     50  1.00  [.93, 1.00]
              petal width (cm) <= 0.8
        R2        1    100   .50   [.40, .60]
              petal width (cm) > 0.8
        Missing values (none in the reference rows) go: petal width
          (cm) as > 0.8.
        """
        from .listing import to_text

        return to_text(self, train=train, held_out=held_out, decision=decision, width=width)

    def to_markdown(
        self,
        *,
        train: tuple[Any, Any] | None = None,
        held_out: tuple[Any, Any] | None = None,
        decision: Decision | None = None,
    ) -> str:
        """What `to_text` says as a Markdown table, with names from data escaped.

        Parameters
        ----------
        train, held_out : (X, y), optional
            Rows with their outcomes, for support, intervals and shares.
        decision : Decision, optional
            As in `to_text`.

        Returns
        -------
        str

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> X = X[["petal width (cm)"]]
        >>> model = DecisionTreeClassifier(max_leaf_nodes=2, random_state=0).fit(X, y)
        >>> print(explain(model, X).rules.to_markdown())
        P: predicted probability of the likeliest class
        <BLANKLINE>
        | RULE | CONDITIONS | CLASS | WEIGHT | P |
        | --- | --- | ---: | ---: | ---: |
        | R1 | petal width (cm) &lt;= 0.8 | 0 | 50 | 1.00 |
        | R2 | petal width (cm) &gt; 0.8 | 1 | 100 | .50 |
        <BLANKLINE>
        Missing values (none in the reference rows) go: petal width (cm) as &gt; 0.8.
        """
        from .listing import to_markdown

        return to_markdown(self, train=train, held_out=held_out, decision=decision)

    def to_frame(self) -> pd.DataFrame:
        """A row a rule: name, conditions in words, what it predicts, training weight.

        Returns
        -------
        DataFrame
            `rule`, `conditions`, `P(<class>)` for each class or `value`, `weight`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> X = X[["petal width (cm)"]]
        >>> model = DecisionTreeClassifier(max_leaf_nodes=2, random_state=0).fit(X, y)
        >>> explain(model, X).rules.to_frame()[["rule", "conditions", "P(0)"]]
          rule               conditions  P(0)
        0   R1  petal width (cm) <= 0.8   1.0
        1   R2   petal width (cm) > 0.8   0.0
        """
        from .exports.frames import to_frame

        return to_frame(self)

    def to_decision_table(self) -> pd.DataFrame:
        """A row a rule and a column a raw column that rules use: what each asks of it.

        Returns
        -------
        DataFrame
            Cells such as `<= 11`, `in {a, b}` or `any`; then the outputs as in `to_frame`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> X = X[["petal width (cm)"]]
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> explain(model, X).rules.to_decision_table().iloc[:, 1:3]
          petal width (cm)  P(0)
        0           <= 0.8   1.0
        1  > 0.8 and <= 1.7   0.0
        2            > 1.7   0.0
        """
        from .exports.frames import to_decision_table

        return to_decision_table(self)

    def to_csv(
        self, path: str | os.PathLike[str] | None = None, *, what: str = "rules"
    ) -> str | None:
        r"""Rules as a CSV file that spreadsheets show and do not run.

        Parameters
        ----------
        path : str or path, optional
            File to write, replaced only once the new one is complete; None returns the text.
        what : {"rules", "decision_table"}
            As `to_frame` or as `to_decision_table`.

        Returns
        -------
        str or None
            Text that would begin a formula has an apostrophe before it; numbers stay numbers.

        Raises
        ------
        ValueError
            For any other `what`.
        OSError
            If the file cannot be written; nothing is left behind.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> X = X.rename(columns={"petal width (cm)": "=1+1"})
        >>> model = DecisionTreeClassifier(max_leaf_nodes=2, random_state=0).fit(X, y)
        >>> explain(model, X).rules.to_csv().splitlines()[1]
        '"R1","\'=1+1 <= 0.8",1.0,0.0,0.0,50.0'
        """
        from .exports.csv_text import to_csv

        return to_csv(self, path, what=what)

    def to_json(self, *, indent: int | None = None) -> str:
        """Rules as JSON (schema `treeprune-rules/1`), with exact limits.

        Parameters
        ----------
        indent : int, optional
            Blanks a level, for reading.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            For categories or labels that are neither text, number nor truth value.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> from treeprune.explain.rules import RuleSet
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> X = X[["petal width (cm)"]]
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> again = RuleSet.from_json(explain(model, X).rules.to_json())
        >>> bool((again.predict_proba(X) == model.predict_proba(X)).all())
        True
        """
        from .exports.json_text import to_json

        return to_json(self, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> RuleSet:
        """A rule set from `to_json`'s text, everything in it checked.

        Parameters
        ----------
        text : str or bytes

        Returns
        -------
        RuleSet
            Predicts as the one that was written. Columns are found in rows by their names;
            derived columns must be there under theirs.

        Raises
        ------
        ValueError
            If the text is not JSON, has another schema, or does not fit together.

        Examples
        --------
        See `to_json`.

        >>> from treeprune.explain.rules import RuleSet
        >>> try:
        ...     RuleSet.from_json("{}")
        ... except ValueError as error:
        ...     print(error)
        not a rule set: schema is None, this version reads 'treeprune-rules/1'
        """
        from .exports.json_text import from_json

        return from_json(text)

    def to_python(self, function: str = "predict_proba") -> str:
        """Source of one Python function from a mapping of column names to values to a prediction.

        Parameters
        ----------
        function : str
            Name of the function.

        Returns
        -------
        str
            The function returns a list of class probabilities, or a number; a list of these where
            there are several outputs. None and NaN are missing; it raises ValueError for values
            that the model refuses. Derived columns are read from the row under their names.

        Raises
        ------
        ValueError
            If `function` cannot be a function's name, or for categories that are neither text,
            number nor truth value.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> X = X[["petal width (cm)"]]
        >>> model = DecisionTreeClassifier(max_leaf_nodes=2, random_state=0).fit(X, y)
        >>> exec(explain(model, X).rules.to_python())
        >>> predict_proba({"petal width (cm)": 1.5})
        [0.0, 0.5, 0.5]
        """
        from .exports.python_source import to_python

        return to_python(self, function)

    def to_sql(
        self, table: str | Sequence[str], dialect: str = "sqlite", *, derived: str = "refuse"
    ) -> str:
        """A query for all columns of a table, the number of the rule and what it predicts.

        One flat `CASE` with a `WHEN` a rule; rows that the model refuses get NULL. Limits are
        compared exactly as the model compares, if the table holds numbers as floating-point or
        integer columns (in SQLite, integers beyond 2**53 are not rounded to floats). NaN counts
        as missing, as NULL does, in the dialects that can ask for it (DuckDB, Postgres,
        Snowflake, BigQuery, Spark, Presto, Trino, ClickHouse and their kin); in others only NULL
        does. Text is compared as the engine's collation has it: it must tell capitals from
        small letters (MySQL and SQL Server do not by default).

        Parameters
        ----------
        table : str or sequence of str
            `name` or `schema.name`; a sequence of parts where a part holds a dot.
        dialect : str
            Any that sqlglot writes: sqlite, duckdb, postgres, tsql, bigquery, …
        derived : {"refuse", "columns"}
            `columns`: the table holds derived columns (such as principal components), under
            their names.

        Returns
        -------
        str
            All names and texts are quoted in the dialect's way.

        Raises
        ------
        ValueError
            If rules ask for derived columns or are more than 20,000, if a name or text has no
            form in the dialect, or if it takes two of the columns for one.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> X = X[["petal width (cm)"]]
        >>> model = DecisionTreeClassifier(max_leaf_nodes=2, random_state=0).fit(X, y == 0)
        >>> sql = explain(model, X).rules.to_sql("flowers", "duckdb")
        >>> print(sql[sql.index("FROM") :])
        FROM (
          SELECT
            t.*,
            CASE
              WHEN NOT t."petal width (cm)" IS NULL
              AND NOT ISNAN(CAST(t."petal width (cm)" AS DOUBLE))
              AND t."petal width (cm)" <= 0.8000000417232512E0
              THEN 1
              WHEN (
                t."petal width (cm)" > 0.8000000417232512E0
                OR t."petal width (cm)" IS NULL
                OR ISNAN(CAST(t."petal width (cm)" AS DOUBLE))
              )
              THEN 2
            END AS "rule"
          FROM "flowers" AS t
        ) AS r
        """
        from .exports.sql import to_sql

        return to_sql(self, table, dialect, derived=derived)
