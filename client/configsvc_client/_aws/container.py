"""Container credentials: ECS, EKS Pod Identity, and Lambda with SnapStart, which sets no key variables.

AWS SDKs and Tools reference guide, "Container credential provider".
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from configsvc.model.errors import Misconfigured, Unavailable
from configsvc_client._aws.sigv4 import Credentials, is_clean
from configsvc_client._secret import Secret
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import Url, is_loopback

if TYPE_CHECKING:
    from configsvc_client._transport.response import Response

RELATIVE, FULL = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_TOKEN, _TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

_SECONDS = 1.0
_OK = 200
_PORTS = {"http": 80, "https": 443}
_ECS = "http://169.254.170.2"
_URI = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?(/[!-~]*)?", re.ASCII)
_ALLOWED = frozenset({"169.254.170.2", "169.254.170.23", "fd00:ec2::23"})
"""Hosts allowed with plain http in addition to loopback: ECS and EKS, as in every SDK."""


def is_set(environ: Mapping[str, str]) -> bool:
    """Whether the environment sets a container credentials endpoint."""
    return bool(environ.get(RELATIVE) or environ.get(FULL))


def fetch_credentials(environ: Mapping[str, str], deadline: float) -> Credentials:
    """Fetches the current credentials from the endpoint.

    Args:
        environ: the environment variables.
        deadline: in monotonic seconds; at most one second from now, because the endpoint is on this computer.

    Raises:
        Misconfigured: the endpoint is not allowed, or the token cannot be read.
        Unavailable: the endpoint did not answer, or not with credentials.
    """
    url, target = _find_endpoint(environ)
    headers: dict[str, str | Secret] = {"accept": "application/json", **_read_authorization(environ)}
    connection = Connection(url, environ)
    try:
        response = connection.request("GET", target, headers, b"", min(deadline, time.monotonic() + _SECONDS))
    finally:
        connection.close()
    if response.status != _OK:
        raise Unavailable(f"The container's credentials endpoint answered {response.status}.", reason="credentials")
    return _parse_response(response)


def _find_endpoint(environ: Mapping[str, str]) -> tuple[Url, str]:
    relative = environ.get(RELATIVE)
    name, text = (RELATIVE, _ECS + relative) if relative else (FULL, environ.get(FULL, ""))
    found = _URI.fullmatch(text)
    if not found or (found[1] == "http" and not _may_be_plain(found[2].strip("[]").lower())):
        raise Misconfigured(
            f"{name} must be an https URL, or http to loopback, ECS (169.254.170.2) or EKS (169.254.170.23)."
        )
    return Url(found[1], found[2].strip("[]").lower(), int(found[3] or _PORTS[found[1]]), ""), found[4] or "/"


def _may_be_plain(host: str) -> bool:
    return host in _ALLOWED or is_loopback(host)


def _read_authorization(environ: Mapping[str, str]) -> dict[str, Secret]:
    """Reads the token again each time, because its file is rotated."""
    path = environ.get(_TOKEN_FILE)
    token = _read_token(path) if path else Secret(environ.get(_TOKEN, ""))
    if any(not " " <= letter <= "~" for letter in token.reveal()):
        raise Misconfigured(f"{_TOKEN} contains characters that are invalid in a header.")
    return {"authorization": token} if token.reveal() else {}


def _read_token(path: str) -> Secret:
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123  # pathlib costs an import
            return Secret(file.read().strip())
    except (OSError, ValueError) as error:
        from configsvc_client._interrupts import prefer_interrupt

        failed = prefer_interrupt(error, Misconfigured(f"Cannot read the file that {_TOKEN_FILE} names."))
    raise failed  # outside the `except`: its context would show the token


def _parse_response(response: Response) -> Credentials:
    try:
        return _parse_members(json.loads(response.body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        from configsvc_client._interrupts import prefer_interrupt

        ours = Unavailable("The container's credentials endpoint returned no credentials.", reason="credentials")
        failed = prefer_interrupt(error, ours)
    raise failed  # outside the `except`: its context would show the credentials


def _parse_members(members: Mapping[str, object]) -> Credentials:
    expires = _parse_time(str(members["Expiration"])) if members.get("Expiration") else None
    parts = str(members["AccessKeyId"]), str(members["SecretAccessKey"]), str(members.get("Token") or "")
    if not all(map(is_clean, parts)):
        raise ValueError
    return Credentials(parts[0], parts[1], parts[2] or None, expires)


def _parse_time(text: str) -> float:
    """Converts an ISO 8601 time to seconds since the epoch. Without a zone it is UTC, not local time."""
    from datetime import UTC, datetime

    found = datetime.fromisoformat(text.strip().upper())
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
