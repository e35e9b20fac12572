"""How settings are spelt: each text made what it means, or refused with the setting's name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from configsvc.model import limits, names
from configsvc.model.errors import InvalidName, Misconfigured
from configsvc_client._secret import Secret

_API_KEYS = 2
_REVISION = limits.REVISION_LIFT


class KeyPatterns:
    """Patterns of keys, in which `*` stands for any text."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = patterns

    def matches(self, key: str) -> bool:
        """Whether any pattern matches the whole key. The time is linear, whatever the patterns are."""
        from configsvc.model.names import matches

        return any(matches(key, each) for each in self._patterns)


def split_list(text: str) -> list[str]:
    """The parts between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def parse_api_keys(text: Secret) -> tuple[Secret, ...]:
    """The API key, or two of them: while a key is rotated both may be set. None where nothing is set.

    Raises:
        Misconfigured: one would break a header apart or begins with a quote, or there are more than two.
    """
    # In one expression, so that no frame has one in the clear.
    found = tuple(map(Secret, dict.fromkeys(filter(None, map(str.strip, text.reveal().split(","))))))
    for each in found:
        if each.reveal().startswith(("'", '"')):
            raise Misconfigured(
                "CONFIGSVC_API_KEY begins with a quote, which `docker run --env-file` keeps. Remove it."
            )
        if not each.reveal().isascii() or not each.reveal().isprintable() or " " in each.reveal():
            raise Misconfigured("CONFIGSVC_API_KEY holds characters that no API key has.")
    if len(found) > _API_KEYS:
        raise Misconfigured("CONFIGSVC_API_KEY holds more than two API keys. Two are for a rotation: the old, the new.")
    return found


def parse_namespaces(texts: Iterable[str]) -> tuple[names.Namespace, ...]:
    """Namespaces in their order.

    Raises:
        Misconfigured: one is not spelt as namespaces are, or stands twice.
    """
    try:
        found = tuple(names.parse_namespace(text) for text in texts)
    except InvalidName as error:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        raise Misconfigured(f"CONFIGSVC_NAMESPACES: {error.detail}") from None
    if len(set(found)) != len(found):
        raise Misconfigured("CONFIGSVC_NAMESPACES names a namespace twice. The first that has a key wins.")
    return found


def parse_seconds(name: str, given: str | float) -> float:
    """A time in seconds above 0.

    Raises:
        Misconfigured: it is none.
    """
    try:
        found = float(given)
    except ValueError as error:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        found = math.nan
    if not 0 < found < math.inf:
        raise Misconfigured(f"{name} is a number of seconds above 0, like 60.")
    return found


def parse_min_revisions(
    given: str | int | Mapping[str, int], among: tuple[names.Namespace, ...]
) -> dict[names.Namespace, int]:
    """The least revision of each namespace that is named: `41` where there is one namespace, else `payments.prod=41`.

    Raises:
        Misconfigured: spelt otherwise, or of a namespace that is not read.
    """
    if isinstance(given, Mapping):
        pairs = [(name, str(number)) for name, number in given.items()]
    else:
        pairs = [_parse_pair(part, among) for part in split_list(str(given))]
    found = {names.Namespace(name): int(number) for name, number in pairs if _is_revision(number)}
    if len(found) != len(pairs) or not found.keys() <= set(among) or max(found.values(), default=0) > _REVISION:
        raise Misconfigured(
            "CONFIGSVC_MIN_REVISION is like payments.prod=41,shared.prod=7, of namespaces that are read; "
            f"one number does where there is one namespace. None is above {_REVISION}."
        )
    return found


def _is_revision(number: str) -> bool:
    return number.isascii() and number.isdecimal() and len(number) <= len(str(_REVISION))


def _parse_pair(part: str, among: tuple[names.Namespace, ...]) -> tuple[str, str]:
    name, equals, number = part.rpartition("=")
    if not equals and len(among) == 1:
        return among[0], number.strip()
    return name.strip(), number.strip()


def parse_key_patterns(texts: Iterable[str]) -> KeyPatterns | None:
    """What matches the keys that any of the patterns names; `*` stands for any text, also in the middle.

    Raises:
        Misconfigured: something that no key could match.
    """
    patterns = tuple(texts)
    for each in patterns:
        if not re.fullmatch(r"[A-Za-z0-9_.*-]+", each, re.ASCII):
            raise Misconfigured(f"CONFIGSVC_SEALED_KEYS takes keys and patterns like db.* or *, not {each}.")
    return KeyPatterns(patterns) if patterns else None
