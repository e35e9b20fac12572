"""No secret appears in a command line, output or file while a command works with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

CANARY = "canary-a93b21"


@pytest.mark.parametrize("words", [("put", "k", "-"), ("import", "-")])
def test_a_secret_on_stdin_is_in_no_command_line_output_or_file(
    shell: Shell, service: Loopback, tmp_path: Path, words: tuple[str, ...]
) -> None:
    process = shell.but(HOME=str(tmp_path), TMPDIR=str(tmp_path)).start(*words)
    seen: list[bytes] = []

    def look() -> None:
        of = Path(f"/proc/{process.pid}")
        seen.extend([of.joinpath("cmdline").read_bytes(), of.joinpath("environ").read_bytes()])
        seen.extend(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    service.kms.while_waiting.append(look)  # the secret has been read by then
    try:
        with process:
            out, err = process.communicate(f"k={CANARY}\n".encode(), timeout=60)
    finally:
        service.kms.while_waiting.clear()
    assert process.returncode == 0, err
    assert words[0].encode() in seen[0]
    assert CANARY.encode() not in b"".join([*seen, out, err])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def _down() -> None:
    raise ConnectionError


@pytest.mark.slow
@pytest.mark.parametrize("when", ["from the start", "once the value is sealed"])
@pytest.mark.parametrize("words", [("put", "k", "-"), ("import", "-")])
def test_s46_no_secret_leaks_while_the_api_is_down(
    shell: Shell, service: Loopback, tmp_path: Path, words: tuple[str, ...], when: str
) -> None:
    """KMS works. The first address refuses connections; the service fails each write."""
    home, closed = shell.but(HOME=str(tmp_path), TMPDIR=str(tmp_path)), "http://127.0.0.1:9/api"
    process = (home.but(CONFIGSVC_URL=closed) if when == "from the start" else home).start(*words)
    seen: list[bytes] = []
    service.kms.while_waiting.append(lambda: seen.append(Path(f"/proc/{process.pid}/cmdline").read_bytes()))
    service.failing.extend([_down] * 100)
    try:
        with process:
            out, err = process.communicate(f"k={CANARY}\n".encode(), timeout=60)
    finally:
        service.kms.while_waiting.clear()
        service.failing.clear()
    assert (process.returncode != 0, bool(seen)) == (True, when != "from the start"), err
    assert CANARY.encode() not in b"".join([*seen, out, err])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_errors_on_the_way_show_no_secret(shell: Shell, service: Loopback) -> None:
    broken = [
        shell.but(CONFIGSVC_KMS_KEYS=""),
        shell.but(CONFIGSVC_KMS_KEYS="arn:aws:kms:us-east-1:111122223333:key/other"),
        shell.but(AWS_SECRET_ACCESS_KEY="wrong"),
        shell.but(CONFIGSVC_API_KEY="wrong"),
        shell.but(AWS_ENDPOINT_URL_KMS=service.url),
        shell.but(CONFIGSVC_URL=service.kms.url),
    ]
    for each in broken:
        done = each.run("put", "k", "-", given=CANARY)
        assert done.code != 0
        assert CANARY not in done.out + done.err
        assert "Traceback" not in done.err
        assert shell.environ["AWS_SECRET_ACCESS_KEY"] not in done.err


def test_closed_pipe_reader_causes_no_traceback(shell: Shell) -> None:
    for number in range(3):
        shell.ok("put", f"k.{number}", "x", "--plain")
    process = shell.start("list")
    with process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
        process.wait(60)


def test_exec_hands_a_secret_to_the_command_by_environment_only(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    service.admin().values.put(namespace, "k", CANARY)
    shows = "from pathlib import Path; print(Path('/proc/self/cmdline').read_bytes())"
    assert CANARY not in shell.ok("exec", "--", sys.executable, "-c", shows)


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("history", "k"),
        ("doctor",),
        ("diff", "--from", "2"),
        ("copy", "k", "--as", "other"),
        ("put", "k", "--generate"),
        ("activate", "k", "1"),
        ("rollback", "--to-revision", "2", "--yes"),
        ("delete", "k", "--yes"),
        ("snapshot", "save", "FILE"),
        ("exec", "--mount", "FILE", "--", "true"),
        ("whoami", "-o", "json"),
        ("env", "-o", "json"),
    ],
)
def test_debug_shows_no_secret_and_no_temporary_file_stays(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    service.admin().values.put(namespace, "k", CANARY)
    service.admin().values.put(namespace, "k", CANARY + "2")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    arguments = [str(tmp_path / "file") if each == "FILE" else each for each in ("--debug", *words)]
    done = shell.but(TMPDIR=str(temporary)).run(*arguments)
    assert (done.code, "GET /api/v1" in done.err or "POST /api/v1" in done.err) == (0, True), done
    for secret in (CANARY, shell.environ["CONFIGSVC_API_KEY"], shell.environ["AWS_SECRET_ACCESS_KEY"], "Signature="):
        assert secret not in done.out + done.err
    assert not list(temporary.iterdir())
