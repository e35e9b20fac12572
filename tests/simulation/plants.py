"""Planted faults, to show that the simulation finds them. Each replaces a real part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from configsvc.model.errors import Conflict
from configsvc.service.engine.ports import Repository, StoreUnavailable, Write, WriteAction
from configsvc.service.engine.records import DataKeyRecord, Head, KeptAnswer, KeyState, LogRecord, Record, RecordAddress
from configsvc_client import Config, Snapshot
from configsvc_client._ports import ClockReading
from configsvc_client._refresh.keeper import Keeper
from configsvc_client._transport.response import Response
from tests.simulation import readers, writers
from tests.simulation.cloud import TableClient
from tests.simulation.network import Line, Sent, WhileWaiting
from tests.simulation.scheduler import EPOCH, Process
from tests.simulation.simulation import Plant
from tests.simulation.weather import CALM
from tests.support.machines.planted import Dropping, Reusing, Through, Trusting, Unconditioned, is_answer


class Planted(NamedTuple):
    """A fault, the message of its finding, and a seed that finds it."""

    plant: Plant
    found: str
    seed: int


# In the service's access to the table.


class _Certain(Through):
    """Treats a commit without a response as not done."""

    def commit(self, actions: Sequence[WriteAction]) -> None:
        try:
            self.inner.commit(actions)
        except StoreUnavailable:
            raise Conflict("Nothing was written.") from None


class _Apart(Through):
    """Stores the answer to an Idempotency-Key in a separate transaction, after the write."""

    def commit(self, actions: Sequence[WriteAction]) -> None:
        answers = [each for each in actions if isinstance(each, Write) and isinstance(each.record, KeptAnswer)]
        self.inner.commit([each for each in actions if each not in answers])
        if answers:
            self.inner.commit(answers)


class _Hasty(Through):
    """Confirms a commit before it is done."""

    def commit(self, actions: Sequence[WriteAction]) -> None:
        assert isinstance(self.inner, TableClient)
        if not any(isinstance(each, Write) and isinstance(each.record, KeyState) for each in actions):
            self.inner.commit(actions)
            return
        token = f"hasty-{len(self.inner.time.trace)}"
        self.inner.time.call(0.5, partial(self.inner.table.apply_late, actions, token))


class _OldHead(Through):
    """Reads HEAD at most every ten seconds."""

    def __init__(self, inner: Repository) -> None:
        super().__init__(inner)
        self._kept: dict[RecordAddress, tuple[float, Record]] = {}

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        assert isinstance(self.inner, TableClient)
        now = self.inner.process.monotonic()
        if len(addresses) == 1 and addresses[0].sk == "HEAD" and addresses[0] in self._kept:
            since, head = self._kept[addresses[0]]
            if now - since < 10:
                return {addresses[0]: head}
        found = self.inner.get(addresses)
        self._kept |= {at: (now, each) for at, each in found.items() if isinstance(each, Head)}
        return found


class _ByClock(Through):
    """Orders data keys by creation time, by the clock of the environment that added them."""

    def query(self, partition: str, prefix: str, **options: Any) -> Iterator[Record]:  # noqa: ANN401  # as Through
        rows = self.inner.query(partition, prefix, **options)
        return (
            each._replace(added=_parse_milliseconds(each.created_at)) if isinstance(each, DataKeyRecord) else each
            for each in rows
        )


class _LogByClock(Through):
    """Orders the change log by such a time."""

    def query(self, partition: str, prefix: str, **options: Any) -> Iterator[Record]:  # noqa: ANN401  # as Through
        rows = list(self.inner.query(partition, prefix, **options))
        logged = [each for each in rows if isinstance(each, LogRecord)]
        in_order = sorted(logged, key=lambda each: each.at, reverse=bool(options.get("reverse")))
        return iter(in_order if len(logged) == len(rows) else rows)


class _Torn(Trusting):
    """Misses writes while a snapshot is read."""

    def query(self, partition: str, prefix: str, **options: Any) -> Iterator[Record]:  # noqa: ANN401  # as Through
        query = super().query if options.get("values", True) else self.inner.query
        return query(partition, prefix, **options)


def _parse_milliseconds(text: str) -> int:
    return round(1000 * datetime.fromisoformat(text).timestamp())


# In the writers' connection.


class _Listing(Line):
    """Repeats the first list of data keys."""

    first: Response | None = None

    def exchange(self, sent: Sent, deadline: float, while_waiting: WhileWaiting) -> Response:
        if sent.method != "GET" or "/data-keys" not in sent.target:
            return super().exchange(sent, deadline, while_waiting)
        if self.first is None or self.first.status != 200:
            self.first = super().exchange(sent, deadline, while_waiting)
        return self.first


class _Anew(Line):
    """Sends each attempt with a different Idempotency-Key."""

    def exchange(self, sent: Sent, deadline: float, while_waiting: WhileWaiting) -> Response:
        headers = {**sent.headers, "idempotency-key": f"attempt-{self.numbers}-of-{self.process.name}"}
        return super().exchange(sent._replace(headers=headers), deadline, while_waiting)


# In consumers.


class _Endless(Line):
    """Waits for a response beyond the deadline."""

    def exchange(self, sent: Sent, deadline: float, while_waiting: WhileWaiting) -> Response:
        return super().exchange(sent, deadline + 29, while_waiting)


class _Older(Line):
    """Sometimes repeats the last but one response three times, like a cache on the way."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  # as a sound one
        super().__init__(*arguments, **options)
        self.kept, self.again = list[Response](), list[Response]()

    def exchange(self, sent: Sent, deadline: float, while_waiting: WhileWaiting) -> Response:
        kept, again = self.kept, self.again
        if self.weather.climate is CALM:
            again.clear()
        elif not again and len(kept) > 1 and self.weather.happens(0.1):
            again += [kept[-2]] * 3
        if again:
            return again.pop()
        response = super().exchange(sent, deadline, while_waiting)
        if response.status == 200:
            kept.append(response)
        return response


class _Impatient(Keeper):
    def _find_longest(self, *, known: bool) -> float:
        """Never gives a refresh more time than usual."""
        del known
        return self._usual


class _NeverLonger(Config):
    __slots__ = ()

    def _make(self) -> Keeper:
        made = super()._make()
        made.__class__ = _Impatient
        return made


class _StartingOver(Config):
    """Drops the current snapshot when a response is refused for its revision."""

    __slots__ = ()

    def _read_current(self, remaining: float = float("inf")) -> Snapshot:
        if self.counts.get("stale_revisions"):
            self._made = None
        return super()._read_current(remaining)


class _Silent(Config):
    """Never reports a missed refresh."""

    __slots__ = ()
    last_error = None


class _WallAlone:
    """Uses the wall clock for both clocks."""

    def __init__(self, process: Process) -> None:
        self.wall = self.monotonic = process.wall
        self.pause = process.pause

    def now(self) -> ClockReading:
        return ClockReading(self.wall(), self.wall())


class _MonotonicAlone:
    """Uses the clock that stops while the process is frozen for both clocks."""

    def __init__(self, process: Process) -> None:
        self.monotonic, self.pause = process.monotonic, process.pause

    def wall(self) -> float:
        return EPOCH + self.monotonic()

    def now(self) -> ClockReading:
        return ClockReading(self.wall(), self.monotonic())


def _replace_line(kind: type[Line]) -> Callable[[Line], Line]:
    """Replaces a line by one of a faulty kind."""

    def altered(line: Line) -> Line:
        made = kind(line.fleet, line.weather, line.process, line.person, way=line.way, freezes=line.freezes)
        made.watch, made.clock = line.watch, line.clock
        return made

    return altered


OLDER = Plant(reader=readers.Altered(line=_replace_line(_Older)))
"""Not a fault of ours: the real client refuses the responses."""

PLANTS = {
    "a writer caches data keys that are retired": Planted(
        Plant(writer=writers.Altered(line=_replace_line(_Listing))), "knows to be replaced or retired", 1
    ),
    "the newest data key is the one of the latest clock": Planted(Plant(_ByClock), "data key", 4),
    "the change log is in the order of clocks": Planted(Plant(_LogByClock), "not in order", 1),
    "a refresh takes longer than its deadline": Planted(
        Plant(reader=readers.Altered(line=_replace_line(_Endless))), "waits", 2
    ),
    "a refresh that needs longer than usual never gets it": Planted(
        Plant(reader=readers.Altered(config=_NeverLonger)), "still reads", 2
    ),
    "a late commit is answered as not written": Planted(Plant(_Certain), "answered as not written", 8),
    "a retry applies twice, for the answer is kept apart": Planted(Plant(_Apart), "applied twice", 3),
    "a retry applies twice, for no answer is kept": Planted(
        Plant(lambda inner: Dropping(inner, is_answer)), "applied twice", 9
    ),
    "each attempt has an Idempotency-Key of its own": Planted(
        Plant(writer=writers.Altered(line=_replace_line(_Anew))), "applied twice", 5
    ),
    "a write is acknowledged before it is done": Planted(Plant(_Hasty), "acknowledged", 1),
    "HEAD is cached": Planted(Plant(_OldHead), "was replaced", 1),
    "a client takes a lower revision": Planted(
        Plant(reader=readers.Altered(config=_StartingOver, line=_replace_line(_Older))), " after ", 1
    ),
    "writes are not conditioned on HEAD": Planted(
        Plant(lambda inner: Unconditioned(inner, lambda sk: sk[:2] in {"HE", "R#"})), "revision", 3
    ),
    "a torn snapshot passes for a whole one": Planted(Plant(_Torn), "does not hold", 2),
    "a version is given out again": Planted(Plant(Reusing), "version", 1),
    "a client does not say that it is stale": Planted(
        Plant(reader=readers.Altered(config=_Silent)), "no error says why", 1
    ),
    "a client goes by the wall's clock alone": Planted(
        Plant(reader=readers.Altered(clock=_WallAlone)), "was replaced", 1
    ),
    "a client goes by the monotonic clock alone": Planted(
        Plant(reader=readers.Altered(clock=_MonotonicAlone)), "was replaced", 1
    ),
}
