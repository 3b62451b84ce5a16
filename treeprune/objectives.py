"""What an ensemble is fitted for: the loss of its raw scores and its two derivatives.

A booster's trees are pruned and refitted by the loss that they were grown for, which is defined on
raw scores, before the link. Forests have no link: their scores are class frequencies or targets,
their loss is the squared distance to what happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from . import native
from .exceptions import UnsupportedModelError
from .losses import encode
from .trees import Trees

__all__ = ["OBJECTIVES", "Objective", "objective_of"]

Array = npt.NDArray

# LightGBM's objective -> loss here. Others can be ordered by what the model has stored, not
# refitted.
OBJECTIVES = {
    "": "squared_error",  # trees and forests of scikit-learn
    "regression": "squared_error",
    "binary": "logistic",
    "cross_entropy": "logistic",
    "multiclass": "softmax",
    "multiclassova": "ovr_logistic",
    "poisson": "poisson",
}
LEAST = 1e-16  # of a probability in a Hessian, so that no leaf has none


@dataclass(frozen=True, eq=False)
class Objective:
    """A loss of raw scores on given rows.

    Parameters
    ----------
    name : str
        One of the values of `OBJECTIVES`.
    target : array of float64, shape (n_rows, n_scores)
        What each score is to reach: targets, or 1 for the class of the row and 0 for the others.
    weight : array of float64, shape (n_rows,)
        Weights of the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from treeprune.objectives import Objective
    >>> loss = Objective("logistic", np.array([[1.0], [0.0]]), np.ones(2))
    >>> [part.round(2).tolist() for part in loss.derivatives(np.zeros((2, 1)))]
    [[[-0.5], [0.5]], [[0.25], [0.25]]]
    >>> round(loss.mean(np.zeros((2, 1))), 3)
    0.693
    """

    name: str
    target: Array
    weight: Array

    def derivatives(self, score: Array) -> tuple[Array, Array]:
        """First and second derivative of every row's loss, times its weight.

        Parameters
        ----------
        score : array of float64, shape (n_rows, n_scores)

        Returns
        -------
        gradient, hessian : array of float64, shape (n_rows, n_scores)
            Of several classes the diagonal of the Hessian, times k / (k - 1) as LightGBM has it.
            Of Poisson the loss's own, without the factor by which LightGBM enlarges it in growing.

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune.objectives import Objective
        >>> loss = Objective("squared_error", np.array([[3.0]]), np.array([2.0]))
        >>> [float(part) for part in np.ravel(loss.derivatives(np.array([[2.0]])))]
        [-2.0, 2.0]
        """
        told = self.respond(score)
        gradient = told - self.target
        if self.name == "squared_error":
            hessian = np.ones_like(gradient)
        elif self.name == "poisson":
            hessian = np.maximum(told, LEAST)
        else:
            hessian = np.maximum(told * (1.0 - told), LEAST)
            if self.name == "softmax":
                k = score.shape[1]
                hessian *= k / (k - 1.0)
        return gradient * self.weight[:, None], hessian * self.weight[:, None]

    def respond(self, score: Array) -> Array:
        """What scores tell, on the scale of the target.

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune.objectives import Objective
        >>> loss = Objective("poisson", np.array([[3.0]]), np.ones(1))
        >>> loss.respond(np.zeros((1, 1))).tolist()
        [[1.0]]
        """
        if self.name in ("logistic", "ovr_logistic"):
            return special.expit(score)
        if self.name == "softmax":
            return special.softmax(score, axis=1)
        return np.exp(score) if self.name == "poisson" else score

    def mean(self, score: Array) -> float:
        """Mean loss by weight, summed over scores; of targets the half of the squared error.

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune.objectives import Objective
        >>> loss = Objective("squared_error", np.array([[3.0], [5.0]]), np.array([1.0, 3.0]))
        >>> loss.mean(np.array([[3.0], [3.0]]))
        1.5
        """
        if self.name == "squared_error":
            each = 0.5 * (score - self.target) ** 2
        elif self.name == "softmax":
            each = (special.logsumexp(score, axis=1, keepdims=True) - score) * self.target
        elif self.name == "poisson":
            each = np.exp(score) - self.target * score
        else:
            each = np.logaddexp(0.0, score) - self.target * score
        return float(self.weight @ each.sum(axis=1) / self.weight.sum())

    def start(self) -> Array:
        """The best constant scores, shape (n_scores,).

        Examples
        --------
        >>> import numpy as np
        >>> from treeprune.objectives import Objective
        >>> loss = Objective("logistic", np.array([[1.0], [1.0], [0.0], [0.0]]), np.ones(4))
        >>> loss.start().tolist()
        [0.0]
        """
        mean = np.average(self.target, axis=0, weights=self.weight)
        if self.name == "squared_error":
            return mean
        if self.name in ("softmax", "poisson"):
            return np.log(np.maximum(mean, LEAST))
        return special.logit(mean.clip(1e-15, 1 - 1e-15))


def objective_of(model: Any, trees: Trees, y: Any, weight: Array) -> Objective:
    """The loss for which a model was fitted, on given rows.

    Parameters
    ----------
    model : fitted forest or booster
    trees : Trees
        Of the model.
    y : array-like, shape (n_rows,) or (n_rows, n_outputs)
        Targets as the model knows them; of a bare booster of classes their numbers 0, 1, ….
    weight : array of float64, shape (n_rows,)

    Returns
    -------
    Objective

    Raises
    ------
    UnsupportedModelError
        If the loss is not known here.
    ValueError
        If the targets are not the model's.

    Examples
    --------
    >>> import numpy as np
    >>> from lightgbm import LGBMClassifier
    >>> from sklearn.datasets import load_breast_cancer
    >>> from treeprune import native
    >>> from treeprune.objectives import objective_of
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1).fit(X, y)
    >>> objective_of(model, native.read(model), y, np.ones(len(y))).name
    'logistic'
    """
    found = native.objective(model)
    if found not in OBJECTIVES:
        possible = ", ".join(name for name in OBJECTIVES if name)
        raise UnsupportedModelError(
            f"the loss of objective {found!r} is not known here, so that nothing can be measured "
            f"or refitted by it; possible are {possible}. Without rows, method 'cost_complexity' "
            "goes by what the model has stored (as PrunedRegressor does), 'truncate' needs no loss"
        )
    coded = encode(model, y)
    name = OBJECTIVES[found]
    n_scores = trees.value.shape[1] * trees.value.shape[2]
    if found == "" and trees.is_classifier:
        target = _frequencies(coded, trees)
    elif name in ("softmax", "ovr_logistic"):
        target = (coded == np.arange(n_scores)).astype(np.float64)
    else:
        target = coded
    _check_target(found, name, target, coded)
    return Objective(name, target, weight)


def _frequencies(coded: Array, trees: Trees) -> Array:
    """One for the class of each row and output, laid out as a flattened node value."""
    out = np.zeros((len(coded), *trees.value.shape[1:]))
    for o, k in enumerate(trees.n_classes):
        out[:, o, :k] = coded[:, [o]] == np.arange(k)
    return out.reshape(len(coded), -1)


def _check_target(found: str, name: str, target: Array, coded: Array) -> None:
    """Refuse targets that the loss is not defined for."""
    known = coded[coded >= 0] if name == "logistic" and found == "binary" else coded
    if name == "logistic" and (len(known) < coded.size or ((target < 0) | (target > 1)).any()):
        raise ValueError(
            f"objective {found!r} needs targets between 0 and 1, or labels that the model knows; "
            "y has others. Give the classes of its training, of a bare booster as 0 and 1"
        )
    if name in ("softmax", "ovr_logistic") and not (target.sum(axis=1) == 1).all():
        raise ValueError(
            f"y holds labels that are none of the model's {target.shape[1]} classes; of a bare "
            "booster give them as 0, 1, …"
        )
    if name == "poisson" and (coded < 0).any():
        raise ValueError("objective 'poisson' needs targets that are not negative")
