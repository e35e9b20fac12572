"""Lets the table throttle, lose answers or end in the middle: nothing is half written, and refusals help."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import pytest

from configsvc.adapters.memory import MemoryRepository
from configsvc.model import limits, names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import ConfigsvcError, IdempotencyMismatch
from configsvc.model.names import Key
from configsvc.service.engine import records
from configsvc.service.engine.ports import Repository, StoreUnavailable, Write, WriteAction
from configsvc.service.engine.records import LogRecord, Record, RecordAddress, RetentionSettings
from configsvc.service.verbs.data_keys import add_data_key
from configsvc.service.verbs.keys import destroy_version
from configsvc.service.verbs.upkeep import run_upkeep
from local.emulator.launcher import Emulator
from tests.support.contracts import tables
from tests.support.machines import recount
from tests.support.machines.planted import Dropping, StaleHead, Through, TwoCommits
from tests.support.service.sealed import data_key
from tests.support.service.world import ADMIN, DEVELOPER, NS, World, make_retry_key, make_world, sealed, text

Called = TypeVar("Called")

MINUTE, HOUR = 60.0, 3600.0


class Killed(BaseException):
    """The process ends here."""


class Mortal(Through):
    """Ends the process at one call: before the table performs it, or afterwards and without the answer."""

    def __init__(self, inner: Repository) -> None:
        super().__init__(inner)
        self.calls, self.at, self.after = 0, -1, False

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        return self._called(lambda: self.inner.get(addresses))

    def query(
        self,
        partition: str,
        prefix: str,
        *,
        after: str = "",
        limit: int | None = None,
        values: bool = True,
        reverse: bool = False,
    ) -> Iterator[Record]:
        asked = self.inner.query(partition, prefix, after=after, limit=limit, values=values, reverse=reverse)
        return self._called(lambda: asked)

    def commit(self, actions: Sequence[WriteAction]) -> None:
        self._called(lambda: self.inner.commit(actions))

    def _called(self, call: Callable[[], Called]) -> Called:
        now, self.calls = self.calls == self.at, self.calls + 1
        if now and not self.after:
            raise Killed
        done = call()
        if now:
            raise Killed
        return done


class Verb(NamedTuple):
    """A write, and a world in which it can be done."""

    name: str
    do: Callable[[World], object]


def _change(world: World) -> object:
    operations = [text(f"new.{number}") for number in range(38)]
    return world.change(
        *operations, Activate(names.parse_key("a"), 1), Delete(names.parse_key("b")), idempotency=make_retry_key("once")
    )


VERBS = (
    Verb("change", _change),
    Verb("put", lambda world: world.put(sealed("s", 2))),
    Verb("add a data key", lambda world: add_data_key(world.ports, ADMIN, NS, data_key(1), None)),
    Verb("destroy", lambda world: destroy_version(world.ports, ADMIN, NS, Key("a"), 1, None)),
    Verb("upkeep", lambda world: run_upkeep(world.ports, ADMIN, NS)),
)


def fill_world(table: Repository) -> World:
    """Makes a world with several versions of its keys, and a log of two days of which one is kept."""
    world = make_world(table)
    world.change(text("a", "1"), text("b", "1"), sealed("s", 1))
    world.clock.pass_by(48 * HOUR)
    for number in range(5):
        world.put(text("a", f"more {number}"))
    world.set(retention=RetentionSettings(versions=1, log_days=1))
    return world


def run_until_killed(
    verb: Verb, at: int, *, after: bool, bug: Callable[[Repository], Repository]
) -> tuple[bool, World]:
    """Runs a verb until the process ends at that call; returns whether it did, and the world that is left."""
    mortal = Mortal(MemoryRepository())
    world = fill_world(bug(mortal))
    mortal.at, mortal.after = mortal.calls + at, after
    try:
        verb.do(world)
    except Killed:
        return True, world
    mortal.at = -1
    return False, world


def check_whole(world: World, *, pruned: bool = False) -> None:
    found = recount.read_stored(world.repository, NS)
    assert found
    recount.check(found, pruned=pruned)


def make_successor(world: World) -> World:
    """Makes the process that follows one that ended, at the same time of day."""
    following = World(world.repository)
    following.clock.pass_by(world.clock.monotonic() - following.clock.monotonic())
    return following


def count_kills(verb: Verb, bug: Callable[[Repository], Repository] = lambda table: table) -> int:
    """Kills the verb at each of its calls in turn, and returns how often."""
    count, pruned = 0, verb.name == "upkeep"
    for after in (False, True):
        at, ended = 0, True
        while ended:
            ended, world = run_until_killed(verb, at, after=after, bug=bug)
            check_whole(world, pruned=pruned)
            verb.do(make_successor(world))
            check_whole(world, pruned=pruned)
            at, count = at + 1, count + ended
    return count


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_s35_a_write_killed_at_any_call_is_whole_or_absent(verb: Verb) -> None:
    assert count_kills(verb) >= 4


def test_s35_a_write_in_two_transactions_is_detected() -> None:
    with pytest.raises(AssertionError):
        count_kills(VERBS[0], TwoCommits)


def test_s34_the_first_answer_outlasts_the_ten_minutes_of_dynamodb() -> None:
    world = make_world()
    first = world.put(text("a"), make_retry_key("k1"))
    world.clock.pass_by(11 * MINUTE)
    before = world.stored()
    assert world.put(text("a"), make_retry_key("k1")) == first
    with pytest.raises(IdempotencyMismatch) as refused:
        world.put(text("a", "another"), make_retry_key("k1", "another body"))
    assert (refused.value.status, world.stored()) == (422, before)


class Failing(Through):
    """Refuses every transaction with a record of one kind, as if its item were too large or throttled."""

    def __init__(self, inner: Repository, kind: type[Record]) -> None:
        super().__init__(inner)
        self.kind: type[Record] | None = None
        self._refused = kind

    def fail(self) -> None:
        self.kind = self._refused

    def commit(self, actions: Sequence[WriteAction]) -> None:
        if self.kind and any(isinstance(each, Write) and isinstance(each.record, self.kind) for each in actions):
            raise StoreUnavailable("the record cannot be written", retry_after=1)
        self.inner.commit(actions)


def test_s44_a_write_without_its_log_record_is_refused_as_a_whole() -> None:
    table = Failing(MemoryRepository(), LogRecord)
    world = fill_world(table)
    before = world.stored()
    table.fail()
    for verb in VERBS[:4]:
        with pytest.raises(ConfigsvcError) as refused:
            verb.do(world)
        assert (verb.name, refused.value.status, world.stored()) == (verb.name, 503, before)


def test_s44_a_missing_log_record_is_detected() -> None:
    world = make_world(Dropping(MemoryRepository(), lambda record: isinstance(record, LogRecord)))
    world.put(text("a"))
    with pytest.raises(AssertionError):
        check_whole(world)


def read_after_each_write(world: World) -> list[tuple[object, object]]:
    """Returns the revision that each write was answered, and the one that was read next."""
    seen = list[tuple[object, object]]()
    for number in range(50):
        written = world.put(text("a", str(number))).body["revision"]
        seen += [(written, json.loads(world.fetch().body or "{}").get("revision")) for _ in range(2)]
    return seen


def test_s41_every_read_sees_all_acknowledged_writes() -> None:
    seen = read_after_each_write(make_world())
    assert [read for _, read in seen] == [written for written, _ in seen]


def test_s41_a_stale_read_of_head_is_detected() -> None:
    seen = read_after_each_write(make_world(StaleHead(MemoryRepository())))
    assert [read for _, read in seen] != [written for written, _ in seen]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 3000])
def test_s40_a_namespace_of_any_size_is_read_whole(count: int) -> None:
    assert read_back(make_world(), count) == (count, count)


@pytest.mark.slow
@pytest.mark.emulator
def test_s40_many_pages_of_dynamodb_are_read_whole(emulator: Emulator) -> None:
    table = tables.make_repository(tables.make_client(emulator.url))
    assert read_back(make_world(table), 1001, "x" * 2000) == (1001, 1001)


def read_back(world: World, count: int, value: str = "x") -> tuple[int, int]:
    """Returns how many of the keys a snapshot has, and how many a batch finds."""
    world.set(snapshot_bytes=limits.SNAPSHOT_BYTES_MOST)
    keys = [f"k.{number:04}" for number in range(count)]
    for start in range(0, count, 40):
        world.change(*(text(key, value) for key in keys[start : start + 40]))
    addresses = [records.key(NS, names.parse_key(key)) for key in keys]
    served = (world.fetch().body or "").count('"key":')
    return served, len(world.repository.get(addresses) if addresses else {})


@pytest.mark.parametrize("hours", [-1.0, 1.0])
def test_s42_versions_and_revisions_do_not_depend_on_the_wall_clock(hours: float) -> None:
    world = make_world()
    seen = []
    for number in range(6):
        world.clock.pass_by(hours * HOUR if number % 2 else -hours * HOUR)
        body = world.put(text("a", str(number)), who=DEVELOPER).body
        seen.append((body["version"], body["revision"]))
    first = seen[0][1]
    assert seen == [(number + 1, first + number) for number in range(6)]  # type: ignore[operator]
    assert [record.revision for record in world.log()] == sorted(record.revision for record in world.log())
