"""Advice fits the command that is running: an option that it does not have is named with a command that has it.

Errors come from the service, from the library and from what commands share, and name options without knowing who asked.
"""

from __future__ import annotations

import re

import click

_RUNNING = "configsvc.command"
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
_NAMED = re.compile(r"\bconfigsvc ((?:[a-z][a-z-]* )?[a-z][a-z-]*)")
_SENTENCE = re.compile(r"[.;!?]\s+")
_FIRST = ("put", "import", "export", "exec")
"""Where an option is looked for first."""


def note_command(context: click.Context, command: click.Command) -> None:
    """Note which command is running; of a command below a group, the last one counts."""
    context.meta[_RUNNING] = command


def fit_here(text: str) -> str:
    """The text for the command that is running; as it is where none is."""
    context = click.get_current_context(silent=True)
    command: click.Command | None = context.meta.get(_RUNNING) if context else None
    return fit_options(text, command, context.find_root()) if context and command else text


def fit_options(text: str, command: click.Command, root: click.Context) -> str:
    """The text with the name of a command before each option that this one does not have.

    An option that the text itself names with a command, and one of another program, stay as they are.

    Args:
        text: one or more sentences.
        command: what is running.
        root: the context of the group of all commands.
    """
    from configsvc_client.cli import usage_errors

    own = usage_errors.list_options(command)
    if all(each in own for each in _OPTION.findall(text)):
        return text
    having: dict[str, list[str]] = {}
    for path, each in usage_errors.list_commands(root.command, root):
        for option in usage_errors.list_options(each):
            having.setdefault(option, []).append(path)

    def fitted(found: re.Match[str]) -> str:
        option = found.group()
        paths = having.get(option, [])
        if option in own or not paths or _find_named_command(text[: found.start()]) in paths:
            return option
        return f"configsvc {next((each for each in _FIRST if each in paths), paths[0])} {option}"

    return _OPTION.sub(fitted, text)


def _find_named_command(before: str) -> str:
    """The command that the sentence names before an option; empty where it names none."""
    found = _NAMED.findall(_SENTENCE.split(before)[-1])
    return _find_path(found[-1]) if found else ""


def _find_path(words: str) -> str:
    """Two words are a command below a group, or a command and its argument."""
    first, _, second = words.partition(" ")
    return words if second and first in {"data-key", "namespace", "policy", "snapshot"} else first
