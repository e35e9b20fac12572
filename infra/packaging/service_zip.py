"""Builds deployment.zip, template.json and expanded.json for a platform.

Chalice packs a clean copy of the service, so nothing else of the tree gets in, and uv adds the locked wheels. The zip
is written in one order and with one date, its code compiled, so the same sources give the same bytes on any computer
that has the same interpreter of the runtime's version.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.cloudformation import template
from infra.cloudformation.runtime import run_on
from infra.packaging import archive
from infra.packaging.bytecode import CompilingError, compile_files
from infra.packaging.interpreters import Interpreter, find_interpreter
from infra.packaging.platforms import Platform
from infra.packaging.wheels import WheelsMissing, install_locked

STAGE = "api"
REGION = "us-east-1"
FRAGMENTS = ("alarms.yaml", "scheduled.yaml", "tracing.yaml")
"""Files in infra that are added to what Chalice writes."""
_SOURCES = ("app.py", ".chalice/config.json", f".chalice/policy-{STAGE}.json")
_PASSED_ON = ("HOME", "LANG", "PATH", "TMPDIR")


class PackagingError(Exception):
    """The zip could not be built, or would not work."""


@dataclass(frozen=True, slots=True)
class Package:
    """A built service: the zip, its SHA-256 in hex, and the finished SAM template.

    Args:
        compiled: whether the zip holds bytecode. Without it, every cold start compiles the code.
    """

    zip: Path
    sha256: str
    template: template.Template
    compiled: bool = True


def package(root: Path, out: Path, platform: Platform) -> Package:
    """Build the service of `root` for the platform into the folder `out`.

    Raises:
        PackagingError: Chalice failed, a wheel is missing, or something that belongs into the zip is not there.
        infra.cloudformation.template.TemplateError: Chalice wrote a template that was not expected.
    """
    files, finished = _collect(root, platform)
    interpreter = find_interpreter(platform.version, os.environ.get("PATH", os.defpath))
    zip_path, requirements = out / "deployment.zip", (root / "requirements.txt").read_text()
    out.mkdir(parents=True, exist_ok=True)
    archive.write(zip_path, _compile(files, interpreter))
    if problems := archive.check_contents(zip_path, requirements, platform, interpreter):
        raise PackagingError("The zip is not what it should be:\n  " + "\n  ".join(problems))
    write_json(out / "template.json", finished)
    write_json(out / "expanded.json", template.expand(template.locate(finished, "bucket", "key", "0" * 64)))
    return Package(zip_path, hashlib.sha256(zip_path.read_bytes()).hexdigest(), finished, interpreter is not None)


def _collect(root: Path, platform: Platform) -> tuple[dict[str, bytes], template.Template]:
    """The files of the zip, uncompiled, and the finished template."""
    with tempfile.TemporaryDirectory(prefix="configsvc-package-") as scratch:
        project = _copy(root, Path(scratch) / "project")
        built = _run_chalice(project, root / "infra" / "merge.yaml", Path(scratch) / "built")
        files = archive.read(built / "deployment.zip") | _install(root / "requirements.txt", platform, scratch)
        fragments = (read_yaml(root / "infra" / name) for name in FRAGMENTS)
        finished = template.finish(read_yaml(built / "sam.yaml"), *fragments)
    return files, run_on(finished, platform.runtime, platform.architecture)


def read_yaml(path: Path) -> template.Template:
    """A template with CloudFormation's short tags (`!Ref`) spelled out."""
    from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # ships no types

    parsed: template.Template = yaml_parse(path.read_text())
    return parsed


def _install(requirements: Path, platform: Platform, scratch: str) -> dict[str, bytes]:
    try:
        return install_locked(requirements, platform, Path(scratch) / "wheels", os.environ)
    except WheelsMissing as error:
        raise PackagingError(str(error)) from error


def _compile(files: Mapping[str, bytes], interpreter: Interpreter | None) -> dict[str, bytes]:
    try:
        return compile_files(files, interpreter)
    except CompilingError as error:
        raise PackagingError(str(error)) from error


def _copy(root: Path, project: Path) -> Path:
    for source in _SOURCES:
        target = project / source
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / source, target)
    (project / "requirements.txt").touch()  # so Chalice runs no pip: it takes wheels for the Python that runs it
    shutil.copytree(root / "vendor", project / "vendor", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    return project


def _run_chalice(project: Path, merge: Path, built: Path) -> Path:
    # What goes wrong is the return value of Chalice's main().
    command = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"]
    command += ["--project-dir", str(project)]
    command += ["package", "--stage", STAGE, "--merge-template", str(merge), str(built)]
    ran = subprocess.run(
        command, env=build_environment(project, os.environ), capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise PackagingError(f"chalice package ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return built


def build_environment(project: Path, outer: Mapping[str, str]) -> dict[str, str]:
    """Chalice's environment: a region, no credentials, our copy first, and no bytecode in the copy."""
    kept = {name: outer[name] for name in _PASSED_ON if name in outer}
    return kept | {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(project / "vendor"),
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a template, sorted."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
