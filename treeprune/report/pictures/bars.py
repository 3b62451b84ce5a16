"""Two bars a row, before and after, with whiskers where there are intervals and figures beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .style import AFTER, BEFORE, GRID, INK, PAPER, SMALL, TEXT, WIDTH, new_figure, text_width

__all__ = ["Bar", "Row", "two_bars"]

THICK = 0.36  # of a row's height
ROW = 0.42  # inches
GAP = 0.5  # rows left free before one that stands apart
TOP, BOTTOM = 0.42, 0.34  # inches for the legend and for the numbers of the axis
LOOKS: dict[str, dict[str, Any]] = {
    "before": {"facecolor": BEFORE, "hatch": "////"},
    "after": {"facecolor": AFTER, "hatch": None},
}


@dataclass(frozen=True)
class Bar:
    """How long a bar is, what is written beside it, and its interval; None where not known.

    Examples
    --------
    >>> Bar(0.5, ".50").low is None
    True
    """

    value: float | None
    text: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Row:
    """A row: its name as it is to be shown, on one or two lines, its bars, and whether it stands
    apart from the other rows.

    Examples
    --------
    >>> Row("age", Bar(0.5, ".50"), Bar(0.4, ".40")).apart
    False
    """

    name: str
    before: Bar
    after: Bar
    apart: bool = False


def two_bars(rows: list[Row], labels: tuple[str, str], end: float) -> Any:
    """Draw rows from the top on, of each the bar before above the bar after.

    Parameters
    ----------
    rows : list of Row
    labels : tuple of str
        What before and after are, for the legend.
    end : float
        Where the axis, which begins at 0, ends.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> drawn = two_bars([Row("age", Bar(0.5, ".50"), Bar(0.4, ".40"))], ("old", "new"), 1.0)
    >>> [text.get_text() for text in drawn.axes[0].texts]
    ['.50', '.40', 'age']
    """
    places, place = [], 0.0
    for row in rows:
        place += GAP * row.apart
        places.append(place)
        place += 1.0
    height = TOP + ROW * place + BOTTOM
    drawn = new_figure(WIDTH, height)
    left = 0.15 + max(text_width(line, size) for row in rows for line, _, size in _lines(row.name))
    right = WIDTH - 0.15 - max(
        text_width(bar.text, SMALL) for row in rows for bar in (row.before, row.after)
    )  # fmt: skip
    ax = drawn.add_axes(
        (left / WIDTH, BOTTOM / height, (right - left) / WIDTH, ROW * place / height)
    )
    ax.set(xlim=(0, end), ylim=(place - 0.5, -0.5))
    for name, label, shift in zip(LOOKS, labels, (-0.5, 0.5), strict=True):
        _draw(ax, [getattr(row, name) for row in rows], places, shift * THICK, name, label)
    for row, place in zip(rows, places, strict=True):
        for line, above, size in _lines(row.name):
            _write(ax, line, place, (-5.0, above), size)
    _dress(ax)
    drawn.legend(loc="upper left", ncols=2, borderaxespad=0.2, handlelength=1.6)
    return drawn


def _draw(
    ax: Any, bars: list[Bar], places: list[float], shift: float, name: str, label: str
) -> None:
    at = [place + shift for place in places]
    lengths = [bar.value or 0.0 for bar in bars]
    ax.barh(at, lengths, THICK, edgecolor=INK, linewidth=0.6, label=label, **LOOKS[name])
    for y, bar in zip(at, bars, strict=True):
        if bar.low is not None and bar.high is not None:
            _whisker(ax, bar.low, bar.high, y)
        _write(ax, bar.text, y, (4.0, 0.0), SMALL)


def _lines(name: str) -> list[tuple[str, float, float]]:
    """Each line with its height above the row's middle and its size, in points.

    Lines are written one by one: each then ends where it should in any font.
    """
    lines = name.split("\n")
    if len(lines) == 1:
        return [(name, 0.0, TEXT)]
    return [(line, (0.5 - i) * 1.2 * SMALL, SMALL) for i, line in enumerate(lines)]


def _write(ax: Any, text: str, place: float, shift: tuple[float, float], size: float) -> None:
    """Beside the axes: to their left where the shift, in points, is to the left."""
    is_left = shift[0] < 0
    ax.annotate(
        text,
        (0 if is_left else 1, place),
        shift,
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right" if is_left else "left",
        va="center_baseline",
        fontsize=size,
    )


def _whisker(ax: Any, low: float, high: float, y: float) -> None:
    for colour, width in ((PAPER, 3.0), (INK, 1.1)):  # with a rim, so that it is seen on a bar
        ax.plot(
            [low, high],
            [y, y],
            color=colour,
            lw=width,
            marker="|",
            ms=5 + width / 2,
            mew=width,
            solid_capstyle="butt",
            clip_on=False,
        )


def _dress(ax: Any) -> None:
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.set_yticks([])
    ax.tick_params(axis="x", length=3, color=GRID)
    ax.spines["bottom"].set_visible(False)
