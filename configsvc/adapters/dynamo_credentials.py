"""The credentials that sign requests: those of Lambda's environment, or whatever botocore finds."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, cast

from configsvc.adapters.dynamo_http import get_seconds_left
from configsvc.adapters.system import Aside

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials

_RENEWAL_SECONDS = 1.0
_MANDATORY_SECONDS = 600
"""botocore waits for the renewal of credentials that expire within this time; otherwise it signs with them."""


class _Credentials(NamedTuple):
    """The fields of botocore's ReadOnlyCredentials, whose import takes as long as a first request."""

    access_key: str
    secret_key: str
    token: str | None


def find_credentials() -> Callable[[], ReadOnlyCredentials]:
    """Returns a function that gives the current credentials.

    The environment comes first, as for botocore. Lambda sets it, so botocore's chain of providers is not loaded there.

    Raises:
        NoCredentialsError: there are none.
    """
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not key or not secret or os.environ.get("AWS_CREDENTIAL_EXPIRATION"):
        return _ask_providers()
    token = os.environ.get("AWS_SECURITY_TOKEN") or os.environ.get("AWS_SESSION_TOKEN")
    found = cast("ReadOnlyCredentials", _Credentials(key, secret, token))
    return lambda: found


def _ask_providers() -> Callable[[], ReadOnlyCredentials]:
    import botocore.session
    from botocore.credentials import RefreshableCredentials
    from botocore.exceptions import NoCredentialsError

    credentials = botocore.session.Session().get_credentials()
    if credentials is None:
        raise NoCredentialsError
    if not isinstance(credentials, RefreshableCredentials):
        return credentials.get_frozen_credentials
    renewal = Aside(credentials.get_frozen_credentials, kept=False)

    def renew() -> ReadOnlyCredentials:
        renew_credentials(credentials, renewal)
        return credentials.get_frozen_credentials()

    return renew


def renew_credentials(credentials: RefreshableCredentials, renewal: Aside[ReadOnlyCredentials]) -> None:
    """Renews credentials that are about to expire, within the time that the exchange has left.

    botocore would do this when asked for them, and wait for the provider without limit. Lambda's credentials never
    change. If they are still valid for a while, one call spends part of its time; later calls do not wait for the
    renewal.

    Args:
        credentials: those that sign requests.
        renewal: renews them; the same for all calls, so that a silent provider blocks one thread.

    Raises:
        TimeoutError: the provider does not respond, and botocore would wait for it.
    """
    if not credentials.refresh_needed():
        return
    good = not credentials.refresh_needed(_MANDATORY_SECONDS)
    if good and renewal.under_way():
        return
    try:
        renewal.result(min(get_seconds_left() / 2, _RENEWAL_SECONDS) if good else get_seconds_left())
    except TimeoutError:
        if not good:
            raise
