"""compare: several models on the same rows, by components, and what each pays in loss.

All models meet the same rows, the same background rows and the same parts of the training rows.
Which of two is easier often depends on how components are weighed: this is counted over all
weightings, and where it is not settled the comparison says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..explain.interpretability import InterpretabilityScore
from ..explain.interpretability.components import COMPONENTS, DRAWS, share_better
from ..explain.view import Answers
from ..path import PruningPath
from .scores import interpretability

__all__ = ["Comparison", "compare"]

SETTLED = 0.95  # share of weightings


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models side by side; made by `compare`.

    Parameters
    ----------
    scores : dict of str to InterpretabilityScore
        By name, in the order given.
    seed : int
        Of the weightings.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import compare
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> trees = {
    ...     f"{n} leaves": DecisionTreeClassifier(max_leaf_nodes=n, random_state=0).fit(X, y)
    ...     for n in (3, 9)
    ... }
    >>> found = compare(trees, X, n_refits=0)
    >>> list(found.scores)
    ['3 leaves', '9 leaves']
    """

    scores: dict[str, InterpretabilityScore]
    seed: int = 0

    def to_frame(self) -> pd.DataFrame:
        """A row a model.

        Returns
        -------
        DataFrame
            Index `model`; the components, `composite`, `loss` and `loss_se`, `pareto` (whether no
            other model has both a lower loss and a higher composite), `within_one_se` (whether
            its loss is within one standard error of the least), and the intervals.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import compare
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> trees = {
        ...     f"{n} leaves": DecisionTreeClassifier(max_leaf_nodes=n, random_state=0).fit(X, y)
        ...     for n in (3, 9)
        ... }
        >>> found = compare(trees, X, n_refits=0)
        >>> found.to_frame()["composite"].is_monotonic_decreasing
        True
        """
        rows = []
        for score in self.scores.values():
            own: dict[str, Any] = {name: score.components.get(name, np.nan) for name in COMPONENTS}
            own["composite"] = score.composite
            own["loss"], own["loss_se"] = score.loss[1:] if score.loss else (np.nan, np.nan)
            rows.append(own)
        out = pd.DataFrame(rows, index=pd.Index(list(self.scores), name="model"))
        out["pareto"] = [self._is_pareto(out, i) for i in range(len(out))]
        limit = self.one_se_limit
        out["within_one_se"] = False if limit is None else out["loss"] <= limit + 1e-12
        for kind in ("rows", "refits"):
            for name in [*COMPONENTS, "composite"]:
                pairs = [s.intervals.get(kind, {}).get(name) for s in self.scores.values()]
                if any(pair is not None for pair in pairs):
                    known = [pair or (np.nan, np.nan) for pair in pairs]
                    out[f"{name}_{kind}_low"], out[f"{name}_{kind}_high"] = zip(*known, strict=True)
        return out

    @staticmethod
    def _is_pareto(table: pd.DataFrame, i: int) -> bool:
        loss, score = table["loss"].to_numpy(), table["composite"].to_numpy()
        if np.isnan(loss[i]):
            return bool(score[i] == score.max())
        as_good = (loss <= loss[i]) & (score >= score[i])
        better = (loss < loss[i]) | (score > score[i])
        return not bool((as_good & better).any())

    @property
    def one_se_limit(self) -> float | None:
        """The least loss plus its standard error; None where no loss is known."""
        known = [s.loss for s in self.scores.values() if s.loss and np.isfinite(s.loss[1])]
        if not known:
            return None
        _, least, se = min(known, key=lambda loss: loss[1])
        return least + (se if np.isfinite(se) else 0.0)

    def share(self, first: str, second: str) -> float:
        """Share of 5,000 weightings under which the first model's composite is higher.

        Raises
        ------
        KeyError
            If there is no such model.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import compare
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> trees = {
        ...     f"{n} leaves": DecisionTreeClassifier(max_leaf_nodes=n, random_state=0).fit(X, y)
        ...     for n in (3, 9)
        ... }
        >>> found = compare(trees, X, n_refits=0)
        >>> found.share("3 leaves", "9 leaves")
        1.0
        """
        for name in (first, second):
            if name not in self.scores:
                raise KeyError(f"no model is called {name!r}; there are {list(self.scores)}")
        one, other = self.scores[first].components, self.scores[second].components
        return share_better(one, other, DRAWS, self.seed)

    def verdict(self, first: str, second: str) -> str:
        """Which of two models is easier, if 95 % of the weightings agree.

        Returns
        -------
        str
            The name of one of them, or "depends on weights".

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import compare
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> trees = {
        ...     f"{n} leaves": DecisionTreeClassifier(max_leaf_nodes=n, random_state=0).fit(X, y)
        ...     for n in (3, 9)
        ... }
        >>> found = compare(trees, X, n_refits=0)
        >>> found.verdict("9 leaves", "3 leaves")
        '3 leaves'
        """
        share = self.share(first, second)
        if share >= SETTLED:
            return first
        return second if share <= 1 - SETTLED else "depends on weights"

    def pairs(self) -> pd.DataFrame:
        """Every two models: the share of weightings under which the first is easier, the verdict.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import compare
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> trees = {
        ...     f"{n} leaves": DecisionTreeClassifier(max_leaf_nodes=n, random_state=0).fit(X, y)
        ...     for n in (3, 9)
        ... }
        >>> found = compare(trees, X, n_refits=0)
        >>> found.pairs()["easier"].tolist()
        ['3 leaves']
        """
        return pd.DataFrame(self._pairs(), columns=["first", "second", "share", "easier"])

    def _pairs(self) -> list[tuple[str, str, float, str]]:
        names = list(self.scores)
        return [
            (a, b, self.share(a, b), self.verdict(a, b))
            for i, a in enumerate(names)
            for b in names[i + 1 :]
        ]

    def plot(self, ax: Any = None) -> Any:
        """Draw loss against composite, with the one-SE line; models on the Pareto front are joined.

        Bars are one standard error of the loss, and the 95 % interval of the procedure of the
        composite (from five refits on).

        Parameters
        ----------
        ax : matplotlib Axes, optional
            A new figure by default.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import compare
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> trees = {
        ...     f"{n} leaves": DecisionTreeClassifier(max_leaf_nodes=n, random_state=0).fit(X, y)
        ...     for n in (3, 9)
        ... }
        >>> found = compare(trees, X, y, n_refits=3)
        >>> import matplotlib; matplotlib.use("Agg")
        >>> found.plot().get_xlabel()
        'composite of interpretability, 95 % of procedure (higher is easier)'
        """
        from .pictures import plot_comparison

        return plot_comparison(self, ax)

    def to_text(self) -> str:
        """The table, and what every two models' order depends on.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import compare
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> trees = {
        ...     f"{n} leaves": DecisionTreeClassifier(max_leaf_nodes=n, random_state=0).fit(X, y)
        ...     for n in (3, 9)
        ... }
        >>> found = compare(trees, X, n_refits=0)
        >>> print(found.to_text().splitlines()[-1])
        3 leaves is easier than 9 leaves under 100 % of weightings
        """
        table = self.to_frame()
        wide = max(len(name) for name in [*self.scores, "model"])
        short = {name: name[:8] for name in COMPONENTS}
        head = f"{'model':{wide}}  " + "  ".join(f"{short[n]:>8}" for n in COMPONENTS)
        lines = [f"{head}  composite   loss (SE)"]
        for name, row in table.iterrows():
            cells = "  ".join(
                f"{'–' if np.isnan(row[n]) else format(row[n], '.2f'):>8}" for n in COMPONENTS
            )
            loss = "–" if np.isnan(row["loss"]) else f"{row['loss']:.3f} ({row['loss_se']:.3f})"
            mark = " *" if row["pareto"] else ""
            lines.append(f"{name!s:{wide}}  {cells}  {row['composite']:9.0f}   {loss}{mark}")
        losses = {s.loss[0] for s in self.scores.values() if s.loss}
        if losses:
            lines.append(f"loss: {', '.join(sorted(losses))}; * no other is better in both")
        for first, second, share, easier in self._pairs():
            if easier == "depends on weights":
                lines.append(
                    f"{first} or {second}: depends on weights ({first} in {100 * share:.0f} % of "
                    "them)"
                )
            else:
                other, part = (second, share) if easier == first else (first, 1 - share)
                lines.append(
                    f"{easier} is easier than {other} under {100 * part:.0f} % of weightings"
                )
        return "\n".join(lines)


def compare(models: Mapping[str, Any], X: Any, y: Any = None, **settings: Any) -> Comparison:
    """Score several fitted models on the same rows.

    Parameters
    ----------
    models : dict of str to fitted estimator
    X, y : array-like
        See `interpretability`.
    **settings
        Of `interpretability`; the same seed for all, so that rows and parts are the same.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If there is no model, a name is no text, or models are of different tasks.

    Notes
    -----
    Loss is on rows that refits had left out, so of models fitted on 63.2 % of the rows, a little
    worse than the models themselves; give `X_train` and `y_train` to have the models' own loss on
    other rows `X`.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import compare
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> models = {
    ...     "tree": DecisionTreeClassifier(max_leaf_nodes=4, random_state=0).fit(X, y),
    ...     "linear": make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y),
    ... }
    >>> found = compare(models, X, y, n_refits=4, quality=False)
    >>> found.to_frame()["within_one_se"].to_dict()
    {'tree': False, 'linear': True}
    >>> found.verdict("tree", "linear")
    'tree'
    """
    if not isinstance(models, Mapping) or not models:
        raise ValueError("compare needs a dict of at least one fitted model by name")
    for name in models:
        if not isinstance(name, str):
            raise ValueError(f"names of models must be texts, got {name!r}")
    kinds = {}
    for name, model in models.items():
        if isinstance(model, PruningPath):
            raise ValueError(f"{name!r} is a path; compare models, such as path.cut(size=5)")
        try:
            kinds[name] = bool(Answers.of(model).classes)
        except (ValueError, TypeError) as error:  # not fitted, or of no use here
            raise type(error)(f"model {name!r}: {error}") from error
    if len(set(kinds.values())) > 1:
        raise ValueError(
            f"classifiers and regressors cannot be compared: their losses differ; classifiers are "
            f"{[name for name, is_one in kinds.items() if is_one]}"
        )
    settings.setdefault("quality", False)
    scores = {name: interpretability(model, X, y, **settings) for name, model in models.items()}
    return Comparison(scores, int(settings.get("random_state", 0)))
