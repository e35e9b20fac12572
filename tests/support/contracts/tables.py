"""Makes tables for tests, each with its own name: in memory, in moto, in the emulator."""

from typing import cast
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from mypy_boto3_dynamodb import DynamoDBClient

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.adapters.dynamo_client import DynamoJsonClient
from configsvc.adapters.dynamo_endpoint import DynamoEndpoint
from configsvc.adapters.dynamo_http import open_session

REGION = "eu-central-1"


def make_client(url: str | None = None) -> DynamoDBClient:
    """Makes a client with the root credentials of an emulator; without a URL, of moto."""
    return boto3.client(
        "dynamodb", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test", endpoint_url=url,
        config=Config(max_pool_connections=16, proxies={}),
    )  # fmt: skip


def make_json_client(url: str) -> DynamoDBClient:
    """Makes the service's own client, with the root credentials of an emulator."""
    credentials = ReadOnlyCredentials("test", "test", None)
    client = DynamoJsonClient(open_session(url), DynamoEndpoint(url, REGION), lambda: credentials)
    return cast("DynamoDBClient", client)


def create_table(client: DynamoDBClient) -> str:
    """Creates a table with our keys, and returns its name."""
    name = f"configsvc-{uuid4().hex[:12]}"
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def make_repository(client: DynamoDBClient) -> DynamoRepository:
    """Makes the adapter on a new table."""
    return DynamoRepository(client, create_table(client))
