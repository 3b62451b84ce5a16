"""Tables as CSV files that a spreadsheet shows and does not run.

Names of columns and categories come from data; a cell that begins as a formula would be executed
when the file is opened. Such text gets a leading apostrophe, numbers stay numbers. All text is
quoted, and what looks like a formula after a separator within a text is defused as well, since
spreadsheets of other countries split cells there.
"""

from __future__ import annotations

import csv
import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...files import write_whole
from .frames import to_decision_table, to_frame

if TYPE_CHECKING:
    import pandas as pd

    from ..rules import RuleSet

__all__ = ["defused", "frame_csv", "to_csv"]

# What a spreadsheet may skip before it looks for a formula: spaces and controls, visible or not.
_SKIPPED = (
    r"[\s\x00-\x20\x7f-\xa0\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u3000\ufeff]*"
)
_STARTS = r"[=+\-@|%\uff1d\uff0b\uff0d\uff20]"
_FORMULA = re.compile(rf"{_SKIPPED}{_STARTS}|[\t\r\x00]")
_INSIDE = re.compile(rf"([;,\t|\r\n\"]{_SKIPPED})(?={_STARTS})")


def defused(value: Any) -> Any:
    """Text that no spreadsheet takes for a formula; numbers as they are.

    Parameters
    ----------
    value : object

    Returns
    -------
    object
        Text with apostrophes where a formula would begin.

    Examples
    --------
    >>> defused(" =1+1"), defused("a;=1+1"), defused("<= 11"), defused(-1.5)
    ("' =1+1", "a;'=1+1", '<= 11', -1.5)
    """
    if not isinstance(value, str):
        return value
    text = _INSIDE.sub(r"\1'", value)
    return f"'{text}" if _FORMULA.match(text) else text


def frame_csv(frame: pd.DataFrame) -> str:
    r"""A frame as CSV text, header first, lines ended by CR LF, missing numbers empty.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    str

    Examples
    --------
    >>> import pandas as pd
    >>> frame_csv(pd.DataFrame({"=a": ["-b"], "n": [-0.5]}))
    '"\'=a","n"\r\n"\'-b",-0.5\r\n'
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow([defused(str(name)) for name in frame.columns])
    columns = [frame.iloc[:, j].tolist() for j in range(frame.shape[1])]
    for row in zip(*columns, strict=True):
        writer.writerow([_cell(value) for value in row])
    return stream.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float) and np.isnan(value):
        return ""
    return value if isinstance(value, int | float) else defused(str(value))


def to_csv(
    rules: RuleSet, path: str | os.PathLike[str] | None = None, *, what: str = "rules"
) -> str | None:
    r"""Rules as a CSV file for spreadsheets.

    Parameters
    ----------
    rules : RuleSet
    path : str or path, optional
        File to write, UTF-8 with a byte-order mark, which spreadsheets need; it is replaced only
        once the new one is complete. None returns the text.
    what : {"rules", "decision_table"}
        As `to_frame` or as `to_decision_table`.

    Returns
    -------
    str or None

    Raises
    ------
    ValueError
        For any other `what`.
    OSError
        If the file cannot be written; nothing is left behind.

    Examples
    --------
    >>> from treeprune.explain.rules import Rule, RuleSet
    >>> rules = RuleSet((), (Rule((), np.array([[0.5]]), weight=7.0),))
    >>> print(to_csv(rules).replace("\r", ""))
    "rule","conditions","value","weight"
    "R1","always",0.5,7.0
    <BLANKLINE>
    """
    tables = {"rules": to_frame, "decision_table": to_decision_table}
    if what not in tables:
        raise ValueError(f"what must be one of {', '.join(tables)}; got {what!r}")
    text = frame_csv(tables[what](rules))
    if path is None:
        return text
    write_whole(Path(path), text.encode("utf-8-sig", errors="replace"))
    return None
