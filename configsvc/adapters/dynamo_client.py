"""DynamoDB's client. botocore alone: boto3 on top would only cost a cold start more."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONNECT_SECONDS = 1.0
READ_SECONDS = 3.0
ATTEMPTS = 3


def connect() -> DynamoDBClient:
    """A client by the environment's region, credentials and endpoint, none of which is looked at before this call.

    `standard` retries and short timeouts, because the defaults would wait a minute for one lost packet.
    A transaction carries a ClientRequestToken made once per call, so botocore's own retries apply it once.
    """
    import botocore.session
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        tcp_keepalive=True,
    )
    return cast("DynamoDBClient", botocore.session.Session().create_client("dynamodb", config=config))
