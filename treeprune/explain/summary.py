"""The text of an explanation: one page that says what the model does, and what was checked.

Facts are collected in one plain dict first; rendering only places what is in it.
"""

from __future__ import annotations

import contextlib
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..exceptions import CheckFailedError
from .leaves import counted
from .listing import exact_words
from .proving import MOST_PAIRED
from .regions import no_regions
from .text import printable, shortened
from .view import row, rows_of

if TYPE_CHECKING:
    from .explanation import Explanation

__all__ = ["spread", "summary_of", "summary_text"]

WIDTH = 100
SHOWN_COLUMNS = 8
SHOWN_CELLS = 64
LABEL = 12


def summary_of(
    ex: Explanation, *, held_out: tuple[Any, Any] | None = None, n_rows: int = 3
) -> dict[str, Any]:
    """Collect what the text says.

    Parameters
    ----------
    ex : Explanation
    held_out : (X, y), optional
        Rows the model was not fitted on.
    n_rows : int
        Number of example rows.

    Returns
    -------
    dict
        Strings, numbers, lists, None.

    Examples
    --------
    See `treeprune.Explanation.to_text`.
    """
    has_rules = ex.view.readable is not None
    collected: dict[str, Any] = {
        "model": _model(ex),
        "rules": _rules(ex, held_out) if has_rules else None,
        "regions": None,
        "attribution": [],
        "rows": [],
    }
    # What failed its check is not said; that it failed is.
    with contextlib.suppress(CheckFailedError):
        collected["attribution"] = _attribution(ex)
        collected["rows"] = _rows(ex, n_rows, held_out)
    with contextlib.suppress(CheckFailedError):
        collected["regions"] = _regions(ex)
    ex.check_exports()
    # Last: attributions, reasons and counterfactuals have added their checks by now.
    collected["checks"] = [
        {"name": name, "passed": check.passed, "scope": check.scope, "detail": check.detail}
        for name, check in ex.checks.items()
    ]
    return collected


def _model(ex: Explanation) -> dict[str, Any]:
    view = ex.view
    trees, n = view.trees, len(ex.X)
    facts: dict[str, Any] = {
        "type": type(view.answers.model).__name__,
        "predictor": type(view.predictor).__name__,
        "kind": None if view.network is None else view.network.kind,
        "n_trees": None if trees is None else counted(trees)[0],
        "n_leaves": None if trees is None else counted(trees)[1],
        "n_columns": view.feature_map.n_raw,
        "n_derived": len(view.feature_map.columns) - view.feature_map.n_raw,
        "n_reference": n,
        "exact": view.is_exact,
        "fidelity": None if view.fidelity is None else view.fidelity.to_text(),
    }
    if view.readable is None:
        return facts
    rules = view.rules
    rule_of = rules.match(ex.X)
    tests = np.array([len(rule.conditions) for rule in rules])
    facts |= {
        "n_rules": len(rules),
        "used": [rules.columns[c].name for c in rules.used],
        "conditions_per_row": float(tests[rule_of[rule_of >= 0]].mean()),
    }
    if view.is_exact and (rules.kind != "partition" or len(rules) <= MOST_PAIRED):
        short = ex.sufficient_reasons()["n_sufficient"].to_numpy()
        facts["sufficient_per_row"] = float(short[rule_of[rule_of >= 0]].mean())
    if ex.decision is not None:
        from .reasons import p_adverse

        adverse = ex.decision.decide(p_adverse(view, ex.decision, ex.X))
        facts["decision"] = {
            "adverse": printable(ex.decision.adverse),
            "cutoff": ex.decision.cutoff,
            "word": ex.decision.word(True),
            "n_adverse": int(adverse.sum()),
        }
    return facts


def _rules(ex: Explanation, held_out: tuple[Any, Any] | None) -> str:
    options: dict[str, Any] = {"decision": ex.decision}
    if ex.y is not None and len(ex.view.target) == 1:
        options["train"] = (ex.X, ex.y)
    if held_out is not None and len(ex.view.target) == 1:
        options["held_out"] = held_out
    if ex.rules.kind != "partition" or len(ex.rules) <= SHOWN_CELLS or len(ex.view.target) != 1:
        return ex.rules.to_text(**options)
    found = ex.surrogate
    said = f"{exact_words(ex.rules)}, all of them in ex.rules; for reading, ex.surrogate:"
    return f"{textwrap.fill(said, WIDTH)}\n{found.to_text(**options)}"


def _regions(ex: Explanation) -> dict[str, Any] | None:
    """The exact regions of a network or linear model that has them."""
    if ex.view.network is None or no_regions(ex.view.network) is not None:
        return None
    try:
        most = ex.regions.regions[0]
    except ValueError:  # None and NaN are told apart, which no raw term says
        return None
    net = ex.regions.network
    return {
        "n": len(ex.regions),
        "kind": net.kind,
        "n_neurons": net.settle().n_neurons,
        "n_scores": net.n_scores,
        "largest_share": most.share,
    }


def _attribution(ex: Explanation) -> list[dict[str, Any]]:
    frame = ex.importance(row(ex.X, np.arange(min(len(ex.X), _affordable(ex)))))
    shown = frame[frame["share"] > 0].head(SHOWN_COLUMNS)
    return [
        {"column": printable(column), "share": float(share)}
        for column, share in zip(shown["column"], shown["share"], strict=True)
    ]


def _affordable(ex: Explanation) -> int:
    """Rows over which attributions are averaged: all, but few where each is sampled."""
    if ex.view.network is not None and ex.view.network.hidden_layer_sizes:
        return 1000  # a network is played out against the reference rows
    return len(ex.X) if ex.is_exactly_attributed else 20


def _rows(ex: Explanation, n_rows: int, held_out: tuple[Any, Any] | None) -> list[dict[str, Any]]:
    """Example rows: with a Decision adverse ones, from the surest to the closest."""
    X = ex.X if held_out is None else held_out[0]
    if ex.decision is None:
        return _plain_rows(ex, X, n_rows)
    from .reasons import p_adverse

    p = p_adverse(ex.view, ex.decision, X)
    adverse = np.flatnonzero(ex.decision.decide(p))
    chosen = spread(adverse[np.argsort(-p[adverse], kind="stable")], n_rows)
    if len(chosen) == 0:
        return []
    # Without any favourable reference row there is nobody near the cut-off to compare with.
    passed = ~ex.decision.decide(p_adverse(ex.view, ex.decision, ex.X))
    found = ex.reasons(row(X, chosen), baseline="near_cutoff" if passed.any() else "all")
    out = []
    for i, one in zip(chosen, found, strict=True):
        change = ex.counterfactual(row(X, [i]))[0]
        out.append(
            {
                "row": printable(one.row),
                "probability": one.probability,
                "decision": ex.decision.word(one.adverse),
                "reasons": [
                    {
                        "text": printable(r.text),
                        "value": shortened(r.value),
                        "figure": r.figure,
                        "agreed": r.agreed,
                        "methods": r.methods,
                    }
                    for r in one.reasons
                ],
                "conflicts": list(one.conflicts),
                "counterfactual": change.to_text(ex.decision),
                "baseline": found.baseline,
                "unit": found.unit,
            }
        )
    return out


def _plain_rows(ex: Explanation, X: Any, n_rows: int) -> list[dict[str, Any]]:
    """Without a Decision: rows with a low, a middle and a high prediction, and what moved them."""
    said = ex.output(X)[:, 0, :]
    score = said[:, -1]
    chosen = spread(np.argsort(score, kind="stable"), n_rows)
    found = ex.attributions(row(X, chosen))
    values = np.asarray(found.values).reshape(len(chosen), len(found.feature_names), -1)[:, :, -1]
    frame = rows_of(ex.view.feature_map, X)
    out = []
    for k, i in enumerate(chosen):
        order = np.argsort(-np.abs(values[k]), kind="stable")[:4]
        pushes = []
        for j in order:
            if values[k, j] == 0:
                continue
            name = found.feature_names[j]
            value = frame.iloc[i][name] if name in frame.columns else ""
            pushes.append(
                {"column": printable(name), "value": shortened(value), "push": float(values[k, j])}
            )
        out.append(
            {"row": printable(frame.index[i]), "prediction": float(score[i]), "pushes": pushes,
             "unit": found.unit}
        )  # fmt: skip
    return out


def spread(order: npt.NDArray, n: int) -> npt.NDArray:
    """First, last and evenly between.

    Examples
    --------
    >>> spread(np.arange(10), 3).tolist()
    [0, 4, 9]
    """
    if len(order) <= n:
        return order
    return order[np.linspace(0, len(order) - 1, n).round().astype(int)]


def summary_text(facts: dict[str, Any]) -> str:
    """Place the facts on a page, at most 100 columns wide.

    Parameters
    ----------
    facts : dict
        From `summary_of`.

    Returns
    -------
    str

    Examples
    --------
    See `treeprune.Explanation.to_text`.
    """
    parts = [_section("MODEL", _model_words(facts["model"]))]
    if facts["regions"] is not None:
        parts.append(_section("REGIONS", _region_words(facts["regions"])))
    parts.append(_listed("CHECKS", [_check_words(check) for check in facts["checks"]]))
    if facts["rules"] is not None:
        parts.append(facts["rules"].rstrip())
    if facts["attribution"]:
        words = ", ".join(f"{a['column']} {a['share']:.2f}" for a in facts["attribution"])
        parts.append(_section("ATTRIBUTION", f"Share of mean absolute attribution: {words}."))
    parts += [_row_words(one) for one in facts["rows"]]
    return "\n".join(parts) + "\n"


def _section(label: str, text: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=label.ljust(LABEL),
        subsequent_indent=" " * LABEL,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _listed(label: str, lines: list[str]) -> str:
    return "\n".join(_section(label if i == 0 else "", line) for i, line in enumerate(lines))


def _model_words(m: dict[str, Any]) -> str:
    what = m["predictor"] if m["n_trees"] is None else _tree_words(m)
    text = [f"{what}, explained on {m['n_reference']} rows."]
    if "n_rules" in m:
        used = ", ".join(printable(name) for name in m["used"])
        kind = "It is"
        if not m["exact"]:
            why = "too large to read" if m["n_trees"] else "no tree"
            why = "linear" if m["kind"] == "linear model" else why
            kind = f"It is {why}; a surrogate of it has"
        text.append(
            f"{kind} {m['n_rules']} rules over {len(m['used'])} of "
            f"{_column_words(m)} ({used}); "
            f"a row is told by {m['conditions_per_row']:.1f} conditions on average."
        )
    if m["fidelity"]:
        text.append(f"Fidelity: {m['fidelity']}.")
    if "sufficient_per_row" in m:
        text.append(f"{m['sufficient_per_row']:.1f} of them would be enough for its outcome.")
    if "decision" in m:
        d = m["decision"]
        text.append(
            f"{d['word'].capitalize()} where P({d['adverse']}) >= {d['cutoff']:.3g}: "
            f"{d['n_adverse']} of {m['n_reference']} rows."
        )
    return " ".join(text)


def _region_words(r: dict[str, Any]) -> str:
    if r["kind"] == "linear model":
        scores = "score is one sum" if r["n_scores"] == 1 else f"{r['n_scores']} scores are sums"
        return f"The model's {scores} for all rows, written out exactly: ex.regions."
    neurons = f"{r['n_neurons']} hidden neuron{'s' * (r['n_neurons'] != 1)}"
    if r["n"] == 1:
        return f"On all reference rows the network is one linear score ({neurons}): ex.regions."
    return (
        f"The network is exactly {r['n']} linear scores, each for a region of the reference rows "
        f"({neurons}; the largest holds {100 * r['largest_share']:.0f} % of the rows): ex.regions."
    )


def _column_words(m: dict[str, Any]) -> str:
    derived = f" and {m['n_derived']} derived ones" if m["n_derived"] and m["exact"] else ""
    return f"{m['n_columns']} columns{derived}"


def _tree_words(m: dict[str, Any]) -> str:
    trees = "1 tree" if m["n_trees"] == 1 else f"{m['n_trees']} trees"
    return f"{m['predictor']} of {trees} with {m['n_leaves']} leaves"


def _check_words(check: dict[str, Any]) -> str:
    verdict = "passed" if check["passed"] else "FAILED"
    detail = f" ({check['detail']})" if check["detail"] else ""
    return f"{check['name']}: {verdict}, {check['scope']}{detail}"


def _row_words(one: dict[str, Any]) -> str:
    if "pushes" in one:
        pushes = "; ".join(
            f"{p['column']} = {p['value']} ({p['push']:+.3g})" for p in one["pushes"]
        )
        head = (
            f"Row {one['row']}: {one['prediction']:.3g}. In {one['unit']}: {pushes or 'nothing'}."
        )
        return _section("EXAMPLE", head)
    lines = [f"Row {one['row']}: {one['decision']}, P = {one['probability']:.3g}"]
    for rank, r in enumerate(one["reasons"], 1):
        lines.append(
            f"{rank}. {r['text']} (value {r['value']}, {r['figure']}, "
            f"{r['agreed']} of {r['methods']} methods)"
        )
    lines += [f"CONFLICT: {conflict}" for conflict in one["conflicts"]]
    lines += one["counterfactual"].split("\n")
    return _listed("EXAMPLE", lines)
