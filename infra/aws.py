"""Sessions on AWS: the default credential chain, and one rule for the region."""

from __future__ import annotations

import os

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    InvalidRegionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnection

from infra.paths import STAGES
from infra.stage import load_unfinished


class Unreachable(Exception):
    """AWS cannot be used: no network, no region, no credentials, or they were refused."""


_SIGN_IN = "Sign in (aws sso login, AWS_PROFILE or access keys) and try again."
# The query and JSON protocols name the same fault differently ("Common errors" of each API's reference).
_REFUSED_CREDENTIALS = {
    "AuthFailure", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId",
    "InvalidClientTokenId", "InvalidSignatureException", "RequestExpired", "SignatureDoesNotMatch",
    "TokenRefreshRequired", "UnrecognizedClientException",
}  # fmt: skip
_WITHOUT_CREDENTIALS = (
    CredentialRetrievalError, NoCredentialsError, PartialCredentialsError, ProfileNotFound, SSOError,
    TokenRetrievalError,
)  # fmt: skip


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


def sign_in(region: str | None) -> tuple[boto3.Session, str, str]:
    """A session that AWS accepts, with its account and the ARN of its identity.

    Raises:
        Unreachable: no region, no network, or no credentials that AWS accepts.
    """
    try:
        found = session(region)
        who = found.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise Unreachable(explain(error)) from error
    return found, who["Account"], who["Arn"]


def explain(error: BotoCoreError | ClientError) -> str:
    """Say whether AWS refused the request or the credentials, or was never reached, and what to do about that."""
    said = str(error).rstrip(".")
    if isinstance(error, InvalidRegionError):
        return f"{said}. Check AWS_REGION, and region in the stage file."
    if isinstance(error, (NoConnection, HTTPClientError)):
        return f"AWS cannot be reached: {said}. Check the network, the proxy (HTTPS_PROXY) and the region's name."
    if not isinstance(error, ClientError):
        return f"{said}. {_SIGN_IN}" if isinstance(error, _WITHOUT_CREDENTIALS) else f"{said}."
    if error.response["Error"].get("Code") in _REFUSED_CREDENTIALS:
        return f"AWS refused your credentials: {said}. {_SIGN_IN}"
    return f"AWS refused: {error}"


def is_lost(error: BotoCoreError | ClientError) -> bool:
    """Whether AWS may go on with what was started, because only the connection or the session ended."""
    return not isinstance(error, ClientError) or error.response["Error"].get("Code") in _REFUSED_CREDENTIALS


def region_of(stack: str) -> str | None:
    """The region that the stage of that stack names, if one does.

    Raises:
        infra.stage.StageError: a stage file is not what it should be.
    """
    stages = [load_unfinished(path.stem) for path in sorted(STAGES.glob("*.toml"))]
    return next((stage.region for stage in stages if stage.stack == stack), None)
