"""Each role of the stack, whoever writes it, has the boundary and the path that the stage asks for."""

from typing import Any

import pytest

from infra.cloudformation import identities, template
from infra.packaging.service_zip import Package
from infra.stage import parse
from tests.infra.cloudformation.test_options import BOUNDARY, EVERYTHING, resources
from tests.support.infra.sample import sample

KINDS = ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy")


def find(resources: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def test_every_role_of_the_expanded_template_has_the_boundary(built_package: Package) -> None:
    roles = find(resources(built_package, EVERYTHING), "AWS::IAM::Role")
    assert {"ApiHandlerRole", "CanaryRole"} <= roles.keys()
    assert {name for name, each in roles.items() if each.get("PermissionsBoundary") != BOUNDARY} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_every_role_and_policy_has_the_path(built_package: Package, kind: str) -> None:
    found = find(resources(built_package, EVERYTHING), kind)
    assert found
    assert {name for name, each in found.items() if each.get("Path") != "/platform/"} == set()


def test_a_role_that_sam_makes_for_a_function_has_both() -> None:
    stage = parse({"stack": "s", "permissions_boundary": BOUNDARY, "iam_path": "/platform/"})
    sam = sample()
    del sam["Resources"]["APIHandler"]["Properties"]["Role"]
    sam = template.finish(sam, {"Resources": {}})
    identities.add(sam, stage)
    made = template.expand(template.locate(sam, "bucket", "key", "0" * 64))["Resources"]["APIHandlerRole"]["Properties"]
    assert (made["PermissionsBoundary"], made["Path"]) == (BOUNDARY, "/platform/")


def test_without_these_options_no_role_has_them(built_package: Package) -> None:
    plain = resources(built_package, parse({"stack": "s"}))
    for kind in KINDS:
        assert not [each for each in find(plain, kind).values() if {"PermissionsBoundary", "Path"} & each.keys()]
