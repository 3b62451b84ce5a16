"""The page in a real browser: Chromium without a window, as a reader would open the file."""

from __future__ import annotations

import os
import shutil

import pytest
from reports import HOSTILE

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
REQUIRED = os.environ.get("TREEPRUNE_BROWSER") == "required"  # as on the machine that checks

if not REQUIRED:
    pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = [
    pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning"),
    pytest.mark.skipif(
        CHROMIUM is None and not REQUIRED, reason="Chromium is not installed (apt install chromium)"
    ),
]

each_report = pytest.mark.parametrize("which", ["credit", "hostile", "multiclass", "regression"])


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as library:
        # Root, as in containers, has no sandbox.
        program = library.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield program
        program.close()


class Opened:
    """A page with all that it complained of and asked for."""

    def __init__(self, browser, path, **context):
        self.page = browser.new_page(**context)
        self.complaints, self.requests = [], []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())


@pytest.fixture
def opened(browser, request, tmp_path):
    pages = []

    def open_(which, **context):
        report = request.getfixturevalue(which)
        path = tmp_path / "report.html"
        path.write_bytes(report.files(["html"])["treeprune-report.html"])
        pages.append(Opened(browser, path, **context))
        return pages[-1], path

    yield open_
    for one in pages:
        one.page.close()


@each_report
def test_no_complaint_no_request_and_every_figure_is_visible(opened, which, request):
    one, path = opened(which)
    pictures = request.getfixturevalue(which).pictures
    images = one.page.locator("figure img")
    assert images.count() == len(pictures) >= 3
    for i in range(images.count()):
        images.nth(i).scroll_into_view_if_needed()
        box = images.nth(i).bounding_box()
        assert box["width"] > 200
        assert box["height"] > 100
        assert images.nth(i).evaluate("image => image.complete && image.naturalWidth > 0")
        assert len(images.nth(i).get_attribute("alt")) > 40
    assert one.complaints == []
    outside = [url for url in one.requests if not url.startswith("data:image/svg+xml;base64,")]
    assert outside == [path.as_uri()]


@each_report
@pytest.mark.parametrize("width", [320, 390, 740, 1280])
def test_no_width_needs_scrolling_sideways(opened, which, width):
    one, _ = opened(which, viewport={"width": width, "height": 800})
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width
    # Cells keep inside the page as well; only figures scroll within themselves.
    outside = one.page.evaluate(
        "width => [...document.querySelectorAll('p, li, td, th, h1, h2, h3, pre')]"
        ".filter(e => e.getClientRects().length && e.getBoundingClientRect().right > width + 1)"
        ".map(e => e.textContent.slice(0, 40))",
        width,
    )
    assert outside == []


def column(page, table, i):
    return page.locator(f"#table-{table} tbody tr > :nth-child({i})").all_inner_texts()


def test_rules_are_sorted_by_what_is_clicked(opened, credit):
    one, _ = opened("credit")
    rules = credit.content["rules"]["shown"]
    page = one.page
    assert [int(n) for n in column(page, "rules", 3)] == [rule["train"] for rule in rules]
    head = page.locator("#table-rules th", has_text="train")
    button = head.get_by_role("button")
    button.click()
    counts = sorted(rule["train"] for rule in rules)
    assert [int(n) for n in column(page, "rules", 3)] == counts
    assert head.get_attribute("aria-sort") == "ascending"
    button.press("Enter")  # without a mouse
    assert [int(n) for n in column(page, "rules", 3)] == counts[::-1]
    assert head.get_attribute("aria-sort") == "descending"
    # Numbers sort as numbers, and rows stay whole.
    page.locator("#table-rules th", has_text="rule").first.get_by_role("button").click()
    assert column(page, "rules", 1) == [rule["rule"] for rule in rules]
    assert [int(n) for n in column(page, "rules", 3)] == [rule["train"] for rule in rules]
    assert head.get_attribute("aria-sort") is None
    assert one.complaints == []


def test_hostile_names_are_text(opened, hostile):
    one, _ = opened("hostile")
    page = one.page
    assert page.title() == "<h1>data</h1> | x, PRUNED TREE"
    for tag in ("b", "u", "i", "iframe", "object", "form", "input", "svg"):
        assert page.locator(tag).count() == 0
    assert page.locator("script").count() == page.locator("h1").count() == 1
    named = page.locator("#table-columns tbody tr > :first-child").all_text_contents()
    for name in HOSTILE[:3]:
        assert name in named
    assert page.locator("a").evaluate_all(
        "links => links.every(link => link.getAttribute('href').startsWith('#'))"
    )


def test_light_dark_and_print(opened):
    one, _ = opened("credit", color_scheme="light")
    light = one.page.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = one.page.evaluate("getComputedStyle(document.body).color")
    dark, _ = opened("credit", color_scheme="dark")
    assert light == "rgb(255, 255, 255)"
    assert dark.page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    assert dark.page.evaluate("getComputedStyle(document.body).color") != ink
    dark.page.emulate_media(media="print")
    assert dark.page.evaluate("getComputedStyle(document.body).backgroundColor") == light
    assert not dark.page.locator("nav").is_visible()
    assert dark.page.pdf()[:5] == b"%PDF-"


def test_without_scripts_all_is_there(browser, credit, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(credit.to_html(), "utf-8")
    one = Opened(browser, path, java_script_enabled=False)
    rules = one.page.locator("#table-rules tbody tr")
    assert rules.count() == len(credit.content["rules"]["shown"])
    assert one.page.locator("#table-rules th button").count() == 0
    assert one.page.locator("#made").is_visible()
    one.page.close()
