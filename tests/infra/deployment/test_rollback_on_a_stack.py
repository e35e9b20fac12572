"""A bad release on the emulator: it is rolled back, the API serves the good one again, and the next one deploys."""

from __future__ import annotations

import copy
import http.client
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple

import boto3
import pytest

from infra.deployment import history
from infra.deployment.deploy import Service, deploy_service
from infra.deployment.release import Site
from infra.deployment.rollback import list_deployments, roll_back
from infra.deployment.stack import Outcome
from infra.packaging.service_zip import Package
from infra.stage import parse
from local.clients import REGION, make_client_arguments
from local.emulator.launcher import Emulator
from local.network.loopback import LOOPBACK
from local.stack import make_target

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

ADMIN = "arn:aws:iam::000000000000:user/first"
SECONDS = 60.0


class World(NamedTuple):
    """A stack of a test's own."""

    emulator: Emulator
    site: Site
    said: list[str]

    def client(self, service: str) -> Any:  # noqa: ANN401  # one of boto3's many
        return boto3.client(service, **make_client_arguments(self.emulator.url))  # type: ignore[call-overload]  # by name

    def deploy(self, package: Package, **parameters: str) -> Service:
        given = {"Admins": ADMIN, **parameters}
        return deploy_service(
            self.site.target, self.site.stage.stack, package, given, SECONDS, emulator=True
        )  # fmt: skip

    def roll_back(self, to: int | None = None) -> Service | None:
        return roll_back(self.site, to, lambda _: True)

    def health(self, service: Service) -> int:
        """The status of a request through the gateway."""
        key = self.client("apigateway").get_api_key(apiKey=service.reader_key_id, includeValue=True)["value"]
        path = f"/_aws/execute-api/{service.rest_api_id}/api/v1/whoami"
        with closing(http.client.HTTPConnection(LOOPBACK, self.emulator.port, timeout=30)) as connection:
            connection.request("GET", path, headers={"x-api-key": key})
            return connection.getresponse().status

    def numbers(self) -> list[int]:
        return history.records_of(self.site.target, self.site.stage.stack).numbers()

    def served(self, service: Service) -> dict[str, str]:
        found = self.client("lambda").get_function_configuration(FunctionName=service.function_name, Qualifier="live")
        variables: dict[str, str] = found["Environment"]["Variables"]
        return variables


@pytest.fixture
def make_world(emulator: Emulator) -> Callable[[str], World]:
    def make(name: str) -> World:
        said = list[str]()
        target = make_target(emulator.url, said.append)
        site = Site(parse({"name": "test", "stack": name}), target, REGION, said.append, emulator.url)
        return World(emulator, site, said)

    return make


def break_handler(package: Package) -> Package:
    """A release that fails at every request: its handler does not exist."""
    sam = copy.deepcopy(package.template)
    sam["Resources"]["APIHandler"]["Properties"]["Handler"] = "app.none"
    return replace(package, template=sam)


def test_a_bad_release_is_rolled_back_and_the_next_one_deploys(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    world = make_world("rollback-bad")
    service = world.deploy(built_package)
    assert world.health(service) == 200
    world.deploy(break_handler(built_package), LogLevel="debug")
    assert world.health(service) >= 500
    assert world.numbers() == [1, 2]

    again = world.roll_back()
    assert again is not None
    assert again.outcome is Outcome.UPDATED
    assert world.health(service) == 200
    assert world.served(service)["CONFIGSVC_LOG_LEVEL"] == "info"
    assert "LogLevel: debug becomes info" in "\n".join(world.said)
    assert world.numbers() == [1, 2, 3]

    third = world.deploy(built_package, LogLevel="debug")
    assert third.outcome is Outcome.UPDATED
    assert world.health(service) == 200
    assert world.served(service)["CONFIGSVC_LOG_LEVEL"] == "debug"
    list_deployments(world.site)
    assert world.said[-4].endswith("serves now")
    assert "rollback to 1" in world.said[-3]
