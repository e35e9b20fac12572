"""On the deployed stack: the schedule's own input makes upkeep report what is due, to log, metric and event."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from configsvc.model.names import PROBE_NAMESPACE
from configsvc_client.admin import make_draft
from infra.packaging.service_zip import REGION, Package
from local.clients import ROOT as ACCOUNT
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.people import ApiKey
from tests.support.cli.shell import Shell
from tests.support.deployed.own_stack import CANARY, NAMESPACE, OwnStack, raise_own
from tests.support.deployed.without_our_tools import walk
from tests.support.scheduled.queue import RuleQueue

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

_STACK = "configsvc-kept"
_FUNCTION = f"{_STACK}-upkeep"
_MINUTE = 60.0
_OPERATIONS = Path(__file__).resolve().parents[2] / "docs/OPERATIONS.md"


@pytest.fixture(scope="module")
def own(emulator: Emulator, built_package: Package) -> OwnStack:
    return raise_own(emulator.url, built_package, _STACK)


@pytest.fixture
def queue(own: OwnStack) -> Iterator[RuleQueue]:
    made = RuleQueue(own.stack.endpoint)
    yield made
    made.close()


def client(own: OwnStack, service: str) -> Any:  # noqa: ANN401  # of boto3, for any service
    return boto3.client(service, **make_client_arguments(own.stack.endpoint))  # type: ignore[call-overload]


def invoke(own: OwnStack, rule: str) -> dict[str, Any]:
    """Sends the function what a rule of the stack sends; returns its answer."""
    (target,) = client(own, "events").list_targets_by_rule(Rule=own.resource(rule))["Targets"]
    assert target["Arn"].endswith(f":{_FUNCTION}")
    answer = client(own, "lambda").invoke(FunctionName=_FUNCTION, Payload=target["Input"].encode())
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found


def read_lines(own: OwnStack, task: str) -> list[dict[str, Any]]:
    group = own.resource("UpkeepLogGroup")
    events = client(own, "logs").filter_log_events(logGroupName=group)["events"]
    lines = [json.loads(each["message"]) for each in events if each["message"].startswith("{")]
    return [line for line in lines if line.get("task") == task]


def within_a_minute(find: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    end = time.monotonic() + _MINUTE
    while not (found := find()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def put_due(own: OwnStack, key: str, day: str) -> None:
    with own.admin(own.writer) as admin:
        admin.values.put_draft(NAMESPACE, make_draft(key, CANARY, form="plain")._replace(rotate_by=day))


def test_a_due_rotation_is_reported_within_a_minute(own: OwnStack, queue: RuleQueue) -> None:
    put_due(own, "db.url", "2016-02-29")
    assert invoke(own, "UpkeepSchedule") == {"task": "upkeep", "failed": 0}
    events = within_a_minute(queue.receive)
    line = within_a_minute(lambda: read_lines(own, "upkeep"))[-1]
    assert events[0]["detail"] == {
        "stack": _STACK, "namespace": NAMESPACE, "keys": ["db.url"], "rotate_by": "2016-02-29",
    }  # fmt: skip
    assert line["rotations"][0] == {"namespace": NAMESPACE, "rotate_by": "2016-02-29", "keys": 1, "first": "db.url"}
    assert (line["failed"], line["service"]) == ([], _FUNCTION)
    assert CANARY not in json.dumps([events, read_lines(own, "upkeep")])


def test_the_command_lists_the_same_keys_as_the_event(own: OwnStack, queue: RuleQueue) -> None:
    put_due(own, "smtp.password", "2020-02-29")
    put_due(own, "smtp.user", "2020-03-01")
    invoke(own, "UpkeepSchedule")
    announced = [key for each in within_a_minute(queue.receive) for key in each["detail"]["keys"]]
    who = own.writer
    shell = Shell(
        {
            "CONFIGSVC_URL": own.stack.url, "CONFIGSVC_API_KEY": who.api_key, "CONFIGSVC_NAMESPACES": NAMESPACE,
            "AWS_REGION": REGION, "NO_PROXY": "*",
        }
    )  # fmt: skip
    assert [line.split("\t")[0] for line in shell.ok("list", "--due", "14").splitlines()] == announced


def test_a_heartbeat_makes_what_only_the_probes_key_can_read(own: OwnStack) -> None:
    assert invoke(own, "HeartbeatSchedule") == {"task": "heartbeat", "failed": 0}
    key = client(own, "apigateway").get_api_key(apiKey=own.resource("ProbeKey"), includeValue=True)
    path = f"/v1/namespaces/{PROBE_NAMESPACE}/snapshot"
    found = own.api.send("GET", path, ApiKey(key["id"], key["value"])).json()
    assert {each["key"] for each in found["entries"]} == {"heartbeat", "upkeep"}
    assert own.api.send("GET", path, own.reader).status == 404
    assert read_lines(own, "heartbeat")[-1]["UpkeepAge"] < 3600


def test_an_unknown_task_fails_the_invocation(own: OwnStack) -> None:
    answer = client(own, "lambda").invoke(FunctionName=_FUNCTION, Payload=b'{"task": "other"}')
    assert answer["FunctionError"] == "Unhandled"
    assert "names no task" in json.loads(answer["Payload"].read())["errorMessage"]


def test_the_commands_of_operations_subscribe_a_topic(own: OwnStack, tmp_path: Path) -> None:
    section = _OPERATIONS.read_text().split("\n## Upkeep\n")[1]
    (script,) = [each for each in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) if "put-rule" in each]
    variables = {
        "AWS_ENDPOINT_URL": own.stack.endpoint, "AWS_DEFAULT_REGION": REGION, "NO_PROXY": "*",
        "AWS_ACCESS_KEY_ID": ACCOUNT.access_key_id, "AWS_SECRET_ACCESS_KEY": ACCOUNT.secret_access_key,
    }  # fmt: skip
    done = walk(script.replace("configsvc-prod", _STACK), variables, tmp_path)
    assert done.returncode == 0, done.stderr
    inbox = _subscribe_queue(own, f"{_STACK}-rotation-due")
    put_due(own, "smtp.password", "2020-02-29")
    invoke(own, "UpkeepSchedule")
    received = within_a_minute(inbox)
    assert {json.loads(each["Message"])["detail"]["rotate_by"] for each in received} >= {"2020-02-29"}


def _subscribe_queue(own: OwnStack, topic: str) -> Callable[[], list[dict[str, Any]]]:
    sqs, sns = client(own, "sqs"), client(own, "sns")
    url = sqs.create_queue(QueueName=topic)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics = (each["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for each in page["Topics"])
    (found,) = [each for each in topics if each.endswith(f":{topic}")]
    sns.subscribe(TopicArn=found, Protocol="sqs", Endpoint=arn)
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed | {"Resource": arn}]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return lambda: [
        json.loads(each["Body"])
        for each in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]
