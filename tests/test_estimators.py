"""The four estimators under scikit-learn's own checks, for every method and for other bases."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from laws import TREE_METHODS
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from treeprune import (
    PrunedClassifier,
    PrunedRegressor,
    PrunedTreeClassifier,
    PrunedTreeRegressor,
)

BOOTSTRAP = "a bootstrap draws rows, not weights: the forest itself differs"
HOLDOUT = "the validation part is drawn by rows: rows given twice change which are drawn"
WEIGHTS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
    "check_sample_weight_equivalence",  # the name in scikit-learn 1.6
)


def every_estimator():
    forest = RandomForestClassifier(3, random_state=0)
    for row in TREE_METHODS.values():
        yield PrunedClassifier(method=row.name, random_state=0)
        yield PrunedTreeClassifier(method=row.name, random_state=0)
        yield PrunedClassifier(forest, method=row.name)
        if "regression" in row.tasks:
            yield PrunedRegressor(method=row.name, random_state=0)
            yield PrunedTreeRegressor(method=row.name, random_state=0)
            yield PrunedRegressor(ExtraTreesRegressor(3, random_state=0), method=row.name)
    yield PrunedClassifier(ExtraTreeClassifier(random_state=0), strength=0.01)
    yield PrunedTreeRegressor(strength="best", random_state=0)


def expected_failures(estimator):
    """Names of checks that cannot hold, with the reason."""
    reasons = {}
    if TREE_METHODS[estimator.method].needs_holdout:
        reasons.update(dict.fromkeys(WEIGHTS, HOLDOUT))
    if isinstance(getattr(estimator, "estimator", None), RandomForestClassifier):
        reasons.update(dict.fromkeys(WEIGHTS, BOOTSTRAP))
    return reasons


@parametrize_with_checks(list(every_estimator()), expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tiny tables prune to the root, folds lack classes
        check(estimator)


@pytest.mark.parametrize(
    "shell, native, wrapper",
    [
        (PrunedTreeClassifier, DecisionTreeClassifier, PrunedClassifier),
        (PrunedTreeRegressor, DecisionTreeRegressor, PrunedRegressor),
    ],
)
def test_signatures_follow_scikit_learn_and_the_wrapper(shell, native, wrapper):
    ours = inspect.signature(shell).parameters
    of_networks = {"granularity", "forbidden", "max_neurons", "max_weights"}
    left_out = {"estimator", "feature_groups", "max_columns", *of_networks}
    for source in (native, wrapper):
        for name, parameter in inspect.signature(source).parameters.items():
            if name not in left_out:
                assert ours[name].default == parameter.default, name
    theirs = set(inspect.signature(native).parameters) | set(inspect.signature(wrapper).parameters)
    assert set(ours) == theirs - left_out


@pytest.mark.parametrize("forest", [False, True])
def test_the_final_model_is_a_cut_of_the_plain_fit(forest):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = X[:, 0] + rng.normal(size=200) > 0
    base = RandomForestClassifier(4, random_state=3) if forest else None
    model = PrunedClassifier(base, random_state=3).fit(X, y)
    plain = DecisionTreeClassifier(random_state=3) if base is None else base
    plain.fit(X, y)
    np.testing.assert_array_equal(model.path_.model.predict_proba(X), plain.predict_proba(X))
    np.testing.assert_array_equal(
        model.predict_proba(X), model.path_.cut(model.step_).predict_proba(X)
    )
    assert type(model.estimator_) is type(plain)
    assert model.path_.chosen == model.step_
    assert model.strength_ == model.path_.strength[model.step_]
