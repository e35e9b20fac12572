"""AWS credentials: the variables of Lambda first, anything else through botocore where it is installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from configsvc.model.errors import Misconfigured


class Credentials(NamedTuple):
    """What signs a request; `expires` is in seconds since the epoch, None where not known."""

    access_key: str
    secret_key: str
    token: str | None = None
    expires: float | None = None

    def __repr__(self) -> str:
        return f"Credentials(access_key={self.access_key!r}, secret_key=***, token=***, expires={self.expires!r})"


def find(environ: Mapping[str, str]) -> Credentials:
    """The credentials to sign with now.

    Raises:
        Misconfigured: there are none; says where they were looked for.
    """
    access_key, secret_key = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if access_key and secret_key:
        return Credentials(access_key, secret_key, environ.get("AWS_SESSION_TOKEN") or None)
    found = _by_botocore()
    if found is None:
        raise Misconfigured(
            "No AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, and botocore found none. "
            "Set them, or install configsvc[cli] and log in."
        )
    return found


def _by_botocore() -> Credentials | None:
    try:
        import botocore.session
    except ImportError:
        return None
    from botocore.exceptions import BotoCoreError

    try:
        found = botocore.session.Session().get_credentials()
        frozen = found.get_frozen_credentials() if found else None
    except BotoCoreError as error:
        raise Misconfigured(f"botocore could not get AWS credentials ({type(error).__name__}). Log in again.") from None
    if frozen is None:
        return None
    return Credentials(str(frozen.access_key), str(frozen.secret_key), frozen.token)
