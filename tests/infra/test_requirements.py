"""requirements.txt is what the service needs beyond the Lambda runtime, at the locked versions."""

import re
import tomllib
from typing import Any

from infra.archive import pins
from tests.fixtures_package import ROOT

BROUGHT_BY_OTHERS = {"boto3", "chalice"}  # the Lambda runtime; Chalice packs itself
PINNED = dict(pin.split("==") for pin in pins((ROOT / "requirements.txt").read_text()))
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())["package"]


def needed() -> set[str]:
    """The service extra without what others bring, and everything that follows from it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = {re.split(r"[<>=~! ]", line)[0] for line in project["optional-dependencies"]["service"]}
    found: set[str] = set()
    waiting = extra - BROUGHT_BY_OTHERS
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= {dependency["name"] for dependency in locked(name).get("dependencies", [])} - found
    return found


def locked(name: str) -> dict[str, Any]:
    [package] = [package for package in LOCK if package["name"] == name]
    assert isinstance(package, dict)
    return package


def test_it_names_exactly_what_the_service_extra_needs() -> None:
    assert PINNED.keys() == needed()


def test_it_pins_the_locked_versions() -> None:
    assert {name: locked(name)["version"] for name in PINNED} == PINNED


def test_the_extra_names_what_others_bring() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = {re.split(r"[<>=~! ]", line)[0] for line in project["optional-dependencies"]["service"]}
    assert extra >= BROUGHT_BY_OTHERS
