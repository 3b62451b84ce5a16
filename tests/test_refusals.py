"""Bad input is refused; the error says what came and what is possible; nothing is half done."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted

from treeprune import (
    METHODS,
    PrunedClassifier,
    PrunedRegressor,
    PrunedTreeClassifier,
    PrunedTreeRegressor,
    UnsupportedModelError,
    cost_decision,
    prune,
    pruning_path,
    pruning_strengths,
    shrink,
)

X, Y = load_breast_cancer(return_X_y=True)
X, Y = X[::2, :5], Y[::2]
XR, YR = (a[::2] for a in load_diabetes(return_X_y=True))
N, NAMES = len(Y), ["radius", "texture", "perimeter", "area", "smooth"]
FRAME = pd.DataFrame(X, columns=NAMES)
W = np.ones(N)

TREE = DecisionTreeClassifier(random_state=0).fit(X, Y)
NAMED = DecisionTreeClassifier(random_state=0).fit(FRAME, Y)
WORDS = DecisionTreeClassifier(random_state=0).fit(X, np.array(["good", "bad"], object)[Y])
IRIS = DecisionTreeClassifier(random_state=0).fit(*load_iris(return_X_y=True))
PAIR = DecisionTreeClassifier(random_state=0).fit(X, np.column_stack([Y, 1 - Y]))
REGRESSION = DecisionTreeRegressor(random_state=0, min_samples_leaf=5).fit(XR, YR)
FOREST = RandomForestClassifier(3, random_state=0, min_samples_leaf=5).fit(X, Y)
PATH, FOREST_PATH, NAMED_PATH = pruning_path(TREE), pruning_path(FOREST), pruning_path(NAMED)

HOLD = {"method": "reduced_error"}
COST = {"risk": "cost"}


@dataclass
class Bad:
    """A call that must be refused: the error, and every piece of its message (ignoring case)."""

    call: Any
    error: type[Exception]
    says: list[str]
    name: str = ""
    options: dict = field(default_factory=dict)


def refused(bad):
    """The message, after checking the type and that it says all it must."""
    with pytest.raises(bad.error) as caught:
        bad.call()
    message = str(caught.value)
    for piece in bad.says:
        assert re.search(piece, message, re.IGNORECASE), f"{piece!r} is not said in: {message}"
    return message


def cases(*bad):
    return pytest.mark.parametrize("bad", [pytest.param(b, id=b.name) for b in bad])


def path_of(name, error, says, *args, **options):
    """`pruning_path` of the classifier unless another model comes first."""
    return Bad(lambda: pruning_path(*args, **options), error, says, name)


ALL_METHODS = [*METHODS]


@cases(
    path_of("unknown", ValueError, ["'gini'", *ALL_METHODS], TREE, method="gini"),
    path_of(
        "task",
        ValueError,
        ["pessimistic", "regression", "cost_complexity", "reduced_error", "agreement"],
        REGRESSION,
        method="pessimistic",
    ),
    path_of(
        "outputs",
        ValueError,
        ["error_based", "several outputs", "cost_complexity", "reduced_error", "agreement"],
        PAIR,
        method="error_based",
    ),
    path_of(
        "risk unknown",
        ValueError,
        ["'gini'", "cost_complexity", "classification", "impurity", "log_loss", "brier"],
        TREE,
        risk="gini",
    ),
    path_of(
        "risk of regression for classes",
        ValueError,
        ["squared_error", "classification", "impurity"],
        TREE,
        risk="squared_error",
    ),
    path_of(
        "risk of classes for regression",
        ValueError,
        ["log_loss", "regression", "squared_error"],
        REGRESSION,
        risk="log_loss",
    ),
    path_of(
        "impurity on held-out rows",
        ValueError,
        ["impurity", "reduced_error", "error", "brier"],
        TREE,
        X,
        Y,
        risk="impurity",
        **HOLD,
    ),
    path_of(
        "a method with a risk of its own",
        ValueError,
        ["minimum_error", "own risk", "risk=None", "'brier'"],
        TREE,
        method="minimum_error",
        risk="brier",
    ),
)
def test_methods_and_risks(bad):
    refused(bad)


@cases(
    path_of("missing", ValueError, ["cost_matrix", "2 x 2", "true, predicted"], TREE, **COST),
    path_of(
        "shape", ValueError, [r"\(3, 3\)", r"\(2, 2\)"], TREE, cost_matrix=np.ones((3, 3)), **COST
    ),
    path_of("one row", ValueError, [r"\(2,\)", r"\(2, 2\)"], TREE, cost_matrix=[1, 5], **COST),
    path_of("negative", ValueError, ["not negative"], TREE, cost_matrix=[[0, -1], [5, 0]], **COST),
    path_of("nan", ValueError, ["finite"], TREE, cost_matrix=[[0, np.nan], [5, 0]], **COST),
    path_of("inf", ValueError, ["finite"], TREE, cost_matrix=[[0, np.inf], [5, 0]], **COST),
    path_of(
        "unused", ValueError, ["cost_matrix", "risk='cost'"], TREE, cost_matrix=[[0, 1], [5, 0]]
    ),
    path_of(
        "two outputs", ValueError, ["one output", "error"], PAIR, cost_matrix=np.eye(2), **COST
    ),
    Bad(lambda: cost_decision([0.1, 0.9], np.eye(2)), ValueError, [r"\(2,\)", "rows"], "vector"),
    Bad(
        lambda: cost_decision([[0.1, 0.9]], np.eye(3)),
        ValueError,
        [r"\(3, 3\)", r"\(2, 2\)"],
        "decision shape",
    ),
    Bad(
        lambda: PrunedClassifier(cost_matrix=np.eye(2)).fit(X, Y),
        ValueError,
        ["risk='cost'"],
        "estimator unused",
    ),
    Bad(
        lambda: PrunedClassifier(risk="cost", cost_matrix=np.ones((3, 3))).fit(X, Y),
        ValueError,
        [r"\(3, 3\)", r"\(2, 2\)"],
        "estimator shape",
    ),
)
def test_cost_matrices(bad):
    refused(bad)


def broken_weights():
    return {
        "negative": (np.where(np.arange(N) == 3, -1.0, 1.0), ["negative"]),
        "nan": (np.where(np.arange(N) == 3, np.nan, 1.0), ["nan"]),
        "length": (W[:10], ["10", str(N)]),
        "zero": (0 * W, ["zero"]),
        "table": (np.ones((N, 2)), ["1D|2 dim|shape"]),
    }


@pytest.mark.parametrize("what", list(broken_weights()))
@pytest.mark.parametrize("options", [HOLD, {"risk": "error"}, {"method": "agreement"}, {}])
def test_weights_of_given_rows(what, options):
    weight, says = broken_weights()[what]
    refused(
        Bad(lambda: pruning_path(TREE, X, Y, sample_weight=weight, **options), ValueError, says)
    )


@pytest.mark.parametrize("what", list(broken_weights()))
@pytest.mark.parametrize("model", [PrunedClassifier, PrunedTreeClassifier])
def test_weights_in_fit(what, model):
    weight, says = broken_weights()[what]
    estimator = model(strength=0.01)
    refused(Bad(lambda: estimator.fit(X, Y, sample_weight=weight), ValueError, says))


@pytest.mark.parametrize("what", list(broken_weights()))
@pytest.mark.parametrize("path", [PATH, FOREST_PATH], ids=["tree", "forest"])
@pytest.mark.parametrize("scoring", [None, "roc_auc"])
def test_weights_of_scored_rows(what, path, scoring):
    weight, says = broken_weights()[what]
    refused(Bad(lambda: path.score(X, Y, scoring=scoring, sample_weight=weight), ValueError, says))


@pytest.mark.parametrize("path", [PATH, FOREST_PATH], ids=["tree", "forest"])
@pytest.mark.parametrize("scoring", [None, "neg_log_loss", "roc_auc"])
@pytest.mark.parametrize("short", ["X", "y"])
def test_scored_rows_and_targets_of_other_lengths(path, scoring, short):
    # One row only: reading far beyond the end of `y` would end the interpreter, not the test.
    rows, target = (X[:-1], Y) if short == "X" else (X, Y[:-1])
    refused(
        Bad(lambda: path.score(rows, target, scoring=scoring), ValueError, [str(N - 1), str(N)])
    )


@pytest.mark.parametrize("path", [PATH, FOREST_PATH], ids=["tree", "forest"])
def test_no_row_to_score(path):
    refused(Bad(lambda: path.score(X[:0], Y[:0]), ValueError, ["no row"]))


def strengths_of(value):
    yield lambda: PrunedClassifier(strength=value).fit(X, Y)
    yield lambda: PrunedTreeRegressor(strength=value).fit(XR, YR)


@pytest.mark.parametrize("value", [-0.1, -np.inf, np.nan, "foo", None, [0.1]])
def test_strengths(value):
    possible = ["strength", "auto", "best", "one_se", "0"]
    for call in strengths_of(value):
        refused(Bad(call, ValueError, possible))
    if value is not None:
        refused(
            Bad(
                lambda: prune(TREE, strength=value), (ValueError, TypeError), ["strength", "number"]
            )
        )


@cases(
    Bad(lambda: prune(TREE), ValueError, ["strength or max_size", "PrunedClassifier"], "neither"),
    Bad(lambda: prune(TREE, max_size=0), ValueError, ["at most 0", "leaves", "to 1"], "zero"),
    Bad(lambda: prune(FOREST, max_size=2), ValueError, ["at most 2", "to 3"], "fewer than trees"),
    Bad(
        lambda: prune(TREE, max_size=1, never_prune=[0, 1, 2, 3, 4]),
        ValueError,
        ["at most 1", "sizes"],
        "all is kept",
    ),
    Bad(
        lambda: PrunedClassifier(max_size=0).fit(X, Y),
        ValueError,
        ["max_size", r"\[1, inf\)", "Got 0"],
        "estimator zero",
    ),
    Bad(
        lambda: PrunedTreeClassifier(max_size=2.5).fit(X, Y),
        ValueError,
        ["max_size", "int", "Got 2.5"],
        "estimator fraction",
    ),
    Bad(
        lambda: PrunedClassifier(
            RandomForestClassifier(4, max_depth=2), max_size=3, strength=0.0
        ).fit(X, Y),
        ValueError,
        ["at most 3", "to 4"],
        "estimator forest",
    ),
    Bad(
        lambda: PrunedClassifier(max_size=1, strength=0.0, never_prune=[0, 1, 2, 3, 4]).fit(X, Y),
        ValueError,
        ["at most 1", "sizes"],
        "estimator kept",
    ),
)
def test_sizes(bad):
    refused(bad)


UNSUPPORTED = [
    (LogisticRegression(), []),
    (LinearRegression(), []),
    (HistGradientBoostingClassifier(), []),
    (GradientBoostingClassifier(n_estimators=2), []),
    (make_pipeline(StandardScaler(), DecisionTreeClassifier()), ["last step"]),
    (GridSearchCV(DecisionTreeClassifier(), {"max_depth": [2]}), []),
    (PrunedClassifier(strength=0.1), []),
]


@pytest.mark.parametrize("model, hint", UNSUPPORTED, ids=lambda v: type(v).__name__)
def test_other_models(model, hint):
    says = [type(model).__name__, "DecisionTreeClassifier", "ExtraTreesRegressor", *hint]
    refused(Bad(lambda: pruning_path(model), UnsupportedModelError, says))
    wrapper = PrunedClassifier(model)
    refused(Bad(lambda: wrapper.fit(X, Y), UnsupportedModelError, says))
    with pytest.raises(NotFittedError):
        check_is_fitted(wrapper)


def test_fitted_wrappers_are_told_what_to_give():
    search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [2]}, cv=2).fit(X, Y)
    refused(Bad(lambda: pruning_path(search), UnsupportedModelError, ["best_estimator_"]))
    wrapped = PrunedClassifier(strength=0.01).fit(X, Y)
    refused(Bad(lambda: pruning_path(wrapped), UnsupportedModelError, [r"model\.estimator_"]))


@pytest.mark.parametrize(
    "wrapper",
    [
        PrunedClassifier(DecisionTreeRegressor(), strength=0.1),
        PrunedClassifier(ExtraTreesRegressor(2), strength=0.1),
        PrunedRegressor(DecisionTreeClassifier(), strength=0.1),
        PrunedRegressor(RandomForestClassifier(2), method="reduced_error"),
    ],
    ids=repr,
)
def test_a_model_of_the_other_task(wrapper):
    given = type(wrapper.estimator).__name__
    other = "PrunedRegressor" if isinstance(wrapper, PrunedClassifier) else "PrunedClassifier"
    refused(Bad(lambda: wrapper.fit(X, Y), (ValueError, TypeError), [given, other]))


@pytest.mark.parametrize(
    "use", [pruning_path, lambda m: prune(m, max_size=2), lambda m: shrink(m, 1.0)]
)
@pytest.mark.parametrize("model", [DecisionTreeClassifier(), ExtraTreesRegressor()])
def test_models_that_are_not_fitted(use, model):
    refused(Bad(lambda: use(model), NotFittedError, ["not fitted", type(model).__name__]))


@pytest.mark.parametrize("model", [PrunedClassifier(), PrunedTreeRegressor(), PrunedRegressor()])
def test_estimators_that_are_not_fitted(model):
    refused(Bad(lambda: model.predict(X), NotFittedError, ["not fitted", type(model).__name__]))


@cases(
    path_of("no rows", ValueError, ["reduced_error", "needs rows", "X, y"], TREE, **HOLD),
    path_of("no rows, agreement", ValueError, ["agreement", "X"], TREE, method="agreement"),
    path_of("no targets", ValueError, ["targets", "give y"], TREE, X, **HOLD),
    path_of("targets alone", ValueError, ["X"], TREE, None, Y, risk="error"),
    path_of("weights alone", ValueError, ["X"], TREE, risk="error", sample_weight=W),
    path_of("no targets, error", ValueError, ["targets", "give y"], TREE, X, risk="error"),
    path_of("empty", ValueError, ["rows?", "0|none|empty|at least"], TREE, X[:0], Y[:0], **HOLD),
    path_of(
        "empty, agreement", ValueError, ["rows?", "0|none|empty"], TREE, X[:0], method="agreement"
    ),
    path_of("X longer", ValueError, [str(N), str(N - 1)], TREE, X, Y[:-1], **HOLD),
    path_of("y longer", ValueError, [str(N), str(N - 1)], TREE, X[:-1], Y, **HOLD),
    path_of("labels", ValueError, ["no label", r"\[0, 1\]", "7"], TREE, X, Y + 7, **HOLD),
    path_of(
        "labels as text", ValueError, ["no label", r"\[0, 1\]"], TREE, X, Y.astype(str), **HOLD
    ),
    path_of("codes for words", ValueError, ["no label|type", "'bad'"], WORDS, X, Y, **HOLD),
    path_of("outputs", ValueError, ["2 outputs", "has 1"], TREE, X, np.c_[Y, Y], **HOLD),
    path_of("one output", ValueError, ["1 outputs?", "has 2"], PAIR, X, Y, **HOLD),
    path_of("columns", ValueError, ["3 features", "5 features"], TREE, X[:, :3], Y, **HOLD),
    path_of("nan target", ValueError, ["finite"], REGRESSION, XR, YR * np.nan, **HOLD),
    path_of("words for numbers", ValueError, ["a"], REGRESSION, XR, np.full(len(YR), "a"), **HOLD),
)
def test_rows_to_prune_by(bad):
    refused(bad)


RENAMED = FRAME.rename(columns={"area": "Area"})
REORDERED = FRAME[NAMES[::-1]]


@pytest.mark.parametrize("frame", [RENAMED, REORDERED], ids=["renamed", "reordered"])
def test_columns_of_other_names_or_order(frame):
    says = ["feature names"]
    fitted = PrunedClassifier(strength=0.01).fit(FRAME, Y)
    for call in (
        lambda: pruning_path(NAMED, frame, Y, method="reduced_error"),
        lambda: pruning_path(NAMED, frame, method="agreement"),
        lambda: NAMED_PATH.score(frame, Y),
        lambda: next(NAMED_PATH.staged_predict(frame)),
        lambda: fitted.predict(frame),
        lambda: fitted.predict_proba(frame),
        lambda: PrunedTreeClassifier(strength=0.01).fit(FRAME, Y).predict(frame),
    ):
        refused(Bad(call, ValueError, says))


class Overlap:
    """A splitter that gives whatever it was told."""

    def __init__(self, train, test):
        self.parts = np.asarray(train), np.asarray(test)

    def split(self, X, y=None, groups=None):
        yield self.parts


ROWS = np.arange(N)


@cases(
    *(
        Bad(
            lambda part=part, groups=groups: PrunedClassifier(
                method="reduced_error", validation=part
            ).fit(X, Y, groups=groups),
            ValueError,
            says,
            name,
        )
        for name, part, says, groups in (
            ("zero", 0.0, ["validation", r"\(0.0, 1.0\)", "Got 0"], None),
            ("one", 1.0, ["validation", r"\(0.0, 1.0\)"], None),
            ("nan", np.nan, ["validation", r"\(0.0, 1.0\)"], None),
            ("list", [(ROWS[:9], ROWS[9:])], ["validation", "split"], None),
            ("text", "foo", ["validation", "split", "foo"], None),
            ("empty", Overlap(ROWS, []), [f"{N} rows", "at least 1"], None),
            ("nothing to grow", Overlap([], ROWS), ["0 rows to grow", "at least 1"], None),
            ("overlap", Overlap(ROWS, ROWS[:3]), ["disjoint"], None),
            ("out of range", Overlap(ROWS, [N]), ["disjoint", f"0 to {N - 1}"], None),
            ("negative", Overlap(ROWS[:-1], [-1]), ["disjoint", f"0 to {N - 1}"], None),
            ("length", PredefinedSplit(np.zeros(9)), ["9", str(N), "fraction"], None),
            ("no fold", PredefinedSplit(-np.ones(N)), ["0 rows", "at least 1"], None),
            ("groups", GroupShuffleSplit(), ["groups"], None),
            ("one group", 0.25, ["group|n_samples|empty"], np.zeros(N)),
        )
    )
)
def test_validation_parts(bad):
    refused(bad)


def test_one_row_cannot_be_split():
    for method in ("reduced_error", "agreement"):
        bad = PrunedRegressor(method=method)
        says = ["at least 2 rows", "n_samples=1", "cost_complexity"]
        refused(Bad(lambda bad=bad: bad.fit(XR[:1], YR[:1]), ValueError, says))


n_nodes = TREE.tree_.node_count
a_leaf = int(np.flatnonzero(TREE.tree_.children_left == -1)[0])
of_nodes = [f"0 to {n_nodes - 1}"]


@cases(
    path_of("length", ValueError, [rf"\({n_nodes},\)", r"\(2,\)"], TREE, by=lambda t: [1, 2]),
    path_of("nan", ValueError, ["NaN"], TREE, by=lambda t: np.full(len(t), np.nan)),
    path_of("-inf", ValueError, ["-inf"], TREE, by=lambda t: np.full(len(t), -np.inf)),
    path_of("number", ValueError, [r"\(\)"], TREE, by=lambda t: 1.0),
    path_of("leaf", ValueError, [f"node {a_leaf}", "not a split", *of_nodes], TREE, by=[a_leaf]),
    path_of("beyond", ValueError, [f"node {n_nodes}", *of_nodes], TREE, by=[0, n_nodes]),
    path_of("negative", ValueError, ["node -1", *of_nodes], TREE, by=[-1]),
    path_of("words", (ValueError, TypeError), ["a"], TREE, by=["a"]),
    path_of("fractions", ValueError, ["by", "1.5"], TREE, by=[1.5]),
    path_of("a mask", ValueError, ["by", "bool|mask"], TREE, by=np.ones(n_nodes, bool)),
)
def test_rules_of_ones_own(bad):
    refused(bad)


@cases(
    path_of("unknown", ValueError, ["'Area'", *NAMES], NAMED, never_prune=["area", "Area"]),
    path_of("one name", ValueError, ["'Area'", *NAMES], NAMED, never_prune="Area"),
    path_of("no names", ValueError, ["'area'", "0 to 4", "no names"], TREE, never_prune=["area"]),
    path_of("beyond", ValueError, ["5", "0 to 4"], TREE, never_prune=[5]),
    path_of("negative", ValueError, ["-1", "0 to 4"], TREE, never_prune=[-1]),
    path_of("fraction", ValueError, ["1.5", "0 to 4"], TREE, never_prune=[1.5]),
    path_of("a mask", ValueError, ["True", "0 to 4"], TREE, never_prune=[True, False]),
    path_of("a number", (ValueError, TypeError), ["never_prune", "3"], TREE, never_prune=3),
    Bad(
        lambda: PrunedClassifier(never_prune=["Area"], strength=0.0).fit(FRAME, Y),
        ValueError,
        ["'Area'", *NAMES],
        "estimator",
    ),
)
def test_columns_that_stay(bad):
    refused(bad)


@pytest.mark.parametrize("alpha", [0.01, np.float32(0.5)])
@pytest.mark.parametrize("model", [PrunedTreeClassifier, PrunedTreeRegressor])
def test_two_ways_to_prune_at_once(model, alpha):
    says = ["ccp_alpha", str(float(alpha)), "strength"]
    refused(Bad(lambda: model(ccp_alpha=alpha).fit(X, Y), ValueError, says))


@cases(
    Bad(lambda: PATH.cut(), ValueError, ["step", "size", "strength"], "nothing"),
    Bad(lambda: PATH.cut(0, size=2), ValueError, ["one of step, size, strength"], "two"),
    Bad(lambda: PATH.cut(size=2, strength=0.1), ValueError, ["size", "strength"], "size twice"),
    Bad(
        lambda: PATH.cut(len(PATH)),
        IndexError,
        [f"step {len(PATH)}", f"0 to {len(PATH) - 1}"],
        "beyond",
    ),
    Bad(lambda: PATH.cut(-len(PATH) - 1), IndexError, [f"0 to {len(PATH) - 1}"], "before"),
    Bad(lambda: PATH.cut(1.5), (TypeError, ValueError, IndexError), ["step|integer"], "fraction"),
    Bad(lambda: PATH.cut(size=0), ValueError, ["at most 0 leaves", "to 1"], "no leaf"),
    Bad(lambda: PATH.cut(strength=np.nan), ValueError, ["NaN", "inf"], "nan"),
    Bad(lambda: FOREST_PATH.cut(size=2), ValueError, ["at most 2", "to 3"], "forest"),
    Bad(lambda: PATH.step_for(), ValueError, ["size or strength"], "no step"),
    Bad(
        lambda: pruning_path(REGRESSION).staged_predict_proba(XR),
        AttributeError,
        ["regressor", "staged_predict"],
        "no classes",
    ),
    Bad(lambda: PATH.best_step, ValueError, ["no scores", "best", "one_se"], "unscored best"),
    Bad(lambda: PATH.one_se_step, ValueError, ["no scores"], "unscored one_se"),
)
def test_steps(bad):
    refused(bad)


@cases(
    Bad(lambda: PATH.score(X, Y, scoring="foo"), ValueError, ["'?foo", "roc_auc"], "name"),
    Bad(lambda: PATH.score(X, Y, scoring=["r2"]), ValueError, [r"\['r2'\]", "one"], "list"),
    Bad(lambda: PATH.score(X, Y, scoring=5), ValueError, ["5", "callable"], "number"),
    Bad(lambda: PrunedClassifier(scoring="foo").fit(X, Y), ValueError, ["'foo'", "roc_auc"], "fit"),
    Bad(
        lambda: PrunedClassifier(scoring=["roc_auc"]).fit(X, Y),
        ValueError,
        ["scoring", "callable", r"\['roc_auc'\]"],
        "fit list",
    ),
)
def test_scorers(bad):
    refused(bad)


@pytest.mark.filterwarnings("ignore:The groups parameter is ignored")
@cases(
    Bad(
        lambda: PrunedClassifier(cv=ShuffleSplit(1, random_state=0)).fit(X, Y),
        ValueError,
        ["at least two splits", "cv >= 2", "best"],
        "one split",
    ),
    Bad(lambda: PrunedClassifier(cv="five").fit(X, Y), ValueError, ["cv", "five"], "text"),
    Bad(lambda: PrunedClassifier(cv=KFold(N + 1)).fit(X, Y), ValueError, [str(N)], "too many"),
    Bad(lambda: PrunedClassifier(cv=GroupKFold(3)).fit(X, Y), ValueError, ["groups"], "groups"),
    Bad(lambda: PrunedClassifier(cv=[]).fit(X, Y), ValueError, ["cv|split|fold"], "no split"),
    Bad(
        lambda: PrunedClassifier().fit(X, Y, groups=np.zeros(9)),
        ValueError,
        ["9", str(N)],
        "groups of another length",
    ),
)
def test_folds(bad):
    refused(bad)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("scoring", ["roc_auc", "f1"])
def test_a_score_that_no_fold_can_have(scoring):
    """Labels in order: a training fold without a class, or a test fold of one class."""
    order = np.argsort(Y, kind="stable")
    halves = [(ROWS[: N // 2], ROWS[N // 2 :]), (ROWS[N // 2 :], ROWS[: N // 2])]
    model = PrunedClassifier(random_state=0, cv=halves, scoring=scoring)
    try:
        model.fit(X[order], Y[order])
    except ValueError:
        with pytest.raises(NotFittedError):
            check_is_fitted(model)
    else:
        assert np.isfinite(model.path_.step_score[model.step_])


def test_a_score_that_is_undefined_in_every_fold():
    """Test folds of one class have no AUC: scikit-learn's scorer says NaN, for every step."""
    train = np.concatenate([np.flatnonzero(Y == 0)[:20], np.flatnonzero(Y == 1)[:20]])
    folds = [(train, np.flatnonzero(k == Y)[20:]) for k in (0, 1)]
    for strength in ("best", "one_se"):
        model = PrunedClassifier(cv=folds, scoring="roc_auc", strength=strength, random_state=0)
        with pytest.warns(UserWarning, match="Only one class"), pytest.raises(ValueError) as error:  # noqa: PT011
            model.fit(X, Y)
        assert re.search("roc_auc.*(NaN|undefined|not defined)", str(error.value), re.DOTALL)


@cases(
    Bad(
        lambda: METHODS["error_based"].with_options(conf=0.1),
        ValueError,
        ["conf", "possible", "confidence"],
        "unknown",
    ),
    Bad(
        lambda: METHODS["cost_complexity"].with_options(m=2),
        ValueError,
        ["cost_complexity", "m", "possible are refit, sweeps, steps"],
        "none",
    ),
    *(
        Bad(
            lambda c=c: METHODS["error_based"].with_options(confidence=c),
            ValueError,
            ["confidence", "0.5", str(c)],
            f"confidence {c}",
        )
        for c in (0, -1, 0.6, np.nan)
    ),
    *(
        Bad(
            lambda m=m: METHODS["minimum_error"].with_options(m=m),
            ValueError,
            ["m must", str(m)],
            f"m {m}",
        )
        for m in (-1, np.nan)
    ),
    Bad(lambda: shrink(TREE, -1), ValueError, ["lam", "-1"], "lam"),
    Bad(lambda: shrink(TREE, np.nan), ValueError, ["lam", "nan"], "lam nan"),
    Bad(lambda: shrink(TREE, np.inf), ValueError, ["lam", "finite"], "lam inf"),
    Bad(lambda: pruning_strengths(TREE, n=0), ValueError, ["n must", "0"], "n"),
    Bad(
        lambda: pruning_strengths(TREE, X, Y, method="reduced_error"),
        ValueError,
        ["reduced_error", "max_size"],
        "grid of hold-out",
    ),
    Bad(
        lambda: pruning_strengths(DecisionTreeClassifier()),
        ValueError,
        ["not fitted", "X and y"],
        "grid without rows",
    ),
)
def test_settings(bad):
    refused(bad)


def test_a_grid_has_at_most_so_many_strengths():
    for n in (1, 2, 3, 7):
        assert len(pruning_strengths(TREE, n=n)) <= n


@pytest.mark.parametrize("parameter", ["strength", "method", "max_size", "cv", "validation"])
@pytest.mark.parametrize(
    "model", [PrunedClassifier, PrunedRegressor, PrunedTreeClassifier, PrunedTreeRegressor]
)
def test_parameters_are_checked_in_fit_only(model, parameter):
    estimator = model(**{parameter: object()})  # storing is no checking
    message = refused(Bad(lambda: estimator.fit(XR, YR > 140), ValueError, [parameter]))
    assert model.__name__ in message


LATE = {
    "risk": ({"risk": "squared"}, {}),
    "cost": ({"risk": "cost"}, {}),
    "one split": ({"cv": ShuffleSplit(1)}, {}),
    "weights": ({}, {"sample_weight": -W}),
    "zero weights": ({}, {"sample_weight": 0 * W}),
    "validation": ({"method": "reduced_error", "validation": Overlap(ROWS, ROWS)}, {}),
    "columns": ({"never_prune": ["foo"]}, {}),
    "scoring": ({"scoring": "foo"}, {}),
    "size": ({"max_size": 1, "strength": 0.0, "never_prune": [0, 1, 2, 3, 4]}, {}),
}


@pytest.mark.parametrize("what", list(LATE))
@pytest.mark.parametrize("model", [PrunedClassifier, PrunedTreeClassifier])
def test_a_refused_fit_leaves_nothing_half_fitted(model, what):
    params, arguments = LATE[what]
    fresh = model(random_state=0, **params)
    with pytest.raises(ValueError):  # noqa: PT011
        fresh.fit(X, Y, **arguments)
    with pytest.raises(NotFittedError):
        check_is_fitted(fresh)
    with pytest.raises(NotFittedError):
        fresh.predict(X)


@pytest.mark.parametrize("model", [PrunedClassifier, PrunedTreeClassifier])
def test_a_refused_fit_leaves_the_last_model_whole(model):
    fitted = model(random_state=0, strength=0.01).fit(X, Y)
    before = fitted.predict_proba(X), fitted.step_, fitted.path_
    with pytest.raises(ValueError, match="'foo'"):
        fitted.set_params(never_prune=["foo"]).fit(X[:, :3], Y)
    np.testing.assert_array_equal(fitted.predict_proba(X), before[0])
    assert fitted.n_features_in_ == 5
    assert (fitted.step_, fitted.path_) == before[1:]
