"""Components of the interpretability score, as grown and after pruning."""

from __future__ import annotations

from typing import Any

from ..figures import figure, fixed
from .bars import Bar, Row, two_bars
from .style import Picture, drawing, short, svg_of

__all__ = ["components_picture"]


@drawing()
def components_picture(report: dict[str, Any]) -> Picture | None:
    """Draw each component of the model as grown and of the pruned model, with refit intervals.

    Parameters
    ----------
    report : dict
        From `report_of`; read is `interpretability`.

    Returns
    -------
    Picture or None
        None where interpretability was not scored.

    Examples
    --------
    >>> def model(key, value):
    ...     parts = {"size": {"value": value, "low": None, "high": None}}
    ...     return {"key": key, "label": key, "components": parts}
    >>> told = {"models": [model("grown", 0.4), model("pruned", 0.7)], "refits": 2}
    >>> print(components_picture({"interpretability": told}).alt)
    Bars from 0 to 1, larger is easier, grown against pruned: size .40 to .70.
    """
    told = report.get("interpretability")
    if told is None:
        return None
    models = {model["key"]: model for model in told["models"]}
    grown, pruned = models["grown"], models["pruned"]
    rows = [
        Row(
            name,
            _bar(name, grown["components"][name]),
            _bar(name, after),
            apart=name == "composite",
        )
        for name, after in pruned["components"].items()
    ]
    labels = short(grown["label"], 40), short(pruned["label"], 40)
    drawn = two_bars(rows, labels, end=1.0)
    figures = ", ".join(f"{row.name} {row.before.text} to {row.after.text}" for row in rows)
    alt = f"Bars from 0 to 1, larger is easier, {labels[0]} against {labels[1]}: {figures}."
    caption = (
        "Components of interpretability; whiskers: 95 % intervals over "
        f"{told['refits']} refits; the composite, of 100, is drawn on the same scale."
    )
    return Picture("components", svg_of(drawn), alt, caption)


def _bar(name: str, entry: dict[str, float | None]) -> Bar:
    """The composite counts to 100, all others to 1."""
    if name != "composite":
        return Bar(entry["value"], figure(entry["value"], 2), entry["low"], entry["high"])
    value, low, high = (_of_one(entry[end]) for end in ("value", "low", "high"))
    return Bar(value, fixed(entry["value"], 0), low, high)


def _of_one(share: float | None) -> float | None:
    return None if share is None else share / 100
