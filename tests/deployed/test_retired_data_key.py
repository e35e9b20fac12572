"""On the deployed stack: who may write the table, and knows a leaked data key, gets nothing sealed under it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple
from uuid import uuid4

import boto3
import pytest

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.model.errors import ConfigsvcError
from configsvc.model.grants import Grant
from configsvc_client.admin import Policy, Protection, from_environ
from infra.packaging.service_zip import Package
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.people import Person
from local.story.terminal import variables
from tests.support.attacks.table_thief import EDITS, Thief, leaked, thief
from tests.support.deployed.own_stack import CANARY, SECRET, OwnStack, raise_own
from tests.support.deployed.permissions import of_user
from tests.support.journeys.stage import iam_principal
from tests.support.local.aws_people import assume_role, may_decrypt, new_role, new_user

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

_STACK = "configsvc-retired"
_TABLE = ("GetItem", "BatchGetItem", "Query", "PutItem", "DeleteItem", "ConditionCheckItem")


class Scene(NamedTuple):
    """A namespace after its rotation, the thief, and the kids that rotation printed."""

    own: OwnStack
    thief: Thief
    namespace: str
    retired: frozenset[str]

    def put(self, value: str) -> None:
        """As a writer with the printed line in the policy, in a new process each time; stored or refused."""
        policy = Policy({self.namespace: Protection(retired_kids=self.retired)})
        held = variables(self.own.stack, self.own.writer, self.namespace)
        with from_environ(held, policy=policy) as writer, suppress(ConfigsvcError):
            writer.values.put(self.namespace, SECRET, value)


@pytest.fixture(scope="module")
def own(emulator: Emulator, built_package: Package) -> OwnStack:
    made = raise_own(emulator.url, built_package, _STACK)
    with made.admin(made.administrator) as admin:
        admin.grants.set(iam_principal(made.writer), [Grant(("write", "admin"), ("payments.*",))])
    held = of_user(made.stack.endpoint, made.writer.name)
    document = held.read()
    for statement in document["Statement"]:
        if "kms:Decrypt" in statement["Action"]:
            statement["Action"] = ["kms:Decrypt", "kms:GenerateDataKey"]
    held.write(json.dumps(document))
    return made


@pytest.fixture(params=list(EDITS))
def edit(request: pytest.FixtureRequest) -> Callable[[Thief], None]:
    return EDITS[request.param]


@pytest.fixture
def scene(own: OwnStack) -> Scene:
    namespace = f"payments.n{uuid4().hex[:8]}"
    with own.admin(own.writer, namespace) as owner:
        owner.namespaces.create(namespace)
        owner.data_keys.add(namespace, own.stack.kms_key_arn)
        owner.values.put(namespace, SECRET, CANARY)
        (old,) = owner.data_keys.list(namespace)
        key = leaked(_stolen_role(own, namespace), namespace, old.data_key)
        owner.data_keys.rotate(namespace, fresh=True)
        retired = owner.data_keys.get_retired(namespace)
    endpoint, table = own.stack.endpoint, own.stack.table
    statement = {
        "Effect": "Allow",
        "Action": [f"dynamodb:{each}" for each in _TABLE],
        "Resource": f"arn:aws:dynamodb:*:*:table/{table}",
    }
    client = boto3.client("dynamodb", **make_client_arguments(endpoint, new_user(endpoint, statement)))
    return Scene(own, thief(DynamoRepository(client, table), namespace, key), namespace, retired)


def _stolen_role(own: OwnStack, namespace: str) -> dict[str, str]:
    held = assume_role(own.stack.endpoint, new_role(own.stack.endpoint, may_decrypt(namespace)))
    reader = Person("", "", held.access_key_id, held.secret_access_key, *own.reader)
    return variables(own.stack, reader, namespace) | {"AWS_SESSION_TOKEN": held.session_token or ""}


def test_a_data_key_that_table_edits_bring_back_seals_nothing(scene: Scene, edit: Callable[[Thief], None]) -> None:
    known = scene.thief.loot()
    assert known == {f"{SECRET} 1": CANARY.encode()}
    edit(scene.thief)
    scene.put("canary-after-the-leak")
    assert scene.thief.loot() == known


def test_the_same_thief_opens_what_a_new_process_without_the_policy_seals(scene: Scene) -> None:
    EDITS["above the new one"](scene.thief)
    scene._replace(retired=frozenset()).put("canary-without-policy")
    assert b"canary-without-policy" in scene.thief.loot().values()
