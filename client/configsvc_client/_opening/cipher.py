"""Seal and open envelopes under a data key: always `dir`, `A256GCM` and one form of header."""

from __future__ import annotations

import hmac

from cryptography.hazmat.bindings._rust import openssl

from configsvc.model import names
from configsvc.model.encoding import from_base64url, to_base64url
from configsvc.model.envelope import NONCE, EnvelopeParts, Header, join, split
from configsvc.model.envelope import TAG as TAG_BYTES
from configsvc.model.errors import CannotOpen, InvalidEnvelope, InvalidName
from configsvc_client._secret import Secret, unmask

AESGCM = openssl.aead.AESGCM
"""The class that `cryptography.hazmat.primitives.ciphers.aead` exports. Importing that package costs 3 ms more."""

DATA_KEY_BYTES = 32
_KID_INFO = b"configsvc/kid/1"
_KID_TAIL = slice(-45, -2)
_KID_CHARACTERS = 64
"""The last 64 characters of a header, in whole groups of four, are 48 bytes: the kid and the end of the JSON."""


def derive_kid(data_key: bytes | Secret) -> names.Kid:
    """Derives the kid that commits to a data key: base64url of HKDF-SHA256 (RFC 5869), empty salt, one 32-byte block.

    Raises:
        ValueError: the data key is not 32 bytes long.
    """
    if len(unmask(data_key)) != DATA_KEY_BYTES:
        raise ValueError("a data key has 32 bytes")
    pseudorandom = Secret(hmac.digest(b"", unmask(data_key), "sha256"))
    return names.Kid(to_base64url(hmac.digest(pseudorandom.reveal(), _KID_INFO + b"\x01", "sha256")))


def read_kid(envelope: str) -> names.Kid:
    """Reads the kid in an envelope, only to choose the data key. Nothing else in the header is trusted here.

    Raises:
        CannotOpen: the header does not end with a kid, as every configsvc header does.
    """
    try:
        protected = envelope.partition(".")[0]
        tail = from_base64url(protected[-_KID_CHARACTERS - len(protected) % 4 :])
        return names.parse_kid(tail[_KID_TAIL].decode("ascii"))
    except (ValueError, InvalidName):
        raise CannotOpen("The envelope names no data key. Seal the value again with `configsvc put`.") from None


class Cipher:
    """A data key, ready to seal and open. Knows its kid; its `repr` shows no key."""

    __slots__ = ("_gcm", "kid")

    def __init__(self, data_key: bytes | Secret) -> None:
        self.kid = derive_kid(data_key)
        self._gcm = AESGCM(unmask(data_key))

    def __repr__(self) -> str:
        return f"Cipher(kid={self.kid!r})"

    def __reduce__(self) -> str:
        raise TypeError("a data key cannot be pickled")

    def is_named(self, kid: str) -> bool:
        """Whether a kid commits to this data key. The comparison takes constant time."""
        return hmac.compare_digest(self.kid, kid)

    def seal(self, header: Header, plaintext: bytes | Secret, nonce: bytes) -> str:
        """Seals a plaintext. `nonce` must be 12 random bytes, never used before with this data key.

        Raises:
            ValueError: the nonce has another size, or the header names another data key.
        """
        if len(nonce) != NONCE or header.kid != self.kid:
            raise ValueError("the nonce must be 12 bytes long, and the header must name this data key")
        protected = header.protected()
        sealed = self._gcm.encrypt(nonce, unmask(plaintext), protected)
        return join(EnvelopeParts(protected, nonce, sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]))

    def open(self, expected: Header, envelope: str) -> Secret:
        """Opens an envelope if it is exactly the one the reader asked for.

        Args:
            expected: built by the reader from its own request, never from the envelope.
            envelope: as it was received.

        Raises:
            CannotOpen: not an envelope, altered, or sealed with another header or data key.
        """
        try:
            parts = split(envelope)
        except InvalidEnvelope as error:
            raise CannotOpen(error.detail, key=expected.key) from None
        protected = expected.protected()
        if parts.protected != protected or expected.kid != self.kid:
            raise CannotOpen(
                f"The envelope for {expected.key} was sealed for a different key, namespace or version.",
                key=expected.key,
            )
        try:
            return Secret(self._gcm.decrypt(parts.nonce, parts.ciphertext + parts.tag, protected))
        except Exception as error:
            if type(error).__name__ != "InvalidTag":  # its module is not loaded until one is raised
                raise
            raise CannotOpen(f"The envelope for {expected.key} was altered.", key=expected.key) from None


def seal(data_key: bytes, header: Header, plaintext: bytes, nonce: bytes) -> str:
    """Seals one value, like `Cipher.seal`."""
    return Cipher(data_key).seal(header, plaintext, nonce)


def open(data_key: bytes, expected: Header, envelope: str) -> bytes:  # noqa: A001  # the glossary's word; used with its module
    """Opens one value, like `Cipher.open`."""
    return bytes(Cipher(data_key).open(expected, envelope).reveal())
