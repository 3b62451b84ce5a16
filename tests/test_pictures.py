"""The report's pictures: bytes that never change, names that stay text, figures of the dict."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_iris
from sklearn.pipeline import make_pipeline

from treeprune import explain
from treeprune.report import Options, Table, fit_rivals, report_of, study_of
from treeprune.report.pictures import pictures_of
from treeprune.report.pictures.attributions import _two_lines, attributions_picture
from treeprune.report.pictures.bars import Bar, Row, two_bars
from treeprune.report.pictures.calibration import calibration_picture
from treeprune.report.pictures.components import components_picture
from treeprune.report.pictures.path import _ticks, path_picture
from treeprune.report.pictures.style import (
    BEFORE,
    INK,
    TEXT,
    WIDTH,
    drawing,
    new_figure,
    short,
    svg_of,
    text_width,
)

# Small tables are pruned to the root now and then.
pytestmark = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")

ROOT = Path(__file__).resolve().parents[1]
SVG = "{http://www.w3.org/2000/svg}"
PAGE = 720  # pixels
HOSTILE = [
    "<script>alert(1)</script>",
    "$x^2$ and $\\frac{",
    "quotes \"' & <b>",
    "two\nlines\tand | bars",
    "\x1b[31mred\x1b[0m\x00",
    "\u202eright to left \u05d3\u05e0\u05d9",
    "x" * 300,
    "",
    "漢字の長い名前がここにあります",
    "😀 emoji",
]


def path_part(leaves, score=None, se=None, *, best=0, one_se=0, chosen=0, scoring="roc_auc"):
    """The part of a report that the path's picture is drawn from."""

    def row(step):
        figures = {"score": score[step], "se": se[step]} if score else {"score": None, "se": None}
        return {"step": step, "leaves": leaves[step], **figures}

    lower = scoring.startswith("neg_")
    limit = None
    if score and se[best] is not None:
        limit = score[best] + (1 if lower else -1) * se[best]
    return {
        "method": "cost_complexity",
        "risk_words": "impurity of the training rows",
        "scoring": scoring if score else None,
        "lower_is_better": lower,
        "folds": 5 if score else None,
        "curve": {
            "step": list(range(len(leaves))),
            "leaves": leaves,
            "score": score,
            "se": se,
            "risk": np.linspace(0.1, 0.4, len(leaves)).tolist(),
        },
        "choice": {
            "best": row(best) if score else None,
            "one_se": row(one_se) if score else None,
            "chosen": row(chosen),
            "limit": limit,
        },
    }


def attribution_part(names, shares=None, before=None):
    n = len(names)
    shares = [1 / n] * n if shares is None else shares
    before = shares if before is None else before
    columns = [{"column": c, "share": s, "before": b} for c, s, b in zip(names, shares, before)]
    return {
        "unit": "probability",
        "columns": columns,
        "n": 300,
        "n_used": sum(s > 0 for s in shares),
        "n_used_before": None if None in before else sum(b > 0 for b in before),
    }


def model_part(key, label, **components):
    parts = {name: dict(zip(("value", "low", "high"), entry)) for name, entry in components.items()}
    return {"key": key, "label": label, "components": parts}


COMPONENTS = {
    "refits": 10,
    "models": [
        model_part("grown", "as grown", size=(0.414, 0.3, 0.6), composite=(59.7, 53.4, 70.6)),
        model_part("pruned", "pruned (x)", size=(0.661, None, None), composite=(70.4, 47.0, 98.0)),
        model_part("linear", "logistic", size=(0.286, 0.2, 0.3), composite=(48.0, 40.0, 50.0)),
    ],
}


def calibration_part(kind="binary", label="1", bins=None):
    bins = bins or [
        {"p": 0.1, "share": 0.2, "low": 0.12, "high": 0.3, "n": 100},
        {"p": 0.7, "share": 0.6, "low": 0.5, "high": 0.75, "n": 40},
    ]
    gap = {"value": -0.043, "low": -0.09, "high": 0.01}
    models = [
        {"key": key, "label": name, "bins": bins, "gap": gap}
        for key, name in (("grown", "as grown"), ("pruned", "pruned"), ("linear", "logistic"))
    ]
    return {"kind": kind, "n": 140, "label": label, "models": models}


@pytest.fixture
def report():
    score, se = [0.68, 0.70, 0.69, 0.5], [0.01, 0.015, 0.02, 0.0]
    return {
        "title": {"target": "default"},
        "path": path_part([25, 10, 7, 1], score, se, best=1, one_se=2, chosen=2),
        "interpretability": COMPONENTS,
        "attribution": attribution_part(["age", "income"], [0.75, 0.25], [0.5, 0.4]),
        "calibration": calibration_part(),
    }


def texts(svg):
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


# -- style -------------------------------------------------------------------------------------


def test_a_picture_is_one_svg_element_without_traces(report):
    for picture in pictures_of(report).values():
        assert picture.svg.startswith("<svg") and picture.svg.endswith("</svg>\n")
        root = ElementTree.fromstring(picture.svg)
        assert root.tag == f"{SVG}svg"
        for trace in (
            "<?xml",
            "<!DOCTYPE",
            "metadata",
            "matplotlib.org",
            "rdf:",
            "<script",
            "/tmp",
        ):
            assert trace not in picture.svg
        # The only addresses are names of XML's own.
        assert set(re.findall(r'https?://[^"\s)]+', picture.svg)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }


def test_the_background_is_transparent(report):
    for picture in pictures_of(report).values():
        first = ElementTree.fromstring(picture.svg).find(f".//{SVG}path")
        assert first.get("style") == "fill: none"


def test_pictures_are_the_same_on_repetition_and_in_another_process(report):
    first = {name: picture.svg for name, picture in pictures_of(report).items()}
    assert first == {name: p.svg for name, p in pictures_of(copy.deepcopy(report)).items()}
    code = (
        "import json, sys\nfrom treeprune.report.pictures import pictures_of\n"
        "found = pictures_of(json.loads(sys.stdin.buffer.read()))\n"
        "print(json.dumps({name: picture.svg for name, picture in found.items()}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(report).encode(),
        capture_output=True,
        cwd=ROOT,
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT), "SOURCE_DATE_EPOCH": "1"},
    )
    assert json.loads(done.stdout) == first


def test_the_users_settings_neither_matter_nor_change(report):
    import matplotlib

    first = pictures_of(report)
    odd = {
        "font.size": 31.0,
        "axes.facecolor": "red",
        "svg.fonttype": "path",
        "axes.spines.top": True,
        "axes.grid": True,
        "lines.linewidth": 9.0,
        "text.usetex": True,
    }
    with matplotlib.rc_context(odd):
        assert pictures_of(report) == first
        assert all(matplotlib.rcParams[name] == value for name, value in odd.items())


def test_a_dark_page_changes_every_colour_that_needs_it():
    with drawing():
        drawn = new_figure(3, 2)
        ax = drawn.add_subplot()
        ax.plot([0, 1], color=INK)
        ax.bar([0], [1], color=BEFORE, hatch="//")
        svg = svg_of(drawn)
    dark = re.search(r"@media \(prefers-color-scheme: dark\)\{(.*)\}</style>", svg)[1]
    changed = set(re.findall(r'\[style\*="((?:fill|stroke): #[0-9a-f]{6})"\]', dark))
    used = set(re.findall(r"(?:fill|stroke): #[0-9a-f]{6}", svg.replace(dark, "")))
    assert f"stroke: {INK}" in used & changed and f"fill: {INK}" in used & changed
    for colour in {text.split("#")[1] for text in used - changed}:
        assert contrast(colour, "16181c") >= 3, colour
    for colour in re.findall(r"(?:fill|stroke):#([0-9a-f]{6}) !important", dark):
        assert colour in AREAS_AND_GRID or contrast(colour, "16181c") >= 4.5, colour


AREAS_AND_GRID = {"3a3f47", "1f3f54", "16181c"}  # behind what is to be seen


def contrast(one, other):
    """Contrast ratio of two colours, from 1 to 21 (WCAG 2)."""

    def luminance(colour):
        parts = np.array([int(colour[i : i + 2], 16) for i in (0, 2, 4)]) / 255
        linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_definition():
    assert contrast("ffffff", "000000") == pytest.approx(21)
    assert contrast(INK[1:], "ffffff") > 7


def test_no_text_is_smaller_than_12_pixels_on_the_page(report):
    for picture in pictures_of(report).values():
        width = float(re.search(r'width="([\d.]+)pt"', picture.svg)[1])
        sizes = {float(size) for size in re.findall(r"font(?:-size)?: ([\d.]+)px", picture.svg)}
        assert min(sizes) * PAGE / width >= 12, picture.name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_short_name_is_one_printable_line(name):
    text = short(name, 20)
    assert text and text.isprintable() and len(text) <= 20


def test_short_names_keep_both_ends_and_wide_characters_count_twice():
    assert short("abcdefghij", 10) == "abcdefghij"
    assert short("abcdefghijk", 10) == "abcde…hijk"
    assert short("漢字" * 20, 10) == "漢字…漢字"


@settings(max_examples=30)
@given(st.text(), st.integers(4, 40))
def test_short_names_of_any_text(name, most):
    text = short(name, most)
    assert text and text.isprintable() and len(text) <= max(most, 2)


def test_the_width_of_text_is_that_of_its_outline():
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    text = "months_since <= 11, größe"
    path = TextPath((0, 0), text, size=TEXT, prop=FontProperties(family=["DejaVu Sans"]))
    outline = float(path.get_extents().width) / 72
    assert text_width(text) == pytest.approx(outline, rel=0.03)
    assert text_width(text, 2 * TEXT) == pytest.approx(2 * text_width(text))
    # No glyph here: wider than any of ours.
    assert text_width("漢") > text_width("W")


# -- names from the data -----------------------------------------------------------------------


def left_of_axes(svg):
    """Where each line that ends at the axes ends, the line, and its size, in points."""
    return [
        (
            float(element.get("x")),
            element.text,
            float(re.search(r"font(?:-size)?: ([\d.]+)px", element.get("style"))[1]),
        )
        for element in ElementTree.fromstring(svg).iter(f"{SVG}text")
        if "text-anchor: end" in element.get("style")
    ]


def test_hostile_names_stay_text(recwarn):
    told = attribution_part(HOSTILE)
    target = {"target": "<b>$y$</b>"}
    picture = attributions_picture({"attribution": told})
    other = calibration_picture({"calibration": calibration_part(label="</text>"), "title": target})
    assert not recwarn.list
    shown = texts(picture.svg)
    assert "<script>alert(1)</script>" in shown and "''" in shown
    assert any("$x^2$" in text for text in shown)
    assert "predicted P(<b>$y$</b> = </text>)" in texts(other.svg)
    for svg in (picture.svg, other.svg):
        tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()}
        assert tags <= {"svg", "style", "defs", "g", "path", "use", "text", "pattern", "rect",
                        "clipPath"}  # fmt: skip
    for text in (picture.alt, other.alt, picture.caption):
        assert text.isprintable()


def test_long_names_that_differ_are_told_apart():
    names = [f"monthly income of the applicant {k} years before tax and rent" for k in range(16)]
    labels = left_of_axes(attributions_picture({"attribution": attribution_part(names)}).svg)
    assert len(labels) == 32
    assert len({(one[1], two[1]) for one, two in zip(labels[::2], labels[1::2])}) == 16
    assert all(text.startswith("monthly income of the") for _, text, _ in labels[::2])
    assert all(text.endswith("tax and rent") for _, text, _ in labels[1::2])


@pytest.mark.parametrize(
    "name, lines",
    [
        ("income before_tax and rent", ("income before_", "tax and rent")),
        ("abcdef", ("abc", "def")),
        ("a bcdefghijklmn", ("a bcdef", "ghijklmn")),
    ],
)
def test_two_lines_are_broken_between_words(name, lines):
    assert _two_lines(name) == lines


@pytest.mark.parametrize("names", [HOSTILE, ["W" * 28, "i"], ["漢" * 40]])
def test_names_are_inside_the_picture(names):
    svg = attributions_picture({"attribution": attribution_part(names)}).svg
    labels = left_of_axes(svg)
    assert len(labels) >= len(names)
    for x, text, size in labels:
        assert x - 72 * text_width(text, size) >= 0, text
    assert max(x for x, *_ in labels) < 72 * WIDTH / 2  # room for the bars


# -- path --------------------------------------------------------------------------------------


def test_the_path_marks_best_one_se_and_chosen(report):
    picture = path_picture(report)
    shown = texts(picture.svg)
    for text in (
        "AUC (higher is better)",
        "within one SE of the best",
        "mean over folds ± SE",
        "best: 10 leaves",
        "one SE: 7 leaves",
        "chosen: 7 leaves",
    ):
        assert text in shown
    assert picture.alt == (
        "Steps of cost-complexity pruning, cross-validated AUC (higher is better) against leaves: "
        ".680 with 25 leaves, .500 with 1 leaf. Best: .700 (SE .015) with 10 leaves; the one-SE "
        "rule takes 7 leaves; chosen: 7 leaves."
    )


def test_a_score_that_is_better_when_lower():
    part = path_part([4, 1], [0.1, 0.3], [0.01, 0.02], scoring="neg_brier_score")
    assert "Brier score (lower is better)" in texts(path_picture({"path": part}).svg)


def test_a_path_without_scores_shows_risk():
    shown = texts(path_picture({"path": path_part([9, 4, 1], chosen=1)}).svg)
    assert "risk: impurity of the training rows" in shown and "chosen: 4 leaves" in shown
    assert not any("SE" in text for text in shown)


def test_without_steps_there_is_no_path():
    assert path_picture({"path": path_part([1])}) is None
    assert path_picture({"path": {"method": "x"}}) is None


@pytest.mark.parametrize(
    "part",
    [
        path_part([2, 1], [0.5, 0.5], [0.0, 0.0]),
        path_part([2, 1], [0.5, 0.4], [None, None]),
        path_part([3, 2, 1], [0.5, None, 0.4], [0.1, None, 0.1], chosen=1),
        path_part(list(range(9000, 0, -45)), [0.5] * 200, [0.1] * 200, best=100, one_se=199),
        path_part([12, 11, 10]),
    ],
    ids=["equal", "no SE", "not asked", "large", "never to the root"],
)
def test_paths_at_the_edge_are_drawn(part, recwarn):
    assert path_picture({"path": part}).svg
    assert not recwarn.list


def test_ticks_by_hand():
    assert _ticks(1, 6) == [1, 2, 3, 4, 5, 6]
    assert _ticks(1, 38) == [1, 2, 5, 10, 20, 38]
    assert _ticks(10, 12) == [10, 12]


@given(st.integers(1, 50_000), st.integers(1, 50_000))
@settings(max_examples=50)
def test_ticks_are_both_ends_and_keep_apart(low, more):
    high = low + more
    ticks = _ticks(low, high)
    assert ticks[0] == low and ticks[-1] == high and ticks == sorted(set(ticks))
    assert len(ticks) <= 17
    if len(ticks) > 2:
        assert np.diff(np.log(ticks)).min() > 0.059 * np.log(high / low)


# -- bars --------------------------------------------------------------------------------------


def lengths(drawn):
    """Lengths of the bars of each container."""
    return [[bar.get_width() for bar in bars] for bars in drawn.axes[0].containers]


def test_bars_are_as_long_as_the_figures():
    rows = [
        Row("a", Bar(0.2, ".20"), Bar(0.4, ".40", 0.1, 0.6)),
        Row("b", Bar(None, "-"), Bar(0, "0")),
    ]
    with drawing():
        drawn = two_bars(rows, ("old", "new"), 1.0)
    assert lengths(drawn) == [[0.2, 0.0], [0.4, 0.0]]
    ends = {tuple(line.get_xdata()) for line in drawn.axes[0].lines}
    assert ends == {(0.1, 0.6)}
    assert [text.get_text() for text in drawn.axes[0].texts] == [".20", "-", ".40", "0", "a", "b"]
    assert {bars[0].get_hatch() for bars in drawn.axes[0].containers} == {"////", None}


def test_components_put_the_composite_on_the_same_scale():
    picture = components_picture({"interpretability": COMPONENTS})
    assert picture.alt == (
        "Bars from 0 to 1, larger is easier, as grown against pruned (x): size .41 to .66, "
        "composite 60 to 70."
    )
    shown = texts(picture.svg)
    assert {"as grown", "pruned (x)", ".41", ".66", "60", "70"} <= set(shown)
    assert "logistic" not in shown


def test_without_refits_there_are_no_components():
    assert components_picture({"interpretability": None}) is None


def test_attributions_say_both_shares():
    told = attribution_part(["age", "income", "town"], [0.75, 0.25, 0.0], [0.5, 0.3, 0.2])
    picture = attributions_picture({"attribution": told})
    assert picture.alt == (
        "Bars, share of the mean size of attributions, as grown to pruned: age .50 to .75, income "
        ".30 to .25, town .20 to .00. The tree as grown uses 3 columns, the pruned one 2."
    )


def test_attributions_of_the_pruned_tree_alone():
    told = attribution_part(["age", "income"], [0.75, 0.25], [None, None])
    picture = attributions_picture({"attribution": told})
    assert "age - to .75" in picture.alt and "The tree as grown" not in picture.alt


def test_without_attributions_there_is_no_picture():
    assert attributions_picture({"attribution": None}) is None


# -- calibration -------------------------------------------------------------------------------


def test_calibration_says_gap_and_intervals():
    picture = calibration_picture(
        {"calibration": calibration_part(), "title": {"target": "default"}}
    )
    assert picture.alt == (
        "Predicted P(default = 1) against observed share on 140 held-out rows. as grown: 1 of 2 "
        "intervals hold the prediction; mean predicted minus seen -.043 [-.090,+.010]. pruned: 1 "
        "of 2 intervals hold the prediction; mean predicted minus seen -.043 [-.090,+.010]."
    )
    assert {"predicted P(default = 1)", "as predicted", "as grown"} <= set(texts(picture.svg))


@pytest.mark.parametrize("kind", ["multiclass", "regression"])
def test_calibration_of_other_tasks(kind):
    told = calibration_part(kind, None)
    assert calibration_picture({"calibration": told, "title": {"target": "y"}}).svg


@pytest.mark.parametrize(
    "p, share, low, high",
    [(1.0, 1.0, 0.5, 0.9999999999), (0.0, 0.0, 0.0, 0.0), (-5e9, 3e9, None, None)],
)
def test_a_single_bin_is_drawn(p, share, low, high, recwarn):
    bins = [{"p": p, "share": share, "low": low, "high": high, "n": 1}]
    told = calibration_part("regression", None, bins)
    picture = calibration_picture({"calibration": told, "title": {"target": "y"}})
    assert not recwarn.list
    n = 0 if low is None else 1
    assert f"{n} of " in picture.alt


# -- all of them -------------------------------------------------------------------------------


def test_pictures_come_in_order(report):
    found = pictures_of(report)
    assert list(found) == ["path", "components", "attributions", "calibration"]
    for name, picture in found.items():
        assert picture.name == name and picture.alt.endswith(".") and picture.caption.endswith(".")


def test_a_report_with_nothing_to_show_has_no_pictures():
    nothing = {"path": path_part([1]), "interpretability": None, "attribution": None}
    assert pictures_of(nothing) == {}


# -- real reports ------------------------------------------------------------------------------

QUICK = Options(cv=2, n_resamples=1000, refits=2)


def reported(frame, target="y", options=QUICK, **kwargs):
    study = study_of(Table(frame, ""), name="data", target=target, **kwargs)
    fits = fit_rivals(study, options)
    return study, fits, report_of(study, fits, options)


def noise():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=120), "y": rng.integers(0, 2, 120)})


def signal(names):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, len(names)))
    frame = pd.DataFrame(X, columns=names)
    shift = X @ np.linspace(1, 0.1, len(names)) + rng.normal(size=500)
    frame["y"] = pd.Categorical(np.where(shift > 0, "$yes$ <b>", "no"))
    return frame


@pytest.fixture(scope="module")
def binary():
    # pandas and numpy lose a NUL at the end of a name.
    names = [name.rstrip("\x00") for name in HOSTILE if name]
    return reported(signal(names), positive="$yes$ <b>")


@pytest.fixture(scope="module")
def multiclass():
    frame = load_iris(as_frame=True).frame
    frame["target"] = pd.Categorical(frame["target"].map(dict(enumerate("abc"))))
    return reported(frame, "target")


@pytest.fixture(scope="module")
def regression():
    return reported(load_diabetes(as_frame=True, scaled=False).frame, "target")


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_a_report_has_all_pictures_from_its_json(kind, request, recwarn):
    _, _, report = request.getfixturevalue(kind)
    found = pictures_of(json.loads(json.dumps(report, allow_nan=False)))
    assert list(found) == ["path", "tree", "components", "attributions", "calibration"]
    assert not recwarn.list
    for picture in found.values():
        ElementTree.fromstring(picture.svg)
        assert picture.alt.isprintable() and picture.caption.isprintable()


def test_a_tree_of_one_leaf():
    _, fits, report = reported(noise())
    assert fits.rival("pruned").native.get_n_leaves() == 1 and report["attribution"] is None
    found = pictures_of(report)
    assert {"path", "components", "calibration"} <= set(found) and "attributions" not in found


def test_a_report_without_scores():
    options = Options("pessimistic", cv=2, n_resamples=1000, refits=0)
    _, _, report = reported(signal(["a", "b", "c"]), options=options)
    found = pictures_of(report)
    assert "components" not in found
    assert "Chosen:" in found["path"].alt


# -- shares before and after -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_shares_before_are_those_of_the_tree_as_grown(kind, request):
    study, fits, report = request.getfixturevalue(kind)
    told = report["attribution"]
    for key, name, count in (("grown", "before", "n_used_before"), ("pruned", "share", "n_used")):
        whole = make_pipeline(fits.pipeline[0], fits.rival(key).model)
        ex = explain(whole, study.X_train, study.y_train)
        size = np.abs(ex.attributions(study.X_test).values)
        size = size.mean(axis=0).reshape(len(ex.columns), -1).sum(axis=1)
        expected = dict(zip(ex.columns, size / size.sum()))
        for column in told["columns"]:
            assert column[name] == pytest.approx(expected[column["column"]], abs=1e-12)
        assert told[count] == sum(share > 1e-15 for share in expected.values())
        # The first eight of either tree are there.
        used = sorted((c for c in expected if expected[c] > 1e-15), key=lambda c: -expected[c])
        assert set(used[:8]) <= {column["column"] for column in told["columns"]}


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_columns_are_ordered_by_share_and_then_by_that_before(kind, request):
    columns = request.getfixturevalue(kind)[2]["attribution"]["columns"]
    keys = [(-column["share"], -column["before"]) for column in columns]
    assert keys == sorted(keys) and 1 <= len(columns) <= 16
    assert all(column["share"] > 0 or column["before"] > 0 for column in columns)
