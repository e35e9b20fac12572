from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import EndpointVariantError

from configsvc.adapters.dynamo_client import connect
from infra.packaging import dynamo_data


def test_the_cut_down_data_is_that_of_the_locked_botocore() -> None:
    there = {name: (dynamo_data.TARGET / name).read_text() for name in dynamo_data.files()}

    assert there == dynamo_data.files()


def test_the_client_signs_and_sends_as_one_with_all_of_botocores_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")  # without credentials no client is made
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    whole = botocore.session.Session().create_client("dynamodb")
    ours = connect()

    assert ours.meta.endpoint_url == whole.meta.endpoint_url == "https://dynamodb.eu-north-1.amazonaws.com"
    for name in dynamo_data.OPERATIONS:
        mine = ours.meta.service_model.operation_model(name)
        theirs = whole.meta.service_model.operation_model(name)
        assert _shape(mine.input_shape) == _shape(theirs.input_shape)
        assert _shape(mine.output_shape) == _shape(theirs.output_shape)


def _shape(shape: object, depth: int = 6) -> object:
    """A shape as nested names, as deep as the recursive attribute values need."""
    members = getattr(shape, "members", {})
    name = getattr(shape, "name", None)
    return (name, {key: _shape(member, depth - 1) for key, member in members.items()}) if depth else name


REGIONS = [
    "us-east-1", "mx-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1", "us-isob-east-1",
    "eu-isoe-west-1", "us-isof-south-1", "eu-new-9",
]  # fmt: skip


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("fips", ["", "true"])
@pytest.mark.parametrize("dual_stack", ["", "true"])
def test_every_partition_is_asked_where_botocore_would(
    monkeypatch: pytest.MonkeyPatch, region: str, fips: str, dual_stack: str
) -> None:
    given = {"AWS_DEFAULT_REGION": region, "AWS_USE_FIPS_ENDPOINT": fips, "AWS_USE_DUALSTACK_ENDPOINT": dual_stack}
    for name, text in {**given, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}.items():
        monkeypatch.setenv(name, text)

    assert _find_host(connect) == _find_host(lambda: LOADED.create_client("dynamodb"))


LOADED = botocore.session.Session()


def _find_host(make: Callable[[], Any]) -> str | None:
    """Where a client sends its requests; None where botocore makes none."""
    sent: list[str] = []

    def take(request: AWSRequest, **_: object) -> AWSResponse:
        sent.append(str(request.url))
        return AWSResponse(str(request.url), 200, {}, Empty())  # type: ignore[arg-type]  # of urllib3 otherwise

    try:
        client = make()
    except EndpointVariantError:
        return None
    client.meta.events.register("before-send.dynamodb", take)
    client.get_item(TableName="t", Key={"k": {"S": "x"}})
    return sent[0]


class Empty:
    def stream(self) -> Iterator[bytes]:
        yield b"{}"
