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
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    if ax is None:
        # A figure outside pyplot's registry: nothing to close, no display, no global state.
        ax = Figure(figsize=(7.0, 4.6), layout="constrained").add_subplot()
    if path.step_score is None:
        ax.step(path.size, path.risk, where="post", color=INK)
        ax.set_ylabel("risk")
    else:
        _draw_scores(path, ax)
    if path.size[0] > path.size[-1]:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    ax.set_xlabel(path.size_unit)
    ax.set_title(f"Pruning path: {path.method.replace('_', ' ')}")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _label(scoring: str) -> tuple[str, int]:
    """The name of a score as people know it, and the sign it is drawn with."""
    known = {"roc_auc": "ROC AUC", "r2": "R²", "neg_brier_score": "Brier score"}
    lower = scoring.startswith("neg_")
    name = known.get(scoring, scoring.removeprefix("neg_").replace("_", " "))
    return f"{name} ({'lower' if lower else 'higher'} is better)", -1 if lower else 1


def _draw_scores(path: PruningPath, ax: Any) -> None:
    assert path.step_score is not None
    assert path.step_score_se is not None
    label, sign = _label(str(path.scoring))
    asked = ~np.isnan(path.step_score)
    size, score, se = path.size[asked], sign * path.step_score[asked], path.step_score_se[asked]
    best = path.best_step
    top, margin = sign * path.step_score[best], path.step_score_se[best]
    if np.isfinite(margin):
        ax.axhspan(top, top - sign * margin, color=BAND, lw=0, label="within one SE of the best")
    ax.fill_between(size, score - se, score + se, color=INK, alpha=0.15, lw=0)
    few = np.unique(np.linspace(0, len(size) - 1, 40).astype(int))  # bars that can be told apart
    ax.errorbar(size[few], score[few], se[few], fmt="none", ecolor=INK, elinewidth=0.8, capsize=2)
    ax.plot(size, score, color=INK, lw=1.4, marker=".", ms=4, label="mean over folds ± SE")
    # Rings around a star: marks of one step can be told apart.
    marks = [("best", best, "o", 14, BEST)]
    if np.isfinite(margin):
        marks.append(("one SE", path.one_se_step, "D", 9, INK))
    if path.chosen is not None and asked[path.chosen]:
        marks.append(("chosen", path.chosen, "*", 8, CHOSEN))
    for name, step, marker, points, colour in marks:
        ax.plot(
            path.size[step],
            sign * path.step_score[step],
            marker,
            ms=points,
            mec=colour,
            mfc=colour if marker == "*" else "none",
            mew=1.8,
            ls="none",
            zorder=3,
            label=f"{name}: {path.size[step]:,} {path.size_unit}",
        )
    ax.set_ylabel(label)
    ax.legend(
        frameon=False,
        fontsize=9,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.14),
        ncols=3,
        labelspacing=0.8,
    )
