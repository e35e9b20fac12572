"""requirements.txt is what the service needs beyond the Lambda runtime, at the locked versions, byte for byte."""

import re
import tomllib
from typing import Any

import pytest

from infra.packaging.archive import pins
from infra.packaging.requirements import BROUGHT_BY_OTHERS, find_needed, render_requirements
from tests.support.fixtures.package import ROOT

TEXT = (ROOT / "requirements.txt").read_text()
PINNED = dict(pin.split("==") for pin in pins(TEXT))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNS = re.compile(r"-none-any\.whl$|-cp3\d+-(?:abi3|cp3\d+)-manylinux[^-]*_(?:aarch64|x86_64)\.whl$")
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
        assert all(RUNS.search(wheels[each]) for each in hashes(name))


@pytest.mark.parametrize("platform", ["x86_64", "aarch64"])
def test_every_package_has_a_wheel_for_each_runtime_and_architecture(platform: str) -> None:
    for name in PINNED:
        urls = [wheel["url"] for wheel in read_lock(name)["wheels"] if wheel["hash"] in hashes(name)]
        for minor in (11, 12, 13, 14):  # 11 is only run locally
            fitting = re.compile(rf"-(cp3{minor}-cp3{minor}|cp3\d+-abi3)-manylinux.*{platform}|-none-any")
            assert any(map(fitting.search, urls)), (name, minor)


def test_the_extra_names_what_others_bring() -> None:
    extra = {re.split(r"[<>=~! ]", line)[0] for line in PROJECT["project"]["optional-dependencies"]["service"]}
    assert extra >= BROUGHT_BY_OTHERS
