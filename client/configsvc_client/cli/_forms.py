"""The options that say how a value is protected: --seal, --plain, --kms. They count before the policy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, TypeVar

import click

from configsvc.model import wildcard
from configsvc.model.entry import Form
from configsvc_client import _alike
from configsvc_client.cli import _exit

Decorated = TypeVar("Decorated", bound=Callable[..., object])

_OPTIONS = ("--seal", "--plain", "--kms")
_FORMS: tuple[Form, ...] = ("envelope", "plain", "kms")


class Wanted(NamedTuple):
    """Patterns of keys for each form. Where several name a key, --seal counts before --kms, and that before --plain."""

    seal: Sequence[str] = ()
    plain: Sequence[str] = ()
    kms: Sequence[str] = ()

    def form(self, key: str) -> Form | None:
        """The form that an option names for a key."""
        for form, patterns in (("envelope", self.seal), ("kms", self.kms), ("plain", self.plain)):
            if any(wildcard.matches(key, pattern) for pattern in patterns):
                return form  # type: ignore[return-value]  # the three are forms
        return None


def check_named(
    keys: Collection[str],
    wanted: Wanted,
    json: Sequence[str] = (),
    *,
    served: Callable[[], Collection[str]] = tuple,
) -> None:
    """Refuse a pattern that names no key, before anything is stored.

    A mistyped --seal would leave a secret to whatever the policy says, and a mistyped --plain or --json a setting to
    readers who do not expect it.

    Args:
        keys: that would be stored.
        wanted: the patterns of --seal, --plain and --kms.
        json: the patterns of --json.
        served: gives more keys that a pattern may name, asked for only if one names none of `keys`: a script passes
            the same patterns whichever keys its file has today.

    Raises:
        Problems: names each such pattern with its option, and keys that are spelt like it.
    """
    given = (*zip(_OPTIONS, (wanted.seal, wanted.plain, wanted.kms), strict=True), ("--json", json))
    pairs = [(option, pattern) for option, patterns in given for pattern in dict.fromkeys(patterns)]
    unnamed = [pair for pair in pairs if not _names_one(pair[1], keys)]
    also = served() if unnamed else ()
    problems = [
        ". ".join(
            filter(None, (f"{option} {pattern}", _alike.question(_alike.nearest(pattern.removesuffix("*"), keys))))
        )
        for option, pattern in unnamed
        if not _names_one(pattern, also)
    ]
    if problems:
        raise _exit.Problems("Nothing was stored. These patterns name no key that would be stored:", problems)


def _names_one(pattern: str, keys: Collection[str]) -> bool:
    return any(wildcard.matches(key, pattern) for key in keys)


def for_one_key(command: Decorated) -> Decorated:
    """The options as flags."""
    for name, text in zip(
        _OPTIONS,
        (
            "Seal it, whatever the policy says.",
            "It is no secret: store it in the clear.",
            "Seal it with kms:Encrypt itself (at most 4,096 bytes; one KMS call per reader).",
        ),
        strict=True,
    ):
        command = click.option(name, is_flag=True, help=text)(command)
    return command


def for_many_keys(command: Decorated) -> Decorated:
    """The options with patterns of keys."""
    for name, text in zip(
        _OPTIONS,
        (
            "Seal these keys, whatever the policy says, like 'db.*'. Repeatable.",
            "Store these keys in the clear: they are no secrets, like 'feature.*'. Repeatable.",
            "Seal these keys with kms:Encrypt itself. Repeatable.",
        ),
        strict=True,
    ):
        command = click.option(name, multiple=True, metavar="PATTERN", help=text)(command)
    return command


def asked(*flags: bool) -> Form | None:
    """The form that --seal, --plain and --kms ask for, in this order; None without any.

    Raises:
        click.UsageError: more than one.
    """
    chosen = [form for form, flag in zip(_FORMS, flags, strict=True) if flag]
    if len(chosen) > 1:
        raise click.UsageError("--seal, --plain and --kms exclude each other.")
    return chosen[0] if chosen else None
