"""The figures on held-out rows in words and tables; nothing is computed here but their look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...intervals import round_rows
from ..document import Paragraph, Section, Table
from ..figures import (
    figure,
    fixed,
    percent,
    plain,
    signed,
    signed_significant,
    significant,
    with_interval,
)
from ..words import FIGURES, amount, model_of, printable, rows_are

if TYPE_CHECKING:
    from ..document import Block

__all__ = [
    "ahead",
    "before_after",
    "difference_table",
    "front_table",
    "rivals",
    "smaller_words",
    "swap_words",
]

MANY_ROWS = 1_000_000  # beyond, the number is not worth its digits
RULE_OF_THREE = ", rule of three"
PLAIN_VERDICTS = {
    "undecided": "undecided",
    "non-inferior": "within the margin",
}
FRONT = {
    "cost": ("auc", "log_loss", "cost"),
    "accuracy": ("auc", "log_loss", "accuracy"),
    "rmse": ("r2", "rmse", "mae"),
}
PLAIN_IN_FRONT = ("log_loss",)  # without its interval, as the line has no room
NOT_FRONT = ("log_loss", "brier", "accuracy")
OWN_UNIT = ("rmse", "mae")


def _with_interval(entry: dict[str, Any], form: Any) -> str:
    """Bounds of numbers in their own unit have a digit less."""
    return with_interval(entry, form, _three_digits if form is significant else None)


def _three_digits(value: float | None) -> str:
    return significant(value, 3)


def _form(name: str) -> Any:
    return significant if name in OWN_UNIT else figure


def front_table(held: dict[str, Any]) -> Table:
    """The figures that the first screen has room for."""
    have = held["rows"][0]["figures"]
    names = next(names for key, names in FRONT.items() if key in have)
    return _figure_table(held, names, "held_out", PLAIN_IN_FRONT)


def _figure_table(
    held: dict[str, Any], names: tuple[str, ...], key: str, bare: tuple[str, ...] = ()
) -> Table:
    head = ("model", *(FIGURES[n] + ("" if n in bare else " [95 %]") for n in names))
    rows = []
    for row in held["rows"]:
        cells = [
            _form(n)(row["figures"][n]["value"])
            if n in bare
            else _with_interval(row["figures"][n], _form(n))
            for n in names
        ]
        rows.append((row["model"], *cells))
    return Table(key, f"Figures of each model on {held['n']} held-out rows", head, tuple(rows))


def difference_table(held: dict[str, Any]) -> Table:
    """Pruned minus each rival, with its verdict."""
    label = {row["key"]: row["model"] for row in held["rows"]}
    rows = []
    for d in held["differences"]:
        value = "-" if d["value"] is None else signed(d["value"])
        bounds = "" if d["low"] is None else f"[{signed(d['low'])},{signed(d['high'])}]"
        needed = "" if d["rows_needed"] is None else _needed(d["rows_needed"])
        said = d["verdict"].upper()
        rows.append((f"pruned - {label[d['rival']]}", value, bounds, said, needed))
    lead = FIGURES[held["lead"]]
    level = f"one-sided {plain(100 * held['level'])} %"
    head = (f"difference in {lead}", "value", level, "verdict", "")
    caption = f"Differences in {lead} on the same held-out rows"
    return Table("differences", caption, head, tuple(rows), left=(0, 2, 3, 4))


def _needed(n: int) -> str:
    """How many rows would decide, short enough for a line."""
    return f"needs {round_rows(n)} rows" if n <= MANY_ROWS else f"needs over {MANY_ROWS}"


def _difference_legend(held: dict[str, Any]) -> str:
    first = held["differences"][0]["method"].partition("; ")[0].removesuffix(RULE_OF_THREE)
    parts = [
        f"Differences in {FIGURES[held['lead']]}: held-out rows paired, one-sided "
        f"{plain(100 * held['level'])} % bounds ({first})",
        f"NON-INFERIOR: a loss of more than {plain(held['margin'])} is excluded",
        "WORSE: not so, and a gain is excluded",
        "UNDECIDED: neither, and about so many rows like these would decide if the difference and "
        "its spread stayed the same",
    ]
    methods = [d["method"].partition("; ") for d in held["differences"]]
    if any(method.endswith(RULE_OF_THREE) for method, _, _ in methods):
        parts.append("where two models both separate the classes: bounds by the rule of three")
    parts += dict.fromkeys(note for _, _, note in methods if note)  # each once, in their order
    return "; ".join(parts) + "."


def ahead(report: dict[str, Any]) -> list[str]:
    """Plain words on every rival that does better than the pruned model on held-out rows."""
    held, word = report["held_out"], model_of(report)["word"]
    label = {row["key"]: row["model"] for row in held["rows"]}
    lead = FIGURES[held["lead"]]
    plain_verdict = {**PLAIN_VERDICTS, "worse": f"the {word} is worse"}
    # Less than what is printed is no difference.
    better = [d for d in held["differences"] if d["value"] is not None and d["value"] <= -5e-4]
    lines = []
    if better:
        said = ", ".join(
            f"{label[d['rival']]}{_beyond(report, d['rival'])} by {figure(-d['value'])} "
            f"({plain_verdict[d['verdict']]})"
            for d in sorted(better, key=lambda d: d["value"])
        )
        lines.append(f"Higher {lead} than the pruned {word}: {said}.")
        if any(d["rival"] == "linear" for d in better):
            lines.append(f"The reviewer must state why the {word} is preferred.")
    else:
        lines.append(f"No rival has a higher {lead} than the pruned {word}.")
    if "cost" in held["rows"][0]["figures"]:
        cost = {row["key"]: row["figures"]["cost"]["value"] for row in held["rows"]}
        cheaper = [k for k in cost if cost[k] < cost["pruned"]]
        if cheaper:
            said = ", ".join(f"{label[k]} {figure(cost[k])}" for k in cheaper)
            lines.append(f"Lower expected cost than its {figure(cost['pruned'])}: {said}.")
        else:
            lines.append(f"No rival costs less than its {figure(cost['pruned'])} per row.")
    return lines


def _beyond(report: dict[str, Any], key: str) -> str:
    """The size of an ensemble that was pruned otherwise and has no model as small as was asked."""
    most = report["path"]["choice"]["max_size"]
    row = next(row for row in report["held_out"]["rows"] if row["key"] == key)
    if key != "pruned_other" or most is None or "trees" not in row or row["leaves"] <= most:
        return ""
    return f" with {amount(row['leaves'])}"


def swap_words(report: dict[str, Any]) -> str:
    """Whose decision changed, from as grown to pruned."""
    swap = report["held_out"]["swap"]
    if report["title"]["task"] != "binary":
        return (
            f"{rows_are(swap['changed'])} given another class than by the "
            f"{model_of(report)['word']} as grown: "
            f"{swap['mended']} now right, {swap['spoiled']} now wrong."
        )
    words = {name: printable(word) for name, word in report["decision"]["words"].items()}
    return (
        f"{swap['acted']} newly {words['acted']} ({swap['acted_positive']} of them "
        f"{words['hit']}), {swap['passed']} newly {words['passed']} ({swap['passed_positive']} of "
        f"them {words['hit']}), from as grown to pruned."
    )


def smaller_words(report: dict[str, Any]) -> str:
    """Prune, or simply train smaller? The pruned model against one trained at its size."""
    held, word = report["held_out"], model_of(report)["word"]
    row = {row["key"]: row for row in held["rows"]}
    lead, small = held["lead"], row["grown_small"]
    found = next(d for d in held["differences"] if d["rival"] == "grown_small")
    said = [figure(row[key]["figures"][lead]["value"]) for key in ("pruned", "grown_small")]
    text = (
        f"Prune, or simply train smaller? A {word} trained at that size "
        f"({printable(small['detail'])}) has {FIGURES[lead]} {said[1]}, the pruned one {said[0]}"
    )
    if found["value"] is None or found["low"] is None:
        return f"{text}: {found['verdict'].upper()}."
    bounds = f"[{signed(found['low'])},{signed(found['high'])}, one-sided 95 % bounds]"
    plain_words = "neither is shown to be better"
    if found["low"] > 0:
        plain_words = "pruning is better"
    elif found["high"] < 0:
        plain_words = "training smaller is better, and simpler"
    return f"{text}: {signed(found['value'])} {bounds}, {found['verdict'].upper()}; {plain_words}."


# -- details -------------------------------------------------------------------------------------


def rivals(report: dict[str, Any]) -> Section:
    """All that the first screen has no room for: more figures, sizes, and what the words mean."""
    held = report["held_out"]
    n = f"{held['n']} held-out rows; [95 %]: percentiles of {held['resamples']} resamples of them"
    if held["resamples_defined"] < held["resamples"]:
        n += f" ({held['resamples'] - held['resamples_defined']} of them lack a class)"
    blocks: list[Block] = [Paragraph(n + ".")]
    if report["title"]["task"] != "regression":
        blocks.append(_figure_table(held, NOT_FRONT, "more_figures"))
    blocks.append(Paragraph(_figure_legend(report), "legend"))
    blocks += [_size_table(report), Paragraph(_size_legend(report), "legend")]
    blocks.append(Paragraph(_difference_legend(held), "legend"))
    blocks += [
        Paragraph(printable(f"{row['model']}: {row['detail']}"), "legend")
        for row in held["rows"]
        if row["detail"]
    ]
    return Section("rivals", "RIVALS", "The models it was weighed against", tuple(blocks))


def _size_table(report: dict[str, Any]) -> Table:
    held, sizes = report["held_out"], model_of(report)["sizes"]
    decides = any(row["changed"] is not None for row in held["rows"])
    regression = held["lead"] == "r2"
    head = ["model", *sizes, "columns", "ΔE"]
    rows = []
    for row in held["rows"]:
        cells = [row["model"], *(_count(row[key]) for key in sizes), str(row["columns"])]
        cells.append(significant(row["delta_e"], 3) if regression else figure(row["delta_e"], 4))
        rows.append((*cells, *([percent(row["changed"])] if decides else [])))
    head += ["changed"] if decides else []
    return Table("sizes", "Size of each model", tuple(head), tuple(rows))


def _count(value: float | None) -> str:
    """A number of leaves or weights, or a mean number of tests."""
    return str(value) if isinstance(value, int) else fixed(value, 1)


def _figure_legend(report: dict[str, Any]) -> str:
    task = report["title"]["task"]
    if task == "regression":
        return (
            "R²: share of the variance explained; RMSE, MAE: typical errors, in the target's unit."
        )
    auc = "AUC: area under the ROC curve"
    parts = [auc if task == "binary" else f"{auc}, each class against the rest, averaged"]
    parts.append("log loss and Brier score: lower is better")
    parts.append("accuracy: share of rows whose likeliest class is theirs")
    if report["decision"]["costs"]:
        parts.append(
            "cost: mean cost per row, when the likelier class is decided (argmax) and when "
            f"P >= {report['decision']['cutoff_text']} decides (cut-off)"
        )
    return "; ".join(parts) + "."


def _size_legend(report: dict[str, Any]) -> str:
    regression = report["title"]["task"] == "regression"
    what = "prediction" if regression else "predicted probability"
    sizes = {
        "tests": "tests: mean number of comparisons for a held-out row",
        "weights": "weights, neurons: those that still do something, biases not counted",
    }
    if "trees" in model_of(report)["sizes"]:
        which = "those that split" if model_of(report)["kind"] == "lightgbm" else "all trees"
        sizes["tests"] += f", in all trees; leaves: of {which}; depth: of the deepest"
    told = "; ".join(sizes[key] for key in sizes if key in model_of(report)["sizes"])
    text = (
        f"{told}; columns: raw columns used; ΔE: mean squared change of the {what} against as grown"
    )
    return text + ("." if regression else "; changed: held-out rows decided otherwise.")


# -- before and after ----------------------------------------------------------------------------


def before_after(report: dict[str, Any]) -> Section:
    """What pruning changed, all in one table."""
    held = report["held_out"]
    grown, pruned = held["rows"][0], held["rows"][1]
    rows: list[tuple[str, ...]] = []
    for name in pruned["figures"]:
        form = _form(name)
        change = _with_interval(
            held["changes"][name], signed if form is figure else signed_significant
        )
        cells = [_with_interval(row["figures"][name], form) for row in (grown, pruned)]
        rows.append((FIGURES[name], *cells, change))
    rows.append(("verdict on " + FIGURES[held["lead"]], "", "", _verdict(held)))
    moved = significant(pruned["delta_e"], 3) if held["lead"] == "r2" else None
    rows.append(("ΔE", "-", "-", moved or figure(pruned["delta_e"], 4)))
    if pruned["changed"] is not None:
        rows.append(("decided otherwise", "-", "-", percent(pruned["changed"])))
    for name, (one, other, form) in _sizes(report).items():
        rows.append((name, form(one), form(other), ""))
    head = ("[95 %]", "as grown", "pruned", "change")
    caption = f"On {held['n']} held-out rows"
    legend = (
        "Change: pruned minus as grown, the same rows resampled for both; the verdict rests on "
        f"the one-sided bounds of the first screen. {_use_legend(report)}How many rows a second "
        "are predicted stands with the time at the end: a clock gives another figure each time."
    )
    table = Table("before_after", caption, head, tuple(rows))
    return Section(
        "before_after",
        "BEFORE AND AFTER",
        "Before and after pruning",
        (table, Paragraph(legend, "legend")),
    )


def _verdict(held: dict[str, Any]) -> str:
    return next(d["verdict"] for d in held["differences"] if d["rival"] == "grown").upper()


def _use_legend(report: dict[str, Any]) -> str:
    """What rules, conditions and bytes are, where they are told."""
    parts = {
        "rules": "rules: one a leaf; conditions: raw columns asked about for a row, bounds of one "
        "column counted once",
        "bytes": "bytes: of the arrays of nodes and values",
    }
    if "weights" in model_of(report)["sizes"]:
        parts["bytes"] = "bytes: of the arrays of weights and biases"
    told = [words for key, words in parts.items() if report["use"]["grown"][key] is not None]
    return f"{'; '.join(told)}. " if told else ""


def _sizes(report: dict[str, Any]) -> dict[str, tuple[Any, Any, Any]]:
    """What both models have of leaves or weights, columns, rules and bytes."""
    grown, pruned = report["held_out"]["rows"][:2]
    names = {"tests": "tests per row", "conditions": "conditions per row"}
    sizes = {
        names.get(key, key): (grown[key], pruned[key], _count)
        for key in (*model_of(report)["sizes"], "columns")
    }
    before, after = report["use"]["grown"], report["use"]["pruned"]
    for key in ("rules", "conditions", "bytes"):
        if before[key] is not None:
            sizes[names.get(key, key)] = (before[key], after[key], _count)
    return sizes
