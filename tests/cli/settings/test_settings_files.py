"""Settings files where users keep them: in the working folder, above it, and in their own folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.admin.kms_server import KMS_KEY
from tests.support.admin.loopback import Loopback, arn
from tests.support.cli.shell import Shell

KEY = "value-of-writer"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "own" / "configsvc").mkdir(parents=True)
    (tmp_path / "project" / "deep" / "down").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def bare(service: Loopback, home: Path) -> Shell:
    """A shell below the project's folder, with AWS credentials but no configsvc settings."""
    environ = service.environ("writer")
    kept = {name: text for name, text in environ.items() if name.startswith("AWS_") and name != "AWS_REGION"}
    return Shell(
        {**kept, "CONFIGSVC_TRUST": "project", "XDG_CONFIG_HOME": str(home / "own")}, home / "project" / "deep" / "down"
    )


def _project(home: Path, service: Loopback, namespace: str, more: str = "") -> None:
    (home / "project" / ".configsvc.toml").write_text(
        f'url = "{service.url}"\nnamespaces = ["{namespace}"]\nkms_keys = ["{KMS_KEY}"]\nregion = "us-east-1"\n{more}'
    )


def _own(home: Path, text: str) -> None:
    (home / "own" / "configsvc" / "config.toml").write_text(text)


def test_a_project_file_above_and_an_api_key_are_enough(
    bare: Shell, home: Path, service: Loopback, namespace: str
) -> None:
    _project(home, service, namespace)
    shell = bare.but(CONFIGSVC_API_KEY=KEY)
    shell.ok("put", "k", "-", given="v")
    assert shell.ok("get", "k") == "v"


def test_the_api_key_comes_from_a_command_which_shows_nothing(
    bare: Shell, home: Path, service: Loopback, namespace: str
) -> None:
    _project(home, service, namespace)
    command = json.dumps([sys.executable, "-c", f"print('{KEY}')"])
    _own(home, f'url = "{service.url}"\napi_key_command = {command}\n')
    done = bare.run("list", "--debug")
    assert (done.code, KEY in done.out + done.err) == (0, False)


def test_the_api_key_command_is_not_run_for_a_repository_s_url(
    bare: Shell, home: Path, service: Loopback, namespace: str
) -> None:
    _project(home, service, namespace)
    ran = home / "ran"
    command = json.dumps([sys.executable, "-c", f"open({str(ran)!r}, 'w'); print('{KEY}')"])
    _own(home, f'url = "https://elsewhere.example/api"\napi_key_command = {command}\n')
    done = bare.run("list")
    assert (done.code, "CONFIGSVC_API_KEY" in done.err, ran.exists()) == (2, True, False)


@pytest.mark.parametrize(
    ("program", "says"), [("raise SystemExit(3)", "failed with exit code 3"), ("pass", "printed nothing")]
)
def test_a_command_for_the_api_key_that_fails_is_told(
    bare: Shell, home: Path, service: Loopback, program: str, says: str
) -> None:
    _project(home, service, "any.thing")
    _own(home, f'url = "{service.url}"\napi_key_command = {json.dumps([sys.executable, "-c", program])}\n')
    done = bare.run("list")
    assert (done.code, says in done.err) == (2, True)


def test_the_api_key_comes_from_the_keyring_where_that_is_installed(
    bare: Shell, home: Path, service: Loopback, namespace: str
) -> None:
    _project(home, service, namespace)
    assert bare.run("list").code == 2
    (home / "keyring.py").write_text(
        f"def get_password(service, account):\n"
        f"    return {KEY!r} if (service, account) == ('configsvc', {service.url!r}) else None\n"
    )
    assert bare.but(PYTHONPATH=str(home)).run("list").code == 0
    (home / "keyring.py").write_text(f"def get_password(service, account):\n    raise RuntimeError({KEY!r})\n")
    failed = bare.but(PYTHONPATH=str(home)).run("list")
    assert (failed.code, KEY in failed.err, "RuntimeError" in failed.err) == (2, False, True)


@pytest.mark.slow
def test_a_profile_is_chosen_by_flag_before_or_after_the_command(
    bare: Shell, home: Path, service: Loopback, namespace: str
) -> None:
    _project(home, service, namespace, '[profiles.broken]\nurl = "http://127.0.0.1:9/api"\n')
    shell = bare.but(CONFIGSVC_API_KEY=KEY, CONFIGSVC_URL=service.url)
    assert shell.run("list").code == 0
    assert shell.run("--profile", "broken", "list").code == 6
    assert shell.run("list", "--profile", "broken").code == 6
    assert shell.run("list", "--profile", "unknown").code == 2


def test_an_aws_profile_from_a_flag_wins_over_the_shell_s_keys(
    bare: Shell, home: Path, service: Loopback, namespace: str
) -> None:
    _project(
        home, service, namespace, '[profiles.test]\naws_profile = "team"\n[profiles.other]\nregion = "us-east-1"\n'
    )
    (home / "credentials").write_text(
        "[team]\naws_access_key_id = AKIAOWNER\naws_secret_access_key = secret-of-owner\n"
    )
    shell = bare.but(CONFIGSVC_API_KEY=KEY, AWS_SHARED_CREDENTIALS_FILE=str(home / "credentials"))
    assert arn("owner") in shell.ok("whoami", "--profile", "test")
    for before in ((), ("--profile", "other")):
        assert arn("writer") in shell.ok(*before, "whoami")
    assert "AWS identity by AWS_PROFILE team from profile test in" in shell.ok("doctor", "--profile", "test")
    assert "AWS identity by AWS_ACCESS_KEY_ID from the environment" in shell.ok("doctor")
    file = home / "project" / ".configsvc.toml"
    assert f"namespaces from {file}, KMS keys from {file}, region from profile other in {file}" in shell.ok(
        "doctor", "--profile", "other"
    )


def test_a_file_that_is_no_toml_is_told_by_name(bare: Shell, home: Path) -> None:
    _own(home, "url = ")
    done = bare.run("list")
    assert (done.code, "config.toml is not TOML" in done.err) == (2, True)
