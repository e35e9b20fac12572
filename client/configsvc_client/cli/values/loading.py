"""Loads a file as rows with the keys they are imported under, for import and diff."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click
from click.core import ParameterSource

from configsvc.model import json_text
from configsvc.model.content_types import KINDS
from configsvc_client.cli import exit_codes
from configsvc_client.cli.common import CommonOption, get_given
from configsvc_client.cli.foreign import ForeignSource, Recognized, recognize
from configsvc_client.cli.formats import TREE_FORMATS, FileRow, Problem, explain_assumed, guess_format, read
from configsvc_client.cli.formats._tree import BASE64, JSON, make_row
from configsvc_client.cli.output import terminal
from configsvc_client.cli.values.inputs import is_stream
from configsvc_client.cli.values.renaming import ShapedRows, Shaping, rename_rows


def flatten(rows: Iterable[FileRow]) -> tuple[list[FileRow], dict[str, str], list[Problem]]:
    """A row for each member at any depth, and each key's path in the file. Lists and empty mappings stay JSON.

    A key that comes from two places, such as `db.url` and `db: {url}`, is a problem.
    """
    found: dict[str, tuple[str, FileRow]] = {}
    problems: list[Problem] = []
    for whole in rows:
        for path, each in _iter_leaves(whole):
            if isinstance(each, Problem):
                problems.append(each)
            elif each.key in found:
                problems.append(Problem(each.place, each.key, f"comes from both {found[each.key][0]} and {path}"))
            else:
                found[each.key] = (path, each)
    return [each for _, each in found.values()], {key: path for key, (path, _) in found.items()}, problems


def _iter_leaves(whole: FileRow) -> Iterator[tuple[str, FileRow | Problem]]:
    """The rows that a row becomes, each with its path to show."""
    found = json_text.parse(whole.data) if KINDS[whole.content_type].is_json else None
    if not _is_nested(found):
        yield whole.key, whole
        return
    yield from _iter_members(whole.place, whole.key, whole.key, found)


def _iter_members(place: str, key: str, path: str, found: object) -> Iterator[tuple[str, FileRow | Problem]]:
    if not isinstance(found, dict) or not _is_nested(found):
        yield path, make_row(place, key, found)
        return
    for name, each in found.items():
        yield from _iter_members(place, f"{key}.{name}", f"{path}: {name}", each)


def _is_nested(found: object) -> bool:
    """Whether this is a mapping with members, and not one that names the type of its only value."""
    return isinstance(found, dict) and bool(found) and set(found) not in ({BASE64}, {JSON})


_IMPORT = "configsvc import "
_PUT = "configsvc put KEY "
_STDIN = re.compile(r" -$")
_FORMAT = re.compile(r"(?<=configsvc diff )(.*?-f [a-z0-9-]+)")
_BOTH = r"\1 -f FORMAT"
_OWN = frozenset({"wanted", "flatten", "as_is"})
"""Options that the advised command sets itself: how to read its input."""
_ONE_VALUE = frozenset({"-n", "-m", "--profile"})
"""Options of `import` that `put` has too."""


def carry_options(found: Recognized) -> tuple[str, list[str]]:
    """The advice and its commands, adapted to the running command; unchanged if none is running.

    `import` and `put` get the options that were typed. `diff` stores nothing, so it gets a comparison instead.

    Args:
        found: a file of another tool, with shell lines that contain `configsvc import` or `configsvc put`.
    """
    context = click.get_current_context(silent=True)
    if context is None or not found.commands:
        return found.advice, [*found.commands]
    typed = [*_iter_typed(context)]
    if context.info_name == "diff":
        return _carry_diff(found, typed, context.params["files"])
    for_one = [words for words in typed if words[0] in _ONE_VALUE]
    return found.advice, [_add_options(_add_options(each, _IMPORT, typed), _PUT, for_one) for each in found.commands]


def _carry_diff(found: Recognized, typed: Sequence[Sequence[str]], files: Sequence[object]) -> tuple[str, list[str]]:
    """The same through `diff`, which reads /dev/stdin. If two files are compared, the user adds the other one."""
    if any(_IMPORT not in each for each in found.commands):
        return "It is a single value, and diff does not read single values.", []
    advice = found.advice.replace("Import ", "Compare ")
    commands = [_add_options(each, _IMPORT, typed).replace(_IMPORT, "configsvc diff ") for each in found.commands]
    commands = [_STDIN.sub(" /dev/stdin", each) for each in commands]
    if len(files) > 1:
        commands = [f"{_FORMAT.sub(_BOTH, each)} FILE" for each in commands]
    return advice, commands


def _add_options(command: str, name: str, typed: Sequence[Sequence[str]]) -> str:
    before, found, after = command.partition(name)
    if not found:
        return command
    added = [shlex.join(words) for words in typed if not _has_option(after, words)]
    return f"{before}{found}{''.join(f'{each} ' for each in added)}{after}"


def _has_option(command: str, words: Sequence[str]) -> bool:
    """Whether a command has the option already: with that value, or with another if it takes only one."""
    return words[0] == "--strip-prefix" in command or shlex.join(words) in command


def _iter_typed(context: click.Context) -> Iterator[list[str]]:
    """Each option that was typed, with its value, as it was typed."""
    for option in context.command.params:
        if not isinstance(option, click.Option) or option.name is None or option.name in _OWN:
            continue
        if isinstance(option, CommonOption):
            yield from _iter_words(option, get_given(option.name) or ())
        elif context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE:
            yield from _iter_words(option, context.params[option.name])


def _iter_words(option: click.Option, value: Any) -> Iterator[list[str]]:  # noqa: ANN401  # what click made of it
    name = option.opts[0]
    if option.is_flag:
        yield from [[name]] if value else []
        return
    for each in value if isinstance(value, (list, tuple)) else [value]:
        yield [name, _render_option(each)]


def _render_option(value: object) -> str:
    """An option's value as it was typed; --map has a pair."""
    if isinstance(value, tuple):
        pattern, replacement = value
        return f"{pattern.pattern}={replacement}"
    return str(value)


_AS_IS = "To import the file's own keys, add --as-is."


def load_rows(name: str, content: bytes, wanted: str | None, shaping: Shaping, refusal: str) -> ShapedRows:
    """The rows of a file, in the format that was passed or that its name implies.

    Args:
        name: of the file; `-` or `<stdin>` for stdin.
        content: of the file.
        wanted: its format, if one was passed.
        shaping: how its keys are renamed.
        refusal: the first sentence of the error, such as "Nothing was stored."

    Raises:
        click.UsageError: the file cannot be read, or is the output of another tool.
    """
    is_file = not is_stream(name)
    source = ForeignSource(name if is_file else None, wanted or guess_format(name), guessed=wanted is None)
    found = None if shaping.as_is else recognize(content, source)
    if found:
        raise _refuse(found, name if is_file else "This input", refusal, is_object=source.format == "k8s-secret")
    if shaping.flatten and source.format not in TREE_FORMATS:
        raise click.UsageError(
            f"--flatten works only with {', '.join(TREE_FORMATS)}: {source.format} has no nested mappings."
        )
    rows, problems = read(source.format, content)
    paths: dict[str, str] = {}
    if shaping.flatten and not problems:
        rows, paths, problems = flatten(rows)
    if problems:
        hint = None if wanted else explain_assumed(name)
        raise exit_codes.Problems(f"{refusal} {hint or ''}".rstrip(), problems)
    if source.format == "csv":
        _report_ignored(content)
    shaped, problems = rename_rows(rows, shaping, paths)
    if problems:
        raise exit_codes.Problems(refusal, problems)
    return shaped


def _report_ignored(content: bytes) -> None:
    from configsvc_client.cli.formats._csv import list_ignored

    names = list_ignored(content.decode("utf-8-sig"))
    if names:
        terminal.say(f"Ignored columns: {', '.join(names)}")


def _refuse(found: Recognized, name: str, refusal: str, *, is_object: bool) -> exit_codes.Problems:

    advice, commands = carry_options(found)
    message = f"{refusal} {name} looks like {found.what}. {advice}"
    return exit_codes.Problems(message, [*commands, *([_AS_IS] if found.own_keys and not is_object else [])])
