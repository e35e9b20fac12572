"""Variables that a namespace may set: the allow-list, existing variables, credentials, and the system's limits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

_PRINT = "import os, sys; sys.stdout.write(repr([os.environ.get(name) for name in sys.argv[1:]]))"
CANARY = "canary-61f0aa"


@pytest.fixture
def project(shell: Shell, tmp_path: Path) -> Shell:
    """The same shell in a folder with a trusted project file."""
    return Shell({**shell.environ, "CONFIGSVC_TRUST": "project"}, tmp_path)


def policy(folder: Path, namespace: str, *allowed: str) -> None:
    listed = ", ".join(f'"{each}"' for each in allowed)
    (folder / ".configsvc.toml").write_text(f'[policy."{namespace}"]\nexec = [{listed}]\n')


def test_only_listed_variables_are_set_and_others_are_named(
    project: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    policy(tmp_path, namespace, "DB_*")
    for key in ("db.url", "log.level", "git.ssh_command"):
        service.admin().values.put(namespace, key, f"{CANARY} {key}")
    done = project.run("exec", "--", sys.executable, "-c", _PRINT, "DB_URL", "LOG_LEVEL", "GIT_SSH_COMMAND")
    assert done.out == repr([f"{CANARY} db.url", None, None])
    assert "GIT_SSH_COMMAND, LOG_LEVEL are left out" in done.err
    assert done.err.count("\n") == 1
    assert CANARY not in done.err


def test_what_the_list_leaves_out_is_not_opened(
    project: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    policy(tmp_path, namespace)
    service.admin().values.put(namespace, "db.url", CANARY)
    service.kms.calls.clear()
    assert project.ok("exec", "--", sys.executable, "-c", _PRINT, "DB_URL") == "[None]"
    assert service.kms.calls == []


@pytest.mark.parametrize("allowed", [("*",), ("GIT_*",), ("*", "GIT_SSH_COMMAND*")])
def test_a_pattern_starts_nothing_with_a_dangerous_variable(
    project: Shell, service: Loopback, namespace: str, tmp_path: Path, allowed: tuple[str, ...]
) -> None:
    policy(tmp_path, namespace, *allowed)
    service.admin().values.put(namespace, "git.ssh_command", "theirs")
    done = project.run("exec", "--", "echo", "started")
    assert (done.code, done.out) == (1, "")
    assert "GIT_SSH_COMMAND" in done.err


def test_a_literal_name_sets_a_dangerous_variable(
    project: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    policy(tmp_path, namespace, "HTTPS_PROXY")
    service.admin().values.put(namespace, "https.proxy", "http://proxy.internal:3128")
    out = project.but(HTTPS_PROXY="").ok("exec", "--", sys.executable, "-c", _PRINT, "HTTPS_PROXY")
    assert out == repr(["http://proxy.internal:3128"])


def test_each_namespace_goes_by_its_own_list_and_the_first_still_wins(
    project: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    other = service.namespace(f"{namespace}.other")
    policy(tmp_path, namespace, "A")
    for key, where in (("a", namespace), ("b", namespace), ("b", other), ("c", other)):
        service.admin().values.put(where, key, where)
    out = project.ok("exec", "-n", namespace, "-n", other, "--", sys.executable, "-c", _PRINT, "A", "B", "C")
    assert out == repr([namespace, None, other])


def test_an_existing_variable_stays_and_is_named_without_override(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    service.admin().values.put(namespace, "db.url", f"{CANARY} theirs")
    service.admin().values.put(namespace, "same", "equal")
    command = ("--", sys.executable, "-c", _PRINT, "DB_URL")
    mine = shell.but(DB_URL="mine", SAME="equal")
    done = mine.run("exec", *command)
    assert done.out == repr(["mine"])
    assert "DB_URL is already set" in done.err
    assert "SAME" not in done.err
    assert CANARY not in done.err
    done = mine.run("exec", "--override", "DB_URL", "--override", "DB_URI", *command)
    assert done.out == repr([f"{CANARY} theirs"])
    assert "DB_URL" not in done.err
    assert "DB_URI has no effect: no key sets DB_URI" in done.err


def test_override_opens_no_dangerous_variable(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "path", "/theirs")
    done = shell.run("exec", "--override", "PATH", "--", "echo", "started")
    assert (done.code, done.out) == (1, "")


CREDENTIALS = (
    "CONFIGSVC_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CREDENTIAL_EXPIRATION",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK",
)  # fmt: skip


@pytest.mark.parametrize("mounted", [False, True])
def test_a_command_can_be_given_no_credentials(
    shell: Shell,
    service: Loopback,
    namespace: str,
    tmp_path: Path,
    mounted: bool,  # noqa: FBT001  # a case
) -> None:
    service.admin().values.put(namespace, "db.url", "x")
    theirs = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/f", "AWS_CREDENTIAL_EXPIRATION": "t", "AWS_SECURITY_TOKEN": CANARY}
    mount = ("--mount", str(tmp_path / "values.json")) if mounted else ()
    show = "import os, json; print(json.dumps(dict(os.environ)))"
    out = shell.but(**theirs).ok("exec", "--drop-credentials", *mount, "--", sys.executable, "-c", show)
    assert not [name for name in CREDENTIALS if f'"{name}"' in out]
    assert not [
        text
        for text in (shell.environ["CONFIGSVC_API_KEY"], shell.environ["AWS_SECRET_ACCESS_KEY"], CANARY)
        if text in out
    ]
    assert '"AWS_EC2_METADATA_DISABLED": "true"' in out


def test_botocore_finds_no_credentials_then(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[default]\naws_access_key_id = A\naws_secret_access_key = S\n")
    find = "import botocore.session; print(botocore.session.Session().get_credentials())"
    at_home = shell.but(HOME=str(tmp_path))
    assert at_home.ok("exec", "--", sys.executable, "-c", find) != "None\n"
    assert at_home.ok("exec", "--drop-credentials", "--", sys.executable, "-c", find) == "None\n"


def test_a_value_that_is_too_long_for_a_variable_starts_nothing(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    service.admin().values.put(namespace, "big", "x" * 131_071)
    done = shell.run("exec", "--", "echo", "started")
    assert (done.code, done.out) == (1, "")
    assert "131,071" in done.err
    assert "--mount" in done.err or "file" in done.err


def test_a_key_that_becomes_dangerous_never_reaches_the_running_command(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    service.admin().values.put(namespace, "db.url", "x")
    program = "import os, sys, time; print('BASH_ENV' in os.environ, flush=True); sys.stdin.readline()"
    process = shell.start("exec", "--watch", "--every", "0.05", "--", sys.executable, "-c", program)
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"False\n"
        service.admin().values.put(namespace, "bash.env", "/theirs")
        assert b"BASH_ENV" in process.stderr.readline()
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stdout.read() == b""


def test_help_says_that_the_deny_list_is_the_second_line(shell: Shell) -> None:
    told = " ".join(shell.ok("exec", "--help").split())
    assert "no list of dangerous variables is complete" in told


@pytest.mark.parametrize("changed", ['exec = ["*"]', 'plain = ["*"]', ""])
def test_an_untrusted_change_widens_nothing(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path, changed: str
) -> None:
    """A pull request changes or removes a list: nothing is set until the user trusts it."""
    service.admin().values.put(namespace, "db.url", "x")
    here = Shell(shell.environ, tmp_path)
    (tmp_path / ".configsvc.toml").write_text(f'[policy."{namespace}"]\n{changed}\n' if changed else 'region = "x"\n')
    done = here.run("exec", "--", sys.executable, "-c", _PRINT, "DB_URL")
    assert (done.code, done.out) == (0, "[None]")
    assert "configsvc trust" in done.err
    assert here.ok("export", "--variables") == ""
