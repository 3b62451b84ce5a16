"""How much of a model is a sum of effects of single columns (accumulated local effects).

A column's effect is accumulated from local differences: what the model's output does when a row's
value is moved to a neighbouring one, averaged over the rows that are there. For trees the steps
are the tree's own, so that nothing is approximated; other models are asked on a grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .blocks import Blocks

__all__ = ["Levels", "levels_of", "main_effects"]

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

GRID = 20  # intervals of a column for models without steps of their own


@dataclass(frozen=True, eq=False)
class Levels:
    """Values of one column that are told apart, and which of them are neighbours.

    Parameters
    ----------
    level : array of int64, shape (n_rows,)
        Of each row: the level it is at, or of columns with a grid the interval it is in.
    donor : array of int64, shape (n_levels,)
        A row at each level (at each point of the grid).
    share : array of float64, shape (n_rows,) or None
        How far a row is between the ends of its interval; None where levels are steps.
    """

    level: Index
    donor: Index
    share: Array | None = None

    @classmethod
    def of_steps(cls, code: npt.NDArray) -> Levels:
        """Levels in the order of their codes, those without rows left out."""
        _, donor, level = np.unique(code, return_index=True, return_inverse=True)
        return cls(level.reshape(-1), donor.astype(np.int64))

    @classmethod
    def of_grid(cls, values: Array, n: int = GRID) -> Levels:
        """Intervals between quantiles that are values of rows; values must not be missing."""
        at = np.unique(np.quantile(values, np.linspace(0, 1, n + 1), method="inverted_cdf"))
        donor = np.array([np.argmax(values == v) for v in at])
        if len(at) == 1:
            return cls(np.zeros(len(values), np.int64), donor)
        interval = np.clip(np.searchsorted(at, values, side="left"), 1, len(at) - 1)
        low, high = at[interval - 1], at[interval]
        return cls(interval - 1, donor, (values - low) / (high - low))


def levels_of(values: Array, output: Array, *, is_number: bool, limits: Array | None) -> Levels:
    """Levels of a column.

    Parameters
    ----------
    values : array of float64, shape (n_rows,)
        Numbers (NaN where missing) or codes of categories.
    output : array of float64, shape (n_rows,)
        Orders categories, and missing values among them, by its mean.
    is_number : bool
    limits : array of float64, or None
        Where the model's steps are; None for models that have a grid.

    Notes
    -----
    Where numbers are missing in some rows, the column's levels are ordered by the mean output as
    categories are: there is no number that is next to a missing one.
    """
    missing = np.isnan(values)
    if is_number and limits is None and not missing.any():
        return Levels.of_grid(values)
    if is_number and limits is not None:
        code = np.searchsorted(limits, values, side="left").astype(np.float64)
    elif is_number:
        at = np.unique(
            np.quantile(values[~missing], np.linspace(0, 1, GRID + 1), method="inverted_cdf")
        )
        code = np.searchsorted(at, values, side="left").astype(np.float64)
    else:
        code = values.astype(np.float64)
    if is_number and not missing.any():
        return Levels.of_steps(code)
    code = np.where(missing, -1.0, code)
    _, own = np.unique(code, return_inverse=True)
    own = own.reshape(-1)
    mean = np.bincount(own, output) / np.bincount(own)
    rank = np.argsort(np.argsort(mean, kind="stable"), kind="stable")
    return Levels.of_steps(rank[own])


def _effect(
    blocks: Blocks, player: int, levels: Levels, scores: Array, weight: Array
) -> tuple[Array, Array]:
    """Accumulated local effect of one column for every row, (n_rows, n_scores), not centred.

    Also how much of it is due to the row itself.
    """
    taken = np.arange(blocks.n_players) == player
    n, last = len(levels.level), len(levels.donor) - 1
    if last == 0:
        return np.zeros_like(scores), np.zeros_like(scores)
    at, donor = levels.level, levels.donor
    every = np.arange(n)
    if levels.share is None:
        up, down = every[at < last], every[at > 0]
        row = np.concatenate([up, down])
        told = blocks.mixed(row, donor[np.concatenate([at[up] + 1, at[down] - 1])], taken)
        gap = np.concatenate([np.ones(len(up)), -np.ones(len(down))])[:, None]
        difference = gap * (told - scores[row])
        jump = np.concatenate([at[up], at[down] - 1])  # of level k to k + 1
    else:
        row = every
        low, high = (blocks.mixed(row, donor[at + i], taken) for i in (0, 1))
        difference, jump = high - low, at
    mass = np.bincount(jump, weight[row], last)
    sums = [np.bincount(jump, weight[row] * d, last) for d in difference.T]
    step = np.stack(sums, axis=1) / np.where(mass > 0, mass, 1.0)[:, None]
    height = np.concatenate([np.zeros((1, scores.shape[1])), np.cumsum(step, axis=0)])
    own = np.zeros_like(scores)
    # What is left of a step without one of its rows; a row that is alone on it is left in.
    rest = mass[jump] - weight[row]
    alone = rest <= 1e-12 * mass[jump]
    turn = weight[row] / np.where(alone, 1.0, rest)
    change = np.where(alone, 0.0, turn)[:, None] * (difference - step[jump])
    if levels.share is None:
        below = len(row) - np.count_nonzero(at > 0)  # of its steps, a row is above one only
        own[row[below:]] = change[below:]
        return height[at], own
    return height[at] + levels.share[:, None] * step[at], levels.share[:, None] * change


def main_effects(
    blocks: Blocks,
    levels: dict[int, Levels],
    scores: Array | None = None,
    weight: Array | None = None,
) -> tuple[Array, Array]:
    """Sum of the columns' accumulated local effects, with the model's own mean.

    Parameters
    ----------
    blocks : Blocks
        Rows and their model.
    levels : dict of int to Levels
        Of each column that the model uses.
    scores : array of float64, shape (n_rows, n_scores), optional
        `blocks.scores()` where it is known.
    weight : array of float64, shape (n_rows,), optional

    Returns
    -------
    sums : array of float64, shape (n_rows, n_scores)
    without : array of float64, shape (n_rows, n_scores)
        The same where each row has no part in the steps of its own sum (but in their centre).

    References
    ----------
    Apley & Zhu (2020), Visualizing the effects of predictor variables in black box supervised
    learning models, JRSS B 82; Molnar, Casalicchio & Bischl (2019), Quantifying model complexity
    via functional decomposition.

    Examples
    --------
    A product of two columns, each 0 or 1 in a quarter of the rows, is no sum:

    >>> import numpy as np
    >>> rows = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> product = Blocks(rows, np.arange(2), 2, lambda M: M[:, :1] * M[:, 1:])
    >>> levels = {j: Levels.of_steps(rows[:, j]) for j in range(2)}
    >>> main_effects(product, levels)[0].ravel().tolist()
    [-0.25, 0.25, 0.25, 0.75]
    """
    scores = blocks.scores() if scores is None else scores
    weight = np.ones(len(scores)) if weight is None else weight
    share = weight / weight.sum()
    out = np.tile(share @ scores, (len(scores), 1))
    part = np.zeros_like(out)
    for player, levels_of_one in levels.items():
        effect, own = _effect(blocks, player, levels_of_one, scores, weight)
        out += effect - share @ effect
        part += own
    return out, out - part
