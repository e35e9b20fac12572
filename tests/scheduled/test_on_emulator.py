"""The function's own composition root, in a process of its own, with the emulator's DynamoDB and EventBridge."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.dynamo import DynamoRepository
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.system import SystemClock, SystemRandomness
from configsvc.model import grants, names
from configsvc.service.engine.ports import Caller, ServicePorts
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from configsvc.service.verbs.snapshots import fetch_snapshot
from local.clients import REGION, make_client_arguments
from local.emulator.launcher import Emulator
from tests.support.contracts.tables import create_table
from tests.support.scheduled.queue import RuleQueue
from tests.support.service.world import text

pytestmark = pytest.mark.emulator

_MINUTE = 60.0
_CANARY = "canary-hunter2"
_ADMIN = grants.Principal("arn:aws:iam::123456789012:role/Admin")
_INVOKE = """
import sys
from configsvc.scheduled.upkeep import handler
class Context:
    aws_request_id = "r-1"
    def get_remaining_time_in_millis(self):
        return 900_000
for task in sys.argv[1:]:
    handler({"task": task}, Context())
"""


class Stand(NamedTuple):
    endpoint: str
    table: str
    ports: ServicePorts
    queue: RuleQueue

    def invoke(self, *tasks: str, **changed: str) -> subprocess.CompletedProcess[str]:
        environ = {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "NO_PROXY": "*",
            "AWS_LAMBDA_FUNCTION_NAME": "configsvc-te-Upkeep-1A2B3C", "CONFIGSVC_STACK": "configsvc-tests",
            "CONFIGSVC_TABLE": self.table, "CONFIGSVC_PROBE_API_KEY_ID": "probekey", **changed,
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "-c", _INVOKE, *tasks], env=environ, capture_output=True, text=True, check=False
        )


def admin() -> Caller:
    return Caller(None, _ADMIN, "", "", "", "")


@pytest.fixture
def stand(emulator: Emulator) -> Iterator[Stand]:
    client = boto3.client("dynamodb", **make_client_arguments(emulator.url))
    table = create_table(client)
    ports = ServicePorts(
        DynamoRepository(client, table), SystemClock(), SystemRandomness(), RecentGrants(), RenderedSnapshots(),
        (_ADMIN,), JsonSchemas(),
    )  # fmt: skip
    queue = RuleQueue(emulator.url)
    yield Stand(emulator.url, table, ports, queue)
    queue.close()
    client.delete_table(TableName=table)


def put_due(stand: Stand, namespace: str, key: str, day: str) -> None:
    name = names.parse_namespace(namespace)
    create_namespace(stand.ports, admin(), name, NamespaceWanted(), None)
    writer = admin()._replace(principal=grants.UPKEEP)
    ports = stand.ports._replace(grants=_everything())
    put_key(ports, writer, name, text(key, _CANARY, rotate_by=day), "", None)


def _everything() -> Any:  # noqa: ANN401  # a cache of grants
    from configsvc.adapters.caches import FixedGrants

    return FixedGrants(grants.UPKEEP, grants.UPKEEP_GRANTS)


def read_lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(each) for each in done.stdout.splitlines()]


def test_a_due_rotation_is_logged_and_received_within_a_minute(stand: Stand) -> None:
    put_due(stand, "payments.prod", "db.url", "2020-02-29")
    began = time.monotonic()
    done = stand.invoke("upkeep")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = read_lines(done)
    received = list[dict[str, Any]]()
    while not received:
        assert time.monotonic() < began + _MINUTE
        received = stand.queue.receive()
    assert (line["rotation_due"], line["RotationOverdue"], line["service"]) == (1, 1, "configsvc-te-Upkeep-1A2B3C")
    (event,) = received
    assert (event["source"], event["detail-type"]) == ("configsvc", "RotationDue")
    assert event["detail"] == {
        "stack": "configsvc-tests", "namespace": "payments.prod", "keys": ["db.url"], "rotate_by": "2020-02-29",
    }  # fmt: skip
    assert _CANARY not in done.stdout + json.dumps(received)


def test_heartbeats_and_an_upkeep_make_what_the_probe_reads(stand: Stand) -> None:
    done = stand.invoke("heartbeat", "upkeep", "heartbeat")
    assert (done.returncode, done.stderr) == (0, "")
    first, run, last = read_lines(done)
    assert run["namespaces"] == 1
    assert all(0 <= each["UpkeepAge"] < _MINUTE for each in (first, last))
    probe = Caller("api-key:probekey", None, "", "", "", "")
    answer = fetch_snapshot(stand.ports, probe, names.PROBE_NAMESPACE, None)
    assert answer.body
    entries = {each["key"]: json.loads(each["value"]) for each in json.loads(answer.body)["entries"]}
    assert set(entries) == {"heartbeat", "upkeep"}
    assert entries["upkeep"]["failed"] == 0


def test_a_broken_item_fails_its_namespace_and_no_other(stand: Stand) -> None:
    put_due(stand, "a.broken", "db.url", "2020-01-01")
    put_due(stand, "z.whole", "db.url", "2020-01-02")
    client = boto3.client("dynamodb", **make_client_arguments(stand.endpoint))
    key = {"pk": {"S": "N#a.broken"}, "sk": {"S": "K#db.url"}}
    client.put_item(TableName=stand.table, Item={**key, "revision": {"N": "2"}, "value": {"S": _CANARY}})
    done = stand.invoke("upkeep")
    assert done.returncode == 1
    assert "TaskFailed" in done.stderr
    *faults, line = read_lines(done)
    assert line["failed"] == [{"namespace": "a.broken", "code": "internal"}]
    assert [each["namespace"] for each in faults] == ["a.broken"]
    assert [each["detail"]["namespace"] for each in stand.queue.receive()] == ["z.whole"]
    assert _CANARY not in done.stdout + done.stderr


def test_a_table_that_is_missing_is_reported_and_raised(stand: Stand) -> None:
    done = stand.invoke("upkeep", CONFIGSVC_TABLE="missing-table")
    assert (done.returncode, "TaskFailed" in done.stderr) == (1, True)
    line = read_lines(done)[-1]
    assert (line["failed"], line["UpkeepFailed"]) == ([{"namespace": None, "code": "internal"}], 1)


def test_settings_that_are_wrong_are_named(stand: Stand) -> None:
    done = stand.invoke("upkeep", CONFIGSVC_TABLE="", CONFIGSVC_ROTATION_DAYS="soon")
    assert done.returncode == 1
    assert "CONFIGSVC_TABLE" in done.stderr
    assert "CONFIGSVC_ROTATION_DAYS" in done.stderr
