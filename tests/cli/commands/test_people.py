"""Identities, grants, and the settings of a consumer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from configsvc.model.grants import Grant
from tests.support.admin.kms_server import FOREIGN_KEY, KMS_KEY
from tests.support.admin.loopback import FOUNDER, Loopback, arn
from tests.support.cli.shell import Shell

pytestmark = pytest.mark.slow  # many processes


@pytest.fixture
def administrator(service: Loopback) -> Shell:
    return Shell(service.environ("admin"))


def test_whoami_shows_both_principals(shell: Shell) -> None:
    assert shell.ok("whoami").splitlines() == [
        "API key: api-key:idwriter",
        "  read on *",
        f"IAM: {arn('writer')}",
        "  write on *",
    ]


def test_whoami_without_credentials_shows_the_api_key(shell: Shell) -> None:
    nobody = shell.but(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_EC2_METADATA_DISABLED="true")
    done = nobody.run("whoami")
    assert (done.code, "api-key:idwriter" in done.out, "IAM: none" in done.out) == (0, True, True)
    assert "credentials" in done.err


def test_credentials_of_a_profile_are_found(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[team]\naws_access_key_id = AKIAWRITER\naws_secret_access_key = secret-of-writer\n")
    profile = shell.but(
        AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_PROFILE="team", AWS_SHARED_CREDENTIALS_FILE=str(file)
    )
    assert f"IAM: {arn('writer')}" in profile.ok("whoami")
    unknown = profile.but(AWS_PROFILE="nobody").run("put", "k", "-", given="v")
    assert (unknown.code, "nobody" in unknown.err) == (2, True)


def test_grant_adds_to_existing_grants_and_replace_removes_them(service: Loopback, administrator: Shell) -> None:
    who = f"api-key:{uuid4().hex}"
    administrator.ok("grant", who, "--action", "read", "-n", "payments.*")
    administrator.ok("grant", who, "-a", "read", "-a", "write", "-n", "shared.prod", "-n", "shared.test")
    both = (Grant(("read",), ("payments.*",)), Grant(("read", "write"), ("shared.prod", "shared.test")))
    assert service.admin("admin").grants.get(who) == both
    administrator.ok("grant", who, "--action", "read", "-n", "payments.*")
    assert service.admin("admin").grants.get(who) == both
    replacing = ("grant", who, "--action", "read", "-n", "*", "--replace")
    unasked = administrator.run(*replacing)
    assert (unasked.code, "--yes" in unasked.err, service.admin("admin").grants.get(who)) == (2, True, both)
    assert administrator.on_terminal(*replacing, typed={"[y/N]: ": "n"}).code == 1
    assert service.admin("admin").grants.get(who) == both
    administrator.ok(*replacing, "--yes")
    assert service.admin("admin").grants.get(who) == (Grant(("read",), ("*",)),)
    administrator.ok(*replacing)  # there are no other grants to lose


def test_session_arn_means_its_role(service: Loopback, administrator: Shell) -> None:
    role = f"Role{uuid4().hex[:8]}"
    session = f"arn:aws:sts::123456789012:assumed-role/{role}/someone"
    administrator.ok("grant", session, "--action", "write", "-n", "payments.*")
    assert service.admin("admin").grants.get(f"arn:aws:iam::123456789012:role/{role}")


@pytest.mark.parametrize("arguments", [("not-a-principal", "-n", "a"), ("api-key:x", "-n", "*.prod"), ("api-key:x",)])
def test_misspelled_grant_or_missing_namespace_is_refused(
    administrator: Shell, service: Loopback, arguments: tuple[str, ...]
) -> None:
    service.requests.clear()
    done = administrator.but(CONFIGSVC_NAMESPACES="payments.prod").run("grant", *arguments, "--action", "read")
    assert (done.code, service.requests) == (2, [])


def test_namespace_create_adds_a_data_key_and_is_safe_to_repeat(service: Loopback, administrator: Shell) -> None:
    name = f"made.{uuid4().hex[:8]}"
    for _ in range(2):
        administrator.ok("namespace", "create", name, "--description", "for a test")
        assert [each.data_key.kms_key for each in service.admin().data_keys.list(name)] == [KMS_KEY]
    assert administrator.ok("namespace", "list", "made.").split("\t")[0] == name
    administrator.ok("data-key", "add", "-n", name, "--kms-key", KMS_KEY)
    assert len(administrator.ok("data-key", "list", "-n", name).splitlines()) == 2


def test_first_administrator_without_read_creates_a_namespace_with_data_key(
    service: Loopback,
) -> None:
    name, founder = f"first.{uuid4().hex[:8]}", Shell(service.environ(FOUNDER))
    founder.ok("namespace", "create", name)
    assert len(service.admin().data_keys.list(name)) == 1
    again = founder.run("namespace", "create", name)
    assert (again.code, f"configsvc data-key add -n {name}" in again.err) == (3, True)
    assert len(service.admin().data_keys.list(name)) == 1


@pytest.mark.parametrize("kms_key", ["alias/configsvc", "arn:aws:kms:us-east-1:111122223333:alias/configsvc"])
def test_kms_alias_cannot_wrap_a_data_key(administrator: Shell, service: Loopback, kms_key: str) -> None:
    service.requests.clear()
    done = administrator.run("namespace", "create", "any.thing", "--kms-key", kms_key)
    assert (done.code, service.requests) == (2, [])


def test_consumer_starts_with_the_lines_of_env(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "db.url", "from-env")
    lines = shell.ok("env")
    script = f"{lines}\n{sys.executable} -c 'import os, json; print(json.dumps(dict(os.environ)))'"
    printed = subprocess.run(
        ["/bin/sh", "-euc", script],
        env={"CONFIGSVC_API_KEY": "own"}, check=True, capture_output=True, text=True, timeout=60,
    ).stdout  # fmt: skip
    found = {name: text for name, text in json.loads(printed).items() if name.startswith("CONFIGSVC_")}
    assert found == {
        "CONFIGSVC_URL": service.url,
        "CONFIGSVC_API_KEY": "own",
        "CONFIGSVC_NAMESPACES": namespace,
        "CONFIGSVC_KMS_KEYS": KMS_KEY,
    }
    assert "# export CONFIGSVC_API_KEY=" in lines


@pytest.mark.parametrize("output", ["plain", "json"])
def test_env_refuses_an_unpinned_kms_key(shell: Shell, service: Loopback, namespace: str, output: str) -> None:
    service.admin("admin").data_keys.add(namespace, FOREIGN_KEY)
    done = shell.run("env", "-o", output)
    assert (done.code, done.out, f"does not name: {FOREIGN_KEY}" in done.err) == (2, "", True)
    assert shell.but(CONFIGSVC_KMS_KEYS=f"{KMS_KEY},{FOREIGN_KEY}").run("env", "-o", output).code == 0
    assert FOREIGN_KEY in shell.but(CONFIGSVC_KMS_KEYS="").ok("env", "-o", output)


def test_env_leaves_out_the_kms_key_of_retired_data_keys(service: Loopback, namespace: str) -> None:
    owner = Shell(service.environ("owner", namespace))
    owner.but(CONFIGSVC_KMS_KEYS=f"{KMS_KEY},{FOREIGN_KEY}").ok("data-key", "rotate", "--kms-key", FOREIGN_KEY)
    assert KMS_KEY not in owner.but(CONFIGSVC_KMS_KEYS=FOREIGN_KEY).ok("env")


def test_a_message_of_several_lines_becomes_one(shell: Shell) -> None:
    shell.ok("put", "k", "-", "-m", "Rotate:\n\n  the old one leaked\r\n\u2028really\n", given="v")
    assert json.loads(shell.ok("log", "-o", "json"))[-1]["message"] == "Rotate: the old one leaked really"
