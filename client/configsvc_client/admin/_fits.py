"""Whether a draft's value is small enough for its form, decided before anything is sealed or sent."""

from __future__ import annotations

from collections.abc import Iterable

from configsvc.model import names, sizes
from configsvc.model.change_set import Put
from configsvc.model.encoding import base64std
from configsvc.model.entry import Entry
from configsvc.model.envelope import NONCE, TAG, EnvelopeParts, Header, join
from configsvc.model.names import Namespace
from configsvc.model.snapshot import Charset, SealedSnapshot, data_key_cost, entry_cost, total_cost
from configsvc_client.admin import _sealing
from configsvc_client.admin._draft import Draft

_KID = names.Kid("A" * 43)


def check_size(namespace: Namespace, draft: Draft, version: int | None = None) -> None:
    """Refuse a value that its form does not take. Without a form it is sealed; without a version, for any.

    Raises:
        TooLarge: names the key, its size and what it may have at most.
    """
    size = len(draft.data)
    name = (namespace, draft.key, draft.content_type)
    most = sizes.most_sealed(*name, version) if version else sizes.most_sealed(*name)
    if draft.form == "plain":
        refused = sizes.refused_plain(draft.key, size)
    elif draft.form == "kms":
        refused = sizes.refused_kms(draft.key, size, most)
    else:
        refused = sizes.refused_sealed(draft.key, size, most)
    if refused:
        raise refused


def sized(namespace: Namespace, draft: Draft, version: int) -> Put:
    """A put as large as the sealed one will be; in kms form no larger, for KMS adds some bytes of its own."""
    if draft.form == "plain":
        return _sealing.stored(draft, draft.data.decode())
    if draft.form == "kms":
        return _sealing.stored(draft, base64std(bytes(len(draft.data) + 1)))
    header = Header(namespace, draft.key, version, draft.content_type, _KID)
    return _sealing.stored(
        draft, join(EnvelopeParts(header.protected(), bytes(NONCE), bytes(len(draft.data)), bytes(TAG)))
    )


def served_with(snapshot: SealedSnapshot, drafts: Iterable[Draft], charset: Charset) -> int:
    """Bytes that a namespace serves once these drafts are stored; perhaps some more, as versions have more digits."""
    entries = {entry.key: entry for entry in snapshot.entries}
    for draft in drafts:
        if draft.activate:
            put = sized(snapshot.namespace, draft, 1)
            entries[put.key] = Entry(put.key, 1, put.form, put.content_type, put.value)
    data_keys = map(data_key_cost, snapshot.data_keys)
    size = sum(entry_cost(each, charset) for each in entries.values())
    return total_cost(snapshot.namespace, snapshot.revision, data_keys, len(entries), size)
