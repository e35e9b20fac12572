"""Envelopes with a valid structure but no content, and wrapped data keys: the service opens neither."""

from hashlib import sha256

from configsvc.model import names
from configsvc.model.encoding import to_base64std, to_base64url
from configsvc.model.envelope import EnvelopeParts, Header, join
from configsvc.model.names import Kid
from configsvc.model.snapshot import ContentType, DataKey

KMS_KEY = "arn:aws:kms:eu-central-1:123456789012:key/0123abcd-0000-0000-0000-000000000000"


def kid(number: int = 0) -> Kid:
    return names.parse_kid(to_base64url(sha256(str(number).encode()).digest()))


FIRST = kid()


def data_key(number: int = 0) -> DataKey:
    return DataKey(kid(number), KMS_KEY, to_base64std(sha256(b"wrapped" + bytes([number])).digest() * 6))


def envelope(
    key: str,
    version: int,
    *,
    namespace: str = "payments.prod",
    kid: Kid = FIRST,
    content_type: ContentType = "text/plain",
    ciphertext: bytes = b"sealed",
) -> str:
    header = Header(names.parse_namespace(namespace), names.parse_key(key), version, content_type, kid)
    return join(EnvelopeParts(header.protected(), b"n" * 12, ciphertext, b"t" * 16))
