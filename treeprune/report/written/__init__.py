"""The report's dict in words: sections of paragraphs, tables and names of pictures.

Everything that is said is said here, once, for text, Markdown and HTML alike.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..document import Block, Code, Document, Items, Paragraph, Section, Table
from ..words import model_of, printable
from .facts import calibration_section, data_section, sql_section, stamp_words
from .front import front_sections, summary_sentence
from .groups import fairness_section
from .held import before_after, rivals
from .path import path_section
from .reasons import attribution_section, reasons_section
from .rules import rules_section
from .scores import score_section

__all__ = ["document_of"]


def document_of(report: dict[str, Any]) -> Document:
    """The report in words.

    Parameters
    ----------
    report : dict
        From `report_of`.

    Returns
    -------
    Document
        The first screen, and the details it rests on.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Options, Table, fit_rivals, report_of, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> options = Options(cv=2, n_resamples=1000)
    >>> document = document_of(report_of(study, fit_rivals(study, options), options))
    >>> document.title, document.subtitle, document.front[0].key
    ('toy, PRUNED TREE', '56 train / 24 held out, seed 0', 'excluded')
    """
    title = report["title"]
    details = (
        before_after(report),
        path_section(report),
        rules_section(report),
        attribution_section(report),
        reasons_section(report),
        score_section(report),
        rivals(report),
        calibration_section(report),
        fairness_section(report),
        data_section(report),
        sql_section(report),
    )
    return Document(
        title=f"{printable(title['data'])}, PRUNED {model_of(report)['word'].upper()}",
        subtitle=(
            f"{title['n_train']} train / {title['n_held_out']} held out, seed {title['seed']}"
        ),
        summary=summary_sentence(report),
        front=tuple(map(_plain, front_sections(report))),
        details=tuple(_plain(section) for section in details if section is not None),
        stamp=None if report["made"] is None else printable(stamp_words(report)),
    )


def _plain(section: Section) -> Section:
    """Whatever a dict holds, nothing in a section is obeyed by a terminal."""
    return replace(section, blocks=tuple(map(_plain_block, section.blocks)))


def _plain_block(block: Block) -> Block:
    if isinstance(block, Paragraph):
        return replace(block, text=printable(block.text))
    if isinstance(block, Items):
        return replace(block, texts=tuple(map(printable, block.texts)))
    if isinstance(block, Table):
        return replace(
            block,
            caption=printable(block.caption),
            head=tuple(map(printable, block.head)),
            rows=tuple(tuple(map(printable, row)) for row in block.rows),
        )
    if isinstance(block, Code):  # its lines are breaks of its own
        return replace(block, text="\n".join(map(printable, block.text.split("\n"))))
    return block
