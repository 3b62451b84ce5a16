"""PrunedClassifier and PrunedRegressor over networks: contract, choice of the step, searches."""

from __future__ import annotations

import pickle
import warnings
from types import SimpleNamespace

import joblib
import laws
import naive_pruning
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, KFold, PredefinedSplit, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, scale
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import has_fit_parameter

from treeprune import (
    METHODS,
    PrunedClassifier,
    PrunedRegressor,
    SparseMLPClassifier,
    SparseMLPRegressor,
    UnsupportedModelError,
    native,
    pruning_path,
    pruning_strengths,
)
from treeprune.datasets import load_german_credit
from treeprune.scoring import MOST_STEPS
from treeprune.selection import aligned_steps

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FAST = {"max_iter": 15, "learning_rate_init": 0.05, "random_state": 0}
NETS = {
    SparseMLPClassifier: SparseMLPClassifier((4,), **FAST),
    SparseMLPRegressor: SparseMLPRegressor((4,), **FAST),
    MLPClassifier: MLPClassifier((4,), **FAST),
    MLPRegressor: MLPRegressor(hidden_layer_sizes=(4,), **FAST),
}
CANCER = scale(load_breast_cancer().data[::3, :6]), load_breast_cancer().target[::3]
DIABETES = scale(load_diabetes().data[::3]), scale(load_diabetes().target[::3])
IRIS = scale(load_iris().data), load_iris().target
NO_WEIGHTS = "the networks of scikit-learn before 1.7 take no weights"
WEIGHTS = (
    "check_sample_weights_pandas_series",
    "check_sample_weights_not_an_array",
    "check_sample_weights_list",
    "check_sample_weights_shape",
    "check_sample_weights_not_overwritten",
    "check_sample_weight_equivalence_on_dense_data",
    "check_classifiers_one_label_sample_weights",
)


def row(name, **options):
    """A method with a short schedule."""
    levels = {"levels": (0.3, 0.6, 0.9)} if "levels" in METHODS[name].options else {"steps": 4}
    return METHODS[name].with_options(**{**levels, "fine_tune": 2, **options})


def reads(model):
    """Columns of X that a pruned network reads."""
    return set(np.flatnonzero(model.estimator_.coefs_[0].any(axis=1)).tolist())


# ----------------------------------------------------------------------------- contract


def every_estimator():
    for model in NETS.values():
        kind = PrunedClassifier if hasattr(model, "predict_proba") else PrunedRegressor
        yield kind(model, method=row("magnitude"), strength=0.65)
    own, theirs = NETS[SparseMLPClassifier], NETS[MLPClassifier]
    yield PrunedClassifier(own, method=row("magnitude"))
    yield PrunedRegressor(NETS[SparseMLPRegressor], method=row("l1"), strength=0.5)
    yield PrunedClassifier(theirs, method=row("gradient"), granularity="neurons", strength=0.5)
    yield PrunedClassifier(own, method="backward_elimination", strength="best", cv=3)


def expected_failures(estimator):
    """Names of checks that cannot hold, with the reason."""
    if has_fit_parameter(estimator.estimator, "sample_weight"):
        return {}
    return dict.fromkeys(WEIGHTS, NO_WEIGHTS)


@parametrize_with_checks(list(every_estimator()), expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few epochs of tiny tables, folds that lack classes
        check(estimator)


def data_of(kind):
    return DIABETES if "Regressor" in kind.__name__ else CANCER


def wrapper_of(kind):
    return PrunedRegressor if "Regressor" in kind.__name__ else PrunedClassifier


@pytest.mark.parametrize("kind", list(NETS))
@pytest.mark.parametrize("seed", [3, None, "state"])
def test_the_result_is_a_step_of_the_path_of_the_plain_fit(kind, seed):
    X, y = data_of(kind)
    base = clone(NETS[kind]).set_params(random_state=None if seed else 5)
    given = np.random.RandomState(8) if seed == "state" else seed
    model = wrapper_of(kind)(base, method=row("random"), strength=0.5, random_state=given).fit(X, y)
    if seed == "state":
        seed = int(np.random.RandomState(8).randint(np.iinfo(np.int32).max))
    plain = clone(base)
    if plain.random_state is None:
        plain.set_params(random_state=seed)
    plain.fit(X, y)
    path = pruning_path(plain, X, y, method=row("random"), random_state=seed)
    np.testing.assert_array_equal(model.path_.removed_at, path.removed_at)
    np.testing.assert_array_equal(model.path_.risk, path.risk)
    assert model.step_ == path.step_for(strength=0.5) == model.path_.chosen > 0
    assert model.strength_ == path.strength[model.step_]
    laws.assert_same_predictions(model, path.cut(model.step_), X)
    laws.assert_same_predictions(model.path_.cut(0), plain, X)
    assert type(model.estimator_) is kind and model.estimator_ is not base
    assert not hasattr(base, "coefs_"), "the estimator given has been fitted"
    counts = native.read_network(model.estimator_).counts()
    for ours, name in (("weights", "weights"), ("neurons", "neurons"), ("columns", "inputs")):
        assert path.counts[ours][model.step_] == counts[name]


@pytest.mark.parametrize("kind", list(NETS))
def test_fitted_estimators_pickle_and_clone(kind):
    X, y = data_of(kind)
    model = wrapper_of(kind)(NETS[kind], method=row("fisher"), strength="best", cv=2).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    laws.assert_same_predictions(model, again, X)
    np.testing.assert_array_equal(again.path_.step_score, model.path_.step_score)
    laws.assert_same_predictions(model, clone(model).fit(X, y), X)
    assert clone(model).method is model.method  # of which nothing changes
    deeper = clone(model).set_params(estimator__hidden_layer_sizes=(3, 2))
    assert len(deeper.fit(X, y).path_.networks[0].weights) == 3
    assert "estimator__activation" in model.get_params()
    # The schedule, not the insides of the method, is what people read.
    said = repr(PrunedClassifier(method=METHODS["fisher"].with_options(steps=5, fine_tune=2)))
    assert "METHODS['fisher'].with_options(steps=5, fine_tune=2)" in said


def test_three_classes_of_words_in_a_frame():
    X, y = IRIS
    frame = pd.DataFrame(X, columns=["größe", "b c", "<d>", "用途"])
    words = np.array(["a", "é", "<b>"])[y]
    model = PrunedClassifier(
        SparseMLPClassifier((8,), max_iter=60, learning_rate_init=0.03, random_state=0),
        method="magnitude", strength=0.6,
    ).fit(frame, words)  # fmt: skip
    assert model.classes_.tolist() == ["<b>", "a", "é"] and model.score(frame, words) > 0.85
    assert model.feature_names_in_.tolist() == list(frame) and model.n_features_in_ == 4
    proba = model.predict_proba(frame)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(frame)), proba)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[list(frame)[::-1]])


def test_two_targets():
    X, y = DIABETES[0][:, :4], DIABETES[0][:, 4:6]
    model = PrunedRegressor(NETS[SparseMLPRegressor], method=row("magnitude"), cv=3).fit(X, y)
    assert model.predict(X).shape == y.shape and np.isfinite(model.path_.step_score).all()


# ----------------------------------------------------------------------------- the chosen step


def by_hand(model, X, y, splits, scoring, **weights):
    """Scores by fold and step: refit, prune, find the step of nearest share, ask scikit-learn."""
    whole, rows = model.path_, []
    total = len(whole.removed_at)
    wanted = [1 - s / total for s in whole.size]
    for train, test in splits:
        grown = clone(model.estimator).fit(
            X[train], y[train], **{k: v[train] for k, v in weights.items()}
        )
        path = pruning_path(
            grown,
            X[train],
            y[train],
            method=model.method,
            granularity=model.granularity,
            forbidden=model.forbidden,
            random_state=model.random_state,
            **{k: v[train] for k, v in weights.items()},
        )
        own = [1 - s / len(path.removed_at) for s in path.size]
        at = [0, *naive_pruning.nearest(wanted[1:], own)]
        held = {k: v[test] for k, v in weights.items()}
        rows.append([get_scorer(scoring)(path.cut(step), X[test], y[test], **held) for step in at])
    return np.array(rows)


@pytest.mark.parametrize(
    "kind, method, granularity, scoring, forbidden",
    [
        (SparseMLPClassifier, "magnitude", None, "neg_brier_score", None),
        (SparseMLPClassifier, "magnitude", "neurons", "neg_log_loss", [0]),
        (SparseMLPClassifier, "l1", None, "roc_auc", None),
        (MLPClassifier, "backward_elimination", None, "accuracy", [2, 3]),
        (MLPRegressor, "fisher", "inputs", "r2", None),
        (SparseMLPRegressor, "gradient", None, "neg_mean_absolute_error", None),
    ],
)
def test_scores_equal_refitting_in_every_fold(kind, method, granularity, scoring, forbidden):
    X, y = data_of(kind)
    cv = StratifiedKFold(3) if wrapper_of(kind) is PrunedClassifier else KFold(3)
    options = {"method": row(method, fine_tune=3), "granularity": granularity}
    model = wrapper_of(kind)(
        NETS[kind], **options, forbidden=forbidden, scoring=scoring, cv=cv, random_state=1
    ).fit(X, y)
    path, scores = model.path_, by_hand(model, X, y, cv.split(X, y), scoring)
    np.testing.assert_allclose(path.step_score, scores.mean(axis=0), rtol=1e-9)
    se = scores.std(axis=0, ddof=1) / np.sqrt(3)
    np.testing.assert_allclose(path.step_score_se, se, rtol=1e-7, atol=1e-12)
    first = 0 if forbidden is None else 1
    # "auto" is one_se.
    score = scores.mean(axis=0)
    best = np.flatnonzero(score >= score.max() - 1e-12)[-1]
    one_se = np.flatnonzero(score >= score[best] - se[best] - 1e-12)[-1]
    assert model.step_ == max(one_se, first)
    for strength, step in (("best", best), ("one_se", one_se)):
        again = clone(model).set_params(strength=strength).fit(X, y)
        assert again.step_ == max(step, first)
    frame = path.to_frame()
    assert frame.score.notna().all() and frame.columns[-1] in ("weights", "l1", "forbidden")


shares = st.lists(st.integers(1, 40), min_size=1, max_size=8, unique=True).map(
    lambda sizes: np.array(sorted(sizes, reverse=True))
)


@given(shares, shares, st.sampled_from([0, 1, 25]))
def test_folds_are_aligned_at_the_nearest_share(sizes, fold_sizes, dead):
    total = int(max(sizes[0], fold_sizes[0])) + dead

    def path(size):
        strength = np.concatenate([[-np.inf], 1 - size[1:] / total])
        return _Path(size=size, strength=strength, removed_at=np.zeros(total))

    whole, fold = path(sizes), path(fold_sizes)
    got = aligned_steps(whole, fold, METHODS["magnitude"])
    expected = naive_pruning.nearest(1 - sizes / total, 1 - fold_sizes / total)
    assert got.tolist() == [0, *expected[1:]]  # the model as trained answers for itself


class _Path(SimpleNamespace):
    trees = None  # a network's

    def __len__(self):
        return len(self.size)


def test_a_path_answers_for_itself():
    X, y = CANCER
    model = NETS[SparseMLPClassifier]
    for options in ({}, {"forbidden": [1]}, {"granularity": "neurons", "forbidden": [1]}):
        path = pruning_path(clone(model).fit(X, y), X, y, method=row("fisher"), **options)
        assert aligned_steps(path, path, METHODS["fisher"]).tolist() == list(range(len(path)))


@pytest.mark.parametrize("strength", [0.0, 0.2, 0.5, 0.97, 1.0, 30])
def test_a_number_is_a_share_and_needs_no_folds(strength):
    X, y = CANCER
    model = PrunedClassifier(NETS[SparseMLPClassifier], method="magnitude", strength=strength)
    model.fit(X, y)
    share = 1 - model.path_.size[model.step_] / 28
    later = model.path_.size[model.step_ + 1 :]
    assert share <= strength and all(1 - size / 28 > strength for size in later)
    assert model.path_.step_score is None
    assert model.estimator_.network_.n_weights == model.path_.size[model.step_]


def test_one_split_has_a_best_step_but_no_standard_error():
    X, y = CANCER
    held = PredefinedSplit(np.where(np.arange(len(y)) % 4, -1, 0))
    model = PrunedClassifier(NETS[SparseMLPClassifier], method=row("magnitude"), cv=held)
    assert model.set_params(strength="best").fit(X, y).step_ >= 0
    with pytest.raises(ValueError, match="one_se needs the spread over at least two splits"):
        model.set_params(strength="auto").fit(X, y)


def test_other_scores_are_asked_on_at_most_200_steps():
    X, y = IRIS
    net = SparseMLPClassifier((60,), **FAST).fit(X, y)
    many = METHODS["random"].with_options(levels=np.linspace(0.01, 0.95, 230), fine_tune=0)
    path = pruning_path(net, X, y, method=many)
    assert len(path) > MOST_STEPS
    asked = path.score(X, y, scoring="roc_auc_ovr").score.notna()
    assert asked.sum() <= MOST_STEPS and asked.iloc[0] and asked.iloc[-1]
    assert path.score(X, y).score.notna().all()


def test_a_fold_that_lacks_a_class():
    X, y = IRIS
    folds = [(np.arange(100), np.arange(100, 150)), (np.arange(50, 150), np.arange(50))]
    model = PrunedClassifier(
        NETS[SparseMLPClassifier], method=row("magnitude"), cv=folds, strength="best"
    ).fit(X, y)
    # Nobody knows the held-out class: the Brier loss is 1 + the sum of squares.
    assert (model.path_.step_score <= -1.5).all() and len(model.classes_) == 3
    assert np.isfinite(model.path_.step_score).all()


def test_an_error_in_a_fold_names_the_fold():
    X, y = CANCER
    # Rows of one class need no weight: the penalty takes them all.
    base = SparseMLPClassifier((4,), l1=0.01, **FAST)
    few = np.flatnonzero(y == 1)[:20]
    folds = [(np.arange(100), np.arange(100, len(y))), (few, np.arange(50))]
    model = PrunedClassifier(base, method=row("magnitude"), cv=folds)
    with pytest.raises(ValueError, match=r"fold 1 \(20 rows .* the network reads no column"):
        model.fit(X, y)
    assert not hasattr(model, "path_")


def test_folds_in_parallel():
    X, y = CANCER
    model = PrunedClassifier(NETS[MLPClassifier], method=row("random"), cv=3, random_state=0)
    one = clone(model).fit(X, y)
    with joblib.parallel_config("threading"):
        two = clone(model).set_params(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(one.path_.step_score, two.path_.step_score)


# ----------------------------------------------------------------------------- wishes


@pytest.mark.parametrize("strength", ["auto", "best", 0.0])
@pytest.mark.parametrize("granularity", ["weights", "neurons", "inputs"])
def test_forbidden_columns_are_never_read(strength, granularity):
    X, y = CANCER
    model = PrunedClassifier(
        NETS[SparseMLPClassifier],
        method=row("magnitude"),
        granularity=granularity,
        strength=strength,
        forbidden=[0, 3],
        cv=2,
    ).fit(X, y)
    assert model.step_ >= 1 and not reads(model) & {0, 3}
    alike = X.copy()
    alike[:, [0, 3]] = 99.0
    np.testing.assert_array_equal(model.predict_proba(alike), model.predict_proba(X))
    assert set(model.path_.counts["forbidden"][1:]) == {0}


def test_required_columns_stay_whatever_the_strength():
    X, y = CANCER
    for granularity in ("weights", "neurons", "inputs"):
        model = PrunedClassifier(
            NETS[MLPClassifier], method=row("random"), granularity=granularity, strength=1.0,
            never_prune=[1, 4],
        ).fit(X, y)  # fmt: skip
        assert {1, 4} <= reads(model) and model.step_ == len(model.path_) - 1 > 0


@pytest.mark.parametrize("kind", list(NETS))
def test_budgets_hold_whatever_was_chosen(kind):
    X, y = data_of(kind)
    for strength in (0.0, "best"):
        model = wrapper_of(kind)(
            NETS[kind], method=row("magnitude", levels=None, steps=8), strength=strength, cv=2
        )
        for name, most in (("columns", 3), ("neurons", 2), ("weights", 9), ("size", 9)):
            small = clone(model).set_params(**{f"max_{name}": most}).fit(X, y)
            counts = native.read_network(small.estimator_).counts()
            counts = {**counts, "columns": counts["inputs"], "size": counts["weights"]}
            assert counts[name] <= most
            count = {"size": small.path_.size, **small.path_.counts}[name]
            assert small.step_ >= naive_pruning.within(count, most)
            if strength == 0.0:
                assert small.step_ == naive_pruning.within(count, most)
        both = clone(model).set_params(max_columns=3, max_weights=9).fit(X, y)
        assert len(reads(both)) <= 3
    with pytest.raises(ValueError, match="no step has at most 1 weights; sizes go from"):
        clone(model).set_params(max_weights=1).fit(X, y)


def test_at_most_so_many_columns_of_a_tree():
    X, y = CANCER
    groups = ["a", "a", "b", "b", "c", "c"]
    for most in (1, 2):
        model = PrunedClassifier(strength=0.0, max_columns=most, feature_groups=groups).fit(X, y)
        used = {groups[f] for f in model.estimator_.tree_.feature if f >= 0}
        before = model.path_.cut(model.step_ - 1).tree_.feature
        assert 0 < len(used) <= most < len({groups[f] for f in before if f >= 0})


# ----------------------------------------------------------------------------- weights


@pytest.mark.parametrize("kind", list(NETS))
def test_weights_reach_growing_pruning_and_scoring(kind):
    if not has_fit_parameter(NETS[kind], "sample_weight"):
        pytest.skip(NO_WEIGHTS)
    X, y = data_of(kind)
    w = np.random.RandomState(0).choice([0.0, 1.0, 2.5], len(y))
    method = row("gradient", fine_tune=3)
    cv = KFold(3, shuffle=True, random_state=0)
    model = wrapper_of(kind)(NETS[kind], method=method, cv=cv, random_state=0)
    model.fit(X, y, sample_weight=w)
    grown = clone(NETS[kind]).fit(X, y, sample_weight=w)
    path = pruning_path(grown, X, y, method=method, sample_weight=w, random_state=0)
    np.testing.assert_array_equal(model.path_.removed_at, path.removed_at)
    np.testing.assert_array_equal(model.path_.risk, path.risk)
    scoring = "r2" if wrapper_of(kind) is PrunedRegressor else "neg_brier_score"
    scores = by_hand(model, X, y, cv.split(X), scoring, sample_weight=w)
    np.testing.assert_allclose(model.path_.step_score, scores.mean(axis=0), rtol=1e-9)


def test_rows_without_weight_are_not_there():
    X, y = CANCER
    w = np.random.RandomState(0).choice([0.0, 1.0, 2.5], len(y))
    model = PrunedClassifier(NETS[SparseMLPClassifier], method=row("l1"), strength=0.5)
    a = clone(model).fit(X, y, sample_weight=w)
    b = clone(model).fit(X[w > 0], y[w > 0], sample_weight=w[w > 0])
    np.testing.assert_array_equal(a.path_.removed_at, b.path_.removed_at)
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


@pytest.mark.parametrize("class_weight", ["balanced", {0: 6.0, 1: 1.0}])
def test_class_weights_of_the_network_count_in_pruning(class_weight):
    X, y = CANCER
    base = clone(NETS[SparseMLPClassifier]).set_params(class_weight=class_weight)
    model = PrunedClassifier(base, method=row("magnitude"), strength=0.5).fit(X, y)
    share = len(y) / (2 * np.bincount(y)) if class_weight == "balanced" else np.array([6.0, 1.0])
    plain = PrunedClassifier(NETS[SparseMLPClassifier], method=row("magnitude"), strength=0.5)
    plain.fit(X, y, sample_weight=share[y])
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))
    assert model.path_.risk[0] != plain.fit(X, y).path_.risk[0]


# ----------------------------------------------------------------------------- refusals


def refuse(call, error, *says):
    with pytest.raises(error) as caught:
        call()
    for piece in says:
        assert piece in str(caught.value), f"{piece!r} is not said in: {caught.value}"


NET, TREE = SparseMLPClassifier((4,), **FAST), DecisionTreeClassifier()


@pytest.mark.parametrize(
    "estimator, params, says",
    [
        (NET, {}, ["cost_complexity is not a method for networks", "magnitude", "l1"]),
        (NET, {"method": "reduced_error"}, ["reduced_error is not a method for networks"]),
        (TREE, {"method": "magnitude"}, ["magnitude is not a method for trees", "pessimistic"]),
        (NET, {"method": "fisher", "risk": "brier"}, ["not for a SparseMLPClassifier: risk"]),
        (NET, {"method": "fisher", "cost_matrix": np.eye(2)}, ["cost_matrix"]),
        (TREE, {"granularity": "weights"}, ["not for a DecisionTreeClassifier: granularity"]),
        (TREE, {"forbidden": [0]}, ["not for a DecisionTreeClassifier: forbidden"]),
        (
            TREE,
            {"max_neurons": 3, "strength": 0.1},
            ["not for a DecisionTreeClassifier: max_neurons"],
        ),
        (NET, {"method": "l1", "granularity": "neurons"}, ["l1 cannot remove 'neurons'"]),
        (NET, {"method": "l1", "never_prune": [0]}, ["never_prune is not possible with l1"]),
        (NET, {"method": "fisher", "granularity": "rows"}, ["granularity", "'weights'", "'rows'"]),
        (NET, {"method": "fisher", "max_columns": 0}, ["max_columns", "Got 0"]),
        (NET, {"method": "fisher", "max_weights": 1.5}, ["max_weights", "Got 1.5"]),
        (NET, {"method": "fisher", "feature_groups": 3}, ["feature_groups", "Got 3"]),
        (NET, {"method": "fisher", "forbidden": 3}, ["forbidden", "Got 3"]),
        (NET, {"method": "fisher", "forbidden": ["age"]}, ["forbidden names 'age'", "0, 1, 2"]),
        (NET, {"method": "fisher", "forbidden": [0], "never_prune": [0]}, ["0: both never"]),
        (NET, {"method": "fisher", "forbidden": range(6)}, ["no column is left"]),
        (NET, {"method": "fisher", "feature_groups": ["a"]}, ["1 labels for 6 columns"]),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_trace(estimator, params, says):
    X, y = CANCER
    model = PrunedClassifier(estimator, **{"strength": 0.5, **params})
    refuse(lambda: model.fit(X, y), ValueError, *says)
    assert not hasattr(model, "estimator_") and not hasattr(model, "path_")


def test_models_that_are_no_network_to_prune():
    X, y = CANCER
    several = PrunedClassifier(MLPClassifier((3,), **FAST), method="magnitude", strength=0.5)
    refuse(lambda: several.fit(X, np.c_[y, 1 - y]), UnsupportedModelError, "several labels a row")
    if "loss" in MLPRegressor().get_params():  # from scikit-learn 1.7 on
        counts = MLPRegressor(hidden_layer_sizes=(3,), loss="poisson", **FAST)
        counts = PrunedRegressor(counts, method="magnitude", strength=0.5)
        refuse(lambda: counts.fit(X, y), UnsupportedModelError, "'poisson'", "squared errors")
    linear = PrunedClassifier(LogisticRegression(), method="magnitude")
    refuse(lambda: linear.fit(X, y), UnsupportedModelError, "LogisticRegression")
    booster = PrunedClassifier(LGBMClassifier(verbose=-1), method="magnitude")
    refuse(lambda: booster.fit(X, y), ValueError, "not a method for boosters", "sequential")
    wrong = PrunedRegressor(NET, method="magnitude")
    refuse(lambda: wrong.fit(X, y), ValueError, "is a classifier; use PrunedClassifier")


# ----------------------------------------------------------------------------- searches


def raw_columns(names):
    """The column of the table that each column of the transformer comes from."""
    known = sorted(load_german_credit(return_X_y=True)[0].columns, key=len, reverse=True)
    bare = [name.partition("__")[2] for name in names]
    return [next(raw for raw in known if name.startswith(raw)) for name in bare]


def german_pipeline(**params):
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (one_hot, make_column_selector(dtype_include="category")), remainder=StandardScaler()
    ).set_output(transform="pandas")
    net = SparseMLPClassifier((6,), max_iter=12, learning_rate_init=0.02, random_state=0)
    method = METHODS["magnitude"].with_options(steps=4, fine_tune=2)
    params = {"method": method, "strength": 0.5, "feature_groups": raw_columns, **params}
    return make_pipeline(columns, PrunedClassifier(net, **params, random_state=0))


@pytest.fixture(scope="module")
def german():
    return load_german_credit(return_X_y=True)


def test_searches_inside_a_pipeline(german):
    X, y = german
    pipe, step = german_pipeline(), "prunedclassifier__"
    encoded = pipe[:-1].fit_transform(X)
    base = pipe[-1]
    grid = pruning_strengths(base.estimator, encoded, y, method=base.method, n=3)
    searched = [
        {f"{step}strength": grid, f"{step}estimator__l1": [0.0, 0.003]},
        {f"{step}max_columns": [4, 8]},
        {f"{step}method": [row("gradient"), row("l1", fine_tune=4)]},
        {f"{step}method": [row("backward_elimination")], f"{step}strength": [0.4, 0.95]},
    ]
    search = GridSearchCV(pipe, searched, cv=2, scoring="roc_auc", error_score="raise").fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == 2 * len(grid) + 6 and len(grid) == 3
    assert (scores > 0.45).all() and search.best_score_ > 0.7
    # Every candidate is what fitting it alone gives.
    for k in (0, 7, 11):
        folds = StratifiedKFold(2).split(X, y)
        alone = [
            get_scorer("roc_auc")(
                clone(pipe).set_params(**search.cv_results_["params"][k]).fit(
                    X.iloc[train], y.iloc[train]
                ),
                X.iloc[test],
                y.iloc[test],
            )
            for train, test in folds
        ]  # fmt: skip
        assert np.mean(alone) == pytest.approx(scores[k], rel=1e-12)
    best = search.best_estimator_[-1]
    assert best.path_.chosen == best.step_
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))


def test_a_credit_network_reads_few_raw_columns_and_not_those_forbidden(german):
    X, y = german
    pipe = german_pipeline(
        method=METHODS["backward_elimination"].with_options(fine_tune=1),
        strength=0.0,
        max_columns=5,
        forbidden=["age", "foreign_worker", "personal_status"],
        never_prune=["purpose"],
    ).fit(X, y)
    model = pipe[-1]
    raw = np.array(raw_columns(model.feature_names_in_))
    read = set(raw[sorted(reads(model))])
    assert "purpose" in read and len(read) == 5
    assert not read & {"age", "foreign_worker", "personal_status"}
    # A raw column goes with all its indicators.
    used = model.estimator_.coefs_[0].any(axis=1)
    for column in set(raw):
        assert len(set(used[raw == column])) == 1 or column == "purpose"
    assert pipe.score(X, y) > 0.65
    counts = model.path_.counts
    assert counts["columns"][0] == X.shape[1] == counts["columns"][1] + 3
    assert (np.diff(counts["columns"][1:]) == -1).all() and counts["columns"][-1] == 1


def test_the_default_choice_on_credit_is_smaller_and_as_good(german):
    X, y = german
    pipe = german_pipeline(strength="auto", cv=3).fit(X, y)
    model = pipe[-1]
    path, score = model.path_, model.path_.step_score
    assert path.scoring == "neg_brier_score" and model.step_ > 0
    assert score[model.step_] >= score.max() - path.step_score_se[score.argmax()]
    assert path.size[model.step_] < path.size[0] / 2
    assert set(path.to_frame()) >= {"columns", "neurons", "weights", "score", "score_se"}
