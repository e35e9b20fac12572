"""The file that a person sources, in a folder of any name."""

from __future__ import annotations

import subprocess
from pathlib import Path

from local.environment import write_environment


def test_a_folder_of_any_name_comes_on_the_path_once(tmp_path: Path) -> None:
    commands = tmp_path / "it's a (new) [folder]; *"
    for shell in ("bash", "dash"):
        path = tmp_path / "env"
        write_environment(path, {"SECRET": "a 'b' $c"}, commands)
        ran = subprocess.run(
            [shell, "-euc", '. "$1"; . "$1"; printf "%s\\n" "$SECRET" "$PATH"', "-", path],
            env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert ran.stdout == f"a 'b' $c\n{commands}:/usr/bin:/bin\n"
