"""base64 in its one canonical spelling, and JSON in one canonical form.

Lenient decoders accept altered tags, because a 16-byte tag ends in a character with four spare bits. So the spare bits
of the last character must be zero, and base64url must not be padded.
"""

from __future__ import annotations

import binascii
import json

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")
_LAST = {2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}
"""Final characters with no spare bit set, by the length of the last group (RFC 4648, section 3.5)."""

_PADDING = (b"", b"===", b"==", b"=")
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def to_base64url(raw: bytes) -> str:
    """Unpadded base64url (RFC 7515, appendix C)."""
    return binascii.b2a_base64(raw, newline=False).translate(_TO_URL, b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of unpadded, canonical base64url.

    Raises:
        ValueError: padding, an invalid character, an invalid length, or non-zero spare bits.
    """
    over = len(text) & 3
    if over and text[-1] not in _LAST.get(over, ()):
        raise ValueError("not canonical base64url")
    return binascii.a2b_base64(text.encode("ascii").translate(_FROM_URL) + _PADDING[over], strict_mode=True)


def to_base64std(raw: bytes) -> str:
    """Padded base64 (RFC 4648, section 4), as the AWS CLI prints it."""
    return binascii.b2a_base64(raw, newline=False).decode()


def from_base64std(text: str) -> bytes:
    """The bytes of padded, canonical base64.

    Raises:
        ValueError: anything else.
    """
    raw = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    if to_base64std(raw) != text:
        raise ValueError("not canonical base64")
    return raw


def to_canonical_json(value: object) -> bytes:
    """JSON with sorted keys and no spaces, in UTF-8: equal values give equal bytes."""
    return _CANONICAL.encode(value).encode()
