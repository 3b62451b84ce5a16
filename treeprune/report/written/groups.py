"""Groups and stated limits in words; nothing is computed here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..document import Paragraph, Section, Table
from ..figures import figure, signed, with_interval
from ..words import amount, model_of, printable, score_words

if TYPE_CHECKING:
    from ..document import Block

__all__ = ["fairness_section", "groups_line"]

HEADS = {
    "selection_rate": "selection rate",
    "tpr": "TPR",
    "fpr": "FPR",
    "auc": "AUC",
    "calibration": "calibration",
}
MODELS = {"before": "as grown", "after": "pruned"}
MOST_SHOWN = 10


def fairness_section(report: dict[str, Any]) -> Section:
    """How groups fare; without sensitive columns, that nothing was measured."""
    told = report["fairness"]
    if told is None:
        left = [e["column"] for e in report["excluded"] if e["reason"] == "sensitive"]
        why = "no sensitive column was named"
        if left:
            why = (
                f"{', '.join(map(printable, left))}: left out, but groups are not compared by them"
            )
        text = (
            f"not measured: {why}. Groups may fare differently all the same; leaving a column out "
            "of the model does not prevent it."
        )
        return _section(Paragraph(text))
    blocks: list[Block] = [Paragraph(_head(report))]
    measured = [column for column in told["columns"] if column["groups"] is not None]
    for i, column in enumerate(measured):
        blocks += _column(column, report, i)
    if measured:
        blocks.append(Paragraph(_legend(report), "legend"))
    blocks += [
        Paragraph(_too_many(column, told))
        for column in told["columns"]
        if column["too_many"] is not None
    ]
    if told["limits"] is not None:
        model, limits = model_of(report), told["limits"]
        blocks += [_limit_table(limits, model), Paragraph(_limit_words(limits, model))]
    return _section(*blocks)


def groups_line(report: dict[str, Any]) -> str | None:
    """How far apart groups are selected, as grown and pruned; None where nothing was measured."""
    told = report["fairness"]
    if told is None:
        return None
    said = []
    for column in told["columns"]:
        rows = {row["figure"]: row for row in column["differences"] or ()}
        row = rows.get("selection_rate_difference")
        if row is not None:
            before, after = (_interval(row[key], 3) for key in MODELS)
            said.append(f"by {printable(column['column'])} {before} -> {after}")
    if not said:
        return None
    words = printable(report["decision"]["words"]["passed"])
    return (
        f"largest difference in the share that is {words} [95 %], as grown -> pruned: "
        f"{'; '.join(said)}. A measure, no verdict."
    )


def _section(*blocks: Block) -> Section:
    return Section("fairness", "FAIRNESS", "Fairness between groups", blocks)


# -- groups --------------------------------------------------------------------------------------


def _head(report: dict[str, Any]) -> str:
    told = report["fairness"]
    text = _by(told["columns"])
    if told["not_measured"] is not None:
        return f"{text}: not measured, {printable(told['not_measured'])}"
    each = ", each column by itself" if len(told["columns"]) > 1 else ""
    words = report["decision"]["words"]
    limit = report["decision"].get("cutoff_text")
    rule = "P <= 1/2" if limit is None else f"P < {limit}"
    passed, acted, hit, miss = (
        printable(words[name]) for name in ("passed", "acted", "hit", "miss")
    )
    return (
        f"{text}{each}, on {told['rows']} held-out rows. Selected means {passed} ({rule}): to be "
        f"{acted} is taken as adverse. Selection rate: share of a group's rows that are {passed}; "
        f"TPR: the same share of those that {miss}, so that 1 - TPR were wrongly {acted}; FPR: of "
        f"those that {hit}, so wrongly {passed}."
    )


def _by(columns: list[dict[str, Any]]) -> str:
    """Which columns, and whether a model has seen them."""
    parts = []
    for seen, words in ((False, "which no model has seen"), (True, "which the models take")):
        names = ", ".join(printable(c["column"]) for c in columns if c["seen"] is seen)
        if names:
            parts.append(f"by {names}, {words}")
    return "; ".join(parts)


def _column(column: dict[str, Any], report: dict[str, Any], i: int) -> list[Block]:
    """A table of groups, who is not shown, and a table of differences."""
    blocks: list[Block] = [Paragraph(_about(column, report["fairness"]["fewest_rows"]), "head")]
    if column["groups"]:
        blocks.append(_group_table(column, report, f"groups_{i + 1}"))
    if len(column["groups"]) < 2:
        return [*blocks, Paragraph("No differences: they take two groups.")]
    return [*blocks, _difference_table(column, f"group_differences_{i + 1}")]


def _about(column: dict[str, Any], fewest: int) -> str:
    parts = [f"by {printable(column['column'])}"]
    if column["bands"]:
        parts.append(f"cut into {column['bands']} bands of about equally many held-out rows")
    n = len(column["groups"])
    if n == 0:
        parts.append(f"no group has {fewest} rows")
    if n > MOST_SHOWN:
        parts.append(f"the {MOST_SHOWN} largest of {n} groups, differences of all")
    hidden = column["hidden"]
    if hidden["groups"]:
        groups = "1 group" if hidden["groups"] == 1 else f"{hidden['groups']} groups"
        parts.append(f"{groups} of fewer than {fewest} rows not shown, {_rows(hidden['rows'])}")
    return "; ".join(parts)


def _too_many(column: dict[str, Any], told: dict[str, Any]) -> str:
    return (
        f"{printable(column['column'])} is not measured: {column['too_many']} groups of at least "
        f"{told['fewest_rows']} rows; at most {told['most_groups']} can be compared."
    )


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n} rows"


def _group_table(column: dict[str, Any], report: dict[str, Any], name: str) -> Table:
    """Of each group a row with its name and size, and a row a model."""
    groups = column["groups"]
    largest = sorted(groups, key=lambda group: -group["count"])[:MOST_SHOWN]
    miss = printable(report["decision"]["words"]["miss"])
    rows: list[tuple[str, ...]] = []
    for group in (group for group in groups if group in largest):
        n = _rows(group["count"])
        rows.append((f"{printable(group['group'])}: {n}, {group['favourable']} of them {miss}",))
        for key, model in MODELS.items():
            rows.append((model, *(_interval(group[key][figure], 2) for figure in HEADS)))
    caption = f"Groups by {printable(column['column'])}"
    left = tuple(range(len(HEADS) + 1))
    return Table(name, caption, ("group", *HEADS.values()), tuple(rows), left=left)


def _difference_table(column: dict[str, Any], name: str) -> Table:
    rows = []
    for row in column["differences"]:
        sides = (_interval(row[key], 3) for key in MODELS)
        rows.append((row["figure"], *sides, _interval(row["change"], 3, with_sign=True)))
    head = ("difference", *MODELS.values(), "change")
    caption = f"Differences between groups by {printable(column['column'])}"
    return Table(name, caption, head, tuple(rows), left=tuple(range(4)))


def _interval(entry: dict[str, Any], digits: int, with_sign: bool = False) -> str:
    if entry["value"] is None:
        return "-"
    return with_interval(entry, signed if with_sign else partial(figure, digits=digits))


def _legend(report: dict[str, Any]) -> str:
    miss = printable(report["decision"]["words"]["miss"])
    return (
        "AUC: how P ranks the rows within the group; calibration: mean predicted minus true share "
        f"of rows that {miss}, above 0 where the prediction is too favourable. Differences: "
        "largest minus smallest of the groups shown; ratio: smallest over largest. 95 %: Wilson, "
        "DeLong (AUC), Student (calibration); of differences all pairs of groups at once, by "
        f"{report['fairness']['resamples']} resamples within groups. These are measures, no "
        "verdict: whether a difference matters, and why it is there, they do not say. Nothing was "
        "chosen by them."
    )


# -- stated limits -------------------------------------------------------------------------------


def _limit_table(told: dict[str, Any], model: dict[str, Any]) -> Table:
    """The limits, the chosen step, and the one that would keep them."""
    chosen, other = told["chosen"], told["step"] or told["nearest"]
    title = "best kept" if told["satisfied"] else "nearest"
    unit = model["unit"]
    own, kept = amount(chosen[unit], unit), amount(other[unit], unit)
    head = ("limit stated", "kept by", f"chosen ({own})", f"{title} ({kept})")
    rows = []
    for limit in told["limits"]:
        share = f"{limit['n_satisfying']} of {told['n_steps']}"
        at_chosen = _missed(limit["chosen_value"], limit["chosen_missed_by"])
        at_other = _missed(limit["value"], limit["missed_by"])
        rows.append((printable(limit["words"]), share, at_chosen, at_other))
    return Table("limits", "Limits that were stated", head, tuple(rows), left=(0, 1, 2, 3))


def _missed(value: float | None, missed: float | None) -> str:
    if value is None:
        return "not defined"
    return figure(value) + (f", off by {figure(missed)}" if missed else "")


def _limit_words(told: dict[str, Any], model: dict[str, Any]) -> str:
    """Which step would keep all limits, and what that would cost against the best step."""
    many = len(told["limits"]) > 1
    them = "all limits" if many else "the limit"
    other, best = told["step"] or told["nearest"], told["best"]
    better = "lower" if told["lower_is_better"] else "higher"
    unit = model["unit"]
    best_said = f"the best step, {_step(best, unit)}, has {_score(told, best)} ({better} is better)"
    if not told["satisfied"]:
        text = f"No step of the path keeps {them}. The nearest is {_step(other, unit)}: "
        text += f"{_score(told, other)}; {best_said}."
    else:
        kept = f"{told['n_within']} of {told['n_steps']} steps keep {them}. " if many else ""
        same = ", the chosen one" if other["step"] == told["chosen"]["step"] else ""
        text = f"{kept}The best step that keeps {them} is {_step(other, unit)}{same}: "
        text += _score(told, other)
        if other["step"] == best["step"]:
            text += "; no step has a better one, so that keeping costs nothing."
        else:
            text += f"; {best_said}: keeping {them} would cost {figure(told['cost'], 4)}."
    if told["n_steps"] < told["path_steps"]:
        text += f" Of the path's {told['path_steps']} steps {told['n_steps']} were measured."
    single = model["kind"] == "tree" and other[unit] == 1
    alone = " One leaf says the same of every row." if single else ""
    return (
        f"{text}{alone} All of this on the held-out rows, on which a step that is picked by them "
        f"looks better than it is: check it on others. The chosen {model['word']} stays as it is."
    )


def _step(step: dict[str, Any], unit: str) -> str:
    return f"step {step['step']} ({amount(step[unit], unit)})"


def _score(told: dict[str, Any], step: dict[str, Any]) -> str:
    return f"{score_words(told['scoring'])} {figure(step['score'], 4)}"
