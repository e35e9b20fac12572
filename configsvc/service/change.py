"""Commit a change set."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from configsvc.model.change_set import ChangeSet, checked
from configsvc.model.etag import of_revision
from configsvc.model.names import Namespace
from configsvc.service import access, decide_change
from configsvc.service.overtaken import write
from configsvc.service.ports import Caller, Idempotency, Outcome, Ports
from configsvc.service.records import Change, of_namespace
from configsvc.service.writing import Intent


def change(
    ports: Ports, caller: Caller, namespace: Namespace, change_set: ChangeSet, idempotency: Idempotency | None
) -> Outcome:
    """All operations at one new revision, or none.

    Answers 200 `{"namespace", "revision", "results": [{"key", "op", "version", "active"}]}` and the revision as ETag.

    Raises:
        ConfigsvcError: the whole of it is refused; `failed` names every operation that could not be done.
    """
    wanted = checked(change_set)
    intent = Intent(
        of_namespace(namespace),
        decide_change.addresses(namespace, wanted),
        partial(access.require, namespace=namespace, action="write"),
        partial(decide_change.decide, namespace, wanted, _answer),
    )
    return write(ports, caller, intent, idempotency)


def _answer(namespace: Namespace, revision: int, changes: Sequence[Change]) -> Outcome:
    results = [{"key": each.key, "op": each.op, "version": each.version, "active": each.now} for each in changes]
    return Outcome(200, {"namespace": namespace, "revision": revision, "results": results}, of_revision(revision))
