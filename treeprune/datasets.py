"""Five real tables, shipped with the package and described by a card each.

A data set is a row of `SPECS`: its files, what its two target values mean, and which columns are
sensitive or must not be features by default. One loader reads them all, so that a new data set is
a new row and a card, not new code.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

__all__ = [
    "NAMES",
    "load",
    "load_adult",
    "load_breast_cancer",
    "load_compas",
    "load_german_credit",
    "load_hmda",
]


@dataclass(frozen=True)
class _Spec:
    table: str
    card: str
    target_names: tuple[str, str]  # what target 0 and target 1 mean
    sensitive: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    cost_matrix: tuple[tuple[float, float], tuple[float, float]] | None = None  # [true, predicted]


SPECS = {
    "german_credit": _Spec(
        "german_credit.csv",
        "german_credit.md",
        target_names=("good", "default"),
        sensitive=("personal_status", "foreign_worker", "age"),
        cost_matrix=((0.0, 1.0), (5.0, 0.0)),
    ),
    "compas": _Spec(
        "compas_two_year.csv",
        "compas.md",
        target_names=("not re-arrested", "re-arrested"),
        sensitive=("sex", "race", "age"),
        excluded=("decile_score",),
    ),
    "hmda": _Spec(
        "hmda_boston.csv",
        "hmda.md",
        target_names=("approved", "denied"),
        sensitive=("african_american", "single"),
        excluded=("denied_insurance",),
    ),
    "adult": _Spec(
        "adult.csv.gz",
        "adult.md",
        target_names=("<=50K", ">50K"),
        sensitive=("race", "sex", "age", "native_country", "marital_status", "relationship"),
        excluded=("fnlwgt",),
    ),
    "breast_cancer": _Spec(
        "breast_cancer.csv",
        "breast_cancer.md",
        target_names=("benign", "malignant"),
        sensitive=(),  # nothing about the patients is recorded
    ),
}

NAMES = tuple(SPECS)


def _folder() -> Path:
    """Where the tables are: inside an installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed, checkout = package / "_datasets", package.parent / "datasets"
    for folder in (installed, checkout):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"treeprune's data sets are neither in {installed} nor in {checkout}; reinstall treeprune "
        "from a wheel, or work in a complete checkout"
    )


def _read(table: Path) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Read a table with its text columns as categories; the categories by column as well."""
    # Only an empty field is missing: "none" and the like are categories of these tables.
    frame = pd.read_csv(table, keep_default_na=False, na_values=[""])
    text = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])]
    frame = frame.astype(dict.fromkeys(text, "category"))
    return frame, {c: frame[c].cat.categories.tolist() for c in text}


def _codes(data: pd.DataFrame) -> np.ndarray:
    """Return the columns as float64, categories as their codes, NaN where a value is missing."""
    columns = []
    for name in data.columns:
        column = data[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            codes = column.cat.codes.to_numpy(np.float64)
            codes[codes < 0] = np.nan  # pandas' code of a missing value is -1
            columns.append(codes)
        else:
            columns.append(column.to_numpy(np.float64))
    return np.column_stack(columns)


# The loaders return Any: a Bunch has no static types, and a union of it with the pair of
# `return_X_y` would make type checkers ask every caller which of the two arrived.
def load(name: str, *, as_frame: bool = True, return_X_y: bool = False) -> Any:
    """Load one of the data sets that come with treeprune, by its name.

    Nothing is downloaded. The rows come in the order of the file, and every call reads the file
    anew: what one caller changes, another does not see.

    Parameters
    ----------
    name : {"german_credit", "compas", "hmda", "adult", "breast_cancer"}
        Which data set.
    as_frame : bool, default=True
        If True, `data` is a DataFrame whose text columns have the dtype `category` and `target`
        is a Series. If False, both are numpy arrays; a category becomes its index in
        `categories[column]` as a float (0.0, 1.0, … in alphabetical order, which for most columns
        means nothing), a missing value NaN.
    return_X_y : bool, default=False
        If True, return only `(data, target)`.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        With the attributes

        data : DataFrame or float64 array of shape (n_rows, n_features)
            All columns but the target, the sensitive and the excluded ones included.
        target : Series or int64 array of shape (n_rows,)
            0 or 1.
        frame : DataFrame of shape (n_rows, n_features + 1), or None
            `data` with `target` as the last column; None with `as_frame=False`.
        feature_names : list of str
            Names of the columns of `data`.
        target_names : list of str
            What target 0 and target 1 mean.
        categories : dict of str to list of str
            The categories of every categorical column.
        sensitive : list of str
            Columns that say, or nearly say, to which protected group somebody belongs; empty where
            none is recorded.
        excluded : list of str
            Columns that must not be features by default: a vendor's own score, a column that
            leaks the target, a survey weight.
        cost_matrix : array of shape (2, 2), or None
            Documented costs as `cost_matrix[true, predicted]`.
        DESCR : str
            The card: source, licence, columns, caveats.
        filename : str
            Path of the table.

        or, with `return_X_y=True`, the pair of the first two.

    Raises
    ------
    ValueError
        If there is no data set of that name.

    Examples
    --------
    >>> from treeprune import datasets
    >>> hmda = datasets.load("hmda")
    >>> hmda.data.shape, hmda.excluded
    ((2380, 13), ['denied_insurance'])
    >>> datasets.NAMES
    ('german_credit', 'compas', 'hmda', 'adult', 'breast_cancer')
    """
    if name not in SPECS:
        raise ValueError(
            f"There is no data set named {name!r}. Possible names are {', '.join(NAMES)}; "
            "a table of your own is read with pandas.read_csv."
        )
    spec = SPECS[name]
    folder = _folder()
    frame, categories = _read(folder / spec.table)
    features = list(frame.columns[:-1])
    data: Any = frame[features].copy()
    target: Any = frame[frame.columns[-1]].astype(np.int64)
    if not as_frame:
        data, target = _codes(data), target.to_numpy()
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame if as_frame else None,
        feature_names=features,
        target_names=list(spec.target_names),
        categories=categories,
        sensitive=list(spec.sensitive),
        excluded=list(spec.excluded),
        cost_matrix=None if spec.cost_matrix is None else np.array(spec.cost_matrix),
        DESCR=(folder / spec.card).read_text(encoding="utf-8"),
        filename=str(folder / spec.table),
    )


def load_german_credit(*, as_frame: bool = True, return_X_y: bool = False) -> Any:
    """Load German credit: 1000 loans, 20 features, 30 % defaults, documented costs of 5 to 1.

    Parameters
    ----------
    as_frame : bool, default=True
        DataFrame and Series, or numpy arrays; see `load`.
    return_X_y : bool, default=False
        If True, return only `(data, target)`.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        As described in `load`.

    Examples
    --------
    >>> from treeprune.datasets import load_german_credit
    >>> german = load_german_credit()
    >>> german.data.shape, float(german.target.mean())
    ((1000, 20), 0.3)
    >>> german.cost_matrix  # [true, predicted]
    array([[0., 1.],
           [5., 0.]])
    """
    return load("german_credit", as_frame=as_frame, return_X_y=return_X_y)


def load_compas(*, as_frame: bool = True, return_X_y: bool = False) -> Any:
    """Load COMPAS: 6172 arrested people, 10 features, 45.5 % arrested again within two years.

    Parameters
    ----------
    as_frame : bool, default=True
        DataFrame and Series, or numpy arrays; see `load`.
    return_X_y : bool, default=False
        If True, return only `(data, target)`.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        As described in `load`.

    Examples
    --------
    >>> from treeprune.datasets import load_compas
    >>> compas = load_compas()
    >>> compas.data.shape, compas.sensitive
    ((6172, 10), ['sex', 'race', 'age'])
    """
    return load("compas", as_frame=as_frame, return_X_y=return_X_y)


def load_hmda(*, as_frame: bool = True, return_X_y: bool = False) -> Any:
    """Load Boston HMDA: 2380 mortgage applications, 13 features, 12 % denied.

    Parameters
    ----------
    as_frame : bool, default=True
        DataFrame and Series, or numpy arrays; see `load`.
    return_X_y : bool, default=False
        If True, return only `(data, target)`.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        As described in `load`.

    Examples
    --------
    >>> from treeprune.datasets import load_hmda
    >>> X, y = load_hmda(return_X_y=True)
    >>> X.shape, int(y.sum())
    ((2380, 13), 285)
    """
    return load("hmda", as_frame=as_frame, return_X_y=return_X_y)


def load_adult(*, as_frame: bool = True, return_X_y: bool = False) -> Any:
    """Load Adult: 48,842 people, 14 features, 23.9 % with an income above 50,000 dollars.

    Parameters
    ----------
    as_frame : bool, default=True
        DataFrame and Series, or numpy arrays; see `load`.
    return_X_y : bool, default=False
        If True, return only `(data, target)`.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        As described in `load`.

    Examples
    --------
    >>> from treeprune.datasets import load_adult
    >>> X, y = load_adult(as_frame=False, return_X_y=True)
    >>> X.shape, X.dtype
    ((48842, 14), dtype('float64'))
    """
    return load("adult", as_frame=as_frame, return_X_y=return_X_y)


def load_breast_cancer(*, as_frame: bool = True, return_X_y: bool = False) -> Any:
    """Load breast cancer (Wisconsin, diagnostic): 569 samples, 30 numbers, 37.3 % malignant.

    Parameters
    ----------
    as_frame : bool, default=True
        DataFrame and Series, or numpy arrays; see `load`.
    return_X_y : bool, default=False
        If True, return only `(data, target)`.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        As described in `load`.

    Notes
    -----
    The rows are those of `sklearn.datasets.load_breast_cancer`, whose target is 1 for benign; here
    it is 1 for malignant.

    Examples
    --------
    >>> from treeprune.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X.shape, y.name, int(y.sum())
    ((569, 30), 'malignant', 212)
    """
    return load("breast_cancer", as_frame=as_frame, return_X_y=return_X_y)
