"""Proxies: `HTTPS_PROXY` and `NO_PROXY` in upper or lower case, read as curl and Python read them.

Plain http goes only to this computer, so it never uses a proxy.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping

from httptools import HttpParserError, HttpResponseParser

from configsvc.model.encoding import to_base64std
from configsvc.model.errors import Misconfigured
from configsvc.model.record import Record
from configsvc_client._secret import Secret
from configsvc_client._transport.keep_alive import NoTunnel
from configsvc_client._transport.url import Url

_PROXY = re.compile(
    r"(?:[Hh][Tt][Tt][Pp]://)?(?:([^/]*)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})/?", re.ASCII
)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")


class Proxy(Record):
    """The proxy's address and credentials."""

    host: str
    port: int
    authorization: Secret | None

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"

    def build_connect_request(self, url: Url) -> Secret:
        """Builds the CONNECT request for a tunnel to an origin (RFC 9110, 9.3.6)."""
        host = f"[{url.host}]" if ":" in url.host else url.host
        lines = [f"CONNECT {host}:{url.port} HTTP/1.1", f"host: {host}:{url.port}"]
        head = "".join(f"{line}\r\n" for line in lines)
        if self.authorization is None:
            return Secret(f"{head}\r\n".encode("latin-1"))
        return Secret(f"{head}proxy-authorization: {self.authorization.reveal()}\r\n\r\n".encode("latin-1"))


def find_proxy(url: Url, environ: Mapping[str, str]) -> Proxy | None:
    """Finds the proxy for an origin; None for a direct connection.

    Raises:
        Misconfigured: the variable is not like `http://[user[:password]@]host:port`. The error does not show it.
    """
    text = Secret((environ.get("https_proxy") or environ.get("HTTPS_PROXY") or "").strip())
    if not text.reveal() or url.scheme != "https":
        return None
    if _is_excepted(url, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    proxy = _parse_proxy(text)
    if proxy is None:
        raise Misconfigured("HTTPS_PROXY is not like http://host:port. TLS to the proxy is not supported.")
    return proxy


def _parse_proxy(text: Secret) -> Proxy | None:
    found = _PROXY.fullmatch(text.reveal())
    if not found or int(found[3]) not in range(1, 65536):
        return None
    return Proxy(found[2].strip("[]"), int(found[3]), _encode_basic(found[1]))


def _encode_basic(user: str | None) -> Secret | None:
    """Encodes credentials as in RFC 7617: always with a colon, even without a password."""
    if not user:
        return None
    name, _, password = user.encode(errors="surrogateescape").partition(b":")
    return Secret("Basic " + to_base64std(_unescape(name) + b":" + _unescape(password)))


def _unescape(part: bytes) -> bytes:
    return _ESCAPED.sub(lambda escaped: bytes([int(escaped[1], 16)]), part)


def _is_excepted(url: Url, names: str) -> bool:
    """Whether `NO_PROXY` lists an origin.

    It lists hosts, domains (with or without a leading or trailing dot) and addresses, each with an optional port;
    networks like 10.0.0.0/8; and `*` for all. Entries are separated by commas or spaces.
    """
    is_address = ":" in url.name or not url.name.strip("0123456789.")
    for each in names.lower().replace(",", " ").split():
        if each == "*" or ("/" in each and is_address and _is_within(url.name, each)):
            return True
        name, port = _split_port(each)
        if name and (not port or int(port) == url.port) and _matches_host(url.name, name, is_address=is_address):
            return True
    return False


def _split_port(each: str) -> tuple[str, str]:
    """Splits an entry into host and port, if it has one. An IPv6 address has a port only after brackets."""
    name, colon, port = each.rpartition(":")
    if not colon or not _PORT.fullmatch(port) or (":" in name and not name.endswith("]")):
        name, port = each, ""
    return name.strip("[]").removeprefix("*.").lstrip(".").removesuffix("."), port


def _matches_host(host: str, name: str, *, is_address: bool) -> bool:
    if is_address:
        return host == name or (":" in host and ":" in name and _is_within(host, name))
    return host == name or host.endswith("." + name)


def _is_within(address: str, network: str) -> bool:
    """Whether an address is in a network, or equal to another address."""
    import ipaddress

    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(
            network.replace("[", "").replace("]", ""), strict=False
        )
    except ValueError as error:  # one of them is not an address
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        return False


_HEAD_BYTES = 16 * 1024
_END = b"\r\n\r\n"
_SUCCESS = range(200, 300)


class _Head:
    """llhttp's callbacks: none, because only the status matters."""


def open_tunnel(to: socket.socket, request: Secret, left: Callable[[], float]) -> None:
    """Asks a proxy for a tunnel on a connected socket.

    Args:
        to: connected to the proxy.
        request: the whole CONNECT request.
        left: returns the seconds until the deadline; raises TimeoutError after it.

    Raises:
        OSError: the connection ended, or the deadline passed (TimeoutError).
        NoTunnel: the proxy refused, or its response is invalid.
    """
    to.settimeout(left())
    to.sendall(request.reveal())
    head = b""
    while _END not in head:
        to.settimeout(left())
        data = to.recv(_HEAD_BYTES)
        if not data or len(head) + len(data) > _HEAD_BYTES:
            raise NoTunnel("the proxy sent no complete response")
        head += data
    parser = HttpResponseParser(_Head())
    try:
        parser.feed_data(head.partition(_END)[0] + _END)
    except HttpParserError:
        raise NoTunnel("the proxy's response is malformed") from None
    if parser.get_status_code() not in _SUCCESS or not head.endswith(_END):
        raise NoTunnel(f"the proxy answered {parser.get_status_code()}")
