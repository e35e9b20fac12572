"""What advice needs to know of the running command: its options, its namespaces, and which command has another option.

Errors come from the service, from the library and from what commands share, and name options without knowing who asked.
An option that the running command does not have is named with a command that has it.
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
    own = list_options(command)
    if all(each in own for each in _OPTION.findall(text)):
        return text
    having: dict[str, list[str]] = {}
    for path, each in list_commands(root.command, root):
        for option in list_options(each):
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


def list_options(command: click.Command) -> set[str]:
    """The options of a command, as they are typed."""
    return {
        name for each in command.params if isinstance(each, click.Option) for name in (*each.opts, *each.secondary_opts)
    }


def list_commands(root: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Every command with its path, like `namespace create`, groups left out."""
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
    """Keep which namespaces the command works on, as they were written, and whether options or settings did so."""
    click.get_current_context().meta.update({_WHERE: [*namespaces], _TYPED: typed})


def get_namespace_options(namespace: object = None) -> str:
    """What a command in an advice needs to work on the same namespaces, such as ` -n payments.prod`; often nothing.

    Args:
        namespace: the one of them that it is about, if one is known.
    """
    context = click.get_current_context(silent=True)
    meta = context.meta if context else {}
    found = [namespace] if isinstance(namespace, str) else meta.get(_WHERE, []) if meta.get(_TYPED) else []
    return "".join(f" -n {each}" for each in found)


def get_namespaces() -> Sequence[str]:
    """The namespaces the command works on, as they were written; empty before they are known."""
    found: Sequence[str] = click.get_current_context().meta.get(_WHERE, ())
    return found
