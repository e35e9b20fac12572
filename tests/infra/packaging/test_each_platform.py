"""The zips for each runtime and architecture that a stage can name: their wheels run there, whatever computer packs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.consumer import package_consumer
from infra.packaging import archive
from infra.packaging.natives import read_machine
from infra.packaging.platforms import Platform
from infra.packaging.service_zip import Package, package
from tests.support.fixtures.package import ROOT

pytestmark = pytest.mark.slow

RUNTIMES, MACHINES = ("python3.12", "python3.13", "python3.14"), {"arm64": "aarch64", "x86_64": "x86_64"}
PLATFORMS = [Platform(runtime, architecture) for runtime in RUNTIMES for architecture in MACHINES]
GLIBC = (2, 34)  # of Amazon Linux 2023, which all three runtimes use (AWS Lambda developer guide, "Lambda runtimes")
LAMBDA_BYTES = 250_000_000  # unpacked (AWS Lambda developer guide, "Lambda quotas")


def read_tags(files: dict[str, bytes]) -> dict[str, list[str]]:
    """The tags of each wheel, by its folder."""
    found = {name: content.decode() for name, content in files.items() if name.endswith(".dist-info/WHEEL")}
    return {name: re.findall(r"^Tag: (\S+)$", text, re.MULTILINE) for name, text in found.items()}


def fits(tag: str, platform: Platform) -> bool:
    """Whether the wheel runs there, by the platform compatibility tags of packaging.python.org."""
    python, abi, system = tag.split("-")
    version = platform.version.replace(".", "")
    if (abi, system) == ("none", "any"):
        return python.startswith("py")
    own = (python, abi) == (f"cp{version}", f"cp{version}")
    stable = abi == "abi3" and 32 <= int(python.removeprefix("cp")) <= int(version)
    legacy = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    glibc = re.fullmatch(rf"manylinux_(\d+)_(\d+)_{MACHINES[platform.architecture]}", system)
    old = legacy.get(system.removesuffix(f"_{MACHINES[platform.architecture]}"))
    least = (int(glibc[1]), int(glibc[2])) if glibc else old
    return (own or stable) and least is not None and least <= GLIBC


def check_files(files: dict[str, bytes], platform: Platform, compiled_packages: set[str]) -> None:
    tags = read_tags(files)
    assert [(name, each) for name, all_of_it in tags.items() for each in all_of_it if not fits(each, platform)] == []
    assert all(tags.values())
    elves = {name: content for name, content in files.items() if content.startswith(b"\x7fELF")}
    assert {name.split("/")[0].split(".")[0] for name in elves} == compiled_packages
    assert {read_machine(content) for content in elves.values()} == {MACHINES[platform.architecture]}
    needed = [re.findall(rb"GLIBC_(\d+)\.(\d+)", content) for content in elves.values()]
    assert max((int(major), int(minor)) for each in needed for major, minor in each) <= GLIBC
    assert sum(map(len, files.values())) < LAMBDA_BYTES


@pytest.mark.parametrize("platform", PLATFORMS, ids=str)
def test_the_services_wheels_are_for_the_stages_platform(tmp_path: Path, platform: Platform) -> None:
    built = package(ROOT, tmp_path, platform)

    check_files(archive.read(built.zip), platform, {"jsonschema_rs", "pydantic_core"})
    functions = list_functions(built)
    assert functions
    assert functions == {name: (platform.runtime, [platform.architecture]) for name in functions}


@pytest.mark.parametrize("platform", PLATFORMS, ids=str)
def test_the_consumers_wheels_are_for_its_platform(tmp_path: Path, platform: Platform) -> None:
    files = archive.read(package_consumer(ROOT, tmp_path, platform))
    check_files(files, platform, {"_cffi_backend", "cryptography", "httptools"})


def list_functions(built: Package) -> dict[str, tuple[str, list[str]]]:
    resources = built.template["Resources"].items()
    functions = {name: each["Properties"] for name, each in resources if each["Type"] == "AWS::Serverless::Function"}
    return {name: (each["Runtime"], each["Architectures"]) for name, each in functions.items()}


@pytest.mark.parametrize(
    ("tag", "fitting"),
    [
        ("cp314-cp314-manylinux_2_17_aarch64", True),
        ("cp314-cp314-manylinux2014_aarch64", True),
        ("cp310-abi3-manylinux_2_28_aarch64", True),
        ("py3-none-any", True),
        ("cp314-cp314-manylinux_2_35_aarch64", False),
        ("cp314-cp314-manylinux_2_17_x86_64", False),
        ("cp314-cp314t-manylinux_2_17_aarch64", False),
        ("cp313-cp313-manylinux_2_17_aarch64", False),
        ("cp315-abi3-manylinux_2_17_aarch64", False),
        ("cp314-cp314-musllinux_1_2_aarch64", False),
        ("cp314-cp314-macosx_11_0_arm64", False),
    ],
)
def test_tags_are_judged_by_version_architecture_and_glibc(tag: str, fitting: bool) -> None:  # noqa: FBT001  # a table
    assert fits(tag, Platform("python3.14", "arm64")) is fitting
