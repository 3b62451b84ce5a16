"""Attributions, reasons and changes in words; every figure comes from the report's dict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..document import Figure, Items, Paragraph, Section, Table
from ..figures import figure, signed, signed_significant, significant
from ..words import model_of, printable

if TYPE_CHECKING:
    from ..document import Block

__all__ = [
    "attribution_section",
    "change_text",
    "reason_text",
    "reasons_line",
    "reasons_section",
    "value_text",
]

ABOUT = {"binary": "P", "multiclass": "the class probabilities", "regression": "the prediction"}
SHOWN_COLUMNS = 8


# -- attributions --------------------------------------------------------------------------------


def attribution_section(report: dict[str, Any]) -> Section | None:
    """What moves the prediction, largest column first, as grown and pruned."""
    told = report["attribution"]
    if not told:
        return None
    about, method = ABOUT[report["title"]["task"]], "Shapley values"
    if model_of(report)["reading"] != "model":  # of a tree it is always the same
        about = _added_to(told["unit"], about)
        method = method_of(told)
    head = (
        f"Of {about} on {told['n']} held-out rows, each raw column's share of the mean size of "
        f"attributions ({method}; those of one column's indicators are one value)."
    )
    blocks: list[Block] = [Paragraph(head), Figure("attributions"), _shares(told)]
    more = told["n_used"] - sum(c["share"] > 0 for c in told["columns"])
    if more > 0:
        word = model_of(report)["word"]
        blocks.append(Paragraph(f"Less for {more} more columns of the pruned {word}.", "legend"))
    largest = "; ".join(
        f"{printable(c['label'])} {printable(c['column'])} {figure(c['share'], 2)}"
        for c in told["largest"]
    )
    if largest:
        blocks.append(Paragraph(f"Largest by class, pruned: {largest}."))
    return Section("attributions", "ATTRIBUTION", "Attributions by raw column", tuple(blocks))


def method_of(told: dict[str, Any]) -> str:
    """How attributions were computed, and of which kind they are."""
    method = printable(told["method"])
    known = "Shapley" in method or "gradients" in method
    return method if known else f"Shapley values, {method}"


def _added_to(unit: str, about: str) -> str:
    """What attributions add up to: the prediction itself, or the score behind it."""
    if unit == "raw score":
        return f"the raw scores behind {about} (before softmax: no log-odds)"
    if unit == "log of the target":
        return f"the log of {about}"
    return about if unit in ("probability", "target") else f"the {unit} of {about}"


def _shares(told: dict[str, Any]) -> Table:
    rows = tuple(
        (printable(c["column"]), figure(c["before"], 2), figure(c["share"], 2))
        for c in told["columns"]
    )
    keys = tuple((printable(c["column"]), c["before"], c["share"]) for c in told["columns"])
    caption = "Share of mean absolute attribution"
    return Table("attributions", caption, ("column", "as grown", "pruned"), rows, keys=keys)


# -- reasons -------------------------------------------------------------------------------------


def reasons_line(report: dict[str, Any]) -> str | None:
    """One decision on the first screen: the middle one of those that are explained."""
    told = report["examples"]
    if not told or told["kind"] != "reasons" or not told["rows"]:
        return None
    row = told["rows"][len(told["rows"]) // 2]
    said = "; ".join(printable(reason["text"]) for reason in row["reasons"])
    text = f"row {row['row']} (P = {figure(row['p'])}): {said or 'no column pushes P up'}"
    return f"{text}. Against {printable(told['baseline'])}."


def reasons_section(report: dict[str, Any]) -> Section | None:
    """Three decisions explained: reasons and the cheapest change, or what moved the prediction."""
    told = report["examples"]
    if not told:
        return None
    if told["kind"] == "pushes":
        items = Items(tuple(_pushes(row, told.get("unit")) for row in told["rows"]))
        legend = Paragraph("Rows are numbered as in the data, from 1.", "legend")
        blocks: tuple[Block, ...] = (Paragraph(_examples_head(report)), items, legend)
        return Section("examples", "EXAMPLES", "Three predictions explained", blocks)
    return Section("reasons", "REASONS", "Three decisions explained", tuple(_reasons(report)))


def _reasons(report: dict[str, Any]) -> list[Block]:
    told, words = report["examples"], report["decision"]["words"]
    acted = printable(words["acted"])
    if told["n"] == 0:
        return [Paragraph(f"No held-out row is {acted}.")]
    if told["n_others"] == 0:
        text = f"Every row is {acted}: there is none to compare with, and no change would help."
        return [Paragraph(text)]
    head = (
        f"{len(told['rows'])} of {told['n']} {acted} held-out rows, from the surest to the "
        f"closest: what each column adds to {_added_to(told['unit'], 'P')} against "
        f"{printable(told['baseline'])}."
    )
    blocks: list[Block] = [Paragraph(head)]
    for row in told["rows"]:
        blocks.append(Paragraph(f"row {row['row']}: P = {figure(row['p'])}", "head"))
        if row["reasons"]:
            blocks.append(Items(tuple(reason_text(reason) for reason in row["reasons"]), True))
        else:
            blocks.append(Paragraph("no column pushes P up"))
        blocks += [
            Paragraph(f"CONFLICT: {printable(conflict)}", "warning")
            for conflict in row["conflicts"]
        ]
        blocks.append(Paragraph(change_text(row["change"], exact=_is_exact(report))))
    methods = "two kinds of Shapley values"
    if model_of(report)["kind"] == "mlp":  # as far as its attributions go
        methods = printable(told["method"])
    legend = (
        f"Rows are numbered as in the data, from 1. Methods: {methods}, and how "
        "far P is above what the column's best value would give. Cost of a change: 1 for another "
        "category or for 1.4826 median absolute deviations of a number (one standard deviation, "
        "were it normal); whether it can be made is not known here."
    )
    return [*blocks, Paragraph(legend, "legend")]


def _is_exact(report: dict[str, Any]) -> bool:
    return bool(model_of(report)["reading"] != "surrogate")


def reason_text(reason: dict[str, Any]) -> str:
    """One reason, the row's value, what it adds, and how many methods agree."""
    text, value = printable(reason["text"]), value_text(reason["value"])
    agreed = f"{reason['agreed']} of {reason['methods']} methods"
    parts = [value, signed(reason["contribution"]), agreed]
    return f"{text} ({', '.join(parts[text.endswith(f': {value}') :])})"


def change_text(change: dict[str, Any], *, exact: bool = True) -> str:
    """The cheapest change (or one that does) and the probability after it, or why there is none."""
    if not change["feasible"]:
        return f"no change found: {printable(change['note'])}"
    cost = significant(change["cost"], 3)
    changes = [
        f"{printable(c['column'])} {value_text(c['old'])} -> {value_text(c['new'])}"
        for c in change["changes"]
    ]
    which = "cheapest change" if exact else "a change that does"
    text = f"{which}: {'; '.join(changes)} (cost {cost})"
    note = f"; {printable(change['note'])}" if change["note"] else ""
    return f"{text}: P = {figure(change['after'])}{note}"


def _examples_head(report: dict[str, Any]) -> str:
    told = report["examples"]
    task, n = report["title"]["task"], len(told["rows"])
    order = {
        "binary": "from the lowest P to the highest",
        "multiclass": "from the surest class to the least sure",
        "regression": "from the lowest prediction to the highest",
    }[task]
    average = f"the average {told['unit']}" if "unit" in told else "the average"
    if told.get("unit") == "raw score":
        average += " of that class (before softmax: P follows from the scores of all classes)"
    return f"{n} of {told['n']} held-out rows, {order}: what columns add to {average}."


def _pushes(row: dict[str, Any], unit: str | None) -> str:
    """What moved one prediction away from the average."""
    is_number = row["label"] is None
    form = significant if is_number else figure
    what = "prediction" if is_number else f"P({printable(row['label'])}) ="
    average = f"average {unit}" if unit else "average"
    base = significant(row["base"], 3) if unit else form(row["base"])
    head = f"row {row['row']}: {what} {form(row['prediction'])}, {average} {base}"
    pushes = [
        f"{printable(p['column'])} = {value_text(p['value'])} "
        f"({signed_significant(p['push'], 3) if is_number else signed(p['push'])})"
        for p in row["pushes"]
    ]
    return "; ".join([head, *(pushes or ["no column moves it"])])


def value_text(value: Any) -> str:
    """A cell of the data.

    Examples
    --------
    >>> value_text(None), value_text(48.0), value_text("new car")
    ('missing', '48', 'new car')
    """
    if value is None:
        return "missing"
    if isinstance(value, float):
        return f"{value:.6g}"
    return printable(value)
