"""From a model to bytes that depend on nothing but the model.

skops writes memory addresses, times and what happened to lie between the fields of a tree's nodes.
All of that is taken out: arrays are numbered in the order in which they occur, equal ones stand
once, and nodes refer to nothing by address.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

from ..exceptions import UntrustedModelError
from ..native.stored_trees import without_padding
from .archive import SCHEMA_LIMIT, packed
from .schema import PROTOCOL

__all__ = ["archive_bytes"]

# What only going on with a training would need, such as a random generator.
_TRAINING = ("_rng", "_moments", "history_")
_TRAINED = ("SparseMLPClassifier", "SparseMLPRegressor")


def archive_bytes(value: Any) -> bytes:
    """An object as a skops file, the same bytes for equal objects.

    Parameters
    ----------
    value : object

    Returns
    -------
    bytes

    Raises
    ------
    TypeError
        If skops cannot save something in it.
    UntrustedModelError
        If its description is longer than what is read again.

    Examples
    --------
    >>> archive_bytes({"a": np.zeros(2)}) == archive_bytes({"a": np.zeros(2)})
    True
    """
    import skops
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(value))) as archive:
        old = {name: archive.read(name) for name in archive.namelist()}
    arrays: dict[bytes, str] = {}
    root = _plain(json.loads(old["schema.json"]), old, arrays)
    # Whether the nodes are those of the protocol is seen when the result is read back.
    root |= {"protocol": PROTOCOL, "_skops_version": skops.__version__}
    schema = json.dumps(root, separators=(",", ":")).encode("ascii")
    if len(schema) > SCHEMA_LIMIT:
        raise UntrustedModelError(
            f"its description takes {len(schema)} bytes, the limit is {SCHEMA_LIMIT}: leave out "
            "columns of very many categories, each of which takes some 200 bytes"
        )
    return packed({"schema.json": schema, **{name: raw for raw, name in arrays.items()}})


def _plain(node: Any, old: dict[str, bytes], arrays: dict[bytes, str]) -> Any:
    """The node without addresses; its arrays are added to those found so far."""
    if isinstance(node, list):
        return [_plain(part, old, arrays) for part in node]
    if not isinstance(node, dict):
        return node
    if node.get("__loader__") == "NdArrayNode" and node.get("type") == "numpy":
        raw = _tidy(old[node["file"]])
        node = {**node, "file": arrays.setdefault(raw, f"{len(arrays)}.npy")}
    if node.get("__class__") in _TRAINED and node.get("__loader__") == "ObjectNode":
        node = {**node, "content": _without_training(node["content"])}
    # An attribute of that name cannot be meant: it would be a node, not a number.
    kept = {k: v for k, v in node.items() if not (k == "__id__" and isinstance(v, int))}
    return {key: _plain(part, old, arrays) for key, part in kept.items()}


def _without_training(attributes: Any) -> Any:
    """A network's attributes without the state of its training: it predicts, and is not resumed."""
    content, types = attributes["content"], attributes["key_types"]["content"]
    pairs = zip(content.items(), types, strict=True)
    kept = [(name, value, kind) for (name, value), kind in pairs if name not in _TRAINING]
    key_types = {**attributes["key_types"], "content": [kind for _, _, kind in kept]}
    return {
        **attributes,
        "content": {name: value for name, value, _ in kept},
        "key_types": key_types,
    }


def _tidy(raw: bytes) -> bytes:
    """The array's file with zeros where its records have no field."""
    array = np.load(io.BytesIO(raw), allow_pickle=False)
    if array.dtype.names is None:
        return raw
    out = io.BytesIO()
    np.save(out, without_padding(array), allow_pickle=False)
    return out.getvalue()
