"""The picture of the pruned tree: the root at the left, a line for every condition.

Conditions stand one below the other and are indented by their depth, so that long ones have room
however deep the tree is. At the right each leaf has its rule's number and figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..figures import figure, significant
from ..words import model_of, printable
from .style import GRID, INK, WIDTH, Picture, drawing, new_figure, short, svg_of
from .tree_lines import SIZE, Line, Shortener, figures_of, lines_of, wide

__all__ = ["tree_picture"]

# Inches. All that is drawn has its place in inches from the left and from the top.
EDGE, GAP = 0.04, 0.13
LINE, BETWEEN = 0.135, 0.075  # height of a line of text, space between conditions
INDENT, MOST_INDENT = 0.17, 1.1  # of one step, of all steps together
THICKEST = 5.0  # points, of a way that all rows go

WAY = "#8b919b"  # reads on light and on dark pages
PALE, FULL = (0.93, 0.96, 0.98), (0.0, 0.29, 0.48)  # of low and high figures, within a rim of INK
ACTED, PASSED, NOT_SHOWN = "s", "o", ">"


@dataclass(frozen=True)
class _Placed:
    """A node with what is written and where: x of its text, y of its first line's middle."""

    node: dict[str, Any]
    lines: list[str]
    x: float
    y: float

    @property
    def is_end(self) -> bool:
        return bool(self.node["rule"] or self.node["below"])


@dataclass(frozen=True)
class _Columns:
    """Where marker and figures stand: rule from its left, the numbers to their right."""

    marker: float
    rule: float
    p: float
    n: float
    word: float


def tree_picture(report: dict[str, Any]) -> Picture | None:
    """The tree of `report["tree"]`, drawn.

    Parameters
    ----------
    report : dict
        From `report_of`: `tree`, `title` and `decision` are read.

    Returns
    -------
    Picture or None
        None where the report has no tree.

    Examples
    --------
    >>> leaf = {"id": 0, "parent": None, "column": None, "edge": None, "rule": "R1", "n": 56,
    ...         "p": 0.5, "label": None, "decision": False, "below": 0}
    >>> tree = {"nodes": [leaf], "n_leaves": 1, "n_shown_leaves": 1}
    >>> words = {"act": "flag", "let": "-", "acted": "flagged", "passed": "not flagged"}
    >>> told = {"tree": tree, "title": {"task": "binary"}, "decision": {"words": words}}
    >>> tree_picture(told).alt
    'The pruned tree is a single leaf: every one of 56 training rows has P .50, not flagged.'
    >>> tree_picture({}) is None
    True
    """
    tree = report.get("tree")
    if not tree:
        return None
    with drawing():
        shorten = Shortener()  # of decisions and classes, which are not taken for conditions
        ends = {
            node["id"]: figures_of(node, report, shorten)
            for node in tree["nodes"]
            if node["rule"] or node["below"]
        }
        columns = _columns(list(ends.values()))
        placed, height, cut = _placed(tree["nodes"], columns.marker - GAP)
        axes = _axes(height)
        for way in _ways(placed):
            axes.plot(*way[:2], color=WAY, lw=way[2], solid_capstyle="butt", zorder=1)
        for one in placed:
            _write_condition(axes, one, columns.marker)
        _draw_ends(axes, [one for one in placed if one.is_end], ends, columns, report)
        svg = svg_of(axes.figure)
    cut |= any(text != full for text, full in shorten.known.items())
    return Picture("tree", svg, _alt(report, cut), _caption(report))


def _columns(ends: list[Line]) -> _Columns:
    """As wide as the widest entry, from the right edge on."""
    # A head stands over its column and may be wider than what is in it.
    rule, p, n, word = (
        max(wide(text) for text in texts)
        for texts in (
            [end.rule for end in ends],
            ["mean", *(end.p for end in ends)],
            ["rows", *(end.n for end in ends)],
            [end.word for end in ends],
        )
    )
    x_word = WIDTH - EDGE - word
    x_n = x_word - GAP * bool(word)
    x_p = x_n - n - GAP
    x_rule = x_p - p - GAP - rule
    return _Columns(x_rule - GAP, x_rule, x_p, x_n, x_word)


def _placed(nodes: list[dict[str, Any]], right: float) -> tuple[list[_Placed], float, bool]:
    """Nodes one below the other, the height of all, and whether a name had to be shortened."""
    depth: dict[int, int] = {}
    for node in nodes:
        depth[node["id"]] = 0 if node["parent"] is None else depth[node["parent"]] + 1
    step = min(INDENT, MOST_INDENT / max(1, *depth.values()))
    shorten, out, cut = Shortener(), [], False
    top = EDGE + LINE + BETWEEN  # below the heads
    for node in nodes:
        x = EDGE + step * depth[node["id"]]
        lines, left_out = lines_of(node, right - x, shorten)
        out.append(_Placed(node, lines, x, top + LINE / 2))
        top += LINE * len(lines) + BETWEEN
        cut |= left_out
    return out, top, cut


def _axes(height: float) -> Any:
    axes = new_figure(WIDTH, height).add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    return axes


def _ways(placed: list[_Placed]) -> list[tuple[list[float], list[float], float]]:
    """Points (x, y) and thickness of each way: down from the parent, then right to the child.

    The way to a second child leaves from where the first has turned off.
    """
    at = {one.node["id"]: one for one in placed}
    children: dict[int, list[_Placed]] = {}
    for one in placed:
        if one.node["parent"] is not None:
            children.setdefault(one.node["parent"], []).append(one)
    most = placed[0].node["n"] or 1
    out = []
    for parent, pair in children.items():
        above = at[parent]
        step = pair[0].x - above.x
        x = above.x + step * 0.3
        thickest = min(THICKEST, step * 72 * 0.5)
        y = above.y + LINE * (len(above.lines) - 0.4)
        rows = above.node["n"]
        for child in pair:
            trunk, branch = (0.6 + (thickest - 0.6) * n / most for n in (rows, child.node["n"]))
            half = trunk / 144
            out.append(([x, x], [y, child.y + branch / 144], trunk))
            out.append(([x - half, child.x - 0.03], [child.y, child.y], branch))
            y, rows = child.y, rows - child.node["n"]
    return out


def _write_condition(axes: Any, one: _Placed, right: float) -> None:
    for k, line in enumerate(one.lines):
        _write(axes, one.x, one.y + k * LINE, line)
    if one.is_end:  # leads the eye to the figures
        start = one.x + wide(one.lines[0]) + 0.06
        if start < right - 0.1:
            axes.plot([start, right], [one.y, one.y], color=GRID, lw=0.8, zorder=0)


def _write(axes: Any, x: float, y: float, text: str, **options: Any) -> None:
    # Of several blanks SVG would show one.
    shown = text.replace(" ", "\xa0") if "  " in text else text
    axes.text(
        x, y, shown, fontsize=SIZE, color=INK, va="center_baseline", parse_math=False, **options
    )


def _draw_ends(
    axes: Any,
    placed: list[_Placed],
    ends: dict[int, Line],
    columns: _Columns,
    report: dict[str, Any],
) -> None:
    y = EDGE + LINE / 2
    _write(axes, columns.p, y, _what(report), ha="right")
    _write(axes, columns.n, y, "rows", ha="right")
    low, high = _range(report)
    for one in placed:
        line = ends[one.node["id"]]
        share = (one.node["p"] - low) / (high - low) if high > low else 0.5
        fill = tuple(a + share * (b - a) for a, b in zip(PALE, FULL, strict=True))
        axes.plot(
            columns.marker,
            one.y,
            _marker(one.node),
            ms=6.5,
            mfc="none" if one.node["below"] else fill,
            mec=INK,
            mew=0.9,
            zorder=3,
        )
        _write(axes, columns.rule, one.y, line.rule)
        _write(axes, columns.p, one.y, line.p, ha="right")
        _write(axes, columns.n, one.y, line.n, ha="right")
        _write(axes, columns.word, one.y, line.word)


def _marker(node: dict[str, Any]) -> str:
    if node["below"]:
        return NOT_SHOWN
    return ACTED if node["decision"] else PASSED


def _range(report: dict[str, Any]) -> tuple[float, float]:
    """What the palest and the fullest colour stand for."""
    p = [node["p"] for node in report["tree"]["nodes"] if node["rule"]]
    low = min(p, default=0.0) if report["title"]["task"] == "regression" else 0.0
    return low, max(p, default=1.0)


# -- words ---------------------------------------------------------------------------------------


def _alt(report: dict[str, Any], cut: bool) -> str:
    tree, which = report["tree"], _which(report)
    nodes = tree["nodes"]
    leaves = [node for node in nodes if node["rule"]]
    n = nodes[0]["n"]
    if tree["n_leaves"] == 1:
        return (
            f"{which} is a single leaf: every one of {n:,} training rows has "
            f"{_leaf(nodes[0], report)}."
        )
    shown = ""
    if tree["n_shown_leaves"] < tree["n_leaves"]:
        shown = f", of which {tree['n_shown_leaves']} are drawn"
    text = (
        f"{which} has {tree['n_leaves']:,} leaves{shown}; its first question parts "
        f"{nodes[1]['n']:,} of {n:,} training rows: {printable(nodes[1]['edge'])}."
    )
    if leaves:
        text = f"{text} {_extremes(leaves, report)}"
    return f"{text} Long names are shortened here; the rules have them in full." if cut else text


def _which(report: dict[str, Any]) -> str:
    """The pruned tree itself, or the tree that imitates the model."""
    model = model_of(report)
    if model["reading"] == "surrogate":
        return f"The tree that imitates the pruned {model['word']}"
    return f"The pruned {model['word']}"


def _extremes(leaves: list[dict[str, Any]], report: dict[str, Any]) -> str:
    """The leaf with most rows, and those with the lowest and the highest figure."""
    most = max(leaves, key=lambda node: node["n"])
    low, high = (f(leaves, key=lambda node: node["p"]) for f in (min, max))
    told = {node["rule"]: f" ({_leaf(node, report)})" for node in (most, low, high)}
    # Each leaf's figures are said where it is named first.
    said = [f"{node['rule']}{told.pop(node['rule'], '')}" for node in (most, low, high)]
    what = _what(report)
    return (
        f"Of the leaves drawn {said[0]} has most rows, {most['n']:,}; the lowest {what} is in "
        f"{said[1]}, the highest in {said[2]}."
    )


def _what(report: dict[str, Any]) -> str:
    return "mean" if report["title"]["task"] == "regression" else "P"


def _figure(node: dict[str, Any], report: dict[str, Any]) -> str:
    is_number = report["title"]["task"] == "regression"
    said = significant(node["p"]) if is_number else figure(node["p"], 2)
    return f"{_what(report)} {said}"


def _leaf(node: dict[str, Any], report: dict[str, Any]) -> str:
    """What a leaf says."""
    task, said = report["title"]["task"], _figure(node, report)
    if task == "binary":
        words = report["decision"]["words"]
        return f"{said}, {printable(words['acted'] if node['decision'] else words['passed'])}"
    return f"{printable(node['label'])}, {said}" if task == "multiclass" else said


def _caption(report: dict[str, Any]) -> str:
    task = report["title"]["task"]
    parts = ["Root at the top left; a way is as thick as its training rows are many"]
    model = model_of(report)
    if model["reading"] == "surrogate":
        said = f"A surrogate: this tree imitates the pruned {model['word']} and is not it"
        parts[0] = f"{said}. {parts[0]}"
    if task == "regression":
        parts.append("the darker a mark, the higher the mean")
    elif task == "multiclass":
        parts.append("the darker a mark, the surer the class named")
    else:
        words = report["decision"]["words"]
        acted, passed = (short(words[key], 20) for key in ("acted", "passed"))
        parts.append(f"the darker a mark, the higher P; square: {acted}, circle: {passed}")
    if report["tree"]["n_shown_leaves"] < report["tree"]["n_leaves"]:
        parts.append("triangle: leaves below that are not drawn")
    return f"{'; '.join(parts)}."
