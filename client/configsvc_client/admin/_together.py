"""Whether drafts fit into one change set, decided before anything is sealed."""

from __future__ import annotations

from collections.abc import Sequence

from configsvc.model import limits
from configsvc.model.change_set import check_put, stored_bytes
from configsvc.model.errors import TooLarge
from configsvc.model.names import Namespace
from configsvc_client.admin import _planner
from configsvc_client.admin._draft import Draft
from configsvc_client.admin._fits import check_size, sized

_VERSION = 10**9


def check_together(namespace: Namespace, drafts: Sequence[Draft], others: int = 0, advice: str = "Split it.") -> None:
    """Whether one change set takes all of them.

    Args:
        namespace: where they go.
        drafts: with the forms that count.
        others: operations beside them, which store nothing.
        advice: what to do if it does not.

    Raises:
        TooLarge: more than 40, more than 1 MiB stored or 2 MiB sent, or a value that is too large by itself.
        Unprocessable: a plain value is not what its content type says.
    """
    count = len(drafts) + others
    if count > limits.OPERATIONS:
        raise TooLarge(
            f"A change set takes at most {limits.OPERATIONS} keys, and these are {count}. {advice}",
            limit=limits.OPERATIONS, size=count,
        )  # fmt: skip
    for draft in drafts:
        check_size(namespace, draft)
    puts = [sized(namespace, draft, _VERSION) for draft in drafts]
    for put in puts:
        check_put(put)
    size = sum(stored_bytes(put.value) for put in puts)
    if size > limits.CHANGE_SET_BYTES:
        larger = any(draft.form != "plain" for draft in drafts)
        raise TooLarge(
            f"A change set takes at most {limits.CHANGE_SET_BYTES} bytes of stored values, and these take {size}"
            f"{': a sealed value is a third larger than it was' if larger else ''}. {advice}",
            limit=limits.CHANGE_SET_BYTES, size=size,
        )  # fmt: skip
    sent = _planner.sent(puts)
    if sent > limits.REQUEST_BYTES:
        raise TooLarge(
            f"A request has at most {limits.REQUEST_BYTES} bytes, and this one may have {sent}, because some "
            f"characters are longer in JSON. {advice}", limit=limits.REQUEST_BYTES, size=sent,
        )  # fmt: skip
