"""The one loop of every write: read, authorise, look up the Idempotency-Key, decide, commit, log."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple, TypeVar

from configsvc.model import limits
from configsvc.model.encoding import to_canonical_json
from configsvc.model.errors import (
    ConfigsvcError,
    Contended,
    IdempotencyMismatch,
    InvalidRequest,
    Throttled,
    Unavailable,
)
from configsvc.model.names import Namespace
from configsvc.model.snapshot import Charset
from configsvc.service.engine import access, records
from configsvc.service.engine.access import CallerRights, FoundRecords, find_record
from configsvc.service.engine.ports import (
    Caller,
    Idempotency,
    LostRace,
    Schemas,
    ServicePorts,
    StampCheck,
    WallMoment,
    Write,
    WriteAction,
    WriteOutcome,
)
from configsvc.service.engine.records import KeptAnswer, LoggedChange, LogRecord, RecordAddress, address_of

COMMIT_SECONDS = 0.6
"""What a try takes at least that shall end before the deadline: a read and a transaction."""

FIRST_PAUSE, LONGEST_PAUSE, LEAST_PAUSE = 0.05, 0.3, 0.01
OLD_SECONDS = 2.0
"""Age at which a write waits least. Were it to wait ever longer, younger ones would always be faster."""

WriteResult = TypeVar("WriteResult")


class Situation(NamedTuple):
    """All that a decision rests on beside what was read and what was asked."""

    caller: Caller
    access: CallerRights
    now: WallMoment
    tag: str
    schemas: Schemas
    charset: Charset


class Plan(NamedTuple):
    """What a write comes to.

    No actions: nothing is to change. Conditions only: nothing is either, and they show that what is answered stood
    together. A `refusal` is raised once conditions, HEAD's first, have shown the same of what it was drawn from. For a
    batch read is not isolated: records of different moments must neither refuse nor answer anybody.

    `standing` are conditions on what nobody changes without moving HEAD's revision, on which the first action is
    conditioned. They join the transaction where there is room, else they are shown to hold before it.
    """

    revision: int
    actions: tuple[WriteAction, ...]
    outcome: WriteOutcome
    refusal: ConfigsvcError | None = None
    standing: tuple[StampCheck, ...] = ()


def refuse_plan(plan: Plan, refusal: ConfigsvcError) -> Plan:
    """What it comes to instead: the refusal, under the conditions that the plan had. The first is HEAD's."""
    conditions = (*(_condition(action) for action in plan.actions), *plan.standing)
    return plan._replace(actions=conditions, refusal=refusal)


def _condition(action: WriteAction) -> StampCheck:
    address = address_of(action.record) if isinstance(action, Write) else action.address
    return StampCheck(address, action.expected)


def _nothing_more(found: FoundRecords) -> FoundRecords:
    return found


class Intent(NamedTuple):
    """A write before it is decided: what to read, who may, and what then.

    `gather` reads more of what was found, for the few that rest on more than a batch of records.
    """

    partition: str
    addresses: tuple[RecordAddress, ...]
    authorise: Callable[[CallerRights, FoundRecords], None]
    decide: Callable[[FoundRecords, Situation], Plan]
    gather: Callable[[FoundRecords], FoundRecords] = _nothing_more


def run_write(ports: ServicePorts, caller: Caller, intent: Intent, asked: Idempotency | None) -> WriteOutcome:
    """Do it once, or say why not.

    Raises:
        Contended: races were lost until the deadline; nothing was written.
        StoreBusy, StoreUnavailable: the store failed; safe to repeat with the same Idempotency-Key.
        ConfigsvcError: whatever the decision refuses.
    """
    return retry_lost_races(ports, intent.partition, lambda: _once(ports, caller, intent, asked))


def retry_lost_races(
    ports: ServicePorts, partition: str, attempt: Callable[[], WriteResult], most: float = math.inf
) -> WriteResult:
    """What an attempt comes to that loses no race; `attempt` reads everything again that it decides on.

    Raises:
        Contended: it lost each one until the deadline, or `most` times; nothing was written.
    """
    began, tries = ports.clock.monotonic(), 0
    while True:
        try:
            return attempt()
        except LostRace:
            tries += 1
            pause = ports.chance.uniform(longest_pause(tries, ports.clock.monotonic() - began))
            if tries >= most or not ports.pause(pause, COMMIT_SECONDS):
                raise contended_writing(partition) from None


def longest_pause(tries: int, age: float) -> float:
    """The most that is waited for after so many lost races, in seconds; `age` is how long it has been tried.

    One lost race is an accident. Two say that many write here, so they spread out, the older the sooner
    (tests/contention measures it).
    """
    return FIRST_PAUSE if tries == 1 else max(LEAST_PAUSE, LONGEST_PAUSE * (1 - age / OLD_SECONDS))


def contended_writing(partition: str) -> Contended:
    """The refusal of who lost every race."""
    where = "the grants" if partition == records.GRANTS else "this namespace"
    return Contended(f"Too many concurrent writes to {where}. Try again.", retry_after=1)


def _once(ports: ServicePorts, caller: Caller, intent: Intent, asked: Idempotency | None) -> WriteOutcome:
    kept = answer_address(intent.partition, caller, asked) if asked else None
    held, found = access.read_with_rights(ports, caller, [*intent.addresses, *([kept] if kept else [])], writes=True)
    intent.authorise(held, found)
    now = ports.clock.now()
    if asked and kept and (first := find_first_answer(found, kept, asked, now)):
        return first
    situation = Situation(caller, held, now, ports.chance.tag(), ports.schemas, ports.charset)
    try:
        plan = _decide_plan(ports, intent, found, situation)
    except ConfigsvcError as refusal:
        if asked and kept and (first := _find_answer_since(ports, kept, asked, now, refusal)):
            return first
        raise
    writes = not all(isinstance(action, StampCheck) for action in plan.actions)
    remembered = asked and kept and writes and remember_answer(found, kept, asked, plan.outcome, plan.revision, now)
    if plan.actions:
        _commit(ports, [*plan.actions, *([remembered] if remembered else [])], plan.standing)
    if writes and not plan.revision % limits.LOG_FANOUT:
        from configsvc.service.engine.log_tree import write_summaries  # one write in sixteen

        write_summaries(ports, intent.partition, plan.revision)
    return plan.outcome


def _decide_plan(ports: ServicePorts, intent: Intent, found: FoundRecords, situation: Situation) -> Plan:
    """A plan that refuses nothing.

    Raises:
        ConfigsvcError: what is refused.
    """
    plan = intent.decide(intent.gather(found), situation)
    if plan.refusal:
        _confirm(ports, plan.actions)
        raise plan.refusal
    return plan


def _find_answer_since(
    ports: ServicePorts, kept: RecordAddress, asked: Idempotency, now: WallMoment, refusal: ConfigsvcError
) -> WriteOutcome | None:
    """The first answer, if it came while this request was read: then its own write is what this one is refused for.

    A batch may read the kept answer before the first attempt commits, and the key after it.
    """
    if isinstance(refusal, Throttled | Unavailable):
        return None
    return find_first_answer(ports.repository.get([kept]), kept, asked, now)


def _commit(ports: ServicePorts, actions: Sequence[WriteAction], standing: Sequence[StampCheck]) -> None:
    """What stands beside HEAD's revision may be shown beforehand: the transaction holds HEAD at the same one."""
    if len(actions) + len(standing) > limits.TRANSACTION_ACTIONS:
        ports.repository.commit([_condition(actions[0]), *standing])
        standing = ()
    ports.repository.commit([*actions, *standing])


def _confirm(ports: ServicePorts, conditions: Sequence[WriteAction]) -> None:
    """Show that all conditions hold together, in as many transactions as the values that they stand on may need.

    Each holds HEAD at the one revision, which every write moves and none brings back: what held in each held in all.
    """
    head, *rest = conditions
    for start in range(0, len(rest), limits.TRANSACTION_ITEMS):
        ports.repository.commit([head, *rest[start : start + limits.TRANSACTION_ITEMS]])


def answer_address(partition: str, caller: Caller, asked: Idempotency) -> RecordAddress:
    """Where the answer stands.

    Raises:
        InvalidRequest: an empty key, or one too long.
    """
    if not 0 < len(asked.key) <= limits.IDEMPOTENCY_KEY:
        raise InvalidRequest(f"An Idempotency-Key has 1 to {limits.IDEMPOTENCY_KEY} characters.")
    bound = to_canonical_json([caller.principal, asked.method, asked.path, asked.key])
    return records.address_of_answer(partition, sha256(bound).hexdigest())


def find_first_answer(
    found: FoundRecords, at: RecordAddress, asked: Idempotency, now: WallMoment
) -> WriteOutcome | None:
    """What was answered first; an expired answer is absent, whatever the table has swept.

    Raises:
        IdempotencyMismatch: it answered another request.
    """
    answer = find_record(found, at, KeptAnswer)
    if answer is None or answer.expires <= now.seconds:
        return None
    if answer.request != asked.request:
        raise IdempotencyMismatch("This Idempotency-Key was used for another request. Take a new one.")
    return WriteOutcome(answer.status, answer.body, answer.etag)


def remember_answer(  # noqa: PLR0917  # all of it is the record
    found: FoundRecords, at: RecordAddress, asked: Idempotency, given: WriteOutcome, revision: int, now: WallMoment
) -> Write:
    """The write that keeps an answer, over an expired one where that still stands."""
    expired = find_record(found, at, KeptAnswer)
    expires = int(now.seconds) + limits.IDEMPOTENCY_SECONDS
    answer = KeptAnswer(at, revision, asked.request, given.status, given.body, given.etag, expires)
    return Write(answer, expired.revision if expired else None)


USER_AGENT = 256
"""Characters of a User-Agent that are kept."""


class LogNote(NamedTuple):
    """What a write did. `details` never holds a value."""

    verb: str
    subject: str = ""
    message: str = ""
    changes: tuple[LoggedChange, ...] = ()
    details: Mapping[str, object] = {}


def log_record(namespace: Namespace | None, revision: int, served: int, done: LogNote, situation: Situation) -> Write:
    """The write of the record at its revision, where none may stand. No namespace: the log of the grants."""
    caller = situation.caller
    return Write(
        LogRecord(
            namespace, revision, served, done.verb, done.subject, done.details, done.changes, done.message,
            situation.now.text, caller.principal or "", caller.arn, caller.api_key or "", caller.source_ip,
            caller.user_agent[:USER_AGENT], caller.correlation_id,
        ),
        None,
    )  # fmt: skip
