"""Checks AWS Signature Version 4 as API Gateway does (IAM User Guide, "Create a signed AWS API request").

Written from the specification and not with a signer of ours, so that it is a second opinion. Presigned URLs and
`UNSIGNED-PAYLOAD` are not taken.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, unquote

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([A-Za-z0-9]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, *"
    r"SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})"
)
_DATE = "%Y%m%dT%H%M%SZ"
_SKEW_SECONDS = 300.0
_UNRESERVED = "-_.~"


class Request(NamedTuple):
    """A request as it came: the path still encoded, header values by lower-case name."""

    method: str
    path: str
    query: str
    headers: Mapping[str, list[str]]
    body: bytes


class BadSignature(Exception):
    """The signature is missing parts, is too old, or is not the one that the secret makes."""


class Signed(NamedTuple):
    """The parsed Authorization header."""

    access_key: str
    date: str
    region: str
    service: str
    headers: list[str]
    signature: str


def read(authorization: str) -> Signed:
    """The parts of an Authorization header.

    Raises:
        BadSignature: it is not SigV4.
    """
    found = _AUTHORIZATION.fullmatch(authorization.strip())
    if not found:
        raise BadSignature
    access_key, date, region, service, headers, signature = found.groups()
    return Signed(access_key, date, region, service, headers.split(";"), signature)


def check(request: Request, signed: Signed, secret: str, scope: tuple[str, str], now: Callable[[], float]) -> None:
    """Pass when the request bears the signature of this secret for this (region, service), now.

    Raises:
        BadSignature
    """
    stamp = "".join(request.headers.get("x-amz-date", []))
    if (signed.region, signed.service) != scope or not stamp.startswith(signed.date) or "host" not in signed.headers:
        raise BadSignature
    # A header that is signed as empty and never sent has no value to check (curl 7.88 does that to `-H 'name:'`).
    if any(name not in request.headers for name in signed.headers):
        raise BadSignature
    if abs(_seconds(stamp) - now()) > _SKEW_SECONDS:
        raise BadSignature
    if not hmac.compare_digest(_signature(request, signed, secret, stamp), signed.signature):
        raise BadSignature


def _seconds(stamp: str) -> float:
    try:
        return datetime.strptime(stamp, _DATE).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise BadSignature from None


def _signature(request: Request, signed: Signed, secret: str, stamp: str) -> str:
    scope = f"{signed.date}/{signed.region}/{signed.service}/aws4_request"
    digest = hashlib.sha256(_canonical(request, signed.headers).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}".encode(), "sha256").hexdigest()


def _canonical(request: Request, names: list[str]) -> str:
    headers = "".join(f"{name}:{_value(request.headers.get(name, []))}\n" for name in names)
    payload = hashlib.sha256(request.body).hexdigest()
    # All services but S3 encode the path once more than it was sent.
    path = quote(request.path, safe="/" + _UNRESERVED)
    return "\n".join([request.method, path, _query(request.query), headers, ";".join(names), payload])


def _value(values: list[str]) -> str:
    return ",".join(" ".join(value.split()) for value in values)


def _query(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join("=".join(pair) for pair in sorted((_encode(name), _encode(value)) for name, _, value in pairs))


def _encode(text: str) -> str:
    return quote(unquote(text), safe=_UNRESERVED)
