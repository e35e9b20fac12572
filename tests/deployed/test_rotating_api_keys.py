"""On the deployed stack: an API key takes another's place while consumers and developers go on.

The runbook is played as OPERATIONS has it; without it, or in another order, consumers do fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple
from uuid import uuid4

import boto3
import pytest

from configsvc.model.grants import Grant
from configsvc_client import Config
from configsvc_client.admin import from_environ
from infra.packaging.service_zip import Package
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.people import ApiKey, make_api_key, remove_api_key
from local.story.terminal import variables
from tests.support.cli.shell import Shell
from tests.support.deployed.fleet import Fleet
from tests.support.deployed.generations import Generations
from tests.support.deployed.own_stack import NAMESPACE, raise_own
from tests.support.deployed.walk_over import TITLE, WalkOver
from tests.support.fixtures.deployed import Deployed
from tests.support.journeys.stage import api_key_principal, iam_principal
from tests.support.runbooks.document import steps

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]


_STACK = "walk-over"
_COUNTER = "polls.counter"
_DISABLED = 5
"""The step from which the old key is refused."""


class Site:
    """A stack, and a writer who counts: every poll that begins later must find the number or a higher one."""

    def __init__(self, stack: Generations) -> None:
        self.stack, self.written = stack, 0
        self.old, self.generation = stack.own.stack.reader, 1
        self.write()

    def write(self) -> None:
        with self.stack.own.admin(self.stack.own.writer) as writer:
            writer.values.put(NAMESPACE, _COUNTER, str(self.written + 1), form="plain")
        self.written += 1

    def grant(self, key: ApiKey, *patterns: str) -> None:
        with self.stack.own.admin(self.stack.own.administrator) as admin:
            admin.grants.set(api_key_principal(key), [Grant(("read",), patterns)])

    def poll(self, key: ApiKey) -> int:
        """The status of a poll with one key, without any client of ours."""
        return self.stack.own.api.send("GET", f"/v1/namespaces/{NAMESPACE}/snapshot", key).status

    @contextmanager
    def fleet(self) -> Iterator[Fleet]:
        """Consumers with the writer's AWS identity; the API key is each one's own."""
        environ = variables(self.stack.own.stack, self.stack.own.writer, NAMESPACE)
        with closing(Fleet(environ, _COUNTER, lambda: self.written)) as fleet:
            yield fleet

    def walk_over(self, fleet: Fleet) -> WalkOver:
        """An operator at the runbook's beginning: the old key works and may read."""
        self.grant(self.old, "payments.*", "shared.prod")
        return WalkOver(self.stack, fleet, self.old, self.generation)

    def finish(self, new: ApiKey) -> None:
        """The new key is the old one of the next test."""
        self.old, self.generation = new, self.generation + 1


@pytest.fixture(scope="module")
def site(emulator: Emulator, built_package: Package) -> Site:
    own = raise_own(emulator.url, built_package, _STACK)
    return Site(Generations(own, built_package))


def test_the_runbook_walks_consumers_over_and_no_read_fails(site: Site) -> None:
    with site.fleet() as fleet:
        walk = site.walk_over(fleet)
        fleet.deploy("walked over", deployed := site.old.value)
        for number in sorted(steps(TITLE)):
            for deployed in walk.play(number):
                fleet.deploy("walked over", deployed)
                if "," in deployed:
                    fleet.deploy("has both to the end", deployed)
            site.write()
            fleet.settle()
            fleet.start_cold(deployed)
            assert fleet.failures == [], number
            assert site.poll(site.old) == (200 if number < _DISABLED else 403), number
    old, new = walk.keys["OLD"], walk.keys["NEW"]
    assert deployed == new.value
    assert [each for each in walk.said if "both keys have the same grants" in each]
    assert f"api-key:{old.identifier}: revoked" in walk.said
    assert not [each for each in walk.said if old.value in each or new.value in each]
    assert site.poll(new) == 200
    site.finish(new)


def test_deleting_the_old_key_first_fails_the_consumers(site: Site) -> None:
    with site.fleet() as fleet:
        walk = site.walk_over(fleet)
        fleet.deploy("not walked over", site.old.value)
        fleet.settle()
        assert fleet.failures == []
        for number in (1, 2, 7):  # the key is deleted before anyone has the new one
            walk.play(number)
        site.write()
        fleet.settle()
        assert any(each.startswith("not walked over: ") for each in fleet.failures), fleet.failures
        cold = len(fleet.failures)
        fleet.start_cold(site.old.value)
        assert any(each.startswith("cold start: ") for each in fleet.failures[cold:])
    site.finish(walk.keys["NEW"])


def test_a_new_key_alone_fails_until_it_has_the_grants(site: Site) -> None:
    with site.fleet() as fleet:
        walk = site.walk_over(fleet)
        walk.play(1)
        fleet.start_cold(walk.keys["NEW"].value)
        (told,) = fleet.failures
        assert f"configsvc grant api-key:{walk.keys['NEW'].identifier} -a read -n {NAMESPACE}" in told
        fleet.start_cold(f"{walk.keys['NEW'].value},{site.old.value}")
        assert fleet.failures == [told]
    site.finish(walk.keys["NEW"])


class Rotation(NamedTuple):
    """A namespace, the two keys that may read it, and the developer's shell with both of them."""

    namespace: str
    keys: tuple[ApiKey, ApiKey]
    environ: dict[str, str]
    take_away: Callable[[], None]


@pytest.fixture
def rotation(deployed: Deployed) -> Iterator[Rotation]:
    stack, (administrator, developer, _) = deployed.stack, deployed.people
    client = boto3.client("apigateway", **make_client_arguments(stack.endpoint))
    called = [f"{age}-{uuid4().hex[:8]}" for age in ("old", "new")]
    old, new = (make_api_key(client, stack.usage_plan, name) for name in called)
    namespace = f"payments.r{uuid4().hex[:8]}"
    with from_environ(variables(stack, administrator, namespace)) as admin:
        for key in (old, new, ApiKey(administrator.api_key_id, administrator.api_key)):
            admin.grants.set(api_key_principal(key), [Grant(("read",), ("payments.*",))])
        admin.grants.set(iam_principal(developer), [Grant(("write", "admin"), ("payments.*",))])
        admin.namespaces.create(namespace)
    environ = variables(stack, developer, namespace) | {
        "CONFIGSVC_API_KEY": f"{old.value},{new.value}", "CONFIGSVC_REFRESH_SECONDS": "30",
        "CONFIGSVC_START_SECONDS": "60",
    }  # fmt: skip
    try:
        yield Rotation(namespace, (old, new), environ, lambda: remove_api_key(client, called[0]))
    finally:
        for name in called:
            remove_api_key(client, name)


def test_a_key_is_replaced_and_no_read_and_no_write_fails(rotation: Rotation) -> None:
    shell = Shell(rotation.environ)
    shell.ok("put", "limits.daily", "-", "--plain", given="1")
    with closing(Config(environ=rotation.environ)) as config:
        assert config["limits.daily"] == "1"
        rotation.take_away()
        shell.ok("put", "limits.daily", "-", "--plain", given="2")
        assert config.refresh() is True
        assert (config["limits.daily"], config.last_error, config.counts["failures"]) == ("2", None, 0)
        assert config.refresh() is False
    with closing(Config(environ=rotation.environ)) as cold:
        assert cold["limits.daily"] == "2"
    told = shell.run("doctor").out
    assert "API key 1 of 2\twarning\t" in told
    assert "API key 2 of 2\tok\t" in told
    assert not [key for key in rotation.keys if key.value in told]
