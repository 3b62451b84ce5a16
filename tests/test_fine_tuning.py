"""What fine-tuning takes from the model's own training, and what is said when that was short."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from treeprune import METHODS, PrunedClassifier, SparseMLPClassifier, native, prune, pruning_path

NOISY = make_classification(400, 30, n_informative=3, random_state=2, flip_y=0.35)


@pytest.mark.parametrize("kind", [SparseMLPClassifier, MLPClassifier])
def test_a_model_that_stops_early_is_not_overfitted_by_fine_tuning(kind):
    X, y = NOISY
    settings = {"max_iter": 400, "n_iter_no_change": 5, "learning_rate_init": 0.01}
    losses = {}
    for early in (True, False):
        net = kind((64,), early_stopping=True, random_state=0, **settings)
        net.fit(X[:200], y[:200]).set_params(early_stopping=early)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            path = pruning_path(net, X[:200], y[:200], method="magnitude")
        losses[early] = [log_loss(y[200:], p[:, 1]) for p in path.staged_predict_proba(X[200:])]
    # The same network, the same rows: only rows held out for stopping differ.
    assert max(losses[False]) > losses[False][0] + 0.5
    assert max(losses[True]) < losses[True][0] + 0.25


def test_rates_of_other_solvers_are_not_rates_of_adam():
    for solver, rate in (("sgd", 0.001), ("lbfgs", 0.001), ("adam", 0.5)):
        model = MLPClassifier(solver=solver, learning_rate_init=0.5)
        assert native.training(model, 100)["learning_rate"] == rate


def test_what_the_first_steps_learn_beyond_the_model_is_said():
    X, y = NOISY
    net = SparseMLPClassifier((16,), n_iter_no_change=None, random_state=0)
    with pytest.warns(ConvergenceWarning, match="cannot be told from what training changes"):
        pruning_path(net.set_params(max_iter=30).fit(X, y), X, y, method="random")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        none = METHODS["magnitude"].with_options(fine_tune=0)
        pruning_path(net, X, y, method=none)
        linear = net.set_params(hidden_layer_sizes=(), max_iter=400, learning_rate_init=0.05)
        pruning_path(linear.fit(X, y), X, y, method="magnitude")  # is at its minimum


def test_a_budget_out_of_reach_says_how_to_reach_it():
    X, y = NOISY
    net = SparseMLPClassifier((60, 20), max_iter=5, n_iter_no_change=None, random_state=0).fit(X, y)
    short = METHODS["magnitude"].with_options(fine_tune=0)
    with pytest.raises(ValueError, match=r"with_options\(final=0.9999\)"):
        prune(net, X, y, method=short, max_weights=3)
    small = prune(net, X, y, method=short.with_options(final=0.9999), max_weights=3)
    assert small.network_.n_weights == 3  # a single path


@pytest.mark.parametrize(
    "word", [{"granularity": "neurons"}, {"forbidden": [0]}, {"max_neurons": 3}, {"max_weights": 9}]
)
def test_words_of_networks_are_refused_for_trees_before_anything_is_fitted(word):
    class Untouched(np.ndarray):
        def __getitem__(self, key):
            raise AssertionError("rows were looked at")

    X, y = NOISY
    with pytest.raises(ValueError, match=f"not for a DecisionTreeClassifier: {next(iter(word))}"):
        PrunedClassifier(**word).fit(X.view(Untouched), y)
