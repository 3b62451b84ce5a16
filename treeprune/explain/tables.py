"""Tables as they come: pandas, polars, arrays, sparse; all of them as one frame or one matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

__all__ = ["as_frame", "dense", "feature_names"]


def as_frame(X: Any) -> pd.DataFrame:
    """Rows as a pandas frame with text names: `x0`, `x1`, … where columns have none.

    Parameters
    ----------
    X : DataFrame (pandas, polars), array or sparse matrix, shape (n_rows, n_columns)

    Returns
    -------
    DataFrame
        The caller's own where it is one already; never changed.

    Raises
    ------
    ValueError
        If `X` is not two-dimensional or two columns share a name.

    Examples
    --------
    >>> as_frame(np.zeros((1, 2))).columns.tolist()
    ['x0', 'x1']
    """
    if isinstance(X, pd.DataFrame):
        frame = X
    elif hasattr(X, "to_pandas"):
        frame = X.to_pandas()
    else:
        array = X.toarray() if sparse.issparse(X) else np.asarray(X)
        if array.ndim != 2:
            raise ValueError(
                f"rows must be a table, rows x columns; got shape {array.shape}. "
                "Give one row as X[[i]] or X.iloc[[i]]"
            )
        return pd.DataFrame(array, columns=[f"x{j}" for j in range(array.shape[1])])
    if not all(isinstance(name, str) for name in frame.columns):
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"two columns are called {twice!r}; rename one of them")
    return frame


def dense(Z: Any) -> npt.NDArray:
    """A transformer's output as a floating-point matrix."""
    if sparse.issparse(Z):
        Z = Z.toarray()
    if hasattr(Z, "to_numpy"):
        Z = Z.to_numpy()
    Z = np.asarray(Z)
    return Z if Z.dtype in (np.float32, np.float64) else Z.astype(np.float64)


def feature_names(transformer: Any, frame: pd.DataFrame) -> list[str]:
    """Names of the raw columns, in the order in which the transformer was fitted.

    Raises
    ------
    ValueError
        If the frame lacks one of them.
    """
    fitted = getattr(transformer, "feature_names_in_", None)
    if fitted is None:
        return list(frame.columns)
    lacking = [str(name) for name in fitted if str(name) not in frame.columns]
    if lacking:
        raise ValueError(
            f"the rows lack the columns {lacking}, which {type(transformer).__name__} was "
            f"fitted on; they have {list(frame.columns)}"
        )
    return [str(name) for name in fitted]
