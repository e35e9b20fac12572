"""History, and the commands that move the active pointer: activate, rollback, delete, destroy."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.support.admin.loopback import Loopback, arn
from tests.support.cli.shell import Shell


@pytest.fixture
def versions(shell: Shell, service: Loopback, namespace: str) -> Shell:
    """One key with three versions, the second served; another key with one."""
    admin = service.admin()
    for number in ("one", "two"):
        admin.values.put(namespace, "a", number)
    shell.ok("put", "a", "-", "--stage", given="three")
    admin.values.put(namespace, "b", "x", form="plain")
    return shell


def _served(service: Loopback, namespace: str) -> dict[str, bytes]:
    return {key: each.data for key, each in service.admin().values.get_all(namespace).items()}


def test_history_lists_versions_newest_first_without_values(versions: Shell) -> None:
    lines = [line.split("\t") for line in versions.ok("history", "a").splitlines()]
    assert [(each[0], each[1], each[2], each[6]) for each in lines] == [
        ("3", "", "envelope", arn("writer")),
        ("2", "active", "envelope", arn("writer")),
        ("1", "", "envelope", arn("writer")),
    ]
    assert versions.run("history", "never").code == 3


def test_get_prints_any_version(versions: Shell) -> None:
    assert [versions.ok("get", "a", "--version", number) for number in ("1", "2", "3")] == ["one", "two", "three"]
    assert versions.run("get", "a", "--version", "9").code == 3


def test_get_json_has_all_fields_and_masks_on_a_terminal(versions: Shell, namespace: str) -> None:
    assert json.loads(versions.ok("get", "a", "--json")) == {
        "namespace": namespace,
        "key": "a",
        "version": 2,
        "form": "envelope",
        "content_type": "text/plain",
        "value": "two",
    }
    masked = json.loads(versions.on_terminal("get", "a", "--json").out)
    assert (masked["value"], masked["masked"]) == (None, True)
    versions.ok("put", "raw", "-", "--binary", given=b"\xff\x00")
    versions.ok("put", "limits", "-", "--json", given='{"a": [1]}')
    assert json.loads(versions.ok("get", "raw", "-o", "json"))["base64"] == "/wA="
    assert json.loads(versions.ok("get", "limits", "-o", "json"))["value"] == {"a": [1]}


def test_activate_serves_a_staged_version(versions: Shell) -> None:
    versions.ok("activate", "a", "3", "-m", "go")
    assert versions.ok("get", "a") == "three"
    assert versions.run("activate", "a", "9").code == 3
    assert versions.run("activate", "a", "1", "--if-match", "1").code == 5


def test_key_rollback_goes_to_previously_served_or_chosen_version(versions: Shell) -> None:
    versions.ok("rollback", "a")
    assert versions.ok("get", "a") == "one"
    assert versions.run("rollback", "a").code == 3
    versions.ok("rollback", "a", "--to-version", "2")
    assert versions.ok("get", "a") == "two"


def test_rollback_of_a_namespace_to_a_revision_brings_back_deletes_and_changes(
    versions: Shell, service: Loopback, namespace: str
) -> None:
    admin = service.admin()
    before, revision = _served(service, namespace), int(str(admin.namespaces.get(namespace)["revision"]))
    admin.values.put(namespace, "a", "four")
    admin.values.put(namespace, "new", "n")
    admin.values.delete(namespace, "b")
    shown = versions.run("rollback", "--to-revision", str(revision), "--dry-run")
    assert shown.out.splitlines() == ["a\t4\t2", "b\t\t1", "new\t1\t"]
    assert _served(service, namespace) != before
    assert versions.run("rollback", "--to-revision", str(revision)).code == 2  # nobody to ask
    assert _served(service, namespace) != before
    service.kms.calls.clear()
    versions.ok("rollback", "--to-revision", str(revision), "--yes")
    assert not service.kms.calls
    assert _served(service, namespace) == before
    again = versions.run("rollback", "--to-revision", str(revision), "--yes")
    assert (again.code, "already serves what it served" in again.err) == (0, True)


def test_rollback_of_a_namespace_asks_on_a_terminal(versions: Shell, service: Loopback, namespace: str) -> None:
    revision = str(service.admin().namespaces.get(namespace)["revision"])
    service.admin().values.put(namespace, "a", "four")
    asked = {"back to revision": "n"}
    refused = versions.on_terminal("rollback", "--to-revision", revision, typed=asked)
    assert (refused.code, "Nothing was changed" in refused.out) == (1, True)
    assert versions.ok("get", "a") == "four"
    versions.on_terminal("rollback", "--to-revision", revision, typed={"back to revision": "y"})
    assert versions.ok("get", "a") == "two"


def test_rollback_of_a_namespace_and_of_one_key_to_a_time(versions: Shell, service: Loopback, namespace: str) -> None:
    log = list(service.admin().history.list_changes(namespace))
    service.until_after(log[-1].at)
    now = datetime.now(UTC).isoformat()
    for key in ("a", "b"):
        service.admin().values.put(namespace, key, "later", form="envelope")
    versions.ok("rollback", "a", "--to-time", now, "--yes")
    assert _served(service, namespace) == {"a": b"two", "b": b"later"}
    refused = versions.run("rollback", "--to-time", now, "--yes")
    assert (refused.code, "Plain values would replace sealed ones: b" in refused.err) == (2, True)
    versions.ok("rollback", "--to-time", now, "--yes", "--declassify")
    assert _served(service, namespace) == {"a": b"two", "b": b"x"}
    assert versions.run("rollback", "--to-time", "2020-01-01", "--yes").code == 3
    assert versions.run("rollback", "--to-time", "yesterday").code == 2


def test_rollback_of_100_keys_takes_three_change_sets_without_kms(
    versions: Shell, service: Loopback, namespace: str
) -> None:
    admin = service.admin()
    revision = int(str(admin.namespaces.get(namespace)["revision"]))
    from configsvc_client.admin import make_draft

    list(admin.change_sets.store(namespace, [make_draft(f"k.{number}", "v", form="plain") for number in range(100)]))
    service.requests.clear()
    service.kms.calls.clear()
    versions.ok("rollback", "--to-revision", str(revision), "--yes")
    assert (sum(each.startswith("POST") for each in service.requests), service.kms.calls) == (3, [])
    assert set(_served(service, namespace)) == {"a", "b"}


def test_rollback_across_rotation_announces_what_it_seals_again_and_does_it(
    versions: Shell, service: Loopback, namespace: str
) -> None:
    before, revision = _served(service, namespace), str(service.admin().namespaces.get(namespace)["revision"])
    service.admin().values.put(namespace, "a", "four")
    service.admin("owner").data_keys.rotate(namespace)
    assert "retired" in versions.run("rollback", "a", "--to-version", "2").err
    shown = versions.run("rollback", "--to-revision", revision, "--dry-run")
    assert (shown.code, shown.out) == (0, "a\t5\t2\n")
    assert "Sealed again, because their data key was retired: a" in shown.err
    versions.ok("rollback", "--to-revision", revision, "--yes")
    assert _served(service, namespace) == before


def test_rollback_of_an_unknown_key_is_refused(versions: Shell) -> None:
    refused = versions.run("rollback", "typo", "--to-revision", "3")
    assert (refused.code, "no key typo" in refused.err) == (3, True)


def test_delete_asks_and_says_how_to_restore(versions: Shell) -> None:
    assert versions.run("delete", "a").code == 2
    done = versions.run("delete", "a", "--yes", "-m", "unused")
    assert (done.code, "configsvc activate" in done.err) == (0, True)
    assert versions.run("get", "a").code == 3
    versions.ok("activate", "a", "2")
    assert versions.ok("get", "a") == "two"
    versions.on_terminal("delete", "a", typed={"Delete a in": "y"})
    assert versions.run("get", "a").code == 3


def test_destroy_removes_a_value_for_good_but_never_the_served_one(
    versions: Shell, service: Loopback, namespace: str
) -> None:
    owner = Shell(service.environ("owner", namespace))
    assert owner.run("destroy", "a", "1").code == 2
    assert versions.run("destroy", "a", "1", "-y").code == 4
    owner.ok("destroy", "a", "1", "-y")
    assert versions.run("get", "a", "--version", "1").code == 3
    assert owner.run("destroy", "a", "2", "-y").code == 5
    assert "destroyed" in versions.ok("history", "a")


@pytest.mark.parametrize("arguments", [(), ("--to-revision", "2", "--to-time", "1h"), ("a", "--dry-run")])
def test_rollback_without_a_target_is_refused(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert shell.run("rollback", *arguments).code == 2


def test_key_rollback_across_rotation_names_the_working_command(
    versions: Shell, service: Loopback, namespace: str
) -> None:
    service.admin("owner").data_keys.rotate(namespace)
    refused = versions.run("rollback", "a", "--to-version", "1")
    assert (refused.code, "retired data key" in refused.err) == (5, True)
    named = next(line for line in refused.err.splitlines() if "--to-revision" in line)
    versions.ok("rollback", *named.partition("configsvc rollback ")[2].split(), "--yes")
    assert _served(service, namespace)["a"] == b"one"


def test_rollback_to_version_staged_before_rotation_says_how_to_get_it(
    versions: Shell, service: Loopback, namespace: str
) -> None:
    service.admin("owner").data_keys.rotate(namespace)
    refused = versions.run("rollback", "a", "--to-version", "3")
    assert (refused.code, f"get a -n {namespace} --version 3" in refused.err) == (5, True)
