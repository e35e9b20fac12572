"""Compiled extensions of a zip: each must be for the platform's architecture and version of Python."""

from __future__ import annotations

import re
from collections.abc import Mapping

from infra.packaging.platforms import Platform

_ELF = b"\x7fELF"
# e_machine of the ELF header (System V ABI, "ELF Header"), little-endian at offset 18.
_MACHINES = {62: "x86_64", 183: "aarch64"}
# How the import system names an extension that only one version of Python loads.
_OF_ONE_VERSION = re.compile(r"\.cpython-(\d+[a-z]*)-[^/]*\.so$")


def faults(files: Mapping[str, bytes], platform: Platform) -> list[str]:
    """List the extensions and libraries that do not run on the platform."""
    found = [(name, content) for name, content in sorted(files.items()) if content.startswith(_ELF)]
    foreign = [
        f"{name} is for {machine}, not {platform.architecture}"
        for name, content in found
        if (machine := read_machine(content)) != platform.machine
    ]
    wanted = platform.version.replace(".", "")
    versions = [(name, _OF_ONE_VERSION.search(name)) for name, _ in found]
    return foreign + [f"{name} is not for {platform.runtime}" for name, made in versions if made and made[1] != wanted]


def read_machine(content: bytes) -> str:
    """Linux's name of the machine that an ELF file is for, else its number."""
    number = int.from_bytes(content[18:20], "little")
    return _MACHINES.get(number, f"machine {number}")
