"""Ordinary use on unusual input: kinds of targets, frames, weights, folds, scorers, searches."""

from __future__ import annotations

import inspect
import pickle
import warnings

import joblib
import laws
import naive
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import strategies
from laws import TREE_METHODS
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import fbeta_score, get_scorer, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    LeaveOneGroupOut,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    export_text,
)

from treeprune import (
    PrunedClassifier,
    PrunedRegressor,
    PrunedToRootWarning,
    PrunedTreeClassifier,
    PrunedTreeRegressor,
    cost_decision,
    native,
    prune,
    pruning_path,
    pruning_strengths,
    shrink,
)
from treeprune.datasets import load_german_credit

CLASSIFIERS = [PrunedClassifier, PrunedTreeClassifier]
REGRESSORS = [PrunedRegressor, PrunedTreeRegressor]
HOLDOUT = [name for name, row in TREE_METHODS.items() if row.needs_holdout]
quiet = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")


def forest(**params):
    return RandomForestClassifier(**{"n_estimators": 3, "random_state": 0, **params})


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return X[::2, :8], y[::2]


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return X[order], y[order]


def with_gaps(X, seed=0, share=0.2):
    out = X.copy()
    out[np.random.default_rng(seed).random(X.shape) < share] = np.nan
    return out


def leaves_of(model):
    pruned = model.estimator_ if hasattr(model, "path_") else model
    return native.read(pruned).n_leaves


def same(a, b, X):
    """Two estimators that are one: path, scores, step and predictions."""
    laws.assert_paths_equal(a.path_, b.path_)
    assert a.step_ == b.step_
    assert (a.path_.step_score is None) == (b.path_.step_score is None)
    if a.path_.step_score is not None:
        np.testing.assert_array_equal(a.path_.step_score, b.path_.step_score)
        np.testing.assert_array_equal(a.path_.step_score_se, b.path_.step_score_se)
    laws.assert_same_predictions(a, b, X)


# ------------------------------------------------------------------------------ rows


@quiet
@pytest.mark.parametrize("method", list(TREE_METHODS))
@pytest.mark.parametrize("base", ["tree", "forest"])
@pytest.mark.parametrize("where", ["train", "test", "both"])
def test_missing_values(cancer, method, base, where):
    X, y = cancer
    gaps = with_gaps(X)
    train, test = (X if where == "test" else gaps), (X if where == "train" else gaps)
    model = PrunedClassifier(
        forest() if base == "forest" else None, method=method, random_state=0, cv=2, strength="best"
    )
    model.fit(train, y)
    laws.assert_path(model.path_)
    laws.assert_staged_equals_cut(model.path_, test)
    assert model.path_.score(test, y).score.notna().all()
    again = pickle.loads(pickle.dumps(model))
    same(model, again, test)


@pytest.mark.parametrize("model", REGRESSORS)
def test_missing_values_of_regression(diabetes, model):
    X, y = diabetes
    fitted = model(method="reduced_error", random_state=0).fit(with_gaps(X), y)
    assert 1 < leaves_of(fitted) < fitted.path_.size[0]
    assert (
        np.isfinite(fitted.predict(X)).all() and np.isfinite(fitted.predict(with_gaps(X, 1))).all()
    )


@pytest.mark.parametrize("model", CLASSIFIERS)
@pytest.mark.parametrize("method", list(TREE_METHODS))
@pytest.mark.parametrize("label", [3, "yes", True, -1.0])
def test_one_class_only(cancer, model, method, label):
    X, y = cancer
    target = np.full(len(y), label)
    fitted = laws.assert_no_warning(lambda: model(method=method).fit(X, target))
    assert len(fitted.path_) == 1 and fitted.step_ == 0
    assert fitted.strength_ == -np.inf
    assert (fitted.predict(X) == label).all()
    assert fitted.predict_proba(X).tolist() == [[1.0]] * len(X)
    assert list(fitted.classes_) == [label]


@pytest.mark.parametrize("model", REGRESSORS)
@pytest.mark.parametrize("method", ["cost_complexity", "reduced_error", "agreement"])
def test_a_constant_target(diabetes, model, method):
    X, y = diabetes
    fitted = laws.assert_no_warning(lambda: model(method=method).fit(X, np.full(len(y), 7.5)))
    assert leaves_of(fitted) == 1
    assert (fitted.predict(X) == 7.5).all()
    assert fitted.path_.score(X, y).score.iloc[0] < 0


def test_one_row(cancer, diabetes):
    X, y = cancer[0][:1], cancer[1][:1]
    for name, row in TREE_METHODS.items():
        path = pruning_path(DecisionTreeClassifier().fit(X, y), X, y, method=name)
        assert (len(path), path.size.tolist(), path.removed_at.tolist()) == (1, [1], [0]), name
        assert len(pruning_strengths(DecisionTreeClassifier(), X, y)) == 1
        if not row.needs_holdout:
            for model in CLASSIFIERS:
                fitted = model(method=name, strength=0.0).fit(X, y)
                assert fitted.predict(X) == y
    for model in REGRESSORS:
        assert model(strength=0.5).fit(diabetes[0][:1], diabetes[1][:1]).step_ == 0
    assert PrunedClassifier(forest(), strength=0.0).fit(X, y).predict(X) == y


def test_two_rows_can_be_split():
    X, y = np.array([[0.0], [1.0]]), np.array([0, 1])
    model = PrunedClassifier(method="agreement", random_state=0).fit(X, y)
    assert len(model.path_) == 1
    # The row that prunes is of a class that the row that grows has never seen.
    with pytest.raises(ValueError, match="class"):
        PrunedClassifier(method="reduced_error", random_state=0).fit(X, y)
    model = PrunedRegressor(method="reduced_error", random_state=0).fit(X, y)
    assert len(model.path_) == 1


@pytest.mark.filterwarnings("ignore:The number of unique classes")
@pytest.mark.parametrize("method", list(TREE_METHODS))
def test_one_row_a_leaf(method):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(64, 2)), np.arange(64)
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    path = pruning_path(tree, X, y, method=method)
    laws.assert_path(path)
    assert path.size[0] == 64 and path.size[-1] == 1
    assert path.score(X, y, scoring="accuracy").score.iloc[0] == 1.0


@pytest.mark.parametrize("method", list(TREE_METHODS))
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("kind", ["tree", "forest"])
def test_rows_without_weight_are_not_there(method, task, kind):
    """On the same grown model: what is measured on rows ignores those of weight zero."""
    if task not in TREE_METHODS[method].tasks:
        return
    X, y, w = strategies.make_data(1, 150, 3, task, n_classes=3, weights="fractional")
    zero = np.arange(len(w)) % 3 == 1
    model = strategies.fit(kind, task, X, y, w, max_depth=6)
    risks = [r for r in TREE_METHODS[method].risks if r not in ("impurity", "cost")]
    classes = task == "classification"
    for risk in [None, *(r for r in risks if (r != "squared_error") == classes)]:
        options = {"method": method, "risk": risk}
        path = pruning_path(model, X, y, sample_weight=np.where(zero, 0.0, w), **options)
        less = pruning_path(model, X[~zero], y[~zero], sample_weight=w[~zero], **options)
        laws.assert_paths_equal(path, less, rtol=1e-12)
        for scoring in [None, "roc_auc_ovr"][: 1 + (classes and kind == "tree" and risk is None)]:
            a = path.score(X, y, scoring=scoring, sample_weight=np.where(zero, 0.0, w)).score
            b = path.score(X[~zero], y[~zero], scoring=scoring, sample_weight=w[~zero]).score
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_trees_grown_with_and_without_rows_of_no_weight():
    """Integer columns without gaps: zero weights leave all thresholds where they are."""
    rng = np.random.default_rng(3)
    X = rng.integers(0, 2, size=(300, 6)).astype(float)  # two values: one threshold a column
    y = (X @ rng.normal(size=6) + rng.normal(size=300) > 0).astype(int)
    w = np.round(rng.uniform(0.1, 3, 300), 2)
    zero = rng.random(300) < 0.3
    params = {"random_state": 0, "max_depth": 4}
    full = DecisionTreeClassifier(**params).fit(X, y, sample_weight=np.where(zero, 0.0, w))
    less = DecisionTreeClassifier(**params).fit(X[~zero], y[~zero], sample_weight=w[~zero])
    assert full.tree_.node_count == less.tree_.node_count
    assert np.array_equal(full.tree_.feature, less.tree_.feature)
    for options in ({}, {"risk": "error"}, {"method": "error_based"}, {"method": "pessimistic"}):
        laws.assert_paths_equal(
            pruning_path(full, **options), pruning_path(less, **options), rtol=1e-9
        )


@quiet
@pytest.mark.parametrize("model", CLASSIFIERS)
@pytest.mark.parametrize("method", list(TREE_METHODS))
def test_fractional_and_zero_weights_in_fit(cancer, model, method):
    X, y = cancer
    rng = np.random.default_rng(0)
    w = np.round(rng.uniform(0, 2, len(y)), 2) * (rng.random(len(y)) > 0.2)
    fitted = model(method=method, strength="best", cv=3, random_state=0)
    fitted.fit(X, y, sample_weight=w)
    laws.assert_path(fitted.path_)
    assert np.isfinite(fitted.path_.step_score).all()
    # A list and a series are the same weights; so are multiples, unless errors have a margin.
    others = [w.tolist(), pd.Series(w, index=np.arange(len(w)) * 7), pl.Series(w)]
    if TREE_METHODS[method].risks or TREE_METHODS[method].needs_holdout:
        others.append(w * 1024)
    for other in others:
        again = clone(fitted).fit(X, y, sample_weight=other)
        assert again.step_ == fitted.step_
        np.testing.assert_allclose(again.path_.step_score, fitted.path_.step_score, rtol=1e-9)


@pytest.mark.parametrize("model", CLASSIFIERS)
def test_weights_change_the_cross_validated_scores(cancer, model):
    X, y = cancer
    w = np.where(y == 1, 4.0, 1.0)
    cv = StratifiedKFold(3)
    fitted = model(cv=cv, random_state=0, strength="best").fit(X, y, sample_weight=w)
    path, base = fitted.path_, DecisionTreeClassifier(random_state=0)
    scores = []
    for train, test in cv.split(X, y):
        grown = clone(base).fit(X[train], y[train], sample_weight=w[train])
        fold = pruning_path(grown)
        p = [fold.cut(int(s)) for s in naive.align(path.strength, fold.strength)]
        scores.append(
            [
                -np.average((m.predict_proba(X[test])[:, 1] - y[test]) ** 2, weights=w[test])
                for m in p
            ]
        )
    np.testing.assert_allclose(path.step_score, np.mean(scores, axis=0), rtol=1e-10)


def test_constant_columns(cancer):
    X, y = cancer
    wide = np.column_stack([np.zeros(len(y)), X, np.full(len(y), 5.0)])
    model = PrunedClassifier(random_state=0, never_prune=[0, 9]).fit(wide, y)
    assert not set(native.splits(model.estimator_).feature) & {0, 9}
    none = PrunedClassifier(random_state=0).fit(np.ones((len(y), 3)), y)
    assert (len(none.path_), leaves_of(none)) == (1, 1)
    np.testing.assert_allclose(none.predict_proba(wide[:2, :3]), [[1 - y.mean(), y.mean()]] * 2)


# ------------------------------------------------------------------------------ columns

STRANGE = ["größe €", "a b", "a b ", "A b", "", r"$\frac$", "x0", "=cmd()"]


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("model", CLASSIFIERS)
def test_strange_names_of_columns(cancer, model):
    X, y = cancer
    frame = pd.DataFrame(X, columns=STRANGE)
    fitted = model(random_state=0).fit(frame, y)
    assert list(fitted.feature_names_in_) == STRANGE
    same(fitted, model(random_state=0).fit(X, y), frame if model is PrunedClassifier else X)
    for j, name in enumerate(STRANGE):
        kept = pruning_path(fitted.path_.model, never_prune=[name])
        laws.assert_never_pruned(kept, native.splits(fitted.path_.model).feature, [j])
        one = model(random_state=0, never_prune=name, strength=1.0, max_size=None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PrunedToRootWarning)
            one.fit(frame, y)
        laws.assert_paths_equal(one.path_, kept)
    drawn = fitted.path_.plot().figure
    drawn.canvas.draw()  # text is only laid out when it is drawn
    assert export_text(fitted.estimator_).count("class") == leaves_of(fitted)
    by = pruning_path(
        fitted.path_.model, by=lambda t: t.feature.eq("a b ").map({True: 9, False: 1})
    )
    assert by.strength.tolist()[-1] in (1, 9)


def test_columns_named_by_numbers_have_no_names(cancer):
    X, y = cancer
    frame = pd.DataFrame(X, columns=range(10, 18))
    model = PrunedClassifier(random_state=0, never_prune=[2], strength=0.01).fit(frame, y)
    assert not hasattr(model, "feature_names_in_")
    laws.assert_never_pruned(model.path_, native.splits(model.path_.model).feature, [2])


@pytest.mark.parametrize("method", list(TREE_METHODS))
@pytest.mark.parametrize("model", CLASSIFIERS)
def test_all_kinds_of_tables_give_one_model(cancer, model, method):
    X, y = cancer
    X = X.astype(np.float32)  # one set of numbers for every kind
    names = [f"c{j}" for j in range(X.shape[1])]
    base = model(method=method, strength="best", cv=2, random_state=0).fit(X, y)
    polars = pl.DataFrame(X, schema=names)
    frame = pd.DataFrame(X, columns=names, index=np.arange(len(y))[::-1])
    tables = {
        "float64": X.astype(float),
        "fortran": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "read-only": np.frombuffer(X.tobytes(), np.float32).reshape(X.shape),
        "pandas": frame,
        "nullable": frame.astype("Float64"),
        "polars": polars,
        "lists": X.tolist(),
        "csr": sparse.csr_matrix(X),
        "csc": sparse.csc_array(X),
        "coo": sparse.coo_matrix(X),
    }
    targets = {"pandas": pd.Series(y, index=frame.index), "polars": pl.Series(y), "lists": list(y)}
    for kind, table in tables.items():
        other = clone(base).fit(table, targets.get(kind, y))
        laws.assert_paths_equal(base.path_, other.path_)
        assert other.step_ == base.step_, kind
        np.testing.assert_array_equal(other.path_.step_score, base.path_.step_score)
        table = table.tocsr() if kind == "coo" and model is PrunedTreeClassifier else table
        np.testing.assert_array_equal(other.predict_proba(table), base.predict_proba(X))


@pytest.mark.parametrize("kind", ["tree", "forest"])
def test_paths_and_scores_of_all_kinds_of_tables(cancer, kind):
    X, y = cancer
    X = (X * (np.median(X, axis=0) < X)).astype(np.float32)
    model = strategies.fit(kind, "classification", X, y)
    table = {
        "pandas": pd.DataFrame(X).astype("Float32").to_numpy(np.float32),
        "polars": pl.DataFrame(X).to_numpy(),
        "csr": sparse.csr_array(X),
        "csc": sparse.csc_matrix(X),
        "coo": sparse.coo_array(X),
    }
    path = pruning_path(model, X, y, method="reduced_error")
    for other in table.values():
        laws.assert_paths_equal(path, pruning_path(model, other, y, method="reduced_error"))
        for scoring in (None, "roc_auc"):
            pd.testing.assert_frame_equal(
                path.score(X, y, scoring=scoring), path.score(other, y, scoring=scoring)
            )
        laws.assert_same_output(
            list(path.staged_predict(other)), list(path.staged_predict(X)), "staged"
        )


# ------------------------------------------------------------------------------ targets


def kinds_of_labels(y):
    words = np.array(["böse", "gut $x$"], object)[y]
    return {
        "text": words.astype(str),
        "objects": words,
        "bool": y.astype(bool),
        "int8": y.astype(np.int8),
        "negative": 2 * y - 1,
        "large": np.where(y == 1, 2**53 + 1, 2**53 + 3),
        "floats": np.where(y == 1, 2.0, -0.5) * 2,
        "list": words.tolist(),
        "column": y[:, None],
        "Int64": pd.Series(y).astype("Int64"),
        "boolean": pd.Series(y.astype(bool)).astype("boolean"),
        "string": pd.Series(words).astype("string"),
        "str": pd.Series(words),
        "category": pd.Series(words).astype("category"),
        "ordered": pd.Categorical(words, ["gut $x$", "böse"], ordered=True),
        "polars": pl.Series(words.tolist()),
    }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("kind", list(kinds_of_labels(np.array([0, 1]))))
@pytest.mark.parametrize("model", CLASSIFIERS)
@pytest.mark.parametrize("method", ["cost_complexity", "reduced_error", "error_based"])
def test_kinds_of_labels(cancer, model, method, kind):
    X, y = cancer
    labels = kinds_of_labels(y)[kind]
    plain = DecisionTreeClassifier(random_state=0).fit(X, labels)
    fitted = model(method=method, strength="best", cv=3, random_state=0).fit(X, labels)
    np.testing.assert_array_equal(fitted.classes_, plain.classes_)
    assert fitted.classes_.dtype == plain.classes_.dtype
    assert fitted.predict(X).dtype == plain.predict(X).dtype
    assert set(fitted.predict(X)) <= set(plain.classes_)
    # The first label is the first row's class, whatever it is called.
    codes = np.searchsorted(plain.classes_, plain.classes_[plain.predict_proba(X).argmax(axis=1)])
    numbers = model(method=method, strength="best", cv=3, random_state=0).fit(X, codes)
    assert numbers.step_ == fitted.step_
    np.testing.assert_array_equal(numbers.predict_proba(X), fitted.predict_proba(X))
    assert fitted.score(X, labels) == pytest.approx((numbers.predict(X) == codes).mean())
    assert fitted.path_.score(X, labels).score.iloc[0] == pytest.approx(
        numbers.path_.score(X, codes).score.iloc[0]
    )


@pytest.mark.parametrize("kind", ["Int64", "Float64", "Float32", "int", "list", "column", "polars"])
@pytest.mark.parametrize("model", REGRESSORS)
@pytest.mark.parametrize("method", ["cost_complexity", "reduced_error"])
def test_kinds_of_numbers(diabetes, model, method, kind):
    X, y = diabetes
    target = {
        "Int64": pd.Series(y).astype("Int64"),
        "Float64": pd.Series(y).astype("Float64"),
        "Float32": pd.Series(y).astype("Float32"),
        "int": y.astype(int),
        "list": y.tolist(),
        "column": y[:, None],
        "polars": pl.Series(y),
    }[kind]
    params = {"method": method, "strength": "best", "cv": 2, "random_state": 0}
    same(model(**params).fit(X, y), model(**params).fit(X, target), X)


@quiet
@pytest.mark.parametrize("method", list(TREE_METHODS))
def test_a_hundred_classes(method):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(100), 8)
    X = np.column_stack([y + rng.normal(scale=3, size=800), rng.normal(size=(800, 2))])
    model = PrunedClassifier(method=method, strength="best", cv=2, random_state=0)
    model.fit(X, np.array([f"class {c:03d}" for c in y]))
    laws.assert_path(model.path_)
    assert model.predict_proba(X).shape == (800, 100)
    assert np.isfinite(model.path_.step_score).all()
    matrix = np.abs(np.subtract.outer(np.arange(100), np.arange(100))).astype(float)
    costly = pruning_path(model.path_.model, risk="cost", cost_matrix=matrix)
    proba = costly.cut(len(costly) // 2).predict_proba(X)
    assert cost_decision(proba, matrix).max() <= 99


@quiet
@pytest.mark.parametrize(
    "method", [m for m, r in TREE_METHODS.items() if "several outputs" in r.tasks]
)
@pytest.mark.parametrize("task", ["classification", "multilabel", "regression"])
@pytest.mark.parametrize("shell", [False, True])
def test_several_outputs(iris, method, task, shell):
    X, y = iris
    targets = {
        "classification": np.column_stack([y, y % 2, np.arange(len(y)) % 3]),
        "multilabel": np.column_stack([y == 0, y == 1, X[:, 0] > 5]).astype(int),
        "regression": np.column_stack([X[:, 0] * 2, y]),
    }[task]
    wrapper, tree = (REGRESSORS if task == "regression" else CLASSIFIERS)[:2]
    params = {"method": method, "strength": "best", "cv": 3, "random_state": 0}
    model = (tree if shell else wrapper)(**params).fit(X[:, 1:], targets)
    laws.assert_path(model.path_)
    assert np.isfinite(model.path_.step_score).all()
    assert model.predict(X[:, 1:]).shape == targets.shape
    framed = clone(model).fit(pd.DataFrame(X[:, 1:]), pd.DataFrame(targets))
    assert framed.step_ == model.step_
    if task == "regression":
        assert model.score(X[:, 1:], targets) <= 1
        return
    assert [p.shape[1] for p in model.predict_proba(X[:, 1:])] == [
        len(np.unique(targets[:, o])) for o in range(targets.shape[1])
    ]


def test_several_outputs_of_words(iris):
    X, y = iris
    targets = np.column_stack([np.array(["a", "b", "c"])[y], np.where(y > 0, "ja", "nein")])
    tree = DecisionTreeClassifier(random_state=0).fit(X, targets)
    path = pruning_path(tree, X, targets, method="reduced_error")
    laws.assert_staged_equals_cut(path, X)
    assert path.score(X, targets).score.iloc[0] == 0.0
    model = PrunedClassifier(random_state=0, strength=0.05).fit(X, targets)
    assert set(model.predict(X)[:, 1]) <= {"ja", "nein"}


def test_some_labels_are_unknown_to_the_model(iris):
    X, y = iris
    tree = DecisionTreeClassifier(random_state=0).fit(X[y < 2], y[y < 2])
    path = pruning_path(tree, X, y, method="reduced_error")
    # Rows of the third class are errors at every step.
    assert path.risk.min() >= (y == 2).mean() - 1e-12
    assert path.score(X, y).score.max() < 0


# ------------------------------------------------------------------------------ class weights


@quiet
@pytest.mark.parametrize("weight", ["balanced", {0: 1.0, 1: 7.5}, {1: 0.25}])
@pytest.mark.parametrize("method", [m for m in TREE_METHODS if m != "agreement"])
def test_class_weights_are_row_weights(cancer, weight, method):
    X, y = cancer
    as_rows = np.where(y == 1, weight[1], 1.0) if isinstance(weight, dict) else None
    if weight == "balanced":
        as_rows = (len(y) / (2 * np.bincount(y)))[y]
    base = DecisionTreeClassifier(random_state=0, class_weight=weight)
    grown, plain = clone(base).fit(X, y), DecisionTreeClassifier(random_state=0)
    plain.fit(X, y, sample_weight=as_rows)
    assert np.array_equal(grown.tree_.feature, plain.tree_.feature)
    laws.assert_paths_equal(
        pruning_path(grown, X, y, method=method),
        pruning_path(plain, X, y, method=method, sample_weight=as_rows),
        rtol=1e-9,
    )
    model = PrunedClassifier(base, method=method, strength="best", cv=3, random_state=0).fit(X, y)
    shell = PrunedTreeClassifier(
        class_weight=weight, method=method, strength="best", cv=3, random_state=0
    ).fit(X, y)
    laws.assert_same_predictions(model, shell, X)


@pytest.mark.parametrize("weight", ["balanced", "balanced_subsample", {"a": 1, "b": 5}])
@pytest.mark.parametrize("method", ["cost_complexity", "reduced_error", "pessimistic"])
def test_class_weights_of_forests(cancer, weight, method):
    X, y = cancer
    labels = np.array(["a", "b"])[y]
    model = PrunedClassifier(
        forest(class_weight=weight), method=method, strength="best", cv=2, random_state=0
    ).fit(X, labels)
    laws.assert_path(model.path_)
    assert model.score(X, labels) > 0.8


def test_class_weights_where_the_held_out_part_lacks_a_class(iris):
    """Weights of some classes only are legal; the part that prunes need not hold every class."""
    X, y = iris
    tree = DecisionTreeClassifier(random_state=0, class_weight={0: 2.0, 2: 3.0}).fit(X, y)
    some = y < 2
    w = np.where(y == 0, 2.0, 1.0)[some]
    plain = DecisionTreeClassifier(random_state=0).fit(X, y)
    native_like = native.write(tree, native.read(tree).is_leaf).set_params(class_weight=None)
    laws.assert_paths_equal(
        pruning_path(tree, X[some], y[some], method="reduced_error"),
        pruning_path(native_like, X[some], y[some], method="reduced_error", sample_weight=w),
    )
    assert plain.class_weight is None


@pytest.mark.parametrize("model", CLASSIFIERS)
def test_a_rare_class_is_pruned_away_and_the_warning_says_what_to_do(model):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = (rng.random(600) < 0.05).astype(int)
    with pytest.warns(PrunedToRootWarning) as caught:
        fitted = (
            model(random_state=0, risk="error", min_samples_leaf=20).fit(X, y)
            if (model is PrunedTreeClassifier)
            else model(
                DecisionTreeClassifier(min_samples_leaf=20), random_state=0, risk="error"
            ).fit(X, y)
        )
    assert len(caught) == 1
    text = str(caught[0].message)
    for piece in ("only the root remains", "brier", "standard error", "strength='best'"):
        assert piece in text.lower()
    assert "log_loss" in text and "rare class" in text
    assert caught[0].filename == __file__, "the warning points at the caller's line"
    assert leaves_of(fitted) == 1 and fitted.path_.size[fitted.step_] == 1


@pytest.mark.parametrize(
    "params, piece",
    [
        ({"strength": 9.0}, "strength 9.* removed every split"),
        ({"max_size": 1, "strength": 0.0}, "max_size=1 allows nothing else"),
        ({"scoring": "accuracy", "cv": 3}, "no larger model.* accuracy"),
    ],
)
def test_the_warning_gives_the_reason(params, piece):
    X = np.random.default_rng(0).normal(size=(90, 2))
    y = np.arange(90) % 3 == 0
    with pytest.warns(PrunedToRootWarning, match=piece):
        PrunedClassifier(random_state=0, **params).fit(X, y)


@pytest.mark.parametrize("size", [1, 3])
def test_forests_of_roots_warn(cancer, size):
    X, y = cancer
    with pytest.warns(PrunedToRootWarning):
        PrunedClassifier(forest(n_estimators=size), max_size=size, strength=0.0).fit(X, y)


# ------------------------------------------------------------------------------ chance


@pytest.mark.parametrize("state", [0, np.random.RandomState, None])
@pytest.mark.parametrize("method", ["cost_complexity", "reduced_error", "agreement"])
@pytest.mark.parametrize("model", [PrunedClassifier, PrunedTreeClassifier, "forest"])
def test_random_state(cancer, state, method, model):
    X, y = cancer
    params = {"method": method, "strength": "best", "cv": StratifiedKFold(2)}
    params["random_state"] = state(5) if callable(state) else state
    if model == "forest":
        make = PrunedClassifier(forest(random_state=None), **params)
    elif model is PrunedClassifier:
        make = PrunedClassifier(DecisionTreeClassifier(max_features=2), **params)
    else:
        make = PrunedTreeClassifier(max_features=2, **params)
    a, b = clone(make).fit(X, y), clone(make).fit(X, y)
    if state is None:
        laws.assert_path(a.path_)
        return
    same(a, b, X)
    grown = a.path_.model
    inner = grown.random_state
    assert inner is not None, "the grown model's seed is known"
    if not TREE_METHODS[method].needs_holdout and model is not PrunedTreeClassifier:
        laws.assert_same_predictions(clone(grown).fit(X, y), grown, X)


def test_a_state_moves_on_from_fit_to_fit(cancer):
    X, y = cancer
    model = PrunedClassifier(
        forest(random_state=None), random_state=np.random.RandomState(0), strength=0.0
    )
    first = model.fit(X, y).path_.model.random_state
    assert model.fit(X, y).path_.model.random_state != first


def test_the_estimators_own_seed_wins(cancer):
    X, y = cancer
    model = PrunedClassifier(forest(random_state=7), random_state=1, strength=0.0).fit(X, y)
    assert model.estimator_.random_state == 7
    laws.assert_same_predictions(model.path_.model, forest(random_state=7).fit(X, y), X)


def test_the_estimator_given_stays_as_it_was(cancer):
    X, y = cancer
    base = DecisionTreeClassifier(max_depth=4)
    model = PrunedClassifier(base, random_state=0).fit(X, y)
    assert not hasattr(base, "tree_") and base.random_state is None
    assert model.estimator is base
    other = clone(model).set_params(estimator__max_depth=1, strength=0.0)
    assert base.max_depth == 4
    assert other.fit(X, y).path_.size[0] == 2
    fitted = DecisionTreeClassifier(random_state=0).fit(X, y)
    before = laws.model_state(fitted)
    PrunedClassifier(fitted, strength=0.01).fit(X[::2], y[::2])
    laws.assert_unchanged(before, fitted)


@quiet
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_folds_in_parallel(cancer, backend):
    X, y = cancer

    def leaves(estimator, X, y):
        return -float(estimator.get_n_leaves())

    for scoring in (None, "roc_auc", leaves):
        one = PrunedClassifier(random_state=0, cv=3, scoring=scoring, strength="best").fit(X, y)
        with joblib.parallel_backend(backend):
            two = clone(one).set_params(n_jobs=2).fit(X, y)
        same(one, two, X)


# ------------------------------------------------------------------------------ splits


def groups_of(n, k=6):
    return np.arange(n) * 7 % k


@pytest.mark.parametrize("kind", [np.asarray, pd.Series, list])
@pytest.mark.parametrize("model", CLASSIFIERS)
def test_groups_reach_the_folds(cancer, model, kind):
    X, y = cancer
    groups = groups_of(len(y))
    named = kind([f"group {g}" for g in groups])
    cv = GroupKFold(3)
    fitted = model(random_state=0, cv=cv, strength="best").fit(X, y, groups=named)
    listed = model(random_state=0, cv=list(cv.split(X, y, groups)), strength="best").fit(X, y)
    same(fitted, listed, X)
    other = model(random_state=0, cv=3, strength="best").fit(X, y)
    assert not np.array_equal(other.path_.step_score, fitted.path_.step_score)


class Recorder(GroupShuffleSplit):
    """Remembers what it was asked."""

    seen: list = []

    def split(self, X, y=None, groups=None):
        for train, test in super().split(X, y, groups):
            Recorder.seen.append((np.asarray(groups)[train], np.asarray(groups)[test]))
            yield train, test


@pytest.mark.parametrize("method", HOLDOUT)
@pytest.mark.parametrize("model", CLASSIFIERS)
def test_groups_reach_the_validation_part(cancer, model, method):
    X, y = cancer
    groups = groups_of(len(y), 10)
    Recorder.seen.clear()
    splitter = Recorder(2, test_size=0.3, random_state=4)
    fitted = model(method=method, validation=splitter, random_state=0)
    fitted.fit(X, y, groups=groups)
    assert len(Recorder.seen) == 2
    assert all(not set(a) & set(b) for a, b in Recorder.seen)
    train, test = list(GroupShuffleSplit(2, test_size=0.3, random_state=4).split(X, y, groups))[-1]
    grown = DecisionTreeClassifier(random_state=0).fit(X[train], y[train])
    laws.assert_paths_equal(fitted.path_, pruning_path(grown, X[test], y[test], method=method))
    # A fraction splits by groups where there are groups: the default within a search.
    Recorder.seen.clear()
    fraction = model(method=method, validation=0.3, random_state=4).fit(X, y, groups=groups)
    train, test = next(GroupShuffleSplit(1, test_size=0.3, random_state=4).split(X, y, groups))
    grown = DecisionTreeClassifier(random_state=4).fit(X[train], y[train])
    laws.assert_paths_equal(fraction.path_, pruning_path(grown, X[test], y[test], method=method))
    # Groups in folds and in each fold's validation part at once.
    both = model(method=method, validation=splitter, cv=GroupKFold(3), strength="best")
    assert np.isfinite(both.fit(X, y, groups=groups).path_.step_score).all()


def test_a_predefined_part_of_the_same_length(cancer):
    X, y = cancer
    part = np.where(np.arange(len(y)) % 4 == 0, 0, -1)
    model = PrunedClassifier(
        method="reduced_error", validation=PredefinedSplit(part), random_state=0
    ).fit(X, y)
    grown = DecisionTreeClassifier(random_state=0).fit(X[part < 0], y[part < 0])
    held = pruning_path(grown, X[part == 0], y[part == 0], method="reduced_error")
    laws.assert_paths_equal(model.path_, held)


@quiet
@pytest.mark.parametrize("method", list(TREE_METHODS))
@pytest.mark.parametrize("scoring", [None, "neg_log_loss", "accuracy"])
def test_time_series_whose_first_folds_lack_classes(iris, method, scoring):
    X, y = iris
    order = np.argsort(y, kind="stable")
    model = PrunedClassifier(
        method=method,
        cv=TimeSeriesSplit(4),
        validation=TimeSeriesSplit(3),
        scoring=scoring,
        strength="one_se",
        random_state=0,
    ).fit(X[order], y[order])
    assert np.isfinite(model.path_.step_score).all()
    laws.assert_path(model.path_)
    assert len(model.classes_) >= 2


@quiet
@pytest.mark.filterwarnings("ignore:The groups parameter is ignored")
@pytest.mark.parametrize("method", list(TREE_METHODS))
def test_folds_of_groups_that_lack_a_class(iris, method):
    X, y = iris
    groups = np.where(y == 2, 9, np.arange(len(y)) % 3)  # the third class is a group of its own
    model = PrunedClassifier(
        method=method,
        cv=LeaveOneGroupOut(),
        strength="best",
        random_state=0,
        validation=ShuffleSplit(1, test_size=0.2, random_state=0),
    )
    model.fit(X, y, groups=groups)
    assert np.isfinite(model.path_.step_score).all()
    if TREE_METHODS[method].risks:
        matrix = np.array([[0, 1, 2], [1, 0, 4], [9, 1, 0]])
        model.set_params(risk="cost", cost_matrix=matrix).fit(X, y, groups=groups)
        assert np.isfinite(model.path_.step_score).all()


def test_lists_and_generators_of_splits(cancer):
    X, y = cancer
    folds = list(StratifiedKFold(3).split(X, y))
    base = PrunedTreeClassifier(random_state=0, cv=StratifiedKFold(3)).fit(X, y)
    same(base, PrunedTreeClassifier(random_state=0, cv=folds).fit(X, y), X)
    same(base, PrunedTreeClassifier(random_state=0, cv=iter(folds)).fit(X, y), X)
    masks = [(np.isin(np.arange(len(y)), a), np.isin(np.arange(len(y)), b)) for a, b in folds]
    same(base, PrunedTreeClassifier(random_state=0, cv=masks).fit(X, y), X)


def test_one_split_has_a_best_step_but_no_standard_error(cancer):
    X, y = cancer
    model = PrunedClassifier(
        random_state=0, strength="best", cv=ShuffleSplit(1, test_size=0.3, random_state=0)
    ).fit(X, y)
    assert np.isnan(model.path_.step_score_se).all()
    assert model.step_ == model.path_.best_step
    model.path_.plot().figure.canvas.draw()


# ------------------------------------------------------------------------------ scorers


def weighed_accuracy(y, p, sample_weight):
    """Cannot do without weights."""
    return float(np.average(np.asarray(y) == p, weights=sample_weight))


def depth_of(estimator, X, y):
    return -float(estimator.get_depth())


def auc_by_hand(estimator, X, y, sample_weight=None):
    return get_scorer("roc_auc")(estimator, X, y, sample_weight=sample_weight)


SCORERS = {
    "roc_auc": "roc_auc",
    "balanced_accuracy": "balanced_accuracy",
    "average_precision": "average_precision",
    "pos_label": make_scorer(fbeta_score, beta=2, pos_label="bad"),
    "macro": "f1_macro",
    "needs weights": make_scorer(weighed_accuracy),
    "depth": depth_of,
    "by hand": auc_by_hand,
}


@quiet
@pytest.mark.parametrize("name", list(SCORERS))
@pytest.mark.parametrize("base", ["tree", "forest"])
def test_scorers_equal_themselves_on_every_cut(cancer, name, base):
    X, y = cancer
    scoring, labels = SCORERS[name], np.array(["bad", "good"])[y]
    if base == "forest" and name == "depth":
        return
    if name == "average_precision":
        labels = y  # needs to know which label is positive
    w = np.random.default_rng(0).integers(1, 5, len(y)).astype(float)
    grown = forest(max_depth=4) if base == "forest" else DecisionTreeClassifier(random_state=0)
    path = pruning_path(grown.fit(X[::2], labels[::2]))
    weighed = {"sample_weight": w[1::2]} if name != "depth" else {}
    got = path.score(X[1::2], labels[1::2], scoring=scoring, sample_weight=w[1::2]).score
    scorer = scoring if callable(scoring) else get_scorer(scoring)
    for step in laws.some_steps(path, 6):
        own = scorer(path.cut(step), X[1::2], labels[1::2], **weighed)
        assert got[step] == pytest.approx(own, rel=1e-12)
    model = PrunedClassifier(grown, scoring=scoring, cv=2, strength="best", random_state=0)
    model.fit(X, labels, sample_weight=w)
    assert model.path_.scoring
    assert np.isfinite(model.path_.step_score).all()


def test_scores_of_regression_by_any_name(diabetes):
    X, y = diabetes
    for name in ("neg_mean_absolute_error", "explained_variance", "max_error"):
        name = "neg_max_error" if name == "max_error" else name
        path = pruning_path(RandomForestRegressor(3, max_depth=4, random_state=0).fit(X, y))
        got = path.score(X, y, scoring=name).score
        step = len(path) // 2
        assert got[step] == pytest.approx(get_scorer(name)(path.cut(step), X, y), rel=1e-12)


# ------------------------------------------------------------------------------ choosing


@quiet
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("model", CLASSIFIERS)
def test_what_strength_means(cancer, model, seed):
    X, y = cancer
    cv = StratifiedKFold(4, shuffle=True, random_state=seed)
    auto, best, one_se = (
        model(random_state=0, cv=cv, strength=s).fit(X, y) for s in ("auto", "best", "one_se")
    )
    same(auto, one_se, X)
    np.testing.assert_array_equal(best.path_.step_score, one_se.path_.step_score)
    assert leaves_of(one_se) <= leaves_of(best)
    assert leaves_of(best) == best.path_.size[best.step_]
    number = model(random_state=0, strength=0.012).fit(X, y)
    assert number.path_.step_score is None
    assert number.strength_ <= 0.012
    assert number.step_ + 1 == len(number.path_) or number.path_.strength[number.step_ + 1] > 0.012
    laws.assert_same_predictions(
        number, DecisionTreeClassifier(random_state=0, ccp_alpha=0.012).fit(X, y), X
    )
    zero = model(random_state=0, strength=0).fit(X, y)
    assert zero.step_ == zero.path_.step_for(strength=0.0)


def test_one_se_equals_its_twin_from_the_folds(cancer):
    X, y = cancer
    for seed in range(4):
        cv = StratifiedKFold(5, shuffle=True, random_state=seed)
        model = PrunedClassifier(random_state=0, cv=cv).fit(X, y)
        path, scores = model.path_, []
        for train, test in cv.split(X, y):
            fold = pruning_path(DecisionTreeClassifier(random_state=0).fit(X[train], y[train]))
            own = fold.score(X[test], y[test]).score.to_numpy()
            scores.append(own[naive.align(path.strength, fold.strength)])
        assert model.step_ == naive.one_se(np.array(scores), path.size)


@quiet
@pytest.mark.parametrize("strength", ["auto", "best", "one_se", 0.0, 0.02])
@pytest.mark.parametrize("base", ["tree", "forest"])
def test_a_largest_size_caps_whatever_was_chosen(cancer, strength, base):
    X, y = cancer
    grown = forest() if base == "forest" else None
    free = PrunedClassifier(grown, strength=strength, cv=3, random_state=0).fit(X, y)
    for size in (4, 6, 10_000):
        model = clone(free).set_params(max_size=size).fit(X, y)
        assert leaves_of(model) <= size
        assert model.step_ == max(free.step_, free.path_.step_for(size=size))


@quiet
@pytest.mark.parametrize("method", [m for m, r in TREE_METHODS.items() if r.rule != "one_se"])
def test_auto_is_the_textbook_rule_without_folds(cancer, method):
    X, y = cancer
    model = PrunedClassifier(method=method, random_state=0, cv=LeaveOneGroupOut()).fit(X, y)
    assert model.path_.step_score is None
    row = TREE_METHODS[method]
    if row.rule == "risk":
        assert model.path_.risk[model.step_] <= 0.01
        assert model.step_ + 1 == len(model.path_) or model.path_.risk[model.step_ + 1] > 0.01
    else:
        assert model.step_ == model.path_.step_for(strength=row.level)
    if not row.needs_holdout:
        laws.assert_same_predictions(model, prune(model.path_.model, method=method), X)


def test_settings_of_a_method_reach_the_estimator(cancer):
    X, y = cancer
    sizes = [
        leaves_of(
            PrunedClassifier(
                method=TREE_METHODS["error_based"].with_options(confidence=c), random_state=0
            ).fit(X, y)
        )
        for c in (0.5, 0.25, 0.001)
    ]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > sizes[-1]
    model = clone(PrunedTreeClassifier(method=TREE_METHODS["minimum_error"].with_options(m=30)))
    assert model.fit(X, y).path_.method == "minimum_error"
    pickle.loads(pickle.dumps(model))


def test_costs_are_minimised_by_cost_decisions_and_predict_stays_native(cancer):
    X, y = cancer
    matrix = np.array([[0.0, 1.0], [5.0, 0.0]])
    grown = DecisionTreeClassifier(min_samples_leaf=5, random_state=0)
    params = {"risk": "cost", "cost_matrix": matrix, "strength": 0.05, "random_state": 0}
    for model in (
        PrunedClassifier(grown, **params).fit(X, y),
        PrunedTreeClassifier(min_samples_leaf=5, **params).fit(X, y.astype(bool)),
    ):
        proba = model.predict_proba(X)
        labels = model.classes_[proba.argmax(axis=1)]
        np.testing.assert_array_equal(model.predict(X), labels)
        decided = cost_decision(proba, matrix)
        np.testing.assert_array_equal(decided, (proba[:, 1] > 1 / 6).astype(int))
        for step, cut in ((s, model.path_.cut(s)) for s in laws.some_steps(model.path_)):
            best = matrix[y, cost_decision(cut.predict_proba(X), matrix)].mean()
            assert model.path_.risk[step] == pytest.approx(best, abs=1e-12)
            argmax = matrix[y, cut.predict_proba(X).argmax(axis=1)].mean()
            assert best <= argmax + 1e-12
    # Lists and frames are matrices too, and equal costs are the error.
    listed = PrunedClassifier(grown, **{**params, "cost_matrix": matrix.tolist()}).fit(X, y)
    framed = PrunedClassifier(grown, **{**params, "cost_matrix": pd.DataFrame(matrix)}).fit(X, y)
    same(listed, framed, X)
    equal = pruning_path(listed.path_.model, risk="cost", cost_matrix=1 - np.eye(2))
    laws.assert_paths_equal(equal, pruning_path(listed.path_.model, risk="error"), rtol=1e-12)


@pytest.mark.parametrize("lam", [0.0, 5.0])
def test_shrinking_what_was_chosen(cancer, lam):
    X, y = cancer
    for model in (
        PrunedClassifier(random_state=0, strength=0.005).fit(X, y),
        PrunedClassifier(forest(), random_state=0, strength=0.005).fit(X, y),
        PrunedTreeClassifier(random_state=0, strength=0.005).fit(X, y),
    ):
        small = shrink(model.estimator_, lam)
        assert type(small) is type(model.estimator_)
        assert leaves_of(small) == leaves_of(model)
        change = np.abs(small.predict_proba(X) - model.predict_proba(X)).max()
        assert (change < 1e-12) == (lam == 0)
        later = native.write(shrink(model.path_.model, lam), model.path_.removed_at <= model.step_)
        laws.assert_same_predictions(small, later, X, rtol=1e-12)
        laws.assert_path(pruning_path(small))


# ------------------------------------------------------------------------------ searches


@pytest.fixture(scope="module")
def german():
    X, y = load_german_credit(return_X_y=True)
    return X, y


def german_pipeline(model):
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (one_hot, make_column_selector(dtype_include="category")), remainder="passthrough"
    )
    return make_pipeline(columns, model)


@quiet
@pytest.mark.parametrize("shell", [False, True])
def test_searches_inside_a_pipeline(german, shell):
    X, y = german
    base = DecisionTreeClassifier(min_samples_leaf=10)
    model = (
        PrunedTreeClassifier(min_samples_leaf=10, random_state=0)
        if shell
        else PrunedClassifier(base, random_state=0)
    )
    step = "prunedtreeclassifier" if shell else "prunedclassifier"
    depth = f"{step}__max_depth" if shell else f"{step}__estimator__max_depth"
    pipe = german_pipeline(model)
    encoded = pipe[:-1].fit_transform(X)
    grid = pruning_strengths(base.set_params(random_state=0), encoded, y, n=3)
    searched = [
        {f"{step}__strength": grid, depth: [3, None]},
        {f"{step}__method": list(TREE_METHODS), f"{step}__cv": [2]},
        {f"{step}__max_size": [3, 8], f"{step}__method": ["reduced_error"]},
    ]
    search = GridSearchCV(pipe, searched, cv=2, scoring="roc_auc", error_score="raise").fit(X, y)
    results = pd.DataFrame(search.cv_results_)
    assert results.mean_test_score.between(0.5, 1).all()
    assert len(results) == 2 * len(grid) + len(TREE_METHODS) + 2
    best = search.best_estimator_[-1]
    assert best.path_.chosen == best.step_
    assert search.predict_proba(X).shape == (1000, 2)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))


@quiet
def test_a_frame_out_of_the_transformer_keeps_names(german):
    X, y = german
    pipe = german_pipeline(PrunedClassifier(random_state=0, strength=0.002))
    pipe[0].set_output(transform="pandas")
    names = pipe.fit(X, y)[-1].feature_names_in_
    kept = [name for name in names if "checking_status" in name]
    pipe.set_params(prunedclassifier__never_prune=kept, prunedclassifier__strength=1.0)
    model = pipe.fit(X, y)[-1]
    used = {
        native.splits(model.estimator_).feature_names[f]
        for f in set(native.splits(model.estimator_).feature) - {-2}
    }
    assert used & set(kept)


@pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 7),
    reason="scikit-learn 1.6 cannot route weights to the score of a Pipeline in cross_validate",
)
@quiet
@pytest.mark.parametrize("model", CLASSIFIERS)
def test_metadata_is_routed(cancer, model):
    X, y = cancer
    groups, w = groups_of(len(y)), np.where(y == 1, 3.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        asked = model(random_state=0, cv=GroupKFold(3), strength="best").set_fit_request(
            sample_weight=True, groups=True
        )
        asked.set_score_request(sample_weight=True)
        pipe = make_pipeline(ExtraStep(), asked)
        pipe.fit(X, y, sample_weight=w, groups=groups)
        params = {"sample_weight": w, "groups": groups}
        out = cross_validate(
            pipe, X, y, cv=GroupKFold(2), params=params, return_estimator=True, error_score="raise"
        )
        search = GridSearchCV(
            pipe, {f"{model.__name__.lower()}__strength": ["best", 0.01]}, cv=2, error_score="raise"
        ).fit(X, y, **params)
    direct = model(random_state=0, cv=GroupKFold(3), strength="best")
    direct.fit(X, y, sample_weight=w, groups=groups)
    same(pipe[-1], direct, X)
    for (train, _), fitted in zip(GroupKFold(2).split(X, y, groups), out["estimator"], strict=True):
        part = clone(direct).fit(X[train], y[train], sample_weight=w[train], groups=groups[train])
        same(fitted[-1], part, X)
    assert search.best_score_ > 0.8


class ExtraStep(sklearn.base.TransformerMixin, sklearn.base.BaseEstimator):
    """A transformer that does nothing."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X

    def __sklearn_is_fitted__(self):
        return True


@quiet
def test_bags_of_pruned_trees(cancer):
    X, y = cancer
    bag = BaggingClassifier(PrunedTreeClassifier(strength=0.01), 4, random_state=0).fit(X, y)
    assert bag.score(X, y) > 0.9
    assert all(type(member) is PrunedTreeClassifier for member in bag.estimators_)


# ------------------------------------------------------------------------------ pictures, tools


@pytest.mark.parametrize("what", ["scored", "unscored", "one step", "scored by name", "forest"])
def test_pictures_of_paths(cancer, what):
    from matplotlib.figure import Figure

    X, y = cancer
    one = PrunedClassifier(random_state=0).fit(X, np.zeros(len(y)))
    path = {
        "scored": lambda: PrunedClassifier(random_state=0).fit(X, y).path_,
        "unscored": lambda: pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y)),
        "one step": lambda: one.path_,
        "scored by name": lambda: (
            PrunedTreeClassifier(
                scoring=make_scorer(fbeta_score, beta=2), cv=2, strength="best", max_size=4
            )
            .fit(X, y)
            .path_
        ),
        "forest": lambda: PrunedClassifier(forest(), cv=2).fit(X, y).path_,
    }[what]()
    ax = laws.assert_no_warning(path.plot)
    laws.assert_no_warning(ax.figure.canvas.draw)
    assert path.method.replace("_", " ") in ax.get_title()
    mine = Figure().add_subplot()
    assert path.plot(ax=mine) is mine
    assert ax.get_xlabel() == "leaves"


def test_a_method_of_strange_name_can_be_drawn(cancer):
    from dataclasses import replace

    X, y = cancer
    method = replace(TREE_METHODS["pessimistic"], name=r"$\frac$ m_1")
    path = pruning_path(DecisionTreeClassifier(random_state=0).fit(X, y), method=method)
    path.plot().figure.canvas.draw()

    def odd(estimator, X, y):
        return -float(estimator.get_n_leaves())

    odd.__name__ = r"$\frac$"
    model = PrunedClassifier(scoring=odd, cv=2, strength="best", random_state=0)
    with pytest.warns(PrunedToRootWarning):
        model.fit(X, y)
    model.path_.plot().figure.canvas.draw()


def test_scikit_learns_inspection_reads_pruned_trees(cancer, diabetes):
    for (X, y), model, plain in (
        (cancer, PrunedTreeClassifier, DecisionTreeClassifier),
        (diabetes, PrunedTreeRegressor, DecisionTreeRegressor),
    ):
        fitted = model(random_state=0, max_size=6, strength=0.0).fit(X, y)
        assert isinstance(fitted, plain)
        assert is_classifier(fitted) == (model is PrunedTreeClassifier)
        assert is_regressor(fitted) == (model is PrunedTreeRegressor)
        exact = fitted.to_sklearn()
        column = int(fitted.tree_.feature[0])
        a, b = (partial_dependence(m, X, [column], kind="average") for m in (fitted, exact))
        np.testing.assert_array_equal(a["average"], b["average"])
        brute = partial_dependence(fitted, X, [column], kind="average", method="brute")
        assert np.ptp(brute["average"]) > 0
        if model is PrunedTreeRegressor:
            recursion = partial_dependence(fitted, X, [column], kind="average", method="recursion")
            assert np.ptp(recursion["average"]) > 0
        importance = permutation_importance(fitted, X, y, n_repeats=2, random_state=0)
        assert importance.importances_mean[column] > 0
        assert export_text(fitted) == export_text(exact)
        np.testing.assert_array_equal(fitted.feature_importances_, exact.feature_importances_)
        assert fitted.get_depth() == exact.get_depth() == fitted.tree_.max_depth
        np.testing.assert_array_equal(fitted.apply(X), exact.apply(X))


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (PrunedTreeClassifier, DecisionTreeClassifier),
        (PrunedTreeRegressor, DecisionTreeRegressor),
    ],
)
def test_signatures_begin_with_scikit_learns(ours, theirs):
    mine, its = (inspect.signature(c).parameters for c in (ours, theirs))
    assert list(mine)[: len(its)] == list(its)
    assert all(mine[name] == its[name].replace(annotation=mine[name].annotation) for name in its)
    fit, its_fit = (list(inspect.signature(c.fit).parameters) for c in (ours, theirs))
    assert fit[: len(its_fit)] == its_fit


@quiet
@pytest.mark.parametrize(
    "model",
    [
        PrunedClassifier(random_state=0),
        PrunedClassifier(ExtraTreeClassifier(), method="agreement", random_state=0),
        PrunedClassifier(forest(), cv=2),
        PrunedTreeClassifier(random_state=0),
        PrunedRegressor(random_state=0),
        PrunedRegressor(ExtraTreesRegressor(2, random_state=0), strength=0.01),
        PrunedTreeRegressor(method="reduced_error", random_state=0),
    ],
    ids=lambda m: f"{type(m).__name__}-{m.method}",
)
def test_fitted_estimators_pickle_and_clone(cancer, model):
    X, y = cancer
    fitted = clone(model).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    same(fitted, again, X)
    assert again.path_.cut(0) is not None
    assert joblib.hash(clone(fitted)) == joblib.hash(clone(model))
    assert "Pruned" in repr(fitted)
    assert "Pruned" in fitted._repr_html_()
    refitted = fitted.fit(X[:, :3], y)  # nothing is left of the first fit
    assert refitted.n_features_in_ == 3
    assert refitted.predict(X[:, :3]).shape == y.shape


def test_names_of_the_last_fit_do_not_stay(cancer):
    X, y = cancer
    for model in CLASSIFIERS:
        fitted = model(strength=0.01).fit(pd.DataFrame(X, columns=list("abcdefgh")), y)
        assert list(fitted.feature_names_in_) == list("abcdefgh")
        fitted.fit(X, y)
        assert not hasattr(fitted, "feature_names_in_")
        laws.assert_no_warning(lambda fitted=fitted: fitted.predict(X))
