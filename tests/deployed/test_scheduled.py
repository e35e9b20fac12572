"""Upkeep and the probe on the local AWS, with the deployed code, roles and rules."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.deployment.deploy import deploy_service
from infra.deployment.release import for_stage
from infra.packaging.service_zip import Package
from infra.stage import load
from local.clients import Credentials, make_client_arguments
from local.emulator.launcher import Emulator
from local.stack import LocalStack, make_target
from tests.support.deployed.own_stack import find_resource
from tests.support.deployed.permissions import of_role
from tests.support.fixtures.deployed import STACK, Deployed
from tests.support.journeys.waiting import until
from tests.support.local.aws_people import new_user

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

_SECONDS = 120.0
_RULES = ("UpkeepSchedule", "HeartbeatSchedule", "ProbeSchedule")


class Stand(NamedTuple):
    """A stack on the emulator, by name."""

    endpoint: str
    name: str

    def client(self, service: str, credentials: Credentials | None = None) -> Any:  # noqa: ANN401  # one of boto3's many
        held = [credentials] if credentials else []
        return boto3.client(service, **make_client_arguments(self.endpoint, *held))  # type: ignore[call-overload]  # by name

    def made(self, logical_id: str) -> str:
        return find_resource(self.endpoint, self.name, logical_id)

    def rule(self, logical_id: str) -> tuple[str, str]:
        """State and the input that it sends."""
        events, name = self.client("events"), self.made(logical_id)
        [target] = events.list_targets_by_rule(Rule=name)["Targets"]
        return events.describe_rule(Name=name)["State"], target["Input"]

    def invoke(self, function: str, content: str) -> dict[str, Any]:
        answer = self.client("lambda").invoke(FunctionName=self.made(function), Payload=content.encode())
        body = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return dict(body)

    def holder(self, role: str) -> Credentials:
        """Somebody with the permissions that the deployed role has."""
        return new_user(self.endpoint, *of_role(self.endpoint, self.made(role)).read()["Statement"])

    def lines(self, group: str) -> list[str]:
        found = self.client("logs").filter_log_events(logGroupName=self.made(group))
        return [each["message"] for each in found["events"]]


@pytest.fixture
def stand(deployed: Deployed) -> Stand:
    return Stand(deployed.stack.endpoint, STACK)


def is_denied(does: Callable[[], object]) -> bool:
    with pytest.raises(ClientError) as refused:
        does()
    return "AccessDenied" in refused.value.response["Error"]["Code"]


def test_the_local_stage_has_both_functions_and_no_schedule_runs(stand: Stand, deployed: Deployed) -> None:
    stack: LocalStack = deployed.stack
    assert (stack.upkeep, stack.probe) == (f"{STACK}-upkeep", f"{STACK}-probe")
    assert {stand.rule(each)[0] for each in _RULES} == {"DISABLED"}


def test_each_rule_s_own_input_runs_its_task(stand: Stand) -> None:
    for rule, function in (("HeartbeatSchedule", "Upkeep"), ("UpkeepSchedule", "Upkeep"), ("ProbeSchedule", "Probe")):
        stand.invoke(function, stand.rule(rule)[1])
    line = [json.loads(each) for each in stand.lines("ProbeLogGroup") if "ProbeFailed" in each][-1]
    assert (line["ProbeFailed"], line["service"]) == (0, f"{STACK}-probe"), line
    assert 0 <= line["ProbeAge"] < 60


def test_upkeep_holds_no_key_and_deletes_no_table(stand: Stand, deployed: Deployed) -> None:
    held, table = stand.holder("UpkeepRole"), deployed.stack.table
    dynamodb, kms = stand.client("dynamodb", held), stand.client("kms", held)
    dynamodb.query(
        TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "nobody"}}
    )
    assert is_denied(lambda: dynamodb.delete_table(TableName=table))
    assert is_denied(lambda: dynamodb.scan(TableName=table))
    key, context = deployed.stack.kms_key_arn, {"configsvc:namespace": "payments.prod"}
    assert is_denied(lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context))
    assert is_denied(lambda: kms.describe_key(KeyId=key))


def test_upkeep_puts_its_own_events_on_the_default_bus_only(stand: Stand) -> None:
    events = stand.client("events", stand.holder("UpkeepRole"))
    entry = {"Source": "configsvc", "DetailType": "RotationDue", "Detail": "{}"}
    assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert is_denied(lambda: events.put_events(Entries=[{**entry, "EventBusName": "payments"}]))
    assert is_denied(lambda: events.put_events(Entries=[{**entry, "Source": "payments"}]))
    assert is_denied(events.list_rules)


def test_the_probe_reads_its_api_key_and_no_other_and_no_table(stand: Stand, deployed: Deployed) -> None:
    held = stand.holder("ProbeRole")
    gateway, dynamodb = stand.client("apigateway", held), stand.client("dynamodb", held)
    own = stand.made("ProbeKey")
    assert gateway.get_api_key(apiKey=own, includeValue=True)["value"]
    assert is_denied(lambda: gateway.get_api_key(apiKey=deployed.stack.reader.identifier, includeValue=True))
    assert is_denied(
        lambda: dynamodb.get_item(TableName=deployed.stack.table, Key={"pk": {"S": "a"}, "sk": {"S": "b"}})
    )


@pytest.mark.long  # a rule of every minute fires after the first one
def test_an_enabled_schedule_runs_the_probe(emulator: Emulator, built_package: Package) -> None:
    own = Stand(emulator.url, "configsvc-schedules")
    stage = load("local").model_copy(update={"scheduled": True, "stack": own.name})
    where = make_target(emulator.url, lambda _: None)
    package = for_stage(built_package, stage)
    deploy_service(where, own.name, package, stage.parameters(), _SECONDS, emulator=True)
    assert {own.rule(each)[0] for each in _RULES} == {"ENABLED"}
    began = time.monotonic()
    until(lambda: any("ProbeFailed" in each for each in own.lines("ProbeLogGroup")), seconds=_SECONDS)
    assert time.monotonic() - began < _SECONDS
