"""Killed or interrupted halfway: nothing is half written, and a second run completes it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from configsvc.model import limits
from configsvc_client.admin import make_draft
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import COMMAND, Shell

VALUES = 500
_WRITES = 5
"""How many writes complete before the process is ended."""

_ENDS = [signal.SIGINT, signal.SIGKILL]
_CANARY = "canary-e81c"


# Just before the file gets its name (an audit event of CPython), the process gets the signal SIGNAL.
_AT_RENAME = """
import os, signal, sys
def at(event, arguments):
    if event == "os.rename":
        os.kill(os.getpid(), int(os.environ["SIGNAL"]))
sys.addaudithook(at)
"""


def _end_after(service: Loopback, writes: int, pid: int, with_: signal.Signals) -> None:
    """Sends the signal after so many writes, before the answer to the last one arrives."""
    service.failing.append(lambda: os.kill(pid, with_))
    service.failing.extend([_done] * (writes - 1))


def _done() -> None:
    """Does nothing to this write."""


def _run(shell: Shell, service: Loopback, with_: signal.Signals, *words: str, writes: int = _WRITES) -> str:
    process = shell.start(*words)
    _end_after(service, writes, process.pid, with_)
    try:
        _, err = process.communicate(timeout=100)
    finally:
        service.failing.clear()
    assert process.returncode == (130 if with_ == signal.SIGINT else -with_), err
    assert _CANARY not in err.decode()
    return err.decode()


@pytest.mark.parametrize("with_", _ENDS)
def test_s45_an_interrupted_import_leaves_whole_change_sets_and_can_continue(
    shell: Shell, service: Loopback, tmp_path: Path, with_: signal.Signals
) -> None:
    namespace, home = shell.environ["CONFIGSVC_NAMESPACES"], tmp_path / "home"
    home.mkdir()
    path = tmp_path / "many.env"
    path.write_text("".join(f"key.{number:03}={_CANARY} {number}\n" for number in range(VALUES)))
    told = _run(shell.but(HOME=str(home), TMPDIR=str(home)), service, with_, "import", str(path))
    stored = _WRITES * limits.OPERATIONS
    if with_ == signal.SIGINT:  # the last one was stored, but its answer had not arrived
        assert f"at least {stored - limits.OPERATIONS} of {VALUES} values are stored" in told
        assert "Run it again" in told
    admin = service.admin()
    assert len(admin.values.get_all(namespace)) == stored
    assert [len(each.keys) for each in admin.history.list_changes(namespace) if each.keys] == [
        limits.OPERATIONS
    ] * _WRITES
    assert not [each for each in home.rglob("*") if each.is_file()]
    again = shell.run("import", path)
    assert f"{VALUES - stored} new, {stored} unchanged" in again.err
    values = {str(key): each.data.decode() for key, each in admin.values.get_all(namespace).items()}
    assert values == {f"key.{number:03}": f"{_CANARY} {number}" for number in range(VALUES)}
    assert {each.latest for each in admin.values.list_keys(namespace)} == {1}


@pytest.mark.parametrize("with_", _ENDS)
def test_s48_an_interrupted_rotation_of_500_leaves_values_readable_and_can_continue(
    service: Loopback, namespace: str, with_: signal.Signals
) -> None:
    owner, shell = service.admin("owner"), Shell(service.environ("owner", namespace))
    drafts = [make_draft(f"key.{number:03}", f"{_CANARY} {number}") for number in range(VALUES)]
    assert not [part for part in owner.change_sets.store(namespace, drafts) if part.error]
    before = {key: each.data for key, each in owner.values.get_all(namespace).items()}
    told = _run(shell, service, with_, "data-key", "rotate")
    if with_ == signal.SIGINT:
        assert "Run the command again to continue." in told
    done = (_WRITES - 2) * limits.OPERATIONS  # the first two ask who writes and add the data key
    assert {key: each.data for key, each in owner.values.get_all(namespace).items()} == before
    assert Counter(each.latest for each in owner.values.list_keys(namespace)) == {1: VALUES - done, 2: done}
    again = shell.run("data-key", "rotate")
    assert (again.code, f"{VALUES - done} sealed again" in again.err) == (0, True)
    assert {key: each.data for key, each in service.admin("owner").values.get_all(namespace).items()} == before
    assert [each.state for each in owner.data_keys.list(namespace)] == ["live", "retired"]
    assert {each.latest for each in owner.values.list_keys(namespace)} == {2}


@pytest.mark.parametrize("with_", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_killed_export_leaves_nothing_in_the_clear(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path, with_: signal.Signals
) -> None:
    service.admin().values.put(namespace, "k", _CANARY)
    (tmp_path / "code").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "code" / "sitecustomize.py").write_text(_AT_RENAME)
    ending = shell.but(PYTHONPATH=str(tmp_path / "code"), SIGNAL=str(int(with_)), PYTHONDONTWRITEBYTECODE="1")
    done = ending.run("export", tmp_path / "out" / "left.json")
    assert (done.code, list((tmp_path / "out").iterdir())) == (128 + with_, [])


def test_s45_an_interrupted_copy_says_how_much_is_stored_and_can_continue(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    target, count = service.namespace(f"{namespace}.other"), 2 * limits.OPERATIONS + 1
    drafts = [make_draft(f"key.{number:03}", _CANARY) for number in range(count)]
    assert not [each for each in service.admin().change_sets.store(namespace, drafts) if each.error]
    told = _run(shell, service, signal.SIGINT, "copy", "--all", "--to", target, writes=2)
    assert f"{target}: interrupted; at least {limits.OPERATIONS} of {count} values are stored. Run it again" in told
    assert f"1 copied: 1 new, 0 replaced, {count - 1} unchanged" in shell.run("copy", "--all", "--to", target).err


def test_an_interrupt_before_the_first_line_ends_as_one_although_stderr_is_full(service: Loopback) -> None:
    """click ends the line on stderr before it reports the interrupt, and that fails."""
    with socket.create_server(("127.0.0.1", 0)) as silent, Path("/dev/full").open("w") as full:
        silent.settimeout(30)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environ = {**Shell(service.environ("owner", "some.namespace")).environ, "CONFIGSVC_URL": url}
        process = subprocess.Popen([*COMMAND, "watch"], env=environ, stderr=full)
        try:
            with silent.accept()[0]:
                process.send_signal(signal.SIGINT)
                assert process.wait(30) == 130
        finally:
            process.kill()
            process.wait()
