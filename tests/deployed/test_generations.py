"""On the deployed stack: a raised generation leaves the old API key working, and `keys = 1` deletes it."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from configsvc.model.grants import Grant
from infra.packaging.service_zip import Package
from infra.stage import StageError
from local.emulator.launcher import Emulator
from local.people import ApiKey
from tests.support.deployed.generations import Generations
from tests.support.deployed.own_stack import NAMESPACE, OwnStack, raise_own
from tests.support.journeys.stage import api_key_principal

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

_STACK = "generations"
_SNAPSHOT = f"/v1/namespaces/{NAMESPACE}/snapshot"


class World(NamedTuple):
    own: OwnStack
    stack: Generations

    def grant(self, *keys: ApiKey) -> None:
        with self.own.admin(self.own.administrator) as admin:
            for each in keys:
                admin.grants.set(api_key_principal(each), [Grant(("read",), ("payments.*",))])

    def statuses(self, *keys: ApiKey) -> list[int]:
        return [self.own.api.send("GET", _SNAPSHOT, each).status for each in keys]


@pytest.fixture(scope="module")
def world(emulator: Emulator, built_package: Package) -> World:
    own = raise_own(emulator.url, built_package, _STACK)
    return World(own, Generations(own, built_package))


def test_the_old_key_works_until_only_one_is_wanted(world: World) -> None:
    first = world.own.stack.reader
    world.grant(first)
    outputs, advice = world.stack.deploy(generation=2)
    second = world.stack.key(outputs["ReaderKeyId"])
    assert (outputs["PreviousReaderKeyId"], second.identifier != first.identifier) == (first.identifier, True)
    assert f"configsvc grant api-key:{second.identifier} --like api-key:{first.identifier}" in advice[1]
    world.grant(second)
    assert world.statuses(first, second) == [200, 200]

    outputs, advice = world.stack.deploy(generation=2, keys=1)
    assert (outputs["ReaderKeyId"], "PreviousReaderKeyId" in outputs, advice) == (second.identifier, False, [])
    assert world.statuses(first, second) == [403, 200]

    outputs, _ = world.stack.deploy(generation=3)
    assert outputs["PreviousReaderKeyId"] == second.identifier
    assert world.statuses(second, world.stack.key(outputs["ReaderKeyId"])) == [200, 404], "the new key has no grant yet"

    with pytest.raises(StageError, match=f"would delete the API key {outputs['ReaderKeyId']}"):
        world.stack.deploy(generation=5)
    assert world.statuses(second) == [200]
