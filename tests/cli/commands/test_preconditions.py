"""In a namespace that requires preconditions, every command sends one or says how to pass one."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

pytestmark = pytest.mark.slow  # many processes

# An editor during which someone else writes: it runs a put of theirs before it saves.
_OVERTAKEN = """
import pathlib, subprocess, sys
subprocess.run([sys.executable, "-m", "configsvc_client.cli", *sys.argv[1].split()], input=b"theirs", check=True)
pathlib.Path(sys.argv[2]).write_text("mine")
"""


@pytest.fixture
def strict(shell: Shell, service: Loopback, namespace: str) -> Shell:
    """Four keys: served, served in plain, deleted, only staged. From then on, every write needs a precondition."""
    admin = service.admin()
    admin.values.put(namespace, "served", "old")
    admin.values.put(namespace, "plain", "old", form="plain")
    admin.values.put(namespace, "deleted", "old")
    admin.values.delete(namespace, "deleted")
    shell.ok("put", "staged", "-", "--stage", given="old")
    service.admin("admin").namespaces.create(namespace, require_preconditions=True)
    return shell


def _values(service: Loopback, namespace: str) -> dict[str, str]:
    return {key: each.data.decode() for key, each in service.admin().values.get_all(namespace).items()}


def _revision(shell: Shell, key: str) -> str:
    return str(next(each["revision"] for each in json.loads(shell.ok("list", key, "-o", "json")) if each["key"] == key))


@pytest.mark.parametrize("options", [(), ("--atomic",)])
def test_an_import_stores_new_changed_deleted_and_staged_keys(
    strict: Shell, service: Loopback, namespace: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    wanted = dict.fromkeys(("served", "plain", "deleted", "staged", "never.there"), "new")
    path = tmp_path / "some.env"
    path.write_text("".join(f"{key}={value}\n" for key, value in wanted.items()))
    strict.ok("import", path, "--plain", "plain", *options)
    assert _values(service, namespace) == wanted
    assert "5 unchanged" in strict.run("import", path, "--plain", "plain", *options).err


def test_an_import_takes_as_few_requests_as_elsewhere(strict: Shell, service: Loopback, tmp_path: Path) -> None:
    path = tmp_path / "some.env"
    path.write_text("".join(f"key.{number}=value {number}\n" for number in range(100)))
    service.requests.clear()
    strict.ok("import", path)
    assert sum(not each.startswith("GET") for each in service.requests) == 3


def test_a_copy_stores_new_and_changed_keys(strict: Shell, service: Loopback, namespace: str) -> None:
    source = service.namespace(f"{namespace}.source")
    for key in ("served", "deleted", "never.there"):
        service.admin().values.put(source, key, "copied")
    strict.ok("copy", "-n", source, "--all", "--to", namespace, "--yes")
    assert _values(service, namespace) == {
        "served": "copied", "plain": "old", "deleted": "copied", "never.there": "copied",
    }  # fmt: skip


def test_edit_stages_a_late_draft_with_a_precondition(strict: Shell, tmp_path: Path) -> None:
    (tmp_path / "editor.py").write_text(_OVERTAKEN)
    put = f"put served - --if-match {_revision(strict, 'served')}"
    editing = strict.but(EDITOR=shlex.join([sys.executable, str(tmp_path / "editor.py"), put]))
    done = editing.on_terminal("edit", "served", typed={"edit, stage, quit): ": "stage"})
    assert done.code == 0, done
    assert (strict.ok("get", "served"), strict.ok("get", "served", "--version", "3")) == ("theirs", "mine")


def test_pointer_moves_send_a_precondition_of_their_own_or_the_callers(strict: Shell) -> None:
    strict.ok("put", "served", "-", "--if-match", _revision(strict, "served"), given="two")
    strict.ok("rollback", "served", "--to-version", "1")
    assert strict.ok("get", "served") == "old"
    strict.ok("activate", "served", "2", "--if-match", _revision(strict, "served"))
    strict.ok("rollback", "served")
    assert strict.ok("get", "served") == "old"
    strict.ok("delete", "served", "--yes", "--if-match", _revision(strict, "served"))


@pytest.mark.parametrize(
    "arguments", [("put", "served", "-"), ("activate", "served", "1"), ("delete", "served", "--yes")]
)
def test_write_without_required_precondition_is_told_how_to_pass_one(strict: Shell, arguments: tuple[str, ...]) -> None:
    refused = strict.run(*arguments, given="x")
    can_create = arguments[0] == "put"
    assert (refused.code, "--if-match" in refused.err, "--create-only" in refused.err) == (5, True, can_create)
    assert strict.ok("get", "served") == "old"
