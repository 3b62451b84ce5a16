"""SparseMLPClassifier and SparseMLPRegressor as estimators: contract, zeros, loggers, callbacks."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils.estimator_checks import parametrize_with_checks

from treeprune import SparseMLPClassifier, SparseMLPRegressor
from treeprune.training import losses

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NO_WEIGHT = "no row counts|at least one non-zero"  # ours, or scikit-learn's from 1.9 on
NEGATIVE = "[Nn]egative (?:values )?in (?:data passed to )?`?sample_weight"
HOLDOUT = "the validation part is drawn by rows: rows given twice change which are drawn"
DROPOUT = "neurons are left out row by row: a row given twice meets two draws"
WEIGHTS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
    "check_sample_weight_equivalence",  # the name in scikit-learn 1.6
)


def every_estimator():
    fast = {"learning_rate_init": 0.05}
    yield SparseMLPClassifier()
    yield SparseMLPRegressor()
    yield SparseMLPClassifier((), l1=0.01, polish=20, learning_rate="cosine")
    yield SparseMLPClassifier((6, 4), "tanh", l1=1e-3, early_stopping=True, **fast)
    yield SparseMLPRegressor(8, "logistic", dropout=0.1, dtype="float32", **fast)


def expected_failures(estimator):
    """Names of checks that cannot hold, with the reason."""
    if estimator.early_stopping:
        return dict.fromkeys(WEIGHTS, HOLDOUT)
    return dict.fromkeys(WEIGHTS, DROPOUT) if estimator.dropout else {}


@parametrize_with_checks(list(every_estimator()), expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few epochs of small tables
        check(estimator)


IRIS = load_iris(return_X_y=True)
X3, Y3 = scale(IRIS[0]), IRIS[1]
X2, Y2 = X3[50:], Y3[50:] - 1
NUMBERS = scale(IRIS[0][:, :3]), scale(IRIS[0][:, 2:])
QUICK = {"max_iter": 12, "learning_rate_init": 0.02, "random_state": 0}


def cases():
    """One small fit of every kind: kind, rows, targets."""
    return {
        "two classes": (SparseMLPClassifier, X2, Y2),
        "three classes": (SparseMLPClassifier, X3, np.array(["a", "é", "<b>"])[Y3]),
        "one target": (SparseMLPRegressor, NUMBERS[0], NUMBERS[1][:, 0]),
        "a column": (SparseMLPRegressor, NUMBERS[0], NUMBERS[1][:, :1]),
        "two targets": (SparseMLPRegressor, NUMBERS[0], NUMBERS[1]),
    }


every_case = pytest.mark.parametrize("kind, X, y", cases().values(), ids=list(cases()))


def said(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def some_mask(model):
    """Random, for a fitted model, and without one column."""
    rng = np.random.RandomState(3)
    mask = tuple(rng.rand(*w.shape) < 0.6 for w in model.coefs_)
    mask[0][1] = False
    return mask


def assert_masked(model, mask):
    """Zeros wherever the mask says so, no -0, and numbers elsewhere."""
    for w, m in zip(model.coefs_, mask, strict=True):
        assert (w[~m] == 0).all() and not np.signbit(w[~m]).any() and (w[m] != 0).any()


# ------------------------------------------------------------------------------- in company


def test_in_a_pipeline_and_a_search_over_l1():
    X, y = load_breast_cancer(return_X_y=True)
    network = SparseMLPClassifier((6,), learning_rate_init=0.02, max_iter=60, random_state=0)
    pipe = make_pipeline(StandardScaler(), network)
    grid = {"sparsemlpclassifier__l1": [0.0, 0.003, 0.3]}
    search = GridSearchCV(pipe, grid, scoring="neg_brier_score", cv=3).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert scores[2] < scores[:2].min() and search.best_score_ > -0.05
    zeros = [clone(pipe).set_params(**p).fit(X, y)[-1].network_.n_weights for p in (
        {"sparsemlpclassifier__l1": 0.003}, {"sparsemlpclassifier__l1": 0.3})]  # fmt: skip
    assert 0 == zeros[1] < zeros[0] < 200


@every_case
def test_predictions_follow_the_targets(kind, X, y):
    model = kind((8,), **{**QUICK, "max_iter": 200, "tol": 1e-6}).fit(X, y)
    assert model.predict(X).shape == y.shape and model.score(X, y) > 0.85
    assert model.decision_sums(X).shape == (len(X), model.network_.n_scores)
    if kind is SparseMLPClassifier:
        proba = model.predict_proba(X)
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
        assert (model.predict(X) == model.classes_[proba.argmax(axis=1)]).all()
        np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), proba)
        assert model.predict(X).dtype == y.dtype
    else:
        assert (model.predict(X).reshape(len(X), -1) == model.decision_sums(X)).all()
    assert model.n_iter_ == len(model.history_) and model.loss_ == model.history_[-1]["loss"]


@every_case
def test_a_seed_fixes_everything(kind, X, y):
    params = {**QUICK, "batch_size": 16, "dropout": 0.2, "l1": 1e-3}
    first, second = kind((8,), **params).fit(X, y), kind((8,), **params).fit(X, y)
    assert (said(first, X) == said(second, X)).all() and first.history_ == second.history_
    assert (said(first.fit(X, y), X) == said(second, X)).all()  # a fit does not lean on the last
    state = np.random.RandomState(0)
    params["random_state"] = state
    third = kind((8,), **params).fit(X, y)
    assert (said(third, X) == said(second, X)).all()
    assert (said(kind((8,), **params).fit(X, y), X) != said(second, X)).any()  # the state has moved
    assert (said(second, X) == said(pickle.loads(pickle.dumps(second)), X)).all()


def test_rows_of_every_kind_say_the_same():
    names = ["größe", "a,b", "=cmd()", "<i>"]
    frame = pd.DataFrame(X3, columns=names)
    model = SparseMLPClassifier((6,), **QUICK, batch_size=32)
    expected = clone(model).fit(X3, Y3).predict_proba(X3)
    for rows in (frame, pl.from_pandas(frame), sparse.csr_matrix(X3), sparse.csc_matrix(X3),
                 X3.tolist(), np.asfortranarray(X3)):  # fmt: skip
        fitted = clone(model).fit(rows, Y3)
        np.testing.assert_allclose(fitted.predict_proba(rows), expected, rtol=0, atol=1e-6)
    assert fitted.network_.feature_names is None
    named = clone(model).fit(frame, Y3)
    assert named.network_.feature_names == tuple(names) == tuple(named.feature_names_in_)
    with pytest.raises(ValueError, match="feature names"):
        named.predict(frame[names[::-1]])
    small = clone(model).fit(X3.astype(np.float32), Y3)
    np.testing.assert_allclose(small.predict_proba(X3), expected, atol=1e-5)


def test_edges():
    one = SparseMLPClassifier((3,), **QUICK).fit(X3, np.full(150, "only"))
    assert (one.predict(X3) == "only").all() and (one.predict_proba(X3) == 1).all()
    row = SparseMLPClassifier((3,), **QUICK).fit(X3[:1], ["x"])
    assert row.predict(X3[:2]).tolist() == ["x", "x"]
    row = SparseMLPRegressor((3,), "tanh", max_iter=500, n_iter_no_change=None, random_state=0)
    row.set_params(learning_rate_init=0.05).fit(X3[:1], [2.0])
    assert row.predict(X3[:1]) == pytest.approx([2.0], abs=0.1)
    still = np.column_stack([X3, np.zeros(150)])
    model = SparseMLPClassifier((4,), l1=1e-3, **QUICK).fit(still, Y3)
    assert (model.coefs_[0][4] == 0).all() and np.isfinite(model.predict_proba(still)).all()
    assert 4 not in model.compact().network_.inputs
    linear = SparseMLPClassifier((), **QUICK).fit(X2, Y2)
    assert [w.shape for w in linear.coefs_] == [(4, 1)] and len(linear.intercepts_) == 1


# ------------------------------------------------------------------------------- weights of rows


@every_case
def test_whole_weights_are_repeated_rows_and_zero_weights_are_none(kind, X, y):
    counts = np.random.RandomState(0).randint(3, size=len(X))
    counts[:2] = 1
    params = {**QUICK, "batch_size": 10**6, "dtype": "float64", "l1": 1e-3, "max_iter": 50}
    rows = np.repeat(np.arange(len(X)), counts)
    weighted = kind((6,), **params).fit(X, y, sample_weight=counts)
    repeated = kind((6,), **params).fit(X[rows], y[rows])
    kept = kind((6,), **params).fit(X[counts > 0], y[counts > 0], counts[counts > 0])
    for other in (repeated, kept):
        np.testing.assert_allclose(said(other, X), said(weighted, X), rtol=0, atol=1e-9)
        assert other.kkt_residual_ == pytest.approx(weighted.kkt_residual_, rel=1e-6)


def test_rows_without_weight_do_not_choose_how_to_train():
    X = np.vstack([X3, 9 * X3])  # 300 rows: more than a batch of 256, unless half do not count
    weight = np.repeat([1.0, 0.0], 150)
    weighted = SparseMLPClassifier((6,), **QUICK).fit(X, np.tile(Y3, 2), weight)
    assert (said(weighted, X3) == said(SparseMLPClassifier((6,), **QUICK).fit(X3, Y3), X3)).all()


def test_class_weights_are_sample_weights():
    shares = {0: 1.0, 1: 4.0, 2: 0.5}
    model = SparseMLPClassifier((4,), **QUICK)
    by_class = clone(model).set_params(class_weight=shares).fit(X3[20:], Y3[20:])
    by_row = clone(model).fit(X3[20:], Y3[20:], sample_weight=[shares[k] for k in Y3[20:]])
    np.testing.assert_allclose(said(by_class, X3), said(by_row, X3), rtol=0, atol=1e-12)
    balanced = clone(model).set_params(class_weight="balanced").fit(X3[20:], Y3[20:])
    share = 130 / 3 / np.bincount(Y3[20:])
    by_row = clone(model).fit(X3[20:], Y3[20:], sample_weight=share[Y3[20:]])
    np.testing.assert_allclose(said(balanced, X3), said(by_row, X3), rtol=0, atol=1e-12)
    one_class = [clone(model).partial_fit(X3, Y3, [0, 1, 2]) for _ in range(2)]
    one_class[0].set_params(class_weight={1: 5.0}).partial_fit(X3[:50], Y3[:50])  # class 0 only
    one_class[1].partial_fit(X3[:50], Y3[:50])
    assert (said(one_class[0], X3) == said(one_class[1], X3)).all()


# ------------------------------------------------------------------------------- zeros


@every_case
def test_the_mask_survives(kind, X, y):
    mask = some_mask(kind((6, 3), max_iter=1).fit(X, y))
    model = kind((6, 3), mask=mask, alpha=0.1, batch_size=16, **QUICK).fit(X, y)
    assert_masked(model, mask)
    again = clone(model)
    assert all((a == b).all() for a, b in zip(again.mask, mask)) and again.mask[0] is not mask[0]
    first = {"classes": np.unique(y)} if kind is SparseMLPClassifier else {}
    others = [
        again.fit(X, y),
        pickle.loads(pickle.dumps(model)),
        pickle.loads(pickle.dumps(model)).partial_fit(X, y),
        clone(model).partial_fit(X, y, **first),
        copy.deepcopy(model).set_params(warm_start=True, l1=1e-4, polish=5).fit(X, y),
        clone(model).set_params(early_stopping=True).fit(X, y),
    ]
    for other in others:
        assert_masked(other, mask)
    small = model.compact()
    assert 1 not in small.network_.inputs
    for _ in range(3):  # goes on on what is left
        kept = small.mask
        small.partial_fit(X, y)
        assert_masked(small, kept)
    assert_masked(small.set_params(warm_start=True).fit(X, y), kept)
    assert_masked(clone(small).set_params(warm_start=False).fit(X, y), kept)
    assert_masked(model.to_sklearn(), mask)


@every_case
@pytest.mark.parametrize("hidden", [(9,), (5, 4), ()])
def test_compact_is_the_same_model_smaller(kind, X, y, hidden):
    model = kind(hidden, l1=0.02, max_iter=60, learning_rate_init=0.05, random_state=0).fit(X, y)
    before = pickle.dumps(model)
    small = model.compact()
    np.testing.assert_allclose(said(small, X), said(model, X), rtol=0, atol=1e-12)
    assert pickle.dumps(model) == before and type(small) is kind
    assert small.hidden_layer_sizes == small.network_.hidden_layer_sizes
    assert small.predict(X).shape == y.shape and small.n_features_in_ == X.shape[1]
    counts, least = model.network_.counts(), small.network_.counts()
    assert {**counts, "bytes": 0} == {**least, "bytes": 0}
    assert hidden == () or least["bytes"] < counts["bytes"]


def test_a_penalty_leaves_zeros_only_where_it_acts():
    dense = SparseMLPClassifier((20,), **QUICK).fit(X3, Y3)
    assert all((w != 0).all() for w in dense.coefs_) and not hasattr(dense, "kkt_residual_")
    model = clone(dense).set_params(l1=0.02, max_iter=100).fit(X3, Y3)
    w = np.concatenate([w.ravel() for w in model.coefs_])
    assert 0.3 < np.mean(w == 0) < 1 and not np.signbit(w[w == 0]).any()
    assert all((b != 0).any() for b in model.intercepts_)
    assert not hasattr(model.set_params(l1=0.0).fit(X3, Y3), "kkt_residual_")


def test_what_counts_as_polishing():
    rough = SparseMLPClassifier((6,), "tanh", l1=0.01, learning_rate="cosine", **QUICK)
    fine = clone(rough).set_params(polish=300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fine.fit(X3, Y3).kkt_residual_ < 1e-3 * 0.01 + 1e-6
        clone(fine).set_params(learning_rate="constant").fit(X3, Y3)
    assert rough.fit(X3, Y3).kkt_residual_ > 0.1 * 0.01
    for clash in ({"dropout": 0.1}, {"early_stopping": True}):
        with pytest.raises(ValueError, match="polish=0 or both"):
            clone(fine).set_params(**clash).fit(X3, Y3)


# ------------------------------------------------------------------------------- when to stop


def test_early_stopping_watches_and_keeps_thresholded_weights():
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    model = SparseMLPRegressor(
        (30,), l1=0.003, early_stopping=True, validation_fraction=0.3, learning_rate_init=0.03,
        max_iter=400, random_state=1, batch_size=64,
    ).fit(X, y)  # fmt: skip
    watched = [row["validation_loss"] for row in model.history_]
    best = int(np.argmin(watched))
    assert 0 < best < model.n_iter_ - 1 and model.n_iter_ < 400
    zeros = np.mean(np.concatenate([w.ravel() for w in model.coefs_]) == 0)
    assert zeros == pytest.approx(model.history_[best]["zeros"]) and zeros > 0
    # The rows that were held out are those that the seed draws after the first weights.
    net, rng = model._start([10, 30, 1], False)
    _, held = model._split(net, X, y[:, None], np.ones(442), rng)
    assert losses(model.network_, held) == pytest.approx(watched[best], rel=1e-12)
    assert len(held) == 133


def test_when_training_ends():
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    model = SparseMLPRegressor((8,), learning_rate_init=0.02, tol=0.01, max_iter=300)
    assert model.fit(X, y).n_iter_ < 300
    assert clone(model).set_params(n_iter_no_change=None, max_iter=150).fit(X, y).n_iter_ == 150
    falls = clone(model).set_params(learning_rate="cosine").fit(X, y)
    assert falls.n_iter_ == 300 and falls.history_[-1]["learning_rate"] < 1e-5
    with pytest.warns(ConvergenceWarning, match="larger max_iter") as caught:
        clone(model).set_params(max_iter=2).fit(X, y)
    assert caught[0].filename == __file__


def test_dropout_trains_and_is_off_afterwards():
    model = SparseMLPClassifier((30,), dropout=0.4, **{**QUICK, "max_iter": 80}).fit(X3, Y3)
    plain = clone(model).set_params(dropout=0.0).fit(X3, Y3)
    assert (said(model, X3) == said(model, X3)).all() and model.score(X3, Y3) > 0.9
    assert np.abs(said(model, X3) - said(plain, X3)).max() > 1e-3
    assert model.loss_ > losses(model.network_, model._split(
        model.network_, X3, Y3[:, None] * 1.0, np.ones(150), None)[0])  # fmt: skip


# ------------------------------------------------------------------------------- going on


def test_partial_fit_is_an_epoch():
    y = np.array(["no", "yes", "é"])[Y3]
    model = SparseMLPClassifier((6,), **QUICK)
    with pytest.raises(ValueError, match="first call of partial_fit needs classes"):
        model.partial_fit(X3, y)
    model.partial_fit(X3[:50], y[:50], classes=["é", "yes", "no"])
    assert model.classes_.tolist() == ["no", "yes", "é"] and model.n_iter_ == 1
    for _ in range(60):
        model.partial_fit(X3, y)
    assert model.score(X3, y) > 0.9 and model.n_iter_ == 61
    assert [row["epoch"] for row in model.history_] == list(range(61))
    before = pickle.dumps(model.network_)
    for args, message in [
        ((X3, y, ["no", "yes"]), r"classes are \['no', 'yes'\], in the first call"),
        ((X3[:2], ["no", "maybe"]), "label 'maybe' is none of the classes"),
        ((X3[:2], [0, 1]), "label"),
        ((X3[:, :3], y), "3 features"),
        ((X3, y, None, np.zeros(150)), NO_WEIGHT),
        ((X3, y, None, -np.ones(150)), NEGATIVE),
    ]:
        with pytest.raises(ValueError, match=message):
            model.partial_fit(*args)
    assert pickle.dumps(model.network_) == before
    with pytest.raises(ValueError, match="class_weight='balanced' needs all rows"):
        model.set_params(class_weight="balanced").partial_fit(X3, y)
    several = SparseMLPRegressor((2,)).partial_fit(*NUMBERS)
    with pytest.raises(ValueError, match="y has 1 targets a row, before it had 2"):
        several.partial_fit(NUMBERS[0], NUMBERS[1][:, 0])


@every_case
def test_epochs_of_partial_fit_are_those_of_fit(kind, X, y):
    params = {**QUICK, "max_iter": 5, "batch_size": 32, "dtype": "float64"}
    whole = kind((4,), n_iter_no_change=None, **params).fit(X, y)
    parts = kind((4,), **params)
    first = {"classes": np.unique(y)} if kind is SparseMLPClassifier else {}
    for _ in range(5):
        parts.partial_fit(X, y, **first)
    np.testing.assert_allclose(said(parts, X), said(whole, X), rtol=0, atol=1e-12)
    assert [row["loss"] for row in parts.history_] == [row["loss"] for row in whole.history_]


def test_a_warm_start_goes_on():
    model = SparseMLPClassifier((5,), warm_start=True, n_iter_no_change=None, **QUICK)
    model.fit(X3, Y3)
    first = model.loss_
    longer = clone(model).set_params(max_iter=24).fit(X3, Y3)
    np.testing.assert_allclose(said(model.fit(X3, Y3), X3), said(longer, X3), rtol=0, atol=1e-12)
    assert model.loss_ < first and model.n_iter_ == 12
    state = pickle.dumps(model.network_)
    for change, args, message in [
        ({}, (X3[:, :3], Y3), "3 features"),
        ({}, (X2, Y2), "goes on with the classes"),
        ({"hidden_layer_sizes": (6,)}, (X3, Y3), r"\[4, 5, 3\].*\[4, 6, 3\]"),
        ({"activation": "tanh"}, (X3, Y3), "'relu', .* 'tanh'"),
    ]:
        with pytest.raises(ValueError, match=message):
            copy.deepcopy(model).set_params(**change).fit(*args)
    assert pickle.dumps(model.network_) == state
    assert said(model.set_params(warm_start=False).fit(X3[:, :3], Y3), X3[:, :3]).shape == (150, 3)


# ------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "params, message",
    [
        ({"max_iter": 0}, "max_iter"),
        ({"max_iter": 2.5}, "max_iter"),
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes must hold whole numbers"),
        ({"hidden_layer_sizes": (2.5,)}, r"\(\) is a linear model"),
        ({"hidden_layer_sizes": [[2, 3]]}, "hidden_layer_sizes"),
        ({"activation": "gelu"}, "activation"),
        ({"l1": -0.1}, "l1"),
        ({"l1": "auto"}, "l1"),
        ({"dropout": 1.0}, "dropout"),
        ({"learning_rate": "adaptive"}, "learning_rate"),
        ({"learning_rate_init": 0.0}, "learning_rate_init"),
        ({"learning_rate_init": 1e200}, "diverged in epoch"),
        ({"validation_fraction": 0.0, "early_stopping": True}, "validation_fraction"),
        ({"batch_size": 0}, "batch_size"),
        ({"polish": -1}, "polish"),
        ({"dtype": "float16"}, "dtype"),
        ({"mask": [np.ones((4, 4), bool)]}, "mask must hold boolean arrays of shapes"),
        ({"mask": [np.ones((4, 4)), np.ones((4, 3))]}, "mask must hold boolean arrays of shapes"),
        ({"mask": [np.ones((3, 4), bool), np.ones((4, 3), bool)]}, r"\(4, 4\), \(4, 3\)"),
        ({"class_weight": {7: 1.0}}, "class_weight"),
    ],
)
def test_parameters_that_cannot_be_used(params, message):
    with pytest.raises(ValueError, match=message):
        SparseMLPClassifier(**{"hidden_layer_sizes": (4,), "max_iter": 3, **params}).fit(X3, Y3)


def test_rows_that_cannot_be_used():
    for kind, early in [(k, e) for k in (SparseMLPClassifier, SparseMLPRegressor) for e in (0, 1)]:
        model = kind((2,), max_iter=2, early_stopping=bool(early))
        with pytest.raises(ValueError, match=NO_WEIGHT):
            model.fit(X3, Y3, sample_weight=np.zeros(150))
        with pytest.raises(ValueError, match=NEGATIVE):
            model.fit(X3, Y3, sample_weight=-np.ones(150))
        with pytest.raises(ValueError, match="NaN"):
            model.fit(np.where(X3 > 0, X3, np.nan), Y3)
        with pytest.raises(ValueError, match="inconsistent numbers"):
            model.fit(X3, Y3[:9])
    with pytest.raises(ValueError, match="continuous"):
        SparseMLPClassifier().fit(X3, Y3 + 0.5)
    with pytest.raises(NotFittedError):
        SparseMLPClassifier().predict(X3)
