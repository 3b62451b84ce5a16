"""Exact Shapley values of trees: an engine over `Trees` and `Splits` that knows nothing else.

A leaf is a small game: it pays its value to the coalitions of columns that reach it. What a row
receives from a leaf depends on the row only through which players meet the leaf's conditions, so
that it can be tabulated, and rows that no split tells apart share all of it. `TreeGame` plays the
path-dependent and the interventional game, with groups of columns as single players.
"""

from __future__ import annotations

from .engine import Cells, TreeGame

__all__ = ["Cells", "TreeGame"]
