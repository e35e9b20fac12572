"""boto3 arguments for the local AWS."""

from dataclasses import dataclass, field
from typing import TypedDict

from botocore.config import Config

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The identity of a client."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


ROOT = Credentials("test", "test")
"""Set-up only: ministack lets it do anything and never checks its signature."""


class ClientArguments(TypedDict):
    """The keyword arguments of `boto3.client(service, **arguments)`."""

    endpoint_url: str
    region_name: str
    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: str | None
    config: Config


def make_client_arguments(url: str, credentials: Credentials = ROOT) -> ClientArguments:
    """Arguments for a client of the AWS at `url`; loopback, so no HTTP proxy of the environment is used."""
    return {
        "endpoint_url": url,
        "region_name": REGION,
        "aws_access_key_id": credentials.access_key_id,
        "aws_secret_access_key": credentials.secret_access_key,
        "aws_session_token": credentials.session_token,
        "config": Config(proxies={}, retries={"total_max_attempts": 1}),
    }
