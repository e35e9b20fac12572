"""The file that a person sources, in a folder of any name."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from local.story.terminal import write_environment

_SOURCES = {"bash": "source", "dash": ".", "zsh": "source"}


@pytest.mark.parametrize("shell", _SOURCES)
def test_a_folder_of_any_name_comes_on_the_path_once(tmp_path: Path, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    commands, path = tmp_path / "it's a (new) [folder]; *", tmp_path / "env"
    write_environment(path, {"SECRET": "a 'b' $c"}, commands)
    source = f'{_SOURCES[shell]} "$1"'
    ran = subprocess.run(
        [shell, "-euc", f'{source}; {source}; printf "%s\\n" "$SECRET" "$PATH"', "-", path],
        env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout == f"a 'b' $c\n{commands}:/usr/bin:/bin\n"
