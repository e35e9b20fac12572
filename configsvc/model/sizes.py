"""How large a value may be, in bytes of the value itself and not of its stored form.

An envelope is base64url, so it is a third larger than its value, plus about 300 bytes of header.
"""

from __future__ import annotations

from configsvc.model import limits
from configsvc.model.envelope import NONCE, TAG, EnvelopeParts, Header, join
from configsvc.model.errors import TooLarge
from configsvc.model.names import Key, Kid, Namespace
from configsvc.model.snapshot import ContentType

_VERSION = 10**10 - 1
"""The version with the most digits, so that a value that fits once always fits."""

_KID = Kid("A" * 43)
_ELSEWHERE = "Put it in S3 and store its address here."


def compute_sealed_limit(namespace: Namespace, key: Key, content_type: ContentType, version: int = _VERSION) -> int:
    """The most bytes that a sealed value may have under this key; without a version, for every version."""
    header = Header(namespace, key, version, content_type, _KID)
    return _decoded_size(
        limits.STORED_VALUE - len(join(EnvelopeParts(header.protected(), bytes(NONCE), b"", bytes(TAG))))
    )


def refuse_large_plain(key: Key, size: int) -> TooLarge | None:
    """The error for a plain value that is too large; None if it fits."""
    if size <= limits.STORED_VALUE:
        return None
    return TooLarge(
        f"{key} has {size} bytes, but a plain value can have at most {limits.STORED_VALUE}. {_ELSEWHERE}",
        limit=limits.STORED_VALUE, size=size, key=key,
    )  # fmt: skip


def refuse_large_kms(key: Key, size: int, sealed: int) -> TooLarge | None:
    """The error for a kms value that is too large; None if it fits. `sealed` is the limit for an envelope."""
    if size <= limits.KMS_PLAINTEXT:
        return None
    return TooLarge(
        f"{key} has {size} bytes, but kms:Encrypt takes at most {limits.KMS_PLAINTEXT}. Omit --kms: a value sealed "
        f"under a data key can have up to {sealed} bytes.", limit=limits.KMS_PLAINTEXT, size=size, key=key,
    )  # fmt: skip


def refuse_large_sealed(key: Key, size: int, most: int) -> TooLarge | None:
    """The error for a sealed value of more than `most` bytes; None if it fits."""
    if size <= most:
        return None
    return TooLarge(
        f"{key} has {size} bytes, but a sealed value can have at most {most}, because its envelope is a third larger "
        f"and limited to {limits.STORED_VALUE}. {_ELSEWHERE}", limit=most, size=size, key=key,
    )  # fmt: skip


def refuse_large_namespace(namespace: Namespace, size: int, limit: int) -> TooLarge:
    """The error for a write after which a namespace would serve too many bytes."""
    most = limits.SNAPSHOT_BYTES_MOST
    more = (
        f"An administrator can raise the limit, to at most {most}: configsvc namespace set {namespace} "
        "--snapshot-bytes N. Or delete" if limit < most else "It cannot be raised. Delete"
    )  # fmt: skip
    return TooLarge(
        f"With this write {namespace} would serve {size} bytes, but its limit is {limit}. {more} keys, split the "
        "namespace, or put large values in S3.", limit=limit, size=size,
    )  # fmt: skip


def refuse_large_escaped(namespace: Namespace, size: int, limit: int) -> TooLarge:
    """The error for a write after which some runtime could not return the snapshot."""
    return TooLarge(
        f"With this write {namespace} would serve {size} bytes on a runtime that escapes non-ASCII characters, but the "
        f"limit there is {limit}. Delete keys, split the namespace, or put large values in S3.",
        limit=limit, size=size,
    )  # fmt: skip


def refuse_large_envelope(key: Key, envelope: str) -> TooLarge | None:
    """Like `refuse_large_sealed`, for an envelope that is not opened."""
    stored = len(envelope.encode())
    if stored <= limits.STORED_VALUE:
        return None
    pieces = envelope.split(".")
    ciphertext = len(pieces[3].encode()) if len(pieces) == 5 else stored  # noqa: PLR2004  # RFC 7516, 7.1: five parts
    most = _decoded_size(limits.STORED_VALUE - (stored - ciphertext))
    return refuse_large_sealed(key, max(_decoded_size(ciphertext), most + 1), most)


def _decoded_size(characters: int) -> int:
    """The bytes that this many characters of base64url encode."""
    return max(0, characters) * 3 // 4
