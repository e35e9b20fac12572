"""Usage errors of click in words that say what to type instead."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from configsvc_client import _alike
from configsvc_client.cli._count import joined

_EXTRA = "Got unexpected extra argument"
_NAMESPACE = "-n"
_HAVING = 4
_WORDS = {
    "is not a valid integer range.": "is not a whole number.",
    "is not a valid float range.": "is not a number.",
}
_CHOSEN = re.compile(r"'([^']*)' is not one of ")


def explained(error: click.ClickException, context: click.Context | None) -> str:
    """What was typed wrongly."""
    if isinstance(error, click.NoSuchOption):
        return f"No such option {error.option_name}. {_option(error, context)}".strip()
    said = " ".join(error.format_message().split())
    if said.startswith(_EXTRA):
        return _too_many(context)
    for words, ours in _WORDS.items():
        said = said.replace(words, ours)
    return f"{said} {_choice(error)}".rstrip()


def _choice(error: click.ClickException) -> str:
    """Of a value that is none of several: those that are spelt like it."""
    kind = error.param.type if isinstance(error, click.BadParameter) and error.param else None
    found = _CHOSEN.search(error.format_message())
    if not isinstance(kind, click.Choice) or not found:
        return ""
    return _alike.question(_alike.nearest(found.group(1), map(str, kind.choices)))


def _too_many(context: click.Context | None) -> str:
    """An argument that was not expected is not repeated: it may be a secret."""
    if context is None:
        return "More arguments than the command takes."
    usage = " ".join((context.command_path, *context.command.collect_usage_pieces(context)))
    named = f" The namespace is an option: {_NAMESPACE} NAMESPACE." if _NAMESPACE in options(context.command) else ""
    return f"More arguments than the command takes: {usage}.{named}"


def _option(error: click.NoSuchOption, context: click.Context | None) -> str:
    """The options that may have been meant, or the commands that have one of that name."""
    having = list(_having(error.option_name, context)) if context else []
    if context and isinstance(context.command, click.Group) and having:
        command = having[0] if len(having) == 1 else "COMMAND"
        return f"It goes after the command: {context.command_path} {command} {error.option_name}"
    named = {each.removeprefix("--"): each for each in error.possibilities or () if each.startswith("--")}
    near = _alike.nearest(error.option_name.removeprefix("--"), named)
    if near:
        return _alike.question(named[each] for each in near)
    if 0 < len(having) <= _HAVING:
        return f"{joined([f'configsvc {each}' for each in having])} {'has' if len(having) == 1 else 'have'} it."
    return ""


def options(command: click.Command) -> set[str]:
    """The options of a command, as they are typed."""
    return {
        name for each in command.params if isinstance(each, click.Option) for name in (*each.opts, *each.secondary_opts)
    }


def _having(option: str, context: click.Context) -> Iterator[str]:
    for path, command in commands(context.find_root().command, context):
        if option in options(command):
            yield path


def commands(root: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Every command with its path, like `namespace create`, groups left out."""
    if not isinstance(root, click.Group):
        return
    for name in root.list_commands(context):
        found = root.get_command(context, name)
        if isinstance(found, click.Group):
            yield from ((f"{name} {path}", each) for path, each in commands(found, context))
        elif found is not None:
            yield name, found
