"""What the pruned model does, what it was weighed against, and whether the words are true.

`report` does it for a fitted model; the command line fits one first. Either way every figure is
gathered in one plain dict, put into words once, and laid out as text, Markdown or HTML.

Where to find what, from the ground up (imports go in this order):

- data: `intake/` (files), `study` (rows, target, decision), `splitting`, `folds`, `columns`,
  `sensitive` and `stated` (groups and limits on them), `embedded` (data sets of the package)
- models: `models` (the table of what can be grown and pruned), `smaller` (the same trained at the
  pruned size), `rivals` (the pruned model and what a sceptic would ask for), `monotone`
- the dict: `held_out`, `curve`, `calibration`, `fair`, `scored`, `explained` (with `read_as`,
  `attributed`, `examples`, `drawn` and `use`), `data_section`, and `collect`, which calls them all
- words: `document` (paragraphs, tables, sections), `figures` and `words` (how numbers and names
  look), `written/` (the dict as a document)
- looks: `pictures/` (the dict as SVG), `layout` and `text`, `markdown`, `html` with `page/`
- the whole: `making` (`Report`), `given` (`report`, with `fitted` and `coded`), `save`
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ..modules import make_callable

if TYPE_CHECKING:
    from .collect import report_of
    from .embedded import embedded_study, german_credit_study
    from .given import report
    from .html import render_html
    from .intake import InputRefused, ReadLimits, Table, read_csv, read_table
    from .making import Report, stamp
    from .markdown import render_markdown
    from .rivals import Fits, Options, fit_rivals
    from .save import write_all
    from .stated import StatedLimit
    from .study import Costs, Study, Words, study_of
    from .text import render_text

# The command line must be able to say `--help` or refuse an option without loading all this.
_HOMES = {
    "Costs": "study",
    "Fits": "rivals",
    "InputRefused": "intake",
    "Options": "rivals",
    "ReadLimits": "intake",
    "Report": "making",
    "StatedLimit": "stated",
    "Study": "study",
    "Table": "intake",
    "Words": "study",
    "embedded_study": "embedded",
    "fit_rivals": "rivals",
    "german_credit_study": "embedded",
    "read_csv": "intake",
    "read_table": "intake",
    "render_html": "html",
    "render_markdown": "markdown",
    "render_text": "text",
    "report": "given",
    "report_of": "collect",
    "stamp": "making",
    "study_of": "study",
    "write_all": "save",
}

__all__ = [
    "Costs",
    "Fits",
    "InputRefused",
    "Options",
    "ReadLimits",
    "Report",
    "StatedLimit",
    "Study",
    "Table",
    "Words",
    "embedded_study",
    "fit_rivals",
    "german_credit_study",
    "read_csv",
    "read_table",
    "render_html",
    "render_markdown",
    "render_text",
    "report",
    "report_of",
    "stamp",
    "study_of",
    "write_all",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


make_callable(__name__)
