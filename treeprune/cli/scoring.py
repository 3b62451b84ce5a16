"""`score`: how good and how interpretable a saved model is on rows of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .asking import Outcomes
from .options import AsJson, Columns, Data, MaxBytes, ModelFile, MostCategories, Rows
from .terminal import collected_warnings, one_line_errors, print_json, print_text, progress, remark

if TYPE_CHECKING:
    from collections.abc import Callable

    from .opening import OpenedModel
    from .rows import AskedRows

__all__ = ["components_text", "figures_legend", "score", "scored"]

THIS, GROWN = "this model", "as grown"


def score(
    model: ModelFile,
    data: Data,
    target: Outcomes = None,
    max_rows: Rows = 1_000_000,
    max_columns: Columns = 1_000,
    max_categories: MostCategories = 1_000,
    max_bytes: MaxBytes = 512 * 2**20,
    as_json: AsJson = False,
) -> None:
    """Score a saved model on rows with known outcome, beside the model as grown."""
    with one_line_errors(), collected_warnings():
        from ..report.intake import ReadLimits
        from .opening import opened
        from .rows import asked_rows

        with progress(4) as say:
            say("checking the model")
            asked = opened(model)
            target = asked.target if target is None else target
            say("reading the data")
            limits = ReadLimits(max_rows, max_columns, max_categories, max_bytes)
            rows = asked_rows(data, limits, [asked], target)
            told = scored(asked, rows, say)
        for note in rows.notes:
            remark(f"note: {note}")
        if as_json:
            print_json(told)
        else:
            print_text(_text(asked, rows, told) + "\n")


def scored(
    asked: OpenedModel, rows: AskedRows, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Figures and components of a saved model, as plain data.

    Parameters
    ----------
    asked : OpenedModel
    rows : AskedRows
        With outcomes.
    say : callable
        Told what is being done.

    Returns
    -------
    dict
        `model`, `data`, `figures` (see `figures_of`), `resamples`, `interpretability` (see
        `components_of`).

    Examples
    --------
    See `treeprune score`.
    """
    from .measured import RESAMPLES, Measured, components_of, figures_of

    models = [Measured("model", THIS, asked.model, asked.columns)]
    if asked.grown is not None:
        models.append(Measured("grown", GROWN, asked.grown, asked.columns))
    study = asked.study(rows.X, rows.y)
    say(f"measuring on {len(rows.X)} rows ({RESAMPLES} resamples)")
    figures = figures_of(models, rows.X, study)
    say("scoring interpretability")
    return {
        "schema": "treeprune-cli-score/1",
        "model": asked.said(),
        "data": rows.said(asked),
        "resamples": RESAMPLES,
        "figures": figures,
        "interpretability": components_of(models, rows.X, study),
    }


# -- in words ------------------------------------------------------------------------------------


def _text(asked: OpenedModel, rows: AskedRows, told: dict[str, Any]) -> str:
    from ..report.layout import labelled
    from .telling import data_words, decided, figure_rows, legend, model_words

    lines = [labelled("MODEL", model_words(asked)), labelled("DATA", data_words(rows, asked))]
    lines += decided(asked, [model["label"] for model in told["figures"]])
    lines += ["FIGURES", figure_rows(told["figures"]), legend(figures_legend(asked, told))]
    return "\n".join([*lines, *components_text(told["interpretability"])])


def figures_legend(asked: OpenedModel, told: dict[str, Any]) -> str:
    """What the figures are."""
    from ..report.figures import plain

    interval = f"95 %: percentiles of {told['resamples']} resamples of these rows."
    if asked.task == "regression":
        return f"R²: share of the variance explained; RMSE, MAE: typical errors. {interval}"
    auc = "AUC: area under the ROC curve"
    if asked.task == "multiclass":
        auc += ", each class against the rest, averaged"
    cost = ""
    if asked.costs is not None:
        miss, alarm = plain(asked.costs.miss), plain(asked.costs.false_alarm)
        cost = (
            f" cost: mean cost per row, {miss} for a missed positive and {alarm} for a false "
            "alarm, when the likelier class is decided (argmax) and when P >= "
            f"{asked.cutoff_text} decides (cut-off)."
        )
    return (
        f"{auc}; log loss and Brier: lower is better; accuracy: share of rows whose likeliest "
        f"class is theirs.{cost} {interval}"
    )


def components_text(told: dict[str, Any]) -> list[str]:
    """Components of each model, what they are, and which model is easier.

    Parameters
    ----------
    told : dict
        From `components_of`.

    Returns
    -------
    list of str
        Lines.

    Examples
    --------
    See `treeprune score`.
    """
    from ..report.figures import figure, fixed, with_interval
    from ..report.layout import labelled, table
    from .measured import COMPOSITE, UNKNOWN
    from .telling import legend

    models = told["models"]
    rows = [["[95 %]", *(model["label"] for model in models)]]
    for name in models[0]["components"]:
        form = (lambda value: fixed(value, 0)) if name == "composite" else figure
        head = COMPOSITE if name == "composite" else name
        rows.append([head, *(with_interval(m["components"][name], form) for m in models)])
    what = (
        f"From 0 to 1, larger is easier, on {told['rows']} rows; accuracy is no part of it. "
        "simulate: few comparisons and sums to carry the model out for a row; size: a short "
        "description; focus: few columns a row; additive: no interaction of columns; "
        f"concentration: attribution in the top four columns. {COMPOSITE}: their geometric mean by "
        f"fixed weights, in per cent; the weights are one opinion. {UNKNOWN} 95 %: of these very "
        "models, were other rows like these asked."
    )
    lines = ["INTERPRETABILITY", table(rows), legend(what)]
    lines += [legend(_asks(model)) for model in models]
    return lines if told["share"] is None else [*lines, labelled("EASIER", _easier(told))]


def _asks(model: dict[str, Any]) -> str:
    """What a model asks of a row."""
    from ..report.figures import fixed, percent

    measures, label = model["measures"], model["label"]
    if measures["nf"] == 0:
        return f"{label}: looks at no column."
    enough = ""
    if "sufficient_columns" in measures:
        enough = f" ({fixed(measures['sufficient_columns'], 1)} would suffice)"
    of_trees = "sufficient_columns" in measures  # others also add and multiply, for twice as much
    what = "comparisons in" if of_trees else "comparisons (or as much effort) in"
    return (
        f"{label}: {fixed(measures['effort'], 1)} {what} "
        f"{fixed(measures['columns'], 1)} columns for a row on average{enough}; "
        f"{percent(measures['ias'])} of its variation is interaction."
    )


def _easier(told: dict[str, Any]) -> str:
    from ..report.figures import percent

    first, second = told["models"]
    values = [{k: v["value"] for k, v in m["components"].items()} for m in (first, second)]
    if values[0] == values[1]:
        return "neither: both have the same components."
    share = f"under {percent(told['share'])} of all weightings of these components"
    pair = f"{first['label']} is easier than {second['label']}"
    if told["easier"] == first["key"]:
        return f"yes: {pair} {share}."
    if told["easier"] == second["key"]:
        return f"no: {pair} {share} only."
    return f"DEPENDS ON WEIGHTS: {pair} {share}."
