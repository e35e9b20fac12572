"""How kubectl types the scalars of a manifest: YAML 1.1, by the rules of its YAML library.

The rules are those of sigs.k8s.io/yaml (`yaml.go`, and `goyaml.v2/resolve.go`), which kubectl and the API server use.
A value of a Secret is text in both `data` and `stringData` (`map[string][]byte` and `map[string]string` in
k8s.io/api/core/v1): null leaves it empty, and a bool, a number, a list or a mapping is refused.
Dates, `1:30`, `0b12` and `=` are text. An integer of more than 64 bits is text for some versions: here it is a number.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import yaml

Kind = Literal["text", "null", "bool", "number", "list", "mapping", "binary"]

_TAG = "tag:yaml.org,2002:"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = frozenset(
    form for word in ("y", "n", "yes", "no", "true", "false", "on", "off")
    for form in (word, word.capitalize(), word.upper())
)  # fmt: skip
_FIRST = re.compile(r"[-+.0-9]")
_INT = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NO_NUMBERS = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", re.ASCII)
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9._/+=-]*", re.ASCII)
_BETWEEN = re.compile(r"(?<=[0-9])_(?=[0-9])", re.ASCII)
_SAME_KEY = re.compile(r"true|false|0|-?[1-9][0-9]{0,17}", re.ASCII)
"""Bools and numbers that kubectl writes as they are spelled when it makes a key of one."""


def kind_of(node: yaml.Node) -> Kind:
    """What kubectl takes a node for."""
    import yaml

    if isinstance(node, yaml.SequenceNode):
        return "list"
    if not isinstance(node, yaml.ScalarNode):
        return "mapping"
    if node.tag in (f"{_TAG}int", f"{_TAG}float", f"{_TAG}bool", f"{_TAG}null"):
        return _tagged(node)
    if node.tag == f"{_TAG}binary":
        return "binary"
    return _plain(node.value) if node.style is None and node.tag == "?" else "text"


def key_of(node: yaml.Node) -> str | None:
    """The key as kubectl takes it; None for one that it renames (`NO` becomes `false`, `0644` becomes `420`)."""
    kind = kind_of(node)
    if kind == "text" or (kind in ("bool", "number") and _SAME_KEY.fullmatch(node.value)):
        return str(node.value)
    return None


def spelled(text: str) -> str:
    """A text without line breaks as a scalar that kubectl, and any reader of YAML 1.1 or 1.2, takes for text."""
    return text if _BARE.fullmatch(text) and _plain(text) == "text" else json.dumps(text)


def _tagged(node: yaml.Node) -> Kind:
    """What an explicit tag says. kubectl refuses a text that does not fit its tag, as all of these are refused."""
    return {"int": "number", "float": "number", "bool": "bool", "null": "null"}[node.tag.removeprefix(_TAG)]  # type: ignore[return-value]  # the four are kinds


def _plain(text: str) -> Kind:
    if text in _NULLS:
        return "null"
    if text in _BOOLS:
        return "bool"
    digits = _BETWEEN.sub("", text) if text.startswith(".") else text.replace("_", "")
    if not _FIRST.match(text):
        return "text"
    if _INT.fullmatch(digits) or _NO_NUMBERS.fullmatch(text):
        return "number"
    return "number" if _FLOAT.fullmatch(digits) and math.isfinite(float(digits)) else "text"
