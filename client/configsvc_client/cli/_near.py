"""Did you mean: the keys and namespaces that are spelt like one that does not exist. Never a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

import click

from configsvc.model.errors import ConfigsvcError, InvalidName, NotFound
from configsvc_client._alike import MOST, nearest, question

if TYPE_CHECKING:
    from configsvc_client.admin import Admin

_LISTED = 5000
_ALSO_DELETED = frozenset({"activate", "destroy", "history"})
"""Commands on keys that need not be served."""

_WHERE = "configsvc.namespaces"
_TYPED = "configsvc.namespaces_typed"


def remember(namespaces: Iterable[str], *, typed: bool = False) -> None:
    """Keep which namespaces the command works on, as they were written, and whether options or settings did so."""
    click.get_current_context().meta.update({_WHERE: [*namespaces], _TYPED: typed})


def option(namespace: object = None) -> str:
    """What a command in an advice needs to work on the same namespaces, such as ` -n payments.prod`; often nothing.

    Args:
        namespace: the one of them that it is about, if one is known.
    """
    context = click.get_current_context(silent=True)
    meta = context.meta if context else {}
    found = [namespace] if isinstance(namespace, str) else meta.get(_WHERE, []) if meta.get(_TYPED) else []
    return "".join(f" -n {each}" for each in found)


def note(error: ConfigsvcError, command: str | None) -> None:
    """Add to an error about a key or namespace that does not exist, as a note, the names that are like it.

    They are listed now, after the failure, with the caller's own API key. What it may not list is not suggested.

    Args:
        error: what ends the command; nothing is added to one about something else.
        command: its name.
    """
    if not isinstance(error, NotFound | InvalidName):
        return
    from configsvc_client.cli import _settings

    with suppress(ConfigsvcError, click.UsageError, OSError):
        asked = list(dict.fromkeys(_asked(error)))
        near = _near(_settings.admin(), asked, error, command) if asked else []
        if near:
            error.add_note(question(near))


def _asked(error: ConfigsvcError) -> Iterator[str]:
    """The names that do not exist: keys, else namespaces."""
    members = error.members
    if isinstance(error, InvalidName):
        if members.get("field") == "namespace":
            yield from click.get_current_context().meta.get(_WHERE, ())
    elif isinstance(members.get("key"), str):
        yield str(members["key"])
    elif isinstance(members.get("keys"), list):
        yield from map(str, members["keys"])  # type: ignore[arg-type]  # a list, by the line before
    elif isinstance(members.get("namespace"), str):
        yield str(members["namespace"])


def _near(admin: Admin, asked: list[str], error: ConfigsvcError, command: str | None) -> list[str]:
    if error.members.keys() & {"key", "keys"}:
        known = list(_keys(admin, error, served=command not in _ALSO_DELETED))
    else:
        known = [str(each.namespace) for each in islice(admin.namespaces.list(), _LISTED)]
    found = (name for each in asked if each not in known for name in nearest(each, known))
    return list(dict.fromkeys(found))[:MOST]


def _keys(admin: Admin, error: ConfigsvcError, *, served: bool) -> Iterator[str]:
    """The keys of the namespaces that were looked in; deleted ones too, where `served` is false."""
    context = click.get_current_context()
    named = error.members.get("namespaces") or context.meta.get(_WHERE, ())
    for namespace in named if isinstance(named, list) else ():
        for each in islice(admin.values.list_keys(str(namespace)), _LISTED):
            if each.active is not None or not served:
                yield each.key
