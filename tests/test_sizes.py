"""Sizes and speeds of networks before and after."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale
from sklearn.tree import DecisionTreeClassifier

from treeprune import SparseMLPClassifier, UnsupportedModelError, compression, prune


@pytest.fixture(scope="module")
def nets():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    dense = SparseMLPClassifier((64, 32), max_iter=10, n_iter_no_change=None, random_state=0)
    dense.fit(X, y)
    return dense, prune(dense, X, y, method="l1", max_weights=40), X


def test_counts_are_those_of_the_arrays(nets):
    dense, small = nets[:2]
    table = compression(dense, small)
    assert table.index.tolist() == ["before", "after", "ratio"]
    assert table.columns.tolist() == ["weights", "neurons", "inputs", "bytes"]
    assert table.loc["before"].tolist() == [30 * 64 + 64 * 32 + 32, 96, 30, 8 * (4000 + 97)]
    arrays = [*small.network_.weights, *small.network_.biases]
    assert (
        table.loc["after", "weights"] == sum((w != 0).sum() for w in small.network_.weights) <= 40
    )
    assert table.loc["after", "neurons"] == sum(small.hidden_layer_sizes)
    assert table.loc["after", "inputs"] == len(small.network_.inputs)
    assert table.loc["after", "bytes"] == 8 * sum(a.size for a in arrays)
    np.testing.assert_allclose(table.loc["ratio"], table.loc["after"] / table.loc["before"])


def test_dead_parts_do_not_count(nets):
    small = nets[1]
    theirs = small.to_sklearn()  # holds a row of zeros for every column that is not read
    table = compression(small, theirs)
    for name in ("weights", "neurons", "inputs"):
        assert table.loc["ratio", name] == 1, name
    assert table.loc["ratio", "bytes"] >= 1


def test_speed_is_asked_of_rows_given(nets):
    dense, small, X = nets
    table = compression(dense, small, X)
    assert (table["rows_per_second"] > 0).all()
    with pytest.raises(ValueError, match="no rows"):
        compression(dense, small, X[:0])


def test_other_models_are_refused(nets):
    _, small, X = nets
    tree = DecisionTreeClassifier().fit(X, X[:, 0] > 0)
    with pytest.raises(UnsupportedModelError, match="DecisionTreeClassifier"):
        compression(tree, small)
    assert compression(small.to_sklearn(), small).loc["ratio", "weights"] == 1
    assert isinstance(small.to_sklearn(), MLPClassifier)
