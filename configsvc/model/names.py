"""Names are valid by construction: a name that was parsed here is not checked again."""

from __future__ import annotations

import re
from typing import NewType

from configsvc.model.errors import InvalidName

Namespace = NewType("Namespace", str)
Key = NewType("Key", str)
Kid = NewType("Kid", str)

NAMESPACE = r"[a-z0-9][a-z0-9._-]{0,63}"
KEY = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}"
KID = r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"

PROBE_NAMESPACE = Namespace("configsvc.probe")
"""The namespace that the scheduled functions keep: the probe fetches it as a consumer would."""

HEARTBEAT_KEY = Key("heartbeat")
"""There: `{"at": …}`, the time of the last heartbeat (RFC 3339, UTC)."""

UPKEEP_KEY = Key("upkeep")
"""There: `{"at": …, "failed": n}`, the end of the last upkeep and the number of namespaces that failed."""

_NAMESPACE = re.compile(NAMESPACE)
_KEY = re.compile(KEY)
_KID = re.compile(KID)


def parse_namespace(text: str) -> Namespace:
    """Parses a namespace, such as `payments.prod`.

    Raises:
        InvalidName: it is spelled otherwise.
    """
    if not _NAMESPACE.fullmatch(text):
        raise InvalidName(
            "A namespace is 1 to 64 of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit: payments.prod.",
            field="namespace",
        )
    return Namespace(text)


def parse_key(text: str) -> Key:
    """Parses a key, such as `db.url`. `/` and `%` are excluded, because API Gateway and Chalice use them.

    Raises:
        InvalidName: it is spelled otherwise.
    """
    if not _KEY.fullmatch(text):
        raise InvalidName(
            "A key is 1 to 255 of A-Z, a-z, 0-9, '.', '_' and '-', and does not start with '.' or '-', like db.url.",
            field="key",
        )
    return Key(text)


def parse_kid(text: str) -> Kid:
    """Parses a data key's id: base64url of 32 bytes, in its canonical spelling.

    Raises:
        InvalidName: it is spelled otherwise.
    """
    if not _KID.fullmatch(text):
        raise InvalidName("A kid is the base64url of 32 bytes: 43 characters.", field="kid")
    return Kid(text)


def matches(text: str, pattern: str) -> bool:
    """Whether the whole text matches. Each part between two `*` matches where it first occurs, without backtracking."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    last = rest.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in rest:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
