"""Where `export` writes: never through a link or over a device; terminals are detected whatever their name."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from configsvc.model.errors import Misconfigured, Unprocessable
from configsvc_client.cli.output.destinations import find_destination
from configsvc_client.cli.private_folder import MEMORY
from configsvc_client.cli.run.mount import Mount
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import COMMAND, Shell

CANARY = "canary-51c0"


def test_export_refuses_a_link_and_names_its_target(tmp_path: Path) -> None:
    real = tmp_path / "real.env"
    real.write_text("before")
    for target in (real, tmp_path / "nothing", tmp_path):
        link = tmp_path / "link.env"
        link.symlink_to(target)
        with pytest.raises(Misconfigured, match=f"link to {target}, and links are not followed"):
            find_destination(str(link))
        link.unlink()
    assert real.read_text() == "before"


def test_export_refuses_a_link_in_shared_memory() -> None:
    link = MEMORY / f"configsvc-test-{os.getpid()}"
    link.symlink_to("/dev/null")
    try:
        with pytest.raises(Misconfigured, match="links are not followed"):
            find_destination(str(link))
    finally:
        link.unlink()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no/such/x.env", "folder no/such does not exist"),
        (".", "it is a folder"),
        ("new/", "it names a folder"),
        ("/dev/fd/987", "it is not open"),
        ("file/x.env", "Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_unwritable_destination_is_reported_before_opening_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(Misconfigured, match=reason):
        find_destination(name)


def test_a_socket_and_a_disk_are_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        with pytest.raises(Misconfigured, match="not a file, pipe or terminal"):
            find_destination(str(tmp_path / "socket"))


def test_exported_file_becomes_private_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "x.env"
    path.write_text("before")
    path.chmod(0o644)
    (tmp_path / "other").hardlink_to(path)
    find_destination(str(path)).write("A=b\n")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("A=b\n", 0o600)
    assert (tmp_path / "other").read_text() == "before"


def test_exported_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        find_destination(str(tmp_path / "x.env")).write("A=b\n")
        Mount(tmp_path / "y.env").create(b"A=b\n")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}


def test_export_accepts_the_longest_file_name(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127)
    find_destination(str(path)).write("A=b\n")
    assert path.read_text() == "A=b\n"


def test_export_writes_to_a_pipe_without_replacing_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()))
    reader.start()
    find_destination(str(path)).write("A=b\n")
    reader.join()
    assert (found, path.is_fifo()) == ([b"A=b\n"], True)


def test_a_pipe_that_became_a_file_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    where = find_destination(str(path))
    path.unlink()
    path.write_text("theirs")
    with pytest.raises(Misconfigured, match="was a pipe"):
        where.write("A=b\n")
    assert path.read_text() == "theirs"


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}"])
def test_open_descriptor_is_written_at_its_position(tmp_path: Path, name: str) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.write(b"before\n")
        file.flush()
        find_destination(name.format(file.fileno())).write("A=b\n")
    assert (tmp_path / "file").read_text() == "before\nA=b\n"


def test_departed_reader_is_reported_in_one_sentence() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with pytest.raises(Unprocessable, match=f"/dev/fd/{writing}: its reader stopped"):
            find_destination(f"/dev/fd/{writing}").write("A=b\n")
    finally:
        os.close(writing)


def test_full_disk_is_reported_with_the_file_name(shell: Shell) -> None:
    shell.ok("import", "-", "-f", "dotenv", given="A=b\n")
    assert shell.run("export", "/dev/full") == (1, "", "configsvc: /dev/full: No space left on device.\n")


def test_full_disk_leaves_the_file_unchanged(shell: Shell, tmp_path: Path) -> None:
    shell.ok("import", "-", "-f", "dotenv", given=f"A={'b' * 2_000}\n")
    path = tmp_path / "x.env"
    path.write_text("before")
    script = 'ulimit -f 1; exec "$@"'
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *COMMAND, "export", str(path)],
        env={**shell.environ, "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    told = f"configsvc: {path} cannot be written: File too large. The old file is unchanged. Free some space, or"
    assert (done.returncode, done.stderr.decode().startswith(told)) == (2, True)
    assert (path.read_text(), [*tmp_path.iterdir()]) == ("before", [path])


def test_dev_stdout_is_stdout(shell: Shell, service: Loopback, namespace: str, tmp_path: Path) -> None:
    service.admin().values.put(namespace, "A", CANARY)
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([*COMMAND, "export", "/dev/stdout"], env=shell.environ, stdout=out, check=True, timeout=60)
    assert (tmp_path / "out").read_text() == f"A={CANARY}\n"
    assert Path("/dev/stdout").is_symlink()
    assert shell.ok("export", "/dev/stdout") == f"A={CANARY}\n"


def test_dev_tty_is_a_terminal(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "A", f"{CANARY}\x1b]0;title\x07")
    for name in ("/dev/tty", "/dev/stdout", "/dev/stderr", "/dev/fd/2"):
        refused = shell.on_terminal("export", name)
        assert (refused.code, CANARY in refused.out, "--reveal" in refused.out) == (2, False, True), name
    for name in ("/dev/tty", "/dev/fd/2"):
        shown = shell.on_terminal("export", name, "--reveal")
        assert (shown.code, CANARY in shown.out, "\x1b]0" in shown.out) == (0, True, False), name


def test_dev_tty_without_a_terminal_is_reported(shell: Shell) -> None:
    process = shell.start("export", "/dev/tty")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.decode().startswith("configsvc: /dev/tty cannot be written: this process has no terminal.")


def test_a_shell_s_process_substitution_gets_the_values(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    service.admin().values.put(namespace, "A", CANARY)
    script = f"{' '.join(COMMAND)} export >(cat > {tmp_path}/out); wait $!"
    subprocess.run(["/bin/bash", "-c", script], env=shell.environ, check=True, timeout=60, capture_output=True)
    assert (tmp_path / "out").read_text() == f"A={CANARY}\n"
