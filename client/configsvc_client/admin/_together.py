"""Whether drafts fit into one change set, told before anything is sealed."""

from __future__ import annotations

from collections.abc import Sequence

from configsvc.model import limits, names
from configsvc.model.change_set import Put, check_value, stored_bytes
from configsvc.model.envelope import NONCE, TAG, Header, Parts, join
from configsvc.model.errors import TooLarge
from configsvc.model.names import Namespace
from configsvc_client.admin import _planner, _sealing
from configsvc_client.admin._draft import Draft

_VERSION = 10**9
_KID = names.Kid("A" * 43)
_NEXT = "Import it without --atomic, or in parts."


def check_together(namespace: Namespace, drafts: Sequence[Draft]) -> None:
    """Whether one change set takes all of them; in plain or envelope form.

    Raises:
        TooLarge: more than 40, more than 1 MiB stored, or a value that is too large by itself.
        Unprocessable: a plain value is not what its content type says.
    """
    if len(drafts) > limits.OPERATIONS:
        raise TooLarge(
            f"All or nothing takes one change set, and that {limits.OPERATIONS} keys; these are {len(drafts)}. {_NEXT}",
            limit=limits.OPERATIONS,
        )
    puts = [_sized(namespace, draft) for draft in drafts]
    for put in puts:
        check_value(put)
    if len(_planner.split(puts)) > 1:
        size = sum(stored_bytes(put.value) for put in puts)
        raise TooLarge(
            f"All or nothing takes one change set, and that 1 MiB of stored values; these take {size} bytes. {_NEXT}",
            limit=limits.CHANGE_SET_BYTES,
        )


def _sized(namespace: Namespace, draft: Draft) -> Put:
    """A put as large as the sealed one will be, with a version of as many digits as any has."""
    if draft.form == "plain":
        return _sealing.stored(draft, draft.data.decode())
    header = Header(namespace, draft.key, _VERSION, draft.content_type, _KID)
    return _sealing.stored(draft, join(Parts(header.protected(), bytes(NONCE), bytes(len(draft.data)), bytes(TAG))))
