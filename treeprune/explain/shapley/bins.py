"""Compiled loops over columns: what rows answer to the slots of trees, and which answer alike.

A slot's answer, the bin, is all that a tree asks of a column, so that everything after this works
on small integers; rows with the same bins in all slots are one cell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray

__all__ = ["Slots", "bin_columns", "find_cells", "load_columns"]

# Up to so many thresholds it is quicker to compare with all of them than to search.
_FEW_CUTS = 24
_ROWS_AT_ONCE = 512
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Slots(NamedTuple):
    """Questions asked of a row, sorted by tree; a bin is a slot's answer.

    A bin is the number of thresholds below the value, one more than their number where the value
    is missing; of a set of categories 0 inside and 1 outside.

    Parameters
    ----------
    column : int32 (n_slots,)
        Index into the columns in use.
    is_set : bool (n_slots,)
    cut_start : int64 (n_slots + 1,), cuts : float64
        Ascending thresholds or categories, slot by slot.
    missing_bin : int64 (n_slots,)
        Bin of missing values, the last one.
    start : int64 (n_trees + 1,)
        First slot of every tree.
    """

    column: Array
    is_set: Array
    cut_start: Array
    cuts: Array
    missing_bin: Array
    start: Array


@njit(cache=True)
def load_columns(
    flat: Array,
    row_stride: int,
    column_stride: int,
    first: int,
    used: Array,
    cast32: bool,
    out: Array,
) -> None:
    """Copy columns `used` of the rows from `first` on into the rows of `out`, as compared.

    A model that casts compares float32 values; every float32 is a float64, so that comparing in
    float64 after rounding is the same.
    """
    for c in range(used.size):
        at = first * row_stride + used[c] * column_stride
        for i in range(out.shape[1]):
            out[c, i] = np.float64(np.float32(flat[at])) if cast32 else flat[at]
            at += row_stride


@njit(cache=True)
def _bin_column(x: Array, cuts: Array, is_set: bool, out: Array) -> None:
    """Bins of one column: thresholds below the value (missing: one more than there are), or 0
    inside and 1 outside a set of whole numbers.
    """
    n = cuts.size
    m = x.size
    if is_set:
        for i in range(m):
            out[i] = 1
            whole = np.trunc(x[i])  # NaN equals no category
            for q in range(n):
                if whole == cuts[q]:
                    out[i] = 0
                    break
        return
    if n <= _FEW_CUTS:
        for i in range(m):
            out[i] = 0
        for q in range(n):
            cut = cuts[q]
            for i in range(m):
                out[i] += x[i] > cut
    else:
        for i in range(m):
            value = x[i]
            base = 0
            size = n
            while size > 1:
                half = size >> 1
                base = base + half if cuts[base + half - 1] < value else base
                size -= half
            out[i] = base + (cuts[base] < value)
    for i in range(m):
        if x[i] != x[i]:
            out[i] = n + 1


@njit(cache=True)
def bin_columns(
    columns: Array, first: int | np.int64, slots: Slots, first_slot: int, out: Array
) -> None:
    """Bins of the slots from `first_slot` on for the rows from `first` on.

    Parameters
    ----------
    columns : float64 (n_columns, n_rows)
        From `load_columns`.
    out : int64 (n_slots, n_rows), filled
    """
    end = first + out.shape[1]
    for q in range(out.shape[0]):
        s = first_slot + q
        cuts = slots.cuts[slots.cut_start[s] : slots.cut_start[s + 1]]
        _bin_column(columns[slots.column[s], first:end], cuts, slots.is_set[s], out[q])


@njit(cache=True)
def find_cells(
    flat: Array,
    row_stride: int,
    column_stride: int,
    used: Array,
    cast32: bool,
    slots: Slots,
    step: Array,
    keys: Array,
    numbers: Array,
    count: int,
    offset: int,
    first_row: Array,
    index: Array,
) -> int:
    """Number the distinct combinations of bins ("cells") in the order in which they turn up.

    The mixed-radix code of the bins is looked up in a hash table with open addresses.

    Parameters
    ----------
    step : int64 (n_slots,)
        Worth of each slot's bin in the code.
    keys, numbers : int64, int32 (a power of two,)
        The hash table, `numbers` -1 where empty.
    count : int
        Cells known so far.
    offset : int
        Row number of the first row.
    first_row : int64 (limit,)
        Filled with the row in which each cell first occurs.
    index : int32 (n_rows,)
        Filled with the number of each row's cell.

    Returns
    -------
    int
        Cells known now, or -1 when there are more than `limit`.
    """
    mask = np.uint64(keys.size - 1)
    codes = np.empty(_ROWS_AT_ONCE, np.int64)
    for a in range(0, index.size, _ROWS_AT_ONCE):
        m = min(_ROWS_AT_ONCE, index.size - a)
        columns = np.empty((used.size, m))
        bins = np.empty((1, m), np.int64)
        load_columns(flat, row_stride, column_stride, a, used, cast32, columns)
        codes[:] = 0
        for s in range(step.size):
            bin_columns(columns, np.int64(0), slots, s, bins)  # not a literal
            for i in range(m):
                codes[i] += step[s] * bins[0, i]
        for i in range(m):
            at = ((np.uint64(codes[i]) * _GOLDEN) >> np.uint64(20)) & mask
            while numbers[at] >= 0 and keys[at] != codes[i]:
                at = (at + np.uint64(1)) & mask
            if numbers[at] < 0:
                if count == first_row.size:
                    return -1
                keys[at] = codes[i]
                numbers[at] = count
                first_row[count] = offset + a + i
                count += 1
            index[a + i] = numbers[at]
    return count
