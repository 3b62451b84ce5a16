"""Saved models: skops files, checked before anything in them is constructed.

A file holds the model from raw columns on, the tree as grown and what was decided with it.
`load_model` trusts neither the archive, nor the types in it, nor the numbers of its trees, nor
what it says of itself; `check_model` reports on all four.
"""

from __future__ import annotations

import hashlib
import json
import platform
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

from .. import __version__
from ..exceptions import UntrustedModelError
from ..files import write_whole
from .archive import FILE_LIMIT, members_of, packed, read_bytes
from .schema import TRUSTED_TYPES, Schema, parsed
from .structure import FORMAT, GROWN, about_problems, columns_of, grown_model, shape_problems
from .writing import archive_bytes

__all__ = [
    "FILE_LIMIT",
    "FORMAT",
    "TRUSTED_TYPES",
    "Saved",
    "about_model",
    "check_model",
    "load_model",
    "model_bytes",
    "save_model",
]

# What a model that answers wrongly ends in; the types in it are scikit-learn's.
_NO_ANSWER = (
    *(AttributeError, TypeError, LookupError, ValueError, ArithmeticError),
    *(RuntimeError, AssertionError),
)


@dataclass(frozen=True, eq=False)
class Saved:
    """A model with its story.

    Parameters
    ----------
    model : Pipeline
        Fitted, from raw columns on: an `encoder` and a decision tree, random forest or booster
        (as `treeprune.saving.boosters.stored` has it), or a pipeline of scaling and a network or
        linear model.
    grown : fitted tree, forest, booster (stored) or network, or None
        The model as grown, over the columns that the model's own predictor receives.
    about : dict
        Plain data: what `about_model` says.

    Examples
    --------
    >>> Saved(None, None, {"format": FORMAT}).about["format"]
    'treeprune-model/1'
    """

    model: Any
    grown: Any
    about: dict[str, Any]


def about_model(
    model: Any,
    *,
    name: str,
    target: str,
    task: str,
    labels: tuple[str, ...] | list[str] = (),
    decision: dict[str, Any] | None = None,
    seed: int = 0,
    sha256: str = "",
    made: str | None = None,
) -> dict[str, Any]:
    """What a saved model says of itself.

    Parameters
    ----------
    model : Pipeline
        Fitted; its first step says the raw columns.
    name, target : str
        The data's name and the target's column.
    task : str
        `binary`, `multiclass` or `regression`.
    labels : sequence of str
        Text of each class, in the order of the model's classes; empty for regression.
    decision : dict or None
        Costs, cut-off and words of the decision, plain data.
    seed : int
        Seed of the split and of everything after it.
    sha256 : str
        Hash of the data.
    made : str or None
        When the model was made. Left out, equal models give equal files.

    Returns
    -------
    dict
        `format`, the above, `columns` (`name`, `kind`, `categories`) and `versions`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.compose import ColumnTransformer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> X = pd.DataFrame({"age": [20.0, 30.0]})
    >>> encoder = ColumnTransformer([("number", "passthrough", ["age"])])
    >>> model = make_pipeline(encoder, DecisionTreeRegressor()).fit(X, [1.0, 2.0])
    >>> about = about_model(model, name="toy", target="y", task="regression")
    >>> about["columns"]
    [{'name': 'age', 'kind': 'number', 'categories': None}]
    """
    versions = _running()
    if hasattr(model.steps[-1][1], "text_"):  # a stored booster
        versions["lightgbm"] = version("lightgbm")
    about = {
        "format": FORMAT,
        "name": name,
        "target": target,
        "task": task,
        "labels": list(labels),
        "columns": columns_of(model.steps[0][1]),
        "decision": decision,
        "seed": seed,
        "sha256": sha256,
        "versions": versions,
    }
    return about if made is None else {**about, "made": made}


def _running() -> dict[str, str]:
    """Versions of what takes part in a prediction."""
    return {
        "treeprune": __version__,
        "scikit_learn": sklearn.__version__,
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "skops": version("skops"),
        "python": platform.python_version(),
    }


def model_bytes(saved: Saved) -> bytes:
    """A model as the content of a skops file.

    Parameters
    ----------
    saved : Saved

    Returns
    -------
    bytes
        The same for equal models. `load_model` accepts them: they have been checked as it does.

    Raises
    ------
    UntrustedModelError
        If the model holds what would not be loaded again, or `about` does not fit it.
    ValueError
        If `about` is not plain data.

    Notes
    -----
    Plain `skops.io.load(path, trusted=TRUSTED_TYPES)["model"]` gives the same pipeline, with
    none of the checks.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.compose import ColumnTransformer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> X = pd.DataFrame({"age": [20.0, 30.0]})
    >>> encoder = ColumnTransformer([("number", "passthrough", ["age"])])
    >>> model = make_pipeline(encoder, DecisionTreeRegressor()).fit(X, [1.0, 2.0])
    >>> about = about_model(model, name="toy", target="y", task="regression")
    >>> model_bytes(Saved(model, None, about))[:2]
    b'PK'
    """
    if saved.grown is not None and not grown_model(saved.grown):
        raise UntrustedModelError(
            f"cannot be saved: grown is a {type(saved.grown).__name__}; possible are "
            f"{', '.join(GROWN)} and None"
        )
    try:
        about = json.dumps(saved.about, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"about must be plain data that JSON can hold (no infinite numbers): {error}"
        ) from error
    try:
        raw = archive_bytes({"about": about, "model": saved.model, "grown": saved.grown})
    except (TypeError, UntrustedModelError) as error:
        raise UntrustedModelError(f"cannot be saved: {error}") from error
    try:
        _Checked(raw).require()
    except UntrustedModelError as error:
        raise UntrustedModelError(f"cannot be saved: {error}") from error
    return raw


def save_model(saved: Saved, path: str | Path) -> bytes:
    """Write a model to a file; the file appears whole or not at all.

    Parameters
    ----------
    saved : Saved
    path : str or Path
        By convention it ends in `.skops`.

    Returns
    -------
    bytes
        What was written.

    Raises
    ------
    UntrustedModelError
        If the model holds what would not be loaded again, or `about` does not fit it.
    ValueError
        If `about` is not plain data.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from sklearn.compose import ColumnTransformer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> X = pd.DataFrame({"age": [20.0, 30.0]})
    >>> encoder = ColumnTransformer([("number", "passthrough", ["age"])])
    >>> model = make_pipeline(encoder, DecisionTreeRegressor()).fit(X, [1.0, 2.0])
    >>> about = about_model(model, name="toy", target="y", task="regression")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = save_model(Saved(model, None, about), Path(folder) / "model.skops")
    ...     load_model(Path(folder) / "model.skops").model.predict(X).tolist()
    [1.0, 2.0]
    """
    raw = model_bytes(saved)
    write_whole(Path(path), raw)
    return raw


def load_model(path: str | Path, *, limit: int = FILE_LIMIT) -> Saved:
    """Load a model, after everything in the file has been checked.

    Parameters
    ----------
    path : str or Path
    limit : int
        Most bytes of the file.

    Returns
    -------
    Saved

    Raises
    ------
    UntrustedModelError
        If the file is not a whole, well-formed saved model, or holds a type that saved models do
        not have, or a tree that is none, or says of itself what is not so. Nothing in it has
        been constructed then, unless it fails at its last check, an answer to one row.

    Warns
    -----
    UserWarning
        If it was saved with another version of scikit-learn.

    Notes
    -----
    The file is not signed: that it is safe to load does not say that it is the model somebody
    approved. Compare its hash, which `check_model` gives, with the one on record.

    Examples
    --------
    >>> try:
    ...     load_model("no_such_file.skops")
    ... except UntrustedModelError as error:
    ...     print(error)
    no_such_file.skops: no such file
    """
    raw = read_bytes(path, limit)
    try:
        checked = _Checked(raw)
        checked.require()
    except UntrustedModelError as error:
        raise UntrustedModelError(f"{path}: {error}") from error
    saved, running = checked.about["versions"].get("scikit_learn"), sklearn.__version__
    if saved != running:
        warnings.warn(
            f"{path} was saved with scikit-learn {saved}; this is {running}. Predictions may "
            "differ: compare some with those on record, or fit the model anew",
            UserWarning,
            stacklevel=2,
        )
    assert checked.parts is not None
    return Saved(checked.parts["model"], checked.parts["grown"], checked.about)


def check_model(path: str | Path, *, limit: int = FILE_LIMIT) -> dict[str, Any]:
    """Report on a saved model's file.

    Parameters
    ----------
    path : str or Path
    limit : int
        Most bytes of the file.

    Returns
    -------
    dict
        Plain data. `passed` says whether `load_model` accepts the file, `problems` why not. Then
        `file` (name), `sha256`, `bytes`, `format`, `types` (`type`, `kind`, `trusted`), `trees`
        (`name`, `checked`, `nodes`, `leaves`, `depth`, `columns`), `versions` (`name`, `saved`,
        `running`, `differs`) and `about`.

    Raises
    ------
    UntrustedModelError
        If there is nothing to report on: no such file, not a zip archive, damaged, too large,
        or without a readable description.

    Examples
    --------
    >>> try:
    ...     check_model(".")
    ... except UntrustedModelError as error:
    ...     print(error)
    .: is a directory; name the file of a saved model
    """
    raw = read_bytes(path, limit)
    try:
        checked = _Checked(raw)
    except UntrustedModelError as error:
        raise UntrustedModelError(f"{path}: {error}") from error
    return {
        "passed": not checked.problems,
        "problems": list(checked.problems),
        "file": Path(path).name,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "bytes": len(raw),
        "format": checked.about.get("format"),
        "types": [
            {"type": name, "kind": kind, "trusted": (kind, name) not in checked.schema.untrusted}
            for kind, name in checked.schema.types
        ],
        "trees": checked.trees,
        "versions": _compared(checked.about.get("versions")),
        "about": checked.about,
    }


def _compared(saved: Any) -> list[dict[str, Any]]:
    """Versions then and now."""
    saved = saved if isinstance(saved, dict) else {}
    running = _running()
    if "lightgbm" in saved:  # of boosters only
        running["lightgbm"] = version("lightgbm")
    return [
        {"name": name, "saved": saved.get(name), "running": now, "differs": saved.get(name) != now}
        for name, now in running.items()
    ]


class _Checked:
    """A file's content after all checks: its problems, or its parts."""

    schema: Schema
    trees: list[dict[str, Any]]
    about: dict[str, Any]
    problems: list[str]
    parts: dict[str, Any] | None

    def __init__(self, raw: bytes) -> None:
        members = members_of(raw)
        self.schema = parsed(members)
        self.trees, self.about, self.parts = [], {}, None
        self.problems = [
            f"holds a {kind} of type {ascii(name)[:80]}, which is not on the list of trusted types"
            for kind, name in self.schema.untrusted
        ]
        if self.problems:
            return
        self.trees, self.problems = shape_problems(self.schema.value, self.schema.objects)
        if not self.problems:
            self.about, self.problems = about_problems(self.schema.value)
        if not self.problems:
            # The archive is packed anew from what was checked: skops sees nothing else.
            self._construct(packed(members))

    def _construct(self, raw: bytes) -> None:
        try:
            self.parts = _constructed(raw)
        except UntrustedModelError as error:
            self.problems = [str(error)]
        else:
            self.problems = _answer_problems(self.parts["model"], self.about)

    def require(self) -> None:
        """Raise unless all checks have passed."""
        if self.problems:
            raise UntrustedModelError("; ".join(self.problems))


def _constructed(raw: bytes) -> dict[str, Any]:
    import skops.io

    with warnings.catch_warnings():
        # Said once, in other words, by `load_model`; each part of the model would say it again.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        try:
            return skops.io.loads(raw, trusted=TRUSTED_TYPES)
        except _NO_ANSWER as error:
            raise UntrustedModelError(f"cannot be constructed: {_words(error)}") from error


def _answer_problems(model: Any, about: dict[str, Any]) -> list[str]:
    """Ask the model about one made-up row: what fits part by part may still not fit together."""
    row = {
        column["name"]: [0.0 if column["kind"] == "number" else _first(column["categories"])]
        for column in about["columns"]
    }
    X = pd.DataFrame(row)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            width = model[0].transform(X).shape[1]
            told = np.asarray(
                model.predict(X) if about["task"] == "regression" else model.predict_proba(X),
                dtype=np.float64,
            )
    except _NO_ANSWER as error:
        return [f"model: does not answer when it is asked about a row: {_words(error)}"]
    shape = (1,) if about["task"] == "regression" else (1, len(about["labels"]))
    if told.shape != shape or not np.isfinite(told).all() or width != model[-1].n_features_in_:
        return ["model: its answer about a row has not the shape of an answer"]
    return []


def _words(error: Exception) -> str:
    """What another library says, in which names from the file may stand."""
    return ascii(" ".join(str(error).split()))[1:-1][:120]


def _first(categories: list[Any]) -> Any:
    """A category that is no missing value, if there is one."""
    return next((value for value in categories if value is not None), None)
