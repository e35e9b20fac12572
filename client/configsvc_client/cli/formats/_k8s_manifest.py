"""Kubernetes manifests as YAML nodes with their lines: the kind of each field, without converting values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from configsvc_client.cli.formats import _common
from configsvc_client.cli.formats._common import Problem
from configsvc_client.cli.formats._yaml_nodes import explain_fault

if TYPE_CHECKING:
    import yaml


_STRING = re.compile(r'("(?:[^"\\]|\\.)*+")(\s*:)?', re.DOTALL)
"""A JSON string, and whether it is a key."""


class ManifestMember(NamedTuple):
    """A member of a mapping: its place, its key as kubectl reads it, its value's kind, and the value itself."""

    place: str
    key: str | None
    kind: Kind
    value: Any

    def __repr__(self) -> str:
        return f"Member(place={self.place!r}, key={self.key!r}, kind={self.kind!r})"


class NotOneManifest(ValueError):
    """The text is not a single manifest. The message is the reason, and never quotes the file."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.problem = Problem(place, None, reason)


def read_fields(text: str) -> list[ManifestMember]:
    """The fields of the only manifest in a text, JSON or YAML, as kubectl reads them.

    Raises:
        NotOneManifest: the text is neither JSON nor YAML, or does not hold exactly one manifest.
    """
    if text.lstrip().startswith("{"):
        found = _read_json(text)
        if found is not None:
            return found
    return _read_yaml(text)


def list_members(member: ManifestMember) -> list[ManifestMember]:
    """The members of a mapping; empty if the value is not a mapping."""
    if member.kind != "mapping":
        return []
    if isinstance(member.value, JsonMembers):
        return list(member.value.found)
    return list(_iter_members(member.value))


class JsonMembers(NamedTuple):
    """The members of a JSON object, including duplicates."""

    found: tuple[ManifestMember, ...]


def _read_json(text: str) -> list[ManifestMember] | None:
    """The fields from JSON; None if it is not JSON, because YAML may start with a brace too."""
    lines = _Lines(text)
    try:
        found = json.loads(
            text, object_pairs_hook=lambda pairs: JsonMembers(tuple(lines.member(*each) for each in pairs))
        )
    except (ValueError, RecursionError):
        return None
    return list(found.found) if isinstance(found, JsonMembers) else None


class _Lines:
    """Finds the lines of JSON members whose keys appear only once in the text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        line, at = 1, 0
        for found in _STRING.finditer(text):
            line, at = line + text.count("\n", at, found.start()), found.start()
            if found[2]:
                self._lines[found[1]] = 0 if found[1] in self._lines else line

    def member(self, key: str, value: object) -> ManifestMember:
        line = self._lines.get(json.dumps(key, ensure_ascii=False))
        return ManifestMember(_common.name_place(line) if line else "", key, _find_json_kind(value), value)


def _find_json_kind(value: object) -> Kind:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case JsonMembers():
            return "mapping"
        case str():
            return "text"
        case list():
            return "list"
    return "number"


def _read_yaml(text: str) -> list[ManifestMember]:
    import yaml

    try:
        documents = [each for each in yaml.compose_all(text, _make_loader()) if find_kind(each) != "null"]
        if len(documents) > 1:
            raise NotOneManifest(
                "several documents; import one Secret at a time, for example with kubectl get secret NAME -o json",
                _common.name_place(documents[1].start_mark.line + 1),
            )
        return list(_iter_members(documents[0])) if documents else []
    except yaml.MarkedYAMLError as error:
        problem = explain_fault(error, text)
        raise NotOneManifest(problem.reason, problem.place) from None
    except yaml.YAMLError:  # its message may quote the file
        raise NotOneManifest("not YAML") from None
    except RecursionError:
        raise NotOneManifest("nested too deeply") from None


def _iter_members(node: Any) -> Iterator[ManifestMember]:  # noqa: ANN401  # PyYAML's
    """Yields the node's own members, including duplicates, then merged members that it does not override."""
    if find_kind(node) != "mapping":
        return
    own = set()
    for key, value in node.value:
        if not _is_merge(key):
            own.add(read_key(key))
            yield _make_member(key, value)
    for key, value in node.value:
        if _is_merge(key):
            yield from _iter_merged(value, own)


def _iter_merged(node: Any, own: set[str | None]) -> Iterator[ManifestMember]:  # noqa: ANN401  # PyYAML's
    for each in node.value if find_kind(node) == "list" else (node,):
        for member in _iter_members(each):
            if member.key not in own:
                own.add(member.key)
                yield member


def _make_member(key: Any, value: Any) -> ManifestMember:  # noqa: ANN401  # PyYAML's
    kind = find_kind(value)
    held = value if kind in ("mapping", "list") else value.value
    return ManifestMember(_common.name_place(key.start_mark.line + 1), read_key(key), kind, held)


def _is_merge(key: Any) -> bool:  # noqa: ANN401  # PyYAML's
    return bool(key.tag == "?" and key.value == "<<")


@cache
def _make_loader() -> Any:  # noqa: ANN401  # a class of PyYAML's, made once it is needed
    import yaml

    class Loader(yaml.SafeLoader):
        """Tags every plain scalar `?`, to tell it from a scalar with an explicit tag."""

        yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's

    Loader.add_implicit_resolver("?", re.compile(""), None)  # None: any first letter
    return Loader


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
"""Bools and numbers whose spelling kubectl keeps when it makes them a key."""


def find_kind(node: yaml.Node) -> Kind:
    """The kind that kubectl gives a node."""
    import yaml

    if isinstance(node, yaml.SequenceNode):
        return "list"
    if not isinstance(node, yaml.ScalarNode):
        return "mapping"
    if node.tag in (f"{_TAG}int", f"{_TAG}float", f"{_TAG}bool", f"{_TAG}null"):
        return _find_tagged_kind(node)
    if node.tag == f"{_TAG}binary":
        return "binary"
    return _find_plain_kind(node.value) if node.style is None and node.tag == "?" else "text"


def read_key(node: yaml.Node) -> str | None:
    """The key as kubectl reads it; None if kubectl renames it (`NO` becomes `false`, `0644` becomes `420`)."""
    kind = find_kind(node)
    if kind == "text" or (kind in ("bool", "number") and _SAME_KEY.fullmatch(node.value)):
        return str(node.value)
    return None


def render_scalar(text: str) -> str:
    """Text without line breaks as a scalar that kubectl and every YAML 1.1 or 1.2 reader treats as text."""
    return text if _BARE.fullmatch(text) and _find_plain_kind(text) == "text" else json.dumps(text)


def _find_tagged_kind(node: yaml.Node) -> Kind:
    """The kind that an explicit tag names. It needs no check against the value, because all of these are refused."""
    return {"int": "number", "float": "number", "bool": "bool", "null": "null"}[node.tag.removeprefix(_TAG)]  # type: ignore[return-value]  # the four are kinds


def _find_plain_kind(text: str) -> Kind:
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
