"""The program and its commands, each from the module that holds it."""

from __future__ import annotations

from typing import Annotated

import typer

from .comparing import compare
from .explaining import explain
from .fitting import demo, fit
from .inspecting import check
from .listing import datasets
from .ruling import rules
from .scoring import score

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Prune models of tabular data, choose the size by evidence, and say what the result does.",
)
for command in (demo, fit, rules, explain, score, compare, check, datasets):
    app.command()(command)


def main() -> None:
    """Run the command line.

    Examples
    --------
    >>> from typer.testing import CliRunner
    >>> CliRunner().invoke(app, ["--help"]).exit_code
    0
    """
    app(prog_name="treeprune")


def _version(asked: bool) -> None:
    if asked:
        from .. import __version__

        typer.echo(f"treeprune {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass
