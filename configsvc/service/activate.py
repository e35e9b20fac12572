"""Serve a version that is there; rollback is the same, backwards."""

from __future__ import annotations

from configsvc.model.change_set import Activate
from configsvc.model.names import Namespace
from configsvc.service import one_change
from configsvc.service.ports import Caller, Idempotency, Outcome, Ports


def activate(  # noqa: PLR0917  # as put: ports, caller, namespace, what is asked, idempotency
    ports: Ports, caller: Caller, namespace: Namespace, wanted: Activate, message: str, idempotency: Idempotency | None
) -> Outcome:
    """The active pointer moves at one new revision; nothing is sealed again.

    Answers 200 `{"namespace", "key", "version", "revision", "active"}` and the revision as ETag.

    Raises:
        NotFound: the key has no such version, or the namespace as always.
        Gone: its value was destroyed.
        Conflict: its data key is retired.
        ConfigsvcError: why else it is refused.
    """
    return one_change.commit(ports, caller, namespace, wanted, message, idempotency)
