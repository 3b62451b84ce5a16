"""Folds go as the rows were held out: by class, by identifier, or forward in time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from treeprune.report import Options, Table, fit_rivals, study_of
from treeprune.report.folds import MANY_GROUPS, check_folds, folds_of, rows_aside
from treeprune.report.intake import InputRefused

pytestmark = pytest.mark.filterwarnings("ignore::treeprune.PrunedToRootWarning")


def frame_of(n=240, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return pd.DataFrame(
        {
            "x": x,
            "z": rng.normal(size=n),
            "when": rng.permutation(n),
            "who": rng.integers(0, n // 4, n),
            "y": (x + rng.normal(size=n) > 0.3).astype(int),
        }
    )


def study(frame=None, **how):
    return study_of(Table(frame_of() if frame is None else frame, ""), name="t", target="y", **how)


def splits_of(made, n=4):
    rows = np.zeros(len(made.y_train))
    return list(folds_of(made, n).split(rows, made.y_train, made.groups))


def test_random_folds_are_those_of_scikit_learn():
    made = study()
    shares = [made.y_train[test].mean() for _, test in splits_of(made)]
    assert np.ptp(shares) < 0.03 and rows_aside(made) == 0.25


def test_folds_keep_identifiers_together():
    made = study(ids=["who"])
    assert made.split == "groups"
    for train, test in splits_of(made):
        assert not set(made.groups[train]) & set(made.groups[test])
    assert np.ptp([made.y_train[test].mean() for _, test in splits_of(made)]) < 0.25


def test_many_identifiers_are_split_fast():
    n = 3 * MANY_GROUPS
    frame = pd.DataFrame({"x": np.arange(n) % 9, "who": np.arange(n) // 2, "y": np.arange(n) % 2})
    many = study(frame, ids=["who"], test_size=0.2)
    assert len(np.unique(many.groups)) > MANY_GROUPS
    for train, test in splits_of(many):
        assert not set(many.groups[train]) & set(many.groups[test])
        assert abs(len(test) / len(many.groups) - 0.25) < 0.01


def test_folds_go_forward_in_time():
    frame = frame_of()
    made = study(frame, time_column="when")
    when = frame["when"].to_numpy()
    order = np.sort(when)[: len(made.y_train)]
    for train, test in splits_of(made):
        assert order[train].max() < order[test].min()
    *_, (early, late) = rows_aside(made).split(np.zeros(len(made.y_train)))
    assert order[early].max() < order[late].min()
    assert len(late) == len(made.y_train) // 4 and len(early) + len(late) == len(made.y_train)


@pytest.mark.parametrize("how", [{"time_column": "when"}, {"ids": ["who"]}])
def test_every_rival_is_chosen_by_these_folds(how, monkeypatch):
    """The splitters that are really asked, and what they are given."""
    from treeprune import selection
    from treeprune.report import smaller

    made, asked = study(**how), []
    real = selection.cross_validate

    def spied(recipe, path, rows, *, cv, **words):
        asked.append((type(cv).__name__, rows.groups is not None, type(recipe.validation).__name__))
        return real(recipe, path, rows, cv=cv, **words)

    monkeypatch.setattr("treeprune.estimators.cross_validate", spied)
    searches = []
    grid = smaller.GridSearchCV

    class Spied(grid):
        def fit(self, X, y, **words):
            searches.append((type(self.cv).__name__, words["groups"] is not None))
            return super().fit(X, y, **words)

    monkeypatch.setattr(smaller, "GridSearchCV", Spied)
    fits = fit_rivals(made, Options(strength="one_se", cv=3))
    fits_other = fit_rivals(made, Options("reduced_error", strength="best", cv=3))
    grouped = "ids" in how
    kind = "StratifiedGroupKFold" if grouped else "TimeSeriesSplit"
    aside = "float" if grouped else "TimeSeriesSplit"
    # Of each run: the pruned tree; reduced error's own textbook rule needs no folds.
    assert asked[0] == (kind, grouped, aside) and len(asked) >= 2
    assert set(asked) == {(kind, grouped, aside)} and set(searches) == {(kind, grouped)}
    assert fits.rival("pruned").native is not None and fits_other.rival("pruned").native is not None


def test_rows_set_aside_are_the_last_ones(monkeypatch):
    made = study(time_column="when")
    fits = fit_rivals(made, Options(cv=3))
    grown = fits.rival("pruned_other").model.path_.model.tree_
    n = len(made.y_train)
    assert grown.n_node_samples[0] == n - n // 4
    early = made.y_train[: n - n // 4]
    assert grown.value[0, 0, 1] == pytest.approx(early.mean())


def test_folds_without_a_class_are_refused_before_fitting():
    frame = pd.DataFrame({"x": range(200), "t": range(200), "y": [0] * 40 + [0, 1] * 80})
    with pytest.raises(InputRefused, match=r"no row of class 1 to grow on .folds are made"):
        fit_rivals(study(frame, time_column="t"), Options(cv=5))
    check_folds(study(frame, time_column="t"), 2)
    late = pd.DataFrame(
        {"x": range(200), "t": range(200), "y": [0, 1] * 50 + [0] * 30 + [0, 1] * 35}
    )
    with pytest.raises(InputRefused, match=r"fold . of 9 has no row of class . to be judged on"):
        check_folds(study(late, time_column="t"), 9)


def test_few_identifiers_make_few_folds():
    frame = frame_of()
    frame["who"] = np.arange(len(frame)) % 5
    made = study(frame, ids=["who"])
    n = len(np.unique(made.groups))
    check_folds(made, n)
    with pytest.raises(InputRefused, match=f"{n} different identifiers make no {n + 1} folds"):
        check_folds(made, n + 1)


def test_too_few_rows_of_a_class_are_refused():
    with pytest.raises(InputRefused, match="fewer than the 150 folds"):
        check_folds(study(), 150)
