"""A deployed stack with its probe, whose way to the API a test can break, and its alarm as the topic delivers it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3

from configsvc.model.names import PROBE_NAMESPACE
from local.clients import make_client_arguments
from local.processes import wait_until
from local.stack import LocalStack
from tests.support.client.stub_servers import Answer
from tests.support.deployed.own_stack import OwnStack
from tests.support.deployed.tables import Items, dynamodb, export_items
from tests.support.local.alarms import Alarms

MINUTE = 60.0
_SECONDS = 30.0
"""Grants are cached for ten."""


class Probed(NamedTuple):
    """The functions of one stack, and a queue that hears its alarms."""

    own: OwnStack
    alarms: Alarms
    queue: str
    environment: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.own.name

    @property
    def stack(self) -> LocalStack:
        return self.own.stack

    @property
    def alarm(self) -> str:
        return f"{self.name}-probe"

    @property
    def key_id(self) -> str:
        return self.environment["CONFIGSVC_PROBE_API_KEY_ID"]

    def heartbeat(self) -> None:
        """One run of the heartbeat, which must succeed."""
        answer = self.client("lambda").invoke(FunctionName=f"{self.name}-upkeep", Payload=b'{"task": "heartbeat"}')
        assert "FunctionError" not in answer, answer["Payload"].read()

    def run(self) -> dict[str, Any]:
        """The findings of one run of the probe."""
        answer = self.client("lambda").invoke(FunctionName=f"{self.name}-probe", Payload=b'{"task": "probe"}')
        assert "FunctionError" not in answer, answer["Payload"].read()
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        return found

    def probe(self) -> str | None:
        """The code of one run of the probe; None if all is well."""
        return self.run().get("code")

    def configure(self, **changed: str) -> None:
        """Gives the probe other variables. It starts afresh, as after a deployment."""
        client, name = self.client("lambda"), f"{self.name}-probe"
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**self.environment, **changed}}
        )
        assert wait_until(
            lambda: client.get_function_configuration(FunctionName=name)["LastUpdateStatus"] == "Successful", _SECONDS
        )

    def export_items(self) -> Items:
        """Every item of the service's table."""
        return export_items(dynamodb(self.own), self.stack.table)

    def put_items(self, items: Items) -> None:
        """Puts these over what the table has under their keys."""
        for item in items:
            dynamodb(self.own).put_item(TableName=self.stack.table, Item=item)

    def lift(self, revision: int) -> None:
        """Lifts the heartbeat's namespace, as an administrator."""
        with self.own.admin(self.own.administrator, PROBE_NAMESPACE) as admin:
            admin.namespaces.lift(PROBE_NAMESPACE, revision)

    def enable_key(self, *, enabled: bool) -> None:
        """Enables or disables the probe's API key, with the command of docs/OPERATIONS.md."""
        change = {"op": "replace", "path": "/enabled", "value": str(enabled).lower()}
        self.client("apigateway").update_api_key(apiKey=self.key_id, patchOperations=[change])

    def revoke(self) -> None:
        """Takes the probe's grant away, as an administrator."""
        with self.own.admin(self.own.administrator, PROBE_NAMESPACE) as admin:
            admin.grants.delete(f"api-key:{self.key_id}")

    @contextmanager
    def without_usage_plan(self) -> Iterator[None]:
        """The gateway refuses the probe's API key for a while."""
        gateway, plan = self.client("apigateway"), self.own.resource("ProbePlan")
        gateway.delete_usage_plan_key(usagePlanId=plan, keyId=self.key_id)
        try:
            yield
        finally:
            gateway.create_usage_plan_key(usagePlanId=plan, keyId=self.key_id, keyType="API_KEY")

    def delete_another_key(self) -> str:
        """The id of an API key that is gone."""
        gateway = self.client("apigateway")
        key: str = gateway.create_api_key(name="gone", enabled=True)["id"]
        gateway.delete_api_key(apiKey=key)
        return key

    def client(self, service: str) -> Any:  # noqa: ANN401  # of any service
        return boto3.client(service, **make_client_arguments(self.stack.endpoint))  # type: ignore[call-overload]

    def alarms_with(self, code: str) -> None:
        """It fails with this code for three minutes, and the topic delivers the alarm."""
        assert wait_until(lambda: self.probe() == code, _SECONDS), self.probe()
        for _ in range(3):
            self.alarms.let_pass(MINUTE)
            found = self.probe()
            assert found == code, found
        assert self.alarms.hear(self.queue, self.alarm, "ALARM")["OldStateValue"] == "OK"

    def recovers(self) -> None:
        """It is well again, and the topic delivers that."""
        assert wait_until(lambda: self.probe() is None, _SECONDS), self.probe()
        for _ in range(3):
            self.alarms.let_pass(MINUTE)
            assert self.probe() is None
        assert self.alarms.hear(self.queue, self.alarm, "OK")["OldStateValue"] == "ALARM"

    def settle(self) -> None:
        """Brings it to its first state: three good minutes, and no message left."""
        self.configure()
        self.heartbeat()
        for _ in range(3):
            assert wait_until(lambda: self.probe() is None, _SECONDS), self.probe()
            self.alarms.let_pass(MINUTE)
        assert self.alarms.state(self.alarm) == "OK"
        while self.alarms.receive(self.queue):
            pass


def find_probed(own: OwnStack) -> Probed:
    """The probe of a stack. It has not run yet."""
    alarms = Alarms(own.stack.endpoint)
    functions = boto3.client("lambda", **make_client_arguments(own.stack.endpoint))
    environment = functions.get_function_configuration(FunctionName=f"{own.name}-probe")["Environment"]["Variables"]
    [alarm] = alarms.cloudwatch.describe_alarms(AlarmNames=[f"{own.name}-probe"])["MetricAlarms"]
    probed = Probed(own, alarms, alarms.listen(alarm["AlarmActions"][0]), environment)
    _lift_throttle(probed)
    return probed


def _lift_throttle(probed: Probed) -> None:
    """A test runs it more often than each minute, which its usage plan is for."""
    changes = [{"op": "replace", "path": f"/throttle/{each}", "value": "1000"} for each in ("rateLimit", "burstLimit")]
    probed.client("apigateway").update_usage_plan(usagePlanId=probed.own.resource("ProbePlan"), patchOperations=changes)


def pass_on(url: str) -> Callable[[str, str, dict[str, str], bytes], Answer]:
    """Returns an answer like that of the API at `url`, for a server in front of it."""

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        connection.request(method, f"{urlsplit(url).path}{path}", body, {**headers, "host": urlsplit(url).netloc})
        response = connection.getresponse()
        sent = {name: text for name, text in response.headers.items() if name.lower() in ("content-type", "etag")}
        content = response.read()
        connection.close()
        return response.status, sent, content

    return answer
