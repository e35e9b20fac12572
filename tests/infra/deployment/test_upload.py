"""A deployment uploads what was built, whatever is already in the bucket."""

from types import SimpleNamespace
from typing import Any, cast

from infra.deployment import deploy
from infra.deployment.bucket import upload


class Bucket:
    """A bucket that somebody else writes to as well."""

    def __init__(self) -> None:
        self.objects = dict[str, bytes]()

    def head_bucket(self, **_where: Any) -> None:  # noqa: ANN401  # boto3's
        pass

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: ARG002, N803  # boto3's names
        return {"ContentLength": len(self.objects[Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: ARG002, N803  # boto3's names
        self.objects[Key] = Body


def test_code_that_was_put_under_the_key_beforehand_is_not_deployed() -> None:
    """A build gives the same bytes anywhere, so its key can be guessed."""
    bucket, none = Bucket(), cast("Any", SimpleNamespace())
    target = deploy.Target(none, cast("Any", bucket), none, "deployments", lambda _: None)
    key = upload(target, "configsvc", b"ours", ".zip")
    bucket.objects[key] = b"theirs"
    assert upload(target, "configsvc", b"ours", ".zip") == key
    assert bucket.objects[key] == b"ours"
