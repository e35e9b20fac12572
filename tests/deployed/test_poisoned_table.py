"""On the deployed stack: who may write the table raises a revision; warm readers refuse it, and one lift cures them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple
from uuid import uuid4

import boto3
import pytest

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.model import limits, names
from configsvc.model.grants import Grant
from configsvc.service.engine import records
from configsvc.service.engine.ports import Write
from configsvc.service.engine.records import Head
from configsvc_client import Config, ConfigUnavailable, NotTaken
from infra.packaging.service_zip import Package
from local.clients import Credentials, make_client_arguments
from local.emulator.launcher import Emulator
from tests.support.deployed.own_stack import CANARY, SECRET, OwnStack, raise_own
from tests.support.journeys.stage import iam_principal
from tests.support.local.aws_people import assume_role, may_decrypt, new_role, new_user

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

_STACK = "configsvc-poisoned"
_OTHER = "payments.other"
_TABLE = ("GetItem", "BatchGetItem", "Query", "PutItem", "DeleteItem", "ConditionCheckItem")


class Scene(NamedTuple):
    """A namespace that a consumer holds, layered with another; and who may write the table, and nothing else."""

    own: OwnStack
    namespace: str
    warm: Config
    reader: Credentials
    table: DynamoRepository

    def raise_revision(self, revision: int) -> None:
        """HEAD as the thief writes it."""
        at = records.head(names.parse_namespace(self.namespace))
        head = self.table.get([at])[at]
        assert isinstance(head, Head)
        raised = head._replace(revision=revision, served=revision, tag="e" * 16)
        self.table.commit([Write(raised, head.revision)])


@pytest.fixture(scope="module")
def own(emulator: Emulator, built_package: Package) -> OwnStack:
    made = raise_own(emulator.url, built_package, _STACK)
    with made.admin(made.administrator) as admin:
        admin.grants.set(iam_principal(made.writer), [Grant(("write", "admin"), ("payments.*",))])
        admin.namespaces.create(_OTHER)
    return made


@pytest.fixture
def scene(own: OwnStack) -> Iterator[Scene]:
    namespace = f"payments.n{uuid4().hex[:8]}"
    with own.admin(own.administrator, namespace) as admin:
        admin.namespaces.create(namespace)
        admin.data_keys.add(namespace, own.stack.kms_key_arn)
    with own.admin(own.writer, namespace) as writer:
        writer.values.put(namespace, SECRET, CANARY)
        writer.values.put(_OTHER, "beside", "1", form="plain")
    endpoint, table = own.stack.endpoint, own.stack.table
    statement = {
        "Effect": "Allow",
        "Action": [f"dynamodb:{each}" for each in _TABLE],
        "Resource": f"arn:aws:dynamodb:*:*:table/{table}",
    }
    client = boto3.client("dynamodb", **make_client_arguments(endpoint, new_user(endpoint, statement)))
    reader = assume_role(endpoint, new_role(endpoint, may_decrypt(namespace)))
    with closing(own.config(reader, f"{namespace},{_OTHER}")) as warm:
        assert warm.secret(SECRET).reveal() == CANARY
        yield Scene(own, namespace, warm, reader, DynamoRepository(client, table))


@pytest.mark.parametrize("raised", [2 * limits.REVISION_JUMP, 10**15])
def test_a_raised_revision_affects_only_its_namespace_and_a_lift_repairs(scene: Scene, raised: int) -> None:
    held = scene.warm.revisions[scene.namespace]
    scene.raise_revision(raised)
    with scene.own.admin(scene.own.writer, scene.namespace) as writer:
        writer.values.put(_OTHER, "beside", raised, form="plain")

        with pytest.raises(NotTaken):
            scene.warm.refresh()
        assert set(scene.warm.refused) == {scene.namespace}
        assert (scene.warm.secret(SECRET).reveal(), scene.warm["beside"]) == (CANARY, raised)

        lifted = writer.namespaces.lift(scene.namespace, held)
        assert {each["what"] for each in lifted.differences} == {"revision"}
        writer.values.put(scene.namespace, SECRET, "after")
    assert scene.warm.refresh()
    assert (scene.warm.secret(SECRET).reveal(), dict(scene.warm.refused)) == ("after", {})
    assert scene.warm.revisions[scene.namespace] > held


def test_a_cold_start_refuses_a_revision_that_no_lift_could_pass(scene: Scene) -> None:
    scene.raise_revision(10**15)
    with closing(scene.own.config(scene.reader, scene.namespace)) as cold, pytest.raises(ConfigUnavailable):
        cold.snapshot()
