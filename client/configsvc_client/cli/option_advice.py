"""Advice that fits the running command: its own options and namespaces, or the command that has another option.

Errors come from the service, from the library and from what commands share, and name options without knowing who asked.
An option that the running command lacks is named with a command that has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import click

_RUNNING = "configsvc.command"
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
_NAMED = re.compile(r"\bconfigsvc ((?:[a-z][a-z-]* )?[a-z][a-z-]*)")
_SENTENCE = re.compile(r"[.;!?]\s+")
_FIRST = ("put", "import", "export", "exec")
"""Commands that are preferred where several have an option."""


def note_command(context: click.Context, command: click.Command) -> None:
    """Notes which command is running; the innermost one wins."""
    context.meta[_RUNNING] = command


def fit_here(text: str) -> str:
    """Fits a text to the running command; unchanged if none is running."""
    context = click.get_current_context(silent=True)
    command: click.Command | None = context.meta.get(_RUNNING) if context else None
    return fit_options(text, command, context.find_root()) if context and command else text


def fit_options(text: str, command: click.Command, root: click.Context) -> str:
    """Puts the name of a command before each option that this one lacks.

    An option that the text already names with a command, or of another program, stays as it is.

    Args:
        text: one or more sentences.
        command: the running command.
        root: the context of the group of all commands.
    """
    own = list_options(command)
    if all(each in own for each in _OPTION.findall(text)):
        return text
    having: dict[str, list[str]] = {}
    for path, each in list_commands(root.command, root):
        for option in list_options(each):
            having.setdefault(option, []).append(path)

    def fit_option(found: re.Match[str]) -> str:
        option = found.group()
        paths = having.get(option, [])
        if option in own or not paths or _find_named_command(text[: found.start()]) in paths:
            return option
        return f"configsvc {next((each for each in _FIRST if each in paths), paths[0])} {option}"

    return _OPTION.sub(fit_option, text)


def _find_named_command(before: str) -> str:
    """Finds the command that the sentence names before an option; empty if none."""
    found = _NAMED.findall(_SENTENCE.split(before)[-1])
    return _find_path(found[-1]) if found else ""


def _find_path(words: str) -> str:
    """Returns the command's path: two words are a command in a group, or a command and its argument."""
    first, _, second = words.partition(" ")
    return words if second and first in {"data-key", "namespace", "policy", "snapshot"} else first


def list_options(command: click.Command) -> set[str]:
    """Lists the options of a command, as they are typed."""
    return {
        name for each in command.params if isinstance(each, click.Option) for name in (*each.opts, *each.secondary_opts)
    }


def list_commands(root: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Lists every command with its path, like `namespace create`, without groups."""
    if not isinstance(root, click.Group):
        return
    for name in root.list_commands(context):
        found = root.get_command(context, name)
        if isinstance(found, click.Group):
            yield from ((f"{name} {path}", each) for path, each in list_commands(found, context))
        elif found is not None:
            yield name, found


_WHERE = "configsvc.namespaces"
_TYPED = "configsvc.namespaces_typed"


def remember(namespaces: Iterable[str], *, typed: bool = False) -> None:
    """Notes the namespaces the command works on, as written, and whether they were typed or come from settings."""
    click.get_current_context().meta.update({_WHERE: [*namespaces], _TYPED: typed})


def get_namespace_options(namespace: object = None) -> str:
    """Returns the options for a suggested command on the same namespaces, such as ` -n payments.prod`; often none.

    Args:
        namespace: the one that the advice is about, if known.
    """
    context = click.get_current_context(silent=True)
    meta = context.meta if context else {}
    found = [namespace] if isinstance(namespace, str) else meta.get(_WHERE, []) if meta.get(_TYPED) else []
    return "".join(f" -n {each}" for each in found)


def get_namespaces() -> Sequence[str]:
    """Returns the namespaces the command works on, as written; empty before they are known."""
    found: Sequence[str] = click.get_current_context().meta.get(_WHERE, ())
    return found
