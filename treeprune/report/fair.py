"""How unlike groups of people are treated, as grown and pruned, and what a stated limit would cost.

Everything is measured on held-out rows, by columns that no model has seen or, as is then said, that
the models take. It is a measure and never a filter: the tree that was chosen stays chosen, whatever
the groups look like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..metrics.group_fairness import fairness_before_after, fairness_path
from ..metrics.groups import FEWEST_ROWS, MOST_GROUPS
from ..metrics.limits import choose_within
from ..scoring import thin
from .explained import decision_of
from .sensitive import group_columns
from .stated import bounds_by_column

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..metrics.limits import Choice
    from .rivals import Fits, Options
    from .sensitive import GroupColumn
    from .study import Study

__all__ = ["fair"]

FIGURES = ("selection_rate", "tpr", "fpr", "auc", "calibration")


def fair(
    study: Study, fits: Fits, options: Options, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any] | None:
    """Figures by group of the tree as grown and pruned, and the answer to stated limits.

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
        JSON-able; None without sensitive columns. Of each column `seen` says whether the models
        take it. Where groups cannot be measured,
        `not_measured` says why, and the columns have no `groups`.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Options, Table, fit_rivals, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> frame["sex"] = ["f", "f", "m", "m"] * 20
    >>> study = study_of(Table(frame, ""), name="toy", target="y", sensitive=["sex"])
    >>> options = Options(cv=2, n_resamples=1000)
    >>> told = fair(study, fit_rivals(study, options), options)
    >>> [(group["group"], group["count"]) for group in told["columns"][0]["groups"]]
    [('f', 10), ('m', 14)]
    """
    columns = group_columns(study)
    if not columns:
        return None
    told: dict[str, Any] = {
        "columns": [_column(column, study) for column in columns],
        "rows": len(study.y_test),
        "fewest_rows": FEWEST_ROWS,
        "most_groups": MOST_GROUPS,
        "resamples": options.n_resamples,
        "not_measured": None,
        "limits": None,
    }
    if study.task != "binary":
        told["not_measured"] = f"groups are compared for two classes, and {study.target} is a " + (
            "number" if study.task == "regression" else f"choice of {len(study.labels)}"
        )
        return told
    usable = [column for column in columns if column.too_many is None]
    if not usable:
        return told
    say(f"comparing groups by {', '.join(column.name for column in usable)}")
    by = pd.DataFrame({column.name: column.groups for column in usable})
    try:
        _measure(told["columns"], study, fits, options, by)
    except ImportError as error:
        told["not_measured"] = str(error)
    if options.limits:
        told["limits"] = _answer(study, fits, options, columns, by)
    return told


def _column(column: GroupColumn, study: Study) -> dict[str, Any]:
    left_out = {name for name, _ in study.excluded}
    return {
        "column": column.name,
        "seen": column.name in study.X_train.columns and column.name not in left_out,
        "bands": column.bands,
        "too_many": column.too_many,
        "hidden": None,
        "groups": None,
        "differences": None,
    }


def _side(study: Study) -> dict[str, Any]:
    """Who is selected: whom the decision does not act on; without costs by the likelier class."""
    decision = decision_of(study)
    return {"positive": 0} if decision is None else {"decision": decision}


# -- groups --------------------------------------------------------------------------------------


def _measure(
    columns: list[dict[str, Any]], study: Study, fits: Fits, options: Options, by: pd.DataFrame
) -> None:
    """Write the groups of each column, and how far they are apart, into its dict."""
    found = fairness_before_after(
        fits.rival("grown").model,
        fits.rival("pruned").model,
        fits.Z_test,
        study.y_test,
        sensitive_features=by,
        n_boot=options.n_resamples,
        random_state=study.seed,
        **_side(study),
    ).to_dict()
    before, after = found["before"], found["after"]
    for told in columns:
        name = told["column"]
        if name not in by:
            continue
        own = [
            [row for row in table if row["feature"] == name]
            for table in (before["by_group"], after["by_group"],
                          before["differences"], after["differences"], found["changes"])
        ]  # fmt: skip
        told["hidden"] = before["hidden"][name]
        told["groups"] = [_group(*pair) for pair in zip(own[0], own[1], strict=True)]
        told["differences"] = [_difference(*rows) for rows in zip(*own[2:], strict=True)]


def _group(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {
        "group": before["group"],
        "count": before["count"],
        "favourable": before["favourable"],
        "before": _figures(before),
        "after": _figures(after),
    }


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    figures = {
        name: {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}
        for name in FIGURES
    }
    return {"selected": row["selected"], **figures}


def _difference(
    before: dict[str, Any], after: dict[str, Any], change: dict[str, Any]
) -> dict[str, Any]:
    return {
        "figure": before["figure"],
        "before": _bounded(before, "value"),
        "after": _bounded(after, "value"),
        "change": _bounded(change, "change"),
    }


def _bounded(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {"value": row[name], "low": row["low"], "high": row["high"]}


# -- stated limits -------------------------------------------------------------------------------


def _answer(
    study: Study, fits: Fits, options: Options, columns: list[GroupColumn], by: pd.DataFrame
) -> dict[str, Any]:
    """Which step of the path would keep the stated limits, and what that would cost."""
    path, chosen = fits.path, int(fits.pipeline[-1].step_)
    table = fairness_path(
        path,
        fits.Z_test,
        study.y_test,
        sensitive_features=by,
        scoring=options.scoring,
        steps=np.union1d(thin(path.size), [chosen]),
        random_state=study.seed,
        **_side(study),
    )
    bounds = bounds_by_column(options.limits, columns)
    choice = choose_within(table, bounds)
    # Of one step the score decides nothing, and it need not have one.
    own = choose_within(table[table["step"] == chosen].assign(score=0.0), bounds)
    scoring = options.scoring or "neg_brier_score"
    sign = -1 if scoring.startswith("neg_") else 1

    def step(at: int | None) -> dict[str, Any] | None:
        if at is None:
            return None
        score = sign * float(table.loc[table["step"] == at, "score"].iloc[0])
        known = score if np.isfinite(score) else None
        return {"step": at, path.size_unit: int(path.size[at]), "score": known}

    return {
        "limits": _limits(choice, own),
        "path_steps": len(path),
        "n_steps": choice.n_steps,
        "n_within": choice.n_within,
        "scoring": scoring,
        "lower_is_better": sign < 0,
        "satisfied": choice.satisfied,
        "chosen": step(chosen),
        "chosen_satisfies": own.satisfied,
        "best": step(choice.best_step),
        "step": step(choice.step),
        "nearest": step(choice.nearest),
        "cost": choice.cost,
    }


def _limits(choice: Choice, own: Choice) -> list[dict[str, Any]]:
    """Each limit: what it leaves, and its figure at the step named and at the chosen one."""
    return [
        {
            "words": limit.words,
            "figure": limit.column,
            "low": limit.low,
            "high": limit.high,
            "n_satisfying": limit.n_satisfying,
            "value": limit.value,
            "missed_by": limit.missed_by,
            "chosen_value": at_chosen.value,
            "chosen_missed_by": at_chosen.missed_by,
        }
        for limit, at_chosen in zip(choice.limits, own.limits, strict=True)
    ]
