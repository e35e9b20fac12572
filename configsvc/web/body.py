"""A request's body: its bytes, and the JSON object in them."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from configsvc.model import limits, strict_json
from configsvc.model.errors import InvalidRequest, TooLarge, UnsupportedMediaType

_REPLACED = "\ufffd"
_BOM = "\ufeff".encode()
_GZIP = (b"\x1f\x8b", "\x1f\ufffd".encode())  # as it is, and as API Gateway hands it on
_WIDE = (b"\xff\xfe", b"\xfe\xff", "\ufffd\ufffd".encode())  # byte order marks, as they are and as handed on
_FIRST = 4  # JSON in UTF-16 or UTF-32 has a zero among its first four bytes, JSON in UTF-8 has no zeros
_JSON = re.compile(r'application/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?;?', re.IGNORECASE)


def body_of(event: Mapping[str, Any], content_type: str | None) -> bytes:
    """The bytes of a body that says it is JSON; a missing content type is taken as JSON (RFC 9110, 8.3).

    Raises:
        UnsupportedMediaType: another content type, or a charset that is not UTF-8 (RFC 8259, 8.1).
        TooLarge: more than a request may have.
        InvalidRequest: broken base64 in the event.
    """
    if content_type is not None and not _JSON.fullmatch(content_type.strip()):
        raise UnsupportedMediaType("Send JSON in UTF-8, with Content-Type: application/json.")
    text = event.get("body") or ""
    try:
        raw = b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except ValueError:
        raise InvalidRequest("The body is not text in UTF-8.") from None
    if len(raw) > limits.REQUEST_BYTES:
        raise TooLarge(
            f"A request has at most {limits.REQUEST_BYTES} bytes, and this one has {len(raw)}. Split it, or put large "
            "values in S3 and store their addresses.", limit=limits.REQUEST_BYTES, size=len(raw),
        )  # fmt: skip
    return raw


def _text(raw: bytes) -> str:
    """The text of a body.

    API Gateway hands a text body to Lambda with U+FFFD in the place of each byte that is not UTF-8. So that character
    shows bytes of another encoding, and who means it writes it as an escape.
    """
    if raw.startswith(_GZIP):
        raise UnsupportedMediaType("The body is compressed with gzip. Send it uncompressed.")
    if raw.startswith(_BOM):
        raise InvalidRequest("The body begins with a byte order mark (U+FEFF). Send UTF-8 without one.")
    if raw.startswith(_WIDE) or 0 in raw[:_FIRST]:
        raise InvalidRequest("The body is in UTF-16 or UTF-32. Send it in UTF-8.")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = _REPLACED
    if _REPLACED in text:
        raise InvalidRequest(
            "The body has a byte that is not UTF-8: it is in another encoding, such as Latin-1, or compressed. Send it "
            "uncompressed, in UTF-8. If you mean the character U+FFFD itself, write it as \\ufffd."
        )
    return text


def object_in(raw: bytes) -> dict[str, object]:
    """The JSON object in a body.

    Raises:
        UnsupportedMediaType: it is compressed.
        InvalidRequest: not UTF-8, no object, or JSON that `strict_json` does not take. It never shows what was sent.
    """
    found = strict_json.read(_text(raw))
    if found.fault:
        raise InvalidRequest(f"The body {found.fault}.", **found.members)
    if type(found.value) is not dict:
        raise InvalidRequest("The body is not a JSON object.")
    return found.value
