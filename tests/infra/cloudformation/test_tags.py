"""CloudFormation gives the stack's tags to every resource that takes tags. The others are listed with the reason."""

from __future__ import annotations

import pytest

from infra.packaging.service_zip import Package
from infra.stage import load, load_unfinished
from tests.infra.cloudformation.test_options import EVERYTHING, RESTORED, expanded
from tests.support.infra.schemas import schema_of

# AWS has no tags for them, by the schemas that CloudFormation publishes.
UNTAGGED = {
    "AWS::ApiGateway::BasePathMapping": "part of a domain",
    "AWS::ApiGateway::Deployment": "part of an API",
    "AWS::ApiGateway::UsagePlanKey": "joins an API key and a usage plan, which have tags",
    "AWS::IAM::ManagedPolicy": "IAM tags policies, CloudFormation does not",
    "AWS::KMS::Alias": "part of a key",
    "AWS::Lambda::Alias": "part of a function",
    "AWS::Lambda::EventInvokeConfig": "part of a function",
    "AWS::Lambda::Permission": "part of a function",
    "AWS::Lambda::ResourcePolicy": "part of a function",
    "AWS::Lambda::Version": "part of a function",
    "AWS::Logs::MetricFilter": "part of a log group",
    "AWS::Logs::QueryDefinition": "a text that is saved for people",
    "AWS::Route53::RecordSet": "part of a zone",
    "AWS::SNS::Subscription": "part of a topic",
    "AWS::SNS::TopicPolicy": "part of a topic",
    "AWS::WAFv2::WebACLAssociation": "joins a web ACL and an API",
}


@pytest.fixture(scope="module")
def kinds(built_package: Package) -> set[str]:
    templates = [
        expanded(built_package, stage) for stage in (EVERYTHING, RESTORED, load_unfinished("prod"), load("dev"))
    ]
    return {each["Type"] for template in templates for each in template["Resources"].values()}


def test_every_resource_type_takes_the_tags_of_the_stack_or_is_listed(kinds: set[str]) -> None:
    untagged = {each for each in kinds if not schema_of(each)["tagging"]["taggable"]}
    assert untagged == set(UNTAGGED)


def test_what_takes_tags_gets_them_as_it_is_made(kinds: set[str]) -> None:
    """A service control policy that requires tags is asked at the creation."""
    assert {each for each in kinds - set(UNTAGGED) if not schema_of(each)["tagging"]["tagOnCreate"]} == set()
