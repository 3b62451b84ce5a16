"""Everything the report says, as one plain dict: strings, numbers, lists, None.

Rendering only places what is here; a figure that is not in the dict cannot be printed.
"""

from __future__ import annotations

import importlib.metadata
import platform
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import sklearn

from .. import __version__
from .calibration import calibration
from .curve import curve_of
from .data_section import data_section
from .explained import explained
from .fair import fair
from .held_out import compare
from .intake import listed
from .models import kind_of
from .rivals import uses_folds
from .scored import scored
from .study import stated_text
from .words import method_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..path import PruningPath
    from .rivals import Fits, Options
    from .study import Study

__all__ = ["report_of"]

SCHEMA = "treeprune-report/2"
SHOWN_STEPS = 12
_OWN_RISK = {
    "tree": "impurity of the training rows",
    "forest": "impurity of the training rows, mean over trees",
    "booster": "loss of the training rows",
    "network": "loss of the training rows",
}


def report_of(
    study: Study,
    fits: Fits,
    options: Options,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Everything the report says.

    Parameters
    ----------
    study : Study
    fits : Fits
    options : Options
    say : callable
        Told what is being done, for a progress display.

    Returns
    -------
    dict
        JSON-able; infinite and undefined numbers are None.

    Examples
    --------
    >>> import pandas as pd
    >>> from treeprune.report.intake import Table
    >>> from treeprune.report.rivals import Options, fit_rivals
    >>> from treeprune.report.study import study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> options = Options(cv=2, n_resamples=1000)
    >>> report = report_of(study, fit_rivals(study, options), options)
    >>> report["title"]["n_train"], report["title"]["n_held_out"], report["checks"][0]["passed"]
    (56, 24, True)
    """
    say(f"comparing on {len(study.y_test)} held-out rows ({options.n_resamples} resamples)")
    held_out = compare(study, fits, options)
    groups = fair(study, fits, options, say)
    told = explained(study, fits, say)
    calibrated = calibration(study, fits)
    score = scored(study, fits, options, say)
    return {
        "schema": SCHEMA,
        "title": {
            "data": study.name,
            "target": study.target,
            "task": study.task,
            "task_said": study.task_said,
            "split": study.split,
            "split_said": study.split_said,
            "n_train": len(study.y_train),
            "n_held_out": len(study.y_test),
            "seed": study.seed,
        },
        "excluded": [{"column": c, "reason": r} for c, r in study.excluded],
        "notes": [*study.notes, *_grouped_notes(fits), *_unseen_notes(study)],
        "data": data_section(study, fits),
        "decision": _decision(study),
        "model": {**_model(fits), **told.pop("read_as")},
        "path": _path(fits.path, fits.pipeline[-1], options),
        "held_out": held_out,
        "calibration": calibrated,
        "fairness": groups,
        **told,
        "interpretability": score,
        "limits": list(study.limits),
        "record": {
            "versions": _versions(fits),
            "sha256": study.sha256,
            "seed": study.seed,
            "options": _options(study, fits, options),
        },
        "made": None,
    }


def _model(fits: Fits) -> dict[str, Any]:
    """What kind of model it is, how its size is counted, and whether it still tells rows apart."""
    return {
        "kind": fits.kind.key,
        "word": fits.kind.word,
        "unit": fits.path.size_unit,
        "sizes": list(fits.kind.sizes),
        "constant": bool(fits.path.is_constant(int(fits.pipeline[-1].step_))),
    }


def _versions(fits: Fits) -> dict[str, str]:
    """Versions of what takes part in a prediction."""
    versions = {
        "treeprune": __version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "Python": platform.python_version(),
    }
    if fits.kind.key == "lightgbm":
        versions["lightgbm"] = importlib.metadata.version("lightgbm")
    return versions


def _options(study: Study, fits: Fits, options: Options) -> str:
    unit = fits.path.size_unit
    cap = "" if options.max_size is None else f", at most {options.max_size} {unit}"
    score = "" if options.scoring is None else f", scoring {options.scoring}"
    folds = f", {options.cv} folds" if uses_folds(options) else ""
    split = "" if study.split == "random" else f", split: {study.split}"
    orders = " and ".join(f"{name}:{'+' if d > 0 else '-'}" for name, d in study.monotone.items())
    monotone = f", monotone {orders}" if orders else ""
    refits = f", refits {options.refits}"
    limits = "".join(f", limit {limit.words}" for limit in options.limits)
    model = "" if fits.kind.key == "tree" else f"{fits.kind.key}, "
    method = f"{model}{options.pruned_by}"
    return (
        f"{method}, strength {options.strength}{cap}{folds}{score}{split}{monotone}{refits}{limits}"
    )


def _grouped_notes(fits: Fits) -> list[str]:
    return [
        f"{column}: {len(rare)} rare categories are treated as one: {listed(rare)}"
        for column, rare in fits.columns.grouped.items()
        if len(rare) > 1
    ]


def _unseen_notes(study: Study) -> list[str]:
    notes = []
    for column in study.X_train.columns:
        if isinstance(study.X_train[column].dtype, pd.CategoricalDtype):
            seen = study.X_train[column].dropna().unique()
            unseen = int((~study.X_test[column].isin(seen) & study.X_test[column].notna()).sum())
            if unseen:
                notes.append(f"{column}: {unseen} held-out rows have a category not seen before")
    return notes


def _decision(study: Study) -> dict[str, Any] | None:
    """What a probability means: the positive class, the cut-off and where it comes from."""
    if not study.is_classification:
        return None
    words = {name: getattr(study.words, name) for name in study.words.__dataclass_fields__}
    decision: dict[str, Any] = {
        "labels": list(study.labels),
        "positive": study.labels[1] if study.task == "binary" else None,
        "words": words,
        "costs": None,
        "cutoff": None,
    }
    if study.costs is not None:
        cutoff = study.costs.cutoff
        decision["costs"] = {
            "miss": study.costs.miss,
            "false_alarm": study.costs.false_alarm,
            "source": study.costs.source,
        }
        decision |= {"cutoff": float(cutoff), "cutoff_text": study.costs.cutoff_text}
    elif study.cutoff is not None:
        decision |= {"cutoff": study.cutoff, "cutoff_text": stated_text(study.cutoff)}
    return decision


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _path(path: PruningPath, pruned: Any, options: Options) -> dict[str, Any]:
    """The steps worth showing, the step chosen and what the choice rests on."""
    frame = path.to_frame()
    chosen = int(pruned.step_)
    scored = path.step_score is not None
    best = path.best_step if scored else None
    one_se = path.one_se_step if scored else None
    marks: dict[int, list[str]] = {}
    named = ((0, "as grown"), (len(path) - 1, "smallest"), (best, "best"))
    for step, mark in (*named, (one_se, "one SE"), (chosen, "chosen")):
        if step is not None:
            marks.setdefault(step, []).append(mark)
    steps = []
    for step in _shown_steps(path, sorted(marks)):
        row = frame.iloc[step]
        steps.append(
            {
                "step": step,
                "strength": _number(row["strength"]),
                path.size_unit: int(row["size"]),
                "risk": _number(row["risk"]),
                **_score_of(path, step),
                "marks": marks.get(step, []),
            }
        )
    return {
        "method": path.method,
        "risk_words": _risk_words(path),
        "n_steps": len(path),
        "scoring": path.scoring,
        "lower_is_better": bool(path.scoring and path.scoring.startswith("neg_")),
        "folds": options.cv if scored else None,
        "steps": steps,
        "curve": curve_of(path),
        "chosen": chosen,
        "choice": {
            "rule": _rule_of_choice(options, scored, len(path) > 1),
            "rule_words": _rule_words(path),
            "given": None if isinstance(options.strength, str) else float(options.strength),
            "max_size": options.max_size,
            "strength": _number(float(path.strength[chosen])),
            "best": None if best is None else _choice_row(path, best),
            "one_se": None if one_se is None else _choice_row(path, one_se),
            "chosen": _choice_row(path, chosen),
            "limit": None if one_se is None else _limit_of(path, int(best or 0)),
        },
    }


def _sign(path: PruningPath) -> int:
    return -1 if path.scoring and path.scoring.startswith("neg_") else 1


def _score_of(path: PruningPath, step: int) -> dict[str, float | None]:
    if path.step_score is None or path.step_score_se is None:
        return {"score": None, "se": None}
    score = _number(path.step_score[step])
    return {
        "score": None if score is None else _sign(path) * score,
        "se": _number(path.step_score_se[step]),
    }


def _choice_row(path: PruningPath, step: int) -> dict[str, Any]:
    return {"step": step, path.size_unit: int(path.size[step]), **_score_of(path, step)}


def _limit_of(path: PruningPath, best: int) -> float:
    """The worst score that the one-SE rule accepts."""
    assert path.step_score is not None
    assert path.step_score_se is not None
    return float(_sign(path) * (path.step_score[best] - path.step_score_se[best]))


def _rule_of_choice(options: Options, scored: bool, splits: bool) -> str:
    """`one_se`, `best`, `given` (a number), `textbook` (the method's own rule) or `none`."""
    if not splits:
        return "none"
    if options.strength == "auto":
        return "one_se" if scored else "textbook"
    return options.strength if isinstance(options.strength, str) else "given"


def _risk_words(path: PruningPath) -> str:
    """What a method prunes by, as the report runs it."""
    if path.networks:
        return _OWN_RISK["network"]
    score = "Brier score" if path.base.is_classifier else "squared error"
    return {
        "reduced_error": f"{score} on rows set aside",
        "error_based": "upper confidence limit of the training errors",
        "minimum_error": "training errors by m-estimate",
        "pessimistic": "training errors and half an error a leaf",
        "agreement": f"change against the {_word(path)} as grown, on rows set aside",
    }.get(path.method, _OWN_RISK[_word(path)])


def _word(path: PruningPath) -> str:
    return kind_of(path.model).word


def _rule_words(path: PruningPath) -> str:
    """The method's own rule; who reads "textbook" may look it up and must find it."""
    method, classes = path.method, path.base.is_classifier
    name = f"{method_words(method)} pruning"
    if method == "agreement":
        what = "rows told another likelier class" if classes else "variance of the predictions"
        return f"the rule of {name} (at most 1 % of {what}; not the decision at a cut-off)"
    by = f", by {_risk_words(path)}" if method == "reduced_error" else ""
    return f"the textbook rule of {name}{by}"


def _shown_steps(path: PruningPath, must: list[int]) -> list[int]:
    """About twelve steps: those that are marked, the others evenly spaced in the log of size."""
    n = len(path)
    if n <= SHOWN_STEPS:
        return list(range(n))
    shown, size = set(must), np.log(path.size)
    while len(shown) < SHOWN_STEPS:
        gap = np.abs(size[:, None] - size[sorted(shown)]).min(axis=1)
        gap[sorted(shown)] = -1.0
        shown.add(int(gap.argmax()))  # the step farthest from all that are shown
    return sorted(shown)
