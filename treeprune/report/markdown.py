"""The report as Markdown (CommonMark with tables, as GitHub and Jupyter show it).

Whatever a name in the data holds, it is shown as it is written: characters that would become a
link, an element, emphasis or a cell of their own are escaped, and only those.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .document import Code, Figure, Items, Paragraph, Table
from .pictures import pictures_of
from .written import document_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .document import Block, Section
    from .pictures import Picture

__all__ = ["escaped", "picture_file", "render_markdown"]

# What CommonMark and GitHub would take for markup, wherever it stands in a line.
_MARKUP = re.compile(
    r"""
    [\\`*|~$]                         # escapes, code, emphasis, cells, strike-through, formulas
    | (?<![^\W_])_ | _(?![^\W_])      # emphasis, which never begins or ends inside a word
    | \](?=[(\[:])                    # links and what defines them
    | <(?=[A-Za-z/!?])                # elements and bare addresses
    | &(?=\#?\w+;)                    # characters by name
    """,
    re.VERBOSE,
)
# At the start of a paragraph: heads, lists, quotations, rules.
_START = re.compile(r"^(\d+)([.)])(?=\s)|^([#>+=-]|\[(?=[ xX]\]))")
_ADDRESS = re.compile(r"(?<=[A-Za-z]):(?=//)|(?<=www)\.|(?<=\w)@(?=\w)", re.IGNORECASE)


def render_markdown(report: dict[str, Any], pictures: Mapping[str, Picture] | None = None) -> str:
    """The report as Markdown.

    Parameters
    ----------
    report : dict
        From `report_of`.
    pictures : mapping of str to Picture, optional
        From `pictures_of`; drawn anew if not given. Markdown refers to them as files beside it,
        `treeprune-<name>.svg`.

    Returns
    -------
    str

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Options, Table, fit_rivals, report_of, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> options = Options(cv=2, n_resamples=1000)
    >>> text = render_markdown(report_of(study, fit_rivals(study, options), options))
    >>> text.splitlines()[0]
    '# toy, PRUNED TREE'
    """
    document = document_of(report)
    drawn = pictures_of(report) if pictures is None else pictures
    parts = [f"# {escaped(document.title)}", _paragraph(document.subtitle)]
    for section in document.front:
        parts += _section(section, drawn)
    for section in document.details:
        parts += _section(section, drawn)
    if document.stamp is not None:
        parts.append(f"Made {escaped(document.stamp)}")
    return "\n\n".join(parts) + "\n"


def picture_file(name: str) -> str:
    """The file beside the Markdown that holds a picture.

    Examples
    --------
    >>> picture_file("path")
    'treeprune-path.svg'
    """
    return f"treeprune-{name}.svg"


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is written.

    Examples
    --------
    >>> print(escaped("a_b <b>x</b> [.1,.2] [l](u) *"))
    a_b \<b>x\</b> [.1,.2] [l\](u) \*
    """
    text = _MARKUP.sub(lambda found: "\\" + found[0], text)
    return _ADDRESS.sub(lambda found: f"&#{ord(found[0])};", text)


def _paragraph(text: str) -> str:
    """Escaped where a line begins, too."""
    return _START.sub(lambda found: f"{found[1] or ''}\\{found[2] or found[3]}", escaped(text))


def _section(section: Section, pictures: Mapping[str, Picture]) -> list[str]:
    parts = [f"## {escaped(section.title)}"]
    return parts + [part for block in section.blocks for part in _block(block, pictures)]


def _block(block: Block, pictures: Mapping[str, Picture]) -> list[str]:
    if isinstance(block, Paragraph):
        text = _paragraph(block.text)
        return [{"head": f"### {text}", "warning": f"**{text}**"}.get(block.role, text)]
    if isinstance(block, Items):
        marks = [f"{i}. " if block.numbered else "- " for i in range(1, len(block.texts) + 1)]
        texts = zip(marks, block.texts, strict=True)
        return ["\n".join(mark + _paragraph(text) for mark, text in texts)]
    if isinstance(block, Code):
        return [_fenced(block)]
    if isinstance(block, Figure):
        picture = pictures.get(block.name)
        return [] if picture is None else [_image(picture)]
    return [_table(block)]


def _fenced(block: Code) -> str:
    longest = max([2, *(len(run) for run in re.findall("`+", block.text))])
    fence = "`" * (longest + 1)
    return f"{fence}{block.language}\n{block.text}\n{fence}"


def _image(picture: Picture) -> str:
    alt = re.sub(r"[\\`*_\[\]<>&|~$:@]", r"\\\g<0>", " ".join(picture.alt.split()))
    return f"![{alt}]({picture_file(picture.name)})\n\n{_paragraph(picture.caption)}"


def _table(block: Table) -> str:
    lines = [_row(block.head)]
    lines.append(_row([":---" if j in block.left else "---:" for j in range(len(block.head))]))
    for row in block.rows:
        cells = [escaped(cell) for cell in row]
        if len(row) < len(block.head):  # heads what follows; a table has no cell over all columns
            cells = [f"**{cells[0]}**", *[""] * (len(block.head) - 1)]
        lines.append(_row(cells))
    return "\n".join(lines)


def _row(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"
