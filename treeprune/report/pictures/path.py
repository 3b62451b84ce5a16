"""The pruning path: how the score goes as the model shrinks, and which step was chosen and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..figures import figure
from ..words import amount, method_words, model_of, score_words
from .style import (
    BAND,
    BEST,
    BLUE,
    CHOSEN,
    GRID,
    SMALL,
    WIDTH,
    Picture,
    drawing,
    new_figure,
    svg_of,
)

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["path_picture"]

HEIGHT = 3.9
MOST_BARS = 40  # error bars that can be told apart
FEW = 20  # times as many leaves at most: each number of them may have a tick
CLOSEST = 0.06  # ticks nearer to each other, as a share of the axis, would run into each other


@drawing()
def path_picture(report: dict[str, Any]) -> Picture | None:
    """Draw score, or risk where there are no scores, against the number of leaves (or weights).

    Parameters
    ----------
    report : dict
        From `report_of`; read are `path`, its `curve` and its `choice`.

    Returns
    -------
    Picture or None
        None where there is nothing to prune, or neither score nor risk is known.

    Examples
    --------
    >>> curve = {"step": [0, 1], "leaves": [2, 1], "score": None, "se": None, "risk": [0.1, 0.2]}
    >>> chosen = {"step": 0, "leaves": 2, "score": None, "se": None}
    >>> choice = {"best": None, "one_se": None, "chosen": chosen, "limit": None}
    >>> path = {"curve": curve, "choice": choice, "method": "pessimistic", "risk_words": "errors"}
    >>> print(path_picture({"path": path}).alt)
    Steps of pessimistic pruning, risk (errors) against leaves: .100 with 2 leaves, .200 with 1 \
leaf. Chosen: 2 leaves.
    """
    path, unit = report["path"], model_of(report)["unit"]
    curve = path.get("curve")
    if not curve or len(curve[unit]) < 2:
        return None
    if curve["score"] is None and all(risk is None for risk in curve["risk"]):
        return None
    drawn = new_figure(WIDTH, HEIGHT)
    drawn.set_layout_engine("constrained")
    ax = drawn.add_subplot()
    if curve["score"] is None:
        name, alt, caption = _draw_risk(report, ax)
    else:
        name, alt, caption = _draw_scores(report, ax)
    _size_axis(ax, curve[unit], unit)
    ax.set_title(name, loc="left", fontsize=ax.xaxis.label.get_size())
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    handles, labels = ax.get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=3, labelspacing=0.8)
    return Picture("path", svg_of(drawn), alt, caption)


def _draw_risk(report: dict[str, Any], ax: Any) -> tuple[str, str, str]:
    path, unit, word = report["path"], model_of(report)["unit"], model_of(report)["word"]
    curve, chosen = path["curve"], path["choice"]["chosen"]
    size, risk = np.array(curve[unit]), _floats(curve["risk"])
    # Who allows a few leaves more than a tree has gets that tree.
    ax.step(size, risk, where="pre", color=BLUE, marker=".", ms=5)
    own = amount(chosen[unit], unit, thousands=True)
    _mark(ax, "chosen", chosen[unit], risk[curve["step"].index(chosen["step"])], own)
    alt = (
        f"Steps of {method_words(path['method'])} pruning, risk ({path['risk_words']}) against "
        f"{unit}: {_ends(size, risk, unit)}. Chosen: {own}."
    )
    caption = f"Each point is a {word}; risk: {path['risk_words']}, by number of {unit}."
    return f"risk: {path['risk_words']}", alt, caption


def _draw_scores(report: dict[str, Any], ax: Any) -> tuple[str, str, str]:
    path, unit = report["path"], model_of(report)["unit"]
    curve, choice = path["curve"], path["choice"]
    asked = np.isfinite(_floats(curve["score"]))
    size = np.array(curve[unit])[asked]
    score, se = _floats(curve["score"])[asked], np.nan_to_num(_floats(curve["se"])[asked])
    best, limit = choice["best"], choice["limit"]
    if limit is not None and np.isfinite(limit):
        ends = sorted((best["score"], limit))
        ax.axhspan(*ends, color=BAND, lw=0, zorder=0.5, label="within one SE of the best")
    ax.fill_between(size, score - se, score + se, color=BLUE, alpha=0.15, lw=0)
    few = np.unique(np.linspace(0, len(size) - 1, MOST_BARS).astype(int))
    ax.errorbar(size[few], score[few], se[few], fmt="none", ecolor=BLUE, elinewidth=0.9, capsize=2)
    ax.plot(size, score, color=BLUE, lw=1.5, marker=".", ms=5, label="mean over folds ± SE")
    for mark in ("best", "one_se", "chosen"):
        if choice[mark] and choice[mark]["score"] is not None:
            own = choice[mark][unit]
            _mark(ax, mark, own, choice[mark]["score"], amount(own, unit, thousands=True))
    direction = "lower" if path["lower_is_better"] else "higher"
    name = f"{score_words(path['scoring'])} ({direction} is better)"
    return name, _said(report, name, size, score), _how_to_read(report, limit)


def _said(report: dict[str, Any], name: str, size: npt.NDArray, score: npt.NDArray) -> str:
    path, unit = report["path"], model_of(report)["unit"]
    choice = path["choice"]
    best, one_se = choice["best"], choice["one_se"]
    spread = "" if best["se"] is None else f" (SE {figure(best['se'])})"
    own = {key: amount(choice[key][unit], unit, thousands=True)
           for key in ("best", "one_se", "chosen") if choice[key] is not None}  # fmt: skip
    rule = "" if one_se is None else f"; the one-SE rule takes {own['one_se']}"
    return (
        f"Steps of {method_words(path['method'])} pruning, cross-validated {name} against {unit}: "
        f"{_ends(size, score, unit)}. Best: {figure(best['score'])}{spread} with "
        f"{own['best']}{rule}; chosen: {own['chosen']}."
    )


def _how_to_read(report: dict[str, Any], limit: float | None) -> str:
    word, folds = model_of(report)["word"], report["path"]["folds"]
    text = f"Each point is a {word}: mean over {folds} folds with its standard error (SE)"
    if limit is None:
        return f"{text}, by number of {model_of(report)['unit']}."
    return f"{text}. In the band a {word} is within one SE of the best."


def _ends(size: npt.NDArray, values: npt.NDArray, unit: str) -> str:
    first, last = figure(_known(values[0])), figure(_known(values[-1]))
    high, low = (amount(size[i], unit, thousands=True) for i in (0, -1))
    return f"{first} with {high}, {last} with {low}"


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _floats(values: list[float | None]) -> npt.NDArray[np.float64]:
    return np.array(values, np.float64)  # None becomes NaN


# Rings around a star: marks of one step can be told apart.
_MARKS = {
    "best": ("best", "o", 14, BEST, "none"),
    "one_se": ("one SE", "D", 9, BLUE, "none"),
    "chosen": ("chosen", "*", 8, CHOSEN, CHOSEN),
}


def _mark(ax: Any, mark: str, size: int, value: float, words: str) -> None:
    name, marker, points, colour, inside = _MARKS[mark]
    ax.plot(
        size,
        value,
        marker,
        ms=points,
        mec=colour,
        mfc=inside,
        mew=1.8,
        ls="none",
        zorder=3,
        label=f"{name}: {words}",
    )


def _size_axis(ax: Any, size: list[int], unit: str) -> None:
    """A logarithmic axis whose ticks are whole numbers of leaves, the two ends among them."""
    from matplotlib.ticker import NullLocator

    ax.set_xscale("log")
    ax.xaxis.set_minor_locator(NullLocator())
    ticks = _ticks(size[-1], size[0])
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.set_xlabel(f"{unit} (logarithmic)")
    ax.tick_params(length=3, color=GRID)
    ax.xaxis.label.set_size(SMALL)


def _ticks(low: int, high: int) -> list[int]:
    """Both ends, and of 1, 2, 5, 10, … those between that are far enough from all others."""
    span = np.log(high / low)
    ticks = [low, high]
    leads = (1, 5, 2, 3, 7, 4, 6, 8, 9) if high <= FEW * low else (1, 5, 2)
    for tick in [lead * 10**k for lead in leads for k in range(len(str(high)))]:
        if low < tick < high and min(abs(np.log(tick / t)) for t in ticks) > CLOSEST * span:
            ticks.append(tick)
    return sorted(ticks)
