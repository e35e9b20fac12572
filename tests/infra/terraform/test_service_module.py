"""The Terraform module sends the template's parameters, and a change of what a version holds publishes another one.

Providers cannot be downloaded everywhere, so `terraform console` evaluates the module's locals, with text in the place
of what resources return.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.cloudformation import versions
from infra.packaging.__main__ import build
from infra.paths import ROOT
from infra.stage import load_unfinished

MODULES = ROOT / "infra" / "terraform"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed"),
]
RESOURCES = {
    r"random_password\.proof\[tostring\(local\.generation - 1\)\]\.result": '"proof-${local.generation - 1}"',
    r"random_password\.proof\[tostring\(local\.generation\)\]\.result": '"proof-${local.generation}"',
    r"data\.aws_s3_bucket\.code\.bucket\b": "var.bucket",
}
ASKED = """jsonencode({
  parameters = local.parameters, release = local.release, template = jsondecode(local.template), held = local.held
})"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("package")
    build(load_unfinished("prod"), out)
    return out


def evaluate(folder: Path, built: Path, **variables: str) -> dict[str, Any]:
    """The module's locals for that package."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(MODULES / "service" / "variables.tf", folder)
    text = (MODULES / "service" / "locals.tf").read_text()
    for pattern, instead in RESOURCES.items():
        text = re.sub(pattern, lambda _, instead=instead: instead, text)  # type: ignore[misc]  # a default
    assert not re.search(r"\b(aws_|random_|data\.)", text)
    (folder / "locals.tf").write_text(text)
    given = {"stack": "configsvc-prod", "package": str(built), "bucket": "code", **variables}
    arguments = [f"-var={name}={value}" for name, value in given.items()]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "CHECKPOINT_DISABLE": "1"}
    ran = subprocess.run(
        ["terraform", "console", *arguments],  # noqa: S607  # where the user has it
        cwd=folder, env=environment, input=" ".join(ASKED.split()), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found: dict[str, Any] = json.loads(json.loads(ran.stdout.splitlines()[-1]))
    return found


def change(built: Path, folder: Path, **parameters: str) -> Path:
    """The same package for a stage file with other parameters."""
    shutil.copytree(built, folder)
    template = json.loads((folder / "expanded.json").read_text())
    for name, value in parameters.items():
        template["Parameters"][name]["Default"] = value
    (folder / "expanded.json").write_text(json.dumps(template))
    return folder


def test_every_parameter_of_the_template_is_sent_and_no_other(built: Path, tmp_path: Path) -> None:
    found = evaluate(tmp_path, built)
    assert found["parameters"].keys() == found["template"]["Parameters"].keys()
    sent = found["parameters"]
    assert sent["GatewayProofSha256"] == hashlib.sha256(sent["GatewayProof"].encode()).hexdigest()
    for name, about in found["template"]["Parameters"].items():
        if pattern := about.get("AllowedPattern"):
            assert name == "GatewayProof" or re.fullmatch(pattern, sent[name]), name
        assert sent[name] in {str(each) for each in about.get("AllowedValues", [sent[name]])}, name


def test_the_template_differs_from_the_built_one_in_its_release_only(built: Path, tmp_path: Path) -> None:
    found, original = evaluate(tmp_path, built), json.loads((built / "expanded.json").read_text())
    before = original["Resources"]["APIHandler"]["Properties"]["Description"]
    named = json.dumps(original).replace(before, found["release"])
    assert json.loads(named.replace(before[:10], found["release"][:10])) == found["template"]
    assert f"APIHandlerVersion{found['release'][:10]}" in found["template"]["Resources"]


def test_what_a_version_holds_publishes_another_one_and_nothing_else_does(built: Path, tmp_path: Path) -> None:
    before = evaluate(tmp_path / "before", built)["release"]
    admins = change(built, tmp_path / "admins", Admins="arn:aws:iam::111122223333:role/Admin*")
    throttle = change(built, tmp_path / "throttle", StageRps="7")
    assert evaluate(tmp_path / "same", built)["release"] == before
    assert evaluate(tmp_path / "a", admins)["release"] != before
    assert evaluate(tmp_path / "t", throttle)["release"] == before


def test_a_version_holds_the_same_parameters_as_with_the_deploy_command(built: Path, tmp_path: Path) -> None:
    found = evaluate(tmp_path, built)
    given = found["parameters"]
    before = versions.list_releases(found["template"], given)
    held = {
        name
        for name, value in given.items()
        if versions.list_releases(found["template"], {**given, name: f"{value}7"}) != before
    }
    assert "GatewayProofSha256" in held
    assert found["held"].keys() == held


def test_a_rotated_proof_is_accepted_with_the_previous_one_until_that_ends(built: Path, tmp_path: Path) -> None:
    first, second = (hashlib.sha256(f"proof-{each}".encode()).hexdigest() for each in (1, 2))
    rotated = change(built, tmp_path / "rotated", GatewayProofGeneration="2")
    sent = evaluate(tmp_path / "both", rotated)["parameters"]
    assert (sent["GatewayProof"], sent["GatewayProofSha256"]) == ("proof-2", f"{second},{first}")
    alone = evaluate(tmp_path / "alone", rotated, accept_previous_proof="false")["parameters"]
    assert alone["GatewayProofSha256"] == second
    imported = evaluate(tmp_path / "imported", built, previous_proof_sha256="a" * 64)["parameters"]
    assert imported["GatewayProofSha256"] == f"{first},{'a' * 64}"


def test_the_module_s_proof_cannot_be_set_by_a_variable(built: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="gateway's proof"):
        evaluate(tmp_path, built, parameters='{"GatewayProof":"mine"}')
