"""A file as rows with the keys that it is imported under, for `import` and `diff`."""

from __future__ import annotations

import click

from configsvc_client.cli import _exit, _terminal
from configsvc_client.cli._flattened import flattened
from configsvc_client.cli._inputs import is_stream
from configsvc_client.cli._shaping import Shaped, Shaping, renamed
from configsvc_client.cli.foreign import Found, Source, recognized
from configsvc_client.cli.formats import TREE_FORMATS, assumed, format_of, read

_AS_IS = "If you mean the keys of the file itself, add --as-is."


def loaded(name: str, content: bytes, wanted: str | None, shaping: Shaping, refusal: str) -> Shaped:
    """The rows of a file, by its name or by the format that is wanted.

    Args:
        name: of the file; `-` or `<stdin>` for stdin.
        content: of the file.
        wanted: its format, if one was named.
        shaping: which keys it becomes.
        refusal: begins the error, such as "Nothing was stored."

    Raises:
        click.UsageError: it cannot be read, or it is a container of another tool.
    """
    is_file = not is_stream(name)
    source = Source(name if is_file else None, wanted or format_of(name), guessed=wanted is None)
    found = None if shaping.as_is else recognized(content, source)
    if found:
        raise _refused(found, name if is_file else "This input", refusal, is_object=source.format == "k8s-secret")
    if shaping.flatten and source.format not in TREE_FORMATS:
        raise click.UsageError(
            f"--flatten applies to {', '.join(TREE_FORMATS)}. {source.format} holds no nested mappings."
        )
    rows, problems = read(source.format, content)
    paths: dict[str, str] = {}
    if shaping.flatten and not problems:
        rows, paths, problems = flattened(rows)
    if problems:
        hint = None if wanted else assumed(name)
        raise _exit.Problems(f"{refusal} {hint or ''}".rstrip(), problems)
    if source.format == "csv":
        _tell_ignored(content)
    shaped, problems = renamed(rows, shaping, paths)
    if problems:
        raise _exit.Problems(refusal, problems)
    return shaped


def _tell_ignored(content: bytes) -> None:
    from configsvc_client.cli.formats._csv import ignored

    names = ignored(content.decode("utf-8-sig"))
    if names:
        _terminal.say(f"Columns that were not read: {', '.join(names)}")


def _refused(found: Found, name: str, refusal: str, *, is_object: bool) -> _exit.Problems:
    from configsvc_client.cli._carried import carried

    advice, commands = carried(found)
    message = f"{refusal} {name} looks like {found.what}. {advice}"
    return _exit.Problems(message, [*commands, *([_AS_IS] if found.own_keys and not is_object else [])])
