"""Parsed TOML in one canonical form: the same for every order of tables and members, another for every other type."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from configsvc.model.errors import Misconfigured

_SPELLINGS: Mapping[type, Callable[[Any], str]] = {
    str: str,
    bool: str,
    int: hex,  # str() of a huge one takes long, or fails
    float: repr,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
}
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_LONG = 120
"""Characters of a list on one line. In a longer one nobody sees what was added to it."""


def canonical(members: Mapping[str, Any]) -> str:
    """The members as JSON in which each value has its type beside it, and the members of tables are sorted.

    Raises:
        Misconfigured: tables or lists are nested too deeply.
    """
    try:
        return json.dumps(_typed(members), sort_keys=True, separators=(",", ":"))
    except RecursionError:
        raise Misconfigured("The project file nests tables or lists too deeply.") from None


def digest(text: str) -> str:
    """The SHA-256 of a canonical form, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def lines(text: str) -> list[str]:
    """A canonical form for people: a line for each member, everything but ASCII as escapes.

    A long list has a line for each element. The lists of a policy say what is allowed, in any order; elsewhere order
    counts, so elements have their number.
    """
    return sorted(_lines(json.loads(text), ""))


def parsed(text: str) -> dict[str, Any]:
    """The tables, lists and texts of a canonical form; everything else as it is spelt there."""
    found: dict[str, Any] = _plain(json.loads(text))
    return found


def _plain(typed: list[Any]) -> Any:  # noqa: ANN401  # TOML's
    kind, held = typed
    match kind:
        case "table":
            return {name: _plain(each) for name, each in held.items()}
        case "list":
            return [_plain(each) for each in held]
    return held


def _typed(found: object) -> list[Any]:
    if isinstance(found, dict):
        return ["table", {name: _typed(held) for name, held in found.items()}]
    if isinstance(found, list):
        return ["list", [_typed(each) for each in found]]
    kind = type(found)  # a truth is an int for Python, and a time of day is none
    if kind not in _SPELLINGS:
        raise Misconfigured(f"The project file holds a {kind.__name__}.")  # TOML has no more types
    return [kind.__name__, _SPELLINGS[kind](found)]


def _lines(typed: list[Any], name: str) -> Iterator[str]:
    kind, held = typed
    if kind != "table":
        yield from _members(typed, name)
        return
    if not held:
        yield f"[{name}]"
    for member, each in held.items():
        spelt = member if _BARE.fullmatch(member) else json.dumps(member)
        yield from _lines(each, f"{name}.{spelt}" if name else spelt)


def _members(typed: list[Any], name: str) -> Iterator[str]:
    whole = f"{name} = {_shown(typed)}"
    if typed[0] != "list" or len(whole) <= _LONG:
        yield whole
        return
    for number, each in enumerate(typed[1]):
        yield f"{name}{' has' if name.startswith('policy.') else f'[{number}] ='} {_shown(each)}"


def _shown(typed: list[Any]) -> str:
    kind, held = typed
    match kind:
        case "str":
            return json.dumps(held)
        case "list":
            return f"[{', '.join(map(_shown, held))}]"
        case "table":
            return f"{{{', '.join(f'{json.dumps(name)} = {_shown(each)}' for name, each in held.items())}}}"
    return f"{held} ({kind})"
