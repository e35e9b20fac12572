"""An alias that was moved by hand, or left between two versions: found before a deployment, and set right "
"after asking."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from infra.deployment.alias import Alias, Mending, mend, plan_mending, read_alias
from infra.deployment.stack import Declined

ARN = "arn:aws:lambda:eu-west-1:1:function:f:live"


def alias(version: str, **weights: float) -> Alias:
    return Alias("f", version, {name.removeprefix("v"): share for name, share in weights.items()}, "r1")


@pytest.mark.parametrize(
    ("found", "canary", "wanted"),
    [
        (alias("13"), True, None),
        (alias("13"), False, None),
        # CodeDeploy begins at the stack's version only (aws/serverless-application-model #291).
        (alias("11"), True, "13"),
        # CloudFormation alone moves the alias from wherever it is.
        (alias("11"), False, None),
        # update-alias --function-version leaves the weights of a canary.
        (alias("13", v14=0.1), True, "13"),
        (alias("13", v14=0.1), False, "13"),
        (alias("11", v14=0.1), True, "13"),
        (alias("11", v14=0.1), False, "11"),
    ],
)
def test_what_a_deployment_needs_of_the_alias(found: Alias, *, canary: bool, wanted: str | None) -> None:
    mending = plan_mending(found, "13", canary=canary)
    assert (mending.version if mending else None) == wanted


def test_a_stack_that_does_not_say_its_version_moves_nothing() -> None:
    assert plan_mending(alias("11"), None, canary=True) is None


def test_an_alias_says_who_serves() -> None:
    assert str(alias("13")) == "Version 13 serves all requests."
    assert str(alias("12", v13=0.1)) == "Version 13 serves 10% of the requests, version 12 the rest."


def test_the_alias_is_read_with_its_weights() -> None:
    client = boto3.client("lambda", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="s")
    with Stubber(client) as stub:
        stub.add_response(
            "get_alias",
            {"AliasArn": ARN, "FunctionVersion": "12", "RevisionId": "r1",
             "RoutingConfig": {"AdditionalVersionWeights": {"13": 0.1}}},
            {"FunctionName": "f", "Name": "live"},
        )  # fmt: skip
        stub.add_client_error("get_alias", "ResourceNotFoundException", "Cannot find alias arn", 404)
        stub.add_client_error("get_alias", "AccessDeniedException", "no", 403)
        assert read_alias(client, "f") == alias("12", v13=0.1)
        assert read_alias(client, "f") is None
        with pytest.raises(ClientError, match="AccessDenied"):
            read_alias(client, "f")


def test_mending_sets_version_and_weights_in_one_call_unless_somebody_else_changed_it() -> None:
    client = boto3.client("lambda", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="s")
    sent = {
        "FunctionName": "f", "Name": "live", "FunctionVersion": "13", "RevisionId": "r1",
        "RoutingConfig": {"AdditionalVersionWeights": {}},
    }  # fmt: skip
    said = list[str]()
    with Stubber(client) as stub:
        stub.add_response("update_alias", {"AliasArn": ARN, "FunctionVersion": "13"}, sent)
        mend(client, Mending(alias("11"), "13"), said.append, lambda _: True, unattended=False)
        stub.add_client_error(
            "update_alias", "PreconditionFailedException", "The RevisionId provided does not match", 412
        )
        with pytest.raises(ClientError, match="RevisionId"):
            mend(client, Mending(alias("11"), "13"), said.append, lambda _: True, unattended=False)
    assert "do not set it back: deploy with CANARY=no" in "\n".join(said)


@pytest.mark.parametrize(
    ("found", "unattended"), [(alias("11"), True), (alias("11"), False), (alias("13", v14=0.1), False)]
)
def test_without_a_person_who_agrees_nothing_changes(found: Alias, *, unattended: bool) -> None:
    client = boto3.client("lambda", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="s")
    with Stubber(client), pytest.raises(Declined, match="Nothing was changed"):
        mend(client, Mending(found, "13"), lambda _: None, lambda _: unattended, unattended=unattended)


def test_unattended_it_still_takes_weights_away() -> None:
    """No version gets requests that it does not get now."""
    client = boto3.client("lambda", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="s")
    with Stubber(client) as stub:
        stub.add_response("update_alias", {"AliasArn": ARN, "FunctionVersion": "13"})
        mend(client, Mending(alias("13", v14=0.1), "13"), lambda _: None, lambda _: True, unattended=True)
        stub.assert_no_pending_responses()
