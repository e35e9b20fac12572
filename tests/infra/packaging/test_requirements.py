"""requirements.txt is what the service needs beyond the Lambda runtime, at the locked versions, byte for byte."""

import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from infra.packaging import archive, service_zip
from infra.packaging.archive import pins
from infra.packaging.requirements import BROUGHT_BY_OTHERS, find_needed, render_requirements
from tests.support.fixtures.package import ROOT

TEXT = (ROOT / "requirements.txt").read_text()
PINNED = dict(pin.split("==") for pin in pins(TEXT))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = {each["name"]: each for each in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}


def read_lock(name: str) -> dict[str, Any]:
    found = LOCK[name]
    assert isinstance(found, dict)
    return found


def hashes(name: str) -> set[str]:
    [lines] = re.findall(rf"^{name}==\S+ \\\n((?:    --hash=\S+(?: \\)?\n)+)", TEXT, re.MULTILINE)
    return set(re.findall(r"--hash=(\S+)", lines))


def test_what_is_committed_is_what_the_lock_gives() -> None:
    """Otherwise: `make requirements`."""
    assert render_requirements() == TEXT


def test_it_names_exactly_what_the_service_extra_needs() -> None:
    assert PINNED.keys() == find_needed(PROJECT, LOCK)


def test_it_pins_the_locked_versions() -> None:
    assert {name: read_lock(name)["version"] for name in PINNED} == PINNED


def test_every_package_has_hashes_and_all_are_of_locked_wheels() -> None:
    for name in PINNED:
        wheels = {wheel["hash"]: wheel["url"] for wheel in read_lock(name)["wheels"]}
        assert hashes(name)
        assert hashes(name) <= wheels.keys()
        assert all("x86_64" in wheels[each] or "none-any" in wheels[each] for each in hashes(name))


def test_the_extra_names_what_others_bring() -> None:
    extra = {re.split(r"[<>=~! ]", line)[0] for line in PROJECT["project"]["optional-dependencies"]["service"]}
    assert extra >= BROUGHT_BY_OTHERS


def wheel(folder: Path) -> None:
    """A wheel of nothing, which pip would take."""
    files = {
        "nothing-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: nothing\nVersion: 1\n",
        "nothing-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "nothing-1.dist-info/RECORD": "",
    }
    archive.write(folder / "nothing-1-py3-none-any.whl", {name: text.encode() for name, text in files.items()})


@pytest.mark.parametrize(("hashes_wanted", "taken"), [(True, False), (False, True)])
def test_pip_takes_nothing_without_a_hash_while_the_zip_is_built(
    tmp_path: Path, *, hashes_wanted: bool, taken: bool
) -> None:
    """Also in the downloads that Chalice makes by itself, without our file."""
    wheel(tmp_path)
    given = service_zip.build_environment(tmp_path, {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    if not hashes_wanted:
        del given["PIP_REQUIRE_HASHES"]
    command = [sys.executable, "-m", "pip", "download", "--no-index", "--find-links", str(tmp_path), "nothing==1"]
    ran = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode == 0) is taken, ran.stderr


NOT_LINUX = """
import platform, sysconfig
platform.system = lambda: "Darwin"
platform.machine = lambda: "arm64"
platform.mac_ver = lambda *_: ("14.0", ("", "", ""), "arm64")
sysconfig.get_platform = lambda: "macosx-14.0-arm64"
"""


@pytest.mark.parametrize("asked", [True, False])
def test_another_computer_downloads_the_wheels_of_lambda(tmp_path: Path, *, asked: bool) -> None:
    """A Mac on ARM, as pip sees it, takes a wheel for Lambda by the settings of the build and not by its own."""
    tag = "cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64"
    content = {
        "nothing-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: nothing\nVersion: 1\n",
        "nothing-1.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\n",
        "nothing-1.dist-info/RECORD": b"",
    }
    made = tmp_path / f"nothing-1-{tag}.whl"
    archive.write(made, content)
    locked = f"nothing==1 --hash=sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}\n"
    (tmp_path / "requirements.txt").write_text(locked)
    (tmp_path / "sitecustomize.py").write_text(NOT_LINUX)
    given = service_zip.build_environment(tmp_path, {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    given["PYTHONPATH"] = str(tmp_path)
    if not asked:
        del given["PIP_PLATFORM"]
    command = [sys.executable, "-m", "pip", "download", "--no-index", "--find-links", str(tmp_path)]
    command += ["-r", "requirements.txt", "--dest", "found"]
    ran = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode == 0) is asked, ran.stderr


def test_the_build_cannot_be_told_to_skip_the_hashes(tmp_path: Path) -> None:
    assert service_zip.build_environment(tmp_path, {"PIP_REQUIRE_HASHES": "0"})["PIP_REQUIRE_HASHES"] == "1"


@pytest.mark.parametrize(
    "variable", ["PIP_REQUIREMENT", "PIP_CONSTRAINT", "PIP_PYTHON", "PIP_PLATFORM", "PIP_NO_BINARY"]
)
def test_a_variable_from_outside_changes_nothing_of_what_is_packed(tmp_path: Path, variable: str) -> None:
    """PIP_REQUIREMENT added packages to the zip, with its own hashes."""
    outer = {variable: "/tmp/theirs.txt"}  # noqa: S108  # nothing reads it
    assert service_zip.build_environment(tmp_path, outer) == service_zip.build_environment(tmp_path, {})


def test_where_pip_looks_is_the_builders_to_say(tmp_path: Path) -> None:
    outer = {"PIP_INDEX_URL": "https://packages.example/simple", "PIP_CERT": "/etc/ca.pem", "https_proxy": "http://p:1"}
    assert service_zip.build_environment(tmp_path, outer).items() >= outer.items()
