"""Prune, or simply train smaller? The model that answers: trained at the pruned model's size.

It is of the same kind, its settings are searched for by the folds and the score that also choose
the pruned size, and none of them asks for more leaves or weights than the pruned model has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.model_selection import GridSearchCV

from ..retraining import brier_score, train_small
from .folds import folds_of
from .words import amount, score_words

if TYPE_CHECKING:
    from ..path import PruningPath
    from .rivals import Options
    from .study import Study

__all__ = ["booster_small", "forest_small", "network_small", "tree_small"]

SIZES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)


def tree_small(
    study: Study, tree: Any, path: PruningPath, size: int, options: Options, Z: Any
) -> tuple[Any, str]:
    """The best tree over a grid of leaf limits, by the same score and number of folds.

    Parameters
    ----------
    study : Study
    tree : decision tree, not fitted
    path : PruningPath
        Of the pruned tree.
    size : int
        Leaves of the pruned tree, which do not bind: a tree's size is itself searched for.
    options : Options
    Z : DataFrame, shape (n_train, n_model_columns)

    Returns
    -------
    model : fitted tree
    detail : str
        What was searched, and what was found.

    Examples
    --------
    See `fit_rivals`.
    """
    grown, least = int(path.size[0]), study.min_samples_leaf
    sizes = sorted({s for s in SIZES if s < grown} | {max(2, grown)})
    if options.max_size is not None:
        sizes = [s for s in sizes if s <= max(2, options.max_size)]
    leaves = sorted({max(1, least // 2), least, 2 * least})
    grid = [{"max_leaf_nodes": sizes, "min_samples_leaf": leaves}]
    search, n = _searched(study, tree, grid, options, Z)
    best = search.best_params_
    found = f"at most {best['max_leaf_nodes']} leaves of at least {best['min_samples_leaf']} rows"
    return search.best_estimator_, _told(study, options, n, found)


def forest_small(
    study: Study, forest: Any, path: PruningPath, size: int, options: Options, Z: Any
) -> tuple[Any, str]:
    """The best forest of at most so many leaves: few large trees, many small ones or between.

    Parameters
    ----------
    study, forest, path, size, options, Z
        As in `tree_small`; `size` are the leaves of all trees of the pruned forest.

    Returns
    -------
    model : fitted forest
    detail : str

    Examples
    --------
    See `fit_rivals`.
    """
    model, best, n = _trained(study, forest, max(2, size), options, Z)
    found = f"{amount(best['n_estimators'], 'trees')} of at most {best['max_leaf_nodes']} leaves"
    return model, _told(study, options, n, f"{found}{_over(size)}")


def booster_small(
    study: Study, booster: Any, path: PruningPath, size: int, options: Options, Z: Any
) -> tuple[Any, str]:
    """The best booster of at most so many leaves, over rounds, leaves a tree and learning rate.

    Parameters
    ----------
    study, booster, path, size, options, Z
        As in `tree_small`; `size` are the leaves of all trees of the pruned booster.

    Returns
    -------
    model : fitted booster
    detail : str

    Notes
    -----
    With several classes a round has a tree for each.

    Examples
    --------
    See `fit_rivals`.
    """
    a_round = len(study.labels) if study.task == "multiclass" else 1
    model, best, n = _trained(study, booster, max(2 * a_round, size), options, Z)
    found = (
        f"{amount(best['n_estimators'], 'rounds')} of trees of at most {best['num_leaves']} "
        f"leaves, learning rate {best['learning_rate']:g}"
    )
    return model, _told(study, options, n, f"{found}{_over(size)}")


def network_small(
    study: Study, network: Any, path: PruningPath, size: int, options: Options, Z: Any
) -> tuple[Any, str]:
    """The best dense network of one layer of at most so many weights, over its neurons.

    Parameters
    ----------
    study, network, path, options, Z
        As in `tree_small`.
    size : int
        What its method counts; weights are counted here.

    Returns
    -------
    model : fitted network
    detail : str

    Notes
    -----
    A neuron has a weight for every column and one for every score. Where a single neuron has more
    weights than the pruned network, it is trained all the same, and the detail says so.

    Examples
    --------
    See `fit_rivals`.
    """
    weights = int(path.networks[path.chosen or 0].n_weights)  # the path may count something else
    a_neuron = Z.shape[1] + (len(study.labels) if study.task == "multiclass" else 1)
    most = max(1, weights // a_neuron)
    tried = sorted({max(1, most // part) for part in (1, 2, 4, 8)})
    grid = [{"hidden_layer_sizes": [(n,) for n in tried]}]
    search, n = _searched(study, network, grid, options, Z)
    (found,) = search.best_params_["hidden_layer_sizes"]
    told = f"one layer of {amount(found, 'neurons')}"
    if a_neuron > weights:
        told += f", whose {a_neuron} weights are more than the pruned network has"
    return search.best_estimator_, _told(study, options, n, told)


def _trained(
    study: Study, model: Any, size: int, options: Options, Z: Any
) -> tuple[Any, dict[str, Any], int]:
    """An ensemble of at most so many leaves, its settings, and how many were tried."""
    small, settings, tried = train_small(
        model,
        Z,
        study.y_train,
        size=size,
        cv=folds_of(study, options.cv),
        scoring=options.scoring,
        groups=study.groups,
        n_jobs=options.jobs,
    )
    return small, settings, len(tried)


def _over(size: int) -> str:
    """Said where no tree that splits is as small as the pruned model."""
    return "" if size >= 2 else ", the smallest there is"


def _searched(
    study: Study, model: Any, grid: list[dict[str, list]], options: Options, Z: Any
) -> tuple[GridSearchCV, int]:
    """The search and its number of settings."""
    search = GridSearchCV(
        model,
        grid,
        scoring=options.scoring or (brier_score if study.is_classification else "r2"),
        cv=folds_of(study, options.cv),
        n_jobs=options.jobs,
    ).fit(Z, study.y_train, groups=study.groups)
    return search, len(search.cv_results_["params"])


def _told(study: Study, options: Options, n: int, found: str) -> str:
    score = score_words(options.scoring or ("brier" if study.is_classification else "r2"))
    if n == 1:
        return f"the one setting that is as small: {found}"
    return f"best of {n} settings by {options.cv}-fold {score}: {found}"
