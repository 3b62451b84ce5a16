"""What each raw column adds to predictions of the pruned model, and how that was before.

Attributions are compared with the model's own output; where they do not add up to it, the report
says so and has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..exceptions import CheckFailedError
from ..explain import Explanation
from ..explain.attributions import attribute, default_game
from ..explain.checks import Check
from ..explain.view import view_of

if TYPE_CHECKING:
    from .rivals import Fits
    from .study import Study

__all__ = ["ADDED_UP", "asked_game", "attribution", "is_constant"]

ADDED_UP = "attributions add up to the model"
SHOWN_COLUMNS = 8
MOST_ROWS = 10_000  # that are attributed
MOST_SAMPLED = 500  # of models whose attributions take longer than those of trees


def attribution(
    study: Study,
    fits: Fits,
    ex: Explanation,
    rows: pd.DataFrame,
    checks: dict[str, Check | str],
) -> dict[str, Any] | None:
    """Each column's share of the mean size of attributions on held-out rows.

    Parameters
    ----------
    study : Study
    fits : Fits
    ex : Explanation
        Of the pruned pipeline.
    rows : DataFrame
        Training and held-out rows, on which the sum is compared with the model.
    checks : dict
        Told whether it agrees.

    Returns
    -------
    dict or None
        None where attributions do not add up, or the model says the same of every row.

    Examples
    --------
    See `explained`.
    """
    try:
        found = attribute(ex.view, _some(rows, ex), **asked_game(study, ex))
    except CheckFailedError as error:
        checks[ADDED_UP] = Check(False, str(error), "")
        return None
    checks[ADDED_UP] = Check(True, found.scope, found.method)
    if is_constant(fits, ex):
        return None
    asked = _some(study.X_test, ex)
    frame = ex.importance(asked)
    before = _shares_as_grown(study, fits, asked, checks)
    return {
        "unit": found.unit,
        "method": found.method,
        "n": len(asked),
        "columns": _two_shares(frame, before),
        "n_used": int((frame["share"] > 0).sum()),
        "n_used_before": None if before is None else int((before > 0).sum()),
        "largest": _largest(study, ex, frame) if study.task == "multiclass" else [],
    }


def is_constant(fits: Fits, ex: Explanation) -> bool:
    """Whether the model says the same of every row.

    Examples
    --------
    See `explained`.
    """
    if ex.view.is_exact:
        return len(ex.rules) == 1
    return bool(fits.path.is_constant(int(fits.pipeline[-1].step_)))


def asked_game(study: Study, ex: Explanation) -> dict[str, Any]:
    """Which attribution is asked for: trees are followed, networks play against training rows.

    Examples
    --------
    See `explained`.
    """
    game = default_game(ex.view)
    if game == "path_dependent":
        return {"game": game}
    return {"game": game, "background": study.X_train, "random_state": study.seed}


def _shares_as_grown(
    study: Study, fits: Fits, asked: pd.DataFrame, checks: dict[str, Check | str]
) -> pd.Series | None:
    """The same shares in the model as grown, largest first; no rules are written for that."""
    whole = fits.whole(fits.rival("grown").model)
    view = view_of(whole, asked, readable=False)
    # Trees are followed and need no background; others are set against the training rows.
    against = asked if default_game(view) == "path_dependent" else study.X_train
    try:
        frame = Explanation(view, against, random_state=study.seed).importance(asked)
    except CheckFailedError as error:
        checks[f"{ADDED_UP} (as grown)"] = Check(False, str(error), "")
        return None
    return pd.Series(frame["share"].to_numpy(), index=frame["column"])


def _two_shares(frame: pd.DataFrame, before: pd.Series | None) -> list[dict[str, Any]]:
    """Columns that are among the first of either model, the pruned one's first."""
    share = pd.Series(frame["share"].to_numpy(), index=frame["column"])
    firsts = [side[side > 0].index[:SHOWN_COLUMNS] for side in (share, before) if side is not None]
    rows = [
        {
            "column": name,
            "share": float(share[name]),
            "before": None if before is None else float(before[name]),
        }
        for name in dict.fromkeys(name for first in firsts for name in first)
    ]
    return sorted(rows, key=lambda row: (-row["share"], -(row["before"] or 0.0)))


def _some(X: pd.DataFrame, ex: Explanation) -> pd.DataFrame:
    """At most so many rows, evenly spread."""
    most = MOST_ROWS if default_game(ex.view) == "path_dependent" else MOST_SAMPLED
    if len(X) <= most:
        return X
    return X.iloc[np.linspace(0, len(X) - 1, most).astype(int)]


def _largest(study: Study, ex: Explanation, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The column that moves the probability of each class most."""
    out = []
    for at, code in enumerate(ex.view.answers.classes[0], 1):
        if at >= frame.shape[1] - 1:  # one figure for all classes: none is the largest by class
            break
        values = frame.iloc[:, at].to_numpy()
        if values.max() > 0:
            column = frame["column"][int(values.argmax())]
            share = float(values.max() / values.sum())
            out.append({"label": study.labels[int(code)], "column": column, "share": share})
    return out
