"""Tables on the emulator, copied and exchanged: what point-in-time recovery does on AWS, which the emulator lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

from infra.deployment.deploy import deploy_service
from infra.deployment.release import Site, for_site
from infra.packaging.service_zip import REGION, Package
from infra.stage import Table, load
from local.clients import make_client_arguments
from local.stack import administrators, make_target
from tests.support.deployed.own_stack import OwnStack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Items = list[dict[str, Any]]
_SECONDS = 120.0


def dynamodb(own: OwnStack) -> DynamoDBClient:
    return boto3.client("dynamodb", **make_client_arguments(own.stack.endpoint))


def export_items(client: DynamoDBClient, table: str) -> Items:
    """Every item of a table."""
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def recreate_table(client: DynamoDBClient, old: str, new: str, items: Items) -> None:
    """A new table with the keys of the old one, and these items."""
    described = client.describe_table(TableName=old)["Table"]
    client.create_table(
        TableName=new,
        KeySchema=described["KeySchema"],
        AttributeDefinitions=described["AttributeDefinitions"],
        BillingMode="PAY_PER_REQUEST",
    )
    for item in items:
        client.put_item(TableName=new, Item=item)


def use_table(own: OwnStack, package: Package, new: str) -> None:
    """Deploy the stack with a table that is there, and the KMS key that it was used with: the stage's `[table]`."""
    endpoint = own.stack.endpoint
    table = Table(name=new, kms_key=own.stack.kms_key_arn)
    changed = {"stack": own.name, "admins": (administrators(endpoint),), "table": table}
    stage, where = load("local").model_copy(update=changed), make_target(endpoint, lambda _: None)
    built = for_site(package, Site(stage, where, REGION, lambda _: None, endpoint))
    deploy_service(where, own.name, built, stage.parameters(), _SECONDS, emulator=True)
