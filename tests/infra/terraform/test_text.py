"""Secrets, rights and names in the text of the Terraform modules: this needs no terraform."""

import re
from pathlib import Path

import pytest

from infra.paths import ROOT
from infra.stage import load_unfinished

MODULES = ROOT / "infra" / "terraform"
FILES = sorted(MODULES.rglob("*.tf"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_whatever_shows_an_api_key_or_the_proof_is_sensitive(path: Path) -> None:
    text = path.read_text()
    for output in re.findall(r'^output "\w+" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL):
        if re.search(r"api_key\.reader\.value|environment$|random_password|local\.parameters", output, re.MULTILINE):
            assert "sensitive   = true" in output


def test_the_consumer_may_decrypt_under_its_namespaces_and_nothing_else() -> None:
    text = (MODULES / "consumer" / "main.tf").read_text()
    assert re.findall(r"actions\s+= (.*)", text) == ['["kms:Decrypt"]']
    assert 'variable = "kms:EncryptionContext:configsvc:namespace"' in text
    assert "var.namespaces" in text
    assert '"*"' not in text


def test_the_example_names_a_stage_of_this_project() -> None:
    text = (MODULES / "example" / "main.tf").read_text()
    assert load_unfinished("prod").stack in re.findall(r'stack\s+= "(.*)"', text)
    assert "build/prod" in text


def test_the_readme_says_what_was_not_validated() -> None:
    assert "not validated against a registry" in (MODULES / "README.md").read_text()


def test_code_and_template_of_an_update_that_rolls_back_are_still_there() -> None:
    """By default Terraform deletes an object whose key changed before it makes the next one.

    CloudFormation's rollback of a function takes the code from the key of the previous template.
    """
    text = (MODULES / "service" / "main.tf").read_text()
    objects = re.findall(r'^resource "aws_s3_object" "\w+" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    assert len(objects) == 2
    assert [each for each in objects if "create_before_destroy = true" not in each] == []


def test_the_consumer_opens_under_the_same_keys_that_it_trusts() -> None:
    """While a stack moves to another KMS key, both are needed."""
    text = "".join((MODULES / "consumer" / name).read_text() for name in ("main.tf", "outputs.tf"))
    assert re.findall(r"resources = (.*)", text) == ["local.kms_keys"]
    assert re.findall(r"CONFIGSVC_KMS_KEYS\s+= (.*)", text) == ['join(",", local.kms_keys)']
