"""Which rule takes each row, without asking every rule of every row.

The limits of all rules cut each column into cells, and a rule takes whole cells. Each cell of a
column keeps the set of rules that it is open to, a bit a rule; a row's rules are the intersection
of the sets of its cells. The time grows with rows x columns x rules / 8, whatever the depth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .conditions import MISSING, UNSEEN, CategoryCondition, Condition, NumberCondition

__all__ = ["match_conditions"]

_RULES = 2048  # at once: bounds the memory of the sets
_BYTES = 1 << 24  # of the sets of one block of rows
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
_N_BITS, _FIRST_BIT = _BITS.sum(axis=1), _BITS.argmax(axis=1)
_SHIFT = -min(MISSING, UNSEEN)


def match_conditions(
    rules: Sequence[Sequence[Condition]], values: list[npt.NDArray]
) -> npt.NDArray[np.int64]:
    """Position of the one rule whose conditions a row meets.

    Parameters
    ----------
    rules : sequence of sequence of Condition
        Conditions of each rule, at most one a column.
    values : list of array, shape (n_rows,)
        Numbers, or codes of categories, of each column.

    Returns
    -------
    array of int64, shape (n_rows,)
        -1 where no rule, or more than one, takes the row.

    Examples
    --------
    >>> low, high = (NumberCondition(0, ((a, b),), False) for a, b in ((0, 1), (1, 2)))
    >>> match_conditions([(low,), (high,)], [np.array([1.0, 2.0, 3.0])]).tolist()
    [0, 1, -1]
    """
    n = len(values[0]) if values else 0
    rule_of, taken = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for start in range(0, len(rules), _RULES):
        some = rules[start : start + _RULES]
        columns: dict[int, list[tuple[int, Condition]]] = {}
        for i, conditions in enumerate(some):
            for condition in conditions:
                columns.setdefault(condition.column, []).append((i, condition))
        sets = [_sets(asked, values[column], len(some)) for column, asked in columns.items()]
        n_bytes = (len(some) + 7) // 8
        everyone = np.packbits(np.ones(len(some), dtype=bool), bitorder="little")
        step = max(1, _BYTES // n_bytes)
        for first in range(0, n, step):
            block = slice(first, min(first + step, n))
            open_to = np.tile(everyone, (block.stop - first, 1))
            for cells, of_cell in sets:
                open_to &= of_cell[cells[block]]
            rows, at = np.nonzero(open_to)
            bits = open_to[rows, at]
            rule_of[rows + first] = start + 8 * at + _FIRST_BIT[bits]
            np.add.at(taken, rows + first, _N_BITS[bits].astype(np.int64))
    rule_of[taken != 1] = -1
    return rule_of


def _sets(
    asked: list[tuple[int, Condition]], values: npt.NDArray, n_rules: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.uint8]]:
    """The cell of every row, and the rules that each cell is open to, packed."""
    numbers = [c for _, c in asked if isinstance(c, NumberCondition)]
    if numbers:
        cells, n_cells, position = _number_cells(numbers, values)
    else:
        cells = values.astype(np.intp) + _SHIFT
        known = (code for _, c in asked if isinstance(c, CategoryCondition) for code in c.allowed)
        n_cells = max(int(cells.max(initial=_SHIFT)), max(known, default=0) + _SHIFT) + 1
    open_to = np.ones((n_rules, n_cells), dtype=bool)
    for i, condition in asked:
        open_to[i] = False
        if isinstance(condition, CategoryCondition):
            open_to[i, [code + _SHIFT for code in condition.allowed]] = True
            open_to[i, MISSING + _SHIFT] = condition.missing
            open_to[i, UNSEEN + _SHIFT] = condition.unseen
            continue
        for low, high in condition.intervals:
            open_to[i, position[low] : position[high]] = True
        open_to[i, -1] = condition.missing
    return cells, np.packbits(open_to.T, axis=1, bitorder="little")


def _number_cells(
    conditions: list[NumberCondition], values: npt.NDArray
) -> tuple[npt.NDArray[np.intp], int, dict[float, int]]:
    """The cell of every number, how many there are (missing values: the last), where limits lie."""
    ends = {end for c in conditions for interval in c.intervals for end in interval}
    limits = sorted(end for end in ends if np.isfinite(end))
    position = {limit: k + 1 for k, limit in enumerate(limits)}
    position |= {-np.inf: 0, np.inf: len(limits) + 1}
    cells = np.searchsorted(np.array(limits, dtype=np.float64), values)
    cells[np.isnan(values)] = len(limits) + 1
    return cells, len(limits) + 2, position
