"""Which model columns are one raw column: labels by position, by name, from a fitted encoder."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)

from treeprune import FeatureMap, SparseMLPClassifier, prune, pruning_path

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "age": RNG.uniform(20, 70, 300),
        "inc": RNG.uniform(1, 9, 300),
        "city": RNG.choice(["Bonn", "Ulm", "Kiel"], 300),
        "z": RNG.normal(size=300),
    }
)
Y = (FRAME["age"] * FRAME["inc"] + 50 * (FRAME["city"] == "Ulm") > 230).astype(int).to_numpy()


def trained(prepare):
    Z = prepare.fit_transform(FRAME)
    net = SparseMLPClassifier((8,), max_iter=60, learning_rate_init=0.01, random_state=0)
    return Z, net.fit(Z, Y)


def moves(model, prepare, column):
    """Largest change of P when a raw column takes other rows' values."""
    other = FRAME.assign(**{column: FRAME[column].to_numpy()[::-1]})
    before, after = (model.predict_proba(prepare.transform(X)) for X in (FRAME, other))
    return np.abs(before - after).max()


@pytest.mark.parametrize(
    "number, groups",
    [
        (StandardScaler(), {"age", "inc", "city", "z"}),
        # What these make of which column is not known, only of which columns together.
        (SplineTransformer(n_knots=3), {"age & inc", "city", "z"}),
        (FunctionTransformer(np.log), {"age & inc", "city", "z"}),
        (PolynomialFeatures(2, include_bias=False), {"age & inc", "city", "z"}),
        (PCA(2), {"age & inc", "city", "z"}),
    ],
)
def test_all_that_is_made_of_a_raw_column_goes_with_it(number, groups):
    prepare = make_column_transformer(
        (make_pipeline(number, StandardScaler()), ["age", "inc"]),
        (OneHotEncoder(sparse_output=False), ["city"]),
        remainder=StandardScaler(),
    )
    Z, net = trained(prepare)
    labels = FeatureMap.of(prepare, FRAME).groups
    assert set(labels) == groups and len(labels) == Z.shape[1]
    for group in groups - {"z"}:
        small = prune(
            net, Z, Y, method="magnitude", feature_groups=labels, forbidden=[group], max_size=40
        )
        for column in FRAME:
            if column in group.split(" & "):
                assert moves(net, prepare, column) > 0.01, column
                assert moves(small, prepare, column) == 0.0, column
    path = pruning_path(net, Z, Y, method="backward_elimination", feature_groups=labels)
    assert path.counts["columns"].tolist() == list(range(len(groups), 0, -1))


def test_labels_by_name_and_by_position_are_the_same():
    Z = pd.DataFrame(RNG.normal(size=(80, 4)), columns=["a1", "b", "a2", "c"])
    net = SparseMLPClassifier((4,), max_iter=5, random_state=0).fit(Z, Z["a1"] > Z["b"])
    labels = ["a", "b", "a", "c"]
    named = dict(zip(Z.columns, labels))
    shuffled = pd.Series(named).iloc[[2, 0, 3, 1]]
    ways = [
        labels,
        np.array(labels),
        named,
        shuffled,
        pd.Series(labels),
        lambda names: [name[0] for name in names],
        lambda names: {name: name[0] for name in names},
    ]
    call = {"method": "backward_elimination", "random_state": 0}
    paths = [pruning_path(net, Z, Z["a1"] > Z["b"], feature_groups=w, **call) for w in ways]
    for path in paths:
        assert path.counts["columns"].tolist() == [3, 2, 1]
        np.testing.assert_array_equal(path.removed_at, paths[0].removed_at)
        np.testing.assert_array_equal(
            path.networks[-1].weights[0], paths[0].networks[-1].weights[0]
        )


@pytest.mark.parametrize(
    "groups, said",
    [
        ([["a1", "a2"], ["b", "c"]], "one label a column"),
        ([["a1", "a2"], ["b"], ["c"], []], "one label a column"),
        (["a", "b", None, "c"], "no label for column 2"),
        (["a", "b", np.nan, "c"], "no label for column 2"),
        (["a", "b"], "2 labels for 4 columns"),
        ({"a1": "a", "b": "b", "c": "c"}, "no label for the column 'a2'"),
        (pd.Series(["a", "b", "a", "c"], index=["w", "x", "y", "z"]), "index"),
        (lambda names: [["a1", "a2"], ["b", "c"]], "one label a column"),
    ],
)
def test_other_shapes_are_refused(groups, said):
    Z = pd.DataFrame(RNG.normal(size=(40, 4)), columns=["a1", "b", "a2", "c"])
    net = SparseMLPClassifier((4,), max_iter=5, random_state=0).fit(Z, Z["a1"] > 0)
    with pytest.raises(ValueError, match=said):
        pruning_path(net, Z, Z["a1"] > 0, method="magnitude", feature_groups=groups)


def test_names_are_needed_for_a_mapping():
    Z = RNG.normal(size=(40, 2))
    net = SparseMLPClassifier((4,), max_iter=5, random_state=0).fit(Z, Z[:, 0] > 0)
    with pytest.raises(ValueError, match="without names"):
        pruning_path(net, Z, Z[:, 0] > 0, method="magnitude", feature_groups={"a": "b"})
