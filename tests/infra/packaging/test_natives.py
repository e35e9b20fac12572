"""Extensions of another architecture or version are found by their ELF header and name."""

import platform as computer
import struct
from pathlib import Path

import pytest

from infra.packaging import natives
from infra.packaging.platforms import Platform
from local.runtime.function import PYTHON

ARM, INTEL = Platform("python3.14", "arm64"), Platform("python3.14", "x86_64")


def elf(machine: int) -> bytes:
    """The beginning of a 64-bit little-endian shared object (elf(5))."""
    return struct.pack("<4s5B7xHH", b"\x7fELF", 2, 1, 1, 0, 0, 3, machine)


@pytest.mark.parametrize(
    "name",
    ["a.abi3.so", "a.so", "a/b.cpython-314-aarch64-linux-gnu.so", "libs/libx-1a2b.so.1.2"],
)
def test_what_fits_has_no_faults(name: str) -> None:
    assert natives.faults({name: elf(183), "a.py": b"x = 1"}, ARM) == []


@pytest.mark.parametrize("name", ["a.abi3.so", "libs/libx-1a2b.so.1.2", "data"])
def test_another_architecture_is_noticed_whatever_the_name_says(name: str) -> None:
    assert natives.faults({name: elf(62)}, ARM) == [f"{name} is for x86_64, not arm64"]
    assert natives.faults({name: elf(183)}, INTEL) == [f"{name} is for aarch64, not x86_64"]
    assert natives.faults({name: elf(243)}, ARM) == [f"{name} is for machine 243, not arm64"]


@pytest.mark.parametrize("version", ["313", "311", "314t"])
def test_another_version_is_noticed(version: str) -> None:
    name = f"a.cpython-{version}-aarch64-linux-gnu.so"
    assert natives.faults({name: elf(183)}, ARM) == [f"{name} is not for python3.14"]


def test_the_machine_is_read_as_the_system_writes_it() -> None:
    assert natives.read_machine(Path(PYTHON).resolve().read_bytes()[:64]) == computer.machine()
