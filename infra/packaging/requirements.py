"""requirements.txt of the zip, made of uv.lock: what the service needs beyond the Lambda runtime, with hashes.

`make requirements` writes it. Only wheels that Lambda and the local AWS can run are named (Linux on arm64 or x86_64, or
any platform), so uv takes these bytes or nothing, and builds nothing from source.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.paths import ROOT

BROUGHT_BY_OTHERS = frozenset({"boto3", "chalice"})  # the Lambda runtime; Chalice packs itself
# CPython with its global lock, whose tags end in digits; Amazon Linux has glibc, which manylinux means.
_RUNS_ON_LAMBDA = re.compile(r"-(?:py3-none-any|cp3\d+-(?:abi3|cp3\d+)-manylinux[a-z0-9_.]*(?:aarch64|x86_64))\.whl$")
_HEAD = """\
# What the zip brings beyond the Lambda runtime, made of uv.lock by `make requirements`. uv checks every hash.
"""


def requirements(project: Mapping[str, Any], lock: Mapping[str, Any]) -> str:
    """The text of the file, from what pyproject.toml and uv.lock hold."""
    packages = {each["name"]: each for each in lock["package"]}
    return _HEAD + "".join(_lines(packages[name]) for name in sorted(find_needed(project, packages)))


def find_needed(project: Mapping[str, Any], packages: Mapping[str, Any]) -> set[str]:
    """The service extra without what others bring, and everything that follows from it."""
    extra = {re.split(r"[<>=~! ]", line)[0] for line in project["project"]["optional-dependencies"]["service"]}
    found, waiting = set[str](), extra - BROUGHT_BY_OTHERS
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= {each["name"] for each in packages[name].get("dependencies", [])} - found
    return found


def _lines(package: Mapping[str, Any]) -> str:
    hashes = " \\\n    ".join(f"--hash={each}" for each in sorted(_hashes(package)))
    return f"{package['name']}=={package['version']} \\\n    {hashes}\n"


def _hashes(package: Mapping[str, Any]) -> Iterator[str]:
    return (wheel["hash"] for wheel in package["wheels"] if _RUNS_ON_LAMBDA.search(wheel["url"]))


def render_requirements(root: Path = ROOT) -> str:
    """The text for the project at `root`."""
    project, lock = (tomllib.loads((root / name).read_text()) for name in ("pyproject.toml", "uv.lock"))
    return requirements(project, lock)


if __name__ == "__main__":
    (ROOT / "requirements.txt").write_text(render_requirements())
