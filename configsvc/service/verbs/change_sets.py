"""Commits change sets, including those of a single operation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from configsvc.model.change_set import Activate, ChangeSet, Delete, check_change_set
from configsvc.model.etag import of_revision
from configsvc.model.names import Namespace
from configsvc.service.engine import access, decide_change, records
from configsvc.service.engine.ports import Caller, Idempotency, ServicePorts, WriteOutcome
from configsvc.service.engine.preconditions import write_and_explain
from configsvc.service.engine.records import LoggedChange, of_namespace
from configsvc.service.engine.writing import Intent


def commit_change_set(
    ports: ServicePorts, caller: Caller, namespace: Namespace, change_set: ChangeSet, idempotency: Idempotency | None
) -> WriteOutcome:
    """Commits all operations at one new revision, or none.

    Answers 200 `{"namespace", "revision", "results": [{"key", "op", "version", "active"}]}` and the revision as ETag.

    Raises:
        ConfigsvcError: the whole change set is refused; `failed` names every operation that failed.
    """
    wanted = check_change_set(change_set)
    intent = Intent(
        of_namespace(namespace),
        decide_change.list_change_addresses(namespace, wanted),
        partial(access.require, namespace=namespace, action="write"),
        partial(decide_change.decide_change_set, namespace, wanted, _answer_change_set),
    )
    return write_and_explain(ports, caller, intent, idempotency)


def _answer_change_set(namespace: Namespace, revision: int, changes: Sequence[LoggedChange]) -> WriteOutcome:
    results = [{"key": each.key, "op": each.op, "version": each.version, "active": each.now} for each in changes]
    return WriteOutcome(200, {"namespace": namespace, "revision": revision, "results": results}, of_revision(revision))


def commit_operation(  # noqa: PLR0917  # as the verbs that call it
    ports: ServicePorts,
    caller: Caller,
    namespace: Namespace,
    operation: Activate | Delete,
    message: str,
    idempotency: Idempotency | None,
) -> WriteOutcome:
    """Commits the operation at one new revision, with one read and one transaction. Answers as `answer_operation`.

    Raises:
        ConfigsvcError: the operation is refused.
    """
    wanted = check_change_set(ChangeSet((operation,), message))
    intent = Intent(
        records.of_namespace(namespace),
        decide_change.list_change_addresses(namespace, wanted),
        partial(access.require, namespace=namespace, action="write"),
        partial(decide_change.decide_change_set, namespace, wanted, partial(answer_operation, 200)),
    )
    return write_and_explain(ports, caller, intent, idempotency)


def answer_operation(status: int, namespace: Namespace, revision: int, changes: Sequence[LoggedChange]) -> WriteOutcome:
    """Answers `{"namespace", "key", "version", "revision", "active"}` and the revision as ETag."""
    (done,) = changes
    body = {
        "namespace": namespace, "key": done.key, "version": done.version, "revision": revision, "active": done.now,
    }  # fmt: skip
    return WriteOutcome(status, body, of_revision(revision))
