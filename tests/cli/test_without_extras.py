"""An installation without all of the extra `cli` names what is missing and how to install it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from infra.consumer import build_wheel
from tests.support.admin.loopback import Loopback

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".venvs" / "uv" / "bin" / "uv"
REMEDY = "pip install 'configsvc[cli]'"

COMMANDS = (
    ("--help",),
    ("list",),
    ("-o", "table", "doctor"),
    ("put", "k", "v", "--plain"),
    ("import", "--dry-run", "some.yaml"),
    ("import", "--dry-run", "some.env"),
    ("init", "--url", "http://127.0.0.1:9/api", "-n", "some.namespace"),
)

pytestmark = pytest.mark.slow


class Installed(NamedTuple):
    """A virtual environment and a folder to work in."""

    venv: Path
    folder: Path

    def uv(self, *arguments: str) -> None:
        """Installs or removes packages."""
        command = [str(UV), "pip", *arguments, "--quiet", "--python", str(self.venv / "bin" / "python")]
        subprocess.run(command, check=True, cwd=ROOT, timeout=100)

    def run(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs a program of the environment."""
        program, *arguments = command
        return subprocess.run(
            [self.venv / "bin" / program, *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8", **environ},
            cwd=self.folder, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def _installed(wheel: Path, folder: Path, *extras: str) -> Installed:
    """Builds an environment with the wheel and the locked packages that it needs."""
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True, timeout=100)
    made = Installed(folder / "venv", folder)
    locked = folder / "locked.txt"
    options = [option for extra in extras for option in ("--extra", extra)]
    subprocess.run(
        [UV, "export", "--frozen", "--quiet", "--no-dev", "--no-emit-project", "--output-file", locked, *options],
        check=True, cwd=ROOT, timeout=100,
    )  # fmt: skip
    made.uv("install", "--no-deps", "--requirement", str(locked))
    made.uv("install", "--no-deps", str(wheel))
    (folder / "some.yaml").write_text("a: 1\n")
    (folder / "some.env").write_text("a=1\n")
    return made


def _is_clear(done: subprocess.CompletedProcess[str]) -> bool:
    return not any(word in done.stdout + done.stderr for word in ("Traceback", "unexpectedly", "report"))


def test_the_base_install_says_what_the_command_line_needs(wheel: Path, tmp_path: Path) -> None:
    base = _installed(wheel, tmp_path)
    assert base.run("python", "-c", "import configsvc_client").returncode == 0
    for command in (("configsvc",), ("configsvc", "list"), ("python", "-m", "configsvc_client.cli", "--version")):
        done = base.run(*command)
        assert (done.returncode, done.stdout, REMEDY in done.stderr) == (1, "", True), done
        assert len(done.stderr.splitlines()) == 1, done
        assert "click" in done.stderr


def test_missing_package_of_the_cli_extra_is_named(
    wheel: Path, tmp_path: Path, service: Loopback, namespace: str
) -> None:
    complete = _installed(wheel, tmp_path, "cli")
    environ = service.environ("writer", namespace)
    whole = [complete.run("configsvc", *each, **environ) for each in COMMANDS]
    assert not [each for each in whole if REMEDY in each.stderr or not _is_clear(each)]
    for package, module in (
        ("click", "click"), ("python-dotenv", "dotenv"), ("pyyaml", "yaml"),
        ("rich", "rich"), ("tomli-w", "tomli_w"),
    ):  # fmt: skip
        complete.uv("uninstall", package)
        told = [complete.run("configsvc", *each, **environ) for each in COMMANDS]
        (tmp_path / ".configsvc.toml").unlink(missing_ok=True)
        complete.uv("install", "--no-deps", "--requirement", str(tmp_path / "locked.txt"))
        assert [each for each in told if not _is_clear(each)] == [], package
        named = [each for each in told if f"needs {module}," in each.stderr and REMEDY in each.stderr]
        assert named, (package, told)
        assert {each.returncode for each in named} == {1}
