"""What a report says, block by block, before anybody decides how it looks.

The report's dict is put into words once, as a `Document`; text, Markdown and HTML only lay it out.
They cannot disagree on a figure, since none of them writes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "Block",
    "Code",
    "Document",
    "Figure",
    "Items",
    "Paragraph",
    "Section",
    "Table",
]


@dataclass(frozen=True)
class Paragraph:
    """Prose.

    Parameters
    ----------
    text : str
        One paragraph; control characters of names are spelt out.
    role : str
        `text`, `head` (of what follows), `legend` (how to read what stands above) or `warning`.

    Examples
    --------
    >>> Paragraph("Nothing was pruned.").role
    'text'
    """

    text: str
    role: str = "text"


@dataclass(frozen=True)
class Items:
    """A list, numbered or not.

    Examples
    --------
    >>> Items(("one split",)).numbered
    False
    """

    texts: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells under heads.

    Parameters
    ----------
    name : str
        Unique in the document; the HTML's element is found by it.
    caption : str
        What the rows are.
    head : tuple of str
    rows : tuple of tuples of str
        As long as the head; a row of one cell spans all columns and heads what follows.
    left : tuple of int
        Columns of words; all others are figures and stand to the right.
    keys : tuple of tuples, optional
        By what each cell is sorted, where the reader may sort; None sorts last.
    wrapped : int, optional
        The column that is broken over lines where the table is too wide, at semicolons.

    Examples
    --------
    >>> Table("sizes", "Sizes", ("model", "leaves"), (("pruned", "7"),)).left
    (0,)
    """

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: tuple[int, ...] = (0,)
    keys: tuple[tuple[float | str | None, ...], ...] | None = None
    wrapped: int | None = None


@dataclass(frozen=True)
class Figure:
    """A picture, by its name in `pictures_of`; text leaves it out, the dict holds its figures.

    Examples
    --------
    >>> Figure("path").name
    'path'
    """

    name: str


@dataclass(frozen=True)
class Code:
    """Lines in another language, to be copied as they are.

    Examples
    --------
    >>> Code("SELECT 1", "sql").language
    'sql'
    """

    text: str
    language: str


Block: TypeAlias = Paragraph | Items | Table | Figure | Code


@dataclass(frozen=True)
class Section:
    """A label (text), a title (Markdown, HTML) and blocks.

    Examples
    --------
    >>> Section("choice", "CHOICE", "Choice of size", (Paragraph("best"),)).key
    'choice'
    """

    key: str
    label: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """The first screen, and all that it rests on.

    Parameters
    ----------
    title : str
    subtitle : str
        Rows and seed.
    summary : str
        One sentence with figures.
    front, details : tuple of Section
    stamp : str or None
        When the report was made, and how fast the models were then: all that is no function of
        data, options and seed.

    Examples
    --------
    >>> Document("toy, PRUNED TREE", "70 train / 30 held out, seed 0", "", (), (), None).front
    ()
    """

    title: str
    subtitle: str
    summary: str
    front: tuple[Section, ...]
    details: tuple[Section, ...]
    stamp: str | None
