"""A booster as a saved model holds it: its text, which is checked before LightGBM sees it.

LightGBM believes the text that it is given, and malformed text can end the process. Here the text
is kept as plain bytes, read by `native` first, and handed on only if it describes sound trees. What
is loaded predicts as the booster did, and is explained as one.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..estimators import PrunedClassifier, PrunedRegressor
from ..native.lightgbm_text import check_size, read_splits, read_trees
from ..trees import Splits, Trees

__all__ = ["StoredBoosterClassifier", "StoredBoosterRegressor", "checked", "stored", "text_of"]

_KEPT = ("text_", "classes_", "n_features_in_")


def text_of(raw: Any) -> str:
    """A booster's text from its bytes.

    Parameters
    ----------
    raw : array of uint8, shape (n_bytes,)

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it is no array of bytes, or these are not UTF-8.

    Examples
    --------
    >>> text_of(np.frombuffer(b"tree", dtype=np.uint8))
    'tree'
    """
    if not isinstance(raw, np.ndarray) or raw.dtype != np.uint8 or raw.ndim != 1:
        raise ValueError("a booster's text must be stored as bytes in one dimension")
    return raw.tobytes().decode("utf-8")


def checked(raw: Any) -> tuple[str, Trees, Splits]:
    """A booster's text and what it describes.

    Parameters
    ----------
    raw : array of uint8, shape (n_bytes,)

    Returns
    -------
    text : str
        LightGBM may be given it.
    trees : Trees
    splits : Splits

    Raises
    ------
    MalformedModelError
        If it describes no trees, or more than are read from a file.
    UnsupportedModelError
        If its trees cannot be represented exactly.
    ValueError
        As `text_of`.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> X, y = np.arange(60.0)[:, None], np.arange(60.0)
    >>> model = LGBMRegressor(n_estimators=2, n_jobs=1, verbose=-1).fit(X, y)
    >>> text, trees, splits = checked(stored(model).text_)
    >>> trees.n_trees, splits.n_features
    (2, 1)
    """
    text = text_of(raw)
    check_size(text)
    return text, read_trees(text), read_splits(text)


class _Stored:
    """What both share."""

    text_: npt.NDArray[np.uint8]
    n_features_in_: int

    def __getstate__(self) -> dict[str, Any]:
        """Text and classes; not the booster, which is made of them."""
        return {name: value for name, value in vars(self).items() if name in _KEPT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        type(self).__init__(self)
        vars(self).update(state)

    @cached_property
    def estimator_(self) -> Any:
        """LightGBM's booster.

        Raises
        ------
        MalformedModelError
            If the text describes none.
        """
        import lightgbm

        text, _, _ = checked(self.text_)
        return lightgbm.Booster(model_str=text)

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        """Refuse: a file holds a model, not the procedure that made it.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError("a saved booster cannot be fitted again; fit the model it was saved from")

    def _told(self, X: Any) -> npt.NDArray[np.float64]:
        rows = np.asarray(X, dtype=np.float64)
        return np.asarray(self.estimator_.predict(rows, num_threads=1), dtype=np.float64)


class StoredBoosterClassifier(_Stored, PrunedClassifier):
    """A saved booster for classes; made by `stored`.

    Attributes
    ----------
    text_ : array of uint8
        LightGBM's own text of the model.
    classes_, n_features_in_
        As in scikit-learn.
    estimator_ : lightgbm.Booster

    Examples
    --------
    See `stored`.
    """

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Class probabilities, shape (n_rows, n_classes)."""
        told = self._told(X)
        return np.column_stack([1.0 - told, told]) if told.ndim == 1 else told

    def predict(self, X: Any) -> npt.NDArray:
        """The likeliest class of each row."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class StoredBoosterRegressor(_Stored, PrunedRegressor):
    """A saved booster for numbers; made by `stored`.

    Attributes
    ----------
    text_, n_features_in_, estimator_
        As in `StoredBoosterClassifier`.

    Examples
    --------
    See `stored`.
    """

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """Predictions, shape (n_rows,)."""
        return self._told(X)


def stored(model: Any) -> Any:
    """A booster in the form that is saved; other models as they are.

    Parameters
    ----------
    model : fitted estimator

    Returns
    -------
    estimator
        Predicts the same.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> X, y = np.arange(60.0)[:, None], np.arange(60.0)
    >>> model = LGBMRegressor(n_estimators=2, n_jobs=1, verbose=-1).fit(X, y)
    >>> bool((stored(model).predict(X) == model.predict(X)).all())
    True
    """
    if not hasattr(type(model), "booster_"):
        return model
    has_classes = hasattr(model, "classes_")
    out: Any = StoredBoosterClassifier() if has_classes else StoredBoosterRegressor()
    # LightGBM writes the text up to the best iteration, as it predicts.
    out.text_ = np.frombuffer(model.booster_.model_to_string().encode("utf-8"), dtype=np.uint8)
    out.n_features_in_ = int(model.n_features_in_)
    if has_classes:
        out.classes_ = np.asarray(model.classes_)
    return out
