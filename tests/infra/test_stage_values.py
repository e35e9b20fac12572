"""Values of a stage file are refused as AWS would refuse them, and accepted as AWS would accept them."""

from collections.abc import Mapping

import pytest
from botocore.session import Session
from samtranslator.model.preferences.deployment_preference_collection import (  # type: ignore[import-untyped]  # no types
    CODEDEPLOY_PREDEFINED_CONFIGURATIONS_LIST,
)

from infra.aws_values import MOST_TAGS, partition_of
from infra.stage import StageError, parse
from infra.stage_rules import place_faults

ACCOUNT = "111122223333"
UUID = "01234567-0123-0123-0123-0123456789ab"
CERTIFICATE = f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/{UUID}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
NO_PROBE = {"probe": {"enabled": False}}
IN_A_VPC: dict[str, object] = {"probe": {"subnets": ["subnet-0123abcd"], "security_groups": ["sg-0123abcd"]}}
LIMITS: list[dict[str, list[str]]] = [{"addresses": ["203.0.113.0/24"]}, {"vpc_endpoints": ["vpce-0123abcd"]}]
GOOD: dict[str, dict[str, object]] = {
    "topic": {"alarms": {"topic": f"arn:aws:sns:eu-west-1:{ACCOUNT}:on-call_1"}},
    "topic in China": {"alarms": {"topic": f"arn:aws-cn:sns:cn-north-1:{ACCOUNT}:on-call"}},
    "email": {"alarms": {"email": "on-call+configsvc@alerts.example.co.uk"}},
    "region of GovCloud": {"region": "us-gov-west-1"},
    "region with three words": {"region": "ap-southeast-5"},
    "role with a path": {"cloudformation_role": f"{ROLE}/platform/deployers/CloudFormation"},
    "boundary of AWS": {"permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess"},
    "boundary with a path": {"permissions_boundary": f"arn:aws:iam::{ACCOUNT}:policy/org/Boundary_1"},
    "path": {"iam_path": "/platform/config-service/"},
    "root path": {"iam_path": "/p/"},
    "administrator of SSO": {"admins": [f"{ROLE}/AWSReservedSSO_Admin_*"]},
    "key administrator": {"key_administrators": [f"{ROLE}/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_A"]},
    "IPv4 address": {"network": {"addresses": ["203.0.113.7", "203.0.113.0/24"]}, **NO_PROBE},
    "IPv6 network": {"network": {"addresses": ["2001:db8::/32"]}, **NO_PROBE},
    "old endpoint": {"network": {"vpc_endpoints": ["vpce-0123abcd"]}, **IN_A_VPC},
    "probe in a VPC": IN_A_VPC,
    "no schedules": {"scheduled": False, "upkeep": {"rotation_days": 30}},
    "web ACL": {"network": {"waf_acl": f"arn:aws:wafv2:eu-west-1:{ACCOUNT}:regional/webacl/front-1/{UUID}"}},
    "tags": {"tags": {"cost-center": "1234", "Größe": "a b_.:/=+-@", "k" * 128: "v" * 256}},
    "many tags": {"tags": {f"t{n}": "v" for n in range(MOST_TAGS)}},
    "domain": {"domain": {"name": "config.xn--bcher-kva.xn--p1ai", "certificate": CERTIFICATE}},
    "reserved and provisioned": {"function": {"reserved_concurrency": 5, "provisioned_concurrency": 5}},
    "multi-region key": {"further_kms_keys": [f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/mrk-{'a' * 32}"]},
}  # fmt: skip
BAD: list[tuple[Mapping[str, object], str]] = [
    ({"function": {"canary": "Canary99Percent7Minutes"}}, "Canary10Percent5Minutes"),
    ({"function": {"canary": "Linear10PercentEvery1Minutes"}}, "Linear10PercentEvery1Minute"),
    ({"function": {"canary": "CodeDeployDefault.LambdaAllAtOnce"}}, "AllAtOnce"),
    ({"function": {"reserved_concurrency": 5, "provisioned_concurrency": 6}}, "above reserved_concurrency 5"),
    ({"function": {"memory_mb": 10241}}, "memory_mb"),
    *(({"api": {"rate": value, "burst": 1}}, "valid integer") for value in (True, "5", "5\n", 5.0)),
    *(({"log_days": value}, "log_days") for value in (True, 2, "365", 365.0)),
    *(({"termination_protection": value}, "valid boolean") for value in ("yes", "false", 1, 0)),
    ({"change_log_days": True}, "valid integer"),
    ({"stack": "aws"}, "alias/aws/"),
    # It would take the place of the stack's own ReaderPlanKey, and all reads with the stack's key be refused.
    *(({"groups": [{"name": name, "rate": 1, "burst": 1}]}, "own API key") for name in ("reader", "reader-")),
    *(({"region": name}, "not an AWS region") for name in ("eu-WEST-1", "eu-west-\uff11", "eu-we_st-1")),
    ({"admins": [f"{ROLE}/a,b"]}, "has a comma"),
    *(({"key_administrators": [f"{ROLE}/{name}"]}, "takes no wildcards") for name in ("p*/a", "p?/a", "/a", "p//a")),
    *(
        ({"network": {"addresses": [address]}}, "did you mean 10.0.0.0/24?")
        for address in ("10.0.0.0/255.255.255.0", "10.0.0.0/0.0.0.255", "10.0.0.0/024")
    ),
    ({"network": {"addresses": ["fe80::1%eth0"]}}, "not written as IAM takes it"),
    ({"network": {"vpc_endpoints": ["vpce-0123abcd"] * 2}}, "twice"),
    ({"reader": {"rate": 2**31, "burst": 1}}, "reader.rate"),
    ({"reader": {"rate": 1, "burst": 1, "quota_per_day": 2**31}}, "quota_per_day"),
    ({"region": "eu-west1"}, "not an AWS region"),
    ({"region": "Europe"}, "not an AWS region"),
    ({"region": "aws-global"}, "not an AWS region"),
    ({"region": "eu-west-1 "}, "not an AWS region"),
    *(
        ({"alarms": {"email": address}}, "not an e-mail address")
        for address in (
            "on-call", "@example.com", "a@b", "a b@example.com", "a..b@example.com", ".a@example.com", "a@-b.example",
            "a@example..com", "a@example.com\n", f"{'a' * 65}@example.com", f"a@{'b' * 64}.example", "a@b@example.com",
            "Jane <jane@example.com>", f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 63}.example",
        )
    ),
    *(
        ({"alarms": {"topic": arn}}, "standard SNS topic")
        for arn in (
            f"arn:aws:sqs:eu-west-1:{ACCOUNT}:queue", f"arn:aws:sns:eu-west-1:{ACCOUNT}:on-call.fifo",
            "arn:aws:sns:eu-west-1:1111:on-call", f"arn:aws:sns::{ACCOUNT}:on-call", "arn:aws:sns:…",
            f"arn:aws:sns:eu-west-1:{ACCOUNT}:on-call:{UUID}",  # a subscription
        )
    ),
    ({"cloudformation_role": f"arn:aws:iam::{ACCOUNT}:user/deploy"}, "IAM role"),
    ({"cloudformation_role": f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/me"}, "IAM role"),
    ({"cloudformation_role": f"{ROLE}/{'a' * 65}"}, "IAM role"),
    ({"permissions_boundary": f"{ROLE}/Boundary"}, "managed policy"),
    ({"permissions_boundary": "Boundary"}, "managed policy"),
    ({"iam_path": "platform"}, "begins and ends with a slash"),
    ({"iam_path": "/platform"}, "begins and ends with a slash"),
    ({"iam_path": f"/{'p' * 511}/"}, "begins and ends with a slash"),
    ({"admins": [f"{ROLE}/path/Admin"]}, "without its path"),
    ({"admins": ["*"]}, "without its path"),
    ({"admins": [f"{ROLE}/Admin,{ROLE}/Other"]}, "admins.0"),
    ({"admins": [f"arn:aws:iam::{ACCOUNT}:role/Admin{n:052}" for n in range(60)]}, "4096 bytes"),
    ({"key_administrators": [f"{ROLE}/Key*"]}, "takes no wildcards"),
    ({"key_administrators": [f"arn:aws:iam::{ACCOUNT}:root"]}, "IAM role or user"),
    ({"cloudformation_role": f"{ROLE}/Deploy", "key_administrators": [f"{ROLE}/Key"]}, "could not change"),
    ({"network": {"addresses": ["10.0.0.1/8"]}}, "did you mean 10.0.0.0/8"),
    ({"network": {"addresses": ["2001:db8::1/32"]}}, "did you mean 2001:db8::/32"),
    ({"network": {"addresses": ["10.0.0.0/33"]}}, "not an IPv4 or IPv6"),
    ({"network": {"addresses": ["office"]}}, "not an IPv4 or IPv6"),
    ({"network": {"vpc_endpoints": ["vpce-0a"]}}, "VPC endpoint"),
    ({"network": {"vpc_endpoints": ["vpc-0123abcd"]}}, "VPC endpoint"),
    ({"network": {"waf_acl": f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/a/{UUID}"}}, "regional web ACL"),
    ({"network": {"waf_acl": f"arn:aws:waf-regional:us-east-1:{ACCOUNT}:webacl/{UUID}"}}, "regional web ACL"),
    *(({"network": limit}, "would shut out the probe") for limit in LIMITS),
    ({"probe": {"subnets": ["subnet-0123abcd"]}}, "subnets and security_groups together"),
    ({"probe": {"security_groups": ["sg-0123abcd"]}}, "subnets and security_groups together"),
    ({"probe": {"subnets": ["sg-0123abcd"], "security_groups": ["sg-0123abcd"]}}, "the id of a subnet"),
    ({"probe": {"subnets": ["subnet-0123abcd"], "security_groups": ["default"]}}, "the id of a security group"),
    ({"probe": {"enabled": False, "max_age_minutes": 20}}, "remove max_age_minutes"),
    ({"probe": {"max_age_minutes": 9}}, "probe.max_age_minutes"),  # two heartbeats
    ({"upkeep": {"rotation_days": 0}}, "upkeep.rotation_days"),
    *(({"scheduled": value}, "valid boolean") for value in ("yes", 1)),
    ({"further_kms_keys": [f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/mine"]}, "not of an alias"),
    *(
        ({"domain": {"name": name, "certificate": CERTIFICATE}}, "domain.name")
        for name in ("config", "Config.example.com", "*.example.com", "-a.example.com", "a_b.example.com", "a..example",
                     f"{'a' * 64}.example.com", "config.example.com.", "10.0.0.1")
    ),
    ({"domain": {"name": "a.example", "certificate": f"arn:aws:iam::{ACCOUNT}:server-certificate/a"}}, "ACM"),
    ({"domain": {"name": "a.example", "certificate": CERTIFICATE,
                 "hosted_zone": "example.com"}}, "hosted zone"),
    ({"policies": ["a.b", "a-b"]}, "a.b and a-b have the same letters"),
    ({"groups": [{"name": "a-b", "rate": 1, "burst": 1}, {"name": "a--b", "rate": 1, "burst": 1}]}, "one group"),
    ({"tags": {"": "v"}}, "1 to 128"),
    ({"tags": {"k" * 129: "v"}}, "1 to 128"),
    ({"tags": {"k": ""}}, "1 to 256"),
    ({"tags": {"k": "v" * 257}}, "1 to 256"),
    ({"tags": {"a&b": "v"}}, "'&'"),
    ({"tags": {"k": "v\n"}}, "use letters"),
    ({"tags": {"aws:team": "v"}}, "reserved"),
    ({"tags": {"AWS:team": "v"}}, "reserved"),
    ({"tags": {"k": "aws:v"}}, "reserved"),
    ({"tags": {"Team": "a", "team": "b"}}, "differ only in case"),
    ({"tags": {f"t{n}": "v" for n in range(MOST_TAGS + 1)}}, "too many"),
    ({"tags": {"k": 1}}, "tags.k"),
    ({"stack": "a" * 61}, "stack"),
    ({"alarms": {"topic": f"arn:aws:sns:eu-west-1:{ACCOUNT}:t"}, "admins": [f"arn:aws-cn:iam::{ACCOUNT}:role/a"]},
     "different partitions"),
]  # fmt: skip


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_values_that_aws_takes_are_taken(content: Mapping[str, object]) -> None:
    parse({"stack": "s", **content})


@pytest.mark.parametrize(("content", "why"), BAD, ids=[f"{why} {number}" for number, (_, why) in enumerate(BAD)])
def test_values_that_aws_refuses_are_refused_before_it_is_asked(content: Mapping[str, object], why: str) -> None:
    with pytest.raises(StageError) as refused:
        parse({"stack": "s", **content})
    assert why in str(refused.value)
    assert "Value error" not in str(refused.value)


@pytest.mark.parametrize("name", CODEDEPLOY_PREDEFINED_CONFIGURATIONS_LIST)
def test_every_canary_that_sam_knows_is_taken(name: str) -> None:
    assert parse({"stack": "s", "function": {"canary": name}}).function.canary == name


@pytest.mark.parametrize("partition", Session().get_available_partitions())
def test_every_region_that_botocore_lists_is_a_region_of_its_partition(partition: str) -> None:
    regions = Session().get_available_regions("lambda", partition)
    assert {partition_of(region) for region in regions} <= {partition}


ELSEWHERE: dict[str, dict[str, object]] = {
    "alarms.topic": {"alarms": {"topic": f"arn:aws:sns:us-east-1:{ACCOUNT}:t"}},
    "network.waf_acl": {"network": {"waf_acl": f"arn:aws:wafv2:us-east-1:{ACCOUNT}:regional/webacl/a/{UUID}"}},
    "domain.certificate": {
        "domain": {"name": "a.example", "certificate": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/{UUID}"}
    },
}


@pytest.mark.parametrize(("name", "content"), ELSEWHERE.items(), ids=ELSEWHERE)
def test_what_must_be_in_the_region_of_the_stack_is(name: str, content: Mapping[str, object]) -> None:
    with pytest.raises(StageError, match=f"{name} is in us-east-1, and the stack is in eu-west-1"):
        parse({"stack": "s", "region": "eu-west-1", **content})
    assert list(place_faults(parse({"stack": "s", **content}), "eu-west-1")), "the region of the credentials"
    assert not list(place_faults(parse({"stack": "s", **content}), "us-east-1"))


def test_what_must_be_of_the_account_of_the_stack_is() -> None:
    stage = parse(
        {
            "stack": "s",
            "cloudformation_role": f"{ROLE}/Deploy",
            "permissions_boundary": "arn:aws:iam::444455556666:policy/Boundary",
        }
    )
    assert list(place_faults(stage, "eu-west-1", ACCOUNT)) == [
        f"permissions_boundary is of account 444455556666, and the stack is in {ACCOUNT}"
    ]
    of_aws = parse({"stack": "s", "permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess"})
    assert not list(place_faults(of_aws, "eu-west-1", ACCOUNT))


def test_arns_of_another_partition_than_the_region_are_refused() -> None:
    with pytest.raises(StageError, match="eu-west-1 is in the partition aws, and these are not: arn:aws-cn:iam"):
        parse({"stack": "s", "region": "eu-west-1", "admins": [f"arn:aws-cn:iam::{ACCOUNT}:role/Admin"]})


def test_errors_of_several_parts_are_reported_together() -> None:
    with pytest.raises(StageError) as refused:
        parse(
            {
                "stack": "s",
                "tags": {"aws:a": "b"},
                "function": {"snapstart": True, "provisioned_concurrency": 1},
                "table": {"name": "restored"},
                "alarms": {"email": "x"},
            }
        )
    assert [line.split(":")[0].strip() for line in str(refused.value).splitlines()[1:]] == [
        "tags", "alarms.email", "function", "table",
    ]  # fmt: skip


def test_errors_of_parts_and_between_parts_are_reported_together() -> None:
    """pydantic looks at the whole only if its parts are valid."""
    content = {
        "stack": "configsvc-prod", "region": "eu-west-1", "log_days": 2,
        "permissions_boundary": "arn:aws-cn:iam::111122223333:policy/B", "policies": ["*", "*"],
    }  # fmt: skip
    with pytest.raises(StageError) as raised:
        parse(content)
    said = str(raised.value)
    assert "log_days: 2 is not one of 1, 3" in said
    assert "arn:aws-cn:iam::111122223333:policy/B" in said
    assert "policies: two have the same name" in said


def test_what_depends_on_a_wrong_part_is_not_reported() -> None:
    with pytest.raises(StageError) as raised:
        parse({"stack": "9", "table": {"name": "restored", "kms_key": "alias/x"}})
    assert len(str(raised.value).splitlines()) == 3, "the heading, the stack, the key"
