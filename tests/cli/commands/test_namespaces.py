"""Namespaces and data keys, as an administrator manages them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from configsvc_client.admin import make_draft
from tests.support.admin.kms_server import KMS_KEY, OTHER_KEY
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell


@pytest.fixture
def owner(service: Loopback, namespace: str) -> Shell:
    return Shell(service.environ("owner", namespace))


def test_settings_are_set_one_by_one_and_shown(owner: Shell, namespace: str, tmp_path: Path) -> None:
    schemas = tmp_path / "schemas.json"
    schemas.write_text(json.dumps({"limits.*": {"type": "object"}}))
    owner.ok("namespace", "set", "--description", "for a test", "--form", "plain", "--form", "envelope")
    owner.ok("namespace", "set", "--keep-versions", "10", "--schemas", schemas)
    owner.ok("namespace", "set", "--keep-log-days", "90", "--require-preconditions")
    found = json.loads(owner.ok("namespace", "show", "-o", "json"))
    assert (found["namespace"], found["description"], found["forms"]) == (
        namespace,
        "for a test",
        ["plain", "envelope"],
    )
    assert found["retention"] == {"versions": 10, "log_days": 90, "deleted_days": None}
    assert (found["require_preconditions"], found["schemas"][0]["keys"]) == (True, "limits.*")
    owner.ok("namespace", "set", "--keep-versions", "0", "--keep-deleted-days", "30", "--no-require-preconditions")
    found = json.loads(owner.ok("namespace", "show", namespace, "-o", "json"))
    kept = {"versions": None, "log_days": 90, "deleted_days": 30}
    assert (found["retention"], found["require_preconditions"]) == (kept, False)


def test_an_empty_description_removes_it(owner: Shell) -> None:
    for text in ("for a test", ""):
        assert owner.here("namespace", "set", "--description", text).code == 0
        assert json.loads(owner.here("namespace", "show", "-o", "json").out)["description"] == text


def test_missing_settings_and_bad_schemas_are_refused_before_any_request(
    owner: Shell, service: Loopback, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("[1]")
    service.requests.clear()
    assert owner.run("namespace", "set").code == 2
    assert service.requests == []
    assert owner.run("namespace", "set", "--schemas", bad).code == 2
    assert not [each for each in service.requests if not each.startswith("GET")]


def test_namespace_set_does_not_create_a_namespace(service: Loopback) -> None:
    administrator = Shell(service.environ("admin"))
    assert administrator.run("namespace", "set", "is.not.there", "--description", "x").code == 3
    assert "is.not.there" not in administrator.ok("namespace", "list")


def test_empty_namespace_is_deleted_after_confirmation(owner: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "a", "x", form="plain")
    assert owner.run("namespace", "delete", "--yes").code == 5
    service.admin().values.delete(namespace, "a")
    assert owner.run("namespace", "delete").code == 2
    assert owner.on_terminal("namespace", "delete", typed={"[y/N]": "n"}).code == 1
    assert owner.on_terminal("namespace", "delete", typed={"[y/N]": "y"}).code == 0
    assert owner.run("namespace", "show").code == 3


def test_deleted_namespace_says_what_is_kept_and_create_restores_it(
    owner: Shell, service: Loopback, namespace: str
) -> None:
    service.admin().values.put(namespace, "a", "first", form="plain")
    data_key = service.admin().data_keys.list(namespace)[0].data_key
    refused = owner.run("namespace", "delete")
    assert (refused.code, "serves 1 key." in refused.err) == (5, True)  # before the confirmation prompt
    service.admin().values.delete(namespace, "a")
    asked = owner.on_terminal("namespace", "delete", typed={"[y/N]": "y"}).out
    assert "are kept" in asked
    assert "configsvc destroy" in asked
    assert "history" not in asked
    assert f"To restore it: configsvc namespace create {namespace}" in asked
    again = owner.run("namespace", "create")
    assert (again.code, "again, with its earlier versions and data keys" in again.err) == (0, True), again.err
    assert [each.data_key for each in service.admin().data_keys.list(namespace)] == [data_key]
    assert json.loads(owner.ok("list", "-o", "json"))[0]["state"] == "deleted"
    owner.ok("activate", "a", "1")
    assert owner.ok("get", "a") == "first"


def test_creating_an_existing_namespace_changes_nothing(owner: Shell, namespace: str) -> None:
    owner.ok("namespace", "set", "--description", "as it was")
    before = owner.ok("namespace", "show", "-o", "json")
    for options in ((), ("--description", "as it was"), ("--kms-key", KMS_KEY), ("--no-data-key",)):
        done = owner.run("namespace", "create", namespace, *options)
        assert (done.code, "already exists, nothing changed" in done.err) == (0, True), done.err
    for option, value, other in (
        ("--description", "another", "namespace set"), ("--kms-key", OTHER_KEY, "data-key rewrap"),
    ):  # fmt: skip
        done = owner.run("namespace", "create", namespace, option, value)
        assert (done.code, other in done.err, "Nothing was changed" in done.err) == (5, True, True), done.err
    assert owner.ok("namespace", "show", "-o", "json") == before


def test_interrupted_namespace_creation_is_completed(owner: Shell, namespace: str) -> None:
    other = f"{namespace}.half"
    owner.ok("namespace", "create", other, "--no-data-key")
    done = owner.run("namespace", "create", other)
    assert (done.code, "already exists, without a data key" in done.err) == (0, True)
    assert len(owner.ok("data-key", "list", "-n", other).splitlines()) == 1


def test_rewrap_changes_data_keys_but_not_values(owner: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "a", "x")
    both = owner.but(CONFIGSVC_KMS_KEYS=f"{KMS_KEY},{OTHER_KEY}")
    before = owner.ok("data-key", "list").split("\t")
    both.ok("data-key", "rewrap", "--kms-key", OTHER_KEY)
    after = owner.ok("data-key", "list").split("\t")
    assert (before[0], after[0], after[4]) == (after[0], before[0], OTHER_KEY)
    assert both.ok("get", "a") == "x"
    assert owner.run("data-key", "rewrap", before[0], "--kms-key", "alias/x").code == 2


def test_a_data_key_in_use_is_not_retired_and_rotation_retires_it(
    owner: Shell, service: Loopback, namespace: str
) -> None:
    service.admin().values.put(namespace, "a", "x")
    service.admin().values.put(namespace, "p", "x", form="plain")
    kid = owner.ok("data-key", "list").split("\t")[0]
    assert owner.run("data-key", "retire", kid).code == 2
    assert owner.run("data-key", "retire", kid, "--yes").code == 5
    done = json.loads(owner.ok("data-key", "rotate", "-o", "json", "-m", "yearly"))
    assert (done["sealed"], done["retired"], done["left"], done["refused"]) == (["a"], [kid], [], {})
    assert "yearly" in owner.ok("log")
    assert owner.ok("get", "a") == "x"
    states = [line.split("\t")[1] for line in owner.ok("data-key", "list").splitlines()]
    assert states == ["live", "retired"]


def test_import_and_rotation_show_progress_on_a_terminal(
    owner: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    path = tmp_path / "some.env"
    path.write_text("".join(f"key.{number:02}=canary-5d {number}\n" for number in range(90)))
    imported = owner.on_terminal("import", str(path))
    assert (imported.code, "90/90" in imported.out, "canary-5d" in imported.out) == (0, True, False)
    rotated = owner.on_terminal("data-key", "rotate")
    assert (rotated.code, "90/90" in rotated.out) == (0, True)
    assert "90 sealed again" in rotated.out
    assert service.admin().values.get_all(namespace)["key.07"].data == b"canary-5d 7"


def test_value_that_rotation_cannot_seal_is_reported_and_keeps_its_data_key(
    owner: Shell, service: Loopback, namespace: str
) -> None:
    service.admin().change_sets.apply(namespace, [make_draft("a", "x"), make_draft("b", "y")])
    service.admin("owner").data_keys.add(namespace, "arn:aws:kms:us-east-1:111122223333:key/other")
    done = owner.run("data-key", "rotate")
    assert done.code == 1
    assert "not pinned" in done.err or "CONFIGSVC_KMS_KEYS" in done.err
    assert owner.ok("get", "a") == "x"


def test_rotation_prints_retired_kids_line_until_policy_has_it(
    owner: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    service.admin().values.put(namespace, "a", "x")
    kid = owner.ok("data-key", "list").split("\t")[0]
    line = owner.run("data-key", "rotate").err.splitlines()[-2]
    assert line == f'retired_kids = ["{kid}"]'
    (tmp_path / ".configsvc.toml").write_text(f'[policy."{namespace}"]\n{line}\n')
    careful = Shell({**owner.environ, "CONFIGSVC_TRUST": "project"}, tmp_path)
    (live, *_), *_ = (each.split("\t") for each in owner.ok("data-key", "list").splitlines())
    again = careful.run("data-key", "rotate", "--fresh").err.splitlines()[-2]
    assert set(json.loads(again.removeprefix("retired_kids = "))) == {kid, live}
    (tmp_path / ".configsvc.toml").write_text(f'[policy."{namespace}"]\n{again}\n')
    assert "retired_kids" not in careful.run("data-key", "retire", live, "--yes").err


def test_kms_refusal_leaves_no_namespace_behind(owner: Shell, service: Loopback, namespace: str) -> None:
    service.kms.refused.add("GenerateDataKey")
    try:
        refused = owner.run("namespace", "create", f"{namespace}.new")
    finally:
        service.kms.refused.clear()
    assert (refused.code, owner.run("namespace", "show", f"{namespace}.new").code) == (4, 3)


def test_namespace_is_lifted_above_its_readers_revision(owner: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "one", "1")
    lifted = json.loads(owner.ok("namespace", "lift", "--revision", "1000", "-o", "json"))
    assert lifted == {"namespace": namespace, "revision": 1001, "floor": 1000, "differences": []}
    assert "at revision 1001" in owner.run("namespace", "lift", namespace, "--revision", "1000").err
    assert owner.run("namespace", "lift", "--revision", "9000000001").code == 2


def test_rewrap_of_all_skips_data_keys_the_policy_retires(
    owner: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    kid = owner.ok("data-key", "list").split("\t")[0]
    other = service.admin("owner").data_keys.add(namespace, KMS_KEY)
    (tmp_path / ".configsvc.toml").write_text(f'[policy."{namespace}"]\nretired_kids = ["{kid}"]\n')
    environ = {**owner.environ, "CONFIGSVC_TRUST": "project", "CONFIGSVC_KMS_KEYS": f"{KMS_KEY},{OTHER_KEY}"}
    done = Shell(environ, tmp_path).run("data-key", "rewrap", "--kms-key", OTHER_KEY)
    assert (done.code, "rotate" in done.err) == (0, True)
    listed = {each.kid: each.data_key.kms_key for each in service.admin().data_keys.list(namespace)}
    assert listed == {kid: KMS_KEY, other: OTHER_KEY}


def test_doctor_detects_a_retired_data_key_listed_as_live(
    owner: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    kid = owner.ok("data-key", "list").split("\t")[0]
    service.admin("owner").data_keys.add(namespace, KMS_KEY)
    (tmp_path / ".configsvc.toml").write_text(f'[policy."{namespace}"]\nretired_kids = ["{kid}"]\n')
    careful = Shell({**owner.environ, "CONFIGSVC_TRUST": "project"}, tmp_path)
    looked = careful.run("doctor")
    assert (looked.code != 0, f"as live: {kid}" in looked.out + looked.err) == (True, True)
    careful.ok("data-key", "rotate", "--fresh")
    assert "as live" not in careful.run("doctor").out
