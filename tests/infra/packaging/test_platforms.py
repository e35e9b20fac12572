"""A stage decides what its zip is built for, and gets a reason where a runtime is refused."""

from typing import Any

import pytest

from infra.cloudformation.runtime import run_on
from infra.packaging.platforms import Platform, find_local
from infra.stage import StageError, load_unfinished, parse
from local.runtime.function import RUNTIME


def platform_of(**function: object) -> Platform:
    return parse({"stack": "s", "function": function}).function.platform


def test_a_stage_runs_on_the_newest_python_and_on_arm_by_default() -> None:
    assert platform_of() == load_unfinished("prod").function.platform == Platform("python3.14", "arm64")


@pytest.mark.parametrize("runtime", ["python3.12", "python3.13", "python3.14"])
@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_a_stage_names_runtime_and_architecture(runtime: str, architecture: str) -> None:
    assert platform_of(runtime=runtime, architecture=architecture) == Platform(runtime, architecture)


@pytest.mark.parametrize("runtime", ["python3.11", "python3.10", "python3.9"])
def test_a_runtime_that_escapes_text_is_refused_with_the_reason(runtime: str) -> None:
    with pytest.raises(StageError, match=r"function\.runtime.*ensure_ascii.*6,291,556.*python3\.12 or newer"):
        platform_of(runtime=runtime)


@pytest.mark.parametrize("runtime", ["python3.15", "python2.7", "nodejs24.x", "3.14", "", 3.14])
def test_an_unknown_runtime_is_refused(runtime: object) -> None:
    with pytest.raises(StageError, match=r"function\.runtime.*python3\.12.*python3\.14"):
        platform_of(runtime=runtime)


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(StageError, match=r"function\.architecture.*arm64"):
        platform_of(architecture="aarch64")


def test_snapstart_fits_every_runtime_and_architecture() -> None:
    """AWS Lambda developer guide, "Improving startup performance with Lambda SnapStart": Python 3.12 and later."""
    assert platform_of(snapstart=True, runtime="python3.12", architecture="arm64").architecture == "arm64"


def test_wheels_are_named_as_uv_does() -> None:
    assert Platform("python3.14", "arm64").wheels == "aarch64-manylinux_2_28"
    assert Platform("python3.12", "x86_64").wheels == "x86_64-manylinux_2_28"


def test_the_local_platform_is_that_of_the_local_runtime() -> None:
    assert find_local().runtime == RUNTIME


def test_every_function_runs_on_the_platform_and_nothing_else_changes() -> None:
    before: dict[str, Any] = {
        "Resources": {
            "A": {"Type": "AWS::Serverless::Function", "Properties": {"Runtime": "python3.11", "Timeout": 3}},
            "B": {"Type": "AWS::Serverless::Function", "Properties": {"Architectures": ["x86_64"]}},
            "C": {"Type": "AWS::S3::Bucket", "Properties": {}},
        }
    }
    after = run_on(before, "python3.14", "arm64")["Resources"]
    wanted = {"Runtime": "python3.14", "Architectures": ["arm64"]}
    assert after["A"]["Properties"] == {"Timeout": 3, **wanted}
    assert after["B"]["Properties"] == wanted
    assert after["C"] == before["Resources"]["C"]
    assert before["Resources"]["A"]["Properties"]["Runtime"] == "python3.11"
