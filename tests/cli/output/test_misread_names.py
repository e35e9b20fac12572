"""`configsvc export` with a FILE that was meant to select values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from configsvc_client.admin import make_draft
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell


@pytest.fixture
def folder(shell: Shell, service: Loopback, namespace: str, tmp_path: Path) -> Path:
    service.admin().change_sets.apply(namespace, [make_draft("db.url", "secret"), make_draft("token", "secret")])
    shell.folder = tmp_path
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "advised"),
    [("db.*", "--only 'db.*'"), ("token", "--only token"), ("db", "--only 'db.*'"), ("db.", "--only 'db.*'")],
)
def test_key_pattern_as_export_file_writes_nothing(shell: Shell, folder: Path, typed: str, advised: str) -> None:
    done = shell.run("export", typed)
    assert (done.code, advised in done.err, "secret" in done.err) == (2, True, False)
    assert list(folder.iterdir()) == []


def test_namespace_as_export_file_writes_nothing(shell: Shell, folder: Path, namespace: str) -> None:
    done = shell.run("export", namespace)
    assert (done.code, f"-n {namespace}" in done.err, list(folder.iterdir())) == (2, True, [])


def test_file_named_like_a_key_is_accepted_with_a_folder(shell: Shell, folder: Path) -> None:
    shell.ok("export", "./db")
    shell.ok("export", folder / "token")
    shell.ok("export", "all.env")
    assert sorted(path.name for path in folder.iterdir()) == ["all.env", "db", "token"]


def test_export_output_json_needs_a_format(shell: Shell, folder: Path) -> None:
    done = shell.run("export", "-o", "json")
    assert (done.code, done.out, "--format json" in done.err) == (2, "", True)
    assert json.loads(shell.ok("export", "-o", "json", "--format", "json"))["token"] == "secret"
    shell.ok("export", "-o", "json", "all.json")
    assert json.loads((folder / "all.json").read_text())["token"] == "secret"
    assert shell.but(CONFIGSVC_OUTPUT="json").ok("export", "--only", "token") == "token=secret\n"
