"""scikit-learn decision trees that prune themselves in `fit`.

Subclasses of scikit-learn's trees with the pruned `tree_` in place, for code that asks for a
tree: `plot_tree`, `export_text`, shap, partial dependence, `isinstance`. All growing and pruning
is done by the code behind `PrunedClassifier`.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from sklearn.tree import BaseDecisionTree, DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted

from .estimators import CONSTRAINTS, fit_pruned, takes_several
from .pruning import Method

__all__ = ["PrunedTreeClassifier", "PrunedTreeRegressor"]


class _PrunedTree(BaseDecisionTree):
    """What both trees share; stands before the scikit-learn class among the bases."""

    _native: ClassVar[Any]

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        check_input: bool = True,
        groups: Any = None,
    ) -> Any:
        """Grow a tree, prune it, and hold the pruned one.

        Parameters
        ----------
        X : array-like, frame or sparse matrix, shape (n_rows, n_features)
        y : array-like, shape (n_rows,) or (n_rows, n_outputs)
        sample_weight : array-like, shape (n_rows,), optional
            Used in growing, pruning and scoring; not negative.
        check_input : bool
            Accepted for the sake of scikit-learn's signature; input is always checked.
        groups : array-like, shape (n_rows,), optional
            For group splitters in `cv` and `validation`.

        Returns
        -------
        self

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import PrunedTreeClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> PrunedTreeClassifier(max_size=3, random_state=0).fit(X, y).tree_.node_count
        5
        """
        self._validate_params()
        if self.ccp_alpha != 0:
            raise ValueError(
                f"ccp_alpha={self.ccp_alpha!r} would prune before the path is known; leave it at "
                "0 and use strength (the same scale) instead"
            )
        fit_pruned(self, self._base(), X, y, sample_weight, groups)
        for name, value in vars(self.estimator_).items():
            if name.endswith("_"):
                setattr(self, name, value)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        several = takes_several(self)
        tags.target_tags.multi_output = several
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = several
        return tags

    def _base(self) -> Any:
        """The tree to grow."""
        return self._native(**{name: getattr(self, name) for name in self._native_names()})

    @classmethod
    def _native_names(cls) -> list[str]:
        return list(cls._native._get_param_names())

    def to_sklearn(self) -> Any:
        """The pruned tree as an instance of scikit-learn's own class.

        Returns
        -------
        DecisionTreeClassifier or DecisionTreeRegressor
            A copy, for converters that look at the exact type.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import PrunedTreeClassifier
        >>> model = PrunedTreeClassifier(random_state=0).fit(*load_iris(return_X_y=True))
        >>> type(model.to_sklearn()).__name__
        'DecisionTreeClassifier'
        """
        check_is_fitted(self)
        tree = copy.deepcopy(self.estimator_)
        tree.tree_ = copy.deepcopy(self.tree_)  # this tree may have been cut further
        return tree

    def cost_complexity_pruning_path(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """scikit-learn's path of the tree before pruning.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        Bunch
            `ccp_alphas` and `impurities`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from treeprune import PrunedTreeClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = PrunedTreeClassifier(max_leaf_nodes=3, random_state=0)
        >>> model.cost_complexity_pruning_path(X, y).ccp_alphas.round(2)
        array([0.  , 0.26, 0.33])
        """
        return self._base().cost_complexity_pruning_path(X, y, sample_weight)


class PrunedTreeClassifier(_PrunedTree, DecisionTreeClassifier):
    """scikit-learn's decision tree classifier, pruned to the size that evidence supports.

    Parameters
    ----------
    criterion, splitter, max_depth, min_samples_split, min_samples_leaf, min_weight_fraction_leaf, \
max_features, random_state, max_leaf_nodes, min_impurity_decrease, class_weight, ccp_alpha, \
monotonic_cst
        Of `DecisionTreeClassifier`; `ccp_alpha` must stay 0. `random_state` serves growth and
        the validation part.
    method, strength, max_size, risk, cost_matrix, cv, scoring, validation, never_prune, n_jobs, \
verbose
        Of `PrunedClassifier`.

    Attributes
    ----------
    tree_ : Tree
        The pruned tree.
    estimator_ : DecisionTreeClassifier
        The same as an instance of scikit-learn's class.
    path_, step_, strength_
        As in `PrunedClassifier`.

    Raises
    ------
    ValueError
        As in `PrunedClassifier`; if `ccp_alpha` is not 0.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import export_text
    >>> from treeprune import PrunedTreeClassifier
    >>> model = PrunedTreeClassifier(max_size=2, random_state=0)
    >>> print(export_text(model.fit(*load_iris(return_X_y=True))))
    |--- feature_3 <= 0.80
    |   |--- class: 0
    |--- feature_3 >  0.80
    |   |--- class: 1
    <BLANKLINE>
    """

    _native = DecisionTreeClassifier
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        **DecisionTreeClassifier._parameter_constraints,
    }

    def __init__(
        self,
        *,
        criterion: str = "gini",
        splitter: str = "best",
        max_depth: int | None = None,
        min_samples_split: float = 2,
        min_samples_leaf: float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = None,
        random_state: Any = None,
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        class_weight: Any = None,
        ccp_alpha: float = 0.0,
        monotonic_cst: Any = None,
        method: str | Method = "cost_complexity",
        strength: str | float = "auto",
        max_size: int | None = None,
        risk: str | None = None,
        cost_matrix: Any = None,
        cv: Any = 5,
        scoring: Any = None,
        validation: Any = 0.25,
        never_prune: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            criterion=criterion,
            splitter=splitter,
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf,
            min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features,
            random_state=random_state,
            max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease,
            class_weight=class_weight,
            ccp_alpha=ccp_alpha,
            monotonic_cst=monotonic_cst,
        )
        self.method = method
        self.strength = strength
        self.max_size = max_size
        self.risk = risk
        self.cost_matrix = cost_matrix
        self.cv = cv
        self.scoring = scoring
        self.validation = validation
        self.never_prune = never_prune
        self.n_jobs = n_jobs
        self.verbose = verbose


class PrunedTreeRegressor(_PrunedTree, DecisionTreeRegressor):
    """scikit-learn's decision tree regressor, pruned to the size that evidence supports.

    Parameters
    ----------
    criterion, splitter, max_depth, min_samples_split, min_samples_leaf, min_weight_fraction_leaf, \
max_features, random_state, max_leaf_nodes, min_impurity_decrease, ccp_alpha, monotonic_cst
        Of `DecisionTreeRegressor`; `ccp_alpha` must stay 0.
    method, strength, max_size, risk, cv, scoring, validation, never_prune, n_jobs, verbose
        Of `PrunedRegressor`.

    Attributes
    ----------
    tree_, estimator_, path_, step_, strength_
        As in `PrunedTreeClassifier`.

    Raises
    ------
    ValueError
        As in `PrunedRegressor`; if `ccp_alpha` is not 0.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from treeprune import PrunedTreeRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> bool(PrunedTreeRegressor(max_size=6, random_state=0).fit(X, y).get_n_leaves() <= 6)
    True
    """

    _native = DecisionTreeRegressor
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{name: rule for name, rule in CONSTRAINTS.items() if name != "cost_matrix"},
        **DecisionTreeRegressor._parameter_constraints,
    }

    def __init__(
        self,
        *,
        criterion: str = "squared_error",
        splitter: str = "best",
        max_depth: int | None = None,
        min_samples_split: float = 2,
        min_samples_leaf: float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = None,
        random_state: Any = None,
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        ccp_alpha: float = 0.0,
        monotonic_cst: Any = None,
        method: str | Method = "cost_complexity",
        strength: str | float = "auto",
        max_size: int | None = None,
        risk: str | None = None,
        cv: Any = 5,
        scoring: Any = None,
        validation: Any = 0.25,
        never_prune: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            criterion=criterion,
            splitter=splitter,
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf,
            min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features,
            random_state=random_state,
            max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease,
            ccp_alpha=ccp_alpha,
            monotonic_cst=monotonic_cst,
        )
        self.method = method
        self.strength = strength
        self.max_size = max_size
        self.risk = risk
        self.cv = cv
        self.scoring = scoring
        self.validation = validation
        self.never_prune = never_prune
        self.n_jobs = n_jobs
        self.verbose = verbose
