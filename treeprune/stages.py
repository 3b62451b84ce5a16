"""The models of a path, one a step, asked without being built: predictions and sums of losses.

Trees share their leaves: rows are sent down once and every step is looked up. Networks that were
fine-tuned share nothing but the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.utils import _safe_indexing

from . import kernels, native
from .losses import node_loss, sum_rows, value_losses
from .network import Network
from .trees import Trees

__all__ = ["NetworkStages", "Stages", "TreeStages"]

Array = npt.NDArray

BLOCK = 1 << 22  # rows x trees whose leaves are held at once
_CODES = {
    "brier": kernels.BRIER,
    "log_loss": kernels.LOG_LOSS,
    "squared_error": kernels.SQUARED_ERROR,
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

    def losses(self, X: Any, y: Array, weight: Array, kind: str, share: Array) -> Array:
        """Sum over rows of a loss, outputs weighed by `share`, at every step."""

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

    def values(self, X: Any) -> Callable[[int], Array]:
        """The rows' leaves are found once."""
        leaf = native.apply(self.model, X)
        return lambda step: staged_values(self.base, leaf, self.removed_at, step)

    def write(self, step: int) -> Any:
        """The native model of a step."""
        return native.write(self.model, self.removed_at <= step)

    def losses(self, X: Any, y: Array, weight: Array, kind: str, share: Array) -> Array:
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
        tree_weight = trees.tree_weight / (trees.n_trees if trees.average else 1)
        for rows, leaf in apply_blocks(self.model, X, len(y), trees.n_trees):
            kernels.row_losses(
                leaf,
                trees.parent,
                removed_at,
                trees.value,
                tree_weight,
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


def apply_blocks(model: Any, X: Any, n_rows: int, n_trees: int) -> Iterator[tuple[slice, Array]]:
    """Leaf ids block by block; a single block is applied without slicing."""
    blocks = list(row_blocks(n_rows, n_trees))
    for rows in blocks:
        part = X if len(blocks) == 1 else _safe_indexing(X, np.arange(rows.start, rows.stop))
        yield rows, native.apply(model, part)


def staged_values(trees: Trees, leaf: Array, removed_at: Array, step: int) -> Array:
    """The model's output at a step for rows with these leaves, (n_rows, n_outputs, k)."""
    node = kernels.node_at(trees.parent, removed_at, step)
    return trees.add_up(node[leaf], trees.value)


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

    def losses(self, X: Any, y: Array, weight: Array, kind: str, share: Array) -> Array:
        """Sums over rows, step by step."""
        values = self.values(X)
        return np.array(
            [weight @ (value_losses(kind, values(step), y) @ share) for step in range(len(self))]
        )
