"""The report as one HTML page that asks for nothing from outside.

Names from the data are text in every place where they stand. A content security policy lets the
page's own style and script run, by their hashes, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any

from .. import __version__
from .pictures import pictures_of
from .written import document_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .pictures import Picture

__all__ = ["render_html"]

VERDICTS = ("NON-INFERIOR", "WORSE", "UNDECIDED")
MANY_COLUMNS = 4  # beyond, a row is a list on a narrow screen
NARROW = 44  # characters of all columns together, beyond which the same holds
LONG = 36  # characters of a cell that may be broken between words
LONG_WORD = 24  # characters beyond which a word may be broken


def render_html(report: dict[str, Any], pictures: Mapping[str, Picture] | None = None) -> str:
    """The report as a page.

    Parameters
    ----------
    report : dict
        From `report_of`.
    pictures : mapping of str to Picture, optional
        From `pictures_of`; drawn anew if not given.

    Returns
    -------
    str
        A whole HTML document, in UTF-8 when written.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report import Options, Table, fit_rivals, report_of, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="<b>toy</b>", target="y")
    >>> options = Options(cv=2, n_resamples=1000)
    >>> page = render_html(report_of(study, fit_rivals(study, options), options))
    >>> "<h1>&lt;b&gt;toy&lt;/b&gt;, PRUNED TREE</h1>" in page
    True
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader(__package__, "page"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters["data_url"] = _data_url
    env.filters["kind"] = lambda block: type(block).__name__.lower()
    env.tests["verdict"] = VERDICTS.__contains__
    env.tests["wide"] = _is_wide
    env.tests["long"] = _is_long
    style, script = (_part(f"report.{kind}") for kind in ("css", "js"))
    return env.get_template("report.html.j2").render(
        document=document_of(report),
        pictures=pictures_of(report) if pictures is None else dict(pictures),
        style=style,
        script=script,
        policy=_policy(style, script),
        version=__version__,
    )


def _part(name: str) -> str:
    return resources.files(__package__).joinpath("page", name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """What the page may do: nothing but its own style, its own script, pictures inside it."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


def _data_url(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")


def _is_wide(table: Any) -> bool:
    """Whether a phone could not show the table side by side."""
    rows = [table.head, *(row for row in table.rows if len(row) > 1)]
    widest = sum(max(len(row[j]) for row in rows) for j in range(len(table.head)))
    return len(table.head) > MANY_COLUMNS or widest > NARROW


def _is_long(cell: str) -> bool:
    """Whether a cell must be broken where no word ends, or may be broken between words."""
    return len(cell) > LONG or any(len(word) > LONG_WORD for word in cell.split())
