"""Each message has a useful next step, in the terms of the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from configsvc.model import limits
from configsvc.model.errors import ConfigsvcError, Forbidden, NotFound, Throttled, Unavailable
from configsvc_client.cli import exit_codes
from tests.support.admin.kms_server import KMS_KEY
from tests.support.admin.loopback import Loopback, arn
from tests.support.cli.shell import Shell

CANARY = "canary-16b2aa"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "code", "says"),
    [
        ({"CONFIGSVC_API_KEY": "wrong"}, 4, ("in no usage plan of this stage", "configsvc doctor")),
        ({"CONFIGSVC_URL": "{url}/v1"}, 2, ("CONFIGSVC_URL ends in /v1",)),
        ({"CONFIGSVC_URL": "{url}x"}, 4, ("Check CONFIGSVC_URL", "must end with the stage", "configsvc doctor")),
        ({"CONFIGSVC_URL": "http://127.0.0.1:9/api"}, 6, ("CONFIGSVC_URL", "configsvc doctor")),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, 4, ("the secret access key does not belong to", "configsvc doctor")),
    ],
)
def test_wrong_settings_lead_to_the_setting_and_doctor(
    shell: Shell, service: Loopback, changed: dict[str, str], code: int, says: tuple[str, ...]
) -> None:
    wrong = {name: text.replace("{url}", service.url) for name, text in changed.items()}
    told = shell.but(**wrong).run("put", "k", "x", "--plain")
    assert told.code == code, told
    assert [each for each in says if each not in told.err] == []
    assert "whoami" not in told.err


def test_missing_kms_permission_names_key_context_and_policy(shell: Shell, service: Loopback, namespace: str) -> None:
    service.kms.refused.add("Decrypt")
    try:
        refused = shell.run("put", "k", "-", given=CANARY)
    finally:
        service.kms.refused.clear()
    assert refused.code == 4, refused
    for says in (f"kms:Decrypt on {KMS_KEY}", f"configsvc:namespace={namespace}", f"--for reader -n {namespace}"):
        assert says in refused.err
    assert CANARY not in refused.err


@pytest.mark.parametrize("arguments", [("put", "k", "x", "--plain"), ("delete", "k", "--yes"), ("data-key", "list")])
def test_a_missing_grant_names_principal_action_namespace_and_command(
    service: Loopback, namespace: str, arguments: tuple[str, ...]
) -> None:
    """`data-key list` is a read: a missing grant of the API key looks like a missing namespace."""
    service.keys["value-of-nobody"] = "idnobody"
    environ = service.environ("reader", namespace)
    reads = arguments[0] == "data-key"
    told = Shell(environ | ({"CONFIGSVC_API_KEY": "value-of-nobody"} if reads else {})).run(*arguments)
    command = (
        f"grant api-key:idnobody -a read -n {namespace}" if reads else f"grant {arn('reader')} -a write -n {namespace}"
    )
    assert (told.code, f"configsvc {command}" in told.err) == (3 if reads else 4, True), told
    assert "CONFIGSVC_URL" not in told.err


def test_doctor_without_credentials_advises_no_kms_permission(shell: Shell, namespace: str) -> None:
    nobody = shell.but(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_EC2_METADATA_DISABLED="true")
    (found,) = [
        each for each in json.loads(nobody.run("doctor", "-o", "json").out) if each["check"] == f"{namespace}: KMS"
    ]
    assert (found["state"], found["what_to_do"], "AWS credentials" in found["found"]) == ("failed", "", True)


@pytest.mark.parametrize(
    "error", [NotFound("No key that is served is named."), Unavailable("Later."), Forbidden("Not you.", action="write")]
)
def test_only_possibly_hidden_namespaces_are_called_unreadable(error: ConfigsvcError) -> None:
    assert "may not read it" not in " ".join(exit_codes.get_lines(error))
    assert "CONFIGSVC_URL" not in " ".join(exit_codes.get_lines(error))


def test_errors_name_options_not_headers(shell: Shell) -> None:
    shell.ok("put", "k", "-", given="1")
    for arguments, given in ((("put", "k", "x", "--plain"), ""), (("import", "-", "--plain", "k"), "k=x\n")):
        plain = shell.run(*arguments, given=given)
        assert (plain.code, "--declassify" in plain.err, "true" in plain.err) == (1, True, False)
    created = shell.run("put", "k", "-", "--create-only", given="2")
    assert (created.code, "--create-only" in created.err, "If-None-Match" in created.err) == (5, True, False)
    assert "create_only" not in created.err


@pytest.mark.parametrize("day", ["tomorrow", "2030-02-30", "31.1.2030"])
def test_invalid_date_is_refused_before_any_request(shell: Shell, service: Loopback, day: str) -> None:
    told = shell.run("put", "k", "-", "--rotate-by", day, given=CANARY)
    assert (told.code, "2027-01-31" in told.err, CANARY in told.err, service.requests) == (2, True, False, [])


def test_oversized_value_is_reported_with_its_key_and_size(shell: Shell) -> None:
    told = shell.run("put", "large.one", "-", given=CANARY + "x" * limits.STORED_VALUE)
    assert (told.code, "large.one" in told.err, str(limits.STORED_VALUE) in told.err) == (1, True, True)
    assert CANARY not in told.err


def test_a_snapshot_file_that_is_damaged_is_named(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "some.snapshot"
    shell.ok("snapshot", "save", path)
    path.write_text(path.read_text().replace('"sha256":"', '"sha256":"0'))
    for command in ("show", "verify"):
        told = shell.run("snapshot", command, path)
        assert (told.code, f"configsvc: {path}: It is damaged" in told.err) == (1, True)


def test_log_of_grants_shows_what_was_granted(service: Loopback) -> None:
    administrator, who = Shell(service.environ("admin")), "api-key:ofthelog1"
    administrator.ok("grant", who, "-a", "read", "-n", "a.*")
    administrator.ok("revoke", who, "--all", "--yes")
    granted, revoked = administrator.ok("log", "--grants", "--last", "2").splitlines()
    assert f"set_grants {who}: read on a.*" in granted
    assert f"delete_grants {who}: nothing" in revoked


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("get", "typo"), "configsvc list shows"),
        (("history", "typo"), "configsvc list shows"),
        (("delete", "typo", "--yes"), "configsvc list shows"),
        (("copy", "typo", "--as", "a"), "configsvc list shows"),
        (("get", "a", "--version", "7"), "configsvc history a lists"),
        (("activate", "a", "9"), "configsvc history a lists"),
        (("data-key", "retire", "A" * 43, "--yes"), "configsvc data-key list shows"),
    ],
)
def test_unknown_names_lead_to_existing_ones(
    shell: Shell, service: Loopback, namespace: str, arguments: tuple[str, ...], says: str
) -> None:
    shell.ok("put", "a", "-", given="1")
    told = Shell(service.environ("owner", namespace)).run(*arguments)
    happened, following = told.err.splitlines()
    assert (told.code, happened.startswith("configsvc: "), says in following) == (3, True, True), told


@pytest.mark.parametrize("arguments", [("import", "-"), ("import", "-", "--atomic"), ("copy", "new")])
def test_key_created_concurrently_leads_to_another_run(
    shell: Shell, service: Loopback, namespace: str, arguments: tuple[str, ...]
) -> None:
    source, theirs = service.namespace(f"{namespace}.source"), service.admin()
    theirs.values.put(source, "new", "ours")
    service.requests.clear()

    def while_waiting() -> None:
        if f"GET /v1/namespaces/{namespace}/keys" in service.requests:  # the keys have been read by then
            theirs.values.put(namespace, "new", "theirs", form="plain")

    service.kms.while_waiting.append(while_waiting)
    options = ("-n", source, "--to", namespace) if arguments[0] == "copy" else ()
    try:
        told = shell.run(*arguments, *options, given="new=ours\n")
    finally:
        service.kms.while_waiting.clear()
    key = "new: " if arguments[0] == "copy" else "line 1 (new): "
    who = f"{key}{arn('writer')} wrote the key in the meantime. Run the command again."
    assert (told.code, who in told.err) == (5, True), told
    assert "create-only" not in told.err
    assert shell.ok("get", "new") == "theirs"


def test_key_rollback_error_says_which_versions_it_considers(shell: Shell) -> None:
    for value in ("one", "two"):
        shell.ok("put", "k", "-", given=value)
    shell.ok("activate", "k", "1")
    told = shell.run("rollback", "k")
    assert (told.code, "below the active version 1" in told.err, "--to-version" in told.err) == (3, True, True)
    assert "configsvc history k lists" in told.err


def test_throttled_error_says_how_long_to_wait() -> None:
    assert "Wait 120 s" in exit_codes.get_next_step(Throttled("busy", retry_after=120))
    assert "Wait a little" in exit_codes.get_next_step(Throttled("busy", retry_after=1))
