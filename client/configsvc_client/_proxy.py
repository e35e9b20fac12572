"""Proxies from the environment: `HTTPS_PROXY` and `NO_PROXY`, in either case, as curl and Python read them.

Plain http goes to this computer only, so it goes through no proxy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from configsvc.model.encoding import base64std
from configsvc.model.errors import Misconfigured
from configsvc.model.record import Record
from configsvc_client._secret import Secret
from configsvc_client._url import Url

_PROXY = re.compile(r"(?:http://)?(?:([^@/]*)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})/?", re.ASCII)
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")


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


def proxy_for(url: Url, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy to an origin, None for a direct connection.

    Raises:
        Misconfigured: the variable holds no proxy of ours: `http://[user:password@]host:port`. Its text is not shown.
    """
    text = Secret((environ.get("https_proxy") or environ.get("HTTPS_PROXY") or "").strip())
    if not text.reveal() or url.scheme != "https":
        return None
    if _excepted(url, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    proxy = _parsed(text)
    if proxy is None:
        raise Misconfigured("HTTPS_PROXY is not like http://host:port. TLS to the proxy itself is not supported.")
    return proxy


def _parsed(text: Secret) -> Proxy | None:
    found = _PROXY.fullmatch(text.reveal())
    if not found or int(found[3]) not in range(1, 65536):
        return None
    return Proxy(found[2].strip("[]"), int(found[3]), _basic(found[1]))


def _basic(user: str | None) -> Secret | None:
    if not user:
        return None
    plain = _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), user)
    return Secret("Basic " + base64std(plain.encode("latin-1", "replace")))


def _excepted(url: Url, names: str) -> bool:
    """`NO_PROXY`: hosts, domains with or without a dot before or behind, each with or without a port; `*` for all."""
    for each in (part.strip().lower() for part in names.split(",")):
        name, colon, port = each.rpartition(":")
        if not colon or not port.isdecimal() or ":" in name.strip("[]"):
            name, port = each, ""
        name = name.strip("[]").removeprefix("*.").lstrip(".").removesuffix(".")
        if each == "*":
            return True
        if name and (not port or int(port) == url.port) and (url.name == name or url.name.endswith("." + name)):
            return True
    return False
