"""`check`: whether a saved model's file may be used, and what is in it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import typer

from .options import AsJson, ModelFile
from .terminal import REFUSED, collected_warnings, one_line_errors, print_json, print_text, remark

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check", "inspected"]


def check(model: ModelFile, as_json: AsJson = False) -> None:
    """Check a saved model's file: structure, versions, types that it holds."""
    with one_line_errors(), collected_warnings():
        told = inspected(model)
        if as_json:
            print_json({"schema": "treeprune-cli-check/1", **told})
        else:
            print_text(_text(told) + "\n")
        differs = [row["name"] for row in told["versions"] if row["differs"]]
        if differs:
            remark(
                f"note: saved with other versions of {', '.join(differs)}: predictions may "
                "differ; compare some with those on record"
            )
        if not told["passed"]:
            remark(f"refused: {model}: {'; '.join(told['problems'])}")
            raise typer.Exit(REFUSED)


def inspected(path: Path) -> dict[str, Any]:
    """What `check_model` reports, and whether the commands can use what the model says of itself.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict
        As `treeprune.saving.check_model`.

    Raises
    ------
    UntrustedModelError
        If there is nothing to report on.

    Examples
    --------
    >>> from pathlib import Path
    >>> from treeprune.exceptions import UntrustedModelError
    >>> try:
    ...     inspected(Path("no_such_file.skops"))
    ... except UntrustedModelError as error:
    ...     print(error)
    no_such_file.skops: no such file
    """
    from ..exceptions import UntrustedModelError
    from ..saving import check_model
    from .opening import opened

    told = check_model(path)
    if told["passed"]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # other versions are in the table
                opened(path)
        except UntrustedModelError as error:
            problem = str(error).removeprefix(f"{path}: ")
            told |= {"passed": False, "problems": [problem]}
    return told


def _text(told: dict[str, Any]) -> str:
    from ..report.layout import labelled, table
    from ..report.words import printable
    from .telling import legend

    word = "passed" if told["passed"] else "REFUSED"
    lines = [labelled("CHECK", f"{printable(told['file'])}: {word}.")]
    lines += [legend(f"- {printable(problem)}") for problem in told["problems"]]
    size = f"{told['bytes']:,} bytes, sha256 {told['sha256']}, format {printable(told['format'])}."
    signed = "The file is not signed: compare the hash with the one on record."
    lines.append(labelled("FILE", f"{size} {signed}"))
    about = _about(told["about"])
    lines += [labelled("MODEL", about)] if about else []
    if told["trees"]:
        heads = ["model", "leaves", "nodes", "depth", "columns", "structure"]
        keys = ("name", "leaves", "nodes", "depth", "columns")
        rows = [
            [
                *("-" if tree[key] is None else str(tree[key]) for key in keys),
                "sound" if tree["checked"] else "NOT SOUND",
            ]
            for tree in told["trees"]
        ]
        lines += ["TREES", table([heads, *rows], (0, 5))]
    odd = [row["type"] for row in told["types"] if not row["trusted"]]
    names = sorted({row["type"] for row in told["types"] if row["trusted"]})
    if odd:
        lines.append(labelled("UNTRUSTED", printable(", ".join(odd)) + "."))
    lines.append(labelled("TYPES", f"{len(names)} trusted: {printable(', '.join(names))}."))
    if told["versions"]:
        heads = ["version", "saved", "running", ""]
        cells = [
            [printable(row["name"]), *(_version(row[key]) for key in ("saved", "running"))]
            + ["DIFFERS" if row["differs"] else ""]
            for row in told["versions"]
        ]
        lines += ["VERSIONS", table([heads, *cells], (0, 1, 2, 3))]
    return "\n".join(lines)


def _version(text: Any) -> str:
    from .telling import cut

    return "-" if text is None else cut(text)


def _about(about: dict[str, Any]) -> str:
    """What the model says of itself, as far as it says it."""
    from ..report.intake import listed
    from ..report.words import printable

    if not about:
        return ""
    labels = about.get("labels")
    classes = f" ({listed(labels)})" if isinstance(labels, list) and labels else ""
    columns = about.get("columns")
    n = f"; {len(columns)} raw columns" if isinstance(columns, list) else ""
    text = (
        f"{about.get('task')} model of {about.get('target')}{classes}{n}; fitted on "
        f"{about.get('name')}, seed {about.get('seed')}, data sha256 {about.get('sha256')}."
    )
    return printable(text)
