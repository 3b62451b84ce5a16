"""Rules listed for reading, as aligned lines or as a Markdown table, with how they fare.

Both show the same facts. Names come from data: they are made printable for the terminal and
escaped for Markdown. What the conditions leave unsaid about missing values is said below them.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .conditions import EVERYWHERE, CategoryCondition, NumberCondition
from .evaluation import differs, evaluate
from .exports.names import IMITATION, output_names, rule_names
from .text import condition_text, printable, rule_text

if TYPE_CHECKING:
    import pandas as pd

    from ..decision import Decision
    from .conditions import Condition
    from .rules import RuleSet

__all__ = ["escaped", "exact_words", "to_markdown", "to_text"]

Rows = tuple[Any, Any]
NARROWEST = 60
LONGEST_LABEL = 16


@dataclass(frozen=True)
class _Listing:
    """What is listed: sentences on the rules and figures, heads and texts, what comes below."""

    leads: list[str]
    heads: list[str]
    figures: list[list[str]]
    conditions: list[str]
    notes: list[str]


def to_text(
    rules: RuleSet,
    *,
    train: Rows | None = None,
    held_out: Rows | None = None,
    decision: Decision | None = None,
    width: int = 100,
) -> str:
    """The rules as lines of text; see `RuleSet.to_text`.

    Parameters
    ----------
    rules : RuleSet
    train, held_out : (X, y), optional
        Rows with their outcomes.
    decision : Decision, optional
        Then P is that of the adverse class, and each rule's decision is said.
    width : int
        Longest line, in characters; at least 60.

    Returns
    -------
    str

    Examples
    --------
    >>> from .rules import Rule, RuleSet
    >>> rules = RuleSet((), (Rule((), np.array([[0.5]]), weight=7.0),))
    >>> print(to_text(rules, width=60))
    RULE                                           WEIGHT  value
    R1    always                                        7    0.5
    """
    listing = _listing(rules, train, held_out, decision)
    width = max(int(width), NARROWEST)
    table = [listing.heads, *listing.figures]
    sizes = [max(len(row[j]) for row in table) for j in range(len(listing.heads))]
    right = [
        "  ".join(cell.rjust(size) for cell, size in zip(row, sizes, strict=True)) for row in table
    ]
    first = max(len(f"R{len(rules)}"), 4) + 2
    room = width - first - len(right[0]) - 2
    below = room < 24  # too many figures for their own columns: a line of their own
    room = width - first if below else room
    lines = [line for lead in listing.leads for line in textwrap.wrap(lead, width)]
    names = ["RULE", *rule_names(rules)]
    for name, said, figures in zip(names, ["", *listing.conditions], right, strict=True):
        wrapped = textwrap.wrap(said, room, break_on_hyphens=False) or [""]
        if below:
            wrapped = [figures, *wrapped] if said else [figures]
            lines += [f"{name if not i else '':<{first}}{w}" for i, w in enumerate(wrapped)]
        else:
            lines.append(f"{name:<{first}}{wrapped[0]:<{room}}  {figures}")
            lines += [f"{'':<{first}}{part}" for part in wrapped[1:]]
    for note in listing.notes:
        lines += textwrap.wrap(note, width, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(line.rstrip() for line in lines)


def to_markdown(
    rules: RuleSet,
    *,
    train: Rows | None = None,
    held_out: Rows | None = None,
    decision: Decision | None = None,
) -> str:
    """What `to_text` says as a Markdown table; see `RuleSet.to_markdown`.

    Parameters
    ----------
    rules : RuleSet
    train, held_out : (X, y), optional
        Rows with their outcomes.
    decision : Decision, optional
        As in `to_text`.

    Returns
    -------
    str

    Examples
    --------
    >>> from .rules import Rule, RuleSet
    >>> rules = RuleSet((), (Rule((), np.array([[0.5]]), weight=7.0),))
    >>> print(to_markdown(rules))
    | RULE | CONDITIONS | WEIGHT | value |
    | --- | --- | ---: | ---: |
    | R1 | always | 7 | 0.5 |
    """
    listing = _listing(rules, train, held_out, decision)
    heads = ["RULE", "CONDITIONS", *(head.strip() for head in listing.heads)]
    lines = [
        *(line for lead in listing.leads for line in (escaped(lead), "")),
        _line(heads),
        _line_of("---", "---", *["---:"] * len(listing.heads)),
    ]
    rows = zip(rule_names(rules), listing.conditions, listing.figures, strict=True)
    for name, said, figures in rows:
        lines.append(_line([name, said, *(figure.strip() for figure in figures)]))
    for note in listing.notes:
        lines += ["", escaped(note)]
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return _line_of(*map(escaped, cells))


def _line_of(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Punctuation with a meaning in Markdown or its extensions: emphasis, links, code, tables, maths,
# mentions, short codes. Colons and dots only where a bare address or an emoji could follow.
_SPECIAL = re.compile(r"[\\`*_{}\[\]#|~$^@]|:(?=\S)|(?<=www)\.", re.IGNORECASE)


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is, within a table's cell too.

    Examples
    --------
    >>> print(escaped("a|b <b>*x*"))
    a\|b &lt;b&gt;\*x\*
    """
    marked = _SPECIAL.sub(lambda found: f"\\{found.group()}", printable(text))
    return re.sub("[&<>]", lambda found: _ENTITIES[found.group()], marked)


# -- what is said ---------------------------------------------------------------------------------


def _listing(
    rules: RuleSet, train: Rows | None, held_out: Rows | None, decision: Decision | None
) -> _Listing:
    columns: list[tuple[str, list[str]]] = []
    focus, lead = None, ""
    if len(rules.classes) == 1:
        proba = np.stack([rule.value[0] for rule in rules])
        labels = [_short(label) for label in rules.classes[0].tolist()]
        one = 1 if len(labels) == 2 else None
        one = one if decision is None else decision.position(rules.classes[0])
        focus = np.argmax(proba, axis=1) if one is None else np.full(len(rules), one)
        about = "the likeliest class"
        if one is not None:
            about = f"{printable(rules.target[0])} = {labels[one]}"
        lead = f"P: predicted probability of {about}"
        if decision is not None:
            adverse = decision.decide(proba[:, one])
            words = [printable(decision.word(bool(a))) for a in adverse]
            columns.append(("DECISION", words))
        if one is None:
            columns.append(("CLASS", [labels[k] for k in focus]))
    seen = None if train is None else evaluate(rules, *train, focus=focus)
    other = None if held_out is None else evaluate(rules, *held_out, focus=focus)
    if seen is not None:
        columns.append(("TRAIN", [f"{n:,}" for n in seen["rows"]]))
        if focus is not None:
            lead += ", with the 95 % Wilson interval of its share among training rows"
        else:
            lead = "value: the prediction, with the 95 % t interval of the training rows' mean"
    elif np.isfinite([rule.weight for rule in rules]).any():
        columns.append(("WEIGHT", [f"{rule.weight:.6g}" for rule in rules]))
    columns += _values(rules, focus)
    if seen is not None:
        columns.append(("[95 %]", [_interval(row, focus is not None) for row in _records(seen)]))
    notes: list[str] = []
    if other is not None:
        more, notes = _on_held_out(seen, other)
        columns += more
    heads = [head for head, _ in columns]
    cells = [list(row) for row in zip(*(column for _, column in columns), strict=True)]
    conditions = [rule_text(rule, rules) for rule in rules]
    leads = [IMITATION] if rules.kind == "surrogate" else []
    if rules.kind == "partition":
        leads = [exact_words(rules)]
    leads += [lead] if lead else []
    if seen is not None:
        notes += _beside_interval(seen, rules.kind)
    return _Listing(leads, heads, cells, conditions, [*notes, *_unsaid(rules)])


def exact_words(rules: RuleSet) -> str:
    """What a joint partition says of itself.

    Parameters
    ----------
    rules : RuleSet

    Returns
    -------
    str

    Examples
    --------
    >>> from .rules import Rule, RuleSet
    >>> always = (Rule((), np.array([[0.5]])),)
    >>> exact_words(RuleSet((), always, kind="partition", n_trees=12))
    'exact: the joint partition of 12 trees, 1 cell'
    """
    trees = "several trees" if rules.n_trees is None else f"{rules.n_trees} trees"
    return f"exact: the joint partition of {trees}, {len(rules):,} cell{'s' * (len(rules) != 1)}"


def _on_held_out(
    seen: pd.DataFrame | None, other: pd.DataFrame
) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Columns on held-out rows, and a note on the marks in them."""
    is_share = "confidence" in other
    marked = differs(seen, other) if seen is not None else np.zeros(len(other), dtype=bool)
    figures = [_figure(v, is_share) for v in other["confidence" if is_share else "mean"]]
    shown = [f"{text} {'!' if mark else ' '}" for text, mark in zip(figures, marked, strict=True)]
    columns = [
        ("HELD OUT", [f"{n:,}" for n in other["rows"]]),
        ("SHARE  " if is_share else "MEAN  ", shown),
    ]
    if not marked.any():
        return columns, []
    test = "Fisher's exact" if is_share else "Welch's"
    tested = int((other["rows"] > 0).sum())
    return columns, [
        f"! differs on held-out rows ({test} test, p < .05, uncorrected, {int(marked.sum())} of "
        f"{tested} rules)"
    ]


_WHY_BESIDE = {
    "tree": "the model was fitted with weights or on other rows, or shrinks what it predicts",
    "partition": "the model combines several trees",
    "surrogate": "the rules predict what the model says, not the outcomes of the rows",
}


def _beside_interval(seen: pd.DataFrame, kind: str) -> list[str]:
    """A note on predictions that can be seen to lie outside the interval printed beside them."""
    is_share = "confidence" in seen
    predicted = seen["probability" if is_share else "value"].to_numpy(np.float64)
    beside = np.zeros(len(seen), dtype=bool)
    for side, sign in (("low", -1), ("high", 1)):
        limit = seen[side].to_numpy(np.float64)
        for i in np.flatnonzero(np.isfinite(limit) & np.isfinite(predicted)):
            shown, end = (float(_figure(v, is_share)) for v in (predicted[i], limit[i]))
            # Both: a mean that differs in its last bits may be printed with another digit.
            same = np.isclose(predicted[i], limit[i], rtol=1e-9, atol=1e-9 if is_share else 0.0)
            beside[i] |= sign * (shown - end) > 0 and not same
    if not beside.any():
        return []
    n = int(beside.sum())
    figure, of = ("P", "share") if is_share else ("value", "mean")
    return [
        f"{figure} of {n} {'rules' if n > 1 else 'rule'} lies outside the interval of its {of}: "
        f"{_WHY_BESIDE[kind]}."
    ]


def _records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.to_dict("records")


def _values(rules: RuleSet, focus: Any) -> list[tuple[str, list[str]]]:
    """What the rules predict, in one column or one for each output."""
    if focus is not None:
        chosen = [rule.value[0, k] for rule, k in zip(rules, focus, strict=True)]
        return [("P", [_figure(p, True) for p in chosen])]
    return [
        (name, [_figure(rule.value[o, k], rules.is_classifier) for rule in rules])
        for name, o, k in output_names(rules)
    ]


def _short(label: Any) -> str:
    text = printable(label)
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def _figure(value: float, is_share: bool) -> str:
    if not np.isfinite(value):
        return "–"
    if not is_share:
        return f"{value:.5g}"
    text = f"{value:.2f}"
    return text[1:] if text.startswith("0.") else text


def _interval(row: dict[Any, Any], is_share: bool) -> str:
    low, high = (_figure(row[side], is_share) for side in ("low", "high"))
    return f"[{low}, {high}]" if low != "–" else "–"


def _unsaid(rules: RuleSet) -> list[str]:
    """Where missing values go that no condition mentions, and what the model refuses."""
    goes, missing, unseen = [], [], []
    for position in rules.used:
        column = rules.columns[position]
        name = printable(column.name) or "''"
        if column.refuses_missing:
            missing.append(name)
        elif not column.has_missing:
            goes.append(f"{name} {_goes(rules, position)}")
        if column.kind == "category" and column.refuses_unseen and not _is_flag(column.categories):
            unseen.append(name)
    said = [f"Missing values (none in the reference rows) go: {'; '.join(goes)}."] if goes else []
    refused = [f"missing {', '.join(missing)}"] if missing else []
    refused += [f"categories not seen at fit of {', '.join(unseen)}"] if unseen else []
    return [*said, *([f"Refused by the model: {'; '.join(refused)}."] if refused else [])]


def _is_flag(categories: tuple) -> bool:
    return all(isinstance(c, bool | np.bool_) for c in categories)


def _goes(rules: RuleSet, position: int) -> str:
    """Values that meet exactly the conditions that a missing one meets; else the rules it meets."""
    column = rules.columns[position]
    asked = [rule.condition(position) for rule in rules]
    like: Condition
    if column.kind == "category":
        like = CategoryCondition(position, frozenset(range(len(column.categories))), True, True)
    else:
        like = NumberCondition(position, EVERYWHERE, True)
    for condition in asked:
        if condition is not None:
            same = condition if condition.missing else condition.complement(column)
            like = like & same  # type: ignore[operator]
    found = like.intervals if isinstance(like, NumberCondition) else like.allowed or like.unseen
    if found:
        said = condition_text(like, rules, missing=False, name="")
        return f"as {said.removeprefix('is ')}"
    takers = [f"R{i + 1}" for i, c in enumerate(asked) if c is not None and c.missing]
    return f"meets what is asked in {', '.join(takers) or 'no rule'} only"
