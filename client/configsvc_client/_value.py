"""What a reader gets for an entry: str, parsed JSON or bytes, by its content type.

What json, codecs and conversions raise shows the value, and `from None` leaves it on ours as `__context__`. So ours are
raised after the `except` was left.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from configsvc.model.entry import ContentType
from configsvc.model.errors import CannotOpen

Value = Any
"""Text is `str`, JSON is what `json.loads` makes of it but read-only, bytes are `bytes`."""

_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def value_of(key: str, content_type: ContentType, plaintext: bytes | str) -> Value:
    """The value of an opened or plain entry.

    Raises:
        CannotOpen: it is not what its content type says; shows nothing of it.
    """
    try:
        if content_type == "application/octet-stream":
            return _bytes(plaintext)
        text = plaintext if isinstance(plaintext, str) else plaintext.decode()
        return _parsed(text) if content_type == "application/json" else text
    except (ValueError, RecursionError):
        pass
    raise CannotOpen(f"{key} is not {content_type}, as it says. Put it again.", key=key)


def _bytes(plaintext: bytes | str) -> bytes:
    if isinstance(plaintext, str):
        raise ValueError  # noqa: TRY004  # as every other content that is none; bytes have no plain form
    return plaintext


def _parsed(text: str) -> Value:
    from configsvc_client._frozen import frozen

    return frozen(json.loads(text))


def converted(key: str, value: Value, as_: Callable[[Any], Any]) -> Value:
    """The value as a type: `bool` understands true, false, 1, 0, yes, no, on, off; others are called.

    Raises:
        ValueError: it cannot be; names the key and the type, never the value.
    """
    try:
        if as_ is bool and isinstance(value, str):
            return _WORDS[value.strip().lower()]
        return as_(value)
    except Exception:  # noqa: BLE001, S110  # whatever a conversion raises
        pass
    raise ValueError(f"{key} cannot be read as {getattr(as_, '__name__', 'that type')}")
