"""URLs: https, or plain http to loopback only, without user name, query or fragment."""

from __future__ import annotations

import re

from configsvc.model.errors import Misconfigured
from configsvc.model.record import Record

_URL = re.compile(
    r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)(?::([0-9]{1,5}))?(/[!-~]*)?", re.ASCII
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_LOOPBACK = rf"localhost|127(?:\.{_OCTET}){{3}}|::1"  # compiled on use, for plain http


class Url(Record):
    """An origin and the base path of its requests, without a trailing slash.

    A host may end with a dot, which keeps resolvers from appending search domains. Only the lookup uses the dot;
    everywhere else the name has none (RFC 6066, 3).
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def name(self) -> str:
        """The host without its trailing dot, as in certificates, `NO_PROXY` and Host headers."""
        return self.host.removesuffix(".")

    @property
    def authority(self) -> str:
        """The Host header: without the port if it is the scheme's default (RFC 9110, 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.name
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme and authority."""
        return f"{self.scheme}://{self.authority}"


def parse_url(text: str, name: str = "The URL") -> Url:
    """Parses the URL in a setting; `name` is the name of the setting, for the error.

    Raises:
        Misconfigured: not a valid URL as described above.
    """
    if text.startswith(("'", '"')):
        raise Misconfigured(f"{name} begins with a quote, which `docker run --env-file` keeps. Remove it.")
    found = _URL.fullmatch(text)
    if not found or "?" in text or "#" in text or int(found[3] or 1) not in range(1, 65536):
        raise Misconfigured(
            f"{name} must be an https URL like https://host/stage, without user name, query or fragment."
        )
    scheme, host, port, path = found.groups()
    host = host.strip("[]").lower()
    if scheme == "http" and not is_loopback(host):
        raise Misconfigured(f"{name} uses http to another computer. Use https: http is allowed for loopback only.")
    return Url(scheme, host, int(port or _DEFAULT_PORTS[scheme]), (path or "").rstrip("/"))


def is_loopback(host: str) -> bool:
    """Whether a host, in lower case and without brackets, is this computer.

    Only `localhost`, 127.x.x.x in its usual notation and `::1`. A resolver may answer everything else: 127.0.0.999,
    127.1, 0x7f.0.0.1, 2130706433, localhost.example.com.
    """
    return re.fullmatch(_LOOPBACK, host, re.ASCII) is not None


def quote(text: str) -> str:
    """Percent-encodes a path segment or query value, all but unreserved characters (RFC 3986, 2.3), as SigV4 does."""
    return quote_but(text, b"")


def quote_but(text: str, safe: bytes) -> str:
    """Percent-encodes a text, all but unreserved characters and `safe`."""
    return "".join(chr(byte) if byte in _UNRESERVED or byte in safe else f"%{byte:02X}" for byte in text.encode())
