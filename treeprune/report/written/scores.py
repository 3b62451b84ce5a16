"""Interpretability and stability in words; nothing is computed here."""

from __future__ import annotations

from typing import Any

from ..document import Figure, Paragraph, Section, Table
from ..figures import figure, fixed, percent, with_interval
from ..words import model_of, printable

__all__ = ["score_line", "score_section", "stability_words"]


def score_line(report: dict[str, Any]) -> str | None:
    """The components as grown and pruned, and whether the pruned model is easier than others."""
    told = report["interpretability"]
    if told is None:
        return None
    by_key = {model["key"]: model for model in told["models"]}
    grown, pruned = by_key["grown"]["components"], by_key["pruned"]["components"]
    moved = "; ".join(
        f"{name} {_form(name)(grown[name]['value'])} -> {_form(name)(entry['value'])}"
        for name, entry in pruned.items()
    )
    return f"(as grown -> pruned) {moved}. {_orders(told, by_key, model_of(report)['word'])}"


def _form(name: str) -> Any:
    return _whole if name == "composite" else figure


def _whole(value: float) -> str:
    """Without decimals."""
    return fixed(value, 0)


def score_section(report: dict[str, Any]) -> Section | None:
    """Components with their intervals."""
    told = report["interpretability"]
    if told is None:
        return None
    by_key = {model["key"]: model for model in told["models"]}
    model = model_of(report)
    orders = _orders(told, by_key, model["word"])
    blocks = (
        Figure("components"),
        _table(told),
        Paragraph(_what(told, by_key), "legend"),
        Paragraph(f"{_asked(by_key['pruned']['measures'], model)} {orders}"),
    )
    return Section("interpretability", "INTERPRETABILITY", "Interpretability in detail", blocks)


def _table(told: dict[str, Any]) -> Table:
    """A row a component, the composite last, a column a model; intervals before and after."""
    rows = [
        (name, *(_cell(name, model) for model in told["models"]))
        for name in told["models"][0]["components"]
    ]
    head = ("component", *(_head(model) for model in told["models"]))
    return Table("interpretability", "Components of interpretability", head, tuple(rows))


def _with_bounds(model: dict[str, Any]) -> bool:
    return model["key"] in ("grown", "pruned")


def _head(model: dict[str, Any]) -> str:
    return printable(model["label"] if model["key"] != "pruned" else "pruned") + (
        " [95 %]" if _with_bounds(model) else ""
    )


def _cell(name: str, model: dict[str, Any]) -> str:
    entry, form = model["components"][name], _form(name)
    return with_interval(entry, form) if _with_bounds(model) else form(entry["value"])


def _what(told: dict[str, Any], by_key: dict[str, Any]) -> str:
    small = printable(by_key["grown_small"]["label"])
    return (
        f"From 0 to 1, larger is easier, on {told['rows']} held-out rows; accuracy is no part of "
        "it. simulate: few comparisons and sums to carry the model out for a row; size: a short "
        "description; focus: few columns a row; additive: no interaction of columns; "
        "concentration: attribution in the top four columns; stability: refits agree in "
        "predictions and attributions. composite: their geometric mean by fixed weights, in per "
        "cent; the weights are one opinion. 95 %: of the procedure, were it given other training "
        f"rows like these, by {told['refits']} refits on {percent(told['share'])} of them "
        f"({small}: refitted at its settings, which were not searched for anew)."
    )


def _asked(measures: dict[str, float], model: dict[str, Any]) -> str:
    """What the pruned model asks of a row."""
    word = model["word"]
    if measures["nf"] == 0:
        return f"The pruned {word} looks at no column."
    if model["kind"] != "tree":
        return (
            f"For a row the pruned {word} takes an effort of {fixed(measures['effort'], 1)} "
            "(comparisons, and twice the multiplications, additions and nonlinear functions) in "
            f"{fixed(measures['columns'], 1)} columns on average; "
            f"{percent(measures['ias'])} of its variation is interaction."
        )
    enough = ""
    if "sufficient_columns" in measures:
        enough = f" ({fixed(measures['sufficient_columns'], 1)} would suffice)"
    return (
        f"For a row the pruned {word} makes {fixed(measures['effort'], 1)} comparisons in "
        f"{fixed(measures['columns'], 1)} columns on average{enough}; "
        f"{percent(measures['ias'])} of its variation is interaction."
    )


def _orders(told: dict[str, Any], by_key: dict[str, Any], word: str) -> str:
    """Whether the pruned model is easier than each other model, over all weightings."""
    said = []
    for pair in told["pairs"]:
        other = printable(by_key[pair["other"]]["label"])
        verdict = {"pruned": "easier", pair["other"]: "not easier"}.get(
            pair["easier"], "DEPENDS ON WEIGHTS"
        )
        if pair["same"]:
            said.append(f"{other}: NO DIFFERENCE but in refits")
        else:
            said.append(f"{other}: {verdict} ({percent(pair['share'])})")
    return (
        f"Is the pruned {word} easier, and under which share of all weightings of the components "
        f"(weights only: what refits vary is not counted)? Than {'; than '.join(said)}."
    )


def stability_words(report: dict[str, Any]) -> str | None:
    """How many rows refits decide otherwise; None for regression and without refits."""
    told = report["interpretability"]
    if told is None:
        return None
    by_key = {model["key"]: model for model in told["models"]}
    pruned, grown = by_key["pruned"], by_key["grown"]
    if pruned["same_decision"] is None:
        return None
    return (
        f"{told['refits']} refits on {percent(told['share'])} of the training rows each: "
        f"{percent(pruned['same_decision'])} same decision on {told['rows']} held-out rows (as "
        f"grown {percent(grown['same_decision'])}); {percent(pruned['often_otherwise'])} of the "
        "rows are decided otherwise by a fifth of the refits or more (as grown "
        f"{percent(grown['often_otherwise'])})."
    )
