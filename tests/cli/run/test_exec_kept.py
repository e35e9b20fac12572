"""exec that supervises its command: a mounted file, restarts and signals on a change."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from configsvc.model.names import Key
from configsvc_client.admin import Draft, make_draft
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

CANARY = "canary-b81f20"
_WAIT = "import os, signal, sys, time\n"
_SHOW = _WAIT + "print(os.environ.get('K', ''), flush=True)\nsignal.pause()"
_SHOW_FILE = _WAIT + (
    "import json\nshow = lambda *_: print(json.load(open(sys.argv[1]))['k'], flush=True)\n"
    "signal.signal(signal.SIGHUP, show); show()\nwhile True: signal.pause()"
)


def _line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().rstrip("\n")


def _until(condition: Callable[[], bool]) -> None:
    bound = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < bound
        time.sleep(0.02)


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def put(service: Loopback, namespace: str) -> Callable[[str], None]:
    return lambda value: service.admin().values.put(namespace, "k", value) and None


def test_only_and_prefix_choose_keys_and_open_nothing_else(shell: Shell, service: Loopback, namespace: str) -> None:
    admin = service.admin()
    for key in ("db.url", "db.user", "log"):
        admin.values.put(namespace, key, key, form="plain" if key == "log" else "envelope")
    service.kms.calls.clear()
    show = ("--", sys.executable, "-c", "import os; print(sorted({'DB_URL', 'DB_USER', 'LOG'} & set(os.environ)))")
    assert shell.ok("exec", "--only", "log", *show).strip() == "['LOG']"
    assert not service.kms.calls
    assert shell.ok("exec", "--prefix", "db.", *show).strip() == "['DB_URL', 'DB_USER']"
    assert shell.ok("exec", "--prefix", "db.", "--only", "*r", *show).strip() == "['DB_USER']"
    assert shell.run("exec", "--only", "dbb.*", *show).code == 3


def test_a_shell_reads_mounted_shell_code_and_dotenv_without_running_code(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    text = f"x'; touch F # {CANARY}"
    service.admin().values.put(namespace, "db.url", text)
    service.admin().values.put(namespace, "K", text)
    for name in ("values.sh", "values.env"):
        script = f'. ./{name}; printf "%s|%s" "$K" "$DB_URL"'
        done = Shell(shell.environ, tmp_path).run("exec", "--mount", tmp_path / name, "--", "sh", "-c", script)
        assert done.out == (f"{text}|{text}" if name == "values.sh" else f"{text}|")
        assert list(tmp_path.iterdir()) == []


def test_mounted_shell_code_uses_variable_names_and_dotenv_refuses_unholdable_values(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    admin = service.admin()
    admin.values.put(namespace, "ld.preload", CANARY)
    done = shell.run("exec", "--mount", tmp_path / "x.sh", "--", "echo", "started")
    assert (done.code, done.out) == (1, "")
    assert "ld.preload would set LD_PRELOAD" in done.err
    admin.values.put(namespace, "a", f"'{CANARY}\"")
    admin.values.put(namespace, "b", f"{CANARY}\r")
    done = shell.run("exec", "--mount", tmp_path / "x.env", "--", "echo", "started")
    assert (done.code, done.out, CANARY in done.err) == (1, "", False)
    assert "dotenv cannot hold a, b. Select keys with --only, or name a file of another format." in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_mounted_file_is_private_and_removed_with_the_command(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    service.admin().values.put(namespace, "k", CANARY)
    service.admin().values.put(namespace, "limits", {"a": 1}, form="plain")
    file = tmp_path / "values.json"
    program = (
        "import json, os, sys; found = os.stat(sys.argv[1]);"
        "print(json.dumps([json.load(open(sys.argv[1])), found.st_mode, 'K' in os.environ])); sys.exit(7)"
    )
    done = shell.run("exec", "--mount", file, "--", sys.executable, "-c", program, str(file))
    values, mode, in_environment = json.loads(done.out)
    assert (done.code, values, in_environment) == (7, {"k": CANARY, "limits": {"a": 1}}, False)
    assert stat.S_IMODE(mode) == 0o600
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_never_written_over(shell: Shell, put: Callable[[str], None], tmp_path: Path) -> None:
    put("v")
    file = tmp_path / "mine"
    file.write_text("mine")
    done = shell.run("exec", "--mount", file, "--", "echo", "started")
    assert (done.code, done.out, file.read_text()) == (5, "", "mine")
    missing = shell.run("exec", "--mount", tmp_path / "no" / "file", "--", "echo", "started")
    assert (missing.code, missing.out) == (2, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_is_passed_on_and_the_file_still_goes(
    shell: Shell, put: Callable[[str], None], tmp_path: Path, number: signal.Signals
) -> None:
    put("v")
    program = _WAIT + f"signal.signal({int(number)}, lambda *_: sys.exit(42)); print('up', flush=True); signal.pause()"
    process = shell.start("exec", "--mount", str(tmp_path / "f"), "--", sys.executable, "-c", program)
    with process:
        assert _line(process) == "up"
        process.send_signal(number)
        assert process.wait(30) == 42
    assert not list(tmp_path.iterdir())


def test_a_signal_that_ends_the_command_gives_a_shell_s_exit_code(
    shell: Shell, put: Callable[[str], None], tmp_path: Path
) -> None:
    put("v")
    assert shell.run("exec", "--mount", tmp_path / "f", "--", "sh", "-c", "kill -9 $$").code == 137
    assert shell.run("exec", "--mount", tmp_path / "f", "--", "no-such-command-here").code == 127
    assert shell.run("exec", "--mount", tmp_path / "f", "--", "/dev/null").code == 126
    assert not list(tmp_path.iterdir())


def test_watch_restarts_the_command_on_a_change_and_exits_as_it_does(shell: Shell, put: Callable[[str], None]) -> None:
    put("one")
    process = shell.start("exec", "--watch", "--every", "0.1", "--", sys.executable, "-c", _SHOW)
    with process:
        assert _line(process) == "one"
        put("two")
        assert _line(process) == "two"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM


def test_watch_leaves_the_command_alone_when_what_it_has_did_not_change(
    shell: Shell, service: Loopback, namespace: str, put: Callable[[str], None]
) -> None:
    put("one")
    process = shell.start("exec", "--watch", "--every", "0.1", "--only", "k", "--", sys.executable, "-c", _SHOW)
    with process:
        assert _line(process) == "one"
        service.admin().values.put(namespace, "other", "x")
        service.requests.clear()
        _until(lambda: len(service.requests) > 3)
        put("two")
        assert _line(process) == "two"
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_a_command_that_does_not_end_in_time_is_killed_and_restarted(shell: Shell, put: Callable[[str], None]) -> None:
    put("one")
    stubborn = _WAIT + (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid(), os.environ['K'], flush=True)\n"
        "while True: signal.pause()"
    )
    process = shell.start("exec", "--watch", "--every", "0.1", "--grace", "0.2", "--", sys.executable, "-c", stubborn)
    with process:
        pid, value = _line(process).split()
        assert value == "one"
        put("two")
        again, value = _line(process).split()
        assert (value, _gone(int(pid))) == ("two", True)
        os.kill(int(again), signal.SIGKILL)
        assert process.wait(30) == 137


def test_a_signal_announces_a_new_mounted_file(shell: Shell, put: Callable[[str], None], tmp_path: Path) -> None:
    put("one")
    file = tmp_path / "values.json"
    options = ("--watch", "--every", "0.1", "--mount", str(file), "--signal", "HUP")
    process = shell.start("exec", *options, "--", sys.executable, "-c", _SHOW_FILE, str(file))
    with process:
        assert _line(process) == "one"
        put("two")
        assert _line(process) == "two"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert not list(tmp_path.iterdir())
    assert shell.run("exec", "--watch", "--signal", "HUP", "--", "echo").code == 2


def test_watch_keeps_its_values_while_kms_refuses_and_loses_no_change(
    shell: Shell, service: Loopback, put: Callable[[str], None], namespace: str
) -> None:
    put("one")
    process = shell.start("exec", "--watch", "--every", "0.1", "--", sys.executable, "-c", _SHOW)
    with process:
        assert _line(process) == "one"
        service.kms.refused.add("Decrypt")
        try:
            service.admin().values.put(namespace, "k", CANARY, form="kms")
            assert process.stderr is not None
            told = process.stderr.readline().decode()
        finally:
            service.kms.refused.clear()
        assert ("keeps its current values" in told, CANARY in told, process.poll()) == (True, False, None)
        assert _line(process) == CANARY
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_a_file_that_cannot_be_replaced_is_retried_without_a_restart(
    shell: Shell, put: Callable[[str], None], tmp_path: Path
) -> None:
    put("one")
    folder = tmp_path / "folder"
    folder.mkdir()
    options = ("--watch", "--every", "0.1", "--mount", str(folder / "f.json"), "--signal", "HUP")
    process = shell.start("exec", *options, "--", sys.executable, "-c", _SHOW_FILE, str(folder / "f.json"))
    with process:
        assert _line(process) == "one"
        shutil.rmtree(folder)
        put("two")
        assert process.stderr is not None
        told = process.stderr.readline().decode()
        assert ("cannot be written" in told, "keeps its current values" in told, process.poll()) == (True, True, None)
        folder.mkdir()
        assert _line(process) == "two"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    assert not list(folder.iterdir())


def test_a_change_that_the_mounted_file_cannot_hold_names_its_keys(
    shell: Shell, service: Loopback, put: Callable[[str], None], namespace: str, tmp_path: Path
) -> None:
    put("one")
    file = tmp_path / "f.sh"
    process = shell.start(
        "exec", "--watch", "--every", "0.1", "--mount", str(file), "--", "sh", "-c", f"cat {file}; sleep 60"
    )
    with process:
        assert _line(process) == "export K='one'"
        service.admin().change_sets.apply(namespace, [make_draft("a.b", CANARY), make_draft("a-b", CANARY)])
        assert process.stderr is not None
        told = process.stderr.readline() + process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert ("keeps its current values" in told.decode(), CANARY in told.decode()) == (True, False)
    assert "a-b and a.b would both be A_B" in told.decode()
    assert not file.exists()


def test_the_values_are_in_no_command_line(shell: Shell, put: Callable[[str], None], tmp_path: Path) -> None:
    put(CANARY)
    process = shell.start("exec", "--mount", str(tmp_path / "f"), "--", sys.executable, "-c", "input()")
    with process:
        _until((tmp_path / "f").exists)
        assert CANARY.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.communicate(b"\n", timeout=30)


def test_another_layout_is_no_change_and_another_type_is_one(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    admin, file = service.admin(), tmp_path / "values.json"
    admin.values.put_draft(namespace, Draft(Key("k"), b'{"a": 1}', "application/json"))
    options = ("--watch", "--every", "0.05", "--signal", "HUP", "--mount", str(file))
    process = shell.start("exec", *options, "--", sys.executable, "-c", _SHOW_FILE, str(file))
    try:
        assert _line(process) == "{'a': 1}"
        admin.values.put_draft(namespace, Draft(Key("k"), b'{ "a":1 }', "application/json"))
        service.requests.clear()
        _until(lambda: sum("snapshot" in each for each in list(service.requests)) > 2)  # it has polled
        admin.values.put_draft(namespace, Draft(Key("k"), b'{ "a":1 }', "text/plain"))
        assert _line(process) == '{ "a":1 }'
    finally:
        process.terminate()
        process.communicate(timeout=20)
