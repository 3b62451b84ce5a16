"""Labels as codes: a model of any labels as the same model of 0, 1, …

Everything in a report counts classes from 0, two of them so that 1 is the adverse one. A model of
other labels is fitted once more on the codes of its training rows, with nothing else changed, and
the report is about this twin: only if it is shown to say the same of every row.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from ..estimators import recipe_of
from ..exceptions import PrunedToRootWarning
from ..selection import Rows, holdout
from .fitted import as_received

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

    from ..decision import Decision

__all__ = ["codes_of", "label_order", "twin_of"]

SAME = 1e-12  # difference of two probabilities that rounding may make
SHOWN = 5


def label_order(classes: npt.NDArray, decision: Decision | None) -> list[Any]:
    """The labels of a model in the order of their codes.

    Parameters
    ----------
    classes : array, shape (n_classes,)
        The model's `classes_`.
    decision : Decision, optional
        Its adverse class comes last of two; without one the order is kept.

    Returns
    -------
    list of label

    Raises
    ------
    ValueError
        If the adverse class is none of them, or there are more than two beside a decision.

    Examples
    --------
    >>> from treeprune import Decision
    >>> label_order(np.array(["bad", "good"]), Decision("bad", cutoff=0.5))
    ['good', 'bad']
    """
    labels = classes.tolist()
    if decision is None:
        return labels
    if len(labels) != 2:
        raise ValueError(f"a decision is about two classes; the model has {len(labels)}: {labels}")
    return labels if decision.position(classes) == 1 else labels[::-1]


def codes_of(y: npt.NDArray, labels: Sequence[Any], name: str) -> npt.NDArray[np.int64]:
    """Positions of outcomes among labels.

    Parameters
    ----------
    y : array, shape (n_rows,)
    labels : sequence of label
    name : str
        How the outcomes are called in the error.

    Returns
    -------
    array of int64

    Raises
    ------
    ValueError
        If a value is none of the labels.

    Examples
    --------
    >>> codes_of(np.array(["bad", "good"]), ["good", "bad"], "y").tolist()
    [1, 0]
    """
    code = {label: i for i, label in enumerate(labels)}
    values = y.tolist()
    other = list(dict.fromkeys(repr(value) for value in values if value not in code))
    if other:
        more = f" and {len(other) - SHOWN} more" if len(other) > SHOWN else ""
        raise ValueError(
            f"{name} has values {', '.join(other[:SHOWN])}{more}, which are none of the model's "
            f"classes {sorted(labels)}; give outcomes with the labels that the model was fitted on"
        )
    return np.array([code[value] for value in values], dtype=np.int64)


def twin_of(
    model: Any, labels: Sequence[Any], X: pd.DataFrame, y: npt.NDArray, others: pd.DataFrame
) -> Any:
    """The same model of codes.

    Parameters
    ----------
    model : fitted Pipeline
        With a pruned model at its end.
    labels : sequence of label
        In the order of their codes.
    X, y : DataFrame, array
        The rows it was fitted on, and their labels.
    others : DataFrame
        More rows that both must say the same of.

    Returns
    -------
    Pipeline
        Fitted on the codes of `y`.

    Raises
    ------
    ValueError
        If it is not the same model.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from treeprune import PrunedClassifier
    >>> X, y = pd.DataFrame({"x": range(60)}), np.where(np.arange(60) > 19, "a", "b")
    >>> model = make_pipeline(PrunedClassifier(random_state=0)).fit(X, y)
    >>> twin = twin_of(model, ["b", "a"], X, y, X)
    >>> twin[-1].classes_.tolist(), bool((twin.predict(X) == (y == "a")).all())
    ([0, 1], True)
    """
    order = [model[-1].classes_.tolist().index(label) for label in labels]
    twin = clone(model).set_params(**_recoded(model, labels, order))
    codes = codes_of(y, labels, "y_train")
    asked = twin[-1].validation
    twin[-1].set_params(validation=_same_validation(model[-1], X, y))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PrunedToRootWarning)  # as at the first fit
            twin.fit(X, codes)
    except (ValueError, TypeError) as error:
        raise ValueError(_other(labels, f"it cannot be fitted on codes: {error}")) from error
    twin[-1].set_params(validation=asked)
    why = _differs(model, twin, order, (X, others))
    if why is not None:
        raise ValueError(_other(labels, why))
    return twin


def _other(labels: Sequence[Any], why: str) -> str:
    codes = ", ".join(f"{label!r} as {i}" for i, label in enumerate(labels))
    return (
        f"the model's labels must be coded for a report ({codes}), and fitted once more on codes "
        f"it is not the same model: {why}. Give the rows that it was fitted on and whole numbers "
        "as random_state, or code the labels so before fitting"
    )


def _recoded(model: Any, labels: Sequence[Any], order: list[int]) -> dict[str, Any]:
    """Parameters that speak of labels, in codes."""
    changed: dict[str, Any] = {}
    for name, value in model.get_params().items():
        last = name.rpartition("__")[2]
        if last == "class_weight" and isinstance(value, dict):
            changed[name] = {i: value[label] for i, label in enumerate(labels) if label in value}
        elif last == "cost_matrix" and np.ndim(value) == 2 and len(value) == len(order):
            changed[name] = np.asarray(value)[np.ix_(order, order)]
        elif last == "monotonic_cst" and value is not None and order == [1, 0]:
            changed[name] = [-way for way in value]  # an order is of the last class
    return changed


class _Fixed:
    """A splitter of one split, which is given."""

    def __init__(self, grown: npt.NDArray, held: npt.NDArray) -> None:
        self.parts = grown, held

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        yield self.parts

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        return 1


def _same_validation(pruned: Any, X: pd.DataFrame, y: npt.NDArray) -> Any:
    """What sets the same rows aside: drawn by class, others come where classes change places."""
    recipe = recipe_of(clone(pruned), y)
    if not recipe.method.needs_holdout:
        return pruned.validation
    return _Fixed(*holdout(Rows(X, y), recipe.validation, True, recipe.seed))


def _differs(model: Any, twin: Any, order: list[int], tables: Any) -> str | None:
    """How a twin differs from the model, in words."""
    one, other = model[-1].path_, twin[-1].path_
    sizes = [int(m[-1].path_.size[step]) for m in (model, twin) for step in (0, m[-1].step_)]
    if sizes[:2] != sizes[2:]:
        unit = one.size_unit
        return f"{sizes[0]} {unit} pruned to {sizes[1]} became {sizes[2]} pruned to {sizes[3]}"
    for X in tables:
        Z = [as_received(m[:-1] if len(m) > 1 else None, X) for m in (model, twin)]
        for first, second in ((one.model, other.model), (model[-1], twin[-1])):
            p, q = first.predict_proba(Z[0])[:, order], second.predict_proba(Z[1])
            moved = int((np.abs(p - q) > SAME).any(axis=1).sum())
            if moved:
                return f"{moved} of {len(X)} rows have another probability"
    return None
