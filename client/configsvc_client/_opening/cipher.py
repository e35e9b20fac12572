"""Seal and open envelopes under a data key. Nothing is negotiable: `dir`, `A256GCM`, one header spelling."""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.bindings._rust import openssl

from configsvc.model import names
from configsvc.model.encoding import from_base64url, to_base64url
from configsvc.model.envelope import NONCE, EnvelopeParts, Header, join, split
from configsvc.model.envelope import TAG as TAG_BYTES
from configsvc.model.errors import CannotOpen, InvalidEnvelope, InvalidName
from configsvc_client._secret import Secret, unmask

AESGCM = openssl.aead.AESGCM
"""What `cryptography.hazmat.primitives.ciphers.aead` gives out, without the dozen modules of its package: 3 ms."""

DATA_KEY_BYTES = 32
_KID_INFO = b"configsvc/kid/1"
_KID_TAIL = slice(-45, -2)
_KID_CHARACTERS = 64
"""At the end of a header, in whole groups of four: 48 bytes, which hold the kid and what closes the header."""


def derive_kid(data_key: bytes | Secret) -> names.Kid:
    """The id that commits to a data key: base64url of HKDF-SHA256 (RFC 5869), empty salt, one block of 32 bytes.

    Raises:
        ValueError: the data key has not 32 bytes.
    """
    if len(unmask(data_key)) != DATA_KEY_BYTES:
        raise ValueError("a data key has 32 bytes")
    pseudorandom = Secret(hmac.digest(b"", unmask(data_key), "sha256"))
    return names.Kid(to_base64url(hmac.digest(pseudorandom.reveal(), _KID_INFO + b"\x01", "sha256")))


def read_kid(envelope: str) -> names.Kid:
    """The kid that an envelope names, to choose the data key by; what it says is trusted for nothing else.

    Raises:
        CannotOpen: its header does not end in a kid, as ours do.
    """
    try:
        protected = envelope.partition(".")[0]
        tail = from_base64url(protected[-_KID_CHARACTERS - len(protected) % 4 :])
        return names.parse_kid(tail[_KID_TAIL].decode("ascii"))
    except (ValueError, InvalidName):
        raise CannotOpen("The envelope names no data key. Seal the value again with `configsvc put`.") from None


class Cipher:
    """A data key, ready to seal and open; knows its own kid and shows nothing."""

    __slots__ = ("_gcm", "kid")

    def __init__(self, data_key: bytes | Secret) -> None:
        self.kid = derive_kid(data_key)
        self._gcm = AESGCM(unmask(data_key))

    def __repr__(self) -> str:
        return f"Cipher(kid={self.kid!r})"

    def __reduce__(self) -> str:
        raise TypeError("a data key is not pickled")

    def is_named(self, kid: str) -> bool:
        """Whether a kid commits to this data key; compared in constant time."""
        return hmac.compare_digest(self.kid, kid)

    def seal(self, header: Header, plaintext: bytes | Secret, nonce: bytes) -> str:
        """The envelope of a plaintext; `nonce` is 12 random bytes, never used before with this data key.

        Raises:
            ValueError: the nonce has another size, or the header names another data key.
        """
        if len(nonce) != NONCE or header.kid != self.kid:
            raise ValueError("a nonce has 12 bytes, and the header names the data key that seals")
        protected = header.protected()
        sealed = self._gcm.encrypt(nonce, unmask(plaintext), protected)
        return join(EnvelopeParts(protected, nonce, sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]))

    def open(self, expected: Header, envelope: str) -> Secret:
        """The plaintext, if the envelope is exactly what the reader asked for.

        Args:
            expected: built by the reader from its own request, never from the envelope.
            envelope: as it was received.

        Raises:
            CannotOpen: another header, another data key, altered, or no envelope.
        """
        try:
            parts = split(envelope)
        except InvalidEnvelope as error:
            raise CannotOpen(error.detail, key=expected.key) from None
        protected = expected.protected()
        if parts.protected != protected or expected.kid != self.kid:
            raise CannotOpen(f"The envelope of {expected.key} was not sealed for here.", key=expected.key)
        try:
            return Secret(self._gcm.decrypt(parts.nonce, parts.ciphertext + parts.tag, protected))
        except InvalidTag:
            raise CannotOpen(f"The envelope of {expected.key} was altered.", key=expected.key) from None


def seal(data_key: bytes, header: Header, plaintext: bytes, nonce: bytes) -> str:
    """As `Cipher.seal`, for one value."""
    return Cipher(data_key).seal(header, plaintext, nonce)


def open(data_key: bytes, expected: Header, envelope: str) -> bytes:  # noqa: A001  # the glossary's word; used with its module
    """As `Cipher.open`, for one value."""
    return bytes(Cipher(data_key).open(expected, envelope).reveal())
