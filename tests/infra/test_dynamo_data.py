from __future__ import annotations

import botocore.session
import pytest

from configsvc.adapters.dynamo_client import connect
from infra import dynamo_data


def test_the_cut_down_data_is_that_of_the_locked_botocore() -> None:
    there = {name: (dynamo_data.TARGET / name).read_text() for name in dynamo_data.files()}

    assert there == dynamo_data.files()


def test_the_client_signs_and_sends_as_one_with_all_of_botocores_data(monkeypatch: pytest.MonkeyPatch) -> None:
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


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "mx-central-1"])
def test_other_partitions_and_new_regions_keep_their_endpoints(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)

    assert connect().meta.endpoint_url == botocore.session.Session().create_client("dynamodb").meta.endpoint_url
