"""Keys as environment variables: `db.url` is DB_URL. What `configsvc exec` and `configsvc_client.environment` go by.

Whoever may write a namespace must not run code as everyone who reads it. An allow-list of variables narrows what can be
set. Variables that are known to be dangerous are refused unless the allow-list names them in full.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from configsvc.model.errors import Unprocessable
from configsvc.model.wildcard import matches
from configsvc_client._dangerous import is_dangerous

_RENAMED = str.maketrans(".-", "__")

_ONE = 131_071
"""Bytes of `NAME=value`: Linux's MAX_ARG_STRLEN, without the NUL at its end."""

_ALL = 6 * 1024 * 1024
"""Bytes of all arguments and variables: Linux takes no more, however large the stack (execve(2))."""

_LEAST = 131_072
_HEADROOM = 16_384
"""For the arguments of whatever is started later."""

_POINTER = 8
_OLD_BASH = "() {"
"""How a function begins in the environment: bash before 4.3 patch 25 runs what follows it."""

Allowed = Callable[[str], Iterable[str] | None]
"""The allow-list for a key: variables, and patterns with `*`; None where there is no list."""


class Variables(NamedTuple):
    """What can be set, by name, and the names that were left out because the allow-list does not have them."""

    found: Mapping[str, str]
    unlisted: tuple[str, ...] = ()


def name_of(key: str) -> str:
    """The variable of a key: upper case, `.` and `-` as `_`."""
    return key.upper().translate(_RENAMED)


def variables(values: Mapping[str, bytes], leave_out: str, allowed: Allowed = lambda _: None) -> Variables:
    """The variables of all values, which come as they are stored.

    Args:
        values: by key.
        leave_out: what a person does about a key that may not be a variable; a sentence, for the error.
        allowed: the allow-list for each key.

    Raises:
        Unprocessable: a variable is dangerous, two keys have the same one, or a value does not fit into one. Names
            keys, never values.
    """
    keys: dict[str, str] = {}
    found: dict[str, str] = {}
    unlisted = []
    for key, data in values.items():
        name = name_of(key)
        if not is_allowed(key, name, allowed(key), leave_out):
            unlisted.append(name)
            continue
        if name in keys:
            raise Unprocessable(f"{keys[name]} and {key} would both be {name}. Rename one of them.", key=key)
        keys[name] = key
        found[name] = _text(key, name, data)
    return Variables(found, tuple(unlisted))


def is_allowed(key: str, name: str, listed: Iterable[str] | None, leave_out: str) -> bool:
    """Whether a key may set a variable; False where the allow-list does not have it.

    Raises:
        Unprocessable: the variable is dangerous, and the allow-list does not name it in full.
    """
    patterns = None if listed is None else tuple(listed)
    if patterns is not None and not any(matches(name, each) for each in patterns):
        return False
    if is_dangerous(name) and name not in (patterns or ()):
        raise Unprocessable(
            f"{key} would set {name}, which can run code or change whom you trust. {leave_out}", key=key
        )
    return True


def check_room(environ: Mapping[str, str], arguments: Iterable[str] | None = None) -> None:
    """Check that a program can still be started with these variables.

    Args:
        environ: all of them.
        arguments: of the program; where left out, room is kept for some.

    Raises:
        Unprocessable: they take more than the system allows.
    """
    strings = [f"{name}={text}" for name, text in environ.items()] + list(arguments or ())
    taken = sum(len(os.fsencode(each)) + 1 + _POINTER for each in strings)
    room = room_of(os.sysconf("SC_ARG_MAX")) - (_HEADROOM if arguments is None else _POINTER * 256)
    if taken > room:
        raise Unprocessable(
            f"All variables together take {taken:,} bytes; the system allows {room:,}. Leave keys out, or read them "
            "as a file or from a Config."
        )


def room_of(arg_max: int) -> int:
    """The bytes that Linux allows, from what sysconf says: that does not know the bound of 6 MiB."""
    return min(arg_max, _ALL) if arg_max >= _LEAST else _LEAST


def _text(key: str, name: str, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = None  # raised below: as its context, this one would show the value
    if text is None:
        raise Unprocessable(f"{key} holds bytes, which no variable can. Read it by itself.", key=key)
    if "\0" in text:
        raise Unprocessable(f"{key} holds a NUL, which no variable can. Read it by itself.", key=key)
    if text.startswith(_OLD_BASH):
        raise Unprocessable(
            f"{key} begins like a shell function, which old versions of bash run. Leave it out.", key=key
        )
    if len(name) + 1 + len(data) > _ONE:
        raise Unprocessable(
            f"{key} is too long for a variable: {name}=… would take {len(name) + 1 + len(data):,} bytes, and the "
            f"system allows {_ONE:,}. Leave it out, or read it as a file or from a Config.",
            key=key,
        )
    return text
