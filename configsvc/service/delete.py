"""Serve a key no longer; its versions stay, and activate brings one back."""

from __future__ import annotations

from configsvc.model.change_set import Delete
from configsvc.model.names import Namespace
from configsvc.service import one_change
from configsvc.service.ports import Caller, Idempotency, Outcome, Ports


def delete(  # noqa: PLR0917  # as put: ports, caller, namespace, what is asked, idempotency
    ports: Ports, caller: Caller, namespace: Namespace, wanted: Delete, message: str, idempotency: Idempotency | None
) -> Outcome:
    """The key is in no snapshot from one new revision on.

    Answers 200 `{"namespace", "key", "version": null, "revision", "active": null}` and the revision as ETag.

    Raises:
        NotFound: nothing is served under the key, or the namespace as always.
        ConfigsvcError: why else it is refused.
    """
    return one_change.commit(ports, caller, namespace, wanted, message, idempotency)
