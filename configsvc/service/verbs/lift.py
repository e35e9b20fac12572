"""Lifts a namespace after a restore: above every revision and version of the lost time, and corrects HEAD."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import accumulate, takewhile
from typing import NamedTuple

from configsvc.model import limits
from configsvc.model.change_set import count_stored_bytes
from configsvc.model.errors import Contended, InvalidRequest
from configsvc.model.etag import of_revision
from configsvc.model.names import Kid, Namespace
from configsvc.model.snapshot import compute_data_key_cost, compute_entry_cost
from configsvc.service.engine import access, records, writing
from configsvc.service.engine.access import CallerRights, FoundRecords, find_live_head
from configsvc.service.engine.key_state import collect_states
from configsvc.service.engine.ports import Caller, Idempotency, LostRace, ServicePorts, Write, WriteOutcome
from configsvc.service.engine.records import DataKeyRecord, Head, KeyState, KidCount, LogRecord, Record
from configsvc.service.engine.summaries import LIFT
from configsvc.service.engine.tally import add_stamps, find_kid
from configsvc.service.engine.writing import COMMIT_SECONDS, Intent, LogNote, Plan, Situation, run_write

SETTLES = 1.0
"""Seconds after which a transaction that a read met has long been applied."""

_KEYS = 80
"""Keys that one lift corrects, or fewer if their values exceed one transaction: with HEAD and the log record they stay
below its 100 actions."""


def lift_namespace(
    ports: ServicePorts, caller: Caller, namespace: Namespace, revision: int, idempotency: Idempotency | None
) -> WriteOutcome:
    """Raises revision and floor to at least that number, and recounts HEAD.

    `revision` is the highest that anyone has seen, from readers' logs. The next revision is above it, and so is every
    next version, because no key has had more versions than its namespace has revisions. The served revision and its tag
    are new, so a client that holds a snapshot of the lost time does not get 304.

    A HEAD that somebody raised comes down to the log's revision, or to that number if it is higher. So does the latest
    version of a key, of at most 80 keys at once: while the answer reports differences, lift again.

    Answers 200 `{"namespace", "revision", "served_revision", "floor", "check": {"right", "differences"}}`; writes
    nothing
    if all of this holds already.

    Raises:
        NotFound, Forbidden: the caller's IAM principal does not have the admin action; or it administers only this
            namespace, and the number could end in a revision that new clients refuse.
        InvalidRequest: the number is out of range.
        Contended: there are too many concurrent writes.
    """
    if not 0 < revision <= limits.REVISION_LIFT:
        raise InvalidRequest(
            f"revision must be 1 to {limits.REVISION_LIFT}.", field="revision", limit=limits.REVISION_LIFT
        )
    intent = Intent(
        records.of_namespace(namespace),
        (records.head(namespace),),
        partial(_authorise, namespace, revision),
        partial(_decide, namespace, revision),
        partial(_gather, ports, namespace),
    )
    return run_write(ports, caller, intent, idempotency)


def _authorise(namespace: Namespace, revision: int, held: CallerRights, found: FoundRecords) -> None:
    access.require(held, found, namespace, "admin")
    if revision > limits.REVISION_LIFT_OWN and not held.may_everywhere():
        error = access.refuse_action(
            held, "admin", "*",
            f"A lift above {limits.REVISION_LIFT_OWN} needs admin on *: clients that start refuse revisions above "
            f"{limits.REVISION_MOST}, and a revision never goes down.",
        )  # fmt: skip
        error.members["limit"] = limits.REVISION_LIFT_OWN
        raise error


def _gather(ports: ServicePorts, namespace: Namespace, found: FoundRecords) -> FoundRecords:
    """Reads everything that HEAD counts.

    A read that contradicts HEAD may have met a write that was being applied. So a second read a while later must give
    the
    same; the lift commits under a condition on HEAD, which proves that nothing was written since.

    Raises:
        LostRace: the two reads differ.
    """
    head = find_live_head(found, namespace)
    if head is None:
        return found
    first = _count_again(ports, head)
    if compare_heads(head, rebuild_head(head, first.values())):
        if not ports.pause(SETTLES, COMMIT_SECONDS):
            raise Contended("There was no time to count twice. Nothing was written. Try again.", retry_after=1)
        if _count_again(ports, head) != first:
            raise LostRace([records.address_of(head)])
    return {**found, **first}


def _count_again(ports: ServicePorts, head: Head) -> dict[records.RecordAddress, Record]:
    partition = records.of_namespace(head.namespace)
    query = ports.repository.query
    below = records.log(partition, limits.REVISION_END).sk
    newest = query(partition, "R#", after=below, limit=1, reverse=True)
    counted = (*query(partition, "K#"), *query(partition, "U#"), *query(partition, "D#"), *newest)
    return {records.address_of(each): each for each in counted}


def _decide(namespace: Namespace, wanted: int, found: FoundRecords, situation: Situation) -> Plan:
    head = find_live_head(found, namespace)
    if head is None:
        raise access.build_absent_refusal(namespace)
    counted = [record for at, record in found.items() if at.sk[:2] in {"K#", "U#", "D#", "R#"}]
    right = rebuild_head(head, counted)
    raised = find_overstated(counted, right.revision)
    wrong = (*compare_heads(head, right), *(_build_key_mismatch(each, right.revision) for each in raised))
    if not wrong and head.revision >= wanted and head.floor >= wanted:
        return Plan(head.revision, (), _build_answer(head, wrong))
    revision = max(right.revision, wanted) + 1
    some = _select_at_once(raised)
    lowered = [each._replace(revision=revision, latest=right.revision) for each in some]
    keys = [Write(after, before.revision) for before, after in zip(some, lowered, strict=True)]
    lifted = right._replace(
        revision=revision, served=revision, tag=situation.tag, floor=max(right.floor, wanted),
        stamps=add_stamps(right.stamps, some, lowered),
    )  # fmt: skip
    was = {"revision": min(head.revision, limits.EXACT), "floor": min(head.floor, limits.EXACT)}
    details = {"asked": wanted, "was": was, "check": _describe_check(wrong)}
    log = writing.make_log_record(namespace, revision, revision, LogNote(LIFT, details=details), situation)
    return Plan(revision, (Write(lifted, head.revision), *keys, log), _build_answer(lifted, wrong))


def _select_at_once(raised: Sequence[KeyState]) -> list[KeyState]:
    """Returns the first of them, as many as one transaction can write with their values."""
    sizes = (count_stored_bytes(each.entry.value) if each.entry else 0 for each in raised)
    fit = takewhile(lambda total: total <= limits.TRANSACTION_VALUES, accumulate(sizes))
    return [each for each, _ in zip(raised[:_KEYS], fit, strict=False)]


def _build_key_mismatch(state: KeyState, revision: int) -> HeadMismatch:
    return HeadMismatch(f"keys.{state.key}.latest", state.latest, revision)


def _build_answer(head: Head, wrong: tuple[HeadMismatch, ...]) -> WriteOutcome:
    body = {
        "namespace": head.namespace, "revision": head.revision, "served_revision": head.served, "floor": head.floor,
        "check": _describe_check(wrong),
    }  # fmt: skip
    return WriteOutcome(200, body, of_revision(head.revision))


def _describe_check(wrong: tuple[HeadMismatch, ...]) -> dict[str, object]:
    """Describes the check for the answer and the log. Numbers are capped at EXACT: readers refuse higher ones."""
    shown = [each._replace(head=each.head and min(each.head, limits.EXACT)) for each in wrong]
    return {"right": not wrong, "differences": [each._asdict() for each in shown]}


class HeadMismatch(NamedTuple):
    """One number that HEAD has, and the one that was counted."""

    what: str
    head: int | None
    found: int | None


def rebuild_head(head: Head, found: Iterable[Record]) -> Head:
    """Counts HEAD again; `found` is all `K#`, `U#` and `D#`, and the newest record of the log."""
    stored = tuple(found)
    states = collect_states(stored)
    entries = [state.entry for state in states if state.entry]
    data_keys = [each for each in stored if isinstance(each, DataKeyRecord)]
    revision = _find_revision(head, stored)
    return head._replace(
        revision=revision,
        floor=min(head.floor, revision),
        entries=len(entries),
        size=sum(compute_entry_cost(entry, "utf8") for entry in entries),
        size_ascii=sum(compute_entry_cost(entry, "ascii") for entry in entries),
        stamps=add_stamps(0, (), states),
        kids=_count_kids(head, revision, states, data_keys),
    )


def _find_revision(head: Head, stored: Sequence[Record]) -> int:
    """Returns the last revision: each has a record in the log, and the newest is never removed.

    So somebody else raised a HEAD above it, or a number that no lift reaches.
    """
    logged = any(isinstance(each, LogRecord) for each in stored)
    said = [each.revision for each in stored] + ([] if logged else [head.revision])
    return max((each for each in said if each < limits.REVISION_END), default=0)


def compare_heads(head: Head, found: Head) -> tuple[HeadMismatch, ...]:
    """Lists the numbers that differ between two HEADs."""
    numbers = [
        HeadMismatch(name, getattr(head, name), getattr(found, name))
        for name in ("revision", "floor", "entries", "size", "size_ascii", "stamps")
    ]
    kids = sorted(head.kids.keys() | found.kids.keys())
    counts = [each for kid in kids for each in _compare_kid(kid, head.kids, found.kids)]
    return tuple(each for each in (*numbers, *counts) if each.head != each.found)


def find_overstated(found: Iterable[Record], revision: int) -> list[KeyState]:
    """Returns keys whose latest version somebody raised: no key has more versions than its namespace has revisions."""
    return [each for each in collect_states(found) if each.latest > revision]


def _count_kids(
    head: Head, revision: int, states: Sequence[KeyState], data_keys: Sequence[DataKeyRecord]
) -> dict[Kid, KidCount]:
    given_out = sum(min(state.latest, revision) for state in states)
    needed = [find_kid(state.entry) for state in states]
    return {
        each.data_key.kid: KidCount(
            head.kids[each.data_key.kid].seals if each.data_key.kid in head.kids else given_out,
            needed.count(each.data_key.kid), compute_data_key_cost(each.data_key), each.revision,
        )
        for each in data_keys
        if each.state == "live"
    }  # fmt: skip


def _compare_kid(kid: Kid, head: Mapping[Kid, KidCount], found: Mapping[Kid, KidCount]) -> list[HeadMismatch]:
    was, now = (each.get(kid) for each in (head, found))
    return [
        HeadMismatch(f"kids.{kid}.{name}", getattr(was, name, None), getattr(now, name, None))
        for name in ("seals", "served", "cost", "revision")
    ]
