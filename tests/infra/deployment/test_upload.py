"""A deployment uploads what was built, whatever is already in the bucket."""

from io import BytesIO
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from infra.deployment import deploy
from infra.deployment.bucket import upload
from infra.deployment.change_set import StackFailed


class Bucket:
    """A bucket that somebody else writes to as well."""

    def __init__(self) -> None:
        self.objects = dict[str, bytes]()

    def head_bucket(self, **_where: Any) -> None:  # noqa: ANN401  # boto3's
        pass

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: ARG002, N803  # boto3's names
        return {"ContentLength": len(self.objects[Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str = "") -> None:  # noqa: ARG002, N803
        if IfNoneMatch and Key in self.objects:
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
        self.objects[Key] = Body

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: ARG002, N803  # boto3's names
        return {"Body": BytesIO(self.objects[Key])}


def test_code_that_was_put_under_the_key_beforehand_is_not_deployed() -> None:
    """A build gives the same bytes anywhere, so its key can be guessed."""
    bucket, none = Bucket(), cast("Any", SimpleNamespace())
    target = deploy.Target(none, cast("Any", bucket), none, "deployments", lambda _: None)
    key = upload(target, "configsvc", b"ours", ".zip")
    bucket.objects[key] = b"theirs"
    assert upload(target, "configsvc", b"ours", ".zip") == key
    assert bucket.objects[key] == b"ours"


def test_a_plan_adds_what_is_missing_and_replaces_nothing() -> None:
    """A plan may run code that nobody has reviewed. Its policy lets it replace nothing, so it has to ask for that."""
    bucket, none = Bucket(), cast("Any", SimpleNamespace())
    target = deploy.Target(none, cast("Any", bucket), none, "deployments", lambda _: None, plans=True)
    key = upload(target, "configsvc", b"ours", ".zip")
    assert upload(target, "configsvc", b"ours", ".zip") == key
    bucket.objects[key] = b"theirs"
    with pytest.raises(StackFailed, match="tampered"):
        upload(target, "configsvc", b"ours", ".zip")
    assert bucket.objects[key] == b"theirs"
