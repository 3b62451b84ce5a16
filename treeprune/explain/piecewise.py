"""A relu network as what it is: for every set of neurons that are on, a linear function.

Given which neurons of the layers before are on, the sum that enters a neuron is linear in what the
network reads, and whether it is positive is a half-space. Which sets of neurons can be on at all,
for inputs in a box, is found layer by layer: each next neuron is asked by a linear program whether
it can be on, and whether it can be off, beside what is known of those before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..network import Network

__all__ = ["Pattern", "Piecewise", "possible_patterns"]

Array = npt.NDArray[np.float64]
Pattern = tuple[bool, ...]
Forms = tuple[Array, Array]

MOST_PROGRAMS = 2000  # a few seconds
SAMPLED = 4096  # points of the box that are tried before any program is solved
_SOLVED, _INFEASIBLE = 0, 2  # of linprog; others are limits met and numerical trouble
THINNEST = 1e-6  # share of a sum's range by which a neuron must be able to be on


@dataclass(frozen=True, eq=False)
class Piecewise:
    """Linear forms of a network's sums, by the neurons that are on.

    Parameters
    ----------
    network : Network
        With activation relu or identity.
    matrix : array of float64, shape (n_terms, n_inputs)
    offset : array of float64, shape (n_inputs,)
        The network's inputs are `terms @ matrix + offset`.

    Examples
    --------
    >>> net = Network(([[1.0, -1.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
    >>> pieces = Piecewise(net, np.eye(1), np.zeros(1))
    >>> groups = pieces.groups(np.array([[2.0], [0.5]]))
    >>> groups[True, False].tolist(), groups[True, True].tolist()
    ([0], [1])
    >>> coefficients, constant = pieces.forms((True, True))  # of the score
    >>> coefficients.tolist(), constant.tolist()  # 2 x + 3 (1 - x) + .5
    ([[-1.0]], [3.5])
    """

    network: Network
    matrix: Array
    offset: Array
    _known: dict[Pattern, Forms] = field(default_factory=dict, init=False, repr=False)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of neurons of each hidden layer that are on or off."""
        return () if self.network.activation == "identity" else self.network.hidden_layer_sizes

    def forms(self, on: Pattern) -> Forms:
        """Sums of the next layer as linear forms of the terms.

        Parameters
        ----------
        on : tuple of bool
            Which neurons are on, of all hidden layers (then the next are the scores), or of the
            first ones only.

        Returns
        -------
        coefficients : array of float64, shape (n_terms, n_sums)
        constant : array of float64, shape (n_sums,)
        """
        if on not in self._known:
            self._known[on] = self._forms(on)
        return self._known[on]

    def _forms(self, on: Pattern) -> Forms:
        net = self.network
        if not self.sizes:
            matrix, offset = self.matrix, self.offset
            for w, b in zip(net.weights, net.biases, strict=True):
                matrix, offset = matrix @ w, offset @ w + b
            return matrix, offset
        layer, before = 0, 0
        while before < len(on):
            before += self.sizes[layer]
            layer += 1
        if not layer:
            return self.matrix @ net.weights[0], self.offset @ net.weights[0] + net.biases[0]
        last = len(on) - self.sizes[layer - 1]
        matrix, offset = self.forms(on[:last])
        passed = np.array(on[last:], dtype=np.float64)[:, None] * net.weights[layer]
        return matrix @ passed, offset @ passed + net.biases[layer]

    def groups(
        self, terms: Array, forms: Callable[[Pattern], Forms] | None = None
    ) -> dict[Pattern, npt.NDArray[np.int64]]:
        """Positions of the rows of terms in which the same neurons are on, ascending.

        Parameters
        ----------
        terms : array of float64, shape (n_rows, n_terms)
        forms : callable, optional
            Instead of `self.forms`; a neuron is on where `terms @ coefficients > -constant`.

        Returns
        -------
        dict of tuple of bool to array of int64
        """
        forms = forms or self.forms
        groups: dict[Pattern, npt.NDArray[np.int64]] = {(): np.arange(len(terms))}
        for _ in self.sizes:
            parts: dict[Pattern, npt.NDArray[np.int64]] = {}
            for before, rows in groups.items():
                coefficients, constant = forms(before)
                states = terms[rows] @ coefficients > -constant
                for first, alike in _alike(states):
                    parts[(*before, *states[first].tolist())] = rows[alike]
            groups = parts
        return groups


def _alike(states: npt.NDArray[np.bool_]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Equal rows: the position of the first, and of all."""
    code = np.zeros(len(states), dtype=np.int64)
    for start in range(0, states.shape[1], 32):  # as one number a row, which sorts fast
        bits = states[:, start : start + 32]
        _, code = np.unique(code, return_inverse=True)
        code = (code.ravel() << bits.shape[1]) + bits @ (1 << np.arange(bits.shape[1]))
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    for alike in np.split(order, starts[1:]):
        if len(alike):
            yield int(alike[0]), alike


@dataclass(frozen=True, eq=False)
class _Box:
    """What is known of a box of inputs: its ends, and sums that must be positive, or must not."""

    low: Array
    width: Array
    positive: tuple[tuple[Array, float], ...] = ()
    negative: tuple[tuple[Array, float], ...] = ()

    def range(self, w: Array, c: float) -> tuple[float, float]:
        """Smallest and largest value of a sum in the box alone."""
        middle, spread = w @ self.low + c, w * self.width
        return float(middle + np.minimum(spread, 0).sum()), float(
            middle + np.maximum(spread, 0).sum()
        )

    def with_sum(self, w: Array, c: float, on: bool) -> _Box:
        """The part of the box where one more sum is positive, or is not."""
        positive, negative = self.positive, self.negative
        if on:
            positive = (*positive, (w, c))
        else:
            negative = (*negative, (w, c))
        return _Box(self.low, self.width, positive, negative)

    def is_there_a_point(self) -> bool | None:
        """Whether all sums can be as they must at once, by a linear program; None if unsolved.

        Inputs are low + u width with u in [0, 1]; the least of the sums that must be positive,
        each in units of its own range, is made as large as can be.
        """
        from scipy.optimize import linprog

        moving = self.width > 0
        rows, bounds = [], []
        for sign, sums in ((1.0, self.positive), (-1.0, self.negative)):
            for w, c in sums:
                along, at = (w * self.width)[moving], float(w @ self.low + c)
                size = float(np.abs(along).sum()) or 1.0
                rows.append(np.append(-sign * along / size, float(sign > 0)))
                bounds.append(sign * at / size)
        n = int(moving.sum())
        found = linprog(
            np.append(np.zeros(n), -1.0),
            A_ub=np.array(rows),
            b_ub=np.array(bounds),
            bounds=[(0.0, 1.0)] * n + [(None, 1.0)],
            method="highs",
        )
        if found.status not in (_SOLVED, _INFEASIBLE):
            return None
        return bool(found.status == _SOLVED and -found.fun > THINNEST)


def possible_patterns(
    network: Network, low: Array, high: Array, known: Iterable[Pattern] = ()
) -> set[Pattern] | None:
    """Every set of neurons that is on for some input in a box.

    Parameters
    ----------
    network : Network
    low, high : array of float64, shape (n_inputs,)
        The box, in the order of `network.inputs`.
    known : iterable of tuple of bool
        Patterns that were met.

    Returns
    -------
    set of tuple of bool, or None
        None where more than `MOST_PROGRAMS` linear programs were needed, or one was not solved.

    Notes
    -----
    Patterns in which some neuron is on by less than a millionth of its sum's range are not found
    unless they are known.

    Examples
    --------
    >>> net = Network(([[1.0, -1.0]], [[2.0], [3.0]]), ([0.0, 1.0], [0.5]))
    >>> sorted(possible_patterns(net, np.array([0.0]), np.array([5.0])))
    [(False, True), (True, False), (True, True)]
    """
    pieces = Piecewise(network, np.eye(len(low)), np.zeros(len(low)))
    rng = np.random.default_rng(0)
    width = high - low
    inside = low + width * rng.random((SAMPLED, len(low)))
    corners = low + width * rng.integers(0, 2, (SAMPLED, len(low)))
    out = {*known, *pieces.groups(inside), *pieces.groups(corners)}
    begun = {pattern[:k] for pattern in out for k in range(len(pattern) + 1)}
    n_solved = 0
    waiting: list[tuple[Pattern, _Box]] = [((), _Box(low, width))]
    while waiting:
        on, box = waiting.pop()
        if len(on) == sum(pieces.sizes):
            out.add(on)
            continue
        for state, part, is_sure in _next(pieces, on, box):
            if not is_sure and (*on, state) not in begun:
                if n_solved == MOST_PROGRAMS:
                    return None
                n_solved += 1
                is_there = part.is_there_a_point()
                if is_there is None:
                    return None
                if not is_there:
                    continue
            waiting.append(((*on, state), part))
    return out


def _next(pieces: Piecewise, on: Pattern, box: _Box) -> Iterator[tuple[bool, _Box, bool]]:
    """States of the next neuron that the box alone allows, and whether the only one."""
    start = 0
    for size in pieces.sizes:
        if len(on) < start + size:
            break
        start += size
    coefficients, constant = pieces.forms(on[:start])
    w, c = coefficients[:, len(on) - start], float(constant[len(on) - start])
    least, most = box.range(w, c)
    if most <= 0 or least > 0:
        yield most > 0, box, True
        return
    for state in (True, False):
        yield state, box.with_sum(w, c, state), False
