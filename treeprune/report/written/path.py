"""The pruning path and the choice of a step in words."""

from __future__ import annotations

from typing import Any

from ..document import Figure, Paragraph, Section, Table
from ..figures import figure, plain, significant
from ..words import method_words, printable, score_words

__all__ = ["choice_words", "path_section"]


def leaves(n: int) -> str:
    """A number of leaves.

    Examples
    --------
    >>> leaves(1), leaves(7)
    ('1 leaf', '7 leaves')
    """
    return "1 leaf" if n == 1 else f"{n} leaves"


def path_section(report: dict[str, Any]) -> Section:
    """The steps worth showing."""
    path = report["path"]
    n, shown = path["n_steps"], len(path["steps"])
    some = f", {shown} shown" if shown < n else ""
    head = f"{method_words(path['method'])}, {n} step{'' if n == 1 else 's'}{some}"
    blocks = (
        Paragraph(head + "."),
        Figure("path"),
        _table(path),
        Paragraph(_legend(path), "legend"),
    )
    return Section("path", "PATH", "Pruning path", blocks)


def _table(path: dict[str, Any]) -> Table:
    scored = bool(path["scoring"])
    named = (score_words(path["scoring"]), "SE") if scored else ()
    rows = []
    for step in path["steps"]:
        row = [str(step["step"]), significant(step["strength"]), str(step["leaves"]),
               significant(step["risk"])]  # fmt: skip
        if scored:
            row += [figure(step["score"], 4), figure(step["se"], 4)]
        rows.append((*row, ", ".join(step["marks"])))
    head = ("step", "strength", "leaves", "risk", *named, "")
    return Table("path", "Steps of the pruning path", head, tuple(rows), left=(len(head) - 1,))


def _legend(path: dict[str, Any]) -> str:
    meaning = {
        "pessimistic": "by how many standard errors of its errors a subtree beats the leaf",
        "error_based": "0 is C4.5's own recursion; beyond, the price of a leaf in expected errors",
    }.get(path["method"], "the price of a leaf from which on the step is the best one")
    text = f"strength: {meaning}; risk: {path['risk_words']}, per row"
    if not path["scoring"]:
        return f"{text}."
    asked = all(step["score"] is not None for step in path["steps"])
    return f"{text}; SE: over folds{'' if asked else '; -: a step that was not scored'}."


def choice_words(report: dict[str, Any]) -> str:
    """Which step was chosen, and by what."""
    choice = report["path"]["choice"]
    text = _rule(report["path"])
    if choice["max_size"] is not None and choice["rule"] != "none":
        most, own = leaves(choice["max_size"]), leaves(choice["chosen"]["leaves"])
        text += f" At most {most} allowed: {own}."
    return text


def _rule(path: dict[str, Any]) -> str:
    choice = path["choice"]
    rule, chosen = choice["rule"], leaves(choice["chosen"]["leaves"])
    if rule == "none":
        return "the tree as grown has one leaf: there is nothing to prune."
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
    top += leaves(best["leaves"])
    if rule == "best":
        return f"{what}: {top}."
    limit = f"{'at most' if path['lower_is_better'] else 'at least'} {figure(choice['limit'])}"
    if best["step"] == one["step"] and best["leaves"] == 1:
        return f"{what}, one-SE rule: {top}, the smallest tree there is."
    if best["step"] == one["step"]:
        return f"{what}, one-SE rule: {top}, and no smaller tree is within one SE of it ({limit})."
    return (
        f"{what}, one-SE rule: {top}, and the smallest tree within one SE of it ({limit}) has "
        f"{leaves(one['leaves'])}: {figure(one['score'])} (SE {figure(one['se'])})."
    )
