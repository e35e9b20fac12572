"""requirements.txt is what the service needs beyond the Lambda runtime, at the locked versions, byte for byte."""

import json
import re
import tomllib
from typing import Any

import pytest

from infra.packaging.archive import pins
from infra.packaging.requirements import BROUGHT_BY_OTHERS, NoWheel, find_needed, render_requirements, requirements
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


def lock_without(pattern: str) -> dict[str, Any]:
    """The lock of a release whose wheels of this kind are not on the index."""
    packages = [
        each | {"wheels": [wheel for wheel in each.get("wheels", []) if not re.search(pattern, wheel["url"])]}
        for each in LOCK.values()
    ]
    return {"package": packages}


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (r"jsonschema_rs.*aarch64", r"jsonschema-rs \S+ has no wheel for python3\.12 on arm64"),
        (r"pydantic_core.*cp314-manylinux.*x86_64", r"pydantic-core \S+ has no wheel for python3\.14 on x86_64"),
        (r"/pydantic-[^/]*none-any", r"pydantic \S+ has no wheel for python3\.12 on arm64"),
    ],
)
def test_a_package_that_lacks_the_wheel_of_a_platform_is_refused(lost: str, said: str) -> None:
    assert requirements(PROJECT, lock_without("nothing")) == TEXT
    with pytest.raises(NoWheel, match=rf"{said}\.(?s:.*)No source is built"):
        requirements(PROJECT, lock_without(lost))


def test_a_wheel_for_a_newer_glibc_than_lambdas_does_not_count() -> None:
    lock = json.loads(
        re.sub(
            r"manylinux_2_\d+_aarch64|manylinux2014_aarch64",
            "manylinux_2_39_aarch64",
            json.dumps({"package": [*LOCK.values()]}),
        )
    )
    with pytest.raises(NoWheel, match=r"pydantic-core \S+ has no wheel for python3\.14 on arm64"):
        requirements(PROJECT, lock)
