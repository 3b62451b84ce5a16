"""The lines of a LightGBM text, by one strict grammar.

LightGBM and Python do not read alike: LightGBM ends lines at carriage returns and the text at a
zero byte, splits at spaces only, lets a later line overrule an earlier one, and takes what it
cannot read for 0 or crashes. So nothing passes here but what LightGBM itself writes: known lines,
each once, of ASCII numbers with one space between them. Only names and parameters are free words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..exceptions import MalformedModelError, UnsupportedModelError

__all__ = ["HEAD", "Parts", "count", "numbers", "parts", "required", "tree_lines"]

HEAD = "the head of the model"
_END = "\nend of trees\n"

# Possessive quantifiers: what has been matched is never tried otherwise, so that time is linear.
_WHOLE = r"-?+[0-9]{1,10}+"
_REAL = r"-?+(?:[0-9]++(?:\.[0-9]++)?+(?:e[+-][0-9]{1,3}+)?+|inf|nan)"
_INFO = rf"(?:none|\[{_REAL}:{_REAL}\]|{_WHOLE}(?::{_WHOLE})*+)"


def _several(word: str) -> re.Pattern[str]:
    """Words with one space between them; none at all is an empty line."""
    return re.compile(f"(?:{word}(?: {word})*+)?+")


_WHOLES, _REALS = _several(_WHOLE), _several(_REAL)
_COUNT = re.compile("[0-9]{1,9}+")
_TREE = {
    **dict.fromkeys(["num_leaves", "num_cat", "is_linear"], _COUNT),
    **dict.fromkeys(["split_feature", "decision_type", "left_child", "right_child"], _WHOLES),
    **dict.fromkeys(["leaf_count", "internal_count", "cat_boundaries", "cat_threshold"], _WHOLES),
    **dict.fromkeys(["threshold", "split_gain", "leaf_value", "leaf_weight"], _REALS),
    **dict.fromkeys(["internal_value", "internal_weight", "shrinkage"], _REALS),
}
_HEAD_LINES = {
    "version": re.compile("v[0-9]{1,3}+"),
    "num_class": re.compile(".*"),  # counts are read, and refused, by `count`
    "num_tree_per_iteration": re.compile(".*"),
    "label_index": re.compile("-?[0-9]{1,9}+"),
    "max_feature_idx": re.compile(".*"),
    "objective": re.compile("[ -~]+"),
    "feature_names": re.compile(".*"),
    "monotone_constraints": _several("(?:-1|0|1)"),
    "feature_infos": _several(_INFO),
    "tree_sizes": _WHOLES,
}
_FLAG = "average_output"  # the one line of the head, after the first, that has no value
_TAIL = re.compile(
    r"end of trees\n++"
    r"(?:feature_importances:\n(?:[^\n]*=[0-9]{1,20}+\n)*+(?:\n++|\Z))?+"
    r"(?:parameters:\n(?:\[[a-z0-9_]++: [^\x00-\x1f]*+(?<=\])\n)*+\n++end of parameters\n++)?+"
    r"(?:pandas_categorical:(?P<categories>[^\n]*+)\n?+)?+"
)


@dataclass(frozen=True)
class Parts:
    """A text in three parts."""

    head: str  # what stands before the trees
    fields: Mapping[str, str]  # the lines of the head
    blocks: tuple[str, ...]  # a part for each tree
    tail: str  # from 'end of trees' on


def parts(text: str) -> Parts:
    """The text in three parts; head and tail are checked, trees by `tree_lines`."""
    end = text.find(_END)
    if not text.startswith("tree\n") or end < 0:
        raise MalformedModelError(
            "this is not the text of a LightGBM model: it must begin with 'tree' and have a line "
            "'end of trees'"
        )
    if "\r" in text or "\0" in text:
        raise MalformedModelError("the text holds carriage returns or zero bytes")
    tail = text[end + 1 :]
    _check_tail(tail)
    found = list(re.finditer(r"^Tree=([0-9]+)$", text[: end + 1], re.MULTILINE))
    if not found:
        raise MalformedModelError("the model has no trees; was it trained for 0 iterations?")
    if [match[1] for match in found] != [str(j) for j in range(len(found))]:
        raise MalformedModelError("the trees must be numbered from 0 on, in order")
    starts = [match.start() for match in found]
    head, stops = text[: starts[0]], [*starts[1:], end + 1]
    fields = _head_lines(head)
    sizes = " ".join(str(b - a) for a, b in zip(starts, stops, strict=True))
    # LightGBM jumps by these sizes and aborts the process where they are wrong.
    if required(fields, "tree_sizes", HEAD) != sizes:
        raise MalformedModelError("tree_sizes are not the sizes of the trees in the text")
    blocks = tuple(text[a:b] for a, b in zip(starts, stops, strict=True))
    return Parts(head, fields, blocks, tail)


def _head_lines(head: str) -> dict[str, str]:
    """The lines of the head; that which has no value is an empty one."""
    if not head.endswith("\n\n"):
        raise MalformedModelError(f"{HEAD} must end with an empty line")
    lines = head[:-2].split("\n")[1:]
    # LightGBM takes any line that begins like this for a tree.
    if any(line.startswith("Tree=") for line in lines):
        raise MalformedModelError(f"{HEAD} has a line 'Tree='")
    flags = lines.count(_FLAG)
    out = _pairs([line for line in lines if line != _FLAG], _HEAD_LINES, HEAD)
    for key, value in out.items():
        if not _HEAD_LINES[key].fullmatch(value):
            raise MalformedModelError(f"{HEAD} has a {key} that LightGBM does not write")
    if flags > 1:
        raise MalformedModelError(f"{HEAD} has {_FLAG!r} twice")
    return {**out, _FLAG: ""} if flags else out


def _pairs(lines: list[str], known: Mapping[str, object], where: str) -> dict[str, str]:
    """Lines `key=value` of known keys, each once."""
    out: dict[str, str] = {}
    for line in lines:
        key, sign, value = line.partition("=")
        if not sign:
            raise MalformedModelError(f"{where} has a line that is not 'key=value'")
        if key in out:
            raise MalformedModelError(f"{where} has {ascii(key)[:40]} twice")
        if key not in known:
            raise MalformedModelError(
                f"{where} has a line {ascii(key)[:40]}, which is not known here; possible are "
                f"{', '.join(known)}"
            )
        out[key] = value
    return out


def _check_tail(tail: str) -> None:
    """Importances, parameters and categories, of which LightGBM and its Python part read some."""
    found = _TAIL.fullmatch(tail)
    if found is None:
        raise MalformedModelError(
            "after 'end of trees' there may be feature_importances, parameters as '[name: value]' "
            "and pandas_categorical, and nothing else"
        )
    try:
        known = json.loads(found["categories"] or "null")
    except (ValueError, RecursionError):
        known = 0
    lists = known is None or (isinstance(known, list) and all(isinstance(k, list) for k in known))
    if not lists:
        raise MalformedModelError("pandas_categorical must be a JSON list of lists, or null")


def tree_lines(block: str, where: str) -> dict[str, str]:
    """The lines of a tree, `Tree` first; those of numbers hold numbers that LightGBM writes."""
    if not block.endswith("\n\n\n"):
        raise MalformedModelError(f"{where} must end with two empty lines")
    first, *lines = block[:-3].split("\n")
    if "is_linear=1" in lines:
        raise UnsupportedModelError(
            "leaves of models with linear_tree=True hold equations, not values; nor has LightGBM "
            "contributions for them. Use a method that needs predictions only"
        )
    out = _pairs(lines, _TREE, where)
    for key, value in out.items():
        if _TREE[key] is not _COUNT and not _TREE[key].fullmatch(value):
            raise MalformedModelError(f"{where} has in {key!r} what is not a number of its kind")
    if out.get("is_linear", "0") != "0":
        raise MalformedModelError(f"{where} has an is_linear that is neither 0 nor 1")
    return {"Tree": first.removeprefix("Tree="), **out}


def required(fields: Mapping[str, str], key: str, where: str) -> str:
    """The value of a line that must be there."""
    if key not in fields:
        raise MalformedModelError(f"{where} lacks {key!r}")
    return fields[key]


def count(fields: Mapping[str, str], key: str, least: int, where: str = HEAD) -> int:
    """A whole number of at least `least`."""
    value = required(fields, key, where)
    if not _COUNT.fullmatch(value) or int(value) < least:
        raise MalformedModelError(
            f"{where} has {key}={value[:40]!a}; it must be a whole number of at least {least}"
        )
    return int(value)


def numbers(
    fields: Mapping[str, str], key: str, size: int | None, dtype: npt.DTypeLike, where: str
) -> npt.NDArray:
    """The numbers of a line that `tree_lines` has checked, `size` of them."""
    line = required(fields, key, where)
    found = line.count(" ") + 1 if line else 0
    if size is not None and found != size:
        raise MalformedModelError(f"{where} has {found} numbers in {key!r}, must be {size}")
    # One pass over the characters; the grammar leaves nothing that it could misread.
    return np.fromstring(line, dtype=dtype, sep=" ") if line else np.zeros(0, dtype)
