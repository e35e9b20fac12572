"""Which region counts, by one rule for deploying, accepting and restoring."""

import os
import subprocess
import sys

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    UnauthorizedSSOTokenError,
)

from infra import aws
from tests.support.fixtures.package import ROOT


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")


def test_the_region_is_the_stage_s_or_the_sdk_s_or_boto_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    assert aws.session(None).region_name == "eu-north-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert aws.session(None).region_name == "eu-west-1"
    assert aws.session("eu-central-1").region_name == "eu-central-1"


def test_without_one_it_says_where_to_name_it() -> None:
    with pytest.raises(aws.Unreachable, match="AWS_REGION"):
        aws.session(None)


def test_a_stack_is_looked_for_where_its_stage_is() -> None:
    assert aws.region_of("configsvc") == "us-east-1"
    assert aws.region_of("of-nobody") is None


@pytest.mark.parametrize("command", [
    ("infra.restore", "--old", "old", "--new", "new"), ("local.acceptance", "--stack", "of-nobody"),
])  # fmt: skip
def test_every_command_says_it_in_the_same_words(command: tuple[str, ...]) -> None:
    held = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    ran = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=held, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 1
    assert "No region: set AWS_REGION" in ran.stderr
    assert "Traceback" not in ran.stderr


def _refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "as AWS words it"}}, operation)


@pytest.mark.parametrize(
    ("error", "begins", "advises", "lost"),
    [
        (EndpointConnectionError(endpoint_url="https://sts"), "AWS cannot be reached: ", "the network", True),
        (ConnectTimeoutError(endpoint_url="https://sts"), "AWS cannot be reached: ", "the network", True),
        (ReadTimeoutError(endpoint_url="https://sts"), "AWS cannot be reached: ", "the network", True),
        (InvalidRegionError(region_name="eu west 1"), "Provided region_name 'eu west 1'", "AWS_REGION", True),
        (NoCredentialsError(), "Unable to locate credentials. ", "Sign in", True),
        (ProfileNotFound(profile="nobody"), "The config profile (nobody) could not be found. ", "Sign in", True),
        (UnauthorizedSSOTokenError(), "The SSO session associated with this profile has expired", "Sign in", True),
        (_refusal("ExpiredToken", "DescribeStacks"), "AWS refused your credentials: ", "Sign in", True),
        (_refusal("UnrecognizedClientException", "GetAlias"), "AWS refused your credentials: ", "Sign in", True),
        (_refusal("AccessDenied", "CreateChangeSet"), "AWS refused: ", "", False),
    ],
)
def test_a_lost_network_is_no_refusal(
    error: BotoCoreError | ClientError, begins: str, advises: str, *, lost: bool
) -> None:
    said = aws.explain(error)
    assert said.startswith(begins)
    assert advises in said
    assert ("Sign in" in said) == (advises == "Sign in")
    assert ".." not in said
    assert aws.is_lost(error) == lost


def test_the_acceptance_says_it_in_the_same_words() -> None:
    held = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "s", "AWS_MAX_ATTEMPTS": "1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }  # fmt: skip
    command = [sys.executable, "-m", "local.acceptance", "--stack", "of-nobody"]
    ran = subprocess.run(command, cwd=ROOT, env=held, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr.startswith("make acceptance: AWS cannot be reached: ")) == (1, True)
