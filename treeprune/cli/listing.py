"""What comes with the package."""

from __future__ import annotations

from typing import Annotated

import typer

from .terminal import one_line_errors, print_json, print_text

__all__ = ["datasets"]


def datasets(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """List the data sets that come with the package."""
    with one_line_errors():
        from ..datasets import NAMES, load

        told = []
        for name in NAMES:
            data = load(name)
            told.append(
                {
                    "name": name,
                    "rows": len(data.data),
                    "columns": data.data.shape[1],
                    "target": data.target.name,
                    "positive": data.target_names[1],
                    "share": float(data.target.mean()),
                    "left_out": [*data.sensitive, *data.excluded],
                }
            )
        if as_json:
            print_json(told)
            return
        for one in told:
            print_text(
                f"{one['name']:<14} {one['rows']:>6} rows, {one['columns']:>2} columns; "
                f"{one['target']} = 1 ({one['positive']}): {100 * one['share']:.1f} %; "
                f"left out by default: {', '.join(one['left_out']) or 'none'}\n"
            )
