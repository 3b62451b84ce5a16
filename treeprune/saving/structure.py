"""What a saved model must be like: encoder, predictor, and a story that fits both.

The same questions are put to a fitted model and to a description of one, since both answer by the
same attribute names. Trees are checked node by node, those of a forest too, and networks array by
array; the encoder's columns must be theirs.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .. import kernels
from ..exceptions import MalformedModelError, UntrustedModelError
from ..native.stored_encoders import check_one_hot
from ..native.stored_trees import check_stored_tree
from ..network import Network
from .boosters import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "FORMAT",
    "GROWN",
    "about_problems",
    "columns_of",
    "grown_model",
    "model_tree",
    "shape_problems",
]

FORMAT = "treeprune-model/1"
TASKS = ("binary", "multiclass", "regression")
PARTS = {"about", "model", "grown"}
_TREES = ("DecisionTreeClassifier", "DecisionTreeRegressor")
_FORESTS = ("RandomForestClassifier", "RandomForestRegressor")
_NETWORKS = ("SparseMLPClassifier", "SparseMLPRegressor")
_BOOSTERS = ("StoredBoosterClassifier", "StoredBoosterRegressor")
GROWN = (*_TREES, *_FORESTS, *_NETWORKS, *_BOOSTERS)
_NEEDED = ("name", "target", "task", "labels", "columns", "decision", "seed", "sha256", "versions")
# What asking a description for parts it lacks ends in.
_ODD = (AttributeError, TypeError, LookupError, ValueError, ArithmeticError)


def columns_of(encoder: Any) -> list[dict[str, Any]]:
    """The raw columns that an encoder takes.

    Parameters
    ----------
    encoder : ColumnTransformer or Described
        Fitted: numbers under `number`, categories under `category`.

    Returns
    -------
    list of dict
        `name`, `kind` (`number` or `category`) and `categories` (None for numbers; None in the
        list for a missing value), in the order of the frame.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.compose import ColumnTransformer
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> X = pd.DataFrame({"city": ["Ulm", "Bonn"], "age": [20, 30]})
    >>> parts = [("number", "passthrough", ["age"]), ("category", OneHotEncoder(), ["city"])]
    >>> [(c["name"], c["categories"]) for c in columns_of(ColumnTransformer(parts).fit(X))]
    [('city', ['Bonn', 'Ulm']), ('age', None)]
    """
    categories: dict[str, Any] = {}
    for name, part, columns in encoder.transformers_:
        if name == "number":
            categories |= {str(column): None for column in columns}
        elif name == "category" and len(columns):
            for column, values in zip(columns, part.categories_, strict=True):
                categories[str(column)] = [_plain(value) for value in values.tolist()]
    out = []
    for column in map(str, encoder.feature_names_in_):
        values = categories.get(column)
        kind = "number" if values is None else "category"
        out.append({"name": column, "kind": kind, "categories": values})
    if len(out) != len(categories):
        _refuse("the encoder does not take every raw column once")
    return out


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _refuse(message: str) -> NoReturn:
    raise UntrustedModelError(message)


def _n_outputs(encoder: Any) -> int:
    """Number of columns that a described encoder puts out."""
    total = 0
    for name, part, columns in encoder.transformers_:
        if name == "number":
            total += len(columns)
        elif name == "category" and len(columns):
            total += sum(part._n_features_outs)
        elif name != "category":
            _refuse(f"the encoder has a part {ascii(name)[:40]}")
    return total


def shape_problems(value: Any, objects: Sequence[Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """What is wrong with the parts of a described model.

    Parameters
    ----------
    value : object
        What the file describes.
    objects : sequence of Described
        All objects in it, wherever they stand.

    Returns
    -------
    trees : list of dict
        `name` (`model` or `grown`), `checked`, `nodes`, `leaves`, `depth`, `columns`.
    problems : list of str

    Examples
    --------
    >>> shape_problems({"model": None}, [])
    ([], ['is not a saved model of treeprune: it must hold about, grown and model'])
    """
    if not isinstance(value, dict) or set(value) != PARTS:
        return [], ["is not a saved model of treeprune: it must hold about, grown and model"]
    problems: list[str] = []
    trees = []
    n_columns = None
    try:
        n_columns = _n_outputs(_encoder(value["model"]))
        columns_of(_encoder(value["model"]))
        _check_last(_last(value["model"]))
        for part in objects:
            if _kind(part) == "OneHotEncoder" and "categories_" in part.attributes:
                check_one_hot(part)
    except _ODD as error:
        return [], [f"model: {_said(error, 'is not a fitted encoder with a tree or linear model')}"]
    known = 0
    for name, part in (("model", _predictor(value["model"])), ("grown", value["grown"])):
        if part is None or (name == "model" and _kind(part) not in GROWN):
            continue
        if _kind(part) in _NETWORKS:
            problems += _network_problems(name, part)
            continue
        row, n, problem = _tree_report(name, part, n_columns)
        trees.append(row)
        known += n
        problems += [problem] if problem else []
    n_trees = sum(_kind(part) == "Tree" for part in objects)
    if not problems and n_trees != known:  # one that stands elsewhere would be built unchecked
        problems.append(f"has {n_trees} trees, of which only {known} stand where trees belong")
    if value["grown"] is not None and not problems:
        try:
            problems += _unlike(value["model"], value["grown"])
        except _ODD as error:
            problems.append(f"grown: {_said(error, 'cannot be compared with the model')}")
    return trees, problems


def _said(error: Exception, otherwise: str) -> str:
    """Our own words where there are some; a part that is missing is named."""
    if isinstance(error, (UntrustedModelError, MalformedModelError)):
        return str(error)
    why = str(error) if isinstance(error, AttributeError) else type(error).__name__
    return f"{otherwise} ({why})"


def _kind(part: Any) -> str:
    """Short name of the class, of an object or a description."""
    return str(getattr(part, "type", type(part).__name__)).rpartition(".")[2]


def _encoder(model: Any) -> Any:
    steps = model.steps if _kind(model) == "Pipeline" else []
    if len(steps) != 2 or _kind(steps[0][1]) != "ColumnTransformer":
        _refuse("must be a Pipeline of two steps, an encoder and a tree or linear model")
    return steps[0][1]


def _last(model: Any) -> Any:
    return model.steps[1][1]


def _predictor(model: Any) -> Any:
    """What predicts, behind all scaling."""
    last = _last(model)
    return last.steps[-1][1] if _kind(last) == "Pipeline" else last


def _check_last(last: Any) -> None:
    """The predictor: a tree or forest, or a linear model or network behind its own scaling."""
    scaled = last.steps[-1][1] if _kind(last) == "Pipeline" else None
    possible = ("LogisticRegression", "Ridge", *_NETWORKS)
    if _kind(last) not in (*_TREES, *_FORESTS, *_BOOSTERS) and _kind(scaled) not in possible:
        _refuse(
            f"its last step is a {_kind(last)}; possible are trees, forests, stored boosters and "
            "scaled linear models and networks"
        )


def model_tree(model: Any) -> Any:
    """The tree at the end of a pipeline; None where it ends in another model.

    Parameters
    ----------
    model : Pipeline or Described

    Returns
    -------
    estimator, Described or None

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> model_tree(make_pipeline("passthrough", DecisionTreeRegressor()))
    DecisionTreeRegressor()
    """
    return _last(model) if _kind(_last(model)).startswith("DecisionTree") else None


def grown_model(model: Any) -> bool:
    """Whether something may stand as the model as grown, by its class.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> grown_model(DecisionTreeRegressor()), grown_model("a tree")
    (True, False)
    """
    return _kind(model) in GROWN


def _tree_report(name: str, tree: Any, n_columns: int) -> tuple[dict[str, Any], int, str | None]:
    """A row on a tree or forest, its number of trees, and what is wrong."""
    row: dict[str, Any] = {"name": name, "checked": False}
    row |= {"nodes": None, "leaves": None, "depth": None, "columns": n_columns}
    check: Callable[[Any, int], list[tuple[Any, int]]] = _checked_tree
    word = "tree"
    if _kind(tree) in _FORESTS:
        check, word = _trees_of, "forest"
    elif _kind(tree) in _BOOSTERS:
        check, word = _booster_trees, "booster"
    try:
        parts = check(tree, n_columns)
    except _ODD as error:
        return row, 0, f"{name}: {_said(error, f'is not a fitted {word}')}"
    row |= {
        "checked": True,
        "nodes": sum(found.n_nodes for found, _ in parts),
        "leaves": sum(found.n_leaves for found, _ in parts),
        "depth": max(depth for _, depth in parts),
    }
    return row, 0 if word == "booster" else len(parts), None


def _booster_trees(booster: Any, n_columns: int) -> list[tuple[Any, int]]:
    """The trees of a booster's text, which LightGBM has not seen yet."""
    _, trees, splits = checked(booster.text_)
    n_classes = None
    if _kind(booster) == "StoredBoosterClassifier":
        n_classes = _n_classes(booster.classes_)
    scores = trees.value.shape[2]
    told = {"logit": 2, "softmax": scores, "ovr_logit": scores}.get(trees.link)
    if told != n_classes or (told is None and scores != 1):
        _refuse("its text has other classes or outputs")
    for said in (int(booster.n_features_in_), splits.n_features):
        if said != n_columns:
            _refuse(f"takes {said} columns, the encoder makes {n_columns}")
    return [(trees, int(kernels.depths(trees.parent).max()))]


def _trees_of(forest: Any, n_columns: int) -> list[tuple[Any, int]]:
    """The stored trees of a forest, after what the forest says of them."""
    trees, kind = forest.estimators_, f"DecisionTree{_kind(forest).removeprefix('RandomForest')}"
    if not isinstance(trees, list) or not trees or int(forest.n_estimators) != len(trees):
        _refuse("must have as many trees as it says, and at least one")
    if int(forest.n_outputs_) != 1 or int(forest.n_features_in_) != n_columns:
        _refuse(f"must have one output and take the {n_columns} columns that the encoder makes")
    names = getattr(forest, "feature_names_in_", None)
    if names is not None and len(names) != n_columns:
        _refuse(f"names {len(names)} columns, the encoder makes {n_columns}")
    n_classes = None
    if kind == "DecisionTreeClassifier":
        n_classes = _n_classes(forest.classes_)
        if int(forest.n_classes_) != n_classes:
            _refuse(f"says it has {int(forest.n_classes_)} classes and lists {n_classes}")
    for tree in trees:
        if _kind(tree) != kind:
            _refuse(f"has a {_kind(tree)} among its trees")
        # Trees of a forest are grown on codes, so that their classes are positions.
        if n_classes is not None and not np.array_equal(tree.classes_, np.arange(n_classes)):
            _refuse("has a tree of other classes")
    return [found for tree in trees for found in _checked_tree(tree, n_columns)]


def _network_problems(name: str, model: Any) -> list[str]:
    """What is wrong with a network: its arrays are put together, which runs nothing."""
    try:
        found = model.network_
        if _kind(found) != "Network":
            _refuse(f"its network is a {_kind(found)}")
        net = Network(**found.attributes)
        n_classes = None
        if _kind(model) == "SparseMLPClassifier":
            n_classes = _n_classes(model.classes_)
        wanted = () if n_classes is None else (n_classes,)
        if tuple(net.n_classes) != wanted or net.n_outputs != 1:
            _refuse("its network has other classes or outputs")
        if int(model.n_features_in_) != net.n_features:
            _refuse(f"takes {int(model.n_features_in_)} columns, its network {net.n_features}")
    except _ODD as error:
        return [f"{name}: {_said(error, 'is not a fitted network')}"]
    return []


def _checked_tree(tree: Any, n_columns: int) -> list[tuple[Any, int]]:
    """The stored tree and its depth, after what its estimator says of it."""
    if _kind(tree) not in _TREES:
        _refuse(f"is a {_kind(tree)}, not a tree")
    if _kind(tree.tree_) != "Tree":
        _refuse(f"its tree is a {_kind(tree.tree_)}")
    args, state = tree.tree_.args, tree.tree_.state
    n_classes = None
    if _kind(tree) == "DecisionTreeClassifier":
        n_classes = _n_classes(tree.classes_)
        if int(tree.n_classes_) != n_classes:
            _refuse(f"says it has {int(tree.n_classes_)} classes and lists {n_classes}")
    if int(tree.n_outputs_) != 1:
        _refuse("has more than one output")
    found = check_stored_tree(args, state, n_classes, str(tree.criterion))
    widths = [int(args[0]), int(tree.n_features_in_)]
    names = getattr(tree, "feature_names_in_", None)  # absent when fitted on an array
    for said in widths if names is None else [*widths, len(names)]:
        if said != n_columns:
            _refuse(f"the tree takes {said} columns, the encoder makes {n_columns}")
    return [(found, int(state["max_depth"]))]


def _n_classes(classes: Any) -> int:
    """Number of classes, of which each must be listed once, in order."""
    if classes.ndim != 1 or not len(classes) or not np.array_equal(np.unique(classes), classes):
        _refuse("its classes must be a list in order")
    return len(classes)


def _unlike(model: Any, grown: Any) -> list[str]:
    """The model as grown must speak of the same columns and classes as the model."""
    last = _predictor(model)
    if _kind(last) not in GROWN:
        return []
    if _kind(last) != _kind(grown):
        return [f"grown is a {_kind(grown)}, the model a {_kind(last)}"]
    for name in ("classes_", "feature_names_in_"):
        one, other = getattr(last, name, None), getattr(grown, name, None)
        if not np.array_equal(np.asarray(one, dtype=object), np.asarray(other, dtype=object)):
            return [f"grown and the model differ in {name}"]
    return []


def about_problems(value: Any) -> tuple[dict[str, Any], list[str]]:
    """What the model's story says, and where it does not fit the model.

    Parameters
    ----------
    value : dict
        `about` (JSON text), `model` and `grown`, whose shape has been checked.

    Returns
    -------
    about : dict
        Empty where it cannot be read.
    problems : list of str

    Examples
    --------
    >>> about_problems({"about": "[]"})
    ({}, ['about: is not a JSON object'])
    """
    try:
        about = json.loads(value["about"])
    except (TypeError, ValueError, RecursionError):
        return {}, ["about: is not JSON"]
    if not isinstance(about, dict):
        return {}, ["about: is not a JSON object"]
    if about.get("format") != FORMAT:
        return about, [f"about: the format is {ascii(about.get('format'))[:40]}; {FORMAT} is read"]
    missing = [name for name in _NEEDED if name not in about]
    if missing:
        return about, [f"about: does not say {', '.join(missing)}"]
    try:
        return about, [f"about: {problem}" for problem in _misfits(about, value["model"])]
    except _ODD as error:
        return about, [f"about: {_said(error, 'does not say what it must')}"]


def _misfits(about: dict[str, Any], model: Any) -> list[str]:
    problems = []
    if about["columns"] != columns_of(_encoder(model)):
        problems.append("its columns or categories are not those of the encoder")
    predictor = _predictor(model)
    classes = getattr(predictor, "classes_", None)
    n_classes = 0 if classes is None else _n_classes(classes)
    possible = {0: ("regression",), 2: ("binary",)}.get(n_classes, ("multiclass",))
    if about["task"] not in possible:
        problems.append(
            f"the task is {ascii(about['task'])[:40]}, the model's is {possible[0]}; possible "
            f"are {', '.join(TASKS)}"
        )
    labels = about["labels"]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        problems.append("labels must be a list of text")
    elif len(labels) != n_classes:
        problems.append(f"has {len(labels)} labels, the model {n_classes} classes")
    versions = about["versions"]
    if not isinstance(versions, dict) or not all(isinstance(v, str) for v in versions.values()):
        problems.append("versions must be text by name")
    elif _kind(predictor) in (*_NETWORKS, *_BOOSTERS):
        pass  # their own classes record no version of scikit-learn
    elif versions.get("scikit_learn") != getattr(predictor, "_sklearn_version", None):
        problems.append("its version of scikit-learn is not the one in the model")
    return problems
