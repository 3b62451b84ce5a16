"""Explanation: everything that can be said of one model, with the checks of what was said.

Made by `explain(model, X)`. Rules come first and are compared with the model at once; attributions,
reasons and counterfactuals are computed when asked and compared when computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..decision import Decision
from ..exceptions import CheckFailedError
from .attributions import (
    Attributions,
    attribute,
    default_game,
    score_names,
    to_shap,
    tree_game,
)
from .checks import Check
from .features import FeatureMap
from .joint import MOST_CELLS
from .proving import MOST_PAIRED
from .rules import RuleSet
from .tables import as_frame
from .text import rule_text
from .view import View, imitation, row, rows_of, view_of

if TYPE_CHECKING:
    import shap

    from .counterfactual import Counterfactual
    from .interpretability import InterpretabilityScore
    from .proofs import Monotone
    from .reasons import Reasons
    from .regions import RegionRules
    from .scorecard import Scorecard
    from .surrogate import Surrogate

__all__ = ["Explanation", "explain"]

_ADD_UP = "attributions add up to the model"
_ASKED = 1000  # rows on which a summary is compared
RULES_SLACK = 1e-12  # of probabilities; targets by their size


def explain(
    model: Any,
    X: Any,
    y: Any = None,
    *,
    decision: Decision | None = None,
    feature_map: FeatureMap | str = "auto",
    most_cells: int = MOST_CELLS,
    random_state: Any = None,
) -> Explanation:
    """Explain a fitted model in raw columns, checked against the model itself.

    Parameters
    ----------
    model : fitted estimator
        A tree, forest or booster; a pipeline that ends in one; a search or pruned estimator
        around one. These are attributed exactly; a tree's leaves, or the joint partition of
        several small trees, are exact rules. A multilayer perceptron or linear model is
        attributed exactly too, and a linear model written out exactly as `regions`. Any other
        classifier or regressor (HistGradientBoosting and XGBoost among them) is read through a
        surrogate, whose fidelity is stated, and attributed by sampling.
    X : array-like, shape (n_rows, n_raw_columns)
        Reference rows of raw columns, usually the training rows: names and types, how limits are
        printed, baselines of reasons, what a surrogate imitates. Kept as they are, not copied.
    y : array-like, shape (n_rows,), optional
        Outcomes of these rows, for task scores.
    decision : Decision, optional
        What a probability means to the person it is about; reasons, counterfactuals and notices
        need one.
    feature_map : FeatureMap or "auto"
        From model columns to raw columns; read from the pipeline by default.
    most_cells : int
        A sum of trees whose joint partition has more cells is read through a surrogate too. Give
        a small number, such as 64, for rules that are read rather than run.
    random_state : int, optional
        Seed of whatever is sampled.

    Returns
    -------
    Explanation

    Raises
    ------
    UnsupportedModelError
        If the model predicts nothing that can be explained.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If the rows are not those of the model, or the decision speaks of what it does not have.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import explain
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
    >>> ex = explain(model, X, y)
    >>> print(ex.checks["rules = model"])
    passed (150 of 150 rows): predict_proba of the rules against the model's
    """
    if isinstance(X, list):
        X = np.asarray(X)
    if not (isinstance(feature_map, str) and feature_map == "auto") and not hasattr(
        feature_map, "columns"
    ):
        raise ValueError(f"feature_map must be 'auto' or a FeatureMap, got {feature_map!r}")
    n = len(as_frame(X))
    if n == 0:
        raise ValueError("explain needs at least one reference row")
    if y is not None and len(y) != n:
        raise ValueError(f"X has {n} rows, y has {len(y)}; give one outcome a row")
    view = view_of(
        model,
        X,
        y,
        feature_map=None if isinstance(feature_map, str) else feature_map,
        decision=decision,
        most_cells=most_cells,
        random_state=random_state,
    )
    if decision is not None:
        _check_decision(decision, view)
    ex = Explanation(view, X, y, decision, random_state)
    ex.check_rules()
    if ex.view.is_exact and ex.rules.kind == "partition":
        ex.check_cells()
    return ex


def _check_decision(decision: Decision, view: View) -> None:
    view.check_decision(decision)
    raw = view.feature_map.columns[: view.feature_map.n_raw]
    decision.check_columns(
        [column.name for column in view.feature_map.columns],
        {c.name: c.categories for c in raw if c.kind == "category"},
    )


@dataclass(eq=False)
class Explanation:
    """What a model does, in raw columns. Made by `explain`; see there.

    Attributes
    ----------
    rules : RuleSet
        The model itself where it is small enough, else a surrogate of it.
    fidelity : Fidelity or None
        How well the rules imitate the model; None where they are the model.
    unit : str
        Unit of attributions: probability, log-odds, raw score (before a softmax), target.
    checks : dict of str to Check
        What was compared with the model so far.
    surrogate : Surrogate
        A small tree that imitates the model, whatever the rules are.
    regions : RegionRules
        A network of few neurons, or a linear model, as linear scorecards, exactly.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import explain
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
    >>> ex = explain(model, X, y)
    >>> len(ex.rules), ex.fidelity, ex.unit
    (3, None, 'probability')
    """

    view: View
    X: Any
    y: Any = None
    decision: Decision | None = None
    random_state: Any = None
    checks: dict[str, Check] = field(default_factory=dict)
    _turned: int = field(default=0, init=False, repr=False)
    _changes: int = field(default=0, init=False, repr=False)

    @property
    def rules(self) -> RuleSet:
        """The rules; see `RuleSet`."""
        return self.view.rules

    @property
    def fidelity(self) -> Any:
        """Fidelity of the rules, None where they are the model."""
        return self.view.fidelity

    @property
    def unit(self) -> str:
        """Unit of attributions."""
        return self.view.unit

    @cached_property
    def regions(self) -> RegionRules:
        """A small relu network as one linear scorecard a region, compared with the model.

        A linear model is one region: a scorecard in raw columns and units.

        Raises
        ------
        ValueError
            If the model has no regions that could be written out: it is neither a network nor
            linear, or has more than 10 live hidden neurons, or others than relu.
        CheckFailedError
            If they do not give the estimator's own output on a reference row.

        Notes
        -----
        The figures as printed are compared too: more digits than four are printed where these are
        off by more than 0.001 of a probability, or of the range of a target's predictions.
        Each hidden neuron is on or off; where the same ones are on, the network is linear. Scores
        are log-odds of the Decision's adverse class, without one of the second class.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neural_network import MLPClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = MLPClassifier((3,), solver="lbfgs", max_iter=2000, random_state=0).fit(X, y)
        >>> ex = explain(model, X, y)
        >>> len(ex.regions) <= 2**3, str(ex.checks["regions = model"])
        (True, "passed (150 of 150 rows): predict_proba of the regions against the model's")
        """
        from .region_checks import checked_regions

        return checked_regions(self.view, self.X, self.y, self.decision, self._note)

    @cached_property
    def surrogate(self) -> Surrogate:
        """A small tree that imitates the model, with its fidelity, for reading.

        The rules themselves where they are not the model; beside them where they are, but more
        than anyone reads.

        Raises
        ------
        ValueError
            For a model of several targets.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.ensemble import RandomForestClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = RandomForestClassifier(6, max_leaf_nodes=6, random_state=0).fit(X, y)
        >>> ex = explain(model, X, y)
        >>> ex.fidelity is None, len(ex.rules) > len(ex.surrogate.rules)
        (True, True)
        >>> ex.surrogate.fidelity.agreement > 0.9
        True
        """
        view = self.view
        return imitation(
            view.answers, self.X, self.y, view.target, self.decision, self.random_state
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are spoken of: raw ones, then derived ones."""
        return tuple(column.name for column in self.view.feature_map.columns)

    def check_rules(self, X: Any = None) -> None:
        """Compare the rules with the model, exact and as printed, and note it in `checks`.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns), optional
            The reference rows by default, on which `explain` has done it already.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X[:100], y[:100])
        >>> ex = explain(model, X[:100])
        >>> ex.check_rules(X[100:])
        >>> ex.checks["rules = model"].scope
        '50 of 50 rows'
        """
        if not self.view.is_exact:
            return
        rows = self.X if X is None else X
        said = self.view.answers(rows)
        values = self.rules.values(rows)
        for name, printed in (("rules = model", False), ("printed rules = model", True)):
            rule_of = self.rules.match_values(values, printed=printed)
            found = np.stack([rule.value for rule in self.rules])[rule_of]
            slack = RULES_SLACK * max(1.0, float(np.abs(said).max()))
            agree = (np.abs(found - said) <= slack).all(axis=(1, 2)) & (rule_of >= 0)
            what = "predict_proba" if self.rules.is_classifier else "predict"
            detail = f"{what} of the {'printed ' * printed}rules against the model's"
            if not agree.all():
                detail += f"; first differs in row {int(np.argmin(agree))}"
            self._note(name, int(agree.sum()), len(agree), "rows", detail)
        self._check_predict(rows, said)

    def check_cells(self, *, most_points: int = 5_000) -> None:
        """Ask the model about the ends of every cell of a joint partition, and note it in `checks`.

        Parameters
        ----------
        most_points : int
            Beyond which evenly spread cells are asked, of many; raise it for a proof.

        Notes
        -----
        `explain` has done it. If all points of every cell come to the value of its rule, and to
        one leaf of each tree, it is a proof for all inputs; else the check says how many cells
        were asked. There is no check where rules ask for derived columns.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.ensemble import RandomForestClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = RandomForestClassifier(3, max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> ex = explain(model, X)
        >>> ex.check_cells()
        >>> ex.checks["cells = model"].scope
        'all inputs'
        """
        from .corners import cell_check

        if self.view.is_exact:
            found = cell_check(self.view, self.X, most_points=most_points)
            if isinstance(found, Check):
                self._keep("cells = model", found)

    def check_exports(self, X: Any = None) -> None:
        """Run the rules' SQL (in SQLite) and Python on rows, and note what they agree on.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns), optional
            Up to 5,000 evenly spread reference rows by default.

        Notes
        -----
        Not for rules of more than 200 leaves (SQL) or 5,000 (Python), of derived columns or of
        several targets, and not for surrogates, which are not the model.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> ex = explain(model, X)
        >>> ex.check_exports()
        >>> ex.checks["SQL = model"].scope, ex.checks["Python = model"].scope
        ('150 of 150 rows', '150 of 150 rows')
        """
        from .exports.rerun import python_check, sql_check

        if not self.view.is_exact or len(self.view.target) != 1:
            return
        rows = X
        if X is None:
            n = len(as_frame(self.X))
            rows = row(self.X, np.arange(0, n, max(1, -(-n // 5 // _ASKED))))
        frame = rows_of(self.view.feature_map, rows)
        said = self.view.answers(rows)[:, 0, :]
        for name, check in (("SQL = model", sql_check), ("Python = model", python_check)):
            found = check(self.rules, frame, said)
            if isinstance(found, Check):
                self._keep(name, found)

    def _check_predict(self, rows: Any, said: npt.NDArray) -> None:
        """Whether the model's own `predict` is the likeliest class, or the Decision's."""
        classes = self.view.answers.classes
        if len(classes) != 1:
            return
        own = np.asarray(self.view.answers.model.predict(rows))
        proba = said[:, 0, : len(classes[0])]
        name, found = "likeliest class = model's predict", classes[0][proba.argmax(axis=1)] == own
        if found.all() or self.decision is None:
            detail = "a threshold of its own decides" if not found.all() else "class labels"
            self._note(name, int(found.sum()), len(found), "rows", detail)
            return
        # The model has a threshold of its own: then it must be the Decision's.
        adverse = self.decision.decide(proba[:, self.decision.position(classes[0])])
        same = adverse == (own == self.decision.adverse)
        detail = "the model has a threshold of its own; it and the cut-off must agree"
        self._note("decision = model's predict", int(same.sum()), len(same), "rows", detail)

    def _note(self, name: str, agree: int, n: int, what: str, detail: str) -> None:
        """Note a comparison by its counts."""
        self._keep(name, Check(agree == n, f"{agree} of {n} {what}", detail))

    def _keep(self, name: str, check: Check) -> None:
        """Note a comparison; what failed once stays failed."""
        known = self.checks.get(name)
        if known is None or known.passed:
            self.checks[name] = check

    @contextmanager
    def _noting(self, name: str, X: Any) -> Iterator[None]:
        """Note that a sum is not the model's before the error goes on."""
        try:
            yield
        except CheckFailedError as error:
            self._keep(name, Check(False, f"{len(as_frame(X))} rows", str(error)))
            raise

    def _attribute(self, X: Any, **options: Any) -> Attributions:
        """Attributions whose sum is compared with the model, which is noted."""
        with self._noting(_ADD_UP, X):
            found = attribute(self.view, X, **options)
        self._keep(_ADD_UP, Check(True, found.scope, found.method))
        return found

    def attributions(
        self, X: Any = None, *, game: str | None = None, background: Any = None
    ) -> shap.Explanation:
        """What each column adds to each row's prediction.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns), optional
            The reference rows by default.
        game : {"path_dependent", "interventional"}, optional
            What an absent column does: it follows the training rows through the trees, or takes
            the values of background rows. Sums of trees default to the first, other models
            only know the second.
        background : array-like, optional
            Rows for the interventional game; the reference rows by default.

        Returns
        -------
        shap.Explanation
            `values` (rows, columns, classes) for classes, with one class for log-odds, (rows,
            columns) for one number; `base_values`; `data` numbers and `display_data` raw values;
            `error_std` where there was sampling; `unit`, `method` and `scope` beside.

        Raises
        ------
        CheckFailedError
            If they do not add up to the estimator's own output.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> found = explain(model, X).attributions(X[:2])
        >>> found.values.shape, found.unit
        ((2, 4, 3), 'probability')
        """
        rows = self.X if X is None else X
        found = self._attribute(
            rows,
            game=game or default_game(self.view),
            background=self.X if background is None else background,
            random_state=self.random_state,
        )
        return to_shap(found, self.view, rows)

    def importance(self, X: Any = None, *, sample_weight: Any = None) -> pd.DataFrame:
        """Mean absolute attribution of every column, largest first.

        Parameters
        ----------
        X : array-like, optional
            Rows to average over; the reference rows by default.
        sample_weight : array-like, shape (n_rows,), optional

        Returns
        -------
        DataFrame
            Columns `column`, one for each class (or `mean_abs`), `share` of the total.

        Notes
        -----
        For sums of trees no table of rows x columns is ever held.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> explain(model, X).importance()["column"].tolist()[0]
        'petal width (cm)'
        """
        rows = self.X if X is None else X
        if self.view.trees is not None:
            step = max(1, len(as_frame(rows)) // _ASKED)  # evenly spread rows are compared
            sample = np.arange(0, len(as_frame(rows)), step)
            self._attribute(row(rows, sample))
            Z = self.view.feature_map.model_matrix(rows)
            mean = tree_game(self.view).mean_abs(Z, sample_weight)
        else:
            values = np.abs(np.asarray(self.attributions(rows).values))
            mean = np.average(values, axis=0, weights=sample_weight)
            mean = mean.reshape(len(mean), -1)
        names = score_names(self.view)
        names = names[-mean.shape[1] :] if len(names) > 1 else ("mean_abs",)
        frame = pd.DataFrame(mean, columns=list(names))
        frame.insert(0, "column", list(self.columns)[: len(mean)])
        total = mean.sum()
        frame["share"] = mean.sum(axis=1) / total if total > 0 else 0.0
        return frame.sort_values("share", ascending=False, kind="stable", ignore_index=True)

    def reasons(self, X: Any, *, k: int = 4, baseline: Any = "near_cutoff") -> Reasons:
        """Why rows get the adverse decision, in the words of the Decision.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_raw_columns)
        k : int
            Most reasons a row; more than four are seldom helpful (Regulation B, commentary).
        baseline : {"near_cutoff", "all"} or array-like
            Whom the person is compared with: the reference rows with the favourable decision
            that are nearest to the cut-off (then every adverse decision has a reason), all
            reference rows, or rows given.

        Returns
        -------
        Reasons

        Raises
        ------
        ValueError
            Without a Decision, or if the model has more than one target.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import Decision, explain
        >>> X = pd.DataFrame({"term": [6, 12, 24, 36, 48, 60] * 10, "rate": range(60)})
        >>> model = DecisionTreeClassifier(max_depth=1).fit(X, X["term"] > 30)
        >>> ex = explain(model, X, decision=Decision(adverse=True, cutoff=0.5))
        >>> ex.reasons(X.iloc[[5]])[0].reasons[0].text
        'term: high'
        """
        from .directions import AGREED
        from .reasons import reasons_of

        name = "reasons add up to the model"
        with self._noting(name, X):
            found = reasons_of(
                self.view,
                self._needs_decision("reasons"),
                self.X,
                X,
                k=k,
                baseline=baseline,
                random_state=self.random_state,
            )
        n = sum(one.adverse for one in found)
        if n:
            self._note(name, n, n, "adverse rows", found.method)
        if found.directions is not None:
            self._keep(AGREED, found.directions)
        return found

    def leaf_notice_table(self, *, k: int = 4, baseline: Any = "near_cutoff") -> pd.DataFrame:
        """Per leaf with the adverse decision, every set of reasons that applicants can receive.

        For approval before use. Rows of one leaf may have different reasons: what a column adds
        depends on columns that the leaf does not ask for; `differs_by` names them.

        Parameters
        ----------
        k, baseline
            As in `reasons`.

        Returns
        -------
        DataFrame
            A row for each leaf and set of reasons: `rule`, `conditions`, `probability`,
            `reasons`, `conflicts` (how many columns that may not be named mattered),
            `reference_rows` that receive them, `differs_by`, `scope`: `all applicants with known
            values` where every combination of values that the rules tell apart was tried, else
            the leaf's reference rows. Missing values are tried where a column has any, categories
            not seen at fit are not: whoever has one may receive other words.

        Raises
        ------
        ValueError
            Without a Decision, where the rules are not the model, or are a joint partition of
            more than 5,000 cells.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import Decision, explain
        >>> X = pd.DataFrame({"term": [6, 12, 24, 36, 48, 60] * 10, "rate": range(60)})
        >>> model = DecisionTreeClassifier(max_depth=1).fit(X, X["term"] > 30)
        >>> ex = explain(model, X, decision=Decision(adverse=True, cutoff=0.5))
        >>> ex.leaf_notice_table()[["rule", "reasons", "reference_rows"]].values.tolist()
        [['R2', 'term: high', 30]]
        """
        from .notices import leaf_notice_table
        from .reasons import baseline_of

        decision = self._needs_decision("notices")
        if not self.view.is_exact:
            raise ValueError("notices per leaf need a model that its rules describe exactly")
        self._check_few("notices per leaf", "ask for the reasons of rows: ex.reasons(X)")
        against = baseline_of(self.view, decision, self.X, baseline)
        return leaf_notice_table(self.view, decision, self.X, k=k, baseline=against)

    def counterfactual(
        self,
        x: Any,
        *,
        immutable: Sequence[str] = (),
        directions: Mapping[str, str] | None = None,
        steps: Mapping[str, float | None] | None = None,
        weights: Mapping[str, float] | None = None,
        moves: Mapping[str, Mapping[Any, Iterable]] | None = None,
        n: int = 1,
    ) -> tuple[Counterfactual, ...]:
        """The cheapest changes of one row that turn the adverse decision.

        Exact for models that the rules describe: the cheapest change over all leaves with the
        favourable decision. For other models candidates come from the surrogate, are verified on
        the model, and are not claimed to be the cheapest.

        Parameters
        ----------
        x : DataFrame or array, shape (1, n_raw_columns)
            One row.
        immutable : sequence of str
            Columns that cannot change, besides the Decision's. Those that may not be named, and
            sensitive ones, never do.
        directions : mapping of str to {"increase", "decrease"}, optional
            The only direction in which a number may change.
        steps : mapping of str to float or None, optional
            Width of the steps of a number; by default its own last decimal in the reference rows.
        weights : mapping of str to float, optional
            How dear a change is, 1 by default: of a number by 1.4826 median absolute deviations,
            of a category to another.
        moves : mapping of str to mapping, optional
            Categories that a category may become.
        n : int
            Number of different ways wanted.

        Returns
        -------
        tuple of Counterfactual
            At least one; it says why where there is no way.

        Raises
        ------
        ValueError
            Without a Decision, or if `x` is not one row.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import Decision, explain
        >>> X = pd.DataFrame({"term": [6, 12, 24, 36, 48, 60] * 10, "rate": range(60)})
        >>> model = DecisionTreeClassifier(max_depth=1).fit(X, X["term"] > 30)
        >>> ex = explain(model, X, decision=Decision(adverse=True, cutoff=0.5))
        >>> print(ex.counterfactual(X.iloc[[5]])[0].changes[0].to_text())
        term 60 -> 30
        """
        from .counterfactual import find

        decision = self._needs_decision("counterfactuals")
        position = decision.position(self.view.answers.classes[0])
        p = np.array([rule.value[0, position] for rule in self.rules])
        raw = [
            column.name for column in self.view.feature_map.columns[: self.view.feature_map.n_raw]
        ]
        unnamed = [name for name in raw if not decision.may_name(name)]
        fixed = dict.fromkeys([*immutable, *decision.immutable, *unnamed])
        found = find(
            self.rules,
            x,
            self.rules.values(self.X),
            ~decision.decide(p),
            outputs=p,
            output_of=lambda rows: self.output(rows)[:, 0, position],
            is_wanted=lambda output: ~decision.decide(output),
            examples=None if self.view.is_exact else self.X,
            immutable=list(fixed),
            directions={**decision.directions, **(directions or {})},
            unnamed=unnamed,
            steps=steps,
            weights=weights,
            moves=moves,
            n=n,
        )
        for one in found:
            if one.feasible:  # asked of the model by `find`; here once more, of the finished row
                turned = ~decision.decide(self.output(one.apply(x))[:, 0, position])
                self._turned += int(turned.all())
                self._changes += 1
        if self._changes:
            name = "counterfactuals turn the model's own decision"
            detail = "the model was asked with the changes made"
            self._note(name, self._turned, self._changes, "changes", detail)
        if not (immutable or directions or moves or decision.immutable or decision.directions):
            note = "no column was declared immutable, so that any may change"
            found = tuple(
                replace(one, note=f"{one.note}; {note}" if one.note else note) for one in found
            )
        return found

    def scorecard(self, *, positive: Any = None) -> Scorecard:
        """An additive points table that imitates the model, with its fidelity.

        Parameters
        ----------
        positive : label, optional
            The class that more points speak for; by default the one that is not adverse.

        Returns
        -------
        Scorecard

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.ensemble import RandomForestClassifier
        >>> from treeprune import explain
        >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        >>> model = RandomForestClassifier(20, random_state=0).fit(X, y)
        >>> explain(model, X, y).scorecard().fidelity.r2 > 0.8
        True
        """
        from .scorecard import scorecard

        classes = self.view.answers.classes
        at = 1
        if classes and len(classes[0]) > 2:
            raise ValueError(
                f"a scorecard has one score, for two classes; the model has {len(classes[0])}: "
                f"{list(classes[0])}. Fit the model for one of them against the rest"
            )
        if positive is not None:
            at = list(classes[0]).index(positive)
        elif self.decision is not None:
            at = 1 - self.decision.position(classes[0])
        return scorecard(
            lambda rows: self.output(rows)[:, 0, :],
            self.X,
            classes=classes[0] if classes else None,
            positive=at,
            y=self.y,
            target=self.view.target[0],
            random_state=self.random_state,
        )

    def sufficient_reasons(self) -> pd.DataFrame:
        """For every rule, conditions that alone force its outcome, none of which can go.

        The outcome is the decision where there is one, else the predicted class, else the number.

        Returns
        -------
        DataFrame
            `rule`, `conditions`, `sufficient`, `n_columns`, `n_sufficient`.

        Raises
        ------
        ValueError
            For a joint partition of more than 5,000 cells, which would be compared pair by pair.

        References
        ----------
        Izza, Ignatiev and Marques-Silva (2022), On tackling explanation redundancy in decision
        trees.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> explain(model, X).sufficient_reasons()["n_sufficient"].tolist()
        [1, 1, 1]
        """
        from .sufficient import outcomes, sufficient_rules

        self._check_few("sufficient reasons", "prune the model further")
        rules = self.rules
        short = sufficient_rules(rules, outcomes(rules, self.decision))
        return pd.DataFrame(
            {
                "rule": [f"R{i + 1}" for i in range(len(rules))],
                "conditions": [rule_text(rule, rules) for rule in rules],
                "sufficient": [rule_text(rule, rules) for rule in short],
                "n_columns": [len(rule.conditions) for rule in rules],
                "n_sufficient": [len(rule.conditions) for rule in short],
            }
        )

    def _check_few(self, what: str, instead: str) -> None:
        """Refuse to compare the many cells of a joint partition pair by pair."""
        if self.rules.kind == "partition" and len(self.rules) > MOST_PAIRED:
            raise ValueError(
                f"{what} compare each rule with each other: at most {MOST_PAIRED:,} cells of a "
                f"joint partition, this has {len(self.rules):,}; {instead}, or explain it through "
                "a surrogate: explain(..., most_cells=64)"
            )

    def _needs_decision(self, what: str) -> Decision:
        if self.decision is None:
            raise ValueError(
                f"{what} need to know which class is adverse and from which probability on: "
                "explain(model, X, decision=Decision(adverse=…, cutoff=…))"
            )
        return self.decision

    def monotone(
        self, column: str, direction: str = "increasing", *, label: Any = None
    ) -> Monotone:
        """Whether the prediction never falls (or rises) in a column: a proof, or two rows.

        Parameters
        ----------
        column : str
            A raw column of numbers.
        direction : {"increasing", "decreasing"}
        label : label, optional
            The class whose probability is meant: by default the adverse one, without a Decision
            the last.

        Returns
        -------
        Monotone
            Exact, for all inputs, where the rules are the model (and no joint partition of more
            than 5,000 cells); for other sums of trees proved tree by tree, refuted by two rows
            that the model itself answers, or undecided.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X = pd.DataFrame({"term": [6, 12, 24, 36, 48, 60] * 10, "rate": range(60)})
        >>> model = DecisionTreeClassifier(max_depth=1).fit(X, X["term"] > 30)
        >>> print(explain(model, X).monotone("term").to_text())
        never falls in term: proved (all inputs: every pair of rules)
        """
        from .proving import monotone_of

        classes = self.view.answers.classes
        if label is None and classes:
            label = classes[0][-1] if self.decision is None else self.decision.adverse
        return monotone_of(self.view, self.X, column, direction, label)

    def unused(self) -> tuple[str, ...]:
        """Raw columns that the model cannot use; their attributions are exactly zero.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X = pd.DataFrame({"term": [6, 12, 24, 36, 48, 60] * 10, "rate": range(60)})
        >>> model = DecisionTreeClassifier(max_depth=1).fit(X, X["term"] > 30)
        >>> explain(model, X).unused()
        ('rate',)
        """
        from .proving import unused_of

        return unused_of(self.view)

    @cached_property
    def interpretability(self) -> InterpretabilityScore:
        """How interpretable the model is, measured on the reference rows.

        Of several trees it is the ensemble that is measured, all its trees and the sum, not the
        joint partition or surrogate that its rules are: what is deployed is what must be followed.
        With outcomes the model is refitted 20 times on parts of these rows, as they are;
        `treeprune.interpretability` has settings for all of it.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> ex = explain(model, X, y)
        >>> ex.interpretability.components["focus"]  # every row looks at one column: 1/(1 + 1/7)
        0.875
        """
        from .interpretability.score import Setting, score_model

        seed = 0 if self.random_state is None else self.random_state
        setting = Setting(self.X, self.y, decision=self.decision, random_state=seed)
        return score_model(self.view.answers.model, setting)

    @property
    def is_exactly_attributed(self) -> bool:
        """Whether attributions are exact, so that nothing is sampled."""
        return default_game(self.view) == "path_dependent" or self.view.network is not None

    def to_text(self, *, held_out: tuple[Any, Any] | None = None, n_rows: int = 3) -> str:
        """One page: the model in figures, checks, rules, attribution and example rows.

        Parameters
        ----------
        held_out : (X, y), optional
            Rows that the model was not fitted on: rules are counted on them too, and example
            rows are taken from them.
        n_rows : int
            Number of example rows; with a Decision, adverse ones from the surest to the closest.

        Returns
        -------
        str

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> print(explain(model, X, y).to_text()[:58])
        MODEL       DecisionTreeClassifier of 1 tree with 3 leaves
        """
        from .summary import summary_of, summary_text

        return summary_text(summary_of(self, held_out=held_out, n_rows=n_rows))

    def output(self, X: Any) -> npt.NDArray[np.float64]:
        """What the estimator itself says, (n_rows, n_outputs, n_classes).

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import explain
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0).fit(X, y)
        >>> explain(model, X).output(X[:1]).tolist()
        [[[1.0, 0.0, 0.0]]]
        """
        return self.view.answers(X)
