"""Whether drafts fit into one change set, told before anything is sealed."""

from __future__ import annotations

from collections.abc import Sequence

from configsvc.model import limits
from configsvc.model.change_set import check_value, stored_bytes
from configsvc.model.errors import TooLarge
from configsvc.model.names import Namespace
from configsvc_client.admin import _planner
from configsvc_client.admin._draft import Draft
from configsvc_client.admin._fits import check_size, sized

_VERSION = 10**9
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
            size=len(drafts),
        )
    for draft in drafts:
        check_size(namespace, draft)
    puts = [sized(namespace, draft, _VERSION) for draft in drafts]
    for put in puts:
        check_value(put)
    if len(_planner.split(puts)) > 1:
        size = sum(stored_bytes(put.value) for put in puts)
        raise TooLarge(
            f"All or nothing takes one change set, and that has {limits.CHANGE_SET_BYTES} bytes of stored values. "
            f"These take {size}, as a sealed value is a third larger than it was. {_NEXT}",
            limit=limits.CHANGE_SET_BYTES,
            size=size,
        )
