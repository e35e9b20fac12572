"""What a reader gets for an entry: str, parsed JSON or bytes, by its content type.

What json, codecs and conversions raise shows the value, and `from None` leaves it on ours as `__context__`. So ours are
raised after the `except` was left.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from configsvc.model.entry import ContentType
from configsvc.model.errors import CannotOpen

if TYPE_CHECKING:
    from configsvc_client._secret import Secret

Value = Any
"""Text is `str`, JSON is what `json.loads` makes of it but read-only, bytes are `bytes`."""

_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def value_of(key: str, content_type: ContentType, plaintext: Secret) -> Value:
    """The value of an opened or plain entry.

    Raises:
        CannotOpen: it is not what its content type says; shows nothing of it.
    """
    try:
        return _read(content_type, plaintext.reveal())
    except (ValueError, RecursionError):
        pass
    raise CannotOpen(f"{key} is not {content_type}, as it says. Put it again.", key=key)


def _read(content_type: ContentType, plaintext: bytes | str) -> Value:
    if content_type == "application/octet-stream":
        return _bytes(plaintext)
    text = plaintext if isinstance(plaintext, str) else plaintext.decode()
    return _parsed(text) if content_type == "application/json" else text


def _bytes(plaintext: bytes | str) -> bytes:
    if isinstance(plaintext, str):
        raise ValueError  # noqa: TRY004  # as every other content that is none; bytes have no plain form
    return plaintext


def _parsed(text: str) -> Value:
    from configsvc_client._frozen import frozen

    return frozen(json.loads(text))


def converted(key: str, snapshot: Mapping[str, Value], as_: Callable[[Any], Any]) -> Value:
    """The value of a key as a type: `bool` understands true, false, 1, 0, yes, no, on, off; others are called.

    No frame of what is raised holds the value.

    Raises:
        CannotOpen: the key does not open.
        ValueError: it cannot be converted; names the key and the type, never the value.
    """
    snapshot[key]  # raises, where it does not open
    try:
        return _word(snapshot[key]) if as_ is bool else as_(snapshot[key])
    except Exception:  # noqa: BLE001, S110  # whatever a conversion raises
        pass
    raise ValueError(f"{key} cannot be read as {getattr(as_, '__name__', 'that type')}")


def _word(value: Value) -> bool:
    return _WORDS[value.strip().lower()] if isinstance(value, str) else bool(value)
