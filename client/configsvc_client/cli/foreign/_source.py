"""Where a file came from, and the commands that turn it into one that `import` reads."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import NamedTuple

IMPORT = "configsvc import"
DECRYPT = "Decrypt it on the way:"
_DIGITS = 300
"""An integer of more digits than a float has."""


class ForeignSource(NamedTuple):
    """The name of a file, None for stdin; the format it is read in, and whether that was guessed from its ending."""

    name: str | None
    format: str
    guessed: bool = True

    @property
    def file(self) -> str:
        """The name in a command of a shell."""
        if self.name is None:
            return "FILE"
        return shlex.quote(f"./{self.name}" if self.name.startswith("-") else self.name)

    def through(self, command: str, wanted: str | None = None) -> str:
        """The command that imports what another one prints."""
        return f"{command} | {IMPORT} -f {wanted or self.format} -"


class Recognized(NamedTuple):
    """What a file is, and how to import what it holds."""

    what: str
    """Completes "FILE looks like …"."""
    advice: str
    commands: tuple[str, ...] = ()
    own_keys: bool = False
    """Whether it could be a file of a person's own keys after all."""


KnownAs = Callable[[ForeignSource], Recognized]
"""What a file is that was known by its contents or its name."""


class TakenOut(NamedTuple):
    """A program of jq's that takes the keys and values out of a container, and the options that fit its keys.

    `decoded` is for one value without a key: the command that decodes what jq prints, or "" if that is the value.
    """

    program: str
    options: str = ""
    note: str = ""
    decoded: str | None = None
    binary: bool = False


def respelled(text: str) -> bool:
    """Whether jq before 1.7, which reads numbers as floats of 64 bits, prints a number of a JSON text differently."""
    import json

    changed: list[str] = []

    def spelled(number: str) -> str:
        same = str(int(float(number))) if number.lstrip("-").isdigit() else repr(float(number))
        if same != number:
            changed.append(number)
        return number

    json.loads(
        text,
        parse_int=lambda number: spelled(number) if len(number) < _DIGITS else changed.append(number),
        parse_float=spelled,
    )
    return bool(changed)


def quoted(text: str) -> str:
    """A text in a program of jq's."""
    import json

    return json.dumps(text)
