"""The rules in words: a table with how each fares, and what the whole amounts to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..document import Figure, Paragraph, Section, Table
from ..figures import figure, fixed, significant
from ..words import model_of, printable

if TYPE_CHECKING:
    from ..document import Block

__all__ = [
    "FRONT_RULES",
    "front_rules",
    "reading_words",
    "rule_marks",
    "rules_section",
    "which_rules",
]

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
    """How many of how many are shown on the first screen, and whether they are the model."""
    n, model = report["rules"]["n"], model_of(report)
    unit = "leaves" if model["reading"] == "model" else "rules"
    shown = f"all {n} {unit}"
    if n > FRONT_RULES:
        shown = f"the {LARGEST} largest of {n} {unit}"
    elif n == 1:
        shown = "one leaf" if unit == "leaves" else "one rule"
    if model["reading"] == "model":
        return shown
    return f"{reading_words(report)} Shown: {shown}"


def reading_words(report: dict[str, Any]) -> str:
    """What the rules are of a model that is no single tree, with their fidelity."""
    model = model_of(report)
    if model["reading"] == "partition":
        return (
            f"EXACT: these rules are the pruned {model['word']}, the joint partition of its "
            f"{model['n_trees']} trees, {model['cells']} cells."
        )
    return (
        f"A SURROGATE: these rules imitate the pruned {model['word']} and are not it. On the "
        f"training rows: {printable(model['fidelity']['words'])}."
    )


def rules_section(report: dict[str, Any]) -> Section:
    """The tree as a picture, all rules where the first screen could not hold them, and legends."""
    rules, tree, model = report["rules"], report["tree"], model_of(report)
    blocks: list[Block] = []
    if model["reading"] != "model":
        blocks.append(Paragraph(reading_words(report)))
    if tree is None:
        blocks.append(Paragraph(_not_drawn(report)))
    elif tree["n_leaves"] > 1:
        shown, n = tree["n_shown_leaves"], tree["n_leaves"]
        some = "" if shown == n else f" {shown} of {n} leaves are drawn."
        text = f"In the columns, units and category names of the data; R: number of the rule.{some}"
        blocks += [Paragraph(text), Figure("tree")]
    if rules["n"] > FRONT_RULES:
        shown = len(rules["shown"])
        which = f"The {shown} largest of" if shown < rules["n"] else "All"
        unit = "leaves" if model["reading"] == "model" else "rules"
        said = f"{which} {rules['n']} {unit}."
        if rules.get("n_met") == shown < rules["n"]:
            said = f"The {shown} of {rules['n']} {unit} that any row of these data meets."
        blocks += [
            Paragraph(said),
            _table(report, rules["shown"], "all_rules"),
        ]
    blocks.append(Paragraph(_legend(report), "legend"))
    several = tree is None or tree["n_leaves"] > 1
    title = f"The pruned {model['word']} and its rules" if several else "Rules"
    if model["reading"] == "surrogate":
        title = f"Rules that imitate the pruned {model['word']}"
    return Section("tree", "RULES", title, tuple(blocks))


def _not_drawn(report: dict[str, Any]) -> str:
    model = model_of(report)
    return (
        f"The {model['word']} is no single tree: its {report['rules']['n']} rules are listed, not "
        "drawn."
    )


def _table(report: dict[str, Any], shown: list[dict[str, Any]], name: str) -> Table:
    task, bounds = report["title"]["task"], ("[95 %]",) if _has_bounds(report) else ()
    head = {
        "regression": ("rule", "conditions", "train", "mean", *bounds, "held", "mean"),
        "multiclass": ("rule", "conditions", "train", "P", *bounds, "held", "share", "class"),
        "binary": ("rule", "conditions", "train", "P", *bounds, "held", "share", "decision"),
    }[task]
    rows = tuple((row["rule"], _words(row), *_cells(row, report)) for row in shown)
    keys = tuple(_keys(row, report) for row in shown)
    caption = "Rules: train, the training rows; held, the held-out rows"
    # What is said of a rule stands after its figures.
    left = (0, 1) if task == "regression" else (0, 1, 6 + len(bounds))
    return Table(name, caption, head, rows, left=left, keys=keys, wrapped=1)


def _has_bounds(report: dict[str, Any]) -> bool:
    """Whether P is a share of rows, which has an interval."""
    return bool(model_of(report)["reading"] == "model")


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
    between = [bounds] if _has_bounds(report) else []
    cells = [str(row["train"]), form(row["p"]), *between, str(row["held_out"]), share]
    return cells if regression else [*cells, _said(row, report)]


def _said(row: dict[str, Any], report: dict[str, Any]) -> str:
    if report["title"]["task"] == "multiclass":
        return printable(row["label"])
    words = report["decision"]["words"]
    return printable(words["act"] if row["decision"] else words["let"])


def _keys(row: dict[str, Any], report: dict[str, Any]) -> tuple[float | str | None, ...]:
    between = (row["low"],) if _has_bounds(report) else ()
    figures = (row["train"], row["p"], *between, row["held_out"], row["share"])
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
    if model_of(report)["reading"] == "surrogate":  # what the model does, its rules do not tell
        return ""
    marked = f"{_marked(report)}." if report["rules"]["n_marked"] else ""
    return " ".join(part for part in (_one_rule(report), _enough(report), marked) if part)


def _legend(report: dict[str, Any]) -> str:
    rules, task = report["rules"], report["title"]["task"]
    if model_of(report)["reading"] != "model":
        return _read_legend(report)
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


def _read_legend(report: dict[str, Any]) -> str:
    """Of a partition and of a surrogate: rows are counted by rules, and P is no share of rows."""
    task, word = report["title"]["task"], model_of(report)["word"]
    exact = model_of(report)["reading"] == "partition"
    what = {"regression": "mean", "multiclass": "P, of the class named", "binary": "P"}[task]
    source = (
        f"what the {word} says of every row that meets the rule, whether or not a training row does"
        if exact
        else f"the mean of what the {word} says of the training rows of the rule"
    )
    own = "rows" if exact else "them"
    came = "mean outcome" if task == "regression" else "share"
    parts = [
        f"{what}: {source}, which is no share of {own} and has no interval here; "
        f"held, {came}: of the held-out rows of the rule"
    ]
    n_empty = report["rules"].get("n_empty", 0)
    if n_empty:
        hold = "holds" if n_empty == 1 else "hold"
        parts.append(
            f"{n_empty} of the {report['rules']['n']} rules {hold} no training row: what is said "
            "there was learned from rows elsewhere"
        )
    parts.append(
        "limits are shortened as far as every row of these data goes the same way; the SQL and "
        "the JSON have them exactly"
    )
    if not exact:
        parts.append(
            f"what is attributed, given as a reason, changed or judged elsewhere in this report is "
            f"the {word} itself"
        )
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
    single = f"at this cut-off the {model_of(report)['word']} is one rule"
    if len(passed) == 1 and len(act) > 1:
        return f"All but {passed[0]} are {words['acted']}: {single}."
    if len(act) == 1 and len(passed) > 1:
        return f"Only {act[0]} is {words['acted']}: {single}."
    return ""
