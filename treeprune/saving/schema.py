"""The description inside a saved model, read as plain values before anything is constructed.

skops describes an object as nodes of JSON and arrays as members of the archive. Here every node
must be of a known kind and type, with exactly the parts that kind has; what it describes comes
out as numbers, text, lists, arrays and `Described` objects, which only look like the objects.
"""

from __future__ import annotations

import io
import json
import math
import re
import tokenize
import warnings
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from ..exceptions import UntrustedModelError
from ..native.stored_trees import is_node_dtype
from .archive import UNPACKED_LIMIT
from .attributes import check_attributes, shown

__all__ = ["PROTOCOL", "TRUSTED", "TRUSTED_TYPES", "Described", "Schema", "TypeName", "parsed"]

PROTOCOL = 2  # of skops; newer versions of skops keep reading it
DEPTH_LIMIT = 64  # a saved model has some 25 levels

_SKLEARN = (
    "compose._column_transformer.ColumnTransformer",
    "compose._column_transformer._RemainderColsList",  # a list of columns, up to 1.6
    "ensemble._forest.RandomForestClassifier",
    "ensemble._forest.RandomForestRegressor",
    "impute._base.MissingIndicator",
    "impute._base.SimpleImputer",
    "linear_model._logistic.LogisticRegression",
    "linear_model._ridge.Ridge",
    "pipeline.Pipeline",
    "preprocessing._data.StandardScaler",
    "preprocessing._encoders.OneHotEncoder",
    "preprocessing._function_transformer.FunctionTransformer",  # columns passed through
    "tree._classes.DecisionTreeClassifier",
    "tree._classes.DecisionTreeRegressor",
)
_OWN = (
    "network.Network",
    "neural.classifier.SparseMLPClassifier",
    "neural.regressor.SparseMLPRegressor",
    "report.columns.NameCombiner",
    "saving.boosters.StoredBoosterClassifier",
    "saving.boosters.StoredBoosterRegressor",
)
# Kind of node -> types it may have. There is no kind for functions, methods, partial calls,
# constructors with arguments, random generators, bytes or references to other nodes.
TRUSTED: dict[str, frozenset[str]] = {
    "ObjectNode": frozenset(
        {*(f"sklearn.{name}" for name in _SKLEARN), *(f"treeprune.{name}" for name in _OWN)}
    ),
    "TreeNode": frozenset({"sklearn.tree._tree.Tree"}),
    "NdArrayNode": frozenset({"numpy.ndarray", "numpy.float64", "numpy.int64"}),
    "DTypeNode": frozenset({"numpy.dtype"}),
    "TypeNode": frozenset({"builtins.str", "builtins.int", "numpy.float64"}),
    "DictNode": frozenset({"builtins.dict"}),
    "ListNode": frozenset({"builtins.list"}),
    "TupleNode": frozenset({"builtins.tuple"}),
    "SliceNode": frozenset({"builtins.slice"}),
    "JsonNode": frozenset({"builtins.str"}),
}
# What plain skops.io.load needs as `trusted`; skops itself always trusts more than is listed here.
TRUSTED_TYPES: list[str] = sorted(set().union(*TRUSTED.values()))

_HEAD = {"__class__", "__module__", "__loader__"}
_PARTS = {
    "ObjectNode": {"content"},
    "TreeNode": {"content", "__reduce__"},
    "DTypeNode": {"content"},
    "TypeNode": set(),
    "DictNode": {"content", "key_types"},
    "ListNode": {"content"},
    "TupleNode": {"content"},
    "SliceNode": {"content"},
    "JsonNode": {"content", "is_json"},
}
_ARRAY_PARTS = {"numpy": {"type", "file"}, "json": {"type", "content", "shape"}}
# What reading the header of an array may end in, which numpy evaluates as Python's literals.
_NO_HEADER = (
    *(ValueError, TypeError, SyntaxError, RecursionError, OverflowError),
    *(tokenize.TokenError, Warning),
    MemoryError,  # so Python's parser calls what is nested too deeply
)
_KEY_TYPES = {"builtins.str": str, "builtins.int": int}


@dataclass(frozen=True, eq=False)
class Described:
    """An object as its description says; its attributes read as those of the object would.

    Parameters
    ----------
    type : str
        Full name of the class.
    attributes : dict
        Name to value.

    Examples
    --------
    >>> Described("sklearn.linear_model._ridge.Ridge", {"alpha": 1.0}).alpha
    1.0
    """

    type: str
    attributes: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        """An attribute of the object described."""
        try:
            return self.__dict__["attributes"][name]
        except KeyError:
            raise AttributeError(f"{self.type} has no {name}") from None


@dataclass(frozen=True)
class TypeName:
    """A class or data type that the description names as a value.

    Examples
    --------
    >>> TypeName("builtins.str").name
    'builtins.str'
    """

    name: str


@dataclass(eq=False)
class Schema:
    """A description that has been read: its value, the types in it and what is wrong with it.

    Parameters
    ----------
    types : tuple of (str, str)
        Kind and full name of every type, sorted.
    untrusted : tuple of (str, str)
        Those of them that are not on the list.
    value : object
        What is described; None where a type is untrusted.
    objects : tuple of Described
        All objects in it, wherever they stand.

    Examples
    --------
    >>> Schema((), ()).value is None
    True
    """

    types: tuple[tuple[str, str], ...]
    untrusted: tuple[tuple[str, str], ...]
    value: Any = None
    objects: tuple[Described, ...] = ()


def parsed(members: dict[str, bytes]) -> Schema:
    """Read the description.

    Parameters
    ----------
    members : dict of str to bytes
        What the archive holds.

    Returns
    -------
    Schema

    Raises
    ------
    UntrustedModelError
        If it is not a description in the form this package writes.

    Examples
    --------
    >>> node = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode"}
    >>> node |= {"content": "1.5", "is_json": True, "protocol": 2, "_skops_version": "0.13.0"}
    >>> parsed({"schema.json": json.dumps(node).encode()}).value
    1.5
    """
    root = _loaded(members["schema.json"])
    if not isinstance(root, dict):
        _refuse("schema.json is no description of an object")
    protocol = root.pop("protocol", None)
    if type(protocol) is not int or protocol != PROTOCOL:
        _refuse(f"the protocol is {shown(protocol)}; {PROTOCOL} is read")
    if not isinstance(root.pop("_skops_version", None), str):
        _refuse("schema.json does not say which version of skops wrote it")
    types = _types_in(root)
    untrusted = tuple(t for t in types if t[1] not in TRUSTED.get(t[0], ()))
    if untrusted:
        return Schema(types, untrusted)
    reader = _Reader(members)
    value = reader.value(root, 0)
    unused = sorted(set(members) - set(reader.arrays) - {"schema.json"})
    if unused:
        _refuse(f"{unused[0]} belongs to nothing in the model")
    return Schema(types, (), value, tuple(reader.objects))


def _refuse(message: str) -> NoReturn:
    raise UntrustedModelError(message)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, in which each name stands once: readers differ in which of two they take."""
    out = dict(pairs)
    if len(out) != len(pairs):
        _refuse("schema.json says something twice")
    return out


def _loaded(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except RecursionError:
        _refuse("schema.json is nested too deeply")
    except UntrustedModelError:
        raise
    except ValueError as error:  # not JSON, not UTF-8, a number of thousands of digits
        raise UntrustedModelError(f"schema.json is not JSON: {shown(str(error))}") from None


def _types_in(root: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Kind and type of everything that looks like a node, wherever it stands."""
    found: set[tuple[str, str]] = set()
    level: list[Any] = [root]
    for _ in range(4 * DEPTH_LIMIT):
        below: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                if not _HEAD.isdisjoint(part):
                    found.add(_type_of(part))
                part = part.values()
            # Only what can hold a node: a description may list millions of numbers.
            below += [value for value in part if isinstance(value, (dict, list))]
        if not below:
            return tuple(sorted(found))
        level = below
    _refuse("schema.json is nested too deeply")


def _type_of(node: dict[str, Any]) -> tuple[str, str]:
    head = [node.get(name) for name in ("__loader__", "__module__", "__class__")]
    if not all(isinstance(name, str) for name in head):
        _refuse("schema.json has a node without kind, module or class")
    return str(head[0]), f"{head[1]}.{head[2]}"


@dataclass(eq=False)
class _Reader:
    """Turns nodes into values; remembers the members that were used, each read once."""

    members: dict[str, bytes]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    referred: int = 0  # bytes; skops reads a member anew for each node that refers to it
    objects: list[Described] = field(default_factory=list)

    def value(self, node: Any, depth: int) -> Any:
        if depth > DEPTH_LIMIT:
            _refuse(f"schema.json has more than {DEPTH_LIMIT} levels")
        if not isinstance(node, dict) or not set(node) >= _HEAD:
            _refuse("schema.json has something else where a node must stand")
        kind = node["__loader__"]
        self._check_parts(node, kind)
        return getattr(self, f"_{kind}")(node, depth + 1)

    def _check_parts(self, node: dict[str, Any], kind: str) -> None:
        """Exactly the parts of the kind: one that is not read here might be read by skops."""
        if kind == "NdArrayNode":
            given = node.get("type")
            wanted = _ARRAY_PARTS.get(given) if isinstance(given, str) else None
            if wanted is None:
                _refuse(f"an array is stored as {shown(given)}; possible are numpy and json")
        else:
            wanted = _PARTS[kind]
        if set(node) != _HEAD | wanted:
            odd = sorted(set(node) ^ (_HEAD | wanted))
            _refuse(f"a {kind} must have the parts of its kind; odd: {shown(odd[0])}")

    def _items(self, node: dict[str, Any], depth: int) -> list[Any]:
        if not isinstance(node["content"], list):
            _refuse(f"the content of a {node['__loader__']} must be a list")
        return [self.value(item, depth) for item in node["content"]]

    def _ListNode(self, node: dict[str, Any], depth: int) -> list[Any]:
        return self._items(node, depth)

    def _TupleNode(self, node: dict[str, Any], depth: int) -> tuple[Any, ...]:
        return tuple(self._items(node, depth))

    def _TypeNode(self, node: dict[str, Any], depth: int) -> TypeName:
        return TypeName(f"{node['__module__']}.{node['__class__']}")

    def _JsonNode(self, node: dict[str, Any], depth: int) -> Any:
        if not isinstance(node["content"], str) or node["is_json"] is not True:
            _refuse("a plain value must be JSON text")
        try:
            value = json.loads(node["content"])
        except (ValueError, RecursionError):
            _refuse(f"a plain value is not JSON: {shown(node['content'])}")
        if isinstance(value, (dict, list)):
            _refuse("a plain value must be one number, text, truth value or null")
        return value

    def _SliceNode(self, node: dict[str, Any], depth: int) -> slice:
        content = node["content"]
        if not isinstance(content, dict) or set(content) != {"start", "stop", "step"}:
            _refuse("a slice has start, stop and step")
        if not all(value is None or type(value) is int for value in content.values()):
            _refuse("a slice goes from integer to integer")
        return slice(content["start"], content["stop"], content["step"])

    def _DictNode(self, node: dict[str, Any], depth: int) -> dict[Any, Any]:
        content = node["content"]
        types = self.value(node["key_types"], depth)
        if not isinstance(content, dict) or not isinstance(types, list):
            _refuse("a dict must have content and types of its keys")
        if len(types) != len(content):  # skops would leave out the keys without a type
            _refuse("a dict must have one type for each key")
        out: dict[Any, Any] = {}
        for kind, (key, value) in zip(types, content.items(), strict=True):
            make = _KEY_TYPES.get(kind.name) if isinstance(kind, TypeName) else None
            if make is None or (make is int and not re.fullmatch(r"-?[0-9]{1,18}", key)):
                _refuse(f"a key {shown(key)} must be text or an integer")
            out[make(key)] = self.value(value, depth)
        if len(out) != len(content):
            _refuse("a dict has a key twice")
        return out

    def _ObjectNode(self, node: dict[str, Any], depth: int) -> Described:
        name = f"{node['__module__']}.{node['__class__']}"
        attributes = self.value(node["content"], depth)
        if not isinstance(attributes, dict):
            _refuse(f"{name} must have a dict of attributes")
        check_attributes(name, attributes)
        return self._object(name, attributes)

    def _object(self, name: str, attributes: dict[str, Any]) -> Described:
        self.objects.append(Described(name, attributes))
        return self.objects[-1]

    def _TreeNode(self, node: dict[str, Any], depth: int) -> Described:
        reduce = node["__reduce__"]
        if not isinstance(reduce, dict) or set(reduce) != {"args"}:
            _refuse("a tree must have arguments")
        args, state = self.value(reduce["args"], depth), self.value(node["content"], depth)
        return self._object("sklearn.tree._tree.Tree", {"args": args, "state": state})

    def _DTypeNode(self, node: dict[str, Any], depth: int) -> np.dtype:
        array = self.value(node["content"], depth)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
            _refuse("a data type must be one of numbers")
        return array.dtype

    def _NdArrayNode(self, node: dict[str, Any], depth: int) -> Any:
        array = (
            self._json_array(node, depth) if node["type"] == "json" else self._array(node["file"])
        )
        scalar = node["__class__"] != "ndarray"
        if scalar and (array.shape != () or array.dtype.name != node["__class__"]):
            _refuse("a single number must be stored as one")
        return array[()] if scalar else array

    def _json_array(self, node: dict[str, Any], depth: int) -> np.ndarray:
        """An array of objects (text and missing values), in one dimension."""
        items, shape = self._items(node, depth), self.value(node["shape"], depth)
        if shape != (len(items),) or not isinstance(shape, tuple) or type(shape[0]) is not int:
            _refuse("an array of text must have one dimension, and say how long it is")
        if any(isinstance(item, (list, tuple, dict, Described)) for item in items):
            _refuse("an array of text must hold plain values")
        out = np.empty(len(items), dtype=object)
        out[:] = items
        return out

    def _array(self, name: Any) -> np.ndarray:
        if not isinstance(name, str) or name == "schema.json" or name not in self.members:
            _refuse(f"there is no array {shown(name)}")
        self.referred += len(self.members[name])
        if self.referred > UNPACKED_LIMIT:
            _refuse(
                f"has arrays of more than {UNPACKED_LIMIT} bytes, the limit, each counted as often "
                "as it is referred to"
            )
        if name not in self.arrays:
            try:
                self.arrays[name] = _npy(self.members[name])
            except UntrustedModelError as error:
                raise UntrustedModelError(f"{name}: {error}") from None
        return self.arrays[name]


def _npy(raw: bytes) -> np.ndarray:
    """An array in numpy's own format, of numbers or of a tree's nodes, as long as it says."""
    stream = io.BytesIO(raw)
    try:
        shape, dtype = _header(stream)
    except UntrustedModelError:
        raise
    except _NO_HEADER as error:
        raise UntrustedModelError(f"not an array: {shown(str(error))}") from None
    if dtype.hasobject:
        _refuse("holds objects, which numpy stores as a pickle, and a pickle can run any code")
    if dtype.kind not in "biuf" and not is_node_dtype(dtype):
        _refuse(f"holds {shown(str(dtype))}, neither numbers nor nodes of this scikit-learn")
    # Before memory is asked for: the header may claim any shape.
    if len(shape) > 3 or min(shape, default=0) < 0:
        _refuse("has a shape that no part of a model has")
    if math.prod(shape) * dtype.itemsize != len(raw) - stream.tell():
        _refuse("is not as long as it says")
    try:
        return np.load(io.BytesIO(raw), allow_pickle=False)
    except (ValueError, TypeError, OverflowError) as error:
        raise UntrustedModelError(f"not an array: {shown(str(error))}") from None


def _header(stream: io.BytesIO) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type, as claimed."""
    if np.lib.format.read_magic(stream) != (1, 0):
        _refuse("not the version of numpy's format that is written for numbers")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # numpy mends odd headers, with a warning
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    return shape, dtype
