"""AWS credentials: from variables, a container endpoint, or botocore if it is installed; cached until they expire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc_client._secret import Secret, hide_environ

if TYPE_CHECKING:
    from configsvc_client._aws.chain import BotocoreChain
    from configsvc_client._aws.sigv4 import Credentials

_EARLY = 300.0
"""Seconds before expiry when credentials are replaced: ECS and EKS provide new ones well before."""

FindCredentials = Callable[[float], "Credentials"]
"""Returns the credentials to sign with now, by a deadline in monotonic seconds."""


def read_variables(environ: Mapping[str, str]) -> Credentials | None:
    """Reads the credentials in the variables; None if they are not set.

    Raises:
        Misconfigured: a variable contains invalid characters; the error names it and does not show it.
    """
    access_key, secret_key = (
        _read_variable(environ, "AWS_ACCESS_KEY_ID"),
        _read_variable(environ, "AWS_SECRET_ACCESS_KEY"),
    )
    if access_key is None or secret_key is None:
        return None
    from configsvc_client._aws.sigv4 import Credentials  # hashing is imported while the first response is on its way

    return Credentials(access_key.reveal(), secret_key, _read_variable(environ, "AWS_SESSION_TOKEN"))


def _read_variable(environ: Mapping[str, str], name: str) -> Secret | None:
    """Reads a variable; None if it is empty."""
    from configsvc_client._aws.sigv4 import is_clean

    text = Secret(environ.get(name, "").strip())
    if not is_clean(text.reveal()):
        raise Misconfigured(f"{name} contains characters that no credential has.")
    return text if text.reveal() else None


class CredentialSources:
    """The current variables, else a container endpoint, else botocore's chain, which is cached."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = hide_environ(environ)
        self._chain: BotocoreChain | None = None

    def find(self, deadline: float) -> Credentials:
        """Returns the credentials to sign with now.

        Raises:
            Misconfigured: there are no credentials; the error says where they were looked for.
            Unavailable: the source did not answer.
        """
        environ = self._environ
        found = read_variables(environ)
        if found is not None:
            return found
        if environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") or environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            from configsvc_client._aws.container import fetch_credentials

            return fetch_credentials(environ, deadline)
        chain = self._chain  # `forget` may clear it at the same time
        if chain is None:
            from configsvc_client._aws.chain import BotocoreChain

            chain = self._chain = BotocoreChain(environ.get("AWS_PROFILE") or None, environ.get("AWS_REGION") or None)
        return chain.find(deadline)

    def forget(self) -> None:
        """Forgets the chain: the next call searches again."""
        self._chain = None


class CredentialsProvider:
    """Caches credentials and finds new ones before they expire. Several threads may use it at once.

    Args:
        find: finds credentials.
        now: returns seconds since the epoch.
        forget: called when AWS refused the credentials found.
    """

    def __init__(self, find: FindCredentials, now: Callable[[], float], forget: Callable[[], None]) -> None:
        self._find = find
        self._now = now
        self._forget = forget
        self._round = object()  # replaced each time AWS refuses them
        self._held: tuple[object, Credentials | None] = self._round, None

    def __repr__(self) -> str:
        return "CredentialsProvider(***)"

    def __call__(self, deadline: float) -> Credentials:
        """Returns the credentials to sign with now.

        Raises:
            Misconfigured: there are no credentials; the error says where they were looked for.
            Unavailable: the source did not answer, and no cached credentials are still valid.
        """
        current, (found_in, held), now = self._round, self._held, self._now()
        if found_in is not current:
            held = None  # refused since, or found by a thread that started before the refusal
        if held is not None and held.expires is not None and now < held.expires - _EARLY:
            return held
        try:
            found = self._find(deadline)
        except ConfigsvcError as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            if held is None or held.expires is None or now >= held.expires:
                raise
            return held
        self._held = current, found
        return found

    def forget(self) -> None:
        """Discards refused credentials: the next call finds new ones. Does not wait."""
        self._round = object()
        self._forget()
