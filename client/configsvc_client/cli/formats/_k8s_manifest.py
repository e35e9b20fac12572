"""A manifest of Kubernetes as nodes of YAML, with their lines: which of its fields are what, without typing values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from configsvc_client.cli.formats._k8s_typing import Kind, key_of, kind_of
from configsvc_client.cli.formats._row import Problem

_SEVERAL = "a second document; import one Secret at a time, such as from kubectl get secret NAME -o json"


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

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.problem = Problem(f"line {line}" if line else "", None, reason)


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
    """Finds the lines of JSON members by their keys, where each is spelled once."""

    def __init__(self, text: str) -> None:
        self._text = text

    def member(self, key: str, value: object) -> Member:
        spelled = re.compile(rf"{re.escape(json.dumps(key, ensure_ascii=False))}\s*:")
        places = [each.start() for each in spelled.finditer(self._text)]
        place = f"line {self._text.count(chr(10), 0, places[0]) + 1}" if len(places) == 1 else ""
        return Member(place, key, _kind(value), value)


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
                documents[1].start_mark.line + 1,
            )
        return list(_members(documents[0])) if documents else []
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)  # its text may quote the file
        raise NotOne("not YAML", mark.line + 1 if mark else None) from None
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
    return Member(f"line {key.start_mark.line + 1}", key_of(key), kind, held)


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
