"""The bucket that takes code and templates, each under the SHA-256 of its content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.cloudformation.template import Template
from infra.deployment.change_set import StackFailed
from infra.deployment.history import encode_template
from infra.deployment.records import TAKEN

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CreateBucketConfigurationTypeDef

    from infra.deployment.deploy import Target

_NO_LOCATION = "us-east-1"  # S3 refuses the default region as a location constraint


def upload_template(target: Target, stack: str, template: Template) -> str:
    """Put the template into the bucket; returns its URL."""
    key = upload(target, stack, encode_template(template), ".json")
    return f"{target.s3.meta.endpoint_url.rstrip('/')}/{target.bucket}/{key}"


def upload(target: Target, folder: str, content: bytes, suffix: str) -> str:
    """Put content under a key made of its SHA-256, over whatever is there; returns the key.

    A build gives the same bytes anywhere, so the key can be guessed, and who writes to the bucket can be there first.
    A plan only adds what is missing, because its policy lets it replace nothing that a deployment uploaded.

    Raises:
        StackFailed: a plan finds something else under the key.
    """
    key = f"{folder}/{hashlib.sha256(content).hexdigest()}{suffix}"
    _ensure_bucket(target)
    target.progress(f"uploading {len(content) / 1000:.0f} KB to s3://{target.bucket}/{key}")
    if target.plans:
        _add(target, key, content)
    else:
        target.s3.put_object(Bucket=target.bucket, Key=key, Body=content, **target.owned)
    return key


def _add(target: Target, key: str, content: bytes) -> None:
    try:
        target.s3.put_object(Bucket=target.bucket, Key=key, Body=content, IfNoneMatch="*", **target.owned)
    except ClientError as error:
        if error.response["Error"].get("Code") not in TAKEN:
            raise
        held = target.s3.get_object(Bucket=target.bucket, Key=key, **target.owned)["Body"].read()
        if held != content:
            where = f"s3://{target.bucket}/{key}"
            raise StackFailed(
                f"{where} is not what its name says, so somebody may have tampered with it. Nothing was planned. "
                "Find out who wrote it, and delete it; make deploy would replace it."
            ) from error


def upload_file(target: Target, folder: str, path: Path) -> str:
    """`upload` of a file, its suffix kept."""
    return upload(target, folder, path.read_bytes(), path.suffix)


def _ensure_bucket(target: Target) -> None:
    try:
        target.s3.head_bucket(Bucket=target.bucket, **target.owned)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
            raise
        _create_bucket(target)


def _create_bucket(target: Target) -> None:
    """Create the bucket with its tags, for accounts that refuse one without them."""
    region = target.s3.meta.region_name
    wanted: CreateBucketConfigurationTypeDef = {}
    if target.whole.tags:
        wanted["Tags"] = target.whole.tag_list
    if region != _NO_LOCATION:
        wanted["LocationConstraint"] = region  # type: ignore[typeddict-item]  # regions are only known at run time
    if wanted:
        target.s3.create_bucket(Bucket=target.bucket, CreateBucketConfiguration=wanted)
    else:
        target.s3.create_bucket(Bucket=target.bucket)
