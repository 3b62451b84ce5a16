"""Verification: is one fitted model as good as another on the same held-out rows?

A smaller model is accepted when a loss larger than a margin is excluded, not when no difference
was found. The two models stay what they are: each is asked for its own predictions once, and the
answer (non-inferior, worse, undecided) rests on one-sided bounds of the paired difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import _safe_indexing, check_random_state

from ..intervals import (
    Difference,
    bootstrap,
    compare_areas,
    compare_draws,
    compare_shares,
    count_of_rows,
    no_spread,
    round_rows,
)
from ..losses import check_rows
from .answers import Answers, checked_pair, checked_target
from .scores import Score, score_of

__all__ = ["Verification", "verify"]

Array = npt.NDArray

OWN_RESAMPLES = 500  # a scorer of the caller's own asks both models anew for every resample
TAIL_RESAMPLES = 5  # so many must lie beyond a bound, or it rests on next to nothing
NO_VERDICT = ("too few for a verdict", "no row tells the two models apart")
_WORDS = {"roc_auc": "ROC AUC", "roc_auc_ovr": "one-vs-rest ROC AUC", "r2": "R²"}


@dataclass(frozen=True, repr=False)
class Verification:
    """What held-out rows say on the question whether `after` is as good as `before`.

    Parameters
    ----------
    before, after : float
        Score of either model, larger is better.
    difference : float
        after - before.
    low, high : float
        Bounds of the difference, each one-sided at `level`.
    margin : float
        The loss of score that would not matter.
    verdict : {"non-inferior", "worse", "undecided"}
        `non-inferior` if low > -margin; else `worse` if high < 0; else `undecided`, as it is with
        too few rows whatever the bounds.
    rows_needed : int or None
        If undecided, the number of held-out rows of the same kind that would decide if
        difference and spread stayed the same; None if that is more than a billion, or if these
        rows are too few to tell.
    n_rows : int
        Held-out rows (of weight above zero).
    scoring : str
        Name of the score.
    method : str
        "paired DeLong", "paired score interval (Tango 1998)" or "paired bootstrap, 2000
        resamples" (of how many, where the score is not defined on all); ", rule of three" is
        added where hardly a row tells the models apart, and after "; " why the bounds are
        approximate or decide nothing, such as "only 9 rows of the rarer class: approximate".
    level : float
        Confidence of each bound.

    Examples
    --------
    >>> from treeprune import Verification
    >>> found = Verification(
    ...     before=0.74, after=0.742, difference=0.002, low=-0.006, high=0.01, margin=0.01,
    ...     verdict="non-inferior", rows_needed=None, n_rows=250, scoring="roc_auc",
    ...     method="paired DeLong", level=0.95,
    ... )
    >>> print(found.to_text())
    After is not worse than before by more than .01 ROC AUC: difference +.002, 95 % one-sided
    bound -.006 (paired DeLong, 250 rows).
    """

    before: float
    after: float
    difference: float
    low: float
    high: float
    margin: float
    verdict: str
    rows_needed: int | None
    n_rows: int
    scoring: str
    method: str
    level: float

    def to_text(self) -> str:
        """The answer in one sentence.

        Returns
        -------
        str
            Figures have as many digits as show on which side of the margin a bound lies.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import prune, verify
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> grown = DecisionTreeClassifier(random_state=0).fit(X[::2], y[::2])
        >>> print(verify(grown, prune(grown, max_size=2), X[1::2], y[1::2]).to_text())
        After is worse than before in ROC AUC, and a loss of more than .01 is not excluded:
        difference -..., 95 % one-sided bounds -... and -... (paired DeLong, 284 rows).
        """
        digits = _digits(self)
        score = _WORDS.get(self.scoring) or self.scoring.replace("_", " ")
        score = f"negated {score[4:]}" if score.startswith("neg ") else score
        difference, low, high = (
            _signed(value, digits) for value in (self.difference, self.low, self.high)
        )
        bound = f"{100 * self.level:.6g} % one-sided bound"
        method, _, note = self.method.partition("; ")
        rows = f"({method}, {count_of_rows(self.n_rows)}{'; ' if note else ''}{note})"
        margin = _plain(self.margin)
        if self.verdict == "non-inferior":
            return (
                f"After is not worse than before by more than {margin} {score}: difference "
                f"{difference}, {bound} {low} {rows}."
            )
        if self.high < -self.margin:
            return (
                f"After is worse than before by more than {margin} {score}: difference "
                f"{difference}, {bound} {high} {rows}."
            )
        figures = f"difference {difference}, {bound}s {low} and {high} {rows}"
        if self.verdict == "worse":
            return (
                f"After is worse than before in {score}, and a loss of more than {margin} is not "
                f"excluded: {figures}."
            )
        undecided = (
            f"Undecided whether after is worse than before by more than {margin} {score}: {figures}"
        )
        if note.endswith(NO_VERDICT):
            return f"{undecided}."
        needed = "no number of rows that can be had would decide"
        if self.rows_needed is not None:
            needed = (
                f"about {round_rows(self.rows_needed):,} rows of this kind would decide if "
                "difference and spread stayed the same"
            )
        return f"{undecided}; {needed}."

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain numbers and strings.

        Returns
        -------
        dict
            JSON-able.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.linear_model import Ridge
        >>> from treeprune import verify
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = Ridge().fit(X[::2], y[::2])
        >>> found = verify(model, model, X[1::2], y[1::2]).to_dict()
        >>> found["verdict"], found["difference"], found["scoring"], found["n_rows"]
        ('non-inferior', 0.0, 'r2', 221)
        """
        return asdict(self)

    def __repr__(self) -> str:
        digits = _digits(self)
        before, after = (_strip(f"{x:.{digits}f}") for x in (self.before, self.after))
        difference, low, high = (_signed(x, digits) for x in (self.difference, self.low, self.high))
        return (
            f"Verification({self.verdict}: {self.scoring} {before} -> {after}, difference "
            f"{difference} [{low}, {high}], margin {_plain(self.margin)}, {self.method}, "
            f"{count_of_rows(self.n_rows)})"
        )


def _digits(found: Verification) -> int:
    """Decimals that show the margin, and on which side of their marks the bounds lie."""
    places = 1 - math.floor(math.log10(found.margin))
    marks = ((found.low, -found.margin), (found.high, -found.margin), (found.high, 0.0))
    for digits in range(max(places, 3 if found.margin < 1 else 0), 17):
        if all((round(x, digits) > at) == (x > at) for x, at in marks) and all(
            (round(x, digits) < at) == (x < at) for x, at in marks
        ):
            return digits
    return 17


def _strip(text: str) -> str:
    return text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return _strip(text if float(text) else text[1:])


def _plain(value: float) -> str:
    return _strip(f"{value:.12g}")


def verify(
    before: Any,
    after: Any,
    X: Any,
    y: Any,
    *,
    margin: float = 0.01,
    scoring: str | Callable | None = None,
    level: float = 0.95,
    sample_weight: Any = None,
    n_resamples: int = 2000,
    random_state: Any = 0,
) -> Verification:
    """Is a model as good as another on the same held-out rows, up to a margin?

    Parameters
    ----------
    before, after : fitted estimators
        Two classifiers of the same classes, or two regressors, of any library: pipelines, trees,
        forests, boosters, networks. Each keeps its own `predict` and `predict_proba`.
    X : array-like, sparse matrix or frame, shape (n_rows, n_features)
        Rows that neither model was fitted, pruned or chosen on. Of a frame each model is given
        the columns that it was fitted on.
    y : array-like, shape (n_rows,)
        Their outcomes.
    margin : float
        The loss of score that would not matter, > 0. State it before you look.
    scoring : str, callable or None
        None is the ROC AUC for two classes, the one-vs-rest macro ROC AUC for several, R² for
        regressors. Else the name of a scikit-learn scorer, or a callable (estimator, X, y) ->
        float. Larger is better.
    level : float
        Confidence of each one-sided bound, between 0.5 and 1. At 0.95 the two bounds make a
        two-sided 90 % interval, and a model that is worse by exactly the margin is meant to be
        called non-inferior in 5 % of all samples. In simulations it is in at most 6 % for
        accuracy. For the ROC AUC of normal scores it is in about 5 % or fewer, down to five rows
        of a class, but in up to 7 % where two much correlated areas are both near 1 (.99 and
        .98, correlation .9, 60 and 140 rows). Percentiles of a bootstrap hold 5 % with many rows
        only: a mean of skewed losses, or a rare class, can double it.
    sample_weight : array-like, shape (n_rows,), optional
        Weights, for ROC AUC, R² and scores that are means over rows. A weighted row stays one
        row, drawn or not; rows of weight zero are left out. With weights the ROC AUC and the
        accuracy are bootstrapped.
    n_resamples : int
        Bootstrap resamples of the rows.
    random_state : int, RandomState or None
        Seed of the resamples.

    Returns
    -------
    Verification

    Raises
    ------
    UnsupportedModelError
        If a model predicts nothing, or not what the score needs, or predicts several outputs.
    sklearn.exceptions.NotFittedError
        If a model is not fitted.
    ValueError
        If there is no row, lengths differ, columns are lacking, y is missing or holds a class
        that the models do not know or, for a ROC AUC, not two rows of each (for R²: only one
        value), a classifier is given with a regressor or with one of other classes, a prediction
        is not finite, `margin` is not above zero, or the score is defined on fewer than half of
        the resamples.

    Notes
    -----
    The binary ROC AUC is compared by paired DeLong (exact in ties, no resamples), with Student's
    quantiles for the rarer class and the spread that an area has at the bound, which is larger
    than that of an area near 1. Accuracy, and recall of two classes, are shares of the same rows:
    their difference has Tango's score interval (no resamples). All other scores, and those with
    weights, are compared by percentiles of a paired bootstrap of the rows, one set of counts for
    both models. What that costs:

    - log loss, Brier score, squared and absolute errors, R², the macro ROC AUC, and for two
      classes F1, precision, Jaccard, balanced accuracy, Matthews' correlation and Cohen's kappa
      come from the counts, in vectors;
    - another scorer of scikit-learn is asked `2 * n_resamples` times about resampled predictions
      (some milliseconds each);
    - a callable of your own may ask the models anything, so that both predict anew on every
      resample: at most 500 resamples are drawn, and `method` says how many.

    If undecided, `rows_needed` answers how many rows would decide with the same difference d and
    the same spread per row. A bound's distance shrinks with the root of the number of rows:
    `non-inferior` (if d > -margin) takes n ((d - low) / (d + margin))² of them, `worse` (if
    d < 0) takes n ((high - d) / d)²; the smaller number is given. (Where a spread depends on the
    bound, it is that at -margin and at 0; a bootstrap's distances count as at least those of the
    normal approximation.) Other rows give another difference, so that
    so many decide in about half of all cases.

    Models that say the same of every row have no difference and no spread: non-inferior. Resamples
    cannot show what no row shows: where two different models both separate the classes, or decide
    three rows or fewer otherwise (accuracy, F1 and its like), the bounds are at least those of the
    rule of three, and `method` says so. Of any other score, resamples that all agree on different
    models decide nothing.

    There is no verdict with fewer than ten rows nor, for scores that rest on each class, with
    fewer than five rows of the rarer one; below 30 `method` says that bounds are approximate.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Comparing the areas under two or more correlated
    receiver operating characteristic curves. Sun & Xu (2014), Fast implementation of DeLong's
    algorithm. Obuchowski & McClish (1997), Sample size determination for diagnostic accuracy
    studies involving binormal ROC curve indices. Tango (1998), Equivalence test and confidence
    interval for the difference in proportions for the paired-sample design. Efron & Tibshirani
    (1993), An Introduction to the Bootstrap. Hanley & Lippman-Hand (1983), If nothing goes wrong,
    is everything all right?

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from treeprune import prune, verify
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> forest = RandomForestClassifier(30, random_state=0).fit(X[::2], y[::2])
    >>> smaller = prune(forest, strength=0.002)
    >>> verify(forest, smaller, X[1::2], y[1::2], margin=0.02)
    Verification(...)
    """
    seed, least = _checked(margin, level, n_resamples, random_state)
    weight = check_rows(X, y, sample_weight)
    models = checked_pair(before, after)
    target = checked_target(y, getattr(before, "classes_", None))
    if (weight == 0).any():
        kept = np.flatnonzero(weight)
        X, target, weight = _safe_indexing(X, kept), target[kept], weight[kept]
    answers = [Answers(model, name, X, len(target)) for model, name in models]
    score = score_of(answers, target, scoring, None if sample_weight is None else weight)
    if score.ranked is not None and sample_weight is None:
        found = compare_areas(target == 1, *score.ranked, margin=margin, level=level)
    elif score.right is not None:
        found = compare_shares(
            *score.right,
            margin=margin,
            n_rows=len(target),
            level=level,
            units=score.units,
            same=np.array_equal(*score.right) and score.same(),
            rarer=score.rarer,
        )
    else:
        most = max(OWN_RESAMPLES, least) if score.asks_models else n_resamples
        draws = min(int(n_resamples), most)
        found = _bootstrapped(score, weight, margin, level, draws, seed)
    assert found.low is not None
    assert found.high is not None
    return Verification(
        before=found.before,
        after=found.after,
        difference=found.value,
        low=found.low,
        high=found.high,
        margin=float(margin),
        verdict=found.verdict,
        rows_needed=found.rows_needed,
        n_rows=len(target),
        scoring=score.name,
        method=found.method,
        level=float(level),
    )


def _bootstrapped(
    score: Score, weight: Array, margin: float, level: float, n_resamples: int, seed: int
) -> Difference:
    """Both figures on the rows and on resamples of them.

    Raises
    ------
    ValueError
        If the score is not defined on the rows, or on fewer than half of the resamples.
    """
    n = len(weight)

    def both(counts: Array) -> Array:
        return np.column_stack([figure(counts * weight) for figure in score.figures])

    before, after = (float(value) for value in both(np.ones((1, n)))[0])
    drawn = bootstrap(both, n, n_resamples, seed)
    defined = int(np.isfinite(drawn).all(axis=1).sum())
    if not np.isfinite(after - before) or 2 * defined < n_resamples:
        raise ValueError(
            f"{score.name} is {before:.3g} before and {after:.3g} after on these "
            f"{count_of_rows(n)}, and defined on {defined} of {n_resamples} resamples of them; "
            "give more rows (of each class), or another scoring"
        )
    return compare_draws(
        before,
        after,
        drawn,
        margin=margin,
        n_rows=n,
        level=level,
        units=score.units,
        same=no_spread(before, after, drawn) and score.same(),
        rarer=score.rarer,
    )


def _checked(margin: Any, level: Any, n_resamples: Any, random_state: Any) -> tuple[int, int]:
    """The seed, and how many resamples the level needs."""
    if not isinstance(margin, Real) or not 0 < float(margin) < np.inf:
        raise ValueError(
            f"margin is the loss of score that would not matter, a number above 0; got {margin!r}"
        )
    if not isinstance(level, Real) or not 0.5 < float(level) < 1:
        raise ValueError(f"level must lie between 0.5 and 1, such as 0.95; got {level!r}")
    least = math.ceil(TAIL_RESAMPLES / (1 - float(level)) - 1e-6)
    if not isinstance(n_resamples, Integral) or int(n_resamples) < least:
        raise ValueError(
            f"n_resamples must be a whole number of {least} or more, so that {TAIL_RESAMPLES} "
            f"resamples lie beyond a bound of level {level:g}; got {n_resamples!r}"
        )
    if isinstance(random_state, Integral) and int(random_state) >= 0:
        return int(random_state), least
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max)), least
