"""Rules as one SQL query: a flat CASE with a WHEN a rule, built as a syntax tree with sqlglot.

Limits are written so that the engine compares with exactly the model's float64: E notation, a
cast, or (SQLite, whose parser may be one ulp off) a whole number divided by powers of two. What
happens to NULL, to NaN and to categories that were not seen at fit is always written out.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import frexp, isfinite
from typing import TYPE_CHECKING, Any

from ..conditions import CategoryCondition, Column, Condition, NumberCondition
from .names import IMITATION, free_name, output_names, plain

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.expressions import Expression as Piece

    from ..rules import RuleSet

__all__ = ["to_sql"]

# Engines that ask for NaN with a function, and those where NaN equals itself. SQLite and MySQL
# cannot hold it; elsewhere only NULL counts as missing.
_NAN_FUNCTION = {
    "athena", "bigquery", "clickhouse", "databricks", "duckdb", "presto", "spark", "spark2", "trino"
}  # fmt: skip
_NAN_EQUALS = {"postgres", "snowflake"}
_CHR = {"duckdb", "sqlite"}  # known to hold NUL in text, as CHR(0) and CHAR(0)
MOST_RULES = 20_000  # each takes some 3 ms and 50 KB of syntax tree
_STEP = 53  # powers of two up to this one have at most 16 digits, which every parser reads exactly


def to_sql(
    rules: RuleSet,
    table: str | Sequence[str],
    dialect: str = "sqlite",
    *,
    derived: str = "refuse",
) -> str:
    """A query for all columns of a table, the number of the rule and what the rule predicts.

    Parameters
    ----------
    rules : RuleSet
    table : str or sequence of str
        `name` or `schema.name`; a sequence of parts where a part holds a dot.
    dialect : str
        As sqlglot calls it.
    derived : {"refuse", "columns"}
        `columns`: the table holds derived columns, under their names.

    Returns
    -------
    str
        That rules imitate a model is said in a comment before it.

    Raises
    ------
    ValueError
        If rules ask for derived columns, or if a name or text has no form in the dialect.

    Examples
    --------
    >>> import numpy as np
    >>> from treeprune.explain.rules import Rule, RuleSet
    >>> conditions = [NumberCondition(0, ((a, b),), a < 0) for a, b in ((-np.inf, 2), (2, np.inf))]
    >>> both = tuple(Rule((c,), np.array([[v]])) for c, v in zip(conditions, (0.5, 1.5)))
    >>> rules = RuleSet((Column("age"),), both)
    >>> print(to_sql(rules, "people", "duckdb"))
    SELECT
      r.*,
      CASE r."rule" WHEN 1 THEN 0.5E0 WHEN 2 THEN 1.5E0 END AS "value"
    FROM (
      SELECT
        t.*,
        CASE
          WHEN (
            t."age" <= 2.0E0 OR t."age" IS NULL OR ISNAN(CAST(t."age" AS DOUBLE))
          )
          THEN 1
          WHEN NOT t."age" IS NULL
          AND NOT ISNAN(CAST(t."age" AS DOUBLE))
          AND t."age" > 2.0E0
          THEN 2
        END AS "rule"
      FROM "people" AS t
    ) AS r
    """
    _check(rules, derived)
    return _Query(rules, dialect).text(table)


def _check(rules: RuleSet, derived: str) -> None:
    if derived not in ("refuse", "columns"):
        raise ValueError(f"derived must be 'refuse' or 'columns', got {derived!r}")
    if not rules.rules:
        raise ValueError("there are no rules to export")
    if len(rules) > MOST_RULES:
        raise ValueError(
            f"SQL is written of at most {MOST_RULES:,} rules, which take a minute and 1 GB; these "
            f"are {len(rules):,}: export them with to_python or to_json, or explain the model "
            "through a surrogate: explain(..., most_cells=64)"
        )
    made = [rules.columns[c] for c in rules.used if rules.columns[c].kind == "derived"]
    if made and derived == "refuse":
        names = "; ".join(f"{c.name!r} (made of {', '.join(map(repr, c.sources))})" for c in made)
        raise ValueError(
            f"SQL cannot compute the derived columns {names}: add them to the table and give "
            "derived='columns', or fit the model on columns that can be undone"
        )


class _Query:
    """One query in one dialect; every method returns a piece of the syntax tree."""

    def __init__(self, rules: RuleSet, dialect: str) -> None:
        from sqlglot import exp
        from sqlglot.dialects.dialect import Dialect

        self.rules, self.dialect, self.exp = rules, dialect, exp
        self.parser: Dialect = Dialect.get_or_raise(dialect)
        self.checked: set[str] = set()
        self.pretty = True
        names = [rules.columns[c].name for c in rules.used]
        self._check_capitals(names)
        self.names = [self.identifier(name) for name in names]
        self.of = dict(zip(rules.used, self.names, strict=True))

    def text(self, table: str | Sequence[str]) -> str:
        exp, rules = self.exp, self.rules
        taken = [column.name for column in rules.columns]
        number = free_name("rule", taken)
        outputs = output_names(rules, [*taken, number])
        case = exp.Case(ifs=[*self.refusals(), *map(self.branch, range(len(rules)))])
        inner = exp.select(
            self.star("t"), exp.alias_(case, self.identifier(number), copy=False), copy=False
        ).from_(self.table(table), copy=False)
        if self.dialect == "sqlite":
            # Its optimizer would write the whole CASE out again for each output, unless the
            # subquery has an OFFSET; a LIMIT of -1 is none.
            inner = inner.limit(-1, copy=False).offset(0, copy=False)
        picked = []
        for name, o, k in outputs:
            values = [float(rule.value[o, k]) for rule in rules]
            whens = [
                exp.If(this=exp.Literal.number(i + 1), true=self.output(value))
                for i, value in enumerate(values)
            ]
            case = exp.Case(this=self.column(self.identifier(number), "r"), ifs=whens)
            picked.append(exp.alias_(case, self.identifier(name), copy=False))
        query = exp.select(self.star("r"), *picked, copy=False)
        query = query.from_(inner.subquery("r", copy=False), copy=False)
        if rules.kind == "surrogate":  # a fixed text: nothing from data goes into comments
            query.add_comments([f" {IMITATION} "])
        return query.sql(dialect=self.dialect, pretty=self.pretty, copy=False)

    # -- names ------------------------------------------------------------------------------------

    def _check_capitals(self, names: list[str]) -> None:
        """Two columns that the engine takes for one would be mixed up in silence."""
        strategy = str(getattr(self.parser, "normalization_strategy", "")).upper()
        known: dict[str, str] = {}
        for name in names if "INSENSITIVE" in strategy else ():
            other = known.setdefault(name.casefold(), name)
            if other != name:
                raise ValueError(
                    f"{self.dialect} does not tell the columns {other!r} and {name!r} apart; "
                    "rename one of them and fit again"
                )

    def identifier(self, name: str) -> exp.Identifier:
        found = self.exp.to_identifier(name, quoted=True)
        if not name or "\0" in name:
            raise ValueError(f"no column or table of a database can be called {name!r}; rename it")
        self.check_form(found, name)
        # Before version 30, sqlglot indents the second line of a name.
        self.pretty = self.pretty and "\n" not in name
        return found

    def check_form(self, expression: Piece, meant: str) -> None:
        """That the dialect reads back what was meant, whatever quotes or escapes it has."""
        from sqlglot.errors import TokenError

        if meant in self.checked:
            return
        try:
            meant.encode("utf-8")
            tokens = self.parser.tokenize(expression.sql(dialect=self.dialect))
            same = len(tokens) == 1 and tokens[0].text == meant
        except (TokenError, UnicodeEncodeError):
            same = False
        if not same:
            raise ValueError(f"the text {meant!r} has no form in the SQL of {self.dialect!r}")
        self.checked.add(meant)

    def column(self, name: exp.Identifier, alias: str) -> exp.Column:
        """A column with its table: SQLite takes a bare unknown name for a text."""
        return self.exp.Column(this=name.copy(), table=self.exp.to_identifier(alias))

    def star(self, alias: str) -> exp.Column:
        return self.exp.Column(this=self.exp.Star(), table=self.exp.to_identifier(alias))

    def table(self, table: str | Sequence[str]) -> Piece:
        parts = table.split(".") if isinstance(table, str) else list(table)
        if not 1 <= len(parts) <= 3:
            raise ValueError(
                f"a table is a name, schema.name or catalog.schema.name, not {table!r}"
            )
        named = [self.identifier(part) for part in parts]
        levels = dict(zip(("this", "db", "catalog"), reversed(named)))
        alias = self.exp.TableAlias(this=self.exp.to_identifier("t"))
        return self.exp.Table(**levels, alias=alias)

    # -- literals ---------------------------------------------------------------------------------

    def output(self, value: float) -> Piece:
        """What is put out: plain in SQLite, where its last digit may be off, exact elsewhere."""
        if self.dialect == "sqlite" and isfinite(value):
            return self.exp.Literal.number(repr(abs(value))) if value >= 0 else self.exp.Neg(
                this=self.exp.Literal.number(repr(-value))
            )  # fmt: skip
        return self.number(value)

    def number(self, value: float) -> Piece:
        """A float64, exactly."""
        exp, value = self.exp, float(value)
        if not isfinite(value):
            raise ValueError(f"SQL has no common form for the number {value!r}")
        if self.dialect == "sqlite":
            found: Piece = _dyadic(exp, abs(value))
        else:
            text = repr(abs(value)).upper()
            found = exp.Literal.number(text if "E" in text else f"{text}E0")
        if value < 0:
            found = exp.Neg(this=found)
        # DuckDB reads E notation as DOUBLE. In SQLite the cast makes a column of text numbers
        # (an imported file) compare as numbers.
        return found if self.dialect == "duckdb" else exp.cast(found, "DOUBLE", copy=False)

    def category(self, value: Any) -> Piece:
        exp, value = self.exp, plain(value)
        if isinstance(value, bool):
            return exp.Boolean(this=value)
        if isinstance(value, int):
            found = exp.Literal.number(str(abs(value)))
            return exp.Neg(this=found) if value < 0 else found
        if isinstance(value, float):
            return self.category(int(value)) if value.is_integer() else self.number(value)
        parts = value.split("\0")
        if len(parts) > 1 and self.dialect not in _CHR:
            raise ValueError(f"the category {value!r} has no form in the SQL of {self.dialect!r}")
        texts = [exp.Literal.string(part) for part in parts]
        for text, part in zip(texts, parts, strict=True):
            self.check_form(text, part)
        joined: Piece = texts[0]
        for text in texts[1:]:
            nul = exp.Chr(expressions=[exp.Literal.number(0)])
            joined = exp.DPipe(this=exp.DPipe(this=joined, expression=nul), expression=text)
        return joined

    # -- conditions -------------------------------------------------------------------------------

    def any_of(self, parts: list[Piece]) -> Piece:
        exp = self.exp
        if not parts:
            return exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(0))
        return exp.Paren(this=exp.or_(*parts, copy=False)) if len(parts) > 1 else parts[0]

    def missing(self, position: int) -> list[Piece]:
        """Ways in which a column's value can be missing."""
        exp, about = self.exp, self.rules.columns[position]
        column = self.column(self.of[position], "t")
        ways: list[Piece] = [exp.Is(this=column, expression=exp.Null())]
        if not _holds_numbers(about):
            return ways
        if self.dialect in _NAN_FUNCTION:
            ways.append(exp.IsNan(this=exp.cast(column.copy(), "DOUBLE", copy=False)))
        elif self.dialect in _NAN_EQUALS:
            nan = exp.cast(exp.Literal.string("NaN"), "DOUBLE", copy=False)
            ways.append(exp.EQ(this=column.copy(), expression=nan))
        return ways

    def present(self, position: int) -> list[Piece]:
        """That it is not; nothing where the first branches have dealt with that."""
        if self.rules.columns[position].refuses_missing:
            return []
        return [self.exp.Not(this=way) for way in self.missing(position)]

    def among(self, position: int, categories: list[int]) -> Piece:
        about = self.rules.columns[position]
        listed = [self.category(about.categories[i]) for i in categories]
        return self.exp.In(this=self.column(self.of[position], "t"), expressions=listed)

    def refusals(self) -> list[exp.If]:
        """Rows that the model itself would not take get no rule."""
        exp, parts = self.exp, []
        for position in self.rules.used:
            about = self.rules.columns[position]
            if about.refuses_missing:
                parts += self.missing(position)
            if about.kind == "category" and about.refuses_unseen and about.categories:
                known = list(range(len(about.categories)))
                parts.append(exp.Not(this=self.among(position, known)))
        return [exp.If(this=exp.or_(*parts, copy=False), true=exp.Null())] if parts else []

    def branch(self, i: int) -> exp.If:
        exp = self.exp
        parts = [part for c in self.rules.rules[i].conditions for part in self.condition(c)]
        if not parts:
            parts = [exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(1))]
        return exp.If(this=exp.and_(*parts, copy=False), true=exp.Literal.number(i + 1))

    def condition(self, condition: Condition) -> list[Piece]:
        """Parts that all hold; one that is NULL, for a missing value, does not."""
        if isinstance(condition, NumberCondition):
            ways = self.intervals(condition)
        else:
            ways = self.categories(condition)
        if condition.missing:
            asked = [] if ways is None else [[*ways, *self.missing(condition.column)]]
            return [self.any_of(way) for way in asked]
        return [*self.present(condition.column), *([] if ways is None else [self.any_of(ways)])]

    def intervals(self, condition: NumberCondition) -> list[Piece] | None:
        """Ways for a value that is there; None where any will do."""
        exp = self.exp
        ways = []
        for low, high in condition.intervals:
            column = self.column(self.of[condition.column], "t")
            parts: list[Piece] = []
            if isfinite(low):
                parts.append(exp.GT(this=column, expression=self.number(low)))
            if isfinite(high):
                parts.append(exp.LTE(this=column.copy(), expression=self.number(high)))
            if not parts:
                return None
            ways.append(exp.and_(*parts, copy=False))
        return ways

    def categories(self, condition: CategoryCondition) -> list[Piece] | None:
        """As `intervals`. NOT IN lets unseen categories pass, IN does not."""
        n = len(self.rules.columns[condition.column].categories)
        if not condition.unseen:
            allowed = sorted(condition.allowed)
            return [self.among(condition.column, allowed)] if allowed else []
        out = [i for i in range(n) if i not in condition.allowed]
        return [self.exp.Not(this=self.among(condition.column, out))] if out else None


def _holds_numbers(column: Column) -> bool:
    kinds = {type(plain(c)) for c in column.categories}
    return column.kind != "category" or (bool(kinds) and kinds <= {int, float})


def _dyadic(exp: Any, value: float) -> Piece:
    """A float as few exact decimal digits, else as a whole number times or over powers of two."""
    digits = Decimal(value).as_tuple()
    if len(digits.digits) <= 15 and "e" not in repr(value):
        return exp.Literal.number(repr(value))
    mantissa, exponent = frexp(value)
    whole, exponent = int(mantissa * 2**53), exponent - 53
    while whole % 2 == 0:
        whole, exponent = whole // 2, exponent + 1
    found = exp.Literal.number(str(whole))
    while exponent:
        step = min(abs(exponent), _STEP)
        power = exp.Literal.number(f"{2**step}.0")
        if exponent > 0:
            found = exp.Mul(this=found, expression=power)
        else:  # typed: as the dialect divides, which is as floats, since the power is one
            found = exp.Div(this=found, expression=power, typed=True)
        exponent -= step if exponent > 0 else -step
    return found
