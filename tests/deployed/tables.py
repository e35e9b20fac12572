"""Tables on the emulator, copied and exchanged: what point-in-time recovery does on AWS, which the emulator lacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3

from local.clients import client_arguments
from tests.deployed.own_stack import OwnStack
from tests.deployed.permissions import of_role, role_of_stack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Items = list[dict[str, Any]]


def dynamodb(own: OwnStack) -> DynamoDBClient:
    return boto3.client("dynamodb", **client_arguments(own.stack.endpoint))


def exported(client: DynamoDBClient, table: str) -> Items:
    """Every item of a table."""
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def recreated(client: DynamoDBClient, old: str, new: str, items: Items) -> None:
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


def use_table(own: OwnStack, old: str, new: str) -> None:
    """Let the service use another table: its variable, the permission of its role, a version, the alias."""
    endpoint, function = own.stack.endpoint, own.stack.function
    role = of_role(endpoint, role_of_stack(endpoint, own.name, "ApiHandlerRole"))
    role.write(json.dumps(role.read()).replace(f"table/{old}", f"table/{new}"))
    client = boto3.client("lambda", **client_arguments(endpoint))
    held = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    client.update_function_configuration(
        FunctionName=function, Environment={"Variables": {**held, "CONFIGSVC_TABLE": new}}
    )
    version = client.publish_version(FunctionName=function)["Version"]
    client.update_alias(FunctionName=function, Name="live", FunctionVersion=version)
