"""The one loop of every write: read, authorise, look up the Idempotency-Key, decide, commit; a lost race, again.

Deciding is a pure function of what was read. So a lost race needs no care of its own: deciding again on what is there
now finds out whether the caller's precondition still holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from configsvc.model import limits
from configsvc.model.errors import ConfigsvcError, Contended, Throttled, Unavailable
from configsvc.model.snapshot import Charset
from configsvc.service import access, idempotency, records
from configsvc.service.access import Access
from configsvc.service.found import Found
from configsvc.service.ports import Action, Caller, Check, Idempotency, LostRace, Moment, Outcome, Ports, Schemas, Write
from configsvc.service.records import Address, address_of

COMMIT_SECONDS = 0.6
"""What a try takes at least that shall end before the deadline: a read and a transaction."""

FIRST_PAUSE, LONGEST_PAUSE, LEAST_PAUSE = 0.05, 0.3, 0.01
OLD_SECONDS = 2.0
"""Age at which a write waits least. Were it to wait ever longer, younger ones would always be faster."""

Result = TypeVar("Result")


class Situation(NamedTuple):
    """All that a decision rests on beside what was read and what was asked."""

    caller: Caller
    access: Access
    now: Moment
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
    actions: tuple[Action, ...]
    outcome: Outcome
    refusal: ConfigsvcError | None = None
    standing: tuple[Check, ...] = ()


def refused(plan: Plan, refusal: ConfigsvcError) -> Plan:
    """What it comes to instead: the refusal, under the conditions that the plan had. The first is HEAD's."""
    conditions = (*(_condition(action) for action in plan.actions), *plan.standing)
    return plan._replace(actions=conditions, refusal=refusal)


def _condition(action: Action) -> Check:
    address = address_of(action.record) if isinstance(action, Write) else action.address
    return Check(address, action.expected)


def _nothing_more(found: Found) -> Found:
    return found


class Intent(NamedTuple):
    """A write before it is decided: what to read, who may, and what then.

    `gather` reads more of what was found, for the few that rest on more than a batch of records.
    """

    partition: str
    addresses: tuple[Address, ...]
    authorise: Callable[[Access, Found], None]
    decide: Callable[[Found, Situation], Plan]
    gather: Callable[[Found], Found] = _nothing_more


def write(ports: Ports, caller: Caller, intent: Intent, asked: Idempotency | None) -> Outcome:
    """Do it once, or say why not.

    Raises:
        Contended: races were lost until the deadline; nothing was written.
        StoreBusy, StoreUnavailable: the store failed; safe to repeat with the same Idempotency-Key.
        ConfigsvcError: whatever the decision refuses.
    """
    return decided(ports, intent.partition, lambda: _once(ports, caller, intent, asked))


def decided(ports: Ports, partition: str, attempt: Callable[[], Result], most: float = math.inf) -> Result:
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
            pause = ports.chance.uniform(pauses(tries, ports.clock.monotonic() - began))
            if tries >= most or not ports.pause(pause, COMMIT_SECONDS):
                raise contended(partition) from None


def pauses(tries: int, age: float) -> float:
    """The most that is waited for after so many lost races, in seconds; `age` is how long it has been tried.

    One lost race is an accident. Two say that many write here, so they spread out, the older the sooner
    (tests/contention measures it).
    """
    return FIRST_PAUSE if tries == 1 else max(LEAST_PAUSE, LONGEST_PAUSE * (1 - age / OLD_SECONDS))


def contended(partition: str) -> Contended:
    """The refusal of who lost every race."""
    where = "the grants" if partition == records.GRANTS else "this namespace"
    return Contended(f"Too many concurrent writes to {where}. Try again.", retry_after=1)


def _once(ports: Ports, caller: Caller, intent: Intent, asked: Idempotency | None) -> Outcome:
    kept = idempotency.address(intent.partition, caller, asked) if asked else None
    held, found = access.look(ports, caller, [*intent.addresses, *([kept] if kept else [])], writes=True)
    intent.authorise(held, found)
    now = ports.clock.now()
    if asked and kept and (first := idempotency.first_answer(found, kept, asked, now)):
        return first
    situation = Situation(caller, held, now, ports.chance.tag(), ports.schemas, ports.charset)
    try:
        plan = _decided(ports, intent, found, situation)
    except ConfigsvcError as refusal:
        if asked and kept and (first := _answered_since(ports, kept, asked, now, refusal)):
            return first
        raise
    writes = not all(isinstance(action, Check) for action in plan.actions)
    remembered = (
        asked and kept and writes and idempotency.remember(found, kept, asked, plan.outcome, plan.revision, now)
    )
    if plan.actions:
        _commit(ports, [*plan.actions, *([remembered] if remembered else [])], plan.standing)
    if writes and not plan.revision % limits.LOG_FANOUT:
        from configsvc.service.summarise import summarise  # one write in sixteen

        summarise(ports, intent.partition, plan.revision)
    return plan.outcome


def _decided(ports: Ports, intent: Intent, found: Found, situation: Situation) -> Plan:
    """A plan that refuses nothing.

    Raises:
        ConfigsvcError: what is refused.
    """
    plan = intent.decide(intent.gather(found), situation)
    if plan.refusal:
        _confirm(ports, plan.actions)
        raise plan.refusal
    return plan


def _answered_since(
    ports: Ports, kept: Address, asked: Idempotency, now: Moment, refusal: ConfigsvcError
) -> Outcome | None:
    """The first answer, if it came while this request was read: then its own write is what this one is refused for.

    A batch may read the kept answer before the first attempt commits, and the key after it.
    """
    if isinstance(refusal, Throttled | Unavailable):
        return None
    return idempotency.first_answer(ports.repository.get([kept]), kept, asked, now)


def _commit(ports: Ports, actions: Sequence[Action], standing: Sequence[Check]) -> None:
    """What stands beside HEAD's revision may be shown beforehand: the transaction holds HEAD at the same one."""
    if len(actions) + len(standing) > limits.TRANSACTION_ACTIONS:
        ports.repository.commit([_condition(actions[0]), *standing])
        standing = ()
    ports.repository.commit([*actions, *standing])


def _confirm(ports: Ports, conditions: Sequence[Action]) -> None:
    """Show that all conditions hold together, in as many transactions as the values that they stand on may need.

    Each holds HEAD at the one revision, which every write moves and none brings back: what held in each held in all.
    """
    head, *rest = conditions
    for start in range(0, len(rest), limits.TRANSACTION_ITEMS):
        ports.repository.commit([head, *rest[start : start + limits.TRANSACTION_ITEMS]])
