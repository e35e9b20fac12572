"""A run reaches every live namespace, whatever one of them does, and ends in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.adapters.caches import FixedGrants
from configsvc.model import limits, names
from configsvc.model.errors import ConfigsvcError, Contended, Unprocessable
from configsvc.model.grants import UPKEEP, UPKEEP_GRANTS
from configsvc.model.names import Namespace
from configsvc.service.engine.ports import LostRace, RotationDue, ServicePorts, StoreUnavailable
from configsvc.service.engine.records import Record, RetentionSettings
from configsvc.service.verbs.due import DueDays
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace, delete_namespace
from configsvc.service.verbs.upkeep_everywhere import (
    MOST_IDLE,
    MOST_REFUSED,
    REST_SECONDS,
    SLICE_SECONDS,
    UpkeepJob,
    UpkeepRun,
    UpkeepTally,
    advance,
    make_caller,
    run_upkeep_everywhere,
)
from tests.support.service.world import ADMIN, NS, World, make_world, text

DAY = 24 * 3600.0


class Announced:
    def __init__(self) -> None:
        self.due: list[RotationDue] = []

    def announce(self, due: Sequence[RotationDue]) -> None:
        self.due += due


class Stand:
    """A run over the table in memory. Each call of `touch` is told the partition that is read next."""

    def __init__(self, world: World, seconds: float = 840.0) -> None:
        self.world, self.announced = world, Announced()
        self.faults: list[Namespace | None] = []
        self.asked: Counter[str] = Counter()
        self.touch: Callable[[str, str], None] = lambda _partition, _prefix: None
        self._end = world.clock.monotonic() + seconds
        self._inner = world.repository.query
        world.repository.query = self._query  # type: ignore[method-assign]  # the world is of this test alone

    def put(self, namespace: str, key: str) -> None:
        put_key(self._get_ports(), make_caller("c-2"), names.parse_namespace(namespace), text(key), "", None)

    def _get_ports(self) -> ServicePorts:
        return self.world.ports._replace(grants=FixedGrants(UPKEEP, UPKEEP_GRANTS), admins=())

    def run(self) -> UpkeepTally:
        ports = self._get_ports()
        left = lambda: self._end - self.world.clock.monotonic()  # noqa: E731  # reads as what it is
        days = DueDays("2027-01-15", "2027-01-29")
        return run_upkeep_everywhere(
            UpkeepRun(
                ports.within, self.announced, left, days, make_caller("c-1"), lambda at, _: self.faults.append(at)
            )
        )

    def _query(self, partition: str, prefix: str, **options: object) -> Iterator[Record]:
        self.asked[f"{partition} {prefix}"] += 1
        self.touch(partition, prefix)
        return self._inner(partition, prefix, **options)  # type: ignore[arg-type]  # passed on


@pytest.fixture
def world() -> World:
    return make_world()


def add(world: World, *namespaces: str) -> None:
    wanted = NamespaceWanted(retention=RetentionSettings(log_days=1, versions=1))
    for each in namespaces:
        create_namespace(world.ports, ADMIN, names.parse_namespace(each), wanted, None)


def refuse_in(namespace: str, error: Exception, prefix: str = "R#", times: int = 10**6) -> Callable[[str, str], None]:
    left = [times]

    def touch(partition: str, asked: str) -> None:
        if partition == f"N#{namespace}" and asked == prefix and left[0]:
            left[0] -= 1
            raise error

    return touch


def test_more_namespaces_than_a_page_are_all_kept_up(world: World) -> None:
    add(world, *(f"many.{number}" for number in range(limits.PAGE + 1)))
    world.clock.pass_by(3 * DAY)
    stand = Stand(world)
    tally = stand.run()
    assert (tally.namespaces, tally.failures) == (limits.PAGE + 2, 0)
    assert all(stand.asked[f"N#many.{number} V#"] == 1 for number in range(limits.PAGE + 1))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unprocessable("too many keys"), "unprocessable"),
        (Contended("too many writes"), "contended"),
        (LostRace(), "contended"),
        (StoreUnavailable("no answer"), "unavailable"),
        (KeyError("served"), "internal"),
        (ValueError("not ours"), "internal"),
        (RecursionError(), "internal"),
    ],
)
def test_a_namespace_that_fails_stops_no_other(world: World, error: Exception, code: str) -> None:
    add(world, "a.first", "z.last")
    stand = Stand(world)
    stand.touch = refuse_in("a.first", error)
    tally = stand.run()
    assert tally.failed == {"a.first": code}
    assert stand.faults == ["a.first"]
    assert stand.asked["N#z.last V#"] == 1
    assert (tally.namespaces, tally.left) == (3, 0)


def test_a_namespace_whose_keys_cannot_be_read_is_still_pruned(world: World) -> None:
    add(world, "a.first")
    stand = Stand(world)
    stand.touch = refuse_in("a.first", KeyError("latest"), prefix="K#")
    assert stand.run().failed == {"a.first": "internal"}
    assert stand.asked["N#a.first V#"] == 1


def test_a_listing_that_breaks_off_keeps_what_it_listed(world: World) -> None:
    add(world, "a.first")

    def break_off(partition: str, prefix: str, **options: object) -> Iterator[Record]:
        for number, each in enumerate(world.repository._inner.query(partition, prefix, **options)):  # type: ignore[arg-type]  # noqa: SLF001
            if partition == "NAMESPACES" and number == 1:
                raise KeyError("description")
            yield each

    stand = Stand(world)
    stand._inner = break_off  # noqa: SLF001  # a table with a broken record
    tally = stand.run()
    assert (tally.namespaces, tally.failed, tally.failures) == (1, {None: "internal"}, 1)


def test_a_busy_namespace_is_tried_again_after_the_others(world: World) -> None:
    add(world, "a.first", "z.last")
    stand = Stand(world)
    stand.touch = refuse_in("a.first", StoreUnavailable("no answer"), times=MOST_REFUSED - 1)
    tally = stand.run()
    assert (tally.failures, stand.asked["N#a.first R#"] >= MOST_REFUSED) == (0, True)


@pytest.mark.parametrize("prefix", ["K#", "R#"])
def test_a_busy_namespace_is_reported_and_pruned_after_a_rest(world: World, prefix: str) -> None:
    world.put(text("a", rotate_by="2020-01-01"))
    stand = Stand(world)
    stand.touch = refuse_in(NS, StoreUnavailable("no answer"), prefix, times=MOST_REFUSED - 1)
    tally = stand.run()
    assert (tally.failures, tally.rotation_due, len(stand.announced.due)) == (0, 1, 1)
    assert world.clock.slept == [REST_SECONDS] * (MOST_REFUSED - 1)


def test_refusals_between_which_upkeep_gets_further_are_no_failure(world: World) -> None:
    add(world, "z.long")
    stand = Stand(world)
    for number in range(12):
        stand.put("z.long", f"key{number:02}")

    def touch(partition: str, prefix: str) -> None:
        if (partition, prefix) == ("N#z.long", "V#"):
            world.clock.pass_by(10)  # one key a call
            if stand.asked["N#z.long V#"] % 2:
                raise StoreUnavailable("no answer")

    stand.touch = touch
    tally = stand.run()
    assert (tally.failures, stand.asked["N#z.long V#"] > 2 * MOST_REFUSED) == (0, True)


@pytest.mark.parametrize("times", [MOST_REFUSED - 1, MOST_REFUSED])
def test_a_refused_listing_is_read_again_within_a_bound(world: World, times: int) -> None:
    add(world, "a.first")
    left = [times]

    def touch(partition: str, _prefix: str) -> None:
        if partition == "NAMESPACES" and left[0]:
            left[0] -= 1
            raise StoreUnavailable("no answer")

    stand = Stand(world)
    stand.touch = touch
    tally = stand.run()
    assert (tally.namespaces, tally.failed) == ((2, {}) if times < MOST_REFUSED else (0, {None: "unavailable"}))


def test_namespaces_with_a_backlog_take_no_run_from_the_others(world: World) -> None:
    """Ten namespaces have twenty keys, and a call for one takes ten seconds. A run of five minutes begins with them."""
    busy, idle = [f"z.{each}" for each in range(10)], [f"a.{each}" for each in range(10)]
    add(world, *busy, *idle)
    stand = Stand(world, seconds=300.0)
    for number in range(200):
        stand.put(busy[number % 10], f"key{number}")
    stand.touch = lambda partition, prefix: (
        world.clock.pass_by(10) if prefix == "V#" and partition.startswith("N#z.") else None
    )
    assert stand.run().left == 10
    assert all(stand.asked[f"N#{each} V#"] for each in idle)


def test_a_namespace_that_takes_long_lets_the_others_go_first(world: World) -> None:
    add(world, "a.first", "z.last")
    order: list[str] = []

    def touch(partition: str, prefix: str) -> None:
        if prefix == "R#":
            order.append(partition)
            world.clock.pass_by(SLICE_SECONDS + 1 if partition == f"N#{NS}" else 0)

    for _ in range(limits.UPKEEP_LOG + 5):
        world.put(text("a"))
    world.set(retention=RetentionSettings(log_days=1))
    world.clock.pass_by(3 * DAY)
    stand = Stand(world)
    stand.touch = touch
    tally = stand.run()
    assert tally.failures == 0
    assert tally.log_pruned >= limits.UPKEEP_LOG + 5
    assert [each for each, _ in groupby(order)] == [f"N#{NS}", "N#z.last", "N#a.first", f"N#{NS}"]


def test_a_run_out_of_time_counts_what_is_left(world: World) -> None:
    add(world, "a.first", "b.second", "z.last")
    stand = Stand(world, seconds=100)

    def touch(_partition: str, prefix: str) -> None:
        if prefix == "R#":
            world.clock.pass_by(60)

    stand.touch = touch
    tally = stand.run()
    assert (tally.namespaces, tally.left, tally.failed, tally.failures) == (4, 2, {}, 2)


def test_what_is_due_is_reported_even_if_pruning_runs_out_of_time(world: World) -> None:
    world.put(text("a", rotate_by="2027-01-20"))
    add(world, "a.first", "z.last")
    stand = Stand(world, seconds=10)
    stand.touch = lambda _, prefix: world.clock.pass_by(60) if prefix == "R#" else None
    assert stand.run().rotation_due == 1
    assert stand.announced.due == [RotationDue(NS, "2027-01-20", (names.parse_key("a"),))]


def test_deleted_namespaces_are_left_alone(world: World) -> None:
    add(world, "a.first")
    delete_namespace(world.ports, ADMIN, names.parse_namespace("a.first"), None)
    stand = Stand(world)
    assert stand.run().namespaces == 1
    assert not any(asked.startswith("N#a.first") for asked in stand.asked)


def test_a_namespace_deleted_during_the_run_is_no_failure(world: World) -> None:
    add(world, "a.first")
    stand = Stand(world)

    def touch(partition: str, prefix: str) -> None:
        if (partition, prefix) == (f"N#{NS}", "R#") and stand.asked[f"N#{NS} R#"] == 1:
            delete_namespace(world.ports, ADMIN, names.parse_namespace("a.first"), None)

    stand.touch = touch
    world.set(retention=RetentionSettings(log_days=1))
    tally = stand.run()
    assert (tally.failures, tally.skipped) == (0, 0)


def test_a_listed_namespace_without_a_head_is_a_failure(world: World) -> None:
    add(world, "a.first")
    stand = Stand(world)
    stand.touch = refuse_in("a.first", _absent())
    assert stand.run().failed == {"a.first": "not_found"}


def test_a_namespace_whose_listing_cannot_be_read_again_is_a_failure(world: World) -> None:
    add(world, "a.first", "z.last")
    stand = Stand(world)

    def break_off() -> None:
        raise KeyError("description")

    def touch(partition: str, prefix: str) -> None:
        if (partition, prefix) == ("N#a.first", "R#"):
            world.repository.before_get.append(break_off)
            raise _absent()

    stand.touch = touch
    tally = stand.run()
    assert tally.failed == {"a.first": "not_found"}
    assert stand.asked["N#z.last V#"] == 1


def _absent() -> ConfigsvcError:
    from configsvc.service.engine.access import build_absent_refusal

    return build_absent_refusal(names.parse_namespace("a.first"))


@given(st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.integers(0, 2)), max_size=200))
def test_calls_that_achieve_nothing_end_and_others_go_on(steps: list[tuple[str | None, int]]) -> None:
    job, in_a_row = UpkeepJob(NS), 0
    for cursor, removed in steps:
        useless = not removed and (cursor is None or cursor == job.cursor)
        in_a_row = in_a_row + 1 if useless else 0
        try:
            job = advance(job, cursor, removed, done=False)
        except Contended:
            assert in_a_row == MOST_IDLE
            return
        assert in_a_row < MOST_IDLE


def test_a_namespace_that_gets_no_further_is_given_up() -> None:
    job = UpkeepJob(NS, "cursor")
    for _ in range(MOST_IDLE - 1):
        job = advance(job, job.cursor, 0, done=False)
    with pytest.raises(Contended):
        advance(job, job.cursor, 0, done=False)
    assert advance(job, None, 0, done=True).done
    assert advance(job, None, 1, done=False).idle == 0
    assert advance(job, "further", 0, done=False).idle == 0


def test_a_key_written_to_all_the_time_does_not_hold_up_the_run(world: World) -> None:
    world.set(retention=RetentionSettings(versions=1, log_days=1))
    for _ in range(3):
        world.put(text("a"))
    world.clock.pass_by(3 * DAY)
    stand = Stand(world)
    stand.touch = lambda partition, prefix: (
        world.put(text("a")) and None if (partition, prefix) == (f"N#{NS}", "V#") else None
    )
    tally = stand.run()
    assert set(tally.failed.values()) <= {"contended"}
    assert tally.left == 0
