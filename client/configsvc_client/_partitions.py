"""AWS's partitions: which one a region belongs to, and under which domains its endpoints are.

Only loaded where a region is not of the commercial partition, or where FIPS or dual-stack endpoints are asked for. The
table is botocore's (`partitions.json`); a test holds it against the installed one.
"""

from __future__ import annotations

import re

from configsvc.model.errors import Misconfigured
from configsvc.model.record import Record

_PSEUDO = "-global"


class Partition(Record):
    """A partition, by its id in ARNs."""

    name: str
    regions: str
    suffix: str
    dual_stack: str


_PARTITIONS = (
    Partition("aws", "us|eu|ap|sa|ca|me|af|il|mx", "amazonaws.com", "api.aws"),
    Partition("aws-cn", "cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    Partition("aws-eusc", "eusc-de", "amazonaws.eu", "api.amazonwebservices.eu"),
    Partition("aws-iso", "us-iso", "c2s.ic.gov", "api.aws.ic.gov"),
    Partition("aws-iso-b", "us-isob", "sc2s.sgov.gov", "api.aws.scloud"),
    Partition("aws-iso-e", "eu-isoe", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    Partition("aws-iso-f", "us-isof", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    Partition("aws-us-gov", "us-gov", "amazonaws.com", "api.aws"),
)
_WITHOUT_DUAL_STACK = frozenset({"aws-iso-e", "aws-iso-f"})
"""Where botocore refuses the dual-stack endpoints, though it knows their domain."""


def partition_of(region: str) -> Partition | None:
    """The partition whose regions are spelled so, today's and tomorrow's; None where there is none."""
    for each in _PARTITIONS:
        if region == f"{each.name}{_PSEUDO}" or re.fullmatch(rf"(?:{each.regions})-\w+-[0-9]+", region, re.ASCII):
            return each
    return None


def is_region(region: str, partition: str) -> bool:
    """Whether a region is spelled as those of a partition are. Its pseudo regions, such as aws-global, are none."""
    found = partition_of(region)
    return found is not None and found.name == partition and not region.endswith(_PSEUDO)


def host(service: str, region: str, *, fips: bool, dual_stack: bool) -> str:
    """The host of a service in a region. A region of no known partition counts as one of the commercial partition.

    Raises:
        Misconfigured: dual-stack endpoints are asked for where there are none.
    """
    found = partition_of(region) or _PARTITIONS[0]
    if dual_stack and found.name in _WITHOUT_DUAL_STACK and not region.endswith(_PSEUDO):
        raise Misconfigured(
            f"AWS has no dual-stack endpoints in {region}. Unset AWS_USE_DUALSTACK_ENDPOINT, or use_dualstack_endpoint "
            "in your AWS profile."
        )
    return f"{service}{'-fips' if fips else ''}.{region}.{found.dual_stack if dual_stack else found.suffix}"


def region_in(api_host: str) -> str | None:
    """The region in the host name of an API of API Gateway's own; None for any other host."""
    suffixes = "|".join(re.escape(each.suffix) for each in _PARTITIONS)
    found = re.fullmatch(rf"[a-z0-9-]+\.execute-api\.([a-z0-9-]+)\.({suffixes})", api_host, re.ASCII)
    return found[1] if found and (partition_of(found[1]) or _PARTITIONS[0]).suffix == found[2] else None
