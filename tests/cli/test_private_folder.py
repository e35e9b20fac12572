from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from configsvc_client.cli.private_folder import make_private_folder


def test_private_folder_is_in_memory_and_removed_with_its_content(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("kept")
    memory = tmp_path / "memory"
    memory.mkdir()
    with make_private_folder(memory) as folder:
        assert (folder.parent, stat.S_IMODE(folder.stat().st_mode)) == (memory, 0o700)
        (folder / "value").write_text("secret")
        (folder / "below").mkdir()
        (folder / "below" / ".value.swp").write_text("secret")
        (folder / "link").symlink_to(outside)
    assert not folder.exists()
    assert outside.read_text() == "kept"


def test_private_folder_is_removed_after_failures_and_outside_memory(tmp_path: Path) -> None:
    made: list[Path] = []

    def failing() -> None:
        with make_private_folder(tmp_path / "absent") as folder:
            (folder / "value").write_text("secret")
            made.append(folder)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert not made[0].exists()


def test_wiped_files_are_overwritten_first(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with make_private_folder(tmp_path) as folder:
        (folder / "value").write_text("secret")
        kept.hardlink_to(folder / "value")  # shows what remains on the disk
    assert kept.read_bytes() == b"\0" * 6


def test_unwritable_file_does_not_stop_the_wipe(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with ExitStack() as ending, make_private_folder(tmp_path) as folder:
        (folder / "below").mkdir()
        (folder / "below" / "value").write_text("secret")
        kept.hardlink_to(folder / "below" / "value")
        (folder / "below").chmod(0)  # without root, it cannot be read
        busy = shutil.copy(sys.executable, folder / "busy")  # a running program cannot be written to (ETXTBSY)
        process = subprocess.Popen([busy, "-Sc", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        ending.callback(process.communicate, b"\n", timeout=30)
    assert not folder.exists()
    assert kept.read_bytes() == b"\0" * 6
