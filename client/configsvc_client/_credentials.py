"""AWS credentials: Lambda's variables, a container's endpoint, else botocore where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc.model.record import Record

if TYPE_CHECKING:
    from configsvc_client._chain import Chain

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


Find = Callable[[float], Credentials]
"""Gives the credentials to sign with now, by a deadline in monotonic seconds."""


def is_clean(text: str) -> bool:
    """Whether a text can be part of credentials, and stand in a header: visible ASCII."""
    return text.isascii() and text.isprintable() and " " not in text


def in_variables(environ: Mapping[str, str]) -> Credentials | None:
    """Those in the variables, None where they are not set.

    Raises:
        Misconfigured: one holds what no credential does; it is named and not shown.
    """
    access_key, secret_key = _variable(environ, "AWS_ACCESS_KEY_ID"), _variable(environ, "AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        return None
    return Credentials(access_key, secret_key, _variable(environ, "AWS_SESSION_TOKEN") or None)


def _variable(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name, "").strip()
    if not is_clean(text):
        raise Misconfigured(f"{name} holds characters that no credential has.")
    return text


class Sources:
    """The variables, as they are now; else a container's endpoint, else botocore's chain, which is kept."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._chain: Chain | None = None

    def find(self, deadline: float) -> Credentials:
        """The credentials to sign with now.

        Raises:
            Misconfigured: there are none; says where they were looked for.
            Unavailable: who gives them out did not answer.
        """
        environ = self._environ
        found = in_variables(environ)
        if found is not None:
            return found
        if environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") or environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            from configsvc_client._container import fetch

            return fetch(environ, deadline)
        if self._chain is None:
            from configsvc_client._chain import Chain

            self._chain = Chain(environ.get("AWS_PROFILE") or None)
        return self._chain.find(deadline)

    def forget(self) -> None:
        """The next call goes through botocore's chain anew."""
        self._chain = None


class Provider:
    """Finds credentials when they are needed, and anew before they end.

    Args:
        find: finds them.
        now: seconds since the epoch.
        forget: told that what was found was refused.
    """

    def __init__(self, find: Find, now: Callable[[], float], forget: Callable[[], None]) -> None:
        self._find = find
        self._now = now
        self._forget = forget
        self._held: Credentials | None = None

    def __repr__(self) -> str:
        return "Provider(***)"

    def __call__(self, deadline: float) -> Credentials:
        """The credentials to sign with now.

        Raises:
            Misconfigured: there are none; says where they were looked for.
            Unavailable: their source did not answer, and none are held that still hold.
        """
        held, now = self._held, self._now()
        if held is not None and held.expires is not None and now < held.expires - _EARLY:
            return held
        try:
            self._held = self._find(deadline)
        except ConfigsvcError:
            if held is None or held.expires is None or now >= held.expires:
                raise
            return held
        return self._held

    def forget(self) -> None:
        """They were refused: the next call finds others."""
        self._held = None
        self._forget()
