"""What is asked of two fitted models before they are compared, and what they answer.

Models, outcomes and columns are checked first; then each model is asked for each of its responses
once, about all rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from ..exceptions import UnsupportedModelError

__all__ = ["RESPONSES", "Answers", "checked_pair", "checked_target", "say_the_same", "written"]

Array = npt.NDArray

# Response -> numbers of dimensions that an answer of one output may have.
RESPONSES = {"predict": (1,), "predict_proba": (2,), "decision_function": (1, 2)}


def written(labels: Any) -> str:
    """Labels as plain Python writes them."""
    return repr(labels.tolist() if hasattr(labels, "tolist") else labels)


def checked_pair(before: Any, after: Any) -> tuple[tuple[Any, str], tuple[Any, str]]:
    """Both models with their names, after checking that they can be compared."""
    models = ((before, "before"), (after, "after"))
    for model, name in models:
        kind = type(model).__name__
        if isinstance(model, type) or not hasattr(model, "predict"):
            raise UnsupportedModelError(
                f"{name} is a {kind} without predict; give a fitted classifier or regressor, or "
                "a pipeline that ends in one"
            )
        if hasattr(model, "fit"):
            check_is_fitted(model)
        if isinstance(getattr(model, "classes_", None), list):
            raise UnsupportedModelError(
                f"{name} (a {kind}) has several outputs; verify compares models of one output"
            )
    first, second = (getattr(model, "classes_", None) for model, _ in models)
    if (first is None) != (second is None):
        kinds = ["a regressor" if c is None else "a classifier" for c in (first, second)]
        raise ValueError(
            f"before is {kinds[0]}, after is {kinds[1]}; give two classifiers or two regressors"
        )
    if first is None or second is None:
        return models
    if not np.array_equal(np.asarray(first), np.asarray(second)):
        raise ValueError(
            f"before has the classes {written(first)}, after has {written(second)}; give two "
            "models of the same target, with the same classes in the same order"
        )
    return models


def checked_target(y: Any, classes: Any) -> Array:
    """Class codes as int64 or values as float64, shape (n_rows,)."""
    target = np.asarray(y)
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if target.ndim != 1:
        raise ValueError(f"y must be one column, shape (n_rows,); got shape {target.shape}")
    if bool(np.any(pd.isna(target))):
        raise ValueError(
            f"y is missing in {int(np.sum(pd.isna(target)))} of {len(target)} rows; leave them out"
        )
    if classes is None:
        try:
            values = target.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"the models are regressors, y holds {target[:3].tolist()}…; give numbers"
            ) from error
        if not np.isfinite(values).all():
            raise ValueError("y contains infinity; give finite targets")
        return values
    codes = np.asarray(pd.Index(np.asarray(classes)).get_indexer(pd.Index(target)), np.int64)
    if (codes < 0).any():
        raise ValueError(
            f"y holds {written(target[codes < 0][0])}, the models' classes are {written(classes)}; "
            "leave such rows out, or give y as the models were given it"
        )
    return codes


def columns_of(model: Any, name: str, X: Any) -> Any:
    """The rows as the model takes them: of a frame, the columns that it was fitted on."""
    fitted, given = getattr(model, "feature_names_in_", None), getattr(X, "columns", None)
    if fitted is None or given is None:
        shape, width = np.shape(X), getattr(model, "n_features_in_", None)
        if len(shape) == 2 and width is not None and shape[1] != width:
            raise ValueError(
                f"{name} was fitted on {width} columns, X has {shape[1]}; give the columns that "
                "both models were fitted on"
            )
        return X
    if list(fitted) == list(given):
        return X
    known = {str(c).replace(" ", "_"): c for c in given}  # how LightGBM writes names
    known |= {c: c for c in given}
    lacking = [c for c in fitted if c not in known]
    if lacking:
        raise ValueError(
            f"X lacks the columns {lacking}, which {name} was fitted on; X has {list(given)}"
        )
    wanted = [known[c] for c in fitted]
    return X if wanted == list(given) else X[wanted]


class Answers:
    """A model's own answers about the rows, each asked once."""

    def __init__(self, model: Any, name: str, X: Any, n: int) -> None:
        self.model, self.n, self.X = model, n, columns_of(model, name, X)
        self.called = f"{name} (a {type(model).__name__})"
        self._said: dict[str, Array] = {}

    def ask(self, response: str) -> Array:
        """What the model says about every row.

        Raises
        ------
        UnsupportedModelError
            If it has no such response, or answers with several outputs.
        ValueError
            If an answer is not finite.
        """
        if response in self._said:
            return self._said[response]
        if not hasattr(self.model, response):
            raise UnsupportedModelError(
                f"{self.called} has no {response}, which this score needs; choose another "
                "scoring, or wrap it in sklearn.calibration.CalibratedClassifierCV"
            )
        said = np.asarray(getattr(self.model, response)(self.X))
        if response == "predict" and said.shape == (self.n, 1):
            said = said[:, 0]
        if said.ndim not in RESPONSES[response] or len(said) != self.n:
            raise UnsupportedModelError(
                f"{response} of {self.called} has shape {said.shape} for {self.n} rows; verify "
                "compares models of one output"
            )
        if said.dtype.kind == "f":
            bad = ~np.isfinite(said.reshape(self.n, -1)).all(axis=1)
            if bad.any():
                raise ValueError(
                    f"{response} of {self.called} is not finite for {int(bad.sum())} of {self.n} "
                    "rows, so that no score is defined"
                )
        self._said[response] = said
        return said

    @property
    def asked(self) -> set[str]:
        """The responses that have been asked for."""
        return set(self._said)

    @property
    def ranking(self) -> Array:
        """What the rows are ranked by, as scikit-learn's scorer of that name does."""
        if hasattr(self.model, "decision_function"):
            return self.ask("decision_function").astype(np.float64).reshape(self.n)
        return self.ask("predict_proba")[:, 1].astype(np.float64)

    @property
    def codes(self) -> Array:
        """Codes of the classes that the model predicts."""
        said = pd.Index(self.ask("predict"))
        return np.asarray(pd.Index(np.asarray(self.model.classes_)).get_indexer(said))


def say_the_same(before: Answers, after: Answers) -> bool:
    """Whether two models say the same of every row, but for the rounding of float64.

    Of classifiers that is their class, and their probability where both have one.
    """
    for response in before.asked & after.asked:  # no need to ask more if these differ
        if not _alike(before.ask(response), after.ask(response)):
            return False
    if not hasattr(before.model, "classes_"):
        return _alike(before.ask("predict"), after.ask("predict"))
    same = np.array_equal(before.codes, after.codes)
    for response in ("predict_proba", "decision_function"):
        if hasattr(before.model, response) and hasattr(after.model, response):
            return same and _alike(before.ask(response), after.ask(response))
    return same


def _alike(before: Array, after: Array) -> bool:
    if before.dtype.kind != "f" or after.dtype.kind != "f":
        return np.array_equal(before, after)
    return before.shape == after.shape and np.allclose(before, after, rtol=1e-9, atol=1e-12)
