"""Profiles in AWS's shared configuration files, and the endpoints of each partition, both as in botocore.

Loaded only if such a file exists or the region is unusual. Botocore itself would add 100 ms to a start, and may not be
installed.
"""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Mapping

from configsvc.model.errors import Misconfigured
from configsvc.model.record import Record

_Sections = dict[str, dict[str, str]]
_SERVICES = "services"
KMS_URL, LACKS = "endpoint_url of kms", "lacks"
"""Members that we add: KMS's `endpoint_url` from the `services` of a profile, and what is wrong with them."""


def read_profile(config: str, credentials: str, name: str) -> Mapping[str, str]:
    """Reads the members of a profile; empty if the profile does not exist.

    Args:
        config: the path of the configuration file, which may not exist.
        credentials: the path of the credentials file, which takes precedence and may not exist either.
        name: the name of the profile.

    Raises:
        Misconfigured: a file is not in AWS's format.
    """
    sections = _parse_file(config)
    found = _select_profiles(sections).get(name, {}) | _parse_file(credentials).get(name, {})
    if _SERVICES in found:
        services = {_parse_name(each): of for each, of in sections.items() if each.startswith(_SERVICES)}
        lacks = f"The AWS profile {name} names services = {found[_SERVICES]}, but {config} has no such section. Add it."
        found |= _select_kms(services[found[_SERVICES]]) if found[_SERVICES] in services else {LACKS: lacks}
    return found


def _parse_file(path: str) -> _Sections:
    parser = configparser.RawConfigParser()
    try:
        parser.read([path])
    except (configparser.Error, UnicodeDecodeError) as error:  # raised below without this error, which shows a line
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
    else:
        return {section: dict(parser.items(section)) for section in parser.sections()}
    raise Misconfigured(
        f"{path} is not a valid AWS configuration file. Correct it, or set AWS_CONFIG_FILE or "
        "AWS_SHARED_CREDENTIALS_FILE to another."
    )


def _select_profiles(sections: _Sections) -> _Sections:
    """Maps names to profiles: `[profile x]` and `[default]`. The later of two `default` counts, as for botocore."""
    named = {each if each == "default" else _parse_name(each): of for each, of in sections.items() if _is_profile(each)}
    return {name: of for name, of in named.items() if name is not None}


def _is_profile(section: str) -> bool:
    return section == "default" or section.startswith("profile")


def _parse_name(section: str) -> str | None:
    """Returns the name after the kind of a section, which may be quoted; None if it is not one word."""
    try:
        words = shlex.split(section)
    except ValueError as error:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        return None
    return words[1] if len(words) == 2 else None  # noqa: PLR2004  # the kind and the name


def _select_kms(services: Mapping[str, str]) -> dict[str, str]:
    """Returns the `endpoint_url` among the lines indented below `kms =`."""
    lines = (line.partition("=") for line in services.get("kms", "").splitlines())
    nested = {name.strip(): value.strip() for name, _, value in lines}
    return {KMS_URL: nested["endpoint_url"]} if nested.get("endpoint_url") else {}


_PSEUDO = "-global"


class Partition(Record):
    """An AWS partition, named as in ARNs."""

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
"""Partitions where botocore refuses dual-stack endpoints although it knows their domain."""


def find_partition(region: str) -> Partition | None:
    """Finds the partition by a region's spelling, so that new regions work too; None if no partition matches."""
    for each in _PARTITIONS:
        if region == f"{each.name}{_PSEUDO}" or re.fullmatch(rf"(?:{each.regions})-\w+-[0-9]+", region, re.ASCII):
            return each
    return None


def is_region(region: str, partition: str) -> bool:
    """Whether a region is spelled like those of a partition. Pseudo regions such as aws-global do not count."""
    found = find_partition(region)
    return found is not None and found.name == partition and not region.endswith(_PSEUDO)


def build_host(service: str, region: str, *, fips: bool, dual_stack: bool) -> str:
    """Builds the host of a service in a region. An unknown region counts as one of the commercial partition.

    Raises:
        Misconfigured: the region has no dual-stack endpoints.
    """
    found = find_partition(region) or _PARTITIONS[0]
    if dual_stack and found.name in _WITHOUT_DUAL_STACK and not region.endswith(_PSEUDO):
        raise Misconfigured(
            f"AWS has no dual-stack endpoints in {region}. Unset AWS_USE_DUALSTACK_ENDPOINT, or use_dualstack_endpoint "
            "in your AWS profile."
        )
    return f"{service}{'-fips' if fips else ''}.{region}.{found.dual_stack if dual_stack else found.suffix}"


def find_api_region(api_host: str) -> str | None:
    """Returns the region in a host name of API Gateway; None for any other host."""
    suffixes = "|".join(re.escape(each.suffix) for each in _PARTITIONS)
    found = re.fullmatch(rf"[a-z0-9-]+\.execute-api\.([a-z0-9-]+)\.({suffixes})", api_host, re.ASCII)
    return found[1] if found and (find_partition(found[1]) or _PARTITIONS[0]).suffix == found[2] else None
