"""What the pruned model does, what it was weighed against, and whether the words are true.

`fit_rivals` fits, `report_of` gathers every figure in one plain dict, `render_text` places it on
the page. Rules are re-executed against the model before anyone sees them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .collect import report_of
    from .demo import german_credit_study
    from .intake import InputRefused, Table, read_csv
    from .render import render_text
    from .rivals import Fits, Options, fit_rivals
    from .save import path_png, write_all
    from .stated import StatedLimit
    from .study import Costs, Study, Words, study_of

# The command line must be able to say `--help` or refuse an option without loading all this.
_HOMES = {
    "Costs": "study",
    "Fits": "rivals",
    "InputRefused": "intake",
    "Options": "rivals",
    "StatedLimit": "stated",
    "Study": "study",
    "Table": "intake",
    "Words": "study",
    "fit_rivals": "rivals",
    "german_credit_study": "demo",
    "path_png": "save",
    "read_csv": "intake",
    "render_text": "render",
    "report_of": "collect",
    "study_of": "study",
    "write_all": "save",
}

__all__ = [
    "Costs",
    "Fits",
    "InputRefused",
    "Options",
    "StatedLimit",
    "Study",
    "Table",
    "Words",
    "fit_rivals",
    "german_credit_study",
    "path_png",
    "read_csv",
    "render_text",
    "report_of",
    "study_of",
    "write_all",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
