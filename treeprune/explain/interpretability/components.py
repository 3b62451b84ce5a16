"""The six components of interpretability, from what was measured of a model, and their composite.

Each lies between 0 and 1 with a fixed anchor, so that a score depends on no other model; accuracy
is not among them. Every component of one model is a function of weighted means over rows, which is
what its interval over rows is drawn from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "COMPONENTS",
    "WEIGHTS",
    "Agreement",
    "Measured",
    "composite",
    "effective_number",
    "share_better",
]

Array = npt.NDArray[np.float64]

WEIGHTS = {
    "simulate": 0.25,
    "size": 0.20,
    "focus": 0.15,
    "additive": 0.10,
    "concentration": 0.10,
    "stability": 0.20,
}
COMPONENTS = tuple(WEIGHTS)
STRUCTURAL = COMPONENTS[:3]  # never worse in a nested, smaller model

EFFORT, BITS, COLUMNS, TOP = 50.0, 250.0, 7.0, 4  # where simulate, size, focus are one half; top
FLOOR = 0.01  # in the composite: one component at zero does not hide the others
DRAWS = 5000


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of one model, or of every asked step of a path, on the same rows.

    Parameters
    ----------
    effort, columns : array, shape (n_steps, n_rows)
        See `Structure`.
    bits, n_columns : array, shape (n_steps,)
        Length of the description; number of columns in use.
    answers : array of float64, shape (n_steps, n_rows, n_outputs)
        Probabilities or predictions.
    inside : array of int64, shape (n_inside,)
        Rows for which the following is known.
    phi : array of float64, shape (n_steps, n_inside, n_columns, n_scores)
        Attributions.
    scores : array of float64, shape (n_steps, n_inside, n_scores)
        What they add up to.
    rest : array of float64, shape (n_steps, n_inside)
        Squared part of the scores that is no sum of main effects: the difference from these,
        times the difference from those estimated without the row, so that it is neither too
        small (as the square on the rows that they were estimated on) nor too large.
    counts : tuple of dict
        Of each step: what the description holds.
    trust : array of float64, shape (n_steps,)
        1 where the structure is the model's own; of a model that can only be asked, how far the
        tree may stand for it whose structure this is.
    concentration_sd : array of float64, shape (n_steps,)
        Standard error of concentration over rows and background rows together, by a jackknife;
        NaN where it was not asked or cannot be known.
    decided : array of int64, shape (n_steps, n_rows), or None
        Position of the class that the model's own `predict` says; None where it is the likeliest.
    through : float or None
        Share of the variation of the model's output that this tree gives.
    """

    effort: npt.NDArray
    columns: npt.NDArray
    bits: npt.NDArray
    n_columns: npt.NDArray
    answers: Array
    inside: npt.NDArray[np.int64]
    phi: Array
    scores: Array
    rest: Array
    counts: tuple[dict[str, int], ...]
    trust: Array
    concentration_sd: Array
    decided: npt.NDArray[np.int64] | None = None
    through: float | None = None

    @property
    def n_steps(self) -> int:
        """Number of models."""
        return len(self.bits)

    def components(self, weight: Array) -> dict[str, Array]:
        """All components but stability, for each weighting of the rows.

        Parameters
        ----------
        weight : array of float64, shape (n_draws, n_rows)

        Returns
        -------
        dict of str to array, shape (n_draws, n_steps)
        """
        mean = weight / weight.sum(axis=1, keepdims=True)
        some = weight[:, self.inside]
        some = some / some.sum(axis=1, keepdims=True)
        structural = {
            "simulate": 1 / (1 + mean @ self.effort.T / EFFORT),
            "size": np.broadcast_to(1 / (1 + self.bits / BITS), (len(weight), self.n_steps)),
            "focus": 1 / (1 + mean @ self.columns.T / COLUMNS),
        }
        return {
            **{name: value * self.trust for name, value in structural.items()},
            "additive": 1 - np.minimum(self.interaction(some), 1.0),
            "concentration": top_share(self.importance(some)),
        }

    def importance(self, mean: Array) -> Array:
        """Mean absolute attribution of each column, (n_draws, n_steps, n_columns)."""
        return _over_rows(mean, np.abs(self.phi).sum(axis=3))

    def interaction(self, mean: Array) -> Array:
        """Interaction strength (IAS, Molnar et al. 2019), (n_draws, n_steps)."""
        # From the middle of the rows, so that no digits are lost in the difference of squares.
        own = self.scores - self.scores.mean(axis=1, keepdims=True)
        centre = _over_rows(mean, own)
        total = mean @ (own**2).sum(axis=2).T - (centre**2).sum(axis=2)
        rest = np.maximum(mean @ self.rest.T, 0.0)
        least = (1e-12 * np.maximum(1.0, np.abs(self.scores).max(axis=(1, 2), initial=0.0))) ** 2
        return np.where(total <= least, 0.0, rest / np.where(total <= least, 1.0, total))


def top_share(importance: Array) -> Array:
    """Share of the four most important columns, of (…, n_columns); 1 where there are none."""
    total = importance.sum(axis=-1)
    top = np.sort(importance, axis=-1)[..., -TOP:].sum(axis=-1)
    return np.where(total > 0, np.minimum(top / np.where(total > 0, total, 1.0), 1.0), 1.0)


def effective_number(importance: npt.ArrayLike) -> Array:
    """How many equally important columns have the entropy of these (Hill number of order 1).

    Parameters
    ----------
    importance : array-like, shape (..., n_columns)
        Mean absolute attributions.

    Examples
    --------
    >>> effective_number([2.0, 2.0, 0.0]).round(6).item()
    2.0
    """
    importance = np.asarray(importance, np.float64)
    total = importance.sum(axis=-1, keepdims=True)
    share = importance / np.where(total > 0, total, 1.0)
    logs = np.log(np.where(share > 0, share, 1.0))
    return np.where(total[..., 0] > 0, np.exp(-(share * logs).sum(axis=-1)), 0.0)


class Agreement:
    """How far refits of a procedure say the same of the same rows.

    `concordance` is the overall concordance correlation of their predictions, `likeness` the mean
    cosine of a row's attributions over all pairs of refits; stability is the root of the product.

    Parameters
    ----------
    refits : list of Measured
        At least two, measured on the same rows.

    Notes
    -----
    The concordance of several refits is 2 Σ_{j<k} cov_jk / [(J-1) Σ_j var_j + Σ_{j<k} (μ_j-μ_k)²],
    which for two is Lin's; outputs are added up above and below. Refits that all answer the same
    for all rows agree: 1. Two rows of attributions that are all zero are alike (1), one such and
    another are not (0).

    References
    ----------
    Lin (1989), A concordance correlation coefficient to evaluate reproducibility; Barnhart, Haber
    & Song (2002), Overall concordance correlation coefficient for evaluating agreement among
    multiple observers.
    """

    def __init__(self, refits: list[Measured]) -> None:
        # Differences from anything near the mean keep their digits.
        centre = np.mean([found.answers.mean(axis=1, keepdims=True) for found in refits], axis=0)
        self.answers = [found.answers - centre for found in refits]
        self.inside = refits[0].inside
        self.directions, self.empty = [], []
        for found in refits:
            flat = found.phi.reshape(*found.phi.shape[:2], -1)
            length = np.linalg.norm(flat, axis=2, keepdims=True)
            self.directions.append(flat / np.where(length > 0, length, 1.0))
            self.empty.append(length[:, :, 0] == 0)

    def concordance(self, weight: Array, without: int | None = None) -> Array:
        """Overall concordance of predictions, (n_draws, n_steps), of all refits but one."""
        kept = [own for b, own in enumerate(self.answers) if b != without]
        mean, n = weight / weight.sum(axis=1, keepdims=True), len(kept)
        means = np.stack([_over_rows(mean, own) for own in kept])
        squares = np.sum([_over_rows(mean, own**2).sum(axis=2) for own in kept], axis=0)
        total = means.sum(axis=0)  # of (refits, draws, steps, outputs)
        variances = squares - (means**2).sum(axis=(0, 3))
        of_sum = _over_rows(mean, np.square(np.sum(kept, axis=0))).sum(axis=2)
        of_sum -= (total**2).sum(axis=2)
        apart = n * (means**2).sum(axis=(0, 3)) - (total**2).sum(axis=2)
        below = (n - 1) * variances + apart
        none = variances <= 1e-12 * squares  # what rounding leaves of constant answers
        return np.where(
            none, 1.0, np.clip((of_sum - variances) / np.where(none, 1.0, below), 0.0, 1.0)
        )

    def row_likeness(self, without: int | None = None) -> Array:
        """Mean cosine of each row's attributions over pairs of refits, (n_steps, n_inside)."""
        kept = [b for b in range(len(self.answers)) if b != without]
        n, empty = len(kept), np.sum([self.empty[b] for b in kept], axis=0, dtype=np.float64)
        length = (np.sum([self.directions[b] for b in kept], axis=0) ** 2).sum(axis=2)
        return (length - (n - empty) + empty * (empty - 1)) / (n * (n - 1))

    def likeness(self, weight: Array, without: int | None = None) -> Array:
        """Mean cosine of attributions, (n_draws, n_steps); a negative one counts as 0."""
        some = weight[:, self.inside]
        some = some / some.sum(axis=1, keepdims=True)
        return np.clip(some @ self.row_likeness(without).T, 0.0, 1.0)

    def stability(self, weight: Array, without: int | None = None) -> Array:
        """Root of concordance times likeness, (n_draws, n_steps)."""
        return np.sqrt(self.concordance(weight, without) * self.likeness(weight, without))

    def luck(self, weight: Array) -> Array:
        """Standard error of stability from the choice of refits, by a jackknife, (n_steps,)."""
        n = len(self.answers)
        if n < 3:
            return np.full(len(self.answers[0]), np.nan)
        own = np.concatenate([self.stability(weight[None], without=b) for b in range(n)])
        return np.sqrt((n - 1) / n * ((own - own.mean(axis=0)) ** 2).sum(axis=0))

    def pairs(self, weight: Array) -> Array:
        """Stability of every two refits, (n_pairs, n_steps)."""
        mean = weight / weight.sum()
        some = weight[self.inside] / weight[self.inside].sum()
        centred = [own - _over_rows(mean[None], own)[0][:, None] for own in self.answers]
        flat = np.stack([(own * np.sqrt(mean)[:, None]) for own in centred])
        covariance = np.einsum("asrk,bsrk->sab", flat, flat, optimize=True)
        centre = np.stack([_over_rows(mean[None], own)[0] for own in self.answers])  # refits first
        apart = ((centre[:, None] - centre[None]) ** 2).sum(axis=3).transpose(2, 0, 1)
        variance = np.diagonal(covariance, axis1=1, axis2=2)
        below = variance[:, :, None] + variance[:, None] + apart
        size = np.stack([(own**2).max(axis=(1, 2), initial=0.0) for own in self.answers]).max(0)
        none = variance[:, :, None] + variance[:, None] <= 1e-12 * size[:, None, None]
        agreed = np.where(none, 1.0, 2 * covariance / np.where(none, 1.0, below))
        ways = np.stack([own * np.sqrt(some)[:, None] for own in self.directions])
        empty = np.stack(self.empty).astype(np.float64)
        alike = np.einsum("asrk,bsrk->sab", ways, ways, optimize=True)
        alike += np.einsum("asr,bsr,r->sab", empty, empty, some, optimize=True)
        first, second = np.triu_indices(len(flat), 1)
        product = np.clip(agreed, 0.0, 1.0) * np.clip(alike, 0.0, 1.0)
        return np.sqrt(product[:, first, second].T)


def _over_rows(mean: Array, values: Array) -> Array:
    """Weighted means over rows: (n_draws, n_rows) and (n_steps, n_rows, k) to draws, steps, k."""
    steps, rows, k = values.shape
    flat = values.transpose(1, 0, 2).reshape(rows, steps * k)
    return (mean @ flat).reshape(len(mean), steps, k)


def composite(components: dict[str, Array]) -> Array:
    """Weighted geometric mean of components, times 100; see `WEIGHTS`.

    Parameters
    ----------
    components : dict of str to array
        Those that are known; the weights of others are shared out among them.

    Examples
    --------
    >>> composite({"simulate": 0.5, "size": 0.5}).round(6).item()
    50.0
    """
    total = sum(WEIGHTS[name] for name in components)
    logs = sum(WEIGHTS[name] * _log(value) for name, value in components.items())
    return 100.0 * np.exp(logs / total)


def _log(value: npt.ArrayLike) -> Array:
    return np.log(np.maximum(np.asarray(value, np.float64), FLOOR))


def share_better(
    first: dict[str, float], second: dict[str, float], n_draws: int = DRAWS, seed: int = 0
) -> float:
    """Share of weightings under which the first model's composite is above the second's.

    Parameters
    ----------
    first, second : dict of str to float
        Components; those that both have are weighed.
    n_draws : int
        Weightings, drawn evenly from all there are (Dirichlet with all parameters 1).
    seed : int

    Returns
    -------
    float
        Ties count one half.

    Examples
    --------
    >>> share_better({"simulate": 0.9, "size": 0.8}, {"simulate": 0.5, "size": 0.4})
    1.0
    """
    names = [name for name in COMPONENTS if name in first and name in second]
    weight = np.random.default_rng(seed).dirichlet(np.ones(len(names)), n_draws)
    gap = np.array([_log(first[name]) - _log(second[name]) for name in names])
    # Equal components differ in their last digits where sums were taken in another order.
    lead = weight @ np.where(np.abs(gap) < 1e-12, 0.0, gap)
    return float(np.mean(lead > 0) + np.mean(lead == 0) / 2)
