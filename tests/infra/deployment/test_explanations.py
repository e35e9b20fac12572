"""Each of AWS's messages gets its own advice and no other. messages.toml names their public sources."""

import tomllib
from pathlib import Path

import pytest

from infra.deployment.explanations import advise, with_advice

_USER = "User: arn:aws:iam::777788889999:user/JohnDoe is not authorized to perform: "
# The IAM User Guide, "Troubleshoot access denied error messages", has the form of each of these.
_DENIED_BY = {
    "because no service control policy allows the codecommit:ListRepositories action": "service control policy (SCP)",
    "with an explicit deny in a service control policy": "service control policy (SCP)",
    # Since January 2026 the message names the policy's ARN.
    "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/service_control_policy/p-1":
        "service control policy (SCP)",
    "because no resource control policy allows the codecommit:ListRepositories action": "resource control policy (RCP)",
    "with an explicit deny in a resource control policy": "resource control policy (RCP)",
    "because no VPC endpoint policy allows the codecommit:ListRepositories action": "VPC endpoint",
    "with an explicit deny in a VPC endpoint policy": "VPC endpoint",
    "because no permissions boundary allows the codecommit:ListRepositories action": "permissions boundary",
    "with an explicit deny in a permissions boundary": "permissions boundary",
    "because no session policy allows the codecommit:ListRepositories action": "session policy",
    "with an explicit deny in a session policy": "session policy",
    "because no resource-based policy allows the codecommit:ListRepositories action": "policy of the resource",
    "with an explicit deny in a resource-based policy": "policy of the resource",
    "with an explicit deny in the role trust policy": "trust policy blocks",
    "because no identity-based policy allows the codecommit:ListRepositories action": "lacks "
    "codecommit:ListRepositories",
    "with an explicit deny in an identity-based policy": "denies codecommit:ListRepositories explicitly",
    # chalice #1716: older services name no kind.
    "on resource: arn:aws:iam::0000000:role/test1-dev with an explicit deny": "denies "
    "codecommit:ListRepositories explicitly",
    "": "lacks codecommit:ListRepositories",
}  # fmt: skip

_KNOWN = tomllib.loads((Path(__file__).parent / "messages.toml").read_text())
_MESSAGES = [(each["text"], each["advice"]) for each in _KNOWN["message"]]


@pytest.mark.parametrize(("reason", "expected"), list(_DENIED_BY.items()))
def test_a_denial_is_explained_by_the_policy_that_denies(reason: str, expected: str) -> None:
    advice = advise(f"{_USER}codecommit:ListRepositories {reason}")
    assert advice is not None
    assert expected in advice
    if "identity-based policy allows" not in reason and reason:
        assert "Allow it" not in advice, "a Deny, a boundary and an SCP win over every Allow"


@pytest.mark.parametrize(("message", "beginning"), _MESSAGES)
def test_a_message_gets_its_own_advice(message: str, beginning: str) -> None:
    assert (advise(message) or "").startswith(beginning)


def test_no_two_kinds_of_message_share_their_advice() -> None:
    by_beginning: dict[str, set[str | None]] = {}
    for message, beginning in _MESSAGES:
        by_beginning.setdefault(beginning, set()).add(advise(message))
    assert all(len(found) == 1 for found in by_beginning.values())
    assert len({next(iter(found)) for found in by_beginning.values()}) == len(by_beginning)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            # aws/aws-cdk-cli #1449 has the form: an IAM error, whatever else it names
            (
                f"{_USER}codedeploy:CreateDeployment on resource: arn:aws:codedeploy:us-east-1:1:group "
                "because no identity-based policy allows the codedeploy:CreateDeployment action"
            ),
            "lacks codedeploy:CreateDeployment",
        ),
        (
            (
                f"{_USER}cloudwatch:PutMetricAlarm on resource: arn:aws:cloudwatch:us-east-1:1:alarm:in-ALARM with an "
                "explicit deny in a service control policy"
            ),
            "service control policy (SCP)",
        ),
        (f"{_USER}sts:AssumeRole on resource: arn:aws:iam::1:role/r", "the role must trust it"),
        (
            # aws/karpenter-provider-aws #7370: the encoded message may hold anything
            (
                f"You are not authorized to perform this operation. {_USER}ec2:RunInstances on resource: r with an "
                "explicit deny in a service control policy. Encoded authorization failure message: g4oZPBqZ4Bni8dE5"
            ),
            "service control policy (SCP)",
        ),
    ],
)
def test_a_denial_that_mentions_other_things_stays_a_denial(message: str, expected: str) -> None:
    assert expected in (advise(message) or "")


@pytest.mark.parametrize("message", _KNOWN["unknown"]["texts"])
def test_an_unknown_message_gets_no_advice(message: str) -> None:
    assert advise(message) is None


def test_the_same_advice_is_given_once() -> None:
    said = with_advice("Failed.", "A conflicting deployment is in progress", "A conflicting deployment is in progress")
    assert said.count("CodeDeploy still shifts") == 1
