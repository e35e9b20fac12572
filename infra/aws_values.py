"""Values of a stage file as AWS takes them: ARNs, addresses, names and tags. Wrong ones would fail minutes later."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated

from botocore.loaders import Loader
from pydantic import AfterValidator, Field

from configsvc.model.errors import InvalidName
from configsvc.model.grants import parse_admin_pattern

MOST_TAGS = 49
"""AWS takes 50 tags for a resource, and SAM adds `lambda:createdBy` to the function."""
_TAG_KEY, _TAG_VALUE = 128, 256
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = rf"(?=.{{1,253}}$)(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,58}}[a-z0-9])"
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_MAILBOX_LENGTH, _LOCAL_LENGTH = 254, 64
_PARTITION = r"arn:aws(?:-[a-z]+)*"
_REGION, _ACCOUNT = r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+", r"[0-9]{12}"
_IAM_NAME = (
    r"(?:[!-)+-.0->@-~]{1,510}/)*[A-Za-z0-9_+=,.@-]"  # a path without wildcards, as IAM would take it for a pattern
)
_PREFIXED = r"[^/%]+(?:/(?:0|[1-9][0-9]{0,2}))?"  # no netmask and no zone, which Python takes and IAM does not
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _matches(pattern: str, wanted: str) -> AfterValidator:
    """Require the whole text to match, and say in words what is wanted."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{text!r} is not {wanted}")
        return text

    return AfterValidator(check)


def one_of(*allowed: int) -> AfterValidator:
    """Require one of these numbers. `Literal` would take `true` for 1."""

    def check(number: int) -> int:
        if number not in allowed:
            raise ValueError(f"{number} is not one of {', '.join(map(str, allowed))}")
        return number

    return AfterValidator(check)


def _admin(text: str) -> str:
    if "," in text:
        raise ValueError(f"{text!r} has a comma, which separates administrators in the parameter; use * in its place")
    try:
        return parse_admin_pattern(text)
    except InvalidName as error:
        raise ValueError(
            f"{text!r} is not an ARN of a role or user without its path, with * only in the name"
        ) from error


def _cidr(text: str) -> str:
    """IAM compares addresses with networks, so host bits are a mistake of the writer."""
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is not an IPv4 or IPv6 address or network, such as 203.0.113.0/24") from None
    if not re.fullmatch(_PREFIXED, text):
        raise ValueError(f"{text!r} is not written as IAM takes it; did you mean {meant.with_prefixlen.split('%')[0]}?")
    if ipaddress.ip_interface(text).ip != meant.network_address:
        raise ValueError(f"{text!r} has bits set after the prefix; did you mean {meant}?")
    return text


def _region(text: str) -> str:
    try:
        partition_of(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an AWS region, such as eu-west-1") from None
    return text


def partition_of(region: str) -> str:
    """Return the partition of the region, by the regular expressions that botocore ships.

    Raises:
        ValueError: no partition has regions of that name.
    """
    partitions = Loader().load_data("partitions")["partitions"]
    found = (each["id"] for each in partitions if re.fullmatch(each["regionRegex"].strip("^$"), region))
    if not re.fullmatch("[a-z0-9-]+", region):  # botocore's expressions take capitals, underscores and other scripts
        raise ValueError(f"no partition has a region {region}")
    partition: str | None = next(found, None)
    if partition is None:
        raise ValueError(f"no partition has a region {region}")
    return partition


def _mailbox(text: str) -> str:
    """RFC 5321 without quotes and comments, which SNS does not need."""
    local, _, domain = text.rpartition("@")
    fits = len(text) <= _MAILBOX_LENGTH and len(local) <= _LOCAL_LENGTH
    if not (fits and re.fullmatch(_LOCAL, local) and re.fullmatch(_DOMAIN, domain.lower())):
        raise ValueError(f"{text!r} is not an e-mail address")
    return text


def _tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    faults = [fault for key, value in tags.items() for fault in _tag_faults(key, value)]
    if len(tags) > MOST_TAGS:
        faults.append(f"{len(tags)} tags are too many; AWS takes 50, one of which SAM adds to the function")
    lower = [key.lower() for key in tags]
    if twice := sorted({key for key in tags if lower.count(key.lower()) > 1}):
        faults.append(f"{' and '.join(twice)} differ only in case, which IAM takes for one key")
    if faults:
        raise ValueError("; ".join(faults))
    return tags


def _tag_faults(key: str, value: str) -> list[str]:
    """As the API references of CloudFormation, IAM and S3 restrict tags; an empty value CloudFormation refuses."""
    faults = []
    for what, text, most in (("key", key, _TAG_KEY), ("value", value, _TAG_VALUE)):
        if not 1 <= len(text) <= most:
            faults.append(f"the {what} of tag {key[:40]!r} must have 1 to {most} characters")
        if wrong := sorted({each for each in text if not _fits_a_tag(each)}):
            faults.append(
                f"the {what} of tag {key[:40]!r} has {''.join(wrong)!r}; use letters, digits, spaces, _.:/=+-@"
            )
        if text.lower().startswith("aws:"):
            faults.append(f"the {what} of tag {key[:40]!r} begins with aws:, which is reserved")
    return faults


def _fits_a_tag(character: str) -> bool:
    return character in "_.:/=+-@" or unicodedata.category(character)[0] in "LZN"


def arn_parts(arn: str) -> tuple[str, str, str]:
    """Return the partition, region and account of an ARN."""
    _, partition, _, region, account, _ = arn.split(":", 5)
    return partition, region, account


AdminPattern = Annotated[str, AfterValidator(_admin)]
Address = Annotated[str, AfterValidator(_cidr)]
RegionName = Annotated[str, AfterValidator(_region)]
Email = Annotated[str, AfterValidator(_mailbox)]
Tags = Annotated[dict[str, str], AfterValidator(_tags)]
DomainName = Annotated[str, _matches(_DOMAIN, "a domain name in lower case, such as config.example.com")]
HostedZone = Annotated[str, _matches(r"Z[A-Z0-9]{1,31}", "the id of a hosted zone, such as Z2FDTNDATAQYW2")]
VpcEndpoint = Annotated[str, _matches(r"vpce-(?:[0-9a-f]{8}|[0-9a-f]{17})", "the id of a VPC endpoint")]
Subnet = Annotated[str, _matches(r"subnet-(?:[0-9a-f]{8}|[0-9a-f]{17})", "the id of a subnet")]
SecurityGroup = Annotated[str, _matches(r"sg-(?:[0-9a-f]{8}|[0-9a-f]{17})", "the id of a security group")]
TopicArn = Annotated[
    str, _matches(rf"{_PARTITION}:sns:{_REGION}:{_ACCOUNT}:[A-Za-z0-9_-]{{1,256}}", "the ARN of a standard SNS topic")
]
CertificateArn = Annotated[
    str, _matches(rf"{_PARTITION}:acm:{_REGION}:{_ACCOUNT}:certificate/{_UUID}", "the ARN of an ACM certificate")
]
WebAclArn = Annotated[
    str,
    _matches(
        rf"{_PARTITION}:wafv2:{_REGION}:{_ACCOUNT}:regional/webacl/[A-Za-z0-9_-]{{1,128}}/[A-Za-z0-9-]{{1,36}}",
        "the ARN of a regional web ACL of AWS WAF (not a CLOUDFRONT or Classic one)",
    ),
]
KmsKeyArn = Annotated[
    str,
    _matches(rf"{_PARTITION}:kms:{_REGION}:{_ACCOUNT}:key/[A-Za-z0-9-]+", "the ARN of a KMS key (not of an alias)"),
]
PrincipalArn = Annotated[
    str,
    _matches(
        rf"{_PARTITION}:iam::{_ACCOUNT}:(?:role|user)/{_IAM_NAME}{{1,64}}",
        "the ARN of an IAM role or user; a key policy takes no wildcards",
    ),
]
RoleArn = Annotated[str, _matches(rf"{_PARTITION}:iam::{_ACCOUNT}:role/{_IAM_NAME}{{1,64}}", "the ARN of an IAM role")]
Account = Annotated[str, _matches(_ACCOUNT, "an AWS account ID: twelve digits, in quotes")]
Organization = Annotated[str, _matches(r"o-[a-z0-9]{10,32}", "the ID of an AWS organization, such as o-a1b2c3d4e5")]
PolicyArn = Annotated[
    str,
    _matches(rf"{_PARTITION}:iam::(?:{_ACCOUNT}|aws):policy/{_IAM_NAME}{{1,128}}", "the ARN of an IAM managed policy"),
]
IamPath = Annotated[
    str,
    _matches(
        r"(?=.{1,512}$)/(?:[A-Za-z0-9.,+@=_-]+/)+",
        "a path of IAM that begins and ends with a slash, such as /platform/",
    ),
]
Switch = Annotated[bool, Field(strict=True)]
"""`true` or `false`: a text such as "no" is a mistake of the writer."""
Integer = Annotated[int, Field(strict=True, le=2**31 - 1)]
"""A number that CloudFormation takes for an integer; not `true`, which Python takes for 1."""
Whole = Annotated[Integer, Field(ge=1)]
