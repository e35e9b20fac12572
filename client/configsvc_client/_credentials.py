"""AWS credentials: Lambda's variables, a container's endpoint, else botocore where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc_client._hidden import hidden
from configsvc_client._secret import Secret, Shown, bare, masked

if TYPE_CHECKING:
    from configsvc_client._chain import Chain

_EARLY = 300.0
"""Seconds before their end in which credentials are replaced: ECS and EKS give out new ones well before."""


class Credentials(Shown):
    """What signs a request; `expires` is in seconds since the epoch, None where not known.

    No tuple: whatever shows the variables of a frame reads the parts of those.
    """

    __slots__ = ("access_key", "expires", "secret_key", "token")

    def __init__(
        self, access_key: str, secret_key: str | Secret, token: str | Secret | None = None, expires: float | None = None
    ) -> None:
        self.access_key = access_key
        self.secret_key = masked(secret_key)
        self.token = None if token is None else masked(token)
        self.expires = expires

    def __repr__(self) -> str:
        return f"Credentials(access_key={self.access_key!r}, secret_key=***, token=***, expires={self.expires!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Credentials):
            return NotImplemented
        return self._revealed() == other._revealed()

    def __hash__(self) -> int:
        return hash((self.access_key, self.expires))

    def _revealed(self) -> tuple[object, ...]:
        return self.access_key, self.secret_key.reveal(), bare(self.token), self.expires


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
    if access_key is None or secret_key is None:
        return None
    return Credentials(access_key.reveal(), secret_key, _variable(environ, "AWS_SESSION_TOKEN"))


def _variable(environ: Mapping[str, str], name: str) -> Secret | None:
    """A variable, None where it is empty."""
    text = Secret(environ.get(name, "").strip())
    if not is_clean(text.reveal()):
        raise Misconfigured(f"{name} holds characters that no credential has.")
    return text if text.reveal() else None


class Sources:
    """The variables, as they are now; else a container's endpoint, else botocore's chain, which is kept."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = hidden(environ)
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
        chain = self._chain  # `forget` may take it away meanwhile
        if chain is None:
            from configsvc_client._chain import Chain

            chain = self._chain = Chain(environ.get("AWS_PROFILE") or None, environ.get("AWS_REGION") or None)
        return chain.find(deadline)

    def forget(self) -> None:
        """The next call goes through botocore's chain anew."""
        self._chain = None


class Provider:
    """Finds credentials when they are needed, and anew before they end. Several threads may use it at once.

    Args:
        find: finds them.
        now: seconds since the epoch.
        forget: told that what was found was refused.
    """

    def __init__(self, find: Find, now: Callable[[], float], forget: Callable[[], None]) -> None:
        self._find = find
        self._now = now
        self._forget = forget
        self._round = object()  # another one each time that they were refused
        self._held: tuple[object, Credentials | None] = self._round, None

    def __repr__(self) -> str:
        return "Provider(***)"

    def __call__(self, deadline: float) -> Credentials:
        """The credentials to sign with now.

        Raises:
            Misconfigured: there are none; says where they were looked for.
            Unavailable: their source did not answer, and none are held that still hold.
        """
        current, (found_in, held), now = self._round, self._held, self._now()
        if found_in is not current:
            held = None  # refused since, or found by a thread that began to look before that
        if held is not None and held.expires is not None and now < held.expires - _EARLY:
            return held
        try:
            found = self._find(deadline)
        except ConfigsvcError as error:
            from configsvc_client._foreign import pass_on

            pass_on(error)
            if held is None or held.expires is None or now >= held.expires:
                raise
            return held
        self._held = current, found
        return found

    def forget(self) -> None:
        """They were refused: the next call finds others. Waits for nothing."""
        self._round = object()
        self._forget()
