"""The platform of a zip: a Lambda runtime and an architecture, chosen by a stage and never by the packager."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator

_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}  # Lambda's names, and Linux's
_TOO_OLD = (
    "is too old: up to python3.11, Lambda's runtime client escapes text outside ASCII (ensure_ascii), so a character "
    "takes 6 to 12 of the 6,291,556 bytes that Lambda returns. Use python3.12 or newer"
)


def _refuse_old(runtime: object) -> object:
    minor = runtime.removeprefix("python3.") if isinstance(runtime, str) and runtime.startswith("python3.") else ""
    if minor.isdecimal() and int(minor) < 12:  # noqa: PLR2004  # the message explains it
        raise ValueError(f"{runtime} {_TOO_OLD}")
    return runtime


Runtime = Annotated[Literal["python3.12", "python3.13", "python3.14"], BeforeValidator(_refuse_old)]
Architecture = Literal["arm64", "x86_64"]


@dataclass(frozen=True, slots=True)
class Platform:
    """A Lambda runtime, such as `python3.14`, and an architecture, `arm64` or `x86_64`."""

    runtime: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.runtime} on {self.architecture}"

    @property
    def version(self) -> str:
        """The version of Python, such as `3.14`."""
        return self.runtime.removeprefix("python")

    @property
    def machine(self) -> str:
        """Linux's name of the architecture."""
        return _MACHINES[self.architecture]

    @property
    def wheels(self) -> str:
        """The wheels to install, as uv names them. Amazon Linux 2023, which the runtimes use, has glibc 2.34."""
        return f"{self.machine}-manylinux_2_28"


def find_local() -> Platform:
    """This interpreter and this computer, for the local AWS and the tests."""
    arm = platform.machine().lower() in {"aarch64", "arm64"}
    return Platform(f"python{sys.version_info.major}.{sys.version_info.minor}", "arm64" if arm else "x86_64")
