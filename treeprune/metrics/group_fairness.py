"""How unlike a classifier treats groups of people: decisions, errors, ranking and calibration.

Everything is a measure with counts and intervals beside it, never a verdict and never a filter:
which difference matters, and why it is there, the figures do not say. fairlearn's `MetricFrame`
makes the table of groups; groups of fewer than ten rows are counted and not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator

from ..decision import Decision
from ..losses import check_rows
from ..path import PruningPath
from ..scoring import resolve, thin
from ..verification.answers import checked_target
from .fairness_text import change_text, fairness_text, records
from .group_figures import (
    DIFFERENCES,
    FIGURES,
    apart,
    change_bounds,
    drawn_figures,
    group_table,
    range_bounds,
    seeds_of,
    values_of,
)
from .groups import Grouping, groupings
from .outcomes import Favourable, Outcomes, favourable_of, outcomes_of, single_output

__all__ = [
    "DIFFERENCES",
    "Fairness",
    "FairnessChange",
    "fairness",
    "fairness_before_after",
    "fairness_path",
    "make_fairness_scorer",
]

Array = npt.NDArray


@dataclass(frozen=True, eq=False, repr=False)
class Fairness:
    """Figures of a classifier by group, and how far the groups are apart. Made by `fairness`.

    Parameters
    ----------
    by_group : DataFrame
        Indexed by feature and group, a row a group of at least ten rows. Columns count,
        favourable (rows with the favourable outcome), selected (rows with the favourable
        decision); selection_rate, tpr, fpr, auc and calibration, each with `_low` and `_high`;
        NaN where not defined.
    differences : DataFrame
        Columns feature, figure, value, low, high: the largest minus the smallest figure of the
        groups that are shown, and `selection_rate_ratio`, the smallest over the largest
        selection rate. NaN with fewer than two groups.
    hidden : dict of str to dict
        By feature, how many `groups` have fewer than ten rows and how many `rows` they hold.
    selected : str
        Who counts as selected.
    level : float
        Confidence level of all intervals.
    n_boot : int
        Resamples behind the intervals of `differences`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune.metrics.group_fairness import fairness
    >>> X, y = np.arange(40.0)[:, None], np.arange(40) % 4 > 1
    >>> model = DecisionTreeClassifier(max_depth=3).fit(X, y)
    >>> found = fairness(model, X, y, sensitive_features=["a", "b"] * 20, n_boot=0)
    >>> found
    Fairness(sensitive_feature: 2 groups)
    >>> found.by_group["count"].tolist()
    [20, 20]
    """

    by_group: pd.DataFrame
    differences: pd.DataFrame
    hidden: dict[str, dict[str, int]]
    selected: str
    level: float
    n_boot: int

    def __repr__(self) -> str:
        return f"Fairness({', '.join(self.hidden)}: {len(self.by_group)} groups)"

    def to_frame(self) -> pd.DataFrame:
        """The table of groups with feature and group as columns.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune.metrics.group_fairness import fairness
        >>> X, y = np.arange(40.0)[:, None], np.arange(40) % 4 > 1
        >>> model = DecisionTreeClassifier(max_depth=3).fit(X, y)
        >>> found = fairness(model, X, y, sensitive_features=["a", "b"] * 20, n_boot=0)
        >>> found.to_frame()[["feature", "group", "count"]].values.tolist()
        [['sensitive_feature', 'a', 20], ['sensitive_feature', 'b', 20]]
        """
        return self.by_group.reset_index()

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; None where a figure is not defined.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune.metrics.group_fairness import fairness
        >>> X, y = np.arange(40.0)[:, None], np.arange(40) % 4 > 1
        >>> model = DecisionTreeClassifier(max_depth=3).fit(X, y)
        >>> found = fairness(model, X, y, sensitive_features=["a", "b"] * 20, n_boot=0)
        >>> found.to_dict()["hidden"]
        {'sensitive_feature': {'groups': 0, 'rows': 0}}
        """
        return {
            "selected": self.selected,
            "level": self.level,
            "n_boot": self.n_boot,
            "by_group": records(self.to_frame()),
            "differences": records(self.differences),
            "hidden": {feature: dict(counts) for feature, counts in self.hidden.items()},
        }

    def to_text(self) -> str:
        """Tables for a terminal, with what they do not show.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune.metrics.group_fairness import fairness
        >>> X, y = np.arange(40.0)[:, None], np.arange(40) % 4 > 1
        >>> model = DecisionTreeClassifier(max_depth=3).fit(X, y)
        >>> found = fairness(model, X, y, sensitive_features=["a", "b"] * 20, n_boot=0)
        >>> found.to_text().splitlines()[0]
        'FAIRNESS by sensitive_feature'
        """
        return fairness_text(self)


@dataclass(frozen=True, eq=False, repr=False)
class FairnessChange:
    """Figures by group of two models on the same rows. Made by `fairness_before_after`.

    Parameters
    ----------
    before, after : Fairness
    changes : DataFrame
        Columns feature, figure, before, after, change, low, high: each difference of both models
        and its change with a paired bootstrap interval.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune.metrics.group_fairness import fairness_before_after
    >>> X, y = np.arange(40.0)[:, None], np.arange(40) % 4 > 1
    >>> model = DecisionTreeClassifier(max_depth=3).fit(X, y)
    >>> other = DecisionTreeClassifier(max_depth=1).fit(X, y)
    >>> change = fairness_before_after(
    ...     model, other, X, y, sensitive_features=["a", "b"] * 20, n_boot=0
    ... )
    >>> change, change.by_group.shape
    (FairnessChange(sensitive_feature), (2, 36))
    """

    before: Fairness
    after: Fairness
    changes: pd.DataFrame

    def __repr__(self) -> str:
        return f"FairnessChange({', '.join(self.before.hidden)})"

    @property
    def by_group(self) -> pd.DataFrame:
        """Both tables of groups side by side, columns (model, figure)."""
        return pd.concat({"before": self.before.by_group, "after": self.after.by_group}, axis=1)

    def to_frame(self) -> pd.DataFrame:
        """The changes.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune.metrics.group_fairness import fairness_before_after
        >>> X, y = np.arange(40.0)[:, None], np.arange(40) % 4 > 1
        >>> model = DecisionTreeClassifier(max_depth=3).fit(X, y)
        >>> other = DecisionTreeClassifier(max_depth=1).fit(X, y)
        >>> change = fairness_before_after(
        ...     model, other, X, y, sensitive_features=["a", "b"] * 20, n_boot=0
        ... )
        >>> change.to_frame().columns.tolist()
        ['feature', 'figure', 'before', 'after', 'change', 'low', 'high']
        """
        return self.changes.copy()

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; None where a figure is not defined.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune.metrics.group_fairness import fairness_before_after
        >>> X, y = np.arange(40.0)[:, None], np.arange(40) % 4 > 1
        >>> model = DecisionTreeClassifier(max_depth=3).fit(X, y)
        >>> other = DecisionTreeClassifier(max_depth=1).fit(X, y)
        >>> change = fairness_before_after(
        ...     model, other, X, y, sensitive_features=["a", "b"] * 20, n_boot=0
        ... )
        >>> sorted(change.to_dict())
        ['after', 'before', 'changes']
        """
        return {
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "changes": records(self.changes),
        }

    def to_text(self) -> str:
        """Both tables and the changes, for a terminal.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune.metrics.group_fairness import fairness_before_after
        >>> X, y = np.arange(40.0)[:, None], np.arange(40) % 4 > 1
        >>> model = DecisionTreeClassifier(max_depth=3).fit(X, y)
        >>> other = DecisionTreeClassifier(max_depth=1).fit(X, y)
        >>> change = fairness_before_after(
        ...     model, other, X, y, sensitive_features=["a", "b"] * 20, n_boot=0
        ... )
        >>> change.to_text().splitlines()[0]
        'BEFORE'
        """
        return change_text(self)


def fairness(
    model: Any,
    X: Any,
    y: Any,
    *,
    sensitive_features: Any,
    decision: Decision | None = None,
    positive: Any = None,
    intersect: bool = False,
    level: float = 0.95,
    n_boot: int = 1000,
    random_state: Any = 0,
) -> Fairness:
    """Selection, errors, ranking and calibration of a classifier by group.

    Parameters
    ----------
    model : fitted classifier or Pipeline
        Anything with `predict_proba` and one target.
    X, y : array-like, shape (n_rows, n_features) and (n_rows,)
        Rows as the model receives them, best ones that it was not fitted on, and their classes.
    sensitive_features : Series, array, DataFrame or mapping of str to array
        One value a row; the model need not see it. Several columns give a table each. Missing
        values are a group called "missing". Numbers such as ages are best cut into bands first.
    decision : Decision, optional
        Rows that it does not decide adversely are selected; the favourable outcome is any class
        but the adverse one.
    positive : label, optional
        Without a Decision: rows for which `predict` gives this class are selected, and it is the
        favourable outcome. `classes_[1]` of two classes by default.
    intersect : bool, default=False
        Whether groups are the combinations of all sensitive features, instead of a table each.
    level : float, default=0.95
        Confidence level.
    n_boot : int, default=1000
        Resamples for the intervals of the differences; 0 for none.
    random_state : int, RandomState or None, default=0

    Returns
    -------
    Fairness

    Raises
    ------
    UnsupportedModelError
        If the model is no classifier with `predict_proba`, or has several targets.
    ValueError
        If lengths differ, sensitive_features are None, or there are more than two classes and
        neither `decision` nor `positive` is given.
    ImportError
        If fairlearn is not installed: `pip install treeprune[fairness]`.

    Notes
    -----
    TPR is the share selected among rows with the favourable outcome, FPR that among the others;
    AUC ranks by the probability of the favourable outcome; calibration is its mean minus the
    share of the favourable outcome, so that more than 0 means predicted too favourably. All rows
    count alike: Wilson's and DeLong's intervals have no weights.

    Groups of fewer than ten rows are not shown anywhere, enter no difference, and are only
    counted. The largest difference of many groups is large by chance alone. Its interval
    therefore comes from simultaneous bounds of all pairs and may hold 0; a percentile interval
    never does. The spread is that of rows resampled within groups, drawn out for small groups as
    Student's t is wider than the normal; where no resample shows any (a share of 0 or 1), the
    group's own interval stands in for it.

    References
    ----------
    Hardt, Price & Srebro (2016), Equality of Opportunity in Supervised Learning. Wilson (1927),
    Probable inference. DeLong, DeLong & Clarke-Pearson (1988), Comparing the areas under two or
    more correlated receiver operating characteristic curves. Hesterberg (2015), What Teachers
    Should Know About the Bootstrap.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from treeprune import Decision, datasets
    >>> from treeprune.metrics.group_fairness import fairness
    >>> compas = datasets.load_compas()
    >>> X = compas.data[["priors_count", "juv_fel_count"]]
    >>> model = LogisticRegression().fit(X, compas.target)
    >>> decision = Decision(adverse=1, cutoff=0.5, favourable_word="released")
    >>> found = fairness(
    ...     model, X, compas.target, sensitive_features=compas.data["sex"], decision=decision
    ... )
    >>> print(found.to_text())  # doctest: +ELLIPSIS
    FAIRNESS by sex
      group     rows favour. select.  selection rate   TPR              FPR ...
      Female    1175     762    1002  .85 [.83,.87]    .92 [.90,.94]    .73 [.68,.77] ...
      Male      4997    2601    3647  .73 [.72,.74]    .84 [.83,.86]    .61 [.59,.63] ...
      Largest - smallest of 2 groups, 1000 resamples, all pairs at once:
        selection_rate_difference  .123 [.09...,.14...]
        selection_rate_ratio       .856 [.83...,.88...]
    ...
    Selected: released, P(1) < 0.5. Calibration: mean prediction - share.
    Intervals [0.95]: Wilson (rates), DeLong (AUC), Student (calibration).
    """
    classes = single_output(model)
    side = favourable_of(classes, decision, positive)
    outcomes = outcomes_of(model, X, y, side, classes)
    groups = groupings(sensitive_features, len(outcomes.p), X=X, intersect=intersect)
    _check_options(level, n_boot)
    return _measure([outcomes], [side], groups, level, n_boot, random_state)[0][0]


def fairness_before_after(
    before: Any,
    after: Any,
    X: Any,
    y: Any,
    *,
    sensitive_features: Any,
    decision: Decision | None = None,
    positive: Any = None,
    intersect: bool = False,
    level: float = 0.95,
    n_boot: int = 1000,
    random_state: Any = 0,
) -> FairnessChange:
    """Figures by group of two models on the same rows, and how the differences changed.

    Parameters
    ----------
    before, after : fitted classifiers or Pipelines
        Of the same target; both receive X.
    X, y, sensitive_features, decision, positive, intersect, level, n_boot, random_state
        As in `fairness`.

    Returns
    -------
    FairnessChange

    Raises
    ------
    ValueError
        As in `fairness`, and if the models have different classes.

    Notes
    -----
    Both models meet the same resampled rows. The interval of a change follows from simultaneous
    bounds of all pairs of groups, before, after, and of their changes: it covers also where a
    difference vanishes, and is wider for it, the more so the more groups there are.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import Decision, datasets, prune
    >>> from treeprune.metrics.group_fairness import fairness_before_after
    >>> hmda = datasets.load_hmda()
    >>> X = hmda.data[["payment_income_ratio", "consumer_credit_score"]]
    >>> grown = DecisionTreeClassifier(min_samples_leaf=20, random_state=0).fit(X, hmda.target)
    >>> change = fairness_before_after(
    ...     grown,
    ...     prune(grown, max_size=4),
    ...     X,
    ...     hmda.target,
    ...     sensitive_features=hmda.data["african_american"],
    ...     decision=Decision(adverse=1, cutoff=0.2),
    ...     n_boot=200,
    ... )
    >>> change.to_frame()[["figure", "before", "after"]].head(1).round(2).values.tolist()
    [['selection_rate_difference', 0.21, 0.25]]
    """
    classes, others = single_output(before), single_output(after)
    if not np.array_equal(classes, others):
        raise ValueError(
            f"before has the classes {classes.tolist()}, after has {others.tolist()}; give two "
            "models of the same target"
        )
    side = favourable_of(classes, decision, positive)
    models = [outcomes_of(model, X, y, side, classes) for model in (before, after)]
    groups = groupings(sensitive_features, len(models[0].p), X=X, intersect=intersect)
    _check_options(level, n_boot)
    (first, second), changes = _measure(models, [side, side], groups, level, n_boot, random_state)
    return FairnessChange(first, second, changes)


def fairness_path(
    path: PruningPath,
    X: Any,
    y: Any,
    *,
    sensitive_features: Any,
    decision: Decision | None = None,
    positive: Any = None,
    intersect: bool = False,
    scoring: Any = None,
    steps: Any = None,
    level: float = 0.95,
    n_boot: int = 0,
    random_state: Any = 0,
) -> pd.DataFrame:
    """How far groups are apart at every step of a pruning path, without refitting.

    Parameters
    ----------
    path : PruningPath
        Of a classifier.
    X, y : array-like
        Rows as the path's model receives them (inside a Pipeline: transformed), and their classes.
    sensitive_features, decision, positive, intersect, level, random_state
        As in `fairness`; without a Decision the class of the largest probability is predicted.
    scoring : str or callable, optional
        As in `path.score`; the Brier score by default.
    steps : sequence of int, optional
        Steps to measure; by default at most 200, evenly spaced in the logarithm of the size.
    n_boot : int, default=0
        Resamples for intervals of every step, which take seconds a step.

    Returns
    -------
    DataFrame
        A row a step: step, size, score (larger is better), and each of
        `selection_rate_difference`, `selection_rate_ratio`, `tpr_difference`, `fpr_difference`,
        `auc_difference` and `calibration_difference`; with `n_boot` also their `_low` and `_high`.
        With several sensitive features each name is followed by the feature, as in
        "fpr_difference (sex)".

    Raises
    ------
    UnsupportedModelError, ValueError
        As in `fairness`.
    IndexError
        If a step is not on the path.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import Decision, datasets, pruning_path
    >>> from treeprune.metrics.group_fairness import fairness_path
    >>> hmda = datasets.load_hmda()
    >>> X = hmda.data[["payment_income_ratio", "consumer_credit_score"]]
    >>> grown = DecisionTreeClassifier(min_samples_leaf=20, random_state=0).fit(X, hmda.target)
    >>> table = fairness_path(
    ...     pruning_path(grown),
    ...     X,
    ...     hmda.target,
    ...     sensitive_features=hmda.data["african_american"],
    ...     decision=Decision(adverse=1, cutoff=0.2),
    ... )
    >>> table[["size", "selection_rate_ratio"]].tail(2).round(2).values.tolist()
    [[2.0, 0.92], [1.0, 1.0]]
    """
    classes = single_output(path.model)
    side = favourable_of(classes, decision, positive)
    check_rows(X, y)
    code = checked_target(y, classes)
    groups = groupings(sensitive_features, len(code), X=X, intersect=intersect)
    _check_options(level, n_boot)
    asked = _asked_steps(path, steps)
    score = path.score_steps(X, y, resolve(scoring, path.base), steps=asked)
    seeds = seeds_of(groups, random_state)
    values = path.stages.values(X)
    rows = []
    for step in asked:
        proba = values(int(step))[:, 0, : len(classes)]
        outcomes = side.outcomes(code, proba, np.argmax(proba, axis=1))
        row: dict[str, Any] = {"step": step, "size": path.size[step], "score": score[step]}
        for grouping, own in zip(groups, seeds, strict=True):
            label = f" ({grouping.feature})" if len(groups) > 1 else ""
            row |= _step_figures(grouping, outcomes, label, level, n_boot, own)
        rows.append(row)
    return pd.DataFrame(rows)


def make_fairness_scorer(
    figure: str = "selection_rate_ratio",
    *,
    decision: Decision | None = None,
    positive: Any = None,
) -> FairnessScorer:
    """A scorer for searches: how far groups are apart, larger is better.

    Parameters
    ----------
    figure : str
        One of `selection_rate_ratio` (as it is), `selection_rate_difference`, `tpr_difference`,
        `fpr_difference`, `auc_difference`, `calibration_difference` (negated). Of several
        sensitive features the worst counts.
    decision, positive
        As in `fairness`.

    Returns
    -------
    scorer
        A callable (estimator, X, y, sensitive_features). It asks for `sensitive_features` as
        metadata: call its `set_score_request(sensitive_features=True)` with
        `sklearn.set_config(enable_metadata_routing=True)`.

    Raises
    ------
    ValueError
        If the figure is unknown; when called, if it receives no sensitive features.

    Notes
    -----
    The score is NaN, which a search ranks last, where a fold has fewer than two groups of at
    least ten rows. It measures and chooses nothing: to choose by limits, see `choose_within`.

    Examples
    --------
    >>> import sklearn
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import Decision, datasets
    >>> from treeprune.metrics.group_fairness import make_fairness_scorer
    >>> hmda = datasets.load_hmda()
    >>> X = hmda.data[["payment_income_ratio", "consumer_credit_score"]]
    >>> with sklearn.config_context(enable_metadata_routing=True):
    ...     ratio = make_fairness_scorer(decision=Decision(adverse=1, cutoff=0.2))
    ...     grid = GridSearchCV(
    ...         DecisionTreeClassifier(random_state=0),
    ...         {"max_depth": [1, 3]},
    ...         scoring={
    ...             "brier": "neg_brier_score",
    ...             "ratio": ratio.set_score_request(sensitive_features=True),
    ...         },
    ...         refit="brier",
    ...     ).fit(X, hmda.target, sensitive_features=hmda.data["african_american"])
    >>> grid.cv_results_["mean_test_ratio"].round(2).tolist()
    [0.93, 0.77]
    """
    if figure not in DIFFERENCES:
        raise ValueError(f"figure must be one of {list(DIFFERENCES)}, got {figure!r}")
    return FairnessScorer(figure, decision, positive)


class FairnessScorer(BaseEstimator):
    """See `make_fairness_scorer`; an estimator only for its routing of metadata.

    Not made by scikit-learn's `make_scorer`: of several such scorers in a search the first asks
    for probabilities, and all others receive the same column of them whatever their `pos_label`
    (up to 1.9 at least), so that a favourable class other than the second would be read wrong.
    """

    def __init__(
        self,
        figure: str = "selection_rate_ratio",
        decision: Decision | None = None,
        positive: Any = None,
    ) -> None:
        self.figure = figure
        self.decision = decision
        self.positive = positive

    def __call__(self, estimator: Any, X: Any, y: Any, sensitive_features: Any = None) -> float:
        return self.score(estimator, X, y, sensitive_features)

    def score(self, estimator: Any, X: Any, y: Any, sensitive_features: Any = None) -> float:
        """The figure on some rows, larger is better; the worst of several features."""
        if sensitive_features is None:
            raise ValueError(
                "the fairness scorer received no sensitive_features; call "
                "sklearn.set_config(enable_metadata_routing=True), give the scorer "
                ".set_score_request(sensitive_features=True), and pass sensitive_features= to fit"
            )
        classes = single_output(estimator)
        side = favourable_of(classes, self.decision, self.positive)
        outcomes = outcomes_of(estimator, X, y, side, classes)
        groups = groupings(sensitive_features, len(outcomes.p), X=X)
        place = DIFFERENCES.index(self.figure)
        found = np.array([apart(values_of(grouping, outcomes))[place] for grouping in groups])
        return float(found.min() if self.figure.endswith("_ratio") else -found.max())


# --- parts -----------------------------------------------------------------------------------


def _check_options(level: float, n_boot: int) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, such as 0.95; got {level!r}")
    if isinstance(n_boot, bool) or not isinstance(n_boot, int | np.integer) or n_boot < 0:
        raise ValueError(f"n_boot must be a number of resamples, or 0 for none; got {n_boot!r}")


def _measure(
    models: Sequence[Outcomes],
    sides: Sequence[Favourable],
    groups: Sequence[Grouping],
    level: float,
    n_boot: int,
    random_state: Any,
) -> tuple[list[Fairness], pd.DataFrame]:
    """One `Fairness` per model, all on the same resamples, and the changes from first to last."""
    tables: list[list[pd.DataFrame]] = [[] for _ in models]
    apart_by: list[list[pd.DataFrame]] = [[] for _ in models]
    changes = []
    for grouping, seeds in zip(groups, seeds_of(groups, random_state), strict=True):
        drawn = drawn_figures(grouping, models, n_boot, seeds)
        own = [group_table(grouping, outcomes, level) for outcomes in models]
        for m, table in enumerate(own):
            tables[m].append(table)
            apart_by[m].append(_difference_table(grouping, table, drawn[m], level))
        if len(models) == 2:
            bounds = change_bounds(grouping, models, own, drawn, level)
            before, after = (parts[-1] for parts in apart_by)
            changes.append(_change_table(before, after, bounds))
    hidden = {g.feature: {"groups": g.hidden_groups, "rows": g.hidden_rows} for g in groups}
    found = [
        Fairness(
            pd.concat(tables[m]),
            pd.concat(apart_by[m], ignore_index=True),
            hidden,
            sides[m].words,
            level,
            n_boot,
        )
        for m in range(len(models))
    ]
    return found, pd.concat(changes, ignore_index=True) if changes else pd.DataFrame()


def _difference_table(
    grouping: Grouping, table: pd.DataFrame, drawn: Array, level: float
) -> pd.DataFrame:
    bounds = range_bounds(table, drawn, level)
    return pd.DataFrame(
        {
            "feature": grouping.feature,
            "figure": DIFFERENCES,
            "value": apart(table[list(FIGURES)].to_numpy(np.float64)),
            "low": bounds[:, 0],
            "high": bounds[:, 1],
        }
    )


def _change_table(before: pd.DataFrame, after: pd.DataFrame, bounds: Array) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "feature": before["feature"],
            "figure": before["figure"],
            "before": before["value"],
            "after": after["value"],
            "change": after["value"] - before["value"],
            "low": bounds[:, 0],
            "high": bounds[:, 1],
        }
    )


def _asked_steps(path: PruningPath, steps: Any) -> Array:
    if steps is None:
        return thin(path.size)
    asked = np.atleast_1d(np.asarray(steps))
    if asked.ndim != 1 or not len(asked) or asked.dtype.kind not in "iu":
        raise ValueError(f"steps must be numbers of steps, got {steps!r}")
    wrong = asked[(asked < -len(path)) | (asked >= len(path))]
    if len(wrong):
        raise IndexError(f"step {wrong[0]} is not on the path, steps go from 0 to {len(path) - 1}")
    return np.unique(asked % len(path))


def _step_figures(
    grouping: Grouping,
    outcomes: Outcomes,
    label: str,
    level: float,
    n_boot: int,
    seeds: Sequence[int],
) -> dict[str, float]:
    """Columns of one step and sensitive feature."""
    value = apart(values_of(grouping, outcomes))
    out = {f"{name}{label}": float(x) for name, x in zip(DIFFERENCES, value, strict=True)}
    if n_boot:
        table = group_table(grouping, outcomes, level)
        drawn = drawn_figures(grouping, [outcomes], n_boot, seeds)[0]
        for name, (low, high) in zip(DIFFERENCES, range_bounds(table, drawn, level), strict=True):
            out |= {f"{name}_low{label}": float(low), f"{name}_high{label}": float(high)}
    return out
