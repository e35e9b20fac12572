"""On the deployed stack: a raised generation leaves the old API key working, and `keys = 1` deletes it."""

from __future__ import annotations

from typing import NamedTuple

import boto3
import pytest

from configsvc.model.grants import Grant
from infra.deployment.deploy import deploy_service
from infra.deployment.release import Site, for_site
from infra.deployment.two_keys import advise
from infra.packaging.service_zip import REGION, Package
from infra.stage import Consumers, load
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.people import ApiKey
from local.stack import administrators, make_target
from tests.support.deployed.own_stack import NAMESPACE, OwnStack, raise_own
from tests.support.journeys.stage import api_key_principal

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

_STACK = "generations"
_SECONDS = 120.0
_SNAPSHOT = f"/v1/namespaces/{NAMESPACE}/snapshot"


class World(NamedTuple):
    own: OwnStack
    package: Package

    def deploy(self, **reader: int) -> tuple[dict[str, str], list[str]]:
        """Deploy the stack with this `[reader]`; returns its outputs, and what `make deploy` advises."""
        endpoint = self.own.stack.endpoint
        consumers = Consumers.model_validate({"rate": 500, "burst": 1000, **reader})
        changed = {"stack": _STACK, "admins": (administrators(endpoint),), "reader": consumers}
        stage, where = load("local").model_copy(update=changed), make_target(endpoint, lambda _: None)
        built = for_site(self.package, Site(stage, where, REGION, lambda _: None, endpoint))
        deploy_service(where, _STACK, built, stage.parameters(), _SECONDS, emulator=True)
        outputs = where.stack(_STACK).outputs()
        return outputs, advise(stage, outputs)

    def key(self, identifier: str) -> ApiKey:
        client = boto3.client("apigateway", **make_client_arguments(self.own.stack.endpoint))
        return ApiKey(identifier, client.get_api_key(apiKey=identifier, includeValue=True)["value"])

    def grant(self, *keys: ApiKey) -> None:
        with self.own.admin(self.own.administrator) as admin:
            for each in keys:
                admin.grants.set(api_key_principal(each), [Grant(("read",), ("payments.*",))])

    def statuses(self, *keys: ApiKey) -> list[int]:
        return [self.own.api.send("GET", _SNAPSHOT, each).status for each in keys]


@pytest.fixture(scope="module")
def world(emulator: Emulator, built_package: Package) -> World:
    return World(raise_own(emulator.url, built_package, _STACK), built_package)


def test_the_old_key_works_until_only_one_is_wanted(world: World) -> None:
    first = world.own.stack.reader
    world.grant(first)
    outputs, advice = world.deploy(generation=2)
    second = world.key(outputs["ReaderKeyId"])
    assert (outputs["PreviousReaderKeyId"], second.identifier != first.identifier) == (first.identifier, True)
    assert f"configsvc grant api-key:{second.identifier} --like api-key:{first.identifier}" in advice[1]
    world.grant(second)
    assert world.statuses(first, second) == [200, 200]

    outputs, advice = world.deploy(generation=2, keys=1)
    assert (outputs["ReaderKeyId"], "PreviousReaderKeyId" in outputs, advice) == (second.identifier, False, [])
    assert world.statuses(first, second) == [403, 200]

    outputs, _ = world.deploy(generation=3)
    assert outputs["PreviousReaderKeyId"] == second.identifier
    assert world.statuses(second, world.key(outputs["ReaderKeyId"])) == [200, 404], "the new key has no grant yet"
