"""`rules`: what a saved model asks, in raw columns, from its file alone.

The file holds no rows that could say how limits are printed or whether values are missing. Rows
are made at every limit and for every category instead, and the model itself is asked about them;
nothing else of these rows is in what is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .checking import one_of
from .options import AsJson, ModelFile
from .terminal import collected_warnings, one_line_errors, print_json, print_text, remark, usage

if TYPE_CHECKING:
    from ..explain import Rule, RuleSet
    from ..explain.checks import Check
    from ..explain.conditions import Condition
    from .opening import OpenedModel

__all__ = ["RulesRead", "read_rules", "rules", "told_rules"]

FORMATS = ("text", "markdown", "json", "sql", "python", "csv")
MISSING = (
    "(or missing): a missing value meets the condition as well; without these words it does not."
)
ROUNDED = (
    "Limits have six digits (a report's fewer); --format sql, python and json have them exactly."
)
SAFE = (
    "Rounded down, and with more digits where two would look alike: every number of up to six "
    "digits, and every whole number, goes where the model sends it."
)


@dataclass(frozen=True, eq=False)
class RulesRead:
    """The rules of a saved model, and what was compared.

    Parameters
    ----------
    rules : RuleSet
        With the labels of the data.
    checks : dict of str to Check
    unchecked : dict of str to str
        Why a comparison could not be made.

    Examples
    --------
    >>> RulesRead(None, {}).checks
    {}
    """

    rules: RuleSet
    checks: dict[str, Check]
    unchecked: dict[str, str] = field(default_factory=dict)


def rules(
    model: ModelFile,
    form: Annotated[
        str, typer.Option("--format", help="text, markdown, json, sql, python or csv.")
    ] = "text",
    dialect: Annotated[
        str | None, typer.Option(help="Database that the SQL is for: sqlite, duckdb, postgres, …")
    ] = None,
    table: Annotated[str | None, typer.Option(help="Table that the SQL reads: rows.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a saved model's rules in raw columns, compared with the model."""
    with one_line_errors(), collected_warnings():
        one_of("--format", form, FORMATS)
        if as_json and form != "text":
            usage(f"--json and --format {form}: give one of them")
        if form != "sql" and not (dialect is None and table is None):
            usage("--dialect and --table are for --format sql")
        dialect, table = _checked_sql(dialect or "sqlite", table or "rows")

        from .opening import opened

        asked = opened(model)
        read = read_rules(asked)
        _say_checks(read)
        if as_json:
            print_json(_document(asked, read))
        else:
            print_text(_written(asked, read.rules, form, dialect, table).rstrip("\n") + "\n")


def _say_checks(read: RulesRead) -> None:
    """What was compared with the model, and what could not be, in lines that fit the page."""
    from ..report.layout import wrap
    from ..report.words import printable

    said = [
        f"checked: {name}: {check.scope} made at the rules' limits"
        for name, check in read.checks.items()
    ]
    said += [f"not checked: {name}: {why}" for name, why in read.unchecked.items()]
    for text in said:
        for line in wrap(printable(text), "", 2).splitlines():
            remark(line)


def _checked_sql(dialect: str, table: str) -> tuple[str, str]:
    """A database that SQL can be written for, and a name that it can have a table of."""
    if dialect != "sqlite":  # sqlglot takes a while to load
        from sqlglot.dialects.dialect import Dialects

        one_of("--dialect", dialect, [one.value for one in Dialects if one.value])
    if not all(table.split(".")) or table.count(".") > 2 or not table.isprintable():
        usage(f"--table {table!r}: give name, schema.name or catalog.schema.name")
    return dialect, table


def read_rules(asked: OpenedModel) -> RulesRead:
    """Rules of a saved model, compared with it at every limit, category and missing value.

    Parameters
    ----------
    asked : OpenedModel

    Returns
    -------
    RulesRead
        Limits are written as `written_limit` has them.

    Raises
    ------
    InputRefused
        If the model is no tree.
    CheckFailedError
        If the rules are not what the model says.

    Examples
    --------
    See `treeprune rules`.
    """
    from ..exceptions import CheckFailedError
    from ..explain import Explanation
    from ..explain.exports.rerun import python_check, sql_check
    from ..explain.view import view_of
    from ..report import InputRefused
    from ..saving.structure import model_tree
    from .probing import few_digits, probes, shortened, start_rows, written_limits

    if model_tree(asked.saved.model) is None:
        more = " of its own: the report of treeprune fit has some, exact or with their fidelity"
        more = "" if asked.word == "linear model" else more
        raise InputRefused(f"{asked.file}: is a {asked.word}, which has no rules{more}")
    view = view_of(asked.model, start_rows(asked))
    found = _labelled(view.rules, asked)
    found = replace(found, texts=written_limits(found))
    view = replace(view, readable=found)
    exact = Explanation(view, probes(found, asked))
    exact.check_rules()
    # Printed limits have fewer digits: they are tried with numbers that have few as well.
    printed = Explanation(view, shortened(probes(found, asked, few_digits)))
    printed.check_rules()
    name = "printed rules = model"
    said = exact.output(exact.X)[:, 0, :]
    checks: dict[str, Check | str] = {
        **exact.checks,
        name: printed.checks[name],
        "SQL = model": sql_check(found, exact.X, said),
        "Python = model": python_check(found, exact.X, said),
    }
    unchecked = {name: why for name, why in checks.items() if isinstance(why, str)}
    made = {name: check for name, check in checks.items() if not isinstance(check, str)}
    for name, check in made.items():
        if not check.passed:
            raise CheckFailedError(f"{asked.file}: {name}: {check}; nothing is written")
    return RulesRead(found, made, unchecked)


def _labelled(found: RuleSet, asked: OpenedModel) -> RuleSet:
    """The same rules with the labels of the data instead of the model's codes."""
    import numpy as np

    classes = (np.array(asked.labels, dtype=object),) if asked.labels else ()
    return replace(found, classes=classes, target=(asked.target,))


# -- what is said of each rule -------------------------------------------------------------------


def told_rules(found: RuleSet, asked: OpenedModel) -> list[dict[str, Any]]:
    """Conditions, training rows and prediction of each rule, as plain data.

    Parameters
    ----------
    found : RuleSet
    asked : OpenedModel

    Returns
    -------
    list of dict
        `rule`, `conditions` (texts), `train` (rows in the leaf when the tree was grown), `p` of
        the class `label` with its Wilson interval `low` and `high` (regression: the mean, without
        one), and `decision`, whether the model acts (binary).

    Examples
    --------
    See `treeprune rules`.
    """
    return [_told(f"R{i + 1}", rule, found, asked) for i, rule in enumerate(found)]


def _told(name: str, rule: Rule, found: RuleSet, asked: OpenedModel) -> dict[str, Any]:
    from ..intervals import wilson

    conditions = [condition_words(c, found) for c in rule.conditions]
    told: dict[str, Any] = {"rule": name, "conditions": conditions, "train": float(rule.weight)}
    proba = rule.value[0]
    if asked.task == "regression":
        return {**told, "p": float(proba[0]), "low": None, "high": None, "label": None}
    at = 1 if asked.task == "binary" else int(proba.argmax())
    low, high = wilson(float(proba[at] * rule.weight), float(rule.weight)) or (None, None)
    told |= {"p": float(proba[at]), "low": low, "high": high, "label": asked.labels[at]}
    if asked.task == "binary":
        told["decision"] = bool(asked.decides(proba[None])[0])
    return told


def condition_words(condition: Condition, found: RuleSet) -> str:
    """A condition, and whether a missing value meets it as well."""
    from ..explain.conditions import NumberCondition
    from ..explain.text import condition_text

    text = condition_text(condition, found, missing=False)
    if isinstance(condition, NumberCondition):
        some = bool(condition.intervals)
    else:
        some = bool(condition.allowed) or condition.unseen
    return f"{text} (or missing)" if some and condition.missing else text


# -- renderings ----------------------------------------------------------------------------------


def _document(asked: OpenedModel, read: RulesRead) -> dict[str, Any]:
    import json

    from .asking import said_checks

    return {
        "schema": "treeprune-cli-rules/1",
        "model": asked.said(),
        "listed": told_rules(read.rules, asked),
        "rules": json.loads(read.rules.to_json()),
        "checks": said_checks(read.checks),
    }


def _written(asked: OpenedModel, found: RuleSet, form: str, dialect: str, table: str) -> str:
    if form == "json":
        return found.to_json(indent=2)
    if form == "sql":
        return found.to_sql(table, dialect)
    if form == "python":
        return found.to_python("predict" if asked.task == "regression" else "predict_proba")
    if form == "csv":
        return found.to_csv() or ""
    return (_text if form == "text" else _markdown)(asked, found)


def _table(asked: OpenedModel, found: RuleSet) -> tuple[list[str], list[list[str]]]:
    """Heads and cells: rule, conditions, then figures and words."""
    from ..report.figures import figure, plain, significant
    from ..report.words import printable

    regression = asked.task == "regression"
    heads = ["rule", "conditions", "train", *(["mean"] if regression else ["P", "[95 %]"])]
    heads += {"binary": ["decision"], "multiclass": ["class"], "regression": []}[asked.task]
    cells = []
    for told in told_rules(found, asked):
        row = [told["rule"], "; ".join(told["conditions"]) or "every row", plain(told["train"])]
        if regression:
            row.append(significant(told["p"]))
        else:
            bounds = f"[{figure(told['low'], 2)},{figure(told['high'], 2)}]"
            row += [figure(told["p"], 2), bounds if told["low"] is not None else ""]
        if asked.task == "binary":
            row.append(printable(asked.words.act if told["decision"] else asked.words.let))
        elif asked.task == "multiclass":
            row.append(printable(told["label"]))
        cells.append(row)
    return heads, cells


def _legend(asked: OpenedModel) -> str:
    train = "train: rows in the leaf when the tree was grown"
    if asked.task == "regression":
        return f"{train}; mean: of their outcomes. {MISSING}"
    share = "P: their share of the class named"
    if asked.task == "binary":
        share = f"P: their share in which {asked.target} is {asked.labels[1]}"
    share += ", with its Wilson interval"
    return f"{train}; {share}. {MISSING}"


def _text(asked: OpenedModel, found: RuleSet) -> str:
    from ..report.layout import labelled
    from ..report.words import printable
    from .telling import acts_words, legend, listing, model_words

    heads, cells = _table(asked, found)
    acts = acts_words(asked)
    n = len(cells)
    lines = [labelled("MODEL", model_words(asked))]
    lines += [] if acts is None else [labelled("DECISION", acts)]
    lines.append(labelled("RULES", "one leaf" if n == 1 else f"all {n} leaves; a row meets one"))
    left = (0, 1, len(heads) - 1) if asked.task != "regression" else (0, 1)
    lines += [listing(heads, cells, left), legend(printable(_legend(asked)))]
    lines += [legend(ROUNDED), legend(SAFE)]
    return "\n".join(lines)


def _markdown(asked: OpenedModel, found: RuleSet) -> str:
    from ..explain.listing import escaped
    from .telling import acts_words, model_words

    heads, cells = _table(asked, found)
    leads = [model_words(asked), acts_words(asked)]
    lines = [part for text in leads if text for part in (escaped(text), "")]
    lines += [_line(heads), f"|{' --- |' * len(heads)}"]
    lines += [_line(row) for row in cells]
    return "\n".join([*lines, "", escaped(f"{_legend(asked)} {ROUNDED} {SAFE}")])


def _line(cells: list[str]) -> str:
    from ..explain.listing import escaped

    return f"| {' | '.join(map(escaped, cells))} |"
