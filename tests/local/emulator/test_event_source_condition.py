"""The addition that IAM conditions see the source of events: needed, and working."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.clients import Credentials, make_client_arguments
from local.emulator.launcher import Emulator
from tests.support.local.aws_people import new_user

pytestmark = pytest.mark.emulator

_STATEMENT = {
    "Effect": "Allow", "Action": "events:PutEvents", "Resource": "*",
    "Condition": {"StringEquals": {"events:source": "configsvc"}},
}  # fmt: skip


def put(endpoint: str, who: Credentials, *sources: str) -> int:
    client: Any = boto3.client("events", **make_client_arguments(endpoint, who))
    entries = [{"Source": each, "DetailType": "T", "Detail": "{}"} for each in sources]
    failed: int = client.put_events(Entries=entries)["FailedEntryCount"]
    return failed


def test_events_of_the_named_source_are_accepted(emulator: Emulator) -> None:
    assert put(emulator.url, new_user(emulator.url, _STATEMENT), "configsvc", "configsvc") == 0


@pytest.mark.parametrize("sources", [("other",), ("configsvc", "other")])
def test_events_of_another_source_are_denied(emulator: Emulator, sources: tuple[str, ...]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        put(emulator.url, new_user(emulator.url, _STATEMENT), *sources)


def test_the_stock_emulator_does_not_see_the_source(stock_emulator: Emulator) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        put(stock_emulator.url, new_user(stock_emulator.url, _STATEMENT), "configsvc")
