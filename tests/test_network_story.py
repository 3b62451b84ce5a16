"""From a raw table to region rules: networks pruned to 99 % sparsity on the four data sets."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from treeprune import (
    METHODS,
    FeatureMap,
    PrunedClassifier,
    SparseMLPClassifier,
    compression,
    datasets,
    explain,
    verify,
)

# On breast cancer twelve quick steps do not come down to ten neurons.
NAMES = ("german_credit", "compas", "hmda", "adult")
QUICK = METHODS["l1"].with_options(steps=12, fine_tune=3)


def pipeline(X, **options):
    """Encoder and pruned network, with the raw column of every encoded one."""
    numbers = [c for c in X if pd.api.types.is_numeric_dtype(X[c])]
    others = [c for c in X if c not in numbers]
    encode = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10), others),
        sparse_threshold=0,
    )
    groups = FeatureMap.of(encode.fit(X), X).groups
    net = SparseMLPClassifier(
        (64, 32), max_iter=8, n_iter_no_change=None, batch_size=128, random_state=0
    )
    pruned = PrunedClassifier(net, feature_groups=groups, random_state=0, **options)
    return make_pipeline(encode, pruned)


@pytest.mark.parametrize("name", NAMES)
def test_regions_are_the_network_at_99_percent_sparsity(name):
    data = datasets.load(name)
    X, y = data.data.drop(columns=data.excluded), data.target
    train, test, t, t_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    model = pipeline(train, method=QUICK, strength=0.0, max_neurons=10)
    width = model[:-1].transform(train).shape[1]
    total = width * 64 + 64 * 32 + 32
    model.set_params(prunedclassifier__max_weights=int(0.01 * total)).fit(train, t)
    net = model[-1]
    path, step, small = net.path_, net.step_, net.estimator_.network_
    assert small.n_weights <= 0.01 * total and sum(small.hidden_layer_sizes) <= 10
    ex = explain(model, train, t)
    for rows in (train, test):
        found, said = ex.regions.predict_proba(rows), model.predict_proba(rows)
        assert np.abs(found - said).max() <= 1e-6
    assert ex.checks["regions = model"].passed
    assert f"{len(train)} of {len(train)} rows" in str(ex.checks["regions = model"])
    # Read columns, attributed columns and columns in the regions are the same.
    unused = set(ex.unused())
    assert len(unused) == X.shape[1] - path.counts["columns"][step]
    values = ex.attributions(test[:50]).values
    dead = [column in unused for column in ex.columns]
    assert np.abs(values[:, dead]).max(initial=0.0) == 0.0
    # What is left still decides better than chance, without treeprune too.
    theirs = net.estimator_.to_sklearn()
    Z = model[:-1].transform(test)
    np.testing.assert_allclose(theirs.predict_proba(Z), model.predict_proba(test), atol=1e-12)
    assert roc_auc_score(t_test, theirs.predict_proba(Z)[:, 1]) > 0.6
    assert compression(path.model, net.estimator_).loc["ratio", "weights"] <= 0.01


def test_the_price_is_said_with_its_uncertainty():
    data = datasets.load_compas()
    X, y = data.data.drop(columns=data.excluded), data.target
    train, test, t, t_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    dense = pipeline(train, method="magnitude", strength=0.0)
    small = pipeline(train, method="backward_elimination", strength=0.0, max_columns=4)
    wreck = pipeline(train, method=METHODS["random"].with_options(fine_tune=0), strength=0.99)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for model in (dense, small, wreck):
            model.fit(train, t)
    assert verify(dense, small, test, t_test, margin=0.05).verdict == "non-inferior"
    assert verify(dense, wreck, test, t_test, margin=0.05).verdict == "worse"
    assert len(explain(small, train).unused()) == X.shape[1] - 4
