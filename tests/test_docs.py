"""The documentation site: nothing public is missing, no page is lost, what it shows runs.

These checks need no sphinx, but for the last ones; the site itself is built with warnings as
errors in CI.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import sys
import types
from pathlib import Path

import pytest

import treeprune

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
MADE = ("auto_examples", "api/generated", "api/backreferences", "_build")  # by the build


def _is_made(path: Path) -> bool:
    return path.relative_to(DOCS).as_posix().startswith(MADE)


PAGES = sorted(
    path
    for ending in ("md", "rst")
    for path in DOCS.rglob(f"*.{ending}")
    if not _is_made(path) and not path.relative_to(DOCS).parts[0].startswith("_")
)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(DOCS).as_posix())


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# --- the API reference ---------------------------------------------------------------------------


def reference(text: str) -> list[str]:
    """Full names that a page of autosummary tables and `py:data` lists, in its order."""
    names, module, in_table = [], "", False
    for line in text.splitlines():
        if found := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif found := re.fullmatch(r"\.\. py:data:: (\S+)", line):
            names.append(found[1])
            in_table = False
        elif line and not line.startswith(" "):
            in_table = line == ".. autosummary::"
        elif in_table and (found := re.fullmatch(r"   (\w+)", line)):
            names.append(f"{module}.{found[1]}")
    return names


def test_the_reader_of_the_reference():
    text = """Title
.. currentmodule:: a.b

.. autosummary::
   :toctree: generated

   One

.. py:data:: a.TWO

   Words
"""
    assert reference(text) == ["a.b.One", "a.TWO"]


LISTED = [name for page in sorted(DOCS.glob("api/*.rst")) for name in reference(_read(page))]


def _thing(name: str) -> object:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def test_what_is_listed_exists_and_is_listed_once():
    things = [id(_thing(name)) for name in LISTED]
    twice = [name for name, thing in zip(LISTED, things, strict=True) if things.count(thing) > 1]
    assert not twice, f"one object under two names in docs/api/: {twice}"


PUBLIC_MODULES = ("metrics", "report", "saving", "datasets", "native", "explain", "pruning")


@pytest.mark.parametrize("module", ["treeprune", *(f"treeprune.{name}" for name in PUBLIC_MODULES)])
def test_every_public_name_is_in_the_reference(module):
    listed = {id(_thing(name)) for name in LISTED}
    public = importlib.import_module(module)
    missing = [
        name
        for name in public.__all__
        if not isinstance(thing := getattr(public, name), types.ModuleType)
        and id(thing) not in listed
    ]
    assert not missing, f"add to a page of docs/api/, under {module}: {missing}"


def test_every_public_module_of_the_package_is_looked_at():
    modules = [n for n in treeprune.__all__ if isinstance(getattr(treeprune, n), types.ModuleType)]
    assert set(modules) <= set(PUBLIC_MODULES)


# --- pages ---------------------------------------------------------------------------------------


def _toctrees(text: str) -> list[str]:
    """Entries of all toctrees, in Markdown and reStructuredText."""
    found = re.findall(r"^```\{toctree\}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    found += re.findall(r"^\.\. toctree::\n((?:(?: .*)?\n)*)", text, flags=re.MULTILINE)
    lines = [line.strip() for block in found for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(":")]


def test_every_page_is_in_a_toctree():
    linked = {
        (page.parent / entry).relative_to(DOCS).as_posix()
        for page in PAGES
        for entry in _toctrees(_read(page))
    }
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES}
    assert pages - linked == {"index"}, "each page but the first is in one toctree"
    assert linked - pages == {"auto_examples/index"}, "each entry but the gallery is a page"


@each_page
def test_what_is_included_is_there(page):
    for target, options in re.findall(
        r"^```\{include\} (\S+)\n(.*?)^```$", _read(page), flags=re.DOTALL | re.MULTILINE
    ):
        text = _read(page.parent / target)
        marks = re.findall(r':(?:start-after|end-before): "(.*)"', options)
        places = [text.find(mark) for mark in marks]
        assert -1 not in places, f"{target} has no {marks[places.index(-1)]!r}"
        assert places == sorted(places), f"{target}: {marks} do not stand in this order"
        for mark in marks:
            heading = rf"^{re.escape(mark)}$"
            assert len(re.findall(heading, text, flags=re.MULTILINE)) == 1, f"{mark} is a heading"
            assert text.count(mark) == 1, f"{mark!r} stands more than once in {target}"


@each_page
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", _read(page)):
        if "://" in target or target.startswith("#"):
            continue
        path = target.partition("#")[0]
        base = DOCS if path.startswith("/") else page.parent
        goal = (base / path.lstrip("/")).resolve()
        if goal.parent == DOCS / "auto_examples":
            script = ROOT / "examples" / f"{goal.stem}.py"
            assert goal.name == "index.rst" or script.exists(), f"{target}: no {script.name}"
        else:
            assert goal.exists(), f"{target} leads nowhere"


@each_page
def test_code_on_pages_runs(page):
    blocks = re.findall(r"^ *```pycon\n(.*?)^ *```$", _read(page), flags=re.DOTALL | re.MULTILINE)
    if not blocks:
        return
    if page.stem == "fairness":
        pytest.importorskip("fairlearn", reason="the page needs the extra `fairness`")
    source = "\n".join(blocks)
    test = doctest.DocTestParser().get_doctest(source, {}, page.name, str(page), 0)
    log: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    doctest.DocTestRunner(verbose=False, optionflags=flags).run(test, out=log.append)
    assert test.examples and not log, "".join(log)


@pytest.mark.parametrize(
    "path",
    [*PAGES, *EXAMPLES, DOCS / "conf.py", *sorted((DOCS / "_ext").glob("*.py"))],
    ids=lambda p: p.name,
)
def test_no_paths_of_a_machine(path):
    found = re.findall(r"(?<![\w.])/(?:home|root|tmp|usr|work|Users)/\S*", _read(path))
    assert not found, f"{path.name} names places of one machine: {found}"


# --- the gallery ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_examples_have_a_head_and_cells(path):
    text = _read(path)
    head = ast.get_docstring(ast.parse(text))
    assert path.name.startswith("plot_"), "the gallery runs what is called plot_*.py"
    assert head, "the head is a docstring"
    lines = head.splitlines()
    assert lines[0] and set(lines[1]) == {"="}, "the head begins with a title underlined by ="
    assert len(lines[1]) >= len(lines[0]), "the line is as long as the title"
    assert re.search(r"^\S", "\n".join(lines[2:]), flags=re.MULTILINE), "… and says what is shown"
    assert re.search(r"^# %%", text, flags=re.MULTILINE), "cells begin with # %%"


def test_the_gallery_has_a_head():
    assert _read(ROOT / "examples" / "GALLERY_HEADER.rst").startswith("Examples\n========\n")


def test_what_the_build_makes_is_ignored_by_git():
    ignored = _read(ROOT / ".gitignore").splitlines()
    for folder in ("auto_examples", "api/generated", "api/backreferences"):
        assert f"/docs/{folder}/" in ignored


# --- with sphinx ---------------------------------------------------------------------------------


@pytest.fixture
def settings(monkeypatch):
    """What docs/conf.py sets."""
    pytest.importorskip("sphinx", reason="sphinx comes with the extra `docs`")
    monkeypatch.setattr(sys, "path", list(sys.path))
    names: dict = {"__file__": str(DOCS / "conf.py")}
    exec(compile(_read(DOCS / "conf.py"), "conf.py", "exec"), names)
    return names


def test_settings_load_and_fetch_nothing(settings):
    assert settings["release"] == treeprune.__version__
    assert not {"sphinx.ext.intersphinx", "sphinx.ext.mathjax"} & set(settings["extensions"])

    assert settings["sphinx_gallery_conf"]["abort_on_example_error"] is True


def test_the_page_of_the_command_line_is_what_help_says(settings):
    made = importlib.import_module("command_line")
    assert {"demo", "fit", "datasets"} <= set(made.commands())
    for command in made.commands():
        text = made.help_of(command)
        assert text.startswith(f"Usage: treeprune {command} ")
        assert max(map(len, text.splitlines())) <= made.WIDTH
    assert "--target" in made.help_of("fit")


def test_readme_sections_become_pages(settings):
    block = "```pycon\n>>> 1\n1\n\n```\n\n```sh\nls\n```\n"
    content = [f"## A\n### B\nsee [`c`](examples/plot_c.py), ### not a heading\n{block}"]
    settings["_fit_into_a_page"](None, Path("../README.md"), "index", content)
    block = block.replace("1\n\n", "1\n")
    assert content == [
        f"## A\n## B\nsee [`c`](/auto_examples/plot_c.rst), ### not a heading\n{block}"
    ]
