"""On the deployed stack: an IAM identity that may invoke the function, and nothing else, gets nothing by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from infra.packaging.service_zip import Package
from local.clients import Credentials, make_client_arguments
from local.emulator.launcher import Emulator
from local.processes import wait_until
from local.stack import BUCKET
from tests.support.deployed.own_stack import CANARY, NAMESPACE, OwnStack, raise_own
from tests.support.local.alarms import Alarms
from tests.support.local.aws_people import new_user
from tests.support.web.events import build_event

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

_STACK = "configsvc-invoked"
_SNAPSHOT = f"/v1/namespaces/{NAMESPACE}/snapshot"
_LOG_SECONDS = 20.0
_LATER = 600.0


@pytest.fixture(scope="module")
def own(emulator: Emulator, built_package: Package) -> OwnStack:
    return raise_own(emulator.url, built_package, _STACK)


@pytest.fixture(scope="module")
def thief(own: OwnStack) -> LambdaClient:
    """Lambda in the hands of a user whose only right is to invoke the function, by any qualifier."""
    statement = {
        "Effect": "Allow",
        "Action": "lambda:InvokeFunction",
        "Resource": f"arn:aws:lambda:*:*:function:{own.stack.function}*",
    }
    held: Credentials = new_user(own.stack.endpoint, statement)
    return boto3.client("lambda", **make_client_arguments(own.stack.endpoint, held))


def _qualifiers(own: OwnStack) -> Iterator[str]:
    client = boto3.client("lambda", **make_client_arguments(own.stack.endpoint))
    yield "live"
    for version in client.list_versions_by_function(FunctionName=own.stack.function)["Versions"]:
        yield version["Version"]


def _forged(own: OwnStack, method: str, route: str, body: object = None, **query: str) -> dict[str, Any]:
    who = own.administrator
    made = build_event(
        method,
        route,
        parameters={"namespace": NAMESPACE, "key": "stolen"},
        query={name: [value] for name, value in query.items()},
        headers={"content-type": "application/json"},
        body=json.dumps(body) if body else None,
        identity={"userArn": who.arn, "apiKeyId": who.api_key_id, "sourceIp": "203.0.113.9"},
    )
    return made | {"stageVariables": None}


def _invoke(thief: LambdaClient, own: OwnStack, sent: object, qualifier: str = "live") -> dict[str, Any]:
    answer = thief.invoke(FunctionName=own.stack.function, Qualifier=qualifier, Payload=json.dumps(sent).encode())
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found


def _state(own: OwnStack) -> list[bytes]:
    paths = (_SNAPSHOT, f"/v1/namespaces/{NAMESPACE}/changes", "/v1/grants/changes")
    return [own.api.send("GET", path, own.administrator).body for path in paths]


def test_a_forged_administrator_is_refused_by_every_version_and_changes_nothing(
    own: OwnStack, thief: LambdaClient
) -> None:
    everything = {"grants": [{"actions": ["admin", "read", "write"], "namespaces": ["*"]}]}
    put = {"form": "plain", "content_type": "text/plain", "value": "forged"}
    before = _state(own)
    for qualifier in _qualifiers(own):
        for sent in (
            _forged(own, "PUT", "/v1/grants", everything, principal="api-key:thief"),
            _forged(own, "PUT", "/v1/namespaces/{namespace}/keys/{key}", put),
            _forged(own, "DELETE", "/v1/namespaces/{namespace}"),
            _forged(own, "GET", "/v1/namespaces/{namespace}/snapshot"),
            ["no event at all"],
        ):
            answer = _invoke(thief, own, sent, qualifier)
            assert answer["statusCode"] == 403, (qualifier, sent, answer)
    assert _state(own) == before
    assert CANARY.encode() not in b"".join(before)


def test_the_invocation_is_logged_with_the_alarm_s_metric(own: OwnStack, thief: LambdaClient) -> None:
    refused = _invoke(thief, own, _forged(own, "GET", "/v1/namespaces/{namespace}/snapshot"))
    invocation = json.loads(refused["body"])["instance"]
    arguments = make_client_arguments(own.stack.endpoint)
    logs, cloudwatch = boto3.client("logs", **arguments), boto3.client("cloudwatch", **arguments)

    def found() -> list[dict[str, Any]]:
        events = logs.filter_log_events(logGroupName=own.stack.log_group)["events"]
        lines = [json.loads(each["message"]) for each in events if each["message"].startswith("{")]
        return [line for line in lines if line.get("request_id") == invocation]

    assert wait_until(lambda: bool(found()), _LOG_SECONDS)
    (line,) = found()
    assert (line["unproven"], line["status"], line["principal"], line["Unproven"]) == (True, 403, None, 1)
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[f"{_STACK}-unproven"])["MetricAlarms"]
    metrics = {each["Metrics"][0]["Name"]: each for each in line["_aws"]["CloudWatchMetrics"]}
    watched = metrics[alarm["MetricName"]]
    assert watched["Namespace"] == alarm["Namespace"]
    assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {"service": line["service"]}


def test_the_proof_is_seen_nowhere_but_in_the_stage(own: OwnStack, thief: LambdaClient) -> None:
    arguments = make_client_arguments(own.stack.endpoint)
    gateway, s3 = boto3.client("apigateway", **arguments), boto3.client("s3", **arguments)
    api = own.stack.url.split("/execute-api/")[1].split("/")[0]
    proof = gateway.get_stage(restApiId=api, stageName="api")["variables"]["proof"]
    _invoke(thief, own, _forged(own, "GET", "/v1/namespaces/{namespace}/snapshot"))

    functions, stacks = boto3.client("lambda", **arguments), boto3.client("cloudformation", **arguments)
    logs = boto3.client("logs", **arguments)
    seen = [
        json.dumps(functions.get_function(FunctionName=own.stack.function, Qualifier="live"), default=str),
        json.dumps(stacks.describe_stacks(StackName=_STACK), default=str),
        json.dumps(stacks.describe_stack_events(StackName=_STACK), default=str),
        json.dumps(logs.filter_log_events(logGroupName=own.stack.log_group), default=str),
    ]
    uploaded = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{_STACK}/")["Contents"]
    seen += [s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read().decode("latin-1") for each in uploaded]
    assert len(proof) == 64
    assert len(seen) >= 6
    assert not [text for text in seen if proof in text]


@pytest.mark.parametrize("scheduled", ["upkeep", "probe"])
def test_a_scheduled_function_runs_its_task_and_nothing_else(own: OwnStack, scheduled: str) -> None:
    anybody = boto3.client("lambda", **make_client_arguments(own.stack.endpoint))  # more than a thief ever has
    put = {"form": "plain", "content_type": "text/plain", "value": "forged"}
    sent: list[object] = [
        _forged(own, "PUT", "/v1/namespaces/{namespace}/keys/{key}", put),
        _forged(own, "GET", "/v1/namespaces/{namespace}/snapshot"),
        {"task": "delete", "namespace": NAMESPACE},
        ["no task"],
    ]
    before = _state(own)
    for each in sent:
        answer = anybody.invoke(FunctionName=f"{_STACK}-{scheduled}", Payload=json.dumps(each).encode())
        assert "FunctionError" in answer, each
        assert CANARY.encode() not in answer["Payload"].read()
    assert _state(own) == before


def test_one_direct_invocation_raises_the_alarm(own: OwnStack, thief: LambdaClient) -> None:
    alarms, unproven = Alarms(own.stack.endpoint), f"{_STACK}-unproven"
    alarms.let_pass(_LATER)  # then what other tests invoked is over
    assert wait_until(lambda: alarms.state(unproven) == "OK", _LOG_SECONDS)

    _invoke(thief, own, _forged(own, "GET", "/v1/namespaces/{namespace}/snapshot"))
    assert wait_until(lambda: alarms.state(unproven) == "ALARM", _LOG_SECONDS)
