from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

_PRINT = "import os, sys; sys.stdout.write(repr([os.environ.get(name) for name in sys.argv[1:]]))"


def test_the_values_are_in_the_environment_of_the_command(shell: Shell, service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "db.url", "postgres://é\n'\"")
    admin.values.put(namespace, "log-level", "info", form="plain")
    admin.values.put(namespace, "limits", {"a": 1}, form="plain")
    service.kms.calls.clear()
    service.requests.clear()
    out = shell.ok("exec", "--", sys.executable, "-c", _PRINT, "DB_URL", "LOG_LEVEL", "LIMITS", "PATH")
    assert out == repr(["postgres://é\n'\"", "info", '{"a":1}', os.environ["PATH"]])
    assert (len(service.requests), len(service.kms.calls)) == (1, 1)


def test_the_first_namespace_that_holds_a_key_wins(shell: Shell, service: Loopback, namespace: str) -> None:
    other = service.namespace(f"{namespace}.other")
    admin = service.admin()
    admin.values.put(namespace, "a", "first")
    admin.values.put(other, "a", "second")
    admin.values.put(other, "b", "second")
    out = shell.ok("exec", "-n", namespace, "-n", other, "--", sys.executable, "-c", _PRINT, "A", "B")
    assert out == repr(["first", "second"])


@pytest.mark.parametrize("code", [0, 3, 77])
def test_the_exit_code_is_the_command_s(shell: Shell, code: int) -> None:
    assert shell.run("exec", "--", "sh", "-c", f"exit {code}").code == code


@pytest.mark.parametrize(("command", "code"), [("no-such-command-here", 127), ("/dev/null", 126)])
def test_a_command_that_cannot_be_started_ends_as_in_a_shell(shell: Shell, command: str, code: int) -> None:
    done = shell.run("exec", "--", command)
    assert (done.code, command in done.err) == (code, True)


def test_a_signal_reaches_the_command(shell: Shell) -> None:
    ready = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(42)); print('up', flush=True)"
    process = shell.start("exec", "--", sys.executable, "-c", f"{ready}; signal.pause()")
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 42


def test_the_command_starts_with_the_signals_of_a_shell(shell: Shell) -> None:
    ignored = shell.ok("exec", "--", "grep", "SigIgn", "/proc/self/status").split()[1]
    assert not int(ignored, 16) & (1 << (signal.SIGPIPE - 1))


def test_stdin_and_options_are_the_command_s(shell: Shell) -> None:
    assert shell.ok("exec", "--", "cat", "-", given="through") == "through"
    assert shell.ok("exec", "sh", "-c", 'printf %s "$1"', "sh", "--help") == "--help"


def test_two_keys_of_one_variable_start_nothing(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "a.b", "1")
    service.admin().values.put(namespace, "a-b", "2")
    done = shell.run("exec", "--", "echo", "started")
    assert (done.code, "started" in done.out, "A_B" in done.err) == (1, False, True)


@pytest.mark.parametrize("key", ["path", "LD.PRELOAD", "ld_library-path", "PythonPath", "dyld.x"])
def test_a_key_that_chooses_what_code_is_run_starts_nothing(
    shell: Shell, service: Loopback, namespace: str, key: str
) -> None:
    service.admin().values.put(namespace, key, "/theirs")
    service.admin().values.put(namespace, "db.url", "x")
    done = shell.run("exec", "--", "echo", "started")
    assert (done.code, "started" in done.out) == (1, False)
    assert f"{key} would set {key.upper().replace('.', '_').replace('-', '_')}" in done.err
    assert "--only" in done.err
    assert shell.ok("exec", "--only", "db.*", "--", "sh", "-c", "echo $DB_URL") == "x\n"


def test_all_collisions_are_named_at_once_with_the_options_that_help(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    for key in ("a.b", "a-b", "c.d", "c-d", "c_d", "e"):
        service.admin().values.put(namespace, key, "v")
    done = shell.run("exec", "--", "true")
    assert done.code == 1
    for says in ("a-b and a.b would both be A_B", "c-d, c.d and c_d would all be C_D", "--only or --prefix", "--mount"):
        assert says in done.err
    assert shell.run("exec", "--only", "a.b", "--only", "c.d", "--only", "e", "--", "true").code == 0
