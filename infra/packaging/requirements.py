"""requirements.txt of the zip, made of uv.lock: what the service needs beyond the Lambda runtime, with hashes.

`make requirements` writes it. Only wheels that Lambda and the local AWS can run are named (Linux on arm64 or x86_64, or
any platform), so uv takes these bytes or nothing, and builds nothing from source.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, get_args

from infra.packaging.platforms import Architecture, Platform, Runtime
from infra.paths import ROOT

BROUGHT_BY_OTHERS = frozenset({"boto3", "chalice"})  # the Lambda runtime; Chalice packs itself
# CPython with its global lock, whose tags end in digits; Amazon Linux has glibc, which manylinux means.
_RUNS_ON_LAMBDA = re.compile(r"-(?:py3-none-any|cp3\d+-(?:abi3|cp3\d+)-manylinux[a-z0-9_.]*(?:aarch64|x86_64))\.whl$")
_TAGS = re.compile(r"-(?:(?P<any>py3-none-any)|cp3(?P<minor>\d+)-(?P<abi>\w+)-(?P<system>[a-z0-9_.]+))\.whl$")
_GLIBC_MINOR = 28  # as in Platform.wheels
_RUNTIMES = get_args(get_args(Runtime)[0])
_HEAD = """\
# What the zip brings beyond the Lambda runtime, made of uv.lock by `make requirements`. uv checks every hash.
"""


class NoWheel(Exception):
    """A locked package has no wheel for a platform that a stage may name."""


def requirements(project: Mapping[str, Any], lock: Mapping[str, Any]) -> str:
    """The text of the file, from what pyproject.toml and uv.lock hold.

    Raises:
        NoWheel: for each package and platform that lack one.
    """
    packages = {each["name"]: each for each in lock["package"]}
    needed = [packages[name] for name in sorted(find_needed(project, packages))]
    if lacking := [line for package in needed for line in _list_lacking(package)]:
        raise NoWheel(
            "\n".join(lacking) + "\nLock versions of these packages that have the wheels. No source is built."
        )
    return _HEAD + "".join(map(_lines, needed))


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


def _list_lacking(package: Mapping[str, Any]) -> Iterator[str]:
    wheels = [wheel["url"] for wheel in package.get("wheels", []) if _RUNS_ON_LAMBDA.search(wheel["url"])]
    for runtime, architecture in product(_RUNTIMES, get_args(Architecture)):
        platform = Platform(runtime, architecture)
        if not _has_wheel(wheels, platform):
            yield f"{package['name']} {package['version']} has no wheel for {platform}."


def _has_wheel(urls: Collection[str], platform: Platform) -> bool:
    found = (_TAGS.search(url) for url in urls)
    return any(_fits(tags, platform) for tags in found if tags)


def _fits(tags: re.Match[str], platform: Platform) -> bool:
    minor = int(platform.version.removeprefix("3."))
    if tags["any"]:
        return True
    of_version = int(tags["minor"]) == minor or (tags["abi"] == "abi3" and int(tags["minor"]) <= minor)
    return of_version and tags["system"].endswith(platform.machine) and _is_old_enough(tags["system"])


def _is_old_enough(system: str) -> bool:
    named = [int(minor) for minor in re.findall(r"manylinux_2_(\d+)_", system)]
    return min(named, default=0) <= _GLIBC_MINOR


def _hashes(package: Mapping[str, Any]) -> Iterator[str]:
    return (wheel["hash"] for wheel in package["wheels"] if _RUNS_ON_LAMBDA.search(wheel["url"]))


def render_requirements(root: Path = ROOT) -> str:
    """The text for the project at `root`."""
    project, lock = (tomllib.loads((root / name).read_text()) for name in ("pyproject.toml", "uv.lock"))
    return requirements(project, lock)


def main() -> int:
    """Write the file, or say what is missing."""
    try:
        text = render_requirements()
    except NoWheel as error:
        print(error, file=sys.stderr)
        return 1
    (ROOT / "requirements.txt").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
