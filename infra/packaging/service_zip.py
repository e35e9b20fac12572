"""Builds deployment.zip, template.json and expanded.json, by `python -m infra.packaging.service_zip [OUT]`.

Chalice packs a clean copy of what belongs into the zip, so nothing that lies about in the tree gets in; the zip is
then written again in one order and with one date, its code compiled, so the same sources give the same bytes anywhere.
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
from infra.packaging.archive import check_contents, rewrite
from infra.packaging.bytecode import CompilingError
from infra.paths import ROOT

STAGE = "api"
REGION = "us-east-1"
_SOURCES = ("app.py", "requirements.txt", ".chalice/config.json", f".chalice/policy-{STAGE}.json")
_MISSING_WHEELS = "Could not install dependencies"
_PASSED_ON = ("HOME", "LANG", "PATH", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "TMPDIR", "XDG_CACHE_HOME")
_LAMBDA = "manylinux_2_17_x86_64 manylinux2014_x86_64"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
# Where pip finds files and how it gets there. PIP_REQUIREMENT would add packages, PIP_PYTHON another interpreter.
_PIP = tuple(
    f"PIP_{each}"
    for each in (
        "CACHE_DIR", "CERT", "CLIENT_CERT", "CONFIG_FILE", "DEFAULT_TIMEOUT", "DISABLE_PIP_VERSION_CHECK",
        "EXTRA_INDEX_URL", "FIND_LINKS", "INDEX_URL", "KEYRING_PROVIDER", "NO_CACHE_DIR", "NO_INDEX", "PROXY",
        "RETRIES", "TIMEOUT", "TRUSTED_HOST",
    )
)  # fmt: skip


class PackagingError(Exception):
    """The zip could not be built, or would not work."""


@dataclass(frozen=True, slots=True)
class Package:
    """A built service: the zip, its SHA-256 in hex, and the finished SAM template."""

    zip: Path
    sha256: str
    template: template.Template


def package(root: Path, out: Path) -> Package:
    """Build the service of `root` into the folder `out`.

    Raises:
        PackagingError: Chalice failed, a wheel is missing, or something that belongs into the zip is not there.
        infra.cloudformation.template.TemplateError: Chalice wrote a template that was not expected.
    """
    with tempfile.TemporaryDirectory(prefix="configsvc-package-") as scratch:
        project = _copy(root, Path(scratch) / "project")
        built = _run_chalice(project, root / "infra" / "merge.yaml", Path(scratch) / "built")
        out.mkdir(parents=True, exist_ok=True)
        zip_path = out / "deployment.zip"
        _rewrite(built / "deployment.zip", zip_path)
        finished = template.finish(read_yaml(built / "sam.yaml"), read_yaml(root / "infra" / "alarms.yaml"))
    requirements = (root / "requirements.txt").read_text()
    if problems := check_contents(zip_path, requirements):
        raise PackagingError("The zip is not what it should be:\n  " + "\n  ".join(problems))
    _write_json(out / "template.json", finished)
    _write_json(out / "expanded.json", template.expand(template.locate(finished, "bucket", "key", "0" * 64)))
    return Package(zip_path, hashlib.sha256(zip_path.read_bytes()).hexdigest(), finished)


def read_yaml(path: Path) -> template.Template:
    """A template with CloudFormation's short tags (`!Ref`) spelled out."""
    from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # ships no types

    parsed: template.Template = yaml_parse(path.read_text())
    return parsed


def refusal(returncode: int, said: str) -> str | None:
    """Why what Chalice did is not good enough, or None. Chalice itself goes on when a wheel is missing."""
    if returncode:
        return f"chalice package ended with {returncode}:\n{said}"
    if _MISSING_WHEELS in said:
        return (
            "Build with the Python of the Lambda runtime, and pin versions that have manylinux "
            f"wheels in requirements.txt:\n{said}"
        )
    return None


def _rewrite(built: Path, target: Path) -> None:
    try:
        rewrite(built, target)
    except CompilingError as error:
        raise PackagingError(str(error)) from error


def _copy(root: Path, project: Path) -> Path:
    for source in _SOURCES:
        target = project / source
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / source, target)
    shutil.copytree(root / "vendor", project / "vendor", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    return project


def _run_chalice(project: Path, merge: Path, built: Path) -> Path:
    # The interpreter that runs Chalice decides the Lambda runtime. What goes wrong is its main()'s return value.
    command = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"]
    command += ["--project-dir", str(project)]
    command += ["package", "--stage", STAGE, "--merge-template", str(merge), str(built)]
    ran = subprocess.run(
        command, env=build_environment(project, os.environ), capture_output=True, text=True, check=False
    )
    if reason := refusal(ran.returncode, ran.stdout + ran.stderr):
        raise PackagingError(reason)
    return built


def build_environment(project: Path, outer: Mapping[str, str]) -> dict[str, str]:
    """Chalice's environment: a region, no credentials, our copy first, no bytecode in the copy, and where pip looks.

    pip downloads wheels for Lambda, whatever computer this is, and none without a locked hash. Else Chalice would
    download again by itself, without hashes, what it found no wheel for Lambda of.
    """
    kept = {name: outer[name] for name in (*_PASSED_ON, *_PROXIES, *_PIP) if name in outer}
    return kept | {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PIP_ONLY_BINARY": ":all:",
        "PIP_PLATFORM": _LAMBDA,
        "PIP_REQUIRE_HASHES": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(project / "vendor"),
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


def main() -> int:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "service"
    try:
        built = package(ROOT, out)
    except (PackagingError, template.TemplateError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{built.zip}  {built.zip.stat().st_size / 1e6:.2f} MB  sha256 {built.sha256}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
