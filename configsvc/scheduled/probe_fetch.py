"""One HTTP request over a connection of its own, so that DNS, TCP and TLS are tested each time. All in one deadline.

The URL is https with a verified host name, or plain http to loopback. Redirects are not followed, proxies not used,
and bodies not decompressed.
"""

from __future__ import annotations

import io
import re
import socket
import ssl
import time
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any, NamedTuple, cast

from configsvc.adapters.system import Aside
from configsvc.model.errors import Misconfigured
from configsvc.scheduled.probe_checks import BODY_BYTES, Answer, ProbeFailed

_URL = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?(/[A-Za-z0-9._~/-]*)?", re.ASCII)
_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|::1")
_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65535


class Url(NamedTuple):
    """Where the API is, without a trailing slash."""

    secure: bool
    host: str
    port: int
    path: str


def parse_url(text: str) -> Url:
    """Parses the URL of an API.

    Raises:
        Misconfigured: it is neither an https URL nor plain http to loopback.
    """
    found = _URL.fullmatch(text)
    scheme, host = (found[1], found[2].strip("[]").lower()) if found else ("", "")
    port = int(found[3] or _PORTS[scheme]) if found else 0
    if not found or not 0 < port <= _HIGHEST_PORT or (scheme == "http" and not _LOOPBACK.fullmatch(host)):
        raise Misconfigured("CONFIGSVC_URL must be an https URL like https://host/stage; http is for loopback only.")
    return Url(scheme == "https", host, port, (found[4] or "").rstrip("/"))


def fetch(url: Url, path: str, headers: Mapping[str, str], until: float) -> Answer:
    """Sends GET and returns the response.

    Args:
        url: the API.
        path: the path below the URL's.
        headers: further headers, already checked.
        until: when to give up, by `time.monotonic`.

    Raises:
        ProbeFailed: `dns`, `connect`, `tls`, `timeout`, `http` or `too_large`.
    """
    with _connect(url, _resolve(url, until), until) as plain, _secure(url, plain, until) as connection:
        expires = _read_expiry(connection)
        try:
            _send(connection, _render(url, path, headers), until)
            return _receive(connection, until)._replace(expires=expires)
        except TimeoutError:
            raise ProbeFailed("timeout", "The response did not arrive in time.") from None
        except OSError as error:  # also http.client's RemoteDisconnected
            raise ProbeFailed("connect", f"The connection broke ({_name(error)}).") from None
        except HTTPException as error:
            raise ProbeFailed("http", f"The response is not HTTP ({type(error).__name__}).") from None


def _resolve(url: Url, until: float) -> list[tuple[Any, ...]]:
    """Resolves the host in a thread, because the C library's resolver cannot be interrupted."""
    try:
        found = Aside(lambda: socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)).result(_left(until))
    except TimeoutError:
        raise ProbeFailed("dns", f"The name {url.host} was not resolved in time.") from None
    except (OSError, UnicodeError) as error:
        raise ProbeFailed("dns", f"The name {url.host} cannot be resolved ({_name(error)}).") from None
    return list(found)


def _connect(url: Url, addresses: list[tuple[Any, ...]], until: float) -> socket.socket:
    """Connects to the first address that accepts, sharing out the time among them."""
    failed: Exception | None = None
    for tried, (*_, address) in enumerate(addresses):
        try:
            return socket.create_connection(address[:2], _left(until) / (len(addresses) - tried))
        except OSError as error:
            failed = error
    raise ProbeFailed("connect", f"{url.host} port {url.port} cannot be reached ({_name(failed)}).") from None


def _secure(url: Url, plain: socket.socket, until: float) -> socket.socket:
    if not url.secure:
        return plain
    try:
        plain.settimeout(_left(until))
        return ssl.create_default_context().wrap_socket(plain, server_hostname=url.host)
    except TimeoutError:
        raise ProbeFailed("timeout", "The TLS handshake did not end in time.") from None
    except ssl.SSLCertVerificationError as error:
        raise ProbeFailed("tls", f"The certificate of {url.host} is refused: {error.verify_message}.") from None
    except OSError as error:
        raise ProbeFailed("tls", f"The TLS handshake with {url.host} failed ({_name(error)}).") from None


def _read_expiry(connection: socket.socket) -> float | None:
    certificate = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    return float(ssl.cert_time_to_seconds(str(certificate["notAfter"]))) if certificate else None


def _render(url: Url, path: str, headers: Mapping[str, str]) -> bytes:
    host = f"[{url.host}]" if ":" in url.host else url.host
    authority = host if url.port == _PORTS["https" if url.secure else "http"] else f"{host}:{url.port}"
    fixed = {"Host": authority, "Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"}
    lines = [f"GET {url.path}{path} HTTP/1.1", *(f"{name}: {text}" for name, text in {**fixed, **headers}.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _send(connection: socket.socket, request: bytes, until: float) -> None:
    connection.settimeout(_left(until))
    connection.sendall(request)


def _receive(connection: socket.socket, until: float) -> Answer:
    response = HTTPResponse(cast("socket.socket", _Arriving(connection, until)), method="GET")
    response.begin()
    body = response.read(BODY_BYTES + 1)
    if len(body) > BODY_BYTES:
        raise ProbeFailed("too_large", f"The response has more than {BODY_BYTES} bytes.")
    if response.length:
        raise ProbeFailed("http", "The response ended early.")
    return Answer(response.status, {name.lower(): text for name, text in response.headers.items()}, body)


class _Arriving(io.RawIOBase):
    """The incoming bytes, each wait only as long as the deadline allows: http.client reads from it as from a socket."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection = connection
        self._until = until

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  # as io.RawIOBase takes it
        self._connection.settimeout(_left(self._until))
        return self._connection.recv_into(buffer)


def _left(until: float) -> float:
    """The seconds that are left.

    Raises:
        TimeoutError: none.
    """
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _name(error: BaseException | None) -> str:
    """The kind of an error. OpenSSL's and the system's texts are theirs, never the server's."""
    if isinstance(error, ssl.SSLError):
        return str(error.reason or type(error).__name__)
    words = getattr(error, "strerror", None)
    return str(words or type(error).__name__)
