"""Retire a data key: nothing is sealed under it any more, and no version sealed under it is activated."""

from __future__ import annotations

from functools import partial

from configsvc.model.errors import Conflict
from configsvc.model.names import Kid, Namespace
from configsvc.service import access, change_log, keyring, records
from configsvc.service.change_log import Done
from configsvc.service.found import Found
from configsvc.service.ports import Caller, Idempotency, Outcome, Ports, Write
from configsvc.service.writable import writable
from configsvc.service.writing import Intent, Plan, Situation, write


def retire_data_key(
    ports: Ports, caller: Caller, namespace: Namespace, kid: Kid, idempotency: Idempotency | None
) -> Outcome:
    """Answers 200 `{"namespace", "kid", "state", "revision"}`; nothing is written when it is retired already.

    Its wrapping stays, for earlier revisions need it. There is no way back: add another data key instead.

    Raises:
        NotFound, Forbidden: the caller's IAM principal is no admin; or there is no such data key.
        Conflict: entries that are served need it, or the namespace is read-only.
    """
    intent = Intent(
        records.of_namespace(namespace),
        keyring.addresses(namespace, kid),
        partial(access.require, namespace=namespace, action="admin"),
        partial(_decide, namespace, kid),
    )
    return write(ports, caller, intent, idempotency)


def _decide(namespace: Namespace, kid: Kid, found: Found, situation: Situation) -> Plan:
    known = keyring.stored(found, namespace, kid)
    if known.state == "retired":
        return Plan(known.revision, (), keyring.answer(known))
    base = writable(found, namespace)
    keyring.live(base.head, known)
    count = base.head.kids[kid]
    if count.served:
        raise Conflict(
            f"{count.served} served entries need that data key. Put their values anew under another, then retire it.",
            kid=kid, served=count.served,
        )  # fmt: skip
    kids = {other: each for other, each in base.head.kids.items() if other != kid}
    head = base.head._replace(revision=base.head.revision + 1, kids=kids)
    new = known._replace(revision=head.revision, state="retired")
    done = Done("retire_data_key", kid, details={"seals": count.seals})
    actions = (
        Write(head, base.head.revision), base.condition, Write(new, known.revision),
        change_log.logged(namespace, head.revision, head.served, done, situation),
    )  # fmt: skip
    return Plan(head.revision, actions, keyring.answer(new))
