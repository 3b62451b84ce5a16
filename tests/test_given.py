"""A report on a model that is already fitted: pipelines as people write them, and refusals."""

from __future__ import annotations

import inspect
import pydoc

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import make_scorer, precision_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import treeprune
from treeprune import Decision, PrunedClassifier, PrunedRegressor, PrunedTreeClassifier, report
from treeprune.datasets import load_german_credit
from treeprune.report.coded import codes_of, label_order, twin_of
from treeprune.report.fitted import shared_rows, training_notes

pytestmark = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")

TREE = DecisionTreeClassifier(min_samples_leaf=20, random_state=0)
DECISION = Decision(
    adverse=1,
    costs={"miss": 5, "false_alarm": 1},
    immutable=["checking_status"],
    adverse_word="declined",
    favourable_word="approved",
)


@pytest.fixture(scope="module")
def rows():
    data = load_german_credit()
    X = data.data.drop(columns=data.sensitive)
    held = train_test_split(X, data.target, test_size=0.3, random_state=0, stratify=data.target)
    return (*held, data.data.loc[held[1].index, ["age"]])


def encoder(**options):
    return make_column_transformer(
        (OneHotEncoder(**options), make_column_selector(dtype_include="category")),
        remainder="passthrough",
    )


def test_the_model_itself_is_reported(rows):
    X_train, X, y_train, y, age = rows
    model = make_pipeline(
        encoder(handle_unknown="ignore"), PrunedClassifier(TREE, scoring="roc_auc", random_state=0)
    ).fit(X_train, y_train)
    told = report(
        model, X, y, X_train=X_train, y_train=y_train, decision=DECISION, refits=0,
        sensitive=age, excluded={"personal_status": "sensitive"}, limits=["granted credits only"],
        name="credits",
    )  # fmt: skip
    grown, pruned = told.content["held_out"]["rows"][:2]
    assert pruned["leaves"] == model[-1].estimator_.get_n_leaves()
    assert grown["leaves"] == model[-1].path_.model.get_n_leaves()
    assert [row["key"] for row in told.content["held_out"]["rows"]] == [
        "grown", "pruned", "pruned_other", "grown_small", "linear",
    ]  # fmt: skip
    p = model.predict_proba(X)[:, 1]
    cost = np.where(p >= 1 / 6, (y == 0) * 1.0, (y == 1) * 5.0).mean()
    assert pruned["figures"]["cost"]["value"] == pytest.approx(cost)
    assert all(check["passed"] for check in told.content["checks"])
    text = " ".join(told.to_text().split())
    assert "Excluded: personal_status, age (sensitive)." in text
    assert "Note: " not in text.split("DECISION")[0]
    assert "granted credits only." in text
    changes = [r["change"]["changes"] for r in told.content["examples"]["rows"]]
    assert any(changes)
    assert "checking_status" not in str(changes)  # which is immutable
    assert "how, is not known here" in text
    assert "as grown: DecisionTreeClassifier(min_samples_leaf=20, random_state=0)" in text
    assert model[-1].path_.model.get_n_leaves() == grown["leaves"]  # nothing was changed


def test_an_encoder_that_learns_fewer_columns_from_fewer_rows(rows):
    X_train, X, y_train, y, _ = rows
    model = make_pipeline(
        encoder(min_frequency=20, handle_unknown="infrequent_if_exist"),
        PrunedClassifier(TREE, random_state=0),
    ).fit(X_train, y_train)
    told = report(model, X, y, X_train=X_train, y_train=y_train, refits=2)
    assert told.content["interpretability"]["refits"] == 2


def test_a_tree_that_is_pruned_itself_and_a_search(rows):
    X_train, X, y_train, y, _ = rows
    numbers = X_train.select_dtypes("number").columns
    own = PrunedTreeClassifier(min_samples_leaf=20, random_state=0)
    search = GridSearchCV(
        PrunedClassifier(TREE, random_state=0), {"strength": [0.001, 0.004]}, cv=2
    ).fit(X_train[numbers], y_train)
    for model in (own.fit(X_train[numbers], y_train), search.best_estimator_):
        told = report(model, X[numbers], y, X_train=X_train[numbers], y_train=y_train, refits=0)
        pruned = told.content["held_out"]["rows"][1]
        tree = getattr(model, "estimator_", model)
        assert pruned["leaves"] == tree.get_n_leaves()


def test_several_classes_and_numbers():
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = PrunedClassifier(TREE, random_state=0).fit(X[::2], y[::2])
    told = report(model, X[1::2], y[1::2], X_train=X[::2], y_train=y[::2], refits=0)
    assert told.content["title"]["task"] == "multiclass"
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = PrunedRegressor(DecisionTreeRegressor(min_samples_leaf=20), random_state=0)
    model.fit(X[::2], y[::2])
    told = report(model, X[1::2], y[1::2], X_train=X[::2], y_train=y[::2], refits=0)
    assert told.content["title"]["target"] == "target"
    assert told.content["held_out"]["rows"][1]["figures"]["r2"]["value"] == pytest.approx(
        model.score(X[1::2], y[1::2])
    )


# -- small tables ---------------------------------------------------------------------------------


def people(n=400, seed=0):
    """Numbers, two classes and another column; the outcome depends on the first column."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "income": rng.normal(size=n).round(3) + 5,
            "debt": rng.normal(size=n).round(3) + 5,
            "age": rng.integers(20, 70, n).astype(float),
        }
    )
    y = pd.Series(np.where(X["income"] + rng.normal(size=n) / 2 > 5.2, 1, 0), name="late")
    return X[: n // 2], X[n // 2 :], y[: n // 2], y[n // 2 :]


X_TRAIN, X_HELD, Y_TRAIN, Y_HELD = people()
WORDS = {0: "good", 1: "bad"}


def pruned(**options):
    return PrunedClassifier(TREE, **{"random_state": 0, "strength": 0.01, **options})


@pytest.fixture(scope="module")
def model():
    return pruned().fit(X_TRAIN, Y_TRAIN)


def told(model, X=X_HELD, y=Y_HELD, **options):
    given = {"X_train": X_TRAIN, "y_train": Y_TRAIN, "refits": 0, **options}
    return report(model, X, y, **given)


def flat(made):
    return " ".join(made.to_text().split())


# -- which models ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda X, y: RandomForestClassifier(5).fit(X, y), TypeError, "fitted pruned model"),
        (
            lambda X, y: DecisionTreeClassifier().fit(X, y),
            TypeError,
            r"PrunedClassifier\(DecisionTreeClassifier\(…\)\).fit\(X_train, y_train\)",
        ),
        (
            lambda X, y: DecisionTreeRegressor().fit(X, y),
            TypeError,
            r"PrunedRegressor\(DecisionTreeRegressor",
        ),
        (lambda X, y: pruned(), NotFittedError, "this PrunedClassifier is not fitted; call fit"),
        (lambda X, y: make_pipeline(pruned()), NotFittedError, "not fitted"),
        (lambda X, y: PrunedTreeClassifier(), NotFittedError, "PrunedTreeClassifier is not"),
        (
            lambda X, y: GridSearchCV(pruned(), {"strength": [0.1]}),
            NotFittedError,
            "GridSearchCV is not",
        ),
        (
            lambda X, y: GridSearchCV(pruned(), {"strength": [0.1]}, cv=2, refit=False).fit(X, y),
            TypeError,
            "refit=False holds no fitted model",
        ),
    ],
)
def test_other_models_are_refused(make, error, words):
    with pytest.raises(error, match=words):
        told(make(X_TRAIN, Y_TRAIN))


def test_a_search_is_reported_as_its_best_model():
    search = GridSearchCV(pruned(), {"strength": [0.002, 0.01]}, cv=2).fit(X_TRAIN, Y_TRAIN)
    content = told(search).content
    assert content["held_out"] == told(search.best_estimator_).content["held_out"]
    assert content["path"]["choice"]["given"] == search.best_params_["strength"]


def test_what_is_no_frame_or_has_no_names_is_refused(model):
    with pytest.raises(TypeError, match=r"got numpy.ndarray: fit the model on a DataFrame"):
        told(model, X_HELD.to_numpy())
    polars = pytest.importorskip("polars")
    columns = {name: X_HELD[name].to_numpy() for name in X_HELD}
    with pytest.raises(TypeError, match=r"got polars.DataFrame: give X.to_pandas\(\)"):
        told(model, polars.DataFrame(columns))


@pytest.mark.parametrize("names", [[0, 1, 2], ["a", "a", "b"]])
def test_names_that_cannot_be_told_apart_are_refused(names):
    tables = [rows.set_axis(names, axis=1) for rows in (X_TRAIN, X_HELD)]
    fitted = pruned().fit(X_TRAIN.to_numpy(), Y_TRAIN)
    with pytest.raises(ValueError, match="names that are texts and differ"):
        told(fitted, tables[1], X_train=tables[0])


def test_columns_of_both_tables_must_agree(model):
    with pytest.raises(ValueError, match=r"X lacks \['age'\]"):
        told(model, X_HELD.drop(columns="age"))
    with pytest.raises(ValueError, match=r"X_train lacks \['more'\]"):
        told(model, X_HELD.assign(more=1))
    turned = told(model, X_HELD[X_HELD.columns[::-1]])
    assert turned.content["held_out"] == told(model).content["held_out"]


# -- which rows -----------------------------------------------------------------------------------


def test_rows_that_were_trained_on_are_refused(model):
    with pytest.raises(ValueError, match="200 of 200 held-out rows stand in X_train"):
        told(model, X_TRAIN, Y_TRAIN)
    part = pd.concat([X_TRAIN[:120], X_HELD[:80]])
    with pytest.raises(ValueError, match="120 of 200 held-out rows stand in X_train"):
        told(model, part, pd.concat([Y_TRAIN[:120], Y_HELD[:80]]))


def test_some_shared_rows_are_noted(model):
    X, y = pd.concat([X_TRAIN[:7], X_HELD]), pd.concat([Y_TRAIN[:7], Y_HELD])
    (note,) = told(model, X, y).content["notes"]
    assert note.startswith("7 of 207 held-out rows stand in X_train")
    assert told(model).content["notes"] == []


def test_equal_values_under_equal_labels_by_chance_are_no_shared_rows():
    rng = np.random.default_rng(0)
    one, other = (pd.DataFrame({"x": rng.integers(0, 2, 300)}) for _ in range(2))
    assert (one["x"] == other["x"]).sum() > 100  # as many as by chance
    assert shared_rows(one, other) == 0
    assert shared_rows(one, one) == 300
    assert shared_rows(one.set_index(one.index + 300), one) == 0


@pytest.mark.parametrize(
    "X_train, y_train, words",
    [
        (X_HELD, Y_HELD, "leaves of the tree as grown hold another number of rows"),
        (X_TRAIN[:-20], Y_TRAIN[:-20], "X_train has 180 rows, but the tree was grown on 200"),
        (X_TRAIN, Y_TRAIN.to_numpy()[::-1], "leaves of the tree as grown hold other outcomes"),
    ],
)
def test_other_training_rows_are_refused(model, X_train, y_train, words):
    others = people(seed=1)
    with pytest.raises(ValueError, match=words):
        told(model, others[1].set_index(others[1].index + 1000), others[3].to_numpy(),
             X_train=X_train, y_train=y_train)  # fmt: skip


def test_training_rows_of_methods_that_set_rows_aside():
    fitted = pruned(method="reduced_error", strength="auto").fit(X_TRAIN, Y_TRAIN)
    y = Y_TRAIN.to_numpy()
    assert training_notes(None, fitted, X_TRAIN, y) == []
    assert told(fitted).content["rules"]["grown_on"] == 150
    with pytest.raises(ValueError, match=r"180 rows \(135 after setting rows aside\), .* on 150"):
        training_notes(None, fitted, X_TRAIN[20:], y[20:])
    with pytest.raises(ValueError, match="hold another number of rows"):
        training_notes(None, fitted, X_TRAIN * 0, y)


def test_weights_and_orders_do_not_make_rows_other_rows():
    y, weight = Y_TRAIN.to_numpy(), np.where(np.arange(200) % 3, 1.0, 2.5)
    for tree in (
        DecisionTreeClassifier(class_weight="balanced", min_samples_leaf=20),
        DecisionTreeClassifier(class_weight={0: 1, 1: 3}, min_samples_leaf=20),
    ):
        fitted = PrunedClassifier(tree, random_state=0).fit(X_TRAIN, y)
        assert training_notes(None, fitted, X_TRAIN, y) == []
    (note,) = training_notes(None, pruned().fit(X_TRAIN, y, sample_weight=weight), X_TRAIN, y)
    assert "fitted with row weights" in note
    ordered = DecisionTreeClassifier(min_samples_leaf=5, random_state=0, monotonic_cst=[-1, 1, 0])
    fitted = PrunedClassifier(ordered, random_state=0).fit(X_TRAIN, y)
    grown = fitted.path_.model
    shares = np.bincount(grown.apply(X_TRAIN), y == 1) / grown.tree_.n_node_samples
    leaves = grown.tree_.children_left < 0
    assert np.abs(shares - grown.tree_.value[:, 0, 1])[leaves].max() > 0.01  # they were clipped
    assert training_notes(None, fitted, X_TRAIN, y) == []
    number = X_TRAIN["debt"].to_numpy()
    for criterion in ("squared_error", "absolute_error"):
        tree = DecisionTreeRegressor(criterion=criterion, min_samples_leaf=20)
        fitted = PrunedRegressor(tree, random_state=0).fit(X_TRAIN, number)
        assert training_notes(None, fitted, X_TRAIN, number) == []
    zero = pruned().fit(X_TRAIN, y, sample_weight=(np.arange(200) >= 20).astype(float))
    with pytest.raises(ValueError, match="without rows of weight 0"):
        training_notes(None, zero, X_TRAIN, y)
    assert training_notes(None, zero, X_TRAIN[20:], y[20:]) == []


class Otherwise(TransformerMixin, BaseEstimator):
    """Rows come out otherwise when it is fitted, as from a target encoder."""

    def fit(self, X, y=None):
        return self

    def fit_transform(self, X, y=None):
        self.fitted_ = True
        return X + 0.3

    def transform(self, X):
        return X


def test_preprocessing_that_fits_otherwise_than_it_transforms_gives_a_note():
    y = Y_TRAIN.to_numpy()
    for before, told in ((Otherwise(), True), (StandardScaler(), False)):
        fitted = make_pipeline(before, pruned()).fit(X_TRAIN, y)
        notes = training_notes(fitted[:-1], fitted[-1], X_TRAIN, y)
        assert ["may not be what the model was fitted on" in note for note in notes] == [
            True
        ] * told
    with pytest.raises(ValueError, match="are not what the model was fitted on"):
        training_notes(fitted[:-1], fitted[-1], X_HELD, y)


def test_the_hash_is_of_the_values(model):
    one, again = told(model), told(model, X_HELD.copy(), Y_HELD.to_numpy())
    changed = X_HELD.copy()
    changed.iloc[3, 0] += 1
    other = told(model, changed)
    hashes = [r.content["record"]["sha256"] for r in (one, again, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) == 64


# -- which outcomes -------------------------------------------------------------------------------


def test_outcomes_in_every_form_are_the_same(model):
    expected = told(model).content
    for form in (list, lambda y: y.to_frame(), lambda y: y.to_numpy()[:, None], lambda y: y == 1):
        found = told(model, y=form(Y_HELD), y_train=form(Y_TRAIN)).content
        assert found["held_out"] == expected["held_out"]


@pytest.mark.parametrize(
    "y, words",
    [
        (Y_HELD[:-1], "y has 199 values and its rows are 200"),
        (np.c_[Y_HELD, Y_HELD], "1d array"),
        (Y_HELD.map(WORDS), r"y has values 'good', 'bad', which are none of .* \[0, 1\]"),
        (Y_HELD.astype(float).where(Y_HELD.index > 205), "y has values nan"),
        (Y_HELD.sample(frac=1, random_state=0), r"in another order; sort it by y.loc\[X.index\]"),
        (Y_HELD * 0, r"1 of 2 classes of 'late' have no held-out row: \['1'\]"),
    ],
)
def test_outcomes_that_cannot_be_are_refused(model, y, words):
    with pytest.raises(ValueError, match=words):
        told(model, y=y)


def test_outcomes_of_regression_are_numbers_that_differ():
    fitted = PrunedRegressor(DecisionTreeRegressor(min_samples_leaf=20), random_state=0)
    number = {"X_train": X_TRAIN, "y_train": X_TRAIN["debt"], "refits": 0}
    fitted.fit(X_TRAIN, X_TRAIN["debt"])
    for y, words in (
        (Y_HELD.map(WORDS), "y must hold numbers"),
        (X_HELD["debt"].where(X_HELD["debt"] > 5), "missing or infinite"),
        (X_HELD["debt"] * 0 + 2.5, "have one outcome, 2.5"),
    ):
        with pytest.raises(ValueError, match=words):
            report(fitted, X_HELD, y, **number)
    with pytest.raises(ValueError, match="the model predicts a number"):
        report(fitted, X_HELD, X_HELD["debt"], **number, decision=DECISION)


# -- labels of any kind ---------------------------------------------------------------------------


def without_labels(content):
    """What does not name a class."""
    held = content["held_out"]
    rows = [{**row, "detail": None} for row in held["rows"]]  # the tree as grown, with its weights
    told = content["path"]["steps"], content["calibration"]["models"], content["checks"]
    return [{**held, "rows": rows}, *told]


@pytest.mark.parametrize(
    "adverse, other, method",
    [
        ("bad", "good", "cost_complexity"),
        ("bad", "good", "reduced_error"),
        ("yes", "no", "reduced_error"),
        (True, False, "cost_complexity"),
        (-1, 1, "cost_complexity"),
    ],
)
def test_a_model_of_any_labels_is_reported_as_of_codes(adverse, other, method):
    tree = DecisionTreeClassifier(min_samples_leaf=20, random_state=0, class_weight={0: 1, 1: 2})
    named = DecisionTreeClassifier(
        min_samples_leaf=20, random_state=0, class_weight={other: 1, adverse: 2}
    )
    options = {"method": method, "strength": "auto", "random_state": 0}
    y_train, y = (y.map({0: other, 1: adverse}) for y in (Y_TRAIN, Y_HELD))
    costs = {"miss": 3, "false_alarm": 1}
    found = told(
        PrunedClassifier(named, **options).fit(X_TRAIN, y_train), y=y, y_train=y_train,
        decision=Decision(adverse=adverse, costs=costs),
    ).content  # fmt: skip
    expected = told(
        PrunedClassifier(tree, **options).fit(X_TRAIN, Y_TRAIN),
        decision=Decision(adverse=1, costs=costs),
    ).content
    assert found["decision"]["labels"] == [str(other), str(adverse)]
    assert found["decision"]["words"]["hit"] == f"had late = {adverse}"
    assert found["held_out"]["rows"][0]["detail"] == " ".join(repr(named).split())
    assert found["held_out"]["rows"][1]["leaves"] > 1
    # Rows that are set aside are drawn by class, in the order of the classes.
    if method == "cost_complexity" or sorted([other, adverse])[1] == adverse:
        assert without_labels(found) == without_labels(expected)
    kept = any("fitted once more on codes" in note for note in found["notes"])
    assert kept is (adverse is not True)


def test_without_a_decision_the_last_of_the_classes_is_meant():
    y_train, y = Y_TRAIN.map(WORDS), Y_HELD.map(WORDS)
    made = told(pruned().fit(X_TRAIN, y_train), y=y, y_train=y_train)
    assert made.content["decision"]["positive"] == "good"
    text = flat(made)
    assert "P is the probability that late is good" in text
    assert "labels are coded (0 is bad, 1 is good)" in text


def test_several_classes_of_names():
    X, y = load_iris(return_X_y=True, as_frame=True)
    named = y.map({0: "setosa", 1: "versicolor", 2: "virginica"})
    one, other = (
        report(pruned().fit(X[::2], y[::2]), X[1::2], y[1::2], X_train=X[::2], y_train=y[::2],
               refits=0).content
        for y in (named, y)
    )  # fmt: skip
    assert one["held_out"] == other["held_out"]
    assert [row["label"] for row in one["data"]["outcome"]] == ["setosa", "versicolor", "virginica"]


def test_a_model_that_cannot_be_fitted_alike_is_refused():
    y_train, y = Y_TRAIN.map(WORDS), Y_HELD.map(WORDS)
    tree = DecisionTreeClassifier(splitter="random", min_samples_leaf=5)
    fitted = PrunedClassifier(tree, strength=0.0).fit(X_TRAIN, y_train)
    with pytest.raises(ValueError, match=r"it is not the same model: .* before fitting"):
        told(fitted, y=y, y_train=y_train)
    scoring = make_scorer(precision_score, pos_label="bad", zero_division=0.0)
    fitted = pruned(scoring=scoring, strength="best").fit(X_TRAIN, y_train)
    with pytest.raises(ValueError, match="it is not the same model"):
        told(fitted, y=y, y_train=y_train)


def test_the_twin_permutes_cost_matrices_and_keeps_parameters():
    y_train = Y_TRAIN.map(WORDS).to_numpy()
    matrix = np.array([[0.0, 5.0], [1.0, 0.0]])  # bad, good
    fitted = make_pipeline(
        StandardScaler(),
        PrunedClassifier(TREE, method="reduced_error", risk="cost", cost_matrix=matrix,
                         random_state=0),
    ).fit(X_TRAIN, y_train)  # fmt: skip
    twin = twin_of(fitted, ["good", "bad"], X_TRAIN, y_train, X_HELD)
    assert twin[-1].cost_matrix.tolist() == [[0.0, 1.0], [5.0, 0.0]]
    assert twin[-1].validation == 0.25
    assert fitted[-1].cost_matrix is matrix
    p, q = fitted.predict_proba(X_HELD), twin.predict_proba(X_HELD)
    assert np.allclose(p, q[:, ::-1], rtol=0, atol=1e-12)


def test_the_twin_turns_stated_orders():
    tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=0, monotonic_cst=[-1, 1, 0])
    y_train = Y_TRAIN.map(WORDS).to_numpy()
    fitted = make_pipeline(PrunedClassifier(tree, strength=0.0)).fit(X_TRAIN, y_train)
    twin = twin_of(fitted, ["good", "bad"], X_TRAIN, y_train, X_HELD)
    assert twin[-1].estimator.monotonic_cst == [1, -1, 0]
    assert twin[-1].estimator_.get_n_leaves() == fitted[-1].estimator_.get_n_leaves() > 2


def test_labels_and_codes():
    classes = np.array(["a", "b"])
    assert label_order(classes, None) == ["a", "b"]
    assert label_order(classes, Decision("a", cutoff=0.5)) == ["b", "a"]
    with pytest.raises(ValueError, match="about two classes; the model has 3"):
        label_order(np.arange(3), DECISION)
    with pytest.raises(ValueError, match="'worse' must be one of"):
        label_order(classes, Decision("worse", cutoff=0.5))
    many = np.array([f"v{i}" for i in range(9)])
    with pytest.raises(ValueError, match="'v0', 'v1', 'v2', 'v3', 'v4' and 4 more, which"):
        codes_of(many, ["a", "b"], "y")


# -- decisions ------------------------------------------------------------------------------------


def test_a_cost_matrix_is_read_in_its_own_unit(model):
    y, p = Y_HELD.to_numpy(), model.predict_proba(X_HELD)[:, 1]
    mapping = told(model, decision=Decision(1, costs={"miss": 50, "false_alarm": 10})).content
    matrix = told(model, decision=Decision(1, costs=[[0, 10], [50, 0]])).content
    assert {**mapping, "made": None} == {**matrix, "made": None}
    assert matrix["decision"]["costs"] == {
        "miss": 50.0, "false_alarm": 10.0, "source": "as the decision says"
    }  # fmt: skip
    assert matrix["decision"]["cutoff_text"] == "1/6"
    cost = np.where(p >= 1 / 6, (y == 0) * 10.0, (y == 1) * 50.0).mean()
    figures = matrix["held_out"]["rows"][1]["figures"]
    assert figures["cost"]["value"] == pytest.approx(cost)
    argmax = np.where(p > 0.5, (y == 0) * 10.0, (y == 1) * 50.0).mean()
    assert figures["cost_argmax"]["value"] == pytest.approx(argmax)


def test_right_decisions_that_cost_are_taken_off(model):
    made = told(model, decision=Decision(1, costs=[[2, 12], [53, 3]]))
    costs = made.content["decision"]["costs"]
    assert (costs["miss"], costs["false_alarm"]) == (50.0, 10.0)
    assert "each beyond what the right decision costs" in flat(made)


@pytest.mark.parametrize(
    "cutoff, text", [(1 / 6, "1/6"), (0.3, "0.3"), (2 / 3, "2/3"), (0.5, "0.5"), (1, "1"),
                     (0.123456789, "0.1235")]
)  # fmt: skip
def test_a_cutoff_without_costs_prints_no_cost(model, cutoff, text):
    made = told(model, decision=Decision(1, cutoff=cutoff, adverse_word="declined"))
    content = made.content
    assert content["decision"]["costs"] is None
    assert content["decision"]["cutoff"] == cutoff
    assert content["decision"]["cutoff_text"] == text
    assert not {"cost", "cost_argmax"} & set(content["held_out"]["rows"][1]["figures"])
    declined = (model.predict_proba(X_HELD)[:, 1] >= cutoff).sum()
    assert content["held_out"]["swap"]["n_acted"] == declined
    told_text = flat(made)
    assert f"P >= {text}, a cut-off that was stated without costs" in told_text
    assert "xpected cost" not in told_text
    assert "as the cut-off implies" not in told_text


def test_other_things_than_decisions_are_refused(model):
    with pytest.raises(TypeError, match="decision must be a Decision, got dict"):
        told(model, decision={"adverse": 1, "cutoff": 0.5})
    with pytest.raises(ValueError, match="'bad' must be one of"):
        told(model, decision=Decision("bad", cutoff=0.5))
    with pytest.raises(ValueError, match=r"immutable of the Decision speaks of \['sex'\]"):
        told(model, decision=Decision(1, cutoff=0.5, immutable=["sex"]))


# -- sensitive columns ----------------------------------------------------------------------------


def columns_of(made):
    return [(c["column"], c["seen"]) for c in made.content["fairness"]["columns"]]


def test_the_decisions_sensitive_columns_are_measured(model):
    made = told(model, decision=Decision(1, cutoff=0.5, sensitive=["age"]))
    assert columns_of(made) == [("age", True)]
    text = flat(made)
    assert "by age, which the models take" in text
    assert "no model has seen" not in text
    assert made.content["excluded"] == []


def test_it_is_said_of_each_column_whether_models_take_it(model):
    sex = pd.Series(np.where(np.arange(200) % 2, "f", "m"), X_HELD.index, name="sex")
    frame = pd.concat([sex, X_HELD["age"]], axis=1)
    decision = Decision(1, cutoff=0.5, sensitive=["sex", "age"])
    made = told(model, sensitive=frame, decision=decision)
    assert columns_of(made) == [("sex", False), ("age", True)]
    text = flat(made)
    assert "by sex, which no model has seen; by age, which the models take" in text
    assert "Excluded: sex (sensitive)." in text
    assert columns_of(told(model, sensitive=sex)) == [("sex", False)]


def test_a_column_that_preprocessing_drops_is_not_seen():
    keep = make_column_transformer(("passthrough", ["income", "debt"]))
    fitted = make_pipeline(keep, pruned()).fit(X_TRAIN, Y_TRAIN)
    made = told(fitted, decision=Decision(1, cutoff=0.5, sensitive=["age"]))
    assert columns_of(made) == [("age", False)]
    assert "Excluded: age (sensitive)." in flat(made)
    assert "Excluded: age (dropped by the model's preprocessing)." in flat(told(fitted))


def test_sensitive_columns_that_cannot_be_are_refused(model):
    with pytest.raises(TypeError, match="sensitive must be a DataFrame or Series"):
        told(model, sensitive=X_HELD["age"].to_numpy())
    with pytest.raises(ValueError, match="sensitive has 197 rows and X has 200"):
        told(model, sensitive=X_HELD[["age"]][:-3])
    with pytest.raises(ValueError, match="in another order"):
        told(model, sensitive=X_HELD[["age"]][::-1])
    with pytest.raises(ValueError, match=r"not given \['age'\], but it takes them"):
        told(model, excluded={"age": "sensitive"})


# -- derived columns ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step, used",
    [
        (FunctionTransformer(np.log1p, feature_names_out="one-to-one"), {"income", "debt", "age"}),
        (FunctionTransformer(np.log1p), {"income", "debt", "age"}),
        (PolynomialFeatures(2, include_bias=False), {"income"}),
        (make_pipeline(StandardScaler(), PCA(2)), {"income", "debt", "age"}),
    ],
    ids=["log", "log without names", "products", "components"],
)
@pytest.mark.parametrize("decision", [None, DECISION], ids=["", "decision"])
def test_columns_that_cannot_be_undone_are_told_by_their_name(step, used, decision):
    if decision is not None:
        decision = Decision(1, cutoff=0.5)
    fitted = make_pipeline(step, pruned()).fit(X_TRAIN, Y_TRAIN)
    content = told(fitted, decision=decision).content
    assert all(check["passed"] is not False for check in content["checks"])
    assert {row["column"] for row in content["data"]["columns"] if row["pruned"]} >= used
    assert content["held_out"]["rows"][1]["columns"] >= len(used)
    assert content["tree"]["n_leaves"] == content["rules"]["n"] > 1
    if content["sql"]["text"] is None:
        assert content["sql"]["why"].startswith("no query: ")


# -- the package ----------------------------------------------------------------------------------


def test_the_package_is_called_like_its_function():
    import treeprune.report as package

    assert treeprune.report is package
    assert package.report is not package
    assert callable(package)


@pytest.mark.parametrize("name", ["report", "explain"])
def test_the_package_shows_its_functions_signature_and_says_where_help_is(name):
    package = getattr(treeprune, name)
    function = getattr(package, name)
    assert inspect.signature(package) == inspect.signature(function)
    assert list(inspect.signature(package).parameters)[:3] == ["model", "X", "y"]
    page = pydoc.render_doc(package, renderer=pydoc.plaintext)
    assert f"help(treeprune.{name}.{name})" in page[:300]
