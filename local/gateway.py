"""The loopback gateway: API Gateway's part in front of the app in process, or of a pool that runs its zip.

HTTP becomes REST proxy events, with stage, API keys, SigV4, `execute-api` permissions, throttling, compression and
gateway responses enforced. Routes come from the app's own table, and the answers that API Gateway makes itself from
infra/gateway_responses.py, so neither can drift. A development gateway: no security boundary.
"""

from __future__ import annotations

import gzip
import re
import time
from base64 import b64decode
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit
from uuid import uuid4

from chalice.app import IAMAuthorizer

from configsvc.model import errors
from infra.gateway_responses import CATCH_ALLS, PROBLEMS, RETRY_AFTER
from local import gateway_signature as signature
from local.gateway_event import Event, Matched, Routes, event, match
from local.server import Handler, LoopbackServer

STAGE = "api"
_SCOPE = ("us-east-1", "execute-api")
_MOST_BYTES = 10 * 1024 * 1024  # API Gateway quotas: payload size
_COMPRESS_FROM = 1024  # .chalice/config.json: minimum_compression_size

Target = Callable[[Event], dict[str, Any]]


class Identity(NamedTuple):
    """An IAM identity: its secret, who it is, and the routes it may invoke, such as `PUT/v1/namespaces/*`."""

    secret: str
    arn: str
    allowed: Collection[str] = ("*",)
    token: str | None = None

    def __repr__(self) -> str:
        return f"Identity(arn={self.arn!r})"


class Answer(NamedTuple):
    """What goes back over HTTP."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _Refused(Exception):
    """A gateway response, by its type."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.problem, self.status = PROBLEMS[kind], PROBLEMS[kind].status


class Gateway:
    """API Gateway's decisions, without a socket.

    Args:
        target: what an event is handed to: the app in process, or a pool of awslambdaric processes.
        routes: the app's routing table (`app.routes`).
        keys: id of each API key, by its value.
        identities: IAM identities by access key.
        admits: whether the usage plan lets a request of this API key's id through now.
        now: seconds since the epoch, for the age of signatures.
    """

    def __init__(
        self,
        target: Target,
        routes: Routes,
        keys: Mapping[str, str],
        identities: Mapping[str, Identity],
        admits: Callable[[str], bool] = lambda _key: True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._target, self._routes = target, routes
        self._keys, self._identities = keys, identities
        self._admits, self._now = admits, now

    def answer(self, request: signature.Request) -> Answer:
        """What API Gateway answers."""
        request_id = str(uuid4())
        try:
            matched = self._matched(request)
            identity = self._identity(request, matched)
        except _Refused as refused:
            return _problem(refused.status, errors.to_problem(refused.problem, request_id), request_id)
        made = event(request, matched, identity, STAGE, request_id)
        try:
            return _compressed(_answer(self._target(made), request_id), request)
        except Exception:  # noqa: BLE001  # a function that failed, or an answer that is none: 502, as API Gateway
            body = errors.to_problem(CATCH_ALLS["DEFAULT_5XX"], request_id)
            return _problem(502, {name: each for name, each in body.items() if name != "status"}, request_id)

    def _matched(self, request: signature.Request) -> Matched:
        stage, path = f"/{STAGE}/", request.path
        if len(request.body) > _MOST_BYTES:
            raise _Refused("REQUEST_TOO_LARGE")
        matched = match(self._routes, request.method, path[len(stage) - 1 :]) if path.startswith(stage) else None
        if matched is None:
            raise _Refused("MISSING_AUTHENTICATION_TOKEN")
        return matched

    def _identity(self, request: signature.Request, matched: Matched) -> dict[str, str | None]:
        identity: dict[str, str | None] = {
            "sourceIp": "127.0.0.1",
            "userAgent": "".join(request.headers.get("user-agent", [])) or None,
            "accessKey": None,
            "userArn": None,
        }
        if isinstance(matched.entry.authorizer, IAMAuthorizer):
            identity |= self._signer(request, matched)
        if matched.entry.api_key_required:
            identity |= self._api_key(request)
        return identity

    def _signer(self, request: signature.Request, matched: Matched) -> dict[str, str]:
        if "authorization" not in request.headers:
            raise _Refused("MISSING_AUTHENTICATION_TOKEN")
        try:
            signed = signature.read(request.headers["authorization"][-1])
            identity = self._identities[signed.access_key]
            signature.check(request, signed, identity.secret, _SCOPE, self._now)
        except (signature.BadSignature, KeyError):
            raise _Refused("INVALID_SIGNATURE") from None
        if request.headers.get("x-amz-security-token", [None])[-1] != identity.token:
            raise _Refused("INVALID_SIGNATURE")
        if not any(_covers(allowed, f"{request.method}{matched.path}") for allowed in identity.allowed):
            raise _Refused("ACCESS_DENIED")
        return {"accessKey": signed.access_key, "userArn": identity.arn}

    def _api_key(self, request: signature.Request) -> dict[str, str]:
        value = request.headers.get("x-api-key", [""])[-1]
        if value not in self._keys:
            raise _Refused("INVALID_API_KEY")
        if not self._admits(self._keys[value]):
            raise _Refused("THROTTLED")
        return {"apiKey": value, "apiKeyId": self._keys[value]}


class LoopbackGateway:
    """A gateway that listens on 127.0.0.1; a context manager. `url` is the API's base, with the stage.

    Args:
        gateway: decides.
        port: 0 takes a free one.
    """

    def __init__(self, gateway: Gateway, port: int = 0) -> None:
        handler = type("_BoundHandler", (_GatewayHandler,), {"gateway": gateway})
        self._server = LoopbackServer(handler, port)

    @property
    def url(self) -> str:
        """The base of the API, such as http://127.0.0.1:8000/api."""
        return f"{self._server.url}/{STAGE}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop()


class _GatewayHandler(Handler):
    gateway: Gateway
    wbufsize = -1  # one packet an answer

    def answer(self) -> None:
        target = urlsplit(self.path)
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        self._send(
            self.gateway.answer(signature.Request(self.command, target.path, target.query, headers, self.body()))
        )

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()


def _covers(pattern: str, route: str) -> bool:
    """Whether an `execute-api` resource covers a route: `*` stands for anything, `?` for one character."""
    wild = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, route) is not None


def _problem(status: int, body: Mapping[str, object], request_id: str) -> Answer:
    import json

    headers = [("Content-Type", "application/problem+json"), ("x-amzn-RequestId", request_id)]
    if status in RETRY_AFTER:
        headers.append(("Retry-After", "1"))
    return Answer(status, headers, json.dumps(body).encode())


def _answer(made: Mapping[str, Any], request_id: str) -> Answer:
    body = made.get("body") or ""
    raw = b64decode(body) if made.get("isBase64Encoded") else body.encode()
    headers = [(name, str(value)) for name, value in (made.get("headers") or {}).items()]
    headers += [(name, str(each)) for name, many in (made.get("multiValueHeaders") or {}).items() for each in many]
    return Answer(int(made["statusCode"]), [*headers, ("x-amzn-RequestId", request_id)], raw)


def _compressed(answer: Answer, request: signature.Request) -> Answer:
    accepted = ",".join(request.headers.get("accept-encoding", []))
    if len(answer.body) < _COMPRESS_FROM or "gzip" not in accepted:
        return answer
    return Answer(answer.status, [*answer.headers, ("Content-Encoding", "gzip")], gzip.compress(answer.body, 6))
