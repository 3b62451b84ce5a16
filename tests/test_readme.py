"""The README is true: its Python runs, its two set-up lines are the only ones, its figures hold."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import sklearn

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def blocks(*languages: str) -> list[str]:
    return [body for language, body in BLOCKS if language in languages]


def test_code_blocks_run_in_order():
    names: dict = {}
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False)
    log: list[str] = []
    ran = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a search tries strengths that leave the root
        for language, body in BLOCKS:
            if language == "python":
                exec(compile(body, "README.md", "exec"), names)
                ran += 1
            elif language == "pycon":
                test = parser.get_doctest(body, names, "README.md", "README.md", 0)
                runner.run(test, out=log.append, clear_globs=False)
                names = test.globs
                ran += 1
    assert not log, "".join(log)
    assert ran == len(blocks("python", "pycon")) >= 3


def test_the_first_screen_has_exactly_two_set_up_lines():
    (block,) = blocks("sh")
    demo, tests = block.strip().splitlines()
    assert demo.endswith("treeprune demo")
    assert tests.endswith("pytest")
    assert README.index("```sh") < 600  # on the first screen


def words_of(svg: str) -> list[str]:
    """What a picture says, whatever version of matplotlib has drawn it."""
    return re.findall(r">([^<>\s][^<>]*)</text>", svg)


@pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9),
    reason="the figures shown are those of scikit-learn 1.9; older ones break ties otherwise",
)
def test_the_report_shown_is_what_the_demo_prints(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "treeprune", "demo", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    shown = next(body for body in blocks("text") if body.startswith("SUMMARY"))
    for line in shown.splitlines():
        assert line in done.stdout
    for picture in re.findall(r"\(docs/images/(treeprune-\w+\.svg)\)", README):
        drawn = (tmp_path / picture).read_text(encoding="utf-8")
        shown = (ROOT / "docs" / "images" / picture).read_text(encoding="utf-8")
        assert words_of(drawn) == words_of(shown), f"draw {picture} anew"


def test_pictures_and_files_named_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    for folder in re.findall(r"`(\w+/(?:\w+\.py)?)`", README):
        assert (ROOT / folder).exists(), folder
