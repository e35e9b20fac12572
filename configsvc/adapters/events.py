"""Sends `RotationDue` events to the default bus of EventBridge: names and days, never a value.

Limits are those of PutEvents (Amazon EventBridge API reference): ten entries and 256 KB a call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from configsvc.model.retry import Backoff
from configsvc.service.engine.ports import Announcer, RotationDue, ServiceChance, ServiceClock, Undelivered

SOURCE, DETAIL_TYPE = "configsvc", "RotationDue"
ENTRIES = 10
BYTES = 250_000
KEYS = 250
"""Keys of one event: 255 characters each, quoted, make 65 KB."""

BACKOFF = Backoff(first=0.2, most=5.0, tries=6)
"""For entries that EventBridge did not accept, usually because it throttles."""

Entry = dict[str, str]

MOST_FAILURES = 3
"""Failed announcements in a row after which none is tried: the bus cannot be reached, and each attempt takes time."""

_BUSY = frozenset({"ThrottlingException", "InternalException", "InternalFailure", "ServiceUnavailable"})


class EventsClient(Protocol):
    """The operation of boto3's client of EventBridge that is needed."""

    def put_events(self, *, Entries: Sequence[Entry]) -> Mapping[str, Any]:  # noqa: N803  # boto3's name
        """Answers `{"FailedEntryCount", "Entries": [{"EventId"} or {"ErrorCode"}]}`, in the order of the entries."""


class _Sent(NamedTuple):
    """Entries that were not accepted, why the last of them was not, and whether it helps to send them again."""

    refused: list[Entry]
    why: str = ""
    again: bool = True


class EventBridge:
    """The default event bus, for one run.

    Args:
        client: boto3's client.
        stack: the stack's name, for receivers that hear several.
        clock: waits between attempts.
        chance: draws the pauses (full jitter).
    """

    def __init__(self, client: EventsClient, stack: str, clock: ServiceClock, chance: ServiceChance) -> None:
        self._client = client
        self._stack = stack
        self._clock = clock
        self._chance = chance
        self._failures = 0

    def announce(self, due: Sequence[RotationDue]) -> None:
        """Sends the events, and again those that are refused.

        Raises:
            Undelivered: some were not accepted after several attempts, or earlier announcements were not.
        """
        if self._failures >= MOST_FAILURES:
            raise Undelivered("EventBridge did not accept earlier events, so these were not sent.")
        self._failures += 1
        for call in pack_entries(self._stack, due):
            self._send(call)
        self._failures = 0

    def _send(self, entries: list[Entry]) -> None:
        tries, sent = 0, self._put(entries)
        while sent.refused:
            tries += 1
            pause = BACKOFF.wait(tries, self._chance.uniform) if sent.again else None
            if pause is None:
                raise Undelivered(
                    f"EventBridge did not accept {len(sent.refused)} events ({sent.why}). The next upkeep sends them "
                    "again; to send them now, invoke the function."
                )
            self._clock.sleep(pause)
            sent = self._put(sent.refused)

    def _put(self, entries: list[Entry]) -> _Sent:
        try:
            answer = self._client.put_events(Entries=entries)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            return _Sent(entries, code or type(error).__name__, again=code in _BUSY)
        except BotoCoreError as error:
            return _Sent(entries, type(error).__name__)
        return find_refused(entries, answer)


class AttemptedRuns:
    """Announcers for the attempts of a run: what one attempt announced, the next does not announce again.

    Lambda repeats a failed asynchronous invocation under its request id, usually in the same process. A new process
    announces everything again, and the next attempt all of an announcement of which only a part was accepted.

    Args:
        open_bus: returns the announcer of an attempt.
    """

    def __init__(self, open_bus: Callable[[], Announcer]) -> None:
        self._open = open_bus
        self._request = ""
        self._sent = set[RotationDue]()

    def open(self, request_id: str) -> Announcer:
        """Returns the announcer for an attempt of that invocation."""
        if request_id != self._request:
            self._request, self._sent = request_id, set()
        return _Unsent(self._open(), self._sent)


class _Unsent:
    def __init__(self, bus: Announcer, sent: set[RotationDue]) -> None:
        self._bus, self._sent = bus, sent

    def announce(self, due: Sequence[RotationDue]) -> None:
        new = [each for each in due if each not in self._sent]
        if new:
            self._bus.announce(new)
            self._sent.update(new)


def find_refused(entries: list[Entry], answer: Mapping[str, Any]) -> _Sent:
    """Returns the entries that were not accepted. If the answer does not list each entry, none counts as accepted."""
    results = answer.get("Entries") or []
    if len(results) != len(entries):
        return _Sent(entries, "the answer does not list them")
    refused = [(entry, each) for entry, each in zip(entries, results, strict=True) if not each.get("EventId")]
    return _Sent([entry for entry, _ in refused], str(refused[-1][1].get("ErrorCode")) if refused else "")


def pack_entries(stack: str, due: Sequence[RotationDue]) -> Iterator[list[Entry]]:
    """Yields the entries of each call of PutEvents."""
    call, size = list[Entry](), 0
    for entry in _make_entries(stack, due):
        cost = measure_entry(entry)
        if call and (len(call) == ENTRIES or size + cost > BYTES):
            yield call
            call, size = [], 0
        call.append(entry)
        size += cost
    if call:
        yield call


def measure_entry(entry: Entry) -> int:
    """Bytes of an entry (Amazon EventBridge user guide, "Calculating PutEvents event entry size")."""
    return sum(len(text.encode()) for text in entry.values())


def _make_entries(stack: str, due: Sequence[RotationDue]) -> Iterator[Entry]:
    """Makes an entry for each namespace and day, several if the keys are too many for one."""
    for each in due:
        for start in range(0, len(each.keys), KEYS):
            detail = {
                "stack": stack, "namespace": each.namespace, "keys": list(each.keys[start : start + KEYS]),
                "rotate_by": each.rotate_by,
            }  # fmt: skip
            yield {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)}
