"""Lift a namespace after a restore: above every revision and version that the lost time gave out, with HEAD checked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import accumulate, takewhile

from configsvc.model import limits
from configsvc.model.change_set import stored_bytes
from configsvc.model.errors import Contended, InvalidRequest
from configsvc.model.etag import of_revision
from configsvc.model.names import Namespace
from configsvc.service import access, change_log, records
from configsvc.service.access import Access
from configsvc.service.change_log import Done
from configsvc.service.found import Found, live_head
from configsvc.service.history import LIFT
from configsvc.service.ports import Caller, Idempotency, LostRace, Outcome, Ports, Write
from configsvc.service.rebuild import Difference, differences, overstated, rebuilt
from configsvc.service.records import Head, KeyState, Record
from configsvc.service.tally import stamped
from configsvc.service.writing import COMMIT_SECONDS, Intent, Plan, Situation, write

SETTLES = 1.0
"""Seconds after which a transaction that a reading fell into has long been applied."""

_KEYS = 80
"""Keys that one lift corrects, or fewer whose values pass what a transaction takes: with HEAD and the log's record they
stay below its 100 actions."""


def lift(ports: Ports, caller: Caller, namespace: Namespace, revision: int, idempotency: Idempotency | None) -> Outcome:
    """Revision and floor are at least that number from now on, and HEAD counts what is there.

    `revision` is the highest that anyone has seen, from readers' logs. The next revision is above it, and so is every
    next version, for no key has had more versions than its namespace revisions. The served revision and its tag are
    new, so nobody who holds something of the lost time is told that it is current.

    A HEAD that somebody raised comes down to what the log has, or to that number where it is higher. So does the latest
    version of a key, of at most 80 keys at once: while the answer says that something was wrong, lift again.

    Answers 200 `{"namespace", "revision", "served_revision", "floor", "check": {"right", "differences"}}`; nothing is
    written when all that is so already.

    Raises:
        NotFound, Forbidden: the caller's IAM principal is no admin, or not of every namespace and the number is so high
            that it could end in one that processes which start refuse.
        InvalidRequest: no number to lift to.
        Contended: others write all the time.
    """
    if not 0 < revision <= limits.REVISION_LIFT:
        raise InvalidRequest(f"revision is 1 to {limits.REVISION_LIFT}.", field="revision", limit=limits.REVISION_LIFT)
    intent = Intent(
        records.of_namespace(namespace),
        (records.head(namespace),),
        partial(_authorise, namespace, revision),
        partial(_decide, namespace, revision),
        partial(_gather, ports, namespace),
    )
    return write(ports, caller, intent, idempotency)


def _authorise(namespace: Namespace, revision: int, held: Access, found: Found) -> None:
    access.require(held, found, namespace, "admin")
    if revision > limits.REVISION_LIFT_OWN and not held.may_everywhere():
        error = access.lacking(
            held, "admin", "*",
            f"Above {limits.REVISION_LIFT_OWN} a lift takes admin on *: processes that start take no revision above "
            f"{limits.REVISION_MOST}, and a revision does not go down again.",
        )  # fmt: skip
        error.members["limit"] = limits.REVISION_LIFT_OWN
        raise error


def _gather(ports: Ports, namespace: Namespace, found: Found) -> Found:
    """What HEAD counts.

    A reading that says otherwise than HEAD may have fallen into a write that was being applied. So it has to say the
    same again a while later; that nothing was written since is the condition on HEAD that the lift commits with.

    Raises:
        LostRace: two readings differ.
    """
    head = live_head(found, namespace)
    if head is None:
        return found
    first = _counted(ports, head)
    if differences(head, rebuilt(head, first.values())):
        if not ports.pause(SETTLES, COMMIT_SECONDS):
            raise Contended("There is no time left to count twice. Nothing was written. Try again.", retry_after=1)
        if _counted(ports, head) != first:
            raise LostRace([records.address_of(head)])
    return {**found, **first}


def _counted(ports: Ports, head: Head) -> dict[records.Address, Record]:
    partition = records.of_namespace(head.namespace)
    query = ports.repository.query
    below = records.log(partition, limits.REVISION_END).sk
    newest = query(partition, "R#", after=below, limit=1, reverse=True)
    counted = (*query(partition, "K#"), *query(partition, "U#"), *query(partition, "D#"), *newest)
    return {records.address_of(each): each for each in counted}


def _decide(namespace: Namespace, wanted: int, found: Found, situation: Situation) -> Plan:
    head = live_head(found, namespace)
    if head is None:
        raise access.absent(namespace)
    counted = [record for at, record in found.items() if at.sk[:2] in {"K#", "U#", "D#", "R#"}]
    right = rebuilt(head, counted)
    raised = overstated(counted, right.revision)
    wrong = (*differences(head, right), *(_raised(each, right.revision) for each in raised))
    if not wrong and head.revision >= wanted and head.floor >= wanted:
        return Plan(head.revision, (), _answer(head, wrong))
    revision = max(right.revision, wanted) + 1
    some = _at_once(raised)
    lowered = [each._replace(revision=revision, latest=right.revision) for each in some]
    keys = [Write(after, before.revision) for before, after in zip(some, lowered, strict=True)]
    lifted = right._replace(
        revision=revision, served=revision, tag=situation.tag, floor=max(right.floor, wanted),
        stamps=stamped(right.stamps, some, lowered),
    )  # fmt: skip
    was = {"revision": min(head.revision, limits.EXACT), "floor": min(head.floor, limits.EXACT)}
    details = {"asked": wanted, "was": was, "check": _checked(wrong)}
    log = change_log.logged(namespace, revision, revision, Done(LIFT, details=details), situation)
    return Plan(revision, (Write(lifted, head.revision), *keys, log), _answer(lifted, wrong))


def _at_once(raised: Sequence[KeyState]) -> list[KeyState]:
    """The first of them, as many as one transaction writes with their values."""
    sizes = (stored_bytes(each.entry.value) if each.entry else 0 for each in raised)
    fit = takewhile(lambda total: total <= limits.TRANSACTION_VALUES, accumulate(sizes))
    return [each for each, _ in zip(raised[:_KEYS], fit, strict=False)]


def _raised(state: KeyState, revision: int) -> Difference:
    return Difference(f"keys.{state.key}.latest", state.latest, revision)


def _answer(head: Head, wrong: tuple[Difference, ...]) -> Outcome:
    body = {
        "namespace": head.namespace, "revision": head.revision, "served_revision": head.served, "floor": head.floor,
        "check": _checked(wrong),
    }  # fmt: skip
    return Outcome(200, body, of_revision(head.revision))


def _checked(wrong: tuple[Difference, ...]) -> dict[str, object]:
    """The check as it is answered and logged. Readers refuse numbers above EXACT, and a log is read for ever."""
    told = [each._replace(head=each.head and min(each.head, limits.EXACT)) for each in wrong]
    return {"right": not wrong, "differences": [each._asdict() for each in told]}
