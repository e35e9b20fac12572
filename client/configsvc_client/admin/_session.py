"""AWS credentials and region of the person at the keyboard: variables, profiles, SSO, all that botocore knows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from configsvc.model.errors import Misconfigured
from configsvc_client._chain import Chain
from configsvc_client._credentials import Find, in_variables
from configsvc_client._hidden import hidden
from configsvc_client._kms import profile_in, signed_for
from configsvc_client._partitions import region_in
from configsvc_client._sigv4 import Credentials
from configsvc_client._url import Url

_REGION = re.compile(r"[a-z0-9-]+")


def region_of(environ: Mapping[str, str], url: Url) -> str:
    """The region that signatures name: AWS_REGION, AWS_DEFAULT_REGION, the API's host name's, or the AWS profile's.

    Raises:
        Misconfigured: none of them tells it, or a variable holds no region.
    """
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        named = environ.get(name)
        if named and not _REGION.fullmatch(named):
            raise Misconfigured(f"{name} is {named!r}, which is not a region like eu-central-1.")
        if named:
            return signed_for(named)
    found = region_in(url.name) or profile_in(environ).get("region", "")
    if not found:
        raise Misconfigured("The AWS region is not known. Set AWS_REGION to the API's region.")
    if not _REGION.fullmatch(found):
        raise Misconfigured(f"region in your AWS profile is {found!r}, which is not a region like eu-central-1.")
    return signed_for(found)


def finder(environ: Mapping[str, str]) -> Find:
    """A function that finds the credentials: in the variables as they are then, or by botocore's chain."""
    chain = Chain(environ.get("AWS_PROFILE") or None, environ.get("AWS_REGION") or None)
    variables = hidden(environ)

    def find(deadline: float) -> Credentials:
        return in_variables(variables) or chain.find(deadline)

    return find
