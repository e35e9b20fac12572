"""A manifest of Kubernetes as nodes of YAML, with their lines: which of its fields are what, without typing values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from configsvc_client.cli.formats import _place
from configsvc_client.cli.formats._k8s_typing import Kind, key_of, kind_of
from configsvc_client.cli.formats._row import Problem
from configsvc_client.cli.formats._yaml_nodes import fault

_STRING = re.compile(r'("(?:[^"\\]|\\.)*+")(\s*:)?', re.DOTALL)
"""A string of JSON, and whether it is a key."""


class Member(NamedTuple):
    """A member of a mapping: where it is, its key as kubectl takes it, what its value is, and the value itself."""

    place: str
    key: str | None
    kind: Kind
    value: Any

    def __repr__(self) -> str:
        return f"Member(place={self.place!r}, key={self.key!r}, kind={self.kind!r})"


class NotOne(ValueError):
    """The text is no single manifest. Its text is the reason, and never quotes the file."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.problem = Problem(place, None, reason)


def members(text: str) -> list[Member]:
    """The fields of the only manifest in a text, JSON or YAML, as kubectl tells them apart.

    Raises:
        NotOne: it is neither, or holds several manifests or none.
    """
    if text.lstrip().startswith("{"):
        found = _from_json(text)
        if found is not None:
            return found
    return _from_yaml(text)


def inside(member: Member) -> list[Member]:
    """The members of a mapping; none where the value is no mapping."""
    if member.kind != "mapping":
        return []
    if isinstance(member.value, Members):
        return list(member.value.found)
    return list(_members(member.value))


class Members(NamedTuple):
    """The members of a JSON object, duplicates too."""

    found: tuple[Member, ...]


def _from_json(text: str) -> list[Member] | None:
    """None for what is no JSON: YAML may begin with a brace too."""
    lines = _Lines(text)
    try:
        found = json.loads(text, object_pairs_hook=lambda pairs: Members(tuple(lines.member(*each) for each in pairs)))
    except (ValueError, RecursionError):
        return None
    return list(found.found) if isinstance(found, Members) else None


class _Lines:
    """Finds the lines of JSON members by their keys, where each key is in the text once."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        line, at = 1, 0
        for found in _STRING.finditer(text):
            line, at = line + text.count("\n", at, found.start()), found.start()
            if found[2]:
                self._lines[found[1]] = 0 if found[1] in self._lines else line

    def member(self, key: str, value: object) -> Member:
        line = self._lines.get(json.dumps(key, ensure_ascii=False))
        return Member(_place.at(line) if line else "", key, _kind(value), value)


def _kind(value: object) -> Kind:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case Members():
            return "mapping"
        case str():
            return "text"
        case list():
            return "list"
    return "number"


def _from_yaml(text: str) -> list[Member]:
    import yaml

    try:
        documents = [each for each in yaml.compose_all(text, _loader()) if kind_of(each) != "null"]
        if len(documents) > 1:
            raise NotOne(
                "several documents; import one Secret at a time, such as by kubectl get secret NAME -o json",
                _place.at(documents[1].start_mark.line + 1),
            )
        return list(_members(documents[0])) if documents else []
    except yaml.MarkedYAMLError as error:
        problem = fault(error, text)
        raise NotOne(problem.reason, problem.place) from None
    except yaml.YAMLError:  # its text may quote the file
        raise NotOne("not YAML") from None
    except RecursionError:
        raise NotOne("nested too deeply") from None


def _members(node: Any) -> Iterator[Member]:  # noqa: ANN401  # PyYAML's
    """The node's own members, duplicates too, then those of its merge keys that it does not replace."""
    if kind_of(node) != "mapping":
        return
    own = set()
    for key, value in node.value:
        if not _is_merge(key):
            own.add(key_of(key))
            yield _member(key, value)
    for key, value in node.value:
        if _is_merge(key):
            yield from _merged(value, own)


def _merged(node: Any, own: set[str | None]) -> Iterator[Member]:  # noqa: ANN401  # PyYAML's
    for each in node.value if kind_of(node) == "list" else (node,):
        for member in _members(each):
            if member.key not in own:
                own.add(member.key)
                yield member


def _member(key: Any, value: Any) -> Member:  # noqa: ANN401  # PyYAML's
    kind = kind_of(value)
    held = value if kind in ("mapping", "list") else value.value
    return Member(_place.at(key.start_mark.line + 1), key_of(key), kind, held)


def _is_merge(key: Any) -> bool:  # noqa: ANN401  # PyYAML's
    return bool(key.tag == "?" and key.value == "<<")


@cache
def _loader() -> Any:  # noqa: ANN401  # a class of PyYAML's, made once it is needed
    import yaml

    class Loader(yaml.SafeLoader):
        """Tags every plain scalar `?`, so that one with a tag of its own can be told from it."""

        yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # as PyYAML has it

    Loader.add_implicit_resolver("?", re.compile(""), None)  # None: for any first letter
    return Loader
