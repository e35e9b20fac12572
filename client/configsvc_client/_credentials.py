"""AWS credentials: Lambda's variables, a container's endpoint, else botocore where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc.model.record import Record

_EARLY = 300.0
"""Seconds before their end in which credentials are replaced: ECS and EKS give out new ones well before."""


class Credentials(Record):
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
        Unavailable: a container's endpoint did not answer.
    """
    access_key, secret_key = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if access_key and secret_key:
        return Credentials(access_key, secret_key, environ.get("AWS_SESSION_TOKEN") or None)
    if environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") or environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        from configsvc_client._container import fetch

        return fetch(environ)
    return _by_botocore()


def _by_botocore() -> Credentials:
    tried = (
        "No AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, no "
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI names an endpoint, and botocore "
    )
    try:
        import botocore.session
    except ImportError:
        raise Misconfigured(f"{tried}is not installed. Set them, or install configsvc[cli] and log in.") from None
    from botocore.exceptions import BotoCoreError

    try:
        found = botocore.session.Session().get_credentials()
        frozen = found.get_frozen_credentials() if found else None
    except BotoCoreError as error:
        raise Misconfigured(f"botocore could not get AWS credentials ({type(error).__name__}). Log in again.") from None
    if frozen is None:
        raise Misconfigured(f"{tried}found none. Set them, or log in.")
    return Credentials(str(frozen.access_key), str(frozen.secret_key), frozen.token)


class Provider:
    """Finds credentials when they are needed, and anew before they end."""

    def __init__(
        self,
        environ: Mapping[str, str],
        now: Callable[[], float],
        find: Callable[[Mapping[str, str]], Credentials] = find,
    ) -> None:
        self._environ = environ
        self._now = now
        self._find = find
        self._held: Credentials | None = None

    def __repr__(self) -> str:
        return "Provider(***)"

    def __call__(self) -> Credentials:
        """The credentials to sign with now.

        Raises:
            Misconfigured: there are none; says where they were looked for.
            Unavailable: their source did not answer, and none are held that still hold.
        """
        held, now = self._held, self._now()
        if held is not None and held.expires is not None and now < held.expires - _EARLY:
            return held
        try:
            self._held = self._find(self._environ)
        except ConfigsvcError:
            if held is None or held.expires is None or now >= held.expires:
                raise
            return held
        return self._held

    def forget(self) -> None:
        """They were refused: the next call finds others."""
        self._held = None
