"""Clients generated from the OpenAPI document by third-party programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from configsvc.web.routes.service import DOCUMENT

ROOT = Path(__file__).parents[3]
_BIN = ROOT / ".venvs" / "generators" / "bin"
PYTHON = _BIN / "python"
NODE_BIN = ROOT / ".venvs" / "node-generators" / "node_modules" / ".bin"

# Each of these is about the generator; none of the document is lost.
_HARMLESS = (
    "OpenAPI 3.1 support is still in beta",
    "Failed to get the schema name: null",  # it looks for the name of the schema `additionalProperties: false`
    "Codegen property is null (e.g. map/dict of undefined type). Default to typing.Any",  # a JSON Schema is any object
    "From (reserved word) cannot be used as model name. Renamed to ModelFrom",  # it is a parameter, not a model
)


def needs_generators() -> None:
    """Skips the test if `make setup` has not installed them."""
    if not PYTHON.exists():
        pytest.skip("the generators are not installed; `make .venvs/generators/.ready` installs them")


def needs_node(program: str) -> Path:
    """The path of an npm program; skips the test if it is not installed."""
    found = NODE_BIN / program
    if not found.exists() or shutil.which("node") is None:
        pytest.skip(f"npm's {program} is not installed; `make .venvs/node-generators/.ready` installs it where npm is")
    return found


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Runs a program, which must exit with 0, and returns its output."""
    path = f"{_BIN}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        [str(each) for each in command], cwd=cwd, capture_output=True, text=True, timeout=100, check=False,
        env={**os.environ, "PATH": path, **environment},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def run_openapi_generator(language: str, folder: Path, *options: str, document: Path = DOCUMENT) -> list[str]:
    """Generates a client with OpenAPI Generator; returns its warnings, except harmless ones."""
    program = _BIN / "openapi-generator-cli"
    said = run(program, "generate", "-i", document, "-g", language, "-o", folder, *options, cwd=folder)
    lines = (line for line in said.splitlines() if re.search(r"\b(WARN|ERROR|Exception)\b", line))
    return [line for line in lines if not any(each in line for each in _HARMLESS)]


def run_openapi_python_client(folder: Path, document: Path = DOCUMENT) -> list[str]:
    """Generates a client with openapi-python-client in folder/client; returns its output, except progress."""
    said = run(
        _BIN / "openapi-python-client", "generate", "--path", document, "--output-path", folder / "client",
        "--fail-on-warning", cwd=folder,
    )  # fmt: skip
    return [line for line in said.splitlines() if line.strip() and not line.startswith("Generating ")]


def check_types(package: Path, *ignored: str) -> None:
    """Checks a generated package with mypy in the generators' environment, ignoring these kinds of errors."""
    options: list[str | Path] = [
        "--config-file",
        os.devnull,
        "--python-executable",
        PYTHON,
        "--cache-dir",
        package.parent / "cache",
    ]
    options += [f"--disable-error-code={each}" for each in ignored]
    run(sys.executable, "-m", "mypy", *options, package.name, cwd=package.parent)
