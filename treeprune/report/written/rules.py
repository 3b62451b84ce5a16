"""The rules in words: a table with how each fares, and what the whole amounts to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..document import Figure, Paragraph, Section, Table
from ..figures import figure, fixed, significant
from ..words import printable

if TYPE_CHECKING:
    from ..document import Block

__all__ = ["FRONT_RULES", "front_rules", "rule_marks", "rules_section"]

FRONT_RULES = 12  # of more, the first screen shows the largest and the details all
LARGEST = 6


def front_rules(report: dict[str, Any]) -> Table:
    """The rules on the first screen: all of a small tree, the largest of another."""
    shown = report["rules"]["shown"]
    if report["rules"]["n"] > FRONT_RULES:
        largest = sorted(shown, key=lambda row: -row["train"])[:LARGEST]
        shown = [row for row in shown if row in largest]
    return _table(report, shown, "rules")


def which_rules(report: dict[str, Any]) -> str:
    """How many of how many are shown on the first screen."""
    n = report["rules"]["n"]
    if n > FRONT_RULES:
        return f"the {LARGEST} largest of {n} leaves"
    return "one leaf" if n == 1 else f"all {n} leaves"


def rules_section(report: dict[str, Any]) -> Section:
    """The tree as a picture, all rules where the first screen could not hold them, and legends."""
    rules, tree = report["rules"], report["tree"]
    blocks: list[Block] = []
    if tree["n_leaves"] > 1:
        shown, n = tree["n_shown_leaves"], tree["n_leaves"]
        some = "" if shown == n else f" {shown} of {n} leaves are drawn."
        text = f"In the columns, units and category names of the data; R: number of the rule.{some}"
        blocks += [Paragraph(text), Figure("tree")]
    if rules["n"] > FRONT_RULES:
        shown = len(rules["shown"])
        which = f"The {shown} largest of" if shown < rules["n"] else "All"
        blocks += [
            Paragraph(f"{which} {rules['n']} leaves."),
            _table(report, rules["shown"], "all_rules"),
        ]
    blocks.append(Paragraph(_legend(report), "legend"))
    title = "The pruned tree and its rules" if tree["n_leaves"] > 1 else "Rules"
    return Section("tree", "RULES", title, tuple(blocks))


def _table(report: dict[str, Any], shown: list[dict[str, Any]], name: str) -> Table:
    task = report["title"]["task"]
    head = {
        "regression": ("rule", "conditions", "train", "mean", "[95 %]", "held", "mean"),
        "multiclass": ("rule", "conditions", "train", "P", "[95 %]", "held", "share", "class"),
        "binary": ("rule", "conditions", "train", "P", "[95 %]", "held", "share", "decision"),
    }[task]
    rows = tuple((row["rule"], _words(row), *_cells(row, report)) for row in shown)
    keys = tuple(_keys(row, report) for row in shown)
    caption = "Rules: train, the training rows; held, the held-out rows"
    return Table(name, caption, head, rows, left=(0, 1, 7), keys=keys, wrapped=1)


def _words(row: dict[str, Any]) -> str:
    return "; ".join(printable(c) for c in row["conditions"]) or "every row"


def _cells(row: dict[str, Any], report: dict[str, Any]) -> list[str]:
    """Figures of one rule, and what it decides."""
    task = report["title"]["task"]
    regression = task == "regression"
    form = significant if regression else (lambda value: figure(value, 2))
    edge = (lambda value: significant(value, 3)) if regression else form
    bounds = "" if row["low"] is None else f"[{edge(row['low'])},{edge(row['high'])}]"
    share = form(row["share"]) + (" !" if row["differs"] else "")
    cells = [str(row["train"]), form(row["p"]), bounds, str(row["held_out"]), share]
    return cells if regression else [*cells, _said(row, report)]


def _said(row: dict[str, Any], report: dict[str, Any]) -> str:
    if report["title"]["task"] == "multiclass":
        return printable(row["label"])
    words = report["decision"]["words"]
    return printable(words["act"] if row["decision"] else words["let"])


def _keys(row: dict[str, Any], report: dict[str, Any]) -> tuple[float | str | None, ...]:
    figures = (row["train"], row["p"], row["low"], row["held_out"], row["share"])
    keys = (int(row["rule"][1:]), _words(row), *figures)
    return keys if report["title"]["task"] == "regression" else (*keys, _said(row, report))


def _test(report: dict[str, Any]) -> str:
    regression = report["title"]["task"] == "regression"
    return "Welch's t test" if regression else "Fisher's exact test"


def _marked(report: dict[str, Any]) -> str:
    rules = report["rules"]
    return (
        f"!: held-out rows differ ({_test(report)}, p < {figure(rules['level'], 2)}, "
        f"uncorrected): {rules['n_marked']} of {rules['n_tested']}"
    )


def rule_marks(report: dict[str, Any]) -> str:
    """What a reader of the first screen has to know of the rules as a whole."""
    marked = f"{_marked(report)}." if report["rules"]["n_marked"] else ""
    return " ".join(part for part in (_one_rule(report), _enough(report), marked) if part)


def _legend(report: dict[str, Any]) -> str:
    rules, task = report["rules"], report["title"]["task"]
    if task == "regression":
        parts = ["mean: of the training rows in the leaf, with a t interval; held, mean: held-out"]
    else:
        of = "the class named" if task == "multiclass" else "positives"
        parts = [f"P: share of {of} among the leaf's training rows (Wilson interval); "
                 "held, share: the same on held-out rows"]  # fmt: skip
    parts.append(_marked(report))
    if rules["grown_on"] < rules["n_train"]:
        parts.append(
            f"train: the {rules['grown_on']} rows that the tree was grown on; the other "
            f"{rules['n_train'] - rules['grown_on']} decided what was pruned"
        )
    parts.append(
        "limits are shortened as far as every row of these data goes the same way; the SQL and "
        "the JSON have them exactly"
    )
    if rules["unseen_missing"]:
        names = ", ".join(printable(n) for n in rules["unseen_missing"])
        parts.append(f"missing in held-out rows only, so sent to the larger branch: {names}")
    return "; ".join(parts) + "."


def _enough(report: dict[str, Any]) -> str:
    """How much of what a path asks its outcome needs."""
    told = report["rules"]["sufficient"]
    if told is None:
        return ""
    outcome = "decision" if report["title"]["task"] == "binary" else "class"
    return (
        f"Enough for the {outcome}: {fixed(told['enough'], 1)} of {fixed(told['conditions'], 1)} "
        "conditions that a held-out row meets on average."
    )


def _one_rule(report: dict[str, Any]) -> str:
    """Said when the cut-off turns the whole tree into a single rule, or into none."""
    shown = report["rules"]["shown"]
    if report["title"]["task"] != "binary" or len(shown) < report["rules"]["n"]:
        return ""
    words = {name: printable(word) for name, word in report["decision"]["words"].items()}
    act = [row["rule"] for row in shown if row["decision"]]
    passed = [row["rule"] for row in shown if not row["decision"]]
    if not act or not passed:
        return f"At this cut-off every row is {words['acted'] if act else words['passed']}."
    if len(passed) == 1 and len(act) > 1:
        return f"All but {passed[0]} are {words['acted']}: at this cut-off the tree is one rule."
    if len(act) == 1 and len(passed) > 1:
        return f"Only {act[0]} is {words['acted']}: at this cut-off the tree is one rule."
    return ""
