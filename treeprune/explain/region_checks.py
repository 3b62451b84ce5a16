"""Regions of a network or linear model, compared with the model before anyone reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..exceptions import CheckFailedError
from .networks import rounding
from .regions import no_regions, printed_slack, region_rules
from .view import View, row

if TYPE_CHECKING:
    from ..decision import Decision
    from .regions import RegionRules

__all__ = ["checked_regions"]

REGIONS_SLACK = 1e-6  # of probabilities; sums of many products are taken in another order
FLOAT32_SLACK = 1e-5  # where the model itself computes in float32
Note = Callable[[str, int, int, str, str], None]


def checked_regions(
    view: View, X: Any, y: Any, decision: Decision | None, note: Note
) -> RegionRules:
    """The exact regions of a model, after a comparison on the reference rows.

    Parameters
    ----------
    view : View
    X, y : array-like
        Reference rows and their outcomes, if known.
    decision : Decision, optional
        Scores are log-odds of its adverse class.
    note : callable
        Takes a comparison: its name, how many agree, of how many, of what, and a detail.

    Returns
    -------
    RegionRules

    Raises
    ------
    ValueError
        If the model has no regions that could be written out.
    CheckFailedError
        If they do not give the estimator's own output on a reference row.

    Examples
    --------
    See `treeprune.Explanation.regions`.
    """
    why: str | None = "it cannot be read as a network or a linear model"
    if view.network is not None:
        why = no_regions(view.network)
    if view.network is None or why is not None:
        kind = type(view.answers.model if view.predictor is None else view.predictor).__name__
        raise ValueError(f"the {kind} has no exact regions: {why}; {_instead(view)}")
    positive = 1
    if decision is not None and len(view.answers.classes[0]) == 2:
        positive = decision.position(view.answers.classes[0])
    found = region_rules(
        view.network,
        view.feature_map,
        X,
        y,
        classes=view.answers.classes,
        positive=positive,
        target=view.target,
    )
    said, own = view.answers(X), found.output(X)
    size = np.ones_like(said) if found.is_classifier else np.maximum(1.0, np.abs(said))
    is_float32 = view.feature_map.model_matrix(row(X, [0])).dtype == np.float32
    slack = size * (FLOAT32_SLACK if is_float32 else REGIONS_SLACK)
    agree = np.all(np.abs(own - said) <= slack, axis=(1, 2))
    if not agree.all():  # by no more than it may have lost of large sums
        slack = np.maximum(slack, rounding(view.network, view.feature_map.model_matrix(X)))
        agree = np.all(np.abs(own - said) <= slack, axis=(1, 2))
    detail = f"{'predict_proba' if found.is_classifier else 'predict'} of the regions"
    detail += f" against the model's{' in float32' * bool(is_float32)}"
    if not agree.all():
        detail += f"; first differs in row {int(np.argmin(agree))}"
    note("regions = model", int(agree.sum()), len(agree), "rows", detail)
    if not agree.all():
        raise CheckFailedError(f"regions and model differ: {detail}")
    _check_printed(found, X, said, note)
    return found


def _check_printed(found: RegionRules, X: Any, said: npt.NDArray, note: Note) -> None:
    """Whether a reader who adds up the printed figures is near enough to the model."""
    gap, slack = np.abs(found.output(X, printed=True) - said), printed_slack(found, said)
    near = (gap <= slack).all(axis=(1, 2))
    detail = f"off by {gap.max():.2g} at most with {found.digits} digits; allowed is "
    detail += " and ".join(f"{one:.2g}" for one in np.unique(slack))
    note("regions as printed = model", int(near.sum()), len(near), "rows", detail)


def _instead(view: View) -> str:
    """What else can be read of a model without regions."""
    if view.is_exact:
        return "use ex.rules, which are the model"
    prune = "" if view.network is None else "prune it further, or "
    if view.fidelity is None:
        return f"{prune}explain a model of one target, which ex.rules imitates"
    return f"{prune}use ex.rules, a surrogate ({view.fidelity.to_text()})"
