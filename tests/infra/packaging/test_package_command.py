"""`make package` builds for the default platform or for a stage, and says what it built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.packaging.__main__ import build, main
from infra.packaging.platforms import Platform, find_local
from infra.packaging.report import describe_package
from infra.packaging.service_zip import Package
from infra.stage import load_unfinished
from tests.infra.packaging.test_service_zip import lint

ARM = Platform("python3.14", "arm64")


def run(tmp_path: Path, *stage: str) -> dict[str, Any]:
    """The expanded template that the command wrote."""
    assert main([*stage, "--out", str(tmp_path)]) == 0
    return read(tmp_path)


def read(tmp_path: Path) -> dict[str, Any]:
    expanded: dict[str, Any] = json.loads((tmp_path / "expanded.json").read_text())
    return expanded


def read_platform(expanded: dict[str, Any]) -> Platform:
    function = expanded["Resources"]["APIHandler"]["Properties"]
    [architecture] = function["Architectures"]
    return Platform(function["Runtime"], architecture)


@pytest.mark.slow
def test_without_a_stage_it_builds_for_the_default_platform(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_platform(run(tmp_path)) == ARM
    assert "packaged for python3.14 on arm64" in capsys.readouterr().out


@pytest.mark.slow
def test_a_stages_package_is_complete_for_any_tool(tmp_path: Path) -> None:
    stage = load_unfinished("prod")
    build(stage, tmp_path)
    expanded = read(tmp_path)
    function, parameters = expanded["Resources"]["APIHandler"]["Properties"], expanded["Parameters"]

    assert (tmp_path / "deployment.zip").stat().st_size > 1_000_000
    assert read_platform(expanded) == stage.function.platform
    assert function["MemorySize"] == stage.function.memory_mb
    assert function["Code"] == {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}}
    assert {name for name, each in parameters.items() if "Default" not in each} == {
        "CodeBucket", "CodeKey", "GatewayProof", "GatewayProofSha256",
    }  # fmt: skip
    assert {name: str(parameters[name]["Default"]) for name in stage.parameters()} == stage.parameters()
    assert lint(tmp_path / "expanded.json") == []


@pytest.mark.slow
def test_the_local_stage_is_for_this_computer(tmp_path: Path) -> None:
    assert read_platform(run(tmp_path, "local")) == find_local()


def test_an_unknown_stage_is_named_before_anything_is_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere", "--out", str(tmp_path)]) == 1
    assert "There is no stage 'nowhere'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_stage_without_an_alarm_target_is_refused_before_anything_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prod", "--out", str(tmp_path)]) == 1
    assert 'email = "on-call@example.com"' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def describe(tmp_path: Path, *, compiled: bool) -> list[str]:
    (tmp_path / "deployment.zip").write_bytes(bytes(2_000_000))
    return describe_package(Package(tmp_path / "deployment.zip", "a" * 64, {}, compiled), ARM)


def test_a_compiled_package_is_described_in_a_line(tmp_path: Path) -> None:
    assert describe(tmp_path, compiled=True) == ["packaged for python3.14 on arm64: 2.0 MB, sha256 aaaaaaaaaaaaaaaa…"]


def test_a_package_without_bytecode_says_what_a_cold_start_loses_and_how_to_end_that(tmp_path: Path) -> None:
    said = describe(tmp_path, compiled=False)[1]
    assert "every cold start compiles the code" in said
    assert "times as long" in said
    assert "uv python install 3.14" in said
