"""The command line: results on stdout, progress and remarks on stderr.

Exit codes: 0 done, 1 failed, 2 usage, 3 input refused. A refusal is one line that says what is
wrong, and nothing has been written then. Heavy libraries load only once a command runs.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from .report import Options, StatedLimit, Study

__all__ = ["app", "main"]

STAGES = 10  # messages of `fit_rivals`, `report_of` and the drawing, without what may be left out
FAILED, USAGE, REFUSED = 1, 2, 3

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Prune decision trees, choose the size by evidence, and say what the result does.",
)


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
        from . import __version__

        typer.echo(f"treeprune {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


Out = Annotated[Path, typer.Option(help="Folder for the files; made if need be.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of split, growth, resamples.")]
Jobs = Annotated[
    int, typer.Option(help="Folds and refits fitted at the same time; -1 for all cores.")
]
Refits = Annotated[
    int, typer.Option(min=0, help="Refits of each model, for stability; 0 leaves the score out.")
]
Sensitive = Annotated[
    list[str] | None,
    typer.Option(
        help="Sensitive column: left out of all models, and groups are compared by it; may be "
        "repeated."
    ),
]
Limits = Annotated[
    list[str] | None,
    typer.Option(
        help='How far groups may be apart, such as "selection_rate_ratio>=0.8": says which step '
        "would keep it, and chooses nothing; may be repeated."
    ),
]


@app.command()
def demo(out: Out = Path(), seed: Seed = 0, jobs: Jobs = 1, refits: Refits = 10) -> None:
    """Run the whole job on the German credit data."""
    with _one_line_errors():
        from .report import Options, german_credit_study

        # The figure that the report compares by is also the one that chooses the size.
        options = Options(
            strength="one_se",
            scoring="roc_auc",
            jobs=_checked_jobs(jobs),
            refits=_checked_refits(refits),
        )
        out = _checked_out(out)
        _run(lambda: german_credit_study(seed), options, out, stages=STAGES + bool(refits))


@app.command()
def fit(
    data: Annotated[Path, typer.Argument(help="CSV file in UTF-8 with a header line.")],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    task: Annotated[str, typer.Option(help="auto, classification or regression.")] = "auto",
    method: Annotated[str, typer.Option(help="Pruning method.")] = "cost_complexity",
    strength: Annotated[str, typer.Option(help="auto, best, one_se or a number.")] = "auto",
    max_size: Annotated[int | None, typer.Option(min=1, help="Most leaves.")] = None,
    cv: Annotated[int, typer.Option(min=2, help="Number of folds.")] = 5,
    scoring: Annotated[
        str | None,
        typer.Option(help="scikit-learn score that chooses the size; Brier score or R² if none."),
    ] = None,
    test_size: Annotated[float, typer.Option(help="Share of rows held out.")] = 0.3,
    positive: Annotated[
        str | None, typer.Option(help="Value of the target whose probability is meant.")
    ] = None,
    cost: Annotated[
        str | None,
        typer.Option(
            help="Cost of a missed positive to that of a false alarm, FN:FP, such as 5:1."
        ),
    ] = None,
    sensitive: Sensitive = None,
    limit: Limits = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="Column to leave out; may be repeated.")
    ] = None,
    out: Out = Path(),
    seed: Seed = 0,
    jobs: Jobs = 1,
    refits: Refits = 10,
) -> None:
    """Run the whole job on a CSV file."""
    with _one_line_errors():
        if not 0 < test_size < 1:
            _usage(f"--test-size {test_size}: give a share between 0 and 1, such as 0.3")
        ratio = None if cost is None else _parsed_cost(cost)
        level, jobs, out = _parsed_strength(strength), _checked_jobs(jobs), _checked_out(out)
        refits, limits = _checked_refits(refits), _parsed_limits(limit or [], sensitive or [])
        _check_names(task, method, scoring)

        from .report import Costs, Options, read_csv, study_of

        def study() -> Study:
            return study_of(
                read_csv(data),
                name=data.name,
                target=target,
                task=task,
                positive=positive,
                costs=None if ratio is None else Costs(*ratio, source=f"--cost {cost}"),
                exclude=[(column, "left out as asked") for column in dict.fromkeys(drop or ())],
                sensitive=sensitive or (),
                test_size=test_size,
                seed=seed,
            )

        options = Options(method, level, max_size, cv, scoring, jobs, refits=refits, limits=limits)
        _run(study, options, out, stages=STAGES + bool(refits) + bool(sensitive))


@app.command()
def datasets() -> None:
    """List the data sets that come with the package."""
    with _one_line_errors():
        from .datasets import NAMES, load

        for name in NAMES:
            data = load(name)
            n, p = data.data.shape
            share = 100 * float(data.target.mean())
            left_out = ", ".join([*data.sensitive, *data.excluded])
            typer.echo(
                f"{name:<14} {n:>6} rows, {p:>2} columns; {data.target.name} = 1 "
                f"({data.target_names[1]}): {share:.1f} %; left out by default: {left_out}"
            )


def _run(make: Callable[[], Study], options: Options, out: Path, stages: int) -> None:
    """Fit, collect, render, write; the report goes to stdout, all else to stderr."""
    from .report import fit_rivals, path_png, render_text, report_of, write_all

    with _progress(stages) as say, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", kind)  # for developers of what is used, not for users
        say("reading the data")
        study = make()
        fits = fit_rivals(study, options, say)
        report = report_of(study, fits, options, say)
        report["record"]["made"] = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        text = render_text(report)
        say("drawing")
        png = path_png(fits.path)
    for message in dict.fromkeys(" ".join(str(w.message).split()) for w in caught):
        _remark(f"note: {message}")
    paths = write_all(
        out, {"treeprune-report.txt": text.encode("utf-8"), "treeprune-path.png": png}
    )
    _print(text)
    for path in paths:
        _remark(f"written: {path}")
    if any(check["passed"] is False for check in report["checks"]):
        _remark("failed: the report does not say what the model does; see CHECKS")
        raise typer.Exit(FAILED)


def _print(text: str) -> None:
    """Write to stdout whatever its encoding: what it cannot show is spelt out."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    typer.echo(text.encode(encoding, "backslashreplace").decode(encoding), nl=False)


def _remark(text: str) -> None:
    from .report.words import printable

    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    shown = printable(text).encode(encoding, "backslashreplace").decode(encoding)
    typer.echo(shown, err=True)


@contextmanager
def _progress(stages: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal, a line a stage elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: _remark(f"treeprune: {text}")
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
            from .report.words import printable

            bar.update(stage, advance=1, description=printable(text))

        yield say


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """What is wrong with the input or the machine, in one line and by exit code."""
    try:
        yield
    except ValueError as error:
        from .report import InputRefused

        refused = isinstance(error, InputRefused)
        _remark(f"{'refused' if refused else 'failed'}: {' '.join(str(error).split())}")
        raise typer.Exit(REFUSED if refused else FAILED) from error
    except (OSError, MemoryError) as error:
        _remark(f"failed: {' '.join(str(error).split()) or type(error).__name__}")
        raise typer.Exit(FAILED) from error


def _usage(message: str) -> NoReturn:
    _remark(f"usage: {message}")
    raise typer.Exit(USAGE)


def _one_of(option: str, given: str, possible: object) -> None:
    names = list(possible)  # type: ignore[call-overload]
    if given not in names:
        _usage(f"{option} {given!r}: possible are {', '.join(names)}")


def _check_names(task: str, method: str, scoring: str | None) -> None:
    from .pruning import METHODS
    from .report.study import TASKS

    _one_of("--task", task, TASKS)
    _one_of("--method", method, METHODS)
    if scoring is not None:
        from sklearn.metrics import get_scorer_names

        _one_of("--scoring", scoring, get_scorer_names())


def _parsed_strength(text: str) -> str | float:
    if text in ("auto", "best", "one_se"):
        return text
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        _usage(f"--strength {text!r}: give auto, best, one_se or a number >= 0")
    return value


def _parsed_cost(text: str) -> tuple[float, float]:
    try:
        miss, alarm = (float(part) for part in text.split(":"))
    except ValueError:
        miss, alarm = -1.0, -1.0
    if not (0 < miss < float("inf") and 0 < alarm < float("inf")):
        _usage(f"--cost {text!r}: give two numbers > 0, missed positive to false alarm: 5:1")
    return miss, alarm


def _parsed_limits(texts: list[str], sensitive: list[str]) -> tuple[StatedLimit, ...]:
    if not texts:
        return ()
    if not sensitive:
        _usage("--limit is of groups: name a column that tells them apart with --sensitive")
    from .report import StatedLimit

    limits = []
    for text in texts:
        try:
            limit = StatedLimit.parsed(text)
        except ValueError as error:
            _usage(f"--limit {text!r}: {error}")
        if limit.column is not None and limit.column not in sensitive:
            _usage(f"--limit {text!r}: no --sensitive {limit.column}, but {', '.join(sensitive)}")
        limits.append(limit)
    return tuple(limits)


def _checked_refits(refits: int) -> int:
    if refits == 1:
        _usage("--refits 1: one refit compares nothing; give 0 for none, or at least 2")
    return refits


def _checked_jobs(jobs: int) -> int:
    if jobs == 0 or jobs < -1:
        _usage(f"--jobs {jobs}: give a number of processes, or -1 for all cores")
    return jobs


def _checked_out(out: Path) -> Path:
    if out.exists() and not out.is_dir():
        _usage(f"--out {out}: is a file; name a folder")
    return out
