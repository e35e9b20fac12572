"""Parsers of settings: each returns the parsed value or raises an error that names the setting."""

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
    """Patterns of keys; `*` matches any text."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = patterns

    def matches(self, key: str) -> bool:
        """Whether any pattern matches the whole key, in linear time for any pattern."""
        from configsvc.model.names import matches

        return any(matches(key, each) for each in self._patterns)


def split_list(text: str) -> list[str]:
    """Splits a comma-separated list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def parse_api_keys(text: Secret) -> tuple[Secret, ...]:
    """Parses one API key, or two during a rotation; empty if nothing is set.

    Raises:
        Misconfigured: a key would break a header, or begins or ends with a quote, or there are more than two.
    """
    # In one expression, so that no frame holds a key in the clear.
    found = tuple(map(Secret, dict.fromkeys(filter(None, map(str.strip, text.reveal().split(","))))))
    for each in found:
        if each.reveal().startswith(("'", '"')):
            raise Misconfigured(
                "CONFIGSVC_API_KEY begins with a quote, which `docker run --env-file` keeps. Remove it."
            )
        if each.reveal().endswith(("'", '"')):
            raise Misconfigured("CONFIGSVC_API_KEY has a key that ends with a quote, which no API key has. Remove it.")
        if not each.reveal().isascii() or not each.reveal().isprintable() or " " in each.reveal():
            raise Misconfigured("CONFIGSVC_API_KEY contains characters that no API key has.")
    if len(found) > _API_KEYS:
        raise Misconfigured("CONFIGSVC_API_KEY contains more than two API keys. Set two only to rotate: old, new.")
    return found


def parse_namespaces(texts: Iterable[str]) -> tuple[names.Namespace, ...]:
    """Parses namespaces and keeps their order.

    Raises:
        Misconfigured: one is not a valid namespace name, or is repeated.
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
    """Parses a number of seconds above 0.

    Raises:
        Misconfigured: it is not such a number.
    """
    try:
        found = float(given)
    except ValueError as error:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        found = math.nan
    if not 0 < found < math.inf:
        raise Misconfigured(f"{name} must be a number of seconds above 0, like 60.")
    return found


def parse_min_revisions(
    given: str | int | Mapping[str, int], among: tuple[names.Namespace, ...]
) -> dict[names.Namespace, int]:
    """Parses the minimum revision of namespaces: `payments.prod=41`, or `41` if there is only one namespace.

    Raises:
        Misconfigured: the syntax is wrong, or a namespace is not one of those read.
    """
    if isinstance(given, Mapping):
        pairs = [(name, str(number)) for name, number in given.items()]
    else:
        pairs = [_parse_pair(part, among) for part in split_list(str(given))]
    found = {names.Namespace(name): int(number) for name, number in pairs if _is_revision(number)}
    if len(found) != len(pairs) or not found.keys() <= set(among) or max(found.values(), default=0) > _REVISION:
        raise Misconfigured(
            "CONFIGSVC_MIN_REVISION takes revisions of the namespaces you read, like payments.prod=41,shared.prod=7, "
            f"or one number if you read one namespace. The maximum is {_REVISION}."
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
    """Parses patterns of keys; `*` matches any text, also in the middle.

    Raises:
        Misconfigured: no key could match a pattern.
    """
    patterns = tuple(texts)
    for each in patterns:
        if not re.fullmatch(r"[A-Za-z0-9_.*-]+", each, re.ASCII):
            raise Misconfigured(f"CONFIGSVC_SEALED_KEYS takes keys and patterns like db.* or *, not {each}.")
    return KeyPatterns(patterns) if patterns else None
