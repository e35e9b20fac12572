"""Runs the linters: checkov, cfn-lint and parliament. Each returns its findings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.findings.accepted import Finding
from infra.findings.policies import documents
from infra.packaging.service_zip import read_yaml
from infra.paths import ROOT

_LINTERS = ROOT / ".venvs" / "linters" / "bin"
_SAM = "Transform"
_TERRAFORM = ".tf"
_ROLE = "arn:aws:iam::111122223333:role/any"
# Run by the environment of the linters. It reads policy documents, a JSON list, and writes what is wrong with each.
_PARLIAMENT = """
import json, sys, warnings
warnings.simplefilter("ignore")
import parliament
analyzed = [parliament.analyze_policy_string(each) for each in json.load(sys.stdin)]
json.dump([[[f.issue, str(f.detail)] for f in each.findings] for each in analyzed], sys.stdout)
"""


class LinterFailed(Exception):
    """A linter did not run."""


def find_all(paths: Sequence[Path]) -> list[Finding]:
    """Run every linter over the templates.

    Raises:
        LinterFailed: one did not run, or a template is not there.
    """
    if absent := [str(path) for path in paths if not path.is_file()]:
        raise LinterFailed(f"There is no {', '.join(absent)}.")
    templates = [path for path in paths if path.suffix != _TERRAFORM]
    expanded = [path for path in templates if _SAM not in read(path)]
    terraform = [path for path in paths if path.suffix == _TERRAFORM]
    return [*run_cfn_lint(templates), *run_checkov([*expanded, *terraform]), *run_parliament(expanded)]


def name_template(path: Path) -> str:
    """The name of a template in the list: that of its file, or of its folder if the file is just a template."""
    if path.suffix == _TERRAFORM:
        return f"terraform-{path.parent.name}"
    return path.parent.name if path.stem == "template" else path.stem


def run_cfn_lint(paths: Sequence[Path]) -> list[Finding]:
    """Run cfn-lint, with informational and experimental rules."""
    options = ("--include-checks", "I", "--include-experimental", "--format", "json", "--")
    command: list[str | Path] = [Path(sys.executable).parent / "cfn-lint", *options, *paths]
    found = json.loads(_run(command, (0, *range(2, 16))) or "[]")  # its exit status says which kinds it found
    return [
        Finding(
            f"cfn-lint {each['Rule']['Id']}", name_template(Path(each["Filename"])),
            _name_place(each["Location"]["Path"]), each["Message"],
        )
        for each in found
    ]  # fmt: skip


def run_checkov(paths: Sequence[Path]) -> list[Finding]:
    """Run checkov over CloudFormation templates and Terraform files."""
    options = ("--framework", "cloudformation", "terraform", "--skip-download", "--compact", "--quiet", "-o", "json")
    told = json.loads(_run([_LINTERS / "checkov", *options, "--file", *paths], (0, 1)) or "[]")
    reports: list[dict[str, Any]] = told if isinstance(told, list) else [told]
    if not any(report.get("summary", report).get("resource_count") for report in reports):
        raise LinterFailed("checkov found no resource to check.")
    return [
        Finding(
            each["check_id"], name_template(Path(each["file_abs_path"])),
            each["resource"].rpartition(".")[2], each["check_name"],
        )
        for report in reports
        for each in report.get("results", {}).get("failed_checks", [])
    ]  # fmt: skip


def run_parliament(paths: Sequence[Path]) -> list[Finding]:
    """Run parliament over the policy documents of CloudFormation templates."""
    held = [(path, document) for path in paths for document in documents(read(path))]
    # parliament is for policies of identities, which have a resource.
    texts = [json.dumps(_with_a_resource(each.content) if each.is_trust else each.content) for _, each in held]
    analyzed = json.loads(_run([_LINTERS / "python", "-c", _PARLIAMENT], (0,), json.dumps(texts)))
    return [
        Finding(f"parliament {issue}", name_template(path), document.resource, detail)
        for (path, document), issues in zip(held, analyzed, strict=True)
        for issue, detail in issues
    ]


def read(path: Path) -> dict[str, Any]:
    """Read a template.

    Raises:
        LinterFailed: it is not one. checkov would skip it.
    """
    if path.suffix == ".yaml":
        return read_yaml(path)
    try:
        return dict(json.loads(path.read_text()))
    except ValueError as error:
        raise LinterFailed(f"{path} is no template: {error}") from error


def _with_a_resource(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"Statement": [each | {"Resource": _ROLE} for each in document["Statement"]]}


def _name_place(path: Sequence[object]) -> str:
    section, *rest = [*map(str, path), ""]
    return rest[0] if section == "Resources" and rest else section


def _run(command: Sequence[str | Path], fine: Sequence[int], given: str = "") -> str:
    environment = {**os.environ, "LOG_LEVEL": "ERROR"}
    ran = subprocess.run(
        list(command), cwd=ROOT, env=environment, input=given, capture_output=True, text=True, check=False
    )
    if ran.returncode not in fine:
        raise LinterFailed(f"{Path(command[0]).name} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return ran.stdout
