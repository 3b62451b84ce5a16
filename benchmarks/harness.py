"""What the benchmarks share: options, a stopwatch, and a report as table and JSON."""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def parse(doc: str | None) -> argparse.Namespace:
    """Options that every benchmark has."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side, in turns")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    return parser.parse_args()


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds on the wall, and the result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def report(
    name: str,
    options: argparse.Namespace,
    *,
    seconds: dict[str, list[float]],
    ratios: dict[str, float],
    facts: dict[str, Any],
) -> None:
    """Print a table; write everything as JSON where asked."""
    console = Console(width=100)
    table = Table(title=f"{name}: {', '.join(f'{k} {v:,}' for k, v in facts.items())}")
    table.add_column("what")
    table.add_column("median", justify="right")
    table.add_column("min .. max", justify="right")
    for what, values in seconds.items():
        ordered = sorted(values)
        middle = ordered[len(ordered) // 2]
        table.add_row(what, f"{middle:.4g} s", f"{ordered[0]:.4g} .. {ordered[-1]:.4g}")
    for what, value in ratios.items():
        table.add_row(what, f"{value:.4g}", "")
    console.print(table)
    if options.out:
        record = {
            "name": name,
            "facts": facts,
            "seconds": seconds,
            "ratios": ratios,
            "python": platform.python_version(),
            **{p: version(p) for p in ("scikit-learn", "numpy", "numba")},
        }
        options.out.write_text(json.dumps(record, indent=1) + "\n")
