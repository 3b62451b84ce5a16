"""The picture of a pruning path: score against size, with what was chosen and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .path import PruningPath

__all__ = ["plot_path"]

# Colour-blind safe (Okabe & Ito 2008).
INK, BAND, BEST, CHOSEN = "#0072B2", "#CCE3F0", "#D55E00", "#009E73"


def plot_path(path: PruningPath, ax: Any = None) -> Any:
    """See `PruningPath.plot`."""
    if ax is None:
        from matplotlib.figure import Figure

        # A figure outside pyplot's registry: nothing to close, no display, no global state.
        ax = Figure(figsize=(7.0, 4.2), layout="constrained").add_subplot()
    if path.step_score is None:
        ax.step(path.size, path.risk, where="post", color=INK)
        ax.set_ylabel("risk")
    else:
        _draw_scores(path, ax)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    ax.set_xlabel(path.size_unit)
    ax.set_title(f"Pruning path: {path.method.replace('_', ' ')}")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _draw_scores(path: PruningPath, ax: Any) -> None:
    assert path.step_score is not None
    assert path.step_score_se is not None
    asked = ~np.isnan(path.step_score)
    size, score, se = path.size[asked], path.step_score[asked], path.step_score_se[asked]
    best = path.best_step
    top, margin = path.step_score[best], path.step_score_se[best]
    if np.isfinite(margin):
        ax.axhspan(top - margin, top, color=BAND, lw=0, label="within one SE of the best")
    ax.fill_between(size, score - se, score + se, color=INK, alpha=0.15, lw=0)
    few = np.unique(np.linspace(0, len(size) - 1, 40).astype(int))  # bars that can be told apart
    ax.errorbar(size[few], score[few], se[few], fmt="none", ecolor=INK, elinewidth=0.8, capsize=2)
    ax.plot(size, score, color=INK, lw=1.4, label="mean over folds ± SE")
    marks = [("best", best, "o", BEST)]
    if np.isfinite(margin):
        marks.append(("one SE", path.one_se_step, "D", INK))
    if path.chosen is not None:
        marks.append(("chosen", path.chosen, "*", CHOSEN))
    for label, step, marker, colour in marks:
        y = path.step_score[step]
        ax.plot(
            path.size[step],
            y,
            marker,
            color=colour,
            ms=13 if marker == "*" else 7,
            mec="white",
            zorder=3,
            ls="none",
            label=f"{label}: {path.size[step]} {path.size_unit}",
        )
    ax.set_ylabel(str(path.scoring).replace("_", " "))
    ax.legend(frameon=False, fontsize=9)
