"""The outputs can be read by name, and a throttled caller learns when to try again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest

from infra.deployment.stack import Stack
from infra.packaging.service_zip import REGION
from local.clients import make_client_arguments
from local.people import ApiKey
from tests.support.fixtures.deployed import STACK, Deployed
from tests.support.journeys.api import Api, Reply

if TYPE_CHECKING:
    from mypy_boto3_apigateway.type_defs import ApiStageTypeDef

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]


def test_each_output_is_a_parameter_of_the_same_value(deployed: Deployed) -> None:
    arguments = make_client_arguments(deployed.stack.endpoint)
    outputs = Stack(boto3.client("cloudformation", **arguments), STACK, print).outputs()
    client = boto3.client("ssm", **arguments)
    found = {name: client.get_parameter(Name=f"/configsvc/{STACK}/{name}")["Parameter"] for name in outputs}
    assert {name: each["Value"] for name, each in found.items()} == outputs
    assert {each["Type"] for each in found.values()} == {"String"}


def test_who_is_throttled_reads_retry_after(deployed: Deployed) -> None:
    reply = _throttle(deployed)
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (429, "throttled", "1")


def _throttle(deployed: Deployed) -> Reply:
    gateway = boto3.client("apigateway", **make_client_arguments(deployed.stack.endpoint))
    stages: list[ApiStageTypeDef] = [{"apiId": deployed.stack.url.split("/")[-2], "stage": "api"}]
    plan = gateway.create_usage_plan(name="slow", apiStages=stages, throttle={"rateLimit": 0.001, "burstLimit": 1})
    key = gateway.create_api_key(name="slow", enabled=True)
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    api = Api(deployed.stack.url, REGION)
    for _ in range(10):
        reply = api.send("GET", "/v1/namespaces/a/snapshot", ApiKey(key["id"], key["value"]))
        if reply.status == 429:
            return reply
    raise AssertionError(reply.status)
