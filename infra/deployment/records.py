"""The records of good deployments in the bucket: what `make rollback` can go back to.

One object per deployment, `<stack>/deployments/<number>.json`. The number orders them, never a clock; S3 lists them in
that order, and refuses a number that somebody else took in the same moment. Each has a checksum of its own, and the
templates and code it names are stored under the SHA-256 of their content.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_DIGITS = 8
_ATTEMPTS = 20
TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
"""The codes with which S3 refuses to put an object over another one."""
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


class RecordError(Exception):
    """A record, or what it names, is missing or is not what was written."""


class Deployment(BaseModel):
    """A good deployment.

    Args:
        number: its place in the order; 0 until it is stored.
        template: key of the expanded template.
        parameters: null for one that CloudFormation shows to nobody: the stack's own value is used.
        content: SHA-256 of what it serves, the same for a rollback to it.
        version: the Lambda version that the alias served.
        code: key of each function's code.
        commit: of the tree it was built of, if known.
        time: when it was recorded, for people.
        who: the ARN that recorded it, if known.
        restores: of a rollback, the number of the deployment that it went back to.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = 0
    template: str
    parameters: dict[str, str | None]
    content: str
    version: str | None
    code: dict[str, str]
    commit: str | None
    time: str
    who: str | None
    restores: int | None = None

    @property
    def origin(self) -> int:
        """The number of the deployment that first served this."""
        return self.restores or self.number

    def same_as(self, other: Deployment) -> bool:
        """Whether the other one is the same state of the stack."""
        return (self.template, self.parameters) == (other.template, other.parameters)

    def __str__(self) -> str:
        commit = f"commit {self.commit[:12]}{'+changes' if '+' in self.commit else ''}" if self.commit else "no commit"
        said = [f"{self.number:>4}", self.time, f"version {self.version or '?'}", commit, self.who or "by somebody"]
        return "  ".join([*said, f"rollback to {self.restores}"] if self.restores else said)


def encode(deployment: Deployment) -> bytes:
    """The object: the record as JSON, with a checksum over all of it."""
    content = deployment.model_dump()
    return json.dumps({**content, "sha256": _checksum(content)}, indent=1, sort_keys=True).encode()


def decode(body: bytes, number: int) -> Deployment:
    """Read an object.

    Raises:
        RecordError: it is not what `encode` wrote for that number.
    """
    try:
        content: dict[str, Any] = json.loads(body)
        claimed = content.pop("sha256")
        found = Deployment.model_validate(content)
    except (AttributeError, KeyError, TypeError, UnicodeDecodeError, ValueError, ValidationError) as error:
        raise RecordError(f"it is not a record: {type(error).__name__}") from error
    if claimed != _checksum(content) or found.number != number:
        raise RecordError("it was changed after it was written")
    return found


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one stack in a bucket, which must belong to `owner` if that is known."""

    s3: S3Client
    bucket: str
    stack: str
    owner: str | None = None

    def numbers(self) -> list[int]:
        """The numbers of all records, ascending."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self._folder, **self._owned
        )
        try:
            keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        except ClientError as error:
            if error.response["Error"].get("Code") == "NoSuchBucket":
                return []
            raise
        names = [key.removeprefix(self._folder).removesuffix(".json") for key in keys]
        return sorted(int(name) for name in names if re.fullmatch(rf"[0-9]{{{_DIGITS}}}", name))

    def read(self, number: int) -> Deployment:
        """The record of that number.

        Raises:
            RecordError: it is missing or damaged.
        """
        where = f"Record {number} of {self.stack} (s3://{self.bucket}/{self._key(number)})"
        try:
            return decode(self._get(self._key(number)), number)
        except RecordError as error:
            raise RecordError(f"{where} is damaged: {error}.") from error
        except ClientError as error:
            if error.response["Error"].get("Code") not in _MISSING:
                raise
            raise RecordError(f"{where} is missing.") from error

    def newest(self) -> Deployment | None:
        """The last record; None if there is none.

        Raises:
            RecordError: it is damaged.
        """
        numbers = self.numbers()
        return self.read(numbers[-1]) if numbers else None

    def backwards(self) -> Iterator[Deployment]:
        """All records, newest first, each read when it is asked for.

        Raises:
            RecordError: one is missing or damaged.
        """
        return (self.read(number) for number in reversed(self.numbers()))

    def add(self, deployment: Deployment) -> Deployment:
        """Store it under the next number, unless the newest record is the same; returns the record there is now.

        Raises:
            RecordError: others keep taking the next number.
        """
        for _ in range(_ATTEMPTS):
            numbers = self.numbers()
            next_number = numbers[-1] + 1 if numbers else 1
            if numbers and (last := self._read_sound(numbers[-1])) and last.same_as(deployment):
                return last
            stored = deployment.model_copy(update={"number": next_number})
            if self._put_new(self._key(next_number), encode(stored)):
                return stored
        raise RecordError(f"Others keep recording deployments of {self.stack}. The next command records this one.")

    def fetch(self, key: str) -> bytes:
        """An object that a record names, stored under the SHA-256 of its content.

        Raises:
            RecordError: it was deleted or replaced.
        """
        try:
            body = self._get(key)
        except ClientError as error:
            if error.response["Error"].get("Code") not in _MISSING:
                raise
            raise RecordError(f"s3://{self.bucket}/{key} was deleted.") from error
        if hashlib.sha256(body).hexdigest() != key.rpartition("/")[2].partition(".")[0]:
            raise RecordError(f"s3://{self.bucket}/{key} was replaced: its content does not match its name.")
        return body

    def _read_sound(self, number: int) -> Deployment | None:
        try:
            return self.read(number)
        except RecordError:
            return None

    def _put_new(self, key: str, body: bytes) -> bool:
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, IfNoneMatch="*", **self._owned)
        except ClientError as error:
            if error.response["Error"].get("Code") in TAKEN:
                return False
            raise
        return True

    def _get(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key, **self._owned)["Body"].read()

    def _key(self, number: int) -> str:
        return f"{self._folder}{number:0{_DIGITS}}.json"

    @property
    def _folder(self) -> str:
        return f"{self.stack}/deployments/"

    @property
    def _owned(self) -> dict[str, Any]:
        return {"ExpectedBucketOwner": self.owner} if self.owner else {}
