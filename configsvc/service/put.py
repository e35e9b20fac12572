"""Store a value as a key's next version."""

from __future__ import annotations

from functools import partial

from configsvc.model.change_set import ChangeSet, Put, checked
from configsvc.model.names import Namespace
from configsvc.service import access, decide_change, records
from configsvc.service.found import Found
from configsvc.service.one_change import answer
from configsvc.service.overtaken import write
from configsvc.service.ports import Caller, Idempotency, Outcome, Ports
from configsvc.service.records import Change
from configsvc.service.replay import replayed
from configsvc.service.writing import Intent, Plan, Situation


def put(  # noqa: PLR0917  # as the other verbs: ports, caller, namespace, what is asked, idempotency
    ports: Ports, caller: Caller, namespace: Namespace, wanted: Put, message: str, idempotency: Idempotency | None
) -> Outcome:
    """One operation at one new revision; it costs one read and one transaction.

    Answers 201 `{"namespace", "key", "version", "revision", "active"}` and the revision as ETag; 200 with the first
    version and revision when the identical envelope is the latest version already.

    Raises:
        ConfigsvcError: why it is refused.
    """
    change_set = checked(ChangeSet((wanted,), message))
    intent = Intent(
        records.of_namespace(namespace),
        decide_change.addresses(namespace, change_set),
        partial(access.require, namespace=namespace, action="write"),
        partial(_decide, namespace, change_set),
    )
    return write(ports, caller, intent, idempotency)


def _decide(namespace: Namespace, change_set: ChangeSet, found: Found, situation: Situation) -> Plan:
    operation = change_set.operations[0]
    if again := replayed(namespace, operation, found):
        revision, number, state = again.version.revision, again.version.entry.version, again.known.state
        first = Change(operation.key, "put", number, None, state and state.active)
        return Plan(revision, again.known.conditions, answer(200, namespace, revision, [first]))
    return decide_change.decide(namespace, change_set, partial(answer, 201), found, situation)
