"""The probe of a deployed stack: it is green after a heartbeat, and each outage comes out of the alarm's topic.

The local stage starts nothing by itself, so there its alarm takes silence for no fault; that it does elsewhere is in
tests/local/emulator/test_alarms.py and in the tests of the template.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from infra.packaging.service_zip import Package
from local.emulator.launcher import Emulator
from tests.support.client.certificates import make_server_context
from tests.support.client.stub_servers import run_stub
from tests.support.deployed.own_stack import raise_own
from tests.support.deployed.probed import Probed, find_probed, pass_on

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]


@pytest.fixture(scope="module")
def deployed_probe(emulator: Emulator, built_package: Package) -> Probed:
    name = f"configsvc-{uuid4().hex[:6]}"
    return find_probed(raise_own(emulator.url, built_package, name))


@pytest.fixture
def probed(deployed_probe: Probed) -> Iterator[Probed]:
    deployed_probe.settle()
    yield deployed_probe
    deployed_probe.configure()


def test_the_probe_is_green_after_a_heartbeat(probed: Probed) -> None:
    assert probed.probe() is None
    assert probed.alarms.state(probed.alarm) == "OK"


def test_an_api_that_refuses_connections_is_an_alarm_until_it_is_back(probed: Probed) -> None:
    with run_stub(pass_on(probed.stack.url)) as front:
        probed.configure(CONFIGSVC_URL=front.url)
        assert probed.probe() is None
    probed.alarms_with("connect")

    probed.configure()
    probed.recovers()


@pytest.mark.parametrize(
    ("host", "days", "trusted"),
    [("localhost", 90.0, False), ("api.example.com", 90.0, True), ("localhost", -1.0, True)],
    ids=["of an unknown authority", "for another name", "expired"],
)
def test_a_wrong_certificate_is_an_alarm_until_it_is_replaced(
    probed: Probed, tmp_path: Path, host: str, days: float, *, trusted: bool
) -> None:
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.mkdir()
    right.mkdir()
    with run_stub(pass_on(probed.stack.url), make_server_context(wrong, host, days)) as front:
        authority = (wrong if trusted else tmp_path) / "ca.pem"
        probed.configure(CONFIGSVC_URL=front.url, SSL_CERT_FILE=str(authority))
        probed.alarms_with("tls")
    with run_stub(pass_on(probed.stack.url), make_server_context(right, days=90.0)) as front:
        probed.configure(CONFIGSVC_URL=front.url, SSL_CERT_FILE=str(right / "ca.pem"))
        probed.recovers()


def test_heartbeats_that_stop_are_an_alarm_until_they_go_on(probed: Probed) -> None:
    probed.configure(CONFIGSVC_PROBE_MAX_AGE_SECONDS="2")
    probed.alarms_with("age")

    probed.configure()
    probed.heartbeat()
    probed.recovers()


def test_a_revision_that_goes_down_is_an_alarm_until_it_is_back(probed: Probed) -> None:
    earlier = probed.export_items()
    probed.heartbeat()
    assert probed.probe() is None
    later = probed.export_items()
    probed.put_items(earlier)
    probed.alarms_with("revision")

    probed.put_items(later)
    probed.recovers()


def test_a_lift_above_what_the_probe_saw_ends_that_alarm(probed: Probed) -> None:
    """So after a restore, which lifts every namespace, nobody has to reset the probe."""
    earlier = probed.export_items()
    probed.heartbeat()
    highest = probed.run()["revision"]
    probed.put_items(earlier)
    probed.alarms_with("revision")

    probed.lift(highest)
    probed.recovers()


def test_an_api_key_that_is_disabled_is_an_alarm_until_it_is_enabled(probed: Probed) -> None:
    probed.enable_key(enabled=False)
    probed.alarms_with("api_key")

    probed.enable_key(enabled=True)
    probed.recovers()


def test_an_api_key_without_its_usage_plan_is_an_alarm_until_it_has_it(probed: Probed) -> None:
    with probed.without_usage_plan():
        probed.alarms_with("forbidden")

    probed.recovers()


def test_an_api_key_that_was_deleted_is_an_alarm_until_there_is_one(probed: Probed) -> None:
    with probed.without_usage_plan():  # so that the key in memory is refused, as a deleted one is
        probed.configure(CONFIGSVC_PROBE_API_KEY_ID=probed.delete_another_key())
        probed.alarms_with("api_key")

    probed.configure()
    probed.recovers()


def test_a_grant_that_is_revoked_is_an_alarm_until_a_heartbeat_sets_it(probed: Probed) -> None:
    probed.revoke()
    probed.alarms_with("not_found")

    probed.heartbeat()
    probed.recovers()
