"""The heartbeat keeps configsvc.probe alive, whatever somebody did to it, or says why it cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from configsvc.adapters.caches import FixedGrants
from configsvc.adapters.system import to_moment
from configsvc.model import grants
from configsvc.model.change_set import ChangeSet, Delete
from configsvc.model.errors import ConfigsvcError, Conflict, PreconditionRequired, Unprocessable
from configsvc.model.grants import UPKEEP, UPKEEP_GRANTS, Grant
from configsvc.model.names import HEARTBEAT_KEY, PROBE_NAMESPACE, UPKEEP_KEY, parse_key
from configsvc.service.engine import records
from configsvc.service.engine.ports import Caller, ServicePorts
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.grants import get_grants, set_grants
from configsvc.service.verbs.heartbeat import beat, leave_mark
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace, delete_namespace, get_namespace
from configsvc.service.verbs.read_keys import get_key
from configsvc.service.verbs.snapshots import fetch_snapshot
from configsvc.service.verbs.upkeep_everywhere import make_caller
from tests.support.service.world import ADMIN, World, make_world, text

PROBE = grants.parse_api_key_id("probekey")
READER = Caller(PROBE, None, "", "", "", "")
SYSTEM = make_caller("c-1")
DAY = 24 * 3600.0


@pytest.fixture
def world() -> World:
    return make_world()


def ports_of(world: World) -> ServicePorts:
    return world.ports._replace(grants=FixedGrants(UPKEEP, UPKEEP_GRANTS), admins=())


def run(world: World) -> float:
    return beat(ports_of(world), SYSTEM, PROBE)


def read(world: World, key: str) -> dict[str, Any]:
    entry, _ = get_key(ports_of(world), SYSTEM._replace(api_key=UPKEEP), PROBE_NAMESPACE, parse_key(key))
    found: dict[str, Any] = json.loads(str(entry["value"]))
    return found


def empty(world: World) -> None:
    operations = (Delete(HEARTBEAT_KEY), Delete(UPKEEP_KEY))
    commit_change_set(ports_of(world), SYSTEM, PROBE_NAMESPACE, ChangeSet(operations), None)
    delete_namespace(ports_of(world), SYSTEM, PROBE_NAMESPACE, None)


def test_the_first_heartbeat_makes_everything_that_the_probe_reads(world: World) -> None:
    assert run(world) == 0
    now = world.clock.now().text
    assert (read(world, "heartbeat"), read(world, "upkeep")) == ({"at": now}, {"at": None, "since": now})
    described = get_namespace(ports_of(world), READER, PROBE_NAMESPACE)
    assert described["retention"] == {"versions": 2, "log_days": 1, "deleted_days": None}
    assert fetch_snapshot(world.ports, READER, PROBE_NAMESPACE, None).body
    assert {each.principal for each in world.log(records.of_namespace(PROBE_NAMESPACE))} == {UPKEEP}


def test_a_heartbeat_costs_three_reads_and_one_write(world: World) -> None:
    run(world)
    world.repository.calls.clear()
    world.clock.pass_by(300)
    run(world)
    assert (world.repository.calls.count("commit"), len(world.repository.calls)) == (1, 4)
    assert read(world, "heartbeat") == {"at": world.clock.now().text}


def test_the_age_counts_from_the_last_upkeep_or_the_first_heartbeat(world: World) -> None:
    run(world)
    world.clock.pass_by(3 * DAY)
    assert run(world) == pytest.approx(3 * DAY, abs=1)
    leave_mark(ports_of(world), SYSTEM, UPKEEP_KEY, {"at": world.clock.now().text, "failed": 3})
    world.clock.pass_by(60)
    assert run(world) == pytest.approx(60, abs=1)


def test_an_upkeep_by_a_clock_that_is_ahead_has_no_negative_age(world: World) -> None:
    run(world)
    ahead = to_moment(world.clock.now().seconds + 3000).text
    leave_mark(ports_of(world), SYSTEM, UPKEEP_KEY, {"at": ahead, "failed": 0})
    assert run(world) == 0


def test_grants_that_exist_are_not_rewritten(world: World) -> None:
    wider = (Grant(("read",), ("*",)),)
    set_grants(world.ports, ADMIN, PROBE, wider, None)
    run(world)
    run(world)
    assert get_grants(world.ports, ADMIN, PROBE, 100, None)["revision"] == 5  # four of the world, and this one


def test_grants_that_lack_the_namespace_are_reported(world: World) -> None:
    set_grants(world.ports, ADMIN, PROBE, (Grant(("read",), ("payments.*",)),), None)
    with pytest.raises(Conflict, match=r"configsvc grant api-key:probekey -a read -n configsvc\.probe"):
        run(world)


def test_without_a_probe_nothing_is_granted(world: World) -> None:
    beat(ports_of(world), SYSTEM, None)
    assert records.address_of_granted(PROBE) not in world.repository.get([records.address_of_granted(PROBE)])


def test_a_deleted_namespace_is_created_again(world: World) -> None:
    run(world)
    empty(world)
    world.clock.pass_by(600)
    assert run(world) == 0
    assert read(world, "heartbeat") == {"at": world.clock.now().text}


def test_a_deleted_upkeep_key_starts_the_age_again(world: World) -> None:
    run(world)
    commit_change_set(ports_of(world), SYSTEM, PROBE_NAMESPACE, ChangeSet((Delete(UPKEEP_KEY),)), None)
    world.clock.pass_by(600)
    assert run(world) == 0
    world.clock.pass_by(600)
    assert run(world) == pytest.approx(600, abs=1)


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (NamespaceWanted(read_only=True), Conflict),
        (NamespaceWanted(require_preconditions=True), PreconditionRequired),
        (NamespaceWanted(forms=("envelope",)), Unprocessable),
    ],
)
def test_settings_that_forbid_the_heartbeat_are_reported(
    world: World, wanted: NamespaceWanted, error: type[ConfigsvcError]
) -> None:
    run(world)
    create_namespace(world.ports, ADMIN, PROBE_NAMESPACE, wanted, None)
    with pytest.raises(error):
        run(world)


FUTURE = [f'{{"at": "{year}-01-01T00:00:00Z"}}' for year in ("2099", "9999", "99999999999")]
FOREIGN = ["canary", "[]", "{}", '{"at": null}', '{"at": 7}', '{"at": "canary"}', "null", *FUTURE]


@pytest.mark.parametrize("value", FOREIGN)
def test_a_foreign_value_of_upkeep_is_reported_and_not_quoted(world: World, value: str) -> None:
    run(world)
    put_key(ports_of(world), SYSTEM, PROBE_NAMESPACE, text("upkeep", value), "", None)
    with pytest.raises(Unprocessable, match=r"configsvc delete upkeep -n configsvc\.probe") as raised:
        run(world)
    assert "canary" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("before", range(4))
def test_two_first_heartbeats_at_once_both_succeed(world: World, before: int) -> None:
    """The second runs before each commit of the first: of the namespace, the value, the grant, the mark."""
    world.repository.before_commit += [*([_nothing] * before), lambda: run(world)]
    run(world)
    assert get_grants(world.ports, ADMIN, PROBE, 100, None) == {
        "principal": PROBE, "grants": [{"actions": ["read"], "namespaces": [PROBE_NAMESPACE]}], "revision": 5,
    }  # fmt: skip
    assert read(world, "upkeep")["at"] is None


def test_an_upkeep_that_ends_during_the_first_heartbeat_keeps_its_mark(world: World) -> None:
    done = {"at": world.clock.now().text, "failed": 0}
    world.repository.before_commit += [*([_nothing] * 3), lambda: leave_mark(ports_of(world), SYSTEM, UPKEEP_KEY, done)]
    run(world)
    assert read(world, "upkeep") == done


def _nothing() -> None:
    """A commit without another."""
