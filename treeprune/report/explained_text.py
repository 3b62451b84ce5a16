"""Attributions, reasons and checks in words; every figure comes from the report's dict."""

from __future__ import annotations

from typing import Any

from .figures import figure, signed, significant
from .words import printable

__all__ = [
    "attribution_text",
    "change_text",
    "check_text",
    "examples_head",
    "pushes_text",
    "reason_text",
    "reasons_legend",
]

ABOUT = {"binary": "P", "multiclass": "the class probabilities", "regression": "the prediction"}


def attribution_text(report: dict[str, Any]) -> str:
    """What moves the prediction, largest column first.

    Examples
    --------
    >>> told = {"columns": [{"column": "age", "share": 1.0}], "n_used": 1, "largest": [], "n": 9}
    >>> attribution_text({"attribution": told, "title": {"task": "binary"}})
    'of P on 9 held-out rows, share of mean size (Shapley values of raw columns): age 1.00.'
    """
    told = report["attribution"]
    if not told:
        return ""
    about = ABOUT[report["title"]["task"]]
    head = f"of {about} on {told['n']} held-out rows"
    what = "share of mean size (Shapley values of raw columns)"
    shown = ", ".join(f"{printable(c['column'])} {figure(c['share'], 2)}" for c in told["columns"])
    if told["n_used"] > len(told["columns"]):
        shown += f", and less for {told['n_used'] - len(told['columns'])} more columns"
    text = f"{head}, {what}: {shown or 'no column has any'}."
    largest = "; ".join(
        f"{printable(c['label'])} {printable(c['column'])} {figure(c['share'], 2)}"
        for c in told["largest"]
    )
    return f"{text} Largest by class: {largest}." if largest else text


def reason_text(reason: dict[str, Any]) -> str:
    """One reason, the row's value, what it adds, and how many methods agree.

    Examples
    --------
    >>> reason = {"text": "term: high", "value": 48.0, "contribution": 0.2, "agreed": 3}
    >>> reason_text(reason | {"methods": 3})
    'term: high (48, +.200, 3 of 3 methods)'
    """
    text, value = printable(reason["text"]), _value_text(reason["value"])
    agreed = f"{reason['agreed']} of {reason['methods']} methods"
    parts = [value, signed(reason["contribution"]), agreed]
    return f"{text} ({', '.join(parts[text.endswith(f': {value}') :])})"


def change_text(change: dict[str, Any]) -> str:
    """The cheapest change and the probability after it, or why there is none.

    Examples
    --------
    >>> changes = [{"column": "term", "old": 48.0, "new": 11}]
    >>> change = {"feasible": True, "changes": changes, "cost": 1.5, "after": 0.12, "note": ""}
    >>> change_text(change)
    'cheapest change: term 48 -> 11 (cost 1.50): P = .120'
    """
    if not change["feasible"]:
        return f"no change found: {change['note']}"
    cost = significant(change["cost"], 3)
    changes = [
        f"{printable(c['column'])} {_value_text(c['old'])} -> {_value_text(c['new'])}"
        for c in change["changes"]
    ]
    text = f"cheapest change: {'; '.join(changes)} (cost {cost})"
    note = f"; {change['note']}" if change["note"] else ""
    return f"{text}: P = {figure(change['after'])}{note}"


def reasons_legend(report: dict[str, Any]) -> str:
    """What the words of reasons mean.

    Examples
    --------
    >>> reasons_legend({"decision": None})
    ''
    """
    if not (report["decision"] and report["decision"]["costs"]):
        return ""
    return (
        "Rows are numbered as in the data, from 1. Methods: two kinds of Shapley values, and how "
        "far P is above what the column's best value would give. Cost of a change: 1 for another "
        "category or one median absolute deviation of a number; whether it can be made is not "
        "known here."
    )


def examples_head(report: dict[str, Any]) -> str:
    """Which rows are examples where there is no decision.

    Examples
    --------
    >>> examples_head({"examples": None})
    ''
    """
    told = report["examples"]
    if not told or told["kind"] != "pushes":
        return ""
    task, n = report["title"]["task"], len(told["rows"])
    order = {
        "binary": "from the lowest P to the highest",
        "multiclass": "from the surest class to the least sure",
        "regression": "from the lowest prediction to the highest",
    }[task]
    return f"{n} of {told['n']} held-out rows, {order}: what columns add to the average"


def pushes_text(row: dict[str, Any]) -> str:
    """What moved one prediction away from the average.

    Examples
    --------
    >>> push = {"column": "age", "value": 31.0, "push": 0.25}
    >>> pushes_text({"row": 7, "prediction": 0.75, "label": "yes", "base": 0.5, "pushes": [push]})
    'row 7: P(yes) = .750, average .500; age = 31 (+.250)'
    """
    is_number = row["label"] is None
    form = significant if is_number else figure
    what = "prediction" if is_number else f"P({printable(row['label'])}) ="
    head = f"row {row['row']}: {what} {form(row['prediction'])}, average {form(row['base'])}"
    pushes = [
        f"{printable(p['column'])} = {_value_text(p['value'])} "
        f"({_signed_significant(p['push']) if is_number else signed(p['push'])})"
        for p in row["pushes"]
    ]
    return "; ".join([head, *(pushes or ["no column moves it"])])


def _signed_significant(value: float) -> str:
    text = significant(value, 3)
    return f"+{text}" if value > 0 else text


def _value_text(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, float):
        return f"{value:.6g}"
    return printable(value)


def check_text(check: dict[str, Any]) -> str:
    """A check in one line.

    Examples
    --------
    >>> check = {"name": "rules = model", "passed": False, "scope": "8 of 9 rows", "detail": ""}
    >>> check_text(check)
    'rules = model: 8 of 9 rows FAILED'
    """
    failed = " FAILED" if check["passed"] is False else ""
    detail = f" ({check['detail']})" if check["detail"] else ""
    return f"{check['name']}: {check['scope']}{failed}{detail}"
