"""`make deploy` finds out whether API Gateway can write the access log before anything is uploaded."""

from __future__ import annotations

from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from infra.deployment import access_log, release
from infra.deployment.deploy import Target
from infra.deployment.release import Site
from infra.stage import StageError, parse
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.stack import make_target
from tests.support.fixtures.package import ROOT

LOGS = parse({"name": "logs", "stack": "infra-logs", "access_log": True})
ROLE = "arn:aws:iam::111122223333:role/api-gateway-logging-Role-1"
REGION = "eu-west-1"
NONE = cast("Any", None)


def connect() -> Any:  # noqa: ANN401  # a client of boto3
    return boto3.client("apigateway", region_name=REGION, aws_access_key_id="a", aws_secret_access_key="s")


def check(client: Any) -> list[str]:  # noqa: ANN401  # a client of boto3
    said = list[str]()
    access_log.check(LOGS, client, REGION, said.append)
    return said


def test_an_account_with_the_role_can_log() -> None:
    client = connect()
    with Stubber(client) as stub:
        stub.add_response("get_account", {"cloudwatchRoleArn": ROLE, "throttleSettings": {"burstLimit": 5000}}, {})
        assert check(client) == []


@pytest.mark.parametrize("answer", [{"throttleSettings": {"burstLimit": 5000}}, {"cloudwatchRoleArn": ""}])
def test_an_account_without_the_role_is_refused_with_the_command(answer: dict[str, Any]) -> None:
    client = connect()
    with Stubber(client) as stub:
        stub.add_response("get_account", answer, {})
        with pytest.raises(StageError) as refused:
            check(client)
    command = " ".join(str(refused.value).replace("\\\n", "").split())
    assert "aws cloudformation deploy --region eu-west-1 --stack-name api-gateway-logging" in command
    assert (ROOT / command.partition("--template-file ")[2].split()[0]).is_file()


def test_who_may_not_read_the_account_gets_a_note() -> None:
    client = connect()
    with Stubber(client) as stub:
        stub.add_client_error("get_account", "AccessDeniedException", "not authorized: apigateway:GET", 403)
        [note] = check(client)
    assert "apigateway:GET on /account" in note


def test_any_other_failure_ends_the_deployment() -> None:
    client = connect()
    with Stubber(client) as stub:
        stub.add_client_error("get_account", "TooManyRequestsException", "slow down", 429)
        with pytest.raises(ClientError):
            check(client)


def test_a_stage_without_access_log_asks_nothing() -> None:
    client = connect()
    with Stubber(client):
        access_log.check(parse({"stack": "s"}), client, REGION, lambda _: None)


@pytest.mark.parametrize("start", [release.release, release.plan])
def test_it_is_asked_before_anything_else(start: Any) -> None:  # noqa: ANN401  # release or plan
    client = connect()
    site = Site(LOGS, Target(NONE, NONE, NONE, "bucket", print, gateway=client), REGION, lambda _: None)
    with Stubber(client) as stub:
        stub.add_response("get_account", {}, {})
        with pytest.raises(StageError, match="has no role to write logs with"):
            start(site)


@pytest.mark.emulator
def test_the_emulators_account_has_no_role_until_it_is_set(emulator: Emulator) -> None:
    gateway = boto3.client("apigateway", **make_client_arguments(emulator.url))
    target = make_target(emulator.url, lambda _: None)
    assert target.gateway is not None
    with pytest.raises(StageError, match="api-gateway-logging"):
        access_log.check(LOGS, target.gateway, REGION, print)
    operation = {"op": "replace", "path": "/cloudwatchRoleArn"}
    gateway.update_account(patchOperations=[cast("Any", {**operation, "value": ROLE})])
    try:
        access_log.check(LOGS, target.gateway, REGION, print)
    finally:
        gateway.update_account(patchOperations=[cast("Any", {**operation, "value": ""})])
