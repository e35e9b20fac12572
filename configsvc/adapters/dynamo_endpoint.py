"""Where DynamoDB is: its region, and its URL in that region's partition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from botocore.exceptions import InvalidRegionError, NoRegionError
from botocore.utils import is_valid_endpoint_url

_REGION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_COMMERCIAL = ("amazonaws.com", "api.aws")
_SUFFIXES = {
    "cn": ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "eusc": ("amazonaws.eu", "api.amazonwebservices.eu"),
    "us-iso": ("c2s.ic.gov", "api.aws.ic.gov"),
    "us-isob": ("sc2s.sgov.gov", "api.aws.scloud"),
    "eu-isoe": ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    "us-isof": ("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
}
"""The DNS suffixes of each partition by how its regions begin: the usual one, and that of dual-stack endpoints."""

_GOVERNMENT = "us-gov-"
_SCHEMES = ("http://", "https://")
_ON = frozenset({"true"})


class DynamoEndpoint(NamedTuple):
    """The URL without a path, and the region that requests are signed for."""

    url: str
    region: str


def locate_dynamodb(environ: Mapping[str, str]) -> DynamoEndpoint:
    """Locates DynamoDB as botocore does from environment variables.

    Raises:
        NoRegionError, InvalidRegionError
        ValueError: the endpoint of the environment is not a URL of http or https.
    """
    region = environ.get("AWS_DEFAULT_REGION") or environ.get("AWS_REGION") or ""
    _check_region(region)
    configured = "" if _is_on(environ, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") else _get_configured(environ)
    if configured:
        _check_endpoint(configured)
    return DynamoEndpoint(configured.rstrip("/") or _build_url(region, environ), region)


def _check_region(region: str) -> None:
    if not region:
        raise NoRegionError
    if not _REGION.fullmatch(region):
        raise InvalidRegionError(region_name=region)


def _check_endpoint(url: str) -> None:
    """Refuses what no request can be sent to. An address without `https://` would be a path, or use plain http."""
    if not url.lower().startswith(_SCHEMES) or not is_valid_endpoint_url(url):
        raise ValueError("AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_DYNAMODB is not a URL of http or https")


def _get_configured(environ: Mapping[str, str]) -> str:
    return environ.get("AWS_ENDPOINT_URL_DYNAMODB") or environ.get("AWS_ENDPOINT_URL") or ""


def _build_url(region: str, environ: Mapping[str, str]) -> str:
    """FIPS endpoints have a name of their own, but in GovCloud the usual ones are FIPS endpoints."""
    fips, dual = _is_on(environ, "AWS_USE_FIPS_ENDPOINT"), _is_on(environ, "AWS_USE_DUALSTACK_ENDPOINT")
    name = "dynamodb-fips" if fips and (dual or not region.startswith(_GOVERNMENT)) else "dynamodb"
    return f"https://{name}.{region}.{_find_suffixes(region)[dual]}"


def _find_suffixes(region: str) -> tuple[str, str]:
    begins = [begin for begin in _SUFFIXES if region.startswith(f"{begin}-")]
    return _SUFFIXES[begins[0]] if begins else _COMMERCIAL


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").lower() in _ON
