"""DynamoDB's client. botocore alone: boto3 on top would only cost a cold start more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONNECT_SECONDS = 1.0
READ_SECONDS = 3.0
ATTEMPTS = 3
_DATA = Path(__file__).with_name("dynamo_data")


def connect() -> DynamoDBClient:
    """A client by the environment's region, credentials and endpoint, none of which is looked at before this call.

    `standard` retries and short timeouts, because the defaults would wait a minute for one lost packet.
    A transaction carries a ClientRequestToken made once per call, so botocore's own retries apply it once.
    """
    import botocore.session
    from botocore.config import Config
    from botocore.loaders import Loader

    class OneService(Loader):
        """botocore's data, with what infra/dynamo_data.py cut out of it first. Listing 400 services takes 12 ms."""

        def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  # botocore's signature
            return ["dynamodb"]

        def is_builtin_path(self, path: str) -> bool:  # noqa: ARG002  # botocore's signature
            """Whether its rules for endpoints hold. For data of others it builds the host in a way of its own."""
            return True

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        tcp_keepalive=True,
        account_id_endpoint_mode="disabled",  # one host, whatever the credentials say of the account
    )
    session = botocore.session.Session()
    session.register_component("data_loader", OneService(extra_search_paths=[str(_DATA)]))
    return cast("DynamoDBClient", session.create_client("dynamodb", config=config))
