"""The options that say how a value is protected: --seal, --plain, --kms. They count before the policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import click

from configsvc.model import wildcard
from configsvc.model.entry import Form

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
