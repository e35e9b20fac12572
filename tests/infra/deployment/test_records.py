"""Records in a bucket: their order, two who record at once, and what was damaged or deleted."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from infra.deployment.records import Deployment, RecordError, Records, decode, encode

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MADE = Deployment(
    template="s/abc.json", parameters={"LogLevel": "info", "GatewayProof": None}, content="c1", version="7",
    code={"APIHandler": "s/def.zip"}, commit=None, time="2026-11-30T20:00:00+00:00", who="arn:aws:iam::1:user/a",
)  # fmt: skip


class Bucket:
    """S3 as the records use it. `before_put` runs before each conditional put, as another deployer would."""

    def __init__(self, before_put: Callable[[Bucket, str], None] = lambda _bucket, _key: None) -> None:
        self.objects = dict[str, bytes]()
        self.before_put = before_put
        self.owners = set[str | None]()

    def get_paginator(self, _operation: str) -> Bucket:
        return self

    def paginate(self, **given: str) -> Iterator[dict[str, Any]]:
        self.owners.add(given.get("ExpectedBucketOwner"))
        keys = sorted(key for key in self.objects if key.startswith(given["Prefix"]))
        for first in range(0, len(keys), 2):
            yield {"Contents": [{"Key": key} for key in keys[first : first + 2]]}
        yield {}

    def get_object(self, **given: str) -> dict[str, Any]:
        self.owners.add(given.get("ExpectedBucketOwner"))
        if given["Key"] not in self.objects:
            raise refusal("NoSuchKey")
        return {"Body": io.BytesIO(self.objects[given["Key"]])}

    def put_object(self, **given: Any) -> None:  # noqa: ANN401  # boto3's
        self.owners.add(given.get("ExpectedBucketOwner"))
        assert given["IfNoneMatch"] == "*"
        self.before_put(self, given["Key"])
        if given["Key"] in self.objects:
            raise refusal("PreconditionFailed")
        self.objects[given["Key"]] = given["Body"]


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "S3")


def records(bucket: Bucket, owner: str | None = None) -> Records:
    return Records(cast("S3Client", bucket), "deployments", "s", owner)


def other(content: str) -> Deployment:
    return MADE.model_copy(update={"content": content, "template": f"s/{content}.json"})


def test_numbers_give_the_order() -> None:
    held = records(Bucket())
    for number in range(1, 13):
        assert held.add(other(f"c{number}")).number == number
    assert held.numbers() == list(range(1, 13))
    assert [each.number for each in held.backwards()] == list(range(12, 0, -1))
    assert held.newest() == held.read(12)


def test_the_same_state_is_recorded_once() -> None:
    held = records(Bucket())
    assert held.add(MADE) == held.add(MADE.model_copy(update={"time": "later", "who": None}))
    assert held.numbers() == [1]


def test_two_who_record_at_once_overwrite_nothing() -> None:
    def first(bucket: Bucket, key: str) -> None:
        if key.endswith("1.json") and key not in bucket.objects:
            bucket.objects[key] = encode(other("theirs").model_copy(update={"number": 1}))

    held = records(Bucket(first))
    assert held.add(other("ours")).number == 2
    assert [each.content for each in held.backwards()] == ["ours", "theirs"]


def test_who_always_loses_the_race_says_so() -> None:
    def always(bucket: Bucket, key: str) -> None:
        bucket.objects[key] = encode(other("theirs").model_copy(update={"number": int(key[-13:-5])}))

    with pytest.raises(RecordError, match="The next command records this one"):
        records(Bucket(always)).add(other("ours"))


def test_a_record_is_what_was_written() -> None:
    stored = MADE.model_copy(update={"number": 3, "restores": 1})
    assert decode(encode(stored), 3) == stored


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b"null", b"{}", encode(MADE)[:-9], encode(MADE).replace(b"info", b"debug"), encode(MADE)],
)
def test_anything_else_is_damaged(body: bytes) -> None:
    """The last one is whole, but was stored as another number."""
    bucket = Bucket()
    bucket.objects["s/deployments/00000004.json"] = body
    with pytest.raises(RecordError, match=r"Record 4 of s \(s3://deployments/s/deployments/00000004.json\) is damaged"):
        records(bucket).read(4)


def test_a_damaged_last_record_does_not_stop_the_next() -> None:
    bucket = Bucket()
    bucket.objects["s/deployments/00000004.json"] = b"{"
    assert records(bucket).add(MADE).number == 5


def test_no_secret_is_in_a_record() -> None:
    assert json.loads(encode(MADE))["parameters"]["GatewayProof"] is None


def test_a_missing_record_is_named() -> None:
    with pytest.raises(RecordError, match=r"Record 9 of s .* is missing"):
        records(Bucket()).read(9)


def test_other_objects_of_the_folder_are_no_records() -> None:
    bucket = Bucket()
    bucket.objects = {"s/deployments/readme.json": b"", "s/deployments/1/2.json": b"", "s/abc.json": b""}
    # A planner may add objects with names of 64 characters (infra/deployer_rules.py).
    bucket.objects |= {f"s/deployments/{'9' * 52}.json": b"", "s/deployments/\u0661.json": b""}
    assert records(bucket).numbers() == []


def test_what_a_record_names_must_match_its_name() -> None:
    bucket = Bucket()
    bucket.objects["s/abc.json"] = b"{}"
    with pytest.raises(RecordError, match="was replaced"):
        records(bucket).fetch("s/abc.json")
    with pytest.raises(RecordError, match="was deleted"):
        records(bucket).fetch("s/none.json")


def test_every_call_names_the_owner_of_the_bucket() -> None:
    bucket = Bucket()
    held = records(bucket, "111122223333")
    held.add(MADE)
    held.newest()
    assert bucket.owners == {"111122223333"}


def test_botocore_sends_the_condition_and_the_owner() -> None:
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="s")
    owned = {"Bucket": "b", "ExpectedBucketOwner": "1"}
    with Stubber(client) as stub:
        stub.add_response("list_objects_v2", {}, {**owned, "Prefix": "s/deployments/"})
        stub.add_client_error(
            "put_object", "PreconditionFailed", "At least one of the pre-conditions you specified", 412
        )
        stub.add_response("list_objects_v2", {"Contents": [{"Key": "s/deployments/00000001.json"}]})
        stub.add_client_error("get_object", "NoSuchKey", "The specified key does not exist.", 404)
        key = "s/deployments/00000002.json"
        stub.add_response("put_object", {}, {**owned, "Key": key, "Body": ANY, "IfNoneMatch": "*"})
        assert Records(client, "b", "s", "1").add(MADE).number == 2


def test_a_bucket_that_is_not_there_yet_has_no_records() -> None:
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="s")
    with Stubber(client) as stub:
        stub.add_client_error("list_objects_v2", "NoSuchBucket", "The specified bucket does not exist", 404)
        assert Records(client, "b", "s").numbers() == []
