"""The envelope: a compact JWE (RFC 7516), always with `alg: dir` and `enc: A256GCM`.

The protected header is the AAD, and a reader builds it from the key it requested. So a value opens only as that key, in
that namespace, at that version. This module opens nothing.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring

from configsvc.model import names
from configsvc.model.encoding import from_base64url, to_base64url
from configsvc.model.errors import InvalidEnvelope, InvalidName
from configsvc.model.record import Record
from configsvc.model.snapshot import CONTENT_TYPES

NONCE = 12
TAG = 16


class Header(Record):
    """The header of an envelope."""

    namespace: names.Namespace
    key: names.Key
    version: int
    content_type: str
    kid: names.Kid

    def protected(self) -> bytes:
        """The header's only spelling: canonical JSON in base64url, which is also the AAD (RFC 7516, 5.1 step 14)."""
        key, namespace, cty, kid = map(encode_basestring, (self.key, self.namespace, self.content_type, self.kid))
        return to_base64url(
            f'{{"alg":"dir","configsvc":{{"key":{key},"namespace":{namespace},"version":{self.version}}},'
            f'"cty":{cty},"enc":"A256GCM","kid":{kid}}}'.encode()
        ).encode()


class EnvelopeParts(Record):
    """The parts of a compact JWE: `protected` as it is on the wire, the rest decoded."""

    protected: bytes
    nonce: bytes
    ciphertext: bytes
    tag: bytes


def join(parts: EnvelopeParts) -> str:
    """The compact form; the second part is empty because `dir` wraps no key."""
    return ".".join(
        (
            parts.protected.decode(),
            "",
            to_base64url(parts.nonce),
            to_base64url(parts.ciphertext),
            to_base64url(parts.tag),
        )
    )


def split(envelope: str) -> EnvelopeParts:
    """The parts of a compact JWE.

    Raises:
        InvalidEnvelope: not five parts, a second part that is not empty, non-canonical base64url, or a wrong size
            of nonce or tag.
    """
    pieces = envelope.split(".")
    if len(pieces) != 5 or pieces[1]:  # noqa: PLR2004  # RFC 7516, 7.1: five parts
        raise InvalidEnvelope(
            "An envelope has five parts, and the second is empty. Seal the value with `configsvc put`."
        )
    try:
        nonce, ciphertext, tag = map(from_base64url, pieces[2:])
        protected = pieces[0].encode("ascii")
    except ValueError:
        raise InvalidEnvelope("A part of the envelope is not canonical base64url.") from None
    if len(nonce) != NONCE or len(tag) != TAG:
        raise InvalidEnvelope("The envelope needs a nonce of 12 bytes and a tag of 16 bytes.")
    return EnvelopeParts(protected, nonce, ciphertext, tag)


def read_header(envelope: str) -> Header:
    """Parses the header of an envelope, to route it. A reader compares `protected` with its own instead.

    Raises:
        InvalidEnvelope: not an envelope, or its header is not spelled exactly as a reader would build it.
    """
    return _parse_header(split(envelope).protected)


def peek(envelope: str) -> Header:
    """The header of an envelope that `read_header` accepted before; the other parts are not checked again.

    Raises:
        InvalidEnvelope: as `read_header`, for the first part.
    """
    return _parse_header(envelope.partition(".")[0].encode())


def _parse_header(protected: bytes) -> Header:
    try:
        found = json.loads(from_base64url(protected.decode()))
        belongs = found["configsvc"]
        header = Header(
            names.parse_namespace(belongs["namespace"]), names.parse_key(belongs["key"]), belongs["version"],
            found["cty"], names.parse_kid(found["kid"]),
        )  # fmt: skip
    except (ValueError, LookupError, TypeError, InvalidName, RecursionError):
        raise InvalidEnvelope(
            "The envelope's header is not a configsvc header. Seal the value with `configsvc put`."
        ) from None
    if type(header.version) is not int or header.version < 1 or header.content_type not in CONTENT_TYPES:
        raise InvalidEnvelope("The envelope's header has no valid version or content type.")
    if header.protected() != protected:
        raise InvalidEnvelope(
            "The envelope's header is not canonical: it needs sorted keys, no spaces, and no other members."
        )
    return header
