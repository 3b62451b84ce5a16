"""`explain`: why a saved model says of single rows what it says.

Attributions add up to the model's own output, reasons compare with other rows of the same file,
and the cheapest change was tried on the model. Rows are numbered as in the file, from 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .asking import end_if_failed, said_checks
from .options import AsJson, Columns, Data, MaxBytes, ModelFile, MostCategories, Rows
from .terminal import (
    collected_warnings,
    one_line_errors,
    print_json,
    print_text,
    progress,
    remark,
    usage,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..explain import Explanation
    from ..explain.attributions import Attributions
    from ..explain.reasons import Reasons
    from .opening import OpenedModel
    from .rows import AskedRows

__all__ = ["explain", "explained_rows"]


def explain(
    model: ModelFile,
    data: Data,
    row: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Row of the file, from 1 (the header is none); may be repeated."),
    ] = None,
    k: Annotated[int, typer.Option("--k", min=1, help="Most reasons and attributions.")] = 4,
    max_rows: Rows = 1_000_000,
    max_columns: Columns = 1_000,
    max_categories: MostCategories = 1_000,
    max_bytes: MaxBytes = 512 * 2**20,
    as_json: AsJson = False,
) -> None:
    """Say why a saved model decides rows as it does: attributions, reasons, cheapest change."""
    with one_line_errors(), collected_warnings():
        if not row:
            usage("--row: name at least one row of the file, from 1")
        from ..report.intake import ReadLimits
        from .opening import opened
        from .rows import asked_rows

        with progress(3) as say:
            say("checking the model")
            asked = opened(model)
            say("reading the data")
            limits = ReadLimits(max_rows, max_columns, max_categories, max_bytes)
            rows = asked_rows(data, limits, [asked])
            beyond = [number for number in row if number > len(rows.X)]
            if beyond:
                usage(f"--row {beyond[0]}: {data} has {len(rows.X)} rows")
            say("explaining, and comparing with the model")
            told = explained_rows(asked, rows, list(dict.fromkeys(row)), k)
        for note in told["data"]["notes"]:
            remark(f"note: {note}")
        if as_json:
            print_json(told)
        else:
            print_text(_text(asked, told) + "\n")
        end_if_failed(told["checks"])


@dataclass(frozen=True, eq=False)
class _Case:
    """The rows that are explained, and what explains them."""

    asked: OpenedModel
    rows: AskedRows
    at: list[int]
    reference: list[int]
    k: int
    ex: Explanation

    @property
    def X(self) -> Any:
        """The rows that are explained."""
        return self.rows.X.iloc[self.at]


def explained_rows(
    asked: OpenedModel, rows: AskedRows, numbers: list[int], k: int
) -> dict[str, Any]:
    """Predictions, rules, attributions, reasons and changes of some rows, as plain data.

    Parameters
    ----------
    asked : OpenedModel
    rows : AskedRows
        All rows of the file; those that are not asked for are what reasons compare with.
    numbers : list of int
        Rows to explain, from 1, each once.
    k : int
        Most reasons.

    Returns
    -------
    dict
        `model`, `data`, `reference`, `rows` (one each, in the order asked) and `checks`.

    Raises
    ------
    CheckFailedError
        If attributions do not add up to the model's output.

    Examples
    --------
    See `treeprune explain`.
    """
    case = _case(asked, rows, numbers, k)
    reasons, why_none = _reasons(case)
    found = _attributions(case)
    output = case.ex.output(case.X)[:, 0, :]
    told = [_row(case, i, output[i], found, reasons) for i in range(len(case.at))]
    checks = dict(case.ex.checks)
    name = "counterfactuals turn the model's own decision"
    if name in checks:
        checks["cheapest changes turn the model's decision"] = checks.pop(name)
    return {
        "schema": "treeprune-cli-explain/1",
        "model": asked.said(),
        "data": rows.said(asked),
        "reference": {
            "rows": len(case.reference),
            "used_for": _uses(case, told, reasons),
            "baseline": None if reasons is None else reasons.baseline,
            "no_reasons": why_none,
        },
        "k": k,
        "attribution": {
            "unit": found.unit,
            "method": found.method,
            "base": _base(case),
        },
        "rows": told,
        "checks": said_checks(checks),
    }


def _base(case: _Case) -> str:
    """What an absent column follows: the trees' own rows, or those compared with."""
    trees = case.ex.view.trees
    if trees is None:
        return "mean of the reference rows"
    if not trees.is_boosted and trees.n_trees > 1:  # rows are drawn for each tree
        return "mean of the training rows as drawn by its trees"
    return "mean of the training rows"


def _uses(case: _Case, told: list[dict[str, Any]], reasons: Reasons | None) -> list[str]:
    """What is computed from the reference rows."""
    uses = {
        "reasons": reasons is not None,
        "attributions": case.ex.view.trees is None,  # a tree's follow its own training rows
        "costs of changes": any(row["change"] for row in told),
    }
    return [name for name, used in uses.items() if used]


def _case(asked: OpenedModel, rows: AskedRows, numbers: list[int], k: int) -> _Case:
    """The explanation, made from the other rows and compared on all of them."""
    from dataclasses import replace

    from ..explain import explain as explain_model
    from ..explain.leaves import limit_texts
    from ..report.explained import decision_of

    at = [number - 1 for number in numbers]
    chosen = set(at)
    others = [i for i in range(len(rows.X)) if i not in chosen]
    # Of a file without other rows, those asked for say at least what the columns hold.
    reference = rows.X.iloc[others or at]
    decision = decision_of(asked.study(rows.X, rows.y))
    seed = asked.about["seed"]
    ex = explain_model(asked.model, reference, decision=decision, random_state=seed)
    if ex.view.is_exact:
        texts = limit_texts(ex.rules.rules, ex.rules.values(rows.X))
        ex.view = replace(ex.view, readable=replace(ex.rules, texts=texts))
        ex.check_rules(rows.X)
    return _Case(asked, rows, at, others, k, ex)


def _reasons(case: _Case) -> tuple[Reasons | None, str | None]:
    """Reasons of the adverse rows, or why there are none."""
    ex = case.ex
    if ex.decision is None:
        return None, "the model states no costs, so that no decision counts against anybody"
    words = case.asked.words
    if not ex.decision.decide(ex.output(case.X)[:, 0, 1]).any():
        return None, f"none of these rows is {words.acted}"
    p = ex.output(case.rows.X.iloc[case.reference])[:, 0, 1] if case.reference else None
    if p is None or ex.decision.decide(p).all():
        return None, f"no other row of the file is {words.passed}, to compare with"
    return ex.reasons(case.X, k=case.k), None


def _attributions(case: _Case) -> Attributions:
    """What each raw column adds to each prediction, compared with the model."""
    from ..explain.attributions import attribute, default_game
    from ..explain.checks import Check

    ex = case.ex
    found = attribute(
        ex.view, case.X, game=default_game(ex.view), background=ex.X, random_state=ex.random_state
    )
    ex.checks["attributions add up to the model"] = Check(True, found.scope, found.method)
    return found


def _row(
    case: _Case, i: int, output: npt.NDArray, found: Attributions, reasons: Reasons | None
) -> dict[str, Any]:
    """All that is said of one row."""
    asked, position = case.asked, case.at[i]
    told: dict[str, Any] = {"row": position + 1, **_prediction(asked, output)}
    told["rule"] = _rule(case, position)
    told["attribution"] = _attribution(case, i, output, found)
    told["reasons"] = told["conflicts"] = told["change"] = None
    if reasons is not None and reasons[i].adverse:
        told |= _reasoned(reasons[i])
    if told["adverse"] and case.ex.decision is not None:
        told["change"] = _change(case, position)
    return told


def _prediction(asked: OpenedModel, output: npt.NDArray) -> dict[str, Any]:
    """The prediction; of classes with the likeliest one or the decision."""
    if asked.task == "regression":
        return {"prediction": float(output[0]), "label": None, "proba": None, "adverse": None}
    at = 1 if asked.task == "binary" else int(output.argmax())
    adverse = bool(asked.decides(output[None])[0]) if asked.task == "binary" else None
    return {
        "prediction": float(output[at]),
        "label": asked.labels[at],
        "proba": {label: float(p) for label, p in zip(asked.labels, output, strict=True)},
        "adverse": adverse,
    }


def _rule(case: _Case, position: int) -> dict[str, Any] | None:
    """The rule that the row meets; None where the model has none."""
    from ..explain.text import condition_text

    ex = case.ex
    if not ex.view.is_exact:
        return None
    which = int(ex.rules.match(case.rows.X.iloc[[position]])[0])
    rule, missing = ex.rules.rules[which], case.rows.X.iloc[position].isna()
    conditions = [
        condition_text(c, ex.rules, missing=bool(missing[ex.rules.columns[c.column].name]))
        for c in rule.conditions
    ]
    told = {"rule": f"R{which + 1}", "conditions": conditions}
    if ex.rules.kind == "tree":
        return {**told, "train": float(rule.weight)}
    # Trees together have no leaf that has counted training rows: those given are counted.
    n = int(rule.weight) if case.reference else 0
    return {**told, "train": None, "reference": n}


def _attribution(case: _Case, i: int, output: npt.NDArray, found: Attributions) -> dict[str, Any]:
    """Base and pushes, largest first; they add up to `total` in the unit of the attributions."""
    import numpy as np

    from ..report.read_as import plain_cell

    n_scores = found.values.shape[2]
    at = n_scores - 1
    if case.asked.task == "multiclass" and n_scores > 1:
        at = int(output.argmax())
    values = found.values[i, :, at]
    base = float(np.broadcast_to(found.base, (len(found.values), n_scores))[i, at])
    row = case.X.iloc[i]
    columns = [
        {"column": name, "value": plain_cell(row.get(name)), "push": float(values[j])}
        for j, name in enumerate(case.ex.columns[: len(values)])
        if values[j]
    ]
    columns.sort(key=lambda entry: -abs(entry["push"]))
    return {"base": base, "columns": columns, "total": base + float(values.sum())}


def _reasoned(one: Any) -> dict[str, Any]:
    from ..report.read_as import plain_cell

    return {
        "reasons": [
            {
                "text": reason.text,
                "column": reason.column,
                "value": plain_cell(reason.value),
                "contribution": float(reason.contribution),
                "agreed": int(reason.agreed),
                "methods": int(reason.methods),
            }
            for reason in one.reasons
        ],
        "conflicts": list(one.conflicts),
    }


def _change(case: _Case, position: int) -> dict[str, Any]:
    """The cheapest change, and what the model says once it is made."""
    import numpy as np

    from ..report.read_as import plain_cell

    ex, row = case.ex, case.rows.X.iloc[[position]]
    found = ex.counterfactual(row)[0]
    after = float(ex.output(found.apply(row))[0, 0, 1]) if found.feasible else None
    return {
        "feasible": bool(found.feasible),
        "changes": [
            {"column": c.column, "old": plain_cell(c.old), "new": plain_cell(c.new)}
            for c in found.changes
        ],
        "cost": float(found.cost) if np.isfinite(found.cost) else None,
        "after": after,
        "note": found.note,
    }


# -- in words ------------------------------------------------------------------------------------


def _text(asked: OpenedModel, told: dict[str, Any]) -> str:
    from ..report.layout import labelled
    from ..report.words import printable
    from .telling import acts_words, check_words, model_words

    lines = [labelled("MODEL", model_words(asked))]
    acts = acts_words(asked)
    lines += [] if acts is None else [labelled("DECISION", acts)]
    text = f"of {printable(told['data']['file'])}, numbered from 1 (the header is not counted)."
    lines.append(labelled("ROWS", f"{text}{_reference(told['reference'])}"))
    for row in told["rows"]:
        lines += ["", *_row_text(asked, row, told)]
    legend = [_method(asked, told)]
    if any(row["change"] for row in told["rows"]):
        legend.append(
            "Cost of a change: 1 for another category, or for 1.4826 median absolute deviations "
            "of a number; whether it can be made is not known here."
        )
    if any(row["rule"] for row in told["rows"]):
        legend.append(
            "Limits in a rule are as short as the rows of this file allow"
            + ("; the command rules has six digits." if asked.word == "tree" else ".")
        )
    lines += ["", labelled("METHOD", " ".join(legend))]
    lines.append(labelled("CHECKS", check_words(told["checks"])))
    return "\n".join(lines)


def _reference(told: dict[str, Any]) -> str:
    """Which rows others are compared with, and for what; empty where nothing is."""
    if not told["used_for"]:
        return ""
    n, uses = told["rows"], " and ".join(told["used_for"])
    if not n:
        return f" The file has no other row: {uses} rest on those asked for alone."
    rows = "the one other row" if n == 1 else f"the other {n} rows"
    return f" Reference rows, for {uses}: {rows} of the file."


def _method(asked: OpenedModel, told: dict[str, Any]) -> str:
    unit = told["attribution"]["unit"]
    what = {
        "probability": "P",
        "log-odds": "the log-odds of P",
        "raw score": "the raw score of the class named (P is the softmax of those of all classes)",
        "log of the target": "the log of the prediction",
    }.get(unit, "the prediction")
    text = (
        f"Attributions: Shapley values of raw columns ({told['attribution']['method']}), which "
        f"add up to {what}. They tell what the model does, not what causes an outcome."
    )
    baseline = told["reference"]["baseline"]
    if baseline is None:
        return text
    kinds = "its own attributions" if asked.word == "network" else "two kinds of Shapley values"
    return (
        f"{text} Reasons: what each column adds to P against the baseline; methods that agree: "
        f"{kinds}, and how far P is above what the column's best value would give."
    )


def _row_text(asked: OpenedModel, row: dict[str, Any], told: dict[str, Any]) -> list[str]:
    """One row: what is predicted, by which rule, and why."""
    from ..report.figures import plain
    from ..report.layout import labelled
    from ..report.words import amount, printable
    from ..report.written.reasons import change_text, reason_text
    from .telling import item, legend

    lines = [labelled(f"ROW {row['row']}", _predicted(asked, row))]
    rule = row["rule"]
    if rule is not None:
        met = printable("; ".join(rule["conditions"])) or "every row"
        n_others = told["reference"]["rows"]
        held = f"{rule.get('reference')} of the other {amount(n_others, 'rows')} of this file"
        if not n_others:
            held = "the file has no other row"
        if rule["train"] is not None:
            held = f"{plain(rule['train'])} training rows"
        lines.append(legend(f"rule {rule['rule']}: {met} ({held})"))
    lines += [legend("attribution:"), *_pushes(asked, row, told)]
    if row["reasons"] is not None:
        lines.append(legend(f"reasons against {printable(told['reference']['baseline'])}:"))
        lines += [item(reason_text(one), f"{i}. ") for i, one in enumerate(row["reasons"], 1)]
        lines += [] if row["reasons"] else [item("no column pushes P up")]
        lines += [legend(f"CONFLICT: {printable(conflict)}") for conflict in row["conflicts"]]
    elif row["adverse"] and told["reference"]["no_reasons"]:
        lines.append(legend(f"no reasons: {printable(told['reference']['no_reasons'])}"))
    if row["change"] is not None:
        exact = asked.word in ("tree", "linear model")
        lines.append(legend(change_text(row["change"], exact=exact)))
    return lines


def _predicted(asked: OpenedModel, row: dict[str, Any]) -> str:
    from ..report.figures import figure, significant
    from ..report.words import printable

    if asked.task == "regression":
        return f"{printable(asked.target)} is predicted as {significant(row['prediction'])}."
    what = f"P({printable(asked.target)} is {printable(row['label'])}) = "
    said = f"{what}{figure(row['prediction'])}"
    if asked.task == "multiclass":
        return f"{said}, the likeliest of {len(asked.labels)} classes."
    word = printable(asked.words.acted if row["adverse"] else asked.words.passed)
    sign = ">=" if asked.costs is not None else ">"
    return f"{said}: {word}, as P {sign if row['adverse'] else _not(sign)} {asked.cutoff_text}."


def _not(sign: str) -> str:
    return {">=": "<", ">": "<="}[sign]


def _pushes(asked: OpenedModel, row: dict[str, Any], told: dict[str, Any]) -> list[str]:
    """The largest attributions, the others together, and what all of them add up to."""
    from ..report.words import printable
    from ..report.written.reasons import value_text
    from .telling import pushes

    own, k = row["attribution"], told["k"]
    shown = [
        (entry["push"], f"{printable(entry['column'])} = {value_text(entry['value'])}")
        for entry in own["columns"][:k]
    ]
    more = [entry["push"] for entry in own["columns"][k:]]
    if more:
        shown.append((sum(more), f"{len(more)} more column{'s' if len(more) > 1 else ''}"))
    named = {"log-odds": "log-odds", "raw score": "raw score", "log of the target": "logs"}
    unit = f" in {name}" if (name := named.get(told["attribution"]["unit"])) else ""
    base = f"base: {told['attribution']['base']}{unit}"
    return pushes((own["base"], base), shown, (own["total"], f"in all{unit}"), asked.task)
