"""All commands agree on whether two values are the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path

import pytest

from configsvc.model import names
from configsvc.model.snapshot import ContentType, Entry
from configsvc_client.admin import Draft, Opened
from configsvc_client.cli.commands.diff import FileSide, SideItem, compare_sides
from configsvc_client.cli.commands.edit import _Base
from configsvc_client.cli.values.planning import make_plan
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

JSON: ContentType = "application/json"
A = names.parse_key("a")
SAME = [
    (b'{"a": 1, "b": [2.50, "\\u00e9"]}', '{"b":[2.50,"é"],"a":1}\n'.encode()),
    (b"[ 1.10 ]", b"[1.10]"),
    (b"12345678901234567890123.5", b" 12345678901234567890123.5"),
]
OTHER = [
    *combinations((b"true", b"1", b"1.0", b"1.00", b'"1"', b"[1]", b"[true]"), 2),
    *combinations((b"false", b"0", b"0.0", b"null", b'""', b"[]", b"{}"), 2),
    (b"1.1", b"1.10"),
    (b"9007199254740993.0", b"9007199254740992.0"),
    (b"1e400", b"1e401"),
    (b'{"x": [{"y": true}]}', b'{"x": [{"y": 1}]}'),
]


class _Served:
    """A side with one key."""

    name = "x"

    def __init__(self, data: bytes, content_type: ContentType | None = JSON, form: str | None = "plain") -> None:
        self._data = data
        self._item = SideItem(content_type, 1, form)

    def items(self) -> Mapping[str, SideItem]:
        return {"a": self._item}

    def data(self, keys: Iterable[str]) -> Mapping[str, bytes | None]:
        return dict.fromkeys(keys, self._data)


def _step(given: bytes, served: bytes) -> str:
    opened = Opened(A, 1, "envelope", JSON, served)
    return make_plan([Draft(A, given, JSON)], [Entry(A, 1, "envelope", JSON, "sealed")], {A: opened})[0].step


@pytest.mark.parametrize(("one", "other"), SAME)
def test_diff_import_and_copy_ignore_layout(one: bytes, other: bytes) -> None:
    assert compare_sides(_Served(one), _Served(other), values=False) == []
    assert _step(one, other) == "unchanged"


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_diff_import_and_copy_treat_another_type_or_spelling_as_a_change(one: bytes, other: bytes) -> None:
    for left, right in ((one, other), (other, one)):
        assert [each.change for each in compare_sides(_Served(left), _Served(right), values=False)] == ["changed"]
        assert _step(left, right) == "changed"


def test_text_and_json_of_one_spelling_are_not_the_same() -> None:
    assert [each.change for each in compare_sides(_Served(b"1"), _Served(b"1", "text/plain"), values=False)] == [
        "changed"
    ]
    text = Opened(A, 1, "envelope", "text/plain", b"1")
    entry = Entry(A, 1, "envelope", "text/plain", "sealed")
    assert make_plan([Draft(A, b"1", JSON)], [entry], {A: text})[0].step == "changed"


def test_only_files_without_types_may_mark_text_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("a='{ \"x\": true }'\n")
    (tmp_path / "a.json").write_text('{"a": "1"}')
    assert compare_sides(_Served(b'{"x":true}'), FileSide(tmp_path / "a.env"), values=False) == []
    assert [each.change for each in compare_sides(_Served(b'{"x":1}'), FileSide(tmp_path / "a.env"), values=False)] == [
        "changed"
    ]
    assert [each.change for each in compare_sides(_Served(b"1"), FileSide(tmp_path / "a.json"), values=False)] == [
        "changed"
    ]
    assert compare_sides(_Served(b"1", "text/plain"), FileSide(tmp_path / "a.json"), values=False) == []


def test_diff_says_that_the_content_type_differs(shell: Shell, service: Loopback, namespace: str) -> None:
    other, admin = service.namespace(f"{namespace}.other"), service.admin()
    admin.values.put(namespace, "k", "1")
    admin.values.put(other, "k", 1)
    done = shell.run("diff", "-n", namespace, "-n", other, "--exit-code")
    assert done.code == 7
    assert done.out.rstrip("\n").split("\t") == [
        "k", "changed", "version 1, envelope, text/plain", "version 1, envelope, application/json",
    ]  # fmt: skip
    shown = shell.run("diff", "-n", namespace, "-n", other, "--reveal")
    assert (shown.out, "k: the content type differs: text/plain → application/json" in shown.err) == (
        "k\tchanged\t1\t1\n", True,
    )  # fmt: skip


def test_put_leaves_a_value_in_another_layout_and_stores_another_spelling(shell: Shell) -> None:
    shell.ok("put", "k", "-", "--json", given='{"a": 1.1, "b": true}')
    assert "unchanged" in shell.run("put", "k", "-", "--json", given='{"b":true,  "a":1.1}').err
    assert "version 2" in shell.run("put", "k", "-", "--json", given='{"a": 1.10, "b": true}').err
    assert "version 3" in shell.run("put", "k", "-", "--json", given='{"a": 1.10, "b": 1}').err


def test_an_import_that_is_repeated_without_its_options_changes_nothing(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    file = tmp_path / "all.json"
    file.write_text('{"flag": true, "limit": 1.10, "tree": {"b": [1], "a": null}, "word": "x"}')
    shell.ok("import", file, "--plain", "word", "--kms", "flag", "--plain", "limit")
    file.write_text('{"word": "x", "tree": {"a": null, "b": [ 1 ]}, "limit": 1.10, "flag": true}')
    before = service.admin().namespaces.get(namespace)["revision"]
    assert f"{namespace}: 4 unchanged" in shell.run("import", file).err
    assert service.admin().namespaces.get(namespace)["revision"] == before
    file.write_text('{"limit": 1}')
    assert "1 changed" in shell.run("import", file, "--plain", "limit").err


def test_a_copy_of_equal_values_in_other_forms_changes_nothing(shell: Shell, service: Loopback, namespace: str) -> None:
    other, admin = service.namespace(f"{namespace}.other"), service.admin()
    for key, here, there in (("a", "envelope", "plain"), ("b", "plain", "envelope"), ("c", "envelope", "kms")):
        admin.values.put(namespace, key, {"x": [1], "y": 2}, form=here)  # type: ignore[arg-type]  # forms by name
        admin.values.put(other, key, '{"y":2,"x":[ 1 ]}', form=there, content_type=JSON)  # type: ignore[arg-type]
    before = admin.namespaces.get(other)["revision"]
    assert shell.run("copy", "--all", "--to", other).code == 0
    assert admin.namespaces.get(other)["revision"] == before


def test_a_rollback_to_the_same_plain_value_has_nothing_to_do(shell: Shell, service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "k", {"a": 1, "b": 2}, form="plain")
    revision = str(admin.namespaces.get(namespace)["revision"])
    admin.values.put(namespace, "k", '{"b":2, "a":1}', form="plain", content_type=JSON)
    assert "already serves what it served" in shell.run("rollback", "--to-revision", revision).err
    admin.values.put(namespace, "k", '{"b":2, "a":true}', form="plain", content_type=JSON)
    assert shell.run("rollback", "--to-revision", revision, "--dry-run").out == "k\t3\t1\n"


EDITED: list[tuple[bytes, ContentType]] = [
    (b"one line", "text/plain"),
    (b"one line\n", "text/plain"),
    (b"a\nb", "text/plain"),
    (b"a\r\nb", "text/plain"),
    (b"a\r\nb\r\n", "text/plain"),
    (b"a\r\nb\nc", "text/plain"),
    (b"ends in a return\r", "text/plain"),
    (b"a\r\nb\r", "text/plain"),
    ("é\t€".encode(), "text/plain"),
    (b'{"b":1.10,"a":[true,12345678901234567890.5]}', JSON),
    (b'{ "b": 1 }\n', JSON),
    (b'"text"', JSON),
]


@pytest.mark.parametrize("editor", ["vim", "ed"])
def test_what_a_real_editor_only_saves_is_the_value_that_was_there(tmp_path: Path, editor: str) -> None:
    if not shutil.which(editor):
        pytest.skip(f"{editor} is not installed")
    bases = [_Base(Opened(A, 1, "envelope", kind, value), 1) for value, kind in EDITED]
    files = [tmp_path / str(number) for number in range(len(bases))]
    for base, file in zip(bases, files, strict=True):
        file.write_bytes(base.content)
    if editor == "vim":
        _ran(["vim", "-u", "NONE", "-es", "-c", "bufdo w!", "-c", "qa!", *map(str, files)])
    for file in files if editor == "ed" else ():
        _ran(["ed", "-s", str(file)], b"w\nq\n")
    assert any(file.read_bytes() != base.content for base, file in zip(bases, files, strict=True))  # it did write
    assert [base.is_unchanged_by(file.read_bytes()) for base, file in zip(bases, files, strict=True)] == [True] * len(
        bases
    )


def _ran(command: list[str], given: bytes = b"") -> None:
    subprocess.run(command, input=given, check=True, env={**os.environ, "TERM": "dumb"}, capture_output=True)


@pytest.mark.parametrize("saved", [b"a\n\n", b"a ", b"A\n", b"a\r\n"])
def test_what_was_changed_in_an_editor_is_stored(saved: bytes) -> None:
    base = _Base(Opened(A, 1, "envelope", "text/plain", b"a"), 1)
    assert not base.is_unchanged_by(saved)
    assert base.parse_saved(saved) == saved.removesuffix(b"\n")


@pytest.mark.skipif(not shutil.which("ed"), reason="ed is not installed")
def test_edit_stores_nothing_when_an_editor_only_saves(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put_draft(namespace, Draft(A, b'{"b":1.10,"a":true}', JSON))
    done = shell.but(EDITOR='sh -c \'printf "w\\nq\\n" | ed -s "$0"\'').run("edit", "a")
    assert (done.code, "nothing changed" in done.err) == (0, True), done
