"""`compare`: a saved model against another, or against itself as grown, on the same rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .asking import Outcomes
from .options import AsJson, Columns, Data, MaxBytes, ModelFile, MostCategories, Rows
from .scoring import GROWN, THIS, components_text, figures_legend
from .terminal import (
    collected_warnings,
    one_line_errors,
    print_json,
    print_text,
    progress,
    remark,
    usage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .opening import OpenedModel
    from .rows import AskedRows

__all__ = ["compare", "compared"]

OTHER = "the other"
MANY_ROWS = 1_000_000  # beyond, the number is not worth its digits


def compare(
    model: ModelFile,
    data: Data,
    target: Outcomes = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Another saved model of the same outcome; else the model as grown."),
    ] = None,
    margin: Annotated[
        float, typer.Option(help="Loss of AUC (or R²) that would not matter; say it beforehand.")
    ] = 0.02,
    max_rows: Rows = 1_000_000,
    max_columns: Columns = 1_000,
    max_categories: MostCategories = 1_000,
    max_bytes: MaxBytes = 512 * 2**20,
    as_json: AsJson = False,
) -> None:
    """Compare a saved model with another, or with itself as grown: verdict and swap set."""
    with one_line_errors(), collected_warnings():
        if not 0 < margin < float("inf"):
            usage(f"--margin {margin}: give a number above 0, such as 0.02")
        from ..report.intake import ReadLimits
        from .opening import opened
        from .rows import asked_rows

        with progress(4) as say:
            say("checking the models")
            asked = opened(model)
            target = asked.target if target is None else target
            other = None if against is None else opened(against)
            if other is not None and other.file == asked.file:  # in two folders
                asked, other = replace(asked, file=str(model)), replace(other, file=str(against))
            notes = _pair_notes(asked, other)
            say("reading the data")
            limits = ReadLimits(max_rows, max_columns, max_categories, max_bytes)
            both = [asked, *([] if other is None else [other])]
            rows = asked_rows(data, limits, both, target)
            rows.notes.extend(notes)
            told = compared(asked, other, rows, margin, say)
        for note in rows.notes:
            remark(f"note: {note}")
        if as_json:
            print_json(told)
        else:
            print_text(_text(asked, other, rows, told) + "\n")


def _pair_notes(asked: OpenedModel, other: OpenedModel | None) -> list[str]:
    """Refuse models that do not predict the same; note where they decide otherwise."""
    from ..report.intake import InputRefused, listed

    if other is None:
        if asked.grown is None:
            raise InputRefused(
                f"{asked.file}: holds no model as grown; name another model with --against"
            )
        return []
    if (asked.task, asked.labels) != (other.task, other.labels):
        kinds = [f"{one.file}: {one.task} {listed(one.labels)}".strip() for one in (asked, other)]
        raise InputRefused(
            f"the two models do not predict the same ({'; '.join(kinds)}); fit both with the same "
            "target and the same --positive"
        )
    if asked.acts_if == other.acts_if:
        return []
    return [
        f"{other.file} states another cut-off, {other.acts_if}; both are judged by that of "
        f"{asked.file}, {asked.acts_if}"
    ]


def compared(
    asked: OpenedModel,
    other: OpenedModel | None,
    rows: AskedRows,
    margin: float,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Two models on the same rows, as plain data.

    Parameters
    ----------
    asked : OpenedModel
    other : OpenedModel or None
        None for the model as grown that the file of `asked` holds.
    rows : AskedRows
        With outcomes.
    margin : float
        The loss that would not matter.
    say : callable
        Told what is being done.

    Returns
    -------
    dict
        `model`, `other`, `data`, `decision` (`by` what both are judged, and what each file
        has `stated`), `figures`, `difference` (of `verify`: `other` is before, `model` after),
        `swap`, `interpretability`.

    Raises
    ------
    InputRefused
        If the rows are too few, or of one class only, to compare on.

    Examples
    --------
    See `treeprune compare`.
    """
    from .measured import RESAMPLES, Measured, components_of, figures_of, swapped

    this = Measured("model", THIS, asked.model, asked.columns)
    if other is None:
        before = Measured("grown", GROWN, asked.grown, asked.columns)
    else:
        before = Measured("other", OTHER, other.model, other.columns)
    study = asked.study(rows.X, rows.y)
    say(f"comparing on {len(rows.X)} rows ({RESAMPLES} resamples)")
    _check_classes(asked, rows)
    difference = _verified(before.model, this.model, rows, margin, study.seed)
    figures = figures_of([this, before], rows.X, study)
    say("scoring interpretability")
    return {
        "schema": "treeprune-cli-compare/1",
        "model": asked.said(),
        "other": {"file": asked.file, "grown": True} if other is None else other.said(),
        "data": rows.said(asked, *([] if other is None else [other])),
        "decision": _decided(asked, other),
        "resamples": RESAMPLES,
        "figures": figures,
        "difference": difference,
        "swap": swapped(before, this, rows.X, study),
        "interpretability": components_of([this, before], rows.X, study),
    }


def _decided(asked: OpenedModel, other: OpenedModel | None) -> dict[str, Any] | None:
    """`by` what both are judged, and what each file has `stated`; None for regression."""
    if asked.task == "regression":
        return None
    key = "grown" if other is None else "other"
    return {
        "by": asked.acts_if or "likeliest class",
        "stated": {"model": asked.acts_if, key: None if other is None else other.acts_if},
    }


def _check_classes(asked: OpenedModel, rows: AskedRows) -> None:
    """Refuse rows that lack a class: no area under the ROC curve is defined on them."""
    from ..report.intake import InputRefused

    for code, label in enumerate(asked.labels):
        n = int((rows.y == code).sum())
        if n < 2:
            raise InputRefused(
                f"{rows.name}: {n} rows have the outcome {label!r}; a comparison needs at least "
                "two rows of each, and many more for a verdict"
            )


def _verified(before: Any, after: Any, rows: AskedRows, margin: float, seed: int) -> dict[str, Any]:
    """The difference with its verdict; rows that cannot tell are the input's fault."""
    from ..report.intake import InputRefused
    from ..verification import verify

    try:
        found = verify(before, after, rows.X, rows.y, margin=margin, random_state=seed)
    except ValueError as error:
        raise InputRefused(f"{rows.name}: {error}") from error
    return {name: _plain(value) for name, value in found.to_dict().items()}


def _plain(value: Any) -> Any:
    from math import isfinite

    return None if isinstance(value, float) and not isfinite(value) else value


# -- in words ------------------------------------------------------------------------------------


def _text(
    asked: OpenedModel, other: OpenedModel | None, rows: AskedRows, told: dict[str, Any]
) -> str:
    from ..report.layout import labelled
    from ..report.words import printable
    from .telling import data_words, decided, figure_rows, legend, model_words

    both = [asked, *([] if other is None else [other])]
    lines = [labelled("MODEL", f"{THIS}: {model_words(asked)}")]
    against = f"{GROWN}: the {asked.word} before it was pruned, from the same file."
    if other is not None:
        against = f"{OTHER}: {model_words(other)}"
    lines += [labelled("AGAINST", against), labelled("DATA", data_words(rows, *both))]
    labels = [model["label"] for model in told["figures"]]
    lines += decided(asked, labels, None if other is None else other.acts_if)
    lines += ["FIGURES", figure_rows(told["figures"]), legend(figures_legend(asked, told))]
    lines += ["DIFFERENCE", *_difference(told)]
    if told["swap"] is not None:
        lines.append(labelled("SWAP SET", printable(_swap_words(asked, told))))
    return "\n".join([*lines, *components_text(told["interpretability"])])


def _difference(told: dict[str, Any]) -> list[str]:
    """The difference, its bounds and verdict, and what these words mean."""
    from ..intervals import round_rows
    from ..report.figures import plain, signed
    from ..report.layout import table
    from ..report.words import FIGURES
    from .telling import legend

    found, (this, before) = told["difference"], told["figures"]
    needed = ""
    if found["rows_needed"] is not None:
        rows = found["rows_needed"]
        needed = f"over {MANY_ROWS}" if rows > MANY_ROWS else str(round_rows(rows))
        needed = f"needs {needed} rows"
    low, high = found["low"], found["high"]
    bounds = "" if low is None or high is None else f"[{signed(low)},{signed(high)}]"
    name = FIGURES[next(iter(this["figures"]))]
    head = [f"difference in {name}", "value", "bounds", "verdict", ""]
    value = signed(found["difference"])
    row = [f"{this['label']} - {before['label']}", value, bounds, found["verdict"].upper(), needed]
    method, _, remark_ = found["method"].partition("; ")
    text = (
        f"One-sided {plain(100 * found['level'])} % bounds, the same rows for both ({method}); "
        f"NON-INFERIOR: a loss of more than {plain(found['margin'])} is excluded; WORSE: not so, "
        "and a gain is excluded; UNDECIDED: neither, and about so many rows like these would "
        "decide if the difference and its spread stayed the same."
    )
    if remark_:
        text += f" {remark_[:1].upper()}{remark_[1:]}."
    return [table([head, row], (0, 2, 3, 4)), legend(text)]


def _swap_words(asked: OpenedModel, told: dict[str, Any]) -> str:
    """Whose decision is another."""
    from ..report.words import rows_are

    swap, words = told["swap"], asked.words
    this, before = (model["label"] for model in told["figures"])
    n = told["data"]["rows"]
    if asked.task == "multiclass":
        return (
            f"{rows_are(swap['changed'], n)} given another class by {this} than by {before}: "
            f"{swap['mended']} now right, {swap['spoiled']} now wrong."
        )
    return (
        f"from {before} to {this}, {rows_are(swap['acted'], n)} newly {words.acted} "
        f"({swap['acted_positive']} of them {words.hit}), {swap['passed']} newly {words.passed} "
        f"({swap['passed_positive']} of them {words.hit})."
    )
