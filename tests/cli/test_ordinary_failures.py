"""Ordinary failures end with one helpful sentence, not with a request to report a bug."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import COMMAND, Done, Shell

CANARY = "canary-77ab01"
LATIN = b"\xe9"  # é in Latin-1, not valid UTF-8
POSIX = {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}


def _run(shell: Shell, *arguments: str | bytes, script: str = 'exec "$@"', given: bytes = b"") -> Done:
    """Runs the command by a shell, which takes bytes as arguments and redirects."""
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *COMMAND, *arguments],
        env=shell.environ, cwd=shell.folder, input=given, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def _is_one_sentence(done: Done) -> bool:
    said = [each for each in done.err.splitlines() if not each.startswith(("Try: ", "CONFIGSVC_"))]
    return len(said) <= 2 and not any(word in done.err for word in ("unexpectedly", "Traceback", "report this"))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("put", "p"), 2, "No value"),
        (("put", "p", "-"), 2, "stdin is closed"),
        (("import", "-"), 2, "stdin is closed"),
        (("delete", "p"), 2, "--yes"),
    ],
)
def test_a_closed_stdin_is_named(  # noqa: PLR0917  # fixtures
    shell: Shell, service: Loopback, namespace: str, arguments: tuple[str, ...], code: int, says: str
) -> None:
    service.admin().values.put(namespace, "p", CANARY)
    told = _run(shell, *arguments, script='exec "$@" <&-')
    assert (told.code, says in told.err, _is_one_sentence(told)) == (code, True, True), told


def test_stored_version_is_reported_even_if_its_json_is_lost(shell: Shell) -> None:
    told = _run(shell, "put", "k", "v", "--plain", "-o", "json", script='exec "$@" >/dev/full')
    assert (told.code, "version 1, plain, served" in told.err, "stdout cannot be written" in told.err) == (
        1,
        True,
        True,
    )
    assert shell.ok("get", "k") == "v"


def test_unwritable_help_is_reported(shell: Shell) -> None:
    for redirection in (">&-", ">/dev/full"):
        told = _run(shell, "--help", script=f'exec "$@" {redirection}')
        assert (told.code, "stdout cannot be written" in told.err) == (1, True), told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((b"put", b"k", b"v" + LATIN, b"--plain"), 1, "not UTF-8"),
        ((b"put", b"k", b"v", b"--plain", b"-m", LATIN), 2, "not UTF-8"),
        ((b"put", LATIN, b"v", b"--plain"), 2, "UTF-8"),
        ((b"get", b"k", b"-n", LATIN), 2, "UTF-8"),
        ((b"put", b"k", b"@" + LATIN), 1, "No such file"),
        ((b"export", b"--only", LATIN), 2, "UTF-8"),
        ((b"--profile", LATIN, b"list"), 2, ""),
        ((b"grant", LATIN, b"-a", b"read", b"-n", b"a"), 2, "UTF-8"),
        ((b"namespace", b"set", b"--description", LATIN), 2, "UTF-8"),
        ((b"log", b"--by", LATIN), 2, "UTF-8"),
        ((LATIN,), 2, "No such command"),
    ],
)
def test_arguments_that_are_not_utf8_are_refused_as_such(
    shell: Shell, arguments: tuple[bytes, ...], code: int, says: str
) -> None:
    told = _run(shell, *arguments)
    assert (told.code, says in told.err, _is_one_sentence(told)) == (code, True, True), told


def test_value_bytes_are_kept_and_passed_on_in_any_locale(shell: Shell, tmp_path: Path) -> None:
    text = "ü☃ 'q'"
    foreign = shell.but(**POSIX)
    foreign.ok("put", "k", text, "--plain", "-m", text)
    assert shell.ok("get", "k") == text
    assert text in shell.ok("log", "--last", "1")
    assert foreign.ok("exec", "--", "printenv", "K") == f"{text}\n"
    assert _run(foreign, b"exec", b"--", b"printf", b"%s", LATIN).out == LATIN.decode(errors="replace")
    path = os.fsencode(tmp_path) + b"/" + LATIN
    assert _run(shell, b"export", b"-f", b"json", path).code == 0
    assert _run(shell, b"import", b"-f", b"json", path, b"--seal", b"k").code == 0


def test_exec_leaves_the_locale_as_it_was(shell: Shell) -> None:
    shown = shell.but(LANG="C").ok("exec", "--", "env").splitlines()
    assert [each for each in shown if each.startswith("LC_")] == []
    kept = shell.but(LANG="C", LC_CTYPE="C.UTF-8").ok("exec", "--", "env").splitlines()
    assert "LC_CTYPE=C.UTF-8" in kept


def test_typed_text_survives_any_python_terminal_encoding(shell: Shell) -> None:
    for changed in (POSIX, {"PYTHONIOENCODING": "latin-1"}):
        typed = shell.but(**changed).on_terminal("put", "k", "--plain", typed={"k: ": "ü☃"})
        assert typed.code == 0, typed
        assert shell.ok("get", "k") == "ü☃"


def test_secret_undecodable_in_the_locale_is_refused_unshown(shell: Shell) -> None:
    told = shell.but(**POSIX).on_terminal("put", "k", typed={"k: ": f"{CANARY}ü"})
    assert (told.code, "not text in your locale's encoding" in told.out, CANARY in told.out) == (2, True, False), told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("put", "k", "@/etc"), 1, "Is a directory"),
        (("put", "k", "@nope"), 1, "nope: No such file"),
        (("put", "k", "@"), 2, "empty"),
        (("put", "k", "@/dev/zero"), 1, "holds more than"),
        (("put", "k", "x", "--plain", "-n", ""), 2, "it is empty"),
        (("namespace", "delete", "", "--yes"), 2, "A namespace is"),
        (("--profile", "", "list"), 2, "it is empty"),
        (("exec", "--", ""), 2, "COMMAND is empty"),
        (("import", "/etc"), 2, "Is a directory"),
        (("import", "/dev/zero", "-f", "json"), 1, "holds more than"),
        (("diff", "/dev/zero", "-f", "json"), 1, "holds more than"),
        (("snapshot", "save", "/dev/stdout"), 2, "is not a file"),
        (("get", "k" * 100_000), 2, "A key is"),
    ],
)
def test_bad_files_and_names_are_reported(shell: Shell, arguments: tuple[str, ...], code: int, says: str) -> None:
    told = shell.run(*arguments)
    assert (told.code, says in told.err, _is_one_sentence(told)) == (code, True, True), told


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("copy", "k", "--to", "", "--as", "copied"),
        ("copy", "k", "--as", ""),
        ("data-key", "rewrap", ""),
        ("data-key", "rotate", "--kms-key", ""),
        ("data-key", "add", "--kms-key", ""),
        ("snapshot", "save", ""),
        ("namespace", "set", "", "--description", "x"),
        ("namespace", "lift", "", "--revision", "9"),
    ],
)
def test_empty_option_or_argument_is_not_treated_as_missing(
    service: Loopback, namespace: str, arguments: tuple[str, ...]
) -> None:
    service.admin().values.put(namespace, "k", CANARY)
    service.requests.clear()
    told = Shell(service.environ("owner", namespace)).run(*arguments, "--yes")
    assert (told.code in {2, 3}, _is_one_sentence(told)) == (True, True), told
    assert not [each for each in service.requests if not each.startswith("GET")]


@pytest.mark.parametrize("before", [(), ("--",)])
def test_kid_with_leading_dash_is_not_an_option(service: Loopback, namespace: str, before: tuple[str, ...]) -> None:
    owner = Shell(service.environ("owner", namespace))
    told = owner.run("data-key", "retire", "--yes", *before, "-n" + "A" * 41)
    assert (told.code, "no such data key" in told.err) == (3, True), told


def test_a_fifo_is_not_replaced_by_a_snapshot(shell: Shell, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    told = shell.run("snapshot", "save", tmp_path / "fifo")
    assert (told.code, "is not a file" in told.err, (tmp_path / "fifo").is_fifo()) == (2, True, True)


def test_removed_working_folder_is_reported(shell: Shell, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    told = _run(Shell(shell.environ, gone), "list", script='rmdir "$PWD"; exec "$@"')
    assert (told.code, "working folder was removed" in told.err, _is_one_sentence(told)) == (1, True, True), told


@pytest.mark.slow
@pytest.mark.parametrize("home", ["", "/nonexistent", "relative", "/etc/passwd"])
def test_invalid_home_stops_nothing(shell: Shell, home: str) -> None:
    environ = {**shell.environ, "HOME": home}
    assert Shell(environ).run("list").code == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [(b'url = "\xe9"', "is not UTF-8 text"), (b"url =", "is not TOML"), (b'api_key_command = ["a"]', "needs a url")],
)
def test_a_settings_file_that_cannot_be_read_is_named(shell: Shell, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / ".config" / "configsvc" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    told = shell.but(HOME=str(tmp_path)).run("list")
    assert (told.code, says in told.err, str(path) in told.err, _is_one_sentence(told)) == (2, True, True, True), told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "says"),
    [('["nöpe"]', "nöpe: No such file"), (r'["a\u0000b"]', "contains a NUL"), ('["/etc"]', "/etc: Permission denied")],
)
def test_api_key_command_that_cannot_run_is_named(
    shell: Shell, service: Loopback, tmp_path: Path, command: str, says: str
) -> None:
    path = tmp_path / ".config" / "configsvc" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'url = "{service.url}"\napi_key_command = {command}\n', encoding="utf-8")
    told = shell.but(HOME=str(tmp_path), CONFIGSVC_API_KEY="").run("list")
    assert (told.code, says in told.err) == (2, True), told


def test_early_departing_reader_ends_output_quietly(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "k", "x" * 100_000, form="plain")
    told = _run(shell, "get", "k", script='"$@" | head -c 1; exit 0')
    assert (told.code, told.out, told.err) == (0, "x", "")
