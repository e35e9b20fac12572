"""Sessions on AWS: the default credential chain, and one rule for the region."""

from __future__ import annotations

import os

import boto3

from infra.paths import STAGES
from infra.stage import load


class Unreachable(Exception):
    """AWS cannot be reached: no credentials, no region, or they were refused."""


def session(region: str | None) -> boto3.Session:
    """A session in the region that a stage names, else in AWS_REGION's, else in the one of the credentials.

    Raises:
        Unreachable: nothing names a region.
        botocore.exceptions.BotoCoreError: AWS_PROFILE names none.
    """
    # boto3 looks for AWS_DEFAULT_REGION only; the other SDKs and the CLI for this one, too.
    found = boto3.Session(region_name=region or os.environ.get("AWS_REGION"))
    if not found.region_name:
        raise Unreachable("No region: set AWS_REGION, or set region in the stage file.")
    return found


def region_of(stack: str) -> str | None:
    """The region that the stage of that stack names, if one does.

    Raises:
        infra.stage.StageError: a stage file is not what it should be.
    """
    stages = [load(path.stem) for path in sorted(STAGES.glob("*.toml"))]
    return next((stage.region for stage in stages if stage.stack == stack), None)
