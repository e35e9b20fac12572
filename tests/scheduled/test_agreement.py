"""`configsvc list --due` lists exactly the keys that upkeep reports and announces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.system import SystemRandomness
from configsvc.service.engine.ports import ServicePorts
from configsvc_client.admin import make_draft
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell
from tests.support.scheduled.upkeep_world import Upkeep

STATES = ("served", "staged", "deleted", "replaced")
DATED = st.one_of(
    st.integers(-3, 40).map(lambda days: timedelta(days=days)),
    st.sampled_from([date(2024, 2, 29), date(2028, 2, 29), date(2400, 2, 29), date(1, 1, 1), date(9999, 12, 31)]),
    st.dates(),
    st.none(),
)
KEYS = st.lists(st.tuples(st.sampled_from(STATES), DATED), min_size=1, max_size=8)
Dated = timedelta | date | None


def today() -> date:
    return datetime.now(UTC).date()


def on_one_day() -> Iterator[date]:
    """Yields today; once more if midnight passed in the meantime."""
    for _ in range(2):
        day = today()
        yield day
        if today() == day:
            return


def fill(service: Loopback, keys: list[tuple[str, Dated]], day: date) -> str:
    """A new namespace, which serves, stages, deleted or replaced a key for each of these."""
    namespace, admin = service.namespace(f"test.{uuid4().hex[:10]}"), service.admin("owner")
    for number, (state, dated) in enumerate(keys):
        by = day + dated if isinstance(dated, timedelta) else dated
        draft = make_draft(f"k{number}", "1", form="plain")._replace(rotate_by=by.isoformat() if by else None)
        admin.values.put_draft(namespace, draft._replace(activate=state != "staged"))
        if state == "deleted":
            admin.values.delete(namespace, f"k{number}")
        if state == "replaced":
            admin.values.put(namespace, f"k{number}", "2", form="plain")
    return namespace


def announce(service: Loopback, namespace: str, days: int) -> tuple[list[str], int]:
    """The keys that an upkeep announces for a namespace, by date and key, and how many of them are overdue."""
    ports = ServicePorts(
        service.table, service.clock, SystemRandomness(), RecentGrants(), RenderedSnapshots(), (), JsonSchemas()
    )
    upkeep = Upkeep(ports, days)
    upkeep.invoke("upkeep")
    ours = [each for each in upkeep.bus.details() if each["namespace"] == namespace]
    late = sum(len(each["keys"]) for each in ours if each["rotate_by"] < today().isoformat())
    return [key for each in ours for key in each["keys"]], late


def list_due(shell: Shell, *options: str) -> list[str]:
    done = shell.here("list", "--due", *options)
    assert done.code == 0, done
    return [line.split("\t")[0] for line in done.out.splitlines()]


@given(keys=KEYS, days=st.sampled_from([0, 1, 14, 30]))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_command_lists_what_upkeep_announces(service: Loopback, keys: list[tuple[str, Dated]], days: int) -> None:
    for day in on_one_day():
        namespace = fill(service, keys, day)
        shell = Shell(service.environ("reader", namespace))
        announced, late = announce(service, namespace, days)
        listed, overdue = list_due(shell, str(days)), list_due(shell)
        by_date = list_due(shell, (day + timedelta(days=days)).isoformat())
    assert sorted(listed) == sorted(announced)
    assert listed == by_date
    assert (len(overdue), overdue) == (late, listed[:late])


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_a_day_is_a_day_in_utc_wherever_the_command_runs(service: Loopback, zone: str) -> None:
    """At any time, one of the first two zones has another day than UTC."""
    days = [timedelta(days=each) for each in (-2, -1, 0, 1, 2)]
    for day in on_one_day():
        namespace = fill(service, [("served", each) for each in days], day)
        shell = Shell(service.environ("reader", namespace)).but(TZ=zone)
        announced, _ = announce(service, namespace, 1)
        listed = [line.split("\t")[0] for line in shell.ok("list", "--due", "1").splitlines()]
        overdue = [line.split("\t")[0] for line in shell.ok("list", "--due").splitlines()]
    assert listed == announced == ["k0", "k1", "k2", "k3"]
    assert overdue == ["k0", "k1"]


def test_nobody_can_grant_to_upkeep(service: Loopback) -> None:
    administrator = Shell(service.environ("admin"))
    service.requests.clear()
    done = administrator.run("grant", "system:upkeep", "-a", "read", "-n", "*")
    assert (done.code, "principal must be" in done.err, service.requests) == (2, True, [])


def test_the_log_can_be_asked_for_what_upkeep_did(service: Loopback, namespace: str, shell: Shell) -> None:
    admin = service.admin("owner")
    admin.values.put(namespace, "gone", "1", form="plain")
    admin.values.delete(namespace, "gone")
    service.clock.behind = -3 * 24 * 3600.0
    try:
        Shell(service.environ("owner", namespace)).ok("namespace", "set", namespace, "--keep-deleted-days", "1")
        announce(service, namespace, 14)
    finally:
        service.clock.behind = 0.0
    assert [line.split("\t")[2:4] for line in shell.ok("log", "--by", "system:upkeep").splitlines()] == [
        ["system:upkeep", "purge gone 1"]
    ]
