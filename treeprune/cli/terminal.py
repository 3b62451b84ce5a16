"""What reaches the terminal: results, remarks, progress, and every error in one line."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

from ..exceptions import CheckFailedError, UnsupportedModelError, UntrustedModelError

__all__ = [
    "FAILED",
    "REFUSED",
    "USAGE",
    "collected_warnings",
    "one_line_errors",
    "print_json",
    "print_text",
    "progress",
    "remark",
    "usage",
]

FAILED, USAGE, REFUSED = 1, 2, 3


def print_text(text: str) -> None:
    r"""Write to stdout whatever its encoding: what it cannot show is spelt out.

    Examples
    --------
    >>> print_text("done\n")
    done
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    typer.echo(text.encode(encoding, "backslashreplace").decode(encoding), nl=False)


def print_json(content: Any) -> None:
    """Write plain data to stdout as JSON.

    Examples
    --------
    >>> print_json({"leaves": 7})
    {
      "leaves": 7
    }
    """
    import json

    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    # A terminal obeys more than JSON must escape; what is parsed stays the same.
    shown = "".join(
        c
        if c.isprintable() or c == "\n"
        else f"\\u{ord(c):04x}"
        if ord(c) < 2**16
        else json.dumps(c)[1:-1]
        for c in text
    )
    print_text(shown + "\n")


def remark(text: str) -> None:
    """Write a line to stderr, with what a terminal would obey spelt out.

    Examples
    --------
    >>> remark("written: treeprune-report.txt")
    """
    from ..report.words import printable

    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    shown = printable(text).encode(encoding, "backslashreplace").decode(encoding)
    typer.echo(shown, err=True)


def usage(message: str) -> NoReturn:
    """End with the code of a wrong call.

    Examples
    --------
    >>> import typer
    >>> try:
    ...     usage("--jobs 0: give a number of processes")
    ... except typer.Exit as end:
    ...     print(end.exit_code)
    2
    """
    remark(f"usage: {message}")
    raise typer.Exit(USAGE)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """What is wrong with the input, the machine or what can be said of a model, in one line.

    Examples
    --------
    >>> import typer
    >>> try:
    ...     with one_line_errors():
    ...         raise CheckFailedError("the rules are not the model")
    ... except typer.Exit as end:
    ...     print(end.exit_code)
    1
    """
    try:
        yield
    except (ValueError, ImportError, CheckFailedError, UnsupportedModelError) as error:
        from ..report import InputRefused

        refused = isinstance(error, InputRefused | UntrustedModelError)
        remark(f"{'refused' if refused else 'failed'}: {' '.join(str(error).split())}")
        raise typer.Exit(REFUSED if refused else FAILED) from error
    except (OSError, MemoryError) as error:
        remark(f"failed: {' '.join(str(error).split()) or type(error).__name__}")
        raise typer.Exit(FAILED) from error


@contextmanager
def collected_warnings() -> Iterator[None]:
    """Warnings as remarks, each once, when the work is done.

    Examples
    --------
    >>> with collected_warnings():
    ...     pass
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", kind)  # for developers of what is used, not for users
        yield
    for message in dict.fromkeys(" ".join(str(w.message).split()) for w in caught):
        remark(f"note: {message}")


@contextmanager
def progress(stages: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal, a line a stage elsewhere.

    Examples
    --------
    >>> with progress(1) as say:
    ...     say("reading the data")
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: remark(f"treeprune: {text}")
        return
    columns = (
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        stage = bar.add_task("", total=stages)

        def say(text: str) -> None:
            from ..report.words import printable

            bar.update(stage, advance=1, description=printable(text))

        yield say
