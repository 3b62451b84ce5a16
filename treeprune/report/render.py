"""The report's dict as text; nothing is computed here but the look of a figure.

Names from the data are shown as they are written, except that characters which a terminal would
obey (escape sequences, line breaks) are spelt out.
"""

from __future__ import annotations

import textwrap
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from ..intervals import round_rows
from .explained_text import (
    attribution_text,
    change_text,
    check_text,
    examples_head,
    pushes_text,
    reason_text,
    reasons_legend,
)
from .fair_text import fairness_text
from .figures import figure, fixed, percent, plain, signed, significant
from .layout import WIDTH, table, wrap
from .scored_text import score_table, score_words_of, stability_words
from .words import FIGURES, method_words, printable, score_words

__all__ = ["render_text"]

MANY_ROWS = 1_000_000  # beyond, the number is not worth its digits
RULE_OF_THREE = ", rule of three"
PLAIN_VERDICTS = {
    "worse": "the tree is worse",
    "undecided": "undecided",
    "non-inferior": "within the margin",
}
WITH_INTERVAL = ("auc", "cost", "error", "r2", "rmse", "mae")


def render_text(report: dict[str, Any]) -> str:
    """The report as plain text, at most 100 columns wide.

    Parameters
    ----------
    report : dict
        From `report_of`.

    Returns
    -------
    str
        Ends with a line break; the time, if `report["record"]["made"]` is set, is its last line.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Options, Table, fit_rivals, report_of, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> options = Options(cv=2, n_resamples=1000)
    >>> text = render_text(report_of(study, fit_rivals(study, options), options))
    >>> text.splitlines()[0].split(",")
    ['toy', ' PRUNED TREE                                   56 train / 24 held out', ' seed 0']
    """
    env = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    env.filters.update(
        text=printable, fig=figure, fix=fixed, sig=significant, plain=plain, share=percent,
        wrap=wrap, check=check_text, reason=reason_text, change=change_text, pushes=pushes_text,
        leaves=lambda n: f"{n} leaf" if n == 1 else f"{n} leaves",
    )  # fmt: skip
    source = resources.files(__package__).joinpath("report.txt.j2").read_text("utf-8")
    path = report["path"]
    score = score_words(path["scoring"])
    direction = "lower is better" if path["lower_is_better"] else "higher is better"
    text = env.from_string(source).render(
        report=report,
        title_line=_title(report["title"]),
        method_words=method_words(path["method"]),
        score_words=f"{score} ({direction})",
        difference_head=_difference_head(report["held_out"]),
        excluded=_excluded(report["excluded"]),
        ahead=_ahead(report),
        tables={
            "path": _path_table(path, score),
            "held_out": _figure_table(report["held_out"]),
            "size": _size_table(report["held_out"]),
            "differences": _difference_table(report["held_out"]),
            "rules": _rule_table(report),
            "scores": _score_table(report),
        },
        path_legend=_path_legend(path),
        difference_legend=_difference_legend(report["held_out"]),
        figure_legend=_figure_legend(report),
        size_legend=_size_legend(report),
        rules_legend=_rules_legend(report),
        fairness=fairness_text(report),
        attribution=attribution_text(report),
        examples_head=examples_head(report),
        reasons_legend=reasons_legend(report),
        interpretability_words=score_words_of,
        stability_words=stability_words,
        limits=_limits(report),
    )
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    made = report["record"].get("made")
    return f"{text}Made      {made}\n" if made else text


def _score_table(report: dict[str, Any]) -> str:
    told = report["interpretability"]
    return "" if told is None else table(score_table(told))


def _title(title: dict[str, Any]) -> str:
    left = f"{printable(title['data'])}, PRUNED TREE"
    right = f"{title['n_train']} train / {title['n_held_out']} held out, seed {title['seed']}"
    return f"{left}{right:>{max(len(right) + 2, 80 - len(left))}}"


def _excluded(columns: list[dict[str, str]]) -> str:
    """Columns left out, by reason."""
    by_reason: dict[str, list[str]] = {}
    for entry in columns:
        by_reason.setdefault(entry["reason"], []).append(entry["column"])
    said = [f"{', '.join(names)} ({reason})" for reason, names in by_reason.items()]
    return printable("; ".join(said) or "no column")


def _interval(entry: dict[str, Any], form: Any) -> str:
    if entry["low"] is None:
        return form(entry["value"])
    return f"{form(entry['value'])} [{form(entry['low'])},{form(entry['high'])}]"


def _path_table(path: dict[str, Any], score: str) -> str:
    head = ["step", "strength", "leaves", "risk", *([score, "SE"] if path["scoring"] else []), ""]
    rows = [head]
    for step in path["steps"]:
        row = [str(step["step"]), significant(step["strength"]), str(step["leaves"]),
               significant(step["risk"])]  # fmt: skip
        if path["scoring"]:
            row += [figure(step["score"], 4), figure(step["se"], 4)]
        rows.append([*row, ", ".join(step["marks"])])
    return table(rows, left=(len(head) - 1,))


def _path_legend(path: dict[str, Any]) -> str:
    meaning = {
        "pessimistic": "by how many standard errors of its errors a subtree beats the leaf",
        "error_based": "0 is C4.5's own recursion; beyond, the price of a leaf in expected errors",
    }.get(path["method"], "the price of a leaf from which on the step is the best one")
    text = f"strength: {meaning}; risk: {path['risk_words']}, per row"
    return f"{text}; SE: over folds." if path["scoring"] else f"{text}."


def _figure_table(held: dict[str, Any]) -> str:
    names = list(held["rows"][0]["figures"])
    rows = [["", *(FIGURES[n] + (" [95 %]" if n in WITH_INTERVAL else "") for n in names)]]
    for row in held["rows"]:
        cells = [row["model"]]
        for name in names:
            form = significant if name in ("rmse", "mae") else figure
            entry = row["figures"][name]
            cells.append(_interval(entry, form) if name in WITH_INTERVAL else form(entry["value"]))
        rows.append(cells)
    return table(rows)


def _size_table(held: dict[str, Any]) -> str:
    decides = any(row["changed"] is not None for row in held["rows"])
    regression = held["lead"] == "r2"
    head = ["", "leaves", "depth", "tests", "columns", "ΔE", *(["changed"] if decides else [])]
    rows = [head]
    for row in held["rows"]:
        count = [("-" if row[k] is None else str(row[k])) for k in ("leaves", "depth")]
        cells = [row["model"], *count, fixed(row["tests"], 1), str(row["columns"])]
        cells.append(significant(row["delta_e"], 3) if regression else figure(row["delta_e"], 4))
        rows.append([*cells, *([percent(row["changed"])] if decides else [])])
    return table(rows)


def _difference_table(held: dict[str, Any]) -> str:
    label = {row["key"]: row["model"] for row in held["rows"]}
    rows = []
    for d in held["differences"]:
        value = "-" if d["value"] is None else signed(d["value"])
        bounds = "" if d["low"] is None else f"[{signed(d['low'])},{signed(d['high'])}]"
        needed = "" if d["rows_needed"] is None else _needed(d["rows_needed"])
        said = d["verdict"].upper()
        rows.append([f"pruned - {label[d['rival']]}", value, bounds, said, needed])
    return table(rows, left=(0, 2, 3, 4))


def _needed(n: int) -> str:
    """How many rows would decide, short enough for a line."""
    return f"needs {round_rows(n)} rows" if n <= MANY_ROWS else f"needs over {MANY_ROWS}"


def _difference_head(held: dict[str, Any]) -> str:
    method = held["differences"][0]["method"].partition("; ")[0].removesuffix(RULE_OF_THREE)
    bounds = f"one-sided {plain(100 * held['level'])} % bounds"
    return f"DIFFERENCE in {FIGURES[held['lead']]}, held-out rows paired: {bounds} ({method})"


def _difference_legend(held: dict[str, Any]) -> str:
    parts = [
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


def _ahead(report: dict[str, Any]) -> list[str]:
    """Plain words on every rival that does better than the pruned tree on held-out rows."""
    held = report["held_out"]
    label = {row["key"]: row["model"] for row in held["rows"]}
    lead = FIGURES[held["lead"]]
    # Less than what is printed is no difference.
    better = [d for d in held["differences"] if d["value"] is not None and d["value"] <= -5e-4]
    lines = []
    if better:
        said = ", ".join(
            f"{label[d['rival']]} by {figure(-d['value'])} ({PLAIN_VERDICTS[d['verdict']]})"
            for d in sorted(better, key=lambda d: d["value"])
        )
        lines.append(f"Higher {lead} than the pruned tree: {said}.")
        if any(d["rival"] == "linear" for d in better):
            lines.append("The reviewer must state why the tree is preferred.")
    else:
        lines.append(f"No rival has a higher {lead} than the pruned tree.")
    if "cost" in held["rows"][0]["figures"]:
        cost = {row["key"]: row["figures"]["cost"]["value"] for row in held["rows"]}
        cheaper = [k for k in cost if cost[k] < cost["pruned"]]
        if cheaper:
            said = ", ".join(f"{label[k]} {figure(cost[k])}" for k in cheaper)
            lines.append(f"Lower expected cost than its {figure(cost['pruned'])}: {said}.")
        else:
            lines.append(f"No rival costs less than its {figure(cost['pruned'])} per row.")
    return lines


def _rule_lines(row: dict[str, Any], width: int) -> list[str]:
    """The conditions, broken between conditions rather than inside them."""
    # No name holds a no-break space here: `printable` has spelt it out.
    texts = [printable(c) for c in row["conditions"]]
    glued = [t if len(t) > width - 6 else t.replace(" ", "\xa0") for t in texts]
    lines = textwrap.wrap(
        f"{row['rule']} {'; '.join(glued) or 'every row'}",
        width,
        subsequent_indent=" " * (len(row["rule"]) + 1),
        break_on_hyphens=False,
    )
    return [line.replace("\xa0", " ") for line in lines]


def _rule_cells(row: dict[str, Any], report: dict[str, Any]) -> list[str]:
    """Figures of one rule, and what it decides."""
    task = report["title"]["task"]
    regression = task == "regression"
    form = significant if regression else (lambda value: figure(value, 2))
    edge = (lambda value: significant(value, 3)) if regression else form
    bounds = "" if row["low"] is None else f"[{edge(row['low'])},{edge(row['high'])}]"
    share = form(row["share"]) + (" !" if row["differs"] else "  ")
    said = ""
    if task == "binary":
        words = report["decision"]["words"]
        said = words["act"] if row["decision"] else words["let"]
    elif task == "multiclass":
        said = printable(row["label"])
    said = said if len(said) <= 16 else f"{said[:15]}…"
    cells = [str(row["train"]), form(row["p"]), bounds, str(row["held_out"]), share]
    return cells if regression else [*cells, said]


def _rule_table(report: dict[str, Any]) -> str:
    """Rules to the left, as wide as the figures to their right leave room."""
    shown = report["rules"]["shown"]
    head = {
        "regression": ["train", "mean", "[95 %]", "held", "mean  "],
        "multiclass": ["train", "P", "[95 %]", "held", "share ", "class"],
        "binary": ["train", "P", "[95 %]", "held", "share ", ""],
    }[report["title"]["task"]]
    first, *rest = table([head, *(_rule_cells(row, report) for row in shown)], (5,)).splitlines()
    width = WIDTH - 2 - max(len(line) for line in (first, *rest))
    lines = [" " * (width + 2) + first]
    for row, right in zip(shown, rest, strict=True):
        top, *more = _rule_lines(row, width)
        lines.append(f"  {top:<{width}}{right}")
        lines += [f"  {line}" for line in more]
    return "\n".join(lines)


def _figure_legend(report: dict[str, Any]) -> str:
    task = report["title"]["task"]
    if task == "regression":
        return (
            "R²: share of the variance explained; RMSE, MAE: typical errors, in the target's unit"
        )
    auc = "AUC: area under the ROC curve"
    if task == "multiclass":
        return (
            f"{auc}, each class against the rest, averaged; log loss, Brier score and share of "
            "wrong classes: lower is better."
        )
    parts = [f"{auc}; log loss and Brier score: lower is better"]
    if report["decision"]["costs"]:
        parts.append(
            "cost: mean cost per row, when the likelier class is decided (argmax) and when "
            f"P >= {report['decision']['cutoff_text']} decides (cut-off)"
        )
    else:
        parts.append("error: share of wrong decisions")
    return "; ".join(parts) + "."


def _size_legend(report: dict[str, Any]) -> str:
    regression = report["title"]["task"] == "regression"
    what = "prediction" if regression else "predicted probability"
    text = (
        "tests: mean number of comparisons for a held-out row; columns: raw columns used; "
        f"ΔE: mean squared change of the {what} against as grown"
    )
    return text + ("." if regression else "; changed: held-out rows decided otherwise.")


def _rules_legend(report: dict[str, Any]) -> str:
    rules, task = report["rules"], report["title"]["task"]
    if task == "regression":
        parts = ["mean: of the training rows in the leaf, with a t interval; held, mean: held-out"]
        test = "Welch's t test"
    else:
        of = "the class named" if task == "multiclass" else "positives"
        parts = [f"P: share of {of} among the leaf's training rows (Wilson interval); "
                 "held, share: the same on held-out rows"]  # fmt: skip
        test = "Fisher's exact test"
    parts.append(
        f"!: held-out rows differ ({test}, p < {figure(rules['level'], 2)}, uncorrected): "
        f"{rules['n_marked']} of {rules['n_tested']}"
    )
    if rules["grown_on"] < rules["n_train"]:
        parts.append(
            f"train: the {rules['grown_on']} rows that the tree was grown on; the other "
            f"{rules['n_train'] - rules['grown_on']} decided what was pruned"
        )
    if rules["unseen_missing"]:
        names = ", ".join(printable(n) for n in rules["unseen_missing"])
        parts.append(f"missing in held-out rows only, so sent to the larger branch: {names}")
    text = "; ".join(parts) + "."
    return " ".join(part for part in (text, _enough(report), _one_rule(report)) if part)


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
    words = report["decision"]["words"]
    act = [row["rule"] for row in shown if row["decision"]]
    passed = [row["rule"] for row in shown if not row["decision"]]
    if not act or not passed:
        return f"At this cut-off every row is {words['acted'] if act else words['passed']}."
    if len(passed) == 1 and len(act) > 1:
        return f"All but {passed[0]} are {words['acted']}: at this cut-off the tree is one rule."
    if len(act) == 1 and len(passed) > 1:
        return f"Only {act[0]} is {words['acted']}: at this cut-off the tree is one rule."
    return ""


def _limits(report: dict[str, Any]) -> list[str]:
    """What the figures cannot say: of any such report, then of this data."""
    return [
        "the held-out rows were judged once: nothing was chosen on them",
        "one random split: no rows from a later time; another split gives other figures",
        "intervals are for these fitted models; refitting on other rows varies more",
        "the rivals' settings are not tuned beyond what is listed",
        "leaving a column out does not make decisions equal between groups: others may stand in",
        "attributions, reasons and changes tell what the tree does, not what causes an outcome",
        *report["limits"],
    ]
