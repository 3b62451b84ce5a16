"""The tree's picture: what is on it, that nothing overlaps, and that no two names look alike."""

from __future__ import annotations

import re
from dataclasses import asdict
from xml.etree import ElementTree

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from treeprune.report.pictures import tree as module
from treeprune.report.pictures.style import WIDTH
from treeprune.report.pictures.tree import LINE, tree_picture
from treeprune.report.pictures.tree_lines import (
    Line,
    Shortener,
    figures_of,
    lines_of,
    wide,
    wrapped,
)

SVG = "{http://www.w3.org/2000/svg}"
WORDS = {"act": "decline", "let": "approve", "acted": "declined", "passed": "approved"}


def node(id_, parent, column=None, edge=None, rule=None, n=10, p=0.5, **more):
    values = {"label": None, "decision": None, "below": 0, **more}
    return {"id": id_, "parent": parent, "column": column, "edge": edge, "rule": rule, "n": n,
            "p": p, **values}  # fmt: skip


def small_tree():
    """Two questions, three leaves."""
    return [
        node(0, None, n=100, p=0.3),
        node(1, 0, "age", "age <= 30 and not missing", "R1", 70, 0.1, decision=False),
        node(2, 0, "age", "age > 30 or missing", None, 30, 0.7),
        node(3, 2, "job", "job is clerk", "R2", 20, 0.6, decision=True),
        node(4, 2, "job", "job is not clerk", "R3", 10, 0.9, decision=True),
    ]


def comb(n_leaves, column="duration_months"):
    """As deep as can be: every second child asks again."""
    nodes = [node(0, None, n=1000)]
    inner = 0
    for k in range(n_leaves - 1):
        last = k == n_leaves - 2
        rules = f"R{k + 1}", f"R{n_leaves}" if last else None
        said = {"decision": True}
        nodes.append(node(2 * k + 1, inner, column, f"{column} <= {k}", rules[0], 500, **said))
        nodes.append(node(2 * k + 2, inner, column, f"{column} > {k}", rules[1], 500))
        inner = 2 * k + 2
    return nodes


def report_of(nodes, task="binary"):
    n = sum(bool(one["rule"]) for one in nodes)
    below = sum(one["below"] for one in nodes)
    return {
        "tree": {"nodes": nodes, "n_leaves": n + below, "n_shown_leaves": n},
        "title": {"task": task},
        "decision": None if task == "regression" else {"words": WORDS},
    }


def texts(picture):
    root = ElementTree.fromstring(picture.svg)
    found = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    return [text.replace("\xa0", " ").strip() for text in found]


# -- what is to be seen ---------------------------------------------------------------------------


def test_every_figure_and_condition_is_on_it():
    picture = tree_picture(report_of(small_tree()))
    seen = texts(picture)
    assert seen == [
        "100 training rows", "age <= 30 and not missing", "age > 30 or missing", "job is clerk",
        "job is not clerk", "P", "rows", "R1", ".10", "70", "approve", "R2", ".60", "20",
        "decline", "R3", ".90", "10", "decline",
    ]  # fmt: skip
    assert picture.name == "tree"
    assert picture.alt == (
        "The pruned tree has 3 leaves; its first question parts 70 of 100 training rows: "
        "age <= 30 and not missing. Of the leaves drawn R1 (P .10, approved) has most rows, 70; "
        "the lowest P is in R1, the highest in R3 (P .90, declined)."
    )
    assert "square: declined, circle: approved" in picture.caption


def test_acted_and_passed_differ_in_shape_and_colours_follow_p():
    leaves = [one for one in small_tree() if one["rule"]]
    assert [module._marker(one) for one in leaves] == ["o", "s", "s"]
    assert module._marker(node(9, 0, below=3)) == ">"
    svg = tree_picture(report_of(small_tree())).svg
    fills = re.findall(r'<use [^>]*style="fill: (#[0-9a-f]{6}); stroke', svg)
    light = [sum(int(fill[i : i + 2], 16) for i in (1, 3, 5)) for fill in fills]
    assert len(light) == 3
    assert light[0] > light[1] > light[2]  # .1, .6, .9: the higher the darker


def test_ways_are_as_thick_as_their_rows_are_many():
    placed, _, _ = module._placed(small_tree(), 4.0)
    thick = [way[2] for way in module._ways(placed)]
    # Down and right, to each child: 100 and 70, 30 and 30; below 30 and 20, 10 and 10.
    rows = [100, 70, 30, 30, 30, 20, 10, 10]
    assert thick == pytest.approx([0.6 + (thick[0] - 0.6) * n / 100 for n in rows])
    assert thick[0] == module.THICKEST


def test_multiclass_and_regression():
    nodes = small_tree()
    for one, label in zip(nodes, ("a", "L" * 40 + "1", "b", "L" * 40 + "2", "b")):
        one |= {"label": label, "decision": None}
    picture = tree_picture(report_of(nodes, "multiclass"))
    labels = [text for text in texts(picture) if "…" in text]
    assert len(set(labels)) == 2  # classes that differ look different
    assert "Long names are shortened here" in picture.alt
    for one in nodes:
        one |= {"label": None, "p": one["p"] * 1000}
    picture = tree_picture(report_of(nodes, "regression"))
    assert {"mean", "100.0", "600.0", "900.0"} <= set(texts(picture))
    assert "the highest in R3 (mean 900.0)" in picture.alt
    assert "decline" not in " ".join(texts(picture))


def test_leaves_that_are_not_shown_are_counted():
    nodes = small_tree()
    nodes[3] |= {"rule": None, "decision": None, "below": 17}
    picture = tree_picture(report_of(nodes))
    assert "17 leaves" in texts(picture)
    assert "19 leaves, of which 2 are drawn" in picture.alt
    assert "triangle" in picture.caption
    nodes[1] |= {"rule": None, "below": 2}
    nodes[4] |= {"rule": None, "below": 2}
    for task in ("binary", "regression"):  # not a single leaf is shown
        assert "21 leaves, of which 0 are drawn" in tree_picture(report_of(nodes, task)).alt


def test_one_leaf_and_no_tree():
    picture = tree_picture(report_of([node(0, None, rule="R1", n=56, decision=True)]))
    assert picture.alt.endswith("every one of 56 training rows has P .50, declined.")
    assert "R1" in texts(picture)
    assert tree_picture({"tree": None}) is None
    assert tree_picture({}) is None


def test_same_bytes_again():
    assert tree_picture(report_of(small_tree())) == tree_picture(report_of(small_tree()))


def test_hostile_names_are_text_and_nothing_else():
    names = [
        "<script>alert(1)</script>",
        "$x$ $y_1$",
        'a "b"\n\x1b[31m',
        "]]>",
        "&amp;",
        "New  York",
    ]
    nodes = [node(0, None, n=100)]
    for k, name in enumerate(names):
        inner = nodes[-1]["id"] if k else 0
        nodes.append(node(2 * k + 1, inner, name, f"{shown(name)} <= 1", f"R{k + 1}", 5))
        nodes.append(node(2 * k + 2, inner, name, f"{shown(name)} > 1", None, 5))
    nodes[-1] |= {"rule": "R9"}
    picture = tree_picture(report_of(nodes))
    root = ElementTree.fromstring(picture.svg)
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {
        "svg", "style", "defs", "g", "path", "use", "text", "tspan", "clipPath", "rect",
    }  # fmt: skip
    for name in names:
        assert f"{shown(name)} <= 1" in texts(picture)


def shown(name):
    return name.replace("\n", "\\n").replace("\x1b", "\\x1b")


def test_text_from_right_to_left_does_not_carry_the_limit_away():
    lines, cut = lines_of(node(1, 0, "גיל", "גיל <= 30"), 3.0, Shortener())
    assert lines == ["\u200eגיל\u200e <= 30"]
    assert not cut


# -- nothing overlaps ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_leaves", [2, 10, 40])
@pytest.mark.parametrize("column", ["duration_months", "W" * 200, "収入" * 40, "two words " * 20])
def test_lines_have_room(n_leaves, column):
    nodes = comb(n_leaves, column)
    report = report_of(nodes)
    ends = [figures_of(one, report, Shortener()) for one in nodes if one["rule"]]
    columns = module._columns(ends)
    placed, height, cut = module._placed(nodes, columns.marker - module.GAP)
    assert cut == (column != "duration_months")
    bottom = 0.0
    for one in placed:
        assert one.y - LINE / 2 >= bottom
        bottom = one.y + LINE * (len(one.lines) - 0.5)
        assert len(one.lines) <= 2
        assert all(one.x + wide(line) <= columns.marker - module.GAP + 1e-9 for line in one.lines)
    assert bottom <= height
    edges = [
        columns.marker + 0.05, columns.rule,
        columns.rule + max(wide(end.rule) for end in ends), columns.p - wide(".50"),
        columns.p, columns.n - wide("rows"), columns.n, columns.word,
        columns.word + wide("decline"), WIDTH,
    ]  # fmt: skip
    assert edges == sorted(edges)
    assert tree_picture(report).svg.startswith("<svg")


def test_the_height_grows_with_the_leaves_and_the_width_does_not():
    roots = [ElementTree.fromstring(tree_picture(report_of(comb(n))).svg) for n in (2, 10, 40)]
    width, height = (
        [float(root.get(side).removesuffix("pt")) for root in roots] for side in ("width", "height")
    )
    assert width == [WIDTH * 72] * 3
    assert height == sorted(set(height))


# -- words that are shortened ---------------------------------------------------------------------

NAME = st.text(st.sampled_from("ab …2_לש収"), min_size=1, max_size=60)


@given(st.lists(NAME, min_size=2, max_size=8, unique=True), st.integers(6, 20))
@example(["a" * 20, "a" * 21, "a" * 22], 8)
@example(["aaaaaaaaaa", "aaaa…aaa"], 8)
def test_different_names_are_shortened_to_different_texts(names, most):
    shorten = Shortener()
    found = [shorten(name, most) for name in names]
    assert len(set(found)) == len(names)
    assert found == [shorten(name, most) for name in names]


@given(st.text(st.sampled_from("ab c W収"), max_size=80), st.floats(0.4, 3.0))
@settings(max_examples=40)
def test_wrapped_lines_fit_and_lose_nothing(text, room):
    lines = wrapped(text, room)
    assert all(wide(line) <= room + 1e-9 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(NAME, NAME, st.sampled_from(["", " or missing", " and not missing"]), st.floats(2.4, 4.0))
@settings(max_examples=40)
def test_the_comparison_and_the_missing_values_are_never_left_out(column, category, rest, room):
    assume(column.strip() and category.strip())
    column, category = column * 6, category * 6
    shorten, said = Shortener(), []
    for asks in (" is ", " is not "):
        edge = f"{column}{asks}{category}{rest}"
        lines, _ = lines_of(node(1, 0, column, edge), room, shorten)
        said.append(re.sub(r"[\s\u200e]", "", "".join(lines)))
        assert said[-1].endswith(rest.replace(" ", ""))
        assert len(lines) <= 2
    assert said[0] != said[1]
    assert ("is" in said[0]) and ("isnot" in said[1])


@pytest.mark.parametrize(
    "edge, ends",
    [
        ("{} <= 31.999999", "<= 31.999999"),
        ("{} > 1e-17 and not missing", "> 1e-17 and not missing"),
        ("11 < {} <= 12.5", "<= 12.5"),
        ("{} is missing", "is missing"),
        ("{} is present", "is present"),
    ],
)
def test_limits_are_never_left_out(edge, ends):
    column = "W" * 250
    lines, cut = lines_of(node(1, 0, column, edge.format(column)), 2.6, Shortener())
    assert cut
    assert " ".join(lines).endswith(ends)
    assert edge.startswith("11 < ") == " ".join(lines).startswith("11 < ")


def test_a_columns_name_within_its_limit():
    # The name is found where it stands, not in the number before it.
    edge = "11 < 1 <= 12"
    assert lines_of(node(1, 0, "1", edge), 3.0, Shortener()) == ([edge], False)


def test_figures():
    report = report_of(small_tree())
    found = [asdict(figures_of(one, report, Shortener())) for one in small_tree() if one["rule"]]
    assert found[0] == asdict(Line("R1", ".10", "70", "approve"))
