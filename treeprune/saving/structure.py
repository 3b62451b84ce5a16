"""What a saved model must be like: encoder, tree, and a story that fits both.

The same questions are put to a fitted model and to a description of one, since both answer by the
same attribute names. Trees are checked node by node; the encoder's columns must be the tree's.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..exceptions import MalformedModelError, UntrustedModelError
from ..native.stored_encoders import check_one_hot
from ..native.stored_trees import check_stored_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FORMAT", "about_problems", "columns_of", "grown_tree", "model_tree", "shape_problems"]

FORMAT = "treeprune-model/1"
TASKS = ("binary", "multiclass", "regression")
PARTS = {"about", "model", "grown"}
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
    for name, tree in (("model", model_tree(value["model"])), ("grown", value["grown"])):
        if tree is not None:
            row, problem = _tree_report(name, tree, n_columns)
            trees.append(row)
            problems += [problem] if problem else []
    n_trees = sum(_kind(part) == "Tree" for part in objects)
    if not problems and n_trees != len(
        trees
    ):  # one that stands elsewhere would be constructed unchecked
        problems.append(f"has {n_trees} trees, of which only {len(trees)} stand where trees belong")
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


def _check_last(last: Any) -> None:
    """The predictor: a tree, or a linear model behind its own scaling."""
    linear = last.steps[-1][1] if _kind(last) == "Pipeline" else None
    kinds = ("DecisionTreeClassifier", "DecisionTreeRegressor")
    if _kind(last) not in kinds and _kind(linear) not in ("LogisticRegression", "Ridge"):
        _refuse(f"its last step is a {_kind(last)}; possible are trees and scaled linear models")


def model_tree(model: Any) -> Any:
    """The tree at the end of a pipeline; None where it ends in a linear model.

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


def grown_tree(tree: Any) -> bool:
    """Whether something may stand as the tree as grown: it is one of scikit-learn's.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> grown_tree(DecisionTreeRegressor()), grown_tree("a tree")
    (True, False)
    """
    return _kind(tree) in ("DecisionTreeClassifier", "DecisionTreeRegressor")


def _tree_report(name: str, tree: Any, n_columns: int) -> tuple[dict[str, Any], str | None]:
    row: dict[str, Any] = {"name": name, "checked": False}
    row |= {"nodes": None, "leaves": None, "depth": None, "columns": n_columns}
    try:
        found, depth = _checked_tree(tree, n_columns)
    except _ODD as error:
        return row, f"{name}: {_said(error, 'is not a fitted tree')}"
    row |= {"checked": True, "nodes": found.n_nodes, "leaves": found.n_leaves, "depth": depth}
    return row, None


def _checked_tree(tree: Any, n_columns: int) -> tuple[Any, int]:
    """The stored tree, after what its estimator says of it."""
    if not grown_tree(tree):
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
    return found, int(state["max_depth"])


def _n_classes(classes: Any) -> int:
    """Number of classes, of which each must be listed once, in order."""
    if classes.ndim != 1 or not len(classes) or not np.array_equal(np.unique(classes), classes):
        _refuse("its classes must be a list in order")
    return len(classes)


def _unlike(model: Any, grown: Any) -> list[str]:
    """The tree as grown must speak of the same columns and classes as the model."""
    last = model_tree(model)
    if last is None:
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
    last = _last(model)
    predictor = last.steps[-1][1] if _kind(last) == "Pipeline" else last
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
    elif versions.get("scikit_learn") != getattr(predictor, "_sklearn_version", None):
        problems.append("its version of scikit-learn is not the one in the model")
    return problems
