"""Proxies from the environment: `HTTPS_PROXY` and `NO_PROXY`, in either case, as curl and Python read them.

Plain http goes to this computer only, so it goes through no proxy.
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
    """Where to connect instead, and what to say there."""

    host: str
    port: int
    authorization: Secret | None

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"

    def connect(self, url: Url) -> Secret:
        """The request for a tunnel to an origin (RFC 9110, 9.3.6)."""
        host = f"[{url.host}]" if ":" in url.host else url.host
        lines = [f"CONNECT {host}:{url.port} HTTP/1.1", f"host: {host}:{url.port}"]
        head = "".join(f"{line}\r\n" for line in lines)
        if self.authorization is None:
            return Secret(f"{head}\r\n".encode("latin-1"))
        return Secret(f"{head}proxy-authorization: {self.authorization.reveal()}\r\n\r\n".encode("latin-1"))


def find_proxy(url: Url, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy to an origin, None for a direct connection.

    Raises:
        Misconfigured: the variable holds no proxy of ours: `http://[user[:password]@]host:port`. Its text is not shown.
    """
    text = Secret((environ.get("https_proxy") or environ.get("HTTPS_PROXY") or "").strip())
    if not text.reveal() or url.scheme != "https":
        return None
    if _is_excepted(url, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    proxy = _parse_proxy(text)
    if proxy is None:
        raise Misconfigured("HTTPS_PROXY is not like http://host:port. TLS to the proxy itself is not supported.")
    return proxy


def _parse_proxy(text: Secret) -> Proxy | None:
    found = _PROXY.fullmatch(text.reveal())
    if not found or int(found[3]) not in range(1, 65536):
        return None
    return Proxy(found[2].strip("[]"), int(found[3]), _encode_basic(found[1]))


def _encode_basic(user: str | None) -> Secret | None:
    """As RFC 7617 has it: there is always a colon, and nothing behind it where there is no password."""
    if not user:
        return None
    name, _, password = user.encode(errors="surrogateescape").partition(b":")
    return Secret("Basic " + to_base64std(_unescape(name) + b":" + _unescape(password)))


def _unescape(part: bytes) -> bytes:
    return _ESCAPED.sub(lambda escaped: bytes([int(escaped[1], 16)]), part)


def _is_excepted(url: Url, names: str) -> bool:
    """Whether `NO_PROXY` names an origin.

    It lists hosts, domains with or without a dot before or behind, and addresses, each with or without a port, networks
    like 10.0.0.0/8, and `*` for all; with commas or blanks between them.
    """
    is_address = ":" in url.name or not url.name.strip("0123456789.")
    for each in names.lower().replace(",", " ").split():
        if each == "*" or ("/" in each and is_address and _is_within(url.name, each)):
            return True
        name, port = _split_port(each)
        if name and (not port or int(port) == url.port) and _is_meant(url.name, name, is_address=is_address):
            return True
    return False


def _split_port(each: str) -> tuple[str, str]:
    """A host or domain, and its port where it has one. An address of IPv6 has one only behind brackets."""
    name, colon, port = each.rpartition(":")
    if not colon or not _PORT.fullmatch(port) or (":" in name and not name.endswith("]")):
        name, port = each, ""
    return name.strip("[]").removeprefix("*.").lstrip(".").removesuffix("."), port


def _is_meant(host: str, name: str, *, is_address: bool) -> bool:
    if is_address:
        return host == name or (":" in host and ":" in name and _is_within(host, name))
    return host == name or host.endswith("." + name)


def _is_within(address: str, network: str) -> bool:
    """Whether an address is in a network, or the same as another one."""
    import ipaddress

    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(
            network.replace("[", "").replace("]", ""), strict=False
        )
    except ValueError as error:  # one of them is none
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        return False


_HEAD_BYTES = 16 * 1024
_END = b"\r\n\r\n"
_SUCCESS = range(200, 300)


class _Head:
    """What llhttp is told to call: nothing but the status is of interest."""


def open_tunnel(to: socket.socket, request: Secret, left: Callable[[], float]) -> None:
    """Asks a proxy for a tunnel on a connected socket.

    Args:
        to: connected to the proxy.
        request: the whole CONNECT request.
        left: seconds until the deadline; raises TimeoutError beyond it.

    Raises:
        OSError: the connection ended, or the deadline passed (TimeoutError).
        NoTunnel: the proxy refused, or what it said is no answer.
    """
    to.settimeout(left())
    to.sendall(request.reveal())
    head = b""
    while _END not in head:
        to.settimeout(left())
        data = to.recv(_HEAD_BYTES)
        if not data or len(head) + len(data) > _HEAD_BYTES:
            raise NoTunnel("the proxy gave no whole answer")
        head += data
    parser = HttpResponseParser(_Head())
    try:
        parser.feed_data(head.partition(_END)[0] + _END)
    except HttpParserError:
        raise NoTunnel("the proxy's answer is malformed") from None
    if parser.get_status_code() not in _SUCCESS or not head.endswith(_END):
        raise NoTunnel(f"the proxy answered {parser.get_status_code()}")
