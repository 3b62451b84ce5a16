"""What the data is: rows, the outcome in both parts of the split, and every column in one line.

Columns are told over all rows of the study, training and held out, since both are judged by what
is in them; beside each stands whether the model as grown and the pruned model read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..explain.text import category_text, shortened
from .models import used_columns

if TYPE_CHECKING:
    import numpy.typing as npt

    from .rivals import Fits
    from .study import Study

__all__ = ["data_section"]

NAMED = 6  # categories of a column that are named


def data_section(study: Study, fits: Fits) -> dict[str, Any]:
    """Rows, outcome and columns of a study.

    Parameters
    ----------
    study : Study
    fits : Fits

    Returns
    -------
    dict
        `rows`, `n_train`, `n_held_out`; `outcome`, a list of each class with its rows in both
        parts (None for regression); `outcome_number`, by part the mean, standard deviation (of
        the rows, ddof 1; None for a single row), lowest and highest outcome (None for classes);
        `columns` in the table's order: `column`, `kind` ("number" or "category"), `missing`
        values of all rows, what is `said` of the others, and whether the model as `grown` and
        the `pruned` model use it. JSON-able.

    Examples
    --------
    >>> from treeprune.report import Options, Table, fit_rivals, study_of
    >>> frame = pd.DataFrame({"x": range(80), "y": [0] * 30 + [0, 1] * 10 + [1] * 30})
    >>> study = study_of(Table(frame, ""), name="toy", target="y")
    >>> told = data_section(study, fit_rivals(study, Options(cv=2, n_resamples=1000)))
    >>> told["outcome"][1]
    {'label': '1', 'train': 28, 'held_out': 12}
    >>> told["columns"][0]["said"]
    '0 to 79, median 39.5'
    """
    rows = pd.concat([study.X_train, study.X_test], ignore_index=True)
    used = {key: _used(fits, key) for key in ("grown", "pruned")}
    return {
        "rows": len(rows),
        "n_train": len(study.y_train),
        "n_held_out": len(study.y_test),
        "outcome": _classes(study) if study.is_classification else None,
        "outcome_number": None if study.is_classification else _numbers(study),
        "columns": [
            {
                "column": str(name),
                **_column(rows[name]),
                **{key: str(name) in names for key, names in used.items()},
            }
            for name in rows.columns
        ],
    }


def _used(fits: Fits, key: str) -> set[str]:
    """Raw columns that a rival reads."""
    return fits.columns.used(used_columns(fits.rival(key).native))


def _classes(study: Study) -> list[dict[str, Any]]:
    n = len(study.labels)
    train, held_out = (np.bincount(y, minlength=n) for y in (study.y_train, study.y_test))
    return [
        {"label": label, "train": int(train[k]), "held_out": int(held_out[k])}
        for k, label in enumerate(study.labels)
    ]


def _numbers(study: Study) -> dict[str, Any]:
    return {"train": _spread(study.y_train), "held_out": _spread(study.y_test)}


def _spread(y: npt.NDArray) -> dict[str, float | None]:
    return {
        "mean": float(y.mean()),
        "sd": float(y.std(ddof=1)) if len(y) > 1 else None,
        "low": float(y.min()),
        "high": float(y.max()),
    }


def _column(column: pd.Series) -> dict[str, Any]:
    """Kind, missing values, and what the others are; as the encoder tells the kinds apart."""
    number = pd.api.types.is_numeric_dtype(column)
    known = column.dropna()
    return {
        "kind": "number" if number else "category",
        "missing": int(column.isna().sum()),
        "said": _range(known) if number else _counts(known),
    }


def _range(known: pd.Series) -> str:
    """From the lowest to the highest, and the median; one value where there is no other."""
    values = known.to_numpy(np.float64)
    low, middle, high = (float(f(values)) for f in (np.min, np.median, np.max))
    if low == high:
        return f"{shortened(low)} only"
    return f"{shortened(low)} to {shortened(high)}, median {shortened(middle)}"


def _counts(known: pd.Series) -> str:
    """The most frequent categories with their rows; among equals in the order of their names."""
    counts = known.astype(object).value_counts()
    order = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    said = ", ".join(f"{_name(category)} {count}" for category, count in order[:NAMED])
    more = f" and {len(order) - NAMED} more" if len(order) > NAMED else ""
    return f"{len(order)} {'category' if len(order) == 1 else 'categories'}: {said}{more}"


def _name(category: Any) -> str:
    """In quotes, too, where a number at its end would run into the number of rows."""
    text = category_text(category)
    return f"'{text}'" if text[-1].isdigit() else text
