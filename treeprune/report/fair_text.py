"""The report's words for groups and stated limits; nothing is computed here."""

from __future__ import annotations

from typing import Any

from .figures import figure, signed
from .layout import WIDTH, table, wrap
from .words import printable, score_words

__all__ = ["fairness_text"]

HEADS = {
    "selection_rate": "selection rate",
    "tpr": "TPR",
    "fpr": "FPR",
    "auc": "AUC",
    "calibration": "calibration",
}
MODELS = {"before": "as grown", "after": "pruned"}
MOST_SHOWN = 10


def fairness_text(report: dict[str, Any]) -> str:
    """The section on groups, ready to print; empty without sensitive columns.

    Examples
    --------
    >>> fairness_text({"fairness": None})
    ''
    """
    told = report["fairness"]
    if told is None:
        return ""
    lines = [_head(report)]
    measured = [column for column in told["columns"] if column["groups"] is not None]
    for column in measured:
        lines += ["", *_column_lines(column, report)]
    if measured:
        lines += ["", wrap(_legend(report), "  ", 2)]
    for column in told["columns"]:
        if column["too_many"] is not None:
            lines.append(wrap(_too_many(column, told), "  ", 2))
    if told["limits"] is not None:
        lines += ["", *_limit_lines(told["limits"])]
    return "\n".join(lines)


# -- groups --------------------------------------------------------------------------------------


def _head(report: dict[str, Any]) -> str:
    told = report["fairness"]
    names = ", ".join(printable(column["column"]) for column in told["columns"])
    text = f"by {names}, which no model has seen"
    if told["not_measured"] is not None:
        return wrap(f"{text}: not measured, {printable(told['not_measured'])}", "FAIRNESS  ", 10)
    each = ", each column by itself" if len(told["columns"]) > 1 else ""
    words = report["decision"]["words"]
    limit = report["decision"].get("cutoff_text")
    rule = "P <= 1/2" if limit is None else f"P < {limit}"
    return wrap(
        f"{text}{each}, on {told['rows']} held-out rows. Selected means "
        f"{printable(words['passed'])} ({rule}): to be {printable(words['acted'])} is taken as "
        "adverse (--positive turns this round). Selection rate: share of a group's rows that are "
        f"selected; TPR: of those that {printable(words['miss'])}; FPR: of those that "
        f"{printable(words['hit'])}.",
        "FAIRNESS  ",
        10,
    )


def _column_lines(column: dict[str, Any], report: dict[str, Any]) -> list[str]:
    """A table of groups, who is not shown, and a table of differences."""
    said = _about(column, report["fairness"]["fewest_rows"])
    lines = [wrap(said, "  ", 4), *_group_lines(column["groups"], report)]
    if len(column["groups"]) < 2:
        lines.append("  No differences: they take two groups.")
        return lines
    return [*lines, "", *_difference_lines(column)]


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


def _group_lines(groups: list[dict[str, Any]], report: dict[str, Any]) -> list[str]:
    """Of each group a line with its name and rows, and a line a model."""
    largest = sorted(groups, key=lambda group: -group["count"])[:MOST_SHOWN]
    shown = [group for group in groups if group in largest]
    if not shown:
        return []
    words = report["decision"]["words"]
    rows = [["", *HEADS.values()]]
    for group in shown:
        for key, model in MODELS.items():
            figures = [_interval(group[key][name], 2) for name in HEADS]
            rows.append([f"  {model}", *figures])
    head, *cells = table(rows, left=tuple(range(len(HEADS) + 1))).splitlines()
    lines = [head]
    for i, group in enumerate(shown):
        name, n = printable(group["group"]), _rows(group["count"])
        good = f"{group['favourable']} of them {printable(words['miss'])}"
        lines += [wrap(f"{name}: {n}, {good}", "  ", 4), *cells[2 * i : 2 * i + 2]]
    return lines


def _difference_lines(column: dict[str, Any]) -> list[str]:
    rows = [["", *MODELS.values(), "change"]]
    for row in column["differences"]:
        change = row["change"]
        rows.append(
            [
                row["figure"],
                _interval(row["before"], 3),
                _interval(row["after"], 3),
                _interval(change, 3, with_sign=True),
            ]
        )
    return table(rows, left=tuple(range(4))).splitlines()


def _interval(entry: dict[str, Any], digits: int, with_sign: bool = False) -> str:
    def form(value: float) -> str:
        return signed(value) if with_sign else figure(value, digits)

    if entry["value"] is None:
        return "-"
    if entry["low"] is None:
        return form(entry["value"])
    return f"{form(entry['value'])} [{form(entry['low'])},{form(entry['high'])}]"


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


def _limit_lines(told: dict[str, Any]) -> list[str]:
    """A table of the limits, then what keeping all of them would cost."""
    chosen, other = told["chosen"], told["step"] or told["nearest"]
    title = "best kept" if told["satisfied"] else "nearest"
    heads = (f"chosen ({_leaves(chosen)})", f"{title} ({_leaves(other)})")
    rows = [["limit stated", "kept by", *heads]]
    for limit in told["limits"]:
        kept = f"{limit['n_satisfying']} of {told['n_steps']}"
        own = _missed(limit["chosen_value"], limit["chosen_missed_by"])
        at_other = _missed(limit["value"], limit["missed_by"])
        rows.append([printable(limit["words"]), kept, own, at_other])
    lines = table(rows, left=(0, 1, 2, 3)).splitlines()
    if max(map(len, lines)) > WIDTH:  # the columns have long names
        said = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
        texts = ["; ".join(f"{head}: {cell}" for head, cell in one.items()) for one in said]
        lines = [wrap(text, "  ", 4) for text in texts]
    return [*lines, wrap(_limit_words(told), "  ", 2)]


def _missed(value: float | None, missed: float | None) -> str:
    if value is None:
        return "not defined"
    return figure(value) + (f", off by {figure(missed)}" if missed else "")


def _limit_words(told: dict[str, Any]) -> str:
    """Which step would keep all limits, and what that would cost against the best step."""
    many = len(told["limits"]) > 1
    them = "all limits" if many else "the limit"
    other, best = told["step"] or told["nearest"], told["best"]
    better = "lower" if told["lower_is_better"] else "higher"
    best_said = f"the best step, {_step(best)}, has {_score(told, best)} ({better} is better)"
    if not told["satisfied"]:
        text = f"No step of the path keeps {them}. The nearest is {_step(other)}: "
        text += f"{_score(told, other)}; {best_said}."
    else:
        kept = f" {told['n_within']} of {told['n_steps']} steps keep {them}." if many else ""
        same = ", the chosen one" if other["step"] == told["chosen"]["step"] else ""
        text = f"{kept} The best step that keeps {them} is {_step(other)}{same}: "
        text += _score(told, other)
        if other["step"] == best["step"]:
            text += "; no step has a better one, so that keeping costs nothing."
        else:
            text += f"; {best_said}: keeping {them} would cost {figure(told['cost'], 4)}."
    if told["n_steps"] < told["path_steps"]:
        text += f" Of the path's {told['path_steps']} steps {told['n_steps']} were measured."
    alone = " One leaf says the same of every row." if other["leaves"] == 1 else ""
    return (
        f"{text}{alone} All of this on the held-out rows, on which a step that is picked by them "
        "looks better than it is: check it on others. The chosen tree stays as it is."
    )


def _step(step: dict[str, Any]) -> str:
    return f"step {step['step']} ({_leaves(step)})"


def _leaves(step: dict[str, Any]) -> str:
    return "1 leaf" if step["leaves"] == 1 else f"{step['leaves']} leaves"


def _score(told: dict[str, Any], step: dict[str, Any]) -> str:
    return f"{score_words(told['scoring'])} {figure(step['score'], 4)}"
