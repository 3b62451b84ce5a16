"""The report's words for interpretability and stability; nothing is computed here."""

from __future__ import annotations

from typing import Any

from .figures import figure, fixed, percent
from .words import printable

__all__ = ["score_table", "score_words_of", "stability_words"]


def score_table(told: dict[str, Any]) -> list[list[str]]:
    """A row a component, the composite last, a column a model; the pruned tree's interval."""
    names = list(told["models"][0]["components"])
    rows = [["", *[_head(model) for model in told["models"]]]]
    for name in names:
        cells = [_cell(name, model) for model in told["models"]]
        rows.append([name, *cells])
    return rows


def _head(model: dict[str, Any]) -> str:
    return "pruned [95 %]" if model["key"] == "pruned" else printable(model["label"])


def _cell(name: str, model: dict[str, Any]) -> str:
    entry = model["components"][name]
    form = whole if name == "composite" else figure
    value = form(entry["value"])
    if model["key"] != "pruned" or entry["low"] is None:
        return value
    return f"{value} [{form(entry['low'])},{form(entry['high'])}]"


def whole(value: float) -> str:
    """Without decimals."""
    return fixed(value, 0)


def score_words_of(told: dict[str, Any]) -> list[str]:
    """Paragraphs: what the components are, and which model is easier by them."""
    by_key = {model["key"]: model for model in told["models"]}
    small = printable(by_key["grown_small"]["label"])
    what = (
        f"From 0 to 1, larger is easier, on {told['rows']} held-out rows; accuracy is no part of "
        "it. simulate: few comparisons and sums to carry the model out for a row; size: a short "
        "description; focus: few columns a row; additive: no interaction of columns; "
        "concentration: attribution in the top four columns; stability: refits agree in "
        "predictions and attributions. composite: their geometric mean by fixed weights, in per "
        "cent; the weights are one opinion. 95 %: of the procedure, were it given other training "
        f"rows like these, by {told['refits']} refits on {percent(told['share'])} of them "
        f"({small}: refitted at its settings, which were not searched for anew)."
    )
    return [what, " ".join([_asked(by_key["pruned"]["measures"]), *_orders(told, by_key)])]


def _asked(measures: dict[str, float]) -> str:
    """What the pruned tree asks of a row."""
    if measures["nf"] == 0:
        return "The pruned tree looks at no column."
    enough = ""
    if "sufficient_columns" in measures:
        enough = f" ({fixed(measures['sufficient_columns'], 1)} would suffice)"
    return (
        f"For a row the pruned tree makes {fixed(measures['effort'], 1)} comparisons in "
        f"{fixed(measures['columns'], 1)} columns on average{enough}; "
        f"{percent(measures['ias'])} of its variation is interaction."
    )


def _orders(told: dict[str, Any], by_key: dict[str, Any]) -> list[str]:
    """Whether the pruned tree is easier than each other model, over all weightings."""
    said = []
    for pair in told["pairs"]:
        other = printable(by_key[pair["other"]]["label"])
        verdict = {"pruned": "easier", pair["other"]: "not easier"}.get(
            pair["easier"], "DEPENDS ON WEIGHTS"
        )
        said.append(f"{other}: {verdict} ({percent(pair['share'])})")
    return [
        "Is the pruned tree easier, and under which share of all weightings of the components? "
        f"Than {'; than '.join(said)}."
    ]


def stability_words(told: dict[str, Any]) -> str | None:
    """How many rows refits decide otherwise; None for regression."""
    by_key = {model["key"]: model for model in told["models"]}
    pruned, grown = by_key["pruned"], by_key["grown"]
    if pruned["same_decision"] is None:
        return None
    return (
        f"{told['refits']} refits on {percent(told['share'])} of the training rows each: "
        f"{percent(pruned['same_decision'])} same decision on {told['rows']} held-out rows (as "
        f"grown {percent(grown['same_decision'])}); {percent(pruned['often_otherwise'])} of the "
        "rows are decided otherwise by a fifth of the refits or more (as grown "
        f"{percent(grown['often_otherwise'])})"
    )
