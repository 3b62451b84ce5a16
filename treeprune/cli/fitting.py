"""`demo` and `fit`: from a table to a report and a saved model."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..report.words import FORMATS
from . import options as o
from .checking import (
    checked_formats,
    checked_jobs,
    checked_names,
    checked_out,
    checked_refits,
    checked_share,
    parsed_cost,
    parsed_limits,
    parsed_monotone,
    parsed_strength,
)
from .terminal import (
    FAILED,
    collected_warnings,
    one_line_errors,
    print_json,
    print_text,
    progress,
    remark,
    usage,
)

if TYPE_CHECKING:
    from ..report import Options, ReadLimits, Report, Study
    from ..report.rivals import Fits

__all__ = ["demo", "fit"]

MODEL_FILE = "treeprune-model.skops"
ALL_FORMATS = ",".join(FORMATS)
STAGES = 10  # messages of `fit_rivals`, `report_of` and the drawing, without what may be left out


def demo(
    name: o.Name = "german_credit",
    out: o.Out = Path("treeprune-demo"),
    formats: o.Formats = ALL_FORMATS,
    force: o.Force = False,
    seed: o.Seed = 0,
    jobs: o.Jobs = 1,
    refits: o.Refits = 10,
    as_json: o.AsJson = False,
) -> None:
    """Run the whole job on a data set of the package: German credit by default."""
    with one_line_errors():
        from ..datasets import NAMES
        from ..report import InputRefused, Options, embedded_study

        if name not in NAMES:
            raise InputRefused(f"no data set is named {name!r}; possible are {', '.join(NAMES)}")
        # The figure that the report compares by is also the one that chooses the size.
        options = Options(
            strength="one_se",
            scoring="roc_auc",
            jobs=checked_jobs(jobs),
            refits=checked_refits(refits),
        )
        out, kinds = checked_out(out), checked_formats(formats)
        _check_room(out, force)
        stages = STAGES + bool(refits) + (name != "german_credit")
        run(lambda: embedded_study(name, seed), options, out, kinds, stages, as_json=as_json)


def fit(
    data: o.Data,
    target: o.Target,
    task: o.Task = "auto",
    model: o.Model = "tree",
    method: o.Method = "auto",
    strength: o.Strength = "auto",
    max_size: o.MaxSize = None,
    cv: o.Folds = 5,
    scoring: o.Scoring = None,
    test_size: o.TestSize = 0.3,
    time_column: o.TimeColumn = None,
    positive: o.Positive = None,
    cost: o.Cost = None,
    sensitive: o.Sensitive = None,
    limit: o.Limits = None,
    ids: o.Ids = None,
    drop: o.Drop = None,
    monotone: o.Monotone = None,
    out: o.Out = Path("treeprune-report"),
    formats: o.Formats = ALL_FORMATS,
    force: o.Force = False,
    max_rows: o.Rows = 1_000_000,
    max_columns: o.Columns = 1_000,
    max_categories: o.Categories = 1_000,
    max_bytes: o.MaxBytes = 512 * 2**20,
    seed: o.Seed = 0,
    jobs: o.Jobs = 1,
    refits: o.Refits = 10,
    as_json: o.AsJson = False,
) -> None:
    """Run the whole job on a table: prune, compare, explain, score, write."""
    with one_line_errors():
        asked = {
            "target": target,
            "task": task,
            "positive": positive,
            "sensitive": sensitive or (),
            "ids": ids or (),
            "time_column": time_column,
            "monotone": parsed_monotone(monotone or []),
            "test_size": checked_share(test_size),
            "seed": seed,
        }
        ratio, level = parsed_cost(cost), parsed_strength(strength)
        most = checked_jobs(jobs), checked_refits(refits)
        bounds = parsed_limits(limit or [], sensitive or [])
        out, kinds = checked_out(out), checked_formats(formats)
        checked_names(task, model, method, scoring)
        _check_room(out, force)

        from ..report import Options, ReadLimits

        reading = ReadLimits(max_rows, max_columns, max_categories, max_bytes)
        options = Options(
            method, level, max_size, cv, scoring,
            jobs=most[0], refits=most[1], limits=bounds, model=model,
        )  # fmt: skip
        stages = STAGES + bool(refits) + bool(sensitive)
        make = _study_of(data, reading, ratio, cost, drop or [], asked)
        run(make, options, out, kinds, stages, as_json=as_json)


def _study_of(
    data: Path,
    reading: ReadLimits,
    ratio: tuple[float, float] | None,
    cost: str | None,
    drop: list[str],
    asked: dict[str, Any],
) -> Callable[[], Study]:
    """What makes the study, once its turn has come."""
    from ..report import Costs, read_table, study_of

    return lambda: study_of(
        read_table(data, reading),
        name=data.name,
        costs=None if ratio is None else Costs(*ratio, source=f"--cost {cost}"),
        exclude=[(column, "left out as asked") for column in dict.fromkeys(drop)],
        **asked,
    )


def _written(out: Path) -> list[str]:
    """Names in a folder that this program writes; what stands there is of an earlier run."""
    from ..report.making import FILES

    return [name for name in (MODEL_FILE, *FILES) if os.path.lexists(out / name)]


def _check_room(out: Path, force: bool) -> None:
    """End if files would be overwritten that somebody may still need."""
    there = _written(out)
    if there and not force:
        usage(f"--out {out}: holds {', '.join(there)}; name another folder, or give --force")


def run(
    make: Callable[[], Study],
    options: Options,
    out: Path,
    formats: tuple[str, ...],
    stages: int,
    *,
    as_json: bool,
) -> None:
    """Fit, collect, render, write; the first screen goes to stdout, all else to stderr."""
    from ..report import Report, fit_rivals, report_of, stamp, write_all

    with progress(stages) as say, collected_warnings():
        say("reading the data")
        study = make()
        fits = fit_rivals(study, options, say)
        report = Report({**report_of(study, fits, options, say), "made": stamp(fits)})
        say("drawing")
        files = report.files(formats)
        files |= _saved(study, fits, report)
    paths = write_all(out, files)
    for name in _written(out):  # of an earlier run: two reports must not stand side by side
        if name not in files:
            (out / name).unlink()
    if as_json:
        print_json(report.content)
    else:
        print_text(report.to_text(details=False))
    remark(f"written to {out}: {', '.join(path.name for path in paths)}")
    if any(check["passed"] is False for check in report.content["checks"]):
        remark("failed: the report does not say what the model does; see CHECKS")
        raise typer.Exit(FAILED)


def _saved(study: Study, fits: Fits, report: Report) -> dict[str, bytes]:
    """The pruned model behind its encoder, as a skops file; none where there can be none."""
    from sklearn.pipeline import make_pipeline

    from ..exceptions import UntrustedModelError
    from ..saving import Saved, about_model, model_bytes
    from ..saving.boosters import stored

    encoder, *rest = (stored(step) for _, step in fits.whole(fits.native).steps)
    # What stands between encoder and model belongs to the model.
    model = make_pipeline(encoder, rest[0] if len(rest) == 1 else make_pipeline(*rest))
    about = about_model(
        model,
        name=study.name,
        target=study.target,
        task=study.task,
        labels=study.labels,
        decision=report.content["decision"],
        seed=study.seed,
        sha256=study.sha256,
    )
    try:
        return {MODEL_FILE: model_bytes(Saved(model, stored(fits.rival("grown").native), about))}
    except UntrustedModelError as refusal:
        warnings.warn(f"the model is not saved: {refusal}", stacklevel=1)
        return {}
