"""botocore's connections, with a time limit for each exchange as a whole: DNS, connection, TLS, request and response.

botocore's own timeouts limit each single wait on the socket. So a peer that sends one byte per second, a host with many
addresses or a silent resolver can take forever. Here each wait may take only the time that the exchange has left.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Sequence
from contextvars import ContextVar, Token
from functools import cache
from types import TracebackType
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from configsvc.adapters.system import Aside

CONNECT_SECONDS = 1.0
"""Seconds for connecting to one address, because another one may respond."""

_LONGEST = 60.0
_UNTIL: ContextVar[float] = ContextVar("until", default=float("inf"))

_Found = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]


class HttpExchange:
    """A context that limits an exchange with DynamoDB to `seconds`, even if data keeps arriving."""

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._token: Token[float] = _UNTIL.set(time.monotonic() + self._seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _UNTIL.reset(self._token)


def get_seconds_left() -> float:
    """The seconds that the exchange has left.

    Raises:
        TimeoutError: no time is left.
    """
    seconds = _UNTIL.get() - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the exchange took too long")
    return min(seconds, _LONGEST)


class _Socket(socket.socket):
    def recv_into(self, *arguments: Any) -> int:  # noqa: ANN401  # as socket.socket takes them
        self.settimeout(get_seconds_left())
        return super().recv_into(*arguments)

    def sendall(self, *arguments: Any) -> None:  # noqa: ANN401
        self.settimeout(get_seconds_left())
        return super().sendall(*arguments)


class _TlsSocket(ssl.SSLSocket):
    def recv_into(self, *arguments: Any) -> int:  # noqa: ANN401  # as ssl.SSLSocket takes them
        self.settimeout(get_seconds_left())
        return super().recv_into(*arguments)

    def send(self, *arguments: Any) -> int:  # noqa: ANN401  # sendall sends by it
        self.settimeout(get_seconds_left())
        return super().send(*arguments)


class _Dialling:
    """A connection that is opened within the time that the exchange has left."""

    def _new_conn(self: Any) -> socket.socket:  # a mixin of urllib3's connections
        try:
            return _dial(self._dns_host, self.port, self.socket_options or ())
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"{self.host} did not answer in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"{self.host} cannot be reached: {error}") from error


class _Http(_Dialling, AWSHTTPConnection):  # type: ignore[misc]  # botocore's mixin changes its base
    pass


class _Https(_Dialling, AWSHTTPSConnection):  # type: ignore[misc]  # the same
    def connect(self) -> None:
        context: Any = self.ssl_context
        context.sslsocket_class = _TlsSocket
        super().connect()


class _Whole:
    """Refuses truncated responses. botocore accepts them, and a truncated read would mean "no such record"."""

    def urlopen(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # as urllib3's pools
        return super().urlopen(*arguments, **{**options, "enforce_content_length": True})  # type: ignore[misc]


class _HttpPool(_Whole, AWSHTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(_Whole, AWSHTTPSConnectionPool):
    ConnectionCls = _Https


READ_SECONDS = 8.0
"""Never reached, because each exchange has a shorter limit."""

_POOLS = {"http": _HttpPool, "https": _HttpsPool}
_SOCKET_OPTIONS = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]


def open_session(url: str) -> URLLib3Session:
    """Botocore's HTTP session for this endpoint, with the CA bundle and the proxies of the environment.

    It is used without a client of botocore, which would take a third of a cold start.
    """
    options: dict[str, Any] = {
        "verify": os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or True,
        "proxies": get_environ_proxies(url),
        "timeout": (CONNECT_SECONDS, READ_SECONDS),
        "socket_options": _SOCKET_OPTIONS,
    }
    session: Any = URLLib3Session(**options)  # its published types are narrower than what botocore itself passes
    session._pool_classes_by_scheme.update(_POOLS)  # noqa: SLF001  # there is no public way
    opened: URLLib3Session = session
    return opened


def _dial(host: str, port: int, options: Sequence[tuple[int, int, int | bytes]]) -> socket.socket:
    """Connects to the first address that responds."""
    failed: OSError | None = None
    for family, kind, protocol, _, address in _resolve(host, port):
        sock = _Socket(family, kind, protocol)
        try:
            for option in options:
                sock.setsockopt(*option)
            sock.settimeout(min(CONNECT_SECONDS, get_seconds_left()))
            sock.connect(address)
            sock.settimeout(get_seconds_left())
        except OSError as error:
            sock.close()
            failed = error
        else:
            return sock
    raise failed or OSError("the host has no address")


def _resolve(host: str, port: int) -> _Found:
    """Resolves a host in a thread, because the C library's resolver cannot be interrupted."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return _lookup(host, port).result(get_seconds_left())


@cache
def _lookup(host: str, port: int) -> Aside[_Found]:
    """One lookup per host, so that a silent resolver blocks one thread and not one per attempt."""
    return Aside(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), kept=False)
