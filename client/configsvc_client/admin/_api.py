"""The HTTP API as its writers use it: one method a kind of request, retried where that is safe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from configsvc.model import errors
from configsvc_client import _sigv4
from configsvc_client._answer import Response
from configsvc_client._secret import Secret, masked
from configsvc_client._url import Url, quote
from configsvc_client.admin._patience import repeated
from configsvc_client.admin._ports import Ports

_SECONDS = 29.0
"""One request may take as long as API Gateway lets it (Amazon API Gateway quotas, integration timeout)."""

_OK = 300
_UNKNOWN = frozenset({502, 504})


class Answer(NamedTuple):
    """Status, decoded body and ETag of an answer that is no error."""

    status: int
    body: Mapping[str, object]
    etag: str | None


class _Request(NamedTuple):
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    signed: bool


class Api:
    """Requests with the API key; writes, and reads that ask for it, are signed for `execute-api` too.

    Args:
        url: base of the API, stage included, like `https://x.execute-api.eu-central-1.amazonaws.com/api`.
        api_key: the value of the caller's API key.
        region: the region that signatures name.
        ports: transport, credentials, clock and chance.
    """

    def __init__(self, url: Url, api_key: str | Secret, region: str, ports: Ports) -> None:
        self._url = url
        self._api_key = masked(api_key)
        self._region = region
        self._ports = ports

    def read(self, path: str, query: Mapping[str, object] | None = None, *, signed: bool = False) -> Answer:
        """GET a resource.

        Raises:
            ConfigsvcError: as the service answered, or Unavailable when it did not.
        """
        return self._answered(_Request("GET", self._at(path, query), {}, b"", signed))

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a write under a new Idempotency-Key, which every retry of it carries too.

        Raises:
            ConfigsvcError: as the service answered, or Unavailable when it did not.
        """
        content = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        sent = {"idempotency-key": self._ports.chance.idempotency_key(), **(headers or {})}
        if content:
            sent["content-type"] = "application/json"
        return self._answered(_Request(method, self._at(path, query), sent, content, signed=True))

    def skew(self) -> float | None:
        """Seconds that this clock is ahead of the service's, which tells whole ones; None where it does not tell.

        Raises:
            ConfigsvcError: as `read`.
        """
        response = self._sent(_Request("GET", self._at("/health", None), {}, b"", signed=False))
        _understood(response)
        told = _date(response.headers.get("date", ""))
        return None if told is None else self._ports.clock.wall() - told

    def _at(self, path: str, query: Mapping[str, object] | None) -> str:
        asked = [f"{name}={quote(str(value))}" for name, value in (query or {}).items() if value not in (None, "")]
        return f"{self._url.path}/v1{path}" + ("?" + "&".join(asked) if asked else "")

    def _answered(self, request: _Request) -> Answer:
        return repeated(lambda: _understood(self._sent(request)), self._ports.clock, self._ports.chance)

    def _sent(self, request: _Request) -> Response:
        headers: dict[str, str | Secret] = {"x-api-key": self._api_key, **request.headers}
        if request.signed:
            headers = _sigv4.sign(
                request.method, self._url.origin + request.target, headers, request.body, service="execute-api",
                region=self._region, credentials=self._ports.credentials(self._deadline()),
                now=self._ports.clock.wall(),
            )  # fmt: skip
        # Not signed: a proxy on the way may speak other encodings.
        sent = {**headers, "accept-encoding": "gzip"}
        # Reckoned here: a person who is asked for a code, or a process, may have taken longer than a request does.
        return self._ports.transport.request(request.method, request.target, sent, request.body, self._deadline())

    def _deadline(self) -> float:
        return self._ports.clock.now().monotonic + _SECONDS


def _understood(response: Response) -> Answer:
    body = _decoded(response.body)
    if response.status >= _OK:
        error = errors.from_problem(response.status, {**body, **_retry_after(response)})
        # Whether the service did it is not known, whatever the gateway calls its own failure.
        raise errors.Unavailable(error.detail, **error.members) if response.status in _UNKNOWN else error
    return Answer(response.status, body, response.headers.get("etag"))


def _decoded(body: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(body) if body else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after(response: Response) -> dict[str, object]:
    asked = response.headers.get("retry-after", "")
    return {"retry_after": int(asked)} if asked.isdecimal() else {}


def _date(text: str) -> float | None:
    """A Date header (RFC 9110, 5.6.7) in seconds since the epoch."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
