"""All rivals on the held-out rows: figures with intervals, paired differences, changed decisions.

Every figure is a function of how often each held-out row is counted; one set of bootstrap counts
then gives the interval of every figure. Differences are judged as `verify` judges them: two areas
under the ROC curve by paired DeLong, other figures by the same bootstrap counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..intervals import (
    Difference,
    auc_of,
    bootstrap,
    compare_areas,
    compare_draws,
    few_units,
    macro_auc_of,
    mean_of,
    percentile_interval,
    r2_of,
    row_losses,
    same_order,
)
from .models import used_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from .rivals import Fits, Options, Rival
    from .study import Study

    Array = npt.NDArray[np.float64]
    Figure = Callable[[Array], Array]

__all__ = ["Outputs", "compare", "outputs_of"]

LEVEL = 0.95  # of each one-sided bound of a difference


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a model says about rows.

    Parameters
    ----------
    value : array of float64, shape (n_rows, n_classes) or (n_rows, 1)
        Class probabilities, or predictions of a regression.
    argmax : array of int64 or None
        Class of the largest probability, the model's own `predict`.
    decision : array of int64 or None
        Class decided for at least expected cost; equal to `argmax` without costs.

    Examples
    --------
    >>> Outputs(np.zeros((1, 1)), None, None).value.shape
    (1, 1)
    """

    value: Array
    argmax: npt.NDArray[np.int64] | None
    decision: npt.NDArray[np.int64] | None


def outputs_of(model: Any, Z: Any, study: Study) -> Outputs:
    """Predictions and decisions of a fitted model on rows.

    Parameters
    ----------
    model : fitted estimator
    Z : DataFrame
        Rows as the model receives them.
    study : Study

    Returns
    -------
    Outputs
        For a binary decision with costs, 1 where P >= the cut-off.

    Examples
    --------
    See `compare`.
    """
    if not study.is_classification:
        return Outputs(np.asarray(model.predict(Z), np.float64)[:, None], None, None)
    proba = np.asarray(model.predict_proba(Z), np.float64)
    return Outputs(proba, np.argmax(proba, axis=1), study.decide(proba))


def compare(study: Study, fits: Fits, options: Options) -> dict[str, Any]:
    """Figures of all rivals on the held-out rows.

    Parameters
    ----------
    study : Study
    fits : Fits
    options : Options

    Returns
    -------
    dict
        `rows` (a model each: figures as {value, low, high}), `differences` (pruned minus a
        rival, with one-sided bounds, a verdict and the rows that would decide), `swap` (changed
        decisions), and how the intervals were made.

    Examples
    --------
    >>> from treeprune.report.rivals import Options
    >>> Options().n_resamples
    2000
    """
    outputs = {r.key: outputs_of(r.model, fits.Z_test, study) for r in fits.rivals}
    figures = {key: figures_of(study, out) for key, out in outputs.items()}
    names = list(figures["pruned"])
    flat = [figure for key in figures for figure in figures[key].values()]
    n = len(study.y_test)
    drawn = bootstrap(
        lambda counts: np.column_stack([figure(counts) for figure in flat]),
        n,
        options.n_resamples,
        study.seed,
    ).reshape(options.n_resamples, len(figures), len(names))
    once = np.ones((1, n))
    values = np.array([[float(f(once)[0]) for f in figures[key].values()] for key in figures])
    keys = list(figures)
    rows = []
    for i, rival in enumerate(fits.rivals):
        shown = {name: with_interval(values[i, j], drawn[:, i, j]) for j, name in enumerate(names)}
        rows.append(
            {
                "key": rival.key,
                "model": rival.label,
                "detail": rival.detail,
                "figures": shown,
                **_size(rival, fits),
                **_change(outputs["grown"], outputs[rival.key], is_grown=rival.key == "grown"),
            }
        )
    lead = names[0]
    grown, after = keys.index("grown"), keys.index("pruned")
    changes = {
        name: with_interval(
            values[after, j] - values[grown, j], drawn[:, after, j] - drawn[:, grown, j]
        )
        for j, name in enumerate(names)
    }
    differences = []
    for other in ("grown", "pruned_other", "grown_small", "linear"):
        pair = [keys.index(other), keys.index("pruned")]
        said = outputs[other].value, outputs["pruned"].value
        found = _judged(study, *said, values[pair, 0], drawn[:, pair, 0], options.margin)
        differences.append({"rival": other, "figure": lead, **_told(found)})
    return {
        "n": n,
        "lead": lead,
        "rows": rows,
        "differences": differences,
        "changes": changes,
        "margin": options.margin,
        "level": LEVEL,
        "resamples": options.n_resamples,
        "resamples_defined": int(np.isfinite(drawn).all(axis=(1, 2)).sum()),
        "swap": swap_of(study, outputs["grown"], outputs["pruned"]),
    }


def figures_of(study: Study, out: Outputs) -> dict[str, Figure]:
    """Each figure as a function of counts per row; the first is the one that is compared."""
    y = study.y_test
    if not study.is_classification:
        error = out.value[:, 0] - y
        squared = mean_of(error**2)
        return {
            "r2": r2_of(y, out.value[:, 0]),
            "rmse": lambda counts: np.sqrt(squared(counts)),
            "mae": mean_of(np.abs(error)),
        }
    binary = study.task == "binary"
    losses = row_losses(y, out.value)
    figures: dict[str, Figure] = {
        "auc": auc_of(y == 1, out.value[:, 1]) if binary else macro_auc_of(y, out.value),
        "log_loss": mean_of(losses["log_loss"]),
        "brier": mean_of(losses["brier"]),
    }
    assert out.argmax is not None
    assert out.decision is not None
    figures["accuracy"] = mean_of((out.argmax == y).astype(np.float64))
    if study.costs is None:
        return figures
    cost = np.array([[0.0, study.costs.false_alarm], [study.costs.miss, 0.0]])
    return {
        **figures,
        "cost_argmax": mean_of(cost[y, out.argmax]),
        "cost": mean_of(cost[y, out.decision]),
    }


def with_interval(value: float, drawn: Array) -> dict[str, float | None]:
    interval = percentile_interval(drawn)
    low, high = interval if interval else (None, None)
    return {"value": float(value) if np.isfinite(value) else None, "low": low, "high": high}


def _size(rival: Rival, fits: Fits) -> dict[str, Any]:
    if rival.native is None:
        every = fits.columns.used(range(len(fits.columns.raw)))
        return {**dict.fromkeys(fits.kind.sizes), "columns": len(every)}
    counts = fits.kind.count(rival.native, fits.Z_test)
    return {
        **{name: counts[name] for name in fits.kind.sizes},
        "columns": len(fits.columns.used(used_columns(rival.native))),
    }


def _change(grown: Outputs, out: Outputs, *, is_grown: bool) -> dict[str, float | None]:
    """Mean squared change of the prediction and share of changed decisions against as grown."""
    if is_grown:
        return {"delta_e": None, "changed": None}
    moved = (out.value - grown.value) ** 2
    # Two classes mirror each other: one of them tells the change of the probability.
    delta = moved[:, 1] if moved.shape[1] == 2 else moved.sum(axis=1)
    changed = None if out.decision is None else float((out.decision != grown.decision).mean())
    return {"delta_e": float(delta.mean()), "changed": changed}


def _judged(
    study: Study, before: Array, after: Array, figures: Array, drawn: Array, margin: float
) -> Difference:
    """The figure that is compared, of a rival (before) and of the pruned model (after)."""
    y = study.y_test
    if study.task == "binary":
        return compare_areas(y == 1, before[:, 1], after[:, 1], margin=margin, level=LEVEL)
    units, rarer, same = None, None, np.allclose(before, after, rtol=1e-9, atol=1e-12)
    if study.is_classification:
        units = few_units(y, before, after, figures)
        rarer, same = int(np.bincount(y).min()), same_order(before, after)
    return compare_draws(
        float(figures[0]),
        float(figures[1]),
        drawn,
        margin=margin,
        n_rows=len(y),
        level=LEVEL,
        units=units,
        same=same,
        rarer=rarer,
    )


def _told(found: Difference) -> dict[str, Any]:
    told = {"value": found.value if np.isfinite(found.value) else None, **asdict(found)}
    return {name: value for name, value in told.items() if name not in ("before", "after")}


def swap_of(study: Study, grown: Outputs, pruned: Outputs) -> dict[str, Any] | None:
    """Whose decision changed from the grown to the pruned model, by outcome."""
    if grown.decision is None or pruned.decision is None:
        return None
    y = study.y_test
    changed = int((grown.decision != pruned.decision).sum())
    if study.task != "binary":
        right = pruned.decision == y
        wrong_before = grown.decision != y
        return {
            "changed": changed,
            "mended": int((right & wrong_before).sum()),
            "spoiled": int((~right & ~wrong_before).sum()),
        }
    acted = (pruned.decision == 1) & (grown.decision == 0)
    passed = (pruned.decision == 0) & (grown.decision == 1)
    counts = {"changed": changed}
    for name, rows in (("acted", acted), ("passed", passed)):
        counts[name] = int(rows.sum())
        counts[f"{name}_positive"] = int((rows & (y == 1)).sum())
    decided, truth = pruned.decision == 1, y == 1
    counts |= {
        "n_acted": int(decided.sum()),
        "n_acted_negative": int((decided & ~truth).sum()),
        "n_negative": int((~truth).sum()),
        "n_passed": int((~decided).sum()),
        "n_passed_positive": int((~decided & truth).sum()),
        "grown_n_acted": int((grown.decision == 1).sum()),
    }
    return counts
