"""The values of a YAML document's nodes: merges are applied as PyYAML does, aliases followed up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from configsvc.model import json_text, limits
from configsvc.model.json_text import JsonObject
from configsvc_client.cli.formats import _tree, _yaml_nodes
from configsvc_client.cli.formats._common import decode_base64
from configsvc_client.cli.formats._yaml_nodes import TAG, Document, DocumentRefused, refuse

MOST_NODES = 100_000
"""Limit for a document with aliases, each alias counted as all the nodes it expands to."""

_CHARACTERS = 32
"""How many characters of a string count as one node, because a long string can be repeated too."""

_TOO_MUCH = f"its aliases and merges (*name) expand to more than {MOST_NODES:,} values; write out the values you need"

_NO_KEY = {
    "null": "a key that YAML reads as null; put it in quotes",
    "bool": "a key that YAML reads as true or false; put it in quotes",
    "int": "a key that YAML reads as a number; put it in quotes",
    "float": "a key that YAML reads as a number; put it in quotes",
}
_NULLS = ("", "~", "null")
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_TAGS = (
    (f"{TAG}python/", "a tag for a Python object (!!python/…), which is never read"),
    (f"{TAG}timestamp", "a !!timestamp, which JSON does not have; put it in quotes, without the tag"),
    ("!vault", "encrypted by Ansible Vault; decrypt the file first"),
    ("!Ref", "a CloudFormation function (!Ref), which is not evaluated; write the value"),
    ("!Sub", "a CloudFormation function (!Sub), which is not evaluated; write the value"),
    ("!GetAtt", "a CloudFormation function (!GetAtt), which is not evaluated; write the value"),
    ("!reference", "a GitLab tag (!reference), which is not evaluated; write the value"),
    ("!include", "a tag that includes a file (!include), which is not followed; write the value"),
    ("!secret", "a Home Assistant tag (!secret), which is not followed; write the value"),
    ("", "a tag (!name) other than for a string, number, list or mapping; put strings that start with ! in quotes"),
)
"""By how tags start. A tag is text from the file, so only tags in this list are ever shown."""

Pair = tuple[Any, Any]


class _Measure(NamedTuple):
    nodes: int
    depth: int


class YamlTree:
    """The values of a document's nodes.

    Args:
        document: from `compose_document`.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._members: dict[int, dict[str, Pair]] = {}
        self._measures: dict[int, _Measure] = {}
        self._merged = 0

    def members(self, node: Any) -> dict[str, Pair]:  # noqa: ANN401  # PyYAML's
        """The keys of a mapping with their nodes: merged ones, then its own, which win wherever `<<` is.

        In a list of merges the first wins, as in PyYAML and https://yaml.org/type/merge.html.

        Raises:
            DocumentRefused: a tag, a key that is not a string or appears twice, or a merge that is not a mapping.
        """
        if id(node) not in self._members:
            own: dict[str, Pair] = {}
            merged: dict[str, Pair] = {}
            if node.tag != f"{TAG}map":
                raise _refuse_tag(node)
            for key, value in node.value:
                if key.tag == f"{TAG}merge":
                    self._merge(merged, key, value)
                    continue
                name = _read_name(key)
                if name in own:
                    raise self._twice(node, key, own[name][0])
                own[name] = (key, value)
            self._members[id(node)] = {**merged, **own}
        return self._members[id(node)]

    def measure(self, node: Any) -> _Measure:  # noqa: ANN401  # PyYAML's
        """How many nodes a node expands to, and how deep. Each is measured once, in the file's order.

        Raises:
            DocumentRefused: aliases expand to too much, the node is too deep, or as `members`.
        """
        if id(node) not in self._measures:
            self._measures[id(node)] = self._compute_measure(node)
        return self._measures[id(node)]

    def value(self, node: Any) -> JsonObject | bytes:  # noqa: ANN401  # PyYAML's
        """The value of a measured node; bytes only as a whole value.

        Raises:
            DocumentRefused: a tag is not supported, or does not fit its value.
        """
        return _read_bytes(node) if node.tag == f"{TAG}binary" and node.id == "scalar" else self._json(node)

    def _json(self, node: Any) -> JsonObject:  # noqa: ANN401  # PyYAML's
        if node.id == "scalar":
            return _read_scalar(node)
        if node.id == "sequence":
            if node.tag != f"{TAG}seq":
                raise _refuse_tag(node)
            return [self._json(each) for each in node.value]
        return {name: self._json(value) for name, (_, value) in self.members(node).items()}

    def _compute_measure(self, node: Any) -> _Measure:  # noqa: ANN401  # PyYAML's
        nodes, depth = 1, 0
        for mark, part in self._parts(node):
            measured = self.measure(part)
            nodes, depth = nodes + measured.nodes, max(depth, measured.depth)
            if self._document.aliased and nodes > MOST_NODES:
                raise refuse(mark, _TOO_MUCH)
        if depth >= limits.JSON_DEPTH + (node is self._document.root):
            raise refuse(node.start_mark, _tree.TOO_DEEP)
        return _Measure(nodes + (len(node.value) // _CHARACTERS if node.id == "scalar" else 0), depth + 1)

    def _parts(self, node: Any) -> Iterator[Pair]:  # noqa: ANN401  # PyYAML's
        """Yields the parts of a node, each with the mark to name if they are too many."""
        if node.id == "sequence":
            yield from ((node.start_mark, each) for each in node.value)
        elif node.id == "mapping":
            for _, value in node.value:  # before merges, so that each alias leads to a measured node
                self.measure(value)
            yield from ((key.start_mark, value) for key, value in self.members(node).values())

    def _merge(self, merged: dict[str, Pair], key: Any, value: Any) -> None:  # noqa: ANN401  # PyYAML's
        sources = value.value if value.id == "sequence" else [value]
        for source in reversed(sources):
            if source.id != "mapping":
                raise refuse(key.start_mark, "<< must be an alias of a mapping, or a list of them")
            members = self.members(source)
            self._merged += len(members)
            if self._merged > MOST_NODES:
                raise refuse(key.start_mark, _TOO_MUCH)
            merged.update(members)

    def _twice(self, node: Any, key: Any, first: Any) -> DocumentRefused:  # noqa: ANN401  # PyYAML's
        found = refuse(key.start_mark, f"appears twice; first on line {first.start_mark.line + 1}")
        if node is self._document.root:
            return DocumentRefused(found.problem._replace(key=key.value))
        return DocumentRefused(found.problem._replace(reason=f"a key {found.problem.reason}"))


def is_missing(node: Any) -> bool:  # noqa: ANN401  # PyYAML's
    """Whether a value is missing entirely."""
    return bool(node.id == "scalar" and node.tag == f"{TAG}null" and not node.value)


def _read_name(key: Any) -> str:  # noqa: ANN401  # PyYAML's
    if key.id == "mapping":
        raise refuse(key.start_mark, "a key that is a mapping; render templates ({{ … }}) first, or put them in quotes")
    if key.id != "scalar":
        raise refuse(key.start_mark, "a key that is a list; a key must be a string")
    if key.tag != f"{TAG}str":
        raise refuse(
            key.start_mark,
            _NO_KEY.get(key.tag.removeprefix(TAG), "a key with a tag; a key must be a string"),
        )
    return str(key.value)


def _read_scalar(node: Any) -> JsonObject:  # noqa: ANN401  # PyYAML's
    kind, text = node.tag.removeprefix(TAG), str(node.value)
    match kind:
        case "str" | "merge":  # << as a value is a string
            return text
        case "null" if text.lower() in _NULLS:
            return None
        case "bool" if text.lower() in _TRUTHS:
            return _TRUTHS[text.lower()]
        case "int" if _yaml_nodes.is_number(text) and text.lstrip("-").isdigit():
            return json_text.JsonNumber(text)
        case "float" if _yaml_nodes.is_number(text):
            return json_text.JsonNumber(f"{text}.0" if text.lstrip("-").isdigit() else text)
        case "null" | "bool" | "int" | "float":
            raise refuse(node.start_mark, f"the value does not fit its tag !!{kind}; spell it as in JSON")
        case "binary":
            raise refuse(node.start_mark, "bytes (!!binary) inside a list or mapping, which JSON cannot hold")
    raise _refuse_tag(node)


def _read_bytes(node: Any) -> bytes:  # noqa: ANN401  # PyYAML's
    with suppress(ValueError):
        return decode_base64(node.value)
    raise refuse(node.start_mark, "the value does not fit its tag !!binary; it is not base64")


def _refuse_tag(node: Any) -> DocumentRefused:  # noqa: ANN401  # PyYAML's
    return refuse(node.start_mark, next(reason for start, reason in _TAGS if node.tag.startswith(start)))
