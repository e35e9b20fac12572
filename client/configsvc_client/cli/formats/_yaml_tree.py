"""What the nodes of a YAML document stand for: merges applied as PyYAML does, aliases followed within a bound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from configsvc.model import json_text, limits
from configsvc.model.json_text import JsonObject
from configsvc_client.cli.formats import _tree, _yaml_nodes
from configsvc_client.cli.formats._common import from_base64
from configsvc_client.cli.formats._yaml_nodes import TAG, Document, DocumentRefused, refuse

MOST_NODES = 100_000
"""That a document with aliases may have, each alias counted for all that it stands for."""

_CHARACTERS = 32
"""Of a text that count as one node: a long text can be repeated too."""

_TOO_MUCH = f"its aliases and merges (*name) stand for more than {MOST_NODES:,} values in all; write out what is needed"

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
    (f"{TAG}timestamp", "a !!timestamp, which JSON does not have; use a text in quotes"),
    ("!vault", "encrypted by Ansible Vault; decrypt the file first"),
    ("!Ref", "a function of CloudFormation (!Ref), which is not evaluated; write the value"),
    ("!Sub", "a function of CloudFormation (!Sub), which is not evaluated; write the value"),
    ("!GetAtt", "a function of CloudFormation (!GetAtt), which is not evaluated; write the value"),
    ("!reference", "a tag of GitLab (!reference), which is not evaluated; write the value"),
    ("!include", "a tag that includes a file (!include), which is not followed; write the value"),
    ("!secret", "a tag of Home Assistant (!secret), which is not followed; write the value"),
    ("", "a tag (!name) that stands for more than text, a number, a list or a mapping; put texts with ! in quotes"),
)
"""By how they begin. A tag is text of the file, so only those of this list are ever named."""

Pair = tuple[Any, Any]


class _Measure(NamedTuple):
    nodes: int
    depth: int


class YamlTree:
    """The meaning of a document's nodes.

    Args:
        document: as `composed` returns it.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._members: dict[int, dict[str, Pair]] = {}
        self._measures: dict[int, _Measure] = {}
        self._merged = 0

    def members(self, node: Any) -> dict[str, Pair]:  # noqa: ANN401  # PyYAML's
        """The keys of a mapping with their nodes: what it merges, then its own, which win wherever `<<` is.

        Of a list of merges the first wins, as in PyYAML and https://yaml.org/type/merge.html.

        Raises:
            Refused: a tag, a key that is not a text or appears twice, or a merge that is not a mapping.
        """
        if id(node) not in self._members:
            own: dict[str, Pair] = {}
            merged: dict[str, Pair] = {}
            if node.tag != f"{TAG}map":
                raise _tagged(node)
            for key, value in node.value:
                if key.tag == f"{TAG}merge":
                    self._merge(merged, key, value)
                    continue
                name = _name(key)
                if name in own:
                    raise self._twice(node, key, own[name][0])
                own[name] = (key, value)
            self._members[id(node)] = {**merged, **own}
        return self._members[id(node)]

    def measure(self, node: Any) -> _Measure:  # noqa: ANN401  # PyYAML's
        """How many nodes a node is when it is written out, and how deep. Each is looked at once, in the file's order.

        Raises:
            Refused: aliases stand for too much, it is too deep, or as `members`.
        """
        if id(node) not in self._measures:
            self._measures[id(node)] = self._measured(node)
        return self._measures[id(node)]

    def value(self, node: Any) -> JsonObject | bytes:  # noqa: ANN401  # PyYAML's
        """What a measured node stands for; bytes only as a whole value.

        Raises:
            Refused: a tag, or something that is not what its tag says.
        """
        return _bytes(node) if node.tag == f"{TAG}binary" and node.id == "scalar" else self._json(node)

    def _json(self, node: Any) -> JsonObject:  # noqa: ANN401  # PyYAML's
        if node.id == "scalar":
            return _scalar(node)
        if node.id == "sequence":
            if node.tag != f"{TAG}seq":
                raise _tagged(node)
            return [self._json(each) for each in node.value]
        return {name: self._json(value) for name, (_, value) in self.members(node).items()}

    def _measured(self, node: Any) -> _Measure:  # noqa: ANN401  # PyYAML's
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
        """What a node holds, each with the mark to name where there is too much of it."""
        if node.id == "sequence":
            yield from ((node.start_mark, each) for each in node.value)
        elif node.id == "mapping":
            for _, value in node.value:  # before what merges of them, so that each alias meets what is measured
                self.measure(value)
            yield from ((key.start_mark, value) for key, value in self.members(node).values())

    def _merge(self, merged: dict[str, Pair], key: Any, value: Any) -> None:  # noqa: ANN401  # PyYAML's
        sources = value.value if value.id == "sequence" else [value]
        for source in reversed(sources):
            if source.id != "mapping":
                raise refuse(key.start_mark, "<< takes an alias of a mapping, or a list of them")
            members = self.members(source)
            self._merged += len(members)
            if self._merged > MOST_NODES:
                raise refuse(key.start_mark, _TOO_MUCH)
            merged.update(members)

    def _twice(self, node: Any, key: Any, first: Any) -> DocumentRefused:  # noqa: ANN401  # PyYAML's
        found = refuse(key.start_mark, f"appears twice; the first time on line {first.start_mark.line + 1}")
        if node is self._document.root:
            return DocumentRefused(found.problem._replace(key=key.value))
        return DocumentRefused(found.problem._replace(reason=f"a key {found.problem.reason}"))


def is_missing(node: Any) -> bool:  # noqa: ANN401  # PyYAML's
    """Whether nothing at all is written for a value."""
    return bool(node.id == "scalar" and node.tag == f"{TAG}null" and not node.value)


def _name(key: Any) -> str:  # noqa: ANN401  # PyYAML's
    if key.id == "mapping":
        raise refuse(key.start_mark, "a key that is a mapping; render templates ({{ … }}) first, or put them in quotes")
    if key.id != "scalar":
        raise refuse(key.start_mark, "a key that is a list; a key is a text")
    if key.tag != f"{TAG}str":
        raise refuse(key.start_mark, _NO_KEY.get(key.tag.removeprefix(TAG), "a key with a tag; a key is a text"))
    return str(key.value)


def _scalar(node: Any) -> JsonObject:  # noqa: ANN401  # PyYAML's
    kind, text = node.tag.removeprefix(TAG), str(node.value)
    match kind:
        case "str" | "merge":  # a value << is a text
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
            raise refuse(node.start_mark, f"not what its tag !!{kind} says, spelled as JSON spells it")
        case "binary":
            raise refuse(node.start_mark, "bytes (!!binary) inside a list or mapping, which JSON cannot hold")
    raise _tagged(node)


def _bytes(node: Any) -> bytes:  # noqa: ANN401  # PyYAML's
    with suppress(ValueError):
        return from_base64(node.value)
    raise refuse(node.start_mark, "not base64, as its tag !!binary says")


def _tagged(node: Any) -> DocumentRefused:  # noqa: ANN401  # PyYAML's
    return refuse(node.start_mark, next(said for start, said in _TAGS if node.tag.startswith(start)))
