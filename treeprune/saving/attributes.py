"""Which attributes an object in a saved model may have, by its class, and some of their values.

What a class is not known to write is refused, since it would be constructed for nothing, and so
are settings that start processes, print or import. Known are the parameters of the installed class
and the lists here: what scikit-learn 1.6 to 1.9 write when the pipelines of treeprune are fitted.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any, NoReturn

from ..exceptions import UntrustedModelError

__all__ = ["check_attributes", "shown"]

SHOWN = 60

_ALL = frozenset({"_sklearn_version", "n_features_in_", "feature_names_in_"})
_TRANSFORMER = _ALL | {"_sklearn_output_config"}
_LINEAR = _ALL | {"coef_", "intercept_", "n_iter_"}
_TREE = _ALL | {"max_features_", "n_outputs_", "tree_"}
_FOREST = _ALL | {"estimator", "estimator_", "estimator_params", "estimators_", "n_outputs_"}
_FOREST |= {"_n_samples", "_n_samples_bootstrap"}
_FOREST |= {"_sample_weight"}  # since 1.9
_BOOSTER = frozenset({"text_", "n_features_in_"})
_NETWORK = _ALL | {"network_", "n_iter_", "loss_", "kkt_residual_"}
# Class -> attributes that are no parameters of it in each version that is supported.
_FITTED: dict[str, frozenset[str]] = {
    "sklearn.compose._column_transformer.ColumnTransformer": _TRANSFORMER
    | {"_columns", "_remainder", "_transformer_to_input_indices", "output_indices_"}
    | {"sparse_output_", "transformers_"}
    | {"_transformers_feature_names_out"}  # since 1.9
    | {"force_int_remainder_cols"},  # a parameter up to 1.8
    "sklearn.compose._column_transformer._RemainderColsList": frozenset({"data"}),
    "sklearn.ensemble._forest.RandomForestClassifier": _FOREST | {"classes_", "n_classes_"},
    "sklearn.ensemble._forest.RandomForestRegressor": _FOREST | {"class_weight"},
    "sklearn.impute._base.MissingIndicator": _TRANSFORMER
    | {"_n_features", "_precomputed", "features_"},
    "sklearn.impute._base.SimpleImputer": _TRANSFORMER
    | {"_fit_dtype", "indicator_", "statistics_"}
    | {"_fill_dtype"},  # since 1.8
    "sklearn.linear_model._logistic.LogisticRegression": _LINEAR
    | {"classes_"}
    | {"multi_class"},  # a parameter up to 1.7
    "sklearn.linear_model._ridge.Ridge": _LINEAR | {"solver_"},
    "sklearn.pipeline.Pipeline": frozenset({"_sklearn_version"}),
    "sklearn.preprocessing._data.StandardScaler": _TRANSFORMER
    | {"mean_", "n_samples_seen_", "scale_", "var_"},
    "sklearn.preprocessing._encoders.OneHotEncoder": _TRANSFORMER
    | {"_default_to_infrequent_mappings", "_drop_idx_after_grouping", "_infrequent_enabled"}
    | {"_infrequent_indices", "_n_features_outs", "categories_", "drop_idx_"},
    "sklearn.preprocessing._function_transformer.FunctionTransformer": _TRANSFORMER,
    "sklearn.tree._classes.DecisionTreeClassifier": _TREE | {"classes_", "n_classes_"},
    "sklearn.tree._classes.DecisionTreeRegressor": _TREE | {"class_weight"},
    "treeprune.network.Network": frozenset(),
    "treeprune.neural.classifier.SparseMLPClassifier": _NETWORK | {"classes_"},
    "treeprune.neural.regressor.SparseMLPRegressor": _NETWORK | {"_target_shape"},
    "treeprune.report.columns.NameCombiner": frozenset(),
    "treeprune.saving.boosters.StoredBoosterClassifier": _BOOSTER | {"classes_"},
    "treeprune.saving.boosters.StoredBoosterRegressor": _BOOSTER,
}
# Those that are never fitted again keep no settings.
_WITHOUT_PARAMETERS = tuple(name for name in _FITTED if ".StoredBooster" in name)
# Attribute -> the values that it may have, in whatever class.
_ONLY: dict[str, tuple[Any, ...]] = {
    "n_jobs": (None, 1),
    "verbose": (False, 0),
    **dict.fromkeys(("func", "inverse_func", "kw_args", "inv_kw_args"), (None,)),
    **dict.fromkeys(("memory", "transformer_weights", "transform_input"), (None,)),
    # Another library would be imported for it.
    "_sklearn_output_config": ({"transform": "default"}, {"transform": "pandas"}),
}


def check_attributes(type_name: str, attributes: dict[Any, Any]) -> None:
    """Raise unless an object of a class may have such attributes.

    Parameters
    ----------
    type_name : str
        Full name of a trusted class.
    attributes : dict
        Name to value, as described.

    Raises
    ------
    UntrustedModelError
        If the installed version has no such class, the class has no such attribute, or an
        attribute would do more than answer.

    Examples
    --------
    >>> check_attributes("sklearn.linear_model._ridge.Ridge", {"alpha": 1.0, "n_iter_": None})
    >>> try:
    ...     check_attributes("sklearn.pipeline.Pipeline", {"verbose": True})
    ... except UntrustedModelError as error:
    ...     print(error)
    a Pipeline has verbose=True; possible are False and 0: set it before saving
    """
    module, _, cls = type_name.rpartition(".")
    known = getattr(importlib.import_module(module), cls, None)  # on the list of trusted types
    if known is None:
        _refuse(f"the installed version has no {type_name}")
    possible = _FITTED[type_name]
    if type_name not in _WITHOUT_PARAMETERS:
        possible = possible | inspect.signature(known).parameters.keys()
    for name, value in attributes.items():
        if name not in possible:
            _refuse(f"{type_name} cannot have an attribute {shown(name)}")
        only = _ONLY.get(name)
        if only is not None and not any(_same(value, wanted) for wanted in only):
            words = " and ".join(map(repr, only))
            _refuse(
                f"a {cls} has {name}={shown(value)}; possible {'is' if len(only) == 1 else 'are'} "
                f"{words}: set it before saving"
            )


def _same(value: Any, wanted: Any) -> bool:
    """Equal and of one type: arrays compare to arrays, and True equals 1."""
    return type(value) is type(wanted) and value == wanted


def shown(value: object) -> str:
    r"""A value from the file, short and without what a terminal would obey.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
        ASCII.

    Examples
    --------
    >>> shown("\x1b[31m")
    "'\\x1b[31m'"
    """
    text = ascii(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _refuse(message: str) -> NoReturn:
    raise UntrustedModelError(message)
