"""Options, read and checked before anything is loaded or fitted."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..report.words import FORMATS, MODELS
from .terminal import usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..report import StatedLimit

__all__ = [
    "checked_formats",
    "checked_jobs",
    "checked_names",
    "checked_out",
    "checked_refits",
    "checked_share",
    "one_of",
    "parsed_cost",
    "parsed_limits",
    "parsed_monotone",
    "parsed_strength",
]


def one_of(option: str, given: str, possible: Iterable[str]) -> None:
    """End unless the given name is one of the possible ones."""
    names = list(possible)
    if given not in names:
        usage(f"{option} {given!r}: possible are {', '.join(names)}")


def checked_names(task: str, model: str, method: str, scoring: str | None) -> None:
    """End unless task, model, method and score are known by these names."""
    from ..pruning import METHODS
    from ..report.study import TASKS

    one_of("--task", task, TASKS)
    one_of("--model", model, MODELS)
    one_of("--method", method, ("auto", *METHODS))
    if method != "auto":
        from ..report.models import KINDS

        one_of(f"--model {model} --method", method, KINDS[model].methods)
    if scoring is not None:
        from sklearn.metrics import get_scorer_names

        one_of("--scoring", scoring, get_scorer_names())


def checked_formats(text: str) -> tuple[str, ...]:
    """Names of renderings, comma separated, each once.

    Examples
    --------
    >>> checked_formats("html, text,html")
    ('html', 'text')
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        one_of("--formats", name, FORMATS)
    if not names:
        usage(f"--formats {text!r}: give one or more of {', '.join(FORMATS)}, comma separated")
    return names


def parsed_strength(text: str) -> str | float:
    """A rule's name, or a number.

    Examples
    --------
    >>> parsed_strength("one_se"), parsed_strength("0.01")
    ('one_se', 0.01)
    """
    if text in ("auto", "best", "one_se"):
        return text
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        usage(f"--strength {text!r}: give auto, best, one_se or a number >= 0")
    return value


def checked_share(share: float) -> float:
    """A share of rows that leaves some on both sides."""
    if not 0 < share < 1:
        usage(f"--test-size {share}: give a share between 0 and 1, such as 0.3")
    return share


def parsed_cost(text: str | None) -> tuple[float, float] | None:
    """Cost of a missed positive and of a false alarm.

    Examples
    --------
    >>> parsed_cost("5:1")
    (5.0, 1.0)
    """
    if text is None:
        return None
    try:
        miss, alarm = (float(part) for part in text.split(":"))
    except ValueError:
        miss, alarm = -1.0, -1.0
    if not (0 < miss < float("inf") and 0 < alarm < float("inf")):
        usage(f"--cost {text!r}: give two numbers > 0, missed positive to false alarm: 5:1")
    return miss, alarm


def parsed_monotone(texts: Iterable[str]) -> dict[str, int]:
    """Columns that P must rise (+1) or fall (-1) with.

    Examples
    --------
    >>> parsed_monotone(["income:-", "debt:+"])
    {'income': -1, 'debt': 1}
    """
    signs = {"+": 1, "+1": 1, "-": -1, "-1": -1}
    found: dict[str, int] = {}
    for text in texts:
        column, colon, sign = text.rpartition(":")
        if not colon or sign not in signs:
            usage(f"--monotone {text!r}: give a column and a direction, such as income:- or debt:+")
        if found.get(column, signs[sign]) != signs[sign]:
            usage(f"--monotone: {column} is given in both directions")
        found[column] = signs[sign]
    return found


def parsed_limits(texts: list[str], sensitive: list[str]) -> tuple[StatedLimit, ...]:
    """Stated limits on how far groups may be apart."""
    if not texts:
        return ()
    if not sensitive:
        usage("--limit is of groups: name a column that tells them apart with --sensitive")
    from ..report import StatedLimit

    limits = []
    for text in texts:
        try:
            limit = StatedLimit.parsed(text)
        except ValueError as error:
            usage(f"--limit {text!r}: {error}")
        if limit.column is not None and limit.column not in sensitive:
            usage(f"--limit {text!r}: no --sensitive {limit.column}, but {', '.join(sensitive)}")
        limits.append(limit)
    return tuple(limits)


def checked_refits(refits: int) -> int:
    """A number of refits that can be compared."""
    if refits == 1:
        usage("--refits 1: one refit compares nothing; give 0 for none, or at least 2")
    return refits


def checked_jobs(jobs: int) -> int:
    """A number of processes."""
    if jobs == 0 or jobs < -1:
        usage(f"--jobs {jobs}: give a number of processes, or -1 for all cores")
    return jobs


def checked_out(out: Path) -> Path:
    """A folder that can be written to, or the name of one that can be made."""
    if out.exists() and not out.is_dir():
        usage(f"--out {out}: is a file; name a folder")
    there = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    try:  # now, rather than after all the work
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        usage(f"--out {out}: nothing can be written to {there} ({error.strerror})")
    return out
