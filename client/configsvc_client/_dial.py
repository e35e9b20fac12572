"""Open a socket to an origin within a deadline: name resolution, connect and TLS handshake together."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc_client._trust import Trust
from configsvc_client._url import Url

if TYPE_CHECKING:
    from configsvc_client._proxy import Proxy

CONNECT_SECONDS = 0.3
"""How long one address may take to answer a SYN: a black hole must leave time for the next."""

_Address = tuple[socket.AddressFamily, "tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]"]

LookUp = Callable[[str, int], list[_Address]]


class _Ascii(str):
    """A host name for TLS.

    `ssl` encodes text by the codec "idna", which is slow to load. It takes bytes as they are, but gevent's does not.
    """

    __slots__ = ()

    def encode(self, encoding: str = "ascii", errors: str = "strict") -> bytes:
        """ASCII, whatever is asked for: hosts here are."""
        del encoding
        return super().encode("ascii", errors)


class Dialler:
    """Opens connections to one origin; keeps which store of its trust verified."""

    def __init__(
        self, url: Url, environ: Mapping[str, str], clock: Callable[[], float], trust: Trust | None = None
    ) -> None:
        self._url = url
        self._environ = environ
        self._clock = clock
        self._trust = trust or Trust(environ)
        self._store = 0
        self._proxied = any(environ.get(name) for name in ("https_proxy", "HTTPS_PROXY"))

    def open(self, deadline: float) -> socket.socket:
        """A connected socket, TLS handshake done where the scheme is https.

        Raises:
            OSError: no address answers, the certificate does not verify, or the deadline passed (TimeoutError).
        """
        if self._url.scheme == "http":
            return self._connect(deadline)
        return self._secure(deadline)

    def _secure(self, deadline: float) -> socket.socket:
        import ssl

        failed: OSError = TimeoutError("no store")
        while (context := self._trust.store(self._store)) is not None:
            raw = self._reach(deadline)
            try:
                raw.settimeout(left(deadline, self._clock))
                return context.wrap_socket(raw, server_hostname=_Ascii(self._url.name))
            except OSError as error:
                raw.close()
                if not isinstance(error, ssl.SSLCertVerificationError):
                    raise
                failed = error
            self._store += 1
        self._store = 0
        raise failed

    def _reach(self, deadline: float) -> socket.socket:
        """Connected to the origin, through a proxy where there is one."""
        if not self._proxied:
            return self._connect(deadline)
        from configsvc_client._proxy import proxy_for

        proxy = proxy_for(self._url, self._environ)
        return self._connect(deadline) if proxy is None else self._tunnel(proxy, deadline)

    def _tunnel(self, proxy: Proxy, deadline: float) -> socket.socket:
        from configsvc_client._tunnel import open_tunnel

        made = self._connect(deadline, proxy.host, proxy.port)
        try:
            open_tunnel(made, proxy.connect(self._url), lambda: left(deadline, self._clock))
        except BaseException:
            made.close()
            raise
        return made

    def _connect(self, deadline: float, host: str | None = None, port: int | None = None) -> socket.socket:
        failed: OSError = TimeoutError("no address")
        host, port = host or self._url.host, port or self._url.port
        for family, address in resolve(host, port, left(deadline, self._clock)):
            made = socket.socket(family, socket.SOCK_STREAM)
            try:
                made.settimeout(min(CONNECT_SECONDS, left(deadline, self._clock)))
                made.connect(address)
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                made.close()
                failed = error
            else:
                return made
        raise failed


def left(deadline: float, clock: Callable[[], float]) -> float:
    """Seconds until the deadline.

    Raises:
        TimeoutError: it has passed.
    """
    seconds = deadline - clock()
    if seconds <= 0:
        raise TimeoutError("the deadline passed")
    return seconds


def look_up(host: str, port: int) -> list[_Address]:
    """The addresses of a host as the system knows them, however long that takes.

    Raises:
        OSError: not found (socket.gaierror).
    """
    # As bytes: CPython would load its IDNA tables for text, and hosts here are ASCII.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return [(each[0], each[4]) for each in found]


def resolve(host: str, port: int, seconds: float, look_up: LookUp = look_up) -> list[_Address]:
    """The addresses of a host, in the system's order.

    `getaddrinfo` takes no timeout, so a name is looked up in a thread that is waited for no longer than that; it ends
    by itself when the resolver gives up. Addresses and `localhost` need no network and get no thread.

    Raises:
        OSError: not found (socket.gaierror), or not in time (TimeoutError).
    """
    if host == "localhost" or ":" in host or not host.strip("0123456789."):
        return look_up(host, port)
    found: list[list[_Address] | OSError] = []

    def look() -> None:
        try:
            found.append(look_up(host, port))
        except OSError as error:
            found.append(error)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise TimeoutError("name resolution took too long")
    if isinstance(found[0], OSError):
        raise found[0]
    return found[0]
