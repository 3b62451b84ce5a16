"""A directive that writes down what `treeprune --help` says, for the program and each command.

The text is asked for when the site is built, so that the page cannot say what the program does
not.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

WIDTH = 84  # characters, as many as fit beside the page's menus


def help_of(*command: str) -> str:
    """What the program prints when it is asked for help on a command, or on itself."""
    from typer.testing import CliRunner

    from treeprune.cli import app

    done = CliRunner().invoke(
        app, [*command, "--help"], prog_name="treeprune", terminal_width=WIDTH
    )
    if done.exit_code:
        raise RuntimeError(f"treeprune {' '.join(command)} --help: {done.output}")
    return done.output.strip("\n") + "\n"


def commands() -> list[str]:
    """Names of the commands, in the order in which the program lists them."""
    from typer.main import get_command

    from treeprune.cli import app

    return list(get_command(app).commands)  # type: ignore[attr-defined]


class CommandHelp(SphinxDirective):
    """`{treeprune-help}`: a section for the program and one for each of its commands."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        return [self._section("treeprune"), *(self._section("treeprune", c) for c in commands())]

    def _section(self, *words: str) -> nodes.section:
        title = " ".join(words)
        section = nodes.section(
            ids=[nodes.make_id(title)], names=[nodes.fully_normalize_name(title)]
        )
        text = help_of(*words[1:])
        section += [nodes.title("", title)]
        section += [nodes.literal_block(text, text, language="text")]
        self.state.document.note_implicit_target(section, section)
        return section


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("treeprune-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
