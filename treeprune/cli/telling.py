"""How the commands write: labelled paragraphs, tables and lists of at most 100 columns.

The report's layout and figures, so that both look alike. Names from data pass through
`printable` before they come here or in here.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from ..intervals import count_of_rows
from ..report.figures import (
    figure,
    plain,
    signed,
    signed_significant,
    significant,
    with_interval,
)
from ..report.intake import listed
from ..report.layout import WIDTH, cell_lines, labelled, table, wrap
from ..report.words import FIGURES, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .opening import OpenedModel
    from .rows import AskedRows

__all__ = [
    "acts_words",
    "check_words",
    "cut",
    "data_words",
    "decided",
    "figure_rows",
    "form_of",
    "item",
    "legend",
    "listing",
    "model_words",
    "pushes",
]

NARROWEST = 24
LONGEST = 24  # characters of a name in a table's cell
OWN_UNIT = ("rmse", "mae")


def legend(text: str) -> str:
    """A paragraph below a table.

    Examples
    --------
    >>> legend("P: share of positives")
    '  P: share of positives'
    """
    return wrap(text, "  ", 4)


def item(text: str, mark: str = "- ") -> str:
    """An entry of a list.

    Examples
    --------
    >>> item("savings: low", "1. ")
    '    1. savings: low'
    """
    return wrap(text, f"    {mark}", 4 + len(mark))


def cut(text: object, most: int = LONGEST) -> str:
    """A name in a table's cell, printable and not longer than a cell may be.

    Examples
    --------
    >>> cut("yes"), cut("x" * 99, 4)
    ('yes', 'xxx…')
    """
    shown = printable(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def listing(heads: Sequence[str], rows: Iterable[Sequence[str]], left: tuple[int, ...]) -> str:
    """A table whose cells are folded where they are too wide, so that nothing of them is lost.

    Parameters
    ----------
    heads : sequence of str
    rows : sequence of sequences of str
        The second cell has what room the others leave.
    left : tuple of int
        Columns of words; all others are figures and stand to the right.

    Returns
    -------
    str

    Examples
    --------
    >>> print(listing(("rule", "conditions", "P"), [("R1", "age <= 30", ".50")], (0, 1)))
      rule  conditions   P
      R1    age <= 30  .50
    """
    cells = [list(row) for row in (heads, *rows)]
    widths = [min(LONGEST, max(map(len, column))) for column in zip(*cells, strict=True)]
    others = sum(widths) - widths[1] + 2 * len(widths)
    widths[1] = min(max(len(row[1]) for row in cells), max(NARROWEST, WIDTH - others))
    lines = []
    for row in cells:
        pieces = [cell_lines(cell, width) for cell, width in zip(row, widths, strict=True)]
        for parts in zip_longest(*pieces, fillvalue=""):
            placed = [
                f"{part:<{width}}" if i in left else f"{part:>{width}}"
                for i, (part, width) in enumerate(zip(parts, widths, strict=True))
            ]
            lines.append(f"  {'  '.join(placed)}".rstrip())
    return "\n".join(lines)


# -- figures -------------------------------------------------------------------------------------


def form_of(task: str) -> Callable[[float | None], str]:
    """How a prediction is written.

    Examples
    --------
    >>> form_of("binary")(0.25), form_of("regression")(103.44)
    ('.250', '103.4')
    """
    return significant if task == "regression" else figure


def figure_rows(models: Sequence[dict[str, Any]]) -> str:
    """A row a figure, a column a model.

    Examples
    --------
    >>> entry = {"value": 0.5, "low": None, "high": None}
    >>> print(figure_rows([{"label": "this model", "figures": {"auc": entry}}]))
      [95 %]  this model
      AUC           .500
    """
    rows = [["[95 %]", *(model["label"] for model in models)]]
    for name in models[0]["figures"]:
        form = significant if name in OWN_UNIT else figure
        cells = [with_interval(model["figures"][name], form) for model in models]
        rows.append([FIGURES[name], *cells])
    return table(rows)


def pushes(
    base: tuple[float, str], told: Sequence[tuple[float, str]], total: tuple[float, str], task: str
) -> list[str]:
    r"""Attributions one below the other, from the base to what they add up to.

    Examples
    --------
    >>> base, push, total = (0.3, "base"), (0.1, "age = 20"), (0.4, "in all")
    >>> print("\n".join(pushes(base, [push], total, "binary")))
         .300  base
        +.100  age = 20
         .400  in all
    """
    form = form_of(task)
    lines = [(form(base[0]), base[1])]
    sign = signed_significant if task == "regression" else signed
    lines += [(sign(value), text) for value, text in told]
    lines.append((form(total[0]), total[1]))
    width = max(len(number) for number, _ in lines)
    return [wrap(text, f"    {number:>{width}}  ", 6 + width) for number, text in lines]


# -- words ---------------------------------------------------------------------------------------


def model_words(opened: OpenedModel) -> str:
    """What a model predicts, and what it was fitted on."""
    about = opened.about
    what = f"{about['target']} as a number"
    if opened.task == "binary":
        what = f"P, the probability that {about['target']} is {opened.labels[1]}"
    elif opened.task == "multiclass":
        what = f"P of each of {len(opened.labels)} classes of {about['target']}"
    text = f"{opened.file} predicts {what}; fitted on {about['name']}"
    return printable(f"{text}, seed {about['seed']}, data sha256 {about['sha256'] or 'not known'}.")


def acts_words(opened: OpenedModel) -> str | None:
    """From which P on the model's decision acts; None where there is none."""
    if opened.task != "binary":
        return None
    acted = printable(opened.words.acted)
    if opened.costs is None:
        return f"{acted} if {opened.acts_if}, as the model states no costs."
    words, costs = opened.words, opened.costs
    text = (
        f"{acted} if {opened.acts_if}, which costs least on average when {words.missed} "
        f"costs {plain(costs.miss)} and {words.alarm} {plain(costs.false_alarm)} ({costs.source})."
    )
    return printable(text)


def decided(opened: OpenedModel, labels: Sequence[str], own: str | None = None) -> list[str]:
    """The paragraph that says by which cut-off each model decides.

    Parameters
    ----------
    opened : OpenedModel
        The first model: all are judged as it decides.
    labels : sequence of str
        What the models are called, one or two.
    own : str, optional
        The condition that the second model's own file states, if it has one.

    Returns
    -------
    list of str
        Lines; none for regression.

    Examples
    --------
    See `treeprune compare`.
    """
    if opened.task == "regression":
        return []
    acts = acts_words(opened)
    if acts is None:
        each = ", for each model" if len(labels) > 1 else ""
        return [labelled("DECISION", f"the likeliest class{each}.")]
    if len(labels) > 1:
        acts = f"{labels[0]}: {acts} {labels[1]}: judged by that same cut-off, {opened.acts_if}"
        if own is not None:
            same = own == opened.acts_if
            what = "states it as well" if same else f"states {own}, which is not used here"
            acts = f"{acts}; its own file {what}"
        acts += "."
    return [labelled("DECISION", acts)]


def data_words(rows: AskedRows, *models: OpenedModel) -> str:
    """Which rows were asked about, and whether a model was fitted on some of them."""
    text = f"{count_of_rows(len(rows.X))} of {rows.name}, sha256 {rows.sha256}."
    known = rows.said(*models)["fitted_on"]
    if known:
        were = "were" if len(known) > 1 else "was"
        text += (
            f" {listed(known)} {were} fitted on part of this very file: figures on rows that a "
            "model was fitted on flatter it."
        )
    return printable(text)


def check_words(checks: Iterable[dict[str, Any]]) -> str:
    """What was compared with the model itself; what failed comes first."""
    told = sorted(checks, key=lambda check: bool(check["passed"]))
    parts = []
    for check in told:
        failed = "" if check["passed"] else f" FAILED ({check['detail']})"
        parts.append(f"{check['name']}: {check['scope']}{failed}")
    return printable("; ".join(parts) + ".")
