"""InterpretabilityScore: six components of one model, each with two intervals, and what is beside.

The components are what is to be read; the composite is one way to weigh them. Accuracy is not
among them, and neither are the figures about explanations, which stand apart.
"""

from __future__ import annotations

import contextlib
import numbers
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import check_consistent_length

from ...losses import check_rows, class_codes, value_losses
from ..sufficient import outcomes, sufficient_rules
from ..tables import as_frame
from ..view import View, row, view_of
from .components import WEIGHTS, Measured, effective_number
from .evidence import Evidence, gather
from .measure import Reference, measure
from .refits import Training, refit

if TYPE_CHECKING:
    from ...decision import Decision
    from .quality import Quality

__all__ = ["InterpretabilityScore", "Setting", "score_model"]

Array = npt.NDArray[np.float64]

LOSSES = ("brier", "log_loss", "error", "squared_error")
OFTEN = 0.2  # share of refits from which a row is often decided otherwise
MOST_RULES = 100  # beyond, no sufficient reasons are looked for


@dataclass(frozen=True, eq=False)
class InterpretabilityScore:
    """How interpretable a model is, and how sure that is.

    Parameters
    ----------
    components : dict of str to float
        simulate, size, focus, additive, concentration and, where there were refits, stability;
        each between 0 and 1, larger is easier.
    composite : float
        Their weighted geometric mean, times 100. Never to be given without the components.
    intervals : dict of str to dict of str to (float, float)
        `rows`: of this very model, were other rows like these asked. `refits`: of the procedure,
        were it given other training rows like these. Each by component, and for `composite`.
    measures : dict of str to float
        What the components are made of: `effort`, `columns` (per row, mean), `bits`, `nf`
        (number of raw columns used), `ias` (interaction strength), `effective_columns`, and where
        a tree is exact `sufficient_columns` (columns of a minimal sufficient reason, mean).
    counts : dict of str to int
        `rows` measured, those of them `inside` whose attributions were computed, `refits` (and
        the leaves of a `typical_refit`), and what the description holds: splits, leaves and
        trees, or weights and neurons.
    otherwise : array of float64, shape (n_rows,), or None
        For every row measured, the share of refits that decide it otherwise than the model; None
        without refits and for regression.
    rows : array of int64, shape (n_rows,)
        Positions of the rows measured among those given.
    read : float
        1 where the structure is the model's own. Of a model that can only be asked it is that of
        a tree: 1 where this gives 99.5 % of its output's variation on other rows, falling to 0 at
        98 %, by which simulate, size and focus are multiplied.
    through : float or None
        Share of the output's variation that such a tree gives; None where none was needed.
    unit : str
        In which the model adds up, and so in which additive and concentration are measured:
        probability for trees, forests and models that can only be asked, log-odds for boosters,
        networks and logistic regression, or the target.
    loss : tuple of (str, float, float) or None
        Name, mean and standard error over rows: on rows that each refit had left out, or, where
        other training rows were given, of the model itself.
    quality : Quality or None
        How good the model's explanations are; see there.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import interpretability
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> model = DecisionTreeClassifier(max_leaf_nodes=4, random_state=0).fit(X, y)
    >>> score = interpretability(model, X, y, n_refits=5, quality=False)
    >>> sorted(score.components)
    ['additive', 'concentration', 'focus', 'simulate', 'size', 'stability']
    >>> score.measures["nf"], score.measures["columns"] <= 3
    (3.0, True)
    """

    components: dict[str, float]
    composite: float
    intervals: dict[str, dict[str, tuple[float, float]]]
    measures: dict[str, float]
    counts: dict[str, int]
    otherwise: Array | None = None
    rows: npt.NDArray[np.int64] | None = None
    read: float = 1.0
    through: float | None = None
    unit: str = "probability"
    loss: tuple[str, float, float] | None = None
    quality: Quality | None = None
    evidence: Evidence | None = field(default=None, repr=False)

    def to_frame(self) -> pd.DataFrame:
        """A row a component, and one for the composite.

        Returns
        -------
        DataFrame
            Index `component`; columns value, rows_low, rows_high, refits_low, refits_high; NaN
            where there is no interval.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import interpretability
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=4, random_state=0).fit(X, y)
        >>> score = interpretability(model, X, n_refits=0, quality=False)
        >>> score.to_frame().index.tolist()[:3]
        ['simulate', 'size', 'focus']
        """
        names = [*self.components, "composite"]
        out = pd.DataFrame(
            {"value": [*self.components.values(), self.composite]},
            index=pd.Index(names, name="component"),
        )
        for kind in ("rows", "refits"):
            found = self.intervals.get(kind, {})
            pairs = [found.get(name, (np.nan, np.nan)) for name in names]
            out[f"{kind}_low"], out[f"{kind}_high"] = zip(*pairs, strict=True)
        return out

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single rows, as plain values.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import interpretability
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=4, random_state=0).fit(X, y)
        >>> score = interpretability(model, X, n_refits=0, quality=False)
        >>> score.to_dict()["measures"]["nf"]
        3.0
        """
        return {
            "components": dict(self.components),
            "composite": self.composite,
            "weights": {name: WEIGHTS[name] for name in self.components},
            "intervals": {
                kind: {name: list(pair) for name, pair in found.items()}
                for kind, found in self.intervals.items()
            },
            "measures": dict(self.measures),
            "counts": dict(self.counts),
            "read": self.read,
            "through": self.through,
            "unit": self.unit,
            "loss": None if self.loss is None else list(self.loss),
            "decided_otherwise": self.often_otherwise,
            "quality": None if self.quality is None else self.quality.to_dict(),
        }

    @property
    def often_otherwise(self) -> float | None:
        """Share of rows that a fifth of the refits or more decide otherwise; None if not known."""
        if self.otherwise is None:
            return None
        often = self.otherwise >= OFTEN - 1e-12
        return float(np.average(often, weights=self._row_weight))

    @property
    def same_decision(self) -> float | None:
        """Mean share of refits that decide a row as the model does; None if not known."""
        if self.otherwise is None:
            return None
        return float(1 - np.average(self.otherwise, weights=self._row_weight))

    @property
    def _row_weight(self) -> Array | None:
        return None if self.evidence is None else self.evidence.weight

    def to_text(self) -> str:
        """The components with their intervals, what they are made of, and the composite last.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from treeprune import interpretability
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> model = DecisionTreeClassifier(max_leaf_nodes=4, random_state=0).fit(X, y)
        >>> score = interpretability(model, X, n_refits=0, quality=False)
        >>> print(score.to_text().splitlines()[1].split()[:2])
        ['simulate', '.97']
        """
        lines = [f"{'':15}value  this model    this procedure"]
        for name, value in self.components.items():
            rows, refits = (_span(self.intervals, kind, name) for kind in ("rows", "refits"))
            lines.append(f"{name:15}{_short(value):>5}  {rows:12}  {refits:12}".rstrip())
        rows, refits = (_span(self.intervals, kind, "composite", 0) for kind in ("rows", "refits"))
        lines.append(f"{'composite':15}{self.composite:5.0f}  {rows:12}  {refits:12}".rstrip())
        lines += self._notes()
        return "\n".join(lines)

    def _notes(self) -> list[str]:
        m, n = self.measures, self.counts
        lines = [
            f"per row {m['effort']:.1f} operations and {m['columns']:.1f} columns"
            + (f" ({m['sufficient_columns']:.1f} suffice)" if "sufficient_columns" in m else "")
            + f"; {m['bits']:.0f} bits, {m['nf']:.0f} columns, {m['effective_columns']:.1f} of "
            f"them effective; {100 * m['ias']:.0f} % interaction (in {self.unit})"
        ]
        if self.read == 0 and self.through is None:
            lines.append(
                "a transformer makes columns of it that can be told by no sum or short formula: "
                "simulate, size and focus are 0, nobody could carry the model out by hand"
            )
        if self.through is not None:
            lines.append(
                f"the model can only be asked: a tree of {n['leaves']} leaves gives "
                f"{100 * self.through:.0f} % of its output's variation"
                + (
                    ", and stands for it"
                    if self.read == 1
                    else "; below 98 % nobody could carry it out by hand"
                    if self.read == 0
                    else f"; what is read counts {100 * self.read:.0f} %"
                )
            )
        often = self.often_otherwise
        if often is not None:
            lines.append(
                f"{100 * often:.0f} % of rows are decided otherwise by a fifth of {n['refits']} "
                "refits or more"
            )
        if n.get("typical_refit", n.get("leaves", 0)) * 1.5 < n.get("leaves", 0):
            lines.append(
                f"refits end at {n['typical_refit']} leaves (median), the model has {n['leaves']}: "
                "on fewer rows the procedure goes further, and stability is that of its refits"
            )
        if "stability" not in self.components:
            lines.append("without refits: stability is not known, its weight is shared out")
        if self.loss is not None:
            name, mean, se = self.loss
            lines.append(f"{name} {mean:.3f} (SE {se:.3f}), which is no part of the score")
        if self.quality is not None:
            lines.append(self.quality.to_text())
        return lines


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0") if value < 0.995 else "1.00"


def _span(intervals: dict, kind: str, name: str, digits: int = 2) -> str:
    if name not in intervals.get(kind, {}):
        return ""
    low, high = intervals[kind][name]
    if digits == 0:
        return f"[{low:.0f}, {high:.0f}]"
    return f"[{_short(low)}, {_short(high)}]"


@dataclass(frozen=True)
class Setting:
    """On which rows, and how often, subjects are measured and refitted; checked at once.

    Parameters
    ----------
    X : table
    y : array-like or None
    X_train, y_train : table and array-like, optional
        What refits draw from; `X` and `y` by default.
    sample_weight : array, optional
        Of `X`; with `X_train` also given refits are unweighted.
    groups : array-like, optional
        Of the training rows.
    decision : Decision, optional
    loss : str, optional
        One of `LOSSES`; Brier score or squared error by default.
    n_refits, n_draws, max_rows : int
    random_state : int
    n_jobs : int, optional
    """

    X: Any
    y: Any = None
    X_train: Any = None
    y_train: Any = None
    sample_weight: Any = None
    groups: Any = None
    decision: Decision | None = None
    loss: str | None = None
    n_refits: int = 20
    n_draws: int = 500
    max_rows: int | None = 10_000
    random_state: int = 0
    n_jobs: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("n_refits", 0), ("n_draws", 2), ("max_rows", 1), ("random_state", 0)):
            value = getattr(self, name)
            if name == "max_rows" and value is None:
                continue
            if not isinstance(value, numbers.Integral) or value < least:
                raise ValueError(
                    f"{name} must be a whole number of at least {least}, got {value!r}"
                )
        if self.n_refits == 1:
            raise ValueError("n_refits=1 compares nothing; give 0 for none, or at least 2")
        if self.loss is not None and self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {LOSSES}, got {self.loss!r}")
        if isinstance(self.X, list):
            object.__setattr__(self, "X", np.asarray(self.X))
        n = len(as_frame(self.X))
        if n == 0:
            raise ValueError("interpretability is measured on rows; X has none")
        if self.y is not None:
            check_consistent_length(self.X, self.y)
        if (self.X_train is None) != (self.y_train is None):
            raise ValueError("give X_train and y_train together, or neither")

    def weight(self) -> Array:
        """Weights of the rows of X."""
        n = len(as_frame(self.X))
        return check_rows(np.zeros((n, 1)), None, self.sample_weight)

    def reference(self) -> tuple[Reference, npt.NDArray[np.int64]]:
        """Rows to measure on, and their positions in X."""
        weight = self.weight()
        at = np.flatnonzero(weight > 0)
        if self.max_rows is not None and len(at) > self.max_rows:
            rng = np.random.default_rng([self.random_state, 2])
            at = np.sort(rng.choice(at, self.max_rows, replace=False))
        X = self.X if len(at) == len(weight) else row(self.X, at)
        return Reference.of(X, weight[at], int(self.random_state)), at

    def training(self) -> Training | None:
        """What refits draw from; None where there are no outcomes, or no refits are wanted."""
        if self.n_refits == 0:
            return None
        if self.X_train is not None:
            return Training(self.X_train, self.y_train, None, self.groups)
        if self.y is None:
            return None
        weight = None if self.sample_weight is None else self.weight()
        return Training(self.X, self.y, weight, self.groups)

    @property
    def trained_here(self) -> bool:
        """Whether refits draw from the rows that are measured on."""
        return self.X_train is None


@dataclass(frozen=True, eq=False)
class ModelSubject:
    """A fitted estimator, its procedure being its own `fit`."""

    model: Any
    classes: npt.NDArray | None
    view: View | None = None
    sizes: tuple[int, ...] = ()

    @property
    def stratify(self) -> bool:
        """Whether parts keep the shares of classes."""
        return self.classes is not None

    def measure(self, reference: Reference) -> Measured:
        """Read the model and measure it."""
        view = self.view
        if view is None:
            view = view_of(self.model, reference.X, readable=False)
        sizes = [len(known) for known in view.answers.classes]
        if self.sizes and self.classes is None and sizes != list(self.sizes):
            raise ValueError(
                "a refit lacks a class of one of several targets, as it has too few rows of it; "
                "leave such rows out, or give n_refits=0"
            )
        return measure(view, reference, self.classes)

    def again(self, training: Training, seed: int) -> ModelSubject:
        """A refit."""
        return ModelSubject(refit(self.model, training, seed), self.classes, None, self.sizes)


def score_model(
    model: Any, setting: Setting, *, quality: bool = True, reasons: bool = True
) -> InterpretabilityScore:
    """Score one fitted model; see `treeprune.interpretability`.

    Parameters
    ----------
    model : fitted estimator
    setting : Setting
    quality, reasons : bool
        Whether to measure the quality of explanations, the length of sufficient reasons.
    """
    reference, at = setting.reference()
    view = view_of(model, reference.X, readable=False)
    if setting.decision is not None:
        view.check_decision(setting.decision)
    classes = view.answers.classes[0] if len(view.answers.classes) == 1 else None
    sizes = tuple(len(known) for known in view.answers.classes)
    subject = ModelSubject(model, classes, view, sizes)
    found = gather(
        subject,
        reference,
        setting.training(),
        rows=at if setting.trained_here else None,
        n_refits=setting.n_refits,
        n_draws=setting.n_draws,
        n_jobs=setting.n_jobs,
    )
    measures = measures_of(found, 0)
    length = _sufficient(view, reference, setting.decision) if reasons else None
    if length is not None:
        measures["sufficient_columns"] = length
    otherwise = otherwise_of(found, view, setting.decision)
    told = None
    if quality:
        from .quality import explanation_quality

        told = explanation_quality(view, reference)
    return InterpretabilityScore(
        **_values(found, 0),
        measures=measures,
        counts={
            "rows": len(reference),
            "inside": len(found.measured.inside),
            "refits": len(found.refits),
            **found.measured.counts[0],
            **_typical(found),
        },
        otherwise=None if otherwise is None else otherwise[0],
        rows=at,
        read=float(found.measured.trust[0]),
        through=found.measured.through,
        unit=view.unit,
        loss=loss_of(found, view.answers.classes, setting, at),
        quality=told,
        evidence=found,
    )


def _values(found: Evidence, step: int) -> dict[str, Any]:
    """Components, composite and intervals of one step."""
    return {
        "components": {name: float(value[step]) for name, value in found.components.items()},
        "composite": float(found.composite[step]),
        "intervals": {
            kind: {
                name: (float(low[step]), float(high[step])) for name, (low, high) in each.items()
            }
            for kind, each in (("rows", found.over_rows()), ("refits", found.over_refits()))
            if each
        },
    }


def measures_of(found: Evidence, step: int) -> dict[str, float]:
    """What the components of one step are made of."""
    own, weight = found.measured, found.weight
    some = weight[own.inside] / weight[own.inside].sum()
    importance = own.importance(some[None])[0, step]
    return {
        "effort": float(np.average(own.effort[step], weights=weight)),
        "columns": float(np.average(own.columns[step], weights=weight)),
        "bits": float(own.bits[step]),
        "nf": float(own.n_columns[step]),
        "ias": float(own.interaction(some[None])[0, step]),
        "effective_columns": float(effective_number(importance)),
    }


def decided(found: Measured, view: View, decision: Decision | None) -> npt.NDArray:
    """What is decided for rows, (n_steps, n_rows): the side of a decision, or the model's class."""
    if decision is not None:
        position = decision.position(view.answers.classes[0])
        return decision.decide(found.answers[..., position])
    return found.answers.argmax(axis=-1) if found.decided is None else found.decided


def _typical(found: Evidence) -> dict[str, int]:
    """Leaves of a refit, the median, where models have leaves."""
    leaves = [one.counts[0]["leaves"] for one in found.refits if "leaves" in one.counts[0]]
    return {"typical_refit": int(np.median(leaves))} if leaves else {}


def otherwise_of(found: Evidence, view: View, decision: Decision | None) -> Array | None:
    """Share of refits that decide each row otherwise, (n_steps, n_rows); None if not known."""
    if not found.refits or len(view.answers.classes) != 1:
        return None
    own = decided(found.measured, view, decision)
    return np.mean([decided(one, view, decision) != own for one in found.refits], axis=0)


def losses_of(answers: Array, y: npt.NDArray, classes: tuple[npt.NDArray, ...], name: str) -> Array:
    """Loss of every row, (..., n_rows); the Brier score of two classes as scikit-learn has it."""
    told = answers.reshape(-1, *answers.shape[-2:])
    outputs = max(1, len(classes)) if classes else answers.shape[-1]
    out = np.stack(
        [value_losses(name, one.reshape(len(one), outputs, -1), y).mean(axis=1) for one in told]
    )
    if name == "brier" and len(classes) == 1 and len(classes[0]) == 2:
        out /= 2
    return out.reshape(answers.shape[:-1])


def loss_name(setting: Setting, classes: tuple[npt.NDArray, ...]) -> str:
    """The loss asked for, or the one by default; refuses one of the other kind."""
    default = "brier" if classes else "squared_error"
    name = setting.loss or default
    if (name == "squared_error") == bool(classes):
        kind = "classifier" if classes else "regressor"
        raise ValueError(f"loss {name!r} is not for a {kind}; {default!r} is")
    return name


def loss_of(
    found: Evidence, classes: tuple[npt.NDArray, ...], setting: Setting, at: npt.NDArray
) -> tuple[str, float, float] | None:
    """Mean loss of one step and its standard error over rows; see `InterpretabilityScore`."""
    losses = row_losses_of(found, classes, setting, at)
    if losses is None:
        return None
    name, each = losses
    mean, se = mean_and_se(each[0], found.weight)
    return name, mean, se


def row_losses_of(
    found: Evidence, classes: tuple[npt.NDArray, ...], setting: Setting, at: npt.NDArray
) -> tuple[str, Array] | None:
    """Loss of every row at every step, NaN where no refit had left the row out."""
    name = loss_name(setting, classes)
    if setting.y is None or (setting.trained_here and found.left_out is None):
        return None
    y = coded(setting.y, classes)[at]
    if not setting.trained_here:
        return name, losses_of(found.measured.answers, y, classes, name)
    assert found.left_out is not None
    sums = np.zeros(found.measured.answers.shape[:2])
    for one, out in zip(found.refits, found.left_out, strict=True):
        sums += np.where(out, losses_of(one.answers, y, classes, name), 0.0)
    times = found.left_out.sum(axis=0)
    return name, np.where(times > 0, sums / np.where(times > 0, times, 1), np.nan)


def coded(y: Any, classes: tuple[npt.NDArray, ...]) -> npt.NDArray:
    """Outcomes as numbers: positions of classes, or values, (n_rows, n_outputs)."""
    table = np.asarray(y)
    table = table.reshape(len(table), -1)
    if not classes:
        return table.astype(np.float64)
    out = np.full(table.shape, -1)
    for o, known in enumerate(classes):
        with contextlib.suppress(TypeError):  # of another kind: none of them is known
            out[:, o] = class_codes(table[:, o], known)
    if (out < 0).any():
        wrong = table[(out < 0).any(axis=1)][0].tolist()
        raise ValueError(
            f"y has {wrong[0] if len(wrong) == 1 else wrong!r}, which the model does not know; "
            f"possible are {[known.tolist() for known in classes]}: leave such rows out"
        )
    return out


def mean_and_se(each: Array, weight: Array) -> tuple[float, float]:
    """Weighted mean over rows that have a value, and its standard error."""
    has = ~np.isnan(each) & (weight > 0)
    if not has.any():
        return float("nan"), float("nan")
    own, w = each[has], weight[has]
    mean = float(np.average(own, weights=w))
    if len(own) < 2:
        return mean, float("nan")
    share = w / w.sum()
    spread = float((share**2 * (own - mean) ** 2).sum()) * len(own) / (len(own) - 1)
    return mean, float(np.sqrt(spread))


def _sufficient(view: View, reference: Reference, decision: Decision | None) -> float | None:
    """Mean number of columns in a minimal sufficient reason, where a tree's rules are few."""
    trees = view.trees
    if trees is None or trees.n_trees > 1 or trees.n_leaves > MOST_RULES:
        return None
    rules = view_of(view.answers.model, reference.X, feature_map=view.feature_map).rules
    which = rules.match(reference.X)
    if (which < 0).any():
        return None
    found = sufficient_rules(rules, outcomes(rules, decision))
    length = np.array([len(rule.conditions) for rule in found])
    return float(np.average(length[which], weights=reference.weight))
