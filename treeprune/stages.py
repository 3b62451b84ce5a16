"""The models of a path, one a step, asked without being built: predictions and sums of losses.

Trees share their leaves: rows are sent down once and every step is looked up. Ensembles whose
leaves were refitted after a cut share the leaves, not their values; where splits were regrouped the
model as grown stands before them; networks that were fine-tuned share nothing but the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.utils import _safe_indexing

from . import kernels, native
from .losses import node_loss, sum_rows, value_losses
from .network import Network
from .trees import LINKS, Trees

__all__ = ["EnsembleStages", "NetworkStages", "RegroupedStages", "Stages", "TreeStages"]

Array = npt.NDArray

BLOCK = 1 << 23  # rows x trees whose leaves are held at once
_CODES = {
    "brier": kernels.BRIER,
    "log_loss": kernels.LOG_LOSS,
    "squared_error": kernels.SQUARED_ERROR,
    "error": kernels.ERROR,
}


class Stages(Protocol):
    """What scores ask of a path; `model` is the one it was made from, `base` what was read."""

    @property
    def model(self) -> Any:
        """The model as grown."""

    @property
    def base(self) -> Trees | Network:
        """What was read from it."""

    def __len__(self) -> int:
        """Number of steps."""

    def values(self, X: Any) -> Callable[[int], Array]:
        """A function from step to predictions (n_rows, n_outputs, n_classes)."""

    def losses(
        self,
        X: Any,
        y: Array,
        weight: Array,
        kind: str,
        share: Array,
        steps: Array | None = None,
    ) -> Array:
        """Sum over rows of a loss, outputs weighed by `share`, at every step.

        NaN at steps that were not asked, where leaving them out saves time.
        """

    def write(self, step: int) -> Any:
        """The native model of a step."""


@dataclass(frozen=True, eq=False)
class TreeStages:
    """Steps of a path of trees."""

    model: Any
    base: Trees
    removed_at: Array
    n_steps: int

    def __len__(self) -> int:
        return self.n_steps

    def node_values(self, step: int) -> Array:
        """Value of every node at a step, (n_nodes, n_outputs, k): what it was grown with."""
        return self.base.value

    def values(self, X: Any) -> Callable[[int], Array]:
        """The rows' leaves are found once."""
        leaf = native.apply(self.model, X)
        return lambda step: staged_values(self.base, leaf, self.removed_at, step)

    def write(self, step: int) -> Any:
        """The native model of a step."""
        return native.write(self.model, self.removed_at <= step)

    def losses(
        self,
        X: Any,
        y: Array,
        weight: Array,
        kind: str,
        share: Array,
        steps: Array | None = None,
    ) -> Array:
        """Sums over nodes for one tree, over the events of every row for several."""
        trees, removed_at, n_steps = self.base, self.removed_at, self.n_steps
        if trees.n_trees == 1:
            leaf = native.apply(self.model, X)
            loss = node_loss(kind, trees, sum_rows(trees, leaf, y, weight), share=share)
            return kernels.step_sums(
                trees.left, trees.right, trees.parent, removed_at, loss, n_steps
            )
        out = np.zeros(n_steps)
        n_classes = np.array(trees.n_classes or [1] * trees.n_outputs, np.int64)
        for rows, leaf in apply_blocks(self.model, X, len(y), trees):
            kernels.row_losses(
                leaf,
                trees.parent,
                removed_at,
                trees.value,
                trees.scale,
                y[rows],
                weight[rows],
                n_classes,
                share,
                _CODES[kind],
                out,
            )
        return np.cumsum(out)


def row_blocks(n_rows: int, n_trees: int) -> Iterator[slice]:
    """Slices of rows such that a block's leaf ids stay small."""
    step = max(1, BLOCK // n_trees)
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def apply_blocks(model: Any, X: Any, n_rows: int, trees: Trees) -> Iterator[tuple[slice, Array]]:
    """Leaf ids block by block; a single block is applied without slicing."""
    blocks = list(row_blocks(n_rows, trees.n_trees))
    for rows in blocks:
        part = X if len(blocks) == 1 else _safe_indexing(X, np.arange(rows.start, rows.stop))
        yield rows, native.apply(model, part, trees)


def staged_values(trees: Trees, leaf: Array, removed_at: Array, step: int) -> Array:
    """The model's output at a step for rows with these leaves, (n_rows, n_outputs, k)."""
    node = kernels.node_at(trees.parent, removed_at, step)
    return trees.add_up(node[leaf], trees.value)


@dataclass(frozen=True, eq=False)
class EnsembleStages:
    """Steps of a path of boosters, or of forests whose leaves take other values from step to step.

    `step_values` holds the values of the nodes that answer at each step, in their order, one row a
    node (of a booster's node its own score alone); it is empty where nodes answer with what they
    have in `base`.
    """

    model: Any
    base: Trees
    removed_at: Array
    n_steps: int
    step_values: tuple[Array, ...] = ()

    def __len__(self) -> int:
        return self.n_steps

    def node_values(self, step: int) -> Array:
        """Value of every node at a step, (n_nodes, n_outputs, k)."""
        trees = self.base
        if not self.step_values or step == 0:
            return trees.value
        if trees.is_boosted:  # they are written with means of their own
            return trees.with_own(self._own_values(step))
        is_leaf = self.removed_at <= step
        answers = is_leaf & kernels.reached(trees.parent, is_leaf)
        out = trees.value.copy()
        out[answers] = self.step_values[step].reshape(-1, *out.shape[1:])
        self._means_above(answers, is_leaf, out)
        return out

    def _means_above(self, answers: Array, is_leaf: Array, value: Array) -> None:
        """Give splits the means of what answers below them, in place: they may be pruned later."""
        trees = self.base
        # Where training rows weigh nothing, all nodes count alike.
        weight = np.where(answers, np.maximum(trees.weight, 1e-300), 0.0)[:, None]
        sums = np.column_stack([weight, weight * value.reshape(trees.n_nodes, -1)])
        kernels.sum_up(*trees.children_within(is_leaf), sums)
        inner = ~is_leaf & kernels.reached(trees.parent, is_leaf)
        value[inner] = (sums[inner, 1:] / sums[inner, :1]).reshape(-1, *value.shape[1:])

    def raw(self, leaf: Array, step: int) -> Array:
        """Raw scores at a step of rows with these leaves, (n_rows, n_outputs, k)."""
        trees = self.base
        node = kernels.node_at(trees.parent, self.removed_at, step)
        start = trees.base_score.reshape(trees.value.shape[1:])
        if not trees.is_boosted:
            return trees.add_up(node[leaf], self.node_values(step)) + start
        # A tree adds to one score alone: many classes must not cost their square.
        out = np.zeros((len(leaf), len(trees.base_score)))
        own = self._own_values(step)
        for j in range(trees.n_trees):  # the order of the trees is the native order of summation
            out[:, trees.tree_output[j]] += trees.tree_weight[j] * own[node[leaf[:, j]]]
        return (out / trees.n_trees if trees.average else out)[:, None, :] + start

    def _own_values(self, step: int) -> Array:
        """Of a booster: value of every node for the score of its tree, (n_nodes,)."""
        trees = self.base
        out = trees.own(trees.value)
        if self.step_values and step > 0:
            is_leaf = self.removed_at <= step
            answers = is_leaf & kernels.reached(trees.parent, is_leaf)
            out[answers] = self.step_values[step][:, 0]
        return out

    def values(self, X: Any) -> Callable[[int], Array]:
        """The rows' leaves are found once."""
        leaf = native.apply(self.model, X, self.base)
        return lambda step: self.base.respond(self.raw(leaf, step))

    def write(self, step: int) -> Any:
        """The native model of a step, without trees that no longer split; step 0 as grown."""
        if step == 0:
            return native.write(self.model, self.base.is_leaf)
        return native.write(self.model, self.removed_at <= step, self.node_values(step), fold=True)

    def losses(
        self,
        X: Any,
        y: Array,
        weight: Array,
        kind: str,
        share: Array,
        steps: Array | None = None,
    ) -> Array:
        """Sums over the steps asked; over the events of every row where nodes keep their values."""
        asked = np.arange(self.n_steps) if steps is None else np.unique(steps)
        trees = self.base
        at_asked = np.zeros(len(asked))
        for rows, leaf in apply_blocks(self.model, X, len(y), trees):
            if self.step_values:
                for i, step in enumerate(asked):
                    told = trees.respond(self.raw(leaf, int(step)))
                    at_asked[i] += weight[rows] @ (value_losses(kind, told, y[rows]) @ share)
            else:
                self._by_events(leaf, asked, y[rows], weight[rows], kind, share, at_asked)
        out = np.full(self.n_steps, np.nan)
        out[asked] = at_asked
        return out

    def _by_events(
        self,
        leaf: Array,
        asked: Array,
        y: Array,
        weight: Array,
        kind: str,
        share: Array,
        out: Array,
    ) -> None:
        trees = self.base
        kernels.level_losses(
            np.ascontiguousarray(leaf),
            trees.parent,
            np.searchsorted(asked, self.removed_at).astype(np.int32),
            self._own_values(0) * trees.scale[trees.tree_of],
            trees.tree_output,
            trees.base_score,
            y[:, 0],
            weight * share[0],
            LINKS.index(trees.link),
            len(trees.predicted_classes),
            _CODES[kind],
            out,
        )


@dataclass(frozen=True, eq=False)
class RegroupedStages:
    """Steps of which the first is a model as grown, and the others are those of another one.

    `rest` are the steps of the model into whose trees the splits of the grown one were regrouped.
    """

    first: EnsembleStages
    rest: Stages

    @property
    def model(self) -> Any:
        """As grown."""
        return self.first.model

    @property
    def base(self) -> Trees:
        """Of the model as grown."""
        return self.first.base

    def __len__(self) -> int:
        return 1 + len(self.rest)

    def values(self, X: Any) -> Callable[[int], Array]:
        """The rows' leaves are found once, of either model when it is asked first."""
        first = cache(lambda: self.first.values(X))
        rest = cache(lambda: self.rest.values(X))
        return lambda step: rest()(step - 1) if step else first()(0)

    def write(self, step: int) -> Any:
        """The native model of a step."""
        return self.rest.write(step - 1) if step else self.first.write(0)

    def losses(
        self,
        X: Any,
        y: Array,
        weight: Array,
        kind: str,
        share: Array,
        steps: Array | None = None,
    ) -> Array:
        """Each of the two says its own."""
        asked = np.arange(len(self)) if steps is None else np.unique(steps)
        out = np.full(len(self), np.nan)
        if len(asked) and asked[0] == 0:
            out[0] = self.first.losses(X, y, weight, kind, share, np.zeros(1, np.int64))[0]
        later = asked[asked > 0] - 1
        if len(later):
            out[1:] = self.rest.losses(X, y, weight, kind, share, later)
        return out


@dataclass(frozen=True, eq=False)
class NetworkStages:
    """Steps of a path of networks."""

    model: Any
    networks: tuple[Network, ...]

    def __len__(self) -> int:
        return len(self.networks)

    @property
    def base(self) -> Network:
        """As trained."""
        return self.networks[0]

    def values(self, X: Any) -> Callable[[int], Array]:
        """The rows are checked once."""
        Z = native.matrix(self.model, X)
        return lambda step: self.networks[step].compact().values(Z)

    def write(self, step: int) -> Any:
        """The native model of a step, compacted; step 0 is the model as trained."""
        return native.write_network(self.model, self.networks[step])

    def losses(
        self,
        X: Any,
        y: Array,
        weight: Array,
        kind: str,
        share: Array,
        steps: Array | None = None,
    ) -> Array:
        """Sums over rows, step by step."""
        values = self.values(X)
        return np.array(
            [weight @ (value_losses(kind, values(step), y) @ share) for step in range(len(self))]
        )
