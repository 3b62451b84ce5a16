"""What the commands about a saved model share: outcomes, errors in one line, checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .terminal import FAILED, one_line_errors, remark

if TYPE_CHECKING:
    from ..explain.checks import Check

__all__ = ["Outcomes", "end_if_failed", "one_line_answers", "said_checks"]

Outcomes = Annotated[
    str | None,
    typer.Option("--target", help="Column of outcomes; else the one that the model predicts."),
]


@contextmanager
def one_line_answers() -> Iterator[None]:
    """As `one_line_errors`, for what cannot be said of a model as well.

    Examples
    --------
    >>> import typer
    >>> from treeprune.exceptions import CheckFailedError
    >>> try:
    ...     with one_line_answers():
    ...         raise CheckFailedError("the rules are not the model")
    ... except typer.Exit as end:
    ...     print(end.exit_code)
    1
    """
    from ..exceptions import CheckFailedError, UnsupportedModelError

    with one_line_errors():
        try:
            yield
        except (CheckFailedError, UnsupportedModelError) as error:
            raise ValueError(str(error)) from error


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
