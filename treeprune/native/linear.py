"""scikit-learn's linear models, read as networks without hidden layers.

Their scores are `X @ coef_.T + intercept_`: the targets, the log-odds of the second of two classes,
or a score for each class before a softmax. Models that make something else of such a sum are not
read: an exponential (PoissonRegressor, GammaRegressor, TweedieRegressor), a class without a
probability (RidgeClassifier, LinearSVC, Perceptron), a clipped sum (modified_huber), or
probabilities of one class against the rest that are divided by their sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from ..exceptions import MalformedModelError, UnsupportedModelError
from ..network import Network
from .sklearn_mlp import check_columns, matrix

__all__ = ["NOT_PRUNED", "check_columns", "matrix", "n_outputs", "raw_score", "read"]

NOT_PRUNED = (
    "linear models can be read and explained, not pruned: they have neither leaves nor neurons. "
    "Fit them with an L1 penalty, or prune a SparseMLPClassifier(()) or SparseMLPRegressor(()), "
    "which is linear too"
)
_ANSWERS = ("predict", "predict_proba", "decision_function", "_decision_function")


def read(model: Any) -> Network:
    """Coefficients and intercepts as a single layer; zeros stay."""
    check_is_fitted(model, "coef_")
    classes = getattr(model, "classes_", None)
    link = _link(model)
    coef = model.coef_.toarray() if sparse.issparse(model.coef_) else model.coef_
    weight = np.atleast_2d(np.asarray(coef, dtype=np.float64)).T
    bias = np.ravel(np.asarray(model.intercept_, dtype=np.float64))
    if len(bias) == 1:  # without an intercept one zero stands for all targets
        bias = np.repeat(bias, weight.shape[1])
    if len(weight) != model.n_features_in_:
        raise MalformedModelError(
            f"the {type(model).__name__} was fitted on {model.n_features_in_} columns, it has "
            f"coefficients for {len(weight)}"
        )
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise MalformedModelError(
            f"the {type(model).__name__} has coefficients that are not finite; fit it again, with "
            "scaled columns or a stronger penalty"
        )
    names = getattr(model, "feature_names_in_", None)
    factor = _log_odds_per_score(model)
    return Network(
        (factor * weight,),
        (factor * bias,),
        link=link,
        n_classes=() if classes is None else (len(classes),),
        feature_names=None if names is None else tuple(str(name) for name in names),
    )


def n_outputs(model: Any) -> int:
    """Number of targets."""
    return read(model).n_outputs


def raw_score(model: Any, X: Any) -> NDArray[np.float64]:
    """`decision_function` of classifiers, `predict` of regressors, (n_rows, 1, n_scores)."""
    is_number = _link(model) == "identity"
    out = np.asarray(model.predict(X) if is_number else model.decision_function(X), np.float64)
    return _log_odds_per_score(model) * out.reshape(len(out), 1, -1)


def _link(model: Any) -> str:
    """What turns scores into predictions.

    Raises
    ------
    UnsupportedModelError
        If that is no link of a `Network`, or not known.
    """
    name = type(model).__name__
    for answer in _ANSWERS:
        method = getattr(type(model), answer, None)
        if method is not None and method.__module__.partition(".")[0] != "sklearn":
            raise UnsupportedModelError(
                f"the {name} has a {answer} of its own, so that its coefficients need not say "
                "what it answers; possible are scikit-learn's own linear models"
            )
    if not hasattr(model, "classes_"):
        return "identity"
    params = model.get_params(deep=False)
    loss = params.get("loss", "log_loss")
    if loss != "log_loss":
        what = "its clipped score" if loss == "modified_huber" else "none"
        raise UnsupportedModelError(
            f"the probabilities of a {name} with loss={loss!r} are {what}, not the logit of its "
            "score; possible is loss='log_loss'"
        )
    if len(model.classes_) <= 2:
        return "logit"
    if _is_against_the_rest(params):
        raise UnsupportedModelError(
            f"a {name} that tells each of {len(model.classes_)} classes from the rest divides its "
            "probabilities by their sum, which is no softmax of its scores; possible are two "
            "classes, or a LogisticRegression with another solver than 'liblinear' and without "
            "multi_class='ovr'"
        )
    return "softmax"


def _is_against_the_rest(params: dict[str, Any]) -> bool:
    """Whether each class has a logit of its own, by the parameters that `predict_proba` reads."""
    how = params.get("multi_class")  # of LogisticRegression, until scikit-learn 1.7
    if how in ("auto", "deprecated"):
        return params["solver"] == "liblinear"
    return how == "ovr" or "loss" in params  # SGDClassifier has a loss


def _log_odds_per_score(model: Any) -> float:
    """2 where the score counts for one of two classes and against the other.

    That is how scikit-learn up to 1.7 takes two classes with multi_class="multinomial".
    """
    if len(getattr(model, "classes_", ())) != 2:
        return 1.0
    return 2.0 if model.get_params(deep=False).get("multi_class") == "multinomial" else 1.0
