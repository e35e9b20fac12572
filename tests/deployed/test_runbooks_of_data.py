"""The runbooks of docs/OPERATIONS.md that change a stack for good, each played on a stand of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest

from infra.packaging.service_zip import Package
from local.clients import make_client_arguments
from local.stack import find_stack
from tests.support.deployed.tables import export_items, recreate_table
from tests.support.runbooks.facts import World
from tests.support.runbooks.stand import STACK, Shell, raise_stand

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def stand(tmp_path_factory: pytest.TempPathFactory, built_package: Package) -> Iterator[World]:
    with raise_stand(tmp_path_factory.mktemp("stand"), built_package) as made:
        yield World(*made)


def dynamodb(stand: World) -> DynamoDBClient:
    return boto3.client("dynamodb", **make_client_arguments(stand.stack.endpoint))


def beat(stand: World) -> bool:
    """Whether upkeep could write its heartbeat."""
    client = boto3.client("lambda", **make_client_arguments(stand.stack.endpoint))
    return "FunctionError" not in client.invoke(FunctionName=f"{STACK}-upkeep", Payload=b'{"task": "heartbeat"}')


def test_restore_from_point_in_time_recovery(stand: World) -> None:
    assert beat(stand)
    client, developer = dynamodb(stand), stand.people.developer
    items = export_items(client, stand.stack.table)
    assert stand.write_as(developer, "lost") < 300
    lost = stand.revision()

    def restore(shell: Shell) -> None:
        """In the place of step 2: the emulator restores the latest state. The freeze is on."""
        assert stand.write_as(developer, "frozen") == 500
        assert not beat(stand)
        recreate_table(client, stand.stack.table, shell.read("NEW"), items)

    def switch(text: str) -> str:
        head, _, tail = text.partition("[table]\n")
        rest = tail.partition("\n")[2]
        return f'{head}[table]\nname = "{{NEW}}"\nkms_key = "{{KMS_KEY}}"\n{rest}'

    printed = stand.follow(
        "Restore from point-in-time recovery", {}, before={"wait table-exists": restore}, editing=switch
    )

    assert "configsvc.probe " in printed
    assert "Every namespace is lifted" in printed
    assert stand.value("log.level") == "info"
    assert '"task": "probe"' in printed
    assert "errorMessage" not in printed
    assert stand.revision() > lost
    assert stand.write_as(developer, "after") < 300
    assert beat(stand)
    assert len(export_items(client, "configsvc-prod-restored")) > len(items)


def test_a_leaked_api_key_of_the_stack(stand: World) -> None:
    leaked = stand.stack.reader
    assert stand.read_with(leaked) == 200

    made_by_hand = ["create-api-key"]
    new = "[reader]\nrate = 500\nburst = 1000\ngeneration = 2\nkeys = 1\n"
    printed = stand.follow(
        "A leaked API key", {"API_KEY": leaked.identifier}, without=made_by_hand, editing=lambda text: text + new
    )

    assert stand.read_with(leaked) == 403
    successor = find_stack(stand.stack.endpoint).reader
    assert successor.value in printed
    assert stand.read_with(successor) == 200


def test_a_revision_was_raised(stand: World) -> None:
    for without, above in (["HALF=", '"$ABOVE"'], 0), ([], 1_000_000):
        good = stand.revision()
        stand.raise_revision(good + 1_000_000)
        assert stand.revision() == good + 1_000_000

        assigned = {"HELD": str(good), "HALF": str(good + 500_000), "ABOVE": str(good + 1_000_000)}
        stand.follow("A revision was raised", assigned, without=without)

        assert good < stand.revision() - above < good + 10
        assert stand.write_as(stand.people.developer, "info") < 300


def test_move_to_another_kms_key(stand: World) -> None:
    old = stand.stack.kms_key_arn
    edits = iter((
        lambda text: f'further_kms_keys = ["{{NEW}}"]\n{text}',
        lambda text: text.replace("further_kms_keys = [", 'further_kms_keys = ["{OLD}"] # ').replace(
            "[table]\n", '[table]\nkms_key = "{NEW}"\n'
        ),
    ))  # fmt: skip

    def edit(text: str) -> str:
        return next(edits)(text)

    def rotate(shell: Shell) -> None:
        """In the place of step 3: the emulator's KMS has no ReEncrypt."""
        shell.run('configsvc data-key rotate -n payments.prod --fresh --kms-key "$NEW"')

    stand.follow("Move to another KMS key", {}, before={"%s = ": rotate}, editing=edit)

    assert stand.kms.describe_key(KeyId=old)["KeyMetadata"]["KeyState"] == "Disabled"
    keys = (each["KeyArn"] for page in stand.kms.get_paginator("list_keys").paginate() for each in page["Keys"])
    new = next(each for each in keys if each != old)
    assert stand.value("db.password", keys=f"{old},{new}") == "canary-old"
