"""Three held-out rows, and why the pruned model says of them what it says.

With a decision: adverse rows, their reasons and a change that turns the decision; without one: what
moved the predictions away from the average.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..exceptions import CheckFailedError
from ..explain.attributions import attribute
from ..explain.checks import Check
from ..explain.directions import AGREED
from ..explain.summary import spread
from .attributed import ADDED_UP, asked_game, is_constant
from .read_as import number_or_none, plain_cell

if TYPE_CHECKING:
    from ..explain import Explanation
    from ..explain.reasons import RowReasons
    from .rivals import Fits
    from .study import Study

__all__ = ["examples"]

SHOWN_PUSHES = 4
EXAMPLES = 3
REASONED = "reasons add up to the model"
TURNED = "cheapest changes turn the model's decision"
SOME_TURNED = "changes turn the model's decision"


def examples(
    study: Study,
    fits: Fits,
    ex: Explanation,
    checks: dict[str, Check | str],
    changed: list[pd.DataFrame],
) -> dict[str, Any] | None:
    """Three held-out rows and why the model says of them what it says.

    Parameters
    ----------
    study : Study
    fits : Fits
    ex : Explanation
        Of the pruned pipeline.
    checks : dict
        Told what was compared with the model.
    changed : list
        Told the changed rows that the model was asked about.

    Returns
    -------
    dict or None
        None where the model says the same of every row, or its rules are wrong.

    Examples
    --------
    See `explained`.
    """
    if is_constant(fits, ex) or (ex.view.is_exact and not ex.checks["rules = model"].passed):
        return None
    try:
        if ex.decision is None:
            return _pushed(study, ex)
        return _reasons(study, ex, checks, changed)
    except CheckFailedError as error:
        checks[ADDED_UP if ex.decision is None else REASONED] = Check(False, str(error), "")
        return None


def _reasons(
    study: Study, ex: Explanation, checks: dict[str, Check | str], changed: list[pd.DataFrame]
) -> dict[str, Any]:
    """Adverse rows, from the surest to the closest: reasons and the cheapest change."""
    assert ex.decision is not None
    p = ex.output(study.X_test)[:, 0, 1]
    adverse = np.flatnonzero(ex.decision.decide(p))
    n_others = int((~ex.decision.decide(ex.output(study.X_train)[:, 0, 1])).sum())
    told = {"kind": "reasons", "n": len(adverse), "n_others": n_others, "rows": []}
    if len(adverse) == 0 or n_others == 0:  # without others there is nobody to compare with
        return told
    chosen = spread(adverse[np.argsort(-p[adverse], kind="stable")], EXAMPLES)
    found = ex.reasons(study.X_test.iloc[chosen])
    checks[REASONED] = Check(True, f"{len(found)} of {len(found)} rows", found.method)
    if found.directions is not None:
        checks[AGREED] = found.directions
    rows = [
        {
            "row": int(study.test_rows[i]) + 1,
            **_reasoned(one),
            "change": _change(ex, study, i, changed),
        }
        for i, one in zip(chosen.tolist(), found, strict=True)
    ]
    turned = [row["change"]["turned"] for row in rows if row["change"]["feasible"]]
    if turned:
        scope = f"{sum(turned)} of {len(turned)} changes"
        name = TURNED if ex.view.is_exact else SOME_TURNED
        checks[name] = Check(all(turned), scope, "the model was asked with the changes made")
    # What the explanation was made from are the training rows.
    baseline = found.baseline.replace("reference rows", "training rows")
    method = {} if ex.rules.kind == "tree" else {"method": found.method}
    return {**told, "baseline": baseline, "unit": found.unit, **method, "rows": rows}


def _reasoned(one: RowReasons) -> dict[str, Any]:
    return {
        "p": one.probability,
        "reasons": [
            {
                "text": reason.text,
                "value": plain_cell(reason.value),
                "contribution": reason.contribution,
                "agreed": reason.agreed,
                "methods": reason.methods,
            }
            for reason in one.reasons
        ],
        "conflicts": list(one.conflicts),
    }


def _change(ex: Explanation, study: Study, i: int, changed: list[pd.DataFrame]) -> dict[str, Any]:
    """The cheapest change of a held-out row, and whether the model then decides otherwise."""
    assert ex.decision is not None
    row = study.X_test.iloc[[i]]
    found = ex.counterfactual(row)[0]
    after = np.ones(1)
    if found.feasible:
        changed.append(found.apply(row))
        after = ex.output(changed[-1])[:, 0, 1]
    return {
        "feasible": found.feasible,
        "changes": [
            {"column": c.column, "old": plain_cell(c.old), "new": plain_cell(c.new)}
            for c in found.changes
        ],
        "cost": number_or_none(found.cost),
        "after": float(after[0]),
        "turned": found.feasible and not bool(ex.decision.decide(after)[0]),
        "note": found.note,
    }


def _pushed(study: Study, ex: Explanation) -> dict[str, Any]:
    """Without a decision: what moved predictions, of the likeliest class where there are several.

    Rows with a low, a middle and a high prediction; with several classes from the surest on.
    """
    said = ex.output(study.X_test)[:, 0, :]
    at = np.full(len(said), said.shape[1] - 1)
    if study.task == "multiclass":
        at = said.argmax(axis=1)
    score, told = said[np.arange(len(said)), at], at
    sign = -1 if study.task == "multiclass" else 1
    chosen = spread(np.argsort(sign * score, kind="stable"), EXAMPLES)
    found = attribute(ex.view, study.X_test.iloc[chosen], **asked_game(study, ex))
    base = np.broadcast_to(found.base, (len(chosen), found.values.shape[2]))
    # Of two classes log-odds have one figure, that of the second class.
    at = np.minimum(at, found.values.shape[2] - 1)
    rows = []
    for k, i in enumerate(chosen.tolist()):
        push = found.values[k, :, at[i]]
        largest = np.argsort(-np.abs(push), kind="stable")[:SHOWN_PUSHES]
        label = study.labels[int(ex.view.answers.classes[0][told[i]])] if study.labels else None
        rows.append(
            {
                "row": int(study.test_rows[i]) + 1,
                "prediction": float(score[i]),
                "label": label,
                "base": float(base[k, at[i]]),
                "pushes": [_push(study, ex, i, int(j), float(push[j])) for j in largest if push[j]],
            }
        )
    unit = {} if found.unit in ("probability", "target") else {"unit": found.unit}
    return {"kind": "pushes", "n": len(said), **unit, "rows": rows}


def _push(study: Study, ex: Explanation, i: int, j: int, push: float) -> dict[str, Any]:
    name, row = ex.columns[j], study.X_test.iloc[[i]]
    derived = ex.rules.columns[j].kind == "derived"  # what the model is given stands for it
    value = ex.rules.values(row)[j][0] if derived else row[name].iloc[0]
    return {"column": name, "value": plain_cell(value), "push": push}
