"""A request's body: its bytes, and the JSON in them, read more strictly than `json` alone would."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from configsvc.model import limits
from configsvc.model.errors import InvalidRequest, TooLarge, UnsupportedMediaType

_JSON = re.compile(r'application/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?;?', re.IGNORECASE)

_EXACT = 2**53


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
        raise TooLarge(f"A request has at most {limits.REQUEST_BYTES} bytes. Split it.", limit=limits.REQUEST_BYTES)
    return raw


def object_in(raw: bytes) -> dict[str, object]:
    """The JSON object in a body.

    Raises:
        InvalidRequest: not UTF-8, not JSON, no object, a name that stands twice, NaN or Infinity, a lone surrogate, or
            nesting deeper than `limits.JSON_DEPTH`. It never shows what was sent.
    """
    try:
        found = json.loads(raw.decode(), object_pairs_hook=_once, parse_float=_number, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise InvalidRequest("The body is not UTF-8.") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise InvalidRequest("The body is not JSON.") from None
    if type(found) is not dict:
        raise InvalidRequest("The body is not a JSON object.")
    _check(found, limits.JSON_DEPTH)
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidRequest("A name stands twice in one JSON object. Send each once.")
    return found


def _number(text: str) -> int | float:
    """JSON has one kind of number: 7.0 is the integer 7 (JSON Schema, core, 4.2.1)."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


def _no_constant(constant: str) -> object:
    raise InvalidRequest(f"{constant} is not JSON.")


def _too_deep() -> InvalidRequest:
    return InvalidRequest(f"The JSON is nested deeper than {limits.JSON_DEPTH}.", limit=limits.JSON_DEPTH)


def _check(node: object, depth: int) -> None:
    if depth == 0:
        raise _too_deep()
    if isinstance(node, str):
        _check_text(node)
    elif isinstance(node, list):
        for each in node:
            _check(each, depth - 1)
    elif isinstance(node, dict):
        for name, each in node.items():
            _check_text(name)
            _check(each, depth - 1)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRequest("A text holds half of a surrogate pair, which is not Unicode.") from None
