"""The first screen: what somebody who signs has to know, in the order in which they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..document import Paragraph, Section
from ..figures import figure, fixed, percent, plain, signed, significant
from ..words import FIGURES, amount, model_of, printable
from .facts import check_words, excluded_words, failed_checks, limit_words, record_words
from .groups import groups_line
from .held import ahead, difference_table, front_table, smaller_words, swap_words
from .path import choice_words
from .reasons import reasons_line
from .rules import front_rules, rule_marks, which_rules
from .scores import score_line, stability_words

if TYPE_CHECKING:
    from ..document import Block

__all__ = ["front_sections", "summary_sentence"]


def front_sections(report: dict[str, Any]) -> tuple[Section, ...]:
    """The sections of the first screen, those that apply."""
    told = [
        ("excluded", "Excluded:", "Excluded", excluded_words(report["excluded"])),
        ("decision", "DECISION", "Decision", _decision(report)),
        ("summary", "SUMMARY", "Summary", _summary(report)),
        ("choice", "CHOICE", "Choice of size", choice_words(report)),
    ]
    sections = [_said(*one) for one in told]
    held = report["held_out"]
    tables = front_table(held), difference_table(held)
    sections.append(Section("held_out", "HELD OUT", "Held out", tables))
    if model_of(report)["kind"] != "tree":  # of a tree the lines above have said it all
        sections.append(_said("smaller", "SMALLER?", "Or train smaller?", smaller_words(report)))
    if held["swap"]:
        sections.append(_said("swap", "SWAP SET", "Swap set", swap_words(report)))
    sections.append(_rules(report))
    for key, label, title, text in (
        ("stability", "STABILITY", "Stability", stability_words(report)),
        ("reason", "REASONS", "Reasons", reasons_line(report)),
        ("groups", "FAIRNESS", "Fairness", groups_line(report)),
    ):
        if text:
            sections.append(_said(key, label, title, text))
    failed = [Paragraph(text, "warning") for text in failed_checks(report)]
    checks = Paragraph(check_words(report))
    sections.append(Section("checks", "CHECKS", "Checks", (*failed, checks)))
    score = score_line(report)
    if score:
        sections.append(_said("score", "INTERPRETABILITY", "Interpretability", score))
    limits = "; ".join(limit_words(report)) + "."
    sections.append(_said("caveats", "LIMITS", "Limits", limits))
    sections.append(_said("record", "RECORD", "Record", record_words(report)))
    return tuple(sections)


def _said(key: str, label: str, title: str, text: str) -> Section:
    return Section(key, label, title, (Paragraph(text),))


def _rules(report: dict[str, Any]) -> Section:
    regression = report["title"]["task"] == "regression"
    what = "mean of the training rows" if regression else "P = training share"
    if model_of(report)["reading"] != "model":
        says = f"{model_of(report)['word']} says"
        says = f"the {says}" if model_of(report)["reading"] == "partition" else "the rule says"
        what = f"{'mean' if regression else 'P'}: what {says}"
    head = Paragraph(f"{which_rules(report)} ({what})")
    blocks: list[Block] = [head, front_rules(report)]
    marks = rule_marks(report)
    if marks:
        blocks.append(Paragraph(marks))
    return Section("rules", "RULES", "Rules", tuple(blocks))


def _decision(report: dict[str, Any]) -> str:
    """What a probability leads to."""
    title, decision = report["title"], report["decision"]
    target = printable(title["target"])
    if title["task"] == "regression":
        return f"none; the model predicts {target} as a number."
    if title["task"] == "multiclass":
        return f"the class of {target} with the largest probability; all errors count the same."
    words = {name: printable(word) for name, word in decision["words"].items()}
    p = f"P is the probability that {target} is {printable(decision['positive'])}"
    if decision["cutoff"] is None:
        return f"{p}; {words['act']} if P > 1/2, as no costs were given."
    if not decision["costs"]:
        return (
            f"{p}, which is adverse; {words['act']} if P >= {decision['cutoff_text']}, a cut-off "
            "that was stated without costs."
        )
    costs = decision["costs"]
    return (
        f"{p}, which is adverse; {words['act']} if P >= "
        f"{decision['cutoff_text']}, which costs least on average when {words['missed']} costs "
        f"{plain(costs['miss'])} and {words['alarm']} {plain(costs['false_alarm'])} "
        f"({printable(costs['source'])})."
    )


def summary_sentence(report: dict[str, Any]) -> str:
    """What pruning did, in one sentence with figures."""
    held = report["held_out"]
    grown, pruned = held["rows"][:2]
    lead = held["lead"]
    name = FIGURES[lead]
    change = next(d for d in held["differences"] if d["rival"] == "grown")
    word, size = model_of(report)["word"], _main_size(report)
    moved = "-" if change["value"] is None else signed(change["value"])
    bounds = ""
    if change["low"] is not None:
        bounds = f" [{signed(change['low'])},{signed(change['high'])}, one-sided 95 % bounds]"
    if grown[size] == pruned[size]:
        return (
            f"Pruning removed nothing: the {word} as grown, of {_sized(grown, size)}, is kept; "
            f"its {name} on {held['n']} held-out rows is "
            f"{figure(pruned['figures'][lead]['value'])}."
        )
    return (
        f"Pruning took the {word} from {_smaller(report)}: {name} "
        f"{figure(pruned['figures'][lead]['value'])} against "
        f"{figure(grown['figures'][lead]['value'])} as grown on {held['n']} held-out rows, "
        f"{moved}{bounds}, {change['verdict'].upper()}."
    )


def _main_size(report: dict[str, Any]) -> str:
    """The count by which a model is called large."""
    return "leaves" if "leaves" in model_of(report)["sizes"] else "weights"


def _sized(row: dict[str, Any], size: str) -> str:
    """The size of one model; of several trees with their number."""
    of = f" of {amount(row['trees'], 'trees')}" if "trees" in row else ""
    return f"{amount(row[size], size)}{of}"


def _smaller(report: dict[str, Any]) -> str:
    """From which size to which, and what that means for a row."""
    grown, pruned = report["held_out"]["rows"][:2]
    size = _main_size(report)
    columns = f"from {grown['columns']} to {amount(pruned['columns'], 'columns')}"
    if size == "weights":
        neurons = f"from {grown['neurons']} to {amount(pruned['neurons'], 'neurons')}"
        return f"{grown[size]} to {_sized(pruned, size)}, {columns} and {neurons}"
    tests = f"from {fixed(grown['tests'], 1)} to {fixed(pruned['tests'], 1)} tests per row"
    one = _sized(grown, size) if "trees" in grown else grown[size]
    return f"{one} to {_sized(pruned, size)}, {columns} and {tests}"


def _summary(report: dict[str, Any]) -> str:
    model = model_of(report)
    alone = model["kind"] == "tree" and report["held_out"]["rows"][1]["leaves"] == 1
    warning = "ONE LEAF IS LEFT: the pruned tree says the same of every row." if alone else ""
    if model["kind"] != "tree" and model["constant"]:
        warning = f"THE PRUNED {model['word'].upper()} SAYS THE SAME OF EVERY ROW."
    parts = (summary_sentence(report), warning, _outcome(report), *ahead(report))
    return " ".join(part for part in parts if part)


def _outcome(report: dict[str, Any]) -> str:
    """What the pruned model does to the held-out rows."""
    held, task = report["held_out"], report["title"]["task"]
    grown, pruned = (row["figures"] for row in held["rows"][:2])
    if task == "multiclass":
        return (
            f"Right on {percent(pruned['accuracy']['value'])} of {held['n']} held-out rows; as "
            f"grown {percent(grown['accuracy']['value'])}."
        )
    if task == "regression":
        return (
            f"Typical error (RMSE) {significant(pruned['rmse']['value'])}; as grown "
            f"{significant(grown['rmse']['value'])}."
        )
    swap = held["swap"]
    words = {name: printable(word) for name, word in report["decision"]["words"].items()}
    text = (
        f"{words['acts']} {swap['n_acted']} of {held['n']}, including "
        f"{swap['n_acted_negative']} of {swap['n_negative']} that {words['miss']}"
    )
    if swap["n_passed"] == 0:
        return f"{text}; none is {words['passed']}."
    return (
        f"{text}; {swap['n_passed_positive']} of {swap['n_passed']} {words['passed']} "
        f"{words['hit']}."
    )
