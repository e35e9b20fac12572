"""A change set of one operation, as put, activate and delete make it, and how it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from configsvc.model.change_set import Activate, ChangeSet, Delete, checked
from configsvc.model.etag import of_revision
from configsvc.model.names import Namespace
from configsvc.service import access, decide_change, records
from configsvc.service.overtaken import write
from configsvc.service.ports import Caller, Idempotency, Outcome, Ports
from configsvc.service.records import Change
from configsvc.service.writing import Intent


def commit(  # noqa: PLR0917  # as the verbs that call it
    ports: Ports,
    caller: Caller,
    namespace: Namespace,
    operation: Activate | Delete,
    message: str,
    idempotency: Idempotency | None,
) -> Outcome:
    """The operation at one new revision; it costs one read and one transaction. Answers 200 as `answer` says.

    Raises:
        ConfigsvcError: why it is refused.
    """
    wanted = checked(ChangeSet((operation,), message))
    intent = Intent(
        records.of_namespace(namespace),
        decide_change.addresses(namespace, wanted),
        partial(access.require, namespace=namespace, action="write"),
        partial(decide_change.decide, namespace, wanted, partial(answer, 200)),
    )
    return write(ports, caller, intent, idempotency)


def answer(status: int, namespace: Namespace, revision: int, changes: Sequence[Change]) -> Outcome:
    """`{"namespace", "key", "version", "revision", "active"}` and the revision as ETag."""
    (done,) = changes
    body = {
        "namespace": namespace, "key": done.key, "version": done.version, "revision": revision, "active": done.now,
    }  # fmt: skip
    return Outcome(status, body, of_revision(revision))
