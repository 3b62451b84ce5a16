"""What the commands about a saved model share: outcomes and checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .terminal import FAILED, remark

if TYPE_CHECKING:
    from ..explain.checks import Check

__all__ = ["Outcomes", "end_if_failed", "said_checks"]

Outcomes = Annotated[
    str | None,
    typer.Option("--target", help="Column of outcomes; else the one that the model predicts."),
]


def said_checks(checks: Mapping[str, Check]) -> list[dict[str, Any]]:
    """Checks as plain data.

    Examples
    --------
    >>> from treeprune.explain.checks import Check
    >>> said_checks({"rules = model": Check(True, "all inputs", "")})[0]["passed"]
    True
    """
    return [
        {"name": name, "passed": check.passed, "scope": check.scope, "detail": check.detail}
        for name, check in checks.items()
    ]


def end_if_failed(checks: list[dict[str, Any]]) -> None:
    """End with the code of a failure if what was said is not what the model says.

    Examples
    --------
    >>> end_if_failed([{"name": "rules = model", "passed": True}])
    """
    failed = [check["name"] for check in checks if not check["passed"]]
    if failed:
        remark(f"failed: {'; '.join(failed)}: what is written is not what the model does")
        raise typer.Exit(FAILED)
