"""An error that a setting causes says where the setting comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from configsvc.model.errors import NotFound, Unavailable
from configsvc_client._aws import refusals
from configsvc_client.cli import command_line, exit_codes
from configsvc_client.cli.settings import sources
from tests.support.admin.kms_server import KMS_KEY
from tests.support.admin.loopback import Loopback

ENVIRON = {
    "CONFIGSVC_URL": "http://127.0.0.1:9/api",
    "CONFIGSVC_API_KEY": "x",
    "CONFIGSVC_NAMESPACES": "a.b",
    "CONFIGSVC_KMS_KEYS": KMS_KEY,
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "AKIAX",
    "AWS_SECRET_ACCESS_KEY": "x",
    "CONFIGSVC_TRUST": "project",
}


REFUSED = "the secret access key does not belong to the access key, or AWS_REGION is not the API's region."


class Wrong(NamedTuple):
    """A wrong setting: a variable's text or a line of a file, a command, and its error."""

    name: str
    given: str
    arguments: tuple[str, ...]
    says: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and next to it one for the user file."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "CONFIGSVC_")):
            monkeypatch.delenv(name)
    for name, text in (ENVIRON | {"XDG_CONFIG_HOME": str(tmp_path / "own")}).items():
        monkeypatch.setenv(name, text)
    (tmp_path / "project").mkdir()
    (tmp_path / "own" / "configsvc").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong("CONFIGSVC_URL", "ftp://host", ("list",), "must be an https URL"),
        Wrong("CONFIGSVC_URL", "https://127.0.0.1:9/api/v1", ("list",), "ends in /v1"),
        Wrong("CONFIGSVC_API_KEY", "a b", ("list",), "no API key has"),
        Wrong("CONFIGSVC_NAMESPACES", "a.b,Not One", ("get", "k"), "holds 'Not One'"),
        Wrong("CONFIGSVC_NAMESPACES", "a.b,c.d", ("put", "k", "-"), "names a.b and c.d"),
        Wrong("CONFIGSVC_KMS_KEYS", "alias/x", ("list",), "takes key ARNs"),
        Wrong("CONFIGSVC_KMS_KEYS", "alias/x", ("data-key", "add"), "must be the ARN"),
        Wrong("CONFIGSVC_SEALED_KEYS", "a/b", ("list",), "takes keys and patterns"),
        Wrong("CONFIGSVC_OUTPUT", "xml", ("namespace", "list"), "must be one of"),
        Wrong("CONFIGSVC_POLL_SECONDS", "soon", ("watch",), "is not a number"),
        Wrong("CONFIGSVC_PROFILE", "none", ("list",), "No settings file has the profile none"),
        Wrong("CONFIGSVC_TRUST", "all", ("list",), "has an unknown value. Set it to project"),
        Wrong("AWS_REGION", "Frankfurt!", ("list",), "is not a region"),
        Wrong("AWS_ENDPOINT_URL_KMS", "x", ("list",), "must be an https URL"),
    ],
)
def test_an_error_says_that_a_variable_comes_from_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: Wrong
) -> None:
    (folder / "project" / ".configsvc.toml").write_text("")
    monkeypatch.setenv(wrong.name, wrong.given)
    code = command_line.run(wrong.arguments)
    err = capsys.readouterr().err
    assert (code in (2, 6), wrong.says in err) == (True, True), err
    origin = [line for line in err.splitlines() if wrong.name in line and line.endswith("the environment.")]
    assert len(origin) == 1 or "CONFIGSVC_PROFILE in the environment selects" in err, err


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong("CONFIGSVC_URL", 'url = "ftp://host"', ("list",), "must be an https URL"),
        Wrong("CONFIGSVC_NAMESPACES", 'namespaces = ["a.b", "Not One"]', ("list",), "holds 'Not One'"),
        Wrong("CONFIGSVC_NAMESPACES", 'namespaces = ["a.b", "c.d"]', ("delete", "k"), "names a.b and c.d"),
        Wrong("CONFIGSVC_KMS_KEYS", 'kms_keys = ["alias/x"]', ("list",), "takes key ARNs"),
        Wrong("AWS_REGION", 'region = "Frankfurt!"', ("list",), "is not a region"),
    ],
)
@pytest.mark.parametrize("kind", ["project", "own", "profile"])
def test_an_error_names_the_file_and_member_of_a_wrong_setting(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str, wrong: Wrong
) -> None:
    monkeypatch.delenv(wrong.name)
    own = folder / "own" / "configsvc" / "config.toml"
    file = own if kind == "own" else folder / "project" / ".configsvc.toml"
    file.write_text(f"[profiles.test]\n{wrong.given}\n" if kind == "profile" else f"{wrong.given}\n")
    code = command_line.run([*wrong.arguments, *(("--profile", "test") if kind == "profile" else ())])
    err = capsys.readouterr().err
    where = f"profile test in {file}" if kind == "profile" else str(file)
    assert (code in (2, 6), wrong.says in err) == (True, True), err
    assert f"{wrong.name} comes from {wrong.given.split(maxsplit=1)[0]} in {where}." in err.splitlines()


def test_a_missing_profile_is_reported_with_the_setting_that_selects_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "project" / ".configsvc.toml"
    file.write_text('profile = "here"\n')
    assert command_line.run(["list"]) == 2
    assert f"profile here, which profile in {file} selects" in capsys.readouterr().err
    assert command_line.run(["list", "--profile", "there"]) == 2
    assert "profile there, which --profile selects" in capsys.readouterr().err


def test_an_option_that_was_typed_wrongly_is_not_blamed_on_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder
    monkeypatch.setenv("CONFIGSVC_POLL_SECONDS", "5")
    assert command_line.run(["watch", "--every", "soon"]) == 2
    assert "comes from" not in capsys.readouterr().err
    assert command_line.run(["list", "-n", "Not One"]) == 2
    assert "comes from" not in capsys.readouterr().err


def test_a_missing_namespace_blames_a_setting_only_if_that_names_it(
    folder: Path, service: Loopback, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "project" / ".configsvc.toml"
    file.write_text('namespaces = ["no.such"]\n')
    for name, text in service.environ("writer").items():
        monkeypatch.setenv(name, text)
    monkeypatch.delenv("CONFIGSVC_NAMESPACES")
    assert command_line.run(["get", "k"]) == 3
    assert f"CONFIGSVC_NAMESPACES comes from namespaces in {file}." in capsys.readouterr().err
    for typed in (["get", "k", "-n", "none.either"], ["get", "k", "-n", "no.such"], ["namespace", "show", "no.such"]):
        assert command_line.run(typed) == 3
        assert "comes from" not in capsys.readouterr().err
    assert command_line.run(["doctor", "-o", "plain"]) == 1


def test_an_error_names_the_command_that_prints_the_api_key(
    folder: Path, service: Loopback, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in service.environ("writer", "a.b").items():
        monkeypatch.setenv(name, text)
    monkeypatch.delenv("CONFIGSVC_API_KEY")
    file = folder / "own" / "configsvc" / "config.toml"
    file.write_text(f'url = "{service.url}"\napi_key_command = ["printf", "a b"]\n')
    assert command_line.run(["list"]) == 2
    assert f"CONFIGSVC_API_KEY comes from api_key_command in {file}." in capsys.readouterr().err


def test_doctor_names_the_file_of_a_setting_that_it_finds_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CONFIGSVC_URL")
    file = folder / "project" / ".configsvc.toml"
    file.write_text('url = "ftp://host"\n')
    assert command_line.run(["doctor", "-o", "plain"]) == 1
    assert f"CONFIGSVC_URL comes from url in {file}." in capsys.readouterr().out


def test_doctor_and_init_name_a_namespace_that_is_set_wrongly(
    folder: Path, service: Loopback, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder
    for name, text in service.environ("writer", "a.b", "Not One").items():
        monkeypatch.setenv(name, text)
    for command, code in (("doctor", 1), ("init", 2)):
        assert command_line.run([command]) == code
        told = capsys.readouterr()
        assert "holds 'Not One'" in told.out + told.err
        assert "CONFIGSVC_NAMESPACES comes from the environment." in told.out + told.err


def test_an_aws_profile_that_does_not_exist_is_named_with_its_file(
    folder: Path, service: Loopback, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in service.environ("writer", "a.b").items():
        monkeypatch.setenv(name, text)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    file = folder / "project" / ".configsvc.toml"
    file.write_text('aws_profile = "none.such"\n')
    for command, code in ((["whoami"], 0), (["put", "k", "x", "--plain"], 2)):
        assert command_line.run(command) == code
        assert f"AWS_PROFILE comes from aws_profile in {file}." in capsys.readouterr().err


def test_an_unreachable_address_names_the_setting_that_holds_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONFIGSVC_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "https://kms.example")
    file = folder / "project" / ".configsvc.toml"
    file.write_text('url = "https://api.example/stage"\n')
    for address, said in (
        ("https://api.example", [f"CONFIGSVC_URL comes from url in {file}."]),
        ("https://kms.example", ["AWS_ENDPOINT_URL_KMS comes from the environment."]),
        ("https://sts.example", []),
    ):
        error = Unavailable(f"{address} could not be reached (Connection refused).", reason="connection")
        with click.Context(click.Command("any")):
            sources.note_origins(error, exit_codes.get_lines(error))
        assert exit_codes.get_notes(error) == said


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_a_variable_that_has_two_spellings_is_named_as_it_is_set(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert folder
    for each in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, "socks5://proxy")
    with click.Context(click.Command("any")):
        assert sources.list_origins("HTTPS_PROXY is not like http://host:port.") == [
            f"{name} comes from the environment."
        ]


def test_a_missing_kms_key_names_the_region() -> None:
    assert "AWS_REGION" in refusals.explain_refusal("Decrypt", "NotFoundException", "", {})
    assert "AWS_REGION" not in exit_codes.get_next_step(NotFound("x"))


@pytest.mark.parametrize(
    ("variables", "lines"),
    [
        ({}, ["AWS_ACCESS_KEY_ID comes from the environment."]),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": "work"}, ["AWS_PROFILE comes from the environment."]),
        ({"AWS_ACCESS_KEY_ID": ""}, []),
    ],
)
def test_a_refused_signature_names_the_source_of_the_credentials(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], lines: list[str]
) -> None:
    assert folder.is_dir()
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    with click.Context(click.Command("any")):
        assert sources.list_origins(REFUSED) == [*lines, "AWS_REGION comes from the environment."]


def test_an_address_that_only_shares_a_prefix_is_not_blamed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder.is_dir()
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:99")
    for port, lines in (("9", "CONFIGSVC_URL"), ("99", "AWS_ENDPOINT_URL_KMS")):
        error = Unavailable(f"http://127.0.0.1:{port} could not be reached (Connection refused).")
        with click.Context(click.Command("any")):
            sources.note_origins(error, [])
        assert error.__notes__ == [f"{lines} comes from the environment."]
