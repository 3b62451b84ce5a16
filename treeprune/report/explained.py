"""What the explainer says of the pruned model: rules, attributions, examples, and their checks.

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
from ..explain import Explanation, explain
from ..explain.checks import Check
from ..explain.conditions import NumberCondition
from ..explain.evaluation import LEVEL, differs
from ..explain.exports.rerun import TABLE, sql_check
from ..explain.leaves import limit_texts
from ..explain.text import condition_text
from ..intervals import wilson
from .attributed import attribution
from .drawn import drawn_tree, missing_values
from .examples import examples
from .monotone import monotone_checks
from .read_as import counted_figures, number_or_none, plain_value, read_as
from .rivals import grown_rows
from .use import cost_of_use

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from ..explain import Rule
    from ..explain.conditions import Condition
    from .rivals import Fits
    from .study import Study

__all__ = ["decision_of", "explained"]

SHOWN_RULES = 30
MOST_RULES = 1000  # beyond, no minimal conditions are sought: each rule is weighed against all

MOST_CELLS = 200  # of a joint partition that is read; beyond, no query is written either

RULE_CHECKS = (
    "rules = model",
    "cells = model",
    "printed rules = model",
    "likeliest class = model's predict",
)


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
    """Rules, attributions and examples of the pruned model, and what was checked.

    Parameters
    ----------
    study : Study
    fits : Fits
    say : callable
        Told what is being done, for a progress display.

    Returns
    -------
    dict
        `read_as`, `rules`, `tree`, `use`, `sql`, `attribution`, `examples`, `checks`; JSON-able.

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
        most_cells=MOST_CELLS,
        random_state=study.seed,
    )
    later: dict[str, Check | str] = {}
    changed: list[pd.DataFrame] = []
    told_examples = examples(study, fits, ex, later, changed)
    _shorten_limits(ex, pd.concat([rows, *changed], ignore_index=True))
    ex.check_rules(rows)
    # What was asked of examples is told with them, under the names of the report.
    checks: dict[str, Check | str] = {
        name: check for name, check in ex.checks.items() if name in RULE_CHECKS
    }
    rules = _rules(study, fits, ex, rows)
    query = _query_check(ex, rows)
    checks["SQL = model" if ex.view.is_exact else "SQL = rules"] = query
    checks |= monotone_checks(study, ex)
    say("attributing, giving reasons")
    found = {
        "tree": drawn_tree(study, fits, ex),
        "use": cost_of_use(study, fits, ex),
        "sql": _sql(ex, query),
        "attribution": attribution(study, fits, ex, rows, checks),
        "examples": told_examples,
    }
    checks |= later
    said = [_said(*check) for check in checks.items()]
    return {"read_as": read_as(ex), "rules": rules, **found, "checks": said}


def _query_check(ex: Explanation, rows: pd.DataFrame) -> Check | str:
    """Whether the query says what the model says; of a surrogate, what its rules say."""
    if ex.view.is_exact:
        return sql_check(ex.rules, rows, ex.output(rows)[:, 0, :])
    said = ex.rules.predict_proba(rows) if ex.rules.is_classifier else ex.rules.predict(rows)
    return sql_check(ex.rules, rows, np.asarray(said, np.float64).reshape(len(rows), -1))


def _sql(ex: Explanation, check: Check | str) -> dict[str, str | None]:
    """The very query that was run on all rows, or why there is none."""
    told = {"dialect": "sqlite", "table": TABLE}
    if isinstance(check, str):
        return {**told, "text": None, "why": f"no query: {check}", "check": None}
    outcome = "it was run and agrees with" if check.passed else "FAILED: it differs from"
    text = ex.rules.to_sql(TABLE, "sqlite")
    what = "the model" if ex.view.is_exact else "these rules"
    return {**told, "text": text, "why": None, "check": f"{outcome} {what} on {check.scope}"}


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
    """The rules, with how they fare: of a tree its leaves, else those it is read as."""
    rules = ex.rules
    missing = missing_values(rules, rows)
    conditions = [_conditions(rule, ex, missing) for rule in rules]
    own = fits.rival("pruned").native
    by_leaf = hasattr(own, "tree_")
    if by_leaf:
        figures = _figures(study, ex, own.tree_, native.apply(own, fits.Z_test)[:, 0])
    else:
        figures = counted_figures(study, ex)
    listed = [
        {"rule": f"R{i + 1}", **row, **said}
        for i, (row, said) in enumerate(zip(figures, conditions, strict=True))
    ]
    largest = sorted(range(len(listed)), key=lambda i: (-listed[i]["train"], i))[:SHOWN_RULES]
    if len(listed) > SHOWN_RULES:  # cells of a partition may hold no row at all
        largest = [i for i in largest if listed[i]["train"] or listed[i]["held_out"]]
    empty = {}
    if rules.kind == "partition":
        empty = {
            "n_empty": sum(row["train"] == 0 for row in listed),
            "n_met": sum(row["train"] + row["held_out"] > 0 for row in listed),
        }
    used = [rules.columns[c] for c in rules.used]
    only = missing & ~study.X_train.isna().any()
    return {
        "n": len(listed),
        **empty,
        "grown_on": grown_rows(study, fits, fits.rival("pruned").model),
        "n_train": len(study.y_train),
        "n_marked": sum(row["differs"] for row in listed),
        "n_tested": sum(row["held_out"] > 0 for row in listed) if by_leaf else 0,
        "level": LEVEL,
        "shown": [listed[i] for i in sorted(largest)],
        "unseen_missing": [c.name for c in used if c.kind == "number" and only[c.name] and by_leaf],
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
        ends = [[number_or_none(low), number_or_none(high)] for low, high in condition.intervals]
        return {"column": column.name, "above_to": ends, "missing": condition.missing}
    allowed = [plain_value(column.categories[i]) for i in sorted(condition.allowed)]
    return {
        "column": column.name,
        "in": allowed,
        "missing": condition.missing,
        "unseen": condition.unseen,
    }


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
                "share": number_or_none(share[i]),
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
            "share": number_or_none(held["mean"][i]),
            "differs": bool(marked[i]),
            "decision": None,
        }
        for i, h in enumerate(half)
    ]


def _sufficient(study: Study, ex: Explanation) -> dict[str, float] | None:
    """How many conditions tell a held-out row, and how many would do for its outcome."""
    rule_of = ex.rules.match(study.X_test)
    few = ex.view.is_exact and 1 < len(ex.rules) <= MOST_RULES
    if not study.is_classification or not few or (rule_of < 0).any():
        return None
    frame = ex.sufficient_reasons()
    return {
        "conditions": float(frame["n_columns"].to_numpy()[rule_of].mean()),
        "enough": float(frame["n_sufficient"].to_numpy()[rule_of].mean()),
    }
