"""After a restore, numbers of the lost time are never reused, and HEAD counts what is there."""

import json
import re
from collections.abc import Callable

import pytest

from configsvc.model import limits, names
from configsvc.model.change_set import Delete
from configsvc.model.errors import Contended, Forbidden, Gone, InvalidRequest, NotFound
from configsvc.service.engine import records
from configsvc.service.engine.ports import Remove, Write, WriteOutcome
from configsvc.service.engine.records import Head, RetentionSettings
from configsvc.service.verbs.data_keys import retire_data_key
from configsvc.service.verbs.grants import set_grants
from configsvc.service.verbs.history import fetch_revision
from configsvc.service.verbs.lift import SETTLES, compare_heads, lift_namespace, rebuild_head
from configsvc.service.verbs.upkeep import run_upkeep
from tests.support.service.fakes import FakeClock
from tests.support.service.sealed import kid
from tests.support.service.world import (
    ADMIN,
    DEVELOPER,
    NS,
    READER,
    STRANGER,
    World,
    grant,
    make_retry_key,
    make_world,
    sealed,
    text,
)


@pytest.fixture
def world() -> World:
    world = make_world()
    world.put(sealed("a", 1))
    world.put(text("b"))
    world.put(text("c", activate=False))
    return world


def lift(world: World, revision: int) -> WriteOutcome:
    return lift_namespace(world.ports, ADMIN, NS, revision, None)


def damage(world: World, **numbers: object) -> Head:
    """Damages HEAD at its present revision, and returns it as it was."""
    head = world.head()
    world.repository.commit([Write(head._replace(**numbers), head.revision)])  # type: ignore[arg-type]  # any member
    return head


def test_a_lift_raises_revision_floor_and_served_revision(world: World) -> None:
    outcome = lift(world, 100)
    assert (outcome.status, outcome.etag) == (200, '"101"')
    assert outcome.body == {
        "namespace": NS, "revision": 101, "served_revision": 101, "floor": 100,
        "check": {"right": True, "differences": []},
    }  # fmt: skip


def test_no_version_number_of_the_lost_time_is_reused(world: World) -> None:
    lift(world, 100)
    assert world.put(text("b")).body["version"] == 101
    assert world.put(sealed("new", 101)).body["version"] == 101


def test_a_snapshot_of_the_lost_time_gets_no_304(world: World) -> None:
    held = world.fetch()
    lift(world, 3)
    assert world.fetch(held.etag).status == 200


def test_a_lift_does_not_change_served_entries(world: World) -> None:
    before = world.fetch().body or ""
    lift(world, 100)
    assert (world.fetch().body or "") == before.replace('"revision":4', '"revision":101')


def test_a_lift_to_a_lower_number_still_raises_the_revision(world: World) -> None:
    assert lift(world, 3).body["revision"] == 6
    assert world.head().floor == 3


def test_a_repeated_lift_writes_nothing(world: World) -> None:
    first = lift(world, 100)
    before = world.stored()
    assert lift(world, 100) == first
    assert world.stored() == before


def test_after_a_lift_only_revisions_of_the_lost_time_are_gone(world: World) -> None:
    lift(world, 100)
    world.put(text("b"))
    assert fetch_revision(world.ports, READER, NS, 4, None).status == 200
    with pytest.raises(Gone):
        fetch_revision(world.ports, READER, NS, 50, None)


def test_the_log_of_a_lift_has_the_request_and_the_check(world: World) -> None:
    damage(world, entries=7)
    lift(world, 100)
    record = world.log()[-1]
    assert (record.verb, record.revision) == ("lift", 101)
    assert record.details == {
        "asked": 100, "was": {"revision": 5, "floor": 0},
        "check": {"right": False, "differences": [{"what": "entries", "head": 7, "found": 2}]},
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [{"entries": 9}, {"size": 1}, {"size_ascii": 1}, {"stamps": 0}, {"kids": {}}])
def test_a_miscounting_head_is_reported_and_repaired(world: World, wrong: dict[str, object]) -> None:
    right = damage(world, **wrong)
    check = lift(world, 1).body["check"]
    assert isinstance(check, dict)
    assert (check["right"], len(check["differences"]) > 0) == (False, True)
    now = world.head()
    assert (now.entries, now.stamps) == (right.entries, right.stamps)
    assert (now.size, now.size_ascii) == (right.size, right.size_ascii)
    assert (now.kids[kid()].served, now.kids[kid()].cost) == (right.kids[kid()].served, right.kids[kid()].cost)
    assert world.fetch().status == 200
    assert lift(world, 1).body["check"] == {"right": True, "differences": []}


def test_the_seals_of_a_forgotten_data_key_are_not_undercounted(world: World) -> None:
    seals = damage(world, kids={}).kids[kid()].seals
    lift(world, 1)
    assert world.head().kids[kid()].seals >= seals


def test_a_retired_data_key_is_no_longer_counted(world: World) -> None:
    world.change(Delete(names.parse_key("a")))
    retire_data_key(world.ports, ADMIN, NS, kid(), None)
    assert lift(world, 100).body["check"] == {"right": True, "differences": []}
    assert world.head().kids == {}


def test_a_lift_goes_above_a_log_that_is_ahead_of_head(world: World) -> None:
    damage(world, revision=3)
    assert lift(world, 1).body["revision"] == 6


def test_a_head_that_misses_a_change_is_repaired_from_the_records(world: World) -> None:
    at = records.key(NS, "b")
    world.repository.commit([Remove(at, world.repository.get([at])[at].revision)])
    found = lift(world, 1).body["check"]
    assert isinstance(found, dict)
    assert [each["what"] for each in found["differences"]] == ["entries", "size", "size_ascii", "stamps"]
    assert world.fetch().status == 200


class InterruptedClock(FakeClock):
    """A clock that runs something during its first pause."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self._happens = [happens]

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        for happens in self._happens:
            happens()
        self._happens.clear()


def test_a_read_that_met_a_write_repairs_nothing(world: World) -> None:
    """The first read misses a key that the second sees: so HEAD was right."""
    at = records.key(NS, "b")
    state = world.repository.get([at])[at]
    world.repository.commit([Remove(at, state.revision)])
    clock = InterruptedClock(lambda: world.repository.commit([Write(state, None)]))
    world.ports = world.ports._replace(clock=clock)
    assert lift(world, 100).body["check"] == {"right": True, "differences": []}
    assert SETTLES in clock.slept


def test_a_read_that_keeps_meeting_writes_is_contended(world: World) -> None:
    at = records.key(NS, "b")
    world.repository.commit([Remove(at, world.repository.get([at])[at].revision)])
    world.ports = world.ports.within(SETTLES)
    with pytest.raises(Contended, match="count twice"):
        lift(world, 100)


def test_a_concurrent_write_is_counted(world: World) -> None:
    world.repository.before_commit.append(lambda: world.put(text("d")))
    outcome = lift(world, 100)
    head = world.head()
    found = world.repository.query(records.of_namespace(NS), "")
    counted = [each for each in found if not isinstance(each, Head)]
    assert outcome.body["check"] == {"right": True, "differences": []}
    assert head.entries == 3
    assert compare_heads(head, rebuild_head(head, counted)) == ()


@pytest.mark.parametrize("revision", [0, -1, limits.REVISION_LIFT + 1])
def test_a_lift_to_an_invalid_number_is_refused(world: World, revision: int) -> None:
    with pytest.raises(InvalidRequest):
        lift(world, revision)


def test_the_highest_lift_leaves_room_for_versions(world: World) -> None:
    lift(world, limits.REVISION_LIFT)
    assert world.put(text("b")).body["version"] == limits.REVISION_LIFT + 1


def test_only_an_admin_lifts(world: World) -> None:
    for caller, refusal in ((DEVELOPER, Forbidden), (STRANGER, NotFound)):
        with pytest.raises(refusal):
            lift_namespace(world.ports, caller, NS, 100, None)


def test_the_lost_answer_to_a_lift_is_given_again(world: World) -> None:
    first = lift_namespace(world.ports, ADMIN, NS, 100, make_retry_key("k"))
    world.put(text("b"))
    assert lift_namespace(world.ports, ADMIN, NS, 100, make_retry_key("k")) == first


@pytest.mark.parametrize("raised", [6 + limits.REVISION_JUMP, limits.REVISION_MOST, 10**15])
def test_a_raised_head_comes_down_to_the_log(world: World, raised: int) -> None:
    damage(world, revision=raised, served=raised, tag="evil")
    outcome = lift(world, 1)
    assert outcome.body["revision"] == outcome.body["served_revision"] == 6
    assert {"what": "revision", "head": raised, "found": 5} in outcome.body["check"]["differences"]  # type: ignore[index]
    assert world.put(text("b")).body["revision"] == 7


def test_a_raised_head_comes_down_even_after_another_write(world: World) -> None:
    damage(world, revision=10**15, served=10**15)
    world.put(text("b"))
    assert lift(world, 100).body["revision"] == 101
    assert world.put(text("c")).body["revision"] == 102


def test_a_lift_can_exceed_the_highest_revision_clients_accept(world: World) -> None:
    assert limits.REVISION_LIFT >= limits.REVISION_MOST + 1000 * limits.REVISION_JUMP
    assert lift(world, limits.REVISION_MOST).body["revision"] == limits.REVISION_MOST + 1


@pytest.mark.parametrize("raised", [7, 10**9, 10**10, 2**53])
def test_a_raised_latest_version_comes_down(world: World, raised: int) -> None:
    overstate(world, ["b"], raised)
    outcome = lift(world, 1)
    assert {"what": "keys.b.latest", "head": raised, "found": 5} in outcome.body["check"]["differences"]  # type: ignore[index]
    assert world.put(text("b")).body["version"] == 6
    assert lift(world, 1).body["check"] == {"right": True, "differences": []}


def test_many_raised_latest_versions_come_down_in_several_lifts(world: World) -> None:
    keys = [f"many.{number}" for number in range(100)]
    for key in keys:
        world.put(text(key))
    overstate(world, keys, 2**53)
    checks = [lift(world, 1).body["check"]["right"] for _ in range(3)]  # type: ignore[index]
    assert checks == [False, False, True]


def test_raised_latest_versions_of_large_keys_come_down(world: World) -> None:
    keys = [f"many.{number}" for number in range(17)]
    world.set(snapshot_bytes=limits.SNAPSHOT_BYTES_MOST)
    for key in keys:
        world.put(text(key, "x" * 245_000))
    overstate(world, keys, 2**53)
    checks = [lift(world, 1).body["check"]["right"] for _ in range(3)]  # type: ignore[index]
    assert checks == [False, False, True]


def test_a_raised_floor_comes_down(world: World) -> None:
    damage(world, floor=2**53)
    lift(world, 3)
    assert world.put(text("b")).body["version"] == 6


def test_answer_and_log_of_a_lift_have_only_exact_numbers(world: World) -> None:
    overstate(world, ["b"], 10**30)
    damage(world, revision=10**30, served=10**30, floor=10**30, size=10**30)
    answers = json.dumps([lift(world, 1).body, world.log()[-1].details])
    assert max(map(int, re.findall("[0-9]+", answers))) == limits.EXACT


def overstate(world: World, keys: list[str], latest: int) -> None:
    """Overwrites latest versions in the table, and nothing else."""
    for key in keys:
        at = records.key(NS, key)
        state = world.repository.get([at])[at]
        world.repository.commit([Write(state._replace(latest=latest), state.revision)])  # type: ignore[call-arg]


def test_an_admin_of_one_namespace_cannot_lift_it_out_of_reach(world: World) -> None:
    """Clients refuse revisions above a limit, and no revision goes down again."""
    set_grants(world.ports, ADMIN, DEVELOPER.principal or "", (grant("admin", on=NS),), None)
    with pytest.raises(Forbidden, match=r"needs admin on \*"):
        lift_namespace(world.ports, DEVELOPER, NS, limits.REVISION_LIFT_OWN + 1, None)
    assert world.head().revision < 10
    assert lift_namespace(world.ports, DEVELOPER, NS, limits.REVISION_LIFT_OWN, None).status == 200
    assert world.head().revision + limits.REVISION_MOST // 4 < limits.REVISION_MOST


def test_upkeep_keeps_the_last_revision_even_under_a_raised_head(world: World) -> None:
    """Settings move only HEAD and the log: without the log their numbers would be reused."""
    world.set(retention=RetentionSettings(log_days=1))
    for number in range(5):
        world.set(description=f"{number}")
    last = damage(world, revision=10**15).revision
    world.clock.sleep(3 * 24 * 3600)
    run_upkeep(world.ports, ADMIN, NS)
    assert lift(world, 1).body["revision"] == last + 1
