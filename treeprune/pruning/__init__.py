"""Prune fitted models: the whole path, one cut of it, a grid of strengths, shrunken values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from .. import native
from ..losses import (
    NodeSums,
    agreement_sums,
    check_cost_matrix,
    check_rows,
    encode,
    stored_sums,
    sum_rows,
)
from ..path import PruningPath
from ..scoring import thin
from ..trees import Trees
from .ensembles import Grown, refit_leaves, refits
from .methods import METHODS, Evidence, Method, find_method, find_risk
from .network_path import path_of_network
from .tree_path import build_path, count_columns, locked_nodes, own_strengths, shrink_values

__all__ = [
    "METHODS",
    "Method",
    "prune",
    "pruning_path",
    "pruning_strengths",
    "refit_leaves",
    "shrink",
]


def pruning_path(
    model: Any,
    X: Any = None,
    y: Any = None,
    *,
    method: str | Method = "cost_complexity",
    risk: str | None = None,
    cost_matrix: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    never_prune: Sequence[str | int] | None = None,
    by: Callable | Sequence[int] | None = None,
    granularity: str | None = None,
    feature_groups: Any = None,
    forbidden: Sequence[Any] | None = None,
    random_state: int | None = None,
    logger: Any = None,
    verbose: int = 0,
) -> PruningPath:
    """All steps of pruning a fitted tree, forest, booster or network, down to the smallest.

    Parameters
    ----------
    model : fitted scikit-learn tree, forest or network, LightGBM model, or SparseMLP
        DecisionTree*, ExtraTree*, RandomForest*, ExtraTrees*, LGBMClassifier, LGBMRegressor,
        Booster, MLP*, SparseMLP*; never changed.
    X, y : array-like, optional
        Rows on which risks are measured: needed by `reduced_error` (held-out rows) and
        `agreement` (held-out rows, labels not used); for other methods of trees the statistics
        stored in the model serve where they suffice. The risk "impurity" always comes from the
        model. Networks need the rows they were trained on, for fine-tuning, and so do ensembles
        wherever leaves are refitted ("sequential", "additive", "l1", `cost_complexity` of
        boosters).
    method : str or Method
        A name in `METHODS`. For trees: "cost_complexity", "reduced_error", "error_based",
        "minimum_error", "pessimistic", "agreement"; the same for forests, and "truncate", "l1".
        For boosters: "cost_complexity", "sequential", "additive", "l1", "truncate". For networks:
        "magnitude", "gradient", "fisher", "random", "l1", "backward_elimination".
    risk : str, optional
        Of trees and forests, for cost_complexity ("impurity" by default, the growing criterion,
        equal to scikit-learn's pruning) and reduced_error ("error" or "squared_error" by default):
        also "log_loss", "brier", "cost".
    cost_matrix : array-like, shape (n_classes, n_classes), optional
        `cost_matrix[true, predicted]`, for risk="cost".
    sample_weight : array-like, shape (n_rows,), optional
        Weights of the rows given; the model's class weights are applied on top ("balanced" is
        taken from the rows given, whose classes may be shared otherwise than the training rows').
    never_prune : list of str or int, optional
        Columns whose splits, and what leads to them, are kept at every step.
    by : callable or list of int, optional
        A rule of one's own instead of `method`: a function from a DataFrame with a row a node
        (tree, node, parent, left, right, depth, feature, threshold, n_rows, weight, impurity,
        value) to a strength a node; the smallest goes first and takes what is below it along.
        A list of nodes gives a path of two steps.
    granularity : {"weights", "neurons", "inputs"}, optional
        What is removed of a network: single weights (by default), hidden neurons, or raw columns,
        each with all its inputs.
    feature_groups : array-like, shape (n_features,), or callable, optional
        The raw column of every model column, such as "purpose" for each of its indicators: for
        granularity "inputs", and for counting columns. A callable is given the columns' names.
        Every model column is its own by default.
    forbidden : list, optional
        Raw columns that a network must no longer read from step 1 on, which leaves out nothing
        else.
    random_state : int, optional
        Of a network: order of the rows in fine-tuning, and the method "random"; None is 0.
    logger : object, optional
        Told every step of a network's path: see `SparseMLPClassifier.fit`.
    verbose : int
        A progress bar for networks, on the standard error stream.

    Returns
    -------
    PruningPath

    Raises
    ------
    UnsupportedModelError, MalformedModelError
        If the model cannot be read.
    ValueError
        If the method, risk or granularity is unknown or not defined for the model or task, rows
        are missing, weights are negative, the cost matrix has another shape, or a column is not
        one of the model's.

    Notes
    -----
    Of networks a step removes the least important units, at their mean where they are neurons or
    columns, and trains what is left further by Adam, with the model's own alpha, batch size, betas
    and dropout and with three times its learning rate (of other solvers: of Adam's default), which
    falls to zero; `METHODS[name].with_options` changes the schedule. Where the model stops early,
    its `validation_fraction` of the rows is held out for that, too. Other settings, such as `l1`,
    tol and momentum, mean nothing there. Masks of steps are nested, what is cut off goes too, and
    at least one path from a column to a score stays. The model as trained (step 0) is not trained
    further: a warning says when the first steps learn much that it has not. What is cut from
    scikit-learn's own networks has exact zeros, but their `partial_fit` does not keep them
    (SparseMLP's does).

    Boosters are pruned by the loss that they were grown for. Given the training rows,
    `cost_complexity` merges the weakest links of all trees jointly, by the loss to second order,
    in about 40 rounds, and after each round refits the leaves, drawn towards what they were, or,
    where the model knows its rows by heart, towards what boosting again on the grown trees gives
    them (never with `METHODS["cost_complexity"].with_options(reboost=None)`: large steps then say
    much the same as the model); `with_options(refit=None)` orders once, by any rows, and leaves
    node values as they are; without rows the Hessians that the model has stored decide.
    "sequential" boosts again on the grown structure: each tree keeps what pays for its leaves,
    given the errors of its pruned predecessors. "additive" takes the trees apart: the model's
    different splits stand alone, weighed by boosting again and removed one by one, so that every
    step but the first is a sum of functions of single columns. "l1" weighs whole trees, "truncate"
    drops the last rounds. Trees of one leaf are folded into others when a step is cut. Monotone
    constraints of the model are kept at every step. `refit_leaves` refits a model that is cut
    already.

    Ridges of refits are in units of the loss's Hessian: weights are read as counts of rows, and
    on few rows a refit moves little. The strength of a booster's step is the loss per unit of row
    weight that a leaf saves (without rows: per row); the first step of "sequential" fits all leaves
    anew at strength 0, so that it is not free. An `init_score` of the training (an exposure) is not
    in the model: losses and refits know nothing of it, truncation and the order without rows do
    not need it. "l1" and refits hold what every tree says of every row at once.

    The strength of a step is in units of risk per unit of row weight and leaf, so that for
    "impurity" it equals scikit-learn's `ccp_alpha`; a forest's trees are ordered jointly, each
    with its own total weight (and `agreement` asks each tree whether it still says what it said as
    grown; the forest changes less). error_based, minimum_error and pessimistic read weights as
    counts of rows: a common factor changes what they prune. All steps together cost a small part
    of growing the tree.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import pruning_path
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    >>> tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    >>> pruning_path(tree)
    PruningPath(cost_complexity, 13 steps, 16 to 1 leaves)
    >>> held_out = pruning_path(tree, X_val, y_val, method="reduced_error")
    >>> print(held_out.cut(strength=0).get_n_leaves())
    4
    >>> light_nodes_first = pruning_path(tree, by=lambda nodes: nodes.weight)
    >>> print(light_nodes_first.cut(strength=20).get_n_leaves())
    12

    A network, in whole columns:

    >>> from sklearn.preprocessing import scale
    >>> from treeprune import SparseMLPClassifier
    >>> net = SparseMLPClassifier((16,), max_iter=50, random_state=0).fit(scale(X), y)
    >>> columns = pruning_path(net, scale(X), y, method="backward_elimination")
    >>> columns.cut(columns=5).network_.n_inputs
    5
    """
    native.check_supported(model)
    if native.is_network(model):
        refuse(model, risk=risk, cost_matrix=cost_matrix, by=by)
        return path_of_network(
            model,
            X,
            y,
            method,
            sample_weight,
            granularity=granularity,
            feature_groups=feature_groups,
            never_prune=never_prune,
            forbidden=forbidden,
            random_state=random_state,
            logger=logger,
            verbose=verbose,
        )
    refuse(model, granularity=granularity, forbidden=forbidden)
    trees, splits, hessian = native.structure(model)
    tasks = {"classification" if trees.predicted_classes else "regression"}
    if trees.n_outputs > 1:
        tasks.add("several outputs")
    row = find_method(method, tasks, of=native.family(model))
    if X is None and (y is not None or sample_weight is not None):
        raise ValueError("y and sample_weight belong to rows: give X too")
    locked = locked_nodes(trees, splits, never_prune)
    own = None
    if by is not None:
        refuse_beside_by(row, risk, cost_matrix)
        own = own_strengths(trees, splits, by)
    if as_ensemble(row, trees, rows=X is not None):
        refuse_risk(model, row, risk, cost_matrix)
        assert row.together is not None  # no other method is for ensembles alone
        grown = Grown(model, trees, splits, hessian, X, y, sample_weight, locked, own)
        path = row.together(grown, row.options)
    else:
        path = _path_by_nodes(
            model, trees, row, risk, cost_matrix, X, y, sample_weight, locked, own
        )
    return count_columns(path, splits, feature_groups)


def _path_by_nodes(
    model: Any,
    trees: Trees,
    row: Method,
    risk: str | None,
    cost_matrix: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    locked: npt.NDArray,
    own: npt.NDArray | None,
) -> PruningPath:
    """The path by what each node risks as a leaf, or by the user's own rule."""
    kind = find_risk(row, risk, trees.is_classifier)
    matrix = _cost_matrix(trees, kind, cost_matrix)
    if own is not None:
        evidence = Evidence(trees, None, "impurity", None, {})
        row = replace(row, name="by", align="strength")
        return build_path(model, evidence, row, locked, own)
    weight = None if X is None else check_rows(X, y, sample_weight)
    sums = _sums(model, trees, row, kind, X, y, weight)
    return build_path(model, Evidence(trees, sums, kind, matrix, row.options), row, locked)


def refuse_beside_by(method: Method, risk: str | None, cost_matrix: Any) -> None:
    """Refuse two rules at once."""
    if method is not METHODS["cost_complexity"] or risk is not None or cost_matrix is not None:
        raise ValueError("by is a rule instead of method, risk and cost_matrix; give one")


def as_ensemble(method: Method, trees: Trees, *, rows: bool) -> bool:
    """Whether trees are pruned by what they do together, not each by what its nodes hold."""
    if trees.is_boosted or "tree" not in method.models:
        return True
    if method.options.get("reboost") not in (None, "auto"):
        return True  # which says that a forest cannot
    return refits(method.options, boosted=False, rows=rows)


def refuse_risk(model: Any, method: Method, risk: str | None, cost_matrix: Any) -> None:
    """Refuse risks of nodes where the loss of the whole model counts."""
    if risk is not None or cost_matrix is not None:
        raise ValueError(
            f"{method.name} of a {type(model).__name__} goes by the loss that the model was "
            f"fitted for; leave out {'cost_matrix' if risk is None else f'risk={risk!r}'}"
        )


def refuse(model: Any, **given: Any) -> None:
    """Refuse what means nothing for this kind of model."""
    named = [name for name, value in given.items() if value is not None]
    if named:
        raise ValueError(
            f"not for a {type(model).__name__}: {', '.join(named)}; leave out what it does not have"
        )


def _cost_matrix(trees: Trees, kind: str, cost_matrix: Any) -> Any:
    if kind != "cost":
        if cost_matrix is not None:
            raise ValueError("cost_matrix is only used with risk='cost'; give both or neither")
        return None
    if trees.n_outputs > 1:
        raise ValueError("risk='cost' is defined for one output; possible are error, brier, …")
    return check_cost_matrix(cost_matrix, trees.n_classes[0])


def _sums(
    model: Any, trees: Trees, method: Method, kind: str, X: Any, y: Any, weight: Any
) -> NodeSums | None:
    """Sums over nodes of the rows given, or of what the model has stored; None for impurity."""
    if kind == "impurity":
        return None
    labelled = method.rows != "unlabelled"
    if X is None:
        if method.needs_holdout:
            need = "pruning_path(model, X, y, …)" if labelled else "pruning_path(model, X, …)"
            raise ValueError(f"{method.name} needs rows that the model was not grown on: {need}")
        return stored_sums(trees)
    if labelled and y is None:
        raise ValueError(f"{method.name} needs the targets of the rows: give y with X")
    if not labelled:
        return agreement_sums(trees, native.apply(model, X), weight)
    target = encode(model, y)
    weight = native.row_weights(model, np.asarray(y), weight)
    return sum_rows(trees, native.apply(model, X), target, weight)


def prune(
    model: Any,
    X: Any = None,
    y: Any = None,
    *,
    method: str | Method = "cost_complexity",
    strength: float | None = None,
    max_size: int | None = None,
    max_columns: int | None = None,
    max_neurons: int | None = None,
    max_weights: int | None = None,
    **options: Any,
) -> Any:
    """A smaller model of the same type.

    Parameters
    ----------
    model, X, y, method
        See `pruning_path`.
    strength : float, optional
        The last step whose strength is at most this. By default the method's textbook rule
        (strength 0 for reduced_error, error_based and minimum_error, 1 for pessimistic, a risk of
        at most 0.01 for agreement); cost_complexity has none without cross-validation.
    max_size : int, optional
        At most this many leaves (of all trees) or units of a network, whatever the strength.
    max_columns, max_neurons, max_weights : int, optional
        At most this many raw columns, hidden neurons or weights, whatever the strength.
    **options
        risk, cost_matrix, sample_weight, never_prune, by, granularity, feature_groups, forbidden,
        random_state, logger, verbose: see `pruning_path`.

    Returns
    -------
    model
        New; the one given is not changed.

    Raises
    ------
    ValueError
        As `pruning_path`; if the strength is negative or NaN; if neither strength nor a budget
        is given for a method without a textbook rule; if no step is as small as a budget.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import prune
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    >>> small = prune(tree, max_size=6)
    >>> print(type(small).__name__, small.get_n_leaves(), tree.get_n_leaves())
    DecisionTreeClassifier 6 22
    """
    path = pruning_path(model, X, y, method=method, **options)
    budgets = Budgets(max_size, max_columns, max_neurons, max_weights)
    if strength is not None:
        _check_strength(strength)
        step = path.step_for(strength=strength)
    elif options.get("by") is not None or find_method(method, set()).rule == "one_se":
        if not budgets.any():
            raise ValueError(
                "give strength or max_size (or max_columns, max_neurons, max_weights); to choose "
                "the strength by cross-validation use PrunedClassifier or PrunedRegressor"
            )
        step = 0
    else:
        step = textbook_step(path, method)
    return path.cut(budgets.within(path, step))


@dataclass(frozen=True)
class Budgets:
    """Most leaves (or units), raw columns, neurons and weights that a model may have."""

    size: int | None = None
    columns: int | None = None
    neurons: int | None = None
    weights: int | None = None

    def any(self) -> bool:
        """Whether anything is limited."""
        return any(most is not None for most in asdict(self).values())

    def within(self, path: PruningPath, step: int) -> int:
        """The first step from this one on that keeps to all of them and reads nothing forbidden."""
        asked = {name: most for name, most in asdict(self).items() if most is not None}
        least = [path.step_for(**{name: most}) for name, most in asked.items()]
        if "forbidden" in path.counts:
            least.append(int(path.counts["forbidden"].argmin()))
        return max([step, *least])


def _check_strength(strength: Any) -> None:
    if not isinstance(strength, Real) or not float(strength) >= 0:
        raise ValueError(
            f"strength must be a number that is not negative, got {strength!r}; larger prunes more"
        )


def textbook_step(path: PruningPath, method: str | Method) -> int:
    """Where the method itself stops: the last step within its level of strength or risk."""
    row = find_method(method, set())
    if row.rule == "risk":
        return int(np.flatnonzero(path.risk <= row.level * (1 + 1e-9))[-1])
    return path.step_for(strength=row.level)


def pruning_strengths(
    model: Any, X: Any = None, y: Any = None, *, n: int = 20, **options: Any
) -> npt.NDArray[np.float64]:
    """A grid of strengths for a search, from no loss to the smallest model that still decides.

    Parameters
    ----------
    model : tree, forest or network
        Fitted, or unfitted: then a clone is fitted on X and y.
    X, y : array-like, optional
        Rows as the model receives them.
    n : int
        At most this many strengths.
    **options
        method, risk, cost_matrix, sample_weight, never_prune: see `pruning_path`.

    Returns
    -------
    array of float64, ascending
        Each is the geometric mean of two neighbouring strengths of the path (such that rounding
        in a fold cannot tip it; of networks the mean), evenly spaced in the logarithm of the
        size. The strength that leaves the root alone is not among them.

    Raises
    ------
    ValueError
        If the method has no strengths to search over (hold-out methods: search over max_size).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import PrunedClassifier, pruning_strengths
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> grid = pruning_strengths(DecisionTreeClassifier(random_state=0), X, y, n=5)
    >>> search = GridSearchCV(PrunedClassifier(random_state=0), {"strength": grid}, cv=3)
    >>> bool(search.fit(X, y).best_estimator_.estimator_.get_n_leaves() < 20)
    True
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    try:
        check_is_fitted(model)
    except NotFittedError:
        if X is None or y is None:
            raise ValueError("the model is not fitted: give X and y, or a fitted model") from None
        weight = options.get("sample_weight")
        given = {} if weight is None else {"sample_weight": weight}
        model = clone(model).fit(X, y, **given)
    method = find_method(options.get("method", "cost_complexity"), set())
    if method.needs_holdout:
        raise ValueError(
            f"{method.name} prunes by held-out rows: its strengths differ from "
            "sample to sample; search over max_size"
        )
    native.check_supported(model)
    if X is None and native.family(model) == "booster" and method.rows != "unused":
        raise ValueError(
            "the strengths of a booster whose leaves are refitted depend on its training rows: "
            "give X and y too"
        )
    path = pruning_path(model, X, y, **options)
    # A fold's sparsity, or share of rounds, at a step differs a little.
    if path.networks or path.method == "truncate":
        following = np.append(path.strength[1:], 1.0)
        middle = (path.strength.clip(min=0) + following) / 2
        kept = thin(path.size, n) if n > 1 else np.array([len(path) // 2])
        return middle[kept]
    levels = midpoints(path.strength)
    # The last step's interval has no end; a root alone is no candidate.
    end = len(path) - 1 if path.is_constant(-1) else len(path)
    asked = np.flatnonzero(levels[:end] >= 0)
    if not len(asked):
        return np.zeros(1)
    kept = thin(path.size[asked], n) if n > 1 else np.array([len(asked) // 2])
    grid = levels[asked[kept]]
    grid[np.isinf(grid)] = 2.0 * path.strength[-1]
    return grid


def midpoints(strength: npt.NDArray) -> npt.NDArray:
    """Geometric mean of each strength and its successor; zero stays zero, the last is infinite."""
    following = np.append(strength[1:], np.inf)
    levels = np.full(len(strength), -np.inf)
    levels[strength == 0] = 0.0
    both = strength > 0
    # The product of two tiny strengths may underflow, that of their roots does not.
    levels[both] = np.sqrt(strength[both]) * np.sqrt(following[both])
    return levels


def shrink(model: Any, lam: float) -> Any:
    """Hierarchical shrinkage: node values drawn towards those of their ancestors.

    Every step down a tree changes the prediction by its own difference divided by
    `1 + lam / weight of the parent`, so that splits of few rows say less. Structure, weights and
    impurities stay, and shrinking commutes with every cut of a path.

    Parameters
    ----------
    model : fitted tree or forest
        Not changed.
    lam : float
        In units of row weight; 0 changes nothing.

    Returns
    -------
    model
        New, of the same type.

    Raises
    ------
    ValueError
        If lam is negative or NaN.

    References
    ----------
    Agarwal, Tan, Ronen, Singh & Yu (2022), Hierarchical shrinkage: improving the accuracy and
    interpretability of tree-based methods.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from treeprune import shrink
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    >>> float(shrink(tree, 10.0).predict_proba(X).max()) < 1.0
    True
    """
    if not 0 <= lam < np.inf:
        raise ValueError(f"lam must be a finite number that is not negative, got {lam!r}")
    trees = native.read(model)
    value = shrink_values(trees.parent, trees.value, trees.weight, lam)
    return native.write(model, trees.is_leaf, value)
