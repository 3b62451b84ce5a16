"""What stands on the lines of the tree's picture: conditions that fit, figures in columns.

A condition takes at most two lines. Where it needs more, the column's name and then the
categories lose their middle, never the comparison or what is said of missing values; and two
names that differ are never shortened to the same text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ..figures import figure, significant
from ..words import printable
from .style import short

__all__ = ["SIZE", "Line", "Shortener", "figures_of", "lines_of", "wide", "wrapped"]

SIZE = 7.8  # points: 13 px on a page of 720 px
MOST_LINES = 2
_NAME = 30  # characters of a column's name, where the whole does not fit
_WORD = 14  # of a decision or a class
_VALUES = (60, 48, 40, 32, 24, 16, 10)  # of categories, the first that fits
_LEFT_TO_RIGHT = "\u200e"

# The comparison after the name, what is compared with, and what is said of other values.
_AFTER = re.compile(
    r"(?P<asks> (?:is not|is|not in|in|<=|>) )(?P<what>.*?)"
    r"(?P<rest>(?: or not seen at fit)?(?: or missing| and not missing)?)",
    re.DOTALL,
)


@dataclass
class Shortener:
    """Shortens texts, different ones to different ones.

    Examples
    --------
    >>> shorten = Shortener()
    >>> shorten("monthly income before tax", 12), shorten("monthly income after tax", 12)
    ('monthl…e tax', 'monthl…r tax')
    >>> shorten("monthly costs before tax", 12)
    'month…2… tax'
    """

    known: dict[str, str] = field(default_factory=dict)

    def __call__(self, text: str, most: int) -> str:
        """The text in at most so many characters, or a few more to tell it from others."""
        if not text:
            return ""
        found, k = short(text, most), 1
        while self.known.setdefault(found, text) != text:
            k += 1
            found = short(text, most - 2).replace("…", f"…{k}…", 1)
        return found


@cache
def _advance(c: str) -> float:
    """Width of a character; where ours has no glyph the reader's font may have a wide one."""
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    if ord(c) not in font.get_charmap():
        return 1.2 * SIZE / 72
    font.set_size(SIZE, 72)
    return float(font.load_char(ord(c)).linearHoriAdvance) / 65536 / 72


def wide(text: str) -> float:
    """Width of a line of text in inches; few fonts are wider than the one it is measured in.

    Parameters
    ----------
    text : str

    Returns
    -------
    float

    Examples
    --------
    >>> 0 < wide("il") < wide("MW")
    True
    """
    return sum(_advance(c) for c in text)


def wrapped(text: str, room: float) -> list[str]:
    """A text in lines no wider than `room` inches, broken at blanks where there are any.

    Parameters
    ----------
    text : str
    room : float

    Returns
    -------
    list of str
        Joined they are the text, but for one blank at each break between words.

    Examples
    --------
    >>> wrapped("duration_months <= 11", 1.1), wrapped("abcdefgh", 0.3)
    (['duration_months', '<= 11'], ['abcd', 'efgh'])
    """
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if wide(longer) <= room:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for c in word:
            if lines[-1] and wide(lines[-1] + c) > room:
                lines.append("")
            lines[-1] += c
    return lines


def lines_of(node: dict[str, Any], room: float, shorten: Shortener) -> tuple[list[str], bool]:
    """A node's condition in lines, and whether something was left out.

    Parameters
    ----------
    node : dict
        From `drawn_tree`.
    room : float
        Inches.
    shorten : Shortener

    Returns
    -------
    list of str, bool

    Examples
    --------
    >>> node = {"column": "purpose " * 20, "edge": "purpose " * 20 + " is not new car"}
    >>> lines_of(node, 3.0, Shortener())
    (['purpose purpose …pose purpose  is not new car'], True)
    """
    if node["edge"] is None:
        return [f"{node['n']:,} training rows"], False
    full = wrapped(node["edge"], room)
    before, name, after = _parts(node)
    if len(full) <= MOST_LINES and not _is_mixed(node["edge"]):
        return full, False
    found = _AFTER.fullmatch(after)
    asks, what, rest = found.group("asks", "what", "rest") if found else ("", after, "")
    for most_name, most_what in ((10**6, 10**6), (_NAME, 10**6), *((_NAME, k) for k in _VALUES)):
        parts = [before, shorten(name, most_name), asks, shorten(what, most_what), rest]
        lines = wrapped("".join(_held(part) for part in parts), room)
        if len(lines) <= MOST_LINES:
            break
    return lines, most_name == _NAME


def _parts(node: dict[str, Any]) -> tuple[str, str, str]:
    """What stands before the column's name, the name, and what comes after it."""
    edge, name = node["edge"], printable(node["column"]) or "''"
    if edge.startswith(name):
        return "", name, edge[len(name) :]
    before, between, after = edge.partition(f" < {name} <= ")
    return (f"{before} < ", name, f" <= {after}") if between else ("", "", edge)


def _is_mixed(text: str) -> bool:
    return any(unicodedata.bidirectional(c) in ("R", "AL") for c in text)


def _held(text: str) -> str:
    """Text written from right to left keeps what stands beside it in its place."""
    return f"{_LEFT_TO_RIGHT}{text}{_LEFT_TO_RIGHT}" if _is_mixed(text) else text


@dataclass(frozen=True)
class Line:
    """What stands to the right of a leaf.

    Parameters
    ----------
    rule, p, n, word : str
        The rule's number, its figure, its training rows, and the decision or class.

    Examples
    --------
    >>> Line("R1", ".35", "34", "decline").word
    'decline'
    """

    rule: str
    p: str
    n: str
    word: str


def figures_of(node: dict[str, Any], report: dict[str, Any], shorten: Shortener) -> Line:
    """The figures of a leaf, or of a node below which leaves are not shown.

    Parameters
    ----------
    node : dict
    report : dict
    shorten : Shortener

    Returns
    -------
    Line

    Examples
    --------
    >>> node = {"rule": None, "p": 0.25, "n": 1200, "label": None, "decision": None, "below": 9}
    >>> figures_of(node, {"title": {"task": "binary"}}, Shortener())
    Line(rule='…', p='.25', n='1,200', word='9 leaves')
    """
    task = report["title"]["task"]
    p = significant(node["p"]) if task == "regression" else figure(node["p"], 2)
    word = ""
    if node["below"]:
        word = f"{node['below']:,} leaves"
    elif task == "multiclass":
        word = _held(shorten(printable(node["label"]) or "''", _WORD))
    elif task == "binary":
        words = report["decision"]["words"]
        word = _held(shorten(printable(words["act"] if node["decision"] else words["let"]), _WORD))
    return Line(node["rule"] or "…", p, f"{node['n']:,}", word)
