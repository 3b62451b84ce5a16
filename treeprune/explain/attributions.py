"""Attributions: what each raw column adds to a prediction, exactly where that can be had.

Trees and their sums are attributed by exact Shapley values over raw columns (all indicators of a
category are one player), in the units in which the model adds up; so are linear models, and
networks where few columns reach a neuron, else by integrated gradients. Other models go through
shap's model-agnostic explainers, with a seed and the error of the sampling. Every result is
compared with the estimator's own output before it is returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .. import native
from ..decision import Decision
from ..exceptions import CheckFailedError
from .conditions import Column
from .networks import NetworkAttributions, attribute_network, rounding
from .shapley import TreeGame
from .tables import as_frame
from .view import View, row, rows_of

if TYPE_CHECKING:
    import shap

__all__ = ["GAMES", "Attributions", "attribute"]

GAMES = ("path_dependent", "interventional")
SLACK = 1e-9  # of the largest output, for sums of thousands of trees
_SAMPLE = 1000  # rows asked besides one of every cell
_REPEATS = 10  # independent runs from which a sampling error is taken
_EXACT_COLUMNS = 10  # up to here all subsets of columns can be enumerated
_MOST_BACKGROUND = 100  # up to here every run has all of them, beyond a part each
_DRAWN = 50
_MOST_ROWS = 20_000


@dataclass(frozen=True, eq=False)
class Attributions:
    """What columns add to rows' scores, before it is dressed as a `shap.Explanation`.

    Parameters
    ----------
    values : array of float64, shape (n_rows, n_columns, n_scores)
    base : array of float64, shape (n_scores,) or (n_rows, n_scores)
    unit : str
        In which they add up: probability, log-odds, raw score (before a softmax), target.
    scores : tuple of str
        What each score is: a class, or a target.
    error : array of float64, shape of `values`, or None
        Standard error of the sampling; None where there is no sampling.
    scope : str
        On which rows the sum was compared with the estimator's output.
    method : str
        Which values these are, and against which rows.

    Examples
    --------
    See `treeprune.explain`.
    """

    values: npt.NDArray[np.float64]
    base: npt.NDArray[np.float64]
    unit: str
    scores: tuple[str, ...]
    error: npt.NDArray[np.float64] | None
    scope: str
    method: str


def attribute(
    view: View,
    X: Any,
    *,
    game: str = "path_dependent",
    background: Any = None,
    random_state: Any = None,
    runs: int = _REPEATS,
) -> Attributions:
    """Shapley values of every column of `view.feature_map` for each row, or, for networks of which
    too many columns reach a neuron, integrated gradients: `method` says which.

    Parameters
    ----------
    view : View
    X : array-like, shape (n_rows, n_raw_columns)
    game : {"path_dependent", "interventional"}
        What an absent column does: follows the training rows through the tree, or has the
        value of a background row. Models that are not sums of trees only know the second.
    background : array-like, shape (n_background, n_raw_columns)
        Rows for the interventional game.
    random_state : int, optional
        Seed of the sampling where there is one, or of the draw among too many background rows.
    runs : int
        Of the sampling, whose spread is its error; one run has none.

    Returns
    -------
    Attributions

    Raises
    ------
    CheckFailedError
        If base and values do not add up to the estimator's own output.
    ValueError
        If the game is not known or has no background.

    Examples
    --------
    See `treeprune.explain`.
    """
    if game not in GAMES:
        raise ValueError(f"game must be one of {GAMES}, got {game!r}")
    if game == "interventional" and background is None:
        raise ValueError("the interventional game needs background rows")
    if view.trees is not None:
        return _of_trees(view, X, background if game == "interventional" else None)
    if game == "path_dependent":
        own = _of_the_library(view, X)
        if own is not None:
            return own
        raise ValueError(
            "the path-dependent game is played by trees that can be read; this model only knows "
            "game='interventional'"
        )
    if view.network is not None:
        return _of_network(view, X, background, random_state)
    return _of_anything(view, X, background, random_state, runs)


def tree_game(view: View, background: Any = None) -> TreeGame:
    """The game of a view's trees over its columns, ready for any number of rows."""
    assert view.trees is not None
    assert view.splits is not None
    Z = None if background is None else view.feature_map.model_matrix(background)
    return TreeGame(
        view.trees,
        view.splits,
        player=view.feature_map.player,
        n_players=len(view.feature_map.columns),
        background=Z,
    )


def score_names(view: View) -> tuple[str, ...]:
    """What each score of an attribution is."""
    classes, target = view.answers.classes, view.target
    if not classes:
        return target
    adds_up = view.trees if view.network is None else view.network
    if adds_up is not None and adds_up.link == "logit":
        return (str(classes[0][1]),)
    if len(classes) == 1:
        return tuple(str(c) for c in classes[0])
    # Outputs with fewer classes are padded, as values are.
    k = max(len(c) for c in classes)
    return tuple(
        f"{target[o]}: {c[i]}" if i < len(c) else f"{target[o]}: none"
        for o, c in enumerate(classes)
        for i in range(k)
    )


def _of_trees(view: View, X: Any, background: Any) -> Attributions:
    if view.feature_map.transformer is None:
        view.check_columns(X)
    game = tree_game(view, background)
    Z = view.feature_map.model_matrix(X)
    cells = game.cells(Z)
    n = len(Z)
    rng = np.random.default_rng(0)
    if cells is None:
        values, asked = game.attribute(Z), np.arange(n)
        scope = f"{n} of {n} rows"
    else:
        values = np.take(cells.values, cells.index, axis=0)
        sample = rng.choice(n, size=min(n, _SAMPLE), replace=False)
        asked = np.unique(np.concatenate([cells.first_row, sample]))
        # The cells of a joint partition are others: sides of splits may differ and sums be equal.
        each = "cells" if game.trees.n_trees == 1 else "combinations of split outcomes"
        scope = f"a row of each of {len(cells.first_row)} {each}, which hold all {n} rows"
    said = view.raw_score(row(X, asked))
    found = game.base + values[asked].sum(axis=1)
    _check_sum(found, said, scope)
    kind = "path-dependent" if background is None else "interventional"
    return Attributions(
        values, game.base, view.unit, score_names(view), None, scope, f"exact, {kind}"
    )


def play_network(
    view: View, Z: npt.NDArray, background: npt.NDArray, random_state: Any = None
) -> NetworkAttributions:
    """What the view's columns add to its network's scores; rows as the network receives them."""
    assert view.network is not None
    return attribute_network(
        view.network,
        Z,
        background,
        player=view.feature_map.player,
        n_players=len(view.feature_map.columns),
        random_state=random_state,
    )


def _of_network(view: View, X: Any, background: Any, random_state: Any) -> Attributions:
    assert view.network is not None
    said = view.raw_score(X)  # first, as the estimator refuses what it does not take
    Z, others = (view.feature_map.model_matrix(rows) for rows in (X, background))
    found = play_network(view, Z, others, random_state)
    n = len(Z)
    scope = f"{n} of {n} rows"
    total = found.base + found.values.sum(axis=1)
    _check_sum(total, said, scope, 2 * found.gap + rounding(view.network, Z))
    return Attributions(
        found.values, found.base, view.unit, score_names(view), None, scope, found.method
    )


def _check_sum(found: npt.NDArray, said: npt.NDArray, scope: str, slack: float = 0.0) -> None:
    if len(said) == 0:
        return
    gap = np.abs(found - said)
    if gap.max() > max(slack, SLACK * max(1.0, float(np.abs(said).max()))):
        worst = int(np.argmax(gap.max(axis=1)))
        raise CheckFailedError(
            f"attributions do not add up to the model's own output: off by {gap.max():.3g} in "
            f"row {worst} of those checked ({scope}). The model was changed after it was fitted, "
            "or it decides in a way that is not known here; please report it"
        )


def default_game(view: View) -> str:
    """The game a model knows: path-dependent for trees and for boosters that play it themselves."""
    return "path_dependent" if view.trees is not None or view.attributes_itself else GAMES[1]


def _of_the_library(view: View, X: Any) -> Attributions | None:
    """The booster's own attributions, where columns are its own players; else None."""
    if not view.attributes_itself:
        return None
    values, base = native.contributions(view.predictor, X)
    said = native.raw_score(view.predictor, X)
    n = len(values)
    _check_sum(base + values.sum(axis=1), said.reshape(n, -1), f"{n} of {n} rows")
    classes = view.answers.classes
    names = tuple(str(c) for c in classes[0]) if classes else view.target
    if values.shape[2] < len(names):
        names = names[-1:]
    unit = "target"
    if classes:  # one score is the log-odds of a class, several stand behind a softmax
        unit = "log-odds" if values.shape[2] == 1 else "raw score"
    return Attributions(
        values, base, unit, names, None, f"{n} of {n} rows", "exact, by the model's library"
    )


def _of_anything(
    view: View, X: Any, background: Any, random_state: Any, repeats: int
) -> Attributions:
    """Subsets of columns enumerated, or permutations sampled, by shap."""
    import shap

    coder = Coder.of(view.feature_map.columns[: view.feature_map.n_raw], X, background)
    codes, others = coder.codes(X), coder.codes(background)
    p = codes.shape[1]
    rng = np.random.default_rng(0 if random_state is None else random_state)
    all_at_once = len(others) <= _MOST_BACKGROUND

    def ask(rows: npt.NDArray) -> npt.NDArray:
        out = view.answers(coder.rows(rows))
        return out.reshape(len(out), -1)

    def run(rows: npt.NDArray) -> Any:
        masker = shap.maskers.Independent(rows, max_samples=len(rows))
        at_once = max(1, _MOST_ROWS // len(rows))  # masks of which all rows are asked together
        if p <= _EXACT_COLUMNS:
            return shap.explainers.Exact(ask, masker)(codes, batch_size=at_once, silent=True)
        seed = int(rng.integers(0, 2**31 - 1))
        explainer = shap.explainers.Permutation(ask, masker, seed=seed)
        return explainer(codes, max_evals=2 * p + 1, batch_size=at_once, silent=True)

    if p <= _EXACT_COLUMNS and all_at_once:
        runs = [run(others)]
        method = f"all subsets of {p} columns, {len(others)} background rows"
    else:
        # Each run draws its own background rows, so that the error holds what they add to it.
        size = len(others) if all_at_once else _DRAWN
        drawn = [
            others if all_at_once else others[rng.choice(len(others), size, replace=False)]
            for _ in range(repeats)
        ]
        runs = [run(rows) for rows in drawn]
        what = f"all subsets of {p} columns" if p <= _EXACT_COLUMNS else "sampled permutations"
        of = "" if all_at_once else f" drawn from {len(others)}"
        method = f"{repeats} runs of {what}, {size} background rows{of} in each"
    stack = np.stack([one.values for one in runs])
    values = stack.mean(axis=0)
    base = np.mean([np.asarray(one.base_values, dtype=np.float64) for one in runs], axis=0)
    error = stack.std(axis=0, ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else None
    n = len(codes)
    scores = score_names(view)
    values = np.asarray(values).reshape(n, p, -1)
    base = np.asarray(base, dtype=np.float64).reshape(n, -1) if n else np.zeros((0, len(scores)))
    said = view.answers(X).reshape(n, -1)
    scope = f"{n} of {n} rows"
    _check_sum(base + values.sum(axis=1), said, scope)
    if error is not None:
        error = error.reshape(values.shape)
    return Attributions(values, base, view.unit, scores, error, scope, method)


@dataclass(frozen=True, eq=False)
class Coder:
    """Rows of any types as numbers and back, for explainers that only know numbers."""

    frame: pd.DataFrame
    uniques: tuple[Any, ...]
    named: bool

    @classmethod
    def of(cls, columns: tuple[Column, ...], *tables: Any) -> Coder:
        frames = [as_frame(table)[[c.name for c in columns]] for table in tables]
        uniques = []
        for name in frames[0].columns:
            parts = [frame[name] for frame in frames]
            if isinstance(parts[-1].dtype, pd.CategoricalDtype):  # keep all its categories
                known = dict.fromkeys(c for part in parts for c in part.astype(object).dropna())
                extra = [c for c in known if c not in parts[-1].cat.categories]
                dtype = parts[-1].cat.add_categories(extra).dtype
                parts = [part.astype(dtype) for part in parts]
            both = pd.concat(parts, ignore_index=True)
            uniques.append(pd.Series(both.unique(), dtype=both.dtype))
        return cls(frames[0].iloc[:0], tuple(uniques), hasattr(tables[0], "columns"))

    def codes(self, table: Any) -> npt.NDArray[np.float64]:
        frame = as_frame(table)
        out = np.empty((len(frame), len(self.uniques)))
        for j, unique in enumerate(self.uniques):
            series = frame[self.frame.columns[j]].astype(unique.dtype)
            index = pd.Index(unique)
            out[:, j] = index.get_indexer(pd.Index(series))
        return out

    def rows(self, codes: npt.NDArray) -> Any:
        columns = {
            name: self.uniques[j].take(codes[:, j].astype(np.int64)).reset_index(drop=True)
            for j, name in enumerate(self.frame.columns)
        }
        frame = pd.DataFrame(columns)
        return frame if self.named else frame.to_numpy()


def towards_adverse(view: View, decision: Decision, values: npt.NDArray) -> npt.NDArray[np.float64]:
    """Attributions (n, columns, scores) as pushes towards the adverse class, (n, columns)."""
    position = decision.position(view.answers.classes[0])
    if values.shape[2] > 1:
        return values[:, :, position]
    # One log-odds score speaks of the second class.
    return values[:, :, 0] if position == 1 else -values[:, :, 0]


def to_shap(found: Attributions, view: View, X: Any) -> shap.Explanation:
    """Dress attributions as a `shap.Explanation`, with `unit`, `method` and `scope` beside.

    Values are (rows, columns) for one number and (rows, columns, classes) for classes, whatever
    their number; `data` holds numbers (codes for categories), `display_data` the raw values.
    """
    import shap

    n = len(found.values)
    values, error = found.values, found.error
    base = np.broadcast_to(found.base, (n, found.base.shape[-1]))
    names: Any = list(found.scores)
    if not view.answers.classes and values.shape[2] == 1:
        values, base, names = values[:, :, 0], base[:, 0], found.scores[0]
        error = None if error is None else error[:, :, 0]
    # Models that are sampled have raw columns as players only.
    columns = view.feature_map.columns[: found.values.shape[1]]
    categories = any(column.kind == "category" for column in columns)
    if view.feature_map.transformer is None and not categories:
        numbers = shown = view.feature_map.model_matrix(X)  # the rows themselves, not a copy
    else:
        raw = view.feature_map.values(X)[: len(columns)]
        numbers = shown = np.column_stack(raw).astype(np.float64, copy=False)
        if categories:
            shown = _display(view, X, raw)
    out = shap.Explanation(
        values,
        base_values=base,
        data=numbers,
        display_data=shown,
        feature_names=[column.name for column in columns],
        output_names=names,
        error_std=error,
    )
    out.unit, out.method, out.scope = found.unit, found.method, found.scope
    return out


def _display(view: View, X: Any, raw: list[npt.NDArray]) -> npt.NDArray:
    frame = rows_of(view.feature_map, X)
    out = np.empty((len(frame), len(raw)), dtype=object)
    for j, column in enumerate(view.feature_map.columns[: len(raw)]):
        out[:, j] = raw[j] if column.kind == "derived" else frame.iloc[:, j]
    return out
