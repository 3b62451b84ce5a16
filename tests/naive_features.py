"""Slow, obvious twin for FeatureMap: every value is sent through the transformers by itself.

A table of one row for each value, all other columns at a value that the transformer was fitted on.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
from scipy import sparse

REFUSED = "refused"
UNSEEN_TEXT = "\x01 none of the categories"


def one_row(link, value):
    """A row that the transformer takes, but for one value."""
    transformer = link.transformer
    if hasattr(transformer, "categories_"):
        row = [known[:1] for known in transformer.categories_]
    elif hasattr(transformer, "statistics_"):
        row = [np.array([known]) for known in transformer.statistics_]
    else:
        row = [np.ones(1)] * transformer.n_features_in_
    as_object = value is None or isinstance(value, str | Typed)
    if not as_object:  # else the others decide whether all are float32
        row = [known.astype(link.dtype) if known.dtype.kind in "iuf" else known for known in row]
    dtype = object if as_object else link.dtype
    columns = [pd.Series(known) for known in row]
    with np.errstate(over="ignore"):
        columns[link.position] = pd.Series([getattr(value, "value", value)]).astype(dtype)
    table = pd.concat(columns, axis=1)
    names = getattr(transformer, "feature_names_in_", None)
    if names is None:
        return table.to_numpy(dtype=dtype)
    return table.set_axis(list(names), axis=1)


class Typed:
    """A value that stands in a column of objects, though it may be a number."""

    def __init__(self, value):
        self.value = value


def transformed(link, value, memo):
    """All output columns for one value of one input column, as a list; REFUSED for an error."""
    plain = getattr(value, "value", value)
    key = (id(link.transformer), link.position, type(value), type(plain), repr(plain))
    if key not in memo:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                out = link.transformer.transform(one_row(link, value))
        except (ValueError, TypeError):
            memo[key] = REFUSED
        else:
            memo[key] = first_row(out)
    return memo[key]


def first_row(out):
    """The values of a table's first row; of columns of objects as such."""
    if hasattr(out, "iloc"):
        columns = [out.iloc[:, k].to_numpy() for k in range(out.shape[1])]
    else:
        columns = list((out.toarray() if sparse.issparse(out) else np.asarray(out)).T)
    return [Typed(c[0]) if c.dtype == object else c[0].item() for c in columns]


def told(source, value, memo):
    """What one raw value becomes in a model column; REFUSED where a transformer raises an error."""
    for link in source.links:
        out = transformed(link, value, memo)
        if out is REFUSED:
            return REFUSED
        value = out[link.output]
    return float(getattr(value, "value", value))


def goes_left(splits, node, z):
    """Whether one value of a model column goes left."""
    sizes = np.diff(splits.category_offsets)
    if node < len(sizes) and sizes[node]:
        start = splits.category_offsets[node]
        own = splits.category_values[start : start + sizes[node]].tolist()
        return math.isfinite(z) and int(z) in own
    if math.isnan(z):
        return bool(splits.missing_left[node])
    with np.errstate(over="ignore"):
        return (float(np.float32(z)) if splits.cast32 else z) <= splits.threshold[node]


def in_objects(categories, sources):
    """Whether categories stand in a column of objects: texts, or numbers that came as such."""
    numbers = all(isinstance(c, int | float | np.number | np.bool_) for c in categories)
    return not numbers or any(s.is_object for s in sources)


def missing_values(about, sources):
    """A missing value in each way in which rows, else encoders, have it."""
    if about.kind == "number":
        return [math.nan]
    written = next((s.missing for s in sources if s.missing), (math.nan,))
    if None in written or in_objects(about.categories, sources):
        return [Typed(value) for value in written]
    return list(written)


def known_values(about, sources):
    """Categories as they stand in a column."""
    if in_objects(about.categories, sources):
        return [Typed(c) for c in about.categories]
    return [float(c) for c in about.categories]


def unseen_value(about, sources):
    """Something that is none of the categories."""
    if in_objects(about.categories, sources) or not about.categories:
        return Typed(UNSEEN_TEXT)
    return float(2 * abs(max(about.categories)) + 7)


def column(about, sources, is_flag, memo):
    """(refuses_missing, refuses_unseen, written) of a raw column, from the sources made of it."""
    tables = [s for s in sources if s.kind in ("table", "codes")]
    asked = tables if about.kind == "category" else sources
    holes = missing_values(about, asked)
    no_missing = any(told(s, hole, memo) is REFUSED for s in sources for hole in holes)
    if about.kind == "number":
        return no_missing, False, "any"
    new = unseen_value(about, tables)
    no_unseen = is_flag or any(told(s, new, memo) is REFUSED for s in tables)
    written = "any"
    if len(holes) == 1 and isinstance(holes[0], Typed):
        is_none = holes[0].value is None
        other = Typed(math.nan if is_none else None)
        if any(repr(told(s, holes[0], memo)) != repr(told(s, other, memo)) for s in tables):
            written = "None" if is_none else "NaN"
    return no_missing, no_unseen, written


def category_condition(about, sources, source, splits, node, memo):
    """(allowed, missing, unseen) of a node on a column of categories."""
    left = [
        goes_left(splits, node, told(source, value, memo)) for value in known_values(about, sources)
    ]
    holes = [] if about.refuses_missing else missing_values(about, sources)
    new = [] if about.refuses_unseen else [unseen_value(about, sources)]
    return (
        frozenset(i for i, goes in enumerate(left) if goes),
        any(goes_left(splits, node, told(source, hole, memo)) for hole in holes),
        any(goes_left(splits, node, told(source, value, memo)) for value in new),
    )


def number_values(condition, source):
    """The ends of a condition's intervals and the floats beside them that rows can hold."""
    number = np.dtype(source.links[0].dtype).type if source.links else np.float64
    ends = {end for interval in condition.intervals for end in interval if math.isfinite(end)}
    with np.errstate(over="ignore"):
        near = {number(end) for end in ends}
        near |= {np.nextafter(end, number(way * math.inf)) for end in near for way in (-1, 1)}
    return sorted(float(value) for value in near)
