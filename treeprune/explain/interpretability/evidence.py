"""Evidence: components of one subject with their spread, over rows and over refits.

A subject is a model, or all asked steps of a path at once. What is measured of it is weighed anew
for the interval over rows ("this model"); it is made and measured again on parts of the training
rows for stability and for the interval over refits ("this procedure").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.utils.parallel import Parallel, delayed

from .components import COMPONENTS, Agreement, Measured, composite
from .measure import PARTS, Reference
from .refits import SHARE, Training, parts

__all__ = ["Evidence", "Subject", "gather"]

Array = npt.NDArray[np.float64]
Interval = tuple[Array, Array]

LEVEL = 0.95
FEWEST_FOR_PAIRS = 5  # refits from which on their pairs have a middle


class Subject(Protocol):
    """What can be measured, and made again from other rows."""

    @property
    def stratify(self) -> bool:
        """Whether parts keep the shares of classes."""

    def measure(self, reference: Reference) -> Measured:
        """Measure it on rows."""

    def again(self, training: Training, seed: int) -> Any:
        """The same procedure on these rows, as another subject."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a subject.

    Parameters
    ----------
    measured : Measured
    components : dict of str to array, shape (n_steps,)
    draws : dict of str to array, shape (n_draws, n_steps)
        Components under resampled rows; concentration by a jackknife over rows and background
        rows together.
    refits : tuple of Measured
    of_refits : dict of str to array, shape (n_refits, n_steps)
        Components of each refit, without stability.
    pairs : array of float64, shape (n_pairs, n_steps)
        Stability of every two refits.
    left_out : array of bool, shape (n_refits, n_rows), or None
        Which rows a refit did not see; None where it saw other rows than these.
    weight : array of float64, shape (n_rows,)
    """

    measured: Measured
    components: dict[str, Array]
    draws: dict[str, Array]
    refits: tuple[Measured, ...]
    of_refits: dict[str, Array]
    pairs: Array
    left_out: npt.NDArray[np.bool_] | None
    weight: Array

    @property
    def composite(self) -> Array:
        """Composite of every step, (n_steps,)."""
        return composite(self.components)

    def over_rows(self) -> dict[str, Interval]:
        """95 % intervals of this very model, were other rows like these asked.

        Returns
        -------
        dict of str to (array, array), each of shape (n_steps,)
            Of each component and of the composite.
        """
        draws = {**self.draws, "composite": composite(self.draws)}
        tail = (1 - LEVEL) / 2
        return {
            name: (np.quantile(drawn, tail, axis=0), np.quantile(drawn, 1 - tail, axis=0))
            for name, drawn in draws.items()
        }

    def over_refits(self) -> dict[str, Interval]:
        """95 % intervals of the procedure, were it given other training rows like these.

        Empty with fewer than two refits. That of stability, from five refits on, is two standard
        deviations of pairs of refits, which in simulations is a little more than what other
        training rows change: from refits of the same rows that cannot be known.

        Notes
        -----
        After the delete-d jackknife (Shao & Wu 1989): the variance over fresh samples is that
        over parts of a share s without replacement, times 1 / (1 - s), where it is not taken for
        granted that it falls with the number of rows, which that of a tree's size does not;
        Student's t with one degree of freedom fewer than refits. Refits on fewer rows are often
        smaller: the interval reaches from the model's own value to their mean, and beyond both.
        Where all of them sit at an end of the scale it is too short all the same.
        """
        n = len(self.refits)
        if n < 2:
            return {}
        wide = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) / np.sqrt(1 - SHARE)
        out = {
            name: _around(self.components[name], own, wide, 1.0)
            for name, own in self.of_refits.items()
        }
        if n < FEWEST_FOR_PAIRS:
            return out
        value = self.components["stability"]
        half = 2.0 * self.pairs.std(axis=0, ddof=1)
        out["stability"] = np.clip(value - half, 0.0, 1.0), np.clip(value + half, 0.0, 1.0)
        # Those of the composite's logarithm are put together as if they were independent.
        own = {**self.of_refits, "stability": np.tile(value, (n, 1))}
        low, high = _around(self.composite, composite(own), wide, 100.0)
        ends = [composite({**self.components, "stability": end}) for end in out["stability"]]
        gaps = (low - self.composite, ends[0] - self.composite)
        more = (high - self.composite, ends[1] - self.composite)
        out["composite"] = (
            np.clip(self.composite - np.hypot(*gaps), 0.0, 100.0),
            np.clip(self.composite + np.hypot(*more), 0.0, 100.0),
        )
        return out


def _around(value: Array, refits: Array, wide: float, most: float) -> Interval:
    """From the model's own value to the refits' mean, and `wide` standard deviations beyond."""
    mean, half = refits.mean(axis=0), wide * refits.std(axis=0, ddof=1)
    low, high = np.minimum(value, mean) - half, np.maximum(value, mean) + half
    return np.clip(low, 0.0, most), np.clip(high, 0.0, most)


def gather(
    subject: Subject,
    reference: Reference,
    training: Training | None,
    *,
    rows: npt.NDArray[np.int64] | None,
    n_refits: int,
    n_draws: int,
    n_jobs: int | None = None,
) -> Evidence:
    """Measure a subject, resample the rows, and refit.

    Parameters
    ----------
    subject : Subject
    reference : Reference
    training : Training or None
        None where there is nothing to refit on; stability is then not among the components.
    rows : array of int64, shape (n_rows,), or None
        Positions of the reference rows among the training rows; None where they are others.
    n_refits, n_draws : int
    n_jobs : int, optional
        Of joblib.
    """
    measured = subject.measure(replace(reference, parts=PARTS))
    weight = reference.weight
    components = {name: value[0] for name, value in measured.components(weight[None]).items()}
    drawn = _draws(weight, n_draws, reference.seed)
    draws = measured.components(drawn)
    draws["concentration"] = _with_background(
        draws["concentration"], components["concentration"], measured, reference.seed
    )
    if training is None or n_refits < 2:
        none = np.zeros((0, measured.n_steps))
        return Evidence(measured, components, draws, (), {}, none, None, weight)
    own = list(parts(training, n_refits, stratify=subject.stratify, seed=reference.seed))
    found = Parallel(n_jobs=n_jobs)(
        delayed(_again)(subject, training.take(part), reference, reference.seed + 1 + b)
        for b, part in enumerate(own)
    )
    agreement = Agreement(found)
    components["stability"] = agreement.stability(weight[None])[0]
    draws["stability"] = agreement.stability(drawn)
    luck = agreement.luck(weight)
    if not np.isnan(luck).any():  # other refits of the same rows would say something else
        rng = np.random.default_rng([reference.seed, 5])
        chance = rng.standard_t(len(found) - 1, size=(n_draws, 1)) * luck
        draws["stability"] = np.clip(draws["stability"] + chance, 0.0, 1.0)
    each = [one.components(weight[None]) for one in found]
    of_refits = {name: np.concatenate([one[name] for one in each]) for name in each[0]}
    left_out = None
    if rows is not None:
        left_out = np.stack([~np.isin(rows, part) for part in own])
    order = [name for name in COMPONENTS if name in components]
    return Evidence(
        measured,
        {name: components[name] for name in order},
        {name: draws[name] for name in order},
        tuple(found),
        of_refits,
        agreement.pairs(weight),
        left_out,
        weight,
    )


def _again(subject: Subject, training: Training, reference: Reference, seed: int) -> Measured:
    return subject.again(training, seed).measure(reference)


def _with_background(drawn: Array, value: Array, measured: Measured, seed: int) -> Array:
    """Concentration under other rows and other background rows, which resampled rows lack."""
    rng = np.random.default_rng([seed, 4])
    luck = rng.standard_t(PARTS - 1, size=(len(drawn), 1))
    spread = measured.concentration_sd
    return np.where(
        np.isnan(spread),
        drawn,
        np.clip(value + luck * spread, 0.0, 1.0),
    )


def _draws(weight: Array, n_draws: int, seed: int) -> Array:
    """Bootstrap weights of the rows, (n_draws, n_rows), drawn among those that have a weight."""
    rng = np.random.default_rng([seed, 1])
    some = weight > 0
    n = int(some.sum())
    return rng.multinomial(n, some / n, size=n_draws) * weight
