"""What each model column depends on, read from the public attributes of fitted transformers.

For every transformer that scikit-learn has for tables there is a reader, which says of each
output column which input it is made of, and how (`sources.py`). A new transformer is a new row in
`_READERS`; an unknown one makes derived columns, never guesses.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils import _safe_indexing, check_array

from .asking import Passes, last_trues_together
from .sources import Link, Source, present

__all__ = ["sources_of"]

_AFFINE = {"StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler"}

Reader = Callable[[Any, tuple[Source, ...], list[str], Any], "list[Source]"]


def sources_of(transformer: Any, inputs: tuple[Source, ...], rows: Any) -> tuple[Source, ...]:
    """Where each output column of a fitted transformer comes from.

    Parameters
    ----------
    transformer : fitted transformer, Pipeline, ColumnTransformer, FeatureUnion or "passthrough"
    inputs : tuple of Source
        Its input columns.
    rows : table, shape (n_rows, len(inputs))
        A row or more as the transformer takes them, for types and widths.

    Returns
    -------
    tuple of Source
        One for each output column.

    Examples
    --------
    >>> from sklearn.preprocessing import KBinsDiscretizer
    >>> bins = KBinsDiscretizer(2, encode="ordinal", strategy="uniform")
    >>> _ = bins.fit([[0.0], [4.0]])
    >>> sources_of(bins, (Source((0,), "same", "x0"),), [[1.0]])[0].kind
    'steps'
    """
    if transformer is None or (isinstance(transformer, str) and transformer == "passthrough"):
        return inputs
    names = _output_names(transformer, inputs)
    for base in type(transformer).__mro__:
        reader = _READERS.get(base.__name__)
        if reader is not None and base.__module__.partition(".")[0] == "sklearn":
            return tuple(reader(transformer, inputs, names, rows))
    if hasattr(transformer, "get_support"):
        return tuple(_selected(transformer, inputs, names, rows))
    return tuple(_derived(transformer, inputs, names, rows))


def _float_type(rows: Any) -> Any:
    """The type in which scalers compute, given these rows: float32 stays float32."""
    kinds = [np.float64, np.float32, np.float16]
    try:
        checked = check_array(
            rows, accept_sparse=True, dtype=kinds, ensure_all_finite=False, ensure_min_samples=0
        )
    except (ValueError, TypeError):  # text is among them
        return np.dtype(np.float64)
    return checked.dtype


def _output_names(transformer: Any, inputs: tuple[Source, ...]) -> list[str]:
    """The transformer's own names, from our names where it has none of its inputs."""
    given = None
    if getattr(transformer, "feature_names_in_", None) is None:
        given = [source.name for source in inputs]
    if not hasattr(transformer, "get_feature_names_out"):
        return []
    try:
        return [str(name) for name in transformer.get_feature_names_out(given)]
    except (ValueError, AttributeError):  # transformers without names, or made of such
        return []


def _pipeline(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    last = len(transformer.steps) - 1
    for k, (_, step) in enumerate(transformer.steps):
        inputs = sources_of(step, inputs, rows)
        if k < last and hasattr(step, "transform"):
            rows = step.transform(rows)
    return list(inputs)


def _union(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    out: list[Source] = []
    for _, part in transformer.transformer_list:
        if not isinstance(part, str) or part != "drop":
            out += sources_of(part, inputs, rows)
    return out


def _by_columns(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    out: dict[int, Source] = {}
    for name, part, columns in transformer.transformers_:
        where = transformer.output_indices_.get(name)
        if where is None or where.stop <= where.start:
            continue
        own = _positions(columns, transformer, inputs)
        of_part = _safe_indexing(rows, own, axis=1)
        for k, source in enumerate(sources_of(part, tuple(inputs[i] for i in own), of_part)):
            out[where.start + k] = source
    return [out[k] for k in sorted(out)]


def _positions(columns: Any, transformer: Any, inputs: tuple[Source, ...]) -> list[int]:
    """Positions of the columns that a part of a ColumnTransformer selects."""
    n = len(inputs)
    names = getattr(transformer, "feature_names_in_", None)
    order = {str(name): i for i, name in enumerate([] if names is None else names)}
    if isinstance(columns, str):
        return [order[columns]]
    if isinstance(columns, slice):
        start: Any
        stop: Any
        start, stop = (
            order[end] if isinstance(end, str) else end for end in (columns.start, columns.stop)
        )
        if isinstance(columns.stop, str):  # slices of names include their end
            stop += 1
        return list(range(n))[slice(start, stop, columns.step)]
    listed = list(np.atleast_1d(np.asarray(columns, dtype=object)))
    if listed and all(isinstance(c, bool | np.bool_) for c in listed):
        return [i for i, chosen in enumerate(listed) if chosen]
    return [order[c] if isinstance(c, str) else int(c) % n for c in listed]


def _monotone(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    """Scalers: column i of the output is a non-decreasing function of column i of the input."""
    dtype = _float_type(rows)
    names_of_class = {base.__name__ for base in type(transformer).__mro__}
    affine = bool(_AFFINE & names_of_class) and not getattr(transformer, "clip", False)
    out = []
    for i, source in enumerate(inputs):
        name = names[i] if i < len(names) else source.name
        if source.kind == "derived":
            out.append(replace(source, name=name))
        else:
            kind = "number" if source.kind == "same" else source.kind
            out.append(source.through(Link(transformer, i, i, dtype, affine), kind, name))
    return out


def _imputer(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    """Present values pass as they are; columns without any value are left out."""
    dtype = _float_type(rows)
    special = () if pd.isna(transformer.missing_values) else (transformer.missing_values,)
    n_shown = int(getattr(transformer, "add_indicator", False)) and len(
        transformer.indicator_.features_
    )
    kept = list(range(len(inputs)))
    if _width(transformer, rows) - n_shown < len(inputs):
        kept = [i for i in kept if not _is_missing(transformer.statistics_[i])]
    out = []
    for position, i in enumerate(kept):
        source = inputs[i]
        name = names[position] if position < len(names) else source.name
        if source.kind == "derived" or (special and source.kind == "number"):
            out.append(_derived_from((source,), name))
        else:
            link = Link(transformer, i, position, dtype, affine=True)
            marks = source.special + (special if source.kind == "same" else ())
            out.append(source.through(link, source.kind, name, special=marks))
    for k, i in enumerate(transformer.indicator_.features_ if n_shown else ()):
        position = len(kept) + k
        name = names[position] if position < len(names) else f"missing {inputs[i].name}"
        out.append(_indicator(Link(transformer, int(i), position, dtype), inputs[i], name))
    return out


def _is_missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _indicators(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    dtype = _float_type(rows)
    return [
        _indicator(
            Link(transformer, int(i), k, dtype),
            inputs[i],
            names[k] if k < len(names) else f"missing {inputs[i].name}",
        )
        for k, i in enumerate(transformer.features_)
    ]


def _indicator(link: Link, source: Source, name: str) -> Source:
    """1 where a value is missing: for numbers a function with one segment."""
    mark = link.transformer.missing_values
    if source.kind == "derived" or (source.kind == "number" and not _is_missing(mark)):
        return _derived_from((source,), name)
    if source.kind == "table":
        return source.through(link, "table", name)
    if source.kind == "same" and isinstance(mark, str):
        return source.through(link, "table", name, categories=(mark,), is_object=True)
    cuts = set(source.cuts)
    if source.kind == "same":
        for value in (*source.special, *(() if _is_missing(mark) else (mark,))):
            cuts |= {float(np.nextafter(value, -np.inf)), float(value)}
    return source.through(link, "steps", name, cuts=tuple(sorted(cuts)))


def _one_hot(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    """Which input each indicator belongs to is the encoder's own statement."""
    asked = copy.copy(transformer)
    fitted = getattr(transformer, "feature_names_in_", None)
    given = fitted if fitted is not None else [f"x{i}" for i in range(len(inputs))]
    order = {str(name): i for i, name in enumerate(given)}
    asked.feature_name_combiner = _only_the_column
    owners = [order[str(name)] for name in asked.get_feature_names_out()]
    return _encoded(transformer, inputs, owners, names, rows)


def _only_the_column(column: str, category: object) -> str:
    return str(column)


def _ordinal(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    return _encoded(transformer, inputs, list(range(len(inputs))), names, rows)


def _target(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    """One column a class, beside each other, where the target has more than two."""
    n_classes = len(transformer.encodings_) // len(inputs)
    owners = [k // n_classes for k in range(len(transformer.encodings_))]
    return _encoded(transformer, inputs, owners, names, rows)


def _encoded(
    transformer: Any, inputs: tuple[Source, ...], owners: list[int], names: list[str], rows: Any
) -> list[Source]:
    """Columns of an encoder, each made of the input column that owns it."""
    dtype = _float_type(rows)
    tables = []
    for source, values in zip(inputs, transformer.categories_, strict=True):
        written = source.missing or tuple(c for c in values if _is_missing(c))[:1]
        tables.append(
            replace(
                source,
                categories=tuple(dict.fromkeys((*present(values), *source.special))),
                is_object=values.dtype.kind in "OUS",
                missing=written,
            )
        )
    out = []
    for k, i in enumerate(owners):
        source, link = inputs[i], Link(transformer, i, k, dtype)
        name = names[k] if k < len(names) else f"{source.name} ({k})"
        if source.kind == "same":
            out.append(tables[i].through(link, "table", name))
        elif source.kind in ("steps", "table"):
            out.append(source.through(link, source.kind, name))
        else:
            out.append(_derived_from((source,), name))
    return out


def _bins(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    """A value on an edge belongs to the bin above it."""
    dtype = _float_type(rows)
    cuts = _bin_cuts(transformer, inputs, transformer.dtype or dtype)
    owners = list(range(len(inputs)))
    if transformer.encode != "ordinal":
        owners = [i for i in owners for _ in range(int(transformer.n_bins_[i]))]
    out = []
    for k, i in enumerate(owners):
        source, link = inputs[i], Link(transformer, i, k, dtype)
        name = names[k] if k < len(names) else f"{inputs[i].name} ({k})"
        if source.kind == "derived":
            out.append(_derived_from((source,), name))
        else:
            kind = "table" if source.kind == "table" else "steps"
            out.append(source.through(link, kind, name, cuts=cuts[i]))
    return out


def _bin_cuts(transformer: Any, inputs: tuple[Source, ...], dtype: Any) -> list[tuple[float, ...]]:
    """Upper ends, in raw units, of the stretches of each input that share a bin."""

    def below(edges: npt.NDArray) -> Passes:
        def passes(z: npt.NDArray, which: npt.NDArray) -> npt.NDArray[np.bool_]:
            with np.errstate(over="ignore"):
                return z.astype(dtype) < edges[which]

        return passes

    edges = [np.asarray(all_edges)[1:-1] for all_edges in transformer.bin_edges_]
    numbers = [i for i, source in enumerate(inputs) if source.kind in ("same", "number")]
    ends = last_trues_together([(inputs[i], below(edges[i]), len(edges[i])) for i in numbers])
    found: list[set[float]] = [set(source.cuts) for source in inputs]
    for i, own in zip(numbers, ends, strict=True):
        found[i] = set(own.tolist())
        for value in inputs[i].special:
            found[i] |= {float(np.nextafter(value, -np.inf)), float(value)}
    return [tuple(sorted(cut for cut in own if np.isfinite(cut))) for own in found]


def _function(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    if transformer.func is None:
        return list(inputs)
    return _derived(transformer, inputs, names, rows)


def _selected(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    """Columns as they are; a number is sent through, as selectors may refuse missing values."""
    dtype = _float_type(rows)
    out = []
    for k, i in enumerate(np.flatnonzero(transformer.get_support())):
        source = inputs[i]
        if source.kind in ("same", "number") and hasattr(transformer, "n_features_in_"):
            link = Link(transformer, int(i), k, dtype, affine=True)
            source = source.through(link, source.kind, source.name)
        out.append(source)
    return out


def _powers(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    """Products of powers; a first power alone is the column itself."""
    dtype = _float_type(rows)
    out = []
    for k, powers in enumerate(transformer.powers_):
        used = np.flatnonzero(powers)
        name = names[k] if k < len(names) else f"product {k}"
        if len(used) == 1 and powers.sum() == 1 and inputs[used[0]].kind != "derived":
            source = inputs[used[0]]
            link = Link(transformer, int(used[0]), k, dtype, affine=True)
            out.append(source.through(link, source.kind, source.name))
        else:
            out.append(_derived_from([inputs[i] for i in used], name))
    return out


def _derived(
    transformer: Any, inputs: tuple[Source, ...], names: list[str], rows: Any
) -> list[Source]:
    """Columns that may depend on every input."""
    n = _width(transformer, rows)
    if len(names) == n:
        return [_derived_from(inputs, name) for name in names]
    kind = type(transformer).__name__.lower()
    if len(inputs) == 1 and n == 1:
        function = getattr(getattr(transformer, "func", None), "__name__", kind)
        return [_derived_from(inputs, f"{function}({inputs[0].name})")]
    return [_derived_from(inputs, f"{kind}{k}") for k in range(n)]


def _width(transformer: Any, rows: Any) -> int:
    """Number of columns put out."""
    out = transformer.transform(rows)
    return 1 if np.ndim(out) == 1 else int(out.shape[1])


def _derived_from(inputs: Sequence[Source], name: str) -> Source:
    raw = tuple(sorted({i for source in inputs for i in source.raw}))
    return Source(raw, "derived", name)


_READERS: dict[str, Reader] = {
    "Pipeline": _pipeline,
    "ColumnTransformer": _by_columns,
    "FeatureUnion": _union,
    "StandardScaler": _monotone,
    "MinMaxScaler": _monotone,
    "MaxAbsScaler": _monotone,
    "RobustScaler": _monotone,
    "PowerTransformer": _monotone,
    "QuantileTransformer": _monotone,
    "SimpleImputer": _imputer,
    "MissingIndicator": _indicators,
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
    "TargetEncoder": _target,
    "KBinsDiscretizer": _bins,
    "FunctionTransformer": _function,
    "PolynomialFeatures": _powers,
}
