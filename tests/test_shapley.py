"""Exact Shapley values of trees: against all subsets, shap and LightGBM, and against themselves.

Every way of computing (tables of leaves, edges, pairs, cells) is held against the definitions in
`naive_shapley`; the ways are forced one by one, since the engine chooses by cost.
"""

from __future__ import annotations

import os
import pickle
from contextlib import contextmanager

import naive_shapley as naive
import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from treeprune import native
from treeprune.explain.shapley import TreeGame, bins, engine, games, kernels
from treeprune.trees import Splits, Trees

TOLERANCE = 1e-10
WAYS = ("tables", "walk")


@contextmanager
def forced(way: str):
    """Compute by tables or by walks, whatever they cost."""
    with pytest.MonkeyPatch.context() as patch:
        if way != "chosen":
            patch.setattr(games, "use_tables", lambda c, n: np.full(len(c.make), way == "tables"))
        yield


def raw(model, X) -> np.ndarray:
    """The model's own probabilities or targets, laid out as `Trees.value`."""
    if not hasattr(model, "predict_proba"):
        return np.reshape(model.predict(X), (len(X), -1))
    proba = model.predict_proba(X)
    if not isinstance(proba, list):
        return proba
    widest = max(p.shape[1] for p in proba)
    return np.hstack([np.pad(p, ((0, 0), (0, widest - p.shape[1]))) for p in proba])


def game_of(model, **options) -> TreeGame:
    return TreeGame(native.read(model), native.splits(model), **options)


def close(a, b, tolerance=TOLERANCE):
    scale = max(1.0, float(np.abs(b).max(initial=0)))
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale)


def some_rows(X, seed, n=4) -> np.ndarray:
    """Rows of the training data, and mixtures of them."""
    rng = np.random.default_rng(seed)
    mixed = np.stack([rng.permutation(column)[: n // 2] for column in X.T], axis=1)
    return np.vstack([X[rng.permutation(len(X))[: n - len(mixed)]], mixed])


@st.composite
def players(draw, n_features):
    """Each column its own player, or any grouping, some players without columns."""
    if draw(st.booleans()):
        return None, n_features
    drawn = draw(st.lists(st.integers(0, 2), min_size=n_features, max_size=n_features))
    return np.array(drawn), max(drawn) + 1 + draw(st.integers(0, 1))


@st.composite
def handmade(draw, max_splits=9, max_trees=2, n_features=3):
    """Trees with sets of categories, missing values, infinite thresholds, covers that are zero."""
    shape = strategies.join(
        draw(st.lists(strategies.trees(max_splits), min_size=1, max_size=max_trees))
    )
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = shape.n_nodes
    inner = shape.left >= 0
    feature = np.where(inner, rng.integers(0, n_features, n), -2)
    is_set = inner & (rng.random(n) < draw(st.sampled_from([0.0, 0.4])))
    sets = [rng.choice(5, rng.integers(1, 4), replace=False) if s else [] for s in is_set]
    threshold = np.where(rng.random(n) < 0.1, np.inf, rng.integers(0, 5, n) - 0.5 * rng.integers(2))
    n_rows = np.zeros(n, np.int64)
    n_rows[shape.leaves] = rng.integers(0, 4, len(shape.leaves))
    weight = n_rows * rng.integers(0, 3, n) * draw(st.sampled_from([1.0, 0.37]))
    for t in range(n - 1, -1, -1):
        if inner[t]:
            n_rows[t] = n_rows[shape.left[t]] + n_rows[shape.right[t]]
            weight[t] = weight[shape.left[t]] + weight[shape.right[t]]
    n_outputs = draw(st.integers(1, 2))
    trees = Trees(
        left=shape.left,
        right=shape.right,
        roots=shape.roots,
        value=rng.normal(size=(n, n_outputs, 1)) * (rng.random((1, n_outputs, 1)) < 0.8),
        weight=weight,
        n_rows=n_rows,
        impurity=np.zeros(n),
        tree_weight=rng.choice([1.0, -0.5, 2.0], len(shape.roots)),
        average=draw(st.booleans()),
    )
    splits = Splits(
        feature=feature,
        threshold=np.where(inner, threshold, -2),
        missing_left=inner & ~is_set & (rng.random(n) < 0.5),
        cast32=draw(st.booleans()),
        n_features=n_features,
        category_offsets=np.cumsum([0, *map(len, sets)]) if is_set.any() else np.zeros(1),
        category_values=np.concatenate([*sets, []]),
    )
    rows = rng.choice(
        [-1.0, -0.5, 0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 1e300, np.inf, -np.inf, np.nan], (5, 3)
    )
    return trees, splits, rows


# --- equal to the definitions --------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=25)
@given(data=st.data())
def test_path_dependent_values_are_the_definition(way, data):
    model, X, _, _ = data.draw(strategies.fitted())
    player, n_players = data.draw(players(X.shape[1]))
    rows = some_rows(X, 0)
    game = game_of(model, player=player, n_players=n_players)
    with forced(way):
        values = game.attribute(rows)
    player = np.arange(X.shape[1]) if player is None else player
    for x, got in zip(rows, values, strict=True):
        wanted, base = naive.path_dependent(game.trees, game.splits, player, n_players, x)
        close(got, wanted)
        close(game.base, base)
    close(values.sum(axis=1) + game.base, raw(model, rows))


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=25)
@given(data=st.data())
def test_interventional_values_are_the_definition(way, data):
    model, X, _, _ = data.draw(strategies.fitted())
    player, n_players = data.draw(players(X.shape[1]))
    rows = some_rows(X, 0)
    background = some_rows(X, 1, n=data.draw(st.integers(2, 6)))
    weight = np.random.default_rng(0).integers(0, 3, len(background)) + 0.0
    weight = data.draw(st.sampled_from([None, weight + 0.25, np.append(weight[:-1], 1.0)]))
    game = game_of(
        model,
        player=player,
        n_players=n_players,
        background=background,
        background_weight=weight,
    )
    with forced(way):
        values = game.attribute(rows)
    player = np.arange(X.shape[1]) if player is None else player
    for x, got in zip(rows, values, strict=True):
        wanted, base = naive.interventional(
            lambda Z: raw(model, Z), player, n_players, x, background, weight
        )
        close(got, wanted)
        close(game.base, base)
    close(values.sum(axis=1) + game.base, raw(model, rows))


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=40)
@given(data=st.data())
def test_any_trees_categories_missing_and_infinite_values(way, data):
    trees, splits, rows = data.draw(handmade())
    player, n_players = data.draw(players(3))
    options = {"player": player, "n_players": n_players}
    game = TreeGame(trees, splits, **options)
    against = TreeGame(trees, splits, background=rows[2:], **options)
    with forced(way):
        values, against_values = game.attribute(rows[:3]), against.attribute(rows[:3])
    player = np.arange(3) if player is None else player
    for i, x in enumerate(rows[:3]):
        wanted, base = naive.path_dependent(trees, splits, player, n_players, x)
        close(values[i], wanted)
        close(game.base, base)
        wanted, base = naive.interventional(
            lambda Z: naive.predict(trees, splits, Z), player, n_players, x, rows[2:], None
        )
        close(against_values[i], wanted)
        close(against.base, base)
    close(values.sum(axis=1) + game.base, naive.predict(trees, splits, rows[:3]))


@pytest.mark.unjitted
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["tree", "forest"])
def test_a_fixed_case_of_both_games(kind, way):
    X, y, w = strategies.make_data(3, 60, 3, "classification", n_classes=3, weights="zero")
    model = strategies.fit(kind, "classification", X, y, w, max_depth=4)
    rows, background = X[:3], X[20:24]
    game, against = game_of(model), game_of(model, background=background)
    with forced(way):
        values, against_values = game.attribute(rows), against.attribute(rows)
    everyone = np.arange(3)
    for i, x in enumerate(rows):
        close(values[i], naive.path_dependent(game.trees, game.splits, everyone, 3, x)[0])
        wanted, _ = naive.interventional(model.predict_proba, everyone, 3, x, background, None)
        close(against_values[i], wanted)


@pytest.mark.unjitted
def test_a_known_answer():
    # Lundberg et al. 2018, figure 1: fever and cough, model B adds 10 for cough.
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    model = strategies.fit("tree", "regression", X, np.array([0.0, 10.0, 0.0, 90.0]))
    assert game_of(model).attribute(X[3:]).ravel().tolist() == [30.0, 35.0]
    assert game_of(model).base.tolist() == [25.0]


# --- deep and wide trees -------------------------------------------------------------------------


def chain_game(n_splits, n_features, seed=0, **options):
    """A tree that is one long branch, on any columns."""
    shape = strategies.chain(n_splits)
    rng = np.random.default_rng(seed)
    inner = shape.left >= 0
    n_rows = np.where(inner, 0, rng.integers(1, 3, shape.n_nodes))
    for t in range(shape.n_nodes - 1, -1, -1):
        if inner[t]:
            n_rows[t] = n_rows[shape.left[t]] + n_rows[shape.right[t]]
    trees = Trees(
        left=shape.left,
        right=shape.right,
        roots=shape.roots,
        value=rng.normal(size=(shape.n_nodes, 1, 1)),
        weight=n_rows,
        n_rows=n_rows,
        impurity=np.zeros(shape.n_nodes),
        tree_weight=[1.0],
    )
    splits = Splits(
        feature=np.where(inner, rng.integers(0, n_features, shape.n_nodes), -2),
        threshold=np.where(inner, rng.normal(-2.0, 0.5, shape.n_nodes), -2.0),
        missing_left=np.zeros(shape.n_nodes),
        cast32=False,
        n_features=n_features,
    )
    return TreeGame(trees, splits, **options)


@pytest.mark.parametrize("background", [False, True])
def test_a_chain_of_depth_200_is_exact(background):
    rng = np.random.default_rng(1)
    rows = rng.normal(-1.0, 1.0, (2, 3))
    others = rng.normal(-1.0, 1.0, (3, 3)) if background else None
    game = chain_game(200, 3, background=others)
    assert game.trees.n_leaves == 201
    everyone = np.arange(3)

    def output(Z):
        return naive.predict(game.trees, game.splits, Z)

    for way in ("chosen", "walk"):
        with forced(way):
            values = game.attribute(rows)
        for x, got in zip(rows, values, strict=True):
            if background:
                wanted, _ = naive.interventional(
                    lambda Z: naive.predict(game.trees, game.splits, Z),
                    everyone,
                    3,
                    x,
                    others,
                    None,
                )
            else:
                wanted, _ = naive.path_dependent(game.trees, game.splits, everyone, 3, x)
            close(got, wanted)


@pytest.mark.parametrize("background", [False, True])
def test_paths_with_more_players_than_any_table(background):
    rng = np.random.default_rng(2)
    n_features = 30
    rows = rng.normal(-1.0, 1.0, (1 if background else 2, n_features))
    others = rng.normal(-1.0, 1.0, (2, n_features)) if background else None
    game = chain_game(40, n_features, background=others)
    assert game._layout.n_players.max() > games.MOST_IN_TABLE
    values = game.attribute(rows)
    for x, got in zip(rows, values, strict=True):
        wanted = naive.by_leaf(
            game.trees, game.splits, np.arange(n_features), n_features, x, others
        )
        close(got[:, 0], wanted, 1e-13)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(games, "_WALK_NUMBERS", 100)  # the quadrature goes in parts
        close(game.attribute(rows), values, 1e-14)


def test_the_exact_sum_over_leaves_is_the_definition():
    game = chain_game(6, 3)
    x = np.array([-2.0, -1.0, -2.5])
    wanted, _ = naive.path_dependent(game.trees, game.splits, np.arange(3), 3, x)
    close(naive.by_leaf(game.trees, game.splits, np.arange(3), 3, x), wanted[:, 0])


def test_a_chain_of_200_000_nodes_is_no_harder_than_its_size():
    game = chain_game(100_000, 5)  # quadratic work would take hours
    rows = np.random.default_rng(0).normal(size=(3, 5))
    values = game.attribute(rows)
    close(values.sum(axis=1) + game.base, naive.predict(game.trees, game.splits, rows))


# --- equal to other libraries --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tree", "forest"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_shap_agrees(kind, task):
    shap = pytest.importorskip("shap")
    X, y, w = strategies.make_data(5, 200, 5, task, n_classes=3, weights="fractional")
    model = strategies.fit(kind, task, X, y, w, max_depth=5)
    game = game_of(model)
    explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    theirs = np.asarray(explainer.shap_values(X)).reshape(game.attribute(X).shape)
    for way in WAYS:
        with forced(way):
            close(game.attribute(X), theirs)
    close(game.base, np.ravel(explainer.expected_value))
    explainer = shap.TreeExplainer(model, X[:20], feature_perturbation="interventional")
    theirs = np.asarray(explainer.shap_values(X)).reshape(theirs.shape)
    for way in WAYS:
        with forced(way):  # shap keeps this game's coalition weights in single precision
            close(game_of(model, background=X[:20]).attribute(X), theirs, 1e-6)


def boosted(kind):
    """A LightGBM model on missing values and categories, and its rows."""
    lightgbm = pytest.importorskip("lightgbm")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 5))
    X[rng.random(600) < 0.2, 0] = np.nan
    X[:, 4] = rng.integers(0, 9, 600)
    y = np.nan_to_num(X[:, 0]) * X[:, 1] + np.isin(X[:, 4], [1, 4, 5]) + rng.normal(size=600) / 3
    common = {"n_estimators": 15, "num_leaves": 12, "n_jobs": 1, "verbose": -1, "random_state": 0}
    if kind == "rf":
        common |= {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
    if kind in ("regression", "rf"):
        model = lightgbm.LGBMRegressor(**common)
    else:
        model = lightgbm.LGBMClassifier(**common)
        y = np.digitize(y, [0.3] if kind == "binary" else [0.0, 0.8])
    return model.fit(X, y, categorical_feature=[4]), X


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass", "rf"])
def test_lightgbm_agrees(kind):
    model, X = boosted(kind)
    X = np.vstack([X[:200], [[np.nan] * 5, [np.inf] * 5, [-np.inf] * 5, [0, 0, 0, 0, 99.0]]])
    game = game_of(model)
    theirs = model.predict(X, pred_contrib=True, num_threads=1).reshape(len(X), -1, 6)
    output = model.predict(X, raw_score=True, num_threads=1).reshape(len(X), -1)
    if kind == "rf":  # averages its trees in `predict`, but neither here nor in contributions
        theirs = theirs / game.trees.n_trees
        output = model.predict(X, num_threads=1)[:, None]
    for way in WAYS:
        with forced(way):
            close(game.attribute(X).transpose(0, 2, 1), theirs[:, :, :-1])
    close(game.base, theirs[0, :, -1])
    close(game.attribute(X).sum(axis=1) + game.base, output)


@pytest.mark.parametrize("kind", ["regression", "multiclass"])
def test_lightgbm_against_a_background(kind):
    model, X = boosted(kind)
    game = game_of(model, background=X[300:304])

    def output(Z):
        return model.predict(Z, raw_score=True, num_threads=1).reshape(len(Z), -1)

    for way in WAYS:
        with forced(way):
            values = game.attribute(X[:3])
        for x, got in zip(X[:3], values, strict=True):
            close(got, naive.interventional(output, np.arange(5), 5, x, X[300:304], None)[0])


# --- the ways agree ------------------------------------------------------------------------------


@settings(max_examples=25)
@given(data=st.data())
def test_cells_tables_and_walks_agree(data):
    model, X, _, _ = data.draw(strategies.fitted())
    rows = np.tile(some_rows(X, 0, n=12), (40, 1))
    rows = rows[np.random.default_rng(0).permutation(len(rows))]
    background = data.draw(st.sampled_from([None, some_rows(X, 1)]))
    game = game_of(model, background=background)
    cells = game.cells(rows)
    assert cells is not None and len(cells.values) <= 12
    assert cells.index.shape == (len(rows),)
    assert cells.values.shape[1:] == (game.n_players, game.n_outputs)
    # The first row of a cell is in the cell, and all rows of a cell are routed alike.
    assert cells.index[cells.first_row].tolist() == list(range(len(cells.first_row)))
    leaves = native.apply(model, rows)
    assert (leaves == leaves[cells.first_row][cells.index]).all()
    assert np.array_equal(game.attribute(rows), cells.values[cells.index])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_FEW_ROWS", len(rows) + 1)
        patch.setattr(engine, "_BLOCK_NUMBERS", 64 * 7)  # many blocks, the last one not full
        assert game.cells(rows) is None
        for way in WAYS:
            with forced(way):
                close(game.attribute(rows), cells.values[cells.index])


def test_few_cells_at_first_then_more_than_the_first_hash_table_holds():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40_000, 4))
    model = strategies.fit("tree", "regression", X[:2000], X[:2000].prod(axis=1), max_leaf_nodes=40)
    X[:10_000] = X[0]
    game = game_of(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_FEW_CELLS", 16)
        cells = game.cells(X)
    assert len(cells.values) > 128
    plain = game.cells(X)
    assert np.array_equal(plain.index, cells.index)
    assert np.array_equal(plain.first_row, cells.first_row)
    close(cells.values.sum(axis=1)[cells.index] + game.base, raw(model, X))


def test_no_cells_where_nearly_all_rows_differ():
    X = np.random.default_rng(0).normal(size=(2000, 6))
    forest = strategies.fit("forest", "regression", X, X.sum(axis=1))
    game = game_of(forest)
    assert game.cells(X) is None
    assert game.cells(np.tile(X[:50], (40, 1))) is not None
    close(game.attribute(X).sum(axis=1) + game.base, raw(forest, X))


def test_more_combinations_of_bins_than_an_integer_can_number():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 70))
    forest = strategies.fit("forest", "regression", X, X.sum(axis=1), max_features=1)
    game = game_of(forest)
    assert np.log2(game._cell_slots.missing_bin + 1).sum() > 62
    rows = np.tile(X[:2], (200, 1))
    assert game.cells(rows) is None
    close(game.attribute(rows).sum(axis=1) + game.base, raw(forest, rows))


def test_rows_in_any_memory_layout():
    X, y, _ = strategies.make_data(1, 200, 4, "regression")
    X = X.astype(np.float32)
    wide = np.zeros((400, 8), np.float64)
    wide[::2, ::2] = X
    for kind in ("tree", "forest"):
        game = game_of(strategies.fit(kind, "regression", X, y))
        wanted = game.attribute(X.astype(np.float64))
        for rows in (X, np.asfortranarray(X), wide[::2, ::2], X.tolist(), X.astype(int)):
            assert np.array_equal(game.attribute(rows), wanted)
        frozen = X.astype(np.float64)
        frozen.setflags(write=False)
        assert np.array_equal(game.attribute(frozen), wanted)


def test_values_one_ulp_from_a_threshold_go_where_the_model_sends_them():
    model = strategies.fit("tree", "regression", np.array([[0.1], [0.2], [0.7]]), [0.0, 1.0, 5.0])
    at = model.tree_.threshold[model.tree_.feature >= 0]
    near = [v for t in at for v in (t, np.nextafter(t, 9), np.nextafter(t, -9), np.float32(t))]
    near += [np.nextafter(np.float32(t), np.float32(s)) for t in at for s in (9, -9)]
    rows = np.array(near + [0.15, 0.15 + 1e-9])[:, None]
    game = game_of(model)
    assert (game.attribute(rows)[:, 0] + game.base).ravel().tolist() == pytest.approx(
        model.predict(rows).tolist(), abs=1e-15
    )
    tall = np.tile(rows, (20, 1))
    assert np.array_equal(game.attribute(tall), np.tile(game.attribute(rows), (20, 1, 1)))


# --- properties ----------------------------------------------------------------------------------


@settings(max_examples=25)
@given(data=st.data())
def test_mean_abs_is_the_mean_of_absolute_values(data):
    model, X, _, _ = data.draw(strategies.fitted())
    rows = np.tile(X[:20], (data.draw(st.sampled_from([1, 20])), 1))
    weight = np.random.default_rng(0).integers(0, 3, len(rows)) + 0.0
    weight[0] = 1.0
    game = game_of(model)
    values = np.abs(game.attribute(rows))
    close(game.mean_abs(rows), values.mean(axis=0))
    close(game.mean_abs(rows, weight), np.average(values, axis=0, weights=weight))


@settings(max_examples=25)
@given(data=st.data())
def test_same_rows_same_values_also_after_pickling(data):
    model, X, _, _ = data.draw(strategies.fitted())
    background = data.draw(st.sampled_from([None, X[:5]]))
    game = game_of(model, background=background)
    values = game.attribute(X)
    assert np.array_equal(game.attribute(X), values)
    again = pickle.loads(pickle.dumps(game))
    assert np.array_equal(again.attribute(X), values)
    assert np.array_equal(again.base, game.base)


def test_columns_that_no_tree_looks_at_have_exactly_zero():
    X, y, _ = strategies.make_data(1, 200, 4, "classification", n_classes=3)
    X = np.insert(X, [1, 3], np.nan, axis=1)  # all missing, of no use
    X[:, [1, 4]] = np.random.default_rng(0).normal(size=(200, 2))
    usable = np.array(X)
    usable[:, [1, 4]] = 0.0
    for kind in ("tree", "forest"):
        model = strategies.fit(kind, "classification", usable, y)
        for background in (None, X[:10]):
            game = game_of(model, background=background)
            for rows in (X, X[:3]):
                assert (game.attribute(rows)[:, [1, 4]] == 0).all()
                assert (game.mean_abs(rows)[[1, 4]] == 0).all()


def test_two_classes_mirror_each_other_and_padding_is_zero():
    X, y, _ = strategies.make_data(1, 120, 3, "classification", n_classes=2)
    values = game_of(strategies.fit("forest", "classification", X, y)).attribute(X)
    assert np.array_equal(values[..., 1], -values[..., 0])
    both = np.stack([y, np.digitize(X[:, 0] + X[:, 1], [4, 7])], axis=1)
    game = game_of(strategies.fit("tree", "classification", X, both))
    assert game.n_outputs == 6 and game.trees.n_classes == (2, 3)
    assert (game.attribute(X)[..., 2] == 0).all()


def test_a_tree_without_splits_and_no_rows():
    X = np.zeros((5, 2))
    for background in (None, X):
        game = game_of(
            strategies.fit("tree", "regression", X, np.arange(5.0)), background=background
        )
        assert game.base.tolist() == [2.0]
        assert np.array_equal(game.attribute(X), np.zeros((5, 2, 1)))
        assert np.array_equal(game.attribute(np.zeros((100, 2))), np.zeros((100, 2, 1)))
        assert game.attribute(X[:0]).shape == (0, 2, 1)
    X, y, _ = strategies.make_data(0, 50, 2, "classification")
    assert game_of(strategies.fit("forest", "classification", X, y)).attribute(X[:0]).shape == (
        0,
        2,
        2,
    )


def test_grouped_columns_are_not_the_sum_of_their_values():
    X, y, _ = strategies.make_data(2, 100, 3, "regression")
    model = strategies.fit("tree", "regression", X, y)
    single = game_of(model).attribute(X)
    pair = game_of(model, player=[0, 0, 1]).attribute(X)
    close(pair.sum(axis=1), single.sum(axis=1))
    assert np.abs(pair[:, 0] - single[:, :2].sum(axis=1)).max() > 1e-3


def test_weights_of_background_rows_are_repetitions():
    X, y, _ = strategies.make_data(2, 100, 3, "regression")
    model = strategies.fit("forest", "regression", X, y)
    weighted = game_of(model, background=X[:4], background_weight=[1, 2, 0, 3])
    repeated = game_of(model, background=X[[0, 1, 1, 3, 3, 3]])
    close(weighted.attribute(X), repeated.attribute(X))
    close(weighted.base, repeated.base)


@pytest.mark.parametrize("n_players", [1, 2, 3, 7, 16, 41, 300])
def test_quadrature_and_coalition_weights_are_exact(n_players):
    from math import comb

    nodes, weights = games.quadrature(n_players)
    table = games.coalition_weights(n_players)
    for s in {0, n_players // 2, n_players - 1}:
        exact = 1 / (n_players * comb(n_players - 1, s))
        got = (weights * nodes**s * (1 - nodes) ** (n_players - 1 - s)).sum()
        assert got == pytest.approx(exact, rel=1e-12)
        # One of s + 1 that stand for the leaf, with the other players against it.
        assert table[s + 1, n_players - 1 - s] == pytest.approx(exact, rel=1e-12)


def test_the_cheaper_way_is_chosen():
    X, y, _ = strategies.make_data(0, 300, 4, "regression")
    game = game_of(strategies.fit("tree", "regression", X, y))
    assert [games.use_tables(game._costs, n).tolist() for n in (1, 1_000_000)] == [[False], [True]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(games, "TABLE_LIMIT", 100)
        assert not games.use_tables(game._costs, 1_000_000).any()
    deep = chain_game(300, 40)
    assert not games.use_tables(deep._costs, 1_000_000).any()


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled")
def test_kernels_have_one_signature_each():
    X, y, _ = strategies.make_data(0, 300, 3, "classification", n_classes=3)
    for kind in ("tree", "forest"):
        model = strategies.fit(kind, "classification", X, y)
        for background in (None, X[:5]):
            for way in WAYS:
                game = pickle.loads(pickle.dumps(game_of(model, background=background)))
                for rows in (X, X.astype(np.float32), np.asfortranarray(X), X[::2], X[:3]):
                    with forced(way):
                        game.attribute(rows)
    compiled = {
        name: len(kernel.signatures)
        for module in (bins, kernels, games)
        for name, kernel in vars(module).items()
        if hasattr(kernel, "signatures")
    }
    assert len(compiled) > 10 and max(compiled.values()) == 1, compiled


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, message",
    [
        ({"player": [0, 1]}, "one whole number for each of the 3"),
        ({"player": [0.0, 1.0, 2.0]}, "one whole number"),
        ({"player": [0, -1, 1]}, "players go from -1"),
        ({"player": [0, 1, 4], "n_players": 3}, "possible are 0 to 2"),
        ({"background": np.zeros((2, 4))}, r"background has shape \(2, 4\)"),
        ({"background": np.zeros((0, 3))}, "no rows"),
        ({"background_weight": [1.0]}, "without background"),
        ({"background": np.zeros((2, 3)), "background_weight": [1.0]}, "one number for each of 2"),
        ({"background": np.zeros((2, 3)), "background_weight": [0.0, 0.0]}, "not all zero"),
        ({"background": np.zeros((2, 3)), "background_weight": [2.0, -1.0]}, "not negative"),
        ({"background": np.zeros((2, 3)), "background_weight": [2.0, np.nan]}, "finite"),
    ],
)
def test_refusals(options, message):
    X, y, _ = strategies.make_data(0, 50, 3, "regression")
    model = strategies.fit("tree", "regression", X, y)
    with pytest.raises(ValueError, match=message):
        game_of(model, **options)


def test_splits_of_another_model_are_refused():
    X, y, _ = strategies.make_data(0, 50, 3, "regression")
    trees = native.read(strategies.fit("tree", "regression", X, y))
    for depth in (1, 2):
        splits = native.splits(strategies.fit("tree", "regression", X, y, max_depth=depth))
        with pytest.raises(ValueError, match="Read both from one model"):
            TreeGame(trees, splits)


def test_rows_of_another_shape_are_refused():
    X, y, _ = strategies.make_data(0, 50, 3, "regression")
    game = game_of(strategies.fit("tree", "regression", X, y))
    for rows in (X[0], X[:, :2], X[None]):
        for method in (game.attribute, game.cells, game.mean_abs):
            with pytest.raises(ValueError, match="the model's columns"):
                method(rows)
    with pytest.raises(ValueError, match="no rows"):
        game.mean_abs(X[:0])
    with pytest.raises(ValueError, match="not all zero"):
        game.mean_abs(X, np.zeros(50))
    with pytest.raises(AttributeError, match="cannot be changed"):
        game.base = None
    with pytest.raises(ValueError, match="read-only"):
        game.base[0] = 1.0
