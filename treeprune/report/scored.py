"""How interpretable the pruned tree and its rivals are, and how stable, for the report.

Everything is measured on held-out rows, and refitted on parts of the training rows. Rivals are
refitted as they were fitted, but for the tree grown small, whose size is not searched for anew.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ..exceptions import PrunedToRootWarning
from ..explain.interpretability import InterpretabilityScore
from ..explain.interpretability.refits import SHARE
from ..metrics.comparison import Comparison, compare
from .explained import decision_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .rivals import Fits, Options, Rival
    from .study import Study

__all__ = ["scored"]

COMPARED = ("grown", "pruned", "grown_small", "linear")
MANY_ROWS = 5000  # training rows beyond which fewer refits are made


def scored(
    study: Study, fits: Fits, options: Options, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any] | None:
    """Components of interpretability of each model, with intervals, and what they rest on.

    Parameters
    ----------
    study : Study
    fits : Fits
    options : Options
    say : callable
        Told what is being done, for a progress display.

    Returns
    -------
    dict or None
        JSON-able; None where no refits are wanted (`options.refits` is 0).

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Options, Table, fit_rivals, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> options = Options(cv=2, n_resamples=1000, refits=2)
    >>> told = scored(study, fit_rivals(study, options), options)
    >>> [model["key"] for model in told["models"]], told["refits"]
    (['grown', 'pruned', 'grown_small', 'linear'], 2)
    """
    n = refits_of(study, options)
    if n == 0:
        return None
    say(f"scoring interpretability ({n} refits of {len(COMPARED)} models)")
    rivals = [fits.rival(key) for key in COMPARED]
    with warnings.catch_warnings():
        # How small refits are is part of the score; the models themselves have been warned of.
        warnings.simplefilter("ignore", PrunedToRootWarning)
        found = _compared(study, fits, rivals, options, n)
    return {
        "rows": found.scores["pruned"].counts["rows"],
        "refits": n,
        "share": SHARE,
        "models": [_model(rival, found.scores[rival.key]) for rival in rivals],
        "pairs": _pairs(found),
    }


def _compared(
    study: Study, fits: Fits, rivals: list[Rival], options: Options, n: int
) -> Comparison:
    return compare(
        {r.key: fits.pipeline if r.key == "pruned" else fits.whole(r.model) for r in rivals},
        study.X_test,
        study.y_test,
        X_train=study.X_train,
        y_train=study.y_train,
        decision=decision_of(study),
        groups=study.groups,
        n_refits=n,
        random_state=study.seed,
        n_jobs=options.jobs,
    )


def refits_of(study: Study, options: Options) -> int:
    """Number of refits: half as many where there are many training rows, at least two if any."""
    if options.refits == 0 or len(study.y_train) <= MANY_ROWS:
        return options.refits
    return max(2, options.refits // 2)


def _model(rival: Rival, score: InterpretabilityScore) -> dict[str, Any]:
    frame = score.to_frame()
    return {
        "key": rival.key,
        "label": rival.label,
        "components": {
            str(name): {
                "value": float(row["value"]),
                "low": _known(row["refits_low"]),
                "high": _known(row["refits_high"]),
            }
            for name, row in frame.iterrows()
        },
        "measures": dict(score.measures),
        "same_decision": score.same_decision,
        "often_otherwise": score.often_otherwise,
    }


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _same(found: Comparison, key: str) -> bool:
    """Whether two models differ in nothing but what their refits have done."""
    one, other = (found.scores[name].components for name in ("pruned", key))
    return all(abs(one[name] - other[name]) < 1e-9 for name in one if name != "stability")


def _pairs(found: Comparison) -> list[dict[str, Any]]:
    """The pruned tree against each other model."""
    others = [key for key in COMPARED if key != "pruned"]
    return [
        {
            "other": key,
            "same": _same(found, key),
            "share": found.share("pruned", key),
            "easier": found.verdict("pruned", key),
        }
        for key in others
    ]
