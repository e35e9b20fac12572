"""When the gateway's proof is drawn and required, and which proofs are accepted during a rotation."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, cast

import pytest

from infra.cloudformation.versions import list_releases
from infra.deployment import proof
from infra.deployment.change_set import ChangeSet
from infra.deployment.pace import AWS
from infra.deployment.proof import next_proof

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

OLD, NEW = "o" * 64, "n" * 64
BEFORE = {"Admins": ""}
"""The parameters of a stack that was deployed before there was a proof."""


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def held(*secrets: str, mode: str = "enforce", generation: int = 1) -> dict[str, str]:
    """The parameters of a stack, as CloudFormation shows them."""
    digests = ",".join(map(digest, secrets))
    return {
        "GatewayProof": "****", "GatewayProofSha256": digests, "GatewayProofMode": mode,
        "GatewayProofGeneration": str(generation),
    }  # fmt: skip


def nothing_is_drawn() -> str:
    raise AssertionError("a proof was drawn")


def test_a_proof_is_32_random_bytes_in_letters_and_digits() -> None:
    assert re.fullmatch("[0-9a-f]{64}", proof.draw())
    assert proof.draw() != proof.draw()


def test_a_new_stack_enforces_at_once() -> None:
    made = next_proof(None, 1, lambda: NEW)
    assert made.parameters == {**held(NEW), "GatewayProof": NEW}
    assert made.advice is None


def test_a_stack_from_before_the_proof_observes_and_the_next_deployment_enforces() -> None:
    first = next_proof(BEFORE, 1, lambda: NEW)
    assert first.parameters == {**held(NEW, mode="observe"), "GatewayProof": NEW}
    assert "deploy once more" in (first.advice or "")
    second = next_proof(held(NEW, mode="observe"), 1, nothing_is_drawn)
    assert second.parameters == {**held(NEW), "GatewayProof": None}


def test_a_deployment_keeps_the_proof_without_knowing_it() -> None:
    again = next_proof(held(OLD), 1, nothing_is_drawn)
    assert again.parameters == {**held(OLD), "GatewayProof": None}
    assert again.advice is None


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_a_higher_generation_rotates_and_accepts_both_until_the_next_deployment(mode: str) -> None:
    rotated = next_proof(held(OLD, mode=mode), 2, lambda: NEW)
    assert rotated.parameters == {**held(NEW, OLD, generation=2), "GatewayProof": NEW}
    assert "previous proof is still accepted" in (rotated.advice or "")
    after = next_proof(held(NEW, OLD, generation=2), 2, nothing_is_drawn)
    assert after.parameters == {**held(NEW, generation=2), "GatewayProof": None}


def test_rotating_again_drops_the_oldest() -> None:
    third = next_proof(held(NEW, OLD, generation=2), 3, lambda: "t" * 64)
    assert third.digests == (digest("t" * 64), digest(NEW))


def test_an_older_commit_with_a_lower_generation_is_deployed_and_rotates_nothing() -> None:
    kept = next_proof(held(NEW, generation=3), 2, nothing_is_drawn)
    assert kept.parameters == {**held(NEW, generation=3), "GatewayProof": None}


def test_what_can_be_read_of_a_proof_is_its_hash() -> None:
    drawn = next_proof(None, 1, lambda: NEW)
    assert NEW not in repr(drawn) + str(drawn) + repr(drawn.shown)


def test_another_proof_or_mode_is_another_release() -> None:
    stages = [next_proof(BEFORE, 1, lambda: OLD), next_proof(None, 1, lambda: OLD), next_proof(held(OLD), 2)]
    variables = {"PROOF": {"Ref": "GatewayProofSha256"}, "MODE": {"Ref": "GatewayProofMode"}}
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": variables}}}
    declared = {name: {"Type": "String"} for name in ("GatewayProofSha256", "GatewayProofMode")}
    template = {"Parameters": declared, "Resources": {"F": function}}
    assert len({list_releases(template, each.shown)["F"] for each in stages}) == 3


class Noted:
    def __init__(self) -> None:
        self.given: dict[str, object] = {}

    def create_change_set(self, **given: object) -> None:
        self.given = given


def test_cloudformation_is_asked_to_keep_the_proof_it_has() -> None:
    client = Noted()
    changes = ChangeSet(cast("CloudFormationClient", client), "s", AWS, new=False, name="n")
    changes.create("https://t", next_proof(held(OLD), 1).parameters)
    pairs = cast("list[dict[str, object]]", client.given["Parameters"])
    assert {"ParameterKey": "GatewayProof", "UsePreviousValue": True} in pairs
