"""How the report's pictures look: sizes, colours, and SVG that reads on light and dark pages.

A picture is drawn outside pyplot, under settings of its own, and written as the same bytes each
time. It is embedded as an image, cut off from the page: what changes in dark mode is said in the
picture itself.
"""

from __future__ import annotations

import io
import unicodedata
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ..words import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "AFTER",
    "BAND",
    "BEFORE",
    "BEFORE_LINE",
    "BEST",
    "BLUE",
    "CHOSEN",
    "GRID",
    "INK",
    "PAPER",
    "SMALL",
    "TEXT",
    "WIDTH",
    "Picture",
    "drawing",
    "new_figure",
    "short",
    "svg_of",
    "text_width",
]

# A page shows a picture 720 px wide: text of s points is then 10 s / width px high.
WIDTH = 6.0  # inches
TEXT, SMALL = 9.5, 8.5  # points
_WIDEST = 1.2  # ems

# Colour-blind safe (Okabe & Ito 2008). Colours are written in small letters, as matplotlib writes
# them: the rules for dark pages find them by their text.
INK, GRID, PAPER = "#3d4148", "#d5d8dd", "#fdfdfe"
BLUE, BAND, BEST, CHOSEN = "#0072b2", "#cce3f0", "#d55e00", "#009e73"
# Before and after differ in lightness (L* 71 and 46), too, so that grey print tells them apart.
BEFORE, AFTER = "#e69f00", BLUE
BEFORE_LINE = "#b47700"  # thin lines need more contrast than areas

# What has too little contrast on a dark page (#16181c), and what takes its place there.
_DARK = {
    INK: "#d6d9df",
    GRID: "#3a3f47",
    PAPER: "#16181c",
    BLUE: "#56b4e9",
    BAND: "#1f3f54",
    BEST: "#f0812f",
    CHOSEN: "#2fc79b",
    BEFORE_LINE: BEFORE,
}
_SETTINGS = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.labelsize": TEXT,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],  # ships with matplotlib; few fonts are wider
    "font.size": TEXT,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "hatch.color": INK,
    "hatch.linewidth": 0.8,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "treeprune",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "xtick.labelsize": SMALL,
    "ytick.color": INK,
    "ytick.labelsize": SMALL,
}


@dataclass(frozen=True)
class Picture:
    """A picture of the report.

    Parameters
    ----------
    name : str
        What it is called within the report: letters only.
    svg : str
        The picture, an SVG element of its own.
    alt : str
        What is to be seen, with figures, for whoever cannot see it. It holds names from the data:
        whoever puts it into a page escapes it.
    caption : str
        How to read the picture, in one line.

    Examples
    --------
    >>> Picture("path", "<svg/>", "Nothing.", "Read nothing.").name
    'path'
    """

    name: str
    svg: str
    alt: str
    caption: str


@contextmanager
def drawing() -> Iterator[None]:
    """Draw under the report's settings, whatever the user's are, and leave those as they were.

    Also a decorator. Drawing, from `new_figure` to `svg_of`, belongs inside: matplotlib looks a
    setting up when a thing is made and again when it is written.

    Examples
    --------
    >>> import matplotlib
    >>> with matplotlib.rc_context({"font.size": 3.0}):
    ...     with drawing():
    ...         inside = matplotlib.rcParams["font.size"]
    ...     inside, matplotlib.rcParams["font.size"]
    (9.5, 3.0)
    """
    import matplotlib.style

    with warnings.catch_warnings(), matplotlib.style.context(["default", _SETTINGS]):
        # The reader's machine has a font for such characters, or none has.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        yield


def new_figure(width: float = WIDTH, height: float = 3.6) -> Any:
    """An empty figure outside pyplot's registry: no display, no global state, nothing to close.

    Parameters
    ----------
    width, height : float
        Inches. At a width w text needs 1.2 w points to be 12 px high on a page of 720 px.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> new_figure(6, 3).get_size_inches().tolist()
    [6.0, 3.0]
    """
    from matplotlib.figure import Figure

    with drawing():
        return Figure(figsize=(width, height))


def svg_of(figure: Any) -> str:
    """The figure as one SVG element: the same text for the same figure, in any process.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    str
        Starts with `<svg`. Text stays text, the background is transparent, and a style sheet
        changes the colours that a dark page would swallow.

    Examples
    --------
    >>> svg = svg_of(new_figure(1, 1))
    >>> svg.startswith("<svg"), svg == svg_of(new_figure(1, 1)), "<metadata" in svg
    (True, True, False)
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    none = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    out = io.StringIO()
    with drawing():
        FigureCanvasSVG(figure).print_svg(out, metadata=none)
    written = out.getvalue()
    head, sep, rest = written[written.index("<svg") :].partition(">")
    return f"{head}{sep}\n <style>{_dark_rules()}</style>{rest.rstrip()}\n"


def _dark_rules() -> str:
    """Colours are replaced wherever a style names them: in lines, areas, text and hatches."""
    rules = "".join(
        f'[style*="{what}: {light}"]{{{what}:{dark} !important}}'
        for light, dark in _DARK.items()
        for what in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme: dark){{{rules}}}"


def short(name: object, most: int = 28) -> str:
    r"""A name from the data as a picture shows it: on one line, its middle left out if long.

    Parameters
    ----------
    name : object
    most : int
        Most characters; wide ones (Chinese, emoji) count twice.

    Returns
    -------
    str
        What a terminal would obey is spelt out; an empty name is shown as `''`.

    Examples
    --------
    >>> short("a name that is far too long for a picture", 20), short("a\nb"), short("")
    ('a name that… picture', 'a\\nb', "''")
    """
    text = printable(name) or "''"
    if _cells(text) <= most:
        return text
    head, tail = _fitting(text, most * 11 // 20), _fitting(text[::-1], most - 1 - most * 11 // 20)
    return f"{head}…{tail[::-1]}"


def _cells(text: str) -> int:
    return sum(_cell(c) for c in text)


def _cell(c: str) -> int:
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def _fitting(text: str, most: int) -> str:
    """The longest beginning that takes at most so many cells."""
    used = 0
    for at, c in enumerate(text):
        used += _cell(c)
        if used > most:
            return text[:at]
    return text


def text_width(text: str, size: float = TEXT) -> float:
    """Width of a line of text in inches, at most: fonts differ, and where ours has no glyph
    the reader's may have a wide one.

    Parameters
    ----------
    text : str
    size : float
        Points.

    Returns
    -------
    float

    Examples
    --------
    >>> text_width("WW") > text_width("ii"), text_width("") == 0
    (True, True)
    """
    return sum(_advance(c) for c in text) * size / 72


@cache
def _advance(c: str) -> float:
    """Width of a character in ems; in other fonts emoji and the like are wider than any of ours."""
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    if ord(c) not in font.get_charmap():
        return _WIDEST
    font.set_size(100, 72)
    return float(font.load_char(ord(c)).linearHoriAdvance) / 65536 / 100
