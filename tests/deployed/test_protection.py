"""On the deployed stack: neither a writer of the table nor a repository's file gets a new secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import boto3
import pytest

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.model.grants import Grant
from configsvc_client.admin import Admin, from_environ
from local.clients import make_client_arguments
from local.network.listener import Listener, listen
from local.story.terminal import variables
from tests.support.attacks.marker import Marker
from tests.support.cli.shell import Shell
from tests.support.fixtures.deployed import Deployed
from tests.support.journeys.stage import api_key_principal, iam_principal
from tests.support.local.aws_people import new_user

pytestmark = [pytest.mark.emulator, pytest.mark.deployed]

SECRET = "canary-41be07"
_TABLE = ("GetItem", "BatchGetItem", "Query", "PutItem", "ConditionCheckItem")


class Scene(NamedTuple):
    """A namespace with a sealed value, its developer in a folder, and somebody who may write the table."""

    admin: Admin
    developer: Shell
    thief: Marker
    namespace: str


@pytest.fixture
def scene(deployed: Deployed, tmp_path: Path) -> Iterator[Scene]:
    stack, people = deployed
    namespace, endpoint = f"payments.n{uuid4().hex[:8]}", stack.endpoint
    held = variables(stack, people.developer, namespace)
    with from_environ(variables(stack, people.administrator, namespace)) as administrator:
        for principal, action in ((iam_principal, "write"), (api_key_principal, "read")):
            granted = Grant((action,), ("payments.*",))  # type: ignore[arg-type]  # actions by name
            administrator.grants.change(principal(people.developer), lambda before, more=granted: (*before, more))  # type: ignore[misc]
        administrator.namespaces.create(namespace)
        administrator.data_keys.add(namespace, stack.kms_key_arn)
    statement = {
        "Effect": "Allow",
        "Action": [f"dynamodb:{each}" for each in _TABLE],
        "Resource": f"arn:aws:dynamodb:*:*:table/{stack.table}",
    }
    client = boto3.client("dynamodb", **make_client_arguments(endpoint, new_user(endpoint, statement)))
    shell = Shell({**held, "XDG_CONFIG_HOME": str(tmp_path / "own")}, tmp_path)
    with from_environ(held) as admin:
        admin.values.put(namespace, "db.url", "was sealed")
        yield Scene(admin, shell, Marker(DynamoRepository(client, stack.table), namespace), namespace)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listen() as running:
        yield running


def test_a_key_marked_plain_in_the_table_gets_no_clear_secret(scene: Scene) -> None:
    scene.thief.mark_plain("db.url")
    assert scene.developer.ok("get", "db.url") == "planted"
    for arguments, given in ((("put", "db.url", "-"), SECRET), (("import", "-", "-f", "dotenv"), f"db.url={SECRET}")):
        done = scene.developer.run(*arguments, given=given)
        assert (done.code, "--seal" in done.err) == (2, True)
    scene.admin.values.put(scene.namespace, "db.url", SECRET)
    assert scene.developer.ok("get", "db.url") == SECRET
    assert SECRET not in scene.thief.sees()


def test_a_version_planted_in_the_table_is_not_activated_unasked(scene: Scene) -> None:
    scene.admin.values.put(scene.namespace, "db.url", SECRET)
    scene.thief.plant("db.url", 1)
    done = scene.developer.run("rollback", "db.url", "--yes")
    assert (done.code, "--declassify" in done.err) == (2, True)
    assert scene.developer.ok("get", "db.url") == SECRET


def test_a_cloned_repository_gets_nothing_until_it_is_trusted(scene: Scene, listener: Listener, tmp_path: Path) -> None:
    url, kms_key = (scene.developer.environ[each] for each in ("CONFIGSVC_URL", "CONFIGSVC_KMS_KEYS"))
    clone = scene.developer.but(CONFIGSVC_URL="", CONFIGSVC_KMS_KEYS="", CONFIGSVC_NAMESPACES="")
    file = tmp_path / ".configsvc.toml"
    file.write_text(f'url = "{listener.url}"\nnamespaces = ["{scene.namespace}"]\nkms_keys = ["{kms_key}"]\n')
    for arguments in (("list",), ("whoami",), ("doctor",), ("put", "k", "-"), ("init", "--yes")):
        assert clone.run(*arguments, given=SECRET).code != 0
    assert listener.connections == []
    file.write_text(file.read_text().replace(listener.url, url))
    said = clone.run("trust").err
    clone.ok("trust", "--hash", said.split("--hash ")[1].split()[0])
    clone.ok("put", "k", "-", given=SECRET)
    assert clone.ok("get", "k") == SECRET
