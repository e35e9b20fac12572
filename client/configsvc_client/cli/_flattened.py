"""Nested mappings as keys of their own: `db: {url: x}` becomes `db.url`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from configsvc.model import json_text
from configsvc.model.content_types import KINDS
from configsvc_client.cli.formats import Problem, Row
from configsvc_client.cli.formats._tree import BASE64, JSON, row


def flattened(rows: Iterable[Row]) -> tuple[list[Row], dict[str, str], list[Problem]]:
    """A row for each member at any depth, and its path in the file by key; lists and empty mappings stay JSON.

    A key that comes from two places, such as `db.url` and `db: {url}`, is a problem.
    """
    found: dict[str, tuple[str, Row]] = {}
    problems: list[Problem] = []
    for whole in rows:
        for path, each in _leaves(whole):
            if isinstance(each, Problem):
                problems.append(each)
            elif each.key in found:
                problems.append(Problem(each.place, each.key, f"comes from both {found[each.key][0]} and {path}"))
            else:
                found[each.key] = (path, each)
    return [each for _, each in found.values()], {key: path for key, (path, _) in found.items()}, problems


def _leaves(whole: Row) -> Iterator[tuple[str, Row | Problem]]:
    """The rows of a row, each with its path for a person."""
    found = json_text.parse(whole.data) if KINDS[whole.content_type].is_json else None
    if not _is_nested(found):
        yield whole.key, whole
        return
    yield from _members(whole.place, whole.key, whole.key, found)


def _members(place: str, key: str, path: str, found: object) -> Iterator[tuple[str, Row | Problem]]:
    if not isinstance(found, dict) or not _is_nested(found):
        yield path, row(place, key, found)
        return
    for name, each in found.items():
        yield from _members(place, f"{key}.{name}", f"{path}: {name}", each)


def _is_nested(found: object) -> bool:
    """A mapping with members, but not one that says the type of its only value."""
    return isinstance(found, dict) and bool(found) and set(found) not in ({BASE64}, {JSON})
