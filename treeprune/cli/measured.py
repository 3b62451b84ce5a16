"""Figures and components of one model or two on rows with known outcome, as plain data.

The figures, their intervals and the swap set are the report's own, so that a saved model is told
the same figures on the same rows as when it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import kernels, native
from ..explain.leaves import counted
from ..intervals import bootstrap
from ..metrics import Comparison, interpretability
from ..report import held_out
from ..report.explained import decision_of

if TYPE_CHECKING:
    import pandas as pd

    from ..report import Study
    from ..report.held_out import Outputs

__all__ = ["COMPOSITE", "UNKNOWN", "Measured", "components_of", "figures_of", "swapped"]

RESAMPLES = 2000  # as many as the report draws
COMPOSITE = "composite without stability"
UNKNOWN = (
    "Stability is not known: a file holds a model, not the procedure that made it, so that nothing "
    "can be refitted. A report with refits counts it in, so that its composite is another number."
)


@dataclass(frozen=True, eq=False)
class Measured:
    """A model that is measured.

    Parameters
    ----------
    key, label : str
        For documents and for tables.
    model : Pipeline
        From raw columns on.
    columns : list of str
        The raw columns that it takes.

    Examples
    --------
    >>> Measured("model", "this model", None, []).label
    'this model'
    """

    key: str
    label: str
    model: Any
    columns: list[str]

    def outputs(self, X: pd.DataFrame, study: Study) -> Outputs:
        """What it says of rows, and what is decided then."""
        return held_out.outputs_of(self.model, X[self.columns], study)

    def size(self) -> dict[str, int | None]:
        """Leaves, as paths count them, and depth of the deepest tree; None without trees."""
        last = native.unwrap(self.model[-1])
        if native.family(last) == "network":
            return {"leaves": None, "depth": None}
        trees = native.read(last)
        return {"leaves": counted(trees)[1], "depth": int(kernels.depths(trees.parent).max())}


def figures_of(models: list[Measured], X: pd.DataFrame, study: Study) -> list[dict[str, Any]]:
    """Figures of each model with intervals, from the same resamples for all.

    Parameters
    ----------
    models : list of Measured
    X : DataFrame
        The columns of all of them.
    study : Study
        Outcomes (`y_test`), task, costs and seed.

    Returns
    -------
    list of dict
        `key`, `label`, `figures` (each `value`, `low`, `high`), `leaves`, `depth`.

    Examples
    --------
    See `treeprune score`.
    """
    figures = [held_out.figures_of(study, one.outputs(X, study)) for one in models]
    flat = [figure for each in figures for figure in each.values()]
    n = len(study.y_test)
    drawn = bootstrap(
        lambda counts: np.column_stack([figure(counts) for figure in flat]),
        n,
        RESAMPLES,
        study.seed,
    ).reshape(RESAMPLES, len(models), -1)
    once = np.ones((1, n))
    out = []
    for i, (one, each) in enumerate(zip(models, figures, strict=True)):
        shown = {
            name: held_out.with_interval(float(figure(once)[0]), drawn[:, i, j])
            for j, (name, figure) in enumerate(each.items())
        }
        out.append({"key": one.key, "label": one.label, "figures": shown, **one.size()})
    return out


def swapped(before: Measured, after: Measured, X: pd.DataFrame, study: Study) -> dict | None:
    """Whose decision is another by `after` than by `before`; None for regression.

    Parameters
    ----------
    before, after : Measured
    X : DataFrame
    study : Study
        Says how both decide.

    Returns
    -------
    dict of str to int, or None
        As in the report: of two classes `acted` and `passed` newly, of several `mended` and
        `spoiled`; always `changed`.

    Examples
    --------
    See `treeprune compare`.
    """
    return held_out.swap_of(study, before.outputs(X, study), after.outputs(X, study))


def components_of(models: list[Measured], X: pd.DataFrame, study: Study) -> dict[str, Any]:
    """Components of interpretability with intervals over rows, and which model is easier.

    Parameters
    ----------
    models : list of Measured
        One or two.
    X : DataFrame
    study : Study

    Returns
    -------
    dict
        `rows` measured; `note` on what the composite leaves out; `models` (`key`, `label`,
        `components`, each `value`, `low`, `high`, and `measures`); of two models `share`, the
        share of weightings of the components by which the first is easier, and `easier`, its key
        if that is settled. Nothing is refitted, so that stability is not among them.

    Examples
    --------
    See `treeprune score`.
    """
    scores = {
        one.key: interpretability(
            one.model,
            X[one.columns],
            decision=decision_of(study),
            n_refits=0,
            quality=False,
            random_state=study.seed,
        )
        for one in models
    }
    told: dict[str, Any] = {
        "rows": next(iter(scores.values())).counts["rows"],
        "note": f"composite: without stability. {UNKNOWN}",
        "models": [
            {
                "key": one.key,
                "label": one.label,
                "components": _components(scores[one.key].to_frame()),
                "measures": {k: float(v) for k, v in scores[one.key].measures.items()},
            }
            for one in models
        ],
        "share": None,
        "easier": None,
    }
    if len(models) == 2:
        found = Comparison(scores, study.seed)
        pair = [one.key for one in models]
        told |= {"share": found.share(*pair), "easier": found.verdict(*pair)}
    return told


def _components(frame: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    return {
        str(name): {
            "value": float(row["value"]),
            "low": _known(row["rows_low"]),
            "high": _known(row["rows_high"]),
        }
        for name, row in frame.iterrows()
    }


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
