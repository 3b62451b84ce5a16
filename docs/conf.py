"""Settings of the documentation site.

    python -m sphinx -W --keep-going -b html docs build/docs

Pages come from `docs/`, the README, the cards of the data sets, docstrings and `examples/`, which
are executed. Nothing is fetched while the site is built, and its pages ask for nothing outside.
"""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the examples gain nothing from more threads
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "treeprune"
author = "treeprune developers"
copyright = "treeprune developers"  # without a year, so that a later build is the same
release = version = installed_version("treeprune")

extensions = [
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
    "myst_parser",
    "command_line",
]
exclude_patterns = ["auto_examples/*.ipynb", "auto_examples/*.py", "api/backreferences"]
templates_path = ["_templates"]
# What stands in single backticks is code, and a link where it names something documented.
default_role = "py:obj"
highlight_language = "python"

# --- docstrings ----------------------------------------------------------------------------------

autosummary_generate = True
# Files whose names differ by a capital only are one file on some systems.
autosummary_filename_map = {
    "treeprune.fairness": "treeprune.fairness-function",
    "treeprune.native.splits": "treeprune.native.splits-function",
    "treeprune.report.report": "treeprune.report-function",
}
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # numpydoc's sections say them, with shapes
numpydoc_show_class_members = False  # the template documents them on the page of the class
numpydoc_class_members_toctree = False

# --- Markdown ------------------------------------------------------------------------------------

myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_heading_anchors = 3

# --- the gallery ---------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "image_scrapers": ("matplotlib",),
    "default_thumb_file": str(Path(__file__).parent / "_static" / "example.png"),
    # A table, a model or a report at the end of a cell is shown as in a notebook.
    "capture_repr": ("_repr_html_",),
    "backreferences_dir": "api/backreferences",
    "doc_module": ("treeprune",),
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    # Durations would make two builds of the same state differ.
    "min_reported_time": 10**9,
    "write_computation_times": False,
}

# --- pages ---------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = f"treeprune {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_sidebars: dict[str, list[str]] = {page: [] for page in ("what_the_score_says", "changes")}
html_theme_options = {
    "logo": {"text": "treeprune"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def _fit_into_a_page(app: Any, path: Path, docname: str, content: list[str]) -> None:
    """Make the README part of a page: its examples are pages here, its sections a level up."""
    if Path(path).name != "README.md":
        return
    text = re.sub(r"\]\(examples/(\w+)\.py\)", r"](/auto_examples/\1.rst)", content[0])
    text = re.sub(r"^###(?= )", "##", text, flags=re.MULTILINE)
    content[0] = re.sub(r"\n\n(?=```$)", "\n", text, flags=re.MULTILINE)  # as doctest needs it


def _is_foreign(
    app: Any, what: str, name: str, thing: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out what a class has inherited from another library, which documents it itself."""
    function = getattr(thing, "fget", None) or thing
    home = getattr(function, "__module__", None)
    if what == "class" and isinstance(home, str) and not home.startswith("treeprune"):
        return True
    return None


def setup(app: Any) -> None:
    """Connect the two above."""
    app.connect("include-read", _fit_into_a_page)
    app.connect("autodoc-skip-member", _is_foreign)
