"""The audit trail outlives the stack, and does not block a new stack of the same name."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest

from infra.deployment.stack import Stack
from infra.packaging.service_zip import REGION, Package
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.logs import lines
from local.stack import LocalStack, deploy_stack
from tests.support.journeys.api import Api

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

SNAPSHOT = "/v1/namespaces/payments.prod/snapshot"


@pytest.fixture
def logs(emulator: Emulator) -> CloudWatchLogsClient:
    return boto3.client("logs", **make_client_arguments(emulator.url))


def test_a_stack_is_destroyed_and_deployed_again_twice_and_each_log_is_kept(
    emulator: Emulator, built_package: Package, logs: CloudWatchLogsClient
) -> None:
    name, kept = f"configsvc-{uuid4().hex[:6]}", dict[str, str]()
    for _ in range(3):
        stack = deploy_stack(emulator.url, built_package, _ignore, name)
        kept[stack.log_group] = _request(stack)
        _destroy(emulator, name)
    assert len(kept) == 3
    for group, asked in kept.items():
        assert asked in _read(logs, group)


def test_a_stack_with_a_log_of_a_fixed_name_is_updated_and_keeps_it(
    emulator: Emulator, built_package: Package, logs: CloudWatchLogsClient
) -> None:
    name = f"configsvc-{uuid4().hex[:6]}"
    before = deploy_stack(emulator.url, _with_a_fixed_name(built_package), _ignore, name)
    earlier = _request(before)
    assert before.log_group == f"/aws/lambda/{name}-api"
    after = deploy_stack(emulator.url, built_package, _ignore, name)
    later = _request(after)
    assert earlier in _read(logs, before.log_group)
    assert later in _read(logs, after.log_group)
    # `make logs` finds the log wherever the function writes it.
    assert [line.function for line in lines(emulator.url) if later in line.text] == [f"{name}-api"]
    _destroy(emulator, name)


def _with_a_fixed_name(built: Package) -> Package:
    """As the template was before log groups outlived their stack."""
    template = copy.deepcopy(built.template)
    group, function = template["Resources"]["ApiHandlerLogGroup"], template["Resources"]["APIHandler"]
    group["Properties"]["LogGroupName"] = {"Fn::Sub": "/aws/lambda/${AWS::StackName}-api"}
    group.pop("DeletionPolicy", None)
    group.pop("UpdateReplacePolicy", None)
    function["Properties"].pop("LoggingConfig", None)
    function["DependsOn"] = "ApiHandlerLogGroup"
    return replace(built, template=template)


def _request(stack: LocalStack) -> str:
    """Send a request, and return what finds it in the log."""
    correlation = f"seen-{uuid4().hex}"
    reply = Api(stack.url, REGION).send("GET", SNAPSHOT, stack.reader, headers={"x-correlation-id": correlation})
    assert reply.code == "not_found"
    return correlation


def _destroy(emulator: Emulator, name: str) -> None:
    Stack(boto3.client("cloudformation", **make_client_arguments(emulator.url)), name, _ignore).delete(120)


def _read(logs: CloudWatchLogsClient, group: str) -> str:
    return json.dumps(logs.filter_log_events(logGroupName=group)["events"], default=str)


def _ignore(_: str) -> None:
    """Progress is for people."""
