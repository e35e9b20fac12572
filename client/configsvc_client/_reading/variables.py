"""Keys as environment variables: `db.url` is DB_URL, as in `configsvc exec` and `configsvc_client.environment`.

Whoever may write a namespace must not run code as everyone who reads it. An allow-list of variables narrows what can be
set. Variables that are known to be dangerous are refused unless the allow-list names them in full.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from configsvc.model.errors import Unprocessable
from configsvc.model.names import matches
from configsvc_client._reading.dangerous import is_dangerous

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
"""The allow-list for a key: variables, and patterns with `*`; None means no list."""


class Advice(NamedTuple):
    """Sentences that advise a person about keys with dangerous variables, and about keys that share one."""

    leave_out: str
    apart: str


class JudgedKeys(NamedTuple):
    """Keys that may be variables, the names of those that are not listed, and keys whose variables are dangerous."""

    keys: tuple[str, ...]
    unlisted: tuple[str, ...]
    dangerous: tuple[str, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each dangerous key."""
        return tuple(
            f"{key} would set {make_variable_name(key)}, which can run code or change whom you trust."
            for key in self.dangerous
        )

    def check(self, advice: Advice) -> None:
        """That none is dangerous.

        Raises:
            Unprocessable: some are; names all of them.
        """
        if self.dangerous:
            raise Unprocessable(" ".join([*self.problems, advice.leave_out]), key=self.dangerous[0])


class Variables(NamedTuple):
    """The variables to set, by name, and the names left out because the allow-list does not have them."""

    found: Mapping[str, str]
    unlisted: tuple[str, ...] = ()


def make_variable_name(key: str) -> str:
    """The variable of a key: upper case, `.` and `-` as `_`."""
    return key.upper().translate(_RENAMED)


def make_variables(values: Mapping[str, bytes], advice: Advice, allowed: Allowed = lambda _: None) -> Variables:
    """The variables of all values, which come as they are stored, in UTF-8.

    Args:
        values: by key.
        advice: what a person does about keys that may not be variables.
        allowed: the allow-list for each key.

    Raises:
        Unprocessable: variables are dangerous, several keys have the same one, or values do not fit into one. Names all
            of these keys, never values.
    """
    judged = judge_keys(values, allowed)
    problems = [*judged.problems]
    keys: dict[str, list[str]] = {}
    for key in judged.keys:
        keys.setdefault(make_variable_name(key), []).append(key)
    same = [f"{describe_shared(name, each)}." for name, each in keys.items() if len(each) > 1]
    unfit = {key: told for key in judged.keys if (told := _explain_misfit(key, make_variable_name(key), values[key]))}
    if problems or same or unfit:
        lines = [*_add_advice(problems, advice.leave_out), *_add_advice(same, advice.apart), *unfit.values()]
        first = next(iter([*judged.dangerous, *(each[-1] for each in keys.values() if len(each) > 1), *unfit]))
        raise Unprocessable(" ".join(lines), key=first)
    # As Python has variables: exactly these bytes again in a program's environment, whatever the locale.
    return Variables({name: os.fsdecode(values[each[0]]) for name, each in keys.items()}, judged.unlisted)


def judge_keys(keys: Iterable[str], allowed: Allowed) -> JudgedKeys:
    """Which keys may be variables by the allow-lists, which are not listed, and which are dangerous."""
    listed, unlisted, dangerous = list[str](), list[str](), list[str]()
    for key in keys:
        name, found = make_variable_name(key), allowed(key)
        patterns = None if found is None else tuple(found)
        if patterns is not None and not any(matches(name, each) for each in patterns):
            unlisted.append(name)
        elif is_dangerous(name) and name not in (patterns or ()):
            dangerous.append(key)
        else:
            listed.append(key)
    return JudgedKeys(tuple(listed), tuple(unlisted), tuple(dangerous))


def describe_shared(name: str, keys: Sequence[str]) -> str:
    """That several keys have one variable."""
    both = "both" if len(keys) == 2 else "all"  # noqa: PLR2004  # English has a word for two
    return f"{', '.join(keys[:-1])} and {keys[-1]} would {both} be {name}"


def _add_advice(problems: Sequence[str], advice: str) -> list[str]:
    return [*problems, advice] if problems else []


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
    room = compute_room(os.sysconf("SC_ARG_MAX")) - (_HEADROOM if arguments is None else _POINTER * 256)
    if taken > room:
        raise Unprocessable(
            f"All variables together take {taken:,} bytes; the system allows {room:,}. Leave keys out, or read them "
            "as a file or from a Config."
        )


def compute_room(arg_max: int) -> int:
    """Computes the bytes that Linux allows. sysconf does not know the limit of 6 MiB."""
    return min(arg_max, _ALL) if arg_max >= _LEAST else _LEAST


def _explain_misfit(key: str, name: str, data: bytes) -> str:
    """Why a value does not fit into a variable; empty where it does."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f"{key} holds bytes, which no variable can. Read it by itself."
    if "\0" in text:
        return f"{key} holds a NUL, which no variable can. Read it by itself."
    if text.startswith(_OLD_BASH):
        return f"{key} begins like a shell function, which old versions of bash run. Leave it out."
    if len(name) + 1 + len(data) > _ONE:
        return (
            f"{key} is too long for a variable: {name}=… would take {len(name) + 1 + len(data):,} bytes, and the "
            f"system allows {_ONE:,}. Leave it out, or read it as a file or from a Config."
        )
    return ""
