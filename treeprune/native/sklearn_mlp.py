"""scikit-learn's multilayer perceptrons, and those of this package that can hold exact zeros.

A network is read as plain arrays. What is written has fewer hidden neurons; scikit-learn's classes
keep a row of zeros for every column that is no longer read, since they take all columns they were
fitted on, while `SparseMLPClassifier` and `SparseMLPRegressor` skip such columns.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from ..exceptions import MalformedModelError, UnsupportedModelError
from ..network import Network
from ..training import BATCH

__all__ = [
    "check_columns",
    "n_outputs",
    "raw_score",
    "read",
    "row_weights",
    "sparse_mlp_params",
    "to_sklearn_mlp",
    "training",
    "write",
]

# Arrays of the network before it was cut, and of its training: large, and of other shapes.
_OF_THE_TRAINED = frozenset(
    {
        *("coefs_", "intercepts_", "_optimizer", "_best_coefs", "_best_intercepts"),
        *("network_", "_moments", "mask"),
    }
)
_LINKS = {"identity": "identity", "logistic": "logit", "softmax": "softmax"}


def _is_own(model: Any) -> bool:
    """Whether this is a network of this package, fitted or not."""
    return hasattr(type(model), "to_sklearn")


def read(model: Any) -> Network:
    """Weights and biases as they are, zeros and dead neurons included."""
    check_is_fitted(model, "coefs_")
    if _is_own(model):
        return model.network_
    classes = getattr(model, "classes_", None)
    binarizer = getattr(model, "_label_binarizer", None)
    if binarizer is not None and str(binarizer.y_type_).startswith("multilabel"):
        raise UnsupportedModelError(
            f"the {type(model).__name__} was fitted on several labels a row; possible are one "
            "label a row (two or more classes), or a regressor with several targets"
        )
    if classes is not None and len(classes) == 1:  # its probabilities have two columns then
        raise ValueError(
            f"the {type(model).__name__} was fitted on one class, {classes.tolist()[0]!r}: it "
            "decides nothing; fit it on rows of two classes"
        )
    if model.out_activation_ not in _LINKS:
        raise UnsupportedModelError(
            f"the {type(model).__name__} ends in {model.out_activation_!r} (loss="
            f"{getattr(model, 'loss', None)!r}); possible are squared errors and classes"
        )
    names = getattr(model, "feature_names_in_", None)
    net = Network(
        tuple(model.coefs_),
        tuple(model.intercepts_),
        activation=model.activation,
        link=_LINKS[model.out_activation_],
        n_classes=() if classes is None else (len(classes),),
        feature_names=None if names is None else tuple(str(name) for name in names),
    )
    if net.n_features != model.n_features_in_:
        raise MalformedModelError(
            f"the {type(model).__name__} was fitted on {model.n_features_in_} columns, its first "
            f"weights read {net.n_features}"
        )
    return net


def n_outputs(model: Any) -> int:
    """Number of targets (the attribute `n_outputs_` counts neurons of the last layer)."""
    return read(model).n_outputs


def raw_score(model: Any, X: Any) -> NDArray[np.float64]:
    """Sums of the last layer by the model's own forward pass, (n_rows, 1, n_scores)."""
    if _is_own(model):
        return model.decision_sums(X)[:, None, :]
    bare = copy.copy(model)
    bare.out_activation_ = "identity"
    out = np.asarray(bare._forward_pass_fast(X), dtype=np.float64)
    return out.reshape(len(out), 1, -1)


def check_columns(model: Any, X: Any) -> None:
    """Number and names of the columns, by scikit-learn's own rules."""
    validate_data(model, X, reset=False, skip_check_array=True)


def matrix(model: Any, X: Any) -> Any:
    """Rows as the network reads them: numbers, finite, dense or CSR."""
    Z = check_array(X, accept_sparse="csr", dtype=np.float64)
    check_columns(model, X)
    return Z


def row_weights(model: Any, y: NDArray, sample_weight: NDArray | None) -> NDArray[np.float64]:
    """Sample weights times class weights, where the model has any."""
    weight = np.ones(len(y)) if sample_weight is None else np.array(sample_weight, np.float64)
    class_weight = getattr(model, "class_weight", None)
    if class_weight is None:
        return weight
    return weight * compute_sample_weight(class_weight, y)


def training(model: Any, n_rows: int, mean_weight: float = 1.0) -> dict[str, Any]:
    """How the model was trained, in the words of `treeprune.training.Settings`.

    scikit-learn divides the L2 term of a batch (of L-BFGS: of all rows) by the weight of its
    rows, this package does not: the same penalty has another `alpha`. The learning rate of
    another solver is none for Adam, whose default stands for it.
    """
    batch = model.batch_size
    own = _is_own(model)
    size = min(BATCH if own else _BATCH, n_rows) if batch == "auto" else min(int(batch), n_rows)
    solver = getattr(model, "solver", "adam")
    penalised = n_rows if solver == "lbfgs" else size
    return {
        "alpha": model.alpha if own else model.alpha / (penalised * mean_weight),
        "batch_size": size,
        "learning_rate": model.learning_rate_init if solver == "adam" else 0.001,
        "beta_1": model.beta_1,
        "beta_2": model.beta_2,
        "epsilon": model.epsilon,
        "dropout": getattr(model, "dropout", 0.0),
        "epochs": int(getattr(model, "n_iter_", model.max_iter)),
        "held_out": model.validation_fraction if model.early_stopping and solver != "lbfgs" else 0,
    }


def write(model: Any, network: Network) -> Any:
    """The same type of model with the compacted network."""
    before = read(model)
    for name in ("n_features", "n_scores", "n_classes", "activation", "link"):
        if getattr(network, name) != getattr(before, name):
            raise MalformedModelError(
                f"the network's {name} is {getattr(network, name)!r}, the "
                f"{type(model).__name__}'s is {getattr(before, name)!r}"
            )
    small = network.compact()
    new = copy.copy(model)
    state = {k: v for k, v in vars(model).items() if k not in _OF_THE_TRAINED}
    new.__dict__.clear()
    new.__dict__.update(copy.deepcopy(state))
    new.hidden_layer_sizes = small.hidden_layer_sizes
    spread = small.spread_inputs()
    if _is_own(model):
        new.network_, new._moments = small, None
        new.mask = tuple(w != 0 for w in spread.weights)
        return new
    new.coefs_ = [w.copy() for w in spread.weights]
    new.intercepts_ = [b.copy() for b in spread.biases]
    return new


# Parameters that both kinds of network have, with the same meaning.
_SHARED = (
    *("activation", "batch_size", "learning_rate_init", "max_iter", "shuffle", "random_state"),
    *("tol", "verbose", "warm_start", "early_stopping", "validation_fraction", "beta_1"),
    *("beta_2", "epsilon", "n_iter_no_change"),
)
_BATCH = 200  # of scikit-learn, where batch_size is "auto"


def sparse_mlp_params(model: Any) -> dict[str, Any]:
    """Parameters of a SparseMLP that trains as a network of scikit-learn does."""
    if _is_own(model):
        raise UnsupportedModelError(
            f"this needs a network of scikit-learn, the {type(model).__name__} is one of this "
            "package already"
        )
    params = {name: getattr(model, name) for name in _SHARED}
    batch = _BATCH if model.batch_size == "auto" else int(model.batch_size)
    sizes = tuple(len(b) for b in model.intercepts_[:-1])
    if np.isinf(params["n_iter_no_change"]):  # never stop early: None here
        params["n_iter_no_change"] = None
    return {
        **params,
        "hidden_layer_sizes": sizes,
        "batch_size": batch,
        "alpha": model.alpha / batch,
        "learning_rate": "constant",
    }


def to_sklearn_mlp(model: Any) -> Any:
    """A fitted network of scikit-learn with the weights of a SparseMLP."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import LabelBinarizer

    if not _is_own(model):
        raise UnsupportedModelError(f"the {type(model).__name__} is scikit-learn's already")
    net = read(model)
    if net.n_classes == (1,):
        raise ValueError("scikit-learn's MLPClassifier needs two classes, the model has one")
    batch = BATCH if model.batch_size == "auto" else int(model.batch_size)
    kind = MLPClassifier if net.is_classifier else MLPRegressor
    new = kind(
        **{name: getattr(model, name) for name in _SHARED if name != "n_iter_no_change"},
        hidden_layer_sizes=net.hidden_layer_sizes,
        n_iter_no_change=model.n_iter_no_change or model.max_iter,
        alpha=model.alpha * batch,
    )
    new.set_params(batch_size=batch, verbose=bool(model.verbose))
    spread = net.spread_inputs()
    new.coefs_ = [w.copy() for w in spread.weights]
    new.intercepts_ = [b.copy() for b in spread.biases]
    new.n_layers_ = len(new.coefs_) + 1
    new.n_outputs_ = net.n_scores
    new.out_activation_ = {v: k for k, v in _LINKS.items()}[net.link]
    new.n_iter_, new.t_ = model.n_iter_, 0
    new.loss_ = new.best_loss_ = model.loss_
    new.loss_curve_ = [row["loss"] for row in model.history_]
    new._no_improvement_count = 0
    new._random_state = np.random.RandomState(0)
    if net.is_classifier:
        new._label_binarizer = LabelBinarizer().fit(model.classes_)
        new.classes_ = model.classes_.copy()
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(model, name):
            setattr(new, name, getattr(model, name))
    return new
