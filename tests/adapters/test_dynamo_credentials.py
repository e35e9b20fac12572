"""Credentials come from the environment, and otherwise from botocore's providers, in botocore's order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import NoCredentialsError, PartialCredentialsError

from configsvc.adapters.dynamo_credentials import find_credentials

FILE = "[default]\naws_access_key_id = of-file\naws_secret_access_key = secret-of-file\n"
KEY = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
LATER = "2100-01-01T00:00:00+00:00"  # a fixed time, because the names of tests contain it
ENVIRONMENTS: list[Mapping[str, str]] = [
    KEY,
    KEY | {"AWS_SESSION_TOKEN": "token"},
    KEY | {"AWS_SECURITY_TOKEN": "old name"},
    KEY | {"AWS_SECURITY_TOKEN": "old name", "AWS_SESSION_TOKEN": "token"},
    KEY | {"AWS_SESSION_TOKEN": ""},
    KEY | {"AWS_SESSION_TOKEN": "token", "AWS_CREDENTIAL_EXPIRATION": LATER},
    KEY | {"AWS_PROFILE": "default"},
    {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "secret"},
    {},
]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "SECURITY_TOKEN", "PROFILE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


@pytest.mark.parametrize("given", ENVIRONMENTS, ids=str)
def test_the_credentials_are_those_that_botocore_finds(
    environment: pytest.MonkeyPatch, tmp_path: Path, given: Mapping[str, str]
) -> None:
    (tmp_path / "credentials").write_text(FILE)
    for name, text in given.items():
        environment.setenv(name, text)
    theirs = botocore.session.Session().get_credentials()
    assert theirs is not None
    expected = theirs.get_frozen_credentials()

    found = find_credentials()()

    assert (found.access_key, found.secret_key) == (expected.access_key, expected.secret_key)
    assert (found.token or None) == (expected.token or None)


def test_without_any_there_is_an_error(environment: pytest.MonkeyPatch) -> None:
    del environment
    with pytest.raises(NoCredentialsError):
        find_credentials()


def test_a_key_without_a_secret_is_an_error(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ACCESS_KEY_ID", "key")
    with pytest.raises(PartialCredentialsError):
        find_credentials()
