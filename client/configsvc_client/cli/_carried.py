"""Commands in an advice, with the options that were typed: a dry run stays one, in the same namespace."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import click
from click.core import ParameterSource

from configsvc_client.cli._common import CommonOption, asked
from configsvc_client.cli.foreign import Found

_IMPORT = "configsvc import "
_PUT = "configsvc put KEY "
_STDIN = re.compile(r" -$")
_FORMAT = re.compile(r"(?<=configsvc diff )(.*?-f [a-z0-9-]+)")
_BOTH = r"\1 -f FORMAT"
_OWN = frozenset({"wanted", "flatten", "as_is"})
"""What the advised command says itself: how to read what comes through the pipe."""
_ONE_VALUE = frozenset({"-n", "-m", "--profile"})
"""What `put` takes of what `import` does."""


def carried(found: Found) -> tuple[str, list[str]]:
    """The advice and its commands as the running command needs them; as they are where none is running.

    `import` and `put` get the options that were typed. `diff` stores nothing, so what would be stored is compared.

    Args:
        found: a file of another tool, with lines for a shell that have `configsvc import` or `configsvc put` in them.
    """
    context = click.get_current_context(silent=True)
    if context is None or not found.commands:
        return found.advice, [*found.commands]
    typed = [*_typed(context)]
    if context.info_name == "diff":
        return _compared(found, typed, context.params["files"])
    for_one = [words for words in typed if words[0] in _ONE_VALUE]
    return found.advice, [_with(_with(each, _IMPORT, typed), _PUT, for_one) for each in found.commands]


def _compared(found: Found, typed: Sequence[Sequence[str]], files: Sequence[object]) -> tuple[str, list[str]]:
    """The same through `diff`, which reads stdin by its name. Of two files, the other one is the person's to add."""
    if any(_IMPORT not in each for each in found.commands):
        return "It is one value, which diff does not read.", []
    advice = found.advice.replace("Import ", "Compare ")
    commands = [_with(each, _IMPORT, typed).replace(_IMPORT, "configsvc diff ") for each in found.commands]
    commands = [_STDIN.sub(" /dev/stdin", each) for each in commands]
    if len(files) > 1:
        commands = [f"{_FORMAT.sub(_BOTH, each)} FILE" for each in commands]
    return advice, commands


def _with(command: str, name: str, typed: Sequence[Sequence[str]]) -> str:
    before, found, after = command.partition(name)
    if not found:
        return command
    added = [shlex.join(words) for words in typed if not _says(after, words)]
    return f"{before}{found}{''.join(f'{each} ' for each in added)}{after}"


def _says(command: str, words: Sequence[str]) -> bool:
    """Whether a command has the option already: with that value, or with another where only one fits."""
    return words[0] == "--strip-prefix" in command or shlex.join(words) in command


def _typed(context: click.Context) -> Iterator[list[str]]:
    """Each option that was typed, with its value, as it is typed."""
    for option in context.command.params:
        if not isinstance(option, click.Option) or option.name is None or option.name in _OWN:
            continue
        if isinstance(option, CommonOption):
            yield from _words(option, asked(option.name) or ())
        elif context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE:
            yield from _words(option, context.params[option.name])


def _words(option: click.Option, value: Any) -> Iterator[list[str]]:  # noqa: ANN401  # what click made of it
    name = option.opts[0]
    if option.is_flag:
        yield from [[name]] if value else []
        return
    for each in value if isinstance(value, (list, tuple)) else [value]:
        yield [name, _text(each)]


def _text(value: object) -> str:
    """A value of an option as it was typed; that of --map is a pair."""
    if isinstance(value, tuple):
        pattern, replacement = value
        return f"{pattern.pattern}={replacement}"
    return str(value)
