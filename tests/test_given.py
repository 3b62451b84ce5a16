"""A report on a model that is already fitted: pipelines as people write them, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import treeprune
from treeprune import Decision, PrunedClassifier, PrunedRegressor, PrunedTreeClassifier, report
from treeprune.datasets import load_german_credit

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


def test_the_hash_is_of_the_values(rows):
    X_train, X, y_train, y, _ = rows
    numbers = list(X_train.select_dtypes("number").columns)
    model = PrunedClassifier(TREE, random_state=0).fit(X_train[numbers], y_train)
    given = {"X_train": X_train[numbers], "y_train": y_train, "refits": 0}
    one = report(model, X[numbers], y, **given)
    again = report(model, X[numbers].copy(), y.to_numpy(), **given)
    changed = X[numbers].copy()
    changed.iloc[3, 0] += 1
    other = report(model, changed, y, **given)
    hashes = [r.content["record"]["sha256"] for r in (one, again, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) == 64


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda X, y: RandomForestClassifier(5).fit(X, y), TypeError, "fitted pruned decision"),
        (lambda X, y: TREE.fit(X, y), TypeError, "PrunedClassifier"),
        (lambda X, y: PrunedClassifier(TREE), TypeError, "fitted pruned decision tree"),
        (
            lambda X, y: PrunedClassifier(RandomForestClassifier(5, random_state=0)).fit(X, y),
            TypeError,
            "fitted pruned decision tree",
        ),
        (
            lambda X, y: PrunedClassifier(TREE).fit(X, np.where(y == 1, "bad", "good")),
            ValueError,
            "classes must be 0, 1",
        ),
    ],
)
def test_other_models_are_refused(make, error, words):
    X, y = load_iris(return_X_y=True, as_frame=True)
    y = (y == 1).astype(int)
    with pytest.raises(error, match=words):
        report(make(X, y), X, y, X_train=X, y_train=y)


def test_other_rows_and_decisions_are_refused():
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = PrunedClassifier(TREE, random_state=0).fit(X, y == 1)
    binary = PrunedClassifier(TREE, random_state=0).fit(X, (y == 1).astype(int))
    told = report(model, X, y == 1, X_train=X, y_train=y == 1, refits=0)  # False and True will do
    assert told.content["decision"]["positive"] == "True"
    with pytest.raises(TypeError, match="must be DataFrames"):
        report(binary, X.to_numpy(), y == 1, X_train=X, y_train=y == 1)
    with pytest.raises(ValueError, match="1 is adverse"):
        report(
            binary, X, y == 1, X_train=X, y_train=y == 1, decision=Decision(adverse=0, cutoff=0.5)
        )
    three = PrunedClassifier(TREE, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="about two classes"):
        report(three, X, y, X_train=X, y_train=y, decision=DECISION)


def test_the_package_is_called_like_its_function():
    import treeprune.report as package

    assert treeprune.report is package
    assert package.report is not package
    assert callable(package)
