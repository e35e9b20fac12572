"""Usage errors, with suggestions: similar commands, options, keys and namespaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

import click

from configsvc.model.errors import ConfigsvcError, InvalidName, NotFound
from configsvc_client import _wording
from configsvc_client._wording import MAX_SUGGESTIONS, find_similar, suggest
from configsvc_client.cli import option_advice
from configsvc_client.cli.output.words import join

if TYPE_CHECKING:
    from configsvc_client.admin import Admin


_EXTRA = "Got unexpected extra argument"
_NAMESPACE = "-n"
_HAVING = 4
_WORDS = {
    "is not a valid integer range.": "is not a whole number.",
    "is not a valid float range.": "is not a number.",
}
_CHOSEN = re.compile(r"'([^']*)' is not one of ")


def explain(error: click.ClickException, context: click.Context | None) -> str:
    """Explains a usage error."""
    if isinstance(error, click.NoSuchOption):
        return f"No such option {error.option_name}. {_suggest_option(error, context)}".strip()
    message = " ".join(error.format_message().split())
    if message.startswith(_EXTRA):
        return _explain_too_many(context)
    for words, ours in _WORDS.items():
        message = message.replace(words, ours)
    return f"{message} {_suggest_choice(error)}".rstrip()


def _suggest_choice(error: click.ClickException) -> str:
    """Suggests similar choices for a value that is not one of them."""
    kind = error.param.type if isinstance(error, click.BadParameter) and error.param else None
    found = _CHOSEN.search(error.format_message())
    if not isinstance(kind, click.Choice) or not found:
        return ""
    return _wording.suggest(_wording.find_similar(found.group(1), map(str, kind.choices)))


def _explain_too_many(context: click.Context | None) -> str:
    """Explains extra arguments without repeating them: one may be a secret."""
    if context is None:
        return "Too many arguments."
    usage = " ".join((context.command_path, *context.command.collect_usage_pieces(context)))
    named = (
        f" The namespace is an option: {_NAMESPACE} NAMESPACE."
        if _NAMESPACE in option_advice.list_options(context.command)
        else ""
    )
    return f"Too many arguments. Usage: {usage}.{named}"


def _suggest_option(error: click.NoSuchOption, context: click.Context | None) -> str:
    """Suggests similar options, or the commands that have this one."""
    having = list(_list_commands_with(error.option_name, context)) if context else []
    if context and isinstance(context.command, click.Group) and having:
        command = having[0] if len(having) == 1 else "COMMAND"
        return f"It goes after the command: {context.command_path} {command} {error.option_name}"
    named = {each.removeprefix("--"): each for each in error.possibilities or () if each.startswith("--")}
    near = _wording.find_similar(error.option_name.removeprefix("--"), named)
    if near:
        return _wording.suggest(named[each] for each in near)
    if 0 < len(having) <= _HAVING:
        return f"{join([f'configsvc {each}' for each in having])} {'has' if len(having) == 1 else 'have'} it."
    return ""


def _list_commands_with(option: str, context: click.Context) -> Iterator[str]:
    for path, command in option_advice.list_commands(context.find_root().command, context):
        if option in option_advice.list_options(command):
            yield path


_LISTED = 5000
_ALSO_DELETED = frozenset({"activate", "destroy", "history"})
"""Commands that also work on keys that are not served."""


def note_near_names(error: ConfigsvcError, command: str | None) -> None:
    """Adds similar names, as a note, to an error about an unknown key or namespace.

    They are listed only now, after the failure, with the caller's own API key. What it may not list is not suggested.

    Args:
        error: the error that ends the command; unchanged if it is about something else.
        command: the name of the command.
    """
    if not isinstance(error, NotFound | InvalidName):
        return
    from configsvc_client.cli.settings import composition

    with suppress(ConfigsvcError, click.UsageError, OSError):
        asked = list(dict.fromkeys(_find_unknown(error)))
        near = _find_near(composition.open_admin(), asked, error, command) if asked else []
        if near:
            error.add_note(suggest(near))


def _find_unknown(error: ConfigsvcError) -> Iterator[str]:
    """Yields the unknown names: keys, else namespaces."""
    members = error.members
    if isinstance(error, InvalidName):
        if members.get("field") == "namespace":
            yield from option_advice.get_namespaces()
    elif isinstance(members.get("key"), str):
        yield str(members["key"])
    elif isinstance(members.get("keys"), list):
        yield from map(str, members["keys"])  # type: ignore[arg-type]  # a list, by the line before
    elif isinstance(members.get("namespace"), str):
        yield str(members["namespace"])


def _find_near(admin: Admin, asked: list[str], error: ConfigsvcError, command: str | None) -> list[str]:
    if error.members.keys() & {"key", "keys"}:
        known = list(_list_keys(admin, error, served=command not in _ALSO_DELETED))
    else:
        known = [str(each.namespace) for each in islice(admin.namespaces.list(), _LISTED)]
    found = (name for each in asked if each not in known for name in find_similar(each, known))
    return list(dict.fromkeys(found))[:MAX_SUGGESTIONS]


def _list_keys(admin: Admin, error: ConfigsvcError, *, served: bool) -> Iterator[str]:
    """Lists the keys of the searched namespaces; without `served`, deleted ones too."""
    named = error.members.get("namespaces") or option_advice.get_namespaces()
    for namespace in named if isinstance(named, list) else ():
        for each in islice(admin.values.list_keys(str(namespace)), _LISTED):
            if each.active is not None or not served:
                yield each.key
