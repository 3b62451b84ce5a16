"""Pictures of scores: loss against composite, and components along a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..explain.interpretability.components import COMPONENTS
from ..plots import BAND, BEST, CHOSEN, INK

if TYPE_CHECKING:
    from ..path import PruningPath
    from .comparison import Comparison

__all__ = ["plot_comparison", "plot_components"]

SAID = {
    "brier": "Brier score",
    "log_loss": "log loss",
    "error": "share of errors",
    "squared_error": "squared error",
}
# Okabe & Ito (2008), in an order in which neighbours differ in lightness; dashes tell them apart
# without colour.
LINES = dict(
    zip(
        COMPONENTS,
        (
            ("#0072B2", "-"),
            ("#D55E00", "--"),
            ("#009E73", "-."),
            ("#CC79A7", ":"),
            ("#E69F00", (0, (5, 1, 1, 1, 1, 1))),
            ("#000000", "-"),
        ),
        strict=True,
    )
)


def plot_comparison(found: Comparison, ax: Any = None) -> Any:
    """See `Comparison.plot`."""
    ax = _axes(7.0, 4.6) if ax is None else ax
    table = found.to_frame()
    table = table[np.isfinite(table["loss"])]
    if table.empty:
        raise ValueError(
            "no loss is known to draw against; compare with outcomes and refits, or with X_train "
            "and y_train"
        )
    for name, row in table.iterrows():
        on_front = bool(row["pareto"])
        ax.errorbar(
            row["composite"],
            row["loss"],
            yerr=row["loss_se"],
            xerr=_reach(row),
            fmt="o" if on_front else "s",
            color=CHOSEN if on_front else INK,
            mfc=CHOSEN if on_front else "white",
            elinewidth=0.8,
            capsize=2,
            ms=6,
        )
        ax.annotate(
            str(name),
            (row["composite"], row["loss"]),
            xytext=(6, 6),
            textcoords="offset points",
            fontsize=9,
            parse_math=False,
        )
    front = table[table["pareto"]].sort_values("composite")
    ax.plot(front["composite"], front["loss"], color=CHOSEN, lw=1, zorder=1, label="Pareto front")
    limit = found.one_se_limit
    assert limit is not None
    ax.axhspan(
        table["loss"].min(), limit, color=BAND, lw=0, zorder=0, label="within one SE of the least"
    )
    names = {SAID[score.loss[0]] for score in found.scores.values() if score.loss}
    ax.set_ylabel(f"{' / '.join(sorted(names))} ± SE (lower is better)")
    ax.set_xlabel("composite of interpretability, 95 % of procedure (higher is easier)")
    ax.margins(x=0.12)
    ax.legend(frameon=False, fontsize=9, loc="best")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _reach(row: Any) -> Any:
    """How far the refit interval of the composite goes to both sides."""
    if "composite_refits_low" not in row or np.isnan(row["composite_refits_low"]):
        return None
    low, high = row["composite_refits_low"], row["composite_refits_high"]
    return [[max(0.0, row["composite"] - low)], [max(0.0, high - row["composite"])]]


def plot_components(path: PruningPath, ax: Any = None) -> Any:
    """Draw the components of a measured path against its size, with intervals over refits.

    Parameters
    ----------
    path : PruningPath
        From `treeprune.interpretability`.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the path was not measured.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import interpretability, pruning_path
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y))
    >>> plot_components(interpretability(path, X, y, n_refits=3)).get_xlabel()
    'leaves'
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    if path.measures is None:
        raise ValueError("measure the path first: path = treeprune.interpretability(path, X, y)")
    ax = _axes(7.0, 4.8) if ax is None else ax
    table = path.measures.dropna(subset=["interpretability"])
    size = path.size[table.index]
    for name, (colour, dashes) in LINES.items():
        if name not in table:
            continue
        ax.plot(size, table[name], color=colour, ls=dashes, lw=1.6, label=name)
        if f"{name}_refits_low" in table:
            low, high = table[f"{name}_refits_low"], table[f"{name}_refits_high"]
            ax.fill_between(size, low, high, color=colour, alpha=0.08, lw=0)
    if path.chosen is not None:
        ax.axvline(path.size[path.chosen], color=BEST, lw=1, ls=":", label="chosen")
    if path.size[0] > path.size[-1]:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_ylim(0, 1.02)
    ax.set_xlabel(path.size_unit)
    ax.set_ylabel("component (higher is easier)")
    ax.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=4)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _axes(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained").add_subplot()
