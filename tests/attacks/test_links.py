"""A cloned repository, or a folder that others write to, holds a link where the command line is going to write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

CANARY = "canary-2a91d0"


@pytest.fixture
def shell(service: Loopback, namespace: str, tmp_path: Path) -> Shell:
    service.admin().values.put(namespace, "db.password", CANARY)
    folder = tmp_path / "clone"
    folder.mkdir()
    return Shell(service.environ("writer", namespace), folder)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_text("mine")
    return path


WRITES = {
    "export": ("export", "out.env"),
    "snapshot save": ("snapshot", "save", "out.env"),
    "init": ("init", "--url", "URL", "-n", "NAMESPACE", "--kms-key", "KEY", "--yes"),
}


def filled(arguments: tuple[str, ...], shell: Shell) -> list[str]:
    names = {"URL": "CONFIGSVC_URL", "NAMESPACE": "CONFIGSVC_NAMESPACES", "KEY": "CONFIGSVC_KMS_KEYS"}
    return [shell.environ[names[each]] if each in names else each for each in arguments]


@pytest.mark.parametrize("arguments", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("dangling", [False, True])
def test_nothing_is_written_through_a_link(  # a link is replaced, or the command says no
    shell: Shell,
    victim: Path,
    arguments: tuple[str, ...],
    dangling: bool,  # noqa: FBT001  # a case
) -> None:
    assert shell.folder is not None
    if dangling:
        victim.unlink()
    link = shell.folder / (".configsvc.toml" if arguments[0] == "init" else "out.env")
    link.symlink_to(victim)
    shell.run(*filled(arguments, shell))
    assert victim.exists() is not dangling
    assert dangling or victim.read_text() == "mine"


def test_a_mounted_file_is_never_a_link(shell: Shell, victim: Path) -> None:
    assert shell.folder is not None
    victim.unlink()
    (shell.folder / "values.json").symlink_to(victim)
    done = shell.run("exec", "--mount", "values.json", "--", "echo", "started")
    assert (done.out, victim.exists()) == ("", False)


def test_a_link_to_a_pipe_of_somebody_else_gets_no_value(shell: Shell, tmp_path: Path) -> None:
    assert shell.folder is not None
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    (shell.folder / "out.env").symlink_to(tmp_path / "pipe")
    done = shell.run("export", "out.env")
    assert (done.code, "is a link to" in done.err) == (2, True)
    assert os.read(reader, 100) == b""
    os.close(reader)


def test_the_system_s_own_links_still_work(shell: Shell) -> None:
    assert CANARY in shell.ok("export", "/dev/stdout")
    command = f"{sys.executable} -m configsvc_client.cli export >(cat) -f dotenv; wait"
    done = subprocess.run(
        ["/bin/bash", "-c", command], env=shell.environ, cwd=shell.folder, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert CANARY in done.stdout, done


def test_import_errors_are_not_read_or_written_through_a_link(shell: Shell, victim: Path) -> None:
    assert shell.folder is not None
    (shell.folder / "a.env").write_text("a=1\n")
    (shell.folder / "a.env.errors.csv").symlink_to("/dev/zero")
    shell.ok("import", "a.env")
    (shell.folder / "a.env.errors.csv").unlink()
    (shell.folder / "a.env.errors.csv").symlink_to(victim)
    (shell.folder / "a.env").write_text(f"a=2\nb={'x' * 300_000}\n")
    shell.run("import", "a.env")
    assert victim.read_text() == "mine"


def test_what_is_removed_is_not_wiped_under_a_second_name(shell: Shell, victim: Path) -> None:
    assert shell.folder is not None
    swap = f"import os; os.unlink('v.json'); os.link({str(victim)!r}, 'v.json')"
    shell.run("exec", "--mount", "v.json", "--", sys.executable, "-c", swap)
    assert victim.read_text() == "mine"
