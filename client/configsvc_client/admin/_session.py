"""AWS credentials and region of the person at the keyboard: variables, profiles, SSO, everything that botocore knows.

Botocore only finds them. It signs and sends nothing of ours, and is imported when a signature is first needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from configsvc.model.errors import Misconfigured
from configsvc_client import _credentials
from configsvc_client._credentials import Credentials
from configsvc_client._url import Url

_HOST = re.compile(r"[a-z0-9-]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_NEXT = "Set AWS_PROFILE, or sign in with: aws sso login."


def region_of(environ: Mapping[str, str], url: Url) -> str:
    """The region that signatures name: AWS_REGION, AWS_DEFAULT_REGION, or the one in the API's own host name.

    Raises:
        Misconfigured: none of them tells it.
    """
    named = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if named:
        return named
    found = _HOST.fullmatch(url.host)
    if not found:
        raise Misconfigured("The AWS region is not known. Set AWS_REGION to the API's region.")
    return found.group(1)


def finder(environ: Mapping[str, str]) -> Callable[[], Credentials]:
    """A function that finds the credentials: in the variables, or by botocore's chain, which renews what expires."""
    chain: list[Any] = []

    def find() -> Credentials:
        if environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY"):
            return _credentials.find(environ)
        return _frozen(chain, environ.get("AWS_PROFILE"))

    return find


def _frozen(chain: list[Any], profile: str | None) -> Credentials:
    """What botocore's chain gives now; the chain is kept in the list.

    Raises:
        Misconfigured: nothing, or botocore is not installed.
    """
    try:
        import botocore.exceptions
        import botocore.session
    except ImportError:
        raise Misconfigured("Without AWS_ACCESS_KEY_ID, this needs: pip install 'configsvc[cli]'.") from None
    try:
        if not chain:
            chain.append(botocore.session.Session(profile=profile or None).get_credentials())
        found = chain[0].get_frozen_credentials() if chain[0] else None
    except botocore.exceptions.BotoCoreError as error:
        raise Misconfigured(f"AWS credentials could not be loaded: {error}. {_NEXT}") from None
    if found is None:
        raise Misconfigured(f"No AWS credentials were found. {_NEXT}")
    return Credentials(found.access_key, found.secret_key, found.token)
