"""Runs every write in one loop: read, authorise, look up the Idempotency-Key, decide, commit, log."""

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
"""The least time that an attempt needs before the deadline: a read and a transaction."""

FIRST_PAUSE, LONGEST_PAUSE, LEAST_PAUSE = 0.05, 0.3, 0.01
OLD_SECONDS = 2.0
"""Age at which a write waits least. If waits only grew, younger writes would always be faster."""

WriteResult = TypeVar("WriteResult")


class Situation(NamedTuple):
    """All that a decision depends on besides the records and the request."""

    caller: Caller
    access: CallerRights
    now: WallMoment
    tag: str
    schemas: Schemas
    charset: Charset


class Plan(NamedTuple):
    """The outcome of a decision.

    Without actions, nothing changes. With only checks, nothing changes either: they prove that the records behind the
    answer belong together. A `refusal` is raised once the checks, HEAD's first, have proved the same for the records it
    rests on. For a batch read is not isolated: records of different moments must neither refuse nor answer a request.

    `standing` are checks of records that nobody changes without moving HEAD's revision, on which the first action is
    conditioned. They join the transaction if there is room; otherwise they are checked before it.
    """

    revision: int
    actions: tuple[WriteAction, ...]
    outcome: WriteOutcome
    refusal: ConfigsvcError | None = None
    standing: tuple[StampCheck, ...] = ()


def refuse_plan(plan: Plan, refusal: ConfigsvcError) -> Plan:
    """Turns a plan into a refusal under the same conditions. The first is HEAD's."""
    conditions = (*(_to_check(action) for action in plan.actions), *plan.standing)
    return plan._replace(actions=conditions, refusal=refusal)


def _to_check(action: WriteAction) -> StampCheck:
    address = address_of(action.record) if isinstance(action, Write) else action.address
    return StampCheck(address, action.expected)


def _gather_nothing(found: FoundRecords) -> FoundRecords:
    return found


class Intent(NamedTuple):
    """A write before it is decided: what to read, who may do it, and how to decide.

    `gather` reads more, for the few writes that depend on more than one batch of records.
    """

    partition: str
    addresses: tuple[RecordAddress, ...]
    authorise: Callable[[CallerRights, FoundRecords], None]
    decide: Callable[[FoundRecords, Situation], Plan]
    gather: Callable[[FoundRecords], FoundRecords] = _gather_nothing


def run_write(ports: ServicePorts, caller: Caller, intent: Intent, asked: Idempotency | None) -> WriteOutcome:
    """Performs a write once, or raises why not.

    Raises:
        Contended: races were lost until the deadline; nothing was written.
        StoreBusy, StoreUnavailable: the store failed; safe to repeat with the same Idempotency-Key.
        ConfigsvcError: the decision refuses it.
    """
    return retry_lost_races(ports, intent.partition, lambda: _attempt_write(ports, caller, intent, asked))


def retry_lost_races(
    ports: ServicePorts, partition: str, attempt: Callable[[], WriteResult], most: float = math.inf
) -> WriteResult:
    """Returns the result of the first attempt that loses no race; `attempt` reads everything it decides on again.

    Raises:
        Contended: every attempt until the deadline, or `most` of them, lost; nothing was written.
    """
    began, tries = ports.clock.monotonic(), 0
    while True:
        try:
            return attempt()
        except LostRace:
            tries += 1
            pause = ports.chance.uniform(compute_longest_pause(tries, ports.clock.monotonic() - began))
            if tries >= most or not ports.pause(pause, COMMIT_SECONDS):
                raise build_contended_writing(partition) from None


def compute_longest_pause(tries: int, age: float) -> float:
    """Returns the longest pause after so many lost races, in seconds; `age` is how long the write has been trying.

    One lost race is an accident. Two mean that many write here, so they spread out, and old ones retry sooner
    (tests/contention measures it).
    """
    return FIRST_PAUSE if tries == 1 else max(LEAST_PAUSE, LONGEST_PAUSE * (1 - age / OLD_SECONDS))


def build_contended_writing(partition: str) -> Contended:
    """Returns the refusal of a write that lost every race."""
    where = "the grants" if partition == records.GRANTS else "this namespace"
    return Contended(f"Too many concurrent writes to {where}. Try again.", retry_after=1)


def _attempt_write(ports: ServicePorts, caller: Caller, intent: Intent, asked: Idempotency | None) -> WriteOutcome:
    kept = find_answer_address(intent.partition, caller, asked) if asked else None
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
    """Returns a plan without a refusal.

    Raises:
        ConfigsvcError: the plan was a refusal, or could not be made.
    """
    plan = intent.decide(intent.gather(found), situation)
    if plan.refusal:
        _confirm(ports, plan.actions)
        raise plan.refusal
    return plan


def _find_answer_since(
    ports: ServicePorts, kept: RecordAddress, asked: Idempotency, now: WallMoment, refusal: ConfigsvcError
) -> WriteOutcome | None:
    """Returns the first answer if it came during this read: then its own write is why this one is refused.

    A batch may read the kept answer before the first attempt commits, and the key after it.
    """
    if isinstance(refusal, Throttled | Unavailable):
        return None
    return find_first_answer(ports.repository.get([kept]), kept, asked, now)


def _commit(ports: ServicePorts, actions: Sequence[WriteAction], standing: Sequence[StampCheck]) -> None:
    """Commits a plan. `standing` may be checked first: the transaction holds HEAD at the same revision."""
    if len(actions) + len(standing) > limits.TRANSACTION_ACTIONS:
        ports.repository.commit([_to_check(actions[0]), *standing])
        standing = ()
    ports.repository.commit([*actions, *standing])


def _confirm(ports: ServicePorts, conditions: Sequence[WriteAction]) -> None:
    """Proves that all conditions hold together, in as many transactions as the size of their records may need.

    Each transaction holds HEAD at the one revision, which never comes back: what held in each held in all.
    """
    head, *rest = conditions
    for start in range(0, len(rest), limits.TRANSACTION_ITEMS):
        ports.repository.commit([head, *rest[start : start + limits.TRANSACTION_ITEMS]])


def find_answer_address(partition: str, caller: Caller, asked: Idempotency) -> RecordAddress:
    """Returns the address of the kept answer.

    Raises:
        InvalidRequest: the key is empty or too long.
    """
    if not 0 < len(asked.key) <= limits.IDEMPOTENCY_KEY:
        raise InvalidRequest(f"An Idempotency-Key must have 1 to {limits.IDEMPOTENCY_KEY} characters.")
    bound = to_canonical_json([caller.principal, asked.method, asked.path, asked.key])
    return records.address_of_answer(partition, sha256(bound).hexdigest())


def find_first_answer(
    found: FoundRecords, at: RecordAddress, asked: Idempotency, now: WallMoment
) -> WriteOutcome | None:
    """Returns the first answer; an expired one is absent, even if the table still has it.

    Raises:
        IdempotencyMismatch: the key belongs to another request.
    """
    answer = find_record(found, at, KeptAnswer)
    if answer is None or answer.expires <= now.seconds:
        return None
    if answer.request != asked.request:
        raise IdempotencyMismatch("This Idempotency-Key was used for another request. Use a new one.")
    return WriteOutcome(answer.status, answer.body, answer.etag)


def remember_answer(  # noqa: PLR0917  # all of it is the record
    found: FoundRecords, at: RecordAddress, asked: Idempotency, given: WriteOutcome, revision: int, now: WallMoment
) -> Write:
    """Returns the write that keeps an answer; it replaces an expired one that is still there."""
    expired = find_record(found, at, KeptAnswer)
    expires = int(now.seconds) + limits.IDEMPOTENCY_SECONDS
    answer = KeptAnswer(at, revision, asked.request, given.status, given.body, given.etag, expires)
    return Write(answer, expired.revision if expired else None)


USER_AGENT = 256
"""Characters of a User-Agent that are kept."""


class LogNote(NamedTuple):
    """A write in the change log. `details` never contains a value."""

    verb: str
    subject: str = ""
    message: str = ""
    changes: tuple[LoggedChange, ...] = ()
    details: Mapping[str, object] = {}


def make_log_record(
    namespace: Namespace | None, revision: int, served: int, done: LogNote, situation: Situation
) -> Write:
    """Returns the write of a log record where none may be yet. No namespace means the log of the grants."""
    caller = situation.caller
    return Write(
        LogRecord(
            namespace, revision, served, done.verb, done.subject, done.details, done.changes, done.message,
            situation.now.text, caller.principal or "", caller.arn, caller.api_key or "", caller.source_ip,
            caller.user_agent[:USER_AGENT], caller.correlation_id,
        ),
        None,
    )  # fmt: skip
