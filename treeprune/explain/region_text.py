"""Region rules for reading: sums of raw terms in words, sorted by what they move.

Every figure has the same number of significant digits, four where these are enough; what was lost
by that is stated where the regions are shown. Inequalities of one column read as conditions on its
values; longer sums that several regions compare are named once. Names come from data and are made
printable.
"""

from __future__ import annotations

import textwrap
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .conditions import NumberCondition
from .exports.names import plain
from .region_terms import RawTerms, Term, as_condition, border_condition
from .rules import RuleSet
from .text import condition_text, printable

if TYPE_CHECKING:
    from .regions import HalfSpace, Region, RegionRules

__all__ = ["SCHEMA", "figure_text", "score_names", "sum_text", "to_dict", "to_frame", "to_text"]

Array = npt.NDArray[np.float64]

SCHEMA = "treeprune-regions/1"
_OPERATORS = set("+×<>=;:'\"")


def to_text(rules: RegionRules, *, max_regions: int = 12, width: int = 100) -> str:
    """The regions as lines of text; see `RegionRules.to_text`.

    Parameters
    ----------
    rules : RegionRules
    max_regions : int
    width : int

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If no region is to be shown.

    Examples
    --------
    See `RegionRules`.
    """
    if max_regions < 1:
        raise ValueError(f"max_regions must be at least 1; got {max_regions!r}")
    shown = rules.regions[:max_regions]
    sums = _Sums(rules, shown)
    lines = textwrap.wrap(_head(rules), width, break_on_hyphens=False)
    if len(shown) < len(rules):
        rest = sum(region.share for region in rules.regions[max_regions:])
        lines.append(
            f"Shown are the {len(shown)} with the most rows; the others hold {_percent(rest)} of "
            "the rows."
        )
    lines += [""] if sums.names else []
    for name, text in sums.named():
        lines += _wrapped(f"{name} = {text}", width, "", "    ")
    for i, region in enumerate(shown):
        lines += ["", *_region_lines(rules, region, i, sums, width)]
    notes = _notes(rules, shown)
    lines += [""] if notes else []
    for note in notes:
        lines += _wrapped(note, width, "", "  ")
    return "\n".join(lines)


def _notes(rules: RegionRules, shown: tuple[Region, ...]) -> list[str]:
    out = []
    if any(h.fixed for region in shown for h in region.half_spaces):
        out.append("Inequalities that hold for all values within those seen are left out.")
    terms = rules.terms
    fills = [
        f"{_name(terms.columns[terms.terms[t].column].name)} {figure_text(fill, rules.digits)}"
        for t, (_, fill) in terms.fills.items()
    ]
    if any(term.kind == "category" for term in terms.terms):
        out.append("Categories that a sum does not name add 0 to it.")
    if fills:
        out.append(f"A missing number counts as: {'; '.join(fills)}.")
    return out


def _head(rules: RegionRules) -> str:
    names = score_names(rules)
    what = names[0] if len(names) == 1 else "each score"
    if _is_linear(rules):
        said = f"1 linear region: {what} is one sum for all rows."
    else:
        said = _counted(rules, what)
    if rules.network.link == "logit":
        said += " P = 1 / (1 + exp(-log-odds))."
    elif rules.network.link == "softmax":
        said += " P of a class is exp(its score) over the sum of exp(score) of all classes."
    what = "probabilities" if rules.is_classifier else "predictions"
    off = f", by which {what} are off by {rules.printed_error:.2g} at most"
    return f"{said} Figures have {rules.digits} digits{off if rules.printed_error else ''}."


def _is_linear(rules: RegionRules) -> bool:
    """Whether there are no neurons to speak of, and so no other region."""
    return not rules.network.hidden_layer_sizes


def _counted(rules: RegionRules, what: str) -> str:
    """How many regions there are, and by how many neurons."""
    n, neurons = len(rules), rules.network.settle().n_neurons
    which = "each of which" if n != 1 else "which"
    possible = rules.n_possible
    count = "how many regions are possible was not counted"
    if possible is not None:
        are = "region is" if possible == 1 else "regions are"
        count = f"{possible} {are} possible within the values seen"
    return (
        f"{n} region{'s' * (n != 1)}, in {which} {what} is a sum "
        f"({neurons} hidden neuron{'s' * (neurons != 1)}; {count})."
    )


def _region_lines(rules: RegionRules, region: Region, i: int, sums: _Sums, width: int) -> list[str]:
    if _is_linear(rules):
        lines = [f"All rows ({region.n_rows:,}){_outcome(rules, region)}"]
    else:
        head = f"Region {i + 1} of {len(rules)}: {_percent(region.share)} of rows"
        asked = [sums.asked(h, region) for h in region.half_spaces if not h.fixed]
        when = "; ".join(asked) or "always"
        lines = [f"{head} ({region.n_rows:,}){_outcome(rules, region)}"]
        lines += _wrapped(f"applies when {when}", width, "  ", "    ")
    for k, name in enumerate(score_names(rules)):
        said = sum_text(rules, region.coefficients[:, k], region.spread, float(region.constant[k]))
        lines += _wrapped(f"{name} = {said}", width, "  ", "    ")
    return lines


def _outcome(rules: RegionRules, region: Region) -> str:
    if region.outcome is None:
        return ""
    if not rules.is_classifier:
        means = [
            f"mean {name} {figure_text(mean)}"
            for name, mean in zip(_targets(rules), region.outcome.tolist(), strict=True)
        ]
        return ", " + ", ".join(means)
    labels = _labels(rules)
    if len(labels) == 2:
        labels, shares = [labels[rules.positive]], region.outcome[[rules.positive]]
    else:
        shares = region.outcome
    said = [label.strip("()") + ":" * label.startswith("(") for label in labels]
    return ", " + ", ".join(
        f"{label} {_percent(share)}" for label, share in zip(said, shares, strict=True)
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _wrapped(text: str, width: int, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _labels(rules: RegionRules) -> list[str]:
    """Classes in words: text as it is, numbers with the target's name."""
    target = _targets(rules)[0]
    return [
        printable(c) if isinstance(c, str) else f"({target} = {printable(c)})"
        for c in rules.classes[0].tolist()
    ]


def _targets(rules: RegionRules) -> list[str]:
    return [_name(name) for name in rules.target]


def score_names(rules: RegionRules) -> list[str]:
    """What each score is called.

    Examples
    --------
    See `RegionRules`.
    """
    if rules.network.link == "logit":
        return [f"log-odds of {_labels(rules)[rules.positive]}"]
    if rules.network.link == "softmax":
        return [f"score of {label}" for label in _labels(rules)]
    return _targets(rules)


class _Sums:
    """Sums that decide: named where several regions, or sums of later layers, speak of them."""

    def __init__(self, rules: RegionRules, shown: tuple[Region, ...]) -> None:
        self.rules, self.words = rules, _words(rules)
        self.sums: dict[bytes, Array] = {}
        counts: dict[bytes, int] = {}
        for region in shown:
            for h in region.half_spaces:
                if h.fixed or self._condition(h) is not None:
                    continue
                for own in [h.coefficients] if h.layer == 0 else self._parts(h, region):
                    key = own.tobytes()
                    self.sums.setdefault(key, own)
                    counts[key] = counts.get(key, 0) + (1 if h.layer == 0 else 2)
        often = [key for key in self.sums if counts[key] > 1]
        taken = {printable(column.name) for column in rules.terms.columns}
        prefix = "S"
        while taken & {f"{prefix}{k + 1}" for k in range(len(often))}:
            prefix += "S"
        self.names = {key: f"{prefix}{k + 1}" for k, key in enumerate(often)}

    def _condition(self, h: HalfSpace) -> Any:
        return border_condition(self.rules.terms, h.coefficients, h.limit, h.above)

    def _figures(self, h: HalfSpace, region: Region) -> Array:
        """A later layer's sum as multiples of the first layer's."""
        before = region.pattern[: sum(self.rules.network.hidden_layer_sizes[: h.layer])]
        return self.rules.by_first_layer(before)[:, h.neuron]

    def _parts(self, h: HalfSpace, region: Region) -> list[Array]:
        """Those sums of the first layer."""
        first = self.rules.first_layer
        return [first[:, k] for k in np.flatnonzero(self._figures(h, region))]

    def named(self) -> list[tuple[str, str]]:
        """Names with their sums, sorted by influence over all reference rows."""
        return [
            (name, sum_text(self.rules, self.sums[key], self.rules.spread))
            for key, name in self.names.items()
        ]

    def asked(self, h: HalfSpace, region: Region) -> str:
        """An inequality in words."""
        condition = self._condition(h)
        if condition is not None:
            return condition_text(condition, self.words)
        if h.layer == 0:
            said = self.names.get(h.coefficients.tobytes())
            said = said or sum_text(self.rules, h.coefficients, region.spread)
        else:
            figures = self._figures(h, region)
            names = [self.names[own.tobytes()] for own in self._parts(h, region)]
            digits = self.rules.digits
            shown = [figure_text(v, digits) for v in figures[np.flatnonzero(figures)].tolist()]
            said = _joined([f"{v} × {name}" for v, name in zip(shown, names, strict=True)])
        return f"{said} {'>' if h.above else '<='} {figure_text(h.limit, self.rules.digits)}"


def _words(rules: RegionRules) -> RuleSet:
    """Columns and printed limits, as conditions are worded by."""
    return RuleSet(rules.terms.columns, (), texts=rules.texts)


def sum_text(
    rules: RegionRules, coefficients: Array, spread: Array, constant: float | None = None
) -> str:
    """A linear form in words, the columns that move it most first.

    Parameters
    ----------
    rules : RegionRules
    coefficients, spread : array of float64, shape (n_terms,)
    constant : float, optional
        Said first.

    Returns
    -------
    str

    Examples
    --------
    See `RegionRules`.
    """
    shown, influence = rules.as_printed(coefficients), np.abs(coefficients) * spread
    of_column: dict[int, list[int]] = {}
    for t in np.flatnonzero(shown).tolist():
        if t in rules.terms.fills:
            continue  # said once, below
        of_column.setdefault(rules.terms.terms[t].column, []).append(t)
    order = sorted(of_column.values(), key=lambda own: (-influence[own].max(), own[0]))
    parts = [] if constant is None else [figure_text(constant, rules.digits)]
    for own in order:
        parts += _column_parts(rules, own, shown, influence)
    return _joined(parts) if parts else "0"


def _joined(parts: list[str]) -> str:
    """Addends as one sum: the sign of each but the first stands before it."""
    rest = (f" - {p[1:]}" if p.startswith("-") else f" + {p}" for p in parts[1:])
    return parts[0] + "".join(rest)


def _column_parts(rules: RegionRules, own: list[int], shown: Array, influence: Array) -> list[str]:
    """Addends of one column: its number first, then points, equal ones once."""
    terms, words, digits = rules.terms, _words(rules), rules.digits
    parts = [
        f"{figure_text(float(shown[t]), digits)} × {term_text(terms, terms.terms[t])}"
        for t in own
        if terms.terms[t].is_number
    ]
    alike: dict[float, list[int]] = {}
    for t in own:
        if not terms.terms[t].is_number:
            alike.setdefault(float(shown[t]), []).append(t)
    name = None if len(alike) == 1 else ""  # which is said once for several
    points = [
        (
            figure_text(figure, digits),
            _points_text(terms, [terms.terms[t] for t in group], words, name),
        )
        for figure, group in sorted(alike.items(), key=lambda item: -influence[item[1]].max())
    ]
    if len(points) == 1:
        parts.append(f"{points[0][0]} if {points[0][1]}")
    elif points:
        listed = "; ".join(f"{said.removeprefix('is ')}: {figure}" for figure, said in points)
        parts.append(f"{_name(terms.columns[terms.terms[own[0]].column].name)} ({listed})")
    return parts


def _points_text(terms: RawTerms, group: list[Term], words: RuleSet, name: str | None) -> str:
    about = terms.columns[group[0].column]
    condition = as_condition(group, about)
    if isinstance(condition, NumberCondition):
        merged: list[tuple[float, float]] = []
        for low, high in condition.intervals:
            if merged and merged[-1][1] == low:
                merged[-1] = (merged[-1][0], high)
            else:
                merged.append((low, high))
        condition = NumberCondition(condition.column, tuple(merged), condition.missing)
        return condition_text(condition, words, missing=condition.missing, name=name)
    # "not in {…}" may be said of these, which would let missing ones in.
    open_ended = about.has_missing and (condition.unseen or about.refuses_unseen)
    return condition_text(condition, words, missing=condition.missing or open_ended, name=name)


def term_text(terms: RawTerms, term: Term, words: RuleSet | None = None) -> str:
    """A term in words: the column's name, or the condition under which it is 1.

    Examples
    --------
    See `RegionRules`.
    """
    about = terms.columns[term.column]
    if term.is_number:
        return _name(about.name)
    words = RuleSet(terms.columns, ()) if words is None else words
    condition = as_condition([term], about)
    return condition_text(condition, words, missing=term.kind == "missing")


def _name(name: str) -> str:
    """A name within a sum: quoted where it could be read as part of it."""
    text = printable(name)
    odd = not text or text != text.strip() or _OPERATORS & set(text) or text[0] in "-0123456789"
    if not odd and " - " not in text and " if " not in text:
        return text
    return f"'{text}'" if "'" not in text else f'"{text}"'


def figure_text(value: float, digits: int = 4) -> str:
    """A figure of some significant digits without an exponent, unless it is very large or small.

    Examples
    --------
    >>> figure_text(12345.678), figure_text(-0.00012345), figure_text(2.0)
    ('12350', '-0.0001234', '2')
    >>> figure_text(12345.678, 7)
    '12345.68'
    """
    text = f"{value:.{digits}g}"
    number = float(text)
    if "e" in text and 1e-9 < abs(number) < 1e15:
        text = f"{Decimal(text):f}"
    text = text.removesuffix(".0")
    return "0" if number == 0 else text


def to_frame(rules: RegionRules) -> pd.DataFrame:
    """A row a region, score and term; see `RegionRules.to_frame`.

    Parameters
    ----------
    rules : RegionRules

    Returns
    -------
    DataFrame

    Examples
    --------
    See `RegionRules`.
    """
    words, names = _words(rules), score_names(rules)
    texts = [term_text(rules.terms, term, words) for term in rules.terms.terms]
    columns = [rules.terms.columns[term.column].name for term in rules.terms.terms]
    rows: list[tuple[Any, ...]] = []
    for i, region in enumerate(rules):
        for k, name in enumerate(names):
            head = (i + 1, region.n_rows, region.share, name)
            rows.append((*head, None, "constant", float(region.constant[k]), 0.0))
            own = region.coefficients[:, k]
            influence = np.abs(own) * region.spread
            for t in sorted(np.flatnonzero(own).tolist(), key=lambda t: (-influence[t], t)):
                rows.append((*head, columns[t], texts[t], float(own[t]), float(influence[t])))
    heads = ["region", "rows", "share", "score", "column", "term", "coefficient", "influence"]
    return pd.DataFrame(rows, columns=heads)


def to_dict(rules: RegionRules) -> dict[str, Any]:
    """Figures in full precision as plain lists; see `RegionRules.to_dict`.

    Parameters
    ----------
    rules : RegionRules

    Returns
    -------
    dict

    Examples
    --------
    See `RegionRules`.
    """
    words, terms = _words(rules), rules.terms
    used = sorted({term.column for term in terms.terms})
    return {
        "schema": SCHEMA,
        "target": list(rules.target),
        "classes": [[plain(c) for c in labels.tolist()] for labels in rules.classes],
        "link": rules.network.link,
        "positive": rules.positive,
        "scores": score_names(rules),
        "n_rows": rules.n_rows,
        "n_possible": rules.n_possible,
        "columns": [
            {
                "name": terms.columns[c].name,
                "kind": terms.columns[c].kind,
                "categories": [plain(v) for v in terms.columns[c].categories],
                "sources": list(terms.columns[c].sources),
            }
            for c in used
        ],
        "terms": [_term(terms, term, used, words) for term in terms.terms],
        "regions": [_region(region) for region in rules],
    }


def _term(terms: RawTerms, term: Term, used: list[int], words: RuleSet) -> dict[str, Any]:
    out: dict[str, Any] = {
        "column": used.index(term.column),
        "kind": term.kind,
        "text": term_text(terms, term, words),
    }
    if term.kind == "interval":
        ends = [float(end) if np.isfinite(end) else None for end in term.key]
        out |= {"above": ends[0], "to": ends[1]}
    elif term.kind == "value":
        out["value"] = float(term.key)
    elif term.kind == "category":
        out["category"] = plain(terms.columns[term.column].categories[term.key])
    return out


def _region(region: Region) -> dict[str, Any]:
    return {
        "pattern": list(region.pattern),
        "n_rows": region.n_rows,
        "share": region.share,
        "outcome": None if region.outcome is None else region.outcome.tolist(),
        "constant": region.constant.tolist(),
        "coefficients": region.coefficients.T.tolist(),
        "half_spaces": [
            {
                "layer": h.layer,
                "neuron": h.neuron,
                "coefficients": h.coefficients.tolist(),
                "sign": ">" if h.above else "<=",
                "limit": h.limit,
                "fixed": h.fixed,
            }
            for h in region.half_spaces
        ],
    }
