"""On the deployed stack: an API key takes another's place while a consumer and a developer go on with both set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple
from uuid import uuid4

import boto3
import pytest

from configsvc.model.grants import Grant
from configsvc_client import Config
from configsvc_client.admin import from_environ
from local.clients import make_client_arguments
from local.people import ApiKey, make_api_key, remove_api_key
from local.story.terminal import variables
from tests.support.cli.shell import Shell
from tests.support.fixtures.deployed import Deployed
from tests.support.journeys.stage import api_key_principal, iam_principal

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]


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
