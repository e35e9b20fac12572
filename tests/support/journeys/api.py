"""The API as a small port over HTTP: signed by botocore, so that the service's signatures have a second opinion."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.people import ApiKey, Person

Who = Person | ApiKey | None

_SECONDS = 60


class Reply(NamedTuple):
    """An answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The JSON object of a success, which must be one."""
        assert self.status < 300, (self.status, self.body[:500])
        assert self.headers["content-type"].startswith("application/json")
        found: dict[str, Any] = json.loads(self.body)
        return found

    def problem(self) -> dict[str, Any]:
        """The problem of a refusal, which must be one."""
        assert self.headers.get("content-type", "").startswith("application/problem+json"), (self.status, self.body)
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        assert {"type", "title", "detail", "code", "instance"} <= found.keys()
        return found

    @property
    def code(self) -> str:
        """The problem's code."""
        return str(self.problem()["code"])


class Api:
    """Sends requests to one stage."""

    def __init__(self, url: str, region: str) -> None:
        self._base = urlsplit(url)
        self._region = region

    def send(  # noqa: PLR0917  # the parts of a request
        self,
        method: str,
        path: str,
        who: Who,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        *,
        signed: bool | None = None,
    ) -> Reply:
        """Send it as someone: with their API key, and signed where it is a write and they can sign.

        Args:
            method: upper case.
            path: below the base; sent as it stands.
            who: None sends no API key, and nobody sends an empty one.
            body: bytes and text as they are, anything else as JSON.
            headers: further headers.
            query: query parameters.
            signed: whether to sign, where the default does not fit.
        """
        target = self._base.path + path + (f"?{urlencode(query, quote_via=quote, safe='')}" if query else "")
        raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else _json(body)
        sent = {"Content-Type": "application/json"} if raw else {}
        sent |= dict(headers or {})
        if key := _key(who):
            sent["x-api-key"] = key
        if isinstance(who, Person) and (signed if signed is not None else _is_signed(method, path)):
            sent = self._sign(method, target, sent, raw, who)
        return self._exchange(method, target, sent, raw)

    def _sign(self, method: str, target: str, headers: Mapping[str, str], body: bytes, who: Person) -> dict[str, str]:
        request = AWSRequest(
            method, f"{self._base.scheme}://{self._base.netloc}{target}", headers=dict(headers), data=body
        )
        credentials = Credentials(who.access_key, who.secret_key, who.session_token)
        SigV4Auth(credentials, "execute-api", self._region).add_auth(request)
        return dict(request.headers.items())

    def _exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        secure = self._base.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = connect(self._base.netloc, timeout=_SECONDS)
        try:
            connection.request(method, target, body or None, dict(headers))
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, names, answer.read())
        finally:
            connection.close()


def _key(who: Who) -> str | None:
    return who.api_key if isinstance(who, Person) else who.value if who else None


def _json(body: object) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def _is_signed(method: str, path: str) -> bool:
    return method != "GET" or path.startswith("/v1/grants")
