"""The content types: one table row for each, and everything that depends on the content type.

`ContentType` lists them for type checkers. A client's cold start needs only that list and does not load this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from configsvc.model import strict_json
from configsvc.model.errors import Unprocessable
from configsvc.model.names import Key
from configsvc.model.snapshot import CONTENT_TYPES, ContentType

TEXT: ContentType = "text/plain"
JSON: ContentType = "application/json"
BYTES: ContentType = "application/octet-stream"

LISTED = f"{', '.join(CONTENT_TYPES[:-1])} or {CONTENT_TYPES[-1]}"


class ContentKind(NamedTuple):
    """Properties of a content type.

    `is_text`: the value is UTF-8 text. Bytes have no plain form, and are base64 in a text file. `is_json`: the value is
    parsed. `suffix` is the suffix of a file that holds the value, for editors.
    """

    is_text: bool
    is_json: bool
    suffix: str


KINDS: Mapping[ContentType, ContentKind] = {
    TEXT: ContentKind(is_text=True, is_json=False, suffix=".txt"),
    JSON: ContentKind(is_text=True, is_json=True, suffix=".json"),
    BYTES: ContentKind(is_text=False, is_json=False, suffix=".bin"),
}


def infer_content_type(value: object) -> ContentType:
    """The content type of a Python value: `str` is text, `bytes` are bytes, everything else is JSON."""
    if isinstance(value, bytes):
        return BYTES
    return TEXT if isinstance(value, str) else JSON


def refuse_plain(key: Key, content_type: ContentType, text: str) -> Unprocessable | None:
    """The error for a text that cannot be stored plain under its content type; None if it can."""
    if not KINDS[content_type].is_text:
        return refuse_bytes(key)
    return refuse_text(key, content_type, text)


def refuse_bytes(key: Key) -> Unprocessable:
    """The error for bytes that were to be stored plain."""
    return Unprocessable("Bytes have no plain form. Seal them, or store text.", key=key)


def refuse_text(key: Key, content_type: ContentType, text: str) -> Unprocessable | None:
    """The error for a text that does not match its content type, without quoting the text; None if it matches."""
    if not KINDS[content_type].is_json:
        return None
    found = strict_json.read(text)
    if not found.fault:
        return None
    return Unprocessable(f"The value {found.fault}. Correct it, or store it as text.", key=key, **found.members)
