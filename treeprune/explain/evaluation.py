"""How each rule fares on rows whose outcome is known: support, outcomes, and how sure they are.

A rule is judged by what it predicts: for classes, the share of its likeliest class among the rows
that it takes; for numbers, their mean. Weighted rows count as Kish's effective number of rows, so
that unequal weights widen the interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from ..intervals import wilson
from .exports.names import free_name
from .text import printable

if TYPE_CHECKING:
    from .rules import RuleSet

    Array = npt.NDArray[np.float64]

__all__ = ["differs", "evaluate"]

LEVEL = 0.05


def evaluate(
    rules: RuleSet, X: Any, y: Any, sample_weight: Any = None, *, focus: npt.ArrayLike | None = None
) -> pd.DataFrame:
    """How each rule fares on rows with known outcome; see `RuleSet.evaluate`.

    Parameters
    ----------
    rules : RuleSet
    X : array-like, shape (n_rows, n_raw_columns)
    y : array-like, shape (n_rows,)
    sample_weight : array-like, shape (n_rows,), optional
    focus : array-like of int, shape (n_rules,), optional
        The class of each rule that `confidence` is about; by default its likeliest.

    Returns
    -------
    DataFrame
        One row a rule.

    Raises
    ------
    ValueError
        If there are several outputs, lengths differ, `y` misses values or holds labels that the
        rules do not know, weights are negative, or a row meets no rule.

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference;
    Kish (1965), Survey sampling, for the effective number of rows.

    Examples
    --------
    >>> from treeprune.explain.rules import Rule, RuleSet
    >>> from .conditions import Column
    >>> always = Rule((), np.array([[0.3, 0.7]]))
    >>> rules = RuleSet((Column("age"),), (always,), (np.array(["no", "yes"]),))
    >>> evaluate(rules, pd.DataFrame({"age": [20, 30]}), ["yes", "no"]).round(2).T[0].tolist()
    ['R1', 2, 1.0, 'yes', 0.7, 1.0, 1.0, 0.5, 0.09, 0.91, 1.0]
    """
    if len(rules.classes) > 1 or any(rule.value.shape[0] > 1 for rule in rules):
        raise ValueError(
            "rules of several outputs cannot be evaluated together: fit and explain a model for "
            "each output"
        )
    rule_of = rules.match(X)
    if (rule_of < 0).any():
        row = int(np.argmax(rule_of < 0))
        raise ValueError(
            f"row {row} meets no rule: it misses a value, or has a category, that the model "
            "itself refuses; leave such rows out"
        )
    outcome, weight = _outcome(y, len(rule_of)), _weights(sample_weight, len(rule_of))
    if rules.is_classifier:
        codes = _codes(outcome, rules.classes[0])
        figures = _shares(rules, rule_of, codes, weight, focus)
    else:
        figures = _means(rules, rule_of, _numbers(outcome), weight)
    count = np.bincount(rule_of[weight > 0], minlength=len(rules))
    mass = np.bincount(rule_of, weights=weight, minlength=len(rules))
    head = {
        "rule": [f"R{i + 1}" for i in range(len(rules))],
        "rows": count,
        "support": mass / weight.sum() if weight.sum() > 0 else np.full(len(rules), np.nan),
    }
    return pd.DataFrame({**head, **figures})


def _outcome(y: Any, n: int) -> npt.NDArray:
    values = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (n,):
        raise ValueError(f"y must hold one outcome for each of the {n} rows, has {values.shape}")
    return np.asarray(values)


def _weights(sample_weight: Any, n: int) -> Array:
    if sample_weight is None:
        return np.ones(n)
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n,):
        raise ValueError(
            f"sample_weight must hold one weight for each of the {n} rows, has {weight.shape}"
        )
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("weights must be finite and not negative")
    return weight


def _codes(outcome: npt.NDArray, classes: npt.NDArray) -> npt.NDArray[np.int64]:
    """Positions of the labels among the rules' classes."""
    position = {label: k for k, label in enumerate(classes.tolist())}
    codes = np.array([position.get(label, -1) for label in outcome.tolist()], dtype=np.int64)
    if (codes < 0).any():
        unknown = pd.unique(pd.Series(outcome[codes < 0], dtype=object))[:5]
        raise ValueError(
            f"y holds {list(unknown)}, which are not among the classes {classes.tolist()} of the "
            "rules: leave these rows out, or map the labels first"
        )
    return codes


def _numbers(outcome: npt.NDArray) -> Array:
    try:
        values = outcome.astype(np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"y must hold numbers, as the rules predict one: {error}") from error
    if not np.isfinite(values).all():
        raise ValueError("y misses values or is infinite: leave these rows out")
    return values


def _effective(rule_of: npt.NDArray, weight: Array, n_rules: int) -> tuple[Array, Array]:
    """Total weight and effective number of rows of each rule."""
    mass = np.bincount(rule_of, weights=weight, minlength=n_rules)
    scale = weight.max(initial=0.0) or 1.0  # keeps squares of tiny weights from vanishing
    squares = np.bincount(rule_of, weights=(weight / scale) ** 2, minlength=n_rules)
    some = np.where(squares > 0, squares, 1.0)
    return np.asarray(mass), np.where(squares > 0, (mass / scale) ** 2 / some, 0.0)


def _shares(
    rules: RuleSet,
    rule_of: npt.NDArray,
    codes: npt.NDArray[np.int64],
    weight: Array,
    focus: npt.ArrayLike | None,
) -> dict[str, Any]:
    """Class weights, and the share of one class with its interval and lift."""
    classes, n = rules.classes[0], len(rules)
    table = np.zeros((n, len(classes)))
    np.add.at(table, (rule_of, codes), weight)
    mass, effective = _effective(rule_of, weight, n)
    proba = np.stack([rule.value[0, : len(classes)] for rule in rules])
    k = np.argmax(proba, axis=1) if focus is None else np.asarray(focus)
    own = np.arange(n)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = table[own, k] / mass
        lift = share / (table.sum(axis=0) / weight.sum())[k]
    limits = [
        wilson(float(s) * float(e), float(e)) or (np.nan, np.nan)
        for s, e in zip(np.nan_to_num(share), effective, strict=True)
    ]
    figures: dict[str, Any] = {"value": classes[k], "probability": proba[own, k]}
    for j, label in enumerate(classes.tolist()):
        figures[free_name(f"n_{printable(label)}", figures)] = table[:, j]
    figures["confidence"] = share
    figures["low"], figures["high"] = (np.array(side) for side in zip(*limits, strict=True))
    figures["lift"] = np.where(np.isfinite(lift), lift, np.nan)
    return figures


def _means(rules: RuleSet, rule_of: npt.NDArray, outcome: Array, weight: Array) -> dict[str, Any]:
    """The mean of each rule's rows with its t interval."""
    n = len(rules)
    mass, effective = _effective(rule_of, weight, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(rule_of, weights=weight * outcome, minlength=n) / mass
        squared = weight * (outcome - mean[rule_of]) ** 2
        variance = np.bincount(rule_of, weights=np.nan_to_num(squared), minlength=n) / mass
        several = effective > 1 + 1e-9
        freedom = np.where(several, effective - 1, np.nan)
        half = stats.t.ppf(0.975, freedom) * np.sqrt(variance / freedom)
        deviation = np.sqrt(variance * effective / freedom)
    return {
        "value": np.array([float(rule.value[0, 0]) for rule in rules]),
        "mean": mean,
        "low": mean - half,
        "high": mean + half,
        "deviation": deviation,
    }


def differs(train: pd.DataFrame, held_out: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rules' held-out outcome differs from that on training rows, p < .05, uncorrected.

    Parameters
    ----------
    train, held_out : DataFrame
        From `evaluate` without weights, for the same rules and classes.

    Returns
    -------
    array of bool, shape (n_rules,)
        By Fisher's exact test for shares, by Welch's t test for means; false where too few rows
        can be compared.

    Examples
    --------
    >>> frame = pd.DataFrame({"rows": [40], "confidence": [0.5]})
    >>> differs(frame, frame.assign(confidence=0.1)).tolist(), differs(frame, frame).tolist()
    ([True], [False])
    """
    test = _fisher if "confidence" in train else _welch
    pairs = zip(train.to_dict("records"), held_out.to_dict("records"), strict=True)
    return np.array([test(a, b) for a, b in pairs], dtype=bool)


def _fisher(a: dict[Any, Any], b: dict[Any, Any]) -> bool:
    if not a["rows"] or not b["rows"]:
        return False
    hits = [round(side["confidence"] * side["rows"]) for side in (a, b)]
    counts = [[hit, int(side["rows"]) - hit] for hit, side in zip(hits, (a, b), strict=True)]
    return bool(stats.fisher_exact(counts)[1] < LEVEL)


def _welch(a: dict[Any, Any], b: dict[Any, Any]) -> bool:
    if min(a["rows"], b["rows"]) < 2:
        return False
    if max(a["deviation"], b["deviation"]) == 0:
        return bool(a["mean"] != b["mean"])
    sides = [x for side in (a, b) for x in (side["mean"], side["deviation"], side["rows"])]
    return bool(stats.ttest_ind_from_stats(*sides, equal_var=False).pvalue < LEVEL)
