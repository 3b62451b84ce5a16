"""The table of pruning methods: a method is a row, not a class.

For trees a row says what a node would risk as a leaf, in which order splits go (`weakest_link`,
or `top_down` by a strength of its own) and at which strength the textbook stops; for networks
what a weight is worth, and of which units. Every row says how the paths of cross-validation folds
are aligned and for which tasks it is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from .. import kernels
from ..losses import LOSSES, NodeSums, node_loss
from ..trees import Trees
from . import ensembles
from . import importance as of_networks

__all__ = ["METHODS", "Evidence", "Method", "error_estimate", "find_method"]

Array = npt.NDArray

# Strength, in standard errors, of a split that is worth keeping without any doubt.
NEVER_BELOW = 1e12


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a method may look at: the trees, the rows' sums, and its settings."""

    trees: Trees
    sums: NodeSums | None
    risk: str
    cost_matrix: Array | None
    options: Mapping[str, float]


@dataclass(frozen=True)
class Method:
    """A pruning method.

    Parameters
    ----------
    name : str
    source : str
        Where the method was published.
    node_risk : callable
        Of trees: Evidence -> array (n_nodes,): what each node would risk as a leaf, in units of
        row weight.
    own_strength : callable, optional
        (Evidence, risk) -> array (n_nodes,): for methods that go from the root down, the strength
        at which a node goes by itself. Without it the order is `weakest_link`.
    margin : float
        The method's recursion also prunes where a leaf risks this much more than the subtree;
        step 1 is then that recursion.
    rows : {"optional", "required", "unlabelled", "training", "unused"}
        Whether it needs held-out rows, and their labels, or the training rows, or never looks.
    rule : {"one_se", "strength", "risk"}
        What `strength="auto"` means: cross-validation, or the last step whose strength (or risk)
        is at most `level`.
    level : float
    align : {"geometric", "strength", "size", "nearest"}
        How steps of fold paths are matched to those of the whole path.
    risks : tuple of str
        Risks that may be asked for; empty if the method has its own. The first one that fits the
        task is the default.
    tasks : frozenset of str
        Out of "classification", "regression", "several outputs".
    options : mapping
        Settings of the method, changed by `with_options`.
    importance : callable, optional
        Of networks: (Network, Task, RandomState) -> a score for every weight, by layer. Without
        it the method has an order of its own (`l1`, `backward_elimination`).
    granularities : tuple of str
        Units of a network that the method can remove, the default first: "weights", "neurons",
        "inputs" (raw columns, whole one-hot groups).
    models : tuple of str
        What the method prunes: "tree", "forest", "booster", "network"; by default networks where it
        has granularities, else trees and forests.
    together : callable, optional
        Of ensembles, pruned by the loss of all trees together: (Grown, options) -> PruningPath.

    Examples
    --------
    >>> from treeprune import METHODS
    >>> list(METHODS)[:3]
    ['cost_complexity', 'reduced_error', 'error_based']
    >>> METHODS["error_based"].with_options(confidence=0.1).options
    {'confidence': 0.1}
    """

    name: str
    source: str
    node_risk: Callable[[Evidence], Array] | None = None
    own_strength: Callable[[Evidence, Array], Array] | None = None
    margin: float = 0.0
    rows: Literal["optional", "required", "unlabelled", "training", "unused"] = "optional"
    rule: Literal["one_se", "strength", "risk"] = "strength"
    level: float = 0.0
    align: Literal["geometric", "strength", "size", "nearest"] = "size"
    risks: tuple[str, ...] = ()
    tasks: frozenset[str] = frozenset({"classification"})
    options: Mapping[str, Any] = field(default_factory=dict)
    importance: of_networks.Importance | None = None
    granularities: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    together: Callable[[Any, Mapping[str, Any]], Any] | None = None

    def __post_init__(self) -> None:
        if not self.models:
            of = ("network",) if self.granularities else ("tree", "forest")
            object.__setattr__(self, "models", of)

    @property
    def is_of_networks(self) -> bool:
        """Whether it prunes networks.

        Examples
        --------
        >>> from treeprune import METHODS
        >>> [name for name, row in METHODS.items() if row.is_of_networks]
        ['magnitude', 'gradient', 'fisher', 'random', 'l1', 'backward_elimination']
        """
        return "network" in self.models

    @property
    def needs_holdout(self) -> bool:
        """Whether rows must be set aside from growing.

        Examples
        --------
        >>> from treeprune import METHODS
        >>> [name for name, row in METHODS.items() if row.needs_holdout]
        ['reduced_error', 'agreement']
        """
        return self.rows in ("required", "unlabelled")

    def __repr__(self) -> str:
        row = METHODS.get(self.name)
        if row is None or replace(row, options=self.options) != self:
            return f"Method({self.name!r}, …)"
        changed = {k: v for k, v in self.options.items() if v is not row.options.get(k)}
        said = ", ".join(f"{k}={v!r}" for k, v in changed.items())
        return f"METHODS[{self.name!r}]" + (f".with_options({said})" if said else "")

    def __deepcopy__(self, memo: dict) -> Method:
        # Nothing of it changes. A copy of the set of tasks may be in another order, and so have
        # another hash, by which scikit-learn and joblib tell whether a parameter has changed.
        return self

    def with_options(self, **options: Any) -> Method:
        """The same method with other settings.

        Parameters
        ----------
        **options
            error_based: confidence. minimum_error: m. Ensembles: `refit`, the ridge in units of
            the loss's Hessian by which leaves are drawn towards what they were when they are
            fitted anew to the rows after each round (None: not at all; "auto": of boosters with
            rows 10 for each tree that is left, less once leaves have more than 16 rows each; of
            forests None, of l1 20), in so many `sweeps` over the trees; `steps`, about how many
            rounds; cost_complexity of boosters also `reboost`: before the first round the trees
            are boosted again as they stand, with this ridge towards zero, and leaves are drawn
            towards that (None: towards what they were grown with, so that large steps say much
            the same as the model; "auto": up to 100, the more, the more rounds there are, the
            smaller leaves are, and the worse the trees fit rows that are left out of their own
            leaves' sums; None below 10); sequential also `ridge`, which draws leaves to zero, and
            `rate`, with how many times the model's own learning rate trees are added; additive:
            steps of single splits by `learning_rate`, with a `ridge` towards zero, until none
            saves `least_gain` units of log likelihood ("auto": 1/2, what chance saves, of more
            than 1,000 rows in proportion less) or after so many `rounds`; then about `steps`
            removals, each followed by further rounds.
            Networks: `schedule` ("iterative", or "one_shot": importances once, from the network as
            trained), `steps` (how many; neurons or columns that are at most twice as many go one
            at a time), `final` (share of the weights removed at the last step), `decay` (power of
            the polynomial by
            which steps approach it), `levels` (shares removed at each step, instead of these
            three), `fine_tune` (epochs after each step, 0 is none; None is 1,500 optimiser steps,
            but at most half of the epochs of the training), `rate` (with how many times the
            model's own learning rate fine-tuning begins).

        Raises
        ------
        ValueError
            If the method has no such setting, or not this value.

        Examples
        --------
        >>> from treeprune import METHODS
        >>> METHODS["minimum_error"].with_options(m=10).options
        {'m': 10}
        """
        unknown = sorted(set(options) - set(self.options))
        if unknown:
            raise ValueError(
                f"{self.name} has no option {', '.join(unknown)}; possible are "
                f"{', '.join(self.options) or 'none'}"
            )
        if "confidence" in options and not 0 < options["confidence"] <= 0.5:
            raise ValueError(
                f"confidence must be above 0 and at most 0.5, got {options['confidence']}"
            )
        if "m" in options and not options["m"] >= 0:
            raise ValueError(f"m must not be negative, got {options['m']}")
        _check_ensemble_options(options)
        if self.is_of_networks:
            _check_schedule(self.name, options)
        return replace(self, options={**self.options, **options})


def _check_ensemble_options(options: Mapping[str, Any]) -> None:
    """Refuse settings of refits that make no sense."""
    for name in ("sweeps", "steps", "rounds"):
        value = options.get(name, 1)
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    ridges = [options[name] for name in ("ridge", "refit", "reboost") if name in options]
    for value in ridges:
        number = isinstance(value, Real) and not isinstance(value, bool)
        if value in (None, "auto") if not number else 0 <= float(value) < np.inf:
            continue
        raise ValueError(
            "ridge, refit and reboost are numbers of at least 0, refit and reboost also None or "
            f"'auto'; got {value!r}"
        )
    if "ridge" in options and not isinstance(options["ridge"], Real):
        raise ValueError(f"ridge must be a number of at least 0, got {options['ridge']!r}")
    least = options.get("least_gain", "auto")
    known = isinstance(least, str) and least == "auto"
    if not known and not (isinstance(least, Real) and 0 <= float(least) < np.inf):
        raise ValueError(f"least_gain must be 'auto' or a number of at least 0, got {least!r}")
    for name in ("rate", "learning_rate"):
        rate = options.get(name, 1.0)
        if not isinstance(rate, Real) or not 0 < float(rate) < np.inf:
            raise ValueError(f"{name} must be a number above 0, got {rate!r}")
    if options.get("learning_rate", 1.0) > 1.0:  # a step beyond the minimum
        raise ValueError(f"learning_rate must be at most 1, got {options['learning_rate']!r}")


def _check_schedule(method: str, options: Mapping[str, Any]) -> None:
    """Refuse settings of network pruning that make no sense."""
    if options.get("schedule", "iterative") not in ("iterative", "one_shot"):
        raise ValueError(f"schedule must be 'iterative' or 'one_shot', got {options['schedule']!r}")
    epochs = 1 if method == "l1" else 0  # its zeros come from training
    for name, fewest in (("steps", 1), ("fine_tune", epochs)):
        value = options.get(name, fewest)
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not (whole and value >= fewest) and not (name == "fine_tune" and value is None):
            raise ValueError(
                f"{name} of {method} must be a whole number of at least {fewest}, got {value!r}"
            )
    for name, least in (("decay", 0.01), ("rate", 1e-9)):
        value = options.get(name, 1.0)
        if not (isinstance(value, Real) and least <= float(value) < np.inf):
            raise ValueError(f"{name} must be a number of at least {least}, got {value!r}")
    levels = options.get("levels")
    shares = [options.get("final", 0.5), *np.ravel([0.5] if levels is None else levels).tolist()]
    if len(shares) < 2 or not all(isinstance(s, Real) and 0 < float(s) < 1 for s in shares):
        raise ValueError(
            "final is a share between 0 and 1, levels are one or more of them; got "
            f"{options.get('final')!r} and {levels!r}"
        )


def _chosen_risk(evidence: Evidence) -> Array:
    """The risk asked for; `impurity` is what the tree was grown by."""
    trees = evidence.trees
    if evidence.risk == "impurity":
        return trees.impurity * trees.weight
    assert evidence.sums is not None
    return node_loss(evidence.risk, trees, evidence.sums, cost_matrix=evidence.cost_matrix)


def _errors(evidence: Evidence) -> Array:
    assert evidence.sums is not None
    return node_loss("error", evidence.trees, evidence.sums)


def error_estimate(n: npt.ArrayLike, errors: npt.ArrayLike, confidence: float = 0.25) -> Array:
    """C4.5's pessimistic count: the upper confidence limit of the errors of a leaf.

    Parameters
    ----------
    n, errors : array-like of float, shape (n_nodes,)
        Row weight and weight of misclassified rows.
    confidence : float
        C4.5's CF: smaller is more pessimistic.

    Returns
    -------
    array of float64, shape (n_nodes,)
        Errors to expect, in units of row weight.

    Notes
    -----
    Weights are counts of rows here: a common factor changes the limit. Where the errors reach the
    weight but for half a row the limit is the weight, as in Weka's J48.

    References
    ----------
    Quinlan (1993), C4.5: Programs for Machine Learning, ch. 4.
    """
    n, e = np.asarray(n, np.float64), np.asarray(errors, np.float64)
    z = norm.ppf(1.0 - confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        none = n * (1.0 - confidence ** (1.0 / n))  # exact limit for no error at all

        def normal_limit(e: Array) -> Array:
            f = (e + 0.5) / n  # continuity correction
            spread = np.sqrt(np.maximum(f / n - f**2 / n + z**2 / (4 * n**2), 0.0))
            limit = n * (f + z**2 / (2 * n) + z * spread) / (1 + z**2 / n)
            return np.where(e + 0.5 >= n, np.maximum(n, e), limit)

        few = none + e * (normal_limit(np.ones_like(e)) - none)  # between no error and one
        out = np.where(e < 1.0, few, normal_limit(e))
    return np.where(n > 0, out, 0.0)


def _error_based(evidence: Evidence) -> Array:
    assert evidence.sums is not None
    return error_estimate(evidence.sums.weight, _errors(evidence), evidence.options["confidence"])


def _minimum_error(evidence: Evidence) -> Array:
    """Errors under the m-estimate of the probability of the native majority class."""
    trees, sums, m = evidence.trees, evidence.sums, evidence.options["m"]
    assert sums is not None
    assert sums.counts is not None
    top = np.argmax(trees.value[:, 0, :], axis=1)
    n = sums.weight
    hits = sums.counts[np.arange(len(top)), 0, top]
    root = trees.roots[trees.tree_of]
    with np.errstate(divide="ignore", invalid="ignore"):
        prior = sums.counts[root, 0, top] / n[root]
        return np.where(n > 0, n * (1.0 - (hits + prior * m) / (n + m)), 0.0)


def _corrected_errors(evidence: Evidence) -> Array:
    """Errors with the continuity correction of half an error a leaf."""
    return _errors(evidence) + 0.5


def _standard_errors_saved(evidence: Evidence, risk: Array) -> Array:
    """By how many standard errors of the subtree's errors the leaf is worse than the subtree."""
    trees, sums = evidence.trees, evidence.sums
    assert sums is not None
    below = np.where(trees.is_leaf, risk, 0.0)[:, None]
    kernels.sum_up(trees.left, trees.right, below)
    more, below, n = risk - below[:, 0], below[:, 0], sums.weight
    # The variance is clipped: half an error a leaf may exceed the weight of light leaves.
    variance = np.maximum(below * (n - below), 0.0)
    se = np.sqrt(np.divide(variance, n, out=np.zeros_like(n), where=n > 0))
    certain = np.where(more <= 0, 0.0, NEVER_BELOW)
    return np.divide(more, se, out=certain, where=se > 1e-12 * n)


def _disagreement(evidence: Evidence) -> Array:
    """Weight of rows told otherwise than by the tree as grown; regression: share of variance."""
    trees, sums = evidence.trees, evidence.sums
    assert sums is not None
    if trees.is_classifier:
        return _errors(evidence)
    changed = node_loss("squared_error", trees, sums)
    assert sums.m2 is not None
    spread = sums.m2.mean(axis=1)[trees.roots] / np.maximum(sums.total, 1e-300)
    spread = spread[trees.tree_of]
    return np.divide(changed, spread, out=np.zeros_like(changed), where=spread > 0)


_ANY = frozenset({"classification", "regression", "several outputs"})
_UNITS = ("weights", "neurons", "inputs")
_SCHEDULE = {
    "schedule": "iterative",
    "steps": 16,
    "final": 0.998,
    "decay": 3.0,
    "levels": None,
    "fine_tune": None,
    "rate": 3.0,
}


def _network_row(name: str, source: str, **more: Any) -> Method:
    """What all rows for networks have in common."""
    shared = {
        "models": ("network",),
        "rows": "training",
        "rule": "one_se",
        "align": "nearest",
        "tasks": _ANY,
    }
    return Method(name, source, **{**shared, "granularities": _UNITS, "options": _SCHEDULE, **more})


# One row a method. `risks` in the order in which a default is looked for.
METHODS: dict[str, Method] = {
    row.name: row
    for row in (
        Method(
            "cost_complexity",
            "Breiman, Friedman, Olshen & Stone (1984), ch. 3",
            _chosen_risk,
            rule="one_se",
            align="geometric",
            risks=("impurity", *LOSSES),
            tasks=_ANY,
            models=("tree", "forest", "booster"),
            options={"refit": "auto", "sweeps": 1, "steps": 40, "reboost": "auto"},
            together=ensembles.joint_path,
        ),
        Method(
            "reduced_error",
            "Quinlan (1987), Simplifying decision trees",
            _chosen_risk,
            rows="required",
            risks=("error", "squared_error", "cost", "log_loss", "brier"),
            tasks=_ANY,
        ),
        Method(
            "error_based",
            "Quinlan (1993), C4.5, ch. 4 (without subtree raising)",
            _error_based,
            margin=0.1,
            options={"confidence": 0.25},
        ),
        Method(
            "minimum_error",
            "Niblett & Bratko (1987); Cestnik & Bratko (1991)",
            _minimum_error,
            options={"m": 2.0},
        ),
        Method(
            "pessimistic",
            "Quinlan (1987), Simplifying decision trees",
            _corrected_errors,
            own_strength=_standard_errors_saved,
            level=1.0,
            align="strength",
        ),
        Method(
            "agreement",
            "this package; compare Craven & Shavlik (1996) on fidelity to a given model",
            _disagreement,
            rows="unlabelled",
            rule="risk",
            level=0.01,
            tasks=_ANY,
        ),
        Method(
            "sequential",
            "this package; leaf refits as in Ren, Cao, Wei & Sun (2015), Global refinement of "
            "random forest",
            rows="training",
            rule="one_se",
            tasks=_ANY,
            models=("booster",),
            options={"ridge": 20.0, "rate": 1.0, "refit": None, "sweeps": 1, "steps": 40},
            together=ensembles.sequential_path,
        ),
        Method(
            "additive",
            "this package; Friedman (2001), Greedy function approximation; Hassibi & Stork (1993), "
            "Optimal brain surgeon; compare Friedman & Popescu (2008), on rules fitted by L1",
            rows="training",
            rule="one_se",
            tasks=_ANY,
            models=("booster",),
            options={
                "learning_rate": 0.2,
                "ridge": 1.0,
                "least_gain": "auto",
                "rounds": 5000,
                "steps": 40,
            },
            together=ensembles.additive_path,
        ),
        Method(
            "truncate",
            "baseline: fewer rounds of boosting (Friedman 2001), fewer trees of a forest",
            rule="one_se",
            rows="unused",
            align="strength",
            tasks=_ANY,
            models=("forest", "booster"),
            together=ensembles.truncated_path,
        ),
        _network_row(
            "magnitude",
            "Han, Pool, Tran & Dally (2015), Learning both weights and connections",
            importance=of_networks.magnitude,
        ),
        _network_row(
            "gradient",
            "Mozer & Smolensky (1989), Skeletonization; Molchanov et al. (2017)",
            importance=of_networks.gradient,
        ),
        _network_row(
            "fisher",
            "LeCun, Denker & Solla (1990), Optimal brain damage; Theis et al. (2018)",
            importance=of_networks.fisher,
        ),
        _network_row(
            "random", "control: what removal costs by itself", importance=of_networks.uniform
        ),
        _network_row(
            "l1",
            "Yun, Lozano & Yang (2021), Adaptive proximal gradient methods; debiased by refitting. "
            "Trees: Breiman (1995), nonnegative garrote; Friedman & Popescu (2008)",
            granularities=("weights",),
            models=("network", "forest", "booster"),
            options={"steps": 32, "fine_tune": None, "rate": 3.0, "refit": "auto"},
            together=ensembles.garrote_path,
        ),
        _network_row(
            "backward_elimination",
            "Marill & Green (1963); columns held at their mean as in Moody & Utans (1992)",
            granularities=("inputs",),
        ),
    )
}


def find_method(method: str | Method, tasks: set[str], *, of: str | None = None) -> Method:
    """The row of that name (or the row given), if it is defined for all of the tasks.

    `of` is what the model is, one of `Method.models`; None does not ask.

    Raises
    ------
    ValueError
        If there is no such method or it is not defined for the task; says which are.
    """
    defined = [
        name
        for name, row in METHODS.items()
        if tasks <= row.tasks and (of is None or of in row.models)
    ]
    if isinstance(method, str):
        if method not in METHODS:
            raise ValueError(f"unknown method {method!r}; possible are {', '.join(METHODS)}")
        method = METHODS[method]
    if of is not None and of not in method.models:
        raise ValueError(
            f"{method.name} is not a method for {of}s; possible are {', '.join(defined)}"
        )
    if not tasks <= method.tasks:
        task = " with ".join(sorted(tasks))
        raise ValueError(
            f"{method.name} is not defined for {task}; possible are {', '.join(defined)}"
        )
    return method


def find_risk(method: Method, risk: str | None, is_classifier: bool) -> str:
    """The risk's name after checking that method and task have it; the default for None.

    Raises
    ------
    ValueError
        If it is unknown, the method has its own, or the task lacks it.
    """
    possible = [r for r in method.risks if LOSSES.get(r, is_classifier) == is_classifier]
    if risk is None:
        return possible[0] if possible else ""
    if not method.risks:
        raise ValueError(f"{method.name} has its own risk; leave risk=None, got {risk!r}")
    if risk not in possible:
        task = "classification" if is_classifier else "regression"
        raise ValueError(
            f"risk {risk!r} is not known for {method.name} in {task}; possible are "
            f"{', '.join(possible)}"
        )
    return risk
