"""The renderings read back: text, Markdown, HTML and JSON of one report say the same."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from reports import HOSTILE
from reports import credit as make_credit

from treeprune.report import Report
from treeprune.report.document import Code, Figure, Items, Paragraph
from treeprune.report.document import Table as DocumentTable
from treeprune.report.figures import figure, fixed, percent, signed, significant
from treeprune.report.markdown import _paragraph, escaped
from treeprune.report.words import FIGURES, printable
from treeprune.report.written import document_of

pytestmark = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")

each_report = pytest.mark.parametrize(
    "which",
    ["hostile", "multiclass", "regression", "credit", "forest", "booster", "network"],
)


# -- reading back --------------------------------------------------------------------------------


class Page(HTMLParser):
    """Tables, paragraphs, heads, items and code of a page as text, in their order."""

    KINDS = ("p", "h1", "h2", "h3", "li", "pre", "caption", "figcaption", "td", "th", "title")

    def __init__(self, text):
        super().__init__()
        self.found, self.open, self.tags, self.tables = [], [], [], []
        self.attributes = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append((dict(attrs).get("id"), []))
        if tag == "tr":
            self.tables[-1][1].append([])
        if tag in self.KINDS:
            self.open.append((tag, []))

    def handle_endtag(self, tag):
        if self.open and self.open[-1][0] == tag:
            kind, parts = self.open.pop()
            text = " ".join("".join(parts).split())
            self.found.append((kind, text))
            if kind in ("td", "th"):
                self.tables[-1][1][-1].append(text)

    def handle_data(self, data):
        if self.open:
            self.open[-1][1].append(data)

    def texts(self, *kinds):
        return [text for kind, text in self.found if kind in kinds]


def squeezed(text):
    return " ".join(text.split())


def blocks(report, *kinds):
    document = document_of(report.content)
    sections = (*document.front, *document.details)
    return [b for section in sections for b in section.blocks if isinstance(b, kinds)]


def table_rows(tables):
    """Cells of each row; a row that spans all columns is one cell, however it is laid out."""
    return [[[c for c in row if c] if len([c for c in row if c]) == 1 else row for row in rows]
            for rows in tables]  # fmt: skip


def expected_tables(report):
    return [
        [[squeezed(cell) for cell in row] for row in (block.head, *block.rows)]
        for block in blocks(report, DocumentTable)
    ]


@each_report
def test_html_says_what_the_document_says(which, request):
    report = request.getfixturevalue(which)
    page = Page(report.to_html())
    assert table_rows(rows for _, rows in page.tables) == table_rows(expected_tables(report))
    document = document_of(report.content)
    paragraphs = [squeezed(b.text) for b in blocks(report, Paragraph)]
    shown = page.texts("p", "h3")
    for text in (*paragraphs, squeezed(document.subtitle), f"Made {squeezed(document.stamp)}"):
        assert text in shown
    assert page.texts("h1") == [squeezed(document.title)] == page.texts("title")
    items = [squeezed(text) for b in blocks(report, Items) for text in b.texts]
    links = [section.title for section in document.details]
    assert page.texts("li") == links + items or sorted(page.texts("li")) == sorted(links + items)
    assert page.texts("pre") == [squeezed(b.text) for b in blocks(report, Code)]


@each_report
def test_markdown_says_what_the_document_says(which, request):
    report = request.getfixturevalue(which)
    rendered = MarkdownIt("commonmark").enable("table").render(report.to_markdown())
    page = Page(rendered)
    assert table_rows(rows for _, rows in page.tables) == table_rows(expected_tables(report))
    shown = page.texts("p", "h3")
    for block in blocks(report, Paragraph):
        assert squeezed(block.text) in shown
    items = [squeezed(text) for b in blocks(report, Items) for text in b.texts]
    assert page.texts("li") == items
    assert page.texts("pre") == [squeezed(b.text) for b in blocks(report, Code)]
    figures = [b.name for b in blocks(report, Figure) if b.name in report.pictures]
    sources = [attrs["src"] for tag, attrs in page.attributes if tag == "img"]
    assert sources == [f"treeprune-{name}.svg" for name in figures]
    alts = [squeezed(attrs["alt"]) for tag, attrs in page.attributes if tag == "img"]
    assert alts == [squeezed(report.pictures[name].alt) for name in figures]
    assert "a" not in page.tags  # nothing in the data became a link


@each_report
def test_text_says_what_the_document_says(which, request):
    report = request.getfixturevalue(which)
    text = report.to_text()
    words = squeezed(text)
    for block in blocks(report, Paragraph):
        assert squeezed(block.text) in words
    for block in blocks(report, Items):
        for item in block.texts:
            assert squeezed(item) in words
    for block in blocks(report, Code):
        assert squeezed(block.text) in words
    for rows in expected_tables(report):
        for row in rows:
            for cell in row:
                pieces = [piece for part in cell.split("; ") for piece in part.split()]
                assert all(piece.rstrip(";") in words for piece in pieces)
    # Figures of narrow tables stand in one line beside each other.
    lines = [squeezed(line) for line in text.splitlines()]
    for block in blocks(report, DocumentTable):
        if block.wrapped is None and max(len(squeezed(" ".join(r))) for r in block.rows) < 70:
            for row in block.rows:
                assert squeezed(" ".join(row)) in lines
    front = text.partition("\n\n" + "-" * 100 + "\n")[0]
    stamp_line = text[text.rindex("Made ") :]
    assert report.to_text(details=False) == f"{front}\n{stamp_line}"


# -- the dict ------------------------------------------------------------------------------------


def told(report):
    """The dict as a reader of the JSON gets it, and the page's tables by name."""
    page = Page(report.to_html())
    tables = {name.removeprefix("table-"): rows for name, rows in page.tables}
    return json.loads(report.to_json()), tables


def interval(entry, form=figure):
    if entry["low"] is None:
        return form(entry["value"])
    edge = (lambda value: significant(value, 3)) if form is significant else form
    return f"{form(entry['value'])} [{edge(entry['low'])},{edge(entry['high'])}]"


@each_report
def test_held_out_figures_are_those_of_the_json(which, request):
    content, tables = told(request.getfixturevalue(which))
    held = content["held_out"]
    by_head = {words: name for name, words in FIGURES.items()}
    seen = set()
    for key in ("held_out", "more_figures"):
        if key not in tables:
            continue
        head, *rows = tables[key]
        for row, model in zip(rows, held["rows"], strict=True):
            assert row[0] == model["model"]
            for said, cell in zip(head[1:], row[1:], strict=True):
                name = by_head[said.removesuffix(" [95 %]")]
                entry = model["figures"][name]
                form = significant if name in ("rmse", "mae") else figure
                assert cell == (interval(entry, form) if "[" in said else form(entry["value"]))
                seen.add(name)
    assert set(held["rows"][0]["figures"]) - seen <= {"cost_argmax"}
    head, *rows = tables["differences"]
    for row, d in zip(rows, held["differences"], strict=True):
        assert row[1:4] == [
            signed(d["value"]), f"[{signed(d['low'])},{signed(d['high'])}]", d["verdict"].upper(),
        ]  # fmt: skip


@each_report
def test_before_and_after_is_that_of_the_json(which, request):
    content, tables = told(request.getfixturevalue(which))
    held, use = content["held_out"], content["use"]
    grown, pruned = held["rows"][:2]
    rows = {row[0]: row[1:] for row in tables["before_after"][1:]}
    for name in held["changes"]:
        form = significant if name in ("rmse", "mae") else figure
        sides = [interval(row["figures"][name], form) for row in (grown, pruned)]
        assert rows[FIGURES[name]][:2] == sides
        change = rows[FIGURES[name]][2].split(" ")[0].lstrip("+")
        assert change == form(held["changes"][name]["value"])
    against_grown = next(d for d in held["differences"] if d["rival"] == "grown")
    assert rows[f"verdict on {FIGURES[held['lead']]}"][2] == against_grown["verdict"].upper()
    for key in (*content["model"]["sizes"], "columns"):
        said, form = ("tests per row", lambda v: fixed(v, 1)) if key == "tests" else (key, str)
        assert rows[said][:2] == [form(grown[key]), form(pruned[key])]
    for key in ("rules", "bytes"):
        both = [use[side][key] for side in ("grown", "pruned")]
        assert (key in rows) == (both[0] is not None)
        if key in rows:
            assert rows[key][:2] == [str(value) for value in both]
    conditions = [fixed(use[side]["conditions"], 1) for side in ("grown", "pruned")]
    if content["model"]["kind"] == "tree":
        assert rows["conditions per row"][:2] == conditions
    if pruned["changed"] is not None:
        assert rows["decided otherwise"][2] == percent(pruned["changed"])


@each_report
def test_rules_are_those_of_the_json(which, request):
    content, tables = told(request.getfixturevalue(which))
    rows = tables.get("all_rules", tables["rules"])[1:]
    regression = content["title"]["task"] == "regression"
    form = significant if regression else (lambda value: figure(value, 2))
    for row, rule in zip(rows, content["rules"]["shown"], strict=True):
        conditions = "; ".join(map(printable, rule["conditions"])) or "every row"
        assert row[:4] == [rule["rule"], squeezed(conditions), str(rule["train"]), form(rule["p"])]
        share = form(rule["share"]) + (" !" if rule["differs"] else "")
        bounds = content["model"]["reading"] == "model"  # a share of rows has an interval
        assert row[4 + bounds : 6 + bounds] == [str(rule["held_out"]), share]


def test_scores_path_and_shares_are_those_of_the_json(credit):
    content, tables = told(credit)
    models = content["interpretability"]["models"]
    for row in tables["interpretability"][1:]:
        for cell, model in zip(row[1:], models, strict=True):
            entry = model["components"][row[0]]
            form = (lambda v: fixed(v, 0)) if row[0] == "composite" else figure
            both = model["key"] in ("grown", "pruned")
            assert cell == (interval(entry, form) if both else form(entry["value"]))
    for row, step in zip(tables["path"][1:], content["path"]["steps"], strict=True):
        assert row == [
            str(step["step"]), significant(step["strength"]), str(step["leaves"]),
            significant(step["risk"]), figure(step["score"], 4), figure(step["se"], 4),
            ", ".join(step["marks"]),
        ]  # fmt: skip
    for row, share in zip(tables["attributions"][1:], content["attribution"]["columns"]):
        assert row == [share["column"], figure(share["before"], 2), figure(share["share"], 2)]
    rows = [row for row in tables["calibration"][1:] if len(row) == 3]
    bins = [
        b
        for model in content["calibration"]["models"]
        if model["key"] in ("grown", "pruned")
        for b in model["bins"]
    ]
    assert len(rows) == len(bins)
    for row, b in zip(rows, bins, strict=True):
        assert row == [figure(b["p"]), interval({"value": b["share"], **b}), str(b["n"])]


def test_groups_are_those_of_the_json(hostile):
    content, tables = told(hostile)
    (column,) = content["fairness"]["columns"]
    assert len(column["groups"]) == 2
    rows = tables["groups_1"][1:]
    for k, group in enumerate(column["groups"]):
        assert rows[3 * k][0].startswith(f"{printable(group['group'])}: {group['count']} rows")
        for row, side in zip(rows[3 * k + 1 : 3 * k + 3], ("before", "after"), strict=True):
            entry = group[side]["selection_rate"]
            assert row[1] == interval(entry, lambda value: figure(value, 2))
    assert tables["limits"][1][0] == "selection_rate_ratio >= 0.9"


def test_two_runs_are_identical_but_for_the_stamp(credit):
    report, again = credit, make_credit()
    assert {**again.content, "made": None} == {**report.content, "made": None}
    unstamped = [Report({**r.content, "made": None}).files() for r in (report, again)]
    assert unstamped[0] == unstamped[1]
    # With the stamp, only lines that hold it differ.
    for name, first in report.files().items():
        lines = zip(first.splitlines(), again.files()[name].splitlines(), strict=True)
        differ = [pair for pair in lines if pair[0] != pair[1]]
        assert len(differ) <= 4, name
        if name.endswith((".svg",)):
            assert not differ


# -- hostile names -------------------------------------------------------------------------------


def test_hostile_names_make_no_element_and_are_shown_as_written(hostile):
    page = Page(hostile.to_html())
    own = {"html", "head", "meta", "title", "style", "body", "header", "h1", "p", "main", "div",
           "section", "h2", "h3", "table", "caption", "thead", "tbody", "tr", "th", "td", "nav",
           "ul", "ol", "li", "a", "figure", "img", "figcaption", "pre", "code", "footer",
           "script"}  # fmt: skip
    assert set(page.tags) <= own
    assert page.tags.count("script") == page.tags.count("style") == page.tags.count("h1") == 1
    shown = "\n".join(text for _, text in page.found)
    for name in HOSTILE[:3]:
        assert name in shown
    assert "&lt;h1&gt;" not in shown
    assert "<h1>data</h1> | x, PRUNED TREE" in shown
    for _tag, attributes in page.attributes:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/svg+xml;base64,"))


def test_the_policy_allows_only_the_pages_own(credit):
    import base64
    import hashlib

    page = credit.to_html()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src &#39;none&#39;;")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy
    assert "http:" not in page
    assert "https:" not in page


@given(st.text(alphabet=st.sampled_from("ab1 \\`*_~$|<>[]()!&#;:/.@w-+=#'\"{}\t"), max_size=40))
def test_escaped_text_is_shown_as_written(text):
    text = squeezed(text)
    rendered = MarkdownIt("gfm-like", {"linkify": False}).render(f"{_paragraph(text)}\n")
    page = Page(rendered)
    assert "".join(page.texts("p")) == text
    assert set(page.tags) <= {"p"}
    cell = MarkdownIt("commonmark").enable("table").render(f"| h |\n| :--- |\n| {escaped(text)} |")
    assert Page(cell).tables[0][1][1] == [text]


def test_addresses_do_not_become_links():
    for text in ("https://example.org", "www.example.org", "x@example.org"):
        assert text not in escaped(text)
        assert Page(MarkdownIt("commonmark").render(escaped(text))).texts("p") == [text]


# -- the object ----------------------------------------------------------------------------------


def test_files_are_saved_whole(credit, tmp_path):
    paths = credit.save(tmp_path / "out", ("markdown", "json"))
    names = sorted(path.name for path in paths)
    pictures = [f"treeprune-{name}.svg" for name in credit.pictures]
    assert names == sorted(["treeprune-report.md", "treeprune-report.json", *pictures])
    assert json.loads((tmp_path / "out" / "treeprune-report.json").read_text("utf-8"))
    with pytest.raises(ValueError, match="possible are text, markdown, html, json"):
        credit.save(tmp_path / "other", ("pdf",))
    assert not (tmp_path / "other").exists()


def test_a_notebook_shows_the_page_in_a_frame(credit):
    shown = credit._repr_html_()
    (frame,) = [attrs for tag, attrs in Page(shown).attributes if tag == "iframe"]
    assert frame["srcdoc"] == credit.to_html()
    assert frame["sandbox"] == "allow-scripts"
