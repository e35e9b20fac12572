"""AWS Signature Version 4 for every service but S3 (AWS IAM user guide, "Create a signed AWS API request")."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

from configsvc.model.record import Record
from configsvc_client._secret import ReprOnly, Secret, mask, unmask
from configsvc_client._transport.url import quote_but

_UNSIGNED = frozenset({"connection", "expect", "te", "transfer-encoding", "user-agent", "x-amzn-trace-id"})
_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(ReprOnly):
    """AWS credentials. `expires` is in seconds since the epoch, None if unknown.

    Not a tuple: tools that show the variables of a frame read the items of tuples.
    """

    __slots__ = ("access_key", "expires", "secret_key", "token")

    def __init__(
        self, access_key: str, secret_key: str | Secret, token: str | Secret | None = None, expires: float | None = None
    ) -> None:
        self.access_key = access_key
        self.secret_key = mask(secret_key)
        self.token = None if token is None else mask(token)
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
        return self.access_key, self.secret_key.reveal(), unmask(self.token), self.expires


def is_clean(text: str) -> bool:
    """Whether a text is visible ASCII, and so can be part of credentials and of a header."""
    return text.isascii() and text.isprintable() and " " not in text


class SignableRequest(Record):
    """The signed parts of a request: the URL's parts as they are sent, and headers with lower-case names."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str | Secret]
    body: bytes | Secret


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str | Secret],
    body: bytes | Secret,
    *,
    service: str,
    region: str,
    credentials: Credentials,
    now: float,
) -> dict[str, str | Secret]:
    """Signs a request and returns all headers to send. Secret ones are masked.

    Args:
        method: in upper case.
        url: absolute, percent-encoded as it is sent, without a fragment.
        headers: the other headers; Host is taken from the URL if it is missing.
        body: the exact bytes.
        service: `kms`, `execute-api`.
        region: like `eu-central-1`.
        credentials: sign the request.
        now: seconds since the epoch; AWS allows a skew of five minutes.

    Raises:
        ValueError: the URL is not absolute.
    """
    scheme, authority, path, query = _split_url(url)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    sent = _add_date_and_token(headers, stamp, credentials.token)
    lower = {name.lower(): value for name, value in sent.items()}
    lower.setdefault("host", _format_host(scheme, authority))
    signed = {name: value for name, value in lower.items() if name not in _UNSIGNED}
    request = SignableRequest(method, path, query, signed, body)
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    signature = _compute_signature(request, stamp, scope, credentials.secret_key)
    sent["Authorization"] = Secret(
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={';'.join(sorted(signed))}, Signature={signature.reveal()}"
    )
    return sent


def _split_url(url: str) -> tuple[str, str, str, str]:
    """Splits a URL into scheme, authority, path and query.

    Raises:
        ValueError: it is not absolute, or has a fragment.
    """
    scheme, _, rest = url.partition("://")
    before, _, query = rest.partition("?")
    authority, slash, path = before.partition("/")
    if scheme not in ("http", "https") or not authority or "#" in url:
        raise ValueError("not an absolute URL")
    return scheme, authority, slash + path, query


def _add_date_and_token(
    headers: Mapping[str, str | Secret], stamp: str, token: Secret | None
) -> dict[str, str | Secret]:
    replaced = {"authorization", "x-amz-date", "x-amz-security-token"}
    sent = {name: value for name, value in headers.items() if name.lower() not in replaced}
    sent["X-Amz-Date"] = stamp
    if token is not None:
        sent["X-Amz-Security-Token"] = token
    return sent


def _format_host(scheme: str, authority: str) -> str:
    default = ":80" if scheme == "http" else ":443"
    return authority.lower().removesuffix(default)


def _compute_signature(request: SignableRequest, stamp: str, scope: str, secret_key: Secret) -> Secret:
    """Computes the signature. Masks each derived key at once: whoever has one can sign for the day."""
    to_sign = "\n".join(
        (_ALGORITHM, stamp, scope, hashlib.sha256(build_canonical_request(request).encode()).hexdigest())
    )
    key = Secret(b"AWS4" + secret_key.reveal().encode())
    for part in scope.split("/"):
        key = Secret(hmac.digest(key.reveal(), part.encode(), "sha256"))
    return Secret(hmac.digest(key.reveal(), to_sign.encode(), "sha256").hex())


def build_canonical_request(request: SignableRequest) -> str:
    """Builds the canonical text that both sides hash."""
    names = sorted(request.headers)
    return "\n".join(
        (
            request.method,
            _canonicalize_path(request.path),
            _canonicalize_query(request.query),
            "".join(f"{name}:{' '.join(unmask(request.headers[name]).split())}\n" for name in names),
            ";".join(names),
            hashlib.sha256(unmask(request.body)).hexdigest(),
        )
    )


def _canonicalize_path(path: str) -> str:
    """Removes dot segments and doubled slashes and encodes the path once more, as all services but S3 do."""
    if path in ("", "/"):
        return "/"
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    end = "/" if path.endswith("/") and kept else ""
    return "/" + quote_but("/".join(kept), b"/") + end


def _canonicalize_query(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.split("&")) if query else ()
    return "&".join(f"{name}={value}" for name, value in sorted((name, value) for name, _, value in pairs))
