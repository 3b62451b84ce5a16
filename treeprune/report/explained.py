"""What the explainer says of the pruned tree: rules, attributions, examples, and their checks.

Everything is in raw columns, as the user's table has them, and is compared with the pipeline
itself on training and held-out rows. A comparison that fails, or that cannot be made, is told as
such: it never keeps the rest of the report from its reader.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from .. import native
from ..decision import Decision
from ..exceptions import CheckFailedError
from ..explain import Explanation, explain
from ..explain.attributions import attribute
from ..explain.checks import Check
from ..explain.conditions import NumberCondition
from ..explain.directions import AGREED
from ..explain.evaluation import LEVEL, differs
from ..explain.exports.rerun import TABLE, sql_check
from ..explain.leaves import limit_texts
from ..explain.summary import spread
from ..explain.text import condition_text
from ..explain.view import view_of
from ..intervals import wilson
from .drawn import drawn_tree, missing_values
from .monotone import monotone_checks
from .use import cost_of_use

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from ..explain import Rule
    from ..explain.conditions import Condition
    from ..explain.reasons import RowReasons
    from .rivals import Fits
    from .study import Study

__all__ = ["decision_of", "explained"]

SHOWN_RULES = 30
SHOWN_COLUMNS = 8
SHOWN_PUSHES = 4
EXAMPLES = 3
MOST_RULES = 1000  # beyond, no minimal conditions are sought: each rule is weighed against all
MOST_ROWS = 10_000  # that are attributed

RULE_CHECKS = ("rules = model", "printed rules = model", "likeliest class = model's predict")
ADDED_UP = "attributions add up to the model"
REASONED = "reasons add up to the model"
TURNED = "cheapest changes turn the model's decision"


def decision_of(study: Study) -> Decision | None:
    """The study's decision for the explainer; None without costs and without a cut-off.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Decision or None
        Adverse is the positive class. The cut-off is that of all other figures, so that a tie
        that rounding has moved is decided alike everywhere.

    Examples
    --------
    >>> from treeprune.report import german_credit_study
    >>> decision = decision_of(german_credit_study())
    >>> decision.word(True), round(decision.cutoff, 4)
    ('declined', 0.1667)
    """
    if study.decision is not None:
        return study.decision
    if study.acts_from is None:
        return None
    return Decision(
        adverse=1,
        cutoff=study.acts_from,
        adverse_word=study.words.acted,
        favourable_word=study.words.passed,
    )


def explained(
    study: Study, fits: Fits, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Rules, attributions and examples of the pruned tree, and what was checked.

    Parameters
    ----------
    study : Study
    fits : Fits
    say : callable
        Told what is being done, for a progress display.

    Returns
    -------
    dict
        `rules`, `tree`, `use`, `sql`, `attribution`, `examples`, `checks`; JSON-able.

    Examples
    --------
    >>> from treeprune.report import Options, Table, fit_rivals, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> told = explained(study, fit_rivals(study, Options(cv=2, n_resamples=1000)))
    >>> [(check["name"], check["scope"]) for check in told["checks"]][0]
    ('rules = model', '80 of 80 rows')
    """
    say("writing rules and checking them")
    rows = pd.concat([study.X_train, study.X_test], ignore_index=True)
    ex = explain(
        fits.pipeline,
        study.X_train,
        study.y_train,
        decision=decision_of(study),
        random_state=study.seed,
    )
    later: dict[str, Check | str] = {}
    changed: list[pd.DataFrame] = []
    examples = _examples(study, ex, later, changed)
    _shorten_limits(ex, pd.concat([rows, *changed], ignore_index=True))
    ex.check_rules(rows)
    # What was asked of examples is told with them, under the names of the report.
    checks: dict[str, Check | str] = {
        name: check for name, check in ex.checks.items() if name in RULE_CHECKS
    }
    rules = _rules(study, fits, ex, rows)
    checks["SQL = model"] = sql_check(ex.rules, rows, ex.output(rows)[:, 0, :])
    checks |= monotone_checks(study, ex)
    say("attributing, giving reasons")
    found = {
        "tree": drawn_tree(study, fits, ex),
        "use": cost_of_use(study, fits, ex),
        "sql": _sql(ex, checks["SQL = model"]),
        "attribution": _attribution(study, fits, ex, rows, checks),
        "examples": examples,
    }
    checks |= later
    return {"rules": rules, **found, "checks": [_said(*check) for check in checks.items()]}


def _sql(ex: Explanation, check: Check | str) -> dict[str, str | None]:
    """The very query that was run on all rows, or why there is none."""
    told = {"dialect": "sqlite", "table": TABLE}
    if isinstance(check, str):
        return {**told, "text": None, "why": f"no query: {check}", "check": None}
    outcome = "it was run and agrees with" if check.passed else "FAILED: it differs from"
    text = ex.rules.to_sql(TABLE, "sqlite")
    return {**told, "text": text, "why": None, "check": f"{outcome} the model on {check.scope}"}


def _said(name: str, check: Check | str) -> dict[str, Any]:
    """A check as plain values; a text says why there is none."""
    if isinstance(check, str):
        return {"name": name, "passed": None, "scope": f"not checked, {check}", "detail": ""}
    return {
        "name": name,
        "passed": check.passed,
        "scope": check.scope,
        "detail": "" if check.passed else check.detail,
    }


def _shorten_limits(ex: Explanation, rows: pd.DataFrame) -> None:
    """Print limits so that all of these rows, changed ones too, go where the model sends them."""
    texts = limit_texts(ex.rules.rules, ex.rules.values(rows))
    ex.view = replace(ex.view, readable=replace(ex.rules, texts=texts))


# -- rules ---------------------------------------------------------------------------------------


def _rules(study: Study, fits: Fits, ex: Explanation, rows: pd.DataFrame) -> dict[str, Any]:
    """The pruned tree's leaves as rules, with how they fare."""
    rules, tree = ex.rules, fits.rival("pruned").tree
    leaf = native.apply(tree, fits.Z_test)[:, 0]
    missing = missing_values(rules, rows)
    conditions = [_conditions(rule, ex, missing) for rule in rules]
    figures = _figures(study, ex, tree.tree_, leaf)
    listed = [
        {"rule": f"R{i + 1}", **row, **said}
        for i, (row, said) in enumerate(zip(figures, conditions, strict=True))
    ]
    largest = sorted(range(len(listed)), key=lambda i: (-listed[i]["train"], i))[:SHOWN_RULES]
    used = [rules.columns[c] for c in rules.used]
    only = missing & ~study.X_train.isna().any()
    return {
        "n": len(listed),
        "grown_on": int(tree.tree_.n_node_samples[0]),
        "n_train": len(study.y_train),
        "n_marked": sum(row["differs"] for row in listed),
        "n_tested": sum(row["held_out"] > 0 for row in listed),
        "level": LEVEL,
        "shown": [listed[i] for i in sorted(largest)],
        "unseen_missing": [c.name for c in used if c.kind == "number" and only[c.name]],
        "sufficient": _sufficient(study, ex),
    }


def _conditions(rule: Rule, ex: Explanation, missing: pd.Series) -> dict[str, Any]:
    """Conditions in words and exactly; missing values are said where any row has them."""
    columns = ex.rules.columns
    return {
        "conditions": [
            condition_text(c, ex.rules, missing=bool(missing[columns[c.column].name]))
            for c in rule.conditions
        ],
        "exact": [_exact(c, ex) for c in rule.conditions],
    }


def _exact(condition: Condition, ex: Explanation) -> dict[str, Any]:
    column = ex.rules.columns[condition.column]
    if isinstance(condition, NumberCondition):
        ends = [[_number(low), _number(high)] for low, high in condition.intervals]
        return {"column": column.name, "above_to": ends, "missing": condition.missing}
    allowed = [_plain(column.categories[i]) for i in sorted(condition.allowed)]
    return {
        "column": column.name,
        "in": allowed,
        "missing": condition.missing,
        "unseen": condition.unseen,
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, str | bool | int | float) else str(value)


def plain_cell(value: Any) -> Any:
    """A cell of the table; None for a missing value."""
    return None if value is None or pd.isna(value) else _plain(value)


def _figures(study: Study, ex: Explanation, tree: Any, leaf: npt.NDArray) -> list[dict[str, Any]]:
    """Support and outcome of each leaf on the rows the tree was grown on and on held-out rows.

    Rows are counted where the model itself sends them, not where the rules do.
    """
    nodes = [rule.node for rule in ex.rules]
    parts = [study.y_test[leaf == node] for node in nodes]
    n = tree.n_node_samples[nodes]
    if not study.is_classification:
        return _means(tree, nodes, n, parts)
    proba = np.stack([rule.value[0] for rule in ex.rules])
    focus = np.ones(len(nodes), int) if study.task == "binary" else proba.argmax(axis=1)
    codes = ex.rules.classes[0][focus].tolist()
    p = proba[np.arange(len(nodes)), focus]
    share = [float((y == k).mean()) if len(y) else np.nan for y, k in zip(parts, codes)]
    decided = study.decide(proba).tolist() if study.task == "binary" else [None] * len(nodes)
    held = [len(y) for y in parts]
    marked = differs(
        pd.DataFrame({"rows": n, "confidence": p}),
        pd.DataFrame({"rows": held, "confidence": share}),
    )
    out = []
    for i, k in enumerate(codes):
        low, high = wilson(float(p[i] * n[i]), int(n[i])) or (None, None)
        out.append(
            {
                "train": int(n[i]),
                "held_out": held[i],
                "label": study.labels[k],
                "p": float(p[i]),
                "low": low,
                "high": high,
                "share": _number(share[i]),
                "differs": bool(marked[i]),
                "decision": decided[i],
            }
        )
    return out


def _means(
    tree: Any, nodes: list[int], n: npt.NDArray, parts: list[npt.NDArray]
) -> list[dict[str, Any]]:
    """Mean of each leaf with its t interval, and the held-out mean."""
    mean = tree.value[nodes, 0, 0]
    variance = tree.impurity[nodes] * n / np.maximum(n - 1, 1)
    held = pd.DataFrame(
        {
            "rows": [len(y) for y in parts],
            "mean": [y.mean() if len(y) else np.nan for y in parts],
            "deviation": [y.std(ddof=1) if len(y) > 1 else np.nan for y in parts],
        }
    )
    marked = differs(pd.DataFrame({"rows": n, "mean": mean, "deviation": np.sqrt(variance)}), held)
    half = [
        float(stats.t.ppf(0.975, k - 1) * np.sqrt(v / k)) if k > 1 else None
        for k, v in zip(n.tolist(), variance.tolist(), strict=True)
    ]
    return [
        {
            "train": int(n[i]),
            "held_out": len(parts[i]),
            "p": float(mean[i]),
            "low": None if h is None else float(mean[i]) - h,
            "high": None if h is None else float(mean[i]) + h,
            "share": _number(held["mean"][i]),
            "differs": bool(marked[i]),
            "decision": None,
        }
        for i, h in enumerate(half)
    ]


def _sufficient(study: Study, ex: Explanation) -> dict[str, float] | None:
    """How many conditions tell a held-out row, and how many would do for its outcome."""
    rule_of = ex.rules.match(study.X_test)
    few = 1 < len(ex.rules) <= MOST_RULES
    if not study.is_classification or not few or (rule_of < 0).any():
        return None
    frame = ex.sufficient_reasons()
    return {
        "conditions": float(frame["n_columns"].to_numpy()[rule_of].mean()),
        "enough": float(frame["n_sufficient"].to_numpy()[rule_of].mean()),
    }


# -- attributions --------------------------------------------------------------------------------


def _attribution(
    study: Study,
    fits: Fits,
    ex: Explanation,
    rows: pd.DataFrame,
    checks: dict[str, Check | str],
) -> dict[str, Any] | None:
    """Each column's share of the mean size of attributions on held-out rows."""
    try:
        found = attribute(ex.view, _some(rows))
    except CheckFailedError as error:
        checks[ADDED_UP] = Check(False, str(error), "")
        return None
    checks[ADDED_UP] = Check(True, found.scope, found.method)
    if len(ex.rules) == 1:
        return None
    asked = _some(study.X_test)
    frame = ex.importance(asked)
    before = _shares_as_grown(fits, asked, checks)
    return {
        "unit": found.unit,
        "method": found.method,
        "n": len(asked),
        "columns": _two_shares(frame, before),
        "n_used": int((frame["share"] > 0).sum()),
        "n_used_before": None if before is None else int((before > 0).sum()),
        "largest": _largest(study, ex, frame) if study.task == "multiclass" else [],
    }


def _shares_as_grown(
    fits: Fits, asked: pd.DataFrame, checks: dict[str, Check | str]
) -> pd.Series | None:
    """The same shares in the tree as grown, largest first; its rules are not written for that."""
    whole = fits.whole(fits.rival("grown").model)
    try:
        frame = Explanation(view_of(whole, asked, readable=False), asked).importance(asked)
    except CheckFailedError as error:
        checks[f"{ADDED_UP} (as grown)"] = Check(False, str(error), "")
        return None
    return pd.Series(frame["share"].to_numpy(), index=frame["column"])


def _two_shares(frame: pd.DataFrame, before: pd.Series | None) -> list[dict[str, Any]]:
    """Columns that are among the first of either tree, the pruned one's first."""
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


def _some(X: pd.DataFrame) -> pd.DataFrame:
    """At most so many rows, evenly spread."""
    if len(X) <= MOST_ROWS:
        return X
    return X.iloc[np.linspace(0, len(X) - 1, MOST_ROWS).astype(int)]


def _largest(study: Study, ex: Explanation, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The column that moves the probability of each class most."""
    out = []
    for at, code in enumerate(ex.view.answers.classes[0], 1):
        values = frame.iloc[:, at].to_numpy()
        if values.max() > 0:
            column = frame["column"][int(values.argmax())]
            share = float(values.max() / values.sum())
            out.append({"label": study.labels[int(code)], "column": column, "share": share})
    return out


# -- examples ------------------------------------------------------------------------------------


def _examples(
    study: Study, ex: Explanation, checks: dict[str, Check | str], changed: list[pd.DataFrame]
) -> dict[str, Any] | None:
    """Three held-out rows and why the tree says of them what it says; notes changed rows."""
    if len(ex.rules) == 1 or not ex.checks["rules = model"].passed:
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
        checks[TURNED] = Check(all(turned), scope, "the model was asked with the changes made")
    # What the explanation was made from are the training rows.
    baseline = found.baseline.replace("reference rows", "training rows")
    return {**told, "baseline": baseline, "unit": found.unit, "rows": rows}


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
        "cost": _number(found.cost),
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
    score = said[np.arange(len(said)), at]
    sign = -1 if study.task == "multiclass" else 1
    chosen = spread(np.argsort(sign * score, kind="stable"), EXAMPLES)
    found = attribute(ex.view, study.X_test.iloc[chosen])
    base = np.broadcast_to(found.base, (len(chosen), found.values.shape[2]))
    rows = []
    for k, i in enumerate(chosen.tolist()):
        push = found.values[k, :, at[i]]
        largest = np.argsort(-np.abs(push), kind="stable")[:SHOWN_PUSHES]
        label = study.labels[int(ex.view.answers.classes[0][at[i]])] if study.labels else None
        rows.append(
            {
                "row": int(study.test_rows[i]) + 1,
                "prediction": float(score[i]),
                "label": label,
                "base": float(base[k, at[i]]),
                "pushes": [_push(study, ex, i, int(j), float(push[j])) for j in largest if push[j]],
            }
        )
    return {"kind": "pushes", "n": len(said), "rows": rows}


def _push(study: Study, ex: Explanation, i: int, j: int, push: float) -> dict[str, Any]:
    name, row = ex.columns[j], study.X_test.iloc[[i]]
    derived = ex.rules.columns[j].kind == "derived"  # what the model is given stands for it
    value = ex.rules.values(row)[j][0] if derived else row[name].iloc[0]
    return {"column": name, "value": plain_cell(value), "push": push}
