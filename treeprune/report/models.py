"""What can be grown and pruned: a kind of model is a row of a table.

A row says how the model is set up for a study, which pruning methods it has, what it is weighed
against, how its size is counted, and by which words the report speaks of it. Everything else in
the report asks this table, or the fitted model through `native`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import kernels, native
from ..explain.leaves import counted
from ..pruning import METHODS
from .intake import InputRefused
from .smaller import booster_small, forest_small, network_small, tree_small
from .words import MODELS, amount

if TYPE_CHECKING:
    from collections.abc import Callable

    from .study import Study

__all__ = ["KINDS", "ModelKind", "kind_of", "network_sizes", "tree_sizes", "used_columns"]

N_TREES = 100
N_ROUNDS = 150
N_LEAVES = 31  # of a booster's tree
N_NEURONS = 32
EPOCHS = 500  # at most
PENALTY = 0.01


@dataclass(frozen=True)
class ModelKind:
    """A kind of model that is grown and pruned.

    Parameters
    ----------
    key : str
        What the command line calls it.
    word : str
        What the report calls it, as in "the pruned forest", and what `METHODS` and `native` do.
    method : str
        The pruning method, unless another is asked for.
    others : tuple of str
        The second method it is pruned by: the first of these that is not the method itself.
    start : callable
        (study) -> estimator, not fitted.
    grown : callable
        (estimator, study) -> how it is grown, in words.
    small : callable
        Of `report.smaller`: what the pruned model is weighed against at its own size.
    small_words, small_doing : str
        What that model is called, and what is done meanwhile.
    sizes : tuple of str
        Counts that the report shows, in their order.
    count : callable
        (fitted model, rows as it receives them) -> those counts by name.
    orders : str or None
        Parameter that takes stated orders; None where none can be kept.
    prepared : bool
        Whether numbers are imputed and scaled before the model.
    named : bool
        Whether the model is given names of columns.

    Examples
    --------
    >>> KINDS["forest"].word, KINDS["forest"].method, KINDS["mlp"].method
    ('forest', 'cost_complexity', 'magnitude')
    """

    key: str
    word: str
    method: str
    others: tuple[str, ...]
    start: Callable[[Study], Any]
    grown: Callable[[Any, Study], str]
    small: Callable[..., tuple[Any, str]]
    small_words: str
    small_doing: str
    sizes: tuple[str, ...]
    count: Callable[[Any, Any], dict[str, Any]]
    orders: str | None = None
    prepared: bool = False
    named: bool = True

    @property
    def methods(self) -> tuple[str, ...]:
        """Pruning methods that it has, its own first.

        Examples
        --------
        >>> KINDS["mlp"].methods[0], "cost_complexity" in KINDS["mlp"].methods
        ('magnitude', False)
        """
        found = [name for name, row in METHODS.items() if self.word in row.models]
        return (self.method, *(name for name in found if name != self.method))

    def other(self, method: str) -> str:
        """The method that it is pruned by as well.

        Examples
        --------
        >>> KINDS["tree"].other("cost_complexity"), KINDS["tree"].other("reduced_error")
        ('reduced_error', 'cost_complexity')
        """
        return next(name for name in self.others if name != method)

    def check_method(self, method: str, task: str | None = None) -> None:
        """Refuse a method that this kind of model does not have.

        Parameters
        ----------
        method : str
        task : {"classification", "regression"}, optional
            Not asked without it.

        Raises
        ------
        InputRefused
            If the method is none of this model's, or not defined for the task; the message lists
            those that are.

        Examples
        --------
        >>> KINDS["tree"].check_method("pessimistic", "classification")
        >>> try:
        ...     KINDS["mlp"].check_method("pessimistic")
        ... except InputRefused as refusal:
        ...     print(str(refusal).partition(";")[0])
        pessimistic is not a method for a network
        """
        possible = [m for m in self.methods if task is None or task in METHODS[m].tasks]
        if method in possible:
            return
        what = f"not a method for a {self.word}"
        if method in self.methods:
            what = f"not defined for {task}"
        raise InputRefused(f"{method} is {what}; possible are {', '.join(possible)}")


# -- sizes ---------------------------------------------------------------------------------------


def used_columns(model: Any) -> set[int]:
    """Positions of the model columns that a fitted model reads.

    Parameters
    ----------
    model : fitted tree, forest, booster or network

    Returns
    -------
    set of int

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> sorted(used_columns(DecisionTreeClassifier().fit([[0, 1], [0, 2]], [0, 1])))
    [1]
    """
    if native.is_network(model):
        net = native.read_network(model)
        return {int(j) for j in net.inputs[net.live()[0]]}
    return {int(j) for j in native.splits(model).feature if j >= 0}


def tree_sizes(model: Any, Z: Any) -> dict[str, Any]:
    """How large the trees of a model are, and how many tests a row meets in them.

    Parameters
    ----------
    model : fitted tree, forest or booster
    Z : array-like, shape (n_rows, n_model_columns)

    Returns
    -------
    dict
        `trees` and `leaves` of all of them, of a booster those that split; `depth` of the deepest;
        `tests`, the mean number of comparisons of a row in all trees.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> tree_sizes(DecisionTreeClassifier().fit([[0], [1]], [0, 1]), [[0], [1]])
    {'trees': 1, 'leaves': 2, 'depth': 1, 'tests': 1.0}
    """
    trees = native.read(model)
    n_trees, n_leaves = counted(trees)
    depth = kernels.depths(trees.parent)
    asked = depth[native.apply(model, Z)].sum(axis=1)
    return {
        "trees": n_trees,
        "leaves": n_leaves,
        "depth": int(depth.max()),
        "tests": float(asked.mean()),
    }


def network_sizes(model: Any, Z: Any) -> dict[str, Any]:
    """How many weights and hidden neurons of a network still do something.

    Parameters
    ----------
    model : fitted network
    Z : object
        Not read: a network does the same work for every row.

    Returns
    -------
    dict
        `weights`, biases not counted, and `neurons`.

    Examples
    --------
    >>> from treeprune import SparseMLPRegressor
    >>> model = SparseMLPRegressor((3,), max_iter=1, dtype="float64", n_iter_no_change=None)
    >>> network_sizes(model.fit([[0.0], [1.0]], [0.0, 1.0]), None)
    {'weights': 6, 'neurons': 3}
    """
    counts = native.read_network(model).counts()
    return {name: int(counts[name]) for name in ("weights", "neurons")}


# -- how models are set up -----------------------------------------------------------------------


def _tree(study: Study) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeClassifier if study.is_classification else DecisionTreeRegressor
    return kind(min_samples_leaf=study.min_samples_leaf, random_state=study.seed)


def _forest(study: Study) -> Any:
    """Leaves of fewer rows than a single tree's: what one tree overfits the mean of many does not.

    Pruning then has something to remove, which 20 rows a leaf have removed beforehand.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestClassifier if study.is_classification else RandomForestRegressor
    return kind(
        n_estimators=N_TREES,
        min_samples_leaf=max(1, study.min_samples_leaf // 4),
        random_state=study.seed,
        n_jobs=1,
    )


def _booster(study: Study) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMClassifier if study.is_classification else LGBMRegressor
    return kind(
        n_estimators=N_ROUNDS,
        num_leaves=N_LEAVES,
        min_child_samples=study.min_samples_leaf,
        n_jobs=1,
        verbose=-1,
        deterministic=True,
        force_row_wise=True,
        random_state=study.seed,
    )


def _network(study: Study) -> Any:
    """Trained to the end under a penalty, so that pruning does not train it further.

    What pruning costs could not be told from what more training gains otherwise.
    """
    from ..neural import SparseMLPClassifier, SparseMLPRegressor

    kind = SparseMLPClassifier if study.is_classification else SparseMLPRegressor
    return kind(
        (N_NEURONS,),
        alpha=PENALTY,
        learning_rate_init=0.01,
        max_iter=EPOCHS,
        random_state=study.seed,
    )


def _tree_words(tree: Any, study: Study) -> str:
    return f"at least {study.min_samples_leaf} training rows a leaf"


def _forest_words(forest: Any, study: Study) -> str:
    return (
        f"{forest.n_estimators} trees of leaves of at least {forest.min_samples_leaf} training "
        "rows, each grown on its own draw of the rows"
    )


def _booster_words(booster: Any, study: Study) -> str:
    return (
        f"{booster.n_estimators} rounds at learning rate {booster.learning_rate:g}, trees of at "
        f"most {booster.num_leaves} leaves of at least {booster.min_child_samples} training rows"
    )


def _network_words(network: Any, study: Study) -> str:
    return (
        f"{amount(N_NEURONS, 'neurons')} in one layer, L2 penalty {PENALTY:g}; numbers imputed and "
        "scaled"
    )


KINDS: dict[str, ModelKind] = {
    row.key: row
    for row in (
        ModelKind(
            "tree",
            "tree",
            method="cost_complexity",
            others=("reduced_error", "cost_complexity"),
            start=_tree,
            grown=_tree_words,
            small=tree_small,
            small_words="grown small",
            small_doing="growing small trees",
            sizes=("leaves", "depth", "tests"),
            count=tree_sizes,
            orders="monotonic_cst",
        ),
        ModelKind(
            "forest",
            "forest",
            method="cost_complexity",
            others=("reduced_error", "cost_complexity"),
            start=_forest,
            grown=_forest_words,
            small=forest_small,
            small_words="trained small",
            small_doing="training small forests",
            sizes=("trees", "leaves", "depth", "tests"),
            count=tree_sizes,
            orders="monotonic_cst",
        ),
        ModelKind(
            "lightgbm",
            "booster",
            method="cost_complexity",
            others=("truncate", "cost_complexity"),
            start=_booster,
            grown=_booster_words,
            small=booster_small,
            small_words="trained small",
            small_doing="training small boosters",
            sizes=("trees", "leaves", "depth", "tests"),
            count=tree_sizes,
            orders="monotone_constraints",
            named=False,  # LightGBM renames columns, and refuses some names
        ),
        ModelKind(
            "mlp",
            "network",
            method="magnitude",
            others=("random", "magnitude"),
            start=_network,
            grown=_network_words,
            small=network_small,
            small_words="trained small",
            small_doing="training small networks",
            sizes=("weights", "neurons"),
            count=network_sizes,
            prepared=True,
        ),
    )
}
assert tuple(KINDS) == MODELS


def kind_of(model: Any) -> ModelKind:
    """The row of a fitted native model.

    Parameters
    ----------
    model : fitted tree, forest, booster or network

    Returns
    -------
    ModelKind

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> kind_of(DecisionTreeClassifier().fit([[0], [1]], [0, 1])).key
    'tree'
    """
    family = native.family(model)
    return next(row for row in KINDS.values() if row.word == family)
