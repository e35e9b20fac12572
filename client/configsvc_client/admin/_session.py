"""AWS credentials and region of the person at the keyboard: variables, profiles, SSO, all that botocore knows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

from configsvc.model.errors import Misconfigured
from configsvc_client._chain import Chain
from configsvc_client._credentials import Find, in_variables
from configsvc_client._hidden import hidden
from configsvc_client._kms import profile_in, signed_for
from configsvc_client._partitions import region_in
from configsvc_client._sigv4 import Credentials
from configsvc_client._url import Url

_REGION = re.compile(r"[a-z0-9-]+")
_KEPT = 60.0
"""Seconds for which botocore's credentials are used again: it renews them minutes before they expire."""


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


class OwnCredentials:
    """AWS credentials of the variables as they are now, or of botocore's chain, found once for a whole command.

    Each request to KMS and to the API is signed, and botocore may run a process or ask AWS each time it is asked.

    Args:
        environ: the variables.
        chain: botocore's.
        monotonic: a clock that never goes back.
    """

    def __init__(
        self, environ: Mapping[str, str], chain: Find, monotonic: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._variables = hidden(environ)
        self._chain = chain
        self._monotonic = monotonic
        self._kept: tuple[Credentials, float] | None = None

    def __repr__(self) -> str:
        return "OwnCredentials(***)"

    def find(self, deadline: float) -> Credentials:
        """The credentials to sign with now.

        Raises:
            Misconfigured: there are none.
            Unavailable: AWS did not give them in time.
        """
        given = in_variables(self._variables)
        if given is not None:
            return given
        kept = self._kept
        if kept is None or self._monotonic() >= kept[1]:
            found = self._chain(deadline)
            kept = self._kept = found, self._monotonic() + _KEPT
        return kept[0]

    def forget(self) -> None:
        """AWS refused them: the next call asks botocore again."""
        self._kept = None


def own_credentials(environ: Mapping[str, str]) -> OwnCredentials:
    """The credentials of the person at the keyboard; KMS and the API are signed with the same."""
    chain = Chain(environ.get("AWS_PROFILE") or None, environ.get("AWS_REGION") or None)
    return OwnCredentials(environ, chain.find)
