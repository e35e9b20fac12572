"""Values as a developer would seal them, made with `cryptography` alone: no code of the client is in here."""

from __future__ import annotations

import base64
import json
import os
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


class DataKey(NamedTuple):
    """A data key of a namespace. The service cannot tell whether `wrapped` opens: it has no kms rights."""

    bare: bytes
    kid: str
    wrapped: str

    @property
    def body(self) -> dict[str, object]:
        """The body of the request that adds it."""
        return {"kid": self.kid, "kms_key": KMS_KEY, "wrapped": self.wrapped}


def new_data_key() -> DataKey:
    """32 random bytes, and the id that commits to them."""
    bare = os.urandom(32)
    kid = HKDF(hashes.SHA256(), 32, salt=b"", info=b"configsvc/kid/1").derive(bare)
    return DataKey(bare, _base64url(kid), base64.b64encode(os.urandom(184)).decode())


def seal_body(data_key: DataKey, namespace: str, key: str, version: int, plaintext: bytes) -> dict[str, object]:
    """The body of a put in envelope form (RFC 7516, `dir` with A256GCM)."""
    header = {
        "alg": "dir",
        "configsvc": {"key": key, "namespace": namespace, "version": version},
        "cty": "text/plain",
        "enc": "A256GCM",
        "kid": data_key.kid,
    }
    protected = _base64url(json.dumps(header, separators=(",", ":"), sort_keys=True).encode())
    nonce = os.urandom(12)
    made = AESGCM(data_key.bare).encrypt(nonce, plaintext, protected.encode())
    value = f"{protected}..{_base64url(nonce)}.{_base64url(made[:-16])}.{_base64url(made[-16:])}"
    return {"form": "envelope", "content_type": "text/plain", "value": value}


def open_envelope(data_key: DataKey, envelope: str) -> bytes:
    """The plaintext of an envelope."""
    protected, _, nonce, ciphertext, tag = envelope.split(".")
    return AESGCM(data_key.bare).decrypt(_raw(nonce), _raw(ciphertext) + _raw(tag), protected.encode())


def plain(value: str, content_type: str = "text/plain") -> dict[str, object]:
    """The body of a put in plain form."""
    return {"form": "plain", "content_type": content_type, "value": value}


def kms(size: int = 180) -> dict[str, object]:
    """The body of a put in kms form: base64, as `aws kms encrypt` prints it."""
    return {"form": "kms", "content_type": "text/plain", "value": base64.b64encode(os.urandom(size)).decode()}


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
