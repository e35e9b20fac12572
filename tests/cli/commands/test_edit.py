"""edit, with programs as editors: they note what they see and write prepared texts."""

from __future__ import annotations

import json
import shlex
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from configsvc_client.cli.private_folder import MEMORY
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Done, Shell

CANARY = "canary-e91a77"

# Notes its files with their modes and contents; writes the next text of `texts`; waits for `go` if asked.
_EDITOR = """
import json, os, pathlib, sys, time
notes = pathlib.Path(sys.argv[1])
files = [pathlib.Path(each) for each in sys.argv[2:]]
(files[0].parent / ".value.swp").write_bytes(files[0].read_bytes())
mode = lambda path: oct(path.stat().st_mode & 0o777)
seen = [[str(each), mode(each), mode(each.parent), each.read_text()] for each in files]
with (notes / "seen").open("a") as file:
    file.write(json.dumps(seen) + chr(10))
if (notes / "wait").exists():
    (notes / "waiting").touch()
    bound = time.monotonic() + 30
    while not (notes / "go").exists() and time.monotonic() < bound:
        time.sleep(0.02)
texts = json.loads((notes / "texts").read_text())
if texts:
    files[0].write_text(texts.pop(0))
    (notes / "texts").write_text(json.dumps(texts))
sys.exit(int((notes / "code").read_text()) if (notes / "code").exists() else 0)
"""


class Editor:
    """The instructions of the editor, and what it saw."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "editor.py").write_text(_EDITOR)
        self.command = shlex.join([sys.executable, str(folder / "editor.py"), str(folder)])
        self.will_write()

    def will_write(self, *texts: str) -> None:
        (self.folder / "texts").write_text(json.dumps(texts))

    @property
    def seen(self) -> list[list[list[str]]]:
        path = self.folder / "seen"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def write_as_someone_else(self) -> None:
        """Waits until the editor runs."""
        bound = time.monotonic() + 30
        while not (self.folder / "waiting").exists():
            assert time.monotonic() < bound
            time.sleep(0.02)


@pytest.fixture
def editor(tmp_path: Path) -> Editor:
    return Editor(tmp_path)


@pytest.fixture
def editing(shell: Shell, editor: Editor) -> Shell:
    return shell.but(EDITOR=editor.command)


@pytest.fixture(autouse=True)
def _nothing_left(editor: Editor) -> object:
    yield
    for call in editor.seen:
        for path, *_ in call:
            assert not Path(path).parent.exists()


def _put(service: Loopback, namespace: str) -> Callable[[str], None]:
    return lambda value: service.admin().values.put(namespace, "k", value) and None


def test_edit_uses_a_private_file_in_memory_and_seals_on_save(
    editing: Shell, editor: Editor, service: Loopback, namespace: str
) -> None:
    service.admin().values.put(namespace, "k", CANARY)
    editor.will_write("new value\n")
    done = editing.run("edit", "k", "-m", "why")
    assert (done.code, editing.ok("get", "k")) == (0, "new value")
    ((path, file_mode, folder_mode, content),) = editor.seen[0]
    assert (file_mode, folder_mode, content) == ("0o600", "0o700", CANARY)
    assert Path(path).is_relative_to(MEMORY)
    assert service.admin().values.get_entry(namespace, "k").form == "envelope"
    assert CANARY not in done.out + done.err


def test_edit_indents_json_and_requires_valid_json(
    editing: Shell, editor: Editor, service: Loopback, namespace: str
) -> None:
    service.admin().values.put(namespace, "k", {"b": 1, "a": ["é"]}, form="plain")
    editor.will_write('{"b": 2}\n')
    editing.ok("edit", "k", "--plain")
    ((path, _, _, content),) = editor.seen[0]
    assert (path.endswith(".json"), content) == (True, '{\n  "b": 1,\n  "a": [\n    "é"\n  ]\n}\n')
    assert editing.ok("get", "k") == '{"b": 2}'
    editor.will_write(f"{{{CANARY}\n")
    refused = editing.run("edit", "k", "--plain")
    assert (refused.code, "not JSON" in refused.err, CANARY in refused.err) == (1, True, False)
    assert editing.ok("get", "k") == '{"b": 2}'


def test_nothing_is_stored_when_nothing_changed_or_the_editor_fails(
    editing: Shell, editor: Editor, service: Loopback, namespace: str
) -> None:
    service.admin().values.put(namespace, "k", "as it was\n")
    service.requests.clear()
    done = editing.run("edit", "k")
    assert (done.code, "nothing stored" in done.err) == (0, True)
    editor.will_write("other")
    (editor.folder / "code").write_text("3")
    failed = editing.run("edit", "k")
    assert (failed.code, "failed with exit code 3" in failed.err) == (2, True)
    assert editing.but(EDITOR="no-such-editor").run("edit", "k").code == 2
    assert not [each for each in service.requests if not each.startswith("GET")]


def test_edit_creates_a_missing_key(editing: Shell, editor: Editor) -> None:
    editor.will_write("line 1\nline 2\n")
    done = editing.run("edit", "new.key")
    assert (done.code, "first value" in done.err) == (0, True)
    assert editing.ok("get", "new.key") == "line 1\nline 2"


def test_bytes_are_not_edited(editing: Shell, editor: Editor, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "k", b"\xff")
    assert editing.run("edit", "k").code == 1
    assert not editor.seen


def test_edit_shows_a_concurrent_write_and_never_overwrites_it(
    editing: Shell, editor: Editor, service: Loopback, namespace: str
) -> None:
    put = _put(service, namespace)
    put("one")
    editor.will_write("mine")
    (editor.folder / "wait").touch()
    with editing.start("edit", "k") as process:
        editor.write_as_someone_else()
        put("theirs")
        (editor.folder / "go").touch()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 5
    assert b"version 2 by arn:aws:iam" in err
    assert b"draft was discarded" in err
    assert editing.ok("get", "k") == "theirs"


def _faster(editor: Editor, put: Callable[[str], None], value: str) -> Callable[[], None]:
    """The write by someone else while the editor runs for the first time."""

    def act() -> None:
        editor.write_as_someone_else()
        put(value)
        (editor.folder / "wait").unlink()
        (editor.folder / "go").touch()

    return act


def _overtaken(editing: Shell, editor: Editor, put: Callable[[str], None], answer: str) -> Done:
    """Edits on a terminal while someone else writes first, and answers what to do with the draft."""
    put("one")
    editor.will_write("mine", "both")
    (editor.folder / "wait").touch()
    other = Thread(target=_faster(editor, put, "theirs"))
    other.start()
    try:
        return editing.on_terminal("edit", "k", typed={"edit, stage, quit): ": answer})
    finally:
        other.join()


def test_late_draft_can_be_edited_again_next_to_the_other_value(
    editing: Shell, editor: Editor, service: Loopback, namespace: str
) -> None:
    assert _overtaken(editing, editor, _put(service, namespace), "edit").code == 0
    assert [each[3] for each in editor.seen[1]] == ["mine", "theirs"]
    assert editing.ok("get", "k") == "both"


def test_late_draft_can_be_staged_without_serving(
    editing: Shell, editor: Editor, service: Loopback, namespace: str
) -> None:
    assert _overtaken(editing, editor, _put(service, namespace), "stage").code == 0
    assert (editing.ok("get", "k"), editing.ok("get", "k", "--version", "3")) == ("theirs", "mine")


def test_late_draft_can_be_discarded(editing: Shell, editor: Editor, service: Loopback, namespace: str) -> None:
    assert _overtaken(editing, editor, _put(service, namespace), "quit").code == 5
    assert [each.version for each in service.admin().history.list_versions(namespace, "k")] == [2, 1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_edit_wipes_its_file_when_it_is_killed(
    editing: Shell, editor: Editor, service: Loopback, namespace: str, number: signal.Signals
) -> None:
    _put(service, namespace)(CANARY)
    (editor.folder / "wait").touch()
    with editing.start("edit", "k") as process:
        editor.write_as_someone_else()
        path = Path(editor.seen[0][0][0])
        assert path.exists()
        process.send_signal(number)
        assert process.wait(30) == 128 + number
    assert not path.parent.exists()


def test_ctrl_c_reaches_the_editor_not_edit(editing: Shell, editor: Editor, service: Loopback, namespace: str) -> None:
    _put(service, namespace)("one")
    (editor.folder / "wait").touch()
    editor.will_write("two")
    with editing.start("edit", "k") as process:
        editor.write_as_someone_else()
        process.send_signal(signal.SIGINT)
        (editor.folder / "go").touch()
        assert process.wait(30) == 0
    assert editing.ok("get", "k") == "two"


def test_the_value_is_in_no_command_line_and_in_no_file_elsewhere(
    editing: Shell, editor: Editor, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    _put(service, namespace)(CANARY)
    (tmp_path / "tmp").mkdir()
    (editor.folder / "wait").touch()
    with editing.but(TMPDIR=str(tmp_path / "tmp")).start("edit", "k") as process:
        editor.write_as_someone_else()
        assert CANARY.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert not list((tmp_path / "tmp").iterdir())
        (editor.folder / "go").touch()
        assert process.wait(30) == 0
