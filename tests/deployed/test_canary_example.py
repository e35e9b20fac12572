"""examples/canary as its README sets it up, in a clone, in an operator's shell; then what can fail on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest

from infra.packaging.platforms import find_local
from infra.packaging.service_zip import Package
from local.clients import make_client_arguments
from local.paths import ROOT
from local.people import make_api_key
from local.processes import wait_until
from local.stack import ADMINISTRATOR, BUCKET
from tests.support.deployed.permissions import of_role
from tests.support.local.alarms import Alarms
from tests.support.runbooks.document import read_blocks
from tests.support.runbooks.dry_run import assign
from tests.support.runbooks.stand import STACK, Shell, Stand, raise_stand

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow, pytest.mark.timeout(180)]

NAME = "configsvc-canary"
_PERIOD = 300.0
_README = ROOT / "examples/canary/README.md"


class Canary(NamedTuple):
    """The example, and a queue that hears its alarm."""

    stand: Stand
    alarms: Alarms
    queue: str

    def client(self, service: str) -> Any:  # noqa: ANN401  # of any service
        return boto3.client(service, **make_client_arguments(self.stand.stack.endpoint))  # type: ignore[call-overload]

    def run(self) -> dict[str, Any]:
        """The result of one run."""
        answer = self.client("lambda").invoke(FunctionName=NAME)
        assert "FunctionError" not in answer, answer["Payload"].read()
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        return found

    def alarms_with(self, code: str) -> None:
        """It fails so three times, and the topic delivers the alarm."""
        self._run_thrice(code)
        assert self.alarms.hear(self.queue, NAME, "ALARM")

    def recovers(self) -> None:
        """It opens the value three times, and the topic delivers that."""
        self._run_thrice(None)
        assert self.alarms.hear(self.queue, NAME, "OK")["OldStateValue"] == "ALARM"

    def run_until(self, code: str | None) -> None:
        """It fails so, or opens the value."""
        assert wait_until(lambda: self.run().get("code") == code, 30.0), self.run()

    def _run_thrice(self, code: str | None) -> None:
        self.run_until(code)
        for _ in range(3):
            self.alarms.let_pass(_PERIOD)
            found = self.run()
            assert found.get("code") == code, found


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory, built_package: Package) -> Iterator[Canary]:
    """The stack that the README's commands leave."""
    platform = find_local()
    with raise_stand(tmp_path_factory.mktemp("canary"), built_package) as stand:
        _let_deploy(stand)
        here = {"STACK": STACK, "BUCKET": BUCKET, "RUNTIME": platform.runtime, "ARCHITECTURE": platform.architecture}
        with Shell(stand) as shell:
            for block in read_blocks(_README.read_text(encoding="utf-8")):
                printed = shell.run(assign(block.script, here))
        assert '{"level": "info"}' in printed
        alarms = Alarms(stand.stack.endpoint)
        [alarm] = alarms.cloudwatch.describe_alarms(AlarmNames=[NAME])["MetricAlarms"]
        yield Canary(stand, alarms, alarms.listen(alarm["AlarmActions"][0]))


def _let_deploy(stand: Stand) -> None:
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam = boto3.client("iam", **make_client_arguments(stand.stack.endpoint))
    iam.put_user_policy(UserName=ADMINISTRATOR, PolicyName="deploys", PolicyDocument=document)


def test_the_readme_s_commands_leave_no_api_key_in_a_file(canary: Canary) -> None:
    assert not (canary.stand.clone / "parameters.json").exists()


def test_a_kms_key_that_is_disabled_is_an_alarm_until_it_is_enabled(canary: Canary) -> None:
    key = canary.stand.stack.kms_key_arn
    canary.client("kms").disable_key(KeyId=key)
    canary.alarms_with("cannot_open")

    canary.client("kms").enable_key(KeyId=key)
    canary.recovers()


def test_a_role_that_lost_its_right_is_an_alarm_until_it_has_it(canary: Canary) -> None:
    outputs = canary.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"][0]["Outputs"]
    [role] = [each["OutputValue"] for each in outputs if each["OutputKey"] == "RoleArn"]
    with of_role(canary.stand.stack.endpoint, role.rpartition("/")[2]).without("kms:Decrypt"):
        canary.alarms_with("cannot_open")

    canary.recovers()


def test_an_api_key_that_is_disabled_is_an_alarm_until_it_is_enabled(canary: Canary) -> None:
    gateway = canary.client("apigateway")
    key = make_api_key(gateway, canary.stand.stack.usage_plan, "canary").identifier
    change = {"op": "replace", "path": "/enabled"}
    gateway.update_api_key(apiKey=key, patchOperations=[{**change, "value": "false"}])
    canary.alarms_with("config_unavailable")

    gateway.update_api_key(apiKey=key, patchOperations=[{**change, "value": "true"}])
    canary.recovers()


def test_its_log_never_has_the_value(canary: Canary) -> None:
    with Shell(canary.stand) as shell:
        value = shell.run("configsvc get canary -n canary.prod --reveal").strip()
    kms, key = canary.client("kms"), canary.stand.stack.kms_key_arn
    kms.disable_key(KeyId=key)
    canary.run_until("cannot_open")
    kms.enable_key(KeyId=key)
    canary.run_until(None)
    events = canary.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{NAME}")["events"]

    assert len(value) > 16
    assert any('"cannot_open"' in each["message"] for each in events)
    assert not any(value in each["message"] for each in events)
