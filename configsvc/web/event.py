"""The parts of a REST proxy event that requests need: context, headers, ids, the caller, and the body."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from configsvc.model import grants, limits, strict_json
from configsvc.model.errors import InvalidName, InvalidRequest, TooLarge, UnsupportedMediaType
from configsvc.model.text import make_printable
from configsvc.service.engine.ports import Caller

_LONGEST_USER_AGENT = 256
_LONGEST_SOURCE_IP = 64  # an IPv6 address has at most 45 characters


def identify_caller(event: Event, headers: Headers) -> Caller:
    """Identifies the caller. Reads are authorized by the API key's id, writes by the IAM principal of the signature."""
    identity: Mapping[str, Any] = get_context(event).get("identity") or {}
    arn = str(identity.get("userArn") or "")
    return Caller(
        api_key=_parse_api_key(identity.get("apiKeyId")),
        principal=grants.normalize_arn(arn) if arn else None,
        arn=arn,
        source_ip=make_printable(str(identity.get("sourceIp") or "")[:_LONGEST_SOURCE_IP]),
        user_agent=make_printable(str(identity.get("userAgent") or "")[:_LONGEST_USER_AGENT]),
        correlation_id=choose_correlation_id(event, headers),
    )


@lru_cache(256)
def _parse_api_key(identifier: str | None) -> str | None:
    """Cached, because the same few keys are used again and again."""
    try:
        return grants.parse_api_key_id(identifier) if identifier else None
    except InvalidName:
        return None


Event = Mapping[str, Any]
Headers = Mapping[str, list[str]]

_REQUEST_ID = 128  # they have 36 characters
_CORRELATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/=+@-]{0,127}")


def get_context(event: Event) -> Mapping[str, Any]:
    """The request context; empty if it is missing."""
    return event.get("requestContext") or {}


def collect_headers(event: Event) -> Headers:
    """Header values by lower-case name. API Gateway sends both forms; either may be null, as in console tests."""
    many: Mapping[str, list[str]] | None = event.get("multiValueHeaders")
    if many is None:
        many = {name: [value] for name, value in (event.get("headers") or {}).items()}
    found: dict[str, list[str]] = {}
    for name, values in many.items():
        lower = name.lower()
        found[lower] = [*found[lower], *values] if lower in found else values
    return found


def get_request_id(event: Event) -> str:
    """API Gateway's request id, truncated, because metrics of an overlong log line would be lost."""
    return make_printable(str(get_context(event).get("requestId") or "")[:_REQUEST_ID])


def choose_correlation_id(event: Event, headers: Headers) -> str:
    """The caller's `x-correlation-id` if it is valid, else the request id."""
    sent = headers.get("x-correlation-id", [""])[-1]
    return sent if _CORRELATION.fullmatch(sent) else get_request_id(event)


_REPLACED = "\ufffd"
_BOM = "\ufeff".encode()
_GZIP = (b"\x1f\x8b", "\x1f\ufffd".encode())  # as sent, and as API Gateway passes it on
_WIDE = (b"\xff\xfe", b"\xfe\xff", "\ufffd\ufffd".encode())  # byte order marks, as sent and as passed on
_FIRST = 4  # JSON in UTF-16 or UTF-32 has a zero in its first four bytes; JSON in UTF-8 never has zeros
_TYPE = "application/json"
_JSON = re.compile(r'application/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?;?', re.IGNORECASE)

_SENT_TYPES = re.compile("[,;]")
_OTHER_TYPE = "Send JSON in UTF-8, with Content-Type: application/json."


def check_media_type(content_type: str) -> None:
    """Refuses every type but JSON, with or without a body, as Chalice does; `read_body` looks at the charset too.

    Raises:
        UnsupportedMediaType
    """
    if _TYPE not in (part.strip() for part in _SENT_TYPES.split(content_type.lower())):
        raise UnsupportedMediaType(_OTHER_TYPE)


def read_body(event: Mapping[str, Any], content_type: str | None) -> bytes:
    """The bytes of a JSON body. A missing content type is taken as JSON (RFC 9110, 8.3).

    Raises:
        UnsupportedMediaType: another content type, or a charset that is not UTF-8 (RFC 8259, 8.1).
        TooLarge: more bytes than a request may have.
        InvalidRequest: broken base64 in the event.
    """
    if content_type is not None and not _JSON.fullmatch(content_type.strip()):
        raise UnsupportedMediaType(_OTHER_TYPE)
    text = event.get("body") or ""
    try:
        raw = b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except ValueError:
        raise InvalidRequest("The body is not text in UTF-8.") from None
    if len(raw) > limits.REQUEST_BYTES:
        raise TooLarge(
            f"A request can have at most {limits.REQUEST_BYTES} bytes; this one has {len(raw)}. Split it, or put large "
            "values in S3 and store their addresses.", limit=limits.REQUEST_BYTES, size=len(raw),
        )  # fmt: skip
    return raw


def _decode_text(raw: bytes) -> str:
    """Decodes the text of a body.

    API Gateway replaces each byte that is not UTF-8 with U+FFFD. So this character reveals another encoding, and
    callers who mean the character itself must escape it.
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
            "The body contains a byte that is not UTF-8: it is in another encoding, such as Latin-1, or compressed. "
            "Send it uncompressed, in UTF-8. To send the character U+FFFD itself, write it as \\ufffd."
        )
    return text


def parse_object(raw: bytes) -> dict[str, object]:
    """Parses the JSON object in a body.

    Raises:
        UnsupportedMediaType: the body is compressed.
        InvalidRequest: not UTF-8, not an object, or JSON that `strict_json` refuses. The message never quotes the body.
    """
    found = strict_json.read(_decode_text(raw))
    if found.fault:
        raise InvalidRequest(f"The body {found.fault}.", **found.members)
    if type(found.value) is not dict:
        raise InvalidRequest("The body is not a JSON object.")
    return found.value
