"""Predicted against seen on held-out rows, of the model as grown and of the pruned model."""

from __future__ import annotations

from typing import Any

from ..figures import signed
from .style import (
    AFTER,
    BEFORE,
    BEFORE_LINE,
    INK,
    WIDTH,
    Picture,
    drawing,
    new_figure,
    short,
    svg_of,
)

__all__ = ["calibration_picture"]

HEIGHT = 5.2
SMALLEST, LARGEST = 18.0, 150.0  # square points of a mark
SLACK = 1e-9  # an interval that ends at 1 may, as computed, end just before
LOOKS = {"grown": ("o", BEFORE, BEFORE_LINE), "pruned": ("D", AFTER, AFTER)}
# Axes, and what a bin's figures are called.
AXES = {
    "binary": ("predicted P({})", "observed share"),
    "multiclass": ("predicted P of the likeliest class", "share of rows that are of it"),
    "regression": ("mean prediction", "mean outcome"),
}


@drawing()
def calibration_picture(report: dict[str, Any]) -> Picture | None:
    """Draw what was seen against what was predicted, a mark a bin of rows, with the diagonal.

    Parameters
    ----------
    report : dict
        From `report_of`; read are `calibration` and the title.

    Returns
    -------
    Picture or None
        None where the report has no calibration.

    Examples
    --------
    >>> bins = [{"p": 0.2, "share": 0.25, "low": 0.1, "high": 0.4, "n": 9}]
    >>> gap = {"value": -0.05, "low": -0.2, "high": 0.1}
    >>> models = [{"key": "pruned", "label": "pruned", "bins": bins, "gap": gap}]
    >>> told = {"kind": "regression", "n": 9, "label": None, "models": models}
    >>> print(calibration_picture({"calibration": told, "title": {"target": "y"}}).alt)
    Mean prediction against mean outcome on 9 held-out rows. pruned: 1 of 1 interval holds the \
prediction; mean predicted minus seen -.050 [-.200,+.100].
    """
    told = report.get("calibration")
    if told is None:
        return None
    models = [model for model in told["models"] if model["key"] in LOOKS]
    drawn = new_figure(WIDTH, HEIGHT)
    drawn.set_layout_engine("constrained")
    ax = drawn.add_subplot()
    _frame(ax, models, is_share=told["kind"] != "regression")
    most = max(one["n"] for model in models for one in model["bins"])
    for model in models:
        _draw(ax, model, most)
    x, y = _names(report)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid()
    ax.set_axisbelow(True)
    drawn.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    alt = f"{x[0].upper()}{x[1:]} against {y} on {told['n']:,} held-out rows. "
    alt += " ".join(_said(model) for model in models)
    caption = (
        "On the line predictions come true. A mark stands for rows of like prediction, the larger "
        "the more; whiskers: 95 % intervals."
    )
    return Picture("calibration", svg_of(drawn), alt, caption)


def _names(report: dict[str, Any]) -> tuple[str, str]:
    told = report["calibration"]
    x, y = AXES[told["kind"]]
    return x.format(f"{short(report['title']['target'], 20)} = {short(told['label'], 14)}"), y


def _frame(ax: Any, models: list[dict[str, Any]], *, is_share: bool) -> None:
    """Both axes alike, and the diagonal."""
    bins = [one for model in models for one in model["bins"]]
    ends = [one[name] for one in bins for name in ("p", "share", "low", "high")]
    known = [end for end in ends if end is not None]
    low, high = min(known), max(known)
    if is_share:
        low = 0.0
    pad = 0.04 * (high - low) or 0.04 * abs(high) or 0.5
    low, high = low - pad, high + pad
    ax.set(xlim=(low, high), ylim=(low, high), aspect="equal", adjustable="box")
    ax.plot([low, high], [low, high], color=INK, lw=1.0, ls="--", label="as predicted")


def _draw(ax: Any, model: dict[str, Any], most: int) -> None:
    marker, colour, thin = LOOKS[model["key"]]
    bins = model["bins"]
    for one in bins:
        if one["low"] is not None:
            ax.plot([one["p"]] * 2, [one["low"], one["high"]], color=thin, lw=1.5, zorder=2)
    ax.scatter(
        [one["p"] for one in bins],
        [one["share"] for one in bins],
        [SMALLEST + (LARGEST - SMALLEST) * one["n"] / most for one in bins],
        marker=marker,
        color=colour,
        edgecolor=INK,
        linewidth=0.7,
        zorder=3,
        label=model["label"],
    )


def _said(model: dict[str, Any]) -> str:
    known = [one for one in model["bins"] if one["low"] is not None]
    held = sum(one["low"] - SLACK <= one["p"] <= one["high"] + SLACK for one in known)
    of = "1 interval holds" if len(known) == 1 else f"{len(known)} intervals hold"
    gap = model["gap"]
    around = "" if gap["low"] is None else f" [{signed(gap['low'])},{signed(gap['high'])}]"
    return (
        f"{model['label']}: {held} of {of} the prediction; mean predicted minus seen "
        f"{signed(gap['value'])}{around}."
    )
