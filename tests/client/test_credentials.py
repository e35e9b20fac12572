from pathlib import Path

import pytest

from configsvc.model.errors import Misconfigured
from configsvc_client._credentials import Credentials, find


def test_the_variables_of_lambda_come_first() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
    assert find(environ) == Credentials("AKID", "s", "t")
    del environ["AWS_SESSION_TOKEN"]
    assert find(environ).token is None


def test_the_secret_parts_are_not_shown() -> None:
    assert "canary" not in repr(Credentials("AKID", "canary", "canary"))


def test_what_botocore_finds_is_taken_where_there_are_no_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    assert find({}) == Credentials("AKID", "s", None)


def test_without_any_the_error_says_where_they_were_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Misconfigured, match="AWS_ACCESS_KEY_ID"):
        find({})
