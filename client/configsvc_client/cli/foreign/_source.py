"""The source of a file, and the commands that convert it into one that `import` reads."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import NamedTuple

IMPORT = "configsvc import"
DECRYPT = "Decrypt it in the same command:"
_DIGITS = 300
"""More digits than the integer part of any float."""


class ForeignSource(NamedTuple):
    """The name of a file, None for stdin; its format, and whether that was guessed from its ending."""

    name: str | None
    format: str
    guessed: bool = True

    @property
    def file(self) -> str:
        """The name, quoted for a shell."""
        if self.name is None:
            return "FILE"
        return shlex.quote(f"./{self.name}" if self.name.startswith("-") else self.name)

    def through(self, command: str, wanted: str | None = None) -> str:
        """The command that imports the output of another one."""
        return f"{command} | {IMPORT} -f {wanted or self.format} -"


class Recognized(NamedTuple):
    """The kind of a file, and how to import its content."""

    what: str
    """Completes "FILE looks like …"."""
    advice: str
    commands: tuple[str, ...] = ()
    own_keys: bool = False
    """Whether it could be a file of the user's own keys after all."""


KnownAs = Callable[[ForeignSource], Recognized]
"""Describes a file that was recognized by its contents or its name."""


class Extraction(NamedTuple):
    """A jq program that extracts the keys and values from a container, and the import options for its keys.

    `decoded` is for a single value without a key: the command that decodes jq's output, or "" if that is the value.
    """

    program: str
    options: str = ""
    note: str = ""
    decoded: str | None = None
    binary: bool = False


def changes_numbers(text: str) -> bool:
    """Whether jq before 1.7, which reads numbers as 64-bit floats, would change a number of a JSON text."""
    import json

    changed: list[str] = []

    def compare(number: str) -> str:
        same = str(int(float(number))) if number.lstrip("-").isdigit() else repr(float(number))
        if same != number:
            changed.append(number)
        return number

    json.loads(
        text,
        parse_int=lambda number: compare(number) if len(number) < _DIGITS else changed.append(number),
        parse_float=compare,
    )
    return bool(changed)


def quote_for_jq(text: str) -> str:
    """A string for a jq program."""
    import json

    return json.dumps(text)
