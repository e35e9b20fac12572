"""How large a value may be, in bytes of the value itself: what a person has, not what is stored of it.

An envelope is base64url, so it is a third larger than its value, and its header takes some 300 bytes more.
"""

from __future__ import annotations

from configsvc.model import limits
from configsvc.model.envelope import NONCE, TAG, EnvelopeParts, Header, join
from configsvc.model.errors import TooLarge
from configsvc.model.names import Key, Kid, Namespace
from configsvc.model.snapshot import ContentType

_VERSION = 10**10 - 1
"""A version with as many digits as any has, so that what fits once fits for ever."""

_KID = Kid("A" * 43)
_ELSEWHERE = "Put it in S3 and store its address here."


def compute_sealed_limit(namespace: Namespace, key: Key, content_type: ContentType, version: int = _VERSION) -> int:
    """The bytes that a value in envelope form may have under this key; at any version, if none is named."""
    header = Header(namespace, key, version, content_type, _KID)
    return _decoded_size(
        limits.STORED_VALUE - len(join(EnvelopeParts(header.protected(), bytes(NONCE), b"", bytes(TAG))))
    )


def refuse_large_plain(key: Key, size: int) -> TooLarge | None:
    """Why a value of so many bytes has no plain form; None if it has."""
    if size <= limits.STORED_VALUE:
        return None
    return TooLarge(
        f"{key} has {size} bytes, and a plain value has at most {limits.STORED_VALUE}. {_ELSEWHERE}",
        limit=limits.STORED_VALUE, size=size, key=key,
    )  # fmt: skip


def refuse_large_kms(key: Key, size: int, sealed: int) -> TooLarge | None:
    """Why a value of so many bytes has no kms form; `sealed` is what an envelope takes."""
    if size <= limits.KMS_PLAINTEXT:
        return None
    return TooLarge(
        f"{key} has {size} bytes, and kms:Encrypt takes at most {limits.KMS_PLAINTEXT}. Leave --kms out: sealed under "
        f"a data key, a value has up to {sealed}.", limit=limits.KMS_PLAINTEXT, size=size, key=key,
    )  # fmt: skip


def refuse_large_sealed(key: Key, size: int, most: int) -> TooLarge | None:
    """Why a value of so many bytes has no envelope, of which the largest holds `most`."""
    if size <= most:
        return None
    return TooLarge(
        f"{key} has {size} bytes, and a sealed value has at most {most}: its envelope is a third larger, and that has "
        f"at most {limits.STORED_VALUE}. {_ELSEWHERE}", limit=most, size=size, key=key,
    )  # fmt: skip


def refuse_large_namespace(namespace: Namespace, size: int, limit: int) -> TooLarge:
    """Why a namespace does not take what would make it serve so many bytes."""
    most = limits.SNAPSHOT_BYTES_MOST
    more = (
        f"An administrator can raise the limit, to at most {most}: configsvc namespace set {namespace} "
        "--snapshot-bytes N. Or delete" if limit < most else "It cannot be raised. Delete"
    )  # fmt: skip
    return TooLarge(
        f"With this write {namespace} would serve {size} bytes, and its limit is {limit}. {more} keys, split the "
        "namespace, or put large values in S3.", limit=limit, size=size,
    )  # fmt: skip


def refuse_large_escaped(namespace: Namespace, size: int, limit: int) -> TooLarge:
    """Why a namespace does not take what some runtime could not answer."""
    return TooLarge(
        f"With this write {namespace} would serve {size} bytes where a runtime escapes what is not ASCII, and no "
        f"namespace serves more than {limit} so. Delete keys, split the namespace, or put large values in S3.",
        limit=limit, size=size,
    )  # fmt: skip


def refuse_large_envelope(key: Key, envelope: str) -> TooLarge | None:
    """As `refused_sealed`, for an envelope that is not opened."""
    stored = len(envelope.encode())
    if stored <= limits.STORED_VALUE:
        return None
    pieces = envelope.split(".")
    ciphertext = len(pieces[3].encode()) if len(pieces) == 5 else stored  # noqa: PLR2004  # RFC 7516, 7.1: five parts
    most = _decoded_size(limits.STORED_VALUE - (stored - ciphertext))
    return refuse_large_sealed(key, max(_decoded_size(ciphertext), most + 1), most)


def _decoded_size(characters: int) -> int:
    """Bytes that so many characters of base64url stand for."""
    return max(0, characters) * 3 // 4
