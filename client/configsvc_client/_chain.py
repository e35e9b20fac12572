"""Credentials by botocore's chain, where it is installed: profiles, SSO, roles that are assumed, instance roles.

Botocore only finds them. It signs and sends nothing of ours, and is imported when a signature is first needed.
"""

from __future__ import annotations

import time
from typing import Any

from configsvc.model.errors import Misconfigured, Unavailable
from configsvc_client._credentials import Credentials, is_clean
from configsvc_client._secret import bare

_LEAST = 0.1
_SERVER_FAULT = 500
_NEXT = "Set AWS_PROFILE, or sign in with: aws sso login."
_ROLE = "Who manages that role has to let you assume it, or set AWS_PROFILE to another profile."


class Chain:
    """What the chain found, which is kept: botocore renews by itself what expires.

    Args:
        profile: that of `AWS_PROFILE`, None for none.
    """

    def __init__(self, profile: str | None) -> None:
        self._profile = profile
        self._session: Any = None
        self._held: Any = None

    def __repr__(self) -> str:
        return f"Chain(profile={self._profile!r})"

    def find(self, deadline: float) -> Credentials:
        """The credentials to sign with now.

        Each call that botocore makes to STS or SSO is made once, and waits at its socket for no longer than is left
        each time: no bound in all where a name is looked up, addresses are tried one by one, or an answer drips. What
        asks the instance's metadata, a process or a person keeps a time of its own.

        Raises:
            Misconfigured: there are none, or botocore is not installed.
            Unavailable: AWS did not give them in time, or asks to try later.
        """
        frozen, failed = self._tried(deadline)
        if failed is not None:
            raise failed
        if frozen is None:
            raise Misconfigured(f"No AWS credentials: AWS_ACCESS_KEY_ID is not set, and botocore found none. {_NEXT}")
        found = Credentials(str(frozen.access_key), str(frozen.secret_key), frozen.token)
        del frozen
        if not all(is_clean(bare(each)) for each in (found.access_key, found.secret_key, found.token or "")):
            raise Misconfigured(f"What botocore found as AWS credentials cannot be sent. {_NEXT}")
        return found

    def _tried(self, deadline: float) -> tuple[Any, Misconfigured | Unavailable | None]:
        """What botocore gives, or our error in place of its own, which may hold what a profile's process printed."""
        try:
            import botocore.session
        except ImportError:
            return None, Misconfigured(
                "No AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, nor an endpoint of a "
                "container, and botocore is not installed. Set them, or: pip install 'configsvc[cli]', and sign in."
            )
        try:
            if self._session is None:
                self._session = botocore.session.Session(profile=self._profile)
            self._bound(deadline)
            self._held = self._held or self._session.get_credentials()
            return self._held and self._held.get_frozen_credentials(), None
        except Exception as error:  # noqa: BLE001  # its own are of two trees, and a profile may run anything
            return None, _ours(error)

    def _bound(self, deadline: float) -> None:
        from botocore.config import Config

        left = max(_LEAST, deadline - time.monotonic())
        bounds = Config(connect_timeout=left, read_timeout=left, retries={"total_max_attempts": 1})
        self._session.set_default_client_config(bounds)


def _ours(error: Exception) -> Misconfigured | Unavailable:
    from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError, HTTPClientError
    from botocore.exceptions import ConnectionError as NotConnected

    if isinstance(error, NotConnected | HTTPClientError):
        return Unavailable(f"AWS did not give credentials ({type(error).__name__}).", reason="credentials")
    if isinstance(error, ClientError):
        code, status = error.response["Error"]["Code"], error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if "Throttl" in code or (status or 0) >= _SERVER_FAULT:
            return Unavailable(f"AWS did not give credentials ({code}).", reason="credentials")
    said = str(error) if isinstance(error, BotoCoreError | ClientError) else type(error).__name__
    if isinstance(error, CredentialRetrievalError):  # it holds what a process printed
        given_by = error.kwargs.get("provider")
        said = f"{type(error).__name__} of {given_by}; aws sts get-caller-identity shows what it says"
    following = _ROLE if isinstance(error, ClientError) and code.startswith("AccessDenied") else _NEXT
    return Misconfigured(f"AWS credentials could not be loaded: {said.rstrip('.')}. {following}")
