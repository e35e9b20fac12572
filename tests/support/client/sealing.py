"""Build sealed snapshots as a writer would."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping

from configsvc.model import names
from configsvc.model.encoding import to_base64std
from configsvc.model.envelope import Header
from configsvc.model.snapshot import ContentType, DataKey, Entry, SealedSnapshot
from configsvc_client._opening import cipher
from configsvc_client._ports import FetchedSnapshot
from tests.support.client.fakes import KMS_KEY, wrap

NS = names.Namespace("payments.prod")
DATA_KEY = hashlib.sha256(b"a data key of the tests").digest()


def make_data_key(raw: bytes = DATA_KEY, namespace: names.Namespace = NS, kms_key: str = KMS_KEY) -> DataKey:
    wrapped = wrap(kms_key, {"configsvc:namespace": namespace}, raw)
    return DataKey(cipher.derive_kid(raw), kms_key, to_base64std(wrapped))


def make_envelope(
    key: str,
    plaintext: bytes,
    *,
    version: int = 1,
    namespace: names.Namespace = NS,
    raw: bytes = DATA_KEY,
    content_type: ContentType = "text/plain",
) -> Entry:
    header = Header(namespace, names.Key(key), version, content_type, cipher.derive_kid(raw))
    sealed = cipher.seal(raw, header, plaintext, os.urandom(12))
    return Entry(header.key, version, "envelope", content_type, sealed)


def make_kms_entry(key: str, plaintext: bytes, *, namespace: names.Namespace = NS, kms_key: str = KMS_KEY) -> Entry:
    blob = wrap(kms_key, {"configsvc:namespace": namespace, "configsvc:key": key}, plaintext)
    return Entry(names.Key(key), 1, "kms", "text/plain", to_base64std(blob))


def make_plain_entry(key: str, text: str, content_type: ContentType = "text/plain") -> Entry:
    return Entry(names.Key(key), 1, "plain", content_type, text)


def make_snapshot(
    entries: Iterable[Entry],
    *,
    revision: int = 1,
    namespace: names.Namespace = NS,
    data_keys: Iterable[DataKey] | None = None,
    tag: str = "0a1b",
) -> FetchedSnapshot:
    keys = (make_data_key(namespace=namespace),) if data_keys is None else tuple(data_keys)
    return FetchedSnapshot(f'"{revision}-{tag}"', SealedSnapshot(namespace, revision, keys, tuple(entries)))


def seal_values(values: Mapping[str, str], *, revision: int = 1, namespace: names.Namespace = NS) -> FetchedSnapshot:
    return make_snapshot(
        [make_envelope(key, text.encode(), namespace=namespace) for key, text in values.items()],
        revision=revision,
        namespace=namespace,
    )
