"""Measure one model on rows: structure, attributions and main effects, whatever its family.

All models meet the same rows and the same background rows, in one game: an absent column has the
value of a background row. Trees are measured at any number of steps of a path at once, since the
steps differ in the values of the grown tree's leaves only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import kernels as nodes
from ...network import Network
from ..attributions import attribute, play_network
from ..features import FeatureMap
from ..shapley import TreeGame
from ..view import View, row
from .blocks import Blocks
from .components import Measured, top_share
from .derived import Derived
from .effects import levels_of, main_effects
from .imitation import imitate
from .structure import Structure, TreeShape, concepts, network_structure, tree_structure

__all__ = ["Reference", "measure", "measure_networks", "measure_trees"]

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

# Rows whose attributions and main effects are computed: of one tree and of linear models, of
# sums of trees and networks, of models that can only be asked.
MOST_INSIDE, SOME_INSIDE, FEW_INSIDE = 1000, 300, 100
# Rows whose values absent columns have, of the same four; each is a part of the one before, so
# that how they were drawn tells families apart as little as it can.
CROWD, BACKGROUND, SOME_BACKGROUND, FEW_BACKGROUND = 2000, 400, 40, 10
PARTS, FEWEST_IN_PART = 5, 4
REFIT_BACKGROUND = 100  # of one tree that is refitted: attributions are only compared


@dataclass(frozen=True, eq=False)
class Reference:
    """The rows on which models are measured.

    Parameters
    ----------
    X : table, shape (n_rows, n_raw_columns)
    order : array of int64, shape (n_rows,)
        Rows in the order in which they are drawn for what is not computed for all.
    drawn : array of int64, shape (n_drawn,)
        Rows whose values absent columns have, drawn by their weights.
    weight : array of float64, shape (n_rows,)
    seed : int
    parts : int
        Into how many parts background rows are cut, to see what of an attribution is their
        choice; 1 where that is not asked.
    """

    X: Any
    order: npt.NDArray[np.int64]
    drawn: npt.NDArray[np.int64]
    weight: Array
    seed: int
    parts: int = 1

    @classmethod
    def of(cls, X: Any, weight: Array, seed: int, parts: int = 1) -> Reference:
        """Draw an order and background rows; rows without weight are in neither."""
        rng = np.random.default_rng(seed)
        order = rng.permutation(np.flatnonzero(weight > 0))
        even = np.ptp(weight[order]) == 0
        drawn = order[:CROWD]
        if not even:
            share = weight[order] / weight[order].sum()
            drawn = rng.choice(order, min(CROWD, len(order)), p=share)
        return cls(X, order, drawn, weight, seed, parts)

    def background(self, most: int) -> Any:
        """The first of the rows drawn."""
        return row(self.X, self.drawn[:most])

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.weight)

    def inside(self, most: int) -> npt.NDArray[np.int64]:
        """Positions of the rows for which everything is computed."""
        return np.sort(self.order[:most])


def measure(view: View, reference: Reference, classes: npt.NDArray | None = None) -> Measured:
    """Measure a fitted model.

    Parameters
    ----------
    view : View
    reference : Reference
    classes : array, optional
        Classes in whose order probabilities are given, where a refit may lack one.

    Returns
    -------
    Measured
        Of one step.
    """
    found = _measure(view, reference)
    if classes is None:
        return found
    found = with_classes(found, view.answers.classes[0], classes)
    said = np.asarray(view.answers.model.predict(reference.X))
    return replace(found, decided=np.searchsorted(classes, said)[None])


def _measure(view: View, reference: Reference) -> Measured:
    own = view.answers(reference.X)
    answers = own.reshape(len(own), -1)
    if view.trees is not None and view.splits is not None:
        trees = view.trees
        is_leaf = trees.is_leaf[None]
        values = trees.value.reshape(1, trees.n_nodes, -1)
        return measure_trees(view, reference, is_leaf, values, answers[None])
    if view.network is not None:
        return measure_networks(view, reference, [view.network], answers[None])
    return _measure_by_asking(view, reference, answers)


def with_classes(found: Measured, own: npt.NDArray, known: npt.NDArray) -> Measured:
    """What was measured of a refit that lacks a class, with that class: never answered.

    Parameters
    ----------
    found : Measured
    own, known : array
        Classes of the refit, ascending, and of the model.
    """
    if len(own) == len(known):
        return found
    at = np.searchsorted(known, own)

    def wide(values: Array) -> Array:
        out = np.zeros((*values.shape[:-1], len(known)))
        if values.shape[-1] == len(own):
            out[..., at] = values
        else:  # one log-odds of two classes
            out[..., at[0]], out[..., at[1]] = -values[..., 0] / 2, values[..., 0] / 2
        return out

    return replace(
        found, answers=wide(found.answers), phi=wide(found.phi), scores=wide(found.scores)
    )


def measure_trees(
    view: View, reference: Reference, is_leaf: npt.NDArray[np.bool_], values: Array, answers: Array
) -> Measured:
    """Measure trees at every asked step.

    Parameters
    ----------
    view : View
        Of the model as grown, without rules.
    reference : Reference
    is_leaf : array of bool, shape (n_steps, n_nodes)
        Leaves of each step's trees.
    values : array of float64, shape (n_steps, n_nodes, n_scores)
        What a row that ends in a node of the grown trees is told at the step.
    answers : array of float64, shape (n_steps, n_rows, n_outputs)
    """
    trees, splits, map_ = view.trees, view.splits, view.feature_map
    assert trees is not None
    assert splits is not None
    n_steps, _, k = values.shape
    inside = reference.inside(MOST_INSIDE if trees.n_trees == 1 else SOME_INSIDE)
    everyone = map_.model_matrix(reference.X)
    Z = everyone[inside]
    together = _with_values(trees, values.transpose(1, 0, 2).reshape(trees.n_nodes, -1))

    def play(background: Array | None) -> TreeGame:
        return TreeGame(
            together,
            splits,
            player=map_.player,
            n_players=len(map_.columns),
            background=background,
        )

    game = play(None)
    leaf = game.leaves(everyone)
    scores = game.raw_score(Z).reshape(len(Z), n_steps, k).transpose(1, 0, 2)
    most = SOME_BACKGROUND
    if trees.n_trees == 1:
        most = BACKGROUND if reference.parts > 1 else REFIT_BACKGROUND
    by_part = [
        _without_rounding(
            play(part).attribute(Z).reshape(len(Z), -1, n_steps, k).transpose(2, 0, 1, 3), scores
        )
        for part in _parts_of(everyone[reference.drawn[:most]], reference.parts)
    ]
    shape = TreeShape.of(trees, splits, map_)
    columns = map_.values(row(reference.X, inside), Z)
    made = Derived.of(map_, columns, Z)
    found, trust, rest = [], np.ones(n_steps), np.zeros((n_steps, len(Z)))
    for step in range(n_steps):
        structure, live = tree_structure(shape, leaf, is_leaf[step], values[step])
        structure, trust[step] = made.charged(structure)
        found.append(structure)

        def ask(rows: Array, step: int = step) -> Array:
            return trees.add_up(game.leaves(rows), values[step])

        blocks = Blocks(Z, map_.player, len(map_.columns), ask)
        own = {
            int(j): _levels(map_, columns, int(j), scores[step], shape.limits_of(int(j), live))
            for j in np.flatnonzero(structure.used)
        }
        rest[step] = _rest(blocks, own, scores[step], reference.weight[inside])
    return _together(map_, found, reference, inside, by_part, answers, scores, rest, trust)


def _together(
    map_: FeatureMap,
    found: list[Structure],
    reference: Reference,
    inside: Rows,
    by_part: list[Array],
    answers: Array,
    scores: Array,
    rest: Array,
    trust: Array,
) -> Measured:
    """What was measured of all steps."""
    phi, spread = _attributed(by_part, reference, inside)
    raw = concepts(map_)[:, : map_.n_raw]
    return Measured(
        effort=np.stack([s.effort for s in found]),
        columns=np.stack([s.columns for s in found]),
        bits=np.array([s.bits for s in found]),
        n_columns=np.array([int(raw[s.used].any(axis=0).sum()) for s in found]),
        answers=answers,
        inside=inside,
        phi=phi,
        scores=scores,
        rest=rest,
        counts=tuple(s.counts for s in found),
        trust=trust,
        concentration_sd=spread,
    )


def _parts_of(background: Array, n: int) -> list[Array]:
    """Background rows in parts of one size, in turns; what is left over is left out."""
    n = max(1, min(n, len(background) // FEWEST_IN_PART))
    kept = background[: len(background) // n * n]
    return [kept[i::n] for i in range(n)]


def _attributed(by_part: list[Array], reference: Reference, inside: Rows) -> tuple[Array, Array]:
    """Attributions against all parts of the background, and how sure concentration is.

    Attributions are means over background rows, so those of several parts of one size are means
    of theirs. The spread is a jackknife that leaves out a part of the background and, of the
    rows, those that stand at the same places of the order.
    """
    total, n = np.sum(by_part, axis=0), len(by_part)
    if n == 1:
        return total, np.full(len(total), np.nan)
    place = np.empty(len(reference), np.int64)
    place[reference.order] = np.arange(len(reference.order)) % n
    shares = []
    for i, part in enumerate(by_part):
        weight = reference.weight[inside] * (place[inside] != i)
        size = np.abs(total - part).sum(axis=3)  # steps, rows, columns
        shares.append(top_share(np.einsum("srj,r->sj", size, weight)))
    spread = np.sqrt((n - 1) / n * ((shares - np.mean(shares, axis=0)) ** 2).sum(axis=0))
    return total / n, spread


def _without_rounding(phi: Array, scores: Array) -> Array:
    """Attributions that are nothing but rounding are none: a constant model has no direction."""
    size = np.abs(scores).max(axis=(1, 2), initial=0.0)[:, None, None, None]
    return np.where(np.abs(phi) <= 1e-12 * size, 0.0, phi)


def _with_values(trees: Any, values: Array) -> Any:
    """The same trees that tell other numbers, as plain sums."""
    return replace(
        trees,
        value=values[:, None, :],
        n_classes=(),
        link="identity",
        tree_output=np.zeros(0, np.int32),
        base_score=np.zeros(0),
    )


def step_values(
    trees: Any, removed_at: npt.NDArray, steps: npt.NDArray, node_values: Callable[[int], Array]
) -> Array:
    """What a row that ends in a node of the grown trees is told at each step of a path.

    `node_values` gives the value of every node at a step, which refits change.
    """
    out = []
    for step in map(int, steps):
        flat = node_values(step).reshape(trees.n_nodes, -1)
        out.append(flat[nodes.node_at(trees.parent, removed_at, step)])
    return np.stack(out)


def _levels(map_: Any, columns: list, j: int, scores: Array, limits: Array | None) -> Any:
    return levels_of(
        np.asarray(columns[j], np.float64),
        scores[:, -1],
        is_number=map_.columns[j].kind != "category",
        limits=limits,
    )


def _rest(blocks: Blocks, levels: dict, scores: Array, weight: Array) -> Array:
    sums, without = main_effects(blocks, levels, scores, weight)
    return ((scores - sums) * (scores - without)).sum(axis=1)


def measure_networks(
    view: View, reference: Reference, networks: list[Network], answers: Array
) -> Measured:
    """Measure networks over the same columns, one a step; linear models have no hidden layer.

    Parameters
    ----------
    view : View
        Of one of them.
    reference : Reference
    networks : list of Network
    answers : array of float64, shape (n_steps, n_rows, n_outputs)
    """
    map_ = view.feature_map
    linear = all(not net.hidden_layer_sizes for net in networks)
    inside = reference.inside(MOST_INSIDE if linear else SOME_INSIDE)
    everyone = map_.model_matrix(reference.X)
    Z = everyone[inside]
    background = everyone[reference.drawn[: CROWD if linear else SOME_BACKGROUND]]
    columns = map_.values(row(reference.X, inside), Z)
    found, by_part, scores = [], [], []
    parts = _parts_of(background, reference.parts)
    made = Derived.of(map_, columns, Z)
    trust, rest = np.ones(len(networks)), np.zeros((len(networks), len(Z)))
    for step, network in enumerate(networks):
        structure = network_structure(network, map_, len(reference))
        structure, trust[step] = made.charged(structure)
        blocks = Blocks(Z, map_.player, len(map_.columns), network.raw)
        found.append(structure)
        scores.append(blocks.scores())
        one = replace(view, network=network)
        played = [play_network(one, Z, part, reference.seed).values for part in parts]
        by_part.append([_without_rounding(values[None], scores[-1][None]) for values in played])
        if network.hidden_layer_sizes:  # else a sum of columns' effects as it stands
            own = {
                int(j): _levels(map_, columns, int(j), scores[-1], None)
                for j in np.flatnonzero(structure.used)
            }
            rest[step] = _rest(blocks, own, scores[-1], reference.weight[inside])
    joined = [np.concatenate(steps) for steps in zip(*by_part, strict=True)]
    told = np.stack(scores)
    return _together(map_, found, reference, inside, joined, answers, told, rest, trust)


def _measure_by_asking(view: View, reference: Reference, answers: Array) -> Measured:
    """Measure a model that can only be asked: its structure is that of a tree that imitates it."""
    map_ = view.feature_map
    inside = reference.inside(FEW_INSIDE)
    X = row(reference.X, inside)
    read = imitate(answers, reference.X, seed=reference.seed)
    background = reference.background(FEW_BACKGROUND)
    played = attribute(
        view, X, game="interventional", background=background, random_state=0, runs=1
    )
    blocks = Blocks.of(view, X)
    scores = answers[inside]
    columns = map_.values(X)
    phi = np.abs(played.values).sum(axis=(0, 2))
    own = {
        int(j): _levels(map_, columns, int(j), scores, None)
        for j in np.flatnonzero(phi[: map_.n_raw] > 0)
    }
    rest = _rest(blocks, own, scores, reference.weight[inside])
    return Measured(
        effort=read.structure.effort[None],
        columns=read.structure.columns[None],
        bits=np.array([read.structure.bits]),
        n_columns=np.array([len(own)]),
        answers=answers[None],
        inside=inside,
        phi=played.values[None],
        scores=scores[None],
        rest=rest[None],
        counts=(read.structure.counts,),
        trust=np.array([read.trust]),
        concentration_sd=np.full(1, np.nan),
        through=read.fidelity,
    )
