"""The pruning path and the choice of a step in words."""

from __future__ import annotations

from typing import Any

from ..document import Figure, Paragraph, Section, Table
from ..figures import figure, plain, significant
from ..words import amount, method_words, model_of, printable, score_words

__all__ = ["choice_words", "path_section"]


def path_section(report: dict[str, Any]) -> Section:
    """The steps worth showing."""
    path = report["path"]
    n, shown = path["n_steps"], len(path["steps"])
    some = f", {shown} shown" if shown < n else ""
    head = f"{method_words(path['method'])}, {n} step{'' if n == 1 else 's'}{some}"
    blocks = (
        Paragraph(head + "."),
        Figure("path"),
        _table(path, model_of(report)["unit"]),
        Paragraph(_legend(report), "legend"),
    )
    return Section("path", "PATH", "Pruning path", blocks)


def _table(path: dict[str, Any], unit: str) -> Table:
    scored = bool(path["scoring"])
    named = (score_words(path["scoring"]), "SE") if scored else ()
    rows = []
    for step in path["steps"]:
        row = [str(step["step"]), significant(step["strength"]), str(step[unit]),
               significant(step["risk"])]  # fmt: skip
        if scored:
            row += [figure(step["score"], 4), figure(step["se"], 4)]
        rows.append((*row, ", ".join(step["marks"])))
    head = ("step", "strength", unit, "risk", *named, "")
    return Table("path", "Steps of the pruning path", head, tuple(rows), left=(len(head) - 1,))


def _legend(report: dict[str, Any]) -> str:
    path, model = report["path"], model_of(report)
    own = "the price of a leaf from which on the step is the best one"
    if model["kind"] == "mlp":
        own = f"the share of {model['unit']} that is gone"
    elif path["method"] == "truncate":
        own = f"the share of {'rounds' if model['kind'] == 'lightgbm' else 'trees'} that is gone"
    elif path["method"] == "l1":
        own = "the penalty on the weights of trees"
    meaning = {
        "pessimistic": "by how many standard errors of its errors a subtree beats the leaf",
        "error_based": "0 is C4.5's own recursion; beyond, the price of a leaf in expected errors",
    }.get(path["method"], own)
    told = any(step["risk"] is not None for step in path["steps"])
    risk = f"{path['risk_words']}, per row" if told else "not measured by this method"
    text = f"strength: {meaning}; risk: {risk}"
    if not path["scoring"]:
        return f"{text}."
    asked = all(step["score"] is not None for step in path["steps"])
    return f"{text}; SE: over folds{'' if asked else '; -: a step that was not scored'}."


def choice_words(report: dict[str, Any]) -> str:
    """Which step was chosen, and by what."""
    choice, unit = report["path"]["choice"], model_of(report)["unit"]
    text = _rule(report["path"], model_of(report)["word"], unit)
    if choice["max_size"] is not None and choice["rule"] != "none":
        most, own = amount(choice["max_size"], unit), amount(choice["chosen"][unit], unit)
        text += f" At most {most} allowed: {own}."
    return text


def _rule(path: dict[str, Any], word: str, unit: str) -> str:
    choice = path["choice"]
    rule, chosen = choice["rule"], amount(choice["chosen"][unit], unit)
    if rule == "none":
        one = "one leaf" if word == "tree" else amount(choice["chosen"][unit], unit)
        return f"the {word} as grown has {one}: there is nothing to prune."
    if rule == "given":
        return (
            f"strength {plain(choice['given'])} was given; the last step at or below it has "
            f"{chosen}. No cross-validation was used."
        )
    if rule == "textbook":
        words = printable(choice["rule_words"])
        return f"{words}, which ends at {chosen}. No cross-validation was used."
    best, one = choice["best"], choice["one_se"]
    direction = "lower is better" if path["lower_is_better"] else "higher is better"
    what = f"{path['folds']}-fold {score_words(path['scoring'])} ({direction})"
    top = f"the best is {figure(best['score'])} (SE {figure(best['se'])}) with "
    top += amount(best[unit], unit)
    if rule == "best":
        return f"{what}: {top}."
    limit = f"{'at most' if path['lower_is_better'] else 'at least'} {figure(choice['limit'])}"
    if best["step"] == one["step"] and best[unit] == 1:
        return f"{what}, one-SE rule: {top}, the smallest {word} there is."
    if best["step"] == one["step"]:
        none = f"no smaller {word} is within one SE of it ({limit})"
        return f"{what}, one-SE rule: {top}, and {none}."
    return (
        f"{what}, one-SE rule: {top}, and the smallest {word} within one SE of it ({limit}) has "
        f"{amount(one[unit], unit)}: {figure(one['score'])} (SE {figure(one['se'])})."
    )
