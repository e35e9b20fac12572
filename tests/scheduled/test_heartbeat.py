"""The heartbeat task writes one line with the age of the last upkeep, or says why it failed, and raises."""

from __future__ import annotations

import pytest

from configsvc.adapters.system import to_moment
from configsvc.model.names import HEARTBEAT_KEY, PROBE_NAMESPACE
from configsvc.scheduled.upkeep_report import TaskFailed
from configsvc.scheduled.upkeep_tasks import choose_days
from configsvc.service.engine import records
from configsvc.service.engine.records import KeyState
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from tests.support.scheduled.upkeep_world import SERVICE, Upkeep
from tests.support.service.world import ADMIN, NS, World

DAY = 24 * 3600.0
CANARY = "canary-hunter2"


def test_a_heartbeat_measures_the_time_since_the_last_upkeep(world: World, upkeep: Upkeep) -> None:
    assert upkeep.invoke("heartbeat") == {"task": "heartbeat", "failed": 0}
    upkeep.invoke("upkeep")
    world.clock.pass_by(2 * DAY + 1)
    upkeep.invoke("heartbeat")
    line = upkeep.report()
    assert line["UpkeepAge"] == pytest.approx(2 * DAY + 1, abs=1)
    assert (line["level"], line["task"], line["service"]) == ("info", "heartbeat", SERVICE)
    assert line["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "UpkeepAge", "Unit": "Seconds"}]


def test_a_heartbeat_does_no_upkeep(world: World, upkeep: Upkeep) -> None:
    upkeep.invoke("heartbeat")
    world.repository.calls.clear()
    upkeep.invoke("heartbeat")
    assert "query" not in world.repository.calls
    assert not upkeep.bus.calls
    assert {each.principal for each in world.log(records.of_namespace(NS))} == {ADMIN.principal}


def test_a_heartbeat_that_cannot_be_written_is_logged_and_raised(world: World, upkeep: Upkeep) -> None:
    create_namespace(world.ports, ADMIN, PROBE_NAMESPACE, NamespaceWanted(read_only=True), None)
    assert "conflict" in upkeep.fail("heartbeat")
    line = upkeep.report()
    assert (line["level"], line["task"], line["namespace"], line["code"]) == (
        "error", "heartbeat", PROBE_NAMESPACE, "conflict",
    )  # fmt: skip
    assert "--no-read-only" in line["detail"]
    assert "UpkeepAge" not in line


def test_the_error_of_a_heartbeat_quotes_no_other(world: World, upkeep: Upkeep) -> None:
    def break_off() -> None:
        raise ValueError(CANARY)

    world.repository.before_get += [break_off]
    with pytest.raises(TaskFailed) as raised:
        upkeep.invoke("heartbeat")
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert "canary" not in str(raised.value) + upkeep.text.getvalue()


def test_heartbeats_leave_one_day_of_log_and_two_versions(world: World, upkeep: Upkeep) -> None:
    for _ in range(3 * 24):
        upkeep.invoke("heartbeat")
        world.clock.pass_by(3600)
    upkeep.invoke("upkeep")
    partition = records.of_namespace(PROBE_NAMESPACE)
    assert len(world.log(partition)) <= 24 + 2
    versions = list(world.repository.query(partition, f"V#{HEARTBEAT_KEY}#"))
    assert len(versions) <= 24 + 3
    at = records.key(PROBE_NAMESPACE, HEARTBEAT_KEY)
    assert isinstance(world.repository.get([at])[at], KeyState)


@pytest.mark.parametrize(
    ("at", "days", "chosen"),
    [
        ("2028-02-28T00:00:00", 1, ("2028-02-28", "2028-02-29")),
        ("2028-02-28T23:59:59", 1, ("2028-02-28", "2028-02-29")),
        ("2027-12-31T23:59:59", 0, ("2027-12-31", "2027-12-31")),
        ("2027-12-20T12:00:00", 14, ("2027-12-20", "2028-01-03")),
        ("2026-12-01T00:00:00", 36_500, ("2026-12-01", "2126-11-07")),
    ],
)
def test_days_are_calendar_days_in_utc(at: str, days: int, chosen: tuple[str, str]) -> None:
    from datetime import UTC, datetime

    moment = to_moment(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp())
    assert choose_days(moment, days) == chosen
